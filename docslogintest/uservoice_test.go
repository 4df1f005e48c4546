package docslogintest_test

import (
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

func init() {
	expected["uservoice"] = expectation{
		home: true, ends: true,
		shows: "Hello, Ada &lt;script&gt;.;<dd>ada@example.com;<dt>guid</dt><dd>u1</dd>",
	}
}

func TestUserVoiceSaysWhyItRejects(t *testing.T) {
	checkRejections(t, docslogintest.NewUserVoice, []rejectionTest{
		{"no guid", func(p *docslogin.Platform) { p.Required, p.Mapper = nil, nil }, set("email", "e"), "guid", "no guid"},
		{"no e-mail address", func(p *docslogin.Platform) { p.Required, p.Mapper = nil, nil }, set("guid", "1"), "email", "no email"},
		{"a token that has expired", nil, late(25 * time.Hour), "exp", "in the past"},
	})
}

func TestUserVoiceAcceptsATokenWithoutExp(t *testing.T) {
	site := docslogintest.NewUserVoice()
	defer site.Close()
	p := site.Platform()
	p.Lifetime = docslogin.Lifetime{}
	login, err := site.Login(visitor(t, newApp(t, site, p, ada)), "/quickstart")
	if err != nil || login.Page != "/" || len(login.Notes) != 1 {
		t.Errorf("login: %+v, %v", login, err)
	}
}
