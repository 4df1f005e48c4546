package main

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
	"github.com/docslogin/docslogin/recipes/internal/fakejwt"
	"github.com/docslogin/docslogin/recipes/internal/flow/flowtest"
	"github.com/go-jose/go-jose/v4"
)

func TestRecipe(t *testing.T) {
	tenant := newFakeAuth0()
	t.Cleanup(tenant.Close)
	var auth *authenticator
	v := apptest.Serve(t, func(env app.Env) (handler http.Handler, err error) {
		tenant.AllowURLs(env.URL+"/callback", env.URL+"/")
		if auth, err = newAuthenticator(env.URL, tenant.URL, tenant.ClientID, tenant.ClientSecret); err != nil {
			return nil, err
		}
		return auth.handler(env)
	})
	isGone := v.PlantValue(t, auth.store)
	v.Try(t)
	isGone()
}

func serve(t *testing.T) (*apptest.Visit, *fakeAuth0) {
	t.Helper()
	tenant := newFakeAuth0()
	t.Cleanup(tenant.Close)
	v := apptest.Serve(t, func(env app.Env) (http.Handler, error) {
		tenant.AllowURLs(env.URL+"/callback", env.URL+"/")
		return newHandler(env, tenant.URL, tenant.ClientID, tenant.ClientSecret)
	})
	return v, tenant
}

func TestTLS(t *testing.T) {
	tenant := newFakeAuth0()
	t.Cleanup(tenant.Close)
	flowtest.TryTLS(t, func(env app.Env) (http.Handler, error) {
		tenant.AllowURLs(env.URL+"/callback", env.URL+"/")
		return newHandler(env, tenant.URL, tenant.ClientID, tenant.ClientSecret)
	})
}

// signedIn serves a recipe at which the visitor has signed in, and come to the docs.
func signedIn(t *testing.T) (*apptest.Visit, *fakeAuth0) {
	t.Helper()
	v, tenant := serve(t)
	v.SignIn(t)
	return v, tenant
}

func TestUnverifiedEmailIsForbidden(t *testing.T) {
	v, tenant := serve(t)
	tenant.change(func() { tenant.unverified = true })
	page := v.Visitor.SignIn(t, v.Visitor.Open(t, v.Site.URL+"/quickstart"), v.AppURL)
	if page.Status != http.StatusForbidden || !page.At(v.AppURL) || len(v.Site.Logins()) > 0 {
		t.Errorf("the visitor ends at %s with %d logins, want the app's 403 and none", page, len(v.Site.Logins()))
	}
}

func TestInvalidTokens(t *testing.T) {
	forger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	with := func(name string, value any) func(map[string]any) (string, error) {
		return func(claims map[string]any) (string, error) {
			claims[name] = value
			return fakejwt.Sign(claims, nil)
		}
	}
	for _, row := range []struct {
		name    string
		idToken func(map[string]any) (string, error)
		status  int
	}{
		{"for another application", with("aud", "client-2"), http.StatusBadGateway},
		{"of another tenant", with("iss", "https://other.auth0.com/"), http.StatusBadGateway},
		{"that has expired", with("exp", time.Now().Add(-time.Minute).Unix()), http.StatusBadGateway},
		{"of another sign-in", with("nonce", "another"), http.StatusBadRequest},
		{"without a nonce", with("nonce", nil), http.StatusBadRequest},
		{"of a forger", func(claims map[string]any) (string, error) {
			return fakejwt.SignWith(jose.RS256, jose.JSONWebKey{Key: forger, KeyID: fakejwt.KeyID}, claims, nil)
		}, http.StatusBadGateway},
	} {
		t.Run(row.name, func(t *testing.T) {
			v, tenant := serve(t)
			tenant.change(func() { tenant.idToken = row.idToken })
			page := v.Visitor.SignIn(t, v.Visitor.Open(t, v.Site.URL+"/quickstart"), v.AppURL)
			if page.Status != row.status || !page.At(v.AppURL) {
				t.Errorf("the visitor ends at %s, not at the app's page with %d", page, row.status)
			}
			if len(v.Site.Logins()) > 0 {
				t.Errorf("somebody logged in")
			}
		})
	}
}

