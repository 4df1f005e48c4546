package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
	"github.com/docslogin/docslogin/recipes/internal/fakejwt"
)

func TestRecipe(t *testing.T) {
	v, _ := serve(t)
	v.Try(t)
}

func serve(t *testing.T) (*apptest.Visit, *fakeKratos) {
	t.Helper()
	service := newFakeKratos()
	t.Cleanup(service.Close)
	v := apptest.Serve(t, func(env app.Env) (http.Handler, error) {
		service.AllowReturnTo(env.URL)
		return newHandler(env, service.URL)
	})
	return v, service
}

// signedIn serves a recipe at which the visitor has signed in, and come to the docs.
func signedIn(t *testing.T) (*apptest.Visit, *fakeKratos) {
	t.Helper()
	v, service := serve(t)
	v.SignIn(t)
	return v, service
}

func TestOutageIsNoSignOut(t *testing.T) {
	for _, row := range []struct {
		name   string
		outage func(*fakeKratos)
	}{
		{"Kratos answers 503", func(k *fakeKratos) { k.change(func() { k.down = true }) }},
		{"Kratos is not there", func(k *fakeKratos) { k.Close() }},
	} {
		t.Run(row.name, func(t *testing.T) {
			v, service := signedIn(t)
			row.outage(service)
			v.MeetsFault(t)
		})
	}
}

// withSession returns a request with a session's cookie and another cookie.
func withSession(id string) *http.Request {
	r := httptest.NewRequest("GET", "/docs-login", nil)
	r.Header.Set("Cookie", "theme=dark; ory_kratos_session="+id)
	return r
}

// The lookup does not ask Kratos about a request without a valid cookie.
func TestRequestsWithoutASession(t *testing.T) {
	service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("Kratos is asked about %.50q", r.Header.Get("Cookie"))
	}))
	defer service.Close()
	for name, r := range map[string]*http.Request{
		"no cookie":                      httptest.NewRequest("GET", "/docs-login", nil),
		"a cookie that no browser keeps": withSession(strings.Repeat("a", 5000)),
	} {
		if user, err := userLookup(service.URL)(r); !errors.Is(err, docslogin.ErrNoUser) {
			t.Errorf("%s: the lookup returns %v, %v; want ErrNoUser", name, user, err)
		}
	}
}

// A gateway in front of Kratos, or something else at its address.
func TestStrangeAnswerIsNoSignOut(t *testing.T) {
	for _, row := range []struct {
		name, body string
		status     int
	}{
		{"403 of a firewall", `<h1>Forbidden</h1>`, 403},
		{"403 with another error", `{"error": {"id": "security_csrf_violation", "message": "no"}}`, 403},
		{"200 with nothing", ``, 200},
		{"200 without an identity", `{"id": "1", "active": true}`, 200},
		{"200 with a page", `<h1>Welcome</h1>`, 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			strange := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(row.status)
				_, _ = w.Write([]byte(row.body))
			}))
			defer strange.Close()
			user, err := userLookup(strange.URL)(withSession("1"))
			if user != nil || err == nil || errors.Is(err, docslogin.ErrNoUser) || errors.Is(err, docslogin.ErrForbidden) {
				t.Errorf("the lookup returns %v, %v; want an error", user, err)
			}
		})
	}
}

func TestSessionThatHasEndedGoesToSignIn(t *testing.T) {
	v, service := signedIn(t)
	service.change(func() {
		for _, s := range service.sessions {
			s.ends = time.Now().Add(-time.Second)
		}
	})
	if page := v.Visitor.Open(t, v.Site.URL+"/quickstart"); !page.At(service.URL) || !page.HasForm() {
		t.Errorf("the visitor ends at %s, not at the sign-in page", page)
	}
}

func TestInactiveSessionGoesToSignIn(t *testing.T) {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fakejwt.WriteJSON(w, 200, map[string]any{"id": "1", "active": false, "identity": map[string]any{
			"id": "1", "schema_id": "default", "schema_url": "http://localhost", "traits": map[string]any{},
		}})
	}))
	defer service.Close()
	if _, err := userLookup(service.URL)(withSession("1")); !errors.Is(err, docslogin.ErrNoUser) {
		t.Errorf("the lookup returns %v, want ErrNoUser", err)
	}
}

