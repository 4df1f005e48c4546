// Command nethttp is an app on net/http's own mux, with docs.Wrap around it. To mount the login
// route in the mux instead, use mux.Handle("GET "+docs.Path(), docs). The mux then answers POST and
// the like itself: with a 405, unless another pattern matches.
package main

import (
	"net/http"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
)

func main() { app.Main(newHandler) }

func newHandler(env app.Env) (http.Handler, error) {
	docs, err := docslogin.New(app.SignedIn, env.Platform, app.SignInPage)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/{$}", app.Home)
	mux.Handle("/sign-in", app.SignIn(docs.ReturnURL))
	return docs.Wrap(mux), nil
}
