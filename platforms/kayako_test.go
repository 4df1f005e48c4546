package platforms_test

import (
	"context"
	"fmt"
	"log"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
)

var kayako = platforms.Kayako("https://acme.kayako.com", testkit.Secret)

const kayakoToken = `{"email":"ada@example.com","iat":1700000000,"jti":"JTI","name":"Ada Lovelace"}`

func TestKayakoLogin(t *testing.T) {
	testLogin(t, kayako, "HS256", "https://acme.kayako.com?jwt=TOKEN", kayakoToken)
}

func TestKayakoLoginWithHS512(t *testing.T) {
	p := kayako
	p.Algorithm = jose.HS512
	testLogin(t, p, "HS512", "https://acme.kayako.com?jwt=TOKEN", kayakoToken)
}

func TestKayakoDeepLinks(t *testing.T) {
	const site = "https://acme.kayako.com"
	testLinks(t, kayako, []linkRow{
		{"the endpoint for customers", "returnto=https%3A%2F%2Facme.kayako.com%2FBase%2FSSO%2FJWT%2F%3Ftype%3Dcustomer%26action%3D%2FHelpCenter", site + "/Base/SSO/JWT/?type=customer&action=/HelpCenter&jwt=TOKEN"},
		{"the endpoint for agents", "returnto=https%3A%2F%2Facme.kayako.com%2Fagent%2FBase%2FSSO%2FJWT%2F%3Ftype%3Dagent%26action%3D%2Fagent%2F", site + "/agent/Base/SSO/JWT/?type=agent&action=/agent/&jwt=TOKEN"},
		{"the example in Kayako's documentation, which has no question mark", "returnto=https%3A%2F%2Facme.kayako.com%2Fagent%2FBase%2FSSO%2FJWT%2F%26type%3Dagent%26action%3D%2Fagent%2F", site + "/agent/Base/SSO/JWT/&type=agent&action=/agent/?jwt=TOKEN"},
		{"a URL that is not escaped", "returnto=https://acme.kayako.com/Base/SSO/JWT/", site + "/Base/SSO/JWT/?jwt=TOKEN"},
		{"a path", "returnto=/Base/SSO/JWT/", site + "/Base/SSO/JWT/?jwt=TOKEN"},
		{"an anchor", "returnto=https%3A%2F%2Facme.kayako.com%2Fa%3Fb%3D1%23part", site + "/a?b=1&jwt=TOKEN#part"},
		{"plus signs and escapes", "returnto=https%3A%2F%2Facme.kayako.com%2Fa%252Fb%3Fq%3Dc%2Bd%252B100%2525", site + "/a%2Fb?q=c+d%2B100%25&jwt=TOKEN"},
		{"non-ASCII letters", "returnto=https%3A%2F%2Facme.kayako.com%2Fgr%C3%B6%C3%9Fe%3Fq%3D%25C3%25BC", site + "/gr%C3%B6%C3%9Fe?q=%C3%BC&jwt=TOKEN"},
		{"an error of Kayako's", "message=x&code=0&type=error", site + "?jwt=TOKEN"},
		{"no deep link", "", site + "?jwt=TOKEN"},
		{"an empty deep link", "returnto=", site + "?jwt=TOKEN"},
		{"the text undefined", "returnto=undefined", site + "?jwt=TOKEN"},
		{"a foreign host", "returnto=https%3A%2F%2Fevil.example%2FBase%2FSSO%2FJWT%2F", site + "?jwt=TOKEN"},
		{"another customer of Kayako", "returnto=https%3A%2F%2Fevil.kayako.com%2FBase%2FSSO%2FJWT%2F", site + "?jwt=TOKEN"},
		{"a host that begins like the site's", "returnto=https%3A%2F%2Facme.kayako.com.evil.example%2F", site + "?jwt=TOKEN"},
		{"a host after user info", "returnto=https%3A%2F%2Facme.kayako.com%40evil.example%2F", site + "?jwt=TOKEN"},
		{"http", "returnto=http%3A%2F%2Facme.kayako.com%2F", site + "?jwt=TOKEN"},
		{"another port", "returnto=https%3A%2F%2Facme.kayako.com%3A8443%2F", site + "?jwt=TOKEN"},
		{"a foreign host without a scheme", "returnto=%2F%2Fevil.example", site + "?jwt=TOKEN"},
		{"a page that already has a token", "returnto=https%3A%2F%2Facme.kayako.com%2Fa%3Fjwt%3Dx", site + "?jwt=TOKEN"},
	})
}

func TestKayakoLinkInAMenu(t *testing.T) {
	const want = "/docs-login?returnto=%2FBase%2FSSO%2FJWT%2F%3Ftype%3Dcustomer%26action%3D%2FHelpCenter"
	m := testkit.New(t, testkit.As(testkit.Ada), kayako)
	got := m.LoginPath("/Base/SSO/JWT/?type=customer&action=/HelpCenter")
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	const endpoint = "https://acme.kayako.com/Base/SSO/JWT/?type=customer&action=/HelpCenter&jwt=TOKEN"
	if to, _ := testkit.Login(t, m, got); to != endpoint {
		t.Errorf("the link leads to %s", to)
	}
}

// The endpoint in returnto may be under any path of the host.
func TestKayakoRejectsAHelpCenterUnderAPath(t *testing.T) {
	_, err := docslogin.New(testkit.Nobody, platforms.Kayako("https://acme.kayako.com/en-us", testkit.Secret))
	testConfigError(t, err, "Platform.DocsURL", "has a path")
}

func TestKayakoClaims(t *testing.T) {
	testClaims(t, kayako, []claimsRow{
		{"every field, none of which changes the Kayako user", everything, `{"email":"ada@example.com","name":"Ada Lovelace"}`},
		{"no name", &docslogin.User{Email: "ada@example.com"}, `{"email":"ada@example.com","name":"ada@example.com"}`},
	})
}

func TestKayakoRequires(t *testing.T) {
	testRequired(t, kayako, []requiredRow{
		{"no e-mail address", withoutEmail, "email"},
		{"no name", withoutName, ""},
		{"no ID", withoutID, ""},
		{"an ID alone", idAlone, "name, email"},
	})
}

func TestKayakoLifetimes(t *testing.T) {
	testLongest(t, kayako, 0, 0)
	testLifetimes(t, kayako, []lifetimeRow{
		{"an app session that ends", until(time.Minute), nil, kayakoToken},
	})
}

func TestKayakoReservedClaims(t *testing.T) { testReserved(t, kayako, "iat", "exp", "nbf", "jti") }

func TestKayakoAttributes(t *testing.T) {
	testAttributesNotSent(t, kayako, "locale", "phone_number", "picture")
}

func init() {
	os.Setenv("KAYAKO_SECRET", exampleSecret)
}

// The app's own ID identifies the Kayako user, even if the e-mail address changes.
func ExampleKayako() {
	withID := func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
		claims["external_id"] = user.ID
		return nil
	}

	docs, err := docslogin.New(currentUser,
		platforms.Kayako("https://acme.kayako.com", os.Getenv("KAYAKO_SECRET")), docslogin.WithClaimsMapper(withID))
	if err != nil {
		log.Fatal(err)
	}
	endpoint := "https://acme.kayako.com/Base/SSO/JWT/?type=customer&action=/HelpCenter"
	fmt.Print(visit(docs, "/docs-login?returnto="+url.QueryEscape(endpoint)))
	// Output:
	// 302 https://acme.kayako.com/Base/SSO/JWT/?type=customer&action=/HelpCenter&jwt=TOKEN
}
