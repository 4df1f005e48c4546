package keys

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/go-jose/go-jose/v4"
)

// block matches a PEM block (RFC 7468), even with all its lines joined, and with characters missing in
// its first and last lines.
var block = regexp.MustCompile(`(?s)--+[ \t]?BEGIN([A-Z0-9 \t+_]*?)--+(.*?)--+[ \t]?END`)

// whole says how to pass a key so that nothing changes it.
const whole = "copy the whole file again; if an env file holds the key, store it there in base64, on one line (openssl base64 -A -in key.pem)"

// maxText is the maximum length of a key's text in bytes. What a text may have been costs more than its
// length to find out.
const maxText = 1 << 16

// use is what a key is used for, with the words for it in errors.
type use struct {
	labels      []string // labels of the blocks that contain such a key
	form, thing string   // what the key must be, and what it is called
	keep        string   // which of several keys to keep
}

var (
	toSign = use{
		labels: []string{"PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY"},
		form:   "an Ed25519 or P-256 private key in PKCS#8 (-----BEGIN PRIVATE KEY-----)", thing: "private key", keep: "the one that signs",
	}
	toVerify = use{
		labels: []string{"PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "PUBLIC KEY"},
		form:   "a public key in PKIX or a private key in PKCS#8 (-----BEGIN PUBLIC KEY----- or -----BEGIN PRIVATE KEY-----)", thing: "key", keep: "one",
	}
)

// parsePEM returns the only key in text that is for the use. A private key and its own public key
// count as one key. The text may have the forms that [PEM] accepts.
func parsePEM(text string, u use) (any, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("the text has %d bytes, and a key has at most %d; pass the key alone", len(text), maxText)
	}
	text = unwrap(text)
	if text == "" {
		return nil, errors.New("the key is empty; set it to the PEM text, from -----BEGIN PRIVATE KEY----- to -----END PRIVATE KEY-----; if an env file holds the key, store it there in base64, on one line (openssl base64 -A -in key.pem)")
	}
	found, err := u.keysIn(text)
	if err != nil {
		return nil, err
	}
	if len(found) > 1 {
		return nil, fmt.Errorf("the text contains %d %ss; keep only %s", len(found), u.thing, u.keep)
	}
	return found[0], nil
}

// keysIn returns the different keys in a text that are for the use. It is an error if there is none.
func (u use) keysIn(text string) (found []any, err error) {
	if key, ok := parseSSHLine(text); ok {
		return u.sshPublic(key)
	}
	text = decoded(text)
	blocks := block.FindAllStringSubmatch(text, -1)
	if blocks == nil {
		return nil, u.noPEM(text)
	}
	for _, b := range blocks {
		label, body := labelOf(b[1]), b[2]
		if strings.Contains(b[1], "_") { // for each space
			body = strings.ReplaceAll(body, "_", " ")
		}
		switch {
		case strings.Contains(label, "ENCRYPTED") || strings.Contains(body, "ENCRYPTED"):
			return nil, errors.New("the key is encrypted; decrypt it first (openssl pkey -in key.pem)")
		case slices.Contains(u.labels, label):
			key, err := parseBody(label, body)
			if err != nil {
				return nil, err
			}
			if !slices.ContainsFunc(found, func(other any) bool { return same(key, other) }) {
				found = append(found, key)
			}
		}
	}
	if found == nil {
		return nil, fmt.Errorf("the key is %s; it must be %s", labelled(labelOf(blocks[0][1])), u.form)
	}
	return found, nil
}

// sshPublic returns the key of a line of a .pub file if it is for the use. The key is nil if the line is
// damaged.
func (u use) sshPublic(key any) ([]any, error) {
	switch {
	case !slices.Contains(u.labels, "PUBLIC KEY"):
		return nil, errors.New("the text is an SSH public key; pass the private key, which is in the file of the same name without .pub")
	case key == nil:
		return nil, errors.New("the text looks like an SSH public key, but it is damaged or cut off; copy the whole line again")
	}
	return []any{key}, nil
}

