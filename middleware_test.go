package docslogin_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"runtime"
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
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
)

var (
	readMe   = platforms.ReadMe("https://docs.example.com", testkit.Secret)
	mintlify = platforms.Mintlify("https://docs.example.com", testkit.Ed25519PEM)
	zendesk  = platforms.Zendesk("https://acme.zendesk.com", testkit.Secret)

	withToken    = lasting(docslogin.Lifetime{Token: 5 * time.Minute})
	withSession  = lasting(docslogin.Lifetime{Token: 10 * time.Second, MaxToken: 10 * time.Second, Session: 14 * day, SessionClaim: "expiresAt"})
	tokenSession = lasting(docslogin.Lifetime{Session: time.Hour, MinSession: time.Minute, SessionClaim: "exp"})

	day        = 24 * time.Hour
	signInPage = docslogin.WithSignInPage("/sign-in", "next")
	sessionKey = []byte("0123456789abcdef0123456789abcdef")
	errStore   = errors.New("the session store is down")
	debug      = &slog.HandlerOptions{Level: slog.LevelDebug}
)

// custom returns a platform without a preset: the docs URL takes the token and the deep link.
func custom(change func(*docslogin.Platform)) docslogin.Platform {
	p := docslogin.Platform{
		Name: "custom", DocsURL: "https://docs.example.com", Algorithm: jose.HS256, Key: docslogin.Secret(testkit.Secret),
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

// inCookie is a custom platform that takes the token in a cookie. The token expires after an hour.
var inCookie = custom(func(p *docslogin.Platform) {
	p.Carrier, p.DeepLink.Out, p.Logout = docslogin.InCookie("docs-token", "example.com"), "", "/logout"
	p.Lifetime = docslogin.Lifetime{Session: time.Hour, SessionClaim: "exp"}
})

// lasting is a custom platform with these lifetimes.
func lasting(l docslogin.Lifetime) docslogin.Platform {
	return custom(func(p *docslogin.Platform) { p.Lifetime = l })
}

// collect appends every event to events.
func collect(events *[]docslogin.Event) docslogin.Option {
	return docslogin.WithObserver(func(_ context.Context, e docslogin.Event) { *events = append(*events, e) })
}

// logTo writes the log to lines, as JSON.
func logTo(lines *bytes.Buffer) docslogin.Option {
	return docslogin.WithLogger(slog.New(slog.NewJSONHandler(lines, debug)))
}

func newProfile(t testing.TB, p docslogin.Platform, opts ...docslogin.Option) *docslogin.Profile {
	t.Helper()
	profile, err := docslogin.NewProfile(p, append([]docslogin.Option{testkit.Silent, testkit.AtNoon}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return profile
}

// mount makes a handler for the users whom a lookup finds.
type mount func(testing.TB, docslogin.UserLookup, docslogin.Platform, ...docslogin.Option) http.Handler

func loginRoute(t testing.TB, lookup docslogin.UserLookup, p docslogin.Platform, opts ...docslogin.Option) http.Handler {
	return testkit.New(t, lookup, p, opts...)
}

func serveJSON(t testing.TB, lookup docslogin.UserLookup, p docslogin.Platform, opts ...docslogin.Option) http.Handler {
	profile := newProfile(t, p, opts...)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { profile.ServeJSON(w, r, lookup) })
}

// shape is how a deep link arrives at a platform, and where it leads.
type shape struct {
	name     string
	platform docslogin.Platform
	request  string
	location string
}

// Package address tests more shapes. Here, each field of a Platform that decides the URL has its row.
var shapes = []shape{
	{"a path in, a path out", custom(nil), "redirect=/a%3Fb%3D1%26c%23d", "https://docs.example.com?jwt=TOKEN&redirect=%2Fa%3Fb%3D1%26c%23d"},
	{"a platform without deep links", custom(func(p *docslogin.Platform) { p.DeepLink = docslogin.DeepLink{} }), "redirect=/a", "https://docs.example.com?jwt=TOKEN"},
	{"an absolute link", custom(func(p *docslogin.Platform) { p.DeepLink.Form = docslogin.AsURL }), "redirect=/a", "https://docs.example.com?jwt=TOKEN&redirect=https%3A%2F%2Fdocs.example.com%2Fa"},
	{"docs with a query", custom(func(p *docslogin.Platform) { p.DocsURL = "https://Docs.example.com:443/?v=1" }), "redirect=/a", "https://docs.example.com/?v=1&jwt=TOKEN&redirect=%2Fa"},
	{"http docs", custom(func(p *docslogin.Platform) { p.DocsURL, p.InsecureHTTP = "http://docs.example.com", true }), "redirect=/a", "http://docs.example.com?jwt=TOKEN&redirect=%2Fa"},
	{"a callback under a path", custom(func(p *docslogin.Platform) { p.DocsURL, p.Callback = "https://example.com/SUBX", "/X" }), "redirect=/SUBX/a", "https://example.com/SUBX/X?jwt=TOKEN&redirect=%2FSUBX%2Fa"},
	{"a link to another origin", custom(func(p *docslogin.Platform) {
		p.DeepLink.Form, p.DeepLink.Origins = docslogin.AsGiven, []string{"https://Agent.example.com"}
	}), "redirect=https%3A%2F%2Fagent.example.com%2Ft%2F1", "https://docs.example.com?jwt=TOKEN&redirect=https%3A%2F%2Fagent.example.com%2Ft%2F1"},
	{"parameters to drop", custom(func(p *docslogin.Platform) { p.DeepLink.Drop = []string{"visitor.*"} }), "redirect=/a%3Fvisitor.plan%3Dpro%26b", "https://docs.example.com?jwt=TOKEN&redirect=%2Fa%3Fb"},
	{"constant and echoed parameters", custom(func(p *docslogin.Platform) {
		p.Params, p.Echo = map[string]string{"a": "1"}, []string{"b", "c"}
	}), "redirect=/x&a=2&b=%22%26&c=4&d=5", "https://docs.example.com?a=1&b=%22%26&c=4&jwt=TOKEN&redirect=%2Fx"},
	{"a platform that always gets a page, with a link that is not escaped", custom(func(p *docslogin.Platform) { p.DeepLink.Always, p.DeepLink.Raw = true, true }), "redirect=/x?a=%20|&b", "https://docs.example.com?jwt=TOKEN&redirect=%2Fx%3Fa%3D%2520%257C%26b"},
	{"a platform that always gets a page, without a link", custom(func(p *docslogin.Platform) { p.DeepLink.Always = true }), "", "https://docs.example.com?jwt=TOKEN&redirect=%2F"},
	{"a token in the fragment", custom(func(p *docslogin.Platform) { p.Carrier, p.DeepLink.Out = docslogin.InFragment(), "" }), "redirect=/get-started%3Fx%3D1%23part", "https://docs.example.com/get-started?x=1#TOKEN"},
	{"a link from the base", custom(func(p *docslogin.Platform) {
		p.DocsURL, p.DeepLink = "https://example.com/docs", docslogin.DeepLink{In: "redirect", FromBase: true, Form: docslogin.AsGiven}
	}), "redirect=a", "https://example.com/docs/a?jwt=TOKEN"},
	{"a form", custom(func(p *docslogin.Platform) { p.Carrier, p.Echo = docslogin.InForm("jwt"), []string{"e"} }), "redirect=/a%3Fb&e=%22%26", "POST https://docs.example.com?e=%22%26 jwt=TOKEN&redirect=%2Fa%3Fb"},
	{"a cookie", inCookie, "redirect=/a%3Fb%23c", "https://docs.example.com/a?b#c Cookie: docs-token=TOKEN"},
	{"a cookie, with a rejected link", inCookie, "redirect=//evil.example", "https://docs.example.com Cookie: docs-token=TOKEN"},
	{"a form that goes to the page", custom(func(p *docslogin.Platform) { p.Carrier, p.DeepLink.Out = docslogin.InForm("jwt"), "" }), "redirect=/a%3Fb%23c", "POST https://docs.example.com/a?b#c jwt=TOKEN"},
}

// A visitor who signs in first ends in the same place.
func TestEveryShapeOfAPlatform(t *testing.T) {
	for _, tt := range shapes {
		t.Run(tt.name, func(t *testing.T) {
			user := testkit.Ada
			m := testkit.New(t, func(*http.Request) (*docslogin.User, error) { return user, nil }, tt.platform, docslogin.WithSignInPage("/sign-in?a=1#form", "next"))
			if got, _ := testkit.Login(t, m, "/docs-login?"+tt.request); got != tt.location {
				t.Errorf("got  %s\nwant %s", got, tt.location)
			}
			user = nil
			location := testkit.Get(t, m, "/docs-login?"+tt.request).Header.Get("Location")
			signIn, err := url.Parse(location)
			if err != nil || !strings.HasPrefix(location, "/sign-in?a=1&next=%2Fdocs-login%3F") || signIn.Fragment != "form" {
				t.Fatalf("the visitor was sent to %s, %v", location, err)
			}
			user = testkit.Ada
			if got, _ := testkit.Login(t, m, signIn.Query().Get("next")); got != tt.location {
				t.Errorf("over the sign-in page, got %s\nwant %s", got, tt.location)
			}
		})
	}
}

// Nothing that a request says about hosts decides where the browser goes.
func TestHostsInARequestAreNotBelieved(t *testing.T) {
	for want, user := range map[string]*docslogin.User{
		"https://docs.example.com?auth_token=TOKEN&redirect=%2Fa":                                                              testkit.Ada,
		"https://login.example.com/?next=https%3A%2F%2Fapp.example.com%2Fin%3Fdocslogin_sent%3D1700000000%26redirect%3D%252Fa": nil,
	} {
		m := testkit.New(t, testkit.As(user), readMe, docslogin.WithPath("/in"),
			docslogin.WithSignInPage("https://login.example.com/", "next"), docslogin.WithExternalURL("https://app.example.com"))
		r := httptest.NewRequest("GET", "https://evil.example/docs-login?redirect=/a", nil)
		r.Host, r.RequestURI = "evil.example", "//evil.example/docs-login"
		for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "Forwarded", "X-Original-URL", "Referer", "Origin"} {
			r.Header.Set(name, "evil.example")
		}
		w := httptest.NewRecorder()
		m.ServeHTTP(w, r)
		if got := testkit.Masked(w.Header().Get("Location")); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// Package address tests more return markers.
func TestNobodyAgainIsAPageAndNotALoop(t *testing.T) {
	const fresh = `<a href="/sign-in?next=%2Fdocs-login%3Fdocslogin_sent%3D1700000000%26redirect%3D%252Fa">Sign in</a>`
	for _, tt := range []struct {
		name, marker string
		status       int
	}{
		{"the first time", "", 302},
		{"just back", "&docslogin_sent=1699999995", 401},
		{"back a second later, as with a bookmark", "&docslogin_sent=1699999399", 302},
	} {
		resp := testkit.Get(t, testkit.New(t, testkit.Nobody, readMe, signInPage), "/docs-login?redirect=/a"+tt.marker)
		if body := testkit.Body(t, resp); resp.StatusCode != tt.status || strings.Contains(body, fresh) != (tt.status == 401) {
			t.Errorf("%s: %d, want %d with a fresh return URL:\n%s", tt.name, resp.StatusCode, tt.status, body)
		}
	}
}

// Package navigation tests the headers. Here, each outcome has a row.
func TestWhichRequestsGetAToken(t *testing.T) {
	for _, tt := range []struct {
		name, method string
		status       int
		headers      []string
	}{
		{"a link in a browser", "GET", 302, []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: cross-site"}},
		{"a browser without fetch metadata", "GET", 302, nil},
		{"HEAD", "HEAD", 405, nil},
		{"POST", "POST", 405, nil},
		{"OPTIONS", "OPTIONS", 405, nil},
		{"a method that does not exist", "MINT", 405, nil},
		{"a prefetch", "GET", 403, []string{"Sec-Purpose: prefetch"}},
		{"a frame", "GET", 403, []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"}},
	} {
		lookups := 0
		m := testkit.New(t, func(*http.Request) (*docslogin.User, error) { lookups++; return testkit.Ada, nil }, readMe)
		resp := testkit.Do(t, m, tt.method, "/docs-login", tt.headers...)
		if location := resp.Header.Get("Location"); resp.StatusCode != tt.status || (lookups == 1) != (tt.status == 302) || (location != "") != (tt.status == 302) {
			t.Errorf("%s: %d, %d lookups, Location: %.20q", tt.name, resp.StatusCode, lookups, location)
		}
		if body, allow := testkit.Body(t, resp), resp.Header.Get("Allow"); (body != "") != (tt.status == 405) || (allow == "GET") != (tt.status == 405) {
			t.Errorf("%s: Allow: %q, %s", tt.name, allow, body)
		}
	}
}

func TestWrapLeavesOtherRequestsAlone(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Method, " ", r.URL) })
	h := testkit.New(t, testkit.Never(t), readMe, docslogin.WithObserver(func(context.Context, docslogin.Event) { t.Error("the observer was called") })).Wrap(mux)
	for _, path := range []string{"/", "/docs-login/", "/docs-login/x", "/Docs-login", "/docs", "/x?docs-login"} {
		resp := testkit.Get(t, h, path)
		if body := testkit.Body(t, resp); body != "GET "+path || len(resp.Header) != 1 {
			t.Errorf("%s: %q with %v", path, body, resp.Header)
		}
	}
}

func TestWrapServesTheRoute(t *testing.T) {
	m := testkit.New(t, testkit.As(testkit.Ada), readMe, docslogin.WithPath("/first"), docslogin.WithPath("/in")) // the last one counts
	mux := http.NewServeMux()
	mux.Handle("GET "+m.Path(), m)
	for name, h := range map[string]http.Handler{"wrapped": m.Wrap(http.NotFoundHandler()), "around http.DefaultServeMux": m.Wrap(nil), "mounted by path": mux} {
		if in, elsewhere := testkit.Get(t, h, "/in"), testkit.Get(t, h, "/first"); in.StatusCode != 302 || elsewhere.StatusCode != 404 {
			t.Errorf("%s: %d and %d", name, in.StatusCode, elsewhere.StatusCode)
		}
	}
}

// outcome is a request to the login route, and what becomes of it.
type outcome struct {
	name    string
	outcome docslogin.Outcome
	status  int // 0: nothing is written
	level   string
	cause   string // in the event's Err; "": there is none

	lookup   docslogin.UserLookup
	platform func(*docslogin.Platform) // changes it
	options  []docslogin.Option
	request  func(*http.Request) *http.Request // changes it
}

// outcomes has at least one request for each outcome of the login route.
var outcomes = []outcome{
	{name: "a user", outcome: "logged_in", status: 302, level: "DEBUG", lookup: testkit.As(testkit.Ada)},
	{name: "nobody", outcome: "sign_in", status: 302, level: "DEBUG", lookup: testkit.Nobody, options: with(signInPage)},
	{name: "a nil user", outcome: "sign_in", status: 302, level: "DEBUG", lookup: testkit.As(nil), options: with(signInPage)},
	{name: "nobody, wrapped", outcome: "sign_in", status: 302, level: "DEBUG", lookup: testkit.Failing(fmt.Errorf("no cookie: %w", docslogin.ErrNoUser)), options: with(signInPage), cause: "no cookie: "},
	{name: "nobody without a sign-in page", outcome: "no_user", status: 401, level: "DEBUG", cause: "nobody is signed in", lookup: testkit.Nobody},
	{name: "nobody, just back", outcome: "loop", status: 401, level: "INFO", cause: "nobody is signed in", lookup: testkit.Nobody, options: with(signInPage), request: justBack},
	{name: "a POST", outcome: "method", status: 405, level: "DEBUG", lookup: testkit.As(testkit.Ada), request: func(r *http.Request) *http.Request { r.Method = "POST"; return r }},
	{name: "a prefetch", outcome: "speculative", status: 403, level: "DEBUG", lookup: testkit.As(testkit.Ada), request: func(r *http.Request) *http.Request { r.Header.Set("Sec-Purpose", "prefetch"); return r }},
	{name: "a frame", outcome: "embedded", status: 403, level: "DEBUG", cause: "a page loads the route as a part of itself, according to Sec-Fetch-Dest", lookup: testkit.As(testkit.Ada), request: func(r *http.Request) *http.Request { r.Header.Set("Sec-Fetch-Dest", "iframe"); return r }},
	{name: "a user who may not read the docs", outcome: "forbidden", status: 403, level: "INFO", cause: "plan: ", lookup: testkit.Failing(fmt.Errorf("plan: %w", docslogin.ErrForbidden))},
	{name: "a mapper that forbids it", outcome: "forbidden", status: 403, level: "INFO", cause: "docslogin: the user may not read", lookup: testkit.As(testkit.Ada), options: with(testkit.Calls(func() error { return docslogin.ErrForbidden }))},
	{name: "a user without an e-mail address", outcome: "incomplete_user", status: 403, level: "WARN", cause: "the user lacks what the platform requires: email", lookup: testkit.As(&docslogin.User{ID: "u-42", Name: "Ada Lovelace", Email: " "})},
	{name: "a user who has only an ID", outcome: "incomplete_user", status: 403, level: "WARN", cause: "the user lacks what the platform requires: name, email", lookup: testkit.As(&docslogin.User{ID: "u-42"})},
	{name: "a user without another claim that is required", outcome: "incomplete_user", status: 403, level: "WARN", cause: "the user lacks what the platform requires: team or unit", lookup: testkit.As(testkit.Ada),
		platform: func(p *docslogin.Platform) { p.Required = []string{"team|unit"} }},
	{name: "an empty user", outcome: "incomplete_user", status: 403, level: "WARN", cause: "the lookup returned a user without an ID, a name, or an e-mail address", lookup: testkit.As(&docslogin.User{}),
		platform: func(p *docslogin.Platform) { p.Required = nil }, options: with(testkit.Sets("always", true))},
	{name: "a session's end in the year 55,840", outcome: "logged_in", status: 302, level: "WARN", lookup: testkit.As(&docslogin.User{Email: "ada@example.com", ExpiresAt: time.Unix(1700003600000, 0)})},
	{name: "a session's end in 1970", outcome: "sign_in", status: 302, level: "WARN", cause: "ExpiresAt is in the year 1970", lookup: testkit.As(&docslogin.User{Email: "ada@example.com", ExpiresAt: time.UnixMilli(1700003600)}), options: with(signInPage)},
	{name: "a session's end in the year 55,840, and a mapper that fails", outcome: "mapper_failed", status: 500, level: "ERROR", cause: "down", lookup: testkit.As(&docslogin.User{Email: "ada@example.com", ExpiresAt: time.Unix(1700003600000, 0)}), options: with(testkit.Calls(func() error { return errStore }))},
	{name: "a user who has only an ID, where nothing is required", outcome: "logged_in", status: 302, level: "DEBUG", lookup: testkit.As(&docslogin.User{ID: "u-42"}), platform: func(p *docslogin.Platform) { p.Required = nil }},
	{name: "a store that fails", outcome: "lookup_failed", status: 500, level: "ERROR", cause: "the session store is down", lookup: testkit.Failing(errStore)},
	{name: "a lookup that returns a LoginError", outcome: "lookup_failed", status: 500, level: "ERROR", cause: "docslogin: origin: the session store is down",
		lookup: testkit.Failing(&docslogin.LoginError{Outcome: "origin", Status: 403, Err: errStore})},
	{name: "a mapper that fails", outcome: "mapper_failed", status: 500, level: "ERROR", cause: "the session store is down", lookup: testkit.As(testkit.Ada), options: with(testkit.Calls(func() error { return errStore }))},
	{name: "a claim that has no JSON", outcome: "mapper_failed", status: 500, level: "ERROR", cause: `the claim "f", a json.Number, cannot be written as JSON`, lookup: testkit.As(testkit.Ada), options: with(testkit.Sets("f", json.Number("sk_live_1")))},
	{name: "a reserved claim", outcome: "reserved_claim", status: 500, level: "ERROR", lookup: testkit.As(testkit.Ada), cause: `a mapper, an attribute, or an API key's value sets the reserved claim "exp", which the library writes; use another name`,
		options: with(testkit.Sets("exp", "sk_live_1"))},
	{name: "a signer that fails", outcome: "sign_failed", status: 500, level: "ERROR", cause: "the key service is down", lookup: testkit.As(testkit.Ada), platform: failingSigner},
	{name: "a deadline that has passed", outcome: "sign_failed", status: 500, level: "ERROR", cause: "deadline exceeded", lookup: testkit.As(testkit.Ada), request: late},
	{name: "a lookup that panics with a text", outcome: "panic", status: 500, level: "ERROR", cause: "scs: no session data in context", lookup: func(*http.Request) (*docslogin.User, error) { panic("scs: no session data in context") }},
	{name: "a lookup that panics", outcome: "panic", status: 500, level: "ERROR", cause: "a value of type *docslogin.User", lookup: func(*http.Request) (*docslogin.User, error) { panic(testkit.Ada) }},
	{name: "a mapper that panics with an error", outcome: "panic", status: 500, level: "ERROR", cause: `claim "title" is a string, not an object`, lookup: testkit.As(testkit.Ada),
		options: []docslogin.Option{testkit.Sets("title", "Countess"), docslogin.WithClaimsMapper(func(_ context.Context, _ *docslogin.User, claims docslogin.Claims) error {
			claims.Object("title")
			return nil
		})}},
	{name: "claims that fit into no URL", outcome: "too_large", status: 500, level: "ERROR", lookup: testkit.As(testkit.Ada),
		options: with(testkit.Sets("huge", strings.Repeat("sk_live_1", 1000)), testkit.Sets("big", strings.Repeat("x", 400))), cause: "more than 8000 do not arrive; the largest claims: huge (9002 bytes), big (402 bytes), jti (28 bytes)"},
	{name: "a token over the platform's own limit", outcome: "too_large", status: 500, level: "ERROR", cause: "ReadMe accepts 100; the largest claims: jti (28 bytes), ", lookup: testkit.As(testkit.Ada),
		platform: func(p *docslogin.Platform) { p.MaxTokenBytes = 100 }},
	{name: "a visitor who has gone", outcome: "canceled", status: 0, level: "DEBUG", cause: "context canceled", lookup: testkit.As(testkit.Ada), request: gone},
}

// justBack makes a request that comes from the sign-in page.
func justBack(r *http.Request) *http.Request {
	r.URL.RawQuery += "&docslogin_sent=1700000000"
	return r
}

// gone makes a request that its visitor has canceled.
func gone(r *http.Request) *http.Request {
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	return r.WithContext(ctx)
}

// late makes a request whose deadline has passed.
func late(r *http.Request) *http.Request {
	ctx, cancel := context.WithDeadline(r.Context(), testkit.Noon)
	defer cancel()
	return r.WithContext(ctx)
}

// failingSigner gives a platform a signer that signs once, for New, and fails from then on.
func failingSigner(p *docslogin.Platform) {
	signatures := 0
	signWith(p, func() error {
		if signatures++; signatures > 1 {
			return errors.New("the key service is down")
		}
		return nil
	})
}

// signWith gives a platform a signer that calls f first, and fails if f does.
func signWith(p *docslogin.Platform, f func() error) {
	p.Algorithm, p.Key = jose.EdDSA, docslogin.SignWith(signer{cryptosigner.Opaque(testkit.Ed25519), f})
}

type signer struct {
	jose.OpaqueSigner
	f func() error
}

func (s signer) SignPayload(p []byte, alg jose.SignatureAlgorithm) ([]byte, error) {
	if err := s.f(); err != nil {
		return nil, err
	}
	return s.OpaqueSigner.SignPayload(p, alg)
}

// serve serves the request. Its deep link, its other parameters and its headers are hidden.
func (tt outcome) serve(t testing.TB, mount mount, p docslogin.Platform, opts ...docslogin.Option) *httptest.ResponseRecorder {
	t.Helper()
	if tt.platform != nil {
		tt.platform(&p)
	}
	h := mount(t, tt.lookup, p, append(opts, tt.options...)...)
	query := url.Values{"extra": {"hidden-parameter"}}
	query.Set(cmp.Or(p.DeepLink.In, "redirect"), "/docs/a?hidden-query#hidden-anchor")
	r := httptest.NewRequest("GET", "/docs-login?"+query.Encode(), nil)
	r.Header = http.Header{"Accept": {"text/html"}, "Cookie": {"session=hidden-cookie"}, "Origin": {"https://hidden-origin.example"}}
	if tt.request != nil {
		r = tt.request(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestOutcomes checks that each request has one response, one event, and one log line.
func TestOutcomes(t *testing.T) {
	for _, tt := range outcomes {
		t.Run(tt.name, func(t *testing.T) {
			var events []docslogin.Event
			var lines bytes.Buffer
			w := tt.serve(t, loginRoute, readMe, logTo(&lines), collect(&events))
			if len(events) != 1 || events[0].Outcome != tt.outcome || events[0].Platform != "ReadMe" {
				t.Fatalf("events: %+v", events)
			}
			if err := events[0].Err; (err == nil) != (tt.cause == "") || !strings.Contains(fmt.Sprint(err), tt.cause) {
				t.Errorf("the cause is %v, want %q", err, tt.cause)
			}
			tt.checkLine(t, lines.String())
			tt.checkResponse(t, w)
		})
	}
}

func (tt outcome) checkLine(t *testing.T, line string) {
	t.Helper()
	want := fmt.Sprintf(`"level":%q,"msg":"docs login","docslogin.outcome":%q,"docslogin.platform":"ReadMe","http.route":"/docs-login","http.response.status_code":%d,`, tt.level, tt.outcome, tt.status)
	cause, _ := json.Marshal(tt.cause)
	if strings.Count(line, "\n") != 1 || !strings.Contains(line, want) || !strings.Contains(line, strings.Trim(string(cause), `"`)) {
		t.Errorf("logged  %s\nwant %s and the cause %s", line, want, cause)
	}
	if strings.Contains(line, ` [running]:\nruntime/debug.Stack()\n`) != (tt.outcome == "panic") {
		t.Errorf("logged %s", line)
	}
}

// checkResponse checks the status, the headers, and that a visitor who is not let in sees a page,
// which has neither the cause nor what is known of the user. Other responses have no body.
func (tt outcome) checkResponse(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	if w.Code != max(tt.status, 200) {
		t.Errorf("status %d, want %d", w.Code, tt.status)
	}
	for name, want := range map[string]string{"Cache-Control": "private, no-store, max-age=0", "Pragma": "no-cache", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"} {
		if got := w.Header().Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	page := w.Body.String()
	if strings.HasPrefix(page, "<!doctype html>") == slices.Contains(silent, tt.outcome) {
		t.Errorf("the page is %q", page)
	}
	if link := strings.Contains(page, "<a "); link != (tt.outcome == "loop") { // only that row has a sign-in page
		t.Errorf("a link to the sign-in page: %v in\n%s", link, page)
	}
	if _, missing, ok := strings.Cut(tt.cause, "lacks what the platform requires: "); ok && !strings.Contains(page, "does not have: "+missing+".") {
		t.Errorf("%q is not on the page:\n%s", missing, page)
	}
	for _, text := range []string{"sk_live_1", "Lovelace", "ada@", testkit.Secret, "eyJ", "goroutine", tt.cause} {
		if text != "" && strings.Contains(page, text) {
			t.Errorf("%q is on the page:\n%s", text, page)
		}
	}
}

// silent are the outcomes whose response has no body.
var silent = []docslogin.Outcome{"logged_in", "sign_in", "speculative", "embedded", "canceled"}

// TestNothingIsTold checks that, on every platform, the event and the log line contain no token,
// no key, no query, and no claim other than the user's ID, in any form. Only a login has a token.
func TestNothingIsTold(t *testing.T) {
	seen := map[docslogin.Outcome]bool{}
	for front, mount := range map[string]mount{"the login route": loginRoute, "ServeJSON": serveJSON} {
		for _, platform := range testkit.Presets() {
			for _, tt := range outcomes {
				var told testkit.Told
				tt.lookup = hiding(tt.lookup)
				w := tt.serve(t, mount, platform, told.Options()...)
				if len(told.Events) != 1 || told.Lines != 1 {
					t.Fatalf("%s of %s, %s: %d events and %d lines", front, platform.Name, tt.name, len(told.Events), told.Lines)
				}
				seen[told.Events[0].Outcome] = true
				checkNothingIsTold(t, front+" of "+platform.Name+", "+tt.name, &told, w)
			}
		}
	}
	for _, o := range []docslogin.Outcome{"logged_in", "sign_in", "no_user", "loop", "user_info", "origin", "method", "speculative", "embedded", "forbidden",
		"incomplete_user", "lookup_failed", "mapper_failed", "reserved_claim", "sign_failed", "panic", "too_large", "canceled"} {
		if !seen[o] {
			t.Errorf("no request came to %s", o)
		}
	}
}

func checkNothingIsTold(t *testing.T, name string, told *testkit.Told, w *httptest.ResponseRecorder) {
	t.Helper()
	sensitive, outcome := []string{"hidden", "Hidden", "eyJ", "sk_live_1", "docslogin_sent", testkit.Secret, testkit.Ed25519PEM[30:60], testkit.P256PEM[80:110]}, told.Events[0].Outcome
	if outcome == "logged_in" {
		sensitive = append(sensitive, leaves(testkit.Payload(t, testkit.Sent(t, w.Result())))...)
	} else if page := w.Body.String() + w.Header().Get("Location") + strings.Join(w.Header()["Set-Cookie"], "\n"); strings.Contains(page, "<form") || strings.Contains(page, "eyJ") || outcome == "canceled" && page != "" {
		t.Errorf("%s: a token, a form, or an answer to nobody: %s", name, page)
	}
	for _, text := range sensitive {
		if strings.Contains(told.String(), text) {
			t.Errorf("%s: %q is told:\n%s", name, text, told)
		}
	}
}

// hiding returns a lookup that finds the hidden user instead of any other.
func hiding(lookup docslogin.UserLookup) docslogin.UserLookup {
	return func(r *http.Request) (*docslogin.User, error) {
		user, err := lookup(r)
		if user != nil {
			user = testkit.Hidden
		}
		return user, err
	}
}

// leaves returns the names and values in a token's payload that are too long to be anything else.
func leaves(payload string) []string {
	return regexp.MustCompile(`[^"{}\[\],:]{9,}`).FindAllString(payload, -1)
}

// An event has the deep link's path without its query, or why there is none. Its warnings are joined.
func TestDeepLinksAndWarnings(t *testing.T) {
	const tooLong, proxy = "the deep link was rejected: the URL is too long with it", "the URL is over 3000 bytes: nginx in front of the app needs proxy_buffer_size 32k; proxy_buffers 8 32k;"
	const ambiguous = "the deep link was rejected: its path is ambiguous: //, a dot segment, or an escape that is broken or doubled"
	ada, letter, long := testkit.As(testkit.Ada), "%25D9%2585", "redirect=/"+strings.Repeat("%2541", 600)
	echo, rawLink := custom(func(p *docslogin.Platform) { p.Echo = []string{"brand"} }), custom(func(p *docslogin.Platform) { p.DeepLink.Raw = true })
	for _, tt := range []struct {
		name                     string
		platform                 docslogin.Platform
		lookup                   docslogin.UserLookup
		query, deepLink, warning string
		options                  []docslogin.Option
	}{
		{"a deep link", readMe, ada, "redirect=/docs/a?b%23c", "/docs/a", "", nil},
		{"a link that is not escaped, and a parameter after it", rawLink, ada, "redirect=/docs/a&session=x", "/docs/a", "", nil},
		{"a rejected link", readMe, ada, "redirect=//evil.example", "", ambiguous, nil},
		{"a rejected link of a visitor", readMe, testkit.Nobody, "redirect=//evil.example", "", ambiguous, nil},
		{"a link that makes the docs' URL too long", readMe, ada, long, "", tooLong + "; " + proxy, with(testkit.Sets("padding", strings.Repeat("x", 3700)))},
		{"a link that makes the sign-in page's URL too long", readMe, testkit.Nobody, long, "", tooLong + "; " + proxy, with(docslogin.WithSignInPage("/sign-in?"+strings.Repeat("x", 4000), "next"))},
		{"a return URL in which a link is escaped twice", readMe, testkit.Nobody, "redirect=/" + strings.Repeat(letter, 100), "/" + strings.Repeat("%D9%85", 100), "", nil},
		{"a return URL in which a long link is escaped twice", readMe, testkit.Nobody, "redirect=/" + strings.Repeat(letter, 250), "/" + strings.Repeat("%D9%85", 250), proxy, nil},
		{"a session's end in the wrong unit", readMe, testkit.As(&docslogin.User{ID: "u-42", Email: "ada@example.com", ExpiresAt: time.Unix(1700003600000, 0)}), "redirect=/docs/a", "/docs/a", "ExpiresAt is after the year 9999; for milliseconds, use time.UnixMilli", nil},
		{"everything at once", echo, ada, "redirect=evil&brand=" + strings.Repeat("x", 257), "",
			"the deep link was rejected: it is neither a path that begins with / nor an absolute URL; the parameter brand is over 256 bytes and was dropped; " + proxy, with(testkit.Sets("padding", strings.Repeat("x", 3000)))},
	} {
		var e docslogin.Event
		m := testkit.New(t, tt.lookup, tt.platform, append([]docslogin.Option{signInPage, testkit.Observe(&e)}, tt.options...)...)
		location := testkit.Get(t, m, "/docs-login?"+tt.query).Header.Get("Location")
		if e.DeepLink != tt.deepLink || e.LinkRejected != (tt.deepLink == "") || e.Warning != tt.warning {
			t.Errorf("%s: %+v", tt.name, e)
		}
		if e.Outcome == "logged_in" && (e.URLBytes != len(location) || e.UserID != "u-42" || e.Duration <= 0) {
			t.Errorf("%s: %d bytes, %+v", tt.name, len(location), e)
		}
		if strings.Contains(location, "redirect") != (tt.deepLink != "") || len(location) > 3000 != strings.Contains(tt.warning, proxy) {
			t.Errorf("%s: %d bytes, %s", tt.name, len(location), testkit.Masked(location))
		}
	}
}

// The whole line of a login, of a login without its deep link, and of rejections. Newlines and
// characters that a terminal might interpret or hide are escaped.
func TestTheLogLine(t *testing.T) {
	var lines bytes.Buffer
	logText := docslogin.WithLogger(slog.New(slog.NewTextHandler(&lines, debug)))
	m := testkit.New(t, testkit.As(testkit.Ada), readMe, logText)
	testkit.Get(t, m, "/docs-login?redirect=/docs/a?b")
	testkit.Get(t, m, "/docs-login?redirect=//evil.example")
	testkit.Get(t, testkit.New(t, testkit.Nobody, readMe, logText), "/docs-login")
	odd := &docslogin.User{ID: "u\x9B42", ExpiresAt: time.Unix(1699999999, 0)} // 0x9B begins a command of a terminal
	testkit.Get(t, testkit.New(t, testkit.As(odd), readMe, logText), "/docs-login?redirect=/\u202Eb")
	testkit.Get(t, testkit.New(t, testkit.Failing(errors.New("down \u009B\x1B[2J\tü\n\u202E\x9B")), readMe, logText), "/docs-login")
	numbers := regexp.MustCompile(`time=\S+|docslogin.duration=\S+|docslogin.url_bytes=\d+`)
	const want = `level=DEBUG msg="docs login" docslogin.outcome=logged_in docslogin.platform=ReadMe http.route=/docs-login http.response.status_code=302 N user.id=u-42 docslogin.deep_link=/docs/a N
level=DEBUG msg="docs login" docslogin.outcome=logged_in docslogin.platform=ReadMe http.route=/docs-login http.response.status_code=302 N user.id=u-42 docslogin.warning="the deep link was rejected: its path is ambiguous: //, a dot segment, or an escape that is broken or doubled" docslogin.link_rejected=true N
level=DEBUG msg="docs login" docslogin.outcome=no_user docslogin.platform=ReadMe http.route=/docs-login http.response.status_code=401 N exception.message="docslogin: nobody is signed in"
level=DEBUG msg="docs login" docslogin.outcome=no_user docslogin.platform=ReadMe http.route=/docs-login http.response.status_code=401 N user.id="u�42" docslogin.deep_link=/%E2%80%AEb exception.message="docslogin: nobody is signed in: ExpiresAt passed 1s ago"
level=ERROR msg="docs login" docslogin.outcome=lookup_failed docslogin.platform=ReadMe http.route=/docs-login http.response.status_code=500 N exception.message="down \\u009b\\x1b[2J\\tü\\n\\u202e�"
`
	if got := strings.ReplaceAll(numbers.ReplaceAllString(lines.String(), "N"), "N level", "level"); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestTheDurationIsTheRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var e docslogin.Event
		slow := func(*http.Request) (*docslogin.User, error) { time.Sleep(3 * time.Second); return testkit.Ada, nil }
		if testkit.Get(t, testkit.New(t, slow, readMe, testkit.Observe(&e)), "/docs-login"); e.Duration != 3*time.Second {
			t.Errorf("%v", e.Duration)
		}
	})
}

func TestTheDefaultLogger(t *testing.T) {
	defer slog.SetDefault(slog.Default())
	m, err := docslogin.New(testkit.Failing(errStore), readMe)
	if err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&lines, nil)))
	testkit.Get(t, m, "/docs-login?redirect=//evil.example")
	want := regexp.MustCompile(`level=ERROR msg="docs login" docslogin.outcome=lookup_failed .* http.route=/docs-login .* docslogin.link_rejected=true exception.message="the session store is down"\n$`)
	if !want.MatchString(lines.String()) {
		t.Errorf("logged %s", &lines)
	}
}

func TestALogOrAnObserverThatPanicsHarmsNobody(t *testing.T) {
	var lines bytes.Buffer
	for name, logger := range map[string]*slog.Logger{"a log handler": slog.New(panicking{}), "a zero Logger": {}, "the observer": slog.New(slog.NewTextHandler(&lines, nil))} {
		events := 0
		m := testkit.New(t, testkit.As(testkit.Ada), readMe, docslogin.WithLogger(logger), docslogin.WithObserver(func(context.Context, docslogin.Event) { events++; panic("odd\u009B") }))
		if resp := testkit.Get(t, m, "/docs-login"); resp.StatusCode != 302 || events != 1 {
			t.Errorf("%s: %d, %d events", name, resp.StatusCode, events)
		}
	}
	if !strings.Contains(lines.String(), `level=ERROR msg="docs login: the observer panicked" exception.type=string exception.message=odd\u009b`) {
		t.Errorf("logged: %s", &lines)
	}
}

// asPanics is an error whose method As panics.
type asPanics struct{}

func (asPanics) Error() string { return "odd" }
func (asPanics) As(any) bool   { panic("no") }

// nilError is an error type whose Error method panics if the pointer is nil.
type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

// A typed nil error of a lookup is not a nil error to Go.
func TestErrorsThatPanic(t *testing.T) {
	var none *nilError
	for _, tt := range []struct {
		name, message string
		lookup        docslogin.UserLookup
		is            error
	}{
		{"a typed nil error", "the lookup returned a nil *docslogin_test.nilError as its error, which is not a nil error in Go; return nil", testkit.Failing(none), nil},
		{"the error of a cookie that is missing", "http: named cookie not present; for a visitor who is not signed in, the lookup must return ErrNoUser", testkit.Failing(http.ErrNoCookie), http.ErrNoCookie},
		{"the error of a user who is not in the database", "sql: no rows in result set; for a visitor who is not signed in, the lookup must return ErrNoUser", testkit.Failing(sql.ErrNoRows), sql.ErrNoRows},
		{"a typed nil error with a method Unwrap", "the lookup returned a nil *fs.PathError as its error, which is not a nil error in Go; return nil", testkit.Failing((*fs.PathError)(nil)), nil},
		{"a typed nil error in a panic", "nil pointer dereference", func(*http.Request) (*docslogin.User, error) { panic(error(none)) }, none},
		{"an error whose method As panics", `"exception.message":"odd"`, testkit.Failing(asPanics{}), nil},
	} {
		var lines bytes.Buffer
		var e docslogin.Event
		m := testkit.New(t, tt.lookup, readMe, logTo(&lines), testkit.Observe(&e))
		if resp := testkit.Get(t, m, "/docs-login"); resp.StatusCode != 500 || tt.is != nil && !errors.Is(e.Err, tt.is) || !strings.Contains(lines.String(), tt.message) {
			t.Errorf("%s: %d, %T, logged %s", tt.name, resp.StatusCode, e.Err, &lines)
		}
	}
}

// panicking is a log handler that fails.
type panicking struct{ slog.Handler }

func (panicking) Enabled(context.Context, slog.Level) bool  { return true }
func (panicking) Handle(context.Context, slog.Record) error { panic("disk full") }

// recovered serves a login request, and returns the response and the value of the panic.
func recovered(h http.Handler) (w *httptest.ResponseRecorder, v any) {
	w = httptest.NewRecorder()
	defer func() { v = recover() }()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/docs-login", nil))
	return w, nil
}

// A panic that is not a rejection leaves its event and the headers behind.
func TestPanicsThatArePassedOn(t *testing.T) {
	aborts := testkit.Calls(func() error { panic(http.ErrAbortHandler) })
	handler := docslogin.WithErrorHandler(func(http.ResponseWriter, *http.Request, *docslogin.LoginError) { panic("the template is gone") })
	for _, tt := range []struct {
		name    string
		mount   mount
		lookup  docslogin.UserLookup
		option  docslogin.Option
		value   any
		outcome docslogin.Outcome
	}{
		{"http.ErrAbortHandler on the login route", loginRoute, testkit.As(testkit.Ada), aborts, http.ErrAbortHandler, "canceled"},
		{"http.ErrAbortHandler in ServeJSON", serveJSON, testkit.As(testkit.Ada), aborts, http.ErrAbortHandler, "canceled"},
		{"in the error handler", loginRoute, testkit.Nobody, handler, "the template is gone", "no_user"},
	} {
		var events []docslogin.Event
		w, v := recovered(tt.mount(t, tt.lookup, readMe, tt.option, collect(&events)))
		if v != tt.value || len(events) != 1 || events[0].Outcome != tt.outcome || w.Header().Get("Cache-Control") == "" {
			t.Errorf("%s: recovered %v after %+v with %v", tt.name, v, events, w.Header())
		}
	}
}

// A visitor who goes meanwhile gets no token, whether it is signed or not.
func TestAVisitorWhoGoesMeanwhile(t *testing.T) {
	for whileMapping, want := range map[bool]int{true: 0, false: 1} { // signatures; otherwise while the token is signed
		leave, signatures := func() {}, -1 // New's trial signature does not count
		goIf := func(now bool) error {
			if now {
				leave()
			}
			return nil
		}
		p := custom(func(p *docslogin.Platform) { signWith(p, func() error { signatures++; return goIf(!whileMapping) }) })
		m := testkit.New(t, testkit.As(testkit.Ada), p, testkit.Calls(func() error { return goIf(whileMapping) }))
		r, w := httptest.NewRequest("GET", "/docs-login", nil), httptest.NewRecorder()
		ctx, cancel := context.WithCancel(t.Context())
		leave = cancel
		if m.ServeHTTP(w, r.WithContext(ctx)); w.Header().Get("Location") != "" || w.Body.Len() > 0 || signatures != want {
			t.Errorf("while mapping: %v: %d signatures, got %v %s", whileMapping, signatures, w.Header(), w.Body)
		}
		ctx, cancel = context.WithCancel(t.Context())
		leave = cancel
		if url, err := m.LoginURL(ctx, testkit.Ada, ""); url != "" || !errors.Is(err, context.Canceled) {
			t.Errorf("while mapping: %v: LoginURL returned %q, %v", whileMapping, url, err)
		}
	}
}

func TestAnErrorHandlerReplacesThePages(t *testing.T) {
	for _, tt := range outcomes {
		var got *docslogin.LoginError
		options := with(docslogin.WithErrorHandler(func(w http.ResponseWriter, _ *http.Request, err *docslogin.LoginError) {
			if got = err; w.Header().Get("Cache-Control") == "" {
				t.Errorf("%s: the headers are not set before", tt.name)
			}
			w.WriteHeader(err.Status)
		}))
		if tt.outcome != "no_user" {
			options = append(options, signInPage)
		}
		w := tt.serve(t, loginRoute, readMe, options...)
		if called := !slices.Contains(silent, tt.outcome); called != (got != nil) {
			t.Errorf("%s: the handler got %v", tt.name, got)
		} else if !called {
			continue
		}
		if got.Outcome != tt.outcome || got.Status != tt.status || w.Code != tt.status || errors.Unwrap(got) != got.Err {
			t.Errorf("%s: %d, %+v", tt.name, w.Code, got)
		}
		mayHelp := slices.Contains([]docslogin.Outcome{"loop", "forbidden", "incomplete_user"}, tt.outcome)
		if mayHelp != strings.HasPrefix(got.SignInURL, "/sign-in?next=%2Fdocs-login%3F") || !mayHelp && got.SignInURL != "" {
			t.Errorf("%s: SignInURL is %q", tt.name, got.SignInURL)
		}
	}
}

// What an error handler does with its LoginError is not told.
func TestAnErrorHandlerGetsACopy(t *testing.T) {
	var events []docslogin.Event
	forgets := docslogin.WithErrorHandler(func(w http.ResponseWriter, _ *http.Request, err *docslogin.LoginError) {
		w.WriteHeader(err.Status)
		*err = docslogin.LoginError{}
	})
	for _, mount := range []mount{loginRoute, serveJSON} {
		testkit.Get(t, mount(t, testkit.Failing(errStore), readMe, forgets, collect(&events)), "/docs-login")
	}
	for _, e := range events {
		if e.Outcome != "lookup_failed" || e.Err != errStore {
			t.Errorf("%+v", e)
		}
	}
	if len(events) != 2 {
		t.Errorf("%d events", len(events))
	}
}

func TestTheTextOfALoginError(t *testing.T) {
	var none *nilError
	for want, err := range map[string]error{"method": nil, "method: the session store is down": errStore, "method: nobody is signed in": docslogin.ErrNoUser, "method: <nil>": none} {
		if got := (&docslogin.LoginError{Outcome: "method", Err: err}).Error(); got != "docslogin: "+want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// What a token contains at 1700000000, which is noon here.
func TestUsersAndSessions(t *testing.T) {
	lateInTheSecond := docslogin.WithClock(func() time.Time { return testkit.Noon.Add(999 * time.Millisecond) })
	for _, tt := range []struct {
		name     string
		platform docslogin.Platform
		user     *docslogin.User
		option   docslogin.Option
		want     string // the payload; "": the user counts as not signed in
	}{
		{"no end of the app's session", withSession, testkit.Ada, testkit.AtNoon, `{"exp":1700000010,"expiresAt":1701209600,"iat":1700000000,"sub":"u-42"}`},
		{"a time within a second", withSession, testkit.Ada, lateInTheSecond, `{"exp":1700000010,"expiresAt":1701209600,"iat":1700000000,"sub":"u-42"}`},
		{"an end after the docs session's", withSession, testkit.Until(15 * day), testkit.AtNoon, `{"exp":1700000010,"expiresAt":1701209600,"iat":1700000000,"sub":"1"}`},
		{"an end before the docs session's", withSession, testkit.Until(time.Hour), testkit.AtNoon, `{"exp":1700000010,"expiresAt":1700003600,"iat":1700000000,"sub":"1"}`},
		{"an end in a moment, before the token's", withSession, testkit.Until(time.Second), testkit.AtNoon, `{"exp":1700000010,"expiresAt":1700000001,"iat":1700000000,"sub":"1"}`},
		{"an end within this second", withSession, testkit.Until(999 * time.Millisecond), testkit.AtNoon, ""},
		{"an end that has passed", withSession, testkit.Until(-time.Second), testkit.AtNoon, ""},
		{"an end that has passed, where there is no claim for it", withToken, testkit.Until(-time.Hour), testkit.AtNoon, ""},
		{"an end ahead, where there is no claim for it", withToken, testkit.Until(time.Second), testkit.AtNoon, `{"exp":1700000300,"iat":1700000000,"sub":"1"}`},
		{"an end ahead, where there is no claim for a time", custom(nil), testkit.Until(time.Minute), testkit.AtNoon, `{"iat":1700000000,"sub":"1"}`},
		{"a docs session that the app sets", withSession, testkit.Until(15 * day), docslogin.WithSessionTTL(time.Hour), `{"exp":1700000010,"expiresAt":1700003600,"iat":1700000000,"sub":"1"}`},
		{"the longest docs session", withSession, testkit.Ada, docslogin.WithSessionTTL(366 * day), `{"exp":1700000010,"expiresAt":1731622400,"iat":1700000000,"sub":"u-42"}`},
		{"a token that the app sets", withToken, testkit.Until(time.Hour), docslogin.WithTokenTTL(time.Second), `{"exp":1700000001,"iat":1700000000,"sub":"1"}`},
		{"a token of the platform's maximum", withSession, testkit.Ada, docslogin.WithTokenTTL(10 * time.Second), `{"exp":1700000010,"expiresAt":1701209600,"iat":1700000000,"sub":"u-42"}`},
		{"a token that is the session", tokenSession, testkit.Until(15 * day), testkit.AtNoon, `{"exp":1700003600,"iat":1700000000,"sub":"1"}`},
		{"a token that is the session, as long as the app sets", tokenSession, testkit.Ada, docslogin.WithSessionTTL(7 * day), `{"exp":1700604800,"iat":1700000000,"sub":"u-42"}`},
		{"a token that is the session, of the platform's minimum", tokenSession, testkit.Until(15 * day), docslogin.WithSessionTTL(time.Minute), `{"exp":1700000060,"iat":1700000000,"sub":"1"}`},
		{"a token that is the session, shortened", tokenSession, testkit.Until(time.Minute), testkit.AtNoon, `{"exp":1700000060,"iat":1700000000,"sub":"1"}`},
		{"an end before the platform's shortest session", tokenSession, testkit.Until(59 * time.Second), testkit.AtNoon, ""},
		{"a host claim, in lower case and without a port", custom(func(p *docslogin.Platform) { p.DocsURL, p.HostClaim = "https://Docs.Example.com:8443/", "host" }), testkit.Ada, testkit.AtNoon, `{"host":"docs.example.com","iat":1700000000,"sub":"u-42"}`},
		{"a clock that goes on, read once more after the mappers", withSession, testkit.Ada, ticking(new(int)), `{"exp":1700000012,"expiresAt":1701209602,"iat":1700000002,"sub":"u-42"}`},
		{"a user whose only flaw is an empty group", mintlify, &docslogin.User{ID: "1", Groups: []string{"admin", ""}}, testkit.AtNoon, `{"exp":1700000010,"expiresAt":1701209600,"groups":["admin"],"host":"docs.example.com","iat":1700000000}`},
		{"a platform without a mapper", custom(func(p *docslogin.Platform) { p.Mapper = nil }), testkit.Ada, testkit.Sets("role", "reader"), `{"iat":1700000000,"role":"reader"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp, got := testkit.Get(t, testkit.New(t, testkit.As(tt.user), tt.platform, tt.option), "/docs-login"), ""
			if tt.want != "" {
				got = testkit.Payload(t, testkit.Sent(t, resp))
			} else if resp.StatusCode != 401 {
				t.Errorf("%d, want 401", resp.StatusCode)
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// Why somebody is not signed in is the cause of the event, also after the sign-in page.
func TestWhySomebodyIsNotSignedIn(t *testing.T) {
	const nobody = "docslogin: nobody is signed in"
	for _, tt := range []struct {
		name          string
		lookup        docslogin.UserLookup
		cause, userID string
	}{
		{"nobody", testkit.Nobody, nobody, ""},
		{"a nil user", testkit.As(nil), nobody, ""},
		{"the app's own words", testkit.Failing(fmt.Errorf("no cookie: %w", docslogin.ErrNoUser)), "no cookie: " + nobody, ""},
		{"no session cookie", docslogin.SessionLookup(sessions.NewCookieStore(sessionKey), "app", loadName), nobody + ": the request has no cookie named app", ""},
		{"a session that ended an hour ago", testkit.As(testkit.Until(-time.Hour)), nobody + ": ExpiresAt passed 1h0m0s ago", "1"},
		{"a session that ended seven hours ago", testkit.As(testkit.Until(-7 * time.Hour)), nobody + ": ExpiresAt passed 7h0m0s ago", "1"},
		{"a session with a time in the wrong unit", testkit.As(&docslogin.User{ID: "1", ExpiresAt: time.UnixMilli(1700003600).UTC()}), nobody + ": ExpiresAt is in the year 1970; leave it zero for a session without an end, and convert a number with the function for its unit, time.Unix or time.UnixMilli", "1"},
		{"a session that ends within this second", testkit.As(testkit.Until(999 * time.Millisecond)), nobody + ": ExpiresAt passed 0s ago", "1"},
		{"a session that is too short for the platform", testkit.As(testkit.Until(59 * time.Second)), nobody + ": ExpiresAt is 59s from now, and the platform's shortest session is 1m0s", "1"},
	} {
		var events []docslogin.Event
		testkit.Get(t, testkit.New(t, tt.lookup, tokenSession, collect(&events)), "/docs-login")
		testkit.Get(t, testkit.New(t, tt.lookup, tokenSession, collect(&events), signInPage), "/docs-login?docslogin_sent=1700000000")
		testkit.Get(t, testkit.New(t, tt.lookup, tokenSession, collect(&events), signInPage), "/docs-login")
		for i, outcome := range []docslogin.Outcome{"no_user", "loop", "sign_in"} {
			want := tt.cause
			if outcome == "sign_in" && want == nobody { // the usual case, which needs no words
				want = "<nil>"
			}
			switch { // what is added after the sign-in
			case outcome != "loop":
			case want == nobody:
				want += "; the lookup gives no reason, which it can do by wrapping ErrNoUser"
			case strings.Contains(want, "no cookie named"):
				want += "; the sign-in has not set it, or its Secure, Domain, Path, or SameSite keeps the browser from sending it"
			case tt.userID != "" && !strings.Contains(want, "1970"):
				want += "; if the visitor has just signed in, the time zone or the unit of ExpiresAt is wrong"
			}
			if e := events[i]; e.Outcome != outcome || fmt.Sprint(e.Err) != want || e.UserID != tt.userID {
				t.Errorf("%s, want %s: %+v", tt.name, outcome, e)
			}
		}
	}
}

// A session that ends while the claims are mapped has ended: here, at the second reading.
func TestASessionThatEndsMeanwhile(t *testing.T) {
	var e docslogin.Event
	readings, user := 0, testkit.Until(2*time.Second)
	m := testkit.New(t, testkit.As(user), withSession, signInPage, ticking(&readings), testkit.Observe(&e))
	location := testkit.Get(t, m, "/docs-login").Header.Get("Location")
	if location != "/sign-in?next=%2Fdocs-login%3Fdocslogin_sent%3D1700000001" || e.Outcome != "sign_in" || e.UserID != "1" {
		t.Errorf("%s, %+v", testkit.Masked(location), e)
	}
	readings = 0
	if url, err := m.LoginURL(t.Context(), user, ""); url != "" || !errors.Is(err, docslogin.ErrNoUser) {
		t.Errorf("got %s, %v", testkit.Masked(url), err)
	}
}

// ticking is a clock that is a second later at each reading, and counts the readings.
func ticking(readings *int) docslogin.Option {
	return docslogin.WithClock(func() time.Time {
		*readings++
		return testkit.Noon.Add(time.Duration(*readings) * time.Second)
	})
}

func TestHowOftenTheClockIsRead(t *testing.T) {
	for _, tt := range []struct {
		name   string
		mount  mount
		user   *docslogin.User
		header string
		want   int
	}{
		{"a login", loginRoute, testkit.Ada, "Accept: */*", 2},
		{"an anonymous visitor", loginRoute, nil, "Accept: */*", 1},
		{"a user whose session has ended", loginRoute, testkit.Until(-time.Hour), "Accept: */*", 1},
		{"a prefetch", loginRoute, testkit.Ada, "Sec-Purpose: prefetch", 0},
		{"claims as JSON", serveJSON, testkit.Ada, "Accept: */*", 2},
		{"nobody's claims as JSON", serveJSON, nil, "Accept: */*", 1},
	} {
		readings := 0
		testkit.Get(t, tt.mount(t, testkit.As(tt.user), withSession, signInPage, ticking(&readings)), "/docs-login", tt.header)
		if readings != tt.want {
			t.Errorf("%s: %d readings, want %d", tt.name, readings, tt.want)
		}
	}
}

func TestEveryTokenHasAnIDOfItsOwn(t *testing.T) {
	m := testkit.New(t, testkit.As(testkit.Ada), custom(func(p *docslogin.Platform) { p.TokenID = true }))
	first, second := testkit.Get(t, m, "/docs-login").Header.Get("Location"), testkit.Get(t, m, "/docs-login").Header.Get("Location")
	if first == second || testkit.Payload(t, first) != `{"iat":1700000000,"jti":"JTI","sub":"u-42"}` {
		t.Errorf("%s and %s", first, second)
	}
}

func TestNoMapperSetsAReservedClaim(t *testing.T) {
	everything := withSession
	everything.TokenID, everything.HostClaim, everything.Static = true, "host", docslogin.Claims{"iss": "me", "version": 1}
	for _, tt := range []struct {
		platform docslogin.Platform
		reserved []string
	}{
		{custom(nil), []string{"iat", "exp", "nbf"}},
		{tokenSession, []string{"iat", "exp", "nbf"}},
		{everything, []string{"iat", "exp", "nbf", "jti", "host", "expiresAt", "iss", "version"}},
	} {
		for _, name := range []string{"iat", "exp", "nbf", "jti", "host", "expiresAt", "iss", "version", "aud"} {
			var e docslogin.Event
			testkit.Get(t, testkit.New(t, testkit.As(testkit.Ada), tt.platform, testkit.Sets(name, nil), testkit.Observe(&e)), "/docs-login")
			if rejected := e.Outcome == "reserved_claim"; rejected != slices.Contains(tt.reserved, name) || rejected && !strings.Contains(e.Err.Error(), `"`+name+`"`) {
				t.Errorf("%s: %s, %v", name, e.Outcome, e.Err)
			}
		}
	}
}

// The app's mappers run after the platform's, in order, over the same claims.
func TestMappersOfTheApp(t *testing.T) {
	type ctxKey struct{}
	add := func(name string) docslogin.Option {
		return docslogin.WithClaimsMapper(func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
			claims.Object("content")[name] = fmt.Sprint(ctx.Value(ctxKey{}), len(claims.Object("content")), user.App)
			claims.Object("inputs").Object("header")["Authorization"] = "Token " + name
			return nil
		})
	}
	p := custom(func(p *docslogin.Platform) {
		p.Mapper = func(_ context.Context, _ *docslogin.User, claims docslogin.Claims) error {
			claims["inputs"] = map[string]any{"header": map[string]any{"Authorization": "Bearer 1"}}
			claims["content"] = docslogin.Claims(nil)
			return nil
		}
	})
	m := testkit.New(t, testkit.As(&docslogin.User{ID: "1", App: "app"}), p, add("first"), add("second"))
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequest("GET", "/docs-login", nil).WithContext(context.WithValue(t.Context(), ctxKey{}, "ctx")))
	const want = `{"content":{"first":"ctx0app","second":"ctx1app"},"iat":1700000000,"inputs":{"header":{"Authorization":"Token second"}}}`
	if got := testkit.Payload(t, w.Header().Get("Location")); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// What New is given may be changed afterwards.
func TestPlatformsAreCopied(t *testing.T) {
	p := custom(func(p *docslogin.Platform) {
		p.Static, p.Params, p.Required = docslogin.Claims{"iss": []string{"me"}}, map[string]string{"a": "1"}, []string{"sub"}
		p.Echo, p.DeepLink.Origins, p.DeepLink.Drop = []string{"e"}, []string{"https://x.example"}, []string{"d"}
	})
	m := testkit.New(t, testkit.As(testkit.Ada), p)
	p.Static["iss"].([]string)[0], p.Params["a"], p.Required[0] = "you", "2", "none"
	p.Echo[0], p.DeepLink.Origins[0], p.DeepLink.Drop[0] = "f", "https://evil.example", "g"
	location, payload := testkit.Login(t, m, "/docs-login?redirect=https://x.example/p?d%26y&e=1&f=2")
	if location != "https://docs.example.com?a=1&e=1&jwt=TOKEN&redirect=%2Fp%3Fy" || payload != `{"iat":1700000000,"iss":["me"],"sub":"u-42"}` {
		t.Errorf("%s %s", location, payload)
	}
}

// Package jsonvalue tests which values are empty.
func TestARequiredClaim(t *testing.T) {
	p := custom(func(p *docslogin.Platform) { p.Required = []string{"sub", "plan|trial"} })
	for _, tt := range []struct {
		name   string
		plan   any
		status int
	}{
		{"a text", "pro", 302}, {"nil", nil, 403}, {"an empty text", "", 403}, {"an empty list", []string{}, 403}, {"a value that has no JSON", func() {}, 500},
	} {
		for _, name := range []string{"plan", "trial"} { // either is enough
			if resp := testkit.Get(t, testkit.New(t, testkit.As(testkit.Ada), p, testkit.Sets(name, tt.plan)), "/docs-login"); resp.StatusCode != tt.status {
				t.Errorf("%s in %s: %d, want %d", tt.name, name, resp.StatusCode, tt.status)
			}
		}
	}
	_, err := testkit.New(t, testkit.Never(t), p).LoginURL(t.Context(), &docslogin.User{Name: "Ada"}, "")
	if err == nil || !strings.HasSuffix(err.Error(), "the platform requires: sub, plan or trial; in a preset, Email suffices for sub") {
		t.Errorf("without an e-mail address: %v", err)
	}
}

// A form is a 200. An operator is told the same of it as of a redirect.
func TestTheFormPage(t *testing.T) {
	var e docslogin.Event
	var lines bytes.Buffer
	resp := testkit.Get(t, testkit.New(t, testkit.As(testkit.Ada), zendesk, testkit.Observe(&e), logTo(&lines)), "/docs-login?return_to="+url.QueryEscape(`/hc/a?q="><script>alert(1)</script>`))
	if resp.StatusCode != 200 || resp.Header.Get("Location") != "" || resp.Header.Get("Cache-Control") != "private, no-store, max-age=0" {
		t.Errorf("%d, %v", resp.StatusCode, resp.Header)
	}
	if got := testkit.Masked(testkit.Sent(t, resp)); got != "POST https://acme.zendesk.com/access/jwt jwt=TOKEN&return_to=%2Fhc%2Fa%3Fq%3D%22%3E%3Cscript%3Ealert%281%29%3C%2Fscript%3E" {
		t.Error(got)
	}
	want := docslogin.Event{Outcome: "logged_in", Platform: "Zendesk", UserID: "u-42", DeepLink: "/hc/a", URLBytes: len("https://acme.zendesk.com/access/jwt"), Duration: e.Duration}
	if e != want || !strings.Contains(lines.String(), `"http.response.status_code":200`) {
		t.Errorf("%+v\n%s", e, &lines)
	}
}

func TestLoginURL(t *testing.T) {
	linkless := custom(func(p *docslogin.Platform) { p.DeepLink = docslogin.DeepLink{} })
	for _, tt := range []struct {
		platform   docslogin.Platform
		link, want string
	}{
		{readMe, "/docs/a?b", "https://docs.example.com?auth_token=TOKEN&redirect=%2Fdocs%2Fa%3Fb"},
		{readMe, "", "https://docs.example.com?auth_token=TOKEN"},
		{readMe, "https://evil.example", "https://docs.example.com?auth_token=TOKEN"},
		{linkless, "/a", "https://docs.example.com?jwt=TOKEN"},
	} {
		var events []docslogin.Event
		got, err := testkit.New(t, testkit.Never(t), tt.platform, collect(&events)).LoginURL(t.Context(), testkit.Ada, tt.link)
		if err != nil || testkit.Masked(got) != tt.want || events != nil || !strings.Contains(testkit.Payload(t, got), `"iat":1700000000,`) {
			t.Errorf("%s of %s: %s, %v, %v", tt.link, tt.platform.Name, testkit.Masked(got), err, events)
		}
	}
}

func TestLoginURLOfAForm(t *testing.T) {
	m := testkit.New(t, testkit.Never(t), zendesk, docslogin.WithPath("/to-zendesk"), docslogin.WithExternalURL("https://example.com/app"))
	const want = "docslogin: Zendesk takes the token in a form, not in a URL; send the browser to /app/to-zendesk: unsupported operation"
	if url, err := m.LoginURL(t.Context(), testkit.Ada, ""); url != "" || !errors.Is(err, errors.ErrUnsupported) || err.Error() != want {
		t.Errorf("%q, %v", url, err)
	}
}

// A token alone has the claims of one in a login URL. The limits of a URL do not apply to it, but the
// platform's own limit does.
func TestToken(t *testing.T) {
	large := docslogin.User{ID: "1", Name: strings.Repeat("x", 20_000), Email: "ada@example.com"}
	for name, platform := range map[string]docslogin.Platform{"a query": readMe, "a fragment": mintlify, "a form": zendesk, "a cookie": inCookie} {
		var events []docslogin.Event
		m := testkit.New(t, testkit.Never(t), platform, collect(&events))
		token, err := m.Token(t.Context(), testkit.Ada)
		if err != nil || testkit.Masked(token) != "TOKEN" || !strings.Contains(testkit.Payload(t, token), `"iat":1700000000`) || events != nil {
			t.Errorf("%s: %s, %v, %v", name, testkit.Masked(token), err, events)
		}
		if token, err := m.Token(t.Context(), &large); err != nil || testkit.Masked(token) != "TOKEN" {
			t.Errorf("%s, for a large user: %v", name, err)
		}
	}
	small := custom(func(p *docslogin.Platform) { p.MaxTokenBytes = 100 })
	_, err := testkit.New(t, testkit.Never(t), small).Token(t.Context(), testkit.Ada)
	if want := "docslogin: too_large: the token is 123 bytes long, and custom accepts 100; the largest claims: iat (10 bytes), sub (6 bytes)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestSetCookieAndClearCookie(t *testing.T) {
	var events []docslogin.Event
	m := testkit.New(t, testkit.Never(t), inCookie, collect(&events))
	w := httptest.NewRecorder()
	w.Header().Set("Set-Cookie", "session=1")
	w.Header().Set("Cache-Control", "public")
	if err := m.SetCookie(t.Context(), w, testkit.Ada); err != nil {
		t.Fatal(err)
	}
	m.ClearCookie(w)
	cookies := w.Header()["Set-Cookie"]
	if len(cookies) != 3 || testkit.Payload(t, cookies[1]) != `{"exp":1700003600,"iat":1700000000,"sub":"u-42"}` {
		t.Fatal(cookies)
	}
	const attributes = "; Path=/; Domain=example.com; Expires=Tue, 14 Nov 2023 23:13:20 GMT; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"
	cookies[1] = testkit.Masked(cookies[1])
	if want := []string{"session=1", "docs-token=TOKEN" + attributes, "docs-token=; Path=/; Domain=example.com; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Secure; SameSite=Lax"}; !slices.Equal(cookies, want) {
		t.Errorf("got  %q\nwant %q", cookies, want)
	}
	if got := w.Header()["Cache-Control"]; !slices.Equal(got, []string{"private, no-store, max-age=0"}) || events != nil {
		t.Errorf("Cache-Control is %q; events: %v", got, events)
	}
	if url, err := m.LoginURL(t.Context(), testkit.Ada, ""); url != "" || !errors.Is(err, errors.ErrUnsupported) || err.Error() != "docslogin: custom takes the token in a cookie, not in a URL; send the browser to /docs-login: unsupported operation" {
		t.Errorf("LoginURL: %q, %v", url, err)
	}
}

// The route sets the same cookie as SetCookie.
func TestALoginSetsTheCookie(t *testing.T) {
	m, w := testkit.New(t, testkit.As(testkit.Ada), inCookie), httptest.NewRecorder()
	if err := m.SetCookie(t.Context(), w, testkit.Ada); err != nil {
		t.Fatal(err)
	}
	resp := testkit.Get(t, m, "/docs-login?redirect=/a")
	if got, want := resp.Header["Set-Cookie"], w.Header()["Set-Cookie"]; resp.StatusCode != 302 || !slices.Equal(got, want) {
		t.Errorf("%d, got %q, want %q", resp.StatusCode, got, want)
	}
	large := &docslogin.User{ID: strings.Repeat("x", 4000)}
	resp = testkit.Get(t, testkit.New(t, testkit.As(large), inCookie), "/docs-login")
	if resp.StatusCode != 500 || resp.Header["Set-Cookie"] != nil || resp.Header["Location"] != nil {
		t.Errorf("a token that is too long: %d, %v", resp.StatusCode, resp.Header)
	}
}

// A session middleware of the app may set a cookie of its own in every response.
func TestALoginKeepsTheAppsCookies(t *testing.T) {
	m := testkit.New(t, testkit.As(testkit.Ada), inCookie)
	withSession := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "renewed"})
		m.ServeHTTP(w, r)
	})
	got := testkit.Masked(testkit.Sent(t, testkit.Get(t, withSession, "/docs-login")))
	if want := "https://docs.example.com Cookie: session=renewed Cookie: docs-token=TOKEN"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestSetCookieAndClearCookieWithoutACookie(t *testing.T) {
	for where, platform := range map[string]docslogin.Platform{"the query": readMe, "the fragment": mintlify, "a form": zendesk} {
		m, w := testkit.New(t, testkit.Never(t), platform), httptest.NewRecorder()
		err := m.SetCookie(t.Context(), w, testkit.Ada)
		want := "docslogin: " + platform.Name + " takes the token in " + where + ", not in a cookie; send the browser to /docs-login: unsupported operation"
		if !errors.Is(err, errors.ErrUnsupported) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if m.ClearCookie(w); len(w.Header()) != 0 {
			t.Errorf("%s: %v", where, w.Header())
		}
	}
}

// Package address tests more of these.
func TestLoginPathAndLogoutURL(t *testing.T) {
	m := testkit.New(t, testkit.Never(t), inCookie, docslogin.WithPath("/to-docs"), docslogin.WithExternalURL("https://app.example.com/app"))
	if got := m.LoginPath("/a?b"); got != "/app/to-docs?redirect=%2Fa%3Fb" {
		t.Errorf("LoginPath is %s", got)
	}
	if got := m.LogoutURL(); got != "https://docs.example.com/logout" {
		t.Errorf("LogoutURL is %s", got)
	}
	if got := testkit.New(t, testkit.Never(t), readMe).LogoutURL(); got != "" {
		t.Errorf("LogoutURL of ReadMe is %s", got)
	}
}

func TestLoginURLAndClaimsReturnALoginError(t *testing.T) {
	gone, leave := context.WithCancel(t.Context())
	leave()
	for _, tt := range []struct {
		name    string
		ctx     context.Context
		user    *docslogin.User
		options []docslogin.Option
		outcome docslogin.Outcome
		wraps   error
		text    string // at the end of the error's text
	}{
		{"nobody", t.Context(), nil, nil, "no_user", docslogin.ErrNoUser, "docslogin: no_user: nobody is signed in"},
		{"a user whose session has ended", t.Context(), testkit.Until(-time.Minute), nil, "no_user", docslogin.ErrNoUser, "nobody is signed in: ExpiresAt passed 1m0s ago"},
		{"an incomplete user", t.Context(), &docslogin.User{ID: "1"}, nil, "incomplete_user", nil, "docslogin: incomplete_user: the user lacks what the platform requires: name, email; in a preset, Email suffices for name and email"},
		{"a user without a name, but with an e-mail address", t.Context(), testkit.Ada, with(testkit.Sets("name", "")), "incomplete_user", nil, "the user lacks what the platform requires: name"},
		{"a mapper that forbids it", t.Context(), testkit.Ada, with(testkit.Calls(func() error { return docslogin.ErrForbidden })), "forbidden", docslogin.ErrForbidden, ""},
		{"a mapper that fails", t.Context(), testkit.Ada, with(testkit.Calls(func() error { return errStore })), "mapper_failed", errStore, ""},
		{"a mapper that sets exp", t.Context(), testkit.Ada, with(testkit.Sets("exp", 1)), "reserved_claim", nil, `"exp", which the library writes; use another name`},
		{"a mapper that panics", t.Context(), testkit.Ada, with(testkit.Calls(func() error { panic("x") })), "panic", nil, "docslogin: panic: x"},
		{"a canceled context", gone, testkit.Ada, nil, "canceled", context.Canceled, ""},
	} {
		url, urlErr := testkit.New(t, testkit.Never(t), readMe, tt.options...).LoginURL(tt.ctx, tt.user, "")
		token, tokenErr := testkit.New(t, testkit.Never(t), readMe, tt.options...).Token(tt.ctx, tt.user)
		claims, claimsErr := newProfile(t, platforms.ReadMeInfo(), tt.options...).Claims(tt.ctx, tt.user)
		w, required := httptest.NewRecorder(), inCookie
		required.Mapper, required.Required = platforms.ReadMeInfo().Mapper, platforms.ReadMeInfo().Required
		cookieErr := testkit.New(t, testkit.Never(t), required, tt.options...).SetCookie(tt.ctx, w, tt.user)
		if url != "" || token != "" || claims != nil || len(w.Header()) != 0 {
			t.Errorf("%s: got %q, %q, %v, and %v", tt.name, testkit.Masked(url), testkit.Masked(token), claims, w.Header())
		}
		for _, err := range []error{urlErr, tokenErr, claimsErr, cookieErr} {
			rejection, ok := err.(*docslogin.LoginError)
			if !ok || rejection.Outcome != tt.outcome || !strings.HasSuffix(err.Error(), tt.text) || tt.wraps != nil && !errors.Is(err, tt.wraps) {
				t.Errorf("%s: %v", tt.name, err)
			}
		}
	}
}

// asked is a platform without a key and a docs URL, for docs that ask for a user's claims.
var asked = docslogin.Platform{
	Name: "asked", Static: docslogin.Claims{"version": 1}, TokenID: true, HostClaim: "host",
	Lifetime: docslogin.Lifetime{Token: time.Minute, Session: time.Hour, SessionClaim: "expiresAt"},
	Mapper: func(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
		claims["sub"] = user.ID
		return nil
	},
}

// Claims has what a token has, apart from exp, iat, jti and the host, which are about the token.
func TestProfileClaims(t *testing.T) {
	bySession := asked
	bySession.Lifetime = docslogin.Lifetime{Session: time.Hour, SessionClaim: "exp"}
	for _, tt := range []struct {
		name     string
		platform docslogin.Platform
		user     *docslogin.User
		option   docslogin.Option
		want     string
	}{
		{"static and session claims", asked, testkit.Ada, testkit.AtNoon, `{"expiresAt":1700003600,"sub":"u-42","version":1}`},
		{"a session that ends sooner", asked, testkit.Until(time.Minute), testkit.AtNoon, `{"expiresAt":1700000060,"sub":"1","version":1}`},
		{"a session that the app sets", asked, testkit.Ada, docslogin.WithSessionTTL(time.Minute), `{"expiresAt":1700000060,"sub":"u-42","version":1}`},
		{"a session whose claim is exp", bySession, testkit.Ada, testkit.AtNoon, `{"sub":"u-42","version":1}`},
		{"a mapper of the app", asked, testkit.Ada, testkit.Sets("role", "reader"), `{"expiresAt":1700003600,"role":"reader","sub":"u-42","version":1}`},
	} {
		profile := newProfile(t, tt.platform, tt.option)
		for range 2 {
			claims, err := profile.Claims(t.Context(), tt.user)
			if got, _ := json.Marshal(claims); err != nil || string(got) != tt.want {
				t.Errorf("%s: %v\ngot  %s\nwant %s", tt.name, err, got, tt.want)
			}
			claims["more"] = "of the caller's" // which the next call does not see
		}
	}
}

// The caller of Claims may change what it gets.
func TestProfileClaimsAreTheCallers(t *testing.T) {
	p := asked
	p.Static = docslogin.Claims{"list": []string{"a"}, "id": int64(1) << 60}
	profile := newProfile(t, p)
	for range 2 {
		claims, err := profile.Claims(t.Context(), testkit.Ada)
		list, ok := claims["list"].([]any)
		if !ok || list[0] != "a" || fmt.Sprint(claims["id"]) != "1152921504606846976" {
			t.Fatalf("%v, %v", claims, err)
		}
		list[0] = "changed"
	}
}

// Options for the login route have no effect on a profile, even wrong ones. WithClock has.
func TestAProfileIgnoresTheRoute(t *testing.T) {
	p := custom(func(p *docslogin.Platform) { p.DocsURL, p.Key, p.Algorithm = "x", docslogin.Key{}, "none" })
	if now := newProfile(t, p, docslogin.WithPath("x"), docslogin.WithSignInPage("", ""), docslogin.WithExternalURL("x")).Now(); !now.Equal(testkit.Noon) {
		t.Errorf("%v", now)
	}
}

// jsonAnswer is a lookup for ServeJSON, the answer, and what is told of it.
type jsonAnswer struct {
	name         string
	lookup       docslogin.UserLookup
	options      []docslogin.Option
	outcome      docslogin.Outcome
	status       int
	level        string
	userID, body string
}

// Package userinfo tests more users and faults.
var jsonAnswers = []jsonAnswer{
	{"a user", testkit.As(testkit.Ada), nil, "user_info", 200, "DEBUG", "u-42", `{"expiresAt":1700003600,"sub":"u-42","version":1}`},
	{"nobody, with a sign-in page", testkit.As(nil), with(signInPage), "no_user", 401, "DEBUG", "", `{"error":"Unauthorized"}`},
	{"a user whose session has ended", testkit.As(testkit.Until(-time.Hour)), nil, "no_user", 401, "DEBUG", "1", `{"error":"Unauthorized"}`},
	{"a user who may not read the docs, with an error handler", testkit.Failing(docslogin.ErrForbidden), with(signInPage, docslogin.WithErrorHandler(ownJSON)), "forbidden", 403, "INFO", "", `{"mine":"forbidden","signIn":""}`},
	{"a mapper that sets exp", testkit.As(testkit.Ada), with(testkit.Sets("exp", 1)), "reserved_claim", 500, "ERROR", "u-42", `{"error":"Internal Server Error"}`},
	{"a wrong method, as the lookup says", testkit.Failing(&docslogin.LoginError{Outcome: "method", Status: 405}), nil, "method", 405, "DEBUG", "", `{"error":"Method Not Allowed"}`},
	{"a wrong origin, as the lookup says, wrapped", testkit.Failing(fmt.Errorf("checking: %w", &docslogin.LoginError{Outcome: "origin", Status: 403, Err: errStore})), nil, "origin", 403, "DEBUG", "", `{"error":"Forbidden"}`},
	{"nobody, as a 404", testkit.Failing(&docslogin.LoginError{Outcome: "no_user", Status: 404, Err: docslogin.ErrNoUser}), nil, "no_user", 404, "DEBUG", "", `{"error":"Not Found"}`},
	{"a LoginError with the smallest status", testkit.Failing(&docslogin.LoginError{Outcome: "method", Status: 400}), nil, "method", 400, "DEBUG", "", `{"error":"Bad Request"}`},
	{"a LoginError with too large a status", testkit.Failing(&docslogin.LoginError{Outcome: "method", Status: 600}), nil, "lookup_failed", 500, "ERROR", "", `{"error":"Internal Server Error"}`},
	{"a LoginError for a visitor who has not gone", testkit.Failing(&docslogin.LoginError{Outcome: "canceled", Status: 403}), nil, "lookup_failed", 500, "ERROR", "", `{"error":"Internal Server Error"}`},
	{"a LoginError whose outcome is not an error", testkit.Failing(&docslogin.LoginError{Outcome: "user_info", Status: 403}), nil, "lookup_failed", 500, "ERROR", "", `{"error":"Internal Server Error"}`},
	{"a LoginError without an outcome", testkit.Failing(&docslogin.LoginError{Status: 500}), nil, "lookup_failed", 500, "ERROR", "", `{"error":"Internal Server Error"}`},
	{"a nil LoginError", testkit.Failing((*docslogin.LoginError)(nil)), nil, "lookup_failed", 500, "ERROR", "", `{"error":"Internal Server Error"}`},
	{"a LoginError with a smaller one", testkit.Failing(&docslogin.LoginError{Outcome: "logged_in", Status: 399}), nil, "lookup_failed", 500, "ERROR", "", `{"error":"Internal Server Error"}`},
}

// ownJSON is an error handler.
func ownJSON(w http.ResponseWriter, _ *http.Request, err *docslogin.LoginError) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(err.Status)
	fmt.Fprintf(w, `{"mine":%q,"signIn":%q}`, err.Outcome, err.SignInURL)
}

// TestServeJSON checks that each request has one response, one event, and one log line.
func TestServeJSON(t *testing.T) {
	headers := http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"private, no-store, max-age=0"}, "Pragma": {"no-cache"}, "Referrer-Policy": {"no-referrer"}, "X-Content-Type-Options": {"nosniff"}}
	for _, tt := range jsonAnswers {
		var events []docslogin.Event
		var lines bytes.Buffer
		resp := testkit.Get(t, serveJSON(t, tt.lookup, asked, append(tt.options, collect(&events), logTo(&lines))...), "/")
		if body := testkit.Body(t, resp); resp.StatusCode != tt.status || strings.TrimSpace(body) != tt.body {
			t.Errorf("%s: %d %s, want %d %s", tt.name, resp.StatusCode, body, tt.status, tt.body)
		}
		if !maps.EqualFunc(resp.Header, headers, slices.Equal) {
			t.Errorf("%s: got  %v\nwant %v", tt.name, resp.Header, headers)
		}
		if len(events) != 1 || events[0].Outcome != tt.outcome || events[0].Platform != "asked" || events[0].UserID != tt.userID {
			t.Errorf("%s: events: %+v", tt.name, events)
		}
		line := fmt.Sprintf(`"level":%q,"msg":"docs login","docslogin.outcome":%q,"docslogin.platform":"asked","http.response.status_code":%d,`, tt.level, tt.outcome, tt.status)
		if strings.Count(lines.String(), "\n") != 1 || !strings.Contains(lines.String(), line) { // there is no http.route
			t.Errorf("%s: logged %s, want %s", tt.name, &lines, line)
		}
	}
}

