package docslogintest

import (
	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/platforms"
)

// NewDeveloperHub starts a docs site that logs readers in as DeveloperHub does. A GET of any page
// takes the token in the query parameter jwt, and redirects to the same page without it. If a token
// has a jti, the site accepts it only once. The docs session ends at the token's exp.
func NewDeveloperHub(opts ...Option) *Site { return start(developerHub(), opts) }

func developerHub() spec {
	return spec{
		label:     "DeveloperHub-like docs",
		layout:    "bar",
		hue:       225,
		rules:     rules.DeveloperHub(),
		deepLink:  asURL,
		singleUse: true,
		preset:    platforms.DeveloperHub,
		reader:    developerHubReader,
	}
}

func developerHubReader(claims map[string]any) reader { return personReader(object(claims, "vars")) }
