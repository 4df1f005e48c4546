// Package rules describes what each docs platform rejects, and why, rule by rule.
//
// It reads and verifies a token as the platform would, with code of its own. It shares no code with
// the side that signs, so that it finds bugs there.
package rules

import (
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/big"
	"slices"
	"strings"
	"time"
)

// A Platform describes what a docs platform expects of a token, and of the URL or form that carries
// it. It is plain data: each platform is one literal in a file of its own.
type Platform struct {
	Name          string
	Wire                        // how the token travels
	Algorithms    []string      // JWS names of the algorithms that the platform accepts
	RequiredType  bool          // the header must have the typ JWT
	MaxTokenBytes int           // a longer token is rejected; 0: no limit
	RequiredExp   bool          // a token without exp is rejected
	Leeway        time.Duration // a token is still accepted for this long after its exp
	MaxLifetime   time.Duration // exp is at most this far away; 0: no limit
	RequiredIat   bool          // a token without iat is rejected
	MaxAge        time.Duration // iat is at most this long ago; 0: no limit
	MaxAhead      time.Duration // iat is at most this far ahead; 0: more than a minute is a warning
	HostClaim     string        // claim that must equal the requested host; "": none
	Issuer        string        // value of the claim iss; "": not checked
	Required      []string      // claims that must be non-empty strings
	Objects       []string      // claims that must be present, even as empty objects; Claims has their types
	Version       string        // value of the claim version; "": not checked
	SessionClaim  string        // claim for the end of the docs session, if present; "exp": the token is the session; "": none
	Claims        []Claim       // the other claims that have a meaning, each checked if present
	Checks        []Check       // rules that the type of a single claim cannot express
}

// All returns every platform.
func All() []Platform {
	return []Platform{
		ReadMe(),
		Mintlify(),
		MintlifyPersonalization(),
		GitBook(),
		GitBookAdaptive(),
		Fern(),
		Zendesk(),
		HelpScout(),
		DeveloperHub(),
		Canny(),
		Featurebase(),
		Metabase(),
		Pylon(""),
		Kayako(),
		UserVoice(),
	}
}

// A Check is a rule about several claims, or about a claim's value. It returns nil if it does not
// apply to the claims.
type Check func(claims map[string]any) []Finding

// A Finding is the result of one rule. It never contains the token or the value of a claim, except
// a time, a host, or the header's alg.
type Finding struct {
	Rule string `json:"rule"` // usually the name of the claim or header member
	OK   bool   `json:"ok"`
	Warn bool   `json:"warn"`          // not OK, but the platform accepts the token
	Why  string `json:"why"`           // one sentence: what is wrong or, if OK, what is right
	Fix  string `json:"fix,omitempty"` // what to change; "" if OK
}

// Rejected reports whether the platform rejects the token because of the finding.
func (f Finding) Rejected() bool { return !f.OK && !f.Warn }

func pass(rule, why string) Finding      { return Finding{Rule: rule, OK: true, Why: why} }
func fail(rule, why, fix string) Finding { return Finding{Rule: rule, Why: why, Fix: fix} }
func warn(rule, why, fix string) Finding { return Finding{Rule: rule, Warn: true, Why: why, Fix: fix} }

