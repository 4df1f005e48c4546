package apptest

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/platforms"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/gorilla/sessions"
)

// PostSignIn signs in as Ada at the recipe's sign-in form, in a browser that has the cookies
// and no others, and returns the answer: its body is closed, and it is not followed.
func (v *Visit) PostSignIn(t *testing.T, cookies ...*http.Cookie) *http.Response {
	t.Helper()
	form := url.Values{"email": {Ada}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, v.AppURL+"/sign-in", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, cookie := range cookies {
		req.AddCookie(cookie)
	}
	resp, err := v.Visitor.client.Transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

// Session signs in as PostSignIn does and returns the cookie of the session.
func (v *Visit) Session(t *testing.T, cookies ...*http.Cookie) *http.Cookie {
	t.Helper()
	resp := v.PostSignIn(t, cookies...)
	if resp.StatusCode != http.StatusSeeOther || len(resp.Cookies()) != 1 {
		t.Fatalf("signing in is answered %s, with %d cookies", resp.Status, len(resp.Cookies()))
	}
	return resp.Cookies()[0]
}

// OpenRoute opens the login route, in a new browser that has the cookies and no others, and returns
// where that leads: "the docs", "a sign-in page", or the status of another page.
func (v *Visit) OpenRoute(t *testing.T, cookies ...*http.Cookie) string {
	t.Helper()
	u, err := url.Parse(v.AppURL)
	if err != nil {
		t.Fatal(err)
	}
	visitor := NewVisitor()
	for _, cookie := range cookies {
		visitor.client.Jar.SetCookies(u, []*http.Cookie{{Name: cookie.Name, Value: cookie.Value, Path: "/"}})
	}
	switch page := visitor.Open(t, v.AppURL+"/docs-login"); {
	case page.At(v.Site.URL + "/"):
		return "the docs"
	case page.Status == http.StatusOK && page.HasForm():
		return "a sign-in page"
	default:
		return http.StatusText(page.Status)
	}
}

// Outcomes returns an option that observes the login route, and a func that returns the outcome of
// the next request.
func Outcomes(t *testing.T) (docslogin.Option, func() docslogin.Outcome) {
	t.Helper()
	outcomes := make(chan docslogin.Outcome, 100)
	observe := docslogin.WithObserver(func(_ context.Context, e docslogin.Event) { outcomes <- e.Outcome })
	return observe, func() docslogin.Outcome {
		t.Helper()
		select {
		case outcome := <-outcomes:
			return outcome
		case <-time.After(timeout):
			t.Fatal("there was no further request on the login route")
			return ""
		}
	}
}

// CaptureLog returns what the test's process writes to slog's default logger until the test ends.
func CaptureLog(t *testing.T) *bytes.Buffer {
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	var log bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	return &log
}

// Tampered returns a cookie with one letter changed.
func Tampered(cookie *http.Cookie) *http.Cookie {
	value, middle := []byte(cookie.Value), len(cookie.Value)/2
	if value[middle]++; value[middle] == 'z'+1 || value[middle] == 'Z'+1 || value[middle] == '9'+1 {
		value[middle] = 'a'
	}
	return &http.Cookie{Name: cookie.Name, Value: string(value)}
}

// TryCookie checks that browsers send the session's cookie when they come from the docs, and that
// the session lasts that long and no longer, even if the cookie is kept: only browsers obey its
// Max-Age.
func TryCookie(t *testing.T, newHandler func(app.Env) (http.Handler, error), lasts time.Duration) {
	t.Helper()
	v := Serve(t, newHandler)
	cookie := v.Session(t)
	if cookie.Path != "/" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.MaxAge != int(lasts.Seconds()) {
		t.Errorf("the session's cookie is for %s, HttpOnly %t, SameSite %d, Max-Age %d", cookie.Path, cookie.HttpOnly, cookie.SameSite, cookie.MaxAge)
	}
	if got := v.OpenRoute(t, Tampered(cookie)); got != "a sign-in page" {
		t.Errorf("a session that was tampered with leads to %s", got)
	}
	if got := v.OpenRoute(t, v.Session(t, Tampered(cookie))); got != "the docs" {
		t.Errorf("after signing in with such a session, the route leads to %s", got)
	}
	synctest.Test(t, func(t *testing.T) {
		const docsURL = "https://docs.example.com"
		handler, err := newHandler(app.Env{URL: "http://app.example.com", Platform: platforms.ReadMe(docsURL, "0123456789abcdef")})
		if err != nil {
			t.Fatal(err)
		}
		post := httptest.NewRequest(http.MethodPost, "/sign-in", strings.NewReader("email="+Ada))
		post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		signedIn := httptest.NewRecorder()
		handler.ServeHTTP(signedIn, post)
		leads := func() string {
			r, w := httptest.NewRequest(http.MethodGet, "/docs-login", nil), httptest.NewRecorder()
			for _, cookie := range signedIn.Result().Cookies() {
				r.AddCookie(cookie)
			}
			handler.ServeHTTP(w, r)
			to, _, _ := strings.Cut(w.Header().Get("Location"), "?")
			return strings.TrimSuffix(to, "/")
		}
		time.Sleep(lasts - time.Minute)
		if got := leads(); got != docsURL {
			t.Errorf("a minute before its end, a session leads to %q", got)
		}
		time.Sleep(2 * time.Minute)
		if got := leads(); got != "/sign-in" {
			t.Errorf("a minute after its end, a session leads to %q", got)
		}
	})
}

// PlantValue puts a session with a value into the visitor's browser, as an earlier user may have left
// it. Call isGone after the sign-in. It checks that the visitor has a session without that value.
func (v *Visit) PlantValue(t *testing.T, store sessions.Store) (isGone func()) {
	t.Helper()
	at, err := url.Parse(v.AppURL + "/")
	if err != nil {
		t.Fatal(err)
	}
	v.Visitor.client.Jar.SetCookies(at, []*http.Cookie{plant(t, store)})
	return func() {
		t.Helper()
		checkPlanted(t, store, v.Visitor.client.Jar.Cookies(at)...)
	}
}

// plant returns the cookie of a session with a value.
func plant(t *testing.T, store sessions.Store) *http.Cookie {
	t.Helper()
	r, w := httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder()
	session, err := store.New(r, "session")
	if err != nil {
		t.Fatal(err)
	}
	session.Values["cart"] = "full"
	if err := session.Save(r, w); err != nil {
		t.Fatal(err)
	}
	return w.Result().Cookies()[0]
}

// checkPlanted checks that the cookies are those of a session without the value that plant sets.
func checkPlanted(t *testing.T, store sessions.Store, cookies ...*http.Cookie) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, cookie := range cookies {
		r.AddCookie(cookie)
	}
	if session, err := store.New(r, "session"); err != nil || len(session.Values) == 0 || session.Values["cart"] != nil {
		t.Errorf("after signing in, the session is %v, error %v", session.Values, err)
	}
}

// TryFiles is for recipes whose sessions are gorilla's, here in files: on the server, with an ID,
// in a store that can fail. It checks what Try does, that a sign-in begins a new session, and that
// there is no redirect when the store is down.
func TryFiles(t *testing.T, over func(*sessions.FilesystemStore) func(app.Env) (http.Handler, error)) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "sessions")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	store := sessions.NewFilesystemStore(folder, []byte(strings.Repeat("k", 64)))
	store.Options.HttpOnly, store.Options.SameSite = true, http.SameSiteLaxMode
	v := Try(t, over(store))

	planted := plant(t, store) // somebody has planted it in another user's browser
	cookie := v.Session(t, planted)
	if got := v.OpenRoute(t, cookie); got != "the docs" {
		t.Errorf("the new session leads to %s", got)
	}
	if got := v.OpenRoute(t, planted); got != "a sign-in page" {
		t.Errorf("the planted session leads to %s", got)
	}
	checkPlanted(t, store, cookie)

	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if got := v.OpenRoute(t, cookie); got != "Internal Server Error" {
		t.Errorf("with a store that is down, the route leads to %s", got)
	}
	if resp := v.PostSignIn(t); resp.StatusCode != http.StatusInternalServerError {
		t.Errorf("with a store that is down, signing in is answered %s", resp.Status)
	}
}
