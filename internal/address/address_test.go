package address_test

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docslogin/docslogin/internal/address"
)

var noon = time.Unix(1700000000, 0)

func newBuilder(t testing.TB, c *address.Config) *address.Builder {
	t.Helper()
	if problems := address.Check(c); problems != nil {
		t.Fatalf("%q", problems)
	}
	return address.New(c)
}

// sent returns where a browser goes: a URL, or "POST", the form's action, and its body.
func sent(next address.Destination) string {
	if next.Fields == nil {
		return next.URL
	}
	to, separator := "POST "+next.URL, " "
	for _, field := range next.Fields {
		to += separator + field[0] + "=" + url.QueryEscape(field[1])
		separator = "&"
	}
	return to
}

// signed returns a token of this text, which expires an hour after noon.
func signed(text string) address.Token {
	return address.Token{Text: text, IssuedAt: noon.Unix(), Expires: noon.Unix() + 3600}
}

// login returns where a login with this query leads.
func login(t testing.TB, b *address.Builder, query string) string {
	t.Helper()
	req := b.Read(query, noon)
	next, err := b.Docs(&req, signed("TOKEN"))
	if err != nil {
		t.Fatal(err)
	}
	return sent(next)
}

// The shapes of the existing platforms.
var (
	callbackInFragment = func(c *address.Config) {
		c.Callback, c.Carrier, c.RootOnly = "/login/jwt-callback", address.Carrier{Place: address.Fragment}, true
	}
	pageInFragment = func(c *address.Config) {
		c.DocsURL, c.Carrier, c.DeepLink.Out = "https://example.com/docs", address.Carrier{Place: address.Fragment}, ""
	}
	pageInQuery   = func(c *address.Config) { c.DeepLink.Out = "" }
	pageWithParam = func(c *address.Config) { c.DeepLink.Out, c.Params = "", map[string]string{"site": "configured"} }
	pageInForm    = func(c *address.Config) { c.Carrier, c.DeepLink.Out = inForm("jwt"), "" }
	pageAtBase    = func(c *address.Config) {
		c.DocsURL, c.Carrier = "https://example.com/docs", inQuery("jwt_token")
		c.DeepLink = address.DeepLink{In: "location", FromBase: true, Drop: []string{"jwt_token", "access_token", "visitor.*"}}
	}
	callbackUnderPath = func(c *address.Config) {
		c.DocsURL, c.Callback, c.Carrier = "https://example.com/docs", "/auth/callback", inQuery("fern_token")
		c.DeepLink = address.DeepLink{In: "state", Out: "state", Form: address.AsGiven}
	}
	formAsGiven = func(c *address.Config) {
		c.DocsURL, c.Callback, c.Carrier = "https://acme.example.com", "https://acme.example.com/access/jwt", inForm("jwt")
		c.DeepLink = address.DeepLink{In: "return_to", Out: "return_to", Form: address.AsGiven, Origins: []string{"https://acme.example.com"}}
		c.Echo = []string{"brand_id", "locale_id", "timestamp"}
	}
	formOfAnotherHost = func(c *address.Config) {
		formAsGiven(c)
		c.DocsURL = "https://help.example.com"
	}
	callbackOnAnotherHost = func(c *address.Config) {
		c.DocsURL, c.Callback, c.Carrier, c.DeepLink.Form = "https://feedback.example.com", "https://sso.example/in", inQuery("ssoToken"), address.AsURL
		c.Echo, c.Params = []string{"lang"}, map[string]string{"companyID": "configured"}
	}
	always = func(c *address.Config) {
		c.Callback, c.DeepLink.Form, c.DeepLink.Always = "/api/jwt", address.AsURL, true
	}
	alwaysAPath = func(c *address.Config) { c.DocsURL, c.DeepLink.Always = "https://example.com/docs", true }
	raw         = func(c *address.Config) {
		c.DocsURL, c.Callback, c.Echo = "https://example.com/bi", "/auth/sso", []string{"tenant"}
		c.DeepLink = address.DeepLink{In: "return_to", Out: "return_to", Raw: true, Always: true}
	}
	callbackAsURL = func(c *address.Config) { c.Callback, c.DeepLink.Form = "/api/jwt", address.AsURL }
)

// shape is a platform, the query of a login, and where it leads.
type shape struct {
	name   string
	change func(*address.Config)
	query  string
	want   string
}

