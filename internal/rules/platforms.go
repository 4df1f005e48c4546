package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// ReadMe is ReadMe's custom login (ReadMe's page on custom login).
func ReadMe() Platform {
	return Platform{
		Name: "ReadMe",
		Flag: "readme",
		Wire: Wire{
			Query: "auth_token",
			Link:  "redirect",
		},
		Algorithms: []string{"HS256"},
		Required:   []string{"name", "email"},
		Version:    "1",
		Claims: []Claim{
			{"apiKey", aStringOrObject},
			{"user", aString},
			{"pass", aString},
			{"keys", aListOfObjects},
			{"parameters", anObject},
			{"isAdmin", aBool},
			{"isReadOnly", aBool},
			{"allowedProjects", aList},
		},
		Checks: []Check{checkReadMeKeys, checkReadMeKey},
	}
}

// Mintlify is Mintlify's authentication by JWT (Mintlify's page on JWT
// authentication).
func Mintlify() Platform {
	return Platform{
		Name: "Mintlify",
		Flag: "mintlify",
		Wire: Wire{
			Callback: "/login/jwt-callback",
			Fragment: true,
			Link:     "redirect",
		},
		Algorithms:   []string{"EdDSA"},
		RequiredExp:  true,
		MaxLifetime:  10 * time.Second,
		HostClaim:    "host",
		SessionClaim: "expiresAt",
		Claims: []Claim{
			{"groups", aListOfStrings},
			{"content", anObject},
			{"apiPlaygroundInputs", objectOf(
				Claim{"server", anObject},
				Claim{"header", anObject},
				Claim{"query", anObject},
				Claim{"cookie", anObject},
				Claim{"path", anObject},
			)},
		},
		Checks: []Check{checkMintlifyInputs},
	}
}

// MintlifyPersonalization is Mintlify's personalization of public docs by JWT
// (Mintlify's page on personalization).
func MintlifyPersonalization() Platform {
	p := Mintlify()
	p.Name, p.Flag = "Mintlify personalization", "mintlify-personalization"
	p.Wire = Wire{Fragment: true, Link: "redirect", ToPage: true}
	p.Algorithms = []string{"ES256"}
	p.HostClaim = ""
	return p
}

// GitBook is GitBook's authenticated access (GitBook's pages on authenticated
// access and on adaptive content).
func GitBook() Platform {
	return Platform{
		Name: "GitBook",
		Flag: "gitbook",
		Wire: Wire{
			Query:  "jwt_token",
			Link:   "location",
			ToPage: true,
			RefusedParams: map[string]string{
				"access_token": "GitBook would take it instead of the token",
				"visitor.…":    "GitBook would take it for a claim, which nobody signed",
			},
		},
		Algorithms:    []string{"HS256"},
		MaxTokenBytes: 4000,
		SessionClaim:  "exp",
		Checks:        []Check{checkGitBookLists},
	}
}

// Fern is Fern's authentication by JWT (Fern's page on it). Another issuer may
// be agreed upon.
func Fern() Platform {
	return Platform{
		Name: "Fern",
		Flag: "fern",
		Wire: Wire{
			Callback: "/api/fern-docs/auth/jwt/callback",
			Query:    "fern_token",
			Link:     "state",
			Back:     AsURL,
		},
		Algorithms:    []string{"HS256"},
		MaxTokenBytes: 4000,
		Issuer:        "https://buildwithfern.com",
		SessionClaim:  "exp",
		Claims: []Claim{
			{"fern", objectOf(
				Claim{"name", aString},
				Claim{"email", aString},
				Claim{"roles", aListOfStrings},
				Claim{"playground", objectOf(
					Claim{"initial_state", objectOf(
						Claim{"auth", objectOf(
							Claim{"bearer_token", aString},
							Claim{"basic", objectOf(
								Claim{"username", aString},
								Claim{"password", aString},
							)},
						)},
						Claim{"headers", anObjectOfStrings},
						Claim{"path_parameters", anObject},
						Claim{"query_parameters", anObject},
					)},
				)},
			)},
		},
	}
}

// Zendesk is JWT single sign-on at a Zendesk help center (Zendesk's page on it).
func Zendesk() Platform {
	return Platform{
		Name: "Zendesk",
		Flag: "zendesk",
		Wire: Wire{
			Callback:   "/access/jwt",
			Form:       "jwt",
			Link:       "return_to",
			Back:       AsGiven,
			OtherHosts: true,
		},
		Algorithms:   []string{"HS256"},
		RequiredType: true,
		RequiredIat:  true,
		MaxAge:       3 * time.Minute,
		MaxAhead:     3 * time.Minute,
		Required:     []string{"jti", "name", "email"},
		Claims: []Claim{
			{"external_id", anything},
			{"organization", anything},
			{"organizations", anything},
			{"organization_id", anything},
			{"organization_ids", anything},
			{"phone", anything},
			{"tags", anything},
			{"role", anything},
			{"locale", anything},
			{"remote_photo_url", anything},
			{"user_fields", anObject},
		},
	}
}

