package rules

import (
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A Wire describes how a token and the deep link travel to the docs.
type Wire struct {
	Callback      string            // path that takes the token; "": any page
	Host          string            // host of Callback, if it is the platform's own; "": the docs' host
	Query         string            // parameter that carries the token; "": none
	CommonName    bool              // other sites have parameters with the name in Query
	Form          string            // field of a POST that carries the token; "": none
	AlsoForm      bool              // besides the URL, a form that is posted may carry Query and Link
	Fragment      bool              // the token is in the fragment, for a page's script
	Cookie        string            // cookie from which the docs also read the token, in every request; "": none
	ReadFirst     ReadFirst         // returns what the docs read instead of Cookie; nil: nothing
	Link          string            // parameter that carries the deep link to the login URL and back; "": the platform sends none
	Back          LinkForm          // the form in which the deep link comes back
	AlwaysLink    bool              // if there is no deep link, the docs' home page comes back
	OtherHosts    bool              // the deep link may lead to other hosts, such as those of agents or other brands
	RejectLink    RejectLink        // returns why the platform rejects a login for its deep link; nil: it never does
	LinkStatus    int               // with RejectLink, the status of such a response
	LinkSilent    bool              // with RejectLink, such a response is empty
	ToPage        bool              // the token goes to the deep link's page itself, without Link
	RequiredParam string            // another parameter, without which a login is rejected; "": none
	Logout        string            // path under the docs that ends the docs session; "": none is documented
	RefusedParams map[string]string // parameters that are rejected, and why; "x…" is every name that begins with x
}

// A RejectLink returns why the platform rejects a login for its deep link, or "". The text is a
// predicate of the link, such as "leads to another host". At is the URL that received the token; its
// host is "" if that is not known.
type RejectLink func(link string, at *url.URL) string

// A LinkForm is the form in which a deep link comes back.
type LinkForm int

// The forms of a deep link.
const (
	AsPath  LinkForm = iota // from the host's root
	AsURL                   // absolute
	AsGiven                 // either
)

// The maximum lengths of a URL in bytes.
const (
	maxQueryURL    = 8000  // nginx and CDNs respond with 414 beyond 8 KiB
	maxFragmentURL = 16000 // no server receives it, but it must pass through a proxy in front of the app
	warnURL        = 3000  // nginx in front of the app passes little more with its default buffers
)

// Infer returns the platform of a URL that carries a token, and what identifies the platform, such
// as "the parameter auth_token". If the token travels in a form, the URL's path identifies the
// platform.
func Infer(u *url.URL) (p Platform, by string, ok bool) {
	var byCallback, byPage, byParameter []Platform
	for _, p := range All() {
		at := p.Callback != "" && strings.HasSuffix(u.Path, p.Callback)
		switch {
		case p.Form != "":
			if u.Path == p.Callback {
				return p, "the path " + p.Callback, true
			}
		case !p.carries(u, at):
		case p.Host != "" && p.Host == plainHost(u):
			return p, p.Place() + " at " + p.Host, true
		case !at && p.RequiredParam != "" && has(u.RawQuery, p.RequiredParam): // sent to the wrong page
			return p, p.Place() + " and " + p.RequiredParam, true
		case p.Callback == "":
			byPage = append(byPage, p)
		case at:
			byCallback = append(byCallback, p)
		default: // sent to the wrong page
			byParameter = append(byParameter, p)
		}
	}
	if len(byCallback) > 0 {
		p = byCallback[0]
		return p, p.Place() + " at " + p.Callback, true
	}
	return inferFromToken(u, byPage, byParameter)
}

// inferFromToken chooses among platforms that take the token in the same place: those that take it at this
// page, and those that take it elsewhere.
func inferFromToken(u *url.URL, here, elsewhere []Platform) (p Platform, by string, ok bool) {
	found := slices.Concat(here, elsewhere)
	if len(found) == 0 {
		return Platform{}, "", false
	}
	by = found[0].Place()
	signed := func(p Platform) bool { return slices.Contains(p.Algorithms, algorithm(p.Token(u))) }
	likely := keep(found, signed)
	if len(likely) == 0 {
		return found[0], by, true
	}
	if likely[0].Name != found[0].Name {
		by += " and the header's alg"
	}
	accepts := func(p Platform) bool { return p.acceptsClaims(p.Token(u)) }
	if accepted := keep(keep(here, signed), accepts); len(accepted) > 0 && len(likely) > len(accepted) {
		others := keep(likely, func(p Platform) bool {
			return !slices.ContainsFunc(accepted, func(other Platform) bool { return other.Name == p.Name })
		})
		likely = slices.Concat(accepted, others)
		by += " and the claims"
	}
	var others []string
	for _, p := range likely[1:] {
		others = append(others, p.Name)
	}
	if others != nil {
		by += " (or is it " + strings.Join(others, " or ") + "?)"
	}
	return likely[0], by, true
}

// keep returns the platforms for which matches returns true.
func keep(platforms []Platform, matches func(Platform) bool) []Platform {
	return slices.DeleteFunc(slices.Clone(platforms), func(p Platform) bool { return !matches(p) })
}

// acceptsClaims reports whether the platform would accept a token's claims. It ignores the times and the
// signature.
func (p Platform) acceptsClaims(token string) bool {
	_, findings := p.Check(token, nil, "", time.Time{})
	return !slices.ContainsFunc(findings, func(f Finding) bool {
		return f.Rejected() && !slices.Contains([]string{"signature", "exp", "iat", "nbf", p.SessionClaim}, f.Rule)
	})
}

func (p Platform) carries(u *url.URL, at bool) bool {
	token := p.Token(u)
	// On a page, a fragment is usually an anchor, and a common name is usually another parameter. A token
	// begins with ey, which is base64url for { and a quotation mark.
	return token != "" && (!p.Fragment && !p.CommonName || at || strings.HasPrefix(token, "ey"))
}

// algorithm returns the alg of a token's header, or "".
func algorithm(token string) string {
	t, _ := parse(token)
	alg, _ := t.header["alg"].(string)
	return alg
}

// Place returns where the token travels, such as "the parameter auth_token".
func (p Platform) Place() string {
	switch {
	case p.Fragment:
		return "the fragment"
	case p.Form != "":
		return "the form's field " + p.Form
	case p.InCookie():
		return "the cookie " + p.Cookie
	}
	return "the parameter " + p.Query
}

// Token returns the text in the place of a URL where the token should be, or "".
func (p Platform) Token(u *url.URL) string {
	switch {
	case p.Fragment:
		return u.EscapedFragment()
	case p.Query != "":
		value, _ := param(u.RawQuery, p.Query)
		return unescape(strings.ReplaceAll(value, "+", " "))
	}
	return ""
}

// CheckURL checks everything in a URL except the token itself. The docs' URL may be nil; then the
// docs are where u leads. The route is the path of the app's login route.
func (p Platform) CheckURL(u, docs *url.URL, route string) []Finding {
	out := append([]Finding{p.CheckLength(len(u.String()), false)}, p.checkTarget(u, docs)...)
	at := &url.URL{Host: u.Host, Path: u.Path}
	if docs != nil {
		at.Host = docs.Host
	} else if p.Host != "" {
		at.Host = ""
	}
	link, _ := param(u.RawQuery, p.Link)
	link = unescape(strings.ReplaceAll(link, "+", " "))
	if p.ToPage {
		link = Without(u.RequestURI(), p.Query)
	}
	notEncoded := p.checkEncoded(u.RawQuery)
	if notEncoded == nil && !p.ToPage && !p.Fragment && link != "" && u.Fragment != "" {
		notEncoded = p.cutAt("#")
	}
	if notEncoded == nil {
		out = append(out, p.CheckLink(link, at, route)...)
	}
	return slices.Concat(out, notEncoded, p.checkParams(u.RawQuery))
}

// CheckLength checks the length of a URL or, if alone is set, of a token without its URL.
func (p Platform) CheckLength(bytes int, alone bool) Finding {
	limit, what := maxQueryURL, "The URL is"
	if p.Fragment {
		limit = maxFragmentURL
	}
	if alone {
		what = "Without its URL, the token is"
	}
	size := fmt.Sprintf("%s %d bytes long", what, bytes)
	const fix = "Send less of the user: long lists and texts first"
	switch {
	case p.Form != "":
		return pass("length", size+", and travels in a form.")
	case p.InCookie() && alone:
		return pass("length", size+", and travels in a cookie.")
	case bytes > limit:
		return fail("length", fmt.Sprintf("%s, and more than %d do not arrive.", size, limit), fix+".")
	case bytes > warnURL:
		return warn("length", fmt.Sprintf("%s: past %d, nginx in front of the app answers 502 with its default buffers.", size, warnURL),
			fix+"; or set proxy_buffer_size 32k; proxy_buffers 8 32k;")
	}
	return pass("length", size+".")
}

// checkTarget checks the page that takes the token.
func (p Platform) checkTarget(u, docs *url.URL) []Finding {
	var out []Finding
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		out = append(out, warn("scheme", "The URL is http: the token travels in clear.", "Send it to the docs' https address."))
	}
	if p.Host != "" && u.Host != "" && plainHost(u) != p.Host {
		out = append(out, fail("host", fmt.Sprintf("The URL leads to %.100q, and %s takes the token at %s.", u.Host, p.Name, p.Host),
			"Send the browser there with the token."))
	}
	if docs != nil && p.Host == "" && u.Host != "" {
		if plainHost(u) != plainHost(docs) {
			out = append(out, fail("docs", fmt.Sprintf("The URL leads to %.100q, and the docs are at %.100q.", u.Host, docs.Host),
				"Make the URL from the address that the browser shows for the docs."))
		} else {
			out = append(out, pass("docs", "The URL leads to the docs' host."))
		}
	}
	if p.Callback == "" {
		return out
	}
	wanted, ok := "has to end in ", strings.HasSuffix(u.Path, p.Callback)
	if docs != nil && p.Host == "" {
		wanted, ok = "has to be the docs' own, followed by ", u.Path == strings.TrimRight(docs.Path, "/")+p.Callback
	}
	if !ok {
		return append(out, fail("path", "The URL's path "+wanted+p.Callback+", where "+p.Name+" takes the token.", "Send the browser there with the token."))
	}
	return append(out, pass("path", "The URL's path is where "+p.Name+" takes the token."))
}

