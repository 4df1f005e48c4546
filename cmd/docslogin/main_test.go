package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/docslogin/docslogin/internal/presets"
)

const secret = "hunter2-hunter2-secret"

// result is the exit code and the output of a run.
type result struct {
	code      int
	out, errs string
}

// call runs the command in this process.
func call(t testing.TB, stdin string, env map[string]string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	getenv := func(name string) string { return env[name] }
	code := run(t.Context(), args, strings.NewReader(stdin), &out, &errs, getenv)
	return result{code, out.String(), errs.String()}
}

// withSecret runs the command with the secret in the environment.
func withSecret(t testing.TB, stdin string, args ...string) result {
	t.Helper()
	return call(t, stdin, map[string]string{"SECRET": secret}, append(args, "-key-env", "SECRET")...)
}

// want asserts an exit code, and parts of the output.
func (r result) want(t *testing.T, code int, words ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d\n%s%s", r.code, code, r.out, r.errs)
	}
	for _, w := range words {
		if !strings.Contains(r.out+r.errs, w) {
			t.Errorf("%q is missing in\n%s%s", w, r.out, r.errs)
		}
	}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func newEd25519(t *testing.T) ed25519.PrivateKey {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newP256(t *testing.T) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// hs256 signs claims with the secret, as an app without docslogin would.
func hs256(header, claims string) string { return signedWith(secret, header, claims) }

// signedWith returns a token that is signed with HS256 and any secret.
func signedWith(secret, header, claims string) string {
	b64 := base64.RawURLEncoding.EncodeToString
	input := b64([]byte(header)) + "." + b64([]byte(claims))
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(input))
	return input + "." + b64(h.Sum(nil))
}

func TestHelpFitsAScreen(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"-h"}, {"--help"}, {"help", "url"}, {"url", "-h"}, {"url", "--help"}, {"explain", "-help"}, {"help", "check"}, {"help", "site"}, {"help", "platforms"}} {
		r := call(t, "", nil, args...)
		if r.code != 0 || r.errs != "" {
			t.Errorf("%q: exit code %d, %s", args, r.code, r.errs)
		}
		lines := strings.Split(strings.TrimSuffix(r.out, "\n"), "\n")
		if len(lines) > 24 {
			t.Errorf("%q: %d lines", args, len(lines))
		}
		for _, line := range lines {
			if utf8.RuneCountInString(line) > 80 {
				t.Errorf("%q: %d columns: %s", args, utf8.RuneCountInString(line), line)
			}
		}
	}
}

// TestHelpNamesEveryFlag finds the flags of a command in its source.
func TestHelpNamesEveryFlag(t *testing.T) {
	all := regexp.MustCompile(`\.(?:String|Bool|Duration)?(?:Var|Func)\((?:&[\w.]+, )?"([\w-]+)"`)
	for _, test := range []struct{ command, file string }{{"url", "url.go"}, {"explain", "explain.go"}, {"check", "check.go"}, {"site", "site.go"}} {
		help := call(t, "", nil, "help", test.command).out
		source, err := os.ReadFile(test.file)
		if err != nil {
			t.Fatal(err)
		}
		found := all.FindAllSubmatch(source, -1)
		if len(found) < 2 {
			t.Errorf("%s: %d flags found", test.file, len(found))
		}
		for _, m := range found {
			if !regexp.MustCompile(`(?m)(^|[\s,])-` + string(m[1]) + `[\s,:]`).MatchString(help) {
				t.Errorf("%s: -%s is not in its help", test.command, m[1])
			}
		}
		shared := []string{"platform", "key-file", "key-env"}
		if test.command != "site" {
			shared = append(shared, "docs", "json")
		}
		if !strings.Contains(help, "docslogin help platforms") {
			t.Errorf("%s: its help does not refer to the flags that only some platforms have", test.command)
		}
		for _, name := range shared {
			if !strings.Contains(help, "-"+name) {
				t.Errorf("%s: -%s is not in its help", test.command, name)
			}
		}
	}
}

