package main

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
	"github.com/docslogin/docslogin/recipes/internal/fakeidp"
	"github.com/docslogin/docslogin/recipes/internal/flow/flowtest"
	"github.com/gorilla/sessions"
)

// serve serves the recipe with a store; the provider is at the test's disposal.
func serve(t *testing.T, store sessions.Store) (*apptest.Visit, *fakeidp.Provider) {
	t.Helper()
	var idp *fakeidp.Provider
	v := apptest.Serve(t, func(env app.Env) (_ http.Handler, err error) {
		if idp, err = fakeidp.Start(env.URL + "/callback"); err != nil {
			return nil, err
		}
		t.Cleanup(idp.Close)
		return newHandler(env, idp.URL, idp.ClientID, idp.ClientSecret, store)
	})
	return v, idp
}

func TestRecipe(t *testing.T) {
	store := newStore("http://127.0.0.1")
	v, _ := serve(t, store)
	isGone := v.PlantValue(t, store)
	v.Try(t)
	isGone()
}

func TestTLS(t *testing.T) {
	flowtest.TryTLS(t, func(env app.Env) (http.Handler, error) {
		idp, err := fakeidp.Start(env.URL + "/callback")
		if err != nil {
			return nil, err
		}
		t.Cleanup(idp.Close)
		return newHandler(env, idp.URL, idp.ClientID, idp.ClientSecret, newStore(env.URL))
	})
}

func TestUnverifiedAddress(t *testing.T) {
	for _, verified := range []any{false, nil, "false"} {
		v, idp := serve(t, newStore("http://127.0.0.1"))
		idp.SetClaims(func(claims map[string]any) { claims["email_verified"] = verified })
		page := v.Visitor.SignIn(t, v.Visitor.Open(t, v.AppURL+"/docs-login"), v.Site.URL)
		if !page.At(v.AppURL+page.URL.RequestURI()) || page.Status != http.StatusForbidden {
			t.Errorf("a user whose address is verified: %v ends at %s", verified, page)
		}
	}
}

// atCallback calls f before the visitor opens the callback.
func atCallback(v *apptest.Visit, f func(callback *url.URL)) {
	v.Visitor.Client().CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/callback" {
			f(r.URL)
		}
		return nil
	}
}

func TestProviderThatIsDown(t *testing.T) {
	v, idp := serve(t, newStore("http://127.0.0.1"))
	log := apptest.CaptureLog(t)
	atCallback(v, func(*url.URL) { idp.SetDown(true) })
	page := v.Visitor.SignIn(t, v.Visitor.Open(t, v.AppURL+"/docs-login"), v.Site.URL)
	if page.URL.Path != "/callback" || page.Status != http.StatusBadGateway || !strings.Contains(log.String(), "503") {
		t.Errorf("after a failed sign-in, the visitor ends at %s; the operator reads %q", page, log)
	}
	idp.SetDown(false)
	if page := v.Visitor.Open(t, v.AppURL+"/docs-login"); !page.At(idp.URL) {
		t.Errorf("after a failed sign-in, the route leads to %s", page)
	}
}

func TestProviderThatIsDownAtTheStart(t *testing.T) {
	_, idp := serve(t, newStore("http://127.0.0.1"))
	idp.Close()
	if _, err := newHandler(app.Env{}, idp.URL, idp.ClientID, idp.ClientSecret, newStore("http://127.0.0.1")); err == nil {
		t.Error("there is an app without a provider")
	}
}

func TestTabs(t *testing.T) {
	v, _ := serve(t, newStore("http://127.0.0.1"))
	one, two := v.Visitor.Open(t, v.AppURL+"/docs-login?redirect=/one"), v.Visitor.Open(t, v.AppURL+"/docs-login?redirect=/two")
	for path, form := range map[string]apptest.Page{"/one": one, "/two": two} {
		if page := v.Visitor.SignIn(t, form, v.Site.URL); !page.At(v.Site.URL + path) {
			t.Errorf("the tab for %s ends at %s", path, page)
		}
	}
}

