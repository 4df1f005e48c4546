// Command prometheus is an app with metrics about its docs logins for Prometheus to scrape, and a
// test site, all on loopback. What an app of your own needs is in metrics.go.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/internal/listen"
	"github.com/docslogin/docslogin/recipes/internal/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listen := flag.String("listen", "127.0.0.1:8080", "`address` of the app, the public one")
	metrics := flag.String("metrics", "127.0.0.1:9464", "`address` of the metrics, an internal one")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := serve(ctx, *listen, *metrics); err != nil {
		fmt.Fprintln(os.Stderr, "prometheus:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, address, metricsAddress string) error {
	site := docslogintest.NewReadMe() // in real life, ReadMe
	defer site.Close()
	observer, metrics, err := newMetrics()
	if err != nil {
		return err
	}
	docs, err := docslogin.New(app.SignedIn, site.Platform(), app.SignInPage, docslogin.WithObserver(observer))
	if err != nil {
		return err
	}
	listener, err := listen.On(metricsAddress, "-metrics")
	if err != nil {
		return err
	}
	server := serveMetrics(listener, metrics, slog.Default())
	defer server.Close() // after the app, so that its last logins can be scraped
	slog.Info("docs served", "url", site.URL+"/quickstart")
	return app.Serve(ctx, address, docs, app.Pages(docs), site.SetLoginURL)
}