// The help has every preset, and which preset an argument is for.
func TestHelpIsMadeOfThePresets(t *testing.T) {
	help := strings.Join(strings.Fields(call(t, "", nil, "help", "platforms").out), " ")
	for _, p := range presets.All() {
		if !regexp.MustCompile(`[ ,]` + p.Flag + `[ ,]`).MatchString(help) {
			t.Errorf("%s is missing in %s", p.Flag, help)
		}
		for _, a := range p.Extra {
			if strings.Count(help, " -"+a.Name+" "+a.Value+" for ") != 1 {
				t.Errorf("-%s is not there once in %s", a.Name, help)
			}
			if !regexp.MustCompile(`for [^:;]*\b` + p.Flag + `\b[^:;]*: ` + a.Help).MatchString(help) {
				t.Errorf("-%s for %s is missing in %s", a.Name, p.Flag, help)
			}
		}
	}
	for command, want := range map[string]string{
		"site": ` For [^.]*Canny[^.]*, also give it the Platform\.Callback that is printed\. For [^.]*GitBook adaptive[^.]*, also give it the cookie domain that is printed\. Open `,
		"url":  ` There is no such URL for [^.]*GitBook adaptive[^.]*Zendesk[^.]*, which take the token in a form or a cookie\.$`,
	} {
		help := strings.Join(strings.Fields(call(t, "", nil, "help", command).out), " ")
		if !regexp.MustCompile(want).MatchString(help) {
			t.Errorf("%s: %s", command, help)
		}
	}
}

func TestAFlagThatPresetsShareIsDescribedOnce(t *testing.T) {
	issuer := func(help string, optional bool) []presets.Argument {
		return []presets.Argument{{Name: "issuer", Value: "URL", Help: help, Optional: optional}}
	}
	all := []presets.Preset{
		{Flag: "a", Extra: issuer("the issuer", true)},
		{Flag: "b", Extra: issuer("the app's URL", false)},
		{Flag: "c", Extra: issuer("the issuer", false)},
		{Flag: "d"},
	}
	if got, want := argumentHelp(all), "  -issuer URL     for a and c: the issuer; for b: the app's URL\n"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := argumentFlags(all); !slices.Equal(got, []string{"-issuer URL"}) {
		t.Errorf("flags: %q", got)
	}
}

