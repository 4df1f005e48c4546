package docslogintest_test

import (
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

func TestMetabaseSaysWhyItRejects(t *testing.T) {
	checkRejections(t, docslogintest.NewMetabase, []rejectionTest{
		{"an iat that is too old for Metabase", func(p *docslogin.Platform) { p.Lifetime.Token, p.Lifetime.MaxToken = time.Hour, 0 }, late(4 * time.Minute), "iat", "3m0s at most"},
	})
}
