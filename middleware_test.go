package docslogin_test

import (
	"bytes"
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
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"html"
	"io"
	"log/slog"
	"maps"
	"math"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"
	"github.com/gorilla/sessions"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

// What the tests sign with, and when.
const secret = "rdme_example_secret"

var (
	edKey   = ed25519.NewKeyFromSeed([]byte("\x4c\xcd\x08\x9b\x28\xff\x96\xda\x9d\xb6\xc3\x46\xec\x11\x4e\x0f\x5b\x8a\x31\x9f\x35\xab\xa6\x24\xda\x8c\xf6\xed\x4f\xb8\xa6\xfb"))
	edPEM   = pkcs8(edKey)
	p256    = newP256()
	noon    = time.Unix(1700000000, 0)
	atNoon  = docslogin.WithClock(func() time.Time { return noon })
	ada     = &docslogin.User{ID: "u-42", Name: "Ada Lovelace", Email: "ada@example.com"}
	readMe  = docslogin.ReadMe("https://docs.example.com", secret)
	minty   = docslogin.Mintlify("https://docs.example.com", edPEM)
	public  = docslogin.MintlifyPersonalization("https://example.com/docs", pkcs8(p256))
	gitBook = docslogin.GitBook("https://example.com/docs", secret)
	fern    = docslogin.Fern("https://example.com/docs", secret)
	zendesk = docslogin.Zendesk("acme", secret)
	scout   = docslogin.HelpScout("https://docs.example.com", secret)
	hub     = docslogin.DeveloperHub("https://docs.example.com", secret)
	canny   = docslogin.Canny("https://feedback.example.com", "configured", secret)
	feature = docslogin.Featurebase("https://help.example.com", secret)
	meta    = docslogin.Metabase("https://bi.example.com/meta", secret)
	nothing = docslogin.WithLogger(slog.New(slog.DiscardHandler))
)

// presets are all that there are.
var presets = []docslogin.Platform{readMe, minty, public, gitBook, fern, zendesk, scout, hub, canny, feature, meta}

func newP256() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

func pkcs8(key any) string {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// as is a lookup that always finds user; nobody is one that finds none.
func as(user *docslogin.User) docslogin.UserLookup {
	return func(*http.Request) (*docslogin.User, error) { return user, nil }
}

func nobody(*http.Request) (*docslogin.User, error) { return nil, docslogin.ErrNoUser }

func failing(err error) docslogin.UserLookup {
	return func(*http.Request) (*docslogin.User, error) { return nil, err }
}

func newMiddleware(t testing.TB, lookup docslogin.UserLookup, p docslogin.Platform, opts ...docslogin.Option) *docslogin.Middleware {
	t.Helper()
	m, err := docslogin.New(lookup, p, append([]docslogin.Option{nothing, atNoon}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// get asks the handler for a URL. Headers are given as "Name: value".
func get(t testing.TB, h http.Handler, target string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest("GET", target, nil)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func bodyOf(t testing.TB, resp *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

var jwt = regexp.MustCompile(`eyJ[\w-]*\.[\w-]+\.[\w-]+`)

// masked is a URL with TOKEN in the place of its token.
func masked(location string) string { return jwt.ReplaceAllString(location, "TOKEN") }

// payloadOf returns the payload of the one token in a URL, verified with the standard
// library, with the random jti replaced.
func payloadOf(t testing.TB, location string) string {
	t.Helper()
	tokens := jwt.FindAllString(location, -1)
	if len(tokens) != 1 {
		t.Fatalf("%d tokens in %q", len(tokens), location)
	}
	parts := strings.Split(tokens[0], ".")
	header, payload, signature := decode(t, parts[0]), decode(t, parts[1]), decode(t, parts[2])
	signed := []byte(parts[0] + "." + parts[1])
	switch header {
	case `{"alg":"HS256","typ":"JWT"}`:
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(signed)
		if !hmac.Equal(mac.Sum(nil), []byte(signature)) {
			t.Fatalf("the signature of %s is not the secret's", payload)
		}
	case `{"alg":"HS512","typ":"JWT"}`:
		mac := hmac.New(sha512.New, []byte(secret))
		mac.Write(signed)
		if !hmac.Equal(mac.Sum(nil), []byte(signature)) {
			t.Fatalf("the signature of %s is not the secret's", payload)
		}
	case `{"alg":"ES256","typ":"JWT"}`: // RFC 7518, section 3.4
		r, s := new(big.Int).SetBytes([]byte(signature[:32])), new(big.Int).SetBytes([]byte(signature[32:]))
		if hash := sha256.Sum256(signed); len(signature) != 64 || !ecdsa.Verify(&p256.PublicKey, hash[:], r, s) {
			t.Fatalf("the signature of %s is not the key's", payload)
		}
	case `{"alg":"EdDSA","typ":"JWT"}`:
		if !ed25519.Verify(edKey.Public().(ed25519.PublicKey), signed, []byte(signature)) {
			t.Fatalf("the signature of %s is not the key's", payload)
		}
	default:
		t.Fatalf("the header is %s", header)
	}
	return regexp.MustCompile(`"jti":"[A-Z2-7]{26}"`).ReplaceAllString(payload, `"jti":"JTI"`)
}

func decode(t testing.TB, part string) string {
	t.Helper()
	decoded, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	return string(decoded)
}

// login asks for a login and returns where it leads and what the token says.
func login(t testing.TB, m http.Handler, target string) (location, payload string) {
	t.Helper()
	location = sent(t, get(t, m, target))
	return masked(location), payloadOf(t, location)
}

var (
	formTag  = regexp.MustCompile(`<form method="post" action="([^"]*)">`)
	inputTag = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
)

// sent is where an answer sends the browser: a redirect's URL, or "POST", the URL to which
// a form is posted, and its body.
func sent(t testing.TB, resp *http.Response) string {
	t.Helper()
	if resp.StatusCode == 302 {
		return resp.Header.Get("Location")
	}
	page := bodyOf(t, resp)
	form := formTag.FindAllStringSubmatch(page, -1)
	if resp.StatusCode != 200 || len(form) != 1 {
		t.Fatalf("%d %s", resp.StatusCode, page)
	}
	to, separator := "POST "+html.UnescapeString(form[0][1]), " "
	for _, input := range inputTag.FindAllStringSubmatch(page, -1) {
		to += separator + html.UnescapeString(input[1]) + "=" + url.QueryEscape(html.UnescapeString(input[2]))
		separator = "&"
	}
	return to
}

func TestWhatThePlatformsGet(t *testing.T) {
	user := &docslogin.User{
		ID: "u-42", Name: "Ada Lovelace", Email: "ada@example.com", Groups: []string{"admin"},
		APIKeys:    []docslogin.APIKey{{Key: "sk_1"}},
		Attributes: map[string]any{"plan": "pro", "first_name": "Ada", "last_name": "Lovelace"},
	}
	for _, tt := range []struct {
		platform docslogin.Platform
		home     string // where a login without a link leads
		payload  string
	}{
		{readMe, "https://docs.example.com?auth_token=TOKEN",
			`{"apiKey":"sk_1","email":"ada@example.com","exp":1700000300,"first_name":"Ada","iat":1700000000,"jti":"JTI","last_name":"Lovelace","name":"Ada Lovelace","plan":"pro","version":1}`},
		{minty, "https://docs.example.com/login/jwt-callback#TOKEN",
			`{"apiPlaygroundInputs":{"header":{"Authorization":"Bearer sk_1"}},"content":{"email":"ada@example.com","first_name":"Ada","last_name":"Lovelace","name":"Ada Lovelace","plan":"pro"},"exp":1700000010,"expiresAt":1701209600,"groups":["admin"],"host":"docs.example.com","iat":1700000000}`},
		{public, "https://example.com/docs#TOKEN",
			`{"apiPlaygroundInputs":{"header":{"Authorization":"Bearer sk_1"}},"content":{"email":"ada@example.com","first_name":"Ada","last_name":"Lovelace","name":"Ada Lovelace","plan":"pro"},"exp":1700000010,"expiresAt":1701209600,"groups":["admin"],"iat":1700000000}`},
		{gitBook, "https://example.com/docs?jwt_token=TOKEN",
			`{"email":"ada@example.com","exp":1700003600,"first_name":"Ada","iat":1700000000,"last_name":"Lovelace","name":"Ada Lovelace","plan":"pro"}`},
		{fern, "https://example.com/docs/api/fern-docs/auth/jwt/callback?fern_token=TOKEN",
			`{"exp":1700086400,"fern":{"email":"ada@example.com","name":"Ada Lovelace","playground":{"initial_state":{"auth":{"bearer_token":"sk_1"}}},"roles":["admin"]},"iat":1700000000,"iss":"https://buildwithfern.com"}`},
		{zendesk, "POST https://acme.zendesk.com/access/jwt jwt=TOKEN",
			`{"email":"ada@example.com","external_id":"u-42","iat":1700000000,"jti":"JTI","name":"Ada Lovelace"}`},
		{scout, "https://docs.example.com/authcallback?token=TOKEN",
			`{"exp":1700003600,"iat":1700000000,"sub":"ada@example.com"}`},
		{hub, "https://docs.example.com?jwt=TOKEN",
			`{"exp":1700086400,"iat":1700000000,"vars":{"email":"ada@example.com","first_name":"Ada","last_name":"Lovelace","name":"Ada Lovelace","plan":"pro"},"version":1}`},
		{canny, "https://canny.io/api/redirects/sso?companyID=configured&ssoToken=TOKEN",
			`{"email":"ada@example.com","exp":1700000300,"iat":1700000000,"id":"u-42","name":"Ada Lovelace"}`},
		{feature, "https://help.example.com/api/v1/auth/access/jwt?jwt=TOKEN",
			`{"email":"ada@example.com","exp":1700000600,"iat":1700000000,"name":"Ada Lovelace","userId":"u-42"}`},
		{meta, "https://bi.example.com/meta/auth/sso?jwt=TOKEN",
			`{"email":"ada@example.com","exp":1700000180,"first_name":"Ada","groups":["admin"],"iat":1700000000,"last_name":"Lovelace"}`},
	} {
		t.Run(tt.platform.Name, func(t *testing.T) {
			home, payload := login(t, newMiddleware(t, as(user), tt.platform), "/docs-login")
			if home != tt.home {
				t.Errorf("got  %s\nwant %s", home, tt.home)
			}
			if payload != tt.payload {
				t.Errorf("got  %s\nwant %s", payload, tt.payload)
			}
		})
	}
}

func TestARedirectIsA302WithoutABody(t *testing.T) {
	resp := get(t, newMiddleware(t, as(ada), readMe), "/docs-login", "Accept: text/html")
	if body := bodyOf(t, resp); resp.StatusCode != 302 || body != "" {
		t.Errorf("%d with the body %q", resp.StatusCode, body)
	}
}

// Also for names and links beyond ASCII, on every way out.
func TestLocationIsPrintableASCII(t *testing.T) {
	user := &docslogin.User{ID: "1", Name: "Zoë “日本”\x00\n", Email: "zoë@example.com"}
	page := custom(func(p *docslogin.Platform) { p.DeepLink.Out = "" })
	for name, m := range map[string]*docslogin.Middleware{
		"ReadMe":                           newMiddleware(t, as(user), readMe),
		"Mintlify":                         newMiddleware(t, as(user), minty),
		"the page itself":                  newMiddleware(t, as(user), page),
		"the sign-in page":                 newMiddleware(t, nobody, readMe, docslogin.WithLoginPage("/größe?q=ü#ß", "zurück")),
		"a docs URL of any kind":           newMiddleware(t, as(user), docslogin.ReadMe("https://docs.example.com/größe?a=ü b", secret)),
		"the sign-in page of another host": newMiddleware(t, nobody, readMe, docslogin.WithExternalURL("https://example.com/größe"), docslogin.WithLoginPage("https://login.example.com/ü", "r")),
		"a form, as its action":            newMiddleware(t, as(user), custom(func(p *docslogin.Platform) { p.Carrier, p.DeepLink.Out = docslogin.InForm("jwt"), "" })),
	} {
		location, _, _ := strings.Cut(strings.TrimPrefix(sent(t, get(t, m, "/docs-login?redirect="+url.QueryEscape("/größe/日本?q=ü x#ß"))), "POST "), " ")
		if location == "" || strings.ContainsFunc(location, func(r rune) bool { return r <= ' ' || r >= 0x7F }) {
			t.Errorf("%s: %q", name, location)
		}
	}
}

// custom is a platform without a preset: the docs URL takes token and link.
func custom(change func(*docslogin.Platform)) docslogin.Platform {
	p := docslogin.Platform{
		Name: "custom", DocsURL: "https://docs.example.com", Algorithm: jose.HS256, Key: docslogin.Secret(secret),
		Carrier: docslogin.InQuery("jwt"), DeepLink: docslogin.DeepLink{In: "redirect", Out: "redirect"},
		Mapper: func(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
			claims["sub"] = user.ID
			return nil
		},
	}
	if change != nil {
		change(&p)
	}
	return p
}

// shape is how a link comes, and where the browser is sent with it.
type shape struct {
	name     string
	platform docslogin.Platform
	request  string
	location string
}

// platforms is one row for each shape of a platform, and for each way in which links come
// to a preset.
var platforms = []shape{
	{"a path in, a path out", custom(nil), "redirect=/a%3Fb%3D1%26c%23d", "https://docs.example.com?jwt=TOKEN&redirect=%2Fa%3Fb%3D1%26c%23d"},
	{"an absolute link in, a path out", custom(nil), "redirect=https%3A%2F%2Fdocs.example.com%2Fa%3Fb", "https://docs.example.com?jwt=TOKEN&redirect=%2Fa%3Fb"},
	{"no link", custom(nil), "", "https://docs.example.com?jwt=TOKEN"},
	{"a platform without links", custom(func(p *docslogin.Platform) { p.DeepLink = docslogin.DeepLink{} }), "redirect=/a", "https://docs.example.com?jwt=TOKEN"},
	{"docs under a path", custom(func(p *docslogin.Platform) { p.DocsURL = "https://example.com/SUB/" }), "redirect=/SUB/docs/a", "https://example.com/SUB/?jwt=TOKEN&redirect=%2FSUB%2Fdocs%2Fa"},
	{"docs with a query of their own", custom(func(p *docslogin.Platform) { p.DocsURL = "https://Docs.example.com:443/?v=1" }), "redirect=/a", "https://docs.example.com/?v=1&jwt=TOKEN&redirect=%2Fa"},
	{"the page itself, token in the fragment", custom(func(p *docslogin.Platform) {
		p.Carrier, p.DeepLink.Out = docslogin.InFragment(), ""
	}), "redirect=/get-started%3Fx%3D1%23part", "https://docs.example.com/get-started?x=1#TOKEN"},
	{"the page itself, no link", custom(func(p *docslogin.Platform) {
		p.Carrier, p.DeepLink.Out = docslogin.InFragment(), ""
	}), "", "https://docs.example.com#TOKEN"},
	{"a link to another origin that is named", custom(func(p *docslogin.Platform) {
		p.DeepLink.Form, p.DeepLink.Origins = docslogin.AsGiven, []string{"https://Agent.example.com"}
	}), "redirect=https%3A%2F%2Fagent.example.com%2Ft%2F1", "https://docs.example.com?jwt=TOKEN&redirect=https%3A%2F%2Fagent.example.com%2Ft%2F1"},
	{"docs under a path that ends in a capital X, and a callback with one", custom(func(p *docslogin.Platform) {
		p.DocsURL, p.Callback = "https://example.com/SUBX", "/X"
	}), "redirect=/SUBX/a", "https://example.com/SUBX/X?jwt=TOKEN&redirect=%2FSUBX%2Fa"},
	{"a link to a named origin in clear", custom(func(p *docslogin.Platform) {
		p.DeepLink.Form, p.DeepLink.Origins = docslogin.AsGiven, []string{"http://intranet.example"}
	}), "redirect=http%3A%2F%2Fintranet.example%2Fa", "https://docs.example.com?jwt=TOKEN&redirect=http%3A%2F%2Fintranet.example%2Fa"},
	{"a refused link", custom(nil), "redirect=https%3A%2F%2Fevil.example%2F", "https://docs.example.com?jwt=TOKEN"},
	{"the text undefined", custom(nil), "redirect=undefined", "https://docs.example.com?jwt=TOKEN"},
	{"a form, with a link and an echoed parameter", custom(func(p *docslogin.Platform) {
		p.Carrier, p.Echo = docslogin.InForm("jwt"), []string{"e"}
	}), "redirect=/a%3Fb&e=%22%26", "POST https://docs.example.com?e=%22%26 jwt=TOKEN&redirect=%2Fa%3Fb"},
	{"the page itself, as given, from the base", custom(func(p *docslogin.Platform) {
		p.DocsURL, p.DeepLink = "https://example.com/docs", docslogin.DeepLink{In: "redirect", FromBase: true, Form: docslogin.AsGiven}
	}), "redirect=a", "https://example.com/docs/a?jwt=TOKEN"},
	{"a form that goes to the page itself", custom(func(p *docslogin.Platform) {
		p.Carrier, p.DeepLink.Out = docslogin.InForm("jwt"), ""
	}), "redirect=/a%3Fb%23c", "POST https://docs.example.com/a?b#c jwt=TOKEN"},

	{"ReadMe", readMe, "redirect=%2Fdocs%2Fa", "https://docs.example.com?auth_token=TOKEN&redirect=%2Fdocs%2Fa"},
	{"ReadMe, absolute, with a query and an anchor", readMe, "redirect=https://docs.example.com/docs/a%3Fb=c%2520d%23e", "https://docs.example.com?auth_token=TOKEN&redirect=%2Fdocs%2Fa%3Fb%3Dc%2520d%23e"},
	{"ReadMe, its home with a query", readMe, "redirect=/%3Fv=2", "https://docs.example.com?auth_token=TOKEN&redirect=%2F%3Fv%3D2"},
	{"ReadMe, a link with a token", readMe, "redirect=%2Fdocs%3Fauth_token%3Dx", "https://docs.example.com?auth_token=TOKEN"},
	{"Mintlify", minty, "redirect=%2Fa%3Fb%23c", "https://docs.example.com/login/jwt-callback?redirect=%2Fa%3Fb%23c#TOKEN"},
	{"Mintlify, absolute", minty, "redirect=https%3A%2F%2Fdocs.example.com%2Fa", "https://docs.example.com/login/jwt-callback?redirect=%2Fa#TOKEN"},
	{"Mintlify, a link to the callback", minty, "redirect=%2Flogin%2Fjwt-callback", "https://docs.example.com/login/jwt-callback#TOKEN"},
	{"Mintlify personalization", public, "redirect=/docs/get-started%3Fx=1%23part", "https://example.com/docs/get-started?x=1#TOKEN"},
	{"Mintlify personalization, its home with a query", public, "redirect=/docs%3Fx=1", "https://example.com/docs?x=1#TOKEN"},
	{"DeveloperHub, its home with a query", hub, "redirect=https://docs.example.com/%3Fx=1", "https://docs.example.com/?x=1&jwt=TOKEN"},
	{"Mintlify personalization, absolute", public, "redirect=https://example.com/docs/get-started", "https://example.com/docs/get-started#TOKEN"},
	{"Mintlify personalization, out of the docs", public, "redirect=/admin", "https://example.com/docs#TOKEN"},
	{"GitBook, slashless, with a query and an anchor", gitBook, "location=guide/start%3Fa%3D1%26b%3D%2520%23part", "https://example.com/docs/guide/start?a=1&b=%20&jwt_token=TOKEN#part"},
	{"GitBook, with tokens and claims that nobody signed", gitBook, "location=guide%3Fjwt_token%3Dx%26a%3D1%26access_token%3Dx%26visitor.plan%3Dpro%26%2576isitor.x%3Dy", "https://example.com/docs/guide?a=1&jwt_token=TOKEN"},
	{"GitBook, with a claim behind a broken escape", gitBook, "location=guide%3Fvisitor%252Eplan%25GG%3Dpro%26a%3D1", "https://example.com/docs/guide?a=1&jwt_token=TOKEN"},
	{"GitBook, with a slash", gitBook, "location=/guide", "https://example.com/docs/guide?jwt_token=TOKEN"},
	{"GitBook, absolute, with a query", gitBook, "location=https://example.com/docs/guide%3Fa%3D1", "https://example.com/docs/guide?a=1&jwt_token=TOKEN"},
	{"GitBook, out of the site", gitBook, "location=https://example.com/admin", "https://example.com/docs?jwt_token=TOKEN"},
	{"GitBook, a stranger's", gitBook, "location=https://evil.example/docs/guide", "https://example.com/docs?jwt_token=TOKEN"},
	{"Fern, as it came", fern, "state=HTTPS%3A%2F%2Fexample.com%2Fdocs%3Fq%3D%2520%26r%23s", "https://example.com/docs/api/fern-docs/auth/jwt/callback?fern_token=TOKEN&state=HTTPS%3A%2F%2Fexample.com%2Fdocs%3Fq%3D%2520%26r%23s"},
	{"Fern, a path, and a redirect_uri that is ignored", fern, "state=/docs/a&redirect_uri=https://evil.example", "https://example.com/docs/api/fern-docs/auth/jwt/callback?fern_token=TOKEN&state=%2Fdocs%2Fa"},
	{"Fern, a stranger's", fern, "state=https%3A%2F%2Fevil.example%2Fdocs", "https://example.com/docs/api/fern-docs/auth/jwt/callback?fern_token=TOKEN"},
	{"Zendesk, a path, and what is echoed", zendesk, "return_to=/hc/en-us%3Fa=1%23b&brand_id=123&locale_id=1&timestamp=1700000000&role=admin", "POST https://acme.zendesk.com/access/jwt?brand_id=123&locale_id=1&timestamp=1700000000 jwt=TOKEN&return_to=%2Fhc%2Fen-us%3Fa%3D1%23b"},
	{"Zendesk, the agents' pages", zendesk, "return_to=https://acme.zendesk.com/agent/tickets/1", "POST https://acme.zendesk.com/access/jwt jwt=TOKEN&return_to=https%3A%2F%2Facme.zendesk.com%2Fagent%2Ftickets%2F1"},
	{"Zendesk, a stranger's, and an echo with quotes", zendesk, "return_to=https://evil.zendesk.com/&brand_id=%22%3E%3Cscript%3E", "POST https://acme.zendesk.com/access/jwt?brand_id=%22%3E%3Cscript%3E jwt=TOKEN"},
	{"Zendesk, a link with a token", zendesk, "return_to=/hc%3Fjwt=x", "POST https://acme.zendesk.com/access/jwt jwt=TOKEN"},
	{"Zendesk, a help center under its own name, and the agents' pages", hostMapped, "return_to=https://acme.zendesk.com/agent", "POST https://acme.zendesk.com/access/jwt jwt=TOKEN&return_to=https%3A%2F%2Facme.zendesk.com%2Fagent"},
	{"Zendesk, a page of a help center under its own name", hostMapped, "return_to=https://help.example.com/hc", "POST https://acme.zendesk.com/access/jwt jwt=TOKEN&return_to=https%3A%2F%2Fhelp.example.com%2Fhc"},
	{"Help Scout", scout, "returnTo=/article/1-a%3Fb=c%23d", "https://docs.example.com/authcallback?token=TOKEN&returnTo=%2Farticle%2F1-a%3Fb%3Dc%23d"},
	{"DeveloperHub, absolute", hub, "redirect=https://docs.example.com/ref%3Fa=b%23c", "https://docs.example.com/ref?a=b&jwt=TOKEN#c"},
	{"DeveloperHub, a path", hub, "redirect=/ref", "https://docs.example.com/ref?jwt=TOKEN"},
	{"DeveloperHub, a stranger's", hub, "redirect=https://evil.example/ref", "https://docs.example.com?jwt=TOKEN"},
	{"Canny, absolute", canny, "redirect=https%3A%2F%2Ffeedback.example.com%2Fp%3Fa%23b", "https://canny.io/api/redirects/sso?companyID=configured&ssoToken=TOKEN&redirect=https%3A%2F%2Ffeedback.example.com%2Fp%3Fa%23b"},
	{"Canny, a path, and a company of the request's", canny, "redirect=/p&companyID=a%26b", "https://canny.io/api/redirects/sso?companyID=a%26b&ssoToken=TOKEN&redirect=https%3A%2F%2Ffeedback.example.com%2Fp"},
	{"Canny, a company of 256 bytes", canny, "companyID=" + strings.Repeat("x", 256), "https://canny.io/api/redirects/sso?companyID=" + strings.Repeat("x", 256) + "&ssoToken=TOKEN"},
	{"Canny, a company that is too long", canny, "companyID=" + strings.Repeat("x", 257), "https://canny.io/api/redirects/sso?companyID=configured&ssoToken=TOKEN"},
	{"Featurebase, absolute", feature, "return_to=https://help.example.com/en%3Fa%23b", "https://help.example.com/api/v1/auth/access/jwt?jwt=TOKEN&return_to=https%3A%2F%2Fhelp.example.com%2Fen%3Fa%23b"},
	{"Featurebase, a path", feature, "return_to=/en", "https://help.example.com/api/v1/auth/access/jwt?jwt=TOKEN&return_to=https%3A%2F%2Fhelp.example.com%2Fen"},
	{"Metabase, unescaped, cut at its first &", meta, "return_to=/meta/dashboard/1?tab=2&x=3", "https://bi.example.com/meta/auth/sso?jwt=TOKEN&return_to=%2Fmeta%2Fdashboard%2F1%3Ftab%3D2"},
	{"Metabase, absolute", meta, "return_to=https://bi.example.com/meta/dashboard/1", "https://bi.example.com/meta/auth/sso?jwt=TOKEN&return_to=%2Fmeta%2Fdashboard%2F1"},
}

// hostMapped is a Zendesk help center that has a name of its own.
var hostMapped = func() docslogin.Platform {
	p := zendesk
	p.DocsURL = "https://help.example.com"
	return p
}()

func TestEveryShapeOfAPlatform(t *testing.T) {
	for _, tt := range platforms {
		t.Run(tt.name, func(t *testing.T) {
			if got, _ := login(t, newMiddleware(t, as(ada), tt.platform), "/docs-login?"+tt.request); got != tt.location {
				t.Errorf("got  %s\nwant %s", got, tt.location)
			}
		})
	}
}

// The way round over the sign-in page leads to the same place.
func TestTwiceRoundIsTheSamePlace(t *testing.T) {
	for _, tt := range platforms {
		t.Run(tt.name, func(t *testing.T) {
			var user *docslogin.User
			m := newMiddleware(t, func(*http.Request) (*docslogin.User, error) { return user, nil }, tt.platform,
				docslogin.WithLoginPage("/sign-in?a=1#form", "next"))
			signIn, err := url.Parse(get(t, m, "/docs-login?"+tt.request).Header.Get("Location"))
			if err != nil || signIn.Path != "/sign-in" || signIn.Query().Get("a") != "1" || signIn.Fragment != "form" {
				t.Fatalf("nobody was sent to %v, %v", signIn, err)
			}
			back := signIn.Query().Get("next")
			if !strings.HasPrefix(back, "/docs-login?") {
				t.Fatalf("the way back is %q", back)
			}
			user = ada
			if got, _ := login(t, m, back); got != tt.location {
				t.Errorf("got  %s\nwant %s", got, tt.location)
			}
		})
	}
	for _, p := range presets {
		if !slices.ContainsFunc(platforms, func(row shape) bool { return row.platform.Name == p.Name && row.request != "" }) {
			t.Errorf("%s: no link was tried", p.Name)
		}
	}
}

// Nothing that a request says about hosts is believed.
func TestHostsInARequestAreNotBelieved(t *testing.T) {
	for _, user := range []*docslogin.User{ada, nil} {
		m := newMiddleware(t, as(user), readMe, docslogin.WithLoginPage("https://login.example.com/", "next"), docslogin.WithExternalURL("https://app.example.com"))
		r := httptest.NewRequest("GET", "https://evil.example/docs-login?redirect=/a", nil)
		r.Host, r.RequestURI = "evil.example", "//evil.example/docs-login"
		for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "Forwarded", "X-Original-URL", "Referer", "Origin"} {
			r.Header.Set(name, "evil.example")
		}
		w := httptest.NewRecorder()
		m.ServeHTTP(w, r)
		if location := w.Header().Get("Location"); location == "" || strings.Contains(location, "evil") {
			t.Errorf("%q", location)
		}
	}
}

func TestTheWayToTheSignInPage(t *testing.T) {
	const marker = "docslogin_sent%3D1700000000"
	for _, tt := range []struct {
		name    string
		options []docslogin.Option
		want    string
	}{
		{"a path", []docslogin.Option{docslogin.WithLoginPage("/sign-in", "next")},
			"/sign-in?next=%2Fdocs-login%3F" + marker + "%26redirect%3D%252Fa%253Fb"},
		{"a path with a query and a fragment", []docslogin.Option{docslogin.WithLoginPage("/sign-in?lang=de#/form", "return to")},
			"/sign-in?lang=de&return+to=%2Fdocs-login%3F" + marker + "%26redirect%3D%252Fa%253Fb#/form"},
		{"another path of the route", []docslogin.Option{docslogin.WithPath("/in/docs"), docslogin.WithLoginPage("/sign-in", "next")},
			"/sign-in?next=%2Fin%2Fdocs%3F" + marker + "%26redirect%3D%252Fa%253Fb"},
		{"an app in clear, under a prefix", []docslogin.Option{docslogin.WithLoginPage("/sign-in", "next"), docslogin.WithExternalURL("http://intranet.example/X/")},
			"/sign-in?next=%2FX%2Fdocs-login%3F" + marker + "%26redirect%3D%252Fa%253Fb"},
		{"a path of every plain character", []docslogin.Option{docslogin.WithPath("/Az09/-._~!$&'+,;=@"), docslogin.WithLoginPage("/sign-in", "next")},
			"/sign-in?next=%2FAz09%2F-._~%21%24%26%27%2B%2C%3B%3D%40%3F" + marker + "%26redirect%3D%252Fa%253Fb"},
		{"an app under a prefix", []docslogin.Option{docslogin.WithLoginPage("/app/sign-in", "next"), docslogin.WithExternalURL("https://example.com/app/")},
			"/app/sign-in?next=%2Fapp%2Fdocs-login%3F" + marker + "%26redirect%3D%252Fa%253Fb"},
		{"another host", []docslogin.Option{docslogin.WithLoginPage("https://login.example.com/?a=1", "r"), docslogin.WithExternalURL("https://App.example.com:443")},
			"https://login.example.com/?a=1&r=https%3A%2F%2Fapp.example.com%2Fdocs-login%3F" + marker + "%26redirect%3D%252Fa%253Fb"},
		{"another host, an app under a prefix", []docslogin.Option{docslogin.WithExternalURL("https://example.com/app"), docslogin.WithLoginPage("http://login.example.com", "r")},
			"http://login.example.com?r=https%3A%2F%2Fexample.com%2Fapp%2Fdocs-login%3F" + marker + "%26redirect%3D%252Fa%253Fb"},
		{"the same host, absolute", []docslogin.Option{docslogin.WithLoginPage("https://app.example.com/sign-in", "r"), docslogin.WithExternalURL("https://app.example.com")},
			"https://app.example.com/sign-in?r=%2Fdocs-login%3F" + marker + "%26redirect%3D%252Fa%253Fb"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp := get(t, newMiddleware(t, nobody, readMe, tt.options...), "/docs-login?redirect=/a?b")
			if got := resp.Header.Get("Location"); resp.StatusCode != 302 || got != tt.want {
				t.Errorf("%d\ngot  %s\nwant %s", resp.StatusCode, got, tt.want)
			}
		})
	}
}

// A refused link does not travel to the sign-in page, nor one that makes its URL too long.
func TestTheWayBackCarriesNoRefusedLink(t *testing.T) {
	for _, link := range []string{"//evil.example", "https://evil.example/", "/" + strings.Repeat("%20", 600)} {
		var e docslogin.Event
		m := newMiddleware(t, nobody, readMe, docslogin.WithLoginPage("/sign-in?"+strings.Repeat("x", 4000), "next"),
			docslogin.WithObserver(func(_ context.Context, got docslogin.Event) { e = got }))
		location := get(t, m, "/docs-login?redirect="+url.QueryEscape(link)).Header.Get("Location")
		if !strings.HasSuffix(location, "&next=%2Fdocs-login%3Fdocslogin_sent%3D1700000000") || !e.LinkRefused || e.DeepLink != "" {
			t.Errorf("%.40s: %.40s…, %+v", link, location, e)
		}
	}
}

func TestNobodyAgainIsAPageAndNotALoop(t *testing.T) {
	for _, tt := range []struct {
		name, marker string
		status       int
	}{
		{"the first time", "", 302},
		{"just back", "&docslogin_sent=1699999995", 401},
		{"back after ten minutes", "&docslogin_sent=1699999400", 401},
		{"back a second later, as with a bookmark", "&docslogin_sent=1699999399", 302},
		{"sent by an instance whose clock is a little ahead", "&docslogin_sent=1700000059", 401},
		{"sent by one whose clock is a minute ahead", "&docslogin_sent=1700000060", 401},
		{"a marker from the future", "&docslogin_sent=1700000061", 302},
		{"a marker that is no number", "&docslogin_sent=x", 302},
		{"a marker out of range", "&docslogin_sent=-9223372036854775808", 302},
		{"a marker out of range, above", "&docslogin_sent=9223372036854775807", 302},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newMiddleware(t, nobody, readMe, docslogin.WithLoginPage("/sign-in", "next"))
			resp := get(t, m, "/docs-login?redirect=/a"+tt.marker, "Accept: text/html")
			if resp.StatusCode != tt.status {
				t.Fatalf("got %d, want %d", resp.StatusCode, tt.status)
			}
			const fresh = `<a href="/sign-in?next=%2Fdocs-login%3Fdocslogin_sent%3D1700000000%26redirect%3D%252Fa">Sign in</a>`
			if body := bodyOf(t, resp); tt.status == 401 && !strings.Contains(body, fresh) {
				t.Errorf("no fresh way to sign in:\n%s", body)
			}
		})
	}
}

func TestWhichRequestsMint(t *testing.T) {
	for _, tt := range []struct {
		name, method string
		headers      []string
		status       int
	}{
		{"a link in a browser", "GET", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: cross-site"}, 302},
		{"a browser without fetch metadata", "GET", nil, 302},
		{"a navigation that a service worker passes on", "GET", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: empty"}, 302},
		{"HEAD", "HEAD", nil, 405},
		{"POST", "POST", nil, 405},
		{"OPTIONS", "OPTIONS", nil, 405},
		{"a method of one's own", "MINT", nil, 405},
		{"a prefetch", "GET", []string{"Sec-Purpose: prefetch"}, 403},
		{"a prerender", "GET", []string{"Sec-Purpose: prefetch;prerender"}, 403},
		{"a prefetch in other letters", "GET", []string{"Sec-Purpose: Prefetch"}, 403},
		{"a prefetch by Purpose", "GET", []string{"Purpose: prefetch"}, 403},
		{"a prefetch by X-Purpose", "GET", []string{"X-Purpose: prefetch"}, 403},
		{"a prefetch by X-Moz", "GET", []string{"X-Moz: prefetch"}, 403},
		{"a purpose in the second line", "GET", []string{"Purpose: x", "Purpose: prefetch"}, 403},
		{"another purpose", "GET", []string{"Purpose: preview-prefetch"}, 302},
		{"a scripted fetch", "GET", []string{"Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"}, 403},
		{"an image", "GET", []string{"Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"}, 403},
		{"a frame", "GET", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"}, 403},
		{"an embed", "GET", []string{"Sec-Fetch-Dest: embed"}, 403},
		{"a web socket", "GET", []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"}, 403},
		{"a web socket behind a proxy that drops Upgrade", "GET", []string{"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}, 403},
		{"an empty mode", "GET", []string{"Sec-Fetch-Mode: "}, 403},
		{"a mode in the second line", "GET", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Mode: cors"}, 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			called := false
			m := newMiddleware(t, func(*http.Request) (*docslogin.User, error) { called = true; return ada, nil }, readMe)
			r := httptest.NewRequest(tt.method, "/docs-login", nil)
			for _, header := range tt.headers {
				name, value, _ := strings.Cut(header, ": ")
				r.Header.Add(name, value)
			}
			w := httptest.NewRecorder()
			m.ServeHTTP(w, r)
			if w.Code != tt.status || called != (tt.status == 302) || (w.Header().Get("Location") != "") != (tt.status == 302) {
				t.Errorf("%d, lookup called: %v, Location: %.20q", w.Code, called, w.Header().Get("Location"))
			}
			if allow := w.Header().Get("Allow"); (tt.status == 405) != (allow == "GET") {
				t.Errorf("Allow: %q", allow)
			}
			if tt.status == 403 && w.Body.Len() > 0 {
				t.Errorf("the body is %q", w.Body)
			}
		})
	}
}

func TestWrapLeavesOtherRequestsAlone(t *testing.T) {
	never := func(*http.Request) (*docslogin.User, error) { t.Error("the lookup was called"); return nil, nil }
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Method, " ", r.URL) })
	h := newMiddleware(t, never, readMe, docslogin.WithObserver(func(context.Context, docslogin.Event) { t.Error("the observer was called") })).Wrap(mux)
	for _, path := range []string{"/", "/docs-login/", "/docs-login/x", "/Docs-login", "/docs", "/x?docs-login"} {
		resp := get(t, h, path)
		if body := bodyOf(t, resp); body != "GET "+path || len(resp.Header) != 1 {
			t.Errorf("%s: %q with %v", path, body, resp.Header)
		}
	}
}

func TestWrapServesTheRoute(t *testing.T) {
	m := newMiddleware(t, as(ada), readMe, docslogin.WithPath("/in"))
	if resp := get(t, m.Wrap(http.NotFoundHandler()), "/in"); resp.StatusCode != 302 {
		t.Errorf("wrapped: %d", resp.StatusCode)
	}
	mux := http.NewServeMux()
	mux.Handle(m.Path(), m)
	if resp := get(t, mux, "/in"); resp.StatusCode != 302 {
		t.Errorf("mounted by path: %d", resp.StatusCode)
	}
	if resp := get(t, m.Wrap(nil), "/nowhere"); resp.StatusCode != 404 {
		t.Errorf("around http.DefaultServeMux: %d", resp.StatusCode)
	}
}

func TestTwoSitesAroundOneMux(t *testing.T) {
	h := newMiddleware(t, as(ada), readMe).Wrap(newMiddleware(t, as(ada), minty, docslogin.WithPath("/mintlify")).Wrap(http.NotFoundHandler()))
	for path, want := range map[string]string{"/docs-login": "https://docs.example.com?auth_token=TOKEN", "/mintlify": "https://docs.example.com/login/jwt-callback#TOKEN"} {
		if got := masked(get(t, h, path).Header.Get("Location")); got != want {
			t.Errorf("%s leads to %s", path, got)
		}
	}
	if resp := get(t, h, "/"); resp.StatusCode != 404 {
		t.Errorf("another path: %d", resp.StatusCode)
	}
}

var errStore = errors.New("the session store is down")

func mapper(err error) docslogin.Option {
	return docslogin.WithClaimsMapper(func(context.Context, *docslogin.User, docslogin.Claims) error { return err })
}

func claim(name string, value any) docslogin.Option {
	return docslogin.WithClaimsMapper(func(_ context.Context, _ *docslogin.User, claims docslogin.Claims) error {
		claims[name] = value
		return nil
	})
}

var signInPage = docslogin.WithLoginPage("/sign-in", "next")

// outcomes has a request for each outcome.
var outcomes = []struct {
	name    string
	outcome docslogin.Outcome
	status  int
	level   string
	lookup  docslogin.UserLookup
	options []docslogin.Option
	request func(*http.Request) *http.Request
	cause   string
}{
	{name: "a user", outcome: "logged_in", status: 302, level: "DEBUG", lookup: as(ada)},
	{name: "nobody", outcome: "sign_in", status: 302, level: "DEBUG", lookup: nobody, options: []docslogin.Option{signInPage}},
	{name: "a nil user", outcome: "sign_in", status: 302, level: "DEBUG", lookup: as(nil), options: []docslogin.Option{signInPage}},
	{name: "nobody, wrapped", outcome: "sign_in", status: 302, level: "DEBUG", lookup: failing(fmt.Errorf("no cookie: %w", docslogin.ErrNoUser)), options: []docslogin.Option{signInPage}},
	{name: "nobody without a sign-in page", outcome: "no_user", status: 401, level: "DEBUG", lookup: nobody, cause: "nobody is signed in"},
	{name: "nobody, just back", outcome: "loop", status: 401, level: "WARN", lookup: nobody, options: []docslogin.Option{signInPage}, cause: "nobody is signed in",
		request: func(r *http.Request) *http.Request { r.URL.RawQuery += "&docslogin_sent=1700000000"; return r }},
	{name: "a POST", outcome: "method", status: 405, level: "DEBUG", lookup: as(ada),
		request: func(r *http.Request) *http.Request { r.Method = "POST"; return r }},
	{name: "a prefetch", outcome: "speculative", status: 403, level: "DEBUG", lookup: as(ada),
		request: func(r *http.Request) *http.Request { r.Header.Set("Sec-Purpose", "prefetch"); return r }},
	{name: "a frame", outcome: "embedded", status: 403, level: "DEBUG", lookup: as(ada),
		request: func(r *http.Request) *http.Request { r.Header.Set("Sec-Fetch-Dest", "iframe"); return r }},
	{name: "a user who may not", outcome: "forbidden", status: 403, level: "INFO", lookup: failing(fmt.Errorf("plan: %w", docslogin.ErrForbidden)), cause: "plan: "},
	{name: "a mapper that says so", outcome: "forbidden", status: 403, level: "INFO", lookup: as(ada), options: []docslogin.Option{mapper(docslogin.ErrForbidden)}, cause: "docslogin: the user may not read"},
	{name: "a user without an e-mail", outcome: "incomplete_user", status: 403, level: "WARN", lookup: as(&docslogin.User{ID: "u-42", Name: "Ada Lovelace", Email: " "}), cause: "the user lacks what the platform requires: email"},
	{name: "a user without anything", outcome: "incomplete_user", status: 403, level: "WARN", lookup: as(&docslogin.User{ID: "u-42"}), cause: "the user lacks what the platform requires: name, email"},
	{name: "a store that fails", outcome: "lookup_failed", status: 500, level: "ERROR", lookup: failing(errStore), cause: "the session store is down"},
	{name: "a mapper that fails", outcome: "mapper_failed", status: 500, level: "ERROR", lookup: as(ada), options: []docslogin.Option{mapper(errStore)}, cause: "the session store is down"},
	{name: "a claim that is no JSON", outcome: "mapper_failed", status: 500, level: "ERROR", lookup: as(ada), options: []docslogin.Option{claim("f", json.Number("sk_live_1"))}, cause: `the claim "f", a json.Number, cannot be written as JSON`},
	{name: "a claim that the library owns", outcome: "owned_claim", status: 500, level: "ERROR", lookup: as(ada), options: []docslogin.Option{claim("exp", "sk_live_1")}, cause: `"exp"`},
	{name: "a signer that fails", outcome: "sign_failed", status: 500, level: "ERROR", lookup: as(ada), cause: "the key service is down"},
	{name: "a lookup that panics", outcome: "panic", status: 500, level: "ERROR", lookup: func(*http.Request) (*docslogin.User, error) { panic(ada) }, cause: "a value of type *docslogin.User"},
	{name: "a mapper that panics with an error", outcome: "panic", status: 500, level: "ERROR", lookup: as(ada), options: []docslogin.Option{docslogin.WithClaimsMapper(func(_ context.Context, _ *docslogin.User, claims docslogin.Claims) error {
		claims.Object("name")
		return nil
	})}, cause: `claim "name" is a string, not an object`},
	{name: "claims that fit into no URL", outcome: "too_large", status: 500, level: "ERROR", lookup: as(ada), options: []docslogin.Option{claim("huge", strings.Repeat("sk_live_1", 1000)), claim("big", strings.Repeat("x", 400))},
		cause: "more than 8000 do not arrive; the largest claims: huge (9002 bytes), big (402 bytes), jti (28 bytes)"},
	{name: "a visitor who has gone", outcome: "canceled", status: 0, level: "DEBUG", lookup: as(ada), cause: "context canceled",
		request: func(r *http.Request) *http.Request {
			ctx, cancel := context.WithCancel(r.Context())
			cancel()
			return r.WithContext(ctx)
		}},
	{name: "a deadline", outcome: "sign_failed", status: 500, level: "ERROR", lookup: as(ada), cause: "deadline exceeded",
		request: func(r *http.Request) *http.Request {
			ctx, cancel := context.WithDeadline(r.Context(), noon)
			defer cancel()
			return r.WithContext(ctx)
		}},
}

// downSigner makes one signature, for the trial, and fails from then on.
type downSigner struct {
	jose.OpaqueSigner
	used *bool
}

func (s downSigner) SignPayload(p []byte, alg jose.SignatureAlgorithm) ([]byte, error) {
	if *s.used {
		return nil, errors.New("the key service is down")
	}
	*s.used = true
	return s.OpaqueSigner.SignPayload(p, alg)
}

// TestOutcomes: the table of outcomes; one event and one log line for each request, at
// its level; the route's headers on each; and no token, claim, key or query of
// a link in any event, line or page.
func TestOutcomes(t *testing.T) {
	for _, tt := range outcomes {
		t.Run(tt.name, func(t *testing.T) {
			platform := readMe
			if tt.cause == "the key service is down" {
				platform.Algorithm, platform.Key = jose.EdDSA, docslogin.SignWith(downSigner{cryptosigner.Opaque(edKey), new(bool)})
			}
			var events []docslogin.Event
			var lines bytes.Buffer
			m := newMiddleware(t, tt.lookup, platform, append([]docslogin.Option{
				docslogin.WithLogger(slog.New(slog.NewJSONHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))),
				docslogin.WithObserver(func(_ context.Context, e docslogin.Event) { events = append(events, e) }),
			}, tt.options...)...)

			r := httptest.NewRequest("GET", "/docs-login?redirect="+url.QueryEscape("/docs/a?query=q-secret#anchor-secret"), nil)
			r.Header.Set("Accept", "text/html")
			if tt.request != nil {
				r = tt.request(r)
			}
			w := httptest.NewRecorder()
			m.ServeHTTP(w, r)

			if got := w.Result().StatusCode; got != tt.status && !(tt.status == 0 && got == 200 && w.Body.Len() == 0) {
				t.Errorf("status %d, want %d", got, tt.status)
			}
			for name, want := range map[string]string{"Cache-Control": "private, no-store, max-age=0", "Pragma": "no-cache", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"} {
				if got := w.Header().Values(name); len(got) != 1 || got[0] != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if len(events) != 1 || events[0].Outcome != tt.outcome || events[0].Platform != "ReadMe" {
				t.Fatalf("events: %+v", events)
			}
			if e := events[0]; tt.cause != "" && (e.Err == nil || !strings.Contains(e.Err.Error(), tt.cause)) || tt.cause == "" && e.Err != nil {
				t.Errorf("the cause is %v, want %q", e.Err, tt.cause)
			}
			var line struct {
				Level   string
				Outcome string `json:"docslogin.outcome"`
				Status  int    `json:"http.response.status_code"`
				Cause   string `json:"exception.message"`
				Stack   string `json:"exception.stacktrace"`
			}
			if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
				t.Fatalf("%v in %s", err, &lines)
			}
			if line.Level != tt.level || line.Outcome != string(tt.outcome) || line.Status != tt.status || !strings.Contains(line.Cause, tt.cause) || (line.Stack != "") != (tt.outcome == "panic") {
				t.Errorf("logged: %s", &lines)
			}
			location := w.Header().Get("Location")
			hidden := []string{"eyJ", "q-secret", "anchor-secret", "sk_live_1", "Lovelace", "ada@", secret}
			for _, text := range hidden {
				if told := fmt.Sprintf("%+v %s", events[0], &lines); strings.Contains(told, text) {
					t.Errorf("%q is told: %s", text, told)
				}
			}
			page := w.Body.String()
			if location != "" && page != "" {
				t.Errorf("a redirect with the body %q", page)
			}
			for _, text := range append(hidden[3:], tt.cause, "goroutine") {
				if text != "" && tt.outcome != "incomplete_user" && strings.Contains(page, text) {
					t.Errorf("%q is on the page:\n%s", text, page)
				}
			}
			if shows := slices.Contains([]docslogin.Outcome{"logged_in", "sign_in", "speculative", "embedded", "canceled"}, tt.outcome); shows == strings.Contains(page, "<!doctype html>") {
				t.Errorf("the page is:\n%s", page)
			}
		})
	}
}

// hidden is a user in whom all that is not to be told says so.
var hidden = &docslogin.User{
	ID: "u-42", Name: "hidden-name", Email: "hidden-email@example.com", Groups: []string{"hidden-group"},
	APIKeys: []docslogin.APIKey{
		{Name: "hidden-key-name", Key: "hidden-key"},
		{Name: "hidden-second", Username: "hidden-username", Password: "hidden-password", Values: map[string]any{"header": "hidden-value"}},
	},
	Attributes: map[string]any{"plan": "hidden-attribute"},
	ExpiresAt:  noon.Add(12345 * time.Second),
	App:        "hidden-app",
}

// TestNothingIsTold: whatever becomes of a request, on any platform, it is one event and
// one log line, and neither has a token, a key, a query, nor a claim's value but the user's
// id, however it is printed.
func TestNothingIsTold(t *testing.T) {
	seen := map[docslogin.Outcome]bool{}
	for _, preset := range presets {
		for _, tt := range outcomes {
			for name, mount := range map[string]func(docslogin.UserLookup, docslogin.Platform, ...docslogin.Option) (http.Handler, error){
				"the route": func(lookup docslogin.UserLookup, p docslogin.Platform, opts ...docslogin.Option) (http.Handler, error) {
					return docslogin.New(lookup, p, opts...)
				},
				"UserInfo": func(lookup docslogin.UserLookup, p docslogin.Platform, opts ...docslogin.Option) (http.Handler, error) {
					return docslogin.UserInfo(lookup, p, []string{"https://docs.example.com"}, opts...)
				},
			} {
				platform := preset
				platform.Required = nil
				if tt.outcome == "incomplete_user" {
					platform.Required = []string{"none"}
				}
				if tt.cause == "the key service is down" {
					platform.Algorithm, platform.Key = jose.EdDSA, docslogin.SignWith(downSigner{cryptosigner.Opaque(edKey), new(bool)})
				}
				var told bytes.Buffer
				events, lines := 0, 0
				sensitive := []string{"hidden", "Hidden", "eyJ", "sk_live_1", "docslogin_sent", secret, edPEM[30:60]}
				debug := &slog.HandlerOptions{Level: slog.LevelDebug}
				h, err := mount(func(r *http.Request) (*docslogin.User, error) {
					user, err := tt.lookup(r)
					if user != nil {
						user = hidden
					}
					return user, err
				}, platform, append([]docslogin.Option{
					atNoon,
					docslogin.WithLogger(slog.New(twice{slog.NewTextHandler(&told, debug), slog.NewJSONHandler(&told, debug), &lines})),
					docslogin.WithObserver(func(_ context.Context, e docslogin.Event) {
						events++
						seen[e.Outcome] = true
						for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
							fmt.Fprintf(&told, verb+"\n", e)
							fmt.Fprintf(&told, verb+"\n", e.Err)
						}
						if err := json.NewEncoder(&told).Encode(e); err != nil {
							t.Error(err)
						}
						slog.New(slog.NewTextHandler(&told, nil)).Info("an observer's line", "event", e, "cause", e.Err)
					}),
				}, tt.options...)...)
				if err != nil {
					t.Fatal(err)
				}
				query := url.Values{"extra": {"hidden-parameter"}}
				if in := platform.DeepLink.In; in != "" {
					query.Set(in, "/docs/a?hidden-query#hidden-anchor")
				}
				r := httptest.NewRequest("GET", "/docs-login?"+query.Encode(), nil)
				r.Header.Set("Cookie", "session=hidden-cookie")
				r.Header.Set("Origin", "https://hidden-origin.example")
				if tt.request != nil {
					r = tt.request(r)
				}
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if name == "UserInfo" {
					r.Method = "OPTIONS"
					h.ServeHTTP(httptest.NewRecorder(), r)
					events, lines = events-1, lines-1
				}
				if events != 1 || lines != 1 {
					t.Errorf("%s, %s of %s: %d events and %d lines", tt.name, name, platform.Name, events, lines)
				}
				if tt.outcome == "logged_in" && name == "the route" {
					sensitive = append(sensitive, leaves(t, payloadOf(t, sent(t, w.Result())))...)
				}
				for _, text := range sensitive {
					if strings.Contains(told.String(), text) {
						t.Errorf("%s, %s of %s: %q is told:\n%s", tt.name, name, platform.Name, text, &told)
					}
				}
			}
		}
	}
	for _, o := range []docslogin.Outcome{"logged_in", "sign_in", "no_user", "loop", "method", "speculative", "embedded", "forbidden", "incomplete_user", "lookup_failed",
		"mapper_failed", "owned_claim", "sign_failed", "panic", "too_large", "canceled", "user_info", "preflight"} {
		if !seen[o] {
			t.Errorf("no request came to %s", o)
		}
	}
}

// twice is a log handler that writes each line in two forms, and counts.
type twice struct {
	slog.Handler
	second slog.Handler
	lines  *int
}

func (t twice) Handle(ctx context.Context, r slog.Record) error {
	*t.lines++
	return errors.Join(t.Handler.Handle(ctx, r), t.second.Handle(ctx, r))
}

// leaves are the values in a token's payload, but the user's id and what is too short to
// be told from anything else.
func leaves(t *testing.T, payload string) (values []string) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(payload))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err == io.EOF {
			return values
		}
		if err != nil {
			t.Fatal(err)
		}
		if value := fmt.Sprint(token); len(value) > 8 && value != "u-42" {
			values = append(values, value)
		}
	}
}

