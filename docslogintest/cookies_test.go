package docslogintest_test

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/internal/testkit"
)

// cookieApp is an app whose sign-in page sets cookies. Everybody who sends the first of them is ada.
func cookieApp(t *testing.T, site *docslogintest.Site, cookies ...*http.Cookie) http.Handler {
	t.Helper()
	lookup := func(r *http.Request) (*docslogin.User, error) {
		if _, err := r.Cookie(cookies[0].Name); err != nil {
			return nil, docslogin.ErrNoUser
		}
		return ada, nil
	}
	login, err := docslogin.New(lookup, site.Platform(), docslogin.WithSignInPage("/account/sign-in", "next"), testkit.Silent)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/account/sign-in", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			for _, c := range cookies {
				w.Header().Add("Set-Cookie", cmp.Or(c.Raw, c.String()))
			}
		}
	})
	return login.Wrap(mux)
}

// anywhere returns a visitor's client for which every host is the server.
func anywhere(server *httptest.Server) *http.Client {
	client := docslogintest.NewClient()
	address := server.Listener.Addr().String()
	client.Transport = docslogintest.Transport(&http.Transport{DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
		if strings.HasSuffix(to, ":80") {
			to = address
		}
		return (&net.Dialer{}).DialContext(ctx, network, to)
	}})
	return client
}

// loginAt signs a new visitor in at one URL of the app, and logs in at the docs from another.
func loginAt(t *testing.T, site *docslogintest.Site, client *http.Client, signInURL, loginURL string) (docslogintest.Login, error) {
	t.Helper()
	site.SetLoginURL(loginURL + "/docs-login")
	post(t, client, signInURL+"/account/sign-in", "", "")
	return site.Login(client, "/quickstart")
}

const secretValue = "hunter2hunter2"

func TestLoginNamesTheCookieThatDoesNotComeBack(t *testing.T) {
	const app, byApp = "http://app.example", "which http://app.example/account/sign-in set, "
	for _, test := range []struct {
		name   string
		cookie http.Cookie
		signIn string // "": the app
		want   string
	}{
		{"a Secure cookie over plain http", http.Cookie{Name: "session", Path: "/", Secure: true}, "", `The cookie "session", ` + byApp + "is Secure, and this client does not send it over plain http. Start the app with httptest.NewTLSServer, or set Secure to false"},
		{"a cookie without a path", http.Cookie{Name: "session"}, "", byApp + "has no Path, so it is sent only to /account and below, not to /docs-login. Set its Path to /"},
		{"a cookie for another path", http.Cookie{Name: "session", Path: "/docs"}, "", byApp + "has the Path /docs, which does not cover /docs-login"},
		{"a cookie for another domain", http.Cookie{Name: "session", Path: "/", Domain: "acme.example"}, "", byApp + `has the Domain "acme.example", to which the host app.example does not belong`},
		{"a cookie for the end of an IP address", http.Cookie{Name: "session", Raw: "session=" + secretValue + "; Path=/; Domain=0.2.1"}, "http://192.0.2.1", `which http://192.0.2.1/account/sign-in set, has the Domain "0.2.1", to which the host 192.0.2.1 does not belong`},
		{"a cookie of another host", http.Cookie{Name: "session", Path: "/"}, "http://www.app.example", `which http://www.app.example/account/sign-in set, belongs to the host www.app.example, and the login URL has the host app.example. Use one host name`},
		{"a cookie that deletes itself", http.Cookie{Name: "session", Path: "/", MaxAge: -1}, "", byApp + "has expired or deletes itself"},
		{"a cookie that has expired", http.Cookie{Name: "session", Path: "/", Expires: time.Unix(1, 0)}, "", byApp + "has expired or deletes itself"},
		{"a Secure cookie whose MaxAge overrides an Expires in the past", http.Cookie{Name: "session", Path: "/", Secure: true, MaxAge: 3600, Expires: time.Unix(1, 0)}, "", byApp + "is Secure, and this client"},
		{"a Secure cookie that is also SameSite=Strict", http.Cookie{Name: "__Host-session", Path: "/", Secure: true, SameSite: http.SameSiteStrictMode}, "", "is Secure, and this client"},
	} {
		t.Run(test.name, func(t *testing.T) {
			site := docslogintest.NewReadMe()
			defer site.Close()
			test.cookie.Value = secretValue
			server := httptest.NewServer(cookieApp(t, site, &test.cookie))
			defer server.Close()
			signIn := app
			if test.signIn != "" {
				signIn = test.signIn
			}
			_, err := loginAt(t, site, anywhere(server), signIn, app)
			if err == nil || !strings.Contains(err.Error(), "/account/sign-in (200): is the visitor signed in at the app? ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v\nwant %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error has the cookie's value: %v", err)
			}
		})
	}
}

