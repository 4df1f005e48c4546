// Command echo is an app on Echo 4 with echo-contrib's session middleware, whose stores are
// gorilla's: SessionLookup reads the same store, under the same name.
//
// The trap: for a cookie that cannot be read, session.Get returns an error and a new session. A
// sign-in handler that stops at the error locks the visitor out.
package main

import (
	"net/http"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo-contrib/session"
	"github.com/labstack/echo/v4"
)

func main() {
	app.Main(func(env app.Env) (http.Handler, error) {
		// In real life, both are secrets that outlive the process, or every restart ends all sessions.
		return newHandler(env, newStore(securecookie.GenerateRandomKey(64), securecookie.GenerateRandomKey(32)))
	})
}

// newStore returns a store for cookies that are signed and encrypted with these keys.
func newStore(keyPairs ...[]byte) *sessions.CookieStore {
	store := sessions.NewCookieStore(keyPairs...)
	store.Options = &sessions.Options{
		Path:     "/",
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode, // with Strict, everybody who comes from the docs looks signed out
		Secure:   false,                // this is plain http on loopback: everywhere else, set it and name the cookie __Host-session
	}
	store.MaxAge(12 * 60 * 60) // for the keys, too: only browsers obey Options.MaxAge
	return store
}

func newHandler(env app.Env, store sessions.Store) (http.Handler, error) {
	docs, err := docslogin.New(docslogin.SessionLookup(store, "session", user), env.Platform, app.SignInPage)
	if err != nil {
		return nil, err
	}
	e := echo.New()
	e.Use(session.Middleware(store))
	e.GET("/", func(c echo.Context) error {
		s, _ := session.Get("session", c)
		email, _ := s.Values["email"].(string)
		if email == "" {
			return c.Redirect(http.StatusSeeOther, "/sign-in")
		}
		c.Response().Header().Set("Cache-Control", "no-store") // the page says who is signed in
		return c.String(http.StatusOK, "Signed in as "+email+"\n")
	})
	e.Any("/sign-in", func(c echo.Context) error {
		app.SignInForm(docs.ReturnURL, func(w http.ResponseWriter, r *http.Request, email string) error {
			s, _ := session.Get("session", c) // a new one and an error, if the browser's cannot be read
			s.ID, s.IsNew = "", true          // a new ID: somebody else may know the old one
			s.Values = map[any]any{"email": email}
			return s.Save(r, w)
		}).ServeHTTP(c.Response(), c.Request())
		return nil
	})
	return docs.Wrap(e), nil // around Echo: the lookup does not need its middleware
}

// user returns the user of a session that exists.
func user(_ *http.Request, s *sessions.Session) (*docslogin.User, error) {
	email, _ := s.Values["email"].(string)
	if email == "" {
		return nil, docslogin.ErrNoUser
	}
	return &docslogin.User{ID: email, Email: email}, nil
}
