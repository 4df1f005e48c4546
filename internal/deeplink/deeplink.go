// Package deeplink checks the deep link of a request: whether the browser may follow it, and where
// it leads. It checks return URLs in the same way, with the app in place of the docs.
//
// Anybody can make a link to a login route, with any deep link in it. A deep link is therefore
// checked by its bytes alone, not by what a parser makes of them. The parsers of net/url and of the
// WHATWG URL standard, which browsers follow, disagree about too many strings. All functions in
// this package are pure.
package deeplink

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Site is what links are checked against. Its strings come from the configuration, never from a
// request, and are normalized: origins by [Origin], paths escaped. A Site is safe for concurrent
// use by multiple goroutines as long as it is not modified.
type Site struct {
	Origin   string   // of the docs: "https://docs.example.com"
	Base     string   // the docs' own path without a trailing slash: "" or "/docs"
	Origins  []string // other origins to which a link may lead
	FromBase bool     // a relative link starts at Base
	Target   bool     // the token goes to the link itself, which must then be on Origin and under Base
	Callback string   // origin and path of the page that takes the token; no link may lead there
	Logout   string   // origin and path of the page that ends the docs session; no link may lead there
	Token    string   // query parameter that carries the token; no link may contain it
	Drop     []string // query parameters to remove from a link; "visitor.*" is every name that begins with "visitor."
	Params   []string // more names to remove: parameters that are added to the link itself
	URI      bool     // a link goes out as a URI, for platforms that parse it strictly
	MaxBytes int      // maximum length of a link, both as it arrived and as it is followed; 0 means 2,048
}

// Link is a link that passed its check. The zero Link leads to the docs' home page.
type Link struct {
	Given  string // as it arrived, without the parameters that the Site removes
	Origin string // one of the Site's constants, never bytes of the request
	Path   string // from the host's root
	Suffix string // query and fragment
}

// URL returns the link as it is sent, in printable ASCII without spaces, quotation marks, or angle
// brackets.
func (l Link) URL() string { return l.Origin + escape(l.Path+l.Suffix, `"<>`) }

// The reasons why a link is rejected.
var (
	ErrLength   = errors.New("it is too long")
	ErrUTF8     = errors.New("it is not valid UTF-8")
	ErrRelative = errors.New("it is neither a path that begins with / nor an absolute URL")
	ErrOrigin   = errors.New("it names an origin that is not the docs'")
	ErrChar     = errors.New("it holds a control character or a backslash")
	ErrPath     = errors.New("its path is ambiguous: //, a dot segment, or an escape that is broken or doubled")
	ErrOutside  = errors.New("it is not under the docs' own path")
	ErrCallback = errors.New("it leads to the page that takes the token")
	ErrLogout   = errors.New("it leads to the page that ends the docs session")
	ErrToken    = errors.New("it already carries a token")
)

// Check checks a link. It returns the zero Link for an empty link, and for "undefined", which
// scripts write if they have no link.
func (s *Site) Check(given string) (Link, error) {
	if given == "" || given == "undefined" {
		return Link{}, nil
	}
	if len(given) > s.maxBytes() {
		return Link{}, s.tooLong()
	}
	if !utf8.ValidString(given) {
		return Link{}, ErrUTF8
	}
	if strings.ContainsFunc(given, forbidden) {
		return Link{}, ErrChar
	}
	l := Link{Given: s.drop(given), Origin: s.Origin}
	rest := l.Given
	if origin, after, ok := cutOrigin(rest); ok {
		if l.Origin = s.match(origin); l.Origin == "" {
			return Link{}, ErrOrigin
		}
		rest = after
	} else if s.FromBase {
		if !strings.HasPrefix(rest, "/") {
			rest = "/" + rest
		}
		rest = s.Base + rest
	}
	l.Path, l.Suffix = cutPath(rest)
	if s.URI {
		l.Path, l.Suffix = escapeURI(l.Path, l.Suffix)
	}
	if err := s.checkRest(l); err != nil {
		return Link{}, err
	}
	return l, nil
}

