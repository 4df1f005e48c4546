package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// block matches a PEM block (RFC 7468), even with all its lines joined.
var block = regexp.MustCompile(`(?s)-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END [A-Z0-9 ]+-----`)

// lineBreaks matches what a block may contain besides base64: white space, and newlines that are
// written as a backslash and a letter.
var lineBreaks = regexp.MustCompile(`\s|\\+[rnt]`)

// use is what a key is used for, with the words for it in errors.
type use struct {
	labels      []string // labels of the blocks that contain such a key
	form, thing string   // what the key must be, and what it is called
	keep        string   // which of several keys to keep
}

var (
	toSign = use{
		labels: []string{"PRIVATE KEY", "EC PRIVATE KEY"},
		form:   "a private key in PKCS#8 (-----BEGIN PRIVATE KEY-----)", thing: "private key", keep: "the one that signs",
	}
	toVerify = use{
		labels: []string{"PRIVATE KEY", "EC PRIVATE KEY", "PUBLIC KEY"},
		form:   "a public key in PKIX or a private key in PKCS#8 (-----BEGIN PUBLIC KEY----- or -----BEGIN PRIVATE KEY-----)", thing: "key", keep: "one",
	}
)

// parsePEM returns the only key in text that is for the use. A private key and its own public key
// count as one key. The text may have the forms that [PEM] accepts.
func parsePEM(text string, u use) (any, error) {
	text = unwrap(text)
	if text == "" {
		return nil, errors.New("the key is empty; set it to the text between and with -----BEGIN PRIVATE KEY----- and -----END PRIVATE KEY-----")
	}
	blocks := block.FindAllStringSubmatch(text, -1)
	if blocks == nil {
		decoded, ok := decodeBase64(text)
		if !ok {
			return nil, u.noPEM(text)
		}
		if blocks = block.FindAllStringSubmatch(decoded, -1); blocks == nil {
			return nil, u.noPEM(text)
		}
	}
	var found []any
	for _, b := range blocks {
		label, body := b[1], b[2]
		switch {
		case label == "ENCRYPTED PRIVATE KEY" || strings.Contains(body, "ENCRYPTED"):
			return nil, errors.New("the key is encrypted; decrypt it first (openssl pkey -in key.pem)")
		case slices.Contains(u.labels, label):
			key, err := parseDER(label, body)
			if err != nil {
				return nil, err
			}
			if !slices.ContainsFunc(found, func(other any) bool { return same(key, other) }) {
				found = append(found, key)
			}
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("the key is %s; it must be %s", labelled(blocks[0][1]), u.form)
	case 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("the text holds %d %ss; leave %s", len(found), u.thing, u.keep)
}

func parseDER(label, body string) (any, error) {
	der, err := base64.StdEncoding.DecodeString(lineBreaks.ReplaceAllString(body, ""))
	if err != nil {
		return nil, errors.New("the key is damaged: what stands between its BEGIN and END lines is not base64; copy it again, whole")
	}
	var key any
	switch label {
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(der)
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(der)
	default:
		key, err = x509.ParsePKCS8PrivateKey(der)
	}
	if private, ok := key.(*ecdsa.PrivateKey); ok && err == nil && private.Curve == elliptic.P256() {
		_, err = private.ECDH() // Go 1.25 parses a key whose scalar is 0
	}
	rest, notASN1 := asn1.Unmarshal(der, new(asn1.RawValue))
	if err != nil && notASN1 == nil && len(rest) == 0 {
		return nil, errors.New("the key is of a kind or a curve that cannot be used, or its BEGIN line has the wrong label; EdDSA needs Ed25519, ES256 needs P-256")
	}
	if err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("the key is damaged: its BEGIN line says %s, its content is something else; copy it again, whole", label)
	}
	return key, nil
}

// unwrap removes what files and shells leave around a value: a byte-order mark, quotes, and white
// space.
func unwrap(text string) string {
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	for _, quote := range []string{`"`, `'`, "`"} {
		if inner, ok := strings.CutPrefix(text, quote); ok && strings.HasSuffix(inner, quote) {
			return strings.TrimSpace(strings.TrimSuffix(inner, quote))
		}
	}
	return text
}

// inUTF16 reports whether a text begins with a byte-order mark of UTF-16.
func inUTF16(text string) bool {
	if len(text)%2 != 0 || !strings.HasPrefix(text, "\xff\xfe") && !strings.HasPrefix(text, "\xfe\xff") {
		return false
	}
	return strings.Count(text, "\x00") >= len(text)/2-1
}

func decodeBase64(text string) (string, bool) {
	text = strings.TrimRight(lineBreaks.ReplaceAllString(text, ""), "=")
	decoded, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		decoded, err = base64.RawURLEncoding.DecodeString(text)
	}
	return string(decoded), err == nil
}

