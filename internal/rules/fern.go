package rules

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Fern returns the rules of Fern's authentication by JWT. A customer may agree with Fern on another
// issuer.
//
// Sources: Fern's pages on authentication with a JWT, on self-hosted docs, and on API keys in the
// API explorer; for deep links, the published code of its docs (jwt/callback/route.ts, safeUrl.ts,
// and FernNextResponse.ts in fern-api/fern-platform). That code also accepts deep links to the hosts
// of the login URL and of the logout URL, which these rules do not know.
func Fern() Platform {
	state := objectOf(
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
	)
	return Platform{
		Name: "Fern",
		Wire: Wire{
			Callback:   "/api/fern-docs/auth/jwt/callback",
			Query:      "fern_token",
			AlsoForm:   true,
			Cookie:     "fern_token",
			Link:       "state",
			Back:       AsURL,
			RejectLink: rejectFernLink,
			LinkStatus: http.StatusForbidden,
			LinkSilent: true,
			Logout:     "/api/fern-docs/auth/logout",
		},
		Algorithms:    []string{"HS256"},
		MaxTokenBytes: 4000,
		RequiredExp:   true,
		RequiredIat:   true,
		Issuer:        "https://buildwithfern.com",
		Objects:       []string{"fern"}, // the page requires it; the published verifier accepts a token without it
		SessionClaim:  "exp",
		Claims: []Claim{
			{"fern", objectOf(
				Claim{"name", aString},
				Claim{"email", aString},
				Claim{"roles", aListOfStrings},
				Claim{"playground", objectOf(
					Claim{"initial_state", state},
					Claim{"env_state", objectOfEach("an object of states like initial_state", state)},
				)},
			)},
		},
		Checks: []Check{checkFernTokens, checkFernHeaders},
	}
}

// checkFernTokens warns about a bearer token that looks like a list of tokens but is not one.
func checkFernTokens(claims map[string]any) []Finding {
	const rule = "fern.playground.initial_state.auth.bearer_token"
	token, _ := objectAt(claims, "fern", "playground", "initial_state", "auth")["bearer_token"].(string)
	if !strings.HasPrefix(token, "[") {
		return nil
	}
	if _, isList := FernTokens(token); !isList {
		return []Finding{warn(rule, rule+" begins with [ but is not a list of named tokens, so pages show it as one token.",
			`Send a string with a JSON array that has an object for each token, such as [{"Live":"…"},{"Test":"…"}].`)}
	}
	return []Finding{pass(rule, rule+" is a list of named tokens.")}
}

// checkFernHeaders warns about headers that Fern cannot fill in.
func checkFernHeaders(claims map[string]any) []Finding {
	return checkHeaders("fern.playground.initial_state.headers", objectAt(claims, "fern", "playground", "initial_state", "headers"))
}

// objectAt returns the object at a path in the claims, or nil.
func objectAt(claims map[string]any, path ...string) map[string]any {
	for _, name := range path {
		claims, _ = claims[name].(map[string]any)
	}
	return claims
}

// FernToken is a token that a reader can choose by its name.
type FernToken struct{ Name, Token string }

// FernTokens returns the tokens in a bearer_token, and reports whether it is a JSON array of named
// tokens. If it is not, it is itself the only token.
func FernTokens(bearer string) (tokens []FernToken, isList bool) {
	var list []map[string]string
	isList = json.Unmarshal([]byte(bearer), &list) == nil && len(list) > 0
	for _, named := range list {
		isList = isList && len(named) == 1
		for name, token := range named {
			tokens = append(tokens, FernToken{name, token})
		}
	}
	if !isList {
		return []FernToken{{"Bearer token", bearer}}, false
	}
	return tokens, true
}

// fernHosts are the suffixes of the hosts to which a deep link may lead, besides the docs' host.
var fernHosts = []string{".buildwithfern.com", ".buildwithfern.dev", ".ferndocs.app", ".ferndocs.com", ".ferndocs.dev"}

// rejectFernLink returns why Fern rejects a deep link, or "". Fern reads it as a URL, with https://
// in front if it has no scheme, and rejects a URL of another host. The path /guide is then a URL of
// the host guide. A link that is not a URL even then leads to the home page.
func rejectFernLink(link string, at *url.URL) string {
	rest := strings.NewReplacer("\t", "", "\r", "", "\n", "", `\`, "/").Replace(link) // as browsers do (URL standard)
	scheme, after, absolute := strings.Cut(rest, "://")
	if absolute = absolute && !strings.ContainsFunc(scheme, notLetter); absolute {
		rest = after
	}
	rest = strings.TrimLeft(rest, "/")
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	u, err := url.Parse("https://" + rest)
	if err != nil || u.Host == "" || absolute && at.Host == "" {
		return ""
	}
	host := plainHost(u)
	if host == plainHost(at) || slices.ContainsFunc(fernHosts, func(suffix string) bool { return strings.HasSuffix(host, suffix) }) {
		return ""
	}
	return "is a URL of another host, as Fern reads it"
}

func notLetter(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }
