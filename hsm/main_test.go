package hsm_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/hsm"
	"github.com/docslogin/docslogin/platforms"
)

const softHSM = "/usr/lib/softhsm/libsofthsm2.so"

var (
	client string // the path of p11-kit's module
	socket string // of p11-kit's server, one for all tests: the module reads the address once in a process
)

func TestMain(m *testing.M) {
	var missing []string
	for _, program := range []string{"gcc", "softhsm2-util", "pkcs11-tool", "p11-kit"} {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, program)
		}
	}
	if _, err := os.Stat(softHSM); err != nil {
		missing = append(missing, softHSM)
	}
	if found, _ := filepath.Glob("/usr/lib/*/pkcs11/p11-kit-client.so"); len(found) > 0 {
		client = found[0]
	} else {
		missing = append(missing, "p11-kit-client.so")
	}
	if missing != nil {
		fmt.Fprintf(os.Stderr, "hsm: missing: %s.\nRun hsm/setup, which installs them.\n", strings.Join(missing, ", "))
		os.Exit(1)
	}
	dir, err := os.MkdirTemp("", "hsm")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	socket = filepath.Join(dir, "socket")
	os.Setenv("P11_KIT_SERVER_ADDRESS", "unix:path="+socket)
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

// The PINs. No error, page, or log may contain them.
const pin, soPIN = "pin-of-the-user", "pin-of-the-officer"

// newStore gives SoftHSM a new store without a token.
func newStore(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	conf := filepath.Join(dir, "softhsm2.conf")
	text := "directories.tokendir = " + dir + "\nobjectstore.backend = file\nlog.level = ERROR\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", conf)
	t.Setenv("HSM_PIN", pin)
	t.Setenv("HSM_SO_PIN", soPIN)
}

// newToken makes a new token "docs", since tokens remember wrong PINs.
func newToken(t *testing.T) {
	t.Helper()
	newStore(t)
	run(t, "softhsm2-util", "--init-token", "--free", "--label", "docs", "--so-pin", soPIN, "--pin", pin)
}

func run(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s%s", name, args, err, out, &stderr)
	}
	return out
}

// tool runs pkcs11-tool on the token.
func tool(t *testing.T, args ...string) []byte {
	t.Helper()
	return run(t, "pkcs11-tool", append([]string{"--module", softHSM, "--token-label", "docs", "--login", "--pin", "env:HSM_PIN"}, args...)...)
}

func newKey(t *testing.T, keyType, label, id string) {
	t.Helper()
	tool(t, "--keypairgen", "--key-type", keyType, "--label", label, "--id", id)
}

// publicKey returns a public key as the token has it.
func publicKey(t *testing.T, label string) crypto.PublicKey {
	t.Helper()
	der := tool(t, "--read-object", "--type", "pubkey", "--label", label)
	if block, _ := pem.Decode(der); block != nil {
		der = block.Bytes
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func open(t *testing.T, module string, opts ...hsm.Option) *hsm.Token {
	t.Helper()
	token, err := hsm.Open(module, "docs", pin, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := token.Close(); err != nil {
			t.Error(err)
		}
	})
	return token
}

func signerOf(t *testing.T, token *hsm.Token, label string) jose.OpaqueSigner {
	t.Helper()
	signer, err := token.Signer(label)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// One platform for each of the two algorithms, without a key.
var (
	mintlify        = platforms.Mintlify("https://docs.example.com", "")
	personalization = platforms.MintlifyPersonalization("https://docs.example.com", "")
)

// app is a web app whose visitors are all Ada.
type app struct {
	*docslogin.Middleware
	server  *httptest.Server
	lookups atomic.Int64 // calls of the lookup
	log     bytes.Buffer

	mu     sync.Mutex
	events []docslogin.Event
}

func newApp(t *testing.T, platform docslogin.Platform, signer jose.OpaqueSigner) *app {
	t.Helper()
	a := &app{}
	platform.Key = docslogin.SignWith(signer)
	user := func(r *http.Request) (*docslogin.User, error) {
		a.lookups.Add(1)
		return lookup(r)
	}
	var err error
	a.Middleware, err = docslogin.New(user, platform,
		docslogin.WithLogger(slog.New(slog.NewTextHandler(&a.log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
		docslogin.WithObserver(func(_ context.Context, e docslogin.Event) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.events = append(a.events, e)
		}))
	if err != nil {
		t.Fatal(err)
	}
	a.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if limit, err := time.ParseDuration(r.Header.Get("Limit")); err == nil { // as a middleware of the app may set it
			ctx, cancel := context.WithTimeout(r.Context(), limit)
			defer cancel()
			r = r.WithContext(ctx)
		}
		a.ServeHTTP(w, r)
	}))
	a.server.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Cleanup(func() {
		a.server.Close()
		if log := a.log.String(); strings.Contains(log, pin) {
			t.Errorf("the log contains the PIN:\n%s", log)
		}
	})
	return a
}

// last returns the latest event, once there are n.
func (a *app) last(t *testing.T, n int) (e docslogin.Event) {
	t.Helper()
	await(t, fmt.Sprintf("event %d", n), func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		if len(a.events) < n {
			return false
		}
		e = a.events[len(a.events)-1]
		return true
	})
	return e
}

