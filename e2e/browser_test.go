package e2e_test

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

func TestTheTokenStaysOutOfSight(t *testing.T) {
	eachPlatform(t, func(t *testing.T, p platform) {
		w := newWorld(t, p)
		v := newVisitor(t)
		// The way leads over the sign-in form and the docs page.
		w.overTheForm(v)

		for _, entry := range call(v, page.GetNavigationHistory, cdp.Empty{}).Entries {
			if strings.Contains(entry.URL, "eyJhbGciOi") {
				t.Errorf("the history contains the token: %s", entry.URL)
			}
		}
		for _, r := range w.docs.asked("") {
			// The docs' own pages do not send one, so it would come from the app.
			if referer := r.Header.Get("Referer"); referer != "" {
				t.Errorf("%s %s has the Referer %q", r.Method, r.URL.Path, referer)
			}
		}
		inURLs, inBodies := 0, 0
		inCookies := 0
		for _, r := range append(w.asked(""), w.docs.asked("")...) {
			for name, values := range r.Header {
				switch n := strings.Count(strings.Join(values, " "), "eyJhbGciOi"); {
				case name == "Cookie" && p.cookie != "":
					inCookies += n
				case n != 0:
					t.Errorf("%s %s has the token in its header %s", r.Method, r.URL.Path, name)
				}
			}
			inURLs += strings.Count(r.URL.String(), "eyJhbGciOi")
			inBodies += strings.Count(r.body, "eyJhbGciOi")
		}
		// A fragment does not reach a server: the docs' own script posts it.
		wantURLs, wantBodies, wantCookies := 0, 1, 0
		switch {
		case p.query != "":
			wantURLs, wantBodies = 1, 0
		case p.cookie != "": // of the one request after the route
			wantBodies, wantCookies = 0, 1
		}
		if inURLs != wantURLs || inBodies != wantBodies || inCookies != wantCookies {
			t.Errorf("the token is %d times in a URL, %d times in a body, and %d times in a cookie, want %d, %d, and %d", inURLs, inBodies, inCookies, wantURLs, wantBodies, wantCookies)
		}
		if logins := w.site.Logins(); len(logins) != 1 {
			t.Errorf("%d logins", len(logins))
		}
	})
}

// speculation is a rule that lets browsers load a URL before a click.
func speculation(kind, url string) string {
	return fmt.Sprintf(`<script type=speculationrules>{%q: [{"source": "list", "urls": [%q], "eagerness": "immediate"}]}</script>`, kind, url)
}

// lazyLoad is HTML that makes Chromium load the login route without a click.
type lazyLoad struct {
	name     string
	page     func(login string) string
	want     docslogin.Outcome
	stranger bool // whether Chromium also loads it from another site, for a visitor who has cookies of the app
	renders  bool // whether Chromium would render the response, and so send a form in it
}

func lazyLoads() []lazyLoad {
	const speculative, embedded, method = docslogin.OutcomeSpeculative, docslogin.OutcomeEmbedded, docslogin.OutcomeMethod
	return []lazyLoad{
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
		{"a WebSocket", func(login string) string {
			return `<script>new WebSocket("` + strings.Replace(login, "http", "ws", 1) + `")</script>`
		}, embedded, true, false},
		{"an event source", func(login string) string {
			return `<script>new EventSource("` + login + `", {withCredentials: true})</script>`
		}, embedded, true, false},
		{"a beacon", func(login string) string { return `<script>navigator.sendBeacon("` + login + `", "")</script>` }, method, true, false},
	}
}

