// Package keys turns a secret, a PEM text, or an external signer into a signer that is known to
// work. It also turns a secret or a PEM text into the key that verifies. No error contains any part
// of the key.
package keys

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"
)

// minSecret is the minimum length of an HMAC secret in bytes.
const minSecret = 16

// minRSA is the minimum length of an RSA key in bits (RFC 7518, sections 3.3 and 3.5).
const minRSA = 2048

// encoding encodes the parts of a token (RFC 7515, section 2).
var encoding = base64.RawURLEncoding

// Signer signs tokens. The key is in a closure, so that printing a Signer does not print the key. A
// Signer is safe for concurrent use by multiple goroutines.
type Signer struct {
	header string // encoded, with the dot after it; the same for every token
	size   int    // bytes of a signature; the same for every payload
	sign   signFunc
}

// signFunc returns the signature of a JWS signing input (RFC 7515, section 5.1). It must not change
// the input, because the token begins with it.
type signFunc func(ctx context.Context, input []byte) ([]byte, error)

// Sign returns the payload as a JWS in compact serialization (RFC 7515, section 7.1) with the
// header {"alg":…,"typ":"JWT"}.
func (s *Signer) Sign(ctx context.Context, payload []byte) (string, error) {
	token := make([]byte, 0, len(s.header)+encoding.EncodedLen(len(payload))+1+encoding.EncodedLen(s.size))
	token = encoding.AppendEncode(append(token, s.header...), payload)
	signature, err := s.sign(ctx, token)
	if err != nil {
		return "", err
	}
	if len(signature) != s.size {
		return "", fmt.Errorf("the signer returned a signature of %d bytes; the trial signature had %d", len(signature), s.size)
	}
	return string(encoding.AppendEncode(append(token, '.'), signature)), nil
}

// hashes maps the HMAC algorithms to their hashes (RFC 7518, section 3.2).
var hashes = map[jose.SignatureAlgorithm]func() hash.Hash{jose.HS256: sha256.New, jose.HS384: sha512.New384, jose.HS512: sha512.New}

// Secret returns a signer for an HMAC algorithm. The bytes of the secret are the key: it is never
// decoded.
func Secret(secret string, alg jose.SignatureAlgorithm) (*Signer, error) {
	newHash, ok := hashes[alg]
	if !ok {
		return nil, fmt.Errorf("a secret is for HMAC; %s signs with a private key (PrivateKey or SignWith)", alg)
	}
	if err := checkSecret(secret); err != nil {
		return nil, err
	}
	macs := sync.Pool{New: func() any { return hmac.New(newHash, []byte(secret)) }}
	// HMAC pads a key that is shorter than the hash's block with zero bytes (RFC 2104, section 2),
	// so padding does not change the signature. go-jose verifies the trial token, and rejects keys that
	// are shorter than the hash.
	padded := make([]byte, max(len(secret), newHash().Size()))
	copy(padded, secret)
	return newSigner(alg, padded, func(_ context.Context, input []byte) ([]byte, error) {
		mac := macs.Get().(hash.Hash)
		defer macs.Put(mac)
		mac.Reset()
		mac.Write(input)
		return mac.Sum(nil), nil
	})
}

// checkSecret rejects a secret that is too short, damaged, or clearly something else. A secret that is
// not UTF-8 is a decoded key, which may contain any bytes.
func checkSecret(secret string) error {
	text := unwrap(secret)
	isText := utf8.ValidString(secret)
	switch {
	case len(secret) > maxText:
		return fmt.Errorf("the secret has %d bytes, and a secret has at most %d; check where it comes from", len(secret), maxText)
	case secret == "":
		return errors.New("the secret is empty; set it to the one that the docs' dashboard shows; in an env file, put single quotes around it")
	case inUTF16(secret):
		return errors.New("the secret is in UTF-16, as PowerShell writes files; save it as UTF-8")
	case holdsPEM(text) || isKeyBody(text):
		return errors.New("the secret looks like a key in PEM, but an HMAC secret is needed; " + otherKey)
	}
	if s, ok := looksLike(text); ok && isText {
		return fmt.Errorf("the secret looks like %s; %s", s.looks, s.fix)
	}
	switch {
	case isText && (strings.HasSuffix(secret, `\n`) || strings.HasSuffix(secret, `\r`)):
		return errors.New(`the secret ends with \n or \r, written as two characters; remove them`)
	case isText && text != secret:
		return errors.New("the secret has white space or quotes around it, as secrets from files often have; remove them")
	case len(secret) < minSecret:
		return fmt.Errorf("the secret is too short: it has %d bytes and needs at least %d; if the docs' dashboard shows a longer one, put single quotes around it where it is set", len(secret), minSecret)
	case repeats(secret):
		return errors.New("the secret is one character repeated; set it to the one that the docs' dashboard shows")
	case inPieces(secret):
		return errors.New("the secret looks like base64 with white space in it; if the docs' dashboard shows a + there, pass the secret without decoding it; otherwise remove the white space")
	case isText && strings.ContainsFunc(secret, unicode.IsControl):
		return errors.New("the secret contains a control character, such as a newline or a tab; copy it again, on one line; in an env file, put single quotes around it")
	case isText && strings.ContainsFunc(secret, invisible):
		return errors.New("the secret contains an invisible character, such as a no-break space or a zero-width space; copy it again or type it")
	}
	return nil
}

