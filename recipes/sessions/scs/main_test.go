package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
)

// with returns the recipe over a manager.
func with(manager *scs.SessionManager) func(app.Env) (http.Handler, error) {
	return func(env app.Env) (http.Handler, error) { return newHandler(env, manager) }
}

func TestRecipe(t *testing.T) { apptest.Try(t, with(newManager())) }

func TestCookie(t *testing.T) {
	cookie := apptest.Serve(t, with(newManager())).Session(t)
	if cookie.Path != "/" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.MaxAge < 3599 || cookie.MaxAge > 3601 {
		t.Errorf("the session's cookie is %+v", cookie)
	}
}

// The trap: LoadAndSave around the mux only.
func TestOutsideOfLoadAndSave(t *testing.T) {
	manager := newManager()
	events := make(chan docslogin.Event, 8)
	v := apptest.Serve(t, func(env app.Env) (http.Handler, error) {
		docs, err := docslogin.New(lookup(manager), env.Platform, app.SignInPage, docslogin.WithObserver(func(_ context.Context, e docslogin.Event) { events <- e }))
		if err != nil {
			return nil, err
		}
		return docs.Wrap(manager.LoadAndSave(pages(docs, manager))), nil
	})
	if got := v.OpenRoute(t, v.Session(t)); got != "Internal Server Error" {
		t.Errorf("the route leads to %s", got)
	}
	if e := <-events; e.Outcome != "panic" || e.Err.Error() != "scs: no session data in context" { // scs panics with a string
		t.Errorf("the outcome is %q: %v", e.Outcome, e.Err)
	}
}

// scs writes its cookie into the answer of the route, too: a visit keeps the session alive.
func TestHeadersOfTheRoute(t *testing.T) {
	v := apptest.Serve(t, with(newManager()))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.AppURL+"/docs-login", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.AddCookie(v.Session(t))
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusFound || resp.Header.Get("Location") == "" || resp.Header.Get("Referrer-Policy") != "no-referrer" ||
		!slices.Contains(resp.Header.Values("Cache-Control"), "private, no-store, max-age=0") || len(resp.Cookies()) != 1 {
		delete(resp.Header, "Location") // it holds the token
		t.Errorf("the route answers %s with the headers %v", resp.Status, resp.Header)
	}
}

// Somebody has a session of the app's and plants its cookie in another's browser.
func TestPlantedSession(t *testing.T) {
	manager := newManager()
	v := apptest.Serve(t, with(manager))
	ctx, err := manager.Load(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	manager.Put(ctx, "cart", "full")
	token, _, err := manager.Commit(ctx)
	if err != nil {
		t.Fatal(err)
	}
	planted := &http.Cookie{Name: "session", Value: token}
	own := v.Session(t, planted)
	if got := v.OpenRoute(t, own); got != "the docs" {
		t.Errorf("the new session leads to %s", got)
	}
	if got := v.OpenRoute(t, planted); got != "a sign-in page" {
		t.Errorf("the planted session leads to %s", got)
	}
	if ctx, err = manager.Load(t.Context(), own.Value); err != nil || !slices.Equal(manager.Keys(ctx), []string{"email"}) {
		t.Errorf("the session holds %v, error %v", manager.Keys(ctx), err)
	}
}

func TestSessionThatIsNone(t *testing.T) {
	manager := newManager()
	v := apptest.Serve(t, with(manager))
	cookie := v.Session(t)
	if got := v.OpenRoute(t, apptest.Tampered(cookie)); got != "a sign-in page" {
		t.Errorf("a session that was tampered with leads to %s", got)
	}
	if err := manager.Store.Delete(cookie.Value); err != nil {
		t.Fatal(err)
	}
	if got := v.OpenRoute(t, cookie); got != "a sign-in page" {
		t.Errorf("a session that has ended leads to %s", got)
	}
}

// store fails where it is told to.
type store struct {
	scs.Store
	find, commit, delete atomic.Bool
}

var errDown = errors.New("the store is down")

func (s *store) Find(token string) ([]byte, bool, error) {
	if s.find.Load() {
		return nil, false, errDown
	}
	return s.Store.Find(token)
}

func (s *store) Commit(token string, b []byte, expiry time.Time) error {
	if s.commit.Load() {
		return errDown
	}
	return s.Store.Commit(token, b, expiry)
}

func (s *store) Delete(token string) error {
	if s.delete.Load() {
		return errDown
	}
	return s.Store.Delete(token)
}

func TestStoreThatIsDown(t *testing.T) {
	manager, failing := newManager(), &store{Store: memstore.NewWithCleanupInterval(0)}
	manager.Store = failing
	v := apptest.Serve(t, with(manager))
	cookie := v.Session(t)
	for _, tt := range []struct {
		name string
		down *atomic.Bool
	}{
		{"the session cannot be found", &failing.find},
		{"the visit cannot be written", &failing.commit},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.down.Store(true)
			defer tt.down.Store(false)
			if got := v.OpenRoute(t, cookie); got != "Internal Server Error" {
				t.Errorf("the route leads to %s", got)
			}
		})
	}
	t.Run("the old token cannot be deleted", func(t *testing.T) {
		failing.delete.Store(true)
		if resp := v.PostSignIn(t, cookie); resp.StatusCode != http.StatusInternalServerError {
			t.Errorf("signing in is answered %s", resp.Status)
		}
	})
}

// On platforms that take its end from the token, the docs session ends with the app's.
func TestEndOfTheSession(t *testing.T) {
	manager := newManager()
	synctest.Test(t, func(t *testing.T) {
		ctx, err := manager.Load(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		manager.Put(ctx, "email", apptest.Ada)
		user, err := lookup(manager)(httptest.NewRequest(http.MethodGet, "/docs-login", nil).WithContext(ctx))
		if err != nil || !user.ExpiresAt.Equal(time.Now().Add(12*time.Hour)) {
			t.Errorf("the user is %+v, error %v", user, err)
		}
	})
}
