package rules

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// A ReadFirst returns what the platform reads in a request instead of the token's cookie, such as "the
// header Authorization". It returns "" if there is no such thing.
type ReadFirst func(r *http.Request) string

// maxCookie is the length in bytes at which clients may drop a cookie. RFC 6265, section 6.1, also counts
// the attributes. Chromium does not.
const maxCookie = 4096

// InCookie reports whether only a cookie carries the token.
func (p Platform) InCookie() bool {
	return p.Cookie != "" && p.Query == "" && p.Form == "" && !p.Fragment
}

// CheckCookies checks a request whose cookie carries the token. It does not check the token itself.
func (p Platform) CheckCookies(r *http.Request) []Finding {
	out := p.checkRefused(r.URL.RawQuery)
	if n := len(r.CookiesNamed(p.Cookie)); n > 1 {
		out = append(out, fail("cookie", fmt.Sprintf("The browser sent %d cookies named %s, and which one %s reads depends on the browser and on the order in which they were set.", n, p.Cookie, p.Name),
			"Let only the app set this cookie, always with the same Domain and Path. To delete the other one, use the Domain and Path that it was set with."))
	}
	if p.ReadFirst != nil {
		if first := p.ReadFirst(r); first != "" {
			out = append(out, fail("cookie", p.Name+" reads "+first+" instead of the cookie "+p.Cookie+".",
				"Send the token only in this cookie."))
		}
	}
	return out
}

// CheckSetCookie checks how a response of the app sets the token's cookie. The value of the Set-Cookie
// header has the length bytes, and the token has the claims. If app or docs is nil, that URL is unknown.
func (p Platform) CheckSetCookie(c *http.Cookie, bytes int, app, docs *url.URL, claims map[string]any) []Finding {
	out := []Finding{p.checkCookieName(c), p.checkDomain(c, app, docs), p.checkPath(c), p.checkSecure(c, app, docs)}
	if c.HttpOnly {
		out = append(out, pass("HttpOnly", "The cookie is HttpOnly."))
	} else {
		out = append(out, warn("HttpOnly", p.theCookie()+"is not HttpOnly, so scripts in every page under its Domain can read the token.", "Set HttpOnly."))
	}
	return append(out, p.checkSameSite(c), p.checkCookieLength(bytes), p.checkCookieEnd(c, claims))
}

// theCookie begins a sentence about the cookie.
func (p Platform) theCookie() string { return "The cookie " + p.Cookie + " " }

func (p Platform) checkCookieName(c *http.Cookie) Finding {
	if c.Name != p.Cookie {
		return fail("name", fmt.Sprintf("The token is in the cookie %.40q, but %s reads the cookie %s.", c.Name, p.Name, p.Cookie), "Name the cookie "+p.Cookie+".")
	}
	return pass("name", "The cookie has the name that "+p.Name+" reads.")
}

func (p Platform) checkDomain(c *http.Cookie, app, docs *url.URL) Finding {
	const fix = "Set Domain to the parent domain that the app and the docs share, such as example.com. It needs a dot."
	domain := strings.ToLower(strings.TrimPrefix(c.Domain, ".")) // RFC 6265, section 5.2.3
	named := fmt.Sprintf("%shas the Domain %.100q", p.theCookie(), c.Domain)
	switch {
	case domain == "" && app != nil && docs != nil && strings.EqualFold(app.Hostname(), docs.Hostname()):
		return pass("Domain", "The cookie has no Domain, and the app and the docs have the same host.")
	case domain == "":
		return fail("Domain", p.theCookie()+"has no Domain, so browsers send it only to the host that set it.", fix)
	case !strings.Contains(domain, "."):
		return fail("Domain", named+", for which browsers reject every cookie.", fix)
	case app != nil && !isParent(domain, app):
		return fail("Domain", fmt.Sprintf("%s, but the app's host %.100q is not under it, so browsers reject the cookie.", named, app.Hostname()), fix)
	case docs != nil && !isParent(domain, docs):
		return fail("Domain", fmt.Sprintf("%s, but the docs' host %.100q is not under it, so browsers do not send the cookie to the docs.", named, docs.Hostname()), fix)
	}
	return pass("Domain", fmt.Sprintf("The cookie has the Domain %.100q.", c.Domain))
}

