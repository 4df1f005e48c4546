package platforms

import (
	"cmp"
	"context"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
)

// Canny returns the preset for Canny's single sign-on. boardURL is where readers see the board.
// companyID is the account's ID, which everybody can see in the login URL. privateKey is Canny's
// name for the account's HMAC secret.
//
// The token is signed with HS256, expires after five minutes, and goes to
// https://canny.io/api/redirects/sso?companyID={id}&ssoToken={token}&redirect={url}. The host
// canny.io serves all customers, so a companyID in a request is ignored. Without a deep link,
// redirect is boardURL. The length of the session is a setting at Canny, so
// [docslogin.WithSessionTTL] is a configuration error. The token contains iat, exp, and these
// claims about the user:
//
//	ID                          id, required
//	Name, else Email            name, required
//	Email                       email, required
//	Groups, APIKeys, Attributes not sent
//
// Source: Canny's page on single sign-on.
func Canny(boardURL, companyID, privateKey string) docslogin.Platform {
	return docslogin.Platform{
		Name:      "Canny",
		DocsURL:   boardURL,
		Callback:  "https://canny.io/api/redirects/sso",
		Algorithm: jose.HS256,
		Key:       docslogin.Secret(privateKey),
		Carrier:   docslogin.InQuery("ssoToken"),
		DeepLink:  docslogin.DeepLink{In: "redirect", Out: "redirect", Form: docslogin.AsURL, Always: true},
		Params:    map[string]string{"companyID": companyID},
		Lifetime:  docslogin.Lifetime{Token: 5 * time.Minute},
		Required:  []string{"id", "name", "email"},
		Mapper:    cannyClaims,
	}
}

func cannyClaims(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
	setString(claims, "id", user.ID)
	setString(claims, "name", cmp.Or(user.Name, user.Email))
	setString(claims, "email", user.Email)
	return nil
}
