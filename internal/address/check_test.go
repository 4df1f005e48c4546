package address_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/docslogin/docslogin/internal/address"
)

// custom returns the configuration of docs that take the token and the deep link in their query,
// with these changes.
func custom(changes ...func(*address.Config)) *address.Config {
	c := &address.Config{
		Platform: "custom",
		DocsURL:  "https://docs.example.com",
		Carrier:  address.Carrier{Place: address.Query, Name: "jwt"},
		DeepLink: address.DeepLink{In: "redirect", Out: "redirect"},
		Path:     "/docs-login",
	}
	for _, change := range changes {
		change(c)
	}
	return c
}

func docsAt(docsURL string) func(*address.Config) {
	return func(c *address.Config) { c.DocsURL = docsURL }
}

func signIn(pageURL, returnParam string) func(*address.Config) {
	return func(c *address.Config) { c.SignIn = &address.SignIn{URL: pageURL, ReturnParam: returnParam} }
}

func external(base string) func(*address.Config) {
	return func(c *address.Config) { c.ExternalURL = &base }
}

func routeAt(path string) func(*address.Config) {
	return func(c *address.Config) { c.Path = path }
}

func inQuery(name string) address.Carrier { return address.Carrier{Place: address.Query, Name: name} }
func inForm(name string) address.Carrier  { return address.Carrier{Place: address.PostForm, Name: name} }

// wantProblem checks that a configuration has one problem, in the field, and that its reason
// contains the text, but no URL of the configuration.
func wantProblem(t *testing.T, c *address.Config, field, reason string) {
	t.Helper()
	problems := address.Check(c)
	if len(problems) != 1 {
		t.Fatalf("got %d problems, want one: %q", len(problems), problems)
	}
	if got := problems[0]; got.Field != field || !strings.Contains(got.Reason, reason) {
		t.Errorf("got  %s %s\nwant %s … %s", got.Field, got.Reason, field, reason)
	}
	told := strings.NewReplacer("such as https://docs.example.com", "", "such as example.com", "").Replace(problems[0].Reason)
	for _, text := range []string{"hunter2", "evil", "example.com"} {
		if strings.Contains(told, text) {
			t.Errorf("the reason repeats %q: %s", text, told)
		}
	}
}

func TestPathsThatAreRejected(t *testing.T) {
	const notClean, special = "is not clean", "has a character that a router may treat as special"
	for _, tt := range []struct{ name, path, reason string }{
		{"an empty path", "", "is empty"},
		{"a URL", "https://app.example.com/docs-login", "is a URL"},
		{"a path without a slash", "docs-login", "must begin with a slash"},
		{"a pattern with a method", "GET /docs-login", "must begin with a slash"},
		{"the root", "/", "is /, where the app's home page is"},
		{"a double slash", "//docs", notClean},
		{"a slash at the end", "/docs/", notClean},
		{"a dot segment", "/a/../docs", notClean},
		{"a query", "/docs?x", special},
		{"a fragment", "/docs#x", special},
		{"an escape", "/docs%20", special},
		{"a letter beyond ASCII", "/größe", special},
		{"a wildcard of net/http", "/docs/{id}", special},
		{"a wildcard of other routers", "/docs:id", special},
		{"a star", "/docs/*", special},
		{"a path with a capital and bracket", "/X[", special},
	} {
		t.Run(tt.name, func(t *testing.T) { wantProblem(t, custom(routeAt(tt.path)), "WithPath", tt.reason) })
	}
}

