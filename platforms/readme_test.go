package platforms_test

import (
	"database/sql"
	"fmt"
	"log"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
)

var readMe = platforms.ReadMe("https://docs.example.com", testkit.Secret)

func TestReadMeLogin(t *testing.T) {
	testLogin(t, readMe, "HS256", "https://docs.example.com?auth_token=TOKEN",
		`{"apiKey":"sk_1","email":"ada@example.com","exp":1700000300,"first_name":"Ada","iat":1700000000,"jti":"JTI","last_name":"Lovelace","name":"Ada Lovelace","plan":"pro","version":1}`)
}

func TestReadMeDeepLinks(t *testing.T) {
	const home = "https://docs.example.com?auth_token=TOKEN"
	testLinks(t, readMe, []linkRow{
		{"a page", "redirect=%2Fguide", home + "&redirect=%2Fguide"},
		{"a query", "redirect=%2Fguide%3Fa%3D1%26b%3D2", home + "&redirect=%2Fguide%3Fa%3D1%26b%3D2"},
		{"an anchor", "redirect=%2Fguide%23part", home + "&redirect=%2Fguide%23part"},
		{"a query and an anchor", "redirect=%2Fguide%3Fa%3D1%26b%3D2%23part", home + "&redirect=%2Fguide%3Fa%3D1%26b%3D2%23part"},
		{"an escaped space", "redirect=%2Fguide%2520a%3Fq%3Db%2520c", home + "&redirect=%2Fguide%2520a%3Fq%3Db%2520c"},
		{"plus signs", "redirect=%2Fa%2Bb%3Fq%3Dc%2Bd%252Be", home + "&redirect=%2Fa%2Bb%3Fq%3Dc%2Bd%252Be"},
		{"an escaped slash", "redirect=%2Fa%252Fb%3Fq%3Dc%252Fd", home + "&redirect=%2Fa%252Fb%3Fq%3Dc%252Fd"},
		{"an escaped percent sign", "redirect=%2Fguide%3Fq%3D100%2525", home + "&redirect=%2Fguide%3Fq%3D100%2525"},
		{"an escaped ampersand", "redirect=%2Fguide%3Fq%3Da%2526b", home + "&redirect=%2Fguide%3Fq%3Da%2526b"},
		{"non-ASCII letters, escaped", "redirect=%2Fgr%25C3%25B6%25C3%259Fe%3Fq%3D%25E6%2597%25A5", home + "&redirect=%2Fgr%25C3%25B6%25C3%259Fe%3Fq%3D%25E6%2597%25A5"},
		{"non-ASCII letters", "redirect=%2Fgr%C3%B6%C3%9Fe%3Fq%3D%E6%97%A5", home + "&redirect=%2Fgr%C3%B6%C3%9Fe%3Fq%3D%E6%97%A5"},
		{"no deep link", "", home},
		{"an empty deep link", "redirect=", home},
		{"the text undefined", "redirect=undefined", home},
		{"a foreign host", "redirect=https%3A%2F%2Fevil.example%2Fguide", home},
		{"a foreign host without a scheme", "redirect=%2F%2Fevil.example%2Fguide", home},
		{"a path that leaves the docs", "redirect=%2Fguide%2F..%2F..%2Fadmin", home},
		{"a page that already has a token", "redirect=%2Fguide%3Fauth_token%3Dx", home},
		{"an absolute URL with a query and an anchor", "redirect=https://docs.example.com/docs/a%3Fb=c%2520d%23e", home + "&redirect=%2Fdocs%2Fa%3Fb%3Dc%2520d%23e"},
		{"the home page with a query", "redirect=/%3Fv=2", home + "&redirect=%2F%3Fv%3D2"},
	})
}

func TestReadMeClaims(t *testing.T) {
	testClaims(t, readMe, []claimsRow{
		{"nothing that is sent", &docslogin.User{ID: "1", Groups: []string{"g"}, App: 1}, `{}`},
		{"a name and an e-mail address", &docslogin.User{Name: "Owlbert", Email: "owlbert@readme.io"}, `{"email":"owlbert@readme.io","name":"Owlbert"}`},
		{"no name", &docslogin.User{Email: "owlbert@readme.io"}, `{"email":"owlbert@readme.io","name":"owlbert@readme.io"}`},
		{"attributes", &docslogin.User{Attributes: map[string]any{"plan": "pro", "id": int64(1 << 60), "label": nil, "tags": []string{"a", "b"}, "ids": []any{1, "x"}}},
			`{"id":1152921504606846976,"ids":[1,"x"],"plan":"pro","tags":["a","b"]}`},
	})
}

