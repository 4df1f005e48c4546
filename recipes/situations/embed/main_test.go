package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/platforms"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
)

const secret = "the secret of the site in these tests"

// world is an app, a widget on another site, and a visitor. Its methods stand in for the scripts in embed.js
// and widget.html.
type world struct {
	*apptest.Visit
	widgetURL string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	site := docslogintest.NewMetabase(docslogintest.WithKey(secret))
	t.Cleanup(site.Close)
	w := &world{Visit: &apptest.Visit{Site: site, Visitor: apptest.NewVisitor()}}
	widget := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { newWidget(w.AppURL, secret).ServeHTTP(rw, r) }))
	t.Cleanup(widget.Close)
	w.widgetURL = onOtherSite(widget.Listener)
	w.AppURL = apptest.ServeApp(t, func(url string) (http.Handler, error) {
		return newHandler(app.Env{URL: url, Platform: site.Platform()}, w.widgetURL)
	})
	site.SetLoginURL(w.AppURL + "/docs-login")
	return w
}

// ask sends a request from the visitor's browser, with headers given as "Name: value".
func (w *world) ask(t *testing.T, method, u string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, u, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		req.Header.Set(name, value)
	}
	resp, err := w.Visitor.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// ownScript has the headers that browsers send with a fetch in a page of the app.
var ownScript = []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"}

// fetchToken returns what the page's script gets: the status and the token.
func (w *world) fetchToken(t *testing.T) (status int, token string) {
	t.Helper()
	resp, body := w.ask(t, "GET", w.AppURL+"/docs-token", ownScript...)
	return resp.StatusCode, tokenIn(t, body)
}

// tokenIn returns the token in a response of the endpoint, which must have exactly one member.
func tokenIn(t *testing.T, body string) string {
	t.Helper()
	var answer map[string]string
	if err := json.Unmarshal([]byte(body), &answer); err != nil || len(answer) != 1 {
		t.Fatalf("the response has %d members; error: %v", len(answer), err)
	}
	return answer["jwt"]
}

// dashboard returns the status and the text that the widget gets with a token.
func (w *world) dashboard(t *testing.T, token string) (status int, text string) {
	t.Helper()
	resp, body := w.ask(t, "GET", w.widgetURL+"/dashboard", "Authorization: Bearer "+token)
	return resp.StatusCode, body
}

func TestRecipe(t *testing.T) {
	w := newWorld(t)
	if status, token := w.fetchToken(t); status != 401 || token != "" {
		t.Errorf("before the sign-in, the script gets %d", status)
	}
	w.Try(t)
	page := w.Visitor.Open(t, w.AppURL+"/")
	if !strings.Contains(page.Text, `<iframe title="Widget" data-src="`+w.widgetURL+`/widget">`) {
		t.Errorf("the page does not embed the widget: %s", page.Text)
	}
	frame := w.Visitor.Open(t, w.widgetURL+"/widget")
	if frame.Status != 200 || !strings.Contains(frame.Text, `const app = "`+w.AppURL+`"`) ||
		frame.Header.Get("Content-Security-Policy") != "frame-ancestors "+w.AppURL {
		t.Errorf("the widget is not for the app's pages alone: %s %s", frame, frame.Text)
	}
	if status, _ := w.dashboard(t, ""); status != 401 {
		t.Errorf("without a token, the widget shows the dashboard: %d", status)
	}
	status, token := w.fetchToken(t)
	if status != 200 {
		t.Fatalf("the script gets %d", status)
	}
	if status, text := w.dashboard(t, token); status != 200 || text != "The dashboard of ada@example.com" {
		t.Errorf("with the token, the widget shows %d %s", status, text)
	}
	if _, script := w.ask(t, "GET", w.AppURL+"/embed.js"); script != string(embedJS) {
		t.Errorf("the page's script is %q", script)
	}
}

