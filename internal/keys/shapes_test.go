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
	{"a private key in PEM", testkit.Ed25519PEM, "looks like a key in PEM, but an HMAC secret is needed; check that the key and the preset are for the same platform, and"},
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
	{"a 1Password reference", "op://Private/ReadMe/jwt-secret", "a reference to a secret; pass the secret that it refers to"},
	{"a Vault reference", "vault://secret/data/docs#jwt", "a reference to a secret"},
	{"a URL of a file", "file:///run/secrets/readme_jwt", "a reference to a secret"},

	{"the file of a Docker secret", "/run/secrets/readme_jwt", "looks like a file path; pass the content of the file"},
	{"the file of a Kubernetes secret", "/var/run/secrets/docs/JWT_SECRET", "a file path"},
	{"a file variable of a CI system", "/builds/acme/app.tmp/README_JWT_SECRET", "a file path"},
	{"a credential of systemd", "${CREDENTIALS_DIRECTORY}/readme", "a file path"},
	{"a credential of systemd, by its specifier", "%d/readme_jwt_secret", "a file path"},
	{"a line of a shell script with a short name", "export README=abcdefghijklmnopqrst", "a whole line of an env file"},
	{"a JSON object without its quotes", "{README_JWT_SECRET:abcdefghijklmnopqrst}", "a JSON object"},
	{"a value of dotenvx", "encrypted:B" + strings.Repeat("Dq7KJHbFO3", 12) + "==", "a ciphertext; decrypt it first"},
	{"an error page", "<!DOCTYPE html><title>403 Forbidden</title>", "HTML or XML"},
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

	{"a Vault reference without slashes", "vault:secret/data/docs#jwt", "a reference to a secret"},
	{"a value that Vault encrypted", "vault:v1:8SDd3WHDOjf7mq69CyCqYjBXAiQQAVZRkFM13ok481zoCmHnSeDX9vyf7w==", "a ciphertext"},
	{"a parameter of AWS", "ssm:/docs/prod/jwt_secret", "a reference to a secret"},
	{"a secret's name in AWS", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:docs-jwt-a1b2c3", "a reference to a secret"},
	{"a secret's name in AWS China", "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/docs", "a reference to a secret"},
	{"a dynamic reference of CloudFormation", "{{resolve:secretsmanager:docs:SecretString:jwt}}", "a placeholder"},
	{"a tag of CloudFormation", "!Ref ReadmeJwtSecret", "a reference to a secret"},
	{"a secret's name in Google Cloud", "projects/docs-123/secrets/readme-jwt/versions/latest", "a reference to a secret"},
	{"a reference of Azure", "@Microsoft.KeyVault(SecretUri=https://docs.vault.azure.net/secrets/jwt/)", "a reference to a secret"},
	{"a reference of vals", "ref+awssecrets://docs/jwt", "a reference to a secret"},
	{"an environment variable's reference", "env:README_JWT_SECRET", "a reference to a secret"},
	{"a file's name as curl takes it", "@/run/secrets/readme_jwt", "a reference to a secret"},
	{"a tag of Ansible", "!vault |", "a reference to a secret"},

	{"a value that SOPS encrypted", "ENC[AES256_GCM,data:p673w==,iv:YY=,aad:UQ=,tag:A=]", "looks like a ciphertext; decrypt it first"},
	{"a value that Jasypt encrypted", "ENC(G6N718UuyPE5bHyWKyuLQSm02auQPUtm)", "a ciphertext"},
	{"a value that Spring encrypted", "{cipher}682bc583f4641835fa2db009355293665d2647dade3375c0ee201de2a49f7bda", "a ciphertext"},
	{"a file that Ansible encrypted", "$ANSIBLE_VAULT;1.1;AES256\n6238", "a ciphertext"},
	{"an age key", "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZ", "a ciphertext"},

	{"an example in angle brackets", "<your-readme-jwt-secret>", "looks like an example that was not replaced; set it to the one that"},
	{"an example in capitals", "<README_JWT_SECRET>", "an example"},
	{"an example in brackets", "[Your JWT key, copied from ReadMe]", "an example"},
	{"an example with hyphens", "your-jwt-secret-here", "an example"},
	{"an example with underscores", "YOUR_README_JWT_SECRET", "an example"},
	{"an example of JavaScript", "yourReadmeJwtSecret", "an example"},
	{"a value to change", "changeme", "an example"},
	{"a value to change in production", "change-me-in-production", "an example"},
	{"a value to replace", "REPLACE_WITH_YOUR_SECRET", "an example"},
	{"a value to insert", "insert-your-secret-here", "an example"},
	{"a UUID of x", "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "a masked value"},
	{"a key of x", "rdme_xxxxxxxxxxxxxxxxxxxx", "a masked value"},

	{"undefined", "undefined", "looks like what a program prints for a missing value; check where"},
	{"null", "null", "a missing value"},
	{"None in quotes", `"None"`, "a missing value"},
	{"an object of JavaScript, printed", "[object Object]", "a missing value"},
	{"a promise, printed", "[object Promise]", "a missing value"},
	{"nil, printed", "%!s(<nil>)", "a missing value"},
	{"nil", "<nil>", "a missing value"},
	{"a template's missing value", "<no value>", "a missing value"},
	{"a key of this library, printed", "[redacted]", "a missing value"},
	{"a value that Terraform hides", "(sensitive value)", "a missing value"},

	{"a token", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_-0", "looks like a token (JWT), not the key that signs tokens"},
	{"an encrypted token", "eyJhbGciOiJkaXIifQ..aXY.Y2lwaGVy.dGFn", "a token (JWT)"},
	{"a token in a header", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_-0", "a token (JWT)"},
	{"a header", "AUTHORIZATION: Bearer Vq7Zr2XwPq7KdT4mY9cB1A", "looks like an Authorization header; set"},
	{"a header's value", "Bearer Vq7Zr2XwPq7KdT4mY9cB1A", "an Authorization header"},

	{"an e-mail address", "ada.lovelace@docs.example.com", "looks like an e-mail address; check the order"},
	{"the name of a variable", "README_JWT_SECRET", "looks like the name of an environment variable; pass the variable's value"},
	{"an expression of JavaScript", "process.env.README_JWT_SECRET", "looks like code that reads an environment variable; pass the variable's value"},
	{"an expression of Python", `os.environ["README_JWT_SECRET"]`, "code that reads an environment variable"},
	{"an expression of Go", `os.Getenv("README_JWT_SECRET")`, "code that reads an environment variable"},
	{"an expression of Ruby", `ENV["README_JWT_SECRET"]`, "code that reads an environment variable"},
	{"a template of Octopus", "#{Readme.JwtSecret}", "a placeholder"},
	{"a template of Azure", "#{README_JWT_SECRET}#", "a placeholder"},
	{"a template of Ruby", `<%= ENV["README_JWT_SECRET"] %>`, "a placeholder"},
	{"a template of Python", "%(readme_jwt_secret)s", "a placeholder"},
	{"a template of Jinja", "{% readme_jwt_secret %}", "a placeholder"},
	{"a template with one brace", "{README_JWT_SECRET}", "a placeholder"},
	{"a template of Concourse", "((docs/readme.jwt-secret))", "a placeholder"},
	{"a template of underscores", "__README_JWT_VALUE__", "a placeholder"},
	{"a template of at signs", "@@README_JWT_VALUE@@", "a placeholder"},
	{"a variable in lower case", "$readme_jwt_secret", "a placeholder"},
	{"a variable with a default without a colon", "${README_JWT_SECRET-change me}", "a placeholder"},
	{"an error of fmt", "%!s(int=42)", "a missing value"},
	{"a file's name for curl", "@/etc/docslogin/secret", "a reference to a secret"},
	{"an escaped variable", `\${README_JWT_SECRET}`, "a placeholder"},
	{"a variable that Compose left", "$${README_JWT_SECRET}", "a placeholder"},
	{"a command in backquotes in quotes", "\"`cat /run/secrets/readme`\"", "a placeholder"},
	{"an object of JavaScript", "{ secret: 'Vq7Zr2XwPq7!' }", "a JSON object"},
	{"a hash of Ruby", `{ "secret" => "Vq7Zr2XwPq7!" }`, "a JSON object"},
	{"HTML or XML", "<string>Vq7Zr2XwPq7KdT4m</string>", "looks like HTML or XML; check what wrote it"},

	{"a line with a name in lower case", "readme_jwt_secret=Vq7Zr2Xw$Pq7!", "a whole line of an env file"},
	{"a line of TOML", `secret = "Vq7Zr2XwPq7!"`, "a whole line of an env file"},
	{"a line of YAML with hyphens", "readme-jwt-secret: Vq7Zr2XwPq7", "a whole line of an env file"},
	{"a line of JavaScript", `readmeJwtSecret = "Vq7Zr2XwPq7!";`, "a whole line of an env file"},
	{"a line of a document", "JWT Secret: Vq7Zr2XwPq7KdT4mY9cB1A", "a whole line of an env file"},
	{"a member of JSON", `"readme_jwt_secret": "Vq7Zr2XwPq7!"`, "a whole line of an env file"},
	{"an argument of a command", "--jwt-secret=Vq7Zr2XwPq7!", "a whole line of an env file"},
	{"an argument of docker", "-e README_JWT_SECRET=Vq7Zr2XwPq7!", "a whole line of an env file"},
	{"an assignment of PowerShell", "$env:README_JWT_SECRET = 'kAjMfBQdq7'", "a whole line of an env file"},
	{"an item of a list in YAML", "- README_JWT_SECRET=kAjMfB", "a whole line of an env file"},
	{"an instruction of a Dockerfile", "ENV README_JWT_SECRET kAjMfBQdq7KJ", "a whole line of an env file"},
	{"a command of Windows", "setx README_JWT_SECRET kAjMfBQdq7KJ", "a whole line of an env file"},
	{"a file of Serverless", "${file(./docs.txt)}", "a placeholder"},
	{"a parameter of Serverless", "${ssm:/docs/jwt~true}", "a placeholder"},
	{"a 1Password template", "{{op://Private/ReadMe/secret}}", "a placeholder"},
	{"a template in brackets", "[[readme.jwt_key]]", "a placeholder"},
	{"a reference of Azure Container Apps", "secretref:readme-jwt-secret", "a reference to a secret"},
	{"a reference that begins with @secret:", "@secret:readme/jwt_secret", "a reference to a secret"},
	{"a reference of Vercel", "@readme-jwt-secret", "a reference to a secret"},
	{"a percent-encoded URL", "https%3A%2F%2Fdocs.example.com", "a URL"},
	{"a port on this machine", "localhost:8080/docs", "a URL"},
	{"a secret's name in GitHub Actions", "secrets.README_JWT_SECRET", "looks like an expression in a configuration file; pass its value"},
	{"a variable of Terraform", "var.readme_jwt_secret", "an expression in a configuration file"},
	{"a value that openssl encrypted", "U2FsdGVkX1+vupppZksvRf5pq5g5XjFRlipRkwB0K1Y=", "a ciphertext"},
	{"the example of jwt.io", "your-256-bit-secret", "an example"},
	{"bytes of Go", "[82 68 77 69 95 83 69 67 82 69 84]", "looks like a value as a program prints it; pass its text, such as string(value) in Go"},
	{"bytes of Go as source", "[]byte{0x1, 0x2, 0x3}", "a value as a program prints it"},
	{"bytes of Node.js", "<Buffer 72 64 6d 65 5f 65 78>", "a value as a program prints it"},
	{"bytes of Python", "b'kAjMfB-Qdq7KJHbFO3o9Vi'", "a value as a program prints it"},
	{"a string of .NET", "System.Security.SecureString", "a value as a program prints it"},
	{"a map of Go", "map[jwt:kAjMfBQdq7KJ]", "a value as a program prints it"},
	{"a file that is not there", "cat: /run/docs: No such file or directory", "looks like an error message; check the command"},
	{"a command that is not there", "bash: line 1: op: not found", "an error message"},
	{"an error", "Error: no such item", "an error message"},
	{"groups of x", "XXXX-XXXX-XXXX-XXXX", "a masked value"},
	{"a variable that is not set", "<not set>", "a missing value"},
	{"a JSON object in base64", base64.StdEncoding.EncodeToString([]byte(`{"kty":"oct","k":"Vq7Zr2XwPq7K"}`)), "a JSON object"},
	{"the body of a private key", "MC4CAQAwBQYDK2VwBCIEIPvvvp555555++++A/A/A/D7776eeeeeefvvvgPwPwPw", "a key in PEM, but an HMAC secret is needed"},
	{"the body of a P-256 key", base64.StdEncoding.EncodeToString(ecDER(p256OID, sec1DER(one, scalar, nil, der(context1, make([]byte, 70))))), "a key in PEM"},
	{"the body of an RSA key", base64.StdEncoding.EncodeToString(rsaDER()), "a key in PEM"},
	{"the body of a key in SEC 1", base64.StdEncoding.EncodeToString(goodEC), "a key in PEM"},
	{"a command of instructions", "openssl rand -base64 64", "looks like a command; pass what it prints"},
	{"a command that prints a file", "cat /run/docs", "a command"},
	{"a value to change in camel case", "ChangeMeInProduction", "an example"},
	{"an example without separators", "youradminsecret", "an example"},
	{"a comment after the secret", "Vq7Zr2XwPq7KdT4mY9 # production", "looks like a value with a comment after it; remove the comment"},
	{"a comment after quotes", `"Vq7Zr2XwPq7KdT4mY9" // production`, "a comment after it"},
	{"an HTML newline at the end", "Vq7Zr2XwPq7KdT4mY9cB1A&#10;", "an encoded newline"},
	{"a comma after quotes", `"Vq7Zr2XwPq7KdT4mY9cB1A",`, "quotes and a comma or semicolon around it"},
	{"a semicolon after quotes", `'Vq7Zr2XwPq7KdT4mY9cB1A';`, "quotes and a comma or semicolon around it"},
	{"escaped quotes", `\"Vq7Zr2XwPq7KdT4mY9cB1A\"`, "escaped quotes around it"},
	{"curly quotes", "“Vq7Zr2XwPq7KdT4mY9cB1A”", "white space or quotes around it"},
	{"German quotes", "„Vq7Zr2XwPq7KdT4mY9cB1A“", "white space or quotes around it"},
	{"a secret in UTF-16 without a byte-order mark", "V\x00q\x007\x00Z\x00r\x002\x00X\x00w\x00", "in UTF-16"},
	{"a secret in UTF-16 of the other order", "\x00V\x00q\x007\x00Z\x00r\x002\x00X\x00w", "in UTF-16"},
	{"three asterisks, as GitHub prints secrets", "***", "a masked value"},
	{"the file of a key", "secrets/docs-jwt.key", "a file path"},
	{"a file on Windows with slashes", "C:/secrets/docs.secret", "a file path"},
	{"a file of a network on Windows", `\\server\secrets\docs`, "a file path"},
	{"a key in OpenSSH's format", "-----BEGIN OPENSSH PRIVATE KEY-----", "a key in PEM"},
	{"a key in PEM whose dashes were changed", "—–BEGIN PRIVATE KEY—–", "a key in PEM"},

	{"base64 with a space in it", "Vq7Zr2XwPq7KdT4m Y9cB1A==", "looks like base64 with white space in it; if the docs' dashboard shows a + there, pass the secret without decoding it; otherwise remove the white space"},
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

// realSecrets are secrets that people and dashboards choose, and texts that broader patterns would
// reject.
var realSecrets = map[string]string{
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
	"a passphrase that begins with your":            "your mother likes green tea",
	"a passphrase that begins with put":             "put the kettle on, please",
	"a passphrase that begins with put, of words":   "put the kettle on please",
	"a passphrase that begins with change":          "change it all tomorrow",
	"a passphrase that begins with token":           "token correct horse battery",
	"a passphrase with a number sign":               "correct horse #1 battery",
	"a passphrase with a number sign alone":         "correct horse # battery staple",
	"a passphrase with a colon":                     "secret: the correct horse",
	"a passphrase about a host":                     "docs.example.community horse",
	"a secret of SendGrid":                          "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",
	"a secret of Discord, in three parts":           "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs",
	"a secret of Google":                            "GOCSPX-4mYs_abcDEFghiJKLmnoPQRstu",
	"a secret of Azure":                             "3rS8Q~abcDEFghiJKLmnoPQRstu.vwxyz-01234",
	"a secret that the percent encoding is part of": "Vq7%2BZr%2FXwPq7KdT4m",
	"seven times x":                                 "Vq7xxxxxxxZr2XwPq7K",
	"a comma at the end":                            "Vq7Zr2XwPq7KdT4mY9,",
	"a quote, and a quote and a comma":              `"q7Z!2XwPq7KdT4m",`,
	"braces after a number sign":                    `#{R|i?mHR;9L+\U}`,
	"an at sign and a slash":                        "@/9K9ZXV5E-QSYtL",
	"a percent sign, and braces":                    "{%7Zr2XwPq7KdT%}",
	"a verb's error, nearly":                        "%!s(q7Zr2X,wPq7Kd)",
	"an exclamation mark and Ref":                   "!Ref+Zr2XwPq7KdT4",
	"a passphrase about a cat":                      "cat dog horse battery",
	"an ampersand and braces":                       "&{CVQ?&[@wZ,lP)}",
	"two characters repeated":                       "abababababababab",
	"a backslash and a letter inside":               `q7Zr2XwPq7\nKdT4m`,
}

func TestWhatIsASecret(t *testing.T) {
	for name, secret := range realSecrets {
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
	if _, err := keys.Verifier("\xff0123456789abc", jose.HS256); err == nil || !strings.Contains(err.Error(), "it has 14 bytes and needs at least 16") {
		t.Errorf("a short secret: %v", err)
	}
}

var randomSecrets = flag.Int("secrets", 5_000, "number of random secrets of each kind to test")

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

func TestIsPlaceholder(t *testing.T) {
	for text, want := range map[string]bool{"${DOCS_URL}": true, "{{ .docsURL }}": true, "$(DOCS_URL)": true, "https://docs.example.com": false, "": false} {
		if got := keys.IsPlaceholder(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
