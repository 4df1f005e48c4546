// Package newkey makes random keys for test sites.
package newkey

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"

	"github.com/go-jose/go-jose/v4"
)

// For returns a random key for an algorithm: a private key in PEM for EdDSA and ES256, and a secret for
// every other.
func For(alg jose.SignatureAlgorithm) string {
	switch alg {
	case jose.EdDSA:
		_, private, _ := ed25519.GenerateKey(nil) // crypto/rand never fails
		return inPEM(private)
	case jose.ES256:
		private, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader) // never fails either
		return inPEM(private)
	}
	return rand.Text() + rand.Text()
}

func inPEM(private any) string {
	der, _ := x509.MarshalPKCS8PrivateKey(private) // supports both types
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