func TestWrap(t *testing.T) {
	for _, test := range []struct {
		name, lead string
		column     int
		words      string
		want       string
	}{
		{"words that fit", "  -a", 6, "one two", "  -a  one two\n"},
		{"a lead that ends at the column", "  -abc", 6, "one two", "  -abc\n      one two\n"},
		{"no lead", "", 0, "one two", "one two\n"},
		{"80 columns", "", 2, strings.Repeat("x", 70) + " " + strings.Repeat("y", 7) + " z", "  " + strings.Repeat("x", 70) + " " + strings.Repeat("y", 7) + "\n  z\n"},
		{"81 columns", "", 2, strings.Repeat("x", 70) + " " + strings.Repeat("y", 8), "  " + strings.Repeat("x", 70) + "\n  " + strings.Repeat("y", 8) + "\n"},
	} {
		if got := wrap(test.lead, test.column, strings.Fields(test.words)...); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestList(t *testing.T) {
	for want, words := range map[string][]string{"": nil, "a": {"a"}, "a or b": {"a", "b"}, "a, b, or c": {"a", "b", "c"}} {
		if got := list(words, "or"); got != want {
			t.Errorf("%q: %q, want %q", words, got, want)
		}
	}
}

// forReadMe is a call of a command with the flags that every call for ReadMe needs.
func forReadMe(command string, more ...string) []string {
	return append([]string{command, "-platform", "readme", "-docs", "https://docs.example.com"}, more...)
}

// incorrectCalls are calls that are rejected before they do anything, each with a part of its error.
var incorrectCalls = []struct {
	name string
	args []string
	want string
}{
	{"nothing", nil, "Flags of most commands"},
	{"an unknown command", []string{"sign"}, "there is no such command"},
	{"help for an unknown command", []string{"help", "sign"}, "there is no such command"},
	{"an unknown flag", forReadMe("url", "-emial", "x"), "did you mean -email?"},
	{"a secret instead of a flag", forReadMe("url", "-"+strings.Repeat("hunter2", 100)), "there is no such flag"},
	{"a flag without its value", forReadMe("url", "-email"), "-email needs a value"},
	{"a flag without a name", forReadMe("url", "-=x"), "there is no such flag"},
	{"an empty name of the key's variable", forReadMe("check", "-key-env", ""), "-key-env is empty; give the name"},
	{"an empty name of the key's file", forReadMe("url", "-key-file", ""), "-key-file is empty; give the name"},
	{"an invalid duration", forReadMe("check", "-token-ttl", "hunter2"), "the value of -token-ttl is invalid: it must be a duration such as 5m"},
	{"an invalid boolean", forReadMe("check", "-json=hunter2"), "the value of -json is invalid: it must be true or false"},
	{"an invalid boolean that looks like an error", forReadMe("check", "-json=x for flag -hunter2"), "the value of -json is invalid: it must be true or false"},
	{"a flag that would take a key", forReadMe("url", "-key", "hunter2"), "did you mean -key-env?"},
	{"an empty issuer", []string{"check", "-platform", "fern", "-issuer", ""}, "-issuer is empty; leave it out to use the platform's own"},
	{"an invalid time", forReadMe("explain", "-at", "hunter2"), "the value of -at is invalid: it must be a time such as 2026-11-21T18:00:00Z"},
	{"an attribute without a value", forReadMe("url", "-attribute", "hunter2"), "the value of -attribute is invalid: it must be NAME=VALUE"},
	{"an attribute without a name", forReadMe("url", "-attribute", "=hunter2"), "it must be NAME=VALUE"},
	{"no platform", []string{"url", "-docs", "https://docs.example.com", "-key-file", "key"}, "set -platform to one of readme, mintlify, "},
	{"an unknown platform", []string{"check", "-platform", "hunter2"}, "there is no such platform; set -platform to one of readme"},
	{"an unknown platform to explain", []string{"explain", "-platform", "hunter2", "e.e.e"}, "there is no such platform"},
	{"a company for ReadMe", forReadMe("check", "-company", "1"), "-company is for canny"},
	{"a cookie's domain for ReadMe", forReadMe("check", "-cookie-domain", "hunter2"), "-cookie-domain is for gitbook-adaptive"},
	{"an issuer for ReadMe", forReadMe("check", "-issuer", "1"), "-issuer is for fern"},
	{"a company for a URL of ReadMe's", []string{"explain", "-company", "1", "https://docs.example.com/?auth_token=e.e.e"}, "-company is for canny"},
	{"no key to sign with", forReadMe("url"), "set -key-file or -key-env"},
	{"two keys", forReadMe("url", "-key-file", "key", "-key-env", "X"), "give -key-file or -key-env, not both"},
	{"a key on standard input", forReadMe("url", "-key-file", "-"), "-key-file must be the name of a file, not -"},
	{"a file that does not exist", forReadMe("url", "-key-file", "hunter2"), "the file of -key-file cannot be read: no such file or directory"},
	{"a directory instead of a file", forReadMe("url", "-key-file", "."), "the file of -key-file cannot be read: is a directory"},
	{"a variable that is not set", forReadMe("url", "-key-env", "hunter2"), "the environment variable of -key-env is empty or not set; give its name, not its value"},
	{"an API key that is not set", forReadMe("url", "-key-file", "key", "-api-key-env", "hunter2"), "the environment variable of -api-key-env is empty"},
	{"a key file beyond 1 MiB", forReadMe("url", "-key-file", "long"), "the file of -key-file is longer than 1 MiB"},
	{"arguments to url", forReadMe("url", "-key-file", "key", "hunter2"), "url takes flags only"},
	{"arguments to check", forReadMe("check", "hunter2"), "check takes flags only"},
	{"two URLs to explain", []string{"explain", "hunter2", "hunter2"}, "explain takes one URL or token"},
	{"nothing to explain", []string{"explain"}, "the input is empty"},
	{"a token without its platform", []string{"explain", "e.e.e"}, "a token alone does not say which platform it is for; set -platform to one of readme"},
	{"a URL without its platform", []string{"explain", "https://docs.example.com/?hunter2=e.e.e"}, "the URL has no token where a known platform takes one"},
	{"an invalid URL", []string{"explain", "https://[hunter2"}, "neither a valid URL nor a token"},
	{"a token instead of a host", []string{"explain", "-platform", "canny", "https://" + token(`"a":"hunter2"`)}, "the URL has a token in its host"},
	{"a token as part of a host", []string{"explain", "-platform", "mintlify", "https://docs." + token(`"a":"hunter2"`) + "/login/jwt-callback#e.e.e"}, "the URL has a token in its host"},
	{"a URL for Zendesk", []string{"explain", "-platform", "zendesk", "https://acme.zendesk.com/access/jwt?jwt=e.e.e"}, "pass the token itself"},
	{"a URL for Zendesk, without -platform", []string{"explain", "https://acme.zendesk.com/access/jwt?jwt=e.e.e"}, "Zendesk takes the token in a form"},
	{"two login URLs on standard input", []string{"explain", "https://hunter2.example.com/?auth_token=" + token(`"a":1`) + "\nhttps://hunter2.example.com/?auth_token=" + token(`"a":2`)}, "the input has several different tokens; pass one login URL"},
	{"docs that are not a URL", []string{"explain", "-platform", "readme", "-docs", "hunter2", "e.e.e"}, "-docs is not an absolute http or https URL"},
	{"docs that are not a valid URL", []string{"explain", "-platform", "readme", "-docs", "https://[hunter2", "e.e.e"}, "-docs is not an absolute"},
	{"a short secret to explain with", []string{"explain", "-platform", "readme", "-key-file", "short", "e.e.e"}, "-key-file: the secret is too short: it has 7 bytes and needs at least 16"},
	{"an argument beyond 1 MiB", []string{"explain", "-platform", "readme", strings.Repeat("hunter2.", 1<<17) + "x"}, "the input is longer than 1 MiB"},
	{"a clock without a URL", forReadMe("check", "-clock", "hunter2"), "-clock must be an absolute http or https URL"},
	{"a clock with credentials", forReadMe("check", "-clock", "https://hunter2:hunter2@example.com"), "without user info"},
	{"a user in a file that does not exist", forReadMe("url", "-key-file", "key", "-user", "hunter2"), "the file of -user cannot be read: no such file"},
	{"a user twice", forReadMe("url", "-key-file", "key", "-user", "-", "-email", "hunter2"), "give -user or -email, not both"},
}

func TestIncorrectCalls(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"key": secret + "\n", "short": "hunter2", "long": strings.Repeat("hunter2 ", 1<<17) + "x"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range incorrectCalls {
		t.Run(test.name, func(t *testing.T) {
			r := call(t, "", nil, test.args...)
			r.want(t, 2, test.want)
			if r.out != "" || !strings.Contains(r.errs, "\ndocslogin: ") && !strings.HasPrefix(r.errs, "docslogin: ") {
				t.Errorf("stdout %q, stderr %q", r.out, r.errs)
			}
			if strings.Contains(r.errs, "hunter2") {
				t.Errorf("the error repeats what it was given: %s", r.errs)
			}
		})
	}
}

func TestInputThatCannotBeRead(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"explain"}, broken{}, &out, &errs, os.Getenv); code != 2 || errs.String() != "docslogin: the input cannot be read: an error\n" {
		t.Errorf("%d, %s", code, errs.String())
	}
	long := strings.NewReader(strings.Repeat("x", 1<<20+1))
	errs.Reset()
	if code := run(t.Context(), []string{"explain"}, long, &out, &errs, os.Getenv); code != 2 || errs.String() != "docslogin: the input is longer than 1 MiB\n" {
		t.Errorf("%d, %s", code, errs.String())
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("hunter2") }

// full is a disk that is full.
type full struct{}

func (full) Write([]byte) (int, error) {
	return 0, &fs.PathError{Op: "write", Path: "hunter2", Err: syscall.ENOSPC}
}

func TestOutputThatCannotBeWritten(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"check", "-platform", "readme", "-docs", "https://docs.example.com"}} {
		var errs bytes.Buffer
		if code := run(t.Context(), args, strings.NewReader(""), full{}, &errs, os.Getenv); code != 1 || errs.String() != "docslogin: the output could not be written: no space left on device\n" {
			t.Errorf("%q: %d, %s", args, code, errs.String())
		}
	}
}

