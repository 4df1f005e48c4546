package rules_test

import (
	"testing"

	"github.com/docslogin/docslogin/internal/rules"
)

// zendesk signs the claims that Zendesk requires and the given ones.
func zendesk(more string) string {
	return hs256(hsHeader, `{"iat":1700000000,"jti":"j","name":"Ada","email":"ada@example.com"`+more+`}`, secret)
}

func TestZendesk(t *testing.T) {
	checkTokens(t, []tokenTest{
		{"Zendesk accepts what the app maps", rules.Zendesk(), zendesk(`,"external_id":"1","organization":"o","tags":["a"],"role":"user","user_fields":{"plan":null}`), secret, "", ""},
		{"no jti", rules.Zendesk(), hs256(hsHeader, `{"iat":1700000000,"name":"Ada","email":"e"}`, secret), secret, "jti: has no jti", ""},
		{"Zendesk rejects a token without iat", rules.Zendesk(), hs256(hsHeader, `{"jti":"j","name":"Ada","email":"e"}`, secret), secret, "iat: has no iat", ""},
		{"Zendesk accepts an iat of three minutes ago", rules.Zendesk(), hs256(hsHeader, `{"iat":1699999820,"jti":"j","name":"Ada","email":"e"}`, secret), secret, "", ""},
		{"Zendesk rejects an iat of more than three minutes ago", rules.Zendesk(), hs256(hsHeader, `{"iat":1699999819,"jti":"j","name":"Ada","email":"e"}`, secret), secret, "iat: 3m1s ago and may be 3m0s at most", ""},
		{"Zendesk accepts an iat three minutes ahead", rules.Zendesk(), hs256(hsHeader, `{"iat":1700000180,"jti":"j","name":"Ada","email":"e"}`, secret), secret, "", "iat: 3m0s in the future"},
		{"Zendesk rejects an iat a second further ahead", rules.Zendesk(), hs256(hsHeader, `{"iat":1700000181,"jti":"j","name":"Ada","email":"e"}`, secret), secret, "iat: 3m1s in the future and may be 3m0s at most", ""},
		{"Zendesk rejects a header without typ", rules.Zendesk(), hs256(`{"alg":"HS256"}`, `{"iat":1700000000,"jti":"j","name":"Ada","email":"e"}`, secret), secret, "typ: not JWT", ""},
		{"user_fields that are a list", rules.Zendesk(), zendesk(`,"user_fields":[]`), secret, "user_fields: is not an object", ""},
		{"Zendesk needs a name", rules.Zendesk(), hs256(hsHeader, `{"iat":1700000000,"jti":"j","email":"e"}`, secret), secret, "name: has no name", ""},
	})
}

func TestZendeskRejectsClaimsOfAWrongType(t *testing.T) {
	const want = "user_fields"
	if got := rejectedBy(rules.Zendesk(), zendesk(`,"user_fields":7`), secret); got != want {
		t.Errorf("rejected by %q, want %q", got, want)
	}
}

func TestAURLIdentifiesZendesk(t *testing.T) {
	checkInference(t, []inferTest{
		{"https://help.zendesk.com/access/jwt?jwt=e.e.e", "Zendesk", "the path /access/jwt"},
		{"https://help.zendesk.com/access/jwt_?jwt_=e.e.e", "", ""},
	})
}

func TestZendeskURLs(t *testing.T) {
	checkURLs(t, []urlTest{
		{"a deep link to another brand of Zendesk", rules.Zendesk(), "https://a.zendesk.com/access/jwt?return_to=https%3A%2F%2Fb.zendesk.com%2Fa", "", "", ""},
	})
}
