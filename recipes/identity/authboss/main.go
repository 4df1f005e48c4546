// Command authboss is an app whose users sign in by authboss: ada@example.com with the password
// "correct horse battery staple". users.go stands for your database.
//
// The traps: LoadClientStateMiddleware must be outside of docs.Wrap, or everybody looks signed
// out; authboss's own redirector follows a return URL to "//stranger.example"; and its own error
// handler answers an outage with status 200 and an empty page.
package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/gorilla/securecookie"
	"github.com/volatiletech/authboss/v3"
	_ "github.com/volatiletech/authboss/v3/auth"
	"github.com/volatiletech/authboss/v3/defaults"
	"golang.org/x/crypto/bcrypt"
)

func main() {
	app.Main(func(env app.Env) (http.Handler, error) {
		password, err := bcrypt.GenerateFromPassword([]byte("correct horse battery staple"), bcrypt.DefaultCost)
		if err != nil {
			return nil, err
		}
		ada := &user{email: "ada@example.com", password: string(password), confirmed: true}
		// In real life, both keys are secrets that outlive the process, or every restart ends all sessions.
		session := newSession(securecookie.GenerateRandomKey(64), securecookie.GenerateRandomKey(32))
		return newHandler(env, session, users{ada.email: ada})
	})
}

func newHandler(env app.Env, session authboss.ClientStateReadWriter, users authboss.ServerStorer) (http.Handler, error) {
	ab, err := newAuthboss(env, session, users)
	if err != nil {
		return nil, err
	}
	docs, err := docslogin.New(lookup(ab), env.Platform, signInPage)
	if err != nil {
		return nil, err
	}
	ab.Config.Core.Redirector = redirector{docs.ReturnURL}
	return ab.LoadClientStateMiddleware(docs.Wrap(pages(ab))), nil
}

var signInPage = docslogin.WithSignInPage("/auth/login", authboss.FormValueRedirect)

func newAuthboss(env app.Env, session authboss.ClientStateReadWriter, users authboss.ServerStorer) (*authboss.Authboss, error) {
	ab := authboss.New()
	ab.Config.Paths.RootURL = env.URL
	ab.Config.Storage.Server = users
	ab.Config.Storage.SessionState = session
	ab.Config.Core.ViewRenderer = signInView{}
	defaults.SetCore(&ab.Config, false, false)
	ab.Config.Core.ErrorHandler = errorHandler{}
	ab.Config.Core.Logger = logger{}
	return ab, ab.Init("auth")
}

// lookup reports who is signed in. Its request has passed LoadClientStateMiddleware.
func lookup(ab *authboss.Authboss) docslogin.UserLookup {
	return func(r *http.Request) (*docslogin.User, error) {
		current, err := ab.CurrentUser(r)
		if errors.Is(err, authboss.ErrUserNotFound) { // nobody is signed in, or the account is gone
			return nil, docslogin.ErrNoUser
		}
		if err != nil {
			return nil, err
		}
		user := current.(*user)
		if !user.confirmed { // the docs identify users by their address
			return nil, fmt.Errorf("%w: their e-mail address is not confirmed", docslogin.ErrForbidden)
		}
		return &docslogin.User{ID: user.email, Email: user.email}, nil
	}
}

func pages(ab *authboss.Authboss) http.Handler {
	mux := http.NewServeMux()
	// authboss has no protection of its own against forms on other sites.
	auth := http.NewCrossOriginProtection().Handler(http.StripPrefix("/auth", ab.Config.Core.Router))
	mux.Handle("/auth/", http.MaxBytesHandler(auth, 1<<16))
	mux.Handle("/{$}", app.HomeFor(lookup(ab), "/auth/login"))
	return mux
}

// redirector keeps visitors within the app. authboss's own rejects a return URL only if it contains
// "://". This one does not store options.Success and options.Failure, the messages for the next page.
type redirector struct {
	returnURL func(*http.Request) string
}

func (d redirector) Redirect(w http.ResponseWriter, r *http.Request, options authboss.RedirectOptions) error {
	to := options.RedirectPath
	if options.FollowRedirParam && r.FormValue(authboss.FormValueRedirect) != "" {
		to = d.returnURL(r)
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

type errorHandler struct{}

func (errorHandler) Wrap(handler func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// An invalid form is the sender's fault, but authboss would return it like an outage.
		if err := r.ParseForm(); err != nil || len(r.Form.Get("email")) > 254 {
			http.Error(w, "The form is invalid or too large.", http.StatusBadRequest)
			return
		}
		if err := handler(w, r); err != nil {
			slog.ErrorContext(r.Context(), "authboss", "error", err)
			http.Error(w, "Something went wrong. Please try again in a minute.", http.StatusInternalServerError)
		}
	})
}

// logger passes authboss's log on to slog, which quotes it. It contains the e-mail address of a failed
// sign-in, and in authboss's own logger, line breaks in that address begin new lines of the log.
type logger struct{}

func (logger) Info(text string)  { slog.Info("authboss", "text", text) }
func (logger) Error(text string) { slog.Error("authboss", "text", text) }
