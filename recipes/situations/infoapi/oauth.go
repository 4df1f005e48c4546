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
	docsURL     string
	redirectURL string // the docs' dashboard shows it
	signedIn    docslogin.UserLookup
	grants      grants
}

func newOAuthServer(docsURL string) *oauthServer {
	return &oauthServer{
		docsURL: docsURL, redirectURL: docsURL + "/mintlify-oauth-callback", signedIn: app.SignedIn,
		grants: grants{codes: map[string]grant{}, tokens: map[string]grant{}},
	}
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
	code := s.grants.add(grant{email: user.Email, scope: docsScope, challenge: q.Get("code_challenge"), end: time.Now().Add(codeLifetime)})
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
	token, ok := s.grants.exchange(r.PostFormValue("code"), func(g grant) bool {
		return r.PostFormValue("grant_type") == "authorization_code" && r.PostFormValue("client_id") == clientID &&
			r.PostFormValue("redirect_uri") == s.redirectURL && oauth2.S256ChallengeFromVerifier(r.PostFormValue("code_verifier")) == g.challenge
	})
	if !ok {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_grant"})
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": tokenLifetime.Seconds()})
}

// grant is what a code, and the access token for it, stand for.
type grant struct {
	email, scope string
	challenge    string
	token        string // for the code; "": nobody has used the code
	end          time.Time
}

// grants has grants by code and by access token. It is safe for concurrent use by multiple goroutines.
type grants struct {
	mu            sync.Mutex
	codes, tokens map[string]grant
	sweep         time.Time // the next one
}

// add returns a code for a grant.
func (g *grants) add(added grant) (code string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := time.Now(); now.After(g.sweep) { // expired grants would fill the memory, but a sweep reads all of them
		expired := func(_ string, old grant) bool { return now.After(old.end) }
		maps.DeleteFunc(g.codes, expired)
		maps.DeleteFunc(g.tokens, expired)
		g.sweep = now.Add(time.Minute)
	}
	code = rand.Text()
	g.codes[code] = added
	return code
}

// exchange returns an access token for a code, once. If somebody uses the code again, one of the two is
// not the docs, so the token is revoked (RFC 6749, section 4.1.2).
func (g *grants) exchange(code string, valid func(grant) bool) (token string, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	found, now := g.codes[code], time.Now()
	delete(g.codes, code)
	delete(g.tokens, found.token)
	if found.token != "" || !now.Before(found.end) || !valid(found) {
		return "", false
	}
	found.token, found.end = rand.Text(), now.Add(tokenLifetime)
	g.codes[code], g.tokens[found.token] = found, found
	return found.token, true
}

// get returns the grant of an access token, and reports whether there is one that has not expired.
func (g *grants) get(token string) (grant, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	found := g.tokens[token]
	return found, time.Now().Before(found.end)
}
