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

// flaky is a session store that is slow, and fails one time in twenty.
type flaky struct{ sessions.Store }

func (s flaky) Get(r *http.Request, name string) (*sessions.Session, error) {
	time.Sleep(rand.N(3 * time.Millisecond))
	if rand.N(20) == 0 {
		return nil, errors.New("the store is down")
	}
	return s.Store.Get(r, name)
}

// rotated is the route of one platform with all keys that it may sign with.
type rotated struct {
	platform
	*docslogin.Middleware
	keys      []docslogin.Key
	verifying []any
	verified  []atomic.Int64 // tokens, by key
}

func newRotated(t *testing.T, p platform, lookup docslogin.UserLookup, observe func(context.Context, docslogin.Event)) *rotated {
	r := &rotated{platform: p}
	for range 3 {
		signing, verifying := p.newKey()
		r.keys = append(r.keys, p.preset(docsURL, signing).Key)
		r.verifying = append(r.verifying, verifyingKey(t, verifying))
	}
	r.verified = make([]atomic.Int64, len(r.keys))
	first := p.preset(docsURL, "")
	first.Key = r.keys[0]
	var err error
	r.Middleware, err = docslogin.New(lookup, first, docslogin.WithPath("/"+p.slug()), toForm,
		docslogin.WithLogger(slog.New(slog.DiscardHandler)), docslogin.WithObserver(observe))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func verifyingKey(t *testing.T, text string) any {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return append([]byte(text), make([]byte, max(0, 64-len(text)))...) // go-jose needs a long HMAC key; zero bytes do not change the result (RFC 2104)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// verify returns the claims of a token that one of the keys verifies.
func (r *rotated) verify(token string) (claims map[string]any, err error) {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(r.alg)})
	if err != nil {
		return nil, err
	}
	for i, key := range r.verifying {
		if err = parsed.Claims(key, &claims); err == nil {
			r.verified[i].Add(1)
			return claims, nil
		}
	}
	return nil, err
}

// crowd is an app with the routes of all platforms, and what becomes of its visitors.
type crowd struct {
	t        *testing.T
	store    *sessions.CookieStore
	routes   []*rotated
	app      *httptest.Server
	requests atomic.Int64
	events   tally    // by outcome
	visits   tally    // by what the visitors saw
	tokenIDs sync.Map // all of the tokens
}

func newCrowd(t *testing.T) *crowd {
	c := &crowd{t: t, store: sessions.NewCookieStore([]byte("0123456789abcdef0123456789abcdef"))}
	lookup := docslogin.SessionLookup(flaky{c.store}, sessionName, func(_ *http.Request, s *sessions.Session) (*docslogin.User, error) {
		id, _ := s.Values["user"].(string)
		return &docslogin.User{
			ID: id, Name: "Visitor " + id, Email: id + "@example.com", Groups: []string{"group-of-" + id},
			APIKeys: []docslogin.APIKey{{Name: "Live", Key: "key-of-" + id}}, Attributes: map[string]any{"plan": "plan-of-" + id},
		}, nil
	})
	observe := func(ctx context.Context, e docslogin.Event) {
		c.events.add(string(e.Outcome))
		if visitor, _ := ctx.Value(visitorKey{}).(string); e.UserID != "" && e.UserID != visitor {
			t.Errorf("the event of %s names %s", visitor, e.UserID)
		}
	}
	var handler http.Handler = http.NotFoundHandler()
	for _, p := range allPlatforms {
		r := newRotated(t, p, lookup, observe)
		c.routes, handler = append(c.routes, r), r.Wrap(handler)
	}
	c.app = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.requests.Add(1)
		handler.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitorKey{}, r.Header.Get("Visitor"))))
	}))
	return c
}

