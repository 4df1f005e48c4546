package rules_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"hash"
	"strings"
	"testing"

	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/internal/testkit"
)

const secret = testkit.Secret

var (
	now     = testkit.Noon // Unix time 1700000000
	private = testkit.Ed25519
	public  = private.Public().(ed25519.PublicKey)
	p256    = testkit.P256
	p384, _ = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)

	b64 = base64.RawURLEncoding.EncodeToString
)

const (
	hsHeader = `{"alg":"HS256","typ":"JWT"}`
	edHeader = `{"alg":"EdDSA","typ":"JWT"}`
	esHeader = `{"alg":"ES256","typ":"JWT"}`
)

func hs256(header, claims, secret string) string { return hs(sha256.New, header, claims, secret) }

func hs512(header, claims string) string { return hs(sha512.New, header, claims, secret) }

func hs(newHash func() hash.Hash, header, claims, secret string) string {
	input := b64([]byte(header)) + "." + b64([]byte(claims))
	h := hmac.New(newHash, []byte(secret))
	h.Write([]byte(input))
	return input + "." + b64(h.Sum(nil))
}

// es256 signs according to RFC 7518, section 3.4.
func es256(claims string) string {
	input := b64([]byte(esHeader)) + "." + b64([]byte(claims))
	digest := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, p256, digest[:])
	if err != nil {
		panic(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + b64(signature)
}

func es256InASN1(claims string) string {
	input := b64([]byte(esHeader)) + "." + b64([]byte(claims))
	digest := sha256.Sum256([]byte(input))
	signature, err := ecdsa.SignASN1(rand.Reader, p256, digest[:])
	if err != nil {
		panic(err)
	}
	return input + "." + b64(signature)
}

func eddsa(header, claims string) string {
	input := b64([]byte(header)) + "." + b64([]byte(claims))
	return input + "." + b64(ed25519.Sign(private, []byte(input)))
}

// cutOff removes the last bytes of a token's signature.
func cutOff(token string) string {
	head, signature := token[:strings.LastIndex(token, ".")+1], token[strings.LastIndex(token, ".")+1:]
	bytes, _ := base64.RawURLEncoding.DecodeString(signature)
	return head + b64(bytes[:len(bytes)-3])
}

// longToken returns a token of exactly size bytes.
func longToken(t *testing.T, sign func(more string) string, size int) string {
	t.Helper()
	for n := range size {
		if token := sign(`,"x":"` + strings.Repeat("x", n) + `"`); len(token) == size {
			return token
		}
	}
	t.Fatalf("no token has %d bytes", size)
	return ""
}

func encode(parts ...string) string {
	for i, p := range parts {
		parts[i] = b64([]byte(p))
	}
	return strings.Join(parts, ".")
}

// A tokenTest is one sentence: a token, and the findings about it. If both rejected and
// warned are empty, the platform accepts the token without a warning.
type tokenTest struct {
	name     string
	platform rules.Platform
	token    string
	key      any
	rejected string // as compare takes it
	warned   string
}

func checkTokens(t *testing.T, tests []tokenTest) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, findings := test.platform.Check(test.token, test.key, "docs.example.com", now)
			checkFindings(t, findings, test.rejected, test.warned)
		})
	}
}

func checkFindings(t *testing.T, findings []rules.Finding, wantRejected, wantWarned string) {
	t.Helper()
	var rejected, warned []rules.Finding
	for _, f := range findings {
		switch {
		case f.Rejected():
			rejected = append(rejected, f)
		case f.Warn:
			warned = append(warned, f)
		}
		if f.OK == (f.Fix != "") || f.Rule == "" || !strings.HasSuffix(f.Why, ".") {
			t.Errorf("%+v is not a finding as documented", f)
		}
	}
	compare(t, "rejected", rejected, wantRejected)
	compare(t, "warned", warned, wantWarned)
}

