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
	case s.isLogout(r):
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
		if s.readCookie(w, r) {
			s.page(w, r)
		}
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
	now := s.now()
	claims, findings := s.check(r, token, now)
	link := s.checkLink(r)
	rejected, warnings := partition(slices.Concat(link, findings, s.checkEcho(r), s.rules.CheckQuery(r.URL.RawQuery)))
	if rejected == nil && s.singleUse && !s.firstUse(claims["jti"]) {
		rejected = append(rejected, rules.Finding{Rule: "jti", Why: "The jti was used before.", Fix: "Give every token a random jti of its own, at the click."})
	}
	if len(rejected) > 0 {
		s.reject(w, rejected[0], now, "")
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
	page = s.destination(r)
	s.begin(w, claims, "", page, warnings, now)
	return page, true
}

// check verifies a token as the platform does.
func (s *Site) check(r *http.Request, token string, now time.Time) (claims map[string]any, findings []rules.Finding) {
	host := (&url.URL{Host: strings.ToLower(r.Host)}).Hostname()
	return s.rules.Check(token, s.verifying(), host, now)
}

// partition returns the findings that reject a login, and those that only warn about it.
func partition(findings []rules.Finding) (rejected, warnings []rules.Finding) {
	for _, f := range findings {
		if f.Rejected() {
			rejected = append(rejected, f)
		} else if f.Warn {
			warnings = append(warnings, f)
		}
	}
	return rejected, warnings
}

// reject records a rejection, and tells the test client which one it is. Unless cause is "", reject
// records only one rejection for each cause.
func (s *Site) reject(w http.ResponseWriter, f rules.Finding, now time.Time, cause string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, known := s.known[cause]
	if !known {
		i = len(s.rejections)
		s.rejections = append(s.rejections, Rejection{Platform: s.rules.Name, Rule: f.Rule, Why: f.Why, Fix: f.Fix, Time: now})
	}
	if cause != "" {
		s.known[cause] = i
	}
	w.Header().Set(rejectionHeader, fmt.Sprint(i))
}

// begin begins a docs session, and returns its cookie. If a cookie carries the token, the session counts
// only together with that cookie. Otherwise, token must be "".
func (s *Site) begin(w http.ResponseWriter, claims map[string]any, token, page string, warnings []rules.Finding, now time.Time) *http.Cookie {
	login := Login{Claims: claims, Page: page, Time: now}
	for _, f := range warnings {
		login.Notes = append(login.Notes, f.Why+" "+f.Fix)
	}
	begun := session{token: hash(token)}
	if n, ok := claims[s.rules.SessionClaim].(json.Number); ok {
		seconds, _ := n.Float64() // the rules have checked this
		begun.end = time.Unix(int64(seconds), 0)
	}
	id := rand.Text()
	s.mu.Lock()
	begun.login = len(s.logins)
	s.sessions[id] = begun
	s.logins = append(s.logins, login)
	s.mu.Unlock()
	cookie := &http.Cookie{Name: s.cookie, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	http.SetCookie(w, cookie)
	return cookie
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

// sessionOf returns the docs session to which cookies belong, even if it has ended.
func (s *Site) sessionOf(cookies []*http.Cookie) (session, bool) {
	token := hash(s.tokenIn(cookies))
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range cookies {
		if v, ok := s.sessions[c.Value]; ok && c.Name == s.cookie && v.token == token {
			return v, true
		}
	}
	return session{}, false
}

// loginOf returns the login of the docs session to which cookies belong, unless the session has ended.
func (s *Site) loginOf(cookies []*http.Cookie) (Login, bool) {
	v, ok := s.sessionOf(cookies)
	if !ok || !v.isOpen(s.now()) {
		return Login{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins[v.login].clone(), true
}
