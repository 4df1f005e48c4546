package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/docslogin/docslogin/recipes/internal/apptest"
	"github.com/go-jose/go-jose/v4"
)

func TestMain(m *testing.M) { apptest.Main(m) }

// keyPair is a private key as the docs' dashboard gives it, and what the docs verify with.
type keyPair struct {
	pem    string
	public ed25519.PublicKey
}

func newKeyPair() keyPair {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		panic(err)
	}
	return keyPair{string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), public}
}

// body is what of the PEM text nobody may see.
func (k keyPair) body() string { return strings.Split(k.pem, "\n")[1] }

// signed reports whether the token in a URL is Ada's, signed with the key.
func (k keyPair) signed(to *url.URL) error {
	token, err := jose.ParseSignedCompact(to.Fragment, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		return err
	}
	payload, err := token.Verify(k.public)
	if err != nil {
		return err
	}
	var claims struct{ Content struct{ Email string } }
	if err := json.Unmarshal(payload, &claims); err != nil {
		return err
	}
	if claims.Content.Email != "ada@example.com" {
		return errors.New("the token is not Ada's")
	}
	return nil
}

// mount is the folder in which a Kubernetes Secret is mounted.
type mount string

func (m mount) key() string { return filepath.Join(string(m), "key") }

// update does to the folder what the kubelet does when the Secret has changed: it writes all
// into a new folder, changes the link ..data over to that, and removes the old one.
func (m mount) update(t *testing.T, key string) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	data, temporary := filepath.Join(string(m), "..data"), filepath.Join(string(m), "..data_tmp")
	before, _ := os.Readlink(data) // none at first
	folder, err := os.MkdirTemp(string(m), "..2026_07_01_12_00_00.")
	check(err)
	check(os.WriteFile(filepath.Join(folder, "key"), []byte(key), 0o644))
	check(os.Symlink(filepath.Base(folder), temporary))
	check(os.Rename(temporary, data))
	if before == "" {
		check(os.Symlink("..data/key", m.key()))
		return
	}
	check(os.RemoveAll(filepath.Join(string(m), before)))
}

// TestAMountedSecret is the life of a key file.
func TestAMountedSecret(t *testing.T) {
	a, b := newKeyPair(), newKeyPair()
	secret := mount(t.TempDir())
	secret.update(t, a.pem)
	app := apptest.Start(t, "-key", secret.key(), "-every", "5ms")
	visitor := app.SignIn(t)
	signs := func(key keyPair) {
		t.Helper()
		to, err := app.Login(visitor)
		if err == nil {
			err = key.signed(to)
		}
		if err != nil {
			t.Error(err)
		}
	}
	signs(a)
	secret.update(t, b.pem)
	app.Log(t, "INFO docs key set")
	signs(b)
	bad := strings.Replace(a.pem, "-----END", "-----EN", 1)
	secret.update(t, bad)
	app.Log(t, "ERROR docs key rejected, the old one stays")
	signs(b)
	secret.update(t, a.pem)
	app.Log(t, "INFO docs key set")
	signs(a)
	app.Signal(syscall.SIGTERM)
	if said := app.End(t); strings.Contains(said, a.body()) || strings.Contains(said, b.body()) {
		t.Errorf("a key is in the log:\n%s", said)
	}
}

func TestLoginsWhileTheKeyChanges(t *testing.T) {
	keys := [2]keyPair{newKeyPair(), newKeyPair()}
	secret := mount(t.TempDir())
	secret.update(t, keys[0].pem)
	app := apptest.Start(t, "-key", secret.key(), "-every", "5ms")
	visitor := app.SignIn(t)
	more, stop := app.Crowd(t, visitor, func(to *url.URL) error {
		if keys[0].signed(to) == nil {
			return nil
		}
		return keys[1].signed(to)
	})
	defer stop()
	for i := range 20 {
		key := keys[(i+1)%2]
		secret.update(t, key.pem)
		app.Log(t, "INFO docs key set")
		// All that is asked for from now on is signed with it.
		for range 5 {
			to, err := app.Login(visitor)
			if err == nil {
				err = key.signed(to)
			}
			if err != nil {
				t.Fatalf("change %d: %v", i+1, err)
			}
		}
		more()
	}
	stop()
	app.Signal(syscall.SIGINT)
	app.End(t)
}

func TestWhatKeepsItFromServing(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "key")
	text := newKeyPair().pem[:60]
	if err := os.WriteFile(bad, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		args   []string
		says   string
		status int
	}{
		{"no arguments", nil, "file with the docs' private key in PEM", 2},
		{"no time between two looks", []string{"-key", bad, "-every", "0"}, "time between two looks at the file", 2},
		{"no such file", []string{"-key", bad + "s"}, "no such file", 1},
		{"half a key", []string{"-key", bad}, "keyfile: docslogin: ", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			said, status := apptest.Output(t, test.args...)
			if !strings.Contains(said, test.says) || status != test.status || strings.Contains(said, text[30:]) {
				t.Errorf("exit status %d:\n%s", status, said)
			}
		})
	}
}
