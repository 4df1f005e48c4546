package address_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/docslogin/docslogin/internal/address"
)

// inCookie is a cookie that docs.example.com and app.example.com share.
func inCookie(name, domain string) func(*address.Config) {
	return func(c *address.Config) {
		c.Carrier, c.DeepLink.Out = address.Carrier{Place: address.Cookie, Name: name, Domain: domain}, ""
	}
}

var shared = inCookie("visitor-token", "example.com")

// GitBook's page on adaptive content shows such a cookie.
func TestTheCookieOfALogin(t *testing.T) {
	const attributes = "; Path=/; Domain=example.com; Expires=Tue, 14 Nov 2023 23:13:20 GMT; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"
	for _, tt := range []struct {
		name              string
		change            func(*address.Config)
		query             string
		location, cookies string
	}{
		{"a page", nil, "redirect=/a", "https://docs.example.com/a", "visitor-token=TOKEN" + attributes},
		{"a page with a query and an anchor", nil, "redirect=/a%3Fb%23c", "https://docs.example.com/a?b#c", "visitor-token=TOKEN" + attributes},
		{"no page", nil, "", "https://docs.example.com", "visitor-token=TOKEN" + attributes},
		{"a page on another host", nil, "redirect=https://evil.example/", "https://docs.example.com", "visitor-token=TOKEN" + attributes},
		{"a page whose query has a token of somebody else", nil, "redirect=/a%3Fvisitor-token=b", "https://docs.example.com", "visitor-token=TOKEN" + attributes},
		{"a platform that sends no page", func(c *address.Config) { c.DeepLink = address.DeepLink{} }, "redirect=/a", "https://docs.example.com", "visitor-token=TOKEN" + attributes},
		{"docs with a query", func(c *address.Config) {
			c.DocsURL, c.DeepLink = "https://docs.example.com/?visitor-token=a", address.DeepLink{}
		}, "", "https://docs.example.com/?visitor-token=a", "visitor-token=TOKEN" + attributes},
		{"a domain with a leading dot, in capitals", inCookie("t", ".EXAMPLE.com"), "", "https://docs.example.com", "t=TOKEN" + attributes},
		{"the docs' own host", inCookie("t", "docs.example.com"), "", "https://docs.example.com", "t=TOKEN" + strings.Replace(attributes, "=ex", "=docs.ex", 1)},
		{"docs on this machine", onThisMachine, "", "http://docs.acme.localhost:8081", "visitor-token=TOKEN" + strings.NewReplacer("example.com", "acme.localhost", "; Secure", "").Replace(attributes)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBuilder(t, custom(shared, orNothing(tt.change)))
			req := b.Read(tt.query, noon)
			next, err := b.Docs(&req, signed("TOKEN"))
			if err != nil || next.URL != tt.location || next.Cookie != tt.cookies || next.Fields != nil {
				t.Errorf("%v\ngot  %s, %s\nwant %s, %s", err, next.URL, next.Cookie, tt.location, tt.cookies)
			}
			if b.HasURL() || b.Place.String() != "a cookie" {
				t.Errorf("HasURL is %v, and the token is in %s", b.HasURL(), b.Place)
			}
		})
	}
}

func orNothing(change func(*address.Config)) func(*address.Config) {
	if change == nil {
		return func(*address.Config) {}
	}
	return change
}

func onThisMachine(c *address.Config) {
	c.DocsURL, c.Carrier.Domain = "http://docs.acme.localhost:8081", "acme.localhost"
}

func TestTheCookieOfATokenThatDoesNotExpireEndsWithTheBrowsersSession(t *testing.T) {
	b := newBuilder(t, custom(shared))
	next, err := b.Docs(&address.Request{}, address.Token{Text: "TOKEN", IssuedAt: noon.Unix()})
	if want := "visitor-token=TOKEN; Path=/; Domain=example.com; HttpOnly; Secure; SameSite=Lax"; err != nil || next.Cookie != want {
		t.Errorf("%v\ngot  %s\nwant %s", err, next.Cookie, want)
	}
}

