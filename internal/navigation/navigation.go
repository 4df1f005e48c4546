// Package navigation decides from a request's headers whether a visitor navigates to the login route.
package navigation

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/docslogin/docslogin/internal/limit"
)

// IsSpeculative reports whether a browser loads the page before the visitor asks for it. It also
// reports true if a header that it reads is too long to be a browser's.
func IsSpeculative(h http.Header) bool {
	isPrefetch := func(purpose string) bool { return strings.EqualFold(purpose, "prefetch") }
	mentionsPrefetch := func(purpose string) bool { return strings.Contains(strings.ToLower(purpose), "prefetch") }
	return limit.AnyValue(h, mentionsPrefetch, "Sec-Purpose") || // also "prefetch;prerender" (Fetch standard)
		limit.AnyValue(h, isPrefetch, "Purpose", "X-Purpose", "X-Moz")
}

// CheckEmbedded returns an error if a page or a script loads the route, instead of navigating to it, or
// if a header that it reads is too long to be a browser's.
func CheckEmbedded(h http.Header) error {
	if h["Sec-Websocket-Key"] != nil { // a script's handshake; Chromium sends no Sec-Fetch-Mode with it
		return errors.New("a script opens a WebSocket")
	}
	// Sec-Fetch-Site is not checked, because a login comes from another site, the docs. A service
	// worker that forwards a navigation sends the destination "empty".
	isNot := func(allowed ...string) func(string) bool {
		return func(value string) bool { return !slices.Contains(allowed, value) }
	}
	if limit.AnyValue(h, isNot("document", "empty"), "Sec-Fetch-Dest") {
		return errors.New("a page loads the route as a part of itself, according to Sec-Fetch-Dest; link to the route instead")
	}
	if limit.AnyValue(h, isNot("navigate"), "Sec-Fetch-Mode") {
		return errors.New("a script or a service worker made the request, according to Sec-Fetch-Mode; navigate to the route instead, and exclude it from the service worker")
	}
	return nil
}
