package docslogintest_test

import (
	"context"
	"errors"
	"html"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/internal/testkit"
)

// newFernCookie starts a Fern site under a domain that it shares with the app of newApp.
func newFernCookie(opts ...docslogintest.Option) *docslogintest.Site {
	site := docslogintest.NewFern(opts...)
	site.URL = strings.Replace(site.URL, "127.0.0.1", "docs.acme.localhost", 1)
	return site
}

// inFernCookie changes the preset so that the token travels in the cookie.
func inFernCookie(p *docslogin.Platform) {
	p.Carrier = docslogin.InCookie("fern_token", "acme.localhost")
	p.Callback, p.DeepLink.Out = "", ""
}

// cookiePlatform returns the site's Platform with the token in a cookie, and the name of the cookie.
func cookiePlatform(site *docslogintest.Site) (p docslogin.Platform, name string) {
	if p = site.Platform(); p.Name == "Fern" {
		inFernCookie(&p)
		return p, "fern_token"
	}
	return p, "gitbook-visitor-token"
}

// tokenOf returns a token for ada and the site.
func tokenOf(t *testing.T, site *docslogintest.Site, opts ...docslogin.Option) string {
	t.Helper()
	p, _ := cookiePlatform(site)
	login, err := docslogin.New(testkit.As(ada), p, append([]docslogin.Option{testkit.Silent}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	token, err := login.Token(context.Background(), ada)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// carrying returns a client that sends cookies to the site. Each is "name=value" or, for a cookie that all
// hosts under acme.localhost get, "name=value;".
func carrying(t *testing.T, site *docslogintest.Site, cookies ...string) *http.Client {
	t.Helper()
	client := docslogintest.NewClient()
	u, err := url.Parse(site.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range cookies {
		text, shared := strings.CutSuffix(text, ";")
		cookie := &http.Cookie{Path: "/"}
		cookie.Name, cookie.Value, _ = strings.Cut(text, "=")
		if shared {
			cookie.Domain = "acme.localhost"
		}
		client.Jar.SetCookies(u, []*http.Cookie{cookie})
	}
	return client
}

// A public page greets a reader as soon as the app has set the cookie, and until the app clears it.
func TestAReaderOfAdaptiveDocs(t *testing.T) {
	site := docslogintest.NewGitBookAdaptive()
	defer site.Close()
	if !strings.HasPrefix(site.URL, "http://docs.acme.localhost:") {
		t.Errorf("the site is at %s", site.URL)
	}
	login, err := docslogin.New(testkit.As(ada), site.Platform(), testkit.Silent)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) {
		if err := login.SetCookie(r.Context(), w, &docslogin.User{Name: "Ben", Email: "ben@example.com"}); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("POST /sign-out", func(w http.ResponseWriter, r *http.Request) { login.ClearCookie(w) })
	app := httptest.NewServer(login.Wrap(mux))
	defer app.Close()
	app.URL = strings.Replace(app.URL, "127.0.0.1", "app.acme.localhost", 1)
	site.SetLoginURL(app.URL + login.Path())
	client := docslogintest.NewClient()
	anonymous := func(logins int) {
		t.Helper()
		resp, page := get(t, client, site.URL+"/quickstart?a=b")
		contains(t, page, html.EscapeString(app.URL+login.Path()+"?location=quickstart%3Fa%3Db"), "YOUR_API_KEY")
		if resp.StatusCode != http.StatusOK || strings.Contains(page, "Hello") || len(site.Logins()) != logins {
			t.Errorf("status %d, %d logins:\n%s", resp.StatusCode, len(site.Logins()), page)
		}
	}

	anonymous(0)
	_, page := begin(t, client, site, "/quickstart")
	contains(t, page, "Hello, Ada &lt;script&gt;.")
	post(t, client, app.URL+"/sign-out", "", "")
	anonymous(1)
	post(t, client, app.URL+"/sign-in", "", "")
	for range 2 { // the second time, the site knows the token
		_, page = get(t, client, site.URL+"/reference?a=b")
		contains(t, page, "Hello, Ben.")
	}
	logins := site.Logins()
	if len(logins) != 2 || logins[0].Page != "/quickstart" || logins[1].Page != "/reference?a=b" || logins[1].Claims["email"] != "ben@example.com" {
		t.Errorf("logins: %+v", logins)
	}
	if got, err := site.Login(client, "/changelog"); err != nil || got.Page != "/reference?a=b" || len(got.Notes) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	post(t, client, app.URL+"/sign-out", "", "")
	anonymous(2)
	if len(site.Rejections()) != 0 {
		t.Errorf("rejections: %v", site.Rejections())
	}
}

func TestTheHomePageSaysThatItIsForEverybody(t *testing.T) {
	site := docslogintest.NewGitBookAdaptive()
	defer site.Close()
	_, page := get(t, docslogintest.NewClient(), site.URL+"/")
	contains(t, page, "These pages are for everybody. They adapt to readers who are logged in.")
}

func TestFernAcceptsACookie(t *testing.T) {
	site := newFernCookie()
	defer site.Close()
	p, _ := cookiePlatform(site)
	client := visitor(t, newApp(t, site, p, ada))
	login, err := site.Login(client, "/quickstart?a=b")
	if err != nil || login.Page != "/quickstart?a=b" || len(login.Notes) != 0 {
		t.Errorf("login: %+v, %v", login, err)
	}
	_, page := get(t, client, site.URL+"/reference")
	contains(t, page, "Hello, Ada &lt;script&gt;.", "Bearer key-of-ada", "admin, beta")
	contains(t, page, `href="/api/fern-docs/auth/logout"`)
	if len(site.Logins()) != 1 {
		t.Errorf("%d logins", len(site.Logins()))
	}

	// Fern's logout deletes the cookie for the docs' host, and for its parent domain of two labels.
	for _, domain := range []string{"", "docs.acme.localhost", "acme.localhost"} {
		cookie := &http.Cookie{Name: "fern_token", Value: "a", Domain: domain, Path: "/"}
		client.Jar.SetCookies(parse(t, site.URL), []*http.Cookie{cookie})
	}
	get(t, client, site.URL+"/api/fern-docs/auth/logout")
	for _, cookie := range client.Jar.Cookies(parse(t, site.URL)) {
		if cookie.Name == "fern_token" {
			t.Errorf("the logout leaves %v", cookie)
		}
	}
}

func parse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// Two visitors may get the same token in the same second.
func TestEachVisitorWithTheSameTokenHasALoginOfTheirOwn(t *testing.T) {
	site := docslogintest.NewGitBookAdaptive()
	defer site.Close()
	token := tokenOf(t, site)
	for _, page := range []string{"/a", "/b"} {
		client := carrying(t, site, "gitbook-visitor-token="+token)
		get(t, client, site.URL+page)
		get(t, client, site.URL+page)
	}
	if logins := site.Logins(); len(logins) != 2 || logins[0].Page != "/a" || logins[1].Page != "/b" {
		t.Errorf("%+v", logins)
	}
}

func TestATokenInACookieThatIsRejected(t *testing.T) {
	for _, start := range []newSite{docslogintest.NewGitBookAdaptive, newFernCookie} {
		site := start()
		defer site.Close()
		p, name := cookiePlatform(site)
		other := start()
		defer other.Close()
		old := tokenOf(t, site, docslogin.WithSessionTTL(time.Minute), late(time.Hour))
		for _, test := range []struct {
			name, page       string
			cookies          []string
			rule, why, shows string
		}{
			{"another key", "/a", []string{name + "=" + tokenOf(t, other)}, "signature", "does not verify", "Try again"},
			{"a token that has expired", "/a", []string{name + "=" + old}, "exp", "in the past", "Try again"},
			{"text that is not a token", "/a", []string{name + "=5f1d7a1e-0000"}, "form", "does not have three parts", "Try again"},
			{"a second cookie for the docs' host alone", "/a", []string{name + "=" + tokenOf(t, site) + ";", name + "=5f1d7a1e-0000"}, "cookie", "sent 2 cookies named " + name, "Rule <code class=\"rule\">cookie"},
		} {
			t.Run(p.Name+": "+test.name, func(t *testing.T) {
				site.SetLoginURL("http://app.acme.localhost:1/docs-login")
				before := len(site.Rejections())
				client := carrying(t, site, test.cookies...)
				for range 2 {
					resp, page := get(t, client, site.URL+test.page)
					if resp.StatusCode != http.StatusUnauthorized || strings.Contains(page, "Hello") || strings.Contains(page, "eyJ") {
						t.Errorf("status %d:\n%s", resp.StatusCode, page)
					}
					contains(t, page, "Login rejected", test.shows)
				}
				rejections := site.Rejections()[before:]
				if len(rejections) != 1 || len(site.Logins()) != 0 {
					t.Fatalf("rejections %v, logins %v", rejections, site.Logins())
				}
				checkRejection(t, rejections[0], p.Name, test.rule, test.why)
			})
		}
	}
}

func TestWhatGitBookReadsBeforeTheCookie(t *testing.T) {
	site := docslogintest.NewGitBookAdaptive()
	defer site.Close()
	token := "gitbook-visitor-token=" + tokenOf(t, site) + ";"
	for _, test := range []struct {
		name, page string
		cookies    []string
		rule       string // "": accepted
	}{
		{"a token in the query", "/a?b&jwt_token=x", []string{token}, "jwt_token"},
		{"an access token in the query", "/a?access_token=x", []string{token}, "access_token"},
		{"the cookie of authenticated access", "/a", []string{token, "gitbook-visitor-token~1a2b=x"}, "cookie"},
		{"unsigned claims", "/a?visitor.plan=pro", []string{token, "gitbook-visitor-public=x"}, ""},
		{"a token in the query alone", "/a?jwt_token=x", nil, ""},
		{"an empty cookie", "/a", []string{"gitbook-visitor-token="}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := len(site.Rejections())
			resp, page := get(t, carrying(t, site, test.cookies...), site.URL+test.page)
			rejections := site.Rejections()[before:]
			if test.rule != "" {
				if resp.StatusCode != http.StatusUnauthorized || len(rejections) != 1 || rejections[0].Rule != test.rule {
					t.Errorf("status %d, %v", resp.StatusCode, rejections)
				}
			} else if resp.StatusCode != http.StatusOK || len(rejections) != 0 || strings.Contains(page, "Hello") != (len(test.cookies) == 2) {
				t.Errorf("status %d, %v\n%s", resp.StatusCode, rejections, page)
			}
		})
	}
}

// The app signs with an old key, both in its sign-in handler and in the login route.
func TestLoginReturnsTheRejectionOfACookie(t *testing.T) {
	for _, start := range []newSite{docslogintest.NewGitBookAdaptive, newFernCookie} {
		site := start()
		defer site.Close()
		p, name := cookiePlatform(site)
		p.Key = docslogin.Secret("the secret of the staging docs")
		client := visitor(t, newApp(t, site, p, ada))
		_, err := site.Login(client, "/quickstart")
		checkRejection(t, err, p.Name, "signature", "does not verify with the site's secret")

		// A new token does not help as long as there is a second cookie.
		p, _ = cookiePlatform(site)
		client = visitor(t, newApp(t, site, p, ada))
		u, _ := url.Parse(site.URL)
		client.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: "5f1d7a1e-0000", Path: "/"}})
		_, err = site.Login(client, "/quickstart")
		checkRejection(t, err, p.Name, "cookie", "sent 2 cookies named "+name)
	}
}

