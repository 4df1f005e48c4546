package sessionstore_test

import (
	"bytes"
	"database/sql"
	"encoding/gob"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/docslogin/docslogin/internal/sessionstore"
)

var (
	key    = []byte("0123456789abcdef0123456789abcdef")
	newKey = []byte("the key that is in use now, too.")
)

// down is a store that cannot be reached.
type down struct{ sessions.Store }

var errDown = errors.New("the session store is down")

func (down) Get(*http.Request, string) (*sessions.Session, error) { return nil, errDown }

// foreign is a store with its keys in the field that gorilla's stores have.
type foreign struct {
	sessions.Store
	Codecs any
}

// wrapper is a store around one of gorilla's.
type wrapper struct{ *sessions.CookieStore }

// storeFunc is a store that is not a struct.
type storeFunc func() error

func (storeFunc) Get(*http.Request, string) (*sessions.Session, error)             { return nil, errDown }
func (storeFunc) New(*http.Request, string) (*sessions.Session, error)             { return nil, errDown }
func (storeFunc) Save(*http.Request, http.ResponseWriter, *sessions.Session) error { return errDown }

func TestCheck(t *testing.T) {
	const (
		nilStore = "SessionLookup has a nil store"
		badName  = "SessionLookup has a session name that no cookie can have"
		noKey    = "the session store has no key"
		emptyKey = "the session store's key is empty"
		length   = "the session store's encryption key, which is the second of a pair, must be 16, 24, or 32 bytes long"
	)
	later := &sessions.CookieStore{Codecs: sessions.NewCookieStore(key).Codecs} // its options are still to come
	for _, tt := range []struct {
		about string
		store sessions.Store
		name  string
		want  string
	}{
		{"a cookie store", sessions.NewCookieStore(key), "app", ""},
		{"a cookie store that encrypts", sessions.NewCookieStore(key, key), "app", ""},
		{"a cookie store with an older key that is not set", sessions.NewCookieStore(key, nil, []byte(""), nil), "app", ""},
		{"a cookie store with a newer key that is not set", sessions.NewCookieStore([]byte(""), nil, key, nil), "app", ""},
		{"a cookie store that is set up later", later, "app", ""},
		{"a cookie store whose keys are also set up later", &sessions.CookieStore{}, "app", ""},
		{"a file store", sessions.NewFilesystemStore("", key), "app", ""},
		{"another store, which is not asked", down{}, "app", ""},
		{"another store with keys in the same field", &foreign{Codecs: sessions.NewCookieStore(key).Codecs}, "app", ""},
		{"another store whose key is empty", &foreign{Codecs: sessions.NewCookieStore(nil).Codecs}, "app", emptyKey},
		{"another store around one whose key is empty", wrapper{sessions.NewCookieStore(nil)}, "app", emptyKey},
		{"another store around nothing", wrapper{}, "app", ""},
		{"another store with codecs of its own", &foreign{Codecs: []string{"x"}}, "app", ""},
		{"a store that is a func", storeFunc(nil), "app", ""},
		{"a nil store", nil, "app", nilStore},
		{"a typed nil store", (*sessions.CookieStore)(nil), "app", nilStore},
		{"an empty name", sessions.NewCookieStore(key), "", badName},
		{"a name that no cookie can have", sessions.NewCookieStore(key), "my app", badName},
		{"a cookie store whose key is empty", sessions.NewCookieStore([]byte(os.Getenv("NOT_SET"))), "app", emptyKey},
		{"a cookie store without keys", sessions.NewCookieStore(), "app", noKey},
		{"a cookie store with a short second key", sessions.NewCookieStore(key, key[:20]), "app", length},
		{"a cookie store with a short second key, and an older key that is empty", sessions.NewCookieStore(key, key[:20], nil, nil), "app", length},
		{"a cookie store with an empty key, and an older short second key", sessions.NewCookieStore(nil, nil, key, key[:20]), "app", length},
		{"a file store whose key is empty", sessions.NewFilesystemStore("", nil), "app", emptyKey},
		{"a cookie store with two keys that are empty", sessions.NewCookieStore(nil, nil, []byte(""), nil), "app", emptyKey},
	} {
		got := ""
		if problem := sessionstore.Check(tt.store, tt.name); problem != 0 {
			got = problem.Error()
		}
		if (got == "") != (tt.want == "") || !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.about, got, tt.want)
		}
	}
}