// CheckLink checks the deep link as it came back, decoded once; it is "" if none came back. It is
// the value of Link or, if ToPage is set, the page's path and query. At is the URL that took the
// token. Its host is that of the docs, or "" if that is not known.
func (p Platform) CheckLink(link string, at *url.URL, route string) []Finding {
	rule, what := p.Link, "The parameter "+p.Link
	switch {
	case link == "" && p.AlwaysLink:
		return []Finding{warn(rule, what+" is missing, and "+p.Name+" expects it in every login.", "Send the home page if there is no deep link, as the preset does with DeepLink.Always.")}
	case link == "":
		return nil
	}
	lower := strings.ToLower(link)
	if p.ToPage {
		rule, what, lower = "page", "The page", strings.TrimPrefix(lower, "/")
	}
	judge, rejected := warn, ""
	if p.RejectLink != nil {
		if rejected = p.RejectLink(link, at); rejected != "" {
			judge = fail
		}
	}
	note := func(why, fix string) []Finding { return []Finding{judge(rule, what+" "+why+".", fix)} }
	host, path := "", link
	if !p.ToPage {
		host, path = split(link)
	}
	switch {
	case slices.Contains([]string{"undefined", "null", "[object object]"}, strings.Trim(lower, "/")):
		return note("is a word that scripts write where they have no page", "Leave it out if there is no page to come back to.")
	case strings.HasPrefix(lower, "%2f") || strings.HasPrefix(lower, "http%3a") || strings.HasPrefix(lower, "https%3a"):
		return note("is encoded once too often", "Encode it once, as url.QueryEscape or encodeURIComponent does, and not at all where it is the page's own path.")
	case p.ToPage && isURL(lower):
		return note("is an absolute URL behind another one", "Take the path out of the deep link, and append it to the docs' host.")
	case host != "" && at.Host != "" && host != plainHost(at) && !p.OtherHosts:
		return note("leads to another host than the docs'", "Accept a deep link only if it stays on the docs' own host.")
	case !p.ToPage && p.Back == AsPath && isURL(link):
		return note("came back as an absolute URL, and "+p.Name+" expects a path", "Set DeepLink.Form to AsPath.")
	case !p.ToPage && p.Back == AsURL && host == "":
		return note("came back as a path, and "+p.Name+" expects an absolute URL", "Set DeepLink.Form to AsURL.")
	case !strings.HasPrefix(path, "/"):
		return note("is neither a path that begins with / nor an absolute URL", "Send it from the host's root, with a / in front.")
	}
	path, query, _ := strings.Cut(path, "?")
	decoded := unescape(path)
	switch {
	case p.Callback != "" && decoded == at.Path:
		return note("leads back to the page that takes the token", "Accept a deep link only if it leads to a page for readers.")
	case p.Query != "" && has(query, p.Query):
		return note("carries a token already", "Take "+p.Query+" out of the deep link.")
	case decoded == route && len(route) > 1:
		return note("leads back to the app's login route", "Link to a page of the docs; the login URL belongs in their dashboard alone.")
	}
	if rejected != "" {
		return note(rejected, "Send the deep link in the same form as the preset does.")
	}
	return []Finding{pass(rule, what+" is in order.")}
}

