package main

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/docslogin/docslogin/internal/rules"
)

// inCookies returns the logins whose token is in a cookie that a platform reads. If there are Set-Cookie
// lines, it returns only the login of the last one, as a browser would keep it. Otherwise, it returns a
// login for each token. If platform has no name, every platform counts.
func (q question) inCookies(text string, platform rules.Platform) []pasted {
	var found []pasted
	var set pasted
	last := -1 // position of set in the text
	for _, p := range rules.All() {
		if p.Cookie == "" || platform.Name != "" && platform.Name != p.Name {
			continue
		}
		end := 0 // of a request's cookies
		for _, at := range values(text, p.Cookie) {
			login := pasted{token: anchoredToken.FindString(text[at.value:]), platform: p, by: "the cookie " + p.Cookie, inCookie: true}
			if !isHeader(login.token) {
				continue
			}
			if at.name < end { // another cookie of the same request
				continue
			}
			begin, isRequest := at.request(text)
			if !isRequest {
				login.cookie = setCookie(text, p.Cookie, login.token, at)
			}
			switch {
			case login.cookie != nil && at.value > last:
				set, last = login, at.value
			case login.cookie != nil: // an earlier one
			case isRequest || p.InCookie() || saysCookie.MatchString(line(text[:at.value])):
				if begin >= 0 {
					end = at.value + endOf(text[at.value:])
					login.header = text[begin:end]
				}
				found = append(found, login)
			}
		}
	}
	if last < 0 {
		return distinct(found)
	}
	set.url = q.location(text, last)
	return []pasted{set}
}

// place is the position of a cookie in a text.
type place struct{ name, value int }

// values returns the last places at which a cookie has a value that begins like a token.
func values(text, name string) (all []place) {
	for from := 0; ; {
		i := strings.Index(text[from:], name)
		if i < 0 {
			return all[max(0, len(all)-maxCookies):]
		}
		at := from + i
		from = at + len(name)
		if at > 0 && partOfName.MatchString(text[at-1:at]) {
			continue
		}
		if m := afterName.FindStringSubmatchIndex(text[from:min(from+300, len(text))]); m != nil {
			all = append(all, place{at, from + m[2]})
		}
	}
}

// request returns where the cookies of a request begin, or -1 if something else precedes the place. It also
// reports whether the text shows that a request sends them.
func (p place) request(text string) (begin int, isRequest bool) {
	before := line(text[:p.name])
	quote := strings.LastIndexAny(before, `"'`) + 1
	cookies := before[quote:]
	isRequest = beforeString.MatchString(before[max(0, quote-40):quote])
	if all := beginOfCookies.FindAllStringIndex(cookies, -1); all != nil {
		cookies, isRequest = cookies[all[len(all)-1][1]:], true
	}
	if !onlyCookies.MatchString(cookies) {
		return -1, isRequest
	}
	return p.name - len(cookies), isRequest
}

// line returns the last line of a text.
func line(text string) string {
	text = text[max(0, len(text)-maxLine):]
	return text[strings.LastIndex(text, "\n")+1:]
}

const (
	maxCookies = 200  // limits the time
	maxLine    = 6000 // limits how much of a line is read before and after a cookie's token
)

var (
	partOfName    = regexp.MustCompile(`[\w?&-]`)
	anchoredToken = regexp.MustCompile(`^(?:` + tokens.String() + `)`)
	// afterName matches what separates the name from the value in a header, a command, JSON, YAML, a table of
	// a browser's developer tools, and the object {"name": …, "value": …}.
	afterName = regexp.MustCompile(`^["']?(?:\s*(?:=>|[:=,]|\s)\s*["']?|[^;}]{1,200}?["']?value["']?\s*[:=]\s*["']?)(e[yw])`)
	// saysCookie matches a line with a cookie. It does not match a line with a parameter that has the same
	// name, in a URL or a form.
	saysCookie = regexp.MustCompile(`(?i)cookie|["']value["']|\t`)
)

// The cookies of a request are in a header or a command, where they may be quoted.
var (
	beginOfCookies = regexp.MustCompile(`(?i)(?:^|[^-\w])cookie\s*:\s*|\s(?:-b|--cookie)[ =]\s*`)
	beforeString   = regexp.MustCompile(`(?i)(?:(?:^|[^-\w])cookie["']?\s*(?::|,\s*["']?value["']?\s*:)|\s(?:-b|--cookie)[ =])\s*\$?["']$`)
	onlyCookies    = regexp.MustCompile(`^\s*(?:[^\s;="'{]+=[^;]*;\s*)*$`)
)

// setCookie returns the cookie of a Set-Cookie line, or nil if the token is not in one. If the header's
// name is missing, the line must have attributes.
func setCookie(text, name, token string, at place) *http.Cookie {
	rest := text[at.value+len(token):]
	rest = rest[:endOf(rest)]
	if !afterSetCookie.MatchString(text[max(0, at.name-40):at.name]) && !attributes.MatchString(rest) {
		return nil
	}
	cookie, err := http.ParseSetCookie(name + "=" + token + rest)
	if err != nil {
		return nil
	}
	return cookie
}

var (
	afterSetCookie = regexp.MustCompile(`(?i)set-cookie["']?\s*(?:[:=\n]|,\s*["']?value["']?\s*:)\s*["'[]*$`)
	attributes     = regexp.MustCompile(`(?i)^;(?:.*;)?\s*(?:(?:path|domain|expires|max-age|samesite)=|(?:secure|httponly)\s*(?:;|$))`)
	// endOfCookie matches the end of a line or a string, or the next cookie in the same header.
	endOfCookie = regexp.MustCompile("[\n\"'`<|\\\\\\]]|,\\s*[\\w-]+=")
)

// endOf returns where the cookies at the beginning of a text end.
func endOf(text string) int {
	text = text[:min(len(text), maxLine)]
	if end := endOfCookie.FindStringIndex(text); end != nil {
		return end[0]
	}
	return len(text)
}

// cookieWithoutToken returns what is wrong with the value of a platform's cookie that is not a token, or "".
func cookieWithoutToken(text string) string {
	for _, p := range rules.All() {
		if !p.InCookie() {
			continue
		}
		m := regexp.MustCompile(`(?:^|[^\w?&-])` + p.Cookie + `=([^;\s"',]*)`).FindStringSubmatch(text)
		switch {
		case m == nil:
		case m[1] == "":
			return p.Place() + " is empty, as in a response that removes it. " + whatToPass
		case masked.MatchString(m[1]):
			return string(errMasked)
		default:
			return p.Place() + " contains no token, which begins with ey and has three parts separated by dots. " + whatToPass
		}
	}
	return ""
}

// location returns the docs page to which the response with a cookie leads, or nil if it is unknown. The
// sign-in handler may also have set the cookie, and its response leads back to the app.
func (q question) location(text string, at int) *url.URL {
	begin, end := max(0, strings.LastIndex(text[:at], "HTTP/")), len(text)
	if i := strings.Index(text[at:], "HTTP/"); i >= 0 {
		end = at + i
	}
	m := location.FindStringSubmatch(text[begin:end])
	if m == nil {
		return nil
	}
	u, err := url.Parse(strings.TrimSpace(m[1]))
	if err != nil || u.Path == q.route || q.docs != nil && !strings.EqualFold(q.docs.Hostname(), u.Hostname()) {
		return nil
	}
	return u
}
