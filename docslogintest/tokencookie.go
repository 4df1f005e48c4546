package docslogintest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// readCookie verifies the token in the cookie, if the platform reads one and the request has it. The
// browser's first request with a token begins a docs session. If the site rejects the token, readCookie
// responds with a page that says why, and returns false.
//
// After the docs session has ended, the reader is anonymous, because a browser would have dropped the
// cookie by then.
func (s *Site) readCookie(w http.ResponseWriter, r *http.Request) bool {
	token := s.tokenIn(r.Cookies())
	if token == "" && len(r.CookiesNamed(s.rules.Cookie)) < 2 {
		return true
	}
	now := s.now()
	if begun, ok := s.sessionOf(r.Cookies()); ok && !begun.isOpen(now) {
		return true
	}
	claims, findings := s.check(r, token, now)
	rejected, warnings := partition(slices.Concat(s.rules.CheckCookies(r), findings))
	if rejected != nil {
		s.reject(w, rejected[0], now, hash(token)+rejected[0].Rule)
		s.show(w, r, http.StatusUnauthorized, view{Heading: "Login rejected", Rejected: rejected, Warnings: warnings})
		return false
	}
	if _, ok := s.sessionOf(r.Cookies()); !ok {
		r.AddCookie(s.begin(w, claims, token, local(r, r.URL.RequestURI()), warnings, now)) // for this page
	}
	return true
}

// tokenIn returns the value of the last cookie with the token's name, or "".
func (s *Site) tokenIn(cookies []*http.Cookie) string {
	for _, c := range slices.Backward(cookies) {
		if c.Name == s.rules.Cookie {
			return c.Value
		}
	}
	return ""
}

// hash returns a text that stands for a token, because a Site does not keep tokens. Without a token, it is "".
func hash(token string) string {
	if token == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// cookieDomain returns the parent domain of a site's host, under which the app's host must be. If browsers
// would reject a cookie for that domain, it returns the reason.
func cookieDomain(siteURL string) (domain, reason string) {
	u, err := url.Parse(siteURL)
	if err == nil && net.ParseIP(u.Hostname()) == nil {
		if _, domain, _ = strings.Cut(strings.ToLower(u.Hostname()), "."); strings.Contains(domain, ".") {
			return domain, ""
		}
	}
	return "", fmt.Sprintf("is a cookie, and the test site's URL %.100q has no parent domain with a dot for the app to share; leave Site.URL unchanged, or set it to a URL such as http://docs.acme.localhost:8081", siteURL)
}

// checkApp returns an error if the site takes the token only in a cookie that the app cannot set.
func (s *Site) checkApp(app *url.URL) error {
	if !s.rules.InCookie() {
		return nil
	}
	domain, reason := cookieDomain(s.URL)
	switch {
	case reason != "":
		return errors.New("docslogintest: the carrier " + reason)
	case strings.HasSuffix("."+strings.ToLower(app.Hostname()), "."+domain):
		return nil
	}
	return fmt.Errorf("docslogintest: the login URL has the host %s, but only a host under %s can set the token's cookie for this test site: use such a host in the login URL, as in strings.Replace(app.URL, \"127.0.0.1\", \"app.%[2]s\", 1), and sign in there", app.Hostname(), domain)
}

// tokenCookie returns the token's cookie as the app last set it. If no cookie has the name that the site
// reads, tokenCookie returns a cookie with a token that the login URL set.
func (v visit) tokenCookie() (c setCookie, ok bool) {
	j, isOurs := v.client.Jar.(*jar)
	if !isOurs {
		return c, false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	best := 0
	for _, set := range j.set {
		rank := 0
		switch byApp := set.by.Host == v.app.Host; {
		case set.Name == v.platform.Cookie && byApp:
			rank = 3
		case set.Name == v.platform.Cookie:
			rank = 2
		case v.platform.InCookie() && set.token && byApp && set.by.Path == v.app.Path:
			rank = 1
		}
		if rank > best {
			best, c = rank, set
		}
	}
	return c, best > 0
}

// tokenCookieNotes returns what is wrong with the way in which the app set the cookie, most important
// first.
func (v visit) tokenCookieNotes(claims map[string]any) (notes []string) {
	c, ok := v.tokenCookie()
	if !ok {
		return nil
	}
	rejected, warned := partition(v.platform.CheckSetCookie(c.Cookie, c.bytes, c.by, v.site, claims))
	for _, f := range slices.Concat(rejected, warned) {
		notes = append(notes, f.Why+" "+f.Fix)
	}
	return notes
}

// whyNoCookie returns why the docs do not get the token's cookie, or "" if the app did not set one.
func (v visit) whyNoCookie() string {
	if _, ok := v.tokenCookie(); !ok {
		return ""
	}
	notes := v.tokenCookieNotes(nil)
	if notes == nil {
		return "The client does not send the cookie " + v.platform.Cookie + ", which the app set."
	}
	return strings.Join(notes, " ")
}

// hasToken reports whether a response sets the token's cookie.
func (v visit) hasToken(resp *http.Response) bool {
	return slices.ContainsFunc(resp.Cookies(), func(c *http.Cookie) bool {
		return c.Name == v.platform.Cookie && looksLikeToken.MatchString(c.Value)
	})
}