// wrong is a configuration with one configuration error.
type wrong struct {
	name, field, reason string
	platform            docslogin.Platform
	options             []docslogin.Option
}

// with is a row's options.
func with(options ...docslogin.Option) []docslogin.Option { return options }

// check checks that err is the one configuration error, and that it tells no secret and no URL.
func (w wrong) check(t *testing.T, err error) {
	t.Helper()
	found := testkit.ConfigErrors(err)
	if len(found) != 1 || found[0].Field != w.field || !strings.Contains(found[0].Error(), w.reason) {
		t.Errorf("%s: got %v\nwant %s to say %q", w.name, err, w.field, w.reason)
		return
	}
	text := err.Error()
	if !strings.HasPrefix(text, "docslogin: "+strings.TrimPrefix(w.platform.Name+": ", ": ")+w.field+" ") || strings.Contains(text, "\n") {
		t.Errorf("%s: the text is %q", w.name, text)
	}
	for _, told := range []string{testkit.Secret, "hunter2", "evil", "example.com"} {
		if strings.Contains(strings.ReplaceAll(text, "https://docs.example.com", ""), told) {
			t.Errorf("%s: %q is told: %v", w.name, told, err)
		}
	}
}

// checkNew checks what New returns, and NewProfile if it reports the same.
func checkNew(t *testing.T, alsoNewProfile bool, rows []wrong) {
	t.Helper()
	for _, tt := range rows {
		m, err := docslogin.New(testkit.Nobody, tt.platform, tt.options...)
		tt.check(t, err)
		profile, profileErr := docslogin.NewProfile(tt.platform, tt.options...)
		if m != nil || (profile == nil) != alsoNewProfile || alsoNewProfile && profileErr.Error() != err.Error() {
			t.Errorf("%s: got %v, %v, %v", tt.name, m, profile, profileErr)
		}
	}
}