var shapes = []shape{
	{"a path in, a path out", routeAt("/docs-login"), "redirect=/a%3Fb%3D1%26c%23d", "https://docs.example.com?jwt=TOKEN&redirect=%2Fa%3Fb%3D1%26c%23d"},
	{"an absolute link in, a path out", routeAt("/docs-login"), "redirect=https%3A%2F%2Fdocs.example.com%2Fa%3Fb", "https://docs.example.com?jwt=TOKEN&redirect=%2Fa%3Fb"},
	{"an absolute link with a query and an anchor", routeAt("/docs-login"), "redirect=https://docs.example.com/docs/a%3Fb=c%2520d%23e", "https://docs.example.com?jwt=TOKEN&redirect=%2Fdocs%2Fa%3Fb%3Dc%2520d%23e"},
	{"a link to the docs' home with a query", routeAt("/docs-login"), "redirect=/%3Fv=2", "https://docs.example.com?jwt=TOKEN&redirect=%2F%3Fv%3D2"},
	{"no link", routeAt("/docs-login"), "", "https://docs.example.com?jwt=TOKEN"},
	{"the text undefined", routeAt("/docs-login"), "redirect=undefined", "https://docs.example.com?jwt=TOKEN"},
	{"a link to a foreign host", routeAt("/docs-login"), "redirect=https%3A%2F%2Fevil.example%2F", "https://docs.example.com?jwt=TOKEN"},
	{"a link with a token", routeAt("/docs-login"), "redirect=%2Fdocs%3Fjwt%3Dx", "https://docs.example.com?jwt=TOKEN"},
	{"a platform without links", func(c *address.Config) { c.DeepLink = address.DeepLink{} }, "redirect=/a", "https://docs.example.com?jwt=TOKEN"},
	{"docs under a path", docsAt("https://example.com/SUB/"), "redirect=/SUB/docs/a", "https://example.com/SUB/?jwt=TOKEN&redirect=%2FSUB%2Fdocs%2Fa"},
	{"docs with a query", docsAt("https://Docs.example.com:443/?v=1"), "redirect=/a", "https://docs.example.com/?v=1&jwt=TOKEN&redirect=%2Fa"},
	{"names that need escapes", func(c *address.Config) {
		c.Carrier, c.DeepLink.Out, c.Params = inQuery("a b"), "c&d", map[string]string{"é": "1"}
	}, "redirect=/a", "https://docs.example.com?%C3%A9=1&a+b=TOKEN&c%26d=%2Fa"},
	{"a link to an origin that is named", func(c *address.Config) {
		c.DeepLink.Form, c.DeepLink.Origins = address.AsGiven, []string{"https://Agent.example.com"}
	}, "redirect=https%3A%2F%2Fagent.example.com%2Ft%2F1", "https://docs.example.com?jwt=TOKEN&redirect=https%3A%2F%2Fagent.example.com%2Ft%2F1"},
	{"a link to an http origin that is named", func(c *address.Config) {
		c.DeepLink.Form, c.DeepLink.Origins = address.AsGiven, []string{"http://intranet.example"}
	}, "redirect=http%3A%2F%2Fintranet.example%2Fa", "https://docs.example.com?jwt=TOKEN&redirect=http%3A%2F%2Fintranet.example%2Fa"},
	{"docs under a path that ends in a capital X, and a callback with one", func(c *address.Config) {
		c.DocsURL, c.Callback = "https://example.com/SUBX", "/X"
	}, "redirect=/SUBX/a", "https://example.com/SUBX/X?jwt=TOKEN&redirect=%2FSUBX%2Fa"},
	{"a callback beyond ASCII, and a link to it", func(c *address.Config) { c.Callback = "/gr%C3%B6ße" }, "redirect=/gr%25C3%25B6%C3%9Fe", "https://docs.example.com/gr%C3%B6%C3%9Fe?jwt=TOKEN"},

	{"a callback that gets the token in the fragment", callbackInFragment, "redirect=%2Fa%3Fb%23c", "https://docs.example.com/login/jwt-callback?redirect=%2Fa%3Fb%23c#TOKEN"},
	{"that one, an absolute link", callbackInFragment, "redirect=https%3A%2F%2Fdocs.example.com%2Fa", "https://docs.example.com/login/jwt-callback?redirect=%2Fa#TOKEN"},
	{"that one, a link to itself", callbackInFragment, "redirect=%2Flogin%2Fjwt-callback", "https://docs.example.com/login/jwt-callback#TOKEN"},

	{"a page that gets the token in the fragment", pageInFragment, "redirect=/docs/get-started%3Fx=1%23part", "https://example.com/docs/get-started?x=1#TOKEN"},
	{"that one, no link", pageInFragment, "", "https://example.com/docs#TOKEN"},
	{"that one, the docs' home with a query", pageInFragment, "redirect=/docs%3Fx=1", "https://example.com/docs?x=1#TOKEN"},
	{"that one, an absolute link", pageInFragment, "redirect=https://example.com/docs/get-started", "https://example.com/docs/get-started#TOKEN"},
	{"that one, a link out of the docs", pageInFragment, "redirect=/admin", "https://example.com/docs#TOKEN"},

	{"a page that gets the token in its query", pageInQuery, "redirect=/ref", "https://docs.example.com/ref?jwt=TOKEN"},
	{"that one, an absolute link with a query and an anchor", pageInQuery, "redirect=https://docs.example.com/ref%3Fa=b%23c", "https://docs.example.com/ref?a=b&jwt=TOKEN#c"},
	{"that one, the docs' home with a query", pageInQuery, "redirect=https://docs.example.com/%3Fx=1", "https://docs.example.com/?x=1&jwt=TOKEN"},
	{"that one, a link to a foreign host", pageInQuery, "redirect=https://evil.example/ref", "https://docs.example.com?jwt=TOKEN"},

	{"a page that gets a constant parameter", pageWithParam, "redirect=/ref%3Fa=b", "https://docs.example.com/ref?a=b&site=configured&jwt=TOKEN"},
	{"that one, a link that sets the constant parameter", pageWithParam, "redirect=/ref%3Fs%2569te=evil", "https://docs.example.com/ref?site=configured&jwt=TOKEN"},
	{"a parameter out, a link with the name of a constant parameter", callbackOnAnotherHost, "redirect=/p%3FcompanyID=1", "https://sso.example/in?companyID=configured&ssoToken=TOKEN&redirect=https%3A%2F%2Ffeedback.example.com%2Fp%3FcompanyID%3D1"},

	{"a page that gets a form", pageInForm, "redirect=/a%3Fb%23c", "POST https://docs.example.com/a?b#c jwt=TOKEN"},

	{"a page that counts from the docs' path", pageAtBase, "location=guide/start%3Fa%3D1%26b%3D%2520%23part", "https://example.com/docs/guide/start?a=1&b=%20&jwt_token=TOKEN#part"},
	{"that one, a link with a slash", pageAtBase, "location=/guide", "https://example.com/docs/guide?jwt_token=TOKEN"},
	{"that one, a link with tokens and claims that nobody signed", pageAtBase, "location=guide%3Fjwt_token%3Dx%26a%3D1%26access_token%3Dx%26visitor.plan%3Dpro%26%2576isitor.x%3Dy", "https://example.com/docs/guide?a=1&jwt_token=TOKEN"},
	{"that one, a claim in front of a broken escape", pageAtBase, "location=guide%3Fvisitor%252Eplan%25GG%3Dpro%26a%3D1", "https://example.com/docs/guide?a=1&jwt_token=TOKEN"},
	{"that one, an absolute link with a query", pageAtBase, "location=https://example.com/docs/guide%3Fa%3D1", "https://example.com/docs/guide?a=1&jwt_token=TOKEN"},
	{"that one, a link out of the docs", pageAtBase, "location=https://example.com/admin", "https://example.com/docs?jwt_token=TOKEN"},
	{"that one, a link to a foreign host", pageAtBase, "location=https://evil.example/docs/guide", "https://example.com/docs?jwt_token=TOKEN"},
	{"that one, as given, which makes no difference", func(c *address.Config) { pageAtBase(c); c.DeepLink.Form = address.AsGiven }, "location=a", "https://example.com/docs/a?jwt_token=TOKEN"},

	{"a link that goes back as it came", callbackUnderPath, "state=HTTPS%3A%2F%2Fexample.com%2Fdocs%3Fq%3D%2520%26r%23s", "https://example.com/docs/auth/callback?fern_token=TOKEN&state=HTTPS%3A%2F%2Fexample.com%2Fdocs%3Fq%3D%2520%26r%23s"},
	{"that one, a path, and a parameter that is ignored", callbackUnderPath, "state=/docs/a&redirect_uri=https://evil.example", "https://example.com/docs/auth/callback?fern_token=TOKEN&state=%2Fdocs%2Fa"},
	{"that one, a link to a foreign host", callbackUnderPath, "state=https%3A%2F%2Fevil.example%2Fdocs", "https://example.com/docs/auth/callback?fern_token=TOKEN"},

	{"a form with a link and echoed parameters", formAsGiven, "return_to=/hc/en-us%3Fa=1%23b&brand_id=123&locale_id=1&timestamp=1700000000&role=admin", "POST https://acme.example.com/access/jwt?brand_id=123&locale_id=1&timestamp=1700000000 jwt=TOKEN&return_to=%2Fhc%2Fen-us%3Fa%3D1%23b"},
	{"that one, an absolute link", formAsGiven, "return_to=https://acme.example.com/agent/tickets/1", "POST https://acme.example.com/access/jwt jwt=TOKEN&return_to=https%3A%2F%2Facme.example.com%2Fagent%2Ftickets%2F1"},
	{"that one, a link to a foreign host, and an echo with quotes", formAsGiven, "return_to=https://evil.example/&brand_id=%22%3E%3Cscript%3E", "POST https://acme.example.com/access/jwt?brand_id=%22%3E%3Cscript%3E jwt=TOKEN"},
	{"that one, a link with a token", formAsGiven, "return_to=/hc%3Fjwt=x", "POST https://acme.example.com/access/jwt jwt=TOKEN"},
	{"a form that goes to another host than the docs', and a link there", formOfAnotherHost, "return_to=https://acme.example.com/agent", "POST https://acme.example.com/access/jwt jwt=TOKEN&return_to=https%3A%2F%2Facme.example.com%2Fagent"},
	{"that one, a link to the docs", formOfAnotherHost, "return_to=https://help.example.com/hc", "POST https://acme.example.com/access/jwt jwt=TOKEN&return_to=https%3A%2F%2Fhelp.example.com%2Fhc"},

	{"a callback on another host, an absolute link", callbackOnAnotherHost, "redirect=https%3A%2F%2Ffeedback.example.com%2Fp%3Fa%23b", "https://sso.example/in?companyID=configured&ssoToken=TOKEN&redirect=https%3A%2F%2Ffeedback.example.com%2Fp%3Fa%23b"},
	{"that one, a path, and another value of the constant parameter", callbackOnAnotherHost, "redirect=/p&companyID=evil", "https://sso.example/in?companyID=configured&ssoToken=TOKEN&redirect=https%3A%2F%2Ffeedback.example.com%2Fp"},
	{"that one, an echo of 256 bytes", callbackOnAnotherHost, "lang=" + strings.Repeat("x", 256), "https://sso.example/in?companyID=configured&lang=" + strings.Repeat("x", 256) + "&ssoToken=TOKEN"},
	{"that one, an echo of 257 bytes", callbackOnAnotherHost, "lang=" + strings.Repeat("x", 257), "https://sso.example/in?companyID=configured&ssoToken=TOKEN"},

	{"a parameter name that needs escaping", func(c *address.Config) { c.DeepLink.In = "to & from" }, "to+%26+from=/a", "https://docs.example.com?jwt=TOKEN&redirect=%2Fa"},

	{"a callback that gets an absolute link", callbackAsURL, "redirect=https://docs.example.com/en%3Fa%23b", "https://docs.example.com/api/jwt?jwt=TOKEN&redirect=https%3A%2F%2Fdocs.example.com%2Fen%3Fa%23b"},
	{"that one, a path", callbackAsURL, "redirect=/en", "https://docs.example.com/api/jwt?jwt=TOKEN&redirect=https%3A%2F%2Fdocs.example.com%2Fen"},
	{"that one, unescaped, cut at its first &", callbackAsURL, "redirect=/dashboard/1?tab=2&x=3", "https://docs.example.com/api/jwt?jwt=TOKEN&redirect=https%3A%2F%2Fdocs.example.com%2Fdashboard%2F1%3Ftab%3D2"},

	{"a platform that always gets a page, no link", always, "", "https://docs.example.com/api/jwt?jwt=TOKEN&redirect=https%3A%2F%2Fdocs.example.com%2F"},
	{"that one, a link", always, "redirect=/en", "https://docs.example.com/api/jwt?jwt=TOKEN&redirect=https%3A%2F%2Fdocs.example.com%2Fen"},
	{"that one, a link to a foreign host", always, "redirect=https://evil.example", "https://docs.example.com/api/jwt?jwt=TOKEN&redirect=https%3A%2F%2Fdocs.example.com%2F"},
	{"a platform that always gets a path, docs under a path", alwaysAPath, "redirect=undefined", "https://example.com/docs?jwt=TOKEN&redirect=%2Fdocs"},

	{"a link that is not escaped, with several parameters", raw, "return_to=/dashboard/1?currency=British%20Pound&tab=2", "https://example.com/bi/auth/sso?jwt=TOKEN&return_to=%2Fdashboard%2F1%3Fcurrency%3DBritish%2520Pound%26tab%3D2"},
	{"that one, after other parameters, and with their names in it", raw, "tenant=a&return_to=/d?tenant=b&docslogin_sent=1&return_to=/e", "https://example.com/bi/auth/sso?tenant=a&jwt=TOKEN&return_to=%2Fd%3Ftenant%3Db%26docslogin_sent%3D1%26return_to%3D%2Fe"},
	{"that one, escaped once by the app", raw, "return_to=%2Fd%3Fq%3Da%20b%26c%26%23x&tenant=a", "https://example.com/bi/auth/sso?tenant=a&jwt=TOKEN&return_to=%2Fd%3Fq%3Da%2520b%26c%26%23x"},
	{"that one, an absolute URL that is not escaped", raw, "return_to=https://example.com/d?a=1&b=2", "https://example.com/bi/auth/sso?jwt=TOKEN&return_to=%2Fd%3Fa%3D1%26b%3D2"},
	{"that one, an absolute URL that is escaped", raw, "return_to=https%3A%2F%2Fexample.com%2Fd%3Fa%3D1&tenant=a", "https://example.com/bi/auth/sso?tenant=a&jwt=TOKEN&return_to=%2Fd%3Fa%3D1"},
	{"that one, characters that a URI cannot contain", raw, "return_to=/d?q={\"a\"|<b>^`}&p=100%", "https://example.com/bi/auth/sso?jwt=TOKEN&return_to=%2Fd%3Fq%3D%257B%2522a%2522%257C%253Cb%253E%255E%2560%257D%26p%3D100%2525"},
	{"that one, no link", raw, "", "https://example.com/bi/auth/sso?jwt=TOKEN&return_to=%2Fbi"},
	{"that one, a link to a foreign host", raw, "return_to=https://evil.example/d?a=1&b=2", "https://example.com/bi/auth/sso?jwt=TOKEN&return_to=%2Fbi"},
	{"that one, a link to a foreign host after two slashes", raw, "return_to=//evil.example/d", "https://example.com/bi/auth/sso?jwt=TOKEN&return_to=%2Fbi"},
}

