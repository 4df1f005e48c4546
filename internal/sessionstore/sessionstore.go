// Package sessionstore distinguishes what is wrong with a gorilla session store from what is wrong
// with the cookie that a browser sent.
package sessionstore

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/gorilla/sessions"
)

// Usable reports whether a store can have a session of the given name. It cannot if the store is
// nil, if no cookie can have the name, or if gorilla's CookieStore or FilesystemStore has no key
// that works, such as that of an environment variable that is not set: everybody would look signed
// out. Other stores may ask a server, so they are not tried.
func Usable(store sessions.Store, name string) bool {
	value := reflect.ValueOf(store)
	isNil := !value.IsValid() || value.Kind() == reflect.Pointer && value.IsNil()
	return !isNil && (&http.Cookie{Name: name}).Valid() == nil && !lacksKey(store, name)
}

// lacksKey reports whether a store of gorilla's has no key that works. One of several is enough.
func lacksKey(store sessions.Store, name string) bool {
	var options *sessions.Options
	switch store := store.(type) {
	case *sessions.CookieStore:
		options = store.Options
	case *sessions.FilesystemStore:
		options = store.Options
	}
	if options == nil { // another store, or one that is set up later
		return false
	}
	_, err := store.New(&http.Request{Header: http.Header{"Cookie": {name + "=x"}}}, name)
	var cookie interface {
		IsUsage() bool
		IsDecode() bool
	}
	// A key that works reports that it cannot decode the cookie.
	return errors.As(err, &cookie) && cookie.IsUsage() && !cookie.IsDecode()
}

// IsUnreadable reports whether an error of a store is about what the browser sent: a cookie that
// securecookie does not accept, or a session file that is gone while its folder is there.
func IsUnreadable(err error) bool {
	var cookie interface{ IsDecode() bool }
	if errors.As(err, &cookie) {
		// For a cookie that is too long, securecookie formats the error and drops its type.
		return cookie.IsDecode() || strings.Contains(err.Error(), "the value is too long")
	}
	var file *fs.PathError
	if errors.As(err, &file) && errors.Is(err, fs.ErrNotExist) {
		_, err := os.Stat(filepath.Dir(file.Path))
		return err == nil
	}
	return false
}