// The site rejects the page because of the old token. A login then replaces the token.
func TestLoginReplacesAnOldToken(t *testing.T) {
	for _, start := range []newSite{docslogintest.NewGitBookAdaptive, newFernCookie} {
		site := start()
		defer site.Close()
		p, name := cookiePlatform(site)
		client := visitor(t, newApp(t, site, p, ada))
		u, _ := url.Parse(site.URL)
		old := tokenOf(t, site, docslogin.WithSessionTTL(time.Minute), late(time.Hour))
		client.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: old, Path: "/", Domain: "acme.localhost"}})
		if login, err := site.Login(client, "/quickstart"); err != nil || login.Page != "/quickstart" || len(login.Notes) != 0 || len(site.Logins()) != 1 || len(site.Rejections()) != 1 {
			t.Errorf("%s: %+v, %v, %v", p.Name, login, err, site.Rejections())
		}
	}
}

func TestTheAppMustShareADomainWithTheDocs(t *testing.T) {
	site := docslogintest.NewGitBookAdaptive()
	defer site.Close()
	app := newApp(t, site, site.Platform(), ada)
	client := visitor(t, app)
	onAddress := "http://127.0.0.1" + app.URL[strings.LastIndexByte(app.URL, ':'):]
	const wants = `but only a host under acme.localhost can set the token's cookie for this test site: use such a host in the login URL, as in strings.Replace(app.URL, "127.0.0.1", "app.acme.localhost", 1), and sign in there`
	for loginURL, want := range map[string]string{
		onAddress:                     "the login URL has the host 127.0.0.1, " + wants,
		"http://app.localhost:1":      "the login URL has the host app.localhost, " + wants,
		"http://appacme.localhost:1":  "the login URL has the host appacme.localhost, " + wants,
		"http://APP.Acme.localhost:1": "the app does not answer",
		"http://acme.localhost:1":     "the app does not answer",
	} {
		site.SetLoginURL(loginURL + "/docs-login")
		stops(t, site, client, "/quickstart", want)
	}
}