// compare checks that the findings are all of one rule, and that each has its words in
// its sentence. Want has the form "rule: words; words".
func compare(t *testing.T, what string, got []rules.Finding, want string) {
	t.Helper()
	if want == "" {
		if len(got) > 0 {
			t.Errorf("%s: %+v", what, got)
		}
		return
	}
	rule, words, _ := strings.Cut(want, ": ")
	parts := strings.Split(words, "; ")
	if len(got) != len(parts) {
		t.Fatalf("%s: %d findings, want %d: %+v", what, len(got), len(parts), got)
	}
	for i, f := range got {
		if f.Rule != rule || !strings.Contains(f.Why, parts[i]) {
			t.Errorf("%s: %q, %q; want %q, %q", what, f.Rule, f.Why, rule, parts[i])
		}
	}
}

// rejectedBy returns the rules by which a platform rejects a token, in order.
func rejectedBy(p rules.Platform, token string, key any) string {
	_, findings := p.Check(token, key, "docs.example.com", now)
	var got []string
	for _, f := range findings {
		if f.Rejected() {
			got = append(got, f.Rule)
		}
	}
	return strings.Join(got, " ")
}

func TestEveryPlatformHasANameOfItsOwn(t *testing.T) {
	seen := map[string]bool{"": true}
	for _, p := range rules.All() {
		if seen[p.Name] {
			t.Errorf("the name %q is empty, or there twice", p.Name)
		}
		seen[p.Name] = true
	}
}

