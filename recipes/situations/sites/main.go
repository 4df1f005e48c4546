// Command sites is an app with two docs sites, guides on Mintlify and a reference on ReadMe. Each
// has a Middleware, a key, and a route of its own. The trap: two with the same route, such as the
// default one. The outer one would then answer for both. fake.go has the test sites.
package main

import (
	"errors"
	"net/http"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
)

func main() { app.MainOn(serve) }

// The login URLs in the two dashboards end with these paths.
const (
	guidesPath    = "/docs-login/guides"
	referencePath = "/docs-login/reference"
)

// In real life, the platforms are platforms.Mintlify("https://guides.example.com", privateKey)
// and platforms.ReadMe("https://reference.example.com", secret).
func newHandler(guidesSite, referenceSite docslogin.Platform) (http.Handler, error) {
	guides, err1 := docslogin.New(app.SignedIn, guidesSite, app.SignInPage, docslogin.WithPath(guidesPath))
	reference, err2 := docslogin.New(app.SignedIn, referenceSite, app.SignInPage, docslogin.WithPath(referencePath))
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/{$}", app.Home)
	mux.Handle("/sign-in", app.SignIn(guides.ReturnURL)) // reference.ReturnURL would do the same, because both have this sign-in page
	return reference.Wrap(guides.Wrap(mux)), nil
}
