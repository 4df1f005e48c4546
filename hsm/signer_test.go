package hsm_test

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/hsm"
)

var p256 = func() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}()

// fake signs with p256. After the first signature, which is New's trial, it calls then instead, if
// that is set.
type fake struct {
	signed atomic.Int64
	then   func(digest []byte) ([]byte, error)
}

func (f *fake) Public() crypto.PublicKey { return p256.Public() }

func (f *fake) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if f.signed.Add(1) == 1 || f.then == nil {
		return p256.Sign(rand, digest, opts)
	}
	return f.then(digest)
}

// route returns a login route whose tokens s signs, and its events.
func route(t *testing.T, s crypto.Signer, opts ...hsm.Option) (*docslogin.Middleware, chan docslogin.Event) {
	t.Helper()
	signer, err := hsm.Signer(s, opts...)
	if err != nil {
		t.Fatal(err)
	}
	platform, events := personalization, make(chan docslogin.Event, 100)
	platform.Key = docslogin.SignWith(signer)
	docs, err := docslogin.New(lookup, platform, docslogin.WithLogger(slog.New(slog.DiscardHandler)),
		docslogin.WithObserver(func(_ context.Context, e docslogin.Event) { events <- e }))
	if err != nil {
		t.Fatal(err)
	}
	return docs, events
}

// visit opens the route with a context and returns the status.
func visit(ctx context.Context, docs *docslogin.Middleware) int {
	w := httptest.NewRecorder()
	docs.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/docs-login", nil))
	return w.Code
}

func TestAnyCryptoSignerSigns(t *testing.T) {
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		alg      string
		platform docslogin.Platform
		key      crypto.Signer
	}{
		{"ES256", personalization, p256},
		{"EdDSA", mintlify, edwards},
	} {
		t.Run(row.alg, func(t *testing.T) {
			signer, err := hsm.Signer(row.key)
			if err != nil {
				t.Fatal(err)
			}
			newApp(t, row.platform, signer).loggedIn(t, row.alg, row.key.Public())
		})
	}
}

// In a synctest bubble, time passes only when all goroutines wait, and the test fails if a
// goroutine is left at its end.
func TestASignerThatHangs(t *testing.T) {
	after := func(d time.Duration) func(context.Context) (context.Context, context.CancelFunc) {
		return func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, d) }
	}
	leaving := func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(time.Second, cancel)
		return ctx, cancel
	}
	for _, row := range []struct {
		name    string
		opts    []hsm.Option
		visitor func(context.Context) (context.Context, context.CancelFunc)
		waits   time.Duration
		status  int
		outcome docslogin.Outcome
		cause   error
		says    string
	}{
		{"is given up after 5 seconds", nil, context.WithCancel, 5 * time.Second, 500, "sign_failed", context.DeadlineExceeded, "within 5s (WithTimeout)"},
		{"is given up after another time", []hsm.Option{hsm.WithTimeout(time.Minute)}, context.WithCancel, time.Minute, 500, "sign_failed", context.DeadlineExceeded, "within 1m0s (WithTimeout)"},
		{"is given up at the request's deadline", nil, after(time.Second), time.Second, 500, "sign_failed", context.DeadlineExceeded, "during the call"},
		{"is given up by a visitor who leaves", nil, leaving, time.Second, 200, "canceled", context.Canceled, ""}, // 200: nothing was written
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hangs := make(chan struct{})
				docs, events := route(t, &fake{then: func([]byte) ([]byte, error) { <-hangs; return nil, errors.New("too late") }}, row.opts...)
				ctx, cancel := row.visitor(t.Context())
				defer cancel()
				start := time.Now()
				if status := visit(ctx, docs); status != row.status {
					t.Errorf("status %d", status)
				}
				if waited := time.Since(start); waited != row.waits {
					t.Errorf("waited %v", waited)
				}
				e := <-events
				if e.Outcome != row.outcome || !errors.Is(e.Err, row.cause) || !strings.Contains(e.Err.Error(), row.says) {
					t.Errorf("%s: %v", e.Outcome, e.Err)
				}
				close(hangs)
			})
		})
	}
}

func TestTheCausesOfACanceledRequestAreKept(t *testing.T) {
	signer, err := hsm.Signer(&fake{})
	if err != nil {
		t.Fatal(err)
	}
	why := errors.New("the server shuts down")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	bound := signer.(interface {
		WithContext(context.Context) jose.OpaqueSigner
	}).WithContext(ctx)
	if _, err := bound.SignPayload([]byte("payload"), "ES256"); !errors.Is(err, context.Canceled) || !errors.Is(err, why) {
		t.Error(err)
	}
}

func TestCallsInFlightAreBounded(t *testing.T) {
	for _, row := range []struct {
		name string
		opts []hsm.Option
		most int64
	}{
		{"to 16", nil, 16},
		{"to another number", []hsm.Option{hsm.WithConcurrency(3)}, 3},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hangs := make(chan struct{})
				s := &fake{then: func(digest []byte) ([]byte, error) {
					<-hangs
					return p256.Sign(rand.Reader, digest, crypto.SHA256)
				}}
				docs, events := route(t, s, row.opts...)
				const crowd = 50
				for range crowd {
					go visit(t.Context(), docs)
				}
				waiting := int64(0)
				for range crowd {
					e := <-events
					if e.Outcome != "sign_failed" || !errors.Is(e.Err, context.DeadlineExceeded) {
						t.Fatalf("%s: %v", e.Outcome, e.Err)
					}
					if strings.Contains(e.Err.Error(), fmt.Sprintf("in flight, %d (WithConcurrency)", row.most)) {
						waiting++
					}
				}
				if in := s.signed.Load() - 1; in != row.most || waiting != crowd-row.most {
					t.Errorf("%d calls, %d waited", in, waiting)
				}
				// A visitor who leaves while waiting for a turn.
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				visit(ctx, docs)
				if e := <-events; e.Outcome != "canceled" {
					t.Errorf("%s: %v", e.Outcome, e.Err)
				}

				close(hangs) // it answers again
				synctest.Wait()
				for range row.most + 1 {
					if status := visit(t.Context(), docs); status != 302 {
						t.Errorf("status %d", status)
					}
				}
			})
		})
	}
}

