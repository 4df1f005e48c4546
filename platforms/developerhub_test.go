package platforms_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
)

var developerHub = platforms.DeveloperHub("https://docs.example.com", testkit.Secret)

const developerHubToken = `{"exp":1700086400,"iat":1700000000,"vars":{"email":"ada@example.com","first_name":"Ada","last_name":"Lovelace","name":"Ada Lovelace","plan":"pro"},"version":1}`

func TestDeveloperHubLogin(t *testing.T) {
	testLogin(t, developerHub, "HS256", "https://docs.example.com?jwt=TOKEN", developerHubToken)
}

func TestDeveloperHubLoginWithHS512(t *testing.T) {
	p := developerHub
	p.Algorithm = jose.HS512
	testLogin(t, p, "HS512", "https://docs.example.com?jwt=TOKEN", developerHubToken)
}

func TestDeveloperHubDeepLinks(t *testing.T) {
	const docs = "https://docs.example.com"
	testLinks(t, developerHub, []linkRow{
		{"a page", "redirect=https%3A%2F%2Fdocs.example.com%2Fguide", docs + "/guide?jwt=TOKEN"},
		{"a query", "redirect=https%3A%2F%2Fdocs.example.com%2Fguide%3Fa%3D1%26b%3D2", docs + "/guide?a=1&b=2&jwt=TOKEN"},
		{"an anchor", "redirect=https%3A%2F%2Fdocs.example.com%2Fguide%23part", docs + "/guide?jwt=TOKEN#part"},
		{"a query and an anchor", "redirect=https%3A%2F%2Fdocs.example.com%2Fguide%3Fa%3D1%26b%3D2%23part", docs + "/guide?a=1&b=2&jwt=TOKEN#part"},
		{"an escaped space", "redirect=https%3A%2F%2Fdocs.example.com%2Fguide%2520a%3Fq%3Db%2520c", docs + "/guide%20a?q=b%20c&jwt=TOKEN"},
		{"plus signs", "redirect=https%3A%2F%2Fdocs.example.com%2Fa%2Bb%3Fq%3Dc%2Bd%252Be", docs + "/a+b?q=c+d%2Be&jwt=TOKEN"},
		{"an escaped slash", "redirect=https%3A%2F%2Fdocs.example.com%2Fa%252Fb%3Fq%3Dc%252Fd", docs + "/a%2Fb?q=c%2Fd&jwt=TOKEN"},
		{"an escaped percent sign", "redirect=https%3A%2F%2Fdocs.example.com%2Fguide%3Fq%3D100%2525", docs + "/guide?q=100%25&jwt=TOKEN"},
		{"an escaped ampersand", "redirect=https%3A%2F%2Fdocs.example.com%2Fguide%3Fq%3Da%2526b", docs + "/guide?q=a%26b&jwt=TOKEN"},
		{"non-ASCII letters, escaped", "redirect=https%3A%2F%2Fdocs.example.com%2Fgr%25C3%25B6%25C3%259Fe%3Fq%3D%25E6%2597%25A5", docs + "/gr%C3%B6%C3%9Fe?q=%E6%97%A5&jwt=TOKEN"},
		{"non-ASCII letters", "redirect=https%3A%2F%2Fdocs.example.com%2Fgr%C3%B6%C3%9Fe%3Fq%3D%E6%97%A5", docs + "/gr%C3%B6%C3%9Fe?q=%E6%97%A5&jwt=TOKEN"},
		{"no deep link", "", docs + "?jwt=TOKEN"},
		{"an empty deep link", "redirect=", docs + "?jwt=TOKEN"},
		{"the text undefined", "redirect=undefined", docs + "?jwt=TOKEN"},
		{"a foreign host", "redirect=https%3A%2F%2Fevil.example%2Fguide", docs + "?jwt=TOKEN"},
		{"a foreign host without a scheme", "redirect=%2F%2Fevil.example%2Fguide", docs + "?jwt=TOKEN"},
		{"a path that leaves the docs", "redirect=%2Fguide%2F..%2F..%2Fadmin", docs + "?jwt=TOKEN"},
		{"a page that already has a token", "redirect=https%3A%2F%2Fdocs.example.com%2Fguide%3Fjwt%3Dx", docs + "?jwt=TOKEN"},
		{"a path", "redirect=/ref", docs + "/ref?jwt=TOKEN"},
		{"the home page with a query", "redirect=https://docs.example.com/%3Fx=1", docs + "/?x=1&jwt=TOKEN"},
	})
}

func TestDeveloperHubClaims(t *testing.T) {
	testClaims(t, developerHub, []claimsRow{
		{"name, e-mail address, and attributes", &docslogin.User{ID: "7", Name: "Ada", Email: "a@b.c", Groups: []string{"g"}, APIKeys: []docslogin.APIKey{{Key: "1"}}, Attributes: map[string]any{"plan": "pro"}},
			`{"vars":{"email":"a@b.c","name":"Ada","plan":"pro"}}`},
		{"an ID alone, with empty vars", idAlone, `{"vars":{}}`},
	})
	testErrors(t, developerHub, []errorRow{
		{"an attribute that has the name of the reader's name", with(map[string]any{"name": "x"}), `the attribute "name" would set a claim that has a meaning`},
	})
}

func TestDeveloperHubRequiresNothing(t *testing.T) {
	testRequired(t, developerHub, []requiredRow{{"a name alone", nameAlone, ""}})
}

func TestDeveloperHubLifetimes(t *testing.T) {
	testLongest(t, developerHub, 0, year)
	testLifetimes(t, developerHub, []lifetimeRow{
		{"an app session that ends before the docs session", until(time.Hour), nil, `"exp":1700003600`},
	})
}

func TestDeveloperHubReservedClaims(t *testing.T) {
	testReserved(t, developerHub, "iat", "exp", "nbf", "version")
}

// In vars, the names of other claims mean nothing.
func TestDeveloperHubAttributes(t *testing.T) {
	testAttributesRejected(t, developerHub, "mapper_failed", "name", "email")
	testAttributesInside(t, developerHub, "vars", "version", "exp", "error_redirect_url")
}

func init() {
	os.Setenv("DEVELOPERHUB_KEY", exampleSecret)
}

// DeveloperHub sends a reader whose token it rejects to the app's own page.
func ExampleDeveloperHub() {
	onError := func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
		claims["error_redirect_url"] = "https://app.example.com/docs-help"
		return nil
	}

	docs, err := docslogin.New(currentUser,
		platforms.DeveloperHub("https://docs.example.com", os.Getenv("DEVELOPERHUB_KEY")), docslogin.WithClaimsMapper(onError))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?redirect=https://docs.example.com/reference"))
	// Output:
	// 302 https://docs.example.com/reference?jwt=TOKEN
}
