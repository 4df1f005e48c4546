package address

import (
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/docslogin/docslogin/internal/keys"
)

// maxCookie is the length in bytes at which browsers may drop a cookie. RFC 6265, section 6.1, counts the
// name, the value, and the attributes. Some browsers do not count the attributes.
const maxCookie = 4096

// cookie returns the cookie that carries the token, without its value and expiry.
func (c *Config) cookie(docs *url.URL) http.Cookie {
	return http.Cookie{
		Name: c.Carrier.Name, Domain: cookieDomain(c.Carrier.Domain), Path: "/",
		Secure: docs.Scheme == "https", HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// cookieDomain returns a domain as browsers compare it: in lower case, without a leading dot (RFC
// 6265, section 5.2.3).
func cookieDomain(domain string) string {
	return strings.ToLower(strings.TrimPrefix(domain, "."))
}

// setCookie returns the value of the Set-Cookie header for a token. The cookie expires with the token
// or, if the token does not expire, with the browser's session.
func (b *Builder) setCookie(token Token) string {
	cookie := b.cookie
	cookie.Value = token.Text
	if token.Expires != 0 {
		cookie.Expires = time.Unix(token.Expires, 0)
		cookie.MaxAge = int(token.Expires - token.IssuedAt) // browsers prefer it to Expires, so the visitor's clock does not matter
	}
	return cookie.String()
}

// ClearCookie returns the value of the Set-Cookie header that removes the cookie, or "" if the token
// is not in a cookie.
func (b *Builder) ClearCookie() string {
	if b.Place != Cookie {
		return ""
	}
	cookie := b.cookie
	cookie.Expires, cookie.MaxAge = time.Unix(0, 0), -1
	return cookie.String()
}

// checkCookie checks the carrier if it is a cookie.
func (k *checker) checkCookie() {
	if k.Carrier.Place != Cookie {
		return
	}
	if k.Callback != "" || k.DeepLink.Out != "" {
		k.fail("Platform.Carrier", "is a cookie, which cannot be combined with Callback or DeepLink.Out; remove them")
	}
	docs, invalid := parseURL(k.DocsURL, k.InsecureHTTP) // checkDocs reports what is wrong with it
	isSecure := invalid != "" || docs.Scheme == "https"
	if !isSecure && !loopback(docs.Hostname()) {
		k.fail("Platform.Carrier", "is a cookie, which browsers must send only over https; use https in DocsURL")
	}
	if reason := cookieNameReason(k.Carrier.Name, isSecure); reason != "" {
		k.fail("Platform.Carrier", "%s", reason)
	}
	if reason := cookieDomainReason(k.Carrier.Domain); reason != "" {
		k.fail("Platform.Carrier", "%s", reason)
		return
	}
	if invalid == "" && !k.isParentOf(docs) {
		k.fail("Platform.Carrier", "has a cookie domain that is not a parent of the docs' host, so browsers would not send the cookie to the docs; set it to the parent domain that the app and the docs share")
	}
	if k.ExternalURL == nil {
		return
	}
	app, invalid := parseURL(*k.ExternalURL, true)
	switch {
	case invalid != "": // checkExternalURL reports it
	case !k.isParentOf(app):
		k.fail("Platform.Carrier", "has a cookie domain that is not a parent of the app's host in WithExternalURL, so browsers would reject the cookie; set it to the parent domain that the app and the docs share")
	case app.Scheme == "http" && !loopback(app.Hostname()):
		k.fail("WithExternalURL", "is on http, where browsers reject the token's cookie, because it is Secure; use https")
	}
}

// cookieNameReason returns what is wrong with a cookie's name, or "".
func cookieNameReason(name string, isSecure bool) (reason string) {
	hasPrefix := func(prefix string) bool { return strings.HasPrefix(strings.ToLower(name), prefix) }
	switch {
	case name == "": // checkCarrier reports it
	case (&http.Cookie{Name: name}).Valid() != nil:
		return "has a cookie name that is not valid; use the name that the platform reads"
	case hasPrefix("__host-"): // RFC 6265bis, section 4.1.3
		return "has a cookie name that begins with __Host-, which browsers accept only without a domain; use another name"
	case !isSecure && (hasPrefix("__secure-") || hasPrefix("__http-")):
		return "has a cookie name whose prefix browsers accept only over https; use another name"
	}
	return ""
}

// cookieDomainReason returns what is wrong with a cookie's domain, or "". It does not repeat the domain,
// which is a secret if arguments were mixed up.
func cookieDomainReason(domain string) (reason string) {
	const such = "the parent domain that the app and the docs share, such as example.com"
	// Some characters beyond ASCII are ASCII in lower case, such as the Kelvin sign.
	isASCII := !strings.ContainsFunc(domain, func(r rune) bool { return r > unicode.MaxASCII })
	switch host := cookieDomain(domain); {
	case domain == "":
		return "is a cookie without a domain; set it to " + such
	case strings.Trim(domain, "\"'`") != domain:
		return "has a cookie domain with quotes around it; remove them"
	case keys.IsPlaceholder(domain) || strings.Contains(domain, "${") || strings.Contains(domain, "{{"):
		return "has a cookie domain that is a placeholder, which was not expanded; pass the value that it stands for"
	case strings.HasPrefix(domain, "*."):
		return "has a cookie domain that begins with *., and a cookie reaches every host under its domain anyway; remove the *."
	case strings.ContainsAny(domain, ":/ \t\r\n"):
		return "has a cookie domain with a scheme, a port, a path, or white space; set it to " + such
	case !strings.Contains(host, "."):
		return "has a cookie domain without a dot, which browsers reject; set it to " + such + ", or acme.localhost on this machine"
	case (&http.Cookie{Name: "name", Domain: host}).Valid() != nil || !validHost(&url.URL{Host: host}) || !isASCII:
		return "has a cookie domain that is not valid; set it to " + such + ", in punycode (xn--…) if it has non-ASCII characters"
	}
	return ""
}

// isParentOf reports whether the cookie's domain is the host of a URL, or a parent of it (RFC 6265,
// section 5.1.3).
func (k *checker) isParentOf(u *url.URL) bool {
	domain := cookieDomain(k.Carrier.Domain)
	return strings.HasSuffix("."+strings.ToLower(u.Hostname()), "."+domain)
}
