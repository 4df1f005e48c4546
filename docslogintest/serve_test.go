package docslogintest_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/internal/presets"
	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/internal/testkit"
)

// set sets a claim after the platform's mapper.
func set(name string, value any) docslogin.Option {
	return docslogin.WithClaimsMapper(func(_ context.Context, _ *docslogin.User, c docslogin.Claims) error {
		c[name] = value
		return nil
	})
}

// late is the clock of an app that is behind.
func late(by time.Duration) docslogin.Option {
	return docslogin.WithClock(func() time.Time { return time.Now().Add(-by) })
}

// tokenTo returns the login URL of ada without a deep link.
func tokenTo(t *testing.T, site *docslogintest.Site) string {
	t.Helper()
	to, err := newLogin(t, site.Platform()).LoginURL(context.Background(), ada, "")
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// sent returns where the login route sends ada, who comes from the site: a URL, or the
// action of a form and its fields.
func sent(t *testing.T, site *docslogintest.Site) (to string, form url.Values) {
	t.Helper()
	login := newLogin(t, site.Platform())
	site.SetLoginURL("http://127.0.0.1:1" + login.Path())
	resp, _ := get(t, noRedirects(), site.URL+"/quickstart")
	to = testkit.Sent(t, testkit.Get(t, login, resp.Header.Get("Location")))
	action, isForm := strings.CutPrefix(to, "POST ")
	if !isForm {
		return to, nil
	}
	action, fields, _ := strings.Cut(action, " ")
	form, err := url.ParseQuery(fields)
	if err != nil {
		t.Fatal(err)
	}
	return action, form
}

// postForm returns the site's response to a form, and the rule by which it rejects it.
func postForm(t *testing.T, site *docslogintest.Site, action, form string) (resp *http.Response, rule string) {
	t.Helper()
	before := len(site.Rejections())
	resp, _ = post(t, noRedirects(), action, "application/x-www-form-urlencoded", form)
	if rejections := site.Rejections(); len(rejections) > before {
		rule = rejections[before].Rule
	}
	return resp, rule
}

// arrive sends the site a valid token with a deep link that the middleware would not send,
// and returns where the login leads.
func arrive(t *testing.T, site *docslogintest.Site, param, link string) string {
	t.Helper()
	to, form := sent(t, site)
	var resp *http.Response
	if form != nil {
		form.Set(param, link)
		resp, _ = postForm(t, site, to, form.Encode())
	} else {
		u, err := url.Parse(to)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		q.Set(param, link)
		u.RawQuery = q.Encode()
		resp, _ = get(t, noRedirects(), u.String())
	}
	if resp.StatusCode != http.StatusFound || resp.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%s=%q: status %d, %v", param, link, resp.StatusCode, resp.Header)
	}
	if len(resp.Cookies()) != 1 || !resp.Cookies()[0].HttpOnly || resp.Cookies()[0].SameSite != http.SameSiteLaxMode {
		t.Errorf("cookies: %v", resp.Cookies())
	}
	return resp.Header.Get("Location")
}

// A rejectionTest is a change to the app by which the site rejects its tokens.
type rejectionTest struct {
	name      string
	change    func(*docslogin.Platform) // of the preset, or nil
	opt       docslogin.Option          // or nil
	rule, why string
}

func checkRejections(t *testing.T, start newSite, tests []rejectionTest) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			site := start()
			defer site.Close()
			platform := site.Platform()
			if test.change != nil {
				test.change(&platform)
			}
			var opts []docslogin.Option
			if test.opt != nil {
				opts = append(opts, test.opt)
			}
			client := visitor(t, newApp(t, site, platform, ada, opts...))
			_, err := site.Login(client, "/quickstart")
			checkRejection(t, err, platform.Name, test.rule, test.why)
			resp, page := get(t, client, site.URL+"/quickstart")
			if resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("status %d", resp.StatusCode)
			}
			contains(t, page, "Login rejected", `<code class="rule">`+test.rule+"</code>", "Fix:", "Try again")
			if strings.Contains(page, "key-of-ada") || strings.Contains(page, "eyJ") {
				t.Errorf("the page contains the token or a credential:\n%s", page)
			}
			if len(site.Logins()) != 0 || len(site.Rejections()) != 2 {
				t.Errorf("%d logins, %d rejections", len(site.Logins()), len(site.Rejections()))
			}
		})
	}
}

