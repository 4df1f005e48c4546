// Package docslogintest is docs sites to test against, for the tests of an app
// that uses docslogin.
//
// A [Site] is a small web server on a loopback port that behaves as a hosted
// docs platform does: its private pages send a reader who is signed out to the
// app's login URL, and what comes back is verified as the platform would verify
// it. A token that is not in order is refused with the rule that it breaks and
// what to change, on the page and in [Site.Rejections].
//
//	docs := docslogintest.NewReadMe()
//	defer docs.Close()
//
//	login, err := docslogin.New(lookup, docs.Platform(), docslogin.WithLoginPage("/sign-in", "next"))
//	// …
//	app := httptest.NewServer(login.Wrap(mux))
//	docs.SetLoginURL(app.URL + login.Path())
//
//	client := docslogintest.NewClient()
//	// … sign in at the app with this client, then:
//	got, err := docs.Login(client, "/quickstart")
//
// There is a site for each platform that docslogin has a preset for. The sites know
// what the platforms' own pages say of logins by JWT. Where these are silent, as on
// the type of a claim, the sites may be stricter than the platform, and what the
// platforms have beside logins they have not. They are no place for real secrets or
// readers.
package docslogintest

import (
	"cmp"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/deeplink"
	"github.com/docslogin/docslogin/internal/keys"
	"github.com/docslogin/docslogin/internal/rules"
)

// A Site is a running docs site. Every path is a page of it; "/" and
// "/changelog" are public, all others private. What starts a Site panics if it
// cannot listen; the caller calls Close. The secret or key that a Site verifies
// against is random, or that of WithKey. Its methods may be called by many goroutines at once.
type Site struct {
	// URL is the site's address without a slash at the end: http://127.0.0.1:port. Before
	// the site is used it may be given another name of that address: under
	// http://docs.localhost:port, browsers keep its cookies apart from the app's, as they
	// do in production, and the client of NewClient finds it.
	URL string

	kind
	title   string
	now     func() time.Time
	server  *http.Server
	cookie  string // name of the session cookie
	signing string // secret, or private key in PEM; "": there is a public key only
	key     any    // what verifies

	mu         sync.Mutex
	loginURL   string
	sessions   map[string]session
	logins     []Login
	rejections []Rejection
	usedIDs    map[string]bool // jti of accepted tokens
}

type session struct {
	login int       // index in Site.logins
	end   time.Time // zero: none
}

// A Login is a token that a site accepted.
type Login struct {
	Claims map[string]any // as in the token; a number is a json.Number
	Page   string         // where the reader was sent: path, query and fragment
	Time   time.Time
	Notes  []string // what the platform takes but hardly was meant, such as a misspelt claim
}

// A Rejection is a token that a site refused, by a rule about the token itself, about
// what came with it, or about tokens that were used before. It holds neither the
// token nor what its claims say, other than times and hosts.
type Rejection struct {
	Platform string // as the preset's Name
	Rule     string // the first rule that the token breaks, mostly the name of a claim or parameter
	Why      string // in one sentence
	Fix      string // what to change
	Time     time.Time
}

// Error says all of it in one line.
func (r *Rejection) Error() string {
	return fmt.Sprintf("docslogintest: %s refuses the token by rule %q: %s %s", r.Platform, r.Rule, r.Why, r.Fix)
}

// An Option changes what [NewReadMe] and its like start. Of two that say the same,
// the later one counts; nil changes nothing.
type Option func(*config)

type config struct {
	listener net.Listener
	now      func() time.Time
	title    string
	key      *string
}

// WithListener makes the site serve on l, which it then owns, instead of a free
// port of 127.0.0.1, also for nil. In the site's URL, an address that stands for all
// interfaces becomes 127.0.0.1.
func WithListener(l net.Listener) Option { return func(c *config) { c.listener = l } }

// WithClock sets the clock that tells whether tokens and sessions have ended.
// The default, also for nil, is time.Now. It is called by many goroutines at once.
func WithClock(now func() time.Time) Option { return func(c *config) { c.now = now } }

// WithTitle sets the name of the site that its pages show. The default says which
// platform the site is like.
func WithTitle(title string) Option { return func(c *config) { c.title = title } }

