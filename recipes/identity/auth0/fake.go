package main

import (
	"crypto/rand"
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/docslogin/docslogin/recipes/internal/fakejwt"
	"golang.org/x/oauth2"
)

// fakeAuth0 stands for a tenant of Auth0 with one application, a regular web app. Of the
// published API it has
//
//	GET  /.well-known/openid-configuration, /.well-known/jwks.json
//	GET  /authorize      the code flow with S256, and after it a page at /u/login
//	POST /oauth/token    a code, with the client's secret in Basic or in the form
//	GET  /v2/logout      with client_id and returnTo
type fakeAuth0 struct {
	*httptest.Server
	ClientID, ClientSecret string

	mu       sync.Mutex
	allowed  []string              // Allowed Callback URLs and Allowed Logout URLs
	begun    map[string]url.Values // a request of /authorize, by the state of /u/login
	codes    map[string]grant
	sessions map[string]string // e-mail addresses, by cookie

	// The settings of the tenant and of its users.
	unverified bool // users have not verified their address
	denied     bool // a rule of the tenant denies the sign-in
	down       bool // every request is answered with a 503
	idToken    func(claims map[string]any) (string, error)
}

type grant struct {
	request url.Values
	email   string
}

func newFakeAuth0() *fakeAuth0 {
	a := &fakeAuth0{
		ClientID: "client-1", ClientSecret: rand.Text(),
		begun: map[string]url.Values{}, codes: map[string]grant{}, sessions: map[string]string{},
		idToken: func(claims map[string]any) (string, error) { return fakejwt.Sign(claims, nil) },
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", a.discovery)
	mux.HandleFunc("GET /.well-known/jwks.json", fakejwt.ServeJWKS)
	mux.HandleFunc("GET /authorize", a.authorize)
	mux.HandleFunc("GET /u/login", a.page)
	mux.HandleFunc("POST /u/login", a.submit)
	mux.HandleFunc("POST /oauth/token", a.token)
	mux.HandleFunc("GET /v2/logout", a.logout)
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.down {
			http.Error(w, "The service is not available.", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	return a
}

// AllowURLs sets the URLs to which the tenant may send browsers. They are compared as a whole.
func (a *fakeAuth0) AllowURLs(urls ...string) {
	a.change(func() { a.allowed = append(a.allowed, urls...) })
}

// change changes what the fake does.
func (a *fakeAuth0) change(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
}

func (a *fakeAuth0) discovery(w http.ResponseWriter, _ *http.Request) {
	fakejwt.WriteJSON(w, http.StatusOK, map[string]any{
		"issuer":                                a.URL + "/",
		"authorization_endpoint":                a.URL + "/authorize",
		"token_endpoint":                        a.URL + "/oauth/token",
		"jwks_uri":                              a.URL + "/.well-known/jwks.json",
		"response_types_supported":              []string{"code"},
		"code_challenge_methods_supported":      []string{"S256"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"subject_types_supported":               []string{"public"},
	})
}

func (a *fakeAuth0) authorize(w http.ResponseWriter, r *http.Request) {
	request := r.URL.Query()
	switch {
	case request.Get("client_id") != a.ClientID:
		http.Error(w, "Unknown client.", http.StatusForbidden)
	case !slices.Contains(a.allowed, request.Get("redirect_uri")):
		http.Error(w, "Callback URL mismatch.", http.StatusForbidden)
	case request.Get("response_type") != "code" || request.Get("code_challenge_method") != "S256" || request.Get("state") == "":
		http.Error(w, "The request is not one of the code flow with S256.", http.StatusBadRequest)
	case a.denied:
		back(w, r, request, url.Values{"error": {"access_denied"}, "error_description": {"A rule said no."}})
	case a.signedIn(r) != "":
		a.grant(w, r, request, a.signedIn(r))
	default:
		state := rand.Text()
		a.begun[state] = request
		http.Redirect(w, r, "/u/login?state="+state, http.StatusFound)
	}
}

func (a *fakeAuth0) signedIn(r *http.Request) string {
	cookie, err := r.Cookie("auth0")
	if err != nil {
		return ""
	}
	return a.sessions[cookie.Value]
}

func (a *fakeAuth0) page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = signInPage.Execute(w, r.FormValue("state"))
}

var signInPage = template.Must(template.New("").Parse(`<!doctype html><title>Log in</title>
<form method="post">
<input type="hidden" name="state" value="{{.}}">
<input type="email" name="username" placeholder="E-mail address" required>
<input type="password" name="password" placeholder="Any password" required>
<button>Continue</button>
</form>
`))

func (a *fakeAuth0) submit(w http.ResponseWriter, r *http.Request) {
	request, email := a.begun[r.PostFormValue("state")], r.PostFormValue("username")
	if request == nil || email == "" {
		http.Error(w, "This login has expired, or the e-mail address is missing.", http.StatusBadRequest)
		return
	}
	delete(a.begun, r.PostFormValue("state"))
	cookie := &http.Cookie{Name: "auth0", Value: rand.Text(), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	a.sessions[cookie.Value] = email
	http.SetCookie(w, cookie)
	a.grant(w, r, request, email)
}

func (a *fakeAuth0) grant(w http.ResponseWriter, r *http.Request, request url.Values, email string) {
	code := rand.Text()
	a.codes[code] = grant{request, email}
	back(w, r, request, url.Values{"code": {code}})
}

func back(w http.ResponseWriter, r *http.Request, request, answer url.Values) {
	answer.Set("state", request.Get("state"))
	http.Redirect(w, r, request.Get("redirect_uri")+"?"+answer.Encode(), http.StatusFound)
}

func (a *fakeAuth0) token(w http.ResponseWriter, r *http.Request) {
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	if id != a.ClientID || secret != a.ClientSecret {
		fakejwt.WriteJSON(w, http.StatusUnauthorized, map[string]string{"error": "access_denied", "error_description": "Unauthorized"})
		return
	}
	code := r.PostFormValue("code")
	if code == "" {
		fakejwt.WriteJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": "Missing required parameter: code"})
		return
	}
	granted, ok := a.codes[code]
	delete(a.codes, code)
	if !ok || r.PostFormValue("grant_type") != "authorization_code" ||
		r.PostFormValue("redirect_uri") != granted.request.Get("redirect_uri") ||
		oauth2.S256ChallengeFromVerifier(r.PostFormValue("code_verifier")) != granted.request.Get("code_challenge") {
		fakejwt.WriteJSON(w, http.StatusForbidden, map[string]string{"error": "invalid_grant", "error_description": "Invalid authorization code"})
		return
	}
	now := time.Now()
	claims := map[string]any{
		"iss": a.URL + "/", "aud": a.ClientID, "sub": "auth0|" + granted.email, "sid": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(10 * time.Hour).Unix(),
	}
	if nonce := granted.request.Get("nonce"); nonce != "" {
		claims["nonce"] = nonce
	}
	scopes := strings.Fields(granted.request.Get("scope"))
	if slices.Contains(scopes, "profile") {
		claims["name"], claims["nickname"] = granted.email, strings.Split(granted.email, "@")[0]
	}
	if slices.Contains(scopes, "email") {
		claims["email"], claims["email_verified"] = granted.email, !a.unverified
	}
	answer := map[string]any{
		"access_token": rand.Text(), "scope": strings.Join(scopes, " "), "expires_in": 86400, "token_type": "Bearer",
	}
	if slices.Contains(scopes, "openid") {
		idToken, err := a.idToken(claims)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		answer["id_token"] = idToken
	}
	fakejwt.WriteJSON(w, http.StatusOK, answer)
}

func (a *fakeAuth0) logout(w http.ResponseWriter, r *http.Request) {
	returnTo := r.FormValue("returnTo")
	if r.FormValue("client_id") != a.ClientID || !slices.Contains(a.allowed, returnTo) {
		http.Error(w, "The returnTo URL is not allowed.", http.StatusBadRequest)
		return
	}
	if cookie, err := r.Cookie("auth0"); err == nil {
		delete(a.sessions, cookie.Value)
	}
	http.Redirect(w, r, returnTo, http.StatusFound)
}