func checkRejection(t *testing.T, err error, platform, rule, why string) {
	t.Helper()
	var rejection *docslogintest.Rejection
	if !errors.As(err, &rejection) {
		t.Fatalf("error: %v", err)
	}
	if rejection.Platform != platform || rejection.Rule != rule || !strings.Contains(rejection.Why, why) {
		t.Errorf("rejection: %+v", rejection)
	}
	if rejection.Fix == "" || rejection.Time.IsZero() {
		t.Errorf("fix %q, time %v", rejection.Fix, rejection.Time)
	}
	if s := err.Error(); !strings.HasPrefix(s, "docslogintest: ") || strings.Contains(s, "key-of-ada") || strings.Contains(s, "\n") {
		t.Errorf("error: %s", s)
	}
}

func TestAVisitorArrivesLoggedIn(t *testing.T) {
	const deepLink = "/reference?lang=go&q=a%2Fb"
	forEverySite(t, func(t *testing.T, p presets.Preset, want expectation) {
		site := p.Site(docslogintest.WithTitle("Acme API"))
		defer site.Close()
		app := newApp(t, site, site.Platform(), ada)
		client := docslogintest.NewClient()
		back, heading := want.leadsTo(deepLink), "API reference"
		if want.home {
			heading = "Welcome"
		}

		// The visitor is signed out at the app: its sign-in form appears, with a return URL.
		resp, page := begin(t, client, site, deepLink)
		if page != "the app's sign-in form" {
			t.Fatalf("ended at %v", resp.Request.URL)
		}
		// Submitting the form leads to the deep link, if the platform sends one.
		resp, page = post(t, client, resp.Request.URL.String(), "application/x-www-form-urlencoded", "")
		if got := resp.Request.URL.String(); got != site.URL+back {
			t.Errorf("ended at %s", got)
		}
		contains(t, page, append(strings.Split(want.shows, ";"), "<title>"+heading+" · Acme API</title>")...)
		onlyFacts(t, page)

		// From now on the docs know the reader without the app.
		app.Close()
		_, page = get(t, client, site.URL+"/changelog")
		contains(t, page, "Hello, ")
		login, err := site.Login(client, "/any/page")
		if err != nil || login.Page != back {
			t.Errorf("login: %+v, %v", login, err)
		}
		if n := len(site.Logins()); n != 1 || len(site.Rejections()) != 0 {
			t.Errorf("%d logins, rejections %v", n, site.Rejections())
		}

		// Then the reader logs out, unless the app set the cookie. Only the app can remove that.
		if strings.Contains(page, "Log out") == want.cookie {
			t.Errorf("the page has a \"Log out\" button that does nothing, or it has none:\n%s", page)
		}
		if want.cookie {
			return
		}
		resp, page = pressLogOut(t, client, site)
		if resp.Request.URL.Path != "/" || strings.Contains(page, "Hello") {
			t.Errorf("after logging out: %v\n%s", resp.Request.URL, page)
		}
	})
}

func TestTheDocsSessionEndsWithItsClaim(t *testing.T) {
	forEverySite(t, func(t *testing.T, p presets.Preset, want expectation) {
		var mu sync.Mutex
		now := time.Now()
		clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
		pass := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); now = now.Add(d) }
		site := p.Site(docslogintest.WithClock(clock))
		defer site.Close()
		if claim := site.Platform().Lifetime.SessionClaim; (claim != "") != want.ends {
			t.Fatalf("the session claim is %q", claim)
		}
		if !want.ends {
			return // the platform decides
		}
		client := visitor(t, newApp(t, site, site.Platform(), ada, docslogin.WithSessionTTL(time.Hour), docslogin.WithClock(clock)))
		if _, err := site.Login(client, "/quickstart"); err != nil {
			t.Fatal(err)
		}
		pass(time.Hour - 2*time.Second) // a token contains whole seconds
		_, page := get(t, client, site.URL+"/changelog")
		contains(t, page, "Hello, ")
		pass(2 * time.Second)
		if _, page = get(t, client, site.URL+"/changelog"); strings.Contains(page, "Hello") {
			t.Error("still logged in after the end")
		}
		if _, err := site.Login(client, "/quickstart"); err != nil || len(site.Logins()) != 2 {
			t.Errorf("second login: %v, %d logins", err, len(site.Logins()))
		}
	})
}