// The route may be mounted at the root, and the login URL may have no path.
func TestLoginNamesTheCookieForALoginURLWithoutAPath(t *testing.T) {
	for _, path := range []string{"/", ""} { // without one, that of /sign-in, which is /
		site := docslogintest.NewReadMe()
		defer site.Close()
		login, err := docslogin.New(testkit.Nobody, site.Platform(), docslogin.WithSignInPage("/sign-in", "next"), testkit.Silent)
		if err != nil {
			t.Fatal(err)
		}
		mux := http.NewServeMux()
		mux.Handle("/{$}", login)
		mux.HandleFunc("/sign-in", func(w http.ResponseWriter, _ *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "session", Value: secretValue, Path: path, Secure: true})
		})
		server := httptest.NewServer(mux)
		defer server.Close()
		client := anywhere(server)
		site.SetLoginURL("http://app.example")
		post(t, client, "http://app.example/sign-in", "", "")
		if _, err := site.Login(client, "/quickstart"); err == nil || !strings.Contains(err.Error(), "/sign-in set, is Secure, and this client") {
			t.Errorf("a cookie with the path %q: %v", path, err)
		}
	}
}

func TestLoginSaysWhetherTheClientHasACookie(t *testing.T) {
	site := docslogintest.NewReadMe()
	defer site.Close()
	server := httptest.NewServer(cookieApp(t, site, &http.Cookie{Name: "session", Value: secretValue, Path: "/"}))
	defer server.Close()
	site.SetLoginURL(server.URL + "/docs-login")
	plain, _ := cookiejar.New(nil)
	for name, client := range map[string]*http.Client{
		"a client that has not signed in":                  docslogintest.NewClient(),
		"a client with another jar that has not signed in": {Jar: plain, Transport: docslogintest.Transport(nil)},
	} {
		_, err := site.Login(client, "/quickstart")
		if err == nil || !strings.Contains(err.Error(), "The client has no cookie of the app. Sign in with this client first.") {
			t.Errorf("%s: %v", name, err)
		}
	}
	lookup := func(*http.Request) (*docslogin.User, error) { return nil, docslogin.ErrNoUser }
	login, err := docslogin.New(lookup, site.Platform(), testkit.Silent)
	if err != nil {
		t.Fatal(err)
	}
	ends := http.NewServeMux()
	ends.HandleFunc("/account/sign-in", func(w http.ResponseWriter, _ *http.Request) {
		for _, c := range []http.Cookie{{Name: "session", Value: secretValue, Path: "/", SameSite: http.SameSiteNoneMode}, {Name: "csrf", Value: "1", Path: "/"}, {Name: "flash", Path: "/", MaxAge: -1}} {
			http.SetCookie(w, &c)
		}
	})
	nobody := httptest.NewServer(login.Wrap(ends))
	defer nobody.Close()
	for name, client := range map[string]*http.Client{
		"a lookup that does not know the cookie":                         docslogintest.NewClient(),
		"a lookup that does not know the cookie, and a jar of one's own": {Jar: plain, Transport: docslogintest.Transport(nil)},
	} {
		_, err := loginAt(t, site, client, nobody.URL, nobody.URL)
		if err == nil || !strings.Contains(err.Error(), `The client sent the app's cookies ("csrf", "session"). The app's log may say why the lookup found nobody.`) {
			t.Errorf("%s: %v", name, err)
		}
		if client.Jar != http.CookieJar(plain) && !strings.Contains(fmt.Sprint(err), "is SameSite=None without Secure") {
			t.Errorf("%s, of which browsers reject one: %v", name, err)
		}
	}
}

