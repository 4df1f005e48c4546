// Package presets lists the presets of package platforms, with what the command, the demo, the
// documentation, and the tests need to know about each.
package presets

import (
	"cmp"
	"slices"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/platforms"
)

// Preset describes one preset.
type Preset struct {
	Flag  string                          // its short name, as a value of the command's -platform
	Call  string                          // the call as the documentation shows it: "ReadMe(docsURL, secret)"
	New   func(Values) docslogin.Platform // calls the preset
	Rules func(Values) rules.Platform     // what the platform rejects
	Site  func(...docslogintest.Option) *docslogintest.Site
	Extra []Argument // arguments besides the docs URL and the key
}

// Values are the arguments of a preset by name: "docs", "key", and the names of [Arguments].
type Values map[string]string

// Argument is an argument that only some presets have.
type Argument struct {
	Name     string // in Values, and as a flag of the command
	Value    string // placeholder in the command's help
	Help     string
	Field    string // Field of the docslogin.ConfigError about it
	Example  string // "": examples do not set it
	Optional bool
}

var (
	company      = Argument{Name: "company", Value: "ID", Help: "the companyID", Field: "Platform.Params", Example: "acme-company"}
	account      = Argument{Name: "account", Value: "URL", Help: "the account's own URL, if the help center has another", Field: "accountURL", Example: "https://acme.zendesk.com", Optional: true}
	cookieDomain = Argument{Name: "cookie-domain", Value: "DOMAIN", Help: "the parent domain of app and docs", Field: "Platform.Carrier", Example: "example.com"}
	issuer       = Argument{Name: "issuer", Value: "URL", Help: "the issuer, if another one was agreed upon", Field: "Platform.Static", Optional: true}
	orgSlug      = Argument{Name: "org-slug", Value: "SLUG", Help: "the orgSlug in Pylon's workspace settings", Field: "Platform.Params", Example: "acme"}
	pylonIssuer  = Argument{Name: "issuer", Value: "URL", Help: "the login URL's origin, with a slash at its end", Field: "issuer", Example: "https://app.example.com/"}
)

// All returns every preset.
func All() []Preset {
	return []Preset{
		{"readme", "ReadMe(docsURL, secret)", simple(platforms.ReadMe), fixed(rules.ReadMe), docslogintest.NewReadMe, nil},
		{"mintlify", "Mintlify(docsURL, privateKeyPEM)", simple(platforms.Mintlify), fixed(rules.Mintlify), docslogintest.NewMintlify, nil},
		{"mintlify-personalization", "MintlifyPersonalization(docsURL, privateKeyPEM)", simple(platforms.MintlifyPersonalization), fixed(rules.MintlifyPersonalization), docslogintest.NewMintlifyPersonalization, nil},
		{"gitbook", "GitBook(siteURL, signingKey)", simple(platforms.GitBook), fixed(rules.GitBook), docslogintest.NewGitBook, nil},
		{"gitbook-adaptive", "GitBookAdaptive(siteURL, cookieDomain, signingKey)", gitBookAdaptive, fixed(rules.GitBookAdaptive), docslogintest.NewGitBookAdaptive, []Argument{cookieDomain}},
		{"fern", "Fern(docsURL, secret)", fern, fernRules, docslogintest.NewFern, []Argument{issuer}},
		{"zendesk", "Zendesk(accountURL, secret)", zendesk, fixed(rules.Zendesk), docslogintest.NewZendesk, []Argument{account}},
		{"helpscout", "HelpScout(siteURL, secret)", simple(platforms.HelpScout), fixed(rules.HelpScout), docslogintest.NewHelpScout, nil},
		{"developerhub", "DeveloperHub(docsURL, secret)", simple(platforms.DeveloperHub), fixed(rules.DeveloperHub), docslogintest.NewDeveloperHub, nil},
		{"canny", "Canny(boardURL, companyID, privateKey)", canny, fixed(rules.Canny), docslogintest.NewCanny, []Argument{company}},
		{"featurebase", "Featurebase(siteURL, secret)", simple(platforms.Featurebase), fixed(rules.Featurebase), docslogintest.NewFeaturebase, nil},
		{"metabase", "Metabase(siteURL, secret)", simple(platforms.Metabase), fixed(rules.Metabase), docslogintest.NewMetabase, nil},
		{"pylon", "Pylon(portalURL, orgSlug, issuer, secret)", pylon, pylonRules, docslogintest.NewPylon, []Argument{orgSlug, pylonIssuer}},
		{"kayako", "Kayako(siteURL, secret)", simple(platforms.Kayako), fixed(rules.Kayako), docslogintest.NewKayako, nil},
		{"uservoice", "UserVoice(siteURL, secret)", simple(platforms.UserVoice), fixed(rules.UserVoice), docslogintest.NewUserVoice, nil},
	}
}

// simple returns a function that calls a preset with a docs URL and a key.
func simple(preset func(docs, key string) docslogin.Platform) func(Values) docslogin.Platform {
	return func(v Values) docslogin.Platform { return preset(v["docs"], v["key"]) }
}

// fixed returns a function for rules that do not depend on any argument.
func fixed(platform func() rules.Platform) func(Values) rules.Platform {
	return func(Values) rules.Platform { return platform() }
}

func gitBookAdaptive(v Values) docslogin.Platform {
	return platforms.GitBookAdaptive(v["docs"], v["cookie-domain"], v["key"])
}

func canny(v Values) docslogin.Platform { return platforms.Canny(v["docs"], v["company"], v["key"]) }

func fern(v Values) docslogin.Platform {
	p := platforms.Fern(v["docs"], v["key"])
	if issuer := v["issuer"]; issuer != "" {
		p.Static["iss"] = issuer
	}
	return p
}

func pylon(v Values) docslogin.Platform {
	return platforms.Pylon(v["docs"], v["org-slug"], v["issuer"], v["key"])
}

func pylonRules(v Values) rules.Platform { return rules.Pylon(v["issuer"]) }

func zendesk(v Values) docslogin.Platform {
	if v["account"] == "" {
		return platforms.Zendesk(v["docs"], v["key"])
	}
	p := platforms.Zendesk(v["account"], v["key"])
	p.DocsURL = v["docs"]
	if err, ok := p.Err.(*docslogin.ConfigError); ok {
		err.Field = "accountURL" // DocsURL is another one here
	}
	return p
}

func fernRules(v Values) rules.Platform {
	p := rules.Fern()
	p.Issuer = cmp.Or(v["issuer"], p.Issuer)
	return p
}

// Arguments returns the arguments that only some of the presets have. Presets may share a name and
// differ in the rest.
func Arguments(presets []Preset) []Argument {
	var all []Argument
	for _, p := range presets {
		for _, a := range p.Extra {
			if !slices.Contains(all, a) {
				all = append(all, a)
			}
		}
	}
	return all
}

// Example returns the platform of a preset with a docs URL, a key, and an example of every other
// argument that has one.
func (p Preset) Example(docsURL, key string) docslogin.Platform {
	values := Values{"docs": docsURL, "key": key}
	for _, a := range p.Extra {
		if a.Example != "" {
			values[a.Name] = a.Example
		}
	}
	return p.New(values)
}

// Name returns the platform's name.
func (p Preset) Name() string { return p.Rules(nil).Name }
