package docslogintest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

func init() {
	expected["mintlify"] = expectation{
		deepLink: "redirect=%2Fchangelog", ends: true,
		shows: "Hello, Ada &lt;script&gt;.;Bearer key-of-ada;<dd>ada@example.com;<dt>plan</dt><dd>pro</dd>;admin, beta",
	}
	expected["mintlify-personalization"] = expectation{
		deepLink: "redirect=%2Fchangelog", toPage: true, ends: true,
		shows: "Hello, Ada &lt;script&gt;.;Bearer key-of-ada;<dd>ada@example.com;<dt>plan</dt><dd>pro</dd>;admin, beta",
	}
}

func TestMintlifySaysWhyItRejects(t *testing.T) {
	other := docslogintest.NewMintlify()
	defer other.Close()
	checkRejections(t, docslogintest.NewMintlify, []rejectionTest{
		{"the key of another site", func(p *docslogin.Platform) { p.Key = other.Platform().Key }, nil, "signature", "does not verify with the site's public key"},
		{"no host", func(p *docslogin.Platform) { p.HostClaim = "" }, nil, "host", "no host"},
		{"the host of another domain of these docs", func(p *docslogin.Platform) { p.HostClaim = "" }, set("host", "acme.mintlify.app"), "host", "visited at \"127.0.0.1\""},
		{"a lifetime of a minute", func(p *docslogin.Platform) { p.Lifetime.Token, p.Lifetime.MaxToken = time.Minute, 0 }, nil, "exp", "10s at most"},
		{"a group that is not a list", nil, set("groups", "admin"), "groups", "not a list of strings"},
		{"a server variable that is a number", nil, set("apiPlaygroundInputs", map[string]any{"server": map[string]any{"port": 8443}}), "apiPlaygroundInputs.server", "not an object of strings"},
	})
	checkRejections(t, docslogintest.NewMintlifyPersonalization, []rejectionTest{
		{"the key of Mintlify's authentication in its personalization", func(p *docslogin.Platform) { p.Algorithm, p.Key = "EdDSA", other.Platform().Key }, nil, "alg", "has to be ES256"},
	})
}

func TestMintlifyShowsGroupsAndTheirBlocks(t *testing.T) {
	site := docslogintest.NewMintlify()
	defer site.Close()
	client := visitor(t, newApp(t, site, site.Platform(), ada))
	_, page := get(t, client, site.URL+"/quickstart")
	contains(t, page, "For the group admin", "admin, beta", `class="tabs"`)
	login := site.Logins()[0]
	login.Claims["groups"].([]any)[0] = "changed"
	if got := fmt.Sprint(site.Logins()[0].Claims["groups"]); got != "[admin beta]" {
		t.Errorf("groups: %s", got)
	}
}

func TestMintlifyFillsInHeaders(t *testing.T) {
	for _, start := range []newSite{docslogintest.NewMintlify, docslogintest.NewMintlifyPersonalization} {
		site := start()
		defer site.Close()
		user := &docslogin.User{Email: "ada@example.com", APIKeys: []docslogin.APIKey{
			{Key: "sk_1"}, {Header: "X-Api-Key", Key: "sk_2", Values: map[string]any{"X-Org": 7, "subdomain not a header": "acme"}}}}
		_, page := get(t, visitor(t, newApp(t, site, site.Platform(), user)), site.URL+"/quickstart")
		contains(t, page, `curl https://api.example.com/v1/messages \
  -H &#34;Authorization: Bearer sk_1&#34; \
  -H &#34;X-Api-Key: sk_2&#34; \
  -H &#34;X-Org: 7&#34;</code>`)
	}
}

func TestTheCallbackPageIsForScripts(t *testing.T) {
	site := docslogintest.NewMintlify()
	defer site.Close()
	resp, page := get(t, docslogintest.NewClient(), site.URL+"/login/jwt-callback?redirect=%2Fquickstart")
	contains(t, page, "Logging in", "location.hash", "history.replaceState", "<noscript>", "Allow JavaScript")
	if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "script-src 'nonce-") {
		t.Errorf("Content-Security-Policy: %q", csp)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestAnEmptyFragmentIsNotAToken(t *testing.T) {
	site := docslogintest.NewMintlify()
	defer site.Close()
	resp, _ := post(t, http.DefaultClient, site.URL+"/login/jwt-callback", "text/plain", "")
	if resp.StatusCode != http.StatusUnauthorized || site.Rejections()[0].Rule != "form" {
		t.Errorf("status %d, %v", resp.StatusCode, site.Rejections())
	}
}

// fragmentOf returns a token for the site as a fragment.
func fragmentOf(t *testing.T, site *docslogintest.Site) string {
	t.Helper()
	_, token, _ := strings.Cut(tokenTo(t, site), "#")
	return "#" + token
}

func TestAPersonalizedPageTakesATokenWithoutALoginURL(t *testing.T) {
	site := docslogintest.NewMintlifyPersonalization()
	defer site.Close()
	resp, page := get(t, docslogintest.NewClient(), site.URL+"/quickstart#auth")
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("status %d", resp.StatusCode)
	}
	contains(t, page, "This page is private", "location.hash")
	_, page = get(t, docslogintest.NewClient(), site.URL+"/quickstart"+fragmentOf(t, site))
	contains(t, page, "Hello, Ada")
}

func TestAPersonalizedPageWaitsForItsScript(t *testing.T) {
	site := docslogintest.NewMintlifyPersonalization()
	defer site.Close()
	newApp(t, site, site.Platform(), ada)
	resp, page := get(t, &http.Client{}, site.URL+"/quickstart?a=b")
	if resp.StatusCode != http.StatusOK {
		t.Errorf("status %d", resp.StatusCode)
	}
	contains(t, page, "Logging in", "location.hash", "<noscript>", "Allow JavaScript", "redirect=%2Fquickstart%3Fa%3Db")
	if strings.Contains(page, "curl") {
		t.Errorf("a reader who is logged out sees a private page:\n%s", page)
	}
}

func TestAPersonalizedPageRecognizesTokens(t *testing.T) {
	site := docslogintest.NewMintlifyPersonalization()
	defer site.Close()
	client := visitor(t, newApp(t, site, site.Platform(), ada))

	// Without a token, the login starts, whether there is no fragment or an anchor.
	for _, anchor := range []string{"", "#auth", "#v1.2.3", "#eyJ.eyJ"} {
		resp, page := get(t, docslogintest.NewClient(), site.URL+"/quickstart"+anchor)
		if page != "the app's sign-in form" {
			t.Errorf("%q: ended at %v", anchor, resp.Request.URL)
		}
	}
	// Public pages take a token, too, and remove it from the URL.
	token := fragmentOf(t, site)
	for _, at := range []string{"/changelog", "/quickstart?a=b"} {
		resp, page := get(t, docslogintest.NewClient(), site.URL+at+token)
		if got := resp.Request.URL.String(); got != site.URL+at {
			t.Errorf("ended at %s", got)
		}
		contains(t, page, "Hello, Ada")
	}
	// They also reject invalid tokens.
	resp, page := get(t, client, site.URL+"/changelog#eyJhbGciOiJub25lIn0.e30.e30")
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("status %d", resp.StatusCode)
	}
	contains(t, page, "Login rejected", "alg")
}

func TestMintlifyAndTheFormOfADeepLink(t *testing.T) {
	checkForms(t, docslogintest.NewMintlify, []formTest{
		{docslogin.AsURL, deepLinkWithURL, "The parameter redirect came back as an absolute URL, and Mintlify expects a path. Set DeepLink.Form to AsPath."},
	})
}