// begin is the beginning of a PEM block.
const begin = "-----BEGIN"

// holdsPEM reports whether a text contains the beginning of a PEM block, as it is or in base64.
func holdsPEM(text string) bool {
	decoded, _ := decodeBase64(text)
	return strings.Contains(text, begin) || strings.Contains(decoded, begin)
}

// inDER reports whether a text begins like a key in DER, which is a sequence that begins with a version
// or with an algorithm's object identifier (RFC 5958, RFC 5280).
func inDER(text string) bool {
	head := text[:min(len(text), 8)]
	return strings.HasPrefix(head, "\x30") && (strings.Contains(head, "\x02\x01") || strings.Contains(head, "\x06"))
}

// noPEM returns an error that describes a text without a PEM block.
func (u use) noPEM(text string) error {
	want := "a " + u.thing + " in PEM"
	needed := "; pass " + want + ", with its -----BEGIN and -----END lines"
	decoded, _ := decodeBase64(text)
	if strings.Contains(decoded, begin) {
		text = decoded
	}
	begins, ends := strings.Contains(text, begin), strings.Contains(text, "-----END")
	switch {
	case inUTF16(text):
		return errors.New("the text is in UTF-16, as PowerShell writes files; save it as UTF-8")
	case begins && ends:
		return errors.New("the key's -----BEGIN or -----END line is damaged; copy it again, whole")
	case begins:
		return errors.New("the key is cut off: it has a -----BEGIN line but no -----END line; copy it again, whole")
	case ends:
		return errors.New("the key is cut off: it has an -----END line but no -----BEGIN line; copy it again, whole")
	case strings.HasPrefix(text, "ssh-"):
		return errors.New("the text looks like an SSH public key" + needed)
	case inDER(text):
		return errors.New("the text looks like a key in DER" + needed)
	case inDER(decoded):
		return errors.New("the text looks like the body of a PEM file" + needed)
	}
	if s, ok := looksLike(text); ok {
		return fmt.Errorf("the text looks like %s, not %s; %s", s.looks, want, s.fix)
	}
	if checkSecret(text) == nil {
		return fmt.Errorf("the text looks like a shared secret, not %s; check that it is this platform's key, and that the arguments are in the right order", want)
	}
	return errors.New("the text is not a key" + needed)
}

// labelled returns what a PEM label means.
func labelled(label string) string {
	switch label {
	case "PUBLIC KEY", "RSA PUBLIC KEY":
		return "a public key"
	case "CERTIFICATE":
		return "a certificate"
	case "CERTIFICATE REQUEST":
		return "a certificate request"
	case "RSA PRIVATE KEY":
		return "an RSA private key in PKCS#1"
	case "OPENSSH PRIVATE KEY":
		return "an OpenSSH private key"
	}
	return "not a private key but PEM with another label"
}

// public returns the public key of a parsed key.
func public(key any) any {
	if private, ok := key.(interface{ Public() crypto.PublicKey }); ok {
		return private.Public()
	}
	return key
}

// same reports whether two parsed keys have the same public key.
func same(a, b any) bool {
	key, ok := public(a).(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(public(b))
}

// describe returns the kind of a parsed key.
func describe(key any) string {
	switch key := public(key).(type) {
	case ed25519.PublicKey:
		return "an Ed25519 key"
	case *ecdsa.PublicKey:
		return "an ECDSA key on the curve " + key.Curve.Params().Name
	case *rsa.PublicKey:
		return "an RSA key"
	}
	return "a key that cannot sign" // X25519
}

// needs returns a text that names the kind of key that an algorithm needs.
func needs(alg jose.SignatureAlgorithm) string {
	switch alg {
	case jose.EdDSA:
		return "EdDSA needs an Ed25519 key (openssl genpkey -algorithm ed25519)"
	case jose.ES256:
		return "ES256 needs a P-256 key (openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256)"
	}
	return string(alg) + " is not an algorithm for PrivateKey (EdDSA, ES256)"
}
