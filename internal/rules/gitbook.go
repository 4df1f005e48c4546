package rules

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// GitBook returns the rules of GitBook's authenticated access.
//
// Sources: GitBook's pages on authenticated access and on adaptive content, and its published code
// (GitbookIO/gitbook). Since August 2026, its cookies hold more than a URL can carry.
func GitBook() Platform {
	return Platform{
		Name: "GitBook",
		Wire: Wire{
			Query:  "jwt_token",
			Link:   "location",
			ToPage: true,
			RefusedParams: map[string]string{
				"access_token": "GitBook would take it instead of the token",
				"visitor.…":    "GitBook would take it for a claim, which nobody signed",
			},
			Logout: "/~gitbook/auth/logout",
		},
		Algorithms:   []string{"HS256"},
		SessionClaim: "exp",
		Checks:       []Check{checkGitBookLists},
	}
}

// GitBookAdaptive returns the rules of GitBook's adaptive content. The parameters visitor.… are accepted,
// because GitBook keeps unsigned claims apart from those of the token.
//
// Sources: GitBook's page on adaptive content, and its published code (visitors.ts in
// GitbookIO/gitbook). GitBook splits its own cookie, but not this one.
func GitBookAdaptive() Platform {
	p := GitBook()
	p.Name = "GitBook adaptive"
	p.Wire.Query, p.Wire.Cookie, p.Wire.Logout = "", "gitbook-visitor-token", ""
	p.Wire.ReadFirst = gitBookReadsFirst
	p.Wire.RefusedParams = map[string]string{}
	for _, name := range []string{"access_token", "jwt_token"} {
		p.Wire.RefusedParams[name] = "GitBook would take it instead of the token"
	}
	p.MaxTokenBytes = 4000
	return p
}

// gitBookReadsFirst returns what GitBook reads before the cookie, except for parameters, or "".
func gitBookReadsFirst(r *http.Request) string {
	if strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
		return "the header Authorization"
	}
	const own = "gitbook-visitor-token~" // GitBook sets it after a login with jwt_token
	if slices.ContainsFunc(r.Cookies(), func(c *http.Cookie) bool { return strings.HasPrefix(c.Name, own) }) {
		return "the cookie " + own + "…"
	}
	return ""
}

// checkGitBookLists warns about lists, which GitBook accepts but cannot use.
func checkGitBookLists(claims map[string]any) []Finding {
	var out []Finding
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		if aList.is(claims[name]) {
			out = append(out, warn("list", fmt.Sprintf("%.40q is a list, which pages cannot use.", name),
				"Send a boolean or a string of its own for each thing that pages ask for."))
		}
	}
	return out
}
