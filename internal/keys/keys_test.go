package keys_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"

	"github.com/docslogin/docslogin/internal/keys"
	"github.com/docslogin/docslogin/internal/testkit"
)

func TestReadMeVector(t *testing.T) {
	signer, err := keys.Secret("rdme_example_secret", jose.HS256)
	if err != nil {
		t.Fatal(err)
	}
	got, err := signer.Sign(t.Context(), []byte(`{"name":"Owlbert","email":"owlbert@readme.io","apiKey":"12345","version":1,"iat":1700000000}`))
	const want = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJuYW1lIjoiT3dsYmVydCIsImVtYWlsIjoib3dsYmVydEByZWFkbWUuaW8iLCJhcGlLZXkiOiIxMjM0NSIsInZlcnNpb24iOjEsImlhdCI6MTcwMDAwMDAwMH0.BEMtRPNlbyC3ZSFHrL_0h-tGW4ZnuJZxSC-C9fduC-Q"
	if err != nil || got != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
}

// TestSecretIsTheKey compares with the standard library, which accepts a key of any length:
// padding does not change a signature, and base64 is not decoded.
func TestSecretIsTheKey(t *testing.T) {
	for alg, size := range map[jose.SignatureAlgorithm]func() hash.Hash{jose.HS256: sha256.New, jose.HS384: sha512.New384, jose.HS512: sha512.New} {
		for _, secret := range []string{"sixteen bytes ok", "Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFy", "it's \"quoted\" inside", "'one quote at the front", strings.Repeat("long", 50)} {
			signer, err := keys.Secret(secret, alg)
			if err != nil {
				t.Fatalf("%s: %v", alg, err)
			}
			token, err := signer.Sign(t.Context(), []byte(`{"a":1}`))
			if err != nil {
				t.Fatalf("%s: %v", alg, err)
			}
			signed, signature, _ := cutLast(token)
			mac := hmac.New(size, []byte(secret))
			io.WriteString(mac, signed)
			if want := base64.RawURLEncoding.EncodeToString(mac.Sum(nil)); signature != want {
				t.Errorf("%s with %q: got %s, want %s", alg, secret, signature, want)
			}
		}
	}
}

func cutLast(token string) (before, after string, ok bool) {
	i := strings.LastIndexByte(token, '.')
	return token[:i], token[i+1:], i >= 0
}

func TestBadSecrets(t *testing.T) {
	for _, tt := range []struct {
		name, secret string
		alg          jose.SignatureAlgorithm
		want         string
	}{
		{"empty", "", jose.HS256, "is empty"},
		{"15 bytes", "fifteen bytes..", jose.HS256, "is too short: it has 15 bytes and needs at least 16"},
		{"a newline at the end", "rdme_example_secret\n", jose.HS256, "white space or quotes"},
		{"a newline at the end, written as \\n", `rdme_example_secret\n`, jose.HS256, "ends with \\n or \\r, written as two characters"},
		{"a carriage return at the end, written as \\r", `rdme_example_secret\r`, jose.HS256, "ends with \\n or \\r, written as two characters"},
		{"a blank before it", " rdme_example_secret", jose.HS256, "white space or quotes"},
		{"double quotes", `"rdme_example_secret"`, jose.HS256, "white space or quotes"},
		{"single quotes", `'rdme_example_secret'`, jose.HS256, "white space or quotes"},
		{"a byte-order mark", "\ufeffrdme_example_secret", jose.HS256, "white space or quotes"},
		{"an algorithm that is not HMAC", "rdme_example_secret", jose.EdDSA, "EdDSA signs with a private key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := keys.Secret(tt.secret, tt.alg)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "rdme") {
				t.Errorf("got %v, want it to say %q and not to show the secret", err, tt.want)
			}
		})
	}
}

// The tests' keys. That of RFC 8032, section 7.1, test 2, signs the same every time.
var (
	rfc8032   = testkit.Ed25519
	p256      = testkit.P256
	p384, _   = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	rsaKey, _ = rsa.GenerateKey(rand.Reader, 2048)
	x25519, _ = ecdh.X25519().GenerateKey(rand.Reader)
)

// block returns DER in PEM.
func block(label string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

// sec1 returns a private key in PEM, in the form of SEC 1.
func sec1(key *ecdsa.PrivateKey) string {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		panic(err)
	}
	return block("EC PRIVATE KEY", der)
}

// pkix returns a public key in PEM.
func pkix(key any) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		panic(err)
	}
	return block("PUBLIC KEY", der)
}

func TestPastedForms(t *testing.T) {
	text := testkit.Ed25519PEM
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for name, pasted := range map[string]string{
		"as it is":                       text,
		"without the last newline":       strings.TrimSpace(text),
		"CRLF":                           strings.ReplaceAll(text, "\n", "\r\n"),
		"newlines written as \\n":        strings.ReplaceAll(text, "\n", `\n`),
		"newlines written as \\r\\n":     strings.ReplaceAll(text, "\n", `\r\n`),
		"newlines escaped twice":         strings.ReplaceAll(text, "\n", `\\n`),
		"newlines turned into blanks":    strings.ReplaceAll(text, "\n", " "),
		"all on one line without blanks": strings.ReplaceAll(text, "\n", ""),
		"double quotes around it":        `"` + text + `"`,
		"single quotes and \\n":          `'` + strings.ReplaceAll(text, "\n", `\n`) + `'`,
		"blanks around it":               "  \n\t" + text + "\n \n",
		"a byte-order mark":              "\ufeff" + text,
		"indentation":                    "    " + strings.Join(lines, "\n    "),
		"base64 of the whole":            base64.StdEncoding.EncodeToString([]byte(text)),
		"base64 for URLs of the whole":   base64.RawURLEncoding.EncodeToString([]byte(text)),
		"base64 of a certificate and it": base64.StdEncoding.EncodeToString([]byte("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n" + text)),
		"base64 of the whole, in lines":  wrap(base64.StdEncoding.EncodeToString([]byte(text)), 40),
		"base64 of the whole, quoted":    `"` + base64.StdEncoding.EncodeToString([]byte(text)) + "\"\n",
		"text before and after it":       "Bag Attributes\n" + text + "\n# end\n",
		"a certificate in the same text": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n" + text,
	} {
		t.Run(name, func(t *testing.T) {
			signer, err := keys.PEM(pasted, jose.EdDSA)
			if err != nil {
				t.Fatal(err)
			}
			checkSigned(t, signer)
		})
	}
}

