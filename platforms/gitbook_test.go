package platforms_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
)

var gitBook = platforms.GitBook("https://example.com/docs", testkit.Secret)

func TestGitBookLogin(t *testing.T) {
	testLogin(t, gitBook, "HS256", "https://example.com/docs?jwt_token=TOKEN",
		`{"email":"ada@example.com","exp":1700003600,"first_name":"Ada","iat":1700000000,"last_name":"Lovelace","name":"Ada Lovelace","plan":"pro"}`)
}

func TestGitBookDeepLinks(t *testing.T) {
	const site = "https://example.com/docs"
	testLinks(t, gitBook, []linkRow{
		{"a page", "location=guide", site + "/guide?jwt_token=TOKEN"},
		{"a query", "location=guide%3Fa%3D1%26b%3D2", site + "/guide?a=1&b=2&jwt_token=TOKEN"},
		{"an anchor", "location=guide%23part", site + "/guide?jwt_token=TOKEN#part"},
		{"a query and an anchor", "location=guide%3Fa%3D1%26b%3D2%23part", site + "/guide?a=1&b=2&jwt_token=TOKEN#part"},
		{"an escaped space", "location=guide%2520a%3Fq%3Db%2520c", site + "/guide%20a?q=b%20c&jwt_token=TOKEN"},
		{"plus signs", "location=a%2Bb%3Fq%3Dc%2Bd%252Be", site + "/a+b?q=c+d%2Be&jwt_token=TOKEN"},
		{"an escaped slash", "location=a%252Fb%3Fq%3Dc%252Fd", site + "/a%2Fb?q=c%2Fd&jwt_token=TOKEN"},
		{"an escaped percent sign", "location=guide%3Fq%3D100%2525", site + "/guide?q=100%25&jwt_token=TOKEN"},
		{"an escaped ampersand", "location=guide%3Fq%3Da%2526b", site + "/guide?q=a%26b&jwt_token=TOKEN"},
		{"non-ASCII letters, escaped", "location=gr%25C3%25B6%25C3%259Fe%3Fq%3D%25E6%2597%25A5", site + "/gr%C3%B6%C3%9Fe?q=%E6%97%A5&jwt_token=TOKEN"},
		{"non-ASCII letters", "location=gr%C3%B6%C3%9Fe%3Fq%3D%E6%97%A5", site + "/gr%C3%B6%C3%9Fe?q=%E6%97%A5&jwt_token=TOKEN"},
		{"no deep link", "", site + "?jwt_token=TOKEN"},
		{"an empty deep link", "location=", site + "?jwt_token=TOKEN"},
		{"the text undefined", "location=undefined", site + "?jwt_token=TOKEN"},
		{"a foreign host", "location=https%3A%2F%2Fevil.example%2Fguide", site + "?jwt_token=TOKEN"},
		{"a foreign host without a scheme", "location=%2F%2Fevil.example%2Fguide", site + "?jwt_token=TOKEN"},
		{"a path that leaves the docs", "location=%2Fguide%2F..%2F..%2Fadmin", site + "?jwt_token=TOKEN"},
		{"a path with a slash", "location=/guide", site + "/guide?jwt_token=TOKEN"},
		{"an absolute URL with a query", "location=https://example.com/docs/guide%3Fa%3D1", site + "/guide?a=1&jwt_token=TOKEN"},
		{"tokens and claims that nobody signed", "location=guide%3Fjwt_token%3Dx%26a%3D1%26access_token%3Dx%26visitor.plan%3Dpro%26%2576isitor.x%3Dy", site + "/guide?a=1&jwt_token=TOKEN"},
		{"a claim before a broken escape", "location=guide%3Fvisitor%252Eplan%25GG%3Dpro%26a%3D1", site + "/guide?a=1&jwt_token=TOKEN"},
		{"a page outside of the site", "location=https://example.com/admin", site + "?jwt_token=TOKEN"},
		{"a page of a foreign host", "location=https://evil.example/docs/guide", site + "?jwt_token=TOKEN"},
	})
}

func TestGitBookClaims(t *testing.T) {
	testClaims(t, gitBook, []claimsRow{
		{"an ID, groups, and keys", &docslogin.User{ID: "7", Name: "Ada Lovelace", Email: "ada@example.com", Groups: []string{"g"}, APIKeys: []docslogin.APIKey{{Key: "1"}}}, `{"email":"ada@example.com","name":"Ada Lovelace"}`},
		{"attributes", &docslogin.User{Name: "Ada Lovelace", Attributes: map[string]any{"plan": "pro"}}, `{"name":"Ada Lovelace","plan":"pro"}`},
	})
	testErrors(t, gitBook, []errorRow{
		{"an attribute that has the name of the e-mail address", with(map[string]any{"email": "x"}), `the attribute "email" would set a claim that has a meaning`},
	})
}

func TestGitBookRequiresNothing(t *testing.T) {
	testRequired(t, gitBook, []requiredRow{{"a name alone", nameAlone, ""}})
}

