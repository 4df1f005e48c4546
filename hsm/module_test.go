package hsm_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/pkcs11"

	"github.com/docslogin/docslogin/hsm"
)

const deviceError = "30" // CKR_DEVICE_ERROR

// module is testdata/module.c with a new token.
type module struct{ dir, path string }

func newModule(t *testing.T) module {
	t.Helper()
	newToken(t)
	dir := t.TempDir()
	m := module{dir, filepath.Join(dir, "module.so")}
	run(t, "gcc", "-std=gnu11", "-shared", "-fPIC", "-DDIR=\""+dir+"\"", "-DSOFTHSM=\""+softHSM+"\"", "-o", m.path, "testdata/module.c", "-ldl")
	return m
}

// answer makes a call return a code. Without a code, the next such call waits.
func (m module) answer(t *testing.T, call, code string) {
	t.Helper()
	file := filepath.Join(m.dir, "new")
	if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file, filepath.Join(m.dir, call)); err != nil { // in one step
		t.Fatal(err)
	}
}

// restore undoes answer.
func (m module) restore(t *testing.T, call string) {
	t.Helper()
	if err := os.Remove(filepath.Join(m.dir, call)); err != nil {
		t.Fatal(err)
	}
}

// hold calls work in a goroutine and makes its signature wait.
func (m module) hold(t *testing.T, work func()) {
	t.Helper()
	m.answer(t, "C_Sign", "")
	go work()
	await(t, "a signature that waits", func() bool {
		_, err := os.Stat(filepath.Join(m.dir, "C_Sign"))
		return os.IsNotExist(err)
	})
}

// calls returns how often a function of the module was called.
func (m module) calls(t *testing.T, call string) int {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(m.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(log), call+"\n")
}

// loaded reports whether the module is in the process.
func (m module) loaded(t *testing.T) bool {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(maps), m.path)
}

func TestAModuleThatDoesNotStop(t *testing.T) {
	for _, row := range []struct {
		name  string
		fails []string
	}{
		{"but ends its sessions", []string{"C_Finalize"}},
		{"nor ends its sessions", []string{"C_Finalize", "C_CloseAllSessions"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := newModule(t)
			newKey(t, "EC:edwards25519", "mintlify", "01")
			token := open(t, m.path)
			a := newApp(t, mintlify, signerOf(t, token, "mintlify"))
			key := publicKey(t, "mintlify")
			a.loggedIn(t, "EdDSA", key)

			for _, call := range row.fails {
				m.answer(t, call, deviceError)
			}
			m.answer(t, "C_Sign", deviceError)
			var code pkcs11.Error
			if cause := a.fails(t, ""); !errors.As(cause, &code) || code != 0x30 || strings.Contains(cause.Error(), "again") {
				t.Errorf("the cause is %v", cause)
			}
			if n := m.calls(t, "C_Login"); n != 2 {
				t.Errorf("%d logins", n)
			}
			m.restore(t, "C_Sign")
			a.loggedIn(t, "EdDSA", key)
			if n := sessions(t); len(row.fails) == 1 && n != 3 { // the login's, the key's, and that of the func sessions
				t.Errorf("%d sessions are open", n)
			}

			if !m.loaded(t) {
				t.Error("the module is not loaded")
			}
			if err := token.Close(); !errors.As(err, &code) || code != 0x30 || !strings.Contains(err.Error(), "docslogin/hsm: closing the token: the module does not stop: ") || !strings.HasSuffix(err.Error(), "; call Close again") {
				t.Errorf("closing: %v", err)
			}
			m.restore(t, "C_Finalize")
			for range 2 {
				if err := token.Close(); err != nil {
					t.Errorf("closing again: %v", err)
				}
			}
			if m.loaded(t) {
				t.Error("the module is still loaded")
			}
		})
	}
}

