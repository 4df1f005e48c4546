package flow_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/platforms"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
	"github.com/docslogin/docslogin/recipes/internal/flow"
	"golang.org/x/oauth2"
)

// browser is at the app, which is not on the network.
type browser struct {
	flows *flow.Cookies
	docs  *docslogin.Middleware
	url   *url.URL
	jar   http.CookieJar
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	return newBrowserAt(t, "http://127.0.0.1:8080")
}

func newBrowserAt(t *testing.T, appURL string) *browser {
	t.Helper()
	at, err := url.Parse(appURL + "/")
	if err != nil {
		t.Fatal(err)
	}
	docs, err := docslogin.New(app.SignedIn, platforms.ReadMe("https://docs.example.com", "0123456789abcdef"), app.SignInPage)
	if err != nil {
		t.Fatal(err)
	}
	jar, _ := cookiejar.New(nil) // never fails
	return &browser{flow.New(appURL), docs, at, jar}
}

// request returns a request with the browser's cookies.
func (b *browser) request(path string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for _, cookie := range b.jar.Cookies(b.url) {
		r.AddCookie(cookie)
	}
	return r
}

func (b *browser) begin(t *testing.T, returnURL string) flow.Flow {
	t.Helper()
	w := httptest.NewRecorder()
	begun, ok := b.flows.Begin(w, b.request("/sign-in?next="+url.QueryEscape(returnURL)), b.docs)
	if !ok {
		t.Fatalf("the sign-in page responds %d", w.Code)
	}
	b.jar.SetCookies(b.url, w.Result().Cookies())
	return begun
}

func (b *browser) end(query string) (begun flow.Flow, code string, resp *httptest.ResponseRecorder) {
	resp = httptest.NewRecorder()
	begun, code, _ = b.flows.End(resp, b.request("/callback?"+query))
	b.jar.SetCookies(b.url, resp.Result().Cookies())
	return begun, code, resp
}

func TestEachSignInEndsOnce(t *testing.T) {
	b := newBrowser(t)
	one, two := b.begin(t, "/one?a=1&b=2"), b.begin(t, "/two")
	if one.ReturnURL != "/one?a=1&b=2" || two.ReturnURL != "/two" {
		t.Errorf("the return URLs are %q and %q", one.ReturnURL, two.ReturnURL)
	}
	if long := b.begin(t, "/three?"+strings.Repeat("q", 1000)); long.ReturnURL != "/docs-login" {
		t.Errorf("for a long one, the return URL is %q", long.ReturnURL)
	} else {
		b.end("code=c&state=" + long.State)
	}
	if one.State == two.State || one.Nonce == two.Nonce || one.Verifier == two.Verifier {
		t.Errorf("two sign-ins have the same secret")
	}
	for _, begun := range []flow.Flow{one, two} {
		if got, code, _ := b.end("code=c&state=" + begun.State); got != begun || code != "c" {
			t.Errorf("the sign-in for %s ends as one for %q, with the code %q", begun.ReturnURL, got.ReturnURL, code)
		}
		if got, code, resp := b.end("code=c&state=" + begun.State); got != (flow.Flow{}) || code != "" || resp.Code != http.StatusBadRequest {
			t.Errorf("the second time, the callback is answered %d", resp.Code)
		}
	}
	if left := b.jar.Cookies(b.url); len(left) > 0 {
		t.Errorf("%d cookies are left", len(left))
	}
}

