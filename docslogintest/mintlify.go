package docslogintest

import (
	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/platforms"
)

// NewMintlify starts a docs site that logs readers in as Mintlify does. The page
// /login/jwt-callback takes the token in the URL's fragment, which only its script can read. The
// docs session ends at the token's expiresAt.
//
// The code sample shows all headers of apiPlaygroundInputs. Mintlify fills in only those that the
// endpoint's security scheme uses.
func NewMintlify(opts ...Option) *Site { return start(mintlify(), opts) }

func mintlify() spec {
	return spec{
		label:    "Mintlify-like docs",
		layout:   "tabs",
		hue:      165,
		rules:    rules.Mintlify(),
		deepLink: asPath,
		preset:   platforms.Mintlify,
		reader:   mintlifyReader,
	}
}

// NewMintlifyPersonalization starts a docs site that logs readers in as public Mintlify docs with
// personalization by JWT do. Every page has a script that takes an ES256 token in the URL's
// fragment. Mintlify shows its pages to everybody, but this site also has private pages. If the
// reader is logged out, their script goes to the login URL. The docs session ends at the token's
// expiresAt.
func NewMintlifyPersonalization(opts ...Option) *Site { return start(mintlifyPersonalization(), opts) }

func mintlifyPersonalization() spec {
	return spec{
		label:    "Mintlify-like personalized docs",
		layout:   "tabs",
		hue:      195,
		rules:    rules.MintlifyPersonalization(),
		deepLink: asPath,
		preset:   platforms.MintlifyPersonalization,
		reader:   mintlifyReader,
	}
}

func mintlifyReader(claims map[string]any) reader {
	r := personReader(object(claims, "content"))
	r.Groups = texts(claims["groups"])
	r.addHeaders("", object(claims, "apiPlaygroundInputs", "header"))
	return r
}
