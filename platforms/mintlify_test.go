package platforms_test

import (
	"database/sql"
	"encoding/json"
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

var (
	mintlify        = platforms.Mintlify("https://docs.example.com", testkit.Ed25519PEM)
	personalization = platforms.MintlifyPersonalization("https://example.com/docs", testkit.P256PEM)
)

func TestMintlifyLogin(t *testing.T) {
	testLogin(t, mintlify, "EdDSA", "https://docs.example.com/login/jwt-callback#TOKEN",
		`{"apiPlaygroundInputs":{"header":{"Authorization":"Bearer sk_1"}},"content":{"email":"ada@example.com","first_name":"Ada","last_name":"Lovelace","name":"Ada Lovelace","plan":"pro"},"exp":1700000010,"expiresAt":1701209600,"groups":["admin"],"host":"docs.example.com","iat":1700000000}`)
}

func TestMintlifyPersonalizationLogin(t *testing.T) {
	testLogin(t, personalization, "ES256", "https://example.com/docs#TOKEN",
		`{"apiPlaygroundInputs":{"header":{"Authorization":"Bearer sk_1"}},"content":{"email":"ada@example.com","first_name":"Ada","last_name":"Lovelace","name":"Ada Lovelace","plan":"pro"},"exp":1700000010,"expiresAt":1701209600,"groups":["admin"],"iat":1700000000}`)
}

func TestMintlifyDeepLinks(t *testing.T) {
	const callback = "https://docs.example.com/login/jwt-callback"
	testLinks(t, mintlify, []linkRow{
		{"a page", "redirect=%2Fguide", callback + "?redirect=%2Fguide#TOKEN"},
		{"a query", "redirect=%2Fguide%3Fa%3D1%26b%3D2", callback + "?redirect=%2Fguide%3Fa%3D1%26b%3D2#TOKEN"},
		{"an anchor", "redirect=%2Fguide%23part", callback + "?redirect=%2Fguide%23part#TOKEN"},
		{"a query and an anchor", "redirect=%2Fguide%3Fa%3D1%26b%3D2%23part", callback + "?redirect=%2Fguide%3Fa%3D1%26b%3D2%23part#TOKEN"},
		{"an escaped space", "redirect=%2Fguide%2520a%3Fq%3Db%2520c", callback + "?redirect=%2Fguide%2520a%3Fq%3Db%2520c#TOKEN"},
		{"plus signs", "redirect=%2Fa%2Bb%3Fq%3Dc%2Bd%252Be", callback + "?redirect=%2Fa%2Bb%3Fq%3Dc%2Bd%252Be#TOKEN"},
		{"an escaped slash", "redirect=%2Fa%252Fb%3Fq%3Dc%252Fd", callback + "?redirect=%2Fa%252Fb%3Fq%3Dc%252Fd#TOKEN"},
		{"an escaped percent sign", "redirect=%2Fguide%3Fq%3D100%2525", callback + "?redirect=%2Fguide%3Fq%3D100%2525#TOKEN"},
		{"an escaped ampersand", "redirect=%2Fguide%3Fq%3Da%2526b", callback + "?redirect=%2Fguide%3Fq%3Da%2526b#TOKEN"},
		{"non-ASCII letters, escaped", "redirect=%2Fgr%25C3%25B6%25C3%259Fe%3Fq%3D%25E6%2597%25A5", callback + "?redirect=%2Fgr%25C3%25B6%25C3%259Fe%3Fq%3D%25E6%2597%25A5#TOKEN"},
		{"non-ASCII letters", "redirect=%2Fgr%C3%B6%C3%9Fe%3Fq%3D%E6%97%A5", callback + "?redirect=%2Fgr%C3%B6%C3%9Fe%3Fq%3D%E6%97%A5#TOKEN"},
		{"no deep link", "", callback + "#TOKEN"},
		{"an empty deep link", "redirect=", callback + "#TOKEN"},
		{"the text undefined", "redirect=undefined", callback + "#TOKEN"},
		{"a foreign host", "redirect=https%3A%2F%2Fevil.example%2Fguide", callback + "#TOKEN"},
		{"a foreign host without a scheme", "redirect=%2F%2Fevil.example%2Fguide", callback + "#TOKEN"},
		{"a path that leaves the docs", "redirect=%2Fguide%2F..%2F..%2Fadmin", callback + "#TOKEN"},
		{"an absolute URL", "redirect=https%3A%2F%2Fdocs.example.com%2Fa", callback + "?redirect=%2Fa#TOKEN"},
		{"the callback", "redirect=%2Flogin%2Fjwt-callback", callback + "#TOKEN"},
	})
}

func TestMintlifyPersonalizationDeepLinks(t *testing.T) {
	const docs = "https://example.com/docs"
	testLinks(t, personalization, []linkRow{
		{"a page", "redirect=%2Fdocs%2Fguide", docs + "/guide#TOKEN"},
		{"a query", "redirect=%2Fdocs%2Fguide%3Fa%3D1%26b%3D2", docs + "/guide?a=1&b=2#TOKEN"},
		{"an anchor", "redirect=%2Fdocs%2Fguide%23part", docs + "/guide#TOKEN"},
		{"a query and an anchor", "redirect=%2Fdocs%2Fguide%3Fa%3D1%26b%3D2%23part", docs + "/guide?a=1&b=2#TOKEN"},
		{"an escaped space", "redirect=%2Fdocs%2Fguide%2520a%3Fq%3Db%2520c", docs + "/guide%20a?q=b%20c#TOKEN"},
		{"plus signs", "redirect=%2Fdocs%2Fa%2Bb%3Fq%3Dc%2Bd%252Be", docs + "/a+b?q=c+d%2Be#TOKEN"},
		{"an escaped slash", "redirect=%2Fdocs%2Fa%252Fb%3Fq%3Dc%252Fd", docs + "/a%2Fb?q=c%2Fd#TOKEN"},
		{"an escaped percent sign", "redirect=%2Fdocs%2Fguide%3Fq%3D100%2525", docs + "/guide?q=100%25#TOKEN"},
		{"an escaped ampersand", "redirect=%2Fdocs%2Fguide%3Fq%3Da%2526b", docs + "/guide?q=a%26b#TOKEN"},
		{"non-ASCII letters, escaped", "redirect=%2Fdocs%2Fgr%25C3%25B6%25C3%259Fe%3Fq%3D%25E6%2597%25A5", docs + "/gr%C3%B6%C3%9Fe?q=%E6%97%A5#TOKEN"},
		{"non-ASCII letters", "redirect=%2Fdocs%2Fgr%C3%B6%C3%9Fe%3Fq%3D%E6%97%A5", docs + "/gr%C3%B6%C3%9Fe?q=%E6%97%A5#TOKEN"},
		{"no deep link", "", docs + "#TOKEN"},
		{"an empty deep link", "redirect=", docs + "#TOKEN"},
		{"the text undefined", "redirect=undefined", docs + "#TOKEN"},
		{"a foreign host", "redirect=https%3A%2F%2Fevil.example%2Fguide", docs + "#TOKEN"},
		{"a foreign host without a scheme", "redirect=%2F%2Fevil.example%2Fguide", docs + "#TOKEN"},
		{"a path that leaves the docs", "redirect=%2Fguide%2F..%2F..%2Fadmin", docs + "#TOKEN"},
		{"the home page with a query", "redirect=/docs%3Fx=1", docs + "?x=1#TOKEN"},
		{"an absolute URL", "redirect=https://example.com/docs/get-started", docs + "/get-started#TOKEN"},
		{"a page outside of the docs", "redirect=/admin", docs + "#TOKEN"},
	})
}

func TestMintlifyNamesTheDocsHost(t *testing.T) {
	p := platforms.Mintlify("https://Docs.Example.com:8443/", testkit.Ed25519PEM)
	if host := payload(t, p, testkit.Ada)["host"]; host != "docs.example.com" {
		t.Errorf("host is %v", host)
	}
}

func TestMintlifyRejectsDocsUnderAPath(t *testing.T) {
	_, err := docslogin.New(testkit.Nobody, platforms.Mintlify("https://docs.example.com/docs", testkit.Ed25519PEM))
	testConfigError(t, err, "Platform.DocsURL", "has a path")
}

func TestMintlifyClaims(t *testing.T) {
	for _, p := range []docslogin.Platform{mintlify, personalization, platforms.MintlifyInfo()} {
		t.Run(p.Name, func(t *testing.T) {
			testClaims(t, p, []claimsRow{
				{"nothing that is sent", &docslogin.User{ID: "1", App: 1, APIKeys: []docslogin.APIKey{{Name: "x"}}}, `{}`},
				{"groups", &docslogin.User{Groups: []string{"admin", "beta"}}, `{"groups":["admin","beta"]}`},
				{"groups with an asterisk in their names", &docslogin.User{Groups: []string{"beta*", "**", "* *"}}, `{"groups":["beta*","**","* *"]}`},
				{"content", &docslogin.User{Name: "Ada", Email: "ada@example.com", Attributes: map[string]any{"plan": "pro"}}, `{"content":{"email":"ada@example.com","name":"Ada","plan":"pro"}}`},
				{"the first of two keys", keys(docslogin.APIKey{Key: "1"}, docslogin.APIKey{Key: "2"}), `{"apiPlaygroundInputs":{"header":{"Authorization":"Bearer 1"}}}`},
				// The example of RFC 7617, section 2.
				{"HTTP Basic", keys(docslogin.APIKey{Username: "Aladdin", Password: "open sesame"}), `{"apiPlaygroundInputs":{"header":{"Authorization":"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}}}`},
				{"HTTP Basic without a user name", keys(docslogin.APIKey{Password: "p"}), `{"apiPlaygroundInputs":{"header":{"Authorization":"Basic OnA="}}}`},
				{"HTTP Basic without a password", keys(docslogin.APIKey{Username: "u"}), `{"apiPlaygroundInputs":{"header":{"Authorization":"Basic dTo="}}}`},
				{"HTTP Basic and a key", keys(docslogin.APIKey{Key: "1", Username: "u", Password: "p"}), `{"apiPlaygroundInputs":{"header":{"Authorization":"Bearer 1"}}}`},
			})
			testErrors(t, p, []errorRow{
				{"an attribute that has the name of the reader's name", with(map[string]any{"name": "x"}), `the attribute "name" would set a claim that has a meaning`},
				{"an attribute that has the name of the e-mail address", with(map[string]any{"email": "x"}), `the attribute "email" would set a claim that has a meaning`},
				{"the wildcard group", &docslogin.User{Groups: []string{"*"}}, mintlifyWildcard},
				{"the wildcard after another group", &docslogin.User{Groups: []string{"admin", "*"}}, mintlifyWildcard},
				{"the wildcard with white space around it", &docslogin.User{Groups: []string{"\t*\u00a0\n"}}, mintlifyWildcard},
			})
		})
	}
}

func TestMintlifyPutsKeysIntoTheirHeaders(t *testing.T) {
	inputs := func(header string) string { return `{"apiPlaygroundInputs":{"header":` + header + `}}` }
	for _, p := range []docslogin.Platform{mintlify, personalization, platforms.MintlifyInfo()} {
		t.Run(p.Name, func(t *testing.T) {
			testClaims(t, p, []claimsRow{
				{"a key in a header", keys(docslogin.APIKey{Header: "X-Api-Key", Key: "1"}), inputs(`{"X-Api-Key":"1"}`)},
				{"two headers", keys(docslogin.APIKey{Header: "X-Api-Key", Key: "1"}, docslogin.APIKey{Header: "X-Org", Key: "2"}), inputs(`{"X-Api-Key":"1","X-Org":"2"}`)},
				{"one header in two spellings", keys(docslogin.APIKey{Header: "X-Api-Key", Key: "1"}, docslogin.APIKey{Header: "x-api-KEY", Key: "2"}), inputs(`{"X-Api-Key":"1"}`)},
				{"a bearer token and a key in a header", keys(docslogin.APIKey{Key: "1"}, docslogin.APIKey{Header: "X-Api-Key", Key: "2"}), inputs(`{"Authorization":"Bearer 1","X-Api-Key":"2"}`)},
				{"a key in a header, and a bearer token", keys(docslogin.APIKey{Header: "X-Api-Key", Key: "1"}, docslogin.APIKey{Key: "2"}), inputs(`{"Authorization":"Bearer 2","X-Api-Key":"1"}`)},
				{"a key in a header, with HTTP Basic", keys(docslogin.APIKey{Header: "X-Api-Key", Key: "1", Username: "u", Password: "p"}), inputs(`{"Authorization":"Basic dTpw","X-Api-Key":"1"}`)},
				{"Authorization, as it is", keys(docslogin.APIKey{Header: "Authorization", Key: "Token 1"}), inputs(`{"Authorization":"Token 1"}`)},
				{"authorization, with HTTP Basic", keys(docslogin.APIKey{Header: "authorization", Key: "1", Username: "u"}), inputs(`{"authorization":"1"}`)},
				{"authorization, and a bearer token", keys(docslogin.APIKey{Header: "authorization", Key: "1"}, docslogin.APIKey{Key: "2"}), inputs(`{"authorization":"1"}`)},
				{"a header without a key", keys(docslogin.APIKey{Header: "X-Api-Key"}), `{}`},
				{"a header without a key, with HTTP Basic", keys(docslogin.APIKey{Header: "X-Api-Key", Username: "u", Password: "p"}), inputs(`{"Authorization":"Basic dTpw"}`)},
			})
		})
	}
}

func TestMintlifyGetsValuesAsText(t *testing.T) {
	inputs := func(header, server string) string {
		return `{"apiPlaygroundInputs":{"header":{"Authorization":"Bearer 1"` + header + `},"server":{` + server + `}}}`
	}
	one := func(values map[string]any) *docslogin.User { return keys(docslogin.APIKey{Key: "1", Values: values}) }
	for _, p := range []docslogin.Platform{mintlify, personalization, platforms.MintlifyInfo()} {
		t.Run(p.Name, func(t *testing.T) {
			testClaims(t, p, []claimsRow{
				{"text, a number, a boolean, and the order of names", one(map[string]any{"v": "eu", "u": 7, "t": true}), inputs(`,"t":"true","u":"7","v":"eu"`, `"t":"true","u":"7","v":"eu"`)},
				{"a value of a database", one(map[string]any{"v": sql.NullInt64{Int64: 7, Valid: true}, "u": []byte("eu")}), inputs(`,"u":"eu","v":"7"`, `"u":"eu","v":"7"`)},
				{"large numbers", one(map[string]any{"v": float64(12345678), "w": json.Number("9007199254740993")}), inputs(`,"v":"12345678","w":"9007199254740993"`, `"v":"12345678","w":"9007199254740993"`)},
				{"values that are not sent", one(map[string]any{"null": nil, "NULL": sql.NullString{}, "object": map[string]any{"a": 1}, "list": []string{"a"}, "v": 1}), inputs(`,"v":"1"`, `"v":"1"`)},
				{"names that cannot be those of headers", one(map[string]any{"": "1", "my region": "2", "größe": "3", "a:b": "4"}), inputs(``, `"a:b":"4","größe":"3","my region":"2"`)},
				{"names with every character of a token", one(map[string]any{"X!#$%&'*+-.^_`|~az09": "1"}), inputs(",\"X!#$%\\u0026'*+-.^_`|~az09\":\"1\"", "\"X!#$%\\u0026'*+-.^_`|~az09\":\"1\"")},
				{"the first of two values", keys(docslogin.APIKey{Key: "1", Values: map[string]any{"v": "eu"}}, docslogin.APIKey{Values: map[string]any{"v": "us", "w": "1"}}), inputs(`,"v":"eu","w":"1"`, `"v":"eu","w":"1"`)},
				{"the first of two values in different case", keys(docslogin.APIKey{Key: "1", Values: map[string]any{"v": "eu"}}, docslogin.APIKey{Values: map[string]any{"V": "us"}}), inputs(`,"v":"eu"`, `"V":"us","v":"eu"`)},
				{"a value with the name of an earlier key's header", keys(docslogin.APIKey{Key: "1"}, docslogin.APIKey{Key: "2", Header: "X-Org"}, docslogin.APIKey{Values: map[string]any{"x-org": "3"}}), inputs(`,"X-Org":"2"`, `"x-org":"3"`)},
			})
		})
	}
}

const mintlifyWildcard = `User.Groups contains "*", a wildcard that can open every page; leave it out, or set groups in your own mapper`

// In many apps, users name the groups, but only the app has mappers.
func TestOnlyAMapperOfTheAppSetsMintlifysWildcard(t *testing.T) {
	for _, p := range []docslogin.Platform{mintlify, personalization} {
		var e docslogin.Event
		resp := testkit.Get(t, testkit.New(t, testkit.As(&docslogin.User{ID: "1", Groups: []string{"*"}}), p, testkit.Observe(&e)), "/docs-login")
		if resp.StatusCode != 500 || e.Outcome != "mapper_failed" {
			t.Errorf("%s, User.Groups: %d, %s", p.Name, resp.StatusCode, e.Outcome)
		}
		m := testkit.New(t, testkit.As(testkit.Ada), p, testkit.Sets("groups", []string{"*"}))
		if _, payload := testkit.Login(t, m, "/docs-login"); !strings.Contains(payload, `"groups":["*"]`) {
			t.Errorf("%s, a mapper of the app: %s", p.Name, payload)
		}
	}
	testInfoRejects(t, platforms.MintlifyInfo(), &docslogin.User{ID: "1", Groups: []string{"*"}}, "mapper_failed")
}

func TestMintlifyRequiresNothing(t *testing.T) {
	testRequired(t, mintlify, []requiredRow{
		{"no e-mail address", withoutEmail, ""},
		{"a name alone", nameAlone, ""},
		{"an ID alone", idAlone, ""},
	})
	testRequired(t, personalization, []requiredRow{{"public docs, a name alone", nameAlone, ""}})
}

func TestMintlifyLifetimes(t *testing.T) {
	testLongest(t, mintlify, 10*time.Second, year)
	testLifetimes(t, mintlify, []lifetimeRow{
		{"no end of the app session", testkit.Ada, nil, `"expiresAt":1701209600`},
		{"an app session that ends after the docs session", until(15 * 24 * time.Hour), nil, `"expiresAt":1701209600`},
		{"an app session that ends before the docs session", until(time.Hour), nil, `"expiresAt":1700003600`},
		{"an app session that ends before the token", until(time.Second), nil, `"expiresAt":1700000001`},
		{"an app session that ends within this second", until(999 * time.Millisecond), nil, ""},
		{"an app session that has ended", until(-time.Second), nil, ""},
		{"a docs session of the app's choice", until(15 * 24 * time.Hour), docslogin.WithSessionTTL(time.Hour), `"expiresAt":1700003600`},
	})
}

func TestMintlifyPersonalizationLifetimes(t *testing.T) {
	testLongest(t, personalization, 10*time.Second, year)
	testLifetimes(t, personalization, []lifetimeRow{
		{"an app session that ends before the docs session", until(time.Hour), nil, `"exp":1700000010,"expiresAt":1700003600`},
	})
}

func TestMintlifyReservedClaims(t *testing.T) {
	testReserved(t, mintlify, "iat", "exp", "nbf", "host", "expiresAt")
	testReserved(t, personalization, "iat", "exp", "nbf", "expiresAt")
}

// In content, the names of other claims mean nothing.
func TestMintlifyAttributes(t *testing.T) {
	testAttributesRejected(t, mintlify, "mapper_failed", "name", "email")
	testAttributesInside(t, mintlify, "content", "version", "exp", "isAdmin", "groups", "host", "expiresAt")
}

func TestMintlifyInfo(t *testing.T) {
	testInfo(t, platforms.MintlifyInfo(), personalization, "iat", "exp")
	testInfo(t, platforms.MintlifyInfo(), mintlify, "iat", "exp", "host")
	for _, name := range []string{"iat", "exp", "nbf", "expiresAt", "host"} {
		testInfoRejects(t, platforms.MintlifyInfo(), testkit.Ada, "reserved_claim", testkit.Sets(name, 1))
	}
}

// The options of the login route are those of userinfo.
func TestMintlifyInfoTakesTheSameLifetimes(t *testing.T) {
	profile, err := docslogin.NewProfile(platforms.MintlifyInfo(), testkit.AtNoon, docslogin.WithTokenTTL(time.Second), docslogin.WithSessionTTL(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if claims, err := profile.Claims(t.Context(), testkit.Ada); claims["expiresAt"] != int64(1700003600) {
		t.Errorf("%v, %v", claims, err)
	}
}

func init() {
	os.Setenv("MINTLIFY_PRIVATE_KEY", testkit.Ed25519PEM)
	os.Setenv("MINTLIFY_P256_KEY", testkit.P256PEM)
}

// Readers log in at Mintlify with the private key that its dashboard generates.
func ExampleMintlify() {
	docs, err := docslogin.New(currentUser,
		platforms.Mintlify("https://docs.example.com", os.Getenv("MINTLIFY_PRIVATE_KEY")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?redirect=/quickstart"))
	// Output:
	// 302 https://docs.example.com/login/jwt-callback?redirect=%2Fquickstart#TOKEN
}

// Public docs at Mintlify greet readers who are signed in to the app. The token goes to the
// page itself, under the docs' path, and is signed with an ES256 key.
func ExampleMintlifyPersonalization() {
	docs, err := docslogin.New(currentUser,
		platforms.MintlifyPersonalization("https://example.com/docs", os.Getenv("MINTLIFY_P256_KEY")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?redirect=/docs/get-started"))
	// Output:
	// 302 https://example.com/docs/get-started#TOKEN
}
