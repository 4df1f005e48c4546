package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
	"github.com/supertokens/supertokens-golang/recipe/emailpassword"
	"github.com/supertokens/supertokens-golang/recipe/emailverification"
	"github.com/supertokens/supertokens-golang/recipe/emailverification/evmodels"
	"github.com/supertokens/supertokens-golang/recipe/session"
	"github.com/supertokens/supertokens-golang/recipe/session/sessmodels"
	"github.com/supertokens/supertokens-golang/supertokens"
)

func TestRecipe(t *testing.T) {
	v, _ := serve(t)
	v.Try(t)
}

// serve serves a recipe for a visitor whose browser runs the script of the sign-in page.
func serve(t *testing.T) (*apptest.Visit, *fakeCore) {
	t.Helper()
	core := newFakeCore()
	t.Cleanup(core.Close)
	v := apptest.Serve(t, func(env app.Env) (http.Handler, error) {
		start(t, config(env.URL, core.URL))
		return newHandler(env)
	})
	v.Visitor.RunScripts()
	return v, core
}

// start starts the SDK, which there is once in a process.
func start(t *testing.T, config supertokens.TypeInput) {
	t.Helper()
	supertokens.ResetForTest()
	t.Cleanup(supertokens.ResetForTest)
	if err := supertokens.Init(config); err != nil {
		t.Fatal(err)
	}
}

// signedIn serves a recipe at which the visitor has signed in, and come to the docs.
func signedIn(t *testing.T) (*apptest.Visit, *fakeCore) {
	t.Helper()
	v, core := serve(t)
	v.SignIn(t)
	return v, core
}

// setToken replaces the visitor's access token.
func setToken(t *testing.T, v *apptest.Visit, token string) {
	t.Helper()
	here, err := url.Parse(v.AppURL)
	if err != nil {
		t.Fatal(err)
	}
	v.Visitor.Client().Jar.SetCookies(here, []*http.Cookie{{Name: "sAccessToken", Value: token, Path: "/"}})
}

// onlySession returns the core's one session.
func onlySession(t *testing.T, core *fakeCore) (s *coreSession) {
	t.Helper()
	core.change(func() {
		if len(core.sessions) != 1 {
			t.Fatalf("there are %d sessions, not one", len(core.sessions))
		}
		for _, s = range core.sessions {
		}
	})
	return s
}

func (c *fakeCore) countSessions() (n int) {
	c.change(func() { n = len(c.sessions) })
	return n
}

func TestOldTokenIsRenewedSilently(t *testing.T) {
	v, core := signedIn(t)
	old, err := onlySession(t, core).accessToken(time.Now().Add(-2 * time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	setToken(t, v, old)
	if page := v.Visitor.Open(t, v.Site.URL+"/reference"); !page.At(v.Site.URL + "/reference") {
		t.Errorf("the visitor ends at %s, not at the docs' page", page)
	}
}

func TestSessionsOfNobodyGoToSignIn(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*testing.T, *apptest.Visit, *fakeCore)
	}{
		{"they signed out elsewhere", func(t *testing.T, v *apptest.Visit, core *fakeCore) {
			core.change(func() { core.sessions = map[string]*coreSession{} })
		}},
		{"the cookie is not a token", func(t *testing.T, v *apptest.Visit, core *fakeCore) {
			core.change(func() { core.sessions = map[string]*coreSession{} })
			setToken(t, v, "not a token")
		}},
		{"the token has another signature", func(t *testing.T, v *apptest.Visit, core *fakeCore) {
			s := onlySession(t, core)
			token, err := s.accessToken(time.Now())
			if err != nil {
				t.Fatal(err)
			}
			core.change(func() { s.refreshToken = "gone" })
			setToken(t, v, token[:len(token)-8]+"AAAAAAAA")
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			v, core := signedIn(t)
			row.change(t, v, core)
			if page := v.Visitor.Open(t, v.Site.URL+"/quickstart"); !page.At(v.AppURL) || !page.HasForm() {
				t.Errorf("the visitor ends at %s, not at the sign-in page", page)
			}
		})
	}
}

func TestOutageIsNoSignOut(t *testing.T) {
	for _, row := range []struct {
		name   string
		outage func(*fakeCore)
	}{
		{"the core answers 503", func(c *fakeCore) { c.change(func() { c.down = true }) }},
		{"the core is not there", func(c *fakeCore) { c.Close() }},
	} {
		t.Run(row.name, func(t *testing.T) {
			v, core := signedIn(t)
			row.outage(core)
			v.MeetsFault(t)
		})
	}
}

