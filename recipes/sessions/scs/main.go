// Command scs is an app with alexedwards/scs, which keeps the session in the request's context.
//
// The trap: docs.Wrap must be inside of LoadAndSave. Outside, there is no session in the context,
// and scs panics: every login is a 500.
package main

import (
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
)

func main() {
	app.Main(func(env app.Env) (http.Handler, error) { return newHandler(env, newManager()) })
}

// newManager keeps sessions in memory; scs has stores for databases.
func newManager() *scs.SessionManager {
	manager := scs.New() // its cookie is HttpOnly and SameSite=Lax
	manager.Lifetime = 12 * time.Hour
	manager.IdleTimeout = time.Hour
	manager.Cookie.Secure = false // this is plain http on loopback: everywhere else, set it and name the cookie __Host-session
	return manager
}

func newHandler(env app.Env, manager *scs.SessionManager) (http.Handler, error) {
	docs, err := docslogin.New(lookup(manager), env.Platform, app.SignInPage)
	if err != nil {
		return nil, err
	}
	return manager.LoadAndSave(docs.Wrap(pages(docs, manager))), nil
}

// lookup reports who is signed in. If the store is down, LoadAndSave has already answered 500.
func lookup(manager *scs.SessionManager) docslogin.UserLookup {
	return func(r *http.Request) (*docslogin.User, error) {
		email := manager.GetString(r.Context(), "email")
		if email == "" {
			return nil, docslogin.ErrNoUser
		}
		return &docslogin.User{ID: email, Email: email, ExpiresAt: manager.Deadline(r.Context())}, nil
	}
}

func pages(docs *docslogin.Middleware, manager *scs.SessionManager) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/{$}", app.HomeFor(lookup(manager), "/sign-in"))
	mux.Handle("/sign-in", app.SignInForm(docs.ReturnURL, func(_ http.ResponseWriter, r *http.Request, email string) error {
		if err := manager.Clear(r.Context()); err != nil { // remove what an earlier user left
			return err
		}
		if err := manager.RenewToken(r.Context()); err != nil { // somebody else may know the old one
			return err
		}
		manager.Put(r.Context(), "email", email)
		return nil
	}))
	return mux
}