// CheckQuery checks the query except for the token and the deep link.
func (p Platform) CheckQuery(query string) []Finding {
	return append(p.checkEncoded(query), p.checkParams(query)...)
}

// checkEncoded looks for parameters that belong to an unencoded deep link. A deep link without
// parameters loses nothing if it is not encoded.
func (p Platform) checkEncoded(query string) []Finding {
	link, rest := param(query, p.Link)
	if p.ToPage || !strings.Contains(link, "?") {
		return nil
	}
	for pair := range strings.SplitSeq(rest, "&") {
		if name := paramName(pair); name != "" && name != p.Query && name != p.RequiredParam {
			return p.cutAt("&")
		}
	}
	return nil
}

func (p Platform) cutAt(char string) []Finding {
	return []Finding{warn(p.Link, "The parameter "+p.Link+" is not encoded: it ends at the first "+char+" of the deep link.",
		"Encode it once, as url.QueryEscape or encodeURIComponent does.")}
}

// checkParams looks for parameters that the platform would misread, and for the one that it
// requires.
func (p Platform) checkParams(query string) []Finding {
	var out []Finding
	for _, name := range []string{p.Query, p.Link, p.RequiredParam} {
		if _, behind := param(query, name); name != "" && has(behind, name) && !(p.ToPage && name == p.Link) {
			out = append(out, warn(name, "The parameter "+name+" is there more than once, and platforms differ in which one they read.",
				"Send it once."))
		}
	}
	out = append(out, p.checkRefused(query)...)
	if value, _ := param(query, p.RequiredParam); p.RequiredParam != "" && value == "" {
		out = append(out, fail(p.RequiredParam, "The URL has no "+p.RequiredParam+".", "Send "+p.RequiredParam+" with the token."))
	}
	return out
}

