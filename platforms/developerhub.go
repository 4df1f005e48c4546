package platforms

import (
	"context"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
)

// DeveloperHub returns the preset for DeveloperHub's access by JWT. docsURL is the docs' base URL.
// secret is the project's key, unchanged.
//
// The token is signed with HS256 and goes to the deep link's page in the query parameter jwt, or to
// docsURL if there is no deep link. The deep link arrives in redirect as an absolute URL. The token
// is the docs session: exp is its end (after one day, see [docslogin.WithSessionTTL], or at
// User.ExpiresAt if that is sooner). It has no jti, because a jti would make the token valid for
// one use only. The token contains version (1), iat, exp, and vars, which DeveloperHub requires even
// if it is empty. These are the claims about the user:
//
//	Name, Email                 vars.name, vars.email
//	Attributes                  vars, each under its own name
//	ID, Groups, APIKeys         not sent
//
// No particular field is required. An attribute named name or email is an error. The app's own
// mappers may set the claim error_redirect_url. If DeveloperHub rejects the token, it sends the
// reader to that URL. DeveloperHub also accepts HS512: set the Algorithm of the result.
//
// Source: DeveloperHub's page on access by JWT.
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
	claims["vars"] = vars // required, even if it is empty
	return err
}
