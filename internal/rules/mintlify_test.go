package rules_test

import (
	"testing"

	"github.com/docslogin/docslogin/internal/rules"
)

// mintlify signs the claims that Mintlify requires and the given ones.
func mintlify(more string) string {
	return eddsa(edHeader, `{"host":"docs.example.com","iat":1700000000,"exp":1700000010`+more+`}`)
}

// The types of claims are those of UserInfo in @mintlify/validation 0.1.878.
func TestMintlify(t *testing.T) {
	checkTokens(t, []tokenTest{
		{"Mintlify accepts 10 s", rules.Mintlify(), mintlify(""), public, "", ""},
		{"Mintlify accepts 10 s, rounded up to whole seconds", rules.Mintlify(), eddsa(edHeader, `{"host":"docs.example.com","iat":1700000000,"exp":1700000011}`), public, "", ""},
		{"Mintlify rejects 12 s", rules.Mintlify(), eddsa(edHeader, `{"host":"docs.example.com","iat":1700000000,"exp":1700000012}`), public, "exp: 12s from now and may be 10s at most", ""},
		{"Mintlify rejects a token without exp", rules.Mintlify(), eddsa(edHeader, `{"host":"docs.example.com","iat":1700000000}`), public, "exp: has no exp", ""},

		{"expiresAt in two weeks", rules.Mintlify(), mintlify(`,"expiresAt":1701209600`), public, "", ""},
		{"expiresAt in milliseconds", rules.Mintlify(), mintlify(`,"expiresAt":1701209600000`), public, "expiresAt: is in milliseconds", ""},
		{"expiresAt in the past", rules.Mintlify(), mintlify(`,"expiresAt":1699999940`), public, "expiresAt: 1m0s in the past", ""},
		{"expiresAt as a date", rules.Mintlify(), mintlify(`,"expiresAt":"2024-01-01"`), public, "expiresAt: is not a number", ""},
		{"groups, content and inputs", rules.Mintlify(), mintlify(`,"groups":["admin"],"content":{"name":"Ada"},"apiPlaygroundInputs":{"server":{},"header":{"Authorization":"Bearer k"},"query":{},"cookie":{},"path":{}}`), public, "", ""},
		{"one group as a string", rules.Mintlify(), mintlify(`,"groups":"admin"`), public, "groups: is not a list of strings", ""},
		{"groups with a number among them", rules.Mintlify(), mintlify(`,"groups":["admin",7]`), public, "groups: is not a list of strings", ""},
		{"the wildcard group", rules.Mintlify(), mintlify(`,"groups":["admin"," *\n"]`), public, "", `groups: "*", which can open every page`},
		{"groups with an asterisk in their names", rules.Mintlify(), mintlify(`,"groups":["beta*","**"]`), public, "", ""},
		{"groups that are null", rules.Mintlify(), mintlify(`,"groups":null`), public, "groups: is not a list of strings", ""},
		{"content that is text", rules.Mintlify(), mintlify(`,"content":"Ada"`), public, "content: is not an object", ""},
		{"inputs that are a list", rules.Mintlify(), mintlify(`,"apiPlaygroundInputs":[]`), public, "apiPlaygroundInputs: is not an object", ""},
		{"a header that is a string", rules.Mintlify(), mintlify(`,"apiPlaygroundInputs":{"header":"k"}`), public, "apiPlaygroundInputs.header: is not an object", ""},
		{"values of any type, except in server and header", rules.Mintlify(), mintlify(`,"content":{"seats":7},"apiPlaygroundInputs":{"server":{"subdomain":"acme"},"header":{"X-Org":"7"},"query":{"page":7},"cookie":{"a":true},"path":{"id":null}}`), public, "", ""},
		{"a number in server", rules.Mintlify(), mintlify(`,"apiPlaygroundInputs":{"server":{"subdomain":"acme","port":8443}}`), public, "apiPlaygroundInputs.server: is not an object of strings", ""},
		{"inputs for the body", rules.Mintlify(), mintlify(`,"apiPlaygroundInputs":{"body":{}}`), public, "", "apiPlaygroundInputs: none of server, header, query, cookie, path"},
		{"a header in the wrong place", rules.Mintlify(), mintlify(`,"apiPlaygroundInputs":{"X-Api-Key":"k"}`), public, "", "apiPlaygroundInputs: none of server, header, query, cookie, path"},
		{"Authorization without a scheme", rules.Mintlify(), mintlify(`,"apiPlaygroundInputs":{"header":{"Authorization":"k"}}`), public, "", "apiPlaygroundInputs.header: no scheme"},
		{"a key in a header", rules.Mintlify(), mintlify(`,"apiPlaygroundInputs":{"header":{"X-Api-Key":"k","Authorization":"Basic dTpw"}}`), public, "", ""},
		{"headers that are a number and an object", rules.Mintlify(), mintlify(`,"apiPlaygroundInputs":{"header":{"X-Org":7,"X-Api-Key":{"value":"k"}}}`), public, "", "apiPlaygroundInputs.header: a value that is not a string"},
		{"a header that is null", rules.Mintlify(), mintlify(`,"apiPlaygroundInputs":{"header":{"X-Org":null}}`), public, "", "apiPlaygroundInputs.header: a value that is not a string"},
		{"a header's name with a colon", rules.Mintlify(), mintlify(`,"apiPlaygroundInputs":{"header":{"X-Api-Key:":"k"}}`), public, "", "apiPlaygroundInputs.header: name is not a valid header name"},
		{"two spellings of one header", rules.Mintlify(), mintlify(`,"apiPlaygroundInputs":{"header":{"X-Api-Key":"k","x-api-key":"l"}}`), public, "", "apiPlaygroundInputs.header: names differ only in case"},
		{"two spellings of one header, and a header without a name", rules.Mintlify(), mintlify(`,"apiPlaygroundInputs":{"header":{"a":"k","A":"l","":"m"}}`), public, "", "apiPlaygroundInputs.header: name is not a valid header name; names differ only in case"},
	})
}