func TestADeepLinkThatComesBackStaysOnTheSite(t *testing.T) {
	forEverySite(t, func(t *testing.T, p presets.Preset, want expectation) {
		if want.toPage || want.cookie || want.home || want.rejects {
			return // nothing comes back, or the platform's own test checks it
		}
		site := p.Site()
		defer site.Close()
		param, value, _ := strings.Cut(want.deepLink, "=")
		leads := func(link, want string) {
			t.Helper()
			if got := arrive(t, site, param, link); got != want {
				t.Errorf("%s=%q leads to %q, want %q", param, link, got, want)
			}
		}
		for _, link := range []string{
			"https://evil.example/", "//evil.example/", `/\evil.example/`, `\\evil.example`, "/\t/evil.example", "/\r\nX: y", "evil.example", "javascript:alert(1)", "", "%", "///evil.example", "/%zz", "/a#%zz",
			site.URL, site.URL + ".evil.example/", site.URL + "@evil.example/", "ftp" + strings.TrimPrefix(site.URL, "http") + "/a", site.URL + "//evil.example", "http://evil.example/?" + site.URL + "/a",
		} {
			leads(link, "/")
		}
		for link, want := range map[string]string{
			site.URL + "/a?b#c": "/a?b#c", site.URL + "/café?q=ü#ß": "/caf%C3%A9?q=%C3%BC#%C3%9F", strings.Replace(site.URL, "http:", "https:", 1) + "/a": "/a",
		} {
			leads(link, want)
		}
		for link, want := range map[string]string{
			"/quickstart": "/quickstart", "/a?b=c%2Fd&e": "/a?b=c%2Fd&e", "/reference#auth": "/reference#auth", "/a#": "/a#",
			"/%E4%BD%A0": "/%E4%BD%A0", "/café?q=ü#ß": "/caf%C3%A9?q=%C3%BC#%C3%9F",
		} {
			if strings.HasPrefix(value, "{site}") {
				want = "/" // the platform expects a URL
			}
			leads(link, want)
		}
	})
}

// If the token goes to the deep link's page, only that page remains in the URL afterwards.
func TestATokenLeavesThePageAsItWas(t *testing.T) {
	forEverySite(t, func(t *testing.T, p presets.Preset, want expectation) {
		if !want.toPage {
			return
		}
		site := p.Site()
		defer site.Close()
		// By page, how the first letter of the token's parameter is written.
		for page, j := range map[string]string{"/": "j", "/a": "%6a", "/a?b=c%2Fd&e&&f": "j", "/a%2Fb?%zz": "%6A"} {
			to := tokenTo(t, site)
			if base, query, ok := strings.Cut(to, "?"); ok { // GitBook, DeveloperHub: {page}?jwt=…
				separator := "?"
				if strings.Contains(page, "?") {
					separator = "&"
				}
				to = strings.TrimSuffix(base, "/") + page + separator + strings.Replace(query, "j", j, 1)
			} else { // Mintlify: {page}#…
				base, token, _ := strings.Cut(to, "#")
				to = strings.TrimSuffix(base, "/") + page + "#" + token
			}
			resp, _ := get(t, noRedirects(), to)
			if got := resp.Header.Get("Location"); got != page {
				t.Errorf("status %d, leads to %q, want %q", resp.StatusCode, got, page)
			}
		}
	})
}

func TestADeepLinkThatLeadsAstrayIsNoted(t *testing.T) {
	for link, note := range map[string]string{
		"/quickstart":      "",
		"%2Fquickstart":    "is encoded once too often",
		"undefined":        "is a word that scripts write",
		"//evil.example":   "leads to another host than the docs'",
		"/docs-login?a=b":  "leads back to the app's login route",
		"/a?auth_token=x":  "carries a token already",
		"quickstart":       "is neither a path",
		"/?a=b&c=%2Fd#e/f": "",
	} {
		site := docslogintest.NewReadMe()
		defer site.Close()
		site.SetLoginURL("https://app.example.com/docs-login")
		arrive(t, site, "redirect", link)
		logins := site.Logins()
		if len(logins) != 1 {
			t.Fatalf("%s: %d logins", link, len(logins))
		}
		if notes := strings.Join(logins[0].Notes, "; "); (notes == "") != (note == "") || !strings.Contains(notes, note) {
			t.Errorf("%s: %q, want %q", link, notes, note)
		}
	}
}

func TestADeepLinkThatIsNotEncodedIsNoted(t *testing.T) {
	site := docslogintest.NewReadMe()
	defer site.Close()
	get(t, noRedirects(), tokenTo(t, site)+"&redirect=/search?q=a&page=2")
	if logins := site.Logins(); len(logins) != 1 || len(logins[0].Notes) != 1 || !strings.Contains(logins[0].Notes[0], "first & of the deep link") {
		t.Errorf("logins: %+v", logins)
	}
}

