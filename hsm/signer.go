// Package hsm lets docslogin sign with keys that never enter the process.
//
// [Open] logs in to a PKCS#11 token (a hardware security module, a smart card, SoftHSM),
// and [Token.Signer] finds a key on it. [Signer] takes any other [crypto.Signer], such as a
// client of a cloud's key service or an agent. Pass the result to docslogin.SignWith:
//
//	platform.Key = docslogin.SignWith(signer)
//
// The package follows OASIS PKCS#11 v2.40, Base Specification, sections 5.4 to 5.7 and 5.11.
// Ed25519 follows Current Mechanisms v3.0, section 2.3.
//
// A key outside the process may never answer. A visitor waits only as long as the request's
// context and [WithTimeout] allow. At most as many calls as [WithConcurrency] allows wait for
// an answer at the same time.
package hsm

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"
)

// An Option changes a limit of [Open] or [Signer]. A nil Option is a configuration error.
type Option func(*limits)

// WithTimeout sets how long one call may take, including the wait for its turn. A call is a
// signature; for a [Token] it is also opening it, finding a key, or closing it. The default is
// 5 seconds; 0 or less is a configuration error. If the request's own context ends sooner, the
// call ends then.
func WithTimeout(d time.Duration) Option { return func(l *limits) { l.timeout = d } }

// WithConcurrency sets how many calls may be in flight at the same time; others wait for
// their turn. The default is 16; 0 or less is a configuration error. A call that was given up
// counts until it returns, because it holds a goroutine and, inside a PKCS#11 module, a thread.
//
// It also limits how many PKCS#11 sessions each key of a [Token] keeps open, besides the one
// that the Token logs in with. Small tokens have few.
func WithConcurrency(n int) Option {
	return func(l *limits) { l.calls = make(chan struct{}, max(n, 0)) }
}

// limits are those of the calls into code that may hang or panic.
type limits struct {
	timeout time.Duration
	calls   chan struct{} // one element for each call in flight
}

func newLimits(opts []Option) (*limits, error) {
	l := &limits{5 * time.Second, make(chan struct{}, 16)}
	var errs []error
	for _, o := range opts {
		if o == nil {
			errs = append(errs, errors.New("docslogin/hsm: an option is nil; leave it out"))
			continue
		}
		o(l)
	}
	if l.timeout <= 0 {
		errs = append(errs, fmt.Errorf("docslogin/hsm: WithTimeout is %v; set more than 0", l.timeout))
	}
	if cap(l.calls) == 0 {
		errs = append(errs, errors.New("docslogin/hsm: WithConcurrency is less than 1; set 1 or more"))
	}
	return l, errors.Join(errs...)
}

// call returns what f returns. If ctx or the time ends first, call returns an error that wraps
// the context's, and f, which gets this context, ends by itself.
func call[T any](ctx context.Context, l *limits, f func(context.Context) (T, error)) (T, error) {
	var none T
	ctx, cancel := context.WithTimeoutCause(ctx, l.timeout, fmt.Errorf("there was no answer within %v (WithTimeout)", l.timeout))
	defer cancel()
	if ctx.Err() != nil {
		return none, given(ctx, "before the call")
	}
	select {
	case l.calls <- struct{}{}:
	case <-ctx.Done():
		return none, given(ctx, fmt.Sprintf("while all calls that may be in flight, %d (WithConcurrency), had no answer", cap(l.calls)))
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		r := result{err: errors.New("the signer ended its goroutine instead of returning")}
		defer func() {
			switch v := recover().(type) {
			case nil:
			case error:
				r = result{err: fmt.Errorf("the signer panicked: %w", v)}
			default: // the value may be a secret
				r = result{err: fmt.Errorf("the signer panicked with a value of type %T", v)}
			}
			<-l.calls
			done <- r
		}()
		r.value, r.err = f(ctx)
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return none, given(ctx, "during the call")
	}
}