func TestMintlifyPersonalization(t *testing.T) {
	checkTokens(t, []tokenTest{
		{"personalization accepts ES256 without a host", rules.MintlifyPersonalization(), es256(`{"iat":1700000000,"exp":1700000010,"content":{},"groups":["a"],"expiresAt":1701209600}`), &p256.PublicKey, "", ""},
		{"personalization rejects EdDSA", rules.MintlifyPersonalization(), mintlify(""), public, `alg: "EdDSA" and has to be ES256`, ""},
		{"the wildcard group in personalization", rules.MintlifyPersonalization(), es256(`{"iat":1700000000,"exp":1700000010,"groups":["*"]}`), &p256.PublicKey, "", `groups: "*", which can open every page`},
		{"personalization rejects 12 s", rules.MintlifyPersonalization(), es256(`{"iat":1700000000,"exp":1700000012}`), &p256.PublicKey, "exp: 10s at most", ""},
	})
}

func TestMintlifyRejectsClaimsOfAWrongType(t *testing.T) {
	const want = "groups content apiPlaygroundInputs.server apiPlaygroundInputs.header apiPlaygroundInputs.query apiPlaygroundInputs.cookie apiPlaygroundInputs.path"
	if got := rejectedBy(rules.Mintlify(), mintlify(`,"groups":7,"content":7,"apiPlaygroundInputs":{"server":7,"header":7,"query":7,"cookie":7,"path":7}`), public); got != want {
		t.Errorf("rejected by %q, want %q", got, want)
	}
}

func TestAURLIdentifiesMintlify(t *testing.T) {
	checkInference(t, []inferTest{
		{"https://docs.example.com/login/jwt-callback?redirect=%2Fa#e.e.e", "Mintlify", "the fragment at /login/jwt-callback"},
		{"https://docs.example.com/get-started#eyJ.e.e", "Mintlify personalization", "the fragment"},
		{"https://docs.example.com/login#" + eddsa(edHeader, "{}"), "Mintlify", "the fragment and the header's alg"}, // at the wrong path
		{"https://docs.example.com/login#" + hs256(`{"alg":"none","typ":"JWT"}`, "{}", secret), "Mintlify personalization", "the fragment"},
		{"https://docs.example.com/login/jwt-callback#" + es256("{}"), "Mintlify", "the fragment at /login/jwt-callback"},
	})
}
