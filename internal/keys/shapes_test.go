package keys_test

import (
	"encoding/base64"
	"encoding/hex"
	"flag"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin/internal/keys"
	"github.com/docslogin/docslogin/internal/testkit"
)

// notSecrets are texts that are clearly not secrets, each with a part of its error.
var notSecrets = []struct{ name, text, want string }{
	{"a private key in PEM", testkit.Ed25519PEM, "looks like a key in PEM, but this platform needs a shared secret"},
	{"a private key in PEM without its last newline", strings.TrimSpace(testkit.Ed25519PEM), "a key in PEM"},
	{"a private key in PEM on one line", strings.ReplaceAll(testkit.Ed25519PEM, "\n", `\n`), "a key in PEM"},
	{"a public key in PEM", pkix(rfc8032.Public()), "a key in PEM"},
	{"the first line of a key in PEM, in quotes", `"-----BEGIN PRIVATE KEY-----"`, "a key in PEM"},
	{"a private key in PEM in base64", base64.StdEncoding.EncodeToString([]byte(testkit.Ed25519PEM)), "a key in PEM"},
	{"a line of an env file with PEM", "KEY=-----BEGIN PRIVATE KEY-----", "a key in PEM"},

	{"the docs URL", "https://docs.example.com", "looks like a URL; check the order of the arguments"},
	{"a URL in capitals without TLS", "HTTP://LOCALHOST:8080", "a URL"},
	{"a short URL", "https://x.io", "a URL"},
	{"a URL with a newline at the end", "https://docs.example.com/guides\n", "a URL"},
	{"a URL in quotes", `"http://localhost:8080"`, "a URL"},
	{"a URL in capitals", "HTTPS://Docs.Example.com/Größe?a=b#c", "a URL"},
	{"a database's URL", "postgres://app:hunter2@db.internal:5432/docs?sslmode=disable", "a URL"},
	{"a 1Password reference", "op://Private/ReadMe/jwt-secret", "a URL"},
	{"a Vault reference", "vault://secret/data/docs#jwt", "a URL"},
	{"a URL of a file", "file:///run/secrets/readme_jwt", "a URL"},

	{"the file of a Docker secret", "/run/secrets/readme_jwt", "looks like a file path; pass the content of the file"},
	{"the file of a Kubernetes secret", "/var/run/secrets/docs/JWT_SECRET", "a file path"},
	{"a system file", "/etc/docslogin/readmeJwtSecret", "a file path"},
	{"a file of the Vault agent", "/vault/secrets/Docs", "a file path"},
	{"a file in a home folder", "/home/ada/Docs Site/jwt.key", "a file path"},
	{"a file in a home folder on a Mac", "/Users/ada/jwt-secret.txt", "a file path"},
	{"a file in ~", "~/.config/docslogin/secret", "a file path"},
	{"a file in this folder", "./secrets/README_JWT_SECRET", "a file path"},
	{"a short path", "./jwt", "a file path"},
	{"a file outside this folder", "../../secrets/docs.jwt", "a file path"},
	{"a file on Windows", `C:\Users\Ada\secrets\docs.txt`, "a file path"},
	{"a path with a newline at the end", "/run/secrets/readme_jwt\n", "a file path"},
	{"a PEM file", "keys/mintlify.pem", "a file path"},

	{"a variable in braces", "${README_JWT_SECRET}", "looks like a placeholder that was not expanded; pass the value that it stands for"},
	{"a short variable", "${JWT}", "a placeholder"},
	{"a variable with a default", "${README_JWT_SECRET:-change me!}", "a placeholder"},
	{"a variable that must be set", "${README_JWT_SECRET:?not set}", "a placeholder"},
	{"a command of two lines", "$(cat <<EOF\nEOF\n)", "a placeholder"},
	{"a property of a configuration", "${docs.jwt-secret}", "a placeholder"},
	{"a variable of JavaScript", "${config.readmeJwtSecret}", "a placeholder"},
	{"a variable of Serverless", "${env:README_JWT_SECRET}", "a placeholder"},
	{"a variable in quotes", `"${README_JWT_SECRET}"`, "a placeholder"},
	{"a variable without braces", "$README_JWT_SECRET2", "a placeholder"},
	{"a variable of PowerShell", "$env:README_JWT_SECRET", "a placeholder"},
	{"a variable of cmd.exe", "%README_JWT_SECRET%", "a placeholder"},
	{"a variable of Kubernetes", "$(README_JWT_SECRET)", "a placeholder"},
	{"a command", "$(cat /run/secrets/readme_jwt | tr -d '\n')", "a placeholder"},
	{"a command that reads a file", "$(</run/secrets/readme_jwt)", "a placeholder"},
	{"a template of Helm", "{{ .Values.docs.jwtSecret | quote }}", "a placeholder"},
	{"a template without spaces", "{{.Values.docs.jwtSecret}}", "a placeholder"},
	{"an expression of GitHub", "${{ secrets.README_JWT_SECRET }}", "a placeholder"},

	{"a JSON object", `{"username":"docs","password":"Vq7Zr2XwPq7"}`, "looks like a JSON object; pass only the value"},
	{"a JSON object on several lines", "{\n  \"secret\": \"Vq7Zr2XwPq7\"\n}\n", "a JSON object"},
	{"a short JSON object", `{"a":1}`, "a JSON object"},

	{"a whole line of an env file", "README_JWT_SECRET=Vq7Zr2Xw$Pq7!", "looks like a whole line of an env file; pass the value alone, without the name"},
	{"a short line of an env file", "API_KEY=Vq7Z", "a whole line of an env file"},
	{"a token's line of an env file", "MY_TOKEN=Vq7Z", "a whole line of an env file"},
	{"a password's line of an env file", "PASSWORD=Vq7Z!", "a whole line of an env file"},
	{"a JWT's line of an env file", "DOCS_JWT=Vq7Z!", "a whole line of an env file"},
	{"a short value after a long name", "HANDBOOK_SHARED=Vq7Z!", "a whole line of an env file"},
	{"a line whose value is in quotes", `DOCS_SITE="Vq7Zr2XwPq7KdT4m"`, "a whole line of an env file"},
	{"a line whose value is base64", "JWT_SECRET=Vq7Zr2XwPq7KdT4mY9cB1A==", "a whole line of an env file"},
	{"a line whose value begins with =", "JWT_SECRET==Vq7Zr2XwPq7", "a whole line of an env file"},
	{"a line whose name does not suggest a key", "MY_X1=Vq7Zr2XwPq7KdT4m", "a whole line of an env file"},
	{"a line for a shell", "export README_JWT_SECRET=Vq7Zr2XwPq7", "a whole line of an env file"},
	{"a line for a shell of Windows", "set README_JWT_SECRET=Vq7Zr2XwPq7", "a whole line of an env file"},
	{"a line of YAML", "README_JWT_SECRET: Vq7Zr2XwPq7", "a whole line of an env file"},
	{"a line whose name has no prefix", "SECRET=Vq7Zr2XwPq7KdT4m", "a whole line of an env file"},

	{"bullets", strings.Repeat("•", 16), "looks like a masked value, as dashboards show it; reveal it"},
	{"a secret whose middle is masked", "rdme_••••••••Pq7K", "a masked value"},
	{"a secret that is cut off", "rdme_Vq7Zr2XwPq7…", "a masked value"},
	{"circles", "rdme_●●●●●●●●Pq7K", "a masked value"},
	{"asterisks", "rdme_************Pq7K", "a masked value"},

	{"one letter repeated", strings.Repeat("x", 32), "is one character repeated"},
	{"one letter repeated, of several bytes each", strings.Repeat("ü", 16), "is one character repeated"},
	{"one byte repeated, not UTF-8", strings.Repeat("\xff", 32), "is one character repeated"},

	{"base64 with a space in it", "Vq7Zr2XwPq7KdT4m Y9cB1A==", "looks like base64 with white space in it; remove the white space"},
	{"base64 on several lines", "Vq7Zr2XwPq7K\ndT4mY9cB1AVq\r\n7Zr2+/w=", "base64 with white space in it"},
	{"base64 for URLs with a tab in it", "Vq7Zr2Xw-q7K\td_4mY9cB1A", "base64 with white space in it"},
	{"hex in groups", "3f78 6850 e387 550f dab8", "base64 with white space in it"},
	{"two secrets in base64", "Vq7Zr2XwPq7KdT4m== Y9cB1AVq7Zr2XwPq==", "base64 with white space in it"},
}

