package userinfo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
	"github.com/docslogin/docslogin/userinfo"
)

// The configured origins.
const docs, preview = "https://docs.example.com", "https://preview.example.com:8443"

var (
	ada = &docslogin.User{
		ID: "u-42", Name: "Ada Lovelace", Email: "ada@example.com", Groups: []string{"admin"},
		APIKeys: []docslogin.APIKey{{Key: "sk_1"}}, ExpiresAt: testkit.Noon.Add(time.Hour),
	}
	errStore = errors.New("the session store is down")
)

const adas = `{"apiPlaygroundInputs":{"header":{"Authorization":"Bearer sk_1"}},"content":{"email":"ada@example.com","name":"Ada Lovelace"},"expiresAt":1700003600,"groups":["admin"]}`

func newHandler(t *testing.T, lookup docslogin.UserLookup, p docslogin.Platform, opts ...docslogin.Option) http.Handler {
	t.Helper()
	h, err := userinfo.New(lookup, p, []string{docs, preview}, append([]docslogin.Option{testkit.Silent, testkit.AtNoon}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func mapper(f func(claims docslogin.Claims) error) docslogin.Option {
	return docslogin.WithClaimsMapper(func(_ context.Context, _ *docslogin.User, claims docslogin.Claims) error { return f(claims) })
}

// options returns the options that make a handler report to told, and option unless it is nil.
func options(told *testkit.Told, option docslogin.Option) []docslogin.Option {
	if option == nil {
		return told.Options()
	}
	return append(told.Options(), option)
}

// testHeaders tests that the response has each header on one line, with that value, or not at
// all if the value is "".
func testHeaders(t *testing.T, resp *http.Response, want map[string]string) {
	t.Helper()
	for name, value := range want {
		got := resp.Header.Values(name)
		if value == "" && got != nil || value != "" && !slices.Equal(got, []string{value}) {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
}

// testTold tests that a request had one event and one log line, with that outcome and status.
func testTold(t *testing.T, told *testkit.Told, outcome docslogin.Outcome, status int) {
	t.Helper()
	if len(told.Events) != 1 || told.Events[0].Outcome != outcome || told.Lines != 1 {
		t.Errorf("%d log lines and the events %+v, want %s", told.Lines, told.Events, outcome)
	}
	if want := fmt.Sprintf(`"http.response.status_code":%d,`, status); !strings.Contains(told.String(), want) || strings.Contains(told.String(), "http.route") {
		t.Errorf("told, want %s and no route:\n%s", want, told)
	}
}

func TestAnswers(t *testing.T) {
	for _, tt := range []struct {
		name    string
		lookup  docslogin.UserLookup
		option  docslogin.Option
		status  int
		outcome docslogin.Outcome
		cause   string
		body    string
	}{
		{"a user", testkit.As(ada), nil, 200, "user_info", "", adas},
		{"a user, with a mapper of the app", testkit.As(testkit.Ada), mapper(func(claims docslogin.Claims) error {
			claims.Object("content")["seat"] = 7
			return nil
		}), 200, "user_info", "", `{"content":{"email":"ada@example.com","name":"Ada Lovelace","seat":7},"expiresAt":1701209600}`},
		{"nobody", testkit.Nobody, nil, 401, "no_user", "docslogin: nobody is signed in", `{"error":"Unauthorized"}`},
		{"a nil user", testkit.As(nil), nil, 401, "no_user", "docslogin: nobody is signed in", `{"error":"Unauthorized"}`},
		{"a user whose session has ended", testkit.As(&docslogin.User{ID: "1", ExpiresAt: testkit.Noon.Add(-time.Hour)}), nil, 401, "no_user",
			"docslogin: nobody is signed in: ExpiresAt passed 1h0m0s ago", `{"error":"Unauthorized"}`},
		{"a user who may not read the docs", testkit.Failing(docslogin.ErrForbidden), nil, 403, "forbidden", "docslogin: the user may not read these docs", `{"error":"Forbidden"}`},
		{"an empty user", testkit.As(&docslogin.User{}), nil, 403, "incomplete_user", "the lookup returned a user without an ID, a name, or an e-mail address; return ErrNoUser for a visitor who is not signed in", `{"error":"Forbidden"}`},
		{"a store that fails", testkit.Failing(errStore), nil, 500, "lookup_failed", "the session store is down", `{"error":"Internal Server Error"}`},
		{"a lookup that panics", func(*http.Request) (*docslogin.User, error) { panic("x") }, nil, 500, "panic", "x", `{"error":"Internal Server Error"}`},
		{"a mapper that fails", testkit.As(ada), mapper(func(docslogin.Claims) error { return errStore }), 500, "mapper_failed", "the session store is down", `{"error":"Internal Server Error"}`},
		{"a mapper that sets a reserved claim", testkit.As(ada), testkit.Sets("exp", 1), 500, "reserved_claim",
			`a mapper, an attribute, or an API key's value sets the reserved claim "exp", which the library writes; use another name`, `{"error":"Internal Server Error"}`},
		{"a claim that has no JSON", testkit.As(ada), testkit.Sets("f", func() {}), 500, "mapper_failed", `the claim "f", a func(), cannot be written as JSON`, `{"error":"Internal Server Error"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var told testkit.Told
			h := newHandler(t, tt.lookup, platforms.MintlifyInfo(), options(&told, tt.option)...)
			resp := testkit.Get(t, h, "/user-info", "Origin: "+docs)
			if body := strings.TrimSpace(testkit.Body(t, resp)); resp.StatusCode != tt.status || body != tt.body {
				t.Errorf("%d %s\nwant %d %s", resp.StatusCode, body, tt.status, tt.body)
			}
			testHeaders(t, resp, map[string]string{"Content-Type": "application/json", "Access-Control-Allow-Origin": docs, "Access-Control-Allow-Credentials": "true"})
			testTold(t, &told, tt.outcome, tt.status)
			if err := told.Events[0].Err; (err == nil) != (tt.cause == "") || err != nil && err.Error() != tt.cause {
				t.Errorf("the cause is %v, want %s", err, tt.cause)
			}
		})
	}
}

func TestTheEventNamesTheUserOfASessionThatHasEnded(t *testing.T) {
	var told testkit.Told
	user := &docslogin.User{ID: "1", ExpiresAt: testkit.Noon}
	testkit.Get(t, newHandler(t, testkit.As(user), platforms.MintlifyInfo(), told.Options()...), "/")
	if len(told.Events) != 1 || told.Events[0].UserID != "1" {
		t.Errorf("%+v", told.Events)
	}
}

func TestWhichRequestsAreAnswered(t *testing.T) {
	asked := func(headers ...string) []string { return headers }
	for _, tt := range []struct {
		name    string
		headers []string
		reads   string // the origin whose pages can read the response
	}{
		{"a page of the docs", asked("Origin: " + docs), docs},
		{"a page of the other origin", asked("Origin: " + preview), preview},
		{"a script in a browser, same site", asked("Origin: "+docs, "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", "Sec-Fetch-Site: same-site"), docs},
		{"a script of the app's own", asked("Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", "Sec-Fetch-Site: same-origin"), ""},
		{"a script of the app's own, with the mode same-origin", asked("Sec-Fetch-Mode: same-origin", "Sec-Fetch-Dest: empty"), ""},
		{"neither Origin nor Sec-Fetch-Dest, as from old browsers", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var told testkit.Told
			credentials := ""
			if tt.reads != "" {
				credentials = "true"
			}
			resp := testkit.Get(t, newHandler(t, testkit.As(ada), platforms.MintlifyInfo(), told.Options()...), "/user-info", tt.headers...)
			if body := testkit.Body(t, resp); resp.StatusCode != 200 || body != adas {
				t.Errorf("%d %s", resp.StatusCode, body)
			}
			testHeaders(t, resp, map[string]string{"Access-Control-Allow-Origin": tt.reads, "Access-Control-Allow-Credentials": credentials})
			testTold(t, &told, "user_info", 200)
		})
	}
}

const (
	foreign    = "the request comes from a page whose origin is not configured"
	unreadable = "no script can read the response, according to the request's Sec-Fetch-Dest or Sec-Fetch-Mode"
)

func TestWhichRequestsAreRejected(t *testing.T) {
	asked := func(headers ...string) []string { return headers }
	for _, tt := range []struct {
		name    string
		headers []string
		reads   string // the origin whose pages can read the response
		cause   string
	}{
		{"a foreign origin", asked("Origin: https://evil.example"), "", foreign},
		{"a foreign origin, by a script", asked("Origin: https://evil.example", "Sec-Fetch-Dest: empty"), "", foreign},
		{"a page without an origin", asked("Origin: null"), "", foreign},
		{"an empty origin", asked("Origin: "), "", foreign},
		{"an origin that begins with a configured one", asked("Origin: " + docs + ".evil.example"), "", foreign},
		{"an origin with another port", asked("Origin: " + docs + ":8443"), "", foreign},
		{"an origin with a slash", asked("Origin: " + docs + "/"), "", foreign},
		{"an http origin", asked("Origin: http://docs.example.com"), "", foreign},
		{"an origin in upper case", asked("Origin: https://Docs.example.com"), "", foreign},
		{"two origins", asked("Origin: "+docs, "Origin: "+docs), "", foreign},
		{"two origins on a line", asked("Origin: " + docs + " " + preview), "", foreign},
		{"a wildcard", asked("Origin: *"), "", foreign},
		{"a script element", asked("Sec-Fetch-Dest: script", "Sec-Fetch-Mode: no-cors"), "", unreadable},
		{"a script element with a configured origin", asked("Origin: "+docs, "Sec-Fetch-Dest: script", "Sec-Fetch-Mode: cors"), docs, unreadable},
		{"an object element", asked("Sec-Fetch-Dest: object"), "", unreadable},
		{"an image", asked("Sec-Fetch-Dest: image"), "", unreadable},
		{"a frame", asked("Sec-Fetch-Dest: iframe", "Sec-Fetch-Mode: navigate"), "", unreadable},
		{"a navigation", asked("Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate"), "", unreadable},
		{"a destination without a name", asked("Sec-Fetch-Dest: "), "", unreadable},
		{"too many destinations", asked(slices.Repeat([]string{"Sec-Fetch-Dest: empty"}, 1200)...), "", unreadable},
		{"a prefetch or a preload", asked("Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: no-cors"), "", unreadable},
		{"a navigation that a service worker passes on", asked("Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: navigate"), "", unreadable},
		{"another mode on a second line", asked("Sec-Fetch-Mode: cors", "Sec-Fetch-Mode: no-cors"), "", unreadable},
		{"another destination on a second line", asked("Sec-Fetch-Dest: empty", "Sec-Fetch-Dest: script"), "", unreadable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var told testkit.Told
			resp := testkit.Get(t, newHandler(t, testkit.Never(t), platforms.MintlifyInfo(), told.Options()...), "/user-info", tt.headers...)
			if body := testkit.Body(t, resp); resp.StatusCode != 403 || body != "{\"error\":\"Forbidden\"}\n" {
				t.Errorf("%d %s", resp.StatusCode, body)
			}
			if got := resp.Header.Get("Access-Control-Allow-Origin"); got != tt.reads || (resp.Header.Get("Access-Control-Allow-Credentials") != "") != (tt.reads != "") {
				t.Errorf("%q can read the response, want %q: %v", got, tt.reads, resp.Header)
			}
			testTold(t, &told, "origin", 403)
			if e := told.Events[0]; e.Err == nil || e.Err.Error() != tt.cause || e.Warning != "" {
				t.Errorf("%+v, want %s", e, tt.cause)
			}
		})
	}
}

func TestNoOriginIsConfigured(t *testing.T) {
	h, err := userinfo.New(testkit.As(ada), platforms.MintlifyInfo(), nil, testkit.Silent, testkit.AtNoon)
	if err != nil {
		t.Fatal(err)
	}
	if resp := testkit.Get(t, h, "/", "Origin: "+docs); resp.StatusCode != 403 {
		t.Errorf("the docs: %d", resp.StatusCode)
	}
	if resp := testkit.Get(t, h, "/", "Sec-Fetch-Dest: empty"); resp.StatusCode != 200 {
		t.Errorf("the app: %d", resp.StatusCode)
	}
}

func TestOnlyGETIsAnswered(t *testing.T) {
	for _, method := range []string{"HEAD", "POST", "PUT", "DELETE", "get", "ASK"} {
		for _, headers := range [][]string{{"Origin: " + docs}, {"Origin: https://evil.example"}, nil} {
			var told testkit.Told
			resp := testkit.Do(t, newHandler(t, testkit.Never(t), platforms.MintlifyInfo(), told.Options()...), method, "/user-info", headers...)
			if body := strings.TrimSpace(testkit.Body(t, resp)); resp.StatusCode != 405 || body != `{"error":"Method Not Allowed"}` {
				t.Errorf("%s: %d %s", method, resp.StatusCode, body)
			}
			testHeaders(t, resp, map[string]string{"Allow": "GET, OPTIONS"})
			testTold(t, &told, "method", 405)
		}
	}
}

func TestPreflight(t *testing.T) {
	for _, tt := range []struct {
		name    string
		headers []string
		reads   string
		allowed string // header
	}{
		{"a page of the docs", []string{"Origin: " + docs, "Access-Control-Request-Method: GET"}, docs, "Authorization"},
		{"a page of the docs, with a header", []string{"Origin: " + preview, "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: authorization, x-other"}, preview, "Authorization"},
		{"a foreign page", []string{"Origin: https://evil.example", "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: authorization"}, "", ""},
		{"a page without an origin", []string{"Origin: null", "Access-Control-Request-Method: GET"}, "", ""},
		{"two origins", []string{"Origin: " + docs, "Origin: " + docs}, "", ""},
		{"no origin", nil, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var told testkit.Told
			credentials := ""
			if tt.reads != "" {
				credentials = "true"
			}
			resp := testkit.Do(t, newHandler(t, testkit.Never(t), platforms.MintlifyInfo(), told.Options()...), "OPTIONS", "/user-info", tt.headers...)
			if body := testkit.Body(t, resp); resp.StatusCode != 204 || body != "" {
				t.Errorf("%d %s", resp.StatusCode, body)
			}
			testHeaders(t, resp, map[string]string{
				"Access-Control-Allow-Origin": tt.reads, "Access-Control-Allow-Credentials": credentials, "Access-Control-Allow-Headers": tt.allowed,
				"Access-Control-Allow-Methods": "", "Allow": "GET, OPTIONS", "Content-Type": "",
			})
			if told.Lines != 0 || told.Events != nil {
				t.Errorf("told: %s", &told)
			}
		})
	}
}

// outer returns a handler that sets headers of its own before it calls h.
func outer(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept-Encoding")
		w.Header().Add("Vary", "Accept")
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Allow-Credentials", "true")
		h.ServeHTTP(w, r)
	})
}

func TestHeadersOfEveryResponse(t *testing.T) {
	for _, tt := range []struct {
		name   string
		lookup docslogin.UserLookup
		method string
		origin string
		reads  string
	}{
		{"an answer", testkit.As(ada), "GET", docs, docs},
		{"nobody", testkit.Nobody, "GET", docs, docs},
		{"a fault", testkit.Failing(errStore), "GET", docs, docs},
		{"a panic", func(*http.Request) (*docslogin.User, error) { panic("x") }, "GET", docs, docs},
		{"a foreign page", testkit.As(ada), "GET", "https://evil.example", ""},
		{"another method", testkit.As(ada), "POST", docs, docs},
		{"a preflight", testkit.As(ada), "OPTIONS", docs, docs},
		{"a foreign preflight", testkit.As(ada), "OPTIONS", "https://evil.example", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			credentials := ""
			if tt.reads != "" {
				credentials = "true"
			}
			h := newHandler(t, tt.lookup, platforms.MintlifyInfo())
			always := map[string]string{
				"Cache-Control": "private, no-store, max-age=0", "Pragma": "no-cache", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
				"Access-Control-Allow-Origin": tt.reads, "Access-Control-Allow-Credentials": credentials, "Location": "", "Vary": "Origin, Cookie, Authorization",
			}
			testHeaders(t, testkit.Do(t, h, tt.method, "/user-info", "Origin: "+tt.origin), always)
			always["Vary"] = "Accept-Encoding, Accept, Origin, Cookie, Authorization"
			testHeaders(t, testkit.Do(t, outer(h), tt.method, "/user-info", "Origin: "+tt.origin), always)
		})
	}
}

// The JSON has the mapped and the static claims, and not those that are about a token.
func TestEveryPreset(t *testing.T) {
	for _, p := range testkit.Presets() {
		t.Run(p.Name, func(t *testing.T) {
			body := testkit.Body(t, testkit.Get(t, newHandler(t, testkit.As(testkit.Ada), p), "/"))
			var claims map[string]any
			if err := json.Unmarshal([]byte(body), &claims); err != nil || !strings.Contains(body, "ada@example.com") {
				t.Errorf("got %s (%v)", body, err)
			}
			for name, want := range p.Static {
				if got, set := claims[name]; !set || fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s is %v, want %v", name, got, want)
				}
			}
			for _, name := range []string{"exp", "iat", "jti", "host", "nbf"} {
				if _, set := claims[name]; set {
					t.Errorf("there is %s: %s", name, body)
				}
			}
		})
	}
}

func TestStaticClaims(t *testing.T) {
	p := platforms.MintlifyInfo()
	p.Static = docslogin.Claims{"version": 1, "iss": "https://app.example.com"}
	const want = `{"content":{"email":"ada@example.com","name":"Ada Lovelace"},"expiresAt":1701209600,"iss":"https://app.example.com","version":1}`
	if got := testkit.Body(t, testkit.Get(t, newHandler(t, testkit.As(testkit.Ada), p), "/")); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if resp := testkit.Get(t, newHandler(t, testkit.As(testkit.Ada), p, testkit.Sets("iss", "me")), "/"); resp.StatusCode != 500 {
		t.Errorf("a mapper sets a static claim: %d", resp.StatusCode)
	}
}

func TestErrorHandler(t *testing.T) {
	for _, tt := range []struct {
		name    string
		origin  string
		outcome docslogin.Outcome
	}{
		{"a user who may not read the docs", docs, "forbidden"},
		{"a foreign page", "https://evil.example", "origin"},
	} {
		var got *docslogin.LoginError
		h := newHandler(t, testkit.Failing(docslogin.ErrForbidden), platforms.MintlifyInfo(), docslogin.WithSignInPage("/sign-in", "next"),
			docslogin.WithErrorHandler(func(w http.ResponseWriter, _ *http.Request, err *docslogin.LoginError) {
				got = err
				http.Error(w, "the app's own", err.Status)
			}))
		resp := testkit.Get(t, h, "/", "Origin: "+tt.origin)
		if body := testkit.Body(t, resp); resp.StatusCode != 403 || body != "the app's own\n" {
			t.Errorf("%s: %d %s", tt.name, resp.StatusCode, body)
		}
		if got == nil || got.Outcome != tt.outcome || got.Status != 403 || got.SignInURL != "" {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}

func TestOptionsOfTheLoginRouteHaveNoEffect(t *testing.T) {
	h := newHandler(t, testkit.Nobody, platforms.MintlifyInfo(), docslogin.WithPath("/in"), docslogin.WithExternalURL("https://app.example.com"),
		docslogin.WithSignInPage("https://login.example.com", "next"), docslogin.WithTokenTTL(time.Second))
	if resp := testkit.Get(t, h, "/user-info"); resp.StatusCode != 401 || resp.Header.Get("Location") != "" {
		t.Errorf("%d, %v", resp.StatusCode, resp.Header)
	}
}

// Package address tests every form of an origin.
func TestOriginsAreWrittenAsBrowsersSendThem(t *testing.T) {
	for origin, want := range map[string]string{
		"https://docs.example.com/": "must be written as browsers send it",
		"http://docs.example.com":   "must be https",
		"*":                         "does not begin with https://",
		"null":                      "does not begin with https://",
	} {
		h, err := userinfo.New(testkit.Nobody, platforms.MintlifyInfo(), []string{"https://first.example.com", origin})
		errs := testkit.ConfigErrors(err)
		if h != nil || len(errs) != 1 || errs[0].Field != "origins[1]" || !strings.Contains(errs[0].Reason, want) {
			t.Errorf("%s: %v", origin, err)
		}
	}
	for _, origin := range []string{"https://docs.example.com:8443", "http://localhost:8081"} {
		if _, err := userinfo.New(testkit.Nobody, platforms.MintlifyInfo(), []string{"https://first.example.com", origin}); err != nil {
			t.Errorf("%s: %v", origin, err)
		}
	}
}

func TestInsecureHTTPAllowsAnHTTPOrigin(t *testing.T) {
	p := platforms.MintlifyInfo()
	p.InsecureHTTP = true
	if _, err := userinfo.New(testkit.Nobody, p, []string{"http://docs.example.com"}); err != nil {
		t.Error(err)
	}
}

func TestAllConfigErrorsAtOnce(t *testing.T) {
	h, err := userinfo.New(nil, docslogin.Platform{}, []string{"*", docs, "null"}, docslogin.WithSessionTTL(time.Hour), nil, docslogin.WithClock(nil))
	var fields []string
	for _, e := range testkit.ConfigErrors(err) {
		fields = append(fields, e.Field)
	}
	slices.Sort(fields)
	if want := []string{"Platform.Name", "WithClock", "WithSessionTTL", "lookup", "option 2", "origins[0]", "origins[2]"}; h != nil || !slices.Equal(fields, want) {
		t.Errorf("got  %q\nwant %q", fields, want)
	}
	for line := range strings.Lines(fmt.Sprint(err)) {
		if !strings.HasPrefix(line, "docslogin: ") {
			t.Errorf("a line does not begin with docslogin: %q", line)
		}
	}
}

func TestOriginsAreCopied(t *testing.T) {
	origins := []string{docs}
	h, err := userinfo.New(testkit.As(ada), platforms.MintlifyInfo(), origins, testkit.Silent, testkit.AtNoon)
	if err != nil {
		t.Fatal(err)
	}
	origins[0] = "https://evil.example"
	if resp := testkit.Get(t, h, "/", "Origin: https://evil.example"); resp.StatusCode != 403 {
		t.Errorf("%d, %v", resp.StatusCode, resp.Header)
	}
}

func TestAVisitorWhoHasGone(t *testing.T) {
	var told testkit.Told
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	newHandler(t, testkit.As(ada), platforms.MintlifyInfo(), told.Options()...).ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/", nil))
	if w.Body.Len() > 0 {
		t.Errorf("the response is %s", w.Body)
	}
	testTold(t, &told, "canceled", 0)
}

// No event and no log line contains an origin, a query, a cookie, a key, or a claim.
func TestNothingIsTold(t *testing.T) {
	const hiddenDocs = "https://hidden-docs.example"
	for _, tt := range []struct {
		outcome docslogin.Outcome
		method  string
		origin  string
		lookup  docslogin.UserLookup
		option  docslogin.Option
	}{
		{"user_info", "GET", hiddenDocs, testkit.As(testkit.Hidden), nil},
		{"origin", "GET", "https://hidden-origin.example", testkit.As(testkit.Hidden), nil},
		{"method", "POST", hiddenDocs, testkit.As(testkit.Hidden), nil},
		{"no_user", "GET", hiddenDocs, testkit.Nobody, nil},
		{"no_user", "GET", hiddenDocs, testkit.As(testkit.Hidden), docslogin.WithClock(func() time.Time { return testkit.Hidden.ExpiresAt })},
		{"forbidden", "GET", hiddenDocs, testkit.As(testkit.Hidden), mapper(func(docslogin.Claims) error { return docslogin.ErrForbidden })},
		{"incomplete_user", "GET", hiddenDocs, testkit.As(&docslogin.User{}), nil},
		{"lookup_failed", "GET", hiddenDocs, testkit.Failing(errStore), nil},
		{"mapper_failed", "GET", hiddenDocs, testkit.As(testkit.Hidden), testkit.Sets("odd", json.Number("hidden-claim"))},
		{"reserved_claim", "GET", hiddenDocs, testkit.As(testkit.Hidden), testkit.Sets("exp", "hidden-claim")},
		{"panic", "GET", hiddenDocs, func(*http.Request) (*docslogin.User, error) { panic(testkit.Hidden) }, nil},
	} {
		for _, p := range testkit.Presets() {
			var told testkit.Told
			h, err := userinfo.New(tt.lookup, p, []string{hiddenDocs}, append([]docslogin.Option{testkit.AtNoon}, options(&told, tt.option)...)...)
			if err != nil {
				t.Fatal(err)
			}
			testkit.Do(t, h, tt.method, "/user-info?hidden-parameter=hidden-query", "Origin: "+tt.origin, "Cookie: session=hidden-cookie", "Authorization: Bearer hidden-token")
			testkit.Do(t, h, "OPTIONS", "/user-info", "Origin: "+tt.origin) // has neither event nor log line
			if len(told.Events) != 1 || told.Events[0].Outcome != tt.outcome || told.Events[0].Platform != p.Name || told.Lines != 1 {
				t.Errorf("%s, %s: %d log lines, %+v", tt.outcome, p.Name, told.Lines, told.Events)
			}
			for _, text := range []string{"hidden", "Hidden", "68696464656e", "evil", testkit.Secret, testkit.Ed25519PEM[30:60], "1700012345"} {
				if strings.Contains(told.String(), text) {
					t.Errorf("%s, %s: %q is told:\n%s", tt.outcome, p.Name, text, &told)
				}
			}
		}
	}
}
