package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/internal/testkit"
)

const (
	header  = `{"alg":"HS256","typ":"JWT"}`
	readMe1 = `"name":"Ada","email":"ada@example.com","version":1,"iat":1700000000`
	atOnce  = "2023-11-14T22:13:20Z" // 1700000000
)

func token(claims string) string { return hs256(header, "{"+claims+"}") }

func readMeURL(claims string) string { return docsURL + "/?auth_token=" + token(claims) }

func utf16le(text string) string { return inUTF16(binary.LittleEndian, text) }

func utf16be(text string) string { return inUTF16(binary.BigEndian, text) }

func inUTF16(order binary.AppendByteOrder, text string) string {
	out := order.AppendUint16(nil, 0xfeff)
	for _, unit := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, unit)
	}
	return string(out)
}

// explanations are inputs of docslogin explain, each with its exit code and lines of its output; every rule has a row.
var explanations = []struct {
	name, input string
	args        []string
	code        int
	want        string // lines, between semicolons
}{
	{"nothing", readMeURL(readMe1), nil, 0, "✓ ReadMe would accept it."},
	{"a token alone", token(readMe1), []string{"-platform", "readme"}, 0, "ReadMe, according to -platform. The token has 173 bytes.; ✓ form: ; ✓ length: Without its URL, the token is 173 bytes long."},
	{"a URL without its scheme, in quotes", `"` + strings.TrimPrefix(readMeURL(readMe1), "https://") + `"` + "\n", nil, 0, "✓ ReadMe would accept it."},
	{"a URL from an access log", "/?auth_token=" + token(readMe1), nil, 0, "✓ ReadMe would accept it."},
	{"a URL with line breaks", readMeURL(readMe1)[:60] + "\r\n  " + readMeURL(readMe1)[60:100] + "\n" + readMeURL(readMe1)[100:] + "\n", nil, 0, "✓ ReadMe would accept it."},
	{"a URL with a byte-order mark", "\ufeff" + readMeURL(readMe1), nil, 0, "✓ ReadMe would accept it."},
	{"a URL in UTF-16", utf16le(readMeURL(readMe1)), nil, 0, "✓ ReadMe would accept it."},
	{"a URL in UTF-16 of the other order", utf16be(readMeURL(readMe1)), nil, 0, "✓ ReadMe would accept it."},
	{"a URL in JSON", `{"url":"` + readMeURL(readMe1) + `\u0026redirect=%2Fa"}`, nil, 0, "✓ redirect: "},
	{"a URL with the header of a response", "HTTP/1.1 302 Found\r\nCache-Control: no-store\r\nlocation: " + readMeURL(readMe1) + "\r\nDate: x\r\n\r\n", nil, 0, "✓ ReadMe would accept it."},
	{"a URL as curl -v prints it", "< Location: " + readMeURL(readMe1), nil, 0, "✓ ReadMe would accept it."},
	{"a token in a header", "Authorization: Bearer " + token(readMe1), []string{"-platform", "readme"}, 0, "✓ ReadMe would accept it."},
	{"a token with line breaks", token(readMe1)[:60] + "\n" + token(readMe1)[60:], []string{"-platform", "readme"}, 0, "✓ ReadMe would accept it."},
	{"a URL from the source of a page", "https://docs.example.com/?redirect=%2Fa&amp;auth_token=" + token(readMe1), nil, 0, "! html: The URL has &amp; instead of &; → If it was not copied from the source of a page; ✓ ReadMe would accept it."},
	{"no token at all", docsURL + "/login/jwt-callback", []string{"-platform", "readme"}, 1, "✗ token: There is no token in the parameter auth_token.; → Pass the URL to which the app's login route redirects; ✗ ReadMe would reject it because of token."},
	{"a token that does not have three parts", docsURL + "/?auth_token=a.b", nil, 1, "✗ form: The token does not have three parts; ✗ ReadMe would reject it because of form."},
	{"another algorithm", docsURL + "/?auth_token=" + hs256(`{"alg":"none","typ":"JWT"}`, "{"+readMe1+"}"), nil, 1, `✗ alg: The header's alg is "none" and has to be HS256.; → Sign with HS256`},
	{"a token that was changed", docsURL + "/?auth_token=" + token(readMe1)[:130] + "AAAA" + token(readMe1)[134:], nil, 1, "✗ signature: The signature does not verify with the site's secret."},
	{"a token that is old", readMeURL(readMe1 + `,"exp":1700000300`), []string{"-at", "2023-11-14T22:23:20Z"}, 1, "✗ exp is 5m0s in the past, and iat 10m0s: the token is old, or the signer's clock is at least 5m0s behind this one.; ✗ ReadMe would reject it at 2023-11-14T22:23:20Z because of exp. At the time of its iat, 2023-11-14T22:13:20Z, it would accept it."},
	{"a token that is old and more", readMeURL(`"name":"Ada","version":1,"iat":1700000000,"exp":1700000300`), []string{"-at", "2023-11-14T22:23:20Z"}, 1, "✗ ReadMe would reject it because of exp, email."},
	{"a token that is old, at other docs", readMeURL(readMe1 + `,"exp":1700000300`), []string{"-at", "2023-11-14T22:23:20Z", "-docs", "https://acme.readme.io"}, 1, "✗ ReadMe would reject it because of exp, docs."},
	{"a token that is old, without iat", readMeURL(`"name":"Ada","email":"e","version":1,"exp":1700000300`), []string{"-at", "2023-11-14T22:23:20Z"}, 1, "! iat: The token has no iat.; ✗ ReadMe would reject it because of exp."},
	{"a clock ahead", readMeURL(readMe1), []string{"-at", "2023-11-14T22:11:45Z"}, 0, "! iat is 1m35s in the future: the signer's clock is at least that far ahead of this one.; → Synchronize the signer's clock with NTP."},
	{"a time zone in the app, behind", readMeURL(`"name":"Ada","email":"e","version":1,"iat":1699992800,"exp":1699993100`), nil, 1, "✗ exp is 1h55m0s in the past, and iat 2h0m0s, a whole number of hours: the token is old, or the program that made it mixed up local time and UTC; → Set exp to a few minutes from now, in seconds. Make a new token for each login. Set times from Unix time"},
	{"a time zone in the app, ahead", readMeURL(`"name":"Ada","email":"e","version":1,"iat":1700019800`), nil, 0, "! iat is 5h30m0s in the future, a multiple of 30 minutes: the program that made the token mixed up local time and UTC; → Set times from Unix time"},
	{"a time with a zone", readMeURL(readMe1 + `,"exp":1700000300`), []string{"-at", "2023-11-15T00:14:20+02:00"}, 0, "✓ exp is 4m0s from now."},
	{"a missing claim", readMeURL(`"name":"Ada","version":1,"iat":1700000000`), nil, 1, "✗ email: The token has no email.; → Send email as a string for every user."},
	{"a claim that is misspelled", readMeURL(readMe1 + `,"api_key":"hunter2"`), nil, 0, `! spelling: "api_key" is not a claim of ReadMe.; → Call it apiKey.`},
	{"an API key that code blocks do not show", readMeURL(readMe1 + `,"keys":[{"name":"a","apiKey":"hunter2"}]`), nil, 0, "! keys: The top level lacks \"apiKey\", which the first entry of keys has, so code blocks in pages are not filled.; → Copy what is missing to the top level."},
	{"HTTP Basic as an object", readMeURL(readMe1 + `,"apiKey":{"user":"u","pass":"hunter2"}`), nil, 0, "! apiKey is an object, so requests show [object Object], and pages show the object with its password.; → Send user and pass instead, and apiKey only as a string."},
	{"a URL that is too long", readMeURL(readMe1 + `,"bio":"` + strings.Repeat("x", 6000) + `"`), nil, 1, "✗ length: The URL is 8222 bytes long, and more than 8000 do not arrive."},
	{"a token that is too long for any URL", token(readMe1 + `,"bio":"` + strings.Repeat("x", 6000) + `"`), []string{"-platform", "readme"}, 1, "✗ length: Without its URL, the token is 8185 bytes long"},
	{"a token that is too long for Fern", docsURL + "/api/fern-docs/auth/jwt/callback?fern_token=" + token(`"iss":"https://buildwithfern.com","iat":1700000000,"exp":1700003600,"fern":{"name":"`+strings.Repeat("x", 3000)+`"}`), nil, 1, "✗ size: The token is 4199 bytes long and may be 4000 at most.; ! length: The URL is 4267 bytes long: past 3000"},
	{"a token for GitBook that is too long for one cookie", docsURL + "/?jwt_token=" + token(`"iat":1700000000,"exp":1700003600,"bio":"`+strings.Repeat("x", 3000)+`"`), nil, 0, "! length: The URL is 4176 bytes long: past 3000"},
	{"other docs", readMeURL(readMe1), []string{"-docs", "https://acme.readme.io"}, 1, `✗ docs: The URL leads to "docs.example.com", and the docs are at "acme.readme.io".`},
	{"a link that is encoded twice", readMeURL(readMe1) + "&redirect=%252Fquickstart", nil, 0, "! redirect: The parameter redirect is encoded once too often.; ✓ ReadMe would accept it."},
	{"a link to another host", readMeURL(readMe1) + "&redirect=https://evil.example/", nil, 0, "! redirect: The parameter redirect leads to another host than the docs'."},
	{"a link to the login route", readMeURL(readMe1) + "&redirect=/docs-login", nil, 0, "! redirect: The parameter redirect leads back to the app's login route."},
	{"a link to the login route of another name", readMeURL(readMe1) + "&redirect=/sso/docs", []string{"-path", "/sso/docs"}, 0, "! redirect: The parameter redirect leads back to the app's login route."},
	{"another token besides it", docsURL + "/?access_token=hunter2&jwt_token=" + token(`"iat":1700000000,"exp":1700003600`), nil, 1, "✗ access_token: The parameter access_token came with the token, and GitBook would take it instead of the token."},
	{"a login at Canny with another company's board", "https://canny.io/api/redirects/sso?companyID=1&ssoToken=" + token(`"id":"1","name":"Ada","email":"e","iat":1700000000`) + "&redirect=https%3A%2F%2Fevil.example%2F", []string{"-docs", "https://feedback.example.com", "-company", "1"}, 0, "! redirect: The parameter redirect leads to another host than the docs'."},
}

