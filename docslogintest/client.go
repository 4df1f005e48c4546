package docslogintest

import (
	"bytes"
	"context"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

// NewClient returns a client that acts as a visitor's browser. It keeps cookies, follows redirects,
// and keeps a URL's fragment across them. It also does what the scripts of two pages do: the docs
// page that takes a token from the fragment, and docslogin's page that submits its form. Each new
// client is a new visitor.
//
// In other respects it is not a browser. It ignores SameSite and Content-Security-Policy, and
// before Go 1.26 it does not send Secure cookies over plain http to loopback hosts. If that matters
// for a login, the error of [Site.Login], or a note in the [Login], says so.
//
// For an app on an httptest TLS server, set the client's Transport to
// Transport(server.Client().Transport), which trusts the server's certificate.
func NewClient() *http.Client {
	cookies, _ := cookiejar.New(nil) // never fails
	return &http.Client{Jar: &jar{CookieJar: cookies, set: map[string]setCookie{}}, Transport: Transport(nil)}
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
		return nil, withRemedy(err, req.URL)
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
