package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"html"
	"io"
	"log"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/internal/presets"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
	"github.com/gorilla/sessions"
)

// names are the presets' flags, in the order in which the demo starts their sites.
var names = func() (flags []string) {
	for _, p := range presets.All() {
		flags = append(flags, p.Flag)
	}
	return flags
}()

// start runs the demo on free ports and returns its URLs, those of the docs by name.
func start(t *testing.T, args ...string) (app string, docs map[string]string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, append([]string{"-app", ":0", "-docs", "127.0.0.1:0"}, args...), in)
		close(done) // later reads get nil
		in.Close()
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
	var urls []string
	for lines := bufio.NewScanner(out); len(urls) < 1+len(names) && lines.Scan(); {
		for _, field := range strings.Fields(lines.Text()) {
			u, err := url.Parse(field)
			switch {
			case err != nil || u.Port() == "":
			case !strings.HasPrefix(lines.Text(), "The app, by its name"):
				urls = append(urls, "http://"+u.Host)
			case len(urls) != 1 || field != named(urls[0], "app")+"/":
				t.Errorf("the app's name is in %q, after %q", lines.Text(), urls)
			}
		}
	}
	go io.Copy(io.Discard, out)
	if len(urls) < 1+len(names) {
		t.Fatalf("URLs: %q, %v", urls, <-done)
	}
	docs = map[string]string{}
	for i, name := range names {
		docs[name] = urls[1+i]
		if strings.HasSuffix(docs[name], fmt.Sprintf(":%d", i)) {
			t.Errorf("%s counts from port 0: %s", name, docs[name])
		}
	}
	return urls[0], docs
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

// isShared reports whether the docs read the token from a cookie, and so must share a domain with the app.
func isShared(p presets.Preset) bool { return p.Rules(nil).InCookie() }

// loginButton matches the "Log in" button of a public page.
var loginButton = regexp.MustCompile(`<a class="button" href="([^"]*)">Log in</a>`)

// visit opens a page as somebody who is signed out, signs in at the app, and returns where that leads.
func visit(t *testing.T, app, page, user string) (*url.URL, string) {
	t.Helper()
	client := docslogintest.NewClient()
	resp, err := client.Get(page)
	at, form := read(t, resp, err)
	if login := loginButton.FindStringSubmatch(form); login != nil {
		resp, err = client.Get(html.UnescapeString(login[1]))
		at, form = read(t, resp, err)
		app = named(app, "app")
	}
	if at.Path != "/sign-in" || "http://"+at.Host != app {
		t.Fatalf("ended at %v", at)
	}
	wants(t, form, "Who are you?", "Ada Park", "Ben Okafor")
	if strings.Contains(form, "action=") {
		t.Fatalf("the form does not post to the page's own URL: %s", form)
	}
	// The first time, nobody is chosen, and the form comes again at the same URL.
	resp, err = client.PostForm(at.String(), nil)
	if at, form = read(t, resp, err); strings.Contains(form, "action=") {
		t.Fatalf("the form does not post to the page's own URL: %s", form)
	}
	wants(t, form, "Choose who you are.")
	resp, err = client.PostForm(at.String(), url.Values{"user": {user}})
	return read(t, resp, err)
}

func TestAVisitorComesBackToTheDeepLink(t *testing.T) {
	app, docs := start(t)
	for _, p := range presets.All() {
		t.Run(p.Flag, func(t *testing.T) {
			at, page := visit(t, app, docs[p.Flag]+"/reference?lang=go#install", "ada")
			anchor := ""
			if place := p.Rules(nil).Place(); strings.HasPrefix(place, "the parameter") {
				anchor = "#install" // no token replaces it, and no second form or button loses it
			}
			if at.String() != docs[p.Flag]+testkit.Arrival(p, "/reference?lang=go")+anchor {
				t.Fatalf("ended at %v", at)
			}
			wants(t, page, "Hello, ", "ada@example.com")
		})
	}
	for _, test := range []struct {
		name, docs, user string
		want             []string
	}{
		{"ReadMe-like", "readme", "ada", []string{"Hello, Ada Park.", "Bearer acme_live_ada_5521", "acme_test_ada_0913", "Enterprise"}},
		{"Mintlify-like", "mintlify", "ada", []string{"Hello, Ada Park.", "Bearer acme_live_ada_5521", "For the group admin"}},
		{"ReadMe-like, somebody without keys", "readme", "chloe", []string{"Hello, Chloé Martin.", "YOUR_API_KEY"}},
		{"Mintlify-like, somebody without groups", "mintlify", "chloe", []string{"Hello, Chloé Martin.", "YOUR_API_KEY"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, page := visit(t, app, docs[test.docs]+"/quickstart", test.user)
			wants(t, page, test.want...)
		})
	}
}