// checkRefused looks for parameters that the platform would misread.
func (p Platform) checkRefused(query string) []Finding {
	var out []Finding
	for _, name := range slices.Sorted(maps.Keys(p.RefusedParams)) {
		prefix, open := strings.CutSuffix(name, "…")
		if slices.ContainsFunc(strings.Split(query, "&"), func(pair string) bool {
			got := paramName(pair)
			return got == name || open && strings.HasPrefix(got, prefix)
		}) {
			out = append(out, fail(name, "The parameter "+name+" came with the token, and "+p.RefusedParams[name]+".",
				"Take "+name+" out of the deep link, as the preset does with DeepLink.Drop."))
		}
	}
	return out
}

// Tolerance returns how far a signer's clock may be behind the docs' clock, and how far ahead of
// it. The signer's tokens expire after lifetime, or never if lifetime is 0. A result of 0 means no
// limit.
func (p Platform) Tolerance(lifetime time.Duration) (behind, ahead time.Duration) {
	behind, ahead = lifetime, p.MaxAhead
	if lifetime > 0 {
		behind += p.Leeway
	}
	if p.MaxAge > 0 && (behind == 0 || p.MaxAge < behind) {
		behind = p.MaxAge
	}
	if p.MaxLifetime > 0 {
		ahead = max(p.MaxLifetime-lifetime, 0) + slack
	}
	return behind, ahead
}

// Without removes a query parameter from a page and keeps every other byte.
func Without(page, param string) string {
	path, query, _ := strings.Cut(page, "?")
	pairs := slices.DeleteFunc(strings.Split(query, "&"), func(pair string) bool { return paramName(pair) == param })
	if query = strings.Join(pairs, "&"); query == "" {
		return path
	}
	return path + "?" + query
}

func isURL(link string) bool { return strings.Contains(link, "://") && !strings.HasPrefix(link, "/") }

// split returns the host of a link as browsers read it, or "", and the rest.
func split(link string) (host, path string) {
	after := strings.TrimLeft(link, `/\`)
	if isURL(link) {
		_, after, _ = strings.Cut(link, "://")
	} else if len(link)-len(after) < 2 {
		return "", link
	}
	end := len(after)
	if i := strings.IndexAny(after, `/?#\`); i >= 0 {
		end = i
	}
	path = after[end:]
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return plainHost(&url.URL{Host: after[:end]}), path
}

// loopback reports whether a host is this machine (RFC 6761, section 6.3).
func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && addr.IsLoopback()
}

// plainHost returns a host in lower case, without the default port.
func plainHost(u *url.URL) string {
	return strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(u.Host), ":443"), ":80")
}

// param returns the first value of a query parameter, not decoded, and the rest of the query after
// it. No parameter has the name "".
func param(query, name string) (value, rest string) {
	for query != "" && name != "" {
		pair, behind, _ := strings.Cut(query, "&")
		if paramName(pair) == name {
			_, value, _ = strings.Cut(pair, "=")
			return value, behind
		}
		query = behind
	}
	return "", ""
}

func has(query, name string) bool {
	return slices.ContainsFunc(strings.Split(query, "&"), func(pair string) bool { return paramName(pair) == name })
}

// paramName returns the decoded name of a pair in a query.
func paramName(pair string) string {
	name, _, _ := strings.Cut(pair, "=")
	return unescape(name)
}

// unescape decodes escapes as browsers do, even if one of them is invalid; net/url would return an
// error.
func unescape(text string) string {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(text, "%")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		decoded, err := url.PathUnescape("%" + after[:min(2, len(after))])
		if err != nil {
			b.WriteByte('%')
			text = after
			continue
		}
		b.WriteString(decoded)
		text = after[2:]
	}
}
