package apptest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"golang.org/x/net/html"
)

// Ada is the user who signs in.
const Ada = "ada@example.com"

// Visit is a visit to a recipe that runs in the test's process.
type Visit struct {
	AppURL  string // without a trailing slash
	Site    *docslogintest.Site
	Visitor *Visitor
	Route   string // the login route; "": /docs-login
}

// Serve serves a recipe, and a test site that uses its login route, until the test ends.
func Serve(t *testing.T, newHandler func(app.Env) (http.Handler, error)) *Visit {
	t.Helper()
	v := newVisit(t)
	v.loginAt(ServeApp(t, func(url string) (http.Handler, error) {
		return newHandler(app.Env{URL: url, Platform: v.Site.Platform()})
	}))
	return v
}

// ServeApp serves an app alone until the test ends, and returns its URL, which newHandler is
// told before.
func ServeApp(t *testing.T, newHandler func(url string) (http.Handler, error)) string {
	t.Helper()
	listener, url := listen(t)
	handler, err := newHandler(url)
	if err != nil {
		listener.Close()
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler}}
	server.Start()
	t.Cleanup(server.Close)
	return url
}

// ServeServer is Serve for an app that is not an http.Handler and serves itself. It must end
// without an error when the test ends.
func ServeServer(t *testing.T, newServer func(app.Env) (app.Server, error)) *Visit {
	t.Helper()
	v := newVisit(t)
	listener, url := listen(t)
	serve, err := newServer(app.Env{URL: url, Platform: v.Site.Platform()})
	if err != nil {
		listener.Close()
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, listener) }()
	t.Cleanup(func() {
		v.Visitor.client.CloseIdleConnections()
		stop()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the app ends with: %v", err)
			}
		case <-time.After(timeout):
			t.Error("the app does not end")
		}
	})
	v.loginAt(url)
	return v
}

func newVisit(t *testing.T) *Visit {
	t.Helper()
	site := docslogintest.NewReadMe()
	t.Cleanup(site.Close)
	return &Visit{Site: site, Visitor: NewVisitor()}
}

func (v *Visit) loginAt(appURL string) {
	v.AppURL = appURL
	v.Site.SetLoginURL(appURL + "/docs-login")
}

func listen(t *testing.T) (net.Listener, string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener, "http://" + listener.Addr().String()
}

// Try serves a recipe and checks what every app with docslogin does. A visitor who is signed out
// and opens a page of the docs is sent to the app's sign-in page and comes back to that page. A
// user who is signed in at the app is logged in at the docs without being asked. The app's own
// pages work as before. And the login route answers every method itself.
func Try(t *testing.T, newHandler func(app.Env) (http.Handler, error)) *Visit {
	t.Helper()
	v := Serve(t, newHandler)
	v.Try(t)
	return v
}

// Try is for a recipe that the test has served itself. Of the app's pages it opens the home
// page, which names who is signed in.
func (v *Visit) Try(t *testing.T) {
	t.Helper()
	const first, second = "/quickstart?from=mail", "/reference"

	watch := &cookieWatch{RoundTripper: v.Visitor.client.Transport, origin: v.AppURL}
	v.Visitor.client.Transport = watch
	defer func() { v.Visitor.client.Transport = watch.RoundTripper }()

	page := v.Visitor.Open(t, v.Site.URL+first)
	if page.At(v.Site.URL) || !page.HasForm() {
		t.Fatalf("a visitor who is signed out ends at %s, not at a sign-in page", page)
	}
	page = v.Visitor.SignIn(t, page, v.Site.URL)
	if !page.At(v.Site.URL + first) {
		t.Fatalf("after signing in, the visitor ends at %s, not at the docs' page %s; rejections: %v", page, first, v.Site.Rejections())
	}
	if home := v.Visitor.Open(t, v.AppURL+"/"); home.Status != http.StatusOK || !strings.Contains(home.Text, Ada) {
		t.Errorf("the app's home page does not say who is signed in: %s: %.200s", home, home.Text)
	}
	v.Visitor.LogOutOfDocs(t, v.Site)
	if page = v.Visitor.Open(t, v.Site.URL+second); !page.At(v.Site.URL + second) {
		t.Errorf("a user who is signed in at the app ends at %s, not at the docs' page %s; rejections: %v", page, second, v.Site.Rejections())
	}
	for _, cookie := range watch.set {
		if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode {
			t.Errorf("the app's cookie %s is HttpOnly: %t, SameSite: %d; want HttpOnly, and SameSite=Lax, so that browsers send it when they come from the docs", cookie.Name, cookie.HttpOnly, cookie.SameSite)
		}
	}
	logins := v.Site.Logins()
	if len(logins) != 2 || logins[0].Page != first || logins[1].Page != second {
		t.Errorf("the docs saw the logins %v, not one for each page", logins)
	}
	for _, login := range logins {
		if email := emailOf(login); email != Ada {
			t.Errorf("the token's address is %v, not %s", email, Ada)
		}
	}
	v.answersEveryMethod(t)
}

