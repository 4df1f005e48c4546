package apptest

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// attackAll calls attack for every recipe, each in its own process and in parallel, except for those in
// these folders.
func attackAll(t *testing.T, attack func(t *testing.T, p *process), except ...string) {
	t.Helper()
	for _, folder := range folders(t) {
		if !slices.Contains(except, folder) {
			t.Run(folder, func(t *testing.T) {
				t.Parallel()
				attack(t, startProcess(t, folder, arguments(t, folder)...))
			})
		}
	}
}

// spa is the recipe whose login route is a page, which signs the visitor in by a script.
const spa = "situations/spa"

// formsElsewhere are the recipes whose sign-in form is an identity service's.
var formsElsewhere = []string{"identity/auth0", "identity/clerk", "identity/goth", "identity/kratos", "identity/oidc"}

// arguments returns the command-line arguments that a recipe needs.
func arguments(t *testing.T, folder string) []string {
	t.Helper()
	var key []byte
	switch folder {
	case "production/prometheus":
		return []string{"-metrics", "127.0.0.1:0"}
	case "production/sighup":
		key = []byte(rand.Text())
	case "production/keyfile":
		_, private, _ := ed25519.GenerateKey(nil)      // never fails
		der, _ := x509.MarshalPKCS8PrivateKey(private) // never fails
		key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	default:
		return nil
	}
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, key, 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"-key", path}
}

// returnURLs are return URLs in a link to a sign-in page. {app} is the app's URL, {origin} its origin,
// and {home} the path of its home page.
var returnURLs = []struct{ name, given, leads string }{
	{"a page of the app", "{home}?from=mail", "{app}/?from=mail"},
	{"none", "", "{app}/"},
	{"another host", "https://evil.example/", "{app}/"},
	{"another host, without a scheme", "//evil.example/", "{app}/"},
	{"another host, with a backslash", `/\evil.example/`, "{app}/"},
	{"another host, after a tab", "/\t/evil.example/", "{app}/"},
	{"another host, after a dot segment", "/.//evil.example/", "{app}/"},
	{"a script", "javascript:alert(1)", "{app}/"},
	{"the app's origin as a user name", "{origin}@evil.example/", "{app}/"},
	{"another host, which begins with the app's origin", "{origin}.evil.example/", "{app}/"},
	{"the app's own URL, which an app without WithExternalURL does not know", "{app}/?from=mail", "{app}/"},
}

func TestReturnURLs(t *testing.T) {
	attackAll(t, func(t *testing.T, p *process) {
		signIn := p.findSignIn(t, newVisitor(t))
		app, _ := url.Parse(p.appURL)
		fill := strings.NewReplacer("{app}", p.appURL, "{origin}", app.Scheme+"://"+app.Host, "{home}", app.Path+"/").Replace
		for _, row := range returnURLs {
			switch {
			case p.folder == "situations/infoapi": // its sign-in page leads only to its authorization endpoint
				row.leads = "{app}/"
			case p.folder == "situations/prefix" && row.given == "{app}/?from=mail": // it has WithExternalURL
				row.leads = row.given
			case p.folder == "identity/kratos": // its sign-in page returns an error or leads to its own home page
				row.leads = ""
			}
			t.Run(row.name, func(t *testing.T) {
				v := newVisitor(t)
				for _, who := range []string{"a visitor", "a user who is signed in"} {
					page := v.SignIn(t, v.Open(t, signIn.link(fill(row.given))), "")
					if page.URL.Hostname() == "evil.example" || row.leads != "" && page.URL.String() != fill(row.leads) {
						t.Errorf("%s ends at %s", who, page.URL)
					}
				}
			})
		}
	}, spa)
}

// posts are the endpoints that change something, except those of sign-in forms.
var posts = map[string][]string{
	"identity/auth0":       {"/sign-out"},
	"identity/supertokens": {"/auth/signin", "/auth/signup", "/auth/signout", "/auth/session/refresh"},
	"situations/embed":     {"/sign-out"},
	"situations/signout":   {"/sign-out"},
	"situations/spa":       {"/api/sign-in", "/api/docs-url"},
}

