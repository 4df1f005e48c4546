package rules_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin/internal/rules"
)

func parseURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func long(n int) string { return strings.Repeat("x", n) }

// An inferTest is a URL with a token, the platform that Infer returns, and the beginning of the reason.
type inferTest struct{ url, platform, by string }

func checkInference(t *testing.T, tests []inferTest) {
	t.Helper()
	for _, test := range tests {
		p, by, ok := rules.Infer(parseURL(t, test.url))
		if p.Name != test.platform || !strings.HasPrefix(by, test.by) || (by == "") != (test.by == "") || ok != (test.platform != "") {
			t.Errorf("%s: %q, %q, %v", test.url, p.Name, by, ok)
		}
	}
}

func TestAURLIdentifiesItsPlatform(t *testing.T) {
	checkInference(t, []inferTest{
		{"/?%61uth_token=e.e.e", "ReadMe", "the parameter auth_token"},
		{"https://docs.example.com/get-started#anchor", "", ""},
		{"https://docs.example.com/?auth_token=", "", ""},
		{"https://docs.example.com/a?gitbook-visitor-token=e.e.e", "", ""}, // which is the name of a cookie
	})
}

func TestWhereTheTokenTravels(t *testing.T) {
	tests := []struct {
		platform          rules.Platform
		url, place, token string
	}{
		{rules.ReadMe(), "/?a=b&auth_token=to%2eken+x&auth_token=other", "the parameter auth_token", "to.ken x"},
		{rules.ReadMe(), "/?auth_token=broken%zz%41", "the parameter auth_token", "broken%zzA"},
		{rules.ReadMe(), "/?auth_token=x%4&%=y", "the parameter auth_token", "x%4"},
		{rules.ReadMe(), "/?auth_token=%E4%BD%A0%", "the parameter auth_token", "你%"},
		{rules.ReadMe(), "/?token=x", "the parameter auth_token", ""},
		{rules.Mintlify(), "/#to.ken", "the fragment", "to.ken"},
		{rules.Zendesk(), "/access/jwt?jwt=x", "the form's field jwt", ""},
		{rules.GitBookAdaptive(), "/a?gitbook-visitor-token=x&jwt_token=y", "the cookie gitbook-visitor-token", ""},
		{rules.Fern(), "/a?fern_token=x", "the parameter fern_token", "x"}, // besides the cookie
	}
	for _, test := range tests {
		if got := test.platform.Token(parseURL(t, test.url)); got != test.token {
			t.Errorf("%s: %q", test.url, got)
		}
		if got := test.platform.Place(); got != test.place {
			t.Errorf("%s: %q", test.platform.Name, got)
		}
	}
}

// The docs, and redirects to some platforms; T stands for the token.
const (
	docsURL     = "https://docs.example.com"
	mintlifyURL = docsURL + "/login/jwt-callback"
	fernURL     = docsURL + "/api/fern-docs/auth/jwt/callback?fern_token=T"
)

// linkless is a platform that sends no deep link.
var linkless = rules.Platform{Wire: rules.Wire{Query: "sso"}}

// A urlTest is a redirect of a login route, and the findings that reject it or warn about it.
type urlTest struct {
	name             string
	platform         rules.Platform
	url, docs        string
	rejected, warned string
}

func checkURLs(t *testing.T, tests []urlTest) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var site *url.URL
			if test.docs != "" {
				site = parseURL(t, test.docs)
			}
			checkFindings(t, test.platform.CheckURL(parseURL(t, test.url), site, "/docs-login"), test.rejected, test.warned)
		})
	}
}

