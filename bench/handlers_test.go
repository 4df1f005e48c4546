package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
)

func TestTimedChecksTheStatus(t *testing.T) {
	calls := 0
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { calls++; w.WriteHeader(302) })
	requests := []*http.Request{httptest.NewRequest("GET", "/", nil)}
	took, err := timed(h, requests, 302, time.Millisecond)()
	if err != nil || took <= 0 || took > 1e6 || calls < 2 {
		t.Errorf("%v ns of %d calls, %v", took, calls, err)
	}
	if _, err := timed(h, requests, 204, time.Millisecond)(); err == nil || !strings.Contains(err.Error(), "responds with 302 instead of 204") {
		t.Errorf("%v", err)
	}
}

// busy responds with 302 after d of processor time. A sleep would take none.
func busy(d time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for start := processorTime(); processorTime()-start < d; {
		}
		w.WriteHeader(302)
	})
}

func TestTimedReturnsTheProcessorTime(t *testing.T) {
	requests := []*http.Request{httptest.NewRequest("GET", "/", nil)}
	took, err := timed(busy(100*time.Microsecond), requests, 302, time.Millisecond)()
	if err != nil || took < 1e5 || took > 1e6 {
		t.Errorf("%v ns for 100 µs, %v", took, err)
	}
}

func TestServeUsesTheRequestsInTurn(t *testing.T) {
	var order strings.Builder
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		order.WriteString(r.URL.Path)
		if len(w.Header()) != 0 {
			t.Error("the headers of the previous response are still there")
		}
		w.Header().Set("X-Response", "1")
	})
	serve(h, []*http.Request{httptest.NewRequest("GET", "/a", nil), httptest.NewRequest("GET", "/b", nil)}, 3)
	if order.String() != "/a/b/a" {
		t.Errorf("served %s", &order)
	}
}

// The row about other routes counts these calls, and must not miss any.
func TestCountedRecordsEveryFunction(t *testing.T) {
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
			t.Errorf("%s %s called %q", tt.method, tt.path, got)
		}
	}
}

func TestCountedSignerCounts(t *testing.T) {
	s := sitesFor(t)[1]
	signer, platform, err := countedPlatform(s)
	if err != nil {
		t.Fatal(err)
	}
	docs, err := docslogin.New(signedIn, platform)
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

func TestStagesRestoreTheCores(t *testing.T) {
	cores := runtime.GOMAXPROCS(0)
	b := &bench{rounds: 1, handler: time.Millisecond, each: io.Discard, sites: sitesFor(t)}
	for _, s := range []stage{otherRoutes(b), logins(b, b.sites[0]), worstRequest(b), twoCores(b)} {
		if _, err := s.measure(context.Background()); err != nil {
			t.Fatal(err)
		}
		if now := runtime.GOMAXPROCS(0); now != cores {
			t.Errorf("GOMAXPROCS is %d after %q, not %d", now, s.goals[0].name, cores)
		}
	}
}
