// Package docslogin logs an app's users in at the company's hosted docs.
//
// Hosted documentation (ReadMe, Mintlify, GitBook, and others) can greet readers by
// name, show them their own API key, and hide pages that are not for them, if the company's
// app says who they are: the app signs a JSON Web Token (RFC 7519) about its own signed-in
// user and redirects the browser back to the docs. [New] returns the middleware that does
// this, on one route around an existing handler:
//
//	docs, err := docslogin.New(lookup, platforms.ReadMe("https://docs.example.com", secret),
//		docslogin.WithSignInPage("/sign-in", "next"))
//	...
//	http.ListenAndServe(":8080", docs.Wrap(mux))
//
// The route, /docs-login, is the login URL for the docs' dashboard. A [UserLookup] reports who
// is signed in, from the app's own session ([SessionLookup] for gorilla sessions). Visitors
// who are not signed in go to the app's sign-in page and come back to the docs page that they
// asked for. Nothing is stored between requests.
//
// Package platforms has a preset for each docs platform, and says what the docs learn of a
// user; [WithClaimsMapper] adds to that. A [Platform] is data: change a preset's, or write
// one. Packages userinfo and webhook answer docs that ask the app by themselves. Package
// docslogintest has test sites that behave as the platforms do, and command docslogin says why a login is
// rejected.
//
// Use SameSite=Lax for the session cookie. Browsers do not send a cookie with SameSite=Strict
// when the docs, another site, redirect to the route. The package cannot keep a token in a
// query out of the docs host's own log.
package docslogin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/docslogin/docslogin/internal/address"
	"github.com/docslogin/docslogin/internal/keys"
	"github.com/docslogin/docslogin/internal/page"
)

// Middleware is the login route of one docs site. Make one with [New]; the zero value is
// invalid. It is safe for concurrent use by multiple goroutines.
type Middleware struct {
	lookup  UserLookup
	profile *Profile
	address *address.Builder
	path    string
	signer  atomic.Pointer[keys.Signer]
}

// New returns the middleware for one docs site. The lookup reports who is signed in; the
// platform says what the docs expect. New copies its arguments.
//
// New checks everything that can be checked before the first request, down to a trial
// signature. It returns all configuration errors at once, each a [*ConfigError]. A nil lookup,
// a nil option, and a nil argument of an option are configuration errors.
func New(lookup UserLookup, platform Platform, opts ...Option) (*Middleware, error) {
	c := newConfig(platform, opts)
	if lookup == nil {
		c.fail("lookup", "is nil; pass a func that says who is signed in (SessionLookup returns nil for a nil store, a nil load, a name that no cookie can have, or a cookie store without a key that works)")
	}
	c.checkProfile()
	c.checkAlgorithm()
	for _, problem := range address.Check(c.address()) {
		c.fail(problem.Field, "%s", problem.Reason)
	}
	signer, err := newSigner(c.platform.Algorithm, c.platform.Key)
	if err != nil {
		c.errs = append(c.errs, err)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	m := &Middleware{lookup: lookup, profile: c.newProfile(), address: address.New(c.address()), path: c.path}
	m.profile.host = m.address.DocsHost
	m.signer.Store(signer)
	return m, nil
}

// Wrap returns a handler that serves the login route and passes every other request to next,
// untouched. If next is nil, it is [http.DefaultServeMux], as in [http.ListenAndServe]. Wrap
// the handler that the server runs, inside of what the lookup needs, such as a session
// middleware. For several docs sites, wrap once for each, with its own [WithPath].
func (m *Middleware) Wrap(next http.Handler) http.Handler {
	if next == nil {
		next = http.DefaultServeMux
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != m.path {
			next.ServeHTTP(w, r)
			return
		}
		m.ServeHTTP(w, r)
	})
}

// ServeHTTP serves the login route, whatever the request's path. To mount the route by
// itself, use mux.Handle("GET "+docs.Path(), docs).
func (m *Middleware) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	page.SetHeaders(w.Header())
	l := loginRequest{start: time.Now(), route: m.path}
	next := destination{outcome: OutcomeCanceled} // unless something comes of it
	var rejection *LoginError
	defer func() { m.profile.report(r.Context(), &l, next, rejection) }()
	next, rejection = recovering(r.Context(), func() (destination, *LoginError) { return m.login(r, &l) })
	if rejection != nil {
		m.reject(w, r, rejection)
		return
	}
	m.send(w, next)
}

