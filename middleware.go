// Package docslogin logs an app's signed-in users in to the company's hosted docs.
//
// Hosted docs (ReadMe, Mintlify, GitBook, and others) can greet readers by name, show them their
// own API key, and hide pages that they may not read. For this, the company's app must tell the
// docs who its signed-in user is. It signs a JSON Web Token (RFC 7519) about the user and redirects
// the browser back to the docs. [New] returns middleware that does this on one route:
//
//	docs, err := docslogin.New(lookup, platforms.ReadMe("https://docs.example.com", secret),
//		docslogin.WithSignInPage("/sign-in", "next"))
//	...
//	http.ListenAndServe(":8080", docs.Wrap(mux))
//
// In the docs' dashboard, enter the URL of the route, /docs-login, as the login URL. A [UserLookup]
// reads the app's own session and reports who is signed in; [SessionLookup] makes one for gorilla
// sessions. Visitors who are not signed in go to the app's sign-in page and then return to the docs
// page that they asked for. The middleware stores nothing between requests.
//
// Package platforms has a preset for each docs platform and documents what the docs learn about a
// user; [WithClaimsMapper] adds to that. A [Platform] is plain data: you can change a preset's
// result or write your own. Packages userinfo and webhook serve docs that request the claims
// themselves. Package docslogintest has test sites that behave like the platforms, and the
// docslogin command explains why a login is rejected.
//
// Use SameSite=Lax for the session cookie. Browsers do not send a SameSite=Strict cookie when docs on
// another site redirect to the route. If the token is in a query, the docs host may log it; the
// package cannot prevent that.
package docslogin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/docslogin/docslogin/internal/address"
	"github.com/docslogin/docslogin/internal/jsonvalue"
	"github.com/docslogin/docslogin/internal/keys"
	"github.com/docslogin/docslogin/internal/navigation"
	"github.com/docslogin/docslogin/internal/page"
	"github.com/docslogin/docslogin/internal/panics"
	"github.com/docslogin/docslogin/internal/sessionstore"
	"github.com/docslogin/docslogin/internal/visible"
)

// Middleware serves the login route of one docs site. Create one with [New]; the zero value is
// invalid. It prints as "[redacted]". It is safe for concurrent use by multiple goroutines.
type Middleware struct {
	redacted
	lookup  UserLookup
	profile *Profile         // maps users to claims, and reports events
	urls    *address.Builder // where browsers are sent
	path    string
	signer  atomic.Pointer[keys.Signer]
}

// New returns the middleware for one docs site. The lookup reports who is signed in, and the
// platform describes what the docs expect. New copies its arguments.
//
// New checks everything that it can check before the first request, and makes a trial signature. It
// returns all configuration errors at once, each as a [*ConfigError]. A nil lookup, a nil option,
// or a nil argument of an option is a configuration error.
func New(lookup UserLookup, platform Platform, opts ...Option) (*Middleware, error) {
	c := newConfig(platform, opts)
	if reason := checkLookup(lookup); reason != "" {
		c.fail("lookup", "%s", reason)
	}
	c.checkProfile()
	c.checkRoute()
	signer, err := newSigner(c.platform.Algorithm, c.platform.Key)
	if err != nil {
		c.add(err)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	urls := address.New(c.address())
	m := &Middleware{lookup: lookup, profile: c.newProfile(urls.DocsHost), urls: urls, path: c.path}
	m.signer.Store(signer)
	return m, nil
}

// Wrap returns a handler that serves the login route and passes every other request to next
// unchanged. If next is nil, Wrap uses [http.DefaultServeMux], as [http.ListenAndServe] does. Wrap
// the handler that the server runs, but inside any middleware that the lookup needs, such as
// session middleware. For several docs sites, wrap once for each, with its own [WithPath].
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

// ServeHTTP serves the login route, whatever the path of the request. To mount the route without
// Wrap, use mux.Handle("GET "+docs.Path(), docs).
func (m *Middleware) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	page.SetHeaders(w.Header())
	l := loginRequest{start: time.Now(), route: m.path}
	dest := destination{outcome: OutcomeCanceled} // stays if the app panics with http.ErrAbortHandler
	var rejection *LoginError
	defer func() { m.profile.report(r.Context(), &l, dest, rejection) }()
	dest, rejection = recovering(r.Context(), func() (destination, *LoginError) { return m.login(r, &l) })
	if rejection != nil {
		m.reject(w, r, &l, *rejection)
		return
	}
	m.send(w, dest)
}

