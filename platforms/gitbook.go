package platforms

import (
	"context"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
)

// GitBook returns the preset for GitBook's authenticated access. siteURL is the site's base URL,
// with its path if it has one. signingKey is the site's signing key; its characters are the secret.
//
// The token is signed with HS256 and goes to the deep link's page in the query parameter jwt_token.
// The parameters jwt_token, access_token, and visitor.… are removed from the deep link first. The
// deep link arrives in location: relative to siteURL, with or without a leading slash, or absolute.
//
// The token is the docs session: exp is its end (after one hour, see [docslogin.WithSessionTTL], or
// at User.ExpiresAt if that is sooner). The session is at least one minute long, because GitBook's
// cookie does not expire sooner. Without exp, GitBook's session would expire after seven days. The
// token contains iat, exp, and these claims about the user:
//
//	Name, Email                 name, email
//	Attributes                  the top level, each under its own name
//	ID, Groups, APIKeys         not sent
//
// No particular field is required. An attribute named name or email is an error.
//
// Pages can use only the claims that the site's schema declares. In a visibility condition, a string
// must be one of an enumeration; in an inline expression, it can be any string. Neither can use
// lists, so map groups to booleans in a mapper of the app. A claim in the schema may decide what a
// reader sees, so do not use attributes that users can change themselves.
//
// GitBook fills an API key into samples and requests if the OpenAPI file has
// x-gitbook-prefill: "{{ visitor.claims.NAME }}" on a security scheme, a server, or a variable. A
// mapper of the app must set the claim NAME. An HTTP Basic credential is one string, user:password.
//
// {siteURL}/~gitbook/auth/logout deletes GitBook's cookie. Then it redirects to the logout URL that
// is configured for the site, and adds location, a page of the site ("/" by default). Without a
// logout URL, it redirects to the site's root. {siteURL}/~gitbook/auth/login starts a login.
//
// Sources: GitBook's pages on authenticated access and on adaptive content, and its published code
// (GitbookIO/gitbook), for the length of the token and for the logout.
func GitBook(siteURL, signingKey string) docslogin.Platform {
	return docslogin.Platform{
		Name:      "GitBook",
		DocsURL:   siteURL,
		Algorithm: jose.HS256,
		Key:       docslogin.Secret(signingKey),
		Carrier:   docslogin.InQuery("jwt_token"),
		DeepLink:  docslogin.DeepLink{In: "location", FromBase: true, Drop: []string{"jwt_token", "access_token", "visitor.*"}},
		Lifetime:  docslogin.Lifetime{Session: time.Hour, MinSession: time.Minute, SessionClaim: "exp"},
		Mapper:    gitBookClaims,
	}
}

func gitBookClaims(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
	return addPerson(claims, user)
}
