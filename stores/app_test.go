package stores_test

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/stores"
)

func newDocs(t *testing.T) *docslogintest.Site {
	docs := docslogintest.NewReadMe()
	t.Cleanup(docs.Close)
	docs.URL = strings.Replace(docs.URL, "127.0.0.1", "docs.localhost", 1) // a host whose cookies are not the app's
	return docs
}

// app is one instance of an app with the login route.
type app struct {
	*httptest.Server
	store  *counted
	events chan docslogin.Event
}

// counted counts the sessions that are being read.
type counted struct {
	sessions.Store
	reading atomic.Int64
}

func (s *counted) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

func (s *counted) New(r *http.Request, name string) (*sessions.Session, error) {
	s.reading.Add(1)
	defer s.reading.Add(-1)
	return s.Store.New(r, name)
}

// setup has what differs between instances.
type setup struct {
	limit    time.Duration // of the store; 0: never
	deadline time.Duration // of each request; 0: none
	keys     [][]byte      // of the store; nil: key
}

const never = time.Hour // a timeout that no test waits for

var key, laterKey = []byte("0123456789abcdef0123456789abcdef"), []byte("fedcba9876543210fedcba9876543210")

// newApp starts an instance with its own store.
func newApp(t *testing.T, docs *docslogintest.Site, k kind, has setup) *app {
	t.Helper()
	if has.limit == 0 {
		has.limit = never
	}
	if has.keys == nil {
		has.keys = [][]byte{key}
	}
	a := &app{store: &counted{Store: k.open(t, has.limit, has.keys...)}, events: make(chan docslogin.Event, 1000)}
	var store sessions.Store = a.store
	if !k.heeds {
		store = stores.UntilDone{Store: store}
	}
	load := func(_ *http.Request, session *sessions.Session) (*docslogin.User, error) {
		name, _ := session.Values["name"].(string)
		if name == "" {
			return nil, errors.New("load is called for a session that does not exist")
		}
		return &docslogin.User{ID: name, Name: name, Email: name + "@example.com"}, nil
	}
	login, err := docslogin.New(docslogin.SessionLookup(store, "session", load), docs.Platform(),
		docslogin.WithSignInPage("/sign-in", "next"),
		docslogin.WithLogger(slog.New(slog.DiscardHandler)),
		docslogin.WithObserver(func(_ context.Context, e docslogin.Event) { a.events <- e }))
	if err != nil {
		t.Fatal(err)
	}
	handler := login.Wrap(newMux(store, login.ReturnURL))
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if has.deadline > 0 {
			ctx, cancel := context.WithTimeout(r.Context(), has.deadline)
			defer cancel()
			r = r.WithContext(ctx)
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(a.Close)
	docs.SetLoginURL(a.URL + "/docs-login")
	return a
}

var form = template.Must(template.New("form").Parse(
	`<title>Sign in</title><form method=post><input type=hidden name=next value="{{.}}"><input name=name></form>`))

// newMux serves the app's own pages.
func newMux(store sessions.Store, returnURL func(*http.Request) string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sign-in", func(w http.ResponseWriter, r *http.Request) {
		_ = form.Execute(w, returnURL(r))
	})
	mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) {
		name := r.PostFormValue("name")
		if name == "" {
			http.Error(w, "The name is missing, or the form is too large.", http.StatusBadRequest)
			return
		}
		session, _ := store.Get(r, "session")
		// A new session, not that of a planted cookie. To clear only the ID is not enough:
		// pgstore would update a row that does not exist.
		session.ID, session.IsNew = "", true
		session.Values = map[any]any{"name": name}
		if err := session.Save(r, w); err != nil {
			http.Error(w, "Please try again.", http.StatusInternalServerError)
			return
		}
		http.Redirect(w, r, returnURL(r), http.StatusSeeOther)
	})
	mux.HandleFunc("POST /sign-out", func(w http.ResponseWriter, r *http.Request) {
		session, err := store.Get(r, "session")
		session.Options.MaxAge = -1
		if err := errors.Join(err, session.Save(r, w)); err != nil {
			http.Error(w, "Please try again.", http.StatusInternalServerError)
		}
	})
	return http.NewCrossOriginProtection().Handler(http.MaxBytesHandler(mux, 1<<16))
}

// next returns the event of the next request on the route.
func (a *app) next(t *testing.T) docslogin.Event {
	t.Helper()
	select {
	case e := <-a.events:
		return e
	case <-time.After(patience):
		t.Fatal("no event")
		return docslogin.Event{}
	}
}

