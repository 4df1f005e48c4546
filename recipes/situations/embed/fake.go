package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/recipes/internal/app"
)

var (
	//go:embed widget.html
	widgetHTML     string
	widgetTemplate = template.Must(template.New("").Parse(widgetHTML))
)

// newWidget returns a widget that stands for Metabase: a page to embed in the app's pages. Its script sends
// the token with each request. The widget verifies the token as Metabase does. The token expires after
// three minutes.
func newWidget(appURL, secret string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /widget", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "frame-ancestors "+appURL)
		_ = widgetTemplate.Execute(w, appURL)
	})
	mux.HandleFunc("GET /dashboard", func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		claims, findings := rules.Metabase().Check(token, []byte(secret), "", time.Now())
		if slices.ContainsFunc(findings, rules.Finding.Rejected) {
			http.Error(w, "The token is rejected.", http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, "The dashboard of %s", claims["email"])
	})
	return mux
}

// serve runs the app, the widget on another site, and a test site that stands for Metabase's own pages.
func serve(ctx context.Context, listener net.Listener) error {
	widgetListener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	secret := rand.Text()
	site := docslogintest.NewMetabase(docslogintest.WithKey(secret))
	defer site.Close()
	env := app.Env{URL: "http://" + listener.Addr().String(), Platform: site.Platform()}
	widget := &http.Server{Handler: newWidget(env.URL, secret), ReadHeaderTimeout: 10 * time.Second}
	go widget.Serve(widgetListener)
	defer widget.Close()
	handler, err := newHandler(env, onOtherSite(widgetListener))
	if err != nil {
		return err
	}
	site.SetLoginURL(env.URL + "/docs-login")
	fmt.Printf("The app, with a widget, is at %s. A page of Metabase itself, which logs users in: %s/quickstart. Ctrl-C stops.\n", env.URL, site.URL)
	return app.ServeOn(ctx, listener, handler)
}

// onOtherSite returns the URL of a loopback listener under a name to which browsers do not send the app's
// cookies.
func onOtherSite(listener net.Listener) string {
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return "http://widget.localhost:" + port
}