func TestGitBookLifetimes(t *testing.T) {
	testLongest(t, gitBook, 0, year)
	testLifetimes(t, gitBook, []lifetimeRow{
		{"an app session that ends after the docs session", until(15 * 24 * time.Hour), nil, `"exp":1700003600`},
		{"a docs session of the app's choice", testkit.Ada, docslogin.WithSessionTTL(7 * 24 * time.Hour), `"exp":1700604800`},
		{"the shortest docs session", testkit.Ada, docslogin.WithSessionTTL(time.Minute), `"exp":1700000060`},
		{"an app session that ends with the shortest docs session", until(time.Minute), nil, `"exp":1700000060`},
		{"an app session that ends before the shortest docs session", until(59 * time.Second), nil, ""},
	})
	_, err := docslogin.New(testkit.Nobody, gitBook, docslogin.WithSessionTTL(59*time.Second))
	testConfigError(t, err, "WithSessionTTL", "is 59s; it must be from 1m0s")
}

// GitBook splits its cookie in three (GitbookIO/gitbook #4554), so only the URL limits the token.
func TestGitBookTokensCanBeTooLongForOneCookie(t *testing.T) {
	user := with(map[string]any{"bio": strings.Repeat("x", 5000)})
	to := testkit.Sent(t, testkit.Get(t, testkit.New(t, testkit.As(user), gitBook), "/docs-login"))
	if size := len(testkit.JWT.FindString(to)); size < 6000 {
		t.Errorf("the token has %d bytes", size)
	}
}

func TestGitBookReservedClaims(t *testing.T) {
	testReserved(t, gitBook, "iat", "exp", "nbf")
	testAttributesRejected(t, gitBook, "reserved_claim", "exp", "iat", "nbf")
}

func TestGitBookAttributes(t *testing.T) {
	testAttributesRejected(t, gitBook, "mapper_failed", "name", "email")
}

var gitBookAdaptive = platforms.GitBookAdaptive("https://docs.example.com/product", "example.com", testkit.Secret)

const gitBookCookie = " Cookie: gitbook-visitor-token=TOKEN"

func TestGitBookAdaptiveLogin(t *testing.T) {
	testLogin(t, gitBookAdaptive, "HS256", "https://docs.example.com/product"+gitBookCookie,
		`{"email":"ada@example.com","exp":1700003600,"first_name":"Ada","iat":1700000000,"last_name":"Lovelace","name":"Ada Lovelace","plan":"pro"}`)
}

// GitBook's page on adaptive content shows such a cookie.
func TestGitBookAdaptiveCookie(t *testing.T) {
	const attributes = "; Path=/; Domain=example.com; Expires=Tue, 14 Nov 2023 23:13:20 GMT; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"
	m := testkit.New(t, testkit.As(testkit.Ada), gitBookAdaptive)
	signIn := httptest.NewRecorder()
	if err := m.SetCookie(t.Context(), signIn, testkit.Ada); err != nil {
		t.Fatal(err)
	}
	for name, header := range map[string]string{
		"the route":     testkit.Get(t, m, "/docs-login?location=guide").Header.Get("Set-Cookie"),
		"the app's own": signIn.Header().Get("Set-Cookie"),
	} {
		if got := testkit.Masked(header); got != "gitbook-visitor-token=TOKEN"+attributes {
			t.Errorf("%s: %s", name, got)
		}
		if got := testkit.Payload(t, header); got != `{"email":"ada@example.com","exp":1700003600,"iat":1700000000,"name":"Ada Lovelace"}` {
			t.Errorf("%s: %s", name, got)
		}
	}
	signOut := httptest.NewRecorder()
	m.ClearCookie(signOut)
	if got := signOut.Header().Get("Set-Cookie"); got != "gitbook-visitor-token=; Path=/; Domain=example.com; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Secure; SameSite=Lax" {
		t.Errorf("ClearCookie: %s", got)
	}
}

func TestGitBookAdaptiveDeepLinks(t *testing.T) {
	const site = "https://docs.example.com/product"
	testLinks(t, gitBookAdaptive, []linkRow{
		{"a page", "location=guide", site + "/guide" + gitBookCookie},
		{"a query and an anchor", "location=guide%3Fa%3D1%26b%3D2%23part", site + "/guide?a=1&b=2#part" + gitBookCookie},
		{"an escaped ampersand", "location=guide%3Fq%3Da%2526b", site + "/guide?q=a%26b" + gitBookCookie},
		{"no deep link", "", site + gitBookCookie},
		{"the text undefined", "location=undefined", site + gitBookCookie},
		{"a path with a slash", "location=/guide", site + "/guide" + gitBookCookie},
		{"an absolute URL with a query", "location=https://docs.example.com/product/guide%3Fa%3D1", site + "/guide?a=1" + gitBookCookie},
		{"another token", "location=guide%3Fjwt_token%3Dx%26a%3D1", site + "/guide?a=1" + gitBookCookie},
		{"another token, escaped", "location=guide%3Faccess%255Ftoken%3Dx", site + "/guide" + gitBookCookie},
		{"claims that nobody signed", "location=guide%3Fvisitor.plan%3Dpro%26a%3D1%26%2576isitor.x%3Dy", site + "/guide?a=1" + gitBookCookie},
		{"a parameter with the name of the cookie", "location=guide%3Fgitbook-visitor-token%3Dx", site + gitBookCookie},
		{"a page outside of the site", "location=https://docs.example.com/admin", site + gitBookCookie},
		{"a foreign host", "location=https%3A%2F%2Fevil.example%2Fguide", site + gitBookCookie},
		{"another host under the domain", "location=https%3A%2F%2Fapp.example.com%2Fguide", site + gitBookCookie},
	})
}

