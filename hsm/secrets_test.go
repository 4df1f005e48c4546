package hsm_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"math/big"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/hsm"
	"github.com/docslogin/docslogin/internal/testkit"
)

// bound is an in-process key that takes the context of a request.
type bound struct{ crypto.Signer }

func (b bound) WithContext(context.Context) crypto.Signer { return b }

// Nothing that the package returns prints a part of a key or a PIN.
func TestNothingPrintsAKeyOrThePIN(t *testing.T) {
	newToken(t)
	newKey(t, "EC:edwards25519", "mintlify", "01")
	seed := []byte("\x9d\x61\xb1\x9d\xef\xfd\x5a\x60\xba\x84\x4a\xf4\x92\xec\x2c\xc4\x44\x49\xc5\x69\x7b\x32\x69\x19\x70\x3b\xac\x03\x1c\xae\x7f\x60") // RFC 8032, section 7.1, test 1
	edwards := ed25519.NewKeyFromSeed(seed)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	signer := func(key crypto.Signer) jose.OpaqueSigner {
		s, err := hsm.Signer(key)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	ofRequest, ok := signer(bound{edwards}).(interface {
		WithContext(context.Context) jose.OpaqueSigner
	})
	if !ok {
		t.Fatal("the signer has no method WithContext")
	}
	token := open(t, softHSM)
	_, noKey := token.Signer("other")
	_, wrongPIN := hsm.Open(softHSM, "docs", pin+"\n")
	_, noModule := hsm.Open("/nonexistent", "docs", pin)
	_, failed := signer(failing{edwards}).SignPayload([]byte("x"), jose.EdDSA)
	values := map[string]any{
		"hsm.Signer: Ed25519":                signer(edwards),
		"hsm.Signer":                         signer(p256),
		"hsm.Signer: RSA":                    signer(rsaKey),
		"hsm.Signer: with a context":         signer(bound{edwards}),
		"hsm.Signer: for a request":          ofRequest.WithContext(t.Context()),
		"hsm.Signer: with docslogin":         docslogin.SignWith(signer(edwards)),
		"hsm.Signer: a failed signature":     failed,
		"hsm.Open":                           token,
		"hsm.Open: a PIN with a newline":     wrongPIN,
		"hsm.Open: a module that is missing": noModule,
		"hsm.Token.Signer":                   signerOf(t, token, "mintlify"),
		"hsm.Token.Signer: no such key":      noKey,
	}
	d, err := p256.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	testkit.CheckPrints(t, values, pin, string(seed), new(big.Int).SetBytes(d), rsaKey.D, rsaKey.Primes[0], rsaKey.Primes[1])
	testkit.CheckCreated(t, ".", values, "hsm.Option hsm.WithTimeout hsm.WithConcurrency")
}

// failing is an in-process key that cannot sign.
type failing struct{ ed25519.PrivateKey }

func (failing) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("the vault is closed")
}
