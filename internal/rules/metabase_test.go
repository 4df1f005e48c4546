package rules_test

import (
	"testing"

	"github.com/docslogin/docslogin/internal/rules"
)

func TestMetabase(t *testing.T) {
	checkTokens(t, []tokenTest{
		{"Metabase accepts a user", rules.Metabase(), hs256(hsHeader, `{"email":"e","first_name":"Ada","last_name":"P","groups":["a"],"plan":"pro","iat":1700000000,"exp":1700000180}`, secret), secret, "", ""},
		{"Metabase rejects a token after three minutes", rules.Metabase(), hs256(hsHeader, `{"email":"e","iat":1699999810,"exp":1700000180}`, secret), secret, "iat: 3m10s ago", ""},
		{"Metabase needs an e-mail", rules.Metabase(), hs256(hsHeader, `{"iat":1700000000}`, secret), secret, "email: has no email", ""},
		{"Metabase sets no limit without iat", rules.Metabase(), hs256(hsHeader, `{"email":"e"}`, secret), secret, "", "iat: has no iat"},
		{"a clock that is ahead of Metabase's", rules.Metabase(), hs256(hsHeader, `{"email":"e","iat":1700000240}`, secret), secret, "", "iat: 4m0s in the future"},
		{"groups that are one string", rules.Metabase(), hs256(hsHeader, `{"email":"e","groups":"a","iat":1700000000}`, secret), secret, "groups: is not a list of strings", ""},
	})
}

func TestMetabaseRejectsClaimsOfAWrongType(t *testing.T) {
	const want = "first_name last_name groups"
	if got := rejectedBy(rules.Metabase(), hs256(hsHeader, `{"email":"e","first_name":7,"last_name":7,"groups":7,"iat":1700000000}`, secret), secret); got != want {
		t.Errorf("rejected by %q, want %q", got, want)
	}
}
