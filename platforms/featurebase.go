package platforms

import (
	"context"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
)

// Featurebase returns the preset for Featurebase's single sign-on. siteURL is where readers see the
// help center. secret is the account's secret.
//
// The token is signed with HS256, expires after ten minutes, and goes to
// {siteURL}/api/v1/auth/access/jwt?jwt={token}&return_to={url}. Without a deep link, return_to is
// siteURL. The length of the session is a setting at Featurebase, so [docslogin.WithSessionTTL] is
// a configuration error. The token contains iat, exp, and these claims about the user:
//
//	ID                          userId
//	Name, Email                 name, email
//	Groups, APIKeys, Attributes not sent
//
// ID or Email is required; it is better to send both.
//
// Source: Featurebase's page on single sign-on.
func Featurebase(siteURL, secret string) docslogin.Platform {
	return docslogin.Platform{
		Name:      "Featurebase",
		DocsURL:   siteURL,
		Callback:  "/api/v1/auth/access/jwt",
		Algorithm: jose.HS256,
		Key:       docslogin.Secret(secret),
		Carrier:   docslogin.InQuery("jwt"),
		DeepLink:  docslogin.DeepLink{In: "return_to", Out: "return_to", Form: docslogin.AsURL, Always: true},
		Lifetime:  docslogin.Lifetime{Token: 10 * time.Minute},
		Required:  []string{"email|userId"},
		Mapper:    featurebaseClaims,
	}
}

func featurebaseClaims(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
	setString(claims, "userId", user.ID)
	setString(claims, "name", user.Name)
	setString(claims, "email", user.Email)
	return nil
}