func TestCallbacksThatAreRejected(t *testing.T) {
	for _, row := range []struct {
		name, query string // {state} is the sign-in's
		status      int
		says        string
		used        bool
	}{
		{"without a state", "code=c", 400, "did not begin here", false},
		{"with another state", "code=c&state=ABCDEFGHIJKLMNOPQRSTUVWXYZ", 400, "did not begin here", false},
		{"with a state that is the name of a cookie", "code=c&state=sign_in_{state}", 400, "did not begin here", false},
		{"with a state that is part of the name of another cookie", "code=c&state=here", 400, "did not begin here", false},
		{"with a state and more", "code=c&state={state};", 400, "did not begin here", false},
		{"that declines", "error=access_denied&state={state}", 403, "did not sign you in", true},
		{"that declines another sign-in", "error=access_denied&state=ABCDEFGHIJKLMNOPQRSTUVWXYZ", 400, "did not begin here", false},
		{"without a code", "state={state}", 400, "incomplete", true},
		{"with a code that is not printable", "code=%00&state={state}", 400, "incomplete", true},
		{"with a code that is not ASCII", "code=%C3%A9&state={state}", 400, "incomplete", true},
		{"with a code that is too long", "code=" + strings.Repeat("c", 5000) + "&state={state}", 400, "incomplete", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			log := apptest.CaptureLog(t)
			b := newBrowser(t)
			begun := b.begin(t, `/one?a=1&b="2"`)
			b.jar.SetCookies(b.url, []*http.Cookie{{Name: "sign_in_here", Value: "1"}})
			got, code, resp := b.end(strings.ReplaceAll(row.query, "{state}", begun.State))
			if got != (flow.Flow{}) || code != "" || resp.Code != row.status || !strings.Contains(resp.Body.String(), row.says) {
				t.Errorf("the callback is answered %d %s", resp.Code, resp.Body)
			}
			link := `<a href="/sign-in?next=">`
			if row.used {
				link = `<a href="/sign-in?next=%2fone%3fa%3d1%26b%3d%25222%2522">`
			}
			if kind := resp.Header().Get("Content-Type"); !strings.Contains(resp.Body.String(), link) || kind != "text/html; charset=utf-8" {
				t.Errorf("there is no link to sign in again: %s: %s", kind, resp.Body)
			}
			if n := len(resp.Result().Cookies()); (n == 1) != row.used {
				t.Errorf("the response changes %d cookies", n)
			}
			if _, _, resp := b.end("code=c&state=" + begun.State); (resp.Code == http.StatusBadRequest) != row.used {
				t.Errorf("after that, the sign-in's own callback is answered %d", resp.Code)
			}
			if strings.Contains(log.String(), "level=WARN") || strings.Contains(log.String(), "level=ERROR") {
				t.Errorf("anybody can log: %s", log)
			}
		})
	}
}

func TestACookieIsForOneState(t *testing.T) {
	b := newBrowser(t)
	b.begin(t, "/one")
	value := b.jar.Cookies(b.url)[0].Value
	const state = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	b.jar.SetCookies(b.url, []*http.Cookie{{Name: "sign_in_" + state, Value: value}})
	if _, _, resp := b.end("code=c&state=" + state); resp.Code != http.StatusBadRequest {
		t.Error("the cookie of a sign-in is valid for another one")
	}
}

// Another subdomain can set cookies, but none whose name begins with __Host-. With the cookie and the
// callback of its own sign-in, it could sign the visitor in as somebody else.
func TestAPlantedCookieDoesNotCount(t *testing.T) {
	b := newBrowserAt(t, "https://app.example.com")
	begun := b.begin(t, "/one")
	own := b.jar.Cookies(b.url)[0]
	if own.Name != "__Host-sign_in_"+begun.State {
		t.Fatalf("the cookie is %s", own.Name)
	}
	other := newBrowserAt(t, "https://app.example.com")
	other.flows = b.flows
	other.jar.SetCookies(other.url, []*http.Cookie{{Name: "sign_in_" + begun.State, Value: own.Value, Domain: "example.com"}})
	if _, _, resp := other.end("code=c&state=" + begun.State); resp.Code != http.StatusBadRequest {
		t.Error("a cookie that another subdomain can plant counts")
	}
	if got, _, _ := b.end("code=c&state=" + begun.State); got != begun {
		t.Error("the app's own cookie does not count")
	}
}

