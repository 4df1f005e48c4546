// Command webhook is an app whose docs ask it about their readers with signed requests. ReadMe asks on
// every login, and Scalar after a login at Scalar. Both webhooks and the login route share one table of
// users and one mapper.
//
// To send requests with curl, as the guide to webhooks shows, export README_JWT_SECRET and
// SCALAR_USER_INFO_SECRET first. Otherwise, the secrets are random.
//
// Three errors are common: a table that does not find Ada@Example.com under ada@example.com, a Scalar
// secret without its prefix, and a database error that is reported as "no such user".
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"os"
	"strings"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/webhook"
)

func main() {
	app.Main(func(env app.Env) (http.Handler, error) {
		hooks, err := newHooks(
			cmp.Or(os.Getenv("README_JWT_SECRET"), rand.Text()), // in production, also the login route's secret
			cmp.Or(os.Getenv("SCALAR_USER_INFO_SECRET"), "whsec_"+rand.Text()))
		if err != nil {
			return nil, err
		}
		return newHandler(env, hooks)
	})
}

// hooks are the webhooks. SetSecret replaces the secret of one while the app serves.
type hooks struct{ readMe, scalar *webhook.Handler }

func newHooks(readMeSecret, scalarSecret string, opts ...docslogin.Option) (*hooks, error) {
	opts = append(opts, docslogin.WithClaimsMapper(staff))
	readMe, err1 := webhook.ReadMe(readMeSecret, find, opts...)
	scalar, err2 := webhook.Scalar(scalarSecret, find, opts...)
	return &hooks{readMe: readMe, scalar: scalar}, errors.Join(err1, err2)
}

func newHandler(env app.Env, hooks *hooks) (http.Handler, error) {
	docs, err := docslogin.New(signedIn, env.Platform, app.SignInPage, docslogin.WithClaimsMapper(staff))
	if err != nil {
		return nil, err
	}
	mux := app.Pages(docs)
	mux.Handle("POST /readme-webhook", hooks.readMe) // its URL is a setting in ReadMe's dashboard
	mux.Handle("POST /scalar-webhook", hooks.scalar) // its URL is siteConfig.userInfoHook in scalar.config.json
	return docs.Wrap(mux), nil
}

// account is a row of the app's table of users.
type account struct {
	id, name, plan string
	groups         []string
	staff          bool
}

// accounts stands in for the table. Its key is the e-mail address in lower case.
var accounts = map[string]account{
	"ada@example.com":   {id: "1", name: "Ada", plan: "pro", groups: []string{"beta"}},
	"grace@example.com": {id: "2", name: "Grace", plan: "free", staff: true},
}

// find returns the user who has an e-mail address. If the database fails, return its error instead of ErrNoUser.
// Pass ctx on to the database, because Scalar waits only five seconds.
func find(_ context.Context, email string) (*docslogin.User, error) {
	row, ok := accounts[strings.ToLower(email)]
	if !ok {
		return nil, docslogin.ErrNoUser
	}
	return &docslogin.User{
		ID: row.id, Name: row.name, Email: email, Groups: row.groups,
		Attributes: map[string]any{"plan": row.plan},
		App:        row,
	}, nil
}

func signedIn(r *http.Request) (*docslogin.User, error) {
	user, err := app.SignedIn(r)
	if err != nil {
		return nil, err
	}
	return find(r.Context(), user.Email)
}

// staff is the mapper. Each platform ignores the other's claims.
func staff(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
	if row, ok := user.App.(account); ok && row.staff {
		claims["isAdmin"] = true                                     // at ReadMe
		claims["groups"] = append([]string{"staff"}, user.Groups...) // at Scalar
	}
	return nil
}