func TestGitBookAdaptiveLifetimes(t *testing.T) {
	testLongest(t, gitBookAdaptive, 0, year)
	testLifetimes(t, gitBookAdaptive, []lifetimeRow{
		{"an app session that ends before the docs session", until(time.Minute), nil, `"exp":1700000060`},
		{"an app session that ends in a second", until(time.Second), nil, `"exp":1700000001`},
		{"a docs session of the app's choice", testkit.Ada, docslogin.WithSessionTTL(2 * time.Hour), `"exp":1700007200`},
	})
}

func TestGitBookAdaptiveCookieLimit(t *testing.T) { testCookieLimit(t, gitBookAdaptive) }

func TestGitBookAdaptiveClaims(t *testing.T) {
	testReserved(t, gitBookAdaptive, "iat", "exp", "nbf")
	testAttributesRejected(t, gitBookAdaptive, "reserved_claim", "exp", "iat", "nbf")
	testAttributesRejected(t, gitBookAdaptive, "mapper_failed", "name", "email")
	testRequired(t, gitBookAdaptive, []requiredRow{{"a name alone", nameAlone, ""}})
}

func TestGitBookAdaptiveCookieDomains(t *testing.T) {
	const docs = "https://docs.example.com"
	for domain, reason := range map[string]string{
		"":                    "is a cookie without a domain",
		"com":                 "has a cookie domain without a dot, which browsers reject",
		"https://example.com": "has a cookie domain with a scheme",
		"example.org":         "has a cookie domain that is not a parent of the docs' host",
		"app.example.com":     "has a cookie domain that is not a parent of the docs' host",
	} {
		_, err := docslogin.New(testkit.Nobody, platforms.GitBookAdaptive(docs, domain, testkit.Secret))
		testConfigError(t, err, "Platform.Carrier", reason)
	}
	_, err := docslogin.New(testkit.Nobody, platforms.GitBookAdaptive(docs, "example.com", testkit.Secret), docslogin.WithExternalURL("https://app.example.org"))
	testConfigError(t, err, "Platform.Carrier", "has a cookie domain that is not a parent of the app's host in WithExternalURL")
	for _, domain := range []string{"example.com", ".example.com", "docs.example.com"} {
		testkit.New(t, testkit.Nobody, platforms.GitBookAdaptive(docs, domain, testkit.Secret))
	}
}

func init() {
	os.Setenv("GITBOOK_KEY", exampleSecret)
}

// Pages cannot use lists, so the app says which group matters. The token is the docs session,
// so the app decides how long that lasts.
func ExampleGitBook() {
	beta := func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
		claims["isBeta"] = slices.Contains(user.Groups, "beta")
		return nil
	}

	docs, err := docslogin.New(currentUser,
		platforms.GitBook("https://docs.example.com/product", os.Getenv("GITBOOK_KEY")),
		docslogin.WithClaimsMapper(beta), docslogin.WithSessionTTL(2*time.Hour))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?location=guides/start%3Flang%3Dgo"))
	// Output:
	// 302 https://docs.example.com/product/guides/start?lang=go&jwt_token=TOKEN
}

// The OpenAPI file of these docs has a security scheme that names the header and has
// x-gitbook-prefill: "{{ visitor.claims.api_key }}".
func ExampleGitBook_apiKey() {
	apiKey := func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
		if len(user.APIKeys) > 0 {
			claims["api_key"] = user.APIKeys[0].Key
		}
		return nil
	}

	profile, err := docslogin.NewProfile(
		platforms.GitBook("https://docs.example.com", os.Getenv("GITBOOK_KEY")), docslogin.WithClaimsMapper(apiKey))
	if err != nil {
		log.Fatal(err)
	}
	claims, err := profile.Claims(context.Background(), &docslogin.User{
		Name: "Ada", APIKeys: []docslogin.APIKey{{Key: "sk_1", Header: "X-Api-Key"}},
	})
	fmt.Println(claims, err)
	// Output:
	// map[api_key:sk_1 name:Ada] <nil>
}

// Public docs adapt to readers who are signed in to the app. If the app's sign-in handler also calls
// SetCookie, readers need not visit the login route.
func ExampleGitBookAdaptive() {
	docs, err := docslogin.New(currentUser,
		platforms.GitBookAdaptive("https://docs.example.com", "example.com", os.Getenv("GITBOOK_KEY")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visitWithCookie(docs, "/docs-login?location=guides/start"))
	// Output:
	// 302 https://docs.example.com/guides/start
	// gitbook-visitor-token=TOKEN for example.com
}
