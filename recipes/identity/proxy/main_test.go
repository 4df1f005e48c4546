package main

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
)

func TestRecipe(t *testing.T) {
	v := apptest.Try(t, newHandler(t.Context()))
	if logins := v.Site.Logins(); len(logins) > 0 && logins[0].Claims["name"] != "ada" {
		t.Errorf("the docs were told the name %v", logins[0].Claims["name"])
	}
}

// What clients try, in every spelling that some app or proxy reads as the header.
var forgeries = map[string]http.Header{
	"the header":                    {"X-Forwarded-Email": {"eve@example.com"}},
	"the header, twice":             {"X-Forwarded-Email": {"eve@example.com", "eve@example.com"}},
	"in small letters":              {"x-forwarded-email": {"eve@example.com"}},
	"in capitals":                   {"X-FORWARDED-EMAIL": {"eve@example.com"}},
	"in both":                       {"x-forwarded-email": {"eve@example.com"}, "X-FORWARDED-EMAIL": {"eve@example.com"}},
	"with underscores":              {"X_Forwarded_Email": {"eve@example.com"}},
	"with one underscore":           {"X-Forwarded_Email": {"eve@example.com"}},
	"with small underscores":        {"x_forwarded_email": {"eve@example.com"}},
	"the user and the name as well": {"X-Forwarded-Email": {"eve@example.com"}, "X-Forwarded-User": {"eve"}, "X_Forwarded_Preferred_Username": {"eve"}},
	"named in Connection":           {"X-Forwarded-Email": {"eve@example.com"}, "Connection": {"X-Forwarded-Email"}},
	"with a secret":                 {"X-Forwarded-Email": {"eve@example.com"}, "X-Proxy-Secret": {"a guess"}, "X_Proxy_Secret": {"a guess"}},
	"the proxy's removed":           {"Connection": {"X-Forwarded-Email, X-Forwarded-User, X-Proxy-Secret"}},
}

// TestOnlyTheProxySaysWhoIsThere looks at what the proxy hands on, of visitors who are signed
// out and in.
func TestOnlyTheProxySaysWhoIsThere(t *testing.T) {
	handed := make(chan http.Header, 1)
	behind := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { handed <- r.Header }))
	t.Cleanup(behind.Close)
	proxy := httptest.NewServer(newProxy(behind.URL, "a secret for the tests", func(*http.Request) string { return "/" }))
	t.Cleanup(proxy.Close)
	ada := apptest.NewVisitor()
	ada.SignIn(t, ada.Open(t, proxy.URL+"/oauth2/start?rd=/"), "")
	<-handed

	for _, visitor := range []struct {
		name   string
		client *http.Client
		wants  map[string]string
	}{
		{"signed out", http.DefaultClient, map[string]string{"x-proxy-secret": "a secret for the tests"}},
		{"signed in", ada.Client(), map[string]string{
			"x-proxy-secret":                 "a secret for the tests",
			"x-forwarded-user":               "ada@example.com",
			"x-forwarded-email":              "ada@example.com",
			"x-forwarded-preferred-username": "ada",
		}},
	} {
		for name, header := range forgeries {
			t.Run(visitor.name+", "+name, func(t *testing.T) {
				if resp := get(t, visitor.client, proxy.URL+"/", header); resp.StatusCode != http.StatusOK {
					t.Fatalf("answered %s", resp.Status)
				}
				got := map[string]string{}
				for name, values := range <-handed {
					name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
					if _, of := got[name]; of || len(values) > 1 {
						t.Errorf("%s comes twice", name)
					}
					if name == "x-proxy-secret" || strings.HasPrefix(name, "x-forwarded-") {
						got[name] = values[0]
					}
				}
				if !maps.Equal(got, visitor.wants) {
					t.Errorf("the app gets %v", got)
				}
			})
		}
	}
}

func TestAForgedHeaderSignsNobodyIn(t *testing.T) {
	v := apptest.Serve(t, newHandler(t.Context()))
	for name, header := range forgeries {
		t.Run(name, func(t *testing.T) {
			resp := get(t, http.DefaultClient, v.AppURL+"/docs-login?redirect=/quickstart", header)
			if to := resp.Header.Get("Location"); resp.StatusCode != http.StatusFound || !strings.HasPrefix(to, "/oauth2/start?rd=") {
				t.Errorf("not sent to the sign-in page, but answered %s", resp.Status)
			}
		})
	}
}

