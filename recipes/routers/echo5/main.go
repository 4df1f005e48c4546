// Command echo5 is an app on echo v5, whose middleware reads the session once per request. A
// lookup gets the *http.Request and does not see what c.Set stores, so the middleware puts the
// user into the request's context.
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
	e.Any("/sign-in", echo.WrapHandler(app.SignIn(docs.ReturnURL)))
	// Any, or echo would answer the other methods itself. Neither docs.Wrap(e) nor e.Pre works:
	// they are outside of authenticate.
	e.Any(docs.Path(), echo.WrapHandler(docs))
	return e, nil
}

// visitor is the result of reading the session.
type visitor struct {
	user *docslogin.User
	err  error
}

type visitorKey struct{} // a type of its own, so that no other package has the same key

// authenticate reads the session and lets everybody pass. Each page decides what to show to a
// visitor who is not signed in; the login route sends the visitor to the sign-in page.
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

// currentUser is the lookup. If authenticate has not run, that is a bug in the app, and must not look
// like a visitor who is not signed in.
func currentUser(r *http.Request) (*docslogin.User, error) {
	v, ok := r.Context().Value(visitorKey{}).(visitor)
	if !ok {
		return nil, errors.New("no visitor in the request's context: authenticate has not run")
	}
	return v.user, v.err
}
