// Command tenants is one app for many tenants, each with a host and docs of its own. The trap: a
// cookie does not prove where it was set, so a client can use a session on each of the app's
// hosts. Each tenant's lookup therefore checks the session's tenant, or the users of one tenant
// could log in at the docs of another. fake.go has the test sites.
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

// tenants is the app. It is safe for concurrent use by multiple goroutines.
type tenants struct {
	store sessions.Store
	next  http.Handler // what all tenants share

	mu     sync.RWMutex
	byHost map[string]tenant
}

type tenant struct {
	name    string
	docs    *docslogin.Middleware
	handler http.Handler // the app, with the login route of this tenant's docs
}

func newTenants(store sessions.Store) *tenants {
	t := &tenants{store: store, byHost: map[string]tenant{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", t.home)
	mux.Handle("/sign-in", app.SignInForm(t.returnURL, t.signIn))
	t.next = mux
	return t
}

// add adds or changes a tenant, at the start or while serving. The host is as browsers send it:
// acme.example.com, with the port if it is not the scheme's default. The platform, with the
// tenant's docs URL and key, comes from the app's database. With several instances, call add in
// each of them.
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
	// The host is only looked up. A client can send any host, so it must not become part of a URL.
	tenant, ok := t.at(r.Host)
	if !ok {
		http.NotFound(w, r)
		return
	}
	tenant.handler.ServeHTTP(w, r)
}

// usersOf is the lookup of a tenant: it finds only the tenant's users.
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

// returnURL returns the return URL for the tenant of the request.
func (t *tenants) returnURL(r *http.Request) string {
	tenant, ok := t.at(r.Host)
	if !ok {
		return "/"
	}
	return tenant.docs.ReturnURL(r)
}

func (t *tenants) signIn(w http.ResponseWriter, r *http.Request, email string) error {
	tenant, ok := t.at(r.Host)
	if !ok {
		return errors.New("there is no such tenant")
	}
	session, _ := t.store.Get(r, "session") // a new one, if the browser's is of an earlier start
	session.ID, session.IsNew = "", true    // a new ID, if the store has IDs: somebody else may know the old one
	session.Values = map[any]any{
		"email":  email,
		"tenant": tenant.name, // which has an account for this user
	}
	return session.Save(r, w)
}

func (t *tenants) home(w http.ResponseWriter, r *http.Request) {
	tenant, _ := t.at(r.Host)
	app.HomeFor(t.usersOf(tenant.name), "/sign-in").ServeHTTP(w, r)
}
