package e2e_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	stdhtml "html"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

// host is a web server with its own host name. It keeps its requests and responses.
type host struct {
	URL     string
	address string // its URL without the name

	mu        sync.Mutex
	exchanges []exchange
}

type exchange struct {
	*http.Request
	body   string
	status int
	answer http.Header
}

// statusWriter keeps the status of a response.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func newHost(t *testing.T, name string, handler http.Handler) *host {
	return newHostOn(t, name, handler, httptest.NewServer)
}

// newHostOn is newHost with a server that start returns, for example startTLS.
func newHostOn(t *testing.T, name string, handler http.Handler, start func(http.Handler) *httptest.Server) *host {
	h := &host{}
	server := start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the browser has gone
		}
		asked := r.Clone(context.Background())
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer := &statusWriter{w, http.StatusOK}
		handler.ServeHTTP(answer, r)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.exchanges = append(h.exchanges, exchange{asked, string(body), answer.status, w.Header().Clone()})
	}))
	t.Cleanup(server.Close)
	h.address = server.URL
	h.URL = strings.Replace(server.URL, "127.0.0.1", name+".localhost", 1)
	return h
}

// asked returns the exchanges for a path, or all for "".
func (h *host) asked(path string) (exchanges []exchange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, x := range h.exchanges {
		if path == "" || x.URL.Path == path {
			exchanges = append(exchanges, x)
		}
	}
	return exchanges
}

// routeHeaders are in every response of the route.
var routeHeaders = map[string]string{
	"Cache-Control": "private, no-store, max-age=0", "Pragma": "no-cache",
	"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
}

// lacksHeaders returns which of routeHeaders a response lacks.
func lacksHeaders(answer http.Header) (lacks []string) {
	for name, want := range routeHeaders {
		if got := answer.Values(name); len(got) != 1 || got[0] != want {
			lacks = append(lacks, fmt.Sprintf("%s: %q", name, got))
		}
	}
	return lacks
}

// newDocs starts a test site with its own host name.
func newDocs(t *testing.T, p platform, name string, opts ...docslogintest.Option) (*docslogintest.Site, *host) {
	site := p.site(opts...)
	t.Cleanup(site.Close)
	h := newHost(t, p.hostName(name), pass(t, site.URL))
	site.URL = h.URL
	return site, h
}

// pass passes requests on to a server on this machine, with their host name.
func pass(t *testing.T, server string) http.Handler {
	to, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	to.Host = "127.0.0.1:" + to.Port() // names are for browsers
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host
	}}
}

// app is an app with a gorilla session, a sign-in form, and a sign-out handler. wrap adds login routes.
type app struct {
	*host
	t       *testing.T
	store   *sessions.CookieStore
	handler http.Handler

	route      *docslogin.Middleware // the first one; nil: none
	setsCookie bool                  // the sign-in handler sets the cookie with the token

	mu         sync.Mutex
	pages      map[string]string // by path
	formAction string            // of the form's Content-Security-Policy
	ended      map[string]bool   // users whose sessions the app has ended
	events     []docslogin.Event
}

func newApp(t *testing.T) *app { return newAppAt(t, "app") }

func newAppAt(t *testing.T, name string) *app {
	a := &app{t: t, store: sessions.NewCookieStore([]byte("0123456789abcdef0123456789abcdef")), pages: map[string]string{"/welcome": html("<h1>Welcome</h1>")}, ended: map[string]bool{}}
	a.store.Options = &sessions.Options{Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: 3600}
	a.handler = http.HandlerFunc(a.serve)
	a.host = newHost(t, name, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }))
	return a
}

const sessionName = "session"

// names are the users that the form offers. For some of them, no login succeeds.
var names = []string{"ada", "ben", "forbidden", "no cookie", "incomplete", "broken", "panics", "mapper", "reserved", "large", "signer"}

// formPage has no action, so Chromium posts the form to the page's own URL, with its fragment.
var formPage = template.Must(template.New("form").Parse(`<!doctype html><title>Sign in</title><link rel=icon href="data:,"><h1>Who are you?</h1>
<form method=post>
{{range .}}<button name=user value="{{.}}">{{.}}</button> {{end}}</form>`))

