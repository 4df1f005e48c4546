// Command echo5 is an app on echo v5, whose middleware says once, for every request, who is
// signed in. A lookup gets the *http.Request, on which nothing is found that c.Set was given: the
// middleware puts the user on the request's context.
package main

import (
	"context"
	"errors"
	"log/slog"
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
	e.GET("/", home)
	e.Any("/sign-in", echo.WrapHandler(app.SignIn))
	// Any, as echo would answer the other methods itself. Not docs.Wrap(e), nor by e.Pre: these
	// stand outside authenticate.
	e.Any(docs.Path(), echo.WrapHandler(docs))
	return e, nil
}

type userKey struct{} // a type of its own: no other package's key is the same

// authenticate reads the session. It lets those pass who are not signed in, since the docs'
// route sends them to sign in and to the page that they wanted.
func authenticate(signedIn docslogin.UserLookup) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			r := c.Request()
			user, err := signedIn(r)
			if err != nil && !errors.Is(err, docslogin.ErrNoUser) {
				slog.ErrorContext(r.Context(), "the session cannot be read", "error", err) // echo's error handler writes no log
				return err
			}
			c.SetRequest(r.WithContext(context.WithValue(r.Context(), userKey{}, user)))
			return next(c)
		}
	}
}

// currentUser is the lookup. A route that authenticate does not stand in front of is a mistake,
// and not a visitor who is signed out.
func currentUser(r *http.Request) (*docslogin.User, error) {
	user, ok := r.Context().Value(userKey{}).(*docslogin.User)
	if !ok {
		return nil, errors.New("no user on the request's context: authenticate has not run")
	}
	return user, nil // nil: nobody is signed in
}

func home(c *echo.Context) error {
	user, err := currentUser(c.Request())
	switch {
	case err != nil:
		return err
	case user == nil:
		return c.Redirect(http.StatusSeeOther, "/sign-in")
	}
	return c.String(http.StatusOK, "Signed in as "+user.Email+"\n")
}
