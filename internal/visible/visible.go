// Package visible handles characters that nobody can see in a text, such as white space and control
// characters.
package visible

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Trim removes white space and invisible characters from both ends of a text.
func Trim(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) })
}

// IsBlank reports whether a text contains only white space.
func IsBlank(text string) bool { return strings.TrimSpace(text) == "" }

// Escape escapes newlines and other characters that a terminal might interpret or hide, because users
// may choose their IDs, and an error may quote a request.
func Escape(text string) string {
	isOdd := func(r rune) bool { return !unicode.IsPrint(r) }
	if utf8.ValidString(text) && !strings.ContainsFunc(text, isOdd) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if isOdd(r) {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
