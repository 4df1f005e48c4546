package main

import (
	"net/http"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
)

func TestRecipe(t *testing.T) { apptest.Try(t, newHandler) }

// The other way to mount it, for apps that keep all routes in one place.
func TestRouteInTheMux(t *testing.T) {
	v := apptest.Serve(t, inTheMux("GET "))
	if page := v.Visitor.SignIn(t, v.Visitor.Open(t, v.Site.URL+"/quickstart"), v.Site.URL); !page.At(v.Site.URL + "/quickstart") {
		t.Errorf("after signing in, the visitor ends at %s, not at the docs' page", page)
	}
	if status, ofDocs := v.AskRoute(t, http.MethodHead); status != http.StatusMethodNotAllowed || !ofDocs {
		t.Errorf("HEAD is answered with %d; by docslogin: %t", status, ofDocs)
	}
	for _, method := range []string{http.MethodPost, http.MethodDelete} {
		if status, ofDocs := v.AskRoute(t, method); status != http.StatusMethodNotAllowed || ofDocs {
			t.Errorf("%s is answered with %d; by docslogin: %t", method, status, ofDocs)
		}
	}
}

// Without a method in the pattern, the login route answers every method itself.
func TestEveryMethodInTheMux(t *testing.T) { apptest.Try(t, inTheMux("")) }

// The trap: next to a pattern such as "GET /{page}", the mux accepts the login route only with a
// method.
func TestRouteNextToAWildcard(t *testing.T) {
	for method, want := range map[string]bool{"GET ": true, "": false} {
		mux := http.NewServeMux()
		mux.Handle("GET /{page}", app.Home)
		if got := accepts(mux, method+"/docs-login"); got != want {
			t.Errorf("the mux accepts the route with the method %q: %t, want %t", method, got, want)
		}
	}
}

func accepts(mux *http.ServeMux, pattern string) (accepted bool) {
	defer func() { accepted = recover() == nil }()
	mux.Handle(pattern, app.Home)
	return
}

// inTheMux returns an app with the login route in its mux, for one method or for all.
func inTheMux(method string) func(app.Env) (http.Handler, error) {
	return func(env app.Env) (http.Handler, error) {
		docs, err := docslogin.New(app.SignedIn, env.Platform, app.SignInPage)
		if err != nil {
			return nil, err
		}
		mux := http.NewServeMux()
		mux.Handle("/{$}", app.Home)
		mux.Handle("/sign-in", app.SignIn(docs.ReturnURL))
		mux.Handle(method+docs.Path(), docs)
		return mux, nil
	}
}