func TestReadMeAPIKeys(t *testing.T) {
	basic := map[string]any{"user": "u", "pass": "p"}
	testClaims(t, readMe, []claimsRow{
		{"one key, whose name is not sent", keys(docslogin.APIKey{Name: "live", Key: "12345"}), `{"apiKey":"12345"}`},
		{"one key with values", keys(docslogin.APIKey{Key: "12345", Values: map[string]any{"petstore_auth": "x", "port": 8443}}), `{"apiKey":"12345","petstore_auth":"x","port":8443}`},
		{"a key in a header, which the scheme names", keys(docslogin.APIKey{Header: "X-Api-Key", Key: "12345"}), `{"apiKey":"12345"}`},
		{"a key with an invalid Header, which is not sent", keys(docslogin.APIKey{Header: "no header", Key: "12345"}), `{"apiKey":"12345"}`},
		{"HTTP Basic", keys(docslogin.APIKey{Username: "u", Password: "p"}), `{"pass":"p","user":"u"}`},
		{"HTTP Basic without a password", keys(docslogin.APIKey{Username: "u"}), `{"pass":"","user":"u"}`},
		{"HTTP Basic without a user name", keys(docslogin.APIKey{Password: "p"}), `{"pass":"p","user":""}`},
		{"HTTP Basic and a key", keys(docslogin.APIKey{Key: "12345", Username: "u", Password: "p"}), `{"apiKey":"12345","pass":"p","user":"u"}`},
		{"HTTP Basic, also under the scheme's name", keys(docslogin.APIKey{Username: "u", Password: "p", Values: map[string]any{"basicAuth": basic}}), `{"basicAuth":{"pass":"p","user":"u"},"pass":"p","user":"u"}`},
		{"HTTP Basic, only under the scheme's name", keys(docslogin.APIKey{Values: map[string]any{"basicAuth": basic}}), `{"basicAuth":{"pass":"p","user":"u"},"pass":"p","user":"u"}`},
		{"HTTP Basic, as Claims", keys(docslogin.APIKey{Username: "u", Password: "p", Values: map[string]any{"basicAuth": docslogin.Claims{"user": "u", "pass": "p"}}}), `{"basicAuth":{"pass":"p","user":"u"},"pass":"p","user":"u"}`},
		{"HTTP Basic, as a struct", keys(docslogin.APIKey{Values: map[string]any{"basicAuth": struct {
			User string `json:"user"`
			Pass string `json:"pass"`
		}{"u", "p"}}}), `{"basicAuth":{"pass":"p","user":"u"},"pass":"p","user":"u"}`},
		{"HTTP Basic, as an object of strings", keys(docslogin.APIKey{Values: map[string]any{"basicAuth": map[string]string{"user": "u", "pass": "p"}}}), `{"basicAuth":{"pass":"p","user":"u"},"pass":"p","user":"u"}`},
		{"two schemes of HTTP Basic", keys(docslogin.APIKey{Values: map[string]any{"a": basic, "b": basic}}), `{"a":{"pass":"p","user":"u"},"b":{"pass":"p","user":"u"}}`},
		{"values that are not set", keys(docslogin.APIKey{Key: "12345", Values: map[string]any{"apiKey": nil, "pass": sql.NullString{}, "port": (*int)(nil)}}), `{"apiKey":"12345"}`},
		{"HTTP Basic, from the database", keys(docslogin.APIKey{Values: map[string]any{"basicAuth": map[string]any{"user": sql.NullString{String: "u", Valid: true}, "pass": []byte("p")}}}), `{"basicAuth":{"pass":"p","user":"u"},"pass":"p","user":"u"}`},
		{"a value for a scheme that is named apiKey", keys(docslogin.APIKey{Values: map[string]any{"apiKey": "12345"}}), `{"apiKey":"12345"}`},
	})
}

