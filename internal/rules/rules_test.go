package rules_test

import (
	"bytes"
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
	"time"

	"github.com/docslogin/docslogin/internal/rules"
)

const (
	secret = "rdme_example_secret"
	// vector is ReadMe's published sample user, signed with the secret above.
	vector = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJuYW1lIjoiT3dsYmVydCIsImVtYWlsIjoib3dsYmVydEByZWFkbWUuaW8iLCJhcGlLZXkiOiIxMjM0NSIsInZlcnNpb24iOjEsImlhdCI6MTcwMDAwMDAwMH0.BEMtRPNlbyC3ZSFHrL_0h-tGW4ZnuJZxSC-C9fduC-Q"
)

var (
	now     = time.Unix(1700000000, 0)
	private = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	public  = private.Public().(ed25519.PublicKey)
	b64     = base64.RawURLEncoding.EncodeToString

	p256, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, _ = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
)

func hs256(header, claims, secret string) string { return hs(sha256.New, header, claims, secret) }

func hs512(header, claims string) string { return hs(sha512.New, header, claims, secret) }

func hs(newHash func() hash.Hash, header, claims, secret string) string {
	input := b64([]byte(header)) + "." + b64([]byte(claims))
	h := hmac.New(newHash, []byte(secret))
	h.Write([]byte(input))
	return input + "." + b64(h.Sum(nil))
}

// es256 signs as RFC 7518, section 3.4, has it.
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

const (
	hsHeader = `{"alg":"HS256","typ":"JWT"}`
	edHeader = `{"alg":"EdDSA","typ":"JWT"}`
	esHeader = `{"alg":"ES256","typ":"JWT"}`
)

// readMe signs the claims that ReadMe requires and those given.
func readMe(more string) string {
	return hs256(hsHeader, `{"name":"Ada","email":"ada@example.com","version":1,"iat":1700000000`+more+`}`, secret)
}

// cutOff returns a token of which the last bytes of the signature are missing.
func cutOff(token string) string {
	head, signature := token[:strings.LastIndex(token, ".")+1], token[strings.LastIndex(token, ".")+1:]
	bytes, _ := base64.RawURLEncoding.DecodeString(signature)
	return head + b64(bytes[:len(bytes)-3])
}

func mintlify(more string) string {
	return eddsa(edHeader, `{"host":"docs.example.com","iat":1700000000,"exp":1700000010`+more+`}`)
}

// zendesk signs the claims that Zendesk requires and those given.
func zendesk(more string) string {
	return hs256(hsHeader, `{"iat":1700000000,"jti":"j","name":"Ada","email":"ada@example.com"`+more+`}`, secret)
}

// fern signs the claims that every session with Fern has and those given.
func fern(more string) string {
	return hs256(hsHeader, `{"iss":"https://buildwithfern.com","iat":1700000000,"exp":1700086400`+more+`}`, secret)
}

// gitBook signs the claims of a session of an hour and those given.
func gitBook(more string) string {
	return hs256(hsHeader, `{"iat":1700000000,"exp":1700003600`+more+`}`, secret)
}

// longToken has as many bytes as asked for.
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

