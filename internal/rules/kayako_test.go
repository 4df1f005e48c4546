package rules_test

import (
	"crypto/sha512"
	"testing"

	"github.com/docslogin/docslogin/internal/rules"
)

const kayakoClaims = `{"iat":1700000000,"jti":"j","name":"Ada","email":"ada@example.com"}`

// kayako signs the claims that Kayako requires and the given ones.
func kayako(more string) string {
	return hs256(hsHeader, `{"iat":1700000000,"jti":"j","name":"Ada","email":"ada@example.com"`+more+`}`, secret)
}

func TestKayako(t *testing.T) {
	checkTokens(t, []tokenTest{
		{"Kayako accepts a user", rules.Kayako(), kayako(""), secret, "", ""},
		{"Kayako accepts what the app maps", rules.Kayako(), kayako(`,"role":"admin","external_id":"1","locale":"en-us","organization":"o","phone_number":"+1","tags":"a, b","picture":"https://example.com/a"`), secret, "", ""},
		{"Kayako accepts HS384", rules.Kayako(), hs(sha512.New384, `{"alg":"HS384","typ":"JWT"}`, kayakoClaims, secret), secret, "", ""},
		{"Kayako accepts HS512", rules.Kayako(), hs512(`{"alg":"HS512","typ":"JWT"}`, kayakoClaims), secret, "", ""},
		{"no iat", rules.Kayako(), hs256(hsHeader, `{"jti":"j","name":"Ada","email":"e"}`, secret), secret, "iat: has no iat", ""},
		{"no jti", rules.Kayako(), hs256(hsHeader, `{"iat":1700000000,"name":"Ada","email":"e"}`, secret), secret, "jti: has no jti", ""},
		{"no name", rules.Kayako(), hs256(hsHeader, `{"iat":1700000000,"jti":"j","email":"e"}`, secret), secret, "name: has no name", ""},
		{"no e-mail address", rules.Kayako(), hs256(hsHeader, `{"iat":1700000000,"jti":"j","name":"Ada"}`, secret), secret, "email: has no email", ""},
		{"the highest role", rules.Kayako(), kayako(`,"role":"owner"`), secret, "", ""},
		{"a role that Kayako does not have", rules.Kayako(), kayako(`,"role":"Admin"`), secret, "role: is not customer, agent, admin, or owner", ""},
		{"tags that are a list", rules.Kayako(), kayako(`,"tags":["a"]`), secret, "tags: is not a string", ""},
	})
}

func TestKayakoRejectsClaimsOfAWrongType(t *testing.T) {
	const want = "role locale organization phone_number tags picture"
	if got := rejectedBy(rules.Kayako(), kayako(`,"role":7,"external_id":7,"locale":7,"organization":7,"phone_number":7,"tags":7,"picture":7`), secret); got != want {
		t.Errorf("rejected by %q, want %q", got, want)
	}
}

func TestAURLIdentifiesKayako(t *testing.T) {
	const page = "https://acme.kayako.com/Base/SSO/JWT/?type=customer&action=/HelpCenter&jwt="
	checkInference(t, []inferTest{
		{page + kayako(""), "Kayako", "the parameter jwt and the claims (or is it DeveloperHub"},
		{page + hs512(`{"alg":"HS512","typ":"JWT"}`, kayakoClaims), "Kayako", "the parameter jwt and the claims (or is it DeveloperHub"},
		{page + hs256(hsHeader, `{"iat":1700000000,"name":"Ada","email":"e"}`, secret), "DeveloperHub", "the parameter jwt (or is it Kayako or "}, // neither platform accepts the claims
	})
}

func TestKayakoURLs(t *testing.T) {
	const site = "https://acme.kayako.com"
	checkURLs(t, []urlTest{
		{"a login at Kayako", rules.Kayako(), site + "/Base/SSO/JWT/?type=customer&action=/HelpCenter&jwt=T", site, "", ""},
		{"a login without a deep link", rules.Kayako(), site + "?jwt=T", site, "", ""},
		{"another host", rules.Kayako(), "https://evil.kayako.com/?jwt=T", site, `docs: leads to "evil.kayako.com", and the docs are at "acme.kayako.com"`, ""},
		{"a URL appended to the site's own", rules.Kayako(), site + "/https://acme.kayako.com/a?jwt=T", site, "", "page: is an absolute URL behind another one"},
	})
}
