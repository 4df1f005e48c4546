// Command gin is an app with gin-contrib/sessions, whose stores are gorilla's: SessionLookup
// reads the same store, under the same name.
//
// The trap: sessions.Default needs a *gin.Context, and a lookup has only the *http.Request.
// gin-contrib/sessions also logs an error for each cookie that it cannot read, and anybody can send
// one.
package main

import (
	"net/http"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/gin-contrib/sessions"
	"github.com/gin-contrib/sessions/cookie"
	"github.com/gin-gonic/gin"
	"github.com/gorilla/securecookie"
	gorilla "github.com/gorilla/sessions"
)

func main() {
	app.Main(func(env app.Env) (http.Handler, error) {
		// In real life, both are secrets that outlive the process, or every restart ends all sessions.
		return newHandler(env, newStore(securecookie.GenerateRandomKey(64), securecookie.GenerateRandomKey(32)))
	})
}

// newStore returns a store for cookies that are signed and encrypted with these keys.
func newStore(keyPairs ...[]byte) sessions.Store {
	store := cookie.NewStore(keyPairs...)
	store.Options(sessions.Options{
		Path:     "/",
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode, // with Strict, everybody who comes from the docs looks signed out
		Secure:   false,                // this is plain http on loopback: everywhere else, set it and name the cookie __Host-session
	})
	store.(interface{ MaxAge(int) }).MaxAge(12 * 60 * 60) // for the keys, too: only browsers obey Options.MaxAge
	return store
}

func newHandler(env app.Env, store sessions.Store) (http.Handler, error) {
	docs, err := docslogin.New(docslogin.SessionLookup(store, "session", user), env.Platform, app.SignInPage)
	if err != nil {
		return nil, err
	}
	gin.SetMode(gin.ReleaseMode) // quiet
	router := gin.New()
	router.Use(sessions.Sessions("session", store))
	router.GET("/", func(c *gin.Context) {
		email, _ := sessions.Default(c).Get("email").(string)
		if email == "" {
			c.Redirect(http.StatusSeeOther, "/sign-in")
			return
		}
		c.Header("Cache-Control", "no-store") // the page says who is signed in
		c.String(http.StatusOK, "Signed in as %s\n", email)
	})
	router.Any("/sign-in", gin.WrapH(app.SignInForm(docs.ReturnURL, func(w http.ResponseWriter, r *http.Request, email string) error {
		session, _ := store.Get(r, "session") // the session of sessions.Default, which cannot change the ID
		session.ID, session.IsNew = "", true  // a new ID: somebody else may know the old one
		session.Values = map[any]any{"email": email}
		return session.Save(r, w)
	})))
	return docs.Wrap(router), nil // around gin: the lookup does not need its middleware
}

// user returns the user of a session that exists.
func user(_ *http.Request, session *gorilla.Session) (*docslogin.User, error) {
	email, _ := session.Values["email"].(string)
	if email == "" {
		return nil, docslogin.ErrNoUser
	}
	return &docslogin.User{ID: email, Email: email}, nil
}
