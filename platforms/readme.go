package platforms

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/jsonvalue"
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
//	first API key        the top level, Key as apiKey, Username and Password as user and pass,
//	                     and each of Values under its own name
//	several API keys     also keys, with an entry for each: Name as name, and the same members
//	ID, Groups           not sent
//
// ReadMe fills apiKey into API key, bearer, and OAuth 2.0 schemes, and adds "Bearer " to the last
// two. The scheme names the header, so the Header of an API key is not sent. ReadMe fills user and
// pass into HTTP Basic schemes. A value fills the security scheme or server variable with the same
// name, and takes precedence there. It does not fill the header with that name. The value of an HTTP
// Basic scheme is {"user": …, "pass": …}. If Username and Password are empty, and only one value is
// such a credential, user and pass come from it.
//
// If a user has several API keys, each needs a unique Name. ReadMe fills requests from the key that
// the reader selects, by default the first. It fills server variables and code blocks in pages from
// the first key. It fills the text of pages from the selected key, or from the first one if the
// selected one lacks the member. In that text, <<name>> is the Name of the key, not of the reader.
//
// An attribute named name, email, apiKey, user, pass, keys, parameters, isAdmin, isReadOnly, or
// allowedProjects is an error. So is a value of an API key with one of these names, except apiKey,
// user, and pass, which must be strings. So is a value of the first API key that has the name of an
// attribute. A value with the name of a reserved claim (version, iat, exp, nbf, or jti) is an
// error if the user has only one API key. If there are several, the value is sent only in keys.
//
// Only the app's own mappers can set a claim that grants a privilege. In an enterprise group, a new
// reader without the claim allowedProjects sees "Protected Page".
//
// Sources: ReadMe's pages on custom login and on the data that it reads from a JWT, and its
// published packages. They do not document whether exp is honored or whether a reused jti is
// rejected.
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

// readMePrivileges and readMeReserved are the claims to which ReadMe gives a meaning, without and
// with those that a value of an API key may set.
var (
	readMePrivileges = []string{"name", "email", "keys", "parameters", "isAdmin", "isReadOnly", "allowedProjects"}
	readMeReserved   = append([]string{"apiKey", "user", "pass"}, readMePrivileges...)
)

// readMeOwned are the reserved claims, which the library writes.
var readMeOwned = []string{"version", "iat", "exp", "nbf", "jti"}

func readMeClaims(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
	setString(claims, "name", cmp.Or(user.Name, user.Email))
	setString(claims, "email", user.Email)
	if err := addValues(claims, "attribute", user.Attributes, readMeReserved...); err != nil {
		return err
	}
	if len(user.APIKeys) == 0 {
		return nil
	}
	first := user.APIKeys[0]
	if len(user.APIKeys) == 1 {
		return addReadMeKey(claims, first)
	}
	if err := checkNames("ReadMe", user.APIKeys, func(docslogin.APIKey) bool { return true }); err != nil {
		return err
	}
	keys := make([]docslogin.Claims, 0, len(user.APIKeys))
	for _, key := range user.APIKeys {
		entry := docslogin.Claims{"name": key.Name}
		if err := addReadMeKey(entry, key); err != nil {
			return err
		}
		keys = append(keys, entry)
	}
	claims["keys"] = keys
	// Code blocks in pages read only the top level, where a value may have the name of a reserved claim.
	first.Values = maps.Clone(first.Values)
	maps.DeleteFunc(first.Values, func(name string, _ any) bool { return slices.Contains(readMeOwned, name) })
	return addReadMeKey(claims, first)
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
	for _, name := range []string{"apiKey", "user", "pass"} {
		if value, ok := claims[name]; ok && !isString(value) {
			return fmt.Errorf("docslogin: the API key's value %q is not a string; for HTTP Basic, set Username and Password instead", name)
		}
	}
	return nil
}

func isString(value any) bool {
	_, ok := value.(string)
	return ok
}

// readMeBasic returns the HTTP Basic credential of a key: Username and Password, or else the only
// value that is such a credential. Pages and other schemes show it, too.
func readMeBasic(key docslogin.APIKey) (user, pass string) {
	if key.Username+key.Password != "" {
		return key.Username, key.Password
	}
	found := 0
	for _, value := range key.Values {
		copied, _ := jsonvalue.Copy(value) // addValues reports the error
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
