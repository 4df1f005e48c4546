package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/docslogin/docslogin/internal/rules"
)

// pasted is the login in what people paste: a URL that carries a token, a cookie, or a token alone.
type pasted struct {
	url      *url.URL // carries the token, or is the Location of the response with the cookie; nil: none
	token    string
	inCookie bool         // a cookie carries the token
	cookie   *http.Cookie // that cookie, if a Set-Cookie line sets it; nil: none does
	header   string       // value of the Cookie header that carries the token; "": none
	// by is what identified the platform of a token that no URL carries, such as a parameter's name; ""
	// if nothing did.
	platform rules.Platform
	by       string
	html     bool // the URL had &amp; instead of &, and was not in HTML
}

// find finds the login in the input: a URL or a token, alone or in a log line, a header, a transcript
// of curl, JSON, HTML, or a sentence. The platform is that of -platform; its name is "" if the flag is
// not set.
//
// A URL that is the whole input is returned even if it carries no token, because what it lacks is a
// finding.
func (q question) find(platform rules.Platform) (pasted, error) {
	text := unwrapped(unescaped(q.input))
	word := oneWord(text)
	whole := pasted{token: word}
	if isURL.MatchString(word) && !(isHeader(word) && threeParts.MatchString(word)) {
		var err error
		if whole, err = parsed(word, text); err != nil { // the error contains the URL
			return pasted{}, usageError("the input is neither a valid URL nor a token; pass the Location of the login route's response")
		}
		switch token := tokenOf(whole.url, platform); {
		case masked.MatchString(token):
			return pasted{}, errMasked
		case token != "":
			return whole, nil
		}
	} else if threeParts.MatchString(word) || isHeader(word) {
		return whole, nil
	}
	logins := q.inText(text, platform, whole.url == nil)
	if len(logins) == 0 || !complete(logins[0].token) { // spaces may have replaced line breaks
		joined := q.inText(strings.Join(strings.Fields(text), ""), platform, whole.url == nil)
		if len(joined) == 1 && complete(joined[0].token) {
			logins = joined
		}
	}
	switch {
	case len(logins) == 1 && strings.Contains(text, logins[0].token+"..."), len(logins) == 1 && strings.Contains(text, logins[0].token+"…"):
		return pasted{}, errMasked
	case len(logins) == 1:
		return logins[0], nil
	case len(logins) > 1:
		return pasted{}, usageError("the input has several different tokens; pass one login URL, such as the Location of the login route's response, or one token")
	}
	if why := q.without(text); why != "" {
		return pasted{}, usageError(why)
	}
	if whole.url != nil && isCertainURL.MatchString(word) { // otherwise it may be a secret, and findings print hosts
		return whole, nil
	}
	if word != "" {
		return pasted{}, usageError("the input is not a token, which begins with ey and has three parts separated by dots. It may be an API key, a secret, or a session ID. " + whatToPass)
	}
	return pasted{}, usageError("the input contains neither a login URL nor a token. " + whatToPass)
}

const whatToPass = `Pass the Location of the login route's response, or its Set-Cookie line if the platform takes the token in a cookie. To find it, open Network with "preserve log" in the browser's developer tools, or run curl -si with the session cookie`

const errMasked = usageError("the token is masked, shortened, or a placeholder, as in a log or a sample. " + whatToPass)

// without says what an input without a token is, or returns "".
func (q question) without(text string) string {
	switch {
	case strings.Contains(text, "-----BEGIN"):
		return "the input is a key; pass it with -key-file, and a login URL or a token as the input"
	case strings.Contains(text, "docslogin.outcome"):
		return "the input is from the login route's log, which contains no token. " + whatToPass
	}
	if why := cookieWithoutToken(text); why != "" {
		return why
	}
	signIn := false
	for _, word := range words(text) {
		if _, value, _ := strings.Cut(word, "="); isCookie(value) || isCookie(word) {
			return "the input is a session cookie, not a token. " + whatToPass
		}
		for i, candidate := range urls(word) {
			p, err := parsed(candidate, text)
			if err != nil || len(q.route) < 2 {
				continue
			}
			if p.url.Path == q.route && i == 0 { // the others are within it
				return "the input is the app's login URL, which carries no token; the response to it does. Sign in, then open it. " + whatToPass
			}
			query := p.url.RawQuery
			for range 3 { // the login URL may be percent-encoded in the sign-in page's, and so on
				signIn = signIn || strings.Contains(query, q.route)
				query, _ = url.PathUnescape(query)
			}
		}
	}
	if signIn {
		return "the input is the URL of the app's sign-in page, which leads back to the login URL and carries no token. Sign in first, then open the login URL. " + whatToPass
	}
	return ""
}

