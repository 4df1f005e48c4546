// Package rules describes what each docs platform rejects, and why, rule by rule.
//
// It reads and verifies a token as the platform would, with code of its own. It shares no code with
// the side that signs, so that it finds bugs there.
package rules

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
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
		Fern(),
		Zendesk(),
		HelpScout(),
		DeveloperHub(),
		Canny(),
		Featurebase(),
		Metabase(),
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

const (
	// skew is how far ahead the signer's clock may be without a warning.
	skew = time.Minute
	// shortSession is the shortest docs session without a warning.
	shortSession = time.Minute
	// slack allows for a signer that rounds times up to whole seconds.
	slack = time.Second
	// tooLarge is in the year 5138 if read as seconds: a larger time is in milliseconds.
	tooLarge = 1e11
)

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
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return parsed{}, errors.New("does not have three parts, header, claims and signature")
	}
	t := parsed{input: parts[0] + "." + parts[1]}
	var raw [3][]byte
	for i, name := range []string{"header", "claims", "signature"} {
		var err error
		// Go's decoder skips line breaks, which RFC 7515, section 2 does not allow.
		raw[i], err = base64.RawURLEncoding.Strict().DecodeString(parts[i])
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
// the signature verifies, or else the reason why not.
var verifiers = map[string]func(key any, input, signature []byte) string{
	"HS256": verifyHMAC("HS256", sha256.New),
	"HS512": verifyHMAC("HS512", sha512.New),
	"EdDSA": verifyEdDSA,
	"ES256": verifyES256,
}

func verifyHMAC(alg string, newHash func() hash.Hash) func(key any, input, signature []byte) string {
	return func(key any, input, signature []byte) string {
		var secret []byte
		switch k := key.(type) {
		case string:
			secret = []byte(k)
		case []byte:
			secret = k
		}
		if len(secret) == 0 {
			return "cannot be checked without a secret"
		}
		signedWith := func(secret []byte) bool {
			h := hmac.New(newHash, secret)
			h.Write(input)
			return hmac.Equal(h.Sum(nil), signature)
		}
		if signedWith(secret) {
			return ""
		}
		// Common mistakes have their own explanations.
		for _, end := range []string{"\n", "\r\n"} {
			if signedWith(append(bytes.Clone(secret), end...)) {
				return "was made with the secret and a line break after it, as a mounted file has it"
			}
		}
		for _, quote := range []string{`"`, "'"} {
			if signedWith([]byte(quote + string(secret) + quote)) {
				return "was made with the secret in quotes, as some tools leave them in an environment variable"
			}
		}
		if len(signature) != newHash().Size() {
			return fmt.Sprintf("has %d bytes where %s makes %d: the token was cut off, or changed", len(signature), alg, newHash().Size())
		}
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
			if decoded, err := enc.DecodeString(string(secret)); err == nil && signedWith(decoded) {
				return "was made with the secret decoded from base64, where its characters are the key as they are"
			}
		}
		return "does not verify with the site's secret"
	}
}

func verifyEdDSA(key any, input, signature []byte) string {
	public, ok := key.(ed25519.PublicKey)
	if !ok || len(public) != ed25519.PublicKeySize {
		return "cannot be checked without an Ed25519 public key"
	}
	if !ed25519.Verify(public, input, signature) {
		return "does not verify with the site's public key"
	}
	return ""
}

// verifyES256 follows RFC 7518, section 3.4: the signature consists of r and s, 32 bytes each.
func verifyES256(key any, input, signature []byte) string {
	public, ok := key.(*ecdsa.PublicKey)
	if !ok || public == nil || public.Curve != elliptic.P256() {
		return "cannot be checked without a P-256 public key"
	}
	digest := sha256.Sum256(input)
	if ecdsa.VerifyASN1(public, digest[:], signature) {
		return "is in ASN.1, as OpenSSL and crypto/ecdsa write it, and has to be the 64 bytes of r and s"
	}
	if len(signature) != 64 {
		return "is not the 64 bytes of r and s"
	}
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if !ecdsa.Verify(public, digest[:], r, s) {
		return "does not verify with the site's public key"
	}
	return ""
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
	if why := verifiers[alg](key, []byte(t.input), t.signature); why != "" {
		return append(out, fail("signature", "The signature "+why+".",
			"Sign with the key of this docs site, not with an older one or that of another environment."))
	}
	return append(out, pass("signature", "The signature verifies with the site's key."))
}

