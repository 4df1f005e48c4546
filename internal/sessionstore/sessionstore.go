// Package sessionstore distinguishes what is wrong with a gorilla session store from what is wrong
// with the cookie that a browser sent.
package sessionstore

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/gorilla/sessions"
)

// Problem is why no session can be looked up in a store. The zero Problem means that there is none.
type Problem int

// The problems.
const (
	NilLoad Problem = iota + 1
	NilStore
	BadName
	NoKey
	EmptyKey // such as that of an environment variable that is not set
	KeyLength
)

var problems = map[Problem]string{
	NilLoad:   "SessionLookup has a nil load; pass a func that returns the user in a session",
	NilStore:  "SessionLookup has a nil store; pass the store in which the app's sign-in saves sessions",
	BadName:   "SessionLookup has a session name that no cookie can have; pass the name that the app's sign-in uses",
	NoKey:     "the session store has no key; make it with 32 random bytes or more, the same in every instance of the app",
	EmptyKey:  "the session store's key is empty; set it to 32 random bytes or more, the same in every instance of the app",
	KeyLength: "the session store's encryption key, which is the second of a pair, must be 16, 24, or 32 bytes long",
}

// Error returns what is wrong and what to do.
func (p Problem) Error() string { return problems[p] }

// Check returns the problem of a store with sessions of the given name, or 0. It checks the keys of
// gorilla's own stores, and of others that have them in the same field, because without a working key
// everybody would look signed out.
func Check(store sessions.Store, name string) Problem {
	value := reflect.ValueOf(store)
	switch {
	case !value.IsValid() || value.Kind() == reflect.Pointer && value.IsNil():
		return NilStore
	case (&http.Cookie{Name: name}).Valid() != nil:
		return BadName
	}
	codecs := reflect.ValueOf(field(value, "Codecs"))
	if options, ok := field(value, "Options").(*sessions.Options); codecs.Kind() != reflect.Slice || ok && options == nil { // nil: it is set up later
		return 0
	}
	return checkKeys(codecs, name)
}

// field returns the exported field of a struct, or of the struct behind a pointer, or nil.
func field(value reflect.Value, name string) any {
	value = reflect.Indirect(value)
	if value.Kind() != reflect.Struct {
		return nil
	}
	known, _ := value.Type().FieldByName(name)
	f, err := value.FieldByIndexErr(known.Index) // an error if an embedded pointer is nil
	if known.Index == nil || err != nil || !f.CanInterface() {
		return nil
	}
	return f.Interface()
}

// checkKeys returns the problem of a store's keys, each a securecookie.Codec. One that works is enough.
func checkKeys(codecs reflect.Value, name string) (problem Problem) {
	if codecs.Len() == 0 {
		return NoKey
	}
	for i := range codecs.Len() {
		codec, ok := codecs.Index(i).Interface().(interface {
			Decode(name, value string, into any) error
		})
		if !ok {
			return 0
		}
		err := codec.Decode(name, "x", new(string))
		var cookie interface{ IsUsage() bool }
		switch {
		case !errors.As(err, &cookie) || !cookie.IsUsage(): // a key that works reports that it cannot decode x
			return 0
		case strings.Contains(err.Error(), "invalid key size"):
			problem = KeyLength
		default:
			problem = cmp.Or(problem, EmptyKey)
		}
	}
	return problem
}

// Absent means that a request has no session. It is about what the browser sent, and not a failure of
// the store.
type Absent struct {
	Hint string // what is probably wrong if the visitor has just signed in
	text string
}

func (e *Absent) Error() string { return e.text }

// Get returns the session of a request. If there is none, the error is an [*Absent].
func Get(r *http.Request, store sessions.Store, name string) (*sessions.Session, error) {
	session, err := store.Get(r, name)
	var file *fs.PathError
	switch {
	case err != nil && lacksType(err):
		return nil, fmt.Errorf("%s; register the type with gob.Register when the app starts", words(err))
	case err != nil && isUnreadable(err):
		return nil, unreadable(words(err), r.CookiesNamed(name))
	case errors.As(err, &file): // its path contains the session's ID
		return nil, fmt.Errorf("a session's file in %s: %w", filepath.Dir(file.Path), file.Err)
	case err != nil:
		return nil, err
	case session != nil && !session.IsNew:
		return session, nil
	}
	if _, err := r.Cookie(name); err != nil {
		return nil, &Absent{
			text: fmt.Sprintf("the request has no cookie named %s", name),
			Hint: "the sign-in has not set it, or its Secure, Domain, Path, or SameSite keeps the browser from sending it",
		}
	}
	return nil, &Absent{
		text: fmt.Sprintf("the store has no session for the cookie named %s", name),
		Hint: "the session has expired or was deleted, or the sign-in uses another store",
	}
}

// unreadable returns the error for a session that the store cannot read. words is the store's error.
func unreadable(words string, cookies []*http.Cookie) *Absent {
	hint := "the sign-in may use another key, store, or session name"
	if strings.Contains(words, "expired timestamp") {
		hint = "the store's MaxAge method sets how old a cookie may be"
	}
	if len(cookies) > 1 {
		hint = fmt.Sprintf("the browser sends %d cookies of this name, for different paths or domains, and only the first is read", len(cookies))
	}
	return &Absent{text: "the session cannot be read: " + words, Hint: hint}
}

// NoUser returns the error for a session in which the app finds no user.
func NoUser(name string) *Absent {
	return &Absent{
		text: fmt.Sprintf("load found no user in the session named %s", name),
		Hint: "the sign-in may save the user under another key, or with another type",
	}
}

// lacksType reports whether a session cannot be decoded because the app has not registered the type of
// one of its values with gob.
func lacksType(err error) bool {
	return strings.Contains(words(err), "gob: name not registered for interface")
}

// isUnreadable reports whether an error of a store is about what the browser sent: a cookie that
// securecookie does not accept, or a session file that is gone while its folder is there.
func isUnreadable(err error) bool {
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

// words returns the text of a store's error. If it has one error for each key, words returns them all.
func words(err error) string {
	if file := (*fs.PathError)(nil); errors.As(err, &file) { // its path contains the session's ID
		return "the session's file: " + file.Err.Error()
	}
	list := reflect.ValueOf(err)
	if list.Kind() != reflect.Slice { // securecookie's MultiError is one
		return err.Error()
	}
	var texts []string
	for i := range list.Len() {
		if text := fmt.Sprint(list.Index(i)); !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "; ")
}

// IsNotFound reports whether an app's error says that a cookie, or a user in a database, was not found.
func IsNotFound(err error) bool {
	return errors.Is(err, http.ErrNoCookie) || errors.Is(err, sql.ErrNoRows)
}
