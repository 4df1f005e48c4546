package platforms_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
)

var zendesk = platforms.Zendesk("https://acme.zendesk.com", testkit.Secret)

// hostMapped is a help center under a name of its own.
var hostMapped = func() docslogin.Platform {
	p := platforms.Zendesk("https://acme.zendesk.com", testkit.Secret)
	p.DocsURL = "https://help.example.com"
	return p
}()

func TestZendeskLogin(t *testing.T) {
	testLogin(t, zendesk, "HS256", "POST https://acme.zendesk.com/access/jwt jwt=TOKEN",
		`{"email":"ada@example.com","external_id":"u-42","iat":1700000000,"jti":"JTI","name":"Ada Lovelace"}`)
}

func TestZendeskDeepLinks(t *testing.T) {
	const action = "POST https://acme.zendesk.com/access/jwt"
	testLinks(t, zendesk, []linkRow{
		{"a page", "return_to=%2Fhc%2Fguide", action + " jwt=TOKEN&return_to=%2Fhc%2Fguide"},
		{"a query", "return_to=%2Fhc%2Fguide%3Fa%3D1%26b%3D2", action + " jwt=TOKEN&return_to=%2Fhc%2Fguide%3Fa%3D1%26b%3D2"},
		{"an anchor", "return_to=%2Fhc%2Fguide%23part", action + " jwt=TOKEN&return_to=%2Fhc%2Fguide%23part"},
		{"a query and an anchor", "return_to=%2Fhc%2Fguide%3Fa%3D1%26b%3D2%23part", action + " jwt=TOKEN&return_to=%2Fhc%2Fguide%3Fa%3D1%26b%3D2%23part"},
		{"an escaped space", "return_to=%2Fhc%2Fguide%2520a%3Fq%3Db%2520c", action + " jwt=TOKEN&return_to=%2Fhc%2Fguide%2520a%3Fq%3Db%2520c"},
		{"plus signs", "return_to=%2Fhc%2Fa%2Bb%3Fq%3Dc%2Bd%252Be", action + " jwt=TOKEN&return_to=%2Fhc%2Fa%2Bb%3Fq%3Dc%2Bd%252Be"},
		{"an escaped slash", "return_to=%2Fhc%2Fa%252Fb%3Fq%3Dc%252Fd", action + " jwt=TOKEN&return_to=%2Fhc%2Fa%252Fb%3Fq%3Dc%252Fd"},
		{"an escaped percent sign", "return_to=%2Fhc%2Fguide%3Fq%3D100%2525", action + " jwt=TOKEN&return_to=%2Fhc%2Fguide%3Fq%3D100%2525"},
		{"an escaped ampersand", "return_to=%2Fhc%2Fguide%3Fq%3Da%2526b", action + " jwt=TOKEN&return_to=%2Fhc%2Fguide%3Fq%3Da%2526b"},
		{"non-ASCII letters, escaped", "return_to=%2Fhc%2Fgr%25C3%25B6%25C3%259Fe%3Fq%3D%25E6%2597%25A5", action + " jwt=TOKEN&return_to=%2Fhc%2Fgr%25C3%25B6%25C3%259Fe%3Fq%3D%25E6%2597%25A5"},
		{"non-ASCII letters", "return_to=%2Fhc%2Fgr%C3%B6%C3%9Fe%3Fq%3D%E6%97%A5", action + " jwt=TOKEN&return_to=%2Fhc%2Fgr%C3%B6%C3%9Fe%3Fq%3D%E6%97%A5"},
		{"no deep link", "", action + " jwt=TOKEN"},
		{"an empty deep link", "return_to=", action + " jwt=TOKEN"},
		{"the text undefined", "return_to=undefined", action + " jwt=TOKEN"},
		{"a foreign host", "return_to=https%3A%2F%2Fevil.example%2Fguide", action + " jwt=TOKEN"},
		{"a foreign host without a scheme", "return_to=%2F%2Fevil.example%2Fguide", action + " jwt=TOKEN"},
		{"a path that leaves the docs", "return_to=%2Fguide%2F..%2F..%2Fadmin", action + " jwt=TOKEN"},
		{"a page that already has a token", "return_to=%2Fhc%2Fguide%3Fjwt%3Dx", action + " jwt=TOKEN"},
		{"a path, and parameters of which three are echoed", "return_to=/hc/en-us%3Fa=1%23b&brand_id=123&locale_id=1&timestamp=1700000000&role=admin", action + "?brand_id=123&locale_id=1&timestamp=1700000000 jwt=TOKEN&return_to=%2Fhc%2Fen-us%3Fa%3D1%23b"},
		{"the agents' pages", "return_to=https://acme.zendesk.com/agent/tickets/1", action + " jwt=TOKEN&return_to=https%3A%2F%2Facme.zendesk.com%2Fagent%2Ftickets%2F1"},
		{"a page of another account, and an echoed parameter with quotes", "return_to=https://evil.zendesk.com/&brand_id=%22%3E%3Cscript%3E", action + "?brand_id=%22%3E%3Cscript%3E jwt=TOKEN"},
	})
	testLinks(t, hostMapped, []linkRow{
		{"the agents' pages, and a help center under a name of its own", "return_to=https://acme.zendesk.com/agent", action + " jwt=TOKEN&return_to=https%3A%2F%2Facme.zendesk.com%2Fagent"},
		{"a help center under a name of its own", "return_to=https://help.example.com/hc", action + " jwt=TOKEN&return_to=https%3A%2F%2Fhelp.example.com%2Fhc"},
	})
}

