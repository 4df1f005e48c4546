package rules_test

import (
	"testing"

	"github.com/docslogin/docslogin/internal/rules"
)

// cannyURL is a redirect to the page that takes the token; T stands for the token.
const cannyURL = "https://canny.io/api/redirects/sso?companyID=1&ssoToken=T"

func TestCanny(t *testing.T) {
	checkTokens(t, []tokenTest{
		{"Canny accepts a user", rules.Canny(), hs256(hsHeader, `{"id":"1","name":"Ada","email":"e","iat":1700000000,"exp":1700000300}`, secret), secret, "", ""},
		{"Canny needs an id", rules.Canny(), hs256(hsHeader, `{"name":"Ada","email":"e","iat":1700000000}`, secret), secret, "id: has no id", ""},
		{"Canny honors exp", rules.Canny(), hs256(hsHeader, `{"id":"1","name":"Ada","email":"e","iat":1699999000,"exp":1699999700}`, secret), secret, "exp: 5m0s in the past", ""},
	})
}

func TestAURLIdentifiesCanny(t *testing.T) {
	checkInference(t, []inferTest{
		{"https://canny.io/api/redirects/sso?companyID=1&ssoToken=e.e.e", "Canny", "the parameter ssoToken at canny.io"},
		{"https://canny.io/sso?ssoToken=e.e.e", "Canny", "the parameter ssoToken at canny.io"}, // at the wrong path
		{"https://feedback.example.com/api/redirects/sso?ssoToken=e.e.e", "Canny", "the parameter ssoToken at /api/redirects/sso"},
		{"/api/redirects/sso?ssoToken=e.e.e", "Canny", "the parameter ssoToken at /api/redirects/sso"},
	})
}

func TestCannyURLs(t *testing.T) {
	checkURLs(t, []urlTest{
		{"a login at Canny", rules.Canny(), cannyURL + "&redirect=https%3A%2F%2Ffeedback.example.com%2Fa", "https://feedback.example.com", "", ""},
		{"a login at Canny, whose board is not known", rules.Canny(), cannyURL + "&redirect=https%3A%2F%2Ffeedback.example.com%2Fa", "", "", ""},
		{"another host instead of Canny's", rules.Canny(), "https://feedback.example.com/api/redirects/sso?companyID=1&ssoToken=T&redirect=https%3A%2F%2Ffeedback.example.com%2F", "https://feedback.example.com", `host: leads to "feedback.example.com", and Canny takes the token at canny.io`, ""},
		{"an empty company for Canny", rules.Canny(), "https://canny.io/api/redirects/sso?companyID=&ssoToken=T&redirect=https%3A%2F%2Ffeedback.example.com%2F", "", "companyID: has no companyID", ""},
		{"no company for Canny", rules.Canny(), "https://canny.io/api/redirects/sso?ssoToken=T&redirect=https%3A%2F%2Ffeedback.example.com%2F", "", "companyID: has no companyID", ""},
		{"no deep link for Canny", rules.Canny(), cannyURL, "", "", "redirect: is missing, and Canny expects it in every login"},
		{"the board of another company", rules.Canny(), cannyURL + "&redirect=https%3A%2F%2Fevil.example%2Fa", "https://feedback.example.com", "", "redirect: leads to another host"},
		{"a path at Canny", rules.Canny(), cannyURL + "&redirect=%2Fa", "https://feedback.example.com", "", "redirect: came back as a path, and Canny expects an absolute URL"},
	})
}
