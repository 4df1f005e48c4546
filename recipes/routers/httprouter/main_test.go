package main

import (
	"net/http"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
	"github.com/julienschmidt/httprouter"
)

func TestRecipe(t *testing.T) { apptest.Try(t, newHandler) }

// The other way to mount it, for those who keep all routes in one place.
func TestEveryMethodInTheRouter(t *testing.T) {
	apptest.Try(t, with(func(router *httprouter.Router, docs *docslogin.Middleware) http.Handler {
		pages(router, docs)
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			router.Handler(method, docs.Path(), docs)
		}
		return router
	}))
}

func TestGETAlone(t *testing.T) {
	v := apptest.Serve(t, with(func(router *httprouter.Router, docs *docslogin.Middleware) http.Handler {
		pages(router, docs)
		router.Handler(http.MethodGet, docs.Path(), docs)
		return router
	}))
	if page := v.Visitor.Open(t, v.Site.URL+"/quickstart"); !page.HasForm() {
		t.Errorf("a visitor ends at %s, not at the sign-in page", page)
	}
	for method, want := range map[string]int{
		http.MethodHead:    http.StatusMethodNotAllowed,
		http.MethodPost:    http.StatusMethodNotAllowed,
		http.MethodOptions: http.StatusOK,
	} {
		if status, ofDocs := v.AskRoute(t, method); status != want || ofDocs {
			t.Errorf("%s is answered with %d; by docslogin: %t", method, status, ofDocs)
		}
	}
}

// Alone, the router would redirect from the login route to its own path with a trailing slash.
func TestRedirectsOfTheRouter(t *testing.T) {
	apptest.Try(t, with(func(router *httprouter.Router, docs *docslogin.Middleware) http.Handler {
		pages(router, docs)
		for _, method := range []string{"GET", "HEAD", "POST", "DELETE"} {
			router.Handler(method, "/docs-login/", http.NotFoundHandler())
		}
		return docs.Wrap(router)
	}))
}

func TestRouterThatTakesEveryPath(t *testing.T) {
	apptest.Try(t, with(func(router *httprouter.Router, docs *docslogin.Middleware) http.Handler {
		page := func(w http.ResponseWriter, r *http.Request, p httprouter.Params) {
			switch p.ByName("page") {
			case "/":
				app.Home.ServeHTTP(w, r)
			case "/sign-in":
				app.SignIn(docs.ReturnURL).ServeHTTP(w, r)
			default:
				http.NotFound(w, r)
			}
		}
		router.GET("/*page", page)
		router.POST("/*page", page)
		if !panics(func() { router.Handler(http.MethodGet, docs.Path(), docs) }) {
			t.Error("the router accepts the login route besides one for every path")
		}
		return docs.Wrap(router)
	}))
}

func panics(f func()) (panicked bool) {
	defer func() { panicked = recover() != nil }()
	f()
	return
}

// with returns what serves an app with the routes that mount makes.
func with(mount func(*httprouter.Router, *docslogin.Middleware) http.Handler) func(app.Env) (http.Handler, error) {
	return func(env app.Env) (http.Handler, error) {
		docs, err := docslogin.New(app.SignedIn, env.Platform, app.SignInPage)
		if err != nil {
			return nil, err
		}
		return mount(httprouter.New(), docs), nil
	}
}

func pages(router *httprouter.Router, docs *docslogin.Middleware) {
	router.Handler(http.MethodGet, "/", app.Home)
	router.Handler(http.MethodGet, "/sign-in", app.SignIn(docs.ReturnURL))
	router.Handler(http.MethodPost, "/sign-in", app.SignIn(docs.ReturnURL))
}
