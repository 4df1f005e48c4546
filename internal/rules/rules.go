// Package rules holds what each docs platform refuses, and why, rule by rule.
//
// It is the other side of the wire: it reads a token as the platform would,
// with a parser and a verification of its own, and shares no code with the
// side that signs. A mistake there cannot hide here.
package rules

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"time"
)

// A Platform says what a docs platform wants of a token. It is plain data:
// a further platform is a further literal.
type Platform struct {
	Name         string
	Algorithm    string        // JWS name of the only algorithm that is taken
	NeedsExp     bool          // a token without exp is refused
	MaxLifetime  time.Duration // exp is at most this far away; 0: no limit
	HostClaim    string        // claim that must be the requested host; "": none
	Required     []string      // claims that must be non-empty strings
	Version      string        // value of the claim version; "": not looked at
	SessionClaim string        // claim that ends the docs session, if present; "": none
	Claims       []Claim       // the other claims that have a meaning, each looked at if present
	Checks       []Check       // what a single claim's type cannot say
}

// A Claim is a claim with the type that the platform expects.
type Claim struct {
	Name string
	Type Type
}

// A Check looks at claims that the token has. What does not concern the token
// gives no finding.
type Check func(claims map[string]any) []Finding

// A Finding is what one rule says about a token. It never holds the token or
// the value of a claim, other than a time, a host or the header's alg.
type Finding struct {
	Rule string // mostly the name of the claim or header member
	OK   bool
	Warn bool   // not OK, but the platform takes the token all the same
	Why  string // one sentence: what is wrong or, if OK, what is right
	Fix  string // what to change; "" if OK
}

// Refused reports whether the finding makes the platform refuse the token.
func (f Finding) Refused() bool { return !f.OK && !f.Warn }

func pass(rule, why string) Finding      { return Finding{Rule: rule, OK: true, Why: why} }
func fail(rule, why, fix string) Finding { return Finding{Rule: rule, Why: why, Fix: fix} }
func warn(rule, why, fix string) Finding { return Finding{Rule: rule, Warn: true, Why: why, Fix: fix} }

const (
	// skew is how far ahead the signer's clock may be.
	skew = time.Minute
	// slack is for times in whole seconds, which a signer may round up.
	slack = time.Second
	// tooLarge as seconds is the year 5138: such a time is in milliseconds.
	tooLarge = 1e11
)

// Check reads the token as the platform does at the time now, on a site that
// was requested as host (lower case, without port), and reports every rule in
// order. Rules that cannot be judged, such as those about claims after a token
// that cannot be parsed, are left out. With an empty host, the host claim is
// not compared with anything.
//
// The key is a []byte or string for HMAC and an ed25519.PublicKey for EdDSA;
// any other, nil too, fails the signature rule. Claims are nil if the token
// cannot be parsed, and hold numbers as json.Number; they are not to be
// believed unless no finding is Refused.
func (p Platform) Check(token string, key any, host string, now time.Time) (claims map[string]any, findings []Finding) {
	t, err := parse(token)
	if err != nil {
		return nil, []Finding{fail("form", "The token "+err.Error()+".",
			"Send one signed JWT in compact form, as the library returned it, with nothing before or after it.")}
	}
	findings = []Finding{pass("form", "The token has three parts, and header and claims are JSON objects.")}
	findings = append(findings, p.checkHeader(t, key)...)
	findings = append(findings, p.checkTimes(t.claims, now)...)
	if p.HostClaim != "" {
		findings = append(findings, checkHost(p.HostClaim, t.claims[p.HostClaim], host))
	}
	for _, name := range p.Required {
		findings = append(findings, checkRequired(name, t.claims[name]))
	}
	if p.Version != "" {
		findings = append(findings, checkVersion(t.claims["version"], p.Version))
	}
	for _, c := range p.Claims {
		if v, ok := t.claims[c.Name]; ok {
			findings = append(findings, c.check(v))
		}
	}
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
		// Go's decoder skips line breaks, which RFC 7515 section 2 does not allow.
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
	d.UseNumber() // a 64-bit id must not lose digits
	var o map[string]any
	if d.Decode(&o) != nil || o == nil {
		return nil, false
	}
	_, err := d.Token()
	return o, err == io.EOF
}