func TestDocsURLsThatAreRejected(t *testing.T) {
	const absolute, scheme, host, port = "is not an absolute http or https URL", "does not begin with https://", "has a host that is not valid", "has a port that is not valid"
	for _, tt := range []struct{ name, docsURL, reason string }{
		{"an empty URL", "", "is empty; set it to an absolute URL"},
		{"a relative URL", "docs.example.com", scheme},
		{"a URL without a scheme", "//docs.example.com", scheme},
		{"a URL without a host", "https:///docs", absolute},
		{"a URL with a port alone", "https://:443/", absolute},
		{"a URL that does not parse", "https://docs.example.com:x/", absolute},
		{"a URL of another scheme", "ftp://docs.example.com", scheme},
		{"quotes", `"https://docs.example.com"`, "has quotes around it"},
		{"a zero-width space at the end", "https://docs.example.com\u200b", "has an invisible character"},
		{"a byte-order mark", "\ufeffhttps://docs.example.com", "has an invisible character"},
		{"a placeholder", "${DOCS_URL}", "is a placeholder that was not expanded"},
		{"a placeholder for the host", "https://${DOCS_HOST}/", "is a placeholder that was not expanded"},
		{"a placeholder of a template", "https://{{ .Host }}", "is a placeholder that was not expanded"},
		{"two schemes", "https://http://docs.example.com", "begins with https:// twice"},
		{"http", "http://docs.example.com", "must be https"},
		{"http on a private address", "http://10.0.0.1", "must be https"},
		{"http on a host that ends like a loopback host", "http://evillocalhost", "must be https"},
		{"http on a host that begins like a loopback host", "http://localhost.example.com", "must be https"},
		{"user info", "https://user:hunter2@docs.example.com", "has user info before its host"},
		{"a fragment", "https://docs.example.com/#hunter2", "has a fragment"},
		{"an empty fragment", "https://docs.example.com/#", "has a fragment"},
		{"a newline at the end", "https://docs.example.com\n", "has white space around it"},
		{"a secret in the place of the URL", "hunter2\n", scheme},
		{"a key in the place of the URL", "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n", "is a PEM text, not a URL; check the order of the arguments"},
		{"a path that is not clean", "https://docs.example.com/a/../b", "has a path that is not clean"},
		{"a path with a doubled escape", "https://docs.example.com/a%2520b", "has a path that is not clean"},
		{"2,049 bytes", "https://docs.example.com/" + strings.Repeat("x", 2024), "is longer than 2,048 bytes"},

		{"an internationalized host", "https://döcs.example.com", "punycode"},
		{"a host that browsers read as an IPv4 address in hexadecimal", "https://0x7f000001", host},
		{"a host that browsers read as an IPv4 address with a hexadecimal part", "https://0x7f.1", host},
		{"a host that ends in a hexadecimal number", "https://docs.0xa", host},
		{"a host that ends in a hexadecimal number in capitals", "https://docs.0XA", host},
		{"a host that browsers read as a short IPv4 address", "https://127.1", host},
		{"a host that ends in a number", "https://docs.example.18", host},
		{"an IPv6 address with a zone", "https://[fe80::1%25eth0]/", host},
		{"an IPv6 address that browsers write otherwise", "https://[0:0:0:0:0:0:0:1]", host},
		{"an IPv4 address in IPv6", "https://[::ffff:127.0.0.1]", host},
		{"a dot at the end of the host", "https://docs.example.com.", host},
		{"two dots in the host", "https://docs..example.com", host},
		{"a dot at the beginning of the host", "https://.example.com", host},
		{"a hyphen at the beginning of the host", "https://-docs.example.com", host},
		{"a hyphen at the end of a label", "https://docs-.example.com", host},
		{"a host label of 64 bytes", "https://" + strings.Repeat("a", 64) + ".com", host},
		{"a host of 254 bytes", "https://" + strings.Repeat("a.", 125) + "come", host},
		{"a port with a leading zero", "https://docs.example.com:08", port},
		{"port 0", "https://docs.example.com:0", port},
		{"port 65536", "https://docs.example.com:65536", port},
		{"an empty port", "https://docs.example.com:", port},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantProblem(t, custom(docsAt(tt.docsURL)), "Platform.DocsURL", tt.reason)
		})
	}
}

