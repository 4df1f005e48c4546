package rules_test

import (
	"testing"

	"github.com/docslogin/docslogin/internal/rules"
)

// userVoice signs the claims of a token of five minutes and the given ones.
func userVoice(more string) string {
	return hs256(hsHeader, `{"guid":"1","email":"e","iat":1700000000,"exp":1700000300`+more+`}`, secret)
}

func TestUserVoice(t *testing.T) {
	checkTokens(t, []tokenTest{
		{"UserVoice accepts a user", rules.UserVoice(), userVoice(`,"display_name":"Ada"`), secret, "", ""},
		{"UserVoice accepts what the app maps", rules.UserVoice(), userVoice(`,"trusted":true,"owner":"deny","admin":"accept","allow_forums":[1],"deny_forums":[2],"locale":"de","expires":"2023-11-14 23:00:00"`), secret, "", ""},
		{"UserVoice honors exp", rules.UserVoice(), hs256(hsHeader, `{"guid":"1","email":"e","iat":1699999000,"exp":1699999700}`, secret), secret, "exp: 5m0s in the past", ""},
		{"UserVoice accepts a token without exp", rules.UserVoice(), hs256(hsHeader, `{"guid":"1","email":"e","iat":1700000000}`, secret), secret, "", "exp: has no exp, so the platform alone decides"},
		{"another algorithm", rules.UserVoice(), hs512(`{"alg":"HS512","typ":"JWT"}`, `{"guid":"1","email":"e","iat":1700000000,"exp":1700000300}`), secret, "alg: has to be HS256", ""},
		{"no guid", rules.UserVoice(), hs256(hsHeader, `{"email":"e","iat":1700000000,"exp":1700000300}`, secret), secret, "guid: has no guid", ""},
		{"no e-mail address", rules.UserVoice(), hs256(hsHeader, `{"guid":"1","iat":1700000000,"exp":1700000300}`, secret), secret, "email: has no email", ""},
		{"an empty guid", rules.UserVoice(), hs256(hsHeader, `{"guid":"","email":"e","iat":1700000000,"exp":1700000300}`, secret), secret, "guid: is empty", ""},
		{"the e-mail address as guid", rules.UserVoice(), hs256(hsHeader, `{"guid":"e","email":"e","iat":1700000000,"exp":1700000300}`, secret), secret, "", "guid: is the e-mail address"},
		{"a name of another platform", rules.UserVoice(), userVoice(`,"displayName":"Ada"`), secret, "", `spelling: "displayName" is not a claim of UserVoice`},
	})
}

func TestUserVoiceRejectsClaimsOfAWrongType(t *testing.T) {
	const want = "guid email display_name locale"
	token := hs256(hsHeader, `{"guid":7,"email":7,"display_name":7,"locale":7,"iat":1700000000,"exp":1700000300}`, secret)
	if got := rejectedBy(rules.UserVoice(), token, secret); got != want {
		t.Errorf("rejected by %q, want %q", got, want)
	}
}

func TestAnEmptyGUIDIsNotAnEmailAddress(t *testing.T) {
	_, findings := rules.UserVoice().Check(hs256(hsHeader, `{"guid":"","email":"","iat":1700000000,"exp":1700000300}`, secret), secret, "", now)
	for _, f := range findings {
		if f.Warn {
			t.Errorf("%+v", f)
		}
	}
}

func TestAURLIdentifiesUserVoice(t *testing.T) {
	checkInference(t, []inferTest{
		{"https://acme.uservoice.com?sso=eyJ.e.e", "UserVoice", "the parameter sso"},
		{"https://forum.example.com/login?sso=1", "", ""}, // the parameter of another program
		{"https://docs.example.com/?sso=okta&auth_token=e.e.e", "ReadMe", "the parameter auth_token"},
		{"https://acme.uservoice.com/forums/1?sso=" + userVoice(""), "UserVoice", "the parameter sso"},
	})
}

func TestUserVoiceURLs(t *testing.T) {
	const site = "https://acme.uservoice.com"
	checkURLs(t, []urlTest{
		{"a login at UserVoice", rules.UserVoice(), site + "?sso=T", site, "", ""},
		{"a parameter that is not a deep link", rules.UserVoice(), site + "?sso=T&redirect=%2F%2Fevil.example", site, "", ""},
		{"another portal", rules.UserVoice(), "https://evil.uservoice.com?sso=T", site, `docs: leads to "evil.uservoice.com", and the docs are at "acme.uservoice.com"`, ""},
		{"two tokens", rules.UserVoice(), site + "?sso=T&sso=U", site, "", "sso: is there more than once"},
	})
}
