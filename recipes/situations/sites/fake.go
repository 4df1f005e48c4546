package main

import (
	"context"
	"fmt"
	"net"

	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/recipes/internal/app"
)

func serve(ctx context.Context, listener net.Listener) error {
	guides, reference := docslogintest.NewMintlify(), docslogintest.NewReadMe()
	defer guides.Close()
	defer reference.Close()
	handler, err := newHandler(guides.Platform(), reference.Platform())
	if err != nil {
		return err
	}
	appURL := "http://" + listener.Addr().String()
	guides.SetLoginURL(appURL + guidesPath)
	reference.SetLoginURL(appURL + referencePath)
	fmt.Printf("The app is at %s. Open %s/quickstart and %s/reference. Ctrl-C stops.\n", appURL, guides.URL, reference.URL)
	return app.ServeOn(ctx, listener, handler)
}
