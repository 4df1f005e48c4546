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
// Sources: Fern's pages on authentication with a JWT, on self-hosted docs, and on API keys in the API
// explorer; what the published code of its docs answers to a deep link (fern-api/fern-platform:
// jwt/callback/route.ts, safeUrl.ts, and FernNextResponse.ts). That code also accepts a deep link to
// the hosts of the login URL and of the logout URL, which are not known here.
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
			Link:       "state",
			Back:       AsURL,
			RejectLink: rejectFernLink,
			LinkStatus: http.StatusForbidden,
		},
		Algorithms:    []string{"HS256"},
		MaxTokenBytes: 4000,
		RequiredExp:   true,
		RequiredIat:   true,
		Issuer:        "https://buildwithfern.com",
		Objects:       []string{"fern"}, // the page says that it must be there; the published verifier accepts a token without it
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
		Checks: []Check{checkFernTokens},
	}
}

// checkFernTokens warns about a bearer token that looks like a list of tokens and is not one.
func checkFernTokens(claims map[string]any) []Finding {
	object := claims
	for _, name := range []string{"fern", "playground", "initial_state", "auth"} {
		object, _ = object[name].(map[string]any)
	}
	const rule = "fern.playground.initial_state.auth.bearer_token"
	token, _ := object["bearer_token"].(string)
	if !strings.HasPrefix(token, "[") {
		return nil
	}
	var tokens []map[string]string
	ok := json.Unmarshal([]byte(token), &tokens) == nil && len(tokens) > 0
	for _, t := range tokens {
		ok = ok && len(t) == 1
	}
	if !ok {
		return []Finding{warn(rule, rule+" begins with [ and is not a list of named tokens, so pages show it as one token.",
			`Send a JSON array in a string, with an object for each token: [{"Live":"…"},{"Test":"…"}].`)}
	}
	return []Finding{pass(rule, rule+" is a list of named tokens.")}
}

// fernHosts are the suffixes of the hosts to which a deep link may lead besides the docs'.
var fernHosts = []string{".buildwithfern.com", ".buildwithfern.dev", ".ferndocs.app", ".ferndocs.com", ".ferndocs.dev"}

// rejectFernLink rejects a deep link that leads to another host if it is read as a URL, with https://
// in front if it has no scheme: the path /guide is then a URL of the host guide. A link that is not a
// URL even then leads to the home page.
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
	return "is a URL of another host as Fern reads it"
}

func notLetter(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }
