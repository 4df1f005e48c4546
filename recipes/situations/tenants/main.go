// Command tenants is one app for many tenants, each under a host of its own, with docs of its
// own. The trap: a cookie is no proof of where it was set, so a session is good under each of
// the app's hosts. Each tenant's lookup asks whose the session is, or else the users of one
// tenant could log in to the docs of another. fake.go has docs to log in at.
package main

import (
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/gorilla/sessions"
)

func main() { app.MainOn(serve) }

// tenants is the app. Its methods may be called by many goroutines at once.
type tenants struct {
	store sessions.Store
	next  http.Handler // what all tenants have in common

	mu     sync.RWMutex
	byHost map[string]tenant
}

type tenant struct {
	name    string
	docs    *docslogin.Middleware
	handler http.Handler // the app, with the way to this tenant's docs
}

func newTenants(store sessions.Store) *tenants {
	t := &tenants{store: store, byHost: map[string]tenant{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", t.home)
	mux.Handle("/sign-in", app.SignInForm(t.signIn))
	t.next = mux
	return t
}

// add adds a tenant, at the start or while serving, or changes one. The host is as browsers
// send it: acme.example.com, with the port if it is not the scheme's own. The platform, which
// has the tenant's docs URL and key, comes from where the app keeps its tenants. Where the
// app runs more than once, each instance has to hear of it.
func (t *tenants) add(host, name string, platform docslogin.Platform) error {
	docs, err := docslogin.New(t.usersOf(name), platform, app.SignInPage)
	if err != nil {
		return fmt.Errorf("the tenant %s: %w", name, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byHost[host] = tenant{name, docs, docs.Wrap(t.next)}
	return nil
}

// setKey changes the key of one tenant's docs.
func (t *tenants) setKey(host string, key docslogin.Key) error {
	tenant, ok := t.at(host)
	if !ok {
		return errors.New("there is no such tenant")
	}
	return tenant.docs.SetKey(key)
}

func (t *tenants) at(host string) (tenant, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	tenant, ok := t.byHost[host]
	return tenant, ok
}

func (t *tenants) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The host is looked up and that is all: a client can write anything there, so it is part
	// of no URL.
	tenant, ok := t.at(r.Host)
	if !ok {
		http.NotFound(w, r)
		return
	}
	tenant.handler.ServeHTTP(w, r)
}

// usersOf says who is signed in, if it is a user of the tenant.
func (t *tenants) usersOf(name string) docslogin.UserLookup {
	return docslogin.SessionLookup(t.store, "session", func(_ *http.Request, session *sessions.Session) (*docslogin.User, error) {
		email, _ := session.Values["email"].(string)
		if email == "" {
			return nil, docslogin.ErrNoUser
		}
		if session.Values["tenant"] != name {
			return nil, fmt.Errorf("%w: this is a user of another tenant", docslogin.ErrForbidden)
		}
		return &docslogin.User{ID: name + "/" + email, Email: email}, nil
	})
}

func (t *tenants) signIn(w http.ResponseWriter, r *http.Request, email string) error {
	tenant, ok := t.at(r.Host)
	if !ok {
		return errors.New("there is no such tenant")
	}
	session, _ := t.store.Get(r, "session") // a new one, if the browser's is of an earlier start
	session.ID, session.IsNew = "", true    // a new ID, where a store has some: the old one may be somebody else's, too
	session.Values = map[any]any{
		"email":  email,
		"tenant": tenant.name, // of which the user is, as the accounts of this tenant say
	}
	return session.Save(r, w)
}

func (t *tenants) home(w http.ResponseWriter, r *http.Request) {
	tenant, _ := t.at(r.Host)
	user, err := t.usersOf(tenant.name)(r)
	switch {
	case errors.Is(err, docslogin.ErrNoUser):
		http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
	case errors.Is(err, docslogin.ErrForbidden):
		http.Error(w, "You are signed in at another tenant.", http.StatusForbidden)
	case err != nil:
		http.Error(w, "The session cannot be read.", http.StatusInternalServerError)
	default:
		fmt.Fprintf(w, "Signed in as %s at %s\n", user.Email, tenant.name)
	}
}
