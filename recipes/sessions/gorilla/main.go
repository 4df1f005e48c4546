// Command gorilla is an app with gorilla/sessions: SessionLookup reads the session from any store.
//
// The traps: the cookie's defaults (SameSite=None with Secure); a session that keeps its ID when
// somebody signs in; and Options.MaxAge, which only browsers obey.
package main

import (
	"net/http"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"
)

func main() {
	app.Main(func(env app.Env) (http.Handler, error) {
		// In real life, both are secrets that outlive the process, or every restart ends all sessions.
		store := newStore(securecookie.GenerateRandomKey(64), securecookie.GenerateRandomKey(32))
		return newHandler(env, store)
	})
}

// newStore returns a store for cookies that are signed and encrypted with the first pair of keys,
// of 64 and 32 random bytes. It also reads cookies of further pairs: add the previous pair until
// its sessions have expired.
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

// newHandler takes any store for gorilla/sessions: files, Redis, SQL.
func newHandler(env app.Env, store sessions.Store) (http.Handler, error) {
	lookup := docslogin.SessionLookup(store, "session", user)
	docs, err := docslogin.New(lookup, env.Platform, app.SignInPage)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/{$}", app.HomeFor(lookup, "/sign-in"))
	mux.Handle("/sign-in", app.SignInForm(docs.ReturnURL, func(w http.ResponseWriter, r *http.Request, email string) error {
		session, _ := store.Get(r, "session") // a new one and an error, if the browser's cannot be read
		session.ID, session.IsNew = "", true  // a new ID: somebody else may know the old one
		session.Values = map[any]any{"email": email}
		return session.Save(r, w)
	}))
	return docs.Wrap(mux), nil
}

// user returns the user of a session that exists.
func user(_ *http.Request, session *sessions.Session) (*docslogin.User, error) {
	email, _ := session.Values["email"].(string)
	if email == "" {
		return nil, docslogin.ErrNoUser
	}
	return &docslogin.User{ID: email, Email: email}, nil
}
