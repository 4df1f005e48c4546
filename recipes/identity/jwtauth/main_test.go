package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/jwtauth/v5"
)

func TestRecipe(t *testing.T) { apptest.Try(t, newHandler) }

var auth = newAuth([]byte("the key with which the app signs, for the tests"))

// appWith is an app whose middleware comes in an order of the test's.
func appWith(middleware func(docs *docslogin.Middleware) []func(http.Handler) http.Handler) func(app.Env) (http.Handler, error) {
	return func(env app.Env) (http.Handler, error) {
		docs, err := docslogin.New(user, env.Platform, app.SignInPage)
		if err != nil {
			return nil, err
		}
		r := chi.NewRouter()
		r.Use(middleware(docs)...)
		r.Handle("/", app.HomeFor(user, "/sign-in"))
		r.Handle("/sign-in", app.SignInForm(docs.ReturnURL, signIn(auth)))
		return r, nil
	}
}

func TestAsMiddlewareBehindTheVerifier(t *testing.T) {
	apptest.Try(t, appWith(func(docs *docslogin.Middleware) []func(http.Handler) http.Handler {
		return []func(http.Handler) http.Handler{jwtauth.Verifier(auth), docs.Wrap}
	}))
}

func TestOtherOrders(t *testing.T) {
	for _, test := range []struct {
		name       string
		middleware func(docs *docslogin.Middleware) []func(http.Handler) http.Handler
		status     int
		says       string
	}{
		{
			"behind the Authenticator nobody is sent to the sign-in page",
			func(docs *docslogin.Middleware) []func(http.Handler) http.Handler {
				return []func(http.Handler) http.Handler{jwtauth.Verifier(auth), jwtauth.Authenticator(auth), docs.Wrap}
			},
			http.StatusUnauthorized, "no token found",
		},
		{
			"around the Verifier nobody would ever be signed in, which is a fault and no reason to sign in",
			func(docs *docslogin.Middleware) []func(http.Handler) http.Handler {
				return []func(http.Handler) http.Handler{docs.Wrap, jwtauth.Verifier(auth)}
			},
			http.StatusInternalServerError, "a fault on this site",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := apptest.Serve(t, appWith(test.middleware))
			page := v.Visitor.Open(t, v.Site.URL+"/quickstart")
			if page.URL.Path != "/docs-login" || page.Status != test.status || !strings.Contains(page.Text, test.says) {
				t.Errorf("the visitor ends at %s: %s", page, page.Text)
			}
		})
	}
}

// good are the claims of Ada's session.
func good() map[string]any {
	return map[string]any{"sub": "42", "email": "ada@example.com", "aud": "session", "exp": time.Now().Add(time.Hour)}
}

// with are the good claims, but for one; nil leaves it out.
func with(name string, value any) map[string]any {
	c := good()
	if c[name] = value; value == nil {
		delete(c, name)
	}
	return c
}

func sign(t *testing.T, by *jwtauth.JWTAuth, c map[string]any) string {
	t.Helper()
	_, token, err := by.Encode(c)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// visit asks for the route with a token in the cookie, in the Authorization header, or in both,
// and follows nothing.
func visit(t *testing.T, v *apptest.Visit, cookie, bearer string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", v.AppURL+"/docs-login?redirect=/quickstart", nil)
	if err != nil {
		t.Fatal(err)
	}
	if cookie != "" {
		req.AddCookie(&http.Cookie{Name: "jwt", Value: cookie})
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp
}

func TestWhoseToken(t *testing.T) {
	other := newAuth([]byte("another key, just as long, for the tests"))
	hs512 := jwtauth.New("HS512", []byte("the key with which the app signs, for the tests"), nil)
	tokenOf := strings.Split(sign(t, auth, good()), ".")
	mallory := strings.Split(sign(t, auth, with("email", "mallory@example.com")), ".")

	v := apptest.Serve(t, appWith(func(docs *docslogin.Middleware) []func(http.Handler) http.Handler {
		return []func(http.Handler) http.Handler{jwtauth.Verifier(auth), docs.Wrap}
	}))
	const docs, signIn = "the docs", "/sign-in"
	for _, test := range []struct {
		name   string
		cookie string
		bearer string
		leads  string
	}{
		{"the app's own", sign(t, auth, good()), "", docs},
		{"the app's own, in the Authorization header", "", sign(t, auth, good()), docs},
		{"none", "", "", signIn},
		{"expired", sign(t, auth, with("exp", time.Now().Add(-time.Minute))), "", signIn},
		{"without an end", sign(t, auth, with("exp", nil)), "", signIn},
		{"for another purpose", sign(t, auth, with("aud", "confirm-address")), "", signIn},
		{"for no purpose", sign(t, auth, with("aud", nil)), "", signIn},
		{"signed with another key", sign(t, other, good()), "", signIn},
		{"signed by another method", sign(t, hs512, good()), "", signIn},
		{"not signed", "eyJhbGciOiJub25lIn0." + tokenOf[1] + ".", "", signIn},
		{"with the claims of another", tokenOf[0] + "." + mallory[1] + "." + tokenOf[2], "", signIn},
		{"not a token", "ada@example.com", "", signIn},
		{"one that is good, behind a header with one that is not", sign(t, auth, good()), "stale", signIn},
	} {
		t.Run(test.name, func(t *testing.T) {
			resp := visit(t, v, test.cookie, test.bearer)
			location, err := url.Parse(resp.Header.Get("Location"))
			if err != nil {
				t.Fatal(err)
			}
			leads := location.Path
			if location.Host != "" {
				leads = docs
			}
			if resp.StatusCode != http.StatusFound || leads != test.leads {
				t.Errorf("leads to %q (%d), not to %s", leads, resp.StatusCode, test.leads)
			}
		})
	}
}

func TestTheEndOfTheToken(t *testing.T) {
	ends := time.Now().Add(time.Hour).Truncate(time.Second)
	_, token, err := auth.Encode(map[string]any{"sub": "42", "email": "ada@example.com", "aud": "session", "exp": ends})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest("GET", "/docs-login", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: "jwt", Value: token})
	verified, err := jwtauth.VerifyRequest(auth, r, jwtauth.TokenFromCookie)
	user, err := user(r.WithContext(jwtauth.NewContext(t.Context(), verified, err)))
	if err != nil || user.ID != "42" || user.Email != "ada@example.com" || !user.ExpiresAt.Equal(ends) {
		t.Errorf("the user is %+v, error %v", user, err)
	}
}

func TestTheCookieIsOutOfAScriptsReach(t *testing.T) {
	w := httptest.NewRecorder()
	if err := signIn(auth)(w, nil, "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	cookies := w.Result().Cookies()
	if len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteLaxMode || cookies[0].Path != "/" {
		t.Errorf("the cookies: %v", cookies)
	}
}
