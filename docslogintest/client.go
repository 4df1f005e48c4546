package docslogintest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// NewClient returns a client that acts as a visitor's browser. It keeps cookies, follows redirects,
// and keeps a URL's fragment across them. It also does what the scripts of two pages do: the docs
// page that takes a token from the fragment, and docslogin's page that submits its form. Each new
// client is a new visitor.
//
// In other respects it is not a browser. It ignores SameSite and Content-Security-Policy, and
// before Go 1.26 it does not send Secure cookies over plain http to loopback hosts.
func NewClient() *http.Client {
	jar, _ := cookiejar.New(nil) // never fails
	return &http.Client{Jar: jar, Transport: Transport(nil)}
}

// Transport returns the transport of [NewClient], which does what the pages' scripts do. It uses
// base for the requests, such as the transport of the client of an httptest TLS server. If base is
// nil, it uses a new transport without proxies that resolves every name under localhost to
// 127.0.0.1 (RFC 6761, section 6.3). The result is safe for concurrent use if base is.
func Transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = &http.Transport{DialContext: dial, ForceAttemptHTTP2: true}
	}
	return browser{base}
}

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	if host, port, err := net.SplitHostPort(address); err == nil && strings.HasSuffix(host, ".localhost") {
		address = net.JoinHostPort("127.0.0.1", port)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

type browser struct{ base http.RoundTripper }

func (b browser) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := comingFrom(req.Response, req)
	resp, err := b.base.RoundTrip(sent)
	if err != nil {
		return nil, err
	}
	resp.Request = sent
	if fragment := req.URL.EscapedFragment(); fragment != "" && resp.Header.Get("Location") != "" {
		// A redirect keeps the fragment unless Location has one (Fetch standard, HTTP-redirect fetch).
		if to := resp.Header.Get("Location"); !strings.Contains(to, "#") {
			resp.Header.Set("Location", to+"#"+fragment)
		}
	}
	switch token, next := req.URL.Fragment, resp.Header.Get(nextHeader); {
	case req.Method != http.MethodGet:
	case takesFragment(resp, token):
		return b.post(sent, resp, token)
	case next != "":
		leave(resp, next)
	}
	if fields, action := scriptedForm(resp); fields != "" {
		// http.Client adds the cookies for that URL to the request; comingFrom turns it into a POST.
		leave(resp, action)
		resp.Header.Set(formHeader, fields)
	}
	return resp, nil
}

// formHeader passes the fields of a page's form to the next request.
const formHeader = "Docslogintest-Form"

// comingFrom returns a request as a browser makes it after the response that led to it.
func comingFrom(from *http.Response, req *http.Request) *http.Request {
	if from == nil {
		return req
	}
	req = req.Clone(req.Context())
	origin := from.Request.URL.Scheme + "://" + from.Request.URL.Host
	if from.Header.Get("Referrer-Policy") == "no-referrer" {
		// http.Client sends the previous URL with its fragment; a browser follows the policy.
		req.Header.Del("Referer")
		origin = "null"
	}
	if fields := from.Header.Get(formHeader); fields != "" {
		req.Header.Set("Origin", origin)
		withBody(req, "application/x-www-form-urlencoded", fields)
	}
	return req
}

func withBody(req *http.Request, contentType, body string) {
	req.Method = http.MethodPost
	req.Header.Set("Content-Type", contentType)
	req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
}

// leave turns a page whose script navigates away into a redirect, which http.Client follows.
func leave(resp *http.Response, location string) {
	resp.StatusCode, resp.Status = http.StatusFound, "302 Found"
	resp.Header.Set("Location", location)
}

var looksLikeToken = regexp.MustCompile(tokenPattern)

// takesFragment reports whether the page's script posts the fragment.
func takesFragment(resp *http.Response, fragment string) bool {
	switch resp.Header.Get(scriptHeader) {
	case "callback":
		return fragment != ""
	case "page":
		return looksLikeToken.MatchString(fragment)
	}
	return false
}

// post does what a page's script does with a token in the fragment.
func (b browser) post(req *http.Request, page *http.Response, token string) (*http.Response, error) {
	page.Body.Close()
	post := req.Clone(req.Context()) // including its cookies
	post.URL.Fragment, post.URL.RawFragment = "", ""
	withBody(post, "text/plain", token)
	resp, err := b.base.RoundTrip(post)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusCreated {
		leave(resp, resp.Header.Get("Location"))
	}
	resp.Request = req
	return resp, nil
}

// These match only the HTML of docslogin's pages and of the test sites.
var (
	formElement  = regexp.MustCompile(`(?s)<form ([^>]*)>(.*?)</form>`)
	inputElement = regexp.MustCompile(`<input ([^>]*)>`)
	attribute    = regexp.MustCompile(`([a-z]+)="([^"]*)"`)
)

func attributes(tag string) map[string]string {
	values := map[string]string{}
	for _, a := range attribute.FindAllStringSubmatch(tag, -1) {
		values[a[1]] = html.UnescapeString(a[2])
	}
	return values
}

