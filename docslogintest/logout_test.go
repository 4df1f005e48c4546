package docslogintest_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/internal/presets"
)

const (
	gitBookLogout = "/~gitbook/auth/logout"
	fernLogout    = "/api/fern-docs/auth/logout"
)

func TestRulesAndPresetsHaveTheSameLogout(t *testing.T) {
	forEverySite(t, func(t *testing.T, p presets.Preset, _ expectation) {
		site := p.Site()
		defer site.Close()
		if preset, rules := site.Platform().Logout, p.Rules(nil).Logout; preset != rules {
			t.Errorf("the preset logs out at %q, and the rules at %q", preset, rules)
		}
	})
}

var logOutLink = regexp.MustCompile(`<a class="button" href="([^"]*)">Log out</a>`)

// pressLogOut presses the "Log out" button on a page of the site.
func pressLogOut(t *testing.T, client *http.Client, site *docslogintest.Site) (*http.Response, string) {
	t.Helper()
	_, page := get(t, client, site.URL+"/changelog")
	if link := logOutLink.FindStringSubmatch(page); link != nil {
		return get(t, client, site.URL+html.UnescapeString(link[1]))
	}
	contains(t, page, `<form method="post" action="/logout"><button>Log out</button></form>`)
	return post(t, client, site.URL+"/logout", "", "")
}

func TestTheButtonLogsOutAsThePlatformDoes(t *testing.T) {
	for _, test := range []struct {
		start newSite
		link  string // "": a form
	}{
		{docslogintest.NewGitBook, gitBookLogout},
		{docslogintest.NewFern, fernLogout},
		{docslogintest.NewReadMe, ""},
	} {
		site := test.start()
		defer site.Close()
		_, page := get(t, visitor(t, newApp(t, site, site.Platform(), ada)), site.URL+"/quickstart")
		if link := logOutLink.FindStringSubmatch(page); (link == nil) != (test.link == "") || link != nil && link[1] != test.link {
			t.Errorf("%s: the button is the link %q, want %q", site.Platform().Name, link, test.link)
		}
	}
}

// GitBook passes on every location (logout/route.ts and site-auth-urls.ts in GitbookIO/gitbook). Fern
// passes on every state if there is a logout URL (logout/route.ts in fern-api/fern-platform).
func TestWhereADocsLogoutLeads(t *testing.T) {
	const app = "https://app.example.com/sign-out"
	for _, test := range []struct {
		name      string
		start     newSite
		logoutURL string
		request   string // {site} is the site's URL, escaped
		leads     string // "": an empty 403
	}{
		{"GitBook sends the home page", docslogintest.NewGitBook, app, gitBookLogout, app + "?location=%2F"},
		{"GitBook sends the page in the request", docslogintest.NewGitBook, app, gitBookLogout + "?location=%2Fquickstart%3Fa%3Db", app + "?location=%2Fquickstart%3Fa%3Db"},
		{"GitBook sends another host", docslogintest.NewGitBook, app, gitBookLogout + "?location=https://evil.example", app + "?location=https%3A%2F%2Fevil.example"},
		{"GitBook omits an empty page", docslogintest.NewGitBook, app, gitBookLogout + "?location=", app},
		{"GitBook keeps a query and a fragment", docslogintest.NewGitBook, app + "?location=x&tenant=a#b", gitBookLogout, app + "?location=%2F&tenant=a#b"},
		{"GitBook sends nothing else", docslogintest.NewGitBook, app, gitBookLogout + "?state=a&lang=go", app + "?location=%2F"},
		{"GitBook without a logout URL", docslogintest.NewGitBook, "", gitBookLogout, "/"},
		{"GitBook without a logout URL, with a page", docslogintest.NewGitBook, "", gitBookLogout + "?location=%2Fquickstart", "/"},
		{"Fern sends nothing", docslogintest.NewFern, app, fernLogout, app},
		{"Fern sends the page in the request", docslogintest.NewFern, app, fernLogout + "?state={site}%2Fquickstart", app + "?state={site}%2Fquickstart"},
		{"Fern sends another host", docslogintest.NewFern, app, fernLogout + "?state=//evil.example", app + "?state=%2F%2Fevil.example"},
		{"Fern without a logout URL", docslogintest.NewFern, "", fernLogout, "/"},
		{"Fern without a logout URL, with a page", docslogintest.NewFern, "", fernLogout + "?state={site}%2Fquickstart%3Fa%3Db", "/quickstart?a=b"},
		{"Fern without a logout URL, with a path", docslogintest.NewFern, "", fernLogout + "?state=/quickstart", ""},
		{"Fern without a logout URL, with text that is not a URL", docslogintest.NewFern, "", fernLogout + "?state=[object%20Object]", "/"},
		{"Fern without a logout URL, with another host", docslogintest.NewFern, "", fernLogout + "?state=https://evil.example/", ""},
		{"Fern without a logout URL, with another host after two slashes", docslogintest.NewFern, "", fernLogout + "?state=//evil.example/", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			site := test.start()
			defer site.Close()
			site.SetLogoutURL(test.logoutURL)
			fill := strings.NewReplacer("{site}", url.QueryEscape(site.URL)).Replace
			resp, body := get(t, noRedirects(), site.URL+fill(test.request))
			status := http.StatusTemporaryRedirect
			if test.leads == "" {
				status = http.StatusForbidden
			}
			if resp.StatusCode != status || resp.Header.Get("Location") != fill(test.leads) || body != "" {
				t.Errorf("status %d, leads to %q, %q", resp.StatusCode, resp.Header.Get("Location"), body)
			}
			if resp.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("headers: %v", resp.Header)
			}
		})
	}
}

