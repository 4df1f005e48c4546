package limit_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/docslogin/docslogin/internal/limit"
)

func repeated(value string, count int) []string { return slices.Repeat([]string{value}, count) }

func TestAnyValue(t *testing.T) {
	for _, tt := range []struct {
		name   string
		header http.Header
		want   bool
	}{
		{"no header", nil, false},
		{"another header", http.Header{"C": {"x"}}, false},
		{"a value that does not match", http.Header{"A": {"y"}}, false},
		{"a value that matches", http.Header{"A": {"x"}}, true},
		{"a value that matches on the second line", http.Header{"A": {"y", "x"}}, true},
		{"a value that matches in the second header", http.Header{"A": {"y"}, "B": {"x"}}, true},
		{"one value of 8 KiB with its separator", http.Header{"A": {strings.Repeat("y", 8190)}}, false},
		{"a byte more", http.Header{"A": {strings.Repeat("y", 8191)}}, true},
		{"two headers of almost 8 KiB each", http.Header{"A": {strings.Repeat("y", 8000)}, "B": {strings.Repeat("y", 8000)}}, false},
		{"empty values with separators of 8 KiB", http.Header{"A": repeated("", 4096)}, false},
		{"one more empty value", http.Header{"A": repeated("", 4097)}, true},
		{"another header that is too long", http.Header{"C": repeated("x", 100_000)}, false},
	} {
		if got := limit.AnyValue(tt.header, func(value string) bool { return value == "x" }, "A", "B"); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// AnyValue reads neither the value that exceeds the limit nor those after it.
func TestLongHeadersAreNotReadToTheEnd(t *testing.T) {
	for name, tt := range map[string]struct {
		values []string
		reads  int
	}{
		"one long value":          {repeated(strings.Repeat("y", 1<<20), 1), 0},
		"a long value at the end": {[]string{"y", "y", strings.Repeat("y", 8192)}, 2},
		"many short values":       {repeated("yyyyyy", 100_000), 1024},
		"many empty values":       {repeated("", 100_000), 4096},
	} {
		reads := 0
		limit.AnyValue(http.Header{"A": tt.values}, func(string) bool { reads++; return false }, "A")
		if reads != tt.reads {
			t.Errorf("%s: read %d values, want %d", name, reads, tt.reads)
		}
	}
}
