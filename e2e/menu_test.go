package e2e_test

import (
	stdhtml "html"
	"net/url"
	"testing"
)

// These are the tests of the links on the app's own pages that log a user in to the docs and out.

// menu gives the app a page with a link to the login route.
func (w *world) menu(page string) {
	w.setPage("/menu", html(`<a id=docs href="`+stdhtml.EscapeString(w.route.LoginPath(page))+`">Docs</a>`))
}

func TestALinkInTheAppsMenuLogsIn(t *testing.T) {
	eachPlatform(t, func(t *testing.T, p platform) {
		w := newWorld(t, p)
		arrives := func(v *visitor) {
			page := "/quickstart?lang=go&q=a%26b"
			if p.keepsAnchor() {
				page += "#install"
			}
			v.arrives(w.docs.URL+w.leadsTo(page), w.hello("ada"))
		}
		v := newVisitor(t)
		path := "/quickstart?lang=go&q=a%26b#install"
		w.menu(path)
		v.open(w.URL + "/menu")
		v.click("#docs")
		w.fillForm(v, "ada")
		arrives(v)
		for _, page := range []string{path, w.docs.URL + path} { // now the user is signed in
			w.menu(page)
			w.deleteDocsCookies(v)
			v.open(w.URL + "/menu")
			before := len(w.asked("/docs-login"))
			v.click("#docs")
			arrives(v)
			if n := len(w.asked("/docs-login")) - before; n != 1 {
				t.Errorf("%s: the route is asked %d times", page, n)
			}
		}
	})
}

func TestALinkInTheAppsMenuWithoutAPage(t *testing.T) {
	each(t, firstOfShape(all), func(t *testing.T, p platform) {
		w := newWorld(t, p)
		w.menu("")
		v := newVisitor(t)
		w.signIn(v, "ada")
		v.open(w.URL + "/menu")
		v.click("#docs")
		v.arrives(w.docs.URL+"/", w.hello("ada"))
	})
}

func TestTheURLThatEndsTheDocsSession(t *testing.T) {
	eachPlatform(t, func(t *testing.T, p platform) {
		signing, _ := p.newKey()
		user := users["no key"]
		want := ""
		if hasLogout(p) {
			want = docsURL + p.logout
		}
		if got := newMiddleware(t, p.preset(docsURL, signing), &user).LogoutURL(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// loggedOut checks that the visitor is at the app's page for the docs' logout, and has no docs session.
func (w *world) loggedOut(v *visitor) {
	v.t.Helper()
	v.reaches(w.URL+"/docs-logged-out", "You are logged out of the docs")
	at := v.at()
	v.open(w.docs.URL + "/changelog")
	v.arrives(w.docs.URL+"/changelog", "Log in")
	v.open(at)
	v.reads("You are logged out of the docs")
}

// wantRequests checks how often a path was requested.
func wantRequests(t *testing.T, h *host, path string, want int) {
	t.Helper()
	if n := len(h.asked(path)); n != want {
		t.Errorf("%s was requested %d times, and not %d", path, n, want)
	}
}

// The docs' own logout leads to a page of the app, and from there back to the docs. The user is still
// signed in at the app.
func TestTheDocsLogout(t *testing.T) {
	each(t, hasLogout, func(t *testing.T, p platform) {
		w := newWorld(t, p)
		v := newVisitor(t)
		w.overTheForm(v)
		v.click(logOutButton)
		w.loggedOut(v)
		v.click("#back")
		v.arrives(w.docs.URL+"/", "Log in")
		wantRequests(t, w.docs, p.logout, 1)
		wantRequests(t, w.host, "/docs-logged-out", 2)
		v.click(`nav a[href="/quickstart"]`)
		v.arrives(w.docs.URL+"/quickstart", w.hello("ada"))
	})
}

// Anybody can make a link to a docs logout. A deep link in it leads back to that page of the docs, which
// is private, and never elsewhere.
func TestTheDocsLogoutWithADeepLink(t *testing.T) {
	each(t, hasLogout, func(t *testing.T, p platform) {
		w := newWorld(t, p)
		v := newVisitor(t)
		w.signIn(v, "ada")
		for _, tt := range []struct{ link, page string }{
			{w.docs.URL + "/reference?lang=go", "/reference?lang=go"},
			{"https://evil.example/", ""},
			{"//evil.example/", ""},
			{`/\evil.example/`, ""},
		} {
			v.open(w.entry("/quickstart"))
			v.arrives(w.docs.URL+"/quickstart", w.hello("ada"))
			v.open(w.docs.URL + p.logout + "?" + p.in + "=" + url.QueryEscape(tt.link))
			w.loggedOut(v)
			if got := eval[string](v, `document.getElementById("back").getAttribute("href")`); got != w.docs.URL+tt.page {
				t.Errorf("%s: the link back leads to %s", tt.link, got)
			}
			v.click("#back")
			if tt.page != "" {
				v.arrives(w.docs.URL+tt.page, w.hello("ada"))
			} else {
				v.arrives(w.docs.URL+"/", "Log in")
			}
		}
	})
}

// The app's sign-out ends both sessions, with one request to each page on the way.
func TestTheAppsSignOutEndsTheDocsSession(t *testing.T) {
	each(t, hasLogout, func(t *testing.T, p platform) {
		w := newWorld(t, p)
		v := newVisitor(t)
		w.overTheForm(v)
		w.signOut(v)
		v.reaches(w.URL+"/docs-logged-out", "You are logged out of the docs")
		for _, path := range []string{"/sign-out", "/docs-logged-out"} {
			wantRequests(t, w.host, path, 1)
		}
		wantRequests(t, w.docs, p.logout, 1)
		w.loggedOut(v)
		v.open(w.docs.URL + "/quickstart")
		w.fillForm(v, "ben")
		v.arrives(w.docs.URL+"/quickstart", w.hello("ben"))
	})
}

// A form-action policy on the sign-out form applies to the redirect to the docs, too.
func TestAFormActionPolicyOnTheSignOutForm(t *testing.T) {
	each(t, hasLogout, func(t *testing.T, p platform) {
		w := newWorld(t, p)
		form := func(policy string) {
			w.setPage("/account", html(`<meta http-equiv=Content-Security-Policy content="form-action `+policy+`"><form method=post action="/sign-out"><button>Sign out</button></form>`))
		}
		form("'self'")
		v := newVisitor(t)
		w.overTheForm(v)
		v.watchPolicies()
		v.open(w.URL + "/account")
		v.click("button")
		v.blocked("form-action")
		wantRequests(t, w.docs, p.logout, 0)
		v.open(w.docs.URL + "/reference")
		v.arrives(w.docs.URL+"/reference", w.hello("ada"))

		form("'self' " + w.docs.URL)
		v = newVisitor(t)
		w.overTheForm(v)
		v.open(w.URL + "/account")
		v.click("button")
		w.loggedOut(v)
	})
}
