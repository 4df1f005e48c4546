package platforms_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
)

var pylon = platforms.Pylon("https://support.example.com", "configured", "https://app.example.com/", testkit.Secret)

const (
	pylonCallback = "https://graph.usepylon.com/callback/jwt?orgSlug=configured&jwt=TOKEN"
	pylonToken    = `{"aud":"https://portal.usepylon.com","email":"ada@example.com","exp":1700000300,"iat":1700000000,"iss":"https://app.example.com/"}`
)

func TestPylonLogin(t *testing.T) { testLogin(t, pylon, "HS256", pylonCallback, pylonToken) }

func TestPylonLoginWithHS512(t *testing.T) {
	p := pylon
	p.Algorithm = jose.HS512
	testLogin(t, p, "HS512", pylonCallback, pylonToken)
}

func TestPylonDeepLinks(t *testing.T) {
	testLinks(t, pylon, []linkRow{
		{"no query", "", pylonCallback},
		{"the orgSlug of another customer of Pylon", "orgSlug=evil", pylonCallback},
		{"a page, for which Pylon documents no parameter", "redirect=%2Farticles%2F1", pylonCallback},
		{"a token", "jwt=x", pylonCallback},
	})
	if got := testkit.New(t, testkit.Nobody, pylon).LoginPath("/articles/1"); got != "/docs-login" {
		t.Errorf("a link to an article is %s", got)
	}
}

func TestPylonOrgSlug(t *testing.T) {
	for _, tt := range []struct{ name, orgSlug, reason string }{
		{"no orgSlug", "", `has no value for the parameter "orgSlug"`},
		{"white space around it", "acme\n", "white space around the value of the parameter \"orgSlug\""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := docslogin.New(testkit.Nobody, platforms.Pylon("https://support.example.com", tt.orgSlug, "https://app.example.com/", testkit.Secret))
			testConfigError(t, err, "Platform.Params", tt.reason)
		})
	}
}

func TestPylonIssuer(t *testing.T) {
	const reason = "must be the origin of the login URL with one slash at its end, such as https://app.example.com/, in lower case, and with https unless the host is a loopback host"
	for _, tt := range []struct{ name, issuer string }{
		{"nothing", ""},
		{"no slash at its end", "https://app.umbrella.example"},
		{"two slashes at its end", "https://app.umbrella.example//"},
		{"the login URL", "https://app.umbrella.example/docs-login"},
		{"a path with a slash", "https://app.umbrella.example/docs/"},
		{"http", "http://app.umbrella.example/"},
		{"a host", "app.umbrella.example/"},
		{"a slash", "/"},
		{"upper case", "https://App.umbrella.example/"},
		{"the scheme's own port", "https://app.umbrella.example:443/"},
		{"a query", "https://app.umbrella.example?a=/"},
		{"user info", "https://umbrella:hunter2@app.umbrella.example/"},
		{"white space after it", "https://app.umbrella.example/\n"},
		{"the secret", testkit.Secret},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := platforms.Pylon("https://support.example.com", "acme", tt.issuer, testkit.Secret)
			_, err := docslogin.New(testkit.Nobody, p)
			testConfigError(t, err, "issuer", reason)
			for _, text := range []string{"umbrella", "hunter2", testkit.Secret} {
				if err != nil && strings.Contains(err.Error(), text) {
					t.Errorf("the error shows %q: %v", text, err)
				}
			}
		})
	}
}

func TestPylonIssuers(t *testing.T) {
	for _, issuer := range []string{"https://app.example.com/", "https://app.example.com:8443/", "http://localhost:8080/", "http://127.0.0.1:8080/"} {
		p := platforms.Pylon("https://support.example.com", "acme", issuer, testkit.Secret)
		if got := payload(t, p, testkit.Ada)["iss"]; got != issuer {
			t.Errorf("iss is %v, want %s", got, issuer)
		}
	}
}

func TestPylonClaims(t *testing.T) {
	testClaims(t, pylon, []claimsRow{
		{"every field, of which one is sent", everything, `{"email":"ada@example.com"}`},
	})
}

func TestPylonRequires(t *testing.T) {
	testRequired(t, pylon, []requiredRow{
		{"no e-mail address", withoutEmail, "email"},
		{"no ID", withoutID, ""},
		{"no name", withoutName, ""},
	})
}

func TestPylonLifetimes(t *testing.T) {
	testLongest(t, pylon, year, 0)
	testLifetimes(t, pylon, []lifetimeRow{
		{"a token of the app's choice, and an app session that ends before it", until(time.Minute), docslogin.WithTokenTTL(time.Hour), `"exp":1700003600`},
	})
}

func TestPylonReservedClaims(t *testing.T) { testReserved(t, pylon, "iat", "exp", "nbf", "aud", "iss") }

func TestPylonAttributes(t *testing.T) {
	testAttributesNotSent(t, pylon, "aud", "account_id", "account_external_id")
}

func init() {
	os.Setenv("PYLON_SECRET", exampleSecret)
}

// The app names the account to which a new contact belongs.
func ExamplePylon() {
	account := func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
		claims["account_external_id"] = "account-of-" + user.ID
		return nil
	}

	docs, err := docslogin.New(currentUser,
		platforms.Pylon("https://support.example.com", "acme", "https://app.example.com/", os.Getenv("PYLON_SECRET")),
		docslogin.WithClaimsMapper(account))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login"))
	// Output:
	// 302 https://graph.usepylon.com/callback/jwt?orgSlug=acme&jwt=TOKEN
}
