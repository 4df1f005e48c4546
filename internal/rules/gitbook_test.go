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
