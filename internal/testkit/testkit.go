// Package testkit has what the tests of several packages share: keys and a user, requests to a
// handler, and functions that read responses without the library's code.
package testkit

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"html"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/presets"
)

// Secret is the secret of HMAC tokens. It is the one of ReadMe's test vectors.
const Secret = "rdme_example_secret"

// The other keys, the user, and the time of tokens.
var (
	// Ed25519 is the key of RFC 8032, section 7.1, test 2.
	Ed25519    = ed25519.NewKeyFromSeed([]byte("\x4c\xcd\x08\x9b\x28\xff\x96\xda\x9d\xb6\xc3\x46\xec\x11\x4e\x0f\x5b\x8a\x31\x9f\x35\xab\xa6\x24\xda\x8c\xf6\xed\x4f\xb8\xa6\xfb"))
	Ed25519PEM = PKCS8(Ed25519)
	P256       = newP256()
	P256PEM    = PKCS8(P256)

	Ada  = &docslogin.User{ID: "u-42", Name: "Ada Lovelace", Email: "ada@example.com"}
	Noon = time.Unix(1700000000, 0)

	AtNoon = docslogin.WithClock(func() time.Time { return Noon })
	Silent = docslogin.WithLogger(slog.New(slog.DiscardHandler))
)

func newP256() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

// PKCS8 returns a private key as a PEM text.
func PKCS8(key any) string {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// RaceDetector reports whether the tests are built with -race.
var RaceDetector bool

// KeyFor returns the text of the key that tests use with a preset.
func KeyFor(p presets.Preset) string {
	switch p.Rules(nil).Algorithms[0] {
	case "EdDSA":
		return Ed25519PEM
	case "ES256":
		return P256PEM
	}
	return Secret
}

// Presets returns every preset's platform, for docs at https://docs.example.com.
func Presets() (all []docslogin.Platform) {
	for _, p := range presets.All() {
		all = append(all, p.Example("https://docs.example.com", KeyFor(p)))
	}
	return all
}

// Arrival returns the page of the docs to which a login leads that starts at page: that page, or
// the home page if the platform sends no deep link.
func Arrival(p presets.Preset, page string) string {
	if p.Rules(nil).Link == "" {
		return "/"
	}
	return page
}

// As returns a lookup that always finds user, who may be nil.
func As(user *docslogin.User) docslogin.UserLookup {
	return func(*http.Request) (*docslogin.User, error) { return user, nil }
}

// Nobody is a lookup that finds nobody.
func Nobody(*http.Request) (*docslogin.User, error) { return nil, docslogin.ErrNoUser }

// Failing returns a lookup that returns err.
func Failing(err error) docslogin.UserLookup {
	return func(*http.Request) (*docslogin.User, error) { return nil, err }
}

// Hidden is a user whose every value that must not be told begins with hidden.
var Hidden = &docslogin.User{
	ID: "u-42", Name: "hidden-name", Email: "hidden-email@example.com", Groups: []string{"hidden-group"},
	APIKeys: []docslogin.APIKey{
		{Name: "hidden-key-name", Key: "hidden-key"},
		{Name: "hidden-second", Username: "hidden-username", Password: "hidden-password", Values: map[string]any{"header": "hidden-value"}},
	},
	Attributes: map[string]any{"plan": "hidden-attribute"},
	ExpiresAt:  Noon.Add(12345 * time.Second),
	App:        "hidden-app",
}

// Never is a lookup that must not be called.
func Never(t testing.TB) docslogin.UserLookup {
	return func(*http.Request) (*docslogin.User, error) {
		t.Error("the lookup was called")
		return nil, nil
	}
}

// Until returns a complete user whose session at the app ends so long after noon.
func Until(d time.Duration) *docslogin.User {
	return &docslogin.User{ID: "1", Name: "Ada", Email: "ada@example.com", ExpiresAt: Noon.Add(d)}
}

// Sets is a mapper that sets one claim.
func Sets(name string, value any) docslogin.Option {
	return docslogin.WithClaimsMapper(func(_ context.Context, _ *docslogin.User, claims docslogin.Claims) error {
		claims[name] = value
		return nil
	})
}

// Calls is a mapper that calls f and returns its error.
func Calls(f func() error) docslogin.Option {
	return docslogin.WithClaimsMapper(func(context.Context, *docslogin.User, docslogin.Claims) error { return f() })
}

// Observe stores the latest event in e.
func Observe(e *docslogin.Event) docslogin.Option {
	return docslogin.WithObserver(func(_ context.Context, got docslogin.Event) { *e = got })
}

// New returns a middleware that logs nothing and whose clock is at Noon, unless an option changes
// that.
func New(t testing.TB, lookup docslogin.UserLookup, p docslogin.Platform, opts ...docslogin.Option) *docslogin.Middleware {
	t.Helper()
	m, err := docslogin.New(lookup, p, append([]docslogin.Option{Silent, AtNoon}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// ConfigErrors returns the configuration errors that are joined in err.
func ConfigErrors(err error) (all []*docslogin.ConfigError) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			all = append(all, ConfigErrors(err)...)
		}
		return all
	}
	var one *docslogin.ConfigError
	if errors.As(err, &one) {
		all = append(all, one)
	}
	return all
}

// Told collects what a handler reports to its operator: events and log lines.
type Told struct {
	Events []docslogin.Event
	Lines  int // number of log lines
	text   strings.Builder
}

// Options returns options that make a handler report to t.
func (t *Told) Options() []docslogin.Option {
	return []docslogin.Option{docslogin.WithLogger(slog.New((*lines)(t))), docslogin.WithObserver(func(_ context.Context, e docslogin.Event) {
		t.Events = append(t.Events, e)
		// Other verbs print addresses as digits, which may contain any short text.
		t.text.WriteString(printed(e, textVerbs) + printed(e.Err, textVerbs))
	})}
}

// String returns the events in all printed forms, and the log lines as text and as JSON.
func (t *Told) String() string { return t.text.String() }

// lines is the slog.Handler of a Told.
type lines Told

func (l *lines) Enabled(context.Context, slog.Level) bool { return true }
func (l *lines) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *lines) WithGroup(string) slog.Handler            { return l }

