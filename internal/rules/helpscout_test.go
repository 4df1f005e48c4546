package rules_test

import (
	"testing"

	"github.com/docslogin/docslogin/internal/rules"
)

func TestHelpScout(t *testing.T) {
	checkTokens(t, []tokenTest{
		{"Help Scout accepts HS512", rules.HelpScout(), hs512(`{"alg":"HS512","typ":"JWT"}`, `{"sub":"ada@example.com","iat":1700000000,"exp":1700003600}`), secret, "", ""},
		{"Help Scout rejects HS256", rules.HelpScout(), hs256(hsHeader, `{"sub":"ada@example.com","iat":1700000000,"exp":1700003600}`, secret), secret, `alg: "HS256" and has to be HS512`, ""},
		{"Help Scout needs exp", rules.HelpScout(), hs512(`{"alg":"HS512","typ":"JWT"}`, `{"sub":"ada@example.com","iat":1700000000}`), secret, "exp: has no exp", ""},
		{"a session of seconds at Help Scout", rules.HelpScout(), hs512(`{"alg":"HS512","typ":"JWT"}`, `{"sub":"ada@example.com","iat":1700000000,"exp":1700000010}`), secret, "", "exp: logs the reader out"},
		{"Help Scout knows a reader by the e-mail address", rules.HelpScout(), hs512(`{"alg":"HS512","typ":"JWT"}`, `{"sub":"4711","iat":1700000000,"exp":1700003600}`), secret, "", "sub: is not an e-mail address"},
		{"Help Scout needs sub", rules.HelpScout(), hs512(`{"alg":"HS512","typ":"JWT"}`, `{"email":"e","iat":1700000000,"exp":1700003600}`), secret, "sub: has no sub", ""},
	})
}

func TestAURLIdentifiesHelpScout(t *testing.T) {
	checkInference(t, []inferTest{
		{"https://docs.example.com/authcallback?token=e.e.e", "Help Scout", "the parameter token at /authcallback"},
		{"https://docs.example.com/authcallback/more?token=e.e.e", "Help Scout", "the parameter token"},
	})
}
