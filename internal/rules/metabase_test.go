package rules_test

import (
	"net/url"
	"testing"

	"github.com/docslogin/docslogin/internal/rules"
)

func TestMetabase(t *testing.T) {
	checkTokens(t, []tokenTest{
		{"Metabase accepts a user", rules.Metabase(), hs256(hsHeader, `{"email":"e","first_name":"Ada","last_name":"P","groups":["a"],"plan":"pro","iat":1700000000,"exp":1700000180}`, secret), secret, "", ""},
		{"Metabase rejects a token after three minutes", rules.Metabase(), hs256(hsHeader, `{"email":"e","iat":1699999810,"exp":1700000180}`, secret), secret, "iat: 3m10s ago", ""},
		{"Metabase needs an e-mail", rules.Metabase(), hs256(hsHeader, `{"iat":1700000000}`, secret), secret, "email: has no email", ""},
		{"Metabase sets no limit without iat", rules.Metabase(), hs256(hsHeader, `{"email":"e"}`, secret), secret, "", "iat: has no iat"},
		{"a clock that is ahead of Metabase's", rules.Metabase(), hs256(hsHeader, `{"email":"e","iat":1700000240}`, secret), secret, "", "iat: 4m0s in the future"},
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
	const notURI = "is not a URI, which java.net.URI has to parse: it contains "
	for _, test := range []struct{ name, link, why string }{
		{"a blank", "/a b", notURI + "white space"},
		{"a blank beyond ASCII", "/a\u00a0b", notURI + "white space"},
		{"a control character", "/a\x01b", notURI + "white space or a control character"},
		{"a quotation mark", `/a?b="`, notURI + "a character"},
		{"an angle bracket to the left", "/a?b=<", notURI + "a character"},
		{"an angle bracket to the right", "/a?b=>", notURI + "a character"},
		{"a brace to the left", "/a?b={", notURI + "a character"},
		{"a brace to the right", "/a?b=}", notURI + "a character"},
		{"a bar", "/a|b", notURI + "a character"},
		{"a caret", "/a#^", notURI + "a character"},
		{"a backquote", "/a?`", notURI + "a character"},
		{"a backslash", `/a?\`, notURI + "a character"},
		{"a percent sign that begins no escape", "/a?b=100%", notURI + "a percent sign"},
		{"a second number sign", "/a#b#", notURI + "a second number sign"},
		{"a bracket to the left in the path", "/a[?b", notURI + "a bracket"},
		{"a bracket to the right in the path", "/a]#b", notURI + "a bracket"},
		{"another host", "https://evil.example/a", "leads to another host than the docs'"},
		{"another host without a scheme", "//evil.example/a", "leads to another host"},
		{"escapes", "/a%20b?c=%25%7B#%5B", ""},
		{"a plus", "/a?b=c+d", ""},
		{"brackets in the query", "/a?b[x]=1", ""},
		{"brackets in the fragment", "/a#[x]", ""},
		{"a letter beyond ASCII, and an emoji", "/é?😀", ""},
		{"all other characters", "/-._~!$&'()*+,;=:@?/?", ""},
		{"the site itself", "https://BI.example.com:443/a", ""},
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
	if f := rules.Metabase().CheckLink("https://bi.example.com/a", &url.URL{}, ""); len(f) != 1 || !f[0].OK {
		t.Errorf("a site that is not known: %+v", f)
	}
}
