package platforms_test

import (
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
)

var gitBook = platforms.GitBook("https://example.com/docs", testkit.Secret)

func TestGitBookLogin(t *testing.T) {
	testLogin(t, gitBook, "HS256", "https://example.com/docs?jwt_token=TOKEN",
		`{"email":"ada@example.com","exp":1700003600,"first_name":"Ada","iat":1700000000,"last_name":"Lovelace","name":"Ada Lovelace","plan":"pro"}`)
}

func TestGitBookDeepLinks(t *testing.T) {
	const site = "https://example.com/docs"
	testLinks(t, gitBook, []linkRow{
		{"a page", "location=guide", site + "/guide?jwt_token=TOKEN"},
		{"a query", "location=guide%3Fa%3D1%26b%3D2", site + "/guide?a=1&b=2&jwt_token=TOKEN"},
		{"an anchor", "location=guide%23part", site + "/guide?jwt_token=TOKEN#part"},
		{"a query and an anchor", "location=guide%3Fa%3D1%26b%3D2%23part", site + "/guide?a=1&b=2&jwt_token=TOKEN#part"},
		{"an escaped space", "location=guide%2520a%3Fq%3Db%2520c", site + "/guide%20a?q=b%20c&jwt_token=TOKEN"},
		{"plus signs", "location=a%2Bb%3Fq%3Dc%2Bd%252Be", site + "/a+b?q=c+d%2Be&jwt_token=TOKEN"},
		{"an escaped slash", "location=a%252Fb%3Fq%3Dc%252Fd", site + "/a%2Fb?q=c%2Fd&jwt_token=TOKEN"},
		{"an escaped percent sign", "location=guide%3Fq%3D100%2525", site + "/guide?q=100%25&jwt_token=TOKEN"},
		{"an escaped ampersand", "location=guide%3Fq%3Da%2526b", site + "/guide?q=a%26b&jwt_token=TOKEN"},
		{"non-ASCII letters, escaped", "location=gr%25C3%25B6%25C3%259Fe%3Fq%3D%25E6%2597%25A5", site + "/gr%C3%B6%C3%9Fe?q=%E6%97%A5&jwt_token=TOKEN"},
		{"non-ASCII letters", "location=gr%C3%B6%C3%9Fe%3Fq%3D%E6%97%A5", site + "/gr%C3%B6%C3%9Fe?q=%E6%97%A5&jwt_token=TOKEN"},
		{"no deep link", "", site + "?jwt_token=TOKEN"},
		{"an empty deep link", "location=", site + "?jwt_token=TOKEN"},
		{"the text undefined", "location=undefined", site + "?jwt_token=TOKEN"},
		{"a foreign host", "location=https%3A%2F%2Fevil.example%2Fguide", site + "?jwt_token=TOKEN"},
		{"a foreign host without a scheme", "location=%2F%2Fevil.example%2Fguide", site + "?jwt_token=TOKEN"},
		{"a path that leaves the docs", "location=%2Fguide%2F..%2F..%2Fadmin", site + "?jwt_token=TOKEN"},
		{"a path with a slash", "location=/guide", site + "/guide?jwt_token=TOKEN"},
		{"an absolute URL with a query", "location=https://example.com/docs/guide%3Fa%3D1", site + "/guide?a=1&jwt_token=TOKEN"},
		{"tokens and claims that nobody signed", "location=guide%3Fjwt_token%3Dx%26a%3D1%26access_token%3Dx%26visitor.plan%3Dpro%26%2576isitor.x%3Dy", site + "/guide?a=1&jwt_token=TOKEN"},
		{"a claim before a broken escape", "location=guide%3Fvisitor%252Eplan%25GG%3Dpro%26a%3D1", site + "/guide?a=1&jwt_token=TOKEN"},
		{"a page outside of the site", "location=https://example.com/admin", site + "?jwt_token=TOKEN"},
		{"a page of a foreign host", "location=https://evil.example/docs/guide", site + "?jwt_token=TOKEN"},
	})
}

func TestGitBookClaims(t *testing.T) {
	testClaims(t, gitBook, []claimsRow{
		{"an ID, groups, and keys", &docslogin.User{ID: "7", Name: "Ada Lovelace", Email: "ada@example.com", Groups: []string{"g"}, APIKeys: []docslogin.APIKey{{Key: "1"}}}, `{"email":"ada@example.com","name":"Ada Lovelace"}`},
		{"attributes", &docslogin.User{Name: "Ada Lovelace", Attributes: map[string]any{"plan": "pro"}}, `{"name":"Ada Lovelace","plan":"pro"}`},
	})
	testErrors(t, gitBook, []errorRow{
		{"an attribute that has the name of the e-mail address", with(map[string]any{"email": "x"}), `the attribute "email" would set a claim that has a meaning`},
	})
}

func TestGitBookRequiresNothing(t *testing.T) {
	testRequired(t, gitBook, []requiredRow{{"a name alone", nameAlone, ""}})
}

func TestGitBookLifetimes(t *testing.T) {
	testLongest(t, gitBook, 0, year)
	testLifetimes(t, gitBook, []lifetimeRow{
		{"an app session that ends after the docs session", until(15 * 24 * time.Hour), nil, `"exp":1700003600`},
		{"a docs session of the app's choice", testkit.Ada, docslogin.WithSessionTTL(7 * 24 * time.Hour), `"exp":1700604800`},
		{"the shortest docs session", testkit.Ada, docslogin.WithSessionTTL(time.Minute), `"exp":1700000060`},
		{"an app session that ends with the shortest docs session", until(time.Minute), nil, `"exp":1700000060`},
		{"an app session that ends before the shortest docs session", until(59 * time.Second), nil, ""},
	})
	_, err := docslogin.New(testkit.Nobody, gitBook, docslogin.WithSessionTTL(59*time.Second))
	testConfigError(t, err, "WithSessionTTL", "is 59s; it must be from 1m0s")
}

// GitBook splits its cookie in three (GitbookIO/gitbook #4554), so only the URL limits the token.
func TestGitBookTokensCanBeTooLongForOneCookie(t *testing.T) {
	user := with(map[string]any{"bio": strings.Repeat("x", 5000)})
	to := testkit.Sent(t, testkit.Get(t, testkit.New(t, testkit.As(user), gitBook), "/docs-login"))
	if size := len(testkit.JWT.FindString(to)); size < 6000 {
		t.Errorf("the token has %d bytes", size)
	}
}

func TestGitBookReservedClaims(t *testing.T) {
	testReserved(t, gitBook, "iat", "exp", "nbf")
	testAttributesRejected(t, gitBook, "reserved_claim", "exp", "iat", "nbf")
}

func TestGitBookAttributes(t *testing.T) {
	testAttributesRejected(t, gitBook, "mapper_failed", "name", "email")
}
