package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/internal/presets"
	"github.com/docslogin/docslogin/internal/testkit"
)

// serve runs docslogin site with the preset's key until the test ends, and returns the docs URL that
// it prints.
func serve(t *testing.T, p preset, loginURL string) (docsURL string) {
	t.Helper()
	docsURL, printed := serveWith(t, p, loginURL, "-key-env", "KEY")
	if strings.Contains(printed, "DOCS_KEY") || strings.Contains(printed, p.key) {
		t.Errorf("it prints the key, or offers another: %q", printed)
	}
	return docsURL
}

// serveWith runs docslogin site with arguments until the test ends, and returns the docs URL that it
// prints, and all that it prints.
func serveWith(t *testing.T, p preset, loginURL string, args ...string) (docsURL, printed string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	var errs strings.Builder
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append([]string{"site", "-platform", p.Flag, "-login", loginURL, "-listen", "127.0.0.1:0"}, args...),
			strings.NewReader(""), in, &errs, func(string) string { return p.key })
		in.Close()
	}()
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != 0 || errs.String() != "" {
			t.Errorf("exit code %d, %s", code, &errs)
		}
	})
	for buffer := make([]byte, 1000); !strings.Contains(printed, "Ctrl-C"); {
		n, err := out.Read(buffer)
		if err != nil {
			t.Fatalf("%v after %q", err, printed)
		}
		printed += string(buffer[:n])
	}
	found := regexp.MustCompile(`^Your app's docs URL  (http://(?:127\.0\.0\.1|docs\.acme\.localhost):\d+)\n(Platform\.Callback    (\S+)\n)?(The cookie domain    acme\.localhost\nYour app's own URL   (\S+)\n)?A page to open       (\S+)/quickstart\n`).FindStringSubmatch(printed)
	if found == nil || found[1] != found[6] || (found[3] != "") != (p.Rules(nil).Host != "") || (found[4] != "") != p.Rules(nil).InCookie() {
		t.Fatalf("it prints %q", printed)
	}
	if found[5] != "" && found[5]+"/docs-login" != loginURL {
		t.Errorf("the app's own URL is %s", found[5])
	}
	return found[1], printed
}

// startApp starts an app and returns its login URL. The app responds with a middleware that is set later.
func startApp(t *testing.T, p preset, docs **docslogin.Middleware) (loginURL string) {
	t.Helper()
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*docs).ServeHTTP(w, r) }))
	t.Cleanup(app.Close)
	if p.Rules(nil).InCookie() {
		app.URL = strings.Replace(app.URL, "127.0.0.1", "app.acme.localhost", 1)
	}
	return app.URL + "/docs-login"
}

// An app that is given what the command prints logs its users in.
func TestASiteForAnApp(t *testing.T) {
	for _, p := range allPresets(t) {
		t.Run(p.Flag, func(t *testing.T) {
			var docs *docslogin.Middleware
			loginURL := startApp(t, p, &docs)
			docsURL := serve(t, p, loginURL)

			docs = appFor(t, p, docsURL, p.key)
			if path, text := open(t, p.entry(docsURL, loginURL)); path != testkit.Arrival(p.Preset, "/quickstart") || !strings.Contains(text, "Hello, ") {
				t.Errorf("a reader ends at %s: %s", path, text)
			}
			docs = appFor(t, p, docsURL, p.other)
			if path, text := open(t, p.entry(docsURL, loginURL)); strings.Contains(text, "Hello, ") || !strings.Contains(text, "signature") {
				t.Errorf("with another key, a reader ends at %s: %s", path, text)
			}
		})
	}
}

// Without a key, the app gets the one that the command prints, through a shell.
func TestASiteMakesAKey(t *testing.T) {
	for _, p := range allPresets(t) {
		t.Run(p.Flag, func(t *testing.T) {
			var docs *docslogin.Middleware
			loginURL := startApp(t, p, &docs)
			docsURL, printed := serveWith(t, p, loginURL)
			line := regexp.MustCompile(`(?m)^A key for this run   (export DOCS_KEY='[^']+')$`).FindStringSubmatch(printed)
			if line == nil || !strings.Contains(printed, "Each start makes a new key.") || !strings.Contains(printed, "add -key-env DOCS_KEY.") {
				t.Fatalf("it prints %q", printed)
			}
			key, err := exec.Command("sh", "-c", line[1]+`; printf %s "$DOCS_KEY"`).Output()
			if err != nil {
				t.Fatal(err)
			}
			if _, again := serveWith(t, p, loginURL); strings.Contains(again, line[1]) {
				t.Error("another start prints the same key")
			}

			docs = appFor(t, p, docsURL, string(key))
			if path, text := open(t, p.entry(docsURL, loginURL)); path != testkit.Arrival(p.Preset, "/quickstart") || !strings.Contains(text, "Hello, ") {
				t.Errorf("a reader ends at %s: %s", path, text)
			}
			kind := "its secret."
			if strings.Contains(string(key), "PRIVATE KEY") {
				kind = "its private key."
			}
			if !strings.Contains(printed, kind) {
				t.Errorf("it prints %q, not %q", printed, kind)
			}
		})
	}
}

