package docslogintest_test

import (
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

func TestCannySaysWhyItRejects(t *testing.T) {
	checkRejections(t, docslogintest.NewCanny, []rejectionTest{
		{"no company for Canny", func(p *docslogin.Platform) { p.Echo, p.Params = nil, nil }, nil, "companyID", "has no companyID"},
		{"no ID for Canny", func(p *docslogin.Platform) { p.Required, p.Mapper = nil, nil }, nil, "id", "no id"},
	})
}