// checkSigned asserts that a signer signs with the Ed25519 key of RFC 8032.
func checkSigned(t *testing.T, signer *keys.Signer) {
	t.Helper()
	token, err := signer.Sign(t.Context(), []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	signed, signature, _ := cutLast(token)
	raw, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil || !ed25519.Verify(rfc8032.Public().(ed25519.PublicKey), []byte(signed), raw) {
		t.Errorf("%s, %v: not a signature of the key", token, err)
	}
}

func wrap(s string, n int) string {
	var b strings.Builder
	for i := 0; i < len(s); i += n {
		b.WriteString(s[i:min(i+n, len(s))] + "\n")
	}
	return b.String()
}

func TestHeaderIsExact(t *testing.T) {
	sec1PEM := "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + sec1(p256)
	for name, tt := range map[string]struct {
		make func() (*keys.Signer, error)
		want string
	}{
		"HS256":               {func() (*keys.Signer, error) { return keys.Secret("rdme_example_secret", jose.HS256) }, `{"alg":"HS256","typ":"JWT"}`},
		"HS512":               {func() (*keys.Signer, error) { return keys.Secret("rdme_example_secret", jose.HS512) }, `{"alg":"HS512","typ":"JWT"}`},
		"EdDSA":               {func() (*keys.Signer, error) { return keys.PEM(testkit.Ed25519PEM, jose.EdDSA) }, `{"alg":"EdDSA","typ":"JWT"}`},
		"ES256 from PKCS#8":   {func() (*keys.Signer, error) { return keys.PEM(testkit.PKCS8(p256), jose.ES256) }, `{"alg":"ES256","typ":"JWT"}`},
		"ES256 from SEC 1":    {func() (*keys.Signer, error) { return keys.PEM(sec1PEM, jose.ES256) }, `{"alg":"ES256","typ":"JWT"}`},
		"a signer with an ID": {func() (*keys.Signer, error) { return keys.Opaque(withID{cryptosigner.Opaque(p256)}, jose.ES256) }, `{"alg":"ES256","typ":"JWT"}`},
	} {
		t.Run(name, func(t *testing.T) {
			signer, err := tt.make()
			if err != nil {
				t.Fatal(err)
			}
			token, err := signer.Sign(t.Context(), []byte(`{}`))
			if err != nil {
				t.Fatal(err)
			}
			header, _, _ := strings.Cut(token, ".")
			if got, _ := base64.RawURLEncoding.DecodeString(header); string(got) != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// withID is a signer whose key has an ID.
type withID struct{ jose.OpaqueSigner }

func (s withID) Public() *jose.JSONWebKey {
	return &jose.JSONWebKey{Key: s.OpaqueSigner.Public().Key, KeyID: "key-1"}
}

// badPEM are texts that are not a private key for the algorithm, each with a part of its error.
var badPEM = []struct {
	name, text string
	alg        jose.SignatureAlgorithm
	want       string
}{
	{"empty", "", jose.EdDSA, "is empty"},
	{"only quotes", `""`, jose.EdDSA, "is empty"},
	{"a public key", pkix(rfc8032.Public()), jose.EdDSA, "is a public key"},
	{"a PKCS#1 public key", block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey)), jose.EdDSA, "is a public key"},
	{"a certificate", block("CERTIFICATE", []byte{0x30}), jose.EdDSA, "is a certificate"},
	{"a certificate request", block("CERTIFICATE REQUEST", []byte{0x30}), jose.EdDSA, "is a certificate request"},
	{"PKCS#1", block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)), jose.EdDSA, "is an RSA private key in PKCS#1"},
	{"OpenSSH", block("OPENSSH PRIVATE KEY", []byte("openssh-key-v1")), jose.EdDSA, "its content is something else"},
	{"another label", block("DH PARAMETERS", []byte{0x30}), jose.EdDSA, "not a private key but PEM with another label"},
	{"encrypted, PKCS#8", block("ENCRYPTED PRIVATE KEY", []byte{0x30}), jose.EdDSA, "is encrypted; decrypt it first"},
	{"encrypted, as OpenSSL once wrote it", "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END EC PRIVATE KEY-----", jose.ES256, "is encrypted; decrypt it first"},
	{"an RSA key for EdDSA", testkit.PKCS8(rsaKey), jose.EdDSA, "is an RSA key; EdDSA needs an Ed25519 key"},
	{"a P-256 key for EdDSA", testkit.PKCS8(p256), jose.EdDSA, "on the curve P-256; EdDSA needs an Ed25519 key"},
	{"a P-384 key for ES256", testkit.PKCS8(p384), jose.ES256, "on the curve P-384; ES256 needs a P-256 key"},
	{"an Ed25519 key for ES256", testkit.Ed25519PEM, jose.ES256, "is an Ed25519 key; ES256 needs a P-256 key"},
	{"an X25519 key", testkit.PKCS8(x25519), jose.EdDSA, "is an X25519 key, which cannot sign"},
	{"a key for an HMAC algorithm", testkit.Ed25519PEM, jose.HS256, "HS256 is not an algorithm for PrivateKey"},
	{"a P-384 key for ES384", testkit.PKCS8(p384), jose.ES384, "ES384 is not an algorithm for PrivateKey"},
	{"two private keys", testkit.Ed25519PEM + testkit.PKCS8(p256), jose.EdDSA, "contains 2 private keys"},
	{"a damaged body", strings.Replace(testkit.Ed25519PEM, "M", "*", 1), jose.EdDSA, "is not base64; copy the whole file again"},
	{"a wrong body", block("PRIVATE KEY", []byte("not a key at all")), jose.EdDSA, "its content is something else"},
	{"a wrong SEC 1 body", block("EC PRIVATE KEY", []byte("not a key at all")), jose.ES256, "its content is something else"},
	{"an Ed25519 seed of ten bytes", block("PRIVATE KEY", append([]byte("\x30\x18\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x0c\x04\x0a"), "0123456789"...)), jose.EdDSA, "type or curve cannot be used"},
	{"an Ed448 key", block("PRIVATE KEY", append([]byte("\x30\x47\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x71\x04\x3b\x04\x39"), make([]byte, 57)...)), jose.EdDSA, "type or curve cannot be used"},
	{"a SEC 1 key with the label of PKCS#8", strings.ReplaceAll(sec1(p256), "EC PRIVATE KEY", "PRIVATE KEY"), jose.ES256, "its BEGIN line has the wrong label"},
	{"cut off", testkit.Ed25519PEM[:60], jose.EdDSA, "is cut off"},
	{"the body alone", strings.Split(testkit.Ed25519PEM, "\n")[1], jose.EdDSA, "looks like the body of a PEM file"},
	{"base64 of something else", base64.StdEncoding.EncodeToString([]byte("hello hello hello")), jose.EdDSA, "looks like a shared secret, not a private key in PEM"},
	{"a JWK", `{"kty":"OKP","crv":"Ed25519","x":"Vq7Zr2XwPq7K","d":"dT4mY9cB1AVq"}`, jose.EdDSA, "looks like a JSON Web Key (JWK), not a private key in PEM; export the key in PEM"},
	{"a set of JWKs", `{"keys":[{"kty":"OKP"}]}`, jose.EdDSA, "looks like a JSON Web Key (JWK)"},
	{"a JSON object", `{"a":"b"}`, jose.EdDSA, "looks like a JSON object, not a private key in PEM; pass only the value"},
	{"an SSH public key", "ssh-ed25519 AAAA me@host", jose.EdDSA, "the text is an SSH public key; pass the private key, which is in the file of the same name without .pub"},
	{"a file path", "/run/secrets/mintlify", jose.EdDSA, "looks like a file path, not a private key in PEM; pass the content"},
	{"a file name", "mintlify.pem", jose.EdDSA, "looks like a file path, not a private key in PEM; pass the content"},
	{"a key in base64 that is cut off", base64.StdEncoding.EncodeToString([]byte(testkit.Ed25519PEM))[:80], jose.EdDSA, "it has a -----BEGIN line but no -----END line"},
	{"the first line missing", strings.SplitAfterN(testkit.Ed25519PEM, "\n", 2)[1], jose.EdDSA, "it has an -----END line but no -----BEGIN line"},
	{"the dashes missing", strings.ReplaceAll(testkit.Ed25519PEM, "-----", ""), jose.EdDSA, "the key's -----BEGIN or -----END line is damaged"},
	{"the body cut off", strings.Split(testkit.P256PEM, "\n")[1], jose.ES256, "looks like the body of a PEM file; pass a private key in PEM, with"},
	{"DER", string(goodEd), jose.EdDSA, "looks like a key in DER; pass a private key in PEM, with"},
	{"the docs URL", "https://docs.example.com", jose.EdDSA, "looks like a URL, not a private key in PEM; check the order of the arguments"},
	{"a variable", "${MINTLIFY_PRIVATE_KEY}", jose.EdDSA, "looks like a placeholder that was not expanded, not a private key in PEM; pass the value"},
	{"a line of an env file", "MINTLIFY_PRIVATE_KEY=MC4CAQAwBQYDK2VwBCIEIEzNCJso", jose.EdDSA, "looks like a whole line of an env file, not a private key in PEM; pass the value alone"},
	{"a masked key", "••••••••••••", jose.EdDSA, "looks like a masked value, as dashboards show it, not a private key in PEM; reveal it"},
	{"a secret", "rdme_example_secret", jose.EdDSA, "looks like a shared secret, not a private key in PEM; check that the key and the preset are for the same platform, and"},
	{"a secret in hex", "3f786850e387550fdab836ed7e6dc881de23001b", jose.EdDSA, "looks like a shared secret, not"},
	{"a secret whose base64 begins like a sequence", "MAA01234567890abcdef", jose.EdDSA, "looks like a shared secret, not"},
	{"a secret whose base64 contains a DER type", base64.StdEncoding.EncodeToString([]byte("docs\x06secret")), jose.EdDSA, "looks like a shared secret, not"},
	{"a secret whose base64 begins like DER and contains a type later", base64.StdEncoding.EncodeToString([]byte("0123456789\x06abc")), jose.EdDSA, "looks like a shared secret, not"},
	{"a secret in base64 that begins with /", "/fsdjklRTWXvJl3Dxq5vEEL3ZxkUDm6n3b8SZJgkyrc=", jose.EdDSA, "looks like a shared secret, not"},
	{"a word", "mintlify", jose.EdDSA, "is not a key; pass a private key in PEM, with"},
}

func TestBadPEM(t *testing.T) {
	for _, tt := range badPEM {
		t.Run(tt.name, func(t *testing.T) {
			_, err := keys.PEM(tt.text, tt.alg)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want it to say %q", err, tt.want)
			}
			for line := range strings.Lines(tt.text) {
				if line = strings.TrimSpace(line); len(line) > 12 && !strings.HasPrefix(line, "-----") && strings.Contains(err.Error(), line) {
					t.Errorf("the error shows the text: %v", err)
				}
			}
		})
	}
}