func TestDocsURLsThatAreAccepted(t *testing.T) {
	for docsURL, want := range map[string]string{
		"https://docs.example.com":                              "https://docs.example.com?jwt=TOKEN",
		"https://docs.example.com/":                             "https://docs.example.com/?jwt=TOKEN",
		"https://Docs.Example.COM:443/A":                        "https://docs.example.com/A?jwt=TOKEN",
		"https://docs.example.com:8443":                         "https://docs.example.com:8443?jwt=TOKEN",
		"https://docs.example.com?a=b":                          "https://docs.example.com?a=b&jwt=TOKEN",
		"https://docs.example.com/a%20b/größe?c=ü d":            "https://docs.example.com/a%20b/gr%C3%B6%C3%9Fe?c=%C3%BC%20d&jwt=TOKEN",
		"https://docs.example.com?":                             "https://docs.example.com?jwt=TOKEN",
		"https://xn--dcs-sna.example.com":                       "https://xn--dcs-sna.example.com?jwt=TOKEN",
		"https://[2001:db8::1]:8443/x":                          "https://[2001:db8::1]:8443/x?jwt=TOKEN",
		"https://[2001:DB8::1]":                                 "https://[2001:db8::1]?jwt=TOKEN",
		"https://192.0.2.1":                                     "https://192.0.2.1?jwt=TOKEN",
		"https://docs.example.com/" + strings.Repeat("x", 2023): "https://docs.example.com/" + strings.Repeat("x", 2023) + "?jwt=TOKEN",
		"https://d0c5.exampleX.c0m":                             "https://d0c5.examplex.c0m?jwt=TOKEN",
		"https://a_b.example.com":                               "https://a_b.example.com?jwt=TOKEN",
		"https://" + strings.Repeat("a", 63) + ".com":           "https://" + strings.Repeat("a", 63) + ".com?jwt=TOKEN",
		"https://" + strings.Repeat("a.", 125) + "com":          "https://" + strings.Repeat("a.", 125) + "com?jwt=TOKEN",
		"http://LOCALHOST":                                      "http://localhost?jwt=TOKEN",
		"http://localhost:8081":                                 "http://localhost:8081?jwt=TOKEN",
		"http://docs.localhost":                                 "http://docs.localhost?jwt=TOKEN",
		"http://127.8.8.8:80":                                   "http://127.8.8.8?jwt=TOKEN",
		"http://[::1]:1":                                        "http://[::1]:1?jwt=TOKEN",
	} {
		if got := login(t, newBuilder(t, custom(docsAt(docsURL))), ""); got != want {
			t.Errorf("%s: got %s", docsURL, got)
		}
	}
	inClear := custom(docsAt("http://docs.example.com"), func(c *address.Config) {
		c.Callback, c.InsecureHTTP = "http://sso.example.com", true
	})
	if got := login(t, newBuilder(t, inClear), ""); got != "http://sso.example.com?jwt=TOKEN" {
		t.Errorf("http where the platform allows it: got %s", got)
	}
}

