package main

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/docslogin/docslogin"
)

// anonymousRequests returns the requests by name.
func anonymousRequests(t *testing.T) map[string]anonymousRequest {
	t.Helper()
	requests, err := (&bench{sites: sitesFor(t)}).anonymousRequests()
	if err != nil {
		t.Fatal(err)
	}
	if requests[0].name != "an ordinary request" {
		t.Errorf("the first request is %s", requests[0].name)
	}
	named := map[string]anonymousRequest{}
	for _, r := range requests {
		if _, ok := named[r.name]; ok {
			t.Errorf("two requests are called %q", r.name)
		}
		named[r.name] = r
	}
	return named
}

func TestEveryRequestGetsItsResponse(t *testing.T) {
	for _, r := range anonymousRequests(t) {
		if err := r.check(); err != nil {
			t.Error(err)
		}
	}
}

// headerBytes returns the length of the headers in HTTP/1.1.
func headerBytes(header http.Header) (bytes int) {
	for name, values := range header {
		for _, value := range values {
			bytes += len(name + ":" + value + "\r\n")
		}
	}
	return bytes
}

func TestHostileRequestsAreAsLargeAsTheyCanBe(t *testing.T) {
	for name, r := range anonymousRequests(t) {
		query, header := len(r.request.URL.RawQuery), headerBytes(r.request.Header)
		if header > 1<<20+64 {
			t.Errorf("%s: net/http rejects %d bytes of headers", name, header)
		}
		if strings.Contains(name, "a long ") && header < 1<<20 || strings.Contains(name, "many ") && header < 1<<20-100 {
			t.Errorf("%s: only %d bytes of headers", name, header)
		}
		want := query
		switch {
		case strings.Contains(name, "64 KiB of %"):
			want = 65536
		case strings.Contains(name, "8 KiB"), strings.Contains(name, "return marker of"), strings.Contains(name, "too long") && r.request.Method == "GET", strings.Contains(name, "echoed parameter of"):
			want = 8192
		}
		if query != want || query > 8192 && want != 65536 {
			t.Errorf("%s: the query has %d bytes", name, query)
		}
	}
}

func TestHostileLinksAreFollowedUnlessAmbiguous(t *testing.T) {
	var event docslogin.Event
	observer := docslogin.WithObserver(func(_ context.Context, e docslogin.Event) { event = e })
	for _, p := range (&bench{sites: sitesFor(t)}).platforms() {
		docs, err := docslogin.New(anonymous, p, docslogin.WithSignInPage("/sign-in", "next"), observer)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range hostileLinks(p.DocsURL) {
			if len(l.value) != 2048 {
				t.Errorf("%s, %s: %d bytes", p.Name, l.name, len(l.value))
			}
			serve(docs, []*http.Request{newRequest("GET", p.DeepLink.In+"="+url.QueryEscape(l.value), nil)}, 1)
			if rejected := strings.Contains(event.Warning, "ambiguous"); rejected != (l.name == "%25") {
				t.Errorf("%s, %s: %s", p.Name, l.name, event.Warning)
			}
		}
	}
}
