package main

import (
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"time"

	"github.com/docslogin/docslogin/recipes/internal/app"
)

var (
	//go:embed page.html
	pageHTML     string
	pageTemplate = template.Must(template.New("").Parse(pageHTML))
)

// newDocs returns public docs. The script in their pages stands for Mintlify's.
func newDocs(docsURL, appURL string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = pageTemplate.Execute(w, map[string]string{
			"authorize": appURL + "/oauth/authorize", "token": appURL + "/oauth/token", "info": appURL + "/user-info",
			"client": clientID, "scope": docsScope, "redirect": docsURL + "/mintlify-oauth-callback",
		})
	})
}

func serve(ctx context.Context, listener net.Listener) error {
	docsListener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	appURL, docsURL := "http://"+listener.Addr().String(), "http://"+docsListener.Addr().String()
	docs := &http.Server{Handler: newDocs(docsURL, appURL), ReadHeaderTimeout: 10 * time.Second}
	go docs.Serve(docsListener)
	defer docs.Close()
	handler, err := newHandler(docsURL)
	if err != nil {
		return err
	}
	fmt.Printf("The app is at %s. Open a page of its docs and log in: %s/quickstart. Ctrl-C stops.\n", appURL, docsURL)
	return app.ServeOn(ctx, listener, handler)
}