func TestWhatVerifies(t *testing.T) {
	edPublic, ecPublic := pkix(rfc8032.Public()), pkix(&p256.PublicKey)
	equals := func(want interface{ Equal(crypto.PublicKey) bool }) func(any) bool {
		return func(got any) bool { return want.Equal(got) }
	}
	ed, ec := equals(rfc8032.Public().(ed25519.PublicKey)), equals(&p256.PublicKey)
	secret := func(got any) bool { b, ok := got.([]byte); return ok && string(b) == "rdme_example_secret" }
	for _, tt := range []struct {
		name, text string
		alg        jose.SignatureAlgorithm
		is         func(any) bool
	}{
		{"a secret", "rdme_example_secret", jose.HS256, secret},
		{"a secret for HS512", "rdme_example_secret", jose.HS512, secret},
		{"an Ed25519 public key", edPublic, jose.EdDSA, ed},
		{"an Ed25519 private key", testkit.Ed25519PEM, jose.EdDSA, ed},
		{"a private key and its public one", testkit.PKCS8(p256) + ecPublic, jose.ES256, ec},
		{"a public key and its private one", edPublic + testkit.Ed25519PEM, jose.EdDSA, ed},
		{"a P-256 public key", ecPublic, jose.ES256, ec},
		{"a P-256 private key", testkit.PKCS8(p256), jose.ES256, ec},
		{"a P-256 private key in SEC 1", sec1(p256), jose.ES256, ec},
		{"a public key with its newlines written as \\n", strings.ReplaceAll(edPublic, "\n", `\n`), jose.EdDSA, ed},
		{"a public key on one line, in quotes", `"` + strings.ReplaceAll(ecPublic, "\n", " ") + `"`, jose.ES256, ec},
		{"a public key in base64", base64.StdEncoding.EncodeToString([]byte(edPublic)), jose.EdDSA, ed},
	} {
		if got, err := keys.Verifier(tt.text, tt.alg); err != nil || !tt.is(got) {
			t.Errorf("%s: %T, %v", tt.name, got, err)
		}
	}
}

