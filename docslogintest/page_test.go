package docslogintest_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/internal/presets"
)

// notFact matches facts that pages show elsewhere, or that are about the token.
var notFact = regexp.MustCompile(`<dt>(name|email|first_name|last_name|apiKey|user|pass|version|iss|aud|iat|exp|jti)</dt>`)

func onlyFacts(t *testing.T, page string) {
	t.Helper()
	if found := notFact.FindAllString(page, -1); found != nil {
		t.Errorf("page has among the facts %v:\n%s", found, page)
	}
}

func TestAPageWithoutContentOfItsOwnIsPrivate(t *testing.T) {
	forEverySite(t, func(t *testing.T, p presets.Preset, want expectation) {
		site := p.Site()
		defer site.Close()
		newApp(t, site, site.Platform(), ada)
		resp, page := get(t, docslogintest.NewClient(), site.URL+"/guides/else")
		if !want.cookie && page != "the app's sign-in form" {
			t.Errorf("a reader who is logged out ended at %v", resp.Request.URL)
		}
		if want.cookie && (resp.Request.Response != nil || resp.StatusCode != http.StatusOK || !strings.Contains(page, "Log in</a>")) {
			t.Errorf("a public page ended at %v (%d):\n%s", resp.Request.URL, resp.StatusCode, page)
		}
	})
}

func TestFactsAreAboutTheReaderAndShownOnce(t *testing.T) {
	for _, test := range []struct {
		name  string
		start newSite
		claim docslogin.Option
		shows string
	}{
		{"an issuer", docslogintest.NewGitBook, set("iss", "the app"), "<dt>plan</dt>"},
		{"a version", docslogintest.NewGitBook, set("version", 1), "<dt>plan</dt>"},
		{"a last name, which is part of the name", docslogintest.NewMetabase, set("last_name", "Park"), "Park."},
	} {
		t.Run(test.name, func(t *testing.T) {
			site := test.start()
			defer site.Close()
			_, page := get(t, visitor(t, newApp(t, site, site.Platform(), ada, test.claim)), site.URL+"/quickstart")
			contains(t, page, test.shows)
			onlyFacts(t, page)
		})
	}
}

func TestPagesSortByName(t *testing.T) {
	site := docslogintest.NewMintlify()
	defer site.Close()
	const names = "a b c d e f g h"
	values := map[string]any{}
	for name := range strings.FieldsSeq(names) {
		values[name] = "x"
	}
	user := &docslogin.User{Email: "ada@example.com", Attributes: values}
	inputs := set("apiPlaygroundInputs", map[string]any{"header": values})
	_, page := get(t, visitor(t, newApp(t, site, site.Platform(), user, inputs)), site.URL+"/quickstart")
	for what, pattern := range map[string]string{"headers": `-H &#34;(\w): x`, "facts": `<dt>(\w)</dt>`} {
		var got []string
		for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(page, -1) {
			got = append(got, found[1])
		}
		if s := strings.Join(got, " "); s != names {
			t.Errorf("%s: %s, want %s", what, s, names)
		}
	}
}
