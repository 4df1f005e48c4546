// Command httprouter is an app on julienschmidt/httprouter. docs.Wrap goes around the router, whose
// own routes have one method each: after router.GET, it would answer the others itself. And a
// router with a route such as "/:page" or "/*page" cannot have the login route as well.
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
	router.Handler(http.MethodGet, "/sign-in", app.SignIn(docs.ReturnURL))
	router.Handler(http.MethodPost, "/sign-in", app.SignIn(docs.ReturnURL))
	return docs.Wrap(router), nil
}
