package apptest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	binaries string     // the folder of the recipes' programs
	builds   sync.Mutex // protects it
)

func TestMain(m *testing.M) { os.Exit(runAll(m)) }

func runAll(m *testing.M) int {
	dir, err := os.MkdirTemp("", "recipes-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "apptest:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	binaries = dir
	return m.Run()
}

// build returns the path of a recipe's program. It builds all recipes of a group, such as routers, at
// once, because that is much faster than one after the other.
func build(t *testing.T, folder string) (program string) {
	t.Helper()
	if err := readSources(); err != nil {
		t.Fatal(err)
	}
	builds.Lock()
	defer builds.Unlock()
	program = filepath.Join(binaries, filepath.FromSlash(folder))
	if _, err := os.Stat(program); err == nil {
		return program
	}
	group := filepath.Dir(program)
	if err := os.MkdirAll(group, 0o700); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", group, "../../"+path.Dir(folder)+"/...") // no debugger will use them
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// process is a recipe that runs in its own process.
type process struct {
	folder string
	line   string // the first line that it prints
	appURL string // as browsers see it
	route  string // the path of the login route, or of the Info API; "": none
	log    lockedBuffer
}

type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// routes are the login routes that are not /docs-login.
var routes = map[string]string{
	"situations/sites":   "/docs-login/guides",
	"situations/infoapi": "/user-info",
	"situations/spa":     "",
}

var firstURL = regexp.MustCompile(`https?://[a-z0-9.]+:\d+(?:/app\b)?`)

// startProcess runs a recipe until the test ends. Then it interrupts the recipe and checks that it
// exits without an error.
func startProcess(t *testing.T, folder string, args ...string) *process {
	t.Helper()
	program := build(t, folder)
	ctx, kill := context.WithTimeout(context.Background(), 10*timeout)
	t.Cleanup(kill)
	cmd := exec.CommandContext(ctx, program, append(args, "-listen", "127.0.0.1:0")...)
	p := &process{folder: folder, route: "/docs-login"}
	if route, ok := routes[folder]; ok {
		p.route = route
	}
	cmd.Stderr = &p.log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // unless it has ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("the recipe did not exit well: %v", err)
		}
		if log := p.log.String(); strings.Contains(log, "panic") {
			t.Errorf("there was a panic:\n%.3000s", log)
		}
	})
	out := bufio.NewReader(stdout)
	p.line, _ = out.ReadString('\n')
	go io.Copy(io.Discard, out)
	if p.appURL = firstURL.FindString(p.line); p.appURL == "" {
		t.Fatalf("the first line is %q; the log: %s", p.line, &p.log)
	}
	return p
}

// newVisitor returns a visitor whose browser reaches only this machine, by its address or by names
// under localhost. It trusts every certificate, because one recipe makes its own.
func newVisitor(t *testing.T) *Visitor {
	t.Helper()
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, _ := net.SplitHostPort(address)
			return (&net.Dialer{Timeout: time.Second}).DialContext(ctx, network, "127.0.0.1:"+port)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	v := NewVisitorOver(elsewhere{transport})
	v.RunScripts()
	return v
}

// elsewhere answers for every host that is not on this machine.
type elsewhere struct{ http.RoundTripper }

func (e elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	if host := r.URL.Hostname(); host == "127.0.0.1" || strings.HasSuffix(host, ".localhost") {
		return e.RoundTripper.RoundTrip(r)
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(strings.NewReader("elsewhere")), Request: r,
	}, nil
}

// signInPage is an app's own sign-in page, or an identity service's.
type signInPage struct {
	*url.URL        // without a return URL
	param    string // carries the return URL
	post     string // the path of the app's own form; "": the form is an identity service's
	fields   string // of that form
}

// link returns the page's URL with a return URL.
func (s *signInPage) link(returnURL string) string {
	to, query := *s.URL, s.Query()
	query.Set(s.param, returnURL)
	to.RawQuery = query.Encode()
	return to.String()
}

// findSignIn returns the page to which the login route sends a visitor.
func (p *process) findSignIn(t *testing.T, v *Visitor) *signInPage {
	t.Helper()
	path := p.route
	if p.folder == "situations/infoapi" { // it has no login route
		path = "/oauth/authorize?client_id=docs&response_type=code&scope=docs-user-info&code_challenge_method=S256&code_challenge=1&redirect_uri=" +
			url.QueryEscape(docsPage.FindString(p.line)[:len(docsPage.FindString(p.line))-len("/quickstart")]+"/mintlify-oauth-callback")
	}
	resp, _ := p.ask(t, v, http.MethodGet, path, nil, "")
	to, err := resp.Location()
	if err != nil {
		t.Fatalf("the route does not lead to a sign-in page, but answers %s", resp.Status)
	}
	path, _, _ = strings.Cut(path, "?")
	s := &signInPage{URL: to}
	query := to.Query()
	for name := range query {
		if strings.Contains(query.Get(name), path) {
			s.param = name
		}
	}
	if s.param == "" {
		t.Fatalf("there is no return URL in the link to the sign-in page %s", to)
	}
	query.Del(s.param)
	to.RawQuery = query.Encode()
	page := v.Open(t, s.link(""))
	if !page.HasForm() {
		t.Fatalf("there is no form at %s", page)
	}
	if !slices.Contains(formsElsewhere, p.folder) {
		action, _, _ := strings.Cut(page.form.action, "?")
		post, isOwn := strings.CutPrefix(action, p.appURL)
		if !isOwn {
			t.Fatalf("the form leads to %s", action)
		}
		s.post, s.fields = post, page.form.values.Encode()
	}
	return s
}

// signIn signs the visitor in. The return URL is the app's home page.
func (p *process) signIn(t *testing.T, v *Visitor, s *signInPage) Page {
	t.Helper()
	return v.SignIn(t, v.Open(t, s.link(p.appURL+"/")), "")
}

// ask sends one request with the headers, does not follow redirects, and returns the response and its
// body.
func (p *process) ask(t *testing.T, v *Visitor, method, path string, header http.Header, form string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.appURL+path, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if form != "" && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := v.client.Transport.RoundTrip(req)
	if err != nil {
		t.Fatalf("%s %s: %v; the log: %s", method, path, err, &p.log)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}
