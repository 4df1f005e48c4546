package docslogintest_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
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

	"github.com/go-jose/go-jose/v4/cryptosigner"

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

func TestASiteIsWhatItsPresetSays(t *testing.T) {
	for _, p := range platforms {
		site := p.start()
		defer site.Close()
		if got := site.Platform(); got.Name != p.name || !strings.HasPrefix(got.DocsURL+"/", site.URL+"/") || len(got.DeepLink.Origins) > 0 {
			t.Errorf("%s: the preset %s at %s and %v", p.name, got.Name, got.DocsURL, got.DeepLink.Origins)
		}
		if _, page := get(t, docslogintest.NewClient(), site.URL+"/"); !strings.Contains(page, "-like ") {
			t.Errorf("%s: the page does not say what it is like", p.name)
		}
	}
}

// noFact is what pages say elsewhere, or is about the token and not its reader.
var noFact = regexp.MustCompile(`<dt>(name|email|first_name|last_name|apiKey|user|pass|version|iss|iat|exp|jti)</dt>`)

func onlyFacts(t *testing.T, page string) {
	t.Helper()
	if found := noFact.FindAllString(page, -1); found != nil {
		t.Errorf("page has among the facts %v:\n%s", found, page)
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
			onlyFacts(t, string(body))

			// From here on the docs know the visitor, without the app.
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

// Pages that have no content of their own are private, too.
func TestAnyOtherPageIsPrivate(t *testing.T) {
	for _, p := range platforms {
		site := p.start()
		defer site.Close()
		newApp(t, site, site.Platform(), ada)
		if resp, page := get(t, docslogintest.NewClient(), site.URL+"/guides/else"); page != "the app's sign-in form" {
			t.Errorf("%s: a reader who is signed out ended at %v", p.name, resp.Request.URL)
		}
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

func TestFactsAreOfTheReaderAndShownOnce(t *testing.T) {
	for _, test := range []struct {
		name  string
		start func(...docslogintest.Option) *docslogintest.Site
		claim docslogin.Option
		shows string
	}{
		{"an issuer", docslogintest.NewGitBook, set("iss", "the app"), "<dt>plan</dt>"},
		{"a version", docslogintest.NewGitBook, set("version", 1), "<dt>plan</dt>"},
		{"a last name, which is part of the name", docslogintest.NewMetabase, set("last_name", "Park"), "Park."},
	} {
		t.Run(test.name, func(t *testing.T) {
			site := test.start()
			defer site.Close()
			_, page := get(t, visitor(t, newApp(t, site, site.Platform(), ada, test.claim)), site.URL+"/quickstart")
			contains(t, page, test.shows)
			onlyFacts(t, page)
		})
	}
}

func TestPagesShowThingsInTheOrderOfTheirNames(t *testing.T) {
	site := docslogintest.NewMintlify()
	defer site.Close()
	const names = "a b c d e f g h"
	values := map[string]any{}
	for name := range strings.FieldsSeq(names) {
		values[name] = "x"
	}
	user := &docslogin.User{Email: "ada@example.com", Attributes: values}
	inputs := set("apiPlaygroundInputs", map[string]any{"header": values})
	_, page := get(t, visitor(t, newApp(t, site, site.Platform(), user, inputs)), site.URL+"/quickstart")
	for what, pattern := range map[string]string{"headers": `-H &#34;(\w): x`, "facts": `<dt>(\w)</dt>`} {
		var got []string
		for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(page, -1) {
			got = append(got, found[1])
		}
		if s := strings.Join(got, " "); s != names {
			t.Errorf("%s: %s, want %s", what, s, names)
		}
	}
}

func TestFernFillsInHTTPBasic(t *testing.T) {
	site := docslogintest.NewFern()
	defer site.Close()
	user := &docslogin.User{Email: "ada@example.com", APIKeys: []docslogin.APIKey{{Username: "u", Password: "p"}}}
	_, page := get(t, visitor(t, newApp(t, site, site.Platform(), user)), site.URL+"/quickstart")
	contains(t, page, `-u &#34;u:p&#34;`)
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
			onlyFacts(t, page)
		})
	}
}

// set makes a claim whatever the platform's mapper made of it.
func set(name string, value any) docslogin.Option {
	return docslogin.WithClaimsMapper(func(_ context.Context, _ *docslogin.User, c docslogin.Claims) error {
		c[name] = value
		return nil
	})
}

// late is the clock of an app that lags behind.
func late(by time.Duration) docslogin.Option {
	return docslogin.WithClock(func() time.Time { return time.Now().Add(-by) })
}

func TestASiteSaysWhyItRefuses(t *testing.T) {
	other := docslogintest.NewMintlify()
	defer other.Close()
	as := func(*docslogin.Platform) {}
	tests := []struct {
		name      string
		start     func(...docslogintest.Option) *docslogintest.Site
		change    func(*docslogin.Platform)
		opt       docslogin.Option
		rule, why string
	}{
		{"another secret", docslogintest.NewReadMe, func(p *docslogin.Platform) { p.Key = docslogin.Secret("of another environment") }, late(0), "signature", "does not fit"},
		{"no version", docslogintest.NewReadMe, func(p *docslogin.Platform) { p.Static = nil }, late(0), "version", "no version"},
		{"an empty name", docslogintest.NewReadMe, func(p *docslogin.Platform) { p.Required = nil }, set("name", " "), "name", "empty"},
		{"an app's clock that is behind", docslogintest.NewReadMe, as, late(time.Hour), "exp", "in the past"},
		{"the key of another site", docslogintest.NewMintlify, func(p *docslogin.Platform) { p.Key = other.Platform().Key }, late(0), "signature", "does not fit"},
		{"no host", docslogintest.NewMintlify, func(p *docslogin.Platform) { p.HostClaim = "" }, late(0), "host", "no host"},
		{"the host of another domain of these docs", docslogintest.NewMintlify, func(p *docslogin.Platform) { p.HostClaim = "" }, set("host", "acme.mintlify.app"), "host", "visited at \"127.0.0.1\""},
		{"a minute of life", docslogintest.NewMintlify, func(p *docslogin.Platform) { p.Lifetime.Token, p.Lifetime.MaxToken = time.Minute, 0 }, late(0), "exp", "10s at most"},
		{"a group that is no list", docslogintest.NewMintlify, as, set("groups", "admin"), "groups", "not a list of strings"},
		{"the key of Mintlify's authentication in its personalization", docslogintest.NewMintlifyPersonalization, func(p *docslogin.Platform) { p.Algorithm, p.Key = "EdDSA", other.Platform().Key }, late(0), "alg", "has to be ES256"},
		{"a session at GitBook that is over", docslogintest.NewGitBook, as, late(2 * time.Hour), "exp", "in the past"},
		{"more than GitBook takes", docslogintest.NewGitBook, func(p *docslogin.Platform) { p.MaxTokenBytes = 0 }, set("bio", strings.Repeat("x", 4000)), "size", "4000 at most"},
		{"another issuer at Fern", docslogintest.NewFern, func(p *docslogin.Platform) { p.Static = docslogin.Claims{"iss": "https://app.example.com"} }, late(0), "iss", "is not https://buildwithfern.com"},
		{"more than Fern takes", docslogintest.NewFern, func(p *docslogin.Platform) { p.MaxTokenBytes = 0 }, set("bio", strings.Repeat("x", 4000)), "size", "4000 at most"},
		{"a role at Fern that is no list", docslogintest.NewFern, as, set("fern", map[string]any{"roles": "admin"}), "fern.roles", "not a list of strings"},
		{"no jti for Zendesk", docslogintest.NewZendesk, func(p *docslogin.Platform) { p.TokenID = false }, late(0), "jti", "no jti"},
		{"an iat that is too old for Zendesk", docslogintest.NewZendesk, as, late(4 * time.Minute), "iat", "3m0s at most"},
		{"an iat that is too new for Zendesk", docslogintest.NewZendesk, as, late(-4 * time.Minute), "iat", "in the future"},
		{"another brand of Zendesk", docslogintest.NewZendesk, func(p *docslogin.Platform) {
			p.Echo, p.Params = []string{"locale_id", "timestamp"}, map[string]string{"brand_id": "7"}
		}, late(0), "brand_id", "did not come back"},
		{"HS256 for Help Scout", docslogintest.NewHelpScout, func(p *docslogin.Platform) { p.Algorithm = "HS256" }, late(0), "alg", "has to be HS512"},
		{"no exp for Help Scout", docslogintest.NewHelpScout, func(p *docslogin.Platform) { p.Lifetime = docslogin.Lifetime{} }, late(0), "exp", "no exp"},
		{"no version for DeveloperHub", docslogintest.NewDeveloperHub, func(p *docslogin.Platform) { p.Static = nil }, late(0), "version", "no version"},
		{"no company for Canny", docslogintest.NewCanny, func(p *docslogin.Platform) { p.Echo, p.Params = nil, nil }, late(0), "companyID", "did not come back"},
		{"no ID for Canny", docslogintest.NewCanny, func(p *docslogin.Platform) { p.Required, p.Mapper = nil, nil }, late(0), "id", "no id"},
		{"nobody for Featurebase", docslogintest.NewFeaturebase, func(p *docslogin.Platform) { p.Required, p.Mapper = nil, nil }, late(0), "email", "neither email nor userId"},
		{"an iat that is too old for Metabase", docslogintest.NewMetabase, func(p *docslogin.Platform) { p.Lifetime.Token, p.Lifetime.MaxToken = time.Hour, 0 }, late(4 * time.Minute), "iat", "3m0s at most"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			site := test.start()
			defer site.Close()
			platform := site.Platform()
			test.change(&platform)
			client := visitor(t, newApp(t, site, platform, ada, test.opt))
			_, err := site.Login(client, "/quickstart")
			var refusal *docslogintest.Rejection
			if !errors.As(err, &refusal) {
				t.Fatalf("error: %v", err)
			}
			if refusal.Platform != platform.Name || refusal.Rule != test.rule || !strings.Contains(refusal.Why, test.why) || refusal.Fix == "" || refusal.Time.IsZero() {
				t.Errorf("refusal: %+v", refusal)
			}
			if s := err.Error(); !strings.HasPrefix(s, "docslogintest: ") || strings.Contains(s, "key-of-ada") || strings.Contains(s, "\n") {
				t.Errorf("error: %s", s)
			}
			resp, page := get(t, client, site.URL+"/quickstart")
			if resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("status %d", resp.StatusCode)
			}
			contains(t, page, "Login refused", `<code class="rule">`+test.rule+"</code>", "Fix:", "Try again")
			if strings.Contains(page, "key-of-ada") || strings.Contains(page, "eyJ") {
				t.Errorf("page shows the token or a credential:\n%s", page)
			}
			if len(site.Logins()) != 0 || len(site.Rejections()) != 2 {
				t.Errorf("%d logins, %d rejections", len(site.Logins()), len(site.Rejections()))
			}
		})
	}
}