// labelOf returns the label in a block's BEGIN line, in which tools may have replaced or removed the
// spaces.
func labelOf(text string) string {
	letters := func(label string) string {
		return strings.NewReplacer(" ", "", "\t", "", "+", "", "_", "").Replace(label)
	}
	for _, label := range toVerify.labels {
		if letters(label) == letters(text) {
			return label
		}
	}
	return strings.TrimSpace(text)
}

// parseBody returns the key in the body of a block, even if a tool changed the body.
func parseBody(label, body string) (any, error) {
	var worst damage
	uncertain := false
	all := readings(body)
	for i, r := range all {
		key, err := parseBase64(label, r.text)
		if err == nil {
			switch contains, matches := publicPart(r.text, key); {
			case matches, !contains && i == 0, !contains && isEd25519(key) && !r.guessed:
				return key, nil
			case contains && i == 0:
				err = damage{notDER, "the key is damaged: it contains the public key of another private key; " + whole}
			}
			uncertain = uncertain || r.text != all[0].text
		}
		d := damage{}
		if errors.As(err, &d); i == 0 || d.knows > max(worst.knows, notDER) && (i < len(all)-1 || d.knows == ofKind) {
			worst = d
		}
	}
	if uncertain {
		return nil, errors.New("a tool changed the key, perhaps \\n to n or + to a space, and no public key in it proves the repair; " + whole)
	}
	if err := describeBody(body); err != nil {
		return nil, err
	}
	return nil, worst
}

// publicPart reports whether the text of a key contains a public key, and whether that is the key's own.
// A changed key of several lines must contain its own, because a character that was lost and a newline
// that was not removed can make up for each other.
func publicPart(text string, key any) (contains, matches bool) {
	der, _ := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if bytes.HasPrefix(der, []byte(opensshMagic)) {
		return true, true // parseOpenSSH has checked it
	}
	switch key := public(key).(type) {
	case ed25519.PublicKey:
		const version1 = 48                                                                        // bytes of a key without attributes, which ends with the seed
		contains = len(der) > version1 && bytes.Contains(der[version1:], []byte{0x81, 0x21, 0x00}) // the publicKey of RFC 5958
		matches = contains && bytes.Contains(der[version1:], key)
	case *ecdsa.PublicKey:
		point, err := key.Bytes()
		contains = bytes.Contains(der, []byte{0x03, 0x42, 0x00, 0x04}) // a BIT STRING with an uncompressed point
		matches = contains && err == nil && bytes.Contains(der, point)
	}
	return contains, matches
}

func isEd25519(key any) bool {
	_, ok := public(key).(ed25519.PublicKey)
	return ok
}

// damage is what is wrong with the body of a block.
type damage struct {
	knows int // how much the reading knows of the key
	text  string
}

// How much a reading of a body knows of the key.
const (
	ofText   = iota // it is not base64
	notDER          // it is base64 of something else
	tooLong         // it begins with a key
	tooShort        // it is the beginning of a key
	ofKind          // it is a key, but not one that can be used
)

func (d damage) Error() string { return d.text }

// missingBytes returns the error for a key without its last bytes. A very large number means that the
// key's length field is damaged.
func missingBytes(n int) damage {
	if n > 10_000 {
		return damage{notDER, "the key is damaged: the lengths in it are impossible; " + whole}
	}
	return damage{tooShort, fmt.Sprintf("the key is cut off in the middle: %s missing between its BEGIN and END lines; %s", count(n), whole)}
}

