// Command auth0 is an app whose users sign in at Auth0, as in Auth0's own guide for Go: with
// go-oidc and oauth2, and then a session of the app's own, which the lookup reads.
//
// Two claims are easily missed. email comes only with its scope. Without a check of
// email_verified, anybody can sign up with somebody else's address. internal/flow has the part of
// the sign-in that is the same for every provider. fake.go implements the part of Auth0's API that
// this needs; put your own tenant in its place.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/flow"
	"github.com/gorilla/sessions"
	"golang.org/x/oauth2"
)

func main() {
	tenant := newFakeAuth0()
	app.Main(func(env app.Env) (http.Handler, error) {
		tenant.AllowURLs(env.URL+"/callback", env.URL+"/")
		return newHandler(env, tenant.URL, tenant.ClientID, tenant.ClientSecret)
	})
}

// newHandler takes the tenant's URL without a trailing slash: "https://example.eu.auth0.com".
func newHandler(env app.Env, tenantURL, clientID, clientSecret string) (http.Handler, error) {
	auth, err := newAuthenticator(env.URL, tenantURL, clientID, clientSecret)
	if err != nil {
		return nil, err
	}
	return auth.handler(env)
}

// handler returns the app.
func (a *authenticator) handler(env app.Env) (http.Handler, error) {
	docs, err := docslogin.New(a.user, env.Platform, app.SignInPage)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("GET /sign-in", a.signIn(docs))
	mux.HandleFunc("GET /callback", a.callback)
	mux.HandleFunc("POST /sign-out", a.signOut)
	return docs.Wrap(http.NewCrossOriginProtection().Handler(mux)), nil
}

type authenticator struct {
	appURL, tenantURL string
	oauth2            oauth2.Config
	verifier          *oidc.IDTokenVerifier
	client            *http.Client
	store             *sessions.CookieStore
	flows             *flow.Cookies
	sessionName       string
	user              docslogin.UserLookup
}

func newAuthenticator(appURL, tenantURL, clientID, clientSecret string) (*authenticator, error) {
	client := &http.Client{Timeout: 5 * time.Second}
	// Auth0's issuer has a trailing slash.
	provider, err := oidc.NewProvider(oidc.ClientContext(context.Background(), client), tenantURL+"/")
	if err != nil {
		return nil, err
	}
	store := sessions.NewCookieStore([]byte(rand.Text() + rand.Text())) // in real life, a key that outlives the process
	store.MaxAge(12 * 60 * 60)                                          // for the keys, too; until then, nothing asks Auth0 again
	store.Options.HttpOnly = true
	store.Options.SameSite = http.SameSiteLaxMode // with Strict, the browser sends no session when it comes back from Auth0
	sessionName, secure := flow.CookieName(appURL, "session")
	store.Options.Secure = secure
	return &authenticator{
		appURL:    appURL,
		tenantURL: tenantURL,
		oauth2: oauth2.Config{
			ClientID:     clientID,
			ClientSecret: clientSecret,
			RedirectURL:  appURL + "/callback",
			Endpoint:     provider.Endpoint(),
			Scopes:       []string{oidc.ScopeOpenID, "profile", "email"},
		},
		verifier: provider.Verifier(&oidc.Config{ClientID: clientID}),
		client:   client,
		store:    store,
		flows:    flow.New(appURL),

		sessionName: sessionName,
		user:        docslogin.SessionLookup(store, sessionName, userOf),
	}, nil
}

// userOf reads the session that callback wrote.
func userOf(_ *http.Request, session *sessions.Session) (*docslogin.User, error) {
	id, _ := session.Values["sub"].(string)
	if id == "" {
		return nil, docslogin.ErrNoUser
	}
	email, _ := session.Values["email"].(string)
	if verified, _ := session.Values["email_verified"].(bool); !verified {
		return nil, fmt.Errorf("%w: the e-mail address is not verified", docslogin.ErrForbidden)
	}
	name, _ := session.Values["name"].(string)
	return &docslogin.User{ID: id, Name: name, Email: email}, nil
}

