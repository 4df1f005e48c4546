package rules

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Pylon returns the rules of JWT SSO for Pylon's customers. The issuer is the one in Pylon's settings. If
// it is "", any issuer of the right form is accepted.
//
// Source: Pylon's page on JWT SSO for customers.
func Pylon(issuer string) Platform {
	return Platform{
		Name: "Pylon",
		Wire: Wire{
			Callback:      "/callback/jwt",
			Host:          "graph.usepylon.com",
			Query:         "jwt",
			RequiredParam: "orgSlug",
		},
		Algorithms:  []string{"HS256", "HS384", "HS512"},
		RequiredExp: true,
		Leeway:      time.Minute,
		RequiredIat: true,
		MaxAhead:    time.Minute,
		Required:    []string{"email"},
		Claims: []Claim{
			{"account_id", aString},
			{"account_external_id", aString},
		},
		Checks: []Check{
			checkPylonAudience,
			func(claims map[string]any) []Finding { return []Finding{checkPylonIssuer(claims["iss"], issuer)} },
		},
	}
}

func checkPylonAudience(claims map[string]any) []Finding {
	const aud, fix = "https://portal.usepylon.com", "Set aud to https://portal.usepylon.com."
	list, _ := claims["aud"].([]any)
	switch {
	case claims["aud"] == nil:
		return []Finding{fail("aud", "The token has no aud.", fix)}
	case slices.Contains(list, any(aud)):
		return []Finding{warn("aud", "aud is a list, but Pylon documents a string.", fix)}
	case claims["aud"] != aud:
		return []Finding{fail("aud", "aud is not "+aud+".", fix)}
	}
	return []Finding{pass("aud", "aud is "+aud+".")}
}

// checkPylonIssuer checks the claim iss. Pylon compares it with the base of the remote login URL, with a
// slash at its end.
func checkPylonIssuer(v any, want string) Finding {
	const example = "If the login URL is https://app.example.com/docs-login, iss has to be https://app.example.com/."
	fix := "Set iss to the origin of the login URL, with a slash at its end. " + example
	if want != "" {
		want = strings.TrimSuffix(want, "/") + "/" // a flag may lack the slash
		fix = "Set iss to " + want + "."
	}
	iss, isText := v.(string)
	origin, hasSlash := strings.CutSuffix(iss, "/")
	switch {
	case v == nil:
		return fail("iss", "The token has no iss.", fix)
	case !isText:
		return fail("iss", "iss is not a string.", fix)
	case !hasSlash:
		return fail("iss", "iss has no slash at its end, and Pylon requires one.", "Add the slash. "+example)
	case !isOrigin(origin):
		return fail("iss", "iss is not the origin of a URL with one slash at its end.", fix)
	case want != "" && iss != want:
		return fail("iss", "iss is not "+want+", the base of the login URL.", fix)
	}
	return pass("iss", fmt.Sprintf("iss is %.100q, an origin with a slash at its end.", iss))
}

// isOrigin reports whether text consists of http or https and a host.
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && text == u.Scheme+"://"+u.Host
}
