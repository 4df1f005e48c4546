package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/platforms"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
	"github.com/gorilla/sessions"
)

// world is the app with two tenants, and a visitor of each.
type world struct {
	*tenants
	port         string
	acme, globex *apptest.Visit
}

func start(t *testing.T) *world {
	t.Helper()
	w := &world{tenants: newTenants(newStore())}
	appURL := apptest.ServeApp(t, func(string) (http.Handler, error) { return w.tenants, nil })
	w.port = strings.TrimPrefix(appURL, "http://127.0.0.1")
	w.acme, w.globex = w.found(t, "acme"), w.found(t, "globex")
	return w
}

// found adds a tenant and its docs.
func (w *world) found(t *testing.T, name string) *apptest.Visit {
	t.Helper()
	site := docslogintest.NewReadMe()
	t.Cleanup(site.Close)
	host := name + ".localhost" + w.port
	if err := w.add(host, name, site.Platform()); err != nil {
		t.Fatal(err)
	}
	site.SetLoginURL("http://" + host + "/docs-login")
	return &apptest.Visit{AppURL: "http://" + host, Site: site, Visitor: apptest.NewVisitor()}
}

func TestRecipe(t *testing.T) {
	w := start(t)
	t.Run("acme", w.acme.Try)
	t.Run("globex", w.globex.Try)
}

// A sign-in gives a session on the server a new ID.
func TestSessionsInFiles(t *testing.T) {
	apptest.TryFiles(t, func(store *sessions.FilesystemStore) func(app.Env) (http.Handler, error) {
		return func(env app.Env) (http.Handler, error) {
			tenants := newTenants(store)
			return tenants, tenants.add(strings.TrimPrefix(env.URL, "http://"), "acme", env.Platform)
		}
	})
}

func TestNobodyReadsTheDocsOfAnotherTenant(t *testing.T) {
	w := start(t)
	w.acme.Try(t)
	ada := w.acme.Visitor
	atAcme, _ := url.Parse(w.acme.AppURL)
	atGlobex, _ := url.Parse(w.globex.AppURL)
	if page := ada.Open(t, w.globex.Site.URL+"/quickstart"); !page.At(w.globex.AppURL) || !page.HasForm() {
		t.Errorf("without a cookie for globex, Ada ends at %s, not at its sign-in page", page)
	}
	// She takes her cookie to the other host herself, as any client can.
	ada.Client().Jar.SetCookies(atGlobex, ada.Client().Jar.Cookies(atAcme))
	for _, u := range []string{w.globex.Site.URL + "/quickstart", w.globex.AppURL + "/"} {
		if page := ada.Open(t, u); !page.At(w.globex.AppURL+page.URL.RequestURI()) || page.Status != http.StatusForbidden {
			t.Errorf("with acme's session, Ada ends at %s, not at globex's 403 page", page)
		}
	}
	if logins := w.globex.Site.Logins(); len(logins) != 0 {
		t.Errorf("globex's docs saw %v", logins)
	}
	// Where she has an account there, too, she signs in with it.
	ada.SignIn(t, ada.Open(t, w.globex.AppURL+"/sign-in"), w.globex.Site.URL)
	if page := ada.Open(t, w.globex.Site.URL+"/quickstart"); !page.At(w.globex.Site.URL + "/quickstart") {
		t.Errorf("signed in at globex, too, Ada ends at %s", page)
	}
}

func TestUnknownHosts(t *testing.T) {
	w := start(t)
	w.acme.Try(t)
	acme, _ := url.Parse(w.acme.AppURL)
	client := w.acme.Visitor.Client()
	cookies := client.Jar.Cookies(acme) // sent to every host here
	client.Jar = nil
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, host := range []string{"initech.localhost" + w.port, "127.0.0.1" + w.port, "acme.localhost", "acme.localhost" + w.port + ".example.com", "example.com"} {
		for _, path := range []string{"/docs-login?redirect=/quickstart", "/sign-in", "/"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.acme.AppURL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = host
			for _, cookie := range cookies {
				req.AddCookie(cookie)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusNotFound || resp.Header.Get("Location") != "" {
				t.Errorf("%s of the host %s: %s; want 404 and no redirect", path, host, resp.Status)
			}
		}
	}
}

func TestNewTenantsAndKeysWhileServing(t *testing.T) {
	w := start(t)
	before := w.acme.Visitor
	before.SignIn(t, before.Open(t, w.acme.Site.URL+"/quickstart"), w.acme.Site.URL)

	var changes sync.WaitGroup
	changes.Go(func() {
		for i := range 20 {
			if err := w.add(fmt.Sprintf("tenant%d.localhost", i), fmt.Sprint("tenant", i), platforms.ReadMe("https://docs.example.com", "0123456789abcdef")); err != nil {
				t.Error(err)
			}
			if err := w.setKey("acme.localhost"+w.port, w.acme.Site.Platform().Key); err != nil {
				t.Error(err)
			}
		}
	})
	for range 20 {
		before.LogOutOfDocs(t, w.acme.Site)
		if page := before.Open(t, w.acme.Site.URL+"/quickstart"); !page.At(w.acme.Site.URL + "/quickstart") {
			t.Fatalf("while tenants are added, Ada ends at %s; rejections: %v", page, w.acme.Site.Rejections())
		}
	}
	changes.Wait()
	w.found(t, "initech").Try(t)
}

func TestNewKey(t *testing.T) {
	w := start(t)
	acme, globex := "acme.localhost"+w.port, "globex.localhost"+w.port
	visitor := w.acme.Visitor
	logIn := func() apptest.Page {
		t.Helper()
		return visitor.SignIn(t, visitor.Open(t, w.acme.Site.URL+"/quickstart"), w.acme.Site.URL)
	}

	if err := w.setKey(acme, docslogin.Secret("not the docs' secret any more")); err != nil {
		t.Fatal(err)
	}
	if logIn(); len(w.acme.Site.Logins()) != 0 || len(w.acme.Site.Rejections()) != 1 {
		t.Fatalf("acme's docs accepted a token that is signed with another key")
	}
	if err := w.setKey(acme, w.acme.Site.Platform().Key); err != nil {
		t.Fatal(err)
	}
	if err := w.setKey(acme, docslogin.Secret("short")); err == nil {
		t.Error("setKey accepts a bad key")
	}
	if page := logIn(); !page.At(w.acme.Site.URL + "/quickstart") {
		t.Errorf("with the right key again, Ada ends at %s; rejections: %v", page, w.acme.Site.Rejections())
	}
	w.globex.Try(t)

	if err := w.setKey("initech.localhost"+w.port, w.acme.Site.Platform().Key); err == nil {
		t.Error("setKey accepts a key for an unknown tenant")
	}
	if err := w.add(globex, "globex", platforms.ReadMe("docs", "short")); err == nil || !strings.Contains(err.Error(), "globex") {
		t.Errorf("a tenant with configuration errors: %v; want an error that names it", err)
	}
	w.globex.Visitor.LogOutOfDocs(t, w.globex.Site)
	if page := w.globex.Visitor.Open(t, w.globex.Site.URL+"/reference"); !page.At(w.globex.Site.URL + "/reference") {
		t.Errorf("after a configuration error, the tenant has changed: %s", page)
	}
}
