// Command nethttp is an app on net/http's own mux.
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
	mux.Handle("/sign-in", app.SignIn)
	return docs.Wrap(mux), nil
}