func TestTheDocsNeedAParentDomainWithADot(t *testing.T) {
	site := docslogintest.NewGitBookAdaptive()
	defer site.Close()
	app := newApp(t, site, site.Platform(), ada)
	port := site.URL[strings.LastIndexByte(site.URL, ':'):]
	for _, test := range []struct{ host, why string }{
		{"127.0.0.1", "no parent domain"}, {"[::1]", "no parent domain"}, {"localhost", "no parent domain"}, {"docs.localhost", "no parent domain"}, {"[", "no parent domain"},
		{"docs.eu.acme.localhost", ""},
	} {
		site.URL = "http://" + test.host + port
		p := site.Platform()
		_, err := docslogin.New(testkit.Nobody, p)
		if test.why == "" {
			if err != nil {
				t.Errorf("%s: %v", test.host, err)
			}
			continue
		}
		errs := testkit.ConfigErrors(err)
		const remedy = "has no parent domain with a dot for the app to share; leave Site.URL unchanged, or set it to a URL such as http://docs.acme.localhost:8081"
		if len(errs) == 0 || errs[0].Field != "Platform.Carrier" || !strings.Contains(errs[0].Reason, remedy) {
			t.Errorf("%s: %v", test.host, err)
		}
		if test.host != "[" {
			stops(t, site, visitor(t, app), "/quickstart", "the carrier is a cookie, and the test site's URL \"http://"+test.host)
		}
	}
}

