package main

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/platforms"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
	"github.com/docslogin/docslogin/webhook"
	"github.com/go-jose/go-jose/v4"
)

func TestMain(m *testing.M) { apptest.Main(m) }

const (
	first  = "the first secret of the project, for the tests"
	second = "the second secret of the project, for the tests"
)

// signed reports whether the token in a URL is Ada's, signed with the secret.
func signed(to *url.URL, secret string) error {
	token, err := jose.ParseSignedCompact(to.Query().Get("auth_token"), []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		return err
	}
	payload, err := token.Verify([]byte(secret))
	if err != nil {
		return err
	}
	var claims struct{ Email string }
	if err := json.Unmarshal(payload, &claims); err != nil {
		return err
	}
	if claims.Email != "ada@example.com" {
		return errors.New("the token is not Ada's")
	}
	return nil
}

// asked returns an error unless the webhook accepts a request that is signed with secret, and rejects
// one that is signed with other.
func asked(appURL, secret, other string) error {
	for signedWith, want := range map[string]int{secret: http.StatusOK, other: http.StatusUnauthorized} {
		req, err := http.NewRequest(http.MethodPost, appURL+"/readme-webhook", strings.NewReader(question))
		if err != nil {
			return err
		}
		req.Header.Set("ReadMe-Signature", signature(signedWith))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want || strings.Contains(string(text), "ada@example.com") != (want == http.StatusOK) {
			return fmt.Errorf("the webhook answers %s, not %d", resp.Status, want)
		}
	}
	return nil
}

const question = `{"email":"ada@example.com"}`

func signature(secret string) string {
	now := fmt.Sprint(time.Now().UnixMilli())
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(now + "." + question))
	return fmt.Sprintf("t=%s,v0=%x", now, mac.Sum(nil))
}

// keyFile is the path of a file with a key.
type keyFile string

func newKeyFile(t *testing.T, key string) keyFile {
	t.Helper()
	file := keyFile(filepath.Join(t.TempDir(), "key"))
	file.write(t, key)
	return file
}

func (f keyFile) write(t *testing.T, key string) {
	t.Helper()
	if err := os.WriteFile(string(f), []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReload(t *testing.T) {
	file := newKeyFile(t, first+"\n")
	app := apptest.Start(t, "-key", string(file))
	visitor := app.SignIn(t)
	for i, step := range []struct {
		write string // "": the file is removed
		says  string
		signs string
	}{
		{second + "\n", "INFO docs key set", second},
		{second + "\n", "INFO docs key set", second},
		{"short secret", "ERROR docs key rejected, the old one stays", second},
		{" " + first, "has white space", second},
		{"", "no such file", second},
		{first + "\r\n", "INFO docs key set", first},
		{second, "INFO docs key set", second},
	} {
		if step.write != "" {
			file.write(t, step.write)
		} else if err := os.Remove(string(file)); err != nil {
			t.Fatal(err)
		}
		app.Signal(syscall.SIGHUP)
		app.Log(t, step.says)
		to, err := app.Login(visitor)
		if err == nil {
			err = signed(to, step.signs)
		}
		if err == nil {
			err = asked(app.URL, step.signs, map[string]string{first: second, second: first}[step.signs])
		}
		if err != nil {
			t.Errorf("step %d: %v", i+1, err)
		}
	}
	// A new file has no effect without the signal.
	file.write(t, first)
	to, err := app.Login(visitor)
	if err == nil {
		err = signed(to, second)
	}
	if err != nil {
		t.Error(err)
	}
	app.Signal(syscall.SIGTERM)
	if said := app.End(t); strings.Contains(said, "secret of the project") || strings.Contains(said, "short secret") {
		t.Errorf("a key is in the log:\n%s", said)
	}
}

// No file can cause this, because the login route and the webhook make the same checks.
func TestASecretThatOnlyTheWebhookAccepts(t *testing.T) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	docs := docslogin.Must(docslogin.New(app.SignedIn, platforms.Mintlify("https://docs.example.com", key)))
	hook, err := webhook.ReadMe(first, find)
	if err != nil {
		t.Fatal(err)
	}
	if err := setBoth(docs, hook, first)(second); err == nil {
		t.Error("the secret is set")
	}
	server := httptest.NewServer(hook)
	defer server.Close()
	if err := asked(server.URL, first, second); err != nil {
		t.Error(err)
	}
}

func TestLoginsWhileTheKeyChanges(t *testing.T) {
	keys := [2]string{first, second}
	file := newKeyFile(t, keys[0])
	app := apptest.Start(t, "-key", string(file))
	visitor := app.SignIn(t)
	more, stop := app.Crowd(t, visitor, func(to *url.URL) error {
		if signed(to, keys[0]) == nil {
			return nil
		}
		return signed(to, keys[1])
	})
	defer stop()
	for i := range 20 {
		key := keys[(i+1)%2]
		file.write(t, key)
		app.Signal(syscall.SIGHUP)
		app.Log(t, "INFO docs key set")
		// All that is asked for from now on is signed with it.
		for range 5 {
			to, err := app.Login(visitor)
			if err == nil {
				err = signed(to, key)
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

// TestASignalDuringTheShutdown holds a request open, for which the shutdown waits.
func TestASignalDuringTheShutdown(t *testing.T) {
	file := newKeyFile(t, first)
	app := apptest.Start(t, "-key", string(file))
	address := strings.TrimPrefix(app.URL, "http://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /sign-in HTTP/1.1\r\nHost: %s\r\nExpect: 100-continue\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 21\r\n\r\n", address)
	if _, err := io.ReadFull(conn, make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))); err != nil {
		t.Fatal(err) // now the app waits for the form
	}
	app.Signal(syscall.SIGTERM)
	for {
		other, err := net.Dial("tcp", address)
		if err != nil {
			break // nobody is let in any more
		}
		other.Close()
		time.Sleep(time.Millisecond)
	}
	file.write(t, second)
	app.Signal(syscall.SIGHUP)
	app.Log(t, "INFO docs key set")
	file.write(t, "short secret")
	app.Signal(syscall.SIGHUP)
	app.Log(t, "ERROR docs key rejected, the old one stays")
	if _, err := io.WriteString(conn, "email=ada@example.com"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 303 See Other\r\n") {
		t.Errorf("the request that was open: %v\n%s", err, answer)
	}
	app.End(t)
}

func TestWhatKeepsItFromServing(t *testing.T) {
	bad := string(newKeyFile(t, "short secret"))
	for _, test := range []struct {
		name   string
		args   []string
		says   string
		status int
	}{
		{"no arguments", nil, "file with the docs' JWT secret", 2},
		{"one argument too many", []string{"-key", bad, "more"}, "file with the docs' JWT secret", 2},
		{"no such file", []string{"-key", bad + "s"}, "no such file", 1},
		{"a short secret", []string{"-key", bad}, "sighup: docslogin: ", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			said, status := apptest.Output(t, test.args...)
			if !strings.Contains(said, test.says) || status != test.status || strings.Contains(said, "short secret") {
				t.Errorf("exit status %d:\n%s", status, said)
			}
		})
	}
}