func TestWithoutAValidLoginURLNoDeepLinkLeadsToTheRoute(t *testing.T) {
	site := docslogintest.NewReadMe()
	defer site.Close()
	site.SetLoginURL("://")
	get(t, noRedirects(), tokenTo(t, site)+"&redirect=%2Fdocs-login")
	if logins := site.Logins(); len(logins) != 1 || len(logins[0].Notes) != 0 {
		t.Errorf("logins: %+v", logins)
	}
}

// A formTest is the form in which a deep link comes back, the page to which the login leads, and the note,
// if there is one.
type formTest struct {
	form       docslogin.LinkForm
	page, note string
}

// deepLinkWithURL is a deep link that contains a URL.
const deepLinkWithURL = "/quickstart?next=https://example.com"

// checkForms tests a deep link in several forms. At some platforms, a deep link in the wrong form may lead
// anywhere.
func checkForms(t *testing.T, start newSite, tests []formTest) {
	t.Helper()
	for _, test := range tests {
		site := start()
		defer site.Close()
		p := site.Platform()
		p.DeepLink.Form = test.form
		login, err := site.Login(visitor(t, newApp(t, site, p, ada)), deepLinkWithURL)
		if err != nil || login.Page != test.page || strings.Join(login.Notes, "; ") != test.note {
			t.Errorf("%s, form %d: %+v, %v", p.Name, test.form, login, err)
		}
	}
}

func TestALoginWithoutADeepLinkLeadsToTheHomePage(t *testing.T) {
	site := docslogintest.NewFern()
	defer site.Close()
	app := newApp(t, site, site.Platform(), ada)
	get(t, visitor(t, app), app.URL+"/docs-login")
	if logins := site.Logins(); len(logins) != 1 || logins[0].Page != "/" || len(logins[0].Notes) != 0 {
		t.Errorf("logins: %+v", logins)
	}
}

// At a platform that sends no deep link, nothing that the app sends is one.
func TestWithoutADeepLinkALoginLeadsToTheHomePage(t *testing.T) {
	for name, wire := range map[string]rules.Wire{
		"a token that comes to any page":                    {Query: "sso"},
		"a token that comes to a callback with a parameter": {Query: "jwt", Callback: "/callback/jwt", RequiredParam: "orgSlug"},
		"a platform whose deep links would be absolute":     {Query: "sso", Back: rules.AsURL},
	} {
		t.Run(name, func(t *testing.T) {
			site := docslogintest.NewWithoutDeepLink(wire)
			defer site.Close()
			app := newApp(t, site, site.Platform(), ada)
			resp, _ := get(t, noRedirects(), site.URL+"/quickstart")
			if got := resp.Header.Get("Location"); got != app.URL+"/docs-login" {
				t.Errorf("the login URL is %s", got)
			}
			if login, err := site.Login(visitor(t, app), "/quickstart"); err != nil || login.Page != "/" || len(login.Notes) != 0 {
				t.Errorf("login: %+v, %v", login, err)
			}
			resp, _ = get(t, noRedirects(), tokenTo(t, site)+"&=/quickstart%3Fa")
			if got := resp.Header.Get("Location"); got != "/" || len(site.Logins()[1].Notes) != 0 {
				t.Errorf("a parameter without a name leads to %s, %q", got, site.Logins()[1].Notes)
			}
		})
	}
}

// The parameter is the same for every login, so it is not in the login URL.
func TestALoginWithoutTheParameterThatThePlatformRequires(t *testing.T) {
	start := func(...docslogintest.Option) *docslogintest.Site {
		return docslogintest.NewWithoutDeepLink(rules.Wire{Query: "jwt", Callback: "/callback/jwt", RequiredParam: "orgSlug"})
	}
	checkRejections(t, start, []rejectionTest{
		{"no orgSlug", func(p *docslogin.Platform) { p.Params = nil }, nil, "orgSlug", "has no orgSlug"},
	})
}

func TestNotesAreNotARejection(t *testing.T) {
	site := docslogintest.NewReadMe()
	defer site.Close()
	client := visitor(t, newApp(t, site, site.Platform(), ada, set("api_key", "k")))
	login, err := site.Login(client, "/quickstart")
	if err != nil || len(login.Notes) != 1 || !strings.Contains(login.Notes[0], "api_key") {
		t.Errorf("login: %+v, %v", login, err)
	}
	_, page := get(t, client, site.URL+"/quickstart")
	contains(t, page, "Note on the token", "Call it apiKey.")
}

func TestARejectionShowsNotesToo(t *testing.T) {
	site := docslogintest.NewReadMe()
	defer site.Close()
	platform := site.Platform()
	platform.Static = nil
	_, page := get(t, visitor(t, newApp(t, site, platform, ada, set("api_key", "k"))), site.URL+"/quickstart")
	contains(t, page, "This test site, which follows ReadMe’s documentation, rejected the token.", `<code class="rule">version</code>`, "Note on <code>spelling</code>", "Call it apiKey.")
}