// WithKey makes the site verify against a key of the test's own instead of a random one: the
// text is the secret or, for Mintlify, the private or the public key in PEM, in the forms that
// docslogin.PrivateKey takes. What starts the site panics if the text is no key for the
// platform; the panic does not repeat it.
//
// [Site.Platform] signs with the same key. A public key alone cannot sign, and leaves the
// preset's Key unset, which docslogin.New then reports: it is for apps whose key stays in a
// key service (docslogin.SignWith), and which set it themselves.
func WithKey(text string) Option { return func(c *config) { c.key = &text } }

// NewReadMe starts a docs site that logs in as ReadMe does: a GET of any page
// takes the token in the query parameter auth_token.
func NewReadMe(opts ...Option) *Site { return start(readMe(), opts) }

// NewMintlify starts a docs site that logs in as Mintlify does: the page
// /login/jwt-callback takes the token in the URL's fragment, where only its
// script sees it. The docs session ends at the token's expiresAt.
func NewMintlify(opts ...Option) *Site { return start(mintlify(), opts) }

// NewMintlifyPersonalization starts a docs site that logs in as public Mintlify
// docs do that are personalized by JWT: every page has a script that takes an
// ES256 token in the URL's fragment. Where somebody is signed out who asks for a
// private page, which Mintlify would show, the script goes on to the login URL.
// The docs session ends at the token's expiresAt.
func NewMintlifyPersonalization(opts ...Option) *Site { return start(mintlifyPersonalization(), opts) }

// NewGitBook starts a docs site that logs in as GitBook does: a GET of any page
// takes the token in the query parameter jwt_token, and leads to the same page
// without it. What GitBook would misread beside the token is refused: access_token,
// which would win, and visitor.…, which are claims that nobody signed. The docs
// session ends at the token's exp.
func NewGitBook(opts ...Option) *Site { return start(gitBook(), opts) }

// NewFern starts a docs site that logs in as Fern does: a GET of
// /api/fern-docs/auth/jwt/callback takes the token in the query parameter
// fern_token, and the wanted page's URL in state; a path there leads to the home page.
// The docs session ends at the token's exp. The issuer has to be
// https://buildwithfern.com.
func NewFern(opts ...Option) *Site { return start(fern(), opts) }

// NewZendesk starts a help center that logs in as Zendesk does: a form posts the
// token to /access/jwt, in the field jwt, and the wanted page in return_to. A jti
// counts once. The parameters brand_id, locale_id and timestamp of the login URL
// come back in the query of the form's action: others are refused, none are noted, as
// a login that begins at the app has none. What is wrong is said on a page; Zendesk
// sends errors to the remote logout URL.
func NewZendesk(opts ...Option) *Site { return start(zendesk(), opts) }

// NewHelpScout starts a docs site that logs in as Help Scout Docs do: a GET of
// /authcallback takes an HS512 token in the query parameter token, and the wanted
// page in returnTo. The docs session ends at the token's exp.
func NewHelpScout(opts ...Option) *Site { return start(helpScout(), opts) }

// NewDeveloperHub starts a docs site that logs in as DeveloperHub does: a GET of
// any page takes the token in the query parameter jwt, and leads to the same page
// without it. A jti, if there is one, counts once. The docs session ends at the
// token's exp.
func NewDeveloperHub(opts ...Option) *Site { return start(developerHub(), opts) }

// NewCanny starts a board that logs in as Canny does: a GET of /api/redirects/sso,
// which Canny has on a host of its own, takes the token in the query parameter
// ssoToken, the wanted page's URL in redirect, where a path leads to the home page, and
// the companyID.
func NewCanny(opts ...Option) *Site { return start(canny(), opts) }

// NewFeaturebase starts a help center that logs in as Featurebase does: a GET of
// /api/v1/auth/access/jwt takes the token in the query parameter jwt, and the
// wanted page's URL in return_to; a path there leads to the home page.
func NewFeaturebase(opts ...Option) *Site { return start(featurebase(), opts) }

// NewMetabase starts a site that logs in as Metabase does: a GET of /auth/sso takes
// the token in the query parameter jwt, and the wanted page in return_to. To the
// login URL that page goes unescaped, so that it comes back without what is behind
// the first & in it.
func NewMetabase(opts ...Option) *Site { return start(metabase(), opts) }