func TestWhereALoginLeads(t *testing.T) {
	for _, tt := range shapes {
		t.Run(tt.name, func(t *testing.T) {
			if got := login(t, newBuilder(t, custom(tt.change)), tt.query); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// A login that goes to the sign-in page first ends in the same place.
func TestTheReturnURLLeadsToTheSamePlace(t *testing.T) {
	for _, tt := range shapes {
		t.Run(tt.name, func(t *testing.T) {
			b := newBuilder(t, custom(tt.change, signIn("/sign-in?a=1#form", "next")))
			req := b.Read(tt.query, noon)
			page, err := url.Parse(b.SignIn(&req, noon).URL)
			if err != nil || page.Path != "/sign-in" || page.Query().Get("a") != "1" || page.Fragment != "form" {
				t.Fatalf("the sign-in page is %v, %v", page, err)
			}
			query, ok := strings.CutPrefix(page.Query().Get("next"), "/docs-login?")
			if !ok {
				t.Fatalf("the return URL is %q", page.Query().Get("next"))
			}
			if got := login(t, b, query); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if !b.Read(query, noon).Returned {
				t.Errorf("%q has no return marker", query)
			}
		})
	}
}

// Each place of the token with each form of the link. The link is an absolute one in capitals.
func TestEveryPlaceWithEveryForm(t *testing.T) {
	const link = "HTTPS://DOCS.example.com:443/a?b#c"
	fragment := address.Carrier{Place: address.Fragment}
	for _, tt := range []struct {
		name    string
		carrier address.Carrier
		form    address.LinkForm
		out     string
		want    string
	}{
		{"query, path", inQuery("jwt"), address.AsPath, "to", "https://docs.example.com?jwt=TOKEN&to=%2Fa%3Fb%23c"},
		{"query, URL", inQuery("jwt"), address.AsURL, "to", "https://docs.example.com?jwt=TOKEN&to=https%3A%2F%2Fdocs.example.com%2Fa%3Fb%23c"},
		{"query, as given", inQuery("jwt"), address.AsGiven, "to", "https://docs.example.com?jwt=TOKEN&to=HTTPS%3A%2F%2FDOCS.example.com%3A443%2Fa%3Fb%23c"},
		{"query, the page itself", inQuery("jwt"), address.AsPath, "", "https://docs.example.com/a?b&jwt=TOKEN#c"},
		{"fragment, path", fragment, address.AsPath, "to", "https://docs.example.com?to=%2Fa%3Fb%23c#TOKEN"},
		{"fragment, URL", fragment, address.AsURL, "to", "https://docs.example.com?to=https%3A%2F%2Fdocs.example.com%2Fa%3Fb%23c#TOKEN"},
		{"fragment, as given", fragment, address.AsGiven, "to", "https://docs.example.com?to=HTTPS%3A%2F%2FDOCS.example.com%3A443%2Fa%3Fb%23c#TOKEN"},
		{"fragment, the page itself", fragment, address.AsPath, "", "https://docs.example.com/a?b#TOKEN"},
		{"form, path", inForm("jwt"), address.AsPath, "to", "POST https://docs.example.com jwt=TOKEN&to=%2Fa%3Fb%23c"},
		{"form, URL", inForm("jwt"), address.AsURL, "to", "POST https://docs.example.com jwt=TOKEN&to=https%3A%2F%2Fdocs.example.com%2Fa%3Fb%23c"},
		{"form, as given", inForm("jwt"), address.AsGiven, "to", "POST https://docs.example.com jwt=TOKEN&to=HTTPS%3A%2F%2FDOCS.example.com%3A443%2Fa%3Fb%23c"},
		{"form, the page itself", inForm("jwt"), address.AsPath, "", "POST https://docs.example.com/a?b#c jwt=TOKEN"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBuilder(t, custom(func(c *address.Config) {
				c.Carrier, c.DeepLink = tt.carrier, address.DeepLink{In: "redirect", Out: tt.out, Form: tt.form}
			}))
			if got := login(t, b, "redirect="+url.QueryEscape(link)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if want := !strings.HasPrefix(tt.want, "POST"); b.HasURL() != want || b.Place != tt.carrier.Place {
				t.Errorf("HasURL is %v, and the token is in %s", b.HasURL(), b.Place)
			}
		})
	}
}

func TestURLsArePrintableASCII(t *testing.T) {
	page := func(c *address.Config) { c.DeepLink.Out = "" }
	for name, change := range map[string]func(*address.Config){
		"a parameter":   routeAt("/docs-login"),
		"the page":      page,
		"a form":        pageInForm,
		"the docs' URL": docsAt("https://docs.example.com/größe?a=ü b"),
		"under a path":  func(c *address.Config) { page(c); c.DocsURL = "https://docs.example.com/größe" },
		"an echo":       func(c *address.Config) { c.Echo = []string{"größe"} },
		"a constant":    func(c *address.Config) { c.Params = map[string]string{"größe": "ü ü"} },
		"the sign-in":   signIn("/größe?q=ü#ß", "zurück"),
		"another host's": func(c *address.Config) {
			external("https://example.com/größe")(c)
			signIn("https://login.example.com/ü", "r")(c)
		},
	} {
		b := newBuilder(t, custom(change))
		req := b.Read("größe=ü&redirect="+url.QueryEscape("/größe/日本?q=ü x#ß"), noon)
		next, err := b.Docs(&req, signed("TOKEN"))
		if err != nil || req.Rejected != "" {
			t.Errorf("%s: %v, %s", name, err, req.Rejected)
		}
		urls := next.URL
		if b.HasSignIn() {
			urls += b.SignIn(&req, noon).URL
		}
		if strings.ContainsFunc(urls, func(r rune) bool { return r <= ' ' || r >= 0x7F }) {
			t.Errorf("%s: %q", name, urls)
		}
	}
}

func TestTheSignInPageAndTheReturnURL(t *testing.T) {
	const query = "%3Fdocslogin_sent%3D1700000000%26redirect%3D%252Fa%253Fb"
	type changes []func(*address.Config)
	for _, tt := range []struct {
		name       string
		changes    changes
		route      string
		signInPage string
	}{
		{"a path", changes{signIn("/sign-in", "next")}, "/docs-login",
			"/sign-in?next=%2Fdocs-login" + query},
		{"a path with a query and a fragment", changes{signIn("/sign-in?lang=de#/form", "return to")}, "/docs-login",
			"/sign-in?lang=de&return+to=%2Fdocs-login" + query + "#/form"},
		{"a path with an empty query and an empty fragment", changes{signIn("/sign-in?#", "next")}, "/docs-login",
			"/sign-in?&next=%2Fdocs-login" + query + "#"},
		{"a path with a question mark in the fragment", changes{signIn("/#/sign-in?a", "next")}, "/docs-login",
			"/?next=%2Fdocs-login" + query + "#/sign-in?a"},
		{"another login route", changes{routeAt("/in/docs"), signIn("/sign-in", "next")}, "/in/docs",
			"/sign-in?next=%2Fin%2Fdocs" + query},
		{"a login route of every character that it may have", changes{routeAt("/Az09/-._~!$&'+,=@"), signIn("/sign-in", "next")}, "/Az09/-._~!$&'+,=@",
			"/sign-in?next=%2FAz09%2F-._~%21%24%26%27%2B%2C%3D%40" + query},
		{"an http app under a prefix", changes{signIn("/sign-in", "next"), external("http://intranet.example/X/")}, "/X/docs-login",
			"/sign-in?next=%2FX%2Fdocs-login" + query},
		{"an app under a prefix", changes{signIn("/app/sign-in", "next"), external("https://example.com/app/")}, "/app/docs-login",
			"/app/sign-in?next=%2Fapp%2Fdocs-login" + query},
		{"another host", changes{signIn("https://login.example.com/?a=1", "r"), external("https://App.example.com:443")}, "https://app.example.com/docs-login",
			"https://login.example.com/?a=1&r=https%3A%2F%2Fapp.example.com%2Fdocs-login" + query},
		{"another host, an app under a prefix", changes{signIn("http://login.example.com", "r"), external("https://example.com/app")}, "https://example.com/app/docs-login",
			"http://login.example.com?r=https%3A%2F%2Fexample.com%2Fapp%2Fdocs-login" + query},
		{"another host, with a fragment that does not decode", changes{signIn("https://login.example.com/#100%", "r"), external("https://example.com")}, "https://example.com/docs-login",
			"https://login.example.com/?r=https%3A%2F%2Fexample.com%2Fdocs-login" + query + "#100%"},
		{"the app's host, absolute", changes{signIn("https://App.example.com:443/sign-in", "r"), external("https://app.example.com")}, "/docs-login",
			"https://App.example.com:443/sign-in?r=%2Fdocs-login" + query},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBuilder(t, custom(tt.changes...))
			req := b.Read("redirect=/a?b", noon)
			if got := b.SignIn(&req, noon).URL; got != tt.signInPage {
				t.Errorf("got  %s\nwant %s", got, tt.signInPage)
			}
			if b.RouteURL != tt.route || !b.HasSignIn() {
				t.Errorf("RouteURL is %q, HasSignIn %v", b.RouteURL, b.HasSignIn())
			}
		})
	}
	if b := newBuilder(t, custom(external("https://example.com/app"))); b.HasSignIn() || b.RouteURL != "/app/docs-login" {
		t.Errorf("without a sign-in page: HasSignIn is %v, RouteURL %q", b.HasSignIn(), b.RouteURL)
	}
}

// A rejected link does not travel to the sign-in page, and an echoed parameter does not replace the
// return marker.
func TestTheReturnURLCarriesNoRejectedLink(t *testing.T) {
	for link, reason := range map[string]string{
		"//evil.example":                   "its path is ambiguous: //, a dot segment, or an escape that is broken or doubled",
		"https://evil.example/":            "it names an origin that is not the docs'",
		"/" + strings.Repeat("%20", 600):   "the URL is too long with it",
		"/" + strings.Repeat("too", 2_500): "it is too long: the limit is 2048 bytes",
	} {
		b := newBuilder(t, custom(signIn("/sign-in?"+strings.Repeat("x", 4000), "next"), func(c *address.Config) { c.Echo = []string{"e"} }))
		req := b.Read("e=1&redirect="+url.QueryEscape(link), noon)
		got := b.SignIn(&req, noon)
		if !strings.HasSuffix(got.URL, "&next=%2Fdocs-login%3Fe%3D1%26docslogin_sent%3D1700000000") {
			t.Errorf("%.30s: got %s", link, got.URL[4000:])
		}
		if req.Rejected != reason || req.LinkPath != "" {
			t.Errorf("%.30s: rejected because %q, link %q", link, req.Rejected, req.LinkPath)
		}
	}
}

// A return marker counts for ten minutes, and may come from a clock that is ahead.
func TestWhoComesStraightFromTheSignInPage(t *testing.T) {
	for _, tt := range []struct {
		name, query string
		want        bool
	}{
		{"the first time", "redirect=/a", false},
		{"straight from there", "redirect=/a&docslogin_sent=1699999995", true},
		{"after ten minutes", "docslogin_sent=1699999400", true},
		{"a second later, as with a bookmark", "docslogin_sent=1699999399", false},
		{"sent by an instance whose clock is ahead", "docslogin_sent=1700000059", true},
		{"sent by one whose clock is a minute ahead", "docslogin_sent=1700000060", true},
		{"a marker from the future", "docslogin_sent=1700000061", false},
		{"a marker that is not a number", "docslogin_sent=x", false},
		{"an empty marker", "docslogin_sent=", false},
		{"a marker out of range", "docslogin_sent=-9223372036854775808", false},
		{"a marker out of range, above", "docslogin_sent=9223372036854775807", false},
		{"a number with a fraction", "docslogin_sent=1699999995.5", false},
	} {
		if got := newBuilder(t, custom()).Read(tt.query, noon).Returned; got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}

// LoginURL's link is checked like a request's.
func TestLink(t *testing.T) {
	b := newBuilder(t, custom())
	for _, link := range []string{"", "/a?b", "https://evil.example"} {
		asked, read := b.Link(link), b.Read("redirect="+url.QueryEscape(link), noon)
		if !reflect.DeepEqual(asked, read) {
			t.Errorf("%q: got %+v, and from a query %+v", link, asked, read)
		}
	}
	b = newBuilder(t, custom(func(c *address.Config) { c.DeepLink = address.DeepLink{} }))
	if got := b.Link("//evil.example"); !reflect.DeepEqual(got, address.Request{}) {
		t.Errorf("a platform without links: %+v", got)
	}
}

// An unescaped deep link is the rest of the login URL, to which others may have appended parameters.
func TestThePathForEvents(t *testing.T) {
	for _, tt := range []struct {
		name, query, want string
		change            func(*address.Config)
	}{
		{"an escaped link", "redirect=/r%26d%3Fa=b", "/r&d", routeAt("/docs-login")},
		{"a link that is not escaped", "return_to=/dashboard/1?a=b", "/dashboard/1", raw},
		{"a link that is not escaped, with another parameter after it", "return_to=/dashboard/1&session=hunter2", "/dashboard/1", raw},
		{"letters that are not ASCII, a space, and a right-to-left override", "redirect=/ü/a+b/\u202Ec%E2%80%AEd", "/%C3%BC/a%20b/%E2%80%AEc%E2%80%AEd", routeAt("/docs-login")},
		{"no link", "", "", raw},
	} {
		if req := newBuilder(t, custom(tt.change)).Read(tt.query, noon); req.LinkPath != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, req.LinkPath, tt.want)
		}
	}
}

func TestTheDocsHostIsInLowerCaseWithoutAPort(t *testing.T) {
	if b := newBuilder(t, custom(docsAt("https://Docs.Example.com:8443/"))); b.DocsHost != "docs.example.com" {
		t.Errorf("got %s", b.DocsHost)
	}
}

// A form may lead to its callback, to the docs, and to where links go, each named once.
func TestWhereAFormMayLead(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*address.Config)
		want   string
	}{
		"to the docs":               {docsAt("https://docs.example.com/a?b"), "https://docs.example.com"},
		"to a callback of the docs": {func(c *address.Config) { c.Callback = "/sso" }, "https://docs.example.com"},
		"to a callback on another host": {func(c *address.Config) {
			c.DocsURL, c.Callback = "http://Docs.localhost:8080/x", "http://127.0.0.1:80/sso"
		}, "http://127.0.0.1 http://docs.localhost:8080"},
		"to other origins": {func(c *address.Config) {
			c.Callback, c.DeepLink.Origins = "https://sso.example.com/in", []string{"https://docs.example.com", "https://agents.example.com:8443"}
		}, "https://agents.example.com:8443 https://docs.example.com https://sso.example.com"},
		"to the page itself": {func(c *address.Config) { c.DeepLink.Out = "" }, "https://docs.example.com"},
	} {
		b := newBuilder(t, custom(func(c *address.Config) { c.Carrier = inForm("jwt") }, tt.change))
		if b.FormOrigins != tt.want {
			t.Errorf("%s: got %s, want %s", name, b.FormOrigins, tt.want)
		}
	}
}

