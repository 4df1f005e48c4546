// Command gin is an app on gin, whose middleware says once, for every request, who is signed in.
// A lookup gets the *http.Request, on which nothing is found that c.Set was given: the middleware
// puts the user on the request's context.
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
	r.Use(authenticate(app.SignedIn)) // before the routes: it is for those that come after it
	r.GET("/", gin.WrapH(app.HomeFor(currentUser, "/sign-in")))
	r.Any("/sign-in", gin.WrapH(app.SignIn))
	// Any, as gin would answer the other methods itself. Not docs.Wrap(r), which would stand
	// outside authenticate.
	r.Any(docs.Path(), gin.WrapH(docs))
	return r, nil
}

// visitor is what the session says, once for the request.
type visitor struct {
	user *docslogin.User
	err  error
}

type visitorKey struct{} // a type of its own: no other package's key is the same

// authenticate reads the session, and lets everybody pass: each page does what it does for those
// who are not signed in, and the docs' route sends them to sign in and to the page they wanted.
func authenticate(signedIn docslogin.UserLookup) gin.HandlerFunc {
	return func(c *gin.Context) {
		user, err := signedIn(c.Request)
		c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), visitorKey{}, visitor{user, err}))
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
