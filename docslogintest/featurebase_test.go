package docslogintest_test

import (
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

func TestFeaturebaseSaysWhyItRejects(t *testing.T) {
	checkRejections(t, docslogintest.NewFeaturebase, []rejectionTest{
		{"a token that identifies nobody", func(p *docslogin.Platform) { p.Required, p.Mapper = nil, nil }, nil, "email", "neither email nor userId"},
	})
}