func TestSessionThatCannotBeSaved(t *testing.T) {
	log := apptest.CaptureLog(t)
	v, tenant := serve(t)
	tenant.change(func() {
		tenant.idToken = func(claims map[string]any) (string, error) {
			claims["name"] = strings.Repeat("Ada ", 1500) // too long for a cookie
			return fakejwt.Sign(claims, nil)
		}
	})
	page := v.Visitor.SignIn(t, v.Visitor.Open(t, v.AppURL+"/sign-in"), v.AppURL)
	if page.Status != http.StatusInternalServerError || !strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("ends at %s; the operator reads %q", page, log)
	}
}

// While Auth0 is down, users stay signed in. A sign-in ends at a page, not in a redirect loop.
func TestOutage(t *testing.T) {
	v, tenant := signedIn(t)
	tenant.change(func() { tenant.down = true })
	if page := v.Visitor.Open(t, v.Site.URL+"/reference"); !page.At(v.Site.URL + "/reference") {
		t.Errorf("a signed-in user ends at %s, not at the docs", page)
	}

	v, tenant = serve(t)
	log := apptest.CaptureLog(t)
	page := v.Visitor.Open(t, v.Site.URL+"/quickstart")
	v.Visitor.Client().CheckRedirect = func(req *http.Request, _ []*http.Request) error {
		if req.URL.Path == "/callback" {
			tenant.change(func() { tenant.down = true })
		}
		return nil
	}
	if page = v.Visitor.SignIn(t, page, v.AppURL); page.Status != http.StatusBadGateway || !page.At(v.AppURL) {
		t.Errorf("a visitor who signs in meanwhile ends at %s, not at the app's 502 page", page)
	}
	if !strings.Contains(log.String(), "503") {
		t.Errorf("the operator reads %q", log)
	}
}

func TestCallbackThatNobodyBegan(t *testing.T) {
	for _, row := range []struct {
		name, query string
		visitSignIn bool
	}{
		{"a stranger's link, in a browser that began nothing", "?code=1", false},
		{"a stranger's link with an empty state", "?code=1&state=", false},
		{"a stranger's link, in a browser that began a sign-in", "?code=1&state=stranger", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			v, _ := serve(t)
			if row.visitSignIn {
				v.Visitor.Open(t, v.AppURL+"/sign-in")
			}
			if page := v.Visitor.Open(t, v.AppURL+"/callback"+row.query); page.Status != http.StatusBadRequest {
				t.Errorf("the visitor ends at %s, want a 400", page)
			}
		})
	}
}

func TestTabs(t *testing.T) {
	v, _ := serve(t)
	one, two := v.Visitor.Open(t, v.AppURL+"/docs-login?redirect=/one"), v.Visitor.Open(t, v.AppURL+"/docs-login?redirect=/two")
	for path, form := range map[string]apptest.Page{"/one": one, "/two": two} {
		if page := v.Visitor.SignIn(t, form, v.Site.URL); !page.At(v.Site.URL + path) {
			t.Errorf("the tab for %s ends at %s", path, page)
		}
	}
}

// A visitor can change all that the browser sends.
func TestSignInsThatAreChanged(t *testing.T) {
	for _, row := range []struct{ name, path, param, value string }{
		{"in the nonce", "/authorize", "nonce", "another"},
		{"to a scope without an ID token", "/authorize", "scope", "email"},
		{"in the challenge", "/authorize", "code_challenge", "another"},
		{"in the state", "/callback", "state", "another"},
		{"to one without a code", "/callback", "code", ""},
		{"to one with another code", "/callback", "code", "another"},
	} {
		t.Run(row.name, func(t *testing.T) {
			log := apptest.CaptureLog(t)
			v, _ := serve(t)
			v.Visitor.Client().CheckRedirect = func(r *http.Request, _ []*http.Request) error {
				if query := r.URL.Query(); r.URL.Path == row.path {
					query.Set(row.param, row.value)
					r.URL.RawQuery = query.Encode()
				}
				return nil
			}
			page := v.Visitor.SignIn(t, v.Visitor.Open(t, v.AppURL+"/sign-in"), v.AppURL)
			if page.URL.Path != "/callback" || page.Status != http.StatusBadRequest || !strings.Contains(page.Text, `<a href="/sign-in`) {
				t.Errorf("ends at %s: %s", page, page.Text)
			}
			if strings.Contains(log.String(), "level=WARN") || strings.Contains(log.String(), "level=ERROR") {
				t.Errorf("anybody can log: %s", log)
			}
		})
	}
}