func TestATokenIDCountsOnce(t *testing.T) {
	for _, start := range []func(...docslogintest.Option) *docslogintest.Site{docslogintest.NewZendesk, docslogintest.NewDeveloperHub} {
		site := start()
		defer site.Close()
		platform := site.Platform()
		platform.TokenID = false
		app := newApp(t, site, platform, ada, set("jti", "the same for all"))
		if _, err := site.Login(visitor(t, app), "/quickstart"); err != nil {
			t.Fatal(err)
		}
		_, err := site.Login(visitor(t, app), "/quickstart")
		var refusal *docslogintest.Rejection
		if !errors.As(err, &refusal) || refusal.Rule != "jti" || !strings.Contains(refusal.Why, "used before") {
			t.Errorf("%s: error %v", platform.Name, err)
		}
	}

	// A refused token has not used up its jti: with the right query it is taken, once.
	site := docslogintest.NewZendesk()
	defer site.Close()
	action, token := tokenInForm(t, site)
	for _, step := range []struct{ brand, rule string }{{"7", "brand_id"}, {"360001", ""}, {"360001", "jti"}} {
		resp, rule := postForm(t, site, strings.Replace(action, "360001", step.brand, 1), "jwt="+token)
		if rule != step.rule {
			t.Errorf("brand %s: status %d, refused by rule %q, want %q", step.brand, resp.StatusCode, rule, step.rule)
		}
	}

	// DeveloperHub needs none.
	site = docslogintest.NewDeveloperHub()
	defer site.Close()
	app := newApp(t, site, site.Platform(), ada)
	for range 2 {
		if _, err := site.Login(visitor(t, app), "/quickstart"); err != nil {
			t.Error(err)
		}
	}
}