func TestCookieName(t *testing.T) {
	for appURL, want := range map[string]string{
		"https://app.example.com": "__Host-session", "HTTPS://app.example.com": "__Host-session",
		"http://127.0.0.1:8080": "session", "http://localhost/https://": "session",
	} {
		if name, secure := flow.CookieName(appURL, "session"); name != want || secure != (want != "session") {
			t.Errorf("at %s, the name is %s, Secure: %t", appURL, name, secure)
		}
	}
}

func TestASignInExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBrowser(t)
		one, two := b.begin(t, "/one"), b.begin(t, "/two")
		kept := b.request("/callback?code=c&state=" + two.State) // only browsers obey the cookie's Max-Age
		time.Sleep(9 * time.Minute)
		if got, _, _ := b.end("code=c&state=" + one.State); got != one {
			t.Error("after nine minutes, the sign-in has expired")
		}
		time.Sleep(2 * time.Minute)
		if _, _, ok := b.flows.End(httptest.NewRecorder(), kept); ok {
			t.Error("after eleven minutes, the sign-in has not expired")
		}
	})
}

// A page can open the app's sign-in page again and again, for example in a window.
func TestSignInsDoNotFillTheHeader(t *testing.T) {
	b := newBrowser(t)
	b.jar.SetCookies(b.url, []*http.Cookie{{Name: "session", Value: strings.Repeat("s", 3000)}, {Name: "sign_in_here", Value: "1"}})
	for _, returnURL := range []string{"/", "/?q=" + strings.Repeat("q", 700), "/?q=" + strings.Repeat("q", 5000)} {
		var begun []flow.Flow
		for range 30 {
			begun = append(begun, b.begin(t, returnURL))
			if length := len(b.request("/").Header.Get("Cookie")); length > 3000+4500 {
				t.Fatalf("after %d sign-ins, the header has %d bytes", len(begun), length)
			}
		}
		for i, last := range begun[28:] {
			if got, _, _ := b.end("code=c&state=" + last.State); got != last {
				t.Errorf("of thirty, sign-in %d cannot end", 29+i)
			}
		}
	}
	if left := b.request("/").Header.Get("Cookie"); !strings.Contains(left, "session=s") || !strings.Contains(left, "sign_in_here=1") {
		t.Errorf("a cookie of something else is gone: %s", left)
	}
}

func TestFailures(t *testing.T) {
	invalid := &oauth2.RetrieveError{ErrorCode: "invalid_grant", Response: &http.Response{}}
	client := &oauth2.RetrieveError{ErrorCode: "invalid_client", Response: &http.Response{}}
	for _, row := range []struct {
		name   string
		err    error
		gone   bool
		status int
		level  string
	}{
		{"an invalid code", invalid, false, 400, "INFO"},
		{"no ID token, or one of another sign-in", flow.ErrIDToken, false, 400, "INFO"},
		{"a visitor who has gone", errors.New("oidc: context canceled"), true, 400, "INFO"},
		{"a wrong secret", client, false, 502, "ERROR"},
		{"a provider that is down", context.DeadlineExceeded, false, 502, "ERROR"},
	} {
		t.Run(row.name, func(t *testing.T) {
			log := apptest.CaptureLog(t)
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			if row.gone {
				leave()
			}
			w := httptest.NewRecorder()
			flow.Flow{ReturnURL: "/one"}.Failed(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/callback", nil), row.err)
			if w.Code != row.status || !strings.Contains(w.Body.String(), `<a href="/sign-in?next=%2fone">`) || strings.Contains(w.Body.String(), row.err.Error()) {
				t.Errorf("answered %d %s", w.Code, w.Body)
			}
			if !strings.Contains(log.String(), "level="+row.level) || strings.Count(log.String(), "\n") != 1 {
				t.Errorf("the operator reads %s", log)
			}
		})
	}
}