// verifiers has, by algorithm, what checks a signature. The string says why a
// key or signature is not taken; "" is success.
var verifiers = map[string]func(key any, input, signature []byte) string{
	"HS256": verifyHS256,
	"EdDSA": verifyEdDSA,
}

func verifyHS256(key any, input, signature []byte) string {
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
		h := hmac.New(sha256.New, secret)
		h.Write(input)
		return hmac.Equal(h.Sum(nil), signature)
	}
	if signedWith(secret) {
		return ""
	}
	// The usual mistakes are worth a word of their own.
	if signedWith(append(bytes.Clone(secret), '\n')) {
		return "was made with the secret and a line break after it, as a mounted file has it"
	}
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if decoded, err := enc.DecodeString(string(secret)); err == nil && signedWith(decoded) {
			return "was made with the secret decoded from base64, where its characters are the key as they are"
		}
	}
	return "does not fit the site's secret"
}

func verifyEdDSA(key any, input, signature []byte) string {
	public, ok := key.(ed25519.PublicKey)
	if !ok || len(public) != ed25519.PublicKeySize {
		return "cannot be checked without an Ed25519 public key"
	}
	if !ed25519.Verify(public, input, signature) {
		return "does not fit the site's key"
	}
	return ""
}

func (p Platform) checkHeader(t parsed, key any) []Finding {
	var out []Finding
	alg, _ := t.header["alg"].(string)
	if alg == p.Algorithm {
		out = append(out, pass("alg", "The header says "+alg+"."))
	} else {
		out = append(out, fail("alg", fmt.Sprintf("The header's alg is %.20q and has to be %s.", alg, p.Algorithm),
			"Sign with "+p.Algorithm+" and the key that the dashboard of "+p.Name+" shows."))
	}
	if t.header["typ"] == "JWT" {
		out = append(out, pass("typ", "The header says JWT."))
	} else {
		out = append(out, warn("typ", "The header's typ is not JWT.", `Write the header as {"alg":"`+p.Algorithm+`","typ":"JWT"}.`))
	}
	if _, ok := t.header["crit"]; ok {
		// RFC 7515 section 4.1.11.
		out = append(out, fail("crit", "The header has a crit that no docs platform understands.", "Leave crit out of the header."))
	}
	if alg != p.Algorithm {
		return out
	}
	if why := verifiers[p.Algorithm](key, []byte(t.input), t.signature); why != "" {
		return append(out, fail("signature", "The signature "+why+".",
			"Sign with the very key of this docs site: another environment's or an older one does not fit."))
	}
	return append(out, pass("signature", "The signature fits the site's key."))
}

func (p Platform) checkTimes(claims map[string]any, now time.Time) []Finding {
	var out []Finding
	if v, ok := claims["exp"]; ok {
		out = append(out, p.checkExp(v, now))
	} else if p.NeedsExp {
		out = append(out, fail("exp", "The token has no exp.", "Set exp to "+p.lifetime()+", in seconds."))
	}
	if v, ok := claims["iat"]; !ok {
		out = append(out, warn("iat", "The token has no iat.", "Set iat to the present time, in seconds."))
	} else if at, why := seconds(v); why != "" {
		out = append(out, fail("iat", "iat "+why+".", "Set iat to the present time, in seconds."))
	} else if ahead := at.Sub(now); ahead > skew {
		out = append(out, warn("iat", "iat is "+ahead.Round(time.Second).String()+" in the future.", "Keep the app's clock right with NTP."))
	} else {
		out = append(out, pass("iat", "iat is not in the future."))
	}
	if v, ok := claims["nbf"]; !ok {
		out = append(out, pass("nbf", "The token has no nbf, which is best."))
	} else if at, why := seconds(v); why != "" {
		out = append(out, fail("nbf", "nbf "+why+".", "Leave nbf out."))
	} else if at.After(now) {
		out = append(out, fail("nbf", "nbf is in the future, so that the token does not count yet.", "Leave nbf out."))
	} else {
		out = append(out, warn("nbf", "The token has nbf: with a clock that is ahead, nobody could log in.", "Leave nbf out."))
	}
	if v, ok := claims[p.SessionClaim]; ok && p.SessionClaim != "" {
		fix := "Set " + p.SessionClaim + " to the end of the docs session, in seconds since 1970."
		if at, why := seconds(v); why != "" {
			out = append(out, fail(p.SessionClaim, p.SessionClaim+" "+why+".", fix))
		} else if !at.After(now) {
			out = append(out, fail(p.SessionClaim, p.SessionClaim+" is "+now.Sub(at).Round(time.Second).String()+" in the past.", fix))
		} else {
			out = append(out, pass(p.SessionClaim, p.SessionClaim+" is "+at.Sub(now).Round(time.Second).String()+" from now."))
		}
	}
	return out
}

