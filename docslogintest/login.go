package docslogintest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/docslogin/docslogin/internal/rules"
)

// Login opens a page of the site, given as a path such as "/quickstart", follows the login, and
// returns the login that the site accepted. On a public page, it presses the "Log in" button. The
// client must be signed in at the app, keep cookies, and follow redirects, as the client of
// [NewClient] does.
//
// A client that is already logged in does not log in again, and Login returns the earlier login.
// Use a new client for each login that a test examines.
//
// The error is a [*Rejection] if the site rejected the login. Otherwise it says where the login
// stopped and, as far as the client can know, why.
func (s *Site) Login(client *http.Client, page string) (Login, error) {
	if !strings.HasPrefix(page, "/") {
		return Login{}, fmt.Errorf("docslogintest: the page %q is not a path of the site", page)
	}
	_, app, err := s.login()
	if err != nil {
		return Login{}, err
	}
	if client == nil || client.Jar == nil {
		return Login{}, errors.New("docslogintest: the client keeps no cookies: use NewClient")
	}
	site, err := url.Parse(s.URL)
	if err != nil {
		return Login{}, fmt.Errorf("docslogintest: the site's URL: %w", err)
	}
	if err := s.checkApp(app); err != nil {
		return Login{}, err
	}
	v := visit{client, site, app, s.rules}
	resp, err := v.open(s.URL + page)
	if err != nil {
		return Login{}, err
	}
	login, in := s.loginOf(client.Jar.Cookies(site))
	atPage := resp.Request.URL.Host == site.Host && resp.StatusCode == http.StatusOK && resp.Header.Get(scriptHeader) != "callback"
	hasOldToken := s.rules.Cookie != "" && resp.Request.Response == nil && resp.Header.Get(rejectionHeader) != ""
	if !in && atPage || hasOldToken {
		if resp, err = v.open(s.loginLink(page)); err != nil {
			return Login{}, err
		}
		login, in = s.loginOf(client.Jar.Cookies(site))
	}
	if resp.Request.URL.Host == site.Host {
		if i, err := strconv.Atoi(resp.Header.Get(rejectionHeader)); err == nil {
			return Login{}, s.Rejections()[i]
		}
		if in {
			login.Notes = slices.Concat(login.Notes, cookieNotes(client.Jar, app), v.tokenCookieNotes(login.Claims))
			return login, nil
		}
	}
	return Login{}, v.stopped(resp)
}

// A visit is a login that a client makes.
type visit struct {
	client    *http.Client
	site, app *url.URL // app is the login URL
	platform  rules.Platform
}

// open returns the page at which the redirects end, with the beginning of its body.
func (v visit) open(u string) (*http.Response, error) {
	resp, err := v.client.Get(u)
	if err != nil {
		return nil, v.failed(resp, err)
	}
	defer resp.Body.Close()
	resp.Body = io.NopCloser(strings.NewReader(beginning(resp)))
	return resp, nil
}

// failed returns the error for a request that got no response, or whose redirect the client does not
// follow.
func (v visit) failed(resp *http.Response, err error) error {
	const following = "docslogintest: following the login: "
	at, hasToken := v.site, false
	// The error of http.Client contains the last URL, with the token.
	var e *url.Error
	if errors.As(err, &e) {
		err = e.Err
		if last, parseErr := url.Parse(e.URL); parseErr == nil {
			at, hasToken = last, tokenInURL.MatchString(e.URL)
		}
	}
	if resp != nil { // too many redirects, or an error of the client's CheckRedirect
		if elsewhere := v.sentElsewhere(resp); elsewhere != nil {
			return elsewhere
		}
		if why := v.whyNoCookie(); why != "" && v.isLoop(resp) {
			return fmt.Errorf("docslogintest: the docs got no token. %s", why)
		}
		return fmt.Errorf("%s%w, the last from %s", following, err, place(resp.Request.URL))
	}
	if err = withRemedy(err, at); errors.As(err, new(remedied)) {
		return err
	}
	if dial := (*net.OpError)(nil); errors.As(err, &dial) && dial.Op == "dial" {
		switch at.Host {
		case v.site.Host:
			return fmt.Errorf("docslogintest: the test site does not answer; was it closed? %w", err)
		case v.app.Host:
			return fmt.Errorf("docslogintest: the app does not answer at %s; is it running? %w", origin(at), err)
		}
		signedOut := ""
		if !hasToken { // it may also be in a form
			signedOut = " If that is the app's sign-in page: " + whySignedOut(v.client.Jar, v.app)
		}
		return fmt.Errorf("docslogintest: the login leads to %s, which does not answer. Does the app use the Platform of this test site?%s %w", origin(at), signedOut, err)
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("docslogintest: no response from %s; its log may say why: %w", place(at), err)
	}
	// The error that it wraps may contain the token, too, if it is about a Location.
	if text := err.Error(); strings.ContainsAny(text, "?#") {
		err = errors.New(text[:strings.IndexAny(text, "?#")] + "…")
	}
	return fmt.Errorf("%s%w", following, err)
}

// isLoop reports whether the docs sent the client to the login URL more than once.
func (v visit) isLoop(last *http.Response) bool {
	visits := 0
	for r := last; r != nil; r = r.Request.Response {
		if at := r.Request.URL; at.Host == v.app.Host && at.Path == v.app.Path {
			visits++
		}
	}
	return visits > 1
}

