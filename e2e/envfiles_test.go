package e2e_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	composedotenv "github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/docker/cli/pkg/kvfile"
	"github.com/go-jose/go-jose/v4"
	"github.com/joho/godotenv"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/platforms"
)

// parsers are programs that read env files. Each returns the value of KEY.
var parsers = []struct {
	name string
	read func(t *testing.T, file string) (value string, err error)
}{
	{"godotenv", func(_ *testing.T, file string) (string, error) {
		values, err := godotenv.Read(file)
		return values["KEY"], err
	}},
	{"compose", func(_ *testing.T, file string) (string, error) {
		values, err := composedotenv.ReadWithLookup(nil, file)
		return values["KEY"], err
	}},
	{"docker", func(_ *testing.T, file string) (string, error) { // docker run --env-file
		lines, err := kvfile.Parse(file, nil)
		for _, line := range lines {
			if value, ok := strings.CutPrefix(line, "KEY="); ok {
				return value, err
			}
		}
		return "", err
	}},
	{"dotenv", reader("node", "--input-type=module", "-e", `import fs from "fs"; import dotenv from "dotenv"; process.stdout.write(dotenv.parse(fs.readFileSync(process.argv[1])).KEY ?? "")`)},
	{"node", func(t *testing.T, file string) (string, error) {
		return outputOf(t, "node", "--env-file="+file, "-e", `process.stdout.write(process.env.KEY ?? "")`)
	}},
	{"dash", reader("dash", "-c", `set -a; . "$0"; printf %s "$KEY"`)},
	{"bash", reader("bash", "-c", `set -a; . "$0"; printf %s "$KEY"`)},
	{"xargs", reader("bash", "-c", `export $(xargs <"$0") >/dev/null && printf %s "$KEY"`)},
	{"read", reader("dash", "-c", `while IFS= read line; do export "$line"; done <"$0"; printf %s "$KEY"`)},
}

// reader returns a parser that runs a program with the file as its last argument.
func reader(program ...string) func(*testing.T, string) (string, error) {
	return func(t *testing.T, file string) (string, error) {
		return outputOf(t, append(program[:len(program):len(program)], file)...)
	}
}