// The HTML is on a page of the app, to which Chromium sends the session cookie, and on a page of
// another site. Nothing is signed until the visitor clicks the link to the docs. For the cookie, see
// TestNothingSetsTheCookieWithoutAClick.
func TestNothingIsSignedWithoutAClick(t *testing.T) {
	for _, tt := range lazyLoads() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			each(t, firstOfShape(func(p platform) bool { return p.shape() == "query" || tt.renders && p.form != "" }), func(t *testing.T, p platform) {
				w := newWorld(t, p)
				content := tt.page(w.loginURL("/quickstart")) + w.toDocs()
				w.setPage("/page", html(content))
				stranger := newHost(t, "stranger", static(content))
				for _, signedIn := range []bool{true, false} {
					v := newVisitor(t)
					if signedIn {
						w.signIn(v, "ada")
					}
					lazyVisit{w.URL + "/page", signedIn, true, tt.want}.check(v, w)
					if signedIn {
						w.clickDocs(v, signedIn)
					}
					lazyVisit{stranger.URL + "/page", signedIn, tt.stranger || !signedIn, tt.want}.check(v, w)
					w.clickDocs(v, signedIn)
				}
			})
		})
	}
}

// lazyVisit is a visit of a page that may load the login route without a click.
type lazyVisit struct {
	page     string
	signedIn bool
	loads    bool
	want     docslogin.Outcome // of what it loads
}

// check visits the page, and checks that this is not a login.
func (l lazyVisit) check(v *visitor, w *world) {
	v.t.Helper()
	before, logins := len(w.outcomes()), len(w.site.Logins())
	v.open(l.page)
	v.reads("Docs")
	if l.loads {
		l.wait(v, func() bool { return len(w.outcomes()) > before })
	}
	time.Sleep(200 * time.Millisecond) // for requests that should not come
	for _, outcome := range w.outcomes()[before:] {
		if outcome != l.want {
			v.t.Errorf("%+v: %s", l, outcome)
		}
	}
	for _, x := range w.asked("/docs-login")[before:] {
		if x.status != 403 && x.status != 405 {
			v.t.Errorf("%+v: status %d", l, x.status)
		}
	}
	if n := len(w.site.Logins()) - logins; n != 0 {
		v.t.Errorf("%+v: %d logins without a click", l, n)
	}
}

// clickDocs clicks the link to the docs on the page, and checks that this is a login.
func (w *world) clickDocs(v *visitor, signedIn bool) {
	v.t.Helper()
	page, logins := v.at(), len(w.site.Logins())
	v.click("#docs")
	if !signedIn {
		w.fillForm(v, "ada")
	}
	v.arrives(w.docs.URL+"/quickstart", w.hello("ada"))
	if n := len(w.site.Logins()) - logins; n != 1 {
		v.t.Errorf("%s: %d logins after the click", page, n)
	}
}

// wait waits until the page has loaded the route. It opens the page again now and then: to a busy
// browser a prefetch is only a hint, which it may forget.
func (l lazyVisit) wait(v *visitor, loaded func() bool) {
	v.t.Helper()
	again := time.Now().Add(patience / 4)
	v.waits("the request", func() bool {
		if time.Now().After(again) {
			again = time.Now().Add(patience / 4)
			v.open(l.page)
		}
		return loaded()
	})
}

// overTheForm begins a login to a page of the docs, signs in, and comes to the page.
func (w *world) overTheForm(v *visitor) {
	v.t.Helper()
	v.open(w.entry("/quickstart"))
	w.fillForm(v, "ada")
	v.arrives(w.docs.URL+w.leadsTo("/quickstart"), w.hello("ada"))
}

// An anchor in the deep link is kept, unless the token replaces it.
func TestAnAnchorInTheLinkSurvivesTheForm(t *testing.T) {
	each(t, firstOfShape(all), func(t *testing.T, p platform) {
		w := newWorld(t, p)
		v := newVisitor(t)
		v.open(strings.Replace(w.loginURL("/reference"), "reference", "reference%3Fa%3D1%23auth", 1))
		w.fillForm(v, "ada")
		want := w.docs.URL + "/reference?a=1"
		if p.keepsAnchor() {
			want += "#auth"
		}
		v.arrives(want, p.hello("ada"))
	})
}

