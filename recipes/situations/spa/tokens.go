package main

import (
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/docslogin/docslogin"
)

// tokens are the app's access tokens. They stand for your app's own, or for those of your identity
// provider, which would renew them silently.
type tokens struct {
	mu    sync.Mutex
	of    map[string]session
	sweep time.Time // the next one
}

type session struct {
	email string
	end   time.Time
}

func newTokens() *tokens { return &tokens{of: map[string]session{}} }

// user is the lookup: it reports whose access token a request carries.
func (t *tokens) user(r *http.Request) (*docslogin.User, error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	t.mu.Lock()
	defer t.mu.Unlock()
	session, known := t.of[token]
	if !ok || !known || !time.Now().Before(session.end) {
		return nil, docslogin.ErrNoUser
	}
	return &docslogin.User{ID: session.email, Email: session.email, ExpiresAt: session.end}, nil
}

// signIn asks for no password.
func (t *tokens) signIn(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Email string }
	if json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<14)).Decode(&asked) != nil || asked.Email == "" {
		answer(w, http.StatusBadRequest, "error", "The e-mail address is missing.")
		return
	}
	answer(w, http.StatusOK, "token", t.add(asked.Email))
}

func (t *tokens) add(email string) (token string) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.After(t.sweep) { // expired tokens would fill the memory, but a sweep reads all of them
		maps.DeleteFunc(t.of, func(_ string, old session) bool { return now.After(old.end) })
		t.sweep = now.Add(time.Minute)
	}
	token = rand.Text()
	t.of[token] = session{email, now.Add(15 * time.Minute)}
	return token
}