// Nothing is signed for a request that has ended, even if a call could start at once.
func TestNothingIsSignedForARequestThatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fake{}
		signer, err := hsm.Signer(s)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		bound := signer.(interface {
			WithContext(context.Context) jose.OpaqueSigner
		}).WithContext(ctx)
		for range 20 { // select chooses at random between two cases that are ready
			if _, err := bound.SignPayload([]byte("payload"), "ES256"); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if n := s.signed.Load(); n != 0 {
			t.Errorf("%d signatures", n)
		}
	})
}

func TestASignerThatFails(t *testing.T) {
	broken := errors.New("the key service is down")
	for _, row := range []struct {
		name string
		then func([]byte) ([]byte, error)
		says string
	}{
		{"with an error", func([]byte) ([]byte, error) { return nil, broken }, "the key service is down"},
		{"with a panic", func([]byte) ([]byte, error) { panic(broken) }, "docslogin/hsm: no signature: the signer panicked: the key service is down"},
		{"with a panic that is not an error", func([]byte) ([]byte, error) { panic(pin) }, "docslogin/hsm: no signature: the signer panicked with a value of type string"},
		{"and ends its goroutine", func([]byte) ([]byte, error) { runtime.Goexit(); return nil, nil }, "ended its goroutine"},
		{"with no signature at all", func([]byte) ([]byte, error) { return nil, nil }, "asn1"},
		{"with a number that is too large for the curve", func([]byte) ([]byte, error) {
			large := new(big.Int).Lsh(big.NewInt(1), 300)
			return asn1.Marshal(struct{ R, S *big.Int }{large, large})
		}, "docslogin/hsm: no signature: the signer panicked: runtime error"},
	} {
		t.Run(row.name, func(t *testing.T) {
			docs, events := route(t, &fake{then: row.then}, hsm.WithConcurrency(1))
			for range 3 { // the only call allowed at a time has ended
				if status := visit(t.Context(), docs); status != 500 {
					t.Errorf("status %d", status)
				}
				e := <-events
				if e.Outcome != "sign_failed" || !strings.Contains(e.Err.Error(), row.says) || strings.Contains(e.Err.Error(), pin) {
					t.Errorf("%s: %v", e.Outcome, e.Err)
				}
			}
		})
	}
}

// informed is a signer that takes the context of the request that it signs for.
type informed struct {
	fake
	contexts chan context.Context
}

func (s *informed) WithContext(ctx context.Context) crypto.Signer {
	s.contexts <- ctx
	return &s.fake
}

type nameKey struct{}

func TestTheRequestsContextReachesTheSigner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &informed{contexts: make(chan context.Context, 2)}
		docs, _ := route(t, s)
		<-s.contexts // of the trial signature
		start := time.Now()
		if status := visit(context.WithValue(t.Context(), nameKey{}, "Ada's"), docs); status != 302 {
			t.Fatalf("status %d", status)
		}
		ctx := <-s.contexts
		if ctx.Value(nameKey{}) != "Ada's" {
			t.Error("another context")
		}
		if end, _ := ctx.Deadline(); end.Sub(start) != 5*time.Second {
			t.Errorf("the deadline is in %v", end.Sub(start))
		}
		if ctx.Err() == nil {
			t.Error("the context has not ended after the signature")
		}
	})
}

// secretive is a signer with another public key.
type secretive struct {
	crypto.Signer
	public func() crypto.PublicKey
}

func (s secretive) Public() crypto.PublicKey { return s.public() }

func TestSignerSaysWhatIsWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := make(chan struct{})
		defer close(hangs)
		var none *ecdsa.PrivateKey
		public := func(f func() crypto.PublicKey) crypto.Signer { return secretive{p256, f} }
		for _, row := range []struct {
			name   string
			signer crypto.Signer
			opts   []hsm.Option
			want   string
		}{
			{"a nil signer", nil, nil, "the signer is nil"},
			{"a typed nil signer", none, nil, "asking for the public key: the signer panicked"},
			{"a nil public key", public(func() crypto.PublicKey { return nil }), nil, "it is a <nil>; it must be an *ecdsa.PublicKey on P-256 or an ed25519.PublicKey"},
			{"a key that cannot sign", public(func() crypto.PublicKey { return &ecdh.PublicKey{} }), nil, "it is a *ecdh.PublicKey"},
			{"a public key that never comes", public(func() crypto.PublicKey { <-hangs; return nil }), nil, "within 5s"},
			{"no timeout", p256, []hsm.Option{hsm.WithTimeout(0)}, "WithTimeout is 0s; set more than 0"},
			{"no calls at a time", p256, []hsm.Option{hsm.WithConcurrency(0)}, "WithConcurrency is less than 1; set 1 or more"},
			{"the second of two configuration errors", p256, []hsm.Option{hsm.WithConcurrency(-1), hsm.WithTimeout(-time.Second)}, "WithConcurrency is less than 1; set 1 or more"},
			{"a nil option", p256, []hsm.Option{hsm.WithTimeout(time.Second), nil}, "docslogin/hsm: an option is nil; leave it out"},
		} {
			signer, err := hsm.Signer(row.signer, row.opts...)
			if signer != nil || err == nil || !strings.HasPrefix(err.Error(), "docslogin/hsm: ") || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%s: %v", row.name, err)
			}
		}
	})
}
