package docslogintest

import (
	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/platforms"
)

// NewGitBook starts a docs site that logs readers in as GitBook does. A GET of any page takes the
// token in the query parameter jwt_token, and redirects to the same page without it. The site
// rejects parameters that GitBook would misread: access_token, which would replace the token, and
// visitor.…, which are unsigned claims. The docs session ends at the token's exp, or with a GET of
// /~gitbook/auth/logout (see [Site.SetLogoutURL]).
func NewGitBook(opts ...Option) *Site { return start(gitBook(), opts) }

// NewGitBookAdaptive starts a docs site that adapts its pages as GitBook's adaptive content does. All
// pages are public. In each request, the site reads the token from the cookie gitbook-visitor-token. It
// greets a reader whose token it accepts. Without the cookie, the reader is anonymous.
//
// The cookie is for the parent domain of the site's host, and the app's host must be under that domain,
// too. The site's URL begins with http://docs.acme.localhost, so begin the login URL with
// http://app.acme.localhost:
//
//	app.URL = strings.Replace(app.URL, "127.0.0.1", "app.acme.localhost", 1)
//	docs.SetLoginURL(app.URL + login.Path())
//
// All ports of a host share cookies, so two such sites need URLs under different domains.
//
// GitBook does not document what its server does with a token that has expired or that does not verify.
// If the server responds with an error, GitBook's published code shows an error page. This site always
// does, and names the rule that the token breaks. If the browser sends two cookies with that name,
// GitBook reads the last one, and browsers differ in their order, so the site rejects both. It also
// rejects what GitBook reads before the cookie: the parameters access_token and jwt_token, an
// Authorization header with a Bearer token, and the cookie of GitBook's authenticated access.
func NewGitBookAdaptive(opts ...Option) *Site { return start(gitBookAdaptive(), opts) }

func gitBookAdaptive() spec {
	s := gitBook()
	s.label, s.hue, s.rules = "GitBook-like adaptive docs", 70, rules.GitBookAdaptive()
	s.host, s.public = "docs.acme.localhost", true
	s.preset = func(siteURL, signingKey string) docslogin.Platform {
		domain, reason := cookieDomain(siteURL)
		p := platforms.GitBookAdaptive(siteURL, domain, signingKey)
		if reason != "" {
			p.Err = &docslogin.ConfigError{Field: "Platform.Carrier", Reason: reason}
		}
		return p
	}
	return s
}

func gitBook() spec {
	return spec{
		label:    "GitBook-like docs",
		layout:   "bar",
		hue:      40,
		rules:    rules.GitBook(),
		deepLink: fromBase,
		preset:   platforms.GitBook,
		reader:   personReader,

		logoutLink: "/",
	}
}
