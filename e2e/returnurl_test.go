package e2e_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/platforms"
)

// signInApps are apps with a sign-in page, and the origins to which it may redirect. The first origin
// is the page's own.
var signInApps = []struct {
	name, home string
	origins    []string
	options    []docslogin.Option
}{
	{"on the app's own host", "/", []string{"https://app.example.com"},
		[]docslogin.Option{docslogin.WithSignInPage("/sign-in", "next")}},
	{"on the app's own host, with an external URL", "/app/", []string{"https://app.example.com"},
		[]docslogin.Option{docslogin.WithSignInPage("/app/sign-in", "next"), docslogin.WithExternalURL("https://app.example.com/app/")}},
	{"on another host", "https://app.example.com/", []string{"https://login.example.com:8443", "https://app.example.com"},
		[]docslogin.Option{docslogin.WithSignInPage("https://login.example.com:8443/", "next"), docslogin.WithExternalURL("https://app.example.com")}},
}

func newSignInApp(t *testing.T, options []docslogin.Option) *docslogin.Middleware {
	t.Helper()
	nobody := func(*http.Request) (*docslogin.User, error) { return nil, nil }
	m, err := docslogin.New(nobody, platforms.ReadMe("https://docs.example.com", "rdme_example_secret"), options...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// signIn sends a sign-in handler a return URL, in a form or in the query, and returns the Location of
// the response.
func signIn(m *docslogin.Middleware, next string, inForm bool) string {
	values := url.Values{"next": {next}}.Encode()
	r := httptest.NewRequest(http.MethodPost, "/sign-in", strings.NewReader(values))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Host = "evil.example"
	if !inForm {
		r = httptest.NewRequest(http.MethodGet, "/sign-in?"+values, nil)
	}
	w := httptest.NewRecorder()
	http.Redirect(w, r, m.ReturnURL(r), http.StatusSeeOther)
	return w.Header().Get("Location")
}

// TestNoReturnURLLeavesTheApp redirects to return URLs as a sign-in handler does: to the sequences of up to
// three nasty tokens, to some of four, and to odd and fuzzed links. Node determines where the redirects
// lead.
func TestNoReturnURLLeavesTheApp(t *testing.T) {
	hosts := append([]string{"https://app.example.com", "https://login.example.com:8443"}, nasty...)
	for _, app := range signInApps {
		t.Run(app.name, func(t *testing.T) {
			t.Parallel()
			m := newSignInApp(t, app.options)
			kept := map[string]bool{}
			try := func(next string) {
				if location := signIn(m, next, len(next)%2 == 0); location != app.home {
					kept[location] = true
				}
			}
			sequences(hosts, 3, try)
			for _, link := range append(oddLinks(), fuzzed(t)...) {
				try(link)
			}
			var locations []string
			for location := range kept {
				locations = append(locations, location)
			}
			t.Logf("%d locations", len(locations))
			if len(locations) == 0 {
				t.Error("no return URL was kept, so nothing was tested")
			}
			noneStrays(t, "", app.origins, locations)
		})
	}
}

// TestEveryOrdinaryReturnURLIsKept uses the paths of real docs as return URLs, alone and as deep links
// in a URL of the login route. The redirect must lead to the page that the return URL names.
func TestEveryOrdinaryReturnURLIsKept(t *testing.T) {
	for _, app := range signInApps {
		t.Run(app.name, func(t *testing.T) {
			m := newSignInApp(t, app.options)
			var meant, sent []string
			for _, path := range lines(t, "testdata/docs-links.txt") {
				for i, next := range []string{path, "/docs-login?docslogin_sent=1700000000&redirect=" + url.QueryEscape(path), app.origins[len(app.origins)-1] + path} {
					if i == 2 && app.home == "/" { // the app's own origin is not configured
						continue
					}
					meant = append(meant, resolve(app.origins[0], next))
					sent = append(sent, resolve(app.origins[0], signIn(m, next, len(meant)%2 == 0)))
				}
			}
			wanted := readURLs(t, meant)
			for i, got := range readURLs(t, sent) {
				if !reflect.DeepEqual(got, wanted[i]) {
					t.Errorf("%q leads to %+v", meant[i], got)
				}
			}
		})
	}
}

// resolve returns location, which is an absolute URL or a path of the origin, as an absolute URL.
func resolve(origin, location string) string {
	if strings.HasPrefix(location, "/") {
		return origin + location
	}
	return location
}

// unread is a body that must not be read.
type unread struct{ *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.Error("the body was read")
	return 0, io.EOF
}

// ReturnURL does not read multipart forms, because anybody can send a large one to a sign-in page.
func TestReturnURLReadsNoMultipartForms(t *testing.T) {
	m := newSignInApp(t, signInApps[0].options)
	for _, r := range []*http.Request{
		httptest.NewRequest(http.MethodGet, "/sign-in?next=/a", unread{t}),
		httptest.NewRequest(http.MethodPost, "/sign-in?next=/a", unread{t}),
	} {
		r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		if got := m.ReturnURL(r); got != "/a" {
			t.Errorf("%s: %q", r.Method, got)
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/sign-in", strings.NewReader("--x\r\nContent-Disposition: form-data; name=next\r\n\r\n/a\r\n--x--\r\n"))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	if err := r.ParseMultipartForm(1000); err != nil || m.ReturnURL(r) != "/a" {
		t.Errorf("a form that the app has parsed: %q, %v", m.ReturnURL(r), err)
	}
}
