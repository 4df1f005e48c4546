package e2e_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/gorilla/sessions"
	"go.uber.org/goleak"

	"github.com/docslogin/docslogin"
)

// flaky is a session store that fails one time in twenty, and takes its time.
type flaky struct{ sessions.Store }

func (s flaky) Get(r *http.Request, name string) (*sessions.Session, error) {
	time.Sleep(rand.N(3 * time.Millisecond))
	if rand.N(20) == 0 {
		return nil, errors.New("the store is down")
	}
	return s.Store.Get(r, name)
}

// rotated is the route of one platform and all the keys that it may sign with.
type rotated struct {
	platform
	*docslogin.Middleware
	keys      []docslogin.Key
	verifying []any
}

func newRotated(t *testing.T, p platform, lookup docslogin.UserLookup, observe func(context.Context, docslogin.Event)) *rotated {
	r := &rotated{platform: p}
	for range 3 {
		signing, verifying := p.newKey()
		r.keys = append(r.keys, p.preset(docsURL, signing).Key)
		r.verifying = append(r.verifying, verifyingKey(t, verifying))
	}
	first := p.preset(docsURL, "")
	first.Key = r.keys[0]
	var err error
	r.Middleware, err = docslogin.New(lookup, first, docslogin.WithPath("/"+p.name), toForm,
		docslogin.WithLogger(slog.New(slog.DiscardHandler)), docslogin.WithObserver(observe))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func verifyingKey(t *testing.T, text string) any {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return append([]byte(text), make([]byte, max(0, 32-len(text)))...) // as go-jose wants an HMAC key; the same by RFC 2104
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// verify returns the claims of a token that one of the keys has signed.
func (r *rotated) verify(token string) (claims map[string]any, err error) {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(r.alg)})
	if err != nil {
		return nil, err
	}
	for _, key := range r.verifying {
		if err = parsed.Claims(key, &claims); err == nil {
			return claims, nil
		}
	}
	return nil, err
}