// changed starts a proxy in front of an app. It changes the token's cookie, which the app sets.
func changed(t *testing.T, site *docslogintest.Site, app *httptest.Server, change func(*http.Cookie)) *http.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		app.Config.Handler.ServeHTTP(rec, r)
		for name, values := range rec.Header() {
			w.Header()[name] = values
		}
		w.Header().Del("Set-Cookie")
		for _, c := range rec.Result().Cookies() {
			if c.Raw = ""; strings.HasSuffix(c.Name, "token") {
				change(c)
			}
			http.SetCookie(w, c)
		}
		w.WriteHeader(rec.Code)
	}))
	t.Cleanup(server.Close)
	server.URL = app.URL[:strings.LastIndexByte(app.URL, ':')] + server.URL[strings.LastIndexByte(server.URL, ':'):]
	site.SetLoginURL(server.URL + "/docs-login")
	return visitor(t, server)
}

func TestLoginSaysWhyTheDocsDoNotGetTheCookie(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*http.Cookie)
		want   string // {name} is the cookie's
	}{
		{"no Domain", func(c *http.Cookie) { c.Domain = "" }, "The cookie {name} has no Domain, so browsers send it only to the host that set it. Set Domain to the parent domain"},
		{"another Domain", func(c *http.Cookie) { c.Domain = "example.com" }, `The cookie {name} has the Domain "example.com", but the app's host "app.acme.localhost" is not under it`},
		{"a Domain without a dot", func(c *http.Cookie) { c.Domain = "localhost" }, ""}, // the client accepts it, but browsers do not
		{"the app's own host as the Domain", func(c *http.Cookie) { c.Domain = "app.acme.localhost" }, `but the docs' host "docs.acme.localhost" is not under it`},
		{"another Path", func(c *http.Cookie) { c.Path = "/docs-login" }, "The cookie {name} does not have Path=/"},
		{"a cookie that deletes itself", func(c *http.Cookie) { c.MaxAge = -1 }, "The cookie {name} deletes itself."},
		{"a cookie that expired long ago", func(c *http.Cookie) { c.MaxAge, c.Expires = 0, time.Unix(1, 0) }, "The client does not send the cookie {name}, which the app set."},
	} {
		for _, start := range []newSite{docslogintest.NewGitBookAdaptive, newFernCookie} {
			site := start()
			defer site.Close()
			p, name := cookiePlatform(site)
			t.Run(p.Name+": "+test.name, func(t *testing.T) {
				client := changed(t, site, newApp(t, site, p, ada), test.change)
				if test.want == "" {
					login, err := site.Login(client, "/quickstart")
					if notes := strings.Join(login.Notes, "; "); err != nil || !strings.Contains(notes, `has the Domain "localhost", for which browsers reject every cookie`) {
						t.Errorf("%q, %v", notes, err)
					}
					return
				}
				stops(t, site, client, "/quickstart", "the docs got no token")
				stops(t, site, client, "/quickstart", strings.ReplaceAll(test.want, "{name}", name))
			})
		}
	}
}