func TestTheFormBringsTheTokenAndTheQueryWhatCameBack(t *testing.T) {
	tests := []struct {
		name, query, form string // {echo} is what the login URL was given
		leads, rule       string // one of them
		notes             int
	}{
		{"each in its place", "{echo}", "jwt={token}&return_to=%2Fa", "/a", "", 0},
		{"the token in the query", "{echo}&jwt={token}", "return_to=%2Fa", "", "form", 0},
		{"the wanted page in the query", "{echo}&return_to=%2Fa", "jwt={token}", "/", "", 0},
		{"another brand in the form as well", "{echo}", "jwt={token}&brand_id=7", "/", "", 0},
		{"another brand in the form alone", "", "jwt={token}&brand_id=7", "/", "", 3},
		{"what was to come back in the form alone", "", "jwt={token}&{echo}", "/", "", 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			site := docslogintest.NewZendesk()
			defer site.Close()
			action, token := tokenInForm(t, site)
			_, echo, _ := strings.Cut(action, "?")
			fill := strings.NewReplacer("{echo}", echo, "{token}", token).Replace
			resp, rule := postForm(t, site, site.URL+"/access/jwt?"+fill(test.query), fill(test.form))
			if got := resp.Header.Get("Location"); got != test.leads || rule != test.rule {
				t.Errorf("leads to %q, refused by rule %q; want %q, %q", got, rule, test.leads, test.rule)
			}
			for _, login := range site.Logins() {
				if len(login.Notes) != test.notes {
					t.Errorf("notes: %q, want %d", login.Notes, test.notes)
				}
			}
		})
	}
}

// tokenInForm is the action of the route's form, and the token in it.
func tokenInForm(t *testing.T, site *docslogintest.Site) (action, token string) {
	t.Helper()
	form := formOf.FindStringSubmatch(answer(t, site).Body.String())
	if form == nil {
		t.Fatal("the route answers with no form")
	}
	return html.UnescapeString(form[1]), form[2]
}