func TestOptionErrors(t *testing.T) {
	checkNew(t, true, []wrong{
		{"a nil option", "option 2", "is nil", custom(nil), with(testkit.AtNoon, nil)},
		{"a nil mapper", "WithClaimsMapper", "is nil", custom(nil), with(docslogin.WithClaimsMapper(nil))},
		{"a nil clock", "WithClock", "is nil", custom(nil), with(docslogin.WithClock(nil))},
		{"a nil logger", "WithLogger", "is nil", custom(nil), with(docslogin.WithLogger(nil))},
		{"a nil observer", "WithObserver", "is nil", custom(nil), with(docslogin.WithObserver(nil))},
		{"a nil error handler", "WithErrorHandler", "is nil", custom(nil), with(docslogin.WithErrorHandler(nil))},
		{"no return parameter", "WithReturnParams", "names no parameter", custom(nil), with(docslogin.WithReturnParams())},
		{"a platform without a name", "Platform.Name", "is missing", custom(func(p *docslogin.Platform) { p.Name = "" }), nil},
	})
}

func TestLifetimeErrors(t *testing.T) {
	const limits = "has a negative MaxToken or MinSession"
	checkNew(t, true, []wrong{
		{"a token's lifetime of zero", "WithTokenTTL", "is 0s; it must be from 1s to 8784h0m0s", withToken, with(docslogin.WithTokenTTL(0))},
		{"a token's lifetime under a second", "WithTokenTTL", "is 999ms", withToken, with(docslogin.WithTokenTTL(999 * time.Millisecond))},
		{"a negative token's lifetime", "WithTokenTTL", "is -1s", withToken, with(docslogin.WithTokenTTL(-time.Second))},
		{"a token's lifetime over the platform's maximum", "WithTokenTTL", "is 11s; it must be from 1s to 10s", withSession, with(docslogin.WithTokenTTL(11 * time.Second))},
		{"a token's lifetime over a year", "WithTokenTTL", "to 8784h0m0s", withToken, with(docslogin.WithTokenTTL(366*day + 1))},
		{"a token's lifetime where the token is the session", "WithTokenTTL", "does not apply", tokenSession, with(docslogin.WithTokenTTL(time.Minute))},
		{"a session of zero", "WithSessionTTL", "is 0s", withSession, with(docslogin.WithSessionTTL(0))},
		{"a session over a year", "WithSessionTTL", "from 1s to 8784h0m0s", withSession, with(docslogin.WithSessionTTL(366*day + 1))},
		{"a session under the platform's minimum", "WithSessionTTL", "is 59s; it must be from 1m0s", tokenSession, with(docslogin.WithSessionTTL(59 * time.Second))},
		{"a session that the platform decides", "WithSessionTTL", "does not apply", withToken, with(docslogin.WithSessionTTL(time.Hour))},
		{"a platform that limits a token's lifetime but has none", "Platform.Lifetime.Token", "is 0s; it must be from 1s to 10s", lasting(docslogin.Lifetime{MaxToken: 10 * time.Second}), nil},
		{"a session without a claim", "Platform.Lifetime.Session", "does not apply", lasting(docslogin.Lifetime{Session: time.Hour}), nil},
		{"a claim without a session", "Platform.Lifetime.Session", "is 0s", lasting(docslogin.Lifetime{SessionClaim: "expiresAt"}), nil},
		{"a shortest session without a claim", "Platform.Lifetime.MinSession", "does not apply", lasting(docslogin.Lifetime{MinSession: time.Hour}), nil},
		{"a negative maximum", "Platform.Lifetime", limits, lasting(docslogin.Lifetime{MaxToken: -1}), nil},
		{"a negative minimum", "Platform.Lifetime", limits, lasting(docslogin.Lifetime{MinSession: -1}), nil},
		{"an option that makes a second lifetime for exp", "Platform.Lifetime", "both want the claim exp", lasting(docslogin.Lifetime{MaxToken: time.Hour, Session: time.Hour, SessionClaim: "exp"}), with(docslogin.WithTokenTTL(time.Minute))},
		{"two lifetimes for exp", "Platform.Lifetime", "both want the claim exp", lasting(docslogin.Lifetime{Token: time.Minute, Session: time.Hour, SessionClaim: "exp"}), nil},
	})
}

