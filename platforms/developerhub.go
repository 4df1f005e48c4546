package platforms

import (
	"context"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
)

// DeveloperHub returns the preset for DeveloperHub's access by JWT. docsURL is the docs' base URL.
// secret is the project's key as it is.
//
// The token is signed with HS256 and goes to the deep link's page as its query parameter jwt, or
// to docsURL without a deep link, which arrives in redirect as an absolute URL. The token is the
// docs session: exp is its end (one day, see [docslogin.WithSessionTTL], or User.ExpiresAt if that
// is sooner). There is no jti, which would make the token valid for one use only. The token
// contains version (1), iat, exp, and of the user:
//
//	Name, Email                 vars.name, vars.email
//	Attributes                  vars, each under its own name
//	ID, Groups, APIKeys         not sent
//
// Nothing is required. An attribute named name or email is an error. A mapper of the app may set
// error_redirect_url. Source: DeveloperHub's page on access by JWT; it also takes HS512: set the
// Algorithm of the result.
func DeveloperHub(docsURL, secret string) docslogin.Platform {
	return docslogin.Platform{
		Name:      "DeveloperHub",
		DocsURL:   docsURL,
		Algorithm: jose.HS256,
		Key:       docslogin.Secret(secret),
		Carrier:   docslogin.InQuery("jwt"),
		DeepLink:  docslogin.DeepLink{In: "redirect"},
		Lifetime:  docslogin.Lifetime{Session: 24 * time.Hour, SessionClaim: "exp"},
		Static:    docslogin.Claims{"version": 1},
		Mapper:    developerHubClaims,
	}
}

func developerHubClaims(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
	vars := docslogin.Claims{}
	err := addPerson(vars, user)
	setObject(claims, "vars", vars)
	return err
}