// isCookie reports whether a word is a session's cookie of gorilla/securecookie, which begins with
// the time.
func isCookie(word string) bool {
	text, _ := base64.URLEncoding.DecodeString(strings.TrimRight(word, ";"))
	return cookieBegin.Match(text)
}

var cookieBegin = regexp.MustCompile(`^\d{10}\|`)

// masked matches what logs and samples show instead of a token.
var masked = regexp.MustCompile(`[*•…<>{}[\]]|\.\.\.|(?i:^(?:redacted|filtered|masked|hidden|secret|token|x+)$)`)

// threeParts matches what has the form of a token, whatever the parts are.
var threeParts = regexp.MustCompile(`^[\w-]+\.[\w-]+\.[\w-]*$`)

// isURL matches a word that begins as a URL does, with or without its scheme or host.
var isURL = regexp.MustCompile(`^(?i:https?://|[/?#]|[\w.-]+(?::\d+)?[/?#]|\[|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}$)`)

// isCertainURL matches a word that is nothing but a URL.
var isCertainURL = regexp.MustCompile(`^(?:(?i:https?://)|[/?#]|[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?[/?#])`)

// parsed parses a URL, which may lack its scheme. The text is what it was found in.
func parsed(word, text string) (pasted, error) {
	p := pasted{html: strings.Contains(word, "&amp;") && !inHTML.MatchString(text)}
	word = entities.Replace(word)
	u, err := url.Parse(word)
	if err == nil && u.Scheme == "" && !strings.HasPrefix(word, "/") || err != nil && !strings.Contains(word, "://") {
		u, err = url.Parse("https://" + word)
	}
	p.url = u
	return p, err
}

var (
	inHTML   = regexp.MustCompile(`<[A-Za-z!/]`)
	entities = strings.NewReplacer("&amp;", "&", "&#38;", "&", "&#x26;", "&", "&#61;", "=", "&#x3D;", "=", "&#x3d;", "=", "&#43;", "+", "&#x2B;", "+", "&#x2b;", "+", "&#47;", "/", "&#x2F;", "/", "&#x2f;", "/", "&#39;", "'", "&#x27;", "'", "&#34;", `"`, "&quot;", `"`)
)

// tokenOf returns the token in a URL, where the platform takes it. Without a platform, any platform
// counts.
func tokenOf(u *url.URL, platform rules.Platform) string {
	if platform.Name == "" {
		platform, _, _ = rules.Infer(u)
	}
	return platform.Token(u)
}

// inText returns the logins in a text, one for each token. A URL wins over a cookie. Both win over a URL
// whose token is where the platform does not take it, and over a token alone, which counts only if
// takeAlone is set.
func (q question) inText(text string, platform rules.Platform, takeAlone bool) []pasted {
	logins, misplaced, form := inWords(text, platform)
	if len(logins) == 0 {
		logins = q.inCookies(text, platform)
	}
	switch {
	case len(logins) > 0:
		return logins
	case len(misplaced) > 0:
		return misplaced
	case takeAlone:
		return alone(text, platform, form)
	}
	return nil
}

// inWords returns the logins that are URLs in a text, one for each token. It also returns the URLs
// that have a token where the platform does not take it, and the platform whose form the text names.
// Complete tokens win over those that were cut off, and absolute URLs win over others.
func inWords(text string, platform rules.Platform) (logins, misplaced []pasted, form pasted) {
	var found []pasted
	var all []string
	for _, m := range location.FindAllStringSubmatch(text, -1) { // may contain what ends a word
		all = append(all, strings.TrimSpace(m[1]))
	}
	slices.Reverse(all) // the last response is that of the login route
	all = append(all, words(text)...)
	for _, word := range all {
		for _, candidate := range urls(word) {
			p, err := parsed(candidate, text)
			if err != nil {
				continue
			}
			if q, by, ok := rules.Infer(p.url); ok && q.Form != "" {
				form = pasted{platform: q, by: by}
			}
			if p.token = tokenOf(p.url, platform); isHeader(p.token) {
				found = append(found, p)
				break
			}
			if p.token = tokens.FindString(candidate); isHeader(p.token) && p.url.Host != "" && !holdsToken(p.url.Host) {
				misplaced = append(misplaced, p)
			}
		}
	}
	return distinct(found), distinct(misplaced), form
}

// location matches the header of a response.
var location = regexp.MustCompile(`(?im)^[<\s]*location: *(https?://.+)$`)

func rank(p pasted) int {
	rank := 0
	if !complete(p.token) {
		rank += 2
	}
	if p.url != nil && p.url.Host == "" {
		rank++
	}
	return rank
}

