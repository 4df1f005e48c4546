package platforms

import (
	"cmp"
	"context"
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
//	one API key          apiKey: Key; its Name is not sent
//	                     user and pass: Username and Password; apiKey: both as an object
//	                     the top level: Values
//	several API keys     keys: for each, name, apiKey or user and pass, and Values
//	ID, Groups           not sent
//
// A value of an API key fills the security scheme or server variable with the same name. The value
// of an HTTP Basic scheme is {"user": …, "pass": …}. If there is such a value, apiKey is not sent
// as an object, which pages would show as "[object Object]". If Username and
// Password are also empty, and only one value is such a credential, user and pass come from it.
//
// If a user has several API keys, each needs a unique Name. An attribute named name, email, apiKey,
// user, pass, keys, parameters, isAdmin, isReadOnly, or allowedProjects is an error. So is a value
// of a single API key with one of these names, except apiKey, user, and pass. Only the app's own
// mappers can set a claim that grants a privilege.
//
// Sources: ReadMe's pages on custom login and on the data that it takes from a JWT. They do not
// document whether exp is honored or whether a reused jti is rejected.
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

// The top-level claims to which ReadMe gives a meaning, without and with those that a key may set.
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
	if len(user.APIKeys) == 1 {
		return addReadMeKey(claims, user.APIKeys[0])
	}
	keys := make([]docslogin.Claims, 0, len(user.APIKeys))
	names := map[string]bool{}
	for i, key := range user.APIKeys {
		if key.Name == "" || names[key.Name] {
			return fmt.Errorf("docslogin: API key %d of %d has no Name of its own, which ReadMe needs where there are several", i+1, len(user.APIKeys))
		}
		names[key.Name] = true
		entry := docslogin.Claims{"name": key.Name}
		if err := addReadMeCredentials(entry, key); err != nil {
			return err
		}
		keys = append(keys, entry)
	}
	if len(keys) > 0 {
		claims["keys"] = keys
	}
	return nil
}

// addReadMeKey adds a user's only key to the top level.
func addReadMeKey(claims docslogin.Claims, key docslogin.APIKey) error {
	if name, pass, hasValue := readMeBasic(key); name+pass != "" && key.Key == "" && !hasValue {
		claims["apiKey"] = docslogin.Claims{"user": name, "pass": pass}
	}
	return addReadMeCredentials(claims, key, readMePrivileges...)
}

// addReadMeCredentials adds what a key at the top level and an entry of keys have in common.
func addReadMeCredentials(claims docslogin.Claims, key docslogin.APIKey, reserved ...string) error {
	setString(claims, "apiKey", key.Key)
	if user, pass, _ := readMeBasic(key); user+pass != "" {
		claims["user"], claims["pass"] = user, pass
	}
	return addValues(claims, "API key's value", key.Values, reserved...)
}

// readMeBasic returns the HTTP Basic credential of a key: Username and Password, or else the only
// value that is such a credential. hasValue reports whether there is such a value.
func readMeBasic(key docslogin.APIKey) (user, pass string, hasValue bool) {
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
	if key.Username+key.Password != "" || found > 1 {
		user, pass = key.Username, key.Password
	}
	return user, pass, found > 0
}
