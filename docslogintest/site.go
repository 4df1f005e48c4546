// Package docslogintest provides docs sites for the tests of an app that uses docslogin.
//
// A [Site] is a small web server on a loopback port that behaves like a hosted docs platform. Its
// private pages send readers who are logged out to the app's login URL. It verifies the token that
// comes back as the platform would. If it rejects the token, the page and [Site.Rejections] name
// the rule that the token breaks, and the fix.
//
//	docs := docslogintest.NewReadMe()
//	defer docs.Close()
//
//	login, err := docslogin.New(lookup, docs.Platform(), docslogin.WithSignInPage("/sign-in", "next"))
//	// …
//	app := httptest.NewServer(login.Wrap(mux))
//	docs.SetLoginURL(app.URL + login.Path())
//
//	client := docslogintest.NewClient()
//	// … sign in at the app with this client, then:
//	got, err := docs.Login(client, "/quickstart")
//
// There is a constructor for each preset in package platforms. The sites implement what the
// platforms document about logins by JWT, and nothing else. Where the documentation is silent, for
// example about the type of a claim, a site may be stricter than the platform. Do not use real
// secrets or real users' data with them.
//
// [NewReadMeRequest] and [NewScalarRequest] return the requests that ReadMe and Scalar send to an app's
// server, for tests of a webhook.
package docslogintest

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/keys"
	"github.com/docslogin/docslogin/internal/newkey"
)

// A Site is a running test site. Every path is a page: "/" and "/changelog" are public, and all
// others are private, except at [NewGitBookAdaptive], where all are public. Its key is random unless
// [WithKey] sets it. The constructors panic if they cannot listen, and the caller must call
// [Site.Close]. A Site prints as "[redacted]". Its methods are safe for concurrent use by multiple
// goroutines.
type Site struct {
	// URL is the site's address without a trailing slash: http://127.0.0.1:port. It may be changed
	// to another name of that address before the site is used. For example, browsers keep the
	// cookies of http://docs.localhost:port apart from the app's, as they do in production. The
	// client of NewClient resolves such names. The site of NewGitBookAdaptive has such a name from the
	// start.
	URL string

	redacted
	spec
	title  string
	now    func() time.Time
	close  func() error
	cookie string // name of the session cookie

	// Closures, so that the keys cannot be printed.
	signing   func() string // the secret or private key, or "" if the site has only a public key
	verifying func() any

	mu         sync.Mutex
	loginURL   string
	logoutURL  string
	sessions   map[string]session
	logins     []Login
	rejections []Rejection
	known      map[string]int  // index in rejections, by cause; every request may send a rejected cookie
	usedIDs    map[string]bool // jti of accepted tokens
}

type redacted = keys.Redacted

type session struct {
	login int       // index in Site.logins
	token string    // hash of the token in the cookie; "": no cookie carried it
	end   time.Time // zero if the session does not end
}

func (v session) isOpen(now time.Time) bool { return v.end.IsZero() || now.Before(v.end) }

// A Login is a token that a site accepted.
type Login struct {
	// Claims are the token's. A string is a string, a number such as exp is a json.Number, a
	// boolean is a bool, an object is a map[string]any, a list is a []any, and null is nil.
	// DecodeClaims converts them to types of your own.
	Claims map[string]any
	Page   string // where the site sent the reader: path, query, and fragment
	Time   time.Time
	// Notes are likely errors that the platform accepts, such as a misspelled claim. Site.Login adds
	// notes about cookies that a browser would not store or send.
	Notes []string
}

