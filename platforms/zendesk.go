package platforms

import (
	"cmp"
	"context"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/address"
)

// Zendesk returns the preset for JWT single sign-on at a Zendesk help center. accountURL is the
// account's own URL, such as "https://acme.zendesk.com". secret is the shared secret. If the help
// center has its own domain, set the DocsURL of the result to it.
//
// The token is signed with HS256 and has no exp; Zendesk accepts it for three minutes after its
// iat. The browser posts it in a form ([docslogin.InForm]) to {accountURL}/access/jwt, in the field
// jwt, without a Referer and with a null Origin. The deep link is in the field return_to as it
// arrived. The parameters brand_id, locale_id, and timestamp are in the query of the form's action.
// [docslogin.Middleware.LoginURL] is not supported. The length of the session is a setting at
// Zendesk, so [docslogin.WithTokenTTL] and [docslogin.WithSessionTTL] are configuration errors. Zendesk
// accepts each jti only once. The token contains iat, a jti, and these claims about the user:
//
//	Name, else Email            name, required
//	Email                       email, required
//	ID                          external_id
//	Groups, APIKeys, Attributes not sent
//
// If a login may lead to help centers of other brands, or to other hosts, add them to the
// DeepLink.Origins of the result. Browsers do not follow the form to other origins. Claims such as
// role, organization, tags, or user_fields change the Zendesk user, so only the app's own mappers
// set them. tags replaces all tags of the user, and null in user_fields erases a field.
//
// Zendesk sends errors to the remote logout URL from its settings, as kind=error&message=….
//
// Source: Zendesk's page on JWT single sign-on.
func Zendesk(accountURL, secret string) docslogin.Platform {
	p := docslogin.Platform{
		Name:      "Zendesk",
		DocsURL:   strings.TrimSuffix(accountURL, "/"),
		Algorithm: jose.HS256,
		Key:       docslogin.Secret(secret),
		Carrier:   docslogin.InForm("jwt"),
		DeepLink:  docslogin.DeepLink{In: "return_to", Out: "return_to", Form: docslogin.AsGiven},
		Echo:      []string{"brand_id", "locale_id", "timestamp"},
		TokenID:   true,
		Required:  []string{"name", "email"},
		Mapper:    zendeskClaims,
	}
	if !isZendeskAccount(p.DocsURL) {
		p.Err = &docslogin.ConfigError{Field: "Platform.DocsURL", Reason: "must be the account's own URL, such as https://acme.zendesk.com: in lower case, with nothing after .zendesk.com"}
		return p
	}
	p.Callback = p.DocsURL + "/access/jwt"
	p.DeepLink.Origins = []string{p.DocsURL} // for the agents' pages, even if the help center is on another host
	return p
}

// isZendeskAccount reports whether a URL is an account's own, or that of a test site on a loopback
// host. CheckOrigin rejects every other http URL.
func isZendeskAccount(accountURL string) bool {
	return address.CheckOrigin(accountURL, false) == "" && (strings.HasSuffix(accountURL, ".zendesk.com") || strings.HasPrefix(accountURL, "http://"))
}

func zendeskClaims(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
	setString(claims, "name", cmp.Or(user.Name, user.Email))
	setString(claims, "email", user.Email)
	setString(claims, "external_id", user.ID)
	return nil
}
