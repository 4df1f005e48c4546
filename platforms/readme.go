package platforms

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
)

// ReadMe returns the preset for ReadMe's custom login. docsURL is the docs' base URL; for an
// enterprise child project, it includes the project's path. secret is the project's JWT secret as
// the dashboard shows it.
//
// The token is signed with HS256, expires after five minutes, and goes to
// {docsURL}?auth_token={token}&redirect={path}. The length of the docs session is a setting of the
// project, so [docslogin.WithSessionTTL] is a configuration error. The token contains version (1),
// iat, exp, a jti, and these claims about the user:
//
//	Name, else Email     name, required
//	Email                email, required
//	Attributes           the top level, each under its own name
//	the first API key    the top level: apiKey: Key; user and pass: Username and Password;
//	                     each of Values under its own name
//	several API keys     also keys: for each, name: Name, and the same members
//	ID, Groups           not sent
//
// ReadMe fills apiKey into API key, bearer, and OAuth 2.0 schemes, and adds "Bearer " to the last
// two. It fills user and pass into HTTP Basic schemes. A value fills the security scheme or server
// variable with the same name, instead of these. The value of an HTTP Basic scheme is
// {"user": …, "pass": …}. If Username and Password are empty, and only one value is such a
// credential, user and pass come from it.
//
// If a user has several API keys, each needs a unique Name. Requests are filled from the key that
// the reader selects, by default the first. Server variables and code blocks in pages are filled
// from the first key. The text of pages is filled from the selected key, or from the first one if
// that lacks the member. There, <<name>> is the Name of the key, not of the reader.
//
// An attribute named name, email, apiKey, user, pass, keys, parameters, isAdmin, isReadOnly, or
// allowedProjects is an error. So is a value of an API key with one of these names, except apiKey,
// user, and pass. The value apiKey must be a string. Only the app's own mappers can set a claim that
// grants a privilege.
//
// Sources: ReadMe's pages on custom login and on the data that it takes from a JWT, and its published
// packages. They do not document whether exp is honored or whether a reused jti is rejected.
func ReadMe(docsURL, secret string) docslogin.Platform {
	return docslogin.Platform{
		Name:      "ReadMe",
		DocsURL:   docsURL,
		Algorithm: jose.HS256,
		Key:       docslogin.Secret(secret),
		Carrier:   docslogin.InQuery("auth_token"),
		DeepLink:  docslogin.DeepLink{In: "redirect", Out: "redirect", Form: docslogin.AsPath},
		Lifetime:  docslogin.Lifetime{Token: 5 * time.Minute},
		TokenID:   true,
		Static:    docslogin.Claims{"version": 1},
		Required:  []string{"name", "email"},
		Mapper:    readMeClaims,
	}
}

// ReadMeInfo returns the user-related part of the [ReadMe] preset, for docs that request it from the
// app instead of taking a token: see package webhook. It takes no arguments.
func ReadMeInfo() docslogin.Platform {
	return docslogin.Platform{
		Name: "ReadMe",
		// These accept the same options and reserve the same claims as for a token.
		Lifetime: docslogin.Lifetime{Token: 5 * time.Minute},
		TokenID:  true,
		Static:   docslogin.Claims{"version": 1},
		Required: []string{"name", "email"},
		Mapper:   readMeClaims,
	}
}

// The claims to which ReadMe gives a meaning, without and with those that a key may set.
var (
	readMePrivileges = []string{"name", "email", "keys", "parameters", "isAdmin", "isReadOnly", "allowedProjects"}
	readMeReserved   = append([]string{"apiKey", "user", "pass"}, readMePrivileges...)
)

func readMeClaims(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
	setString(claims, "name", cmp.Or(user.Name, user.Email))
	setString(claims, "email", user.Email)
	if err := addValues(claims, "attribute", user.Attributes, readMeReserved...); err != nil {
		return err
	}
	if len(user.APIKeys) == 0 {
		return nil
	}
	// Code blocks in pages read only the top level.
	if err := addReadMeKey(claims, user.APIKeys[0]); err != nil || len(user.APIKeys) == 1 {
		return err
	}
	keys := make([]docslogin.Claims, 0, len(user.APIKeys))
	names := map[string]bool{}
	for i, key := range user.APIKeys {
		if key.Name == "" || names[key.Name] {
			return fmt.Errorf("docslogin: API key %d of %d has no Name of its own, which ReadMe needs where there are several", i+1, len(user.APIKeys))
		}
		names[key.Name] = true
		entry := docslogin.Claims{"name": key.Name}
		if err := addReadMeKey(entry, key); err != nil {
			return err
		}
		keys = append(keys, entry)
	}
	claims["keys"] = keys
	return nil
}

// addReadMeKey adds a key to the top level or to an entry of keys.
func addReadMeKey(claims docslogin.Claims, key docslogin.APIKey) error {
	setString(claims, "apiKey", key.Key)
	if user, pass := readMeBasic(key); user+pass != "" {
		claims["user"], claims["pass"] = user, pass
	}
	if err := addValues(claims, "API key's value", key.Values, readMePrivileges...); err != nil {
		return err
	}
	if value, ok := claims["apiKey"]; ok {
		if _, ok := value.(string); !ok {
			return errors.New(`docslogin: the API key's value "apiKey" is not a string; for HTTP Basic, set Username and Password instead`)
		}
	}
	return nil
}

// readMeBasic returns the HTTP Basic credential of a key: Username and Password, or else the only
// value that is such a credential, for pages and for other schemes.
func readMeBasic(key docslogin.APIKey) (user, pass string) {
	if key.Username+key.Password != "" {
		return key.Username, key.Password
	}
	found := 0
	for _, value := range key.Values {
		copied, _ := copyJSON(value) // addValues reports the error
		object, _ := copied.(map[string]any)
		if name, ok := object["user"].(string); ok {
			user = name
			pass, _ = object["pass"].(string)
			found++
		}
	}
	if found > 1 {
		return "", ""
	}
	return user, pass
}
