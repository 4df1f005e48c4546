// Command prefix is an app that browsers see under https://host/app/, while it serves plain
// http and no prefix itself: a proxy in front, which fake.go stands for, has the certificate
// and takes the prefix away. The trap: a way back without the prefix, or one that is made of
// X-Forwarded headers, which any client can send. It comes from the configuration alone.
//
// An app that sees the prefix itself needs no more than docslogin.WithPath("/app/docs-login").
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

// The app's own URL is as browsers see it: https://example.com/app.
func newHandler(env app.Env) (http.Handler, error) {
	docs, err := docslogin.New(signedIn, env.Platform,
		docslogin.WithExternalURL(env.URL),                  // puts the prefix before the way back
		docslogin.WithSignInPage(prefix+"/sign-in", "next")) // is where browsers find the page
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/{$}", app.HomeFor(signedIn, prefix+"/sign-in"))
	mux.Handle("/sign-in", app.SignInFormOf(prefix+"/", signIn)) // every redirect of the app's own needs the prefix, too
	return docs.Wrap(mux), nil                                   // at /docs-login, without the prefix: the proxy takes it away
}

var store = func() *sessions.CookieStore {
	store := sessions.NewCookieStore([]byte(rand.Text() + rand.Text()))
	store.Options.Path = prefix + "/" // as browsers see it; a name with __Host- would need the path /
	store.Options.Secure = true       // though the app itself is served plain http: browsers see https
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
	session.ID, session.IsNew = "", true  // a new ID, where a store has some: the old one may be somebody else's, too
	session.Values["email"] = email
	return session.Save(r, w)
}