func start(k kind, opts []Option) *Site {
	c := config{title: k.label}
	for _, o := range opts {
		if o != nil {
			o(&c)
		}
	}
	if c.now == nil {
		c.now = time.Now
	}
	signing := k.newKey()
	if c.key != nil {
		signing = *c.key
	}
	alg := jose.SignatureAlgorithm(k.rules.Algorithms[0])
	key, err := keys.Verifier(signing, alg)
	if err != nil {
		panic(fmt.Sprintf("docslogintest: WithKey: %v", err))
	}
	if _, secret := key.([]byte); !secret {
		if _, err := keys.PEM(signing, alg); err != nil { // a public key
			signing = ""
		}
	}
	if c.listener == nil {
		var err error
		if c.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			panic(fmt.Sprintf("docslogintest: no free port on 127.0.0.1: %v", err))
		}
	}
	s := &Site{
		URL:      address(c.listener.Addr()),
		kind:     k,
		title:    c.title,
		now:      c.now,
		cookie:   "docs_session_" + rand.Text()[:8], // cookies are shared by all ports of a host
		signing:  signing,
		key:      key,
		sessions: map[string]session{},
		usedIDs:  map[string]bool{},
	}
	s.server = &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 10 * time.Second}
	go s.server.Serve(c.listener)
	return s
}

func address(a net.Addr) string {
	host := a.String()
	if t, ok := a.(*net.TCPAddr); ok && t.IP.IsUnspecified() {
		host = fmt.Sprintf("127.0.0.1:%d", t.Port)
	}
	return "http://" + host
}

// Close stops the site and closes its connections.
func (s *Site) Close() { s.server.Close() }

// Platform returns the platform's preset, pointed at this site, with the secret
// or private key that the site verifies against, if it has that (see [WithKey]).
func (s *Site) Platform() docslogin.Platform {
	p := s.preset(s.URL, s.signing)
	if s.signing == "" {
		p.Key = docslogin.Key{}
	}
	return p
}

// SetLoginURL sets the app's login URL, as one does in a platform's dashboard:
// the absolute URL of docslogin's route. Until then, private pages only say
// that it is missing.
func (s *Site) SetLoginURL(u string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loginURL = u
}

// Logins returns what the site accepted, oldest first. It is the caller's.
func (s *Site) Logins() []Login {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Login, len(s.logins))
	for i, l := range s.logins {
		out[i] = l.clone()
	}
	return out
}

// Rejections returns what the site refused, oldest first. It is the caller's.
func (s *Site) Rejections() []*Rejection {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*Rejection, len(s.rejections))
	for i, r := range s.rejections {
		out[i] = &r
	}
	return out
}

func (l Login) clone() Login {
	l.Claims = clone(l.Claims).(map[string]any)
	l.Notes = append([]string(nil), l.Notes...)
	return l
}

func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		o := maps.Clone(v)
		for name := range o {
			o[name] = clone(o[name])
		}
		return o
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = clone(v[i])
		}
		return list
	}
	return v
}

// loginRoute returns the path of the login URL, or "".
func (s *Site) loginRoute() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := url.Parse(s.loginURL)
	if err != nil {
		return ""
	}
	return u.Path
}

// loginLink returns the login URL that brings the reader back to page, or "".
func (s *Site) loginLink(page string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loginURL == "" {
		return ""
	}
	separator := "?"
	if strings.Contains(s.loginURL, "?") {
		separator = "&"
	}
	link := s.loginURL + separator + s.rules.Link + "=" + s.wanted(s.URL, page)
	for _, name := range slices.Sorted(maps.Keys(s.echo)) {
		link += "&" + name + "=" + url.QueryEscape(s.echo[name])
	}
	return link
}

// Headers by which the test client knows what a browser sees on the page.
const (
	scriptHeader    = "Docslogintest-Script"    // view.Script
	nextHeader      = "Docslogintest-Next"      // view.Next
	rejectionHeader = "Docslogintest-Rejection" // index in Site.rejections
)