// Browsers remove a cookie only if its name, domain, and path are the same (RFC 6265, section 5.3).
func TestClearCookie(t *testing.T) {
	const want = "visitor-token=; Path=/; Domain=example.com; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Secure; SameSite=Lax"
	if got := newBuilder(t, custom(shared)).ClearCookie(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for name, carrier := range map[string]address.Carrier{"a query": inQuery("jwt"), "a form": inForm("jwt"), "a fragment": {Place: address.Fragment}} {
		if got := newBuilder(t, custom(func(c *address.Config) { c.Carrier = carrier })).ClearCookie(); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// The longest cookie has 4,095 bytes. A longer one is an error, because a browser might drop it.
func TestHowLongACookieMayBe(t *testing.T) {
	b := newBuilder(t, custom(shared))
	empty, _ := b.Docs(&address.Request{}, signed(""))
	for bytes, want := range map[int]string{
		2900: "", 4095: "",
		4096: "the cookie is 4096 bytes long with its attributes, and browsers may drop a cookie of 4096 or more",
		9000: "the cookie is 9000 bytes long with its attributes, and browsers may drop a cookie of 4096 or more",
	} {
		next, err := b.Docs(&address.Request{}, signed(strings.Repeat("x", bytes-len(empty.Cookie))))
		if (want == "") != (err == nil) || err != nil && (err.Error() != want || next.Cookie != "") || err == nil && len(next.Cookie) != bytes {
			t.Errorf("%d bytes: %v, %d", bytes, err, len(next.Cookie))
		}
	}
}

// A proxy in front of the app has one buffer for the URL and the cookie.
func TestTheWarningCountsTheCookie(t *testing.T) {
	b := newBuilder(t, custom(shared))
	empty, _ := b.Docs(&address.Request{}, signed(""))
	for bytes, want := range map[int]string{
		3000: "", 3001: "the URL and the cookie are over 3000 bytes: nginx in front of the app needs proxy_buffer_size 32k; proxy_buffers 8 32k;",
	} {
		next, err := b.Docs(&address.Request{}, signed(strings.Repeat("x", bytes-len(empty.Cookie)-len(empty.URL))))
		if err != nil || next.Warning() != want {
			t.Errorf("%d bytes: %v, %q", bytes, err, next.Warning())
		}
	}
}

func TestCookiesThatAreRejected(t *testing.T) {
	const such = "set it to the parent domain that the app and the docs share, such as example.com"
	for _, tt := range []struct {
		name   string
		change func(*address.Config)
		reason string
	}{
		{"no name", inCookie("", "example.com"), "is missing; set it with InQuery, InFragment, InForm, or InCookie"},
		{"a name with a blank", inCookie("a b", "example.com"), "has a cookie name that is not valid; use the name that the platform reads"},
		{"a name with a semicolon", inCookie("a;b", "example.com"), "has a cookie name that is not valid; use the name that the platform reads"},
		{"a name that needs a cookie without a domain", inCookie("__HOST-t", "example.com"), "has a cookie name that begins with __Host-, which browsers accept only without a domain; use another name"},
		{"a name that needs https", func(c *address.Config) { onThisMachine(c); c.Carrier.Name = "__secure-t" }, "has a cookie name whose prefix browsers accept only over https; use another name"},
		{"another name that needs https", func(c *address.Config) { onThisMachine(c); c.Carrier.Name = "__Http-t" }, "has a cookie name whose prefix browsers accept only over https; use another name"},
		{"no domain", inCookie("t", ""), "is a cookie without a domain; " + such},
		{"quotes", inCookie("t", `"example.com"`), "has a cookie domain with quotes around it; remove them"},
		{"a variable that was not expanded", inCookie("t", "${COOKIE_DOMAIN}"), "has a cookie domain that is a placeholder, which was not expanded; pass the value that it stands for"},
		{"a part that was not expanded", inCookie("t", "{{ .Domain }}.com"), "has a cookie domain that is a placeholder, which was not expanded; pass the value that it stands for"},
		{"a wildcard, as in GitBook's sample for another cookie", inCookie("t", "*.example.com"), "has a cookie domain that begins with *., and a cookie reaches every host under its domain anyway; remove the *."},
		{"a URL", inCookie("t", "https://example.com"), "has a cookie domain with a scheme, a port, a path, or white space; " + such},
		{"a port", inCookie("t", "example.com:443"), "has a cookie domain with a scheme, a port, a path, or white space; " + such},
		{"a path", inCookie("t", "example.com/"), "has a cookie domain with a scheme, a port, a path, or white space; " + such},
		{"a newline", inCookie("t", "example.com\n"), "has a cookie domain with a scheme, a port, a path, or white space; " + such},
		{"a domain without a dot", inCookie("t", "com"), "has a cookie domain without a dot, which browsers reject; " + such + ", or acme.localhost on this machine"},
		{"only a dot in front", inCookie("t", ".localhost"), "has a cookie domain without a dot, which browsers reject; " + such + ", or acme.localhost on this machine"},
		{"two dots in front", inCookie("t", "..example.com"), "has a cookie domain that is not valid; " + such + ", in punycode (xn--…) if it has non-ASCII characters"},
		{"an umlaut", inCookie("t", "exämple.com"), "has a cookie domain that is not valid; " + such + ", in punycode (xn--…) if it has non-ASCII characters"},
		{"an underscore, with which net/http writes no Domain", func(c *address.Config) {
			c.DocsURL, c.Carrier.Domain = "https://docs.a_b.example.com", "a_b.example.com"
		}, "has a cookie domain that is not valid; " + such + ", in punycode (xn--…) if it has non-ASCII characters"},
		{"a character that is ASCII in lower case", func(c *address.Config) {
			c.DocsURL, c.Carrier.Domain = "https://docs.k.example.com", "\u212a.example.com"
		}, "has a cookie domain that is not valid; " + such + ", in punycode (xn--…) if it has non-ASCII characters"},
		{"a part of an address", func(c *address.Config) { c.DocsURL, c.Carrier.Domain = "http://127.0.0.1", "0.0.1" }, "has a cookie domain that is not valid; " + such + ", in punycode (xn--…) if it has non-ASCII characters"},
		{"another domain", inCookie("t", "example.org"), "has a cookie domain that is not a parent of the docs' host, so browsers would not send the cookie to the docs; set it to the parent domain that the app and the docs share"},
		{"the end of a name", inCookie("t", "ample.com"), "has a cookie domain that is not a parent of the docs' host, so browsers would not send the cookie to the docs; set it to the parent domain that the app and the docs share"},
		{"a subdomain of the docs", inCookie("t", "a.docs.example.com"), "has a cookie domain that is not a parent of the docs' host, so browsers would not send the cookie to the docs; set it to the parent domain that the app and the docs share"},
		{"an app on another domain", external("https://app.example.org"), "has a cookie domain that is not a parent of the app's host in WithExternalURL, so browsers would reject the cookie; set it to the parent domain that the app and the docs share"},
		{"docs on http", func(c *address.Config) { c.DocsURL, c.InsecureHTTP = "http://docs.example.com", true }, "is a cookie, which browsers must send only over https; use https in DocsURL"},
		{"a callback", func(c *address.Config) { c.Callback = "/callback" }, "is a cookie, which cannot be combined with Callback or DeepLink.Out; remove them"},
		{"a deep link that goes back", func(c *address.Config) { c.DeepLink.Out = "redirect" }, "is a cookie, which cannot be combined with Callback or DeepLink.Out; remove them"},
		{"a callback for docs that send no deep link", func(c *address.Config) { c.Callback, c.DeepLink.In, c.DeepLink.Out = "/callback", "", "redirect" }, "is a cookie, which cannot be combined with Callback or DeepLink.Out; remove them"},
	} {
		t.Run(tt.name, func(t *testing.T) { wantProblem(t, custom(shared, tt.change), "Platform.Carrier", tt.reason) })
	}
}

func TestAnAppOnHTTPCannotSetASecureCookie(t *testing.T) {
	wantProblem(t, custom(shared, external("http://app.example.com")), "WithExternalURL",
		"is on http, where browsers reject the token's cookie, because it is Secure; use https")
}

// A problem with another field is reported only for that field.
func TestTheCookieIsNotBlamedForAnotherField(t *testing.T) {
	for name, change := range map[string]func(*address.Config){"Platform.DocsURL": docsAt("docs.example.com"), "WithExternalURL": external("app.example.com")} {
		if got := fields(address.Check(custom(shared, change))); len(got) != 1 || got[0] != name {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// A URL that is wrong does not hide what is wrong with the cookie.
func TestTheCookieIsCheckedBesidesTheURL(t *testing.T) {
	c := custom(shared, docsAt("example.com"), inCookie("a b", "https://docs.example.com"))
	if got := fields(address.Check(c)); !slices.Equal(got, []string{"Platform.Carrier", "Platform.Carrier", "Platform.DocsURL"}) {
		t.Errorf("%q", got)
	}
}

func TestCookiesThatAreAccepted(t *testing.T) {
	for name, change := range map[string]func(*address.Config){
		"an app under the domain": external("https://app.example.com"),
		"the app's own host":      external("https://example.com/app"),
		"docs at the domain":      docsAt("https://example.com/docs"),
		"a name that needs https": inCookie("__Secure-t", "example.com"),
		"an app on this machine":  func(c *address.Config) { onThisMachine(c); external("http://app.acme.localhost:8080")(c) },
		"https docs on this machine": func(c *address.Config) {
			onThisMachine(c)
			docsAt("https://docs.acme.localhost")(c)
			external("http://app.acme.localhost")(c)
		},
		"one address for both":       func(c *address.Config) { c.DocsURL, c.Carrier.Domain = "http://127.0.0.1:8081", "127.0.0.1" },
		"capitals in the docs' host": docsAt("https://DOCS.Example.COM"),
		"an internationalized domain": func(c *address.Config) {
			c.DocsURL, c.Carrier.Domain = "https://docs.xn--exmple-cua.com", "xn--exmple-cua.com"
		},
	} {
		if problems := address.Check(custom(shared, change)); problems != nil {
			t.Errorf("%s: %q", name, problems)
		}
	}
}
