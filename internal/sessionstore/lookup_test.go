package sessionstore_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
)

var readMe = platforms.ReadMe("https://docs.example.com", testkit.Secret)

// load is an app's func for a session.
func load(*http.Request, *sessions.Session) (*docslogin.User, error) {
	return &docslogin.User{Email: "ada@example.com"}, nil
}

func TestSessionLookup(t *testing.T) {
	store := sessions.NewCookieStore(key, key)
	cookie := saved(t, store)
	for _, tt := range []struct {
		name   string
		store  sessions.Store
		cookie *http.Cookie
		want   string // the error; "" for the user
		nobody bool
	}{
		{"a session", store, cookie, "", false},
		{"a session under an older key that is still known", sessions.NewCookieStore(newKey, nil, key, key), cookie, "", false},
		{"no session cookie", store, &http.Cookie{Name: "other", Value: "x"}, `docslogin: nobody is signed in: the request has no cookie named app`, true},
		{"a session under a key that is no longer known", sessions.NewCookieStore(newKey, key), cookie, "docslogin: nobody is signed in: the session cannot be read: securecookie: the value is not valid", true},
		{"a store that is down", down{}, cookie, "reading the session: the session store is down", false},
	} {
		r := httptest.NewRequest("GET", "/docs-login", nil)
		r.AddCookie(tt.cookie)
		user, err := docslogin.SessionLookup(tt.store, "app", load)(r)
		if tt.want == "" && (err != nil || user.Email != "ada@example.com") {
			t.Errorf("%s: got %+v, %v", tt.name, user, err)
		}
		if tt.want != "" && (user != nil || err == nil || err.Error() != tt.want || errors.Is(err, docslogin.ErrNoUser) != tt.nobody) {
			t.Errorf("%s: got %+v, %v", tt.name, user, err)
		}
	}
}

// What an app's own func says about a session is passed on, unless it says only that nobody is signed in.
func TestWhatLoadReturns(t *testing.T) {
	const noUser = "docslogin: nobody is signed in: load found no user in the session named app"
	store := sessions.NewCookieStore(key)
	r := httptest.NewRequest("GET", "/docs-login", nil)
	r.AddCookie(saved(t, store))
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"nothing", nil, noUser},
		{"nobody", docslogin.ErrNoUser, noUser},
		{"nobody, in the app's own words", fmt.Errorf("user 7 is gone: %w", docslogin.ErrNoUser), "user 7 is gone: docslogin: nobody is signed in"},
		{"a user who may not read the docs", docslogin.ErrForbidden, "docslogin: the user may not read these docs"},
	} {
		load := func(*http.Request, *sessions.Session) (*docslogin.User, error) { return nil, tt.err }
		if user, err := docslogin.SessionLookup(store, "app", load)(r); user != nil || fmt.Sprint(err) != tt.want || errors.Is(err, docslogin.ErrForbidden) != (tt.err == docslogin.ErrForbidden) {
			t.Errorf("%s: got %+v, %v", tt.name, user, err)
		}
	}
}

func TestALoopBetweenTheSignInPageAndASessionWithoutAUser(t *testing.T) {
	const want = "docslogin: nobody is signed in: load found no user in the session named app; the sign-in may save the user under another key, or with another type"
	var e docslogin.Event
	store := sessions.NewCookieStore(key)
	nobody := func(*http.Request, *sessions.Session) (*docslogin.User, error) { return nil, nil }
	m := testkit.New(t, docslogin.SessionLookup(store, "app", nobody), readMe, docslogin.WithSignInPage("/sign-in", "next"), testkit.Observe(&e))
	testkit.Get(t, m, "/docs-login?docslogin_sent=1700000000", "Cookie: "+saved(t, store).String())
	if e.Outcome != "loop" || fmt.Sprint(e.Err) != want {
		t.Errorf("%s: %v", e.Outcome, e.Err)
	}
}

// A store may be set up after the lookup is made.
func TestSessionLookupOfAStoreThatIsSetUpLater(t *testing.T) {
	ready := sessions.NewCookieStore(key)
	store := &sessions.CookieStore{Codecs: ready.Codecs}
	lookup := docslogin.SessionLookup(store, "app", load)
	store.Options = ready.Options
	r := httptest.NewRequest("GET", "/docs-login", nil)
	r.AddCookie(saved(t, ready))
	if user, err := lookup(r); err != nil || user.Email != "ada@example.com" {
		t.Errorf("%+v, %v", user, err)
	}
}

