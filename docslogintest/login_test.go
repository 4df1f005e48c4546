package docslogintest_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/platforms"
)

func TestLoginNamesTheMistakeInTheLoginURL(t *testing.T) {
	site := docslogintest.NewReadMe()
	defer site.Close()
	app := newApp(t, site, site.Platform(), ada)
	guarded := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/sign-in" { // as middleware that wraps docslogin's route
			http.Redirect(w, r, "/sign-in", http.StatusFound)
		}
	}))
	defer guarded.Close()
	back := httptest.NewServer(http.RedirectHandler(site.URL+"/", http.StatusFound))
	defer back.Close()
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "broken", http.StatusBadGateway) }))
	defer broken.Close()
	panics := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer panics.Close()
	const absolute = "SetLoginURL needs an absolute http or https URL without a fragment, not "
	for _, test := range []struct{ name, loginURL, want string }{
		{"only a path", "/docs-login", absolute + `"/docs-login": use app.URL + login.Path()`},
		{"no scheme", strings.TrimPrefix(app.URL, "http://") + "/docs-login", absolute},
		{"no scheme, and a name", "localhost:8080/docs-login", absolute},
		{"no host", "http:///docs-login", absolute},
		{"a fragment", app.URL + "/docs-login#", absolute},
		{"not a URL", "http://[::1", absolute},
		{"no route", app.URL, "(404): the app has no such page; does the login URL lead to docslogin's route?"},
		{"the sign-in page", app.URL + "/sign-in", "/sign-in (200): " + app.URL + "/sign-in was not answered by docslogin; does the login URL lead to docslogin's route, app.URL + login.Path(), and does no other middleware answer first?"},
		{"other middleware that answers first", guarded.URL + "/docs-login", "/sign-in (200): " + guarded.URL + "/docs-login was not answered by docslogin"},
		{"a handler that leads back to the docs", back.URL + "/docs-login", site.URL + "/ (200): the docs got no token; does the login URL lead to docslogin's route?"},
		{"a handler that panics", panics.URL + "/docs-login", "no response from " + panics.URL + "/docs-login; its log may say why: EOF"},
		{"a handler that fails", broken.URL + "/docs-login", "/docs-login (502): the app answers with an error; its log may say more"},
	} {
		t.Run(test.name, func(t *testing.T) {
			site.SetLoginURL(test.loginURL)
			stops(t, site, visitor(t, app), "/quickstart", test.want)
		})
	}
	// An app may redirect to the route.
	moved := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, app.URL+"/docs-login?"+r.URL.RawQuery, http.StatusFound)
	}))
	defer moved.Close()
	site.SetLoginURL(moved.URL + "/docs-login")
	stops(t, site, docslogintest.NewClient(), "/quickstart", "/sign-in (200): is the visitor signed in at the app?")
	site.SetLoginURL("/docs-login")
	resp, page := get(t, docslogintest.NewClient(), site.URL+"/quickstart")
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("with a login URL that is not absolute, status %d", resp.StatusCode)
	}
	contains(t, page, "docs.SetLoginURL(app.URL + login.Path())")
}

func TestLoginNamesTheOtherDocsToWhichTheAppSendsTheToken(t *testing.T) {
	for _, start := range []newSite{docslogintest.NewReadMe, docslogintest.NewMintlify, docslogintest.NewMintlifyPersonalization, docslogintest.NewZendesk} {
		site, other := start(), start()
		defer site.Close()
		defer other.Close()
		app := newApp(t, site, other.Platform(), ada)
		stops(t, site, visitor(t, app), "/quickstart", "the app sent a token to "+other.URL+", and this test site is at "+site.URL+": pass the Platform of this test site to docslogin.New")

		site.SetLoginURL("http://127.0.0.1:1")
		other.Close()
		app = newApp(t, site, other.Platform(), ada)
		stops(t, site, visitor(t, app), "/quickstart", "the login leads to "+other.URL+", which does not answer. Does the app use the Platform of this test site?")

		// The site's URL changes after the app got the Platform.
		app = newApp(t, site, site.Platform(), ada)
		before := site.URL
		site.URL = strings.Replace(site.URL, "127.0.0.1", "docs.localhost", 1)
		stops(t, site, visitor(t, app), "/quickstart", "the app sent a token to "+before+", and this test site is at "+site.URL)
	}
}

