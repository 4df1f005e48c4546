package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"golang.org/x/oauth2"
)

const (
	authorizePath = "/oauth/authorize"
	clientID      = "docs"
	docsScope     = "docs-user-info" // other tokens of the app have other scopes
	codeLifetime  = time.Minute
	tokenLifetime = 10 * time.Minute
)

// oauthServer has one client, the docs. They are a public client, which has no secret, so the server
// requires the authorization code flow with PKCE (RFC 7636).
type oauthServer struct {
	docsURL       string
	redirectURL   string // the docs' dashboard shows it
	signedIn      docslogin.UserLookup
	codes, tokens grants
}

func newOAuthServer(docsURL string) *oauthServer {
	return &oauthServer{docsURL: docsURL, redirectURL: docsURL + "/mintlify-oauth-callback", signedIn: app.SignedIn}
}

// authorize sends a user who is signed in back to the docs with a code. It does not ask for consent,
// because the docs are the app's own.
func (s *oauthServer) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	if q.Get("client_id") != clientID || q.Get("redirect_uri") != s.redirectURL || q.Get("response_type") != "code" ||
		q.Get("scope") != docsScope || q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" {
		http.Error(w, "This request does not come from the docs.", http.StatusBadRequest) // no redirect, because the URL may be a stranger's
		return
	}
	user, err := s.signedIn(r)
	switch {
	case errors.Is(err, docslogin.ErrNoUser):
		http.Redirect(w, r, "/sign-in?"+url.Values{"next": {authorizePath + "?" + q.Encode()}}.Encode(), http.StatusSeeOther)
		return
	case err != nil:
		slog.ErrorContext(r.Context(), "the session cannot be read", "error", err)
		http.Error(w, "The session cannot be read.", http.StatusInternalServerError)
		return
	}
	code := s.codes.add(grant{user.Email, docsScope, q.Get("code_challenge"), time.Now().Add(codeLifetime)})
	http.Redirect(w, r, s.redirectURL+"?"+url.Values{"code": {code}, "state": {q.Get("state")}}.Encode(), http.StatusSeeOther)
}

// returnURL returns where the sign-in page redirects. Anybody can make a link to that page, so it leads
// only to authorize, which checks its own parameters, or home. An app that also has a Middleware uses
// Middleware.ReturnURL.
func returnURL(r *http.Request) string {
	query, ok := strings.CutPrefix(r.FormValue("next"), authorizePath+"?")
	if !ok {
		return "/"
	}
	values, _ := url.ParseQuery(query)
	return authorizePath + "?" + values.Encode()
}

// exchange gives a script of the docs an access token for a code.
func (s *oauthServer) exchange(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", s.docsURL)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/json")
	r.Body = http.MaxBytesReader(w, r.Body, 1<<14)
	grant, ok := s.codes.take(r.PostFormValue("code"))
	if !ok || r.PostFormValue("grant_type") != "authorization_code" || r.PostFormValue("client_id") != clientID ||
		r.PostFormValue("redirect_uri") != s.redirectURL ||
		oauth2.S256ChallengeFromVerifier(r.PostFormValue("code_verifier")) != grant.challenge {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_grant"})
		return
	}
	grant.end = time.Now().Add(tokenLifetime)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"access_token": s.tokens.add(grant), "token_type": "Bearer", "expires_in": tokenLifetime.Seconds(),
	})
}

// grant is what a code or an access token stands for.
type grant struct {
	email, scope string
	challenge    string // of the code
	end          time.Time
}

// grants has grants by code or access token. It is safe for concurrent use by multiple goroutines.
type grants struct {
	mu    sync.Mutex
	of    map[string]grant
	sweep time.Time // the next one
}

func (g *grants) add(added grant) (key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.of == nil {
		g.of = map[string]grant{}
	}
	if now := time.Now(); now.After(g.sweep) { // without sweeps, expired grants would fill the memory; each reads all of them
		maps.DeleteFunc(g.of, func(_ string, old grant) bool { return now.After(old.end) })
		g.sweep = now.Add(time.Minute)
	}
	key = rand.Text()
	g.of[key] = added
	return key
}

// get returns a grant, and reports whether there is one that has not expired.
func (g *grants) get(key string) (grant, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	found := g.of[key]
	return found, time.Now().Before(found.end)
}

// take is like get, but also removes the grant, which is then valid only once.
func (g *grants) take(key string) (grant, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	found := g.of[key]
	delete(g.of, key)
	return found, time.Now().Before(found.end)
}
