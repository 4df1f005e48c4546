package main

import (
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/platforms"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
)

// visit is a visitor whose redirects are counted.
type visit struct {
	*apptest.Visit
	redirects int // of the last request
}

// start serves the app and the docs. In the dashboard's logoutURL, {app} and {docs} stand for URLs.
func start(t *testing.T, platform, logoutURL string, opts ...docslogintest.Option) *visit {
	t.Helper()
	site := sites[platform](opts...)
	t.Cleanup(site.Close)
	v := &visit{Visit: &apptest.Visit{Site: site}}
	v.AppURL = apptest.ServeApp(t, func(appURL string) (http.Handler, error) {
		return newHandler(app.Env{URL: appURL, Platform: site.Platform()})
	})
	site.SetLoginURL(v.AppURL + "/docs-login")
	site.SetLogoutURL(strings.NewReplacer("{app}", v.AppURL, "{docs}", site.URL).Replace(logoutURL))
	v.arrives()
	return v
}

const toSignOut = "{app}/sign-out"

// arrives replaces the visitor by a new one.
func (v *visit) arrives() {
	v.Visitor = apptest.NewVisitor()
	v.Visitor.Client().CheckRedirect = func(_ *http.Request, via []*http.Request) error {
		if v.redirects = len(via); v.redirects > 10 {
			return http.ErrUseLastResponse
		}
		return nil
	}
}

func (v *visit) open(t *testing.T, u string) apptest.Page {
	t.Helper()
	v.redirects = 0
	return v.Visitor.Open(t, u)
}

func (v *visit) submit(t *testing.T, p apptest.Page) apptest.Page {
	t.Helper()
	v.redirects = 0
	return v.Visitor.Submit(t, p)
}

// logout returns the URL that ends the docs session, with a docs page in the platform's parameter.
func (v *visit) logout(page string) string {
	p := v.Site.Platform()
	return v.Site.URL + p.Logout + "?" + p.DeepLink.In + "=" + url.QueryEscape(page)
}

// signIn opens a page of the docs and signs in.
func (v *visit) signIn(t *testing.T) apptest.Page {
	t.Helper()
	before := len(v.Site.Logins())
	page := v.Visitor.SignIn(t, v.open(t, v.Site.URL+"/quickstart"), v.Site.URL)
	if !page.At(v.Site.URL+"/quickstart") || len(v.Site.Logins()) != before+1 {
		t.Fatalf("signing in ends at %s; rejections: %v", page, v.Site.Rejections())
	}
	return page
}

// signOut opens the sign-out page and presses its button.
func (v *visit) signOut(t *testing.T) apptest.Page {
	t.Helper()
	return v.submit(t, v.open(t, v.AppURL+"/sign-out"))
}

// ends checks at which page the visitor ends, and after how many redirects.
func (v *visit) ends(t *testing.T, page apptest.Page, at string, redirects int) {
	t.Helper()
	if !page.At(at) || page.Status != http.StatusOK || v.redirects != redirects {
		t.Errorf("the visitor ends at %s after %d redirects, not at %s after %d", page, v.redirects, at, redirects)
	}
}

// isSignedOut wants the visitor to be signed out on both sides, and to see a form.
func (v *visit) isSignedOut(t *testing.T) {
	t.Helper()
	n := len(v.Site.Logins())
	if page := v.open(t, v.Site.URL+"/reference"); page.URL.Path != "/sign-in" || !page.HasForm() || v.redirects != 2 {
		t.Errorf("a visitor who is signed out and opens a page of the docs ends at %s after %d redirects, not at the sign-in form after 2", page, v.redirects)
	}
	if v.knownToTheApp(t) {
		t.Error("the visitor is still signed in at the app")
	}
	if len(v.Site.Logins()) != n {
		t.Error("the visitor was logged in to the docs")
	}
}

// knownToTheApp reports whether the visitor is signed in at the app.
func (v *visit) knownToTheApp(t *testing.T) bool {
	t.Helper()
	return strings.Contains(v.open(t, v.AppURL+"/").Text, apptest.Ada)
}

// knownToTheDocs reports whether the visitor is logged in at the docs.
func (v *visit) knownToTheDocs(t *testing.T) bool {
	t.Helper()
	return strings.Contains(v.open(t, v.Site.URL+"/changelog").Text, apptest.Ada)
}

// forget deletes the app's cookie or, unless apps is set, the docs' cookie, as at the end of a session.
func (v *visit) forget(t *testing.T, apps bool) {
	t.Helper()
	at, err := url.Parse(v.AppURL) // the ports of a host share their cookies
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range v.Visitor.Client().Jar.Cookies(at) {
		if (cookie.Name == "session") == apps {
			v.Visitor.Client().Jar.SetCookies(at, []*http.Cookie{{Name: cookie.Name, Path: "/", MaxAge: -1}})
		}
	}
}

