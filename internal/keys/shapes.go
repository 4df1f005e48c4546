package keys

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// shape describes a text that people pass by mistake instead of a key.
type shape struct {
	matches    func(string) bool
	looks, fix string // for errors: "looks like …; …"
}

// shapes are narrow enough that none of 10 million random secrets matches. For comparison, one in
// 9,000 random ASCII secrets begins with "./", and one in 250 begins with capital letters and "=".
// One in 64 random base64 secrets begins with "/".
var shapes = []shape{
	{isObject, "a JSON object", "pass only the value that is needed, not the whole object"},
	{url.MatchString, "a URL", "check the order of the arguments"},
	{path.MatchString, "a file path", "pass the content of the file"},
	{placeholder.MatchString, "a placeholder that was not expanded", "pass the value that it stands for"},
	{assignment.MatchString, "a whole line of an env file", "pass the value alone, without the name"},
	{isMasked, "a masked value, as dashboards show it", "reveal it before you copy it"},
}

// Parts of the patterns.
const (
	segment = `(?:[a-z0-9 ._-]+|[A-Z][a-z0-9 ._-]+|[A-Z0-9 ._-]+)`                         // a part of a path
	name    = `(?:[a-z0-9_]+(?:[A-Z][a-z0-9_]+)*|[A-Z0-9_]+)`                              // name, camelName, NAME
	names   = `[~./]*` + name + `(?:[.:/-]` + name + `)*`                                  // names or a path
	upper   = `[A-Z]+(?:_[A-Z0-9]+)*`                                                      // NAME
	keyName = `(?:[A-Z][A-Z0-9_]*_)?(?:SECRET|TOKEN|PASSWORD)|[A-Z][A-Z0-9_]*_(?:KEY|JWT)` // the name of a key
	assign  = `(?:\s*=[\s=]*|:\s+)`                                                        // between name and value
)

var (
	url = regexp.MustCompile(`^(?:(?i:https?|op)://\S+|[a-z]{3,}://[A-Za-z0-9/][\w.~:/?#@%&=+-]{2,})$`)

	path = regexp.MustCompile(`^(?:` +
		`/(?:app|dev|etc|mnt|opt|run|srv|tmp|usr|var)/[a-z]{3}[\w./@+ -]*` +
		`|/(?:config|data|home|keys|private|root|secrets|Users|vault)/[\w./@+ -]+` +
		`|(?:\.\.?|~)(?:/` + segment + `)+` +
		`|[A-Z]:(?:\\` + segment + `)+` +
		`|[\w.~/\\: -]+\.pem` +
		`)$`)

	placeholder = regexp.MustCompile(`(?s)^(?:` +
		`\$\{` + names + `(?::[-?].*)?\}` + // ${NAME}, ${NAME:-default}
		`|\$\((?:<?` + names + `|.*\s.*)\)` + // $(NAME), $(</run/secrets/name), $(cat name)
		`|\$(?:env:)?` + upper + // $NAME
		`|%` + upper + `%` + // %NAME%
		`|\$?\{\{(?:[\w.-]+|.*\s.*)\}\}` + // {{.Name}}, ${{ secrets.NAME }}
		`)$`)

	// Base64 may end in "=", so the patterns require a value.
	assignment = regexp.MustCompile(`^(?:export\s+|set\s+)?(?:` +
		`(?:` + keyName + `|[A-Z]{4,}_[A-Z_]{5,})` + assign + `[^\s=]` +
		`|[A-Z]{2,}_[A-Z0-9_]+` + assign + `["']?[\w+/.:-]{16,}=*["']?$` +
		`)`)
)

// isObject reports whether a text is a JSON object.
func isObject(text string) bool { return strings.HasPrefix(text, "{") && json.Valid([]byte(text)) }

// isMasked reports whether a part of a text is masked.
func isMasked(text string) bool {
	return strings.ContainsAny(text, "•●…") || strings.Contains(text, "******")
}

// looksLike returns the first shape that matches a text, if any.
func looksLike(text string) (shape, bool) {
	i := slices.IndexFunc(shapes, func(s shape) bool { return s.matches(text) })
	if i < 0 {
		return shape{}, false
	}
	return shapes[i], true
}

// repeats reports whether a text is one repeated character.
func repeats(text string) bool {
	_, size := utf8.DecodeRuneInString(text)
	return strings.Count(text, text[:size])*size == len(text)
}

// spaced matches base64, for URLs or not, with white space in it. words matches the same characters
// without white space if they are words.
var (
	spaced = regexp.MustCompile(`^[\w+/-]+(?:={0,2}\s+[\w+/-]+)+\s*={0,2}$`)
	words  = regexp.MustCompile(`^` + word + `(?:[+/_-]+` + word + `)*$`)
)

const word = `(?:[A-Za-z][a-z]+(?:[A-Z][a-z]+)*[0-9]*|[A-Z]{2,}[0-9]*)`

// inPieces reports whether a text is base64 with white space in it, and not a passphrase. At least half
// of a passphrase consists of words.
func inPieces(text string) bool {
	if !spaced.MatchString(text) {
		return false
	}
	all, inWords := 0, 0
	for piece := range strings.FieldsSeq(text) {
		all += len(piece)
		if words.MatchString(piece) {
			inWords += len(piece)
		}
	}
	return 2*inWords < all
}

// invisible reports whether a character cannot be seen. An ASCII space does not count. The tables
// have the characters that Unicode does not display by default (UAX #44,
// Default_Ignorable_Code_Point). The three others are blank by design.
func invisible(r rune) bool {
	return !unicode.IsPrint(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) ||
		strings.ContainsRune("\u2800\U00016FE4\U0001D159", r)
}