// tokenPattern tells a token from an anchor such as #v1.2.3: base64url of { and a
// quotation mark or a blank begins so.
const tokenPattern = `^ey[\w-]+\.[\w-]+\.[\w-]+$`

// crossOrigin keeps other sites from logging a reader in or out with a POST.
var crossOrigin = http.NewCrossOriginProtection()

func (s *Site) serve(w http.ResponseWriter, r *http.Request) {
	// All pages differ by reader, and some requests carry a token.
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	atCallback := s.rules.Callback == "" || r.URL.Path == s.rules.Callback
	takesForm := s.rules.Form != "" && atCallback
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
			goOn(w, page, http.StatusFound)
		}
	case takesForm && post:
		r.Body = http.MaxBytesReader(w, r.Body, maxPost)
		if err := r.ParseForm(); err != nil {
			http.Error(w, "The form is too long or did not arrive.", http.StatusBadRequest)
			return
		}
		if page, ok := s.accept(w, r, r.PostForm.Get(s.rules.Form)); ok {
			goOn(w, page, http.StatusFound)
		}
	case s.rules.Fragment && atCallback && post:
		token, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPost))
		if err != nil {
			http.Error(w, "The token is too long or did not arrive.", http.StatusBadRequest)
			return
		}
		if page, ok := s.accept(w, r, string(token)); ok {
			goOn(w, page, http.StatusCreated)
		}
	case s.rules.Fragment && s.rules.Callback != "" && atCallback && get:
		s.show(w, r, http.StatusOK, view{Heading: "Signing in", Waiting: true, Script: "callback"})
	case takesForm:
		w.Header().Set("Allow", "POST")
		http.Error(w, "A form brings the token here.", http.StatusMethodNotAllowed)
	case get:
		s.page(w, r)
	default:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Docs are only read.", http.StatusMethodNotAllowed)
	}
}

// maxPost is far more than any token.
const maxPost = 1 << 16

// goOn sends the reader, or the page's script, to a page; http.Redirect would clean
// the path.
func goOn(w http.ResponseWriter, page string, status int) {
	w.Header().Set("Location", page)
	w.WriteHeader(status)
}