func TestOneNewlineAtTheEndOfAKeyFileIsIgnored(t *testing.T) {
	for end, code := range map[string]int{"": 0, "\n": 0, "\r\n": 0, "\n\n": 1, " \n": 1} {
		r := call(t, "", nil, "check", "-platform", "readme", "-docs", "https://docs.example.com", "-key-file", write(t, "key", secret+end))
		if r.code != code {
			t.Errorf("%q: exit code %d, want %d\n%s", end, r.code, code, r.out)
		}
	}
}

func TestFlagsStandAnywhere(t *testing.T) {
	token := hs256(`{"alg":"HS256","typ":"JWT"}`, `{"name":"Ada","email":"e","version":1,"iat":1700000000}`)
	env := map[string]string{"SECRET": secret}
	call(t, "", env, "explain", token, "--platform", "readme", "-key-env=SECRET").want(t, 0, "✓ ReadMe would accept it.")
	call(t, token, env, "explain", "-", "--platform=readme", "--key-env", "SECRET").want(t, 0, "✓ ReadMe would accept it.")
}

func TestColorsAreForTerminals(t *testing.T) {
	terminal, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // a character device, as terminals are
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, test := range []struct {
		name string
		out  io.Writer
		env  map[string]string
		want bool
	}{
		{"a terminal", terminal, map[string]string{"TERM": "xterm"}, true},
		{"a file", file, nil, false},
		{"a pipe of this process", &bytes.Buffer{}, nil, false},
		{"a terminal without colors", terminal, map[string]string{"TERM": "dumb"}, false},
		{"a terminal of somebody who wants no colors", terminal, map[string]string{"NO_COLOR": "1"}, false},
	} {
		if got := wantsColor(test.out, func(name string) string { return test.env[name] }); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
	var out bytes.Buffer
	(&tool{out: &out, color: true}).line("✓", "32", "in order\x1b[31m")
	if got := out.String(); got != "\x1b[32m✓\x1b[0m in order\\u001b[31m\n" {
		t.Errorf("%q", got)
	}
}

func TestNothingThatATerminalWouldObeyIsPrinted(t *testing.T) {
	for text, want := range map[string]string{
		"a\x1b]0;x\x07":       `a\u001b]0;x\u0007`,
		"a\u009b31m\u202eb":   `a\u009b31m\u202eb`,
		"a\r\tb\x7f\xff":      "a\\u000d\\u0009b\\u007f\uFFFD",
		"\U000e0041":          `\udb40\udc41`,
		"grün 你好\nzwei → ✓ …": "grün 你好\nzwei → ✓ …",
	} {
		if got := clean(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// safe asserts that the output contains nothing that a terminal would obey, and no secret.
func (r result) safe(t testing.TB, secrets ...string) {
	t.Helper()
	for _, c := range r.out + r.errs {
		if !unicode.IsPrint(c) && c != '\n' {
			t.Fatalf("%q is printed:\n%q%q", c, r.out, r.errs)
		}
	}
	for _, s := range secrets {
		if s != "" && strings.Contains(r.out+r.errs, s) {
			t.Fatalf("%q is printed:\n%s%s", s, r.out, r.errs)
		}
	}
}

// The binary has the exit codes, and uses the standard streams and the environment.
func TestTheBinary(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "docslogin")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	start := func(stdin string, args ...string) (int, string, string) {
		cmd := exec.CommandContext(t.Context(), binary, args...)
		cmd.Env = append(os.Environ(), "SECRET="+secret)
		var out, errs bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
		var exit *exec.ExitError
		if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), out.String(), errs.String()
	}
	code, url, errs := start("", "url", "-platform", "readme", "-docs", "https://docs.example.com", "-key-env", "SECRET", "-name", "Ada", "-email", "ada@example.com")
	if code != 0 || !strings.HasPrefix(url, "https://docs.example.com?auth_token=ey") || strings.Count(url, "\n") != 1 || errs != "" {
		t.Fatalf("url: %d, %q, %q", code, url, errs)
	}
	if code, out, errs := start(url, "explain", "-key-env", "SECRET"); code != 0 || !strings.HasSuffix(out, "✓ ReadMe would accept it.\n") || errs != "" {
		t.Errorf("explain: %d, %s%s", code, out, errs)
	}
	if code, out, _ := start(url, "explain", "-key-env", "SECRET", "-at", "2100-01-01T00:00:00Z"); code != 1 || !strings.Contains(out, "✗ ReadMe would reject it at 2100-01-01T00:00:00Z because of exp.") {
		t.Errorf("explain: %d, %s", code, out)
	}
	if code, _, errs := start("", "explain"); code != 2 || errs == "" {
		t.Errorf("explain: %d, %s", code, errs)
	}
}
