// Command keyfile is an app that sets a new docs key while it serves, as soon as the key's file
// changes: a mounted Kubernetes Secret, or any file. What an app of your own needs is in watch.go.
// Mintlify does not have a webhook. ReadMe's webhook uses the same secret as the login route; the
// recipe sighup sets both.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/platforms"
	"github.com/docslogin/docslogin/recipes/internal/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listen := flag.String("listen", "127.0.0.1:8080", "`address` of the app")
	docsURL := flag.String("docs", "https://docs.example.com", "`URL` of the docs")
	keyFile := flag.String("key", "", "`file` with the docs' private key in PEM, such as /etc/docs/key; required")
	every := flag.Duration("every", time.Second, "`time` between two looks at the file")
	flag.Parse()
	if *keyFile == "" || *every <= 0 || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := serve(ctx, *listen, *docsURL, *keyFile, *every); err != nil {
		fmt.Fprintln(os.Stderr, "keyfile:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, address, docsURL, keyFile string, every time.Duration) error {
	key, err := readKey(keyFile)
	if err != nil {
		return err
	}
	docs, err := docslogin.New(app.SignedIn, platforms.Mintlify(docsURL, key), app.SignInPage)
	if err != nil {
		return err
	}
	go watchKey(ctx, keyFile, key, every, docs, slog.Default())
	return app.Serve(ctx, address, docs, app.Pages(docs))
}
