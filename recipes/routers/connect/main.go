// Command connect is an app with a Connect service, whose RPCs package authn allows only for
// signed-in users. The trap: authn rejects everybody else. So it wraps only the service: around the
// login route, it would keep visitors from the sign-in page. And since the login route is outside,
// the lookup cannot call authn.GetInfo: both read the session with the same func.
package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"connectrpc.com/authn"
	"connectrpc.com/connect"
	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
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
	mux.Handle("/app.v1.Users/", authn.NewMiddleware(authenticate(app.SignedIn)).Wrap(users()))
	return docs.Wrap(mux), nil
}

// authenticate allows RPCs of signed-in users, and returns the user.
func authenticate(signedIn docslogin.UserLookup) authn.AuthFunc {
	return func(ctx context.Context, r *http.Request) (any, error) {
		user, err := signedIn(r)
		switch {
		case errors.Is(err, docslogin.ErrNoUser), err == nil && user == nil:
			return nil, authn.Errorf("nobody is signed in")
		case err != nil: // authn would send the error's text to the caller
			slog.ErrorContext(ctx, "the session cannot be read", "error", err)
			return nil, connect.NewError(connect.CodeUnavailable, errors.New("the session cannot be read"))
		}
		return user, nil
	}
}

// users stands for the handler that your generated code makes of your service.
func users() http.Handler {
	const me = "/app.v1.Users/Me"
	mux := http.NewServeMux()
	mux.Handle(me, connect.NewUnaryHandlerSimple(me, func(ctx context.Context, _ *emptypb.Empty) (*wrapperspb.StringValue, error) {
		user := authn.GetInfo(ctx).(*docslogin.User) // authenticate rejects all others
		return wrapperspb.String(user.Email), nil
	}))
	return mux
}