func TestWhatDoesNotVerify(t *testing.T) {
	good := pkix(rfc8032.Public())
	for _, tt := range []struct {
		name, text string
		alg        jose.SignatureAlgorithm
		want       string
	}{
		{"an empty secret", "", jose.HS256, "the secret is empty"},
		{"a secret of 15 bytes", "fifteen bytes..", jose.HS256, "is too short: it has 15 bytes and needs at least 16"},
		{"a secret with a line end", "rdme_example_secret\n", jose.HS512, "white space or quotes"},
		{"a secret in UTF-16", "\xff\xfer\x00d\x00m\x00e\x00_\x00s\x00e\x00c\x00", jose.HS256, "the secret is in UTF-16"},
		{"a secret in UTF-16 of the other order", "\xfe\xff\x00r\x00d\x00m\x00e\x00_\x00s\x00e\x00c", jose.HS256, "the secret is in UTF-16"},
		{"a key in UTF-16", "\xff\xfe-\x00-\x00-\x00", jose.EdDSA, "the text is in UTF-16"},
		{"an empty key", "", jose.EdDSA, "the key is empty"},
		{"an Ed25519 key for ES256", good, jose.ES256, "is an Ed25519 key; ES256 needs a P-256 key"},
		{"a P-384 key for ES256", pkix(&p384.PublicKey), jose.ES256, "on the curve P-384; ES256 needs"},
		{"an RSA public key", pkix(&rsaKey.PublicKey), jose.EdDSA, "is an RSA key; EdDSA needs"},
		{"a DSA public key", dsaPEM, jose.EdDSA, "is a DSA key; EdDSA needs an Ed25519 key"},
		{"an X25519 public key", pkix(x25519.Public()), jose.EdDSA, "is an X25519 key, which cannot sign"},
		{"a certificate", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", jose.EdDSA, "is a certificate; it must be a public key in PKIX or a private key in PKCS#8 ("},
		{"two keys", good + pkix(&p384.PublicKey), jose.EdDSA, "the text contains 2 keys; keep only one"},
		{"a public key with the content of a private one", strings.ReplaceAll(testkit.Ed25519PEM, "PRIVATE", "PUBLIC"), jose.EdDSA, "its BEGIN line has the wrong label"},
		{"a damaged public key", strings.Replace(good, "M", "*", 1), jose.EdDSA, "is not base64"},
		{"a public key that is cut off", good[:60], jose.EdDSA, "is cut off"},
		{"an SSH public key", "ssh-ed25519 AAAA me@host", jose.EdDSA, "looks like an SSH public key, but it is damaged"},
		{"the body of a public key", strings.Split(good, "\n")[1], jose.EdDSA, "looks like the body of a PEM file; pass a key in PEM"},
		{"the docs URL", "https://docs.example.com", jose.EdDSA, "looks like a URL, not a key in PEM"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := keys.Verifier(tt.text, tt.alg)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("got %v, want it to say %q", err, tt.want)
			}
			for line := range strings.Lines(tt.text) {
				if line = strings.TrimSpace(line); len(line) > 12 && !strings.HasPrefix(line, "-----") && strings.Contains(err.Error(), line) {
					t.Errorf("the error shows the text: %v", err)
				}
			}
		})
	}
}

type opaque struct {
	jose.OpaqueSigner
	public *jose.JSONWebKey
	sign   func([]byte) ([]byte, error)
}