// urls are redirects to several platforms.
var urls = []urlTest{
	{"a login at ReadMe", rules.ReadMe(), docsURL + "?auth_token=T&redirect=%2Fquickstart%3Fa%3Db%26c%23d", docsURL, "", ""},
	{"a login without a deep link", rules.ReadMe(), docsURL + "?auth_token=T", "", "", ""},
	{"a deep link that needs no encoding", rules.ReadMe(), docsURL + "?auth_token=T&redirect=/quickstart", "", "", ""},
	{"a deep link that is no longer encoded and loses nothing", rules.ReadMe(), docsURL + "?auth_token=T&redirect=/quickstart?a=b", "", "", ""},
	{"a deep link before the token, not encoded", rules.ReadMe(), docsURL + "?redirect=/quickstart?a=b&auth_token=T", "", "", ""},
	{"a login at Mintlify", rules.Mintlify(), mintlifyURL + "?redirect=%2Fquickstart#T", docsURL, "", ""},
	{"a login at a page", rules.GitBook(), docsURL + "/guide%20a?x=y&jwt_token=T#anchor", docsURL, "", ""},
	{"a page with a parameter that has the name of the deep link's", rules.GitBook(), docsURL + "/a?location=/b?c=d&e=f&jwt_token=T", docsURL, "", ""},
	{"a login at docs under a path", rules.Fern(), "https://example.com/docs/api/fern-docs/auth/jwt/callback?fern_token=T&state=https%3A%2F%2Fexample.com%2Fdocs%2Fa", "https://example.com/docs/", "", ""},
	{"a deep link to a port of its own", rules.Fern(), fernURL + "&state=https%3A%2F%2FDocs.example.com%3A443%2Fa", "", "", ""},
	{"the default port of http", rules.ReadMe(), "http://localhost:80/?auth_token=T", "http://localhost", "", ""},
	{"a URL out of an access log", rules.ReadMe(), "/?auth_token=T&redirect=%2Fa", docsURL, "", ""},
	{"a login at a platform that sends no deep link", linkless, docsURL + "?sso=T", docsURL, "", ""},
	{"a parameter without a name, which is not the deep link", linkless, docsURL + "?sso=T&=//evil.example/a?b&c=d#e", docsURL, "", ""},

	{"another host", rules.ReadMe(), "https://acme.readme.io/?auth_token=T", docsURL, `docs: leads to "acme.readme.io", and the docs are at "docs.example.com"`, ""},
	{"http", rules.ReadMe(), "http://docs.example.com/?auth_token=T", "", "", "scheme: is http: the token travels in clear"},
	{"http on this machine", rules.ReadMe(), "http://docs.localhost:8081/?auth_token=T", "", "", ""},
	{"http at an address of this machine", rules.ReadMe(), "http://127.0.0.1:8081/?auth_token=T", "", "", ""},
	{"another port", rules.ReadMe(), docsURL + ":8443/?auth_token=T", docsURL, `docs: leads to "docs.example.com:8443"`, ""},
	{"the docs' home instead of the callback", rules.Fern(), docsURL + "/?fern_token=T", "", "path: has to end in /api/fern-docs/auth/jwt/callback, where Fern takes the token", ""},
	{"a callback without the docs' path", rules.Fern(), fernURL, docsURL + "/base", "path: has to be the docs' own, followed by /api/fern-docs", ""},

	{"8,000 bytes", rules.ReadMe(), docsURL + "/?auth_token=" + long(8000-37), "", "", "length: is 8000 bytes long: past 3000, nginx"},
	{"8,001 bytes", rules.ReadMe(), docsURL + "/?auth_token=" + long(8001-37), "", "length: is 8001 bytes long, and more than 8000 do not arrive", ""},
	{"3,000 bytes", rules.ReadMe(), docsURL + "/?auth_token=" + long(3000-37), "", "", ""},
	{"3,001 bytes", rules.ReadMe(), docsURL + "/?auth_token=" + long(3001-37), "", "", "length: is 3001 bytes long"},
	{"16,000 bytes with the token in the fragment", rules.Mintlify(), mintlifyURL + "#" + long(16000-44), "", "", "length: is 16000 bytes long"},
	{"16,001 bytes with the token in the fragment", rules.Mintlify(), mintlifyURL + "#" + long(16001-44), "", "length: is 16001 bytes long, and more than 16000 do not arrive", ""},

	{"two tokens", rules.ReadMe(), docsURL + "?auth_token=T&auth_token=U", "", "", "auth_token: is there more than once"},
	{"two deep links", rules.ReadMe(), docsURL + "?auth_token=T&redirect=%2Fa&%72edirect=%2Fb", "", "", "redirect: is there more than once"},
	{"a page with two parameters that have the name of the deep link's", rules.GitBook(), docsURL + "/a?location=b&location=c&jwt_token=T", docsURL, "", ""},
	{"a deep link that is encoded twice", rules.ReadMe(), docsURL + "?auth_token=T&redirect=%252Fquickstart", "", "", "redirect: is encoded once too often"},
	{"a URL that is encoded twice", rules.Fern(), fernURL + "&state=https%253A%252F%252Fdocs.example.com%252Fa", "", "", "state: is encoded once too often"},
	{"a URL over http that is encoded twice", rules.Fern(), fernURL + "&state=HTTP%253a%252F%252Fdocs.example.com%252Fa", "", "", "state: is encoded once too often"},
	{"a page that is encoded as a parameter's value is", rules.GitBook(), docsURL + "/%2Fquickstart?jwt_token=T", "", "", "page: is encoded once too often"},
	{"a deep link that its & cut", rules.ReadMe(), docsURL + "?auth_token=T&redirect=/search?q=a&page=2", "", "", "redirect: is not encoded: it ends at the first & of the deep link"},
	{"a deep link that its # cut", rules.ReadMe(), docsURL + "?auth_token=T&redirect=/quickstart#step-2", "", "", "redirect: is not encoded: it ends at the first # of the deep link"},
	{"a deep link that both cut", rules.ReadMe(), docsURL + "?auth_token=T&redirect=/search?q=a&page=2#b", "", "", "redirect: it ends at the first &"},
	{"the text undefined", rules.ReadMe(), docsURL + "?auth_token=T&redirect=undefined", "", "", "redirect: is a word that scripts write"},
	{"the path /undefined", rules.ReadMe(), docsURL + "?auth_token=T&redirect=%2Fundefined", "", "", "redirect: is a word that scripts write"},
	{"the text null", rules.Fern(), fernURL + "&state=null", "", "state: is a word that scripts write", ""},                    // read as https://null
	{"the text of an object", rules.Fern(), fernURL + "&state=[object+Object]", "", "", "state: is a word that scripts write"}, // not a URL even with https:// in front
	{"the page /undefined", rules.DeveloperHub(), docsURL + "/undefined?jwt=T", "", "", "page: is a word that scripts write"},
	{"a URL of another host", rules.Fern(), fernURL + "&state=https%3A%2F%2Fevil.example%2Fa", "", "state: leads to another host", ""},
	{"a URL with a token, and docs that are not known", rules.Fern(), strings.TrimPrefix(fernURL, docsURL) + "&state=https%3A%2F%2Fdocs.example.com%2Fa%3Ffern_token%3DT", "", "", "state: carries a token already"},
	{"a URL of the docs at Fern's own host", rules.Fern(), fernURL + "&state=https%3A%2F%2Facme.docs.buildwithfern.com%2Fa", "", "", "state: leads to another host"},
	{"a URL of another port", rules.Fern(), fernURL + "&state=https%3A%2F%2Fdocs.example.com%3A8443%2Fa", "", "state: leads to another host", ""},
	{"a URL whose user is the docs' host", rules.Fern(), fernURL + "&state=https%3A%2F%2Fdocs.example.com@evil.example", "", "state: leads to another host", ""},
	{"a URL of another host where a path is expected", rules.ReadMe(), docsURL + "?auth_token=T&redirect=https%3A%2F%2Fevil.example%2Fa", "", "", "redirect: leads to another host"},
	{"a path that browsers take for a host", rules.ReadMe(), docsURL + "?auth_token=T&redirect=%2F%2Fevil.example", "", "", "redirect: leads to another host"},
	{"such a path with a backslash", rules.ReadMe(), docsURL + "?auth_token=T&redirect=%2F%5Cevil.example%5C", "", "", "redirect: leads to another host"},
	{"a URL where a path is expected", rules.ReadMe(), docsURL + "?auth_token=T&redirect=https%3A%2F%2Fdocs.example.com%2Fa", "", "", "redirect: came back as an absolute URL, and ReadMe expects a path"},
	{"a path where a URL is expected", rules.Fern(), fernURL + "&state=%2Fa", "", "state: came back as a path, and Fern expects an absolute URL", ""}, // read as https://a
	{"such a path with a URL of the docs in its query", rules.Fern(), fernURL + "&state=%2Fa%3Fb%3Dhttps%3A%2F%2Fdocs.example.com%2F", "", "state: came back as a path", ""},
	{"such a path, and docs that are not known", rules.Fern(), strings.TrimPrefix(fernURL, docsURL) + "&state=%2Fa", "", "state: came back as a path", ""},
	{"the home page's path where a URL is expected", rules.Fern(), fernURL + "&state=%2F%3Fq", "", "", "state: came back as a path"}, // which leads to the home page anyway
	{"a page without a slash where a URL is expected", rules.Fern(), fernURL + "&state=quickstart", "", "state: came back as a path", ""},
	{"a URL without a scheme", rules.Fern(), fernURL + "&state=docs.example.com%2Fa", "", "", "state: came back as a path"},
	{"a path that browsers take for a host where a URL is expected", rules.Fern(), fernURL + "&state=%2F%09%5Cevil.example", "", "state: came back as a path", ""},
	{"a URL appended to the docs' own", rules.DeveloperHub(), docsURL + "/https://docs.example.com/a?jwt=T", "", "", "page: is an absolute URL behind another one"},
	{"a deep link without a slash", rules.ReadMe(), docsURL + "?auth_token=T&redirect=quickstart", "", "", "redirect: is neither a path that begins with / nor an absolute URL"},
	{"a deep link back to the callback", rules.Mintlify(), mintlifyURL + "?redirect=%2Flogin%2Fjwt-callback%3Fa#T", "", "", "redirect: leads back to the page that takes the token"},
	{"a URL back to the callback", rules.Fern(), fernURL + "&state=https%3A%2F%2Fdocs.example.com%2Fapi%2Ffern-docs%2Fauth%2Fjwt%2F%2563allback", "", "", "state: leads back to the page that takes the token"},
	{"a deep link that carries a token", rules.ReadMe(), docsURL + "?auth_token=T&redirect=%2Fa%3Fauth_token%3DT", "", "", "redirect: carries a token already"},
	{"a deep link to the login route", rules.ReadMe(), docsURL + "?auth_token=T&redirect=%2Fdocs-login%3Fredirect%3D%252Fa", "", "", "redirect: leads back to the app's login route"},
	{"a URL to the login route", rules.Fern(), fernURL + "&state=https%3A%2F%2Fdocs.example.com%2Fdocs-login", "", "", "state: leads back to the app's login route"},
	{"the login route as the page", rules.MintlifyPersonalization(), docsURL + "/docs-login#eyT", "", "", "page: leads back to the app's login route"},
	{"a URL without a path", rules.Fern(), fernURL + "&state=https%3A%2F%2Fdocs.example.com", "", "", ""},
}

