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

// platform is what the tests know of a preset, as the vendor says it. Everything that is
// tested for each platform runs over platforms.
type platform struct {
	name         string
	preset       func(docsURL, key string) docslogin.Platform
	newKey       func() (signing, verifying string)
	site         func(...docslogintest.Option) *docslogintest.Site
	alg          string   // that the verifiers are pinned to
	verifiers    []string // of judge.mjs
	param        string   // of the query, with the token; "": the token is the fragment
	callback     string   // path to which the token goes
	lifetime     int64    // of the token in seconds
	tokenID      bool     // each token has a jti of its own
	hostClaim    string   // names the docs' host
	sessionClaim string   // says when the docs session ends
	allKeys      bool     // not only the first API key is sent
	largest      int      // the longest login URL
}

var (
	readMe = platform{
		name: "ReadMe", preset: docslogin.ReadMe, newKey: newSecret, site: docslogintest.NewReadMe,
		alg: "HS256", verifiers: []string{"jsonwebtoken", "jose"}, param: "auth_token", callback: "/",
		lifetime: 300, tokenID: true, allKeys: true, largest: 8000,
	}
	mintlify = platform{
		name: "Mintlify", preset: docslogin.Mintlify, newKey: newEd25519, site: docslogintest.NewMintlify,
		alg: "EdDSA", verifiers: []string{"jose", "node"}, // jsonwebtoken has no EdDSA
		callback: "/login/jwt-callback", lifetime: 10, hostClaim: "host", sessionClaim: "expiresAt", largest: 16000,
	}
	platforms = []platform{readMe, mintlify}
)

// eachPlatform runs a test for every platform.
func eachPlatform(t *testing.T, test func(t *testing.T, p platform)) {
	for _, p := range platforms {
		t.Run(p.name, func(t *testing.T) { test(t, p) })
	}
}

// tokenIn returns the token in a login URL, or "".
func (p platform) tokenIn(loginURL string) string {
	u, err := url.Parse(loginURL)
	switch {
	case err != nil:
		return ""
	case p.param == "":
		return u.Fragment
	}
	return u.Query().Get(p.param)
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