func (s opaque) Public() *jose.JSONWebKey { return s.public }
func (s opaque) SignPayload(p []byte, alg jose.SignatureAlgorithm) ([]byte, error) {
	if s.sign != nil {
		return s.sign(p)
	}
	return s.OpaqueSigner.SignPayload(p, alg)
}

type nilSigner struct{ jose.OpaqueSigner }

func TestOpaque(t *testing.T) {
	ed := cryptosigner.Opaque(rfc8032)
	_, other, _ := ed25519.GenerateKey(rand.Reader)
	errDown := errors.New("the key service is down")
	for _, tt := range []struct {
		name   string
		signer jose.OpaqueSigner
		alg    jose.SignatureAlgorithm
		want   string
	}{
		{"one that works", ed, jose.EdDSA, ""},
		{"nil", nil, jose.EdDSA, "the signer is nil"},
		{"a typed nil", (*nilSigner)(nil), jose.EdDSA, "the signer is nil"},
		{"another algorithm", ed, jose.ES256, "offers [EdDSA] (Algs), but ES256 is needed"},
		{"no public key", opaque{ed, nil, nil}, jose.EdDSA, "does not tell its public key"},
		{"an empty public key", opaque{ed, &jose.JSONWebKey{}, nil}, jose.EdDSA, "does not tell its public key"},
		{"a private key as the public one", opaque{ed, &jose.JSONWebKey{Key: rfc8032}, nil}, jose.EdDSA, "does not tell its public key"},
		{"somebody else's public key", opaque{ed, &jose.JSONWebKey{Key: other.Public()}, nil}, jose.EdDSA, "does not verify with the signer's public key"},
		{"no signature", opaque{ed, ed.Public(), func([]byte) ([]byte, error) { return nil, nil }}, jose.EdDSA, "does not verify with the signer's public key"},
		{"an error", opaque{ed, ed.Public(), func([]byte) ([]byte, error) { return nil, errDown }}, jose.EdDSA, "the key service is down"},
		{"a panic", opaque{ed, ed.Public(), func([]byte) ([]byte, error) { panic("key") }}, jose.EdDSA, "panicked in the trial signature"},
		{"an Ed25519 key of ten bytes", cryptosigner.Opaque(shortKey{}), jose.EdDSA, "does not tell its public key"},
		{"one that gives nil for a context", contextual{ed, func(context.Context) jose.OpaqueSigner { return nil }}, jose.EdDSA, "panicked"},
		{"one that returns a signer with another key for a context", contextual{ed, func(context.Context) jose.OpaqueSigner { return cryptosigner.Opaque(other) }}, jose.EdDSA, "does not verify with the signer's public key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			signer, err := keys.Opaque(tt.signer, tt.alg)
			if tt.want == "" {
				if err != nil || signer == nil {
					t.Errorf("got %v", err)
				}
			} else if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want it to say %q", err, tt.want)
			}
		})
	}
	if _, err := keys.Opaque(opaque{ed, ed.Public(), func([]byte) ([]byte, error) { return nil, errDown }}, jose.EdDSA); !errors.Is(err, errDown) {
		t.Errorf("%v does not wrap the signer's own error", err)
	}
}

