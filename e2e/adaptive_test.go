package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/security"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/platforms"
)

// These are the tests of public docs that read the token from a cookie with every request. The docs are
// at docs.acme.localhost, and the app is at app.acme.localhost. To Chromium, acme.localhost is a site as
// example.com is.

// received returns the values of the cookie in the last request for a page of a host.
func received(h *host, page string) (values []string) {
	requests := h.asked(page)
	for _, cookie := range requests[len(requests)-1].CookiesNamed(visitorToken) {
		values = append(values, cookie.Value)
	}
	return values
}

// stored returns the cookies with the token that Chromium sends to a URL.
func (v *visitor) stored(url string) (cookies []*network.Cookie) {
	v.t.Helper()
	for _, cookie := range call(v, network.GetCookies, network.GetCookiesParams{URLs: []string{url}}).Cookies {
		if cookie.Name == visitorToken {
			cookies = append(cookies, cookie)
		}
	}
	return cookies
}

func TestASignInAtTheAppAdaptsTheDocs(t *testing.T) {
	p := adaptive()
	signing, verifying := p.newKey()
	w := newWorldWith(t, p, []docslogintest.Option{docslogintest.WithKey(signing)})
	w.setsCookie = true
	v := newVisitor(t)
	w.greetsNobody(v, "/reference")
	for _, user := range []string{"ada", "ben"} {
		w.signIn(v, user)
		w.greets(v, "/reference", user)
		values := received(w.docs, "/reference")
		if len(values) != 1 {
			t.Fatalf("the docs get the cookies %q", values)
		}
		p.judge(t, values[0], verifying, time.Now()).say(t, accepts)
	}
	if n := len(w.asked("/docs-login")); n != 0 {
		t.Errorf("the route was asked %d times", n)
	}
	for _, x := range w.asked("/sign-in") {
		if got := x.answer.Get("Cache-Control"); x.Method == http.MethodPost && got != "private, no-store, max-age=0" {
			t.Errorf("a response that sets the cookie has the Cache-Control %q", got)
		}
	}

	w.signOut(v)
	v.arrives(w.URL+"/welcome", "Welcome")
	w.greetsNobody(v, "/reference")
	if values := received(w.docs, "/reference"); values != nil {
		t.Errorf("after the sign-out, the docs get the cookies %q", values)
	}
}

func TestTheRouteAdaptsTheDocs(t *testing.T) {
	w := newWorld(t, adaptive())
	v := newVisitor(t)
	v.open(w.docs.URL + "/reference?lang=go")
	v.click("header .button")
	w.fillForm(v, "ada")
	v.arrives(w.docs.URL+"/reference?lang=go", w.hello("ada"))
	v.click(`nav a[href="/quickstart"]`)
	v.arrives(w.docs.URL+"/quickstart", w.hello("ada"))

	route := w.asked("/docs-login")
	if x := route[len(route)-1]; x.status != http.StatusFound || x.answer.Get("Location") != w.docs.URL+"/reference?lang=go" {
		t.Errorf("the route redirects with %d to %s", x.status, x.answer.Get("Location"))
	}
	var urls []string
	for _, entry := range call(v, page.GetNavigationHistory, cdp.Empty{}).Entries {
		urls = append(urls, entry.URL)
	}
	for _, x := range append(w.asked(""), w.docs.asked("")...) {
		urls = append(urls, x.URL.String(), x.Header.Get("Referer"), x.answer.Get("Location"))
	}
	for _, u := range urls {
		if strings.Contains(u, "eyJ") {
			t.Errorf("a URL contains the token: %s", u)
		}
	}
	for _, at := range []string{w.docs.URL + "/quickstart", w.URL + "/welcome"} {
		v.open(at)
		// The second is the interface for cookies that browsers have besides document.cookie.
		for _, reads := range []string{"document.URL + document.referrer + document.cookie", "cookieStore.getAll().then((all) => JSON.stringify(all))"} {
			if got := eval[string](v, reads); strings.Contains(got, visitorToken) || strings.Contains(got, "eyJ") {
				t.Errorf("at %s, a script reads %s", at, got)
			}
		}
	}
}