func TestURLs(t *testing.T) { checkURLs(t, urls) }

func TestRulesAboutAURLComeInOrder(t *testing.T) {
	u := parseURL(t, "https://canny.io/api/redirects/sso?ssoToken=T&redirect=https%3A%2F%2Fb.example%2Fa")
	var got []string
	for _, f := range rules.Canny().CheckURL(u, nil, "") {
		got = append(got, f.Rule)
	}
	if want := []string{"length", "path", "redirect", "companyID"}; !slices.Equal(got, want) {
		t.Errorf("rules: %v, want %v", got, want)
	}
}

func TestWithoutARouteNoDeepLinkLeadsToIt(t *testing.T) {
	for _, route := range []string{"", "/"} {
		for _, f := range rules.ReadMe().CheckLink("/", &url.URL{}, route) {
			if !f.OK {
				t.Errorf("%q: %+v", route, f)
			}
		}
	}
	if f := rules.ReadMe().CheckLink("", &url.URL{}, ""); f != nil {
		t.Errorf("no deep link: %+v", f)
	}
}

func TestTheLengthOfATokenAlone(t *testing.T) {
	for _, test := range []struct {
		platform rules.Platform
		bytes    int
		ok       bool
		why      string
	}{
		{rules.ReadMe(), 300, true, "Without its URL, the token is 300 bytes long."},
		{rules.ReadMe(), 8001, false, "Without its URL, the token is 8001 bytes long, and more than 8000 do not arrive."},
		{rules.Zendesk(), 9000, true, "Without its URL, the token is 9000 bytes long, and travels in a form."},
		{rules.GitBookAdaptive(), 3900, true, "Without its URL, the token is 3900 bytes long, and travels in a cookie."},
	} {
		if f := test.platform.CheckLength(test.bytes, true); f.OK != test.ok || f.Why != test.why {
			t.Errorf("%+v", f)
		}
	}
}