var backLink = regexp.MustCompile(`<a href="([^"]*)">Back to the docs</a>`)

// back returns the link to the docs on the sign-out page.
func back(t *testing.T, page apptest.Page) string {
	t.Helper()
	link := backLink.FindStringSubmatch(page.Text)
	if link == nil {
		t.Fatalf("there is no link to the docs at %s: %s", page, page.Text)
	}
	return html.UnescapeString(link[1])
}

var (
	withLogout = []string{"gitbook", "fern"}
	all        = []string{"gitbook", "fern", "mintlify"}
)

func each(t *testing.T, platforms []string, test func(t *testing.T, platform string)) {
	for _, platform := range platforms {
		t.Run(platform, func(t *testing.T) { test(t, platform) })
	}
}

func TestRecipe(t *testing.T) {
	each(t, all, func(t *testing.T, platform string) {
		v := start(t, platform, toSignOut)
		isGone := v.PlantValue(t, store)
		v.Try(t)
		isGone()
	})
}

// signedOut is where a docs logout without a page leads.
var signedOut = map[string]string{"gitbook": "/sign-out?location=%2F", "fern": "/sign-out"}

func TestSignOutAtTheApp(t *testing.T) {
	each(t, withLogout, func(t *testing.T, platform string) {
		v := start(t, platform, toSignOut)
		v.signIn(t)
		page := v.open(t, v.AppURL+"/sign-out")
		if !page.HasForm() || !strings.Contains(page.Text, "You are still signed in to the app.") || !v.knownToTheApp(t) || !v.knownToTheDocs(t) {
			t.Fatalf("opening the sign-out page ends a session: %s", page.Text)
		}
		page = v.submit(t, page)
		v.ends(t, page, v.AppURL+signedOut[platform], 2)
		if page.HasForm() || page.Header.Get("Cache-Control") != "no-store" || !strings.Contains(page.Text, "You are signed out.") || strings.TrimSuffix(back(t, page), "/") != v.Site.URL {
			t.Errorf("the sign-out page says %s", page.Text)
		}
		v.isSignedOut(t)
	})
}

func TestLogOutOfTheDocs(t *testing.T) {
	each(t, withLogout, func(t *testing.T, platform string) {
		v := start(t, platform, toSignOut)
		v.signIn(t)
		page := v.open(t, v.logout(v.Site.URL+"/reference?lang=go"))
		if page.URL.Path != "/sign-out" || !page.HasForm() || v.redirects != 1 || back(t, page) != v.Site.URL+"/reference?lang=go" {
			t.Fatalf("the docs logout ends at %s after %d redirects: %s", page, v.redirects, page.Text)
		}
		if !v.knownToTheApp(t) || v.knownToTheDocs(t) {
			t.Error("the docs logout did not end only the docs session")
		}
		v.ends(t, v.submit(t, page), v.AppURL+signedOut[platform], 2)
		v.isSignedOut(t)
	})
}

// The docs session ends only when it expires, which is soon.
func TestDocsWithoutALogoutURL(t *testing.T) {
	v := start(t, "mintlify", "")
	v.signIn(t)
	page := v.signOut(t)
	v.ends(t, page, v.AppURL+"/sign-out", 1)
	if page.HasForm() || !strings.Contains(page.Text, "You are signed out.") || back(t, page) != v.Site.URL {
		t.Errorf("the sign-out page says %s", page.Text)
	}
	if v.knownToTheApp(t) || !v.knownToTheDocs(t) {
		t.Error("the sign-out did not end only the app's session")
	}
	v.forget(t, false)
	v.isSignedOut(t)
}

// Anybody can make a link to a docs logout, with any page in it.
func TestThePageOfADocsLogout(t *testing.T) {
	for _, tt := range []struct{ name, platform, page, back string }{
		{"a page of GitBook", "gitbook", "/quickstart?a=b#c", "{docs}/quickstart?a=b#c"},
		{"a page of GitBook, without a slash", "gitbook", "quickstart", "{docs}/quickstart"},
		{"a page of Fern", "fern", "{docs}/quickstart?a=b#c", "{docs}/quickstart?a=b#c"},
		{"another host", "gitbook", "https://evil.example", "{docs}"},
		{"another host at Fern", "fern", "https://evil.example", "{docs}"},
		{"another host after two slashes", "gitbook", "//evil.example", "{docs}"},
		{"another host after two slashes at Fern", "fern", "//evil", "{docs}"},
		{"another host after a backslash", "gitbook", `/\evil.example`, "{docs}"},
		{"another host after the docs' own", "fern", "{docs}@evil.example/", "{docs}"},
		{"another host that begins like the docs' own", "fern", "{docs}.evil.example/", "{docs}"},
		{"a script, which is a path at GitBook", "gitbook", "javascript:alert(1)", "{docs}/javascript:alert%281%29"},
		{"a script at Fern", "fern", "javascript:alert(1)", "{docs}"},
		{"markup", "gitbook", `/"><script>`, "{docs}/%22%3E%3Cscript%3E"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := start(t, tt.platform, toSignOut)
			fill := strings.NewReplacer("{docs}", v.Site.URL).Replace
			page := v.open(t, v.logout(fill(tt.page)))
			link := back(t, page)
			if page.URL.Path != "/sign-out" || v.redirects != 1 || strings.TrimSuffix(link, "/") != fill(tt.back) || strings.Contains(page.Text, "evil") || strings.Contains(page.Text, "<script") {
				t.Fatalf("the docs logout ends at %s after %d redirects, with a link to %s: %s", page, v.redirects, link, page.Text)
			}
			if page = v.open(t, link); !page.At(v.Site.URL) && !page.At(v.AppURL) || v.redirects > 2 {
				t.Errorf("the link to the docs leads to %s after %d redirects", page, v.redirects)
			}
		})
	}
}

