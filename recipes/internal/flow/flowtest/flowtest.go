// Package flowtest tests what the recipes with internal/flow have in common.
package flowtest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/docslogin/docslogin/platforms"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
)

// TryTLS signs in at a recipe whose URL has https, and checks that no other host can set the cookies
// that the recipe uses.
func TryTLS(t *testing.T, newHandler func(app.Env) (http.Handler, error)) {
	t.Helper()
	env := app.Env{URL: "https://app.example.com", Platform: platforms.ReadMe("https://docs.example.com", "0123456789abcdef")}
	handler, err := newHandler(env)
	if err != nil {
		t.Fatal(err)
	}
	at, names := &transport{handler: handler}, map[string]bool{}
	v := apptest.NewVisitorOver(at)
	page := v.SignIn(t, v.Open(t, env.URL+"/sign-in"), env.URL)
	if !page.At(env.URL+"/") || !strings.Contains(page.Text, apptest.Ada) {
		t.Errorf("the visitor ends at %s, not signed in", page)
	}
	for _, cookie := range at.set {
		if !strings.HasPrefix(cookie.Name, "__Host-") || !cookie.Secure || cookie.Path != "/" || cookie.Domain != "" {
			t.Errorf("the cookie %s is for %q and the path %s, Secure: %t", cookie.Name, cookie.Domain, cookie.Path, cookie.Secure)
		}
		names[cookie.Name] = true
	}
	if len(names) != 2 {
		t.Errorf("there are the cookies %v, not the sign-in's and the session's", names)
	}
}

// transport sends requests to the app, which is not on the network, and keeps the cookies that it sets.
type transport struct {
	handler http.Handler
	set     []*http.Cookie
}

func (at *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "app.example.com" {
		return http.DefaultTransport.RoundTrip(r)
	}
	w := httptest.NewRecorder()
	request := r.Clone(r.Context())
	request.RequestURI = r.URL.RequestURI()
	if request.Body == nil {
		request.Body = http.NoBody
	}
	at.handler.ServeHTTP(w, request)
	resp := w.Result()
	resp.Request = r
	at.set = append(at.set, resp.Cookies()...)
	return resp, nil
}
