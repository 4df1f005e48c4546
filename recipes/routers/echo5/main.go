// Command echo5 is an app on echo v5, whose middleware says once, for every request, who is
// signed in. A lookup gets the *http.Request, on which nothing is found that c.Set was given: the
// middleware puts the user on the request's context.
package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/labstack/echo/v5"
)

func main() { app.Main(newHandler) }

func newHandler(env app.Env) (http.Handler, error) {
	docs, err := docslogin.New(currentUser, env.Platform, app.SignInPage)
	if err != nil {
		return nil, err
	}
	e := echo.New()
	e.Use(authenticate(app.SignedIn))
	e.GET("/", echo.WrapHandler(app.HomeFor(currentUser, "/sign-in")))
	e.Any("/sign-in", echo.WrapHandler(app.SignIn))
	// Any, as echo would answer the other methods itself. Not docs.Wrap(e), nor by e.Pre: these
	// stand outside authenticate.
	e.Any(docs.Path(), echo.WrapHandler(docs))
	return e, nil
}

// visitor is what the session says, once for the request.
type visitor struct {
	user *docslogin.User
	err  error
}

type visitorKey struct{} // a type of its own: no other package's key is the same

// authenticate reads the session, and lets everybody pass: each page does what it does for those
// who are not signed in, and the docs' route sends them to sign in and to the page they wanted.
func authenticate(signedIn docslogin.UserLookup) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			r := c.Request()
			user, err := signedIn(r)
			c.SetRequest(r.WithContext(context.WithValue(r.Context(), visitorKey{}, visitor{user, err})))
			return next(c)
		}
	}
}

// currentUser is the lookup. A route that authenticate does not stand in front of is a mistake,
// and not a visitor who is signed out.
func currentUser(r *http.Request) (*docslogin.User, error) {
	v, ok := r.Context().Value(visitorKey{}).(visitor)
	if !ok {
		return nil, errors.New("no visitor on the request's context: authenticate has not run")
	}
	return v.user, v.err
}