// The client stops before it could send the cookie.
func TestLoginDoesNotBlameTheCookieForARedirectThatIsNotFollowed(t *testing.T) {
	site := docslogintest.NewGitBookAdaptive()
	defer site.Close()
	client := visitor(t, newApp(t, site, site.Platform(), ada))
	client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.Host, "docs.") {
			return errors.New("the test does not leave the app")
		}
		return nil
	}
	stops(t, site, client, "/quickstart", "following the login: the test does not leave the app, the last from ")
}

func TestLoginSaysThatTheTokenIsInAnotherCookie(t *testing.T) {
	site := docslogintest.NewGitBookAdaptive()
	defer site.Close()
	client := changed(t, site, newApp(t, site, site.Platform(), ada), func(c *http.Cookie) { c.Name = "visitor_token" })
	stops(t, site, client, "/quickstart", `/quickstart (200): the docs got no token. The token is in the cookie "visitor_token", but GitBook adaptive reads the cookie gitbook-visitor-token.`)
}

func TestLoginSaysThatThereIsNoCookieWithAToken(t *testing.T) {
	site := docslogintest.NewGitBookAdaptive()
	defer site.Close()
	app := newApp(t, site, site.Platform(), ada)
	back := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/sign-in" {
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "eyJ.a.b", Path: "/"}) // a session, which is not for the docs
		}
		http.SetCookie(w, &http.Cookie{Name: "csrf", Value: "1", Path: "/"})
		http.Redirect(w, r, site.URL+"/", http.StatusFound)
	}))
	defer back.Close()
	back.URL = strings.Replace(back.URL, "127.0.0.1", "app.acme.localhost", 1)
	site.SetLoginURL(back.URL + "/docs-login")
	const want = "/ (200): the app did not set the cookie gitbook-visitor-token; does the login URL lead to docslogin's route, and does the app use the Platform of this test site?"
	client := visitor(t, app)
	get(t, client, back.URL+"/sign-in")
	stops(t, site, client, "/quickstart", want)
	plain, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	stops(t, site, &http.Client{Jar: plain, Transport: docslogintest.Transport(nil)}, "/quickstart", want)
}

func TestLoginSaysThatTheVisitorIsSignedOutWithAdaptiveDocs(t *testing.T) {
	site := docslogintest.NewGitBookAdaptive()
	defer site.Close()
	app := newApp(t, site, site.Platform(), ada)
	stops(t, site, docslogintest.NewClient(), "/quickstart", app.URL+"/sign-in (200): is the visitor signed in at the app? The client has no cookie of the app.")
	// The token's cookie is not the app's session.
	client := docslogintest.NewClient()
	u, _ := url.Parse(app.URL)
	client.Jar.SetCookies(u, []*http.Cookie{{Name: "gitbook-visitor-token", Value: "x", Path: "/"}})
	stops(t, site, client, "/quickstart", "The client has no cookie of the app.")
}

func TestLoginNamesTheOtherDocsToWhichTheAppSendsTheCookie(t *testing.T) {
	site, other := docslogintest.NewGitBookAdaptive(), docslogintest.NewGitBookAdaptive()
	defer site.Close()
	defer other.Close()
	app := newApp(t, site, other.Platform(), ada)
	stops(t, site, visitor(t, app), "/quickstart", "the app sent a token to "+other.URL+", and this test site is at "+site.URL+": pass the Platform of this test site to docslogin.New")
	readMe := docslogintest.NewReadMe()
	defer readMe.Close()
	readMe.URL = strings.Replace(readMe.URL, "127.0.0.1", "docs.acme.localhost", 1)
	app = newApp(t, site, readMe.Platform(), ada)
	stops(t, site, visitor(t, app), "/quickstart", "the app sent a token to "+readMe.URL)
}

