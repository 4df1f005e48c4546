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
	testLinks(t, gitBook, []linkRow{
		{"a path without a slash, with a query and an anchor", "location=guide/start%3Fa%3D1%26b%3D%2520%23part", "https://example.com/docs/guide/start?a=1&b=%20&jwt_token=TOKEN#part"},
		{"a path with a slash", "location=/guide", "https://example.com/docs/guide?jwt_token=TOKEN"},
		{"an absolute URL with a query", "location=https://example.com/docs/guide%3Fa%3D1", "https://example.com/docs/guide?a=1&jwt_token=TOKEN"},
		{"tokens and claims that nobody signed", "location=guide%3Fjwt_token%3Dx%26a%3D1%26access_token%3Dx%26visitor.plan%3Dpro%26%2576isitor.x%3Dy", "https://example.com/docs/guide?a=1&jwt_token=TOKEN"},
		{"a claim before a broken escape", "location=guide%3Fvisitor%252Eplan%25GG%3Dpro%26a%3D1", "https://example.com/docs/guide?a=1&jwt_token=TOKEN"},
		{"a page outside of the site", "location=https://example.com/admin", "https://example.com/docs?jwt_token=TOKEN"},
		{"a page of a foreign host", "location=https://evil.example/docs/guide", "https://example.com/docs?jwt_token=TOKEN"},
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
	testConfigError(t, err, "WithSessionTTL", "is 59s; on this platform it must be from 1m0s")
}

// GitBook splits its cookie in three (GitbookIO/gitbook #4554), so only the URL is limited.
func TestGitBookTakesTokensThatDoNotFitIntoACookie(t *testing.T) {
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