// isParent reports whether a domain is the host of a URL, or a parent of it (RFC 6265, section 5.1.3).
func isParent(domain string, u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	_, notIP := netip.ParseAddr(host)
	return host == domain || strings.HasSuffix(host, "."+domain) && notIP != nil
}

func (p Platform) checkPath(c *http.Cookie) Finding {
	if c.Path != "/" {
		return fail("Path", p.theCookie()+"does not have Path=/, so browsers do not send it to every page.", "Set Path to /.")
	}
	return pass("Path", "The cookie has Path=/.")
}

func (p Platform) checkSecure(c *http.Cookie, app, docs *url.URL) Finding {
	isHTTP := func(u *url.URL) bool { return u != nil && u.Scheme == "http" }
	switch {
	case !c.Secure && !isHTTP(docs):
		return warn("Secure", p.theCookie()+"is not Secure, so browsers also send the token over http, unencrypted.", "Set Secure.")
	case c.Secure && isHTTP(app) && !loopback(app.Hostname()):
		return fail("Secure", p.theCookie()+"is Secure, and browsers reject such a cookie from an app on http.", "Serve the app over https.")
	case c.Secure && (isHTTP(app) || isHTTP(docs)):
		return warn("Secure", p.theCookie()+"is Secure, and not every client accepts or sends such a cookie over http.", "Omit Secure while the docs are on http on this machine. Set it everywhere else.")
	}
	return pass("Secure", "The cookie is Secure if the docs need that.")
}

func (p Platform) checkSameSite(c *http.Cookie) Finding {
	const fix = "Set SameSite=Lax."
	switch {
	case c.SameSite == http.SameSiteLaxMode:
		return pass("SameSite", "The cookie is SameSite=Lax.")
	case c.SameSite == http.SameSiteStrictMode:
		return warn("SameSite", p.theCookie()+"is SameSite=Strict, so a reader who follows a link from another site is anonymous.", fix)
	case c.SameSite == http.SameSiteNoneMode && !c.Secure:
		return fail("SameSite", p.theCookie()+"is SameSite=None without Secure, and browsers reject it.", fix)
	}
	return warn("SameSite", p.theCookie()+"is not SameSite=Lax, so browsers may send the token with requests from other sites.", fix)
}

func (p Platform) checkCookieLength(bytes int) Finding {
	if bytes >= maxCookie {
		return fail("length", fmt.Sprintf("%sis %d bytes long with its attributes, and clients may drop a cookie of %d or more.", p.theCookie(), bytes, maxCookie),
			"Send less of the user: long lists and texts first.")
	}
	return pass("length", fmt.Sprintf("The cookie is %d bytes long with its attributes.", bytes))
}

// checkCookieEnd compares the expiry of the cookie with that of the token.
func (p Platform) checkCookieEnd(c *http.Cookie, claims map[string]any) Finding {
	const fix = "Let the cookie expire with the token: set Max-Age to exp minus the current time."
	exp, unknown := seconds(claims["exp"])
	end := c.Expires
	if iat, noIat := seconds(claims["iat"]); c.MaxAge > 0 && noIat == "" { // browsers prefer Max-Age
		end = iat.Add(time.Duration(c.MaxAge) * time.Second)
	}
	switch {
	case c.MaxAge < 0:
		return fail("Max-Age", p.theCookie()+"deletes itself.", fix)
	case unknown != "":
		return pass("Max-Age", "The token has no valid exp, so there is nothing to compare.")
	case c.MaxAge == 0 && c.Expires.IsZero():
		return warn("Max-Age", p.theCookie()+"has neither Max-Age nor Expires, so the docs may get a token that has expired.", fix)
	case end.After(exp):
		return warn("Max-Age", fmt.Sprintf("%sexpires %s after its token, so the docs may get a token that has expired.", p.theCookie(), span(end.Sub(exp))), fix)
	}
	return pass("Max-Age", "The cookie does not outlive the token.")
}
