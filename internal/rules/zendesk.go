package rules

import "time"

// Zendesk returns the rules of JWT single sign-on at a Zendesk help center.
//
// Source: Zendesk's page on JWT single sign-on.
func Zendesk() Platform {
	return Platform{
		Name: "Zendesk",
		Wire: Wire{
			Callback:   "/access/jwt",
			Form:       "jwt",
			Link:       "return_to",
			Back:       AsGiven,
			OtherHosts: true,
		},
		Algorithms:   []string{"HS256"},
		RequiredType: true,
		RequiredIat:  true,
		MaxAge:       3 * time.Minute,
		MaxAhead:     3 * time.Minute,
		Required:     []string{"jti", "name", "email"},
		Claims: []Claim{
			{"external_id", anything},
			{"organization", anything},
			{"organizations", anything},
			{"organization_id", anything},
			{"organization_ids", anything},
			{"phone", anything},
			{"tags", anything},
			{"role", anything},
			{"locale", anything},
			{"remote_photo_url", anything},
			{"user_fields", anObject},
		},
	}
}