// Then nobody has a Token to close.
func TestAModuleThatNeitherOpensNorStops(t *testing.T) {
	m := newModule(t)
	m.answer(t, "C_Login", deviceError)
	m.answer(t, "C_Finalize", deviceError)
	if _, err := hsm.Open(m.path, "docs", pin); err == nil || !strings.Contains(err.Error(), "the token rejects the login: pkcs11: 0x30: CKR_DEVICE_ERROR; the module does not stop: pkcs11: 0x30") {
		t.Errorf("opening: %v", err)
	}
	await(t, "another attempt to stop it", func() bool { return m.calls(t, "C_Finalize") >= 2 })
	m.restore(t, "C_Login")
	m.restore(t, "C_Finalize")
	var token *hsm.Token
	await(t, "a token", func() (ok bool) {
		var err error
		token, err = hsm.Open(m.path, "docs", pin)
		return err == nil
	})
	if err := token.Close(); err != nil {
		t.Error(err)
	}
	await(t, "the module's end", func() bool { return !m.loaded(t) })
}

// An error about one key leaves the token open for the others.
func TestErrorsOfOneKey(t *testing.T) {
	m := newModule(t)
	newKey(t, "EC:edwards25519", "mintlify", "01")
	newKey(t, "EC:prime256v1", "personalization", "02")
	token := open(t, m.path)
	good := newApp(t, mintlify, signerOf(t, token, "mintlify"))
	bad := newApp(t, personalization, signerOf(t, token, "personalization"))
	key := publicKey(t, "mintlify")
	good.loggedIn(t, "EdDSA", key)

	if _, err := token.Signer("personalisation"); err == nil || !strings.Contains(err.Error(), "0 private keys with the given label") {
		t.Errorf("a typo in the label: %v", err)
	}
	m.answer(t, "C_SignInit", "68") // CKR_KEY_FUNCTION_NOT_PERMITTED
	bad.fails(t, "")
	m.restore(t, "C_SignInit")

	// Several sessions know the key from before.
	done := make(chan error, 3)
	for range 3 {
		m.hold(t, func() {
			_, err := bad.visit(t.Context(), "")
			done <- err
		})
	}
	m.restore(t, "C_Sign.waits")
	for range 3 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	tool(t, "--delete-object", "--type", "privkey", "--id", "02")
	tool(t, "--delete-object", "--type", "pubkey", "--id", "02")
	newKey(t, "EC:prime256v1", "personalization", "03")
	for range 5 {
		if cause := bad.fails(t, ""); !strings.Contains(cause.Error(), "the token now has another key with the label") {
			t.Errorf("another key with the label: %v", cause)
		}
	}

	if n, logins := m.calls(t, "C_Initialize"), m.calls(t, "C_Login"); n != 1 || logins != 1 {
		t.Errorf("the token was opened %d times, with %d logins", n, logins)
	}
	good.loggedIn(t, "EdDSA", key)
	m.answer(t, "C_SignInit", deviceError)
	good.fails(t, "")
	if n := m.calls(t, "C_Initialize"); n != 2 {
		t.Errorf("after an error of the device, the token was opened %d times", n)
	}
}

// While a call does not return, the token is not opened again, but it still signs.
func TestACallThatHangsWhileAnotherFails(t *testing.T) {
	m := newModule(t)
	newKey(t, "EC:edwards25519", "mintlify", "01")
	token := open(t, m.path, hsm.WithTimeout(4*time.Second))
	a := newApp(t, mintlify, signerOf(t, token, "mintlify"))
	key := publicKey(t, "mintlify")

	done := make(chan struct{})
	m.hold(t, func() {
		_, _ = a.visit(t.Context(), "") // may be given up
		close(done)
	})
	m.answer(t, "C_SignInit", deviceError)
	if cause := a.fails(t, ""); !strings.HasSuffix(cause.Error(), "CKR_DEVICE_ERROR; opening the token again: other calls to the token have not returned; restart the app if one never does") {
		t.Errorf("the cause is %v", cause)
	}
	m.restore(t, "C_SignInit")
	jwt, err := a.visit(t.Context(), "")
	if err == nil {
		err = check(jwt, "EdDSA", key)
	}
	if err != nil {
		t.Errorf("while a call hangs: %v", err)
	}

	m.restore(t, "C_Sign.waits")
	<-done
	await(t, "the end of the call", func() bool { return token.InFlight() == 0 })
	if n := m.calls(t, "C_Initialize"); n != 1 {
		t.Errorf("the token was opened %d times", n)
	}
	m.answer(t, "C_SignInit", deviceError)
	a.fails(t, "")
	if n := m.calls(t, "C_Initialize"); n != 2 {
		t.Errorf("afterwards, the token was opened %d times", n)
	}
}
