package keys

import (
	"encoding/hex"
	"html"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Forms in which tools write characters. None of them can be part of a PEM text.
var (
	percent  = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)                                     // URL
	escape   = regexp.MustCompile(`\\+(?:u00|x)[0-9A-Fa-f]{2}`)                          // JSON, C
	octal    = regexp.MustCompile(`\\+0?1[25]|\^[JM]`)                                   // \012 and \015, ^J and ^M
	escaped  = regexp.MustCompile(`\\+([ -])`)                                           // printf %q, regular expressions
	tag      = regexp.MustCompile(`(?i)</?(?:br|p|div|span|pre|code)\b[^<>]*>`)          // HTML
	dashes   = regexp.MustCompile(`[-‐-―−﹘﹣－]*[‐-―−﹘﹣－][-‐-―−﹘﹣－]*`)                     // autocorrection
	formText = regexp.MustCompile(`BEGIN\+[A-Z0-9+]*KEY`)                                // application/x-www-form-urlencoded
	numbers  = regexp.MustCompile(`(?m)^[ \t]*\d+(?:[|:.)]|[ \t])[ \t]*`)                // of lines
	prefix   = regexp.MustCompile(`^(?:base64:|data:[^,\s]*;base64,)`)                   // Laravel, data URLs
	headers  = regexp.MustCompile(`(?m)^[ \t]*[A-Za-z][A-Za-z0-9-]*: .*$`)               // RFC 1421
	source   = regexp.MustCompile("[\"'`]" + `\s*[+.&]?\s*(?:\\?\r?\n\s*|$|["'` + "`])") // strings of a program
)

// clean returns a PEM text without what programs write in place of characters: escapes of URLs, HTML,
// and JSON, dashes that are not ASCII, and invisible characters.
func clean(text string) string {
	for range 3 { // encoded three times
		text = percent.ReplaceAllStringFunc(text, unescape)
		text = html.UnescapeString(text)
	}
	text = octal.ReplaceAllString(escape.ReplaceAllStringFunc(text, unescape), "\n")
	text = dashes.ReplaceAllString(tag.ReplaceAllString(text, "\n"), "-----")
	text = escaped.ReplaceAllString(text, "$1")
	return strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune("\t\n\r", r):
			return r
		case unicode.IsSpace(r):
			return ' '
		case invisible(r):
			return -1
		}
		return r
	}, text)
}

// unescape returns the character of an escape that ends in two hexadecimal digits.
func unescape(escape string) string {
	b, _ := hex.DecodeString(escape[len(escape)-2:]) // the patterns match only such digits
	return string(b)
}

// lineBreaks matches what a block may contain besides base64: white space, other backslashes, and
// newlines that are written as a letter after a backslash or after another language's escape character.
var lineBreaks = regexp.MustCompile("\\s|[\\\\`^%$]+[rntRNT]?")

// newline matches a newline, as it is or written as a backslash and a letter.
var newline = regexp.MustCompile(`(?:\r?\n|\\+[rn])+`)

var (
	notBase64 = regexp.MustCompile(`[^A-Za-z0-9+/=]`)
	fromURL   = strings.NewReplacer("-", "+", "_", "/")
)

// reading is a text in base64 that the body of a block can have been.
type reading struct {
	text    string
	guessed bool // each space is read as a "+", though a space may also be too many
}

// readings returns what the body of a block can have been. The first is right if no tool changed it,
// and the last has lost everything that is not base64.
func readings(body string) []reading {
	body = headers.ReplaceAllString(body, "")
	straight := lineBreaks.ReplaceAllString(body, "")
	all := []reading{{text: straight}}
	if !strings.ContainsAny(straight, "+/") {
		all = append(all, reading{text: fromURL.Replace(straight)})
	}
	for _, width := range []int{64, 70, 76, len(body)} { // of PEM, OpenSSH, and MIME; or one line
		for _, lost := range []string{"n", "rn", "nn", "/n"} { // \n and \r\n without their backslashes, and /n
			if joined, ok := unline(straight, lost, width); ok {
				all = append(all, reading{text: joined})
			}
		}
		if joined, ok := unline(body, " ", width); ok {
			all = append(all, reading{strings.ReplaceAll(joined, " ", "+"), true})
		}
	}
	for _, text := range withPlus(body) {
		all = append(all, reading{text, true})
	}
	body = numbers.ReplaceAllString(body, "")
	return append(all, reading{text: notBase64.ReplaceAllString(lineBreaks.ReplaceAllString(source.ReplaceAllString(body, ""), ""), "")})
}

// withPlus returns the texts that a body with newlines may have been if a tool replaced each "+" by a
// space: with and without spaces at the ends of its lines.
func withPlus(body string) []string {
	lines := strings.Split(strings.Trim(newline.ReplaceAllString(body, "\n"), "\n"), "\n")
	indent := len(body)
	for _, line := range lines {
		indent = min(indent, len(line)-len(strings.TrimLeft(line, " ")))
	}
	var untrimmed, trimmed strings.Builder
	for _, line := range lines {
		untrimmed.WriteString(line[indent:])
		trimmed.WriteString(strings.TrimSpace(line))
	}
	if len(lines) == 1 { // the last space stands for a newline
		return []string{strings.ReplaceAll(trimmed.String(), " ", "+")}
	}
	return []string{strings.ReplaceAll(untrimmed.String(), " ", "+"), strings.ReplaceAll(trimmed.String(), " ", "+")}
}

// unline joins the lines of a text in which another text stands for each newline: before the first
// line and after every line. It reports whether the text has that form.
func unline(text, newline string, width int) (joined string, ok bool) {
	var lines strings.Builder
	rest, ok := strings.CutPrefix(text, newline)
	for ok && rest != "" {
		n := min(width, len(rest)-len(newline))
		if n <= 0 { // an empty line
			return "", false
		}
		lines.WriteString(rest[:n])
		rest, ok = strings.CutPrefix(rest[n:], newline)
	}
	return lines.String(), ok
}

// count returns a number of bytes in words.
func count(n int) string {
	if n == 1 {
		return "1 byte is"
	}
	return strconv.Itoa(n) + " bytes are"
}
