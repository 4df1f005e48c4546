package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// location has a parameter that looks like a token.
const location = "https://docs.example.com?auth_token=eyJhbGciOiJIUzI1NiJ9.eyJpYXQiOjF9.c2lnbmF0dXJl"

func appOf(t *testing.T, h http.HandlerFunc) *app {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return &app{url: server.URL, cookie: "session=ada"}
}

func TestLoadCountsAndTimesLogins(t *testing.T) {
	var served, slow atomic.Int64
	a := appOf(t, func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("session"); err != nil || c.Value != "ada" || r.URL.RawQuery != "redirect=%2Fdocs%2Fgetting-started" {
			t.Errorf("the request is %s with the cookie %v", r.URL, c)
		}
		if served.Add(1)%20 == 0 { // more than 1 %
			slow.Add(1)
			time.Sleep(30 * time.Millisecond)
		}
		w.Header().Set("Location", location)
		w.WriteHeader(302)
		_, _ = w.Write([]byte("a body, as in Express"))
	})
	start := time.Now()
	l, err := a.load(100 * time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	most := float64(served.Load()) / 0.1
	least := float64(served.Load()) / time.Since(start).Seconds()
	if l.perSecond < least || l.perSecond > most {
		t.Errorf("%v logins per second, want %v to %v", l.perSecond, least, most)
	}
	if l.p99 < 30*time.Millisecond || l.p99 > time.Since(start) {
		t.Errorf("p99 is %v, and %d of %d took 30 ms", l.p99, slow.Load(), served.Load())
	}
}

func TestLoadFailsWithoutAToken(t *testing.T) {
	for _, tt := range []struct {
		name, location string
		status         int
	}{
		{"an error page", location, 500},
		{"a redirect to the sign-in page", "/sign-in?next=%2Fdocs-login", 302},
		{"a redirect to the docs without a token", "https://docs.example.com?redirect=%2F", 302},
		{"a redirect to other docs", strings.Replace(location, "docs.", "evil.", 1), 302},
	} {
		a := appOf(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", tt.location)
			w.WriteHeader(tt.status)
		})
		if _, err := a.load(10 * time.Millisecond); err == nil || !strings.Contains(err.Error(), "instead of a 302 to the docs with a token") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
