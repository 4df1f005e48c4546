// Command prometheus is an app that signs its users in to a docs site and has Prometheus
// scrape what becomes of that, all on loopback:
//
//	go run ./examples/prometheus
//
// The metrics have a listener of their own, since they are not for the public: give it an
// address that only Prometheus reaches.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"html/template"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/gorilla/sessions"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	docsloginotel "github.com/docslogin/docslogin/otel"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "prometheus:", err)
		os.Exit(1)
	}
}

// newMetrics returns the observer for docslogin, and the handler that Prometheus scrapes.
func newMetrics() (func(context.Context, docslogin.Event), http.Handler, error) {
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	if err != nil {
		return nil, nil, err
	}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter))
	observer, err := docsloginotel.Observer(docsloginotel.WithMeterProvider(provider))
	if err != nil {
		return nil, nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	return observer, mux, nil
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("prometheus", flag.ContinueOnError)
	flags.SetOutput(stdout)
	appAddress := flags.String("app", "127.0.0.1:8080", "public `address`, of the app")
	metricsAddress := flags.String("metrics", "127.0.0.1:9464", "internal `address`, of the metrics")
	if err := flags.Parse(args); err != nil {
		return err
	}

	observer, metrics, err := newMetrics()
	if err != nil {
		return err
	}
	site := docslogintest.NewReadMe() // in real life, ReadMe
	defer site.Close()
	app, err := newApp(site.Platform(), observer)
	if err != nil {
		return err
	}

	public, err := listen("app", *appAddress)
	if err != nil {
		return err
	}
	defer public.Close()
	internal, err := listen("metrics", *metricsAddress)
	if err != nil {
		return err
	}
	defer internal.Close()
	site.SetLoginURL("http://" + public.Addr().String() + "/docs-login")

	appServer := &http.Server{Handler: app, ReadHeaderTimeout: 10 * time.Second}
	metricsServer := &http.Server{Handler: metrics, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 2)
	go func() { failed <- appServer.Serve(public) }()
	go func() { failed <- metricsServer.Serve(internal) }()

	fmt.Fprintf(stdout, "The docs     %s/quickstart\n", site.URL)
	fmt.Fprintf(stdout, "The app      http://%s/\n", public.Addr())
	fmt.Fprintf(stdout, "The metrics  http://%s/metrics\n", internal.Addr())
	fmt.Fprintln(stdout, "Open the docs, sign in, then look at the metrics. Ctrl-C stops.")

	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(appServer.Shutdown(ending), metricsServer.Shutdown(ending))
}

func listen(flag, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %q: choose another address with -%s: %w", address, flag, err)
	}
	return l, nil
}

// newApp is an app with a sign-in page and the docs' login route.
func newApp(platform docslogin.Platform, observer func(context.Context, docslogin.Event)) (http.Handler, error) {
	store := sessions.NewCookieStore([]byte(rand.Text()))
	// Secure is for https; browsers would send no such cookie to loopback's plain http.
	store.Options = &sessions.Options{Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}

	user := func(_ *http.Request, s *sessions.Session) (*docslogin.User, error) {
		email, ok := s.Values["email"].(string)
		if !ok {
			return nil, docslogin.ErrNoUser
		}
		return &docslogin.User{ID: email, Email: email}, nil
	}
	docs, err := docslogin.New(docslogin.SessionLookup(store, "session", user), platform,
		docslogin.WithLoginPage("/sign-in", "next"),
		docslogin.WithObserver(observer))
	if err != nil {
		return nil, err
	}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /sign-in", func(w http.ResponseWriter, r *http.Request) {
		_ = signInPage.Execute(w, r.FormValue("next"))
	})
	mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) {
		session, _ := store.Get(r, "session")
		session.Values["email"] = "ada@example.com" // a demo has no passwords
		if err := session.Save(r, w); err != nil {
			http.Error(w, "Please try again.", http.StatusInternalServerError)
			return
		}
		next := r.FormValue("next")
		if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\t\r\n") {
			next = "/" // a stranger's link
		}
		http.Redirect(w, r, next, http.StatusSeeOther)
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "This is the app. Open the docs.")
	})
	return docs.Wrap(mux), nil
}

var signInPage = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en">
<title>Sign in</title>
<form method="post"><input type="hidden" name="next" value="{{.}}"><button>Sign in as Ada</button></form>
</html>
`))
