package e2e_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

func TestTheTokenStaysOutOfSight(t *testing.T) {
	eachPlatform(t, func(t *testing.T, p platform) {
		w := newWorld(t, p)
		v := newVisitor(t)
		// The sign-in form and the docs page are visited on the way.
		w.overTheForm(v)

		for _, entry := range call(v, page.GetNavigationHistory, cdp.Empty{}).Entries {
			if strings.Contains(entry.URL, "eyJhbGciOi") {
				t.Errorf("the history has the token: %s", entry.URL)
			}
		}
		for _, r := range w.docs.asked("") {
			// The docs' own pages send none, so one would come from the app.
			if referer := r.Header.Get("Referer"); referer != "" {
				t.Errorf("%s %s has the Referer %q", r.Method, r.URL.Path, referer)
			}
		}
		inURLs, inBodies := 0, 0
		for _, r := range append(w.asked(""), w.docs.asked("")...) {
			for name, values := range r.Header {
				if strings.Contains(strings.Join(values, " "), "eyJhbGciOi") {
					t.Errorf("%s %s has the token in its header %s", r.Method, r.URL.Path, name)
				}
			}
			inURLs += strings.Count(r.URL.String(), "eyJhbGciOi")
			inBodies += strings.Count(r.body, "eyJhbGciOi")
		}
		// A fragment reaches no server: the docs' own script posts it.
		wantURLs, wantBodies := 0, 1
		if p.query != "" {
			wantURLs, wantBodies = 1, 0
		}
		if inURLs != wantURLs || inBodies != wantBodies {
			t.Errorf("%d requests have the token in their URL and %d in their body, want %d and %d", inURLs, inBodies, wantURLs, wantBodies)
		}
		if logins := w.site.Logins(); len(logins) != 1 {
			t.Errorf("%d logins", len(logins))
		}
	})
}

// speculation is a page's rule for what browsers may load before a click.
func speculation(kind, url string) string {
	return fmt.Sprintf(`<script type=speculationrules>{%q: [{"source": "list", "urls": [%q], "eagerness": "immediate"}]}</script>`, kind, url)
}

