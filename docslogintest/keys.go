package docslogintest

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
)

// newSecret returns a random secret for HMAC.
func newSecret() string { return rand.Text() + rand.Text() }

// newEd25519 returns a random Ed25519 private key in PEM.
func newEd25519() string {
	_, private, _ := ed25519.GenerateKey(nil) // crypto/rand never fails
	return inPEM(private)
}

// newP256 returns a random P-256 private key in PEM.
func newP256() string {
	private, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader) // never fails either
	return inPEM(private)
}

func inPEM(private any) string {
	der, _ := x509.MarshalPKCS8PrivateKey(private) // supports both types
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