func TestUnverifiedEmailIsForbidden(t *testing.T) {
	v, service := serve(t)
	service.change(func() { service.unverified = true })
	page := v.Visitor.SignIn(t, v.Visitor.Open(t, v.Site.URL+"/quickstart"), v.AppURL)
	if page.Status != http.StatusForbidden || len(v.Site.Logins()) > 0 {
		t.Errorf("the visitor ends at %s with %d logins, want a 403 and none", page, len(v.Site.Logins()))
	}
}

// Another of their addresses may be verified, and somebody else's as well as theirs.
func TestOnlyTheVerifiedTraitCounts(t *testing.T) {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fakejwt.WriteJSON(w, 200, map[string]any{"id": "1", "active": true, "identity": map[string]any{
			"id": "1", "schema_id": "default", "schema_url": "http://localhost",
			"traits": map[string]any{"email": "Eve@example.com"},
			"verifiable_addresses": []any{
				map[string]any{"via": "email", "value": "other@example.com", "verified": true, "status": "completed"},
				map[string]any{"via": "email", "value": "eve@example.com", "verified": r.Header.Get("Cookie") == "ory_kratos_session=verified", "status": "pending"},
			},
		}})
	}))
	defer service.Close()
	lookup := userLookup(service.URL)
	if user, err := lookup(withSession("unverified")); !errors.Is(err, docslogin.ErrForbidden) {
		t.Errorf("with another address verified, the lookup returns %v, %v; want ErrForbidden", user, err)
	}
	if user, err := lookup(withSession("verified")); err != nil || user.Email != "eve@example.com" {
		t.Errorf("with the address verified, as Kratos writes it, the lookup returns %v, %v", user, err)
	}
}

func TestSecondFactor(t *testing.T) {
	v, service := serve(t)
	service.change(func() { service.secondFactor = true })

	// They sign in with a password, and leave at the second factor.
	page := v.Visitor.Open(t, v.Site.URL+"/quickstart")
	post(t, v, page, url.Values{"identifier": {"ada@example.com"}, "password": {"x"}, "method": {"password"}})

	page = v.Visitor.Open(t, v.Site.URL+"/quickstart")
	if page.At(v.AppURL) || !page.HasForm() {
		t.Fatalf("without the second factor, the visitor ends at %s, not at the sign-in page", page)
	}
	page = v.Visitor.SignIn(t, page, v.Site.URL)
	if !page.At(v.Site.URL + "/quickstart") {
		t.Errorf("after the second factor the visitor ends at %s, not at the docs' page", page)
	}
}

// post sends the form of the flow that the page is of, and goes no further.
func post(t *testing.T, v *apptest.Visit, page apptest.Page, fields url.Values) {
	t.Helper()
	_, csrf, _ := strings.Cut(page.Text, `name="csrf_token" value="`)
	csrf, _, _ = strings.Cut(csrf, `"`)
	fields.Set("csrf_token", csrf)
	resp, err := v.Visitor.Client().PostForm(page.URL.Scheme+"://"+page.URL.Host+"/self-service/login?"+page.URL.RawQuery, fields)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if !strings.HasSuffix(resp.Request.URL.Path, "/login") || resp.StatusCode != http.StatusOK {
		t.Fatalf("the password leads to %s (%s), not to the page for the second factor", resp.Request.URL.Path, resp.Status)
	}
}

func TestKratosMustAllowTheReturnURL(t *testing.T) {
	v, service := serve(t)
	service.change(func() { service.allowed = nil })
	if page := v.Visitor.Open(t, v.Site.URL+"/quickstart"); page.Status != http.StatusBadRequest || !page.At(service.URL) {
		t.Errorf("the visitor ends at %s, not at Kratos's own error", page)
	}
}

func TestDocsSessionEndsWithTheAppsOwn(t *testing.T) {
	v, service := signedIn(t)
	here, _ := url.Parse(v.AppURL)
	r := httptest.NewRequest("GET", "/docs-login", nil)
	for _, cookie := range v.Visitor.Client().Jar.Cookies(here) {
		r.AddCookie(cookie)
	}
	user, err := userLookup(service.URL)(r)
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(user.ExpiresAt); left < 23*time.Hour || left > 24*time.Hour {
		t.Errorf("the user's session ends in %s, not in the 24 hours that Kratos gave it", left)
	}
}