// checkRest checks everything after the origin.
func (s *Site) checkRest(l Link) error {
	if !strings.HasPrefix(l.Path, "/") {
		return ErrRelative
	}
	if len(l.Path)+len(l.Suffix) > s.maxBytes() {
		return s.tooLong()
	}
	decoded, err := url.PathUnescape(l.Path)
	if err != nil {
		return ErrPath
	}
	if strings.ContainsFunc(decoded, forbidden) {
		return ErrChar
	}
	if !cleanPath(decoded) {
		return ErrPath
	}
	if s.Target && (l.Origin != s.Origin || !under(s.Base, l.Path)) {
		return ErrOutside
	}
	if isAt(s.Callback, l.Origin, decoded) {
		return ErrCallback
	}
	if isAt(s.Logout, l.Origin, decoded) {
		return ErrLogout
	}
	if query, _, _ := strings.Cut(l.Suffix, "#"); s.hasToken(decoded, query) {
		return ErrToken
	}
	return nil
}

func (s *Site) maxBytes() int { return cmp.Or(s.MaxBytes, 2048) }

func (s *Site) tooLong() error {
	return fmt.Errorf("%w: the limit is %d bytes", ErrLength, s.maxBytes())
}

// isAt reports whether a server may treat a decoded path on origin as page, which is an origin and a path,
// or "" if there is no such page.
func isAt(page, origin, decoded string) bool {
	path, ok := strings.CutPrefix(page, origin)
	return ok && page != "" && (isPage(path, decoded) || isPage(path, beforeDelimiter(decoded)) || isPage(path, withoutParams(decoded)))
}

// isPage reports whether a server may treat two paths as the same page.
func isPage(a, b string) bool {
	return strings.EqualFold(strings.TrimRight(a, "/"), strings.TrimRight(b, "/"))
}

// hasToken reports whether a server may find the token's parameter in a decoded path or in a query.
func (s *Site) hasToken(decoded, query string) bool {
	if s.Token == "" {
		return false
	}
	// Without "=", the token's name may be a word of a title or a search, as in "/docs/OAuth & JWT" and
	// "?q=SSO?+JWT".
	isToken := func(pair string) bool { return strings.Contains(pair, "=") && mayBe(name(pair), s.Token) }
	for pair := range strings.FieldsFuncSeq(decoded, isSeparator) {
		if isToken(pair) {
			return true
		}
	}
	for pair := range strings.FieldsFuncSeq(query, isSeparator) {
		if isToken(pair) || name(pair) == s.Token {
			return true
		}
	}
	return false
}

// CleanPath reports whether a path from the configuration follows the rules for the path of a link.
func CleanPath(escaped string) bool {
	decoded, err := url.PathUnescape(escaped)
	return err == nil && strings.HasPrefix(escaped, "/") && !strings.ContainsFunc(decoded, forbidden) && cleanPath(decoded)
}

// cleanPath reports whether a decoded path stays the same if it is decoded, cleaned, or parsed once
// more.
func cleanPath(decoded string) bool {
	if !utf8.ValidString(decoded) || strings.Contains(decoded, "%") || strings.Contains(decoded, "//") {
		return false
	}
	for segment := range strings.SplitSeq(decoded, "/") {
		if strings.HasPrefix(segment, ";") || isDots(beforeDelimiter(segment)) {
			return false
		}
	}
	return true
}

// beforeDelimiter returns what remains of a decoded path or segment if it is parsed once more: ?
// and # end a path, and spaces at its end are removed. Some servers also end a path at a semicolon.
func beforeDelimiter(decoded string) string {
	if i := strings.IndexAny(decoded, "?#;"); i >= 0 {
		decoded = decoded[:i]
	}
	return strings.Trim(decoded, " ")
}

// withoutParams removes what follows a semicolon in each segment of a decoded path, as servlets do.
func withoutParams(decoded string) string {
	if !strings.Contains(decoded, ";") {
		return decoded
	}
	segments := strings.Split(decoded, "/")
	for i, segment := range segments {
		segments[i] = beforeDelimiter(segment)
	}
	return strings.Join(segments, "/")
}

func isDots(segment string) bool { return segment == "." || segment == ".." }

// forbidden reports whether r is a backslash, which browsers read as a slash, or a control
// character, which browsers remove or treat as the end of a URL.
func forbidden(r rune) bool { return unicode.IsControl(r) || r == '\\' }

// under reports whether path is base or under it. It compares decoded segments: an escaped slash
// does not end a segment.
func under(base, path string) bool {
	in, of := strings.Split(path, "/"), strings.Split(base, "/")
	return len(in) >= len(of) && slices.EqualFunc(in[:len(of)], of, func(a, b string) bool {
		a, _ = url.PathUnescape(a) // both are clean, so this cannot fail
		b, _ = url.PathUnescape(b)
		return a == b
	})
}