// loginRequest is what is known of a request so far.
type loginRequest struct {
	start    time.Time
	route    string          // "": not the login route
	asked    address.Request // the deep link and the other parameters
	user     *User           // nil: nobody, or not known yet
	urlBytes int             // of the URL that carries the token
}

// destination is where a login sends the visitor.
type destination struct {
	address.Destination
	outcome Outcome
}

// login decides where the visitor goes next, or why nowhere.
func (m *Middleware) login(r *http.Request, l *loginRequest) (destination, *LoginError) {
	if outcome := checkNavigation(r); outcome != "" {
		return destination{}, newLoginError(outcome, nil)
	}
	arrived := m.profile.now()
	l.asked = m.address.Read(r.URL.RawQuery, arrived)
	user, rejection := m.profile.findUser(r, m.lookup, arrived)
	l.user = user
	if rejection != nil {
		return m.toSignIn(l, rejection, arrived)
	}
	next, rejection := m.issue(r.Context(), l)
	if rejection != nil {
		return m.toSignIn(l, rejection, arrived)
	}
	return next, nil
}

// checkNavigation rejects requests that no visitor will see the result of: it returns the
// outcome of such a request, and "" for a visitor's navigation.
func checkNavigation(r *http.Request) Outcome {
	if r.Method != http.MethodGet {
		return OutcomeMethod
	}
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		for _, value := range r.Header[name] {
			// Sec-Purpose has parameters: "prefetch;prerender" (Fetch standard).
			if value = strings.ToLower(value); value == "prefetch" || name == "Sec-Purpose" && strings.Contains(value, "prefetch") {
				return OutcomeSpeculative
			}
		}
	}
	if r.Header["Sec-Websocket-Key"] != nil { // a script's handshake, with which Chromium sends no Sec-Fetch-Mode
		return OutcomeEmbedded
	}
	// A page's service worker passes a navigation on with the destination "empty".
	// Sec-Fetch-Site is not looked at: a login comes from another site, the docs.
	isNot := func(allowed ...string) func(string) bool {
		return func(value string) bool { return !slices.Contains(allowed, value) }
	}
	if slices.ContainsFunc(r.Header["Sec-Fetch-Mode"], isNot("navigate")) || slices.ContainsFunc(r.Header["Sec-Fetch-Dest"], isNot("document", "empty")) {
		return OutcomeEmbedded
	}
	return ""
}

// issue signs what the docs may know of the user, and returns how that gets there.
func (m *Middleware) issue(ctx context.Context, l *loginRequest) (destination, *LoginError) {
	claims, rejection := m.profile.claims(ctx, l.user, true)
	if rejection != nil {
		return destination{}, rejection
	}
	payload, rejection := marshal(claims)
	if rejection != nil {
		return destination{}, rejection
	}
	if err := ctx.Err(); err != nil {
		return destination{}, newLoginError(OutcomeSignFailed, err)
	}
	token, err := m.signer.Load().Sign(ctx, payload)
	if err != nil {
		return destination{}, newLoginError(OutcomeSignFailed, err)
	}
	next, err := m.address.Docs(&l.asked, token)
	l.urlBytes = len(next.URL)
	if err != nil {
		return destination{}, newLoginError(OutcomeTooLarge, fmt.Errorf("%w; the largest claims: %s", err, largest(claims)))
	}
	return destination{next, OutcomeLoggedIn}, nil
}

// largest names the three largest claims with their sizes.
func largest(claims Claims) string {
	sizes := map[string]int{}
	for name, value := range claims {
		text, _ := json.Marshal(value)
		sizes[name] = len(text)
	}
	names := slices.SortedFunc(maps.Keys(sizes), func(a, b string) int {
		return cmp.Or(cmp.Compare(sizes[b], sizes[a]), cmp.Compare(a, b))
	})
	var list []string
	for _, name := range names[:min(3, len(names))] {
		list = append(list, fmt.Sprintf("%s (%d bytes)", name, sizes[name]))
	}
	return strings.Join(list, ", ")
}