// postForm returns the site's answer to a form, and the rule by which it refuses it.
func postForm(t *testing.T, site *docslogintest.Site, action, form string) (resp *http.Response, rule string) {
	t.Helper()
	before := len(site.Rejections())
	resp, err := noRedirects().Post(action, "application/x-www-form-urlencoded", strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if rejections := site.Rejections(); len(rejections) > before {
		rule = rejections[before].Rule
	}
	return resp, rule
}

func TestGitBookRefusesWhatItWouldMisreadBesideTheToken(t *testing.T) {
	tests := []struct{ name, query, rule string }{
		{"another token", "access_token=x", "access_token"},
		{"another token behind other parameters", "lang=go&access_token=%zz", "access_token"},
		{"another token without a value", "access_token", "access_token"},
		{"another token under an escaped name", "%61ccess_token=x", "access_token"},
		{"a claim that nobody signed", "visitor.plan=enterprise", "visitor.…"},
		{"such a claim under an escaped name", "visitor%2Eplan=enterprise", "visitor.…"},
		{"such a claim behind a broken escape", "%76isitor.plan%zz=enterprise", "visitor.…"},
		{"both", "visitor.plan=enterprise&access_token=x", "access_token"},
		{"names that are none of these", "visitor=a&my_access_token=b&access_tokens=c&Visitor.plan=d&q=access_token", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			site := docslogintest.NewGitBook()
			defer site.Close()
			lax := site.Platform()
			lax.DeepLink.Drop = []string{"jwt_token"}
			page := "/quickstart?" + test.query
			login, err := site.Login(visitor(t, newApp(t, site, lax, ada)), page)
			var refusal *docslogintest.Rejection
			switch {
			case test.rule == "":
				if err != nil || login.Page != page {
					t.Errorf("login: %+v, %v", login, err)
				}
			case !errors.As(err, &refusal) || refusal.Rule != test.rule || !strings.Contains(refusal.Why, "came beside the token, and GitBook would take it ") || !strings.Contains(refusal.Fix, "DeepLink.Drop"):
				t.Errorf("login: %+v, %v", login, err)
			}

			// The preset takes all of them out of the link.
			if _, err = site.Login(visitor(t, newApp(t, site, site.Platform(), ada)), page); err != nil {
				t.Errorf("with the preset: %v", err)
			}
		})
	}
}

func TestDeveloperHubTakesHS512(t *testing.T) {
	site := docslogintest.NewDeveloperHub()
	defer site.Close()
	platform := site.Platform()
	platform.Algorithm = "HS512"
	if _, err := site.Login(visitor(t, newApp(t, site, platform, ada)), "/quickstart"); err != nil {
		t.Error(err)
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

	// Zendesk's parameters may be lost on the way, or have never been there.
	help := docslogintest.NewZendesk()
	defer help.Close()
	forgets := help.Platform()
	forgets.Echo = []string{"brand_id", "locale_id"}
	login, err = help.Login(visitor(t, newApp(t, help, forgets, ada)), "/quickstart")
	if err != nil || len(login.Notes) != 1 || !strings.Contains(login.Notes[0], "timestamp did not come back") {
		t.Errorf("login: %+v, %v", login, err)
	}

	// A link in another form than the platform's may lead anywhere there.
	const wanted = "/quickstart?next=https://example.com"
	for _, tt := range []struct {
		start      func(...docslogintest.Option) *docslogintest.Site
		form       docslogin.LinkForm
		page, note string
	}{
		{docslogintest.NewReadMe, docslogin.AsPath, wanted, ""},
		{docslogintest.NewReadMe, docslogin.AsURL, wanted, "The parameter redirect came back as an absolute URL, and ReadMe expects a path. Set DeepLink.Form to AsPath."},
		{docslogintest.NewMintlify, docslogin.AsURL, wanted, "The parameter redirect came back as an absolute URL, and Mintlify expects a path. Set DeepLink.Form to AsPath."},
		{docslogintest.NewHelpScout, docslogin.AsURL, wanted, "The parameter returnTo came back as an absolute URL, and Help Scout expects a path. Set DeepLink.Form to AsPath."},
		{docslogintest.NewFern, docslogin.AsURL, wanted, ""},
		{docslogintest.NewFern, docslogin.AsPath, "/", "The parameter state came back as a path, and Fern expects an absolute URL. Set DeepLink.Form to AsURL."},
		{docslogintest.NewCanny, docslogin.AsPath, "/", "The parameter redirect came back as a path, and Canny expects an absolute URL. Set DeepLink.Form to AsURL."},
		{docslogintest.NewFeaturebase, docslogin.AsPath, "/", "The parameter return_to came back as a path, and Featurebase expects an absolute URL. Set DeepLink.Form to AsURL."},
		{docslogintest.NewZendesk, docslogin.AsPath, wanted, ""},
		{docslogintest.NewZendesk, docslogin.AsURL, wanted, ""}, // as links of the agents' are
		{docslogintest.NewMetabase, docslogin.AsURL, wanted, ""},
	} {
		site := tt.start()
		defer site.Close()
		p := site.Platform()
		p.DeepLink.Form = tt.form
		login, err := site.Login(visitor(t, newApp(t, site, p, ada)), wanted)
		if err != nil || login.Page != tt.page || strings.Join(login.Notes, "; ") != tt.note {
			t.Errorf("%s, form %d: %+v, %v", p.Name, tt.form, login, err)
		}
	}

	// A login without one leads to the home page, as it should.
	fern := docslogintest.NewFern()
	defer fern.Close()
	app := newApp(t, fern, fern.Platform(), ada)
	get(t, visitor(t, app), app.URL+"/docs-login")
	if logins := fern.Logins(); len(logins) != 1 || logins[0].Page != "/" || len(logins[0].Notes) != 0 {
		t.Errorf("logins: %+v", logins)
	}

	// RefusedParams a refusal they are shown too.
	platform := site.Platform()
	platform.Static = nil
	_, page = get(t, visitor(t, newApp(t, site, platform, ada, misspelt)), site.URL+"/quickstart")
	contains(t, page, `<code class="rule">version</code>`, "RefusedParams that, <code>spelling</code>")
}

func TestALinkThatComesBackStaysOnTheSite(t *testing.T) {
	for _, p := range platforms {
		if p.toPage {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			site := p.start()
			defer site.Close()
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
				site.URL + "/a?b#c": "/a?b#c", site.URL + "/café?q=ü#ß": "/caf%C3%A9?q=%C3%BC#%C3%9F", strings.Replace(site.URL, "http:", "https:", 1) + "/a": "/a",
			} {
				if strings.Contains(p.link, "{site}") && strings.HasPrefix(link, "/") {
					want = "/" // a path of what host?
				}
				if got := arrive(t, site, param, link); got != want {
					t.Errorf("%s=%q leads to %q, want %q", param, link, got, want)
				}
			}
		})
	}
}

