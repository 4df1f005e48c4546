package main

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
	"github.com/gorilla/sessions"
)

// key returns n bytes that are the same each time.
func key(letter string, n int) []byte { return bytes.Repeat([]byte(letter), n) }

// with returns the recipe over a store.
func with(store sessions.Store) func(app.Env) (http.Handler, error) {
	return func(env app.Env) (http.Handler, error) { return newHandler(env, store) }
}

func TestRecipe(t *testing.T) { apptest.Try(t, with(newStore(key("a", 64), key("b", 32)))) }

func TestCookie(t *testing.T) {
	apptest.TryCookie(t, with(newStore(key("a", 64), key("b", 32))), 12*time.Hour)
}

func TestFiles(t *testing.T) {
	apptest.TryFiles(t, func(store *sessions.FilesystemStore) func(app.Env) (http.Handler, error) { return with(store) })
}

func TestKeys(t *testing.T) {
	before := apptest.Serve(t, with(newStore(key("a", 64), key("b", 32))))
	both := apptest.Serve(t, with(newStore(key("c", 64), key("d", 32), key("a", 64), key("b", 32))))
	after := apptest.Serve(t, with(newStore(key("c", 64), key("d", 32))))
	old := before.Session(t)
	for _, tt := range []struct {
		name   string
		visit  *apptest.Visit
		cookie *http.Cookie
		leads  string
	}{
		{"a session continues when a new pair of keys is added", both, old, "the docs"},
		{"a session begins under the new pair", after, both.Session(t), "the docs"},
		{"a session ends with its pair", after, old, "a sign-in page"},
		{"after that, signing in again works", after, after.Session(t, old), "the docs"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.visit.OpenRoute(t, tt.cookie); got != tt.leads {
				t.Errorf("it leads to %s, not to %s", got, tt.leads)
			}
		})
	}
}