func TestRSAKeys(t *testing.T) {
	for _, tt := range []struct {
		name string
		bits int
		alg  jose.SignatureAlgorithm
		want string
	}{
		{"2,048 bits", 2048, jose.RS256, ""},
		{"2,048 bits for PSS", 2048, jose.PS256, ""},
		{"2,047 bits", 2047, jose.RS256, "the signer's RSA key has 2047 bits; RS256 needs at least 2048 (RFC 7518)"},
		{"1,024 bits", 1024, jose.RS512, "has 1024 bits; RS512 needs at least 2048"},
		{"1,024 bits for PSS", 1024, jose.PS384, "has 1024 bits; PS384 needs at least 2048"},
	} {
		key, err := rsa.GenerateKey(rand.Reader, tt.bits)
		if err != nil {
			t.Fatal(err)
		}
		_, err = keys.Opaque(cryptosigner.Opaque(key), tt.alg)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

// A signer that passes its trial may still fail later.
func TestASignerThatSignsNoMore(t *testing.T) {
	for name, signature := range map[string][]byte{"no signature": nil, "a byte too few": make([]byte, 63), "a byte too many": make([]byte, 65)} {
		tried := false
		ed := cryptosigner.Opaque(rfc8032)
		signer, err := keys.Opaque(opaque{ed, ed.Public(), func(p []byte) ([]byte, error) {
			if tried {
				return signature, nil
			}
			tried = true
			return ed.SignPayload(p, jose.EdDSA)
		}}, jose.EdDSA)
		if err != nil {
			t.Fatal(err)
		}
		if token, err := signer.Sign(t.Context(), []byte(`{}`)); token != "" || err == nil || err.Error() != fmt.Sprintf("the signer returned a signature of %d bytes; the trial signature had 64", len(signature)) {
			t.Errorf("%s: %q, %v", name, token, err)
		}
	}
}

// A signer must not be able to change the token.
func TestSignersThatWriteToTheirInput(t *testing.T) {
	ed := cryptosigner.Opaque(rfc8032)
	for name, sign := range map[string]func(input, signature []byte) []byte{
		"one that wipes its input":       func(input, signature []byte) []byte { clear(input); return signature },
		"one that appends its signature": func(input, signature []byte) []byte { return append(input, signature...)[len(input):] },
	} {
		signer, err := keys.Opaque(opaque{ed, ed.Public(), func(input []byte) ([]byte, error) {
			signature, err := ed.SignPayload(input, jose.EdDSA)
			return sign(input, signature), err
		}}, jose.EdDSA)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		checkSigned(t, signer)
	}
}

// Concurrent calls return the same tokens as calls one after the other. This holds for HMAC and
// Ed25519, whose signatures are deterministic.
func TestConcurrentSigning(t *testing.T) {
	hs256, err := keys.Secret("rdme_example_secret", jose.HS256)
	if err != nil {
		t.Fatal(err)
	}
	eddsa, err := keys.PEM(testkit.Ed25519PEM, jose.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	payload := func(i int) []byte { return fmt.Appendf(nil, `{"sub":"%d","pad":"%s"}`, i, strings.Repeat("x", 20*i)) }
	for _, signer := range []*keys.Signer{hs256, eddsa} {
		var alone [64]string
		for i := range alone {
			if alone[i], err = signer.Sign(t.Context(), payload(i)); err != nil {
				t.Fatal(err)
			}
		}
		var group sync.WaitGroup
		for i := range alone {
			group.Go(func() {
				for range 50 {
					if token, err := signer.Sign(t.Context(), payload(i)); token != alone[i] || err != nil {
						t.Errorf("got %s, %v\nwant %s", token, err, alone[i])
					}
				}
			})
		}
		group.Wait()
	}
}

type shortKey struct{ crypto.Signer }

func (shortKey) Public() crypto.PublicKey { return ed25519.PublicKey(make([]byte, 10)) }

type contextual struct {
	jose.OpaqueSigner
	with func(context.Context) jose.OpaqueSigner
}

func (s contextual) WithContext(ctx context.Context) jose.OpaqueSigner { return s.with(ctx) }

func TestContextReachesTheSigner(t *testing.T) {
	ed := cryptosigner.Opaque(rfc8032)
	signer, err := keys.Opaque(contextual{ed, func(ctx context.Context) jose.OpaqueSigner {
		return opaque{ed, ed.Public(), func(p []byte) ([]byte, error) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			return ed.SignPayload(p, jose.EdDSA)
		}}
	}}, jose.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signer.Sign(t.Context(), []byte(`{}`)); err != nil {
		t.Errorf("with a live context: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := signer.Sign(ctx, []byte(`{}`)); !errors.Is(err, context.Canceled) {
		t.Errorf("with a canceled context: %v", err)
	}
}

func TestNothingPrintsAKey(t *testing.T) {
	const secret = "rdme_example_secret"
	signer, err := keys.Secret(secret, jose.HS256)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, value := range []any{signer, *signer, struct{ s keys.Signer }{*signer}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p"} {
			fmt.Fprintf(&out, verb, value)
		}
		if err := json.NewEncoder(&out).Encode(value); err != nil {
			t.Fatal(err)
		}
	}
	for _, form := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), fmt.Sprint([]byte(secret))[1:20], base64.StdEncoding.EncodeToString([]byte(secret))} {
		if strings.Contains(out.String(), form) {
			t.Errorf("printed: %s", form)
		}
	}
}

// Parts of DER (X.690), to write keys that no tool would.
func der(tag byte, parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	if len(content) > 255 {
		panic("too long for these tests")
	}
	if len(content) > 127 {
		return append([]byte{tag, 0x81, byte(len(content))}, content...)
	}
	return append([]byte{tag, byte(len(content))}, content...)
}

const integer, bits, octets, null, oid, sequence, context0, context1 = 0x02, 0x03, 0x04, 0x05, 0x06, 0x30, 0xA0, 0xA1

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// Parts of the keys that no tool would write.
var (
	ed25519OID  = der(oid, unhex("2b6570"))         // RFC 8410
	ed448OID    = der(oid, unhex("2b6571"))         // RFC 8410
	ecOID       = der(oid, unhex("2a8648ce3d0201")) // RFC 5480
	p256OID     = der(oid, unhex("2a8648ce3d030107"))
	p384OID     = der(oid, unhex("2b81040022"))
	secp256k1   = der(oid, unhex("2b8104000a"))
	brainpool   = der(oid, unhex("2b2403030208010107")) // RFC 5639
	rsaPSS      = der(oid, unhex("2a864886f70d01010a")) // RFC 4055
	edAlgorithm = der(sequence, ed25519OID)
	zero, one   = der(integer, []byte{0}), der(integer, []byte{1})
	order       = unhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551") // of P-256, FIPS 186-4
	aboveOrder  = unhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552")
	scalar      = unhex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721") // RFC 6979, A.2.5
	seed        = rfc8032.Seed()
	goodEd      = edDER(zero, edAlgorithm, der(octets, der(octets, seed)))
	goodEC      = sec1DER(one, scalar, p256OID)
)

// edDER is a key in PKCS#8, as Ed25519's are.
func edDER(version, algorithm, private []byte, rest ...[]byte) []byte {
	return der(sequence, append([][]byte{version, algorithm, private}, rest...)...)
}

// sec1DER is an elliptic-curve key in SEC 1.
func sec1DER(version, scalar, curve []byte, rest ...[]byte) []byte {
	parts := [][]byte{version, der(octets, scalar)}
	if curve != nil {
		parts = append(parts, der(context0, curve))
	}
	return der(sequence, append(parts, rest...)...)
}

// ecDER is a key in PKCS#8 that contains one in SEC 1.
func ecDER(curve, inner []byte) []byte {
	return der(sequence, zero, der(sequence, ecOID, curve), der(octets, inner))
}

// oddKeys are keys in DER, each with its label in PEM and, if it is rejected, a part of its error.
var oddKeys = []struct {
	name  string
	label string
	der   []byte
	alg   jose.SignatureAlgorithm
	want  string // "": it signs
}{
	{"a good Ed25519 key", "PRIVATE KEY", goodEd, jose.EdDSA, ""},
	{"an Ed25519 key of zeros", "PRIVATE KEY", edDER(zero, edAlgorithm, der(octets, der(octets, make([]byte, 32)))), jose.EdDSA, ""},
	{"an Ed25519 key with its public key (RFC 5958)", "PRIVATE KEY", edDER(one, edAlgorithm, der(octets, der(octets, seed)), der(0x81, []byte{0}, rfc8032.Public().(ed25519.PublicKey))), jose.EdDSA, ""},
	{"an Ed25519 seed of 31 bytes", "PRIVATE KEY", edDER(zero, edAlgorithm, der(octets, der(octets, seed[:31]))), jose.EdDSA, "type or curve cannot be used"},
	{"an Ed25519 seed of 33 bytes", "PRIVATE KEY", edDER(zero, edAlgorithm, der(octets, der(octets, append(seed[:32:32], 0)))), jose.EdDSA, "type or curve cannot be used"},
	{"an Ed25519 key of 64 bytes, seed and public key", "PRIVATE KEY", edDER(zero, edAlgorithm, der(octets, der(octets, rfc8032))), jose.EdDSA, "type or curve cannot be used"},
	{"an empty Ed25519 seed", "PRIVATE KEY", edDER(zero, edAlgorithm, der(octets, der(octets))), jose.EdDSA, "type or curve cannot be used"},
	{"an Ed25519 seed in one wrapping", "PRIVATE KEY", edDER(zero, edAlgorithm, der(octets, seed)), jose.EdDSA, "type or curve cannot be used"},
	{"an Ed25519 key with parameters", "PRIVATE KEY", edDER(zero, der(sequence, ed25519OID, der(null)), der(octets, der(octets, seed))), jose.EdDSA, "type or curve cannot be used"},
	{"an Ed25519 key under the label of another", "EC PRIVATE KEY", goodEd, jose.EdDSA, "type or curve cannot be used"},
	{"an Ed448 key", "PRIVATE KEY", edDER(zero, der(sequence, ed448OID), der(octets, der(octets, make([]byte, 57)))), jose.EdDSA, "type or curve cannot be used"},
	{"an RSA-PSS key", "PRIVATE KEY", edDER(zero, der(sequence, rsaPSS), der(octets, der(sequence))), jose.EdDSA, "type or curve cannot be used"},
	{"a key without its last byte", "PRIVATE KEY", goodEd[:len(goodEd)-1], jose.EdDSA, "is cut off in the middle: 1 byte is missing between its BEGIN and END lines"},
	{"a key with a byte too many", "PRIVATE KEY", append(goodEd[:len(goodEd):len(goodEd)], 0), jose.EdDSA, "is damaged"},
	{"a key of another kind with a byte too many", "PRIVATE KEY", append(edDER(zero, der(sequence, ed448OID), der(octets, der(octets, make([]byte, 57)))), 0), jose.EdDSA, "is damaged"},
	{"two keys one after the other", "PRIVATE KEY", append(goodEd[:len(goodEd):len(goodEd)], goodEd...), jose.EdDSA, "is damaged"},
	{"a key of indefinite length", "PRIVATE KEY", append(append([]byte{sequence, 0x80}, goodEd[2:]...), 0, 0), jose.EdDSA, "is damaged"},
	{"a key that claims four gigabytes", "PRIVATE KEY", []byte{sequence, 0x84, 0xff, 0xff, 0xff, 0xff, 0}, jose.EdDSA, "is damaged"},
	{"a key that claims 65,535 bytes", "PRIVATE KEY", []byte{sequence, 0x82, 0xff, 0xff, integer, 1, 0}, jose.EdDSA, "the lengths in it are impossible"},
	{"the beginning of an RSA key of 16,384 bits", "PRIVATE KEY", []byte{sequence, 0x82, 0x24, 0x2e, integer, 1, 0}, jose.EdDSA, "is cut off in the middle: 9259 bytes are missing"},
	{"a thousand sequences", "PRIVATE KEY", bytes.Repeat([]byte{sequence, 0x80}, 1000), jose.EdDSA, "is damaged"},
	{"nothing", "PRIVATE KEY", nil, jose.EdDSA, "has nothing between its BEGIN and END lines"},
	{"an empty sequence", "PRIVATE KEY", der(sequence), jose.EdDSA, "type or curve cannot be used"},
	{"text", "PRIVATE KEY", []byte("0123456789abcdef0123456789abcdef"), jose.EdDSA, "is damaged"},

	{"a good P-256 key, SEC 1", "EC PRIVATE KEY", goodEC, jose.ES256, ""},
	{"a good P-256 key, PKCS#8", "PRIVATE KEY", ecDER(p256OID, sec1DER(one, scalar, nil)), jose.ES256, ""},
	{"a P-256 scalar with leading zeros", "EC PRIVATE KEY", sec1DER(one, append([]byte{0, 0}, scalar...), p256OID), jose.ES256, ""},
	{"the scalar 0", "EC PRIVATE KEY", sec1DER(one, make([]byte, 32), p256OID), jose.ES256, "type or curve cannot be used"},
	{"the scalar 0, PKCS#8", "PRIVATE KEY", ecDER(p256OID, sec1DER(one, make([]byte, 32), nil)), jose.ES256, "type or curve cannot be used"},
	{"the curve's order", "EC PRIVATE KEY", sec1DER(one, order, p256OID), jose.ES256, "type or curve cannot be used"},
	{"a scalar above the curve's order", "EC PRIVATE KEY", sec1DER(one, aboveOrder, p256OID), jose.ES256, "type or curve cannot be used"},
	{"a scalar of 33 bytes", "EC PRIVATE KEY", sec1DER(one, append([]byte{1}, scalar...), p256OID), jose.ES256, "type or curve cannot be used"},
	{"no scalar", "EC PRIVATE KEY", sec1DER(one, nil, p256OID), jose.ES256, "type or curve cannot be used"},
	{"another version of SEC 1", "EC PRIVATE KEY", sec1DER(zero, scalar, p256OID), jose.ES256, "type or curve cannot be used"},
	{"no curve", "EC PRIVATE KEY", sec1DER(one, scalar, nil), jose.ES256, "type or curve cannot be used"},
	{"secp256k1", "EC PRIVATE KEY", sec1DER(one, scalar, secp256k1), jose.ES256, "type or curve cannot be used"},
	{"secp256k1, PKCS#8", "PRIVATE KEY", ecDER(secp256k1, sec1DER(one, scalar, nil)), jose.ES256, "type or curve cannot be used"},
	{"a Brainpool curve", "EC PRIVATE KEY", sec1DER(one, scalar, brainpool), jose.ES256, "type or curve cannot be used"},
	{"a curve of its own, in parameters", "EC PRIVATE KEY", sec1DER(one, scalar, der(sequence, one)), jose.ES256, "type or curve cannot be used"},
	{"P-384 around a scalar of P-256's", "PRIVATE KEY", ecDER(p384OID, sec1DER(one, scalar, nil)), jose.ES256, "on the curve P-384"},
	{"a P-256 key under the label of PKCS#8", "PRIVATE KEY", goodEC, jose.ES256, "type or curve cannot be used"},
	{"a P-256 key without its last byte", "EC PRIVATE KEY", goodEC[:len(goodEC)-1], jose.ES256, "is cut off in the middle: 1 byte is missing"},
	{"a P-256 key with a byte too many", "EC PRIVATE KEY", append(goodEC[:len(goodEC):len(goodEC)], 0), jose.ES256, "is damaged"},
	{"a public key that is not a point of the curve", "EC PRIVATE KEY", sec1DER(one, scalar, p256OID, der(context1, der(bits, []byte{0, 4}, make([]byte, 64)))), jose.ES256, "contains the public key of another private key"},
	{"somebody else's public key", "EC PRIVATE KEY", sec1DER(one, scalar, p256OID, der(context1, der(bits, []byte{0, 4}, unhex("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")))), jose.ES256, "contains the public key of another private key"},
}

// TestKeysThatNoToolWrites asserts that damaged and malicious keys, of the kinds that Project
// Wycheproof collects, are rejected at the start with a one-line error, and that none causes a
// panic.
func TestKeysThatNoToolWrites(t *testing.T) {
	for _, tt := range oddKeys {
		t.Run(tt.name, func(t *testing.T) {
			_, err := keys.PEM(block(tt.label, tt.der), tt.alg)
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
			} else if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want it to say %q", err, tt.want)
			}
		})
	}
}

