package docslogintest

import (
	"encoding/json"

	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/platforms"
)

// NewFern starts a docs site that logs readers in as Fern does. A GET of
// /api/fern-docs/auth/jwt/callback takes the token in the query parameter fern_token, and the deep
// link as a URL in state. A POST takes them in fields of a form with these names. The response to a
// state that is a path, or a URL of another host, is an empty 403, as Fern's is; [Site.Rejections]
// has the reason. The issuer must be https://buildwithfern.com. The docs session ends at the token's
// exp.
func NewFern(opts ...Option) *Site { return start(fern(), opts) }

func fern() spec {
	return spec{
		label:    "Fern-like docs",
		layout:   "tabs",
		hue:      135,
		rules:    rules.Fern(),
		deepLink: asURL,
		newKey:   newSecret,
		preset:   platforms.Fern,
		reader:   fernReader,
	}
}

func fernReader(claims map[string]any) reader {
	fern := object(claims, "fern")
	r := personReader(fern)
	r.Groups = texts(fern["roles"])
	auth := object(fern, "playground", "initial_state", "auth")
	token := text(auth["bearer_token"])
	var tokens []map[string]string
	if json.Unmarshal([]byte(token), &tokens) != nil {
		tokens = []map[string]string{{"Bearer token": token}}
	}
	for _, named := range tokens {
		for name, token := range named {
			r.addKey(name, token, "", "")
		}
	}
	basic := object(auth, "basic")
	r.addKey("HTTP Basic", "", text(basic["username"]), text(basic["password"]))
	return r
}
