package e2e_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/platforms"
)

// toCallback reports whether the token goes to a callback in a Location, which nginx sees.
func toCallback(p platform) bool { return p.form == "" && !p.onPage() }

// documented are the directives that the documentation recommends for large login URLs.
const documented = "proxy_buffer_size 32k; proxy_buffers 8 32k;"

// warnFrom is the size above which a login's event has a warning.
const warnFrom = 3000

// startNginx puts nginx in front of a server and returns its URL.
func startNginx(t *testing.T, upstream, directives string) string {
	t.Helper()
	return serveNginx(t, fmt.Sprintf("location / { proxy_pass %s; proxy_set_header Host $http_host; %s }", upstream, directives))
}

// serveNginx starts an nginx with one server and returns its URL.
func serveNginx(t *testing.T, location string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "nginx") // not t.TempDir, which the user of nginx's workers cannot enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	// Another process may take the free port before nginx does.
	for range 5 {
		if address, ok := listenNginx(t, dir, location); ok {
			return "http://" + address
		}
	}
	t.Fatal("nginx got no port")
	return ""
}

// listenNginx starts an nginx that stops with the test, and reports whether it listens at the
// address.
func listenNginx(t *testing.T, dir, location string) (address string, ok bool) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = free.Addr().String()
	free.Close()
	var temporary strings.Builder
	for _, module := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temporary, "%s_temp_path %s/%s;\n", module, dir, module)
	}
	config := fmt.Sprintf(`daemon off; worker_processes 1; pid %s/pid; error_log stderr;
events {}
http {
access_log off;
proxy_cache_path %s/cache keys_zone=responses:1m;
%s
server {
listen %s;
%s
}
}
`, dir, dir, &temporary, address, location)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	process := exec.Command(tools.nginx, "-p", dir, "-e", "stderr", "-c", file)
	process.Stderr = &stderr
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = process.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = process.Process.Signal(syscall.SIGTERM)
		<-ended
		if t.Failed() {
			t.Logf("nginx: %.2000s", &stderr)
		}
	})
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if pid, err := os.ReadFile(filepath.Join(dir, "pid")); err == nil && len(pid) > 0 { // written once it listens
			return address, true
		}
		select {
		case <-ended:
			return "", false
		default:
		}
	}
	t.Fatalf("nginx does not listen on %s", address)
	return "", false
}

// sized is the route of an app that adds as many bytes to the token as the parameter pad says.
// Without pad, nobody is signed in.
type sized struct {
	*httptest.Server
	platform
	events chan docslogin.Event
}