// loginRequest is what is known about a request so far.
type loginRequest struct {
	start    time.Time       // for Event.Duration
	arrived  time.Time       // by the clock of WithClock
	route    string          // "": not the login route
	asked    address.Request // the deep link and the other parameters
	user     *User           // nil: nobody is signed in, or not known yet
	urlBytes int             // of the URL that the token goes to
}

// destination is where a login sends the visitor.
type destination struct {
	address.Destination
	outcome Outcome
	cause   error // of OutcomeSignIn, if it is more than ErrNoUser
}

// recovering calls f, which calls the app's own functions. A panic becomes a rejection. If the
// visitor has gone in the meantime, the result is OutcomeCanceled, whatever f returns.
func recovering[T any](ctx context.Context, f func() (T, *LoginError)) (result T, rejection *LoginError) {
	defer func() {
		switch v := recover(); {
		case v == http.ErrAbortHandler: // net/http expects it
			panic(v)
		case v != nil:
			rejection = newLoginError(OutcomePanic, panics.New(v))
		case errors.Is(ctx.Err(), context.Canceled):
			rejection = newLoginError(OutcomeCanceled, ctx.Err())
		}
	}()
	return f()
}

// login returns where the visitor goes next, or why the login is rejected.
func (m *Middleware) login(r *http.Request, l *loginRequest) (dest destination, rejection *LoginError) {
	if rejection := checkNavigation(r); rejection != nil {
		return dest, rejection
	}
	l.arrived = m.profile.now()
	l.asked = m.urls.Read(r.URL.RawQuery, l.arrived)
	l.user, rejection = m.profile.findUser(r, m.lookup, l.arrived)
	if rejection == nil {
		dest, rejection = m.issue(r.Context(), l)
	}
	if rejection != nil {
		return m.offerSignIn(l, rejection)
	}
	return dest, nil
}

// checkNavigation rejects what is not a visitor's navigation: another method, or a request whose
// result nobody will see.
func checkNavigation(r *http.Request) *LoginError {
	if r.Method != http.MethodGet {
		return newLoginError(OutcomeMethod, nil)
	}
	if navigation.IsSpeculative(r.Header) {
		return newLoginError(OutcomeSpeculative, nil)
	}
	if err := navigation.CheckEmbedded(r.Header); err != nil {
		return newLoginError(OutcomeEmbedded, err)
	}
	return nil
}

// issue signs the claims about the user and returns the destination that carries the token.
func (m *Middleware) issue(ctx context.Context, l *loginRequest) (dest destination, _ *LoginError) {
	token, claims, rejection := m.sign(ctx, l.user)
	if rejection != nil {
		return dest, rejection
	}
	docs, err := m.urls.Docs(&l.asked, token)
	l.urlBytes = len(docs.URL) // even if it is too long
	if err != nil {
		return dest, newTooLarge(err, claims)
	}
	return destination{Destination: docs, outcome: OutcomeLoggedIn}, nil
}

