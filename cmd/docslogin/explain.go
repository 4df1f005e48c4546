package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/docslogin/docslogin/internal/presets"
	"github.com/docslogin/docslogin/internal/rules"
)

func explainHelp() string {
	return `docslogin explain says why a platform accepts or rejects a login URL or a token.

  docslogin explain -key-env README_JWT_SECRET < url.txt
  docslogin explain -platform readme -at 2026-11-21T18:00:00Z < token.txt

It reads standard input, or its argument, which stays in the shell's history.
The login may be in a log, a header, a cookie, HTML, a HAR file, or curl output.
✓ is in order, ✗ is rejected, ! is unknown, or accepted but probably a mistake.

  -platform NAME   for a token alone, or a URL that does not tell the platform
  -docs URL        the docs, if they are not where the URL leads
  -key-file FILE, -key-env NAME
                   the secret, or the private or public key in PEM; without it
                   the signature is not checked
  -at TIME         judge as of that time, such as 2026-11-21T18:00:00Z
  -path PATH       the app's login route, /docs-login, where no link may lead
  -show-claims     print the claims, with credentials and personal data in them!
  -json            print one JSON object
For flags that only some platforms have, see docslogin help platforms.

It prints the names and types of claims, but no values except times, host, iss,
version, and alg. Exit code 1 if the platform would reject the login.
`
}

// report is the result of explain.
type report struct {
	Platform         string            `json:"platform"`
	By               string            `json:"by"`              // what the platform was inferred from, or "-platform"
	Place            string            `json:"place,omitempty"` // where the token is; "" for a token alone
	TokenBytes       int               `json:"tokenBytes"`
	Accepted         bool              `json:"accepted"`         // no rule is broken; the signature may not have been checked
	SignatureChecked bool              `json:"signatureChecked"` // a key was given
	AcceptedAt       string            `json:"acceptedAt,omitempty"`
	At               string            `json:"at"`
	Findings         []rules.Finding   `json:"findings"`
	ClaimTypes       map[string]string `json:"claimTypes,omitempty"`
	Claims           map[string]any    `json:"claims,omitempty"`
}

// question is the input of explain.
type question struct {
	input string
	docs  *url.URL
	route string
	at    time.Time
	key   func(rules.Platform) (any, error) // nil without a key
}

func (t *tool) explain(args []string) error {
	var (
		s    = &t.settings
		q    = question{at: time.Now()}
		show bool
		f    = s.flags("explain")
	)
	f.Func("at", "", stamp(&q.at))
	f.StringVar(&q.route, "path", "/docs-login", "")
	f.BoolVar(&show, "show-claims", false, "")
	rest, err := s.parse(f, args)
	if err != nil {
		return err
	}
	if q.docs, err = s.docsURL(); err != nil {
		return err
	}
	text, hasKey, err := t.key()
	if err != nil {
		return err
	}
	if hasKey {
		q.key = func(p rules.Platform) (any, error) { return s.verifier(p, text) }
	}
	switch {
	case len(rest) > 1:
		return usageError("explain takes one URL or token; quote it")
	case len(rest) == 1 && rest[0] != "-":
		q.input = rest[0]
	default:
		if isTerminal(t.in) {
			fmt.Fprintln(t.err, "Paste a login URL or a token, then press Enter and Ctrl-D.")
		}
		if q.input, err = read(t.in, "the input"); err != nil {
			return err
		}
	}
	q.input = decoded(q.input)
	if len(q.input) > maxInput {
		return usageError("the input is longer than 1 MiB")
	}
	if strings.TrimSpace(q.input) == "" {
		return usageError("the input is empty; pass a login URL or a token on standard input")
	}
	r, claims, err := q.answer(s)
	if err != nil {
		return err
	}
	if show {
		r.Claims = claims
	}
	if s.json {
		t.printJSON(r, "")
	} else {
		t.printReport(r)
	}
	if !r.Accepted {
		return errReported
	}
	return nil
}

