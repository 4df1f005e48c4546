package docslogintest

import (
	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/platforms"
)

// NewHelpScout starts a docs site that logs readers in as Help Scout Docs do. A GET of
// /authcallback takes an HS512 token in the query parameter token, and the deep link in returnTo.
// The docs session ends at the token's exp.
func NewHelpScout(opts ...Option) *Site { return start(helpScout(), opts) }

func helpScout() spec {
	return spec{
		label:    "Help Scout-like docs",
		layout:   "tabs",
		hue:      285,
		rules:    rules.HelpScout(),
		deepLink: asPath,
		preset:   platforms.HelpScout,
		reader:   helpScoutReader,
	}
}

func helpScoutReader(claims map[string]any) reader { return reader{Email: text(claims["sub"])} }
