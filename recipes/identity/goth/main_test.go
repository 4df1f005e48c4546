package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
	"github.com/gorilla/sessions"
)

// with returns the recipe with a provider.
func with(t *testing.T) (*fake, func(app.Env) (http.Handler, error)) {
	t.Helper()
	fake, err := newFake()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fake.server.Close() })
	return fake, func(env app.Env) (http.Handler, error) { return newHandler(env, fake.URL, newStore(time.Hour)) }
}

func TestRecipe(t *testing.T) {
	fake, _ := with(t)
	store := newStore(time.Hour)
	v := apptest.Serve(t, func(env app.Env) (http.Handler, error) { return newHandler(env, fake.URL, store) })
	isGone := v.PlantValue(t, store)
	v.Try(t)
	isGone()
}

func TestUnverifiedAddress(t *testing.T) {
	for _, verified := range []any{false, nil, "false"} {
		fake, newHandler := with(t)
		fake.verified = verified
		v := apptest.Serve(t, newHandler)
		page := v.Visitor.SignIn(t, v.Visitor.Open(t, v.AppURL+"/docs-login"), v.Site.URL)
		if !page.At(v.AppURL+page.URL.RequestURI()) || page.Status != http.StatusForbidden {
			t.Errorf("a user whose address is verified: %v ends at %s", verified, page)
		}
	}
}

func TestProviderThatIsDown(t *testing.T) {
	fake, newHandler := with(t)
	v := apptest.Serve(t, newHandler)
	form := v.Visitor.Open(t, v.AppURL+"/docs-login")
	fake.Down.Store(true)
	if page := v.Visitor.SignIn(t, form, v.Site.URL); !page.At(v.AppURL+page.URL.RequestURI()) || page.Status != http.StatusBadGateway {
		t.Errorf("after a failed sign-in, the visitor ends at %s", page)
	}
	if page := v.Visitor.Open(t, v.AppURL+"/docs-login"); !page.At(fake.URL + page.URL.RequestURI()) {
		t.Errorf("after a failed sign-in, the route leads to %s", page)
	}
}

func TestProviderThatIsDownAtTheStart(t *testing.T) {
	fake, newHandler := with(t)
	fake.server.Close()
	if _, err := newHandler(app.Env{}); err == nil {
		t.Error("there is an app without a provider")
	}
}

// get opens a page of the app's and does not follow where it leads.
func get(t *testing.T, v *apptest.Visit, path string, cookies ...*http.Cookie) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.AppURL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range cookies {
		req.AddCookie(cookie)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

// A stranger who chooses the state of somebody's sign-in could end it as themselves.
func TestStateFromAStranger(t *testing.T) {
	fake, newHandler := with(t)
	v := apptest.Serve(t, newHandler)
	begun := get(t, v, "/sign-in?state=known")
	to, err := begun.Location()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(to.String(), fake.URL) || len(to.Query().Get("state")) < 20 {
		t.Errorf("the provider gets the state %q", to.Query().Get("state"))
	}
	callback := "/callback?code=" + fake.grant(grant{"mallory@example.com", v.AppURL + "/callback"}) + "&state="
	for _, tt := range []struct {
		name, state string
		status      int
	}{
		{"a state that a stranger knows", "known", http.StatusBadRequest},
		{"no state", "", http.StatusBadRequest},
		{"the state of this sign-in", to.Query().Get("state"), http.StatusSeeOther},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if resp := get(t, v, callback+tt.state, begun.Cookies()...); resp.StatusCode != tt.status {
				t.Errorf("the callback is answered %s", resp.Status)
			}
		})
	}
}

func TestCookies(t *testing.T) {
	_, newHandler := with(t)
	cookies := get(t, apptest.Serve(t, newHandler), "/sign-in").Cookies()
	if len(cookies) != 2 {
		t.Fatalf("there are %d cookies, not the session's and gothic's", len(cookies))
	}
	for _, cookie := range cookies {
		if cookie.Path != "/" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.MaxAge <= 0 {
			t.Errorf("the cookie %s is for %s, HttpOnly %t, SameSite %d, Max-Age %d", cookie.Name, cookie.Path, cookie.HttpOnly, cookie.SameSite, cookie.MaxAge)
		}
	}
}

// Somebody begins a sign-in, and plants the cookie of its session in another's browser.
func TestPlantedSession(t *testing.T) {
	fake, _ := with(t)
	store := sessions.NewFilesystemStore(t.TempDir(), []byte(strings.Repeat("k", 64)))
	v := apptest.Serve(t, func(env app.Env) (http.Handler, error) { return newHandler(env, fake.URL, store) })
	form := v.Visitor.Open(t, v.AppURL+"/docs-login")
	at, err := url.Parse(v.AppURL)
	if err != nil {
		t.Fatal(err)
	}
	planted := v.Visitor.Client().Jar.Cookies(at)
	if page := v.Visitor.SignIn(t, form, v.Site.URL); !page.At(v.Site.URL + "/") {
		t.Errorf("after signing in, the visitor ends at %s", page)
	}
	if got := v.OpenRoute(t, planted...); got != "a sign-in page" {
		t.Errorf("the planted session leads to %s", got)
	}
}

// A return URL that does not fit into a cookie is lost, but the sign-in works.
func TestLongReturnURL(t *testing.T) {
	_, newHandler := with(t)
	v := apptest.Serve(t, newHandler)
	page := v.Visitor.SignIn(t, v.Visitor.Open(t, v.Site.URL+"/reference?q="+strings.Repeat("%20", 650)), v.AppURL)
	if !page.At(v.AppURL+"/") || page.Status != http.StatusOK || !strings.Contains(page.Text, apptest.Ada) {
		t.Errorf("the visitor ends at %s, not signed in at the app's home page", page)
	}
}
