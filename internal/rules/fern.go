package rules

// Fern returns the rules of Fern's authentication by JWT. A customer may agree with Fern on another
// issuer.
//
// Source: Fern's page on authentication with a JWT.
func Fern() Platform {
	return Platform{
		Name: "Fern",
		Wire: Wire{
			Callback: "/api/fern-docs/auth/jwt/callback",
			Query:    "fern_token",
			Link:     "state",
			Back:     AsURL,
		},
		Algorithms:    []string{"HS256"},
		MaxTokenBytes: 4000,
		Issuer:        "https://buildwithfern.com",
		SessionClaim:  "exp",
		Claims: []Claim{
			{"fern", objectOf(
				Claim{"name", aString},
				Claim{"email", aString},
				Claim{"roles", aListOfStrings},
				Claim{"playground", objectOf(
					Claim{"initial_state", objectOf(
						Claim{"auth", objectOf(
							Claim{"bearer_token", aString},
							Claim{"basic", objectOf(
								Claim{"username", aString},
								Claim{"password", aString},
							)},
						)},
						Claim{"headers", anObjectOfStrings},
						Claim{"path_parameters", anObject},
						Claim{"query_parameters", anObject},
					)},
				)},
			)},
		},
	}
}
