package rules_test

import (
	"testing"

	"github.com/docslogin/docslogin/internal/rules"
)

func TestDeveloperHub(t *testing.T) {
	checkTokens(t, []tokenTest{
		{"DeveloperHub accepts HS256", rules.DeveloperHub(), hs256(hsHeader, `{"version":1,"iat":1700000000,"exp":1700086400,"vars":{"name":"Ada"},"error_redirect_url":"https://app.example.com"}`, secret), secret, "", ""},
		{"DeveloperHub accepts HS512", rules.DeveloperHub(), hs512(`{"alg":"HS512","typ":"JWT"}`, `{"version":1,"iat":1700000000,"exp":1700086400,"vars":{}}`), secret, "", ""},
		{"DeveloperHub rejects any other algorithm", rules.DeveloperHub(), eddsa(edHeader, `{"version":1,"iat":1700000000,"exp":1700086400,"vars":{}}`), public, `alg: "EdDSA" and has to be HS256 or HS512`, ""},
		{"DeveloperHub needs exp", rules.DeveloperHub(), hs256(hsHeader, `{"version":1,"iat":1700000000,"vars":{}}`, secret), secret, "exp: has no exp", ""},
		{"a session of seconds at DeveloperHub", rules.DeveloperHub(), hs256(hsHeader, `{"version":1,"iat":1700000000,"exp":1700000010,"vars":{}}`, secret), secret, "", "exp: logs the reader out"},
		{"DeveloperHub needs version", rules.DeveloperHub(), hs256(hsHeader, `{"iat":1700000000,"exp":1700086400,"vars":{}}`, secret), secret, "version: has no version", ""},
		{"DeveloperHub needs vars", rules.DeveloperHub(), hs256(hsHeader, `{"version":1,"iat":1700000000,"exp":1700086400}`, secret), secret, "vars: has no vars", ""},
		{"vars that are null", rules.DeveloperHub(), hs256(hsHeader, `{"version":1,"iat":1700000000,"exp":1700086400,"vars":null}`, secret), secret, "vars: is not an object", ""},
		{"vars that are text", rules.DeveloperHub(), hs256(hsHeader, `{"version":1,"iat":1700000000,"exp":1700086400,"vars":"Ada"}`, secret), secret, "vars: is not an object", ""},
	})
}

func TestDeveloperHubRejectsClaimsOfAWrongType(t *testing.T) {
	const want = "vars error_redirect_url"
	if got := rejectedBy(rules.DeveloperHub(), hs256(hsHeader, `{"version":1,"iat":1700000000,"exp":1700086400,"vars":7,"error_redirect_url":7}`, secret), secret); got != want {
		t.Errorf("rejected by %q, want %q", got, want)
	}
}

func TestAURLIdentifiesDeveloperHub(t *testing.T) {
	checkInference(t, []inferTest{
		{"https://docs.example.com/page?jwt=e.e.e", "DeveloperHub", "the parameter jwt"},
		{"https://docs.example.com/page?jwt=" + hs256(hsHeader, "{}", secret), "DeveloperHub", "the parameter jwt (or is it "},
		{"https://docs.example.com/page?jwt=" + hs256(hsHeader, `{"version":1,"iat":1700000000,"exp":1700086400,"vars":{}}`, secret), "DeveloperHub", "the parameter jwt and the claims"},
		{"https://docs.example.com/page?jwt=" + hs256(hsHeader, `{"version":1,"vars":{}}`, "another secret"), "DeveloperHub", "the parameter jwt and the claims"},
	})
}
