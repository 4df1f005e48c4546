package presets_test

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
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

func TestEveryPresetHasItsOwnFlag(t *testing.T) {
	flags := map[string]bool{}
	for _, p := range presets.All() {
		if flags[p.Flag] {
			t.Errorf("two presets have the flag %s", p.Flag)
		}
		flags[p.Flag] = true
	}
}

// Presets that share an argument's name share its flag, which has one placeholder.
func TestAnArgumentHasOnePlaceholder(t *testing.T) {
	values := map[string]string{}
	for _, a := range presets.Arguments(presets.All()) {
		if value, seen := values[a.Name]; seen && value != a.Value {
			t.Errorf("-%s has the placeholders %s and %s", a.Name, value, a.Value)
		}
		values[a.Name] = a.Value
	}
}

// An argument that only some presets have reaches the platform. New says which one is wrong, or
// missing if it is not optional.
func TestArguments(t *testing.T) {
	for _, p := range presets.All() {
		for _, a := range p.Extra {
			value := notExamples.Replace(cmp.Or(a.Example, "https://acme.example"))
			platform := p.New(presets.Values{"docs": "https://docs.example.com", a.Name: value})
			if !strings.Contains(fmt.Sprint(platform.Params, platform.Static, platform.Callback, platform.Carrier), value) {
				t.Errorf("%s: -%s does not reach the platform", p.Flag, a.Name)
			}
			if !slices.Contains(presets.Arguments(presets.All()), a) {
				t.Errorf("%s: -%s is not in the list of arguments", p.Flag, a.Name)
			}
			broken := without(p, a)
			broken[a.Name] = value + "\n"
			_, err := docslogin.New(testkit.Nobody, p.New(broken))
			if errs := testkit.ConfigErrors(err); len(errs) != 1 || errs[0].Field != a.Field {
				t.Errorf("%s with a newline after -%s: %v", p.Flag, a.Name, err)
			}
			_, err = docslogin.New(testkit.Nobody, p.New(without(p, a)))
			errs := testkit.ConfigErrors(err)
			if !a.Optional && (len(errs) != 1 || errs[0].Field != a.Field) {
				t.Errorf("%s without -%s: %v", p.Flag, a.Name, err)
			}
		}
	}
}

// The rules expect the same issuer as the preset.
func TestTheRulesExpectThePresetsIssuer(t *testing.T) {
	const header = `{"alg":"HS256","typ":"JWT"}`
	for _, p := range presets.All() {
		if !slices.ContainsFunc(p.Extra, func(a presets.Argument) bool { return a.Name == "issuer" }) {
			continue
		}
		for issuer, want := range map[string]bool{"https://app.example/": true, "https://other.example/": false} {
			claims := fmt.Sprintf(`{"iss":%q}`, issuer)
			token := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + "."
			_, findings := p.Rules(presets.Values{"issuer": "https://app.example/"}).Check(token, nil, "", time.Now())
			i := slices.IndexFunc(findings, func(f rules.Finding) bool { return f.Rule == "iss" })
			if i < 0 || findings[i].OK != want {
				t.Errorf("%s: the issuer %s is accepted: %v, in %+v", p.Flag, issuer, !want, findings)
			}
		}
	}
}

// notExamples turns the example of an argument into another value.
var notExamples = strings.NewReplacer("acme", "umbrella", "example.com", "umbrella.example")

// without returns the arguments of a preset except one.
func without(p presets.Preset, except presets.Argument) presets.Values {
	values := presets.Values{"docs": "https://docs.example.com", "key": testkit.KeyFor(p)}
	for _, a := range p.Extra {
		if a != except {
			values[a.Name] = a.Example
		}
	}
	return values
}
