package keys_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin/internal/keys"
	"github.com/docslogin/docslogin/internal/testkit"
)

// plusKeys are fixed keys whose base64 contains "+", "/", and "n", which tools change.
var (
	plusSeed = ed25519.NewKeyFromSeed(unhex("fbefbe9e79e79e79fbefbe03f03f03f0fbefbe9e79e79e79fbefbe03f03f03f0"))
	fixedEC  = func() *ecdsa.PrivateKey {
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
		if err != nil {
			panic(err)
		}
		return key
	}()
)

// changes are what tools do to the text of a key. From each result, the key can still be read.
var changes = []struct {
	name   string
	change func(string) string
}{
	{"nothing", func(s string) string { return s }},
	{"lost backslashes of \\n", replacing("\n", "n")},
	{"lost backslashes of \\r\\n", replacing("\n", "rn")},
	{"lost backslashes of \\n\\n", replacing("\n", "nn")},
	{"slashes in the place of backslashes", replacing("\n", "/n")},
	{"lost backslashes, in quotes", func(s string) string { return `"` + strings.ReplaceAll(s, "\n", "n") + `"` }},
	{"lost backslashes, without the last newline", func(s string) string { return strings.ReplaceAll(strings.TrimSpace(s), "\n", "n") }},
	{"\\n of PowerShell", replacing("\n", "`r`n")},
	{"\\n of Java's format", replacing("\n", "%n")},
	{"escaping for a shell", func(s string) string {
		return strings.NewReplacer(" ", `\ `, "+", `\+`, "=", `\=`, "\n", `\n`).Replace(s)
	}},
	{"escaping for a regular expression", func(s string) string {
		return strings.NewReplacer("-", `\-`, "+", `\+`, "/", `\/`, "\n", `\n`).Replace(s)
	}},
	{"the output of cat -A", replacing("\n", "^M$\n")},
	{"HTML spaces", func(s string) string { return strings.NewReplacer(" ", "&nbsp;", "\n", "<br>\n").Replace(s) }},
	{"a string of YAML in lines", func(s string) string { return `"` + strings.ReplaceAll(s, "\n", "\\n\\\n  ") + `"` }},
	{"numbers of lines", func(s string) string {
		var b strings.Builder
		for i, line := range strings.Split(strings.TrimSpace(s), "\n") {
			fmt.Fprintf(&b, "%4d  %s\n", i+1, line)
		}
		return b.String()
	}},
	{"\\n in capitals", replacing("\n", `\N`)},
	{"\\n escaped three times", replacing("\n", `\\\\n`)},
	{"\\n and a newline", replacing("\n", "\\n\n")},
	{"a backslash at the end of each line", replacing("\n", "\\\n")},
	{"JSON escapes", replacing("\n", `\u000a`)},
	{"JSON escapes in capitals", replacing("\n", `\u000D\u000A`)},
	{"JSON escapes of every sign", func(s string) string {
		return strings.NewReplacer("\n", `\n`, "=", `\u003d`, "+", `\u002b`, "/", `\/`).Replace(s)
	}},
	{"hexadecimal escapes", replacing("\n", `\x0a`)},
	{"octal escapes", replacing("\n", `\012`)},
	{"percent-encoded newlines", replacing("\n", "%0A")},
	{"percent-encoded CRLF", replacing("\n", "%0d%0a")},
	{"percent-encoding", url.PathEscape},
	{"percent-encoding, twice", func(s string) string { return url.PathEscape(url.PathEscape(s)) }},
	{"percent-encoding, three times", func(s string) string { return url.PathEscape(url.PathEscape(url.PathEscape(s))) }},
	{"form encoding", url.QueryEscape},
	{"form encoding of blanks alone", replacing(" ", "+")},
	{"form decoding", replacing("+", " ")},
	{"form decoding of indented text", func(s string) string {
		return "  " + strings.ReplaceAll(strings.ReplaceAll(s, "+", " "), "\n", "\n  ")
	}},
	{"form decoding of one line", func(s string) string { return strings.NewReplacer("+", " ", "\n", " ").Replace(s) }},
	{"form decoding of \\n", func(s string) string { return strings.NewReplacer("+", " ", "\n", `\n`).Replace(s) }},
	{"HTML entities", func(s string) string {
		return strings.NewReplacer("\n", "&#10;", "+", "&#43;", "=", "&#x3D;").Replace(s)
	}},
	{"XML entities", replacing("\n", "&#xA;")},
	{"XML entities, escaped again", func(s string) string { return html.EscapeString(strings.ReplaceAll(s, "\n", "&#xD;&#xA;")) }},
	{"HTML line breaks", replacing("\n", "<br>")},
	{"HTML line breaks of XHTML", replacing("\n", "<br />\n")},
	{"HTML paragraphs", func(s string) string { return "<p>" + strings.ReplaceAll(s, "\n", "</p><p>") + "</p>" }},
	{"tabs", replacing("\n", "\t")},
	{"indentation with tabs", replacing("\n", "\n\t")},
	{"no white space at all", func(s string) string { return strings.Join(strings.Fields(s), "") }},
	{"underscores in the place of blanks", replacing(" ", "_")},
	{"commas in the place of newlines", replacing("\n", ",")},
	{"quotation marks of an e-mail", func(s string) string { return "> " + strings.ReplaceAll(s, "\n", "\n> ") }},
	{"number signs before each line", func(s string) string { return "# " + strings.ReplaceAll(s, "\n", "\n# ") }},
	{"a list in JSON", func(s string) string { return `["` + strings.ReplaceAll(s, "\n", `","`) + `"]` }},
	{"a list in YAML", func(s string) string {
		return "- " + strings.ReplaceAll(strings.ReplaceAll(s, "-----", "-----"), "\n", "\n ")
	}},
	{"a string of JavaScript", func(s string) string { return `"` + strings.ReplaceAll(s, "\n", "\\n\" +\n  \"") + `"` }},
	{"a string of PHP", func(s string) string { return `"` + strings.ReplaceAll(s, "\n", "\\n\" .\n  \"") + `";` }},
	{"a string of C", func(s string) string { return `"` + strings.ReplaceAll(s, "\n", "\\n\"\n  \"") + `"` }},
	{"en and em dashes", replacing("-----", "—–")},
	{"em dashes", replacing("--", "—")},
	{"hyphens that do not break", replacing("-", "\u2011")},
	{"four dashes", replacing("-----", "----")},
	{"the last dash missing", func(s string) string { return strings.TrimSuffix(s, "-\n") }},
	{"the last dashes missing", func(s string) string { return strings.TrimSuffix(s, "-----\n") }},
	{"curly quotes", func(s string) string { return "“" + s + "”" }},
	{"a comma at the end", func(s string) string { return s + "," }},
	{"quotes and a semicolon", func(s string) string { return `"` + strings.ReplaceAll(s, "\n", `\n`) + `";` }},
	{"escaped quotes", func(s string) string { return `\"` + strings.ReplaceAll(s, "\n", `\n`) + `\"` }},
	{"a line of an env file", func(s string) string { return `MINTLIFY_KEY="` + s + `"` }},
	{"a line of an env file with lost backslashes", func(s string) string { return "export MINTLIFY_KEY=" + strings.ReplaceAll(s, "\n", "n") }},
	{"a file of Google Cloud", func(s string) string {
		return fmt.Sprintf(`{"type":"service_account","private_key_id":"0a1b","private_key":%q,"client_id":"1"}`, s)
	}},
	{"a value of YAML", func(s string) string { return "key: |\n  " + strings.ReplaceAll(s, "\n", "\n  ") }},
	{"no-break spaces", func(s string) string { return strings.NewReplacer(" ", "\u00a0", "\n", "\u00a0\n").Replace(s) }},
	{"zero-width spaces", func(s string) string { return strings.ReplaceAll(s, "\n", "\u200b\n\ufeff") }},
	{"line separators", replacing("\n", "\u2028")},
	{"UTF-16", func(s string) string { return inUTF16("\ufeff"+s, 0) }},
	{"UTF-16 without a byte-order mark", func(s string) string { return inUTF16(s, 1) }},
	{"headers of RFC 1421", func(s string) string {
		return strings.Replace(s, "KEY-----\n", "KEY-----\nComment: made by hand\nX-Proc: 1\n\n", 1)
	}},
	{"a dump before it", func(s string) string {
		return "ED25519 Private-Key:\npriv:\n    fb:ef:be\n" + s + "Bag Attributes\n    localKeyID: 01\n"
	}},
	{"padding lost", replacing("=", "")},
	{"base64 for URLs between its lines", func(s string) string {
		return strings.NewReplacer("+", "-", "/", "_").Replace(s)
	}},
	{"base64, twice", func(s string) string { return b64(b64(s)) }},
	{"base64 with lost backslashes", func(s string) string { return strings.ReplaceAll(wrap(b64(s), 76), "\n", "n") }},
	{"base64 in lines of 64 with lost backslashes", func(s string) string {
		return strings.ReplaceAll(strings.TrimSpace(wrap(b64(s), 64)), "\n", "rn")
	}},
	{"base64, percent-encoded", func(s string) string { return url.QueryEscape(b64(s)) }},
	{"base64 of text with lost backslashes", func(s string) string { return b64(strings.ReplaceAll(s, "\n", "n")) }},
	{"base64 with a prefix", func(s string) string { return "base64:" + b64(s) }},
	{"base64 in a data URL", func(s string) string { return "data:application/x-pem-file;base64," + b64(s) }},
	{"base64 in curly quotes", func(s string) string { return "“" + b64(s) + "”" }},
}

