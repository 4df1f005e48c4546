package docslogintest

import (
	"strings"

	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/platforms"
)

// NewMetabase starts a site that logs readers in as Metabase does. A GET of /auth/sso takes the
// token in the query parameter jwt, and the deep link in return_to. As at Metabase, the deep link
// is the rest of the login URL and is not escaped there. The site rejects a return_to that
// java.net.URI cannot parse, or that leads to another host.
func NewMetabase(opts ...Option) *Site { return start(metabase(), opts) }

func metabase() spec {
	return spec{
		label:    "Metabase-like analytics",
		layout:   "bar",
		hue:      15,
		rules:    rules.Metabase(),
		deepLink: unescaped,
		preset:   platforms.Metabase,
		reader:   metabaseReader,
	}
}

func metabaseReader(claims map[string]any) reader {
	return reader{
		Name:   strings.TrimSpace(text(claims["first_name"]) + " " + text(claims["last_name"])),
		Email:  text(claims["email"]),
		Groups: texts(claims["groups"]),
		Facts:  facts(claims, "email", "first_name", "last_name"),
	}
}
