package keys

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math/big"
	"regexp"
)

// opensshMagic is the beginning of a private key in OpenSSH's format (OpenSSH's PROTOCOL.key).
const opensshMagic = "openssh-key-v1\x00"

// otherSSH describes an SSH key of a kind that signs no tokens.
type otherSSH string

// sshKinds maps the names of other kinds of SSH keys to their descriptions.
var sshKinds = map[string]otherSSH{
	"ssh-rsa":                            "an RSA key",
	"ssh-dss":                            "a DSA key",
	"ecdsa-sha2-nistp384":                "an ECDSA key on the curve P-384",
	"ecdsa-sha2-nistp521":                "an ECDSA key on the curve P-521",
	"sk-ssh-ed25519@openssh.com":         "a FIDO key, which cannot leave its security key",
	"sk-ecdsa-sha2-nistp256@openssh.com": "a FIDO key, which cannot leave its security key",
}

// wire reads SSH's data types (RFC 4251, section 5).
type wire struct {
	rest  []byte
	short uint32 // bytes that are missing; 0: none
}

func (w *wire) take(n uint32) []byte {
	if have := len(w.rest); uint64(n) > uint64(have) {
		if w.short == 0 {
			w.short = n - uint32(have)
		}
		w.rest = nil
		return nil
	}
	field := w.rest[:n]
	w.rest = w.rest[n:]
	return field
}

func (w *wire) number() uint32 {
	if field := w.take(4); field != nil {
		return binary.BigEndian.Uint32(field)
	}
	return 0
}

func (w *wire) text() []byte {
	n := w.number()
	if w.short > 0 {
		return nil
	}
	return w.take(n)
}

// parseOpenSSH returns the private key in OpenSSH's format, which begins with [opensshMagic].
func parseOpenSSH(data []byte) (any, error) {
	outer := wire{rest: data[len(opensshMagic):]}
	cipher, _, _ := outer.text(), outer.text(), outer.text() // and the key derivation, which is for ciphers
	count, publicBlob, section := outer.number(), outer.text(), outer.text()
	switch {
	case outer.short > 0:
		return nil, missingBytes(int(min(outer.short, 1<<20))) // an int may have 32 bits
	case string(cipher) != "none":
		return nil, damage{ofKind, `the key is encrypted; remove its passphrase from a copy of the file (ssh-keygen -p -N "" -f FILE)`}
	}
	public, publicErr := parseSSHPublic(publicBlob)
	inner := wire{rest: section}
	check1, check2, kind := inner.number(), inner.number(), string(inner.text())
	if other, ok := public.(otherSSH); ok && kind != "" {
		return other, nil
	}
	private, privateErr := inner.private(kind)
	inner.text() // the comment
	for i, b := range inner.rest {
		if int(b) != i+1 {
			inner.short = 1
		}
	}
	if err := errors.Join(publicErr, privateErr); err != nil || inner.short > 0 || count != 1 || len(outer.rest) > 0 ||
		check1 != check2 || !same(private, public) {
		return nil, damage{notDER, "the key is damaged: the parts of its OpenSSH format contradict each other; " + whole}
	}
	return private, nil
}

var errSSH = errors.New("not an SSH key")

// private reads a private key, whose kind has been read.
func (w *wire) private(kind string) (any, error) {
	if kind == "ssh-ed25519" {
		public, private := w.text(), w.text()
		if len(private) != ed25519.PrivateKeySize || !bytes.Equal(private[ed25519.SeedSize:], public) {
			return nil, errSSH
		}
		return ed25519.NewKeyFromSeed(private[:ed25519.SeedSize]), nil
	}
	_, public, scalar := w.text(), w.text(), new(big.Int).SetBytes(w.text())
	if kind != "ecdsa-sha2-nistp256" || scalar.BitLen() > 256 {
		return nil, errSSH
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar.FillBytes(make([]byte, 32)))
	if err != nil {
		return nil, err
	}
	if point, err := key.PublicKey.Bytes(); err != nil || !bytes.Equal(point, public) {
		return nil, errSSH
	}
	return key, nil
}

// parseSSHPublic returns a public key in SSH's format (RFC 4253, section 6.6).
func parseSSHPublic(blob []byte) (any, error) {
	w := wire{rest: blob}
	kind := string(w.text())
	switch kind {
	case "ssh-ed25519":
		if key := w.text(); len(key) == ed25519.PublicKeySize {
			return ed25519.PublicKey(key), nil
		}
	case "ecdsa-sha2-nistp256":
		w.text() // the curve
		return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), w.text())
	}
	if other, ok := sshKinds[kind]; ok {
		return other, nil
	}
	return nil, errSSH
}

// sshLine matches a line of a .pub file or of authorized_keys.
var sshLine = regexp.MustCompile(`^(?:ssh-|ecdsa-sha2-|sk-)[\w@.-]+\s+([\w+/]+)`)

// parseSSHLine returns the public key in a line of a .pub file, and whether the text is such a line. The
// key is nil if the line is damaged.
func parseSSHLine(text string) (key any, ok bool) {
	match := sshLine.FindStringSubmatch(text)
	if match == nil {
		return nil, false
	}
	blob, err := base64.RawStdEncoding.DecodeString(match[1])
	if err == nil {
		key, err = parseSSHPublic(blob)
	}
	if err != nil {
		return nil, true
	}
	return key, true
}