func TestTheCookieInChromium(t *testing.T) {
	w := newWorld(t, adaptive())
	v := newVisitor(t)
	w.overTheForm(v)
	cookies := v.stored(w.docs.URL)
	if len(cookies) != 1 {
		t.Fatalf("Chromium has %d cookies", len(cookies))
	}
	got := *cookies[0]
	if in := time.Until(time.Unix(int64(got.Expires), 0)); in < 59*time.Minute || in > time.Hour {
		t.Errorf("the cookie expires in %v", in)
	}
	got.Value, got.Expires, got.Size, got.SourcePort = "", 0, 0, 0
	want := network.Cookie{
		Name: visitorToken, Domain: ".acme.localhost", Path: "/", HTTPOnly: true, SameSite: network.CookieSameSiteLax,
		Priority: network.CookiePriorityMedium, SourceScheme: network.CookieSourceSchemeNonSecure,
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// The token and the cookie expire together.
func TestTheCookieExpires(t *testing.T) {
	const lifetime = 5 * time.Second
	w := newWorld(t, adaptive(), docslogin.WithSessionTTL(lifetime))
	v := newVisitor(t)
	w.overTheForm(v)
	time.Sleep(lifetime + time.Second)
	w.greetsNobody(v, "/quickstart")
	if values := received(w.docs, "/quickstart"); values != nil {
		t.Errorf("the docs get the cookies %q", values)
	}
}

// A browser whose clock is slow still has the cookie. Another login replaces it.
func TestTheDocsGetATokenThatHasExpired(t *testing.T) {
	clock, setLater := movable()
	w := newWorldWith(t, adaptive(), []docslogintest.Option{docslogintest.WithClock(clock)}, docslogin.WithClock(clock))
	v := newVisitor(t)
	w.overTheForm(v)
	setLater(59 * time.Minute)
	w.greets(v, "/reference", "ada")
	setLater(61 * time.Minute)
	w.greetsNobody(v, "/reference")
	if values := received(w.docs, "/reference"); len(values) != 1 {
		t.Errorf("the docs get the cookies %q", values)
	}
	v.click("header .button")
	v.arrives(w.docs.URL+"/reference", w.hello("ada"))
}

// Browsers prefer Max-Age to Expires, so the clock of the visitor's computer does not matter.
func TestTheVisitorsClockIsWrong(t *testing.T) {
	for name, later := range map[string]time.Duration{"two days ahead": -48 * time.Hour, "two days behind": 48 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			clock, setLater := movable()
			setLater(later)
			w := newWorldWith(t, adaptive(), []docslogintest.Option{docslogintest.WithClock(clock)}, docslogin.WithClock(clock))
			v := newVisitor(t)
			w.overTheForm(v)
			for _, cookie := range v.stored(w.docs.URL) {
				if in := time.Until(time.Unix(int64(cookie.Expires), 0)); in < 59*time.Minute || in > time.Hour {
					t.Errorf("the cookie expires in %v", in)
				}
			}
		})
	}
}