// distinct returns the best login of each token. If one is complete, those that are not do not count.
func distinct(found []pasted) (logins []pasted) {
	slices.SortStableFunc(found, func(a, b pasted) int { return rank(a) - rank(b) })
	seen := map[string]bool{}
	for _, p := range found {
		if !seen[p.token] && (len(logins) == 0 || complete(p.token) || !complete(logins[0].token)) {
			logins = append(logins, p)
		}
		seen[p.token] = true
	}
	return logins
}

// tokens match a token, signed or encrypted.
var tokens = regexp.MustCompile(`e[yw][\w-]+\.[\w-]*(?:\.[\w-]+){3}|e[yw][\w-]+\.[\w-]+\.[\w-]*`)

// alone returns the tokens of a text that are in no URL. If there is one, it also returns its
// platform if the text names that.
func alone(text string, platform rules.Platform, form pasted) []pasted {
	var found []pasted
	for _, token := range tokens.FindAllString(text, -1) {
		if isHeader(token) {
			found = append(found, pasted{token: token})
		}
	}
	found = distinct(found)
	switch {
	case len(found) != 1 || platform.Name != "":
	case form.by != "":
		found[0].platform, found[0].by = form.platform, form.by
	default:
		before, _, _ := strings.Cut(text, found[0].token)
		if m := nameBefore.FindStringSubmatch(before[max(0, len(before)-80):]); m != nil {
			found[0].platform, found[0].by = named(m[1], found[0].token)
		}
	}
	return found
}

// nameBefore matches the name in front of a value, as in a query, a cookie, JSON, or YAML.
var nameBefore = regexp.MustCompile(`([\w-]+)["']?\s*(?:=>|[:=])\s*["']?$`)

// named returns the platform that accepts a token in a parameter or a cookie of that name. The names
// token and jwt say nothing outside of a URL.
func named(name, token string) (rules.Platform, string) {
	if name == "token" || name == "jwt" || !slices.ContainsFunc(rules.All(), func(p rules.Platform) bool { return p.Query == name }) {
		return rules.Platform{}, ""
	}
	p, by, _ := rules.Infer(&url.URL{Path: "/", RawQuery: name + "=" + token})
	return p, by
}

// words splits a text at what ends a URL.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r <= ' ' || strings.ContainsRune("\"'<>`|\\", r) })
}

// urls returns the URLs that a word may contain: from each scheme on, or, if it has none, from a host
// or the first slash on. A URL may be percent-encoded in another one.
func urls(word string) (out []string) {
	for _, part := range strings.SplitN(word, "](", maxNested) { // Markdown
		part = strings.TrimRight(part, ".,;:!?)]}*…")
		inside := schemes.FindAllStringIndex(part, maxNested)
		for _, at := range inside {
			out = append(out, part[at[0]:])
		}
		if inside == nil && isURL.MatchString(part) {
			out = append(out, part)
		} else if i := strings.Index(part, "/"); inside == nil && i >= 0 {
			out = append(out, part[i:])
		}
		for _, encoded := range encodedURL.FindAllString(part, maxNested) {
			for range maxNested {
				if schemes.MatchString(encoded) {
					out = append(out, encoded)
					break
				}
				encoded, _ = url.PathUnescape(encoded)
			}
		}
	}
	return out
}

// maxNested limits how many URLs are looked for in one, and how often one is percent-encoded.
const maxNested = 8

var (
	schemes    = regexp.MustCompile(`(?i)https?://`)
	encodedURL = regexp.MustCompile(`(?i)https?%(?:25)*3A%(?:25)*2F%(?:25)*2F[^&]*`)
)

// oneWord returns the whole text if it is one word, perhaps in quotes or with the line breaks of a
// terminal, an e-mail, or Windows, or else "".
func oneWord(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if len(lines) > 0 && strings.Contains(line, "://") {
			return "" // not one URL
		}
		lines = append(lines, line)
	}
	word := strings.Trim(strings.Join(lines, ""), " \t\"'<>`,;")
	word = strings.TrimSpace(strings.TrimPrefix(word, "Bearer "))
	if strings.ContainsAny(word, " \t\"<>`|") || strings.Contains(word, "](") {
		return ""
	}
	// What follows a complete token on a line of its own does not belong to it.
	if first := lines[0]; len(lines) > 1 && endsComplete(first) && !endsComplete(word) && !strings.ContainsAny(lines[1][:min(1, len(lines[1]))], "&#") {
		return ""
	}
	return word
}

// isHeader reports whether a text begins with the header of a token.
func isHeader(text string) bool {
	part, _, _ := strings.Cut(text, ".")
	header, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && strings.HasPrefix(string(header), "{") && json.Valid(header)
}

// complete reports whether a token has three parts, and a signature as long as its algorithm makes
// it.
func complete(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || !isHeader(token) || !isHeader(parts[1]) {
		return false
	}
	var header struct{ Alg string }
	text, _ := base64.RawURLEncoding.DecodeString(parts[0])
	_ = json.Unmarshal(text, &header)
	size, known := map[string]int{"HS256": 43, "HS384": 64, "HS512": 86, "EdDSA": 86, "ES256": 86}[header.Alg]
	return !known || len(parts[2]) == size
}

