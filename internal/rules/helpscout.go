package rules

import "strings"

// HelpScout returns the rules of Help Scout's restricted Docs.
//
// Source: Help Scout's page on restricted Docs.
func HelpScout() Platform {
	return Platform{
		Name: "Help Scout",
		Wire: Wire{
			Callback: "/authcallback",
			Query:    "token",
			Link:     "returnTo",
		},
		Algorithms:   []string{"HS512"},
		RequiredExp:  true,
		SessionClaim: "exp",
		Required:     []string{"sub"},
		Checks:       []Check{checkHelpScoutUser},
	}
}

// checkHelpScoutUser checks sub, the only claim that identifies the reader.
func checkHelpScoutUser(claims map[string]any) []Finding {
	if s, _ := claims["sub"].(string); s != "" && !strings.Contains(s, "@") {
		return []Finding{warn("sub", "sub is not an e-mail address, by which Help Scout knows the reader.", "Send the user's e-mail address as sub.")}
	}
	return nil
}
