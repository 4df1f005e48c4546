package docslogintest_test

import (
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"html"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4/cryptosigner"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/internal/presets"
	"github.com/docslogin/docslogin/internal/testkit"
)

// ada is the user of the test app.
var ada = &docslogin.User{
	ID: "u1", Name: "Ada <script>", Email: "ada@example.com", Groups: []string{"admin", "beta"},
	APIKeys:    []docslogin.APIKey{{Name: "live", Key: "key-of-ada"}},
	Attributes: map[string]any{"plan": "pro", "seats": 7, "trial": false},
}

type newSite = func(...docslogintest.Option) *docslogintest.Site

// An expectation is what a test knows about one platform's site.
type expectation struct {
	deepLink string // how the login URL names /changelog; {site} is the site's URL, escaped
	home     bool   // the platform sends no deep link, so a login leads to the home page
	toPage   bool   // the token comes to the deep link's page itself
	cookie   bool   // only a cookie carries the token, and all pages are public
	ends     bool   // a claim of the token ends the docs session
	rejects  bool   // the platform rejects a login for some deep links
	once     bool   // each jti is accepted only once
	shows    string // what pages show of ada, between semicolons
}

// expected is keyed by the preset's flag. The tests of each platform add a row. A preset without a row is
// tested by its rules.
var expected = map[string]expectation{}

// Users' scripts contain the flags, so a flag must not change.
func TestEveryExpectationHasAPreset(t *testing.T) {
	for flag := range expected {
		if !slices.ContainsFunc(presets.All(), func(p presets.Preset) bool { return p.Flag == flag }) {
			t.Errorf("no preset has the flag %s", flag)
		}
	}
}

// forEverySite runs a test for each preset's site.
func forEverySite(t *testing.T, test func(t *testing.T, p presets.Preset, want expectation)) {
	for _, p := range presets.All() {
		t.Run(p.Name(), func(t *testing.T) {
			want, ok := expected[p.Flag]
			if !ok {
				rules := p.Rules(nil)
				want = expectation{deepLink: rules.Link + "=", home: rules.Link == "", toPage: rules.ToPage, cookie: rules.InCookie(), ends: rules.SessionClaim != "", shows: "ada@example.com"}
			}
			test(t, p, want)
		})
	}
}

// leadsTo returns the page to which a login leads that starts at page.
func (e expectation) leadsTo(page string) string {
	if e.home {
		return "/"
	}
	return page
}

// newApp starts an app in front of the site. Its sign-in form is one POST, which signs user in.
func newApp(t *testing.T, site *docslogintest.Site, platform docslogin.Platform, user *docslogin.User, opts ...docslogin.Option) *httptest.Server {
	t.Helper()
	lookup := func(r *http.Request) (*docslogin.User, error) {
		if _, err := r.Cookie("app"); err != nil {
			return nil, docslogin.ErrNoUser
		}
		return user, nil
	}
	login, err := docslogin.New(lookup, platform, append([]docslogin.Option{docslogin.WithSignInPage("/sign-in", "next"), testkit.Silent}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sign-in", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "the app's sign-in form") })
	mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "app", Value: "ada", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
		http.Redirect(w, r, login.ReturnURL(r), http.StatusSeeOther)
	})
	app := httptest.NewServer(login.Wrap(mux))
	t.Cleanup(app.Close)
	if _, domain, _ := strings.Cut(site.URL, "."); strings.Contains(domain, ".localhost:") { // the domain that app and docs share
		app.URL = "http://app." + domain[:strings.IndexByte(domain, ':')] + app.URL[strings.LastIndexByte(app.URL, ':'):]
	}
	site.SetLoginURL(app.URL + login.Path())
	return app
}

// begin opens a page of the site. If the page is public, begin presses its "Log in" button.
func begin(t *testing.T, client *http.Client, site *docslogintest.Site, page string) (*http.Response, string) {
	t.Helper()
	resp, body := get(t, client, site.URL+page)
	if button := loginButton.FindStringSubmatch(body); button != nil {
		return get(t, client, html.UnescapeString(button[1]))
	}
	return resp, body
}

var loginButton = regexp.MustCompile(`<a class="button" href="([^"]*)">Log in</a>`)

// visitor returns a new client that is signed in at the app.
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