func TestClaimErrors(t *testing.T) {
	const already, written, unnamed = ", which the library writes already", ", which the library writes", "has a claim without a name"
	checkNew(t, true, []wrong{
		{"a session claim that is never written", "Platform.Lifetime.SessionClaim", `"nbf"` + already, lasting(docslogin.Lifetime{Session: time.Hour, SessionClaim: "nbf"}), nil},
		{"a session claim that is the token's", "Platform.Lifetime.SessionClaim", `"jti"` + already, custom(func(p *docslogin.Platform) {
			p.TokenID, p.Lifetime = true, docslogin.Lifetime{Session: time.Hour, SessionClaim: "jti"}
		}), nil},
		{"a host claim that is the session's", "Platform.HostClaim", `"expiresAt"` + already, custom(func(p *docslogin.Platform) { p.HostClaim, p.Lifetime = "expiresAt", withSession.Lifetime }), nil},
		{"a host claim that is the session's exp", "Platform.HostClaim", `"exp"` + already, custom(func(p *docslogin.Platform) { p.HostClaim, p.Lifetime = "exp", tokenSession.Lifetime }), nil},
		{"a host claim that is a time", "Platform.HostClaim", `"iat"` + already, custom(func(p *docslogin.Platform) { p.HostClaim = "iat" }), nil},
		{"a static claim that is a time", "Platform.Static", `"exp"` + written, custom(func(p *docslogin.Platform) { p.Static = docslogin.Claims{"exp": 1} }), nil},
		{"a static claim that is the host's", "Platform.Static", `"host"` + written, custom(func(p *docslogin.Platform) { p.HostClaim, p.Static = "host", docslogin.Claims{"host": 1} }), nil},
		{"a static claim without a name", "Platform.Static", unnamed, custom(func(p *docslogin.Platform) { p.Static = docslogin.Claims{"": 1} }), nil},
		{"a static claim without a value", "Platform.Static", `has no value for the claim "iss"`, custom(func(p *docslogin.Platform) { p.Static = docslogin.Claims{"iss": ""} }), nil},
		{"a static claim with a newline after it", "Platform.Static", `white space around the value of the claim "iss"`, custom(func(p *docslogin.Platform) { p.Static = docslogin.Claims{"iss": "me\n"} }), nil},
		{"a static claim that has no JSON", "Platform.Static", `"f", a func(), cannot be written as JSON`, custom(func(p *docslogin.Platform) { p.Static = docslogin.Claims{"f": func() {}} }), nil},
		{"a required claim that is static", "Platform.Required", `"iss"` + written, custom(func(p *docslogin.Platform) { p.Static, p.Required = docslogin.Claims{"iss": "me"}, []string{"iss"} }), nil},
		{"a required claim without a name", "Platform.Required", unnamed, custom(func(p *docslogin.Platform) { p.Required = []string{""} }), nil},
		{"a required claim or none", "Platform.Required", unnamed, custom(func(p *docslogin.Platform) { p.Required = []string{"a|"} }), nil},
		{"a required claim or one that the library writes", "Platform.Required", `"iat"` + written, custom(func(p *docslogin.Platform) { p.Required = []string{"iat|a"} }), nil},
	})
}

