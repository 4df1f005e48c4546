package platforms

import (
	"context"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
)

// HelpScout returns the preset for Help Scout's restricted Docs. siteURL is the URL of the Docs
// site. secret is its shared secret.
//
// The token is signed with HS512 and goes to {siteURL}/authcallback?token={token}&returnTo={path}.
// It is the docs session: exp is its end (after one hour, see [docslogin.WithSessionTTL], or at
// User.ExpiresAt if that is sooner). The token contains iat, exp, and one claim about the user:
//
//	Email                       sub, required
//	everything else             not sent
//
// Source: Help Scout's page on restricted Docs.
func HelpScout(siteURL, secret string) docslogin.Platform {
	return docslogin.Platform{
		Name:      "Help Scout",
		DocsURL:   siteURL,
		Callback:  "/authcallback",
		Algorithm: jose.HS512,
		Key:       docslogin.Secret(secret),
		Carrier:   docslogin.InQuery("token"),
		DeepLink:  docslogin.DeepLink{In: "returnTo", Out: "returnTo", Form: docslogin.AsPath},
		Lifetime:  docslogin.Lifetime{Session: time.Hour, SessionClaim: "exp"},
		Required:  []string{"sub"},
		Mapper:    helpScoutClaims,
	}
}

func helpScoutClaims(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
	setString(claims, "sub", user.Email)
	return nil
}
