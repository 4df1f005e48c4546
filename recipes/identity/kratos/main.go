// Command kratos is an app whose users sign in at Ory Kratos. The lookup sends Kratos the session's
// cookie to find the user. Three settings of Kratos matter:
//
//   - cookies.domain: both hosts must share it.
//   - selfservice.allowed_return_urls: Kratos checks return URLs against it. It must contain the app's
//     URL, and no foreign site.
//   - session.whoami.required_aal: see newHandler.
//
// fake.go implements the part of Kratos's API that this needs; put the base URL of your own in its
// place.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	kratos "github.com/ory/kratos-client-go"
)

func main() {
	service := newFakeKratos()
	app.Main(func(env app.Env) (http.Handler, error) {
		service.AllowReturnTo(env.URL)
		return newHandler(env, service.URL)
	})
}

func newHandler(env app.Env, kratosURL string) (http.Handler, error) {
	// Kratos sends a visitor with a session back at once, even if whoami rejects that session for
	// lack of a second factor. With refresh=true, it always shows its sign-in page.
	signIn := kratosURL + "/self-service/login/browser?refresh=true"
	user := userLookup(kratosURL)
	docs, err := docslogin.New(user, env.Platform,
		docslogin.WithSignInPage(signIn, "return_to"),
		docslogin.WithExternalURL(env.URL)) // Kratos is on another host, so the return URL must be absolute
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/{$}", app.HomeFor(user, signIn+"&return_to="+url.QueryEscape(env.URL+"/")))
	return docs.Wrap(mux), nil
}

// userLookup asks Kratos at every login: the app itself stores no session.
func userLookup(kratosURL string) docslogin.UserLookup {
	config := kratos.NewConfiguration()
	config.Servers = kratos.ServerConfigurations{{URL: kratosURL}}
	config.HTTPClient = &http.Client{Timeout: 5 * time.Second} // the default has no timeout
	client := kratos.NewAPIClient(config)

	return func(r *http.Request) (*docslogin.User, error) {
		// Kratos needs no other cookie. Browsers do not keep a cookie of this length, and a proxy in
		// front of Kratos may answer it with an error that looks like an outage.
		cookie, err := r.Cookie("ory_kratos_session") // the name is session.cookie.name
		if err != nil || len(cookie.Value) > 4096 {
			return nil, docslogin.ErrNoUser
		}
		session, err := whoami(r.Context(), client, cookie.String())
		if err != nil {
			return nil, err
		}
		identity, ok := session.GetIdentityOk()
		if !ok {
			return nil, errors.New("there is no identity in Kratos's answer")
		}
		if !session.GetActive() {
			return nil, docslogin.ErrNoUser
		}
		email, err := verifiedEmail(identity)
		if err != nil {
			return nil, err
		}
		return &docslogin.User{ID: identity.Id, Email: email, ExpiresAt: session.GetExpiresAt()}, nil
	}
}

// whoami distinguishes a visitor who is not signed in from an outage of Kratos.
func whoami(ctx context.Context, client *kratos.APIClient, cookie string) (*kratos.Session, error) {
	session, resp, err := client.FrontendAPI.ToSession(ctx).Cookie(cookie).Execute()
	if err == nil {
		return session, nil
	}
	var reason kratos.ErrorGeneric
	if e := new(kratos.GenericOpenAPIError); errors.As(err, &e) {
		reason, _ = e.Model().(kratos.ErrorGeneric)
	}
	switch {
	case resp == nil:
	case resp.StatusCode == http.StatusUnauthorized,
		resp.StatusCode == http.StatusForbidden && reason.Error.GetId() == "session_aal2_required":
		return nil, docslogin.ErrNoUser
	}
	return nil, fmt.Errorf("asking Kratos: %w", err) // an invalid answer with status 200 is an error, too
}

// verifiedEmail returns the address that the identity schema has as the trait email. Anybody can
// register with any address, and Kratos does not require that it is verified, unless you set so.
func verifiedEmail(identity *kratos.Identity) (string, error) {
	traits, _ := identity.Traits.(map[string]any)
	email, _ := traits["email"].(string)
	for _, address := range identity.VerifiableAddresses {
		if address.Via == "email" && address.Verified && strings.EqualFold(address.Value, email) {
			return address.Value, nil
		}
	}
	return "", fmt.Errorf("%w: the e-mail address is not verified", docslogin.ErrForbidden)
}
