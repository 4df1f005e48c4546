// Command jwt is an app whose session is a token of its own in a cookie, with golang-jwt/jwt.
// By default that library accepts a token without exp, and lets the token's header choose the
// algorithm: set what you require with options of the parser.
package main

import (
	"crypto/rand"
	"net/http"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/golang-jwt/jwt/v5"
)

func main() { app.Main(newHandler) }

func newHandler(env app.Env) (http.Handler, error) {
	key := []byte(rand.Text() + rand.Text()) // in real life, a secret that all instances share
	tokens := newSessions(key, env.URL)
	docs, err := docslogin.New(tokens.user, env.Platform, app.SignInPage)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/{$}", app.HomeFor(tokens.user, "/sign-in"))
	mux.Handle("/sign-in", app.SignInForm(docs.ReturnURL, tokens.signIn))
	return docs.Wrap(mux), nil
}

const (
	cookieName = "session"
	audience   = "session"      // the app's key may also sign links that confirm an address: those are not sessions
	lifetime   = 12 * time.Hour // a token cannot be revoked before it expires
)

type claims struct {
	Email string `json:"email"`
	jwt.RegisteredClaims
}

type sessions struct {
	key    []byte
	issuer string
	parser *jwt.Parser
}

func newSessions(key []byte, issuer string) *sessions {
	return &sessions{key, issuer, jwt.NewParser(
		jwt.WithValidMethods([]string{"HS256"}),
		jwt.WithExpirationRequired(),
		jwt.WithIssuer(issuer),
		jwt.WithAudience(audience),
	)}
}

// user is the lookup. The key is in memory, so a token that does not verify means that nobody is
// signed in. With keys that are fetched, a failure to fetch them must be an error of its own:
// signing in again would not help the visitor.
func (s *sessions) user(r *http.Request) (*docslogin.User, error) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return nil, docslogin.ErrNoUser
	}
	var c claims
	_, err = s.parser.ParseWithClaims(cookie.Value, &c, func(*jwt.Token) (any, error) { return s.key, nil })
	if err != nil {
		return nil, docslogin.ErrNoUser // c is filled in all the same; do not use it
	}
	return &docslogin.User{ID: c.Subject, Email: c.Email, ExpiresAt: c.ExpiresAt.Time}, nil
}

func (s *sessions) signIn(w http.ResponseWriter, _ *http.Request, email string) error {
	now := time.Now()
	ends := now.Add(lifetime)
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		Email: email,
		RegisteredClaims: jwt.RegisteredClaims{
			Subject:   email, // in real life, the user's ID
			Issuer:    s.issuer,
			Audience:  jwt.ClaimStrings{audience},
			IssuedAt:  jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(ends),
		},
	}).SignedString(s.key)
	if err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{
		Name:     cookieName,
		Value:    token,
		Path:     "/",
		Expires:  ends,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
		Secure:   false, // this is plain http on loopback: everywhere else, set it and name the cookie __Host-session
	})
	return nil
}
