package platforms

import (
	"context"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
)

// UserVoice returns the preset for single sign-on by JWT at a UserVoice portal. siteURL is where readers
// open it, such as "https://acme.uservoice.com". secret is the account's SSO key.
//
// The token is signed with HS256 and goes to {siteURL}?sso={token}. The token is the session: exp is its
// end (after 24 hours, see [docslogin.WithSessionTTL], or at User.ExpiresAt if that is sooner). The token
// contains iat, exp, and these claims about the user:
//
//	ID                          guid, required
//	Email                       email, required
//	Name                        display_name
//	Groups, APIKeys, Attributes not sent
//
// ID must not be the e-mail address. Without a Name, UserVoice shows the reader as anonymous. Other claims
// change the UserVoice user, so only the app's own mappers set them. owner, admin, and trusted give
// privileges. allow_forums and deny_forums limit what the reader sees. locale sets the language.
//
// UserVoice documents no parameter for a deep link, so a login leads to the portal's home page, and a link
// in a request is ignored. Without exp, the session lasts 24 hours. UserVoice does not document whether it
// accepts a token twice, or whether the session really ends at exp. If sessions outlive exp at your portal,
// let the token expire sooner: set the Lifetime of the result to docslogin.Lifetime{Token: 5 * time.Minute}.
//
// Source: UserVoice's page on single sign-on with JSON Web Tokens.
func UserVoice(siteURL, secret string) docslogin.Platform {
	return docslogin.Platform{
		Name:      "UserVoice",
		DocsURL:   siteURL,
		Algorithm: jose.HS256,
		Key:       docslogin.Secret(secret),
		Carrier:   docslogin.InQuery("sso"),
		Lifetime:  docslogin.Lifetime{Session: 24 * time.Hour, SessionClaim: "exp"},
		Required:  []string{"guid", "email"},
		Mapper:    userVoiceClaims,
	}
}

func userVoiceClaims(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
	setString(claims, "guid", user.ID)
	setString(claims, "email", user.Email)
	setString(claims, "display_name", user.Name)
	return nil
}