// New rejects the domains with which the cookie does not reach the docs in Chromium.
func TestDomainsOfTheCookie(t *testing.T) {
	for _, tt := range []struct {
		name, app, domain string
		reaches           bool
	}{
		{"the parent domain", "app.acme", "acme.localhost", true},
		{"the parent domain with a dot in front", "app.acme", ".acme.localhost", true},
		{"the parent domain, which is the app's host", "acme", "acme.localhost", true},
		{"the parent domain of a host further down", "eu.app.acme", "acme.localhost", true},
		{"no domain", "app.acme", "", false},
		{"a domain without a dot", "app.acme", "localhost", false},
		{"the app's host", "app.acme", "app.acme.localhost", false},
		{"the docs' host", "app.acme", "docs.acme.localhost", false},
		{"another domain", "app.acme", "other.localhost", false},
		{"the end of a name", "app.acme", "me.localhost", false},
		{"the docs' parent domain, and an app on another site", "app.other", "acme.localhost", false},
		{"the app's parent domain, and an app on another site", "app.other", "other.localhost", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, adaptive())
			token, err := w.route.Token(t.Context(), newUser("ada"))
			if err != nil {
				t.Fatal(err)
			}
			app := newHost(t, tt.app, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				domain := ""
				if tt.domain != "" {
					domain = "; Domain=" + tt.domain
				}
				w.Header().Set("Set-Cookie", visitorToken+"="+token+"; Path=/; HttpOnly; SameSite=Lax"+domain)
				fmt.Fprint(w, "set")
			}))
			v := newVisitor(t)
			v.open(app.URL)
			v.reads("set")
			if tt.reaches {
				w.greets(v, "/quickstart", "ada")
			} else {
				w.greetsNobody(v, "/quickstart")
			}

			_, err = docslogin.New(w.lookup(), platforms.GitBookAdaptive(w.docs.URL, tt.domain, "the secret of the docs"), toForm, docslogin.WithExternalURL(app.URL))
			if (err == nil) != tt.reaches || err != nil && !strings.Contains(err.Error(), "Platform.Carrier") {
				t.Errorf("New returns %v", err)
			}
		})
	}
}

// A script on a page of the docs sets a second cookie of that name, as in GitBook's issue #3859. The docs
// get both, and the order decides which one GitBook reads. The test site rejects both.
func TestASecondCookieOfThatName(t *testing.T) {
	const other = "0c7d3b6e-2f0a-4c55-9b0e-6a1f5f0f3d11"
	for _, tt := range []struct {
		name, attributes string
		first            bool     // it is set before the login
		gets             []string // what the docs get: the "token", or the "other" cookie
	}{
		{"for the docs' host, later", "; path=/", false, []string{"token", "other"}},
		{"for the docs' host, earlier", "; path=/", true, []string{"other", "token"}},
		{"for the page's path, later", "; path=/quickstart", false, []string{"other", "token"}},
		{"for the page's path, earlier", "; path=/quickstart", true, []string{"other", "token"}},
		{"for the path of another page", "; path=/reference", false, []string{"token"}},
		{"for the parent domain, later", "; path=/; domain=acme.localhost", false, []string{"token"}}, // a script cannot replace an HttpOnly cookie
		{"for the parent domain, earlier", "; path=/; domain=acme.localhost", true, []string{"token"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, adaptive())
			v := newVisitor(t)
			if !tt.first {
				w.overTheForm(v)
			}
			v.open(w.docs.URL + "/")
			eval[string](v, fmt.Sprintf("document.cookie = %q", visitorToken+"="+other+tt.attributes))
			if tt.first {
				v.open(w.entry("/"))
				w.fillForm(v, "ada")
				v.reaches(w.docs.URL + "/")
			}
			v.open(w.docs.URL + "/quickstart")
			v.arrives(w.docs.URL + "/quickstart")

			var gets []string
			for _, value := range received(w.docs, "/quickstart") {
				if value != other {
					value = "token"
				} else {
					value = "other"
				}
				gets = append(gets, value)
			}
			if !slices.Equal(gets, tt.gets) {
				t.Errorf("the docs get %q", gets)
			}
			requests := w.docs.asked("/quickstart")
			header := requests[len(requests)-1].Header.Get("Cookie")
			read := ask[string](t, "readCookie", map[string]any{"header": header, "name": visitorToken})
			if last := tt.gets[len(tt.gets)-1]; (read == other) != (last == "other") {
				t.Errorf("of %q, Next.js reads %s", tt.gets, read)
			}
			if len(tt.gets) == 1 {
				v.reads(w.hello("ada"))
				return
			}
			v.reads("Login rejected", "Rule cookie")
			eval[string](v, fmt.Sprintf("document.cookie = %q", visitorToken+"="+tt.attributes+"; max-age=0"))
			w.greets(v, "/quickstart", "ada")
		})
	}
}