func (a *app) seen() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.events)
}

// visit opens the login route. The app gives the request a deadline after limit, unless that is
// empty. visit returns the token, or a *pageError.
func (a *app) visit(ctx context.Context, limit string) (token string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", a.server.URL+"/docs-login?redirect=/quickstart", nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("Limit", limit)
	resp, err := a.server.Client().Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	to, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || resp.StatusCode != http.StatusFound {
		return "", &pageError{resp.StatusCode, string(page)}
	}
	return to.Fragment, nil
}

// pageError is a response that is not a login.
type pageError struct {
	status int
	text   string
}

func (e *pageError) Error() string { return fmt.Sprintf("%d: %s", e.status, e.text) }

// fails visits, checks that the visitor gets the 500 page, and returns the cause from the event.
func (a *app) fails(t *testing.T, limit string) error {
	t.Helper()
	n := a.seen()
	_, err := a.visit(t.Context(), limit)
	var page *pageError
	if !errors.As(err, &page) || page.status != 500 {
		t.Fatalf("not a 500 page: %v", err)
	}
	e := a.last(t, n+1)
	if e.Outcome != "sign_failed" || e.Err == nil {
		t.Fatalf("outcome %q, cause %v", e.Outcome, e.Err)
	}
	if strings.Contains(e.Err.Error(), pin) {
		t.Errorf("the cause contains the PIN: %v", e.Err)
	}
	if strings.Contains(page.text, e.Err.Error()) || strings.Contains(page.text, "pkcs11") {
		t.Errorf("the page shows the cause:\n%s", page.text)
	}
	return e.Err
}

// loggedIn visits until there is a login, and checks its token.
func (a *app) loggedIn(t *testing.T, alg string, key crypto.PublicKey) {
	t.Helper()
	var token string
	await(t, "a login", func() (ok bool) {
		var err error
		token, err = a.visit(t.Context(), "")
		return err == nil
	})
	if err := check(token, alg, key); err != nil {
		t.Error(err)
	}
}

// check checks a token as the docs do.
func check(token, alg string, key crypto.PublicKey) error {
	encoded, _, _ := strings.Cut(token, ".")
	header, err := base64.RawURLEncoding.DecodeString(encoded)
	if want := `{"alg":"` + alg + `","typ":"JWT"}`; err != nil || string(header) != want {
		return fmt.Errorf("the header is %s, not %s (%v)", header, want, err)
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		return err
	}
	payload, err := jws.Verify(key)
	if err != nil {
		return err
	}
	var claims struct {
		Content struct{ Name, Email string }
		Iat     int64
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return err
	}
	if claims.Content.Name != "Ada" || claims.Content.Email != "ada@example.com" || claims.Iat == 0 {
		return fmt.Errorf("the claims are %s", payload)
	}
	return nil
}

// await waits until a condition holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("timed out: waiting for %s", what)
		}
	}
}
