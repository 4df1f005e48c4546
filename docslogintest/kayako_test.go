package docslogintest_test

import (
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

func init() {
	expected["kayako"] = expectation{
		deepLink: "returnto={site}%2Fchangelog", toPage: true, once: true,
		shows: "Hello, Ada &lt;script&gt;.;<dd>ada@example.com",
	}
}

func TestKayakoSaysWhyItRejects(t *testing.T) {
	checkRejections(t, docslogintest.NewKayako, []rejectionTest{
		{"no jti", func(p *docslogin.Platform) { p.TokenID = false }, nil, "jti", "no jti"},
		{"no name", func(p *docslogin.Platform) { p.Required, p.Mapper = nil, nil }, set("email", "e"), "name", "no name"},
		{"no e-mail address", func(p *docslogin.Platform) { p.Required, p.Mapper = nil, nil }, set("name", "Ada"), "email", "no email"},
		{"a role that Kayako does not have", nil, set("role", "reader"), "role", "is not customer, agent, admin, or owner"},
	})
}

func TestKayakoAcceptsHS512(t *testing.T) {
	site := docslogintest.NewKayako()
	defer site.Close()
	platform := site.Platform()
	platform.Algorithm = "HS512"
	if _, err := site.Login(visitor(t, newApp(t, site, platform, ada)), "/quickstart"); err != nil {
		t.Error(err)
	}
}

func TestKayakosEndpointKeepsItsOwnQuery(t *testing.T) {
	const endpoint = "/Base/SSO/JWT/?type=customer&action=/HelpCenter"
	site := docslogintest.NewKayako()
	defer site.Close()
	login, err := site.Login(visitor(t, newApp(t, site, site.Platform(), ada)), endpoint)
	if err != nil || login.Page != endpoint || len(login.Notes) != 0 {
		t.Errorf("login: %+v, %v", login, err)
	}
}