const (
	nginxWarning = "the URL is over 3000 bytes: nginx in front of the app needs proxy_buffer_size 32k; proxy_buffers 8 32k;"
	linkTooLong  = "the URL is too long with it"
)

// The length of the token makes the URL as long as the row says.
func TestHowLongAURLMayBe(t *testing.T) {
	fragment := address.Carrier{Place: address.Fragment}
	for _, tt := range []struct {
		name           string
		carrier        address.Carrier
		bytes          int
		warning, error string
	}{
		{"in the query, short", inQuery("jwt"), 3000, "", ""},
		{"in the query, longer than nginx passes", inQuery("jwt"), 3001, nginxWarning, ""},
		{"in the query, at the limit", inQuery("jwt"), 8000, nginxWarning, ""},
		{"in the query, too long", inQuery("jwt"), 8001, nginxWarning, "the URL is 8001 bytes long, and more than 8000 do not arrive"},
		{"in the fragment, short", fragment, 3000, "", ""},
		{"in the fragment, longer than nginx passes", fragment, 3001, nginxWarning, ""},
		{"in the fragment, at the limit", fragment, 16000, nginxWarning, ""},
		{"in the fragment, too long", fragment, 16001, nginxWarning, "the URL is 16001 bytes long, and more than 16000 do not arrive"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBuilder(t, custom(func(c *address.Config) { c.Carrier = tt.carrier }))
			empty, _ := b.Docs(&address.Request{}, signed(""))
			next, err := b.Docs(&address.Request{}, signed(strings.Repeat("x", tt.bytes-len(empty.URL))))
			if len(next.URL) != tt.bytes || next.Warning() != tt.warning {
				t.Errorf("%d bytes, warning %q", len(next.URL), next.Warning())
			}
			if (err != nil || tt.error != "") && (err == nil || err.Error() != tt.error) {
				t.Errorf("got %v, want %q", err, tt.error)
			}
		})
	}
}

