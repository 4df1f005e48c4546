package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/platforms"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
)

// start serves to browsers what front returns.
func start(t *testing.T, front func(app.Env) (http.Handler, error)) *apptest.Visit {
	t.Helper()
	site := docslogintest.NewReadMe()
	t.Cleanup(site.Close)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	appURL := "https://" + listener.Addr().String() + "/app"
	handler, err := front(app.Env{URL: appURL, Platform: site.Platform()})
	if err != nil {
		t.Fatal(err)
	}
	server := serveTLS(listener, handler)
	t.Cleanup(server.Close)
	site.SetLoginURL(appURL + "/docs-login")
	return &apptest.Visit{AppURL: appURL, Site: site, Visitor: apptest.NewVisitorOver(server.Client().Transport)}
}

func behindProxy(t *testing.T) *apptest.Visit {
	return start(t, func(env app.Env) (http.Handler, error) {
		appURL := apptest.ServeApp(t, func(string) (http.Handler, error) { return newHandler(env) })
		u, err := url.Parse(appURL)
		return newProxy(u), err
	})
}

func TestRecipe(t *testing.T) {
	v := behindProxy(t)
	isGone := v.PlantValue(t, store)
	v.Try(t)
	isGone()
}

// An app that is part of another server, which strips the prefix, too.
func TestUnderStripPrefix(t *testing.T) {
	start(t, func(env app.Env) (http.Handler, error) {
		handler, err := newHandler(env)
		mux := http.NewServeMux()
		mux.Handle("/app/", http.StripPrefix("/app", handler))
		return mux, err
	}).Try(t)
}

// The doc comment describes an app that sees the prefix itself.
func TestAppThatSeesThePrefix(t *testing.T) {
	start(t, func(env app.Env) (http.Handler, error) {
		docs, err := docslogin.New(signedIn, env.Platform,
			docslogin.WithPath("/app/docs-login"), docslogin.WithSignInPage("/app/sign-in", "next"))
		if err != nil {
			return nil, err
		}
		mux := http.NewServeMux()
		mux.Handle("/app/{$}", app.HomeFor(signedIn, "/app/sign-in"))
		mux.Handle("/app/sign-in", app.SignInForm(docs.ReturnURL, signIn))
		return docs.Wrap(mux), nil
	}).Try(t)
}

// The app sets its cookie over plain http, for what browsers see.
func TestCookie(t *testing.T) {
	v := behindProxy(t)
	client := v.Visitor.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.PostForm(v.AppURL+"/sign-in", url.Values{"email": {"ada@example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	cookies := resp.Cookies()
	if len(cookies) != 1 || cookies[0].Path != "/app/" || !cookies[0].Secure || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteLaxMode {
		t.Errorf("signing in sets %v, not one cookie for /app/ that is Secure, HttpOnly and Lax", cookies)
	}
}

// What a client sends who reaches the app without the proxy, or through one that passes all on.
func TestHeadersThatAnyClientCanSend(t *testing.T) {
	handler, err := newHandler(app.Env{URL: "https://example.com/app", Platform: platforms.ReadMe("https://docs.example.com", "0123456789abcdef")})
	if err != nil {
		t.Fatal(err)
	}
	const want = "/app/sign-in?next=%2Fapp%2Fdocs-login%3Fdocslogin_sent%3D…%26redirect%3D%252Fquickstart"
	for name, value := range map[string]string{
		"Host":               "evil.example",
		"Forwarded":          "host=evil.example;proto=http",
		"X-Forwarded-Host":   "evil.example",
		"X-Forwarded-Proto":  "http",
		"X-Forwarded-Prefix": "/evil",
		"X-Forwarded-Uri":    "/evil",
		"X-Original-Url":     "/evil",
		"X-Rewrite-Url":      "/evil",
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/docs-login?redirect=/quickstart", nil)
		r.Header.Set(name, value)
		if name == "Host" {
			r.Host = value
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if got := now.ReplaceAllString(w.Header().Get("Location"), "…"); w.Code != http.StatusFound || got != want {
			t.Errorf("with %s: %s, nobody is sent to %q (%d); want %q", name, value, got, w.Code, want)
		}
	}
}

var now = regexp.MustCompile(`[0-9]{10}`)

func TestHomeLeadsToSignIn(t *testing.T) {
	v := behindProxy(t)
	if page := v.Visitor.Open(t, v.AppURL+"/"); !page.At(v.AppURL+"/") || !strings.Contains(page.Text, `href="/app/sign-in"`) {
		t.Errorf("a visitor who is signed out and opens the home page ends at %s: %s", page, page.Text)
	}
}
