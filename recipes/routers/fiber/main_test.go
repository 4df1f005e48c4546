package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/session"
)

func TestRecipe(t *testing.T) { apptest.ServeServer(t, newServer).Try(t) }

func TestOutageAndUnknownSession(t *testing.T) {
	storage := &storage{values: map[string][]byte{}}
	v := apptest.ServeServer(t, func(env app.Env) (app.Server, error) {
		server, err := newApp(env, storage)
		return serveOn(server), err
	})
	v.Try(t)

	storage.fail(errors.New("dial 10.1.2.3: refused"))
	v.Visitor.LogOutOfDocs(t, v.Site)
	page := v.Visitor.Open(t, v.Site.URL+"/quickstart")
	if page.Status != http.StatusInternalServerError || !page.At(v.AppURL) {
		t.Errorf("while sessions cannot be read, the visitor ends at %s", page)
	}
	if strings.Contains(page.Text, "10.1.2.3") {
		t.Errorf("the visitor is told %q", page.Text)
	}

	storage.fail(nil)
	if page = v.Visitor.Open(t, v.Site.URL+"/quickstart"); !page.At(v.Site.URL) {
		t.Errorf("after the outage, the visitor ends at %s", page)
	}
	v.Visitor.LogOutOfDocs(t, v.Site)
	storage.forget()
	if page = v.Visitor.Open(t, v.Site.URL+"/quickstart"); !page.HasForm() {
		t.Errorf("with a session that nobody knows, the visitor ends at %s, not at the sign-in page", page)
	}
}

// If a stranger plants a session ID in the visitor's browser, the visitor's sign-in must not sign
// the stranger in. It must also drop what an earlier user left in the session.
func TestSignInMakesANewSession(t *testing.T) {
	v := apptest.ServeServer(t, func(env app.Env) (app.Server, error) {
		server, err := newApp(env, nil)
		if err != nil {
			return nil, err
		}
		server.Get("/cart", func(c fiber.Ctx) error {
			s := session.FromContext(c)
			cart, _ := s.Get("cart").(string)
			s.Set("cart", "full")
			return c.SendString(cart)
		})
		return serveOn(server), nil
	})
	v.Visitor.Open(t, v.AppURL+"/cart")
	if page := v.Visitor.Open(t, v.AppURL+"/cart"); page.Text != "full" {
		t.Fatalf("before the sign-in, the cart is %q", page.Text)
	}
	before := sessionCookie(t, v)
	v.Visitor.SignIn(t, v.Visitor.Open(t, v.AppURL+"/sign-in"), v.Site.URL)
	if after := sessionCookie(t, v); before == after {
		t.Error("the session's ID is the one from before the sign-in")
	}
	if page := v.Visitor.Open(t, v.AppURL+"/cart"); page.Text != "" {
		t.Errorf("after the sign-in, the cart is %q", page.Text)
	}
}

func sessionCookie(t *testing.T, v *apptest.Visit) string {
	t.Helper()
	u, err := url.Parse(v.AppURL)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range v.Visitor.Client().Jar.Cookies(u) {
		if cookie.Name == "session_id" {
			return cookie.Value
		}
	}
	t.Fatal("there is no session cookie")
	return ""
}

func TestOnlyNavigationsLogIn(t *testing.T) {
	v := apptest.ServeServer(t, newServer)
	v.Visitor.SignIn(t, v.Visitor.Open(t, v.AppURL+"/sign-in"), v.Site.URL)
	for _, test := range []struct {
		what, header, value string
		want                int
	}{
		{"a click", "Sec-Fetch-Mode", "navigate", http.StatusFound},
		{"a prefetch", "Sec-Purpose", "prefetch", http.StatusForbidden},
		{"a prerender", "Sec-Purpose", "prefetch;prerender", http.StatusForbidden},
		{"an old browser's prefetch", "X-Moz", "prefetch", http.StatusForbidden},
		{"a script's fetch", "Sec-Fetch-Mode", "cors", http.StatusForbidden},
		{"a frame", "Sec-Fetch-Dest", "iframe", http.StatusForbidden},
		{"a WebSocket", "Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==", http.StatusForbidden},
	} {
		client := *v.Visitor.Client()
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.AppURL+"/docs-login", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(test.header, test.value)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != test.want {
			t.Errorf("%s is answered with %s, not %d", test.what, resp.Status, test.want)
		}
	}
}

func TestLongLinkComesBackFromTheSignIn(t *testing.T) {
	v := apptest.ServeServer(t, newServer)
	deepLink := v.Site.URL + "/reference?q=" + strings.Repeat("%20", 650)
	page := v.Visitor.SignIn(t, v.Visitor.Open(t, deepLink), v.Site.URL)
	if !page.At(deepLink) {
		t.Errorf("the visitor ends at %s, not at the docs' page", page)
	}
}