// A link is dropped only if the URL is too long with it, even by one byte. After a token of 7,871
// bytes, 100 are left; "&redirect=%2F" takes 13 of them.
func TestALinkThatMakesTheURLTooLong(t *testing.T) {
	b := newBuilder(t, custom(func(c *address.Config) { c.Echo = []string{"e"} }))
	for _, tt := range []struct {
		name          string
		token, link   int
		bytes         int
		rejected, err string
	}{
		{"a link that is just short enough", 7871, 87, 8000, "", ""},
		{"a byte more", 7871, 88, 7900, linkTooLong, ""},
		{"a token that leaves no room", 7971, 0, 8000, linkTooLong, ""},
		{"a token that is too long without a link", 7972, 0, 8014, "", "the URL is 8014 bytes long, and more than 8000 do not arrive"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := b.Read("redirect=/"+strings.Repeat("a", tt.link), noon)
			next, err := b.Docs(&req, signed(strings.Repeat("x", tt.token)))
			if len(next.URL) != tt.bytes || req.Rejected != tt.rejected || (req.LinkPath == "") != (tt.rejected != "") {
				t.Errorf("%d bytes, rejected because %q, link %q", len(next.URL), req.Rejected, req.LinkPath)
			}
			if (err != nil || tt.err != "") && (err == nil || err.Error() != tt.err) {
				t.Errorf("got %v, want %q", err, tt.err)
			}
		})
	}
	req := b.Read("e=1&redirect=/"+strings.Repeat("a", 100), noon)
	if next, err := b.Docs(&req, signed(strings.Repeat("x", 7900))); err != nil || !strings.HasPrefix(next.URL, "https://docs.example.com?e=1&jwt=xxx") {
		t.Errorf("the echo is lost with the link: %.60s, %v", next.URL, err)
	}
}

