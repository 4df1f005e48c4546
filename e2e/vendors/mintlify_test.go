package vendors_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/e2e/internal/judge"
	"github.com/docslogin/docslogin/platforms"
)

func pemOf(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// everyInput sets an input in every place that Mintlify's API playground has.
func everyInput(_ context.Context, _ *docslogin.User, claims docslogin.Claims) error {
	inputs := claims.Object("apiPlaygroundInputs")
	inputs.Object("server")["region"] = "eu"
	for _, place := range []string{"header", "query", "cookie", "path"} {
		inputs.Object(place)["team"] = 7
	}
	return nil
}

func TestMintlifysTypeAccepts(t *testing.T) {
	_, ed25519Key, _ := ed25519.GenerateKey(nil) // crypto/rand never fails
	p256Key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	everything := &docslogin.User{
		ID: "u1", Name: "Ada", Email: "ada@example.com", Groups: []string{"admin", "beta"}, ExpiresAt: time.Now().Add(time.Hour), App: 1,
		APIKeys:    []docslogin.APIKey{{Name: "live", Key: "k", Values: map[string]any{"region": "eu", "port": 8443, "tags": []string{"x"}}}, {Name: "test", Key: "k2", Header: "X-Api-Key"}},
		Attributes: map[string]any{"plan": "pro", "seats": 7, "none": nil, "org": map[string]any{"tags": []any{"x", 2}}},
	}
	basic := docslogin.APIKey{Username: "u", Password: "p"}
	for _, platform := range []docslogin.Platform{
		platforms.Mintlify(docsURL, pemOf(t, ed25519Key)),
		platforms.MintlifyPersonalization(docsURL, pemOf(t, p256Key)),
	} {
		for _, tt := range []struct {
			name string
			user *docslogin.User
			opts []docslogin.Option
		}{
			{"a user with every field set", everything, nil},
			{"a user with an ID alone, which is not sent", &docslogin.User{ID: "u1"}, nil},
			{"HTTP Basic", &docslogin.User{Name: "Ada", APIKeys: []docslogin.APIKey{basic}}, nil},
			{"a mapper that sets every input", everything, []docslogin.Option{docslogin.WithClaimsMapper(everyInput)}},
		} {
			t.Run(platform.Name+"/"+tt.name, func(t *testing.T) {
				claims := claimsOf(t, platform, tt.user, tt.opts...)
				for _, name := range []string{"iat", "exp", "host"} { // of the token, not of the user
					delete(claims, name)
				}
				checkType(t, claims, "")
			})
		}
	}
}

// Negative controls: the compiler rejects these users.
func TestMintlifysTypeRejects(t *testing.T) {
	for _, tt := range []struct {
		name string
		user map[string]any
		want string
	}{
		{"an expiresAt that is text", map[string]any{"expiresAt": "2026-11-01"}, "Type 'string' is not assignable to type 'number'."},
		{"groups that are text", map[string]any{"groups": "admin"}, "Type 'string' is not assignable to type 'string[]'."},
		{"groups that are null", map[string]any{"groups": nil}, "Type 'null' is not assignable to type 'string[]'."},
		{"content that is text", map[string]any{"content": "x"}, "Type 'string' is not assignable to type 'Record<string, unknown>'."},
		{"a server variable that is a number", map[string]any{"apiPlaygroundInputs": map[string]any{"server": map[string]any{"port": 8443}}}, "Type 'number' is not assignable to type 'string'."},
		{"a claim that the type does not have", map[string]any{"name": "Ada"}, `'"name"' does not exist in type 'UserInfo'.`},
		{"a place for inputs that the type does not have", map[string]any{"apiPlaygroundInputs": map[string]any{"headers": map[string]any{}}}, `'"headers"' does not exist in type`},
	} {
		t.Run(tt.name, func(t *testing.T) { checkType(t, tt.user, tt.want) })
	}
}

// checkType checks that the compiler's errors about a user contain want. If want is "", there must
// be no error.
func checkType(t *testing.T, user map[string]any, want string) {
	t.Helper()
	text, err := json.Marshal(user)
	if err != nil {
		t.Fatal(err)
	}
	got := judge.Ask[[]string](t, node, "type", map[string]any{"user": string(text)})
	if all := strings.Join(got, "; "); (want == "") != (all == "") || !strings.Contains(all, want) {
		t.Errorf("%s: tsc reports %q, want %q", text, all, want)
	}
}
