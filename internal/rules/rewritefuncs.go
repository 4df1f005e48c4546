package rules

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
)

// each returns the rewriting that f makes.
func each(f func(string) string) func(string) []string {
	return func(s string) []string { return []string{f(s)} }
}

// always returns the same candidates for every secret.
func always(texts ...string) func(string) []string { return func(string) []string { return texts } }

// after puts each text after the secret.
func after(texts ...string) func(string) []string {
	return func(s string) (out []string) {
		for _, text := range texts {
			out = append(out, s+text)
		}
		return out
	}
}

// replaced replaces old in the secret everywhere.
func replaced(old, by string) func(string) []string {
	return each(func(s string) string { return strings.ReplaceAll(s, old, by) })
}

// without removes the characters of each set.
func without(sets ...string) func(string) []string {
	return func(s string) (out []string) {
		for _, set := range sets {
			out = append(out, strings.Map(func(r rune) rune {
				if strings.ContainsRune(set, r) {
					return -1
				}
				return r
			}, s))
		}
		return out
	}
}

// doubled doubles the characters of a set, one kind at a time and all.
func doubled(set string) func(string) []string {
	return func(s string) (out []string) {
		all := s
		for _, c := range set {
			out = append(out, strings.ReplaceAll(s, string(c), string(c)+string(c)))
			all = strings.ReplaceAll(all, string(c), string(c)+string(c))
		}
		return append(out, all)
	}
}

// withoutPattern removes what matches each pattern.
func withoutPattern(patterns ...string) func(string) []string {
	var all []*regexp.Regexp
	for _, pattern := range patterns {
		all = append(all, regexp.MustCompile(pattern))
	}
	return func(s string) (out []string) {
		for _, pattern := range all {
			out = append(out, pattern.ReplaceAllLiteralString(s, ""))
		}
		return out
	}
}

func inQuotes(s string) []string {
	return []string{`"` + s + `"`, "'" + s + "'", "`" + s + "`", "“" + s + "”", "‘" + s + "’", "„" + s + "“", "«" + s + "»", `\"` + s + `\"`, `"` + s, s + `"`, "'" + s, s + "'", "<" + s + ">"}
}

func blanksAround(s string) (out []string) {
	for _, blank := range []string{" ", "\t", "  ", "\u00a0", "\u200b", "\u3000"} {
		out = append(out, s+blank, blank+s, blank+s+blank)
	}
	return append(out, "\n"+s, "\n"+s+"\n")
}

// decodedFromBase64 decodes strictly, as Go does. It also ignores characters that are not base64, as
// Node.js, Python, PHP, Ruby, and older libraries for Java do.
func decodedFromBase64(s string) (out []string) {
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if decoded, err := enc.DecodeString(s); err == nil {
			out = append(out, string(decoded))
		}
	}
	for _, text := range []string{strings.NewReplacer("-", "+", "_", "/").Replace(s), s} {
		for _, cut := range []bool{true, false} {
			if end := strings.Index(text, "="); cut && end >= 0 {
				text = text[:end]
			}
			letters := notBase64.ReplaceAllLiteralString(text, "")
			if len(letters)%4 == 1 {
				letters = letters[:len(letters)-1]
			}
			decoded, _ := base64.RawStdEncoding.DecodeString(letters)
			out = append(out, string(decoded))
		}
	}
	return out
}

var notBase64 = regexp.MustCompile(`[^A-Za-z0-9+/]`)

// decodedFromHex decodes up to the first character that is not hex, as Node.js does.
func decodedFromHex(s string) []string {
	decoded, _ := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	if len(decoded) == 0 {
		return nil
	}
	return []string{string(decoded)}
}

// variables match what env files, shells, Compose, and Makefiles read as a variable. They differ in
// what a name may begin with and contain.
var variables = []*regexp.Regexp{
	regexp.MustCompile(`\$(?:\{[^}]*\}|\w+)`),
	regexp.MustCompile(`\$(?:\{[^}]*\}|[A-Za-z_]\w*)`),
	regexp.MustCompile(`\$(?:\{[^}]*\}|[A-Za-z_]\w*|[0-9@*!])`),
	regexp.MustCompile(`\$\{?[A-Z0-9_]+\}?`),
	regexp.MustCompile(`\$\{[^}]*\}`),
	regexp.MustCompile(`\$\{[^}]*\}?`),
	regexp.MustCompile(`\$[A-Za-z_]\w*`),
	regexp.MustCompile(`\$\(.*?\)`),
	regexp.MustCompile("`.*?`"),
	regexp.MustCompile(`\$.`),
	regexp.MustCompile(`\$`),
	regexp.MustCompile(`\$\S*`),
}

