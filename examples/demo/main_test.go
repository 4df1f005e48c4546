package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/docslogin/docslogin/docslogintest"
)

// start runs the demo on free ports and returns its URLs.
func start(t *testing.T) (app, readMe, mintlify string) {
	t.Helper()
	return startOn(t, ":0", "127.0.0.1:0", "0.0.0.0:0")
}

func startOn(t *testing.T, addresses ...string) (app, readMe, mintlify string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"-app", addresses[0], "-readme", addresses[1], "-mintlify", addresses[2]}, in)
		close(done) // for whoever asks twice
		in.Close()
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
	var urls []string
	for lines := bufio.NewScanner(out); len(urls) < 3 && lines.Scan(); {
		for _, field := range strings.Fields(lines.Text()) {
			if u, err := url.Parse(field); err == nil && u.Port() != "" {
				urls = append(urls, "http://"+u.Host)
			}
		}
	}
	go io.Copy(io.Discard, out)
	if len(urls) < 3 {
		t.Fatalf("URLs: %q, %v", urls, <-done)
	}
	return urls[0], urls[1], urls[2]
}

func read(t *testing.T, resp *http.Response, err error) (*url.URL, string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.Request.URL, string(body)
}

func wants(t *testing.T, page string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(page, w) {
			t.Errorf("page has no %q:\n%s", w, page)
		}
	}
}

func TestAVisitorComesBackToThePageHeWanted(t *testing.T) {
	app, readMe, mintlify := start(t)
	for _, test := range []struct {
		name, docs, user string
		want             []string
	}{
		{"ReadMe-like", readMe, "ada", []string{"Hello, Ada Park.", "Bearer acme_live_ada_5521", "acme_test_ada_0913", "Enterprise"}},
		{"Mintlify-like", mintlify, "ada", []string{"Hello, Ada Park.", "Bearer acme_live_ada_5521", "For the group admin"}},
		{"ReadMe-like, somebody without keys", readMe, "chloe", []string{"Hello, Chloé Martin.", "YOUR_API_KEY"}},
		{"Mintlify-like, somebody without groups", mintlify, "chloe", []string{"Hello, Chloé Martin.", "YOUR_API_KEY"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := docslogintest.NewClient()
			resp, err := client.Get(test.docs + "/quickstart")
			at, page := read(t, resp, err)
			if at.Path != "/sign-in" || "http://"+at.Host != app {
				t.Fatalf("ended at %v", at)
			}
			wants(t, page, "Who are you?", "Ada Park", "Ben Okafor")

			resp, err = client.PostForm(app+"/sign-in", url.Values{"next": {at.Query().Get("next")}, "user": {test.user}})
			at, page = read(t, resp, err)
			if at.String() != test.docs+"/quickstart" {
				t.Fatalf("ended at %v", at)
			}
			wants(t, page, test.want...)
		})
	}
}

func TestNamesUnderLocalhost(t *testing.T) {
	app, readMe, mintlify := startOn(t, "app.localhost:0", "api.docs.localhost:0", "guides.localhost:0")
	for docs, want := range map[string]string{readMe: "http://api.docs.localhost:", mintlify: "http://guides.localhost:"} {
		client := docslogintest.NewClient()
		resp, err := client.Get(docs + "/reference?lang=go")
		at, _ := read(t, resp, err)
		if !strings.HasPrefix(at.String(), app+"/sign-in?") || !strings.HasPrefix(app, "http://app.localhost:") {
			t.Fatalf("ended at %v", at)
		}
		resp, err = client.PostForm(app+"/sign-in", url.Values{"next": {at.Query().Get("next")}, "user": {"ben"}})
		at, page := read(t, resp, err)
		if at.String() != docs+"/reference?lang=go" || !strings.HasPrefix(docs, want) {
			t.Errorf("ended at %v", at)
		}
		wants(t, page, "Hello, Ben Okafor.", "acme_live_ben_7740")
	}
}

func TestTheApp(t *testing.T) {
	app, readMe, _ := start(t)
	client := docslogintest.NewClient()
	resp, err := client.Get(app)
	_, page := read(t, resp, err)
	wants(t, page, "You are signed out", readMe+"/quickstart")

	resp, err = client.PostForm(app+"/sign-in", url.Values{"user": {"nobody"}})
	if _, page = read(t, resp, err); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("status %d", resp.StatusCode)
	}
	wants(t, page, "Choose who you are.")

	for _, next := range []string{"", "https://evil.example/", "//evil.example/", `/\evil.example`, "/\t/evil.example"} {
		resp, err = client.PostForm(app+"/sign-in", url.Values{"user": {"ben"}, "next": {next}})
		at, page := read(t, resp, err)
		if at.String() != app+"/" {
			t.Errorf("next=%q leads to %v", next, at)
		}
		wants(t, page, "Hello, Ben Okafor", "ben@example.com", "developer", "Live")
	}

	// Signed in already: no form on the way.
	resp, err = client.Get(readMe + "/reference")
	at, page := read(t, resp, err)
	if at.String() != readMe+"/reference" {
		t.Errorf("ended at %v", at)
	}
	wants(t, page, "Hello, Ben Okafor.")

	req, _ := http.NewRequest("POST", app+"/sign-out", nil)
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err = client.Do(req)
	if read(t, resp, err); resp.StatusCode != http.StatusForbidden {
		t.Errorf("signing out from another site: status %d", resp.StatusCode)
	}
	resp, err = client.Post(app+"/sign-out", "", nil)
	_, page = read(t, resp, err)
	wants(t, page, "You are signed out")
}

func TestAPortThatIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().String()
	for _, name := range []string{"app", "readme", "mintlify"} {
		args := []string{"-app", ":0", "-readme", ":0", "-mintlify", ":0"}
		err := run(context.Background(), append(args, "-"+name, taken), io.Discard)
		if err == nil || !strings.Contains(err.Error(), taken) || !strings.Contains(err.Error(), "-"+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFlags(t *testing.T) {
	if err := run(context.Background(), []string{"-h"}, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
	if err := run(context.Background(), []string{"-nothing"}, io.Discard); err == nil {
		t.Error("an unknown flag is taken")
	}
	if err := run(context.Background(), []string{"readme"}, io.Discard); err == nil || !strings.Contains(err.Error(), `unknown argument "readme"`) {
		t.Errorf("an argument that is no flag: %v", err)
	}
}