// Package keys tests more keys.
func TestKeyErrors(t *testing.T) {
	key := func(alg jose.SignatureAlgorithm, key docslogin.Key) docslogin.Platform {
		return custom(func(p *docslogin.Platform) { p.Algorithm, p.Key = alg, key })
	}
	checkNew(t, false, []wrong{
		{"an empty secret", "Platform.Key", "cannot be used: the secret is empty", key(jose.HS256, docslogin.Secret("")), nil},
		{"a short secret", "Platform.Key", "it has 7 bytes and needs at least 16", key(jose.HS256, docslogin.Secret("hunter2")), nil},
		{"a private key for another algorithm", "Platform.Key", "cannot be used", key(jose.ES256, docslogin.PrivateKey(testkit.Ed25519PEM)), nil},
		{"a signer that fails", "Platform.Key", "down; for good", custom(func(p *docslogin.Platform) { signWith(p, func() error { return errors.New("down\nfor good") }) }), nil},
		{"a zero Key", "Platform.Key", "is missing", key(jose.HS256, docslogin.Key{}), nil},
		{"no algorithm", "Platform.Algorithm", "is not one that signs", key("", docslogin.Secret(testkit.Secret)), nil},
		{"the algorithm none", "Platform.Algorithm", "is not one that signs", key("none", docslogin.Secret(testkit.Secret)), nil},
	})
}