func TestALinkIsToldWithoutItsQuery(t *testing.T) {
	var e docslogin.Event
	m := newMiddleware(t, as(ada), readMe, docslogin.WithObserver(func(_ context.Context, got docslogin.Event) { e = got }))
	get(t, m, "/docs-login?redirect=/docs/a?b%23c")
	if e.DeepLink != "/docs/a" || e.LinkRefused || e.UserID != "u-42" || e.URLBytes < 200 || e.Duration <= 0 || e.Warning != "" {
		t.Errorf("%+v", e)
	}
	get(t, m, "/docs-login?redirect=//evil.example")
	if e.DeepLink != "" || !e.LinkRefused || !strings.HasPrefix(e.Warning, "the deep link was refused: its path is ambiguous") {
		t.Errorf("%+v", e)
	}
}

// The whole line of a login, of one with all that may be on it, and of a refusal.
func TestTheLogLine(t *testing.T) {
	var lines bytes.Buffer
	m := newMiddleware(t, as(ada), readMe, docslogin.WithLogger(slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	get(t, m, "/docs-login?redirect=/docs/a?b")
	get(t, m, "/docs-login?redirect=//evil.example")
	get(t, newMiddleware(t, nobody, readMe, docslogin.WithLogger(slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug})))), "/docs-login")
	numbers := regexp.MustCompile(`time=\S+|docslogin.duration=\S+|docslogin.url_bytes=\d+`)
	const want = `level=DEBUG msg="docs login" docslogin.outcome=logged_in docslogin.platform=ReadMe http.route=/docs-login http.response.status_code=302 N user.id=u-42 docslogin.deep_link=/docs/a N
level=DEBUG msg="docs login" docslogin.outcome=logged_in docslogin.platform=ReadMe http.route=/docs-login http.response.status_code=302 N user.id=u-42 docslogin.warning="the deep link was refused: its path is ambiguous: //, a dot segment, or an escape that is broken or doubled" docslogin.link_refused=true N
level=DEBUG msg="docs login" docslogin.outcome=no_user docslogin.platform=ReadMe http.route=/docs-login http.response.status_code=401 N exception.message="docslogin: nobody is signed in"
`
	if got := strings.ReplaceAll(numbers.ReplaceAllString(lines.String(), "N"), "N level", "level"); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// The way to the sign-in page carries the link, escaped twice.
