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
		{"an API key with its scheme", rules.ReadMe(), readMe(`,"apiKey":"Bearer k"`), secret, "", "apiKey: puts in front itself"},
		{"HTTP Basic in both forms", rules.ReadMe(), readMe(`,"apiKey":{"user":"u","pass":"p"},"user":"u","pass":"p"`), secret, "", ""},
		{"HTTP Basic in apiKey alone", rules.ReadMe(), readMe(`,"apiKey":{"user":"u","pass":"p"}`), secret, "", "apiKey: itself named apiKey"},
		{"an API key that is a number", rules.ReadMe(), readMe(`,"apiKey":12345`), secret, "apiKey: is not a string or an object", ""},
		{"isAdmin as text", rules.ReadMe(), readMe(`,"isAdmin":"yes"`), secret, "isAdmin: is not true or false", ""},
		{"two keys", rules.ReadMe(), readMe(`,"keys":[{"name":"live","apiKey":"a"},{"name":"test","user":"u","pass":"p"}]`), secret, "", ""},
		{"an empty list of keys", rules.ReadMe(), readMe(`,"keys":[]`), secret, "", ""},
		{"keys that are strings", rules.ReadMe(), readMe(`,"keys":["a","b"]`), secret, "keys: is not a list of objects", ""},
		{"two keys of the same name", rules.ReadMe(), readMe(`,"keys":[{"name":"live"},{"name":"live"}]`), secret, "keys: Entry 2 of keys has the name", ""},
		{"a key without a name", rules.ReadMe(), readMe(`,"keys":[{"name":"live"},{"apiKey":"k"}]`), secret, "keys: Entry 2 of keys has no name", ""},
		{"a single entry of keys", rules.ReadMe(), readMe(`,"keys":[{"name":"live"}]`), secret, "", "keys: has one entry"},
		{"keys and a top-level key", rules.ReadMe(), readMe(`,"keys":[{"name":"live"},{"name":"test"}],"apiKey":"k"`), secret, "", "keys: hides the top-level apiKey"},
	})
}

func TestReadMeRejectsClaimsOfAWrongType(t *testing.T) {
	const want = "apiKey user pass keys parameters isAdmin isReadOnly allowedProjects"
	if got := rejectedBy(rules.ReadMe(), readMe(`,"apiKey":7,"user":7,"pass":7,"keys":7,"parameters":7,"isAdmin":7,"isReadOnly":7,"allowedProjects":7`), secret); got != want {
		t.Errorf("rejected by %q, want %q", got, want)
	}
}