// parseBase64 returns the key in a block's body, whose lines are joined. The padding may be missing. The
// error is a damage.
func parseBase64(label, text string) (any, error) {
	text = strings.TrimRight(text, "=")
	der, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil && len(text)%4 == 1 { // no base64 has such a length: it is cut off
		der, err = base64.RawStdEncoding.DecodeString(text[:len(text)-1])
		if err == nil && missing(der) == 0 {
			err = errors.New("a character too many")
		}
	}
	switch {
	case err != nil:
		return nil, damage{ofText, "the key is damaged: the text between its BEGIN and END lines is not base64; " + whole}
	case bytes.HasPrefix(der, []byte(opensshMagic)):
		return parseOpenSSH(der)
	}
	return parseDER(label, der)
}

// missing returns how many bytes are missing from the sequence that a key in DER begins with.
func missing(der []byte) int {
	if len(der) < 6 || der[0] != 0x30 {
		return 0
	}
	var size int
	switch {
	case der[1] < 0x80:
		size = 2 + int(der[1])
	case der[1] == 0x81:
		size = 3 + int(der[2])
	case der[1] == 0x82:
		size = 4 + int(der[2])<<8 + int(der[3])
	}
	return max(size-len(der), 0)
}

func parseDER(label string, der []byte) (key any, err error) {
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
	switch {
	case err != nil && notASN1 == nil && len(rest) == 0:
		return nil, damage{ofKind, "the key's type or curve cannot be used, or its BEGIN line has the wrong label; EdDSA needs an Ed25519 key, and ES256 needs a P-256 key"}
	case notASN1 == nil && len(rest) > 0 && inDER(string(der)):
		return nil, damage{tooLong, "the key is damaged: " + count(len(rest)) + " left after its end, as if two texts had been joined; " + whole}
	case err != nil && inDER(string(der)) && missing(der) > 0:
		return nil, missingBytes(missing(der))
	case err != nil || len(rest) > 0:
		return nil, damage{notDER, fmt.Sprintf("the key is damaged: its BEGIN line says %s, but its content is something else, as if the first line were missing; %s", label, whole)}
	}
	return key, nil
}

// describeBody returns an error that describes the body of a block that is not a key, or nil if it
// does not look like anything else.
func describeBody(body string) error {
	text := strings.TrimSpace(lineBreaks.ReplaceAllString(body, " "))
	letters := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return r
		}
		return -1
	}, text)
	shape, ok := looksLike(text)
	switch {
	case text == "":
		return errors.New("the key has nothing between its BEGIN and END lines; " + whole)
	case strings.Contains(text, begin):
		return errors.New("a -----BEGIN line in the text has no -----END line; " + whole)
	case strings.Contains(text, "...") || isMasked(text):
		return errors.New("the key is masked or an example, with dots or other characters in place of its content; copy the whole file")
	case ok:
		return fmt.Errorf("the text between the key's BEGIN and END lines looks like %s; %s", shape.looks, whole)
	case len(letters) > 40 && (letters == strings.ToUpper(letters) || letters == strings.ToLower(letters)):
		return errors.New("the key's letters are all in upper case or all in lower case, so a tool has changed them; " + whole)
	}
	return nil
}

// unwrap removes what files and shells leave around a value: a byte-order mark, quotes, and white
// space.
func unwrap(text string) string {
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	for _, quotes := range [][2]string{{`"`, `"`}, {`'`, `'`}, {"`", "`"}, {"“", "”"}, {"„", "“"}, {"”", "”"}, {"‘", "’"}, {"’", "’"}, {"«", "»"}} {
		if inner, ok := strings.CutPrefix(text, quotes[0]); ok && strings.HasSuffix(inner, quotes[1]) {
			return strings.TrimSpace(strings.TrimSuffix(inner, quotes[1]))
		}
	}
	return text
}

// inUTF16 reports whether a text is in UTF-16: it begins with a byte-order mark, or every other byte
// is zero.
func inUTF16(text string) bool {
	if len(text) < 2 || len(text)%2 != 0 {
		return false
	}
	marked := strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff")
	zeros := [2]int{}
	for i := range len(text) {
		if text[i] == 0 {
			zeros[i%2]++
		}
	}
	return marked && zeros[0]+zeros[1] >= len(text)/2-1 || zeros == [2]int{0, len(text) / 2} || zeros == [2]int{len(text) / 2, 0}
}

