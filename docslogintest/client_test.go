package docslogintest_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/internal/presets"
)

// recorder records what goes over the wire.
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
		start newSite
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

func TestRedirectsKeepTheAnchor(t *testing.T) {
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

// formServer serves one page at /form, and reports at /taken what arrived there.
func formServer(t *testing.T, page, contentType, policy string, status int) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("/taken", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		cookie, _ := r.Cookie("of-the-page")
		http.SetCookie(w, &http.Cookie{Name: "of-the-form", Value: "1", Path: "/taken"})
		fmt.Fprintf(w, "%s %s with %q and %s, Origin %q, Referer %q", r.Method, r.URL, r.PostForm["x&y"], cookie, r.Header.Get("Origin"), r.Header.Get("Referer"))
	})
	mux.HandleFunc("/form", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "of-the-page", Value: "1", Path: "/"})
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Referrer-Policy", policy)
		if status == http.StatusFound {
			w.Header().Set("Location", "/taken")
		}
		w.WriteHeader(status)
		fmt.Fprint(w, page)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func TestTheClientSubmitsAFormThatAScriptSubmits(t *testing.T) {
	const script, taken = "<script>HTMLFormElement.prototype.submit.call(document.forms[0])</script>", `POST /taken?a&b with ["\"1+1\"" ""] and of-the-page=1, `
	getForm := strings.Replace(form, "post", "get", 1)
	for _, test := range []struct {
		name, page                string
		status                    int
		contentType, policy, want string // {server} is the server's URL
	}{
		{"a form with its script", form + script, http.StatusOK, "text/html; charset=utf-8", "no-referrer", taken + `Origin "null", Referer ""`},
		{"a page without a Referrer-Policy", form + script, http.StatusOK, "text/html", "", taken + `Origin "{server}", Referer "{server}/form"`},
		{"a form that waits for its button", form, http.StatusOK, "text/html", "", form},
		{"a form that is not a POST", getForm + script, http.StatusOK, "text/html", "", getForm + script},
		{"a script without a form", script, http.StatusOK, "text/html", "", script},
		{"a redirect, whose page nobody sees", form + script, http.StatusFound, "text/html", "", `GET /taken with [] and of-the-page=1, Origin "", Referer "{server}/form"`},
		{"an error page, which is not docslogin's", form + script, http.StatusForbidden, "text/html", "", form + script},
		{"text", form + script, http.StatusOK, "text/plain", "", form + script},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := formServer(t, test.page, test.contentType, test.policy, test.status)
			client := docslogintest.NewClient()
			resp, got := get(t, client, server.URL+"/form")
			if want := strings.ReplaceAll(test.want, "{server}", server.URL); got != want {
				t.Errorf("got %s\nwant %s", got, want)
			}
			if sent := strings.HasPrefix(test.want, "POST"); sent && (resp.Request.URL.String() != server.URL+"/taken?a&b" || len(client.Jar.Cookies(resp.Request.URL)) != 2) {
				t.Errorf("ended at %v with cookies %v", resp.Request.URL, client.Jar.Cookies(resp.Request.URL))
			}
		})
	}
}

func TestLoginPressesTheButtonOnAPublicPage(t *testing.T) {
	forEverySite(t, func(t *testing.T, p presets.Preset, want expectation) {
		site := p.Site()
		defer site.Close()
		client := visitor(t, newApp(t, site, site.Platform(), ada))
		_, page := get(t, client, site.URL+"/changelog")
		contains(t, page, "Log in</a>", strings.ReplaceAll(want.deepLink, "{site}", url.QueryEscape(site.URL)))
		login, err := site.Login(client, "/changelog")
		if err != nil || login.Page != want.leadsTo("/changelog") {
			t.Errorf("login: %+v, %v", login, err)
		}
	})
}

// stops checks where a login stopped.
func stops(t *testing.T, site *docslogintest.Site, client *http.Client, page, want string) {
	t.Helper()
	_, err := site.Login(client, page)
	if err == nil || !strings.HasPrefix(err.Error(), "docslogintest: ") || strings.Count(err.Error(), "docslogintest: ") != 1 || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "eyJ") {
		t.Errorf("error %v, want %q", err, want)
	}
}

func TestLoginNeedsALoginURLAPathAndABrowser(t *testing.T) {
	site := docslogintest.NewMintlify()
	defer site.Close()
	stops(t, site, docslogintest.NewClient(), "/quickstart", "no login URL")
	app := newApp(t, site, site.Platform(), ada)
	stops(t, site, docslogintest.NewClient(), "quickstart", "not a path of the site")
	stops(t, site, &http.Client{}, "/quickstart", "keeps no cookies")
	client := visitor(t, app)
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	stops(t, site, client, "/quickstart", "/quickstart (302): the client does not follow redirects: remove its CheckRedirect")
	stops(t, site, client, "/changelog", "/docs-login (302): the client does not follow redirects: remove its CheckRedirect")
	site.URL = "http://[::1"
	stops(t, site, visitor(t, app), "/changelog", "the site's URL")
}

func TestLoginSaysThatTheClientDoesNotPlayScripts(t *testing.T) {
	for _, test := range []struct {
		start newSite
		want  string
	}{
		{docslogintest.NewMintlify, "/login/jwt-callback (200): the client does not emulate the page's script"},
		{docslogintest.NewMintlifyPersonalization, "(200): the client does not emulate the page's script"},
		{docslogintest.NewZendesk, "(200): the client does not emulate the page's script"},
	} {
		site := test.start()
		defer site.Close()
		plain := visitor(t, newApp(t, site, site.Platform(), ada))
		plain.Transport = nil
		stops(t, site, plain, "/quickstart", test.want)
	}
}

func TestLoginSaysWhereItStopped(t *testing.T) {
	site := docslogintest.NewMintlify()
	defer site.Close()
	app := newApp(t, site, site.Platform(), ada)
	stops(t, site, docslogintest.NewClient(), "/quickstart", app.URL+"/sign-in (200): is the visitor signed in")
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "http://127.0.0.1:99x/?auth_token=eyJ")
		w.WriteHeader(http.StatusFound)
	}))
	defer bad.Close()
	for _, test := range []struct{ loginURL, page, want string }{
		{app.URL + "/elsewhere", "/quickstart", "/elsewhere (404): the app has no such page; does the login URL lead to docslogin's route?"},
		{bad.URL, "/quickstart", `failed to parse Location header "http://127.0.0.1:99x/…`},
		{site.URL + "/login/jwt-callback", "/changelog", "got no token in the URL's fragment"},
		{site.URL + "/quickstart", "/quickstart", "stopped after 10 redirects"},
	} {
		site.SetLoginURL(test.loginURL)
		stops(t, site, visitor(t, app), test.page, test.want)
	}
}

func TestLoginSaysThatTheAppRespondsWithAnError(t *testing.T) {
	site := docslogintest.NewReadMe()
	defer site.Close()
	app := newApp(t, site, site.Platform(), &docslogin.User{ID: "1", Name: "Ada"}) // without an e-mail address
	stops(t, site, visitor(t, app), "/quickstart", `(403): the app answers with an error, "Your account is not complete"`)
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
