package rules

import (
	"net/url"
	"strings"
	"time"
	"unicode"
)

// Metabase returns the rules of Metabase's sign-in by JWT. Metabase accepts an iat in the future,
// however far it is ahead.
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
			RejectLink: rejectMetabaseLink,
		},
		Algorithms: []string{"HS256"},
		MaxAge:     3 * time.Minute,
		Required:   []string{"email"},
		Claims: []Claim{
			{"first_name", aString},
			{"last_name", aString},
			{"groups", aListOfStrings},
		},
	}
}

// rejectMetabaseLink returns why Metabase responds with 400 ("Invalid redirect URL"): java.net.URI
// cannot parse the deep link, as verified with Java 17, or it leads to another host.
func rejectMetabaseLink(link string, at *url.URL) string {
	const invalid = "is not a URI, which java.net.URI has to parse: it contains "
	page, fragment, _ := strings.Cut(link, "#")
	path, _, _ := strings.Cut(page, "?")
	switch host, _ := split(link); {
	case strings.ContainsFunc(link, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return invalid + "white space or a control character"
	case strings.ContainsAny(link, "\"<>\\^`{|}"):
		return invalid + "a character that must be escaped"
	case hasBrokenEscape(link):
		return invalid + "a percent sign that begins no escape"
	case strings.Contains(fragment, "#"):
		return invalid + "a second number sign"
	case strings.ContainsAny(path, "[]"):
		return invalid + "a bracket in its path"
	case host != "" && at.Host != "" && host != plainHost(at):
		return "leads to another host"
	}
	return ""
}

// hasBrokenEscape reports whether a percent sign is not followed by two hexadecimal digits.
func hasBrokenEscape(link string) bool {
	_, err := url.PathUnescape(link)
	return err != nil
}