func TestOtherPagesAreFibers(t *testing.T) {
	v := apptest.ServeServer(t, newServer)
	if page := v.Visitor.Open(t, v.AppURL+"/nowhere"); page.Status != http.StatusNotFound {
		t.Errorf("a page that is not there is %s", page)
	}
}

type userKey struct{}

// Where a middleware puts the user decides whether the lookup sees who it is.
func TestWhatReachesTheLookup(t *testing.T) {
	ada := &docslogin.User{ID: "ada", Email: apptest.Ada}
	for _, test := range []struct {
		what     string
		signedIn bool
		set      fiber.Handler
	}{
		{"the user is in Locals", true, func(c fiber.Ctx) error {
			c.Locals(userKey{}, ada)
			return c.Next()
		}},
		{"the user is in the context of fiber's own", false, func(c fiber.Ctx) error {
			c.SetContext(context.WithValue(c.Context(), userKey{}, ada))
			return c.Next()
		}},
		{"the user is taken from there to Locals", true, func(c fiber.Ctx) error {
			c.SetContext(context.WithValue(c.Context(), userKey{}, ada))
			c.Locals(userKey{}, c.Context().Value(userKey{}))
			return c.Next()
		}},
	} {
		t.Run(test.what, func(t *testing.T) {
			hasLimit := false
			v := serve(t, test.set, func(r *http.Request) (*docslogin.User, error) {
				_, hasLimit = r.Context().Deadline()
				user, _ := r.Context().Value(userKey{}).(*docslogin.User)
				return user, nil
			})
			page := v.Visitor.Open(t, v.Site.URL+"/quickstart")
			if page.At(v.Site.URL) != test.signedIn {
				t.Errorf("the visitor ends at %s", page)
			}
			if !hasLimit {
				t.Error("the lookup may take for ever: nothing ends its context when the visitor goes away")
			}
		})
	}
}

// serve serves the login route behind a middleware.
func serve(t *testing.T, middleware fiber.Handler, lookup docslogin.UserLookup, options ...docslogin.Option) *apptest.Visit {
	t.Helper()
	return apptest.ServeServer(t, func(env app.Env) (app.Server, error) {
		docs, err := docslogin.New(lookup, env.Platform, append(options, app.SignInPage)...)
		if err != nil {
			return nil, err
		}
		server := fiber.New()
		server.Use(middleware)
		server.All(docs.Path(), login(docs))
		return serveOn(server), nil
	})
}

func TestObserverMayKeepTheEvent(t *testing.T) {
	var events []docslogin.Event
	v := serve(t, fiber.Ctx.Next, func(*http.Request) (*docslogin.User, error) { return nil, nil },
		docslogin.WithObserver(func(_ context.Context, e docslogin.Event) { events = append(events, e) }))
	for _, link := range []string{"/first", "/other"} {
		v.Visitor.Open(t, v.AppURL+"/docs-login?redirect="+link)
	}
	if len(events) != 2 || events[0].DeepLink != "/first" || events[1].DeepLink != "/other" {
		t.Errorf("the observer has kept %+v", events)
	}
}

func TestLoginEndsBeforeTheServerDoes(t *testing.T) {
	site := docslogintest.NewReadMe()
	defer site.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	server := fiber.New()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	var stopping <-chan struct{}
	docs, err := docslogin.New(func(r *http.Request) (*docslogin.User, error) {
		stop()
		select {
		case <-stopping:
		case <-r.Context().Done():
		}
		select {
		case err := <-ended:
			t.Errorf("the server has ended before the login, with %v", err)
			ended <- err
		case <-time.After(100 * time.Millisecond): // there is no telling that it never does
		}
		return &docslogin.User{ID: "ada", Email: apptest.Ada}, nil
	}, site.Platform())
	if err != nil {
		t.Fatal(err)
	}
	server.Use(func(c fiber.Ctx) error {
		stopping = c.RequestCtx().Done()
		return c.Next()
	})
	server.All(docs.Path(), login(docs))
	go func() { ended <- serveOn(server)(ctx, listener) }()

	site.SetLoginURL("http://" + listener.Addr().String() + "/docs-login")
	visitor := apptest.NewVisitor()
	if page := visitor.Open(t, site.URL+"/quickstart"); !page.At(site.URL + "/quickstart") {
		t.Errorf("a login while the server ends leads to %s", page)
	}
	visitor.Client().CloseIdleConnections()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the server ends with: %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("the server does not end")
	}
}

// storage stands for Redis and the like.
type storage struct {
	fiber.Storage // for what sessions have no use for

	mu     sync.Mutex
	values map[string][]byte
	err    error
}

func (s *storage) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *storage) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.values)
}

func (s *storage) GetWithContext(_ context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.values[key], s.err
}

func (s *storage) SetWithContext(_ context.Context, key string, value []byte, _ time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[strings.Clone(key)] = append([]byte(nil), value...)
	return s.err
}

func (s *storage) DeleteWithContext(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.values, key)
	return s.err
}