// saved returns the cookie of a session that the store has saved.
func saved(t testing.TB, store sessions.Store) *http.Cookie {
	t.Helper()
	r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
	session, err := store.Get(r, "app")
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Save(r, w); err != nil {
		t.Fatal(err)
	}
	return w.Result().Cookies()[0]
}

// get returns the error for the session in a cookie, and whether it means that there is no session.
func get(store sessions.Store, cookie *http.Cookie) (err error, isAbsent bool) {
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(cookie)
	_, err = sessionstore.Get(r, store, "app")
	return err, errors.As(err, new(*sessionstore.Absent))
}

func TestWhyThereIsNoSession(t *testing.T) {
	store := sessions.NewCookieStore(key, key)
	cookie := saved(t, store)
	changed := func(value string) *http.Cookie { return &http.Cookie{Name: "app", Value: value} }
	expired := sessions.NewCookieStore(key, key)
	expired.MaxAge(-1) // any cookie is older than that
	const cannot = "the session cannot be read: securecookie: "
	for _, tt := range []struct {
		about  string
		store  sessions.Store
		cookie *http.Cookie
		want   string
	}{
		{"no cookie", store, &http.Cookie{Name: "other", Value: "x"}, `the request has no cookie named app`},
		{"a store that has nothing", empty{}, cookie, `the store has no session for the cookie named app`},
		{"a store that returns nothing", none{}, cookie, `the store has no session for the cookie named app`},
		{"a session under a key that is no longer known", sessions.NewCookieStore(newKey, key), cookie, cannot + "the value is not valid"},
		{"a session under neither of two keys", sessions.NewCookieStore(newKey, nil, newKey, key), cookie, cannot + "the value is not valid"},
		{"a session encrypted with a rotated key", sessions.NewCookieStore(key, newKey), cookie, cannot + "error - caused by: "},
		{"a session that has expired", expired, cookie, cannot + "expired timestamp"},
		{"a session that has expired, after a rotation", rotated(expired), cookie, cannot + "the value is not valid; securecookie: expired timestamp"},
		{"a cookie that was tampered with", store, changed(cookie.Value[:20] + "A" + cookie.Value[21:]), cannot + "the value is not valid"},
		{"a cookie that is not base64", store, changed("%%%"), cannot + "base64 decode failed"},
		{"a cookie that is too long", store, changed(strings.Repeat("A", 5000)), cannot + "the value is too long: 5000"},
		{"an empty cookie", store, changed(""), cannot + "the value is not valid"},
	} {
		err, isAbsent := get(tt.store, tt.cookie)
		if !isAbsent || !strings.HasPrefix(err.Error(), tt.want) || strings.Count(err.Error(), "the value is not valid") > 1 || strings.Contains(err.Error(), cookie.Value) {
			t.Errorf("%s: got %v, want %s", tt.about, err, tt.want)
		}
	}
}

// empty is a store that does not know the session, as after a logout elsewhere.
type empty struct{ sessions.Store }

func (s empty) Get(*http.Request, string) (*sessions.Session, error) {
	session := sessions.NewSession(s, "app")
	session.IsNew = true
	return session, nil
}

// none is a store that returns neither a session nor an error.
type none struct{ sessions.Store }

func (none) Get(*http.Request, string) (*sessions.Session, error) { return nil, nil }

// rotated returns a store with a new key in front of the keys of another store.
func rotated(old *sessions.CookieStore) *sessions.CookieStore {
	store := sessions.NewCookieStore(newKey)
	store.Codecs = append(store.Codecs, old.Codecs...)
	return store
}