// match returns the Site's own constant for a link's origin, or "".
func (s *Site) match(origin string) string {
	if origin == s.Origin {
		return s.Origin
	}
	if i := slices.Index(s.Origins, origin); i >= 0 {
		return s.Origins[i]
	}
	return ""
}

// cutOrigin splits an absolute link into its origin, normalized as by [Origin], and the rest, which
// begins with "/".
func cutOrigin(link string) (origin, rest string, ok bool) {
	scheme, after, ok := strings.Cut(link, "://")
	if !ok || strings.ContainsAny(scheme, "/?#") {
		return "", "", false
	}
	end := strings.IndexAny(after, "/?#")
	if end < 0 {
		end = len(after)
	}
	rest = after[end:]
	if !strings.HasPrefix(rest, "/") {
		rest = "/" + rest
	}
	return normalize(scheme, after[:end]), rest, true
}

// Origin returns the origin of an absolute URL from the configuration in the form that this package
// compares: in lower case, without the scheme's default port.
func Origin(u *url.URL) string { return normalize(u.Scheme, u.Host) }

func normalize(scheme, host string) string {
	scheme, host = lowerASCII(scheme), lowerASCII(host)
	switch scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return scheme + "://" + host
}

// lowerASCII converts only ASCII letters: strings.ToLower turns some other letters into ASCII.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

func cutPath(rest string) (path, suffix string) {
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		return rest[:i], rest[i:]
	}
	return rest, ""
}

// drop removes the query parameters in Site.Drop and Site.Params from a link and keeps every other
// byte.
func (s *Site) drop(link string) string {
	if len(s.Drop) == 0 && len(s.Params) == 0 {
		return link
	}
	before, fragment := link, ""
	if i := strings.IndexByte(link, '#'); i >= 0 {
		before, fragment = link[:i], link[i:]
	}
	path, query, ok := strings.Cut(before, "?")
	if !ok {
		return link
	}
	var kept strings.Builder
	for rest := "?" + query; rest != ""; {
		end := strings.IndexFunc(rest[1:], isSeparator) + 1
		if end == 0 {
			end = len(rest)
		}
		if !s.dropped(name(rest[1:end])) {
			kept.WriteString(rest[:end])
		}
		rest = rest[end:]
	}
	if query = kept.String(); query != "" {
		query = "?" + query[1:]
	}
	return path + query + fragment
}

func (s *Site) dropped(name string) bool {
	isName := func(param string) bool { return mayBe(name, param) }
	return slices.ContainsFunc(s.Params, isName) || slices.ContainsFunc(s.Drop, func(pattern string) bool {
		if prefix, open := strings.CutSuffix(pattern, "*"); open {
			member := members.Replace(trimName(name)) // qs reads visitor[plan] as a member, too
			return len(member) >= len(prefix) && strings.EqualFold(member[:len(prefix)], prefix)
		}
		return isName(pattern)
	})
}

// Escape percent-encodes spaces and everything except printable ASCII, for a URL in a header. It
// leaves everything else as it is.
func Escape(s string) string { return escape(s, "") }

// escape percent-encodes spaces, everything except printable ASCII, and the characters in others.
func escape(s, others string) string {
	const hex = "0123456789ABCDEF"
	mustEscape := func(r rune) bool { return r <= ' ' || r >= 0x7F || strings.ContainsRune(others, r) }
	if strings.IndexFunc(s, mustEscape) < 0 {
		return s
	}
	var b strings.Builder
	for _, c := range []byte(s) {
		if mustEscape(rune(c)) {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// escapeURI percent-encodes what a URI cannot contain (RFC 3986, appendix A), except what is already
// escaped. It leaves brackets in a query or a fragment as they are, as browsers do; java.net.URI
// accepts them there.
func escapeURI(path, suffix string) (uriPath, uriSuffix string) {
	const never = "\"<>\\^`{|}"
	query, fragment, hasFragment := strings.Cut(suffix, "#")
	uriSuffix = escape(escapePercent(query), never)
	if hasFragment {
		uriSuffix += "#" + escape(escapePercent(fragment), never+"#")
	}
	return escape(path, never+"[]"), uriSuffix // checkRest rejects a path with any other percent sign
}

// escapePercent escapes each percent sign that does not begin an escape.
func escapePercent(s string) string {
	var b strings.Builder
	for i, c := range []byte(s) {
		b.WriteByte(c)
		if c == '%' && !isEscape(s[i:]) {
			b.WriteString("25")
		}
	}
	return b.String()
}