func TestSignOut(t *testing.T) {
	w := newWorld(t)
	w.SignIn(t)
	_, token := w.fetchToken(t)
	page := w.Visitor.Submit(t, w.Visitor.Open(t, w.AppURL+"/sign-out"))
	if !page.At(w.AppURL+"/") || strings.Contains(page.Text, "<iframe") || !strings.Contains(page.Text, "/sign-in") {
		t.Errorf("the sign-out ends at %s: %s", page, page.Text)
	}
	if status, token := w.fetchToken(t); status != 401 || token != "" {
		t.Errorf("after the sign-out, the script gets %d", status)
	}
	if status, _ := w.dashboard(t, token); status != 200 {
		t.Errorf("the token no longer works after the sign-out (%d), contrary to the comment in main.go", status)
	}
}

// TestWhichRequestsGetAToken sends requests as the browser of a signed-in user does.
func TestWhichRequestsGetAToken(t *testing.T) {
	w := newWorld(t)
	w.SignIn(t)
	fetched := func(site, mode, dest string, more ...string) []string {
		return append([]string{"Sec-Fetch-Site: " + site, "Sec-Fetch-Mode: " + mode, "Sec-Fetch-Dest: " + dest}, more...)
	}
	for _, c := range []struct {
		name, method, query string
		headers             []string
		want                int
	}{
		{"a script of the app", "GET", "", ownScript, 200},
		{"a script of the app that allows only its own origin", "GET", "", fetched("same-origin", "same-origin", "empty"), 200},
		{"Metabase's script in a page of the app", "GET", "?response=json", ownScript, 200},
		{"a script of another site", "GET", "", fetched("cross-site", "cors", "empty", "Origin: https://evil.example"), 403},
		{"a script of another subdomain", "GET", "", fetched("same-site", "cors", "empty", "Origin: https://blog.example.com"), 403},
		{"a script of another site, without CORS", "GET", "", fetched("cross-site", "no-cors", "empty"), 403},
		{"a URL that the user types", "GET", "", fetched("none", "navigate", "document"), 403},
		{"a link of the app", "GET", "", fetched("same-origin", "navigate", "document"), 403},
		{"a link of another site", "GET", "", fetched("cross-site", "navigate", "document"), 403},
		{"a link to download", "GET", "", fetched("same-origin", "navigate", "empty"), 403},
		{"a frame", "GET", "", fetched("same-origin", "navigate", "iframe"), 403},
		{"an image", "GET", "", fetched("same-origin", "no-cors", "image"), 403},
		{"a script element", "GET", "", fetched("same-origin", "no-cors", "script"), 403},
		{"a module", "GET", "", fetched("same-origin", "cors", "script"), 403},
		{"a JSON module", "GET", "", fetched("same-origin", "cors", "json"), 403},
		{"a prefetch", "GET", "", fetched("same-origin", "no-cors", "empty", "Sec-Purpose: prefetch"), 403},
		{"a prefetch with CORS", "GET", "", fetched("same-origin", "cors", "empty", "Sec-Purpose: prefetch;prerender"), 403},
		{"a prefetch of an older browser", "GET", "", fetched("same-origin", "cors", "empty", "Purpose: prefetch"), 403},
		{"a preview", "GET", "", fetched("same-origin", "cors", "empty", "X-Purpose: preview"), 403},
		{"a prefetch of an older Firefox", "GET", "", fetched("same-origin", "cors", "empty", "X-Moz: prefetch"), 403},
		{"a request without Sec-Fetch headers", "GET", "", nil, 403},
		{"HEAD", "HEAD", "", ownScript, 405},
		{"POST", "POST", "", ownScript, 405},
		{"a preflight", "OPTIONS", "", fetched("cross-site", "cors", "empty", "Origin: https://evil.example", "Access-Control-Request-Method: GET"), 405},
	} {
		resp, body := w.ask(t, c.method, w.AppURL+"/docs-token"+c.query, c.headers...)
		if resp.StatusCode != c.want || c.method != "HEAD" && (tokenIn(t, body) != "") != (c.want == 200) {
			t.Errorf("%s gets %d, want %d", c.name, resp.StatusCode, c.want)
		}
		for name, want := range map[string]string{
			"Content-Type": "application/json", "Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff", "Vary": "Cookie, Sec-Fetch-Site",
			"Access-Control-Allow-Origin": "", "Access-Control-Allow-Credentials": "", "Location": "", "Set-Cookie": "",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s gets the header %s: %q, want %q", c.name, name, got, want)
			}
		}
	}
}