// signIn sends the visitor to Auth0.
func (a *authenticator) signIn(docs *docslogin.Middleware) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		begun, ok := a.flows.Begin(w, r, docs)
		if !ok {
			return // Begin has responded
		}
		http.Redirect(w, r, a.oauth2.AuthCodeURL(begun.State, oidc.Nonce(begun.Nonce), oauth2.S256ChallengeOption(begun.Verifier)), http.StatusSeeOther)
	}
}

// callback is where Auth0 sends the visitor back.
func (a *authenticator) callback(w http.ResponseWriter, r *http.Request) {
	begun, code, ok := a.flows.End(w, r)
	if !ok {
		return // End has responded
	}
	claims, err := a.exchange(r.Context(), begun, code)
	if err != nil {
		begun.Failed(w, r, err)
		return
	}
	session, _ := a.store.Get(r, a.sessionName)
	session.ID, session.IsNew = "", true // a new ID, if the store has IDs: somebody else may know the old one
	session.Values = map[any]any{
		"sub": claims.Subject, "name": claims.Name, "email": claims.Email, "email_verified": claims.EmailVerified,
	}
	if err := session.Save(r, w); err != nil {
		slog.ErrorContext(r.Context(), "sign-in: the session cannot be saved", "error", err)
		http.Error(w, "The session cannot be saved.", http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, begun.ReturnURL, http.StatusSeeOther)
}

type claims struct {
	Subject       string `json:"sub"`
	Name          string `json:"name"`
	Email         string `json:"email"`
	EmailVerified bool   `json:"email_verified"`
}

func (a *authenticator) exchange(ctx context.Context, begun flow.Flow, code string) (*claims, error) {
	ctx = oidc.ClientContext(ctx, a.client)
	token, err := a.oauth2.Exchange(ctx, code, oauth2.VerifierOption(begun.Verifier))
	if err != nil {
		return nil, err
	}
	text, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, flow.ErrIDToken
	}
	idToken, err := a.verifier.Verify(ctx, text)
	if err != nil {
		return nil, err
	}
	if idToken.Nonce != begun.Nonce { // go-oidc leaves this to the app
		return nil, flow.ErrIDToken
	}
	var c claims
	return &c, idToken.Claims(&c)
}

// signOut ends the session here and at Auth0, which would otherwise sign the visitor in again
// without asking. It does not end the docs session. A copy of the session's cookie stays valid; use a
// store on the server to prevent that.
func (a *authenticator) signOut(w http.ResponseWriter, r *http.Request) {
	session, _ := a.store.Get(r, a.sessionName)
	session.Options.MaxAge = -1
	if err := session.Save(r, w); err != nil {
		slog.ErrorContext(r.Context(), "sign-out: the session cannot be saved", "error", err)
		http.Error(w, "The session cannot be ended.", http.StatusInternalServerError)
		return
	}
	query := url.Values{"client_id": {a.oauth2.ClientID}, "returnTo": {a.appURL + "/"}}
	http.Redirect(w, r, a.tenantURL+"/v2/logout?"+query.Encode(), http.StatusSeeOther)
}

func (a *authenticator) home(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store") // the page is the user's
	switch user, err := a.user(r); {
	case errors.Is(err, docslogin.ErrNoUser):
		fmt.Fprintln(w, "Nobody is signed in. The page for that is /sign-in.")
	case errors.Is(err, docslogin.ErrForbidden):
		http.Error(w, "Please verify your e-mail address.", http.StatusForbidden)
	case err != nil:
		slog.ErrorContext(r.Context(), "the session cannot be read", "error", err)
		http.Error(w, "The session cannot be read.", http.StatusInternalServerError)
	default:
		fmt.Fprintf(w, "Signed in as %s\n", user.Email)
	}
}
