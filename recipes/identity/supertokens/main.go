// Command supertokens is an app with SuperTokens' sessions. session.VerifySession, which an app
// has around its API, is not for the docs' route: it answers 401 to an access token that is over
// an hour old, for SuperTokens' script in the page to renew it, and no script runs in a visit from
// the docs. So the lookup reads the cookie itself, takes an old token for nobody's, and the
// sign-in page renews it and comes straight back. fake.go speaks the part of the core's API that
// this needs; put your core in its place.
package main

import (
	"errors"
	"fmt"
	"html/template"
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
	// The SDK asks the core without a time limit, by the default transport.
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
				// A session whose token goes in the Authorization header does not come with a visit.
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
	mux.HandleFunc("GET /sign-in", signInPage)
	mux.HandleFunc("POST /sign-in", signIn)
	protected := http.NewCrossOriginProtection().Handler(mux)
	return docs.Wrap(supertokens.Middleware(protected)), nil // which answers /auth/session/refresh
}

func lookup(r *http.Request) (*docslogin.User, error) {
	cookie, err := r.Cookie("sAccessToken")
	if err != nil {
		return nil, docslogin.ErrNoUser
	}
	no, yes := false, true
	found, err := session.GetSessionWithoutRequestResponse(cookie.Value, nil, &sessmodels.VerifySessionOptions{
		SessionRequired: &yes, // left out, the SDK panics at a cookie that is no token
		AntiCsrfCheck:   &no,  // a visit has no header to carry a token, and changes nothing
		CheckDatabase:   &yes, // a token is good until its hour ends, also when they have signed out elsewhere
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
		return nil, docslogin.ErrNoUser // deleted within this hour
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

func signInPage(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = page.Execute(w, app.Local(r.FormValue("next")))
}

// With SuperTokens' own script in the page, the first line of this one is
// if (await Session.attemptRefreshingSession()) location.replace(next).
var page = template.Must(template.New("").Parse(`<!doctype html><title>Sign in</title>
<form method="post">
<input name="email" type="email" placeholder="E-mail address" required>
<input name="password" type="password" placeholder="Password" required>
<input name="next" type="hidden" value="{{.}}">
<button>Sign in</button>
</form>
<script>
const next = {{.}};
fetch("/auth/session/refresh", {method: "POST", headers: {rid: "anti-csrf"}})
	.then(response => { if (response.ok) location.replace(next) });
</script>
`))

func signIn(w http.ResponseWriter, r *http.Request) {
	answer, err := emailpassword.SignIn("public", r.PostFormValue("email"), r.PostFormValue("password"))
	if err != nil {
		http.Error(w, "Nobody can sign in right now. Please try again.", http.StatusInternalServerError)
		return
	}
	if answer.OK == nil {
		http.Error(w, "The e-mail address or the password is wrong.", http.StatusUnauthorized)
		return
	}
	if _, err := session.CreateNewSession(r, w, "public", answer.OK.User.ID, nil, nil); err != nil {
		http.Error(w, "The session cannot be saved.", http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, app.Local(r.PostFormValue("next")), http.StatusSeeOther)
}