func TestRules(t *testing.T) {
	checkTokens(t, []tokenTest{
		{"a secret may come as bytes", rules.ReadMe(), vector, []byte(secret), "", ""},
		{"an empty token", rules.ReadMe(), "", secret, "form: is empty", ""},
		{"a token of two parts", rules.ReadMe(), "a.b", secret, "form: does not have three parts", ""},
		{"a token with padding", rules.ReadMe(), "e30=.e30.", secret, "form: header part that is not base64url", ""},
		{"a token whose end is missing", rules.ReadMe(), vector[:len(vector)-2], secret, "form: has a signature part that was cut off, or changed", ""},
		{"the text undefined", rules.ReadMe(), "undefined", secret, "form: is a word that scripts write for a missing value", ""},
		{"an encrypted token", rules.ReadMe(), "e30..e30.e30.e30", secret, "form: is encrypted (JWE, five parts), and platforms accept only signed tokens (JWS, three parts)", ""},
		{"a token with a line break", rules.ReadMe(), "e30.e3\n0.", secret, "form: claims part that is not base64url", ""},
		{"a signature with standard base64's letters", rules.ReadMe(), "e30.e30.a+/a", secret, "form: signature part that is not base64url", ""},
		{"a header that is a list", rules.ReadMe(), encode("[]", "{}", ""), secret, "form: header that is not one JSON object", ""},
		{"claims that are null", rules.ReadMe(), encode("{}", "null", ""), secret, "form: claims that are not one JSON object", ""},
		{"claims with something after them", rules.ReadMe(), encode("{}", "{}{}", ""), secret, "form: claims that are not one JSON object", ""},

		{"alg none", rules.ReadMe(), hs256(`{"alg":"none","typ":"JWT"}`, `{"name":"A","email":"e","version":1,"iat":1}`, secret), secret, `alg: "none" and has to be HS256`, ""},
		{"HS256 made with the text of a public key", rules.Mintlify(), hs256(hsHeader, `{"host":"docs.example.com","iat":1,"exp":1700000010}`, string(public)), public, `alg: "HS256" and has to be EdDSA`, ""},
		{"HS384", rules.Platform{Name: "Acme", Algorithms: []string{"HS384"}}, hs(sha512.New384, `{"alg":"HS384","typ":"JWT"}`, `{"iat":1700000000}`, secret), secret, "", ""},
		{"no typ", rules.ReadMe(), hs256(`{"alg":"HS256"}`, `{"name":"A","email":"e","version":1,"iat":1}`, secret), secret, "", "typ: not JWT"},
		{"crit", rules.ReadMe(), hs256(`{"alg":"HS256","typ":"JWT","crit":["x"]}`, `{"name":"A","email":"e","version":1,"iat":1}`, secret), secret, "crit: no docs platform understands", ""},

		{"another secret", rules.ReadMe(), vector, "another", "signature: does not verify with the site's secret", ""},
		{"no secret", rules.ReadMe(), vector, "", "signature: without a secret", ""},
		{"no key", rules.ReadMe(), vector, nil, "signature: without a secret", ""},
		{"the secret with its file's last line break", rules.ReadMe(), hs256(hsHeader, `{"name":"A","email":"e","version":1,"iat":1}`, secret+"\n"), secret, "signature: line break after it", ""},
		{"the secret with a line break of Windows", rules.ReadMe(), hs256(hsHeader, `{"name":"A","email":"e","version":1,"iat":1}`, secret+"\r\n"), secret, "signature: line break after it", ""},
		{"the secret in double quotes", rules.ReadMe(), hs256(hsHeader, `{"name":"A","email":"e","version":1,"iat":1}`, `"`+secret+`"`), secret, "signature: was made with the secret in quotes", ""},
		{"the secret in single quotes", rules.ReadMe(), hs256(hsHeader, `{"name":"A","email":"e","version":1,"iat":1}`, "'"+secret+"'"), secret, "signature: was made with the secret in quotes", ""},
		{"a token that was cut off", rules.ReadMe(), cutOff(readMe("")), secret, "signature: has 29 bytes where HS256 makes 32", ""},
		{"the secret decoded from base64", rules.ReadMe(), hs256(hsHeader, `{"name":"A","email":"e","version":1,"iat":1}`, "\x00\x01\x02\x03\x04\x05"), "AAECAwQF", "signature: decoded from base64", ""},
		{"another private key", rules.Mintlify(), mintlify(""), ed25519.PublicKey(make([]byte, 32)), "signature: does not verify with the site's public key", ""},
		{"a key of another kind", rules.Mintlify(), mintlify(""), secret, "signature: without an Ed25519 public key", ""},
		{"an Ed25519 key of a wrong length", rules.Mintlify(), mintlify(""), public[:10], "signature: without an Ed25519 public key", ""},
		{"a signature in ASN.1", rules.MintlifyPersonalization(), es256InASN1(`{"iat":1700000000,"exp":1700000010}`), &p256.PublicKey, "signature: is in ASN.1", ""},
		{"a signature that is cut off", rules.MintlifyPersonalization(), encode(esHeader, `{"iat":1700000000,"exp":1700000010}`, "short"), &p256.PublicKey, "signature: is not the 64 bytes", ""},
		{"a good signature with a byte after it", rules.MintlifyPersonalization(), es256(`{"iat":1700000000,"exp":1700000010}`) + "AA", &p256.PublicKey, "signature: is not the 64 bytes", ""},
		{"a signature of another token", rules.MintlifyPersonalization(), encode(esHeader, `{"iat":1700000000,"exp":1700000010}`, strings.Repeat("x", 64)), &p256.PublicKey, "signature: does not verify with the site's public key", ""},
		{"a key of another curve", rules.MintlifyPersonalization(), es256(`{"iat":1700000000,"exp":1700000010}`), &p384.PublicKey, "signature: without a P-256 public key", ""},
		{"an ECDSA key that is nil", rules.MintlifyPersonalization(), es256(`{"iat":1700000000,"exp":1700000010}`), (*ecdsa.PublicKey)(nil), "signature: without a P-256 public key", ""},

		{"exp that is now", rules.ReadMe(), readMe(`,"exp":1700000000`), secret, "exp: 0s in the past", ""},
		{"exp as text", rules.ReadMe(), readMe(`,"exp":"1700000300"`), secret, "exp: is not a number", ""},
		{"exp in milliseconds", rules.ReadMe(), readMe(`,"exp":1700000300000`), secret, "exp: is in milliseconds", ""},
		{"exp too large for a time", rules.ReadMe(), readMe(`,"exp":1e400`), secret, "exp: is not a time in seconds", ""},
		{"exp before 1970", rules.ReadMe(), readMe(`,"exp":-1`), secret, "exp: is not a time in seconds", ""},
		{"no iat", rules.ReadMe(), hs256(hsHeader, `{"name":"A","email":"e","version":1}`, secret), secret, "", "iat: no iat"},
		{"iat as text", rules.ReadMe(), hs256(hsHeader, `{"name":"A","email":"e","version":1,"iat":"now"}`, secret), secret, "iat: is not a number", ""},
		{"iat a little ahead", rules.ReadMe(), hs256(hsHeader, `{"name":"A","email":"e","version":1,"iat":1700000060}`, secret), secret, "", ""},
		{"iat far ahead", rules.ReadMe(), hs256(hsHeader, `{"name":"A","email":"e","version":1,"iat":1700000090}`, secret), secret, "", "iat: 1m30s in the future"},
		{"nbf in the future", rules.ReadMe(), readMe(`,"nbf":1700000001`), secret, "nbf: is not valid yet", ""},
		{"nbf in the past", rules.ReadMe(), readMe(`,"nbf":1700000000`), secret, "", "nbf: has nbf"},
		{"nbf as text", rules.ReadMe(), readMe(`,"nbf":""`), secret, "nbf: is not a number", ""},

		{"a session of seconds", rules.GitBook(), hs256(hsHeader, `{"iat":1700000000,"exp":1700000010}`, secret), secret, "", "exp: 10s from now, and logs the reader out"},
		{"a session of 59 s", rules.GitBook(), hs256(hsHeader, `{"iat":1700000000,"exp":1700000059}`, secret), secret, "", "exp: 59s from now, and logs the reader out"},
		{"a session of a minute", rules.GitBook(), hs256(hsHeader, `{"iat":1700000000,"exp":1700000060}`, secret), secret, "", ""},
		{"a session that has ended", rules.GitBook(), hs256(hsHeader, `{"iat":1699990000,"exp":1699999940}`, secret), secret, "exp: 1m0s in the past", ""},
	})
}

