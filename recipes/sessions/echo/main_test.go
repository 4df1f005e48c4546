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

// with returns the recipe over a store.
func with(store sessions.Store) func(app.Env) (http.Handler, error) {
	return func(env app.Env) (http.Handler, error) { return newHandler(env, store) }
}

func TestRecipe(t *testing.T) { apptest.Try(t, with(newStore(bytes.Repeat([]byte("a"), 64)))) }

func TestCookie(t *testing.T) {
	apptest.TryCookie(t, with(newStore(bytes.Repeat([]byte("a"), 64))), 12*time.Hour)
}

func TestFiles(t *testing.T) {
	apptest.TryFiles(t, func(store *sessions.FilesystemStore) func(app.Env) (http.Handler, error) { return with(store) })
}
