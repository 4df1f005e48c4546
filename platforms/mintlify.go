package platforms

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
)

// Mintlify returns the preset for Mintlify's JWT authentication. docsURL is where readers open the
// docs. They cannot be under a path. The token contains their host, which Mintlify compares with the
// host that the reader visits. If the docs have a second domain, a login leads to the domain of
// docsURL. The dashboard accepts up to 10 login URLs. privateKeyPEM is the Ed25519 private key that
// the dashboard generates, in any form that [docslogin.PrivateKey] accepts.
//
// The token is signed with EdDSA and goes to {docsURL}/login/jwt-callback?redirect={path}#{token}.
// It expires after ten seconds, which is Mintlify's limit. expiresAt is the end of the docs session
// (after 14 days, see [docslogin.WithSessionTTL], or at User.ExpiresAt if that is sooner). The
// token contains host, iat, exp, expiresAt, and these claims about the user:
//
//	Groups               groups
//	Name, Email          content.name, content.email
//	Attributes           content, each under its own name
//	API keys             apiPlaygroundInputs.header and server: see below
//	ID                   not sent
//
// No particular field is required. Pages show content as user.name and so on. An attribute named
// name or email is an error.
//
// A group named * in User.Groups, with or without white space around it, is also an error. It is a
// wildcard that can open every page, and in many apps users name the groups. For a user who may see
// every page, set groups in a mapper of the app.
//
// The Key of an API key with a Header becomes header.{Header}. Without a Header, it becomes
// header.Authorization, after "Bearer ". If Key does not set that header, Username and Password become
// header.Authorization, after "Basic ". Each of Values becomes server.{name}, and also header.{name} if its
// name is a valid header name. Numbers and booleans become text; objects and lists are not sent. If several
// set the same name, the first API key takes precedence. Within one API key, Key takes precedence over
// Username and Password, and these over Values.
//
// Mintlify fills in a header only if the endpoint's security scheme uses it, and a member of server only
// if the server has such a variable. Use the same names as the OpenAPI file.
//
// apiPlaygroundInputs also has query, cookie, and path. Only the app's own mappers set these, because each
// value in five places would make the token long. Mappers may also add to header and server, or replace
// them. All values in server must be strings:
//
//	claims.Object("apiPlaygroundInputs").Object("query")["api_key"] = key
//	claims.Object("apiPlaygroundInputs").Object("server")["subdomain"] = "acme"
//
// Sources: Mintlify's pages on JWT authentication and on its user format. host has been required
// since March 2026. The pages do not document what happens to a query or an anchor in redirect, so
// the preset passes on both unchanged.
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
// [docslogin.PrivateKey] accepts.
//
// The token is signed with ES256 (not EdDSA) and expires after ten seconds, which is Mintlify's
// limit. It goes to the deep link's page as its fragment, in place of the link's own anchor, or to
// docsURL if there is no deep link. Mintlify does not document a parameter for the deep link, so
// this preset uses redirect, like the [Mintlify] preset. The token contains expiresAt, iat, exp,
// and the same claims about the user as [Mintlify]. In public docs, groups decide what the
// navigation shows. They do not protect a page, because anybody can open it by its URL.
//
// If pages of the docs redirect to a foreign host, see [docslogin.InFragment]. Docs that share the
// app's session, or that log readers in by OAuth, do not need a signed token: see package userinfo.
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

// MintlifyInfo returns the user-related part of the [Mintlify] preset, for docs that request it
// from the app's Info API and get no signed token: see package userinfo. Scalar Docs get the same from
// package webhook. It takes no arguments.
func MintlifyInfo() docslogin.Platform {
	return docslogin.Platform{
		Name:      "Mintlify",
		Lifetime:  mintlifyLifetime,
		HostClaim: "host", // reserves the same claims as the token's
		Mapper:    mintlifyClaims,
	}
}

var mintlifyLifetime = docslogin.Lifetime{
	Token: 10 * time.Second, MaxToken: 10 * time.Second,
	Session: 14 * 24 * time.Hour, SessionClaim: "expiresAt",
}

func mintlifyClaims(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
	if slices.ContainsFunc(user.Groups, isMintlifyWildcard) {
		return errors.New(`docslogin: User.Groups contains "*", a wildcard that can open every page; leave it out, or set groups in your own mapper`)
	}
	setGroups(claims, "groups", user)
	content := docslogin.Claims{}
	if err := addPerson(content, user); err != nil {
		return err
	}
	setObject(claims, "content", content)
	header, server, err := inputsOf(user.APIKeys, mintlifyAuthorization)
	if err != nil {
		return err
	}
	inputs := docslogin.Claims{}
	setObject(inputs, "header", header)
	setObject(inputs, "server", server)
	setObject(claims, "apiPlaygroundInputs", inputs)
	return nil
}

// isMintlifyWildcard reports whether a group is the wildcard. It ignores white space, because
// Mintlify does not document whether it trims groups.
func isMintlifyWildcard(group string) bool { return strings.TrimSpace(group) == "*" }

// mintlifyAuthorization returns a key as the value of an Authorization header (RFC 6750, RFC 7617),
// or "" if it does not belong there.
func mintlifyAuthorization(key docslogin.APIKey) string {
	switch {
	case isBearer(key):
		return "Bearer " + key.Key
	case key.Username+key.Password != "":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(key.Username+":"+key.Password))
	}
	return ""
}
