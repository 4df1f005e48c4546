package docslogintest

import (
	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/platforms"
)

// NewFeaturebase starts a help center that logs readers in as Featurebase does. A GET of
// /api/v1/auth/access/jwt takes the token in the query parameter jwt, and the deep link as a URL in
// return_to. A path in return_to leads to the home page.
func NewFeaturebase(opts ...Option) *Site { return start(featurebase(), opts) }

func featurebase() spec {
	return spec{
		label:    "Featurebase-like help center",
		layout:   "tabs",
		hue:      340,
		rules:    rules.Featurebase(),
		deepLink: asURL,
		preset:   platforms.Featurebase,
		reader:   personReader,
	}
}