// respond creates an endpoint, and sends it a request as the app's script does. It returns the response and
// the log.
func respond(t *testing.T, ctx context.Context, lookup docslogin.UserLookup, opts ...docslogin.Option) (w *httptest.ResponseRecorder, log string) {
	t.Helper()
	docs, err := docslogin.New(lookup, platforms.Metabase("https://metabase.example.com", secret), opts...)
	if err != nil {
		t.Fatal(err)
	}
	before := slog.Default()
	defer slog.SetDefault(before)
	var lines bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug})))
	r := httptest.NewRequestWithContext(ctx, "GET", "/docs-token", nil)
	for _, header := range ownScript {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	w = httptest.NewRecorder()
	docsToken(docs, lookup)(w, r)
	return w, lines.String()
}

// result returns a lookup that returns user and err.
func result(user *docslogin.User, err error) docslogin.UserLookup {
	return func(*http.Request) (*docslogin.User, error) { return user, err }
}

func TestAnswers(t *testing.T) {
	ada := &docslogin.User{ID: "ada", Email: "ada@example.com"}
	expired := &docslogin.User{ID: "ada", Email: "ada@example.com", ExpiresAt: time.Now().Add(-time.Minute)}
	down := errors.New("db.internal: connection refused")
	mapper := func(err error) docslogin.Option {
		return docslogin.WithClaimsMapper(func(context.Context, *docslogin.User, docslogin.Claims) error { return err })
	}
	for _, c := range []struct {
		name   string
		lookup docslogin.UserLookup
		opt    docslogin.Option
		want   int
		body   string // "": a token
		log    string // the level and the cause; "": there is no line
	}{
		{"a user", result(ada, nil), nil, 200, "", ""},
		{"nobody", result(nil, docslogin.ErrNoUser), nil, 401, "Nobody is signed in.", "level=DEBUG docslogin: nobody is signed in"},
		{"a nil user", result(nil, nil), nil, 401, "Nobody is signed in.", "level=DEBUG docslogin: no_user: nobody is signed in"},
		{"a session that has ended", result(expired, nil), nil, 401, "Nobody is signed in.", "level=DEBUG ExpiresAt passed 1m0s ago"},
		{"a user who is locked out", result(nil, docslogin.ErrForbidden), nil, 403, "You may not use this.", ""},
		{"a user whom a mapper rejects", result(ada, nil), mapper(docslogin.ErrForbidden), 403, "You may not use this.", ""},
		{"a user without an e-mail address", result(&docslogin.User{ID: "ada"}, nil), nil, 500, "The token cannot be created.", "level=ERROR the user lacks what the platform requires: email"},
		{"a session store that is down", result(nil, down), nil, 500, "The token cannot be created.", "level=ERROR db.internal: connection refused"},
		{"a mapper that fails", result(ada, nil), mapper(down), 500, "The token cannot be created.", "level=ERROR db.internal: connection refused"},
	} {
		var opts []docslogin.Option
		if c.opt != nil {
			opts = append(opts, c.opt)
		}
		w, log := respond(t, t.Context(), c.lookup, opts...)
		want := `{"error":"` + c.body + `"}` + "\n"
		if token := tokenIn(t, w.Body.String()); w.Code != c.want || (token != "") != (c.body == "") || token == "" && w.Body.String() != want {
			t.Errorf("%s: the response is %d, want %d %s", c.name, w.Code, c.want, want)
		}
		level, cause, _ := strings.Cut(c.log, " ")
		if !strings.Contains(log, level) || !strings.Contains(log, cause) || strings.Count(log, "\n") != min(len(c.log), 1) {
			t.Errorf("%s: the log is %q", c.name, log)
		}
	}
}

func TestVisitorWhoHasGone(t *testing.T) {
	gone, leave := context.WithCancel(t.Context())
	leave()
	w, log := respond(t, gone, result(&docslogin.User{Email: "ada@example.com"}, nil))
	if w.Body.Len() != 0 || log != "" {
		t.Errorf("the response is %q, and the log is %q; both must be empty", w.Body, log)
	}
}

