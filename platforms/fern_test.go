package platforms_test

import (
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
)

var fern = platforms.Fern("https://example.com/docs", testkit.Secret)

func TestFernLogin(t *testing.T) {
	testLogin(t, fern, "HS256", "https://example.com/docs/api/fern-docs/auth/jwt/callback?fern_token=TOKEN",
		`{"exp":1700086400,"fern":{"email":"ada@example.com","name":"Ada Lovelace","playground":{"initial_state":{"auth":{"bearer_token":"sk_1"}}},"roles":["admin"]},"iat":1700000000,"iss":"https://buildwithfern.com"}`)
}

func TestFernDeepLinks(t *testing.T) {
	const callback = "https://example.com/docs/api/fern-docs/auth/jwt/callback?fern_token=TOKEN"
	testLinks(t, fern, []linkRow{
		{"an absolute URL, as it arrived", "state=HTTPS%3A%2F%2Fexample.com%2Fdocs%3Fq%3D%2520%26r%23s", callback + "&state=HTTPS%3A%2F%2Fexample.com%2Fdocs%3Fq%3D%2520%26r%23s"},
		{"a path, and a redirect_uri that is ignored", "state=/docs/a&redirect_uri=https://evil.example", callback + "&state=%2Fdocs%2Fa"},
		{"a page of a foreign host", "state=https%3A%2F%2Fevil.example%2Fdocs", callback},
	})
}

func TestFernIssuer(t *testing.T) {
	p := platforms.Fern("https://example.com/docs", testkit.Secret)
	p.Static["iss"] = "https://app.example.com"
	if iss := payload(t, p, testkit.Ada)["iss"]; iss != "https://app.example.com" {
		t.Errorf("iss is %v", iss)
	}
	if iss := payload(t, fern, testkit.Ada)["iss"]; iss != "https://buildwithfern.com" {
		t.Errorf("the iss of another platform is %v", iss)
	}
}

func TestFernClaims(t *testing.T) {
	testClaims(t, fern, []claimsRow{
		{"groups, name, and e-mail address, without ID and attributes", &docslogin.User{ID: "7", Name: "Ada Lovelace", Email: "ada@example.com", Groups: []string{"g"}, Attributes: map[string]any{"role": "admin"}},
			`{"fern":{"email":"ada@example.com","name":"Ada Lovelace","roles":["g"]}}`},
		{"the first key", keys(docslogin.APIKey{Key: "1", Values: map[string]any{"v": 1}}, docslogin.APIKey{Key: "2"}), `{"fern":{"playground":{"initial_state":{"auth":{"bearer_token":"1"}}}}}`},
		{"HTTP Basic", keys(docslogin.APIKey{Username: "u", Password: "p"}), `{"fern":{"playground":{"initial_state":{"auth":{"basic":{"password":"p","username":"u"}}}}}}`},
		{"HTTP Basic without a user name", keys(docslogin.APIKey{Password: "p"}), `{"fern":{"playground":{"initial_state":{"auth":{"basic":{"password":"p","username":""}}}}}}`},
		{"HTTP Basic without a password", keys(docslogin.APIKey{Username: "u"}), `{"fern":{"playground":{"initial_state":{"auth":{"basic":{"password":"","username":"u"}}}}}}`},
		{"HTTP Basic and a key", keys(docslogin.APIKey{Key: "1", Username: "u", Password: "p"}), `{"fern":{"playground":{"initial_state":{"auth":{"bearer_token":"1"}}}}}`},
		{"a key without a credential", keys(docslogin.APIKey{Name: "x"}), `{}`},
	})
}

func TestFernRequiresNothing(t *testing.T) {
	testRequired(t, fern, []requiredRow{{"a name alone", nameAlone, ""}})
}

func TestFernLifetimes(t *testing.T) {
	testLongest(t, fern, 0, year)
	testLifetimes(t, fern, []lifetimeRow{
		{"an app session that ends before the docs session", until(time.Hour), nil, `"exp":1700003600`},
	})
}

func TestFernTokenLimit(t *testing.T) { testTokenLimit(t, fern, 4000) }

func TestFernReservedClaims(t *testing.T) { testReserved(t, fern, "iat", "exp", "nbf", "iss") }

func TestFernAttributes(t *testing.T) { testAttributesNotSent(t, fern) }
