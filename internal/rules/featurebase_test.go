package rules_test

import (
	"testing"

	"github.com/docslogin/docslogin/internal/rules"
)

func TestFeaturebase(t *testing.T) {
	checkTokens(t, []tokenTest{
		{"Featurebase accepts e-mail and ID", rules.Featurebase(), hs256(hsHeader, `{"email":"e","userId":"1","iat":1700000000}`, secret), secret, "", ""},
		{"Featurebase accepts an e-mail alone", rules.Featurebase(), hs256(hsHeader, `{"email":"e","iat":1700000000}`, secret), secret, "", "email: only one of email and userId"},
		{"Featurebase accepts an ID alone", rules.Featurebase(), hs256(hsHeader, `{"userId":"1","email":" ","iat":1700000000}`, secret), secret, "", "email: only one of email and userId"},
		{"Featurebase rejects a token that identifies nobody", rules.Featurebase(), hs256(hsHeader, `{"name":"Ada","iat":1700000000}`, secret), secret, "email: neither email nor userId", ""},
	})
}

func TestFeaturebaseRejectsClaimsOfAWrongType(t *testing.T) {
	const want = "email userId name email" // the second email: no claim identifies the reader
	if got := rejectedBy(rules.Featurebase(), hs256(hsHeader, `{"email":7,"userId":7,"name":7,"iat":1700000000}`, secret), secret); got != want {
		t.Errorf("rejected by %q, want %q", got, want)
	}
}

func TestAURLIdentifiesFeaturebase(t *testing.T) {
	checkInference(t, []inferTest{
		{"https://help.example.com/api/v1/auth/access/jwt?jwt=e.e.e", "Featurebase", "the parameter jwt at /api/v1/auth/access/jwt"},
	})
}

func TestFeaturebaseURLs(t *testing.T) {
	checkURLs(t, []urlTest{
		{"no deep link for Featurebase", rules.Featurebase(), docsURL + "/api/v1/auth/access/jwt?jwt=T", "", "", "return_to: is missing"},
		{"a path at Featurebase", rules.Featurebase(), docsURL + "/api/v1/auth/access/jwt?jwt=T&return_to=%2Fa", "", "", "return_to: came back as a path, and Featurebase expects an absolute URL"},
	})
}