// decoded returns the PEM text that a text stands for, which may be in base64, even twice. If it is
// not PEM, decoded returns the text.
func decoded(text string) string {
	form := text
	for range 3 {
		form = prefix.ReplaceAllString(form, "")
		if formText.MatchString(form) {
			form = strings.ReplaceAll(form, "+", " ")
		}
		form = clean(form)
		if strings.Contains(form, "BEGIN") || strings.Contains(form, "-----END") {
			return form
		}
		form, _ = decodeBase64(form)
	}
	return text
}

// decodeBase64 decodes base64, for URLs or not, whose lines may have been joined by a tool. A last
// character that is not whole is left out.
func decodeBase64(text string) (string, bool) {
	text = strings.TrimRight(lineBreaks.ReplaceAllString(text, ""), "=")
	for _, width := range []int{64, 76} {
		for _, lost := range []string{"n", "rn"} {
			if joined, ok := unline(lost+strings.TrimSuffix(text, lost)+lost, lost, width); ok && len(text) > width {
				text = strings.TrimRight(joined, "=")
			}
		}
	}
	if len(text)%4 == 1 {
		text = text[:len(text)-1]
	}
	decoded, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		decoded, err = base64.RawURLEncoding.DecodeString(text)
	}
	return string(decoded), err == nil
}

// begin is the beginning of a PEM block.
const begin = "-----BEGIN"

// holdsPEM reports whether a text contains the beginning of a PEM block, as it is or in base64.
func holdsPEM(text string) bool { return strings.Contains(decoded(text), begin) }

// inDER reports whether a text begins like a key in DER, which is a sequence that begins with a version
// or with an algorithm's object identifier (RFC 5958, RFC 5280).
func inDER(text string) bool {
	head := text[:min(len(text), 8)]
	return strings.HasPrefix(head, "\x30") && (strings.Contains(head, "\x02\x01") || strings.Contains(head, "\x06"))
}

// isKeyBody reports whether a text is base64 of a private key in PKCS#8 or SEC 1.
func isKeyBody(text string) bool {
	body, ok := decodeBase64(text)
	body = strings.TrimPrefix(body[:min(len(body), 10)], "\x30")
	switch {
	case !ok || len(body) < 9:
		return false
	case body[0] == 0x81:
		body = body[2:]
	case body[0] == 0x82:
		body = body[3:]
	default:
		body = body[1:]
	}
	return strings.HasPrefix(body, "\x02\x01\x00\x30") || strings.HasPrefix(body, "\x02\x01\x01\x04")
}

// inPKCS12 reports whether a text begins like a PKCS#12 file (RFC 7292).
func inPKCS12(text string) bool {
	head := text[:min(len(text), 8)]
	return strings.HasPrefix(head, "\x30") && strings.HasSuffix(head, "\x02\x01\x03\x30")
}

// endLine matches the last line of a PEM block, or what is left of it.
var endLine = regexp.MustCompile(`--[ \t]?END|END[A-Z +_]*KEY`)