func TestWhatIsWrongWithTheStore(t *testing.T) {
	cookie := saved(t, sessions.NewCookieStore(key))
	for about, store := range map[string]sessions.Store{
		"a store that has lost its keys": sessions.NewCookieStore(),
		"a store that is down":           down{},
	} {
		if err, isAbsent := get(store, cookie); err == nil || isAbsent {
			t.Errorf("%s: %v", about, err)
		}
	}
}

// plan is the type of a value in a session.
type plan struct{ Name string }

// renamed encodes values as gob does, as if another program had registered plan under its own name.
type renamed struct{}

func (renamed) Serialize(values any) ([]byte, error) {
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(values)
	return bytes.ReplaceAll(b.Bytes(), []byte("this.Plan"), []byte("main.Plan")), err
}

func (renamed) Deserialize([]byte, any) error { return nil }

// An app that does not register a type in its sessions could not read any session.
func TestATypeThatGobDoesNotKnow(t *testing.T) {
	const want = `securecookie: error - caused by: securecookie: error - caused by: gob: name not registered for interface: "main.Plan"; register the type with gob.Register when the app starts`
	gob.RegisterName("this.Plan", plan{})
	store := sessions.NewCookieStore(key)
	reflect.ValueOf(store.Codecs[0]).MethodByName("SetSerializer").Call([]reflect.Value{reflect.ValueOf(renamed{})})
	value, err := store.Codecs[0].Encode("app", map[any]any{"plan": plan{"pro"}})
	if err != nil {
		t.Fatal(err)
	}
	cookie := &http.Cookie{Name: "app", Value: value}
	if err, isAbsent := get(sessions.NewCookieStore(key), cookie); err == nil || isAbsent || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if err, isAbsent := get(rotated(sessions.NewCookieStore(key)), cookie); err == nil || isAbsent || err.Error() != "securecookie: the value is not valid; "+want {
		t.Errorf("after a rotation: got %v", err)
	}
}

func TestSessionFiles(t *testing.T) {
	dir := t.TempDir()
	store := sessions.NewFilesystemStore(dir, key)
	file := func(cookie *http.Cookie) string {
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(cookie)
		session, _ := store.New(r, "app")
		return filepath.Join(dir, "session_"+session.ID)
	}
	kept, gone, folder := saved(t, store), saved(t, store), saved(t, store)
	if err := errors.Join(os.Remove(file(gone)), os.Remove(file(folder)), os.Mkdir(file(folder), 0o700)); err != nil {
		t.Fatal(err)
	}
	elsewhere := sessions.NewFilesystemStore(filepath.Join(dir, "unmounted"), key)
	if err, _ := get(store, kept); err != nil {
		t.Errorf("a session in a file: %v", err)
	}
	// The name of the file contains the session's ID.
	if err, isAbsent := get(store, gone); !isAbsent || err.Error() != "the session cannot be read: the session's file: no such file or directory" {
		t.Errorf("a session whose file is gone: %v", err)
	}
	if err, isAbsent := get(store, folder); err == nil || isAbsent || err.Error() != "a session's file in "+dir+": is a directory" {
		t.Errorf("a session whose file cannot be read: %v", err)
	}
	if err, isAbsent := get(elsewhere, kept); err == nil || isAbsent || !errors.Is(err, fs.ErrNotExist) || err.Error() != "a session's file in "+filepath.Join(dir, "unmounted")+": no such file or directory" {
		t.Errorf("a folder that is gone: %v", err)
	}
}

func TestIsNotFound(t *testing.T) {
	for _, err := range []error{http.ErrNoCookie, fmt.Errorf("loading user 7: %w", sql.ErrNoRows)} {
		if !sessionstore.IsNotFound(err) {
			t.Error(err)
		}
	}
	if sessionstore.IsNotFound(sql.ErrConnDone) {
		t.Error(sql.ErrConnDone)
	}
}
