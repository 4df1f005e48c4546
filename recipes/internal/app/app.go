// Package app stands for an app with users in the recipes: a form that believes everybody,
// and sessions that end with the process. Yours has better ones.
package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/gorilla/sessions"
)

var store = func() *sessions.CookieStore {
	store := sessions.NewCookieStore([]byte(rand.Text() + rand.Text()))
	store.Options.SameSite = http.SameSiteLaxMode
	store.Options.HttpOnly = true
	store.Options.Secure = false // this is plain http on loopback: true everywhere else
	return store
}()

// user says who is behind a session.
func user(_ *http.Request, session *sessions.Session) (*docslogin.User, error) {
	email, _ := session.Values["email"].(string)
	if email == "" {
		return nil, docslogin.ErrNoUser
	}
	return &docslogin.User{ID: email, Email: email}, nil
}

// SignedIn says who is signed in.
var SignedIn = docslogin.SessionLookup(store, "session", user)

// SignInPage is where nobody is sent.
var SignInPage = docslogin.WithLoginPage("/sign-in", "next")

var form = template.Must(template.New("").Parse(`<!doctype html><title>Sign in</title>
<form method="post">
<input name="email" type="email" placeholder="E-mail address" required>
<input name="next" type="hidden" value="{{.}}">
<button>Sign in</button>
</form>
`))

func pages() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sign-in", func(w http.ResponseWriter, r *http.Request) {
		_ = form.Execute(w, r.FormValue("next"))
	})
	mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) {
		session, _ := store.Get(r, "session") // a new one, if the browser's is of an earlier start
		session.Values["email"] = r.PostFormValue("email")
		if err := session.Save(r, w); err != nil {
			http.Error(w, "The session cannot be saved.", http.StatusInternalServerError)
			return
		}
		next := r.PostFormValue("next")
		if !strings.HasPrefix(next, "/docs-login?") {
			next = "/docs-login" // no link may lead elsewhere from here
		}
		http.Redirect(w, r, next, http.StatusSeeOther)
	})
	return http.NewCrossOriginProtection().Handler(mux)
}

// Serve serves the app with the docs' login route at the address until ctx ends. What else
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
	server := &http.Server{Handler: docs.Wrap(pages()), ReadHeaderTimeout: 10 * time.Second}
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