func TestWhoGetsAroundTheProxy(t *testing.T) {
	forged := http.Header{"X-Forwarded-Email": {"eve@example.com"}}
	guessed := http.Header{"X-Forwarded-Email": {"eve@example.com"}, "X-Proxy-Secret": {"a guess"}}
	for _, test := range []struct {
		name   string
		guard  func(http.Handler) http.Handler
		header http.Header
		status int
	}{
		{"is rejected", func(next http.Handler) http.Handler { return fromProxy("a secret for the tests", next) }, forged, http.StatusForbidden},
		{"is rejected with a wrong secret, too", func(next http.Handler) http.Handler { return fromProxy("a secret for the tests", next) }, guessed, http.StatusForbidden},
		{"logs in as anybody, if the app accepts requests from others than the proxy", func(next http.Handler) http.Handler { return next }, forged, http.StatusFound},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := apptest.Serve(t, func(env app.Env) (http.Handler, error) {
				docs, err := docslogin.New(user, env.Platform)
				if err != nil {
					return nil, err
				}
				return test.guard(docs), nil
			})
			resp := get(t, http.DefaultClient, v.AppURL+"/docs-login", test.header)
			if resp.StatusCode != test.status || (resp.Header.Get("Location") != "") != (test.status == http.StatusFound) {
				t.Errorf("answered %s", resp.Status)
			}
		})
	}
}

func TestTheWholeAppIsBehindTheProxy(t *testing.T) {
	v := apptest.Serve(t, func(env app.Env) (http.Handler, error) {
		handler, _, err := newApp(env, "a secret for the tests")
		return handler, err
	})
	for _, path := range []string{"/", "/docs-login", "/no-such-page"} {
		if resp := get(t, http.DefaultClient, v.AppURL+path, http.Header{"X-Forwarded-Email": {"eve@example.com"}}); resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s is answered %s", path, resp.Status)
		}
	}
}

func TestNoSecretIsNoGuard(t *testing.T) {
	for _, secret := range []string{"", "fifteen letters"} {
		if _, _, err := newApp(app.Env{}, secret); err == nil || !strings.Contains(err.Error(), "secret") {
			t.Errorf("with the secret %q, the error is %v", secret, err)
		}
	}
}

func TestWhoTheHeadersName(t *testing.T) {
	for _, test := range []struct {
		name   string
		header http.Header
		email  string
		nobody bool
	}{
		{"one", http.Header{"X-Forwarded-Email": {"ada@example.com"}}, "ada@example.com", false},
		{"none", http.Header{}, "", true},
		{"none, but a name", http.Header{"X-Forwarded-Preferred-Username": {"ada"}, "X-Forwarded-User": {"42"}}, "", true},
		{"an empty one", http.Header{"X-Forwarded-Email": {""}}, "", true},
		{"two, which is a fault and no reason to sign in", http.Header{"X-Forwarded-Email": {"ada@example.com", "eve@example.com"}}, "", false},
		{"one with two users", http.Header{"X-Forwarded-Email": {"ada@example.com"}, "X-Forwarded-User": {"1", "2"}}, "", false},
		{"one with two names", http.Header{"X-Forwarded-Email": {"ada@example.com"}, "X-Forwarded-Preferred-Username": {"ada", "eve"}}, "", false},
		{"two, the first of them empty", http.Header{"X-Forwarded-Email": {"", "eve@example.com"}}, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			user, err := user(&http.Request{Header: test.header})
			if user != nil && user.Email != test.email || user == nil && test.email != "" {
				t.Errorf("the user is %+v", user)
			}
			if errors.Is(err, docslogin.ErrNoUser) != test.nobody || (err == nil) != (test.email != "") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// get asks once, and follows nothing.
func get(t *testing.T, client *http.Client, u string, header http.Header) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", u, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		req.Header[name] = header[name] // as it is spelt
	}
	once := *client
	once.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := once.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp
}
