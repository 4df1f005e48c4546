package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
)

// visit is a visitor whose redirects are counted.
type visit struct {
	*apptest.Visit
	redirects int // of the last request
}

// start serves the app, and docs whose logout leads to what their dashboard says.
func start(t *testing.T, logoutURL func(appURL string) string, opts ...docslogintest.Option) *visit {
	t.Helper()
	v := &visit{Visit: &apptest.Visit{Visitor: apptest.NewVisitor()}}
	v.AppURL = apptest.ServeApp(t, func(appURL string) (http.Handler, error) {
		docs, err := newDocs(logoutURL(appURL), opts...)
		if err != nil {
			return nil, err
		}
		t.Cleanup(docs.Close)
		docs.SetLoginURL(appURL + "/docs-login")
		v.Site = docs.Site
		return newHandler(app.Env{URL: appURL, Platform: docs.Platform()})
	})
	v.Visitor.Client().CheckRedirect = func(_ *http.Request, via []*http.Request) error {
		if v.redirects = len(via); v.redirects > 10 {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return v
}

func toSignOut(appURL string) string { return appURL + "/sign-out" }

func (v *visit) open(t *testing.T, u string) apptest.Page {
	t.Helper()
	v.redirects = 0
	return v.Visitor.Open(t, u)
}

func (v *visit) submit(t *testing.T, p apptest.Page) apptest.Page {
	t.Helper()
	v.redirects = 0
	return v.Visitor.Submit(t, p)
}

// signIn opens a page of the docs and signs in.
func (v *visit) signIn(t *testing.T) apptest.Page {
	t.Helper()
	page := v.Visitor.SignIn(t, v.open(t, v.Site.URL+"/quickstart"), v.Site.URL)
	if !page.At(v.Site.URL+"/quickstart") || len(v.Site.Logins()) != 1 {
		t.Fatalf("signing in ends at %s; rejections: %v", page, v.Site.Rejections())
	}
	return page
}

// isSignedOut wants the visitor to be signed out on both sides, and to see a form.
func (v *visit) isSignedOut(t *testing.T) {
	t.Helper()
	if page := v.open(t, v.Site.URL+"/reference"); page.URL.Path != "/sign-in" || !page.HasForm() || v.redirects > 2 {
		t.Errorf("a visitor who is signed out and opens a page of the docs ends at %s after %d redirects, not at the sign-in form after 2", page, v.redirects)
	}
	if page := v.open(t, v.AppURL+"/"); !strings.Contains(page.Text, `href="/sign-in"`) {
		t.Errorf("a visitor who is signed out and opens the app ends at %s: %s", page, page.Text)
	}
	if n := len(v.Site.Logins()); n != 1 {
		t.Errorf("the docs saw %d logins, not the first one alone", n)
	}
}

// isSignedIn wants the visitor to be signed in at the app.
func (v *visit) isSignedIn(t *testing.T) {
	t.Helper()
	if page := v.open(t, v.AppURL+"/"); !strings.Contains(page.Text, apptest.Ada) {
		t.Fatalf("a user who did not sign out of the app ends at %s, not at the home page", page)
	}
}

// isOut wants the page that says so, and that leads nowhere.
func (v *visit) isOut(t *testing.T, page apptest.Page, redirects int) {
	t.Helper()
	at := page.At(v.AppURL+"/sign-out") || page.At(v.AppURL+"/sign-out?location=%2F")
	if !at || page.HasForm() || !strings.Contains(page.Text, "You are signed out.") || v.redirects > redirects {
		t.Errorf("signing out ends at %s after %d redirects, not at the page that says so after %d", page, v.redirects, redirects)
	}
}

func TestRecipe(t *testing.T) {
	v := start(t, toSignOut)
	isGone := v.PlantValue(t, store)
	v.Try(t)
	isGone()
}

func TestSignOutAtTheApp(t *testing.T) {
	v := start(t, toSignOut)
	v.signIn(t)
	page := v.open(t, v.AppURL+"/sign-out")
	v.isSignedIn(t) // opening the page is not enough
	v.isOut(t, v.submit(t, page), 2)
	v.isSignedOut(t)
}

func TestLogOutOfTheDocs(t *testing.T) {
	v := start(t, toSignOut)
	page := v.submit(t, v.signIn(t)) // the button in the head of its pages
	if !page.At(v.AppURL+"/sign-out?location=%2F") || !page.HasForm() || v.redirects > 2 {
		t.Fatalf("the docs' Log out ends at %s after %d redirects, not at the app's sign-out page after 2", page, v.redirects)
	}
	v.isSignedIn(t)
	v.isOut(t, v.submit(t, page), 2)
	v.isSignedOut(t)
}

func TestLogoutWithoutALogoutURLInTheDashboard(t *testing.T) {
	v := start(t, func(string) string { return "" })
	v.signIn(t)
	page := v.submit(t, v.open(t, v.AppURL+"/sign-out"))
	if !page.At(v.Site.URL+"/") || v.redirects > 2 {
		t.Errorf("signing out ends at %s after %d redirects, not at the docs' root after 2", page, v.redirects)
	}
	v.isSignedOut(t)
}

// The logout URL in the dashboard is a private page of the docs.
func TestLogoutThatLeadsToTheDocs(t *testing.T) {
	v := start(t, func(string) string { return "/quickstart" })
	v.signIn(t)
	page := v.submit(t, v.open(t, v.AppURL+"/sign-out"))
	if page.URL.Path != "/sign-in" || !page.HasForm() || v.redirects > 4 {
		t.Errorf("signing out ends at %s after %d redirects, not at the sign-in form after 4", page, v.redirects)
	}
	v.isSignedOut(t)
}

func TestSignOutOfNobody(t *testing.T) {
	v := start(t, toSignOut)
	v.isOut(t, v.open(t, v.AppURL+"/sign-out"), 0)
	resp, err := v.Visitor.Client().PostForm(v.AppURL+"/sign-out", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Request.URL.Path != "/sign-out" || v.redirects != 2 {
		t.Errorf("a visitor who is not signed in and signs out ends at %s (%d) after %d redirects", resp.Request.URL.Path, resp.StatusCode, v.redirects)
	}
}

func TestOtherPagesSignNobodyOut(t *testing.T) {
	v := start(t, toSignOut)
	v.signIn(t)
	for name, c := range map[string]struct {
		method, header, value string
		want                  int
	}{
		"an image":               {http.MethodGet, "Sec-Fetch-Dest", "image", 200},
		"a link":                 {http.MethodGet, "Sec-Fetch-Site", "cross-site", 200},
		"a form":                 {http.MethodPost, "Sec-Fetch-Site", "cross-site", 403},
		"a form of the docs":     {http.MethodPost, "Sec-Fetch-Site", "same-site", 403},
		"a form, an old browser": {http.MethodPost, "Origin", "https://evil.example", 403},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, v.AppURL+"/sign-out", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(c.header, c.value)
		resp, err := v.Visitor.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s gets %d, not %d", name, resp.StatusCode, c.want)
		}
		v.isSignedIn(t)
	}
}

// A browser that ends the app's session and never arrives at the docs' logout.
func TestDocsSessionIsShort(t *testing.T) {
	var ahead atomic.Int64 // of the docs' clock
	v := start(t, toSignOut, docslogintest.WithClock(func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }))
	v.signIn(t)
	claims := v.Site.Logins()[0].Claims
	iat, _ := claims["iat"].(json.Number).Int64()
	exp, _ := claims["exp"].(json.Number).Int64()
	if lasts := exp - iat; lasts > 600 || lasts < 590 {
		t.Errorf("the docs session lasts %d seconds, not 600", lasts)
	}
	client := v.Visitor.Client()
	follow := client.CheckRedirect
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	v.submit(t, v.open(t, v.AppURL+"/sign-out"))
	client.CheckRedirect = follow
	if page := v.open(t, v.Site.URL+"/reference"); !page.At(v.Site.URL + "/reference") {
		t.Fatalf("the docs session has ended already: %s", page)
	}
	ahead.Store(int64(601 * time.Second))
	v.isSignedOut(t)
}

func TestDocsSessionEndsWithTheApps(t *testing.T) {
	w := httptest.NewRecorder()
	if err := signIn(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/sign-in", nil), "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	cookie := w.Result().Cookies()[0]
	r.AddCookie(cookie)
	user, err := signedIn(r)
	if err != nil {
		t.Fatal(err)
	}
	if cookie.MaxAge != 3600 || time.Until(user.ExpiresAt) > time.Hour || time.Until(user.ExpiresAt) < 50*time.Minute {
		t.Errorf("the cookie lasts %d seconds and the user until %s, not an hour each", cookie.MaxAge, user.ExpiresAt)
	}
}
