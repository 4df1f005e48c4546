package rules_test

import (
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/internal/testkit"
)

// Secrets as dashboards show them.
const (
	mixed    = "kAjMfB-Qdq$7KJ!HbFO3o9Vi?acrxnI#eDl"
	inBase64 = "mS+kQ2vR9/xTfE0aZpLw8HnUyGcD5bJ+oV1iKs7Nq4A="
)

// rewritings are secrets, what a tool made of each, and words that explain the signature.
var rewritings = []struct {
	name, secret, signed string
	why                  string
}{
	{"a line break after it", mixed, mixed + "\n", "the secret with a line break after it, as in many mounted files"},
	{"a line break of Windows after it", mixed, mixed + "\r\n", "the secret with a line break after it"},
	{"the half of such a line break", mixed, mixed + "\r", "the secret with a line break after it"},
	{"double quotes", mixed, `"` + mixed + `"`, "the secret in quotes, which some tools keep in an environment variable"},
	{"single quotes", mixed, "'" + mixed + "'", "the secret in quotes"},
	{"curly quotes", mixed, "“" + mixed + "”", "the secret in quotes"},
	{"backquotes", mixed, "`" + mixed + "`", "the secret in quotes"},
	{"a quote that was not closed", mixed, `"` + mixed, "the secret in quotes"},
	{"a space after it", mixed, mixed + " ", "the secret with white space before or after it"},
	{"a no-break space before it", mixed, "\u00a0" + mixed, "the secret with white space before or after it"},
	{"a byte-order mark", mixed, "\ufeff" + mixed, "the secret with a byte-order mark before it"},

	{"backquotes before dollars", "kAj$MfB$Qdq7KJHb", "kAj`$MfB`$Qdq7KJHb", "the secret with backquotes added, as escaping for PowerShell does"},
	{"backquotes before all that PowerShell reads", "kAj$Mf'BQdq7KJHb", "kAj`$Mf`'BQdq7KJHb", "the secret with backquotes added"},
	{"an apostrophe of a word processor", "kAj'MfBQdq7KJHb", "kAj’MfBQdq7KJHb", "the secret with typographic quotes or dashes, as word processors and chats write them"},
	{"dots of a word processor", "kAj...MfBQdq7KJHb", "kAj…MfBQdq7KJHb", "the secret with typographic quotes or dashes"},
	{"a dash of a chat", "kAj--MfBQdq7KJHb", "kAj—MfBQdq7KJHb", "the secret with typographic quotes or dashes"},

	{"a shell's positional parameter", mixed, "kAjMfB-QdqKJ!HbFO3o9Vi?acrxnI#eDl", "the secret without a part that begins with $, which a shell or an env file expanded as a variable"},
	{"godotenv", mixed, "kAjMfB-Qdq!HbFO3o9Vi?acrxnI#eDl", "the secret without a part that begins with $"},
	{"godotenv, which expands capitals alone", "kAjMfB-Qdq$KJx!HbFO3o9Vi", "kAjMfB-Qdqx!HbFO3o9Vi", "the secret without a part that begins with $"},
	{"compose, which also expands lower case", "kAjMfB-Qdq$KJx!HbFO3o9Vi", "kAjMfB-Qdq!HbFO3o9Vi", "the secret without a part that begins with $"},
	{"compose with two dollars and braces", "kAjM$$Qd${q}7Kx", "kAjM$Qd7Kx", "the secret without a part that begins with $"},
	{"a Makefile", "kAjM$Qd7Kx$$zRtU", "kAjMd7Kx$zRtU", "the secret without a part that begins with $"},
	{"a shell with its exit status", "kAjM$?Qd7KxzRtU", "kAjM0Qd7KxzRtU", "the secret without a part that begins with $"},
	{"a shell with its process ID", "kAjM$$Qd7KxzRtU", "kAjM16379Qd7KxzRtU", "the secret with $$ replaced by a number, the shell's process ID"},
	{"a command that prints nothing", "kAjM$(id)Qd7KxzRtU", "kAjMQd7KxzRtU", "the secret without a part that begins with $"},
	{"an expansion up to a space", "kAj$M/f-B Qd7KxzRtU", "kAj Qd7KxzRtU", "the secret without a part that begins with $"},
	{"two dollars that became one", "kAjM$$Qd7KxzRtU", "kAjM$Qd7KxzRtU", "the secret with each $$ replaced by $"},
	{"doubled dollars", mixed, "kAjMfB-Qdq$$7KJ!HbFO3o9Vi?acrxnI#eDl", "the secret with each $ doubled"},
	{"a comment", mixed, "kAjMfB-Qdq$7KJ!HbFO3o9Vi?acrxnI", "the secret cut off at its first #, which begins a comment in an unquoted value of an env file"},
	{"a comment after a space", "kAjMfB Qdq7KJHb #FO3", "kAjMfB Qdq7KJHb", "the secret cut off at its first #"},
	{"a space", "kAjMfB Qdq7KJHb FO3", "kAjMfB", "the secret cut off at its first space"},
	{"a semicolon", "kAjMfB;Qdq7KJHb", "kAjMfB", "the secret cut off at its first ;"},
	{"an exclamation mark", mixed, "kAjMfB-Qdq$7KJ", "the secret cut off at its first !"},
	{"a percent sign in a crontab", "kAjMfB%Qdq7KJHb", "kAjMfB", "the secret cut off at its first %"},
	{"an equals sign", "kAjMfB=Qdq7KJHb", "kAjMfB", "the secret cut off at its first ="},
	{"the part behind an equals sign", "a=kAjMfBQdq7KJHb", "kAjMfBQdq7KJHb", "the secret without its beginning up to the first ="},
	{"a prefix", "whsec_kAjMfBQdq7KJHb", "kAjMfBQdq7KJHb", "the secret without its beginning up to the first _"},

	{"read without -r", `kA\jM\\fB\nQd`, `kAjM\fBnQd`, "the secret without its backslashes, which shells, systemd, and the command read remove"},
	{"all backslashes removed", `kA\jM\\fB\nQd`, `kAjMfBnQd`, "the secret without its backslashes"},
	{"slashes in place of backslashes", `kA\jMf\BQd`, "kA/jMf/BQd", "the secret without its backslashes"},
	{"double quotes of a shell", `kA\jM\\fB\$Qd`, `kA\jM\fB$Qd`, "the secret without its backslashes"},
	{"echo of a shell", `kA\jM\\fB\nQd`, "kA\\jM\\fB\nQd", "the secret with its backslash escapes interpreted"},
	{"double quotes of godotenv", `kA\jM\\fB\nQd`, "kAjM\\fB\nQd", "the secret with its backslash escapes interpreted"},
	{"an escape character", `kAjM\efBQd\\7x`, "kAjM\x1bfBQd\\7x", "the secret with its backslash escapes interpreted"},
	{"octal digits", `kAjM\101fBQd\7x`, "kAjMAfBQd\ax", "the secret with its backslash escapes interpreted"},
	{"an escape of Unicode that is not complete", `kAjM\u00fBQd\tx`, "kAjMu00fBQd\tx", "the secret with its backslash escapes interpreted"},
	{"doubled backslashes", `kA\jMfB\Qd`, `kA\\jMfB\\Qd`, "the secret with backslashes added"},
	{"a backslash before !", mixed, `kAjMfB-Qdq$7KJ\!HbFO3o9Vi?acrxnI#eDl`, "the secret with backslashes added"},
	{"printf %q", `a!b$c&dkAjMfB`, `a\!b\$c\&dkAjMfB`, "the secret with backslashes added"},
	{"a quote in single quotes", `kAjM'fBQd`, `kAjM'\''fBQd`, "the secret with backslashes added"},

	{"PowerShell", "kA`jM`nfB``Qdq7KJ", "kAjM\nfB`Qdq7KJ", "the secret with its backquote escapes interpreted, as PowerShell does in double quotes"},
	{"printf of a shell", "kA%djM%%fB%sQdq7KJ", "kA0jM%fBQdq7KJ", "the secret used as a format string, as printf does with its first argument"},
	{"Sprintf", "kA%djMfBQdq7KJ", "kA%!d(MISSING)jMfBQdq7KJ", "the secret used as a format string"},
	{"a large number", "123456789012345678901234", "1.2345678901234569e+23", "the secret converted to a number, as YAML and JSON read it without quotes"},
	{"an octal number", "0123456701234567", "5744368105847", "the secret converted to a number"},
	{"leading zeros", "00003456789012345678", "3456789012345678", "the secret converted to a number"},
	{"without padding", inBase64, strings.TrimSuffix(inBase64, "="), "the secret without the = at its end"},
	{"without two =", "kAjMfBQdq7KJHbFO3o9VUg==", "kAjMfBQdq7KJHbFO3o9VUg", "the secret without the = at its end"},
	{"+ replaced by a space", inBase64, strings.ReplaceAll(inBase64, "+", " "), "the secret with each + replaced by a space, as decoding a form or a query does"},
	{"the alphabet of base64url", inBase64, strings.NewReplacer("+", "-", "/", "_").Replace(inBase64), "the secret with + and / in place of - and _, or the reverse"},
	{"the alphabet of base64", "mS-kQ2vR9_xTfE0aZpLw", "mS+kQ2vR9/xTfE0aZpLw", "the secret with + and / in place of - and _, or the reverse"},
	{"padding", "mSkQ2vR9xTfE0aZpLw8Hno", "mSkQ2vR9xTfE0aZpLw8Hno==", "the secret with = added at its end"},
	{"decoded from base64", "a0FqTWZCUWRxN0tKSGI=", "kAjMfBQdq7KJHb", "the secret decoded from base64, but its characters themselves are the key"},
	{"decoded from base64 as Node.js does", "a0Fq-TWZCUWRxN0tKSGI.", "kA\x6a\xf9\x35\x99\x09\x45\x91\xc4\xdd\x2d\x29\x21\x88", "the secret decoded from base64"},
	{"decoded from base64 as Java's old decoder does", "a0Fq TWZC!UWRxN0tKSGI", "kAjMfBQdq7KJHb", "the secret decoded from base64"},
	{"decoded from hex", "6b416a4d66425164", "kAjMfBQd", "the secret decoded from hex"},
	{"encoded in base64", "kAjMfBQdq7KJHb", "a0FqTWZCUWRxN0tKSGI=", "the secret encoded in base64, as the data of a Kubernetes Secret is"},
	{"echo, encoded in base64", "kAjMfBQdq7KJHb", "a0FqTWZCUWRxN0tKSGIK", "the secret encoded in base64"},
	{"encoded in base64 with lines", strings.Repeat("kAjMfBQdq7KJHb", 5), "a0FqTWZCUWRxN0tKSGJrQWpNZkJRZHE3S0pIYmtBak1mQlFkcTdLSkhia0FqTWZCUWRxN0tKSGJr\nQWpNZkJRZHE3S0pIYg==", "the secret encoded in base64"},
	{"encoded in hex", "kAjMfBQd", "6b416a4d66425164", "the secret encoded in hex"},
	{"percent-encoded", mixed, "kAjMfB-Qdq%247KJ%21HbFO3o9Vi%3FacrxnI%23eDl", "the secret percent-encoded, as for a URL"},
	{"percent-encoded by a script", mixed, "kAjMfB-Qdq%247KJ!HbFO3o9Vi%3FacrxnI%23eDl", "the secret percent-encoded"},
	{"percent-encoded by .NET", mixed, "kAjMfB-Qdq%247KJ%21HbFO3o9Vi%3facrxnI%23eDl", "the secret percent-encoded"},
	{"percent-encoded by a script, in lower case", mixed, "kAjMfB-Qdq%247KJ!HbFO3o9Vi%3facrxnI%23eDl", "the secret percent-encoded"},
	{"percent-decoded", "kAjMfB%2BQdq+7KJHb", "kAjMfB+Qdq+7KJHb", "the secret percent-decoded, as if it came from a URL"},
	{"percent-decoded as a form", "kAjMfB%2BQdq+7KJHb", "kAjMfB+Qdq 7KJHb", "the secret percent-decoded"},
	{"escaped for HTML", "kAjM<fB&Qd'q", "kAjM&lt;fB&amp;Qd&#39;q", "the secret with HTML escapes"},
	{"escaped for HTML by PHP", "kAjM\"fB&Qd'q", "kAjM&quot;fB&amp;Qd&#039;q", "the secret with HTML escapes"},
	{"HTML decoded", "kAjM&lt;fB&amp;Qdq", "kAjM<fB&Qdq", "the secret with HTML escapes decoded"},
	{"escaped for JSON by Go", "kAjM&fBQd<q", `kAjM\u0026fBQd\u003cq`, "the secret escaped as JSON"},
	{"escaped for JSON by PHP", "kAjM/fB\tQd\"q", `kAjM\/fB\tQd\"q`, "the secret escaped as JSON"},

	{"in lower case", mixed, strings.ToLower(mixed), "the secret in lower case"},
	{"in upper case", mixed, strings.ToUpper(mixed), "the secret in upper case"},
	{"twice", mixed, mixed + mixed, "the secret twice"},
	{"quotes inside", `kA"jMf"BQd`, `kAjMfBQd`, "the secret without the quotes inside it, which shells remove"},
	{"quotes doubled", `kA'jMf"BQd`, `kA''jMf"BQd`, "the secret with quotes doubled"},
	{"% doubled", "kA%jMfBQd", "kA%%jMfBQd", "the secret with % doubled"},
	{"%% halved", "kA%%jMfBQd", "kA%jMfBQd", "the secret with each %% replaced by %"},
	{"a variable of Windows", "kA%jM%fBQd", "kAfBQd", "the secret without %, or without the text between two of them"},
	{"a caret", "kA^jM^^fBQd", "kAjM^fBQd", "the secret without ^, or with each ^ doubled"},
	{"carets for cmd", "kA&jM|fBQd", "kA^&jM^|fBQd", "the secret without ^, or with each ^ doubled"},
	{"a history expansion", "kA!jMf BQdq7KJHb", "kA BQdq7KJHb", "the secret without !, or without what follows it"},
	{"a template", "kA{{jM}}fBQdq7KJ", "kAfBQdq7KJ", "the secret without a part in {…}"},
	{"a script's array", "kA@jM-fBQdq7KJ", "kA-fBQdq7KJ", "the secret without a part that begins with @"},
	{"white space inside", "kA jM  fBQdq7KJ", "kAjMfBQdq7KJ", "the secret without the white space inside it"},
	{"letters and digits alone", "kA-jM_f.BQdq7KJ", "kAjMfBQdq7KJ", "the secret with all but letters and digits removed"},
	{"Git Bash", "/kAjMfBQdq7KJ", "C:/Program Files/Git/kAjMfBQdq7KJ", "the secret converted to a Windows path, as Git Bash does with values that begin with /"},
	{"Git Bash's drive", "/k/AjMfBQdq7KJ", "K:/AjMfBQdq7KJ", "the secret converted to a Windows path"},
	{"zsh", mixed, mixed + "%", "the secret with a % after it, which zsh prints after output without a line break"},
	{"a comma after it", mixed, mixed + ",", "the secret with a character after it that belongs to the text around it"},
	{"PowerShell", "kAjM", "\xff\xfek\x00A\x00j\x00M\x00", "the secret in UTF-16, as PowerShell writes files"},
	{"Latin-1", "kAjMéfBQd", "kAjM\xe9fBQd", "the secret in Latin-1, or encoded as UTF-8 twice"},
	{"UTF-8 twice", "kAjM€fBQd", "kAjMâ\u0082¬fBQd", "the secret in Latin-1, or encoded as UTF-8 twice"},
	{"a hash", mixed, sha256Hex(mixed), "the SHA-256 hash of the secret"},
	{"a double click", "kAjMfB-Qdq7KJ.HbFO3o9Vi", "Qdq7KJ", "only the part of the secret that a double click selects"},
	{"the last character lost", "kAjMfBQdq7KJHb", "kAjMfBQdq7KJH", "the secret without its first or last character"},

	{"an empty secret", mixed, "", "an empty secret, as from a variable that is not set"},
	{"a value that is only a comment", "#kAjMfBQdq7KJHb", "", "an empty secret, as from a variable that is not set, or from a value that a shell or an env file reads as empty"},
	{"undefined", mixed, "undefined", "a word that scripts write for a missing value instead of the secret"},
	{"jwt.io's secret", mixed, "your-256-bit-secret", "a secret from an example"},
	{"a variable's name", mixed, "${README_JWT_SECRET}", "the name of a variable instead of the secret"},
	{"an expression", mixed, "process.env.JWT_SECRET", "the name of a variable instead of the secret"},

	{"quotes, and a line break after them", mixed, `"` + mixed + "\"\n", "the secret in quotes, then with a line break after it"},
	{"a shell without quotes, then a comment", mixed, "kAjMfB-QdqKJ!HbFO3o9Vi?acrxnI", "the secret without a part that begins with $, then cut off at its first #"},
	{"base64 with a line break", "kAjMfBQdq7KJHb", "a0FqTWZCUWRxN0tKSGI=\n", "the secret encoded in base64, then with a line break after it"},
	{"base64 in quotes", "kAjMfBQdq7KJHb", `"a0FqTWZCUWRxN0tKSGI="`, "the secret encoded in base64, then in quotes"},
	{"two causes with one remedy", mixed, mixed + ", ", "the secret with a character after it that belongs to the text around it, then with white space before or after it."},

	{"a column of 20 characters", "kAjMfBQdq7KJHbFO3o9ViacrxnIeDl", "kAjMfBQdq7KJHbFO3o9V", "the secret without its end"},
	{"a selection that began late", "kAjMfBQdq7KJHbFO3o9ViacrxnIeDl", "MfBQdq7KJHbFO3o9ViacrxnIeDl", "the secret without its beginning"},
	{"a column of a fixed length", "kAjMfBQdq7KJHb", "kAjMfBQdq7KJHb" + strings.Repeat(" ", 18), "the secret padded with spaces or zeros"},
	{"a tool that nobody knows", "kAjMfBQdq7KJHbFO3o9ViacrxnIeDl", "kAjMfBQdq7KJHbViacrxnIeDl", "the secret without a part from its middle"},
	{"a line of an env file", mixed, "README_JWT_SECRET=" + mixed, "the secret together with the name of its variable, as in a line of an env file or a JSON object"},
	{"a JSON object", mixed, `{"JWT_SECRET":"` + mixed + `"}`, "the secret together with the name of its variable"},
	{"sed", "kAjMfB&Qdq7KJHb", "kAjMfB__JWT_SECRET__Qdq7KJHb", "the secret with & replaced by other text, as sed does in a replacement"},
	{"two characters swapped", "kAjMfBQdq7KJHb", "kAjMfBdQq7KJHb", "the secret with two characters swapped"},
	{"a character that looks alike", "kAjMfBQdO7KJHb", "kAjMfBQd07KJHb", "the secret with one character changed"},
	{"an invisible character", "kAjMfBQdO7KJHb", "kAjMfBQ\u200bdO7KJHb", "the secret with one character added"},
}