func TestWhatIsNotASecret(t *testing.T) {
	for _, tt := range notSecrets {
		t.Run(tt.name, func(t *testing.T) {
			_, err := keys.Secret(tt.text, jose.HS256)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if shown := common(tt.text, err.Error()); len(shown) > len("secrets") {
				t.Errorf("the error shows %q: %v", shown, err)
			}
			if _, other := keys.Verifier(tt.text, jose.HS512); other == nil || other.Error() != err.Error() {
				t.Errorf("a key that verifies: got %v, want %v", other, err)
			}
		})
	}
}

func TestPathsAreNotSecrets(t *testing.T) {
	for _, folder := range []string{
		"/app", "/dev", "/etc", "/mnt", "/opt", "/run", "/srv", "/tmp", "/usr", "/var",
		"/config", "/data", "/home", "/keys", "/private", "/root", "/secrets", "/Users", "/vault",
		".", "..", "~", "../..", "./a/b",
	} {
		for _, file := range []string{"/docs-secret", "/docs/jwt.secret", "/readme_jwt_v2.txt"} {
			if _, err := keys.Verifier(folder+file, jose.HS256); err == nil || !strings.Contains(err.Error(), "looks like a file path") {
				t.Errorf("%s%s: %v", folder, file, err)
			}
		}
	}
}

