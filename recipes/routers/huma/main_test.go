package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
)

func TestRecipe(t *testing.T) {
	v := apptest.Try(t, newHandler)
	if page := v.Visitor.Open(t, v.AppURL+"/v1/me"); page.Status != http.StatusOK || !strings.Contains(page.Text, `"email":"ada@example.com"`) {
		t.Errorf("the API takes the visitor for %s: %s", page.Text, page)
	}
}

func TestAPIRejectsTheAnonymous(t *testing.T) {
	v := apptest.Serve(t, newHandler)
	if page := v.Visitor.Open(t, v.AppURL+"/v1/me"); page.Status != http.StatusUnauthorized {
		t.Errorf("the API takes a stranger for %s: %s", page.Text, page)
	}
}

func TestRouteIsNotInTheDescription(t *testing.T) {
	v := apptest.Serve(t, newHandler)
	page := v.Visitor.Open(t, v.AppURL+"/openapi.json")
	if !strings.Contains(page.Text, "/v1/me") || strings.Contains(page.Text, "docs-login") {
		t.Errorf("the API's description is %s: %s", page, page.Text)
	}
}

func TestAnOutageIsNoSignOut(t *testing.T) {
	mux := http.NewServeMux()
	api := humago.New(mux, huma.DefaultConfig("App", "1.0.0"))
	api.UseMiddleware(authenticate(api, func(*http.Request) (*docslogin.User, error) { return nil, errors.New("dial 10.1.2.3: refused") }))
	huma.Get(api, "/v1/me", me)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/me", nil))
	if w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "10.1.2.3") {
		t.Errorf("while sessions cannot be read, the API answers %d %s", w.Code, w.Body)
	}
}

// The trap: the user whom huma's middleware puts into the context is not in the login route's.
func TestLookupAsksHumasContext(t *testing.T) {
	v := apptest.Serve(t, func(env app.Env) (http.Handler, error) {
		handler, err := newHandler(env) // for its sign-in, and its API with the middleware
		if err != nil {
			return nil, err
		}
		docs, err := docslogin.New(func(r *http.Request) (*docslogin.User, error) {
			user, _ := r.Context().Value(userKey{}).(*docslogin.User)
			return user, nil
		}, env.Platform, app.SignInPage)
		if err != nil {
			return nil, err
		}
		mux := http.NewServeMux()
		api := humago.New(mux, huma.DefaultConfig("App", "1.0.0"))
		api.UseMiddleware(authenticate(api, app.SignedIn))
		mux.Handle(docs.Path(), docs)
		mux.Handle("/", handler)
		return mux, nil
	})
	page := v.Visitor.SignIn(t, v.Visitor.Open(t, v.Site.URL+"/quickstart"), v.Site.URL)
	if page.URL.Path != "/docs-login" || page.Status != http.StatusUnauthorized {
		t.Errorf("the visitor ends at %s, and not at the page that ends the redirect loop", page)
	}
}

// The other trap: the login route as an operation is for one method, and behind huma's middleware,
// which rejects visitors who should be sent to the sign-in page.
func TestRouteAsAnOperation(t *testing.T) {
	for _, test := range []struct {
		what       string
		middleware bool
		get, post  int
	}{
		{"without the middleware", false, http.StatusFound, http.StatusMethodNotAllowed},
		{"behind the middleware", true, http.StatusUnauthorized, http.StatusMethodNotAllowed},
	} {
		v := apptest.Serve(t, func(env app.Env) (http.Handler, error) {
			docs, err := docslogin.New(app.SignedIn, env.Platform, app.SignInPage)
			if err != nil {
				return nil, err
			}
			mux := http.NewServeMux()
			api := humago.New(mux, huma.DefaultConfig("App", "1.0.0"))
			if test.middleware {
				api.UseMiddleware(authenticate(api, app.SignedIn))
			}
			huma.Get(api, docs.Path(), func(context.Context, *struct{}) (*huma.StreamResponse, error) {
				return &huma.StreamResponse{Body: func(ctx huma.Context) {
					r, w := humago.Unwrap(ctx)
					docs.ServeHTTP(w, r)
				}}, nil
			})
			return mux, nil
		})
		client := *v.Visitor.Client()
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		for method, want := range map[string]int{http.MethodGet: test.get, http.MethodPost: test.post} {
			req, err := http.NewRequestWithContext(t.Context(), method, v.AppURL+"/docs-login", nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("%s, %s is answered with %s, not %d", test.what, method, resp.Status, want)
			}
			byDocs := resp.Header.Get("Cache-Control") != ""
			if byDocs != (want == http.StatusFound) {
				t.Errorf("%s, %s is answered by the route itself: %v", test.what, method, byDocs)
			}
		}
	}
}

// A lookup reports nobody in two ways.
func TestANilUserIsNobody(t *testing.T) {
	mux := http.NewServeMux()
	api := humago.New(mux, huma.DefaultConfig("App", "1.0.0"))
	api.UseMiddleware(authenticate(api, func(*http.Request) (*docslogin.User, error) { return nil, nil }))
	huma.Get(api, "/v1/orders", func(context.Context, *struct{}) (*struct{}, error) { return nil, nil })
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/orders", nil))
	if w.Code != http.StatusUnauthorized {
		t.Errorf("the API answers nobody with %d %s", w.Code, w.Body)
	}
}