func (l *lines) Handle(ctx context.Context, r slog.Record) error {
	l.Lines++
	return errors.Join(slog.NewTextHandler(&l.text, nil).Handle(ctx, r), slog.NewJSONHandler(&l.text, nil).Handle(ctx, r))
}

// Get sends a GET request for a URL to the handler. Headers are given as "Name: value".
func Get(t testing.TB, h http.Handler, target string, headers ...string) *http.Response {
	t.Helper()
	return Do(t, h, http.MethodGet, target, headers...)
}

// Do is Get with another method.
func Do(t testing.TB, h http.Handler, method, target string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// Body returns a response's body.
func Body(t testing.TB, resp *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// JWT matches a token.
var JWT = regexp.MustCompile(`eyJ[\w-]*\.[\w-]+\.[\w-]+`)

// Masked returns a URL with TOKEN in place of its token.
func Masked(location string) string { return JWT.ReplaceAllString(location, "TOKEN") }

// Payload returns the payload of the only token in a URL, with JTI in place of a random jti. It
// verifies the token with the standard library.
func Payload(t testing.TB, location string) string {
	t.Helper()
	tokens := JWT.FindAllString(location, -1)
	if len(tokens) != 1 {
		t.Fatalf("%d tokens in %q", len(tokens), location)
	}
	parts := strings.Split(tokens[0], ".")
	header, payload, signature := decode(t, parts[0]), decode(t, parts[1]), decode(t, parts[2])
	if !verifies(t, header, []byte(parts[0]+"."+parts[1]), signature) {
		t.Fatalf("the signature of %s does not verify", payload)
	}
	return regexp.MustCompile(`"jti":"[A-Z2-7]{26}"`).ReplaceAllString(string(payload), `"jti":"JTI"`)
}

func verifies(t testing.TB, header, signed, signature []byte) bool {
	t.Helper()
	switch string(header) {
	case `{"alg":"HS256","typ":"JWT"}`:
		mac := hmac.New(sha256.New, []byte(Secret))
		mac.Write(signed)
		return hmac.Equal(mac.Sum(nil), signature)
	case `{"alg":"HS512","typ":"JWT"}`:
		mac := hmac.New(sha512.New, []byte(Secret))
		mac.Write(signed)
		return hmac.Equal(mac.Sum(nil), signature)
	case `{"alg":"ES256","typ":"JWT"}`: // RFC 7518, section 3.4
		if len(signature) != 64 {
			return false
		}
		r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		hash := sha256.Sum256(signed)
		return ecdsa.Verify(&P256.PublicKey, hash[:], r, s)
	case `{"alg":"EdDSA","typ":"JWT"}`:
		return ed25519.Verify(Ed25519.Public().(ed25519.PublicKey), signed, signature)
	}
	t.Fatalf("the header is %s", header)
	return false
}

func decode(t testing.TB, part string) []byte {
	t.Helper()
	decoded, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}

// Login requests a login. It returns where that leads, with TOKEN in place of the token, and the
// token's payload.
func Login(t testing.TB, h http.Handler, target string) (location, payload string) {
	t.Helper()
	location = Sent(t, Get(t, h, target))
	return Masked(location), Payload(t, location)
}

var (
	formTag  = regexp.MustCompile(`<form method="post" action="([^"]*)">`)
	inputTag = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
)

// Sent returns where a response sends the browser. For a redirect, that is the URL, followed by each cookie
// as " Cookie: name=value". For a form, it is "POST", the URL to which the form is posted, and its body.
func Sent(t testing.TB, resp *http.Response) string {
	t.Helper()
	if resp.StatusCode == http.StatusFound {
		to := resp.Header.Get("Location")
		for _, cookie := range resp.Cookies() {
			to += " Cookie: " + cookie.Name + "=" + cookie.Value
		}
		return to
	}
	page := Body(t, resp)
	form := formTag.FindAllStringSubmatch(page, -1)
	if resp.StatusCode != http.StatusOK || len(form) != 1 {
		t.Fatalf("%d %s", resp.StatusCode, page)
	}
	to, separator := "POST "+html.UnescapeString(form[0][1]), " "
	for _, input := range inputTag.FindAllStringSubmatch(page, -1) {
		to += separator + html.UnescapeString(input[1]) + "=" + url.QueryEscape(html.UnescapeString(input[2]))
		separator = "&"
	}
	return to
}
