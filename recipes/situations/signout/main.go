// Command signout is an app whose sign-out also ends the docs session. The docs' "Log out" leads to the
// app's sign-out page (GitBook or, with -platform fern, Fern).
//
// Avoid these mistakes:
//
//   - A sign-out by GET. Any page can trigger it, as any page can trigger a docs logout.
//   - A sign-out that visits the docs before it ends the app's session, or that leads to a page which logs
//     users in. Both log the user in again at once.
//   - A redirect to the page that a docs logout adds to the app's logout URL. Anybody can choose that page.
//
// A sign-out does not reach another browser, or docs without a logout URL (-platform mintlify). A short
// docs session limits that. fake.go has the docs.
package main

import (
	"cmp"
	"crypto/rand"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/gorilla/sessions"
)

func main() { app.MainOn(serve) }

func newHandler(env app.Env) (http.Handler, error) {
	docs, err := docslogin.New(signedIn, env.Platform, app.SignInPage,
		docslogin.WithSessionTTL(10*time.Minute)) // then the docs ask again, which a signed-in user does not notice
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/{$}", app.HomeFor(signedIn, "/sign-in"))
	mux.Handle("/sign-in", app.SignInForm(docs.ReturnURL, signIn))
	mux.HandleFunc("GET /sign-out", func(w http.ResponseWriter, r *http.Request) { // the logout URL in the docs' dashboard
		signOutPage(w, r, docs.PageURL(r))
	})
	mux.HandleFunc("POST /sign-out", func(w http.ResponseWriter, r *http.Request) {
		// End the app's session first. The docs may open one of their pages, which asks the app at once.
		if err := signOut(w, r); err != nil {
			slog.ErrorContext(r.Context(), "the session cannot be ended", "error", err)
			http.Error(w, "The session cannot be ended.", http.StatusInternalServerError)
			return
		}
		docs.ClearCookie(w) // for docs that read the token from a cookie; otherwise, it does nothing
		// The docs logout redirects to the page above. Without a logout URL, the docs session ends by itself.
		http.Redirect(w, r, cmp.Or(docs.LogoutURL(), "/sign-out"), http.StatusSeeOther)
	})
	return docs.Wrap(http.NewCrossOriginProtection().Handler(mux)), nil
}

// signOutPage does not sign the user out, because any page can open it. It links to the docs page from which
// the visitor comes. It does not redirect there, because a private page asks the app to log the user in
// again.
func signOutPage(w http.ResponseWriter, r *http.Request, docsPage string) {
	_, err := signedIn(r)
	if err != nil && !errors.Is(err, docslogin.ErrNoUser) {
		slog.ErrorContext(r.Context(), "the session cannot be read", "error", err)
		http.Error(w, "The session cannot be read.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	_ = page.Execute(w, map[string]any{"SignedIn": err == nil, "DocsPage": docsPage})
}

// If a Content-Security-Policy has form-action, it must allow the docs' origin, to which the form
// is redirected.
var page = template.Must(template.New("").Parse(`<!doctype html><title>Sign out</title>
{{if .SignedIn}}<p>You are still signed in to the app.</p>
<form method="post" action="/sign-out"><button>Sign out</button></form>
{{else}}<p>You are signed out.</p>
<a href="/sign-in">Sign in</a>
{{end}}<a href="{{.DocsPage}}">Back to the docs</a>
`))

const lifetime = time.Hour

var store = func() *sessions.CookieStore {
	store := sessions.NewCookieStore([]byte(rand.Text() + rand.Text()))
	store.MaxAge(int(lifetime.Seconds()))
	store.Options.HttpOnly = true
	store.Options.SameSite = http.SameSiteLaxMode
	store.Options.Secure = false // this is plain http on loopback: everywhere else, set it and name the cookie __Host-session
	return store
}()

var signedIn = docslogin.SessionLookup(store, "session", func(_ *http.Request, session *sessions.Session) (*docslogin.User, error) {
	email, _ := session.Values["email"].(string)
	end, _ := session.Values["end"].(int64)
	if email == "" {
		return nil, docslogin.ErrNoUser
	}
	return &docslogin.User{ID: email, Email: email, ExpiresAt: time.Unix(end, 0)}, nil // the docs session ends with the app's
})

func signIn(w http.ResponseWriter, r *http.Request, email string) error {
	session, _ := store.Get(r, "session") // a new one, if the browser's is of an earlier start
	session.ID, session.IsNew = "", true  // a new ID, if the store has IDs: somebody else may know the old one
	session.Values = map[any]any{"email": email, "end": time.Now().Add(lifetime).Unix()}
	return session.Save(r, w)
}

// signOut removes the session from this browser. A copy of the cookie stays valid until the session
// expires; use a store on the server to prevent that.
func signOut(w http.ResponseWriter, r *http.Request) error {
	session, _ := store.Get(r, "session") // also deletes a cookie that cannot be read
	session.Options.MaxAge = -1
	return session.Save(r, w)
}