// withoutVariables expands variables that are not set.
func withoutVariables(s string) (out []string) {
	if !strings.ContainsAny(s, "$`") {
		return nil
	}
	numbers := strings.NewReplacer("$?", "0", "$#", "0", "$$", "1").Replace(s) // as a shell that ran nothing, with process ID 1
	for _, variable := range variables {
		out = append(out, variable.ReplaceAllLiteralString(s, ""),
			variable.ReplaceAllLiteralString(numbers, ""),
			strings.ReplaceAll(variable.ReplaceAllLiteralString(strings.ReplaceAll(s, "$$", "\x00"), ""), "\x00", "$"))
	}
	return append(out, numbers)
}

func cutAtComment(s string) (out []string) {
	for _, comment := range []string{" #", "\t#", "#"} {
		if before, _, ok := strings.Cut(s, comment); ok {
			out = append(out, before, strings.TrimRight(before, " \t"))
		}
	}
	return out
}

// An escape is a backslash with what belongs to it.
var escape = regexp.MustCompile(`(?s)\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|[0-7]{1,3}|.)`)

// cEscapes interprets escapes as C, JSON, and shells do. They differ in the escapes that they know,
// and in whether they keep the backslash of other escapes.
func cEscapes(s string) []string {
	if !strings.Contains(s, `\`) {
		return nil
	}
	read := func(known, others string) string {
		return escape.ReplaceAllStringFunc(s, func(e string) string {
			if e == `\e` && strings.Contains(known, "e") { // a shell's, which Go does not have
				return "\x1b"
			}
			if strings.Contains(known, e[1:2]) {
				if text, err := strconv.Unquote(`"` + e + `"`); err == nil {
					return text
				}
				if code, err := strconv.ParseUint(e[1:], 8, 8); err == nil { // fewer digits than Go wants
					return string([]byte{byte(code)})
				}
			}
			if others == "" {
				return e[1:]
			}
			return e
		})
	}
	const all = `abefnrtv\xu01234567"`
	return []string{read(all, `\`), read(all, ""), read("nrt", `\`), read("nrt", ""), read(`nrt\"`, `\`), read("n", `\`), read("n", "")}
}

func withoutBackslashes(s string) []string {
	if !strings.Contains(s, `\`) {
		return nil
	}
	return []string{
		escape.ReplaceAllStringFunc(s, func(e string) string { return e[1:] }),
		strings.ReplaceAll(s, `\`, ""),
		strings.ReplaceAll(s, `\\`, `\`),
		strings.NewReplacer(`\$`, "$", `\"`, `"`, "\\`", "`", `\\`, `\`).Replace(s), // within double quotes
		strings.ReplaceAll(s, `\$`, "$"),
		strings.ReplaceAll(s, `\`, "/"),
	}
}

func withBackslashes(s string) (out []string) {
	for _, special := range escapable {
		var b strings.Builder
		for _, r := range s {
			if special(r) {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
		}
		out = append(out, b.String())
	}
	return append(out, strings.ReplaceAll(s, "'", `'\''`), strings.ReplaceAll(s, "'", `'"'"'`), strings.ReplaceAll(s, `\`, `\\\\`))
}

// backquoted puts a backquote before each $, or before each character that PowerShell interprets.
func backquoted(s string) []string {
	all := strings.NewReplacer("$", "`$", "`", "``", `"`, "`\"", "'", "`'")
	return []string{strings.ReplaceAll(s, "$", "`$"), all.Replace(s)}
}

// typographic replaces quotes and hyphens as autocorrection does. It cannot know where a quotation opens.
func typographic(s string) (out []string) {
	for _, quotes := range [][2]string{{"’", "”"}, {"‘", "“"}, {"'", `"`}} {
		for _, dash := range []string{"--", "—", "–"} {
			out = append(out, strings.NewReplacer("...", "…", "--", dash, "'", quotes[0], `"`, quotes[1]).Replace(s))
		}
	}
	return out
}

// escapable has functions that report which characters a tool escapes with a backslash.
var escapable = []func(rune) bool{
	among(`\`), among("$"), among("!"), among(`"`), among("'"), among("`"), among("/"), among("#"), among("&"), among("%"),
	among("=:"), among(`=:#!\`), // Java's properties
	among(`"\`), among(`'"\`), among("\"\\$`"), among("\"\\$`!"), // within quotes
	func(r rune) bool { return notWord(r) && !strings.ContainsRune("./:=@%+,-", r) }, notWord, // for a shell
	among(`.*+?^${}()|[]\`), among(`.*+?^${}()|[]\/-`), // for a regular expression
}

// among returns a function that reports whether a character is in the set.
func among(set string) func(rune) bool {
	return func(r rune) bool { return strings.ContainsRune(set, r) }
}

func withoutPadding(s string) []string {
	return []string{strings.TrimSuffix(s, "="), strings.TrimRight(s, "="), strings.ReplaceAll(s, "=", "")}
}

func percentDecoded(s string) []string {
	return []string{unescape(s), unescape(strings.ReplaceAll(s, "+", " "))}
}

func percentEncoded(s string) []string {
	query := url.QueryEscape(s)
	component := strings.NewReplacer("+", "%20", "%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*", "%7E", "~").Replace(query)
	whole := strings.NewReplacer("%3B", ";", "%2F", "/", "%3F", "?", "%3A", ":", "%40", "@", "%26", "&", "%3D", "=", "%2B", "+", "%24", "$", "%2C", ",", "%23", "#").Replace(component)
	return []string{query, strings.ReplaceAll(query, "+", "%20"), component, whole, url.PathEscape(s), lowerEscapes(query), lowerEscapes(component),
		strings.ReplaceAll(s, "%", "%25"), strings.ReplaceAll(s, "+", "%2B"), strings.ReplaceAll(s, " ", "%20"), strings.ReplaceAll(s, " ", "+")}
}

// lowerEscapes returns percent-encoded text with the escapes of .NET.
func lowerEscapes(s string) string {
	return percents.ReplaceAllStringFunc(s, strings.ToLower)
}

var percents = regexp.MustCompile(`%[0-9A-F]{2}`)

func htmlEscaped(s string) []string {
	escaped := html.EscapeString(s) // &#34; and &#39;
	named := strings.ReplaceAll(escaped, "&#34;", "&quot;")
	return []string{escaped, named, strings.ReplaceAll(named, "&#39;", "&apos;"), strings.ReplaceAll(named, "&#39;", "&#x27;"), strings.ReplaceAll(named, "&#39;", "&#039;"),
		strings.ReplaceAll(named, "&#39;", "'"), strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s),
		strings.NewReplacer("&#39;", "&#x27;", "/", "&#x2F;", "`", "&#x60;", "=", "&#x3D;").Replace(named), strings.NewReplacer("&#39;", "&#x27;", "/", "&#x2F;").Replace(named)}
}

func jsonEscaped(s string) []string {
	text, _ := json.Marshal(s)
	inside := string(text[1 : len(text)-1])
	noHTML := strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\u003e`, ">").Replace(inside)
	slashes := strings.ReplaceAll(noHTML, "/", `\/`)
	return []string{inside, noHTML, slashes, `"` + inside + `"`, `"` + noHTML + `"`, `"` + slashes + `"`}
}

func encodedInBase64(s string) (out []string) {
	for _, text := range []string{s, s + "\n"} {
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
			encoded := enc.EncodeToString([]byte(text))
			out = append(out, encoded)
			if len(encoded) > 76 { // as base64 wraps its lines
				out = append(out, encoded[:76]+"\n"+encoded[76:])
			}
		}
	}
	return out
}

func encodedInHex(s string) []string {
	encoded := hex.EncodeToString([]byte(s))
	return []string{encoded, strings.ToUpper(encoded), "0x" + encoded}
}

func otherAlphabet(s string) []string {
	toURL, toStd := strings.NewReplacer("+", "-", "/", "_"), strings.NewReplacer("-", "+", "_", "/")
	return []string{toURL.Replace(s), toStd.Replace(s), strings.TrimRight(toURL.Replace(s), "=")}
}

func twice(s string) []string { return []string{s + s, s + "\n" + s, s + " " + s} }

func withoutCarets(s string) []string {
	return []string{strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(s, "^^", "\x00"), "^", ""), "\x00", "^"), strings.ReplaceAll(s, "^", ""), strings.ReplaceAll(s, "^", "^^"), carets.ReplaceAllString(s, "^$0")}
}

var carets = regexp.MustCompile(`[&|<>^%!]`)

func changedBraces(s string) []string {
	return append(withoutPattern(`\{\{.*?\}\}`, `[#%]?\{[^}]*\}`, `<%.*?%>`)(s),
		strings.NewReplacer("{", "{{", "}", "}}").Replace(s), strings.NewReplacer("{{", "{", "}}", "}").Replace(s))
}

func inOnePiece(s string) []string {
	return []string{strings.Join(strings.Fields(s), ""), strings.Join(strings.Fields(s), " ")}
}

// noWords has functions that report which characters are not part of a word. Tools differ in that.
var noWords = []func(rune) bool{notWord, func(r rune) bool { return notWord(r) || r == '_' }, func(r rune) bool { return notWord(r) && r != '-' }}

func notWord(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '_'
}

func plain(s string) (out []string) {
	for _, other := range noWords {
		for _, by := range []rune{-1, '_', '-'} {
			out = append(out, strings.Map(func(r rune) rune {
				if other(r) {
					return by
				}
				return r
			}, s))
		}
	}
	return append(out, strings.ReplaceAll(s, "-", ""), strings.ReplaceAll(s, "-", "_"), strings.ReplaceAll(s, "_", "-"), strings.ReplaceAll(s, ".", "_"))
}

func asPath(s string) []string {
	if !strings.HasPrefix(s, "/") {
		return nil
	}
	windows := []string{"C:/Program Files/Git" + s, "C:/msys64" + s, "C:/Program Files (x86)/Git" + s, s[1:], strings.ReplaceAll(s, "/", `\`)}
	if len(s) > 1 && (len(s) == 2 || s[2] == '/') { // /c/… is a drive
		windows = append(windows, strings.ToUpper(s[1:2])+":"+s[2:])
	}
	return windows
}

func inUTF16(s string) []string {
	units := utf16.Encode([]rune(s))
	little, big := make([]byte, 0, 2*len(units)), make([]byte, 0, 2*len(units))
	for _, unit := range units {
		little, big = binary.LittleEndian.AppendUint16(little, unit), binary.BigEndian.AppendUint16(big, unit)
	}
	return []string{string(little), string(big), "\xff\xfe" + string(little), "\xfe\xff" + string(big)}
}

func otherCharset(s string) []string {
	latin1, narrow, wide := []byte{}, true, []rune{}
	for _, r := range s {
		narrow = narrow && r < 0x100
		latin1 = append(latin1, byte(r))
	}
	for _, b := range []byte(s) {
		wide = append(wide, rune(b))
	}
	if !narrow {
		return []string{string(wide)}
	}
	return []string{string(latin1), string(wide)}
}

func hashed(s string) []string {
	sum := sha256.Sum256([]byte(s))
	return []string{string(sum[:]), hex.EncodeToString(sum[:]), base64.StdEncoding.EncodeToString(sum[:])}
}

// words returns the parts of the secret that a double click may select.
func words(s string) (out []string) {
	for _, edge := range noWords {
		for _, word := range strings.FieldsFunc(s, edge) {
			if len(word) >= 4 {
				out = append(out, word)
			}
		}
	}
	return out
}

func withoutEnds(s string) []string {
	if len(s) < 3 {
		return nil
	}
	return []string{s[1:], s[:len(s)-1], s[1 : len(s)-1]}
}

// cuts returns a rewriting for each character at which a tool may end the secret, or begin it.
func cuts() (out []rewriting) {
	ends := map[rune]string{
		' ': ", where a shell separates words",
		'&': ", which ends a command in a shell and a value in a query",
		';': ", which ends a command in a shell and a value in a connection string",
		'%': ", which ends a command in a crontab",
		',': ", which separates the elements of a list",
	}
	for _, c := range " =,;&!|<>()\"'`:?@%/+*\\{}[]~^$-._" {
		out = append(out, rewriting{"the secret cut off at its first " + named(c), cmp.Or(ends[c], ", which ends a value in some tools"), fixSingle, func(s string) []string {
			before, _, _ := strings.Cut(s, string(c))
			return []string{before}
		}})
	}
	for _, c := range "_=:-/.@#,; " {
		out = append(out, rewriting{"the secret without its beginning up to the first " + named(c), ", as if that were a prefix or a name", fixCopy, func(s string) []string {
			_, behind, _ := strings.Cut(s, string(c))
			return []string{behind} // "" if there is none
		}})
	}
	return out
}

func named(c rune) string {
	if c == ' ' {
		return "space"
	}
	return string(c)
}

// names are the names that a secret's variable usually has.
func names() (out []string) {
	owners := []string{""}
	for _, p := range All() {
		owners = append(owners, strings.ToUpper(strings.ReplaceAll(p.Name, " ", "_"))+"_")
	}
	for _, owner := range append(owners, "DOCS_") {
		for _, name := range []string{"JWT_SECRET", "SECRET", "SECRET_KEY", "JWT_KEY", "JWT_SECRET_KEY", "SHARED_SECRET", "SSO_SECRET", "JWT", "PRIVATE_KEY"} {
			out = append(out, owner+name)
		}
	}
	return out
}

// variableNames returns names in the forms in which programs and templates refer to a variable.
func variableNames(string) (out []string) {
	for _, name := range names() {
		for _, around := range [][2]string{{"", ""}, {"$", ""}, {"${", "}"}, {"$(", ")"}, {"%", "%"}, {"{{", "}}"}, {"{{ ", " }}"}, {"${{ secrets.", " }}"}, {"process.env.", ""}, {"$env:", ""}, {"env.", ""}, {"<", ">"}, {"__", "__"}, {"@", "@"}} {
			out = append(out, around[0]+name+around[1])
		}
	}
	return out
}

func withName(s string) (out []string) {
	for _, name := range names() {
		out = append(out, name+"="+s, name+`="`+s+`"`, name+"='"+s+"'", "export "+name+"="+s, name+": "+s, `{"`+name+`":"`+s+`"}`, `{"`+name+`": "`+s+`"}`)
	}
	return out
}

func withoutAmpersand(s string) (out []string) {
	if !strings.Contains(s, "&") {
		return nil
	}
	for _, name := range append(variableNames(""), "") {
		out = append(out, strings.ReplaceAll(s, "&", name))
	}
	return out
}

func backquoteEscapes(s string) []string {
	return []string{strings.NewReplacer("``", "`", "`n", "\n", "`r", "\r", "`t", "\t", "`0", "\x00", "`a", "\a", "`b", "\b", "`f", "\f", "`v", "\v", "`", "").Replace(s)}
}

// formatted returns what printf of a shell and Sprintf of Go make of the secret without arguments.
func formatted(s string) []string {
	if !strings.Contains(s, "%") {
		return nil
	}
	shell := verbs.ReplaceAllStringFunc(s, func(verb string) string {
		switch verb[len(verb)-1] {
		case '%':
			return "%"
		case 's', 'c', 'b':
			return ""
		}
		return "0"
	})
	return []string{fmt.Sprintf(s, []any{}...), shell}
}

var verbs = regexp.MustCompile(`%[-+ #0]*\d*(?:\.\d+)?[sbcdiouxX%]`)

// asNumber returns a secret that is a number as programs write it.
func asNumber(s string) (out []string) {
	number, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil
	}
	for _, format := range "efgEG" {
		out = append(out, strconv.FormatFloat(number, byte(format), -1, 64))
	}
	if octal, err := strconv.ParseInt(s, 0, 64); err == nil {
		out = append(out, strconv.FormatInt(octal, 10))
	}
	return append(out, strings.TrimLeft(s, "0"), strings.TrimLeft(s, "+"))
}
