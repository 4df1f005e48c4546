// Command sighup is an app that sets a new docs key while it serves: it reads the key's file again
// at SIGHUP, as daemons do. The key is ReadMe's JWT secret, which both the login route and the webhook
// need. What an app of your own needs is in reload.go.
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
	"github.com/docslogin/docslogin/platforms"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/webhook"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listen := flag.String("listen", "127.0.0.1:8080", "`address` of the app")
	docsURL := flag.String("docs", "https://docs.example.com", "`URL` of the docs")
	keyFile := flag.String("key", "", "`file` with the docs' JWT secret, such as /etc/docs/key; required")
	flag.Parse()
	if *keyFile == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := serve(ctx, *listen, *docsURL, *keyFile); err != nil {
		fmt.Fprintln(os.Stderr, "sighup:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, address, docsURL, keyFile string) error {
	key, err := readKey(keyFile)
	if err != nil {
		return err
	}
	docs, err := docslogin.New(app.SignedIn, platforms.ReadMe(docsURL, key), app.SignInPage)
	if err != nil {
		return err
	}
	hook, err := webhook.ReadMe(key, find)
	if err != nil {
		return err
	}
	reloadKey(keyFile, setBoth(docs, hook, key), slog.Default())

	pages := app.Pages(docs)
	pages.Handle("POST /readme-webhook", hook) // the webhook's URL in the docs' dashboard
	return app.Serve(ctx, address, docs, pages)
}

// find returns the user with an address. Here, everybody has an account.
func find(_ context.Context, email string) (*docslogin.User, error) {
	return &docslogin.User{ID: email, Email: email}, nil
}
