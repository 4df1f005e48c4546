package platforms_test

import (
	"fmt"
	"log"
	"os"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
)

var featurebase = platforms.Featurebase("https://help.example.com", testkit.Secret)

func TestFeaturebaseLogin(t *testing.T) {
	testLogin(t, featurebase, "HS256", "https://help.example.com/api/v1/auth/access/jwt?jwt=TOKEN&return_to=https%3A%2F%2Fhelp.example.com%2F",
		`{"email":"ada@example.com","exp":1700000600,"iat":1700000000,"name":"Ada Lovelace","userId":"u-42"}`)
}

func TestFeaturebaseDeepLinks(t *testing.T) {
	const access, site = "https://help.example.com/api/v1/auth/access/jwt?jwt=TOKEN&return_to=", "https%3A%2F%2Fhelp.example.com"
	testLinks(t, featurebase, []linkRow{
		{"an article", "return_to=https%3A%2F%2Fhelp.example.com%2Fhelp%2Farticles%2F1", access + site + "%2Fhelp%2Farticles%2F1"},
		{"a query and an anchor", "return_to=https%3A%2F%2Fhelp.example.com%2Fhelp%3Fa%3D1%26b%3Dc%2520d%23top", access + site + "%2Fhelp%3Fa%3D1%26b%3Dc%2520d%23top"},
		{"plus signs and escapes", "return_to=https%3A%2F%2Fhelp.example.com%2Fa%252Fb%3Fq%3Dc%2Bd%252B100%2525", access + site + "%2Fa%252Fb%3Fq%3Dc%2Bd%252B100%2525"},
		{"non-ASCII letters", "return_to=https%3A%2F%2Fhelp.example.com%2Fgr%C3%B6%C3%9Fe%3Fq%3D%25C3%25BC", access + site + "%2Fgr%C3%B6%C3%9Fe%3Fq%3D%25C3%25BC"},
		{"a URL that is not escaped", "return_to=https://help.example.com/en", access + site + "%2Fen"},
		{"a path", "return_to=/en", access + site + "%2Fen"},
		{"no deep link", "", access + site + "%2F"},
		{"a foreign host", "return_to=https%3A%2F%2Fevil.example%2Fen", access + site + "%2F"},
		{"the page that takes the token", "return_to=https%3A%2F%2Fhelp.example.com%2Fapi%2Fv1%2Fauth%2Faccess%2Fjwt", access + site + "%2F"},
		{"a page with a token", "return_to=https%3A%2F%2Fhelp.example.com%2Fen%3Fjwt%3Dx", access + site + "%2F"},
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

func init() {
	os.Setenv("FEATUREBASE_SECRET", exampleSecret)
}

// Readers log in at a help center of Featurebase.
func ExampleFeaturebase() {
	docs, err := docslogin.New(currentUser,
		platforms.Featurebase("https://help.example.com", os.Getenv("FEATUREBASE_SECRET")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?return_to=https://help.example.com/articles/1"))
	// Output:
	// 302 https://help.example.com/api/v1/auth/access/jwt?jwt=TOKEN&return_to=https%3A%2F%2Fhelp.example.com%2Farticles%2F1
}
