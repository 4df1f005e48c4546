// Package keys turns a secret, a PEM text, or an external signer into a signer that is known to
// work. It also turns a secret or a PEM text into the key that verifies. No error contains any part
// of the key.
package keys

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// minSecret is the minimum length of an HMAC secret in bytes.
const minSecret = 16

// Signer signs tokens. It keeps its key in a closure, so that it cannot be printed. It is safe for
// concurrent use by multiple goroutines.
type Signer struct {
	sign func(ctx context.Context, payload []byte) (string, error)
}

// Sign returns the payload as a JWS in compact serialization (RFC 7515, section 7.1) with the
// header {"alg":…,"typ":"JWT"}.
func (s *Signer) Sign(ctx context.Context, payload []byte) (string, error) {
	return s.sign(ctx, payload)
}

// hashSize maps the HMAC algorithms to the sizes of their hashes in bytes (RFC 7518, section 3.2).
var hashSize = map[jose.SignatureAlgorithm]int{jose.HS256: 32, jose.HS384: 48, jose.HS512: 64}

// Secret returns a signer for an HMAC algorithm. The bytes of the secret are the key: it is never
// decoded.
func Secret(secret string, alg jose.SignatureAlgorithm) (*Signer, error) {
	size, ok := hashSize[alg]
	if !ok {
		return nil, fmt.Errorf("a secret is for HMAC; %s signs with a private key (PrivateKey or SignWith)", alg)
	}
	if err := checkSecret(secret); err != nil {
		return nil, err
	}
	// HMAC pads a key that is shorter than the hash's block with zero bytes (RFC 2104, section 2),
	// so this does not change the signature. go-jose rejects keys that are shorter than the hash.
	key := make([]byte, max(len(secret), size))
	copy(key, secret)
	return local(alg, key, key)
}

func checkSecret(secret string) error {
	switch {
	case secret == "":
		return errors.New("the secret is empty; set it to the one that the docs' dashboard shows")
	case inUTF16(secret):
		return errors.New("the secret is in UTF-16, as PowerShell writes files; save it as UTF-8")
	case unwrap(secret) != secret || strings.HasSuffix(secret, `\n`) || strings.HasSuffix(secret, `\r`):
		return errors.New("the secret has white space or quotes around it, as secrets from files often have; remove them")
	case len(secret) < minSecret:
		return fmt.Errorf("the secret is %d bytes long; it needs at least %d", len(secret), minSecret)
	}
	return nil
}

// Verifier returns the key that verifies an algorithm's signatures. For HMAC, it is the secret as a
// []byte. For EdDSA it is an ed25519.PublicKey and for ES256 an *ecdsa.PublicKey, from the PEM text
// of a public key (PKIX, RFC 5280) or a private key. The text may have the forms that [PEM]
// accepts.
func Verifier(text string, alg jose.SignatureAlgorithm) (any, error) {
	if _, ok := hashSize[alg]; ok {
		if err := checkSecret(text); err != nil {
			return nil, err
		}
		return []byte(text), nil
	}
	key, err := parsePEM(text, toVerify)
	if err != nil {
		return nil, err
	}
	if isFor(key, alg) {
		return public(key), nil
	}
	return nil, fmt.Errorf("the key is %s; %s", describe(key), needs(alg))
}

// isFor reports whether a key signs or verifies with the algorithm.
func isFor(key any, alg jose.SignatureAlgorithm) bool {
	switch key := public(key).(type) {
	case ed25519.PublicKey:
		return alg == jose.EdDSA
	case *ecdsa.PublicKey:
		return alg == jose.ES256 && key.Curve == elliptic.P256()
	}
	return false
}

// PEM returns a signer for the private key in a PEM text: Ed25519 for EdDSA or P-256 for ES256, in
// PKCS#8 (RFC 5958) or SEC 1 (RFC 5915). It accepts any form that environment variables and mounted
// files give the text: a byte-order mark, quotes or spaces around it, indentation, CRLF, newlines
// written as \n or replaced by spaces, or base64 of the whole text.
func PEM(text string, alg jose.SignatureAlgorithm) (*Signer, error) {
	key, err := parsePEM(text, toSign)
	if err != nil {
		return nil, err
	}
	if isFor(key, alg) {
		return local(alg, key, public(key))
	}
	return nil, fmt.Errorf("the key is %s; %s", describe(key), needs(alg))
}

