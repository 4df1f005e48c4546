// Command huma is an app with an API by huma on net/http's own mux. The trap: huma's middlewares
// run only for huma's operations, so the login route, which is on the mux, does not see the user
// whom they put into the context. Both read the session with the same func.
package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
)

func main() { app.Main(newHandler) }

func newHandler(env app.Env) (http.Handler, error) {
	docs, err := docslogin.New(app.SignedIn, env.Platform, app.SignInPage)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/{$}", app.Home)
	mux.Handle("/sign-in", app.SignIn(docs.ReturnURL))
	mux.Handle(docs.Path(), docs) // not an operation: it answers every method, and is not in the API's description
	api := humago.New(mux, huma.DefaultConfig("App", "1.0.0"))
	api.UseMiddleware(authenticate(api, app.SignedIn))
	huma.Get(api, "/v1/me", me)
	return mux, nil
}

type userKey struct{}

// authenticate allows requests of signed-in users, and puts the user into the context.
func authenticate(api huma.API, signedIn docslogin.UserLookup) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, _ := humago.Unwrap(ctx)
		user, err := signedIn(r)
		switch {
		case errors.Is(err, docslogin.ErrNoUser), err == nil && user == nil:
			_ = huma.WriteErr(api, ctx, http.StatusUnauthorized, "nobody is signed in")
		case err == nil:
			next(huma.WithValue(ctx, userKey{}, user))
		default: // the error's text is not for the caller
			slog.ErrorContext(ctx.Context(), "the session cannot be read", "error", err)
			_ = huma.WriteErr(api, ctx, http.StatusServiceUnavailable, "the session cannot be read")
		}
	}
}

type meOutput struct {
	Body struct {
		Email string `json:"email"`
	}
}

func me(ctx context.Context, _ *struct{}) (*meOutput, error) {
	var out meOutput
	out.Body.Email = ctx.Value(userKey{}).(*docslogin.User).Email // authenticate rejects all others
	return &out, nil
}
