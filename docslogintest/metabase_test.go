package docslogintest_test

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

func init() {
	expected["metabase"] = expectation{
		deepLink: "return_to=/changelog", rejects: true,
		shows: "Hello, Ada &lt;script&gt;.;<dd>ada@example.com;admin, beta",
	}
}

func TestMetabaseSaysWhyItRejects(t *testing.T) {
	checkRejections(t, docslogintest.NewMetabase, []rejectionTest{
		{"an iat that is too old for Metabase", func(p *docslogin.Platform) { p.Lifetime.Token, p.Lifetime.MaxToken = time.Hour, 0 }, late(4 * time.Minute), "iat", "3m0s at most"},
	})
}

// The deep link is not escaped in the login URL, and comes back as a URI that java.net.URI accepts.
func TestMetabaseShowsTheDeepLinksPage(t *testing.T) {
	for page, arrives := range map[string]string{
		"/dashboard/1?currency=British%20Pound&tab=2": "/dashboard/1?currency=British%20Pound&tab=2",
		"/question/1?q=a+b%25&f[x]=1":                 "/question/1?q=a+b%25&f[x]=1",
		"/question/1?q={a}|b&return_to=/":             "/question/1?q=%7Ba%7D%7Cb&return_to=/",
		"/gr%C3%B6%C3%9Fe":                            "/gr%C3%B6%C3%9Fe",
	} {
		site := docslogintest.NewMetabase()
		defer site.Close()
		client := visitor(t, newApp(t, site, site.Platform(), ada))
		login, err := site.Login(client, page)
		if err != nil || login.Page != arrives || len(login.Notes) != 0 {
			t.Errorf("%s: login %+v, %v", page, login, err)
		}
		_, text := get(t, client, site.URL+login.Page)
		contains(t, html.UnescapeString(text), "<code>"+arrives+"</code>")
	}
}

// Metabase responds with 400 ("Invalid redirect URL") to a deep link that it rejects.
func TestMetabaseChecksTheDeepLink(t *testing.T) {
	site := docslogintest.NewMetabase()
	defer site.Close()
	for _, test := range []struct{ link, leads string }{ // leads: "" if it is rejected
		{"/a?b=c%20d#e", "/a?b=c%20d#e"},
		{site.URL + "/a", "/a"},
		{"", "/"},
		{"a", "/"},
		{"/a b", ""},
		{"/a?b={}", ""},
		{"/a?100%", ""},
		{"https://evil.example/", ""},
		{"//evil.example/", ""},
	} {
		rejected := len(site.Rejections())
		to, _ := sent(t, site)
		u, err := url.Parse(to)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		q.Set("return_to", test.link)
		u.RawQuery = q.Encode()
		resp, page := get(t, noRedirects(), u.String())
		rejected = len(site.Rejections()) - rejected
		switch leads := resp.Header.Get("Location"); {
		case test.leads != "" && (leads != test.leads || rejected != 0):
			t.Errorf("%q: status %d, leads to %q, %v", test.link, resp.StatusCode, leads, site.Rejections())
		case test.leads == "" && (resp.StatusCode != http.StatusBadRequest || rejected != 1 || len(resp.Cookies()) != 0 || !strings.Contains(page, "Login rejected")):
			t.Errorf("%q: status %d, %d rejections, %v", test.link, resp.StatusCode, rejected, resp.Cookies())
		}
	}
}

func TestMetabaseChecksTheDeepLinkBeforeTheToken(t *testing.T) {
	site := docslogintest.NewMetabase()
	defer site.Close()
	get(t, noRedirects(), site.URL+"/auth/sso?jwt=a.b.c&return_to=/a%20b")
	if rejections := site.Rejections(); len(rejections) != 1 || rejections[0].Rule != "return_to" {
		t.Errorf("%v", rejections)
	}
}

func TestMetabaseAndTheFormOfADeepLink(t *testing.T) {
	checkForms(t, docslogintest.NewMetabase, []formTest{
		{docslogin.AsURL, deepLinkWithURL, ""},
	})
}