// accept verifies a token and begins a docs session, and returns where the
// reader wants to go; or it refuses with a page.
func (s *Site) accept(w http.ResponseWriter, r *http.Request, token string) (page string, ok bool) {
	host := (&url.URL{Host: strings.ToLower(r.Host)}).Hostname()
	now := s.now()
	claims, findings := s.rules.Check(token, s.key, host, now)
	var refused, noted []rules.Finding
	for _, f := range slices.Concat(findings, s.checkLink(r), s.checkEcho(r), s.rules.CheckQuery(r.URL.RawQuery)) {
		if f.Rejected() {
			refused = append(refused, f)
		} else if f.Warn {
			noted = append(noted, f)
		}
	}
	if refused == nil && s.once && !s.firstUse(claims["jti"]) {
		refused = append(refused, rules.Finding{Rule: "jti", Why: "The jti was used before.", Fix: "Give every token a random jti of its own, at the click."})
	}
	if len(refused) > 0 {
		first := refused[0]
		s.mu.Lock()
		w.Header().Set(rejectionHeader, fmt.Sprint(len(s.rejections)))
		s.rejections = append(s.rejections, Rejection{Platform: s.rules.Name, Rule: first.Rule, Why: first.Why, Fix: first.Fix, Time: now})
		s.mu.Unlock()
		s.show(w, r, http.StatusUnauthorized, view{Heading: "Login refused", Refused: refused, Noted: noted})
		return "", false
	}
	login := Login{Claims: claims, Page: s.destination(r), Time: now}
	for _, f := range noted {
		login.Notes = append(login.Notes, f.Why+" "+f.Fix)
	}
	var end time.Time
	if n, ok := claims[s.rules.SessionClaim].(json.Number); ok {
		seconds, _ := n.Float64() // the rules have seen to it
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

// checkLink looks at the wanted page as it came back.
func (s *Site) checkLink(r *http.Request) []rules.Finding {
	return s.rules.CheckLink(s.linkOf(r), &url.URL{Host: r.Host, Path: r.URL.Path}, s.loginRoute())
}

// linkOf returns the wanted page as it came back, or "".
func (s *Site) linkOf(r *http.Request) string {
	switch {
	case s.rules.ToPage:
		return ""
	case s.rules.Form != "":
		return r.PostForm.Get(s.rules.Link)
	}
	return r.URL.Query().Get(s.rules.Link)
}

// checkEcho looks at the parameters that come back as they went. A login that began at
// the app does not have them.
func (s *Site) checkEcho(r *http.Request) []rules.Finding {
	var out []rules.Finding
	for _, name := range slices.Sorted(maps.Keys(s.echo)) {
		if got := r.URL.Query().Get(name); got != s.echo[name] {
			out = append(out, rules.Finding{
				Rule: name,
				Warn: got == "" && name != s.rules.RequiredParam,
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

// destination returns where the reader wants to go who brings a token.
func (s *Site) destination(r *http.Request) string {
	switch {
	case s.rules.ToPage && s.rules.Fragment:
		return local(r, r.URL.RequestURI())
	case s.rules.ToPage:
		return local(r, rules.Without(r.URL.RequestURI(), s.rules.Query))
	}
	link := s.linkOf(r)
	if s.rules.Back == rules.AsURL && (strings.HasPrefix(link, "/") || !strings.Contains(link, "://")) {
		return "/" // a path of what host?
	}
	return local(r, link)
}

// local returns a deep link as a path if it is one on this site's own host, else the
// home page. A page's script, which reads it from a header, takes only ASCII for what
// it is, and Go's client follows only what net/url parses.
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

// loginOf returns the login behind the session cookie among cookies, if it has
// not ended.
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

func (s *Site) page(w http.ResponseWriter, r *http.Request) {
	v := view{Heading: strings.Trim(r.URL.Path, "/"), Page: r.URL.RequestURI(), Content: true}
	public := false
	for _, p := range pages {
		if p.Path == r.URL.Path {
			v.Heading, public = p.Heading, p.Public
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
	case public:
	case to == "":
		status = http.StatusUnauthorized
		v.Heading, v.Content, v.NoLoginURL = "This page is private", false, true
	case v.Script != "": // only a script knows whether there is a token
		v.Heading, v.Content, v.Waiting, v.Next = "Signing in", false, true, to
	default:
		goOn(w, to, http.StatusFound)
		return
	}
	s.show(w, r, status, v)
}

// pages are those that have a content of their own.
var pages = []struct {
	Path, Heading string
	Public        bool
}{
	{"/", "Welcome", true},
	{"/quickstart", "Quickstart", false},
	{"/reference", "API reference", false},
	{"/changelog", "Changelog", true},
}

// view is what site.html shows.
type view struct {
	Title, Label, Layout, Platform string
	Hue                            int
	Nonce, Path, Heading, Login    string
	Page                           string  // to which the login button leads back; "": home, as neither a callback nor a URL with a token is a page to come back to
	Script                         string  // what takes a token from the fragment: "callback" whatever is there, "page" what looks like one; "": none
	Next                           string  // where the script goes without a token; "": nowhere
	Content, Waiting, NoLoginURL   bool    // what the page is about
	Reader                         *reader // nil: signed out
	Notes                          []string
	Refused, Noted                 []rules.Finding
}

// Pages is for the navigation.
func (view) Pages() any { return pages }

// TokenPattern is for the script.
func (view) TokenPattern() string { return tokenPattern }

//go:embed site.html
var siteHTML string

var siteTemplate = template.Must(template.New("site.html").Parse(siteHTML))

func (s *Site) show(w http.ResponseWriter, r *http.Request, status int, v view) {
	v.Title, v.Label, v.Layout, v.Hue, v.Platform = s.title, s.label, s.layout, s.hue, s.rules.Name
	v.Nonce, v.Path = rand.Text(), r.URL.Path
	v.Login = s.loginLink(cmp.Or(v.Page, "/"))
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; img-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"+
		"; style-src 'nonce-"+v.Nonce+"'; script-src 'nonce-"+v.Nonce+"'")
	if v.Script != "" {
		h.Set(scriptHeader, v.Script)
		h.Set(nextHeader, v.Next)
	}
	w.WriteHeader(status)
	// All that can fail from here on is the connection.
	_ = siteTemplate.Execute(w, v)
}
