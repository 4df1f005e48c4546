package main

import (
	"cmp"
	"crypto/rand"
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/docslogin/docslogin/recipes/internal/fakejwt"
)

// fakeKratos stands for Ory Kratos and its sign-in pages. Of the published API it has
//
//	GET  /sessions/whoami               200, 401 (session_inactive), 403 (session_aal2_required)
//	GET  /self-service/login/browser    with return_to, refresh and aal
//	POST /self-service/login            any password, or a code
//
// and of the pages, which in real life are an app of their own, GET /login?flow=….
type fakeKratos struct {
	*httptest.Server

	mu       sync.Mutex
	allowed  []*url.URL
	flows    map[string]*flow
	sessions map[string]*session

	// The settings of Kratos and of its users.
	unverified   bool          // users have not verified their address
	secondFactor bool          // users have one, and required_aal is highest_available
	down         bool          // every request is answered with a 503
	lifespan     time.Duration // of a session
}

type flow struct {
	csrf, aal string
	returnTo  string
}

type session struct {
	email        string
	verified     bool
	aal          string
	secondFactor bool
	issued, ends time.Time
}

const sessionCookie, csrfCookie = "ory_kratos_session", "csrf_token_fake"

func newFakeKratos() *fakeKratos {
	k := &fakeKratos{flows: map[string]*flow{}, sessions: map[string]*session{}, lifespan: 24 * time.Hour}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sessions/whoami", k.whoami)
	mux.HandleFunc("GET /self-service/login/browser", k.begin)
	mux.HandleFunc("GET /login", k.page)
	mux.HandleFunc("POST /self-service/login", k.submit)
	k.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.down {
			writeError(w, http.StatusServiceUnavailable, "", "The service is not available.")
			return
		}
		mux.ServeHTTP(w, r)
	}))
	return k
}

// AllowReturnTo sets selfservice.allowed_return_urls.
func (k *fakeKratos) AllowReturnTo(prefix string) {
	k.change(func() {
		if u, err := url.Parse(prefix); err == nil {
			k.allowed = append(k.allowed, u)
		}
	})
}

// change changes what the fake does.
func (k *fakeKratos) change(f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f()
}

func (k *fakeKratos) sessionOf(r *http.Request) (string, *session) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return "", nil
	}
	s := k.sessions[cookie.Value]
	if s == nil || !s.ends.After(time.Now()) {
		return "", nil
	}
	return cookie.Value, s
}

func (k *fakeKratos) whoami(w http.ResponseWriter, r *http.Request) {
	id, s := k.sessionOf(r)
	switch {
	case s == nil:
		writeError(w, http.StatusUnauthorized, "session_inactive", "No active session was found in this request.")
	case s.secondFactor && s.aal == "aal1":
		writeError(w, http.StatusForbidden, "session_aal2_required", "Session does not fulfill the requested Authenticator Assurance Level")
	default:
		status := map[bool]string{true: "completed", false: "pending"}[s.verified]
		fakejwt.WriteJSON(w, http.StatusOK, map[string]any{
			"id": "session-" + id[:8], "active": true,
			"authenticated_at": s.issued, "issued_at": s.issued, "expires_at": s.ends,
			"authenticator_assurance_level": s.aal,
			"authentication_methods":        []any{map[string]any{"method": "password", "aal": "aal1", "completed_at": s.issued}},
			"identity": map[string]any{
				"id": "identity-of-" + s.email, "state": "active",
				"schema_id": "default", "schema_url": k.URL + "/schemas/ZGVmYXVsdA",
				"traits": map[string]any{"email": s.email},
				"verifiable_addresses": []any{map[string]any{
					"id": "address-of-" + s.email, "via": "email", "value": strings.ToLower(s.email),
					"verified": s.verified, "status": status,
				}},
			},
		})
	}
}

