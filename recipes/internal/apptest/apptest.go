// Package apptest tests a recipe as its users run it: built with go build, as a process of its own
// on a free loopback port, with a visitor in a browser.
package apptest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// timeout is far more than anything here takes, on a busy machine too.
const timeout = 30 * time.Second

var (
	buildFlags []string // -race, where the tests have it
	program    string   // set by Main
)

// Main builds the recipe in the current folder and runs the tests. It is for TestMain and
// does not return.
func Main(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "recipe-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "apptest:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "app")
	build := exec.Command("go", append([]string{"build", "-o", program}, buildFlags...)...)
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "apptest: building the recipe: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// readSources reads the files that the recipe is built from: go test caches a result until a file
// changes that the test has read, and does not know of the build.
var readSources = sync.OnceValue(func() error {
	return filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			_, err = os.ReadFile(path)
		}
		return err
	})
})

// command is the recipe with arguments; it is killed when ctx ends.
func command(ctx context.Context, t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	if err := readSources(); err != nil {
		t.Fatal(err)
	}
	return exec.CommandContext(ctx, program, args...)
}

// Output runs the recipe with arguments with which it does not serve, and returns its output and
// its exit status.
func Output(t *testing.T, args ...string) (text string, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	cmd := command(ctx, t, args...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// App is a running recipe. Only Login is safe for concurrent use by multiple goroutines.
type App struct {
	URL string

	cmd  *exec.Cmd
	logs chan string // the lines on standard error; closed at the end of it
	said []string    // those that a test has read
}

var address = regexp.MustCompile(`^(http://127\.0\.0\.1:[0-9]+)/docs-login `)

// Start starts the recipe, which has the flag -listen, and waits until it serves. It is killed
// after the test, if it still runs.
func Start(t *testing.T, args ...string) *App {
	t.Helper()
	a := &App{logs: make(chan string, 1000)}
	a.cmd = command(context.Background(), t, append([]string{"-listen", "127.0.0.1:0"}, args...)...)
	a.cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0") // else it takes a second to end
	stdout, err := a.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := a.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			a.logs <- lines.Text()
		}
		close(a.logs)
	}()
	t.Cleanup(func() {
		_ = a.cmd.Process.Kill() // unless it has ended
		for range a.logs {
		}
		_ = a.cmd.Wait()
	})
	killer := time.AfterFunc(timeout, func() { _ = a.cmd.Process.Kill() })
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	killer.Stop()
	found := address.FindStringSubmatch(line)
	if found == nil {
		t.Fatalf("the first line is %q", line)
	}
	a.URL = found[1]
	return a
}

// Log waits for the next line of the log, checks that it contains text, and returns it.
func (a *App) Log(t *testing.T, text string) (line string) {
	t.Helper()
	select {
	case line, ok := <-a.logs:
		a.said = append(a.said, line)
		if !ok || !strings.Contains(line, text) {
			t.Fatalf("the log goes on with %q, not %q", line, text)
		}
		return line
	case <-time.After(timeout):
		t.Fatalf("no %q in the log", text)
		return ""
	}
}

// Signal sends the process a signal, unless it has ended.
func (a *App) Signal(s syscall.Signal) { _ = a.cmd.Process.Signal(s) }

// End waits until the process has ended, checks that its exit status is 0 and that nothing more is
// in the log, and returns the log.
func (a *App) End(t *testing.T) string {
	t.Helper()
	deadline := time.After(timeout)
	for {
		select {
		case line, ok := <-a.logs:
			if ok {
				t.Errorf("the log goes on with %q", line)
				continue
			}
		case <-deadline:
			t.Fatal("the process does not end")
		}
		break
	}
	if err := a.cmd.Wait(); err != nil {
		t.Errorf("the end: %v", err)
	}
	return strings.Join(a.said, "\n")
}

// SignIn opens the login URL as the docs' page /quickstart does for a visitor, signs in at the
// app's form as ada@example.com, and returns the visitor's client. It stops where the app sends
// the visitor back to the docs.
func (a *App) SignIn(t *testing.T) *http.Client {
	t.Helper()
	jar, _ := cookiejar.New(nil) // never fails
	visitor := &http.Client{
		Jar:       jar,
		Transport: &http.Transport{MaxIdleConnsPerHost: 8},
		Timeout:   timeout,
		CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			if "http://"+r.URL.Host != a.URL {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
	t.Cleanup(visitor.CloseIdleConnections)
	resp, err := visitor.Get(a.URL + "/docs-login?redirect=/quickstart")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	at := resp.Request.URL
	if at.Path != "/sign-in" {
		t.Fatalf("a visitor who is signed out ends at %s", at.Path)
	}
	post := func(next string) (*http.Response, error) {
		return visitor.PostForm(at.String(), url.Values{"email": {"ada@example.com"}, "next": {next}})
	}
	if _, err := toDocs(post(at.Query().Get("next"))); err != nil {
		t.Fatal(err)
	}
	resp, err = post("//elsewhere.example/docs-login?")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if at := resp.Request.URL; at.Path != "/" || "http://"+at.Host != a.URL {
		t.Errorf("a link to the form leads elsewhere")
	}
	return visitor
}

// Login opens the login URL as the docs' page /quickstart does, for a visitor who is signed in,
// and returns where the app sends the visitor: to the docs, with a token.
func (a *App) Login(visitor *http.Client) (*url.URL, error) {
	return toDocs(visitor.Get(a.URL + "/docs-login?redirect=/quickstart"))
}

// Crowd logs the visitor in again and again, in four goroutines, and calls check with where each
// login leads, until stop is called. more waits for eight more logins.
func (a *App) Crowd(t *testing.T, visitor *http.Client, check func(*url.URL) error) (more, stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	logins := make(chan error)
	var crowd sync.WaitGroup
	for range 4 {
		crowd.Go(func() {
			for ctx.Err() == nil {
				to, err := a.Login(visitor)
				if err == nil {
					err = check(to)
				}
				select {
				case logins <- err:
				default: // nobody counts, but nothing goes wrong unseen
					if err != nil {
						t.Errorf("a login: %v", err)
					}
				}
			}
		})
	}
	more = func() {
		t.Helper()
		for range 8 {
			if err := <-logins; err != nil {
				t.Errorf("a login: %v", err)
			}
		}
	}
	return more, func() { cancel(); crowd.Wait() }
}

func toDocs(resp *http.Response, err error) (*url.URL, error) {
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body) // for the next request on this connection
	location, err := resp.Location()
	if err != nil || location.Host != "docs.example.com" || location.Query().Get("redirect") != "/quickstart" {
		return nil, fmt.Errorf("%s does not redirect to the docs' page: status %d", resp.Request.URL.Path, resp.StatusCode)
	}
	return location, nil
}
