// Command oidc is an app whose session is an OpenID provider's ID token in a cookie, with
// coreos/go-oidc and golang.org/x/oauth2. Two things to get right: if the keys cannot be fetched,
// signing in again does not help, but go-oidc has the same error for that and for a bad token; and
// an address counts only if the provider has verified it. internal/flow has the part of the sign-in
// that is the same for every provider. internal/fakeidp stands for the provider.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/fakeidp"
	"github.com/docslogin/docslogin/recipes/internal/flow"
	"golang.org/x/oauth2"
)

func main() {
	app.Main(func(env app.Env) (http.Handler, error) {
		idp, err := fakeidp.Start(env.URL + "/callback")
		if err != nil {
			return nil, err
		}
		return newHandler(env, idp.URL, idp.ClientID, idp.ClientSecret)
	})
}

func newHandler(env app.Env, issuer, clientID, clientSecret string) (http.Handler, error) {
	p, err := discover(issuer, clientID, clientSecret, env.URL)
	if err != nil {
		return nil, err
	}
	docs, err := docslogin.New(p.user, env.Platform, app.SignInPage)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/{$}", app.HomeFor(p.user, "/sign-in"))
	mux.HandleFunc("GET /sign-in", p.signIn(docs))
	mux.HandleFunc("GET /callback", p.callback)
	return docs.Wrap(mux), nil
}

type provider struct {
	issuer string
	oauth  oauth2.Config
	keys   *oidc.RemoteKeySet // caches them, and fetches them again for a token that they do not verify
	checks *oidc.Config
	client *http.Client
	flows  *flow.Cookies

	cookieName string // of the ID token
	secure     bool
}

func discover(issuer, clientID, clientSecret, appURL string) (*provider, error) {
	client := &http.Client{Timeout: 10 * time.Second} // by default, go-oidc has no timeout
	ctx := oidc.ClientContext(context.Background(), client)
	discovered, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, err
	}
	var its struct {
		Keys string `json:"jwks_uri"`
	}
	if err := discovered.Claims(&its); err != nil {
		return nil, err
	}
	cookieName, secure := flow.CookieName(appURL, "id_token")
	return &provider{
		issuer: issuer,
		oauth: oauth2.Config{
			ClientID:     clientID,
			ClientSecret: clientSecret,
			Endpoint:     discovered.Endpoint(),
			RedirectURL:  appURL + "/callback",
			Scopes:       []string{oidc.ScopeOpenID, "email", "profile"},
		},
		keys: oidc.NewRemoteKeySet(oidc.ClientContext(ctx, &http.Client{Timeout: client.Timeout, Transport: &seldom{}}), its.Keys),
		// Without ClientID, a token for any other app of the provider would be accepted. A provider
		// that signs with another algorithm than RS256 needs SupportedSigningAlgs.
		checks: &oidc.Config{ClientID: clientID},
		client: client,
		flows:  flow.New(appURL),

		cookieName: cookieName,
		secure:     secure,
	}, nil
}

// user is the lookup.
func (p *provider) user(r *http.Request) (*docslogin.User, error) {
	cookie, err := r.Cookie(p.cookieName)
	if err != nil {
		return nil, docslogin.ErrNoUser
	}
	token, err := p.verify(r.Context(), cookie.Value)
	if err != nil {
		return nil, err
	}
	var claims struct {
		Name     string `json:"name"`
		Email    string `json:"email"`
		Verified bool   `json:"email_verified"`
	}
	if err := token.Claims(&claims); err != nil {
		return nil, err
	}
	if !claims.Verified { // at many providers, people can sign up with any address
		return nil, fmt.Errorf("%w: their e-mail address is not verified", docslogin.ErrForbidden)
	}
	return &docslogin.User{ID: token.Subject, Name: claims.Name, Email: claims.Email, ExpiresAt: token.Expiry}, nil
}

// verify returns the token if it is valid. The error is ErrNoUser if it is not, and another one if
// there are no keys to verify it with.
func (p *provider) verify(ctx context.Context, raw string) (*oidc.IDToken, error) {
	keys := &keySet{KeySet: p.keys}
	token, err := oidc.NewVerifier(p.issuer, keys, p.checks).Verify(ctx, raw)
	switch {
	case keys.unreachable != nil:
		return nil, keys.unreachable
	case err != nil:
		return nil, fmt.Errorf("%w: %w", docslogin.ErrNoUser, err)
	}
	return token, nil
}

// signIn sends the visitor to the provider.
func (p *provider) signIn(docs *docslogin.Middleware) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		begun, ok := p.flows.Begin(w, r, docs)
		if !ok {
			return // Begin has responded
		}
		http.Redirect(w, r, p.oauth.AuthCodeURL(begun.State, oidc.Nonce(begun.Nonce), oauth2.S256ChallengeOption(begun.Verifier)), http.StatusFound)
	}
}

// callback is where the provider sends the visitor back.
func (p *provider) callback(w http.ResponseWriter, r *http.Request) {
	begun, code, ok := p.flows.End(w, r)
	if !ok {
		return // End has responded
	}
	raw, token, err := p.exchange(r.Context(), begun, code)
	if err != nil {
		begun.Failed(w, r, err)
		return
	}
	if len(raw) > 3800 { // browsers silently drop a cookie of more than 4,096 bytes
		slog.ErrorContext(r.Context(), "sign-in: the ID token does not fit into a cookie", "bytes", len(raw))
		http.Error(w, "The provider says more about you than fits into a cookie.", http.StatusInternalServerError)
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name:     p.cookieName,
		Value:    raw,
		Path:     "/",
		Expires:  token.Expiry,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode, // with Strict, the browser sends none when it comes from the docs
		Secure:   p.secure,
	})
	http.Redirect(w, r, begun.ReturnURL, http.StatusSeeOther)
}

func (p *provider) exchange(ctx context.Context, begun flow.Flow, code string) (raw string, token *oidc.IDToken, err error) {
	ctx = oidc.ClientContext(ctx, p.client)
	tokens, err := p.oauth.Exchange(ctx, code, oauth2.VerifierOption(begun.Verifier))
	if err != nil {
		return "", nil, err
	}
	raw, ok := tokens.Extra("id_token").(string)
	if !ok {
		return "", nil, flow.ErrIDToken
	}
	token, err = p.verify(ctx, raw)
	if err == nil && token.Nonce != begun.Nonce { // the verifier does not check it
		err = flow.ErrIDToken
	}
	return raw, token, err
}