// A sign-out does not remove a second cookie, with which the docs still know the reader.
func TestASignOutLeavesASecondCookie(t *testing.T) {
	w := newWorld(t, adaptive())
	token, err := w.route.Token(t.Context(), newUser("ben"))
	if err != nil {
		t.Fatal(err)
	}
	v := newVisitor(t)
	w.overTheForm(v)
	eval[string](v, fmt.Sprintf("document.cookie = %q", visitorToken+"="+token+"; path=/"))
	w.signOut(v)
	v.arrives(w.URL+"/welcome", "Welcome")
	w.greets(v, "/quickstart", "ben")
}

// lengthy is an app that adds as many bytes to the token as size says.
func lengthy(size *atomic.Int64) docslogin.Option {
	return docslogin.WithClaimsMapper(func(_ context.Context, _ *docslogin.User, claims docslogin.Claims) error {
		claims["bio"] = strings.Repeat("x", int(size.Load()))
		return nil
	})
}

// The longest cookie that the route sets reaches the docs. One byte more is an error page, and not a
// cookie that the browser may drop. Not every length of a token is possible, so this test has two lengths
// of Max-Age.
func TestTheLongestCookie(t *testing.T) {
	var kept, rejected bool
	for _, lifetime := range []time.Duration{time.Hour, 20 * time.Hour} {
		var size atomic.Int64
		w := newWorld(t, adaptive(), lengthy(&size), docslogin.WithSessionTTL(lifetime))
		set := func() (cookie string, err error) {
			r := httptest.NewRecorder()
			err = w.route.SetCookie(t.Context(), r, newUser("ada"))
			return r.Header().Get("Set-Cookie"), err
		}
		longest, err := set()
		for next := longest; err == nil; size.Add(1) {
			longest = next
			next, err = set()
		}
		size.Add(-1) // the first that is rejected
		if !errors.As(err, new(*docslogin.LoginError)) {
			t.Fatal(err)
		}
		kept = kept || len(longest) == 4095
		rejected = rejected || strings.Contains(err.Error(), "the cookie is 4096 bytes long")

		v := newVisitor(t)
		w.signIn(v, "ada")
		v.open(w.entry("/quickstart"))
		v.reads("Your account is too large for the documentation")
		w.greetsNobody(v, "/quickstart")
		size.Add(-1)
		v.open(w.entry("/quickstart"))
		v.arrives(w.docs.URL+"/quickstart", w.hello("ada"))
		if x := w.asked("/docs-login"); len(x[len(x)-1].answer.Get("Set-Cookie")) != len(longest) {
			t.Errorf("the cookie is %d bytes long, and not %d", len(x[len(x)-1].answer.Get("Set-Cookie")), len(longest))
		}
	}
	if !kept || !rejected {
		t.Errorf("a cookie of 4,095 bytes is tested: %v; of 4,096 bytes: %v", kept, rejected)
	}
}