// Check verifies the token as the platform does at the time now, on a site that was requested as
// host (in lower case, without a port). It returns the findings in order, one for each rule that
// applies. If the token cannot be parsed, that is the only finding. If host is empty, the host
// claim only has to be present.
//
// The key is a []byte or string for HMAC, an ed25519.PublicKey for EdDSA, and an *ecdsa.PublicKey
// for ES256. Any other key, including nil, fails the rule about the signature. The claims are nil
// if the token cannot be parsed; a number is a json.Number. Do not trust the claims if any finding
// is Rejected.
func (p Platform) Check(token string, key any, host string, now time.Time) (claims map[string]any, findings []Finding) {
	t, err := parse(token)
	if err != nil {
		return nil, []Finding{fail("form", "The token "+err.Error()+".",
			"Send one signed JWT in compact form, as the library returned it, with nothing before or after it.")}
	}
	findings = []Finding{pass("form", "The token has three parts, and header and claims are JSON objects.")}
	if p.MaxTokenBytes > 0 {
		findings = append(findings, checkSize(len(token), p.MaxTokenBytes))
	}
	findings = append(findings, p.checkHeader(t, key)...)
	findings = append(findings, p.checkTimes(t.claims, now)...)
	if p.HostClaim != "" {
		findings = append(findings, checkHost(p.HostClaim, t.claims[p.HostClaim], host))
	}
	if p.Issuer != "" {
		findings = append(findings, checkIssuer(t.claims["iss"], p.Issuer))
	}
	for _, name := range p.Required {
		findings = append(findings, checkRequired(name, t.claims[name]))
	}
	for _, name := range p.Objects {
		if _, ok := t.claims[name]; !ok {
			findings = append(findings, fail(name, "The token has no "+name+", which "+p.Name+"'s documentation requires.", "Send "+name+" as an object, even if it is empty."))
		}
	}
	if p.Version != "" {
		findings = append(findings, checkVersion(t.claims["version"], p.Version))
	}
	findings = append(findings, checkClaims("", t.claims, p.Claims)...)
	for _, check := range p.Checks {
		findings = append(findings, check(t.claims)...)
	}
	return t.claims, append(findings, p.checkSpelling(t.claims)...)
}

type parsed struct {
	header, claims map[string]any
	input          string // what is signed
	signature      []byte
}

func parse(token string) (parsed, error) {
	if token == "" {
		return parsed{}, errors.New("is empty")
	}
	if slices.Contains([]string{"undefined", "null", "None", "[object Object]", "[object Promise]", "<nil>"}, token) {
		return parsed{}, errors.New("is a word that scripts write for a missing value")
	}
	parts := strings.Split(token, ".")
	if len(parts) == 5 { // RFC 7516, section 7.1
		return parsed{}, errors.New("is encrypted (JWE, five parts), and platforms accept only signed tokens (JWS, three parts)")
	}
	if len(parts) != 3 {
		return parsed{}, errors.New("does not have three parts, header, claims and signature")
	}
	t := parsed{input: parts[0] + "." + parts[1]}
	var raw [3][]byte
	for i, name := range []string{"header", "claims", "signature"} {
		var err error
		// Go's decoder skips line breaks, which RFC 7515, section 2 does not allow.
		raw[i], err = base64.RawURLEncoding.Strict().DecodeString(parts[i])
		if err != nil && !strings.ContainsFunc(parts[i], notBase64URL) {
			return parsed{}, fmt.Errorf("has a %s part that was cut off, or changed", name)
		}
		if err != nil || strings.ContainsAny(parts[i], "\r\n") {
			return parsed{}, fmt.Errorf("has a %s part that is not base64url without padding", name)
		}
	}
	var ok bool
	if t.header, ok = object(raw[0]); !ok {
		return parsed{}, errors.New("has a header that is not one JSON object")
	}
	if t.claims, ok = object(raw[1]); !ok {
		return parsed{}, errors.New("has claims that are not one JSON object")
	}
	t.signature = raw[2]
	return t, nil
}

func notBase64URL(r rune) bool { return notWord(r) && r != '-' }

func object(data []byte) (map[string]any, bool) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // keeps all digits of a 64-bit ID
	var o map[string]any
	if d.Decode(&o) != nil || o == nil {
		return nil, false
	}
	_, err := d.Token()
	return o, err == io.EOF
}

// verifiers has a function for each algorithm that verifies a signature. The function returns "" if
// the signature verifies, or else the reason why not, and what to do if that is known.
var verifiers = map[string]func(key any, input, signature []byte) (why, fix string){
	"HS256": verifyHMAC("HS256", sha256.New),
	"HS384": verifyHMAC("HS384", sha512.New384),
	"HS512": verifyHMAC("HS512", sha512.New),
	"EdDSA": verifyEdDSA,
	"ES256": verifyES256,
}

