package hsm

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/miekg/pkcs11"
)

// From PKCS#11 v3.0, section 2.3; v2.40 does not have them.
const (
	keyTypeEdwards = 0x40   // CKK_EC_EDWARDS
	mechanismEdDSA = 0x1057 // CKM_EDDSA
)

// Curves as values of CKA_EC_PARAMS: object identifiers (RFC 5480, RFC 8410), and for Ed25519
// also the name of PKCS#11 v3.0.
var (
	p256        = []byte{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}
	ed25519OID  = []byte{0x06, 0x03, 0x2b, 0x65, 0x70}
	ed25519Name = []byte("\x13\x0cedwards25519")
)

// key is a key pair on a token.
type key struct {
	token     *Token
	label     string
	mechanism uint
	public    publicKey    // nil: not known yet
	idle      chan session // its capacity is the number of calls that may be in flight
}

type publicKey interface {
	crypto.PublicKey
	Equal(crypto.PublicKey) bool
}

// session serves one call at a time (PKCS#11 v2.40, section 2.6.7).
type session struct {
	conn    *conn
	handle  pkcs11.SessionHandle
	private pkcs11.ObjectHandle
}

func (k *key) Public() crypto.PublicKey { return k.public }

// Sign signs a digest for P-256, with the ASN.1 signature that crypto.Signer prescribes, or a
// message for Ed25519.
func (k *key) Sign(_ io.Reader, message []byte, _ crypto.SignerOpts) (signature []byte, err error) {
	err = k.use(func(s session) error {
		module := k.token.module
		if err := module.SignInit(s.handle, []*pkcs11.Mechanism{pkcs11.NewMechanism(k.mechanism, nil)}, s.private); err != nil {
			return fmt.Errorf("the token does not sign with the key: %w", err)
		}
		if signature, err = module.Sign(s.handle, message); err != nil {
			return fmt.Errorf("the token does not sign: %w", err)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case len(signature) != 64:
		return nil, fmt.Errorf("the token's signature has %d bytes and not 64", len(signature))
	case k.mechanism == pkcs11.CKM_ECDSA:
		r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		return asn1.Marshal(struct{ R, S *big.Int }{r, s})
	}
	return signature, nil
}

// use calls f with a session. If that fails, it calls f again with a new session, for which it
// opens a token that was lost.
func (k *key) use(f func(session) error) error {
	used, lost, err := k.try(f, false)
	if err == nil {
		return nil
	}
	if lost {
		if again := k.token.reopen(used); again != nil {
			return fmt.Errorf("%w; opening the token again: %w", err, again)
		}
	}
	_, _, err = k.try(f, !lost)
	return err
}

// try calls f once. With an error, it reports whether the token was lost, and not only this key.
func (k *key) try(f func(session) error, fresh bool) (_ *conn, lost bool, _ error) {
	t := k.token
	t.mu.RLock()
	defer t.mu.RUnlock()
	c := t.conn
	if c == nil {
		return nil, true, errors.New("the token is away")
	}
	s, err := k.session(c, fresh)
	if err != nil {
		return c, t.lost(c, err), err
	}
	if err := f(s); err != nil {
		_ = t.module.CloseSession(s.handle) // there is an error already
		return c, t.lost(c, err), err
	}
	k.idle <- s
	return c, false, nil
}

// session returns an idle session, or a new one if there is none or fresh is set.
func (k *key) session(c *conn, fresh bool) (session, error) {
	for !fresh {
		select {
		case s := <-k.idle:
			if s.conn == c {
				return s, nil
			} // a session ends with its conn
		default:
			fresh = true
		}
	}
	handle, err := k.token.openSession(c.slot)
	if err != nil {
		return session{}, err
	}
	private, err := k.find(handle)
	if err != nil {
		_ = k.token.module.CloseSession(handle) // there is an error already
		return session{}, err
	}
	return session{c, handle, private}, nil
}

// find returns the private key, after a check that it is the same as before.
func (k *key) find(handle pkcs11.SessionHandle) (pkcs11.ObjectHandle, error) {
	find := func(class uint, by ...*pkcs11.Attribute) ([]pkcs11.ObjectHandle, error) {
		module := k.token.module
		if err := module.FindObjectsInit(handle, append(by, pkcs11.NewAttribute(pkcs11.CKA_CLASS, class))); err != nil {
			return nil, fmt.Errorf("the token does not find keys: %w", err)
		}
		found, _, err := module.FindObjects(handle, 10)
		if err != nil {
			return nil, fmt.Errorf("the token does not find keys: %w", err)
		}
		return found, module.FindObjectsFinal(handle)
	}
	label := pkcs11.NewAttribute(pkcs11.CKA_LABEL, k.label)
	private, err := find(pkcs11.CKO_PRIVATE_KEY, label)
	if err != nil {
		return 0, err
	}
	if len(private) != 1 {
		return 0, fmt.Errorf("the token has %d private keys with the given label, not one; pkcs11-tool --login --list-objects shows the labels", len(private))
	}
	about, err := k.token.module.GetAttributeValue(handle, private[0], []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, nil), pkcs11.NewAttribute(pkcs11.CKA_ID, nil),
	})
	if err != nil {
		return 0, fmt.Errorf("the token does not return the key's type: %w", err)
	}
	keyType, id := about[0], about[1]
	var mechanism uint
	switch {
	case isType(keyType, pkcs11.CKK_EC):
		mechanism = pkcs11.CKM_ECDSA
	case isType(keyType, keyTypeEdwards):
		mechanism = mechanismEdDSA
	default:
		return 0, wrongKey("of another type")
	}
	if len(id.Value) == 0 {
		id = label
	}
	halves, err := find(pkcs11.CKO_PUBLIC_KEY, id, keyType)
	if err != nil {
		return 0, err
	}
	if len(halves) != 1 {
		return 0, fmt.Errorf("the token has %d public keys with the private key's CKA_ID, not one; write the public half to the token (pkcs11-tool --write-object --type pubkey --id …)", len(halves))
	}
	half, err := k.token.module.GetAttributeValue(handle, halves[0], []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, nil), pkcs11.NewAttribute(pkcs11.CKA_EC_POINT, nil),
	})
	if err != nil {
		return 0, fmt.Errorf("the token does not return the public key: %w", err)
	}
	public, err := parse(half[0].Value, half[1].Value)
	if err != nil {
		return 0, err
	}
	if k.public == nil {
		k.mechanism, k.public = mechanism, public
	} else if !k.public.Equal(public) {
		return 0, errors.New("the token now has another key with the label; pass that key to docslogin's SetKey (Token.Signer)")
	}
	return private[0], nil
}

func isType(a *pkcs11.Attribute, keyType uint) bool {
	return bytes.Equal(a.Value, pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, keyType).Value)
}

func wrongKey(what string) error {
	return fmt.Errorf("the key is %s; make a P-256 key (ES256) or an Ed25519 key (EdDSA) with pkcs11-tool --keypairgen --key-type EC:prime256v1 or EC:edwards25519", what)
}

// parse returns the public key of an object. Some tokens return the point as it is, others as an
// OCTET STRING.
func parse(params, point []byte) (publicKey, error) {
	var size int
	switch {
	case bytes.Equal(params, p256):
		size = 65
	case bytes.Equal(params, ed25519OID) || bytes.Equal(params, ed25519Name):
		size = ed25519.PublicKeySize
	default:
		return nil, wrongKey("on another curve")
	}
	if len(point) != size {
		var bare []byte
		if rest, err := asn1.Unmarshal(point, &bare); err != nil || len(rest) > 0 || len(bare) != size {
			return nil, errors.New("the public key cannot be read from the token")
		}
		point = bare
	}
	if size == ed25519.PublicKeySize {
		return ed25519.PublicKey(point), nil
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, fmt.Errorf("the public key cannot be read from the token: %w", err)
	}
	return public, nil
}