// Samples show the key in its header. At ReadMe, the API definition names the header. Docs that get no key
// show a placeholder.
func TestSamplesShowAKeyInItsHeader(t *testing.T) {
	app, docs := start(t)
	const inHeader = `-H "X-Acme-Key: acme_live_dana_3318"`
	filled := map[string]string{
		"readme":   `-H "Authorization: Bearer acme_live_dana_3318"`,
		"mintlify": inHeader, "mintlify-personalization": inHeader, "fern": inHeader,
	}
	for _, p := range presets.All() {
		_, page := visit(t, app, docs[p.Flag]+"/quickstart", "dana")
		want := cmp.Or(filled[p.Flag], `-H "Authorization: Bearer YOUR_API_KEY"`)
		wants(t, page, "dana@example.com")
		if p.Rules(nil).Link != "" { // otherwise the login leads to the home page, which has no sample
			wants(t, html.UnescapeString(page), "curl https://api.example.com/v1/messages \\\n  "+want+"</code>")
		}
		delete(filled, p.Flag)
	}
	if len(filled) > 0 {
		t.Errorf("no such platforms: %v", filled)
	}
}

func TestNamesUnderLocalhost(t *testing.T) {
	app, docs := start(t, "-names")
	if !strings.HasPrefix(app, "http://app.acme.localhost:") {
		t.Errorf("the app is at %s", app)
	}
	for _, p := range presets.All() {
		site := docs[p.Flag]
		at, page := visit(t, app, site+"/reference?lang=go", "ben")
		if at.String() != site+testkit.Arrival(p, "/reference?lang=go") || !strings.HasPrefix(site, "http://"+p.Flag+".acme.localhost:") {
			t.Errorf("%s: ended at %v", p.Flag, at)
		}
		wants(t, page, "Hello, ", "ben@example.com")
	}
}

func TestTheApp(t *testing.T) {
	app, docs := start(t)
	client := docslogintest.NewClient()
	resp, err := client.Get(app)
	_, page := read(t, resp, err)
	wants(t, page, "You are signed out")
	formAction := resp.Header.Get("Content-Security-Policy")
	formAction = formAction[strings.Index(formAction, "form-action"):]
	for name, site := range docs {
		if !strings.Contains(formAction+" ", " "+site+" ") {
			t.Errorf("the form may not lead to %s: %s", name, formAction)
		}
	}

	resp, err = client.PostForm(app+"/sign-in", url.Values{"user": {"nobody"}})
	if _, page = read(t, resp, err); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("status %d", resp.StatusCode)
	}
	wants(t, page, `id="problem" role="alert">Choose who you are.`, `aria-describedby="problem"`)

	for _, next := range []string{"", "https://evil.example/", "//evil.example/", `/\evil.example`, "/\t/evil.example", "/.//evil.example", app + "@evil.example/", app + "/?from=mail"} {
		resp, err = client.PostForm(app+"/sign-in", url.Values{"user": {"ben"}, "next": {next}})
		at, page := read(t, resp, err)
		if at.String() != app+"/" {
			t.Errorf("next=%q leads to %v", next, at)
		}
		wants(t, page, "Hello, Ben Okafor", "ben@example.com", "developer", "Live", "Signing out here does not log you out of the docs")
	}

	// Signed in already: no form on the way.
	resp, err = client.Get(docs["readme"] + "/reference")
	at, page := read(t, resp, err)
	if at.String() != docs["readme"]+"/reference" {
		t.Errorf("ended at %v", at)
	}
	wants(t, page, "Hello, Ben Okafor.")

	resp, err = client.Post(app+"/sign-out", "", nil)
	_, page = read(t, resp, err)
	wants(t, page, "You are signed out")
}