func verifyHMAC(alg string, newHash func() hash.Hash) func(key any, input, signature []byte) (why, fix string) {
	return func(key any, input, signature []byte) (why, fix string) {
		var secret string
		switch k := key.(type) {
		case string:
			secret = k
		case []byte:
			secret = string(k)
		}
		switch size := newHash().Size(); {
		case secret == "":
			return "cannot be checked without a secret", ""
		case signedWith(newHash, secret, input, signature):
			return "", ""
		case len(signature) != size:
			return fmt.Sprintf("has %d bytes where %s makes %d: the token was cut off, or changed", len(signature), alg, size), ""
		}
		if how, fix := rewritten(newHash, secret, input, signature); how != "" {
			return "was made with " + how, fix
		}
		return "does not verify with the site's secret", ""
	}
}

func verifyEdDSA(key any, input, signature []byte) (why, fix string) {
	public, ok := key.(ed25519.PublicKey)
	if !ok || len(public) != ed25519.PublicKeySize {
		return "cannot be checked without an Ed25519 public key", ""
	}
	if !ed25519.Verify(public, input, signature) {
		return "does not verify with the site's public key", ""
	}
	return "", ""
}

// verifyES256 follows RFC 7518, section 3.4: the signature consists of r and s, 32 bytes each.
func verifyES256(key any, input, signature []byte) (why, fix string) {
	public, ok := key.(*ecdsa.PublicKey)
	if !ok || public == nil || public.Curve != elliptic.P256() {
		return "cannot be checked without a P-256 public key", ""
	}
	digest := sha256.Sum256(input)
	if ecdsa.VerifyASN1(public, digest[:], signature) {
		return "is in ASN.1, as OpenSSL and crypto/ecdsa write it, and has to be the 64 bytes of r and s", ""
	}
	if len(signature) != 64 {
		return "is not the 64 bytes of r and s", ""
	}
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if !ecdsa.Verify(public, digest[:], r, s) {
		return "does not verify with the site's public key", ""
	}
	return "", ""
}

func checkSize(size, limit int) Finding {
	if size > limit {
		return fail("size", fmt.Sprintf("The token is %d bytes long and may be %d at most.", size, limit),
			"Send less of the user: long lists and texts first.")
	}
	return pass("size", fmt.Sprintf("The token is %d bytes long, and %d are allowed.", size, limit))
}

func (p Platform) checkHeader(t parsed, key any) []Finding {
	var out []Finding
	alg, _ := t.header["alg"].(string)
	known := slices.Contains(p.Algorithms, alg)
	wanted := strings.Join(p.Algorithms, " or ")
	if known {
		out = append(out, pass("alg", "The header says "+alg+"."))
	} else {
		out = append(out, fail("alg", fmt.Sprintf("The header's alg is %.20q and has to be %s.", alg, wanted),
			"Sign with "+wanted+" and the key of these docs that you have from "+p.Name+"."))
	}
	untyped := warn
	if p.RequiredType {
		untyped = fail
	}
	if t.header["typ"] == "JWT" {
		out = append(out, pass("typ", "The header says JWT."))
	} else {
		out = append(out, untyped("typ", "The header's typ is not JWT.", `Write the header as {"alg":"`+p.Algorithms[0]+`","typ":"JWT"}.`))
	}
	if _, ok := t.header["crit"]; ok {
		// RFC 7515, section 4.1.11.
		out = append(out, fail("crit", "The header has a crit that no docs platform understands.", "Leave crit out of the header."))
	}
	if !known {
		return out
	}
	if why, fix := verifiers[alg](key, []byte(t.input), t.signature); why != "" {
		return append(out, fail("signature", "The signature "+why+".",
			cmp.Or(fix, "Sign with the key of this docs site, not with an older one or that of another environment. If the secret contains $, #, %, or a backslash, put it in single quotes where it is set.")))
	}
	return append(out, pass("signature", "The signature verifies with the site's key."))
}