// toSignIn sends a visitor who is not signed in to the sign-in page, unless the visitor just
// came from there. Other rejections get the sign-in page's URL where it may help.
func (m *Middleware) toSignIn(l *loginRequest, rejection *LoginError, arrived time.Time) (destination, *LoginError) {
	if !m.address.HasSignIn() {
		return destination{}, rejection
	}
	if rejection.Outcome == OutcomeNoUser && !l.asked.Returned {
		return destination{m.address.SignIn(&l.asked, arrived), OutcomeSignIn}, nil
	}
	if rejection.Outcome == OutcomeNoUser {
		rejection = newLoginError(OutcomeLoop, rejection.Err)
	}
	if outcomes[rejection.Outcome].signIn {
		rejection.SignInURL = m.address.SignIn(&l.asked, arrived).URL
	}
	return destination{}, rejection
}

// send sends the visitor's browser to its destination.
func (m *Middleware) send(w http.ResponseWriter, next destination) {
	if next.Fields != nil {
		page.WriteForm(w, next.URL, next.Fields, m.address.FormOrigins)
		return
	}
	w.Header().Set("Location", next.URL) // http.Redirect would repeat the token in a body
	w.WriteHeader(http.StatusFound)
}

// reject answers a request that came to nothing.
func (m *Middleware) reject(w http.ResponseWriter, r *http.Request, rejection *LoginError) {
	switch rejection.Outcome {
	case OutcomeCanceled:
		return
	case OutcomeSpeculative, OutcomeEmbedded:
		w.WriteHeader(rejection.Status)
		return
	case OutcomeMethod:
		w.Header().Set("Allow", http.MethodGet)
	}
	if m.profile.errorHandler != nil {
		m.profile.errorHandler(w, r, rejection)
		return
	}
	p := page.Error{Outcome: string(rejection.Outcome), SignInURL: rejection.SignInURL}
	if missing, ok := rejection.Err.(*missingError); ok {
		p.Missing = missing.claims
	}
	p.Write(w, r, rejection.Status)
}

// Must returns m, and panics if err is not nil. Use it in a program that cannot start without
// the middleware: docslogin.Must(docslogin.New(…)).
func Must(m *Middleware, err error) *Middleware {
	if err != nil {
		panic(err)
	}
	return m
}

// Path returns the path of the login route, for routers that mount handlers by path.
func (m *Middleware) Path() string { return m.path }

// SetKey changes the key while requests are served. Each request signs with the old key or
// the new one. If the key does not pass the checks of [New], SetKey returns a [*ConfigError]
// and keeps the old key.
func (m *Middleware) SetKey(key Key) error {
	signer, err := newSigner(m.profile.platform.Algorithm, key)
	if err != nil {
		return err
	}
	m.signer.Store(signer)
	return nil
}

// LoginURL returns the URL that logs user in at the docs and leads to deepLink, for an app
// that needs the URL itself. The URL contains the token: give it to that user only, at once,
// in a response that is not stored. If deepLink is empty, or the route would reject it, the
// URL leads to the docs' home. There is no [Event].
//
// The error is a [*LoginError]. For a user who is nil or whose session has ended, it wraps
// [ErrNoUser]. If the platform takes the token in a form ([InForm]), there is no such URL: the
// error wraps [errors.ErrUnsupported], and the browser has to open the login route.
func (m *Middleware) LoginURL(ctx context.Context, user *User, deepLink string) (string, error) {
	if !m.address.HasURL() {
		return "", fmt.Errorf("docslogin: %s takes the token in a form, which no URL holds; send the browser to %s: %w", m.profile.platform.Name, m.address.RouteURL, errors.ErrUnsupported)
	}
	next, rejection := recovering(ctx, func() (destination, *LoginError) {
		if err := m.profile.checkSession(user, m.profile.now()); err != nil {
			return destination{}, newLoginError(OutcomeNoUser, err)
		}
		return m.issue(ctx, &loginRequest{user: user, asked: m.address.Link(deepLink)})
	})
	if rejection != nil {
		return "", rejection
	}
	return next.URL, nil
}

// Outcome is what became of a request.
type Outcome string