// scriptedForm returns the encoded fields and the action of a form that the page's script
// submits, or "".
func scriptedForm(resp *http.Response) (fields, action string) {
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		return "", ""
	}
	page := beginning(resp)
	found := formElement.FindStringSubmatch(page)
	if found == nil || !strings.Contains(page, "submit.call(document.forms[0])") {
		return "", ""
	}
	form := attributes(found[1])
	if form["method"] != "post" {
		return "", ""
	}
	var pairs []string
	for _, tag := range inputElement.FindAllStringSubmatch(found[2], -1) {
		input := attributes(tag[1])
		pairs = append(pairs, url.QueryEscape(input["name"])+"="+url.QueryEscape(input["value"]))
	}
	return strings.Join(pairs, "&"), form["action"]
}

// beginning returns the first 64 KiB of a page, and leaves them to be read again.
func beginning(resp *http.Response) string {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<16)) // the next read returns the error again
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(text), resp.Body), resp.Body}
	return string(text)
}

// Login opens a page of the site, given as a path such as "/quickstart", follows the login, and
// returns the login that the site accepted. On a public page, it presses the "Log in" button. The
// client must keep cookies and follow redirects, as the client of [NewClient] does.
//
// A client that is already logged in does not log in again, and Login returns the earlier login.
// Use a new client for each login that a test examines.
//
// The error is a [*Rejection] if the site rejected the login. Otherwise it says where the login
// stopped.
func (s *Site) Login(client *http.Client, page string) (Login, error) {
	if !strings.HasPrefix(page, "/") {
		return Login{}, fmt.Errorf("docslogintest: the page %q is not a path of the site", page)
	}
	if s.loginLink(page) == "" {
		return Login{}, errors.New("docslogintest: the site has no login URL: call SetLoginURL")
	}
	if client.Jar == nil {
		return Login{}, errors.New("docslogintest: the client keeps no cookies: use NewClient")
	}
	site, err := url.Parse(s.URL)
	if err != nil {
		return Login{}, fmt.Errorf("docslogintest: the site's URL: %w", err)
	}
	resp, err := open(client, s.URL+page)
	if err != nil {
		return Login{}, err
	}
	login, in := s.loginOf(client.Jar.Cookies(site))
	if !in && resp.Request.URL.Host == site.Host && resp.StatusCode == http.StatusOK && resp.Header.Get(scriptHeader) != "callback" {
		if resp, err = open(client, s.loginLink(page)); err != nil {
			return Login{}, err
		}
		login, in = s.loginOf(client.Jar.Cookies(site))
	}
	at := resp.Request.URL
	if at.Host == site.Host {
		if i, err := strconv.Atoi(resp.Header.Get(rejectionHeader)); err == nil {
			return Login{}, s.Rejections()[i]
		}
		if in {
			return login, nil
		}
	}
	// Only the path: the query and the fragment may contain a token.
	stop := fmt.Sprintf("docslogintest: stopped at %s://%s%s (%d)", at.Scheme, at.Host, at.EscapedPath(), resp.StatusCode)
	form, _ := scriptedForm(resp)
	switch {
	case form != "" || takesFragment(resp, at.Fragment):
		return Login{}, errors.New(stop + ": the client does not play the page's script: use NewClient or Transport")
	case resp.Header.Get(scriptHeader) == "callback":
		return Login{}, errors.New(stop + ": the page got no token in the URL's fragment")
	case at.Host == site.Host:
		return Login{}, errors.New(stop + ": the docs got no token; does the login URL lead to docslogin's route?")
	case resp.StatusCode == http.StatusNotFound:
		return Login{}, errors.New(stop + ": the app has no such page; does the login URL lead to docslogin's route?")
	case resp.StatusCode >= 400 && resp.StatusCode != http.StatusUnauthorized:
		return Login{}, fmt.Errorf("%s: the app answers with an error, %q; its log may say more", stop, title(resp))
	}
	return Login{}, errors.New(stop + ": is the visitor signed in at the app?")
}

// open returns the page at which the redirects end, with the beginning of its body.
func open(client *http.Client, u string) (*http.Response, error) {
	resp, err := client.Get(u)
	if err != nil {
		// The error of http.Client contains the last URL, with the token.
		var e *url.Error
		if errors.As(err, &e) {
			err = e.Err
		}
		// The error that it wraps may contain it, too, if it is about a Location.
		if text := err.Error(); strings.ContainsAny(text, "?#") {
			err = errors.New(text[:strings.IndexAny(text, "?#")] + "…")
		}
		return nil, fmt.Errorf("docslogintest: following the login: %w", err)
	}
	defer resp.Body.Close()
	resp.Body = io.NopCloser(strings.NewReader(beginning(resp)))
	return resp, nil
}

var titleElement = regexp.MustCompile(`<title>([^<]*)</title>`)

func title(resp *http.Response) string {
	found := titleElement.FindStringSubmatch(beginning(resp))
	if found == nil {
		return ""
	}
	return html.UnescapeString(found[1])
}
