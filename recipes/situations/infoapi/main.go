// Command infoapi is an app whose public docs log readers in by OAuth, and then request the reader's
// data from the app's Info API (Mintlify personalization). The docs send an access token instead of
// a cookie, so they can be on any site.
//
// Two mistakes are common. The lookup must not accept access tokens of other clients, and the token
// endpoint needs CORS headers, because the docs' pages call it. oauth.go stands for the OAuth server
// that your app has. fake.go and page.html are the docs.
package main

import (
	"net/http"
	"strings"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/platforms"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/userinfo"
)

func main() { app.MainOn(serve) }

// newHandler returns the app. In real life, docsURL is an origin such as https://docs.example.com.
func newHandler(docsURL string) (http.Handler, error) {
	server := newOAuthServer(docsURL)
	info, err := userinfo.New(server.user, platforms.MintlifyInfo(), []string{docsURL})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	// The docs' dashboard needs these URLs: Info API, authorization, and token.
	mux.Handle("GET /user-info", info)
	mux.Handle("OPTIONS /user-info", info) // the browser's CORS preflight
	mux.HandleFunc("GET "+authorizePath, server.authorize)
	mux.HandleFunc("POST /oauth/token", server.exchange)
	mux.Handle("/{$}", app.Home)
	mux.Handle("/sign-in", app.SignIn(returnURL))
	return mux, nil
}

// user is the lookup. It accepts an access token for the docs, and no cookie. If you ask another
// server about the token, and that server fails, return its error instead of ErrNoUser.
func (s *oauthServer) user(r *http.Request) (*docslogin.User, error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return nil, docslogin.ErrNoUser
	}
	grant, ok := s.grants.get(token)
	if !ok || grant.scope != docsScope {
		return nil, docslogin.ErrNoUser
	}
	return &docslogin.User{ID: grant.email, Email: grant.email, ExpiresAt: grant.end}, nil // the docs forget the user when the token expires
}