func TestExplain(t *testing.T) {
	for _, test := range explanations {
		t.Run(test.name, func(t *testing.T) {
			r := withSecret(t, test.input, append([]string{"explain", "-at", atOnce}, test.args...)...)
			r.want(t, test.code, strings.Split(test.want, "; ")...)
			r.safe(t, "hunter2", "ada@example.com", token(readMe1))
			if test.code == 0 && strings.Contains(r.out, "✗") || test.code == 1 && !strings.Contains(r.out, "\n✗") {
				t.Errorf("the marks are not those of exit code %d:\n%s", test.code, r.out)
			}
			if strings.Contains(test.want, "!") != strings.Contains(r.out, "\n!") {
				t.Errorf("warnings:\n%s", r.out)
			}

			// The same in JSON.
			inJSON := withSecret(t, test.input, append([]string{"explain", "-json", "-at", atOnce}, test.args...)...)
			inJSON.safe(t, "hunter2", "ada@example.com", token(readMe1))
			var got struct {
				Platform string
				Accepted *bool
				Findings []rules.Finding
			}
			if err := json.Unmarshal([]byte(inJSON.out), &got); err != nil || strings.Count(inJSON.out, "\n") != 1 || inJSON.code != test.code {
				t.Fatalf("%v, exit code %d: %s", err, inJSON.code, inJSON.out)
			}
			if got.Platform == "" || got.Accepted == nil || *got.Accepted != (test.code == 0) || len(got.Findings) != strings.Count(r.out, "\n✓ ")+strings.Count(r.out, "\n✗ ")+strings.Count(r.out, "\n! ")-1 {
				t.Errorf("%s\n%s", inJSON.out, r.out)
			}
		})
	}
}