func sha256Hex(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// signature returns the finding about the signature of a token that was signed with another key.
func signature(t *testing.T, secret, signed string) rules.Finding {
	t.Helper()
	token := hs256(hsHeader, `{"name":"A","email":"e","version":1,"iat":1}`, signed)
	_, findings := rules.ReadMe().Check(token, secret, "docs.example.com", now)
	i := slices.IndexFunc(findings, func(f rules.Finding) bool { return f.Rule == "signature" })
	return findings[i]
}

func TestRewritingsOfASecretAreNamed(t *testing.T) {
	for _, test := range rewritings {
		t.Run(test.name, func(t *testing.T) {
			got := signature(t, test.secret, test.signed)
			if !strings.HasPrefix(got.Why, "The signature was made with "+test.why) || got.Fix == "" || !got.Rejected() {
				t.Errorf("%+v\nwant %q", got, test.why)
			}
			if half := len(got.Fix) / 2; got.Fix[:half] == got.Fix[len(got.Fix)-half:] {
				t.Errorf("the same remedy twice: %s", got.Fix)
			}
			for i := range len(test.secret) - 4 {
				if part := test.secret[i : i+5]; strings.Contains(got.Why+got.Fix, part) {
					t.Errorf("%+v contains %q, a part of the secret", got, part)
				}
			}
		})
	}
}

func TestALongSecretIsSearchedForSingleRewritingsOnly(t *testing.T) {
	long := strings.Repeat("kAjMfBQdq", 100)
	for signed, want := range map[string]string{
		long + "\n":             "The signature was made with the secret with a line break after it, as in many mounted files.",
		`"` + long + "\"\n":     "The signature does not verify with the site's secret.",
		long[:500] + long[501:]: "The signature does not verify with the site's secret.",
	} {
		if got := signature(t, long, signed); got.Why != want {
			t.Errorf("%+v, want %q", got, want)
		}
	}
}

func TestARandomSecretIsNoRewriting(t *testing.T) {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&()*+,-./:;<=>?@[]^_{|}~"
	source := rand.New(rand.NewPCG(1, 2))
	random := func(n int) string {
		out := make([]byte, n)
		for i := range out {
			out[i] = letters[source.IntN(len(letters))]
		}
		return string(out)
	}
	step := 4
	if testkit.RaceDetector {
		step = 16
	}
	for n := 16; n <= 64; n += step {
		if got := signature(t, random(n), random(n)); got.Why != "The signature does not verify with the site's secret." {
			t.Errorf("%d characters: %+v", n, got)
		}
	}
}

// A developer waits for the answer. The limits are for a busy machine; an idle one needs less than a tenth.
func TestASearchForRewritingsEnds(t *testing.T) {
	for _, test := range []struct {
		name, secret, claims string
		limit                time.Duration
	}{
		{"letters and digits", "tQn8XsWv2KdLpR7yBzEcMf4hJgUaN6Tx", "", 2 * time.Second},
		{"what a dashboard may show", mixed, "", 2 * time.Second},
		{"characters of all kinds", strings.Repeat(mixed+`%^&*()_+=[]{}\:;<>,./~$$`+"`", 16), "", 8 * time.Second},
		{"a secret of 1 MiB", strings.Repeat(mixed, 1<<20/len(mixed)), "", 8 * time.Second},
		{"a token of 1 MiB", mixed, strings.Repeat("x", 3<<18), 8 * time.Second},
	} {
		token := hs256(hsHeader, `{"name":"`+test.claims+`"}`, "another")
		best := time.Hour // the machine may be busy
		for tries := 0; tries < 3 && best > test.limit; tries++ {
			began := time.Now()
			rules.ReadMe().Check(token, test.secret, "", now)
			best = min(best, time.Since(began))
		}
		if best > test.limit && !testkit.RaceDetector {
			t.Errorf("%s: %v", test.name, best)
		}
	}
}
