package rules_test

import (
	"strconv"
	"testing"

	"github.com/docslogin/docslogin/internal/rules"
)

// fern signs the claims of a session of one day and the given ones.
func fern(more string) string {
	return hs256(hsHeader, `{"iss":"https://buildwithfern.com","iat":1700000000,"exp":1700086400`+more+`}`, secret)
}

// fernNamed signs the claims of a session of one day, with more members in fern.
func fernNamed(more string) string { return fern(`,"fern":{"name":"Ada"` + more + `}`) }

// fernToken signs the claims of a session of one day, with a bearer token.
func fernToken(token string) string {
	return fern(`,"fern":{"playground":{"initial_state":{"auth":{"bearer_token":` + strconv.Quote(token) + `}}}}`)
}

func TestFern(t *testing.T) {
	checkTokens(t, []tokenTest{
		{"Fern accepts everything that it documents", rules.Fern(), fern(`,"fern":{"name":"Ada","email":"e","roles":["a"],"playground":{"initial_state":{"auth":{"bearer_token":"k","basic":{"username":"u","password":"p"}},"headers":{"X-A":"b"},"path_parameters":{"id":1},"query_parameters":{}},"env_state":{"prod.example.api":{"auth":{"bearer_token":"abc123"}},"dev.example.api":{}}}}`), secret, "", ""},
		{"an empty fern", rules.Fern(), fern(`,"fern":{}`), secret, "", ""},
		{"no fern", rules.Fern(), fern(""), secret, "fern: has no fern, which Fern's documentation requires", ""},
		{"no iat", rules.Fern(), hs256(hsHeader, `{"iss":"https://buildwithfern.com","exp":1700086400,"fern":{}}`, secret), secret, "iat: has no iat", ""},
		{"no exp", rules.Fern(), hs256(hsHeader, `{"iss":"https://buildwithfern.com","iat":1700000000,"fern":{}}`, secret), secret, "exp: has no exp", ""},
		{"no iss", rules.Fern(), hs256(hsHeader, `{"iat":1700000000,"exp":1700086400,"fern":{}}`, secret), secret, "iss: has no iss", ""},
		{"another issuer", rules.Fern(), hs256(hsHeader, `{"iss":"https://app.example.com","iat":1700000000,"exp":1700086400,"fern":{}}`, secret), secret, "iss: is not https://buildwithfern.com", ""},
		{"roles that are one string", rules.Fern(), fern(`,"fern":{"roles":"a"}`), secret, "fern.roles: is not a list of strings", ""},
		{"fern that is text", rules.Fern(), fern(`,"fern":"Ada"`), secret, "fern: is not an object", ""},
		{"a playground header that is a number", rules.Fern(), fern(`,"fern":{"playground":{"initial_state":{"headers":{"X-A":1}}}}`), secret, "fern.playground.initial_state.headers: is not an object of strings", ""},
		{"a key in a playground header", rules.Fern(), fern(`,"fern":{"playground":{"initial_state":{"headers":{"X-Api-Key":"k"}}}}`), secret, "", ""},
		{"a credential in place of a playground header's name", rules.Fern(), fern(`,"fern":{"playground":{"initial_state":{"headers":{"Bearer k":"X-Api-Key"}}}}`), secret, "", "fern.playground.initial_state.headers: name is not a valid header name"},
		{"two spellings of one playground header", rules.Fern(), fern(`,"fern":{"playground":{"initial_state":{"headers":{"X-Api-Key":"k","X-API-Key":"l"}}}}`), secret, "", "fern.playground.initial_state.headers: names differ only in case"},
		{"an environment's state that is text", rules.Fern(), fern(`,"fern":{"playground":{"env_state":{"prod.example.api":"abc123"}}}`), secret, "fern.playground.env_state: is not an object of states like initial_state", ""},
		{"an environment's bearer token that is a number", rules.Fern(), fern(`,"fern":{"playground":{"env_state":{"prod.example.api":{"auth":{"bearer_token":1}}}}}`), secret, "fern.playground.env_state: is not an object of states like initial_state", ""},
		{"environments' states that are a list", rules.Fern(), fern(`,"fern":{"playground":{"env_state":[]}}`), secret, "fern.playground.env_state: is not an object of states like initial_state", ""},
		{"several bearer tokens", rules.Fern(), fernToken(`[{"Live":"sk_1"},{"Test":"sk_2"}]`), secret, "", ""},
		{"a list without names", rules.Fern(), fernToken(`["sk_1","sk_2"]`), secret, "", "fern.playground.initial_state.auth.bearer_token: begins with [ but is not a list of named tokens"},
		{"a list that is cut off", rules.Fern(), fernToken(`[{"Live":"sk_1"},`), secret, "", "fern.playground.initial_state.auth.bearer_token: begins with [ but is not a list"},
		{"an empty list", rules.Fern(), fernToken(`[]`), secret, "", "fern.playground.initial_state.auth.bearer_token: begins with [ but is not a list"},
		{"a list with a name that is also ours", rules.Fern(), fernToken(`[{"Bearer token":"sk_1"},{"Test":"sk_2"}]`), secret, "", ""},
		{"a list with an empty object", rules.Fern(), fernToken(`[{}]`), secret, "", "fern.playground.initial_state.auth.bearer_token: begins with [ but is not a list"},
		{"a list with a number in it", rules.Fern(), fernToken(`[{"Live":"sk_1"},7]`), secret, "", "fern.playground.initial_state.auth.bearer_token: begins with [ but is not a list"},
		{"a token and two tokens in one object", rules.Fern(), fernToken(`[{"Live":"sk_1"},{"Test":"sk_2","Old":"sk_3"}]`), secret, "", "fern.playground.initial_state.auth.bearer_token: begins with [ but is not a list"},
		{"two tokens in one object", rules.Fern(), fernToken(`[{"Live":"sk_1","Test":"sk_2"}]`), secret, "", "fern.playground.initial_state.auth.bearer_token: begins with [ but is not a list"},
		{"a password that is a number", rules.Fern(), fern(`,"fern":{"playground":{"initial_state":{"auth":{"basic":{"username":"u","password":1}}}}}`), secret, "fern.playground.initial_state.auth.basic.password: is not a string", ""},
		{"Fern accepts 4,000 bytes", rules.Fern(), longToken(t, fernNamed, 4000), secret, "", ""},
		{"Fern rejects 4,001 bytes", rules.Fern(), longToken(t, fernNamed, 4001), secret, "size: 4001 bytes long and may be 4000 at most", ""},
		{"a session of seconds at Fern", rules.Fern(), hs256(hsHeader, `{"iss":"https://buildwithfern.com","iat":1700000000,"exp":1700000010,"fern":{}}`, secret), secret, "", "exp: logs the reader out"},
	})
}