func TestAnOldTokenWithoutAKey(t *testing.T) {
	input := "https://docs.example.com/?auth_token=" + token(readMe1+`,"exp":1700000300`)
	call(t, input, nil, "explain", "-at", "2023-11-14T22:23:20Z").want(t, 1,
		"✗ ReadMe would reject it at 2023-11-14T22:23:20Z because of exp. At the time of its iat, 2023-11-14T22:13:20Z, it would accept it, if the signature verifies.")
}

// The app signs with what a tool left of the secret.
func TestASecretThatAToolRewroteIsExplained(t *testing.T) {
	for key, want := range map[string]string{
		secret + "#eDl":    "✗ signature: The signature was made with the secret cut off at its first #, which begins a comment in an unquoted value of an env file.\n  → Put the secret in quotes in the env file.\n",
		"$7KJ" + secret:    "✗ signature: The signature was made with the secret without a part that begins with $, which a shell or an env file expanded as a variable.\n  → Put the secret in single quotes in a shell or an env file, and write $$ for each $ in a Compose file or a Makefile.\n",
		"whsec_" + secret:  "✗ signature: The signature was made with the secret without its beginning up to the first _, as if that were a prefix or a name.\n",
		secret + "another": "✗ signature: The signature was made with the secret without its end, as in a field or a column that is too short.\n",
	} {
		r := call(t, readMeURL(readMe1), map[string]string{"KEY": key}, "explain", "-at", atOnce, "-key-env", "KEY")
		r.want(t, 1, want)
		r.safe(t, key, secret)
	}
}

// The host is that of the docs or, without -docs, that of the URL.
func TestTheHostOfAToken(t *testing.T) {
	env := map[string]string{"KEY": testkit.Ed25519PEM}
	made := call(t, "", env, "url", "-platform", "mintlify", "-docs", "https://docs.example.com", "-name", "Ada", "-key-env", "KEY")
	made.want(t, 0)
	moved := strings.Replace(made.out, "https://docs.", "https://Other.", 1)
	_, alone, _ := strings.Cut(made.out, "#")
	for _, test := range []struct {
		input string
		args  []string
		code  int
		want  string
	}{
		{made.out, nil, 0, `✓ host is "docs.example.com", where the docs were visited.`},
		{moved, nil, 1, `✗ host is "docs.example.com", but the docs were visited at "other.example.com".`},
		{made.out, []string{"-docs", "https://acme.mintlify.app"}, 1, `✗ host is "docs.example.com", but the docs were visited at "acme.mintlify.app".`},
		{alone, []string{"-platform", "mintlify"}, 0, "✓ host is there."},
		{alone, []string{"-platform", "mintlify", "-docs", "https://docs.example.com"}, 0, `✓ host is "docs.example.com", where the docs were visited.`},
	} {
		call(t, test.input, env, append([]string{"explain", "-key-env", "KEY"}, test.args...)...).want(t, test.code, test.want)
	}
}

func TestExplainInJSON(t *testing.T) {
	input := "https://docs.example.com/?auth_token=" + token(readMe1+`,"exp":1700000300,"apiKey":"hunter2","keys":[],"parameters":{"a":1},"isAdmin":true,"label":null`)
	r := withSecret(t, input, "explain", "-json", "-at", "2023-11-14T22:23:20Z")
	var got report
	if err := json.Unmarshal([]byte(r.out), &got); err != nil {
		t.Fatal(err)
	}
	got.Findings = nil
	want := `{ReadMe the parameter auth_token the parameter auth_token 300 false true 2023-11-14T22:13:20Z 2023-11-14T22:23:20Z [] map[apiKey:string email:string exp:number iat:number isAdmin:boolean keys:list of 0 label:null name:string parameters:object of 1 version:number] map[]}`
	if s := fmt.Sprint(got); s != want {
		t.Errorf("%s\nwant %s", s, want)
	}
}

func TestClaimsAreShownOnRequest(t *testing.T) {
	input := "https://docs.example.com/?auth_token=" + token(readMe1+`,"apiKey":"hunter2","bio":"a\u001b[31m<b>\u009b"`)
	r := withSecret(t, input, "explain", "-at", atOnce, "-show-claims")
	r.want(t, 0, `  "apiKey": "hunter2",`, `  "bio": "a\u001b[31m<b>\u009b",`)
	r.safe(t)
	r = withSecret(t, input, "explain", "-at", atOnce, "-show-claims", "-json")
	r.want(t, 0, `"apiKey":"hunter2"`)
	r.safe(t)
	var got report
	if err := json.Unmarshal([]byte(r.out), &got); err != nil || got.Claims["bio"] != "a\x1b[31m<b>\u009b" {
		t.Errorf("%v: %s", err, r.out)
	}
	r = withSecret(t, input, "explain", "-at", atOnce)
	r.safe(t, "hunter2", "31m")
}