func (k *fakeKratos) begin(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	returnTo := query.Get("return_to")
	if !k.allows(returnTo) {
		writeError(w, http.StatusBadRequest, "", `Requested return_to URL "`+returnTo+`" is not allowed.`)
		return
	}
	f := &flow{csrf: rand.Text(), aal: cmp.Or(query.Get("aal"), "aal1"), returnTo: returnTo}
	_, s := k.sessionOf(r)
	switch {
	case s == nil && f.aal != "aal1":
		writeError(w, http.StatusUnauthorized, "session_aal1_required", "The first factor is missing.")
		return
	case s != nil && f.aal <= s.aal && query.Get("refresh") != "true":
		http.Redirect(w, r, cmp.Or(returnTo, k.URL+"/login"), http.StatusSeeOther) // already signed in
		return
	}
	id := rand.Text()
	k.flows[id] = f
	http.SetCookie(w, &http.Cookie{Name: csrfCookie, Value: f.csrf, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, k.URL+"/login?flow="+id, http.StatusSeeOther)
}

func (k *fakeKratos) allows(returnTo string) bool {
	u, err := url.Parse(returnTo)
	if err != nil {
		return false
	}
	for _, allowed := range k.allowed {
		if u.Scheme == allowed.Scheme && u.Host == allowed.Host && strings.HasPrefix(u.Path, allowed.Path) {
			return true
		}
	}
	return returnTo == ""
}

func (k *fakeKratos) page(w http.ResponseWriter, r *http.Request) {
	id := r.FormValue("flow")
	f := k.flows[id]
	if f == nil {
		http.Error(w, "The login flow has expired.", http.StatusGone)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = signInPage.Execute(w, map[string]string{"Flow": id, "AAL": f.aal, "CSRF": f.csrf})
}

func (k *fakeKratos) submit(w http.ResponseWriter, r *http.Request) {
	id := r.FormValue("flow")
	f := k.flows[id]
	cookie, err := r.Cookie(csrfCookie)
	if f == nil || err != nil || cookie.Value != f.csrf || r.PostFormValue("csrf_token") != f.csrf {
		writeError(w, http.StatusForbidden, "security_csrf_violation", "The request was rejected to protect you from Cross-Site-Request-Forgery.")
		return
	}
	delete(k.flows, id)
	old, s := k.sessionOf(r)
	delete(k.sessions, old)
	if f.aal == "aal1" {
		email := r.PostFormValue("identifier")
		if email == "" {
			http.Error(w, "The e-mail address is missing.", http.StatusBadRequest)
			return
		}
		now := time.Now()
		s = &session{email: email, verified: !k.unverified, aal: "aal1", secondFactor: k.secondFactor, issued: now, ends: now.Add(k.lifespan)}
	} else if s != nil {
		s.aal = "aal2"
	} else {
		writeError(w, http.StatusUnauthorized, "session_inactive", "No active session was found in this request.")
		return
	}
	fresh := rand.Text()
	k.sessions[fresh] = s
	// Secure cookies are off because this is plain http on loopback. A real Kratos is configured with the domain
	// that it shares with the app; here both are 127.0.0.1, and cookies know no ports.
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: fresh, Path: "/", Expires: s.ends, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	next := cmp.Or(f.returnTo, k.URL+"/login")
	if s.secondFactor && s.aal == "aal1" {
		next = k.URL + "/self-service/login/browser?" + url.Values{"aal": {"aal2"}, "return_to": {next}}.Encode()
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

var signInPage = template.Must(template.New("").Parse(`<!doctype html><title>Sign in</title>
<form method="post" action="/self-service/login?flow={{.Flow}}">
<input type="hidden" name="csrf_token" value="{{.CSRF}}">
{{if eq .AAL "aal1" -}}
<input type="email" name="identifier" placeholder="E-mail address" required>
<input type="password" name="password" placeholder="Any password" required>
<button name="method" value="password">Sign in</button>
{{else -}}
<input type="text" name="totp_code" placeholder="Any code" required>
<button name="method" value="totp">Continue</button>
{{end -}}
</form>
<script>
// The anchor of the docs page is in this page's URL. Redirects would keep it, but an action does not.
document.forms[0].action += location.hash
</script>
`))

func writeError(w http.ResponseWriter, status int, id, reason string) {
	e := map[string]any{"code": status, "status": http.StatusText(status), "message": reason, "reason": reason}
	if id != "" {
		e["id"] = id
	}
	fakejwt.WriteJSON(w, status, map[string]any{"error": e})
}
