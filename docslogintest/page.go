package docslogintest

import (
	"cmp"
	"crypto/rand"
	_ "embed"
	"html/template"
	"net/http"
	"strings"

	"github.com/docslogin/docslogin/internal/rules"
)

func (s *Site) page(w http.ResponseWriter, r *http.Request) {
	v := view{Heading: strings.Trim(r.URL.Path, "/"), Page: r.URL.RequestURI(), Content: true}
	public := s.public
	for _, p := range pages {
		if p.Path == r.URL.Path {
			v.Heading, public = p.Heading, public || p.Public
		}
	}
	if s.rules.Fragment && s.rules.Callback == "" {
		v.Script = "page"
	}
	login, in := s.loginOf(r.Cookies())
	status := http.StatusOK
	switch to := s.loginLink(v.Page); {
	case in:
		reader := s.reader(login.Claims)
		v.Reader, v.Notes = &reader, login.Notes
		v.ByApp = s.rules.Logout == "" && s.tokenIn(r.Cookies()) != ""
	case public:
	case to == "":
		status = http.StatusUnauthorized
		v.Heading, v.Content, v.NoLoginURL = "This page is private", false, true
	case v.Script != "": // only the script knows whether there is a token
		v.Heading, v.Content, v.Waiting, v.Next = "Logging in", false, true, to
	default:
		redirect(w, to, http.StatusFound)
		return
	}
	s.show(w, r, status, v)
}

// pages lists the pages that have content of their own.
var pages = []struct {
	Path, Heading string
	Public        bool
}{
	{"/", "Welcome", true},
	{"/quickstart", "Quickstart", false},
	{"/reference", "API reference", false},
	{"/changelog", "Changelog", true},
}

// view is the data of site.html.
type view struct {
	Title, Label, Layout, Platform string
	Hue                            int
	Nonce, Path, Heading, Login    string
	Logout                         string  // path of the link that logs the reader out; "": a form does that
	Page                           string  // to which the login button leads back; "": the home page, for a callback or a URL with a token
	Script                         string  // "callback": a script posts the fragment; "page": only if it looks like a token; "": no script
	Next                           string  // where the script goes if there is no token; "": nowhere
	Content, Waiting, NoLoginURL   bool    // what the page shows
	Reader                         *reader // nil: logged out
	Public                         bool    // every page is public
	ByApp                          bool    // the app set the cookie, so only the app can log the reader out
	Notes                          []string
	Rejected, Warnings             []rules.Finding
}

// Pages returns the pages of the navigation.
func (view) Pages() any { return pages }

// TokenPattern returns the pattern by which the script recognizes a token.
func (view) TokenPattern() string { return tokenPattern }

//go:embed site.html
var siteHTML string

var siteTemplate = template.Must(template.New("site.html").Parse(siteHTML))

func (s *Site) show(w http.ResponseWriter, r *http.Request, status int, v view) {
	v.Title, v.Label, v.Layout, v.Hue, v.Platform, v.Public = s.title, s.label, s.layout, s.hue, s.rules.Name, s.public
	v.Nonce, v.Path = rand.Text(), r.URL.Path
	v.Login, v.Logout = s.loginLink(cmp.Or(v.Page, "/")), s.rules.Logout
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; img-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"+
		"; style-src 'nonce-"+v.Nonce+"'; script-src 'nonce-"+v.Nonce+"'")
	if v.Script != "" {
		h.Set(scriptHeader, v.Script)
		h.Set(nextHeader, v.Next)
	}
	w.WriteHeader(status)
	// Only the connection can fail from here on.
	_ = siteTemplate.Execute(w, v)
}
