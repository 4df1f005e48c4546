package deeplink

import (
	"slices"
	"strconv"
	"strings"
)

// Params are query parameters, each with its name and its value, decoded.
type Params [][2]string

// AppendParams appends the parameters of a raw query that are in names, each with its first value.
// It does not use net/url, which drops pairs that it cannot parse. If the parameter named raw has an
// unescaped path or URL, its value is the rest of the query, unchanged, and no parameter after it is
// read. If raw is "", no parameter is read in this way.
func AppendParams(params Params, rawQuery string, names map[string]bool, raw string) Params {
	for rest, more := rawQuery, true; more; {
		var pair string
		pair, rest, more = strings.Cut(rest, "&")
		escaped, value, _ := strings.Cut(pair, "=")
		name := unescape(escaped)
		if !names[name] || params.index(name) >= 0 {
			continue
		}
		if raw != "" && name == raw && isUnescaped(value) {
			if more {
				value += "&" + rest
			}
			return append(params, [2]string{name, value})
		}
		params = append(params, [2]string{name, unescape(value)})
	}
	return params
}

// isUnescaped reports whether a value begins with "/" or with "scheme://" (RFC 3986, section 3.1).
func isUnescaped(value string) bool {
	scheme, _, isURL := strings.Cut(value, "://")
	const schemeChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-."
	return strings.HasPrefix(value, "/") || isURL && strings.Trim(scheme, schemeChars) == ""
}

// Get returns the value of a parameter, or "" if there is none.
func (p Params) Get(name string) string {
	if i := p.index(name); i >= 0 {
		return p[i][1]
	}
	return ""
}

// Has reports whether there is a parameter, even if its value is empty.
func (p Params) Has(name string) bool { return p.index(name) >= 0 }

func (p Params) index(name string) int {
	return slices.IndexFunc(p, func(param [2]string) bool { return param[0] == name })
}

// unescape decodes as browsers do (URL standard, application/x-www-form-urlencoded parsing): it
// leaves a broken escape as it is and decodes everything else.
func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	var decoded strings.Builder
	decoded.Grow(len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+':
			c = ' '
		case isEscape(s[i:]):
			code, _ := strconv.ParseUint(s[i+1:i+3], 16, 8)
			c, i = byte(code), i+2
		}
		decoded.WriteByte(c)
	}
	return decoded.String()
}

// isEscape reports whether s begins with a percent-encoded byte.
func isEscape(s string) bool { return len(s) > 2 && s[0] == '%' && isHex(s[1]) && isHex(s[2]) }

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'F' || 'a' <= c && c <= 'f'
}

// isSeparator reports whether a server may begin a new parameter after c. Some servers still treat a
// semicolon like "&", and some parse a query again after a second question mark.
func isSeparator(c rune) bool { return c == '&' || c == ';' || c == '?' }

// name returns the decoded name of a query pair.
func name(pair string) string {
	n, _, _ := strings.Cut(pair, "=")
	return unescape(n)
}

// mayBe reports whether a server may read a decoded name as the parameter param. PHP, Rack, and qs
// read "jwt[]" as "jwt". Rack and qs also read "[jwt]" as "jwt". PHP turns dots, spaces, and unclosed
// brackets into underscores. ASP.NET ignores case.
func mayBe(name, param string) bool {
	name = trimName(name)
	first, _, _ := strings.Cut(strings.ReplaceAll(name, "]", "["), "[")
	param = underscores.Replace(param)
	return strings.EqualFold(underscores.Replace(first), param) || strings.EqualFold(underscores.Replace(name), param)
}

// trimName returns a name without the characters that some servers ignore. PHP ignores spaces before
// a name and everything after a zero byte. Rack and qs ignore brackets before a name.
func trimName(name string) string {
	name, _, _ = strings.Cut(strings.TrimLeft(name, " []"), "\x00")
	return name
}

var (
	underscores = strings.NewReplacer(".", "_", " ", "_", "[", "_")
	members     = strings.NewReplacer("[", ".", "]", ".")
)
