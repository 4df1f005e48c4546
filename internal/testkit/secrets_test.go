package testkit_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"
	"github.com/gorilla/sessions"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/internal/presets"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
	"github.com/docslogin/docslogin/userinfo"
	"github.com/docslogin/docslogin/webhook"
)

// secret does not occur in any other text.
const secret = "kX9vQ2zJ7wR4tY8pL3mN5cB1"

// keyFor returns the text of a key for the preset.
func keyFor(p presets.Preset) string {
	if key := testkit.KeyFor(p); key != testkit.Secret {
		return key
	}
	return secret
}

// body returns the part of a PEM text that differs from key to key.
func body(pem string) string {
	lines := strings.Split(pem, "\n")
	return strings.Join(lines[1:len(lines)-2], "")
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// second returns the error of a func that should fail.
func second[T any](_ T, err error) error {
	if err == nil {
		panic("there is no error")
	}
	return err
}

// Nothing that the library returns prints a part of a key.
func TestNothingPrintsAKey(t *testing.T) {
	values := map[string]any{}
	maps.Copy(values, keyValues())
	maps.Copy(values, routeValues())
	maps.Copy(values, errorValues())
	for _, p := range presets.All() {
		name, _, _ := strings.Cut(p.Call, "(")
		values["platforms."+name] = p.Example("https://docs.example.com", keyFor(p))
		option := docslogintest.WithKey(keyFor(p))
		site := p.Site(option)
		defer site.Close()
		values["docslogintest.New"+name] = site
		values["docslogintest.Site.Platform: "+name] = site.Platform()
		values["docslogintest.WithKey: "+name] = option
	}
	testkit.CheckPrints(t, values, secret,
		string(testkit.Ed25519.Seed()), body(testkit.Ed25519PEM),
		new(big.Int).SetBytes(must(testkit.P256.Bytes())), body(testkit.P256PEM))
	testkit.CheckCreated(t, "../..", values,
		// the app's settings and users
		`docslogin.Carrier docslogin.DeepLink docslogin.LinkForm docslogin.Lifetime docslogin.InCookie docslogin.InForm docslogin.InFragment docslogin.InQuery
		docslogin.WithClaimsMapper docslogin.WithClock docslogin.WithErrorHandler docslogin.WithExternalURL docslogin.WithLogger
		docslogin.WithObserver docslogin.Option docslogin.WithPath docslogin.WithReturnParams docslogin.WithSessionTTL docslogin.WithSignInPage docslogin.WithTokenTTL
		docslogin.APIKey docslogin.ClaimsMapper docslogin.User docslogin.Profile.Now
		docslogintest.WithClock docslogintest.WithListener docslogintest.WithTitle`,
		// claims, events, and results of test sites
		`docslogin.Claims docslogin.Claims.Object docslogin.Profile.Claims docslogin.Event docslogin.Outcome
		docslogintest.Login docslogintest.Rejection docslogintest.Site.Login docslogintest.Site.Logins docslogintest.Site.Rejections`,
		// HTTP clients and requests
		"docslogintest.NewClient docslogintest.Transport docslogintest.NewReadMeRequest docslogintest.NewScalarRequest",
	)
}

// Leaks finds a key in every form in which a type may keep it.
func TestLeaks(t *testing.T) {
	number := new(big.Int).SetBytes(must(testkit.P256.Bytes()))
	values := map[string]any{
		"a text": struct{ key string }{secret}, "an error's text": errors.New(secret), "an error's cause": fmt.Errorf("no: %w", errors.New(secret)),
		"bytes": struct{ key []byte }{[]byte(secret)}, "an array": struct{ key [24]byte }{[24]byte([]byte(secret))}, "numbers": []int{'k', 'X', '9', 'v', 'Q', '2'},
		"base64 of more": base64.StdEncoding.EncodeToString([]byte("a" + secret)), "a part in base64": base64.RawURLEncoding.EncodeToString([]byte(secret[5:])),
		"an Ed25519 key": testkit.Ed25519, "a signer": cryptosigner.Opaque(testkit.Ed25519), "a P-256 key": testkit.P256, "a number": number, "a number's words": struct{ key big.Int }{*number},
		"a PEM text": testkit.P256PEM, "a pointer's": &struct{ key []byte }{[]byte(secret)}, "an element's": []any{struct{ key string }{secret}},
	}
	leaks := testkit.Leaks(values, secret, string(testkit.Ed25519.Seed()), number, body(testkit.P256PEM))
	for name, value := range values {
		if leaks[name] == "" {
			t.Errorf("%s, a %T, is not found", name, value)
		}
	}
}

// keyValues returns keys, and platforms that have them.
func keyValues() map[string]any {
	return map[string]any{
		"docslogin.Secret":            docslogin.Secret(secret),
		"docslogin.PrivateKey":        docslogin.PrivateKey(testkit.Ed25519PEM),
		"docslogin.PrivateKey: P-256": docslogin.PrivateKey(testkit.P256PEM),
		"docslogin.SignWith":          docslogin.SignWith(cryptosigner.Opaque(testkit.Ed25519)),
		"docslogin.SignWith: P-256":   docslogin.SignWith(cryptosigner.Opaque(testkit.P256)),
		"platforms.ReadMeInfo":        withKey(platforms.ReadMeInfo()),
		"platforms.MintlifyInfo":      withKey(platforms.MintlifyInfo()),
		"docslogin.SessionLookup":     docslogin.SessionLookup(sessions.NewCookieStore([]byte(secret)), "app", func(*http.Request, *sessions.Session) (*docslogin.User, error) { return nil, nil }),
	}
}

func withKey(p docslogin.Platform) docslogin.Platform {
	p.Key = docslogin.Secret(secret)
	return p
}

// routeValues returns handlers and a profile.
func routeValues() map[string]any {
	platform := platforms.ReadMe("https://docs.example.com", secret)
	m := must(docslogin.New(testkit.Nobody, platform))
	rotated := docslogin.Must(docslogin.New(testkit.Nobody, platforms.ReadMe("https://docs.example.com", testkit.Secret)))
	if err := rotated.SetKey(docslogin.Secret(secret)); err != nil {
		panic(err)
	}
	find := func(context.Context, string) (*docslogin.User, error) { return nil, nil }
	answer, info := must(webhook.ReadMe(testkit.Secret, find)), must(webhook.Scalar("whsec_"+testkit.Secret, find))
	if err := errors.Join(answer.SetSecret(secret), info.SetSecret("whsec_"+secret)); err != nil {
		panic(err)
	}
	return map[string]any{
		"docslogin.New":             m,
		"docslogin.Must":            rotated,
		"docslogin.Middleware.Wrap": m.Wrap(nil),
		"docslogin.NewProfile":      must(docslogin.NewProfile(platform)),
		"userinfo.New":              must(userinfo.New(testkit.Nobody, platform, nil)),
		"webhook.ReadMe":            must(webhook.ReadMe(secret, find)),
		"webhook.ReadMe: rotated":   answer,
		"webhook.Scalar":            must(webhook.Scalar("whsec_"+secret, find)),
		"webhook.Scalar: rotated":   info,
	}
}

// errorValues returns errors about invalid keys and about a failed signature.
func errorValues() map[string]any {
	const docs = "https://docs.example.com"
	mintlify, adaptive := platforms.Mintlify(docs, ""), platforms.GitBookAdaptive(docs, "example.com", "")
	adaptive.Algorithm = jose.EdDSA
	for _, p := range []*docslogin.Platform{&mintlify, &adaptive} {
		p.Key = docslogin.SignWith(&fickle{OpaqueSigner: cryptosigner.Opaque(testkit.Ed25519)})
	}
	m, inCookie := must(docslogin.New(testkit.Nobody, mintlify)), must(docslogin.New(testkit.Nobody, adaptive))
	w := httptest.NewRecorder()
	values := map[string]any{
		"docslogin.Middleware.LoginURL":             second(m.LoginURL(context.Background(), testkit.Ada, "")),
		"docslogin.Middleware.LoginURL: no URL":     second(inCookie.LoginURL(context.Background(), testkit.Ada, "")),
		"docslogin.Middleware.Token":                second(m.Token(context.Background(), testkit.Ada)),
		"docslogin.Middleware.SetCookie":            second("", inCookie.SetCookie(context.Background(), w, testkit.Ada)),
		"docslogin.Middleware.SetCookie: no cookie": second("", m.SetCookie(context.Background(), w, testkit.Ada)),
		"docslogin.Middleware.SetKey":               second("", m.SetKey(docslogin.PrivateKey(testkit.P256PEM))),
		"webhook.Handler.SetSecret":                 second("", new(webhook.Handler).SetSecret(secret[:12])),
		"webhook.ReadMe: errors":                    second(webhook.ReadMe(secret+" ", nil)),
		"webhook.Scalar: errors":                    second(webhook.Scalar(secret, nil)),
		"docslogintest.WithKey: errors":             panics(func() { docslogintest.NewReadMe(docslogintest.WithKey(secret + " ")) }),
	}
	for name, p := range map[string]docslogin.Platform{
		"a short secret":               platforms.ReadMe(docs, secret[:12]),
		"the secret as the domain":     platforms.GitBookAdaptive(docs, secret, secret),
		"the secret as a bad domain":   platforms.GitBookAdaptive(docs, secret+".example/", secret),
		"the secret as a cookie":       cookieNamed(secret + ";"),
		"a secret with a newline":      platforms.ReadMe(docs, secret+"\n"),
		"the secret as the URL":        platforms.ReadMe(secret, secret),
		"a key of the wrong kind":      platforms.Mintlify(docs, testkit.P256PEM),
		"another wrong kind":           platforms.MintlifyPersonalization(docs, testkit.Ed25519PEM),
		"a key in PEM that is cut off": platforms.Mintlify(docs, testkit.Ed25519PEM[:80]),
		"the body of a key in PEM":     platforms.Mintlify(docs, body(testkit.Ed25519PEM)),
	} {
		err := second(docslogin.New(testkit.Nobody, p))
		values["docslogin.New: "+name] = err
		for i, one := range testkit.ConfigErrors(err) {
			values[fmt.Sprint("docslogin.ConfigError: ", name, i)] = one
		}
	}
	return values
}

// cookieNamed returns a platform that takes the token in a cookie with this name.
func cookieNamed(name string) docslogin.Platform {
	p := platforms.GitBookAdaptive("https://docs.example.com", "example.com", secret)
	p.Carrier = docslogin.InCookie(name, "example.com")
	return p
}

// fickle makes one signature, for the trial, and then fails.
type fickle struct {
	jose.OpaqueSigner
	signed bool
}

func (f *fickle) SignPayload(payload []byte, alg jose.SignatureAlgorithm) ([]byte, error) {
	if f.signed {
		return nil, errors.New("the vault is closed")
	}
	f.signed = true
	return f.OpaqueSigner.SignPayload(payload, alg)
}

// panics returns what f panics with.
func panics(f func()) (err error) {
	defer func() { err = fmt.Errorf("%v", recover()) }()
	f()
	return nil
}