// Without a link the URL of this sign-in page has 7,900 bytes; "%26redirect%3D%252F" takes 19.
func TestALinkThatMakesTheSignInPagesURLTooLong(t *testing.T) {
	b := newBuilder(t, custom(signIn("/sign-in?"+strings.Repeat("x", 7900-9-6-14-29), "next")))
	for letters, want := range map[int]string{81: "", 82: linkTooLong} {
		req := b.Read("redirect=/"+strings.Repeat("a", letters), noon)
		got := b.SignIn(&req, noon)
		if bytes := map[string]int{"": 8000, linkTooLong: 7900}[want]; len(got.URL) != bytes || req.Rejected != want || got.Warning() != nginxWarning {
			t.Errorf("%d letters: %d bytes, rejected because %q, warning %q", letters, len(got.URL), req.Rejected, got.Warning())
		}
	}
}

// Each echoed parameter is short enough, but all of them together are not.
func TestEchoedParametersThatMakeAURLTooLong(t *testing.T) {
	const warning = "the URL is too long, so the echoed parameters were dropped"
	query, names := "redirect=/a", []string{}
	for i := range 10 {
		names = append(names, fmt.Sprint("e", i))
		query += "&" + names[i] + "=" + strings.Repeat("%FF", 256)
	}
	b := newBuilder(t, custom(signIn("/sign-in", "next"), func(c *address.Config) { c.Echo = names }))
	req := b.Read(query, noon)
	if got := b.SignIn(&req, noon).URL; got != "/sign-in?next=%2Fdocs-login%3Fdocslogin_sent%3D1700000000" || req.Rejected != linkTooLong || !slices.Equal(req.Warnings, []string{warning}) {
		t.Errorf("the sign-in page is %.100s, rejected because %q, warnings %q", got, req.Rejected, req.Warnings)
	}
	req = b.Read(query, noon)
	token := strings.Repeat("x", 500)
	if got, err := b.Docs(&req, signed(token)); err != nil || got.URL != "https://docs.example.com?jwt="+token || req.Rejected != linkTooLong || !slices.Equal(req.Warnings, []string{warning}) {
		t.Errorf("the login leads to %.100s, %v, rejected because %q, warnings %q", got.URL, err, req.Rejected, req.Warnings)
	}
}

