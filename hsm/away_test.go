package hsm_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/pkcs11"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/hsm"
)

// remote is SoftHSM in its own processes, behind p11-kit's server, so that a test can stop and kill
// the token while the app continues.
type remote struct{ server *exec.Cmd }

func newRemote(t *testing.T) *remote {
	t.Helper()
	newToken(t)
	newKey(t, "EC:prime256v1", "personalization", "01")
	r := &remote{}
	r.start(t)
	t.Cleanup(func() { r.kill() })
	return r
}

func (r *remote) start(t *testing.T) {
	t.Helper()
	os.Remove(socket) // left by a server that was killed
	r.server = exec.Command("p11-kit", "server", "--foreground", "--name", socket, "--provider", softHSM, "pkcs11:token=docs")
	r.server.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // the server starts a process for each client
	if err := r.server.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "a server that listens", func() bool { return sockets(t, "00010000") == 1 })
}

func (r *remote) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(-r.server.Process.Pid, s); err != nil {
		t.Fatal(err)
	}
}

func (r *remote) kill() {
	_ = syscall.Kill(-r.server.Process.Pid, syscall.SIGKILL) // an error if it was killed before
	_ = r.server.Wait()                                      // returns that it was killed
}

// hang visits until n calls to a stopped token are in flight. It returns the cause of the last
// visit's failure. A visit that ends before its call does not count.
func hang(t *testing.T, token *hsm.Token, a *app, n int) (cause error) {
	t.Helper()
	await(t, "calls that hang", func() bool {
		cause = a.fails(t, "100ms")
		return token.InFlight() == n
	})
	return cause
}

// sockets returns how many sockets of p11-kit's server there are with these flags.
func sockets(t *testing.T, flags string) (n int) {
	t.Helper()
	text, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 8 && fields[7] == socket && fields[3] == flags {
			n++
		}
	}
	return n
}

// connections returns the number of connections of p11-kit's server, accepted or not.
func connections(t *testing.T) int { return sockets(t, "00000000") }

func TestATokenThatIsKilledAndComesBack(t *testing.T) {
	r := newRemote(t)
	a := newApp(t, personalization, signerOf(t, open(t, client), "personalization"))
	key := publicKey(t, "personalization")
	a.loggedIn(t, "ES256", key)
	r.kill()
	var code pkcs11.Error
	if cause := a.fails(t, ""); !errors.As(cause, &code) || errors.Is(cause, context.DeadlineExceeded) {
		t.Errorf("the cause is %v", cause)
	}
	for range 3 { // also while it is not opened again
		if cause := a.fails(t, ""); !strings.HasSuffix(cause.Error(), "the token is away; opening the token again: 0 tokens have the given label, not one; the labels of all tokens of the module: []") {
			t.Errorf("the cause is %v", cause)
		}
	}
	r.start(t)
	a.loggedIn(t, "ES256", key)
}

func TestATokenThatHangs(t *testing.T) {
	r := newRemote(t)
	token := open(t, client, hsm.WithTimeout(2*time.Second), hsm.WithConcurrency(2))
	a := newApp(t, personalization, signerOf(t, token, "personalization"))
	key := publicKey(t, "personalization")
	a.loggedIn(t, "ES256", key)

	r.signal(t, syscall.SIGSTOP)
	if cause := hang(t, token, a, 1); !errors.Is(cause, context.DeadlineExceeded) || !strings.Contains(cause.Error(), "during the call") {
		t.Errorf("a request with a deadline: %v", cause)
	}

	lookups, n := a.lookups.Load(), a.seen()
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := a.visit(ctx, "")
		gone <- err
	}()
	await(t, "the second call", func() bool { return a.lookups.Load() > lookups && token.InFlight() == 2 })
	leave()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if e := a.last(t, n+1); e.Outcome != "canceled" || !errors.Is(e.Err, context.Canceled) {
		t.Errorf("a visitor who leaves: %s, %v", e.Outcome, e.Err)
	}

	// Both calls hang. Other visits wait until the timeout, and leave no call behind.
	var crowd sync.WaitGroup
	for range 40 {
		crowd.Go(func() {
			var page *pageError
			if _, err := a.visit(t.Context(), ""); !errors.As(err, &page) || page.status != 500 {
				t.Errorf("not a 500 page: %v", err)
			}
		})
	}
	crowd.Wait()
	if e := a.last(t, n+41); e.Outcome != "sign_failed" || !errors.Is(e.Err, context.DeadlineExceeded) || !strings.Contains(e.Err.Error(), "in flight, 2 (WithConcurrency)") || !strings.Contains(e.Err.Error(), "within 2s (WithTimeout)") {
		t.Errorf("in a crowd: %s, %v", e.Outcome, e.Err)
	}
	if n := token.InFlight(); n != 2 {
		t.Errorf("%d calls are in flight", n)
	}

	r.signal(t, syscall.SIGCONT)
	a.loggedIn(t, "ES256", key)
	await(t, "the end of all calls", func() bool { return token.InFlight() == 0 })

	r.signal(t, syscall.SIGSTOP)
	hang(t, token, a, 2)
	r.kill() // with both calls in flight
	r.start(t)
	a.loggedIn(t, "ES256", key)
	await(t, "the end of all calls", func() bool { return token.InFlight() == 0 })
}

func TestOpenAndCloseWithATokenThatHangs(t *testing.T) {
	r := newRemote(t)
	r.signal(t, syscall.SIGSTOP)
	if _, err := hsm.Open(client, "docs", pin, hsm.WithTimeout(100*time.Millisecond)); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "docslogin/hsm: opening the token: ") {
		t.Errorf("opening: %v", err)
	}
	await(t, "the connection of the call that was given up", func() bool { return connections(t) == 1 })
	r.signal(t, syscall.SIGCONT)
	await(t, "the end of the call that was given up", func() bool { return connections(t) == 0 })

	token, err := hsm.Open(client, "docs", pin, hsm.WithTimeout(2*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	signer := signerOf(t, token, "personalization")
	a := newApp(t, personalization, signer)
	r.signal(t, syscall.SIGSTOP)
	hang(t, token, a, 1)
	if err := token.Close(); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "docslogin/hsm: closing the token: calls are still in flight after 2s (WithTimeout)") {
		t.Errorf("closing: %v", err)
	}
	r.signal(t, syscall.SIGCONT)
	await(t, "the end of the session", func() bool { return connections(t) == 0 })

	token = open(t, client)
	if cause := a.fails(t, ""); !strings.Contains(cause.Error(), "it was closed (Token.Close)") {
		t.Errorf("a key of the closed token: %v", cause)
	}
	if err := a.SetKey(docslogin.SignWith(signerOf(t, token, "personalization"))); err != nil {
		t.Fatal(err)
	}
	a.loggedIn(t, "ES256", publicKey(t, "personalization"))
	await(t, "the end of all calls", func() bool { return token.InFlight() == 0 })
}

// The module is there before its server, as when both start at the same time.
func TestATokenThatIsNotThereYet(t *testing.T) {
	newToken(t)
	os.Remove(socket)
	if _, err := hsm.Open(client, "docs", pin); err == nil || !strings.HasPrefix(err.Error(), "docslogin/hsm: opening the token: ") {
		t.Error(err)
	}
}
