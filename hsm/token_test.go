package hsm_test

import (
	"crypto"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/pkcs11"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/hsm"
)

// Error codes of PKCS#11, as in its specification.
const (
	pinIncorrect = pkcs11.Error(0xA0)
	sensitive    = pkcs11.Error(0x11)
)

func TestManyLoginsWithTwoKeysOfAToken(t *testing.T) {
	newToken(t)
	newKey(t, "EC:edwards25519", "mintlify", "01")
	newKey(t, "EC:prime256v1", "personalization", "02")
	token := open(t, softHSM)
	apps := map[string]*app{
		"EdDSA": newApp(t, mintlify, signerOf(t, token, "mintlify")),
		"ES256": newApp(t, personalization, signerOf(t, token, "personalization")),
	}
	keys := map[string]crypto.PublicKey{"EdDSA": publicKey(t, "mintlify"), "ES256": publicKey(t, "personalization")}
	var crowd sync.WaitGroup
	for alg, a := range apps {
		for range 8 {
			crowd.Go(func() {
				for range 25 {
					jwt, err := a.visit(t.Context(), "")
					if err == nil {
						err = check(jwt, alg, keys[alg])
					}
					if err != nil {
						t.Errorf("%s: %v", alg, err)
						return
					}
				}
			})
		}
	}
	crowd.Wait()
	if n := sessions(t); n > 2+2*16 { // the login's, that of the func sessions, and idle ones
		t.Errorf("%d sessions are open", n)
	}
}

// sessions returns the number of the module's open sessions. SoftHSM does not return it, but its
// handles are consecutive numbers.
func sessions(t *testing.T) (n int) {
	t.Helper()
	module := pkcs11.New(softHSM)
	if module == nil {
		t.Fatal("no module")
	}
	for handle := sessionOf(t, module); handle > 0; handle-- {
		if _, err := module.GetSessionInfo(handle); err == nil {
			n++
		}
	}
	return n
}

// inside works on the token with PKCS#11 itself, while no Token uses the module.
func inside(t *testing.T, work func(*pkcs11.Ctx, pkcs11.SessionHandle)) {
	t.Helper()
	module := pkcs11.New(softHSM)
	if module == nil {
		t.Fatal("no module")
	}
	if err := module.Initialize(); err != nil {
		t.Fatal(err)
	}
	defer module.Finalize()
	session := sessionOf(t, module)
	if err := module.Login(session, pkcs11.CKU_USER, pin); err != nil {
		t.Fatal(err)
	}
	work(module, session)
}

