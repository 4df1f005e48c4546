// Command supertokens is an app with SuperTokens' sessions. session.VerifySession, which an app
// uses for its API, does not suit the login route: it answers 401 to an access token that is over
// an hour old, so that SuperTokens' script in the page renews it, and no script runs when a visitor
// comes from the docs. So the lookup reads the cookie itself and treats an old token as nobody's,
// and the sign-in page renews it and returns at once. The SDK also panics on some cookies, which
// anybody can send. fake.go implements the part of the core's API that this needs; put your core in
// its place.
package main

import (
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/supertokens/supertokens-golang/recipe/emailpassword"
	"github.com/supertokens/supertokens-golang/recipe/emailverification"
	"github.com/supertokens/supertokens-golang/recipe/emailverification/evmodels"
	"github.com/supertokens/supertokens-golang/recipe/session"
	sessionerrors "github.com/supertokens/supertokens-golang/recipe/session/errors"
	"github.com/supertokens/supertokens-golang/recipe/session/sessmodels"
	"github.com/supertokens/supertokens-golang/supertokens"
)

func main() {
	// The SDK uses the default transport, without a timeout.
	http.DefaultTransport.(*http.Transport).ResponseHeaderTimeout = 5 * time.Second
	core := newFakeCore()
	app.Main(func(env app.Env) (http.Handler, error) {
		if err := supertokens.Init(config(env.URL, core.URL)); err != nil {
			return nil, err
		}
		return newHandler(env)
	})
}

func config(appURL, coreURL string) supertokens.TypeInput {
	insecure := false // this is plain http on loopback: leave CookieSecure out everywhere else
	return supertokens.TypeInput{
		Supertokens: &supertokens.ConnectionInfo{ConnectionURI: coreURL},
		AppInfo:     supertokens.AppInfo{AppName: "app", APIDomain: appURL, WebsiteDomain: appURL},
		RecipeList: []supertokens.Recipe{
			emailpassword.Init(nil),
			emailverification.Init(evmodels.TypeInput{Mode: evmodels.ModeOptional}),
			session.Init(&sessmodels.TypeInput{
				CookieSecure: &insecure,
				// A browser that comes from the docs sends cookies, but no Authorization header.
				GetTokenTransferMethod: func(*http.Request, bool, supertokens.UserContext) sessmodels.TokenTransferMethod {
					return sessmodels.CookieTransferMethod
				},
			}),
		},
	}
}

func newHandler(env app.Env) (http.Handler, error) {
	docs, err := docslogin.New(lookup, env.Platform, app.SignInPage)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/{$}", app.HomeFor(lookup, "/sign-in"))
	mux.HandleFunc("GET /sign-in", func(w http.ResponseWriter, r *http.Request) { signInPage(w, docs.ReturnURL(r)) })
	mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) { signIn(w, r, docs.ReturnURL(r)) })
	// Middleware serves /auth/session/refresh and other endpoints. By default, they do not reject forms
	// from other sites.
	handler := http.NewCrossOriginProtection().Handler(withoutBadTokens(supertokens.Middleware(mux)))
	return docs.Wrap(http.MaxBytesHandler(handler, 1<<16)), nil
}

// withoutBadTokens removes the tokens of a request whose access token would make the SDK panic.
func withoutBadTokens(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, method := range session.AvailableTokenTransferMethods {
			if token, err := session.GetToken(r, sessmodels.AccessToken, method); err != nil || token != nil && !isToken(*token) {
				r.Header.Del("Cookie")
				r.Header.Del("Authorization")
			}
		}
		next.ServeHTTP(w, r)
	})
}

// isToken reports whether the SDK can parse an access token. The SDK panics on some that anybody can
// send, such as one whose header has no typ.
func isToken(text string) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	_, err := session.ParseJWTWithoutSignatureVerification(text)
	return err == nil
}

func lookup(r *http.Request) (*docslogin.User, error) {
	token, err := session.GetToken(r, sessmodels.AccessToken, sessmodels.CookieTransferMethod)
	if err != nil || token == nil || !isToken(*token) {
		return nil, docslogin.ErrNoUser
	}
	no, yes := false, true
	found, err := session.GetSessionWithoutRequestResponse(*token, nil, &sessmodels.VerifySessionOptions{
		SessionRequired: &yes, // without it, the SDK panics if the cookie is not a token
		AntiCsrfCheck:   &no,  // a link sends no header with such a token, and changes nothing
		CheckDatabase:   &yes, // a token stays valid for its hour, even after a sign-out elsewhere
	})
	switch {
	case errors.As(err, new(sessionerrors.TryRefreshTokenError)), errors.As(err, new(sessionerrors.UnauthorizedError)):
		return nil, docslogin.ErrNoUser
	case errors.As(err, new(sessionerrors.InvalidClaimError)): // such as an address that must be verified first
		return nil, fmt.Errorf("%w: %w", docslogin.ErrForbidden, err)
	case err != nil:
		return nil, fmt.Errorf("asking SuperTokens for the session: %w", err)
	}

	user, err := emailpassword.GetUserByID(found.GetUserID())
	if err != nil {
		return nil, fmt.Errorf("asking SuperTokens for the user: %w", err)
	}
	if user == nil {
		// The user was deleted, but the session was not. As nobody's, it would be a loop: the sign-in page
		// renews the session and returns at once.
		return nil, fmt.Errorf("%w: the user does not exist any more", docslogin.ErrForbidden)
	}
	verified, err := emailverification.IsEmailVerified(user.ID, &user.Email)
	if err != nil {
		return nil, fmt.Errorf("asking SuperTokens whether the e-mail address is verified: %w", err)
	}
	if !verified {
		return nil, fmt.Errorf("%w: the e-mail address is not verified", docslogin.ErrForbidden)
	}
	return &docslogin.User{ID: user.ID, Email: user.Email}, nil
}

func signInPage(w http.ResponseWriter, next string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = page.Execute(w, next)
}

// The form has no action, and the script adds the hash, so that the anchor of the docs page is kept.
// With SuperTokens' own script in the page, replace the fetch by
// if (await Session.attemptRefreshingSession()) location.replace(next + location.hash).
var page = template.Must(template.New("").Parse(`<!doctype html><title>Sign in</title>
<form method="post">
<input name="email" type="email" placeholder="E-mail address" required>
<input name="password" type="password" placeholder="Password" required>
<button>Sign in</button>
</form>
<script>
const next = {{.}};
fetch("/auth/session/refresh", {method: "POST", headers: {rid: "anti-csrf"}})
	.then(response => { if (response.ok) location.replace(next + location.hash) });
</script>
`))

// signIn begins a session with a new ID and without data.
func signIn(w http.ResponseWriter, r *http.Request, next string) {
	answer, err := emailpassword.SignIn("public", r.PostFormValue("email"), r.PostFormValue("password"))
	if err != nil {
		slog.ErrorContext(r.Context(), "SuperTokens does not answer", "error", err)
		http.Error(w, "Nobody can sign in right now. Please try again.", http.StatusInternalServerError)
		return
	}
	if answer.OK == nil {
		http.Error(w, "The e-mail address or the password is wrong.", http.StatusUnauthorized)
		return
	}
	if _, err := session.CreateNewSession(r, w, "public", answer.OK.User.ID, nil, nil); err != nil {
		slog.ErrorContext(r.Context(), "the session cannot be saved", "error", err)
		http.Error(w, "The session cannot be saved.", http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}
