package main

import (
	"context"
	"flag"
	"fmt"
	"net"

	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/recipes/internal/app"
)

var platform = flag.String("platform", "gitbook", "the `platform` of the docs: gitbook, fern, or mintlify")

// sites start the test sites. Mintlify's has no logout URL.
var sites = map[string]func(...docslogintest.Option) *docslogintest.Site{
	"gitbook":  docslogintest.NewGitBook,
	"fern":     docslogintest.NewFern,
	"mintlify": docslogintest.NewMintlify,
}

func serve(ctx context.Context, listener net.Listener) error {
	newSite, ok := sites[*platform]
	if !ok {
		return fmt.Errorf("-platform must be gitbook, fern, or mintlify, not %q", *platform)
	}
	docs := newSite()
	defer docs.Close()
	env := app.Env{URL: "http://" + listener.Addr().String(), Platform: docs.Platform()}
	handler, err := newHandler(env)
	if err != nil {
		return err
	}
	docs.SetLoginURL(env.URL + "/docs-login")
	docs.SetLogoutURL(env.URL + "/sign-out")
	fmt.Printf("The app is at %s, and its sign-out page at %s/sign-out. Open a page of its docs: %s/quickstart. Ctrl-C stops.\n", env.URL, env.URL, docs.URL)
	return app.ServeOn(ctx, listener, handler)
}