// cookieWatch keeps the cookies that an origin sets, with their attributes, which a jar does not return.
type cookieWatch struct {
	http.RoundTripper
	origin string
	set    []*http.Cookie
}

func (w *cookieWatch) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.RoundTripper.RoundTrip(r)
	if err == nil && strings.HasPrefix(r.URL.String(), w.origin+"/") {
		w.set = append(w.set, resp.Cookies()...)
	}
	return resp, err
}

// emailOf returns the e-mail address in a token. Mintlify has it in content, Fern has it in fern, and most
// others have it at the top.
func emailOf(login docslogintest.Login) any {
	for _, name := range []string{"content", "fern"} {
		if object, ok := login.Claims[name].(map[string]any); ok {
			return object["email"]
		}
	}
	return login.Claims["email"]
}

// SignIn signs the visitor in at the app, by opening the docs, and ends the docs session again.
func (v *Visit) SignIn(t *testing.T) {
	t.Helper()
	page := v.Visitor.SignIn(t, v.Visitor.Open(t, v.Site.URL+"/quickstart"), v.Site.URL)
	if !page.At(v.Site.URL) {
		t.Fatalf("after signing in, the visitor ends at %s, not at the docs", page)
	}
	v.Visitor.LogOutOfDocs(t, v.Site)
}

// MeetsFault checks that the visitor ends at the login route with a 500: if a service is down,
// signing in again does not help.
func (v *Visit) MeetsFault(t *testing.T) {
	t.Helper()
	route := v.AppURL + cmp.Or(v.Route, "/docs-login")
	if page := v.Visitor.Open(t, route); page.Status != http.StatusInternalServerError || !page.At(route) {
		t.Errorf("the visitor ends at %s, not at the route's 500 page", page)
	}
}

// answersEveryMethod finds a login route that a router has only for GET.
func (v *Visit) answersEveryMethod(t *testing.T) {
	t.Helper()
	for _, method := range []string{http.MethodHead, http.MethodPost, http.MethodDelete} {
		if status, ofDocs := v.AskRoute(t, method); status != http.StatusMethodNotAllowed || !ofDocs {
			t.Errorf("the login route does not answer %s itself: status %d", method, status)
		}
	}
}

// AskRoute sends a request to the login route, and returns the status and whether docslogin
// answered.
func (v *Visit) AskRoute(t *testing.T, method string) (status int, ofDocs bool) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, v.AppURL+cmp.Or(v.Route, "/docs-login"), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := v.Visitor.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("Cache-Control") == "private, no-store, max-age=0"
}

// Visitor is a person with a browser, as docslogintest has it, who fills in forms.
type Visitor struct {
	Email string // the visitor's e-mail address; NewVisitor sets Ada's

	client *http.Client
}

// NewVisitor returns a visitor who is signed in nowhere.
func NewVisitor() *Visitor { return NewVisitorOver(nil) }

