package platforms

import (
	"context"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
)

// Fern returns the preset for Fern's authentication by JWT. docsURL is the docs' base URL, with its
// base path if it has one. secret is the one that Fern gave you. Its characters are the key,
// although they look like base64.
//
// The token is signed with HS256 and goes to
// {docsURL}/api/fern-docs/auth/jwt/callback?fern_token={token}&state={state}, where state is the
// deep link's URL as it arrived. (Fern also sends a redirect_uri, which is ignored.) The token is
// the docs session: exp is its end (after one day, see [docslogin.WithSessionTTL], or at
// User.ExpiresAt if that is sooner). Fern keeps the session in one cookie, so a token of more than
// 4,000 bytes is rejected (too_large). iss is https://buildwithfern.com. If you agreed on another
// issuer with Fern, set it: platform.Static["iss"] = "…". The token contains iss, iat, exp, and
// these claims about the user:
//
//	Groups                      fern.roles
//	Name, Email                 fern.name, fern.email
//	first API key               fern.playground.initial_state.auth: bearer_token, or else
//	                            basic, username and password; its Values are not sent
//	ID, Attributes, more keys   not sent
//
// No field is required.
//
// Source: Fern's page on authentication with a JWT.
func Fern(docsURL, secret string) docslogin.Platform {
	return docslogin.Platform{
		Name:          "Fern",
		DocsURL:       docsURL,
		Callback:      "/api/fern-docs/auth/jwt/callback",
		Algorithm:     jose.HS256,
		Key:           docslogin.Secret(secret),
		Carrier:       docslogin.InQuery("fern_token"),
		DeepLink:      docslogin.DeepLink{In: "state", Out: "state", Form: docslogin.AsGiven},
		Lifetime:      docslogin.Lifetime{Session: 24 * time.Hour, SessionClaim: "exp"},
		Static:        docslogin.Claims{"iss": "https://buildwithfern.com"},
		MaxTokenBytes: 4000,
		Mapper:        fernClaims,
	}
}

func fernClaims(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
	fern := docslogin.Claims{}
	setString(fern, "name", user.Name)
	setString(fern, "email", user.Email)
	setGroups(fern, "roles", user)
	if len(user.APIKeys) > 0 {
		if auth := fernAuth(user.APIKeys[0]); auth != nil {
			fern.Object("playground").Object("initial_state")["auth"] = auth
		}
	}
	setObject(claims, "fern", fern)
	return nil
}

// fernAuth returns a key in Fern's form, or nil if there is none.
func fernAuth(key docslogin.APIKey) docslogin.Claims {
	switch {
	case key.Key != "":
		return docslogin.Claims{"bearer_token": key.Key}
	case key.Username+key.Password != "":
		return docslogin.Claims{"basic": docslogin.Claims{"username": key.Username, "password": key.Password}}
	}
	return nil
}
