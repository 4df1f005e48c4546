package docslogintest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

func init() {
	expected["readme"] = expectation{
		deepLink: "redirect=%2Fchangelog",
		shows:    "Hello, Ada &lt;script&gt;.;Bearer key-of-ada;<dd>ada@example.com;<dt>plan</dt><dd>pro</dd>;<dt>seats</dt><dd>7</dd>",
	}
}

func TestReadMeSaysWhyItRejects(t *testing.T) {
	checkRejections(t, docslogintest.NewReadMe, []rejectionTest{
		{"another secret", func(p *docslogin.Platform) { p.Key = docslogin.Secret("of another environment") }, nil, "signature", "does not verify with the site's secret"},
		{"no version", func(p *docslogin.Platform) { p.Static = nil }, nil, "version", "no version"},
		{"an empty name", func(p *docslogin.Platform) { p.Required = nil }, set("name", " "), "name", "empty"},
		{"an app's clock that is behind", nil, late(time.Hour), "exp", "in the past"},
	})
}

func TestReadMeFillsInEveryKindOfKey(t *testing.T) {
	for _, test := range []struct {
		name string
		keys []docslogin.APIKey
		want []string
	}{
		{"none", nil, []string{"YOUR_API_KEY", "brought no API key"}},
		{"HTTP Basic", []docslogin.APIKey{{Username: "u", Password: "p"}}, []string{`-u &#34;u:p&#34;`}},
		{"several", []docslogin.APIKey{{Name: "live", Key: "k1"}, {Name: "test", Username: "u", Password: "p"}},
			[]string{"<select", `<option value="key-1">test</option>`, "Bearer k1", "<figcaption>live</figcaption>", `-u &#34;u:p&#34;`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			site := docslogintest.NewReadMe()
			defer site.Close()
			user := &docslogin.User{Email: "ada@example.com", APIKeys: test.keys}
			_, page := get(t, visitor(t, newApp(t, site, site.Platform(), user)), site.URL+"/guides/else")
			contains(t, page, append(test.want, "<code>/guides/else</code>")...)
			onlyFacts(t, page)
			if strings.Contains(page, "Note on the token") {
				t.Errorf("the page has a warning about the token:\n%s", page)
			}
		})
	}
}

func TestReadMeAndTheFormOfADeepLink(t *testing.T) {
	checkForms(t, docslogintest.NewReadMe, []formTest{
		{docslogin.AsPath, deepLinkWithURL, ""},
		{docslogin.AsURL, deepLinkWithURL, "The parameter redirect came back as an absolute URL, and ReadMe expects a path. Set DeepLink.Form to AsPath."},
	})
}
