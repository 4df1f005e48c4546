package docslogintest_test

import (
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/platforms"
)

func init() {
	expected["pylon"] = expectation{
		home:  true,
		shows: "Hello, ada@example.com.;<dd>ada@example.com",
	}
}

func TestPylonSaysWhyItRejects(t *testing.T) {
	issuer := func(iss string) func(*docslogin.Platform) {
		return func(p *docslogin.Platform) { p.Static["iss"] = iss }
	}
	checkRejections(t, docslogintest.NewPylon, []rejectionTest{
		{"no orgSlug", func(p *docslogin.Platform) { p.Params = nil }, nil, "orgSlug", "has no orgSlug"},
		{"no e-mail address", func(p *docslogin.Platform) { p.Required, p.Mapper = nil, nil }, nil, "email", "no email"},
		{"no aud", func(p *docslogin.Platform) { delete(p.Static, "aud") }, nil, "aud", "has no aud"},
		{"an issuer without a slash", issuer("https://app.example.com"), nil, "iss", "has no slash at its end"},
		{"the login URL as issuer", issuer("https://app.example.com/docs-login/"), nil, "iss", "is not the origin of a URL"},
		{"no exp", func(p *docslogin.Platform) { p.Lifetime.Token = 0 }, nil, "exp", "has no exp"},
		{"a token that expired more than a minute ago", nil, late(7 * time.Minute), "exp", "in the past"},
		{"a clock that is ahead", nil, late(-2 * time.Minute), "iat", "1m0s at most"},
	})
}

func TestPylonAcceptsTheAppsOwnSettings(t *testing.T) {
	const secret = "the-secret-of-the-real-portal"
	site := docslogintest.NewPylon(docslogintest.WithKey(secret))
	defer site.Close()
	p := platforms.Pylon(site.URL, "umbrella", "http://localhost:8080/", secret)
	p.Callback = site.Platform().Callback
	login, err := site.Login(visitor(t, newApp(t, site, p, ada)), "/quickstart")
	if err != nil || login.Page != "/" || login.Claims["iss"] != "http://localhost:8080/" || len(login.Notes) != 0 {
		t.Errorf("login: %+v, %v", login, err)
	}
}

func TestPylonAcceptsATokenForAMinuteAfterItsExp(t *testing.T) {
	site := docslogintest.NewPylon()
	defer site.Close()
	login, err := site.Login(visitor(t, newApp(t, site, site.Platform(), ada, late(5*time.Minute+30*time.Second))), "/quickstart")
	if err != nil || len(login.Notes) != 1 {
		t.Errorf("login: %+v, %v", login, err)
	}
}