func TestFernRejectsClaimsOfAWrongType(t *testing.T) {
	for claim, want := range map[string]string{
		`"name":7,"email":7,"roles":7,"playground":7`: "fern.name fern.email fern.roles fern.playground",
		`"playground":{"initial_state":{"auth":{"bearer_token":7,"basic":{"username":7,"password":7}},"headers":7,"path_parameters":7,"query_parameters":7}}`: "fern.playground.initial_state.auth.bearer_token fern.playground.initial_state.auth.basic.username fern.playground.initial_state.auth.basic.password " +
			"fern.playground.initial_state.headers fern.playground.initial_state.path_parameters fern.playground.initial_state.query_parameters",
	} {
		if got := rejectedBy(rules.Fern(), fern(`,"fern":{`+claim+`}`), secret); got != want {
			t.Errorf("rejected by %q, want %q", got, want)
		}
	}
}

func TestAURLIdentifiesFern(t *testing.T) {
	checkInference(t, []inferTest{
		{"https://example.com/docs/api/fern-docs/auth/jwt/callback?fern_token=e.e.e", "Fern", "the parameter fern_token at /api/fern-docs/auth/jwt/callback"},
		{"https://docs.example.com/?fern_token=e.e.e", "Fern", "the parameter fern_token"}, // at the wrong path
	})
}