// newClient returns a visitor's browser with cookies of an app.
func newClient(t *testing.T, appURL string, cookies ...*http.Cookie) *http.Client {
	t.Helper()
	u, err := url.Parse(appURL)
	if err != nil {
		t.Fatal(err)
	}
	client := docslogintest.NewClient()
	client.Timeout = patience
	client.Jar.SetCookies(u, cookies)
	return client
}

func newRequest(t *testing.T, method, u string, form url.Values) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, u, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Close = true // so that no connection is left open
	return req
}

// answer is a response with its body.
type answer struct {
	*http.Response
	body string
}

func do(t *testing.T, client *http.Client, req *http.Request) answer {
	t.Helper()
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp, string(body)}
}

// send sends one request and does not follow redirects.
func send(t *testing.T, req *http.Request, cookies ...*http.Cookie) answer {
	t.Helper()
	for _, cookie := range cookies {
		req.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
	}
	client := newClient(t, req.URL.String())
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return do(t, client, req)
}

// signIn signs a visitor in at an app and returns the session's cookie.
func signIn(t *testing.T, appURL, name string, cookies ...*http.Cookie) *http.Cookie {
	t.Helper()
	got := send(t, newRequest(t, http.MethodPost, appURL+"/sign-in", url.Values{"name": {name}, "next": {"/"}}), cookies...)
	if set := got.Cookies(); got.StatusCode == http.StatusSeeOther && len(set) == 1 {
		return set[0]
	}
	t.Fatalf("signing in: status %d, %q", got.StatusCode, got.body)
	return nil
}

// outcome is the response and the event of one request on the route.
type outcome struct {
	answer
	docslogin.Event
}

// open opens the route as a link in the docs does.
func (a *app) open(t *testing.T, cookies ...*http.Cookie) outcome {
	t.Helper()
	got := send(t, newRequest(t, http.MethodGet, a.URL+"/docs-login?redirect=/quickstart", nil), cookies...)
	return outcome{got, a.next(t)}
}

// toDocs returns an error unless name is sent to the docs with a token.
func (o outcome) toDocs(name string) error {
	to := o.Header.Get("Location")
	if o.StatusCode != http.StatusFound || !strings.HasPrefix(to, "http://docs.localhost:") || !strings.Contains(to, "auth_token=eyJ") ||
		o.Outcome != "logged_in" || o.UserID != name {
		return fmt.Errorf("%s of %q (%v), status %d to %q", o.Outcome, o.UserID, o.Err, o.StatusCode, to)
	}
	return nil
}

// toSignIn returns an error unless the visitor is sent to the sign-in page.
func (o outcome) toSignIn() error {
	to := o.Header.Get("Location")
	if o.StatusCode != http.StatusFound || !strings.HasPrefix(to, "/sign-in?next=") || strings.Contains(to, "eyJ") ||
		o.Outcome != "sign_in" || o.UserID != "" {
		return fmt.Errorf("%s of %q (%v), status %d to %q", o.Outcome, o.UserID, o.Err, o.StatusCode, to)
	}
	return nil
}

// toErrorPage returns an error unless the visitor gets the page for a store that fails, without a
// token or a redirect.
func (o outcome) toErrorPage() error {
	to := o.Header.Get("Location")
	if o.StatusCode != http.StatusInternalServerError || !strings.Contains(o.body, "Something went wrong") || strings.Contains(o.body, "eyJ") || to != "" ||
		o.Outcome != "lookup_failed" || o.UserID != "" || o.Err == nil {
		return fmt.Errorf("%s of %q (%v), status %d to %q", o.Outcome, o.UserID, o.Err, o.StatusCode, to)
	}
	return nil
}

// logsIn logs a visitor in at the docs and checks that the token is about nobody else.
func logsIn(t *testing.T, docs *docslogintest.Site, appURL, name string, cookie *http.Cookie) {
	t.Helper()
	client := newClient(t, appURL, cookie)
	defer client.CloseIdleConnections()
	got, err := docs.Login(client, "/quickstart")
	if err != nil {
		t.Errorf("%s: %v", name, err)
	} else if got.Claims["name"] != name || got.Claims["email"] != name+"@example.com" || got.Page != "/quickstart" {
		t.Errorf("%s is sent to %s as %v, %v", name, got.Page, got.Claims["name"], got.Claims["email"])
	}
}