// DecodeClaims stores the claims in the value that v points to, as json.Unmarshal does. The error
// does not contain values of claims.
func (l Login) DecodeClaims(v any) error {
	text, err := json.Marshal(l.Claims)
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	var mismatch *json.UnmarshalTypeError
	var invalid *json.InvalidUnmarshalError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &mismatch):
		kind, _, _ := strings.Cut(mismatch.Value, " ") // a number's value follows
		return fmt.Errorf("docslogintest: DecodeClaims: the claim %q is a JSON %s, which does not fit into the Go type %s", mismatch.Field, kind, mismatch.Type)
	case errors.As(err, &invalid):
		return fmt.Errorf("docslogintest: DecodeClaims needs a pointer that is not nil, such as &claims, not a %T", v)
	}
	// The error of a type's own UnmarshalJSON may contain the value.
	return fmt.Errorf("docslogintest: DecodeClaims: a claim does not fit into its field of %T, whose UnmarshalJSON or UnmarshalText returned a %T", v, err)
}

// A Rejection is a login that a site rejected because of a rule: about the token, about the request
// that carried it, or about tokens that were used before. It contains neither the token nor the
// values of its claims, except times and hosts. It is the error of [Site.Login].
type Rejection struct {
	Platform string // the Name of the preset
	Rule     string // the first rule that was broken, usually the name of a claim or parameter
	Why      string // what is wrong, in one sentence
	Fix      string // what to change
	Time     time.Time
}

// Error returns the platform, the rule, Why, and Fix in one line.
func (r *Rejection) Error() string {
	return fmt.Sprintf("docslogintest: %s rejects the token by rule %q: %s %s", r.Platform, r.Rule, r.Why, r.Fix)
}

// An Option configures a [Site]. If an option is given twice, the later one wins. A nil
// Option is ignored.
type Option func(*config)

type config struct {
	listener net.Listener
	now      func() time.Time
	title    string
	key      *string
}

// WithListener makes the site serve on l, which [Site.Close] then closes. The default, also for
// nil, is a free port of 127.0.0.1. If l listens on all interfaces, the site's URL is as for 127.0.0.1.
// Check the error of net.Listen, because a nil l moves a site from its fixed address to a
// free port.
func WithListener(l net.Listener) Option { return func(c *config) { c.listener = l } }

// WithClock sets the clock by which tokens expire and docs sessions end. The default, also for nil,
// is time.Now. It must be safe for concurrent use by multiple goroutines.
func WithClock(now func() time.Time) Option { return func(c *config) { c.now = now } }

// WithTitle sets the name that the site's pages show. The default names the platform that the site
// behaves like.
func WithTitle(title string) Option { return func(c *config) { c.title = title } }

// WithKey makes the site verify tokens with a key of your own instead of a random one. The text is
// the secret or, for Mintlify, the private or public key in PEM, in the forms that
// [docslogin.PrivateKey] accepts. The constructor panics if text is not a key for the platform; the
// panic does not contain the text.
//
// [Site.Platform] signs with the same key, unless it is a public key. Then the Key of the preset is
// unset, and the app must set it, for example with [docslogin.SignWith] if the private key is in a
// key service.
func WithKey(text string) Option { return func(c *config) { c.key = &text } }

func start(spec spec, opts []Option) *Site {
	c := config{title: spec.label}
	for _, o := range opts {
		if o != nil {
			o(&c)
		}
	}
	if c.now == nil {
		c.now = time.Now
	}
	alg := jose.SignatureAlgorithm(spec.rules.Algorithms[0])
	signing := newkey.For(alg)
	if c.key != nil {
		signing = *c.key
	}
	key, err := keys.Verifier(signing, alg)
	if err != nil {
		panic(fmt.Sprintf("docslogintest: WithKey: %v", err))
	}
	if _, secret := key.([]byte); !secret {
		if _, err := keys.PEM(signing, alg); err != nil { // a public key
			signing = ""
		}
	}
	if c.listener == nil {
		var err error
		if c.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			panic(fmt.Sprintf("docslogintest: no free port on 127.0.0.1: %v", err))
		}
	}
	s := &Site{
		URL:       address(c.listener.Addr(), spec.host),
		spec:      spec,
		title:     c.title,
		now:       c.now,
		cookie:    sessionPrefix + rand.Text()[:8], // all ports of a host share their cookies
		signing:   func() string { return signing },
		verifying: func() any { return key },
		sessions:  map[string]session{},
		known:     map[string]int{},
		usedIDs:   map[string]bool{},
	}
	server := &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 10 * time.Second}
	s.close = server.Close
	go server.Serve(c.listener)
	return s
}