// sign returns a token with the claims about user, and these claims.
func (m *Middleware) sign(ctx context.Context, user *User) (token address.Token, _ Claims, _ *LoginError) {
	claims, rejection := m.profile.claims(ctx, user, forToken)
	if rejection != nil {
		return token, nil, rejection
	}
	payload, err := jsonvalue.Marshal(claims)
	if err != nil {
		return token, nil, newLoginError(OutcomeMapperFailed, fmt.Errorf("the claim %w", err))
	}
	if err := ctx.Err(); err != nil { // a deadline, which local keys do not heed; recovering handles a visitor who has gone
		return token, nil, newLoginError(OutcomeSignFailed, err)
	}
	token.Text, err = m.signer.Load().Sign(ctx, payload)
	if err != nil {
		return token, nil, newLoginError(OutcomeSignFailed, err)
	}
	token.IssuedAt, _ = claims["iat"].(int64)
	token.Expires, _ = claims["exp"].(int64)
	if err := m.urls.CheckToken(token); err != nil {
		return token, nil, newTooLarge(err, claims)
	}
	return token, claims, nil
}

func newTooLarge(err error, claims Claims) *LoginError {
	return newLoginError(OutcomeTooLarge, fmt.Errorf("%w; the largest claims: %s", err, jsonvalue.Largest(claims)))
}

// offerSignIn returns the sign-in page as the destination of a visitor who is not signed in, unless
// the visitor just came from there. It adds the page's URL to other rejections if that may help.
func (m *Middleware) offerSignIn(l *loginRequest, rejection *LoginError) (dest destination, _ *LoginError) {
	switch {
	case !m.urls.HasSignIn():
		return dest, rejection
	case rejection.Outcome == OutcomeNoUser && !l.asked.Returned:
		dest = destination{Destination: m.urls.SignIn(&l.asked, l.arrived), outcome: OutcomeSignIn}
		if rejection.Err != ErrNoUser {
			dest.cause = rejection.Err
		}
		return dest, nil
	case rejection.Outcome == OutcomeNoUser:
		rejection = newLoginError(OutcomeLoop, afterSignIn(rejection.Err, l.user))
	}
	if outcomes[rejection.Outcome].signIn {
		rejection.SignInURL = m.urls.SignIn(&l.asked, l.arrived).URL
	}
	return dest, rejection
}

// afterSignIn adds to err, the reason why nobody is signed in, what is probably wrong if the visitor
// has just signed in. user is the user whose session has ended, or nil.
func afterSignIn(err error, user *User) error {
	hint := ""
	absent := (*sessionstore.Absent)(nil)
	switch {
	case user != nil && !isWrongUnit(user.ExpiresAt): // otherwise err says what is wrong
		hint = "if the visitor has just signed in, the time zone or the unit of ExpiresAt is wrong"
	case errors.As(err, &absent):
		hint = absent.Hint
	case err == ErrNoUser:
		hint = "the lookup gives no reason, which it can do by wrapping ErrNoUser"
	}
	if hint == "" {
		return err
	}
	return fmt.Errorf("%w; %s", err, hint)
}

// send sends the visitor's browser to its destination.
func (m *Middleware) send(w http.ResponseWriter, dest destination) {
	if dest.Fields != nil {
		page.WriteForm(w, dest.URL, dest.Fields, m.urls.FormOrigins)
		return
	}
	if dest.Cookie != "" {
		w.Header().Add("Set-Cookie", dest.Cookie)
	}
	w.Header().Set("Location", dest.URL) // http.Redirect would repeat the token in a body
	w.WriteHeader(http.StatusFound)
}

// reject responds to a rejected request. The rejection is a copy, which an error handler may change.
func (m *Middleware) reject(w http.ResponseWriter, r *http.Request, l *loginRequest, rejection LoginError) {
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
		m.profile.errorHandler(w, r, &rejection)
		return
	}
	p := page.Error{Outcome: string(rejection.Outcome), SessionRejected: l.user != nil || len(r.Header["Cookie"]) > 0, SignInURL: rejection.SignInURL}
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

