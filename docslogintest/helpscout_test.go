package docslogintest_test

import (
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

func TestHelpScoutSaysWhyItRejects(t *testing.T) {
	checkRejections(t, docslogintest.NewHelpScout, []rejectionTest{
		{"HS256 for Help Scout", func(p *docslogin.Platform) { p.Algorithm = "HS256" }, nil, "alg", "has to be HS512"},
		{"no exp for Help Scout", func(p *docslogin.Platform) { p.Lifetime = docslogin.Lifetime{} }, nil, "exp", "no exp"},
	})
}