func replacing(old, new string) func(string) string {
	return func(s string) string { return strings.ReplaceAll(s, old, new) }
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// inUTF16 encodes a text. The more significant byte of each unit comes at the given index.
func inUTF16(s string, high int) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(s)) {
		pair := [2]byte{byte(unit), byte(unit)}
		pair[high] = byte(unit >> 8)
		b.Write(pair[:])
	}
	return b.String()
}

func TestWhatToolsDoToKeys(t *testing.T) {
	for name, key := range map[string]struct {
		text string
		alg  jose.SignatureAlgorithm
		want interface{ Equal(any) bool }
	}{
		"Ed25519":             {testkit.PKCS8(plusSeed), jose.EdDSA, publicKey{plusSeed.Public()}},
		"Ed25519 of RFC 8032": {testkit.Ed25519PEM, jose.EdDSA, publicKey{rfc8032.Public()}},
		"P-256":               {testkit.PKCS8(fixedEC), jose.ES256, publicKey{&fixedEC.PublicKey}},
		"P-256, SEC 1":        {sec1(fixedEC), jose.ES256, publicKey{&fixedEC.PublicKey}},
		"Ed25519, OpenSSH":    {sshEd25519, jose.EdDSA, sshKey(sshEd25519Line, jose.EdDSA)},
		"P-256, OpenSSH":      {sshP256, jose.ES256, sshKey(sshP256Line, jose.ES256)},
	} {
		for _, tt := range changes {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				if name == "Ed25519" && strings.HasPrefix(tt.name, "form ") && tt.name != "form encoding" { // a space that is too many looks like a "+"
					if _, err := keys.PEM(tt.change(key.text), key.alg); err == nil || !strings.Contains(err.Error(), "a tool changed the key") {
						t.Errorf("got %v", err)
					}
					return
				}
				if _, err := keys.PEM(tt.change(key.text), key.alg); err != nil {
					t.Error(err)
				}
				if got, err := keys.Verifier(tt.change(key.text), key.alg); err != nil || !key.want.Equal(got) {
					t.Errorf("a key that verifies: got another key, or %v", err)
				}
			})
		}
	}
}

