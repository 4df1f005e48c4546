package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"

	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/recipes/internal/app"
)

// newProxy stands for nginx, a load balancer, or an ingress: it passes requests under the prefix
// to the app, without the prefix.
func newProxy(appURL *url.URL) http.Handler {
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(appURL)
		r.Out.Host = r.In.Host // the app needs it to detect other sites' forms
		r.SetXForwarded()
	}}
	mux := http.NewServeMux()
	mux.Handle(prefix+"/", http.StripPrefix(prefix, proxy))
	return mux
}

// serveTLS serves with a self-signed certificate for 127.0.0.1.
func serveTLS(listener net.Listener, handler http.Handler) *httptest.Server {
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler}}
	server.StartTLS()
	return server
}

func serve(ctx context.Context, front net.Listener) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	site := docslogintest.NewReadMe()
	defer site.Close()
	env := app.Env{URL: "https://" + front.Addr().String() + prefix, Platform: site.Platform()}
	handler, err := newHandler(env)
	if err != nil {
		return err
	}
	site.SetLoginURL(env.URL + "/docs-login")
	proxy := serveTLS(front, newProxy(&url.URL{Scheme: "http", Host: listener.Addr().String()}))
	defer proxy.Close()
	fmt.Printf("The app is at %s/, where the browser warns about the certificate. Open a page of its docs: %s/quickstart. Ctrl-C stops.\n", env.URL, site.URL)
	return app.ServeOn(ctx, listener, handler)
}
