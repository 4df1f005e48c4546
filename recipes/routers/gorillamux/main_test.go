package main

import (
	"net/http"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
	"github.com/gorilla/mux"
)

func TestRecipe(t *testing.T) { apptest.Try(t, newHandler) }

func TestAroundTheRouter(t *testing.T) {
	apptest.Try(t, with(func(router *mux.Router, docs *docslogin.Middleware) http.Handler {
		return docs.Wrap(router)
	}))
}

func TestMiddlewareAlone(t *testing.T) {
	v := apptest.Serve(t, with(func(router *mux.Router, docs *docslogin.Middleware) http.Handler {
		router.Use(docs.Wrap)
		return router
	}))
	if page := v.Visitor.Open(t, v.AppURL+"/docs-login"); page.Status != http.StatusNotFound {
		t.Errorf("a visitor ends at %s", page)
	}
}

func TestGETAlone(t *testing.T) {
	for name, mount := range map[string]func(*mux.Router, *docslogin.Middleware){
		"on the route": func(router *mux.Router, docs *docslogin.Middleware) {
			router.Handle(docs.Path(), docs).Methods("GET")
		},
		"on a sub-router": func(router *mux.Router, docs *docslogin.Middleware) {
			router.Methods("GET").Subrouter().Handle(docs.Path(), docs)
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := apptest.Serve(t, with(func(router *mux.Router, docs *docslogin.Middleware) http.Handler {
				mount(router, docs)
				return router
			}))
			if page := v.Visitor.Open(t, v.Site.URL+"/quickstart"); !page.HasForm() {
				t.Errorf("a visitor ends at %s, not at the sign-in page", page)
			}
			for _, method := range []string{http.MethodHead, http.MethodPost} {
				if status, ofDocs := v.AskRoute(t, method); status != http.StatusMethodNotAllowed || ofDocs {
					t.Errorf("%s is answered with %d; by docslogin: %t", method, status, ofDocs)
				}
			}
		})
	}
}

// with returns what serves an app with the route where mount puts it.
func with(mount func(*mux.Router, *docslogin.Middleware) http.Handler) func(app.Env) (http.Handler, error) {
	return func(env app.Env) (http.Handler, error) {
		docs, err := docslogin.New(app.SignedIn, env.Platform, app.SignInPage)
		if err != nil {
			return nil, err
		}
		router := mux.NewRouter()
		router.Handle("/", app.Home)
		router.Handle("/sign-in", app.SignIn(docs.ReturnURL))
		return mount(router, docs), nil
	}
}
