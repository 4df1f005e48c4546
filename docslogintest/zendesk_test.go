package docslogintest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

func init() {
	expected["zendesk"] = expectation{
		deepLink: "return_to=%2Fchangelog", once: true,
		shows: "Hello, Ada &lt;script&gt;.;<dd>ada@example.com;<dt>external_id</dt><dd>u1</dd>",
	}
}

func TestZendeskSaysWhyItRejects(t *testing.T) {
	checkRejections(t, docslogintest.NewZendesk, []rejectionTest{
		{"no jti for Zendesk", func(p *docslogin.Platform) { p.TokenID = false }, nil, "jti", "no jti"},
		{"an iat that is too old for Zendesk", nil, late(4 * time.Minute), "iat", "3m0s at most"},
		{"an iat that is too new for Zendesk", nil, late(-4 * time.Minute), "iat", "in the future"},
		{"another brand of Zendesk", func(p *docslogin.Platform) {
			p.Echo, p.Params = []string{"locale_id", "timestamp"}, map[string]string{"brand_id": "7"}
		}, nil, "brand_id", "did not come back"},
	})
}

func TestARejectedTokenHasNotUsedItsID(t *testing.T) {
	site := docslogintest.NewZendesk()
	defer site.Close()
	action, form := sent(t, site)
	for _, step := range []struct{ brand, rule string }{{"7", "brand_id"}, {"360001", ""}, {"360001", "jti"}} {
		resp, rule := postForm(t, site, strings.Replace(action, "360001", step.brand, 1), form.Encode())
		if rule != step.rule {
			t.Errorf("brand %s: status %d, rejected by rule %q, want %q", step.brand, resp.StatusCode, rule, step.rule)
		}
	}
}

func TestAParameterThatIsLostIsNoted(t *testing.T) {
	site := docslogintest.NewZendesk()
	defer site.Close()
	forgets := site.Platform()
	forgets.Echo = []string{"brand_id", "locale_id"}
	login, err := site.Login(visitor(t, newApp(t, site, forgets, ada)), "/quickstart")
	if err != nil || len(login.Notes) != 1 || !strings.Contains(login.Notes[0], "timestamp did not come back") {
		t.Errorf("login: %+v, %v", login, err)
	}
}

func TestTheFormCarriesTheTokenAndTheQueryTheParameters(t *testing.T) {
	for _, test := range []struct {
		name, query, form string // {echo} is the login URL's own parameters
		leads, rule       string // one of them
		notes             int
	}{
		{"each in its place", "{echo}", "jwt={token}&return_to=%2Fa", "/a", "", 0},
		{"the token in the query", "{echo}&jwt={token}", "return_to=%2Fa", "", "form", 0},
		{"the deep link in the query", "{echo}&return_to=%2Fa", "jwt={token}", "/", "", 0},
		{"another brand in the form as well", "{echo}", "jwt={token}&brand_id=7", "/", "", 0},
		{"another brand in the form alone", "", "jwt={token}&brand_id=7", "/", "", 3},
		{"the parameters in the form alone", "", "jwt={token}&{echo}", "/", "", 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			site := docslogintest.NewZendesk()
			defer site.Close()
			action, form := sent(t, site)
			_, echo, _ := strings.Cut(action, "?")
			fill := strings.NewReplacer("{echo}", echo, "{token}", form.Get("jwt")).Replace
			resp, rule := postForm(t, site, site.URL+"/access/jwt?"+fill(test.query), fill(test.form))
			if got := resp.Header.Get("Location"); got != test.leads || rule != test.rule {
				t.Errorf("leads to %q, rejected by rule %q; want %q, %q", got, rule, test.leads, test.rule)
			}
			for _, login := range site.Logins() {
				if len(login.Notes) != test.notes {
					t.Errorf("notes: %q, want %d", login.Notes, test.notes)
				}
			}
		})
	}
}

func TestZendeskAndTheFormOfADeepLink(t *testing.T) {
	checkForms(t, docslogintest.NewZendesk, []formTest{
		{docslogin.AsPath, deepLinkWithURL, ""},
		{docslogin.AsURL, deepLinkWithURL, ""}, // as agents' links are
	})
}
