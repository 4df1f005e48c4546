package rules_test

import (
	"testing"

	"github.com/docslogin/docslogin/internal/rules"
)

// gitBook signs the claims of a session of one hour and the given ones.
func gitBook(more string) string {
	return hs256(hsHeader, `{"iat":1700000000,"exp":1700003600`+more+`}`, secret)
}

func TestGitBook(t *testing.T) {
	checkTokens(t, []tokenTest{
		{"GitBook accepts a session of an hour", rules.GitBook(), gitBook(`,"plan":"pro"`), secret, "", ""},
		{"GitBook accepts more than fits into one cookie", rules.GitBook(), longToken(t, gitBook, 7000), secret, "", ""}, // it splits the cookie (GitbookIO/gitbook #4554)
		{"GitBook decides if there is no exp", rules.GitBook(), hs256(hsHeader, `{"iat":1700000000}`, secret), secret, "", "exp: the platform alone decides"},
		{"GitBook cannot use a list", rules.GitBook(), gitBook(`,"groups":["a"],"beta":true,"areas":[]`), secret, "", `list: "areas" is a list; "groups" is a list`},
		{"GitBook accepts 4,000 bytes in the cookie of adaptive content", rules.GitBookAdaptive(), longToken(t, gitBook, 4000), secret, "", ""}, // it does not split that cookie
		{"GitBook rejects 4,001 bytes in the cookie of adaptive content", rules.GitBookAdaptive(), longToken(t, gitBook, 4001), secret, "size: 4001 bytes long and may be 4000 at most", ""},
		{"adaptive content cannot use a list", rules.GitBookAdaptive(), gitBook(`,"groups":["a"]`), secret, "", `list: "groups" is a list`},
	})
}

func TestAURLIdentifiesGitBook(t *testing.T) {
	checkInference(t, []inferTest{
		{"https://docs.example.com/get-started?jwt_token=e.e.e", "GitBook", "the parameter jwt_token"},
	})
}

func TestGitBookURLs(t *testing.T) {
	checkURLs(t, []urlTest{
		{"another token with GitBook's", rules.GitBook(), docsURL + "/a?access_token=x&jwt_token=T", "", "access_token: GitBook would take it instead of the token", ""},
		{"a claim that nobody signed", rules.GitBook(), docsURL + "/a?visitor%2Eplan=x&jwt_token=T", "", "visitor.…: GitBook would take it for a claim", ""},
		{"a page whose token is in a cookie", rules.GitBookAdaptive(), docsURL + "/a?b=c&visitor.plan=x#d", docsURL, "", ""},
		{"docs on http, whose token is in a cookie", rules.GitBookAdaptive(), "http://docs.example.com/a", "", "", "scheme: is http: the token travels in clear"},
		{"another token with that in the cookie", rules.GitBookAdaptive(), docsURL + "/a?jwt_token=x", docsURL, "jwt_token: GitBook would take it instead of the token", ""},
		{"a page of 3,001 bytes, whose token is in a cookie", rules.GitBookAdaptive(), docsURL + "/" + long(3001-25), docsURL, "", "length: is 3001 bytes long"},
	})
}
