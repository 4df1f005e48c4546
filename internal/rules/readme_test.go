package rules_test

import (
	"testing"

	"github.com/docslogin/docslogin/internal/rules"
)

// vector is ReadMe's published sample user, signed with the secret.
const vector = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJuYW1lIjoiT3dsYmVydCIsImVtYWlsIjoib3dsYmVydEByZWFkbWUuaW8iLCJhcGlLZXkiOiIxMjM0NSIsInZlcnNpb24iOjEsImlhdCI6MTcwMDAwMDAwMH0.BEMtRPNlbyC3ZSFHrL_0h-tGW4ZnuJZxSC-C9fduC-Q"

// readMe signs the claims that ReadMe requires and the given ones.
func readMe(more string) string {
	return hs256(hsHeader, `{"name":"Ada","email":"ada@example.com","version":1,"iat":1700000000`+more+`}`, secret)
}

func TestReadMe(t *testing.T) {
	checkTokens(t, []tokenTest{
		{"ReadMe accepts the published sample", rules.ReadMe(), vector, secret, "", ""},
		{"ReadMe accepts an exp in the future", rules.ReadMe(), readMe(`,"exp":1700000300`), secret, "", ""},
		{"ReadMe rejects an exp in the past", rules.ReadMe(), readMe(`,"exp":1699999990`), secret, "exp: 10s in the past", ""},
		{"a bare API key", rules.ReadMe(), readMe(`,"apiKey":"k","jti":"a","isAdmin":false,"isReadOnly":true,"parameters":{},"allowedProjects":["a",{"subdomain":"b"}]`), secret, "", ""},
		{"an API key with its scheme", rules.ReadMe(), readMe(`,"apiKey":"Bearer k"`), secret, "", "apiKey: adds itself for bearer and OAuth 2.0 schemes"},
		{"HTTP Basic", rules.ReadMe(), readMe(`,"user":"u","pass":"p"`), secret, "", ""},
		{"HTTP Basic in apiKey too", rules.ReadMe(), readMe(`,"apiKey":{"user":"u","pass":"p"},"user":"u","pass":"p"`), secret, "", "apiKey: requests show [object Object], and pages show the object with its password"},
		{"an API key that is a number", rules.ReadMe(), readMe(`,"apiKey":12345`), secret, "apiKey: is not a string.", ""},
		{"an API key that is null", rules.ReadMe(), readMe(`,"apiKey":null`), secret, "apiKey: is not a string.", ""},
		{"isAdmin as text", rules.ReadMe(), readMe(`,"isAdmin":"yes"`), secret, "isAdmin: is not true or false", ""},
		{"two keys, the first also at the top level", rules.ReadMe(), readMe(`,"apiKey":"a","v":1,"keys":[{"name":"live","apiKey":"a","v":1},{"name":"test","user":"u","pass":"p"}]`), secret, "", ""},
		{"two keys, the first not at the top level", rules.ReadMe(), readMe(`,"keys":[{"name":"live","v":1,"apiKey":"a"},{"name":"test","user":"u","pass":"p"}]`), secret, "", "keys: The top level lacks \"apiKey\", \"v\", which the first entry of keys has, so code blocks in pages are not filled."},
		{"a single entry of keys, also at the top level", rules.ReadMe(), readMe(`,"apiKey":"a","keys":[{"name":"live","apiKey":"a"}]`), secret, "", ""},
		{"a member's name with a line break, and a long one", rules.ReadMe(), readMe(`,"keys":[{"name":"live","\n✓":1,"` + long(300) + `":1}]`), secret, "", `keys: The top level lacks "\n✓", "` + long(40) + `", which`},
		{"a single entry of keys, not at the top level", rules.ReadMe(), readMe(`,"keys":[{"name":"live","user":"u"}]`), secret, "", "keys: The top level lacks \"user\", which"},
		{"an empty list of keys", rules.ReadMe(), readMe(`,"keys":[]`), secret, "", ""},
		{"keys that are strings", rules.ReadMe(), readMe(`,"keys":["a","b"]`), secret, "keys: is not a list of objects", ""},
		{"two keys of the same name", rules.ReadMe(), readMe(`,"keys":[{"name":"live"},{"name":"live"}]`), secret, "keys: keys[1] has the name of an earlier entry", ""},
		{"a key without a name", rules.ReadMe(), readMe(`,"keys":[{"name":"live"},{"apiKey":"k"}]`), secret, "keys: keys[1] has no name", ""},
		{"an entry with HTTP Basic in apiKey", rules.ReadMe(), readMe(`,"keys":[{"name":"live"},{"name":"test","apiKey":{"user":"u","pass":"p"}}]`), secret, "", "keys[1].apiKey: is an object"},
		{"an entry whose API key has its scheme", rules.ReadMe(), readMe(`,"keys":[{"name":"live"},{"name":"test","apiKey":"Bearer k"}]`), secret, "", "keys[1].apiKey: adds itself"},
		{"an entry whose API key is a number", rules.ReadMe(), readMe(`,"keys":[{"name":"live"},{"name":"test","apiKey":1}]`), secret, "keys[1].apiKey: is not a string.", ""},
		{"an entry whose password is a number", rules.ReadMe(), readMe(`,"keys":[{"name":"live"},{"name":"test","user":"u","pass":1}]`), secret, "keys[1].pass: is not a string.", ""},
	})
}

func TestReadMeRejectsClaimsOfAWrongType(t *testing.T) {
	const want = "user pass keys parameters isAdmin isReadOnly allowedProjects apiKey"
	if got := rejectedBy(rules.ReadMe(), readMe(`,"apiKey":7,"user":7,"pass":7,"keys":7,"parameters":7,"isAdmin":7,"isReadOnly":7,"allowedProjects":7`), secret); got != want {
		t.Errorf("rejected by %q, want %q", got, want)
	}
}

func TestAURLIdentifiesReadMe(t *testing.T) {
	checkInference(t, []inferTest{
		{"https://docs.example.com/?auth_token=e.e.e", "ReadMe", "the parameter auth_token"},
	})
}