// What is wrong with a URL, a path or a parameter is found in package address. It arrives with the
// name of its option or field.
func TestAddressErrors(t *testing.T) {
	checkNew(t, false, []wrong{
		{"a path", "WithPath", "is not clean", custom(nil), with(docslogin.WithPath("//docs"))},
		{"a sign-in page", "WithSignInPage", "must be a path of the app", custom(nil), with(docslogin.WithSignInPage("https://login.evil.example/", "next"))},
		{"an external URL", "WithExternalURL", "has user info", custom(nil), with(docslogin.WithExternalURL("https://u:hunter2@app.example.com"))},
		{"a docs URL", "Platform.DocsURL", "has user info", custom(func(p *docslogin.Platform) { p.DocsURL = "https://user:hunter2@evil.example.com" }), nil},
		{"a secret instead of the docs URL", "Platform.DocsURL", "does not begin with https://", custom(func(p *docslogin.Platform) { p.DocsURL = testkit.Secret }), nil},
		{"docs under a path", "Platform.DocsURL", "custom's docs cannot be under one", custom(func(p *docslogin.Platform) { p.DocsURL, p.RootOnly = "https://docs.example.com/a", true }), nil},
		{"a return parameter", "WithReturnParams", `"redirect"`, custom(nil), with(docslogin.WithReturnParams("site", "redirect"))},
		{"a cookie", "Platform.Carrier", "has a cookie domain that is not a parent of the docs' host", custom(func(p *docslogin.Platform) { p.Carrier, p.DeepLink.Out = docslogin.InCookie("t", "evil.example"), "" }), nil},
		{"a logout URL", "Platform.Logout", "must be a clean path", custom(func(p *docslogin.Platform) { p.Logout = "//evil.example" }), nil},
	})
}