// With several keys, requests read the selected entry of keys. Code blocks in pages read the top
// level.
func TestReadMeSeveralAPIKeys(t *testing.T) {
	basic := map[string]any{"user": "u", "pass": "p"}
	test := docslogin.APIKey{Name: "test", Username: "u", Password: "p"}
	testClaims(t, readMe, []claimsRow{
		{"a key first", keys(docslogin.APIKey{Name: "live", Key: "1"}, test),
			`{"apiKey":"1","keys":[{"apiKey":"1","name":"live"},{"name":"test","pass":"p","user":"u"}]}`},
		{"keys in headers", keys(docslogin.APIKey{Name: "live", Header: "X-Api-Key", Key: "1"}, docslogin.APIKey{Name: "org", Header: "X-Org", Key: "2"}),
			`{"apiKey":"1","keys":[{"apiKey":"1","name":"live"},{"apiKey":"2","name":"org"}]}`},
		{"HTTP Basic first", keys(test, docslogin.APIKey{Name: "live", Key: "1"}),
			`{"keys":[{"name":"test","pass":"p","user":"u"},{"apiKey":"1","name":"live"}],"pass":"p","user":"u"}`},
		{"values", keys(docslogin.APIKey{Name: "live", Values: map[string]any{"port": 1}}, docslogin.APIKey{Name: "test", Values: map[string]any{"port": 2}}),
			`{"keys":[{"name":"live","port":1},{"name":"test","port":2}],"port":1}`},
		{"HTTP Basic, only under the scheme's name", keys(docslogin.APIKey{Name: "live", Values: map[string]any{"basicAuth": basic}}, test),
			`{"basicAuth":{"pass":"p","user":"u"},"keys":[{"basicAuth":{"pass":"p","user":"u"},"name":"live","pass":"p","user":"u"},{"name":"test","pass":"p","user":"u"}],"pass":"p","user":"u"}`},
		{"values with the names of reserved claims, which are not at the top level", keys(docslogin.APIKey{Name: "live", Values: map[string]any{"version": "v2", "exp": 1, "port": 1}}, docslogin.APIKey{Name: "test"}),
			`{"keys":[{"exp":1,"name":"live","port":1,"version":"v2"},{"name":"test"}],"port":1}`},
		{"the user's name, which is not the key's", &docslogin.User{Name: "Owlbert", APIKeys: []docslogin.APIKey{{Name: "live"}, {Name: "test"}}},
			`{"keys":[{"name":"live"},{"name":"test"}],"name":"Owlbert"}`},
		{"an attribute and a value of the second key with the same name", &docslogin.User{Attributes: map[string]any{"v": 1}, APIKeys: []docslogin.APIKey{{Name: "a"}, {Name: "b", Values: map[string]any{"v": 2}}}},
			`{"keys":[{"name":"a"},{"name":"b","v":2}],"v":1}`},
	})
}

func TestReadMeLeavesTheUsersReservedValues(t *testing.T) {
	user := func() *docslogin.User {
		values := map[string]any{"version": "v2", "iat": 1, "exp": 2, "nbf": 3, "jti": "x", "port": 1}
		return &docslogin.User{Name: "Owlbert", Email: "owlbert@readme.io", APIKeys: []docslogin.APIKey{{Name: "live", Values: values}, {Name: "test"}}}
	}
	shared := user()
	for range 2 {
		if got := payload(t, readMe, shared)["port"]; got != 1.0 {
			t.Errorf("port is %v", got)
		}
	}
	if !reflect.DeepEqual(shared, user()) {
		t.Errorf("the user was changed to %+v", shared)
	}
}

func TestReadMeErrors(t *testing.T) {
	testErrors(t, readMe, []errorRow{
		{"several keys, one without a name", keys(docslogin.APIKey{Name: "live", Key: "1"}, docslogin.APIKey{Key: "2"}), "API key 2 of 2 has no unique Name"},
		{"several keys, one with a name of white space", keys(docslogin.APIKey{Name: " ", Key: "1"}, docslogin.APIKey{Name: "live", Key: "2"}), "API key 1 of 2 has no unique Name"},
		{"a value named user that is a number", keys(docslogin.APIKey{Values: map[string]any{"user": 5}}), `the API key's value "user" is not a string`},
		{"a value named pass, of a second key, that is a number", keys(docslogin.APIKey{Name: "a"}, docslogin.APIKey{Name: "b", Values: map[string]any{"pass": 5}}), `the API key's value "pass" is not a string`},
		{"several keys with the same name", keys(docslogin.APIKey{Name: "live", Key: "1"}, docslogin.APIKey{Name: "live", Key: "2"}), "API key 2 of 2 has no unique Name"},
		{"an attribute and a value with the same name", &docslogin.User{Attributes: map[string]any{"v": 1}, APIKeys: []docslogin.APIKey{{Values: map[string]any{"v": 2}}}},
			`the API key's value "v" would set a claim that another field of the user has set; rename one of them`},
		{"an attribute that is a privilege", with(map[string]any{"isAdmin": true}),
			`the attribute "isAdmin" would set a claim that has a meaning of its own; rename it, or set the claim in your own mapper`},
		{"a value that has the name of the reader's name", keys(docslogin.APIKey{Values: map[string]any{"name": "x"}}), `the API key's value "name" would set a claim that has a meaning`},
		{"a value and the key", keys(docslogin.APIKey{Key: "1", Values: map[string]any{"apiKey": "2"}}), `the API key's value "apiKey" would set a claim that another field`},
		{"an attribute and a value of the first of several keys with the same name", &docslogin.User{Attributes: map[string]any{"v": 1}, APIKeys: []docslogin.APIKey{{Name: "a", Values: map[string]any{"v": 2}}, {Name: "b"}}},
			`the API key's value "v" would set a claim that another field of the user has set`},
		{"a value named apiKey that is an object", keys(docslogin.APIKey{Values: map[string]any{"apiKey": map[string]any{"user": "u", "pass": "p"}}}),
			`the API key's value "apiKey" is not a string; for HTTP Basic, set Username and Password instead`},
		{"a value named apiKey, of a second key, that is an object", keys(docslogin.APIKey{Name: "a"}, docslogin.APIKey{Name: "b", Values: map[string]any{"apiKey": map[string]any{"user": "u"}}}),
			`the API key's value "apiKey" is not a string`},
		{"a value that has no JSON", keys(docslogin.APIKey{Values: map[string]any{"odd": func() {}}}), `the API key's value "odd", a func(), cannot be written as JSON`},
	})
}

