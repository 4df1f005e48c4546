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

// answer is a response writer that costs next to nothing.
type answer struct {
	header http.Header
	status int
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) Write(p []byte) (int, error) { return len(p), nil }
func (a *answer) WriteHeader(status int)      { a.status = status }

// serve has h answer so many requests, in turn.
func serve(h http.Handler, requests []*http.Request, count int) *answer {
	w := &answer{header: http.Header{}}
	for i := range count {
		clear(w.header)
		h.ServeHTTP(w, requests[i%len(requests)])
	}
	return w
}

// timed returns a func that has h answer requests for about d, and says how many
// nanoseconds of processor time one took. The answers must have the status.
func timed(h http.Handler, requests []*http.Request, status int, d time.Duration) func() (float64, error) {
	count := 0
	return func() (float64, error) {
		for try := 1; count == 0; try *= 2 { // finds out how many fit into d, and warms up
			start := processorTime()
			serve(h, requests, try)
			if took := processorTime() - start; took > d/4 {
				count = max(1, int(float64(try)*float64(d)/float64(took)))
			}
		}
		runtime.GC() // nobody clears up after somebody else
		start := processorTime()
		w := serve(h, requests, count)
		took := processorTime() - start
		if w.status != status {
			return 0, fmt.Errorf("a handler answers %d, and %d was expected", w.status, status)
		}
		return float64(took) / float64(count), nil
	}
}

// processorTime returns what this process has used, which does not grow while other
// processes run.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // of a bad argument only
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// onOneCore keeps collecting the garbage from being free.
func onOneCore() (restore func()) {
	before := runtime.GOMAXPROCS(1)
	return func() { runtime.GOMAXPROCS(before) }
}

func loginRequest() *http.Request { return httptest.NewRequest("GET", login, nil) }

// allocations counts those of one answer.
func allocations(h http.Handler, r *http.Request) float64 {
	w := &answer{header: http.Header{}}
	return testing.AllocsPerRun(1000, func() {
		clear(w.header)
		h.ServeHTTP(w, r)
	})
}

