package platforms_test

import (
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
)

var featurebase = platforms.Featurebase("https://help.example.com", testkit.Secret)

func TestFeaturebaseLogin(t *testing.T) {
	testLogin(t, featurebase, "HS256", "https://help.example.com/api/v1/auth/access/jwt?jwt=TOKEN",
		`{"email":"ada@example.com","exp":1700000600,"iat":1700000000,"name":"Ada Lovelace","userId":"u-42"}`)
}

func TestFeaturebaseDeepLinks(t *testing.T) {
	const access = "https://help.example.com/api/v1/auth/access/jwt?jwt=TOKEN"
	testLinks(t, featurebase, []linkRow{
		{"an absolute URL", "return_to=https://help.example.com/en%3Fa%23b", access + "&return_to=https%3A%2F%2Fhelp.example.com%2Fen%3Fa%23b"},
		{"a path", "return_to=/en", access + "&return_to=https%3A%2F%2Fhelp.example.com%2Fen"},
	})
}

func TestFeaturebaseClaims(t *testing.T) {
	testClaims(t, featurebase, []claimsRow{
		{"everything, of which three claims are sent", everything, `{"email":"ada@example.com","name":"Ada Lovelace","userId":"u-42"}`},
		{"no name, which is not filled", &docslogin.User{Email: "ada@example.com"}, `{"email":"ada@example.com"}`},
	})
}

func TestFeaturebaseRequires(t *testing.T) {
	testRequired(t, featurebase, []requiredRow{
		{"no e-mail address", withoutEmail, ""},
		{"no ID", withoutID, ""},
		{"a name alone", nameAlone, "email or userId"},
	})
}

func TestFeaturebaseLifetimes(t *testing.T) {
	testLongest(t, featurebase, year, 0)
	testLifetimes(t, featurebase, []lifetimeRow{
		{"a token of the app's choice, and an app session that ends before it", until(time.Minute), docslogin.WithTokenTTL(time.Hour), `"exp":1700003600`},
	})
}

func TestFeaturebaseReservedClaims(t *testing.T) { testReserved(t, featurebase, "iat", "exp", "nbf") }

func TestFeaturebaseAttributes(t *testing.T) { testAttributesNotSent(t, featurebase) }