func startSized(t *testing.T, p platform) *sized {
	s := &sized{platform: p, events: make(chan docslogin.Event, 1)}
	lookup := func(r *http.Request) (*docslogin.User, error) {
		pad, err := strconv.Atoi(r.URL.Query().Get("pad"))
		if err != nil {
			return nil, docslogin.ErrNoUser
		}
		return &docslogin.User{ID: "u", Name: "Pad", Email: "pad@example.com", App: strings.Repeat("x", pad)}, nil
	}
	pad := func(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
		claims["pad"] = user.App
		return nil
	}
	signing, _ := p.newKey()
	m, err := docslogin.New(lookup, p.preset(docsURL, signing), toForm, docslogin.WithClaimsMapper(pad), docslogin.WithLogger(slog.New(slog.DiscardHandler)),
		docslogin.WithObserver(func(_ context.Context, e docslogin.Event) { s.events <- e }))
	if err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n, _ := strconv.Atoi(r.URL.Query().Get("cookie")); n > 0 {
			// The whole header line has n bytes.
			w.Header().Set("Set-Cookie", "c="+strings.Repeat("y", n-len("Set-Cookie: c=\r\n")))
		}
		m.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// ask requests a login. It returns the status, where the login leads, and the event.
func (s *sized) ask(t *testing.T, client *http.Client, front, link, query string) (status int, d destination, e docslogin.Event) {
	t.Helper()
	resp, err := client.Get(front + "/docs-login?" + strings.TrimPrefix(s.linkQuery(link), "?") + query)
	if err != nil {
		t.Fatal(err)
	}
	d, _ = readDestination(resp) // an error page has none
	select {
	case e = <-s.events:
	case <-time.After(10 * time.Second):
		t.Fatalf("the request did not reach the app: status %d", resp.StatusCode)
	}
	return resp.StatusCode, d, e
}

func followsNothing() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// step is the step between two sizes.
const step = 7

func TestNginxWithDefaultBuffersPassesURLsWithoutAWarning(t *testing.T) {
	each(t, firstOfShape(toCallback), func(t *testing.T, p platform) {
		app := startSized(t, p)
		front := startNginx(t, app.URL, "")
		client := followsNothing()
		var passed []int
		var largest int // pad without a warning
		for pad := 0; ; pad += step {
			status, d, e := app.ask(t, client, front, "/quickstart", fmt.Sprintf("&pad=%d", pad))
			if (e.Warning != "") != (e.URLBytes > warnFrom) {
				t.Fatalf("%d bytes have the warning %q", e.URLBytes, e.Warning)
			}
			if status != http.StatusFound || len(d.URL) != e.URLBytes {
				if status != http.StatusBadGateway || e.URLBytes <= warnFrom {
					t.Fatalf("a URL of %d bytes: status %d", e.URLBytes, status)
				}
				break
			}
			passed = append(passed, e.URLBytes)
			if e.Warning == "" {
				largest = pad
			}
		}
		t.Logf("%d URLs passed, the longest of %d bytes", len(passed), slices.Max(passed))
		// The documentation rounds it down. A buffer is a page of memory, here 4 KiB.
		if longest := slices.Max(passed); longest < 3860 || longest > 3900 {
			t.Errorf("the longest that passes is %d bytes", longest)
		}
		// The rest of the buffer is for the app's own headers.
		if status, d, _ := app.ask(t, client, front, "/quickstart", fmt.Sprintf("&pad=%d&cookie=800", largest)); status != http.StatusFound {
			t.Errorf("a URL of %d bytes with a Set-Cookie of 800: status %d", len(d.URL), status)
		}
	})
}

func TestNginxAsDocumentedPassesEveryURL(t *testing.T) {
	each(t, firstOfShape(toCallback), func(t *testing.T, p platform) {
		app := startSized(t, p)
		front := startNginx(t, app.URL, documented)
		client := followsNothing()
		for pad := 0; ; pad += step {
			status, d, e := app.ask(t, client, front, "/quickstart", fmt.Sprintf("&pad=%d&cookie=1000", pad))
			if e.Outcome == docslogin.OutcomeTooLarge {
				if status != http.StatusInternalServerError || pad == 0 {
					t.Errorf("the error page has the status %d", status)
				}
				break
			}
			if status != http.StatusFound || len(d.URL) != e.URLBytes {
				t.Fatalf("a URL of %d bytes: status %d", e.URLBytes, status)
			}
		}
	})
}

// A proxy reads the URL and the cookie together. What has no warning passes, and with the documented
// directives everything does.
func TestNginxInFrontOfAnAppThatSetsTheCookie(t *testing.T) {
	each(t, func(p platform) bool { return p.cookie != "" }, func(t *testing.T, p platform) {
		app := startSized(t, p)
		byDefault, asDocumented := startNginx(t, app.URL, ""), startNginx(t, app.URL, documented)
		client := followsNothing()
		lost := 0
		for pad := 0; ; pad += step {
			query := fmt.Sprintf("&pad=%d", pad)
			status, d, e := app.ask(t, client, asDocumented, "/quickstart", query)
			if e.Outcome == docslogin.OutcomeTooLarge {
				break
			}
			if size := len(d.URL + strings.Join(d.SetCookies, "")); status != http.StatusFound || (size > warnFrom) != (e.Warning != "") {
				t.Fatalf("%d bytes: status %d, warning %q", size, status, e.Warning)
			}
			status, _, e = app.ask(t, client, byDefault, "/quickstart", query)
			switch {
			case status == http.StatusBadGateway && e.Warning != "":
				lost++
			case status != http.StatusFound:
				t.Fatalf("with default buffers, status %d, warning %q", status, e.Warning)
			}
		}
		if lost == 0 {
			t.Error("every cookie passes with default buffers, so the warning is not needed")
		}
	})
}

// With the documented directives, only the platform's or the library's own limit counts. A cookie with
// its attributes is shorter than 4,096 bytes (RFC 6265, section 6.1). A form has no limit and needs no
// directives.
func TestTheLargestLoginBehindNginx(t *testing.T) {
	eachPlatform(t, func(t *testing.T, p platform) {
		app := startSized(t, p)
		client := followsNothing()
		if p.form != "" {
			front := startNginx(t, app.URL, "")
			status, d, e := app.ask(t, client, front, "/quickstart", "&pad=300000")
			if token := p.tokenIn(d); status != http.StatusOK || e.Outcome != docslogin.OutcomeLoggedIn || e.Warning != "" || len(token) < 400000 {
				t.Errorf("status %d, a token of %d bytes, %+v", status, len(token), e)
			}
			return
		}
		front := startNginx(t, app.URL, documented)
		logIn := func(pad int) destination {
			status, d, e := app.ask(t, client, front, "/quickstart", fmt.Sprintf("&pad=%d", pad))
			if (status == http.StatusFound) != (e.Outcome == docslogin.OutcomeLoggedIn) {
				t.Errorf("status %d, %+v", status, e)
			}
			return d
		}
		tooLarge := sort.Search(20_000, func(pad int) bool { return logIn(pad).URL == "" })
		longest := logIn(tooLarge - 1)
		token := len(p.tokenIn(longest))
		t.Logf("the longest URL is %d bytes, its token %d", len(longest.URL), token)
		size, limit := len(longest.URL), p.largest()
		switch {
		case p.maxToken != 0:
			size, limit = token, p.maxToken
		case p.cookie != "":
			size, limit = len(strings.Join(longest.SetCookies, "")), 4095
		}
		if size > limit || size < limit-10 {
			t.Errorf("the largest is %d bytes, not about %d", size, limit)
		}
	})
}

// The URL of the sign-in page contains the deep link, escaped twice, so it may be long, too.
func TestNginxOnTheWayToTheSignInPage(t *testing.T) {
	app := startSized(t, allPlatforms[0])
	byDefault, asDocumented := startNginx(t, app.URL, ""), startNginx(t, app.URL, documented)
	client := followsNothing()
	lost := 0
	for letters := 1; len("/docs/")+6*letters <= 2048; letters++ {
		link := "/docs/" + strings.Repeat("%D9%85", letters)
		status, d, e := app.ask(t, client, byDefault, link, "")
		if e.Outcome != docslogin.OutcomeSignIn || e.LinkRejected {
			t.Fatalf("%d letters: %+v", letters, e)
		}
		switch {
		case status == http.StatusBadGateway && e.Warning != "":
			lost++
		case status != http.StatusFound:
			t.Errorf("%d letters: status %d, warning %q", letters, status, e.Warning)
		case (len(d.URL) > warnFrom) != (e.Warning != ""):
			t.Errorf("%d bytes: warning %q", len(d.URL), e.Warning)
		}
		if status, _, _ := app.ask(t, client, asDocumented, link, ""); status != http.StatusFound {
			t.Errorf("%d letters, as documented: status %d", letters, status)
		}
	}
	if lost == 0 {
		t.Error("every URL passes with default buffers, so the warning is not needed")
	}
}

// The docs may be behind nginx as well, which gets a token in the query.
func TestNginxInFrontOfTheDocsTakesEveryURL(t *testing.T) {
	each(t, func(p platform) bool { return p.query != "" }, func(t *testing.T, p platform) {
		site := p.site()
		defer site.Close()
		front := startNginx(t, site.URL, "")
		site.URL = front
		u := front + p.callbackPath() + "?" + p.query + "="
		for _, tt := range []struct{ size, status int }{
			{100, http.StatusUnauthorized}, {3000, http.StatusUnauthorized}, {7000, http.StatusUnauthorized},
			{p.largest(), http.StatusUnauthorized}, // the docs reject the token
			{8300, http.StatusRequestURITooLong},   // so the limit cannot be higher
		} {
			resp, err := followsNothing().Get(u + strings.Repeat("x", tt.size-len(u)))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != tt.status {
				t.Errorf("%d bytes: status %d, want %d", tt.size, resp.StatusCode, tt.status)
			}
		}
	})
}

// keyring returns as many API keys, each of so many bytes.
func keyring(n, size int) (keys []docslogin.APIKey) {
	for i := range n {
		key := fmt.Sprintf("acme_live_%02d_", i)
		keys = append(keys, docslogin.APIKey{Name: fmt.Sprintf("Project %02d", i), Key: key + strings.Repeat("k", size-len(key))})
	}
	return keys
}

func TestAUserWith25KeysBehindNginx(t *testing.T) {
	each(t, func(p platform) bool { return p.allKeys }, func(t *testing.T, p platform) {
		for _, tt := range []struct {
			name       string
			directives string
			size       int
			status     int
			warning    bool
		}{
			{"40 bytes each", "", 40, http.StatusFound, false},
			{"60 bytes each", "", 60, http.StatusFound, true},
			{"80 bytes each", "", 80, http.StatusBadGateway, true},
			{"80 bytes each, as documented", documented, 80, http.StatusFound, true},
			{"120 bytes each, as documented", documented, 120, http.StatusFound, true},
			{"400 bytes each, as documented", documented, 400, http.StatusInternalServerError, false},
		} {
			t.Run(tt.name, func(t *testing.T) {
				user := &docslogin.User{ID: "u", Name: "Many Keys", Email: "keys@example.com", APIKeys: keyring(25, tt.size)}
				var warning atomic.Value
				site, front := p.behindNginx(t, user, tt.directives, &warning)
				resp, err := followsNothing().Get(front + p.loginPath("/quickstart"))
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				if resp.StatusCode != tt.status || warning.Load() != "" != tt.warning {
					t.Errorf("status %d, warning %q", resp.StatusCode, warning.Load())
				}
				switch page, _ := io.ReadAll(resp.Body); tt.status {
				case http.StatusFound: // the docs get all keys
					login, err := site.Login(docslogintest.NewClient(), "/quickstart")
					if lastKey := user.APIKeys[24].Key; err != nil || !strings.Contains(fmt.Sprint(login.Claims), lastKey) {
						t.Errorf("the docs do not get the key %s: %v", lastKey, err)
					}
				case http.StatusInternalServerError:
					if !strings.Contains(string(page), "Your account is too large for the documentation") {
						t.Errorf("the page is %s", page)
					}
				}
			})
		}
	})
}

// behindNginx starts a docs site, and behind nginx an app whose only user is signed in. It keeps the
// warning of the last event.
func (p platform) behindNginx(t *testing.T, user *docslogin.User, directives string, warning *atomic.Value) (site *docslogintest.Site, front string) {
	t.Helper()
	site = p.site()
	t.Cleanup(site.Close)
	m, err := docslogin.New(func(*http.Request) (*docslogin.User, error) { return user, nil }, site.Platform(),
		docslogin.WithLogger(slog.New(slog.DiscardHandler)),
		docslogin.WithObserver(func(_ context.Context, e docslogin.Event) { warning.Store(e.Warning) }))
	if err != nil {
		t.Fatal(err)
	}
	app := httptest.NewServer(m)
	t.Cleanup(app.Close)
	front = startNginx(t, app.URL, directives)
	site.SetLoginURL(front + "/docs-login")
	return site, front
}

// The app sees neither the prefix nor the host name that browsers use.
func TestAnAppUnderAPathPrefixBehindNginx(t *testing.T) {
	each(t, firstOfShape(all), func(t *testing.T, p platform) {
		a := newAppAt(t, p.hostName("app"))
		site, docs := newDocs(t, p, "docs")
		front := serveNginx(t, "location /shop/ { proxy_pass "+a.address+"/; }")
		shop := strings.Replace(front, "127.0.0.1", p.hostName("www")+".localhost", 1) + "/shop"
		a.wrap(a.lookup(), site.Platform(), "/docs-login", docslogin.WithSignInPage("/shop/sign-in", "next"), docslogin.WithExternalURL(shop))
		site.SetLoginURL(shop + "/docs-login")
		v := newVisitor(t)
		v.open(p.entry(t, docs.URL+"/quickstart?a=1&b=%26"))
		v.reaches(shop + "/sign-in?")
		v.click(button("ada"))
		v.arrives(docs.URL+"/quickstart?a=1&b=%26", p.hello("ada"))
	})
}

// emailAt logs in somebody with a cookie and returns the e-mail address in the token.
func emailAt(t *testing.T, front, cookie string) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, front+"/docs-login?redirect=/quickstart", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: "user", Value: cookie})
	resp, err := followsNothing().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	d, err := readDestination(resp)
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ Email string }
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(allPlatforms[0].tokenIn(d), ".")[1])
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		t.Fatalf("the payload is %q: %v", payload, err)
	}
	return claims.Email
}