// A visitor can change all that the browser sends. The recipe adds nonce and challenge itself.
func TestSignInsThatAreChanged(t *testing.T) {
	for _, row := range []struct {
		name   string
		form   func(query url.Values) // of the request to the provider
		back   func(query url.Values) // of the callback
		status int
	}{
		{"in nothing", nil, nil, http.StatusOK},
		{"in the nonce", func(q url.Values) { q.Set("nonce", "another") }, nil, http.StatusBadRequest},
		{"in the challenge", func(q url.Values) { q.Set("code_challenge", "another") }, nil, http.StatusBadRequest},
		{"to a scope without an ID token", func(q url.Values) { q.Set("scope", "email") }, nil, http.StatusBadRequest},
		{"to none that began here", nil, func(q url.Values) { q.Set("state", "known") }, http.StatusBadRequest},
		{"to one without a state", nil, func(q url.Values) { q.Del("state") }, http.StatusBadRequest},
		{"to one without a code", nil, func(q url.Values) { q.Del("code") }, http.StatusBadRequest},
		{"to one with another code", nil, func(q url.Values) { q.Set("code", "another") }, http.StatusBadRequest},
		{"to one with another verifier", nil, func(q url.Values) { q.Set("code_verifier", "another") }, http.StatusOK},
		{"to one with another redirect URL", nil, func(q url.Values) { q.Set("redirect_uri", "another") }, http.StatusOK},
		{"to one that was declined", nil, func(q url.Values) { q.Set("error", "access_denied"); q.Del("code") }, http.StatusForbidden},
	} {
		t.Run(row.name, func(t *testing.T) {
			log := apptest.CaptureLog(t)
			v, _ := serve(t, newStore("http://127.0.0.1"))
			form := v.Visitor.Open(t, v.AppURL+"/sign-in")
			if row.form != nil {
				query := form.URL.Query()
				row.form(query)
				form.URL.RawQuery = query.Encode()
				form = v.Visitor.Open(t, form.URL.String())
			}
			atCallback(v, func(callback *url.URL) {
				if row.back != nil {
					query := callback.Query()
					row.back(query)
					callback.RawQuery = query.Encode()
				}
			})
			page := v.Visitor.SignIn(t, form, v.AppURL)
			if page.Status != row.status || strings.Contains(page.Text, `<a href="/sign-in`) != (row.status != http.StatusOK) {
				t.Errorf("ends at %s: %s", page, page.Text)
			}
			if strings.Contains(log.String(), "level=WARN") || strings.Contains(log.String(), "level=ERROR") {
				t.Errorf("anybody can log: %s", log)
			}
		})
	}
}

func TestSessionCookie(t *testing.T) {
	v, _ := serve(t, newStore("http://127.0.0.1"))
	var session *http.Cookie
	v.Visitor.Client().CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		for _, cookie := range r.Response.Cookies() {
			if cookie.Name == "session" {
				session = cookie
			}
		}
		return nil
	}
	v.SignIn(t)
	if session == nil || session.Path != "/" || !session.HttpOnly || session.SameSite != http.SameSiteLaxMode || session.MaxAge != 12*60*60 {
		t.Errorf("the session's cookie has other attributes: %t", session != nil)
	}
}

func TestSessionThatCannotBeSaved(t *testing.T) {
	log := apptest.CaptureLog(t)
	v, _ := serve(t, sessions.NewFilesystemStore(filepath.Join(t.TempDir(), "missing"), []byte(strings.Repeat("k", 64))))
	page := v.Visitor.SignIn(t, v.Visitor.Open(t, v.AppURL+"/sign-in"), v.AppURL)
	if page.Status != http.StatusInternalServerError || !strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("ends at %s; the operator reads %q", page, log)
	}
}

// Somebody plants the cookie of their session in another's browser.
func TestPlantedSession(t *testing.T) {
	store := sessions.NewFilesystemStore(t.TempDir(), []byte(strings.Repeat("k", 64)))
	v, _ := serve(t, store)
	isGone := v.PlantValue(t, store)
	at, err := url.Parse(v.AppURL)
	if err != nil {
		t.Fatal(err)
	}
	planted := v.Visitor.Client().Jar.Cookies(at)
	v.SignIn(t)
	isGone()
	if got := v.OpenRoute(t, planted...); got != "a sign-in page" {
		t.Errorf("the planted session leads to %s", got)
	}
}

// A return URL that does not fit into a cookie is lost, but the visitor ends at the docs.
func TestLongReturnURL(t *testing.T) {
	v, _ := serve(t, newStore("http://127.0.0.1"))
	page := v.Visitor.SignIn(t, v.Visitor.Open(t, v.Site.URL+"/reference?q="+strings.Repeat("%20", 650)), v.Site.URL)
	if !page.At(v.Site.URL + "/") {
		t.Errorf("the visitor ends at %s, not at the docs' home page", page)
	}
}