// TestNothingIsMintedWithoutAClick puts what loads without a click on a page of the app,
// where it carries the session's cookie, and on a page of a stranger's.
func TestNothingIsMintedWithoutAClick(t *testing.T) {
	const speculative, embedded, method = docslogin.OutcomeSpeculative, docslogin.OutcomeEmbedded, docslogin.OutcomeMethod
	for _, tt := range []struct {
		name     string
		page     func(login string) string
		want     docslogin.Outcome
		stranger bool // whether Chromium loads it for a stranger whose visitor has cookies of the app's
		renders  bool // a page that came of it would run, and send its form
	}{
		{"a prefetch", func(login string) string { return `<link rel=prefetch href="` + login + `">` }, speculative, true, false},
		{"a prefetch as a document", func(login string) string { return `<link rel=prefetch as=document href="` + login + `">` }, speculative, true, false},
		{"a rule that prefetches", func(login string) string { return speculation("prefetch", login) }, speculative, false, true},
		{"a rule that prerenders", func(login string) string { return speculation("prerender", login) }, speculative, false, true},
		{"a frame", func(login string) string { return `<iframe src="` + login + `"></iframe>` }, embedded, true, true},
		{"an object", func(login string) string { return `<object data="` + login + `"></object>` }, embedded, true, true},
		{"an image", func(login string) string { return `<img src="` + login + `">` }, embedded, true, false},
		{"a script", func(login string) string { return `<script src="` + login + `"></script>` }, embedded, true, false},
		{"a style sheet", func(login string) string { return `<link rel=stylesheet href="` + login + `">` }, embedded, true, false},
		{"a video", func(login string) string { return `<video src="` + login + `" preload=auto></video>` }, embedded, true, false},
		{"a preload", func(login string) string {
			return `<link rel=preload as=fetch crossorigin=use-credentials href="` + login + `">`
		}, embedded, true, false},
		{"a fetch", func(login string) string {
			return `<script>fetch("` + login + `", {credentials: "include"})</script>`
		}, embedded, true, false},
		{"a fetch without CORS", func(login string) string {
			return `<script>fetch("` + login + `", {mode: "no-cors", credentials: "include"})</script>`
		}, embedded, true, false},
		{"a web socket", func(login string) string {
			return `<script>new WebSocket("` + strings.Replace(login, "http", "ws", 1) + `")</script>`
		}, embedded, true, false},
		{"an event source", func(login string) string {
			return `<script>new EventSource("` + login + `", {withCredentials: true})</script>`
		}, embedded, true, false},
		{"a beacon", func(login string) string { return `<script>navigator.sendBeacon("` + login + `", "")</script>` }, method, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			each(t, firstOfShape(func(p platform) bool { return p.shape() == "query" || tt.renders && p.form != "" }), func(t *testing.T, p platform) {
				w := newWorld(t, p)
				login := w.loginURL("/quickstart")
				content := tt.page(login) + w.toDocs()
				w.setPage("/page", html(content))
				stranger := newHost(t, "stranger", static(content))
				for _, visit := range []struct {
					where    string
					signedIn bool
					loads    bool
				}{
					{w.URL + "/page", true, true},
					{w.URL + "/page", false, true},
					{stranger.URL + "/page", true, tt.stranger},
					{stranger.URL + "/page", false, true},
				} {
					v := newVisitor(t)
					if visit.signedIn {
						w.signIn(v, "ada")
					}
					before, logins := len(w.outcomes()), len(w.site.Logins())
					v.open(visit.where)
					v.reads("Docs")
					if visit.loads {
						// A browser that is busy puts off what is only a hint, and may forget it.
						again := time.Now().Add(patience / 4)
						v.waits("the request", func() bool {
							if time.Now().After(again) {
								again = time.Now().Add(patience / 4)
								v.open(visit.where)
							}
							return len(w.outcomes()) > before
						})
					}
					time.Sleep(200 * time.Millisecond) // for what should not come
					for _, outcome := range w.outcomes()[before:] {
						if outcome != tt.want {
							t.Errorf("%+v: %s", visit, outcome)
						}
					}
					for _, x := range w.asked("/docs-login")[before:] {
						if x.status != 403 && x.status != 405 {
							t.Errorf("%+v: status %d", visit, x.status)
						}
					}
					if n := len(w.site.Logins()) - logins; n != 0 {
						t.Errorf("%+v: %d logins without a click", visit, n)
					}
					v.click("#docs")
					if !visit.signedIn {
						w.fillForm(v, "ada")
					}
					v.arrives(w.docs.URL+"/quickstart", w.hello("ada"))
					if n := len(w.site.Logins()) - logins; n != 1 {
						t.Errorf("%+v: %d logins after the click", visit, n)
					}
				}
			})
		})
	}
}

// worker is a service worker that fetches something for each request of a page.
func worker(fetches string) string {
	return `self.addEventListener("fetch", (event) => event.respondWith(fetch(` + fetches + `)));
self.addEventListener("activate", (event) => event.waitUntil(clients.claim()));`
}

// workerRuns waits until the page is in the hands of the app's service worker.
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
		// A script of the page gets no token through the worker.
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

// A worker that makes a request of its own instead is a script like any other.
func TestAServiceWorkerThatMakesRequestsOfItsOwn(t *testing.T) {
	w := newWorld(t, allPlatforms[0])
	w.setPage("/worker.js", worker("event.request.url"))
	w.setPage("/page", html(w.toDocs()))
	v := newVisitor(t)
	w.signIn(v, "ada")
	v.open(w.URL + "/page")
	eval[bool](v, workerRuns)
	v.click("#docs")
	v.waits("the request", func() bool { return w.count(docslogin.OutcomeEmbedded) == 1 })
	if n := w.count(docslogin.OutcomeLoggedIn); n != 0 {
		t.Errorf("%d logins", n)
	}
}