func TestRulesComeInOrder(t *testing.T) {
	_, findings := rules.Mintlify().Check(mintlify(`,"expiresAt":1701209600,"groups":[]`), public, "docs.example.com", now)
	var got []string
	for _, f := range findings {
		got = append(got, f.Rule)
	}
	const want = "form alg typ signature exp iat nbf expiresAt host groups"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("rules: %s, want %s", s, want)
	}
}

func TestClaimsKeepTheirDigits(t *testing.T) {
	claims, _ := rules.ReadMe().Check(readMe(`,"id":9007199254740993`), secret, "", now)
	if claims["id"] != json.Number("9007199254740993") {
		t.Errorf("id: %v", claims["id"])
	}
	if claims, _ := rules.ReadMe().Check("x", secret, "", now); claims != nil {
		t.Errorf("claims of a text that is not a token: %v", claims)
	}
}

func TestFindingsContainNoCredentials(t *testing.T) {
	token := readMe(`,"apiKey":"Bearer hunter2","keys":[{"name":"hunter2","apiKey":"hunter2"},{"name":"hunter2"}],"user":7,"pass":"hunter2","nbf":1,"exp":"hunter2","api_key":"hunter2"`)
	_, findings := rules.ReadMe().Check(token, "hunter2", "", now)
	for _, f := range findings {
		if s := f.Rule + f.Why + f.Fix; strings.Contains(s, "hunter2") || strings.Contains(s, token) {
			t.Errorf("finding contains a credential: %+v", f)
		}
	}
}