// rotate changes a route's key until ctx ends. SetKey rejects a bad key in between.
func (c *crowd) rotate(ctx context.Context, r *rotated) {
	for i := 0; ctx.Err() == nil; i++ {
		if err := r.SetKey(r.keys[i%len(r.keys)]); err != nil {
			c.t.Errorf("%s: %v", r.name, err)
		}
		if err := r.SetKey(docslogin.Secret("too short")); err == nil {
			c.t.Errorf("%s: SetKey accepts a bad key", r.name)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// logIn makes a visitor log in again and again until ctx ends, at any platform. One visit in
// twenty is without a session; in one in ten the visitor hangs up.
func (c *crowd) logIn(ctx context.Context, id string, cookie *http.Cookie) {
	client := followsNothing()
	defer client.CloseIdleConnections()
	for n := 0; ctx.Err() == nil && !c.t.Failed(); n++ {
		r := c.routes[rand.N(len(c.routes))]
		page := fmt.Sprintf("/page/%s/%d", id, n)
		impatient, signedIn := rand.N(10) == 0, rand.N(20) != 0
		patience := time.Minute
		if impatient {
			patience = rand.N(4 * time.Millisecond)
		}
		a := visit(client, c.app.URL+r.Path()+r.linkQuery(page), id, cookie, signedIn, patience)
		if impatient && errors.Is(a.err, context.DeadlineExceeded) {
			c.visits.add("hung up")
			continue
		}
		what, claims, err := r.check(id, page, signedIn, a)
		if err != nil {
			c.t.Errorf("%s at %s: %v", id, r.name, err)
		}
		if sets := a.header["Set-Cookie"] != nil; sets != (r.cookie != "" && what == "logged in") {
			c.t.Errorf("%s at %s: %q sets a cookie: %v", id, r.name, what, sets)
		}
		if tokenID := claims["jti"]; tokenID != nil {
			if _, again := c.tokenIDs.LoadOrStore(tokenID, true); again {
				c.t.Errorf("the token ID %v came twice", tokenID)
			}
		}
		c.visits.add(what)
	}
}

// Visitors log in, all at once, at an app whose session store fails one time in twenty and whose
// keys change all the time. Some visitors hang up. Whoever gets a token gets the right one.
func TestLoad(t *testing.T) {
	idle := goleak.IgnoreCurrent()
	c := newCrowd(t)
	ctx, stop := context.WithTimeout(t.Context(), *loadTime)
	defer stop()
	var work sync.WaitGroup
	for _, r := range c.routes {
		work.Go(func() { c.rotate(ctx, r) })
	}
	for i := range 40 {
		id := fmt.Sprintf("v%02d", i)
		cookie := sessionOf(t, c.store, id)
		work.Go(func() { c.logIn(ctx, id, cookie) })
	}
	work.Wait()
	for _, r := range c.routes {
		c.checkKeys(r)
	}
	c.app.Close()

	for what, outcome := range map[string]docslogin.Outcome{
		"logged in": docslogin.OutcomeLoggedIn, "to the form": docslogin.OutcomeSignIn, "the store is down": docslogin.OutcomeLookupFailed,
		"hung up": docslogin.OutcomeCanceled,
	} {
		t.Logf("%s: %d visits, %d events", what, c.visits.of(what), c.events.of(string(outcome)))
		if c.visits.of(what) == 0 || c.events.of(string(outcome)) == 0 {
			t.Errorf("%q did not happen: not tested", what)
		}
	}
	if c.events.total() != c.requests.Load() {
		t.Errorf("%d events for %d requests", c.events.total(), c.requests.Load())
	}
	goleak.VerifyNone(t, idle)
}

// checkKeys checks that a route has signed with each of its keys, and now signs with the one that
// is set last.
func (c *crowd) checkKeys(r *rotated) {
	c.t.Helper()
	for i := range r.verified {
		if r.verified[i].Load() == 0 {
			c.t.Errorf("%s: no token was signed with key %d", r.name, i)
		}
	}
	if err := r.SetKey(r.keys[1]); err != nil {
		c.t.Error(err)
	}
	before, err := r.verified[1].Load(), errors.New("not asked")
	var d destination
	for n := 0; n < 100 && err != nil; n++ { // since the store fails now and then
		a := visit(followsNothing(), c.app.URL+r.Path(), "v00", sessionOf(c.t, c.store, "v00"), true, time.Minute)
		d, err = destinationOf(a.status, a.header, a.body)
	}
	if _, err := r.verify(r.tokenIn(d)); err != nil || r.verified[1].Load() != before+1 {
		c.t.Errorf("%s: after SetKey another key signs: %v", r.name, err)
	}
}

// visitorKey is the key of the visitor's ID in a request's context.
type visitorKey struct{}

// tally counts by name.
type tally struct{ counts sync.Map }

func (c *tally) add(what string) {
	n, _ := c.counts.LoadOrStore(what, new(atomic.Int64))
	n.(*atomic.Int64).Add(1)
}

func (c *tally) of(what string) int64 {
	n, ok := c.counts.Load(what)
	if !ok {
		return 0
	}
	return n.(*atomic.Int64).Load()
}

func (c *tally) total() (sum int64) {
	for _, n := range c.counts.Range {
		sum += n.(*atomic.Int64).Load()
	}
	return sum
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

// answer is the response that a visitor got, or an error.
type answer struct {
	status int
	header http.Header
	body   string
	err    error
}

func visit(client *http.Client, u, id string, cookie *http.Cookie, signedIn bool, patience time.Duration) answer {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return answer{err: err}
	}
	req.Header.Set("Visitor", id) // only for the test
	if signedIn {
		req.AddCookie(cookie)
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(text), err}
}

var visitorID = regexp.MustCompile(`\bv\d\d\b`)

// check returns what an answer means, with the claims of a login, or what is wrong with it.
func (r *rotated) check(id, page string, signedIn bool, a answer) (what string, claims map[string]any, wrong error) {
	location := a.header.Get("Location")
	if lacks := lacksHeaders(a.header); a.err == nil && lacks != nil {
		return "", nil, fmt.Errorf("the response %d lacks %v", a.status, lacks)
	}
	switch {
	case a.err != nil:
		return "", nil, a.err
	case a.status == http.StatusInternalServerError:
		if !strings.Contains(a.body, "Something went wrong") || location != "" {
			return "", nil, fmt.Errorf("a 500 with %q and the location %q", a.body, location)
		}
		return "the store is down", nil, nil
	case strings.HasPrefix(location, "/sign-in?next="):
		if signedIn {
			return "", nil, errors.New("a visitor who is signed in goes to the form")
		}
		return "to the form", nil, nil
	case !signedIn:
		return "", nil, errors.New("a visitor without a session does not go to the form")
	}
	d, err := destinationOf(a.status, a.header, a.body)
	if err != nil {
		return "", nil, err
	}
	if claims, err = r.verify(r.tokenIn(d)); err != nil {
		return "", nil, err
	}
	u, err := url.Parse(d.URL)
	if err != nil {
		return "", nil, err
	}
	takes, link, want := r.takes(docsURL), "", ""
	switch {
	case r.onPage():
		takes += page
	case !hasLink(r.platform):
	case r.form != "":
		link, _ = find(d.Fields, r.out)
		want = r.link(docsURL, page, page)
	default:
		link, want = u.Query().Get(r.out), r.link(docsURL, page, page)
	}
	if at := u.Scheme + "://" + u.Host + u.Path; at != takes || link != want {
		return "", nil, fmt.Errorf("the token goes to %s and leads to %q, not to %s and %q", at, link, takes, want)
	}
	// In all claims, whatever their names, only this visitor appears.
	named := visitorID.FindAllString(fmt.Sprint(claims), -1)
	if len(named) == 0 || slices.ContainsFunc(named, func(other string) bool { return other != id }) {
		return "", nil, fmt.Errorf("the token names the visitors %v", named)
	}
	exp, dated := claims["exp"].(float64)
	if left := time.Until(time.Unix(int64(exp), 0)); dated && (left <= 0 || left > time.Duration(r.lifetime)*time.Second) {
		return "", nil, fmt.Errorf("the token expires in %v", left)
	}
	return "logged in", claims, nil
}
