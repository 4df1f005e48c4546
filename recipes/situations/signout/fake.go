package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"

	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/recipes/internal/app"
)

// docs is a test site behind a server that has a logout URL, as GitBook's docs do: it ends the docs
// session and redirects to the logout URL in the dashboard, with a page of the docs in location. If
// the dashboard has no logout URL, it redirects to the docs' root.
type docs struct {
	*docslogintest.Site
	logoutURL string // in the dashboard; "": none
	server    *http.Server
}

func newDocs(logoutURL string, opts ...docslogintest.Option) (*docs, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &docs{Site: docslogintest.NewGitBook(opts...), logoutURL: logoutURL}
	site, err := url.Parse(d.URL)
	if err != nil {
		return nil, err
	}
	d.URL = "http://" + listener.Addr().String()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /~gitbook/auth/logout", func(w http.ResponseWriter, r *http.Request) { d.logout(w, r, site) })
	// The button on its pages.
	mux.Handle("POST /logout", http.RedirectHandler("/~gitbook/auth/logout", http.StatusSeeOther))
	mux.Handle("/", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(site)
		r.Out.Host = r.In.Host
	}})
	d.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go d.server.Serve(listener)
	return d, nil
}

func (d *docs) logout(w http.ResponseWriter, r *http.Request, site *url.URL) {
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, site.JoinPath("logout").String(), nil)
	if err != nil {
		http.Error(w, "The logout failed.", http.StatusBadGateway)
		return
	}
	req.Header["Cookie"] = r.Header["Cookie"]
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		http.Error(w, "The logout failed.", http.StatusBadGateway)
		return
	}
	resp.Body.Close()
	w.Header()["Set-Cookie"] = resp.Header["Set-Cookie"]
	to := "/"
	if d.logoutURL != "" {
		to = d.logoutURL + "?location=%2F"
	}
	http.Redirect(w, r, to, http.StatusFound)
}

func (d *docs) Close() {
	d.server.Close()
	d.Site.Close()
}

func serve(ctx context.Context, listener net.Listener) error {
	appURL := "http://" + listener.Addr().String()
	docs, err := newDocs(appURL + "/sign-out")
	if err != nil {
		return err
	}
	defer docs.Close()
	env := app.Env{URL: appURL, Platform: docs.Platform()}
	handler, err := newHandler(env)
	if err != nil {
		return err
	}
	docs.SetLoginURL(env.URL + "/docs-login")
	fmt.Printf("The app is at %s, and its sign-out page at %s/sign-out. Open a page of its docs: %s/quickstart. Ctrl-C stops.\n", env.URL, env.URL, docs.URL)
	return app.ServeOn(ctx, listener, handler)
}
