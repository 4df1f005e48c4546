package docslogintest_test

import (
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

func init() {
	expected["featurebase"] = expectation{
		deepLink: "return_to={site}%2Fchangelog",
		shows:    "Hello, Ada &lt;script&gt;.;<dd>ada@example.com;<dt>userId</dt><dd>u1</dd>",
	}
}

func TestFeaturebaseSaysWhyItRejects(t *testing.T) {
	checkRejections(t, docslogintest.NewFeaturebase, []rejectionTest{
		{"a token that identifies nobody", func(p *docslogin.Platform) { p.Required, p.Mapper = nil, nil }, nil, "email", "neither email nor userId"},
	})
}

func TestFeaturebaseAndTheFormOfADeepLink(t *testing.T) {
	checkForms(t, docslogintest.NewFeaturebase, []formTest{
		{docslogin.AsPath, "/", "The parameter return_to came back as a path, and Featurebase expects an absolute URL. Set DeepLink.Form to AsURL."},
	})
}
