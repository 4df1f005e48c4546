// Package app is what the recipes have in common, and stands for what your app has already: a
// sign-in form that believes everybody, sessions that end with the process, and a server.
package app

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/gorilla/sessions"
)

// Env is what an app learns when it starts.
type Env struct {
	URL      string             // the app's own, without a slash at the end
	Platform docslogin.Platform // in real life platforms.ReadMe("https://docs.example.com", secret) or the like
}

// Server serves on the listener until ctx ends, and then what has begun.
type Server func(ctx context.Context, listener net.Listener) error

// Main runs a recipe until it is interrupted: the app, and docs to log in at, both on loopback.
func Main(newHandler func(Env) (http.Handler, error)) {
	MainServer(func(env Env) (Server, error) {
		handler, err := newHandler(env)
		return func(ctx context.Context, listener net.Listener) error { return ServeOn(ctx, listener, handler) }, err
	})
}

// MainServer is Main for an app that is no http.Handler and serves itself.
func MainServer(newServer func(Env) (Server, error)) {
	MainOn(func(ctx context.Context, listener net.Listener) error { return run(ctx, listener, newServer) })
}

// MainOn is Main for a recipe that has docs of its own to log in at: serve runs them and the app.
func MainOn(serve Server) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listen := flag.String("listen", "127.0.0.1:8080", "`address` of the app")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	listener, err := net.Listen("tcp", *listen)
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
	fmt.Printf("The app is at %s; open a page of its docs, %s/quickstart. Ctrl-C stops.\n", env.URL, site.URL)
	return serve(ctx, listener)
}

// ServeOn serves until ctx ends, and then what has begun.
func ServeOn(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
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

// SignInPage is where nobody is sent: a page at /sign-in, such as SignInForm, that takes the
// way back in the parameter next.
var SignInPage = docslogin.WithSignInPage("/sign-in", "next")

// SignInForm is a sign-in page: a form for an e-mail address, which signIn puts into a
// session, and the way back in the parameter next.
func SignInForm(signIn func(w http.ResponseWriter, r *http.Request, email string) error) http.Handler {
	return SignInFormOf("/", signIn)
}

// SignInFormOf is SignInForm for an app whose home page is elsewhere, as browsers see it.
func SignInFormOf(home string, signIn func(w http.ResponseWriter, r *http.Request, email string) error) http.Handler {
	local := func(next string) string {
		if next = Local(next); next == "/" {
			return home
		}
		return next
	}
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet:
			_ = form.Execute(w, local(r.FormValue("next")))
		case http.MethodPost:
			email := r.PostFormValue("email")
			if email == "" {
				http.Error(w, "The e-mail address is missing.", http.StatusBadRequest)
				return
			}
			if err := signIn(w, r, email); err != nil {
				http.Error(w, "The session cannot be saved.", http.StatusInternalServerError)
				return
			}
			http.Redirect(w, r, local(r.PostFormValue("next")), http.StatusSeeOther)
		default:
			w.Header().Set("Allow", "GET, POST")
			http.Error(w, "This page has a form.", http.StatusMethodNotAllowed)
		}
	}))
}

var form = template.Must(template.New("").Parse(`<!doctype html><title>Sign in</title>
<form method="post">
<input name="email" type="email" placeholder="E-mail address" required>
<input name="next" type="hidden" value="{{.}}">
<button>Sign in</button>
</form>
`))

// Local returns a way back that stays within the app, or the home page: a stranger can write
// the link to a sign-in page.
func Local(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\t\r\n") {
		return "/"
	}
	return next
}

// These are for recipes that are not about sessions: gorilla's, in a cookie.

// SignedIn says who is signed in.
var SignedIn = docslogin.SessionLookup(store, "session", func(_ *http.Request, session *sessions.Session) (*docslogin.User, error) {
	email, _ := session.Values["email"].(string)
	if email == "" {
		return nil, docslogin.ErrNoUser
	}
	return &docslogin.User{ID: email, Email: email}, nil
})

// SignIn is the sign-in page.
var SignIn = SignInForm(func(w http.ResponseWriter, r *http.Request, email string) error {
	session, _ := store.Get(r, "session") // a new one, if the browser's is of an earlier start
	session.ID, session.IsNew = "", true  // a new ID, where a store has some: the old one may be somebody else's, too
	session.Values["email"] = email
	return session.Save(r, w)
})

// Home is a page for users.
var Home = HomeFor(SignedIn, "/sign-in")

var store = func() *sessions.CookieStore {
	store := sessions.NewCookieStore([]byte(rand.Text() + rand.Text()))
	store.Options.SameSite = http.SameSiteLaxMode
	store.Options.HttpOnly = true
	store.Options.Secure = false // this is plain http on loopback: true everywhere else
	return store
}()

// Serve serves a small app with the docs' login route at the address until ctx ends. What else
// wants to know the login URL is told before.
func Serve(ctx context.Context, address string, docs *docslogin.Middleware, tell ...func(loginURL string)) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	loginURL := fmt.Sprintf("http://%s%s", listener.Addr(), docs.Path())
	for _, f := range tell {
		f(loginURL)
	}
	fmt.Println(loginURL, "is the docs' login URL. Ctrl-C stops.")
	mux := http.NewServeMux()
	mux.Handle("/{$}", Home)
	mux.Handle("/sign-in", SignIn)
	return ServeOn(ctx, listener, docs.Wrap(mux))
}