// An anchor that the docs did not put into the deep link stays in the browser over all redirects, and
// over the sign-in form, unless the token replaces it or a form carries the token. Public docs do not
// redirect.
func TestAnAnchorInTheAddressBar(t *testing.T) {
	each(t, firstOfShape(private), func(t *testing.T, p platform) {
		w := newWorld(t, p)
		want := w.docs.URL + "/reference?lang=go"
		if p.query != "" {
			want += "#auth"
		}
		v := newVisitor(t)
		w.signIn(v, "ada")
		v.open(w.docs.URL + "/reference?lang=go#auth")
		v.arrives(want, p.hello("ada"))

		v = newVisitor(t)
		v.open(w.docs.URL + "/reference?lang=go#auth")
		w.fillForm(v, "ada")
		v.arrives(want, p.hello("ada"))
	})
}

// A form without an action posts to the page's own URL, which has the anchor.
func TestAnAnchorInTheAddressBarAndTheForm(t *testing.T) {
	for _, tt := range []struct{ form, change, lands string }{
		{"without an action", `removeAttribute("action")`, "/reference#auth"},
		{"with an action", `setAttribute("action", "/sign-in" + location.search)`, "/reference"},
	} {
		t.Run(tt.form, func(t *testing.T) {
			w := newWorld(t, allPlatforms[0])
			v := newVisitor(t)
			v.open(w.docs.URL + "/reference#auth")
			v.reaches(w.URL+"/sign-in?", "Who are you?")
			eval[bool](v, "document.forms[0]."+tt.change+" === undefined")
			v.click(button("ada"))
			v.arrives(w.docs.URL+tt.lands, w.hello("ada"))
		})
	}
}

// logOutButton is the docs' own.
const logOutButton = `header form button, header a[href$="/logout"]`

// deleteDocsCookies ends the visitor's docs session without a request.
func (w *world) deleteDocsCookies(v *visitor) {
	v.t.Helper()
	for _, cookie := range call(v, network.GetCookies, network.GetCookiesParams{URLs: []string{w.docs.URL}}).Cookies {
		call(v, network.DeleteCookies, network.DeleteCookiesParams{Name: cookie.Name, Domain: cookie.Domain})
	}
}

// logOut ends the visitor's docs session.
func (w *world) logOut(v *visitor) {
	v.t.Helper()
	if w.cookie != "" { // only the app ends these sessions
		w.deleteDocsCookies(v)
		w.greetsNobody(v, "/")
		return
	}
	v.open(w.docs.URL + "/changelog")
	v.click(logOutButton)
	if hasLogout(w.platform) {
		v.reaches(w.URL + "/docs-logged-out")
		v.click("#back")
	}
	v.arrives(w.docs.URL+"/", "Log in")
}

