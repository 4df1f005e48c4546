package rules

import (
	"html"
	"slices"
	"strconv"
	"strings"
)

// What to do about a rewritten secret.
const (
	fixFile      = "Write the file with printf %s instead of echo, or trim what the app reads."
	fixQuotes    = "Write the value without quotes: docker --env-file, Kubernetes, and CI settings keep them."
	fixTrim      = "Remove what surrounds the secret where it is set, or copy the secret again."
	fixDollar    = "Put the secret in single quotes in a shell or an env file, and write $$ for each $ in a Compose file or a Makefile."
	fixDollars   = "Write each $ twice only in a Compose file or a Makefile."
	fixSingle    = "Put the secret in single quotes, in a shell as well as in an env file."
	fixBackslash = "Put the secret in single quotes, read it with read -r, and print it with printf %s."
	fixEscaped   = "Pass the secret as the dashboard shows it, without escaping it."
	fixDecoded   = "Pass the secret without decoding it."
	fixRaw       = "Sign with the characters of the secret; do not decode it."
	fixEncoded   = "Pass the secret without encoding it. In a Kubernetes Secret, set stringData to the secret itself, or data to the base64 of what printf %s prints."
	fixPath      = "Set MSYS_NO_PATHCONV=1 in Git Bash, or set the variable elsewhere."
	fixBatch     = "In a batch file, write %% for each %, write set \"NAME=value\" with the double quotes, and turn off delayed expansion."
	fixCopy      = "Copy the whole secret again with the dashboard's copy button."
	fixSplit     = "Split NAME=value only at the first =, and put the secret in quotes."
	fixUnset     = "Set the variable where the app runs, in single quotes, and make the app stop if it is empty."
)

