package docslogintest

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/docslogin/docslogin/internal/deeplink"
	"github.com/docslogin/docslogin/internal/rules"
)

// Headers that tell the test client what a page's script tells a browser.
const (
	scriptHeader    = "Docslogintest-Script"    // view.Script
	nextHeader      = "Docslogintest-Next"      // view.Next
	rejectionHeader = "Docslogintest-Rejection" // index in Site.rejections
)

// tokenPattern matches a token, but not an anchor such as #v1.2.3. A token begins with ey, which
// is base64url for { and a quotation mark or a blank.
const tokenPattern = `^ey[\w-]+\.[\w-]+\.[\w-]+$`

// crossOrigin prevents other sites from logging a reader in or out with a POST.
var crossOrigin = http.NewCrossOriginProtection()

func (s *Site) serve(w http.ResponseWriter, r *http.Request) {
	// Every page depends on the reader, and some requests carry a token.
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	atCallback := s.rules.Callback == "" || r.URL.Path == s.rules.Callback
	takesForm := (s.rules.Form != "" || s.rules.AlsoForm) && atCallback
	// A form with a token comes from another site, the app.
	if err := crossOrigin.Check(r); err != nil && !takesForm {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	get := r.Method == http.MethodGet || r.Method == http.MethodHead
	post := r.Method == http.MethodPost
	query := r.URL.Query()
	switch {
	case r.URL.Path == "/logout" && post:
		s.logout(w, r)
	case s.rules.Query != "" && atCallback && get && (query.Has(s.rules.Query) || s.rules.Callback != ""):
		if page, ok := s.accept(w, r, query.Get(s.rules.Query)); ok {
			redirect(w, page, http.StatusFound)
		}
	case takesForm && post:
		r.Body = http.MaxBytesReader(w, r.Body, maxPost)
		if err := r.ParseForm(); err != nil {
			http.Error(w, "The form is too long or incomplete.", http.StatusBadRequest)
			return
		}
		if page, ok := s.accept(w, r, r.PostForm.Get(cmp.Or(s.rules.Form, s.rules.Query))); ok {
			redirect(w, page, http.StatusFound)
		}
	case s.rules.Fragment && atCallback && post:
		token, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPost))
		if err != nil {
			http.Error(w, "The token is too long or incomplete.", http.StatusBadRequest)
			return
		}
		if page, ok := s.accept(w, r, string(token)); ok {
			redirect(w, page, http.StatusCreated)
		}
	case s.rules.Fragment && s.rules.Callback != "" && atCallback && get:
		s.show(w, r, http.StatusOK, view{Heading: "Logging in", Waiting: true, Script: "callback"})
	case takesForm:
		w.Header().Set("Allow", "POST")
		if s.rules.AlsoForm {
			w.Header().Set("Allow", "GET, HEAD, POST")
		}
		http.Error(w, "This page does not accept a token with this method.", http.StatusMethodNotAllowed)
	case get:
		s.page(w, r)
	default:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "This page accepts only GET and HEAD.", http.StatusMethodNotAllowed)
	}
}

// maxPost is far more than any token.
const maxPost = 1 << 16

// redirect sends the reader, or the page's script, to a page. Unlike http.Redirect, it does not
// change the path.
func redirect(w http.ResponseWriter, page string, status int) {
	w.Header().Set("Location", page)
	w.WriteHeader(status)
}

// accept verifies a token, begins a docs session, and returns where the reader goes next. If
// it rejects the login, it responds with a page that says why, or with an empty page if the platform
// does.
func (s *Site) accept(w http.ResponseWriter, r *http.Request, token string) (page string, ok bool) {
	host := (&url.URL{Host: strings.ToLower(r.Host)}).Hostname()
	now := s.now()
	claims, findings := s.rules.Check(token, s.verifying(), host, now)
	link := s.checkLink(r)
	var rejected, warnings []rules.Finding
	for _, f := range slices.Concat(link, findings, s.checkEcho(r), s.rules.CheckQuery(r.URL.RawQuery)) {
		if f.Rejected() {
			rejected = append(rejected, f)
		} else if f.Warn {
			warnings = append(warnings, f)
		}
	}
	if rejected == nil && s.singleUse && !s.firstUse(claims["jti"]) {
		rejected = append(rejected, rules.Finding{Rule: "jti", Why: "The jti was used before.", Fix: "Give every token a random jti of its own, at the click."})
	}
	if len(rejected) > 0 {
		first := rejected[0]
		s.mu.Lock()
		w.Header().Set(rejectionHeader, fmt.Sprint(len(s.rejections)))
		s.rejections = append(s.rejections, Rejection{Platform: s.rules.Name, Rule: first.Rule, Why: first.Why, Fix: first.Fix, Time: now})
		s.mu.Unlock()
		status := http.StatusUnauthorized
		if slices.ContainsFunc(link, rules.Finding.Rejected) {
			status = s.rules.LinkStatus
			if s.rules.LinkSilent {
				w.WriteHeader(status)
				return "", false
			}
		}
		s.show(w, r, status, view{Heading: "Login rejected", Rejected: rejected, Warnings: warnings})
		return "", false
	}
	login := Login{Claims: claims, Page: s.destination(r), Time: now}
	for _, f := range warnings {
		login.Notes = append(login.Notes, f.Why+" "+f.Fix)
	}
	var end time.Time
	if n, ok := claims[s.rules.SessionClaim].(json.Number); ok {
		seconds, _ := n.Float64() // the rules have checked this
		end = time.Unix(int64(seconds), 0)
	}
	id := rand.Text()
	s.mu.Lock()
	s.sessions[id] = session{login: len(s.logins), end: end}
	s.logins = append(s.logins, login)
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: s.cookie, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return login.Page, true
}

