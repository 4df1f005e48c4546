package rules

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
)

// Metabase returns the rules of Metabase's sign-in by JWT. Metabase accepts any iat in the future.
//
// Sources: Metabase's page on sign-in by JWT, and its published code.
func Metabase() Platform {
	return Platform{
		Name: "Metabase",
		Wire: Wire{
			Callback:   "/auth/sso",
			Query:      "jwt",
			Link:       "return_to",
			Back:       AsGiven,
			AlwaysLink: true,
			LinkStatus: http.StatusBadRequest,
			RejectLink: rejectMetabaseLink,
		},
		Algorithms: []string{"HS256"},
		MaxAge:     3 * time.Minute,
		Required:   []string{"email"},
		Claims: []Claim{
			{"first_name", aString},
			{"last_name", aString},
			{"groups", aListOfStrings},
			{"@tenant", aStringOrInteger},
		},
	}
}

// rejectMetabaseLink returns why Metabase responds with 400 ("Invalid redirect URL"), or "". Either
// java.net.URI cannot parse the deep link (verified with Java 17), or it leads to another host.
func rejectMetabaseLink(link string, at *url.URL) string {
	const invalid = "is not a valid URI for Metabase, because it contains "
	host, page := "", link
	if beginsWithHost.MatchString(link) {
		host, page = split(link)
	}
	page, fragment, _ := strings.Cut(page, "#")
	path, _, _ := strings.Cut(page, "?")
	switch {
	case strings.ContainsFunc(link, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return invalid + "white space or a control character"
	case strings.ContainsAny(link, "\"<>\\^`{|}"):
		return invalid + "a character that must be escaped"
	case hasBrokenEscape(link):
		return invalid + "a percent sign that does not begin an escape"
	case strings.Contains(fragment, "#"):
		return invalid + "a second number sign"
	case strings.ContainsAny(path, "[]"):
		return invalid + "a bracket in its path"
	case !isRelative(link) && host == "":
		return "is neither a path that begins with / nor an absolute URL"
	case host != "" && at.Host != "" && host != plainHost(at):
		return "leads to another host"
	}
	return ""
}

// isRelative reports whether a link has neither a scheme nor a host (RFC 3986, section 4.2).
func isRelative(link string) bool {
	before, _, hasColon := strings.Cut(link, ":")
	return !strings.HasPrefix(link, "//") && (!hasColon || strings.ContainsAny(before, "/?#"))
}

// beginsWithHost matches a link that begins with "//", or with a scheme and "//".
var beginsWithHost = regexp.MustCompile("^([A-Za-z][A-Za-z0-9+.-]*:)?//")

// hasBrokenEscape reports whether a percent sign is not followed by two hexadecimal digits.
func hasBrokenEscape(link string) bool {
	_, err := url.PathUnescape(link)
	return err != nil
}