// appFor returns the middleware of an app that is given what the command prints.
func appFor(t *testing.T, p preset, docsURL, key string) *docslogin.Middleware {
	t.Helper()
	values := presets.Values{"docs": docsURL, "key": key}
	for _, a := range p.Extra {
		if !a.Optional {
			values[a.Name] = a.Example
		}
	}
	if p.Rules(nil).InCookie() {
		values["cookie-domain"] = "acme.localhost"
	}
	platform := p.New(values)
	if rule := p.Rules(nil); rule.Host != "" {
		platform.Callback = docsURL + rule.Callback
	}
	m, err := docslogin.New(testkit.As(&docslogin.User{ID: "1", Name: "Ada", Email: "ada@example.com"}), platform, testkit.Silent)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// entry returns the URL at which a login to a docs page begins: that page or, if it is public, the login
// route.
func (p preset) entry(docsURL, loginURL string) string {
	if rule := p.Rules(nil); rule.InCookie() {
		return loginURL + "?" + rule.Link + "=%2Fquickstart"
	}
	return docsURL + "/quickstart"
}

// open opens a page, and returns the path and the text of the page at which the reader arrives.
func open(t *testing.T, page string) (path, text string) {
	t.Helper()
	resp, err := docslogintest.NewClient().Get(page)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.Request.URL.Path, testkit.Body(t, resp)
}

func TestASiteThatCannotStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	const login = "http://localhost:8080/docs-login"
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"no platform", []string{"-login", login}, "set -platform to one of readme"},
		{"no login URL", []string{"-platform", "readme"}, "-login must be an absolute http or https URL without a fragment, such as http://localhost:8080/docs-login"},
		{"a path as the login URL", []string{"-platform", "readme", "-login", "/docs-login"}, "-login must be an absolute"},
		{"a login URL without a host", []string{"-platform", "readme", "-login", "http:///docs-login"}, "-login must be an absolute"},
		{"a login URL with another scheme", []string{"-platform", "readme", "-login", "ftp://localhost/docs-login"}, "-login must be an absolute"},
		{"a fragment in the login URL", []string{"-platform", "readme", "-login", login + "#", "-key-env", "SECRET"}, "without a fragment"},
		{"a key's variable that is empty", []string{"-platform", "readme", "-login", login, "-key-env", "NONE"}, "the environment variable of -key-env is empty or not set"},
		{"a key of another kind", []string{"-platform", "mintlify", "-login", login, "-key-env", "SECRET"}, "-key-env: the text looks like a shared secret, not a key in PEM"},
		{"an app that shares no domain with the docs", []string{"-platform", "gitbook-adaptive", "-login", "http://acme.localhost.hunter2:8080/docs-login", "-listen", "127.0.0.1:0"}, "-login must have a host under acme.localhost, such as http://app.acme.localhost:8080/docs-login, because browsers accept the token's cookie only from such a host"},
		{"an address in use", []string{"-platform", "readme", "-login", login, "-key-env", "SECRET", "-listen", taken.Addr().String()}, "the address " + taken.Addr().String() + " is in use; choose another with -listen, such as -listen 127.0.0.1:0"},
		{"an address that is not one", []string{"-platform", "readme", "-login", login, "-listen", "hunter2"}, "-listen must be an address at which this machine can listen"},
		{"an argument", []string{"-platform", "readme", "-login", login, "-key-env", "SECRET", "hunter2"}, "site takes flags only"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := stopped(t, map[string]string{"SECRET": secret}, append([]string{"site"}, test.args...)...)
			r.want(t, 2, test.want)
			r.safe(t, "hunter2", secret)
		})
	}
}