func TestALinkThatLeadsAstrayIsNoted(t *testing.T) {
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

	// A link that nobody encoded has lost what is behind its first &.
	site := docslogintest.NewReadMe()
	defer site.Close()
	get(t, noRedirects(), tokenTo(t, site)+"&redirect=/search?q=a&page=2")
	if logins := site.Logins(); len(logins) != 1 || len(logins[0].Notes) != 1 || !strings.Contains(logins[0].Notes[0], "first & of the link") {
		t.Errorf("logins: %+v", logins)
	}

	// A login URL that is none has no route.
	site.SetLoginURL("://")
	get(t, noRedirects(), tokenTo(t, site)+"&redirect=%2Fdocs-login")
	if notes := site.Logins()[1].Notes; len(notes) != 0 {
		t.Errorf("notes: %q", notes)
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
			// By page, how the first letter of the token's parameter is written.
			for page, j := range map[string]string{"/": "j", "/a": "%6a", "/a?b=c%2Fd&e&&f": "j", "/a%2Fb?%zz": "%6A"} {
				to := tokenTo(t, site)
				if base, query, ok := strings.Cut(to, "?"); ok { // GitBook, DeveloperHub: {page}?jwt=…
					query = strings.Replace(query, "j", j, 1)
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

// answer is the route's, to a user whom the site has sent.
func answer(t *testing.T, site *docslogintest.Site) *httptest.ResponseRecorder {
	t.Helper()
	login, err := docslogin.New(func(*http.Request) (*docslogin.User, error) { return ada, nil }, site.Platform())
	if err != nil {
		t.Fatal(err)
	}
	site.SetLoginURL("http://127.0.0.1:1" + login.Path())
	resp, _ := get(t, noRedirects(), site.URL+"/quickstart")
	answer := httptest.NewRecorder()
	login.ServeHTTP(answer, httptest.NewRequest("GET", resp.Header.Get("Location"), nil))
	return answer
}

// arrive hands the site a good token with the link as it is, past the middleware's
// own checks, and returns where that leads.
func arrive(t *testing.T, site *docslogintest.Site, param, link string) string {
	t.Helper()
	answer := answer(t, site)
	var resp *http.Response
	if form := formOf.FindStringSubmatch(answer.Body.String()); form != nil {
		resp, _ = postForm(t, site, html.UnescapeString(form[1]), url.Values{"jwt": {form[2]}, param: {link}}.Encode())
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

func TestTheDocsSessionEndsWithItsClaim(t *testing.T) {
	ends := 0
	for _, p := range platforms {
		t.Run(p.name, func(t *testing.T) {
			var mu sync.Mutex
			now := time.Now()
			clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
			site := p.start(docslogintest.WithClock(clock))
			defer site.Close()
			if site.Platform().Lifetime.SessionClaim == "" {
				return // the platform decides
			}
			ends++
			client := visitor(t, newApp(t, site, site.Platform(), ada, docslogin.WithSessionTTL(time.Hour), docslogin.WithClock(clock)))
			if _, err := site.Login(client, "/quickstart"); err != nil {
				t.Fatal(err)
			}
			pass := func(d time.Duration) {
				mu.Lock()
				defer mu.Unlock()
				now = now.Add(d)
			}
			pass(time.Hour - 2*time.Second) // a token holds whole seconds
			_, page := get(t, client, site.URL+"/changelog")
			contains(t, page, "Hello, ")
			pass(2 * time.Second)
			if _, page = get(t, client, site.URL+"/changelog"); strings.Contains(page, "Hello") {
				t.Error("still signed in after the end")
			}
			if _, err := site.Login(client, "/quickstart"); err != nil || len(site.Logins()) != 2 {
				t.Errorf("second login: %v, %d logins", err, len(site.Logins()))
			}
		})
	}
	if ends != 6 {
		t.Errorf("%d platforms end the session by a claim, want 6", ends)
	}
}

// recorder sees what goes over the wire.
type recorder struct {
	mu   sync.Mutex
	sent []string
}

func (rec *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	rec.mu.Lock()
	rec.sent = append(rec.sent, fmt.Sprintf("%s %s %s Origin:%s Referer:%s", req.Method, req.URL.RequestURI(), req.Header.Get("Content-Type"), req.Header.Get("Origin"), req.Header.Get("Referer")))
	rec.mu.Unlock()
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err == nil {
		resp.Request = nil // as a transport may leave it
	}
	return resp, err
}

func TestATokenIsInNoURLOnTheWire(t *testing.T) {
	for _, test := range []struct {
		start func(...docslogintest.Option) *docslogintest.Site
		post  string // of the token
	}{
		{docslogintest.NewMintlify, "POST /login/jwt-callback?redirect=%2Fquickstart%3Fa text/plain Origin: Referer:"},
		{docslogintest.NewMintlifyPersonalization, "POST /quickstart?a text/plain Origin: Referer:"},
		{docslogintest.NewZendesk, "POST /access/jwt?brand_id=360001&locale_id=1&timestamp={now} application/x-www-form-urlencoded Origin:null Referer:"},
	} {
		site := test.start()
		defer site.Close()
		client := visitor(t, newApp(t, site, site.Platform(), ada))
		rec := &recorder{}
		client.Transport = docslogintest.Transport(rec)
		if _, err := site.Login(client, "/quickstart?a"); err != nil {
			t.Fatal(err)
		}
		all := strings.Join(rec.sent, "\n")
		if strings.Contains(all, "eyJ") {
			t.Errorf("a token in a URL or Referer:\n%s", all)
		}
		all = regexp.MustCompile(`timestamp=\d{10} `).ReplaceAllString(all, "timestamp={now} ")
		if !slices.Contains(strings.Split(all, "\n"), test.post) {
			t.Errorf("no %q in\n%s", test.post, all)
		}
	}
}

// A page that takes a token in its fragment is a page all the same.
func TestPagesWhoseScriptLooksForAToken(t *testing.T) {
	site := docslogintest.NewMintlifyPersonalization()
	defer site.Close()
	token := tokenTo(t, site)
	token = token[strings.Index(token, "#"):]

	// Without a login URL a private page cannot send anybody on, and takes a token still.
	resp, page := get(t, docslogintest.NewClient(), site.URL+"/quickstart#auth")
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("status %d", resp.StatusCode)
	}
	contains(t, page, "This page is private", "location.hash")
	if _, page = get(t, docslogintest.NewClient(), site.URL+"/quickstart"+token); !strings.Contains(page, "Hello, Ada") {
		t.Errorf("a token does not count:\n%s", page)
	}

	client := visitor(t, newApp(t, site, site.Platform(), ada))
	plain := &http.Client{}
	resp, page = get(t, plain, site.URL+"/quickstart?a=b")
	if resp.StatusCode != http.StatusOK {
		t.Errorf("status %d", resp.StatusCode)
	}
	contains(t, page, "Signing in", "location.hash", "<noscript>", "Allow JavaScript", "redirect=%2Fquickstart%3Fa%3Db")
	if strings.Contains(page, "curl") {
		t.Errorf("a signed-out reader sees a private page:\n%s", page)
	}

	// What is no token leads to the login: nothing, or an anchor.
	for _, anchor := range []string{"", "#auth", "#v1.2.3", "#eyJ.eyJ"} {
		resp, page = get(t, docslogintest.NewClient(), site.URL+"/quickstart"+anchor)
		if page != "the app's sign-in form" {
			t.Errorf("%q: ended at %v", anchor, resp.Request.URL)
		}
	}
	// A token is taken on public pages too, and leaves the URL.
	for _, at := range []string{"/changelog", "/quickstart?a=b"} {
		client := docslogintest.NewClient()
		resp, page = get(t, client, site.URL+at+token)
		if got := resp.Request.URL.String(); got != site.URL+at {
			t.Errorf("ended at %s", got)
		}
		contains(t, page, "Hello, Ada")
	}
	// One that is not in order is refused there.
	resp, page = get(t, client, site.URL+"/changelog#eyJhbGciOiJub25lIn0.e30.e30")
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("status %d", resp.StatusCode)
	}
	contains(t, page, "Login refused", "alg")
}

func TestAnAnchorGoesAlongWithRedirects(t *testing.T) {
	site := docslogintest.NewReadMe()
	defer site.Close()
	client := visitor(t, newApp(t, site, site.Platform(), ada))
	resp, _ := get(t, client, site.URL+"/reference?lang=go#a%2Fb")
	if got := resp.Request.URL.String(); got != site.URL+"/reference?lang=go#a%2Fb" {
		t.Errorf("ended at %s", got)
	}
}

func TestALocationKeepsItsOwnAnchor(t *testing.T) {
	to := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/from" {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
		}
	}))
	defer server.Close()
	for location, want := range map[string]string{"/to": "/to#of-the-link", "/to#own": "/to#own", "/to#": "/to"} {
		to = location
		resp, _ := get(t, docslogintest.NewClient(), server.URL+"/from#of-the-link")
		if got := resp.Request.URL.String(); got != server.URL+want {
			t.Errorf("%s: ended at %s, want %s", location, got, want)
		}
	}
}