// Verifier returns the key that verifies an algorithm's signatures. For HMAC, it is the secret as a
// []byte. For EdDSA it is an ed25519.PublicKey and for ES256 an *ecdsa.PublicKey, from the PEM text
// of a public key (PKIX, RFC 5280) or a private key, or from the line of a .pub file of OpenSSH. The
// text may have the forms that [PEM] accepts.
func Verifier(text string, alg jose.SignatureAlgorithm) (any, error) {
	if _, ok := hashes[alg]; ok {
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
// PKCS#8 (RFC 5958), in SEC 1 (RFC 5915), or in OpenSSH's format, unencrypted. It accepts any form
// that environment variables and mounted files give the text: a byte-order mark, quotes or spaces
// around it, indentation, CRLF, newlines written as \n or replaced by spaces, or base64 of the whole
// text. If that fails, it tries to undo what tools do to texts, such as \n without the backslash, and
// accepts a key only if the text cannot have been another one.
func PEM(text string, alg jose.SignatureAlgorithm) (*Signer, error) {
	key, err := parsePEM(text, toSign)
	if err != nil {
		return nil, err
	}
	if isFor(key, alg) {
		signer := cryptosigner.Opaque(key.(crypto.Signer))
		return newSigner(alg, public(key), func(_ context.Context, input []byte) ([]byte, error) { return signer.SignPayload(input, alg) })
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
		return nil, fmt.Errorf("the signer offers %v (Algs), but %s is needed", s.Algs(), alg)
	}
	public := s.Public()
	if public == nil || !public.Valid() || !public.IsPublic() {
		return nil, errors.New("the signer does not tell its public key (Public), without which its signatures cannot be checked")
	}
	if key, ok := public.Key.(*rsa.PublicKey); ok && key.N.BitLen() < minRSA {
		return nil, fmt.Errorf("the signer's RSA key has %d bits; %s needs at least %d (RFC 7518)", key.N.BitLen(), alg, minRSA)
	}
	return newSigner(alg, public.Key, func(ctx context.Context, input []byte) ([]byte, error) {
		current := s
		if c, ok := s.(contextual); ok {
			current = c.WithContext(ctx)
		}
		return current.SignPayload(bytes.Clone(input), alg) // s may change what it gets
	})
}

// newSigner returns a Signer. It is an error if a trial token does not verify with the public key.
func newSigner(alg jose.SignatureAlgorithm, public any, sign signFunc) (*Signer, error) {
	header := encoding.EncodeToString(fmt.Appendf(nil, `{"alg":%q,"typ":"JWT"}`, alg)) + "."
	input := header + encoding.EncodeToString([]byte(`{}`))
	signature, err := sign(context.Background(), []byte(input))
	if err != nil {
		return nil, fmt.Errorf("the trial signature failed: %w", err)
	}
	trial, err := jose.ParseSignedCompact(input+"."+encoding.EncodeToString(signature), []jose.SignatureAlgorithm{alg})
	if err == nil {
		_, err = trial.Verify(public)
	}
	if err != nil {
		return nil, fmt.Errorf("the trial signature does not verify with the signer's public key: %w", err)
	}
	return &Signer{header, len(signature), sign}, nil
}
