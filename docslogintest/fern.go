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
// https://buildwithfern.com. The docs session ends at the token's exp.
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
	}
}

func fernReader(claims map[string]any) reader {
	fern := object(claims, "fern")
	r := personReader(fern)
	r.Groups = texts(fern["roles"])
	auth := object(fern, "playground", "initial_state", "auth")
	tokens, _ := rules.FernTokens(text(auth["bearer_token"]))
	for _, token := range tokens {
		r.addKey(token.Name, token.Token, "", "")
	}
	basic := object(auth, "basic")
	r.addKey("HTTP Basic", "", text(basic["username"]), text(basic["password"]))
	return r
}
