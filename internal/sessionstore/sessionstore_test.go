package sessionstore_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
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

func TestUsable(t *testing.T) {
	later := &sessions.CookieStore{Codecs: sessions.NewCookieStore(key).Codecs} // its options are still to come
	for _, tt := range []struct {
		about string
		store sessions.Store
		name  string
		want  bool
	}{
		{"a cookie store", sessions.NewCookieStore(key), "app", true},
		{"a cookie store that encrypts", sessions.NewCookieStore(key, key), "app", true},
		{"a cookie store with an older key that is not set", sessions.NewCookieStore(key, nil, []byte(""), nil), "app", true},
		{"a cookie store with a newer key that is not set", sessions.NewCookieStore([]byte(""), nil, key, nil), "app", true},
		{"a cookie store that is set up later", later, "app", true},
		{"a file store", sessions.NewFilesystemStore("", key), "app", true},
		{"another store, which is not asked", down{}, "app", true},
		{"a nil store", nil, "app", false},
		{"a typed nil store", (*sessions.CookieStore)(nil), "app", false},
		{"an empty name", sessions.NewCookieStore(key), "", false},
		{"a name that no cookie can have", sessions.NewCookieStore(key), "my app", false},
		{"a cookie store whose key is empty", sessions.NewCookieStore([]byte(os.Getenv("NOT_SET"))), "app", false},
		{"a cookie store without keys", sessions.NewCookieStore(), "app", false},
		{"a cookie store with a short second key", sessions.NewCookieStore(key, key[:20]), "app", false},
		{"a file store whose key is empty", sessions.NewFilesystemStore("", nil), "app", false},
	} {
		if got := sessionstore.Usable(tt.store, tt.name); got != tt.want {
			t.Errorf("%s is usable: %v, want %v", tt.about, got, tt.want)
		}
	}
}

// saved returns the cookie of a session that the store has saved.
func saved(t *testing.T, store sessions.Store) *http.Cookie {
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

// get returns the error of a store for the session in a cookie.
func get(store sessions.Store, cookie *http.Cookie) error {
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(cookie)
	_, err := store.Get(r, "app")
	return err
}

func TestWhatTheBrowserSentIsUnreadable(t *testing.T) {
	store := sessions.NewCookieStore(key, key)
	cookie := saved(t, store)
	changed := func(value string) *http.Cookie { return &http.Cookie{Name: "app", Value: value} }
	expired := sessions.NewCookieStore(key, key)
	expired.MaxAge(-1) // any cookie is older than that
	for _, tt := range []struct {
		about  string
		store  sessions.Store
		cookie *http.Cookie
	}{
		{"a session under a key that is no longer known", sessions.NewCookieStore(newKey, key), cookie},
		{"a session encrypted with a rotated key", sessions.NewCookieStore(key, newKey), cookie},
		{"a session that has expired", expired, cookie},
		{"a cookie that was tampered with", store, changed(cookie.Value[:20] + "A" + cookie.Value[21:])},
		{"a cookie that is not base64", store, changed("%%%")},
		{"a cookie that is too long", store, changed(strings.Repeat("A", 5000))},
		{"an empty cookie", store, changed("")},
	} {
		if err := get(tt.store, tt.cookie); err == nil || !sessionstore.IsUnreadable(err) {
			t.Errorf("%s: %v", tt.about, err)
		}
	}
}

func TestWhatIsWrongWithTheStoreIsNotUnreadable(t *testing.T) {
	cookie := saved(t, sessions.NewCookieStore(key))
	for about, store := range map[string]sessions.Store{
		"a store that has lost its keys": sessions.NewCookieStore(),
		"a store that is down":           down{},
	} {
		if err := get(store, cookie); err == nil || sessionstore.IsUnreadable(err) {
			t.Errorf("%s: %v", about, err)
		}
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
	if err := get(store, kept); err != nil {
		t.Errorf("a session in a file: %v", err)
	}
	if err := get(store, gone); err == nil || !sessionstore.IsUnreadable(err) {
		t.Errorf("a session whose file is gone: %v", err)
	}
	if err := get(store, folder); err == nil || sessionstore.IsUnreadable(err) {
		t.Errorf("a session whose file cannot be read: %v", err)
	}
	if err := get(elsewhere, kept); err == nil || sessionstore.IsUnreadable(err) {
		t.Errorf("a folder that is gone: %v", err)
	}
}