// outputOf returns what a program prints. Output on standard error counts as an error, because a shell
// continues after most errors.
func outputOf(t *testing.T, program ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program[0], program[1:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if text := errs.String(); err == nil && text != "" {
		err = errors.New(text)
	}
	return string(out), err
}

// Private keys. The base64 of the first contains "+" and "/".
const (
	envEd25519 = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIPvvvp555555++++A/A/A/D7776eeeeeefvvvgPwPwPw
-----END PRIVATE KEY-----
`
	envP256 = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgya+p2EW6dRZrXCFX
Z7HWk05Qw9s26JsSe4piKxIPZyGhRANCAARg/tS6JVqdMclh63TGNW1owEm4kjth
+mzmaWIuYPKftnkD/hAIuLyZpBrp6VYovGTy8bIMLX6fUXejwpTURiKZ
-----END PRIVATE KEY-----
`
)

// Secrets as dashboards and people make them.
const (
	plainSecret     = "kAjMfB-Qdq7KJHbFO3o9Vi"
	symbolSecret    = "kAjMfB-Qdq$7KJ!HbFO3o9Vi?acrxnI#eDl"
	variableSecret  = "kAjMfB-acrxnI-Qdq7K$HbFOo9Vi-eDl"
	backslashSecret = `kAjM\fB-Qdq\n7KJ\HbFO3o9Vi`
	quoteSecret     = `kAj'MfB"Qdq'7KJHbFO3o9Vi`
	backquoteSecret = "kAjMfB`true`HbFO3o9ViacrxnI"
	base64Secret    = "Vq7Zr2XwPq7KdT4mY9cB1A=="
	passphrase      = "correct horse battery staple"
)

// onOneLine writes a text's newlines as \n.
func onOneLine(text string) string { return strings.ReplaceAll(strings.TrimSpace(text), "\n", `\n`) }

// envFiles are env files, the keys that their authors meant, and what becomes of them. A key without an
// entry in want works. An entry names the first message that says what is wrong: the program's own
// ("fails"), that of New, or that of docslogin explain if New cannot know that the key is another.
var envFiles = []struct {
	name, file, key string
	want            map[string]string
}{
	{"a plain secret", "KEY=" + plainSecret + "\n", plainSecret, nil},
	{"a secret with $ and #", "KEY=" + symbolSecret + "\n", symbolSecret, map[string]string{
		"godotenv": "explain: the secret without a part that begins with $",
		"dotenv":   "explain: the secret cut off at its first #, which begins a comment in an unquoted value of an env file",
		"node":     "explain: the secret cut off at its first #, which begins a comment in an unquoted value of an env file",
		"dash":     "explain: the secret without a part that begins with $",
		"bash":     "explain: the secret without a part that begins with $",
	}},
	{"a secret with $ and # in single quotes", "KEY='" + symbolSecret + "'\n", symbolSecret, map[string]string{
		"docker": "New: white space or quotes around it",
		"read":   "New: white space or quotes around it",
	}},
	{"a secret with $ and # in double quotes", "KEY=\"" + symbolSecret + "\"\n", symbolSecret, map[string]string{
		"godotenv": "explain: the secret without a part that begins with $",
		"docker":   "New: white space or quotes around it",
		"dash":     "explain: the secret without a part that begins with $",
		"bash":     "explain: the secret without a part that begins with $",
		"read":     "New: white space or quotes around it",
	}},
	{"a secret with what looks like a variable", "KEY=" + variableSecret + "\n", variableSecret, map[string]string{
		"godotenv": "explain: the secret without a part that begins with $",
		"compose":  "explain: the secret without a part that begins with $",
		"dash":     "explain: the secret without a part that begins with $",
		"bash":     "explain: the secret without a part that begins with $",
	}},
	{"a secret with what looks like a variable, in single quotes", "KEY='" + variableSecret + "'\n", variableSecret, map[string]string{
		"docker": "New: white space or quotes around it",
		"read":   "New: white space or quotes around it",
	}},
	{"a secret whose $ is doubled", "KEY=" + strings.ReplaceAll(variableSecret, "$", "$$") + "\n", variableSecret, map[string]string{
		"godotenv": "explain: the secret with each $ doubled, then without a part that begins with $",
		"docker":   "explain: the secret with each $ doubled, which only Compose files and Makefiles need",
		"dotenv":   "explain: the secret with each $ doubled, which only Compose files and Makefiles need",
		"node":     "explain: the secret with each $ doubled, which only Compose files and Makefiles need",
		"dash":     "explain: does not verify with the site's secret",
		"bash":     "explain: does not verify with the site's secret",
		"xargs":    "explain: the secret with each $ doubled, which only Compose files and Makefiles need",
		"read":     "explain: the secret with each $ doubled, which only Compose files and Makefiles need",
	}},
	{"a secret that begins with #", "KEY=#" + plainSecret + "\n", "#" + plainSecret, map[string]string{
		"dotenv": "New: the secret is empty",
		"node":   "New: the secret is empty",
	}},
	{"a comment after the secret", "KEY=" + plainSecret + " # production\n", plainSecret, map[string]string{
		"docker": "New: looks like a value with a comment after it",
		"xargs":  "fails",
		"read":   "New: looks like a value with a comment after it",
	}},
	{"a secret with backslashes", "KEY=" + backslashSecret + "\n", backslashSecret, map[string]string{
		"dash":  "explain: the secret without its backslashes, which shells, systemd, and the command read remove",
		"bash":  "explain: the secret without its backslashes, which shells, systemd, and the command read remove",
		"xargs": "explain: the secret without its backslashes, which shells, systemd, and the command read remove",
		"read":  "explain: the secret without its backslashes, which shells, systemd, and the command read remove",
	}},
	{"a secret with backslashes in single quotes", "KEY='" + backslashSecret + "'\n", backslashSecret, map[string]string{
		"docker": "New: white space or quotes around it",
		"read":   "New: white space or quotes around it",
	}},
	{"a secret with backslashes in double quotes", "KEY=\"" + backslashSecret + "\"\n", backslashSecret, map[string]string{
		"godotenv": "New: looks like base64 with white space in it",
		"compose":  "New: the secret contains a control character, such as a newline or a tab",
		"docker":   "New: white space or quotes around it",
		"dotenv":   "New: the secret contains a control character, such as a newline or a tab",
		"node":     "New: the secret contains a control character, such as a newline or a tab",
		"read":     "New: white space or quotes around it",
	}},
	{"a secret with quotes inside", "KEY=" + quoteSecret + "\n", quoteSecret, map[string]string{
		"dash":  "explain: the secret without the quotes inside it, which shells remove",
		"bash":  "explain: the secret without the quotes inside it, which shells remove",
		"xargs": "explain: the secret without the quotes inside it, which shells remove",
	}},
	{"a secret with backquotes", "KEY=" + backquoteSecret + "\n", backquoteSecret, map[string]string{
		"dash": "explain: the secret without a part that begins with $",
		"bash": "explain: the secret without a part that begins with $",
	}},
	{"a secret in curly quotes", "KEY=“" + plainSecret + "”\n", plainSecret, everywhere("New: white space or quotes around it")},
	{"a passphrase", "KEY=" + passphrase + "\n", passphrase, map[string]string{
		"dash":  "fails",
		"bash":  "fails",
		"xargs": "New: the secret is too short: it has 7 bytes",
	}},
	{"a passphrase in double quotes", "KEY=\"" + passphrase + "\"\n", passphrase, map[string]string{
		"docker": "New: white space or quotes around it",
		"xargs":  "New: the secret is too short: it has 7 bytes",
		"read":   "New: white space or quotes around it",
	}},
	{"base64 with = at its end", "KEY=" + base64Secret + "\n", base64Secret, nil},
	{"export before the name", "export KEY=" + plainSecret + "\n", plainSecret, map[string]string{
		"docker": "fails",
		"read":   "fails",
	}},
	{"spaces around the =", "KEY = " + plainSecret + "\n", plainSecret, map[string]string{
		"docker": "fails",
		"dash":   "fails",
		"bash":   "fails",
		"xargs":  "fails",
		"read":   "fails",
	}},
	{"a space after the secret", "KEY=" + plainSecret + " \n", plainSecret, map[string]string{
		"docker": "New: white space or quotes around it",
		"read":   "New: white space or quotes around it",
	}},
	{"CRLF", "KEY=" + plainSecret + "\r\nOTHER=x\r\n", plainSecret, map[string]string{
		"dash":  "New: white space or quotes around it",
		"bash":  "New: white space or quotes around it",
		"xargs": "New: white space or quotes around it",
		"read":  "New: white space or quotes around it",
	}},
	{"a byte-order mark", "\ufeffKEY=" + plainSecret + "\n", plainSecret, map[string]string{
		"godotenv": "fails",
		"node":     "New: the secret is empty",
		"dash":     "fails",
		"bash":     "fails",
		"xargs":    "fails",
		"read":     "fails",
	}},
	{"no value", "KEY=\n", plainSecret, everywhere("New: the secret is empty")},
	{"a reference to another variable", "KEY=${README_JWT_SECRET}\n", plainSecret, map[string]string{
		"godotenv": "New: the secret is empty",
		"compose":  "New: the secret is empty",
		"docker":   "New: looks like a placeholder that was not expanded",
		"dotenv":   "New: looks like a placeholder that was not expanded",
		"node":     "New: looks like a placeholder that was not expanded",
		"dash":     "New: the secret is empty",
		"bash":     "New: the secret is empty",
		"xargs":    "New: looks like a placeholder that was not expanded",
		"read":     "New: looks like a placeholder that was not expanded",
	}},
	{"a file's path", "KEY=/run/secrets/readme\n", plainSecret, everywhere("New: looks like a file path")},
	{"a private key in lines", "KEY=" + envEd25519, envEd25519, map[string]string{
		"godotenv": "fails",
		"compose":  "fails",
		"docker":   "fails",
		"dotenv":   "New: is cut off after its -----BEGIN line, at the first newline",
		"node":     "New: is cut off after its -----BEGIN line, at the first newline",
		"dash":     "fails",
		"bash":     "fails",
		"xargs":    "fails",
		"read":     "fails",
	}},
	{"a private key in lines in double quotes", "KEY=\"" + envEd25519 + "\"\n", envEd25519, map[string]string{
		"docker": "fails",
		"xargs":  "fails",
		"read":   "fails",
	}},
	{"a private key in lines in single quotes", "KEY='" + envEd25519 + "'\n", envEd25519, map[string]string{
		"docker": "fails",
		"xargs":  "fails",
		"read":   "fails",
	}},
	{"a private key with \\n", "KEY=" + onOneLine(envEd25519) + "\n", envEd25519, map[string]string{
		"dash":  "fails",
		"bash":  "fails",
		"xargs": "fails",
	}},
	{"a private key with \\n in double quotes", "KEY=\"" + onOneLine(envEd25519) + "\"\n", envEd25519, map[string]string{
		"xargs": "fails",
	}},
	{"a private key with \\n in single quotes", "KEY='" + onOneLine(envEd25519) + "'\n", envEd25519, map[string]string{
		"xargs": "fails",
	}},
	{"a private key with a backslash at the end of each line", "KEY=" + strings.ReplaceAll(strings.TrimSpace(envEd25519), "\n", "\\\n") + "\n", envEd25519, map[string]string{
		"godotenv": "fails",
		"compose":  "fails",
		"docker":   "fails",
		"dotenv":   "New: is cut off after its -----BEGIN line, at the first newline",
		"node":     "New: is cut off after its -----BEGIN line, at the first newline",
		"dash":     "fails",
		"bash":     "fails",
		"xargs":    "fails",
	}},
	{"a private key in base64", "KEY=" + base64.StdEncoding.EncodeToString([]byte(envEd25519)) + "\n", envEd25519, nil},
	{"a P-256 key with \\n", "KEY=" + onOneLine(envP256) + "\n", envP256, map[string]string{
		"dash":  "fails",
		"bash":  "fails",
		"xargs": "fails",
	}},
	{"a P-256 key with \\n in double quotes", "KEY=\"" + onOneLine(envP256) + "\"\n", envP256, map[string]string{
		"xargs": "fails",
	}},
	{"a P-256 key with \\n in single quotes", "KEY='" + onOneLine(envP256) + "'\n", envP256, map[string]string{
		"xargs": "fails",
	}},
	{"a P-256 key in base64", "KEY=" + base64.StdEncoding.EncodeToString([]byte(envP256)) + "\n", envP256, nil},
}

func nobody(*http.Request) (*docslogin.User, error) { return nil, docslogin.ErrNoUser }

var compactJWS = regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`)

// tokenOf returns a token of the preset that the key is for, signed with the value.
func tokenOf(t *testing.T, key, value string) (token string, err error) {
	t.Helper()
	const docs = "https://docs.example.com"
	platform := platforms.ReadMe(docs, value)
	switch key {
	case envEd25519:
		platform = platforms.Mintlify(docs, value)
	case envP256:
		platform = platforms.MintlifyPersonalization(docs, value)
	}
	route, err := docslogin.New(nobody, platform, docslogin.WithSignInPage("/sign-in", "next"))
	if err != nil {
		return "", err
	}
	loginURL, err := route.LoginURL(t.Context(), &docslogin.User{ID: "u-42", Name: "Ada Lovelace", Email: "ada@example.com"}, "")
	if err != nil {
		t.Fatal(err)
	}
	return compactJWS.FindString(loginURL), nil
}

// messageFor returns the first message that a developer reads after the program passes value to New,
// while the docs have key. It is "" if the docs accept the token.
func messageFor(t *testing.T, key, value string) string {
	t.Helper()
	token, err := tokenOf(t, key, value)
	if err != nil {
		return "New: " + err.Error()
	}
	if block, _ := pem.Decode([]byte(key)); block != nil {
		if !verifiesWith(t, block, token) {
			t.Error("New read the key as another key")
		}
		return ""
	}
	if value == key {
		return ""
	}
	return "explain: " + explained(t, key, token)
}

// verifiesWith reports whether a token verifies with the public half of a private key.
func verifiesWith(t *testing.T, block *pem.Block, token string) bool {
	t.Helper()
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	switch key := key.(type) {
	case ed25519.PrivateKey:
		_, err = parsed.Verify(key.Public())
	case *ecdsa.PrivateKey:
		_, err = parsed.Verify(&key.PublicKey)
	}
	return err == nil
}

// command builds the command docslogin and returns its path.
var command = sync.OnceValues(func() (string, error) { return build("cmd/docslogin") })

// explained returns what docslogin explain says about a token, if it has the docs' key.
func explained(t *testing.T, key, token string) string {
	t.Helper()
	path, err := command()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, "explain", "-platform", "readme", "-key-env", "DASHBOARD_KEY")
	cmd.Env = append(os.Environ(), "DASHBOARD_KEY="+key)
	cmd.Stdin = strings.NewReader(token)
	out, _ := cmd.Output() // its exit code is 1
	return string(out)
}

// everywhere returns the same message for every program.
func everywhere(message string) map[string]string {
	want := map[string]string{}
	for _, parser := range parsers {
		want[parser.name] = message
	}
	return want
}

func TestEnvFiles(t *testing.T) {
	for _, tt := range envFiles {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), ".env")
			if err := os.WriteFile(file, []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, parser := range parsers {
				value, err := parser.read(t, file)
				got := "fails"
				if err == nil {
					got = messageFor(t, tt.key, value)
				}
				checkMessage(t, parser.name, got, tt.want[parser.name])
			}
		})
	}
}

// checkMessage asserts that a message is of the wanted kind and has the wanted words.
func checkMessage(t *testing.T, program, got, want string) {
	t.Helper()
	kind, words, _ := strings.Cut(want, ": ")
	gotKind, text, _ := strings.Cut(got, ": ")
	if gotKind != kind || !strings.Contains(text, words) {
		t.Errorf("%s: got %q, want %q", program, got, want)
	}
}

// vectors are what programs that cannot run here make of a value, according to their
// documentation: systemd's EnvironmentFile= according to systemd.exec(5), and the file of GitHub
// Actions that $GITHUB_ENV names according to "Workflow commands for GitHub Actions". The wanted
// messages are like those of envFiles.
var vectors = []struct{ name, written, value, key, want string }{
	// systemd: without quotes, a backslash preserves the next character and disappears. A backslash before
	// a newline joins the lines. $ and # mean nothing, and quotes after the first character are kept.
	{"systemd, $ and #", `KEY=kAjMfB-Qdq$7KJ!HbFO3o9Vi?acrxnI#eDl`, "kAjMfB-Qdq$7KJ!HbFO3o9Vi?acrxnI#eDl", symbolSecret, ""},
	{"systemd, backslashes", `KEY=kAjM\fB-Qdq\n7KJ\HbFO3o9Vi`, "kAjMfB-Qdqn7KJHbFO3o9Vi", backslashSecret, "explain: the secret without its backslashes, which shells, systemd, and the command read remove"},
	{"systemd, a comment", "KEY=kAjMfB-Qdq7KJHbFO3o9Vi # production", "kAjMfB-Qdq7KJHbFO3o9Vi # production", plainSecret, "New: looks like a value with a comment after it"},
	{"systemd, quotes inside", `KEY=kAj'MfB"Qdq'7KJHbFO3o9Vi`, `kAj'MfB"Qdq'7KJHbFO3o9Vi`, quoteSecret, ""},
	{"systemd, a space at the end", "KEY=kAjMfB-Qdq7KJHbFO3o9Vi ", "kAjMfB-Qdq7KJHbFO3o9Vi", plainSecret, ""},
	{"systemd, a private key in lines", "KEY=" + envEd25519, "-----BEGIN PRIVATE KEY-----", envEd25519, "New: is cut off after its -----BEGIN line, at the first newline"},
	{"systemd, a private key with \\n", `KEY=-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIPvvvp555555++++A/A/A/D7776eeeeeefvvvgPwPwPw\n-----END PRIVATE KEY-----`, "-----BEGIN PRIVATE KEY-----nMC4CAQAwBQYDK2VwBCIEIPvvvp555555++++A/A/A/D7776eeeeeefvvvgPwPwPwn-----END PRIVATE KEY-----", envEd25519, ""},
	{"systemd, a P-256 key with \\n", `KEY=-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgya+p2EW6dRZrXCFX\nZ7HWk05Qw9s26JsSe4piKxIPZyGhRANCAARg/tS6JVqdMclh63TGNW1owEm4kjth\n+mzmaWIuYPKftnkD/hAIuLyZpBrp6VYovGTy8bIMLX6fUXejwpTURiKZ\n-----END PRIVATE KEY-----`, "-----BEGIN PRIVATE KEY-----nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgya+p2EW6dRZrXCFXnZ7HWk05Qw9s26JsSe4piKxIPZyGhRANCAARg/tS6JVqdMclh63TGNW1owEm4kjthn+mzmaWIuYPKftnkD/hAIuLyZpBrp6VYovGTy8bIMLX6fUXejwpTURiKZn-----END PRIVATE KEY-----", envP256, ""},
	{"systemd, a private key with a backslash at the end of each line", `KEY=-----BEGIN PRIVATE KEY-----\
MC4CAQAwBQYDK2VwBCIEIPvvvp555555++++A/A/A/D7776eeeeeefvvvgPwPwPw\
-----END PRIVATE KEY-----`, "-----BEGIN PRIVATE KEY-----MC4CAQAwBQYDK2VwBCIEIPvvvp555555++++A/A/A/D7776eeeeeefvvvgPwPwPw-----END PRIVATE KEY-----", envEd25519, ""},

	// systemd: in double quotes, a backslash disappears only before ", \, `, $, and a newline. In single
	// quotes, nothing changes.
	{"systemd, backslashes in double quotes", `KEY="kAjM\fB-Qdq\n7KJ\HbFO3o9Vi"`, `kAjM\fB-Qdq\n7KJ\HbFO3o9Vi`, backslashSecret, ""},
	{"systemd, doubled backslashes in double quotes", `KEY="kAjM\\fB-Qdq\\n7KJ\\HbFO3o9Vi"`, `kAjM\fB-Qdq\n7KJ\HbFO3o9Vi`, backslashSecret, ""},
	{"systemd, a private key with \\n in double quotes", `KEY="-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIPvvvp555555++++A/A/A/D7776eeeeeefvvvgPwPwPw\n-----END PRIVATE KEY-----"`, `-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIPvvvp555555++++A/A/A/D7776eeeeeefvvvgPwPwPw\n-----END PRIVATE KEY-----`, envEd25519, ""},
	{"systemd, a private key in lines in double quotes", `KEY="` + envEd25519 + `"`, envEd25519, envEd25519, ""},
	{"systemd, backslashes in single quotes", `KEY='kAjM\fB-Qdq\n7KJ\HbFO3o9Vi'`, `kAjM\fB-Qdq\n7KJ\HbFO3o9Vi`, backslashSecret, ""},

	// GitHub Actions: a line's value is what follows the first =. The lines between KEY<<EOF and EOF are a
	// value with newlines between them.
	{"GitHub Actions, a line", "KEY=kAjMfB-Qdq$7KJ!HbFO3o9Vi?acrxnI#eDl", "kAjMfB-Qdq$7KJ!HbFO3o9Vi?acrxnI#eDl", symbolSecret, ""},
	{"GitHub Actions, quotes", `KEY="kAjMfB-Qdq7KJHbFO3o9Vi"`, `"kAjMfB-Qdq7KJHbFO3o9Vi"`, plainSecret, "New: white space or quotes around it"},
	{"GitHub Actions, base64 with = at its end", "KEY=Vq7Zr2XwPq7KdT4mY9cB1A==", "Vq7Zr2XwPq7KdT4mY9cB1A==", base64Secret, ""},
	{"GitHub Actions, a secret between EOF", "KEY<<EOF\nkAjMfB-Qdq7KJHbFO3o9Vi\nEOF", "kAjMfB-Qdq7KJHbFO3o9Vi", plainSecret, ""},
	{"GitHub Actions, an empty line before EOF", "KEY<<EOF\nkAjMfB-Qdq7KJHbFO3o9Vi\n\nEOF", "kAjMfB-Qdq7KJHbFO3o9Vi\n", plainSecret, "New: white space or quotes around it"},
	{"GitHub Actions, a private key between EOF", "KEY<<EOF\n" + envEd25519 + "EOF", strings.TrimSpace(envEd25519), envEd25519, ""},
	{"GitHub Actions, a private key with \\n", `KEY=-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIPvvvp555555++++A/A/A/D7776eeeeeefvvvgPwPwPw\n-----END PRIVATE KEY-----`, `-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIPvvvp555555++++A/A/A/D7776eeeeeefvvvgPwPwPw\n-----END PRIVATE KEY-----`, envEd25519, ""},
	{"GitHub Actions, a value that the log masks", "KEY=***", "***", plainSecret, "New: looks like a masked value"},
}

func TestDocumentedEnvFiles(t *testing.T) {
	for _, tt := range vectors {
		checkMessage(t, tt.name, messageFor(t, tt.key, tt.value), tt.want)
	}
}
