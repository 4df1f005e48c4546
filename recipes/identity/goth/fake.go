package main

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docslogin/docslogin/recipes/internal/fakejwt"
)

const (
	clientID     = "recipe"
	clientSecret = "a-secret-that-the-fake-provider-knows"
)

// fake implements the part of an OpenID provider (OpenID Connect Core 1.0, section 3.1) that goth
// needs, with one client. Goth gets the ID token from the provider itself and verifies no
// signature, so there are no keys to fetch.
type fake struct {
	URL      string
	Down     atomic.Bool // the token endpoint is down
	verified any         // email_verified of everybody
	server   *http.Server

	mu     sync.Mutex
	grants map[string]grant // by code, and by access token
}

type grant struct{ email, redirectURI string }

// newFake starts a provider that has verified all e-mail addresses, unless its verified is changed.
func newFake() (*fake, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &fake{URL: "http://" + listener.Addr().String(), verified: true, grants: map[string]grant{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", f.discovery)
	mux.HandleFunc("GET /authorize", f.form)
	mux.HandleFunc("POST /authorize", f.authorize)
	mux.HandleFunc("POST /token", f.token)
	mux.HandleFunc("GET /userinfo", f.userinfo)
	f.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go f.server.Serve(listener)
	return f, nil
}

func (f *fake) discovery(w http.ResponseWriter, _ *http.Request) {
	fakejwt.WriteJSON(w, http.StatusOK, map[string]any{
		"issuer":                                f.URL,
		"authorization_endpoint":                f.URL + "/authorize",
		"token_endpoint":                        f.URL + "/token",
		"userinfo_endpoint":                     f.URL + "/userinfo",
		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
	})
}

func (f *fake) form(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, `<!doctype html><title>A fake identity provider</title>
<form method="post">
<input name="email" type="email" placeholder="E-mail address" required>
<button>Sign in</button>
</form>
`)
}

func (f *fake) authorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	to, err := url.Parse(query.Get("redirect_uri"))
	if err != nil || to.Path != "/callback" || query.Get("client_id") != clientID || query.Get("response_type") != "code" ||
		!slices.Contains(strings.Fields(query.Get("scope")), "openid") {
		http.Error(w, "This is not a request of the client's.", http.StatusBadRequest)
		return
	}
	code := f.grant(grant{r.PostFormValue("email"), query.Get("redirect_uri")})
	to.RawQuery = url.Values{"code": {code}, "state": {query.Get("state")}}.Encode()
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
}

func (f *fake) token(w http.ResponseWriter, r *http.Request) {
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	g, ok := f.take(r.PostFormValue("code"))
	switch {
	case f.Down.Load():
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	case id != clientID || secret != clientSecret:
		fakejwt.WriteJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	case !ok || r.PostFormValue("grant_type") != "authorization_code" || r.PostFormValue("redirect_uri") != g.redirectURI:
		fakejwt.WriteJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	now := time.Now()
	idToken, err := fakejwt.Sign(map[string]any{
		"iss": f.URL, "aud": clientID, "sub": "user-" + g.email, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}, nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fakejwt.WriteJSON(w, http.StatusOK, map[string]any{"access_token": f.grant(g), "token_type": "Bearer", "expires_in": 60, "id_token": idToken})
}

func (f *fake) userinfo(w http.ResponseWriter, r *http.Request) {
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	g, ok := f.take(bearer)
	if !ok {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	fakejwt.WriteJSON(w, http.StatusOK, map[string]any{"sub": "user-" + g.email, "email": g.email, "email_verified": f.verified})
}

// grant returns a code, or an access token, that is valid once.
func (f *fake) grant(g grant) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	text := rand.Text()
	f.grants[text] = g
	return text
}

func (f *fake) take(text string) (grant, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	g, ok := f.grants[text]
	delete(f.grants, text)
	return g, ok
}
