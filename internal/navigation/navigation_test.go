package navigation_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/docslogin/docslogin/internal/navigation"
)

// header returns a request's headers, each given as "Name: value".
func header(lines ...string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	return h
}

// The errors of CheckEmbedded.
const (
	webSocket = "a script opens a WebSocket"
	part      = "a page loads the route as a part of itself, according to Sec-Fetch-Dest; link to the route instead"
	script    = "a script or a service worker made the request, according to Sec-Fetch-Mode; navigate to the route instead, and exclude it from the service worker"
)

func TestWhichRequestsAreNavigations(t *testing.T) {
	for _, tt := range []struct {
		name        string
		headers     []string
		speculative bool
		embedded    string // the error; "": none
	}{
		{"a link in a browser", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: cross-site"}, false, ""},
		{"a browser without fetch metadata", nil, false, ""},
		{"a navigation that a service worker passes on", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: empty"}, false, ""},
		{"another purpose", []string{"Purpose: preview-prefetch"}, false, ""},
		{"a Sec-Purpose of 8 KiB", []string{"Sec-Purpose: " + strings.Repeat("x", 8190)}, false, ""},
		{"a thousand values of another header", slices.Repeat([]string{"Sec-Other: x"}, 1000), false, ""},

		{"a prefetch", []string{"Sec-Purpose: prefetch"}, true, ""},
		{"a prerender", []string{"Sec-Purpose: prefetch;prerender"}, true, ""},
		{"a prefetch in mixed case", []string{"Sec-Purpose: Prefetch"}, true, ""},
		{"a prefetch by Purpose", []string{"Purpose: prefetch"}, true, ""},
		{"a prefetch by X-Purpose", []string{"X-Purpose: prefetch"}, true, ""},
		{"a prefetch by X-Moz", []string{"X-Moz: prefetch"}, true, ""},
		{"a purpose on the second line", []string{"Purpose: x", "Purpose: prefetch"}, true, ""},
		{"a Sec-Purpose over 8 KiB", []string{"Sec-Purpose: " + strings.Repeat("x", 8191)}, true, ""},
		{"a Purpose over 8 KiB", []string{"Purpose: " + strings.Repeat("x", 8191)}, true, ""},
		{"an X-Purpose over 8 KiB", []string{"X-Purpose: " + strings.Repeat("x", 8191)}, true, ""},
		{"an X-Moz over 8 KiB", []string{"X-Moz: " + strings.Repeat("x", 8191)}, true, ""},

		{"a scripted fetch", []string{"Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"}, false, script},
		{"an image", []string{"Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"}, false, part},
		{"a frame", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"}, false, part},
		{"an embed", []string{"Sec-Fetch-Dest: embed"}, false, part},
		{"a WebSocket", []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"}, false, webSocket},
		{"a WebSocket behind a proxy that drops Upgrade", []string{"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}, false, webSocket},
		{"an empty mode", []string{"Sec-Fetch-Mode: "}, false, script},
		{"a mode on the second line", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Mode: cors"}, false, script},
		{"a thousand modes", slices.Repeat([]string{"Sec-Fetch-Mode: navigate"}, 1000), false, script},
		{"a thousand destinations", slices.Repeat([]string{"Sec-Fetch-Dest: document"}, 1000), false, part},
	} {
		h, embedded := header(tt.headers...), ""
		if err := navigation.CheckEmbedded(h); err != nil {
			embedded = err.Error()
		}
		if speculative := navigation.IsSpeculative(h); speculative != tt.speculative || embedded != tt.embedded {
			t.Errorf("%s: speculative: %v, embedded: %q", tt.name, speculative, embedded)
		}
	}
}
