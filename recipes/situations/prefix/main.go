// Command prefix is an app that browsers see under https://host/app/, but that itself serves plain
// http without the prefix: a proxy, which fake.go stands for, has the certificate and strips the
// prefix. The trap: a return URL without the prefix, or one that is built from X-Forwarded
// headers, which any client can send. With WithExternalURL, it comes from the configuration.
//
// An app that sees the prefix itself needs only docslogin.WithPath("/app/docs-login"). Then ReturnURL
// returns "/" if there is no return URL.
package main

import (
	"crypto/rand"
	"net/http"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/gorilla/sessions"
)

func main() { app.MainOn(serve) }

const prefix = "/app"

// newHandler takes the app's own URL as browsers see it: https://example.com/app.
func newHandler(env app.Env) (http.Handler, error) {
	docs, err := docslogin.New(signedIn, env.Platform,
		docslogin.WithExternalURL(env.URL+"/"),              // adds the prefix to the return URL; also the home page
		docslogin.WithSignInPage(prefix+"/sign-in", "next")) // as browsers see it
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/{$}", app.HomeFor(signedIn, prefix+"/sign-in"))
	mux.Handle("/sign-in", app.SignInForm(docs.ReturnURL, signIn)) // the app's own redirects have the prefix, too
	return docs.Wrap(mux), nil                                     // at /docs-login: the proxy strips the prefix
}

var store = func() *sessions.CookieStore {
	store := sessions.NewCookieStore([]byte(rand.Text() + rand.Text()))
	store.Options.Path = prefix + "/" // as browsers see it; a cookie named __Host-… would need the path /
	store.Options.Secure = true       // browsers see https, though the app itself serves plain http
	store.Options.HttpOnly = true
	store.Options.SameSite = http.SameSiteLaxMode
	return store
}()

var signedIn = docslogin.SessionLookup(store, "session", func(_ *http.Request, session *sessions.Session) (*docslogin.User, error) {
	email, _ := session.Values["email"].(string)
	if email == "" {
		return nil, docslogin.ErrNoUser
	}
	return &docslogin.User{ID: email, Email: email}, nil
})

func signIn(w http.ResponseWriter, r *http.Request, email string) error {
	session, _ := store.Get(r, "session") // a new one, if the browser's is of an earlier start
	session.ID, session.IsNew = "", true  // a new ID, if the store has IDs: somebody else may know the old one
	session.Values = map[any]any{"email": email}
	return session.Save(r, w)
}
