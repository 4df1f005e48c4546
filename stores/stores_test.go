package stores_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/stores"
)

var nextField = regexp.MustCompile(`name=next value="([^"]*)"`)

// wholeLogin opens a page of the docs in a new browser and signs in on the way. It checks that this
// ends on the page, with the visitor's name.
func wholeLogin(t *testing.T, docs *docslogintest.Site, appURL, name string) {
	t.Helper()
	client := newClient(t, appURL)
	defer client.CloseIdleConnections()
	asked := do(t, client, newRequest(t, http.MethodGet, docs.URL+"/quickstart?lang=go", nil))
	next := nextField.FindStringSubmatch(asked.body)
	if asked.Request.URL.Path != "/sign-in" || next == nil {
		t.Fatalf("without a session, the visitor ends at %s: %s", asked.Request.URL.Path, asked.body)
	}
	filled := url.Values{"name": {name}, "next": {html.UnescapeString(next[1])}}
	got := do(t, client, newRequest(t, http.MethodPost, asked.Request.URL.String(), filled))
	if got.Request.URL.Path != "/quickstart" || got.Request.URL.Query().Get("lang") != "go" || !strings.Contains(got.body, name) {
		t.Errorf("the visitor ends at %s: %s", got.Request.URL.Path, got.body)
	}
	if logins := docs.Logins(); len(logins) != 1 || logins[0].Claims["email"] != name+"@example.com" {
		t.Errorf("the docs accepted %v and rejected %v", logins, docs.Rejections())
	}
}

func TestWholeLogin(t *testing.T) {
	forEachStore(t, func(t *testing.T, k kind) {
		docs := newDocs(t)
		a := newApp(t, docs, k, setup{})
		wholeLogin(t, docs, a.URL, "Ada")
		const noCookie = "docslogin: nobody is signed in: the request has no cookie named session"
		if e := a.next(t); e.Outcome != "sign_in" || fmt.Sprint(e.Err) != noCookie {
			t.Errorf("%s with the error %v, not sign_in", e.Outcome, e.Err)
		}
		if e := a.next(t); e.Outcome != "logged_in" || e.Err != nil {
			t.Errorf("%s with the error %v, not logged_in", e.Outcome, e.Err)
		}
	})
}

// The app works again when the server does.
func TestServerCrashes(t *testing.T) {
	forEachStore(t, func(t *testing.T, k kind) {
		docs := newDocs(t)
		a := newApp(t, docs, k, setup{})
		ada := signIn(t, a.URL, "Ada")
		if err := a.open(t, ada).toDocs("Ada"); err != nil {
			t.Errorf("before: %v", err)
		}

		k.server().kill()
		for range 3 {
			if err := a.open(t, ada).toErrorPage(); err != nil {
				t.Errorf("meanwhile: %v", err)
			}
		}
		if err := k.server().start(); err != nil {
			t.Fatal(err)
		}

		if err := waitFor(func() error { // a pool may try an old connection first
			if k.durable {
				return a.open(t, ada).toDocs("Ada")
			}
			return a.open(t, ada).toSignIn()
		}); err != nil {
			t.Errorf("after: %v", err)
		}
		logsIn(t, docs, a.URL, "Ben", signIn(t, a.URL, "Ben"))
	})
}

