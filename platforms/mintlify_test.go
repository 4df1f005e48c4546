package platforms_test

import (
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
				{"the first key", keys(docslogin.APIKey{Key: "1", Values: map[string]any{"v": 1}}, docslogin.APIKey{Key: "2"}), `{"apiPlaygroundInputs":{"header":{"Authorization":"Bearer 1"}}}`},
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

const mintlifyWildcard = `User.Groups contains "*", which can open every page at Mintlify; leave it out, or set groups in a mapper of yours`

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
