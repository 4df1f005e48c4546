package docslogintest

import (
	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/platforms"
)

// NewDeveloperHub starts a docs site that logs readers in as DeveloperHub does: a GET of any page
// takes the token in the query parameter jwt, and redirects to the same page without it. A jti, if
// the token has one, is accepted only once. The docs session ends at the token's exp.
func NewDeveloperHub(opts ...Option) *Site { return start(developerHub(), opts) }

func developerHub() spec {
	return spec{
		label:     "DeveloperHub-like docs",
		layout:    "bar",
		hue:       225,
		rules:     rules.DeveloperHub(),
		deepLink:  asURL,
		singleUse: true,
		newKey:    newSecret,
		preset:    platforms.DeveloperHub,
		reader:    developerHubReader,
	}
}

func developerHubReader(claims map[string]any) reader { return personReader(object(claims, "vars")) }
