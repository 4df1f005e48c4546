// Command gorillamux is an app on gorilla/mux, with the login route among the app's own, for all
// methods. router.Use(docs.Wrap) alone is a 404: mux runs middlewares only for paths that have a
// route.
package main

import (
	"net/http"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/gorilla/mux"
)

func main() { app.Main(newHandler) }

func newHandler(env app.Env) (http.Handler, error) {
	docs, err := docslogin.New(app.SignedIn, env.Platform, app.SignInPage)
	if err != nil {
		return nil, err
	}
	router := mux.NewRouter()
	router.Handle("/", app.Home)
	router.Handle("/sign-in", app.SignIn(docs.ReturnURL))
	// With .Methods("GET"), mux would answer the other methods itself. To mount nothing in the
	// router, return docs.Wrap(router) instead.
	router.Handle(docs.Path(), docs)
	return router, nil
}
