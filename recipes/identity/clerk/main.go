// Command clerk is an app whose users sign in at Clerk. The token in the cookie __session expires
// after one minute, and only Clerk's script in the browser renews it. A visitor from the docs
// mostly has an expired one and looks signed out, since Clerk's SDK for Go lacks the handshake of
// its other SDKs. So the sign-in page is a page of the app with that script: it renews the cookie
// and returns at once. fake.go implements the part of Clerk's API that this needs; put your
// instance in its place.
package main

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"github.com/clerk/clerk-sdk-go/v2"
	"github.com/clerk/clerk-sdk-go/v2/jwt"
	"github.com/clerk/clerk-sdk-go/v2/user"
	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
)

func main() {
	fake := newFakeClerk()
	app.Main(func(env app.Env) (http.Handler, error) {
		fake.AllowOrigin(env.URL)
		return newHandler(env, fake.instance)
	})
}

// instance is what the dashboard shows under "API keys".
type instance struct {
	SecretKey, PublishableKey string
	PublicKey                 string // "PEM Public Key", with its BEGIN and END lines
	FrontendURL               string // "https://clerk.example.com"
	BackendURL                string // clerk.APIURL
}

func newHandler(env app.Env, in instance) (http.Handler, error) {
	lookup, err := userLookup(env.URL, in)
	if err != nil {
		return nil, err
	}
	docs, err := docslogin.New(lookup, env.Platform, docslogin.WithSignInPage("/sign-in", "redirect_url"))
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sign-in", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = signInPage.Execute(w, struct {
			instance
			Next string
		}{in, docs.ReturnURL(r)})
	})
	mux.Handle("/{$}", app.HomeFor(lookup, "/sign-in?redirect_url=/"))
	return docs.Wrap(mux), nil
}

// getToken renews the cookie of a visitor who has a session. A visitor without one comes back
// here from Clerk's own pages, which redirect only to the domains that the dashboard allows. The hash
// is the anchor of the docs page.
var signInPage = template.Must(template.New("").Parse(`<!doctype html><title>Sign in</title>
<script async crossorigin="anonymous" data-clerk-publishable-key="{{.PublishableKey}}"
	src="{{.FrontendURL}}/npm/@clerk/clerk-js@6/dist/clerk.browser.js"></script>
<script>
addEventListener("load", async () => {
	const next = {{.Next}};
	await Clerk.load();
	if (Clerk.isSignedIn && await Clerk.session.getToken()) location.replace(next + location.hash);
	else Clerk.redirectToSignIn({signInForceRedirectUrl: location.href});
});
</script>
`))

// userLookup verifies the session token and asks Clerk for the user, since the token does not say
// whether the e-mail address is verified. The token expires before the session, so its exp is not
// used as User.ExpiresAt. The public key is in the configuration: with jwks.Get, each forged token, which
// anybody can send, would be a request to Clerk, and count towards its rate limit.
func userLookup(appURL string, in instance) (docslogin.UserLookup, error) {
	key, err := clerk.JSONWebKeyFromPEM(in.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("reading Clerk's public key: %w", err)
	}
	users := user.NewClient(&clerk.ClientConfig{BackendConfig: clerk.BackendConfig{Key: &in.SecretKey, URL: &in.BackendURL}})

	return func(r *http.Request) (*docslogin.User, error) {
		cookie, err := r.Cookie("__session")
		if err != nil {
			return nil, docslogin.ErrNoUser
		}
		claims, err := jwt.Verify(r.Context(), &jwt.VerifyParams{
			Token:  cookie.Value,
			JWK:    key,
			Leeway: 5 * time.Second, // for clocks that differ
			// A page on another subdomain can set this one's cookies, with a token of its own. There
			// is no azp if the browser sent no origin.
			AuthorizedPartyHandler:  func(azp string) bool { return azp == "" || azp == appURL },
			CustomClaimsConstructor: func(context.Context) any { return new(status) },
		})
		if err != nil {
			return nil, docslogin.ErrNoUser // mostly, it has just expired
		}
		// The same key signs OAuth access tokens and those of JWT templates, which are not sessions, and
		// the SDK does not require exp.
		if claims.SessionID == "" || claims.Expiry == nil || claims.Custom.(*status).Status == "pending" {
			return nil, docslogin.ErrNoUser
		}
		return find(r.Context(), users, claims.Subject)
	}, nil
}

// status is a claim that the SDK does not check: "pending" means that the sign-in is not finished,
// for lack of a second factor or of an organization.
type status struct {
	Status string `json:"sts"`
}

func find(ctx context.Context, users *user.Client, id string) (*docslogin.User, error) {
	u, err := users.Get(ctx, id)
	if gone := new(clerk.APIErrorResponse); errors.As(err, &gone) && gone.HTTPStatusCode == http.StatusNotFound {
		return nil, docslogin.ErrNoUser // deleted since the token was issued
	}
	if err != nil {
		return nil, fmt.Errorf("asking Clerk for the user: %w", err)
	}
	if u.ID != id {
		return nil, errors.New("the user is not in Clerk's answer")
	}
	if u.Banned {
		return nil, fmt.Errorf("%w: the user is banned", docslogin.ErrForbidden)
	}
	for _, address := range u.EmailAddresses {
		isPrimary := u.PrimaryEmailAddressID != nil && address.ID == *u.PrimaryEmailAddressID
		if isPrimary && address.Verification != nil && address.Verification.Status == "verified" {
			return &docslogin.User{ID: u.ID, Email: address.EmailAddress}, nil
		}
	}
	return nil, fmt.Errorf("%w: the e-mail address is not verified", docslogin.ErrForbidden)
}
