package platforms

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
)

// Fern returns the preset for Fern's authentication by JWT. docsURL is the docs' base URL, with its
// base path if it has one. secret is the one that Fern gave you. Its characters are the key,
// although they look like base64.
//
// The token is signed with HS256 and goes to
// {docsURL}/api/fern-docs/auth/jwt/callback?fern_token={token}&state={state}, where state is the
// deep link as an absolute URL. The deep link arrives in state. If Fern configured another
// returnToQueryParam for the site, set DeepLink.In and DeepLink.Out to that name. (Fern also sends a
// redirect_uri, which is ignored.)
//
// Fern also accepts a form that is posted to the same page, with the fields fern_token and state.
// It keeps the token out of URLs, and so out of the log of the docs' host. To use it, set Carrier to
// docslogin.InForm("fern_token"). Fern documents the form for docs that you host yourself, and its
// published code accepts it elsewhere too. That code answers with a 307 redirect, after which a
// browser may repeat the POST, with the token, at the docs page.
//
// The token is the docs session: exp is its end (after one day, see [docslogin.WithSessionTTL], or
// at User.ExpiresAt if that is sooner). Fern keeps the session in one cookie, so a token of more than
// 4,000 bytes is rejected (too_large). iss is https://buildwithfern.com. If you agreed on another
// issuer with Fern, set it: platform.Static["iss"] = "…". The token contains iss, iat, exp, and
// these claims about the user, of which fern is always there:
//
//	Groups                      fern.roles
//	Name, Email                 fern.name, fern.email
//	API keys                    fern.playground.initial_state.auth: see below
//	ID, Attributes              not sent
//
// The Key of an API key is auth.bearer_token. If several API keys have a Key, Fern lets the reader
// choose one by its Name. Each of them then needs a unique Name, and bearer_token is a JSON array of
// objects in a string: [{"Live":"sk_1"},{"Test":"sk_2"}]. The first API key with a Username or a
// Password is auth.basic: username and password. Both can be there: each fills the requests that use
// its scheme. The Values of API keys and all other credentials are not sent.
//
// No field is required.
//
// Sources: Fern's pages on authentication with a JWT, on self-hosted docs, and on API keys in the
// API explorer; the published code of its docs.
func Fern(docsURL, secret string) docslogin.Platform {
	return docslogin.Platform{
		Name:          "Fern",
		DocsURL:       docsURL,
		Callback:      "/api/fern-docs/auth/jwt/callback",
		Algorithm:     jose.HS256,
		Key:           docslogin.Secret(secret),
		Carrier:       docslogin.InQuery("fern_token"),
		DeepLink:      docslogin.DeepLink{In: "state", Out: "state", Form: docslogin.AsURL},
		Lifetime:      docslogin.Lifetime{Session: 24 * time.Hour, SessionClaim: "exp"},
		Static:        docslogin.Claims{"iss": "https://buildwithfern.com"},
		MaxTokenBytes: 4000,
		Mapper:        fernClaims,
	}
}

func fernClaims(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
	fern := claims.Object("fern") // required, even if it is empty
	setString(fern, "name", user.Name)
	setString(fern, "email", user.Email)
	setGroups(fern, "roles", user)
	auth := docslogin.Claims{}
	token, err := fernBearerToken(user.APIKeys)
	if err != nil {
		return err
	}
	setString(auth, "bearer_token", token)
	for _, key := range user.APIKeys {
		if key.Username+key.Password != "" {
			auth["basic"] = docslogin.Claims{"username": key.Username, "password": key.Password}
			break
		}
	}
	if len(auth) > 0 {
		fern.Object("playground").Object("initial_state")["auth"] = auth
	}
	return nil
}

// fernBearerToken returns the Key of the only key that has one, or a JSON array of all, which Fern
// shows by their names.
func fernBearerToken(keys []docslogin.APIKey) (string, error) {
	keys = slices.DeleteFunc(slices.Clone(keys), func(key docslogin.APIKey) bool { return key.Key == "" })
	switch len(keys) {
	case 0:
		return "", nil
	case 1:
		return keys[0].Key, nil
	}
	tokens := make([]map[string]string, len(keys))
	names := map[string]bool{"": true}
	for i, key := range keys {
		if names[key.Name] {
			return "", fmt.Errorf("docslogin: API key %d of the %d that have a Key has no Name of its own, which Fern needs where there are several", i+1, len(keys))
		}
		names[key.Name] = true
		tokens[i] = map[string]string{key.Name: key.Key}
	}
	text, err := json.Marshal(tokens)
	return string(text), err
}
