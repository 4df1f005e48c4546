package docslogintest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

// ada is the user whom the test app knows.
var ada = &docslogin.User{
	ID: "u1", Name: "Ada <script>", Email: "ada@example.com", Groups: []string{"admin", "beta"},
	APIKeys:    []docslogin.APIKey{{Name: "live", Key: "key-of-ada"}},
	Attributes: map[string]any{"plan": "pro", "seats": 7, "trial": false},
}

// newApp starts an app in front of the site. Its sign-in form is one POST, and
// user is who that signs in.
func newApp(t *testing.T, site *docslogintest.Site, platform docslogin.Platform, user *docslogin.User, opts ...docslogin.Option) *httptest.Server {
	t.Helper()
	lookup := func(r *http.Request) (*docslogin.User, error) {
		if _, err := r.Cookie("app"); err != nil {
			return nil, docslogin.ErrNoUser
		}
		return user, nil
	}
	login, err := docslogin.New(lookup, platform, append([]docslogin.Option{
		docslogin.WithLoginPage("/sign-in", "next"), docslogin.WithLogger(slog.New(slog.DiscardHandler)),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sign-in", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "the app's sign-in form") })
	mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "app", Value: "ada", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
		http.Redirect(w, r, r.FormValue("next"), http.StatusSeeOther)
	})
	app := httptest.NewServer(login.Wrap(mux))
	t.Cleanup(app.Close)
	site.SetLoginURL(app.URL + login.Path())
	return app
}

// visitor is a new client who is signed in at the app.
func visitor(t *testing.T, app *httptest.Server) *http.Client {
	t.Helper()
	client := docslogintest.NewClient()
	get(t, client, app.URL+"/sign-in")
	resp, err := client.PostForm(app.URL+"/sign-in", url.Values{"next": {"/sign-in"}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return client
}

// get returns where a GET ended, its status and its page.
func get(t *testing.T, client *http.Client, u string) (*http.Response, string) {
	t.Helper()
	resp, err := client.Get(u)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// noRedirects is a client that shows each response as it is.
func noRedirects() *http.Client {
	client := docslogintest.NewClient()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client
}

func contains(t *testing.T, page string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(page, w) {
			t.Errorf("page has no %q:\n%s", w, page)
		}
	}
}

// platforms are those that there is a site for.
var platforms = []struct {
	name   string
	start  func(...docslogintest.Option) *docslogintest.Site
	link   string // how the login URL names /changelog; {site} is the site's URL, escaped
	toPage bool   // the token comes to the wanted page itself
	shows  string // what pages show of ada, between semicolons
}{
	{"ReadMe", docslogintest.NewReadMe, "redirect=%2Fchangelog", false, "Hello, Ada &lt;script&gt;.;Bearer key-of-ada;<dd>ada@example.com;<dt>plan</dt><dd>pro</dd>;<dt>seats</dt><dd>7</dd>"},
	{"Mintlify", docslogintest.NewMintlify, "redirect=%2Fchangelog", false, "Hello, Ada &lt;script&gt;.;Bearer key-of-ada;<dd>ada@example.com;<dt>plan</dt><dd>pro</dd>;admin, beta"},
	{"Mintlify personalization", docslogintest.NewMintlifyPersonalization, "redirect=%2Fchangelog", true, "Hello, Ada &lt;script&gt;.;Bearer key-of-ada;<dd>ada@example.com;<dt>plan</dt><dd>pro</dd>;admin, beta"},
	{"GitBook", docslogintest.NewGitBook, "location=changelog", true, "Hello, Ada &lt;script&gt;.;<dd>ada@example.com;<dt>plan</dt><dd>pro</dd>"},
	{"Fern", docslogintest.NewFern, "state={site}%2Fchangelog", false, "Hello, Ada &lt;script&gt;.;Bearer key-of-ada;<dd>ada@example.com;admin, beta"},
	{"Zendesk", docslogintest.NewZendesk, "return_to=%2Fchangelog&amp;brand_id=360001&amp;locale_id=1&amp;timestamp=", false, "Hello, Ada &lt;script&gt;.;<dd>ada@example.com;<dt>external_id</dt><dd>u1</dd>"},
	{"Help Scout", docslogintest.NewHelpScout, "returnTo=%2Fchangelog", false, "Hello, ada@example.com.;<dd>ada@example.com"},
	{"DeveloperHub", docslogintest.NewDeveloperHub, "redirect={site}%2Fchangelog", true, "Hello, Ada &lt;script&gt;.;<dd>ada@example.com;<dt>plan</dt><dd>pro</dd>"},
	{"Canny", docslogintest.NewCanny, "redirect={site}%2Fchangelog&amp;companyID=", false, "Hello, Ada &lt;script&gt;.;<dd>ada@example.com;<dt>id</dt><dd>u1</dd>"},
	{"Featurebase", docslogintest.NewFeaturebase, "return_to={site}%2Fchangelog", false, "Hello, Ada &lt;script&gt;.;<dd>ada@example.com;<dt>userId</dt><dd>u1</dd>"},
	{"Metabase", docslogintest.NewMetabase, "return_to=/changelog", false, "Hello, Ada &lt;script&gt;.;<dd>ada@example.com;admin, beta"},
}

// TestEveryPreset fails for a platform that the table lacks.
func TestEveryPreset(t *testing.T) {
	for _, p := range platforms {
		site := p.start()
		defer site.Close()
		if got := site.Platform(); got.Name != p.name || !strings.HasPrefix(got.DocsURL+"/", site.URL+"/") {
			t.Errorf("%s: the preset %s at %s", p.name, got.Name, got.DocsURL)
		}
		if _, page := get(t, docslogintest.NewClient(), site.URL+"/"); !strings.Contains(page, "-like ") {
			t.Errorf("%s: the page does not say what it is like", p.name)
		}
	}
}

func TestAVisitorArrivesSignedIn(t *testing.T) {
	for _, p := range platforms {
		t.Run(p.name, func(t *testing.T) {
			site := p.start(docslogintest.WithTitle("Acme API"))
			defer site.Close()
			app := newApp(t, site, site.Platform(), ada)
			client := docslogintest.NewClient()

			wanted, back := "/reference?lang=go&q=a%2Fb", "/reference?lang=go&q=a%2Fb"
			if p.name == "Metabase" { // brings the page unescaped
				back = "/reference?lang=go"
			}

			// Signed out at the app: its sign-in form, with a way back.
			resp, page := get(t, client, site.URL+wanted)
			if page != "the app's sign-in form" {
				t.Fatalf("ended at %v", resp.Request.URL)
			}
			// Submitting the form leads to the page that was wanted.
			resp, err := client.PostForm(resp.Request.URL.String(), nil)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if got := resp.Request.URL.String(); got != site.URL+back {
				t.Errorf("ended at %s", got)
			}
			contains(t, string(body), append(strings.Split(p.shows, ";"), "<title>API reference · Acme API</title>", "Log out")...)

			// From here on the docs know the visitor, without the app.
			app.Close()
			_, page = get(t, client, site.URL+"/changelog")
			contains(t, page, "Hello, ")
			login, err := site.Login(client, "/any/page")
			if err != nil || login.Page != back {
				t.Errorf("login: %+v, %v", login, err)
			}
			if n := len(site.Logins()); n != 1 || len(site.Refusals()) != 0 {
				t.Errorf("%d logins, refusals %v", n, site.Refusals())
			}

			// Logging out ends that.
			resp, err = client.Post(site.URL+"/logout", "", nil)
			if err != nil {
				t.Fatal(err)
			}
			body, _ = io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.Request.URL.Path != "/" || strings.Contains(string(body), "Hello") {
				t.Errorf("after logging out: %v\n%s", resp.Request.URL, body)
			}
		})
	}
}

func TestLoginReturnsWhatTheSiteAccepted(t *testing.T) {
	site := docslogintest.NewReadMe()
	defer site.Close()
	client := visitor(t, newApp(t, site, site.Platform(), ada))
	login, err := site.Login(client, "/quickstart#install")
	if err != nil {
		t.Fatal(err)
	}
	if login.Claims["apiKey"] != "key-of-ada" || login.Claims["version"] != json.Number("1") || login.Time.IsZero() || len(login.Notes) != 0 {
		t.Errorf("login: %+v", login)
	}
	// What is returned is the caller's.
	login.Claims["name"] = "somebody else"
	if got := site.Logins()[0].Claims["name"]; got != ada.Name {
		t.Errorf("name: %v", got)
	}
}

func TestASiteUnderANameOfItsOwn(t *testing.T) {
	for _, p := range platforms {
		t.Run(p.name, func(t *testing.T) {
			site := p.start()
			defer site.Close()
			site.URL = strings.Replace(site.URL, "127.0.0.1", "docs.localhost", 1)
			app := newApp(t, site, site.Platform(), ada)
			if _, err := site.Login(visitor(t, app), "/quickstart"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLoginPressesTheButtonOnAPublicPage(t *testing.T) {
	for _, p := range platforms {
		t.Run(p.name, func(t *testing.T) {
			site := p.start()
			defer site.Close()
			client := visitor(t, newApp(t, site, site.Platform(), ada))
			_, page := get(t, client, site.URL+"/changelog")
			contains(t, page, "Log in</a>", strings.ReplaceAll(p.link, "{site}", url.QueryEscape(site.URL)))
			login, err := site.Login(client, "/changelog")
			if err != nil || login.Page != "/changelog" {
				t.Errorf("login: %+v, %v", login, err)
			}
		})
	}
}

func TestMintlifyShowsGroupsAndTheirBlocks(t *testing.T) {
	site := docslogintest.NewMintlify()
	defer site.Close()
	client := visitor(t, newApp(t, site, site.Platform(), ada))
	_, page := get(t, client, site.URL+"/quickstart")
	contains(t, page, "For the group admin", "admin, beta", `class="tabs"`)
	login := site.Logins()[0]
	login.Claims["groups"].([]any)[0] = "changed"
	if got := fmt.Sprint(site.Logins()[0].Claims["groups"]); got != "[admin beta]" {
		t.Errorf("groups: %s", got)
	}
}

func TestReadMeFillsInEveryKindOfKey(t *testing.T) {
	tests := []struct {
		name string
		keys []docslogin.APIKey
		want []string
	}{
		{"none", nil, []string{"YOUR_API_KEY", "brought no API key"}},
		{"HTTP Basic", []docslogin.APIKey{{Username: "u", Password: "p"}}, []string{`-u &#34;u:p&#34;`}},
		{"several", []docslogin.APIKey{{Name: "live", Key: "k1"}, {Name: "test", Username: "u", Password: "p"}},
			[]string{"<select", `<option value="key-1">test</option>`, "Bearer k1", "<figcaption>live</figcaption>", `-u &#34;u:p&#34;`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			site := docslogintest.NewReadMe()
			defer site.Close()
			user := &docslogin.User{Email: "ada@example.com", APIKeys: test.keys}
			_, page := get(t, visitor(t, newApp(t, site, site.Platform(), user)), site.URL+"/guides/else")
			contains(t, page, append(test.want, "<code>/guides/else</code>")...)
		})
	}
}

func TestASiteSaysWhyItRefuses(t *testing.T) {
	mintlify := docslogintest.NewMintlify()
	defer mintlify.Close()
	wrong := docslogintest.NewMintlify()
	defer wrong.Close()
	readMe := docslogintest.NewReadMe()
	defer readMe.Close()
	change := func(p docslogin.Platform, f func(*docslogin.Platform)) docslogin.Platform {
		f(&p)
		return p
	}
	set := func(name string, value any) docslogin.Option {
		return docslogin.WithClaimsMapper(func(_ context.Context, _ *docslogin.User, c docslogin.Claims) error {
			c[name] = value
			return nil
		})
	}
	tests := []struct {
		name      string
		site      *docslogintest.Site
		platform  docslogin.Platform
		opts      []docslogin.Option
		rule, why string
	}{
		{"another secret", readMe, change(readMe.Platform(), func(p *docslogin.Platform) { p.Key = docslogin.Secret("of another environment") }), nil, "signature", "does not fit"},
		{"no version", readMe, change(readMe.Platform(), func(p *docslogin.Platform) { p.Static = nil }), nil, "version", "no version"},
		{"an empty name", readMe, change(readMe.Platform(), func(p *docslogin.Platform) { p.Required = nil }), []docslogin.Option{set("name", " ")}, "name", "empty"},
		{"an app's clock that is behind", readMe, readMe.Platform(), []docslogin.Option{docslogin.WithClock(func() time.Time { return time.Now().Add(-time.Hour) })}, "exp", "in the past"},
		{"the key of another site", mintlify, change(wrong.Platform(), func(p *docslogin.Platform) { p.DocsURL = mintlify.URL }), nil, "signature", "does not fit"},
		{"no host", mintlify, change(mintlify.Platform(), func(p *docslogin.Platform) { p.HostClaim = "" }), nil, "host", "no host"},
		{"the host of another domain of these docs", mintlify, change(mintlify.Platform(), func(p *docslogin.Platform) { p.HostClaim = "" }), []docslogin.Option{set("host", "acme.mintlify.app")}, "host", "visited at \"127.0.0.1\""},
		{"a minute of life", mintlify, change(mintlify.Platform(), func(p *docslogin.Platform) { p.Lifetime.MaxToken = 0 }), []docslogin.Option{docslogin.WithTokenTTL(time.Minute)}, "exp", "10s at most"},
		{"a group that is no list", mintlify, mintlify.Platform(), []docslogin.Option{set("groups", "admin")}, "groups", "not a list of strings"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			client := visitor(t, newApp(t, test.site, test.platform, ada, test.opts...))
			_, err := test.site.Login(client, "/quickstart")
			var refusal *docslogintest.Refusal
			if !errors.As(err, &refusal) {
				t.Fatalf("error: %v", err)
			}
			if refusal.Rule != test.rule || !strings.Contains(refusal.Why, test.why) || refusal.Fix == "" || refusal.Time.IsZero() {
				t.Errorf("refusal: %+v", refusal)
			}
			if s := err.Error(); !strings.HasPrefix(s, "docslogintest: ") || strings.Contains(s, "key-of-ada") || strings.Contains(s, "\n") {
				t.Errorf("error: %s", s)
			}
			resp, page := get(t, client, test.site.URL+"/quickstart")
			if resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("status %d", resp.StatusCode)
			}
			contains(t, page, "Login refused", `<code class="rule">`+test.rule+"</code>", "Fix:", "Try again")
			if strings.Contains(page, "key-of-ada") || strings.Contains(page, "eyJ") {
				t.Errorf("page shows the token or a credential:\n%s", page)
			}
		})
	}
	for _, site := range []*docslogintest.Site{mintlify, readMe} {
		if len(site.Logins()) != 0 || len(site.Refusals()) == 0 {
			t.Errorf("%d logins, %d refusals", len(site.Logins()), len(site.Refusals()))
		}
	}
}

func TestNotesAreNoRefusal(t *testing.T) {
	site := docslogintest.NewReadMe()
	defer site.Close()
	misspelt := docslogin.WithClaimsMapper(func(_ context.Context, _ *docslogin.User, c docslogin.Claims) error {
		c["api_key"] = "k"
		return nil
	})
	client := visitor(t, newApp(t, site, site.Platform(), ada, misspelt))
	login, err := site.Login(client, "/quickstart")
	if err != nil || len(login.Notes) != 1 || !strings.Contains(login.Notes[0], "api_key") {
		t.Errorf("login: %+v, %v", login, err)
	}
	_, page := get(t, client, site.URL+"/quickstart")
	contains(t, page, "Note on the token", "Call it apiKey.")

	// Beside a refusal they are shown too.
	platform := site.Platform()
	platform.Static = nil
	_, page = get(t, visitor(t, newApp(t, site, platform, ada, misspelt)), site.URL+"/quickstart")
	contains(t, page, `<code class="rule">version</code>`, "Beside that, <code>spelling</code>")
}

func TestALinkThatComesBackStaysOnTheSite(t *testing.T) {
	for _, p := range platforms {
		if p.toPage {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			site := p.start()
			defer site.Close()
			newApp(t, site, site.Platform(), ada)
			param, _, _ := strings.Cut(p.link, "=")
			for _, link := range []string{
				"https://evil.example/", "//evil.example/", `/\evil.example/`, `\\evil.example`, "/\t/evil.example", "/\r\nX: y", "evil.example", "javascript:alert(1)", "", "%", "///evil.example", "/%zz", "/a#%zz",
				site.URL, site.URL + ".evil.example/", site.URL + "@evil.example/", "ftp" + strings.TrimPrefix(site.URL, "http") + "/a", site.URL + "//evil.example", "http://evil.example/?" + site.URL + "/a",
			} {
				if got := arrive(t, site, param, link); got != "/" {
					t.Errorf("%s=%q leads to %q", param, link, got)
				}
			}
			for link, want := range map[string]string{
				"/quickstart": "/quickstart", "/a?b=c%2Fd&e": "/a?b=c%2Fd&e", "/reference#auth": "/reference#auth", "/a#": "/a#",
				"/%E4%BD%A0": "/%E4%BD%A0", "/café?q=ü#ß": "/caf%C3%A9?q=%C3%BC#%C3%9F",
				site.URL + "/a?b#c": "/a?b#c", strings.Replace(site.URL, "http:", "https:", 1) + "/a": "/a",
			} {
				if got := arrive(t, site, param, link); got != want {
					t.Errorf("%s=%q leads to %q, want %q", param, link, got, want)
				}
			}
		})
	}
}

// A token that comes to the wanted page itself leaves nothing but that page.
func TestATokenLeavesThePageAsItWas(t *testing.T) {
	for _, p := range platforms {
		if !p.toPage {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			site := p.start()
			defer site.Close()
			for _, page := range []string{"/", "/a", "/a?b=c%2Fd&e&&f", "/a%2Fb?%zz"} {
				to := tokenTo(t, site)
				if base, query, ok := strings.Cut(to, "?"); ok { // GitBook, DeveloperHub: {page}?jwt=…
					to = strings.TrimSuffix(base, "/") + page + "?" + query
					if strings.Contains(page, "?") {
						to = strings.TrimSuffix(base, "/") + page + "&" + query
					}
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
}

// tokenTo is where the route sends a user whom no page of the docs has sent.
func tokenTo(t *testing.T, site *docslogintest.Site) string {
	t.Helper()
	login, err := docslogin.New(func(*http.Request) (*docslogin.User, error) { return ada, nil }, site.Platform())
	if err != nil {
		t.Fatal(err)
	}
	to, err := login.LoginURL(context.Background(), ada, "")
	if err != nil {
		t.Fatal(err)
	}
	return to
}

var formOf = regexp.MustCompile(`(?s)action="([^"]*)".*name="jwt" value="([^"]*)"`)

// arrive hands the site a good token with the link as it is, past the middleware's
// own checks, and returns where that leads.
func arrive(t *testing.T, site *docslogintest.Site, param, link string) string {
	t.Helper()
	login, err := docslogin.New(func(*http.Request) (*docslogin.User, error) { return ada, nil }, site.Platform())
	if err != nil {
		t.Fatal(err)
	}
	resp, _ := get(t, noRedirects(), site.URL+"/quickstart")
	answer := httptest.NewRecorder()
	login.ServeHTTP(answer, httptest.NewRequest("GET", resp.Header.Get("Location"), nil))
	if form := formOf.FindStringSubmatch(answer.Body.String()); form != nil {
		resp, err = noRedirects().PostForm(html.UnescapeString(form[1]), url.Values{"jwt": {form[2]}, param: {link}})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	} else {
		u, err := url.Parse(answer.Header().Get("Location"))
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

func TestTheDocsSessionEndsAtExpiresAt(t *testing.T) {
	var mu sync.Mutex
	now := time.Now()
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	site := docslogintest.NewMintlify(docslogintest.WithClock(clock))
	defer site.Close()
	client := visitor(t, newApp(t, site, site.Platform(), ada, docslogin.WithSessionTTL(time.Hour), docslogin.WithClock(clock)))
	if _, err := site.Login(client, "/quickstart"); err != nil {
		t.Fatal(err)
	}
	_, page := get(t, client, site.URL+"/changelog")
	contains(t, page, "Hello, Ada")
	mu.Lock()
	now = now.Add(time.Hour)
	mu.Unlock()
	if _, page = get(t, client, site.URL+"/changelog"); strings.Contains(page, "Hello") {
		t.Error("still signed in after expiresAt")
	}
	if _, err := site.Login(client, "/quickstart"); err != nil || len(site.Logins()) != 2 {
		t.Errorf("second login: %v, %d logins", err, len(site.Logins()))
	}
}

// recorder sees what goes over the wire.
type recorder struct {
	mu   sync.Mutex
	sent []string
}

func (rec *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	rec.mu.Lock()
	rec.sent = append(rec.sent, req.Method+" "+req.URL.RequestURI()+" "+req.Header.Get("Referer"))
	rec.mu.Unlock()
	return http.DefaultTransport.RoundTrip(req)
}

func TestTheFragmentIsInNoURLOnTheWire(t *testing.T) {
	site := docslogintest.NewMintlify()
	defer site.Close()
	client := visitor(t, newApp(t, site, site.Platform(), ada))
	rec := &recorder{}
	client.Transport = docslogintest.Transport(rec)
	if _, err := site.Login(client, "/quickstart"); err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(rec.sent, "\n"); strings.Contains(all, "eyJ") {
		t.Errorf("a token in a URL or Referer:\n%s", all)
	}
	if !slices.ContainsFunc(rec.sent, func(s string) bool {
		return strings.HasPrefix(s, "POST /login/jwt-callback?redirect=%2Fquickstart")
	}) {
		t.Errorf("no POST to the callback: %q", rec.sent)
	}
}

func TestTheCallbackPageIsForScripts(t *testing.T) {
	site := docslogintest.NewMintlify()
	defer site.Close()
	resp, page := get(t, docslogintest.NewClient(), site.URL+"/login/jwt-callback?redirect=%2Fquickstart")
	contains(t, page, "location.hash", "history.replaceState", "<noscript>", "Allow JavaScript")
	if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "script-src 'nonce-") {
		t.Errorf("Content-Security-Policy: %q", csp)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	// An empty fragment is a token that is not there.
	post, err := http.Post(site.URL+"/login/jwt-callback", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	post.Body.Close()
	if post.StatusCode != http.StatusUnauthorized || site.Refusals()[0].Rule != "form" {
		t.Errorf("status %d, %v", post.StatusCode, site.Refusals())
	}
}

func TestWhatIsNoVisitOfAPage(t *testing.T) {
	site := docslogintest.NewMintlify()
	defer site.Close()
	tests := []struct {
		name, method, path, body, fetchSite string
		want                                int
	}{
		{"a POST to a page", "POST", "/quickstart", "", "", http.StatusMethodNotAllowed},
		{"a DELETE", "DELETE", "/logout", "", "", http.StatusMethodNotAllowed},
		{"logging out from another site", "POST", "/logout", "", "cross-site", http.StatusForbidden},
		{"logging in from another port", "POST", "/login/jwt-callback", "a.b.c", "same-site", http.StatusForbidden},
		{"a token without end", "POST", "/login/jwt-callback", strings.Repeat("a", 1<<17), "same-origin", http.StatusBadRequest},
		{"HEAD of a public page", "HEAD", "/changelog", "", "", http.StatusOK},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			req, err := http.NewRequest(test.method, site.URL+test.path, strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			if test.fetchSite != "" {
				req.Header.Set("Sec-Fetch-Site", test.fetchSite)
			}
			resp, err := http.DefaultClient.Do(req)
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

func TestWithoutALoginURL(t *testing.T) {
	site := docslogintest.NewReadMe()
	defer site.Close()
	resp, page := get(t, docslogintest.NewClient(), site.URL+"/quickstart")
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("status %d", resp.StatusCode)
	}
	contains(t, page, "This page is private", "SetLoginURL")
	resp, page = get(t, docslogintest.NewClient(), site.URL+"/")
	if resp.StatusCode != http.StatusOK || strings.Contains(page, "Log in</a>") {
		t.Errorf("status %d, page with a button that leads nowhere:\n%s", resp.StatusCode, page)
	}
	// A login URL may have a query of its own.
	site.SetLoginURL("http://127.0.0.1:1/login?tenant=a")
	resp, _ = get(t, noRedirects(), site.URL+"/quickstart?a=b")
	if got := resp.Header.Get("Location"); got != "http://127.0.0.1:1/login?tenant=a&redirect=%2Fquickstart%3Fa%3Db" {
		t.Errorf("Location: %s", got)
	}
}

func TestLoginSaysWhereItStopped(t *testing.T) {
	site := docslogintest.NewMintlify()
	defer site.Close()
	check := func(client *http.Client, page, want string) {
		t.Helper()
		_, err := site.Login(client, page)
		if err == nil || !strings.HasPrefix(err.Error(), "docslogintest: ") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "eyJ") {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	check(docslogintest.NewClient(), "/quickstart", "no login URL")
	app := newApp(t, site, site.Platform(), ada)
	check(docslogintest.NewClient(), "quickstart", "not a path of the site")
	check(&http.Client{}, "/quickstart", "keeps no cookies")
	check(docslogintest.NewClient(), "/quickstart", app.URL+"/sign-in (200): is the visitor signed in")

	plain := visitor(t, app)
	plain.Transport = nil
	check(plain, "/quickstart", "/login/jwt-callback (200): the client does not play the page's script")
	stays := visitor(t, app)
	stays.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	check(stays, "/quickstart", "/quickstart (302): the docs got no token")

	site.SetLoginURL(app.URL + "/elsewhere")
	check(visitor(t, app), "/quickstart", "/elsewhere (404): the app answers with an error, \"\"; its log may say more")
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "http://127.0.0.1:99x/?auth_token=eyJ")
		w.WriteHeader(http.StatusFound)
	}))
	defer bad.Close()
	site.SetLoginURL(bad.URL)
	check(visitor(t, app), "/quickstart", `failed to parse Location header "http://127.0.0.1:99x/…`)
	site.SetLoginURL(site.URL + "/login/jwt-callback")
	check(visitor(t, app), "/changelog", "got no token in the URL's fragment")
	site.SetLoginURL(site.URL + "/quickstart")
	check(visitor(t, app), "/quickstart", "stopped after 10 redirects")
	site.SetLoginURL("http://127.0.0.1:1/")
	check(visitor(t, app), "/changelog", "the visitor's way to the docs")
	site.URL = "http://[::1"
	check(visitor(t, app), "/changelog", "the site's URL")

	readMe := docslogintest.NewReadMe()
	defer readMe.Close()
	app = newApp(t, readMe, readMe.Platform(), &docslogin.User{ID: "1", Name: "Ada"})
	if _, err := readMe.Login(visitor(t, app), "/quickstart"); err == nil || !strings.Contains(err.Error(), `(403): the app answers with an error, "Your account is not complete"`) {
		t.Errorf("a user without an e-mail: %v", err)
	}
}

// breaks fails on the script's POST.
type breaks struct{}

func (breaks) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodPost {
		return nil, errors.New("broken")
	}
	return http.DefaultTransport.RoundTrip(req)
}

func TestTransportReportsAScriptThatFails(t *testing.T) {
	site := docslogintest.NewMintlify()
	defer site.Close()
	client := visitor(t, newApp(t, site, site.Platform(), ada))
	client.Transport = docslogintest.Transport(breaks{})
	if _, err := site.Login(client, "/quickstart"); err == nil || !strings.HasSuffix(err.Error(), "broken") {
		t.Errorf("error: %v", err)
	}
}

func TestListeners(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "0.0.0.0:0"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		site := docslogintest.NewReadMe(docslogintest.WithListener(l), docslogintest.WithClock(nil))
		if _, port, _ := net.SplitHostPort(l.Addr().String()); site.URL != "http://127.0.0.1:"+port {
			t.Errorf("URL of %s: %s", l.Addr(), site.URL)
		}
		get(t, docslogintest.NewClient(), site.URL+"/")
		site.Close()
		if _, err := http.Get(site.URL); err == nil {
			t.Error("still there after Close")
		}
	}
}

func TestManyVisitorsAtOnce(t *testing.T) {
	for _, p := range platforms {
		t.Run(p.name, func(t *testing.T) {
			site := p.start()
			defer site.Close()
			app := newApp(t, site, site.Platform(), ada)
			var wg sync.WaitGroup
			for i := range 20 {
				client := visitor(t, app)
				wg.Go(func() {
					page := fmt.Sprintf("/page-%d", i)
					login, err := site.Login(client, page)
					if err != nil || login.Page != page {
						t.Errorf("login: %+v, %v", login.Page, err)
					}
					site.Logins()
					site.Refusals()
				})
			}
			wg.Wait()
			if n := len(site.Logins()); n != 20 {
				t.Errorf("%d logins", n)
			}
		})
	}
}