func TestZendeskAccountURL(t *testing.T) {
	const reason = "must be the account's own URL, such as https://acme.zendesk.com: in lower case, with nothing after .zendesk.com"
	for _, tt := range []struct{ name, accountURL string }{
		{"a subdomain", "umbrella"},
		{"a host", "umbrella.zendesk.com"},
		{"nothing", ""},
		{"a subdomain that leads elsewhere", "umbrella.example/#"},
		{"the help center", "https://umbrella.zendesk.com/hc"},
		{"two slashes at the end", "https://umbrella.zendesk.com//"},
		{"a query", "https://umbrella.zendesk.com?x"},
		{"the scheme's own port", "https://umbrella.zendesk.com:443"},
		{"http", "http://umbrella.zendesk.com"},
		{"user info", "https://umbrella:hunter2@umbrella.zendesk.com"},
		{"upper case", "https://Umbrella.zendesk.com"},
		{"a label that ends with a hyphen", "https://umbrella-.zendesk.com"},
		{"a label that begins with a hyphen", "https://-umbrella.zendesk.com"},
		{"a label of 64 characters", "https://" + strings.Repeat("u", 64) + ".zendesk.com"},
		{"the secret", testkit.Secret},
		{"a help center under a name of its own", "https://help.umbrella.example"},
		{"a host that only looks like Zendesk's", "https://umbrella.zendesk.com.evil.example"},
		{"a host that ends like Zendesk's", "https://umbrellazendesk.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := platforms.Zendesk(tt.accountURL, testkit.Secret)
			_, err := docslogin.New(testkit.Nobody, p)
			testConfigError(t, err, "Platform.DocsURL", reason)
			for _, text := range []string{"umbrella", "hunter2", testkit.Secret} {
				if err != nil && strings.Contains(err.Error(), text) {
					t.Errorf("the error shows %q: %v", text, err)
				}
			}
			p.DocsURL = "https://help.example.com" // does not make up for it
			_, err = docslogin.New(testkit.Nobody, p)
			testConfigError(t, err, "Platform.DocsURL", reason)
		})
	}
}

func TestZendeskAccountURLs(t *testing.T) {
	longest := strings.Repeat("a", 63)
	for accountURL, want := range map[string]string{
		"https://acme.zendesk.com/":           "POST https://acme.zendesk.com/access/jwt jwt=TOKEN",
		"https://" + longest + ".zendesk.com": "POST https://" + longest + ".zendesk.com/access/jwt jwt=TOKEN",
		"http://localhost:8080":               "POST http://localhost:8080/access/jwt jwt=TOKEN",
	} {
		m := testkit.New(t, testkit.As(testkit.Ada), platforms.Zendesk(accountURL, testkit.Secret))
		if got, _ := testkit.Login(t, m, "/docs-login"); got != want {
			t.Errorf("%s: got %s", accountURL, got)
		}
	}
}

func TestZendeskFormOrigins(t *testing.T) {
	for want, p := range map[string]docslogin.Platform{
		"https://acme.zendesk.com":                          zendesk,
		"https://acme.zendesk.com https://help.example.com": hostMapped,
	} {
		csp := testkit.Get(t, testkit.New(t, testkit.As(testkit.Ada), p), "/docs-login").Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "; form-action "+want+"; ") {
			t.Errorf("%s, want %s", csp, want)
		}
	}
}

func TestZendeskHasNoLoginURL(t *testing.T) {
	if got, err := testkit.New(t, testkit.Nobody, zendesk).LoginURL(t.Context(), testkit.Ada, ""); got != "" || !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestZendeskClaims(t *testing.T) {
	testClaims(t, zendesk, []claimsRow{
		{"everything, of which nothing changes the Zendesk user", &docslogin.User{
			ID: "7", Name: "Ada Lovelace", Email: "ada@example.com", Groups: []string{"g"}, APIKeys: []docslogin.APIKey{{Key: "1"}},
			Attributes: map[string]any{"role": "admin", "tags": []string{"x"}, "organization": "o", "user_fields": nil},
		}, `{"email":"ada@example.com","external_id":"7","name":"Ada Lovelace"}`},
		{"no name", &docslogin.User{Email: "ada@example.com"}, `{"email":"ada@example.com","name":"ada@example.com"}`},
	})
}

func TestZendeskRequires(t *testing.T) {
	testRequired(t, zendesk, []requiredRow{
		{"no e-mail address", withoutEmail, "email"},
		{"no name", withoutName, ""},
		{"no ID", withoutID, ""},
		{"an ID alone", idAlone, "name, email"},
	})
}

func TestZendeskLifetimes(t *testing.T) {
	testLongest(t, zendesk, 0, 0)
	testLifetimes(t, zendesk, []lifetimeRow{
		{"an app session that ends", until(time.Minute), nil, `{"email":"ada@example.com","external_id":"u-42","iat":1700000000,"jti":"JTI","name":"Ada Lovelace"}`},
	})
}

func TestZendeskReservedClaims(t *testing.T) { testReserved(t, zendesk, "iat", "exp", "nbf", "jti") }

func TestZendeskAttributes(t *testing.T) {
	testAttributesNotSent(t, zendesk, "organizations", "organization_id", "user_fields")
}

func init() {
	os.Setenv("ZENDESK_SECRET", exampleSecret)
}

// The browser posts the token in a form that a script submits. This help center has a name of
// its own.
func ExampleZendesk() {
	platform := platforms.Zendesk("https://acme.zendesk.com", os.Getenv("ZENDESK_SECRET"))
	platform.DocsURL = "https://help.example.com"

	docs, err := docslogin.New(currentUser, platform)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visitForm(docs, "/docs-login?return_to=https://help.example.com/hc&brand_id=7"))
	// Output:
	// 200
	// <form method="post" action="https://acme.zendesk.com/access/jwt?brand_id=7">
	// <input type="hidden" name="jwt" value="TOKEN">
	// <input type="hidden" name="return_to" value="https://help.example.com/hc">
	// <button>Continue</button>
}
