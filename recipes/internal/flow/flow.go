// Package flow is the app's half of a sign-in at an OpenID provider: what it keeps from the request to
// the provider until the callback, and the pages for sign-ins that fail. Copy it with the recipe.
//
// Each sign-in has a cookie of its own. With one cookie for all of them, a second tab would break the
// sign-in in the first.
package flow

import (
	"crypto/rand"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"regexp"
	"strings"

	"github.com/docslogin/docslogin"
	"github.com/gorilla/securecookie"
	"golang.org/x/oauth2"
)

const (
	lifetime     = 600  // of a sign-in, in seconds
	maxReturnURL = 800  // bytes
	maxCookies   = 4000 // bytes of all sign-ins' cookies; many servers limit the header to 8 KB
)

// Flow is a sign-in that has begun. Send State, Nonce, and the challenge for Verifier to the provider.
type Flow struct {
	State, Nonce, Verifier string
	ReturnURL              string // checked, and nobody can change it in the cookie
}

// Cookies keeps sign-ins in cookies. It is safe for concurrent use by multiple goroutines.
type Cookies struct {
	prefix string
	secure bool
	codec  *securecookie.SecureCookie
}

// New returns Cookies for an app at appURL, whose sign-ins end with the process. In real life, both keys
// are secrets that all instances share.
func New(appURL string) *Cookies {
	codec := securecookie.New(securecookie.GenerateRandomKey(64), securecookie.GenerateRandomKey(32))
	prefix, secure := CookieName(appURL, "sign_in_")
	return &Cookies{prefix, secure, codec.MaxAge(lifetime)}
}

// CookieName returns the name of a cookie for the path /, and whether it is Secure. With https, the name
// begins with __Host-, so that another subdomain cannot plant its own session or sign-in.
func CookieName(appURL, name string) (_ string, secure bool) {
	if strings.HasPrefix(strings.ToLower(appURL), "https://") {
		return "__Host-" + name, true
	}
	return name, false
}

// stateForm is the form of rand.Text.
var stateForm = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// Begin begins a sign-in and sets its cookie. If that fails, Begin responds with an error and returns
// false.
func (c *Cookies) Begin(w http.ResponseWriter, r *http.Request, docs *docslogin.Middleware) (f Flow, ok bool) {
	f = Flow{rand.Text(), rand.Text(), oauth2.GenerateVerifier(), docs.ReturnURL(r)}
	if len(f.ReturnURL) > maxReturnURL {
		f.ReturnURL = docs.Path() // the visitor ends at the docs, not at the page
	}
	value, err := c.codec.Encode(c.prefix+f.State, f)
	if err != nil {
		slog.ErrorContext(r.Context(), "sign-in: the cookie cannot be encoded", "error", err)
		http.Error(w, "Nobody can sign in right now.", http.StatusInternalServerError)
		return Flow{}, false
	}
	c.removeOldest(w, r, maxCookies-len(value))
	c.set(w, c.prefix+f.State, value, lifetime)
	return f, true
}

// removeOldest removes cookies of sign-ins until the others fit into size. Without it, a page that opens
// the sign-in page again and again could make the visitor's requests too large for the server.
func (c *Cookies) removeOldest(w http.ResponseWriter, r *http.Request, size int) {
	begun := r.Cookies() // browsers send the oldest first (RFC 6265, section 5.4)
	for i := len(begun) - 1; i >= 0; i-- {
		if state, ok := strings.CutPrefix(begun[i].Name, c.prefix); ok && stateForm.MatchString(state) {
			if size -= len(begun[i].Value); size < 0 {
				c.set(w, begun[i].Name, "", -1)
			}
		}
	}
}

// End returns the sign-in to which the request of a callback belongs, and the code. The sign-in's cookie
// is valid once. If the callback is not one of this browser's sign-ins, or has no code, End responds with
// a page and returns false.
func (c *Cookies) End(w http.ResponseWriter, r *http.Request) (f Flow, code string, ok bool) {
	state, begun := r.FormValue("state"), false
	if stateForm.MatchString(state) { // anything else must not be part of a cookie's name
		if cookie, err := r.Cookie(c.prefix + state); err == nil {
			begun = c.codec.Decode(cookie.Name, cookie.Value, &f) == nil
			c.set(w, cookie.Name, "", -1)
		}
	}
	switch code = r.FormValue("code"); {
	case !begun:
		f.page(w, http.StatusBadRequest, "This sign-in did not begin here, or it has expired.")
	case r.FormValue("error") != "": // the visitor declined, or a rule of the provider did
		slog.InfoContext(r.Context(), "sign-in", "error", r.FormValue("error"))
		f.page(w, http.StatusForbidden, "The identity provider did not sign you in.")
	case !isCode(code):
		f.page(w, http.StatusBadRequest, "The identity provider’s answer is incomplete.")
	default:
		return f, code, true
	}
	return Flow{}, "", false
}

// isCode reports whether a code has the form of RFC 6749, appendix A.11. Providers answer others with
// errors that look like an outage.
func isCode(code string) bool {
	return code != "" && len(code) <= 4096 && !strings.ContainsFunc(code, func(c rune) bool { return c < ' ' || c > '~' })
}

// ErrIDToken is the error for an ID token that is missing or has another nonce than the sign-in. A
// visitor who changes the request to the provider can cause both.
var ErrIDToken = errors.New("the ID token is missing, or belongs to another sign-in")

// Failed responds with a page for the error of an exchange of the code. An error that anybody can cause
// is not logged as one.
func (f Flow) Failed(w http.ResponseWriter, r *http.Request, err error) {
	rejected := (*oauth2.RetrieveError)(nil)
	if errors.As(err, &rejected) && rejected.ErrorCode == "invalid_grant" || errors.Is(err, ErrIDToken) || r.Context().Err() != nil {
		slog.InfoContext(r.Context(), "sign-in", "error", err)
		f.page(w, http.StatusBadRequest, "This sign-in took too long, or was changed on its way.")
		return
	}
	slog.ErrorContext(r.Context(), "sign-in", "error", err) // not on the page: it may quote what the provider says about the user
	f.page(w, http.StatusBadGateway, "The identity provider cannot be asked who you are.")
}

var page = template.Must(template.New("").Parse(`<!doctype html><title>Sign in</title>
<p>{{.Text}} <a href="/sign-in?next={{.ReturnURL}}">Sign in again</a></p>
`))

// page is not a redirect, because the provider may send the visitor back at once.
func (f Flow) page(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = page.Execute(w, struct{ Text, ReturnURL string }{text, f.ReturnURL})
}

func (c *Cookies) set(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name:     name,
		Value:    value,
		Path:     "/",
		MaxAge:   maxAge,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode, // with Strict, the browser sends none when it comes back from the provider
		Secure:   c.secure,
	})
}
