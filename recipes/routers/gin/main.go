// Command gin is an app on gin, whose middleware reads the session once per request. A lookup gets
// the *http.Request and does not see what c.Set stores, so the middleware puts the user into the
// request's context.
package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/gin-gonic/gin"
)

func main() { app.Main(newHandler) }

func newHandler(env app.Env) (http.Handler, error) {
	docs, err := docslogin.New(currentUser, env.Platform, app.SignInPage)
	if err != nil {
		return nil, err
	}
	gin.SetMode(gin.ReleaseMode) // quiet
	r := gin.New()
	r.Use(authenticate(app.SignedIn)) // before the routes: it runs only for routes that are added later
	r.GET("/", gin.WrapH(app.HomeFor(currentUser, "/sign-in")))
	r.Any("/sign-in", gin.WrapH(app.SignIn(docs.ReturnURL)))
	// Any, or gin would answer the other methods itself. docs.Wrap(r) does not work: it is outside
	// of authenticate.
	r.Any(docs.Path(), gin.WrapH(docs))
	return r, nil
}

// visitor is the result of reading the session.
type visitor struct {
	user *docslogin.User
	err  error
}

type visitorKey struct{} // a type of its own, so that no other package has the same key

// authenticate reads the session and lets everybody pass. Each page decides what to show to a
// visitor who is not signed in; the login route sends the visitor to the sign-in page.
func authenticate(signedIn docslogin.UserLookup) gin.HandlerFunc {
	return func(c *gin.Context) {
		user, err := signedIn(c.Request)
		c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), visitorKey{}, visitor{user, err}))
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