// HelpScout is Help Scout's restricted Docs (Help Scout's page on it).
func HelpScout() Platform {
	return Platform{
		Name: "Help Scout",
		Flag: "helpscout",
		Wire: Wire{
			Callback: "/authcallback",
			Query:    "token",
			Link:     "returnTo",
		},
		Algorithms:   []string{"HS512"},
		RequiredExp:  true,
		SessionClaim: "exp",
		Required:     []string{"sub"},
		Checks:       []Check{checkHelpScoutUser},
	}
}

// DeveloperHub is DeveloperHub's access by JWT (DeveloperHub's page on it).
func DeveloperHub() Platform {
	return Platform{
		Name: "DeveloperHub",
		Flag: "developerhub",
		Wire: Wire{
			Query:  "jwt",
			Link:   "redirect",
			ToPage: true,
		},
		Algorithms:   []string{"HS256", "HS512"},
		RequiredExp:  true,
		SessionClaim: "exp",
		Version:      "1",
		Claims: []Claim{
			{"vars", anObject},
			{"error_redirect_url", aString},
		},
	}
}

// Canny is Canny's single sign-on (Canny's page on it).
func Canny() Platform {
	return Platform{
		Name: "Canny",
		Flag: "canny",
		Wire: Wire{
			Callback:      "/api/redirects/sso",
			Host:          "canny.io",
			Query:         "ssoToken",
			Link:          "redirect",
			Back:          AsURL,
			RequiredParam: "companyID",
		},
		Algorithms: []string{"HS256"},
		Required:   []string{"id", "name", "email"},
	}
}

// Featurebase is Featurebase's single sign-on (Featurebase's page on it).
func Featurebase() Platform {
	return Platform{
		Name: "Featurebase",
		Flag: "featurebase",
		Wire: Wire{
			Callback: "/api/v1/auth/access/jwt",
			Query:    "jwt",
			Link:     "return_to",
			Back:     AsURL,
		},
		Algorithms: []string{"HS256"},
		Claims: []Claim{
			{"email", aString},
			{"userId", aString},
			{"name", aString},
		},
		Checks: []Check{checkFeaturebaseUser},
	}
}

// Metabase is Metabase's sign-in by JWT (Metabase's page on it). What it says of
// a clock that is ahead is not documented.
func Metabase() Platform {
	return Platform{
		Name: "Metabase",
		Flag: "metabase",
		Wire: Wire{
			Callback: "/auth/sso",
			Query:    "jwt",
			Link:     "return_to",
			Back:     AsGiven,
		},
		Algorithms: []string{"HS256"},
		MaxAge:     3 * time.Minute,
		Required:   []string{"email"},
		Claims: []Claim{
			{"first_name", aString},
			{"last_name", aString},
			{"groups", aListOfStrings},
		},
	}
}

// A Type is what a claim's value has to be.
type Type struct {
	name    string // reads on after "is not"
	is      func(v any) bool
	members []Claim // of an object, each looked at if present
}

// checkClaims looks at those of the claims, or of an object's members, that are there.
func checkClaims(prefix string, object map[string]any, claims []Claim) []Finding {
	var out []Finding
	for _, c := range claims {
		v, ok := object[c.Name]
		if !ok {
			continue
		}
		c.Name = prefix + c.Name
		out = append(out, c.check(v))
		members, _ := v.(map[string]any)
		out = append(out, checkClaims(c.Name+".", members, c.Type.members)...)
	}
	return out
}

func (c Claim) check(v any) Finding {
	if c.Type.is(v) {
		return pass(c.Name, c.Name+" is "+c.Type.name+".")
	}
	return fail(c.Name, c.Name+" is not "+c.Type.name+".", "Send "+c.Name+" as "+c.Type.name+", or not at all.")
}

var (
	anything          = Type{name: "there", is: func(any) bool { return true }} // its type is not documented
	aString           = Type{name: "a string", is: is[string]}
	aBool             = Type{name: "true or false", is: is[bool]}
	anObject          = objectOf()
	anObjectOfStrings = Type{name: "an object of strings", is: isObjectOfStrings}
	aList             = Type{name: "a list", is: is[[]any]}
	aStringOrObject   = Type{name: "a string or an object with user and pass", is: func(v any) bool { return is[string](v) || is[map[string]any](v) }}
	aListOfStrings    = Type{name: "a list of strings", is: listOf(is[string])}
	aListOfObjects    = Type{name: "a list of objects", is: listOf(is[map[string]any])}
)

func objectOf(members ...Claim) Type {
	return Type{name: "an object", is: is[map[string]any], members: members}
}

