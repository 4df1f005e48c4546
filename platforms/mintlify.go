package platforms

import (
	"context"
	"encoding/base64"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
)

// Mintlify returns the preset for Mintlify's JWT authentication. docsURL is where readers open
// the docs, which cannot be under a path: the token names that host, and Mintlify compares it
// with the one that the reader visits. privateKeyPEM is the Ed25519 private key that the
// dashboard generates, in any form that [docslogin.PrivateKey] takes.
//
// The token is signed with EdDSA, expires after ten seconds, which is Mintlify's limit, and goes
// to {docsURL}/login/jwt-callback?redirect={path}#{token}. It contains host, iat, exp, expiresAt
// (the end of the docs session: 14 days, see [docslogin.WithSessionTTL], or User.ExpiresAt if
// that is sooner), and of the user:
//
//	Groups               groups
//	Name, Email          content.name, content.email
//	Attributes           content, each under its own name
//	first API key        apiPlaygroundInputs.header.Authorization: "Bearer " and Key,
//	                     or "Basic " and Username and Password; its Values are not sent
//	ID, further keys     not sent
//
// Nothing is required. Pages show content as user.name and so on. An attribute named name or
// email is an error. A mapper of the app may replace these claims, or add to them:
//
//	claims.Object("apiPlaygroundInputs").Object("header")["X-Api-Key"] = key
//
// Sources: Mintlify's pages on JWT authentication and on its user format; host is required since
// March 2026. They do not document what happens to a query or an anchor in redirect: both are
// passed on unchanged.
func Mintlify(docsURL, privateKeyPEM string) docslogin.Platform {
	return docslogin.Platform{
		Name:      "Mintlify",
		DocsURL:   docsURL,
		Callback:  "/login/jwt-callback",
		Algorithm: jose.EdDSA,
		Key:       docslogin.PrivateKey(privateKeyPEM),
		Carrier:   docslogin.InFragment(),
		DeepLink:  docslogin.DeepLink{In: "redirect", Out: "redirect", Form: docslogin.AsPath},
		Lifetime:  mintlifyLifetime,
		HostClaim: "host",
		Mapper:    mintlifyClaims,
		RootOnly:  true,
	}
}

// MintlifyPersonalization returns the preset for the personalization of public Mintlify docs by
// JWT. docsURL may have a path. privateKeyPEM is a P-256 private key, in any form that
// [docslogin.PrivateKey] takes.
//
// The token is signed with ES256 (not EdDSA), expires after ten seconds, which is Mintlify's
// limit, and goes to the deep link's page as its fragment, in place of the link's own anchor.
// Without a deep link it goes to docsURL. Mintlify documents no parameter for the page: the
// preset takes redirect, as [Mintlify] does. The token contains expiresAt, iat, exp, and the same
// claims of the user as [Mintlify].
//
// See [docslogin.InFragment] for docs whose pages redirect to a foreign host. Docs that share the
// app's session need no token: see package userinfo.
//
// Source: Mintlify's page on personalization.
func MintlifyPersonalization(docsURL, privateKeyPEM string) docslogin.Platform {
	return docslogin.Platform{
		Name:      "Mintlify personalization",
		DocsURL:   docsURL,
		Algorithm: jose.ES256,
		Key:       docslogin.PrivateKey(privateKeyPEM),
		Carrier:   docslogin.InFragment(),
		DeepLink:  docslogin.DeepLink{In: "redirect"},
		Lifetime:  mintlifyLifetime,
		Mapper:    mintlifyClaims,
	}
}

// MintlifyInfo returns the part of [Mintlify] that is about the user, for docs that ask the app
// for it instead of taking a token: see package userinfo. It needs no argument.
func MintlifyInfo() docslogin.Platform {
	return docslogin.Platform{Name: "Mintlify", Lifetime: mintlifyLifetime, Mapper: mintlifyClaims}
}

var mintlifyLifetime = docslogin.Lifetime{
	Token: 10 * time.Second, MaxToken: 10 * time.Second,
	Session: 14 * 24 * time.Hour, SessionClaim: "expiresAt",
}

func mintlifyClaims(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
	setGroups(claims, "groups", user)
	content := docslogin.Claims{}
	if err := addPerson(content, user); err != nil {
		return err
	}
	setObject(claims, "content", content)
	if len(user.APIKeys) > 0 {
		if credentials := mintlifyAuthorization(user.APIKeys[0]); credentials != "" {
			claims.Object("apiPlaygroundInputs").Object("header")["Authorization"] = credentials
		}
	}
	return nil
}

// mintlifyAuthorization returns a key as the value of an Authorization header (RFC 6750, RFC
// 7617), or "".
func mintlifyAuthorization(key docslogin.APIKey) string {
	switch {
	case key.Key != "":
		return "Bearer " + key.Key
	case key.Username+key.Password != "":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(key.Username+":"+key.Password))
	}
	return ""
}
