// Command jwtauth is an app on chi whose session is a JWT, with go-chi/jwtauth. The login route
// needs its Verifier, which puts the token into the request's context, but must not be behind its
// Authenticator, which answers 401 to visitors who should be sent to the sign-in page.
package main

import (
	"crypto/rand"
	"errors"
	"net/http"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/jwtauth/v5"
	"github.com/lestrrat-go/jwx/v2/jwt"
)

func main() { app.Main(newHandler) }

func newHandler(env app.Env) (http.Handler, error) {
	key := []byte(rand.Text() + rand.Text()) // in real life, a secret that all instances share
	auth := newAuth(key)
	docs, err := docslogin.New(user, env.Platform, app.SignInPage)
	if err != nil {
		return nil, err
	}
	r := chi.NewRouter()
	r.Use(jwtauth.Verifier(auth))
	r.Handle(docs.Path(), docs) // all methods: with r.Get, chi would answer the others
	r.Handle("/sign-in", app.SignInForm(docs.ReturnURL, signIn(auth)))
	r.Group(func(r chi.Router) {
		r.Use(jwtauth.Authenticator(auth))
		r.Handle("/", app.HomeFor(user, "/sign-in"))
	})
	return r, nil
}

const lifetime = 12 * time.Hour // a token cannot be revoked before it expires

// By default jwtauth accepts a token without exp, and a token that the key has signed for another
// purpose, such as to confirm an address.
func newAuth(key []byte) *jwtauth.JWTAuth {
	return jwtauth.New("HS256", key, nil, jwt.WithRequiredClaim("exp"), jwt.WithAudience("session"))
}

// user is the lookup.
func user(r *http.Request) (*docslogin.User, error) {
	token, claims, err := jwtauth.FromContext(r.Context())
	switch {
	case err != nil: // check it first: token and claims are set for an expired token, too
		return nil, docslogin.ErrNoUser
	case token == nil: // a visitor without a token is an error
		return nil, errors.New("jwtauth.Verifier has not run")
	}
	email, _ := claims["email"].(string)
	return &docslogin.User{ID: token.Subject(), Email: email, ExpiresAt: token.Expiration()}, nil
}

func signIn(auth *jwtauth.JWTAuth) func(http.ResponseWriter, *http.Request, string) error {
	return func(w http.ResponseWriter, _ *http.Request, email string) error {
		ends := time.Now().Add(lifetime)
		_, token, err := auth.Encode(map[string]any{
			"sub":   email, // in real life, the user's ID
			"email": email,
			"aud":   "session",
			"exp":   ends,
		})
		if err != nil {
			return err
		}
		http.SetCookie(w, &http.Cookie{
			Name:     "jwt", // Verifier reads it, after an Authorization header; for __Host-jwt, use Verify
			Value:    token,
			Path:     "/",
			Expires:  ends,
			HttpOnly: true,
			SameSite: http.SameSiteLaxMode,
			Secure:   false, // this is plain http on loopback: true everywhere else
		})
		return nil
	}
}
