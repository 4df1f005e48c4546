// Package page writes the pages that a visitor of the login route may see: the error pages, and the
// page whose form posts the token to the docs. It also sets the headers of every response of the
// library.
//
// The pages are self-contained: their Content-Security-Policy allows their own style and, for the
// form, their own script, and nothing else.
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

	"github.com/docslogin/docslogin/internal/limit"
)

// NoStore is the Cache-Control of a response that no cache may store.
const NoStore = "private, no-store, max-age=0"

// SetHeaders sets the headers that keep caches from storing a response, and browsers from sending
// its URL as a referrer or guessing its type.
func SetHeaders(h http.Header) {
	values := [...]string{NoStore, "no-cache", "no-referrer", "nosniff"}
	for i, name := range [...]string{"Cache-Control", "Pragma", "Referrer-Policy", "X-Content-Type-Options"} {
		h[name] = values[i : i+1 : i+1] // Set would allocate each time
	}
}

// Error is the page for a visitor whose login was rejected.
type Error struct {
	Outcome         string   // name of the outcome; one without a text of its own gets the text of a fault
	SessionRejected bool     // nobody is signed in, although the browser keeps the site's cookies
	Missing         []string // claims that the user lacks, if that is the cause
	SignInURL       string   // target of the page's link; "": no link, because signing in does not help
}

// text describes what happened and what to do.
type text struct{ Title, What, Advice string }

var fault = text{
	"Something went wrong",
	"You could not be logged in to the documentation because of a fault on this site.",
	"Try again in a minute. If it happens again, tell the site’s owner.",
}

var texts = map[string]text{
	"no_user": {
		"You are not signed in",
		"The documentation is for users who are signed in here.",
		"Sign in first, then open the documentation again.",
	},
	"loop": {
		"Signing in did not work",
		"You came back from the sign-in page, but you are not signed in. Either you did not finish signing in, or your browser does not keep this site’s cookies.",
		"Sign in again. If that does not help, allow cookies for this site, or tell the site’s owner.",
	},
	"method": {
		"This address is a link",
		"It logs you in to the documentation when you open it, and does nothing else.",
		"Go to the documentation and log in from there.",
	},
	"forbidden": {
		"You may not read this documentation",
		"You are signed in, but your account has no access to it.",
		"Sign in with another account, or ask the site’s owner for access.",
	},
	"incomplete_user": {
		"Your account is not complete",
		"The documentation needs something that your account here does not have.",
		"Add it to your account and try again, or tell the site’s owner.",
	},
	"too_large": {
		"Your account is too large for the documentation",
		"The details of your account do not fit into a link to the documentation.",
		"Tell the site’s owner, who can see in the log what is too large.",
	},
}

// sessionTexts replace the texts for a visitor whose session the app rejects.
var sessionTexts = map[string]text{
	"no_user": {
		"You are not signed in",
		"Your session on this site has ended, or the site does not accept it.",
		"Sign in again, then open the documentation again.",
	},
	"loop": {
		"Signing in did not work",
		"You came back from the sign-in page, but you are not signed in. Either you did not finish signing in, or this site does not accept your session.",
		"Sign in again. If that does not help, tell the site’s owner, who can see the cause in the log.",
	},
}

// Write writes the page with the status. It writes HTML or, for a client that does not accept HTML,
// plain text.
func (e Error) Write(w http.ResponseWriter, r *http.Request, status int) {
	data := struct {
		text
		SignInURL string
	}{fault, e.SignInURL}
	if known, ok := texts[e.Outcome]; ok {
		data.text = known
	}
	if known, ok := sessionTexts[e.Outcome]; ok && e.SessionRejected {
		data.text = known
	}
	if len(e.Missing) > 0 {
		data.What = strings.TrimSuffix(data.What, ".") + ": " + strings.Join(e.Missing, ", ") + "."
	}
	var body bytes.Buffer
	if acceptsHTML(r.Header) {
		setHTML(w.Header(), "'none'", "'none'")
		_ = templates.ExecuteTemplate(&body, "error", data) // writing to a buffer cannot fail
	} else {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintf(&body, "%s\n\n%s\n%s\n%s\n", data.Title, data.What, data.Advice, data.SignInURL)
	}
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // if the visitor has left, no response is needed
}

// acceptsHTML reports whether the Accept header (RFC 9110, section 12.5.1) is absent, names HTML, or
// is too long to parse. It does not read quality values: no browser rejects HTML with one.
func acceptsHTML(h http.Header) bool {
	isSet := func(ranges string) bool { return ranges != "" }
	namesHTML := func(ranges string) bool {
		ranges = strings.ToLower(ranges)
		return strings.Contains(ranges, "text/html") || strings.Contains(ranges, "text/*") || strings.Contains(ranges, "*/*")
	}
	return !limit.AnyValue(h, isSet, "Accept") || limit.AnyValue(h, namesHTML, "Accept")
}

// WriteForm writes a page with a form whose fields have a name and a value each. A script posts the
// form to action or, if scripts are off, the visitor clicks a button. Browsers let the form, and
// the redirects after it, lead only to the origins.
func WriteForm(w http.ResponseWriter, action string, fields [][2]string, origins string) {
	var body bytes.Buffer
	_ = templates.ExecuteTemplate(&body, "form", struct {
		Action string
		Fields [][2]string
	}{action, fields})
	setHTML(w.Header(), scriptHash, origins)
	_, _ = w.Write(body.Bytes())
}

// setHTML sets the headers of a page that has only its own style, the script with this hash, and a
// form that leads to formAction.
func setHTML(h http.Header, script, formAction string) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src "+styleHash+"; script-src "+script+
		"; base-uri 'none'; form-action "+formAction+"; frame-ancestors 'none'")
}

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	// The script also works if a field is named "submit". Browsers do not keep a page in the history
	// if it submits its form while it loads, so Back does not return to it.
	//go:embed submit.js
	submitJS string

	styleHash, scriptHash = sourceHash(pageCSS), sourceHash(submitJS)

	templates = template.Must(template.New("page.html").Funcs(template.FuncMap{
		"style":  func() template.CSS { return template.CSS(pageCSS) },
		"script": func() template.JS { return template.JS(submitJS) },
	}).Parse(pageHTML))
)

// sourceHash returns the source expression of an inline script or style (CSP Level 3, section
// 2.3.1).
func sourceHash(source string) string {
	sum := sha256.Sum256([]byte(source))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
