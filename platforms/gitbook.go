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
// GitBook fills a claim into samples and requests if the OpenAPI file has
// x-gitbook-prefill: "{{ visitor.claims.NAME }}" on a security scheme, a server, or a variable. The
// scheme names the header. The preset cannot know the names of such claims, so a mapper of the app must set
// them from the Key and the Values of an API key:
//
//	claims["api_key"] = user.APIKeys[0].Key // "{{ visitor.claims.api_key }}"
//	claims["region"] = user.APIKeys[0].Values["region"]
//
// An HTTP Basic credential is one string, user:password.
//
// [docslogin.Middleware.LogoutURL] returns {siteURL}/~gitbook/auth/logout, which deletes GitBook's
// cookie. Then it redirects to the logout URL that is configured for the site, and adds location, a page
// of the site ("/" by default). Without a logout URL, it redirects to the site's root.
// {siteURL}/~gitbook/auth/login starts a login.
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
		DeepLink:  gitBookLink(),
		Logout:    "/~gitbook/auth/logout",
		Lifetime:  docslogin.Lifetime{Session: time.Hour, MinSession: time.Minute, SessionClaim: "exp"},
		Mapper:    gitBookClaims,
	}
}

// GitBookAdaptive returns the preset for GitBook's adaptive content, on a public site that adapts its
// pages to a reader who is logged in. siteURL is the site's base URL on a custom domain, with its path
// if it has one. cookieDomain is a parent domain of the site's host and of the app's host, such as
// "example.com" (see [docslogin.InCookie]). signingKey is the site's visitor signing key; its characters
// are the secret.
//
// The token is signed with HS256 and travels in the cookie gitbook-visitor-token, so no URL contains it.
// The login route sets the cookie and redirects to the deep link's page. The deep link arrives in
// location. As with [GitBook], its parameters jwt_token, access_token, and visitor.… are removed. Call
// [docslogin.Middleware.SetCookie] in the app's sign-in handler, so that readers need not visit the
// route, and [docslogin.Middleware.ClearCookie] in its sign-out handler.
//
// The token is the docs session: exp is its end (after one hour, see [docslogin.WithSessionTTL], or at
// User.ExpiresAt if that is sooner). After that, the reader is anonymous until the app sets another
// cookie. GitBook does not split this cookie. A token of more than 4,000 bytes is rejected, and so is
// a cookie that has 4,096 bytes with its attributes (too_large). The claims about the user are those of
// [GitBook].
//
// Do not use [GitBook] for the same site. After a login with jwt_token, GitBook sets a cookie of its own,
// which it reads before this one. Also, let nothing else set a cookie gitbook-visitor-token, for example
// for the docs' host alone. GitBook reads the one that the browser sends last. GitBook's logout does not
// remove this preset's cookie.
//
// The cookie is HttpOnly, but {siteURL}/~gitbook/visitor returns its claims to every script in the docs'
// pages. GitBook does not document what happens to a token that its server rejects. If the server
// responds with an error, GitBook's published code shows an error page. After
// [docslogin.Middleware.SetKey], readers may see that page until their old cookies expire.
//
// Sources: GitBook's page on adaptive content, and its published code (GitbookIO/gitbook).
func GitBookAdaptive(siteURL, cookieDomain, signingKey string) docslogin.Platform {
	return docslogin.Platform{
		Name:          "GitBook adaptive",
		DocsURL:       siteURL,
		Algorithm:     jose.HS256,
		Key:           docslogin.Secret(signingKey),
		Carrier:       docslogin.InCookie("gitbook-visitor-token", cookieDomain),
		DeepLink:      gitBookLink(),
		Lifetime:      docslogin.Lifetime{Session: time.Hour, SessionClaim: "exp"},
		MaxTokenBytes: 4000,
		Mapper:        gitBookClaims,
	}
}

// gitBookLink drops the parameters that GitBook would read as another token, or as unsigned claims.
func gitBookLink() docslogin.DeepLink {
	return docslogin.DeepLink{In: "location", FromBase: true, Drop: []string{"jwt_token", "access_token", "visitor.*"}}
}

func gitBookClaims(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
	return addPerson(claims, user)
}