// SetKey replaces the key, even while requests are served: each one signs with the old or the new
// key. If the key fails the checks of [New], SetKey returns a [*ConfigError] and keeps the old key.
func (m *Middleware) SetKey(key Key) error {
	signer, err := newSigner(m.profile.platform.Algorithm, key)
	if err != nil {
		err.Platform = m.profile.platform.Name
		return err
	}
	m.signer.Store(signer)
	return nil
}

// LoginURL returns the URL that logs user in to the docs and opens deepLink, for an app that needs
// the URL itself. The URL contains the token: send it only to that user, immediately, in a response
// that is not stored. If deepLink is empty, the route would reject it, or the platform takes none,
// the URL leads to the docs' home page. LoginURL reports no [Event] and does not call the lookup.
//
// The error is a [*LoginError]. It wraps [ErrNoUser] if user is nil, or if the user's session has
// ended or ends too soon for the platform. If the platform takes the token in a form or a cookie, the
// error wraps [errors.ErrUnsupported] instead: send the browser to the login route.
func (m *Middleware) LoginURL(ctx context.Context, user *User, deepLink string) (string, error) {
	if !m.urls.HasURL() {
		return "", m.unsupported("not in a URL")
	}
	dest, err := forApp(ctx, m, user, func() (destination, *LoginError) {
		return m.issue(ctx, &loginRequest{user: user, asked: m.urls.Link(deepLink)})
	})
	return dest.URL, err
}

// Token returns only the token, for a widget or for docs that are embedded in a page of the app. Send it
// only to that user, to a script in the app's own page, in a response that is not stored. Never put it
// in a URL or a log. Token does not report an [Event]. It supports every platform, and otherwise
// returns the errors of [Middleware.LoginURL].
func (m *Middleware) Token(ctx context.Context, user *User) (string, error) {
	token, err := forApp(ctx, m, user, func() (address.Token, *LoginError) {
		token, _, rejection := m.sign(ctx, user)
		return token, rejection
	})
	return token.Text, err
}

// SetCookie adds the cookie that carries the token to the response w ([InCookie]). Call it in a sign-in
// handler, before you write the response. Readers then arrive at the docs logged in, without a visit to
// the login route. SetCookie also sets Cache-Control, because no cache may store the response. It does
// not report an [Event].
//
// SetCookie returns the errors of [Middleware.LoginURL], but [errors.ErrUnsupported] means that the
// platform does not take the token in a cookie. After an error, w is unchanged. The browser may still
// have an earlier user's cookie, which [Middleware.ClearCookie] removes.
func (m *Middleware) SetCookie(ctx context.Context, w http.ResponseWriter, user *User) error {
	if m.urls.Place != address.Cookie {
		return m.unsupported("not in a cookie")
	}
	dest, err := forApp(ctx, m, user, func() (destination, *LoginError) {
		return m.issue(ctx, &loginRequest{user: user})
	})
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", page.NoStore)
	w.Header().Add("Set-Cookie", dest.Cookie)
	return nil
}

// ClearCookie removes the token's cookie from the browser. Call it in a sign-out handler, before you write
// the response. Without [InCookie], it does nothing. A copy of the token stays valid until it expires.
func (m *Middleware) ClearCookie(w http.ResponseWriter) {
	if cookie := m.urls.ClearCookie(); cookie != "" {
		w.Header().Add("Set-Cookie", cookie)
	}
}

func (m *Middleware) unsupported(reason string) error {
	return fmt.Errorf("docslogin: %s takes the token in %s, %s; send the browser to %s: %w", m.profile.platform.Name, m.urls.Place, reason, m.urls.RouteURL, errors.ErrUnsupported)
}

// forApp calls f, which signs a token for a user from the app, after it has checked the user's session.
func forApp[T any](ctx context.Context, m *Middleware, user *User, f func() (T, *LoginError)) (T, error) {
	var none T
	result, rejection := recovering(ctx, func() (T, *LoginError) {
		if err := m.profile.checkSession(user, m.profile.now()); err != nil {
			return none, newLoginError(OutcomeNoUser, err)
		}
		return f()
	})
	if rejection != nil {
		return none, rejection
	}
	return result, nil
}