func (p Platform) checkExp(v any, now time.Time) Finding {
	fix := "Set exp to " + p.lifetime() + ", in seconds."
	at, why := seconds(v)
	left := at.Sub(now)
	switch {
	case why != "":
		return fail("exp", "exp "+why+".", fix)
	case left <= 0:
		return fail("exp", "exp is "+(-left).Round(time.Second).String()+" in the past.", fix+" Mint at the click, and keep the clock right with NTP.")
	case p.MaxLifetime > 0 && left > p.MaxLifetime+slack:
		return fail("exp", fmt.Sprintf("exp is %v from now and may be %v at most.", left.Round(time.Second), p.MaxLifetime), fix)
	}
	return pass("exp", "exp is "+left.Round(time.Second).String()+" from now.")
}

func (p Platform) lifetime() string {
	if p.MaxLifetime > 0 {
		return "at most " + p.MaxLifetime.String() + " from now"
	}
	return "a few minutes from now"
}

// seconds reads a NumericDate (RFC 7519 section 2), or says what it is instead.
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

func checkHost(name string, v any, host string) Finding {
	fix := "Set " + name + " to the host that the browser shows for the docs, in lower case, without scheme and port."
	s, _ := v.(string)
	switch {
	case v == nil:
		return fail(name, "The token has no "+name+".", fix)
	case s == "":
		return fail(name, name+" is not a string with a host.", fix)
	case host == "":
		return pass(name, name+" is there.")
	case s != host:
		return fail(name, fmt.Sprintf("%s is %.100q, but the docs were visited at %q.", name, s, host), fix)
	}
	return pass(name, fmt.Sprintf("%s is %q, where the docs were visited.", name, host))
}

func checkRequired(name string, v any) Finding {
	fix := "Send " + name + " as a string for every user."
	s, ok := v.(string)
	switch {
	case v == nil:
		return fail(name, "The token has no "+name+".", fix)
	case !ok:
		return fail(name, name+" is not a string.", fix)
	case strings.TrimSpace(s) == "":
		return fail(name, name+" is empty.", fix)
	}
	return pass(name, name+" is there.")
}

func checkVersion(v any, want string) Finding {
	fix := "Send version as the number " + want + "."
	n, ok := v.(json.Number)
	switch {
	case v == nil:
		return fail("version", "The token has no version.", fix)
	case !ok:
		return fail("version", "version is not a number.", fix)
	case n.String() != want && strings.TrimSuffix(n.String(), ".0") != want:
		return fail("version", "version is not "+want+".", fix)
	}
	return pass("version", "version is "+want+".")
}

// checkSpelling finds names that differ from a claim's only in case and
// separators. Platforms take them for claims of the app, or not at all.
func (p Platform) checkSpelling(claims map[string]any) []Finding {
	known := append([]string{"exp", "iat", "nbf", "jti", p.HostClaim, p.SessionClaim}, p.Required...)
	if p.Version != "" {
		known = append(known, "version")
	}
	for _, c := range p.Claims {
		known = append(known, c.Name)
	}
	meant := map[string]string{}
	for _, name := range known {
		meant[plain(name)] = name
	}
	var out []Finding
	for name := range claims {
		if m := meant[plain(name)]; m != "" && m != name {
			out = append(out, warn("spelling", fmt.Sprintf("%.40q is not a claim of %s.", name, p.Name), "Call it "+m+"."))
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Why < out[j].Why })
	return out
}

func plain(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(name))
}