// The logout URL in the dashboard may be another page than the sign-out page. A visitor may be signed in on
// both sides, on one, or on neither, and may begin anywhere. A logout and a login take six redirects. More
// would be a redirect loop.
func TestThereIsNoRedirectLoop(t *testing.T) {
	each(t, all, func(t *testing.T, platform string) {
		for _, dashboard := range []string{toSignOut, "", "{docs}/quickstart", "{app}/docs-login", "{app}/"} {
			v := start(t, platform, dashboard)
			for name, step := range v.steps() {
				for _, state := range []struct{ app, docs bool }{{true, true}, {true, false}, {false, true}, {false, false}} {
					v.arrives()
					v.signIn(t)
					if !state.app {
						v.forget(t, true)
					}
					if !state.docs {
						v.forget(t, false)
					}
					v.redirects = 0
					page := step(t)
					if page.Status != http.StatusOK || v.redirects > 6 {
						t.Errorf("with the logout URL %q and the sessions %+v, %s ends at %s after %d redirects", dashboard, state, name, page, v.redirects)
					}
					if got := v.knownToTheApp(t); got != (state.app && name != "a sign-out") {
						t.Errorf("with the logout URL %q and the sessions %+v, after %s the visitor is signed in: %t", dashboard, state, name, got)
					}
				}
			}
		}
	})
}

// steps are what a visitor may do.
func (v *visit) steps() map[string]func(t *testing.T) apptest.Page {
	opens := func(u string) func(t *testing.T) apptest.Page {
		return func(t *testing.T) apptest.Page { return v.open(t, u) }
	}
	param := "?" + v.Site.Platform().DeepLink.In + "="
	fromReference := v.AppURL + "/sign-out" + param + v.Site.URL + "/reference"
	steps := map[string]func(t *testing.T) apptest.Page{
		"a sign-out":                      func(t *testing.T) apptest.Page { return v.post(t, "/sign-out") },
		"the sign-out page":               opens(fromReference),
		"the link of the sign-out page":   func(t *testing.T) apptest.Page { return v.open(t, back(t, v.open(t, fromReference))) },
		"a private page":                  opens(v.Site.URL + "/reference"),
		"the login route with a sign-out": opens(v.AppURL + "/docs-login" + param + v.AppURL + "/sign-out"),
	}
	if logout := v.Site.Platform().Logout; logout != "" {
		steps["a docs logout"] = opens(v.Site.URL + logout)
		steps["a docs logout from a page"] = opens(v.logout(v.Site.URL + "/reference"))
		// GitBook sends a visitor here who opens the docs logout without a docs session.
		steps["the login route with a docs logout"] = opens(v.AppURL + "/docs-login" + param + v.Site.URL + logout)
	}
	return steps
}

