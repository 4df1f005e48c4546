// Package app is what the recipes share. It stands for what your app has already: a sign-in form,
// here without a password; sessions, which here end with the process; and a server.
package app

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/internal/listen"
	"github.com/gorilla/sessions"
)

// Env is what an app gets when it starts.
type Env struct {
	URL      string             // the app's own, without a trailing slash
	Platform docslogin.Platform // in real life, a preset such as platforms.ReadMe("https://docs.example.com", secret)
}

// Server serves on the listener until ctx ends, and then completes open requests.
type Server func(ctx context.Context, listener net.Listener) error

// Main runs a recipe until it is interrupted: the app and a test site, both on loopback.
func Main(newHandler func(Env) (http.Handler, error)) {
	MainServer(func(env Env) (Server, error) {
		handler, err := newHandler(env)
		return func(ctx context.Context, listener net.Listener) error { return ServeOn(ctx, listener, handler) }, err
	})
}

// MainServer is Main for an app that is not an http.Handler and serves itself.
func MainServer(newServer func(Env) (Server, error)) {
	MainOn(func(ctx context.Context, listener net.Listener) error { return run(ctx, listener, newServer) })
}

// MainOn is Main for a recipe with test sites of its own: serve runs them and the app.
func MainOn(serve Server) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	address := flag.String("listen", "127.0.0.1:8080", "`address` of the app")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	listener, err := listen.On(*address, "-listen")
	if err == nil {
		err = serve(ctx, listener)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, listener net.Listener, newServer func(Env) (Server, error)) error {
	site := docslogintest.NewReadMe()
	defer site.Close()
	env := Env{URL: "http://" + listener.Addr().String(), Platform: site.Platform()}
	serve, err := newServer(env)
	if err != nil {
		return err
	}
	site.SetLoginURL(env.URL + "/docs-login")
	fmt.Printf("The app is at %s. Open a page of its docs: %s/quickstart. Ctrl-C stops.\n", env.URL, site.URL)
	return serve(ctx, listener)
}

// ServeOn serves until ctx ends, and then completes open requests.
func ServeOn(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return server.Shutdown(ending)
}

// SignInPage sets the sign-in page /sign-in, such as SignInForm, which takes the return URL in the
// parameter next.
var SignInPage = docslogin.WithSignInPage("/sign-in", "next")

// SignInForm returns a sign-in page with a form for an e-mail address. signIn begins a session for the
// address, and the page redirects to returnURL. Pass Middleware.ReturnURL, because anybody can make a
// link to a sign-in page. The page rejects forms from other sites, which could sign the visitor in as
// somebody else.
func SignInForm(returnURL func(*http.Request) string, signIn func(w http.ResponseWriter, r *http.Request, email string) error) http.Handler {
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet:
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, form)
		case http.MethodPost:
			email := r.PostFormValue("email")
			if email == "" || len(email) > 254 {
				http.Error(w, "The e-mail address is missing or too long.", http.StatusBadRequest)
				return
			}
			if err := signIn(w, r, email); err != nil {
				slog.ErrorContext(r.Context(), "the session cannot be saved", "error", err)
				http.Error(w, "The session cannot be saved.", http.StatusInternalServerError)
				return
			}
			http.Redirect(w, r, returnURL(r), http.StatusSeeOther) // a 307 or 308 would repeat the POST on the login route
		default:
			w.Header().Set("Allow", "GET, POST")
			http.Error(w, "This page has a form.", http.StatusMethodNotAllowed)
		}
	})
	return http.NewCrossOriginProtection().Handler(http.MaxBytesHandler(page, 1<<16))
}

// form has no action, so browsers post it to the page's own URL. Its query has the return URL, and its
// fragment is the anchor of the docs page, which browsers keep across the redirects.
const form = `<!doctype html><title>Sign in</title>
<form method="post">
<input name="email" type="email" placeholder="E-mail address" required>
<button>Sign in</button>
</form>
`

// The following is for recipes that are not about sessions. It uses gorilla's, in a cookie.

// SignedIn is the lookup.
var SignedIn = docslogin.SessionLookup(store, "session", func(_ *http.Request, session *sessions.Session) (*docslogin.User, error) {
	email, _ := session.Values["email"].(string)
	if email == "" {
		return nil, docslogin.ErrNoUser
	}
	return &docslogin.User{ID: email, Email: email}, nil
})

// SignIn returns the sign-in page. Pass Middleware.ReturnURL.
func SignIn(returnURL func(*http.Request) string) http.Handler {
	return SignInForm(returnURL, func(w http.ResponseWriter, r *http.Request, email string) error {
		session, _ := store.Get(r, "session") // a new one, if the browser's is from an earlier start
		session.ID, session.IsNew = "", true  // a new ID, if the store has IDs: somebody else may know the old one
		session.Values = map[any]any{"email": email}
		return session.Save(r, w)
	})
}

// SignOut removes the session cookie of SignIn from the browser. A copy of the cookie stays valid. To prevent
// that, keep sessions on the server.
func SignOut(w http.ResponseWriter, r *http.Request) error {
	session, _ := store.Get(r, "session") // a new one, if the cookie cannot be read
	session.Options.MaxAge = -1
	return session.Save(r, w)
}

// Home is a page for users.
var Home = HomeFor(SignedIn, "/sign-in")

var store = func() *sessions.CookieStore {
	store := sessions.NewCookieStore([]byte(rand.Text() + rand.Text()))
	store.Options.SameSite = http.SameSiteLaxMode
	store.Options.HttpOnly = true
	store.Options.Secure = false // this is plain http on loopback: everywhere else, set it and name the cookie __Host-session
	return store
}()

// Pages returns the home page and the sign-in page of a small app.
func Pages(docs *docslogin.Middleware) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("/{$}", Home)
	mux.Handle("/sign-in", SignIn(docs.ReturnURL))
	return mux
}

// Serve serves an app's pages and the login route at the address, which -listen sets, until ctx ends.
// When it starts, it calls each tell with the login URL.
func Serve(ctx context.Context, address string, docs *docslogin.Middleware, pages http.Handler, tell ...func(loginURL string)) error {
	listener, err := listen.On(address, "-listen")
	if err != nil {
		return err
	}
	loginURL := fmt.Sprintf("http://%s%s", listener.Addr(), docs.Path())
	for _, f := range tell {
		f(loginURL)
	}
	fmt.Println(loginURL, "is the docs' login URL. Ctrl-C stops.")
	return ServeOn(ctx, listener, docs.Wrap(pages))
}
