package docslogintest

import (
	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/platforms"
)

// NewReadMe starts a docs site that logs readers in as ReadMe does. A GET of any page takes the
// token in the query parameter auth_token.
func NewReadMe(opts ...Option) *Site { return start(readMe(), opts) }

func readMe() spec {
	return spec{
		label:    "ReadMe-like docs",
		layout:   "bar",
		hue:      258,
		rules:    rules.ReadMe(),
		deepLink: asPath,
		preset:   platforms.ReadMe,
		reader:   readMeReader,
	}
}

func readMeReader(claims map[string]any) reader {
	r := personReader(claims)
	r.Facts = facts(claims, "name", "email", "apiKey", "user", "pass")
	entries, _ := claims["keys"].([]any)
	if len(entries) == 0 {
		entries = []any{claims}
	}
	for _, e := range entries {
		entry := e.(map[string]any) // the rules have checked this
		r.addKey(text(entry["name"]), text(entry["apiKey"]), text(entry["user"]), text(entry["pass"]))
	}
	return r
}