// publicKey compares public keys of any kind.
type publicKey struct{ key any }

func (p publicKey) Equal(other any) bool {
	switch key := p.key.(type) {
	case ed25519.PublicKey:
		o, ok := other.(ed25519.PublicKey)
		return ok && key.Equal(o)
	case *ecdsa.PublicKey:
		o, ok := other.(*ecdsa.PublicKey)
		return ok && key.Equal(o)
	}
	return false
}

// sshKey returns the public key in a line that ssh-keygen wrote.
func sshKey(line string, alg jose.SignatureAlgorithm) publicKey {
	key, err := keys.Verifier(line, alg)
	if err != nil {
		panic(err)
	}
	return publicKey{key}
}

// lost are texts from which part of the key is missing, each with a part of its error.
var lost = []struct{ name, text, want string }{
	{"the first line alone", "-----BEGIN PRIVATE KEY-----", "the key is cut off after its -----BEGIN line, at the first newline, as by many programs that read env files; put quotes around the value, or store the key in base64, on one line (openssl base64 -A -in key.pem)"},
	{"the first line and a backslash", `-----BEGIN PRIVATE KEY-----\`, "is cut off after its -----BEGIN line, at the first newline"},
	{"the first line in quotes", `"-----BEGIN EC PRIVATE KEY-----"`, "is cut off after its -----BEGIN line, at the first newline"},
	{"the first line in base64", b64("-----BEGIN PRIVATE KEY-----"), "is cut off after its -----BEGIN line, at the first newline"},
	{"the first line after a name", "KEY=-----BEGIN OPENSSH PRIVATE KEY-----", "is cut off after its -----BEGIN line, at the first newline"},
	{"the first word alone", "-----BEGIN", "the key is cut off inside its -----BEGIN line, at a space, as by a shell; put quotes around the value"},
	{"the first words alone", "-----BEGIN PRIVATE", "the key is cut off inside its -----BEGIN line, at a space"},
	{"no last line", strings.TrimSuffix(p256Text, "-----END PRIVATE KEY-----\n"), "the key is cut off: it has a -----BEGIN line but no -----END line; copy the whole file again; if an env file"},
	{"no last two lines", strings.Join(p256Lines[:3], ""), "it has a -----BEGIN line but no -----END line, and 42 bytes are missing; copy"},
	{"no last two lines, with lost backslashes", strings.ReplaceAll(strings.Join(p256Lines[:3], ""), "\n", "n"), "it has a -----BEGIN line but no -----END line, and 42 bytes are missing"},
	{"cut off in a line", p256Text[:120], "it has a -----BEGIN line but no -----END line, and 70 bytes are missing"},
	{"cut off in base64", b64(p256Text)[:161], "it has a -----BEGIN line but no -----END line"},
	{"cut off in a line of an OpenSSH key", sshEd25519[:150], "it has a -----BEGIN line but no -----END line"},
	{"no first line", strings.Join(p256Lines[1:], ""), "it has an -----END line but no -----BEGIN line"},
	{"the last line alone", "-----END PRIVATE KEY-----", "it has an -----END line but no -----BEGIN line"},
	{"no dashes in the last line", strings.Replace(p256Text, "-----END PRIVATE KEY-----", "END PRIVATE KEY", 1), "the key's -----BEGIN or -----END line is damaged"},
	{"no dashes", strings.ReplaceAll(p256Text, "-----", ""), "the key's -----BEGIN or -----END line is damaged"},
	{"no first line of the body", p256Lines[0] + p256Lines[2] + p256Lines[3] + p256Lines[4], "its BEGIN line says PRIVATE KEY, but its content is something else, as if the first line were missing"},
	{"no second line of the body", p256Lines[0] + p256Lines[1] + p256Lines[3] + p256Lines[4], "the key is cut off in the middle: 48 bytes are missing between its BEGIN and END lines"},
	{"no last line of the body", p256Lines[0] + p256Lines[1] + p256Lines[2] + p256Lines[4], "is cut off in the middle: 42 bytes are missing"},
	{"a line twice", p256Lines[0] + p256Lines[1] + p256Lines[2] + p256Lines[3] + p256Lines[3] + p256Lines[4], "the key is damaged: 42 bytes are left after its end, as if two texts had been joined"},
	{"no second line of the body, with lost backslashes", strings.ReplaceAll(p256Lines[0]+p256Lines[1]+p256Lines[3]+p256Lines[4], "\n", "n"), "is cut off in the middle: 48 bytes are missing"},
	{"no last line of the body of an RSA key", block("PRIVATE KEY", rsaDER()[:1000]), "bytes are missing between its BEGIN and END lines"},
	{"a character too few", strings.Replace(p256Text, "\n-----END", "-----END", 1)[:len(p256Text)-28] + "-----END PRIVATE KEY-----", "is cut off in the middle: 1 byte is missing"},
	{"a character too many", strings.Replace(p256Text, "\n-----END", "A\n-----END", 1), "is not base64; copy the whole file again"},
	{"a sign in the place of a character", p256Lines[0] + p256Lines[1] + "*" + p256Lines[2][1:] + p256Lines[3] + p256Lines[4], "the text between its BEGIN and END lines is not base64; copy the whole file again"},
	{"a key that cannot be used, in an e-mail", "> " + strings.ReplaceAll(block("PRIVATE KEY", edDER(zero, der(sequence, ed448OID), der(octets, der(octets, make([]byte, 57))))), "\n", "\n> "), "the key's type or curve cannot be used"},
	{"no body", p256Lines[0] + p256Lines[4], "the key has nothing between its BEGIN and END lines"},
	{"no body, with \\n", `-----BEGIN PRIVATE KEY-----\n\n-----END PRIVATE KEY-----`, "the key has nothing between its BEGIN and END lines"},
	{"dots", p256Lines[0] + "...\n" + p256Lines[4], "the key is masked or an example, with dots or other characters in place of its content"},
	{"dots after the first characters", p256Lines[0] + "MIGHAgEAMBMGByqGSM49...\n" + p256Lines[4], "the key is masked or an example"},
	{"asterisks", p256Lines[0] + "********************\n" + p256Lines[4], "the key is masked or an example"},
	{"a placeholder", p256Lines[0] + "<your-private-key>\n" + p256Lines[4], "the text between the key's BEGIN and END lines looks like an example that was not replaced"},
	{"a variable", p256Lines[0] + "${KEY_BODY}\n" + p256Lines[4], "between the key's BEGIN and END lines looks like a placeholder that was not expanded"},
	{"a redacted body", p256Lines[0] + "REDACTED\n" + p256Lines[4], "looks like what a program prints for a missing value"},
	{"a placeholder with digits", p256Lines[0] + "<base64>\n" + p256Lines[4], "looks like an example that was not replaced"},
	{"lines that GitHub masked", "***\n***\n***\n", "looks like a masked value"},
	{"a public key of ssh.com", "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----", "the key is a public key"},
	{"a trusted certificate", "-----BEGIN TRUSTED CERTIFICATE-----\nMIIB\n-----END TRUSTED CERTIFICATE-----", "the key is a certificate"},
	{"PKCS#12", "\x30\x82\x0a\x01\x02\x01\x03\x30\x82", "looks like a PKCS#12 file (.p12 or .pfx); pass a private key in PEM"},
	{"PKCS#12 in base64", b64("\x30\x82\x0a\x01\x02\x01\x03\x30\x82\x0a\x01"), "looks like a PKCS#12 file (.p12 or .pfx)"},
	{"two BEGIN lines", p256Lines[0] + p256Lines[1] + p256Text, "a -----BEGIN line in the text has no -----END line"},
	{"lower case", strings.ToLower(p256Text), "the key's letters are all in lower case, so a tool has changed them"},
	{"lower case between its lines", p256Lines[0] + strings.ToLower(p256Lines[1]) + p256Lines[4], "letters are all in upper case or all in lower case"},
	{"upper case", strings.ToUpper(p256Text), "letters are all in upper case or all in lower case"},
	{"a key of PuTTY", "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "looks like a key in PuTTY's format, not a private key in PEM; export it as an OpenSSH key in PuTTYgen"},
	{"a key of PGP", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ==\n-----END PGP PRIVATE KEY BLOCK-----", "the key is a PGP key; it must be an Ed25519 or P-256 private key in PKCS#8"},
	{"an encrypted key of Cosign", "-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\nlQ==\n-----END ENCRYPTED COSIGN PRIVATE KEY-----", "the key is encrypted"},
}

var (
	p256Text  = testkit.PKCS8(fixedEC)
	p256Lines = strings.SplitAfter(p256Text, "\n")
)

func rsaDER() []byte {
	raw, _ := pem.Decode([]byte(testkit.PKCS8(rsaKey)))
	return raw.Bytes
}

func TestKeysThatLostAPart(t *testing.T) {
	for _, tt := range lost {
		t.Run(tt.name, func(t *testing.T) {
			_, err := keys.PEM(tt.text, jose.ES256)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			for _, line := range p256Lines[1:4] {
				if strings.Contains(strings.ToLower(err.Error()), strings.ToLower(line[:12])) {
					t.Errorf("the error shows the key: %v", err)
				}
			}
		})
	}
}

// A key of several lines that does not contain its public key is not repaired.
func TestKeysThatCannotBeChecked(t *testing.T) {
	text := block("PRIVATE KEY", ecDER(p256OID, sec1DER(one, scalar, nil)))
	if _, err := keys.PEM(text, jose.ES256); err != nil {
		t.Error(err)
	}
	_, err := keys.PEM(strings.ReplaceAll(text, "\n", "n"), jose.ES256)
	if err == nil || !strings.Contains(err.Error(), `a tool changed the key, perhaps \n to n or + to a space, and no public key in it proves the repair; copy`) {
		t.Errorf("got %v", err)
	}
}

// sampled reports whether to test the combination of two cases with the numbers i and j: one of n, so that
// each case still meets many others. The race detector, which makes the tests ten times slower, finds nothing in them.
func sampled(i, j, n int) bool {
	if testkit.RaceDetector {
		n *= 30
	}
	return (i+j)%n == 0
}

// Two changes in a row may make a key unreadable, but never another key.
func TestTwoChangesMakeNoOtherKey(t *testing.T) {
	read, all := 0, 0
	for _, key := range []struct {
		text string
		alg  jose.SignatureAlgorithm
		want publicKey
	}{
		{testkit.PKCS8(plusSeed), jose.EdDSA, publicKey{plusSeed.Public()}},
		{testkit.PKCS8(fixedEC), jose.ES256, publicKey{&fixedEC.PublicKey}},
	} {
		for i, first := range changes {
			for j, second := range changes {
				if !sampled(i, j, 4) {
					continue
				}
				all++
				got, err := keys.Verifier(second.change(first.change(key.text)), key.alg)
				if err == nil && !key.want.Equal(got) {
					t.Errorf("%s, then %s: another key", first.name, second.name)
				}
				if err == nil {
					read++
				}
			}
		}
	}
	if read < all*3/4 {
		t.Errorf("%d of %d keys can be read", read, all)
	}
}

// TestDamagedKeysAreNotRepaired asserts that a change does not hide that a character is missing or
// was added.
func TestDamagedKeysAreNotRepaired(t *testing.T) {
	for _, key := range []struct {
		text string
		alg  jose.SignatureAlgorithm
		want publicKey
	}{
		{testkit.PKCS8(plusSeed), jose.EdDSA, publicKey{plusSeed.Public()}},
		{testkit.PKCS8(fixedEC), jose.ES256, publicKey{&fixedEC.PublicKey}},
		{block("PRIVATE KEY", ecDER(p256OID, sec1DER(one, scalar, nil))), jose.ES256, publicKey{&fixedEC.PublicKey}},
	} {
		first, last := strings.Index(key.text, "\n")+1, strings.LastIndex(key.text, "\n-----END")
		for i := first; i < last; i++ {
			for _, damaged := range []string{
				key.text[:i] + key.text[i+1:], key.text[:i] + "*" + key.text[i+1:],
				key.text[:i] + "n" + key.text[i:], key.text[:i] + " " + key.text[i:],
			} {
				for j, tt := range changes {
					if !sampled(i, j, 13) {
						continue
					}
					if got, err := keys.Verifier(tt.change(damaged), key.alg); err == nil && !key.want.Equal(got) {
						t.Errorf("%s, damaged at %d: another key", tt.name, i)
					}
				}
			}
		}
	}
}

// Two changes can make up for each other. These texts parse as keys, which are not the ones that they were.
func TestTextsThatWouldBeOtherKeys(t *testing.T) {
	for name, text := range map[string]string{
		"a character lost, and newlines that became n, in a key with its public key": "-----BEGIN PRIVATE KEY-----nMFECAQEwBQYDK2VwBCIEIFrDB5FawwRWsMHkVrDB5FawweRWsMHkVrDB5FawweRngSEA/27zl4FDRNVI+QiOGEINogQTsmFLG3o26RZISrGBHqY=n-----END PRIVATE KEY-----n",
		"a character lost, and a space":                                              "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIFrDB5FawwRWsMHkVrD B5FawweRWsMHkVrDB5FawweR\n-----END PRIVATE KEY-----\n",
		"lines of 32 characters, the last of which ends in n":                        "-----BEGIN PRIVATE KEY-----nMC4CAQAwBQYDK2VwBCIEIFrDB5FawweRnWsMHkVrDB5FawweRWsMHkVrDB5Fawwcnn-----END PRIVATE KEY-----n",
	} {
		if _, err := keys.PEM(text, jose.EdDSA); err == nil || strings.Contains(err.Error(), "Fraw") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Ed25519 keys in PKCS#8 whose length or version could pass for that of a key with a public key in it
// (RFC 5958): other attributes, and version 2 without a public key.
func TestEd25519KeysInUnusualPKCS8(t *testing.T) {
	seed := der(octets, der(octets, bytes.Repeat([]byte{0x81}, 32)))
	algorithm := der(sequence, der(oid, []byte{0x2b, 0x65, 0x70}))
	for name, key := range map[string][]byte{
		"attributes":                     der(sequence, der(integer, []byte{0}), algorithm, seed, der(0xa0, make([]byte, 90))),
		"version 2 without a public key": der(sequence, der(integer, []byte{1}), algorithm, seed),
	} {
		if _, err := keys.PEM(block("PRIVATE KEY", key), jose.EdDSA); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTextsThatAreTooLong(t *testing.T) {
	long := "-----BEGIN PRIVATE KEY-----" + strings.Repeat("n", 1<<20) + "-----END PRIVATE KEY-----"
	if _, err := keys.PEM(long, jose.EdDSA); err == nil || !strings.Contains(err.Error(), "the text has 1048628 bytes, and a key has at most 65536; pass the key alone") {
		t.Errorf("a key: got %v", err)
	}
	if _, err := keys.Secret(long, jose.HS256); err == nil || !strings.Contains(err.Error(), "the secret has 1048628 bytes, and a secret has at most 65536; check where it comes from") {
		t.Errorf("a secret: got %v", err)
	}
}
