package address_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin/internal/address"
)

// The sign-in pages of the tests, on the app's own host and on another one.
var (
	ownPage   = []func(*address.Config){signIn("/sign-in", "next")}
	underPath = []func(*address.Config){signIn("/app/sign-in", "next"), external("https://Example.com:443/app/")}
	otherHost = []func(*address.Config){signIn("https://login.example.com/", "next"), external("https://app.example.com")}
	otherPath = []func(*address.Config){signIn("https://login.example.com/", "next"), external("https://example.com/é")}
)

// returnURL returns the return URL of a sign-in page with the query next=given.
func returnURL(b *address.Builder, given string) string {
	return b.ReturnURL(url.Values{"next": {given}, "": {"/wrong"}}.Get)
}

func TestReturnURL(t *testing.T) {
	for _, tt := range []struct {
		name    string
		changes []func(*address.Config)
		given   string
		want    string
	}{
		{"to the login route", ownPage, "/docs-login?docslogin_sent=1700000000&redirect=%2Fa%3Fb", "/docs-login?docslogin_sent=1700000000&redirect=%2Fa%3Fb"},
		{"to another page of the app, with a query and a fragment", ownPage, "/orders/7?tab=2#notes", "/orders/7?tab=2#notes"},
		{"to the home page, with a query", ownPage, "/?tab=2", "/?tab=2"},
		{"home without a return URL", ownPage, "", "/"},
		{"home with the text undefined", ownPage, "undefined", "/"},
		{"to a page with letters that are not ASCII, escaped", ownPage, "/größe a?b=ü", "/gr%C3%B6%C3%9Fe%20a?b=%C3%BC"},
		{"to a page with 8,000 bytes", ownPage, "/a?" + strings.Repeat("x", 7997), "/a?" + strings.Repeat("x", 7997)},
		{"to a page with 8,000 bytes after escaping", ownPage, "/" + strings.Repeat("é", 1333) + "b", "/" + strings.Repeat("%C3%A9", 1333) + "b"},
		{"home instead of a page with 8,001 bytes", ownPage, "/a?" + strings.Repeat("x", 7998), "/"},
		{"home instead of a page with 8,001 bytes after escaping", ownPage, "/a" + strings.Repeat("é", 1333) + "b", "/"},
		{"home instead of another host", ownPage, "https://evil.example/", "/"},
		{"home instead of another host without a scheme", ownPage, "//evil.example/", "/"},
		{"home instead of another host with a backslash", ownPage, `/\evil.example`, "/"},
		{"home instead of another host with a tab", ownPage, "/\t/evil.example", "/"},
		{"home instead of another host after a dot segment", ownPage, "/.//evil.example", "/"},
		{"home instead of an escaped host", ownPage, "/%2Fevil.example", "/"},
		{"home instead of an empty origin", ownPage, ":///evil.example", "/"},
		{"home instead of a script", ownPage, "javascript:alert(1)", "/"},
		{"home instead of a relative path", ownPage, "orders", "/"},
		{"home instead of bytes that are not UTF-8", ownPage, "/\xff", "/"},
		{"home instead of the app's own URL, without an external URL", ownPage, "https://app.example.com/orders", "/"},

		{"to the app's URL on its own origin", underPath, "https://example.com/app/orders", "https://example.com/app/orders"},
		{"to a path under a prefix", underPath, "/app/orders", "/app/orders"},
		{"to another page of the same origin", underPath, "/shop", "/shop"},
		{"home under a prefix", underPath, "//evil.example", "/app/"},

		{"to the app from another host", otherHost, "https://app.example.com/docs-login?redirect=%2Fa", "https://app.example.com/docs-login?redirect=%2Fa"},
		{"to the app from another host, in other spelling", otherHost, "HTTPS://App.example.com:443/ü", "https://app.example.com/%C3%BC"},
		{"to a page of the sign-in page's host", otherHost, "/profile", "/profile"},
		{"home from another host", otherHost, "https://login.example.com/", "https://app.example.com/"},
		{"home instead of a host that begins with the app's host", otherHost, "https://app.example.com.evil.example/", "https://app.example.com/"},
		{"home instead of the app's host as user info", otherHost, "https://app.example.com@evil.example/", "https://app.example.com/"},
		{"home instead of the app's host on another port", otherHost, "https://app.example.com:8443/", "https://app.example.com/"},
		{"home instead of the app's host over http", otherHost, "http://app.example.com/", "https://app.example.com/"},
		{"home from another host, under a path that is not ASCII", otherPath, "", "https://example.com/%C3%A9"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBuilder(t, custom(tt.changes...))
			if got := returnURL(b, tt.given); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	for home, external := range map[string]func(*address.Config){"/": routeAt("/docs-login"), "/app": external("https://example.com/app")} {
		if got := returnURL(newBuilder(t, custom(external)), "/orders"); got != home {
			t.Errorf("without a sign-in page: got %q, want %q", got, home)
		}
	}
}

// A sign-in page that uses ReturnURL brings every visitor back to the login route.
func TestTheReturnURLPassesItsOwnCheck(t *testing.T) {
	for _, page := range [][]func(*address.Config){ownPage, underPath, otherHost, otherPath} {
		for _, tt := range shapes {
			b := newBuilder(t, custom(append([]func(*address.Config){tt.change}, page...)...))
			req := b.Read(tt.query, noon)
			location, err := url.Parse(b.SignIn(&req, noon).URL)
			if err != nil {
				t.Fatal(err)
			}
			want := location.Query().Get("next")
			if got := b.ReturnURL(location.Query().Get); got != want || !strings.HasPrefix(got, b.RouteURL+"?") {
				t.Errorf("%s: got %q, want %q", tt.name, got, want)
			}
		}
	}
}

func TestPageURL(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*address.Config)
		query  string
		want   string
	}{
		{"the page", callbackInFragment, "redirect=/a%3Fb%23c", "https://docs.example.com/a?b#c"},
		{"the page, absolute", callbackInFragment, "redirect=https://Docs.example.com/ü", "https://docs.example.com/%C3%BC"},
		{"the page under the docs' own path, without its token", pageAtBase, "location=guide%3Fjwt_token=x%26a", "https://example.com/docs/guide?a"},
		{"the page of an unescaped link", raw, "return_to=/d/1?a={b}&c", "https://example.com/d/1?a=%7Bb%7D&c"},
		{"the page on another configured origin", formOfAnotherHost, "return_to=https://acme.example.com/hc", "https://acme.example.com/hc"},
		{"home without a deep link", callbackInFragment, "", "https://docs.example.com"},
		{"home without a deep link, on a platform that always gets one", raw, "", "https://example.com/bi"},
		{"home with a query", docsAt("https://Docs.example.com/é?v=1"), "redirect=//evil.example", "https://docs.example.com/%C3%A9?v=1"},
		{"home instead of another host", callbackInFragment, "redirect=https://evil.example/", "https://docs.example.com"},
		{"home instead of the page that takes the token", callbackInFragment, "redirect=/login/jwt-callback", "https://docs.example.com"},
		{"home instead of a page with a token", routeAt("/docs-login"), "redirect=/a%3Fjwt[]=x", "https://docs.example.com"},
		{"home instead of a query that is too long", callbackInFragment, "redirect=/a&x=" + strings.Repeat("x", 8192), "https://docs.example.com"},
		{"home on a platform without deep links", func(c *address.Config) { c.DeepLink = address.DeepLink{} }, "redirect=/a", "https://docs.example.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := newBuilder(t, custom(tt.change)).PageURL(tt.query); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// FuzzReturnURL asserts that a return URL leads to the app, is short enough and printable, and does
// not change if it is checked again. Module e2e checks with Node where return URLs lead.
func FuzzReturnURL(f *testing.F) {
	for _, given := range []string{
		"/docs-login?redirect=%2Fa", "/größe a", "//evil.example", `/\evil.example`, "https://app.example.com/a?b#c", "HTTPS://APP.example.com:443",
		"https://app.example.com@evil.example/", "https:/evil.example", "/a/..//evil.example", "/%5Cevil.example", "/a\u202Eb\u0085", "undefined", "/;/evil.example",
	} {
		f.Add(given)
	}
	own, other := newBuilder(f, custom(ownPage...)), newBuilder(f, custom(otherHost...))
	f.Fuzz(func(t *testing.T, given string) {
		for b, origin := range map[*address.Builder]string{own: "", other: "https://app.example.com"} {
			got := returnURL(b, given)
			path := strings.TrimPrefix(got, origin)
			if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(got, `\`) {
				t.Errorf("%q leads to %q", given, got)
			}
			checkURL(t, given, got)
			if again := returnURL(b, got); again != got {
				t.Errorf("%q leads to %q, which leads to %q", given, got, again)
			}
		}
	})
}

// Check rejects a path whose return URL would fail its own check.
func TestEveryLoginRouteHasAValidReturnURL(t *testing.T) {
	for _, path := range []string{"/;in", "/a/;in", "/a/..;in"} {
		if problems := address.Check(custom(routeAt(path))); len(problems) != 1 || problems[0].Field != "WithPath" {
			t.Errorf("%s: %q", path, problems)
		}
	}
	b := newBuilder(t, custom(routeAt("/Az09/-._~!$&'+,=@"), signIn("/sign-in", "next")))
	req := b.Read("redirect=/a", noon)
	location, _ := url.Parse(b.SignIn(&req, time.Unix(1, 0)).URL)
	if got := b.ReturnURL(location.Query().Get); got != "/Az09/-._~!$&'+,=@?docslogin_sent=1&redirect=%2Fa" {
		t.Errorf("got %q", got)
	}
}

// signInURL returns the return URL of a visitor who is sent to the sign-in page, and the warnings.
func signInURL(b *address.Builder, query string) (returnURL, warnings string) {
	req := b.Read(query, noon)
	page, _ := url.Parse(b.SignIn(&req, noon).URL)
	return page.Query().Get("next"), strings.Join(req.Warnings, "; ")
}

// The login URL of one of several docs sites has a parameter of its own.
func TestReturnParams(t *testing.T) {
	long := strings.NewReplacer("?", strings.Repeat("%FF", 256))
	for _, tt := range []struct {
		name, query   string
		params        []string
		want, warning string
	}{
		{"one that is declared", "site=a&redirect=/x", []string{"site"}, "/docs-login?site=a&docslogin_sent=1700000000&redirect=%2Fx", ""},
		{"one that is not declared", "site=a&redirect=/x", nil, "/docs-login?docslogin_sent=1700000000&redirect=%2Fx", "the login URL has a parameter that the return URL does not keep; if the app needs it, name it in WithReturnParams"},
		{"one of the platform's that is not known, after the deep link", "redirect=/x&v=2", nil, "/docs-login?docslogin_sent=1700000000&redirect=%2Fx", ""},
		{"one without the deep link", "site=a", []string{"site"}, "/docs-login?site=a&docslogin_sent=1700000000", ""},
		{"the first of two values", "site=a&site=b", []string{"site"}, "/docs-login?site=a&docslogin_sent=1700000000", ""},
		{"two that need escapes", "lang=d%C3%A9&site=a%26b", []string{"site", "lang"}, "/docs-login?lang=d%C3%A9&site=a%26b&docslogin_sent=1700000000", ""},
		{"one with 257 bytes", "site=" + strings.Repeat("a", 257), []string{"site"}, "/docs-login?docslogin_sent=1700000000", "the parameter site is over 256 bytes and was dropped"},
		{"several that are too long together", "redirect=/x" + long.Replace("&a=?&b=?&c=?&d=?&e=?&f=?&g=?"), []string{"a", "b", "c", "d", "e", "f", "g"}, "/docs-login?docslogin_sent=1700000000", "the URL is too long, so the parameters of WithReturnParams were dropped"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBuilder(t, custom(signIn("/sign-in", "next"), func(c *address.Config) { c.ReturnParams = tt.params }))
			if got, warnings := signInURL(b, tt.query); got != tt.want || warnings != tt.warning {
				t.Errorf("the return URL is %s, warnings %q", got, warnings)
			}
			if got := login(t, b, tt.query); strings.Contains(got, "site") || strings.Contains(got, "%FF") {
				t.Errorf("the docs get %s", got)
			}
		})
	}
}

// Some platforms append their query to the login URL without checking whether it has one.
func TestADeepLinkThatIsJoinedByAnotherCharacter(t *testing.T) {
	const warning = "follows a question mark or &amp; instead of &"
	for _, tt := range []struct {
		name, query string
		change      func(*address.Config)
		want        string
		warning     string // "": none
	}{
		{"a second question mark", "tenant=a?redirect=/x%3Fb", routeAt("/docs-login"), "/docs-login?tenant=a&docslogin_sent=1700000000&redirect=%2Fx%3Fb", warning},
		{"an escaped ampersand", "tenant=a&amp;redirect=/x", routeAt("/docs-login"), "/docs-login?tenant=a&docslogin_sent=1700000000&redirect=%2Fx", warning},
		{"an ampersand that is escaped twice", "tenant=a&amp%3Bredirect=/x", routeAt("/docs-login"), "/docs-login?tenant=a&docslogin_sent=1700000000&redirect=%2Fx", warning},
		{"two of them", "tenant=a?redirect=?redirect=/x", routeAt("/docs-login"), "/docs-login?tenant=a&docslogin_sent=1700000000", warning},
		{"one after an empty deep link", "redirect=&tenant=a?redirect=/x", routeAt("/docs-login"), "/docs-login?tenant=a%3Fredirect%3D%2Fx&docslogin_sent=1700000000", ""},
		{"a page that is not escaped", "tenant=a?return_to=/d?b=1&c=2", raw, "/docs-login?tenant=a&docslogin_sent=1700000000&return_to=%2Fd%3Fb%3D1%26c%3D2", warning},
		{"a foreign page", "tenant=a?redirect=//evil.example", routeAt("/docs-login"), "/docs-login?tenant=a&docslogin_sent=1700000000", warning},
		{"a second question mark in the deep link", "redirect=/x?redirect=/y", routeAt("/docs-login"), "/docs-login?docslogin_sent=1700000000&redirect=%2Fx%3Fredirect%3D%2Fy", ""},
		{"one in a deep link that is not escaped", "return_to=/d?return_to=/e", raw, "/docs-login?docslogin_sent=1700000000&return_to=%2Fd%3Freturn_to%3D%2Fe", ""},
		{"a platform without deep links", "tenant=a?=/x", func(c *address.Config) { c.DeepLink = address.DeepLink{} }, "/docs-login?tenant=a%3F%3D%2Fx&docslogin_sent=1700000000", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBuilder(t, custom(tt.change, signIn("/sign-in", "next"), func(c *address.Config) { c.Echo, c.ReturnParams = nil, []string{"tenant"} }))
			got, warnings := signInURL(b, tt.query)
			if got != tt.want || strings.Count(warnings, warning) != min(1, len(tt.warning)) {
				t.Errorf("the return URL is %s, warnings %q", got, warnings)
			}
		})
	}
}

// Nobody can tell whether a parameter after an unescaped deep link belongs to the deep link. The
// operator is warned.
func TestADeepLinkThatIsNotEscaped(t *testing.T) {
	const cut = "the deep link is not escaped, so what follows its first & is lost"
	for _, tt := range []struct {
		name, query string
		change      func(*address.Config)
		warning     string
	}{
		{"a query of two parameters", "redirect=/events?city=a&page=2", routeAt("/docs-login"), cut},
		{"a query of one", "redirect=/events?city=a", routeAt("/docs-login"), ""},
		{"an escaped query", "redirect=/events%3Fcity=a&page=2", routeAt("/docs-login"), ""},
		{"a parameter of the platform's after it", "lang=de&redirect=/events?city=a&docslogin_sent=1", func(c *address.Config) { c.Echo = []string{"lang"} }, ""},
		{"a platform that does not escape deep links", "return_to=/events?city=a&page=2", raw, ""},
		{"a platform without deep links", "=/events?city=a&page=2", func(c *address.Config) { c.DeepLink = address.DeepLink{} }, ""},
	} {
		req := newBuilder(t, custom(tt.change)).Read(tt.query, noon)
		if got := strings.Join(req.Warnings, "; "); got != tt.warning {
			t.Errorf("%s: got %q", tt.name, got)
		}
	}
}

// Anybody can send such a query, which must not cost more than others or fill the log.
func TestADeepLinkThatIsJoinedVeryOften(t *testing.T) {
	b := newBuilder(t, custom(signIn("/sign-in", "next")))
	req := b.Read("tenant=a"+strings.Repeat("?redirect=", 800), noon)
	b.SignIn(&req, noon) // which warns of a parameter that is lost, unless a warning names it already
	if len(req.Warnings) != 1 {
		t.Errorf("%d warnings", len(req.Warnings))
	}
}

func TestLoginPath(t *testing.T) {
	for _, tt := range []struct {
		name       string
		change     func(*address.Config)
		page, want string
	}{
		{"a page", docsAt("https://docs.example.com"), "/a?b=c&d#e", "/docs-login?redirect=%2Fa%3Fb%3Dc%26d%23e"},
		{"a page as a URL", docsAt("https://docs.example.com"), "https://docs.example.com/a", "/docs-login?redirect=https%3A%2F%2Fdocs.example.com%2Fa"},
		{"no page", docsAt("https://docs.example.com"), "", "/docs-login"},
		{"a platform that takes no page", func(c *address.Config) { c.DeepLink = address.DeepLink{} }, "/a", "/docs-login"},
		{"another route", routeAt("/to/docs"), "/a", "/to/docs?redirect=%2Fa"},
		{"an app under a path", external("https://example.com/app/"), "/a", "/app/docs-login?redirect=%2Fa"},
		{"a page that would end an attribute", docsAt("https://docs.example.com"), `/"><script>`, "/docs-login?redirect=%2F%22%3E%3Cscript%3E"},
		{"a platform that appends pages unescaped", func(c *address.Config) { c.DeepLink.Raw = true }, "/a?b&c", "/docs-login?redirect=%2Fa%3Fb%26c"},
	} {
		b := newBuilder(t, custom(tt.change))
		got := b.LoginPath(tt.page)
		if got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
		_, query, hasQuery := strings.Cut(got, "?")
		if req := b.Read(query, noon); hasQuery && tt.page[0] == '/' && !strings.HasPrefix(login(t, b, query), "https://docs.example.com?") || req.Rejected != "" {
			t.Errorf("%s: the route reads %+v", tt.name, req)
		}
	}
}

func TestLogoutURL(t *testing.T) {
	for _, tt := range []struct{ name, docs, logout, want string }{
		{"none", "https://docs.example.com", "", ""},
		{"a path", "https://docs.example.com", "/~gitbook/auth/logout", "https://docs.example.com/~gitbook/auth/logout"},
		{"a path, for docs under a path", "https://docs.example.com/guides/", "/logout", "https://docs.example.com/guides/logout"},
		{"a path with a query", "https://docs.example.com", "/logout?to=/a b", "https://docs.example.com/logout?to=/a%20b"},
		{"a URL", "https://docs.example.com", "https://login.example.com/out?client=docs", "https://login.example.com/out?client=docs"},
		{"a URL on http, which no token goes to", "https://docs.example.com", "http://login.example.com/out", "http://login.example.com/out"},
		{"a URL whose host has capitals", "https://docs.example.com", "https://LOGIN.example.com", "https://login.example.com"},
	} {
		b := newBuilder(t, custom(docsAt(tt.docs), func(c *address.Config) { c.Logout = tt.logout }))
		if b.LogoutURL != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, b.LogoutURL, tt.want)
		}
	}
}

func TestLogoutURLsThatAreRejected(t *testing.T) {
	const mustBe = "must be a clean path, or an absolute URL, without a fragment"
	for _, tt := range []struct{ name, logout, reason string }{
		{"another host by two slashes", "//evil.example", mustBe},
		{"a dot segment", "/a/../logout", mustBe},
		{"a fragment", "/logout#a", mustBe},
		{"a fragment in a query", "/logout?a#b", mustBe},
		{"a URL with a fragment", "https://docs.example.com/logout#a", "has a fragment; remove the # and everything after it"},
		{"a relative path", "logout", "does not begin with https://; set it to an absolute URL such as https://docs.example.com"},
		{"a script", "javascript://docs.example.com/%0Aalert(1)", "does not begin with https://; set it to an absolute URL such as https://docs.example.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantProblem(t, custom(func(c *address.Config) { c.Logout = tt.logout }), "Platform.Logout", tt.reason)
		})
	}
}

// If a reader without a docs session logs out, GitBook redirects to the login URL, with the logout page as
// the deep link. A login that leads there would end at once.
func TestNoDeepLinkLeadsToTheLogoutURL(t *testing.T) {
	const rejected = "it leads to the page that ends the docs session"
	for _, tt := range []struct{ name, logout, link, rejected string }{
		{"the logout URL", "/~gitbook/auth/logout", "~gitbook/auth/logout", rejected},
		{"the logout URL with a page", "/~gitbook/auth/logout", "/~gitbook/auth/logout?location=/a", rejected},
		{"a logout URL with a query", "/logout?a=b", "https://example.com/docs/logout", rejected},
		{"an absolute logout URL", "https://example.com/docs/out", "/out", rejected},
		{"another page", "/~gitbook/auth/logout", "~gitbook/auth/login", ""},
		{"the home page, with a logout URL that is a parameter of it", "/?logout", "/", ""},
		{"the home page, with an absolute logout URL that is a parameter of it", "https://example.com/docs?logout", "https://example.com/docs", ""},
		{"no logout URL", "", "/docs/logout", ""},
	} {
		b := newBuilder(t, custom(docsAt("https://example.com/docs"), func(c *address.Config) {
			c.Logout, c.DeepLink = tt.logout, address.DeepLink{In: "location", FromBase: true}
		}))
		if req := b.Link(tt.link); req.Rejected != tt.rejected {
			t.Errorf("%s: %q", tt.name, req.Rejected)
		}
	}
}