// The outcomes, each with the response that the visitor got.
const (
	OutcomeLoggedIn       Outcome = "logged_in"       // 302 to the docs, or 200 with a form that goes there
	OutcomeSignIn         Outcome = "sign_in"         // 302 to the sign-in page: nobody is signed in
	OutcomeNoUser         Outcome = "no_user"         // 401: nobody is signed in, and there is no sign-in page
	OutcomeLoop           Outcome = "loop"            // 401: nobody is signed in, right after the sign-in page
	OutcomeUserInfo       Outcome = "user_info"       // 200: the claims as JSON (Profile.ServeJSON)
	OutcomeOrigin         Outcome = "origin"          // 403: userinfo was not asked by a script of a configured origin
	OutcomeMethod         Outcome = "method"          // 405: the wrong method
	OutcomeSpeculative    Outcome = "speculative"     // 403 without a body: a prefetch
	OutcomeEmbedded       Outcome = "embedded"        // 403 without a body: a frame, an image, a fetch, a web socket
	OutcomeForbidden      Outcome = "forbidden"       // 403: ErrForbidden
	OutcomeIncompleteUser Outcome = "incomplete_user" // 403: a claim that the platform requires is missing
	OutcomeLookupFailed   Outcome = "lookup_failed"   // 500
	OutcomeMapperFailed   Outcome = "mapper_failed"   // 500
	OutcomeReservedClaim  Outcome = "reserved_claim"  // 500: a mapper set a claim that the library writes
	OutcomeSignFailed     Outcome = "sign_failed"     // 500
	OutcomePanic          Outcome = "panic"           // 500
	OutcomeTooLarge       Outcome = "too_large"       // 500: the URL or the token is too long to arrive
	OutcomeCanceled       Outcome = "canceled"        // nothing: the visitor has gone, or the app panicked with http.ErrAbortHandler
)

// outcomes has what each outcome means for the response and for the log.
var outcomes = map[Outcome]struct {
	level  slog.Level
	status int
	signIn bool // signing in, again or as somebody else, may help
}{
	OutcomeLoggedIn:       {level: slog.LevelDebug, status: 302},
	OutcomeSignIn:         {level: slog.LevelDebug, status: 302},
	OutcomeCanceled:       {level: slog.LevelDebug},
	OutcomeUserInfo:       {level: slog.LevelDebug, status: 200},
	OutcomeNoUser:         {level: slog.LevelDebug, status: 401},
	OutcomeLoop:           {level: slog.LevelInfo, status: 401, signIn: true}, // anybody can forge the return marker
	OutcomeOrigin:         {level: slog.LevelDebug, status: 403},
	OutcomeMethod:         {level: slog.LevelDebug, status: 405},
	OutcomeSpeculative:    {level: slog.LevelDebug, status: 403},
	OutcomeEmbedded:       {level: slog.LevelDebug, status: 403},
	OutcomeForbidden:      {level: slog.LevelInfo, status: 403, signIn: true},
	OutcomeIncompleteUser: {level: slog.LevelWarn, status: 403, signIn: true},
	OutcomeLookupFailed:   {level: slog.LevelError, status: 500},
	OutcomeMapperFailed:   {level: slog.LevelError, status: 500},
	OutcomeReservedClaim:  {level: slog.LevelError, status: 500},
	OutcomeSignFailed:     {level: slog.LevelError, status: 500},
	OutcomePanic:          {level: slog.LevelError, status: 500},
	OutcomeTooLarge:       {level: slog.LevelError, status: 500},
}

// LoginError says why a login was rejected.
type LoginError struct {
	Outcome   Outcome
	Status    int    // of the response; 0 for canceled
	SignInURL string // where the visitor can sign in, again or as somebody else; "" if that does not help
	Err       error  // the cause, for the operator and not for the visitor, or nil
}

func (e *LoginError) Error() string {
	if e.Err == nil {
		return "docslogin: " + string(e.Outcome)
	}
	return "docslogin: " + string(e.Outcome) + ": " + strings.TrimPrefix(fmt.Sprint(e.Err), "docslogin: ")
}

// Unwrap returns Err.
func (e *LoginError) Unwrap() error { return e.Err }

func newLoginError(o Outcome, err error) *LoginError {
	return &LoginError{Outcome: o, Status: outcomes[o].status, Err: err}
}

// recovering calls f, which calls the app's own funcs. A panic becomes a rejection, and so
// does everything that f returns if the visitor has gone meanwhile.
func recovering[T any](ctx context.Context, f func() (T, *LoginError)) (result T, rejection *LoginError) {
	defer func() {
		switch v := recover().(type) {
		case nil:
			if errors.Is(ctx.Err(), context.Canceled) {
				rejection = newLoginError(OutcomeCanceled, ctx.Err())
			}
		case error:
			if v == http.ErrAbortHandler { // net/http expects it
				panic(v)
			}
			rejection = newLoginError(OutcomePanic, &panicError{v, debug.Stack()})
		default:
			rejection = newLoginError(OutcomePanic, &panicError{fmt.Errorf("a value of type %T", v), debug.Stack()})
		}
	}()
	return f()
}