// form is a page like docslogin's own.
const form = `<form method="post" action="/taken?a&amp;b">
<input type="hidden" name="x&amp;y" value="&#34;1+1&#34;">
<input value="" type="hidden" name="x&amp;y">
<button>Continue</button></form>`

func TestTheClientSendsAFormThatAScriptSends(t *testing.T) {
	var page, contentType, policy string
	var status int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/taken" {
			_ = r.ParseForm()
			cookie, _ := r.Cookie("of-the-page")
			http.SetCookie(w, &http.Cookie{Name: "of-the-form", Value: "1", Path: "/taken"})
			fmt.Fprintf(w, "%s %s with %q and %s, Origin %q, Referer %q", r.Method, r.URL, r.PostForm["x&y"], cookie, r.Header.Get("Origin"), r.Header.Get("Referer"))
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "of-the-page", Value: "1", Path: "/"})
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Referrer-Policy", policy)
		if status == http.StatusFound {
			w.Header().Set("Location", "/taken")
		}
		w.WriteHeader(status)
		fmt.Fprint(w, page)
	}))
	defer server.Close()
	const script, taken = "<script>HTMLFormElement.prototype.submit.call(document.forms[0])</script>", `POST /taken?a&b with ["\"1+1\"" ""] and of-the-page=1, `
	for _, test := range []struct {
		name, page                string
		status                    int
		contentType, policy, want string
	}{
		{"a form with its script", form + script, http.StatusOK, "text/html; charset=utf-8", "no-referrer", taken + `Origin "null", Referer ""`},
		{"a page that may be told of", form + script, http.StatusOK, "text/html", "", taken + `Origin "` + server.URL + `", Referer "` + server.URL + `/form"`},
		{"a form that waits for its button", form, http.StatusOK, "text/html", "", form},
		{"a form that is no post", strings.Replace(form, "post", "get", 1) + script, http.StatusOK, "text/html", "", strings.Replace(form, "post", "get", 1) + script},
		{"a script without a form", script, http.StatusOK, "text/html", "", script},
		{"a redirect, whose page nobody sees", form + script, http.StatusFound, "text/html", "", `GET /taken with [] and of-the-page=1, Origin "", Referer "` + server.URL + `/form"`},
		{"an error's page, which is not docslogin's", form + script, http.StatusForbidden, "text/html", "", form + script},
		{"text", form + script, http.StatusOK, "text/plain", "", form + script},
	} {
		t.Run(test.name, func(t *testing.T) {
			page, status, contentType, policy = test.page, test.status, test.contentType, test.policy
			client := docslogintest.NewClient()
			resp, got := get(t, client, server.URL+"/form")
			if got != test.want {
				t.Errorf("got %s\nwant %s", got, test.want)
			}
			if sent := strings.HasPrefix(test.want, "POST"); sent && (resp.Request.URL.String() != server.URL+"/taken?a&b" || len(client.Jar.Cookies(resp.Request.URL)) != 2) {
				t.Errorf("ended at %v with cookies %v", resp.Request.URL, client.Jar.Cookies(resp.Request.URL))
			}
		})
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
	if post.StatusCode != http.StatusUnauthorized || site.Rejections()[0].Rule != "form" {
		t.Errorf("status %d, %v", post.StatusCode, site.Rejections())
	}
}

