package platforms_test

import (
	"fmt"
	"log"
	"os"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
)

var fern = platforms.Fern("https://example.com/docs", testkit.Secret)

func TestFernLogin(t *testing.T) {
	testLogin(t, fern, "HS256", "https://example.com/docs/api/fern-docs/auth/jwt/callback?fern_token=TOKEN", fernToken)
}

const fernToken = `{"exp":1700086400,"fern":{"email":"ada@example.com","name":"Ada Lovelace","playground":{"initial_state":{"auth":{"bearer_token":"sk_1"}}},"roles":["admin"]},"iat":1700000000,"iss":"https://buildwithfern.com"}`

func TestFernDeepLinks(t *testing.T) {
	const callback = "https://example.com/docs/api/fern-docs/auth/jwt/callback?fern_token=TOKEN"
	testLinks(t, fern, []linkRow{
		{"a page", "state=https%3A%2F%2Fexample.com%2Fdocs%2Fguide", callback + "&state=https%3A%2F%2Fexample.com%2Fdocs%2Fguide"},
		{"a query", "state=https%3A%2F%2Fexample.com%2Fdocs%2Fguide%3Fa%3D1%26b%3D2", callback + "&state=https%3A%2F%2Fexample.com%2Fdocs%2Fguide%3Fa%3D1%26b%3D2"},
		{"an anchor", "state=https%3A%2F%2Fexample.com%2Fdocs%2Fguide%23part", callback + "&state=https%3A%2F%2Fexample.com%2Fdocs%2Fguide%23part"},
		{"a query and an anchor", "state=https%3A%2F%2Fexample.com%2Fdocs%2Fguide%3Fa%3D1%26b%3D2%23part", callback + "&state=https%3A%2F%2Fexample.com%2Fdocs%2Fguide%3Fa%3D1%26b%3D2%23part"},
		{"an escaped space", "state=https%3A%2F%2Fexample.com%2Fdocs%2Fguide%2520a%3Fq%3Db%2520c", callback + "&state=https%3A%2F%2Fexample.com%2Fdocs%2Fguide%2520a%3Fq%3Db%2520c"},
		{"plus signs", "state=https%3A%2F%2Fexample.com%2Fdocs%2Fa%2Bb%3Fq%3Dc%2Bd%252Be", callback + "&state=https%3A%2F%2Fexample.com%2Fdocs%2Fa%2Bb%3Fq%3Dc%2Bd%252Be"},
		{"an escaped slash", "state=https%3A%2F%2Fexample.com%2Fdocs%2Fa%252Fb%3Fq%3Dc%252Fd", callback + "&state=https%3A%2F%2Fexample.com%2Fdocs%2Fa%252Fb%3Fq%3Dc%252Fd"},
		{"an escaped percent sign", "state=https%3A%2F%2Fexample.com%2Fdocs%2Fguide%3Fq%3D100%2525", callback + "&state=https%3A%2F%2Fexample.com%2Fdocs%2Fguide%3Fq%3D100%2525"},
		{"an escaped ampersand", "state=https%3A%2F%2Fexample.com%2Fdocs%2Fguide%3Fq%3Da%2526b", callback + "&state=https%3A%2F%2Fexample.com%2Fdocs%2Fguide%3Fq%3Da%2526b"},
		{"non-ASCII letters, escaped", "state=https%3A%2F%2Fexample.com%2Fdocs%2Fgr%25C3%25B6%25C3%259Fe%3Fq%3D%25E6%2597%25A5", callback + "&state=https%3A%2F%2Fexample.com%2Fdocs%2Fgr%25C3%25B6%25C3%259Fe%3Fq%3D%25E6%2597%25A5"},
		{"non-ASCII letters", "state=https%3A%2F%2Fexample.com%2Fdocs%2Fgr%C3%B6%C3%9Fe%3Fq%3D%E6%97%A5", callback + "&state=https%3A%2F%2Fexample.com%2Fdocs%2Fgr%C3%B6%C3%9Fe%3Fq%3D%E6%97%A5"},
		{"no deep link", "", callback},
		{"an empty deep link", "state=", callback},
		{"the text undefined", "state=undefined", callback},
		{"a foreign host", "state=https%3A%2F%2Fevil.example%2Fguide", callback},
		{"a foreign host without a scheme", "state=%2F%2Fevil.example%2Fguide", callback},
		{"a path that leaves the docs", "state=%2Fguide%2F..%2F..%2Fadmin", callback},
		{"a page that already has a token", "state=https%3A%2F%2Fexample.com%2Fdocs%2Fguide%3Ffern_token%3Dx", callback},
		{"an absolute URL with the parameter that Fern appends", "state=https%3A%2F%2Fexample.com%2Fdocs%2Fa%3F_fern_auth_method%3Djwt%253Ahttps%253A%252F%252Fbuildwithfern.com", callback + "&state=https%3A%2F%2Fexample.com%2Fdocs%2Fa%3F_fern_auth_method%3Djwt%253Ahttps%253A%252F%252Fbuildwithfern.com"},
		{"an absolute URL with a query and an anchor", "state=HTTPS%3A%2F%2Fexample.com%2Fdocs%3Fq%3D%2520%26r%23s", callback + "&state=https%3A%2F%2Fexample.com%2Fdocs%3Fq%3D%2520%26r%23s"},
		{"a path, and a redirect_uri that is ignored", "state=/docs/a&redirect_uri=https://evil.example", callback + "&state=https%3A%2F%2Fexample.com%2Fdocs%2Fa"},
	})
}