func (a *app) serve(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	page, isPage := a.pages[r.URL.Path]
	formAction := a.formAction
	a.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if isPage {
		if strings.HasSuffix(r.URL.Path, ".js") {
			w.Header().Set("Content-Type", "text/javascript")
		}
		fmt.Fprint(w, page)
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /sign-in":
		if formAction != "" {
			w.Header().Set("Content-Security-Policy", "form-action "+formAction)
		}
		w.Header().Set("Cache-Control", "no-store")
		_ = formPage.Execute(w, names)
	case "POST /sign-in":
		session, _ := a.store.Get(r, sessionName)
		user := r.FormValue("user")
		a.setEnded(user, false)
		session.Values["user"] = user
		if user != "no cookie" {
			if err := session.Save(r, w); err != nil {
				a.t.Error(err)
			}
		}
		if a.setsCookie {
			if err := a.route.SetCookie(r.Context(), w, newUser(user)); err != nil {
				a.t.Error(err)
			}
		}
		http.Redirect(w, r, a.next(r), http.StatusSeeOther)
	case "GET /docs-logged-out": // where the docs' own logout leads
		fmt.Fprintf(w, `<title>Logged out</title><link rel=icon href="data:,"><h1>You are logged out of the docs</h1><a id=back href="%s">Back</a>`, stdhtml.EscapeString(a.route.PageURL(r)))
	case "POST /sign-out":
		session, _ := a.store.Get(r, sessionName)
		session.Options.MaxAge = -1
		if err := session.Save(r, w); err != nil {
			a.t.Error(err)
		}
		a.route.ClearCookie(w)
		http.Redirect(w, r, cmp.Or(a.route.LogoutURL(), "/welcome"), http.StatusSeeOther)
	default:
		http.NotFound(w, r)
	}
}

// next returns the return URL of a request to the sign-in page.
func (a *app) next(r *http.Request) string {
	if a.route == nil {
		return "/welcome"
	}
	return a.route.ReturnURL(r)
}

// newUser returns the user with an ID.
func newUser(id string) *docslogin.User {
	return &docslogin.User{ID: id, Name: "User " + id, Email: id + "@example.com", Groups: []string{"admin"}, APIKeys: []docslogin.APIKey{{Key: "key-of-" + id}}}
}

// html returns a page with a body.
func html(body string) string {
	return `<!doctype html><title>Page</title><link rel=icon href="data:,">` + body
}

// static serves one page for all requests.
func static(body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, html(body))
	})
}

// loginPath returns the path of the route with a deep link.
func (p platform) loginPath(page string) string { return "/docs-login" + p.linkQuery(page) }

// linkQuery returns the query of the login URL with a deep link, or "" if the platform sends none.
func (p platform) linkQuery(page string) string {
	if !hasLink(p) {
		return ""
	}
	return "?" + p.in + "=" + url.QueryEscape(page)
}

// setPage gives the app a page.
func (a *app) setPage(path, content string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pages[path] = content
}

func (a *app) setFormAction(policy string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.formAction = policy
}

func (a *app) setEnded(user string, ended bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended[user] = ended
}

// lookup returns the app's lookup, which reads its session. more may return another user.
func (a *app) lookup(more ...func(id string) (*docslogin.User, error)) docslogin.UserLookup {
	return docslogin.SessionLookup(a.store, sessionName, func(_ *http.Request, s *sessions.Session) (*docslogin.User, error) {
		id, _ := s.Values["user"].(string)
		a.mu.Lock()
		ended := a.ended[id]
		a.mu.Unlock()
		switch {
		case ended:
			return nil, docslogin.ErrNoUser
		case id == "forbidden":
			return nil, docslogin.ErrForbidden
		}
		for _, find := range more {
			if user, err := find(id); user != nil || err != nil {
				return user, err
			}
		}
		return newUser(id), nil
	})
}

// toForm names the app's sign-in form.
var toForm = docslogin.WithSignInPage("/sign-in", "next")

// wrap wraps the app with the route of one docs site.
func (a *app) wrap(lookup docslogin.UserLookup, p docslogin.Platform, path string, opts ...docslogin.Option) {
	a.t.Helper()
	m, err := docslogin.New(lookup, p, append([]docslogin.Option{
		docslogin.WithPath(path),
		docslogin.WithLogger(slog.New(slog.DiscardHandler)),
		docslogin.WithObserver(func(_ context.Context, e docslogin.Event) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.events = append(a.events, e)
		}),
	}, opts...)...)
	if err != nil {
		a.t.Fatal(err)
	}
	a.handler = m.Wrap(a.handler)
	if a.route == nil {
		a.route = m
	}
}

