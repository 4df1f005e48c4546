package docslogintest

import (
	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/platforms"
)

// NewCanny starts a board that logs readers in as Canny does. A GET of /api/redirects/sso takes the
// token in the query parameter ssoToken, the deep link as a URL in redirect, and the companyID. A
// path in redirect leads to the home page. Canny serves /api/redirects/sso on a host of its own;
// the test site serves it on the board's host.
func NewCanny(opts ...Option) *Site { return start(canny(), opts) }

func canny() spec {
	return spec{
		label:    "Canny-like board",
		layout:   "tabs",
		hue:      310,
		rules:    rules.Canny(),
		deepLink: asURL,
		echo:     map[string]string{"companyID": cannyCompany},
		preset:   cannyHere,
		reader:   personReader,
	}
}

const cannyCompany = "acme-company"

// cannyHere returns Canny's preset, with the token going to the site instead of canny.io.
func cannyHere(boardURL, secret string) docslogin.Platform {
	p := platforms.Canny(boardURL, cannyCompany, secret)
	p.Callback = boardURL + rules.Canny().Callback
	return p
}