// overTheForm opens a private page of the docs, signed out, and comes back to it.
func (w *world) overTheForm(v *visitor) {
	v.t.Helper()
	v.open(w.docs.URL + "/quickstart")
	w.fillForm(v, "ada")
	v.arrives(w.docs.URL+"/quickstart", w.hello("ada"))
}

// An anchor that is part of the link goes along with it, unless the token takes its place.
func TestAnAnchorInTheLinkSurvivesTheForm(t *testing.T) {
	each(t, firstOfShape(all), func(t *testing.T, p platform) {
		w := newWorld(t, p)
		v := newVisitor(t)
		v.open(strings.Replace(w.loginURL("/reference"), "reference", "reference%3Fa%3D1%23auth", 1))
		w.fillForm(v, "ada")
		want := w.docs.URL + "/reference?a=1"
		if !p.onPage() || p.query != "" {
			want += "#auth"
		}
		v.arrives(want, p.hello("ada"))
	})
}

// One that the docs did not put into the link goes with the browser from redirect to
// redirect, up to a fragment of the login URL's own, or a form.
func TestAnAnchorInTheAddressBar(t *testing.T) {
	each(t, firstOfShape(all), func(t *testing.T, p platform) {
		w := newWorld(t, p)
		v := newVisitor(t)
		w.signIn(v, "ada")
		v.open(w.docs.URL + "/reference#auth")
		want := w.docs.URL + "/reference"
		if p.query != "" {
			want += "#auth"
		}
		v.arrives(want, p.hello("ada"))
	})
}

// logOut ends the visitor's session at the docs.
func (w *world) logOut(v *visitor) {
	v.t.Helper()
	v.open(w.docs.URL + "/changelog")
	v.click("header form button")
	v.arrives(w.docs.URL+"/", "Log in")
}

func TestTwoVisitsReachTheAppTwice(t *testing.T) {
	eachPlatform(t, func(t *testing.T, p platform) {
		w := newWorld(t, p)
		v := newVisitor(t)
		w.signIn(v, "ada")
		for range 2 {
			v.open(w.docs.URL + "/quickstart")
			v.arrives(w.docs.URL+"/quickstart", w.hello("ada"))
			w.logOut(v)
		}
		if n := len(w.asked("/docs-login")); n != 2 {
			t.Errorf("the route was asked %d times", n)
		}
		logins := w.site.Logins()
		if len(logins) != 2 {
			t.Fatalf("%d logins", len(logins))
		}
		if first, second := logins[0].Claims["jti"], logins[1].Claims["jti"]; p.tokenID && (first == second || first == nil) {
			t.Errorf("the tokens have the IDs %v and %v", first, second)
		}
	})
}

func TestBackForwardAndReload(t *testing.T) {
	each(t, firstOfShape(all), func(t *testing.T, p platform) {
		w := newWorld(t, p)
		v := newVisitor(t)
		blog := newHost(t, "blog", static(`<a id=docs href="`+w.docs.URL+`/quickstart">Docs</a>`))
		v.open(blog.URL + "/")
		v.click("#docs")
		w.fillForm(v, "ada")
		v.arrives(w.docs.URL+"/quickstart", w.hello("ada"))

		run(v, chromedp.Reload())
		v.arrives(w.docs.URL+"/quickstart", w.hello("ada"))
		if n := w.count(docslogin.OutcomeLoggedIn); n != 1 {
			t.Errorf("after a reload, %d logins", n)
		}
		// One step back is the form, the second the page before; no token, no loop.
		v.travel(-1)
		v.reaches(w.URL+"/sign-in?", "Who are you?")
		v.travel(-1)
		v.arrives(blog.URL + "/")
		v.travel(+1)
		v.reaches(w.URL+"/sign-in?", "Who are you?")
		v.travel(+1)
		v.arrives(w.docs.URL+"/quickstart", w.hello("ada"))
		if n := w.count(docslogin.OutcomeLoggedIn); n != 1 {
			t.Errorf("after going back and forward, %d logins", n)
		}
		// Signing in on the form once more, from the history, works as well.
		v.travel(-1)
		w.fillForm(v, "ben")
		v.arrives(w.docs.URL+"/quickstart", w.hello("ben"))
		if n := w.count(docslogin.OutcomeLoop); n != 0 {
			t.Errorf("%d loop pages", n)
		}
	})
}

