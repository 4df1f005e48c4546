package main

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/docslogin/docslogin/recipes/internal/fakejwt"
	"github.com/go-jose/go-jose/v4"
)

// fakeCore stands for a SuperTokens core. Of the Core Driver Interface (3.1) it has
//
//	GET  /apiversion, /.well-known/jwks.json
//	POST /public/recipe/signin         any password is valid
//	POST /public/recipe/session, /recipe/session/verify, …/regenerate, …/refresh
//	GET  /recipe/user                  with userId
//	GET  /recipe/user/email/verify     with userId and email
type fakeCore struct {
	*httptest.Server

	mu       sync.Mutex
	users    map[string]string // e-mail addresses, by ID
	sessions map[string]*coreSession

	// The settings of the core and of its users.
	unverified, wrongPassword, down bool
}

type coreSession struct {
	handle, user, refreshToken string
	antiCSRF                   string // "": none
	claims                     map[string]any
}

func newFakeCore() *fakeCore {
	c := &fakeCore{users: map[string]string{}, sessions: map[string]*coreSession{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /apiversion", func(w http.ResponseWriter, _ *http.Request) {
		fakejwt.WriteJSON(w, http.StatusOK, map[string]any{"versions": []string{"3.0", "3.1"}})
	})
	mux.HandleFunc("GET /.well-known/jwks.json", fakejwt.ServeJWKS)
	mux.HandleFunc("POST /public/recipe/signin", c.signIn)
	mux.HandleFunc("POST /public/recipe/session", c.create)
	mux.HandleFunc("POST /recipe/session/verify", c.verify)
	mux.HandleFunc("POST /recipe/session/regenerate", c.regenerate)
	mux.HandleFunc("POST /recipe/session/refresh", c.refresh)
	mux.HandleFunc("GET /recipe/user", c.user)
	mux.HandleFunc("GET /recipe/user/email/verify", func(w http.ResponseWriter, r *http.Request) {
		known := c.users[r.FormValue("userId")] == r.FormValue("email")
		answer(w, "OK", map[string]any{"isVerified": known && !c.unverified})
	})
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.down {
			http.Error(w, "The service is not available.", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	return c
}

// change changes what the fake does.
func (c *fakeCore) change(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

func answer(w http.ResponseWriter, status string, body map[string]any) {
	body["status"] = status
	fakejwt.WriteJSON(w, http.StatusOK, body)
}

func (c *fakeCore) signIn(w http.ResponseWriter, r *http.Request) {
	var request struct{ Email string }
	if json.NewDecoder(r.Body).Decode(&request) != nil || request.Email == "" || c.wrongPassword {
		answer(w, "WRONG_CREDENTIALS_ERROR", map[string]any{})
		return
	}
	id := "user-of-" + request.Email
	c.users[id] = request.Email
	answer(w, "OK", map[string]any{"user": c.userJSON(id)})
}

func (c *fakeCore) userJSON(id string) map[string]any {
	return map[string]any{"id": id, "email": c.users[id], "timeJoined": 1, "tenantIds": []string{"public"}}
}

func (c *fakeCore) user(w http.ResponseWriter, r *http.Request) {
	id := r.FormValue("userId")
	if c.users[id] == "" {
		answer(w, "UNKNOWN_USER_ID_ERROR", map[string]any{})
		return
	}
	answer(w, "OK", map[string]any{"user": c.userJSON(id)})
}

func (c *fakeCore) create(w http.ResponseWriter, r *http.Request) {
	var request struct {
		UserID         string         `json:"userId"`
		Claims         map[string]any `json:"userDataInJWT"`
		EnableAntiCSRF bool           `json:"enableAntiCsrf"`
	}
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s := &coreSession{handle: rand.Text(), user: request.UserID, claims: request.Claims}
	if request.EnableAntiCSRF {
		s.antiCSRF = rand.Text()
	}
	c.sessions[s.handle] = s
	c.hand(w, s)
}

// hand answers with fresh tokens.
func (c *fakeCore) hand(w http.ResponseWriter, s *coreSession) {
	now := time.Now()
	access, err := s.accessToken(now)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.refreshToken = rand.Text()
	token := func(text string, lives time.Duration) any {
		return map[string]any{"token": text, "createdTime": now.UnixMilli(), "expiry": now.Add(lives).UnixMilli()}
	}
	body := map[string]any{
		"session":     s.json(),
		"accessToken": token(access, time.Hour), "refreshToken": token(s.refreshToken, 100*24*time.Hour),
	}
	if s.antiCSRF != "" {
		body["antiCsrfToken"] = s.antiCSRF
	}
	answer(w, "OK", body)
}

func (s *coreSession) json() map[string]any {
	return map[string]any{"handle": s.handle, "userId": s.user, "userDataInJWT": s.claims, "tenantId": "public"}
}

// accessToken returns a token of version 5, which expires after an hour.
func (s *coreSession) accessToken(issued time.Time) (string, error) {
	claims := map[string]any{
		"sub": s.user, "sessionHandle": s.handle, "tId": "public",
		"refreshTokenHash1": "hash", "parentRefreshTokenHash1": nil, "antiCsrfToken": nil,
		"iat": issued.Unix(), "exp": issued.Add(time.Hour).Unix(),
	}
	if s.antiCSRF != "" {
		claims["antiCsrfToken"] = s.antiCSRF
	}
	for name, value := range s.claims {
		claims[name] = value
	}
	return fakejwt.Sign(claims, map[jose.HeaderKey]any{"version": "5"})
}

// verify trusts a token that the SDK has verified, and checks whether the session has ended.
func (c *fakeCore) verify(w http.ResponseWriter, r *http.Request) {
	if s, _ := c.sessionOf(w, r); s != nil {
		answer(w, "OK", map[string]any{"session": s.json()})
	}
}

// regenerate changes a token's claims.
func (c *fakeCore) regenerate(w http.ResponseWriter, r *http.Request) {
	s, claims := c.sessionOf(w, r)
	if s == nil {
		return
	}
	s.claims = claims
	now := time.Now()
	token, err := s.accessToken(now)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, "OK", map[string]any{"session": s.json(), "accessToken": map[string]any{
		"token": token, "createdTime": now.UnixMilli(), "expiry": now.Add(time.Hour).UnixMilli(),
	}})
}

// sessionOf returns the session and the claims that a request names, or answers itself.
func (c *fakeCore) sessionOf(w http.ResponseWriter, r *http.Request) (*coreSession, map[string]any) {
	var request struct {
		AccessToken string
		Claims      map[string]any `json:"userDataInJWT"`
	}
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return nil, nil
	}
	token, err := jose.ParseSignedCompact(request.AccessToken, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		answer(w, "TRY_REFRESH_TOKEN", map[string]any{"message": "not a token"})
		return nil, nil
	}
	var payload struct{ SessionHandle string }
	_ = json.Unmarshal(token.UnsafePayloadWithoutVerification(), &payload)
	s := c.sessions[payload.SessionHandle]
	if s == nil {
		answer(w, "UNAUTHORISED", map[string]any{"message": "Session does not exist."})
	}
	return s, request.Claims
}

func (c *fakeCore) refresh(w http.ResponseWriter, r *http.Request) {
	var request struct{ RefreshToken string }
	_ = json.NewDecoder(r.Body).Decode(&request)
	for _, s := range c.sessions {
		if request.RefreshToken != "" && s.refreshToken == request.RefreshToken {
			c.hand(w, s)
			return
		}
	}
	answer(w, "UNAUTHORISED", map[string]any{"message": "Session does not exist."})
}
