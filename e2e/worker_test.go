package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/docslogin/docslogin"
)

// worker is a service worker that fetches an expression for each request of a page.
func worker(fetches string) string {
	return `self.addEventListener("fetch", (event) => event.respondWith(fetch(` + fetches + `)));
self.addEventListener("activate", (event) => event.waitUntil(clients.claim()));`
}

// workerRuns waits until the app's service worker controls the page.
const workerRuns = `navigator.serviceWorker.register("/worker.js").then(() => navigator.serviceWorker.ready).then(() => new Promise((done) => {
	if (navigator.serviceWorker.controller) done(true);
	navigator.serviceWorker.addEventListener("controllerchange", () => done(true));
}))`

func TestAServiceWorkerThatPassesNavigationsOn(t *testing.T) {
	each(t, firstOfShape(all), func(t *testing.T, p platform) {
		w := newWorld(t, p)
		w.setPage("/worker.js", worker("event.request"))
		w.setPage("/page", html(w.toDocs()))
		v := newVisitor(t)
		w.signIn(v, "ada")
		v.open(w.URL + "/page")
		eval[bool](v, workerRuns)
		// A script of the page does not get a token through the worker.
		eval[bool](v, `fetch("/docs-login", {redirect: "manual"}).then(() => true, () => true)`)
		if got, want := w.outcomes(), []docslogin.Outcome{docslogin.OutcomeEmbedded}; !slices.Equal(got, want) {
			t.Errorf("a script's fetch ends with %v", got)
		}
		v.click("#docs")
		v.arrives(w.docs.URL+"/quickstart", w.hello("ada"))
		requests := w.asked("/docs-login")
		if last := requests[len(requests)-1]; last.Header.Get("Sec-Fetch-Dest") != "empty" || last.Header.Get("Sec-Fetch-Mode") != "navigate" {
			t.Errorf("the request did not come through the worker: %v", last.Header)
		}
	})
}

// readFile returns the content of a file.
func readFile(t *testing.T, name ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(name...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// shell is the page with which workers answer navigations in a single-page app.
var shell = html("<h1>The app's shell</h1>")

// angular adds Angular's worker to the app. Angular's own program makes its configuration.
func (w *world) angular(settings string) {
	w.t.Helper()
	const files = "node_modules/@angular/service-worker/"
	dir := w.t.TempDir()
	config := `{"index": "/index.html", "assetGroups": [{"name": "app", "installMode": "prefetch", "resources": {"files": ["/index.html"]}}]` + settings + "}"
	for name, text := range map[string]string{"index.html": shell, "ngsw-config.json": config} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	program, err := filepath.Abs(files + "ngsw-config.js")
	if err != nil {
		w.t.Fatal(err)
	}
	makes := exec.Command("node", program, ".", "ngsw-config.json")
	makes.Dir = dir
	if out, err := makes.CombinedOutput(); err != nil {
		w.t.Fatalf("%v\n%s", err, out)
	}
	w.setPage("/index.html", shell)
	w.setPage("/ngsw.json", readFile(w.t, dir, "ngsw.json"))
	w.setPage("/worker.js", readFile(w.t, files+"ngsw-worker.js"))
}

// workbox adds a worker to the app that has a Workbox route for navigations.
func (w *world) workbox(route string) {
	w.t.Helper()
	imports := ""
	for _, name := range []string{"core", "routing", "strategies"} {
		path := "/workbox-" + name + ".js"
		w.setPage(path, readFile(w.t, "node_modules/workbox-"+name+"/build/workbox-"+name+".prod.js"))
		imports += `importScripts("` + path + `");` + "\n"
	}
	w.setPage("/index.html", shell)
	w.setPage("/worker.js", imports+`const {NavigationRoute, registerRoute} = workbox.routing;
registerRoute(`+route+`);
self.addEventListener("activate", (event) => event.waitUntil(clients.claim()));`)
}

// A worker may answer a navigation to the login route with another page, or make its own request,
// which the route treats as a script's. Both kinds have a setting that excludes the route.
func TestServiceWorkersOfFrameworks(t *testing.T) {
	const rebuilds, anew, ofShell = "(options) => fetch(options.request.url)", `(options) => fetch(new Request(options.request.url, {credentials: "include"}))`, `() => fetch("/index.html")`
	own := func(fetches string) func(*world) {
		return func(w *world) { w.setPage("/worker.js", worker(fetches)) }
	}
	angular := func(settings string) func(*world) { return func(w *world) { w.angular(settings) } }
	workbox := func(route string) func(*world) { return func(w *world) { w.workbox(route) } }
	for _, tt := range []struct {
		name   string
		worker func(*world)
		want   string // "logs in", "shell", or "403"
	}{
		{"a worker that fetches the URL", own("event.request.url"), "403"},
		{"a worker that makes a request of the URL", own(`new Request(event.request.url, {credentials: "include"})`), "403"},
		{"Angular", angular(""), "shell"},
		{"Angular that asks the network first", angular(`, "navigationRequestStrategy": "freshness"`), "logs in"},
		{"Angular without the route", angular(`, "navigationUrls": ["/**", "!/**/*.*", "!/**/*__*", "!/**/*__*/**", "!/docs-login"]`), "logs in"},
		{"Workbox with the shell", workbox("new NavigationRoute(" + ofShell + ")"), "shell"},
		{"Workbox with the shell, without the route", workbox("new NavigationRoute(" + ofShell + `, {denylist: [/^\/docs-login/]})`), "logs in"},
		{"Workbox that fetches the URL", workbox("new NavigationRoute(" + rebuilds + ")"), "403"},
		{"Workbox that makes a request of the URL", workbox("new NavigationRoute(" + anew + ")"), "403"},
		{"Workbox that makes a request of the URL, without the route", workbox("new NavigationRoute(" + anew + `, {denylist: [/^\/docs-login/]})`), "logs in"},
		{"Workbox with the network first", workbox("new NavigationRoute(new workbox.strategies.NetworkFirst())"), "logs in"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, allPlatforms[0])
			tt.worker(w)
			w.setPage("/page", html(w.toDocs()))
			v := newVisitor(t)
			w.signIn(v, "ada")
			v.open(w.URL + "/page")
			eval[bool](v, workerRuns)
			v.click("#docs")
			want := []docslogin.Outcome{docslogin.OutcomeLoggedIn}
			switch tt.want {
			case "logs in":
				v.arrives(w.docs.URL+"/quickstart", w.hello("ada"))
			case "shell":
				v.reads("The app's shell")
				want = nil
			case "403":
				v.waits("the request", func() bool { return len(w.outcomes()) > 0 })
				want = []docslogin.Outcome{docslogin.OutcomeEmbedded}
			}
			if got := slices.Compact(w.outcomes()); !slices.Equal(got, want) { // Chromium may ask twice
				t.Errorf("outcomes %v, want %v", got, want)
			}
			for _, x := range w.asked("/docs-login") {
				if (x.status == 403) != (tt.want == "403") {
					t.Errorf("status %d, with %v", x.status, x.Header)
				}
			}
		})
	}
}
