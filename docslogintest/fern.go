package docslogintest

import (
	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/platforms"
)

// NewFern starts a docs site that logs readers in as Fern does. A GET of
// /api/fern-docs/auth/jwt/callback takes the token in the query parameter fern_token, and the deep
// link as a URL in state. A POST takes them in form fields with these names. If Fern would read
// state as a URL of another host, the response is an empty 403, as at Fern, and [Site.Rejections]
// has the reason. Fern reads every path except / in this way. The issuer must be
// https://buildwithfern.com. The docs session ends at the token's exp, or with a GET of
// /api/fern-docs/auth/logout (see [Site.SetLogoutURL]).
//
// In each request for a page, the site also reads the cookie fern_token, which an app under the same
// parent domain can set. If Fern rejects the token, the reader counts as logged out, and a private page
// leads to the login URL again. This site shows the rule that the token breaks instead. It also rejects
// two cookies with that name, because browsers differ in which one they send last.
//
// The code sample also shows the headers of the reader's API keys. Fern fills in only those that the API
// definition declares.
func NewFern(opts ...Option) *Site { return start(fern(), opts) }

func fern() spec {
	return spec{
		label:    "Fern-like docs",
		layout:   "tabs",
		hue:      135,
		rules:    rules.Fern(),
		deepLink: asURL,
		preset:   platforms.Fern,
		reader:   fernReader,

		logoutBack: true,
	}
}

func fernReader(claims map[string]any) reader {
	fern := object(claims, "fern")
	r := personReader(fern)
	r.Groups = texts(fern["roles"])
	state := object(fern, "playground", "initial_state")
	auth := object(state, "auth")
	tokens, _ := rules.FernTokens(text(auth["bearer_token"]))
	for _, token := range tokens {
		r.addKey(token.Name, token.Token, "", "")
	}
	basic := object(auth, "basic")
	r.addKey("HTTP Basic", "", text(basic["username"]), text(basic["password"]))
	r.addHeaders("Headers", object(state, "headers"))
	return r
}
