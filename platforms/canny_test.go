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

var canny = platforms.Canny("https://feedback.example.com", "configured", testkit.Secret)

func TestCannyLogin(t *testing.T) {
	testLogin(t, canny, "HS256", "https://canny.io/api/redirects/sso?companyID=configured&ssoToken=TOKEN&redirect=https%3A%2F%2Ffeedback.example.com%2F",
		`{"email":"ada@example.com","exp":1700000300,"iat":1700000000,"id":"u-42","name":"Ada Lovelace"}`)
}

func TestCannyDeepLinks(t *testing.T) {
	const sso, board = "https://canny.io/api/redirects/sso?companyID=configured&ssoToken=TOKEN&redirect=", "https%3A%2F%2Ffeedback.example.com"
	testLinks(t, canny, []linkRow{
		{"a post", "redirect=https%3A%2F%2Ffeedback.example.com%2Fideas%2Fp%2Fdark-mode", sso + board + "%2Fideas%2Fp%2Fdark-mode"},
		{"the companyID that Canny sends", "companyID=configured&redirect=https%3A%2F%2Ffeedback.example.com%2Fideas", sso + board + "%2Fideas"},
		{"the companyID of another customer of Canny", "companyID=evil&redirect=https%3A%2F%2Ffeedback.example.com%2Fideas", sso + board + "%2Fideas"},
		{"a query and an anchor", "redirect=https%3A%2F%2Ffeedback.example.com%2Fideas%3Fsort%3Dnew%26q%3Da%2520b%23top", sso + board + "%2Fideas%3Fsort%3Dnew%26q%3Da%2520b%23top"},
		{"plus signs and escapes", "redirect=https%3A%2F%2Ffeedback.example.com%2Fa%252Fb%3Fq%3Dc%2Bd%252B100%2525", sso + board + "%2Fa%252Fb%3Fq%3Dc%2Bd%252B100%2525"},
		{"non-ASCII letters", "redirect=https%3A%2F%2Ffeedback.example.com%2Fgr%C3%B6%C3%9Fe%3Fq%3D%25C3%25BC", sso + board + "%2Fgr%C3%B6%C3%9Fe%3Fq%3D%25C3%25BC"},
		{"a path", "redirect=/ideas", sso + board + "%2Fideas"},
		{"no deep link", "", sso + board + "%2F"},
		{"a foreign host", "redirect=https%3A%2F%2Fevil.example%2Fideas", sso + board + "%2F"},
		{"Canny's own host", "redirect=https%3A%2F%2Fcanny.io%2Fapi%2Fredirects%2Fsso", sso + board + "%2F"},
		{"a page with a token", "redirect=https%3A%2F%2Ffeedback.example.com%2Fideas%3FssoToken%3Dx", sso + board + "%2F"},
	})
}

func TestCannyCompanyID(t *testing.T) {
	for _, tt := range []struct{ name, companyID, reason string }{
		{"no companyID", "", `has no value for the parameter "companyID"`},
		{"white space around it", "5c1d\n", "white space around the value of the parameter \"companyID\""},
	} {
		_, err := docslogin.New(testkit.Nobody, platforms.Canny("https://feedback.example.com", tt.companyID, testkit.Secret))
		testConfigError(t, err, "Platform.Params", tt.reason)
	}
}

func TestCannyClaims(t *testing.T) {
	testClaims(t, canny, []claimsRow{
		{"everything, of which three claims are sent", everything, `{"email":"ada@example.com","id":"u-42","name":"Ada Lovelace"}`},
		{"no name", &docslogin.User{Email: "ada@example.com"}, `{"email":"ada@example.com","name":"ada@example.com"}`},
	})
}

func TestCannyRequires(t *testing.T) {
	testRequired(t, canny, []requiredRow{
		{"no ID", withoutID, "id"},
		{"no e-mail address", withoutEmail, "email"},
		{"no name", withoutName, ""},
	})
}

func TestCannyLifetimes(t *testing.T) {
	testLongest(t, canny, year, 0)
	testLifetimes(t, canny, []lifetimeRow{
		{"an app session that ends before the token", until(time.Minute), nil, `"exp":1700000300`},
	})
}

func TestCannyReservedClaims(t *testing.T) { testReserved(t, canny, "iat", "exp", "nbf") }

func TestCannyAttributes(t *testing.T) { testAttributesNotSent(t, canny) }

func init() {
	os.Setenv("CANNY_PRIVATE_KEY", exampleSecret)
}

// The company ID is Canny's name for the account. A companyID in the request is ignored.
func ExampleCanny() {
	docs, err := docslogin.New(currentUser,
		platforms.Canny("https://feedback.example.com", "5c1d", os.Getenv("CANNY_PRIVATE_KEY")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?redirect=https://feedback.example.com/ideas"))
	// Output:
	// 302 https://canny.io/api/redirects/sso?companyID=5c1d&ssoToken=TOKEN&redirect=https%3A%2F%2Ffeedback.example.com%2Fideas
}
