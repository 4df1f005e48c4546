package platforms

import (
	"cmp"
	"context"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
)

// Kayako returns the preset for single sign-on by JWT at a Kayako help center. siteURL is where readers
// open it, such as "https://acme.kayako.com", with the host of the URLs in returnto. secret is the shared SSO secret. Kayako requires at least 32
// characters.
//
// The token is signed with HS256 and goes to the URL in returnto, in the query parameter jwt. If there is
// no returnto, it goes to siteURL. Kayako also accepts HS384 and HS512: set the Algorithm of the result.
// The token contains iat, a jti, and these claims about the user:
//
//	Name, else Email            name, required
//	Email                       email, required
//	ID, Groups, APIKeys, Attributes not sent
//
// The claims external_id, role, locale, organization, phone_number, tags, and picture change the Kayako
// user, so only the app's own mappers set them. Kayako finds a user by external_id first, and then by
// email. Without a role, the user is a customer.
//
// Kayako's returnto is an absolute URL of an endpoint, whose path ends with /Base/SSO/JWT/. Its parameter
// action is the page that the reader sees next. Kayako does not document whether other pages accept a
// token, or what happens without returnto. For a link in the app's menu, call
// [docslogin.Middleware.LoginPath] with a returnto that Kayako has sent. Kayako's samples append &jwt= even
// to a URL without a query. To such a URL, the preset appends ?jwt=.
//
// If Kayako rejects a token, it redirects to the login URL, with message, code, and type=error. The route
// then makes another token, so the browser may enter a redirect loop. To show the message instead, respond
// to requests with type=error in a handler around the route.
//
// Kayako documents neither exp nor how long it accepts a token. So the token has no exp, and
// [docslogin.WithTokenTTL] and [docslogin.WithSessionTTL] are configuration errors. Kayako also does not
// document what it does with a jti that was used before, or by how much clocks may differ. Kayako's API
// accepts the same token, so somebody who finds it in a log can do more than read pages.
//
// Source: Kayako's pages on single sign-on.
func Kayako(siteURL, secret string) docslogin.Platform {
	return docslogin.Platform{
		Name:      "Kayako",
		DocsURL:   siteURL,
		Algorithm: jose.HS256,
		Key:       docslogin.Secret(secret),
		Carrier:   docslogin.InQuery("jwt"),
		DeepLink:  docslogin.DeepLink{In: "returnto"},
		RootOnly:  true, // because an endpoint may be under any path of the host
		TokenID:   true,
		Required:  []string{"name", "email"},
		Mapper:    kayakoClaims,
	}
}

func kayakoClaims(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
	setString(claims, "name", cmp.Or(user.Name, user.Email))
	setString(claims, "email", user.Email)
	return nil
}