func TestALoginHasANoteAboutACookieThatBrowsersTreatOtherwise(t *testing.T) {
	strict := &http.Cookie{Name: "session", Path: "/", SameSite: http.SameSiteStrictMode}
	for _, test := range []struct {
		name    string
		cookies []*http.Cookie
		want    string // "": no note
	}{
		{"a cookie as it should be", []*http.Cookie{{Name: "session", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}}, ""},
		{"SameSite=Strict", []*http.Cookie{strict}, `The cookie "session", which {app}/account/sign-in set, is SameSite=Strict, and browsers do not send it when a visitor comes from docs on another site.`},
		{"SameSite=Strict besides another cookie", []*http.Cookie{{Name: "session", Path: "/"}, {Name: "csrf", Path: "/", SameSite: http.SameSiteStrictMode}}, ""},
		{"SameSite=Strict besides a cookie that does not come back", []*http.Cookie{strict, {Name: "account", Path: "/account"}}, "is SameSite=Strict"},
		{"SameSite=None without Secure", []*http.Cookie{{Name: "session", Path: "/", SameSite: http.SameSiteNoneMode}}, "is SameSite=None without Secure"},
		{"a __Host- cookie that is not Secure", []*http.Cookie{{Name: "__host-session", Path: "/"}}, "the prefix __Host-"},
		{"a __Host- cookie with a Domain", []*http.Cookie{{Name: "__Host-session", Path: "/", Secure: true, Domain: "127.0.0.1"}}, "the prefix __Host-"},
		{"a __Host- cookie for another path", []*http.Cookie{{Name: "__Host-session", Path: "/docs-login", Secure: true}}, "the prefix __Host-"},
		{"a __Secure- cookie that is not Secure", []*http.Cookie{{Name: "__Secure-session", Path: "/"}}, "the prefix __Secure-"},
		{"a cookie of the largest size", []*http.Cookie{{Name: "session", Value: strings.Repeat("x", 4089), Path: "/"}}, ""},
		{"a cookie that is too large", []*http.Cookie{{Name: "session", Value: strings.Repeat("x", 4090), Path: "/"}}, "has 4097 bytes, and browsers reject more than 4096"},
	} {
		t.Run(test.name, func(t *testing.T) {
			site := docslogintest.NewReadMe()
			defer site.Close()
			start := httptest.NewServer
			if test.cookies[0].Secure {
				start = httptest.NewTLSServer
			}
			server := start(cookieApp(t, site, test.cookies...))
			defer server.Close()
			client := docslogintest.NewClient()
			client.Transport = docslogintest.Transport(server.Client().Transport)
			login, err := loginAt(t, site, client, server.URL, server.URL)
			if err != nil {
				t.Fatal(err)
			}
			notes, want := strings.Join(login.Notes, "\n"), strings.ReplaceAll(test.want, "{app}", server.URL)
			if len(login.Notes) > 1 || !strings.Contains(notes, want) || (want == "") != (notes == "") {
				t.Errorf("notes %q, want %q", notes, want)
			}
		})
	}
}

// The cookies that a browser stores only over https work on a TLS server.
func TestAnAppOnATLSServer(t *testing.T) {
	for _, cookie := range []http.Cookie{{Name: "session", Secure: true}, {Name: "__Host-session", Secure: true}, {Name: "__Secure-session", Secure: true}, {Name: "session", Secure: true, SameSite: http.SameSiteNoneMode}} {
		for _, start := range []newSite{docslogintest.NewReadMe, docslogintest.NewMintlify, docslogintest.NewZendesk} {
			t.Run(fmt.Sprint(cookie.Name, " ", cookie.SameSite), func(t *testing.T) {
				site := start()
				defer site.Close()
				cookie.Value, cookie.Path = "1", "/"
				server := httptest.NewTLSServer(cookieApp(t, site, &cookie))
				defer server.Close()
				client := docslogintest.NewClient()
				client.Transport = docslogintest.Transport(server.Client().Transport)
				login, err := loginAt(t, site, client, server.URL, server.URL)
				if err != nil || len(login.Notes) > 0 {
					t.Errorf("login: %v, %v", login.Notes, err)
				}
			})
		}
	}
}

// The sign-in page of an app may take forms only, or may not be a part of the test.
func TestLoginNamesTheCookieWhateverTheSignInPageAnswers(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	for name, tt := range map[string]struct {
		page string
		more func(*http.ServeMux)
	}{
		"a page that takes forms only":            {"/sign-in", func(mux *http.ServeMux) { mux.HandleFunc("POST /sign-in", func(http.ResponseWriter, *http.Request) {}) }},
		"no page":                                 {"/sign-in", func(*http.ServeMux) {}},
		"a page on a server that does not listen": {closed.URL + "/sign-in", func(*http.ServeMux) {}},
	} {
		site := docslogintest.NewReadMe()
		defer site.Close()
		login, err := docslogin.New(testkit.Nobody, site.Platform(), docslogin.WithSignInPage(tt.page, "next"), docslogin.WithExternalURL("http://app.example"), testkit.Silent)
		if err != nil {
			t.Fatal(err)
		}
		mux := http.NewServeMux()
		mux.HandleFunc("/account/sign-in", func(w http.ResponseWriter, _ *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "x", Path: "/account"})
		})
		tt.more(mux)
		app := httptest.NewServer(login.Wrap(mux))
		defer app.Close()
		_, err = loginAt(t, site, docslogintest.NewClient(), app.URL, app.URL)
		if err == nil || !strings.Contains(err.Error(), `The cookie "session", which `+app.URL+`/account/sign-in set, has the Path /account, which does not cover /docs-login.`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
