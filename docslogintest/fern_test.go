package docslogintest_test

import (
	"strings"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

func TestFernSaysWhyItRejects(t *testing.T) {
	checkRejections(t, docslogintest.NewFern, []rejectionTest{
		{"another issuer at Fern", func(p *docslogin.Platform) { p.Static = docslogin.Claims{"iss": "https://app.example.com"} }, nil, "iss", "is not https://buildwithfern.com"},
		{"more than Fern accepts", func(p *docslogin.Platform) { p.MaxTokenBytes = 0 }, set("bio", strings.Repeat("x", 4000)), "size", "4000 at most"},
		{"a role at Fern that is not a list", nil, set("fern", map[string]any{"roles": "admin"}), "fern.roles", "not a list of strings"},
	})
}

func TestFernFillsInHTTPBasic(t *testing.T) {
	site := docslogintest.NewFern()
	defer site.Close()
	user := &docslogin.User{Email: "ada@example.com", APIKeys: []docslogin.APIKey{{Username: "u", Password: "p"}}}
	_, page := get(t, visitor(t, newApp(t, site, site.Platform(), user)), site.URL+"/quickstart")
	contains(t, page, `-u &#34;u:p&#34;`)
}