// LoginPath returns a link to the login route, for a page of the app such as its menu. The link logs
// users in and opens page: a path as in the platform's own deep links, or an absolute URL. If page is
// empty, or the platform takes none, it opens the docs' home page. The route checks page as always.
func (m *Middleware) LoginPath(page string) string { return m.urls.LoginPath(page) }

// LogoutURL returns the URL that ends the docs session (Platform.Logout), or "" if there is none. In a
// sign-out handler, end the app's session first, and then redirect to this URL.
func (m *Middleware) LogoutURL() string { return m.urls.LogoutURL }

// ReturnURL returns the URL to which a sign-in handler redirects the visitor after the sign-in. It
// reads the return URL from the parameter that [WithSignInPage] names, in the form or the query of
// r. It checks the return URL, because anybody can make a link to a sign-in page.
//
// The return URL must be a path, or an absolute URL on the origin of [WithExternalURL]. The rules of
// deep links apply to it, but it may have up to 8,000 bytes. If it is missing or invalid, or without
// WithSignInPage, ReturnURL returns the app's home page, which is the path of WithExternalURL, or "/".
// The home page is an absolute URL if the sign-in page is on another origin. ReturnURL never uses the
// Host header.
//
// The result is printable ASCII. If the page's form sends it back, ReturnURL returns it unchanged.
// After a POST, redirect to it with status 303.
//
// ReturnURL calls [http.Request.ParseForm], which does not read the body of a GET. If the form is
// multipart/form-data, call ParseMultipartForm first.
func (m *Middleware) ReturnURL(r *http.Request) string {
	_ = r.ParseForm() // even after an error, r.Form has what could be parsed
	return m.urls.ReturnURL(r.Form.Get)
}

// PageURL returns the URL of the deep link in the query of r, without a token. Use it, for example,
// to link back to the docs from an error page, or from the page to which a docs logout leads. If there
// is no deep link, or the login route would reject it, PageURL returns the URL of the docs' home page.
func (m *Middleware) PageURL(r *http.Request) string { return m.urls.PageURL(r.URL.RawQuery) }

// Outcome is the result of a request.
type Outcome string

// The outcomes, each with the response that the visitor gets.
const (
	OutcomeLoggedIn       Outcome = "logged_in"       // 302 to the docs, or 200 with a form that posts to them
	OutcomeSignIn         Outcome = "sign_in"         // 302 to the sign-in page: nobody is signed in
	OutcomeNoUser         Outcome = "no_user"         // 401: nobody is signed in, and no sign-in page can help
	OutcomeLoop           Outcome = "loop"            // 401: nobody is signed in, even right after the sign-in page
	OutcomeUserInfo       Outcome = "user_info"       // 200: the claims as JSON (Profile.ServeJSON)
	OutcomeOrigin         Outcome = "origin"          // 403: userinfo was called from an origin that is not configured, or by a request whose response no script can read
	OutcomeMethod         Outcome = "method"          // 405: the wrong method
	OutcomeSpeculative    Outcome = "speculative"     // 403 without a body: a prefetch, or a prefetch header that is too long
	OutcomeEmbedded       Outcome = "embedded"        // 403 without a body: a frame, an image, a fetch, a WebSocket, or fetch metadata that is too long
	OutcomeForbidden      Outcome = "forbidden"       // 403: ErrForbidden
	OutcomeIncompleteUser Outcome = "incomplete_user" // 403: a claim that the platform requires is missing
	OutcomeLookupFailed   Outcome = "lookup_failed"   // 500
	OutcomeMapperFailed   Outcome = "mapper_failed"   // 500
	OutcomeReservedClaim  Outcome = "reserved_claim"  // 500: a mapper set a claim that the library writes
	OutcomeSignFailed     Outcome = "sign_failed"     // 500
	OutcomePanic          Outcome = "panic"           // 500
	OutcomeTooLarge       Outcome = "too_large"       // 500: the URL or the token is too long
	OutcomeCanceled       Outcome = "canceled"        // no response: the visitor has left, or the app panicked with http.ErrAbortHandler
)

