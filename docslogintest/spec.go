package docslogintest

import (
	"net/url"
	"strings"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/deeplink"
	"github.com/docslogin/docslogin/internal/rules"
)

// A spec describes what distinguishes one platform's site from the others. Each platform has one,
// in a file of its own.
type spec struct {
	label     string // what its pages call the site
	layout    string // a class in site.html
	hue       int    // of the accent color, in degrees of OKLCH
	rules     rules.Platform
	host      string                            // name of the site's host; "": the listener's address
	public    bool                              // every page is public
	deepLink  func(siteURL, page string) string // the deep link as it is written in the login URL; nil if rules.Link is ""
	echo      map[string]string                 // other parameters of the login URL, which must come back unchanged
	singleUse bool                              // a jti that was used before is rejected
	preset    func(docsURL, key string) docslogin.Platform
	reader    func(claims map[string]any) reader

	// Where the docs logout leads, if rules.Logout is set.
	logoutLink string // the deep link if the request has none
	logoutBack bool   // without a logout URL, it leads to the deep link instead of the home page
}

// The forms in which platforms write a deep link into the login URL.

func asPath(_, page string) string { return url.QueryEscape(page) }

func asURL(siteURL, page string) string { return url.QueryEscape(siteURL + page) }

func fromBase(_, page string) string { return url.QueryEscape(strings.TrimPrefix(page, "/")) }

func unescaped(_, page string) string { return deeplink.Escape(page) }