// FuzzPEM asserts that, for any text, PEM returns a working signer or a one-line error that does
// not repeat the text.
func FuzzPEM(f *testing.F) {
	text := testkit.Ed25519PEM
	for _, seed := range []string{text, strings.ReplaceAll(text, "\n", `\n`), base64.StdEncoding.EncodeToString([]byte(text)), `"` + text, "'\"'"} {
		f.Add(seed)
	}
	for _, tt := range badPEM {
		f.Add(tt.text)
	}
	for _, tt := range oddKeys {
		f.Add(block(tt.label, tt.der))
	}
	for _, tt := range changes {
		f.Add(tt.change(text))
	}
	for _, tt := range opensshKeys {
		f.Add(tt.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, alg := range []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256} {
			signer, err := keys.PEM(text, alg)
			if err != nil {
				if strings.Contains(err.Error(), "\n") || len(text) > 40 && strings.Contains(err.Error(), text) {
					t.Fatalf("the error repeats the text: %v", err)
				}
				continue
			}
			token, err := signer.Sign(t.Context(), []byte(`{}`))
			if err != nil {
				t.Fatalf("a signer that does not sign: %v", err)
			}
			if _, err := keys.Verifier(text, alg); err != nil {
				t.Fatalf("a key that signs does not verify: %v", err)
			}
			_, signature, _ := cutLast(token)
			if raw, err := base64.RawURLEncoding.DecodeString(signature); err != nil || len(raw) != 64 {
				t.Fatalf("%s, %v", token, err)
			}
		}
	})
}

