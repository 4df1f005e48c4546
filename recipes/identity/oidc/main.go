// Command oidc is an app whose session is an OpenID provider's ID token in a cookie, with
// coreos/go-oidc and golang.org/x/oauth2. Two things to get right: if the keys cannot be fetched,
// signing in again does not help, but go-oidc has the same error for that and for a bad token; and
// an address counts only if the provider has verified it. internal/fakeidp stands for the
// provider.
package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/fakeidp"
	"github.com/gorilla/securecookie"
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
	p, err := discover(issuer, clientID, clientSecret, env.URL+"/callback")
	if err != nil {
		return nil, err
	}
	docs, err := docslogin.New(p.user, env.Platform, app.SignInPage)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/{$}", app.HomeFor(p.user, "/sign-in"))
	mux.HandleFunc("GET /sign-in", p.signIn(docs.ReturnURL))
	mux.HandleFunc("GET /callback", p.callback)
	return docs.Wrap(mux), nil
}

type provider struct {
	issuer string
	oauth  oauth2.Config
	keys   *oidc.RemoteKeySet // caches them, and fetches them again for a token that names another
	checks *oidc.Config
	client *http.Client
	begun  *securecookie.SecureCookie // signs and encrypts what the callback needs
}

func discover(issuer, clientID, clientSecret, redirectURL string) (*provider, error) {
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
	return &provider{
		issuer: issuer,
		oauth: oauth2.Config{
			ClientID:     clientID,
			ClientSecret: clientSecret,
			Endpoint:     discovered.Endpoint(),
			RedirectURL:  redirectURL,
			Scopes:       []string{oidc.ScopeOpenID, "email", "profile"},
		},
		keys: oidc.NewRemoteKeySet(ctx, its.Keys),
		// Without ClientID, a token for any other app of the provider would be accepted. A provider
		// that signs with another algorithm than RS256 needs SupportedSigningAlgs.
		checks: &oidc.Config{ClientID: clientID},
		client: client,
		// In real life, both keys are secrets that all instances share.
		begun: securecookie.New(securecookie.GenerateRandomKey(64), securecookie.GenerateRandomKey(32)).MaxAge(600),
	}, nil
}

const cookieName = "id_token"

// user is the lookup.
func (p *provider) user(r *http.Request) (*docslogin.User, error) {
	cookie, err := r.Cookie(cookieName)
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

// keySet is for one token. It keeps the reason why the keys could not be fetched: the verifier's
// error has only its text.
type keySet struct {
	oidc.KeySet
	unreachable error
}

func (k *keySet) VerifySignature(ctx context.Context, raw string) ([]byte, error) {
	payload, err := k.KeySet.VerifySignature(ctx, raw)
	if errors.Unwrap(err) != nil { // the cause; a wrong signature has none
		k.unreachable = err
	}
	return payload, err
}

// signIn sends the visitor to the provider. A cookie has what the callback needs, so that only the
// browser that began the sign-in can complete it. The cookie is signed, so the callback does not check
// the return URL again.
func (p *provider) signIn(returnURL func(*http.Request) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		next := returnURL(r)
		if len(next) > 1000 { // browsers silently drop a cookie of more than 4,096 bytes
			next = "/"
		}
		state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
		cookie, err := p.begun.Encode("sign_in", map[string]string{"state": state, "nonce": nonce, "verifier": verifier, "next": next})
		if err != nil {
			http.Error(w, "Nobody can sign in right now.", http.StatusInternalServerError)
			return
		}
		setCookie(w, "sign_in", cookie, time.Now().Add(10*time.Minute))
		http.Redirect(w, r, p.oauth.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)), http.StatusFound)
	}
}

// callback is where the provider sends the visitor back.
func (p *provider) callback(w http.ResponseWriter, r *http.Request) {
	var begun map[string]string
	cookie, err := r.Cookie("sign_in")
	if err == nil {
		err = p.begun.Decode("sign_in", cookie.Value, &begun)
	}
	if err != nil || !equal(r.FormValue("state"), begun["state"]) {
		http.Error(w, "This sign-in did not begin here, or it has expired. Please sign in again.", http.StatusBadRequest)
		return
	}
	setCookie(w, "sign_in", "", time.Unix(1, 0)) // it is valid once
	if r.FormValue("error") != "" {
		http.Error(w, "The provider did not sign you in. Please sign in again.", http.StatusForbidden)
		return
	}
	ctx := oidc.ClientContext(r.Context(), p.client)
	tokens, err := p.oauth.Exchange(ctx, r.FormValue("code"), oauth2.VerifierOption(begun["verifier"]))
	if refused := (*oauth2.RetrieveError)(nil); errors.As(err, &refused) && refused.ErrorCode == "invalid_grant" { // not an outage: anybody can send an invalid code
		http.Error(w, "This sign-in took too long. Please sign in again.", http.StatusBadRequest)
		return
	}
	if err != nil {
		slog.ErrorContext(ctx, "sign-in", "error", err)
		http.Error(w, "The provider cannot be asked who you are. Please try again.", http.StatusBadGateway)
		return
	}
	raw, _ := tokens.Extra("id_token").(string)
	token, err := p.verify(ctx, raw)
	if err != nil || !equal(token.Nonce, begun["nonce"]) { // the verifier does not check it
		slog.ErrorContext(ctx, "sign-in: the ID token is invalid", "error", err)
		http.Error(w, "The provider’s answer is invalid. Please try again.", http.StatusBadGateway)
		return
	}
	if len(raw) > 3800 { // as above
		http.Error(w, "The provider says more about you than fits into a cookie.", http.StatusInternalServerError)
		return
	}
	setCookie(w, cookieName, raw, token.Expiry)
	http.Redirect(w, r, begun["next"], http.StatusSeeOther)
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func setCookie(w http.ResponseWriter, name, value string, ends time.Time) {
	http.SetCookie(w, &http.Cookie{
		Name:     name,
		Value:    value,
		Path:     "/",
		Expires:  ends,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode, // with Strict, the browser sends none when it comes back from the provider
		Secure:   false,                // this is plain http on loopback: true everywhere else
	})
}
