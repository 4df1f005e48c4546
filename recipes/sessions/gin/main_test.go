package main

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
	"github.com/gin-contrib/sessions"
	gorilla "github.com/gorilla/sessions"
)

// with returns the recipe over a store.
func with(store sessions.Store) func(app.Env) (http.Handler, error) {
	return func(env app.Env) (http.Handler, error) { return newHandler(env, store) }
}

func TestRecipe(t *testing.T) { apptest.Try(t, with(newStore(bytes.Repeat([]byte("a"), 64)))) }

func TestCookie(t *testing.T) {
	apptest.TryCookie(t, with(newStore(bytes.Repeat([]byte("a"), 64))), 12*time.Hour)
}

// files makes one of gorilla's stores one of this package's.
type files struct{ *gorilla.FilesystemStore }

func (f files) Options(o sessions.Options) { f.FilesystemStore.Options = o.ToGorillaOptions() }

func TestFiles(t *testing.T) {
	apptest.TryFiles(t, func(store *gorilla.FilesystemStore) func(app.Env) (http.Handler, error) { return with(files{store}) })
}