func TestTheHomePageHasEverySiteWithItsTitleAndDescription(t *testing.T) {
	app, docs := start(t)
	resp, err := docslogintest.NewClient().Get(app)
	_, page := read(t, resp, err)
	for _, test := range []struct{ link, title, what string }{
		{"/docs-login?redirect=%2Fquickstart", "Acme ReadMe", "The token travels in the parameter auth_token."},
		{"/mintlify-personalization-login?redirect=%2Fquickstart", "Acme Mintlify personalization", "The token travels in the fragment."},
		{"/gitbook-login?location=%2Fquickstart", "Acme GitBook", "The token travels in the parameter jwt_token. <a href=\"" + docs["gitbook"] + "/~gitbook/auth/logout\">Log out of these docs</a>"},
		{"/gitbook-adaptive-login?location=%2Fquickstart", "Acme GitBook adaptive", "The token travels in the cookie gitbook-visitor-token. For these docs, the app has the name app.acme.localhost, where you sign in separately."},
		{"/zendesk-login?return_to=%2Fquickstart", "Acme Zendesk", "The token travels in the form&#39;s field jwt."},
	} {
		wants(t, page, `<a href="`+test.link+`">`+test.title+`</a></p><p class="quiet">`+test.what+`</p>`)
	}
	if got := strings.Count(page, "The token travels in "); got != len(names) {
		t.Errorf("%d of %d sites have a description", got, len(names))
	}
}

// menu returns the link on the app's home page that leads to the docs of a preset.
func menu(t *testing.T, client *http.Client, app string, p presets.Preset) (link string) {
	t.Helper()
	resp, err := client.Get(app)
	_, page := read(t, resp, err)
	found := regexp.MustCompile(`<a href="(/[^"]*)">Acme ` + p.Name() + `</a>`).FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("no link to the docs of %s:\n%s", p.Flag, page)
	}
	return app + html.UnescapeString(found[1])
}

// signIn signs in at the app, without a return URL.
func signIn(t *testing.T, client *http.Client, app, user string) {
	t.Helper()
	resp, err := client.PostForm(app+"/sign-in", url.Values{"user": {user}})
	if at, _ := read(t, resp, err); at.String() != app+"/" {
		t.Fatalf("after the sign-in: %v", at)
	}
}

func TestALinkInTheMenuLogsIn(t *testing.T) {
	for _, args := range [][]string{nil, {"-names"}} {
		app, docs := start(t, args...)
		for _, p := range presets.All() {
			client, app := docslogintest.NewClient(), app
			if isShared(p) {
				app = named(app, "app")
			}
			signIn(t, client, app, "ada")
			resp, err := client.Get(menu(t, client, app, p))
			at, page := read(t, resp, err)
			if at.String() != docs[p.Flag]+testkit.Arrival(p, "/quickstart") {
				t.Errorf("%s %q: ended at %v", p.Flag, args, at)
			}
			wants(t, page, "Hello, ")
		}
	}
}

// Docs that read the token from a cookie know the reader from sign-in to sign-out.
func TestDocsThatShareACookieWithTheApp(t *testing.T) {
	for _, args := range [][]string{nil, {"-names"}} {
		app, docs := start(t, args...)
		app = named(app, "app")
		for _, p := range presets.All() {
			if !isShared(p) {
				continue
			}
			client := docslogintest.NewClient()
			greets := func(name string) {
				t.Helper()
				resp, err := client.Get(docs[p.Flag] + "/quickstart")
				at, page := read(t, resp, err)
				if at.String() != docs[p.Flag]+"/quickstart" || name == "" && strings.Contains(page, "Hello, ") {
					t.Errorf("%s %q: ended at %v\n%s", p.Flag, args, at, page)
				}
				if name != "" {
					wants(t, page, "Hello, "+name)
				}
			}
			greets("")
			signIn(t, client, app, "ada")
			greets("Ada Park")
			signIn(t, client, app, "ben")
			greets("Ben Okafor")
			resp, err := client.Post(app+"/sign-out", "", nil)
			read(t, resp, err)
			greets("")
		}
	}
}

