package rules_test

import (
	"testing"

	"github.com/docslogin/docslogin/internal/rules"
)

func TestClaims(t *testing.T) {
	checkTokens(t, []tokenTest{
		{"no host", rules.Mintlify(), eddsa(edHeader, `{"iat":1700000000,"exp":1700000010}`), public, "host: has no host", ""},
		{"a host that is a number", rules.Mintlify(), eddsa(edHeader, `{"iat":1700000000,"exp":1700000010,"host":1}`), public, "host: not a string", ""},
		{"another host", rules.Mintlify(), eddsa(edHeader, `{"iat":1700000000,"exp":1700000010,"host":"acme.mintlify.app"}`), public, `host: "acme.mintlify.app", but the docs were visited at "docs.example.com"`, ""},
		{"a host with its port", rules.Mintlify(), eddsa(edHeader, `{"iat":1700000000,"exp":1700000010,"host":"docs.example.com:443"}`), public, "host: docs.example.com:443", ""},
		{"a host in capitals", rules.Mintlify(), eddsa(edHeader, `{"iat":1700000000,"exp":1700000010,"host":"Docs.example.com"}`), public, "host: Docs.example.com", ""},

		{"no e-mail", rules.ReadMe(), hs256(hsHeader, `{"name":"A","version":1,"iat":1}`, secret), secret, "email: has no email", ""},
		{"an empty name", rules.ReadMe(), hs256(hsHeader, `{"name":" ","email":"e","version":1,"iat":1}`, secret), secret, "name: is empty", ""},
		{"a name that is a number", rules.ReadMe(), hs256(hsHeader, `{"name":7,"email":"e","version":1,"iat":1}`, secret), secret, "name: is not a string", ""},
		{"no version", rules.ReadMe(), hs256(hsHeader, `{"name":"A","email":"e","iat":1}`, secret), secret, "version: has no version", ""},
		{"version 2", rules.ReadMe(), hs256(hsHeader, `{"name":"A","email":"e","version":2,"iat":1}`, secret), secret, "version: is not 1", ""},
		{"version 1.0, which is 1 to a script", rules.ReadMe(), hs256(hsHeader, `{"name":"A","email":"e","version":1.0,"iat":1}`, secret), secret, "", ""},
		{"version as text", rules.ReadMe(), hs256(hsHeader, `{"name":"A","email":"e","version":"1","iat":1}`, secret), secret, "version: is not a number", ""},

		{"misspelled claims of ReadMe", rules.ReadMe(), readMe(`,"api_key":"k","APIKEY":"k"`), secret, "", `spelling: "APIKEY" is not a claim; "api_key" is not a claim`},
		{"misspelled claims of Mintlify", rules.Mintlify(), mintlify(`,"expires_at":1701209600`), public, "", `spelling: "expires_at" is not a claim of Mintlify`},
		{"misspelled claims of Zendesk, whose types are not known", rules.Zendesk(), zendesk(`,"EXTERNAL_ID":1,"LOCALE":1,"ORGANIZATION":1,"ORGANIZATIONS":1,"ORGANIZATION_ID":1,"ORGANIZATION_IDS":1,"PHONE":1,"REMOTE_PHOTO_URL":1,"ROLE":1,"TAGS":1`), secret, "",
			`spelling: "EXTERNAL_ID"; "LOCALE"; "ORGANIZATION"; "ORGANIZATIONS"; "ORGANIZATION_ID"; "ORGANIZATION_IDS"; "PHONE"; "REMOTE_PHOTO_URL"; "ROLE"; "TAGS"`},
		{"a misspelled iss", rules.Fern(), fern(`,"ISS":"x","fern":{}`), secret, "", `spelling: "ISS" is not a claim of Fern`},
		{"a claim of the app's own", rules.ReadMe(), readMe(`,"plan":"pro","":1`), secret, "", ""},
	})
}

func TestWithoutAHostTheClaimMustOnlyBePresent(t *testing.T) {
	_, findings := rules.Mintlify().Check(mintlify(""), public, "", now)
	checkFindings(t, findings, "", "")
}
