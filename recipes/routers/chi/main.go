// Command chi is an app on go-chi/chi. Handle adds the login route to the app's own routes; after
// Get, chi would answer the other methods itself. r.Use(docs.Wrap) on the app's router works, too.
// In r.Group or r.With it does not, since their middlewares run only for paths that have a route
// there.
package main

import (
	"net/http"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/go-chi/chi/v5"
)

func main() { app.Main(newHandler) }

func newHandler(env app.Env) (http.Handler, error) {
	docs, err := docslogin.New(app.SignedIn, env.Platform, app.SignInPage)
	if err != nil {
		return nil, err
	}
	r := chi.NewRouter()
	r.Handle("/", app.Home)
	r.Handle("/sign-in", app.SignIn(docs.ReturnURL))
	// In a sub-router under "/app", whose patterns are relative to it, write
	// r.Handle("/docs-login", docs) and docslogin.WithPath("/app/docs-login").
	r.Handle(docs.Path(), docs)
	return r, nil
}