func sessionOf(t *testing.T, module *pkcs11.Ctx) pkcs11.SessionHandle {
	t.Helper()
	slots, err := module.GetSlotList(true)
	if err != nil {
		t.Fatal(err)
	}
	session, err := module.OpenSession(slots[0], pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// logout ends the login of all sessions of the module that the test's Token uses, as another
// library may do. The sessions then do not find their private keys.
func logout(t *testing.T) {
	t.Helper()
	module := pkcs11.New(softHSM)
	if module == nil {
		t.Fatal("no module")
	}
	session := sessionOf(t, module)
	if err := module.Logout(session); err != nil {
		t.Fatal(err)
	}
	if err := module.CloseSession(session); err != nil {
		t.Fatal(err)
	}
}

var shell = regexp.MustCompile("(?s)```sh\n(.*?)```")

// The commands in the README make keys that sign and cannot leave the token. Its code is part of an
// example.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	newStore(t)
	run(t, "bash", "-euc", shell.FindStringSubmatch(string(readme))[1])

	inside(t, func(module *pkcs11.Ctx, session pkcs11.SessionHandle) {
		if err := module.FindObjectsInit(session, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY)}); err != nil {
			t.Fatal(err)
		}
		keys, _, err := module.FindObjects(session, 10)
		if err != nil || len(keys) != 2 {
			t.Fatal(keys, err)
		}
		for _, key := range keys {
			for what, row := range map[string]struct {
				attribute uint
				want      byte
			}{
				"CKA_SENSITIVE":         {0x103, 1},
				"CKA_ALWAYS_SENSITIVE":  {0x165, 1},
				"CKA_EXTRACTABLE":       {0x162, 0},
				"CKA_NEVER_EXTRACTABLE": {0x164, 1},
				"CKA_LOCAL":             {0x163, 1}, // made inside
			} {
				got, err := module.GetAttributeValue(session, key, []*pkcs11.Attribute{pkcs11.NewAttribute(row.attribute, nil)})
				if err != nil || len(got[0].Value) != 1 || got[0].Value[0] != row.want {
					t.Errorf("%s of key %d: %v %v", what, key, got, err)
				}
			}
			if _, err := module.GetAttributeValue(session, key, []*pkcs11.Attribute{pkcs11.NewAttribute(0x11, nil)}); !errors.Is(err, sensitive) { // CKA_VALUE
				t.Errorf("the value of key %d: %v", key, err)
			}
		}
	})

	token := open(t, softHSM)
	newApp(t, mintlify, signerOf(t, token, "mintlify")).loggedIn(t, "EdDSA", publicKey(t, "mintlify"))
	newApp(t, personalization, signerOf(t, token, "personalization")).loggedIn(t, "ES256", publicKey(t, "personalization"))

	examples, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	dense := func(code string) string { return strings.Join(strings.Fields(code), " ") }
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(blocks) != 2 {
		t.Errorf("%d snippets", len(blocks))
	}
	for _, block := range blocks {
		if !strings.Contains(dense(string(examples)), dense(block[1])) {
			t.Errorf("not in an example:\n%s", block[1])
		}
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	newToken(t)
	other := filepath.Join(t.TempDir(), "other.so")
	if err := os.WriteFile(other, []byte("no library"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, module, label, pin string
		opts                     []hsm.Option
		want                     string
	}{
		{"no such file", "/usr/lib/softhsm/libsofthsm3.so", "docs", pin, nil, "opening the token: the module cannot be loaded; check its path"},
		{"a file that is not a library", other, "docs", pin, nil, "the module cannot be loaded"},
		{"no token with the label", softHSM, "doc", pin, nil, `opening the token: 0 tokens have the given label, not one; the labels of all tokens of the module: ["docs"]`},
		{"the PIN as the label", softHSM, pin, "docs", nil, "0 tokens have the given label"},
		{"the PIN as the module", pin, "docs", softHSM, nil, "the module cannot be loaded"},
		{"no PIN", softHSM, "docs", "", nil, "the PIN is empty or has white space around it"},
		{"a PIN from a file, with its newline", softHSM, "docs", pin + "\n", nil, "the PIN is empty or has white space around it"},
		{"another PIN", softHSM, "docs", pin + pin, nil, "opening the token: the token rejects the PIN and is not tried again, since tokens lock themselves after a few wrong PINs; check the user's PIN: pkcs11: 0xA0: CKR_PIN_INCORRECT"},
		{"no timeout", softHSM, "docs", pin, []hsm.Option{hsm.WithTimeout(0)}, "WithTimeout is 0s; set more than 0"},
		{"a nil option", softHSM, "docs", pin, []hsm.Option{nil}, "docslogin/hsm: an option is nil; leave it out"},
		{"a timeout that is too short", softHSM, "docs", pin, []hsm.Option{hsm.WithTimeout(1)}, "opening the token: given up before the call: context deadline exceeded: there was no answer within 1ns (WithTimeout)"},
	} {
		token, err := hsm.Open(row.module, row.label, row.pin, row.opts...)
		if token != nil || err == nil || !strings.HasPrefix(err.Error(), "docslogin/hsm: ") || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), pin) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	if _, err := hsm.Open(softHSM, "docs", pin+pin); !errors.Is(err, pinIncorrect) {
		t.Error(err)
	}

	token := open(t, softHSM) // works after all these errors
	if _, err := hsm.Open(softHSM, "docs", pin); err == nil || !strings.Contains(err.Error(), "this process uses the module already; take all keys from one Token") {
		t.Errorf("a second time: %v", err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(verb, token); strings.Contains(text, pin) {
			t.Errorf("%s shows the PIN: %s", verb, text)
		}
	}

	run(t, "softhsm2-util", "--init-token", "--free", "--label", "docs", "--so-pin", soPIN, "--pin", pin)
	if err := token.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := hsm.Open(softHSM, "docs", pin); err == nil || !strings.Contains(err.Error(), `2 tokens have the given label, not one; the labels of all tokens of the module: ["docs" "docs"]`) {
		t.Errorf("two tokens with the label: %v", err)
	}
	t.Setenv("SOFTHSM2_CONF", other+".conf")
	if _, err := hsm.Open(softHSM, "docs", pin); err == nil || !strings.Contains(err.Error(), "check its own configuration (for SoftHSM, SOFTHSM2_CONF)") {
		t.Errorf("a module without its configuration: %v", err)
	}
}

func TestTokenSignerSaysWhatIsWrong(t *testing.T) {
	newToken(t)
	newKey(t, "EC:edwards25519", "mintlify", "01")
	newKey(t, "rsa:1024", "rsa", "02")
	newKey(t, "EC:secp384r1", "p384", "03")
	newKey(t, "EC:prime256v1", "twin", "04")
	newKey(t, "EC:prime256v1", "twin", "05")
	newKey(t, "EC:prime256v1", "half", "06")
	tool(t, "--delete-object", "--type", "pubkey", "--id", "06")
	inside(t, func(module *pkcs11.Ctx, session pkcs11.SessionHandle) {
		generate(t, module, session, "verifier", false)
	})
	token := open(t, softHSM)
	for _, row := range []struct{ name, label, want string }{
		{"no key with the label", "mint", `the key "mint": the token has 0 private keys with the given label, not one; pkcs11-tool --login --list-objects shows the labels`},
		{"an RSA key", "rsa", `the key "rsa": the key is of another type; make a P-256 key (ES256) or an Ed25519 key (EdDSA) with pkcs11-tool --keypairgen`},
		{"a P-384 key", "p384", `the key "p384": the key is on another curve; make a P-256 key (ES256) or an Ed25519 key (EdDSA)`},
		{"two keys with the label", "twin", "the token has 2 private keys with the given label, not one"},
		{"a private key without its public half", "half", "the token has 0 public keys with the private key's CKA_ID, not one; write the public half to the token"},
	} {
		signer, err := token.Signer(row.label)
		if signer != nil || err == nil || !strings.HasPrefix(err.Error(), "docslogin/hsm: ") || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), pin) {
			t.Errorf("%s: %v", row.name, err)
		}
	}

	platform := personalization
	platform.Key = docslogin.SignWith(signerOf(t, token, "mintlify"))
	if _, err := docslogin.New(lookup, platform); err == nil || !strings.Contains(err.Error(), "offers [EdDSA] (Algs), but ES256 is needed") {
		t.Errorf("a key for another algorithm: %v", err)
	}
	platform = mintlify
	platform.Key = docslogin.SignWith(signerOf(t, token, "verifier"))
	for range 20 {
		if _, err := docslogin.New(lookup, platform); err == nil || !strings.Contains(err.Error(), "the token does not sign with the key: pkcs11: 0x68: CKR_KEY_FUNCTION_NOT_PERMITTED") {
			t.Errorf("a key that may not sign: %v", err)
		}
	}
	if n := sessions(t); n > 10 {
		t.Errorf("%d sessions are open", n)
	}

	if err := token.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := token.Signer("mintlify"); err == nil || !strings.Contains(err.Error(), "it was closed (Token.Close)") {
		t.Errorf("after Close: %v", err)
	}
}

