package rules

import "slices"

// Kayako returns the rules of single sign-on by JWT at a Kayako help center. Kayako does not document how
// long it accepts a token.
//
// Source: Kayako's pages on single sign-on.
func Kayako() Platform {
	return Platform{
		Name: "Kayako",
		Wire: Wire{
			Query:  "jwt",
			Link:   "returnto",
			ToPage: true,
		},
		Algorithms:  []string{"HS256", "HS384", "HS512"},
		RequiredIat: true,
		Required:    []string{"jti", "name", "email"},
		Claims: []Claim{
			{"role", aString},
			{"external_id", anything},
			{"locale", aString},
			{"organization", aString},
			{"phone_number", aString},
			{"tags", aString},
			{"picture", aString},
		},
		Checks: []Check{checkKayakoRole},
	}
}

func checkKayakoRole(claims map[string]any) []Finding {
	role, isText := claims["role"].(string)
	if isText && !slices.Contains([]string{"customer", "agent", "admin", "owner"}, role) {
		return []Finding{fail("role", "role is not customer, agent, admin, or owner.", "Send one of these. Leave role out for a customer.")}
	}
	return nil
}