// The route logs the cause of each visit without a session. What it shows and logs after the sign-in
// says what the cause means.
func TestTheLoopPageAndItsCause(t *testing.T) {
	const missing = "your browser does not keep this site’s cookies"
	store, expired := sessions.NewCookieStore(key), sessions.NewCookieStore(key)
	expired.MaxAge(-1)
	for _, tt := range []struct {
		name     string
		store    sessions.Store
		cookie   *http.Cookie
		page     string // in the page
		cause    string // in the log, also on the way to the sign-in page
		andLater string // in the log of a visitor who has just signed in
	}{
		{"no cookie", store, &http.Cookie{}, missing, `the request has no cookie named app`, "; the sign-in has not set it, or its Secure, Domain, Path, or SameSite keeps the browser from sending it"},
		{"a session that has expired", expired, saved(t, store), "this site does not accept your session", "the session cannot be read: securecookie: expired timestamp", "; the store's MaxAge method sets how old a cookie may be"},
		{"another cookie", store, &http.Cookie{Name: "other", Value: "x"}, "this site does not accept your session", "the request has no cookie named app", "; the sign-in has not set it, or its Secure, Domain, Path, or SameSite keeps the browser from sending it"},
		{"two cookies of the name", store, &http.Cookie{Name: "app", Value: saved(t, sessions.NewCookieStore(newKey)).Value + "; app=" + saved(t, store).Value}, "this site does not accept your session", "the session cannot be read: securecookie: the value is not valid", "; the browser sends 2 cookies of this name, for different paths or domains, and only the first is read"},
		{"another key", store, saved(t, sessions.NewCookieStore(newKey)), "this site does not accept your session", "the session cannot be read: securecookie: the value is not valid", "; the sign-in may use another key, store, or session name"},
		{"a session that is gone", empty{}, saved(t, store), "this site does not accept your session", `the store has no session for the cookie named app`, "; the session has expired or was deleted, or the sign-in uses another store"},
	} {
		var event docslogin.Event
		m := testkit.New(t, docslogin.SessionLookup(tt.store, "app", load), readMe, docslogin.WithSignInPage("/sign-in", "next"), testkit.AtNoon, testkit.Observe(&event))
		cookie := []string{"Cookie: " + tt.cookie.Name + "=" + tt.cookie.Value}
		if tt.cookie.Name == "" {
			cookie = nil
		}
		const nobody = "docslogin: nobody is signed in: "
		testkit.Get(t, m, "/docs-login", cookie...)
		if got := event.Err.Error(); event.Outcome != "sign_in" || got != nobody+tt.cause {
			t.Errorf("%s: %s: %s", tt.name, event.Outcome, got)
		}
		page := testkit.Body(t, testkit.Get(t, m, "/docs-login?docslogin_sent=1700000000", cookie...))
		if got := event.Err.Error(); event.Outcome != "loop" || got != nobody+tt.cause+tt.andLater || !strings.Contains(page, tt.page) {
			t.Errorf("%s: %s: %s, and the page is %s", tt.name, event.Outcome, got, page)
		}
	}
}

// The page blames the session if the app knows the user, or if the browser sends any cookie. Otherwise
// it blames the browser.
func TestTheLoopPageOfALookupWithoutASessionStore(t *testing.T) {
	ended := testkit.Until(-time.Hour)
	for _, tt := range []struct {
		name    string
		user    *docslogin.User
		headers []string
		page    string
	}{
		{"a user whose session has ended, without a cookie", ended, nil, "this site does not accept your session"},
		{"nobody, with an unrelated cookie", nil, []string{"Cookie: theme=dark"}, "this site does not accept your session"},
		{"nobody, without a cookie", nil, nil, "your browser does not keep this site’s cookies"},
	} {
		m := testkit.New(t, testkit.As(tt.user), readMe, docslogin.WithSignInPage("/sign-in", "next"), testkit.AtNoon)
		page := testkit.Body(t, testkit.Get(t, m, "/docs-login?docslogin_sent=1700000000", tt.headers...))
		if !strings.Contains(page, tt.page) {
			t.Errorf("%s: the page is %s", tt.name, page)
		}
	}
}

// FuzzSessionCookie checks that no session cookie signs anybody in, other than the one that the
// store made.
func FuzzSessionCookie(f *testing.F) {
	store := sessions.NewCookieStore(key, key)
	store.MaxAge(0) // its cookies never expire
	const genuine = "MTc5NTI3NjA5NnxVcUdSUmZCODgwMFRReWx3aXpBOWozR2R3alhMaTJxYmhSM2VnOEtRYm52S3hVbzdKZVdZeW84Tm8zQ1dJRnlXbE1PX2ZNbDBqalFna3I3alZUWkY1Zz09fFjoYZozIOepbHLA_jdu16WOvsT_C1Pl55xWvuHnnvcL"
	same := func(value string) bool {
		want, _ := base64.URLEncoding.DecodeString(genuine)
		got, err := base64.URLEncoding.DecodeString(value) // not every bit of the last letter counts
		return err == nil && bytes.Equal(got, want)
	}
	m := testkit.New(f, docslogin.SessionLookup(store, "app", load), readMe, docslogin.WithSignInPage("/sign-in", "next"), testkit.Silent)
	for _, seed := range []string{
		"", genuine, genuine + "=", genuine[:len(genuine)-1], genuine + "; app=" + genuine, `"` + genuine + `"`, base64.URLEncoding.EncodeToString([]byte("1700000000|AAAA|mac")), "%%%", "\x7f", strings.Repeat("A", 4097),
		saved(f, sessions.NewCookieStore([]byte("another app's key"), key)).Value, saved(f, sessions.NewCookieStore(key, newKey)).Value,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r, w := httptest.NewRequest("GET", "/docs-login", nil), httptest.NewRecorder()
		r.Header.Set("Cookie", "app="+value)
		m.ServeHTTP(w, r)
		want := "/sign-in?next="
		if cookie, err := r.Cookie("app"); err == nil && same(cookie.Value) {
			want = "https://docs.example.com?auth_token=eyJ"
		}
		if location := w.Header().Get("Location"); w.Code != 302 || !strings.HasPrefix(location, want) {
			t.Errorf("%q: %d, %.60q", value, w.Code, location)
		}
	})
}
