package rules

// DeveloperHub returns the rules of DeveloperHub's access by JWT.
//
// Source: DeveloperHub's page on access by JWT.
func DeveloperHub() Platform {
	return Platform{
		Name: "DeveloperHub",
		Wire: Wire{
			Query:  "jwt",
			Link:   "redirect",
			ToPage: true,
		},
		Algorithms:   []string{"HS256", "HS512"},
		RequiredExp:  true,
		Objects:      []string{"vars"},
		SessionClaim: "exp",
		Version:      "1",
		Claims: []Claim{
			{"vars", anObject},
			{"error_redirect_url", aString},
		},
	}
}