// A token expires after three minutes. After that, the widget needs another one.
func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const appURL, widgetURL = "http://app.example.com", "http://widget.example.com"
		handler, err := newHandler(app.Env{URL: appURL, Platform: platforms.Metabase("https://metabase.example.com", secret)}, widgetURL)
		if err != nil {
			t.Fatal(err)
		}
		do := func(handler http.Handler, method, target, form string, headers ...string) *http.Response {
			r, w := httptest.NewRequest(method, target, strings.NewReader(form)), httptest.NewRecorder()
			for _, header := range headers {
				name, value, _ := strings.Cut(header, ": ")
				r.Header.Set(name, value)
			}
			handler.ServeHTTP(w, r)
			return w.Result()
		}
		signedIn := do(handler, "POST", "/sign-in", "email="+apptest.Ada, "Content-Type: application/x-www-form-urlencoded")
		session := "Cookie: session=" + signedIn.Cookies()[0].Value
		fetchToken := func() string {
			body, _ := io.ReadAll(do(handler, "GET", "/docs-token", "", append(ownScript, session)...).Body)
			return tokenIn(t, string(body))
		}
		dashboard := func(token string) int {
			return do(newWidget(appURL, secret), "GET", "/dashboard", "", "Authorization: Bearer "+token).StatusCode
		}
		token := fetchToken()
		for _, c := range []struct {
			passes time.Duration
			want   int
		}{{2 * time.Minute, 200}, {2 * time.Minute, 401}} {
			time.Sleep(c.passes)
			if status := dashboard(token); status != c.want {
				t.Errorf("after another %s, the widget responds with %d, want %d", c.passes, status, c.want)
			}
		}
		if status := dashboard(fetchToken()); status != 200 {
			t.Errorf("with another token, the widget responds with %d", status)
		}
	})
}

// TestTheTokenIsNowhereElse looks for tokens where they do not belong. The login route itself puts one into
// a URL, because Metabase's own pages take the token only there.
func TestTheTokenIsNowhereElse(t *testing.T) {
	w := newWorld(t)
	log := apptest.CaptureLog(t)
	slog.SetDefault(slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	w.SignIn(t)
	if status, token := w.fetchToken(t); status != 200 || !strings.HasPrefix(token, "eyJ") {
		t.Fatalf("the script gets %d", status)
	}
	page := w.Visitor.Open(t, w.AppURL+"/")
	texts := map[string]string{"the page": page.Text, "the log": log.String()}
	at, _ := url.Parse(w.AppURL)
	for _, cookie := range w.Visitor.Client().Jar.Cookies(at) {
		texts["the cookie "+cookie.Name] = cookie.Value
	}
	for where, text := range texts {
		if text == "" || strings.Contains(text, "eyJ") {
			t.Errorf("%s is empty or has a token: %s", where, text)
		}
	}
	widget, _ := url.Parse(w.widgetURL)
	if cookies := w.Visitor.Client().Jar.Cookies(widget); len(cookies) > 0 {
		t.Errorf("the widget gets %d cookies", len(cookies))
	}
	policy := "default-src 'none'; script-src 'self'; connect-src 'self'; frame-src " + w.widgetURL + "; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
	if got := page.Header.Get("Content-Security-Policy"); got != policy || page.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("other scripts may run in the page, or caches may store it: %s", got)
	}
}

// TestScripts checks the text of the scripts, which the other tests stand in for.
func TestScripts(t *testing.T) {
	for _, never := range []string{`"*"`, `'*'`, "localStorage", "sessionStorage", "indexedDB", "cookie =", "console", "innerHTML", "location", "XMLHttpRequest", "?jwt"} {
		if strings.Contains(string(embedJS), never) || strings.Contains(widgetHTML, never) {
			t.Errorf("a script contains %s", never)
		}
	}
	for _, line := range []string{
		`if (event.origin !== widget || event.source !== frame.contentWindow || event.data !== "token needed") return`,
		`frame.contentWindow.postMessage({jwt}, widget)`,
	} {
		if strings.Count(string(embedJS), line) != 1 || strings.Count(string(embedJS), "postMessage") != 1 {
			t.Errorf("embed.js does not check who asks for the token, or where it sends the token")
		}
	}
	if strings.Count(pageHTML, "<script") != 1 || !strings.Contains(pageHTML, `<script src="/embed.js" defer></script>`) {
		t.Errorf("the page has another script")
	}
}