func TestPlatformsThatAreRejected(t *testing.T) {
	for _, tt := range []struct {
		name, field, reason string
		change              func(*address.Config)
	}{
		{"no carrier", "Platform.Carrier", "is missing; set it with InQuery, InFragment",
			func(c *address.Config) { c.Carrier = address.Carrier{} }},
		{"a query parameter without a name", "Platform.Carrier", "is missing",
			func(c *address.Config) { c.Carrier = inQuery("") }},
		{"a form field without a name", "Platform.Carrier", "is missing",
			func(c *address.Config) { c.Carrier = inForm("") }},
		{"a negative limit", "Platform.MaxTokenBytes", "is negative",
			func(c *address.Config) { c.MaxTokenBytes = -1 }},

		{"docs under a path where they cannot be", "Platform.DocsURL", "docs cannot be under one",
			func(c *address.Config) { c.DocsURL, c.RootOnly = "https://example.com/docs", true }},
		{"a docs query that a callback would not get", "Platform.DocsURL", "has a query, which would not reach the page",
			func(c *address.Config) { c.DocsURL, c.Callback = "https://docs.example.com?v=1", "/cb" }},
		{"a docs query that the deep link's page would not get", "Platform.DocsURL", "has a query, which would not reach the page",
			func(c *address.Config) { c.DocsURL, c.DeepLink.Out = "https://docs.example.com?v=1", "" }},
		{"a docs URL that holds a token", "Platform.DocsURL", `holds the parameter "jwt"`,
			func(c *address.Config) { c.DocsURL = "https://docs.example.com?jwt=hunter2" }},
		{"a docs URL that holds a deep link", "Platform.DocsURL", `holds the parameter "redirect"`,
			func(c *address.Config) { c.DocsURL = "https://docs.example.com?redirect=" }},
		{"a docs URL that holds a constant parameter", "Platform.DocsURL", `holds the parameter "c"`,
			func(c *address.Config) {
				c.DocsURL, c.Params = "https://docs.example.com?c=1", map[string]string{"c": "2"}
			}},
		{"a docs URL that holds an echoed parameter", "Platform.DocsURL", `holds the parameter "e"`,
			func(c *address.Config) { c.DocsURL, c.Echo = "https://docs.example.com?e=1", []string{"e"} }},

		{"a docs URL that is the callback's", "Platform.DocsURL", "ends with /auth/sso, which the library adds; remove that part",
			func(c *address.Config) { c.DocsURL, c.Callback = "https://docs.example.com/auth/sso/", "/auth/sso" }},
		{"a docs URL that is the callback's, at the root only", "Platform.DocsURL", "ends with /cb, which the library adds; remove that part",
			func(c *address.Config) {
				c.DocsURL, c.Callback, c.RootOnly = "https://docs.example.com/cb", "/cb", true
			}},

		{"a callback that is not an absolute URL", "Platform.Callback", "does not begin with https://",
			func(c *address.Config) { c.Callback = "cb" }},
		{"a callback on a host without a scheme", "Platform.Callback", "must be a clean path",
			func(c *address.Config) { c.Callback = "//evil.example" }},
		{"a callback path with a query", "Platform.Callback", "must be a clean path",
			func(c *address.Config) { c.Callback = "/cb?x" }},
		{"a callback path with a fragment", "Platform.Callback", "must be a clean path",
			func(c *address.Config) { c.Callback = "/cb#x" }},
		{"an absolute callback with a query", "Platform.Callback", "has a query; put parameters",
			func(c *address.Config) { c.Callback = "https://canny.io/sso?hunter2" }},
		{"an absolute callback with user info", "Platform.Callback", "has user info",
			func(c *address.Config) { c.Callback = "https://u:hunter2@canny.io/sso" }},
		{"an http callback", "Platform.Callback", "must be https",
			func(c *address.Config) { c.Callback = "http://canny.io/sso" }},
	} {
		t.Run(tt.name, func(t *testing.T) { wantProblem(t, custom(tt.change), tt.field, tt.reason) })
	}
}

func TestDeepLinksThatAreRejected(t *testing.T) {
	for _, tt := range []struct {
		name, field, reason string
		change              func(*address.DeepLink)
	}{
		{"no parameter in", "Platform.DeepLink", "needs both In and Out", func(d *address.DeepLink) { d.In = "" }},
		{"a form that does not exist", "Platform.DeepLink.Form", "is none of", func(d *address.DeepLink) { d.Form = 3 }},
		{"a negative form", "Platform.DeepLink.Form", "is none of", func(d *address.DeepLink) { d.Form = -1 }},
		{"a link from the base that goes out as given", "Platform.DeepLink.FromBase", "cannot be combined with AsGiven",
			func(d *address.DeepLink) { d.FromBase, d.Form = true, address.AsGiven }},
		{"a raw link that goes out as given", "Platform.DeepLink.Raw", "cannot be combined with AsGiven",
			func(d *address.DeepLink) { d.Raw, d.Form = true, address.AsGiven }},
		{"a raw link without In", "Platform.DeepLink.Raw", "needs In",
			func(d *address.DeepLink) { *d = address.DeepLink{Raw: true} }},
		{"a link that always goes back, without Out", "Platform.DeepLink.Always", "needs Out",
			func(d *address.DeepLink) { d.Always, d.Out = true, "" }},
		{"a parameter to drop without a name", "Platform.DeepLink.Drop", "has an empty name",
			func(d *address.DeepLink) { d.Drop = []string{""} }},
		{"a star as the parameter to drop", "Platform.DeepLink.Drop", "has an empty name",
			func(d *address.DeepLink) { d.Drop = []string{"*"} }},
		{"a parameter to drop with a star inside", "Platform.DeepLink.Drop", "has a name with a * before its end",
			func(d *address.DeepLink) { d.Drop = []string{"visitor.*", "vis*itor"} }},
		{"an origin with a path", "Platform.DeepLink.Origins[0]", "must be an origin",
			func(d *address.DeepLink) { d.Origins = []string{"https://a.example/b"} }},
		{"an origin with a slash at its end", "Platform.DeepLink.Origins[0]", "must be an origin",
			func(d *address.DeepLink) { d.Origins = []string{"https://a.example/"} }},
		{"an origin with a query", "Platform.DeepLink.Origins[0]", "must be an origin",
			func(d *address.DeepLink) { d.Origins = []string{"https://a.example?b"} }},
		{"an origin with user info", "Platform.DeepLink.Origins[0]", "has user info",
			func(d *address.DeepLink) { d.Origins = []string{"https://u:hunter2@a.example"} }},
		{"a star as the second origin", "Platform.DeepLink.Origins[1]", "does not begin with https://",
			func(d *address.DeepLink) { d.Origins = []string{"https://a.example", "*"} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantProblem(t, custom(func(c *address.Config) { tt.change(&c.DeepLink) }), tt.field, tt.reason)
		})
	}
	t.Run("a callback without a parameter out", func(t *testing.T) {
		wantProblem(t, custom(func(c *address.Config) { c.DeepLink.Out, c.Callback = "", "/cb" }), "Platform.DeepLink", "needs both In and Out")
	})
}