// fields are those of the configuration errors in err, sorted.
func fields(err error) (names []string) {
	for _, e := range testkit.ConfigErrors(err) {
		names = append(names, e.Field)
	}
	slices.Sort(names)
	return names
}

func TestAllConfigurationErrorsAtOnce(t *testing.T) {
	options := []docslogin.Option{nil, docslogin.WithPath("x"), docslogin.WithSignInPage("y", ""), docslogin.WithTokenTTL(0), docslogin.WithClock(nil)}
	_, fromNew := docslogin.New(nil, platforms.Mintlify("docs.example.com", "not a key"), options...)
	_, ofZero := docslogin.New(testkit.Nobody, docslogin.Platform{})
	_, fromNewProfile := docslogin.NewProfile(docslogin.Platform{}, options...)
	for _, tt := range []struct {
		err  error
		want []string
	}{
		{fromNew, []string{"Platform.DocsURL", "Platform.Key", "WithClock", "WithPath", "WithSignInPage", "WithSignInPage", "WithTokenTTL", "lookup", "option 1"}},
		{ofZero, []string{"Platform.Algorithm", "Platform.Carrier", "Platform.DocsURL", "Platform.Key", "Platform.Name"}},
		{fromNewProfile, []string{"Platform.Name", "WithClock", "WithTokenTTL", "option 1"}},
	} {
		if got := fields(tt.err); !slices.Equal(got, tt.want) || strings.Count("\n"+tt.err.Error(), "\ndocslogin: ") != len(tt.want) {
			t.Errorf("got  %q\nwant %q in\n%v", got, tt.want, tt.err)
		}
	}
}

