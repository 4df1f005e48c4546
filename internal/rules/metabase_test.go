package rules_test

import (
	"net/url"
	"testing"

	"github.com/docslogin/docslogin/internal/rules"
)

// metabaseURL is a redirect to the page that takes the token; T stands for the token.
const metabaseURL = docsURL + "/auth/sso?jwt=T"

func TestMetabase(t *testing.T) {
	checkTokens(t, []tokenTest{
		{"Metabase accepts a user", rules.Metabase(), hs256(hsHeader, `{"email":"e","first_name":"Ada","last_name":"P","groups":["a"],"plan":"pro","iat":1700000000,"exp":1700000180}`, secret), secret, "", ""},
		{"Metabase rejects a token after three minutes", rules.Metabase(), hs256(hsHeader, `{"email":"e","iat":1699999810,"exp":1700000180}`, secret), secret, "iat: 3m10s ago", ""},
		{"Metabase needs an e-mail", rules.Metabase(), hs256(hsHeader, `{"iat":1700000000}`, secret), secret, "email: has no email", ""},
		{"Metabase sets no limit without iat", rules.Metabase(), hs256(hsHeader, `{"email":"e"}`, secret), secret, "", "iat: has no iat"},
		{"a clock that is ahead of Metabase's", rules.Metabase(), hs256(hsHeader, `{"email":"e","iat":1700000240}`, secret), secret, "", "iat: 4m0s in the future"},
		{"a tenant by its ID", rules.Metabase(), hs256(hsHeader, `{"email":"e","@tenant":7,"iat":1700000000}`, secret), secret, "", ""},
		{"a tenant by its name", rules.Metabase(), hs256(hsHeader, `{"email":"e","@tenant":"acme","iat":1700000000}`, secret), secret, "", ""},
		{"a tenant that is a fraction", rules.Metabase(), hs256(hsHeader, `{"email":"e","@tenant":7.5,"iat":1700000000}`, secret), secret, "@tenant: is not a string or an integer", ""},
		{"a tenant that is an object", rules.Metabase(), hs256(hsHeader, `{"email":"e","@tenant":{},"iat":1700000000}`, secret), secret, "@tenant: is not a string or an integer", ""},
		{"groups that are one string", rules.Metabase(), hs256(hsHeader, `{"email":"e","groups":"a","iat":1700000000}`, secret), secret, "groups: is not a list of strings", ""},
	})
}

func TestMetabaseRejectsClaimsOfAWrongType(t *testing.T) {
	const want = "first_name last_name groups"
	if got := rejectedBy(rules.Metabase(), hs256(hsHeader, `{"email":"e","first_name":7,"last_name":7,"groups":7,"iat":1700000000}`, secret), secret); got != want {
		t.Errorf("rejected by %q, want %q", got, want)
	}
}

// The vectors were verified with java.net.URI of Java 17.
func TestMetabaseRejectsALinkThatIsNotAURI(t *testing.T) {
	const notURI = "is not a valid URI for Metabase, because it contains "
	for _, test := range []struct{ name, link, why string }{
		{"a space", "/a b", notURI + "white space"},
		{"a no-break space", "/a\u00a0b", notURI + "white space"},
		{"a control character", "/a\x01b", notURI + "white space or a control character"},
		{"a quotation mark", `/a?b="`, notURI + "a character"},
		{"a left angle bracket", "/a?b=<", notURI + "a character"},
		{"a right angle bracket", "/a?b=>", notURI + "a character"},
		{"a left brace", "/a?b={", notURI + "a character"},
		{"a right brace", "/a?b=}", notURI + "a character"},
		{"a bar", "/a|b", notURI + "a character"},
		{"a caret", "/a#^", notURI + "a character"},
		{"a backquote", "/a?`", notURI + "a character"},
		{"a backslash", `/a?\`, notURI + "a character"},
		{"a percent sign that does not begin an escape", "/a?b=100%", notURI + "a percent sign"},
		{"a second number sign", "/a#b#", notURI + "a second number sign"},
		{"a left bracket in the path", "/a[?b", notURI + "a bracket"},
		{"a right bracket in the path", "/a]#b", notURI + "a bracket"},
		{"another host", "https://evil.example/a", "leads to another host than the docs'"},
		{"another host without a scheme", "//evil.example/a", "leads to another host"},
		{"a script", "javascript:alert(1)", "is neither a path that begins with / nor an absolute URL"},
		{"a scheme alone", "https:", "is neither a path that begins with /"},
		{"a scheme and slashes", "https://", "is neither a path that begins with /"},
		{"slashes alone", "//", "is neither a path that begins with /"},
		{"a scheme that begins with a digit", "1https://bi.example.com/a", "is neither a path that begins with /"},
		{"a colon at the start", ":80", "is neither a path that begins with /"},
		{"a colon in a path", "/a:b", ""},
		{"a bracket and slashes in a path without a slash", "]//x://bi.example.com", notURI + "a bracket"},
		{"two number signs before slashes", "#a#b://", notURI + "a second number sign"},
		{"a colon in a query", "/a?b:c", ""},
		{"escapes", "/a%20b?c=%25%7B#%5B", ""},
		{"a plus", "/a?b=c+d", ""},
		{"brackets in the query", "/a?b[x]=1", ""},
		{"brackets in the fragment", "/a#[x]", ""},
		{"a non-ASCII letter and an emoji", "/é?😀", ""},
		{"all other characters", "/-._~!$&'()*+,;=:@?/?", ""},
		{"the site itself", "https://bi.example.com:443/a", ""},
		{"an IPv6 address with a port", "http://[::1]:3000/a", "leads to another host than the docs'"},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := ""
			if test.why != "" {
				want = "return_to: " + test.why
			}
			at := &url.URL{Host: "bi.example.com", Path: "/auth/sso"}
			checkFindings(t, rules.Metabase().CheckLink(test.link, at, "/docs-login"), want, "")
		})
	}
	for _, link := range []string{"?b:c", "#b:c", "dashboard/1?x=http://[::1]"} {
		at := &url.URL{Host: "bi.example.com", Path: "/auth/sso"}
		if f := rules.Metabase().CheckLink(link, at, ""); len(f) != 1 || f[0].Rejected() {
			t.Errorf("a link relative to the page that takes the token, %s: %+v", link, f)
		}
	}
	for _, link := range []string{"https://bi.example.com/a", "http://[::1]:3000/a"} {
		if f := rules.Metabase().CheckLink(link, &url.URL{}, ""); len(f) != 1 || !f[0].OK {
			t.Errorf("a site that is not known: %+v", f)
		}
	}
}

func TestAURLIdentifiesMetabase(t *testing.T) {
	checkInference(t, []inferTest{
		{"https://metabase.example.com/auth/sso?jwt=e.e.e", "Metabase", "the parameter jwt at /auth/sso"},
	})
}

func TestMetabaseURLs(t *testing.T) {
	checkURLs(t, []urlTest{
		{"a deep link that came back as it was given, a URL", rules.Metabase(), metabaseURL + "&return_to=" + docsURL + "/a", "", "", ""},
		{"no deep link for Metabase", rules.Metabase(), metabaseURL, "", "", "return_to: is missing"},
	})
}
