package main

import (
	"context"
	"crypto/ed25519"
	"net/http"
	"regexp"
	"sync/atomic"
	"testing"
	"time"
)

func TestPerSecondCounts(t *testing.T) {
	var served atomic.Int64
	h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served.Add(1) })
	start := time.Now()
	rate := perSecond(h, 20*time.Millisecond)
	most, least := float64(served.Load())/0.02, float64(served.Load())/time.Since(start).Seconds()
	if rate < least || rate > most {
		t.Errorf("%v per second, want %v to %v", rate, least, most)
	}
}

// A rate of zero would make an infinite ratio.
func TestPerSecondIsNeverZero(t *testing.T) {
	if rate := perSecond(http.NotFoundHandler(), 0); rate <= 0 {
		t.Errorf("%v per second", rate)
	}
}

func TestTheTwoCoresRowHasBothGains(t *testing.T) {
	b := &bench{rounds: 1, handler: time.Millisecond, sites: sitesFor(t)}
	figures, err := twoCores(b).measure(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	measured, _ := figures[0].columns("×")
	if !regexp.MustCompile(`^\d\.\d\d × \(.+\); Ed25519 alone: \d\.\d\d × \(.+\)$`).MatchString(measured) {
		t.Errorf("measured: %s", measured)
	}
}

func TestEd25519AloneSignsATokenPerCall(t *testing.T) {
	s := sitesFor(t)[1]
	alone, err := s.ed25519Alone()
	if err != nil {
		t.Fatal(err)
	}
	key, err := s.signingKey()
	if err != nil {
		t.Fatal(err)
	}
	token := make([]byte, 400) // about as long as a login's
	signs := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { ed25519.Sign(key.(ed25519.PrivateKey), token) })
	times, err := alternate(context.Background(), 5, timed(alone, []*http.Request{nil}, 0, 5*time.Millisecond), timed(signs, []*http.Request{nil}, 0, 5*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	if ratio := ratio(times[0], times[1]).value; ratio < 0.5 || ratio > 2 {
		t.Errorf("a call takes %.2f times as long as a signature", ratio)
	}
}
