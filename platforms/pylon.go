package platforms

import (
	"context"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/address"
)

// Pylon returns the preset for single sign-on by JWT at Pylon's customer portal and knowledge base.
// portalURL is where readers open it. orgSlug is in the workspace settings. issuer is the origin of the
// remote login URL in Pylon's settings, with a slash at its end. For the login URL
// "https://app.example.com/docs-login", it is "https://app.example.com/". secret is the shared secret.
//
// The token is signed with HS256, expires after five minutes, and goes to
// https://graph.usepylon.com/callback/jwt?orgSlug={slug}&jwt={token}. The host graph.usepylon.com
// serves all customers, so an orgSlug in a request is ignored. Pylon accepts clocks that differ by up to
// 60 seconds. It also accepts HS384 and HS512: set the Algorithm of the result. The token contains iat,
// exp, aud (https://portal.usepylon.com), iss (issuer), and one claim about the user:
//
//	Email                       email, required
//	everything else             not sent
//
// Pylon identifies the reader by e-mail address. If it creates a contact for a new reader, the domain of
// that address determines the account. The app's own mappers can set account_id, or account_external_id,
// which is the app's own ID of the account.
//
// Pylon documents no parameter for a deep link, so a login leads to the page that Pylon chooses, and a
// link in a request is ignored. An older page mentions a redirect URL that Pylon provides. If you see such
// a parameter in the requests for the login URL, set the DeepLink of the result. Pylon also does not document how long the session lasts, or whether it
// accepts a token twice. [docslogin.WithSessionTTL] is a configuration error.
//
// Source: Pylon's page on JWT SSO for customers.
func Pylon(portalURL, orgSlug, issuer, secret string) docslogin.Platform {
	p := docslogin.Platform{
		Name:      "Pylon",
		DocsURL:   portalURL,
		Callback:  "https://graph.usepylon.com/callback/jwt",
		Algorithm: jose.HS256,
		Key:       docslogin.Secret(secret),
		Carrier:   docslogin.InQuery("jwt"),
		Params:    map[string]string{"orgSlug": orgSlug},
		Lifetime:  docslogin.Lifetime{Token: 5 * time.Minute},
		Static:    docslogin.Claims{"aud": "https://portal.usepylon.com"},
		Required:  []string{"email"},
		Mapper:    pylonClaims,
	}
	origin, hasSlash := strings.CutSuffix(issuer, "/")
	if !hasSlash || address.CheckOrigin(origin, false) != "" {
		p.Err = &docslogin.ConfigError{Field: "issuer", Reason: "must be the origin of the login URL with one slash at its end, such as https://app.example.com/, in lower case, and with https unless the host is a loopback host"}
		return p
	}
	p.Static["iss"] = issuer
	return p
}

func pylonClaims(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
	setString(claims, "email", user.Email)
	return nil
}
