package platforms_test

import (
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
)

var canny = platforms.Canny("https://feedback.example.com", "configured", testkit.Secret)

func TestCannyLogin(t *testing.T) {
	testLogin(t, canny, "HS256", "https://canny.io/api/redirects/sso?companyID=configured&ssoToken=TOKEN",
		`{"email":"ada@example.com","exp":1700000300,"iat":1700000000,"id":"u-42","name":"Ada Lovelace"}`)
}

func TestCannyDeepLinks(t *testing.T) {
	const sso = "https://canny.io/api/redirects/sso?companyID="
	testLinks(t, canny, []linkRow{
		{"an absolute URL", "redirect=https%3A%2F%2Ffeedback.example.com%2Fp%3Fa%23b", sso + "configured&ssoToken=TOKEN&redirect=https%3A%2F%2Ffeedback.example.com%2Fp%3Fa%23b"},
		{"a path, and the request's companyID", "redirect=/p&companyID=a%26b", sso + "a%26b&ssoToken=TOKEN&redirect=https%3A%2F%2Ffeedback.example.com%2Fp"},
		{"a companyID of 256 bytes", "companyID=" + strings.Repeat("x", 256), sso + strings.Repeat("x", 256) + "&ssoToken=TOKEN"},
		{"a companyID of 257 bytes", "companyID=" + strings.Repeat("x", 257), sso + "configured&ssoToken=TOKEN"},
	})
}

// No login URL of Canny is this long. The event says what was dropped.
func TestCannyLongQueries(t *testing.T) {
	for _, tt := range []struct {
		name, query, companyID, warning string
		rejected                        bool
	}{
		{"a companyID of 256 bytes", "companyID=" + strings.Repeat("x", 256), "xxx", "", false},
		{"a companyID of 257 bytes", "companyID=" + strings.Repeat("x", 257), "configured", "the parameter companyID is over 256 bytes and was dropped", false},
		{"a query of 8 KiB", "companyID=a&x=" + strings.Repeat("x", 8192-14), "a", "", false},
		{"a query of 8 KiB and a byte", "companyID=a&x=" + strings.Repeat("x", 8192-13), "configured", "the deep link was rejected: the query is too long", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var e docslogin.Event
			m := testkit.New(t, testkit.As(testkit.Ada), canny, testkit.Observe(&e))
			to := testkit.Get(t, m, "/docs-login?"+tt.query).Header.Get("Location")
			if !strings.HasPrefix(to, "https://canny.io/api/redirects/sso?companyID="+tt.companyID) {
				t.Errorf("the login leads to %s", testkit.Masked(to))
			}
			if e.Outcome != "logged_in" || e.Warning != tt.warning || e.LinkRejected != tt.rejected {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestCannyCompanyID(t *testing.T) {
	for _, tt := range []struct{ name, companyID, reason string }{
		{"no companyID", "", `has no value for the parameter "companyID"`},
		{"white space around it", "5c1d\n", "white space around it"},
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
