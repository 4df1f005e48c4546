package rules

import (
	"slices"
	"strings"
	"time"
)

// Mintlify returns the rules of Mintlify's authentication by JWT.
//
// Sources: Mintlify's page on JWT authentication, and, for the claims, the type UserInfo of the npm
// package @mintlify/validation.
func Mintlify() Platform {
	return Platform{
		Name: "Mintlify",
		Wire: Wire{
			Callback: "/login/jwt-callback",
			Fragment: true,
			Link:     "redirect",
		},
		Algorithms:   []string{"EdDSA"},
		RequiredExp:  true,
		MaxLifetime:  10 * time.Second,
		HostClaim:    "host",
		SessionClaim: "expiresAt",
		Claims: []Claim{
			{"groups", aListOfStrings},
			{"content", anObject},
			{"apiPlaygroundInputs", objectOf(
				Claim{"server", anObjectOfStrings},
				Claim{"header", anObject},
				Claim{"query", anObject},
				Claim{"cookie", anObject},
				Claim{"path", anObject},
			)},
		},
		Checks: []Check{checkMintlifyGroups, checkMintlifyInputs},
	}
}

// MintlifyPersonalization returns the rules of Mintlify's personalization of public docs by JWT.
//
// Source: Mintlify's page on personalization.
func MintlifyPersonalization() Platform {
	p := Mintlify()
	p.Name = "Mintlify personalization"
	p.Wire = Wire{Fragment: true, Link: "redirect", ToPage: true}
	p.Algorithms = []string{"ES256"}
	p.HostClaim = ""
	return p
}

// checkMintlifyGroups warns about the group that is a wildcard.
func checkMintlifyGroups(claims map[string]any) []Finding {
	groups, _ := claims["groups"].([]any)
	if !slices.ContainsFunc(groups, isWildcard) {
		return nil
	}
	return []Finding{warn("groups", "groups contains \"*\", which can open every page.", "Leave it out, unless the reader may see every page.")}
}

func isWildcard(group any) bool {
	name, _ := group.(string)
	return strings.TrimSpace(name) == "*"
}

// checkMintlifyInputs warns about inputs of the API playground that fill in nothing, or less than
// they should.
func checkMintlifyInputs(claims map[string]any) []Finding {
	inputs, _ := claims["apiPlaygroundInputs"].(map[string]any)
	places := []string{"server", "header", "query", "cookie", "path"}
	var out []Finding
	for name := range inputs {
		if !slices.Contains(places, name) {
			out = append(out, warn("apiPlaygroundInputs", "apiPlaygroundInputs has a member that is none of "+strings.Join(places, ", ")+".",
				"Name its members by where the value goes, and put the parameter's name inside: {\"header\": {\"X-Api-Key\": …}}."))
			break
		}
	}
	header, _ := inputs["header"].(map[string]any)
	const rule = "apiPlaygroundInputs.header"
	if s, ok := header["Authorization"].(string); ok && !strings.Contains(s, " ") {
		out = append(out, warn(rule, "Authorization has no scheme in front of the credential.",
			"Write \"Bearer \" before the key, as Mintlify's samples do, unless your API takes it without a scheme."))
	}
	for _, value := range header {
		if !is[string](value) {
			out = append(out, warn(rule, rule+" has a value that is not a string.", "Send each header's value as a string."))
			break
		}
	}
	return append(out, checkHeaders(rule, header)...)
}
