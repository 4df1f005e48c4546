// Command demo runs an app with a sign-in form, and a test site for every platform for which
// docslogin has a preset. Everything runs on loopback and needs nothing else:
//
//	go run ./examples/demo
//
// The ports of a host share cookies. With names under localhost, which browsers resolve themselves,
// cookies are kept apart as in production:
//
//	go run ./examples/demo -names
//
// See app.go for what your own app needs.
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
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/internal/listen"
	"github.com/docslogin/docslogin/internal/presets"
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
	flags.Usage = func() {
		fmt.Fprint(stdout, "Usage: go run ./examples/demo [flags]\n\nAn app with a sign-in form and a docs site of every platform, all on loopback.\n\n")
		flags.PrintDefaults()
	}
	appAddress := flags.String("app", "127.0.0.1:8080", "`address` of the app")
	docsAddress := flags.String("docs", "127.0.0.1:8081", "`address` of the first docs site; the others take the ports after it, or with port 0 free ones")
	names := flags.Bool("names", false, "use names under localhost, which keep cookies apart")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unknown argument %q: there are only flags, see -h", flags.Arg(0))
	}
	named := func(url, name string) string {
		if *names {
			return "http://" + name + ".localhost" + url[strings.LastIndexByte(url, ':'):]
		}
		return url
	}

	listener, err := listenAt("app", *appAddress, 0)
	if err != nil {
		return err
	}
	defer listener.Close()
	appURL := named("http://"+listener.Addr().String(), "app")

	var all []docs
	for i, p := range presets.All() {
		l, err := listenAt("docs", *docsAddress, i)
		if err != nil {
			return err
		}
		if ip := l.Addr().(*net.TCPAddr).IP; ip.To4() == nil && !*names {
			l.Close()
			return errors.New("-docs is an IPv6 address, which the policy of a page with a form cannot name: add -names")
		}
		d := docs{Path: "/" + p.Flag + "-login", Title: "Acme " + p.Name(), What: "The token travels in " + p.Rules(nil).Place() + "."}
		if i == 0 {
			d.Path = "/docs-login" // the default
		}
		site := p.Site(docslogintest.WithListener(l), docslogintest.WithTitle(d.Title))
		defer site.Close()
		site.URL = named(site.URL, p.Flag)
		site.SetLoginURL(appURL + d.Path) // in real life, a field in the docs' dashboard
		d.Platform = site.Platform()
		all = append(all, d)
	}
	handler, err := newApp(all)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()

	fmt.Fprintf(stdout, "%-24s  %s/\n", "The app", appURL)
	for _, d := range all {
		fmt.Fprintf(stdout, "%-24s  %s/quickstart\n", d.Name, d.DocsURL)
	}
	fmt.Fprintln(stdout, "Open one of these docs pages: you sign in at the app's form and come back to the docs. Ctrl-C stops.")

	select {
	case err := <-failed:
		return fmt.Errorf("serving the app: %w", err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return server.Shutdown(ending)
}

// listenAt listens on the address, with after added to its port unless the port is 0. Without a host,
// it listens on loopback only.
func listenAt(flag, address string, after int) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	number, notNumber := strconv.Atoi(port)
	if err != nil || notNumber != nil {
		return nil, fmt.Errorf("-%s is %q and has to be a host and a port, such as 127.0.0.1:8080", flag, address)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	if number > 0 {
		number += after
	}
	return listen.On(net.JoinHostPort(host, strconv.Itoa(number)), "-"+flag)
}