// endsComplete reports whether a line ends with a complete token.
func endsComplete(line string) bool {
	all := tokens.FindAllStringIndex(line, -1)
	return len(all) > 0 && all[len(all)-1][1] == len(line) && complete(line[all[len(all)-1][0]:])
}

// hasComplete reports whether a line contains a complete token.
func hasComplete(line string) bool {
	return slices.ContainsFunc(tokens.FindAllString(line, -1), complete)
}

// unwrapped joins the lines of a text in which a token is broken.
func unwrapped(text string) string {
	lines := strings.Split(text, "\n")
	var out []string
	left := 2000 // lines to try, so that the time is limited
	for i := 0; i < len(lines); i++ {
		out = append(out, lines[i])
		if !cutOff.MatchString(strings.TrimSpace(lines[i])) || hasComplete(lines[i]) {
			continue
		}
		joined := strings.TrimRight(lines[i], " \t\r")
		for j := i + 1; j < len(lines) && left > 0 && !beginsHeader.MatchString(lines[j]); j++ {
			left--
			line := strings.TrimSpace(lines[j])
			if joined += line; hasComplete(joined) {
				// A terminal breaks lines where they are full. Attributes of a cookie may follow.
				inCookie := strings.Contains(joined, "; ")
				for full := len(lines[i]); len(lines[j]) == full && j+1 < len(lines) && !beginsHeader.MatchString(lines[j+1]) && (inCookie || !strings.Contains(lines[j+1], " ")); j++ {
					joined += lines[j+1]
				}
				out[len(out)-1], i = joined, j
				break
			}
			if strings.ContainsAny(line, " \t") || len(joined) > maxURL {
				break
			}
		}
	}
	return strings.Join(out, "\n")
}

// beginsHeader matches the first line of a header in a response.
var beginsHeader = regexp.MustCompile(`^[<>\s]*[A-Za-z][\w-]*:(?:\s|$)`)

// maxURL is more than any platform accepts.
const maxURL = 20000

// cutOff matches a line that ends with a part of a token, or with a URL whose token may follow.
var cutOff = regexp.MustCompile(`(?:e[yw][\w-]*(?:\.[\w-]*){0,2}|https?://[^\s"'<>]+[?&=/\w])$`)

// unescaped undoes what logs, shells, JSON, e-mails, and terminals do to a text.
func unescaped(text string) string {
	text = colors.ReplaceAllString(text, "")
	text = strings.NewReplacer("\u200b", "", "\u00ad", "", "\ufeff", "", "\u00a0", " ", "\r\n", "\n").Replace(text)
	if strings.Contains(text, "=3D") && (strings.Contains(text, "=\n") || strings.Contains(text, "=3Dey")) { // quoted-printable (RFC 2045)
		text = quoted.ReplaceAllStringFunc(text, func(e string) string {
			code, _ := strconv.ParseUint(strings.TrimSpace(e[1:]), 16, 8) // a line break is no code
			return strings.Trim(string(rune(code)), "\x00")
		})
	}
	text = softBreaks.ReplaceAllStringFunc(text, func(token string) string { return strings.ReplaceAll(token, "=\n", "") })
	if quotes := strings.Count("\n"+text, "\n>"); quotes > 1 && quotes >= strings.Count(strings.TrimSpace(text), "\n")+1 { // a reply to an e-mail
		text = strings.ReplaceAll("\n"+text, "\n>", "\n")
	}
	for range 2 { // of a batch file, too
		if strings.Contains(text, `^"`) || strings.Contains(text, "^&") { // the command line of Windows
			text = carets.ReplaceAllString(text, "$1")
		}
	}
	for range 4 { // JSON in JSON
		text = escapes.ReplaceAllStringFunc(text, func(e string) string {
			switch e[1] {
			case 'u', 'x':
				code, _ := strconv.ParseUint(e[2:], 16, 16)
				return string(rune(code))
			case 'n':
				return "\n"
			case 'r', 't':
				return " "
			}
			return e[1:]
		})
	}
	return text
}

var (
	colors     = regexp.MustCompile(`\x1b\[[0-9;]*[A-Za-z]`)
	quoted     = regexp.MustCompile(`=(?:[0-9A-F]{2}|\n)`)
	softBreaks = regexp.MustCompile(`e[yw][\w.-]*(?:=\n[\w.-]+)+`) // in a token that is no longer quoted-printable
	carets     = regexp.MustCompile(`\^(.)`)
	escapes    = regexp.MustCompile(`\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[nrt]|[^\w\s])`)
)
