package presets_test

import (
	"strings"
	"testing"

	"github.com/docslogin/docslogin/internal/presets"
	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/internal/testkit"
)

func TestAPlatformHasOneNameEverywhere(t *testing.T) {
	all, judges := presets.All(), rules.All()
	if len(all) != len(judges) {
		t.Fatalf("%d presets, %d platforms with rules", len(all), len(judges))
	}
	for i, p := range all {
		want := p.Rules(nil).Name
		if got := judges[i].Name; got != want {
			t.Errorf("%s: platform %d with rules is %q, want %q", p.Flag, i+1, got, want)
		}
		if got := p.Example("https://docs.example.com", testkit.KeyFor(p)).Name; got != want {
			t.Errorf("%s: the preset is called %q, want %q", p.Flag, got, want)
		}
		site := p.Site()
		defer site.Close()
		if got := site.Platform().Name; got != want {
			t.Errorf("%s: the site is of %q, want %q", p.Flag, got, want)
		}
	}
}

func TestFlags(t *testing.T) {
	var flags []string
	for _, p := range presets.All() {
		flags = append(flags, p.Flag)
	}
	const want = "readme mintlify mintlify-personalization gitbook fern zendesk helpscout developerhub canny featurebase metabase"
	if got := strings.Join(flags, " "); got != want {
		t.Errorf("flags: %s", got)
	}
}
