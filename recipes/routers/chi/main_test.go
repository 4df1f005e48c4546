package main

import (
	"net/http"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
	"github.com/go-chi/chi/v5"
)

func TestRecipe(t *testing.T) { apptest.Try(t, newHandler) }

func TestMiddlewareOfTheRouter(t *testing.T) {
	apptest.Try(t, with("", func(r chi.Router, docs *docslogin.Middleware) {
		r.Use(docs.Wrap)
		pages(r, docs)
	}))
}

func TestSubRouter(t *testing.T) {
	for name, mount := range map[string]func(chi.Router, *docslogin.Middleware){
		"as a middleware": func(r chi.Router, docs *docslogin.Middleware) {
			r.Use(docs.Wrap)
			pages(r, docs)
		},
		"as a route": func(r chi.Router, docs *docslogin.Middleware) {
			pages(r, docs)
			r.Handle("/docs-login", docs)
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := apptest.Serve(t, with("/app", func(r chi.Router, docs *docslogin.Middleware) {
				r.Route("/app", func(r chi.Router) { mount(r, docs) })
			}))
			v.AppURL += "/app"
			v.Site.SetLoginURL(v.AppURL + "/docs-login")
			v.Try(t)
		})
	}
}

func TestWhereThereIsNoRoute(t *testing.T) {
	for name, mount := range map[string]func(chi.Router, *docslogin.Middleware){
		"as a middleware of a group": func(r chi.Router, docs *docslogin.Middleware) {
			r.Group(func(r chi.Router) {
				r.Use(docs.Wrap)
				pages(r, docs)
			})
		},
		"as a middleware of single routes": func(r chi.Router, docs *docslogin.Middleware) {
			pages(r.With(docs.Wrap), docs)
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := apptest.Serve(t, with("", mount))
			if page := v.Visitor.Open(t, v.AppURL+"/docs-login"); page.Status != http.StatusNotFound {
				t.Errorf("a visitor ends at %s", page)
			}
		})
	}
}

func TestSubRouterAndPathFromTheRoot(t *testing.T) {
	v := apptest.Serve(t, with("/app", func(r chi.Router, docs *docslogin.Middleware) {
		r.Route("/app", func(r chi.Router) {
			pages(r, docs)
			r.Handle(docs.Path(), docs)
		})
	}))
	if page := v.Visitor.Open(t, v.AppURL+"/app/docs-login"); page.Status != http.StatusNotFound {
		t.Errorf("a visitor ends at %s", page)
	}
}

func TestGetAlone(t *testing.T) {
	v := apptest.Serve(t, with("", func(r chi.Router, docs *docslogin.Middleware) {
		pages(r, docs)
		r.Get(docs.Path(), docs.ServeHTTP)
	}))
	if page := v.Visitor.Open(t, v.Site.URL+"/quickstart"); !page.HasForm() {
		t.Errorf("a visitor ends at %s, not at the sign-in page", page)
	}
	for _, method := range []string{http.MethodHead, http.MethodPost} {
		if status, ofDocs := v.AskRoute(t, method); status != http.StatusMethodNotAllowed || ofDocs {
			t.Errorf("%s is answered with %d; by docslogin: %t", method, status, ofDocs)
		}
	}
}

// with returns what serves an app, under a prefix, with the route where mount puts it.
func with(prefix string, mount func(chi.Router, *docslogin.Middleware)) func(app.Env) (http.Handler, error) {
	return func(env app.Env) (http.Handler, error) {
		docs, err := docslogin.New(app.SignedIn, env.Platform,
			docslogin.WithPath(prefix+"/docs-login"), docslogin.WithSignInPage(prefix+"/sign-in", "next"))
		if err != nil {
			return nil, err
		}
		r := chi.NewRouter()
		mount(r, docs)
		return r, nil
	}
}

func pages(r chi.Router, docs *docslogin.Middleware) {
	r.Handle("/", app.Home)
	r.Handle("/sign-in", app.SignIn(docs.ReturnURL))
}
