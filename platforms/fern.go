package platforms

import (
	"context"
	"encoding/json"
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
// returnToQueryParam for your site, set DeepLink.In and DeepLink.Out to that name. (Fern also sends
// a redirect_uri, which is ignored.)
//
// Fern also accepts a form that is posted to the same URL, with the fields fern_token and state.
// The form keeps the token out of URLs, and so out of the log of the docs' host. To use it, set
// Carrier to docslogin.InForm("fern_token"). Fern documents the form only for docs that you host
// yourself, but its published code accepts it for other docs, too. That code responds with a 307
// redirect, so a browser may repeat the POST, with the token, at the docs page.
//
// If the app and the docs share a parent domain, the app can set Fern's cookie itself, as Fern's setup
// page shows. Then no URL contains the token, and the route redirects to the deep link's page:
//
//	platform.Carrier = docslogin.InCookie("fern_token", "example.com")
//	platform.Callback, platform.DeepLink.Out = "", ""
//
// Let nothing else set a cookie with that name, because Fern reads the one that the browser sends last.
// If Fern rejects the token, the reader is logged out: a private page leads to the route again.
//
// The token is the docs session: exp is its end (after one day, see [docslogin.WithSessionTTL], or
// at User.ExpiresAt if that is sooner). Fern keeps the session in one cookie, so a token of more
// than 4,000 bytes is rejected (too_large). iss is https://buildwithfern.com. If you agreed on
// another issuer with Fern, set it: platform.Static["iss"] = "…". The token contains iss, iat, exp,
// and fern, which Fern requires even if it is empty. These are the claims about the user:
//
//	Groups                      fern.roles
//	Name, Email                 fern.name, fern.email
//	API keys                    fern.playground.initial_state.auth and headers: see below
//	ID, Attributes              not sent
//
// The Key of an API key without a Header becomes auth.bearer_token. If there are several such API keys,
// Fern lets the reader choose one by its Name. Then each of them needs a unique Name, and bearer_token is
// a string with a JSON array: [{"Live":"sk_1"},{"Test":"sk_2"}]. The first API key with a Username or a
// Password becomes auth.basic, with username and password. If both are sent, each fills the requests
// that use its scheme.
//
// The Key of an API key with a Header becomes headers.{Header}. Each of Values becomes headers.{name} if
// its name is a valid header name. Numbers and booleans become text; objects and lists are not sent. If
// several set the same header, the first API key takes precedence. Within one API key, Key takes
// precedence over Values. Other credentials are not sent.
//
// Fern fills in a header only if the API definition declares it for the endpoint or for the whole API,
// under exactly the same name. It does not document whether a header also fills an authentication scheme.
// Versions of its published code differ in that, so try it with your docs.
//
// No particular field is required. The app's own mappers can fill in more, such as parameters, which Fern
// does not take from headers:
//
//	state := claims.Object("fern").Object("playground").Object("initial_state")
//	state.Object("path_parameters")["account"] = account
//	state.Object("query_parameters")["region"] = "eu"
//
// Next to initial_state, env_state has such a state for each environment, under a part of the
// environment's URL.
//
// [docslogin.Middleware.LogoutURL] returns {docsURL}/api/fern-docs/auth/logout, which deletes Fern's
// cookie. Then it redirects to the logout URL that you agreed on with Fern, and adds state, a page of
// the docs, if the request has it. Without a logout URL, it redirects to that page, or else to the docs'
// home page.
//
// Sources: Fern's pages on authentication with a JWT, on self-hosted docs, and on API keys in the
// API explorer, and the published code of its docs.
func Fern(docsURL, secret string) docslogin.Platform {
	return docslogin.Platform{
		Name:          "Fern",
		DocsURL:       docsURL,
		Callback:      "/api/fern-docs/auth/jwt/callback",
		Algorithm:     jose.HS256,
		Key:           docslogin.Secret(secret),
		Carrier:       docslogin.InQuery("fern_token"),
		DeepLink:      docslogin.DeepLink{In: "state", Out: "state", Form: docslogin.AsURL},
		Logout:        "/api/fern-docs/auth/logout",
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
	headers, _, err := inputsOf(user.APIKeys, func(docslogin.APIKey) string { return "" }) // that is in auth
	if err != nil {
		return err
	}
	state := docslogin.Claims{}
	setObject(state, "auth", auth)
	setObject(state, "headers", headers)
	if len(state) > 0 {
		fern["playground"] = docslogin.Claims{"initial_state": state}
	}
	return nil
}

// fernBearerToken returns the Key of the only bearer token. If there are several, it returns a JSON
// array of them, which Fern shows by name.
func fernBearerToken(keys []docslogin.APIKey) (string, error) {
	var tokens []map[string]string
	only := ""
	for _, key := range keys {
		if isBearer(key) {
			tokens = append(tokens, map[string]string{key.Name: key.Key})
			only = key.Key
		}
	}
	if len(tokens) < 2 {
		return only, nil
	}
	if err := checkNames("Fern", keys, isBearer); err != nil {
		return "", err
	}
	for _, key := range keys {
		if err := checkPrototype("API key's Name", key.Name, nil); err != nil && isBearer(key) {
			return "", err
		}
	}
	text, err := json.Marshal(tokens)
	return string(text), err
}
