package main

import (
	"net/http"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
)

func TestRecipe(t *testing.T) { apptest.Try(t, newHandler) }

// The other way to mount it, for those who keep all routes in one place. A pattern with a
// method would leave the other methods to the mux.
func TestRouteInTheMux(t *testing.T) {
	apptest.Try(t, func(env app.Env) (http.Handler, error) {
		docs, err := docslogin.New(app.SignedIn, env.Platform, app.SignInPage)
		if err != nil {
			return nil, err
		}
		mux := http.NewServeMux()
		mux.Handle("/{$}", app.Home)
		mux.Handle("/sign-in", app.SignIn)
		mux.Handle(docs.Path(), docs)
		return mux, nil
	})
}