// With SameSite=Lax, a link on another site leads to adapted docs. Other requests that another site
// causes do not carry the token, and those of another host under the domain do.
func TestWhichRequestsCarryTheCookie(t *testing.T) {
	w := newWorld(t, adaptive())
	v := newVisitor(t)
	w.overTheForm(v)
	for _, tt := range []struct{ name, html string }{
		{"a link", `<a id=go href="%s">Docs</a>`},
		{"a form", `<form action="%s"><button id=go>Docs</button></form>`},
		{"a form that posts", `<form method=post action="%s"><button id=go>Docs</button></form>`},
		{"an image", `<img src="%s">`},
		{"a frame", `<iframe src="%s"></iframe>`},
		{"a script", `<script src="%s"></script>`},
		{"a style sheet", `<link rel=stylesheet href="%s">`},
		{"a fetch", `<script>fetch("%s", {mode: "no-cors", credentials: "include"})</script>`},
		{"a prefetch", `<link rel=prefetch href="%s">`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := "/from/" + strings.ReplaceAll(tt.name, " ", "-")
			content := static(fmt.Sprintf(tt.html, w.docs.URL+path))
			for _, from := range []struct {
				name    string
				carries bool
			}{
				{"blog", tt.name == "a link" || tt.name == "a form"}, {"status.acme", true},
			} {
				page, before := newHost(t, from.name, content), len(w.docs.asked(path))
				v := &visitor{t, v.ctx}
				v.open(page.URL)
				if strings.Contains(tt.html, "id=go") {
					v.click("#go")
				}
				v.waits("the request", func() bool { return len(w.docs.asked(path)) > before })
				if got := received(w.docs, path); (len(got) == 1) != from.carries || len(got) > 1 {
					t.Errorf("from %s: the docs get the cookies %q", from.name, got)
				}
				if got := received(page, "/"); (len(got) == 1) != (from.name == "status.acme") {
					t.Errorf("%s gets the cookies %q", from.name, got)
				}
			}
		})
	}
}

// Browsers store cookies of images and scripts, too. A page that loads the route in every way that
// lazyLoads knows gets no cookie.
func TestNothingSetsTheCookieWithoutAClick(t *testing.T) {
	w := newWorld(t, adaptive())
	var content strings.Builder
	for _, load := range lazyLoads() {
		content.WriteString(load.page(w.loginURL("/quickstart")))
	}
	w.setPage("/page", html(content.String()))
	v := newVisitor(t)
	w.signIn(v, "ada")
	for _, at := range []*host{w.host, newHost(t, "blog", static(content.String()))} {
		before := len(w.outcomes())
		v.open(at.URL + "/page")
		v.waits("ten requests", func() bool { return len(w.outcomes()) >= before+10 })
		time.Sleep(200 * time.Millisecond) // for a cookie that should not come
		if cookies := v.stored(w.docs.URL); cookies != nil {
			t.Errorf("from %s: Chromium has the cookies %+v", at.URL, cookies)
		}
	}
	if n := w.count(docslogin.OutcomeLoggedIn); n != 0 {
		t.Errorf("%d logins", n)
	}
	w.greetsNobody(v, "/quickstart")
}

// The docs and the app are on the same site, so a session cookie that is SameSite=Strict suffices.
func TestAStrictSessionCookieAtAdaptiveDocs(t *testing.T) {
	w := newWorld(t, adaptive())
	w.store.Options.SameSite = http.SameSiteStrictMode
	v := newVisitor(t)
	w.signIn(v, "ada")
	v.open(w.docs.URL + "/quickstart")
	v.click("header .button")
	v.arrives(w.docs.URL+"/quickstart", w.hello("ada"))
}

// Fern reads its token from a cookie, too. Its private pages lead to the login route.
func TestPrivateDocsThatReadTheCookie(t *testing.T) {
	p := allPlatforms[slices.IndexFunc(allPlatforms, func(p platform) bool { return p.name == "Fern" })]
	p.query, p.cookie = "", "fern_token"
	w := &world{app: newAppAt(t, p.hostName("app")), platform: p}
	w.site, w.docs = newDocs(t, p, "docs")
	preset := w.site.Platform()
	preset.Carrier = docslogin.InCookie("fern_token", "acme.localhost")
	preset.Callback, preset.DeepLink.Out = "", ""
	w.wrap(w.lookup(), preset, "/docs-login", toForm)
	w.site.SetLoginURL(w.URL + "/docs-login")
	w.site.SetLogoutURL(w.URL + "/docs-logged-out")

	v := newVisitor(t)
	v.open(w.docs.URL + "/quickstart?lang=go#install")
	w.fillForm(v, "ada")
	v.arrives(w.docs.URL+"/quickstart?lang=go#install", w.hello("ada"))
	v.click(`nav a[href="/reference"]`)
	v.arrives(w.docs.URL+"/reference", w.hello("ada"))
	for _, x := range w.docs.asked("") {
		if strings.Contains(x.URL.String()+x.body, "eyJ") {
			t.Errorf("the token is in the request for %s", x.URL)
		}
	}
	w.signOut(v)
	v.reaches(w.URL+"/docs-logged-out", "You are logged out of the docs")
	v.open(w.docs.URL + "/reference")
	w.fillForm(v, "ben")
	v.arrives(w.docs.URL+"/reference", w.hello("ben"))
}

