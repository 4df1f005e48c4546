// Package page writes the responses that a visitor of the login route may see:
// the error pages, and the page whose form posts the token to the docs. It also
// sets the headers that every response of the library has.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strings"
)

// SetHeaders makes a response that nobody stores and that sends no referrer.
func SetHeaders(h http.Header) {
	values := [...]string{"private, no-store, max-age=0", "no-cache", "no-referrer", "nosniff"}
	for i, name := range [...]string{"Cache-Control", "Pragma", "Referrer-Policy", "X-Content-Type-Options"} {
		h[name] = values[i : i+1 : i+1] // Set would allocate for each
	}
}

// Error is what a visitor reads who is not let in.
type Error struct {
	Outcome   string   // the name of the outcome; one without a text of its own is a fault
	Missing   []string // claims that the user lacks, if that is the cause
	SignInURL string   // "": signing in does not help
}

// text is the same for every visitor of an outcome.
type text struct{ Title, What, Advice string }

var fault = text{
	"Something went wrong",
	"You could not be signed in to the documentation, because of a fault on this site.",
	"Try again in a minute. If it goes on, tell the site’s owner.",
}

var texts = map[string]text{
	"no_user": {
		"You are not signed in",
		"The documentation is for users who are signed in here.",
		"Sign in first, then open the documentation again.",
	},
	"loop": {
		"Signing in did not work",
		"You came back from the sign-in page, but you are not signed in. Either the sign-in was not finished, or your browser does not keep this site’s cookies.",
		"Sign in again. If that does not help, allow cookies for this site, or tell the site’s owner.",
	},
	"method": {
		"This address is a link",
		"It signs you in to the documentation when you open it, and does nothing else.",
		"Go to the documentation and sign in from there.",
	},
	"forbidden": {
		"You may not read this documentation",
		"You are signed in, but your account has no access to it.",
		"Sign in with another account, or ask the site’s owner for access.",
	},
	"incomplete_user": {
		"Your account is not complete",
		"The documentation needs something that your account here does not have: ",
		"Add it to your account and try again, or tell the site’s owner.",
	},
	"too_large": {
		"Your account is too large for the documentation",
		"What the documentation would be told about your account does not fit into a link.",
		"Tell the site’s owner, who can see in the log what is too large.",
	},
}

// Write writes an error page, as HTML or, for a client that does not accept HTML,
// as plain text.
func (e Error) Write(w http.ResponseWriter, r *http.Request, status int) {
	data := struct {
		text
		SignInURL string
	}{fault, e.SignInURL}
	if known, ok := texts[e.Outcome]; ok {
		data.text = known
	}
	if e.Missing != nil {
		data.What += strings.Join(e.Missing, ", ") + "."
	}
	var body bytes.Buffer
	if acceptsHTML(r.Header["Accept"]) {
		setHTML(w.Header(), "'none'", "'none'")
		_ = templates.ExecuteTemplate(&body, "error", data) // a buffer takes everything
	} else {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintf(&body, "%s\n\n%s\n%s\n%s\n", data.Title, data.What, data.Advice, data.SignInURL)
	}
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // a visitor who has gone needs no second response
}

// acceptsHTML reports whether an Accept header (RFC 9110, section 12.5.1) names HTML. It
// does not read quality values: no browser rejects HTML with one.
func acceptsHTML(accept []string) bool {
	ranges := strings.ToLower(strings.Join(accept, ","))
	return ranges == "" || strings.Contains(ranges, "text/html") || strings.Contains(ranges, "text/*") || strings.Contains(ranges, "*/*")
}

// WriteForm writes the page whose form a script posts to action, or the visitor's
// click where scripts are off. The form, and the redirects behind it, may lead to the
// given origins only.
func WriteForm(w http.ResponseWriter, action string, fields [][2]string, origins string) {
	var body bytes.Buffer
	_ = templates.ExecuteTemplate(&body, "form", struct {
		Action string
		Fields [][2]string
	}{action, fields})
	setHTML(w.Header(), scriptHash, origins)
	_, _ = w.Write(body.Bytes())
}

// setHTML sets the headers of a page with nothing but its own style, and a script
// and a form if there are any.
func setHTML(h http.Header, script, formAction string) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src "+styleHash+"; script-src "+script+
		"; base-uri 'none'; form-action "+formAction+"; frame-ancestors 'none'")
}

var (
	//go:embed page.html
	html string
	//go:embed page.css
	style string
	// The script works although a field may be named "submit". A browser forgets a
	// page that sends its form while it loads, so Back does not meet it again.
	//go:embed submit.js
	script string

	styleHash, scriptHash = sourceHash(style), sourceHash(script)

	templates = template.Must(template.New("page.html").Funcs(template.FuncMap{
		"style":  func() template.CSS { return template.CSS(style) },
		"script": func() template.JS { return template.JS(script) },
	}).Parse(html))
)

// sourceHash names an inline script or style in a policy (CSP Level 3, section 2.3.1).
func sourceHash(source string) string {
	sum := sha256.Sum256([]byte(source))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
