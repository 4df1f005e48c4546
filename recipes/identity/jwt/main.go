// Command jwt is an app whose session is a token of its own in a cookie, with golang-jwt/jwt.
// By itself the library takes a token without an end for one that never ends, and lets the
// token's own header choose how it was signed: say what you want with options of the parser.
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
	key := []byte(rand.Text() + rand.Text()) // in real life from where the app's secrets are, the same on each instance
	tokens := newSessions(key, env.URL)
	docs, err := docslogin.New(tokens.user, env.Platform, app.SignInPage)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/{$}", app.HomeFor(tokens.user, "/sign-in"))
	mux.Handle("/sign-in", app.SignInForm(tokens.signIn))
	return docs.Wrap(mux), nil
}

const (
	cookieName = "session"
	audience   = "session"      // the app's key may sign links that confirm an address, too: those are no sessions
	lifetime   = 12 * time.Hour // nobody can take a token back before it ends
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

// user is the lookup. The key is at hand, so whatever is wrong with a token is the visitor's
// affair. With keys that are fetched, a failure to fetch them must be an error of its own:
// a visitor who is sent to sign in again would come back to the same.
func (s *sessions) user(r *http.Request) (*docslogin.User, error) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return nil, docslogin.ErrNoUser
	}
	var c claims
	_, err = s.parser.ParseWithClaims(cookie.Value, &c, func(*jwt.Token) (any, error) { return s.key, nil })
	if err != nil {
		return nil, docslogin.ErrNoUser // c has been filled in all the same: it means nothing
	}
	return &docslogin.User{ID: c.Subject, Email: c.Email, ExpiresAt: c.ExpiresAt.Time}, nil
}

func (s *sessions) signIn(w http.ResponseWriter, _ *http.Request, email string) error {
	now := time.Now()
	ends := now.Add(lifetime)
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		Email: email,
		RegisteredClaims: jwt.RegisteredClaims{
			Subject:   email, // in real life the user's ID
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
		Secure:   false, // this is plain http on loopback: true everywhere else
	})
	return nil
}
