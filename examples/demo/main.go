// Command demo runs an app with a sign-in form, and a test site for every platform for which
// docslogin has a preset. Everything runs on loopback and needs nothing else:
//
//	go run ./examples/demo
//
// Docs that read the token from a cookie must share a domain with the app. So these docs and the app
// have names under acme.localhost, which browsers resolve themselves.
//
// The ports of a host share cookies. To keep cookies apart as in production, give the app and all docs
// a name:
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
	names := flags.Bool("names", false, "use a name under "+domain+" for the app and for each docs site, which keeps their cookies apart")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unknown argument %q: there are only flags, see -h", flags.Arg(0))
	}
	listener, err := listenAt("app", *appAddress, 0)
	if err != nil {
		return err
	}
	defer listener.Close()
	appURL := "http://" + listener.Addr().String()
	namedURL := named(appURL, "app")
	if *names {
		appURL = namedURL
	}

	var all []docs
	cookieRoutes := map[string]bool{}
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
		loginURL := appURL + d.Path
		if p.Rules(nil).InCookie() {
			loginURL, cookieRoutes[d.Path] = namedURL+d.Path, true
			if appURL != namedURL {
				d.What += " For these docs, the app has the name app." + domain + ", where you sign in separately."
			}
		}
		if *names || cookieRoutes[d.Path] {
			site.URL = named(site.URL, p.Flag)
		}
		site.SetLoginURL(loginURL) // in real life, a field in the docs' dashboard
		d.Platform = site.Platform()
		all = append(all, d)
	}
	handler, err := newApp(all)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: underDomain(handler, namedURL, cookieRoutes), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()

	fmt.Fprintf(stdout, "%-24s  %s/\n", "The app", appURL)
	if appURL != namedURL {
		fmt.Fprintf(stdout, "%-24s  %s/\n", "The app, by its name", namedURL)
	}
	for _, d := range all {
		fmt.Fprintf(stdout, "%-24s  %s/quickstart\n", d.Name, d.DocsURL)
	}
	fmt.Fprintln(stdout, "Open one of these docs pages: you sign in at the app's form and come back to the docs. Ctrl-C stops.")
	for _, d := range all {
		if cookieRoutes[d.Path] {
			fmt.Fprintf(stdout, "The pages of %s are public. They know you after you sign in at %s/.\n", d.Name, namedURL)
		}
	}

	select {
	case err := <-failed:
		return fmt.Errorf("serving the app: %w", err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return server.Shutdown(ending)
}

// domain is the parent of every name. Browsers send a cookie for this domain to all of them.
const domain = "acme.localhost"

// named returns a URL with a name in place of its host.
func named(url, name string) string {
	return "http://" + name + "." + domain + url[strings.LastIndexByte(url, ':'):]
}

// underDomain redirects the routes that set a cookie for the domain to the app's name under it, because
// browsers accept the cookie only from there.
func underDomain(next http.Handler, namedURL string, routes map[string]bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host, _, _ := strings.Cut(r.Host, ":"); routes[r.URL.Path] && !strings.EqualFold(host, "app."+domain) {
			http.Redirect(w, r, namedURL+r.URL.RequestURI(), http.StatusSeeOther)
			return
		}
		next.ServeHTTP(w, r)
	})
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
