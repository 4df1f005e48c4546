package rules_test

import (
	"crypto/sha512"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin/internal/rules"
)

// pylonURL is a redirect to the page that takes the token; T stands for the token.
const pylonURL = "https://graph.usepylon.com/callback/jwt?orgSlug=acme&jwt=T"

// pylonClaims are claims that Pylon accepts.
const pylonClaims = `{"email":"e","aud":"https://portal.usepylon.com","iss":"https://app.example.com/","iat":1700000000,"exp":1700000300}`

// pylon signs pylonClaims after the replacements, which are those of strings.NewReplacer.
func pylon(replace ...string) string {
	return hs256(hsHeader, strings.NewReplacer(replace...).Replace(pylonClaims), secret)
}

func TestPylon(t *testing.T) {
	const iss, aud = `"iss":"https://app.example.com/"`, `"aud":"https://portal.usepylon.com"`
	pylons := rules.Pylon("")
	checkTokens(t, []tokenTest{
		{"Pylon accepts a user", pylons, pylon(), secret, "", ""},
		{"Pylon accepts an account", pylons, pylon(`{`, `{"account_id":"a","account_external_id":"b",`), secret, "", ""},
		{"Pylon accepts HS384", pylons, hs(sha512.New384, `{"alg":"HS384","typ":"JWT"}`, pylonClaims, secret), secret, "", ""},
		{"Pylon accepts HS512", pylons, hs512(`{"alg":"HS512","typ":"JWT"}`, pylonClaims), secret, "", ""},
		{"no e-mail", pylons, pylon(`"email":"e",`, ""), secret, "email: has no email", ""},
		{"no exp", pylons, pylon(`,"exp":1700000300`, ""), secret, "exp: has no exp", ""},
		{"no iat", pylons, pylon(`"iat":1700000000,`, ""), secret, "iat: has no iat", ""},
		{"an exp of 59 s ago", pylons, pylon("1700000300", "1699999941", "1700000000", "1699999700"), secret, "", "exp: exp is 59s in the past, and Pylon accepts a token for 1m0s after its exp"},
		{"an exp of a minute ago", pylons, pylon("1700000300", "1699999940", "1700000000", "1699999700"), secret, "exp: 1m0s in the past", ""},
		{"an iat a minute ahead", pylons, pylon("1700000000", "1700000060"), secret, "", ""},
		{"an iat a second further ahead", pylons, pylon("1700000000", "1700000061"), secret, "iat: 1m1s in the future and may be 1m0s at most", ""},

		{"no aud", pylons, pylon(aud+",", ""), secret, "aud: has no aud", ""},
		{"another aud", pylons, pylon(aud, `"aud":"https://portal.usepylon.com/"`), secret, "aud: is not https://portal.usepylon.com", ""},
		{"an aud that is an object", pylons, pylon(aud, `"aud":{}`), secret, "aud: is not https://portal.usepylon.com", ""},
		{"a list with the aud", pylons, pylon(aud, `"aud":[{},"https://portal.usepylon.com"]`), secret, "", "aud: is a list, but Pylon documents a string"},
		{"a list without the aud", pylons, pylon(aud, `"aud":["a"]`), secret, "aud: is not https://portal.usepylon.com", ""},

		{"no iss", pylons, pylon(iss+",", ""), secret, "iss: has no iss", ""},
		{"an iss that is a number", pylons, pylon(iss, `"iss":7`), secret, "iss: is not a string", ""},
		{"an iss without a slash", pylons, pylon(iss, `"iss":"https://app.example.com"`), secret, "iss: has no slash at its end, and Pylon requires one", ""},
		{"the login URL as iss", pylons, pylon(iss, `"iss":"https://app.example.com/docs-login/"`), secret, "iss: is not the origin of a URL with one slash at its end", ""},
		{"an iss with two slashes", pylons, pylon(iss, `"iss":"https://app.example.com//"`), secret, "iss: is not the origin", ""},
		{"a slash as iss", pylons, pylon(iss, `"iss":"/"`), secret, "iss: is not the origin", ""},
		{"a scheme as iss", pylons, pylon(iss, `"iss":"https:///"`), secret, "iss: is not the origin", ""},
		{"an iss with a scheme that no login URL has", pylons, pylon(iss, `"iss":"ftp://app.example.com/"`), secret, "iss: is not the origin", ""},
		{"an iss that is not a URL", pylons, pylon(iss, `"iss":"https://[/"`), secret, "iss: is not the origin", ""},
		{"an app on this machine", pylons, pylon(iss, `"iss":"http://localhost:8080/"`), secret, "", ""},

		{"the issuer in the settings", rules.Pylon("https://app.example.com/"), pylon(), secret, "", ""},
		{"another issuer than that in the settings", rules.Pylon("https://other.example.com/"), pylon(), secret, "iss: is not https://other.example.com/, the base of the login URL", ""},
		{"an issuer that was given without its slash", rules.Pylon("https://app.example.com"), pylon(), secret, "", ""},
		{"the login URL as iss, and given as the issuer", rules.Pylon("https://app.example.com/docs-login/"), pylon(iss, `"iss":"https://app.example.com/docs-login/"`), secret, "iss: is not the origin of a URL with one slash at its end", ""},
		{"the issuer in the settings without its slash", rules.Pylon("https://app.example.com/"), pylon(iss, `"iss":"https://app.example.com"`), secret, "iss: has no slash at its end", ""},
	})
}

