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

var helpScout = platforms.HelpScout("https://docs.example.com", testkit.Secret)

func TestHelpScoutLogin(t *testing.T) {
	testLogin(t, helpScout, "HS512", "https://docs.example.com/authcallback?token=TOKEN",
		`{"exp":1700003600,"iat":1700000000,"sub":"ada@example.com"}`)
}

func TestHelpScoutDeepLinks(t *testing.T) {
	const callback = "https://docs.example.com/authcallback?token=TOKEN"
	testLinks(t, helpScout, []linkRow{
		{"a page", "returnTo=%2Fguide", callback + "&returnTo=%2Fguide"},
		{"a query", "returnTo=%2Fguide%3Fa%3D1%26b%3D2", callback + "&returnTo=%2Fguide%3Fa%3D1%26b%3D2"},
		{"an anchor", "returnTo=%2Fguide%23part", callback + "&returnTo=%2Fguide%23part"},
		{"a query and an anchor", "returnTo=%2Fguide%3Fa%3D1%26b%3D2%23part", callback + "&returnTo=%2Fguide%3Fa%3D1%26b%3D2%23part"},
		{"an escaped space", "returnTo=%2Fguide%2520a%3Fq%3Db%2520c", callback + "&returnTo=%2Fguide%2520a%3Fq%3Db%2520c"},
		{"plus signs", "returnTo=%2Fa%2Bb%3Fq%3Dc%2Bd%252Be", callback + "&returnTo=%2Fa%2Bb%3Fq%3Dc%2Bd%252Be"},
		{"an escaped slash", "returnTo=%2Fa%252Fb%3Fq%3Dc%252Fd", callback + "&returnTo=%2Fa%252Fb%3Fq%3Dc%252Fd"},
		{"an escaped percent sign", "returnTo=%2Fguide%3Fq%3D100%2525", callback + "&returnTo=%2Fguide%3Fq%3D100%2525"},
		{"an escaped ampersand", "returnTo=%2Fguide%3Fq%3Da%2526b", callback + "&returnTo=%2Fguide%3Fq%3Da%2526b"},
		{"non-ASCII letters, escaped", "returnTo=%2Fgr%25C3%25B6%25C3%259Fe%3Fq%3D%25E6%2597%25A5", callback + "&returnTo=%2Fgr%25C3%25B6%25C3%259Fe%3Fq%3D%25E6%2597%25A5"},
		{"non-ASCII letters", "returnTo=%2Fgr%C3%B6%C3%9Fe%3Fq%3D%E6%97%A5", callback + "&returnTo=%2Fgr%C3%B6%C3%9Fe%3Fq%3D%E6%97%A5"},
		{"no deep link", "", callback},
		{"an empty deep link", "returnTo=", callback},
		{"the text undefined", "returnTo=undefined", callback},
		{"a foreign host", "returnTo=https%3A%2F%2Fevil.example%2Fguide", callback},
		{"a foreign host without a scheme", "returnTo=%2F%2Fevil.example%2Fguide", callback},
		{"a path that leaves the docs", "returnTo=%2Fguide%2F..%2F..%2Fadmin", callback},
		{"a page that already has a token", "returnTo=%2Fguide%3Ftoken%3Dx", callback},
	})
}

func TestHelpScoutClaims(t *testing.T) {
	testClaims(t, helpScout, []claimsRow{
		{"everything, of which the e-mail address is sent", everything, `{"sub":"ada@example.com"}`},
	})
}

func TestHelpScoutRequires(t *testing.T) {
	testRequired(t, helpScout, []requiredRow{
		{"no e-mail address", withoutEmail, "sub"},
		{"no name", withoutName, ""},
	})
}

func TestHelpScoutLifetimes(t *testing.T) {
	testLongest(t, helpScout, 0, year)
	testLifetimes(t, helpScout, []lifetimeRow{
		{"an app session that ends before the docs session", until(time.Minute), nil, `"exp":1700000060`},
		{"a docs session of the app's choice", testkit.Ada, docslogin.WithSessionTTL(time.Second), `"exp":1700000001`},
	})
}

func TestHelpScoutReservedClaims(t *testing.T) { testReserved(t, helpScout, "iat", "exp", "nbf") }

func TestHelpScoutAttributes(t *testing.T) { testAttributesNotSent(t, helpScout) }

func init() {
	os.Setenv("HELPSCOUT_SECRET", exampleSecret)
}

// Restricted Docs identify a reader only by e-mail address.
func ExampleHelpScout() {
	docs, err := docslogin.New(currentUser,
		platforms.HelpScout("https://docs.example.com", os.Getenv("HELPSCOUT_SECRET")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?returnTo=/article/1-start"))
	// Output:
	// 302 https://docs.example.com/authcallback?token=TOKEN&returnTo=%2Farticle%2F1-start
}