func is[T any](v any) bool {
	_, ok := v.(T)
	return ok
}

func listOf(is func(any) bool) func(any) bool {
	return func(v any) bool {
		list, ok := v.([]any)
		for _, e := range list {
			ok = ok && is(e)
		}
		return ok
	}
}

func isObjectOfStrings(v any) bool {
	object, ok := v.(map[string]any)
	for _, member := range object {
		ok = ok && is[string](member)
	}
	return ok
}

// checkReadMeKeys is for several keys, of which the reader picks one by name.
func checkReadMeKeys(claims map[string]any) []Finding {
	keys, _ := claims["keys"].([]any)
	if len(keys) == 0 || !aListOfObjects.is(claims["keys"]) {
		return nil
	}
	var out []Finding
	seen := map[string]bool{}
	for i, k := range keys {
		name, _ := k.(map[string]any)["name"].(string)
		fix := "Give every entry of keys a name of its own."
		if strings.TrimSpace(name) == "" {
			out = append(out, fail("keys", fmt.Sprintf("Entry %d of keys has no name.", i+1), fix))
		} else if seen[name] {
			out = append(out, fail("keys", fmt.Sprintf("Entry %d of keys has the name of an earlier one.", i+1), fix))
		}
		seen[name] = true
	}
	if len(keys) == 1 {
		out = append(out, warn("keys", "keys has one entry, which leaves code samples unfilled.", "Send a single key at the top level, as apiKey or as user and pass."))
	}
	for _, name := range []string{"apiKey", "user", "pass"} {
		if _, ok := claims[name]; ok {
			out = append(out, warn("keys", "keys hides the top-level "+name+": requests are filled from the chosen entry only.", "Move "+name+" into the entries of keys."))
		}
	}
	return out
}

// checkReadMeKey is about forms of a single key that fill in less than meant.
func checkReadMeKey(claims map[string]any) []Finding {
	switch k := claims["apiKey"].(type) {
	case string:
		if strings.HasPrefix(k, "Bearer ") {
			return []Finding{warn("apiKey", "apiKey begins with Bearer, which ReadMe puts in front itself.", "Send the bare key.")}
		}
	case map[string]any:
		if !is[string](claims["user"]) || !is[string](claims["pass"]) {
			return []Finding{warn("apiKey", "apiKey is an object, which fills only a security scheme that is itself named apiKey.", "Send user and pass at the top level too.")}
		}
	}
	return nil
}

func checkMintlifyInputs(claims map[string]any) []Finding {
	inputs, _ := claims["apiPlaygroundInputs"].(map[string]any)
	places := []string{"server", "header", "query", "cookie", "path"}
	var out []Finding
	for name := range inputs {
		if !slices.Contains(places, name) {
			out = append(out, warn("apiPlaygroundInputs", "apiPlaygroundInputs has a member that is none of "+strings.Join(places, ", ")+".",
				"Name its members by where the value goes, and put the parameter's name inside: {\"header\": {\"X-Api-Key\": …}}."))
			break
		}
	}
	header, _ := inputs["header"].(map[string]any)
	if s, ok := header["Authorization"].(string); ok && !strings.Contains(s, " ") {
		out = append(out, warn("apiPlaygroundInputs.header", "Authorization has no scheme in front of the credential.", "Write \"Bearer \" before the key, as Mintlify's samples do."))
	}
	return out
}

// checkGitBookLists is about attributes that arrive and are of no use.
func checkGitBookLists(claims map[string]any) []Finding {
	var out []Finding
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		if aList.is(claims[name]) {
			out = append(out, warn("list", fmt.Sprintf("%.40q is a list, which conditions in pages cannot use.", name),
				"Send a truth value or a string of its own for each thing that pages ask for."))
		}
	}
	return out
}

// checkHelpScoutUser is about the one claim by which the reader is known.
func checkHelpScoutUser(claims map[string]any) []Finding {
	if s, _ := claims["sub"].(string); s != "" && !strings.Contains(s, "@") {
		return []Finding{warn("sub", "sub is not an e-mail address, by which Help Scout knows the reader.", "Send the user's e-mail address as sub.")}
	}
	return nil
}

// checkFeaturebaseUser wants to know the reader by at least one of two claims.
func checkFeaturebaseUser(claims map[string]any) []Finding {
	known := func(name string) bool {
		s, _ := claims[name].(string)
		return strings.TrimSpace(s) != ""
	}
	const fix = "Send both email and userId for every user."
	switch email, id := known("email"), known("userId"); {
	case email && id:
		return []Finding{pass("email", "email and userId are there.")}
	case email || id:
		return []Finding{warn("email", "The token has only one of email and userId.", fix)}
	}
	return []Finding{fail("email", "The token has neither email nor userId.", fix)}
}