func TestParametersWithTwoMeanings(t *testing.T) {
	for _, tt := range []struct {
		name, field, parameter string
		change                 func(*address.Config)
	}{
		{"token and link out", "Platform.DeepLink.Out", `"jwt"`, func(c *address.Config) { c.DeepLink.Out = "jwt" }},
		{"token and link in", "Platform.DeepLink.In", `"jwt"`, func(c *address.Config) { c.DeepLink.In = "jwt" }},
		{"a form field and the link in it", "Platform.DeepLink.Out", `"redirect"`, func(c *address.Config) { c.Carrier = inForm("redirect") }},
		{"the return marker and the link", "Platform.DeepLink.In", `"docslogin_sent"`, func(c *address.Config) { c.DeepLink.In = "docslogin_sent" }},
		{"the return marker and the token", "Platform.Carrier", `"docslogin_sent"`, func(c *address.Config) { c.Carrier = inQuery("docslogin_sent") }},
		{"the return marker and an echo", "Platform.Echo", `"docslogin_sent"`, func(c *address.Config) { c.Echo = []string{"docslogin_sent"} }},
		{"the link and an echo", "Platform.Echo", `"redirect"`, func(c *address.Config) { c.Echo = []string{"redirect"} }},
		{"the token and a constant", "Platform.Params", `"jwt"`, func(c *address.Config) { c.Params = map[string]string{"jwt": "x"} }},
		{"the link and a return parameter", "WithReturnParams", `"redirect"`, func(c *address.Config) { c.ReturnParams = []string{"site", "redirect"} }},
		{"an echo and a return parameter", "WithReturnParams", `"lang"`, func(c *address.Config) { c.Echo, c.ReturnParams = []string{"lang"}, []string{"lang"} }},
		{"the token and a return parameter", "WithReturnParams", `"jwt"`, func(c *address.Config) { c.ReturnParams = []string{"jwt"} }},
		{"the return marker and a return parameter", "WithReturnParams", `"docslogin_sent"`, func(c *address.Config) { c.ReturnParams = []string{"docslogin_sent"} }},
		{"a form field that browsers fill in", "Platform.Carrier", `"_charset_"`, func(c *address.Config) { c.Carrier = inForm("_charset_") }},
		{"a link in a form field that browsers fill in", "Platform.DeepLink.Out", `"_charset_"`, func(c *address.Config) {
			c.Carrier, c.DeepLink.Out = inForm("jwt"), "_charset_"
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantProblem(t, custom(tt.change), tt.field, "has the parameter "+tt.parameter+", which has another use")
		})
	}
}

func TestParametersWithoutAName(t *testing.T) {
	for field, change := range map[string]func(*address.Config){
		"Platform.Echo":    func(c *address.Config) { c.Echo = []string{""} },
		"Platform.Params":  func(c *address.Config) { c.Params = map[string]string{"": "x"} },
		"WithReturnParams": func(c *address.Config) { c.ReturnParams = []string{"site", ""} },
	} {
		t.Run(field, func(t *testing.T) { wantProblem(t, custom(change), field, "has a parameter without a name") })
	}
}

