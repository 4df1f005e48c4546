package platforms_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
)

var userVoice = platforms.UserVoice("https://acme.uservoice.com", testkit.Secret)

func TestUserVoiceLogin(t *testing.T) {
	testLogin(t, userVoice, "HS256", "https://acme.uservoice.com?sso=TOKEN",
		`{"display_name":"Ada Lovelace","email":"ada@example.com","exp":1700086400,"guid":"u-42","iat":1700000000}`)
}

func TestUserVoiceDeepLinks(t *testing.T) {
	const home = "https://acme.uservoice.com?sso=TOKEN"
	testLinks(t, userVoice, []linkRow{
		{"no query", "", home},
		{"a page, for which UserVoice documents no parameter", "return=%2Fforums%2F1", home},
		{"a foreign host", "redirect=https%3A%2F%2Fevil.example%2F", home},
		{"a token", "sso=x", home},
	})
	if got := testkit.New(t, testkit.Nobody, userVoice).LoginPath("/forums/1"); got != "/docs-login" {
		t.Errorf("a link to a forum is %s", got)
	}
}

func TestUserVoiceClaims(t *testing.T) {
	testClaims(t, userVoice, []claimsRow{
		{"every field, of which three are sent", everything, `{"display_name":"Ada Lovelace","email":"ada@example.com","guid":"u-42"}`},
		{"no name, for which there is no substitute", withoutName, `{"email":"ada@example.com","guid":"u-42"}`},
	})
}

func TestUserVoiceRequires(t *testing.T) {
	testRequired(t, userVoice, []requiredRow{
		{"no ID", withoutID, "guid"},
		{"no e-mail address", withoutEmail, "email"},
		{"no name", withoutName, ""},
		{"a name alone", nameAlone, "guid, email"},
	})
}

func TestUserVoiceLifetimes(t *testing.T) {
	testLongest(t, userVoice, 0, year)
	testLifetimes(t, userVoice, []lifetimeRow{
		{"an app session that ends before the docs session", until(time.Hour), nil, `"exp":1700003600`},
		{"a docs session of the app's choice", testkit.Ada, docslogin.WithSessionTTL(time.Hour), `"exp":1700003600`},
	})
}

func TestUserVoiceReservedClaims(t *testing.T) { testReserved(t, userVoice, "iat", "exp", "nbf") }

func TestUserVoiceAttributes(t *testing.T) {
	testAttributesNotSent(t, userVoice, "guid", "display_name", "expires", "trusted", "owner", "admin", "allow_forums", "deny_forums", "locale")
}

func init() {
	os.Setenv("USERVOICE_SSO_KEY", exampleSecret)
}

// The app's own group decides who is an admin of the portal.
func ExampleUserVoice() {
	admin := func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
		if slices.Contains(user.Groups, "portal-admins") {
			claims["admin"] = "accept"
		}
		return nil
	}

	docs, err := docslogin.New(currentUser,
		platforms.UserVoice("https://acme.uservoice.com", os.Getenv("USERVOICE_SSO_KEY")), docslogin.WithClaimsMapper(admin))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login"))
	// Output:
	// 302 https://acme.uservoice.com?sso=TOKEN
}