func TestALongWayToTheSignInPageIsWarnedOf(t *testing.T) {
	for letters, want := range map[int]string{
		100: "",
		250: "the URL is over 3000 bytes: nginx in front of the app needs proxy_buffer_size 32k; proxy_buffers 8 32k;",
	} {
		var e docslogin.Event
		m := newMiddleware(t, nobody, readMe, docslogin.WithLoginPage("/sign-in", "next"), docslogin.WithObserver(func(_ context.Context, got docslogin.Event) { e = got }))
		resp := get(t, m, "/docs-login?redirect="+url.QueryEscape("/"+strings.Repeat("%D9%85", letters)))
		if n := len(resp.Header.Get("Location")); e.Outcome != "sign_in" || e.Warning != want || (n > 3000) != (want != "") {
			t.Errorf("%d bytes: %s, %q", n, e.Outcome, e.Warning)
		}
	}
}

func TestTheDurationIsTheRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var e docslogin.Event
		m := newMiddleware(t, func(*http.Request) (*docslogin.User, error) {
			time.Sleep(3 * time.Second)
			return ada, nil
		}, readMe, docslogin.WithObserver(func(_ context.Context, got docslogin.Event) { e = got }))
		if get(t, m, "/docs-login"); e.Duration != 3*time.Second {
			t.Errorf("%v", e.Duration)
		}
	})
}

func TestWarningsAreJoined(t *testing.T) {
	var e docslogin.Event
	m := newMiddleware(t, as(ada), readMe, claim("padding", strings.Repeat("x", 3000)), docslogin.WithObserver(func(_ context.Context, got docslogin.Event) { e = got }))
	get(t, m, "/docs-login?redirect=evil")
	const want = "the deep link was refused: it is neither a path that begins with / nor an absolute URL; the URL is over 3000 bytes: nginx in front of the app needs proxy_buffer_size 32k; proxy_buffers 8 32k;"
	if e.Warning != want {
		t.Errorf("got %s", e.Warning)
	}
}

func TestTheDefaultLogger(t *testing.T) {
	var lines bytes.Buffer
	defer slog.SetDefault(slog.Default())
	m, err := docslogin.New(failing(errStore), readMe)
	if err != nil {
		t.Fatal(err)
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(&lines, nil)))
	get(t, m, "/docs-login?redirect=//evil.example")
	for _, want := range []string{"level=ERROR", `msg="docs login"`, "docslogin.outcome=lookup_failed", "http.route=/docs-login", `exception.message="the session store is down"`, "docslogin.link_refused=true"} {
		if !strings.Contains(lines.String(), want) {
			t.Errorf("no %s in %s", want, &lines)
		}
	}
}

func TestAnObserverThatPanicsHarmsNobody(t *testing.T) {
	var lines bytes.Buffer
	m := newMiddleware(t, as(ada), readMe, docslogin.WithLogger(slog.New(slog.NewTextHandler(&lines, nil))),
		docslogin.WithObserver(func(context.Context, docslogin.Event) { panic(ada) }))
	if resp := get(t, m, "/docs-login"); resp.StatusCode != 302 {
		t.Errorf("%d", resp.StatusCode)
	}
	if !strings.Contains(lines.String(), `level=ERROR msg="docs login: the observer panicked" exception.type=*docslogin.User`) || strings.Contains(lines.String(), "Ada") {
		t.Errorf("logged: %s", &lines)
	}
}

// nilError is what Go's most usual slip returns: a nil pointer that is an error.
type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

// asPanics is an error that cannot even be asked what it is.
type asPanics struct{}

func (asPanics) Error() string { return "odd" }
func (asPanics) As(any) bool   { panic("no") }

func TestAnErrorThatPanicsWhenAsked(t *testing.T) {
	var lines bytes.Buffer
	m := newMiddleware(t, failing(asPanics{}), readMe, docslogin.WithLogger(slog.New(slog.NewTextHandler(&lines, nil))))
	if resp := get(t, m, "/docs-login"); resp.StatusCode != 500 || !strings.Contains(lines.String(), "exception.message=odd") {
		t.Errorf("%d, logged %s", resp.StatusCode, &lines)
	}
}

func TestErrorsThatPanic(t *testing.T) {
	var none *nilError
	for name, lookup := range map[string]docslogin.UserLookup{"returned": failing(none), "thrown": func(*http.Request) (*docslogin.User, error) { panic(error(none)) }} {
		var lines bytes.Buffer
		var e docslogin.Event
		m := newMiddleware(t, lookup, readMe, docslogin.WithLogger(slog.New(slog.NewTextHandler(&lines, nil))), docslogin.WithObserver(func(_ context.Context, got docslogin.Event) { e = got }))
		if resp := get(t, m, "/docs-login"); resp.StatusCode != 500 || !errors.Is(e.Err, none) {
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
		if !strings.Contains(lines.String(), "that has no text") {
			t.Errorf("%s: logged %s", name, &lines)
		}
	}
}

// panicking is a log handler that fails.
type panicking struct{ slog.Handler }

func (panicking) Enabled(context.Context, slog.Level) bool  { return true }
func (panicking) Handle(context.Context, slog.Record) error { panic("disk full") }

func TestALogThatPanicsHarmsNobody(t *testing.T) {
	for name, logger := range map[string]*slog.Logger{"a handler": slog.New(panicking{}), "a zero Logger": {}} {
		events := 0
		m := newMiddleware(t, as(ada), readMe, docslogin.WithLogger(logger), docslogin.WithObserver(func(context.Context, docslogin.Event) { events++; panic("too") }))
		if resp := get(t, m, "/docs-login"); resp.StatusCode != 302 || events != 1 {
			t.Errorf("%s: %d, %d events", name, resp.StatusCode, events)
		}
	}
}

func TestAnErrorHandlerThatPanicsIsTold(t *testing.T) {
	var events []docslogin.Event
	m := newMiddleware(t, nobody, readMe,
		docslogin.WithErrorHandler(func(http.ResponseWriter, *http.Request, *docslogin.LoginError) { panic("the template is gone") }),
		docslogin.WithObserver(func(_ context.Context, e docslogin.Event) { events = append(events, e) }))
	defer func() {
		if v := recover(); v != "the template is gone" || len(events) != 1 || events[0].Outcome != "no_user" {
			t.Errorf("recovered %v after %+v", v, events)
		}
	}()
	m.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/docs-login", nil))
}

func TestErrAbortHandlerIsPassedOn(t *testing.T) {
	var events []docslogin.Event
	m := newMiddleware(t, as(ada), readMe,
		docslogin.WithClaimsMapper(func(context.Context, *docslogin.User, docslogin.Claims) error { panic(http.ErrAbortHandler) }),
		docslogin.WithObserver(func(_ context.Context, e docslogin.Event) { events = append(events, e) }))
	w := httptest.NewRecorder()
	defer func() {
		if v := recover(); v != http.ErrAbortHandler {
			t.Errorf("recovered %v", v)
		}
		if len(events) != 1 || events[0].Outcome != "canceled" {
			t.Errorf("%+v", events)
		}
		if w.Header().Get("Cache-Control") == "" {
			t.Error("the headers were not set before")
		}
	}()
	m.ServeHTTP(w, httptest.NewRequest("GET", "/docs-login", nil))
}

// signerFunc signs as an opaque signer does, after f.
type signerFunc struct {
	jose.OpaqueSigner
	f func()
}

func (s signerFunc) SignPayload(p []byte, alg jose.SignatureAlgorithm) ([]byte, error) {
	s.f()
	return s.OpaqueSigner.SignPayload(p, alg)
}

// A visitor who goes meanwhile gets no token, whether it was signed or not.
func TestAVisitorWhoGoesMeanwhile(t *testing.T) {
	var leave, signing func()
	p := custom(func(p *docslogin.Platform) {
		p.Algorithm, p.Key = jose.EdDSA, docslogin.SignWith(signerFunc{cryptosigner.Opaque(edKey), func() { signing() }})
	})
	for _, tt := range []struct {
		name            string
		mapping, atSign bool
		signed          bool
	}{
		{name: "while claims are mapped", mapping: true, signed: false},
		{name: "while the token is signed", atSign: true, signed: true},
	} {
		signed := false
		signing = func() {}
		m := newMiddleware(t, as(ada), p, docslogin.WithClaimsMapper(func(context.Context, *docslogin.User, docslogin.Claims) error {
			if tt.mapping {
				leave()
			}
			return nil
		}))
		signing = func() {
			signed = true
			if tt.atSign {
				leave()
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		leave = cancel
		w := httptest.NewRecorder()
		m.ServeHTTP(w, httptest.NewRequest("GET", "/docs-login", nil).WithContext(ctx))
		cancel()
		if w.Header().Get("Location") != "" || w.Body.Len() > 0 || signed != tt.signed {
			t.Errorf("%s: signed: %v, got %v %s", tt.name, signed, w.Header(), w.Body)
		}
		ctx, leave = context.WithCancel(t.Context())
		url, err := m.LoginURL(ctx, ada, "")
		leave()
		if url != "" || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: LoginURL returned %q, %v", tt.name, url, err)
		}
	}
}

func TestPagesForPeople(t *testing.T) {
	for _, tt := range []struct {
		name    string
		lookup  docslogin.UserLookup
		options []docslogin.Option
		status  int
		want    []string
		without string
	}{
		{"nobody", nobody, nil, 401, []string{"<h1>You are not signed in</h1>", "Sign in first"}, "<a "},
		{"forbidden", failing(docslogin.ErrForbidden), nil, 403, []string{"<h1>You may not read this documentation</h1>", "ask the site’s owner"}, "<a "},
		{"forbidden, with a sign-in page", failing(docslogin.ErrForbidden), []docslogin.Option{signInPage}, 403, []string{`<a href="/sign-in?next=%2Fdocs-login`}, "loop"},
		{"incomplete", as(&docslogin.User{ID: "1"}), nil, 403, []string{"<h1>Your account is not complete</h1>", "does not have: name, email."}, "<a "},
		{"a fault", failing(errStore), []docslogin.Option{signInPage}, 500, []string{"<h1>Something went wrong</h1>", "Try again in a minute"}, "<a "},
		{"incomplete, with a sign-in page", as(&docslogin.User{ID: "1"}), []docslogin.Option{signInPage}, 403, []string{`<a href="/sign-in?next=%2Fdocs-login`}, "loop"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp := get(t, newMiddleware(t, tt.lookup, readMe, tt.options...), "/docs-login?redirect=/a", "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
			body := bodyOf(t, resp)
			if resp.StatusCode != tt.status || resp.Header.Get("Content-Type") != "text/html; charset=utf-8" {
				t.Errorf("%d, %v", resp.StatusCode, resp.Header)
			}
			if csp := resp.Header.Get("Content-Security-Policy"); csp != "default-src 'none'; style-src "+hashOf(t, body, "style")+"; script-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" {
				t.Errorf("Content-Security-Policy: %q", csp)
			}
			for _, want := range append(tt.want, `<html lang="en">`, "<main>", `name="viewport"`, "<title>") {
				if !strings.Contains(body, want) {
					t.Errorf("no %q in\n%s", want, body)
				}
			}
			if strings.Contains(body, tt.without) {
				t.Errorf("%q in\n%s", tt.without, body)
			}
		})
	}
}

// hashOf is how a policy names the one inline script or style of a page (CSP Level 3,
// section 2.3.1).
func hashOf(t *testing.T, page, element string) string {
	t.Helper()
	found := regexp.MustCompile("(?s)<"+element+">(.*?)</"+element+">").FindAllStringSubmatch(page, -1)
	if len(found) != 1 {
		t.Fatalf("%d of <%s> in\n%s", len(found), element, page)
	}
	sum := sha256.Sum256([]byte(found[0][1]))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// The words for the visitor, as plain text: what happened, and what to do.
func TestTheWordsOfEachPage(t *testing.T) {
	const fault = "Something went wrong\n\nYou could not be signed in to the documentation, because of a fault on this site.\nTry again in a minute. If it goes on, tell the site’s owner.\n\n"
	words := map[docslogin.Outcome]string{
		"no_user":         "You are not signed in\n\nThe documentation is for users who are signed in here.\nSign in first, then open the documentation again.\n\n",
		"loop":            "Signing in did not work\n\nYou came back from the sign-in page, but you are not signed in. Either the sign-in was not finished, or your browser does not keep this site’s cookies.\nSign in again. If that does not help, allow cookies for this site, or tell the site’s owner.\n/sign-in?next=%2Fdocs-login%3Fdocslogin_sent%3D1700000000\n",
		"method":          "This address is a link\n\nIt signs you in to the documentation when you open it, and takes nothing else.\nGo to the documentation and sign in from there.\n\n",
		"forbidden":       "You may not read this documentation\n\nYou are signed in, but your account has no access to it.\nSign in with another account, or ask the site’s owner for access.\n\n",
		"incomplete_user": "Your account is not complete\n\nThe documentation needs something that your account here does not have: email.\nAdd it to your account and try again, or tell the site’s owner.\n\n",
		"lookup_failed":   fault, "mapper_failed": fault, "owned_claim": fault, "sign_failed": fault, "panic": fault,
		"too_large": "Your account is too large for the documentation\n\nWhat the documentation would be told about your account does not fit into a link.\nTell the site’s owner, who can see in the log what is too large.\n\n",
	}
	for _, tt := range outcomes {
		if words[tt.outcome] == "" || tt.cause == "the key service is down" || tt.name == "a user without anything" {
			continue
		}
		r := httptest.NewRequest("GET", "/docs-login?", nil)
		if tt.request != nil {
			r = tt.request(r)
		}
		r.Header.Set("Accept", "text/plain")
		w := httptest.NewRecorder()
		newMiddleware(t, tt.lookup, readMe, tt.options...).ServeHTTP(w, r)
		if w.Body.String() != words[tt.outcome] {
			t.Errorf("%s: %q", tt.name, w.Body)
		}
	}
}

func TestAPageEscapesWhatItNames(t *testing.T) {
	p := custom(func(p *docslogin.Platform) { p.Required = []string{"<script>"} })
	body := bodyOf(t, get(t, newMiddleware(t, as(ada), p, docslogin.WithLoginPage("/sign-in", `"><script>`)), "/docs-login"))
	if strings.Contains(body, "<script>") || !strings.Contains(body, "does not have: &lt;script&gt;.") {
		t.Error(body)
	}
}

func TestAPageIsPlainTextForWhoAcceptsNoHTML(t *testing.T) {
	for _, tt := range []struct {
		accept []string
		want   string
	}{
		{nil, "text/html"},
		{[]string{"Accept: */*"}, "text/html"},
		{[]string{"Accept: text/html"}, "text/html"},
		{[]string{"Accept: text/*;q=0.1"}, "text/html"},
		{[]string{"Accept: application/json", "Accept: text/html;q=0.2"}, "text/html"},
		{[]string{"Accept: text/html", "Accept: application/json"}, "text/html"},
		{[]string{"Accept: text/html;q=1"}, "text/html"},
		{[]string{"Accept: application/json"}, "text/plain"},
		{[]string{"Accept: text/plain"}, "text/plain"},
		{[]string{"Accept: */*, text/html;q=0"}, "text/plain"},
		{[]string{"Accept: text/html;q=0, */*"}, "text/plain"},
		{[]string{"Accept: text/html;q=lots"}, "text/plain"},
		{[]string{"Accept: ;;"}, "text/plain"},
	} {
		resp := get(t, newMiddleware(t, failing(docslogin.ErrForbidden), readMe, signInPage), "/docs-login", tt.accept...)
		body := bodyOf(t, resp)
		if got := resp.Header.Get("Content-Type"); got != tt.want+"; charset=utf-8" {
			t.Errorf("%q: %s", tt.accept, got)
		}
		if tt.want == "text/plain" && (!strings.HasPrefix(body, "You may not read this documentation\n\n") || !strings.Contains(body, "\n/sign-in?next=") || strings.Contains(body, "<")) {
			t.Errorf("%q: %s", tt.accept, body)
		}
	}
}

func TestAnErrorHandlerReplacesThePages(t *testing.T) {
	for _, tt := range outcomes {
		if tt.outcome == "logged_in" || tt.outcome == "sign_in" || tt.outcome == "sign_failed" {
			continue
		}
		var got *docslogin.LoginError
		m := newMiddleware(t, tt.lookup, readMe, append(tt.options, docslogin.WithErrorHandler(func(w http.ResponseWriter, r *http.Request, err *docslogin.LoginError) {
			got = err
			w.WriteHeader(err.Status)
		}))...)
		r := httptest.NewRequest("GET", "/docs-login?", nil)
		if tt.request != nil {
			r = tt.request(r)
		}
		w := httptest.NewRecorder()
		m.ServeHTTP(w, r)
		if silent := tt.outcome == "speculative" || tt.outcome == "embedded" || tt.outcome == "canceled"; silent != (got == nil) {
			t.Errorf("%s: got %v", tt.name, got)
		}
		if got == nil {
			continue
		}
		if got.Outcome != tt.outcome || got.Status != tt.status || w.Code != tt.status || w.Header().Get("Cache-Control") == "" {
			t.Errorf("%s: %+v, %v", tt.name, got, w.Header())
		}
		if !strings.HasPrefix(got.Error(), "docslogin: "+string(tt.outcome)) || !strings.Contains(got.Error(), strings.TrimPrefix(tt.cause, "docslogin: ")) || strings.HasPrefix(got.Error(), "docslogin: "+string(tt.outcome)+": docslogin: ") || !errors.Is(got, got.Err) && got.Err != nil {
			t.Errorf("%s: %v", tt.name, got)
		}
		if (got.SignInURL != "") != (tt.outcome == "loop") {
			t.Errorf("%s: SignInURL is %q", tt.name, got.SignInURL)
		}
	}
}

func TestUsersAndSessions(t *testing.T) {
	until := func(d time.Duration) *docslogin.User {
		return &docslogin.User{ID: "1", Name: "Ada", Email: "ada@example.com", ExpiresAt: noon.Add(d)}
	}
	for _, tt := range []struct {
		name     string
		platform docslogin.Platform
		user     *docslogin.User
		options  []docslogin.Option
		want     string // in the payload; "": nobody
	}{
		{"no end of the app's session", minty, ada, nil, `"expiresAt":1701209600`},
		{"an end after the docs session's", minty, until(15 * 24 * time.Hour), nil, `"expiresAt":1701209600`},
		{"an end before the docs session's", minty, until(time.Hour), nil, `"expiresAt":1700003600`},
		{"an end in a moment, before the token's", minty, until(time.Second), nil, `"expiresAt":1700000001`},
		{"an end within this very second", minty, until(999 * time.Millisecond), nil, ""},
		{"an end that has passed", minty, until(-time.Second), nil, ""},
		{"an end that has passed, where there is no claim for it", readMe, until(-time.Hour), nil, ""},
		{"an end ahead, where there is no claim for it", readMe, until(time.Second), nil, `"exp":1700000300`},
		{"a docs session of the app's choice", minty, until(15 * 24 * time.Hour), []docslogin.Option{docslogin.WithSessionTTL(time.Hour)}, `"expiresAt":1700003600`},
		{"a token of the app's choice", readMe, until(time.Hour), []docslogin.Option{docslogin.WithTokenTTL(time.Second)}, `"exp":1700000001`},
		{"a token that is the session", gitBook, until(15 * 24 * time.Hour), nil, `"exp":1700003600`},
		{"the same, of the app's choice", gitBook, ada, []docslogin.Option{docslogin.WithSessionTTL(7 * 24 * time.Hour)}, `"exp":1700604800`},
		{"a token that is the session, capped", gitBook, until(time.Minute), nil, `"exp":1700000060`},
		{"an app session that ends before the platform's least", gitBook, until(59 * time.Second), nil, ""},
		{"Mintlify's public docs, capped", public, until(time.Hour), nil, `"exp":1700000010,"expiresAt":1700003600`},
		{"Fern, capped", fern, until(time.Hour), nil, `"exp":1700003600`},
		{"Help Scout, capped", scout, until(time.Minute), nil, `"exp":1700000060`},
		{"DeveloperHub, capped", hub, until(time.Hour), nil, `"exp":1700003600`},
		{"Zendesk, which has no claim for either", zendesk, until(time.Minute), nil, `"iat":1700000000,"jti"`},
		{"Canny, where the token's end is no session's", canny, until(time.Minute), nil, `"exp":1700000300`},
		{"Featurebase, a token of the app's choice", feature, until(time.Minute), []docslogin.Option{docslogin.WithTokenTTL(time.Hour)}, `"exp":1700003600`},
		{"Metabase, a token of the app's choice", meta, ada, []docslogin.Option{docslogin.WithTokenTTL(time.Minute)}, `"exp":1700000060`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp := get(t, newMiddleware(t, as(tt.user), tt.platform, tt.options...), "/docs-login")
			if tt.want == "" {
				if resp.StatusCode != 401 {
					t.Errorf("%d, want 401", resp.StatusCode)
				}
				return
			}
			if got := payloadOf(t, sent(t, resp)); !strings.Contains(got, tt.want) {
				t.Errorf("got %s, want %s in it", got, tt.want)
			}
		})
	}
}

// WithTokenTTL is for tokens that are used once, WithSessionTTL for docs sessions that the
// token ends: on each platform one of them, both, or neither.
func TestWhichLifetimesAPlatformHas(t *testing.T) {
	for _, tt := range []struct {
		platform       docslogin.Platform
		token, session string // the longest of each, or ""
	}{
		{readMe, "8784h0m0s", ""},
		{minty, "10s", "8784h0m0s"},
		{public, "10s", "8784h0m0s"},
		{gitBook, "", "8784h0m0s"},
		{fern, "", "8784h0m0s"},
		{zendesk, "", ""},
		{scout, "", "8784h0m0s"},
		{hub, "", "8784h0m0s"},
		{canny, "8784h0m0s", ""},
		{feature, "8784h0m0s", ""},
		{meta, "3m0s", ""},
	} {
		for _, option := range []struct {
			field, most string
			with        func(time.Duration) docslogin.Option
		}{{"WithTokenTTL", tt.token, docslogin.WithTokenTTL}, {"WithSessionTTL", tt.session, docslogin.WithSessionTTL}} {
			most, err := time.ParseDuration(option.most)
			want := "does not apply"
			if err == nil {
				want = "to " + option.most
				if _, err := docslogin.New(nobody, tt.platform, option.with(most)); err != nil {
					t.Errorf("%s: %v", tt.platform.Name, err)
				}
			}
			_, err = docslogin.New(nobody, tt.platform, option.with(most+time.Second))
			if mistakes := mistakesIn(err); len(mistakes) != 1 || mistakes[0].Field != option.field || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s %s", tt.platform.Name, err, option.field, want)
			}
		}
	}
}

// A session that ends while the claims are mapped has ended.
func TestASessionThatEndsMeanwhile(t *testing.T) {
	now := noon
	user := &docslogin.User{ID: "1", Email: "ada@example.com", ExpiresAt: noon.Add(70 * time.Second)}
	m := newMiddleware(t, as(user), gitBook, signInPage, docslogin.WithClock(func() time.Time { return now }),
		docslogin.WithClaimsMapper(func(context.Context, *docslogin.User, docslogin.Claims) error {
			now = now.Add(20 * time.Second)
			return nil
		}))
	if location := get(t, m, "/docs-login?location=a").Header.Get("Location"); !strings.HasPrefix(location, "/sign-in?next=%2Fdocs-login%3F") {
		t.Errorf("got %s", masked(location))
	}
	if url, err := m.LoginURL(t.Context(), user, ""); url != "" || !errors.Is(err, docslogin.ErrNoUser) {
		t.Errorf("got %s, %v", masked(url), err)
	}
}

// Times are whole seconds by the app's clock, also at their edges.
func TestTimesAreWholeSeconds(t *testing.T) {
	m := newMiddleware(t, as(ada), minty, docslogin.WithClock(func() time.Time { return noon.Add(999 * time.Millisecond) }))
	if _, payload := login(t, m, "/docs-login"); !strings.Contains(payload, `"exp":1700000010,"expiresAt":1701209600,"host":"docs.example.com","iat":1700000000}`) {
		t.Error(payload)
	}
}

func TestEveryTokenHasAnIDOfItsOwn(t *testing.T) {
	m := newMiddleware(t, as(ada), readMe)
	first, second := get(t, m, "/docs-login").Header.Get("Location"), get(t, m, "/docs-login").Header.Get("Location")
	if payloadOf(t, first) != payloadOf(t, second) || first == second {
		t.Errorf("%s\n%s", first, second)
	}
}

// mapperRow is a user and the claims that a mapper makes of him, or a part of its error.
type mapperRow struct {
	name string
	user *docslogin.User
	want string
	err  string
}

func testMapper(t *testing.T, mapper docslogin.ClaimsMapper, rows []mapperRow) {
	t.Helper()
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			claims := docslogin.Claims{}
			err := mapper(t.Context(), tt.user, claims)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %v, want %s", err, tt.err)
				}
				return
			}
			if got, _ := json.Marshal(claims); err != nil || string(got) != tt.want {
				t.Errorf("got  %s, %v\nwant %s", got, err, tt.want)
			}
		})
	}
}