// What a preset reports takes the place of what the root would say about the same field.
func TestAPresetsError(t *testing.T) {
	odd := errors.New("the account is odd")
	about := func(field string) error { return &docslogin.ConfigError{Field: field, Reason: "is wrong", Err: odd} }
	for _, tt := range []struct {
		err    error
		fields []string
		text   string
	}{
		{about("Platform.Name"), []string{"Platform.Name"}, "docslogin: Platform.Name is wrong: the account is odd"},
		{about("Platform.Mapper"), []string{"Platform.Mapper", "Platform.Name"}, "docslogin: Platform.Mapper is wrong: the account is odd"},
		{fmt.Errorf("preset: %w", about("Platform.Name")), []string{"Platform.Name"}, "docslogin: Platform.Name cannot be used: preset: docslogin: Platform.Name is wrong: the account is odd"},
		{errors.Join(about("Platform.Mapper"), about("Platform.Name")), []string{"Platform.Mapper", "Platform.Name"}, "docslogin: Platform.Name is wrong: the account is odd"},
		{odd, []string{"Platform", "Platform.Name"}, "docslogin: Platform cannot be used: the account is odd"},
	} {
		p := custom(func(p *docslogin.Platform) { p.Name, p.Err = "", tt.err })
		_, fromNew := docslogin.New(testkit.Nobody, p)
		_, fromNewProfile := docslogin.NewProfile(p)
		for _, err := range []error{fromNew, fromNewProfile} {
			if got := fields(err); !slices.Equal(got, tt.fields) || !errors.Is(err, odd) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%v: got %q: %v", tt.err, got, err)
			}
		}
	}
	if _, err := docslogin.New(testkit.Nobody, custom(func(p *docslogin.Platform) { p.Err = (*docslogin.ConfigError)(nil) })); err != nil {
		t.Errorf("an error that is not set: %v", err)
	}
	for _, field := range []string{"Platform.DocsURL", "Platform.Key"} { // which New checks apart
		p := custom(func(p *docslogin.Platform) { p.Err = about(field) })
		if field == "Platform.Key" {
			p.Key = docslogin.Key{}
		} else {
			p.DocsURL = ""
		}
		if _, err := docslogin.New(testkit.Nobody, p); err.Error() != "docslogin: custom: "+field+" is wrong: the account is odd" {
			t.Error(err)
		}
	}
}

func TestMust(t *testing.T) {
	if m := docslogin.Must(docslogin.New(testkit.Nobody, readMe)); m.Path() != "/docs-login" {
		t.Error(m.Path())
	}
	_, v := recovered(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { docslogin.Must(docslogin.New(nil, readMe)) }))
	if err, _ := v.(error); err == nil || !strings.Contains(err.Error(), "lookup is nil") {
		t.Errorf("recovered %v", v)
	}
}

// padded is a secret as go-jose verifies with it: at least 32 bytes.
func padded(secret string) []byte {
	return append([]byte(secret), make([]byte, max(0, 32-len(secret)))...)
}

// tokenOf returns the token of a login, verified with one of the keys.
func tokenOf(t testing.TB, m *docslogin.Middleware, target string, alg jose.SignatureAlgorithm, keys ...any) (payload string) {
	t.Helper()
	jws, err := jose.ParseSignedCompact(testkit.JWT.FindString(testkit.Get(t, m, target).Header.Get("Location")), []jose.SignatureAlgorithm{alg})
	if err != nil {
		t.Error(err)
		return ""
	}
	if !slices.ContainsFunc(keys, func(key any) bool { _, err := jws.Verify(key); return err == nil }) {
		t.Error("the signature does not verify")
	}
	return string(jws.UnsafePayloadWithoutVerification())
}

func TestKeysOfEveryKind(t *testing.T) {
	for name, tt := range map[string]struct {
		alg jose.SignatureAlgorithm
		key docslogin.Key
	}{
		"a secret":               {jose.HS256, docslogin.Secret(testkit.Secret)},
		"an Ed25519 key":         {jose.EdDSA, docslogin.PrivateKey(testkit.Ed25519PEM)},
		"a P-256 key":            {jose.ES256, docslogin.PrivateKey(testkit.P256PEM)},
		"another signer's P-256": {jose.ES256, docslogin.SignWith(cryptosigner.Opaque(testkit.P256))},
	} {
		p := custom(func(p *docslogin.Platform) { p.Algorithm, p.Key = tt.alg, tt.key })
		if _, payload := testkit.Login(t, testkit.New(t, testkit.As(testkit.Ada), p), "/docs-login"); payload != `{"iat":1700000000,"sub":"u-42"}` {
			t.Errorf("%s: %s", name, payload)
		}
	}
}

func TestSetKey(t *testing.T) {
	m := testkit.New(t, testkit.As(testkit.Ada), readMe)
	if err := m.SetKey(docslogin.Secret("short")); !slices.Equal(fields(err), []string{"Platform.Key"}) || !strings.HasPrefix(err.Error(), "docslogin: ReadMe: Platform.Key ") {
		t.Errorf("a bad key: %v", err)
	}
	testkit.Login(t, m, "/docs-login") // still signs with the old key
	const another = "another secret of the project"
	if err := m.SetKey(docslogin.Secret(another)); err != nil {
		t.Fatal(err)
	}
	tokenOf(t, m, "/docs-login", jose.HS256, padded(another))
}

// 64 visitors at once get a token of their own each, while the key changes.
func TestConcurrentLogins(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	byName := func(r *http.Request) (*docslogin.User, error) {
		name := r.URL.Query().Get("visitor")
		return &docslogin.User{ID: name, Name: name, Email: name + "@example.com"}, nil
	}
	for _, tt := range []struct {
		platform  docslogin.Platform
		other     docslogin.Key
		verifiers []any
	}{
		{readMe, docslogin.Secret(testkit.Secret + testkit.Secret), []any{padded(testkit.Secret), padded(testkit.Secret + testkit.Secret)}},
		{mintlify, docslogin.PrivateKey(testkit.PKCS8(private)), []any{testkit.Ed25519.Public(), public}},
	} {
		m := testkit.New(t, byName, tt.platform)
		stop := changeKeys(t, m, tt.other, tt.platform.Key)
		var visitors sync.WaitGroup
		for i := range 64 {
			visitors.Go(func() {
				for j := range 20 {
					name := fmt.Sprintf("visitor-%d-%d", i, j)
					if payload := tokenOf(t, m, "/docs-login?visitor="+name, tt.platform.Algorithm, tt.verifiers...); !strings.Contains(payload, `"name":"`+name+`"`) {
						t.Errorf("%s got %s", name, payload)
					}
				}
			})
		}
		visitors.Wait()
		stop()
	}
}

// changeKeys changes the key to one after the other, until stop is called.
func changeKeys(t *testing.T, m *docslogin.Middleware, keys ...docslogin.Key) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var changing sync.WaitGroup
	changing.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			if err := m.SetKey(keys[i%len(keys)]); err != nil {
				t.Error(err)
			}
		}
	})
	return func() { cancel(); changing.Wait() }
}

// discard is a ResponseWriter that allocates nothing.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

func allocations(h http.Handler, target string) float64 {
	r, w := httptest.NewRequest("GET", target, nil), &discard{http.Header{}}
	return testing.AllocsPerRun(200, func() {
		clear(w.header)
		h.ServeHTTP(w, r)
	})
}

// A login makes no more allocations than these limits, and a request for another route makes none.
// The limits are exact on amd64.
func TestAllocations(t *testing.T) {
	if testkit.RaceDetector {
		t.Skip("the race detector makes sync.Pool drop values at random")
	}
	user := testkit.As(&docslogin.User{ID: "u-42", Name: "Ada Lovelace", Email: "ada@example.com", Groups: []string{"admin", "beta"},
		APIKeys: []docslogin.APIKey{{Name: "live", Key: "sk_live_1"}, {Name: "test", Key: "sk_test_1"}}})
	es256 := platforms.Mintlify("https://docs.example.com", testkit.P256PEM)
	es256.Algorithm = jose.ES256
	es256Most := 125.0
	if strings.HasPrefix(runtime.Version(), "go1.25") {
		es256Most++ // crypto/ecdsa makes one more
	}
	for _, tt := range []struct {
		name string
		m    *docslogin.Middleware
		most float64
	}{
		{"HS256", testkit.New(t, user, readMe), 56},
		{"EdDSA", testkit.New(t, user, mintlify), 56},
		{"ES256", testkit.New(t, user, es256), es256Most},
		{"HS256, in a cookie", testkit.New(t, user, inCookie), 26},
		{"nobody", testkit.New(t, testkit.Nobody, readMe, signInPage), 12},
	} {
		got := allocations(tt.m, "/docs-login?redirect=%2Fdocs%2Fgetting-started")
		t.Logf("%s: %v allocations", tt.name, got)
		if got > tt.most {
			t.Errorf("%s: %v allocations, want at most %v", tt.name, got, tt.most)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) {})
	if bare, wrapped := allocations(mux, "/other"), allocations(testkit.New(t, testkit.Never(t), readMe).Wrap(mux), "/other"); wrapped != bare {
		t.Errorf("%v allocations for another request, %v without the middleware", wrapped, bare)
	}
}

// loadName is the app's load function, for a session that may contain a user's name.
func loadName(_ *http.Request, s *sessions.Session) (*docslogin.User, error) {
	if name, ok := s.Values["name"].(string); ok {
		return &docslogin.User{Name: name}, nil
	}
	return nil, nil
}

type brokenStore struct{ sessions.Store }

func (brokenStore) Get(*http.Request, string) (*sessions.Session, error) { return nil, errStore }

// Package sessionstore tests more sessions.
func TestSessionLookup(t *testing.T) {
	const nobody = "docslogin: nobody is signed in: "
	store, ada := sessions.NewCookieStore(sessionKey), &docslogin.User{Name: "ada"}
	for _, tt := range []struct {
		name   string
		store  sessions.Store
		values map[any]any // in the visitor's session; nil: there is none
		user   *docslogin.User
		err    string
		wraps  error
	}{
		{"a session", store, map[any]any{"name": "ada"}, ada, "<nil>", nil},
		{"a session without a user", store, map[any]any{}, nil, nobody + "load found no user in the session named app", docslogin.ErrNoUser},
		{"no session", store, nil, nil, nobody + "the request has no cookie named app", docslogin.ErrNoUser},
		{"a store that is down", brokenStore{}, nil, nil, "reading the session: the session store is down", errStore},
	} {
		r, w := httptest.NewRequest("GET", "/docs-login", nil), httptest.NewRecorder()
		if tt.values != nil {
			session := sessions.NewSession(store, "app")
			session.Options, session.Values = store.Options, tt.values
			if err := session.Save(r, w); err != nil {
				t.Fatal(err)
			}
			r.AddCookie(w.Result().Cookies()[0])
		}
		user, err := docslogin.SessionLookup(tt.store, "app", loadName)(r)
		if !reflect.DeepEqual(user, tt.user) || fmt.Sprint(err) != tt.err || !errors.Is(err, tt.wraps) {
			t.Errorf("%s: %+v, %v", tt.name, user, err)
		}
	}
}

// Package sessionstore tests more stores. Here, each problem has its row.
func TestLookupErrors(t *testing.T) {
	for _, tt := range []struct {
		name   string
		lookup docslogin.UserLookup
		want   string
	}{
		{"a nil lookup", nil, "lookup is nil; pass a func"},
		{"a nil session store", docslogin.SessionLookup(nil, "s", loadName), "lookup cannot be used: SessionLookup has a nil store"},
		{"a nil load", docslogin.SessionLookup(sessions.NewCookieStore(sessionKey), "s", nil), "lookup cannot be used: SessionLookup has a nil load"},
		{"a session name that no cookie can have", docslogin.SessionLookup(sessions.NewCookieStore(sessionKey), "my session", loadName), "lookup cannot be used: SessionLookup has a session name that no cookie can have"},
		{"a cookie store without a key", docslogin.SessionLookup(sessions.NewCookieStore(), "s", loadName), "lookup cannot be used: the session store has no key"},
		{"a cookie store whose key is empty", docslogin.SessionLookup(sessions.NewCookieStore(nil), "s", loadName), "lookup cannot be used: the session store's key is empty"},
		{"a cookie store whose encryption key has 20 bytes", docslogin.SessionLookup(sessions.NewCookieStore(sessionKey, sessionKey[:20]), "s", loadName), "lookup cannot be used: the session store's encryption key"},
	} {
		_, err := docslogin.New(tt.lookup, readMe)
		if !slices.Equal(fields(err), []string{"lookup"}) || !strings.HasPrefix(err.Error(), "docslogin: ReadMe: "+tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if tt.lookup != nil { // a lookup of the app's own may call it
			if user, err := tt.lookup(nil); user != nil || !strings.HasPrefix("lookup cannot be used: "+fmt.Sprint(err), tt.want) {
				t.Errorf("%s: called, it returns %v, %v", tt.name, user, err)
			}
		}
	}
}

func TestReturnURLReadsTheFormAndTheQuery(t *testing.T) {
	m := testkit.New(t, testkit.Nobody, readMe, signInPage)
	for _, tt := range []struct{ form, query, want string }{
		{"next=/a%3Fb", "", "/a?b"}, {"next=/a", "next=/c", "/a"}, {"next=//evil.example", "", "/"},
		{"", "next=/c%3Fd", "/c?d"}, {"", "next=//evil.example", "/"}, {"", "next=%zz", "/"}, {"", "", "/"},
	} {
		post := httptest.NewRequest("POST", "http://evil.example/sign-in?"+tt.query, strings.NewReader(tt.form))
		post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if got := m.ReturnURL(post); got != tt.want {
			t.Errorf("form %q, query %q: got %s", tt.form, tt.query, got)
		}
	}
}

// Clients that hang up during a request leave nothing behind and stop nothing.
func TestClientsThatHangUp(t *testing.T) {
	const clients = 8
	entered, outcomes := make(chan struct{}), make(chan docslogin.Outcome, clients)
	m := testkit.New(t, func(r *http.Request) (*docslogin.User, error) {
		entered <- struct{}{}
		<-r.Context().Done()
		return testkit.Ada, nil
	}, readMe, docslogin.WithObserver(func(_ context.Context, e docslogin.Event) { outcomes <- e.Outcome }))
	server := httptest.NewServer(m.Wrap(http.NotFoundHandler()))
	for range clients {
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-entered; cancel() }()
		r, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/docs-login", nil)
		if err == nil {
			_, err = http.DefaultClient.Do(r)
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	}
	server.Close() // waits for the handlers
	if close(outcomes); len(outcomes) != clients {
		t.Errorf("%d events", len(outcomes))
	}
	for o := range outcomes {
		if o != "canceled" {
			t.Errorf("%s", o)
		}
	}
}
