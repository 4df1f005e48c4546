package docslogintest

import (
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

// NewClient returns a client that stands for a visitor's browser: it keeps
// cookies, follows redirects and, on a docs page that takes a token from the
// URL's fragment, does what the page's script would do. A new client is a new
// visitor.
//
// It is no browser in all else: SameSite and Content-Security-Policy mean
// nothing to it, and it sends no Secure cookie over plain http, loopback or not.
func NewClient() *http.Client {
	jar, _ := cookiejar.New(nil) // never fails
	return &http.Client{Jar: jar, Transport: Transport(nil)}
}

// Transport returns what lets [NewClient] play a page's script, over another
// transport: that of an httptest TLS server's client, say. A nil base is a
// transport of its own, without proxies, to which every name under localhost is
// 127.0.0.1 (RFC 6761, section 6.3). It is for concurrent use if base is.
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
	if from := req.Response; from != nil && from.Header.Get("Referrer-Policy") == "no-referrer" {
		// http.Client names the page before, fragment and all; a browser obeys.
		req = req.Clone(req.Context())
		req.Header.Del("Referer")
	}
	resp, err := b.base.RoundTrip(req)
	if err != nil || req.Method != http.MethodGet || req.URL.Fragment == "" || resp.Header.Get(callbackHeader) == "" {
		return resp, err
	}
	resp.Body.Close()
	token := req.URL.Fragment
	post := req.Clone(req.Context()) // with its cookies
	post.Method = http.MethodPost
	post.URL.Fragment, post.URL.RawFragment = "", ""
	post.Header.Set("Content-Type", "text/plain")
	post.Body, post.ContentLength = io.NopCloser(strings.NewReader(token)), int64(len(token))
	resp, err = b.base.RoundTrip(post)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusCreated {
		// The script goes on to the page in Location: to http.Client, a redirect.
		resp.StatusCode, resp.Status = http.StatusFound, "302 Found"
	}
	resp.Request = req
	return resp, nil
}

// Login opens a page of the site, a path such as "/quickstart", with the client
// of a visitor, follows the login and returns what the site accepted. On a page
// that is public, it presses the Login button. A visitor who is signed in at the
// docs already does not log in again: what is returned is the login of then, so
// take a new client for each login that is to be looked at.
//
// Otherwise the error says why not: a [*Refusal] if the site refused the token,
// else where the visitor's way came to an end. The client must keep cookies and
// follow redirects, as that of [NewClient] does.
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
	resp, title, err := open(client, s.URL+page)
	if err != nil {
		return Login{}, err
	}
	login, in := s.loginOf(client.Jar.Cookies(site))
	if !in && resp.Request.URL.Host == site.Host && resp.StatusCode == http.StatusOK && resp.Header.Get(callbackHeader) == "" {
		if resp, title, err = open(client, s.loginLink(page)); err != nil {
			return Login{}, err
		}
		login, in = s.loginOf(client.Jar.Cookies(site))
	}
	at := resp.Request.URL
	if at.Host == site.Host {
		if i, err := strconv.Atoi(resp.Header.Get(refusalHeader)); err == nil {
			return Login{}, s.Refusals()[i]
		}
		if in {
			return login, nil
		}
	}
	// Path only: query and fragment may hold a token.
	stop := fmt.Sprintf("docslogintest: stopped at %s://%s%s (%d)", at.Scheme, at.Host, at.EscapedPath(), resp.StatusCode)
	switch {
	case resp.Header.Get(callbackHeader) != "" && at.Fragment != "":
		return Login{}, errors.New(stop + ": the client does not play the page's script: use NewClient or Transport")
	case resp.Header.Get(callbackHeader) != "":
		return Login{}, errors.New(stop + ": the page got no token in the URL's fragment")
	case at.Host == site.Host:
		return Login{}, errors.New(stop + ": the docs got no token; does the login URL lead to docslogin's route?")
	case resp.StatusCode >= 400 && resp.StatusCode != http.StatusUnauthorized:
		return Login{}, fmt.Errorf("%s: the app answers with an error, %q; its log may say more", stop, title)
	}
	return Login{}, errors.New(stop + ": is the visitor signed in at the app?")
}

var titleElement = regexp.MustCompile(`<title>([^<]*)</title>`)

// open returns the page at which the visitor's way ends, its body closed, and the
// page's title.
func open(client *http.Client, u string) (resp *http.Response, title string, err error) {
	resp, err = client.Get(u)
	if err != nil {
		// The error of http.Client has the last URL in it, with the token.
		var e *url.Error
		if errors.As(err, &e) {
			err = e.Err
		}
		// So may what it wraps, if that is about a Location.
		if text := err.Error(); strings.ContainsAny(text, "?#") {
			err = errors.New(text[:strings.IndexAny(text, "?#")] + "…")
		}
		return nil, "", fmt.Errorf("docslogintest: the visitor's way to the docs: %w", err)
	}
	defer resp.Body.Close()
	beginning, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if found := titleElement.FindSubmatch(beginning); found != nil {
		title = html.UnescapeString(string(found[1]))
	}
	return resp, title, nil
}