func TestReadMeClaims(t *testing.T) {
	key := func(keys ...docslogin.APIKey) *docslogin.User { return &docslogin.User{APIKeys: keys} }
	basic := map[string]any{"user": "u", "pass": "p"}
	testMapper(t, docslogin.ReadMeClaims, []mapperRow{
		{"nothing set is nothing sent", &docslogin.User{ID: "1", Groups: []string{"g"}, App: 1}, `{}`, ""},
		{"a name and an e-mail", &docslogin.User{Name: "Owlbert", Email: "owlbert@readme.io"}, `{"email":"owlbert@readme.io","name":"Owlbert"}`, ""},
		{"no name is filled with the e-mail", &docslogin.User{Email: "owlbert@readme.io"}, `{"email":"owlbert@readme.io","name":"owlbert@readme.io"}`, ""},
		{"one key, whose name is dropped", key(docslogin.APIKey{Name: "live", Key: "12345"}), `{"apiKey":"12345"}`, ""},
		{"one key with values", key(docslogin.APIKey{Key: "12345", Values: map[string]any{"petstore_auth": "x", "port": 8443}}), `{"apiKey":"12345","petstore_auth":"x","port":8443}`, ""},
		{"HTTP Basic in both forms", key(docslogin.APIKey{Username: "u", Password: "p"}), `{"apiKey":{"pass":"p","user":"u"},"pass":"p","user":"u"}`, ""},
		{"HTTP Basic without a password", key(docslogin.APIKey{Username: "u"}), `{"apiKey":{"pass":"","user":"u"},"pass":"","user":"u"}`, ""},
		{"HTTP Basic and a token", key(docslogin.APIKey{Key: "12345", Username: "u", Password: "p"}), `{"apiKey":"12345","pass":"p","user":"u"}`, ""},
		{"HTTP Basic under the scheme's name", key(docslogin.APIKey{Username: "u", Password: "p", Values: map[string]any{"basicAuth": basic}}), `{"basicAuth":{"pass":"p","user":"u"},"pass":"p","user":"u"}`, ""},
		{"HTTP Basic only under the scheme's name", key(docslogin.APIKey{Values: map[string]any{"basicAuth": basic}}), `{"basicAuth":{"pass":"p","user":"u"},"pass":"p","user":"u"}`, ""},
		{"the same as Claims", key(docslogin.APIKey{Username: "u", Password: "p", Values: map[string]any{"basicAuth": docslogin.Claims{"user": "u", "pass": "p"}}}), `{"basicAuth":{"pass":"p","user":"u"},"pass":"p","user":"u"}`, ""},
		{"the same as a struct", key(docslogin.APIKey{Values: map[string]any{"basicAuth": struct {
			User string `json:"user"`
			Pass string `json:"pass"`
		}{"u", "p"}}}), `{"basicAuth":{"user":"u","pass":"p"},"pass":"p","user":"u"}`, ""},
		{"the same as a map of strings", key(docslogin.APIKey{Values: map[string]any{"basicAuth": map[string]string{"user": "u", "pass": "p"}}}), `{"basicAuth":{"pass":"p","user":"u"},"pass":"p","user":"u"}`, ""},
		{"two schemes of HTTP Basic", key(docslogin.APIKey{Values: map[string]any{"a": basic, "b": basic}}), `{"a":{"pass":"p","user":"u"},"b":{"pass":"p","user":"u"}}`, ""},
		{"a scheme that is itself named apiKey", key(docslogin.APIKey{Username: "u", Password: "p", Values: map[string]any{"apiKey": basic}}), `{"apiKey":{"pass":"p","user":"u"},"pass":"p","user":"u"}`, ""},
		{"several keys", key(docslogin.APIKey{Name: "live", Key: "1", Values: map[string]any{"v": 1}}, docslogin.APIKey{Name: "test", Username: "u", Password: "p"}, docslogin.APIKey{Name: "scheme", Values: map[string]any{"basicAuth": basic}}),
			`{"keys":[{"apiKey":"1","name":"live","v":1},{"name":"test","pass":"p","user":"u"},{"basicAuth":{"pass":"p","user":"u"},"name":"scheme","pass":"p","user":"u"}]}`, ""},
		{"several keys, one without a name", key(docslogin.APIKey{Name: "live", Key: "1"}, docslogin.APIKey{Key: "2"}), "", "API key 2 of 2 has no Name of its own"},
		{"several keys with the same name", key(docslogin.APIKey{Name: "live", Key: "1"}, docslogin.APIKey{Name: "live", Key: "2"}), "", "API key 2 of 2 has no Name of its own"},
		{"attributes at the top level", &docslogin.User{Attributes: map[string]any{"plan": "pro", "id": 1 << 60, "label": nil, "tags": []string{"a", "b"}, "ids": []any{1, "x"}}}, `{"id":1152921504606846976,"ids":[1,"x"],"label":null,"plan":"pro","tags":["a","b"]}`, ""},
		{"an attribute that is a value's name", &docslogin.User{Attributes: map[string]any{"v": 1}, APIKeys: []docslogin.APIKey{{Values: map[string]any{"v": 2}}}}, "", `the API key's value "v" would set a claim that another field of the user has set`},
		{"an attribute that is a privilege", &docslogin.User{Attributes: map[string]any{"isAdmin": true}}, "", `docslogin: the attribute "isAdmin" would set a claim that has a meaning of its own`},
		{"a value that is the person's name", key(docslogin.APIKey{Values: map[string]any{"name": "x"}}), "", `the API key's value "name"`},
		{"a value that is a privilege", key(docslogin.APIKey{Values: map[string]any{"isAdmin": true}}), "", `the API key's value "isAdmin"`},
		{"a value and the key", key(docslogin.APIKey{Key: "1", Values: map[string]any{"apiKey": "2"}}), "", `the API key's value "apiKey"`},
		{"a value that is an entry's name", key(docslogin.APIKey{Name: "a"}, docslogin.APIKey{Name: "b", Values: map[string]any{"name": "x"}}), "", `the API key's value "name"`},
	})
}

func TestMintlifyClaims(t *testing.T) {
	testMapper(t, docslogin.MintlifyClaims, []mapperRow{
		{"nothing set is nothing sent", &docslogin.User{ID: "1", App: 1, APIKeys: []docslogin.APIKey{{Name: "x"}}}, `{}`, ""},
		{"groups", &docslogin.User{Groups: []string{"admin", "beta"}}, `{"groups":["admin","beta"]}`, ""},
		{"content", &docslogin.User{Name: "Ada", Email: "ada@example.com", Attributes: map[string]any{"plan": "pro"}}, `{"content":{"email":"ada@example.com","name":"Ada","plan":"pro"}}`, ""},
		{"the first key", &docslogin.User{APIKeys: []docslogin.APIKey{{Key: "1", Values: map[string]any{"v": 1}}, {Key: "2"}}}, `{"apiPlaygroundInputs":{"header":{"Authorization":"Bearer 1"}}}`, ""},
		{"HTTP Basic", &docslogin.User{APIKeys: []docslogin.APIKey{{Username: "Aladdin", Password: "open sesame"}}}, `{"apiPlaygroundInputs":{"header":{"Authorization":"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}}}`, ""},
		{"an attribute that is the name", &docslogin.User{Attributes: map[string]any{"name": "x"}}, "", `the attribute "name"`},
		{"an attribute that is the e-mail", &docslogin.User{Attributes: map[string]any{"email": "x"}}, "", `the attribute "email"`},
	})
}

// The mappers of presets that have no name of their own.
func TestThePresetsClaims(t *testing.T) {
	empty := &docslogin.User{App: 1}
	full := func(change func(*docslogin.User)) *docslogin.User {
		user := &docslogin.User{ID: "7", Name: "Ada Lovelace", Email: "ada@example.com", Groups: []string{"g"}, Attributes: map[string]any{"role": "admin", "tags": []string{"x"}, "organization": "o", "user_fields": nil}}
		if change != nil {
			change(user)
		}
		return user
	}
	keys := func(keys ...docslogin.APIKey) *docslogin.User { return &docslogin.User{APIKeys: keys} }
	attributes := func(a map[string]any) *docslogin.User { return &docslogin.User{Name: "Ada Lovelace", Attributes: a} }
	for _, tt := range []struct {
		platform docslogin.Platform
		rows     []mapperRow
	}{
		{gitBook, []mapperRow{
			{"nothing set is nothing sent", empty, `{}`, ""},
			{"groups and keys are not sent", full(func(u *docslogin.User) { u.Attributes, u.APIKeys = nil, []docslogin.APIKey{{Key: "1"}} }), `{"email":"ada@example.com","name":"Ada Lovelace"}`, ""},
			{"attributes at the top level", attributes(map[string]any{"plan": "pro"}), `{"name":"Ada Lovelace","plan":"pro"}`, ""},
			{"an attribute that is the e-mail", attributes(map[string]any{"email": "x"}), "", `the attribute "email" would set a claim that has a meaning`},
		}},
		{fern, []mapperRow{
			{"nothing set is nothing sent", empty, `{}`, ""},
			{"roles, name and e-mail, and no attributes", full(nil), `{"fern":{"email":"ada@example.com","name":"Ada Lovelace","roles":["g"]}}`, ""},
			{"the first key", keys(docslogin.APIKey{Key: "1", Values: map[string]any{"v": 1}}, docslogin.APIKey{Key: "2"}), `{"fern":{"playground":{"initial_state":{"auth":{"bearer_token":"1"}}}}}`, ""},
			{"HTTP Basic", keys(docslogin.APIKey{Username: "u", Password: "p"}), `{"fern":{"playground":{"initial_state":{"auth":{"basic":{"password":"p","username":"u"}}}}}}`, ""},
			{"a key wins over HTTP Basic", keys(docslogin.APIKey{Key: "1", Username: "u", Password: "p"}), `{"fern":{"playground":{"initial_state":{"auth":{"bearer_token":"1"}}}}}`, ""},
			{"a key with nothing in it", keys(docslogin.APIKey{Name: "x"}), `{}`, ""},
		}},
		{zendesk, []mapperRow{
			{"nothing set is nothing sent", empty, `{}`, ""},
			{"who it is, and nothing that changes him", full(nil), `{"email":"ada@example.com","external_id":"7","name":"Ada Lovelace"}`, ""},
			{"no name is filled with the e-mail", &docslogin.User{Email: "ada@example.com"}, `{"email":"ada@example.com","name":"ada@example.com"}`, ""},
		}},
		{scout, []mapperRow{
			{"nothing set is nothing sent", empty, `{}`, ""},
			{"the e-mail alone", full(nil), `{"sub":"ada@example.com"}`, ""},
		}},
		{hub, []mapperRow{
			{"nothing set is nothing sent", empty, `{}`, ""},
			{"name, e-mail and attributes", &docslogin.User{ID: "7", Name: "Ada", Email: "a@b.c", Groups: []string{"g"}, Attributes: map[string]any{"plan": "pro"}}, `{"vars":{"email":"a@b.c","name":"Ada","plan":"pro"}}`, ""},
			{"an attribute that is the name", attributes(map[string]any{"name": "x"}), "", `the attribute "name" would set a claim that has a meaning`},
		}},
		{canny, []mapperRow{
			{"nothing set is nothing sent", empty, `{}`, ""},
			{"who it is, and no more", full(nil), `{"email":"ada@example.com","id":"7","name":"Ada Lovelace"}`, ""},
			{"no name is filled with the e-mail", &docslogin.User{Email: "ada@example.com"}, `{"email":"ada@example.com","name":"ada@example.com"}`, ""},
		}},
		{feature, []mapperRow{
			{"nothing set is nothing sent", empty, `{}`, ""},
			{"who it is, and no more", full(nil), `{"email":"ada@example.com","name":"Ada Lovelace","userId":"7"}`, ""},
			{"no name is not filled", &docslogin.User{Email: "ada@example.com"}, `{"email":"ada@example.com"}`, ""},
		}},
		{meta, []mapperRow{
			{"nothing set is nothing sent", empty, `{}`, ""},
			{"all of the name as the first one", full(nil), `{"email":"ada@example.com","first_name":"Ada Lovelace","groups":["g"]}`, ""},
			{"names from attributes", attributes(map[string]any{"first_name": "Ada", "last_name": "L.", "seats": 1}), `{"first_name":"Ada","last_name":"L."}`, ""},
			{"a last name alone", attributes(map[string]any{"last_name": "L."}), `{"last_name":"L."}`, ""},
			{"names that are empty", attributes(map[string]any{"first_name": "", "last_name": nil}), `{"first_name":"Ada Lovelace"}`, ""},
			{"a name that is no string", attributes(map[string]any{"first_name": 1}), "", `the attribute "first_name" is a int, and Metabase wants a string`},
		}},
	} {
		t.Run(tt.platform.Name, func(t *testing.T) { testMapper(t, tt.platform.Mapper, tt.rows) })
	}
}

// What a platform requires of a user, after all mappers.
func TestWhatThePlatformsRequire(t *testing.T) {
	without := func(change func(*docslogin.User)) *docslogin.User {
		user := *ada
		change(&user)
		return &user
	}
	noID := without(func(u *docslogin.User) { u.ID = "" })
	noEmail := without(func(u *docslogin.User) { u.Email = "" })
	noName := without(func(u *docslogin.User) { u.Name = "" })
	nameOnly := &docslogin.User{Name: "Ada"}
	for _, tt := range []struct {
		platform docslogin.Platform
		user     *docslogin.User
		missing  string // "": the user gets in
	}{
		{readMe, noEmail, "email"}, {readMe, noName, ""}, {readMe, noID, ""},
		{minty, noEmail, ""}, {minty, nameOnly, ""},
		{public, nameOnly, ""},
		{gitBook, nameOnly, ""},
		{fern, nameOnly, ""},
		{zendesk, noEmail, "email"}, {zendesk, noName, ""}, {zendesk, noID, ""}, {zendesk, &docslogin.User{ID: "1"}, "name, email"},
		{scout, noEmail, "sub"}, {scout, noName, ""},
		{hub, nameOnly, ""},
		{canny, noID, "id"}, {canny, noEmail, "email"}, {canny, noName, ""},
		{feature, noEmail, ""}, {feature, noID, ""}, {feature, nameOnly, "email or userId"},
		{meta, noEmail, "email"}, {meta, noName, ""},
	} {
		var e docslogin.Event
		resp := get(t, newMiddleware(t, as(tt.user), tt.platform, docslogin.WithObserver(func(_ context.Context, got docslogin.Event) { e = got })), "/docs-login")
		if tt.missing == "" {
			sent(t, resp)
			continue
		}
		if body := bodyOf(t, resp); resp.StatusCode != 403 || e.Outcome != "incomplete_user" || !strings.Contains(body, "does not have: "+tt.missing+".") {
			t.Errorf("%s, %+v: %d, %s\n%s", tt.platform.Name, tt.user, resp.StatusCode, e.Outcome, body)
		}
	}
}

// Attributes and mappers set no claim that has a meaning.
func TestAttributesNeverBecomePrivileges(t *testing.T) {
	for _, tt := range []struct {
		platform docslogin.Platform
		outcome  docslogin.Outcome
		names    []string
	}{
		{readMe, "mapper_failed", []string{"name", "email", "apiKey", "user", "pass", "keys", "parameters", "isAdmin", "isReadOnly", "allowedProjects"}},
		{readMe, "owned_claim", []string{"version", "exp", "iat", "jti", "nbf"}},
		{minty, "mapper_failed", []string{"name", "email"}},
		{minty, "logged_in", []string{"version", "exp", "isAdmin", "groups"}}, // in content, where they mean nothing
		{gitBook, "mapper_failed", []string{"name", "email"}},
		{gitBook, "owned_claim", []string{"exp", "iat", "nbf"}},
		{hub, "mapper_failed", []string{"name", "email"}},
		{hub, "logged_in", []string{"version", "exp", "error_redirect_url"}}, // in vars
		{fern, "logged_in", []string{"iss", "fern", "roles"}},                // not sent, as below
	} {
		for _, name := range tt.names {
			var e docslogin.Event
			user := docslogin.User{ID: "u-42", Attributes: map[string]any{name: "sk_live_1"}}
			m := newMiddleware(t, as(&user), tt.platform, docslogin.WithObserver(func(_ context.Context, got docslogin.Event) { e = got }))
			get(t, m, "/docs-login")
			if tt.outcome == "owned_claim" && tt.platform.Required != nil {
				user.Name, user.Email = ada.Name, ada.Email // which it requires before
				get(t, m, "/docs-login")
			}
			if e.Outcome != tt.outcome || e.Err != nil && (!strings.Contains(e.Err.Error(), `"`+name+`"`) || strings.Contains(e.Err.Error(), "sk_live_1")) {
				t.Errorf("%s, attribute %q: %s, %v", tt.platform.Name, name, e.Outcome, e.Err)
			}
		}
	}
}

// No attribute at all changes what these platforms are told.
func TestAttributesThatAreNotSent(t *testing.T) {
	for _, p := range []docslogin.Platform{fern, zendesk, scout, canny, feature, meta} {
		user := *ada
		_, want := login(t, newMiddleware(t, as(&user), p), "/docs-login")
		user.Attributes = map[string]any{}
		for _, name := range []string{"role", "organization", "organizations", "organization_id", "tags", "user_fields", "external_id", "id", "userId", "sub", "iss", "fern", "groups", "email", "name", "exp", "iat", "jti", "plan"} {
			user.Attributes[name] = "eve"
		}
		if _, got := login(t, newMiddleware(t, as(&user), p), "/docs-login"); got != want {
			t.Errorf("%s: got %s, want %s", p.Name, got, want)
		}
	}
}

func TestNoMapperSetsWhatTheLibraryWrites(t *testing.T) {
	static := custom(func(p *docslogin.Platform) { p.Static = docslogin.Claims{"iss": "me"} })
	for _, tt := range []struct {
		platform docslogin.Platform
		names    []string
	}{
		{readMe, []string{"iat", "exp", "nbf", "jti", "version"}},
		{minty, []string{"iat", "exp", "nbf", "host", "expiresAt"}},
		{public, []string{"iat", "exp", "nbf", "expiresAt"}},
		{gitBook, []string{"iat", "exp", "nbf"}},
		{fern, []string{"iat", "exp", "nbf", "iss"}},
		{zendesk, []string{"iat", "exp", "nbf", "jti"}},
		{scout, []string{"iat", "exp", "nbf"}},
		{hub, []string{"iat", "exp", "nbf", "version"}},
		{canny, []string{"iat", "exp", "nbf"}},
		{feature, []string{"iat", "exp", "nbf"}},
		{meta, []string{"iat", "exp", "nbf"}},
		{static, []string{"iat", "exp", "nbf", "iss"}},
	} {
		for _, name := range tt.names {
			var e docslogin.Event
			m := newMiddleware(t, as(ada), tt.platform, claim(name, nil), docslogin.WithObserver(func(_ context.Context, got docslogin.Event) { e = got }))
			if resp := get(t, m, "/docs-login"); resp.StatusCode != 500 || e.Outcome != "owned_claim" || !strings.Contains(e.Err.Error(), `"`+name+`"`) {
				t.Errorf("%s, %s: %d, %s, %v", tt.platform.Name, name, resp.StatusCode, e.Outcome, e.Err)
			}
		}
	}
}

func TestMappersOfTheApp(t *testing.T) {
	type ctxKey struct{}
	add := func(name string) docslogin.Option {
		return docslogin.WithClaimsMapper(func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
			claims.Object("content")[name] = fmt.Sprint(ctx.Value(ctxKey{}), len(claims.Object("content")), user.App)
			return nil
		})
	}
	user := &docslogin.User{ID: "1", App: "app", APIKeys: []docslogin.APIKey{{Key: "1"}}}
	m := newMiddleware(t, as(user), minty, add("first"), add("second"), docslogin.WithClaimsMapper(func(_ context.Context, _ *docslogin.User, claims docslogin.Claims) error {
		inputs := docslogin.Claims(claims.Object("apiPlaygroundInputs"))
		inputs.Object("header")["Authorization"] = "Token 1"
		claims["mine"] = docslogin.Claims(nil)
		claims.Object("mine")["x"] = 1
		return nil
	}))
	r := httptest.NewRequest("GET", "/docs-login", nil)
	w := httptest.NewRecorder()
	m.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), ctxKey{}, "ctx")))
	const want = `{"apiPlaygroundInputs":{"header":{"Authorization":"Token 1"}},"content":{"first":"ctx0app","second":"ctx1app"},"exp":1700000010,"expiresAt":1701209600,"host":"docs.example.com","iat":1700000000,"mine":{"x":1}}`
	if got := payloadOf(t, w.Header().Get("Location")); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// What an app hands over is copied and never written to, so that it may be shared.