func TestNamesOfClaimsAreShortenedAndEscaped(t *testing.T) {
	input := "https://docs.example.com/?auth_token=" + token(readMe1+`,"`+strings.Repeat("long", 20)+`":1,"a\nb\u001b[31m":2`)
	r := withSecret(t, input, "explain", "-at", atOnce)
	r.want(t, 0, strings.Repeat("long", 10)+"… (number)", `a\nb\u001b[31m (number)`)
	r.safe(t)
}

// No command prints a secret, whatever its input is and wherever the secret is in it.
func TestNothingSecretIsPrinted(t *testing.T) {
	const canary = "hunter2-canary-of-many-bytes"
	evil := func(header, claims string) string { return hs256(header, claims) }
	inputs := []string{
		canary, canary + "." + canary + "." + canary, "\x1b]0;" + canary + "\x07", canary + "\n" + canary,
		"https://" + canary + "%zz/?auth_token=" + canary, "https://user:" + canary + "@docs.example.com/?auth_token=e30.e30.e30",
		"https://docs.example.com:" + canary + "/?auth_token=e30.e30.e30", "https://[::1" + canary, "%" + canary + "?jwt=" + canary,
		"https://docs.example.com/" + canary + "?jwt=" + canary + "." + canary + "." + canary + "#" + canary,
		"https://docs.example.com/?auth_token=x&redirect=" + canary + "&" + canary + "=" + canary,
		"https://docs.example.com/?auth_token=" + evil(header, `{"exp":"`+canary+`","iat":"`+canary+`","nbf":"`+canary+`","name":["`+canary+`"],"email":{"`+canary+`":1},"version":"`+canary+`","apiKey":"Bearer `+canary+`","api_key":"`+canary+`","keys":[{"name":"`+canary+`","apiKey":"Bearer `+canary+`"},{"name":"`+canary+`","apiKey":{"pass":"`+canary+`"}}]}`),
		"https://docs.example.com/?fern_token=" + evil(header, `{"iss":"`+canary+`","fern":{"roles":"`+canary+`","playground":"`+canary+`"}}`),
		"https://docs.example.com/?jwt_token=" + evil(header, `{"name":"`+canary+`"`+"}"+canary),
		"Set-Cookie: session=" + canary + "; Path=/\nSet-Cookie: gitbook-visitor-token=" + evil(header, `{"name":"`+canary+`"}`) + "; Path=" + canary + "; Expires=" + canary + "; SameSite=" + canary + "; " + canary + "\nLocation: /" + canary,
		"Cookie: " + canary + "=" + canary + "; gitbook-visitor-token=" + evil(header, `{"name":"`+canary+`"}`) + "; gitbook-visitor-token=" + canary + "; fern_token=" + canary,
	}
	env := map[string]string{"SECRET": secret, "CANARY": canary, "LONG": strings.Repeat(canary, 400)}
	file := write(t, "secret", canary+"\nmore")
	var calls [][]string
	for _, p := range allPresets(t) {
		settings := p.flags()
		for _, key := range [][]string{nil, {"-key-env", "SECRET"}, {"-key-env", "CANARY"}, {"-key-file", file}, {"-key-env", "LONG"}, {"-key-env", canary}, {"-key-file", canary}} {
			calls = append(calls,
				append(append([]string{"explain"}, settings...), key...),
				append([]string{"explain", "-json", "-platform", p.Flag}, key...),
				append(append([]string{"check", "-sign-in-page", canary, "-external-url", canary, "-path", canary}, settings...), key...),
				append([]string{"check", "-json", "-docs", canary, "-platform", p.Flag}, key...),
				append(append([]string{"url", "-link", "https://" + canary, "-email", canary}, settings...), key...),
				append(append([]string{"url", "-user", "-"}, settings...), key...))
		}
	}
	calls = append(calls, []string{"explain"}, []string{"explain", "-json"}, []string{canary}, []string{"help", canary}, []string{"url", "-" + canary}, []string{"explain", "-at", canary}, []string{"url", "-token-ttl", canary},
		[]string{"explain", "-x for flag -" + canary}, []string{"check", "-platform", canary}, []string{"check", "--", canary})
	for i, args := range calls {
		stdin := inputs[i%len(inputs)]
		call(t, stdin, env, args...).safe(t, canary, secret)
		if len(args) > 3 {
			continue
		}
		for _, stdin := range inputs {
			call(t, stdin, env, args...).safe(t, canary, secret)
		}
	}
	for _, p := range allPresets(t) {
		for _, stdin := range inputs {
			call(t, stdin, env, "explain", "-platform", p.Flag, "-key-env", "SECRET").safe(t, canary, secret)
			call(t, "", env, "explain", "-platform", p.Flag, "-key-env", "SECRET", stdin).safe(t, canary, secret)
		}
	}
}

