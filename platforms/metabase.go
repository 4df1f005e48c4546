package platforms

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/jsonvalue"
)

// Metabase returns the preset for Metabase's sign-in by JWT. siteURL is the URL of your Metabase,
// with its path if it has one. secret is its signing key.
//
// The token is signed with HS256 and goes to {siteURL}/auth/sso?jwt={token}&return_to={path}. It
// expires after three minutes, because Metabase accepts a token for that long after iat. The app's
// clock may be ahead of Metabase's by any amount. The length of the session is a setting at
// Metabase, so [docslogin.WithSessionTTL] is a configuration error.
//
// Metabase appends the deep link to the login URL without escaping it. So return_to must be the last
// parameter of that URL, and its value is the rest of the query. The app's own links to the route
// may escape the deep link once. Metabase rejects a return_to that java.net.URI cannot parse, so
// what a URI cannot contain is percent-encoded. Without a deep link, return_to is the path of
// siteURL, because versions before September 2025 show an error page if it is missing.
//
// The token contains iat, exp, and these claims about the user:
//
//	Email                       email, required
//	Groups                      groups, even if the list is empty; not sent if it is nil
//	Attributes                  first_name and last_name; no others
//	Name                        first_name, if there is neither attribute
//	ID, APIKeys                 not sent
//
// Metabase synchronizes a user's groups only if the token has the claim groups. An empty list removes
// the user from all groups. If Groups is nil, the user stays in all groups, even in Administrators.
// So if your app manages the groups, return a non-nil list for every user. first_name, last_name,
// and groups are the default names of these claims; do not change them in Metabase's settings.
//
// The attributes first_name and last_name must be strings. Other claims become the user attributes
// by which Metabase decides what data a user sees, so only the app's own mappers set them. The same
// applies to @tenant, the user's tenant, which is a string or an integer. Metabase creates a missing
// tenant, and never moves a user to another tenant.
//
// Sources: Metabase's page on authentication with a JWT, and its published code, for return_to and
// for clocks.
func Metabase(siteURL, secret string) docslogin.Platform {
	return docslogin.Platform{
		Name:      "Metabase",
		DocsURL:   siteURL,
		Callback:  "/auth/sso",
		Algorithm: jose.HS256,
		Key:       docslogin.Secret(secret),
		Carrier:   docslogin.InQuery("jwt"),
		DeepLink:  docslogin.DeepLink{In: "return_to", Out: "return_to", Form: docslogin.AsPath, Raw: true, Always: true},
		Lifetime:  docslogin.Lifetime{Token: 3 * time.Minute, MaxToken: 3 * time.Minute},
		Required:  []string{"email"},
		Mapper:    metabaseClaims,
	}
}

func metabaseClaims(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
	setString(claims, "email", user.Email)
	if user.Groups != nil {
		claims["groups"] = slices.Clone(user.Groups)
	}
	for _, name := range []string{"first_name", "last_name"} {
		attribute := user.Attributes[name]
		copied, err := jsonvalue.Copy(attribute)
		if err != nil {
			return fmt.Errorf("docslogin: the attribute %q, %w", name, err)
		}
		text, isString := copied.(string)
		if copied != nil && !isString {
			return fmt.Errorf("docslogin: the attribute %q is a %T, and Metabase wants a string", name, attribute)
		}
		setString(claims, name, strings.TrimSpace(text))
	}
	if claims["first_name"] == nil && claims["last_name"] == nil {
		setString(claims, "first_name", user.Name)
	}
	return nil
}
