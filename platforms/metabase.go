package platforms

import (
	"context"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
)

// Metabase returns the preset for Metabase's sign-in by JWT. siteURL is the URL of your Metabase,
// with its path if it has one. secret is its signing key.
//
// The token is signed with HS256 and goes to {siteURL}/auth/sso?jwt={token}&return_to={path}. It
// expires after three minutes, because Metabase accepts a token for that long after iat. Metabase
// does not escape the page, so everything after its first & is lost. The length of the session is a
// setting at Metabase, so [docslogin.WithSessionTTL] is a configuration error. The token contains
// iat, exp, and these claims about the user:
//
//	Email                       email, required
//	Groups                      groups
//	Attributes                  first_name and last_name; no others
//	Name                        first_name, if there is neither attribute
//	ID, APIKeys                 not sent
//
// The attributes first_name and last_name must be strings. Other claims become the user attributes
// by which Metabase decides what data a user sees, so only the app's own mappers set them.
//
// Source: Metabase's page on authentication with a JWT.
func Metabase(siteURL, secret string) docslogin.Platform {
	return docslogin.Platform{
		Name:      "Metabase",
		DocsURL:   siteURL,
		Callback:  "/auth/sso",
		Algorithm: jose.HS256,
		Key:       docslogin.Secret(secret),
		Carrier:   docslogin.InQuery("jwt"),
		DeepLink:  docslogin.DeepLink{In: "return_to", Out: "return_to", Form: docslogin.AsPath},
		Lifetime:  docslogin.Lifetime{Token: 3 * time.Minute, MaxToken: 3 * time.Minute},
		Required:  []string{"email"},
		Mapper:    metabaseClaims,
	}
}

func metabaseClaims(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
	setString(claims, "email", user.Email)
	setGroups(claims, "groups", user)
	for _, name := range []string{"first_name", "last_name"} {
		switch value := user.Attributes[name].(type) {
		case nil:
		case string:
			setString(claims, name, value)
		default:
			return fmt.Errorf("docslogin: the attribute %q is a %T, and Metabase wants a string", name, value)
		}
	}
	if claims["first_name"] == nil && claims["last_name"] == nil {
		setString(claims, "first_name", user.Name)
	}
	return nil
}