// stopped says why the login did not end at the docs.
func (v visit) stopped(resp *http.Response) error {
	at := resp.Request.URL
	stop := func(format string, args ...any) error {
		return fmt.Errorf("docslogintest: stopped at %s (%d): "+format, append([]any{place(at), resp.StatusCode}, args...)...)
	}
	form, _ := scriptedForm(resp)
	elsewhere := v.sentElsewhere(resp)
	switch {
	case form != "" || takesFragment(resp, at.Fragment):
		return stop("the client does not emulate the page's script: use NewClient or Transport")
	case resp.Header.Get(scriptHeader) == "callback":
		return stop("the page got no token in the URL's fragment")
	case resp.StatusCode >= 300 && resp.StatusCode < 400 && resp.Header.Get("Location") != "":
		return stop("the client does not follow redirects: remove its CheckRedirect")
	case elsewhere != nil:
		return elsewhere
	case at.Host != v.site.Host && !byDocslogin(resp) && passedDocslogin(resp): // at the sign-in page, which may not exist in a test
		return stop("is the visitor signed in at the app? %s", whySignedOut(v.client.Jar, v.app))
	case at.Host == v.site.Host && v.whyNoCookie() != "":
		return stop("the docs got no token. %s", v.whyNoCookie())
	case at.Host == v.site.Host && v.platform.InCookie():
		return stop("the app did not set the cookie %s; does the login URL lead to docslogin's route, and does the app use the Platform of this test site?", v.platform.Cookie)
	case at.Host == v.site.Host:
		return stop("the docs got no token; does the login URL lead to docslogin's route?")
	case resp.StatusCode == http.StatusBadRequest && strings.Contains(beginning(resp), "HTTP request to an HTTPS server"):
		return stop("the app serves https: begin the login URL with https://")
	case resp.StatusCode == http.StatusNotFound:
		return stop("the app has no such page; does the login URL lead to docslogin's route?")
	case resp.StatusCode >= 400 && resp.StatusCode != http.StatusUnauthorized:
		return stop("the app answers with an error%s; its log may say more", title(resp))
	case !byDocslogin(resp):
		return stop("%s was not answered by docslogin; does the login URL lead to docslogin's route, app.URL + login.Path(), and does no other middleware answer first?", place(v.app))
	}
	return stop("is the visitor signed in at the app? %s", whySignedOut(v.client.Jar, v.app))
}

// byDocslogin reports whether a response is docslogin's.
func byDocslogin(resp *http.Response) bool {
	return resp.Header.Get("Cache-Control") == "private, no-store, max-age=0"
}

// passedDocslogin reports whether docslogin sent one of the responses that led to the last one.
func passedDocslogin(last *http.Response) bool {
	for r := last.Request.Response; r != nil; r = r.Request.Response {
		if byDocslogin(r) {
			return true
		}
	}
	return false
}

// tokenInURL matches the beginning of a token in a URL's query or fragment.
var tokenInURL = regexp.MustCompile(`[=#]ey[\w-]+\.`)

// sentElsewhere returns an error if a redirect that led to the last response brought a token to a
// place where the site does not take it, or nil.
func (v visit) sentElsewhere(last *http.Response) error {
	for r := last.Request.Response; r != nil; r = r.Request.Response {
		to, err := r.Location()
		elsewhere := err == nil && to.Host != v.site.Host && v.hasToken(r)
		if err != nil || r.Request.URL.Host != v.app.Host || r.Header.Get(formHeader) == "" && !tokenInURL.MatchString(to.String()) && !elsewhere {
			continue
		}
		if to.Host == v.site.Host {
			return fmt.Errorf("docslogintest: the app sent a token to %s, where this test site accepts none: pass the Platform of this test site to docslogin.New", place(to))
		}
		return fmt.Errorf("docslogintest: the app sent a token to %s, and this test site is at %s: pass the Platform of this test site to docslogin.New", origin(to), origin(v.site))
	}
	return nil
}

// place returns a URL without its query and fragment, which may contain a token.
func place(u *url.URL) string { return origin(u) + u.EscapedPath() }

func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }

var titleElement = regexp.MustCompile(`<title>([^<]*)</title>`)

// title returns the title of a page that has one, for an error.
func title(resp *http.Response) string {
	found := titleElement.FindStringSubmatch(beginning(resp))
	if found == nil {
		return ""
	}
	return fmt.Sprintf(", %q", html.UnescapeString(found[1]))
}

// remedied is an error that says what to do.
type remedied struct{ error }

func (r remedied) Unwrap() error { return r.error }

// withRemedy adds to the error of a request what to do, if that is known.
func withRemedy(err error, at *url.URL) error {
	certificate, lookup := (*tls.CertificateVerificationError)(nil), (*net.DNSError)(nil)
	switch host := (x509.HostnameError{}); {
	case errors.As(err, new(remedied)):
		return err
	case errors.As(err, &host):
		return remedied{fmt.Errorf("docslogintest: the certificate of %s is for another host; use the server's own URL: %w", origin(at), err)}
	case errors.As(err, &certificate):
		return remedied{fmt.Errorf("docslogintest: the client does not trust the certificate of %s; set client.Transport = docslogintest.Transport(server.Client().Transport), where server is the httptest server: %w", origin(at), err)}
	case errors.As(err, &lookup) && strings.HasSuffix(at.Hostname(), ".localhost"):
		return remedied{fmt.Errorf("docslogintest: this machine does not resolve %s; use the client of NewClient, or set client.Transport = docslogintest.Transport(nil): %w", at.Hostname(), err)}
	case errors.Is(err, http.ErrSchemeMismatch):
		return remedied{fmt.Errorf("docslogintest: %s serves plain http; begin its URL with http://: %w", at.Host, err)}
	}
	return err
}
