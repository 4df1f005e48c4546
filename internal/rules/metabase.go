package rules

import "time"

// Metabase returns the rules of Metabase's sign-in by JWT. It is not documented whether Metabase
// accepts an iat in the future.
//
// Source: Metabase's page on sign-in by JWT.
func Metabase() Platform {
	return Platform{
		Name: "Metabase",
		Wire: Wire{
			Callback: "/auth/sso",
			Query:    "jwt",
			Link:     "return_to",
			Back:     AsGiven,
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
