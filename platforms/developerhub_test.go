package platforms_test

import (
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
	testLinks(t, developerHub, []linkRow{
		{"an absolute URL", "redirect=https://docs.example.com/ref%3Fa=b%23c", "https://docs.example.com/ref?a=b&jwt=TOKEN#c"},
		{"a path", "redirect=/ref", "https://docs.example.com/ref?jwt=TOKEN"},
		{"the home with a query", "redirect=https://docs.example.com/%3Fx=1", "https://docs.example.com/?x=1&jwt=TOKEN"},
		{"a page of a foreign host", "redirect=https://evil.example/ref", "https://docs.example.com?jwt=TOKEN"},
	})
}

func TestDeveloperHubClaims(t *testing.T) {
	testClaims(t, developerHub, []claimsRow{
		{"name, e-mail address, and attributes", &docslogin.User{ID: "7", Name: "Ada", Email: "a@b.c", Groups: []string{"g"}, APIKeys: []docslogin.APIKey{{Key: "1"}}, Attributes: map[string]any{"plan": "pro"}},
			`{"vars":{"email":"a@b.c","name":"Ada","plan":"pro"}}`},
		{"an ID alone, for which vars are there but empty", idAlone, `{"vars":{}}`},
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
