package main

import (
	"context"
	"encoding/json"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docslogin/docslogin"
)

// twoCores measures what a second core adds to logins and, as the baseline, to Ed25519 signatures
// alone. A virtual machine does not always get two whole cores.
func twoCores(b *bench) stage {
	return stage{[]goal{
		atLeast(1.7, "×", "EdDSA logins per second: two cores vs. one"),
	}, func(ctx context.Context) ([]figure, error) {
		s := b.sites[1]
		docs, err := docslogin.New(signedIn, s.preset(docsURL, s.key))
		if err != nil {
			return nil, err
		}
		alone, err := s.ed25519Alone()
		if err != nil {
			return nil, err
		}
		on := func(cores int, h http.Handler) func() (float64, error) {
			return func() (float64, error) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
				return perSecond(h, 2*b.handler), nil
			}
		}
		rates, err := alternate(ctx, b.rounds, on(2, docs), on(1, docs), on(2, alone), on(1, alone))
		if err != nil {
			return nil, err
		}
		gain := ratio(rates[0], rates[1])
		gain.baseline = &baseline{"Ed25519 alone", ratio(rates[2], rates[3])}
		return []figure{gain}, nil
	}}
}

// ed25519Alone returns a handler that only signs, and signs the same bytes as a login of an EdDSA site.
func (s *site) ed25519Alone() (http.Handler, error) {
	key, err := s.signingKey()
	if err != nil {
		return nil, err
	}
	payload, err := json.Marshal(s.claims(ada, time.Now()))
	if err != nil {
		return nil, err
	}
	input := signingInput(s.header(), payload)
	return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { sign(key, input) }), nil
}

// perSecond calls h from four goroutines for about d, and returns the calls per second.
func perSecond(h http.Handler, d time.Duration) float64 {
	runtime.GC()
	var served atomic.Int64
	var users sync.WaitGroup
	start := time.Now()
	for range 4 {
		users.Go(func() {
			requests := []*http.Request{loginRequest()}
			for { // at least once, even if the machine is so busy that d is over
				serve(h, requests, 10)
				served.Add(10)
				if time.Since(start) >= d {
					return
				}
			}
		})
	}
	users.Wait()
	return float64(served.Load()) / time.Since(start).Seconds()
}