func (p Platform) checkTimes(claims map[string]any, now time.Time) []Finding {
	var out []Finding
	if v, ok := claims["exp"]; ok {
		out = append(out, p.checkExp(v, claims["iat"], now))
	} else if p.RequiredExp {
		out = append(out, fail("exp", "The token has no exp.", "Set exp to "+p.lifetime()+", in seconds."))
	} else if p.SessionClaim == "exp" {
		out = append(out, warn("exp", "The token has no exp, so the platform alone decides when the docs session ends.", "Set exp to "+p.lifetime()+", in seconds."))
	}
	out = append(out, p.checkIat(claims["iat"], now))
	if v, ok := claims["nbf"]; !ok {
		out = append(out, pass("nbf", "The token has no nbf, which is best."))
	} else if at, why := seconds(v); why != "" {
		out = append(out, fail("nbf", "nbf "+why+".", "Leave nbf out."))
	} else if at.After(now) {
		out = append(out, fail("nbf", "nbf is in the future, so the token is not valid yet.", "Leave nbf out."))
	} else {
		out = append(out, warn("nbf", "The token has nbf: with a clock that is ahead, nobody could log in.", "Leave nbf out."))
	}
	if v, ok := claims[p.SessionClaim]; ok && p.SessionClaim != "" && p.SessionClaim != "exp" {
		fix := "Set " + p.SessionClaim + " to the end of the docs session, in seconds since 1970."
		if at, why := seconds(v); why != "" {
			out = append(out, fail(p.SessionClaim, p.SessionClaim+" "+why+".", fix))
		} else if !at.After(now) {
			out = append(out, fail(p.SessionClaim, p.SessionClaim+" is "+span(now.Sub(at))+" in the past.", fix))
		} else {
			out = append(out, pass(p.SessionClaim, p.SessionClaim+" is "+span(at.Sub(now))+" from now."))
		}
	}
	return out
}

func (p Platform) checkExp(v, iat any, now time.Time) Finding {
	fix := "Set exp to " + p.lifetime() + ", in seconds."
	at, why := seconds(v)
	made, unknown := seconds(iat)
	left := at.Sub(now)
	switch {
	case why != "":
		return fail("exp", "exp "+why+".", fix)
	case left <= 0 && unknown == "" && !made.After(now):
		return fail("exp", fmt.Sprintf("exp is %s in the past, and iat %s: the token is old, or the signer's clock is at least %[1]s behind this one.", span(-left), span(now.Sub(made))),
			fix+" Mint at the click. "+clock)
	case left <= 0:
		return fail("exp", fmt.Sprintf("exp is %s in the past: the token is old, or the signer's clock is at least that far behind this one.", span(-left)),
			fix+" Mint at the click. "+clock)
	case p.MaxLifetime > 0 && left > p.MaxLifetime+slack && unknown == "" && at.Sub(made) <= p.MaxLifetime:
		return fail("exp", fmt.Sprintf("exp is %s from now and may be %s at most: the token was made for %s, so the signer's clock is at least %s ahead of this one.",
			span(left), span(p.MaxLifetime), span(at.Sub(made)), span(left-p.MaxLifetime)), clock)
	case p.MaxLifetime > 0 && left > p.MaxLifetime+slack:
		return fail("exp", fmt.Sprintf("exp is %s from now and may be %s at most.", span(left), span(p.MaxLifetime)), fix)
	case p.SessionClaim == "exp" && left < shortSession:
		return warn("exp", "exp is "+span(left)+" from now, and logs the reader out of the docs then.", fix)
	}
	return pass("exp", "exp is "+span(left)+" from now.")
}

// clock is the fix for a clock that is ahead or behind.
const clock = "Keep the signer's clock right with NTP."

// span formats a duration in whole seconds, or in days if it is long.
func span(d time.Duration) string {
	if days := d.Round(time.Hour) / (24 * time.Hour); days > 2 {
		return fmt.Sprintf("%d days", days)
	}
	return d.Round(time.Second).String()
}

func (p Platform) lifetime() string {
	if p.MaxLifetime > 0 {
		return "at most " + p.MaxLifetime.String() + " from now"
	}
	if p.SessionClaim == "exp" {
		return "the end of the docs session"
	}
	return "a few minutes from now"
}

func (p Platform) checkIat(v any, now time.Time) Finding {
	const fix = "Set iat to the present time, in seconds."
	missing := warn
	if p.RequiredIat {
		missing = fail
	}
	at, why := seconds(v)
	ahead := at.Sub(now)
	switch {
	case v == nil:
		return missing("iat", "The token has no iat.", fix)
	case why != "":
		return fail("iat", "iat "+why+".", fix)
	case p.MaxAge > 0 && -ahead > p.MaxAge:
		return fail("iat", fmt.Sprintf("iat is %s ago and may be %s at most: the token is old, or the signer's clock is at least %s behind this one.",
			span(-ahead), span(p.MaxAge), span(-ahead-p.MaxAge)), "Mint at the click. "+clock)
	case p.MaxAhead > 0 && ahead > p.MaxAhead:
		return fail("iat", fmt.Sprintf("iat is %s in the future and may be %s at most: the signer's clock is at least that far ahead of this one.", span(ahead), span(p.MaxAhead)), clock)
	case ahead > skew:
		return warn("iat", "iat is "+span(ahead)+" in the future: the signer's clock is at least that far ahead of this one.", clock)
	case ahead > 0:
		return pass("iat", "iat is "+span(ahead)+" in the future, as far as clocks differ.")
	}
	return pass("iat", "iat is "+span(-ahead)+" ago.")
}

// seconds returns the time of a NumericDate (RFC 7519, section 2), or what is wrong with it.
func seconds(v any) (time.Time, string) {
	n, ok := v.(json.Number)
	if !ok {
		return time.Time{}, "is not a number"
	}
	f, err := n.Float64()
	switch {
	case err != nil || f < 0 || f >= 1e4*tooLarge:
		return time.Time{}, "is not a time in seconds"
	case f >= tooLarge:
		return time.Time{}, "is in milliseconds"
	}
	return time.UnixMilli(int64(f * 1000)), ""
}
