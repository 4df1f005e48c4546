package visible_test

import (
	"testing"

	"github.com/docslogin/docslogin/internal/visible"
)

func TestTrim(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"nothing around it", "Ada Lovelace", "Ada Lovelace"},
		{"white space", " \t\r\nAda\u00a0Lovelace\u3000\n", "Ada\u00a0Lovelace"},
		{"control characters", "\x00Ada\x7f\u0085", "Ada"},
		{"a zero-width space and a byte-order mark", "\ufeffAda\u200b", "Ada"},
		{"a bidirectional override", "\u202eAda\u202c", "Ada"},
		{"a zero-width joiner inside", "a\u200db", "a\u200db"},
		{"an emoji and an accent that combines", "👩e\u0301", "👩e\u0301"},
		{"only invisible characters", " \u200b\n", ""},
		{"nothing", "", ""},
	} {
		if got := visible.Trim(tt.text); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestIsBlank(t *testing.T) {
	for text, want := range map[string]bool{
		"": true, " ": true, "\t\r\n": true, "\u00a0\u3000": true,
		"x": false, " x ": false, "0": false, "\u200b": false, "\x00": false, "\xff": false,
	} {
		if got := visible.IsBlank(text); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

func TestEscape(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"a text that can be printed", `größe "日本" \n 👩`, `größe "日本" \n 👩`},
		{"a newline and a tab", "a\n\tb", `a\n\tb`},
		{"commands of a terminal", "\x1b[2J\u009b\x7f", `\x1b[2J\u009b\x7f`},
		{"a bidirectional override", "\u202Eb", `\u202eb`},
		{"a zero-width space and a space that does not break", "a\u200b\u00a0b", `a\u200b\u00a0b`},
		{"a character beyond 16 bits", "\U000e0001", `\U000e0001`},
		{"quotes next to a newline", "'\"\n", `'"\n`},
		{"bytes that are not UTF-8", "u\x9B42", "u\ufffd42"},
		{"nothing", "", ""},
	} {
		if got := visible.Escape(tt.text); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