// No login URL has parameters this long. The operator is told what was dropped.
func TestParametersThatAreTooLong(t *testing.T) {
	for _, tt := range []struct{ name, query, echo, warning, rejected string }{
		{"256 bytes", "lang=" + strings.Repeat("x", 256), "lang=xxx", "", ""},
		{"257 bytes", "lang=" + strings.Repeat("x", 257), "in?companyID=configured&ssoToken=", "the parameter lang is over 256 bytes and was dropped", ""},
		{"a query of 8 KiB", "lang=a&x=" + strings.Repeat("x", 8192-9), "lang=a", "", ""},
		{"a byte more", "lang=a&x=" + strings.Repeat("x", 8192-8), "in?companyID=configured&ssoToken=", "", "the query is too long"},
	} {
		b := newBuilder(t, custom(callbackOnAnotherHost))
		req := b.Read(tt.query, noon)
		next, err := b.Docs(&req, signed("TOKEN"))
		if err != nil || !strings.Contains(next.URL, tt.echo) || strings.Join(req.Warnings, "; ") != tt.warning || req.Rejected != tt.rejected {
			t.Errorf("%s: %s, %v, warnings %q, rejected because %q", tt.name, next.URL, err, req.Warnings, req.Rejected)
		}
	}
}

func TestThePlatformsOwnLimitOfATokensLength(t *testing.T) {
	for limit, want := range map[int]string{
		0: "", 5: "",
		4: "the token is 5 bytes long, and custom accepts 4",
		1: "the token is 5 bytes long, and custom accepts 1",
	} {
		b := newBuilder(t, custom(func(c *address.Config) { c.MaxTokenBytes = limit }))
		if err := b.CheckToken(signed("TOKEN")); (want == "") != (err == nil) || err != nil && err.Error() != want {
			t.Errorf("a limit of %d: %v", limit, err)
		}
	}
}