// NewVisitorOver returns a visitor whose browser uses a transport, such as one that trusts the
// certificates of a test's own servers.
func NewVisitorOver(base http.RoundTripper) *Visitor {
	client := docslogintest.NewClient()
	client.Transport = docslogintest.Transport(base)
	client.Timeout = timeout
	return &Visitor{Email: Ada, client: client}
}

// Client is the visitor's browser.
func (v *Visitor) Client() *http.Client { return v.client }

// Page is where the visitor is.
type Page struct {
	URL    *url.URL
	Status int
	Header http.Header
	Text   string
	form   *form
}

type form struct {
	action string
	values url.Values
}

// At reports whether the page is at u, or under it if that is only an origin.
func (p Page) At(u string) bool {
	at := p.URL.Scheme + "://" + p.URL.Host
	return u == at || u == at+p.URL.RequestURI()
}

// HasForm reports whether there is something to fill in.
func (p Page) HasForm() bool { return p.form != nil }

// String returns where the page is, without the parts of the URL that may contain a token.
func (p Page) String() string {
	return fmt.Sprintf("%s://%s%s (%d)", p.URL.Scheme, p.URL.Host, p.URL.Path, p.Status)
}

// Open opens a URL and follows redirects.
func (v *Visitor) Open(t *testing.T, u string) Page {
	t.Helper()
	return v.page(t)(v.client.Get(u))
}

// SignIn fills in the forms that the visitor meets, on the app's pages or an identity
// provider's, until there is none or the visitor is at the origin.
func (v *Visitor) SignIn(t *testing.T, p Page, origin string) Page {
	t.Helper()
	for range 5 {
		if p.form == nil || p.At(origin) {
			return p
		}
		p = v.Submit(t, p)
	}
	t.Fatalf("there is one form after another; the last at %s", p)
	return Page{}
}

// Submit fills in the page's form, and follows redirects.
func (v *Visitor) Submit(t *testing.T, p Page) Page {
	t.Helper()
	if p.form == nil {
		t.Fatalf("there is no form to fill in at %s", p)
	}
	return v.page(t)(v.client.PostForm(p.form.action, p.form.values))
}

// LogOutOfDocs ends the docs session, but not the app's.
func (v *Visitor) LogOutOfDocs(t *testing.T, site *docslogintest.Site) {
	t.Helper()
	if path := site.Platform().Logout; path != "" {
		v.Open(t, site.URL+path)
		return
	}
	v.page(t)(v.client.PostForm(site.URL+"/logout", nil)) // the button on its pages
}

func (v *Visitor) page(t *testing.T) func(resp *http.Response, err error) Page {
	t.Helper()
	return func(resp *http.Response, err error) Page {
		t.Helper()
		if err != nil {
			var e *url.Error
			if errors.As(err, &e) {
				err = e.Err // without the URL, which may contain a token
			}
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		if err != nil {
			t.Fatal(err)
		}
		p := Page{URL: resp.Request.URL, Status: resp.StatusCode, Header: resp.Header, Text: string(text)}
		if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
			p.form = filledIn(p.URL, p.Text, v.Email)
		}
		return p
	}
}

// filledIn returns the page's first form that is for a person, filled in with the e-mail address.
func filledIn(at *url.URL, text, email string) *form {
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		return nil
	}
	for n := range root.Descendants() {
		if n.Data != "form" || !strings.EqualFold(attribute(n, "method"), "post") {
			continue
		}
		action, err := at.Parse(attribute(n, "action"))
		if err != nil {
			return nil
		}
		f, asks, pressed := &form{action.String(), url.Values{}}, false, false
		for field := range n.Descendants() {
			name, value, kind := attribute(field, "name"), attribute(field, "value"), attribute(field, "type")
			switch {
			case field.Data == "button" || field.Data == "input" && kind == "submit":
				asks = true
				if pressed || name == "" {
					continue
				}
				pressed = true
			case field.Data != "input" || name == "":
				continue
			case kind == "email" || kind == "text" && value == "":
				value = email
			case kind == "password":
				value = "correct horse battery staple"
			}
			f.values.Set(name, value)
		}
		if asks {
			return f
		}
	}
	return nil
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