// outcomes has the log level and the response status of each outcome.
var outcomes = map[Outcome]struct {
	level  slog.Level
	status int
	signIn bool // signing in again, or as another user, may help
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

// LoginError describes why a login was rejected.
type LoginError struct {
	Outcome   Outcome
	Status    int    // of the response; 0 for canceled
	SignInURL string // where the visitor can sign in again, or as another user; "" if that does not help
	Err       error  // the cause, or nil; for the operator, not for the visitor
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

// Event describes one request. It contains no token, no query, and no claim except the user's ID.
type Event struct {
	Outcome      Outcome
	Platform     string        // Platform.Name
	UserID       string        // User.ID, once the user is known
	DeepLink     string        // the path of the deep link, percent-encoded, if it passed its check; never its query
	Warning      string        // what the operator should know, whatever the outcome; or ""
	LinkRejected bool          // the deep link was dropped, or the query was too long to read
	URLBytes     int           // length of the URL that the token goes to
	Duration     time.Duration // of the whole request
	Err          error         // why the login was rejected, or why somebody counts as not signed in; the text may come from the app
}

// report reports the outcome of a request to the logger and the observer. A panic in one of them
// does not affect the response or the other one.
func (p *Profile) report(ctx context.Context, l *loginRequest, dest destination, rejection *LoginError) {
	e, status := p.event(l, dest, rejection)
	logger := cmp.Or(p.logger, slog.Default())
	panics.Catch(func() {
		level := outcomes[e.Outcome].level
		if l.user != nil && isWrongUnit(l.user.ExpiresAt) { // no visitor can bring that about
			level = max(level, slog.LevelWarn)
		}
		if logger.Enabled(ctx, level) {
			logger.LogAttrs(ctx, level, "docs login", logAttrs(&e, l.route, status)...)
		}
	})
	if p.observer == nil {
		return
	}
	if v := panics.Catch(func() { p.observer(ctx, e) }); v != nil {
		panics.Catch(func() {
			logger.LogAttrs(ctx, slog.LevelError, "docs login: the observer panicked", slog.String("exception.type", fmt.Sprintf("%T", v)), slog.String("exception.message", visible.Escape(panics.New(v).Error())))
		})
	}
}

// event returns the event of a request and the status of its response.
func (p *Profile) event(l *loginRequest, dest destination, rejection *LoginError) (e Event, status int) {
	e = Event{
		Outcome: dest.outcome, Err: dest.cause, Platform: p.platform.Name, URLBytes: l.urlBytes, Duration: time.Since(l.start),
		DeepLink:     strings.Clone(l.asked.LinkPath), // the server may reuse the request's memory, as fasthttp does
		LinkRejected: l.asked.Rejected != "",
	}
	status = outcomes[e.Outcome].status
	if dest.Fields != nil {
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
	if l.user != nil && l.user.ExpiresAt.Year() > 9999 {
		warnings = append(warnings, "ExpiresAt is after the year 9999; for milliseconds, use time.UnixMilli")
	}
	if warning := dest.Warning(); warning != "" {
		warnings = append(warnings, warning)
	}
	e.Warning = strings.Join(warnings, "; ")
	return e, status
}

// logAttrs returns an event's log attributes, with OpenTelemetry's names where these exist.
func logAttrs(e *Event, route string, status int) []slog.Attr {
	var attrs []slog.Attr
	text := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, visible.Escape(value)))
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
		text("exception.message", fmt.Sprint(e.Err)) // a typed nil error does not make it panic
	}
	if p, ok := e.Err.(*panics.Error); ok {
		attrs = append(attrs, slog.String("exception.stacktrace", string(p.Stack)))
	}
	return attrs
}
