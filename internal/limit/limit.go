// Package limit bounds the work that a request can cause before it is known who sent it.
package limit

import "net/http"

// Bytes is the maximum length of a query or a header that is parsed. Those that browsers and docs
// platforms send are shorter, because most servers and proxies accept no more.
const Bytes = 8 << 10

// AnyValue reports whether f reports true for any value of the headers with these names, which must
// be in canonical form. It also reports true if the values of one header are together longer than
// [Bytes], and does not read the rest.
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
