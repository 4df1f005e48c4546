package docslogintest

import (
	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/platforms"
)

// NewKayako starts a help center that logs readers in as Kayako does. A GET of any page takes the token in
// the query parameter jwt, and redirects to the same page without it. Kayako sends the URL of its endpoint
// /Base/SSO/JWT/ in returnto; the test site sends the URL of the page.
//
// The site accepts each jti only once. Kayako does not document what it does with a jti that was
// used before. The site explains errors on a page; Kayako sends them to the login URL.
func NewKayako(opts ...Option) *Site { return start(kayako(), opts) }

func kayako() spec {
	return spec{
		label:     "Kayako-like help center",
		layout:    "bar",
		hue:       112,
		rules:     rules.Kayako(),
		deepLink:  asURL,
		singleUse: true,
		preset:    platforms.Kayako,
		reader:    personReader,
	}
}