// answer checks the URL and the token.
func (q question) answer(s *settings) (*report, map[string]any, error) {
	preset, given, err := s.preset()
	if err != nil {
		return nil, nil, err
	}
	var p rules.Platform
	if given {
		p = preset.Rules(s.values(""))
	}
	login, err := q.find(p)
	if err != nil {
		return nil, nil, err
	}
	var findings []rules.Finding
	u, token := login.url, login.token
	if u != nil && holdsToken(u.Host) {
		return nil, nil, usageError("the URL has a token in its host; pass the token alone, or the whole URL")
	}
	if login.cookie != nil && holdsToken(login.cookie.Domain) {
		return nil, nil, usageError("the cookie has a token in its Domain; pass the token alone, or the whole Set-Cookie line")
	}
	if login.html {
		findings = append(findings, rules.Finding{Rule: "html", Warn: true, Why: "The URL has &amp; instead of &, as in the source of a page. It is read with &.",
			Fix: "If it was not copied from the source of a page, it is escaped twice: escape it once."})
	}
	by := "-platform"
	if !given {
		if p, by, err = s.inferred(login); err != nil {
			return nil, nil, err
		}
	}
	docs, place := q.docs, p.Place()
	switch {
	case login.inCookie:
		place = login.by
	case u != nil && p.Form != "":
		return nil, nil, usageError(p.Name + " takes the token in a form, so it is not in the URL; pass the token itself")
	case u != nil && p.InCookie():
		return nil, nil, usageError(p.Name + " takes the token in " + place + ", so it is not in the URL; pass the Set-Cookie line of the login route's response, or the token itself")
	case u != nil:
		token = p.Token(u)
	default:
		place = ""
		findings = append(findings, p.CheckLength(len(token), true))
	}
	if u != nil && (!login.inCookie || p.InCookie()) {
		findings = append(findings, p.CheckURL(u, q.docs, q.route)...)
	}
	if docs == nil {
		docs = u
	}
	host := ""
	if docs != nil {
		host = docs.Hostname()
	}
	var key any
	if q.key != nil {
		if key, err = q.key(p); err != nil {
			return nil, nil, err
		}
	}
	claims, ofToken := q.check(p, token, key, host, q.at)
	if login.header != "" {
		findings = append(findings, p.CheckCookies(&http.Request{URL: &url.URL{}, Header: http.Header{"Cookie": {login.header}}})...)
	}
	if login.cookie != nil && (p.InCookie() || login.cookie.Domain != "") { // otherwise, the docs may have set it
		findings = append(findings, p.CheckSetCookie(login.cookie, len(login.cookie.Raw), nil, docs, claims)...)
	}
	if token == "" {
		ofToken = []rules.Finding{{Rule: "token", Why: "There is no token in " + place + ".", Fix: "Pass the URL to which the app's login route redirects (its Location). If this is that URL, put the token there."}}
	}
	r := &report{
		Platform: p.Name, By: by, Place: place, TokenBytes: len(token),
		At:               q.at.UTC().Format(time.RFC3339),
		SignatureChecked: key != nil,
		ClaimTypes:       types(claims),
		Findings:         append(ofToken, findings...),
	}
	if r.Accepted = !rejected(r.Findings); !r.Accepted {
		// A token from a log has probably expired in the meantime.
		if issued, ok := numericDate(claims["iat"]); ok {
			if _, then := q.check(p, token, key, host, issued); !rejected(append(then, findings...)) {
				r.AcceptedAt = issued.UTC().Format(time.RFC3339)
			}
		}
	}
	return r, claims, nil
}

// holdsToken reports whether a host contains the header of a token. Findings print hosts.
func holdsToken(host string) bool {
	if len(host) > 4096 { // no host is so long
		return true
	}
	for i := range host {
		part, _, _ := strings.Cut(host[i:], ".")
		if header, err := base64.RawURLEncoding.DecodeString(part); err == nil && strings.HasPrefix(string(header), "{") && json.Valid(header) {
			return true
		}
	}
	return false
}

