package docslogintest_test

import (
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

func init() {
	expected["helpscout"] = expectation{
		deepLink: "returnTo=%2Fchangelog", ends: true,
		shows: "Hello, ada@example.com.;<dd>ada@example.com",
	}
}

func TestHelpScoutSaysWhyItRejects(t *testing.T) {
	checkRejections(t, docslogintest.NewHelpScout, []rejectionTest{
		{"HS256 for Help Scout", func(p *docslogin.Platform) { p.Algorithm = "HS256" }, nil, "alg", "has to be HS512"},
		{"no exp for Help Scout", func(p *docslogin.Platform) { p.Lifetime = docslogin.Lifetime{} }, nil, "exp", "no exp"},
	})
}

func TestHelpScoutAndTheFormOfADeepLink(t *testing.T) {
	checkForms(t, docslogintest.NewHelpScout, []formTest{
		{docslogin.AsURL, deepLinkWithURL, "The parameter returnTo came back as an absolute URL, and Help Scout expects a path. Set DeepLink.Form to AsPath."},
	})
}
