package main

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestTheWorstRequestIsNamed(t *testing.T) {
	var each strings.Builder
	b := &bench{rounds: 2, handler: 20 * time.Millisecond, each: &each}
	request := func(name string, cost time.Duration) anonymousRequest {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/sign-in?next=%2Fdocs-login%3Fdocslogin_sent%3D1")
			busy(cost).ServeHTTP(w, r)
		})
		return anonymousRequest{name, h, newRequest("GET", "", nil), 302}
	}
	f, err := b.worst(context.Background(), []anonymousRequest{
		request("ordinary", 10*time.Microsecond), request("ants", 200*time.Microsecond), request("bees", 500*time.Microsecond), request("cats", 50*time.Microsecond),
	})
	if err != nil {
		t.Fatal(err)
	}
	if f.value < 0.5 || f.value > 1.5 { // milliseconds
		t.Errorf("the figure is %v", f)
	}
	if !regexp.MustCompile(`^bees; ordinary: \d+\.\d µs$`).MatchString(f.note) {
		t.Errorf("the note is %q", f.note)
	}
	if !regexp.MustCompile(`^ +\d+\.\d µs  bees\n +\d+\.\d µs  ants\n +\d+\.\d µs  cats\n +\d+\.\d µs  ordinary\n$`).MatchString(each.String()) {
		t.Errorf("-each prints\n%s", &each)
	}
}

func TestWrongResponsesAreErrors(t *testing.T) {
	for _, tt := range []struct {
		name     string
		correct  int
		status   int
		location string
		want     string // of the error; "": none
	}{
		{"an expected error page", 405, 405, "", ""},
		{"the sign-in page", 302, 302, "/sign-in?next=%2Fdocs-login%3Fdocslogin_sent%3D1", ""},
		{"an unexpected error page", 302, 403, "", "bees: the status is 403, not 302"},
		{"no response", 302, 0, "", "bees: the status is 0, not 302"},
		{"the docs", 302, 302, "https://docs.example.com?auth_token=a.b.c", "bees: the redirect does not lead to the sign-in page"},
		{"the sign-in page without a return URL", 302, 302, "/sign-in", "bees: the redirect does not lead to the sign-in page"},
	} {
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", tt.location)
			w.WriteHeader(tt.status)
		})
		b := &bench{rounds: 1, handler: time.Millisecond, each: io.Discard}
		_, err := b.worst(context.Background(), []anonymousRequest{{"bees", h, newRequest("GET", "", nil), tt.correct}})
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || err.Error() != tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