func TestSignInDuringAnOutageIsLogged(t *testing.T) {
	for _, path := range []string{"/public/recipe/signin", "/public/recipe/session"} {
		t.Run(path, func(t *testing.T) {
			v, core := serve(t)
			form := v.Visitor.Open(t, v.AppURL+"/sign-in")
			start(t, config(v.AppURL, failingAt(t, core, path)))
			log := apptest.CaptureLog(t)
			if page := v.Visitor.Submit(t, form); page.Status != http.StatusInternalServerError || !strings.Contains(log.String(), "level=ERROR") {
				t.Errorf("the visitor ends at %s, and the operator reads %q", page, log)
			}
		})
	}
}

// failingAt returns the URL of a core that fails at one path.
func failingAt(t *testing.T, core *fakeCore, path string) string {
	healthy := core.Config.Handler
	failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path {
			http.Error(w, "The database is not there.", http.StatusInternalServerError)
			return
		}
		healthy.ServeHTTP(w, r)
	}))
	t.Cleanup(failing.Close)
	return failing.URL
}

// Where the core fails while it answers.
func TestHalfAnOutageIsNoSignOut(t *testing.T) {
	for _, path := range []string{"/recipe/session/verify", "/recipe/user", "/recipe/user/email/verify"} {
		t.Run(path, func(t *testing.T) {
			v, core := signedIn(t)
			start(t, config(v.AppURL, failingAt(t, core, path)))
			if page := v.Visitor.Open(t, v.AppURL+"/docs-login"); page.Status != http.StatusInternalServerError {
				t.Errorf("the visitor ends at %s, not at a 500 page", page)
			}
		})
	}
}

func TestUnverifiedEmailIsForbidden(t *testing.T) {
	v, core := serve(t)
	core.change(func() { core.unverified = true })
	page := v.Visitor.SignIn(t, v.Visitor.Open(t, v.Site.URL+"/quickstart"), v.Site.URL)
	if page.Status != http.StatusForbidden || len(v.Site.Logins()) > 0 {
		t.Errorf("the visitor ends at %s with %d logins, want a 403 and none", page, len(v.Site.Logins()))
	}
}

// The sign-in page would renew the session, so a redirect to it would be a loop.
func TestSessionWithoutAUserIsForbidden(t *testing.T) {
	v, core := signedIn(t)
	core.change(func() { core.users = map[string]string{} })
	for _, path := range []string{"/", "/docs-login"} {
		if page := v.Visitor.Open(t, v.AppURL+path); !page.At(v.AppURL+path) || page.Status != http.StatusForbidden {
			t.Errorf("%s leads to %s, want a 403", path, page)
		}
	}
}

func TestWrongPassword(t *testing.T) {
	v, core := serve(t)
	core.change(func() { core.wrongPassword = true })
	page := v.Visitor.SignIn(t, v.Visitor.Open(t, v.Site.URL+"/quickstart"), v.Site.URL)
	if n := core.countSessions(); page.Status != http.StatusUnauthorized || n > 0 {
		t.Errorf("the visitor ends at %s with %d sessions, want a 401 and none", page, n)
	}
}

// What the lookup says of a session in apps that are set up otherwise.
func TestOtherSettings(t *testing.T) {
	viaToken := "VIA_TOKEN"
	for _, row := range []struct {
		name       string
		recipes    []supertokens.Recipe
		unverified bool
		want       error
	}{
		{"with a token against cross-site requests, which a visit cannot have", []supertokens.Recipe{
			emailpassword.Init(nil),
			emailverification.Init(evmodels.TypeInput{Mode: evmodels.ModeOptional}),
			session.Init(&sessmodels.TypeInput{AntiCsrf: &viaToken}),
		}, false, nil},
		{"where an address must be verified before anything else", []supertokens.Recipe{
			emailpassword.Init(nil),
			emailverification.Init(evmodels.TypeInput{Mode: evmodels.ModeRequired}),
			session.Init(nil),
		}, true, docslogin.ErrForbidden},
	} {
		t.Run(row.name, func(t *testing.T) {
			core := newFakeCore()
			defer core.Close()
			settings := config("http://127.0.0.1", core.URL)
			settings.RecipeList = row.recipes
			start(t, settings)
			core.change(func() { core.unverified = row.unverified })
			answer, err := emailpassword.SignIn("public", "ada@example.com", "password")
			if err != nil {
				t.Fatal(err)
			}
			made, err := session.CreateNewSessionWithoutRequestResponse("public", answer.OK.User.ID, nil, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodGet, "/docs-login", nil)
			r.AddCookie(&http.Cookie{Name: "sAccessToken", Value: made.GetAccessToken()})
			if user, err := lookup(r); !errors.Is(err, row.want) {
				t.Errorf("the lookup returns %v, %v; want %v", user, err, row.want)
			}
		})
	}
}