// The cookie has Secure if the docs are on https.
func TestTheCookieOverHTTPS(t *testing.T) {
	p := adaptive()
	site := p.site()
	t.Cleanup(site.Close)
	w := &world{app: newAppAt(t, p.hostName("app")), platform: p, site: site}
	w.docs = newHostOn(t, p.hostName("docs"), pass(t, site.URL), startTLS)
	site.URL = w.docs.URL
	w.host = newHostOn(t, p.hostName("app"), pass(t, w.address), startTLS)
	w.wrap(w.lookup(), site.Platform(), "/docs-login", toForm, docslogin.WithExternalURL(w.URL))
	site.SetLoginURL(w.URL + "/docs-login")

	v := newVisitor(t)
	call(v, security.SetIgnoreCertificateErrors, security.SetIgnoreCertificateErrorsParams{Ignore: true})
	v.open(w.docs.URL + "/quickstart")
	v.click("header .button")
	w.fillForm(v, "ada")
	v.arrives(w.docs.URL+"/quickstart", w.hello("ada"))
	if cookies := v.stored(w.docs.URL); len(cookies) != 1 || !cookies[0].Secure || !cookies[0].HTTPOnly {
		t.Errorf("Chromium has the cookies %+v", cookies)
	}
	w.signOut(v)
	v.arrives(w.URL+"/welcome", "Welcome")
	w.greetsNobody(v, "/quickstart")
}

// startTLS is httptest.NewTLSServer without a log, in which Chromium's complaint about the certificate
// would appear.
func startTLS(handler http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	return server
}

// setCookie is a Set-Cookie header as Node's tough-cookie reads it, and the URLs to which its jar sends
// the cookie.
type setCookie struct {
	Name, Value, Domain, Path, SameSite string
	Secure, HTTPOnly                    bool
	MaxAge, Expires                     int64
	SentTo                              []string
}

func TestWhatNodeReadsFromTheCookie(t *testing.T) {
	p := adaptive()
	signing, _ := p.newKey()
	for _, tt := range []struct {
		docs, app, domain string
		secure            bool
		urls, sentTo      []string
	}{
		{
			docsURL, "https://app.example.com", "example.com", true,
			[]string{docsURL + "/a/b", "https://app.example.com/", "https://example.com/", "http://docs.example.com/", "https://docs.example.org/", "https://example.com.example.org/"},
			[]string{docsURL + "/a/b", "https://app.example.com/", "https://example.com/"},
		},
		{
			"http://docs.acme.localhost:8081", "http://app.acme.localhost:8080", "acme.localhost", false,
			[]string{"http://docs.acme.localhost:8081/a", "http://docs.localhost:8081/a", "http://acme.localhost/"},
			[]string{"http://docs.acme.localhost:8081/a", "http://acme.localhost/"},
		},
	} {
		m := newMiddleware(t, p.preset(tt.docs, signing), newUser("ada"), docslogin.WithExternalURL(tt.app))
		d := login(t, m)
		if len(d.SetCookies) != 1 || d.URL != tt.docs {
			t.Fatalf("the login is %+v", d)
		}
		got := ask[setCookie](t, "cookie", map[string]any{"header": d.SetCookies[0], "setBy": tt.app + "/docs-login", "urls": tt.urls})
		want := setCookie{
			visitorToken, p.tokenIn(d), tt.domain, "/", "lax", tt.secure, true,
			3600, noon.Add(time.Hour).Unix(), tt.sentTo,
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
}
