// Command goth is an app whose users sign in at an OpenID provider, with goth. After that, the
// app has a session of its own, which the lookup reads. fake.go is a provider on loopback that
// asks for no password: put yours in its place.
//
// The traps: the default gothic.Store has no key without SESSION_SECRET and sets SameSite=None;
// gothic takes the state from a stranger's link; and an e-mail address may not be verified.
package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"
	"github.com/markbates/goth"
	"github.com/markbates/goth/gothic"
	"github.com/markbates/goth/providers/openidConnect"
	"golang.org/x/oauth2"
)

func main() {
	app.Main(func(env app.Env) (http.Handler, error) {
		fake, err := newFake()
		if err != nil {
			return nil, err
		}
		return newHandler(env, fake.URL, newStore(12*time.Hour))
	})
}

func newHandler(env app.Env, issuer string, store sessions.Store) (http.Handler, error) {
	provider, err := openidConnect.New(clientID, clientSecret, env.URL+"/callback", issuer+"/.well-known/openid-configuration", "email")
	if err != nil {
		return nil, err
	}
	provider.HTTPClient = &http.Client{Timeout: 10 * time.Second} // goth's own has no timeout
	goth.UseProviders(provider)
	gothic.Store = newStore(10 * time.Minute)

	lookup := docslogin.SessionLookup(store, "session", user)
	docs, err := docslogin.New(lookup, env.Platform, app.SignInPage)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/{$}", app.HomeFor(lookup, "/sign-in"))
	mux.HandleFunc("GET /sign-in", func(w http.ResponseWriter, r *http.Request) {
		next := docs.ReturnURL(r)
		if len(next) > 1000 { // a longer one does not fit into a cookie
			next = "/"
		}
		session, _ := store.Get(r, "session")
		state := rand.Text()
		session.Values["next"], session.Values["state"] = next, state // the cookie is signed, so nobody else can change them
		if err := session.Save(r, w); err != nil {
			http.Error(w, "The session cannot be saved.", http.StatusInternalServerError)
			return
		}
		r.URL.RawQuery = "state=" + state // gothic reads the state there
		gothic.BeginAuthHandler(w, gothic.GetContextWithProvider(r, provider.Name()))
	})
	mux.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) {
		session, _ := store.Get(r, "session")
		if state, _ := session.Values["state"].(string); state == "" || gothic.GetState(r) != state {
			http.Error(w, "This sign-in did not begin here, or it has expired. Please sign in again.", http.StatusBadRequest)
			return
		}
		identity, err := gothic.CompleteUserAuth(w, gothic.GetContextWithProvider(r, provider.Name()))
		if refused := (*oauth2.RetrieveError)(nil); errors.As(err, &refused) && refused.ErrorCode == "invalid_grant" { // not an outage: anybody can send an invalid code
			http.Error(w, "This sign-in took too long. Please sign in again.", http.StatusBadRequest)
			return
		}
		if err != nil {
			slog.Error("sign-in", "error", err) // not on the page: it may quote what the provider says about the user
			http.Error(w, "The identity provider did not sign you in. Please try again.", http.StatusBadGateway)
			return
		}
		next, _ := session.Values["next"].(string)
		session.ID, session.IsNew = "", true // a new ID: somebody else may know the old one
		session.Values = map[any]any{"id": identity.UserID}
		if identity.RawData["email_verified"] == true {
			session.Values["email"] = identity.Email
		}
		if err := session.Save(r, w); err != nil {
			http.Error(w, "The session cannot be saved.", http.StatusInternalServerError)
			return
		}
		http.Redirect(w, r, next, http.StatusSeeOther)
	})
	return docs.Wrap(mux), nil
}

// user returns the session's user. A session may hold only the return URL and the state.
func user(_ *http.Request, session *sessions.Session) (*docslogin.User, error) {
	id, _ := session.Values["id"].(string)
	email, _ := session.Values["email"].(string)
	switch {
	case id == "":
		return nil, docslogin.ErrNoUser
	case email == "": // the docs identify users by their address
		return nil, fmt.Errorf("%w: their e-mail address is not verified", docslogin.ErrForbidden)
	}
	return &docslogin.User{ID: id, Email: email}, nil
}

// newStore returns a store whose sessions end with the process: in real life, its keys are secrets
// that outlive it. The second one encrypts, since gothic keeps the provider's tokens in its cookie
// for a moment. If they are too long for a cookie (4 KB), give gothic a store on the server.
func newStore(lasts time.Duration) *sessions.CookieStore {
	store := sessions.NewCookieStore(securecookie.GenerateRandomKey(64), securecookie.GenerateRandomKey(32))
	store.Options = &sessions.Options{
		Path:     "/",
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode, // with Strict, the browser sends none when it comes from the provider or the docs
		Secure:   false,                // this is plain http on loopback: true everywhere else
	}
	store.MaxAge(int(lasts.Seconds()))
	return store
}
