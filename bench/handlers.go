package main

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/go-jose/go-jose/v4"
)

// response is a response writer that keeps the headers and drops the body, at almost no cost.
type response struct {
	header http.Header
	status int
}

func (r *response) Header() http.Header         { return r.header }
func (r *response) Write(p []byte) (int, error) { return len(p), nil }
func (r *response) WriteHeader(status int)      { r.status = status }

// serve calls h count times, with the requests in turn, and returns the last response.
func serve(h http.Handler, requests []*http.Request, count int) *response {
	w := &response{header: http.Header{}}
	for i := range count {
		clear(w.header)
		h.ServeHTTP(w, requests[i%len(requests)])
	}
	return w
}

// timed returns a function that serves the requests for about d and returns the processor time per
// request in nanoseconds. It returns an error if the last response has a different status.
func timed(h http.Handler, requests []*http.Request, status int, d time.Duration) func() (float64, error) {
	count := 0
	return func() (float64, error) {
		for try := 1; count == 0; try *= 2 { // warms up, too
			start := processorTime()
			serve(h, requests, try)
			if took := processorTime() - start; took > d/4 {
				count = max(1, int(float64(try)*float64(d)/float64(took)))
			}
		}
		runtime.GC() // so that this contestant does not collect another's garbage
		start := processorTime()
		w := serve(h, requests, count)
		took := processorTime() - start
		if w.status != status {
			return 0, fmt.Errorf("the handler responds with %d instead of %d", w.status, status)
		}
		return float64(took) / float64(count), nil
	}
}

// processorTime returns the processor time of this process. It does not grow while other processes
// run.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // fails only for an invalid argument
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// onOneCore restricts the process to one core, so that garbage collection is not free.
func onOneCore() (restore func()) {
	before := runtime.GOMAXPROCS(1)
	return func() { runtime.GOMAXPROCS(before) }
}

func loginRequest() *http.Request { return httptest.NewRequest("GET", login, nil) }

// allocations returns the number of allocations per request.
func allocations(h http.Handler, r *http.Request) float64 {
	w := &response{header: http.Header{}}
	return testing.AllocsPerRun(1000, func() {
		clear(w.header)
		h.ServeHTTP(w, r)
	})
}

// otherRoutes measures what the middleware adds to requests that it passes on.
func otherRoutes(b *bench) stage {
	return stage{[]goal{
		atMost(0, "", "request for another route: allocations added"),
		atMost(0, "", "request for another route: calls of the app's functions"),
		atMost(8, "ns", "request for another route: time added"),
		atMost(1.06, "×", "request for another route: time vs. the mux of 30 routes alone"),
	}, func(ctx context.Context) ([]figure, error) {
		defer onOneCore()()
		mux := http.NewServeMux()
		var requests []*http.Request
		for i := range 10 {
			for _, route := range []struct{ method, suffix string }{{"GET", ""}, {"POST", ""}, {"GET", "/{id}"}} {
				pattern := fmt.Sprintf("%s /api/resource-%d%s", route.method, i, route.suffix)
				mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
				requests = append(requests, httptest.NewRequest(route.method, strings.Replace(strings.Fields(pattern)[1], "{id}", "42", 1), nil))
			}
		}
		wrapped, called, err := counted(b.sites[0], mux)
		if err != nil {
			return nil, err
		}
		var added float64
		for _, r := range requests {
			added += allocations(wrapped, r) - allocations(mux, r)
		}
		times, err := alternate(ctx, b.rounds, timed(mux, requests, 204, b.handler), timed(wrapped, requests, 204, b.handler))
		if err != nil {
			return nil, err
		}
		return []figure{exact(added), exact(float64(len(called.take()))), difference(times[1], times[0]), ratio(times[1], times[0])}, nil
	}}
}

// calls records which of the app's functions were called. It is safe for concurrent use by multiple
// goroutines.
type calls struct {
	mu   sync.Mutex
	made []string
}

func (c *calls) add(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made = append(c.made, name)
}

// take returns the calls since the last take.
func (c *calls) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	made := c.made
	c.made = nil
	return made
}