func TestADocsLogoutEndsTheSession(t *testing.T) {
	for _, test := range []struct {
		name      string
		start     newSite
		logoutURL string
		request   string
	}{
		{"at GitBook", docslogintest.NewGitBook, "https://app.example.com/", gitBookLogout},
		{"at GitBook, without a logout URL", docslogintest.NewGitBook, "", gitBookLogout},
		{"at GitBook, with an invalid logout URL", docslogintest.NewGitBook, "/sign-out", gitBookLogout},
		{"at Fern", docslogintest.NewFern, "https://app.example.com/", fernLogout},
		{"at Fern, with a page of another host", docslogintest.NewFern, "", fernLogout + "?state=https://evil.example/"},
		{"at another platform, which ignores the logout URL", docslogintest.NewReadMe, "https://app.example.com/", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			site := test.start()
			defer site.Close()
			client := visitor(t, newApp(t, site, site.Platform(), ada))
			if _, err := site.Login(client, "/quickstart"); err != nil {
				t.Fatal(err)
			}
			site.SetLogoutURL(test.logoutURL)
			at, _ := url.Parse(site.URL)
			before := client.Jar.Cookies(at)
			client.CheckRedirect = noRedirects().CheckRedirect
			if test.request == "" {
				if resp, _ := pressLogOut(t, client, site); resp.Header.Get("Location") != "/" {
					t.Errorf("leads to %q", resp.Header.Get("Location"))
				}
			} else {
				get(t, client, site.URL+test.request)
			}
			if after := client.Jar.Cookies(at); len(after) != len(before)-1 {
				t.Errorf("the browser had the cookies %v, and now has %v", before, after)
			}
			client.Jar.SetCookies(at, before) // a copy
			if _, page := get(t, client, site.URL+"/changelog"); strings.Contains(page, "Hello") {
				t.Error("a copy of the cookie still logs in")
			}
		})
	}
}

func TestRequestsThatDoNotLogOut(t *testing.T) {
	for _, test := range []struct {
		name         string
		start        newSite
		method, path string
	}{
		{"a POST to GitBook's logout", docslogintest.NewGitBook, http.MethodPost, gitBookLogout},
		{"a POST to another platform's logout", docslogintest.NewGitBook, http.MethodPost, "/logout"},
		{"a GET of a path that another platform has", docslogintest.NewFern, http.MethodGet, gitBookLogout},
		{"a GET of the path to which a form posts", docslogintest.NewReadMe, http.MethodGet, "/logout"},
		{"a GET below the logout", docslogintest.NewFern, http.MethodGet, fernLogout + "/x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			site := test.start()
			defer site.Close()
			client := visitor(t, newApp(t, site, site.Platform(), ada))
			if _, err := site.Login(client, "/quickstart"); err != nil {
				t.Fatal(err)
			}
			req, err := http.NewRequest(test.method, site.URL+test.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if test.method == http.MethodPost && resp.StatusCode != http.StatusMethodNotAllowed {
				t.Errorf("status %d", resp.StatusCode)
			}
			_, page := get(t, client, site.URL+"/changelog")
			contains(t, page, "Hello, ")
		})
	}
}

func TestALogoutWithATokenDoesNotLogIn(t *testing.T) {
	site := docslogintest.NewGitBook()
	defer site.Close()
	base, token, _ := strings.Cut(tokenTo(t, site), "?")
	get(t, docslogintest.NewClient(), strings.TrimSuffix(base, "/")+gitBookLogout+"?"+token)
	if n := len(site.Logins()); n != 0 {
		t.Errorf("%d logins", n)
	}
}

func TestAnInvalidLogoutURL(t *testing.T) {
	for _, logoutURL := range []string{"/sign-out", "app.example.com/sign-out", "//app.example.com", "ftp://app.example.com/", "http://", "://", "http://a b/"} {
		site := docslogintest.NewFern()
		defer site.Close()
		site.SetLogoutURL(logoutURL)
		resp, body := get(t, noRedirects(), site.URL+fernLogout)
		if resp.StatusCode != http.StatusInternalServerError || resp.Header.Get("Location") != "" ||
			!strings.HasPrefix(body, "docslogintest: SetLogoutURL needs an absolute http or https URL, not \""+logoutURL+`"`) {
			t.Errorf("%s: status %d, leads to %q, %q", logoutURL, resp.StatusCode, resp.Header.Get("Location"), body)
		}
	}
}
