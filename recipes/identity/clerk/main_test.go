package main

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"maps"
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
	"github.com/go-jose/go-jose/v4"
)

func TestRecipe(t *testing.T) {
	v, _ := serve(t)
	v.Try(t)
}

// serve serves a recipe for a visitor whose browser runs Clerk's script.
func serve(t *testing.T) (*apptest.Visit, *fakeClerk) {
	t.Helper()
	fake := newFakeClerk()
	t.Cleanup(fake.Close)
	v := apptest.Serve(t, func(env app.Env) (http.Handler, error) {
		fake.AllowOrigin(env.URL)
		return newHandler(env, fake.instance)
	})
	v.Visitor.RunScripts()
	return v, fake
}

// signedIn serves a recipe at which the visitor has signed in, and come to the docs.
func signedIn(t *testing.T) (*apptest.Visit, *fakeClerk) {
	t.Helper()
	v, fake := serve(t)
	v.SignIn(t)
	return v, fake
}

const adasID = "user_ada_at_example.com"

// setToken replaces the visitor's session token.
func setToken(t *testing.T, v *apptest.Visit) func(token string, err error) {
	return func(token string, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		here, err := url.Parse(v.AppURL)
		if err != nil {
			t.Fatal(err)
		}
		v.Visitor.Client().Jar.SetCookies(here, []*http.Cookie{{Name: "__session", Value: token, Path: "/"}})
	}
}

func TestOldTokenIsRenewedSilently(t *testing.T) {
	v, fake := signedIn(t)
	setToken(t, v)(fake.token(adasID, v.AppURL, time.Now().Add(-2*time.Minute)))
	if page := v.Visitor.Open(t, v.Site.URL+"/reference"); !page.At(v.Site.URL + "/reference") {
		t.Errorf("the visitor ends at %s, not at the docs' page", page)
	}
}

func newLookup(t *testing.T, v *apptest.Visit, in instance) docslogin.UserLookup {
	t.Helper()
	lookup, err := userLookup(v.AppURL, in)
	if err != nil {
		t.Fatal(err)
	}
	return lookup
}

// TestInvalidPublicKey checks that an app does not start with a public key that nothing verifies with.
func TestInvalidPublicKey(t *testing.T) {
	for _, key := range []string{"", "pk_test_1"} {
		if _, err := userLookup("https://app.example.com", instance{PublicKey: key}); err == nil {
			t.Errorf("the key %q is accepted", key)
		}
	}
}

// forged returns a func that makes one of Clerk's tokens with other claims.
func forged(forge func(claims map[string]any)) func(*fakeClerk, string) (string, error) {
	return func(fake *fakeClerk, appURL string) (string, error) {
		fake.change(func() { fake.forge = forge })
		return fake.token(adasID, appURL, time.Now())
	}
}

func with(name string, value any) func(*fakeClerk, string) (string, error) {
	return forged(func(claims map[string]any) { claims[name] = value })
}

func TestTokensOfNobody(t *testing.T) {
	forger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	claims := func(appURL string) map[string]any {
		return map[string]any{"iss": issuer, "sub": adasID, "sid": "sess_1", "azp": appURL, "exp": time.Now().Add(time.Minute).Unix()}
	}
	for _, row := range []struct {
		name  string
		token func(fake *fakeClerk, appURL string) (string, error)
	}{
		{"no token at all", func(*fakeClerk, string) (string, error) { return "not a token", nil }},
		{"old", with("exp", time.Now().Add(-time.Minute).Unix())},
		{"for a page on another subdomain", with("azp", "http://other.example.com")},
		{"of another issuer", with("iss", "https://evil.example")},
		{"of a sign-in that is not finished", with("sts", "pending")},
		{"without an expiry", forged(func(claims map[string]any) { delete(claims, "exp") })},
		{"of a JWT template", forged(func(claims map[string]any) {
			maps.DeleteFunc(claims, func(name string, _ any) bool { return name == "sid" || name == "sts" || name == "v" || name == "fva" })
		})},
		{"of an OAuth application", forged(func(claims map[string]any) {
			clear(claims) // sid, azp, and sts among them
			now := time.Now().Unix()
			maps.Copy(claims, map[string]any{"iss": issuer, "sub": adasID, "client_id": "client_1", "scope": "email", "jti": "oat_1", "iat": now, "exp": now + 86400})
		})},
		{"of a forger, in Clerk's name", func(_ *fakeClerk, appURL string) (string, error) {
			return fakejwt.SignWith(jose.RS256, jose.JSONWebKey{Key: forger, KeyID: fakejwt.KeyID}, claims(appURL), nil)
		}},
		{"of a forger", func(_ *fakeClerk, appURL string) (string, error) {
			return fakejwt.SignWith(jose.RS256, jose.JSONWebKey{Key: forger, KeyID: "d-2"}, claims(appURL), nil)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			v, fake := signedIn(t)
			token, err := row.token(fake, v.AppURL)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodGet, "/docs-login", nil)
			r.AddCookie(&http.Cookie{Name: "__session", Value: token})
			fake.change(func() { fake.down = true }) // anybody can send such a token, so it must not cost a request to Clerk
			if user, err := newLookup(t, v, fake.instance)(r); !errors.Is(err, docslogin.ErrNoUser) {
				t.Errorf("the lookup returns %v, %v; want ErrNoUser", user, err)
			}
		})
	}
}

