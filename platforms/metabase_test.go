package platforms_test

import (
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
)

var metabase = platforms.Metabase("https://bi.example.com/meta", testkit.Secret)

func TestMetabaseLogin(t *testing.T) {
	testLogin(t, metabase, "HS256", "https://bi.example.com/meta/auth/sso?jwt=TOKEN",
		`{"email":"ada@example.com","exp":1700000180,"first_name":"Ada","groups":["admin"],"iat":1700000000,"last_name":"Lovelace"}`)
}

func TestMetabaseDeepLinks(t *testing.T) {
	const sso = "https://bi.example.com/meta/auth/sso?jwt=TOKEN"
	testLinks(t, metabase, []linkRow{
		{"a path that is not escaped, up to its first &", "return_to=/meta/dashboard/1?tab=2&x=3", sso + "&return_to=%2Fmeta%2Fdashboard%2F1%3Ftab%3D2"},
		{"an absolute URL", "return_to=https://bi.example.com/meta/dashboard/1", sso + "&return_to=%2Fmeta%2Fdashboard%2F1"},
	})
}

func TestMetabaseClaims(t *testing.T) {
	named := func(attributes map[string]any) *docslogin.User {
		return &docslogin.User{Name: "Ada Lovelace", Attributes: attributes}
	}
	testClaims(t, metabase, []claimsRow{
		{"the whole name as the first one, without ID, keys, and other attributes", &docslogin.User{
			ID: "7", Name: "Ada Lovelace", Email: "ada@example.com", Groups: []string{"g"}, APIKeys: []docslogin.APIKey{{Key: "1"}},
			Attributes: map[string]any{"role": "admin"},
		}, `{"email":"ada@example.com","first_name":"Ada Lovelace","groups":["g"]}`},
		{"names from attributes", named(map[string]any{"first_name": "Ada", "last_name": "L.", "seats": 1}), `{"first_name":"Ada","last_name":"L."}`},
		{"a last name alone", named(map[string]any{"last_name": "L."}), `{"last_name":"L."}`},
		{"names that are empty", named(map[string]any{"first_name": "", "last_name": nil}), `{"first_name":"Ada Lovelace"}`},
	})
	testErrors(t, metabase, []errorRow{
		{"a first name that is not a string", named(map[string]any{"first_name": 1}), `the attribute "first_name" is a int, and Metabase wants a string`},
		{"a last name that is not a string", named(map[string]any{"last_name": []string{"L."}}), `the attribute "last_name" is a []string, and Metabase wants a string`},
	})
}

func TestMetabaseRequires(t *testing.T) {
	testRequired(t, metabase, []requiredRow{
		{"no e-mail address", withoutEmail, "email"},
		{"no name", withoutName, ""},
	})
}

func TestMetabaseLifetimes(t *testing.T) {
	testLongest(t, metabase, 3*time.Minute, 0)
	testLifetimes(t, metabase, []lifetimeRow{
		{"a token of the app's choice", testkit.Ada, docslogin.WithTokenTTL(time.Minute), `"exp":1700000060`},
	})
}

func TestMetabaseReservedClaims(t *testing.T) { testReserved(t, metabase, "iat", "exp", "nbf") }

func TestMetabaseAttributes(t *testing.T) { testAttributesNotSent(t, metabase) }