func TestWhatIsNoVisitOfAPage(t *testing.T) {
	mintlify, zendesk, fern := docslogintest.NewMintlify(), docslogintest.NewZendesk(), docslogintest.NewFern()
	defer mintlify.Close()
	defer zendesk.Close()
	defer fern.Close()
	fern.SetLoginURL("http://127.0.0.1:1/") // where a page would lead
	tests := []struct {
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
		{"a link in the place of the form", zendesk, "GET", "/access/jwt?jwt=a.b.c", "", "cross-site", http.StatusMethodNotAllowed},
		{"logging out of the help center from another site", zendesk, "POST", "/logout", "", "cross-site", http.StatusForbidden},
		{"a token below the callback", fern, "GET", "/api/fern-docs/auth/jwt/callback/x?fern_token=a.b.c", "", "", http.StatusFound},
		{"a callback without a token", fern, "GET", "/api/fern-docs/auth/jwt/callback", "", "", http.StatusUnauthorized},
		{"HEAD of a public page", mintlify, "HEAD", "/changelog", "", "", http.StatusOK},
	}
	for _, test := range tests {
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
	check(visitor(t, app), "/quickstart", "/elsewhere (404): the app has no such page; does the login URL lead to docslogin's route?")
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

	for _, start := range []func(...docslogintest.Option) *docslogintest.Site{docslogintest.NewMintlifyPersonalization, docslogintest.NewZendesk} {
		site = start()
		defer site.Close()
		plain := visitor(t, newApp(t, site, site.Platform(), ada))
		plain.Transport = nil
		check(plain, "/quickstart", "(200): the client does not play the page's script")
	}

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

// A key of one's own in every form that WithKey documents.
func TestASiteWithAKeyOfItsOwn(t *testing.T) {
	inPEM := func(label string, der []byte, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
	}
	private := func(key any) string {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		return inPEM("PRIVATE KEY", der, err)
	}
	public := func(key crypto.Signer) string {
		der, err := x509.MarshalPKIXPublicKey(key.Public())
		return inPEM("PUBLIC KEY", der, err)
	}
	ed := ed25519.NewKeyFromSeed([]byte("a seed of thirty-two bytes, okay"))
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	const secret = "the-secret-of-the-real-project"
	type start = func(...docslogintest.Option) *docslogintest.Site
	for _, tt := range []struct {
		name  string
		start start
		text  string
		key   docslogin.Key // the app's own
		signs bool          // Platform has it too
	}{
		{"a secret", docslogintest.NewReadMe, secret, docslogin.Secret(secret), true},
		{"a secret for HS512", docslogintest.NewHelpScout, secret, docslogin.Secret(secret), true},
		{"an Ed25519 private key", docslogintest.NewMintlify, private(ed), docslogin.PrivateKey(private(ed)), true},
		{"a P-256 private key, its newlines as \\n", docslogintest.NewMintlifyPersonalization, strings.ReplaceAll(private(ec), "\n", `\n`), docslogin.PrivateKey(private(ec)), true},
		{"an Ed25519 private key and its public one", docslogintest.NewMintlify, private(ed) + public(ed), docslogin.PrivateKey(private(ed)), true},
		{"an Ed25519 public key", docslogintest.NewMintlify, public(ed), docslogin.SignWith(cryptosigner.Opaque(ed)), false},
		{"a P-256 public key", docslogintest.NewMintlifyPersonalization, public(ec), docslogin.SignWith(cryptosigner.Opaque(ec)), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			site := tt.start(docslogintest.WithKey(tt.text))
			defer site.Close()
			p := site.Platform()
			if _, err := docslogin.New(func(*http.Request) (*docslogin.User, error) { return ada, nil }, p); tt.signs && err != nil {
				t.Error(err)
			} else if !tt.signs && (err == nil || !strings.Contains(err.Error(), "Platform.Key is missing")) {
				t.Errorf("New without a key: %v", err)
			}
			p.Key = tt.key
			if _, err := site.Login(visitor(t, newApp(t, site, p, ada)), "/quickstart"); err != nil {
				t.Error(err)
			}
		})
	}
	for _, tt := range []struct {
		name  string
		start start
		text  string
		want  string
	}{
		{"an empty secret", docslogintest.NewReadMe, "", "the secret is empty"},
		{"a short secret", docslogintest.NewReadMe, "hunter2", "is 7 bytes long"},
		{"a secret with its file's line end", docslogintest.NewZendesk, "hunter2hunter2hunter2\n", "white space or quotes"},
		{"a secret for Mintlify", docslogintest.NewMintlify, "hunter2hunter2hunter2", "the text is no key"},
		{"a key of the other Mintlify", docslogintest.NewMintlify, public(ec), "EdDSA needs an Ed25519 key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			defer func() {
				if s := fmt.Sprint(recover()); !strings.HasPrefix(s, "docslogintest: WithKey: ") || !strings.Contains(s, tt.want) || strings.Contains(s, "hunter2") {
					t.Errorf("panic: %s", s)
				}
			}()
			tt.start(docslogintest.WithKey(tt.text)).Close()
		})
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
					site.Rejections()
				})
			}
			wg.Wait()
			if n := len(site.Logins()); n != 20 {
				t.Errorf("%d logins", n)
			}
		})
	}
}