// noPEM returns an error that describes a text without a PEM block.
func (u use) noPEM(text string) error {
	want := "a " + u.thing + " in PEM"
	needed := "; pass " + want + ", with its -----BEGIN and -----END lines"
	body, _ := decodeBase64(text)
	begins, ends := beginLine.FindStringIndex(text), endLine.MatchString(text)
	switch {
	case inUTF16(text):
		return errors.New("the text is in UTF-16, as PowerShell writes files; save it as UTF-8")
	case begins != nil && ends:
		return errors.New("the key's -----BEGIN or -----END line is damaged; " + whole)
	case begins != nil:
		return cutOff(text[begins[0]:])
	case ends:
		return errors.New("the key is cut off: it has an -----END line but no -----BEGIN line; " + whole)
	case strings.Contains(strings.ToUpper(text), begin):
		return errors.New("the key's letters are all in lower case, so a tool has changed them; " + whole)
	case strings.HasPrefix(text, "PuTTY-User-Key-File"):
		return errors.New("the text looks like a key in PuTTY's format, not " + want + "; export it as an OpenSSH key in PuTTYgen (menu Conversions)")
	case strings.HasPrefix(body, opensshMagic):
		return errors.New("the text looks like the body of a key in OpenSSH's format" + needed)
	case inPKCS12(text) || inPKCS12(body):
		return errors.New("the text looks like a PKCS#12 file (.p12 or .pfx)" + needed + " (openssl pkcs12 -nodes -nocerts -in key.p12)")
	case inDER(text):
		return errors.New("the text looks like a key in DER" + needed + " (openssl pkey -inform DER -in key.der)")
	case inDER(body):
		return errors.New("the text looks like the body of a PEM file" + needed)
	case isJWK(text):
		return errors.New("the text looks like a JSON Web Key (JWK), not " + want + "; export the key in PEM, or parse it with go-jose and pass it to SignWith")
	}
	if s, ok := looksLike(text); ok {
		return fmt.Errorf("the text looks like %s, not %s; %s", s.looks, want, s.fix)
	}
	if checkSecret(text) == nil {
		return fmt.Errorf("the text looks like a shared secret, not %s; %s", want, otherKey)
	}
	return errors.New("the text is not a key" + needed)
}

// otherKey says what to do about a key of another kind.
const otherKey = "check that the key and the preset are for the same platform, and that the arguments are in the right order"

// beginLine matches the first line of a PEM block, or what is left of it.
var beginLine = regexp.MustCompile(`--[ \t]?BEGIN(?:[A-Z0-9 \t+_]*--+)?|BEGIN[A-Z +_]*KEY`)

// cutOff returns an error that says where a text was cut off. The text begins with the first line of a
// PEM block.
func cutOff(text string) error {
	const quote = "; put quotes around the value, or store the key in base64, on one line (openssl base64 -A -in key.pem)"
	line := beginLine.FindString(text)
	body := strings.Trim(text[len(line):], "-\\ \r\n")
	switch {
	case !strings.HasSuffix(line, "--"):
		return errors.New("the key is cut off inside its -----BEGIN line, at a space, as by a shell" + quote)
	case body == "":
		return errors.New("the key is cut off after its -----BEGIN line, at the first newline, as by many programs that read env files" + quote)
	}
	for _, r := range readings(text[len(line):]) {
		if der, _ := decodeBase64(r.text); inDER(der) && missing([]byte(der)) > 0 {
			return fmt.Errorf("the key is cut off: it has a -----BEGIN line but no -----END line, and %s missing; %s", count(missing([]byte(der))), whole)
		}
	}
	return errors.New("the key is cut off: it has a -----BEGIN line but no -----END line; " + whole)
}

// isJWK reports whether a text is a JSON Web Key or a set of them (RFC 7517).
func isJWK(text string) bool {
	var members struct{ Kty, Keys any }
	return json.Unmarshal([]byte(text), &members) == nil && (members.Kty != nil || members.Keys != nil)
}

// labelled returns what a PEM label means.
func labelled(label string) string {
	switch {
	case strings.HasSuffix(label, "PUBLIC KEY"):
		return "a public key"
	case strings.HasSuffix(label, "CERTIFICATE"):
		return "a certificate"
	case strings.HasSuffix(label, "CERTIFICATE REQUEST"):
		return "a certificate request"
	case label == "RSA PRIVATE KEY":
		return "an RSA private key in PKCS#1, and neither EdDSA nor ES256 signs with RSA"
	case strings.HasPrefix(label, "PGP"):
		return "a PGP key"
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
	case *ecdh.PublicKey:
		return "an X25519 key, which cannot sign"
	case otherSSH:
		return string(key)
	}
	return "a DSA key"
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
