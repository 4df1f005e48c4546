package docslogintest

import (
	"context"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/rules"
)

// NewWithoutDeepLink starts a site of a platform that sends no deep link. The token comes in the
// query, as wire describes it.
func NewWithoutDeepLink(wire rules.Wire) *Site {
	preset := func(docsURL, key string) docslogin.Platform {
		p := docslogin.Platform{
			Name: "Linkless", DocsURL: docsURL, Callback: wire.Callback, Algorithm: jose.HS256, Key: docslogin.Secret(key), Carrier: docslogin.InQuery(wire.Query),
			Mapper: func(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
				claims["email"] = user.Email
				return nil
			},
		}
		if wire.RequiredParam != "" {
			p.Params = map[string]string{wire.RequiredParam: "acme"}
		}
		return p
	}
	return start(spec{
		rules:  rules.Platform{Name: "Linkless", Wire: wire, Algorithms: []string{"HS256"}},
		preset: preset,
		reader: personReader,
	}, nil)
}