// get returns the response at which a GET ended, and its page.
func get(t *testing.T, client *http.Client, u string) (*http.Response, string) {
	t.Helper()
	resp, err := client.Get(u)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp, testkit.Body(t, resp)
}

// post returns the response at which a POST ended, and its page.
func post(t *testing.T, client *http.Client, u, contentType, body string) (*http.Response, string) {
	t.Helper()
	resp, err := client.Post(u, contentType, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp, testkit.Body(t, resp)
}

// noRedirects returns a client that does not follow redirects.
func noRedirects() *http.Client {
	client := docslogintest.NewClient()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client
}

// newLogin returns a login route at which ada is signed in.
func newLogin(t *testing.T, platform docslogin.Platform) *docslogin.Middleware {
	t.Helper()
	login, err := docslogin.New(testkit.As(ada), platform, testkit.Silent)
	if err != nil {
		t.Fatal(err)
	}
	return login
}

func contains(t *testing.T, page string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(page, w) {
			t.Errorf("page does not contain %q:\n%s", w, page)
		}
	}
}

func TestASiteHasItsPreset(t *testing.T) {
	forEverySite(t, func(t *testing.T, p presets.Preset, _ expectation) {
		site := p.Site()
		defer site.Close()
		got := site.Platform()
		if got.Name != p.Name() || !strings.HasPrefix(got.DocsURL+"/", site.URL+"/") {
			t.Errorf("the preset %s at %s", got.Name, got.DocsURL)
		}
		for _, origin := range got.DeepLink.Origins {
			if origin != site.URL {
				t.Errorf("a deep link may lead to %s", origin)
			}
		}
		if strings.Contains(got.Callback, "://") && !strings.HasPrefix(got.Callback, site.URL+"/") {
			t.Errorf("the token goes to %s", got.Callback)
		}
		if _, page := get(t, docslogintest.NewClient(), site.URL+"/"); !strings.Contains(page, "-like ") {
			t.Errorf("the page does not say what it is like")
		}
	})
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
	// The result is a copy.
	login.Claims["name"] = "somebody else"
	if got := site.Logins()[0].Claims["name"]; got != ada.Name {
		t.Errorf("name: %v", got)
	}
}

func TestASiteUnderANameOfItsOwn(t *testing.T) {
	forEverySite(t, func(t *testing.T, p presets.Preset, want expectation) {
		site := p.Site()
		defer site.Close()
		name := "docs.localhost"
		if want.cookie {
			name = "docs.umbrella.localhost" // the app needs the same parent domain, with a dot
		}
		site.URL = "http://" + name + site.URL[strings.LastIndexByte(site.URL, ':'):]
		app := newApp(t, site, site.Platform(), ada)
		if _, err := site.Login(visitor(t, app), "/quickstart"); err != nil {
			t.Error(err)
		}
	})
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
}

func TestALoginURLMayHaveAQuery(t *testing.T) {
	site := docslogintest.NewReadMe()
	defer site.Close()
	site.SetLoginURL("http://127.0.0.1:1/login?tenant=a")
	resp, _ := get(t, noRedirects(), site.URL+"/quickstart?a=b")
	if got := resp.Header.Get("Location"); got != "http://127.0.0.1:1/login?tenant=a&redirect=%2Fquickstart%3Fa%3Db" {
		t.Errorf("Location: %s", got)
	}
}

func TestListeners(t *testing.T) {
	for _, test := range []struct {
		start         newSite
		address, host string
	}{
		{docslogintest.NewReadMe, "127.0.0.1:0", "127.0.0.1"},
		{docslogintest.NewReadMe, "0.0.0.0:0", "127.0.0.1"},
		{docslogintest.NewGitBookAdaptive, "127.0.0.1:0", "docs.acme.localhost"},
		{docslogintest.NewGitBookAdaptive, "0.0.0.0:0", "docs.acme.localhost"},
		{docslogintest.NewGitBookAdaptive, "127.0.0.2:0", "127.0.0.2"}, // where the name does not lead
	} {
		l, err := net.Listen("tcp", test.address)
		if err != nil && test.host == "127.0.0.2" {
			continue // not every system has this address
		}
		if err != nil {
			t.Fatal(err)
		}
		site := test.start(docslogintest.WithListener(l), docslogintest.WithClock(nil))
		if _, port, _ := net.SplitHostPort(l.Addr().String()); site.URL != "http://"+test.host+":"+port {
			t.Errorf("URL of %s: %s", l.Addr(), site.URL)
		}
		get(t, docslogintest.NewClient(), site.URL+"/")
		site.Close()
		if _, err := http.Get(site.URL); err == nil {
			t.Error("the site still serves after Close")
		}
	}
}