func TestTheQueryWithoutTheRestOfTheURL(t *testing.T) {
	for query, want := range map[string]string{
		"ssoToken=T&redirect=/a?b=c&companyID=1":           "",
		"ssoToken=T&redirect=/a?b=c&&companyID=1":          "",
		"companyID=1&ssoToken=T&redirect=/a?b=c&d=e":       "The parameter redirect is not encoded: it ends at the first & of the deep link.",
		"companyID=1&ssoToken=T&redirect=%2Fa%3Fb%3Dc&d=e": "",
		"ssoToken=T": "The URL has no companyID.",
		"ssoToken=T&companyID=1&d=e&redirect=/a?b": "",
	} {
		var got string
		for _, f := range rules.Canny().CheckQuery(query) {
			got += f.Why
		}
		if got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

func TestATokenLeavesAPageAsItWas(t *testing.T) {
	for page, want := range map[string]string{
		"/?jwt=T": "/", "/a?jwt=T&b=c%2Fd&e&&f": "/a?b=c%2Fd&e&&f", "/a%2Fb?%zz&%6awt=T": "/a%2Fb?%zz", "/a": "/a", "/a?jwts=T": "/a?jwts=T",
	} {
		if got := rules.Without(page, "jwt"); got != want {
			t.Errorf("%s: %s, want %s", page, got, want)
		}
	}
}

func TestHowFarAClockMayBeOff(t *testing.T) {
	for _, test := range []struct {
		name                    string
		platform                rules.Platform
		lifetime, behind, ahead time.Duration
	}{
		{"Mintlify's ten seconds", rules.Mintlify(), 10 * time.Second, 10 * time.Second, time.Second},
		{"six of Mintlify's ten seconds", rules.Mintlify(), 6 * time.Second, 6 * time.Second, 5 * time.Second},
		{"more than Mintlify accepts", rules.Mintlify(), time.Minute, time.Minute, time.Second},
		{"Zendesk's three minutes, both ways", rules.Zendesk(), 0, 3 * time.Minute, 3 * time.Minute},
		{"Metabase's three minutes", rules.Metabase(), time.Hour, 3 * time.Minute, 0},
		{"less than Metabase's three minutes", rules.Metabase(), time.Minute, time.Minute, 0},
		{"ReadMe's five minutes", rules.ReadMe(), 5 * time.Minute, 5 * time.Minute, 0},
	} {
		if behind, ahead := test.platform.Tolerance(test.lifetime); behind != test.behind || ahead != test.ahead {
			t.Errorf("%s: %v behind, %v ahead", test.name, behind, ahead)
		}
	}
}

func TestWhatTheTimesSayAboutTheClock(t *testing.T) {
	for _, test := range []struct {
		name      string
		platform  rules.Platform
		claims    string
		rule, why string
	}{
		{"an old token", rules.ReadMe(), `"iat":1699999400,"exp":1699999700`, "exp", "exp is 5m0s in the past, and iat 10m0s: the token is old, or the signer's clock is at least 5m0s behind this one."},
		{"an old token without iat", rules.ReadMe(), `"exp":1699999700`, "exp", "exp is 5m0s in the past: the token is old, or the signer's clock is at least that far behind this one."},
		{"an exp before its iat", rules.ReadMe(), `"iat":1700000005,"exp":1699999700`, "exp", "exp is 5m0s in the past and 5m5s before iat, so the token was never valid: its lifetime is negative, or the two come from different clocks."},
		{"a clock ahead of Mintlify's", rules.Mintlify(), `"host":"h","iat":1700000005,"exp":1700000015`, "exp", "exp is 15s from now and may be 10s at most: the token was made for 10s, so the signer's clock is at least 5s ahead of this one."},
		{"a token with too long a lifetime", rules.Mintlify(), `"host":"h","iat":1700000000,"exp":1700000060`, "exp", "exp is 1m0s from now and may be 10s at most."},
		{"a token with too long a lifetime, two hours ahead", rules.Mintlify(), `"host":"h","iat":1700007200,"exp":1700007500`, "exp", "exp is 2h5m0s from now and may be 10s at most."},
		{"a clock ahead", rules.ReadMe(), `"iat":1700000095`, "iat", "iat is 1m35s in the future: the signer's clock is at least that far ahead of this one."},
		{"a clock a little ahead", rules.ReadMe(), `"iat":1700000005`, "iat", "iat is 5s in the future, within the usual difference between clocks."},
		{"a clock ahead of Zendesk's", rules.Zendesk(), `"iat":1700000200`, "iat", "iat is 3m20s in the future and may be 3m0s at most: the signer's clock is at least that far ahead of this one."},
		{"an iat that is too old", rules.Zendesk(), `"iat":1699999800`, "iat", "iat is 3m20s ago and may be 3m0s at most: the token is old, or the signer's clock is at least 20s behind this one."},
		{"a token that was just signed", rules.ReadMe(), `"iat":1699999997`, "iat", "iat is 3s ago."},
		{"a session of two days", rules.GitBook(), `"exp":1700172800`, "exp", "exp is 48h0m0s from now."},
		{"a session of two weeks", rules.GitBook(), `"exp":1701209600`, "exp", "exp is 14 days from now."},
	} {
		_, findings := test.platform.Check(hs256(hsHeader, "{"+test.claims+"}", secret), secret, "h", now)
		found := false
		for _, f := range findings {
			if f.Rule == test.rule {
				found = true
				if f.Why != test.why {
					t.Errorf("%s: %s\nwant %s", test.name, f.Why, test.why)
				}
			}
		}
		if !found {
			t.Errorf("%s: no rule %s", test.name, test.rule)
		}
	}
}
