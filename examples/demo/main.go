// Command demo is an app with a sign-in form, in front of a docs site of every platform
// that docslogin has a preset for, all on loopback and with nothing else installed:
//
//	go run ./examples/demo
//
// Ports of one host share cookies. With names under localhost, which browsers find by
// themselves, they are kept apart as in production:
//
//	go run ./examples/demo -names
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
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/docslogin/docslogin/docslogintest"
)

// sites are the docs that the app signs its users in at.
var sites = []struct {
	name  string // under localhost
	path  string // of the login route
	start func(...docslogintest.Option) *docslogintest.Site
	title string
	what  string
}{
	{"readme", "/docs-login", docslogintest.NewReadMe, "Acme API", "A token in the query. Your API keys are filled into the samples."},
	{"mintlify", "/mintlify-login", docslogintest.NewMintlify, "Acme Guides", "A token in the fragment of a callback. What is for your groups only is shown."},
	{"mintlify-personalization", "/mintlify-personalization-login", docslogintest.NewMintlifyPersonalization, "Acme Handbook", "A token in the fragment of the very page."},
	{"gitbook", "/gitbook-login", docslogintest.NewGitBook, "Acme Manual", "A token in the query of the very page, which is the docs session."},
	{"fern", "/fern-login", docslogintest.NewFern, "Acme SDKs", "A token in the query of a callback, with your roles and your API key."},
	{"zendesk", "/zendesk-login", docslogintest.NewZendesk, "Acme Help Center", "A token in a form that your browser posts."},
	{"help-scout", "/help-scout-login", docslogintest.NewHelpScout, "Acme Support", "A token with nothing but your e-mail address."},
	{"developerhub", "/developerhub-login", docslogintest.NewDeveloperHub, "Acme Developers", "A token in the query of the very page, with variables for its text."},
	{"canny", "/canny-login", docslogintest.NewCanny, "Acme Feedback", "A token in the query of a callback, beside the company's ID."},
	{"featurebase", "/featurebase-login", docslogintest.NewFeaturebase, "Acme Ideas", "A token in the query of a callback, with your ID and e-mail address."},
	{"metabase", "/metabase-login", docslogintest.NewMetabase, "Acme Numbers", "A token in the query of a callback, good for three minutes."},
}

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

	listener, err := listen("app", *appAddress, 0)
	if err != nil {
		return err
	}
	defer listener.Close()
	appURL := named("http://"+listener.Addr().String(), "app")

	var all []docs
	for i, s := range sites {
		l, err := listen("docs", *docsAddress, i)
		if err != nil {
			return err
		}
		if ip := l.Addr().(*net.TCPAddr).IP; ip.To4() == nil && !*names {
			l.Close()
			return errors.New("-docs is an IPv6 address, which the policy of a page with a form cannot name: add -names")
		}
		site := s.start(docslogintest.WithListener(l), docslogintest.WithTitle(s.title))
		defer site.Close()
		site.URL = named(site.URL, s.name)
		site.SetLoginURL(appURL + s.path) // in real life, a field in the docs' dashboard
		all = append(all, docs{Platform: site.Platform(), Path: s.path, Title: s.title, What: s.what})
	}
	handler, err := newApp(all)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()

	fmt.Fprintf(stdout, "%-24s  %s/\n", "The app", appURL)
	for _, d := range all {
		fmt.Fprintf(stdout, "%-24s  %s/quickstart\n", d.Name, d.DocsURL)
	}
	fmt.Fprintln(stdout, "Open one of the docs: the way leads through the app's form, back to that page. Ctrl-C stops.")

	select {
	case err := <-failed:
		return fmt.Errorf("serving the app: %w", err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return server.Shutdown(ending)
}

// listen takes the port that comes so many after the address's, if that has one, and
// keeps the demo off the network unless a host is named.
func listen(flag, address string, after int) (net.Listener, error) {
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
	address = net.JoinHostPort(host, strconv.Itoa(number))
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: choose another address with -%s, or free ports with -app :0 -docs :0: %w", address, flag, err)
	}
	return l, nil
}
