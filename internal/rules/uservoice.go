package rules

// UserVoice returns the rules of single sign-on by JWT at a UserVoice portal.
//
// Source: UserVoice's page on single sign-on with JSON Web Tokens.
func UserVoice() Platform {
	return Platform{
		Name:         "UserVoice",
		Wire:         Wire{Query: "sso", CommonName: true},
		Algorithms:   []string{"HS256"},
		Required:     []string{"guid", "email"},
		SessionClaim: "exp",
		Claims: []Claim{
			{"display_name", aString},
			{"expires", anything},
			{"locale", aString},
			{"trusted", anything},
			{"owner", anything},
			{"admin", anything},
			{"allow_forums", anything},
			{"deny_forums", anything},
		},
		Checks: []Check{checkUserVoiceID},
	}
}

func checkUserVoiceID(claims map[string]any) []Finding {
	guid, _ := claims["guid"].(string)
	if guid == "" || guid != claims["email"] {
		return nil
	}
	return []Finding{warn("guid", "guid is the e-mail address, and UserVoice's documentation says that it must not be.", "Set guid to the user's ID in the app.")}
}
