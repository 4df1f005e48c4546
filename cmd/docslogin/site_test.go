package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

// serve runs docslogin site until the test ends, and returns the docs' URL.
func serve(t *testing.T, p preset, loginURL string) (docsURL string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	var errs strings.Builder
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"site", "-platform", p.flag, "-key-env", "KEY", "-login", loginURL, "-listen", "127.0.0.1:0"},
			strings.NewReader(""), in, &errs, func(string) string { return p.key })
		in.Close()
	}()
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != 0 || errs.String() != "" {
			t.Errorf("exit code %d, %s", code, &errs)
		}
	})
	said := ""
	for buffer := make([]byte, 1000); !strings.Contains(said, "Ctrl-C"); {
		n, err := out.Read(buffer)
		if err != nil {
			t.Fatalf("%v after %q", err, said)
		}
		said += string(buffer[:n])
	}
	found := regexp.MustCompile(`^Your app's docs URL  (http://127\.0\.0\.1:\d+)\n(Platform\.Callback    (\S+)\n)?A page to open       (\S+)/quickstart\n`).FindStringSubmatch(said)
	if found == nil || found[1] != found[4] || (found[3] != "") != (p.flag == "zendesk" || p.flag == "canny") {
		t.Fatalf("it says %q", said)
	}
	return found[1]
}

// An app is given what the command prints, and its users log in.
func TestASiteForAnAppOfOnesOwn(t *testing.T) {
	for _, p := range presets(t) {
		t.Run(p.flag, func(t *testing.T) {
			var docs *docslogin.Middleware
			app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { docs.ServeHTTP(w, r) }))
			defer app.Close()
			docsURL := serve(t, p, app.URL+"/docs-login")

			open := func(key string) (arrived bool, text string) {
				s := settings{platform: p.flag, docs: docsURL, company: "acme-company"}
				if p.flag != "canny" {
					s.company = ""
				}
				platform, rule, err := s.preset(key)
				if err != nil {
					t.Fatal(err)
				}
				if p.flag == "zendesk" {
					platform = docslogin.Zendesk("acme", key)
				}
				platform.DocsURL = docsURL
				if rule.Form != "" || rule.Host != "" {
					platform.Callback = docsURL + rule.Callback
				}
				user := &docslogin.User{ID: "1", Name: "Ada", Email: "ada@example.com"}
				if docs, err = docslogin.New(func(*http.Request) (*docslogin.User, error) { return user, nil }, platform); err != nil {
					t.Fatal(err)
				}
				resp, err := docslogintest.NewClient().Get(docsURL + "/quickstart")
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				page, err := io.ReadAll(resp.Body)
				if err != nil {
					t.Fatal(err)
				}
				return resp.StatusCode == http.StatusOK && resp.Request.URL.Path == "/quickstart", string(page)
			}
			if arrived, text := open(p.key); !arrived {
				t.Errorf("a reader ends at %s", text)
			}
			if arrived, text := open(p.other); arrived || !strings.Contains(text, "signature") {
				t.Errorf("with another key, a reader ends at %s", text)
			}
		})
	}
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
		{"no platform", []string{"-login", login}, "give -platform, one of readme"},
		{"no login URL", []string{"-platform", "readme"}, "-login is not an absolute http or https URL such as http://localhost:8080/docs-login"},
		{"a path as the login URL", []string{"-platform", "readme", "-login", "/docs-login"}, "-login is not an absolute"},
		{"a login URL without a host", []string{"-platform", "readme", "-login", "http:///docs-login"}, "-login is not an absolute"},
		{"a login URL that is no web page's", []string{"-platform", "readme", "-login", "ftp://localhost/docs-login"}, "-login is not an absolute"},
		{"a fragment in the login URL", []string{"-platform", "readme", "-login", login + "#", "-key-env", "SECRET"}, "without a fragment"},
		{"no key", []string{"-platform", "readme", "-login", login}, "give -key-file or -key-env"},
		{"a key of another kind", []string{"-platform", "mintlify", "-login", login, "-key-env", "SECRET"}, "-key-env: the text is no key"},
		{"an address that is taken", []string{"-platform", "readme", "-login", login, "-key-env", "SECRET", "-listen", taken.Addr().String()}, "cannot listen at the address of -listen"},
		{"an argument", []string{"-platform", "readme", "-login", login, "-key-env", "SECRET", "hunter2"}, "site takes flags only"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := stopped(t, map[string]string{"SECRET": secret}, append([]string{"site"}, test.args...)...)
			r.want(t, 2, test.want)
			r.safe(t, "hunter2", secret)
		})
	}
}
