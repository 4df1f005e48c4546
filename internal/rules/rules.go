// Package rules holds what each docs platform refuses, and why, rule by rule.
//
// It is the other side of the wire: it reads a token as the platform would,
// with a parser and a verification of its own, and shares no code with the
// side that signs. A mistake there cannot hide here.
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
	"sort"
	"strings"
	"time"
)

// A Platform says what a docs platform wants of a token. It is plain data:
// a further platform is a further literal.
type Platform struct {
	Name          string
	Flag          string        // short name, as the value of a command's flag
	Wire                        // how the token travels
	Algorithms    []string      // JWS names of those that are taken
	RequiredType  bool          // a token whose header does not say that it is a JWT is refused
	MaxTokenBytes int           // a longer token is refused; 0: no limit
	RequiredExp   bool          // a token without exp is refused
	MaxLifetime   time.Duration // exp is at most this far away; 0: no limit
	RequiredIat   bool          // a token without iat is refused
	MaxAge        time.Duration // iat is at most this long ago; 0: no limit
	MaxAhead      time.Duration // iat is at most this far ahead; 0: only noted, from a minute on
	HostClaim     string        // claim that must be the requested host; "": none
	Issuer        string        // value of the claim iss; "": not looked at
	Required      []string      // claims that must be non-empty strings
	Version       string        // value of the claim version; "": not looked at
	SessionClaim  string        // claim that ends the docs session, if present; "exp": the token is the session; "": none
	Claims        []Claim       // the other claims that have a meaning, each looked at if present
	Checks        []Check       // what a single claim's type cannot say
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
	Rule string `json:"rule"` // mostly the name of the claim or header member
	OK   bool   `json:"ok"`
	Warn bool   `json:"warn"`          // not OK, but the platform takes the token all the same
	Why  string `json:"why"`           // one sentence: what is wrong or, if OK, what is right
	Fix  string `json:"fix,omitempty"` // what to change; "" if OK
}

// Refused reports whether the finding makes the platform refuse the token.
func (f Finding) Rejected() bool { return !f.OK && !f.Warn }

func pass(rule, why string) Finding      { return Finding{Rule: rule, OK: true, Why: why} }
func fail(rule, why, fix string) Finding { return Finding{Rule: rule, Why: why, Fix: fix} }
func warn(rule, why, fix string) Finding { return Finding{Rule: rule, Warn: true, Why: why, Fix: fix} }

const (
	// skew is how far ahead the signer's clock may be without a word.
	skew = time.Minute
	// shortSession is less than a docs session can be meant to last.
	shortSession = time.Minute
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
// The key is a []byte or string for HMAC, an ed25519.PublicKey for EdDSA and an
// *ecdsa.PublicKey for ES256; any other, nil too, fails the signature rule. Claims
// are nil if the token cannot be parsed, and hold numbers as json.Number; they are
// not to be believed unless no finding is Refused.
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
		// The usual mistakes are worth a word of their own.
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
		return "does not fit the site's secret"
	}
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

// verifyES256 goes by RFC 7518 section 3.4: the signature is r and s, 32 bytes each.
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
		return "does not fit the site's key"
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
		// RFC 7515 section 4.1.11.
		out = append(out, fail("crit", "The header has a crit that no docs platform understands.", "Leave crit out of the header."))
	}
	if !known {
		return out
	}
	if why := verifiers[alg](key, []byte(t.input), t.signature); why != "" {
		return append(out, fail("signature", "The signature "+why+".",
			"Sign with the very key of this docs site: another environment's or an older one does not fit."))
	}
	return append(out, pass("signature", "The signature fits the site's key."))
}

func (p Platform) checkTimes(claims map[string]any, now time.Time) []Finding {
	var out []Finding
	if v, ok := claims["exp"]; ok {
		out = append(out, p.checkExp(v, claims["iat"], now))
	} else if p.RequiredExp {
		out = append(out, fail("exp", "The token has no exp.", "Set exp to "+p.lifetime()+", in seconds."))
	} else if p.SessionClaim == "exp" {
		out = append(out, warn("exp", "The token has no exp, so the platform alone decides how long the docs session lasts.", "Set exp to "+p.lifetime()+", in seconds."))
	}
	out = append(out, p.checkIat(claims["iat"], now))
	if v, ok := claims["nbf"]; !ok {
		out = append(out, pass("nbf", "The token has no nbf, which is best."))
	} else if at, why := seconds(v); why != "" {
		out = append(out, fail("nbf", "nbf "+why+".", "Leave nbf out."))
	} else if at.After(now) {
		out = append(out, fail("nbf", "nbf is in the future, so that the token does not count yet.", "Leave nbf out."))
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

// clock is what to do about one that is off.
const clock = "Keep the signer's clock right with NTP."

// span writes a time's distance in whole seconds, or days where it is long.
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

func checkIssuer(v any, want string) Finding {
	if v == nil {
		return fail("iss", "The token has no iss.", "Set iss to "+want+".")
	}
	if v != want {
		return fail("iss", "iss is not "+want+", the issuer that was agreed upon.", "Set iss to "+want+".")
	}
	return pass("iss", "iss is "+want+".")
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
	if p.Issuer != "" {
		known = append(known, "iss")
	}
	for _, c := range p.Claims {
		known = append(known, c.Name)
	}
	meant := map[string]string{}
	for _, name := range known {
		meant[normalizeName(name)] = name
	}
	var out []Finding
	for name := range claims {
		if m := meant[normalizeName(name)]; m != "" && m != name {
			out = append(out, warn("spelling", fmt.Sprintf("%.40q is not a claim of %s.", name, p.Name), "Call it "+m+"."))
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Why < out[j].Why })
	return out
}

var separators = strings.NewReplacer("_", "", "-", "", " ", "")

func normalizeName(name string) string { return strings.ToLower(separators.Replace(name)) }