// On platforms with a claim for it, the token's exp, in a minute, would end the docs session.
func TestDocsSessionOutlivesTheToken(t *testing.T) {
	v, fake := signedIn(t)
	token, err := fake.token(adasID, v.AppURL, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/docs-login", nil)
	r.AddCookie(&http.Cookie{Name: "__session", Value: token})
	user, err := newLookup(t, v, fake.instance)(r)
	if err != nil || !user.ExpiresAt.IsZero() {
		t.Errorf("the lookup returns %v, %v; want a user whose session has no end", user, err)
	}
}

func TestOutageIsNoSignOut(t *testing.T) {
	for _, row := range []struct {
		name   string
		outage func(*fakeClerk)
	}{
		{"Clerk answers 503", func(c *fakeClerk) { c.change(func() { c.down = true }) }},
		{"Clerk is not there", func(c *fakeClerk) { c.Close() }},
		{"Clerk does not know the app's key", func(c *fakeClerk) { c.change(func() { c.SecretKey = "sk_test_new" }) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			v, fake := signedIn(t)
			row.outage(fake)
			v.MeetsFault(t)
		})
	}
}

// A proxy in front of Clerk, or half of it down.
func TestStrangeAnswerIsNoSignOut(t *testing.T) {
	for _, row := range []struct {
		name, body string
		status     int
	}{
		{"nothing", ``, 200},
		{"a page", `<h1>Welcome</h1>`, 200},
		{"404 of something else", `not found`, 404},
		{"429", `{"errors": [{"code": "too_many_requests"}]}`, 429},
	} {
		t.Run(row.name, func(t *testing.T) {
			v, fake := signedIn(t)
			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(row.status)
				_, _ = w.Write([]byte(row.body))
			}))
			defer proxy.Close()
			in := fake.instance
			in.BackendURL = proxy.URL + "/v1"
			token, err := fake.token(adasID, v.AppURL, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodGet, "/docs-login", nil)
			r.AddCookie(&http.Cookie{Name: "__session", Value: token})
			user, err := newLookup(t, v, in)(r)
			if user != nil || err == nil || errors.Is(err, docslogin.ErrNoUser) || errors.Is(err, docslogin.ErrForbidden) {
				t.Errorf("the lookup returns %v, %v; want an error", user, err)
			}
		})
	}
}

func TestUsersWhoAreForbidden(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*fakeClerk)
	}{
		{"the primary address is not verified", func(c *fakeClerk) { c.unverified = true }},
		{"they are banned", func(c *fakeClerk) { c.banned = true }},
	} {
		t.Run(row.name, func(t *testing.T) {
			v, fake := signedIn(t)
			fake.change(func() { row.change(fake) })
			if page := v.Visitor.Open(t, v.AppURL+"/docs-login"); page.Status != http.StatusForbidden {
				t.Errorf("the visitor ends at %s, want a 403", page)
			}
		})
	}
}

// For Clerk, the visitor is signed in, so the sign-in page returns at once. The token is another origin's.
func TestAnotherOriginIsNoLoop(t *testing.T) {
	v, _ := signedIn(t)
	home := strings.Replace(v.AppURL, "127.0.0.1", "localhost", 1) + "/"
	if page := v.Visitor.Open(t, home+"sign-in"); !page.At(home) || !strings.Contains(page.Text, `href="/sign-in?redirect_url=/"`) {
		t.Errorf("the visitor ends at %s: %s", page, page.Text)
	}
}

func TestUserWhoIsGoneGoesToSignIn(t *testing.T) {
	v, fake := signedIn(t)
	fake.change(func() { fake.deleted, fake.sessions = true, map[string]string{} })
	if page := v.Visitor.Open(t, v.Site.URL+"/quickstart"); !page.At(fake.URL) || !page.HasForm() {
		t.Errorf("the visitor ends at %s, not at the sign-in page", page)
	}
}
