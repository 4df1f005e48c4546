package main

import (
	"crypto/rand"
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/docslogin/docslogin/recipes/internal/fakejwt"
)

// fakeClerk stands for an instance of Clerk. Of the published APIs it has
//
//	Backend API     GET /v1/users/{id}
//	Frontend API    GET /v1/client and, as a few lines, Clerk's script
//	Account Portal  GET and POST /sign-in
type fakeClerk struct {
	*httptest.Server
	instance

	mu       sync.Mutex
	origin   string            // the app's
	sessions map[string]string // e-mail addresses, by the cookie __client
	users    map[string]string // e-mail addresses, by ID

	// The settings of Clerk and of its users.
	unverified, banned, deleted, down bool
	forge                             func(claims map[string]any) // changes a token's claims
}

// The issuer of a real token is the Frontend API's URL, and the SDK checks its form.
const issuer = "https://fake.clerk.accounts.dev"

func newFakeClerk() *fakeClerk {
	c := &fakeClerk{sessions: map[string]string{}, users: map[string]string{}, forge: func(map[string]any) {}}
	backend, mux := http.NewServeMux(), http.NewServeMux()
	backend.HandleFunc("GET /v1/users/{id}", c.user)
	mux.Handle("/v1/", c.withSecretKey(backend))
	mux.HandleFunc("GET /v1/client", c.client)
	mux.HandleFunc("GET /npm/@clerk/clerk-js@6/dist/clerk.browser.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		_, _ = w.Write([]byte(script))
	})
	mux.HandleFunc("GET /sign-in", c.page)
	mux.HandleFunc("POST /sign-in", c.submit)
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.down {
			http.Error(w, "The service is not available.", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	c.instance = instance{
		SecretKey: "sk_test_" + rand.Text(), PublishableKey: "pk_test_ZmFrZS5jbGVyay5hY2NvdW50cy5kZXYk",
		PublicKey: fakejwt.PublicPEM(), FrontendURL: c.URL, BackendURL: c.URL + "/v1",
	}
	return c
}

// script stands for Clerk's.
const script = `
const api = new URL(document.currentScript.src).origin;
const client = async () => (await (await fetch(api + "/v1/client", {credentials: "include"})).json()).response;
window.Clerk = {
	async load() { this.isSignedIn = await client() !== null },
	session: {
		async getToken() {
			const token = (await client()).sessions[0].last_active_token.jwt;
			document.cookie = "__session=" + token + "; path=/; SameSite=Lax";
			return token;
		},
	},
	redirectToSignIn(options) {
		location.href = api + "/sign-in?sign_in_force_redirect_url=" + encodeURIComponent(options.signInForceRedirectUrl);
	},
};
`

// AllowOrigin sets the app's origin.
func (c *fakeClerk) AllowOrigin(origin string) { c.change(func() { c.origin = origin }) }

// change changes what the fake does.
func (c *fakeClerk) change(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

func (c *fakeClerk) withSecretKey(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+c.SecretKey {
			writeError(w, http.StatusUnauthorized, "authentication_invalid")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (c *fakeClerk) user(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	email, ok := c.users[id]
	if !ok || c.deleted {
		writeError(w, http.StatusNotFound, "resource_not_found")
		return
	}
	address := func(id, email, status string) any {
		return map[string]any{
			"id": id, "object": "email_address", "email_address": email, "linked_to": []any{},
			"verification": map[string]any{"status": status, "strategy": "email_code", "attempts": 1, "expire_at": nil},
		}
	}
	status := map[bool]string{true: "unverified", false: "verified"}[c.unverified]
	fakejwt.WriteJSON(w, http.StatusOK, map[string]any{
		"id": id, "object": "user", "banned": c.banned, "locked": false,
		"first_name": "Ada", "last_name": nil, "username": nil,
		"primary_email_address_id": "idn_2",
		"email_addresses": []any{
			address("idn_1", "other@example.com", "verified"),
			address("idn_2", email, status),
		},
		"public_metadata": map[string]any{}, "created_at": 1, "updated_at": 1,
	})
}

// client returns who is signed in at Clerk, with a fresh token for the page that asks.
func (c *fakeClerk) client(w http.ResponseWriter, r *http.Request) {
	if origin := r.Header.Get("Origin"); origin == c.origin {
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Access-Control-Allow-Credentials", "true")
	}
	cookie, err := r.Cookie("__client")
	if err != nil || c.sessions[cookie.Value] == "" {
		fakejwt.WriteJSON(w, http.StatusOK, map[string]any{"response": nil})
		return
	}
	id := "user_" + strings.ReplaceAll(c.sessions[cookie.Value], "@", "_at_")
	c.users[id] = c.sessions[cookie.Value]
	token, err := c.token(id, r.Header.Get("Origin"), time.Now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fakejwt.WriteJSON(w, http.StatusOK, map[string]any{"response": map[string]any{
		"object": "client", "last_active_session_id": "sess_1",
		"sessions": []any{map[string]any{
			"object": "session", "id": "sess_1", "status": "active", "user": map[string]any{"object": "user", "id": id},
			"last_active_token": map[string]any{"object": "token", "jwt": token},
		}},
	}})
}

// token returns a session token, version 2.
func (c *fakeClerk) token(user, origin string, issued time.Time) (string, error) {
	claims := map[string]any{
		"iss": issuer, "sub": user, "sid": "sess_1", "azp": origin, "sts": "active", "v": 2, "fva": []int{0, -1},
		"iat": issued.Unix(), "nbf": issued.Add(-10 * time.Second).Unix(), "exp": issued.Add(time.Minute).Unix(),
	}
	c.forge(claims)
	return fakejwt.Sign(claims, nil)
}

func (c *fakeClerk) page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = portal.Execute(w, r.FormValue("sign_in_force_redirect_url"))
}

var portal = template.Must(template.New("").Parse(`<!doctype html><title>Sign in</title>
<form method="post">
<input type="email" name="identifier" placeholder="E-mail address" required>
<input type="password" name="password" placeholder="Any password" required>
<input type="hidden" name="next" value="{{.}}">
<button>Continue</button>
</form>
`))

func (c *fakeClerk) submit(w http.ResponseWriter, r *http.Request) {
	next, email := r.PostFormValue("next"), r.PostFormValue("identifier")
	if email == "" || !strings.HasPrefix(next, c.origin+"/") {
		http.Error(w, "The e-mail address is missing, or the redirect URL is not allowed.", http.StatusBadRequest)
		return
	}
	// Not Secure because this is plain http on loopback. Cookies know no ports: what a page of the
	// app asks Clerk takes this one along, as it does between clerk.example.com and app.example.com.
	cookie := &http.Cookie{Name: "__client", Value: rand.Text(), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	c.sessions[cookie.Value] = email
	http.SetCookie(w, cookie)
	http.Redirect(w, r, next, http.StatusSeeOther)
}

func writeError(w http.ResponseWriter, status int, code string) {
	text := fmt.Sprintf("%d %s", status, http.StatusText(status))
	fakejwt.WriteJSON(w, status, map[string]any{
		"errors":         []any{map[string]any{"code": code, "message": text, "long_message": text}},
		"clerk_trace_id": rand.Text(),
	})
}