func TestTwoVisitsReachTheAppTwice(t *testing.T) {
	eachPlatform(t, func(t *testing.T, p platform) {
		w := newWorld(t, p)
		v := newVisitor(t)
		w.signIn(v, "ada")
		for range 2 {
			v.open(w.entry("/quickstart"))
			v.arrives(w.docs.URL+w.leadsTo("/quickstart"), w.hello("ada"))
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
		blog := newHost(t, "blog", static(`<a id=docs href="`+w.entry("/quickstart")+`">Docs</a>`))
		v.open(blog.URL + "/")
		v.click("#docs")
		w.fillForm(v, "ada")
		v.arrives(w.docs.URL+"/quickstart", w.hello("ada"))

		run(v, chromedp.Reload())
		v.arrives(w.docs.URL+"/quickstart", w.hello("ada"))
		if n := w.count(docslogin.OutcomeLoggedIn); n != 1 {
			t.Errorf("after a reload, %d logins", n)
		}
		// One step back is the form, two steps back is the page before it. There is no token and no loop.
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
		// The visitor can sign in on the form again, from the history.
		v.travel(-1)
		w.fillForm(v, "ben")
		v.arrives(w.docs.URL+"/quickstart", w.hello("ben"))
		if n := w.count(docslogin.OutcomeLoop); n != 0 {
			t.Errorf("%d loop pages", n)
		}
	})
}

// With SameSite=Strict, every visit from the docs looks signed out. The visitor gets the form each
// time, and can sign in there, since the form is on the app. Docs that share a domain with the app are
// on the same site.
func TestAStrictSessionCookie(t *testing.T) {
	each(t, firstOfShape(private), func(t *testing.T, p platform) {
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
		// From the address bar, or from a page of the app, the route gets the cookie.
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

// The policy applies to all redirects after the form: to the app's route and on to the docs. It
// does not apply to the route's own form.
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
		v.open(w.entry("/quickstart"))
		w.fillForm(v, "ada")
		v.blocked("form-action")
		v.reaches(w.URL + "/sign-in?") // where the visitor stays
		if n := len(w.site.Logins()); n != 0 {
			t.Errorf("%d logins in spite of the policy", n)
		}

		w.setFormAction("'self' " + w.docs.URL) // as the documentation says
		v = newVisitor(t)
		w.overTheForm(v)
	})
}

// If another host takes the token, the redirects lead over that host, too.
func TestAFormActionPolicyMustNameTheHostThatTakesTheToken(t *testing.T) {
	each(t, func(p platform) bool { return p.query != "" && strings.HasPrefix(p.callback, "https:") }, func(t *testing.T, p platform) {
		docs := newHost(t, "docs", static("<h1>Here</h1>"))
		takes := newHost(t, "takes", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, cmp.Or(r.FormValue(p.out), docs.URL+"/"), http.StatusFound)
		}))
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
		v.arrives(docs.URL+p.leadsTo("/quickstart"), "Here")
	})
}

// movable returns a clock, and a func that sets it ahead.
func movable() (clock func() time.Time, setLater func(time.Duration)) {
	var later atomic.Int64
	return func() time.Time { return time.Now().Add(time.Duration(later.Load())) },
		func(d time.Duration) { later.Store(int64(d)) }
}

// A bookmark of the return URL leads to the form again after ten minutes, not to the page for a
// redirect loop.
func TestABookmarkOfTheReturnURL(t *testing.T) {
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
	a := newAppAt(t, "app.acme") // which shares a domain with the docs that need that
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
		v.open(allPlatforms[i].entry(t, docs.URL+"/reference"))
		if i == 0 {
			a.fillForm(v, "ada")
		}
		v.arrives(docs.URL+allPlatforms[i].leadsTo("/reference"), allPlatforms[i].hello("ada"))
	}
}

func TestAUserWhoMayNotReadTheDocsSignsInAsAnotherUser(t *testing.T) {
	each(t, firstOfShape(all), func(t *testing.T, p platform) {
		w := newWorld(t, p)
		v := newVisitor(t)
		w.signIn(v, "forbidden")
		v.open(w.entry("/quickstart?a=1"))
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
		// The docs session continues.
		v.click(`nav a[href="/reference"]`)
		v.arrives(w.docs.URL+"/reference", w.hello("ada"))
		w.logOut(v)
		v.open(w.entry("/quickstart"))
		w.fillForm(v, "ada")
		v.arrives(w.docs.URL+"/quickstart", w.hello("ada"))
	})
}

// If the token says how long the docs session lasts, it ends with the app's session. On public docs the
// reader is then anonymous: see TestTheCookieExpires.
func TestTheDocsSessionEndsWithTheApps(t *testing.T) {
	each(t, func(p platform) bool { return p.sessionClaim != "" && private(p) }, func(t *testing.T, p platform) {
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
		v.arrives(docs.URL+p.leadsTo("/quickstart"), p.hello("ada"))
		setLater(29 * time.Minute)
		v.click(`nav a[href="/changelog"]`)
		v.arrives(docs.URL+"/changelog", p.hello("ada"))
		setLater(31 * time.Minute)
		v.click(`nav a[href="/reference"]`)
		v.reaches(a.URL+"/sign-in?", "Who are you?")
	})
}
