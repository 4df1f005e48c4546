// Command goth is an app whose users sign in at an OpenID provider, with goth. After that, the
// app has a session of its own, which the lookup reads. internal/flow has the part of the sign-in that
// is the same for every provider. internal/fakeidp stands for the provider; it asks for no password.
//
// The recipe calls goth's provider itself, without gothic. gothic keeps one sign-in per browser, so a
// second tab breaks the first. It takes the state, and parameters of the token request, from a link that
// may be a stranger's. Its default store sets SameSite=None, and has no key without SESSION_SECRET.
//
// goth's openidConnect checks the ID token's audience, issuer, and expiry. It does not check the
// signature, which OpenID Connect Core 1.0, section 3.1.3.7, allows for a token that comes directly
// from the provider by TLS. It has no nonce and no PKCE; the recipe adds both. An e-mail address may
// not be verified, so the recipe checks that, too.
package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/fakeidp"
	"github.com/docslogin/docslogin/recipes/internal/flow"
	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"
	"github.com/markbates/goth"
	"github.com/markbates/goth/providers/openidConnect"
	"golang.org/x/oauth2"
)

func main() {
	app.Main(func(env app.Env) (http.Handler, error) {
		idp, err := fakeidp.Start(env.URL + "/callback")
		if err != nil {
			return nil, err
		}
		return newHandler(env, idp.URL, idp.ClientID, idp.ClientSecret, newStore(env.URL))
	})
}

func newHandler(env app.Env, issuer, clientID, clientSecret string, store sessions.Store) (http.Handler, error) {
	provider, err := openidConnect.New(clientID, clientSecret, env.URL+"/callback", issuer+"/.well-known/openid-configuration", "email")
	if err != nil {
		return nil, err
	}
	provider.HTTPClient = &http.Client{Timeout: 10 * time.Second} // goth's own has no timeout

	sessionName, _ := flow.CookieName(env.URL, "session")
	lookup := docslogin.SessionLookup(store, sessionName, user)
	docs, err := docslogin.New(lookup, env.Platform, app.SignInPage)
	if err != nil {
		return nil, err
	}
	flows := flow.New(env.URL)
	mux := http.NewServeMux()
	mux.Handle("/{$}", app.HomeFor(lookup, "/sign-in"))
	mux.HandleFunc("GET /sign-in", func(w http.ResponseWriter, r *http.Request) {
		begun, ok := flows.Begin(w, r, docs)
		if !ok {
			return // Begin has responded
		}
		to, err := authURL(provider, begun)
		if err != nil {
			slog.ErrorContext(r.Context(), "sign-in", "error", err)
			http.Error(w, "Nobody can sign in right now.", http.StatusInternalServerError)
			return
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	})
	mux.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) {
		begun, code, ok := flows.End(w, r)
		if !ok {
			return // End has responded
		}
		identity, err := exchange(provider, begun, code)
		if err != nil {
			begun.Failed(w, r, err)
			return
		}
		session, _ := store.Get(r, sessionName)
		session.ID, session.IsNew = "", true // a new ID: somebody else may know the old one
		session.Values = map[any]any{"id": identity.UserID}
		if identity.RawData["email_verified"] == true {
			session.Values["email"] = identity.Email
		}
		if err := session.Save(r, w); err != nil {
			slog.ErrorContext(r.Context(), "sign-in: the session cannot be saved", "error", err)
			http.Error(w, "The session cannot be saved.", http.StatusInternalServerError)
			return
		}
		http.Redirect(w, r, begun.ReturnURL, http.StatusSeeOther)
	})
	return docs.Wrap(mux), nil
}

// authURL returns the provider's URL for a sign-in.
func authURL(provider *openidConnect.Provider, begun flow.Flow) (string, error) {
	session, err := provider.BeginAuth(begun.State)
	if err != nil {
		return "", err
	}
	to, err := session.GetAuthURL()
	return to + "&" + url.Values{
		"nonce": {begun.Nonce}, "code_challenge": {oauth2.S256ChallengeFromVerifier(begun.Verifier)}, "code_challenge_method": {"S256"},
	}.Encode(), err
}

// exchange returns the identity for a code. This provider needs nothing from the session that BeginAuth
// returned. For one with OAuth 1, such as Twitter's, keep that session until the callback.
func exchange(provider *openidConnect.Provider, begun flow.Flow, code string) (goth.User, error) {
	var session openidConnect.Session
	if _, err := session.Authorize(provider, url.Values{"code": {code}, "code_verifier": {begun.Verifier}}); err != nil {
		return goth.User{}, err
	}
	if session.IDToken == "" {
		return goth.User{}, flow.ErrIDToken
	}
	identity, err := provider.FetchUser(&session)
	if err == nil && identity.RawData["nonce"] != begun.Nonce {
		err = flow.ErrIDToken
	}
	return identity, err
}

// user returns the session's user.
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

// newStore returns a store whose sessions end with the process: in real life, its key is a secret that
// outlives it.
func newStore(appURL string) *sessions.CookieStore {
	_, secure := flow.CookieName(appURL, "session")
	store := sessions.NewCookieStore(securecookie.GenerateRandomKey(64))
	store.Options = &sessions.Options{
		Path:     "/",
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode, // with Strict, the browser sends none when it comes from the provider or the docs
		Secure:   secure,
	}
	store.MaxAge(12 * 60 * 60)
	return store
}
