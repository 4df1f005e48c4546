package rules

import (
	"fmt"
	"maps"
	"slices"
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
		},
		Algorithms:   []string{"HS256"},
		SessionClaim: "exp",
		Checks:       []Check{checkGitBookLists},
	}
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