func TestTheFixOfPylonsIssuerHasAnExample(t *testing.T) {
	const example = "If the login URL is https://app.example.com/docs-login, iss has to be https://app.example.com/."
	for iss, want := range map[string]string{
		"https://other.example": "Add the slash. " + example,
		"x/":                    "Set iss to the origin of the login URL, with a slash at its end. " + example,
	} {
		_, findings := rules.Pylon("").Check(pylon("https://app.example.com/", iss), secret, "", now)
		for _, f := range findings {
			if f.Rule == "iss" && f.Fix != want {
				t.Errorf("%s: %s\nwant %s", iss, f.Fix, want)
			}
		}
	}
}

func TestPylonRejectsClaimsOfAWrongType(t *testing.T) {
	const want = "email account_id account_external_id aud iss"
	token := hs256(hsHeader, `{"email":7,"account_id":7,"account_external_id":7,"aud":7,"iss":7,"iat":1700000000,"exp":1700000300}`, secret)
	if got := rejectedBy(rules.Pylon(""), token, secret); got != want {
		t.Errorf("rejected by %q, want %q", got, want)
	}
}

func TestHowMuchClocksMayDifferAtPylon(t *testing.T) {
	if behind, ahead := rules.Pylon("").Tolerance(5 * time.Minute); behind != 6*time.Minute || ahead != time.Minute {
		t.Errorf("%v behind, %v ahead", behind, ahead)
	}
}

func TestAURLIdentifiesPylon(t *testing.T) {
	checkInference(t, []inferTest{
		{"https://graph.usepylon.com/callback/jwt?orgSlug=acme&jwt=e.e.e", "Pylon", "the parameter jwt at graph.usepylon.com"},
		{"https://graph.usepylon.com/jwt?jwt=e.e.e", "Pylon", "the parameter jwt at graph.usepylon.com"},      // at the wrong path
		{"https://portal.example.com/?orgSlug=acme&jwt=" + pylon(), "Pylon", "the parameter jwt and orgSlug"}, // at the wrong page
		{"http://127.0.0.1:8081/callback/jwt?orgSlug=acme&jwt=e.e.e", "Pylon", "the parameter jwt at /callback/jwt"},
	})
}

func TestPylonURLs(t *testing.T) {
	const portal = "https://support.example.com"
	checkURLs(t, []urlTest{
		{"a login at Pylon", rules.Pylon(""), pylonURL, portal, "", ""},
		{"a login at Pylon, whose portal is not known", rules.Pylon(""), pylonURL, "", "", ""},
		{"a parameter that is not a deep link", rules.Pylon(""), pylonURL + "&redirect=%2F%2Fevil.example", portal, "", ""},
		{"another host instead of Pylon's", rules.Pylon(""), portal + "/callback/jwt?orgSlug=acme&jwt=T", portal, `host: leads to "support.example.com", and Pylon takes the token at graph.usepylon.com`, ""},
		{"another path", rules.Pylon(""), "https://graph.usepylon.com/jwt?orgSlug=acme&jwt=T", "", "path: has to end in /callback/jwt, where Pylon takes the token", ""},
		{"no orgSlug", rules.Pylon(""), "https://graph.usepylon.com/callback/jwt?jwt=T", "", "orgSlug: has no orgSlug", ""},
		{"an empty orgSlug", rules.Pylon(""), "https://graph.usepylon.com/callback/jwt?orgSlug=&jwt=T", "", "orgSlug: has no orgSlug", ""},
		{"two orgSlugs", rules.Pylon(""), pylonURL + "&orgSlug=evil", "", "", "orgSlug: is there more than once"},
	})
}