// given is the error of a call that was given up.
func given(ctx context.Context, when string) error {
	err := fmt.Errorf("given up %s: %w", when, ctx.Err())
	if cause := context.Cause(ctx); cause != ctx.Err() {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	return err
}

// contextual is a crypto.Signer that takes the context of the request that it signs for.
type contextual interface {
	WithContext(context.Context) crypto.Signer
}

// Signer returns a signer for docslogin.SignWith that uses s, which may be slow, hang, or
// panic. It is safe for concurrent use by multiple goroutines if s is.
//
// A signature is given up when the request's context ends or the time of [WithTimeout] is
// over. The error wraps [context.Canceled] or [context.DeadlineExceeded]. The call itself
// continues in its own goroutine until s returns; [WithConcurrency] limits the number of these
// goroutines. A panic of s is an error.
//
// If s also has the method WithContext(context.Context) crypto.Signer, each signature is made
// by the signer that it returns for the request's context. That context also ends with the time
// limit.
//
// The result prints as "[redacted]", even if s is an in-process private key.
//
// Signer calls s.Public once. The key must be P-256 for platforms that take ES256, and Ed25519
// for those that take EdDSA; otherwise docslogin.New returns an error.
func Signer(s crypto.Signer, opts ...Option) (jose.OpaqueSigner, error) {
	l, err := newLimits(opts)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, errors.New("docslogin/hsm: the signer is nil")
	}
	return newSigner(s, l)
}

func newSigner(s crypto.Signer, l *limits) (jose.OpaqueSigner, error) {
	made, err := call(context.Background(), l, func(context.Context) (jose.OpaqueSigner, error) {
		public := s.Public()
		algs := cryptosigner.Opaque(known{s, public}).Algs()
		if len(algs) == 0 {
			return nil, fmt.Errorf("it is a %T; it must be an *ecdsa.PublicKey on P-256 or an ed25519.PublicKey", public)
		}
		sign := func(ctx context.Context, payload []byte, alg jose.SignatureAlgorithm) ([]byte, error) {
			current := s
			if c, ok := s.(contextual); ok {
				current = c.WithContext(ctx)
			}
			return cryptosigner.Opaque(known{current, public}).SignPayload(payload, alg)
		}
		return &signer{ctx: context.Background(), limits: l, public: public, algs: algs, sign: sign}, nil
	})
	if err != nil {
		return nil, fmt.Errorf("docslogin/hsm: asking for the public key: %w", err)
	}
	return made, nil
}

// known is a signer with its public key, so that nobody asks it again.
type known struct {
	crypto.Signer
	public crypto.PublicKey
}

func (k known) Public() crypto.PublicKey { return k.public }

// signer is a jose.OpaqueSigner for one request or, with the background context, for all.
type signer struct {
	redacted
	ctx    context.Context
	limits *limits
	public crypto.PublicKey
	algs   []jose.SignatureAlgorithm
	// A closure holds the crypto.Signer, which may be a private key, so that fmt cannot print it.
	sign func(ctx context.Context, payload []byte, alg jose.SignatureAlgorithm) ([]byte, error)
}

func (s *signer) Public() *jose.JSONWebKey { return &jose.JSONWebKey{Key: s.public} }

func (s *signer) Algs() []jose.SignatureAlgorithm { return s.algs }

// WithContext is what docslogin.SignWith looks for.
func (s *signer) WithContext(ctx context.Context) jose.OpaqueSigner {
	bound := *s
	bound.ctx = ctx
	return &bound
}

func (s *signer) SignPayload(payload []byte, alg jose.SignatureAlgorithm) ([]byte, error) {
	signature, err := call(s.ctx, s.limits, func(ctx context.Context) ([]byte, error) { return s.sign(ctx, payload, alg) })
	if err != nil {
		return nil, fmt.Errorf("docslogin/hsm: no signature: %w", err)
	}
	return signature, nil
}
