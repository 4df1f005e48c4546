package rules

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// headerName matches the name of a header (RFC 9110, sections 5.1 and 5.6.2).
var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

// checkHeaders warns about headers that docs cannot put into a request. The findings do not contain names,
// because a name may be a credential in the wrong place.
func checkHeaders(rule string, headers map[string]any) []Finding {
	var out []Finding
	if slices.ContainsFunc(slices.Collect(maps.Keys(headers)), func(name string) bool { return !headerName.MatchString(name) }) {
		out = append(out, warn(rule, rule+" has a member whose name is not a valid header name.",
			`Use the header's name alone, such as "X-Api-Key", and put the credential into the value.`))
	}
	names := map[string]bool{}
	for name := range headers {
		names[strings.ToLower(name)] = true
	}
	if len(names) < len(headers) {
		out = append(out, warn(rule, rule+" has two members whose names differ only in case, so they are the same header.",
			"Leave one of them out."))
	}
	return out
}