// excluded returns the location that the documentation recommends for a cache.
func excluded(t *testing.T, upstream string) string {
	t.Helper()
	guide, err := os.ReadFile("../docs/production.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(guide), "```nginx\n")
	location, _, ok := strings.Cut(rest, "```")
	if !ok || strings.Count(location, "http://app;") != 1 {
		t.Fatalf("the documentation has the location %q", location)
	}
	return strings.Replace(location, "http://app;", upstream+";", 1)
}

// A cache that ignores the app's headers gives the first reader's token to the second, unless the
// route is excluded as documented.
func TestAnNginxThatCachesEverything(t *testing.T) {
	m, err := docslogin.New(func(r *http.Request) (*docslogin.User, error) {
		user, err := r.Cookie("user")
		if err != nil {
			return nil, docslogin.ErrNoUser
		}
		return &docslogin.User{ID: user.Value, Name: user.Value, Email: user.Value + "@example.com"}, nil
	}, platforms.ReadMe(docsURL, "the secret of the docs"), docslogin.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	app := httptest.NewServer(m)
	defer app.Close()
	for _, tt := range []struct{ name, ignored, location, second string }{
		{"and heeds Cache-Control", "Set-Cookie", "", "ben@example.com"},
		{"and ignores the app's headers", "Cache-Control Expires Set-Cookie Vary", "", "ada@example.com"},
		{"except the route, as documented", "Cache-Control Expires Set-Cookie Vary", excluded(t, app.URL), "ben@example.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			front := serveNginx(t, fmt.Sprintf("proxy_cache responses; proxy_cache_valid any 10m; proxy_ignore_headers %s; location / { proxy_pass %s; } %s",
				tt.ignored, app.URL, tt.location))
			if first := emailAt(t, front, "ada"); first != "ada@example.com" {
				t.Errorf("the first reader is logged in as %s", first)
			}
			if second := emailAt(t, front, "ben"); second != tt.second {
				t.Errorf("the second reader is logged in as %s", second)
			}
		})
	}
}
