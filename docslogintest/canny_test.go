package docslogintest_test

import (
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

func init() {
	expected["canny"] = expectation{
		deepLink: "redirect={site}%2Fchangelog",
		shows:    "Hello, Ada &lt;script&gt;.;<dd>ada@example.com;<dt>id</dt><dd>u1</dd>",
	}
}

func TestCannySaysWhyItRejects(t *testing.T) {
	checkRejections(t, docslogintest.NewCanny, []rejectionTest{
		{"no company for Canny", func(p *docslogin.Platform) { p.Echo, p.Params = nil, nil }, nil, "companyID", "has no companyID"},
		{"no ID for Canny", func(p *docslogin.Platform) { p.Required, p.Mapper = nil, nil }, nil, "id", "no id"},
	})
}

func TestCannyAndTheFormOfADeepLink(t *testing.T) {
	checkForms(t, docslogintest.NewCanny, []formTest{
		{docslogin.AsPath, "/", "The parameter redirect came back as a path, and Canny expects an absolute URL. Set DeepLink.Form to AsURL."},
	})
}