// Otherwise, the docs would show an earlier user's pages to the next user.
func TestACookieThatCannotBeSetIsRemoved(t *testing.T) {
	platform := platforms.GitBookAdaptive("http://docs.acme.localhost", domain, testkit.Secret)
	platform.Mapper = func(context.Context, *docslogin.User, docslogin.Claims) error { return errors.New("no claims") }
	app, err := newApp([]docs{{Platform: platform, Path: "/docs-login"}})
	if err != nil {
		t.Fatal(err)
	}
	log.SetOutput(io.Discard)
	defer log.SetOutput(os.Stderr)
	w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "/sign-in", strings.NewReader("user=ben"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	app.ServeHTTP(w, r)
	cookies := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || len(cookies) != 2 || cookies[1].Name != "gitbook-visitor-token" || cookies[1].MaxAge >= 0 {
		t.Errorf("status %d, cookies %v", w.Code, cookies)
	}
}

// Browsers accept the cookie only from the app's name. A login that begins at the app's address continues
// there.
func TestALoginThatNeedsTheCookieContinuesAtTheAppsName(t *testing.T) {
	app, docs := start(t)
	for _, p := range presets.All() {
		if !isShared(p) {
			continue
		}
		client := docslogintest.NewClient()
		signIn(t, client, app, "ada")
		resp, err := client.Get(menu(t, client, app, p))
		at, _ := read(t, resp, err)
		if at.Path != "/sign-in" || "http://"+at.Host != named(app, "app") {
			t.Fatalf("%s: the login leads to %v", p.Flag, at)
		}
		resp, err = client.PostForm(at.String(), url.Values{"user": {"ben"}})
		at, page := read(t, resp, err)
		if at.String() != docs[p.Flag]+"/quickstart" {
			t.Errorf("%s: ended at %v", p.Flag, at)
		}
		wants(t, page, "Hello, Ben Okafor")
	}
}

// A proxy, or port 80, makes the Host header differ from the address on which the app listens.
func TestTheAppsNameIsEnough(t *testing.T) {
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	handler := underDomain(next, "http://app.acme.localhost:80", map[string]bool{"/a-login": true})
	for target, want := range map[string]int{
		"http://app.acme.localhost/a-login": http.StatusTeapot, "http://APP.acme.localhost:9000/a-login": http.StatusTeapot, "http://127.0.0.1/other": http.StatusTeapot,
		"http://127.0.0.1/a-login": http.StatusSeeOther, "http://app.acme.localhost.evil.example/a-login": http.StatusSeeOther,
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		if to := w.Header().Get("Location"); w.Code != want || to != "" && to != "http://app.acme.localhost:80/a-login" {
			t.Errorf("%s: %d, %s", target, w.Code, to)
		}
	}
}

func TestEachPresetHasALoginRouteOfItsOwn(t *testing.T) {
	app, _ := start(t)
	client := docslogintest.NewClient()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for i, p := range presets.All() {
		path := "/" + p.Flag + "-login"
		if i == 0 {
			path = "/docs-login"
		}
		at := app
		if isShared(p) {
			at = named(app, "app")
		}
		resp, err := client.Get(at + path)
		read(t, resp, err)
		if location := resp.Header.Get("Location"); resp.StatusCode != http.StatusFound || !strings.HasPrefix(location, "/sign-in?next=") {
			t.Errorf("%s leads to %q, status %d", path, location, resp.StatusCode)
		}
	}
}

// With any other redirect, a browser may repeat the POST at the new location.
func TestFormsLeadOnWithSeeOther(t *testing.T) {
	app, _ := start(t)
	client := docslogintest.NewClient()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, form := range []string{"/sign-in", "/sign-out"} {
		resp, err := client.PostForm(app+form, url.Values{"user": {"ben"}})
		if read(t, resp, err); resp.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: status %d", form, resp.StatusCode)
		}
	}
}

func TestFormsFromOtherSites(t *testing.T) {
	app, _ := start(t)
	for _, path := range []string{"/sign-in", "/sign-out"} {
		for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
			req, _ := http.NewRequest("POST", app+path, strings.NewReader("user=ben"))
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set(name, value)
			resp, err := docslogintest.NewClient().Do(req)
			if read(t, resp, err); resp.StatusCode != http.StatusForbidden || len(resp.Cookies()) > 0 {
				t.Errorf("%s with %s: %s is answered %s, with %d cookies", path, name, value, resp.Status, len(resp.Cookies()))
			}
		}
	}
}