// address returns the URL of a listener. At 127.0.0.1, its host may have another name.
func address(a net.Addr, name string) string {
	host := a.String()
	if t, ok := a.(*net.TCPAddr); ok && (t.IP.IsUnspecified() || t.IP.Equal(net.IPv4(127, 0, 0, 1))) {
		host = fmt.Sprintf("%s:%d", cmp.Or(name, "127.0.0.1"), t.Port)
	}
	return "http://" + host
}

// Close stops the site and closes its connections.
func (s *Site) Close() { _ = s.close() }

// Platform returns the platform's preset for this site. Its Key is the site's secret or private
// key. It is unset if the site has only a public key (see [WithKey]).
func (s *Site) Platform() docslogin.Platform {
	signing := s.signing()
	p := s.preset(s.URL, signing)
	if signing == "" {
		p.Key = docslogin.Key{}
	}
	return p
}

// SetLoginURL sets the app's login URL, as you would in the platform's dashboard. It is the
// absolute URL of docslogin's route: app.URL + login.Path(). For [NewGitBookAdaptive], its host must be
// under the parent domain of the site's host. Until it is set, private pages only say that it is
// missing. If it is not an absolute URL, they say the same, and [Site.Login] returns an error.
func (s *Site) SetLoginURL(u string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loginURL = u
}

// Logins returns a copy of the logins that the site accepted, oldest first.
func (s *Site) Logins() []Login {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Login, len(s.logins))
	for i, l := range s.logins {
		out[i] = l.clone()
	}
	return out
}

// Rejections returns a copy of the rejections, oldest first.
func (s *Site) Rejections() []*Rejection {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*Rejection, len(s.rejections))
	for i, r := range s.rejections {
		out[i] = &r
	}
	return out
}

func (l Login) clone() Login {
	l.Claims = clone(l.Claims).(map[string]any)
	l.Notes = append([]string(nil), l.Notes...)
	return l
}

func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		o := maps.Clone(v)
		for name := range o {
			o[name] = clone(o[name])
		}
		return o
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = clone(v[i])
		}
		return list
	}
	return v
}

// login returns the login URL, as it was set and parsed. It is an error if it is not set, or is not
// an absolute URL.
func (s *Site) login() (string, *url.URL, error) {
	s.mu.Lock()
	text := s.loginURL
	s.mu.Unlock()
	if text == "" {
		return "", nil, errors.New("docslogintest: the site has no login URL: call SetLoginURL")
	}
	u, err := url.Parse(text)
	if err != nil || !isAbsolute(u) || strings.Contains(text, "#") {
		return "", nil, fmt.Errorf("docslogintest: SetLoginURL needs an absolute http or https URL without a fragment, not %q: use app.URL + login.Path()", text)
	}
	return text, u, nil
}

// isAbsolute reports whether u is an absolute http or https URL.
func isAbsolute(u *url.URL) bool {
	return u.Hostname() != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// loginRoute returns the path of the login URL, or "".
func (s *Site) loginRoute() string {
	_, u, err := s.login()
	if err != nil {
		return ""
	}
	return u.Path
}

// loginLink returns the login URL that brings the reader back to page, or "" if there is no login
// URL. If the platform sends no deep link, the login leads to the home page.
func (s *Site) loginLink(page string) string {
	link, _, err := s.login()
	if err != nil {
		return ""
	}
	separator := "?"
	if strings.Contains(link, "?") {
		separator = "&"
	}
	add := func(name, value string) {
		link += separator + name + "=" + value
		separator = "&"
	}
	for _, name := range slices.Sorted(maps.Keys(s.echo)) {
		add(name, url.QueryEscape(s.echo[name]))
	}
	if s.rules.Link != "" {
		add(s.rules.Link, s.deepLink(s.URL, page)) // last, because it may be unescaped
	}
	return link
}
