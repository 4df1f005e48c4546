package rules_test

import (
	"testing"

	"github.com/docslogin/docslogin/internal/rules"
)

func TestCanny(t *testing.T) {
	checkTokens(t, []tokenTest{
		{"Canny accepts a user", rules.Canny(), hs256(hsHeader, `{"id":"1","name":"Ada","email":"e","iat":1700000000,"exp":1700000300}`, secret), secret, "", ""},
		{"Canny needs an id", rules.Canny(), hs256(hsHeader, `{"name":"Ada","email":"e","iat":1700000000}`, secret), secret, "id: has no id", ""},
		{"Canny honors exp", rules.Canny(), hs256(hsHeader, `{"id":"1","name":"Ada","email":"e","iat":1699999000,"exp":1699999700}`, secret), secret, "exp: 5m0s in the past", ""},
	})
}