// With SameSite=Strict, every visit from the docs looks anonymous: the form comes each
// time, and signing in there works, since that is the app's own.
func TestAStrictSessionCookie(t *testing.T) {
	each(t, firstOfShape(all), func(t *testing.T, p platform) {
		w := newWorld(t, p)
		w.store.Options.SameSite = http.SameSiteStrictMode
		v := newVisitor(t)
		w.signIn(v, "ada")
		for range 2 {
			v.open(w.docs.URL + "/changelog")
			v.click(`header .button`)
			w.fillForm(v, "ada")
			v.arrives(w.docs.URL+"/changelog", w.hello("ada"))
			w.logOut(v)
		}
		// Entered by hand, or from a page of the app, the route gets the cookie.
		v.open(w.loginURL("/reference"))
		v.arrives(w.docs.URL+"/reference", w.hello("ada"))
		w.logOut(v)
		w.setPage("/page", html(w.toDocs()))
		v.open(w.URL + "/page")
		v.click("#docs")
		v.arrives(w.docs.URL+"/quickstart", w.hello("ada"))
		if got, want := w.outcomes(), []docslogin.Outcome{"sign_in", "logged_in", "sign_in", "logged_in", "logged_in", "logged_in"}; !slices.Equal(got, want) {
			t.Errorf("outcomes %v, want %v", got, want)
		}
	})
}

// The policy is for the whole way behind the form: to the app's route and on to the docs.
// Where the route answers with a form of its own, the way ends there.
func TestAFormActionPolicyOnTheSignInForm(t *testing.T) {
	each(t, firstOfShape(all), func(t *testing.T, p platform) {
		w := newWorld(t, p)
		w.setFormAction("'self'")
		v := newVisitor(t)
		if p.form != "" {
			w.overTheForm(v)
			return
		}
		v.watchPolicies()
		v.open(w.docs.URL + "/quickstart")
		w.fillForm(v, "ada")
		v.blocked("form-action")
		v.reaches(w.URL + "/sign-in?") // and there the visitor stays
		if n := len(w.site.Logins()); n != 0 {
			t.Errorf("%d logins in spite of the policy", n)
		}

		w.setFormAction("'self' " + w.docs.URL) // as the documentation says
		v = newVisitor(t)
		w.overTheForm(v)
	})
}

// Where a host of its own takes the token, the way leads over that as well.
func TestAFormActionPolicyHasToNameWhatTakesTheToken(t *testing.T) {
	each(t, func(p platform) bool { return p.query != "" && strings.HasPrefix(p.callback, "https:") }, func(t *testing.T, p platform) {
		takes := newHost(t, "takes", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.FormValue(p.out), http.StatusFound)
		}))
		docs := newHost(t, "docs", static("<h1>Here</h1>"))
		signing, _ := p.newKey()
		preset := p.preset(docs.URL, signing)
		preset.Callback = takes.URL + "/sso"
		a := newApp(t)
		a.wrap(a.lookup(), preset, "/docs-login", toForm)

		a.setFormAction("'self' " + docs.URL)
		v := newVisitor(t)
		v.watchPolicies()
		v.open(a.URL + p.loginPath("/quickstart"))
		a.fillForm(v, "ada")
		v.blocked("form-action")
		if n := len(takes.asked("")); n != 0 {
			t.Errorf("%d requests in spite of the policy", n)
		}

		a.setFormAction("'self' " + docs.URL + " " + takes.URL)
		v = newVisitor(t)
		v.open(a.URL + p.loginPath("/quickstart"))
		a.fillForm(v, "ada")
		v.arrives(docs.URL+"/quickstart", "Here")
	})
}

// movable returns a clock that can be set ahead.
func movable() (clock func() time.Time, setLater func(time.Duration)) {
	var later atomic.Int64
	return func() time.Time { return time.Now().Add(time.Duration(later.Load())) },
		func(d time.Duration) { later.Store(int64(d)) }
}