// FuzzExplain asserts that explain ends with one of its exit codes and prints nothing that a
// terminal obeys, whatever the input is. It also asserts that explain prints no value of a claim.
func FuzzExplain(f *testing.F) {
	const canary = "canary-7f3a9c"
	for _, seed := range []struct{ input, name, rest string }{
		{"https://docs.example.com/?auth_token=a.b.c&redirect=%2Fa", "apiKey", ""},
		{"https://docs.example.com/login/jwt-callback?redirect=%2Fa#", "content", `,"iat":1700000000,"exp":"x"`},
		{"/page?jwt=", "vars", `,"version":1`},
		{"\x1b[31m", "x\\u001b", `,"keys":[{"name":1}]`},
		{"", "name", ` `},
		{"https://canny.io/api/redirects/sso?ssoToken=", "id", `,"id":null`},
		{"https://", "apiKey", ""}, // the token is where the host should be
		{"Set-Cookie: a=b; Domain=example.com, gitbook-visitor-token=", "name", ""},
		{"curl -b 'fern_token=e.y.J; fern_token=", "fern", `,"iat":1`},
	} {
		f.Add(seed.input, seed.name, seed.rest)
	}
	at := time.Unix(1700000000, 0).UTC().Format(time.RFC3339)
	b64 := base64.RawURLEncoding.EncodeToString
	platforms := strings.Split(platformNames(), ", ")
	f.Fuzz(func(t *testing.T, input, name, rest string) {
		claims := `{"` + name + `":"` + canary + `"` + rest + `}`
		token := b64([]byte(header)) + "." + b64([]byte(claims)) + ".AAAA"
		platform := platforms[len(input)%len(platforms)]
		env := map[string]string{"SECRET": secret}
		args := []string{"explain", "-at", at}
		if len(name)%2 == 0 {
			args = append(args, "-platform", platform)
		}
		if len(rest)%2 == 0 { // a token after the input
			r := call(t, input+token, env, args...)
			if r.safe(t, secret, token); r.code < 0 || r.code > 2 {
				t.Fatalf("exit code %d", r.code)
			}
			return
		}
		args = []string{"explain", "-at", at, "-platform", platform}
		if !strings.HasPrefix(platform, "mintlify") { // Mintlify has no secret
			args = append(args, "-key-env", "SECRET")
		}
		r := call(t, token, env, args...)
		var parsed map[string]any
		if json.Unmarshal([]byte(claims), &parsed) == nil {
			if host, _ := parsed["host"].(string); strings.Contains(host, canary) {
				return // a host may be printed
			}
		}
		if r.safe(t, canary, secret, token); r.code > 1 {
			t.Fatalf("exit code %d", r.code)
		}
	})
}

func TestATerminalIsPrompted(t *testing.T) {
	terminal, err := os.Open(os.DevNull) // a character device, as terminals are
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"explain"}, terminal, &out, &errs, os.Getenv); code != 2 || !strings.HasPrefix(errs.String(), "Paste a login URL or a token, then press Enter and Ctrl-D.\n") {
		t.Errorf("%d: %s", code, errs.String())
	}
}