func TestUsersAndPlatformsAreNotWrittenTo(t *testing.T) {
	user := &docslogin.User{ID: "1", Name: "Ada", Email: "ada@example.com", Groups: []string{"b", "a"},
		Attributes: map[string]any{"team": map[string]any{"inner": map[string]any{}}, "typed": docslogin.Claims{}, "list": []any{map[string]any{}},
			"strings": make([]string, 1, 4), "lists": [][]string{{"a"}}, "map": map[string]string{}, "nil": nil, "nils": []any{nil, map[string]any(nil), []any(nil)}}, APIKeys: []docslogin.APIKey{{Values: map[string]any{"scheme": map[string]any{}}}}}
	before, _ := json.Marshal(user)
	meddle := docslogin.WithClaimsMapper(func(_ context.Context, _ *docslogin.User, claims docslogin.Claims) error {
		for _, name := range []string{"team", "scheme", "typed"} {
			if claims[name] != nil {
				claims.Object(name)["meddled"] = true
			}
		}
		if team, ok := claims["team"].(map[string]any); ok {
			docslogin.Claims(team).Object("inner")["meddled"] = true
		}
		if list, ok := claims["list"].([]any); ok {
			list[0].(map[string]any)["meddled"] = true
			list[0] = "meddled"
			claims["strings"].([]string)[0] = "meddled"
			claims["strings"] = append(claims["strings"].([]string), "meddled")
			claims["lists"].([][]string)[0][0] = "meddled"
			claims["map"].(map[string]string)["meddled"] = "x"
		}
		if groups, ok := claims["groups"].([]string); ok {
			slices.Sort(groups)
		}
		if fern, ok := claims["fern"].(map[string]any); ok {
			slices.Sort(fern["roles"].([]string))
		}
		if vars, ok := claims["vars"].(map[string]any); ok {
			vars["team"].(map[string]any)["meddled"] = true
		}
		return nil
	})
	for _, p := range presets {
		login(t, newMiddleware(t, as(user), p, meddle), "/docs-login")
	}
	if after, _ := json.Marshal(user); string(after) != string(before) || user.Attributes["strings"].([]string)[:2][1] != "" {
		t.Errorf("the user was changed to %s", after)
	}

	p := custom(func(p *docslogin.Platform) {
		p.Static, p.Params, p.Required = docslogin.Claims{"iss": []string{"me"}}, map[string]string{"a": "1"}, []string{"sub"}
		p.Echo, p.DeepLink.Origins, p.DeepLink.Drop = []string{"e"}, []string{"https://x.example"}, []string{"d"}
	})
	m := newMiddleware(t, as(ada), p)
	p.Static["iss"].([]string)[0], p.Params["a"], p.Required[0], p.Echo[0], p.DeepLink.Origins[0], p.DeepLink.Drop[0] = "you", "2", "none", "f", "https://evil.example", "g"
	location, payload := login(t, m, "/docs-login?redirect=https://x.example/p?d%26y&e=1&f=2")
	if location != "https://docs.example.com?a=1&e=1&jwt=TOKEN&redirect=%2Fp%3Fy" || payload != `{"iat":1700000000,"iss":["me"],"sub":"u-42"}` {
		t.Errorf("%s %s", location, payload)
	}
}

func TestClaimsThatAreNoJSON(t *testing.T) {
	loop := map[string]any{}
	loop["itself"], loop["again"] = loop, loop
	list := make([]any, 2)
	list[0], list[1] = list, list
	for name, value := range map[string]any{"a func": func() {}, "not a number": math.NaN(), "an object that holds itself twice": loop, "a list that holds itself twice": list} {
		user := *ada
		user.Attributes = map[string]any{"odd": value}
		var e docslogin.Event
		m := newMiddleware(t, as(&user), readMe, docslogin.WithObserver(func(_ context.Context, got docslogin.Event) { e = got }))
		if resp := get(t, m, "/docs-login"); resp.StatusCode != 500 || e.Outcome != "mapper_failed" || !strings.Contains(e.Err.Error(), `"odd"`) {
			t.Errorf("%s: %d, %v", name, resp.StatusCode, e.Err)
		}
	}
	if resp := get(t, newMiddleware(t, as(ada), readMe, claim("odd", new(moody))), "/docs-login"); resp.StatusCode != 500 {
		t.Errorf("a value that fails once: %d", resp.StatusCode)
	}
}

// moody is JSON the second time.
type moody struct{ asked bool }

func (m *moody) MarshalJSON() ([]byte, error) {
	if m.asked {
		return []byte("1"), nil
	}
	m.asked = true
	return nil, errors.New("not now")
}

func TestARequiredClaim(t *testing.T) {
	p := custom(func(p *docslogin.Platform) { p.Required = []string{"sub", "plan"} })
	for _, tt := range []struct {
		name   string
		user   *docslogin.User
		plan   any
		status int
	}{
		{"is there", ada, "pro", 302},
		{"is there and no text", ada, false, 302},
		{"is absent", ada, nil, 403},
		{"is empty", ada, "", 403},
		{"is blank", ada, " \n", 403},
		{"is an empty string of another type", ada, docslogin.Outcome(""), 403},
		{"is a string of another type", ada, docslogin.Outcome("pro"), 302},
		{"is a nil pointer", ada, (*string)(nil), 403},
		{"is an empty list", ada, []string{}, 403},
		{"is a nil list", ada, []string(nil), 403},
		{"is an empty object", ada, map[string]any{}, 403},
		{"is a list", ada, []string{"pro"}, 302},
		{"is the number zero", ada, 0, 302},
		{"is no JSON at all", ada, func() {}, 500},
		{"is empty as the platform's mapper left it", &docslogin.User{Name: "Ada"}, "pro", 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if resp := get(t, newMiddleware(t, as(tt.user), p, claim("plan", tt.plan)), "/docs-login"); resp.StatusCode != tt.status {
				t.Errorf("%d, want %d: %s", resp.StatusCode, tt.status, bodyOf(t, resp))
			}
		})
	}
	if resp := get(t, newMiddleware(t, as(&docslogin.User{}), minty, claim("always", true)), "/docs-login"); resp.StatusCode != 403 || !strings.Contains(bodyOf(t, resp), "does not have: a name, an e-mail address or an ID.") {
		t.Errorf("a user with nothing in it got in: %d", resp.StatusCode)
	}
	if resp := get(t, newMiddleware(t, as(&docslogin.User{ID: "1"}), minty), "/docs-login"); resp.StatusCode != 302 {
		t.Errorf("a user with an ID alone did not get in: %d", resp.StatusCode)
	}
}

func TestSizes(t *testing.T) {
	long := "/docs/" + strings.Repeat("%41", 600)
	for _, tt := range []struct {
		name     string
		platform docslogin.Platform
		padding  int
		link     string
		status   int
		warning  string
		refused  bool
	}{
		{"a small login", readMe, 1, "/docs", 302, "", false},
		{"over 3,000 bytes", readMe, 2200, "/docs", 302, "nginx in front of the app needs proxy_buffer_size 32k", false},
		{"a link that makes the URL too long", readMe, 3700, long, 302, "the deep link was refused: it makes the URL too long", true},
		{"over 8,000 bytes in the query", readMe, 5900, "", 500, "", false},
		{"over 8,000 bytes in the fragment", minty, 5700, "", 302, "nginx", false},
		{"over 16,000 bytes in the fragment", minty, 12000, "/docs", 500, "", false},
		{"a token over the platform's own limit", gitBook, 3000, "", 500, "", false},
		{"a token over Fern's limit", fern, 3000, "", 500, "", false},
		{"a token under the platform's own limit", gitBook, 2700, "", 302, "nginx", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var e docslogin.Event
			m := newMiddleware(t, as(ada), tt.platform, claim("padding", strings.Repeat("x", tt.padding)), docslogin.WithObserver(func(_ context.Context, got docslogin.Event) { e = got }))
			resp := get(t, m, "/docs-login?redirect="+url.QueryEscape(tt.link))
			if resp.StatusCode != tt.status || e.LinkRefused != tt.refused || (e.Warning == "") != (tt.warning == "") || !strings.Contains(e.Warning, tt.warning) {
				t.Errorf("%d, %+v", resp.StatusCode, e)
			}
			if location := resp.Header.Get("Location"); tt.status == 302 && e.URLBytes != len(location) || strings.Contains(location, "redirect=") == tt.refused && tt.link != "" && tt.status == 302 {
				t.Errorf("%d bytes told: %+v", len(location), e)
			}
			if tt.status == 500 && (e.Outcome != "too_large" || !strings.Contains(e.Err.Error(), "the largest claims: padding (")) {
				t.Errorf("%v", e.Err)
			}
		})
	}
}

// Limits to the byte: a URL of 8,000 passes, one of 8,001 does not.
func TestLimitsToTheByte(t *testing.T) {
	for _, tt := range []struct {
		name     string
		platform func(docsURL string) docslogin.Platform
		limit    int
		beyond   func(docslogin.Event) bool // what an event says of a URL beyond the limit
	}{
		{"in the query", func(u string) docslogin.Platform { return docslogin.ReadMe(u, secret) }, 8000, func(e docslogin.Event) bool { return e.Outcome == "too_large" }},
		{"in the fragment", func(u string) docslogin.Platform { return docslogin.Mintlify(u, edPEM) }, 16000, func(e docslogin.Event) bool { return e.Outcome == "too_large" }},
		{"without a warning", func(u string) docslogin.Platform { return docslogin.ReadMe(u, secret) }, 3000, func(e docslogin.Event) bool { return e.Warning != "" }},
	} {
		seen := map[int]bool{}
		for host := range 4 { // a token alone does not have every length
			var e docslogin.Event
			padding := ""
			m := newMiddleware(t, as(ada), tt.platform("https://"+strings.Repeat("d", host+1)+".example.com"),
				docslogin.WithObserver(func(_ context.Context, got docslogin.Event) { e = got }),
				docslogin.WithClaimsMapper(func(_ context.Context, _ *docslogin.User, claims docslogin.Claims) error {
					claims["padding"] = padding
					return nil
				}))
			for n := tt.limit*3/4 - 350; n < tt.limit*3/4; n++ {
				padding = strings.Repeat("x", n)
				get(t, m, "/docs-login")
				seen[e.URLBytes] = true
				if tt.beyond(e) != (e.URLBytes > tt.limit) {
					t.Errorf("%s: %d bytes: %s, %q", tt.name, e.URLBytes, e.Outcome, e.Warning)
				}
				home := e
				if get(t, m, "/docs-login?redirect=/a"); e.Outcome != home.Outcome {
					t.Errorf("%s: %d bytes: %s, but %s with a link, which can be dropped", tt.name, home.URLBytes, home.Outcome, e.Outcome)
				}
			}
		}
		if !seen[tt.limit] || !seen[tt.limit+1] {
			t.Errorf("%s: the limit itself was not tried", tt.name)
		}
	}
}

// A link is dropped when it alone makes a URL too long, and kept to the last byte.
func TestALinksLimitToTheByte(t *testing.T) {
	var e docslogin.Event
	told := docslogin.WithObserver(func(_ context.Context, got docslogin.Event) { e = got })
	for name, m := range map[string]*docslogin.Middleware{
		"the docs' URL":      newMiddleware(t, as(ada), readMe, told, claim("padding", strings.Repeat("x", 4500))),
		"the sign-in page's": newMiddleware(t, nobody, readMe, told, docslogin.WithLoginPage("/sign-in?"+strings.Repeat("x", 6500), "next")),
	} {
		kept, dropped := 0, 0
		for n := 1; n < 2048 && dropped == 0; n++ {
			resp := get(t, m, "/docs-login?redirect=/"+strings.Repeat("a", n))
			size := len(resp.Header.Get("Location"))
			if resp.StatusCode != 302 || size > 8000 {
				t.Fatalf("%s: %d, %d bytes", name, resp.StatusCode, size)
			}
			if e.LinkRefused {
				dropped = n
			} else {
				kept = size
			}
		}
		if kept != 8000 || dropped == 0 || !strings.HasPrefix(e.Warning, "the deep link was refused: it makes the URL too long") {
			t.Errorf("%s: the longest URL with a link has %d bytes; %q", name, kept, e.Warning)
		}
	}
}

// What no login URL of a platform's holds is dropped, and an operator learns of it.
func TestWhatIsTooLongToBeMeant(t *testing.T) {
	for _, tt := range []struct {
		name, query, to, warning string
		refused                  bool
	}{
		{"a parameter of 256 bytes", "companyID=" + strings.Repeat("x", 256), "companyID=xxx", "", false},
		{"one of 257", "companyID=" + strings.Repeat("x", 257), "companyID=configured", "the parameter companyID is over 256 bytes and was dropped", false},
		{"a query of 64 KiB", "companyID=a&x=" + strings.Repeat("x", 1<<16-14), "companyID=a", "", false},
		{"one of a byte more", "companyID=a&x=" + strings.Repeat("x", 1<<16-13), "companyID=configured", "the deep link was refused: the query is too long", true},
	} {
		var e docslogin.Event
		m := newMiddleware(t, as(ada), canny, docslogin.WithObserver(func(_ context.Context, got docslogin.Event) { e = got }))
		if to := get(t, m, "/docs-login?"+tt.query).Header.Get("Location"); !strings.Contains(to, tt.to) || e.Outcome != "logged_in" || e.Warning != tt.warning || e.LinkRefused != tt.refused {
			t.Errorf("%s: %s, %+v", tt.name, to, e)
		}
	}
}

func TestATokensOwnLimitToTheByte(t *testing.T) {
	token := jwt.FindString(get(t, newMiddleware(t, as(ada), custom(nil)), "/docs-login").Header.Get("Location"))
	for limit, status := range map[int]int{len(token): 302, len(token) - 1: 500, 1: 500} {
		p := custom(func(p *docslogin.Platform) { p.MaxTokenBytes = limit })
		if resp := get(t, newMiddleware(t, as(ada), p), "/docs-login"); resp.StatusCode != status {
			t.Errorf("a token of %d bytes with a limit of %d: %d", len(token), limit, resp.StatusCode)
		}
	}
}

func TestThePlatformsThatLimitATokenDoSoAt4000Bytes(t *testing.T) {
	for _, p := range []docslogin.Platform{gitBook, fern} {
		longest := 0
		for n := 2500; ; n++ {
			var e docslogin.Event
			m := newMiddleware(t, as(ada), p, claim("padding", strings.Repeat("x", n)), docslogin.WithObserver(func(_ context.Context, got docslogin.Event) { e = got }))
			resp := get(t, m, "/docs-login")
			if resp.StatusCode != 302 {
				if e.Outcome != "too_large" || longest < 3998 || longest > 4000 { // base64url has no string of some lengths
					t.Errorf("%s: after %d bytes, %d, %+v", p.Name, longest, resp.StatusCode, e)
				}
				break
			}
			longest = len(jwt.FindString(resp.Header.Get("Location")))
		}
	}
}

// TestTheFormPage: a page that sends itself and lets nothing else happen, with the token in
// one place, whatever stands beside it.
func TestTheFormPage(t *testing.T) {
	var e docslogin.Event
	var lines bytes.Buffer
	m := newMiddleware(t, as(ada), hostMapped, docslogin.WithObserver(func(_ context.Context, got docslogin.Event) { e = got }),
		docslogin.WithLogger(slog.New(slog.NewJSONHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	link := `/hc/a?q="><script>alert(1)</script>&'x'=<!--`
	resp := get(t, m, "/docs-login?brand_id=%22onclick%3D&return_to="+url.QueryEscape(link))
	page := bodyOf(t, resp)

	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Location": "", "Cache-Control": "private, no-store, max-age=0",
		"Pragma": "no-cache", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "default-src 'none'; style-src " + hashOf(t, page, "style") + "; script-src " + hashOf(t, page, "script") +
			"; base-uri 'none'; form-action https://acme.zendesk.com https://help.example.com; frame-ancestors 'none'",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %s\nwant %s", name, got, want)
		}
	}
	if got := sent(t, get(t, m, "/docs-login?return_to="+url.QueryEscape(link))); masked(got) != "POST https://acme.zendesk.com/access/jwt jwt=TOKEN&return_to="+url.QueryEscape(link) {
		t.Errorf("the form is %s", masked(got))
	}
	if !strings.Contains(page, `action="https://acme.zendesk.com/access/jwt?brand_id=%22onclick%3D"`) {
		t.Errorf("no echo in\n%s", page)
	}
	if tokens := jwt.FindAllString(page, -1); len(tokens) != 1 || !strings.Contains(page, `<input type="hidden" name="jwt" value="`+tokens[0]+`">`) {
		t.Errorf("%d tokens in\n%s", len(tokens), page)
	}
	for _, want := range []string{`<html lang="en">`, "<main>", `name="viewport"`, "<h1>Signing in to the documentation</h1>", "<button>Continue</button>", "<script>HTMLFormElement.prototype.submit.call(document.forms[0])</script>"} {
		if strings.Count(page, want) != 1 {
			t.Errorf("no %s in\n%s", want, page)
		}
	}
	if strings.Contains(page, "alert(1)<") || strings.Contains(page, "Lovelace") || regexp.MustCompile(`<[a-z][^<>]*=[^"]`).MatchString(regexp.MustCompile(`"[^"]*"`).ReplaceAllString(page, `""`)) {
		t.Errorf("something stands where it should not:\n%s", page)
	}
	if e.Outcome != "logged_in" || e.URLBytes != len("https://acme.zendesk.com/access/jwt") || e.DeepLink != "/hc/a" || e.Warning != "" || !strings.Contains(lines.String(), `"http.response.status_code":200`) {
		t.Errorf("%+v\n%s", e, &lines)
	}
	if told := fmt.Sprintf("%+v %s", e, &lines); strings.Contains(told, "eyJ") || strings.Contains(told, "alert") || strings.Contains(told, "Lovelace") {
		t.Errorf("told: %s", told)
	}
}

// A form may lead to its callback, to the docs and to where links go, each named once.
func TestWhereAFormMayLead(t *testing.T) {
	form := func(change func(*docslogin.Platform)) docslogin.Platform {
		return custom(func(p *docslogin.Platform) { p.Carrier = docslogin.InForm("jwt"); change(p) })
	}
	for _, tt := range []struct {
		platform docslogin.Platform
		want     string
	}{
		{form(func(*docslogin.Platform) {}), "https://docs.example.com"},
		{form(func(p *docslogin.Platform) { p.Callback = "/sso" }), "https://docs.example.com"},
		{form(func(p *docslogin.Platform) {
			p.DocsURL, p.Callback = "http://Docs.localhost:8080/x", "http://127.0.0.1:80/sso"
		}), "http://127.0.0.1 http://docs.localhost:8080"},
		{form(func(p *docslogin.Platform) {
			p.Callback, p.DeepLink.Origins = "https://sso.example.com/in", []string{"https://docs.example.com", "https://agents.example.com:8443"}
		}), "https://agents.example.com:8443 https://docs.example.com https://sso.example.com"},
		{zendesk, "https://acme.zendesk.com"},
	} {
		resp := get(t, newMiddleware(t, as(ada), tt.platform), "/docs-login")
		if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "; form-action "+tt.want+"; ") {
			t.Errorf("%s, want %s", csp, tt.want)
		}
	}
}

// No limit of a URL's is one of a form's; the platform's own is.
func TestAFormTakesWhatNoURLDoes(t *testing.T) {
	var e docslogin.Event
	told := docslogin.WithObserver(func(_ context.Context, got docslogin.Event) { e = got })
	large := claim("padding", strings.Repeat("x", 50_000))
	if to := sent(t, get(t, newMiddleware(t, as(ada), zendesk, large, told), "/docs-login?return_to=/hc")); len(to) < 50_000 || e.Warning != "" || e.LinkRefused {
		t.Errorf("%d bytes, %+v", len(to), e)
	}
	p := custom(func(p *docslogin.Platform) {
		p.Carrier, p.DeepLink.Out, p.Echo = docslogin.InForm("jwt"), "", []string{"a", "b"}
	})
	long := "/docs-login?redirect=/" + strings.Repeat("x", 2000) + "&a=" + strings.Repeat("%22", 256) + "&b=" + strings.Repeat("%22", 256)
	if sent(t, get(t, newMiddleware(t, as(ada), p, told), long)); e.URLBytes < 3000 || e.Warning != "" { // no redirect's header
		t.Errorf("%+v", e)
	}
	p = zendesk
	p.MaxTokenBytes = 4000
	if resp := get(t, newMiddleware(t, as(ada), p, large, told), "/docs-login"); resp.StatusCode != 500 || e.Outcome != "too_large" {
		t.Errorf("%d, %+v", resp.StatusCode, e)
	}
}

// Whoever is refused gets a page and no form.
func TestNoFormForWhoIsRefused(t *testing.T) {
	for _, tt := range outcomes {
		if tt.outcome == "logged_in" || tt.outcome == "sign_in" || tt.outcome == "sign_failed" || tt.outcome == "too_large" {
			continue
		}
		r := httptest.NewRequest("GET", "/docs-login?return_to=/hc", nil)
		if tt.request != nil {
			r = tt.request(r)
		}
		w := httptest.NewRecorder()
		var lines bytes.Buffer
		logger := docslogin.WithLogger(slog.New(slog.NewJSONHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug})))
		newMiddleware(t, tt.lookup, zendesk, append([]docslogin.Option{logger}, tt.options...)...).ServeHTTP(w, r)
		if !strings.Contains(lines.String(), fmt.Sprintf(`"http.response.status_code":%d,`, tt.status)) {
			t.Errorf("%s: logged %s", tt.name, &lines)
		}
		if strings.Contains(w.Body.String(), "<form") || strings.Contains(w.Body.String(), "eyJ") || w.Header().Get("Location") != "" || w.Code != max(tt.status, 200) {
			t.Errorf("%s: %d %s", tt.name, w.Code, w.Body)
		}
	}
}

