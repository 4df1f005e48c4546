package docslogintest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/internal/presets"
	"github.com/docslogin/docslogin/internal/testkit"
)

// oneApp starts an app with a sign-in form, gorilla sessions, and a login route for every site. The app
// shares a domain with docs that read a cookie.
func oneApp(t *testing.T, sites []*docslogintest.Site) *httptest.Server {
	t.Helper()
	store := sessions.NewCookieStore([]byte("0123456789abcdef0123456789abcdef"))
	store.Options = &sessions.Options{Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: 3600}
	var docs *docslogin.Middleware // the last one; ReturnURL is the same for all
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sign-in", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "please sign in") })
	mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) {
		session, _ := store.Get(r, "app")
		session.Values["name"] = r.FormValue("name")
		if err := session.Save(r, w); err != nil {
			t.Error(err)
		}
		http.Redirect(w, r, docs.ReturnURL(r), http.StatusSeeOther)
	})
	lookup := docslogin.SessionLookup(store, "app", func(r *http.Request, s *sessions.Session) (*docslogin.User, error) {
		name, _ := s.Values["name"].(string)
		return &docslogin.User{ID: name, Name: name, Email: name + "@example.com", APIKeys: []docslogin.APIKey{{Name: "live", Key: "sk_live_" + name}}}, nil
	})
	app := httptest.NewUnstartedServer(mux)
	at := strings.Replace("http://"+app.Listener.Addr().String(), "127.0.0.1", "app.acme.localhost", 1)
	for i, site := range sites {
		docs = docslogin.Must(docslogin.New(lookup, site.Platform(), testkit.Silent, docslogin.WithSignInPage("/sign-in", "next"), docslogin.WithPath(fmt.Sprintf("/docs-login-%d", i))))
		app.Config.Handler = docs.Wrap(app.Config.Handler)
		site.SetLoginURL(at + docs.Path())
	}
	app.Start()
	app.URL = at
	t.Cleanup(app.Close)
	return app
}

// A visitor goes from a private page to the app's sign-in form and back to that page. At the other sites,
// the visitor does not see the form again.
func TestOneAppForEverySite(t *testing.T) {
	var sites []*docslogintest.Site
	for _, preset := range presets.All() {
		site := preset.Site()
		defer site.Close()
		sites = append(sites, site)
	}
	app, visitor, page := oneApp(t, sites), docslogintest.NewClient(), sites[0].URL+"/quickstart?lang=go"
	resp, body := get(t, visitor, page)
	if body != "please sign in" {
		t.Fatalf("the visitor came to %s: %s", resp.Request.URL, body)
	}
	form := url.Values{"name": {"ada"}, "next": {resp.Request.URL.Query().Get("next")}}
	resp, body = post(t, visitor, app.URL+"/sign-in", "application/x-www-form-urlencoded", form.Encode())
	if resp.Request.URL.String() != page || !strings.Contains(body, "sk_live_ada") {
		t.Errorf("the visitor arrived at %s:\n%s", resp.Request.URL, body)
	}
	for i, site := range sites {
		got, err := site.Login(visitor, "/quickstart?lang=go")
		if err != nil || got.Page != testkit.Arrival(presets.All()[i], "/quickstart?lang=go") || !strings.Contains(fmt.Sprint(got.Claims), ":ada@example.com") {
			t.Errorf("%s accepted %+v, %v", site.Platform().Name, got, err)
		}
		if logins := site.Logins(); len(logins) != 1 || len(logins[0].Notes) > 0 || len(site.Rejections()) > 0 {
			t.Errorf("%s: %+v, %v", site.URL, logins, site.Rejections())
		}
	}
}

// One path serves the login routes of two sites. A parameter of the login URL selects the site, also after
// the sign-in.
func TestOneRouteForTwoSites(t *testing.T) {
	routes, mux, signedIn := map[string]*docslogin.Middleware{}, http.NewServeMux(), false
	lookup := func(*http.Request) (*docslogin.User, error) {
		if signedIn {
			return ada, nil
		}
		return nil, docslogin.ErrNoUser
	}
	mux.HandleFunc("GET /docs-login", func(w http.ResponseWriter, r *http.Request) {
		if route := routes[r.URL.Query().Get("site")]; route != nil {
			route.ServeHTTP(w, r)
			return
		}
		http.NotFound(w, r)
	})
	mux.HandleFunc("GET /sign-in", func(w http.ResponseWriter, r *http.Request) {
		signedIn = true
		http.Redirect(w, r, routes["a"].ReturnURL(r), http.StatusSeeOther)
	})
	app := httptest.NewServer(mux)
	defer app.Close()
	for _, name := range []string{"a", "b"} {
		site := docslogintest.NewReadMe()
		defer site.Close()
		site.SetLoginURL(app.URL + "/docs-login?site=" + name)
		routes[name] = docslogin.Must(docslogin.New(lookup, site.Platform(), testkit.Silent, docslogin.WithSignInPage("/sign-in", "next"), docslogin.WithReturnParams("site")))
		signedIn = false
		if got, err := site.Login(docslogintest.NewClient(), "/quickstart?lang=go"); err != nil || got.Page != "/quickstart?lang=go" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