// Neither a visitor nor a goroutine waits for a server that hangs.
func TestServerHangs(t *testing.T) {
	forEachStore(t, func(t *testing.T, k kind) {
		const soon = 700 * time.Millisecond
		docs := newDocs(t)
		storeGivesUp, requestGivesUp := newApp(t, docs, k, setup{limit: soon}), newApp(t, docs, k, setup{deadline: soon})
		ada, ben := signIn(t, storeGivesUp.URL, "Ada"), signIn(t, storeGivesUp.URL, "Ben")

		k.server().pause()
		defer k.server().resume()
		if err := requestGivesUp.open(t, ada).toErrorPage(); err != nil {
			t.Errorf("with a deadline: %v", err)
		}
		if err := storeGivesUp.open(t, ada).toErrorPage(); err != nil {
			t.Errorf("without one: %v", err)
		}
		hangUp(t, storeGivesUp, ben)
		if e := storeGivesUp.next(t); e.Outcome != "canceled" {
			t.Errorf("a visitor has hung up: %s (%v)", e.Outcome, e.Err)
		}
		if err := waitFor(func() error {
			if n := storeGivesUp.store.reading.Load(); n > 0 {
				return fmt.Errorf("%d goroutines wait for the server", n)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}

		// A late answer of the server is not used for somebody else.
		k.server().resume()
		if err := waitFor(func() error { // the server answers old requests first
			return storeGivesUp.open(t, ada).toDocs("Ada")
		}); err != nil {
			t.Errorf("after: %v", err)
		}
		for range 3 {
			logsIn(t, docs, storeGivesUp.URL, "Ben", ben)
			logsIn(t, docs, storeGivesUp.URL, "Ada", ada)
		}
	})
}

// hangUp opens the route, and hangs up while the session is being read.
func hangUp(t *testing.T, a *app, cookie *http.Cookie) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req := newRequest(t, http.MethodGet, a.URL+"/docs-login", nil).WithContext(ctx)
	client, ended := newClient(t, a.URL, cookie), make(chan error, 1)
	go func() {
		_, err := client.Do(req)
		ended <- err
	}()
	if err := waitFor(func() error {
		if a.store.reading.Load() == 0 {
			return errors.New("no session is being read")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("hanging up: %v", err)
	}
}

// TestContext checks which stores need UntilDone. If it fails for a new version of a store, correct
// README.md.
func TestContext(t *testing.T) {
	forEachStore(t, func(t *testing.T, k kind) {
		a := newApp(t, newDocs(t), k, setup{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
		r.AddCookie(signIn(t, a.URL, "Ada"))
		session, err := a.store.New(r, "session")
		if heeds := errors.Is(err, context.Canceled); heeds != k.heeds || !heeds && (err != nil || session.IsNew) {
			t.Errorf("for a request that has ended, the error is %v", err)
		}
	})
}

// held is a store that waits for release before it reads a session. Then it closes done.
type held struct {
	sessions.Store
	release, done chan struct{}
}

func (s held) New(r *http.Request, name string) (*sessions.Session, error) {
	defer close(s.done)
	<-s.release
	_, err := sessions.GetRegistry(r).Get(s.Store, "another")
	return sessions.NewSession(s, name), err
}

// A read that continues after its request has ended does not touch the handler's request.
func TestARequestThatEnds(t *testing.T) {
	store := held{sessions.NewCookieStore(key), make(chan struct{}), make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	session, err := stores.UntilDone{Store: store}.New(r, "session")
	if !errors.Is(err, context.Canceled) || session == nil || !session.IsNew || session.Options == nil || len(session.Values) > 0 {
		t.Errorf("session %+v, error %v", session, err)
	}
	close(store.release)
	<-store.done
	if r.Context() != ctx {
		t.Error("the store has written to the request")
	}
}

func TestSessionEnds(t *testing.T) {
	for _, row := range []struct {
		name string
		end  func(t *testing.T, k kind, a *app, session *http.Cookie) error
	}{
		{"an operator removes it", func(t *testing.T, k kind, a *app, session *http.Cookie) error {
			return k.remove(k.id(session))
		}},
		{"the user signs out in another browser window", func(t *testing.T, k kind, a *app, session *http.Cookie) error {
			if got := send(t, newRequest(t, http.MethodPost, a.URL+"/sign-out", nil), session); got.StatusCode != http.StatusOK {
				return fmt.Errorf("status %d", got.StatusCode)
			}
			return nil
		}},
		{"it expires", func(t *testing.T, k kind, a *app, session *http.Cookie) error {
			if err := k.expire(k.id(session)); err != nil {
				return err
			}
			if k.sweep != nil {
				if err := a.open(t, session).toDocs("Ada"); err != nil {
					return fmt.Errorf("before the sweep: %w", err)
				}
				if err := k.sweep(); err != nil {
					return err
				}
			}
			return waitFor(func() error { return k.gone(k.id(session)) })
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			forEachStore(t, func(t *testing.T, k kind) {
				a := newApp(t, newDocs(t), k, setup{})
				ada, ben := signIn(t, a.URL, "Ada"), signIn(t, a.URL, "Ben")
				if err := a.open(t, ada).toDocs("Ada"); err != nil {
					t.Errorf("the first click: %v", err)
				}
				if err := row.end(t, k, a, ada); err != nil {
					t.Fatalf("ending the session: %v", err)
				}
				if err := a.open(t, ada).toSignIn(); err != nil {
					t.Errorf("the second click: %v", err)
				}
				if err := a.open(t, ben).toDocs("Ben"); err != nil {
					t.Errorf("somebody else: %v", err)
				}
			})
		})
	}
}

// A visitor whose cookie has no session is signed out, and can sign in.
func TestCookies(t *testing.T) {
	for _, row := range []struct {
		name  string
		value func(valid string) string
	}{
		{"altered", func(valid string) string {
			other := map[bool]string{true: "B", false: "A"}[valid[9] == 'A']
			return valid[:9] + other + valid[10:]
		}},
		{"cut", func(valid string) string { return valid[:len(valid)/2] }},
		{"empty", func(string) string { return "" }},
		{"nonsense", func(string) string { return "../../%00'--" }},
		{"null", func(string) string { return "null" }},
		{"a token", func(string) string { return "eyJhbGciOiJub25lIn0.e30." }},
		{"the valid one twice", func(valid string) string { return valid + "." + valid }},
		{"too long", func(valid string) string { return strings.Repeat(valid, 5000/len(valid)+1) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			forEachStore(t, func(t *testing.T, k kind) {
				docs := newDocs(t)
				a := newApp(t, docs, k, setup{})
				session := signIn(t, a.URL, "Ada")
				bad := &http.Cookie{Name: session.Name, Value: row.value(session.Value)}
				if err := a.open(t, bad).toSignIn(); err != nil {
					t.Error(err)
				}
				logsIn(t, docs, a.URL, "Ada", signIn(t, a.URL, "Ada", bad))
			})
		})
	}
}

func TestRotatedKeys(t *testing.T) {
	forEachStore(t, func(t *testing.T, k kind) {
		if !k.signed {
			return // the store has no key
		}
		docs := newDocs(t)
		ada := signIn(t, newApp(t, docs, k, setup{}).URL, "Ada")
		rotating := newApp(t, docs, k, setup{keys: [][]byte{laterKey, nil, key, nil}})
		if err := rotating.open(t, ada).toDocs("Ada"); err != nil {
			t.Errorf("with the new key and the old one: %v", err)
		}
		rotated := newApp(t, docs, k, setup{keys: [][]byte{laterKey}})
		if err := rotated.open(t, ada).toSignIn(); err != nil {
			t.Errorf("with only the new key: %v", err)
		}
		logsIn(t, docs, rotated.URL, "Ada", signIn(t, rotated.URL, "Ada", ada))
	})
}

// An attacker who plants a cookie in a visitor's browser does not share the session that the
// visitor begins. redisstore would accept the cookie's value as the new session's ID.
func TestPlantedCookie(t *testing.T) {
	forEachStore(t, func(t *testing.T, k kind) {
		a := newApp(t, newDocs(t), k, setup{})
		madeUp := &http.Cookie{Name: "session", Value: "PLANTED"}
		signIn(t, a.URL, "Ada", madeUp)
		if err := a.open(t, madeUp).toSignIn(); err != nil {
			t.Errorf("a cookie that is made up: %v", err)
		}
		ofMallory := signIn(t, a.URL, "Mallory")
		ada := signIn(t, a.URL, "Ada", ofMallory)
		if err := a.open(t, ofMallory).toDocs("Mallory"); err != nil {
			t.Errorf("the cookie of somebody else: %v", err)
		}
		if err := a.open(t, ada).toDocs("Ada"); err != nil {
			t.Errorf("the visitor's own: %v", err)
		}
	})
}

// Two instances are behind a balancer that never sends two requests in a row to the same one.
func TestTwoInstances(t *testing.T) {
	forEachStore(t, func(t *testing.T, k kind) {
		docs := newDocs(t)
		instances := []*app{newApp(t, docs, k, setup{}), newApp(t, docs, k, setup{})}
		balancer := newBalancer(t, instances)
		docs.SetLoginURL(balancer.URL + "/docs-login")

		// The requests are: the route, the form, its POST, the route again.
		wholeLogin(t, docs, balancer.URL, "Ada")
		for i, want := range []docslogin.Outcome{"sign_in", "logged_in"} {
			if e := instances[i].next(t); e.Outcome != want {
				t.Errorf("instance %d: %s, not %s", i, e.Outcome, want)
			}
		}

		const visitors, logins = 8, 4
		var crowd sync.WaitGroup
		for i := range visitors {
			crowd.Go(func() {
				name := fmt.Sprintf("Visitor%d", i)
				session := signIn(t, balancer.URL, name)
				for range logins {
					logsIn(t, docs, balancer.URL, name, session)
				}
			})
		}
		crowd.Wait()
		signed := map[*app]int{}
		for range visitors * logins {
			var e docslogin.Event
			var by *app
			select {
			case e = <-instances[0].events:
				by = instances[0]
			case e = <-instances[1].events:
				by = instances[1]
			case <-time.After(patience):
				t.Fatal("no event")
			}
			if e.Outcome != "logged_in" {
				t.Errorf("%s of %q (%v)", e.Outcome, e.UserID, e.Err)
			}
			signed[by]++
		}
		if signed[instances[0]] == 0 || signed[instances[1]] == 0 {
			t.Error("one instance has served all logins")
		}
	})
}

func newBalancer(t *testing.T, instances []*app) *httptest.Server {
	var requests atomic.Int64
	transport := &http.Transport{}
	balancer := httptest.NewServer(&httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			next := (requests.Add(1) - 1) % int64(len(instances))
			u, err := url.Parse(instances[next].URL)
			if err != nil {
				t.Error(err)
				return
			}
			r.SetURL(u)
			r.Out.Host = r.In.Host
		},
	})
	t.Cleanup(func() {
		balancer.Close()
		transport.CloseIdleConnections()
	})
	return balancer
}