// outcomes returns the outcomes of all requests so far, on all routes.
func (a *app) outcomes() (all []docslogin.Outcome) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.events {
		all = append(all, e.Outcome)
	}
	return all
}

func (a *app) count(o docslogin.Outcome) (n int) {
	for _, outcome := range a.outcomes() {
		if outcome == o {
			n++
		}
	}
	return n
}

// fillForm waits for the app's form and signs in there.
func (a *app) fillForm(v *visitor, user string) {
	v.t.Helper()
	v.reaches(a.URL+"/sign-in?", "Who are you?")
	v.click(button(user))
}

func button(value string) string { return fmt.Sprintf("button[value=%q]", value) }

// signIn signs a visitor in at the app, without the docs.
func (a *app) signIn(v *visitor, user string) {
	v.t.Helper()
	v.open(a.URL + "/sign-in?next=/welcome")
	a.fillForm(v, user)
	v.arrives(a.URL+"/welcome", "Welcome")
}

// signOut signs the visitor out at the app.
func (a *app) signOut(v *visitor) {
	v.t.Helper()
	a.setPage("/account", html(`<form method=post action="/sign-out"><button>Sign out</button></form>`))
	v.open(a.URL + "/account")
	v.click("button")
}

// world is an app and the docs of one platform.
type world struct {
	*app
	platform
	site *docslogintest.Site
	docs *host
}

func newWorld(t *testing.T, p platform, opts ...docslogin.Option) *world {
	return newWorldWith(t, p, nil, opts...)
}

// newWorldWith is newWorld with options for the docs.
func newWorldWith(t *testing.T, p platform, docs []docslogintest.Option, opts ...docslogin.Option) *world {
	w := &world{app: newAppAt(t, p.hostName("app")), platform: p}
	w.site, w.docs = newDocs(t, p, "docs", docs...)
	w.wrap(w.lookup(), w.site.Platform(), "/docs-login", append(opts, toForm)...)
	w.site.SetLoginURL(w.URL + "/docs-login")
	w.site.SetLogoutURL(w.URL + "/docs-logged-out")
	t.Cleanup(func() {
		for _, x := range w.asked("") {
			if lacks := lacksHeaders(x.answer); lacks != nil && strings.HasSuffix(x.URL.Path, "-login") {
				t.Errorf("the response %d to %s lacks %v", x.status, x.URL, lacks)
			}
		}
	})
	return w
}

// loginURL returns the URL to which a private page of the docs redirects, or to which the login button
// of a public page leads.
func (w *world) loginURL(page string) string { return loginURL(w.t, w.docs.URL+page) }

func loginURL(t *testing.T, page string) string {
	t.Helper()
	client := docslogintest.NewClient()
	client.CheckRedirect = followsNothing().CheckRedirect
	resp, err := client.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if location := resp.Header.Get("Location"); location != "" {
		return location
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	button := loginButton.FindStringSubmatch(string(text))
	if button == nil {
		t.Fatalf("%s has no login button: %s", page, text)
	}
	return stdhtml.UnescapeString(button[1])
}

var loginButton = regexp.MustCompile(`<a class="button" href="([^"]*)">Log in</a>`)

// entry returns where a login to a page of the docs begins: at the page or, if all pages are public, at
// the URL of its login button.
func (p platform) entry(t *testing.T, page string) string {
	t.Helper()
	if p.public() {
		return loginURL(t, page)
	}
	return page
}

func (w *world) entry(page string) string { return w.platform.entry(w.t, w.docs.URL+page) }

// greets opens a page of the docs, which must greet a user.
func (w *world) greets(v *visitor, page, user string) {
	v.t.Helper()
	v.open(w.docs.URL + page)
	v.arrives(w.docs.URL+page, w.hello(user))
}

// greetsNobody opens a page of the docs, which must not know the reader, and must not reject a token.
func (w *world) greetsNobody(v *visitor, page string) {
	v.t.Helper()
	v.open(w.docs.URL + page)
	v.arrives(w.docs.URL+page, "Log in")
	if text := v.text(); strings.Contains(text, "Hello") || strings.Contains(text, "Login rejected") {
		v.t.Errorf("%s: the reader is not anonymous:\n%s", v.at(), text)
	}
}

// toDocs returns a link to that URL.
func (w *world) toDocs() string {
	return `<p><a id=docs href="` + w.loginURL("/quickstart") + `">Docs</a>`
}