// otherRequests measures what the middleware costs a request that is not for it.
func otherRequests(b *bench) stage {
	return stage{[]goal{
		atMost(0, "", "a request that is not for the route: allocations added"),
		atMost(0, "", "a request that is not for the route: the app's own funcs called"),
		atMost(8, "ns", "a request that is not for the route: time added"),
		atMost(1.06, "×", "a request that is not for the route: against the bare mux of 30 routes"),
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

// calls remembers which of the app's funcs were called.
type calls struct {
	mu   sync.Mutex
	made []string
}

func (c *calls) add(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made = append(c.made, name)
}

// take returns the calls since it was last asked.
func (c *calls) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	made := c.made
	c.made = nil
	return made
}

// counted wraps next by a middleware that remembers the calls of everything that an app
// may hand to it.
func counted(s *site, next http.Handler) (http.Handler, *calls, error) {
	c := new(calls)
	platform := s.preset(docsURL, s.key)
	mapper := platform.Mapper
	platform.Mapper = func(ctx context.Context, u *docslogin.User, claims docslogin.Claims) error {
		c.add("the platform's mapper")
		return mapper(ctx, u, claims)
	}
	docs, err := docslogin.New(
		func(r *http.Request) (*docslogin.User, error) { c.add("lookup"); return isAda(r) }, platform,
		docslogin.WithClaimsMapper(func(context.Context, *docslogin.User, docslogin.Claims) error { c.add("mapper"); return nil }),
		docslogin.WithObserver(func(context.Context, docslogin.Event) { c.add("observer") }),
		docslogin.WithErrorHandler(func(http.ResponseWriter, *http.Request, *docslogin.LoginError) { c.add("error handler") }),
		docslogin.WithClock(func() time.Time { c.add("clock"); return time.Now() }),
		docslogin.WithLogger(slog.New(countedLog{slog.DiscardHandler, c})),
	)
	if err != nil {
		return nil, nil, err
	}
	c.take() // New may call some
	return docs.Wrap(next), c, nil
}

type countedLog struct {
	slog.Handler
	calls *calls
}

func (l countedLog) Enabled(context.Context, slog.Level) bool { l.calls.add("logger"); return false }

// logins compares a whole login with those of the peers.
func logins(b *bench, s *site) stage {
	limits := map[string][]float64{"HS256": {1.9, 1.15, 0.8}, "EdDSA": {1.25, 1.05, 0.9}, "ES256": {1.2, 1.05, 0.9}}[s.algorithm]
	return stage{[]goal{
		atMost(limits[0], "×", "a login, "+s.algorithm+": against one written by hand that checks nothing"),
		atMost(limits[1], "×", "a login, "+s.algorithm+": against golang-jwt as people use it"),
		atMost(limits[2], "×", "a login, "+s.algorithm+": against go-jose as people use it at first"),
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

// allocationsOfLogins are exact.
func allocationsOfLogins(b *bench) stage {
	return stage{[]goal{
		atMost(130, "", "allocations of a login, HS256"),
		atMost(125, "", "allocations of a login, EdDSA"),
		atMost(195, "", "allocations of a login, ES256"),
		atMost(25, "", "allocations for an anonymous visitor"),
		atMost(0, "", "signatures for anonymous visitors"),
	}, func(context.Context) ([]figure, error) {
		var figures []figure
		for _, s := range b.sites {
			docs, err := docslogin.New(isAda, s.preset(docsURL, s.key))
			if err != nil {
				return nil, err
			}
			figures = append(figures, exact(allocations(docs, loginRequest())))
		}
		signer, platform, err := countedPlatform(b.sites[1])
		if err != nil {
			return nil, err
		}
		nobody := func(*http.Request) (*docslogin.User, error) { return nil, nil }
		docs, err := docslogin.New(nobody, platform, docslogin.WithSignInPage("/sign-in", "next"))
		if err != nil {
			return nil, err
		}
		signer.signed.Store(0) // New makes a trial signature
		return append(figures, exact(allocations(docs, loginRequest())), exact(float64(signer.signed.Load()))), nil
	}}
}

// countedPlatform has its tokens signed by a signer that counts.
func countedPlatform(eddsa *site) (*countedSigner, docslogin.Platform, error) {
	platform := eddsa.preset(docsURL, eddsa.key)
	key, err := eddsa.privateKey()
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

// memory measures what a million logins leave behind.
func memory(b *bench) stage {
	return stage{[]goal{
		atMost(64, "KiB", "live heap added by a million logins"),
	}, func(ctx context.Context) ([]figure, error) {
		var handlers []http.Handler
		for _, s := range b.sites {
			docs, err := docslogin.New(isAda, s.preset(docsURL, s.key))
			if err != nil {
				return nil, err
			}
			handlers = append(handlers, docs)
		}
		if _, err := grown(ctx, handlers, 6000); err != nil { // what is made once, is made
			return nil, err
		}
		bytes, err := grown(ctx, handlers, b.logins)
		return []figure{exact(float64(bytes / 1024))}, err
	}}
}

// grown returns how many bytes more are live after so many logins, in thousands by turns.
func grown(ctx context.Context, handlers []http.Handler, logins int) (int64, error) {
	before := liveHeap()
	requests := []*http.Request{loginRequest()}
	for thousand := range logins / 1000 {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		serve(handlers[thousand%len(handlers)], requests, 1000)
	}
	after := liveHeap()
	runtime.KeepAlive(handlers)
	return after - before, nil
}

// liveHeap returns the bytes that stay when the garbage is collected.
func liveHeap() int64 {
	runtime.GC()
	runtime.GC() // what is in a sync.Pool survives the first
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// twoCores measures what a second core brings.
func twoCores(b *bench) stage {
	return stage{[]goal{
		atLeast(1.7, "×", "logins per second on two cores, EdDSA: against one core"),
	}, func(ctx context.Context) ([]figure, error) {
		s := b.sites[1]
		docs, err := docslogin.New(isAda, s.preset(docsURL, s.key))
		if err != nil {
			return nil, err
		}
		on := func(cores int) func() (float64, error) {
			return func() (float64, error) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
				return perSecond(docs, 2*b.handler), nil
			}
		}
		rates, err := alternate(ctx, b.rounds, on(2), on(1))
		if err != nil {
			return nil, err
		}
		return []figure{ratio(rates[0], rates[1])}, nil
	}}
}

// perSecond has four goroutines log in for about d, and says how often they did a second.
func perSecond(h http.Handler, d time.Duration) float64 {
	runtime.GC()
	var logins atomic.Int64
	var visitors sync.WaitGroup
	start := time.Now()
	for range 4 {
		visitors.Go(func() {
			requests := []*http.Request{loginRequest()}
			for time.Since(start) < d {
				serve(h, requests, 10)
				logins.Add(10)
			}
		})
	}
	visitors.Wait()
	return float64(logins.Load()) / time.Since(start).Seconds()
}