func TestTamperedSessionGoesToSignIn(t *testing.T) {
	v, tenant := signedIn(t)
	tenant.change(func() { tenant.sessions = map[string]string{} }) // or Auth0 would sign the visitor in without asking
	here, err := url.Parse(v.AppURL)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range v.Visitor.Client().Jar.Cookies(here) {
		if cookie.Name == "session" {
			cookie.Value, cookie.Path = strings.ToUpper(cookie.Value), "/"
			v.Visitor.Client().Jar.SetCookies(here, []*http.Cookie{cookie})
		}
	}
	if page := v.Visitor.Open(t, v.Site.URL+"/quickstart"); !page.At(tenant.URL) || !page.HasForm() {
		t.Errorf("the visitor ends at %s, not at the sign-in page", page)
	}
}

func TestAuth0SaysNo(t *testing.T) {
	v, tenant := serve(t)
	tenant.change(func() { tenant.denied = true })
	if page := v.Visitor.Open(t, v.Site.URL+"/quickstart"); page.Status != http.StatusForbidden || !page.At(v.AppURL) {
		t.Errorf("the visitor ends at %s, not at the app's 403 page", page)
	}
}

func TestSignOut(t *testing.T) {
	v, tenant := signedIn(t)
	resp, err := v.Visitor.Client().PostForm(v.AppURL+"/sign-out", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if at := resp.Request.URL.String(); at != v.AppURL+"/" || resp.StatusCode != http.StatusOK {
		t.Errorf("after signing out, the user ends at %s (%s), not at the app's home page", at, resp.Status)
	}
	if page := v.Visitor.Open(t, v.Site.URL+"/quickstart"); !page.At(tenant.URL) || !page.HasForm() {
		t.Errorf("after that, a visitor of the docs ends at %s, not at the sign-in page", page)
	}
}

func TestHomePageIsNotStored(t *testing.T) {
	v, _ := signedIn(t)
	for _, client := range []*http.Client{v.Visitor.Client(), http.DefaultClient} {
		resp, err := client.Get(v.AppURL + "/")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("the home page is answered %s, with Cache-Control %q", resp.Status, resp.Header.Get("Cache-Control"))
		}
	}
}

// A form on another site's page, which the browser sends with the session.
func TestStrangersFormSignsNobodyOut(t *testing.T) {
	v, _ := signedIn(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, v.AppURL+"/sign-out", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := v.Visitor.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	home := v.Visitor.Open(t, v.AppURL+"/")
	if resp.StatusCode != http.StatusForbidden || !strings.Contains(home.Text, "ada@example.com") {
		t.Errorf("the form is answered with %s, and the home page says %q", resp.Status, home.Text)
	}
}

func TestCallbackIsValidOnce(t *testing.T) {
	v, _ := serve(t)
	var callback string
	v.Visitor.Client().CheckRedirect = func(req *http.Request, _ []*http.Request) error {
		if req.URL.Path == "/callback" {
			callback = req.URL.String()
		}
		return nil
	}
	v.Visitor.SignIn(t, v.Visitor.Open(t, v.Site.URL+"/quickstart"), v.Site.URL)
	if page := v.Visitor.Open(t, callback); page.Status != http.StatusBadRequest {
		t.Errorf("the second time, the visitor ends at %s, want a 400", page)
	}
}

// A return URL that does not fit into a cookie is lost, but the visitor ends at the docs.
func TestLongReturnURL(t *testing.T) {
	v, _ := serve(t)
	page := v.Visitor.SignIn(t, v.Visitor.Open(t, v.Site.URL+"/reference?q="+strings.Repeat("%20", 650)), v.Site.URL)
	if !page.At(v.Site.URL + "/") {
		t.Errorf("the visitor ends at %s, not at the docs' home page", page)
	}
}
