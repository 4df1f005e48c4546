package docslogintest_test

import (
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

func init() {
	expected["developerhub"] = expectation{
		deepLink: "redirect={site}%2Fchangelog", toPage: true, ends: true, once: true,
		shows: "Hello, Ada &lt;script&gt;.;<dd>ada@example.com;<dt>plan</dt><dd>pro</dd>",
	}
}

func TestDeveloperHubSaysWhyItRejects(t *testing.T) {
	checkRejections(t, docslogintest.NewDeveloperHub, []rejectionTest{
		{"no version for DeveloperHub", func(p *docslogin.Platform) { p.Static = nil }, nil, "version", "no version"},
		{"no vars for DeveloperHub", func(p *docslogin.Platform) { p.Mapper = nil }, nil, "vars", "no vars"},
	})
}

func TestDeveloperHubAcceptsHS512(t *testing.T) {
	site := docslogintest.NewDeveloperHub()
	defer site.Close()
	platform := site.Platform()
	platform.Algorithm = "HS512"
	if _, err := site.Login(visitor(t, newApp(t, site, platform, ada)), "/quickstart"); err != nil {
		t.Error(err)
	}
}

func TestDeveloperHubNeedsNoTokenID(t *testing.T) {
	site := docslogintest.NewDeveloperHub()
	defer site.Close()
	app := newApp(t, site, site.Platform(), ada)
	for range 2 {
		if login, err := site.Login(visitor(t, app), "/quickstart"); err != nil || login.Claims["jti"] != nil {
			t.Errorf("login: %+v, %v", login, err)
		}
	}
}