func TestPostsFromOtherSites(t *testing.T) {
	attackAll(t, func(t *testing.T, p *process) {
		v := newVisitor(t)
		origin := strings.TrimSuffix(p.appURL, "/app")
		paths, fields := posts[p.folder], ""
		if p.folder != spa && !slices.Contains(formsElsewhere, p.folder) {
			signIn := p.findSignIn(t, v)
			paths, fields = append(paths, signIn.post), signIn.fields
		}
		if len(paths) == 0 {
			t.Fatal("there is no endpoint that changes something")
		}
		for _, path := range paths {
			for _, row := range []struct {
				name   string
				header http.Header
				other  bool
			}{
				{"the app's own", http.Header{"Sec-Fetch-Site": {"same-origin"}}, false},
				{"the app's own, in an old browser", http.Header{"Origin": {origin}}, false},
				{"another site's", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}, true},
				{"another subdomain's", http.Header{"Sec-Fetch-Site": {"same-site"}, "Origin": {"https://evil.example"}}, true},
				{"another site's, in an old browser", http.Header{"Origin": {"https://evil.example"}}, true},
				{"a sandboxed frame's, in an old browser", http.Header{"Origin": {"null"}}, true},
			} {
				resp, _ := p.ask(t, v, http.MethodPost, path, row.header, fields)
				rejected := resp.StatusCode == http.StatusForbidden
				if rejected != row.other || rejected && len(resp.Cookies()) > 0 && p.folder != "routers/fiber" || // fiber sets a cookie for everybody
					resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusMethodNotAllowed {
					t.Errorf("%s request to %s is answered %s, with %d cookies", row.name, path, resp.Status, len(resp.Cookies()))
				}
			}
		}
	}, "identity/clerk", "identity/goth", "identity/kratos", "identity/oidc")
}

// TestPlantedSessions puts a stranger's cookies into a visitor's browser. After the visitor has signed
// in, the stranger must not be signed in as the visitor. The recipes' own tests use PlantValue to check
// that nothing remains of the planted session.
func TestPlantedSessions(t *testing.T) {
	attackAll(t, func(t *testing.T, p *process) {
		signIn := p.findSignIn(t, newVisitor(t))
		for _, stranger := range []string{"", "eve@example.com"} {
			v := newVisitor(t)
			v.Open(t, p.appURL+"/")
			v.Open(t, signIn.link(""))
			if v.Email = stranger; stranger != "" && p.folder != "identity/authboss" { // authboss has one user
				if page := p.signIn(t, v, signIn); !strings.Contains(page.Text, stranger) {
					t.Fatalf("after signing in, the stranger ends at %s", page)
				}
			}
			at, _ := url.Parse(p.appURL + "/")
			victim := newVisitor(t)
			for _, cookie := range v.client.Jar.Cookies(at) {
				if cookie.Name != "auth0" && cookie.Name != "__client" { // the cookies of services, which are on another site
					victim.client.Jar.SetCookies(at, []*http.Cookie{{Name: cookie.Name, Value: cookie.Value, Path: at.Path}})
				}
			}
			if page := p.signIn(t, victim, signIn); !strings.Contains(page.Text, Ada) {
				t.Errorf("with the cookies of %q, the visitor ends at %s", stranger, page)
			}
			if page := v.Open(t, p.appURL+"/"); strings.Contains(page.Text, Ada) {
				t.Errorf("the stranger, %q before, is signed in as the visitor", stranger)
			}
		}
	}, spa)
}

// TestPagesAreNotStored checks that browsers do not store the page that says who is signed in, which the
// next user of the browser could see.
func TestPagesAreNotStored(t *testing.T) {
	attackAll(t, func(t *testing.T, p *process) {
		v := newVisitor(t)
		p.signIn(t, v, p.findSignIn(t, v))
		page := v.Open(t, p.appURL+"/")
		if got := page.Header.Values("Cache-Control"); !strings.Contains(page.Text, Ada) || !slices.Contains(got, "no-store") {
			t.Errorf("%s has the Cache-Control %q: %.200s", page, got, page.Text)
		}
	}, spa)
}