func TestATokenIDIsAcceptedOnce(t *testing.T) {
	forEverySite(t, func(t *testing.T, p presets.Preset, want expectation) {
		if !want.once {
			return
		}
		site := p.Site()
		defer site.Close()
		platform := site.Platform()
		platform.TokenID = false
		app := newApp(t, site, platform, ada, set("jti", "the same for all"))
		if _, err := site.Login(visitor(t, app), "/quickstart"); err != nil {
			t.Fatal(err)
		}
		_, err := site.Login(visitor(t, app), "/quickstart")
		checkRejection(t, err, platform.Name, "jti", "used before")
	})
}

func TestRequestsThatDoNotOpenAPage(t *testing.T) {
	mintlify, zendesk, fern := docslogintest.NewMintlify(), docslogintest.NewZendesk(), docslogintest.NewFern()
	for _, site := range []*docslogintest.Site{mintlify, zendesk, fern} {
		defer site.Close()
		site.SetLoginURL("http://127.0.0.1:1/") // where a page would lead
	}
	for _, test := range []struct {
		name                          string
		site                          *docslogintest.Site
		method, path, body, fetchSite string
		want                          int
	}{
		{"a POST to a page", mintlify, "POST", "/quickstart", "", "", http.StatusMethodNotAllowed},
		{"a DELETE", mintlify, "DELETE", "/logout", "", "", http.StatusMethodNotAllowed},
		{"logging out from another site", mintlify, "POST", "/logout", "", "cross-site", http.StatusForbidden},
		{"logging in from another port", mintlify, "POST", "/login/jwt-callback", "a.b.c", "same-site", http.StatusForbidden},
		{"a token without end", mintlify, "POST", "/login/jwt-callback", strings.Repeat("a", 1<<17), "same-origin", http.StatusBadRequest},
		{"a form from the app's page", zendesk, "POST", "/access/jwt", "jwt=a.b.c", "cross-site", http.StatusUnauthorized},
		{"a form without a token", zendesk, "POST", "/access/jwt", "", "cross-site", http.StatusUnauthorized},
		{"a form without end", zendesk, "POST", "/access/jwt", "jwt=" + strings.Repeat("a", 1<<17), "cross-site", http.StatusBadRequest},
		{"a link instead of the form", zendesk, "GET", "/access/jwt?jwt=a.b.c", "", "cross-site", http.StatusMethodNotAllowed},
		{"logging out of the help center from another site", zendesk, "POST", "/logout", "", "cross-site", http.StatusForbidden},
		{"a form from the app's page at Fern", fern, "POST", "/api/fern-docs/auth/jwt/callback", "fern_token=a.b.c", "cross-site", http.StatusUnauthorized},
		{"a form below the callback", fern, "POST", "/api/fern-docs/auth/jwt/callback/x", "fern_token=a.b.c", "same-origin", http.StatusMethodNotAllowed},
		{"a token below the callback", fern, "GET", "/api/fern-docs/auth/jwt/callback/x?fern_token=a.b.c", "", "", http.StatusFound},
		{"a callback without a token", fern, "GET", "/api/fern-docs/auth/jwt/callback", "", "", http.StatusUnauthorized},
		{"HEAD of a public page", mintlify, "HEAD", "/changelog", "", "", http.StatusOK},
	} {
		t.Run(test.name, func(t *testing.T) {
			req, err := http.NewRequest(test.method, test.site.URL+test.path, strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if test.fetchSite != "" {
				req.Header.Set("Sec-Fetch-Site", test.fetchSite)
			}
			resp, err := noRedirects().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != test.want {
				t.Errorf("status %d, want %d", resp.StatusCode, test.want)
			}
		})
	}
}

func TestACallbackNamesItsMethods(t *testing.T) {
	for _, test := range []struct {
		start       newSite
		path, allow string
	}{
		{docslogintest.NewZendesk, "/access/jwt", "POST"},
		{docslogintest.NewFern, "/api/fern-docs/auth/jwt/callback", "GET, HEAD, POST"},
	} {
		site := test.start()
		defer site.Close()
		req, err := http.NewRequest(http.MethodPut, site.URL+test.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := noRedirects().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != test.allow {
			t.Errorf("%s: status %d, Allow %q, want %q", test.path, resp.StatusCode, resp.Header.Get("Allow"), test.allow)
		}
	}
}