// publicPEM returns the public key of a private key, as a PEM text.
func publicPEM(t *testing.T, key crypto.Signer) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func TestASiteWithAGivenKey(t *testing.T) {
	const secret = "the-secret-of-the-real-project"
	ed, ec := testkit.Ed25519PEM, testkit.P256PEM
	edPublic, ecPublic := publicPEM(t, testkit.Ed25519), publicPEM(t, testkit.P256)
	for _, test := range []struct {
		name  string
		site  newSite
		text  string
		key   docslogin.Key // the app's own
		signs bool          // Platform has the key too
	}{
		{"a secret", docslogintest.NewReadMe, secret, docslogin.Secret(secret), true},
		{"a secret for HS512", docslogintest.NewHelpScout, secret, docslogin.Secret(secret), true},
		{"an Ed25519 private key", docslogintest.NewMintlify, ed, docslogin.PrivateKey(ed), true},
		{"a P-256 private key, its newlines as \\n", docslogintest.NewMintlifyPersonalization, strings.ReplaceAll(ec, "\n", `\n`), docslogin.PrivateKey(ec), true},
		{"an Ed25519 private key and its public key", docslogintest.NewMintlify, ed + edPublic, docslogin.PrivateKey(ed), true},
		{"an Ed25519 public key", docslogintest.NewMintlify, edPublic, docslogin.SignWith(cryptosigner.Opaque(testkit.Ed25519)), false},
		{"a P-256 public key", docslogintest.NewMintlifyPersonalization, ecPublic, docslogin.SignWith(cryptosigner.Opaque(testkit.P256)), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			site := test.site(docslogintest.WithKey(test.text))
			defer site.Close()
			p := site.Platform()
			_, err := docslogin.New(testkit.As(ada), p)
			if test.signs && err != nil {
				t.Error(err)
			}
			if errs := testkit.ConfigErrors(err); !test.signs && (len(errs) != 1 || errs[0].Field != "Platform.Key" || !strings.HasPrefix(errs[0].Reason, "is missing")) {
				t.Errorf("New without a key: %v", err)
			}
			p.Key = test.key
			if _, err := site.Login(visitor(t, newApp(t, site, p, ada)), "/quickstart"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAKeyThatIsNotOnePanics(t *testing.T) {
	for _, test := range []struct {
		name string
		site newSite
		text string
		want string
	}{
		{"an empty secret", docslogintest.NewReadMe, "", "the secret is empty"},
		{"a short secret", docslogintest.NewReadMe, "hunter2", "it has 7 bytes and needs at least 16"},
		{"a secret with its file's line end", docslogintest.NewZendesk, "hunter2hunter2hunter2\n", "white space or quotes"},
		{"a secret for Mintlify", docslogintest.NewMintlify, "hunter2hunter2hunter2", "the text looks like a shared secret, not a key in PEM"},
		{"a key of the other Mintlify", docslogintest.NewMintlify, publicPEM(t, testkit.P256), "EdDSA needs an Ed25519 key"},
	} {
		t.Run(test.name, func(t *testing.T) {
			defer func() {
				if s := fmt.Sprint(recover()); !strings.HasPrefix(s, "docslogintest: WithKey: ") || !strings.Contains(s, test.want) || strings.Contains(s, "hunter2") {
					t.Errorf("panic: %s", s)
				}
			}()
			test.site(docslogintest.WithKey(test.text)).Close()
		})
	}
}

func TestManyVisitorsAtOnce(t *testing.T) {
	forEverySite(t, func(t *testing.T, p presets.Preset, want expectation) {
		site := p.Site()
		defer site.Close()
		app := newApp(t, site, site.Platform(), ada)
		var wg sync.WaitGroup
		for i := range 20 {
			client := visitor(t, app)
			wg.Go(func() {
				page := fmt.Sprintf("/page-%d", i)
				login, err := site.Login(client, page)
				if err != nil || login.Page != want.leadsTo(page) {
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