// contextual is a signer that takes the context of the request that it signs for.
type contextual interface {
	WithContext(context.Context) jose.OpaqueSigner
}

// Opaque returns a signer that gets its signatures from s. The Public method of s must return the
// public key, which is used to verify the trial signature.
func Opaque(s jose.OpaqueSigner, alg jose.SignatureAlgorithm) (signer *Signer, err error) {
	if value := reflect.ValueOf(s); !value.IsValid() || value.Kind() == reflect.Pointer && value.IsNil() {
		return nil, errors.New("the signer is nil")
	}
	defer func() { // s is not our code
		if recover() != nil {
			signer, err = nil, errors.New("the signer panicked in the trial signature; is its key complete?")
		}
	}()
	if !slices.Contains(s.Algs(), alg) {
		return nil, fmt.Errorf("the signer offers %v (Algs) and not %s, which this platform needs", s.Algs(), alg)
	}
	public := s.Public()
	if public == nil || !public.Valid() || !public.IsPublic() {
		return nil, errors.New("the signer does not tell its public key (Public), without which its signatures cannot be checked")
	}
	return tried(alg, public.Key, func(ctx context.Context) (jose.Signer, error) {
		current := s
		if c, ok := s.(contextual); ok {
			current = c.WithContext(ctx)
		}
		return newJose(alg, noKeyID{current})
	})
}

// noKeyID keeps the key's ID out of the header, which has only alg and typ.
type noKeyID struct{ jose.OpaqueSigner }

func (noKeyID) Public() *jose.JSONWebKey { return nil }

// local returns a signer for a key in this process.
func local(alg jose.SignatureAlgorithm, private, public any) (*Signer, error) {
	signer, err := newJose(alg, private)
	return tried(alg, public, func(context.Context) (jose.Signer, error) { return signer, err })
}

// tried returns a Signer whose trial signature verifies, because go-jose accepts keys that fail
// only when they sign.
func tried(alg jose.SignatureAlgorithm, public any, source func(context.Context) (jose.Signer, error)) (*Signer, error) {
	sign := func(ctx context.Context, payload []byte) (*jose.JSONWebSignature, error) {
		s, err := source(ctx)
		if err != nil {
			return nil, err
		}
		return s.Sign(payload)
	}
	trial, err := sign(context.Background(), []byte(`{}`))
	if err != nil {
		return nil, fmt.Errorf("the trial signature failed: %w", err)
	}
	token, err := trial.CompactSerialize()
	if err == nil {
		trial, err = jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{alg})
	}
	if err == nil {
		_, err = trial.Verify(public)
	}
	if err != nil {
		return nil, fmt.Errorf("the trial signature is not one of the signer's own public key: %w", err)
	}
	// The header has only alg and typ (see noKeyID), so it is the same for every token.
	// CompactSerialize would encode it each time.
	header, _, _ := strings.Cut(token, ".")
	size := len(trial.Signatures[0].Signature)
	return &Signer{func(ctx context.Context, payload []byte) (string, error) {
		jws, err := sign(ctx, payload)
		if err != nil {
			return "", err
		}
		signature := jws.Signatures[0].Signature
		if len(signature) != size { // all signatures of an algorithm have the same size
			return "", fmt.Errorf("the signer returned %d bytes for a signature of %s, which has %d", len(signature), alg, size)
		}
		token := append(make([]byte, 0, len(header)+2*len(payload)+128), header...)
		for _, part := range [][]byte{payload, signature} {
			token = base64.RawURLEncoding.AppendEncode(append(token, '.'), part)
		}
		return string(token), nil
	}}, nil
}

func newJose(alg jose.SignatureAlgorithm, key any) (jose.Signer, error) {
	return jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, new(jose.SignerOptions).WithType("JWT"))
}
