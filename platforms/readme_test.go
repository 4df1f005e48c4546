package platforms_test

import (
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
	testLinks(t, readMe, []linkRow{
		{"a path", "redirect=%2Fdocs%2Fa", "https://docs.example.com?auth_token=TOKEN&redirect=%2Fdocs%2Fa"},
		{"an absolute URL with a query and an anchor", "redirect=https://docs.example.com/docs/a%3Fb=c%2520d%23e", "https://docs.example.com?auth_token=TOKEN&redirect=%2Fdocs%2Fa%3Fb%3Dc%2520d%23e"},
		{"the home with a query", "redirect=/%3Fv=2", "https://docs.example.com?auth_token=TOKEN&redirect=%2F%3Fv%3D2"},
		{"a page that already has a token", "redirect=%2Fdocs%3Fauth_token%3Dx", "https://docs.example.com?auth_token=TOKEN"},
	})
}

func TestReadMeClaims(t *testing.T) {
	testClaims(t, readMe, []claimsRow{
		{"nothing that is sent", &docslogin.User{ID: "1", Groups: []string{"g"}, App: 1}, `{}`},
		{"a name and an e-mail address", &docslogin.User{Name: "Owlbert", Email: "owlbert@readme.io"}, `{"email":"owlbert@readme.io","name":"Owlbert"}`},
		{"no name", &docslogin.User{Email: "owlbert@readme.io"}, `{"email":"owlbert@readme.io","name":"owlbert@readme.io"}`},
		{"attributes", &docslogin.User{Attributes: map[string]any{"plan": "pro", "id": int64(1 << 60), "label": nil, "tags": []string{"a", "b"}, "ids": []any{1, "x"}}},
			`{"id":1152921504606846976,"ids":[1,"x"],"label":null,"plan":"pro","tags":["a","b"]}`},
	})
}

func TestReadMeAPIKeys(t *testing.T) {
	basic := map[string]any{"user": "u", "pass": "p"}
	testClaims(t, readMe, []claimsRow{
		{"one key, whose name is not sent", keys(docslogin.APIKey{Name: "live", Key: "12345"}), `{"apiKey":"12345"}`},
		{"one key with values", keys(docslogin.APIKey{Key: "12345", Values: map[string]any{"petstore_auth": "x", "port": 8443}}), `{"apiKey":"12345","petstore_auth":"x","port":8443}`},
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
		{"a scheme that is itself named apiKey", keys(docslogin.APIKey{Values: map[string]any{"apiKey": "12345"}}), `{"apiKey":"12345"}`},
	})
}

// With several keys, requests read the chosen entry of keys, and code blocks in pages the top level.
func TestReadMeSeveralAPIKeys(t *testing.T) {
	basic := map[string]any{"user": "u", "pass": "p"}
	test := docslogin.APIKey{Name: "test", Username: "u", Password: "p"}
	testClaims(t, readMe, []claimsRow{
		{"a key first", keys(docslogin.APIKey{Name: "live", Key: "1"}, test),
			`{"apiKey":"1","keys":[{"apiKey":"1","name":"live"},{"name":"test","pass":"p","user":"u"}]}`},
		{"HTTP Basic first", keys(test, docslogin.APIKey{Name: "live", Key: "1"}),
			`{"keys":[{"name":"test","pass":"p","user":"u"},{"apiKey":"1","name":"live"}],"pass":"p","user":"u"}`},
		{"values", keys(docslogin.APIKey{Name: "live", Values: map[string]any{"port": 1}}, docslogin.APIKey{Name: "test", Values: map[string]any{"port": 2}}),
			`{"keys":[{"name":"live","port":1},{"name":"test","port":2}],"port":1}`},
		{"HTTP Basic, only under the scheme's name", keys(docslogin.APIKey{Name: "live", Values: map[string]any{"basicAuth": basic}}, test),
			`{"basicAuth":{"pass":"p","user":"u"},"keys":[{"basicAuth":{"pass":"p","user":"u"},"name":"live","pass":"p","user":"u"},{"name":"test","pass":"p","user":"u"}],"pass":"p","user":"u"}`},
		{"the reader's name, which is not the key's", &docslogin.User{Name: "Owlbert", APIKeys: []docslogin.APIKey{{Name: "live"}, {Name: "test"}}},
			`{"keys":[{"name":"live"},{"name":"test"}],"name":"Owlbert"}`},
		{"an attribute and a value of another key than the first", &docslogin.User{Attributes: map[string]any{"v": 1}, APIKeys: []docslogin.APIKey{{Name: "a"}, {Name: "b", Values: map[string]any{"v": 2}}}},
			`{"keys":[{"name":"a"},{"name":"b","v":2}],"v":1}`},
	})
}

func TestReadMeErrors(t *testing.T) {
	testErrors(t, readMe, []errorRow{
		{"several keys, one without a name", keys(docslogin.APIKey{Name: "live", Key: "1"}, docslogin.APIKey{Key: "2"}), "API key 2 of 2 has no Name of its own"},
		{"several keys with the same name", keys(docslogin.APIKey{Name: "live", Key: "1"}, docslogin.APIKey{Name: "live", Key: "2"}), "API key 2 of 2 has no Name of its own"},
		{"an attribute and a value with the same name", &docslogin.User{Attributes: map[string]any{"v": 1}, APIKeys: []docslogin.APIKey{{Values: map[string]any{"v": 2}}}},
			`the API key's value "v" would set a claim that another field of the user has set; rename one of them`},
		{"an attribute that is a privilege", with(map[string]any{"isAdmin": true}),
			`the attribute "isAdmin" would set a claim that has a meaning of its own; rename it, or set the claim in a mapper of yours`},
		{"a value that has the name of the reader's name", keys(docslogin.APIKey{Values: map[string]any{"name": "x"}}), `the API key's value "name" would set a claim that has a meaning`},
		{"a value and the key", keys(docslogin.APIKey{Key: "1", Values: map[string]any{"apiKey": "2"}}), `the API key's value "apiKey" would set a claim that another field`},
		{"an attribute and a value of the first of several keys", &docslogin.User{Attributes: map[string]any{"v": 1}, APIKeys: []docslogin.APIKey{{Name: "a", Values: map[string]any{"v": 2}}, {Name: "b"}}},
			`the API key's value "v" would set a claim that another field of the user has set`},
		{"a value apiKey that is an object", keys(docslogin.APIKey{Values: map[string]any{"apiKey": map[string]any{"user": "u", "pass": "p"}}}),
			`the API key's value "apiKey" is not a string; for HTTP Basic, set Username and Password instead`},
		{"a value apiKey that is null", keys(docslogin.APIKey{Values: map[string]any{"apiKey": nil}}), `the API key's value "apiKey" is not a string`},
		{"a value apiKey of a second key that is an object", keys(docslogin.APIKey{Name: "a"}, docslogin.APIKey{Name: "b", Values: map[string]any{"apiKey": map[string]any{"user": "u"}}}),
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
