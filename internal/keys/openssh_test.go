package keys_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin/internal/keys"
	"github.com/docslogin/docslogin/internal/testkit"
)

// Keys that ssh-keygen of OpenSSH made for these tests, with their .pub files.
const (
	sshEd25519     = testkit.OpenSSH
	sshEd25519Line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOsUqBQ+2dcDIFrpB8w+RsANJ0jMXHgObK9YVG624UB8 ada@example"
	sshP256        = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAaAAAABNlY2RzYS
1zaGEyLW5pc3RwMjU2AAAACG5pc3RwMjU2AAAAQQSAVHChpgyR+v5wFZ0PMoTcYWX6jxCZ
4j3uEMlJjr7UVsYVxrkcdw/TQdSNWAk1YWUL92dkOPwJzukkyJltw8WFAAAAqLG3o2Kxt6
NiAAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBIBUcKGmDJH6/nAV
nQ8yhNxhZfqPEJniPe4QyUmOvtRWxhXGuRx3D9NB1I1YCTVhZQv3Z2Q4/AnO6STImW3DxY
UAAAAgT22Oi0BYbwm/72WvnVfSSwAwyrgTabEXznE1B8LbrGsAAAALYWRhQGV4YW1wbGUB
AgMEBQ==
-----END OPENSSH PRIVATE KEY-----
`
	sshP256Line  = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBIBUcKGmDJH6/nAVnQ8yhNxhZfqPEJniPe4QyUmOvtRWxhXGuRx3D9NB1I1YCTVhZQv3Z2Q4/AnO6STImW3DxYU= ada@example"
	sshEncrypted = testkit.OpenSSHEncrypted
)

// field is a string of SSH's data types (RFC 4251, section 5).
func field(parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(content))), content...)
}

func number(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

// openssh is a private key in OpenSSH's format, to write keys that no tool would.
type openssh struct {
	cipher         string
	count          uint32
	public         []byte // the public key
	check1, check2 uint32
	private        []byte // kind and numbers
	padding        string
	rest           string
}

var (
	edPublic  = []byte(rfc8032.Public().(ed25519.PublicKey))
	edBlob    = bytes.Join([][]byte{field([]byte("ssh-ed25519")), field(edPublic)}, nil)
	edPrivate = bytes.Join([][]byte{field([]byte("ssh-ed25519")), field(edPublic), field(rfc8032)}, nil)
	goodSSH   = openssh{"none", 1, edBlob, 7, 7, edPrivate, "\x01\x02\x03", ""}
)

func (k openssh) bytes() []byte {
	none := field([]byte("none"))
	section := field(number(k.check1), number(k.check2), k.private, field([]byte("ada")), []byte(k.padding))
	return bytes.Join([][]byte{[]byte("openssh-key-v1\x00"), field([]byte(k.cipher)), none, field(), number(k.count), field(k.public), section, []byte(k.rest)}, nil)
}

// with returns the text of goodSSH with a change.
func with(change func(*openssh)) string {
	k := goodSSH
	change(&k)
	return block("OPENSSH PRIVATE KEY", k.bytes())
}

// of returns a key of another kind.
func of(kind string) string {
	blob := bytes.Join([][]byte{field([]byte(kind)), field([]byte("x")), field([]byte("y"))}, nil)
	return with(func(k *openssh) { k.public, k.private = blob, blob })
}

// ecKey returns a P-256 key with these numbers.
func ecKey(point, scalar []byte) string {
	blob := bytes.Join([][]byte{field([]byte("ecdsa-sha2-nistp256")), field([]byte("nistp256")), field(point)}, nil)
	return with(func(k *openssh) { k.public, k.private = blob, append(bytes.Clone(blob), field(scalar)...) })
}

const contradicts = "the key is damaged: the parts of its OpenSSH format contradict each other; copy the whole file again"

// Public keys: the point of the P-256 key of these tests, and an Ed25519 key that no test has.
var (
	point    = must(fixedEC.PublicKey.Bytes())
	noPublic = append([]byte{edPublic[0] ^ 1}, edPublic[1:]...)
)

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// opensshKeys are keys in OpenSSH's format, each with a part of its error, if it has one.
var opensshKeys = []struct {
	name, text string
	alg        jose.SignatureAlgorithm
	want       string
}{
	{"Ed25519", sshEd25519, jose.EdDSA, ""},
	{"P-256", sshP256, jose.ES256, ""},
	{"Ed25519, made for this test", with(func(*openssh) {}), jose.EdDSA, ""},
	{"P-256, made for this test", ecKey(point, scalar), jose.ES256, ""},
	{"a scalar with a leading zero", ecKey(point, append([]byte{0}, scalar...)), jose.ES256, ""},
	{"the label of PKCS#8", strings.ReplaceAll(sshEd25519, "OPENSSH ", ""), jose.EdDSA, ""},
	{"without padding", with(func(k *openssh) { k.padding = "" }), jose.EdDSA, ""},

	{"encrypted", sshEncrypted, jose.EdDSA, `the key is encrypted; remove its passphrase from a copy of the file (ssh-keygen -p -N "" -f FILE)`},
	{"Ed25519 for ES256", sshEd25519, jose.ES256, "the key is an Ed25519 key; ES256 needs a P-256 key"},
	{"P-256 for EdDSA", sshP256, jose.EdDSA, "the key is an ECDSA key on the curve P-256; EdDSA needs an Ed25519 key"},
	{"RSA", of("ssh-rsa"), jose.EdDSA, "the key is an RSA key; EdDSA needs an Ed25519 key"},
	{"DSA", of("ssh-dss"), jose.EdDSA, "the key is a DSA key; EdDSA needs"},
	{"P-384", of("ecdsa-sha2-nistp384"), jose.ES256, "the key is an ECDSA key on the curve P-384; ES256 needs"},
	{"P-521", of("ecdsa-sha2-nistp521"), jose.ES256, "the key is an ECDSA key on the curve P-521; ES256 needs"},
	{"a security key", of("sk-ssh-ed25519@openssh.com"), jose.EdDSA, "the key is a FIDO key, which cannot leave its security key; EdDSA needs"},
	{"an unknown kind", of("ssh-new"), jose.EdDSA, contradicts},

	{"two keys", with(func(k *openssh) { k.count = 2 }), jose.EdDSA, contradicts},
	{"check numbers that differ", with(func(k *openssh) { k.check2 = 8 }), jose.EdDSA, contradicts},
	{"wrong padding", with(func(k *openssh) { k.padding = "\x01\x03" }), jose.EdDSA, contradicts},
	{"something after it", with(func(k *openssh) { k.rest = "x" }), jose.EdDSA, contradicts},
	{"another public key outside", with(func(k *openssh) { k.public = append(field([]byte("ssh-ed25519")), field(noPublic)...) }), jose.EdDSA, contradicts},
	{"another public key inside", with(func(k *openssh) { k.private = bytes.Replace(k.private, edPublic, noPublic, 1) }), jose.EdDSA, contradicts},
	{"another public key everywhere", with(func(k *openssh) {
		k.public, k.private = bytes.ReplaceAll(k.public, edPublic, noPublic), bytes.ReplaceAll(k.private, edPublic, noPublic)
	}), jose.EdDSA, contradicts},
	{"a public key of 31 bytes", with(func(k *openssh) { k.public = append(field([]byte("ssh-ed25519")), field(edPublic[:31])...) }), jose.EdDSA, contradicts},
	{"a private key of 63 bytes", with(func(k *openssh) {
		k.private = bytes.Join([][]byte{field([]byte("ssh-ed25519")), field(edPublic), field(rfc8032[:63])}, nil)
	}), jose.EdDSA, contradicts},
	{"no private key", with(func(k *openssh) { k.private = nil }), jose.EdDSA, contradicts},
	{"a point that is not on the curve", ecKey(append([]byte{4}, make([]byte, 64)...), scalar), jose.ES256, contradicts},
	{"another point", ecKey(point, unhex("01")), jose.ES256, contradicts},
	{"the scalar 0", ecKey(point, nil), jose.ES256, contradicts},
	{"a scalar of 33 bytes", ecKey(point, append([]byte{1}, scalar...)), jose.ES256, contradicts},

	{"nothing but the magic", block("OPENSSH PRIVATE KEY", []byte("openssh-key-v1\x00")), jose.EdDSA, "is cut off in the middle: 4 bytes are missing between its BEGIN and END lines"},
	{"without its last byte", block("OPENSSH PRIVATE KEY", bytes.TrimSuffix(goodSSH.bytes(), []byte{3})), jose.EdDSA, "is cut off in the middle: 1 byte is missing"},
	{"an impossible length", block("OPENSSH PRIVATE KEY", append([]byte("openssh-key-v1\x00"), 0xff, 0xff, 0xff, 0xff)), jose.EdDSA, "the lengths in it are impossible"},
	{"without its last line", strings.Join(append(strings.SplitAfter(sshEd25519, "\n")[:5], "-----END OPENSSH PRIVATE KEY-----"), ""), jose.EdDSA, "is cut off in the middle: 32 bytes are missing"},
	{"the body alone", base64.StdEncoding.EncodeToString(goodSSH.bytes()), jose.EdDSA, "looks like the body of a key in OpenSSH's format"},
}

func TestOpenSSH(t *testing.T) {
	for _, tt := range opensshKeys {
		t.Run(tt.name, func(t *testing.T) {
			_, err := keys.PEM(tt.text, tt.alg)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// The public key in a private key's file is the one in its .pub file.
func TestPublicKeysOfOpenSSH(t *testing.T) {
	for _, tt := range []struct {
		name, private, public string
		alg                   jose.SignatureAlgorithm
	}{
		{"Ed25519", sshEd25519, sshEd25519Line, jose.EdDSA},
		{"P-256", sshP256, sshP256Line, jose.ES256},
	} {
		want, err := keys.Verifier(tt.public, tt.alg)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := keys.Verifier(tt.private, tt.alg); err != nil || !(publicKey{want}).Equal(got) {
			t.Errorf("%s: the keys differ, or %v", tt.name, err)
		}
		if _, err := keys.PEM(tt.public, tt.alg); err == nil || !strings.Contains(err.Error(), "the text is an SSH public key; pass the private key") {
			t.Errorf("%s: signing with a public key: %v", tt.name, err)
		}
	}
	rsaLine := "ssh-rsa " + base64.StdEncoding.EncodeToString(append(field([]byte("ssh-rsa")), field([]byte{1, 0, 1})...))
	for text, want := range map[string]string{
		rsaLine:                "the key is an RSA key; EdDSA needs an Ed25519 key",
		sshEd25519Line[:60]:    "looks like an SSH public key, but it is damaged or cut off",
		"ssh-ed25519 AAA* ada": "looks like an SSH public key, but it is damaged or cut off",
	} {
		if _, err := keys.Verifier(text, jose.EdDSA); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	raw, _ := pem.Decode([]byte(sshEd25519))
	if _, err := keys.Verifier(string(raw.Bytes), jose.EdDSA); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("the bytes of a key: %v", err)
	}
}