// dsaPEM is a public key that openssl made for these tests.
const dsaPEM = `-----BEGIN PUBLIC KEY-----
MIIBvzCCATMGByqGSM44BAEwggEmAoGBALXxJlR6EfxtHgCvTqXRC5nOEePSuWSi
SdoUJ+UTCGUtHB8yHJa5XmPMcpKN9ZR9KiXkYzuiNH3rRIx7An1ZVO+H3NQb3OYJ
gy0AHdN/cNhXplc4jDVH1d41dAmFmE6dSr1QvOBh5xCckeCRrvwAMKOBFSaFmBOM
XUP7X1ueifafAh0AmEkfBhiKxjO41HQrJ38e8gefMzU1qzFDfH5eUQKBgAiLywVx
epotR+MKPuojOx3GH1Uwaem0r4vMO4e2VS7MgtXuBMls7Sz5RbQ4DK7dVPg+3Xj1
SY0ZiEIInn2WM1IyMWiqlPhzFyAndoQxYk/4jOyI8Ek5zGZHbFQHl4iGSTOAhxqF
8Xc+KdTsX1mJt58Ublee40CWCm/BwY4zV9ItA4GFAAKBgQCe7QiirTaEAtt6W94B
m3tqDr3rcaHypOmvDqRj+Yv+jO/26wc6s27NgavHjZgjiYNfajjzT1CVkULC8ARX
2/IjxCeXxy3gBJdxJDkJSaNjrJ33qTqQZS+gVKHQSvdD3yVqRhF5syVHSK7Pwhtd
+EG5rXKd1RqJ3OmfVmqkOfyObQ==
-----END PUBLIC KEY-----
`
