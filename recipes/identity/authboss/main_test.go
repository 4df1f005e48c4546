package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
	"github.com/volatiletech/authboss/v3"
	"golang.org/x/crypto/bcrypt"
)

// ada returns what the visitor types in.
func ada(t *testing.T) *user {
	t.Helper()
	password, err := bcrypt.GenerateFromPassword([]byte("correct horse battery staple"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return &user{email: "ada@example.com", password: string(password), confirmed: true}
}

func cookies() session { return newSession([]byte(strings.Repeat("k", 64))) }

// with returns the recipe over its users.
func with(users authboss.ServerStorer) func(app.Env) (http.Handler, error) {
	return func(env app.Env) (http.Handler, error) { return newHandler(env, cookies(), users) }
}

func TestRecipe(t *testing.T) {
	user, session := ada(t), cookies()
	v := apptest.Serve(t, func(env app.Env) (http.Handler, error) { return newHandler(env, session, users{user.email: user}) })
	isGone := v.PlantValue(t, session.store)
	v.Try(t)
	isGone()
}

func TestUnconfirmedAddress(t *testing.T) {
	user := ada(t)
	user.confirmed = false
	v := apptest.Serve(t, with(users{user.email: user}))
	page := v.Visitor.SignIn(t, v.Visitor.Open(t, v.AppURL+"/docs-login"), v.Site.URL)
	if page.URL.Path != "/docs-login" || page.Status != http.StatusForbidden {
		t.Errorf("a user whose address is not confirmed ends at %s", page)
	}
}

// post sends the form of a sign-in page and says where that leads.
func post(t *testing.T, v *apptest.Visit, page apptest.Page, password string) *http.Response {
	t.Helper()
	resp, err := v.Visitor.Client().PostForm(page.URL.String(), url.Values{"email": {apptest.Ada}, "password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

func TestAWrongPasswordKeepsTheReturnURL(t *testing.T) {
	user := ada(t)
	v := apptest.Serve(t, with(users{user.email: user}))
	resp := post(t, v, v.Visitor.Open(t, v.Site.URL+"/reference"), "wrong")
	if resp.Request.URL.Path != "/auth/login" || resp.StatusCode != http.StatusOK {
		t.Fatalf("a wrong password leads to %s (%s)", resp.Request.URL.Path, resp.Status)
	}
	page := v.Visitor.Open(t, resp.Request.URL.String())
	if page = v.Visitor.SignIn(t, page, v.Site.URL); !page.At(v.Site.URL + "/reference") {
		t.Errorf("the right one then leads to %s", page)
	}
}

// submit sends the sign-in form from the app's own page, and returns the response.
func submit(t *testing.T, v *apptest.Visit) *http.Response {
	t.Helper()
	form := url.Values{"email": {apptest.Ada}, "password": {"correct horse battery staple"}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, v.AppURL+"/auth/login", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

// TestForgedLogLines posts addresses that nobody has. The log must have one line for each.
func TestForgedLogLines(t *testing.T) {
	user := ada(t)
	v := apptest.Serve(t, with(users{user.email: user}))
	for _, row := range []struct{ name, email, logged string }{ // logged: "" means that the form is rejected
		{"line breaks", "eve@example.com\n[INFO]: user ada@example.com logged in\r\n", `eve@example.com\n[INFO]`},
		{"a terminal's escape sequence", "\x1b[2Jeve@example.com", `\x1b[2Jeve`},
		{"text that is read from right to left", "\u202eeve@example.com", `\u202eeve`},
		{"254 bytes", strings.Repeat("a", 254), strings.Repeat("a", 254)},
		{"255 bytes", strings.Repeat("a", 255), ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			log := apptest.CaptureLog(t)
			resp, err := v.Visitor.Client().PostForm(v.AppURL+"/auth/login", url.Values{"email": {row.email}, "password": {"wrong"}})
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			lines := strings.Count(log.String(), "\n")
			if row.logged == "" && (resp.StatusCode != http.StatusBadRequest || lines > 0) ||
				row.logged != "" && (lines != 1 || !strings.Contains(log.String(), row.logged)) {
				t.Errorf("the answer is %s, and the log has %d lines: %q", resp.Status, lines, log)
			}
		})
	}
}

func TestCookie(t *testing.T) {
	user := ada(t)
	v := apptest.Serve(t, with(users{user.email: user}))
	resp := submit(t, v)
	if len(resp.Cookies()) != 1 {
		t.Fatalf("signing in is answered %s, with %d cookies", resp.Status, len(resp.Cookies()))
	}
	cookie := resp.Cookies()[0]
	if cookie.Path != "/" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.MaxAge != 12*60*60 {
		t.Errorf("the cookie is for %s, HttpOnly %t, SameSite %d, Max-Age %d", cookie.Path, cookie.HttpOnly, cookie.SameSite, cookie.MaxAge)
	}
	if got := v.OpenRoute(t, cookie); got != "the docs" {
		t.Errorf("the session leads to %s", got)
	}
	if got := v.OpenRoute(t, apptest.Tampered(cookie)); got != "a sign-in page" {
		t.Errorf("a session that was tampered with leads to %s", got)
	}
}

// Modules that sign users out delete what is in the session, but for what the app keeps.
func TestSessionIsEmptied(t *testing.T) {
	ab := authboss.New()
	ab.Config.Storage.SessionState = cookies()
	jar := map[string]*http.Cookie{}
	visit := func(handler http.HandlerFunc) {
		r, w := httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder()
		for _, cookie := range jar {
			r.AddCookie(cookie)
		}
		ab.LoadClientStateMiddleware(handler).ServeHTTP(w, r)
		for _, cookie := range w.Result().Cookies() {
			jar[cookie.Name] = cookie
		}
	}
	visit(func(w http.ResponseWriter, r *http.Request) {
		authboss.PutSession(w, authboss.SessionKey, apptest.Ada)
		authboss.PutSession(w, "language", "en")
		w.WriteHeader(http.StatusOK)
	})
	visit(func(w http.ResponseWriter, r *http.Request) {
		authboss.DelAllSession(w, []string{"theme", "language"})
		w.WriteHeader(http.StatusOK)
	})
	visit(func(w http.ResponseWriter, r *http.Request) {
		if user, ok := authboss.GetSession(r, authboss.SessionKey); ok {
			t.Errorf("%s is still signed in", user)
		}
		if language, _ := authboss.GetSession(r, "language"); language != "en" {
			t.Errorf("the language is %q", language)
		}
		authboss.DelSession(w, "language")
		w.WriteHeader(http.StatusOK)
	})
	visit(func(w http.ResponseWriter, r *http.Request) {
		if language, ok := authboss.GetSession(r, "language"); ok {
			t.Errorf("the language is still %q", language)
		}
	})
}

// The trap: LoadClientStateMiddleware around the mux only.
func TestInsideOfDocsWrap(t *testing.T) {
	user := ada(t)
	observe, next := apptest.Outcomes(t)
	v := apptest.Serve(t, func(env app.Env) (http.Handler, error) {
		ab, err := newAuthboss(env, cookies(), users{user.email: user})
		if err != nil {
			return nil, err
		}
		docs, err := docslogin.New(lookup(ab), env.Platform, signInPage, observe)
		if err != nil {
			return nil, err
		}
		ab.Config.Core.Redirector = redirector{docs.ReturnURL}
		return docs.Wrap(ab.LoadClientStateMiddleware(pages(ab))), nil
	})
	page := v.Visitor.SignIn(t, v.Visitor.Open(t, v.AppURL+"/docs-login"), v.Site.URL)
	if page.URL.Path != "/docs-login" || page.Status != http.StatusUnauthorized {
		t.Errorf("after signing in, the visitor ends at %s", page)
	}
	if first, second := next(), next(); first != "sign_in" || second != "loop" {
		t.Errorf("the outcomes are %q and %q", first, second)
	}
}

// database stands for a database, which can be down.
type database struct {
	users
	down, empty atomic.Bool
}

func (d *database) Load(ctx context.Context, email string) (authboss.User, error) {
	switch {
	case d.down.Load():
		return nil, errors.New("the database is down")
	case d.empty.Load():
		return nil, authboss.ErrUserNotFound
	}
	return d.users.Load(ctx, email)
}

func TestDatabaseThatIsDown(t *testing.T) {
	user := ada(t)
	db := &database{users: users{user.email: user}}
	v := apptest.Serve(t, with(db))
	signIn := v.Visitor.Open(t, v.AppURL+"/auth/login")
	v.Visitor.SignIn(t, signIn, v.Site.URL)
	db.down.Store(true)
	for _, path := range []string{"/docs-login", "/"} {
		if page := v.Visitor.Open(t, v.AppURL+path); !page.At(v.AppURL+path) || page.Status != http.StatusInternalServerError {
			t.Errorf("%s leads to %s", path, page)
		}
	}
	if resp := post(t, v, signIn, "correct horse battery staple"); resp.StatusCode != http.StatusInternalServerError {
		t.Errorf("signing in is answered %s", resp.Status)
	}
}

func TestAccountThatIsGone(t *testing.T) {
	user := ada(t)
	db := &database{users: users{user.email: user}}
	v := apptest.Serve(t, with(db))
	v.Visitor.SignIn(t, v.Visitor.Open(t, v.AppURL+"/auth/login"), v.Site.URL)
	db.empty.Store(true)
	if page := v.Visitor.Open(t, v.AppURL+"/docs-login"); page.URL.Path != "/auth/login" || !page.HasForm() {
		t.Errorf("without an account, the user ends at %s", page)
	}
}