// TestRules has one row per sentence: the token, and what the rules say to it.
// An empty "refused" and "noted" means that the token is taken without a word.
func TestRules(t *testing.T) {
	const host = "docs.example.com"
	tests := []struct {
		name     string
		platform rules.Platform
		token    string
		key      any
		refused  string // rule: part of the sentence
		noted    string
	}{
		{"ReadMe takes the published sample", rules.ReadMe(), vector, secret, "", ""},
		{"a secret may come as bytes", rules.ReadMe(), vector, []byte(secret), "", ""},

		{"an empty token", rules.ReadMe(), "", secret, "form: is empty", ""},
		{"a token of two parts", rules.ReadMe(), "a.b", secret, "form: does not have three parts", ""},
		{"a token with padding", rules.ReadMe(), "e30=.e30.", secret, "form: header part that is not base64url", ""},
		{"a token with a line break", rules.ReadMe(), "e30.e3\n0.", secret, "form: claims part that is not base64url", ""},
		{"a signature with standard base64's letters", rules.ReadMe(), "e30.e30.a+/a", secret, "form: signature part that is not base64url", ""},
		{"a header that is a list", rules.ReadMe(), encode("[]", "{}", ""), secret, "form: header that is not one JSON object", ""},
		{"claims that are null", rules.ReadMe(), encode("{}", "null", ""), secret, "form: claims that are not one JSON object", ""},
		{"claims with something after them", rules.ReadMe(), encode("{}", "{}{}", ""), secret, "form: claims that are not one JSON object", ""},

		{"alg none", rules.ReadMe(), hs256(`{"alg":"none","typ":"JWT"}`, `{"name":"A","email":"e","version":1,"iat":1}`, secret), secret, `alg: "none" and has to be HS256`, ""},
		{"HS256 made with the text of a public key", rules.Mintlify(), hs256(hsHeader, `{"host":"docs.example.com","iat":1,"exp":1700000010}`, string(public)), public, `alg: "HS256" and has to be EdDSA`, ""},
		{"no typ", rules.ReadMe(), hs256(`{"alg":"HS256"}`, `{"name":"A","email":"e","version":1,"iat":1}`, secret), secret, "", "typ: not JWT"},
		{"crit", rules.ReadMe(), hs256(`{"alg":"HS256","typ":"JWT","crit":["x"]}`, `{"name":"A","email":"e","version":1,"iat":1}`, secret), secret, "crit: no docs platform understands", ""},

		{"another secret", rules.ReadMe(), vector, "another", "signature: does not fit the site's secret", ""},
		{"no secret", rules.ReadMe(), vector, "", "signature: without a secret", ""},
		{"no key", rules.ReadMe(), vector, nil, "signature: without a secret", ""},
		{"the secret with its file's last line break", rules.ReadMe(), hs256(hsHeader, `{"name":"A","email":"e","version":1,"iat":1}`, secret+"\n"), secret, "signature: line break after it", ""},
		{"such a line break of Windows", rules.ReadMe(), hs256(hsHeader, `{"name":"A","email":"e","version":1,"iat":1}`, secret+"\r\n"), secret, "signature: line break after it", ""},
		{"the secret in its quotes", rules.ReadMe(), hs256(hsHeader, `{"name":"A","email":"e","version":1,"iat":1}`, `"`+secret+`"`), secret, "signature: was made with the secret in quotes", ""},
		{"the secret in single quotes", rules.ReadMe(), hs256(hsHeader, `{"name":"A","email":"e","version":1,"iat":1}`, "'"+secret+"'"), secret, "signature: was made with the secret in quotes", ""},
		{"a token that was cut off", rules.ReadMe(), cutOff(readMe("")), secret, "signature: has 29 bytes where HS256 makes 32", ""},
		{"the secret decoded from base64", rules.ReadMe(), hs256(hsHeader, `{"name":"A","email":"e","version":1,"iat":1}`, "\x00\x01\x02\x03\x04\x05"), "AAECAwQF", "signature: decoded from base64", ""},
		{"another private key", rules.Mintlify(), mintlify(""), ed25519.PublicKey(make([]byte, 32)), "signature: does not fit the site's key", ""},
		{"a key of another kind", rules.Mintlify(), mintlify(""), secret, "signature: without an Ed25519 public key", ""},
		{"an Ed25519 key of a wrong length", rules.Mintlify(), mintlify(""), public[:10], "signature: without an Ed25519 public key", ""},

		{"ReadMe takes an exp to come", rules.ReadMe(), readMe(`,"exp":1700000300`), secret, "", ""},
		{"ReadMe refuses an exp of the past", rules.ReadMe(), readMe(`,"exp":1699999990`), secret, "exp: 10s in the past", ""},
		{"exp at this very second", rules.ReadMe(), readMe(`,"exp":1700000000`), secret, "exp: 0s in the past", ""},
		{"exp as text", rules.ReadMe(), readMe(`,"exp":"1700000300"`), secret, "exp: is not a number", ""},
		{"exp in milliseconds", rules.ReadMe(), readMe(`,"exp":1700000300000`), secret, "exp: is in milliseconds", ""},
		{"exp beyond all time", rules.ReadMe(), readMe(`,"exp":1e400`), secret, "exp: is not a time in seconds", ""},
		{"exp before 1970", rules.ReadMe(), readMe(`,"exp":-1`), secret, "exp: is not a time in seconds", ""},
		{"Mintlify takes 10 s", rules.Mintlify(), mintlify(""), public, "", ""},
		{"Mintlify takes 10 s, rounded up to whole seconds", rules.Mintlify(), eddsa(edHeader, `{"host":"docs.example.com","iat":1700000000,"exp":1700000011}`), public, "", ""},
		{"Mintlify refuses 12 s", rules.Mintlify(), eddsa(edHeader, `{"host":"docs.example.com","iat":1700000000,"exp":1700000012}`), public, "exp: 12s from now and may be 10s at most", ""},
		{"Mintlify refuses a token without exp", rules.Mintlify(), eddsa(edHeader, `{"host":"docs.example.com","iat":1700000000}`), public, "exp: has no exp", ""},

		{"no iat", rules.ReadMe(), hs256(hsHeader, `{"name":"A","email":"e","version":1}`, secret), secret, "", "iat: no iat"},
		{"iat as text", rules.ReadMe(), hs256(hsHeader, `{"name":"A","email":"e","version":1,"iat":"now"}`, secret), secret, "iat: is not a number", ""},
		{"iat a little ahead", rules.ReadMe(), hs256(hsHeader, `{"name":"A","email":"e","version":1,"iat":1700000060}`, secret), secret, "", ""},
		{"iat far ahead", rules.ReadMe(), hs256(hsHeader, `{"name":"A","email":"e","version":1,"iat":1700000090}`, secret), secret, "", "iat: 1m30s in the future"},
		{"nbf to come", rules.ReadMe(), readMe(`,"nbf":1700000001`), secret, "nbf: does not count yet", ""},
		{"nbf of the past", rules.ReadMe(), readMe(`,"nbf":1700000000`), secret, "", "nbf: has nbf"},
		{"nbf as text", rules.ReadMe(), readMe(`,"nbf":""`), secret, "nbf: is not a number", ""},

		{"no host", rules.Mintlify(), eddsa(edHeader, `{"iat":1700000000,"exp":1700000010}`), public, "host: has no host", ""},
		{"a host that is a number", rules.Mintlify(), eddsa(edHeader, `{"iat":1700000000,"exp":1700000010,"host":1}`), public, "host: not a string", ""},
		{"another host", rules.Mintlify(), eddsa(edHeader, `{"iat":1700000000,"exp":1700000010,"host":"acme.mintlify.app"}`), public, `host: "acme.mintlify.app", but the docs were visited at "docs.example.com"`, ""},
		{"a host with its port", rules.Mintlify(), eddsa(edHeader, `{"iat":1700000000,"exp":1700000010,"host":"docs.example.com:443"}`), public, "host: docs.example.com:443", ""},
		{"a host in capitals", rules.Mintlify(), eddsa(edHeader, `{"iat":1700000000,"exp":1700000010,"host":"Docs.example.com"}`), public, "host: Docs.example.com", ""},

		{"no e-mail", rules.ReadMe(), hs256(hsHeader, `{"name":"A","version":1,"iat":1}`, secret), secret, "email: has no email", ""},
		{"an empty name", rules.ReadMe(), hs256(hsHeader, `{"name":" ","email":"e","version":1,"iat":1}`, secret), secret, "name: is empty", ""},
		{"a name that is a number", rules.ReadMe(), hs256(hsHeader, `{"name":7,"email":"e","version":1,"iat":1}`, secret), secret, "name: is not a string", ""},
		{"no version", rules.ReadMe(), hs256(hsHeader, `{"name":"A","email":"e","iat":1}`, secret), secret, "version: has no version", ""},
		{"version 2", rules.ReadMe(), hs256(hsHeader, `{"name":"A","email":"e","version":2,"iat":1}`, secret), secret, "version: is not 1", ""},
		{"version 1.0, which is 1 to a script", rules.ReadMe(), hs256(hsHeader, `{"name":"A","email":"e","version":1.0,"iat":1}`, secret), secret, "", ""},
		{"version as text", rules.ReadMe(), hs256(hsHeader, `{"name":"A","email":"e","version":"1","iat":1}`, secret), secret, "version: is not a number", ""},

		{"expiresAt in two weeks", rules.Mintlify(), mintlify(`,"expiresAt":1701209600`), public, "", ""},
		{"expiresAt in milliseconds", rules.Mintlify(), mintlify(`,"expiresAt":1701209600000`), public, "expiresAt: is in milliseconds", ""},
		{"expiresAt of the past", rules.Mintlify(), mintlify(`,"expiresAt":1699999940`), public, "expiresAt: 1m0s in the past", ""},
		{"expiresAt as a date", rules.Mintlify(), mintlify(`,"expiresAt":"2024-01-01"`), public, "expiresAt: is not a number", ""},
		{"groups, content and inputs", rules.Mintlify(), mintlify(`,"groups":["admin"],"content":{"name":"Ada"},"apiPlaygroundInputs":{"server":{},"header":{"Authorization":"Bearer k"},"query":{},"cookie":{},"path":{}}`), public, "", ""},
		{"one group as a string", rules.Mintlify(), mintlify(`,"groups":"admin"`), public, "groups: is not a list of strings", ""},
		{"groups with a number among them", rules.Mintlify(), mintlify(`,"groups":["admin",7]`), public, "groups: is not a list of strings", ""},
		{"content that is text", rules.Mintlify(), mintlify(`,"content":"Ada"`), public, "content: is not an object", ""},
		{"inputs that are a list", rules.Mintlify(), mintlify(`,"apiPlaygroundInputs":[]`), public, "apiPlaygroundInputs: is not an object", ""},
		{"a header that is a string", rules.Mintlify(), mintlify(`,"apiPlaygroundInputs":{"header":"k"}`), public, "apiPlaygroundInputs.header: is not an object", ""},
		{"a header beside its place", rules.Mintlify(), mintlify(`,"apiPlaygroundInputs":{"X-Api-Key":"k"}`), public, "", "apiPlaygroundInputs: none of server, header, query, cookie, path"},
		{"Authorization without a scheme", rules.Mintlify(), mintlify(`,"apiPlaygroundInputs":{"header":{"Authorization":"k"}}`), public, "", "apiPlaygroundInputs.header: no scheme"},

		{"a bare API key", rules.ReadMe(), readMe(`,"apiKey":"k","jti":"a","isAdmin":false,"isReadOnly":true,"parameters":{},"allowedProjects":["a",{"subdomain":"b"}]`), secret, "", ""},
		{"an API key with its scheme", rules.ReadMe(), readMe(`,"apiKey":"Bearer k"`), secret, "", "apiKey: puts in front itself"},
		{"HTTP Basic in both forms", rules.ReadMe(), readMe(`,"apiKey":{"user":"u","pass":"p"},"user":"u","pass":"p"`), secret, "", ""},
		{"HTTP Basic in apiKey alone", rules.ReadMe(), readMe(`,"apiKey":{"user":"u","pass":"p"}`), secret, "", "apiKey: itself named apiKey"},
		{"an API key that is a number", rules.ReadMe(), readMe(`,"apiKey":12345`), secret, "apiKey: is not a string or an object", ""},
		{"isAdmin as text", rules.ReadMe(), readMe(`,"isAdmin":"yes"`), secret, "isAdmin: is not true or false", ""},
		{"two keys", rules.ReadMe(), readMe(`,"keys":[{"name":"live","apiKey":"a"},{"name":"test","user":"u","pass":"p"}]`), secret, "", ""},
		{"an empty list of keys", rules.ReadMe(), readMe(`,"keys":[]`), secret, "", ""},
		{"keys that are strings", rules.ReadMe(), readMe(`,"keys":["a","b"]`), secret, "keys: is not a list of objects", ""},
		{"two keys of one name", rules.ReadMe(), readMe(`,"keys":[{"name":"live"},{"name":"live"}]`), secret, "keys: Entry 2 of keys has the name", ""},
		{"a key without a name", rules.ReadMe(), readMe(`,"keys":[{"name":"live"},{"apiKey":"k"}]`), secret, "keys: Entry 2 of keys has no name", ""},
		{"a single entry of keys", rules.ReadMe(), readMe(`,"keys":[{"name":"live"}]`), secret, "", "keys: has one entry"},
		{"keys beside a top-level key", rules.ReadMe(), readMe(`,"keys":[{"name":"live"},{"name":"test"}],"apiKey":"k"`), secret, "", "keys: hides the top-level apiKey"},

		{"personalization takes ES256 without a host", rules.MintlifyPersonalization(), es256(`{"iat":1700000000,"exp":1700000010,"content":{},"groups":["a"],"expiresAt":1701209600}`), &p256.PublicKey, "", ""},
		{"personalization refuses EdDSA", rules.MintlifyPersonalization(), mintlify(""), public, `alg: "EdDSA" and has to be ES256`, ""},
		{"personalization refuses 12 s", rules.MintlifyPersonalization(), es256(`{"iat":1700000000,"exp":1700000012}`), &p256.PublicKey, "exp: 10s at most", ""},
		{"a signature in ASN.1", rules.MintlifyPersonalization(), es256InASN1(`{"iat":1700000000,"exp":1700000010}`), &p256.PublicKey, "signature: is in ASN.1", ""},
		{"a signature that is cut off", rules.MintlifyPersonalization(), encode(esHeader, `{"iat":1700000000,"exp":1700000010}`, "short"), &p256.PublicKey, "signature: is not the 64 bytes", ""},
		{"a good signature with a byte after it", rules.MintlifyPersonalization(), es256(`{"iat":1700000000,"exp":1700000010}`) + "AA", &p256.PublicKey, "signature: is not the 64 bytes", ""},
		{"a signature of another token", rules.MintlifyPersonalization(), encode(esHeader, `{"iat":1700000000,"exp":1700000010}`, strings.Repeat("x", 64)), &p256.PublicKey, "signature: does not fit the site's key", ""},
		{"a key of another curve", rules.MintlifyPersonalization(), es256(`{"iat":1700000000,"exp":1700000010}`), &p384.PublicKey, "signature: without a P-256 public key", ""},
		{"an ECDSA key that is nil", rules.MintlifyPersonalization(), es256(`{"iat":1700000000,"exp":1700000010}`), (*ecdsa.PublicKey)(nil), "signature: without a P-256 public key", ""},

		{"GitBook takes a session of an hour", rules.GitBook(), gitBook(`,"plan":"pro"`), secret, "", ""},
		{"GitBook takes 4,000 bytes", rules.GitBook(), longToken(t, gitBook, 4000), secret, "", ""},
		{"GitBook refuses 4,001 bytes", rules.GitBook(), longToken(t, gitBook, 4001), secret, "size: 4001 bytes long and may be 4000 at most", ""},
		{"GitBook decides without exp", rules.GitBook(), hs256(hsHeader, `{"iat":1700000000}`, secret), secret, "", "exp: the platform alone decides"},
		{"a session of seconds", rules.GitBook(), hs256(hsHeader, `{"iat":1700000000,"exp":1700000010}`, secret), secret, "", "exp: 10s from now, and logs the reader out"},
		{"a session of 59 s", rules.GitBook(), hs256(hsHeader, `{"iat":1700000000,"exp":1700000059}`, secret), secret, "", "exp: 59s from now, and logs the reader out"},
		{"a session of a minute", rules.GitBook(), hs256(hsHeader, `{"iat":1700000000,"exp":1700000060}`, secret), secret, "", ""},
		{"a session that is over", rules.GitBook(), hs256(hsHeader, `{"iat":1699990000,"exp":1699999940}`, secret), secret, "exp: 1m0s in the past", ""},
		{"GitBook has no use for a list", rules.GitBook(), gitBook(`,"groups":["a"],"beta":true,"areas":[]`), secret, "", `list: "areas" is a list; "groups" is a list`},

		{"Fern takes everything that it documents", rules.Fern(), fern(`,"fern":{"name":"Ada","email":"e","roles":["a"],"playground":{"initial_state":{"auth":{"bearer_token":"k","basic":{"username":"u","password":"p"}},"headers":{"X-A":"b"},"path_parameters":{"id":1},"query_parameters":{}}}}`), secret, "", ""},
		{"Fern needs no fern", rules.Fern(), fern(""), secret, "", ""},
		{"no iss", rules.Fern(), hs256(hsHeader, `{"iat":1700000000,"exp":1700086400}`, secret), secret, "iss: has no iss", ""},
		{"another issuer", rules.Fern(), hs256(hsHeader, `{"iss":"https://app.example.com","iat":1700000000,"exp":1700086400}`, secret), secret, "iss: is not https://buildwithfern.com", ""},
		{"roles that are one string", rules.Fern(), fern(`,"fern":{"roles":"a"}`), secret, "fern.roles: is not a list of strings", ""},
		{"fern that is text", rules.Fern(), fern(`,"fern":"Ada"`), secret, "fern: is not an object", ""},
		{"a playground header that is a number", rules.Fern(), fern(`,"fern":{"playground":{"initial_state":{"headers":{"X-A":1}}}}`), secret, "fern.playground.initial_state.headers: is not an object of strings", ""},
		{"a password that is a number", rules.Fern(), fern(`,"fern":{"playground":{"initial_state":{"auth":{"basic":{"username":"u","password":1}}}}}`), secret, "fern.playground.initial_state.auth.basic.password: is not a string", ""},
		{"a misspelt iss", rules.Fern(), fern(`,"ISS":"x"`), secret, "", `spelling: "ISS" is not a claim of Fern`},
		{"Fern takes 4,000 bytes", rules.Fern(), longToken(t, fern, 4000), secret, "", ""},
		{"Fern refuses 4,001 bytes", rules.Fern(), longToken(t, fern, 4001), secret, "size: 4001 bytes long and may be 4000 at most", ""},
		{"a session of seconds at Fern", rules.Fern(), hs256(hsHeader, `{"iss":"https://buildwithfern.com","iat":1700000000,"exp":1700000010}`, secret), secret, "", "exp: logs the reader out"},

		{"Zendesk takes what the app maps", rules.Zendesk(), zendesk(`,"external_id":"1","organization":"o","tags":["a"],"role":"user","user_fields":{"plan":null}`), secret, "", ""},
		{"no jti", rules.Zendesk(), hs256(hsHeader, `{"iat":1700000000,"name":"Ada","email":"e"}`, secret), secret, "jti: has no jti", ""},
		{"Zendesk refuses a token without iat", rules.Zendesk(), hs256(hsHeader, `{"jti":"j","name":"Ada","email":"e"}`, secret), secret, "iat: has no iat", ""},
		{"Zendesk takes an iat of three minutes ago", rules.Zendesk(), hs256(hsHeader, `{"iat":1699999820,"jti":"j","name":"Ada","email":"e"}`, secret), secret, "", ""},
		{"Zendesk refuses an older one", rules.Zendesk(), hs256(hsHeader, `{"iat":1699999819,"jti":"j","name":"Ada","email":"e"}`, secret), secret, "iat: 3m1s ago and may be 3m0s at most", ""},
		{"Zendesk takes an iat three minutes ahead", rules.Zendesk(), hs256(hsHeader, `{"iat":1700000180,"jti":"j","name":"Ada","email":"e"}`, secret), secret, "", "iat: 3m0s in the future"},
		{"Zendesk refuses an iat a second further ahead", rules.Zendesk(), hs256(hsHeader, `{"iat":1700000181,"jti":"j","name":"Ada","email":"e"}`, secret), secret, "iat: 3m1s in the future and may be 3m0s at most", ""},
		{"Zendesk refuses a header without typ", rules.Zendesk(), hs256(`{"alg":"HS256"}`, `{"iat":1700000000,"jti":"j","name":"Ada","email":"e"}`, secret), secret, "typ: not JWT", ""},
		{"user_fields that are a list", rules.Zendesk(), zendesk(`,"user_fields":[]`), secret, "user_fields: is not an object", ""},
		{"Zendesk needs a name", rules.Zendesk(), hs256(hsHeader, `{"iat":1700000000,"jti":"j","email":"e"}`, secret), secret, "name: has no name", ""},

		{"Help Scout takes HS512", rules.HelpScout(), hs512(`{"alg":"HS512","typ":"JWT"}`, `{"sub":"ada@example.com","iat":1700000000,"exp":1700003600}`), secret, "", ""},
		{"Help Scout refuses HS256", rules.HelpScout(), hs256(hsHeader, `{"sub":"ada@example.com","iat":1700000000,"exp":1700003600}`, secret), secret, `alg: "HS256" and has to be HS512`, ""},
		{"Help Scout needs exp", rules.HelpScout(), hs512(`{"alg":"HS512","typ":"JWT"}`, `{"sub":"ada@example.com","iat":1700000000}`), secret, "exp: has no exp", ""},
		{"a session of seconds at Help Scout", rules.HelpScout(), hs512(`{"alg":"HS512","typ":"JWT"}`, `{"sub":"ada@example.com","iat":1700000000,"exp":1700000010}`), secret, "", "exp: logs the reader out"},
		{"Help Scout knows a reader by the e-mail address", rules.HelpScout(), hs512(`{"alg":"HS512","typ":"JWT"}`, `{"sub":"4711","iat":1700000000,"exp":1700003600}`), secret, "", "sub: is not an e-mail address"},
		{"Help Scout needs sub", rules.HelpScout(), hs512(`{"alg":"HS512","typ":"JWT"}`, `{"email":"e","iat":1700000000,"exp":1700003600}`), secret, "sub: has no sub", ""},

		{"DeveloperHub takes HS256", rules.DeveloperHub(), hs256(hsHeader, `{"version":1,"iat":1700000000,"exp":1700086400,"vars":{"name":"Ada"},"error_redirect_url":"https://app.example.com"}`, secret), secret, "", ""},
		{"DeveloperHub takes HS512", rules.DeveloperHub(), hs512(`{"alg":"HS512","typ":"JWT"}`, `{"version":1,"iat":1700000000,"exp":1700086400}`), secret, "", ""},
		{"DeveloperHub takes no third algorithm", rules.DeveloperHub(), eddsa(edHeader, `{"version":1,"iat":1700000000,"exp":1700086400}`), public, `alg: "EdDSA" and has to be HS256 or HS512`, ""},
		{"DeveloperHub needs exp", rules.DeveloperHub(), hs256(hsHeader, `{"version":1,"iat":1700000000}`, secret), secret, "exp: has no exp", ""},
		{"a session of seconds at DeveloperHub", rules.DeveloperHub(), hs256(hsHeader, `{"version":1,"iat":1700000000,"exp":1700000010}`, secret), secret, "", "exp: logs the reader out"},
		{"DeveloperHub needs version", rules.DeveloperHub(), hs256(hsHeader, `{"iat":1700000000,"exp":1700086400}`, secret), secret, "version: has no version", ""},
		{"vars that are text", rules.DeveloperHub(), hs256(hsHeader, `{"version":1,"iat":1700000000,"exp":1700086400,"vars":"Ada"}`, secret), secret, "vars: is not an object", ""},

		{"Canny takes a person", rules.Canny(), hs256(hsHeader, `{"id":"1","name":"Ada","email":"e","iat":1700000000,"exp":1700000300}`, secret), secret, "", ""},
		{"Canny needs an id", rules.Canny(), hs256(hsHeader, `{"name":"Ada","email":"e","iat":1700000000}`, secret), secret, "id: has no id", ""},
		{"Canny honours exp", rules.Canny(), hs256(hsHeader, `{"id":"1","name":"Ada","email":"e","iat":1699999000,"exp":1699999700}`, secret), secret, "exp: 5m0s in the past", ""},

		{"Featurebase takes e-mail and ID", rules.Featurebase(), hs256(hsHeader, `{"email":"e","userId":"1","iat":1700000000}`, secret), secret, "", ""},
		{"Featurebase takes an e-mail alone", rules.Featurebase(), hs256(hsHeader, `{"email":"e","iat":1700000000}`, secret), secret, "", "email: only one of email and userId"},
		{"Featurebase takes an ID alone", rules.Featurebase(), hs256(hsHeader, `{"userId":"1","email":" ","iat":1700000000}`, secret), secret, "", "email: only one of email and userId"},
		{"Featurebase refuses nobody", rules.Featurebase(), hs256(hsHeader, `{"name":"Ada","iat":1700000000}`, secret), secret, "email: neither email nor userId", ""},

		{"Metabase takes a person", rules.Metabase(), hs256(hsHeader, `{"email":"e","first_name":"Ada","last_name":"P","groups":["a"],"plan":"pro","iat":1700000000,"exp":1700000180}`, secret), secret, "", ""},
		{"Metabase refuses a token after three minutes", rules.Metabase(), hs256(hsHeader, `{"email":"e","iat":1699999810,"exp":1700000180}`, secret), secret, "iat: 3m10s ago", ""},
		{"Metabase needs an e-mail", rules.Metabase(), hs256(hsHeader, `{"iat":1700000000}`, secret), secret, "email: has no email", ""},
		{"Metabase counts no minutes without iat", rules.Metabase(), hs256(hsHeader, `{"email":"e"}`, secret), secret, "", "iat: has no iat"},
		{"a clock that is ahead of Metabase's", rules.Metabase(), hs256(hsHeader, `{"email":"e","iat":1700000240}`, secret), secret, "", "iat: 4m0s in the future"},
		{"groups that are one string", rules.Metabase(), hs256(hsHeader, `{"email":"e","groups":"a","iat":1700000000}`, secret), secret, "groups: is not a list of strings", ""},

		{"misspelt claims of ReadMe", rules.ReadMe(), readMe(`,"api_key":"k","APIKEY":"k"`), secret, "", `spelling: "APIKEY" is not a claim; "api_key" is not a claim`},
		{"misspelt claims of Mintlify", rules.Mintlify(), mintlify(`,"expires_at":1701209600`), public, "", `spelling: "expires_at" is not a claim of Mintlify`},
		{"misspelt claims of Zendesk, whose types are not known", rules.Zendesk(), zendesk(`,"EXTERNAL_ID":1,"LOCALE":1,"ORGANIZATION":1,"ORGANIZATIONS":1,"ORGANIZATION_ID":1,"ORGANIZATION_IDS":1,"PHONE":1,"REMOTE_PHOTO_URL":1,"ROLE":1,"TAGS":1`), secret, "",
			`spelling: "EXTERNAL_ID"; "LOCALE"; "ORGANIZATION"; "ORGANIZATIONS"; "ORGANIZATION_ID"; "ORGANIZATION_IDS"; "PHONE"; "REMOTE_PHOTO_URL"; "ROLE"; "TAGS"`},
		{"a claim of the app's own", rules.ReadMe(), readMe(`,"plan":"pro","":1`), secret, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, findings := test.platform.Check(test.token, test.key, host, now)
			var refused, noted []rules.Finding
			for _, f := range findings {
				switch {
				case f.Rejected():
					refused = append(refused, f)
				case f.Warn:
					noted = append(noted, f)
				}
				if f.OK == (f.Fix != "") || f.Rule == "" || !strings.HasSuffix(f.Why, ".") {
					t.Errorf("%+v is not a finding as documented", f)
				}
			}
			compare(t, "refused", refused, test.refused)
			compare(t, "noted", noted, test.noted)
		})
	}
}