// TestCallbacks opens callbacks that belong to a stranger's sign-in at the identity provider, which
// could sign the visitor in as the stranger. It also opens one with an invalid code.
func TestCallbacks(t *testing.T) {
	for _, folder := range []string{"identity/auth0", "identity/goth", "identity/oidc"} {
		t.Run(folder, func(t *testing.T) {
			p, v := startProcess(t, folder), newVisitor(t)
			strangers := p.callback(t)
			resp, _ := p.ask(t, v, http.MethodGet, "/sign-in", nil, "")
			to, err := resp.Location()
			if err != nil {
				t.Fatal(err)
			}
			own := http.Header{}
			for _, cookie := range resp.Cookies() {
				own.Add("Cookie", cookie.Name+"="+cookie.Value)
			}
			for _, row := range []struct {
				name, callback string
				cookies        http.Header
				says           string
			}{
				{"of a stranger", strangers, own, "did not begin here"},
				{"of a stranger, in a browser without a sign-in", strangers, nil, "did not begin here"},
				{"without a state", "/callback?code=1", own, "did not begin here"},
				{"without a state, in a browser without a sign-in", "/callback?code=1&state=", nil, "did not begin here"},
				{"with an invalid code", "/callback?code=1&state=" + to.Query().Get("state"), own, "took too long"},
			} {
				resp, text := p.ask(t, v, http.MethodGet, row.callback, row.cookies, "")
				if resp.StatusCode != http.StatusBadRequest || !strings.Contains(text, row.says) {
					t.Errorf("the callback %s is answered %s: %s", row.name, resp.Status, text)
				}
			}
			if log := p.log.String(); strings.Contains(log, "ERROR") {
				t.Errorf("the log has an error: %s", log)
			}
		})
	}
}

// callback returns the path and the query to which the provider sends a visitor who has signed in. The
// visitor does not go there.
func (p *process) callback(t *testing.T) (path string) {
	t.Helper()
	v := newVisitor(t)
	v.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/callback" {
			path = r.URL.RequestURI()
			return http.ErrUseLastResponse
		}
		return nil
	}
	v.Submit(t, v.Open(t, p.appURL+"/sign-in"))
	if path == "" {
		t.Fatal("the provider does not send the visitor back")
	}
	return path
}

// TestBadForms sends forms that no browser sends from a sign-in page. The app must not answer with a
// server error, and must not accept large forms.
func TestBadForms(t *testing.T) {
	attackAll(t, func(t *testing.T, p *process) {
		v := newVisitor(t)
		signIn := p.findSignIn(t, v)
		const multipart = "--x\r\nContent-Disposition: form-data; name=%s\r\n\r\n%s\r\n"
		for _, row := range []struct{ name, contentType, body string }{
			{"a large form", "", signIn.fields + "&more=" + strings.Repeat("a", 1<<20)},
			{"a large form with a file", "multipart/form-data; boundary=x",
				fmt.Sprintf(multipart, "email", Ada) + fmt.Sprintf(multipart, "file; filename=a", strings.Repeat("a", 1<<20)) + "--x--\r\n"},
			{"a form with a bad escape", "", "email=%zz"},
			{"a form with a bad boundary", "multipart/form-data", "email=x"},
			{"not a form", "text/plain", "email=x"},
			{"an empty body", "", ""},
			{"a long address", "", "email=" + strings.Repeat("a", 5000) + "%40example.com"},
			{"invalid bytes", "", "email=\xff\x00"},
		} {
			header := http.Header{"Sec-Fetch-Site": {"same-origin"}}
			if row.contentType != "" {
				header.Set("Content-Type", row.contentType)
			}
			resp, text := p.ask(t, v, http.MethodPost, signIn.post, header, row.body)
			if resp.StatusCode >= 500 || strings.Contains(row.name, "large") && resp.StatusCode == http.StatusSeeOther {
				t.Errorf("%s is answered %s: %.200s", row.name, resp.Status, text)
			}
		}
		if log := p.log.String(); strings.Contains(log, "ERROR") {
			t.Errorf("the log has an error: %s", log)
		}
	}, append(formsElsewhere, spa)...)
}
