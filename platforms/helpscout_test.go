package platforms_test

import (
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
	testLinks(t, helpScout, []linkRow{
		{"a path with a query and an anchor", "returnTo=/article/1-a%3Fb=c%23d", "https://docs.example.com/authcallback?token=TOKEN&returnTo=%2Farticle%2F1-a%3Fb%3Dc%23d"},
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