// Fern's page on self-hosted docs documents a POST of fern_token and state.
func TestFernForm(t *testing.T) {
	p := fern
	p.Carrier = docslogin.InForm("fern_token")
	const post = "POST https://example.com/docs/api/fern-docs/auth/jwt/callback fern_token=TOKEN"
	testLogin(t, p, "HS256", post, fernToken)
	testLinks(t, p, []linkRow{
		{"an absolute URL", "state=https%3A%2F%2Fexample.com%2Fdocs%3Fa%3Db", post + "&state=https%3A%2F%2Fexample.com%2Fdocs%3Fa%3Db"},
		{"a path", "state=/docs/a", post + "&state=https%3A%2F%2Fexample.com%2Fdocs%2Fa"},
	})
}

// Fern's setup page shows an app that sets the cookie fern_token. Fern's docs read it in every request.
func TestFernCookie(t *testing.T) {
	p := fern
	p.Carrier = docslogin.InCookie("fern_token", "example.com")
	p.Callback, p.DeepLink.Out = "", ""
	const docs, cookie = "https://example.com/docs", " Cookie: fern_token=TOKEN"
	testLogin(t, p, "HS256", docs+cookie, fernToken)
	testLinks(t, p, []linkRow{
		{"an absolute URL", "state=https%3A%2F%2Fexample.com%2Fdocs%2Fa%3Fb%3Dc%23d", docs + "/a?b=c#d" + cookie},
		{"an absolute URL with the parameter that Fern appends", "state=https%3A%2F%2Fexample.com%2Fdocs%2Fa%3F_fern_auth_method%3Djwt%253Ahttps%253A%252F%252Fbuildwithfern.com", docs + "/a?_fern_auth_method=jwt%3Ahttps%3A%2F%2Fbuildwithfern.com" + cookie},
		{"a path", "state=/docs/a", docs + "/a" + cookie},
		{"a page outside of the docs", "state=https%3A%2F%2Fexample.com%2Fadmin", docs + cookie},
		{"a foreign host", "state=https%3A%2F%2Fevil.example%2Fdocs%2Fa", docs + cookie},
	})
	testCookieLimit(t, p)
}

