package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"

	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/gorilla/sessions"
)

func serve(ctx context.Context, listener net.Listener) error {
	tenants := newTenants(newStore())
	port := listener.Addr().(*net.TCPAddr).Port
	for _, name := range []string{"acme", "globex"} {
		site := docslogintest.NewReadMe(docslogintest.WithTitle("Docs of " + name))
		defer site.Close()
		host := fmt.Sprintf("%s.localhost:%d", name, port)
		if err := tenants.add(host, name, site.Platform()); err != nil {
			return err
		}
		site.SetLoginURL("http://" + host + "/docs-login")
		fmt.Printf("The app of %s is at http://%s. Open a page of its docs: %s/quickstart.\n", name, host, site.URL)
	}
	fmt.Println("Ctrl-C stops.")
	return app.ServeOn(ctx, listener, tenants)
}

// newStore sets a cookie for each host: without a Domain, browsers send it to no other. But a page of
// one tenant could set a cookie for its siblings, with the Domain of both. If the name begins with
// __Host-, browsers reject that.
func newStore() sessions.Store {
	store := sessions.NewCookieStore([]byte(rand.Text() + rand.Text()))
	store.Options.HttpOnly = true
	store.Options.SameSite = http.SameSiteLaxMode
	store.Options.Secure = false // this is plain http on loopback: everywhere else, set it and name the cookie __Host-session
	return store
}
