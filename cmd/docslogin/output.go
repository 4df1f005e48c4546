package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/docslogin/docslogin/internal/rules"
)

// clean escapes, as JSON does, every character that a terminal would act on, except newlines.
func clean(text string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(text, "\uFFFD") {
		switch {
		case unicode.IsPrint(r) || r == '\n':
			b.WriteRune(r)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// name shortens a claim's name, which may be anything that the token contains.
func name(text string) string {
	const limit = 40
	if runes := []rune(text); len(runes) > limit {
		text = string(runes[:limit]) + "…"
	}
	return strings.ReplaceAll(text, "\n", `\n`)
}

// printf prints a line.
func (t *tool) printf(format string, args ...any) {
	fmt.Fprintln(t.out, clean(fmt.Sprintf(format, args...)))
}

// printJSON prints v, which can always be written as JSON.
func (t *tool) printJSON(v any, indent string) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	_ = e.Encode(v)
	fmt.Fprint(t.out, clean(b.String()))
}

// The marks of findings, with their colors.
const (
	okMark, okColor             = "✓", "32"
	rejectedMark, rejectedColor = "✗", "31"
	warnMark, warnColor         = "!", "33"
)

func (t *tool) printFindings(findings []rules.Finding) {
	for _, f := range findings {
		mark, color := okMark, okColor
		switch {
		case f.Rejected():
			mark, color = rejectedMark, rejectedColor
		case f.Warn:
			mark, color = warnMark, warnColor
		}
		why := f.Why
		if !strings.HasPrefix(why, f.Rule+" ") {
			why = f.Rule + ": " + why
		}
		t.line(mark, color, why)
		if f.Fix != "" {
			t.printf("  → %s", f.Fix)
		}
	}
}

// line prints a line after a mark, which has a color on a terminal.
func (t *tool) line(mark, color, text string) {
	if t.color {
		mark = "\x1b[" + color + "m" + mark + "\x1b[0m"
	}
	fmt.Fprintln(t.out, mark+" "+clean(text))
}

// wantsColor reports whether marks should have a color (no-color.org).
func wantsColor(out io.Writer, getenv func(string) string) bool {
	return isTerminal(out) && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