// compare wants the findings to be of one rule, and the wanted words, between
// semicolons, in their sentences.
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

// No claim is a number where a platform says what it is.
func TestEveryClaimOfAWrongTypeIsRefused(t *testing.T) {
	tests := []struct {
		platform rules.Platform
		token    string
		key      any
		want     string // rules, in order
	}{
		{rules.ReadMe(), readMe(`,"apiKey":7,"user":7,"pass":7,"keys":7,"parameters":7,"isAdmin":7,"isReadOnly":7,"allowedProjects":7`), secret,
			"apiKey user pass keys parameters isAdmin isReadOnly allowedProjects"},
		{rules.Mintlify(), mintlify(`,"groups":7,"content":7,"apiPlaygroundInputs":{"server":7,"header":7,"query":7,"cookie":7,"path":7}`), public,
			"groups content apiPlaygroundInputs.server apiPlaygroundInputs.header apiPlaygroundInputs.query apiPlaygroundInputs.cookie apiPlaygroundInputs.path"},
		{rules.Fern(), fern(`,"fern":{"name":7,"email":7,"roles":7,"playground":7}`), secret,
			"fern.name fern.email fern.roles fern.playground"},
		{rules.Fern(), fern(`,"fern":{"playground":{"initial_state":{"auth":{"bearer_token":7,"basic":{"username":7,"password":7}},"headers":7,"path_parameters":7,"query_parameters":7}}}`), secret,
			"fern.playground.initial_state.auth.bearer_token fern.playground.initial_state.auth.basic.username fern.playground.initial_state.auth.basic.password " +
				"fern.playground.initial_state.headers fern.playground.initial_state.path_parameters fern.playground.initial_state.query_parameters"},
		{rules.Zendesk(), zendesk(`,"user_fields":7`), secret, "user_fields"},
		{rules.DeveloperHub(), hs256(hsHeader, `{"version":1,"iat":1700000000,"exp":1700086400,"vars":7,"error_redirect_url":7}`, secret), secret, "vars error_redirect_url"},
		// Without an e-mail or an ID that is one, Featurebase does not know the reader either.
		{rules.Featurebase(), hs256(hsHeader, `{"email":7,"userId":7,"name":7,"iat":1700000000}`, secret), secret, "email userId name email"},
		{rules.Metabase(), hs256(hsHeader, `{"email":"e","first_name":7,"last_name":7,"groups":7,"iat":1700000000}`, secret), secret, "first_name last_name groups"},
	}
	for _, test := range tests {
		var got []string
		for _, f := range check(test.platform.Check(test.token, test.key, "docs.example.com", now)) {
			if f.Rejected() {
				got = append(got, f.Rule)
			}
		}
		if s := strings.Join(got, " "); s != test.want {
			t.Errorf("%s refuses by %q, want %q", test.platform.Name, s, test.want)
		}
	}
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

func TestWithoutAHostTheClaimIsOnlyLookedFor(t *testing.T) {
	for _, f := range check(rules.Mintlify().Check(mintlify(""), public, "", now)) {
		if f.Rejected() {
			t.Errorf("refused: %+v", f)
		}
	}
}

func check(_ map[string]any, findings []rules.Finding) []rules.Finding { return findings }

func TestClaimsKeepTheirDigits(t *testing.T) {
	claims, _ := rules.ReadMe().Check(readMe(`,"id":9007199254740993`), secret, "", now)
	if claims["id"] != json.Number("9007199254740993") {
		t.Errorf("id: %v", claims["id"])
	}
	if claims, _ := rules.ReadMe().Check("x", secret, "", now); claims != nil {
		t.Errorf("claims of no token: %v", claims)
	}
}

func TestFindingsHoldNoCredentials(t *testing.T) {
	token := readMe(`,"apiKey":"Bearer hunter2","keys":[{"name":"hunter2","apiKey":"hunter2"},{"name":"hunter2"}],"user":7,"pass":"hunter2","nbf":1,"exp":"hunter2","api_key":"hunter2"`)
	for _, f := range check(rules.ReadMe().Check(token, "hunter2", "", now)) {
		if s := f.Rule + f.Why + f.Fix; strings.Contains(s, "hunter2") || strings.Contains(s, token) {
			t.Errorf("finding holds a credential: %+v", f)
		}
	}
}
