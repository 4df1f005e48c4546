package e2e_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"net/url"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

// platform is what the tests know of a preset. Everything that is tested for each
// platform runs over platforms.
type platform struct {
	name      string
	preset    func(docsURL, key string) docslogin.Platform
	newKey    func() (signing, verifying string)
	site      func(...docslogintest.Option) *docslogintest.Site
	alg       string   // that the verifiers are pinned to
	verifiers []string // of judge.mjs
	param     string   // of the query, with the token; "": the token is the fragment
	claims    string   // under which Attributes are; "": the top level
	lifetime  int64    // of the token in seconds
	largest   int      // the longest login URL
}

var platforms = []platform{
	{
		name: "ReadMe", preset: docslogin.ReadMe, newKey: newSecret, site: docslogintest.NewReadMe,
		alg: "HS256", verifiers: []string{"jsonwebtoken", "jose"}, param: "auth_token", lifetime: 300, largest: 8000,
	},
	{
		// jsonwebtoken has no EdDSA.
		name: "Mintlify", preset: docslogin.Mintlify, newKey: newEd25519, site: docslogintest.NewMintlify,
		alg: "EdDSA", verifiers: []string{"jose", "node"}, claims: "content", lifetime: 10, largest: 16000,
	},
}

// eachPlatform runs a test for every platform.
func eachPlatform(t *testing.T, test func(t *testing.T, p platform)) {
	for _, p := range platforms {
		t.Run(p.name, func(t *testing.T) { test(t, p) })
	}
}

// token takes the token out of a login URL.
func (p platform) token(t *testing.T, loginURL string) string {
	t.Helper()
	u, err := url.Parse(loginURL)
	if err != nil {
		t.Fatalf("the login URL: %v", err)
	}
	token := u.Fragment
	if p.param != "" {
		token = u.Query().Get(p.param)
	}
	if token == "" {
		t.Fatalf("no token in %q", loginURL)
	}
	return token
}

func newSecret() (signing, verifying string) {
	secret := rand.Text()
	return secret, secret
}

func newEd25519() (signing, verifying string) {
	public, private, _ := ed25519.GenerateKey(nil) // crypto/rand never fails
	return pemText("PRIVATE KEY", x509.MarshalPKCS8PrivateKey, private), pemText("PUBLIC KEY", x509.MarshalPKIXPublicKey, public)
}

func pemText(kind string, marshal func(any) ([]byte, error), key any) string {
	der, err := marshal(key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
