// Package limit bounds the work that a request can cause before the app identifies the user.
package limit

import "net/http"

// Bytes is the maximum length of a query, a header, or a webhook's body that the library parses.
// Browsers and docs platforms send shorter ones. Many servers and proxies reject longer queries and
// headers.
const Bytes = 8 << 10

// AnyValue reports whether f returns true for any value of the named headers. It also returns true if
// the values of one header are together longer than [Bytes], and does not read the rest. The names
// must be in canonical form.
func AnyValue(h http.Header, f func(string) bool, names ...string) bool {
	for _, name := range names {
		length := 0
		for _, value := range h[name] {
			length += len(value) + len(", ") // as a list on one line (RFC 9110, section 5.3)
			if length > Bytes || f(value) {
				return true
			}
		}
	}
	return false
}