func newUserInfo(t *testing.T, lookup docslogin.UserLookup, p docslogin.Platform, origins []string, opts ...docslogin.Option) http.Handler {
	t.Helper()
	h, err := docslogin.UserInfo(lookup, p, origins, append([]docslogin.Option{nothing, atNoon}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestUserInfo: who may read what of whom.
func TestUserInfo(t *testing.T) {
	user := &docslogin.User{ID: "u-42", Name: "Ada Lovelace", Email: "ada@example.com", Groups: []string{"admin"}, APIKeys: []docslogin.APIKey{{Key: "sk_1"}}, ExpiresAt: noon.Add(time.Hour)}
	const adas = `{"apiPlaygroundInputs":{"header":{"Authorization":"Bearer sk_1"}},"content":{"email":"ada@example.com","name":"Ada Lovelace","seat":7},"expiresAt":1700003600,"groups":["admin"]}`
	const docs, preview, none = "https://docs.example.com", "https://preview.example.com:8443", ""
	asked := func(headers ...string) []string { return headers }
	for _, tt := range []struct {
		name    string
		method  string
		headers []string
		lookup  docslogin.UserLookup
		status  int
		outcome docslogin.Outcome
		reads   string // the origin that may read the answer
		body    string
	}{
		{"a page of the docs", "GET", asked("Origin: " + docs), as(user), 200, "user_info", docs, adas},
		{"a page of the docs' other origin", "GET", asked("Origin: " + preview), as(user), 200, "user_info", preview, adas},
		{"as a browser asks", "GET", asked("Origin: "+docs, "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", "Sec-Fetch-Site: same-site"), as(user), 200, "user_info", docs, adas},
		{"a page of the app's own", "GET", nil, as(user), 200, "user_info", none, adas},
		{"a stranger's page", "GET", asked("Origin: https://evil.example"), as(user), 200, "user_info", none, adas},
		{"a page without an origin", "GET", asked("Origin: null"), as(user), 200, "user_info", none, adas},
		{"an origin that begins so", "GET", asked("Origin: " + docs + ".evil.example"), as(user), 200, "user_info", none, adas},
		{"an origin with another port", "GET", asked("Origin: " + docs + ":8443"), as(user), 200, "user_info", none, adas},
		{"an origin in clear", "GET", asked("Origin: http://docs.example.com"), as(user), 200, "user_info", none, adas},
		{"an origin in other letters", "GET", asked("Origin: https://Docs.example.com"), as(user), 200, "user_info", none, adas},
		{"two origins", "GET", asked("Origin: "+docs, "Origin: "+docs), as(user), 200, "user_info", none, adas},
		{"everybody's origin", "GET", asked("Origin: *"), as(user), 200, "user_info", none, adas},
		{"nobody", "GET", asked("Origin: " + docs), nobody, 401, "no_user", docs, `{"error":"Unauthorized"}`},
		{"a user whose session has ended", "GET", asked("Origin: " + docs), as(&docslogin.User{ID: "1", ExpiresAt: noon}), 401, "no_user", docs, `{"error":"Unauthorized"}`},
		{"a user who may not", "GET", asked("Origin: " + docs), failing(docslogin.ErrForbidden), 403, "forbidden", docs, `{"error":"Forbidden"}`},
		{"a user with nothing in it", "GET", asked("Origin: " + docs), as(&docslogin.User{}), 403, "incomplete_user", docs, `{"error":"Forbidden"}`},
		{"a store that fails", "GET", asked("Origin: " + docs), failing(errStore), 500, "lookup_failed", docs, `{"error":"Internal Server Error"}`},
		{"a lookup that panics", "GET", nil, func(*http.Request) (*docslogin.User, error) { panic("x") }, 500, "panic", none, `{"error":"Internal Server Error"}`},
		{"a preflight of the docs'", "OPTIONS", asked("Origin: "+docs, "Access-Control-Request-Method: GET"), nil, 204, "preflight", docs, ""},
		{"a stranger's preflight", "OPTIONS", asked("Origin: https://evil.example", "Access-Control-Request-Method: GET"), nil, 204, "preflight", none, ""},
		{"a preflight without an origin", "OPTIONS", asked("Origin: null"), nil, 204, "preflight", none, ""},
		{"HEAD", "HEAD", asked("Origin: " + docs), nil, 405, "method", docs, `{"error":"Method Not Allowed"}`},
		{"POST", "POST", asked("Origin: " + docs), nil, 405, "method", docs, `{"error":"Method Not Allowed"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var events []docslogin.Event
			var lines bytes.Buffer
			if tt.lookup == nil {
				tt.lookup = func(*http.Request) (*docslogin.User, error) { t.Error("the session is read"); return nil, nil }
			}
			seat := docslogin.WithClaimsMapper(func(_ context.Context, _ *docslogin.User, claims docslogin.Claims) error {
				if claims["content"] != nil {
					claims.Object("content")["seat"] = 7
				}
				return nil
			})
			p := docslogin.Mintlify("", "") // with host and exp, which are for tokens
			p.TokenID = true
			h := newUserInfo(t, tt.lookup, p, []string{docs, preview}, seat, signInPage,
				docslogin.WithLogger(slog.New(slog.NewJSONHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))),
				docslogin.WithObserver(func(_ context.Context, e docslogin.Event) { events = append(events, e) }))
			r := httptest.NewRequest(tt.method, "/user-info", nil)
			for _, header := range tt.headers {
				name, value, _ := strings.Cut(header, ": ")
				r.Header.Add(name, value)
			}
			w := httptest.NewRecorder()
			w.Header().Set("Vary", "Cookie") // of a handler around it
			w.Header().Set("Access-Control-Allow-Origin", "https://evil.example")
			w.Header().Set("Access-Control-Allow-Credentials", "true")
			h.ServeHTTP(w, r)

			if w.Code != tt.status || strings.TrimSpace(w.Body.String()) != tt.body {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			credentials, methods, allow, kind := "", "", "", "application/json"
			if tt.reads != none {
				credentials = "true"
			}
			switch tt.outcome {
			case "preflight":
				methods, allow, kind = "GET", "GET, OPTIONS", ""
			case "method":
				allow = "GET, OPTIONS"
			}
			for name, want := range map[string]string{
				"Access-Control-Allow-Origin": tt.reads, "Access-Control-Allow-Credentials": credentials, "Access-Control-Allow-Methods": methods, "Allow": allow, "Content-Type": kind,
				"Cache-Control": "private, no-store, max-age=0", "Pragma": "no-cache", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "Location": "",
			} {
				if got := strings.Join(w.Header().Values(name), "|"); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if vary := w.Header().Values("Vary"); !slices.Equal(vary, []string{"Cookie", "Origin"}) {
				t.Errorf("Vary: %q", vary)
			}
			if len(events) != 1 || events[0].Outcome != tt.outcome || (events[0].Warning != "") != (tt.headers != nil && tt.reads == none) {
				t.Errorf("events: %+v", events)
			}
			if !strings.Contains(lines.String(), fmt.Sprintf(`"http.response.status_code":%d`, tt.status)) || strings.Contains(lines.String(), "http.route") || strings.Contains(lines.String(), "Lovelace") || strings.Contains(lines.String(), "evil") {
				t.Errorf("logged: %s", &lines)
			}
		})
	}
}

// What a token says of itself is not in the JSON, on any platform.
func TestUserInfoOfEveryPlatform(t *testing.T) {
	for _, p := range presets {
		h := newUserInfo(t, as(ada), p, nil)
		var claims map[string]any
		if err := json.Unmarshal([]byte(bodyOf(t, get(t, h, "/"))), &claims); err != nil || len(claims) == 0 {
			t.Errorf("%s: %v, %v", p.Name, claims, err)
		}
		for _, name := range []string{"exp", "iat", "jti", "host", "nbf"} {
			if claims[name] != nil {
				t.Errorf("%s: %s is there", p.Name, name)
			}
		}
	}
	h := newUserInfo(t, as(ada), public, nil)
	if clock, ok := h.(interface{ Now() time.Time }); !ok || !clock.Now().Equal(noon) { // on which package readmewebhook relies
		t.Error("the handler does not tell its clock")
	}
	if resp := get(t, newUserInfo(t, as(ada), public, nil, claim("exp", 1)), "/"); resp.StatusCode != 500 {
		t.Errorf("a mapper sets exp: %d", resp.StatusCode)
	}
	if resp := get(t, newUserInfo(t, as(ada), public, nil, claim("f", func() {})), "/"); resp.StatusCode != 500 {
		t.Errorf("a claim that is no JSON: %d", resp.StatusCode)
	}
}

func TestAnErrorHandlerOfUserInfo(t *testing.T) {
	var got *docslogin.LoginError
	h := newUserInfo(t, failing(docslogin.ErrForbidden), public, nil, signInPage, docslogin.WithErrorHandler(func(w http.ResponseWriter, _ *http.Request, err *docslogin.LoginError) {
		got = err
		w.WriteHeader(err.Status)
	}))
	if resp := get(t, h, "/"); resp.StatusCode != 403 || got.Outcome != "forbidden" || got.SignInURL != "" {
		t.Errorf("%d, %+v", resp.StatusCode, got)
	}
}

// Origins are written as browsers send them, and what is no origin is a mistake.
func TestOriginsOfUserInfo(t *testing.T) {
	const form, url = "must be written as browsers send it", "is not an absolute http or https URL"
	for _, tt := range []struct{ origin, want string }{
		{"https://docs.example.com", ""},
		{"https://docs.example.com:8443", ""},
		{"http://localhost:8081", ""},
		{"https://docs.example.com/", form},
		{"https://docs.example.com:443", form},
		{"https://Docs.example.com", form},
		{"https://docs.example.com/docs", form},
		{"https://docs.example.com?", form},
		{"http://docs.example.com", "must be https"},
		{"https://docs.example.com#", "has a fragment"},
		{"https://docs.*.example.com", "a host or a port that is not valid"},
		{"https://ada:x@docs.example.com", "has user info"},
		{"*", url},
		{"null", url},
		{"docs.example.com", url},
		{"", "is empty"},
	} {
		_, err := docslogin.UserInfo(nobody, docslogin.Platform{Name: "x"}, []string{"https://first.example.com", tt.origin})
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.origin, err)
			}
			continue
		}
		if mistakes := mistakesIn(err); len(mistakes) != 1 || mistakes[0].Field != "origins[1]" || !strings.Contains(mistakes[0].Reason, tt.want) {
			t.Errorf("%s: %v", tt.origin, err)
		}
	}
	_, err := docslogin.UserInfo(nil, docslogin.Platform{}, []string{"*"}, docslogin.WithSessionTTL(time.Hour), nil)
	var fields []string
	for _, mistake := range mistakesIn(err) {
		fields = append(fields, mistake.Field)
	}
	if want := []string{"option 2", "lookup", "Platform.Name", "WithSessionTTL", "origins[0]"}; !slices.Equal(fields, want) {
		t.Errorf("got %q", fields)
	}
	origins := []string{"https://docs.example.com"}
	h := newUserInfo(t, as(ada), public, origins)
	origins[0] = "https://evil.example" // what is handed over is copied
	if got := get(t, h, "/", "Origin: https://evil.example").Header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("%q may read the answer", got)
	}
}

func TestLoginURL(t *testing.T) {
	m := newMiddleware(t, nobody, readMe)
	for _, tt := range []struct {
		name, link, want string
	}{
		{"a link", "/docs/a?b", "https://docs.example.com?auth_token=TOKEN&redirect=%2Fdocs%2Fa%3Fb"},
		{"no link", "", "https://docs.example.com?auth_token=TOKEN"},
		{"a link that the route would refuse", "https://evil.example", "https://docs.example.com?auth_token=TOKEN"},
	} {
		got, err := m.LoginURL(t.Context(), ada, tt.link)
		if err != nil || masked(got) != tt.want || !strings.Contains(payloadOf(t, got), "Ada Lovelace") {
			t.Errorf("%s: %s, %v", tt.name, got, err)
		}
	}
	_, err := newMiddleware(t, nobody, zendesk, docslogin.WithPath("/to-zendesk"), docslogin.WithExternalURL("https://example.com/app")).LoginURL(t.Context(), ada, "")
	if !errors.Is(err, errors.ErrUnsupported) || err.Error() != "docslogin: Zendesk takes the token in a form, which no URL holds; send the browser to /app/to-zendesk: unsupported operation" {
		t.Errorf("a platform that takes a form: %v", err)
	}
	linkless := newMiddleware(t, nobody, custom(func(p *docslogin.Platform) { p.DeepLink = docslogin.DeepLink{} }))
	if got, err := linkless.LoginURL(t.Context(), ada, "/a"); err != nil || masked(got) != "https://docs.example.com?jwt=TOKEN" {
		t.Errorf("a platform without links: %s, %v", masked(got), err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name    string
		ctx     context.Context
		user    *docslogin.User
		outcome docslogin.Outcome
		is      error
	}{
		{"nobody", t.Context(), nil, "no_user", docslogin.ErrNoUser},
		{"a user whose session has ended", t.Context(), &docslogin.User{ID: "1", Name: "a", Email: "b", ExpiresAt: noon}, "no_user", docslogin.ErrNoUser},
		{"an incomplete user", t.Context(), &docslogin.User{ID: "1"}, "incomplete_user", nil},
		{"a canceled context", canceled, ada, "canceled", context.Canceled},
	} {
		got, err := m.LoginURL(tt.ctx, tt.user, "")
		var refusal *docslogin.LoginError
		if got != "" || !errors.As(err, &refusal) || refusal.Outcome != tt.outcome || tt.is != nil && !errors.Is(err, tt.is) {
			t.Errorf("%s: %q, %v", tt.name, got, err)
		}
	}
	panics := newMiddleware(t, nobody, readMe, docslogin.WithClaimsMapper(func(context.Context, *docslogin.User, docslogin.Claims) error { panic("x") }))
	if _, err := panics.LoginURL(t.Context(), ada, ""); err == nil || err.Error() != "docslogin: panic: a value of type string" {
		t.Errorf("a panic: %v", err)
	}
}

// TestMistakes: New reports each mistake, typed, with the name of what it is in.
func TestMistakes(t *testing.T) {
	for _, tt := range []struct {
		name, field, reason string
		lookup              docslogin.UserLookup
		platform            docslogin.Platform
		option, with        docslogin.Option
	}{
		{name: "a nil lookup", field: "lookup", reason: "is nil"},
		{name: "a nil session store", field: "lookup", reason: "is nil", lookup: docslogin.SessionLookup(nil, "s", load)},
		{name: "a typed nil session store", field: "lookup", reason: "is nil", lookup: docslogin.SessionLookup((*sessions.CookieStore)(nil), "s", load)},
		{name: "a nil load", field: "lookup", reason: "is nil", lookup: docslogin.SessionLookup(sessions.NewCookieStore(sessionKey), "s", nil)},
		{name: "an empty session name", field: "lookup", reason: "is nil", lookup: docslogin.SessionLookup(sessions.NewCookieStore(sessionKey), "", load)},
		{name: "a session name that is no cookie's", field: "lookup", reason: "is nil", lookup: docslogin.SessionLookup(sessions.NewCookieStore(sessionKey), "my session", load)},
		{name: "a cookie store whose key is empty", field: "lookup", reason: "a cookie store without a key", lookup: docslogin.SessionLookup(sessions.NewCookieStore([]byte(os.Getenv("NOT_SET"))), "s", load)},
		{name: "a cookie store without keys", field: "lookup", reason: "a cookie store without a key", lookup: docslogin.SessionLookup(sessions.NewCookieStore(), "s", load)},
		{name: "a cookie store whose key to encrypt with is cut off", field: "lookup", reason: "a cookie store without a key that works", lookup: docslogin.SessionLookup(sessions.NewCookieStore(sessionKey, sessionKey[:20]), "s", load)},
		{name: "a file store whose key is empty", field: "lookup", reason: "a cookie store without a key", lookup: docslogin.SessionLookup(sessions.NewFilesystemStore("", nil), "s", load)},

		{name: "a nil option", field: "option 3", reason: "is nil", option: nil},
		{name: "a nil mapper", field: "WithClaimsMapper", reason: "is nil", option: docslogin.WithClaimsMapper(nil)},
		{name: "a nil clock", field: "WithClock", reason: "is nil", option: docslogin.WithClock(nil)},
		{name: "a nil logger", field: "WithLogger", reason: "is nil", option: docslogin.WithLogger(nil)},
		{name: "a nil observer", field: "WithObserver", reason: "is nil", option: docslogin.WithObserver(nil)},
		{name: "a nil error handler", field: "WithErrorHandler", reason: "is nil", option: docslogin.WithErrorHandler(nil)},

		{name: "an empty path", field: "WithPath", reason: "must be a clean path", option: docslogin.WithPath("")},
		{name: "a path without a slash", field: "WithPath", reason: "must be a clean path", option: docslogin.WithPath("docs-login")},
		{name: "the root", field: "WithPath", reason: "must be a clean path", option: docslogin.WithPath("/")},
		{name: "a double slash", field: "WithPath", reason: "must be a clean path", option: docslogin.WithPath("//docs")},
		{name: "a slash at the end", field: "WithPath", reason: "must be a clean path", option: docslogin.WithPath("/docs/")},
		{name: "a dot segment", field: "WithPath", reason: "must be a clean path", option: docslogin.WithPath("/a/../docs")},
		{name: "a query", field: "WithPath", reason: "must be a clean path", option: docslogin.WithPath("/docs?x")},
		{name: "a fragment", field: "WithPath", reason: "must be a clean path", option: docslogin.WithPath("/docs#x")},
		{name: "an escape", field: "WithPath", reason: "must be a clean path", option: docslogin.WithPath("/docs%20")},
		{name: "a router's pattern", field: "WithPath", reason: "must be a clean path", option: docslogin.WithPath("/docs/{id}")},
		{name: "a path with a capital and a bracket", field: "WithPath", reason: "must be a clean path", option: docslogin.WithPath("/X[")},
		{name: "another router's pattern", field: "WithPath", reason: "must be a clean path", option: docslogin.WithPath("/docs:id")},

		{name: "a platform without the token's lifetime that it bounds", field: "Platform.Lifetime.Token", reason: "is 0s; on this platform it must be from 1s to 10s", platform: custom(func(p *docslogin.Platform) { p.Lifetime.MaxToken = 10 * time.Second })},
		{name: "a negative most", field: "Platform.Lifetime", reason: "a negative MaxToken or MinSession", platform: custom(func(p *docslogin.Platform) { p.Lifetime.MaxToken = -1 })},
		{name: "a negative least", field: "Platform.Lifetime", reason: "a negative MaxToken or MinSession", platform: custom(func(p *docslogin.Platform) { p.Lifetime.MinSession = -1 })},
		{name: "a session's claim that must never be", field: "Platform.Lifetime.SessionClaim", reason: `"nbf", which the library writes already`, platform: custom(func(p *docslogin.Platform) {
			p.Lifetime = docslogin.Lifetime{Session: time.Hour, SessionClaim: "nbf"}
		})},
		{name: "a token's lifetime of zero", field: "WithTokenTTL", reason: "is 0s; on this platform it must be from 1s to", option: docslogin.WithTokenTTL(0)},
		{name: "a token's lifetime under a second", field: "WithTokenTTL", reason: "is 999ms", option: docslogin.WithTokenTTL(999 * time.Millisecond)},
		{name: "a negative lifetime", field: "WithTokenTTL", reason: "is -1s", option: docslogin.WithTokenTTL(-time.Second)},
		{name: "a token's lifetime over the platform's most", field: "WithTokenTTL", reason: "is 11s; on this platform it must be from 1s to 10s", platform: minty, option: docslogin.WithTokenTTL(11 * time.Second)},
		{name: "a token's lifetime over a year", field: "WithTokenTTL", reason: "to 8784h0m0s", option: docslogin.WithTokenTTL(367 * 24 * time.Hour)},
		{name: "a token's lifetime where the token is the session", field: "WithTokenTTL", reason: "does not apply", platform: gitBook, option: docslogin.WithTokenTTL(time.Minute)},
		{name: "a session of zero", field: "WithSessionTTL", reason: "is 0s", platform: minty, option: docslogin.WithSessionTTL(0)},
		{name: "a session over 366 days", field: "WithSessionTTL", reason: "from 1s to 8784h0m0s", platform: minty, option: docslogin.WithSessionTTL(366*24*time.Hour + 1)},
		{name: "a session under the platform's least", field: "WithSessionTTL", reason: "is 59s; on this platform it must be from 1m0s", platform: gitBook, option: docslogin.WithSessionTTL(59 * time.Second)},
		{name: "a session that the platform decides", field: "WithSessionTTL", reason: "does not apply", option: docslogin.WithSessionTTL(time.Hour)},
		{name: "a session in the platform without a claim", field: "Platform.Lifetime.Session", reason: "does not apply", platform: custom(func(p *docslogin.Platform) { p.Lifetime.Session = time.Hour })},
		{name: "a claim without a session", field: "Platform.Lifetime.Session", reason: "is 0s", platform: custom(func(p *docslogin.Platform) { p.Lifetime.SessionClaim = "expiresAt" })},
		{name: "two lifetimes for exp", field: "Platform.Lifetime", reason: "both want the claim exp", platform: custom(func(p *docslogin.Platform) {
			p.Lifetime = docslogin.Lifetime{Token: time.Minute, Session: time.Hour, SessionClaim: "exp"}
		})},

		{name: "a sign-in page that is no URL", field: "WithLoginPage", reason: "must be a path of the app", option: docslogin.WithLoginPage("sign-in", "next")},
		{name: "an empty sign-in page", field: "WithLoginPage", reason: "must be a path of the app", option: docslogin.WithLoginPage("", "next")},
		{name: "a sign-in page without a scheme", field: "WithLoginPage", reason: "is not a clean path", option: docslogin.WithLoginPage("//login.example.com", "next")},
		{name: "a sign-in page with a backslash", field: "WithLoginPage", reason: "is not a clean path", option: docslogin.WithLoginPage(`/\evil`, "next")},
		{name: "a sign-in page on another host", field: "WithLoginPage", reason: "together with WithExternalURL", option: docslogin.WithLoginPage("https://login.example.com/", "next")},
		{name: "a sign-in page that is a script", field: "WithLoginPage", reason: "is not an absolute http or https URL", option: docslogin.WithLoginPage("javascript:x", "next"), with: docslogin.WithExternalURL("https://app.example.com")},
		{name: "an empty return parameter", field: "WithLoginPage", reason: "needs the name of the parameter", option: docslogin.WithLoginPage("/sign-in", "")},
		{name: "a return parameter that the page has already", field: "WithLoginPage", reason: "holds the return parameter already", option: docslogin.WithLoginPage("/sign-in?next=/", "next")},
		{name: "a return parameter that the page has already, empty", field: "WithLoginPage", reason: "holds the return parameter already", option: docslogin.WithLoginPage("/sign-in?next=", "next")},
		{name: "a sign-in page that is the route", field: "WithLoginPage", reason: "is the route itself", option: docslogin.WithLoginPage("/docs-login", "next")},
		{name: "a sign-in page that is the route, escaped", field: "WithLoginPage", reason: "is the route itself", option: docslogin.WithLoginPage("/docs%2Dlogin", "next")},
		{name: "a sign-in page with white space", field: "WithLoginPage", reason: "has white space around it", option: docslogin.WithLoginPage("/sign-in ", "next")},
		{name: "a sign-in page with user info", field: "WithLoginPage", reason: "has user info", option: docslogin.WithLoginPage("https://u:p@login.example.com/", "next"), with: docslogin.WithExternalURL("https://app.example.com")},
		{name: "an external URL with user info", field: "WithExternalURL", reason: "has user info", option: docslogin.WithExternalURL("https://u:p@app.example.com")},
		{name: "an origin with user info", field: "Platform.DeepLink.Origins[0]", reason: "has user info", platform: custom(func(p *docslogin.Platform) { p.DeepLink.Origins = []string{"https://u:p@a.example"} })},
		{name: "a callback with user info", field: "Platform.Callback", reason: "has user info", platform: custom(func(p *docslogin.Platform) { p.Callback = "https://u:p@canny.io/sso" })},
		{name: "an absolute callback with a query", field: "Platform.Callback", reason: "has a query", platform: custom(func(p *docslogin.Platform) { p.Callback = "https://canny.io/sso?x=1" })},
		{name: "a link from the base that goes out as given", field: "Platform.DeepLink.FromBase", reason: "does not go with AsGiven", platform: custom(func(p *docslogin.Platform) {
			p.DeepLink.FromBase, p.DeepLink.Form = true, docslogin.AsGiven
		})},
		{name: "a sign-in page that is the route, absolute", field: "WithLoginPage", reason: "is the route itself", option: docslogin.WithLoginPage("https://example.com/app/docs-login", "next"), with: docslogin.WithExternalURL("https://example.com/app")},
		{name: "an external URL that is relative", field: "WithExternalURL", reason: "is not an absolute http or https URL", option: docslogin.WithExternalURL("app.example.com")},
		{name: "an external URL with a query", field: "WithExternalURL", reason: "has a query", option: docslogin.WithExternalURL("https://app.example.com?x")},

		{name: "an empty secret", field: "Platform.Key", reason: "the secret is empty", platform: docslogin.ReadMe("https://docs.example.com", "")},
		{name: "a short secret", field: "Platform.Key", reason: "the secret is 7 bytes long", platform: docslogin.ReadMe("https://docs.example.com", "hunter2")},
		{name: "a secret with a newline", field: "Platform.Key", reason: "white space or quotes", platform: docslogin.ReadMe("https://docs.example.com", secret+"\n")},
		{name: "a text that is no key", field: "Platform.Key", reason: "the text is no key", platform: docslogin.Mintlify("https://docs.example.com", secret)},
		{name: "a nil signer", field: "Platform.Key", reason: "the signer is nil", platform: custom(func(p *docslogin.Platform) { p.Key = docslogin.SignWith(nil) })},
		{name: "a typed nil signer", field: "Platform.Key", reason: "the signer is nil", platform: custom(func(p *docslogin.Platform) { p.Key = docslogin.SignWith((*nilSigner)(nil)) })},
		{name: "no key", field: "Platform.Key", reason: "is missing", platform: custom(func(p *docslogin.Platform) { p.Key = docslogin.Key{} })},
		{name: "no algorithm", field: "Platform.Algorithm", reason: "is not one that signs", platform: custom(func(p *docslogin.Platform) { p.Algorithm = "" })},
		{name: "the algorithm none", field: "Platform.Algorithm", reason: "is not one that signs", platform: custom(func(p *docslogin.Platform) { p.Algorithm = "none" })},

		{name: "an empty docs URL", field: "Platform.DocsURL", reason: "is empty", platform: docslogin.ReadMe("", secret)},
		{name: "a relative docs URL", field: "Platform.DocsURL", reason: "is not an absolute http or https URL", platform: docslogin.ReadMe("docs.example.com", secret)},
		{name: "a docs URL without a scheme", field: "Platform.DocsURL", reason: "is not an absolute http or https URL", platform: docslogin.ReadMe("//docs.example.com", secret)},
		{name: "a docs URL without a host", field: "Platform.DocsURL", reason: "is not an absolute http or https URL", platform: docslogin.ReadMe("https:///docs", secret)},
		{name: "a docs URL that does not parse", field: "Platform.DocsURL", reason: "is not an absolute http or https URL", platform: docslogin.ReadMe("https://docs.example.com:x/", secret)},
		{name: "a docs URL of another scheme", field: "Platform.DocsURL", reason: "is not an absolute http or https URL", platform: docslogin.ReadMe("ftp://docs.example.com", secret)},
		{name: "a docs URL in clear", field: "Platform.DocsURL", reason: "must be https", platform: docslogin.ReadMe("http://docs.example.com", secret)},
		{name: "a docs URL in clear on a private address", field: "Platform.DocsURL", reason: "must be https", platform: docslogin.ReadMe("http://10.0.0.1", secret)},
		{name: "a docs host that browsers read as an address", field: "Platform.DocsURL", reason: "a host or a port that is not valid", platform: docslogin.ReadMe("https://0x7f000001", secret)},
		{name: "a docs host that ends in a number", field: "Platform.DocsURL", reason: "a host or a port that is not valid", platform: docslogin.ReadMe("https://docs.example.18", secret)},
		{name: "a docs URL whose host ends as a loopback's", field: "Platform.DocsURL", reason: "must be https", platform: docslogin.ReadMe("http://evillocalhost", secret)},
		{name: "a docs URL that only looks like loopback", field: "Platform.DocsURL", reason: "must be https", platform: docslogin.ReadMe("http://localhost.example.com", secret)},
		{name: "a docs URL with user info", field: "Platform.DocsURL", reason: "has user info", platform: docslogin.ReadMe("https://user:hunter2@docs.example.com", secret)},
		{name: "a docs URL with a fragment", field: "Platform.DocsURL", reason: "has a fragment", platform: docslogin.ReadMe("https://docs.example.com/#", secret)},
		{name: "a docs URL with white space", field: "Platform.DocsURL", reason: "has white space", platform: docslogin.ReadMe("https://docs.example.com\n", secret)},
		{name: "an internationalized docs host", field: "Platform.DocsURL", reason: "punycode", platform: docslogin.ReadMe("https://döcs.example.com", secret)},
		{name: "a docs host with a zone", field: "Platform.DocsURL", reason: "a host or a port that is not valid", platform: docslogin.ReadMe("https://[fe80::1%25eth0]/", secret)},
		{name: "a docs URL such as https://docs.example.com.", field: "Platform.DocsURL", reason: "a host or a port that is not valid", platform: docslogin.ReadMe("https://docs.example.com.", secret)},
		{name: "a docs URL such as https://docs..example.com", field: "Platform.DocsURL", reason: "a host or a port that is not valid", platform: docslogin.ReadMe("https://docs..example.com", secret)},
		{name: "a docs URL such as https://.example.com", field: "Platform.DocsURL", reason: "a host or a port that is not valid", platform: docslogin.ReadMe("https://.example.com", secret)},
		{name: "a docs URL such as https://-docs.example.com", field: "Platform.DocsURL", reason: "a host or a port that is not valid", platform: docslogin.ReadMe("https://-docs.example.com", secret)},
		{name: "a docs URL such as https://127.1", field: "Platform.DocsURL", reason: "a host or a port that is not valid", platform: docslogin.ReadMe("https://127.1", secret)},
		{name: "a docs URL such as https://0x7f.1", field: "Platform.DocsURL", reason: "a host or a port that is not valid", platform: docslogin.ReadMe("https://0x7f.1", secret)},
		{name: "a docs URL such as https://docs.example.com:08", field: "Platform.DocsURL", reason: "a host or a port that is not valid", platform: docslogin.ReadMe("https://docs.example.com:08", secret)},
		{name: "a docs port of zero", field: "Platform.DocsURL", reason: "a host or a port that is not valid", platform: docslogin.ReadMe("https://docs.example.com:0", secret)},
		{name: "a docs port out of range", field: "Platform.DocsURL", reason: "a host or a port that is not valid", platform: docslogin.ReadMe("https://docs.example.com:65536", secret)},
		{name: "an empty docs port", field: "Platform.DocsURL", reason: "a host or a port that is not valid", platform: docslogin.ReadMe("https://docs.example.com:", secret)},
		{name: "a docs path that is not clean", field: "Platform.DocsURL", reason: "has a path that is not clean", platform: docslogin.ReadMe("https://docs.example.com/a/../b", secret)},
		{name: "a docs path where there can be none", field: "Platform.DocsURL", reason: "docs cannot be under one", platform: docslogin.Mintlify("https://example.com/docs", edPEM)},
		{name: "a docs query where it would be lost", field: "Platform.DocsURL", reason: "has a query", platform: docslogin.Mintlify("https://docs.example.com?x", edPEM)},

		{name: "no name", field: "Platform.Name", reason: "is missing", platform: custom(func(p *docslogin.Platform) { p.Name = "" })},
		{name: "no carrier", field: "Platform.Carrier", reason: "is missing", platform: custom(func(p *docslogin.Platform) { p.Carrier = docslogin.Carrier{} })},
		{name: "a parameter without a name", field: "Platform.Carrier", reason: "is missing", platform: custom(func(p *docslogin.Platform) { p.Carrier = docslogin.InQuery("") })},
		{name: "token and link in one parameter", field: "Platform.DeepLink.Out", reason: `"jwt", which is empty or has another use`, platform: custom(func(p *docslogin.Platform) { p.DeepLink.Out = "jwt" })},
		{name: "the marker's name", field: "Platform.DeepLink.In", reason: `"docslogin_sent"`, platform: custom(func(p *docslogin.Platform) { p.DeepLink.In = "docslogin_sent" })},
		{name: "an echoed parameter that is the link", field: "Platform.Echo", reason: `"redirect", which`, platform: custom(func(p *docslogin.Platform) { p.Echo = []string{"redirect"} })},
		{name: "a constant parameter that is the token", field: "Platform.Params", reason: `"jwt", which`, platform: custom(func(p *docslogin.Platform) { p.Params = map[string]string{"jwt": "x"} })},
		{name: "an echoed parameter without a name", field: "Platform.Echo", reason: `"", which`, platform: custom(func(p *docslogin.Platform) { p.Echo = []string{""} })},
		{name: "a constant parameter without a name", field: "Platform.Params", reason: `"", which`, platform: custom(func(p *docslogin.Platform) { p.Params = map[string]string{"": "x"} })},
		{name: "a token's parameter that is the marker", field: "Platform.Carrier", reason: `"docslogin_sent"`, platform: custom(func(p *docslogin.Platform) { p.Carrier = docslogin.InQuery("docslogin_sent") })},
		{name: "two claims for the library with one name", field: "Platform.HostClaim", reason: `"expiresAt", which the library writes already`, platform: custom(func(p *docslogin.Platform) {
			p.HostClaim, p.Lifetime = "expiresAt", docslogin.Lifetime{Session: time.Hour, SessionClaim: "expiresAt"}
		})},
		{name: "a host claim that is a time", field: "Platform.HostClaim", reason: `"iat", which the library writes already`, platform: custom(func(p *docslogin.Platform) { p.HostClaim = "iat" })},
		{name: "a session's claim that is the token's", field: "Platform.Lifetime.SessionClaim", reason: `"jti", which the library writes already`, platform: custom(func(p *docslogin.Platform) {
			p.TokenID, p.Lifetime = true, docslogin.Lifetime{Session: time.Hour, SessionClaim: "jti"}
		})},
		{name: "a required claim without a name", field: "Platform.Required", reason: `"", which is empty`, platform: custom(func(p *docslogin.Platform) { p.Required = []string{""} })},
		{name: "a docs URL that holds a token", field: "Platform.DocsURL", reason: `holds the parameter "auth_token"`, platform: docslogin.ReadMe("https://docs.example.com?auth_token=x", secret)},
		{name: "a docs URL that holds a link", field: "Platform.DocsURL", reason: `holds the parameter "redirect"`, platform: docslogin.ReadMe("https://docs.example.com?redirect=", secret)},
		{name: "a docs URL that holds a constant parameter", field: "Platform.DocsURL", reason: `holds the parameter "c"`, platform: custom(func(p *docslogin.Platform) {
			p.DocsURL, p.Params = "https://docs.example.com?c=1", map[string]string{"c": "2"}
		})},
		{name: "a docs URL that holds an echoed parameter", field: "Platform.DocsURL", reason: `holds the parameter "e"`, platform: custom(func(p *docslogin.Platform) {
			p.DocsURL, p.Echo = "https://docs.example.com?e=1", []string{"e"}
		})},
		{name: "a docs URL without end", field: "Platform.DocsURL", reason: "is longer than 2,048 bytes", platform: docslogin.ReadMe("https://docs.example.com/"+strings.Repeat("x", 2024), secret)},
		{name: "arguments that were mixed up", field: "Platform.DocsURL", reason: "has white space", platform: docslogin.ReadMe(secret+"\n", secret)},
		{name: "a docs query that would not reach the wanted page", field: "Platform.DocsURL", reason: "has a query, which would not reach", platform: custom(func(p *docslogin.Platform) {
			p.DocsURL, p.DeepLink.Out = "https://docs.example.com?v=1", ""
		})},
		{name: "a subdomain that is a host", field: "subdomain", reason: "must be the name before .zendesk.com alone", platform: docslogin.Zendesk("acme.zendesk.com", secret)},
		{name: "a subdomain that leads elsewhere", field: "subdomain", reason: "must be the name before .zendesk.com alone", platform: docslogin.Zendesk("evil.example/#", secret)},
		{name: "no subdomain", field: "subdomain", reason: "must be the name before .zendesk.com alone", platform: docslogin.Zendesk("", secret)},
		{name: "a subdomain that is no name", field: "subdomain", reason: "must be the name before .zendesk.com alone", platform: docslogin.Zendesk("-acme", secret)},
		{name: "a subdomain that is no name's length", field: "subdomain", reason: "must be the name before .zendesk.com alone", platform: docslogin.Zendesk(strings.Repeat("a", 64), secret)},
		{name: "a constant parameter with a blank", field: "Platform.Params", reason: "white space around it", platform: docslogin.Canny("https://feedback.example.com", "5c1d\n", secret)},
		{name: "a label that is too long", field: "Platform.DocsURL", reason: "a host or a port that is not valid", platform: docslogin.ReadMe("https://"+strings.Repeat("a", 64)+".com", secret)},
		{name: "a host that is too long", field: "Platform.DocsURL", reason: "a host or a port that is not valid", platform: docslogin.ReadMe("https://"+strings.Repeat("a.", 125)+"come", secret)},
		{name: "an address that browsers write otherwise", field: "Platform.DocsURL", reason: "a host or a port that is not valid", platform: docslogin.ReadMe("https://[0:0:0:0:0:0:0:1]", secret)},
		{name: "an IPv4 address in IPv6", field: "Platform.DocsURL", reason: "a host or a port that is not valid", platform: docslogin.ReadMe("https://[::ffff:127.0.0.1]", secret)},
		{name: "a parameter to drop without a name", field: "Platform.DeepLink.Drop", reason: "is empty or has a *", platform: custom(func(p *docslogin.Platform) { p.DeepLink.Drop = []string{""} })},
		{name: "a parameter to drop with a star inside", field: "Platform.DeepLink.Drop", reason: "has a * before its end", platform: custom(func(p *docslogin.Platform) { p.DeepLink.Drop = []string{"visitor.*", "vis*itor"} })},
		{name: "a least session without a session", field: "Platform.Lifetime.MinSession", reason: "does not apply", platform: custom(func(p *docslogin.Platform) { p.Lifetime.MinSession = time.Hour })},
		{name: "a static claim without a name", field: "Platform.Static", reason: `"", which is empty`, platform: custom(func(p *docslogin.Platform) { p.Static = docslogin.Claims{"": 1} })},
		{name: "a form's field that browsers fill in", field: "Platform.Carrier", reason: `"_charset_", which is empty or has another use`, platform: custom(func(p *docslogin.Platform) { p.Carrier = docslogin.InForm("_charset_") })},
		{name: "a form's link that browsers fill in", field: "Platform.DeepLink.Out", reason: `"_charset_", which is empty or has another use`, platform: custom(func(p *docslogin.Platform) { p.Carrier, p.DeepLink.Out = docslogin.InForm("jwt"), "_charset_" })},
		{name: "a form whose callback has an IPv6 address", field: "Platform.Carrier", reason: "one of the platform's hosts is an IPv6 address", platform: custom(func(p *docslogin.Platform) { p.Carrier, p.Callback = docslogin.InForm("jwt"), "http://[::1]:8080/sso" })},
		{name: "a form whose links go to an IPv6 address", field: "Platform.Carrier", reason: "one of the platform's hosts is an IPv6 address", platform: custom(func(p *docslogin.Platform) {
			p.Carrier, p.DeepLink.Origins = docslogin.InForm("jwt"), []string{"http://[::1]:8080"}
		})},
		{name: "a query's parameter without a name", field: "Platform.Carrier", reason: "set it with InQuery, InFragment or InForm", platform: custom(func(p *docslogin.Platform) { p.Carrier = docslogin.InQuery("") })},
		{name: "a form that leads to a host with an underscore", field: "Platform.Carrier", reason: "an IPv6 address or has an underscore", platform: custom(func(p *docslogin.Platform) { p.Carrier, p.DocsURL = docslogin.InForm("jwt"), "https://a_b.example.com" })},
		{name: "a constant parameter without a value", field: "Platform.Params", reason: `has no value for the parameter "companyID"`, platform: docslogin.Canny("https://feedback.example.com", "", secret)},
		{name: "a required claim or none", field: "Platform.Required", reason: `"", which is empty`, platform: custom(func(p *docslogin.Platform) { p.Required = []string{"a|"} })},
		{name: "a required claim or one that the library writes", field: "Platform.Required", reason: `"iat"`, platform: custom(func(p *docslogin.Platform) { p.Required = []string{"iat|a"} })},
		{name: "a form's field that is the link's", field: "Platform.DeepLink.Out", reason: `"redirect"`, platform: custom(func(p *docslogin.Platform) { p.Carrier = docslogin.InForm("redirect") })},
		{name: "a form that leads to an IPv6 address", field: "Platform.Carrier", reason: "one of the platform's hosts is an IPv6 address", platform: custom(func(p *docslogin.Platform) { p.Carrier, p.DocsURL = docslogin.InForm("jwt"), "http://[::1]:8080" })},
		{name: "a form's field without a name", field: "Platform.Carrier", reason: "set it with InQuery, InFragment or InForm", platform: custom(func(p *docslogin.Platform) { p.Carrier = docslogin.InForm("") })},
		{name: "a negative limit", field: "Platform.MaxTokenBytes", reason: "is negative", platform: custom(func(p *docslogin.Platform) { p.MaxTokenBytes = -1 })},
		{name: "a form of a link that is none", field: "Platform.DeepLink.Form", reason: "is none of", platform: custom(func(p *docslogin.Platform) { p.DeepLink.Form = 3 })},
		{name: "a link that has no way in", field: "Platform.DeepLink", reason: "needs both In and Out", platform: custom(func(p *docslogin.Platform) { p.DeepLink.In = "" })},
		{name: "a link that has no way out", field: "Platform.DeepLink", reason: "needs both In and Out", platform: custom(func(p *docslogin.Platform) { p.DeepLink.Out, p.Callback = "", "/cb" })},
		{name: "an origin with a path", field: "Platform.DeepLink.Origins[0]", reason: "must be an origin", platform: custom(func(p *docslogin.Platform) { p.DeepLink.Origins = []string{"https://a.example/b"} })},
		{name: "an origin that is none", field: "Platform.DeepLink.Origins[1]", reason: "is not an absolute", platform: custom(func(p *docslogin.Platform) { p.DeepLink.Origins = []string{"https://a.example", "*"} })},
		{name: "a callback with a query", field: "Platform.Callback", reason: "must be a clean path", platform: custom(func(p *docslogin.Platform) { p.Callback = "/cb?x" })},
		{name: "a callback that is not clean", field: "Platform.Callback", reason: "must be a clean path", platform: custom(func(p *docslogin.Platform) { p.Callback = "//evil.example" })},
		{name: "a callback in clear", field: "Platform.Callback", reason: "must be https", platform: custom(func(p *docslogin.Platform) { p.Callback = "http://canny.io/sso" })},
		{name: "a static claim that the library writes", field: "Platform.Static", reason: `"iat"`, platform: custom(func(p *docslogin.Platform) { p.Static = docslogin.Claims{"iat": 1} })},
		{name: "a static claim that is no JSON", field: "Platform.Static", reason: `"f", a func()`, platform: custom(func(p *docslogin.Platform) { p.Static = docslogin.Claims{"f": func() {}} })},
		{name: "a required claim that the library writes", field: "Platform.Required", reason: `"iss"`, platform: custom(func(p *docslogin.Platform) {
			p.Static, p.Required = docslogin.Claims{"iss": "me"}, []string{"iss"}
		})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.field != "lookup" {
				tt.lookup = nobody
			}
			if tt.platform.Name == "" && tt.field != "Platform.Name" {
				tt.platform = readMe
			}
			options := []docslogin.Option{nothing, atNoon}
			if tt.option != nil || tt.field == "option 3" {
				options = append(options, tt.option)
			}
			if tt.with != nil {
				options = append(options, tt.with)
			}
			m, err := docslogin.New(tt.lookup, tt.platform, options...)
			mistakes := mistakesIn(err)
			if m != nil || len(mistakes) == 0 {
				t.Fatalf("no mistake found: %v", err)
			}
			i := slices.IndexFunc(mistakes, func(e *docslogin.ConfigError) bool { return e.Field == tt.field })
			if i < 0 || !strings.Contains(mistakes[i].Error(), tt.reason) {
				t.Errorf("got %v\nwant %s to say %q", err, tt.field, tt.reason)
			}
			if len(mistakes) != 1 && tt.name != "an origin that is none" {
				t.Errorf("more than that: %v", err)
			}
			for line := range strings.Lines(err.Error()) {
				if !strings.HasPrefix(line, "docslogin: ") {
					t.Errorf("a line that does not begin with docslogin: %q", line)
				}
			}
			for _, text := range []string{secret, "hunter2", "evil", "example.com"} {
				if strings.Contains(strings.ReplaceAll(err.Error(), "docs.example.com", ""), text) {
					t.Errorf("%q is told: %v", text, err)
				}
			}
		})
	}
}

func load(*http.Request, *sessions.Session) (*docslogin.User, error) { return ada, nil }

type nilSigner struct{ jose.OpaqueSigner }

// mistakesIn returns the mistakes that New joined.
func mistakesIn(err error) (mistakes []*docslogin.ConfigError) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	for _, err := range joined.Unwrap() {
		var mistake *docslogin.ConfigError
		if errors.As(err, &mistake) {
			mistakes = append(mistakes, mistake)
		}
	}
	return mistakes
}

func TestAllMistakesAtOnce(t *testing.T) {
	_, err := docslogin.New(nil, docslogin.Mintlify("docs.example.com", "no key"), nil, docslogin.WithPath("x"), docslogin.WithLoginPage("y", ""), docslogin.WithTokenTTL(0), docslogin.WithClock(nil))
	var fields []string
	for _, mistake := range mistakesIn(err) {
		fields = append(fields, mistake.Field)
	}
	want := []string{"option 1", "WithClock", "lookup", "WithTokenTTL", "WithPath", "Platform.DocsURL", "WithLoginPage", "WithLoginPage", "Platform.Key"}
	if !slices.Equal(fields, want) {
		t.Errorf("got  %q\nwant %q", fields, want)
	}
	if _, err := docslogin.New(nobody, docslogin.Platform{}); len(mistakesIn(err)) != 5 {
		t.Errorf("a zero Platform: %v", err)
	}
}

func TestAMistakeUnwraps(t *testing.T) {
	down := errors.New("down\nfor good")
	p := custom(func(p *docslogin.Platform) {
		p.Algorithm, p.Key = jose.EdDSA, docslogin.SignWith(failingSigner{cryptosigner.Opaque(edKey), down})
	})
	_, err := docslogin.New(nobody, p)
	if !errors.Is(err, down) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
}

type failingSigner struct {
	jose.OpaqueSigner
	err error
}

func (s failingSigner) SignPayload([]byte, jose.SignatureAlgorithm) ([]byte, error) {
	return nil, s.err
}

func TestGoodDocsURLs(t *testing.T) {
	for docsURL, want := range map[string]string{
		"https://docs.example.com":                              "https://docs.example.com?auth_token=TOKEN",
		"https://docs.example.com/":                             "https://docs.example.com/?auth_token=TOKEN",
		"https://Docs.Example.COM:443/A":                        "https://docs.example.com/A?auth_token=TOKEN",
		"https://docs.example.com:8443":                         "https://docs.example.com:8443?auth_token=TOKEN",
		"https://docs.example.com?a=b":                          "https://docs.example.com?a=b&auth_token=TOKEN",
		"https://xn--dcs-sna.example.com":                       "https://xn--dcs-sna.example.com?auth_token=TOKEN",
		"https://[2001:db8::1]:8443/x":                          "https://[2001:db8::1]:8443/x?auth_token=TOKEN",
		"https://docs.example.com/" + strings.Repeat("x", 2023): "https://docs.example.com/" + strings.Repeat("x", 2023) + "?auth_token=TOKEN",
		"https://d0c5.exampleX.c0m":                             "https://d0c5.examplex.c0m?auth_token=TOKEN",
		"https://" + strings.Repeat("a", 63) + ".com":           "https://" + strings.Repeat("a", 63) + ".com?auth_token=TOKEN",
		"https://" + strings.Repeat("a.", 125) + "com":          "https://" + strings.Repeat("a.", 125) + "com?auth_token=TOKEN",
		"http://LOCALHOST":                                      "http://localhost?auth_token=TOKEN",
		"http://localhost:8081":                                 "http://localhost:8081?auth_token=TOKEN",
		"http://docs.localhost":                                 "http://docs.localhost?auth_token=TOKEN",
		"http://127.8.8.8:80":                                   "http://127.8.8.8?auth_token=TOKEN",
		"http://[::1]:1":                                        "http://[::1]:1?auth_token=TOKEN",
	} {
		if got, _ := login(t, newMiddleware(t, as(ada), docslogin.ReadMe(docsURL, secret)), "/docs-login"); got != want {
			t.Errorf("%s: got %s", docsURL, got)
		}
	}
	newMiddleware(t, as(ada), docslogin.Zendesk(strings.Repeat("a", 63), secret))
	newMiddleware(t, as(ada), custom(func(p *docslogin.Platform) { p.Carrier = docslogin.InQuery("_charset_") })) // which means something in forms only
	p := docslogin.ReadMe("http://docs.example.com", secret)
	p.InsecureHTTP = true
	login(t, newMiddleware(t, as(ada), p), "/docs-login")
	if _, payload := login(t, newMiddleware(t, as(ada), docslogin.Mintlify("https://Docs.Example.com:8443/", edPEM)), "/docs-login"); !strings.Contains(payload, `"host":"docs.example.com"`) {
		t.Error(payload)
	}
}

func TestMust(t *testing.T) {
	if m := docslogin.Must(docslogin.New(nobody, readMe)); m.Path() != "/docs-login" {
		t.Error(m.Path())
	}
	defer func() {
		if err, _ := recover().(error); err == nil || !strings.Contains(err.Error(), "lookup is nil") {
			t.Errorf("recovered %v", err)
		}
	}()
	docslogin.Must(docslogin.New(nil, readMe))
}

func TestKeysOfEveryKind(t *testing.T) {
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		alg jose.SignatureAlgorithm
		key docslogin.Key
		pub any
	}{
		"HS256":                   {jose.HS256, docslogin.Secret(secret), append([]byte(secret), make([]byte, 13)...)},
		"EdDSA":                   {jose.EdDSA, docslogin.PrivateKey(edPEM), edKey.Public()},
		"ES256":                   {jose.ES256, docslogin.PrivateKey(pkcs8(p256)), p256.Public()},
		"ES256 of another signer": {jose.ES256, docslogin.SignWith(cryptosigner.Opaque(p256)), p256.Public()},
	} {
		p := custom(func(p *docslogin.Platform) { p.Algorithm, p.Key = tt.alg, tt.key })
		token := jwt.FindString(get(t, newMiddleware(t, as(ada), p), "/docs-login").Header.Get("Location"))
		jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{tt.alg})
		if err == nil {
			_, err = jws.Verify(tt.pub)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// No verb of fmt, no slog handler and no JSON shows a byte of a key, wherever
// the key stands.
func TestNothingPrintsAKey(t *testing.T) {
	platform := docslogin.ReadMe("https://docs.example.com", secret)
	m := newMiddleware(t, as(ada), platform)
	key := docslogin.Secret(secret)
	type hidden struct{ key docslogin.Key }
	type shown struct{ Key docslogin.Key }
	var out bytes.Buffer
	for _, value := range []any{key, &key, hidden{key}, &hidden{key}, shown{key}, platform, &platform, m, struct{ m *docslogin.Middleware }{m}, []docslogin.Key{key}, map[string]any{"k": key}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%t"} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "value", value)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "value", value)
		if text, err := json.Marshal(value); err == nil {
			out.Write(text)
		}
	}
	for _, form := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), strings.Trim(fmt.Sprint([]byte(secret)), "[]"), base64.StdEncoding.EncodeToString([]byte(secret))[:20]} {
		if strings.Contains(out.String(), form) {
			t.Errorf("%q is printed", form)
		}
	}
	if got, _ := json.Marshal(shown{key}); string(got) != `{"Key":"[redacted]"}` || fmt.Sprintf("%x", key) != "[redacted]" || key.LogValue().String() != "[redacted]" {
		t.Errorf("got %s", got)
	}
}

func TestSetKey(t *testing.T) {
	m := newMiddleware(t, as(ada), readMe)
	var mistake *docslogin.ConfigError
	if err := m.SetKey(docslogin.Secret("short")); !errors.As(err, &mistake) || mistake.Field != "Platform.Key" {
		t.Errorf("a bad key: %v", err)
	}
	login(t, m, "/docs-login") // still signs with the old key
	if err := m.SetKey(docslogin.Secret("another secret of the project")); err != nil {
		t.Fatal(err)
	}
	token := jwt.FindString(get(t, m, "/docs-login").Header.Get("Location"))
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jws.Verify(append([]byte("another secret of the project"), 0, 0, 0)); err != nil {
		t.Errorf("not signed with the new key: %v", err)
	}
}

// 64 visitors at once, each with his own token, while the key is changed.
func TestConcurrentLogins(t *testing.T) {
	for _, p := range []docslogin.Platform{readMe, minty} {
		lookup := func(r *http.Request) (*docslogin.User, error) {
			name := r.URL.Query().Get("visitor")
			return &docslogin.User{ID: name, Name: name, Email: name + "@example.com"}, nil
		}
		var other docslogin.Key
		var verifiers []any
		switch p.Algorithm {
		case jose.HS256:
			other, verifiers = docslogin.Secret(secret+secret), []any{append([]byte(secret), make([]byte, 13)...), []byte(secret + secret)}
		default:
			public, private, err := ed25519.GenerateKey(rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			other, verifiers = docslogin.PrivateKey(pkcs8(private)), []any{edKey.Public(), public}
		}
		m := newMiddleware(t, lookup, p)
		stop := make(chan struct{})
		var keys, visitors sync.WaitGroup
		keys.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := m.SetKey([]docslogin.Key{other, p.Key}[i%2]); err != nil {
					t.Error(err)
				}
			}
		})
		for i := range 64 {
			visitors.Go(func() {
				for j := range 20 {
					name := fmt.Sprintf("visitor-%d-%d", i, j)
					jws, err := jose.ParseSignedCompact(jwt.FindString(get(t, m, "/docs-login?visitor="+name).Header.Get("Location")), []jose.SignatureAlgorithm{p.Algorithm})
					if err != nil {
						t.Errorf("%s: %v", name, err)
						return
					}
					verified := slices.ContainsFunc(verifiers, func(key any) bool { _, err := jws.Verify(key); return err == nil })
					if payload := string(jws.UnsafePayloadWithoutVerification()); !verified || !strings.Contains(payload, `"name":"`+name+`"`) {
						t.Errorf("%s got %s, signed with one of the keys: %v", name, payload, verified)
					}
				}
			})
		}
		visitors.Wait()
		close(stop)
		keys.Wait()
	}
}

// The goals of this library: nothing for a request that is not its own, little for one
// that is.
func TestAllocations(t *testing.T) {
	user := &docslogin.User{ID: "u-42", Name: "Ada Lovelace", Email: "ada@example.com", Groups: []string{"admin", "beta"},
		APIKeys: []docslogin.APIKey{{Name: "live", Key: "sk_live_1"}, {Name: "test", Key: "sk_test_1"}}}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	es256 := docslogin.Mintlify("https://docs.example.com", pkcs8(p256))
	es256.Algorithm = jose.ES256
	request := httptest.NewRequest("GET", "/docs-login?redirect=%2Fdocs%2Fgetting-started", nil)
	count := func(h http.Handler, r *http.Request) float64 {
		w := &discard{http.Header{}}
		return testing.AllocsPerRun(200, func() {
			clear(w.header)
			h.ServeHTTP(w, r)
		})
	}
	for _, tt := range []struct {
		name string
		m    *docslogin.Middleware
		most float64
	}{
		{"HS256", newMiddleware(t, as(user), readMe), 130},
		{"EdDSA", newMiddleware(t, as(user), minty), 125},
		{"ES256", newMiddleware(t, as(user), es256), 195},
		{"nobody", newMiddleware(t, nobody, readMe, signInPage), 25},
	} {
		got := count(tt.m, request)
		t.Logf("%s: %v allocations", tt.name, got)
		if got > tt.most {
			t.Errorf("%s: %v allocations, want at most %v", tt.name, got, tt.most)
		}
	}
	never := func(*http.Request) (*docslogin.User, error) { t.Error("the lookup was called"); return nil, nil }
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) {})
	other := httptest.NewRequest("GET", "/other", nil)
	if bare, wrapped := count(mux, other), count(newMiddleware(t, never, readMe).Wrap(mux), other); wrapped != bare {
		t.Errorf("%v allocations for another request, %v without the middleware", wrapped, bare)
	}
}

type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

// cookieStore is a gorilla store as an app on plain http configures it.
func cookieStore(keyPairs ...[]byte) *sessions.CookieStore {
	store := sessions.NewCookieStore(keyPairs...)
	store.Options = &sessions.Options{Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: 3600}
	return store
}

var sessionKey = []byte("0123456789abcdef0123456789abcdef")

// loadName is an app's func over a session that holds a name.
func loadName(_ *http.Request, s *sessions.Session) (*docslogin.User, error) {
	name, _ := s.Values["name"].(string)
	return &docslogin.User{ID: name, Name: name, Email: name + "@example.com"}, nil
}

// sessionCookie returns the cookie that a store gives a visitor who signs in.
func sessionCookie(t testing.TB, store sessions.Store) *http.Cookie {
	t.Helper()
	r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
	session, err := store.Get(r, "app")
	if err != nil {
		t.Fatal(err)
	}
	session.Values["name"] = "ada"
	if err := session.Save(r, w); err != nil {
		t.Fatal(err)
	}
	return w.Result().Cookies()[0]
}

func TestSessionLookup(t *testing.T) {
	store := cookieStore(sessionKey, sessionKey)
	cookie := sessionCookie(t, store)
	changed := func(change func(*http.Cookie)) *http.Cookie {
		c := *cookie
		change(&c)
		return &c
	}
	expired := cookieStore(sessionKey, sessionKey)
	expired.MaxAge(-1) // any cookie is older than that

	folder := t.TempDir()
	files := sessions.NewFilesystemStore(folder, sessionKey)
	file, gone := sessionCookie(t, files), sessionCookie(t, files)
	var removed string
	remove := func(cookie *http.Cookie) {
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(cookie)
		session, _ := files.New(r, "app")
		removed = filepath.Join(folder, "session_"+session.ID)
		if err := os.Remove(removed); err != nil {
			t.Fatal(err)
		}
	}
	remove(gone)
	odd := sessionCookie(t, files)
	remove(odd)
	if err := os.Mkdir(removed, 0o700); err != nil { // reading it fails, though it is there
		t.Fatal(err)
	}
	elsewhere := sessions.NewFilesystemStore(filepath.Join(folder, "unmounted"), sessionKey)

	const user, nobody, failure = "user", "nobody", "error"
	keyless := httptest.NewRequest("GET", "/", nil)
	keyless.AddCookie(cookie)
	_, errKeys := cookieStore().New(keyless, "app")
	for _, tt := range []struct {
		name   string
		store  sessions.Store
		cookie *http.Cookie
		want   string
	}{
		{"a session", store, cookie, user},
		{"a session under an older key that is still known", cookieStore([]byte("the key that is in use now, too."), nil, sessionKey, sessionKey), cookie, user},
		{"a session beside an older key that is not set", cookieStore(sessionKey, sessionKey, []byte(""), nil), cookie, user},
		{"a session beside a newer key that is not set", cookieStore([]byte(""), nil, sessionKey, sessionKey), cookie, user},
		{"no cookie", store, nil, nobody},
		{"a session under a key that is no longer known", cookieStore([]byte("the key that is in use now, too."), sessionKey), cookie, nobody},
		{"a session encrypted with a rotated key", cookieStore(sessionKey, []byte("the key that is in use now, too.")), cookie, nobody},
		{"a session that has expired", expired, cookie, nobody},
		{"a cookie that was tampered with", store, changed(func(c *http.Cookie) { c.Value = c.Value[:20] + "A" + c.Value[21:] }), nobody},
		{"a cookie that is no base64", store, changed(func(c *http.Cookie) { c.Value = "%%%" }), nobody},
		{"a cookie that is too long", store, changed(func(c *http.Cookie) { c.Value = strings.Repeat("A", 5000) }), nobody},
		{"an empty cookie", store, changed(func(c *http.Cookie) { c.Value = "" }), nobody},
		{"a store that has lost its keys", brokenStore{errKeys}, cookie, failure},
		{"a session in a file", files, file, user},
		{"a session whose file is gone", files, gone, nobody},
		{"a session whose file cannot be read", files, odd, failure},
		{"a folder that is gone", elsewhere, file, failure},
		{"a store that is down", brokenStore{errStore}, cookie, failure},
		{"a store that returns nothing", brokenStore{nil}, cookie, nobody},
	} {
		t.Run(tt.name, func(t *testing.T) {
			called := false
			lookup := docslogin.SessionLookup(tt.store, "app", func(r *http.Request, s *sessions.Session) (*docslogin.User, error) {
				called = true
				return loadName(r, s)
			})
			r := httptest.NewRequest("GET", "/docs-login", nil)
			if tt.cookie != nil {
				r.AddCookie(tt.cookie)
			}
			found, err := lookup(r)
			got := user
			switch {
			case errors.Is(err, docslogin.ErrNoUser):
				got = nobody
			case err != nil:
				got = failure
			case found.Name != "ada":
				t.Errorf("found %+v", found)
			}
			if got != tt.want || called != (tt.want == user) {
				t.Errorf("%s, %v (load called: %v), want %s", got, err, called, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), cookie.Value) {
				t.Errorf("the cookie is told: %v", err)
			}
		})
	}
}

// A store may be set up after the lookup is made.
func TestSessionLookupOfAStoreThatIsSetUpLater(t *testing.T) {
	ready := cookieStore(sessionKey)
	store := &sessions.CookieStore{Codecs: ready.Codecs}
	lookup := docslogin.SessionLookup(store, "app", loadName)
	store.Options = ready.Options
	r := httptest.NewRequest("GET", "/docs-login", nil)
	r.AddCookie(sessionCookie(t, ready))
	if user, err := lookup(r); err != nil || user.Name != "ada" {
		t.Errorf("%+v, %v", user, err)
	}
}

// brokenStore returns no session at all.
type brokenStore struct{ err error }

func (s brokenStore) Get(*http.Request, string) (*sessions.Session, error) { return nil, s.err }
func (s brokenStore) New(*http.Request, string) (*sessions.Session, error) { return nil, s.err }
func (s brokenStore) Save(*http.Request, http.ResponseWriter, *sessions.Session) error {
	return s.err
}

// FuzzSessionCookie: whatever a browser sends for a session cookie, nobody is signed in by
// it but who has the one that the store gave him, and nothing breaks.
func FuzzSessionCookie(f *testing.F) {
	store := cookieStore(sessionKey, sessionKey)
	store.MaxAge(0) // which lasts for ever
	const genuine = "MTc5NTI3NjA5NnxVcUdSUmZCODgwMFRReWx3aXpBOWozR2R3alhMaTJxYmhSM2VnOEtRYm52S3hVbzdKZVdZeW84Tm8zQ1dJRnlXbE1PX2ZNbDBqalFna3I3alZUWkY1Zz09fFjoYZozIOepbHLA_jdu16WOvsT_C1Pl55xWvuHnnvcL"
	same := func(value string) bool {
		want, _ := base64.URLEncoding.DecodeString(genuine)
		got, err := base64.URLEncoding.DecodeString(value) // in which not every bit of the last letter counts
		return err == nil && bytes.Equal(got, want)
	}
	m := newMiddleware(f, docslogin.SessionLookup(store, "app", loadName), readMe, signInPage)
	for _, seed := range []string{"", genuine, genuine + "=", genuine[:len(genuine)-1], genuine + "; app=" + genuine, `"` + genuine + `"`, base64.URLEncoding.EncodeToString([]byte("1700000000|AAAA|mac")), "%%%", strings.Repeat("A", 4097)} {
		f.Add(seed)
	}
	f.Add(sessionCookie(f, cookieStore([]byte("another app's key"), sessionKey)).Value)
	f.Add(sessionCookie(f, cookieStore(sessionKey, []byte("the key that is in use now, too."))).Value)
	f.Fuzz(func(t *testing.T, value string) {
		r := httptest.NewRequest("GET", "/docs-login", nil)
		r.Header.Set("Cookie", "app="+value)
		w := httptest.NewRecorder()
		m.ServeHTTP(w, r)
		want := "/sign-in?next="
		if cookie, err := r.Cookie("app"); err == nil && same(cookie.Value) {
			want = "https://docs.example.com?auth_token=eyJ"
		}
		if location := w.Header().Get("Location"); w.Code != 302 || !strings.HasPrefix(location, want) {
			t.Errorf("%q: %d, %.60q", value, w.Code, location)
		}
	})
}

// FuzzQuery: whatever a login URL says behind its question mark, the token goes to the
// docs, in the place that the platform has for it, over an address of printable ASCII that
// is short enough; and a visitor who first signs in ends in the same place.
func FuzzQuery(f *testing.F) {
	type login struct {
		docslogin.Platform
		origin, page string // with which an address that takes the token begins
		limit        int    // bytes of the address

		user  **docslogin.User
		event *docslogin.Event
		route *docslogin.Middleware
	}
	logins := []login{
		{Platform: readMe, origin: "https://docs.example.com", page: "?auth_token=eyJ", limit: 8000},
		{Platform: minty, origin: "https://docs.example.com", page: "/login/jwt-callback", limit: 16000},
		{Platform: gitBook, origin: "https://example.com", page: "/docs", limit: 8000},
		{Platform: public, origin: "https://example.com", page: "/docs", limit: 16000},
		{Platform: zendesk, origin: "https://acme.zendesk.com", page: "/access/jwt", limit: 20000},
		{Platform: canny, origin: "https://canny.io", page: "/api/redirects/sso?companyID=", limit: 8000},
	}
	for i := range logins {
		l := &logins[i]
		l.user, l.event = new(*docslogin.User), new(docslogin.Event)
		p := l.Platform
		p.TokenID, p.Algorithm, p.Key = false, jose.HS256, docslogin.Secret(secret) // so that the same login has the same token
		l.route = newMiddleware(f, func(*http.Request) (*docslogin.User, error) { return *l.user, nil }, p, signInPage,
			docslogin.WithObserver(func(_ context.Context, e docslogin.Event) { *l.event = e }))
	}
	for i := range logins {
		for _, tt := range platforms {
			f.Add(uint8(i), tt.request)
		}
	}
	for i, seed := range []string{"redirect=//evil.example", "redirect=%2F%5Cevil.example", "redirect=/a%23b&redirect=//evil.example", "location=..%2f..%2fevil", "return_to=https:evil.example&brand_id=1&locale_id=2", "companyID=%26ssoToken%3Dx&redirect=https://feedback.example.com.evil.example", "docslogin_sent=1", "a;b=c&%zz&=&redirect=%2F%C3%A9%00", "redirect=/" + strings.Repeat("%25D9%2585", 340)} {
		f.Add(uint8(i), seed)
	}
	f.Fuzz(func(t *testing.T, i uint8, query string) {
		l := logins[int(i)%len(logins)]
		ask := func(user *docslogin.User, query string) *http.Response {
			r, w := httptest.NewRequest("GET", "/docs-login", nil), httptest.NewRecorder()
			r.URL.RawQuery, *l.user = query, user
			l.route.ServeHTTP(w, r)
			return w.Result()
		}
		direct := sent(t, ask(ada, query))
		address, form, _ := strings.Cut(strings.TrimPrefix(direct, "POST "), " ")
		rest, ok := strings.CutPrefix(address, l.origin+l.page)
		if !ok || l.page == "/docs" && !strings.Contains("/?#", rest[:1]) {
			t.Errorf("%s: %q leads to %q", l.Name, query, direct)
		}
		if u, err := url.Parse(address); err == nil && (u.User != nil || u.Scheme+"://"+u.Host != l.origin) { // of a few fragments net/url knows nothing
			t.Errorf("%s: %q leads to %q", l.Name, query, direct)
		}
		if strings.ContainsFunc(address+form, func(r rune) bool { return r <= ' ' || r > '~' }) || len(address) > l.limit || !jwt.MatchString(direct) {
			t.Errorf("%s: %q leads to %d bytes, %q", l.Name, query, len(address), direct)
		}
		refused := l.event.LinkRefused

		toSignIn := ask(nil, query).Header.Get("Location")
		if l.event.Outcome == "loop" {
			return
		}
		signIn, err := url.Parse(toSignIn)
		if err != nil || !strings.HasPrefix(toSignIn, "/sign-in?next=%2Fdocs-login%3F") || len(toSignIn) > 8000 {
			t.Errorf("%s: nobody with %q is sent to %q, %v", l.Name, query, toSignIn, err)
			return
		}
		if l.event.LinkRefused && !refused { // escaped twice, it is too long for the way back
			return
		}
		_, back, _ := strings.Cut(signIn.Query().Get("next"), "?")
		if again := sent(t, ask(ada, back)); again != direct {
			t.Errorf("%s: %q leads to\n%s\nand over the sign-in page to\n%s", l.Name, query, direct, again)
		}
	})
}

// newApp starts an app on loopback with a sign-in form and gorilla sessions, wrapped for
// the docs sites.
func newApp(t *testing.T, sites ...*docslogintest.Site) *httptest.Server {
	t.Helper()
	store := cookieStore(sessionKey)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sign-in", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "please sign in") })
	mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) {
		session, _ := store.Get(r, "app")
		session.Values["name"] = r.FormValue("name")
		if err := session.Save(r, w); err != nil {
			t.Error(err)
		}
		http.Redirect(w, r, r.FormValue("next"), http.StatusSeeOther)
	})
	lookup := docslogin.SessionLookup(store, "app", func(r *http.Request, s *sessions.Session) (*docslogin.User, error) {
		user, err := loadName(r, s)
		user.APIKeys = []docslogin.APIKey{{Name: "live", Key: "sk_live_" + user.Name}}
		return user, err
	})
	handler := http.Handler(mux)
	var routes []string
	for i, site := range sites {
		docs, err := docslogin.New(lookup, site.Platform(), nothing, signInPage, docslogin.WithPath(fmt.Sprintf("/docs-login-%d", i)))
		if err != nil {
			t.Fatal(err)
		}
		handler, routes = docs.Wrap(handler), append(routes, docs.Path())
	}
	app := httptest.NewServer(handler)
	t.Cleanup(app.Close)
	for i, site := range sites {
		site.SetLoginURL(app.URL + routes[i])
	}
	return app
}

// TestAVisitorArrivesSignedIn is the whole way, with real servers, sessions and cookies:
// from a private docs page over the app's form to that very page, and the next time
// without the form.
func TestAVisitorArrivesSignedIn(t *testing.T) {
	var sites []*docslogintest.Site
	for _, start := range []func(...docslogintest.Option) *docslogintest.Site{
		docslogintest.NewReadMe, docslogintest.NewMintlify, docslogintest.NewMintlifyPersonalization, docslogintest.NewGitBook, docslogintest.NewFern, docslogintest.NewZendesk,
		docslogintest.NewHelpScout, docslogintest.NewDeveloperHub, docslogintest.NewCanny, docslogintest.NewFeaturebase, docslogintest.NewMetabase,
	} {
		site := start()
		defer site.Close()
		sites = append(sites, site)
	}
	if len(sites) != len(presets) {
		t.Errorf("%d sites for %d presets", len(sites), len(presets))
	}
	app := newApp(t, sites...)
	visitor := docslogintest.NewClient()

	resp, err := visitor.Get(sites[0].URL + "/quickstart?lang=go")
	if err != nil {
		t.Fatal(err)
	}
	if body := bodyOf(t, resp); body != "please sign in" {
		t.Fatalf("signed out, the visitor came to %s: %s", resp.Request.URL, body)
	}
	resp, err = visitor.PostForm(app.URL+"/sign-in", url.Values{"name": {"ada"}, "next": {resp.Request.URL.Query().Get("next")}})
	if err != nil {
		t.Fatal(err)
	}
	if body := bodyOf(t, resp); resp.Request.URL.String() != sites[0].URL+"/quickstart?lang=go" || !strings.Contains(body, "sk_live_ada") {
		t.Errorf("the visitor arrived at %s:\n%s", resp.Request.URL, body)
	}
	for _, site := range sites {
		got, err := site.Login(visitor, "/quickstart?lang=go")
		if err != nil || got.Page != "/quickstart?lang=go" || !strings.Contains(fmt.Sprint(got.Claims), ":ada@example.com") {
			t.Errorf("%s accepted %+v, %v", site.Platform().Name, got, err)
		}
		if logins := site.Logins(); len(logins) != 1 || len(logins[0].Notes) > 0 || len(site.Rejections()) > 0 {
			t.Errorf("%s: %+v, %v", site.URL, logins, site.Rejections())
		}
	}
}

// Clients that hang up mid-request leave nothing behind and stop nothing.
func TestClientsThatHangUp(t *testing.T) {
	entered := make(chan struct{})
	var mu sync.Mutex
	seen := map[docslogin.Outcome]int{}
	m := newMiddleware(t, func(r *http.Request) (*docslogin.User, error) {
		entered <- struct{}{}
		<-r.Context().Done()
		return ada, nil
	}, readMe, docslogin.WithObserver(func(_ context.Context, e docslogin.Event) {
		mu.Lock()
		defer mu.Unlock()
		seen[e.Outcome]++
	}))
	server := httptest.NewServer(m.Wrap(http.NotFoundHandler()))
	const clients = 8
	for range clients {
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-entered; cancel() }()
		r, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/docs-login", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := http.DefaultClient.Do(r); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	}
	server.Close() // waits for the handlers
	mu.Lock()
	defer mu.Unlock()
	if seen["canceled"] != clients {
		t.Errorf("%v", seen)
	}
}

var goBlock = regexp.MustCompile("(?s)```go\n(.*?)```")

// TestReadmeCompiles: a program in the README builds, and a fragment stands word for word
// in an example, which the compiler sees.
func TestReadmeCompiles(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var examples []byte
	for _, name := range []string{"example_test.go", "docslogintest/example_test.go", "readmewebhook/example_test.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		examples = append(examples, text...)
	}
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	blocks := goBlock.FindAllStringSubmatch(string(readme), -1)
	if len(blocks) < 4 {
		t.Fatalf("only %d snippets in the README", len(blocks))
	}
	if line := strings.Count(string(readme[:bytes.Index(readme, []byte("```go"))]), "\n") + 1; line > 10 {
		t.Errorf("the first code is in line %d", line)
	}
	for _, block := range blocks {
		code := block[1]
		if strings.HasPrefix(code, "package main") {
			dir := t.TempDir()
			mod, err := os.ReadFile("go.mod")
			if err != nil {
				t.Fatal(err)
			}
			sum, err := os.ReadFile("go.sum")
			if err != nil {
				t.Fatal(err)
			}
			mod = bytes.Replace(mod, []byte("module github.com/docslogin/docslogin\n"), []byte("module example.com/app\n\nrequire github.com/docslogin/docslogin v0.0.0\nreplace github.com/docslogin/docslogin => "+root+"\n"), 1)
			for name, content := range map[string][]byte{"main.go": []byte(code), "go.mod": mod, "go.sum": sum} {
				if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			build := exec.Command("go", "build", "-o", os.DevNull, ".")
			build.Dir, build.Env = dir, append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
			if out, err := build.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s\n%s", err, out, code)
			}
			continue
		}
		if !strings.Contains(dense(string(examples)), dense(code)) {
			t.Errorf("not in an example:\n%s", code)
		}
	}
}

// TestReadmeTables: the README's tables of platforms are those that the presets make.
func TestReadmeTables(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	signatures := presetSignatures(t)
	if len(signatures) != len(presets) {
		t.Fatalf("there are the presets %q, and %d are tested", signatures, len(presets))
	}
	user := &docslogin.User{ID: "ID", Name: "NAME", Email: "EMAIL", Groups: []string{"GROUP"}, APIKeys: []docslogin.APIKey{{Key: "KEY"}}, Attributes: map[string]any{"any": "ATTRIBUTE"}}
	wire := "| platform | preset | signed with | the token travels in | the wanted page comes in | token | docs session | required |\n|---|---|---|---|---|---|---|---|\n"
	claims := "| platform | `Name` | `Email` | `ID` | `Groups` | one API key | `Attributes` |\n|---|---|---|---|---|---|---|\n"
	for i, p := range presets {
		name, _, _ := strings.Cut(signatures[i], "(")
		if !strings.EqualFold(name, strings.ReplaceAll(p.Name, " ", "")) {
			t.Errorf("%s is not the preset of %s", name, p.Name)
		}
		to := sent(t, get(t, newMiddleware(t, as(user), p), "/docs-login"))
		session := "the platform's"
		if claim := p.Lifetime.SessionClaim; claim != "" {
			session = span(p.Lifetime.Session) + ", in `" + claim + "`"
		}
		wire += fmt.Sprintf("| %s | `%s` | %s | %s | `%s` | %s | %s | %s |\n", p.Name, signatures[i], p.Algorithm, carrier(masked(to)), p.DeepLink.In,
			span(p.Lifetime.Token), session, listed(strings.Split(strings.ReplaceAll(strings.Join(p.Required, ", "), "|", " or "), ", ")))
		payload := map[string]any{}
		if err := json.Unmarshal([]byte(payloadOf(t, to)), &payload); err != nil {
			t.Fatal(err)
		}
		paths := map[string][]string{}
		for _, path := range slices.Sorted(maps.Keys(payload)) {
			findIn(payload[path], path, paths)
		}
		claims += fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s |\n", p.Name, listed(paths["NAME"]), listed(paths["EMAIL"]), listed(paths["ID"]), listed(paths["GROUP"]), listed(paths["KEY"]), listed(paths["ATTRIBUTE"]))
	}
	for _, table := range []string{wire, claims} {
		if !strings.Contains(string(readme), "\n"+table+"\n") {
			t.Errorf("the README should have\n%s", table)
		}
	}
}

// presetSignatures are the funcs in options.go that return a Platform, with their arguments.
func presetSignatures(t *testing.T) (signatures []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "options.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Type.Results == nil || fmt.Sprint(f.Type.Results.List[0].Type) != "Platform" {
			continue
		}
		var params []string
		for _, list := range f.Type.Params.List {
			for _, name := range list.Names {
				params = append(params, name.Name)
			}
		}
		signatures = append(signatures, f.Name.Name+"("+strings.Join(params, ", ")+")")
	}
	return signatures
}

// carrier is where a login's token stands.
func carrier(to string) string {
	if strings.HasPrefix(to, "POST ") {
		return "a form, `" + regexp.MustCompile(`(\w+)=TOKEN`).FindStringSubmatch(to)[1] + "`"
	}
	if strings.HasSuffix(to, "#TOKEN") {
		return "the fragment"
	}
	return "the query, `" + regexp.MustCompile(`(\w+)=TOKEN`).FindStringSubmatch(to)[1] + "`"
}

// span is a duration in its largest unit.
func span(d time.Duration) string {
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}} {
		if d >= unit.size {
			return fmt.Sprintf("%d %s", d/unit.size, unit.name)
		}
	}
	return "–"
}

func listed(names []string) string {
	if len(names) == 0 || names[0] == "" {
		return "–"
	}
	return "`" + strings.ReplaceAll(strings.Join(names, "`, `"), " or ", "` or `") + "`"
}

// findIn finds the places in a claim at which each of a user's words stands.
func findIn(claim any, path string, paths map[string][]string) {
	switch claim := claim.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(claim)) {
			findIn(claim[name], path+"."+name, paths)
		}
	case []any:
		for _, value := range claim {
			findIn(value, path, paths)
		}
	case string:
		word := claim[strings.LastIndexByte(claim, ' ')+1:]
		paths[word] = append(paths[word], path)
	}
}

// dense is code without its indentation and blank lines.
func dense(code string) string {
	var b strings.Builder
	for line := range strings.Lines(code) {
		if line = strings.TrimSpace(line); line != "" {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}