// post posts an empty form to the app.
func (v *visit) post(t *testing.T, path string) apptest.Page {
	t.Helper()
	resp, err := v.Visitor.Client().PostForm(v.AppURL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return apptest.Page{URL: resp.Request.URL, Status: resp.StatusCode}
}

func TestSignOutWithoutALogoutURLInTheDashboard(t *testing.T) {
	each(t, withLogout, func(t *testing.T, platform string) {
		v := start(t, platform, "")
		v.signIn(t)
		v.ends(t, v.signOut(t), v.Site.URL+"/", 2)
		v.isSignedOut(t)
	})
}

func TestSignOutWithAPrivatePageOfTheDocsInTheDashboard(t *testing.T) {
	each(t, withLogout, func(t *testing.T, platform string) {
		v := start(t, platform, "{docs}/quickstart")
		v.signIn(t)
		if page := v.signOut(t); page.URL.Path != "/sign-in" || !page.HasForm() || v.redirects != 4 {
			t.Errorf("signing out ends at %s after %d redirects, not at the sign-in form after 4", page, v.redirects)
		}
		v.isSignedOut(t)
	})
}

// This is a mistake. The app's session has not ended, so the private page logs the user in again.
func TestDocsLogoutBeforeTheAppsSessionEnds(t *testing.T) {
	each(t, withLogout, func(t *testing.T, platform string) {
		v := start(t, platform, "{docs}/quickstart")
		v.signIn(t)
		v.open(t, v.Site.URL+v.Site.Platform().Logout)
		if !v.knownToTheDocs(t) || len(v.Site.Logins()) != 2 {
			t.Errorf("the docs had %d logins, not two; is the recipe's advice still true?", len(v.Site.Logins()))
		}
	})
}

// GitBook's adaptive content reads the token from a cookie that the app set.
func TestSignOutDeletesTheTokensCookie(t *testing.T) {
	handler, err := newHandler(app.Env{URL: "https://app.example.com", Platform: platforms.GitBookAdaptive("https://docs.example.com", "example.com", "0123456789abcdef")})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://app.example.com/sign-out", nil))
	var deleted []string
	for _, cookie := range w.Result().Cookies() {
		if cookie.MaxAge < 0 {
			deleted = append(deleted, cookie.Name+" "+cookie.Domain)
		}
	}
	if got := strings.Join(deleted, ", "); got != "session , gitbook-visitor-token example.com" || w.Header().Get("Location") != "/sign-out" {
		t.Errorf("the sign-out deletes %s and leads to %s", got, w.Header().Get("Location"))
	}
}

func TestSignOutOfNobody(t *testing.T) {
	v := start(t, "gitbook", toSignOut)
	v.ends(t, v.open(t, v.AppURL+"/sign-out"), v.AppURL+"/sign-out", 0)
	v.ends(t, v.post(t, "/sign-out"), v.AppURL+"/sign-out?location=%2F", 2)
}

func TestOtherPagesSignNobodyOut(t *testing.T) {
	v := start(t, "gitbook", toSignOut)
	v.signIn(t)
	for name, c := range map[string]struct {
		method, header, value string
		want                  int
	}{
		"an image":               {http.MethodGet, "Sec-Fetch-Dest", "image", 200},
		"a link":                 {http.MethodGet, "Sec-Fetch-Site", "cross-site", 200},
		"a form":                 {http.MethodPost, "Sec-Fetch-Site", "cross-site", 403},
		"a form of the docs":     {http.MethodPost, "Sec-Fetch-Site", "same-site", 403},
		"a form, an old browser": {http.MethodPost, "Origin", "https://evil.example", 403},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, v.AppURL+"/sign-out", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(c.header, c.value)
		resp, err := v.Visitor.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s gets %d, not %d", name, resp.StatusCode, c.want)
		}
		if !v.knownToTheApp(t) {
			t.Fatalf("%s signs the visitor out", name)
		}
	}
}

// A browser that ends the app's session and never arrives at the docs' logout.
func TestDocsSessionIsShort(t *testing.T) {
	var ahead atomic.Int64 // of the docs' clock
	v := start(t, "gitbook", toSignOut, docslogintest.WithClock(func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }))
	v.signIn(t)
	claims := v.Site.Logins()[0].Claims
	iat, _ := claims["iat"].(json.Number).Int64()
	exp, _ := claims["exp"].(json.Number).Int64()
	if lasts := exp - iat; lasts > 600 || lasts < 590 {
		t.Errorf("the docs session lasts %d seconds, not 600", lasts)
	}
	client := v.Visitor.Client()
	follow := client.CheckRedirect
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	v.signOut(t)
	client.CheckRedirect = follow
	if page := v.open(t, v.Site.URL+"/reference"); !page.At(v.Site.URL + "/reference") {
		t.Fatalf("the docs session has ended already: %s", page)
	}
	ahead.Store(int64(601 * time.Second))
	v.isSignedOut(t)
}

func TestDocsSessionEndsWithTheApps(t *testing.T) {
	w := httptest.NewRecorder()
	if err := signIn(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/sign-in", nil), "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	cookie := w.Result().Cookies()[0]
	r.AddCookie(cookie)
	user, err := signedIn(r)
	if err != nil {
		t.Fatal(err)
	}
	if cookie.MaxAge != 3600 || time.Until(user.ExpiresAt) > time.Hour || time.Until(user.ExpiresAt) < 50*time.Minute {
		t.Errorf("the cookie lasts %d seconds and the user until %s, not an hour each", cookie.MaxAge, user.ExpiresAt)
	}
}

func TestAnUnknownPlatform(t *testing.T) {
	defer func(before string) { *platform = before }(*platform)
	*platform = "readme"
	if err := serve(t.Context(), nil); err == nil || !strings.Contains(err.Error(), `not "readme"`) {
		t.Errorf("error: %v", err)
	}
}
