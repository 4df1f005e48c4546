// Command grpcgateway is an app whose gRPC service browsers reach through grpc-gateway, with the
// session's user in the metadata. The trap: the gateway's mux has only its own routes, each for one
// method, and answers HEAD itself, so docs.Wrap goes around everything. And a client can set
// metadata, too, so the gateway takes none that names the user from a header. If the gRPC server is
// a process of its own, only the gateway may reach it, since the server trusts the metadata.
package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func main() { app.Main(newHandler) }

func newHandler(env app.Env) (http.Handler, error) {
	docs, err := docslogin.New(app.SignedIn, env.Platform, app.SignInPage)
	if err != nil {
		return nil, err
	}
	gateway := runtime.NewServeMux(
		runtime.WithMetadata(whoAsks(app.SignedIn)),
		runtime.WithIncomingHeaderMatcher(passOn),
	)
	if err := registerUsers(gateway); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/{$}", app.Home)
	mux.Handle("/sign-in", app.SignIn(docs.ReturnURL))
	mux.Handle("/v1/", gateway)
	return docs.Wrap(mux), nil
}

const (
	emailKey  = "session-email"
	outageKey = "session-outage" // the session cannot be read: an annotator cannot return an error
)

// whoAsks adds the signed-in user to an RPC's metadata.
func whoAsks(signedIn docslogin.UserLookup) func(context.Context, *http.Request) metadata.MD {
	return func(ctx context.Context, r *http.Request) metadata.MD {
		user, err := signedIn(r)
		switch {
		case errors.Is(err, docslogin.ErrNoUser), err == nil && user == nil:
			return nil
		case err != nil:
			slog.ErrorContext(ctx, "the session cannot be read", "error", err)
			return metadata.Pairs(outageKey, "true")
		}
		return metadata.Pairs(emailKey, user.Email)
	}
}

// passOn selects the headers that the gateway selects, without those that would claim a session:
// the gateway turns Grpc-Metadata-Session-Email into session-email, in front of what whoAsks adds.
// The session's cookie is not passed on either.
func passOn(header string) (key string, ok bool) {
	key, ok = runtime.DefaultHeaderMatcher(header)
	if strings.HasPrefix(strings.ToLower(key), "session-") || header == "Cookie" {
		return "", false
	}
	return key, ok
}

// me is a method of the service.
func me(ctx context.Context, _ *emptypb.Empty) (*wrapperspb.StringValue, error) {
	if metadata.ValueFromIncomingContext(ctx, outageKey) != nil {
		return nil, status.Error(codes.Unavailable, "the session cannot be read")
	}
	email := metadata.ValueFromIncomingContext(ctx, emailKey)
	if len(email) != 1 {
		return nil, status.Error(codes.Unauthenticated, "nobody is signed in")
	}
	return wrapperspb.String(email[0]), nil
}

// registerUsers stands for your generated RegisterUsersHandlerServer, and does the same.
func registerUsers(gateway *runtime.ServeMux) error {
	return gateway.HandlePath(http.MethodGet, "/v1/me", func(w http.ResponseWriter, r *http.Request, _ map[string]string) {
		_, marshaler := runtime.MarshalerForRequest(gateway, r)
		ctx, err := runtime.AnnotateIncomingContext(r.Context(), gateway, r, "/app.v1.Users/Me", runtime.WithHTTPPathPattern("/v1/me"))
		if err != nil {
			runtime.HTTPError(r.Context(), gateway, marshaler, w, r, err)
			return
		}
		answer, err := me(ctx, &emptypb.Empty{})
		if err != nil {
			runtime.HTTPError(ctx, gateway, marshaler, w, r, err)
			return
		}
		runtime.ForwardResponseMessage(ctx, gateway, marshaler, w, r, answer)
	})
}