// common returns the longest common substring of a and b.
func common(a, b string) (longest string) {
	for i := range a {
		for j := i + len(longest) + 1; j <= len(a) && strings.Contains(b, a[i:j]); j++ {
			longest = a[i:j]
		}
	}
	return longest
}

// Secrets that people and dashboards choose, and texts that broader patterns would reject.
func TestWhatIsASecret(t *testing.T) {
	for name, secret := range map[string]string{
		"a passphrase":                                  "correct horse battery staple",
		"a passphrase with capitals":                    "Correct Horse BATTERY Staple",
		"a passphrase with numbers":                     "correct horse battery staple 42",
		"a passphrase with a digit at the end":          "Correct Horse Battery Staple1",
		"a passphrase with hyphens":                     "off-line and on-line, and more",
		"a passphrase with a plus sign":                 "salt + pepper and an e-mail",
		"a passphrase with a camel":                     "iPhone is my favorite key",
		"a passphrase with names in capitals":           "JWT secret for ReadMe docs",
		"a passphrase with a year":                      "the GitBook secret 2026 prod",
		"a passphrase of identifiers":                   "mySecretKey snake_case_secret",
		"a passphrase with digits for letters":          "Tr0ub4dor 3 correct horse",
		"a passphrase with one odd word":                "myS3cret pass phrase here",
		"a passphrase with punctuation":                 "Vq7 is not base64, it's \"text\"!",
		"a passphrase with an equals sign":              "the key = the value",
		"a passphrase with quotes inside":               `it's "quoted" inside`,
		"a passphrase in another language":              "größer als ein Schlüssel",
		"a passphrase with emoji":                       "🔑 correct horse 🔋 staple",
		"a passphrase in Chinese":                       "正确马电池订书钉正确马",
		"a passphrase with a combining accent":          "cafe\u0301 horse battery",
		"digits":                                        "31415926535897932384",
		"base64 that begins with /":                     "/AbCdEf0123456789+/AbCdEf0123456789abcdefgh=",
		"base64 that begins with / and a folder's name": "/etc+/CdEf0123456789AbCdEf0123456789",
		"base64 that begins with a folder":              "/run/A0dEf0123456789AbCdEf0123456789",
		"base64 of one letter and =":                    "AAAAAAAAAAAAAAAAAAAAAA==",
		"base64 that looks like a name and =":           "README_JWT_SECRET=",
		"base64 that looks like a name and two =":       "README_JWT_SECRET==",
		"capitals and = inside":                         "ABC=def0123456789",
		"a short name, =, and a short value":            "AB_C=0123456789a",
		"a short name and =":                            "A_B=!0123456789ab",
		"a UUID":                                        "5f0c1d2e-3b4a-4c5d-8e6f-7a8b9c0d1e2f",
		"a secret of Stripe":                            "sk_live_51H8abcDEFghiJKLmnoPQR",
		"a secret of a webhook":                         "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		"a secret of GitHub":                            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
		"a secret of Slack":                             "xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcHrzqqgy",
		"a hash of bcrypt":                              "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
		"a hash of Argon2":                              "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ",
		"a name and a colon":                            "docs:Vq7Zr2XwPq7KdT4m",
		"a scheme's colon and slashes inside":           "Vq7Zr://2XwPq7KdT4m",
		"a scheme's colon and slashes among symbols":    "ab://,Zr2XwP!q7Kd",
		"a dot and a slash":                             "./Vq7Zr2XwPq7KdT4m",
		"two dots and a slash":                          "../q7Zr2XwPq7KdT4m!",
		"a tilde and a slash":                           "~/(Vq7Zr2XwPq7KdT4",
		"a drive and a backslash":                       `C:\q7Zr2XwPq7{dT4m`,
		"a dollar and a brace":                          "${q7Zr2X,Pq7KdT4m}",
		"a dollar and a parenthesis":                    "$(q7Zr2X,Pq7KdT4m)",
		"a dollar and capitals":                         "$VQ7ZR2XWpq7KdT4m",
		"two braces":                                    "{{q7Zr2X,Pq7KdT4}}",
		"braces":                                        "{q7Zr2XwPq7KdT4m!}",
		"the beginning of JSON":                         `{"q7Zr2XwPq7KdT4m`,
		"a percent sign at both ends":                   "%q7Zr2XwPq7KdT4m%",
		"five asterisks":                                "q7Zr2*****Pq7KdT4m",
		"two characters repeated":                       "abababababababab",
		"a backslash and a letter inside":               `q7Zr2XwPq7\nKdT4m`,
	} {
		if _, err := keys.Verifier(secret, jose.HS256); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCharactersOfSecrets(t *testing.T) {
	const control, invisible = "contains a control character", "contains an invisible character"
	for _, tt := range []struct {
		want  string
		runes string
	}{
		{control, "\x00\x01\a\b\t\n\v\f\r\x1b\x1f\x7f\u0080\u0085\u009f"},
		{invisible, "\u00a0\u1680\u2000\u2007\u200a\u2028\u2029\u202f\u205f\u3000"},                       // spaces and separators
		{invisible, "\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u202a\u202e\u2060\u2066\ufeff\U000e0041"}, // format characters
		{invisible, "\u034f\u115f\u1160\u17b4\u3164\uffa0\u180b\ufe00\ufe0f\U000e0100\u2800\U0001d159\U00016fe4"},
		{invisible, "\ue000\ufffe\U0010fffd"}, // private use and noncharacters
		{"", " !~¡ÿ\u0301אｶ中\U0001f511"},
	} {
		for _, r := range tt.runes {
			_, err := keys.Verifier("Vq7, Zr2XwPq"+string(r)+"7KdT4m", jose.HS256)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%U: got %v, want %q", r, err, tt.want)
			}
		}
	}
}

// A secret that is not UTF-8 is a decoded key, which may contain any bytes, even at its ends.
func TestBinarySecrets(t *testing.T) {
	for name, secret := range map[string]string{
		"control characters":      "\xff\x00\x01\x1b\x7f0123456789ab",
		"white space at the ends": " \xff0123456789abcd\n",
		"quotes at the ends":      "\"\xff0123456789abcd\"",
		"the bytes of a bullet":   "\xff\xe2\x80\xa20123456789abc",
		"a space in base64":       "\xffVq7Zr2Xw Pq7KdT4m",
		"a byte-order mark":       "\xff\xfe0123456789abcd",
		"another byte-order mark": "\xfe\xff0\x00123456789abc",
		"an odd number of bytes":  "\xff\xfe0\x001\x002\x003\x004\x005\x006\x007\x008",
	} {
		if _, err := keys.Verifier(secret, jose.HS256); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := keys.Verifier("\xff0123456789abc", jose.HS256); err == nil || !strings.Contains(err.Error(), "is 14 bytes long") {
		t.Errorf("a short secret: %v", err)
	}
}

var randomSecrets = flag.Int("secrets", 100_000, "number of random secrets of each kind to test")

// The test skips ASCII secrets with quotes around them or with \n or \r written at the end. These are
// rejected, because they are far more often an error in a file.
func TestRandomSecretsAreAccepted(t *testing.T) {
	n := *randomSecrets
	if testkit.RaceDetector {
		n /= 10
	}
	ascii := func(b []byte) string {
		for i := range b {
			b[i] = '!' + b[i]%('~'-'!'+1)
		}
		return string(b)
	}
	for name, encode := range map[string]func([]byte) string{
		"hex":                    func(b []byte) string { return hex.EncodeToString(b)[:len(b)] },
		"base64":                 func(b []byte) string { return base64.StdEncoding.EncodeToString(b[:len(b)*3/4]) },
		"base64 for URLs":        func(b []byte) string { return base64.RawURLEncoding.EncodeToString(b)[:len(b)] },
		"ASCII":                  ascii,
		"ASCII of 16 characters": func(b []byte) string { return ascii(b[:16]) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := rand.NewChaCha8([32]byte{16})
			length := rand.New(source)
			var buffer [64]byte
			for range n {
				b := buffer[:16+length.IntN(49)]
				source.Read(b)
				secret := encode(b)
				if strings.Contains(`"'`+"`", secret[:1]) && strings.HasSuffix(secret, secret[:1]) || strings.HasSuffix(secret, `\n`) || strings.HasSuffix(secret, `\r`) {
					continue
				}
				if _, err := keys.Verifier(secret, jose.HS256); err != nil {
					t.Errorf("%s: %v", secret, err)
				}
			}
		})
	}
}
