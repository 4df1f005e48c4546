package e2e_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/platforms"
)

// TestKeysOfOpenSSH asserts what New does with the keys that ssh-keygen makes. ssh-keygen writes an
// Ed25519 key in OpenSSH's format even if it is asked for PKCS#8.
func TestKeysOfOpenSSH(t *testing.T) {
	mintlify, personalization := platforms.Mintlify, platforms.MintlifyPersonalization
	for _, tt := range []struct {
		name, arguments string
		platform        func(docsURL, key string) docslogin.Platform
		want            string
	}{
		{"Ed25519", "-t ed25519", mintlify, ""},
		{"Ed25519, PKCS#8 asked for", "-t ed25519 -m PKCS8", mintlify, ""},
		{"Ed25519 with a long comment", "-t ed25519 -C ada.lovelace@a-very-long-name.of-a-host.example.com", mintlify, ""},
		{"P-256", "-t ecdsa -b 256", personalization, ""},
		{"P-256, PKCS#8", "-t ecdsa -b 256 -m PKCS8", personalization, ""},
		{"P-256, SEC 1", "-t ecdsa -b 256 -m PEM", personalization, ""},
		{"Ed25519 with a passphrase", "-t ed25519 -N correct-horse", mintlify, `the key is encrypted; remove its passphrase from a copy of the file (ssh-keygen -p -N "" -f FILE)`},
		{"P-256 with a passphrase, PKCS#8", "-t ecdsa -b 256 -m PKCS8 -N correct-horse", personalization, "the key is encrypted; decrypt it first (openssl pkey -in key.pem)"},
		{"P-256 for Mintlify", "-t ecdsa -b 256", mintlify, "the key is an ECDSA key on the curve P-256; EdDSA needs an Ed25519 key"},
		{"P-384", "-t ecdsa -b 384", personalization, "the key is an ECDSA key on the curve P-384; ES256 needs a P-256 key"},
		{"P-521", "-t ecdsa -b 521", personalization, "the key is an ECDSA key on the curve P-521; ES256 needs a P-256 key"},
		{"RSA", "-t rsa -b 2048", mintlify, "the key is an RSA key; EdDSA needs an Ed25519 key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "key")
			arguments := append([]string{"ssh-keygen", "-q", "-N", "", "-f", file}, strings.Fields(tt.arguments)...)
			if _, err := outputOf(t, arguments...); err != nil {
				t.Fatal(err)
			}
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text := string(raw)
			for _, form := range []string{text, onOneLine(text), strings.ReplaceAll(text, "\n", "n"), base64.StdEncoding.EncodeToString(raw)} {
				err := newError(tt.platform("https://docs.example.com", form))
				if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
			}
		})
	}
}

// newError returns New's error for a platform.
func newError(platform docslogin.Platform) error {
	_, err := docslogin.New(nobody, platform, docslogin.WithSignInPage("/sign-in", "next"))
	return err
}