func TestTheHomePageIsNotThePageThatTakesTheToken(t *testing.T) {
	for name, callback := range map[string]string{"a URL": "https://DOCS.example.com/sso/", "a path": "/"} {
		t.Run(name, func(t *testing.T) {
			c := custom(func(c *address.Config) {
				c.DocsURL, c.Callback, c.DeepLink.Always = "https://docs.example.com/sso", callback, true
			})
			wantProblem(t, c, "Platform.DocsURL", "cannot be the default deep link, because it leads to the page that takes the token")
		})
	}
}

func TestARequestCannotReplaceAConstantParameter(t *testing.T) {
	c := custom(func(c *address.Config) {
		c.Echo, c.Params = []string{"lang", "companyID"}, map[string]string{"companyID": "configured"}
	})
	wantProblem(t, c, "Platform.Params", `has the parameter "companyID", which is also in Platform.Echo; remove it from Echo`)
}

func TestConstantParametersThatAreRejected(t *testing.T) {
	const spaced = `has white space around the value of the parameter "companyID"`
	for _, tt := range []struct{ name, value, reason string }{
		{"without a value", "", `has no value for the parameter "companyID"`},
		{"with a newline at its end", "hunter2\n", spaced},
		{"with a space before it", " hunter2", spaced},
		{"with a newline in it", "hunter\n2", `has a control character, such as a newline, in the value of the parameter "companyID"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := custom(func(c *address.Config) { c.Params = map[string]string{"companyID": tt.value} })
			wantProblem(t, c, "Platform.Params", tt.reason)
		})
	}
}

// A Content-Security-Policy has no form for such hosts (CSP Level 3, section 2.3.1).
func TestFormsThatLeadToHostsThatAPolicyCannotName(t *testing.T) {
	for name, change := range map[string]func(*address.Config){
		"docs on an IPv6 address":       docsAt("http://[::1]:8080"),
		"docs on a host with a _":       docsAt("https://a_b.example.com"),
		"a callback on an IPv6 address": func(c *address.Config) { c.Callback = "http://[::1]:8080/sso" },
		"links to an IPv6 address":      func(c *address.Config) { c.DeepLink.Origins = []string{"http://[::1]:8080"} },
	} {
		t.Run(name, func(t *testing.T) {
			c := custom(change, func(c *address.Config) { c.Carrier = inForm("jwt") })
			wantProblem(t, c, "Platform.Carrier", "is a form, and one of the platform's hosts is an IPv6 address or has an underscore")
		})
	}
}

func TestSignInPagesThatAreRejected(t *testing.T) {
	const clean, route = "is not a clean path", "is the login route itself"
	app := external("https://app.example.com")
	for _, tt := range []struct {
		name, field, reason string
		changes             []func(*address.Config)
	}{
		{"a relative path", "WithSignInPage", `must be a path of the app such as "/sign-in"`, []func(*address.Config){signIn("sign-in", "next")}},
		{"an empty URL", "WithSignInPage", "must be a path of the app", []func(*address.Config){signIn("", "next")}},
		{"another host, if the app's own URL is not known", "WithSignInPage", "together with WithExternalURL", []func(*address.Config){signIn("https://login.example.com/", "next")}},
		{"a host without a scheme", "WithSignInPage", clean, []func(*address.Config){signIn("//login.example.com", "next")}},
		{"a backslash", "WithSignInPage", clean, []func(*address.Config){signIn(`/\evil`, "next")}},
		{"a path on another host that is not clean", "WithSignInPage", "has a path that is not clean", []func(*address.Config){signIn("https://login.example.com/a//b", "next"), app}},
		{"a script", "WithSignInPage", "does not begin with https://", []func(*address.Config){signIn("javascript:x", "next"), app}},
		{"user info", "WithSignInPage", "has user info", []func(*address.Config){signIn("https://u:hunter2@login.example.com/", "next"), app}},
		{"white space at the end", "WithSignInPage", "has white space around it", []func(*address.Config){signIn("/sign-in ", "next")}},
		{"no return parameter", "WithSignInPage", "needs the name of the parameter", []func(*address.Config){signIn("/sign-in", "")}},
		{"no return parameter, and a parameter without a name", "WithSignInPage", "needs the name of the parameter", []func(*address.Config){signIn("/sign-in?=x", "")}},
		{"a query that holds the return parameter", "WithSignInPage", "holds the return parameter already", []func(*address.Config){signIn("/sign-in?next=/", "next")}},
		{"a query that holds it without a value", "WithSignInPage", "holds the return parameter already", []func(*address.Config){signIn("/sign-in?next=", "next")}},
		{"the login route", "WithSignInPage", route, []func(*address.Config){signIn("/docs-login", "next")}},
		{"the login route with a query and a fragment", "WithSignInPage", route, []func(*address.Config){signIn("/docs-login?a#b", "next")}},
		{"the login route, escaped", "WithSignInPage", route, []func(*address.Config){signIn("/docs%2Dlogin", "next")}},
		{"the login route, absolute", "WithSignInPage", route, []func(*address.Config){signIn("https://example.com/app/docs-login", "next"), external("https://example.com/app")}},
		{"the login route, absolute, in capitals", "WithSignInPage", route, []func(*address.Config){signIn("https://EXAMPLE.com:443/docs-login", "next"), external("https://example.com")}},
		{"the login route under a prefix beyond ASCII", "WithSignInPage", route, []func(*address.Config){signIn("/größe/docs-login", "next"), external("https://example.com/gr%C3%B6%C3%9Fe")}},

		{"an external URL with user info", "WithExternalURL", "has user info", []func(*address.Config){external("https://u:hunter2@app.example.com")}},
		{"an external URL that is the login URL", "WithExternalURL", "ends with the path of the login route, which the library adds", []func(*address.Config){external("https://app.example.com/docs-login")}},
		{"an external URL that is relative", "WithExternalURL", "does not begin with https://", []func(*address.Config){external("app.example.com")}},
		{"an external URL with a query", "WithExternalURL", "has a query", []func(*address.Config){external("https://app.example.com?x")}},
		{"an external URL that is empty", "WithExternalURL", "is empty", []func(*address.Config){external(""), signIn("/docs-login", "next")}},
	} {
		t.Run(tt.name, func(t *testing.T) { wantProblem(t, custom(tt.changes...), tt.field, tt.reason) })
	}
}

func TestConfigurationsThatAreAccepted(t *testing.T) {
	for name, c := range map[string]*address.Config{
		"a query parameter that means something in forms alone":   custom(func(c *address.Config) { c.Carrier = inQuery("_charset_") }),
		"a docs URL that takes the token, if it need not go back": custom(docsAt("https://docs.example.com/sso"), func(c *address.Config) { c.Callback = "https://docs.example.com/sso" }),
		"a raw link from the base, as a URL": custom(func(c *address.Config) {
			c.DeepLink.Raw, c.DeepLink.FromBase, c.DeepLink.Form = true, true, address.AsURL
		}),
		"a form with an IPv4 address":                     custom(docsAt("http://127.0.0.1:8080"), func(c *address.Config) { c.Carrier = inForm("jwt") }),
		"links to an http origin":                         custom(func(c *address.Config) { c.DeepLink.Origins = []string{"http://intranet.example"} }),
		"a root-only platform with a slash":               custom(docsAt("https://docs.example.com/"), func(c *address.Config) { c.RootOnly = true }),
		"docs with a query without a callback":            custom(docsAt("https://docs.example.com?v=1"), func(c *address.Config) { c.DeepLink = address.DeepLink{} }),
		"the login route's path on another host":          custom(external("https://app.example.com"), signIn("https://login.example.com/docs-login", "next")),
		"the login route's path without the app's prefix": custom(external("https://example.com/app"), signIn("/docs-login", "next")),
		"a sign-in page over http":                        custom(external("http://intranet.example"), signIn("http://login.example", "next")),
		"a parameter that ends like the return parameter": custom(signIn("/sign-in?the-next=", "next")),
		"a fragment that does not decode":                 custom(external("https://app.example.com"), signIn("https://login.example.com/#100%", "next")),
	} {
		if problems := address.Check(c); problems != nil {
			t.Errorf("%s: %q", name, problems)
		}
	}
}

func fields(problems []address.Problem) (fields []string) {
	for _, p := range problems {
		fields = append(fields, p.Field)
	}
	slices.Sort(fields)
	return fields
}

func TestAllProblemsAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name string
		c    *address.Config
		want []string
	}{
		{"a zero configuration", &address.Config{}, []string{"Platform.Carrier", "Platform.DocsURL", "WithPath"}},
		{"a docs query that does not arrive, and a callback that is not clean",
			custom(docsAt("https://docs.example.com?v=1"), func(c *address.Config) { c.Callback = "/a//b" }),
			[]string{"Platform.Callback", "Platform.DocsURL"}},
		{"two constants", custom(func(c *address.Config) { c.Params = map[string]string{"a": "", "jwt": " "} }),
			[]string{"Platform.Params", "Platform.Params", "Platform.Params"}},
		{"one in every field", custom(routeAt("x"), external("y"), signIn("z", ""), docsAt("docs"), func(c *address.Config) {
			c.Carrier, c.MaxTokenBytes, c.Callback, c.Echo, c.Params = address.Carrier{}, -1, "cb", []string{""}, map[string]string{"p": ""}
			c.DeepLink = address.DeepLink{Out: "o", Form: 7, Drop: []string{""}, Origins: []string{"a", "b"}}
		}), []string{"Platform.Callback", "Platform.Carrier", "Platform.DeepLink", "Platform.DeepLink.Drop", "Platform.DeepLink.Form",
			"Platform.DeepLink.Origins[0]", "Platform.DeepLink.Origins[1]", "Platform.DocsURL", "Platform.Echo", "Platform.MaxTokenBytes",
			"Platform.Params", "WithExternalURL", "WithPath", "WithSignInPage", "WithSignInPage"}},
	} {
		if got := fields(address.Check(tt.c)); !slices.Equal(got, tt.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

// If arguments are mixed up, there may be a secret where a URL should be.
func TestProblemsDoNotRepeatTheText(t *testing.T) {
	const secret = "hunter2"
	for _, text := range []string{
		secret, secret + "\n", "/" + secret + "//", "//" + secret, "ftp://" + secret, "http://" + secret + ".example.com",
		"https://" + secret + "..com", "https://" + secret + "@docs.example.com", "https://docs.example.com:" + secret,
		"https://docs.example.com#" + secret, "https://docs.example.com//" + secret, "https://docs.example.com/%zz" + secret,
	} {
		c := custom(docsAt(text), routeAt(text), external(text), signIn(text, text), func(c *address.Config) {
			c.Callback, c.DeepLink.Origins, c.Params = text, []string{text}, map[string]string{"p": text + " "}
		})
		problems := append(address.Check(c), address.Problem{Field: "origins[0]", Reason: address.CheckOrigin(text, false)})
		if len(problems) < 5 {
			t.Errorf("%q: only %q", text, problems)
		}
		for _, p := range problems {
			if strings.Contains(p.Reason, secret) {
				t.Errorf("%s repeats %q: %s", p.Field, text, p.Reason)
			}
		}
	}
}

func TestCheckOrigin(t *testing.T) {
	const form, scheme = "must be written as browsers send it", "does not begin with https://"
	for _, tt := range []struct{ origin, reason string }{
		{"https://docs.example.com", ""},
		{"https://docs.example.com:8443", ""},
		{"http://localhost:8081", ""},
		{"https://docs.example.com/", form},
		{"https://docs.example.com:443", form},
		{"https://Docs.example.com", form},
		{"https://docs.example.com/docs", form},
		{"https://docs.example.com?", form},
		{"http://docs.example.com", "must be https"},
		{"https://docs.example.com#", "has a fragment"},
		{"https://docs.*.example.com", "has a host that is not valid"},
		{"https://ada:x@docs.example.com", "has user info"},
		{"*", scheme},
		{"null", scheme},
		{"docs.example.com", scheme},
		{"", "is empty"},
	} {
		if got := address.CheckOrigin(tt.origin, false); !strings.Contains(got, tt.reason) || (got == "") != (tt.reason == "") {
			t.Errorf("%q: got %q, want %q", tt.origin, got, tt.reason)
		}
	}
	if got := address.CheckOrigin("http://docs.example.com", true); got != "" {
		t.Errorf("http where it is allowed: %s", got)
	}
}