func TestLargeFormsAreRejected(t *testing.T) {
	app, _ := start(t)
	client := docslogintest.NewClient()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for size, status := range map[int]int{1 << 15: http.StatusSeeOther, 1 << 17: http.StatusUnprocessableEntity} {
		resp, err := client.PostForm(app+"/sign-in", url.Values{"user": {"ben"}, "z": {strings.Repeat("a", size)}})
		if read(t, resp, err); resp.StatusCode != status || (len(resp.Cookies()) > 0) != (status == http.StatusSeeOther) {
			t.Errorf("a form of %d bytes is answered %s, with %d cookies", size, resp.Status, len(resp.Cookies()))
		}
	}
}

func TestSigningInKeepsNothingOfTheSessionBefore(t *testing.T) {
	a := &app{store: sessions.NewCookieStore([]byte("a key of this test")), returnURL: func(*http.Request) string { return "/" }}
	request := func(cookies []*http.Cookie) *http.Request {
		r := httptest.NewRequest("POST", "/sign-in", strings.NewReader("user=ben"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, c := range cookies {
			r.AddCookie(c)
		}
		return r
	}
	before := httptest.NewRecorder()
	session := a.session(request(nil))
	session.Values["user"], session.Values["cart"] = "ada", "full"
	if err := session.Save(request(nil), before); err != nil {
		t.Fatal(err)
	}
	if old := a.session(request(before.Result().Cookies())); old.Values["cart"] != "full" {
		t.Fatalf("session before: %v", old.Values)
	}

	after := httptest.NewRecorder()
	a.signIn(after, request(before.Result().Cookies()))
	got := a.session(request(after.Result().Cookies())).Values
	if want := map[any]any{"user": "ben"}; !maps.Equal(got, want) {
		t.Errorf("session after: %v, want %v", got, want)
	}
}

func TestAPortThatIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().String()
	for _, name := range []string{"app", "docs"} {
		err := run(context.Background(), []string{"-app", ":0", "-docs", ":0", "-" + name, taken}, io.Discard)
		if err == nil || err.Error() != "the address "+taken+" is in use; choose another with -"+name+", such as -"+name+" 127.0.0.1:0" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A Content-Security-Policy has no way to write an IPv6 address; not every machine has one.
func TestDocsOnAnIPv6AddressNeedNames(t *testing.T) {
	err := run(context.Background(), []string{"-app", ":0", "-docs", "[::1]:0"}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "add -names") && !strings.Contains(err.Error(), "the address [::1]:0 does not belong to this machine") {
		t.Errorf("got %v", err)
	}
}

// Docs are on neighboring ports, in the order of their names.
func TestPortsAfterTheFirst(t *testing.T) {
	first := 20000 + rand.IntN(10000)
	for ; !free(first, len(names)); first += len(names) {
	}
	_, docs := start(t, "-docs", fmt.Sprintf("127.0.0.1:%d", first))
	for i, name := range names {
		want := fmt.Sprintf("http://127.0.0.1:%d", first+i)
		if isShared(presets.All()[i]) {
			want = named(want, name)
		}
		if docs[name] != want {
			t.Errorf("%s is at %s, want %s", name, docs[name], want)
		}
	}
	err := run(context.Background(), []string{"-app", ":0", "-docs", fmt.Sprintf(":%d", first-1)}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("127.0.0.1:%d is in use; choose another with -docs", first)) {
		t.Errorf("a later port that is taken: %v", err)
	}
}

// free reports whether count ports from first on are free, and the port before them, too.
func free(first, count int) bool {
	for port := first - 1; port < first+count; port++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}

func TestFlags(t *testing.T) {
	var help strings.Builder
	if err := run(context.Background(), []string{"-h"}, &help); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
	wants(t, help.String(), "go run ./examples/demo", "a docs site of every platform", "-names")
	if err := run(context.Background(), []string{"-nothing"}, io.Discard); err == nil {
		t.Error("an unknown flag is taken")
	}
	for _, address := range []string{"8081", "127.0.0.1", "127.0.0.1:http", ""} {
		if err := run(context.Background(), []string{"-app", ":0", "-docs", address}, io.Discard); err == nil || !strings.Contains(err.Error(), "-docs is ") {
			t.Errorf("-docs %q: %v", address, err)
		}
	}
	if err := run(context.Background(), []string{"readme"}, io.Discard); err == nil || !strings.Contains(err.Error(), `unknown argument "readme"`) {
		t.Errorf("an argument that is no flag: %v", err)
	}
}
