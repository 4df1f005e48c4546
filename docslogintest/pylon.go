package docslogintest

import (
	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/platforms"
)

// NewPylon starts a portal that logs readers in as Pylon does. A GET of /callback/jwt takes the token in
// the query parameter jwt, and requires orgSlug. Pylon sends no deep link, so a login leads to the home
// page. Pylon serves /callback/jwt on a host of its own; the test site serves it on the portal's host.
//
// At Pylon, orgSlug and the token's iss must match the workspace's settings, which the site does not know.
// It accepts any orgSlug. It accepts any iss that is an origin with a slash at its end.
func NewPylon(opts ...Option) *Site { return start(pylon(), opts) }

func pylon() spec {
	return spec{
		label:  "Pylon-like portal",
		layout: "tabs",
		hue:    88,
		rules:  rules.Pylon(""),
		preset: pylonHere,
		reader: personReader,
	}
}

// pylonHere returns Pylon's preset, with the token going to the site instead of graph.usepylon.com.
func pylonHere(portalURL, secret string) docslogin.Platform {
	p := platforms.Pylon(portalURL, "acme", "https://app.example.com/", secret)
	p.Callback = portalURL + rules.Pylon("").Callback
	return p
}