// TestLoad lets visitors log in, all at once, at an app whose session store fails one time
// in twenty and whose keys change all the time. Some hang up. Whoever gets a token gets
// his own.
func TestLoad(t *testing.T) {
	idle := goleak.IgnoreCurrent()
	store := sessions.NewCookieStore([]byte("0123456789abcdef0123456789abcdef"))
	lookup := docslogin.SessionLookup(flaky{store}, sessionName, func(_ *http.Request, s *sessions.Session) (*docslogin.User, error) {
		id, _ := s.Values["user"].(string)
		return &docslogin.User{
			ID: id, Name: "Visitor " + id, Email: id + "@example.com", Groups: []string{"group-of-" + id},
			APIKeys: []docslogin.APIKey{{Name: "Live", Key: "key-of-" + id}}, Attributes: map[string]any{"plan": "plan-of-" + id},
		}, nil
	})

	var events sync.Map // outcome to *atomic.Int64
	observe := func(_ context.Context, e docslogin.Event) {
		n, _ := events.LoadOrStore(e.Outcome, new(atomic.Int64))
		n.(*atomic.Int64).Add(1)
	}
	var routes []*rotated
	var handler http.Handler = http.NotFoundHandler()
	for _, p := range platforms {
		r := newRotated(t, p, lookup, observe)
		routes, handler = append(routes, r), r.Wrap(handler)
	}
	app := httptest.NewServer(handler)

	ctx, stop := context.WithTimeout(t.Context(), *loadTime)
	defer stop()
	var work sync.WaitGroup
	for _, r := range routes {
		work.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if err := r.SetKey(r.keys[i%len(r.keys)]); err != nil {
					t.Errorf("%s: %v", r.name, err)
				}
				if err := r.SetKey(docslogin.Secret("too short")); err == nil {
					t.Errorf("%s: a bad key is taken", r.name)
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
	}

	var counted sync.Map // what visitors saw
	count := func(what string) {
		n, _ := counted.LoadOrStore(what, new(atomic.Int64))
		n.(*atomic.Int64).Add(1)
	}
	var ids sync.Map // of tokens
	for i := range 40 {
		id := fmt.Sprintf("v%02d", i)
		cookie := sessionOf(t, store, id)
		work.Go(func() {
			client := followsNothing()
			defer client.CloseIdleConnections()
			for n := 0; ctx.Err() == nil && n < 100_000 && !t.Failed(); n++ {
				r := routes[rand.N(len(routes))]
				page := fmt.Sprintf("/page/%s/%d", id, n)
				patience := time.Minute
				if rand.N(10) == 0 {
					patience = rand.N(4 * time.Millisecond) // and then hangs up
				}
				signedIn := rand.N(20) != 0
				status, location, body, err := visit(client, app.URL+r.Path()+"?redirect="+url.QueryEscape(page), cookie, signedIn, patience)
				what, err := r.check(id, page, signedIn, status, location, body, err)
				if err != nil {
					t.Errorf("%s at %s: %v", id, r.name, err)
				}
				if err == nil && what == "logged in" && r.tokenID {
					claims, _ := r.verify(r.tokenIn(location))
					if _, again := ids.LoadOrStore(claims["jti"], true); again {
						t.Errorf("the token ID %v came twice", claims["jti"])
					}
				}
				count(what)
			}
		})
	}
	work.Wait()
	app.Close()

	total := func(m *sync.Map, key any) int64 {
		n, ok := m.Load(key)
		if !ok {
			return 0
		}
		return n.(*atomic.Int64).Load()
	}
	for _, what := range []string{"logged in", "to the form", "the store is down", "hung up"} {
		t.Logf("%s: %d", what, total(&counted, what))
		if total(&counted, what) == 0 {
			t.Errorf("no visit ended with %q: not tested", what)
		}
	}
	for what, outcome := range map[string]docslogin.Outcome{
		"logged in": docslogin.OutcomeLoggedIn, "to the form": docslogin.OutcomeSignIn, "the store is down": docslogin.OutcomeLookupFailed,
	} {
		// Who hangs up has an event too, of any kind.
		if saw, told := total(&counted, what), total(&events, outcome); told < saw || told > saw+total(&counted, "hung up") {
			t.Errorf("%d visits, but %d events %s", saw, told, outcome)
		}
	}
	if total(&events, docslogin.OutcomeCanceled) == 0 {
		t.Error("nobody hung up in the middle of a request")
	}
	goleak.VerifyNone(t, idle)
}

// sessionOf returns the cookie of a user who is signed in.
func sessionOf(t *testing.T, store sessions.Store, id string) *http.Cookie {
	t.Helper()
	r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
	session, _ := store.Get(r, sessionName)
	session.Values["user"] = id
	if err := session.Save(r, w); err != nil {
		t.Fatal(err)
	}
	return w.Result().Cookies()[0]
}

func visit(client *http.Client, u string, cookie *http.Cookie, signedIn bool, patience time.Duration) (status int, location, body string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return 0, "", "", err
	}
	if signedIn {
		req.AddCookie(cookie)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header.Get("Location"), string(text), err
}

var visitorID = regexp.MustCompile(`\bv\d\d\b`)

// check says what an answer was, or what is wrong with it.
func (r *rotated) check(id, page string, signedIn bool, status int, location, body string, err error) (what string, wrong error) {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "hung up", nil
	case err != nil:
		return "failed", err
	case status == http.StatusInternalServerError:
		if !strings.Contains(body, "Something went wrong") || location != "" {
			return "", fmt.Errorf("a 500 with %q and the location %q", body, location)
		}
		return "the store is down", nil
	case status != http.StatusFound || body != "":
		return "", fmt.Errorf("status %d, %q", status, body)
	case strings.HasPrefix(location, "/sign-in?next="):
		if signedIn {
			return "", errors.New("a visitor who is signed in goes to the form")
		}
		return "to the form", nil
	case !signedIn:
		return "", errors.New("a visitor without a session is sent elsewhere than to the form")
	}
	u, err := url.Parse(location)
	if err != nil {
		return "", err
	}
	claims, err := r.verify(r.tokenIn(location))
	if err != nil {
		return "", err
	}
	if u.Host != docsHost || u.Query().Get("redirect") != page {
		return "", fmt.Errorf("the token goes to %s and leads to %q, not %q", u.Host, u.Query().Get("redirect"), page)
	}
	// Whatever the claims are called: all that names a visitor names this one.
	named := visitorID.FindAllString(fmt.Sprint(claims), -1)
	if len(named) < 4 || slices.ContainsFunc(named, func(other string) bool { return other != id }) {
		return "", fmt.Errorf("the token names the visitors %v", named)
	}
	return "logged in", nil
}