// counted wraps next in the middleware, and records the calls of every function that an app can pass
// to it.
func counted(s *site, next http.Handler) (http.Handler, *calls, error) {
	c := new(calls)
	platform := s.preset(docsURL, s.key)
	mapper := platform.Mapper
	platform.Mapper = func(ctx context.Context, u *docslogin.User, claims docslogin.Claims) error {
		c.add("the platform's mapper")
		return mapper(ctx, u, claims)
	}
	docs, err := docslogin.New(
		func(r *http.Request) (*docslogin.User, error) { c.add("lookup"); return signedIn(r) }, platform,
		docslogin.WithClaimsMapper(func(context.Context, *docslogin.User, docslogin.Claims) error { c.add("mapper"); return nil }),
		docslogin.WithObserver(func(context.Context, docslogin.Event) { c.add("observer") }),
		docslogin.WithErrorHandler(func(http.ResponseWriter, *http.Request, *docslogin.LoginError) { c.add("error handler") }),
		docslogin.WithClock(func() time.Time { c.add("clock"); return time.Now() }),
		docslogin.WithLogger(slog.New(countedLog{slog.DiscardHandler, c})),
	)
	if err != nil {
		return nil, nil, err
	}
	c.take() // drops the calls that New made
	return docs.Wrap(next), c, nil
}

type countedLog struct {
	slog.Handler
	calls *calls
}

func (l countedLog) Enabled(context.Context, slog.Level) bool { l.calls.add("logger"); return false }

// logins compares a whole login with the peers' logins.
func logins(b *bench, s *site) stage {
	limit, name := limits[s.algorithm], s.algorithm+" login: time vs. "
	return stage{[]goal{
		atMost(limit.byHand, "×", name+"a handwritten handler without checks"),
		atMost(limit.golangJWT, "×", name+"golang-jwt"),
		atMost(limit.goJose, "×", name+"go-jose with a signer per request"),
	}, func(ctx context.Context) ([]figure, error) {
		defer onOneCore()()
		peers, err := s.peers()
		if err != nil {
			return nil, err
		}
		var contestants []func() (float64, error)
		for _, peer := range peers {
			contestants = append(contestants, timed(peer, []*http.Request{loginRequest()}, 302, b.handler))
		}
		times, err := alternate(ctx, b.rounds, contestants...)
		if err != nil {
			return nil, err
		}
		return []figure{ratio(times[0], times[1]), ratio(times[0], times[2]), ratio(times[0], times[3])}, nil
	}}
}

// loginAllocations counts the allocations per request, and the signatures for anonymous requests.
func loginAllocations(b *bench) stage {
	var goals []goal
	for _, s := range b.sites {
		goals = append(goals, atMost(limits[s.algorithm].allocations, "", s.algorithm+" login: allocations"))
	}
	return stage{append(goals,
		atMost(16, "", "anonymous request: allocations"),
		atMost(0, "", "anonymous request: signatures"),
	), func(context.Context) ([]figure, error) {
		var figures []figure
		for _, s := range b.sites {
			docs, err := docslogin.New(signedIn, s.preset(docsURL, s.key))
			if err != nil {
				return nil, err
			}
			figures = append(figures, exact(allocations(docs, loginRequest())))
		}
		signer, platform, err := countedPlatform(b.sites[1])
		if err != nil {
			return nil, err
		}
		docs, err := docslogin.New(anonymous, platform, docslogin.WithSignInPage("/sign-in", "next"))
		if err != nil {
			return nil, err
		}
		signer.signed.Store(0) // New makes a trial signature
		return append(figures, exact(allocations(docs, loginRequest())), exact(float64(signer.signed.Load()))), nil
	}}
}

// countedPlatform returns the platform of a site for EdDSA, with a signer that counts its
// signatures.
func countedPlatform(s *site) (*countedSigner, docslogin.Platform, error) {
	platform := s.preset(docsURL, s.key)
	key, err := s.signingKey()
	if err != nil {
		return nil, platform, err
	}
	signer := &countedSigner{key: key.(ed25519.PrivateKey)}
	platform.Key = docslogin.SignWith(signer)
	return signer, platform, nil
}

// countedSigner counts its signatures.
type countedSigner struct {
	key    ed25519.PrivateKey
	signed atomic.Int64
}

func (s *countedSigner) Public() *jose.JSONWebKey {
	return &jose.JSONWebKey{Key: s.key.Public(), Algorithm: string(jose.EdDSA)}
}

func (s *countedSigner) Algs() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.EdDSA}
}

func (s *countedSigner) SignPayload(payload []byte, _ jose.SignatureAlgorithm) ([]byte, error) {
	s.signed.Add(1)
	return ed25519.Sign(s.key, payload), nil
}