// rewritings are what tools do to a secret, the likeliest first. Where two of them may give the same
// key, the truer explanation comes first.
var rewritings = slices.Concat([]rewriting{
	{"the secret with a line break after it", ", as in many mounted files", fixFile, after("\n", "\r\n", "\r")},
	{"the secret in quotes", ", which some tools keep in an environment variable", fixQuotes, inQuotes},
	{"the secret with white space before or after it", "", fixTrim, blanksAround},
	{"the secret with a byte-order mark before it", ", as Windows editors save files", "Save the file as UTF-8 without a byte-order mark.", each(func(s string) string { return "\ufeff" + s })},
	{"the secret decoded from base64", ", but its characters themselves are the key", fixRaw, decodedFromBase64},
	{"the secret decoded from hex", ", but its characters themselves are the key", fixRaw, decodedFromHex},
	{"the secret with each $$ replaced by $", ", as Compose and Make do", fixDollar, replaced("$$", "$")},
	{"the secret without a part that begins with $", ", which a shell or an env file expanded as a variable", fixDollar, withoutVariables},
	{"the secret cut off at its first #", ", which begins a comment in an unquoted value of an env file", "Put the secret in quotes in the env file.", cutAtComment},
	{"the secret with each $ doubled", ", which only Compose files and Makefiles need", fixDollars, replaced("$", "$$")},
	{"the secret without its backslashes", ", which shells, systemd, and the command read remove", fixBackslash, withoutBackslashes},
	{"the secret with its backslash escapes interpreted", ", as double quotes, JSON, echo -e, and printf do", fixBackslash, cEscapes},
	{"the secret with backslashes added", ", as escaping for a shell, a regular expression, or JSON does", fixEscaped, withBackslashes},
	{"the secret with backquotes added", ", as escaping for PowerShell does", fixEscaped, backquoted},
	{"the secret with typographic quotes or dashes", ", as word processors and chats write them", fixCopy, typographic},
	{"the secret with its backquote escapes interpreted", ", as PowerShell does in double quotes", fixSingle, backquoteEscapes},
	{"the secret converted to a number", ", as YAML and JSON read it without quotes", "Put the secret in quotes.", asNumber},
	{"the secret without the = at its end", ", which some tools drop", fixSplit, withoutPadding},
	{"the secret with each + replaced by a space", ", as decoding a form or a query does", fixDecoded, replaced("+", " ")},
	{"the secret percent-decoded", ", as if it came from a URL", fixDecoded, percentDecoded},
	{"the secret percent-encoded", ", as for a URL", fixEscaped, percentEncoded},
	{"the secret with HTML escapes", ", as templates write them", fixEscaped, htmlEscaped},
	{"the secret with HTML escapes decoded", "", fixDecoded, each(html.UnescapeString)},
	{"the secret escaped as JSON", "", fixEscaped, jsonEscaped},
	{"the secret encoded in base64", ", as the data of a Kubernetes Secret is", fixEncoded, encodedInBase64},
	{"the secret encoded in hex", "", fixEscaped, encodedInHex},
	{"the secret with + and / in place of - and _, or the reverse", ", as in the other alphabet of base64", fixDecoded, otherAlphabet},
	{"the secret with = added at its end", ", as base64 is padded", fixEscaped, after("=", "==", "===")},
	{"the secret in lower case", "", fixCopy, each(strings.ToLower)},
	{"the secret in upper case", "", fixCopy, each(strings.ToUpper)},
	{"the secret twice", ", as if it had been pasted twice", fixTrim, twice},
	{"the secret without the quotes inside it", ", which shells remove", fixSingle, without(`"`, "'", "`", `"'`, "\"'`")},
	{"the secret with quotes doubled", ", as in SQL, CSV, and YAML", fixEscaped, doubled(`'"`)},
	{"the secret with % doubled", ", as systemd units and batch files need it", "Write each % twice only in a batch file or a systemd unit.", replaced("%", "%%")},
	{"the secret with each %% replaced by %", ", as systemd and batch files do", "Write %% for each % in a batch file or a systemd unit.", replaced("%%", "%")},
	{"the secret used as a format string", ", as printf does with its first argument", "Print the secret with printf %s, and pass it to Sprintf as an argument.", formatted},
	{"the secret without %, or without the text between two of them", ", which Windows expanded as a variable", fixBatch, withoutPattern(`%`, `%[^%]*%`, `%.`)},
	{"the secret without ^, or with each ^ doubled", ", as the Windows command line does", fixBatch, withoutCarets},
	{"the secret without a part in {…}, or with its braces changed", ", as a template engine does", fixEscaped, changedBraces},
	{"the secret without a part that begins with @", ", which a script expanded as a variable", fixSingle, withoutPattern(`@\w+`)},
	{"the secret without the white space inside it", "", fixSingle, inOnePiece},
	{"the secret with all but letters and digits removed or replaced", "", fixEscaped, plain},
	{"the secret converted to a Windows path", ", as Git Bash does with values that begin with /", fixPath, asPath},
	{"the secret with a % after it", ", which zsh prints after output without a line break", fixCopy, after("%")},
	{"the secret with a character after it that belongs to the text around it", "", fixTrim, after(".", ",", ";", ":", ")", `\`, `\n`, `\r\n`, "$", "#", "&")},
	{"the secret in UTF-16", ", as PowerShell writes files and .NET encodes strings", "Save the file as UTF-8, and use Encoding.UTF8 in .NET.", inUTF16},
	{"the secret in Latin-1, or encoded as UTF-8 twice", "", "Read the secret as UTF-8.", otherCharset},
	{"the SHA-256 hash of the secret", "", "Sign with the secret itself; do not hash it.", hashed},
}, cuts(), []rewriting{
	{"the secret without !, or without what follows it", ", which a shell expanded from its history or Windows as a variable", fixSingle, withoutPattern(`!`, `![^!]*!`, `!\w+`, `!\S*`)},
	{"only the part of the secret that a double click selects", "", fixCopy, words},
	{"the secret without its first or last character", "", fixCopy, withoutEnds},
})

// instead are keys that do not depend on the secret.
var instead = []rewriting{
	{"an empty secret", ", as from a variable that is not set, or from a value that a shell or an env file reads as empty", fixUnset, always("")},
	{"a word that scripts write for a missing value", " instead of the secret", fixUnset, always(
		"undefined", "null", "None", "nil", "<nil>", "(null)", "NULL", "false", "NaN", "[object Object]", "[object Promise]", `""`, "''", `"undefined"`, `"null"`)},
	{"a secret from an example", "", "Sign with the key of this docs site.", always(
		"secret", "your-256-bit-secret", "your-384-bit-secret", "your-512-bit-secret", "a-string-secret-at-least-256-bits-long",
		"a-string-secret-at-least-512-bits-long-with-at-least-64-bytes", "shhhhh", "shhhhhhared-secret", "changeme", "change-me", "change_me", "password", "test",
		"your-secret", "your_secret", "your-secret-key", "your_secret_key", "your-jwt-secret", "my-secret", "mysecret", "supersecret", "super-secret", "jwt-secret", "jwt_secret", "YOUR_SECRET", "***", "REDACTED", "[redacted]", "[REDACTED]", "<redacted>", "********")},
}

// slips are what people do to a secret, and tools that have no entry above.
var slips = []rewriting{
	{"the name of a variable", " instead of the secret", "Pass the value of the variable: the reference to it was not expanded.", variableNames},
	{"the secret without its end", ", as in a field or a column that is too short", fixCopy, func(s string) (out []string) {
		for i := len(s) - 1; i > 0; i-- {
			out = append(out, s[:i])
		}
		return out
	}},
	{"the secret without its beginning", "", fixCopy, func(s string) (out []string) {
		for i := 1; i < len(s); i++ {
			out = append(out, s[i:])
		}
		return out
	}},
	{"the secret padded with spaces or zeros", ", as in a column of fixed length", fixTrim, func(s string) (out []string) {
		for n := 1; n <= 256-len(s); n++ {
			out = append(out, s+strings.Repeat(" ", n), s+strings.Repeat("0", n), strings.Repeat("0", n)+s)
		}
		return out
	}},
	{"the secret without a part from its middle", ", as if a tool had expanded or removed it", fixSingle, func(s string) (out []string) {
		for i := 1; i < len(s)-1 && len(s) <= 128; i++ { // the number grows with the square
			for j := i + 1; j < len(s); j++ {
				out = append(out, s[:i]+s[j:])
			}
		}
		return out
	}},
	{"the secret together with the name of its variable", ", as in a line of an env file or a JSON object", "Pass the value alone.", withName},
	{"the secret with & replaced by other text", ", as sed does in a replacement", "Replace placeholders with a tool that inserts the value unchanged.", withoutAmpersand},
	{"the secret with two characters swapped", "", fixCopy, func(s string) (out []string) {
		for i := 1; i < len(s); i++ {
			out = append(out, s[:i-1]+s[i:i+1]+s[i-1:i]+s[i+1:])
		}
		return out
	}},
	{"the secret with one character changed", "", fixCopy, func(s string) (out []string) {
		for i := range len(s) {
			for c := ' '; c <= '~'; c++ {
				out = append(out, s[:i]+string(c)+s[i+1:])
			}
		}
		return out
	}},
	{"the secret with one character added", "", fixCopy, func(s string) (out []string) {
		for i := range len(s) + 1 {
			for c := ' '; c <= '~'; c++ {
				out = append(out, s[:i]+string(c)+s[i:])
			}
			out = append(out, s[:i]+"\n"+s[i:], s[:i]+"\t"+s[i:], s[:i]+"\u200b"+s[i:], s[:i]+"\u00a0"+s[i:], s[:i]+"\u00ad"+s[i:])
		}
		return out
	}},
	{"the secret with $$ replaced by a number", ", the shell's process ID", fixDollar, func(s string) (out []string) {
		for pid := 1; pid <= 1<<15 && strings.Contains(s, "$$"); pid++ {
			out = append(out, strings.ReplaceAll(s, "$$", strconv.Itoa(pid)))
		}
		return out
	}},
}
