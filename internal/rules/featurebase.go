package rules

import "strings"

// Featurebase returns the rules of Featurebase's single sign-on.
//
// Source: Featurebase's page on single sign-on.
func Featurebase() Platform {
	return Platform{
		Name: "Featurebase",
		Wire: Wire{
			Callback:   "/api/v1/auth/access/jwt",
			Query:      "jwt",
			Link:       "return_to",
			Back:       AsURL,
			AlwaysLink: true,
		},
		Algorithms: []string{"HS256"},
		Claims: []Claim{
			{"email", aString},
			{"userId", aString},
			{"name", aString},
		},
		Checks: []Check{checkFeaturebaseUser},
	}
}

// checkFeaturebaseUser requires at least one of the two claims that identify the reader.
func checkFeaturebaseUser(claims map[string]any) []Finding {
	known := func(name string) bool {
		s, _ := claims[name].(string)
		return strings.TrimSpace(s) != ""
	}
	const fix = "Send both email and userId for every user."
	switch email, id := known("email"), known("userId"); {
	case email && id:
		return []Finding{pass("email", "email and userId are there.")}
	case email || id:
		return []Finding{warn("email", "The token has only one of email and userId.", fix)}
	}
	return []Finding{fail("email", "The token has neither email nor userId.", fix)}
}