// generate makes an Ed25519 key pair whose curve is an object identifier (RFC 8410); pkcs11-tool
// writes the curve's name. Its halves have only the label in common.
func generate(t *testing.T, module *pkcs11.Ctx, session pkcs11.SessionHandle, label string, signs bool) {
	t.Helper()
	both := []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_LABEL, label)}
	_, _, err := module.GenerateKeyPair(session, []*pkcs11.Mechanism{pkcs11.NewMechanism(0x1055, nil)}, // CKM_EC_EDWARDS_KEY_PAIR_GEN
		append(both[:2:2], pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, []byte{0x06, 0x03, 0x2b, 0x65, 0x70})),
		append(both[:2:2], pkcs11.NewAttribute(pkcs11.CKA_SIGN, signs)))
	if err != nil {
		t.Fatal(err)
	}
}

// replacePoint replaces the public half of the P-256 key 01 with one that has the given point.
func replacePoint(t *testing.T, point []byte) {
	t.Helper()
	tool(t, "--delete-object", "--type", "pubkey", "--id", "01")
	inside(t, func(module *pkcs11.Ctx, session pkcs11.SessionHandle) {
		_, err := module.CreateObject(session, []*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PUBLIC_KEY), pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_EC),
			pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, []byte{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}),
			pkcs11.NewAttribute(pkcs11.CKA_EC_POINT, point),
			pkcs11.NewAttribute(pkcs11.CKA_ID, []byte{1}), pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true),
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// Tokens keep a key's curve and point in several forms.
func TestPublicKeysInTheirForms(t *testing.T) {
	newToken(t)
	newKey(t, "EC:prime256v1", "personalization", "01")
	inside(t, func(module *pkcs11.Ctx, session pkcs11.SessionHandle) {
		generate(t, module, session, "oid", true)
		generate(t, module, session, "another", true)
	})
	token := open(t, softHSM)
	signer := signerOf(t, token, "oid")
	newApp(t, mintlify, signer).loggedIn(t, "EdDSA", signer.Public().Key)
	if err := token.Close(); err != nil {
		t.Fatal(err)
	}

	public := publicKey(t, "personalization").(*ecdsa.PublicKey)
	point, err := public.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	other, err := p256.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name  string
		point []byte
		want  string
	}{
		{"bare", point, ""},
		{"in an OCTET STRING", append([]byte{0x04, 65}, point...), ""},
		{"in an OCTET STRING with a byte after it", append(append([]byte{0x04, 65}, point...), 0), "the public key cannot be read from the token"},
		{"too short", point[:64], "the public key cannot be read from the token"},
		{"not on the curve", append([]byte{0x04}, make([]byte, 64)...), "the public key cannot be read from the token"},
		{"of another key", other, "the trial signature does not verify with the signer's public key"},
	} {
		replacePoint(t, row.point)
		token := open(t, softHSM)
		signer, err := token.Signer("personalization")
		if err == nil && row.want == "" {
			newApp(t, personalization, signer).loggedIn(t, "ES256", public)
		} else if err == nil {
			platform := personalization
			platform.Key = docslogin.SignWith(signer)
			_, err = docslogin.New(lookup, platform)
		}
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", row.name, err)
		}
		if err := token.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNobodyNoticesATokenThatLoggedEverybodyOut(t *testing.T) {
	newToken(t)
	newKey(t, "EC:edwards25519", "mintlify", "01")
	a := newApp(t, mintlify, signerOf(t, open(t, softHSM), "mintlify"))
	key := publicKey(t, "mintlify")
	visits := func() {
		var crowd sync.WaitGroup
		for range 16 {
			crowd.Go(func() {
				jwt, err := a.visit(t.Context(), "")
				if err == nil {
					err = check(jwt, "EdDSA", key)
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		crowd.Wait()
	}
	visits()
	logout(t)
	visits()
}

func TestAModuleThatOtherCodeStopped(t *testing.T) {
	newToken(t)
	newKey(t, "EC:edwards25519", "mintlify", "01")
	token := open(t, softHSM)
	signer := signerOf(t, token, "mintlify")
	a := newApp(t, mintlify, signer)
	module := pkcs11.New(softHSM)
	if module == nil {
		t.Fatal("no module")
	}
	if err := module.Finalize(); err != nil {
		t.Fatal(err)
	}
	a.loggedIn(t, "EdDSA", signer.Public().Key)
	if err := module.Finalize(); err != nil {
		t.Fatal(err)
	}
	if err := token.Close(); err != nil {
		t.Error(err)
	}
}

// A PIN that was rejected is not tried again, even if it is right by then. A Token that is opened
// with the right PIN replaces the first one.
func TestAPINThatChanged(t *testing.T) {
	newToken(t)
	newKey(t, "EC:edwards25519", "mintlify", "01")
	token := open(t, softHSM)
	a := newApp(t, mintlify, signerOf(t, token, "mintlify"))
	a.loggedIn(t, "EdDSA", publicKey(t, "mintlify"))

	tool(t, "--change-pin", "--new-pin", pin+pin)
	logout(t)
	var cause error
	await(t, "a PIN that is rejected", func() bool {
		cause = a.fails(t, "")
		return errors.Is(cause, pinIncorrect)
	})
	t.Setenv("HSM_PIN", pin+pin)
	tool(t, "--change-pin", "--new-pin", pin)
	t.Setenv("HSM_PIN", pin)
	for start := time.Now(); time.Since(start) < 1500*time.Millisecond; { // longer than the time between two attempts
		cause = a.fails(t, "")
	}
	if !strings.Contains(cause.Error(), "is not tried again") {
		t.Error(cause)
	}

	if err := token.Close(); err != nil {
		t.Fatal(err)
	}
	if err := a.SetKey(docslogin.SignWith(signerOf(t, open(t, softHSM), "mintlify"))); err != nil {
		t.Fatal(err)
	}
	a.loggedIn(t, "EdDSA", publicKey(t, "mintlify"))
}

func TestAnotherKeyWithTheLabel(t *testing.T) {
	newToken(t)
	newKey(t, "EC:prime256v1", "personalization", "01")
	token := open(t, softHSM)
	a := newApp(t, personalization, signerOf(t, token, "personalization"))
	a.loggedIn(t, "ES256", publicKey(t, "personalization"))

	tool(t, "--delete-object", "--type", "privkey", "--id", "01")
	tool(t, "--delete-object", "--type", "pubkey", "--id", "01")
	newKey(t, "EC:prime256v1", "personalization", "02")
	logout(t)
	await(t, "a key that is not used", func() bool {
		return strings.Contains(a.fails(t, "").Error(), "the token now has another key with the label; pass that key to docslogin's SetKey (Token.Signer)")
	})
	if err := a.SetKey(docslogin.SignWith(signerOf(t, token, "personalization"))); err != nil {
		t.Fatal(err)
	}
	a.loggedIn(t, "ES256", publicKey(t, "personalization"))
}
