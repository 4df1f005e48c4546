// Package fakeidp is a small OpenID provider on loopback, for recipes and their tests. It has one
// client, a form without a password, and OpenID Connect's authorization code flow, for which it
// requires state, nonce, and PKCE.
package fakeidp

import (
	"crypto/rand"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docslogin/docslogin/recipes/internal/fakejwt"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"
)

// Provider is a running provider. It is safe for concurrent use by multiple goroutines.
type Provider struct {
	URL          string // the issuer
	ClientID     string
	ClientSecret string

	redirectURL string
	server      *http.Server
	fetches     atomic.Int64

	mu     sync.Mutex
	grants map[string]grant // by code
	change func(claims map[string]any)
	down   bool
}

type grant struct{ email, nonce, challenge, scope string }

// Start starts a provider with one client, which receives codes at redirectURL.
func Start(redirectURL string) (*Provider, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Provider{
		URL:          "http://" + listener.Addr().String(),
		ClientID:     "docs-recipe",
		ClientSecret: rand.Text(),
		redirectURL:  redirectURL,
		grants:       map[string]grant{},
		change:       func(map[string]any) {},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /keys", fakejwt.ServeJWKS)
	mux.HandleFunc("/authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	p.server = &http.Server{Handler: p.unlessDown(mux), ReadHeaderTimeout: 10 * time.Second}
	go p.server.Serve(listener)
	return p, nil
}

// Close stops the provider.
func (p *Provider) Close() { _ = p.server.Close() }

// SetDown makes the provider answer 503 to everything, or serve again.
func (p *Provider) SetDown(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

// KeyFetches returns the number of requests for the keys, including those that failed.
func (p *Provider) KeyFetches() int64 { return p.fetches.Load() }

// SetClaims sets a func that changes the claims of each ID token issued from now on.
func (p *Provider) SetClaims(change func(claims map[string]any)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.change = change
}

// Claims returns the claims of an ID token for a user whose address is verified.
func (p *Provider) Claims(email string) map[string]any {
	now := time.Now()
	return map[string]any{
		"iss":            p.URL,
		"aud":            p.ClientID,
		"sub":            "id-of-" + email,
		"email":          email,
		"email_verified": true,
		"name":           strings.Split(email, "@")[0],
		"iat":            now.Unix(),
		"exp":            now.Add(time.Hour).Unix(),
	}
}

// Sign returns an ID token with the claims.
func (p *Provider) Sign(claims map[string]any) string { return must(fakejwt.Sign(claims, nil)) }

// SignWith returns a token that names the provider's key but is signed with another.
func SignWith(algorithm jose.SignatureAlgorithm, key any, claims map[string]any) string {
	return must(fakejwt.SignWith(algorithm, jose.JSONWebKey{Key: key, KeyID: fakejwt.KeyID}, claims, nil))
}

func must(token string, err error) string {
	if err != nil {
		panic(err)
	}
	return token
}

func (p *Provider) unlessDown(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/keys" {
			p.fetches.Add(1)
		}
		p.mu.Lock()
		down := p.down
		p.mu.Unlock()
		if down {
			http.Error(w, "The provider is down.", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	fakejwt.WriteJSON(w, http.StatusOK, map[string]any{
		"issuer":                                p.URL,
		"authorization_endpoint":                p.URL + "/authorize",
		"token_endpoint":                        p.URL + "/token",
		"jwks_uri":                              p.URL + "/keys",
		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"code_challenge_methods_supported":      []string{"S256"},
	})
}

var form = template.Must(template.New("").Parse(`<!doctype html><title>Sign in at the provider</title>
<form method="post">
<input name="email" type="email" placeholder="E-mail address" required>
<button>Sign in</button>
</form>
`))

func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	for _, wrong := range []struct {
		is   bool
		what string
	}{
		{q.Get("client_id") != p.ClientID, "client_id"},
		{q.Get("redirect_uri") != p.redirectURL, "redirect_uri"},
		{q.Get("response_type") != "code", "response_type"},
		{q.Get("state") == "", "state"},
		{q.Get("nonce") == "", "nonce"},
		{q.Get("code_challenge") == "", "code_challenge"},
		{q.Get("code_challenge_method") != "S256", "code_challenge_method"},
	} {
		if wrong.is { // no redirect: the address may be a stranger's
			http.Error(w, wrong.what+" is missing or wrong", http.StatusBadRequest)
			return
		}
	}
	if r.Method != http.MethodPost {
		_ = form.Execute(w, nil)
		return
	}
	code := rand.Text()
	p.mu.Lock()
	p.grants[code] = grant{r.PostFormValue("email"), q.Get("nonce"), q.Get("code_challenge"), q.Get("scope")}
	p.mu.Unlock()
	http.Redirect(w, r, p.redirectURL+"?"+url.Values{"code": {code}, "state": {q.Get("state")}}.Encode(), http.StatusSeeOther)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, ok := r.BasicAuth()
	if !ok {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	if id != p.ClientID || secret != p.ClientSecret {
		fakejwt.WriteJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	}
	code := r.PostFormValue("code")
	if code == "" { // RFC 6749, section 5.2: a required parameter is missing
		fakejwt.WriteJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_request"})
		return
	}
	p.mu.Lock()
	g, ok := p.grants[code]
	delete(p.grants, code) // it is valid once
	change := p.change
	p.mu.Unlock()
	if !ok || r.PostFormValue("grant_type") != "authorization_code" || r.PostFormValue("redirect_uri") != p.redirectURL ||
		oauth2.S256ChallengeFromVerifier(r.PostFormValue("code_verifier")) != g.challenge {
		fakejwt.WriteJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	answer := map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 3600}
	if slices.Contains(strings.Fields(g.scope), "openid") {
		claims := p.Claims(g.email)
		claims["nonce"] = g.nonce
		change(claims)
		answer["id_token"] = p.Sign(claims)
	}
	fakejwt.WriteJSON(w, http.StatusOK, answer)
}
