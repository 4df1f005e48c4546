// Command proxy is an app behind a proxy that signs people in and names them in headers, such
// as oauth2-proxy. Anybody can send such headers, so the app trusts them only in a request that
// comes from the proxy, which removes those of a client. fake.go stands for oauth2-proxy with
// --skip-auth-route for the app, so that visitors who are not signed in reach it, too.
package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
)

func main() { app.Main(newHandler(context.Background())) }

// newHandler returns the proxy, with the app behind it until ctx ends.
func newHandler(ctx context.Context) func(app.Env) (http.Handler, error) {
	return func(env app.Env) (http.Handler, error) {
		secret := rand.Text() // in real life, a secret that the proxy and the app share
		handler, docs, err := newApp(env, secret)
		if err != nil {
			return nil, err
		}
		// Clients must not reach this address. A Unix socket is better still, and needs no secret.
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		go app.ServeOn(ctx, listener, handler)
		return newProxy("http://"+listener.Addr().String(), secret, docs.ReturnURL), nil
	}
}

func newApp(env app.Env, secret string) (http.Handler, *docslogin.Middleware, error) {
	if len(secret) < 16 { // with an empty one, any client would pass for the proxy
		return nil, nil, errors.New("the proxy's secret is missing or too short")
	}
	// The sign-in page is the proxy's, on the same host as the app. oauth2-proxy checks the return URL
	// itself. It accepts paths, and URLs on the hosts of --whitelist-domain. Leave the page out for a
	// proxy that lets only signed-in users through, such as Pomerium or Cloudflare Access, because that
	// proxy sends others to its own sign-in page and back.
	signIn := docslogin.WithSignInPage("/oauth2/start", "rd")
	docs, err := docslogin.New(user, env.Platform, signIn)
	if err != nil {
		return nil, nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/{$}", app.HomeFor(user, "/oauth2/start"))
	return fromProxy(secret, docs.Wrap(mux)), docs, nil // around the whole app: all of it trusts the headers
}

// fromProxy rejects requests that do not come from the proxy, but from elsewhere in the cluster,
// or from a page that has found the app's own port.
func fromProxy(secret string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("X-Proxy-Secret")), []byte(secret)) != 1 {
			http.Error(w, "This app is behind a proxy: open it there.", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// user is the lookup. oauth2-proxy rejects addresses that are not verified, unless it is
// configured otherwise; check that your proxy does, too. Pomerium and Cloudflare Access also send
// a signed assertion: verify it as the recipe oidc verifies its token, and you need no secret.
func user(r *http.Request) (*docslogin.User, error) {
	user := new(docslogin.User)
	for name, field := range map[string]*string{
		"X-Forwarded-User":               &user.ID,
		"X-Forwarded-Email":              &user.Email,
		"X-Forwarded-Preferred-Username": &user.Name,
	} {
		if len(r.Header.Values(name)) > 1 { // which of them is the proxy's?
			return nil, fmt.Errorf("there are several %s headers: the proxy lets a client's through", name)
		}
		*field = r.Header.Get(name)
	}
	if user.Email == "" {
		return nil, docslogin.ErrNoUser
	}
	return user, nil
}