// inferred returns the rules of the platform that the login is for, and what identified it.
func (s *settings) inferred(login pasted) (rules.Platform, string, error) {
	p, by, ok := login.platform, login.by, login.by != ""
	switch {
	case login.url != nil && !ok:
		if p, by, ok = rules.Infer(login.url); !ok {
			return p, "", usageError("the URL has no token where a known platform takes one; if it is a page of the docs or of the app, pass the URL to which the login route redirects (its Location) instead, or that response's Set-Cookie line; otherwise set -platform to one of " + platformNames())
		}
	case !ok && strings.Count(login.token, ".") == 4:
		return p, "", usageError("the token is encrypted (JWE, five parts), and platforms accept only signed tokens (JWS, three parts)")
	case !ok:
		return p, "", usageError("a token alone does not say which platform it is for; set -platform to one of " + platformNames())
	}
	all := presets.All()
	i := slices.IndexFunc(all, func(preset presets.Preset) bool { return preset.Name() == p.Name })
	if i < 0 {
		return p, by, nil
	}
	return all[i].Rules(s.values("")), by, s.checkArguments(all[i])
}

// check applies the rules to the token. Without a key, it does not check the signature.
func (q question) check(p rules.Platform, token string, key any, host string, at time.Time) (map[string]any, []rules.Finding) {
	claims, findings := p.Check(token, key, strings.ToLower(host), at)
	for i, f := range findings {
		if key == nil && f.Rule == "signature" {
			findings[i] = rules.Finding{Rule: "signature", Warn: true, Why: "Not checked, because no key was given.", Fix: "Set -key-file or -key-env."}
		}
	}
	return claims, findings
}

// rejected reports whether the platform would reject the login.
func rejected(findings []rules.Finding) bool {
	return slices.ContainsFunc(findings, rules.Finding.Rejected)
}

// numericDate returns a claim's NumericDate (RFC 7519, section 2) as a time.
func numericDate(v any) (time.Time, bool) {
	n, _ := v.(json.Number)
	seconds, err := n.Float64()
	return time.Unix(int64(seconds), 0), err == nil
}

// types returns the types of claims, which do not reveal their values.
func types(claims map[string]any) map[string]string {
	out := map[string]string{}
	for claim, v := range claims {
		kind := "null"
		switch v := v.(type) {
		case string:
			kind = "string"
		case json.Number:
			kind = "number"
		case bool:
			kind = "boolean"
		case []any:
			kind = fmt.Sprintf("list of %d", len(v))
		case map[string]any:
			kind = fmt.Sprintf("object of %d", len(v))
		}
		out[name(claim)] = kind
	}
	return out
}

func (t *tool) printReport(r *report) {
	place := ""
	if !strings.HasPrefix(r.By, r.Place) {
		place = " and is in " + r.Place
	}
	t.printf("%s, according to %s. The token has %d bytes%s.", r.Platform, r.By, r.TokenBytes, place)
	t.printFindings(r.Findings)
	var claims []string
	for _, name := range slices.Sorted(maps.Keys(r.ClaimTypes)) {
		claims = append(claims, name+" ("+r.ClaimTypes[name]+")")
	}
	if claims != nil {
		t.printf("Claims: %s", strings.Join(claims, ", "))
	}
	if r.Claims != nil {
		t.printJSON(r.Claims, "  ")
	}
	broken := ""
	for _, f := range r.Findings {
		if f.Rejected() && !strings.Contains(broken+",", " "+f.Rule+",") {
			broken += ", " + f.Rule
		}
	}
	condition := ""
	if !r.SignatureChecked {
		condition = ", if the signature verifies"
	}
	switch {
	case r.Accepted:
		t.line(okMark, okColor, r.Platform+" would accept it"+condition+".")
	case r.AcceptedAt != "":
		t.line(rejectedMark, rejectedColor, fmt.Sprintf("%s would reject it at %s because of%s. At the time of its iat, %s, it would accept it%s.",
			r.Platform, r.At, broken[1:], r.AcceptedAt, condition))
	default:
		t.line(rejectedMark, rejectedColor, fmt.Sprintf("%s would reject it because of%s.", r.Platform, broken[1:]))
	}
}
