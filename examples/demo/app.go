package main

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"errors"
	"html/template"
	"log"
	"net/http"

	"github.com/docslogin/docslogin"
	"github.com/gorilla/sessions"
)

// All ports of a host share their cookies, so the name is specific to the demo.
const sessionName = "acme_demo_session"

// docs is a docs site as the app knows it.
type docs struct {
	docslogin.Platform
	Path        string                // of the login route
	Title, What string                // for the home page
	Login       *docslogin.Middleware // set by newApp
}

// person is a user as stored in the app's database.
type person struct {
	ID, Name, Email, Plan string
	Groups                []string
	Keys                  []docslogin.APIKey
}

var people = []person{
	{"ada", "Ada Park", "ada@example.com", "Enterprise", []string{"admin", "beta"}, []docslogin.APIKey{
		{Name: "Live", Key: "acme_live_ada_5521"}, {Name: "Test", Key: "acme_test_ada_0913"}}},
	{"ben", "Ben Okafor", "ben@example.com", "Team", []string{"developer"}, []docslogin.APIKey{
		{Name: "Live", Key: "acme_live_ben_7740"}}},
	{"chloe", "Chloé Martin", "chloe@example.com", "Trial", nil, nil},
	{"dana", "Dana Silva", "dana@example.com", "Team", nil, []docslogin.APIKey{
		{Name: "Live", Key: "acme_live_dana_3318", Header: "X-Acme-Key"}}},
}

// user returns what the docs may know about a person.
func (p *person) user() *docslogin.User {
	return &docslogin.User{
		ID:         p.ID,
		Name:       p.Name,
		Email:      p.Email,
		Groups:     p.Groups,
		APIKeys:    p.Keys,
		Attributes: map[string]any{"plan": p.Plan},
	}
}

func find(id any) *person {
	for i := range people {
		if people[i].ID == id {
			return &people[i]
		}
	}
	return nil
}

// newApp returns an app that logs its users in to every docs site. Your own app usually has one
// docs site, whose platform comes from the app's settings:
//
//	platforms.ReadMe("https://docs.example.com", os.Getenv("README_JWT_SECRET"))
func newApp(all []docs) (http.Handler, error) {
	// The key is random, so the demo's sessions end when it stops. Your own app keeps its key
	// secret, and uses the same key on all servers.
	store := sessions.NewCookieStore([]byte(rand.Text() + rand.Text()))
	store.Options = &sessions.Options{
		Path:     "/",
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode, // with Strict, visitors who come from the docs would appear signed out
		Secure:   false,                // because this is plain http on loopback; set it to true everywhere else
	}
	store.MaxAge(8 * 60 * 60)

	lookup := docslogin.SessionLookup(store, sessionName, func(r *http.Request, session *sessions.Session) (*docslogin.User, error) {
		p := find(session.Values["user"])
		if p == nil {
			return nil, docslogin.ErrNoUser
		}
		return p.user(), nil
	})
	a := &app{store: store, Docs: all}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("GET /sign-in", a.signInForm)
	mux.HandleFunc("POST /sign-in", a.signIn)
	mux.HandleFunc("POST /sign-out", a.signOut)

	handler := http.NewCrossOriginProtection().Handler(http.MaxBytesHandler(mux, 1<<16))
	for i, d := range all {
		login, err := docslogin.New(lookup, d.Platform, docslogin.WithPath(d.Path), docslogin.WithSignInPage("/sign-in", "next"))
		if err != nil {
			return nil, err
		}
		all[i].Login = login
		handler = login.Wrap(handler)
		a.returnURL = login.ReturnURL // the same for every login route, because all have this sign-in page
	}
	return handler, nil
}

type app struct {
	store     *sessions.CookieStore
	returnURL func(*http.Request) string
	Docs      []docs
}

// session returns the visitor's session. It replaces a session that cannot be read, such as one of
// an earlier run, with a new one.
func (a *app) session(r *http.Request) *sessions.Session {
	session, _ := a.store.Get(r, sessionName)
	return session
}

func (a *app) home(w http.ResponseWriter, r *http.Request) {
	a.show(w, http.StatusOK, view{Title: "Home", User: find(a.session(r).Values["user"])})
}

// signInForm shows the form, which has no action: browsers post it to the page's own URL. Its query has
// the return URL, and its fragment is the anchor of the docs page, which an action would lose.
func (a *app) signInForm(w http.ResponseWriter, r *http.Request) {
	a.show(w, http.StatusOK, view{Title: "Sign in", People: people})
}

func (a *app) signIn(w http.ResponseWriter, r *http.Request) {
	p := find(r.PostFormValue("user"))
	if p == nil {
		a.show(w, http.StatusUnprocessableEntity, view{Title: "Sign in", People: people, Problem: "Choose who you are."})
		return
	}
	session := a.session(r)
	session.ID, session.IsNew = "", true // a new ID, if the store has IDs, because somebody else may know the old one
	session.Values = map[any]any{"user": p.ID}
	if err := session.Save(r, w); err != nil {
		a.fail(w, "saving the session", err)
		return
	}
	for _, d := range a.Docs {
		// From now on, docs that read the token from a cookie know the reader. Other docs need no cookie.
		if err := d.Login.SetCookie(r.Context(), w, p.user()); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			log.Printf("demo: setting the cookie of %s: %v", d.Name, err)
			d.Login.ClearCookie(w) // it may be an earlier user's
		}
	}
	http.Redirect(w, r, a.returnURL(r), http.StatusSeeOther) // a 307 or 308 would repeat the POST at the docs
}

func (a *app) signOut(w http.ResponseWriter, r *http.Request) {
	session := a.session(r)
	session.Options.MaxAge = -1
	if err := session.Save(r, w); err != nil {
		a.fail(w, "ending the session", err)
		return
	}
	for _, d := range a.Docs {
		d.Login.ClearCookie(w) // does nothing, unless the docs read the token from a cookie
	}
	// An app with one docs site can redirect to LogoutURL instead, unless it is empty.
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

type view struct {
	*app
	Title, Problem string
	User           *person // nil: signed out
	People         []person
}

//go:embed app.html
var appHTML string

var appTemplate = template.Must(template.New("app.html").Parse(appHTML))

func (a *app) show(w http.ResponseWriter, status int, v view) {
	v.app = a
	var page bytes.Buffer
	if err := appTemplate.Execute(&page, v); err != nil {
		a.fail(w, "making the page", err)
		return
	}
	formAction := "'self'" // browsers apply it to redirects, too, and the form's redirects end at the docs
	for _, d := range a.Docs {
		formAction += " " + d.DocsURL
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action "+formAction)
	w.WriteHeader(status)
	w.Write(page.Bytes())
}

func (a *app) fail(w http.ResponseWriter, what string, err error) {
	log.Printf("demo: %s: %v", what, err)
	http.Error(w, "Something went wrong. Please try again.", http.StatusInternalServerError)
}