// checkLink checks the deep link that came back.
func (s *Site) checkLink(r *http.Request) []rules.Finding {
	return s.rules.CheckLink(s.linkOf(r), &url.URL{Host: r.Host, Path: r.URL.Path}, s.loginRoute())
}

// linkOf returns the deep link that came back, or "".
func (s *Site) linkOf(r *http.Request) string {
	switch {
	case s.rules.ToPage || s.rules.Link == "":
		return ""
	case s.rules.Form != "" || s.rules.AlsoForm && r.Method == http.MethodPost:
		return r.PostForm.Get(s.rules.Link)
	}
	return r.URL.Query().Get(s.rules.Link)
}

// checkEcho checks the parameters that must come back unchanged. A login that starts at the app
// does not have them.
func (s *Site) checkEcho(r *http.Request) []rules.Finding {
	var out []rules.Finding
	for _, name := range slices.Sorted(maps.Keys(s.echo)) {
		if got := r.URL.Query().Get(name); got != s.echo[name] {
			out = append(out, rules.Finding{
				Rule: name,
				Warn: got == "", // if the platform requires the parameter, CheckQuery rejects the login
				Why:  "The parameter " + name + " did not come back in the query with the value that the login URL was given.",
				Fix:  "Begin at the docs, and return " + name + " as it came.",
			})
		}
	}
	return out
}

// firstUse reports whether a token's jti, if it has one, is new.
func (s *Site) firstUse(jti any) bool {
	id, ok := jti.(string)
	if !ok {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	used := s.usedIDs[id]
	s.usedIDs[id] = true
	return !used
}

// destination returns the page to which a login leads.
func (s *Site) destination(r *http.Request) string {
	switch {
	case s.rules.ToPage && s.rules.Fragment:
		return local(r, r.URL.RequestURI())
	case s.rules.ToPage:
		return local(r, rules.Without(r.URL.RequestURI(), s.rules.Query))
	}
	link := s.linkOf(r)
	if s.rules.Back == rules.AsURL && (strings.HasPrefix(link, "/") || !strings.Contains(link, "://")) {
		return "/" // the platform expects a URL
	}
	return local(r, link)
}

// local returns a deep link as a path if it is on this site's host, or else the home page. The path
// is ASCII, because a script reads it from a header, and net/url can parse it, because Go's client
// follows it.
func local(r *http.Request, link string) string {
	if scheme, path, ok := strings.Cut(link, "://"+r.Host); ok && (scheme == "http" || scheme == "https") {
		link = path
	}
	bad := func(c rune) bool { return c < ' ' || c == 0x7f || c == '\\' }
	if _, err := url.Parse(link); err != nil || !strings.HasPrefix(link, "/") || strings.HasPrefix(link, "//") || strings.ContainsFunc(link, bad) {
		return "/"
	}
	return deeplink.Escape(link)
}

// loginOf returns the login of the docs session among cookies, unless the session has ended.
func (s *Site) loginOf(cookies []*http.Cookie) (Login, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range cookies {
		if c.Name != s.cookie {
			continue
		}
		if v, ok := s.sessions[c.Value]; ok && (v.end.IsZero() || s.now().Before(v.end)) {
			return s.logins[v.login].clone(), true
		}
	}
	return Login{}, false
}

func (s *Site) logout(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	for _, c := range r.CookiesNamed(s.cookie) {
		delete(s.sessions, c.Value)
	}
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: s.cookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	w.Header().Set("Location", "/")
	w.WriteHeader(http.StatusSeeOther)
}