// panicError is a panic of the app's own funcs.
type panicError struct {
	error
	stack []byte
}

func (e *panicError) Unwrap() error { return e.error }

// Event is what an observer gets of one request. It contains no token, no claim other than
// the user's ID, and no query.
type Event struct {
	Outcome      Outcome
	Platform     string        // Platform.Name
	UserID       string        // User.ID, once the user is known
	DeepLink     string        // the path of the deep link, if it passed its check; never its query
	Warning      string        // what an operator should know whatever the outcome, or ""
	LinkRejected bool          // there was a deep link, and it was not followed
	URLBytes     int           // length of the URL that carries the token
	Duration     time.Duration // of the whole request
	Err          error         // why the login was rejected; its text may be the app's own
}

// report tells the logger and the observer what became of a request. A panic in one of them
// does not affect the response or the other one.
func (p *Profile) report(ctx context.Context, l *loginRequest, next destination, rejection *LoginError) {
	e, status := p.event(l, next, rejection)
	logger := cmp.Or(p.logger, slog.Default())
	recoverFrom(func() {
		if level := outcomes[e.Outcome].level; logger.Enabled(ctx, level) {
			logger.LogAttrs(ctx, level, "docs login", attrs(&e, l.route, status)...)
		}
	})
	if p.observer == nil {
		return
	}
	if v := recoverFrom(func() { p.observer(ctx, e) }); v != nil {
		recoverFrom(func() {
			logger.LogAttrs(ctx, slog.LevelError, "docs login: the observer panicked", slog.String("exception.type", fmt.Sprintf("%T", v)))
		})
	}
}

// event returns what became of a request, and the status of its response.
func (p *Profile) event(l *loginRequest, next destination, rejection *LoginError) (e Event, status int) {
	e = Event{
		Outcome: next.outcome, Platform: p.platform.Name, URLBytes: l.urlBytes, Duration: time.Since(l.start),
		DeepLink:     strings.Clone(l.asked.Link.Path), // the server may reuse the request's memory, as fasthttp does
		LinkRejected: l.asked.Rejected != "",
	}
	status = outcomes[e.Outcome].status
	if next.Fields != nil {
		status = http.StatusOK
	}
	if rejection != nil {
		e.Outcome, e.Err, status = rejection.Outcome, rejection.Err, rejection.Status
	}
	if l.user != nil {
		e.UserID = l.user.ID
	}
	var warnings []string
	if e.LinkRejected {
		warnings = append(warnings, "the deep link was rejected: "+l.asked.Rejected)
	}
	warnings = append(warnings, l.asked.Warnings...)
	if warning := next.Warning(); warning != "" {
		warnings = append(warnings, warning)
	}
	e.Warning = strings.Join(warnings, "; ")
	return e, status
}

// recoverFrom calls f and returns the value of its panic, or nil.
func recoverFrom(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}

// attrs has the names of OpenTelemetry's semantic conventions where there is one.
func attrs(e *Event, route string, status int) []slog.Attr {
	var attrs []slog.Attr
	text := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	text("docslogin.outcome", string(e.Outcome))
	text("docslogin.platform", e.Platform)
	text("http.route", route)
	attrs = append(attrs, slog.Int("http.response.status_code", status), slog.Duration("docslogin.duration", e.Duration))
	text("user.id", e.UserID)
	text("docslogin.deep_link", e.DeepLink)
	text("docslogin.warning", e.Warning)
	if e.LinkRejected {
		attrs = append(attrs, slog.Bool("docslogin.link_rejected", true))
	}
	if e.URLBytes > 0 {
		attrs = append(attrs, slog.Int("docslogin.url_bytes", e.URLBytes))
	}
	if e.Err != nil {
		text("exception.message", fmt.Sprint(e.Err)) // which a typed nil error does not break
	}
	if p, ok := e.Err.(*panicError); ok {
		text("exception.stacktrace", string(p.stack))
	}
	return attrs
}
