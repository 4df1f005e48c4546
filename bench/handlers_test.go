package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
)

func TestWhatIsTimedMustAnswerAsItShould(t *testing.T) {
	calls := 0
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { calls++; w.WriteHeader(302) })
	requests := []*http.Request{httptest.NewRequest("GET", "/", nil)}
	took, err := timed(h, requests, 302, time.Millisecond)()
	if err != nil || took <= 0 || took > 1e6 || calls < 2 {
		t.Errorf("%v ns of %d calls, %v", took, calls, err)
	}
	if _, err := timed(h, requests, 204, time.Millisecond)(); err == nil || !strings.Contains(err.Error(), "answers 302, and 204") {
		t.Errorf("%v", err)
	}
}

// It has to be a busy loop: a sleep takes no processor time.
func TestSlowerHandlersTakeLonger(t *testing.T) {
	busy := func(d time.Duration) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for start := processorTime(); processorTime()-start < d; {
			}
			w.WriteHeader(302)
		})
	}
	requests := []*http.Request{httptest.NewRequest("GET", "/", nil)}
	took, err := timed(busy(100*time.Microsecond), requests, 302, time.Millisecond)()
	if err != nil || took < 1e5 || took > 1e6 {
		t.Errorf("%v ns for 100 µs, %v", took, err)
	}
}

func TestRequestsAreServedInTurn(t *testing.T) {
	var order strings.Builder
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		order.WriteString(r.URL.Path)
		if len(w.Header()) != 0 {
			t.Error("headers are left from the answer before")
		}
		w.Header().Set("X-Answer", "1")
	})
	serve(h, []*http.Request{httptest.NewRequest("GET", "/a", nil), httptest.NewRequest("GET", "/b", nil)}, 3)
	if order.String() != "/a/b/a" {
		t.Errorf("served: %s", &order)
	}
}

// Without this, "none was called" would say nothing.
func TestEveryFuncOfTheAppIsCounted(t *testing.T) {
	h, called, err := counted(sitesFor(t)[0], http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		method, path string
		want         []string
	}{
		{"GET", "/other", nil},
		{"GET", "/docs-login", []string{"clock", "logger", "lookup", "mapper", "observer", "the platform's mapper"}},
		{"POST", "/docs-login", []string{"error handler", "logger", "observer"}},
	} {
		called.take()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(tt.method, tt.path, nil))
		if got := slices.Compact(slices.Sorted(slices.Values(called.take()))); !slices.Equal(got, tt.want) {
			t.Errorf("%s %s calls %q", tt.method, tt.path, got)
		}
	}
}

func TestSignaturesAreCounted(t *testing.T) {
	s := sitesFor(t)[1]
	signer, platform, err := countedPlatform(s)
	if err != nil {
		t.Fatal(err)
	}
	docs, err := docslogin.New(isAda, platform)
	if err != nil {
		t.Fatal(err)
	}
	before := signer.signed.Load()
	serve(docs, []*http.Request{loginRequest()}, 5)
	if n := signer.signed.Load() - before; n != 5 {
		t.Errorf("%d signatures for 5 logins", n)
	}
}

func TestAllocationsAreCounted(t *testing.T) {
	var kept []byte
	h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { kept = bytes.Clone([]byte("12345")) })
	if n := allocations(h, loginRequest()); n != 1 {
		t.Errorf("%v allocations, want 1", n)
	}
	runtime.KeepAlive(kept)
}

func TestTheLiveHeapIsWhatStays(t *testing.T) {
	before := liveHeap()
	kept := make([]byte, 4<<20)
	with := liveHeap()
	runtime.KeepAlive(kept)
	without := liveHeap()
	if with-before < 3<<20 || without-before > 1<<20 {
		t.Errorf("%d bytes are added by 4 MiB, and %d stay", with-before, without-before)
	}
}

func TestWhatLoginsLeaveBehindIsSeen(t *testing.T) {
	var kept [][]byte
	count := 0
	leaks := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { kept = append(kept, make([]byte, 1024)) })
	keepsNothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { count++ })
	bytes, err := grown(context.Background(), []http.Handler{leaks, keepsNothing}, 6000)
	if err != nil || bytes < 3000*1024 || bytes > 2*3000*1024 {
		t.Errorf("%d bytes for 3,000 times 1 KiB, %v", bytes, err)
	}
	if len(kept) != 3000 || count != 3000 {
		t.Errorf("%d and %d logins", len(kept), count)
	}
}

func TestLoginsPerSecond(t *testing.T) {
	var logins atomic.Int64
	h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { logins.Add(1) })
	start := time.Now()
	rate := perSecond(h, 20*time.Millisecond)
	most, least := float64(logins.Load())/0.02, float64(logins.Load())/time.Since(start).Seconds()
	if rate < least || rate > most {
		t.Errorf("%v logins per second, want %v to %v", rate, least, most)
	}
}

func TestStagesGiveTheCoresBack(t *testing.T) {
	cores := runtime.GOMAXPROCS(0)
	b := &bench{rounds: 1, handler: time.Millisecond, sites: sitesFor(t)}
	for _, s := range []stage{otherRequests(b), logins(b, b.sites[0]), twoCores(b)} {
		if _, err := s.measure(context.Background()); err != nil {
			t.Fatal(err)
		}
		if now := runtime.GOMAXPROCS(0); now != cores {
			t.Errorf("GOMAXPROCS is %d after %q, and was %d", now, s.goals[0].what, cores)
		}
	}
}
