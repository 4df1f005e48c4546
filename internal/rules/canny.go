package rules

// Canny returns the rules of Canny's single sign-on.
//
// Source: Canny's page on single sign-on.
func Canny() Platform {
	return Platform{
		Name: "Canny",
		Wire: Wire{
			Callback:      "/api/redirects/sso",
			Host:          "canny.io",
			Query:         "ssoToken",
			Link:          "redirect",
			Back:          AsURL,
			AlwaysLink:    true,
			RequiredParam: "companyID",
		},
		Algorithms: []string{"HS256"},
		Required:   []string{"id", "name", "email"},
	}
}