// The way back is for the visit that it was made for: as a bookmark it goes to the form
// again, and not to the page that tells of a loop.
func TestABookmarkOfTheWayBack(t *testing.T) {
	clock, setLater := movable()
	w := newWorld(t, allPlatforms[0], docslogin.WithClock(clock))
	v := newVisitor(t)
	v.open(w.docs.URL + "/quickstart")
	w.fillForm(v, "no cookie")
	v.reads("Signing in did not work")
	bookmark := v.at()
	setLater(9 * time.Minute)
	v.open(bookmark)
	v.reads("Signing in did not work")
	setLater(11 * time.Minute)
	v.open(bookmark)
	v.reaches(w.URL+"/sign-in?", "Who are you?")
}

func TestAllDocsFromOneApp(t *testing.T) {
	a := newApp(t)
	v := newVisitor(t)
	var sites []*host
	for _, p := range allPlatforms {
		site, docs := newDocs(t, p, p.slug())
		path := "/" + p.slug() + "-login"
		a.wrap(a.lookup(), site.Platform(), path, toForm)
		site.SetLoginURL(a.URL + path)
		sites = append(sites, docs)
	}
	for i, docs := range sites {
		v.open(docs.URL + "/reference")
		if i == 0 {
			a.fillForm(v, "ada")
		}
		v.arrives(docs.URL+"/reference", allPlatforms[i].hello("ada"))
	}
}

func TestAUserWhoMayNotReadTheDocsSignsInAsAnother(t *testing.T) {
	each(t, firstOfShape(all), func(t *testing.T, p platform) {
		w := newWorld(t, p)
		v := newVisitor(t)
		w.signIn(v, "forbidden")
		v.open(w.docs.URL + "/quickstart?a=1")
		v.reaches(w.URL+"/docs-login?", "You may not read this documentation")
		v.tabTo("main a")
		v.press("\r")
		w.fillForm(v, "ada")
		v.arrives(w.docs.URL+"/quickstart?a=1", w.hello("ada"))
	})
}

func TestTheAppsSessionEndsBetweenTwoPages(t *testing.T) {
	each(t, firstOfShape(all), func(t *testing.T, p platform) {
		w := newWorld(t, p)
		v := newVisitor(t)
		w.overTheForm(v)
		w.setEnded("ada", true)
		// The docs have a session of their own, which goes on.
		v.click(`nav a[href="/reference"]`)
		v.arrives(w.docs.URL+"/reference", w.hello("ada"))
		w.logOut(v)
		v.click(`nav a[href="/quickstart"]`)
		w.fillForm(v, "ada")
		v.arrives(w.docs.URL+"/quickstart", w.hello("ada"))
	})
}

// Where the token says how long the docs session lasts, the app's session bounds it.
func TestTheDocsSessionEndsWithTheApps(t *testing.T) {
	each(t, func(p platform) bool { return p.sessionClaim != "" }, func(t *testing.T, p platform) {
		clock, setLater := movable()
		a := newApp(t)
		site, docs := newDocs(t, p, "docs", docslogintest.WithClock(clock))
		end := time.Now().Add(30 * time.Minute)
		forHalfAnHour := func(id string) (*docslogin.User, error) {
			return &docslogin.User{ID: id, Name: "User " + id, Email: "ada@example.com", ExpiresAt: end}, nil
		}
		a.wrap(a.lookup(forHalfAnHour), site.Platform(), "/docs-login", toForm, docslogin.WithClock(clock))
		site.SetLoginURL(a.URL + "/docs-login")
		v := newVisitor(t)
		a.signIn(v, "ada")
		v.open(docs.URL + "/quickstart")
		v.arrives(docs.URL+"/quickstart", p.hello("ada"))
		setLater(29 * time.Minute)
		v.click(`nav a[href="/changelog"]`)
		v.arrives(docs.URL+"/changelog", p.hello("ada"))
		setLater(31 * time.Minute)
		v.click(`nav a[href="/reference"]`)
		v.reaches(a.URL+"/sign-in?", "Who are you?")
	})
}