// The preset of another platform sends the token to a page that does not take it.
func TestLoginNamesThePlaceThatTakesNoToken(t *testing.T) {
	site := docslogintest.NewReadMe()
	defer site.Close()
	app := newApp(t, site, platforms.Fern(site.URL, "the secret of the fern docs"), ada)
	stops(t, site, visitor(t, app), "/quickstart", "the app sent a token to "+site.URL+"/api/fern-docs/auth/jwt/callback, where this test site accepts none: pass the Platform")
	app = newApp(t, site, platforms.Zendesk(site.URL, "the secret of the help center"), ada)
	stops(t, site, visitor(t, app), "/quickstart", "the app sent a token to "+site.URL+"/access/jwt, where this test site accepts none")
}

func TestLoginSaysWhichServerDoesNotAnswer(t *testing.T) {
	site := docslogintest.NewReadMe()
	defer site.Close()
	app := newApp(t, site, site.Platform(), ada)
	client := visitor(t, app)
	app.Close()
	stops(t, site, client, "/quickstart", "the app does not answer at "+app.URL+"; is it running? dial tcp ")
	site.Close()
	stops(t, site, client, "/quickstart", "the test site does not answer; was it closed? dial tcp ")
}

// A client of the test's own uses the machine's resolver, which need not know names under localhost.
func TestLoginSaysThatTheMachineDoesNotResolveAName(t *testing.T) {
	site := docslogintest.NewGitBookAdaptive()
	defer site.Close()
	app := newApp(t, site, site.Platform(), ada)
	client := visitor(t, app)
	client.Transport = &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "docs.acme.localhost", IsNotFound: true}}
	}}
	stops(t, site, client, "/quickstart", "this machine does not resolve docs.acme.localhost; use the client of NewClient, or set client.Transport = docslogintest.Transport(nil): dial: lookup docs.acme.localhost: no such host")
}

func TestLoginSaysWhereTheRedirectsEnd(t *testing.T) {
	site := docslogintest.NewReadMe()
	defer site.Close()
	app := newApp(t, site, site.Platform(), ada)
	client := visitor(t, app)
	client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.Contains(r.URL.RawQuery, "auth_token") {
			return errors.New("the test does not leave the app")
		}
		return nil
	}
	stops(t, site, client, "/quickstart", "following the login: the test does not leave the app, the last from "+app.URL+"/docs-login")
}

// tlsApp starts a test app with TLS. It discards what the server logs about connections.
func tlsApp(t *testing.T, handler http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func TestTheErrorSaysHowToReachATLSServer(t *testing.T) {
	site := docslogintest.NewReadMe()
	defer site.Close()
	app := newApp(t, site, site.Platform(), ada)
	secure := tlsApp(t, app.Config.Handler)
	elsewhere := strings.Replace(secure.URL, "127.0.0.1", "app.localhost", 1)
	const trust = "set client.Transport = docslogintest.Transport(server.Client().Transport), where server is the httptest server"
	plain, trusting := docslogintest.NewClient(), docslogintest.NewClient()
	plain.Transport = nil
	trusting.Transport = docslogintest.Transport(secure.Client().Transport)
	for _, test := range []struct {
		name, loginURL string
		client         *http.Client
		want           string
	}{
		{"a client that does not trust the certificate", secure.URL, docslogintest.NewClient(), "does not trust the certificate of " + secure.URL + "; " + trust},
		{"a client with Go's own transport", secure.URL, plain, "does not trust the certificate of " + secure.URL + "; " + trust},
		{"a name that is not in the certificate", elsewhere, docslogintest.NewClient(), "the certificate of " + elsewhere + " is for another host; use the server's own URL"},
		{"http to a TLS server", strings.Replace(secure.URL, "https", "http", 1), trusting, "(400): the app serves https: begin the login URL with https://"},
		{"https to a server without TLS", strings.Replace(app.URL, "http", "https", 1), docslogintest.NewClient(), strings.TrimPrefix(app.URL, "http://") + " serves plain http; begin its URL with http://"},
	} {
		t.Run(test.name, func(t *testing.T) {
			site.SetLoginURL(test.loginURL + "/docs-login")
			stops(t, site, test.client, "/quickstart", test.want)
		})
	}
	// A test signs in first, so it meets the error there.
	_, err := docslogintest.NewClient().PostForm(secure.URL+"/sign-in", url.Values{})
	if err == nil || !strings.Contains(err.Error(), trust) || !errors.As(err, new(*tls.CertificateVerificationError)) {
		t.Errorf("signing in: %v", err)
	}
}

// A test may sign in without the return URL.
func TestLoginAfterASignInWithoutAReturnURL(t *testing.T) {
	site := docslogintest.NewReadMe()
	defer site.Close()
	app := newApp(t, site, site.Platform(), ada)
	client := docslogintest.NewClient()
	resp, err := client.PostForm(app.URL+"/sign-in", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if login, err := site.Login(client, "/quickstart"); err != nil || login.Page != "/quickstart" {
		t.Errorf("login: %v, %v", login.Page, err)
	}
}