// A key's values cannot be a privilege either.
func TestReadMeValuesNeverBecomePrivileges(t *testing.T) {
	for _, name := range []string{"name", "email", "keys", "parameters", "isAdmin", "isReadOnly", "allowedProjects"} {
		key := docslogin.APIKey{Name: "b", Values: map[string]any{name: true}}
		want := `the API key's value "` + name + `" would set a claim that has a meaning`
		testErrors(t, readMe, []errorRow{
			{name + " of the only key", keys(key), want},
			{name + " of the first key", keys(key, docslogin.APIKey{Name: "a"}), want},
			{name + " of another key", keys(docslogin.APIKey{Name: "a"}, key), want},
		})
	}
}

func TestReadMeRequires(t *testing.T) {
	testRequired(t, readMe, []requiredRow{
		{"no e-mail address", withoutEmail, "email"},
		{"no name", withoutName, ""},
		{"no ID", withoutID, ""},
	})
}

func TestReadMeLifetimes(t *testing.T) {
	testLongest(t, readMe, year, 0)
	testLifetimes(t, readMe, []lifetimeRow{
		{"an app session that has ended", until(-time.Hour), nil, ""},
		{"an app session that ends before the token", until(time.Second), nil, `"exp":1700000300`},
		{"a token of the app's choice", until(time.Hour), docslogin.WithTokenTTL(time.Second), `"exp":1700000001`},
	})
}

func TestReadMeReservedClaims(t *testing.T) {
	testReserved(t, readMe, "iat", "exp", "nbf", "jti", "version")
	testAttributesRejected(t, readMe, "reserved_claim", "version", "exp", "iat", "jti", "nbf")
}

func TestReadMeAttributesNeverBecomePrivileges(t *testing.T) {
	testAttributesRejected(t, readMe, "mapper_failed", "name", "email", "apiKey", "user", "pass", "keys", "parameters", "isAdmin", "isReadOnly", "allowedProjects")
}

func TestReadMeInfo(t *testing.T) {
	testInfo(t, platforms.ReadMeInfo(), readMe, "iat", "exp", "jti")
	testInfoRejects(t, platforms.ReadMeInfo(), withoutEmail, "incomplete_user")
	for _, name := range []string{"iat", "exp", "nbf", "jti", "version"} {
		testInfoRejects(t, platforms.ReadMeInfo(), with(map[string]any{name: 1}), "reserved_claim")
		testInfoRejects(t, platforms.ReadMeInfo(), testkit.Ada, "reserved_claim", testkit.Sets(name, 1))
	}
}

func init() {
	os.Setenv("README_JWT_SECRET", testkit.Secret)
}

// Readers log in at ReadMe with the project's JWT secret.
func ExampleReadMe() {
	docs, err := docslogin.New(currentUser,
		platforms.ReadMe("https://docs.example.com", os.Getenv("README_JWT_SECRET")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?redirect=/docs/quickstart"))
	// Output:
	// 302 https://docs.example.com?auth_token=TOKEN&redirect=%2Fdocs%2Fquickstart
}
