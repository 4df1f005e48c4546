package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/gorilla/sessions"
)

// appArgument makes this program run as the app's server.
const appArgument = "serve-app"

// serveApp serves an app as people would write it. It stops when stdin ends, and reads the same
// environment variables as express.mjs.
func serveApp(stdin io.Reader, stdout io.Writer) error {
	sites, err := newSites()
	if err != nil {
		return err
	}
	var platform docslogin.Platform
	for _, s := range sites {
		if s.algorithm == os.Getenv("ALGORITHM") {
			platform = s.preset(os.Getenv("DOCS_URL"), os.Getenv("KEY"))
		}
	}
	var user docslogin.User
	if err := json.Unmarshal([]byte(os.Getenv("APP_USER")), &user); err != nil {
		return err
	}
	users := map[any]*docslogin.User{user.ID: &user}

	store := sessions.NewCookieStore([]byte(os.Getenv("SESSION_KEY")))
	store.Options = &sessions.Options{Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: 8 * 60 * 60}
	lookup := docslogin.SessionLookup(store, "session", func(_ *http.Request, s *sessions.Session) (*docslogin.User, error) {
		return users[s.Values["user"]], nil
	})
	docs, err := docslogin.New(lookup, platform, docslogin.WithSignInPage("/sign-in", "next"))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) {
		session, _ := store.Get(r, "session")
		session.Values["user"] = user.ID
		if err := session.Save(r, w); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		listener.Close()
	}()
	fmt.Fprintln(stdout, "http://"+listener.Addr().String())
	if err := http.Serve(listener, docs.Wrap(mux)); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

const (
	serverCore = "0"
	loadCore   = "1"
)

func (b *bench) placement() string {
	if b.pin {
		return "the server under load runs on core " + serverCore + ", the load on core " + loadCore
	}
	return "servers and load run on any core"
}

// servers compares the app with the one in express.mjs. Each runs in its own process.
func servers(b *bench, s *site) stage {
	vs := " vs. Express with jose"
	if s.algorithm == "HS256" {
		vs = " vs. Express with jsonwebtoken"
	}
	return stage{[]goal{
		atLeast(limits[s.algorithm].perSecond, "×", s.algorithm+" server: logins per second"+vs),
		atMost(0.30, "×", s.algorithm+" server: p99 latency"+vs),
		atMost(0.20, "×", s.algorithm+" server: resident memory"+vs),
	}, func(ctx context.Context) ([]figure, error) {
		if b.pin {
			unpin, err := pinLoad()
			if err != nil {
				return nil, err
			}
			defer unpin()
		}
		apps, err := b.startBoth(ctx, s)
		if err != nil {
			return nil, err
		}
		var contestants []func() (load, error)
		for _, a := range apps {
			defer a.stop()
			contestants = append(contestants, func() (load, error) { return a.load(b.server) })
		}
		if _, err := alternate(ctx, 1, contestants...); err != nil { // warm up
			return nil, err
		}
		loads, err := alternate(ctx, b.rounds, contestants...)
		if err != nil {
			return nil, err
		}
		var rates, latencies [2][]float64
		var resident [2]float64
		for i, a := range apps {
			for _, l := range loads[i] {
				rates[i] = append(rates[i], l.perSecond)
				latencies[i] = append(latencies[i], l.p99.Seconds())
			}
			if resident[i], err = a.resident(); err != nil {
				return nil, err
			}
		}
		return []figure{ratio(rates[0], rates[1]), ratio(latencies[0], latencies[1]), exact(resident[0] / resident[1])}, nil
	}}
}

// startBoth starts the app and the one in express.mjs, in this order.
func (b *bench) startBoth(ctx context.Context, s *site) (apps []*app, err error) {
	defer func() {
		if err != nil {
			for _, a := range apps {
				a.stop()
			}
		}
	}()
	user, err := json.Marshal(ada)
	if err != nil {
		return nil, err
	}
	env := append(os.Environ(), "NODE_ENV=production", "ALGORITHM="+s.algorithm, "KEY="+s.key, "DOCS_URL="+docsURL,
		"SESSION_KEY="+rand.Text()+rand.Text(), "APP_USER="+string(user))
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	for _, command := range [][]string{{self, appArgument}, {"node", "express.mjs"}} {
		a, err := b.start(ctx, env, command)
		if err != nil {
			return apps, fmt.Errorf("starting %s: %w", command[0], err)
		}
		apps = append(apps, a)
	}
	return apps, nil
}

// pinLoad moves this process to the core of the load.
func pinLoad() (unpin func(), err error) {
	pid := strconv.Itoa(os.Getpid())
	before, err := find("/proc/self/status", `(?m)^Cpus_allowed_list:\s*(\S+)$`)
	if err != nil {
		return nil, err
	}
	move := func(cores string) error {
		out, err := exec.Command("taskset", "--all-tasks", "--cpu-list", "--pid", cores, pid).CombinedOutput()
		if err != nil {
			return fmt.Errorf("taskset: %w: %s (run ./setup, or use -pin=false)", err, out)
		}
		return nil
	}
	if err := move(loadCore); err != nil {
		return nil, err
	}
	return func() { _ = move(before) }, nil
}

// app is a running server.
type app struct {
	command *exec.Cmd
	stdin   io.Closer
	url     string
	cookie  string // of a signed-in user
}

// start starts a server, reads the URL that it prints, and signs in.
func (b *bench) start(ctx context.Context, env, command []string) (*app, error) {
	if b.pin {
		command = append([]string{"taskset", "--cpu-list", serverCore}, command...)
	}
	a := &app{command: exec.CommandContext(ctx, command[0], command[1:]...)}
	a.command.Env, a.command.Stderr = env, os.Stderr
	stdin, inErr := a.command.StdinPipe()
	stdout, outErr := a.command.StdoutPipe()
	if err := errors.Join(inErr, outErr); err != nil {
		return nil, err
	}
	a.stdin = stdin
	if err := a.command.Start(); err != nil {
		return nil, err
	}
	slow := time.AfterFunc(30*time.Second, func() { _ = a.command.Process.Kill() })
	defer slow.Stop()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err == nil {
		a.url = strings.TrimSpace(line)
		err = a.signIn()
	}
	if err != nil {
		a.stop()
		return nil, err
	}
	return a, nil
}

// stop stops the server, and kills it if it does not stop within five seconds.
func (a *app) stop() {
	a.stdin.Close()
	kill := time.AfterFunc(5*time.Second, func() { _ = a.command.Process.Kill() })
	defer kill.Stop()
	_ = a.command.Wait()
}

func (a *app) signIn() error {
	client := &http.Client{Timeout: 10 * time.Second}
	resp, err := client.Post(a.url+"/sign-in", "application/x-www-form-urlencoded", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var pairs []string
	for _, c := range resp.Cookies() {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	if a.cookie = strings.Join(pairs, "; "); a.cookie == "" {
		return fmt.Errorf("signing in did not set a cookie: %s", resp.Status)
	}
	return nil
}

// resident returns the process's resident memory in KiB.
func (a *app) resident() (float64, error) {
	size, err := find(fmt.Sprintf("/proc/%d/status", a.command.Process.Pid), `(?m)^VmRSS:\s*(\d+) kB$`)
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(size, 64)
}
