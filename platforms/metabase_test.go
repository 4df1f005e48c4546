package platforms_test

import (
	"context"
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

var metabase = platforms.Metabase("https://bi.example.com/meta", testkit.Secret)

func TestMetabaseLogin(t *testing.T) {
	testLogin(t, metabase, "HS256", "https://bi.example.com/meta/auth/sso?jwt=TOKEN&return_to=%2Fmeta",
		`{"email":"ada@example.com","exp":1700000180,"first_name":"Ada","groups":["admin"],"iat":1700000000,"last_name":"Lovelace"}`)
}

// Metabase appends the deep link to the login URL without escaping it. When it gets the deep link
// back, it unescapes it once, and java.net.URI must accept the result (verified with Java 17).
func TestMetabaseDeepLinks(t *testing.T) {
	const sso, home = "https://bi.example.com/auth/sso?jwt=TOKEN&return_to=", "%2F"
	atRoot := platforms.Metabase("https://bi.example.com", testkit.Secret)
	testLinks(t, atRoot, []linkRow{
		{"a dashboard with filters", "return_to=/dashboard/1?currency=British%20Pound&tab=2", sso + "%2Fdashboard%2F1%3Fcurrency%3DBritish%2520Pound%26tab%3D2"},
		{"a page with an escaped percent sign and an escaped slash", "return_to=/question/1?share=100%25&path=a%2Fb", sso + "%2Fquestion%2F1%3Fshare%3D100%2525%26path%3Da%252Fb"},
		{"a page with a plus and an escaped plus", "return_to=/question/1?q=a+b%2Bc", sso + "%2Fquestion%2F1%3Fq%3Da%2Bb%252Bc"},
		{"a page with the names of the login URL's parameters", "return_to=/question/1?return_to=/&docslogin_sent=1700000000", sso + "%2Fquestion%2F1%3Freturn_to%3D%2F%26docslogin_sent%3D1700000000"},
		{"what browsers leave unescaped in a query, but a URI cannot contain", "return_to=/question/1?q={a}|^`", sso + "%2Fquestion%2F1%3Fq%3D%257Ba%257D%257C%255E%2560"},
		{"what other clients leave unescaped, too", "return_to=/question/1?q=\"<a>\"", sso + "%2Fquestion%2F1%3Fq%3D%2522%253Ca%253E%2522"},
		{"a percent sign that does not begin an escape", "return_to=/question/1?q=100%&p=%zz", sso + "%2Fquestion%2F1%3Fq%3D100%2525%26p%3D%2525zz"},
		{"brackets in a query, which java.net.URI accepts", "return_to=/question/1?f[x]=1", sso + "%2Fquestion%2F1%3Ff%5Bx%5D%3D1"},
		{"brackets in a path, which java.net.URI rejects", "return_to=/question/1-a[b]", sso + "%2Fquestion%2F1-a%255Bb%255D"},
		{"non-ASCII letters, escaped by a browser", "return_to=/dashboard/1-gr%C3%B6%C3%9Fe?q=%E6%97%A5", sso + "%2Fdashboard%2F1-gr%25C3%25B6%25C3%259Fe%3Fq%3D%25E6%2597%25A5"},
		{"non-ASCII letters as they are", "return_to=/dashboard/1-größe?q=😀", sso + "%2Fdashboard%2F1-gr%25C3%25B6%25C3%259Fe%3Fq%3D%25F0%259F%2598%2580"},
		{"all other characters of a URI", "return_to=/a-._~!$&'()*+,;=:@?-._~!$&'()*+,;=:@/?", sso + "%2Fa-._~%21%24%26%27%28%29%2A%2B%2C%3B%3D%3A%40%3F-._~%21%24%26%27%28%29%2A%2B%2C%3B%3D%3A%40%2F%3F"},
		{"an absolute URL", "return_to=https://bi.example.com/dashboard/1?a=1&b=2", sso + "%2Fdashboard%2F1%3Fa%3D1%26b%3D2"},
		{"an app's own link, escaped once", "return_to=%2Fdashboard%2F1%3Fcurrency%3DBritish%2520Pound%26tab%3D2", sso + "%2Fdashboard%2F1%3Fcurrency%3DBritish%2520Pound%26tab%3D2"},
		{"an app's own link with a space, an anchor, and a second number sign", "return_to=%2Fquestion%2F1%3Fq%3Da+b%23c%23d&x=1", sso + "%2Fquestion%2F1%3Fq%3Da%2520b%23c%2523d"},
		{"an app's own absolute link", "return_to=https%3A%2F%2Fbi.example.com%2Fdashboard%2F1&x=1", sso + "%2Fdashboard%2F1"},
		{"no deep link", "", sso + home},
		{"an empty deep link", "return_to=", sso + home},
		{"a foreign host", "return_to=https://evil.example/dashboard/1?a=1&b=2", sso + home},
		{"a foreign host, escaped", "return_to=%2F%2Fevil.example", sso + home},
		{"a foreign host after an escaped slash", "return_to=/%2Fevil.example", sso + home},
		{"a backslash", `return_to=/\evil.example?a=1`, sso + home},
		{"a percent sign in the path", "return_to=/100%25", sso + home},
		{"a page with a token", "return_to=/question/1?a=1&jwt=x", sso + home},
		{"the page that takes the token", "return_to=/auth/sso?a=1", sso + home},
	})
	testLinks(t, metabase, []linkRow{
		{"no deep link, with Metabase under a path", "", "https://bi.example.com/meta/auth/sso?jwt=TOKEN&return_to=%2Fmeta"},
		{"a page of Metabase under a path", "return_to=/meta/dashboard/1?a=1&b=2", "https://bi.example.com/meta/auth/sso?jwt=TOKEN&return_to=%2Fmeta%2Fdashboard%2F1%3Fa%3D1%26b%3D2"},
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
		{"an empty list of groups, which removes the user from all groups", &docslogin.User{Email: "ada@example.com", Groups: []string{}}, `{"email":"ada@example.com","groups":[]}`},
		{"nil groups, which leave the user's groups as they are", &docslogin.User{Email: "ada@example.com"}, `{"email":"ada@example.com"}`},
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

func init() {
	os.Setenv("METABASE_SECRET", exampleSecret)
}

// A user attribute decides which rows a reader sees, so the app's own mapper sets it.
func ExampleMetabase() {
	tenant := func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
		claims["tenant_id"] = strings.TrimPrefix(user.ID, "tenant-")
		return nil
	}

	docs, err := docslogin.New(currentUser,
		platforms.Metabase("https://bi.example.com", os.Getenv("METABASE_SECRET")), docslogin.WithClaimsMapper(tenant))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?return_to=/dashboard/1"))
	// Output:
	// 302 https://bi.example.com/auth/sso?jwt=TOKEN&return_to=%2Fdashboard%2F1
}