// On this site, returnToQueryParam is not state.
func TestFernReturnToQueryParam(t *testing.T) {
	p := fern
	p.DeepLink.In, p.DeepLink.Out = "return_to", "return_to"
	const callback = "https://example.com/docs/api/fern-docs/auth/jwt/callback?fern_token=TOKEN"
	testLinks(t, p, []linkRow{{"an absolute URL", "return_to=https://example.com/docs/a", callback + "&return_to=https%3A%2F%2Fexample.com%2Fdocs%2Fa"}})
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
		{"one key, whose name is not sent", keys(docslogin.APIKey{Name: "Live", Key: "1"}), `{"fern":{"playground":{"initial_state":{"auth":{"bearer_token":"1"}}}}}`},
		{"several keys", keys(docslogin.APIKey{Name: "Live", Key: "sk_1"}, docslogin.APIKey{Name: "Test", Key: `"\`}), `{"fern":{"playground":{"initial_state":{"auth":{"bearer_token":"[{\"Live\":\"sk_1\"},{\"Test\":\"\\\"\\\\\"}]"}}}}}`},
		{"a key without a name, and one without a Key", keys(docslogin.APIKey{}, docslogin.APIKey{Key: "1"}), `{"fern":{"playground":{"initial_state":{"auth":{"bearer_token":"1"}}}}}`},
		{"HTTP Basic", keys(docslogin.APIKey{Username: "u", Password: "p"}), `{"fern":{"playground":{"initial_state":{"auth":{"basic":{"password":"p","username":"u"}}}}}}`},
		{"HTTP Basic without a user name", keys(docslogin.APIKey{Password: "p"}), `{"fern":{"playground":{"initial_state":{"auth":{"basic":{"password":"p","username":""}}}}}}`},
		{"HTTP Basic without a password", keys(docslogin.APIKey{Username: "u"}), `{"fern":{"playground":{"initial_state":{"auth":{"basic":{"password":"","username":"u"}}}}}}`},
		{"HTTP Basic and a key", keys(docslogin.APIKey{Key: "1", Username: "u", Password: "p"}), `{"fern":{"playground":{"initial_state":{"auth":{"basic":{"password":"p","username":"u"},"bearer_token":"1"}}}}}`},
		{"the first of two HTTP Basic credentials, after a key", keys(docslogin.APIKey{Key: "1"}, docslogin.APIKey{Username: "u", Password: "p"}, docslogin.APIKey{Username: "v", Password: "q"}), `{"fern":{"playground":{"initial_state":{"auth":{"basic":{"password":"p","username":"u"},"bearer_token":"1"}}}}}`},
		{"a key without a credential", keys(docslogin.APIKey{Name: "x"}), `{"fern":{}}`},
		{"an ID alone", idAlone, `{"fern":{}}`},
	})
	testErrors(t, fern, []errorRow{
		{"a key without a name among several", keys(docslogin.APIKey{Username: "u"}, docslogin.APIKey{Name: "Live", Key: "1"}, docslogin.APIKey{Key: "2"}), "API key 3 of 3 has no unique Name; Fern needs a different Name for each of several keys"},
		{"a first key without a name", keys(docslogin.APIKey{Key: "1"}, docslogin.APIKey{Name: "Test", Key: "2"}), "API key 1 of 2 has no unique Name"},
		{"two keys with one name", keys(docslogin.APIKey{Name: "Live", Key: "1"}, docslogin.APIKey{Name: "Live", Key: "2"}), "API key 2 of 2 has no unique Name"},
	})
}

func TestFernPutsKeysAndValuesIntoHeaders(t *testing.T) {
	state := func(state string) string { return `{"fern":{"playground":{"initial_state":{` + state + `}}}}` }
	testClaims(t, fern, []claimsRow{
		{"a key in a header", keys(docslogin.APIKey{Header: "X-Api-Key", Key: "1"}), state(`"headers":{"X-Api-Key":"1"}`)},
		{"two headers, without names", keys(docslogin.APIKey{Header: "X-Api-Key", Key: "1"}, docslogin.APIKey{Header: "X-Org", Key: "2"}), state(`"headers":{"X-Api-Key":"1","X-Org":"2"}`)},
		{"one header in two spellings", keys(docslogin.APIKey{Header: "X-Api-Key", Key: "1"}, docslogin.APIKey{Header: "x-api-KEY", Key: "2"}), state(`"headers":{"X-Api-Key":"1"}`)},
		{"a bearer token and a key in a header, without names", keys(docslogin.APIKey{Key: "1"}, docslogin.APIKey{Header: "X-Api-Key", Key: "2"}), state(`"auth":{"bearer_token":"1"},"headers":{"X-Api-Key":"2"}`)},
		{"two bearer tokens with names, and a key in a header without one", keys(docslogin.APIKey{Name: "a", Key: "1"}, docslogin.APIKey{Header: "X-Api-Key", Key: "2"}, docslogin.APIKey{Name: "b", Key: "3"}),
			state(`"auth":{"bearer_token":"[{\"a\":\"1\"},{\"b\":\"3\"}]"},"headers":{"X-Api-Key":"2"}`)},
		{"a bearer token, and a key in a header with the same name", keys(docslogin.APIKey{Name: "Live", Key: "1"}, docslogin.APIKey{Name: "Live", Header: "X-Api-Key", Key: "2"}), state(`"auth":{"bearer_token":"1"},"headers":{"X-Api-Key":"2"}`)},
		{"a key in a header, with HTTP Basic", keys(docslogin.APIKey{Header: "X-Api-Key", Key: "1", Username: "u", Password: "p"}), state(`"auth":{"basic":{"password":"p","username":"u"}},"headers":{"X-Api-Key":"1"}`)},
		{"Authorization, as it is", keys(docslogin.APIKey{Header: "Authorization", Key: "Token 1"}), state(`"headers":{"Authorization":"Token 1"}`)},
		{"a header without a key", keys(docslogin.APIKey{Header: "X-Api-Key"}), `{"fern":{}}`},
		{"values as text", keys(docslogin.APIKey{Values: map[string]any{"X-Region": "eu", "X-Port": 8443, "X-Trial": false}}), state(`"headers":{"X-Port":"8443","X-Region":"eu","X-Trial":"false"}`)},
		{"values that are not sent", keys(docslogin.APIKey{Values: map[string]any{"null": nil, "object": map[string]any{"a": 1}, "list": []int{1}, "my region": "eu", "": "1"}}), `{"fern":{}}`},
		{"the first of two values", keys(docslogin.APIKey{Values: map[string]any{"v": "eu"}}, docslogin.APIKey{Values: map[string]any{"V": "us", "w": "1"}}), state(`"headers":{"v":"eu","w":"1"}`)},
		{"a bearer token, and a value for Authorization", keys(docslogin.APIKey{Key: "1", Values: map[string]any{"Authorization": "Token 2"}}), state(`"auth":{"bearer_token":"1"},"headers":{"Authorization":"Token 2"}`)},
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

func TestFernAttributes(t *testing.T) { testAttributesNotSent(t, fern, "fern") }

func init() {
	os.Setenv("FERN_SECRET", exampleSecret)
}

// The app and Fern have agreed on another issuer.
func ExampleFern() {
	platform := platforms.Fern("https://docs.example.com", os.Getenv("FERN_SECRET"))
	platform.Static["iss"] = "https://app.example.com"

	docs, err := docslogin.New(currentUser, platform)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?state=https://docs.example.com/start"))
	// Output:
	// 302 https://docs.example.com/api/fern-docs/auth/jwt/callback?fern_token=TOKEN&state=https%3A%2F%2Fdocs.example.com%2Fstart
}

// A form keeps the token out of URLs, and out of the log of the docs' host.
func ExampleFern_form() {
	platform := platforms.Fern("https://docs.example.com", os.Getenv("FERN_SECRET"))
	platform.Carrier = docslogin.InForm("fern_token")

	docs, err := docslogin.New(currentUser, platform)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visitForm(docs, "/docs-login?state=https://docs.example.com/start"))
	// Output:
	// 200
	// <form method="post" action="https://docs.example.com/api/fern-docs/auth/jwt/callback">
	// <input type="hidden" name="fern_token" value="TOKEN">
	// <input type="hidden" name="state" value="https://docs.example.com/start">
	// <button>Continue</button>
}

// The docs read the token from a cookie that the app sets for their parent domain. No URL contains the
// token.
func ExampleFern_cookie() {
	platform := platforms.Fern("https://docs.example.com", os.Getenv("FERN_SECRET"))
	platform.Carrier = docslogin.InCookie("fern_token", "example.com")
	platform.Callback, platform.DeepLink.Out = "", ""

	docs, err := docslogin.New(currentUser, platform)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visitWithCookie(docs, "/docs-login?state=https://docs.example.com/start"))
	// Output:
	// 302 https://docs.example.com/start
	// fern_token=TOKEN for example.com
}