// The platform accepts these logins, but browsers may treat the cookie differently.
func TestALoginHasANoteAboutTheTokensCookie(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*http.Cookie)
		notes  []string
	}{
		{"a cookie that scripts can read", func(c *http.Cookie) { c.HttpOnly = false }, []string{"The cookie gitbook-visitor-token is not HttpOnly"}},
		{"a cookie for the browser's session", func(c *http.Cookie) { c.MaxAge, c.Expires = 0, time.Time{} }, []string{"has neither Max-Age nor Expires, so the docs may get a token that has expired."}},
		{"a cookie that outlives its token", func(c *http.Cookie) { c.MaxAge += 3600 }, []string{"expires 1h0m0s after its token"}},
		{"two mistakes, the worse one first", func(c *http.Cookie) { c.HttpOnly, c.SameSite = false, http.SameSiteNoneMode }, []string{"is SameSite=None without Secure", "is not HttpOnly"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			site := docslogintest.NewGitBookAdaptive()
			defer site.Close()
			client := changed(t, site, newApp(t, site, site.Platform(), ada), test.change)
			login, err := site.Login(client, "/quickstart")
			if err != nil || len(login.Notes) != len(test.notes) {
				t.Fatalf("%q, %v", login.Notes, err)
			}
			for i, note := range test.notes {
				if !strings.Contains(login.Notes[i], note) || strings.Contains(login.Notes[i], "eyJ") {
					t.Errorf("note %q, want %q", login.Notes[i], note)
				}
			}
		})
	}
}

// An app's session may also be a JWT, which each response renews.
func TestASessionThatLooksLikeATokenIsNotTheTokensCookie(t *testing.T) {
	site := docslogintest.NewReadMe()
	defer site.Close()
	app := newApp(t, site, site.Platform(), ada)
	renews := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "eyJ.a.b", Path: "/"})
		app.Config.Handler.ServeHTTP(w, r)
	}))
	defer renews.Close()
	site.SetLoginURL(renews.URL + "/docs-login")
	if login, err := site.Login(visitor(t, renews), "/quickstart"); err != nil || len(login.Notes) != 0 {
		t.Errorf("%q, %v", login.Notes, err)
	}
}

// The reader is anonymous, as if the browser had dropped the cookie.
func TestATokenThatEndsAfterItWasAccepted(t *testing.T) {
	for _, start := range []newSite{docslogintest.NewGitBookAdaptive, newFernCookie} {
		var passed atomic.Int64
		site := start(docslogintest.WithClock(func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }))
		defer site.Close()
		p, name := cookiePlatform(site)
		client := carrying(t, site, name+"="+tokenOf(t, site, docslogin.WithSessionTTL(time.Hour)))
		_, page := get(t, client, site.URL+"/changelog")
		contains(t, page, "Hello, ")
		passed.Store(int64(time.Hour))
		resp, page := get(t, client, site.URL+"/changelog")
		if resp.StatusCode != http.StatusOK || strings.Contains(page, "Hello") || len(site.Rejections()) != 0 {
			t.Errorf("%s: status %d, %v:\n%s", p.Name, resp.StatusCode, site.Rejections(), page)
		}
	}
}

// The token's cookie is not the app's session, so the note is about the session cookie.
func TestANoteAboutTheSessionCookieOfAnAppThatSetsTheTokensCookie(t *testing.T) {
	site := docslogintest.NewGitBookAdaptive()
	defer site.Close()
	server := httptest.NewServer(cookieApp(t, site, &http.Cookie{Name: "session", Value: "x", Path: "/", SameSite: http.SameSiteStrictMode}))
	defer server.Close()
	at := strings.Replace(server.URL, "127.0.0.1", "app.acme.localhost", 1)
	login, err := loginAt(t, site, docslogintest.NewClient(), at, at)
	if err != nil || len(login.Notes) != 1 || !strings.Contains(login.Notes[0], `The cookie "session"`) {
		t.Errorf("%q, %v", login.Notes, err)
	}
}

// A URL cannot carry the token of such a platform.
func TestAdaptiveDocsHaveNoURLThatLogsIn(t *testing.T) {
	site := docslogintest.NewGitBookAdaptive()
	defer site.Close()
	if _, err := newLogin(t, site.Platform()).LoginURL(context.Background(), ada, ""); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%v", err)
	}
}