// The limits of a URL do not apply to a token in a form. No redirect's header contains a form's action.
func TestAFormTakesWhatAURLDoesNot(t *testing.T) {
	token := strings.Repeat("x", 50_000)
	b := newBuilder(t, custom(formAsGiven))
	req := b.Read("return_to=/hc", noon)
	if next, err := b.Docs(&req, signed(token)); err != nil || len(sent(next)) < 50_000 || next.Warning() != "" || req.Rejected != "" {
		t.Errorf("%d bytes, %v, warning %q, rejected because %q", len(sent(next)), err, next.Warning(), req.Rejected)
	}
	b = newBuilder(t, custom(pageInForm, func(c *address.Config) { c.Echo = []string{"a", "b"} }))
	quotes := strings.Repeat("%22", 256)
	req = b.Read("redirect=/"+strings.Repeat("x", 2000)+"&a="+quotes+"&b="+quotes, noon)
	if next, err := b.Docs(&req, signed(token)); err != nil || len(next.URL) < 3000 || next.Warning() != "" {
		t.Errorf("%d bytes, %v, warning %q", len(next.URL), err, next.Warning())
	}
}

// Run this with -race.
func TestABuilderIsOnlyRead(t *testing.T) {
	c := custom(callbackOnAnotherHost, signIn("/sign-in", "next"))
	b := newBuilder(t, c)
	var wg sync.WaitGroup
	for _, id := range []string{"a", "b", "c", "d"} {
		wg.Go(func() {
			for range 100 {
				req := b.Read("redirect=/"+id+"&lang="+id, noon)
				next, err := b.Docs(&req, signed("TOKEN"))
				want := "https://sso.example/in?companyID=configured&lang=" + id + "&ssoToken=TOKEN&redirect=https%3A%2F%2Ffeedback.example.com%2F" + id
				if err != nil || next.URL != want {
					t.Errorf("got %s, %v", next.URL, err)
				}
				if got := b.SignIn(&req, noon).URL; !strings.HasSuffix(got, "lang%3D"+id+"%26docslogin_sent%3D1700000000%26redirect%3D%252F"+id) {
					t.Errorf("got %s", got)
				}
			}
		})
	}
	wg.Wait()
	if c.Params["companyID"] != "configured" {
		t.Errorf("the configuration was written to: %v", c.Params)
	}
}

// FuzzRead asserts that, whatever the query contains, the token goes to the platform's place for
// it, in a short enough URL of printable ASCII, and that the sign-in page leads to the same place.
func FuzzRead(f *testing.F) {
	type platform struct {
		*address.Builder
		page string // with which each URL that takes the token begins
		ends string // what may follow the page; "": anything
	}
	var platforms []platform
	for _, p := range []struct {
		change     func(*address.Config)
		page, ends string
	}{
		{routeAt("/docs-login"), "https://docs.example.com?jwt=TOKEN", ""},
		{callbackInFragment, "https://docs.example.com/login/jwt-callback", "?#"},
		{pageAtBase, "https://example.com/docs", "/?"},
		{pageInFragment, "https://example.com/docs", "/?#"},
		{formOfAnotherHost, "https://acme.example.com/access/jwt", "?"},
		{callbackOnAnotherHost, "https://sso.example/in?companyID=configured&", ""},
		{raw, "https://example.com/bi/auth/sso?", ""},
	} {
		platforms = append(platforms, platform{newBuilder(f, custom(p.change, signIn("/sign-in", "next"))), p.page, p.ends})
	}
	for i := range platforms {
		for _, tt := range shapes {
			f.Add(uint8(i), tt.query)
		}
	}
	for i, query := range []string{
		"redirect=//evil.example", "redirect=%2F%5Cevil.example", "redirect=/a%23b&redirect=//evil.example", "location=..%2f..%2fevil",
		"return_to=https:evil.example&brand_id=1&locale_id=2", "companyID=%26ssoToken%3Dx&redirect=https://feedback.example.com.evil.example",
		"return_to=/d?a={b}&docslogin_sent=1#c#d", "docslogin_sent=1", "a;b=c&%zz&=&redirect=%2F%C3%A9%00", "redirect=/" + strings.Repeat("%25D9%2585", 340),
	} {
		f.Add(uint8(i), query)
	}
	f.Fuzz(func(t *testing.T, i uint8, query string) {
		p := platforms[int(i)%len(platforms)]
		req := p.Read(query, noon)
		next, err := p.Docs(&req, signed("TOKEN"))
		rest, ok := strings.CutPrefix(next.URL, p.page)
		if err != nil || !ok || p.ends != "" && rest != "" && !strings.Contains(p.ends, rest[:1]) {
			t.Errorf("%q leads to %q, %v", query, next.URL, err)
		}
		checkURL(t, query, next.URL)

		rejected := req.Rejected
		page := p.SignIn(&req, noon).URL
		checkURL(t, query, page)
		after, ok := strings.CutPrefix(page, "/sign-in?next=%2Fdocs-login%3F")
		if !ok {
			t.Fatalf("%q leads to sign in at %q", query, page)
		}
		if req.Rejected != rejected { // the link is escaped twice, and too long only there
			return
		}
		returned, err := url.QueryUnescape(after)
		if again := login(t, p.Builder, returned); err != nil || again != sent(next) {
			t.Errorf("%q leads to\n%s\nand over the sign-in page to\n%s, %v", query, sent(next), again, err)
		}
	})
}

func checkURL(t *testing.T, query, location string) {
	t.Helper()
	if len(location) > 8000 || strings.ContainsFunc(location, func(r rune) bool { return r <= ' ' || r >= 0x7F }) {
		t.Errorf("%q leads to %d bytes, %q", query, len(location), location)
	}
}
