package docslogintest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

func init() {
	expected["fern"] = expectation{
		deepLink: "state={site}%2Fchangelog", ends: true, rejects: true,
		shows: "Hello, Ada &lt;script&gt;.;Bearer key-of-ada;<dd>ada@example.com;admin, beta",
	}
}

func TestFernSaysWhyItRejects(t *testing.T) {
	checkRejections(t, docslogintest.NewFern, []rejectionTest{
		{"another issuer at Fern", func(p *docslogin.Platform) { p.Static = docslogin.Claims{"iss": "https://app.example.com"} }, nil, "iss", "is not https://buildwithfern.com"},
		{"more than Fern accepts", func(p *docslogin.Platform) { p.MaxTokenBytes = 0 }, set("bio", strings.Repeat("x", 4000)), "size", "4000 at most"},
		{"no fern", func(p *docslogin.Platform) { p.Mapper = nil }, nil, "fern", "no fern"},
		{"a role at Fern that is not a list", nil, set("fern", map[string]any{"roles": "admin"}), "fern.roles", "not a list of strings"},
	})
}

// These are the responses of Fern's published callback (jwt/callback/route.ts), which puts https://
// in front of a state without a scheme, and compares the host.
func TestFernAnswersADeepLinkToAnotherHostWithAnEmpty403(t *testing.T) {
	site := docslogintest.NewFern()
	defer site.Close()
	for _, test := range []struct{ name, state, leads string }{ // leads: "" for a 403
		{"a URL of the docs", site.URL + "/a?b#c", "/a?b#c"},
		{"a URL with non-ASCII letters", site.URL + "/café?q=ü", "/caf%C3%A9?q=%C3%BC"},
		{"a URL over https", strings.Replace(site.URL, "http:", "https:", 1) + "/a", "/a"},
		{"the docs without a path", site.URL, "/"},
		{"no state", "", "/"},
		{"the home page's path", "/", "/"},
		{"text that is not a URL", "[object Object]", "/"},
		{"a path", "/quickstart", ""},
		{"a page without a slash", "quickstart", ""},
		{"the text undefined", "undefined", ""},
		{"a URL of another host", "https://evil.example/a", ""},
		{"a URL whose user is the docs' host", site.URL + "@evil.example/", ""},
		{"a URL with another port", "http://127.0.0.1:1/a", ""},
		{"two slashes and a host", "//evil.example/a", ""},
		{"a backslash and a host", `/\evil.example/a`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			rejected := len(site.Rejections())
			resp, body := get(t, noRedirects(), tokenTo(t, site)+"&state="+url.QueryEscape(test.state))
			rejected = len(site.Rejections()) - rejected
			if test.leads != "" {
				if resp.StatusCode != http.StatusFound || resp.Header.Get("Location") != test.leads || rejected != 0 {
					t.Errorf("status %d, leads to %q, rejections %v", resp.StatusCode, resp.Header.Get("Location"), site.Rejections())
				}
			} else if resp.StatusCode != http.StatusForbidden || body != "" || len(resp.Cookies()) != 0 || rejected != 1 {
				t.Errorf("status %d, %q, %v, %d rejections", resp.StatusCode, body, resp.Cookies(), rejected)
			}
		})
	}
}

func TestFernChecksTheDeepLinkBeforeTheToken(t *testing.T) {
	site := docslogintest.NewFern()
	defer site.Close()
	resp, body := get(t, noRedirects(), site.URL+"/api/fern-docs/auth/jwt/callback?fern_token=a.b.c&state=%2Fa")
	if rejections := site.Rejections(); resp.StatusCode != http.StatusForbidden || body != "" || len(rejections) != 1 || rejections[0].Rule != "state" {
		t.Errorf("status %d, %q, %v", resp.StatusCode, body, rejections)
	}
}

func TestFernAcceptsAForm(t *testing.T) {
	site := docslogintest.NewFern()
	defer site.Close()
	p := site.Platform()
	p.Carrier = docslogin.InForm("fern_token")
	login, err := site.Login(visitor(t, newApp(t, site, p, ada)), "/quickstart?a=b")
	if err != nil || login.Page != "/quickstart?a=b" || len(login.Notes) != 0 {
		t.Errorf("login: %+v, %v", login, err)
	}
}

func TestLoginNamesThePathThatFernRejects(t *testing.T) {
	for _, carrier := range []docslogin.Carrier{docslogin.InQuery("fern_token"), docslogin.InForm("fern_token")} {
		site := docslogintest.NewFern()
		defer site.Close()
		p := site.Platform()
		p.Carrier, p.DeepLink.Form = carrier, docslogin.AsPath
		_, err := site.Login(visitor(t, newApp(t, site, p, ada)), "/quickstart")
		checkRejection(t, err, "Fern", "state", "came back as a path, and Fern expects an absolute URL")
	}
}

func TestFernFillsIn(t *testing.T) {
	for _, test := range []struct {
		name string
		keys []docslogin.APIKey
		want []string
	}{
		{"HTTP Basic", []docslogin.APIKey{{Username: "u", Password: "p"}}, []string{`-u &#34;u:p&#34;`}},
		{"a key", []docslogin.APIKey{{Key: "sk_1"}}, []string{"Bearer sk_1"}},
		{"several keys", []docslogin.APIKey{{Name: "Live", Key: "sk_1"}, {Name: "Test", Key: "sk_2"}}, []string{"Bearer sk_1", "Bearer sk_2", ">Live</option>", ">Test</option>"}},
		{"a key and HTTP Basic", []docslogin.APIKey{{Key: "sk_1", Username: "u", Password: "p"}}, []string{"Bearer sk_1", `-u &#34;u:p&#34;`, ">HTTP Basic</option>"}},
		{"a key in a header", []docslogin.APIKey{{Header: "X-Api-Key", Key: "sk_1"}}, []string{`curl https://api.example.com/v1/messages \
  -H &#34;X-Api-Key: sk_1&#34;</code>`}},
		{"keys in two headers", []docslogin.APIKey{{Header: "X-Org", Key: "o_1"}, {Header: "X-Api-Key", Key: "sk_1"}}, []string{`-H &#34;X-Api-Key: sk_1&#34; \
  -H &#34;X-Org: o_1&#34;</code>`}},
		{"a key, and one in a header", []docslogin.APIKey{{Key: "sk_1"}, {Header: "X-Api-Key", Key: "sk_2"}}, []string{"Bearer sk_1", "X-Api-Key: sk_2", ">Headers</option>"}},
		{"a value", []docslogin.APIKey{{Values: map[string]any{"X-Org": 7}}}, []string{"X-Org: 7"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			site := docslogintest.NewFern()
			defer site.Close()
			user := &docslogin.User{Email: "ada@example.com", APIKeys: test.keys}
			_, page := get(t, visitor(t, newApp(t, site, site.Platform(), user)), site.URL+"/quickstart")
			contains(t, page, test.want...)
		})
	}
}

func TestFernAndTheFormOfADeepLink(t *testing.T) {
	checkForms(t, docslogintest.NewFern, []formTest{
		{docslogin.AsURL, deepLinkWithURL, ""},
	})
}
