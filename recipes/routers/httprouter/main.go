// Command httprouter is an app on julienschmidt/httprouter. The route stands around the router,
// whose own routes are for one method each: after router.GET it would answer the others itself.
// Nor can a router with a route like "/:page" or "/*page" have the docs' route beside that.
package main

import (
	"net/http"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/julienschmidt/httprouter"
)

func main() { app.Main(newHandler) }

func newHandler(env app.Env) (http.Handler, error) {
	docs, err := docslogin.New(app.SignedIn, env.Platform, app.SignInPage)
	if err != nil {
		return nil, err
	}
	router := httprouter.New()
	router.Handler(http.MethodGet, "/", app.Home)
	router.Handler(http.MethodGet, "/sign-in", app.SignIn)
	router.Handler(http.MethodPost, "/sign-in", app.SignIn)
	return docs.Wrap(router), nil
}
