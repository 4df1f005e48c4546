// Command demo is an app with a sign-in form, in front of two docs sites, all on
// loopback and with nothing else installed:
//
//	go run ./examples/demo
//
// Ports of one host share cookies. With names under localhost, which browsers find by
// themselves, they are kept apart as in production:
//
//	go run ./examples/demo -app app.localhost:8080 -readme api.localhost:8081 -mintlify guides.localhost:8082
//
// What an app of your own needs is in app.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/docslogin/docslogin/docslogintest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(stdout)
	appAddress := flags.String("app", "127.0.0.1:8080", "`address` of the app")
	readMeAddress := flags.String("readme", "127.0.0.1:8081", "`address` of the ReadMe-like docs")
	mintlifyAddress := flags.String("mintlify", "127.0.0.1:8082", "`address` of the Mintlify-like docs")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unknown argument %q: there are only flags, see -h", flags.Arg(0))
	}

	appListener, appName, err := listen("app", *appAddress)
	if err != nil {
		return err
	}
	defer appListener.Close()
	readMeListener, readMeName, err := listen("readme", *readMeAddress)
	if err != nil {
		return err
	}
	defer readMeListener.Close()
	mintlifyListener, mintlifyName, err := listen("mintlify", *mintlifyAddress)
	if err != nil {
		return err
	}
	defer mintlifyListener.Close()

	readMe := docslogintest.NewReadMe(docslogintest.WithListener(readMeListener), docslogintest.WithTitle("Acme API"))
	defer readMe.Close()
	mintlify := docslogintest.NewMintlify(docslogintest.WithListener(mintlifyListener), docslogintest.WithTitle("Acme Guides"))
	defer mintlify.Close()
	appURL := under(appName, "http://"+appListener.Addr().String())
	readMe.URL, mintlify.URL = under(readMeName, readMe.URL), under(mintlifyName, mintlify.URL)

	handler, err := newApp(readMe.Platform(), mintlify.Platform())
	if err != nil {
		return err
	}
	readMe.SetLoginURL(appURL + readMePath) // in real life, a field in the docs' dashboard
	mintlify.SetLoginURL(appURL + mintlifyPath)

	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(appListener) }()

	fmt.Fprintf(stdout, "The app             %s/  sign in as somebody, sign out\n", appURL)
	fmt.Fprintf(stdout, "ReadMe-like docs    %s/quickstart  open it signed out: the way leads through the app's form, back to that page\n", readMe.URL)
	fmt.Fprintf(stdout, "Mintlify-like docs  %s/quickstart  the same, with the token in the URL's fragment; as Ada, the page has a block for admins\n", mintlify.URL)
	fmt.Fprintln(stdout, "Ctrl-C stops.")

	select {
	case err := <-failed:
		return fmt.Errorf("serving the app: %w", err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return server.Shutdown(ending)
}

// listen keeps the demo off the network unless a host is named. A host under localhost,
// which browsers take for this machine without DNS, is returned as the name for URLs.
func listen(flag, address string) (l net.Listener, name string, err error) {
	host, port, err := net.SplitHostPort(address)
	if strings.HasSuffix(host, ".localhost") {
		name = host
	}
	if err == nil && (host == "" || name != "") {
		address = net.JoinHostPort("127.0.0.1", port)
	}
	l, err = net.Listen("tcp", address)
	if err != nil {
		return nil, "", fmt.Errorf("cannot listen on %s: choose another address with -%s: %w", address, flag, err)
	}
	return l, name, nil
}

// under returns the URL with the name for its host, if there is one.
func under(name, baseURL string) string {
	if name != "" {
		baseURL = "http://" + name + baseURL[strings.LastIndexByte(baseURL, ':'):]
	}
	return baseURL
}
