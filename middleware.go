package docslogin

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/docslogin/docslogin/internal/deeplink"
	"github.com/docslogin/docslogin/internal/keys"
)

// Middleware is the login route of one docs site. [New] makes one; the zero value is of
// no use. All its methods may be called by many goroutines at once.
type Middleware struct {
	*config
	signer atomic.Pointer[keys.Signer]
}

// New returns the middleware for one docs site. The lookup says who is signed in; the
// platform says what the docs expect. What is handed over is copied.
//
// New checks everything that can be checked before the first request, down to a trial
// signature, and returns all mistakes at once, each a [*ConfigError]. A nil lookup, a nil
// option and a nil argument of one are mistakes too.
func New(lookup UserLookup, platform Platform, opts ...Option) (*Middleware, error) {
	m := &Middleware{config: newConfig(lookup, platform, opts)}
	m.signer.Store(m.checkRoute())
	if err := errors.Join(m.mistakes...); err != nil {
		return nil, err
	}
	return m, nil
}

// Wrap returns a handler that serves the route itself and hands every other request to
// next, untouched. A nil next is [http.DefaultServeMux], as in [http.ListenAndServe].
// Wrap the handler that the server runs, inside whatever the lookup needs, such as a
// session middleware. For several docs sites wrap several times, each with its [WithPath].
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

// ServeHTTP is the route alone, whatever the request's path: mux.Handle(docs.Path(), docs).
func (m *Middleware) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e := Event{Outcome: OutcomeCanceled, Platform: m.platform.Name} // unless something comes of it
	defer m.report(r.Context(), &e, time.Now())

	setHeaders(w.Header())
	next, refusal := guarded(r.Context(), func() (hop, *LoginError) { return m.decide(r, &e) })
	if refusal != nil {
		m.refuse(w, r, refusal, &e)
		return
	}
	m.send(w, next)
}

// decide says where a request's visitor is sent, or why nowhere.
func (m *Middleware) decide(r *http.Request, e *Event) (next hop, refusal *LoginError) {
	if o := unfit(r); o != "" {
		return hop{}, refused(o, nil)
	}
	v := m.readVisit(r.URL.RawQuery, e)
	user, refusal := m.visitor(r, e)
	if refusal == nil {
		next, refusal = m.toDocs(r.Context(), user, v, e)
	}
	switch {
	case refusal == nil:
		e.Outcome = OutcomeLoggedIn
	case refusal.Outcome != OutcomeNoUser || m.signIn == "": // a page says why
	case v.returned:
		refusal = refused(OutcomeLoop, refusal.Err)
	default:
		next, refusal = hop{URL: m.signInURL(v, e)}, nil
		e.Outcome = OutcomeSignIn
	}
	if refusal != nil && answers[refusal.Outcome].signIn && m.signIn != "" {
		refusal.SignInURL = m.signInURL(v, e)
	}
	e.warnLong(next)
	return next, refusal
}

// visitor says who sent a request.
func (c *config) visitor(r *http.Request, e *Event) (*User, *LoginError) {
	user, err := c.lookup(r)
	switch {
	case errors.Is(err, ErrForbidden):
		return nil, refused(OutcomeForbidden, err)
	case err != nil && !errors.Is(err, ErrNoUser):
		return nil, refused(OutcomeLookupFailed, err)
	case err != nil || !c.isSignedIn(user):
		return nil, refused(OutcomeNoUser, cmp.Or(err, ErrNoUser))
	}
	e.UserID = user.ID
	return user, nil
}

// toDocs signs what the docs may know of the user, and says how that gets there.
func (m *Middleware) toDocs(ctx context.Context, user *User, v visit, e *Event) (hop, *LoginError) {
	claims, refusal := m.claimsOf(ctx, user)
	if refusal != nil {
		return hop{}, refusal
	}
	m.addOwned(claims)
	payload, refusal := written(claims)
	if refusal != nil {
		return hop{}, refusal
	}
	if err := ctx.Err(); err != nil {
		return hop{}, refused(OutcomeSignFailed, err)
	}
	token, err := m.signer.Load().Sign(ctx, payload)
	if err != nil {
		return hop{}, refused(OutcomeSignFailed, err)
	}
	next, err := m.hopTo(v, token, e)
	if err != nil {
		return hop{}, refused(OutcomeTooLarge, fmt.Errorf("%w; the largest claims: %s", err, largest(claims)))
	}
	return next, nil
}

// claimsOf says what the docs may know of the user, and until when.
func (c *config) claimsOf(ctx context.Context, user *User) (Claims, *LoginError) {
	claims := Claims{}
	for _, mapper := range c.mappers {
		if err := mapper(ctx, user, claims); errors.Is(err, ErrForbidden) {
			return nil, refused(OutcomeForbidden, err)
		} else if err != nil {
			return nil, refused(OutcomeMapperFailed, err)
		}
	}
	if err := c.checkComplete(user, claims); err != nil {
		return nil, refused(OutcomeIncompleteUser, err)
	}
	if err := c.checkOwned(claims); err != nil {
		return nil, refused(OutcomeOwnedClaim, err)
	}
	if !c.isSignedIn(user) { // any more: mappers take their time
		return nil, refused(OutcomeNoUser, ErrNoUser)
	}
	c.addSession(user, claims)
	return claims, nil
}

// Must returns m, and panics if err is not nil. It is for a program that cannot start
// without the middleware: docslogin.Must(docslogin.New(…)).
func Must(m *Middleware, err error) *Middleware {
	if err != nil {
		panic(err)
	}
	return m
}

// Path returns the path of the route, for routers that mount handlers by path.
func (m *Middleware) Path() string { return m.path }

// SetKey changes the key while requests are served. A request signs with the old key or
// the new one. A key that does not pass the checks of [New] is a [*ConfigError], and the
// old one stays.
func (m *Middleware) SetKey(key Key) error {
	signer, err := m.newSigner(key)
	if err != nil {
		return err
	}
	m.signer.Store(signer)
	return nil
}

// LoginURL returns the URL that signs user in at the docs and leads to deepLink, for an
// app that wants the URL itself. The URL holds the token: hand it to that user only, at
// once, in a response that is not stored. An empty deepLink, or one that the route would
// refuse, leads to the docs' home.
//
// The error is a [*LoginError]; for a nil user, or one whose session has ended, it wraps
// [ErrNoUser]. But a platform that takes the token in a form ([InForm]) has no such URL: the
// error is one that wraps [errors.ErrUnsupported], and the browser has to open the route.
// There is no [Event], and no way to the sign-in page.
func (m *Middleware) LoginURL(ctx context.Context, user *User, deepLink string) (string, error) {
	if m.platform.Carrier.place == inForm {
		return "", fmt.Errorf("docslogin: %s takes the token in a form, which no URL holds; send the browser to %s: %w", m.platform.Name, m.wayBack, errors.ErrUnsupported)
	}
	next, refusal := guarded(ctx, func() (hop, *LoginError) {
		if !m.isSignedIn(user) {
			return hop{}, refused(OutcomeNoUser, ErrNoUser)
		}
		var e Event
		return m.toDocs(ctx, user, m.checkLink(deepLink, &e), &e)
	})
	if refusal != nil {
		return "", refusal
	}
	return next.URL, nil
}

// UserInfo returns a handler that answers a request of the docs' own pages, by a script in
// the visitor's browser, with what they may know of the visitor as JSON: for docs that need
// no token because they share the app's session, such as Mintlify's personalization. The
// docs' dashboard is given the URL where it is mounted. The lookup, the mappers and what is
// refused are those of [New]; 401 is for nobody, and without [WithErrorHandler] a refusal is
// JSON, too: {"error": "…"}, with the status in words.
//
// The JSON is what the mappers set and the claim that ends the docs session
// ([Lifetime].SessionClaim), without what the library writes into every token. Of the
// platform, Name, Mapper, Required, Lifetime and the claims that it owns count: no key is
// needed, and no docs URL. Options about the route and the sign-in page have no effect;
// [WithTokenTTL] has none either, but is checked.
//
// The origins are the docs', such as "https://docs.example.com", exactly as browsers send
// them: the pages of no other may read the answer. Nil: only the app's own. The docs must
// be on the same site as the app, as docs.example.com and app.example.com are, or browsers
// send no cookie along; the app's session cookie is then best left at SameSite=Lax.
//
// All mistakes come back at once, each a [*ConfigError]. The handler may be called by many
// goroutines at once.
//
// Sources: Mintlify's page on personalization; the Fetch standard on CORS.
func UserInfo(lookup UserLookup, platform Platform, origins []string, opts ...Option) (http.Handler, error) {
	u := &userInfo{config: newConfig(lookup, platform, opts)}
	u.methods = "GET, OPTIONS"
	if u.errorHandler == nil {
		u.errorHandler = writeError
	}
	u.origins = u.checkOrigins(origins)
	if err := errors.Join(u.mistakes...); err != nil {
		return nil, err
	}
	return u, nil
}

type userInfo struct {
	*config
	origins []string
}

// Now is the handler's clock, for package readmewebhook.
func (u *userInfo) Now() time.Time { return u.now() }

func (u *userInfo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e := Event{Outcome: OutcomeCanceled, Platform: u.platform.Name} // unless something comes of it
	defer u.report(r.Context(), &e, time.Now())

	h := w.Header()
	setHeaders(h)
	u.allow(h, r.Header["Origin"], &e)
	if r.Method == http.MethodOptions {
		e.Outcome = OutcomePreflight
		h.Set("Allow", u.methods)
		h.Set("Access-Control-Allow-Methods", http.MethodGet)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	answer, refusal := guarded(r.Context(), func() ([]byte, *LoginError) { return u.answer(r, &e) })
	if refusal != nil {
		u.refuse(w, r, refusal, &e)
		return
	}
	h.Set("Content-Type", "application/json")
	_, _ = w.Write(answer)
}

// allow lets the page read the answer if its origin is one of those that may.
func (u *userInfo) allow(h http.Header, origin []string, e *Event) {
	h.Add("Vary", "Origin")
	h.Del("Access-Control-Allow-Origin") // of a handler around this one, which may be less strict
	h.Del("Access-Control-Allow-Credentials")
	if len(origin) == 0 {
		return
	}
	i := slices.Index(u.origins, origin[0])
	if i < 0 || len(origin) > 1 {
		e.warn("the request comes from a page whose origin is not among those that may read the answer")
		return
	}
	h.Set("Access-Control-Allow-Origin", u.origins[i])
	h.Set("Access-Control-Allow-Credentials", "true")
}

func (u *userInfo) answer(r *http.Request, e *Event) ([]byte, *LoginError) {
	if r.Method != http.MethodGet {
		return nil, refused(OutcomeMethod, nil)
	}
	user, refusal := u.visitor(r, e)
	if refusal != nil {
		return nil, refusal
	}
	claims, refusal := u.claimsOf(r.Context(), user)
	if refusal != nil {
		return nil, refusal
	}
	delete(claims, "exp") // a token's, also where that is the session
	e.Outcome = OutcomeUserInfo
	return written(claims)
}

// setHeaders makes an answer that nobody keeps and that sends no referrer.
func setHeaders(h http.Header) {
	values := [...]string{"private, no-store, max-age=0", "no-cache", "no-referrer", "nosniff"}
	for i, name := range [...]string{"Cache-Control", "Pragma", "Referrer-Policy", "X-Content-Type-Options"} {
		h[name] = values[i : i+1 : i+1] // Set would allocate for each
	}
}

// unfit names what keeps a request from a login whoever sends it: it is no GET, or no
// visitor is going to see the page that it asks for.
func unfit(r *http.Request) Outcome {
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
	// Sec-Fetch-Site says nothing here: a login comes from another site, the docs.
	mode, dest := r.Header["Sec-Fetch-Mode"], r.Header["Sec-Fetch-Dest"]
	isNot := func(allowed ...string) func(string) bool {
		return func(value string) bool { return !slices.Contains(allowed, value) }
	}
	if slices.ContainsFunc(mode, isNot("navigate")) || slices.ContainsFunc(dest, isNot("document", "empty")) {
		return OutcomeEmbedded
	}
	return ""
}

// visit is what a request says beside who sends it.
type visit struct {
	link     deeplink.Link // to the page that the visitor wanted; zero: the docs' home
	given    string        // that link as it came
	echo     url.Values    // the platform's other parameters
	returned bool          // the visitor comes straight from the sign-in page
}

const (
	returnMarker = "docslogin_sent" // on the way back: when the visitor was sent to sign in, Unix seconds
	returnWindow = 10 * time.Minute // for which the marker counts, so that a bookmark does not meet the loop page for ever
	maxEcho      = 256              // bytes of an echoed parameter
	maxQuery     = 1 << 16          // bytes that are searched: far more than what may be in them
)

func (m *Middleware) readVisit(query string, e *Event) visit {
	if len(query) > maxQuery {
		e.refuseLink("the query is too long")
		return visit{}
	}
	v := m.checkLink(deeplink.Param(query, m.platform.DeepLink.In), e)
	for _, name := range m.platform.Echo {
		switch value := deeplink.Param(query, name); {
		case value == "":
		case len(value) > maxEcho:
			e.warn(fmt.Sprintf("the parameter %s is over %d bytes and was dropped", name, maxEcho))
		default:
			if v.echo == nil {
				v.echo = url.Values{}
			}
			v.echo.Set(name, value)
		}
	}
	marker := deeplink.Param(query, returnMarker)
	if marker == "" { // as nearly always: spare ParseInt's error
		return v
	}
	if sent, err := strconv.ParseInt(marker, 10, 64); err == nil {
		age := m.now().Sub(time.Unix(sent, 0))
		v.returned = -time.Minute <= age && age <= returnWindow // instances' clocks differ
	}
	return v
}

// checkLink keeps a deep link or drops it; a login is never refused for one.
func (m *Middleware) checkLink(given string, e *Event) visit {
	if m.platform.DeepLink.In == "" {
		return visit{}
	}
	link, err := m.site.Check(given)
	if err != nil {
		e.refuseLink(err.Error())
	}
	if link == (deeplink.Link{}) {
		return visit{}
	}
	e.DeepLink = strings.Clone(link.Path) // an observer may keep it; under fasthttp the query is written over
	return visit{link: link, given: given}
}

// isSignedIn reports whether the user is somebody whose session lasts for the docs.
func (c *config) isSignedIn(user *User) bool {
	if user == nil {
		return false
	}
	if user.ExpiresAt.IsZero() {
		return true
	}
	now := c.now()
	return user.ExpiresAt.Unix() > now.Unix() && user.ExpiresAt.Sub(now) >= c.platform.Lifetime.MinSession
}

// checkComplete names the claims that the platform requires and the user lacks.
func (c *config) checkComplete(user *User, claims Claims) error {
	var missing []string
	for _, required := range c.platform.Required {
		has := false
		for name := range strings.SplitSeq(required, "|") {
			has = has || !isEmpty(claims[name])
		}
		if !has {
			missing = append(missing, strings.ReplaceAll(required, "|", " or "))
		}
	}
	if reflect.ValueOf(user).Elem().IsZero() { // which a lookup returns by mistake, for a visitor who is not signed in
		missing = []string{"a name, an e-mail address or an ID"}
	}
	if missing != nil {
		return &missingError{missing}
	}
	return nil
}

// isEmpty reports whether a claim says nothing, as its JSON: null, a blank string, or an
// object or a list without anything in it.
func isEmpty(claim any) bool {
	if text, ok := claim.(string); ok {
		return strings.TrimSpace(text) == ""
	}
	var text string
	written, _ := json.Marshal(claim) // what is no JSON has an error of its own
	if json.Unmarshal(written, &text) != nil {
		return string(written) == "[]" || string(written) == "{}"
	}
	return strings.TrimSpace(text) == ""
}

type missingError struct{ claims []string }

func (e *missingError) Error() string {
	return "the user lacks what the platform requires: " + strings.Join(e.claims, ", ")
}

// checkOwned names a claim that a mapper sets and that is the library's own.
func (c *config) checkOwned(claims Claims) error {
	for _, name := range c.owned {
		if _, set := claims[name]; set {
			return fmt.Errorf("a mapper or an attribute sets the claim %q, which the library writes; use another name", name)
		}
	}
	return nil
}

// addOwned writes the claims that are a token's own.
func (c *config) addOwned(claims Claims) {
	p, now := &c.platform, c.now()
	maps.Copy(claims, p.Static)
	claims["iat"] = now.Unix()
	if p.Lifetime.Token > 0 {
		claims["exp"] = now.Add(p.Lifetime.Token).Unix()
	}
	if p.HostClaim != "" {
		claims[p.HostClaim] = c.host
	}
	if p.TokenID {
		claims["jti"] = rand.Text()
	}
}

// addSession writes when the docs session ends.
func (c *config) addSession(user *User, claims Claims) {
	l := &c.platform.Lifetime
	if l.SessionClaim == "" {
		return
	}
	end := c.now().Add(l.Session)
	if !user.ExpiresAt.IsZero() && user.ExpiresAt.Before(end) {
		end = user.ExpiresAt
	}
	claims[l.SessionClaim] = end.Unix()
}

// written returns the claims as JSON.
func written(claims Claims) ([]byte, *LoginError) {
	text, err := json.Marshal(claims)
	if err != nil {
		return nil, refused(OutcomeMapperFailed, unwritable(claims))
	}
	return text, nil
}

// unwritable names the claim that encoding/json refused, without what json says of it,
// which may quote the value.
func unwritable(claims Claims) error {
	for name, value := range claims {
		if _, err := json.Marshal(value); err != nil {
			return fmt.Errorf("the claim %q, a %T, cannot be written as JSON", name, value)
		}
	}
	return errors.New("the claims cannot be written as JSON")
}

// What URLs may measure in bytes, from what was measured of servers and browsers.
const (
	maxQueryURL    = 8000  // nginx and CDNs answer 414 beyond 8 KiB
	maxFragmentURL = 16000 // it reaches no server, but must pass the proxy in front of the app
	warnURL        = 3000  // nginx in front of the app, with its default buffers, passes a little more
)

// hop is where a visitor's browser goes next: to a URL, with a form that it posts there
// if there are fields.
type hop struct {
	URL    string
	Fields []field
}

type field struct{ Name, Value string }

// hopTo says how the token gets to the docs, if what carries it is short enough to arrive.
// A link that makes a URL too long is dropped.
func (m *Middleware) hopTo(v visit, token string, e *Event) (hop, error) {
	if limit := m.platform.MaxTokenBytes; limit > 0 && len(token) > limit {
		return hop{}, fmt.Errorf("the token is %d bytes long, and this platform takes %d", len(token), limit)
	}
	limit := maxQueryURL
	if m.platform.Carrier.place == inFragment {
		limit = maxFragmentURL
	}
	next := m.address(v, token)
	if len(next.URL) > limit && v.given != "" {
		if home := m.address(v.withoutLink(), token); len(home.URL) <= limit {
			e.refuseLink("it makes the URL too long")
			next = home
		}
	}
	if e.URLBytes = len(next.URL); e.URLBytes > limit {
		return hop{}, fmt.Errorf("the URL is %d bytes long, and more than %d do not arrive", e.URLBytes, limit)
	}
	return next, nil
}

// address writes the token, the link and the platform's other parameters into the URL, or
// the first two into a form.
func (m *Middleware) address(v visit, token string) hop {
	p, page, anchor := &m.platform, m.target, ""
	if m.toPage && v.given != "" {
		page = v.link.Origin + deeplink.Escape(v.link.Path+v.link.Suffix)
		if i := strings.IndexByte(page, '#'); i >= 0 {
			page, anchor = page[:i], page[i:]
		}
	}
	var b strings.Builder
	b.Grow(len(page) + len(token) + 3*len(v.given) + 64)
	b.WriteString(page)
	hasQuery := strings.Contains(page, "?")
	add := func(pairs ...string) {
		b.WriteString(separator(hasQuery))
		hasQuery = true
		for _, part := range pairs {
			b.WriteString(part)
		}
	}
	if len(v.echo)+len(p.Params) > 0 {
		others := url.Values{}
		for name, value := range p.Params {
			others.Set(name, value)
		}
		maps.Copy(others, v.echo)
		add(others.Encode())
	}
	var fields []field
	switch p.Carrier.place {
	case inQuery:
		add(url.QueryEscape(p.Carrier.name), "=", token)
	case inFragment:
		anchor = "#" + token
	case inForm:
		fields = []field{{p.Carrier.name, token}}
	}
	if !m.toPage && v.given != "" {
		if link := p.DeepLink.Form.of(v.link); fields != nil {
			fields = append(fields, field{p.DeepLink.Out, link})
		} else {
			add(url.QueryEscape(p.DeepLink.Out), "=", url.QueryEscape(link))
		}
	}
	b.WriteString(anchor)
	return hop{b.String(), fields}
}

// of writes a link in the form.
func (f LinkForm) of(l deeplink.Link) string {
	switch f {
	case AsURL:
		return l.Origin + l.Path + l.Suffix
	case AsGiven:
		return l.Given
	}
	return l.Path + l.Suffix
}

// signInURL returns the sign-in page's URL with the way back to this very visit in it.
// Nothing in it comes from the request but the link, which has passed its check, and the
// echoed parameters.
func (m *Middleware) signInURL(v visit, e *Event) string {
	back := url.Values{returnMarker: {strconv.FormatInt(m.now().Unix(), 10)}}
	maps.Copy(back, v.echo)
	if v.given != "" {
		back.Set(m.platform.DeepLink.In, v.given)
	}
	location := m.signIn + url.QueryEscape(m.wayBack+"?"+back.Encode()) + m.signInTail
	if len(location) > maxQueryURL && v.given != "" {
		e.refuseLink("it makes the URL too long")
		return m.signInURL(v.withoutLink(), e)
	}
	return location
}

func (v visit) withoutLink() visit {
	v.link, v.given = deeplink.Link{}, ""
	return v
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
	var b strings.Builder
	for i, name := range names[:min(3, len(names))] {
		fmt.Fprintf(&b, "%s%s (%d bytes)", strings.Repeat(", ", min(i, 1)), name, sizes[name])
	}
	return b.String()
}

// An Outcome is what became of a request on the route.
type Outcome string

// The outcomes. What the visitor got is behind each.
const (
	OutcomeLoggedIn       Outcome = "logged_in"       // 302 to the docs, or 200 with a form that goes there
	OutcomeSignIn         Outcome = "sign_in"         // 302 to the sign-in page: nobody is signed in
	OutcomeNoUser         Outcome = "no_user"         // 401: nobody is signed in, and there is no sign-in page
	OutcomeLoop           Outcome = "loop"            // 401: nobody is signed in, straight after the sign-in page
	OutcomeMethod         Outcome = "method"          // 405: no GET
	OutcomeSpeculative    Outcome = "speculative"     // 403 without a body: a prefetch
	OutcomeEmbedded       Outcome = "embedded"        // 403 without a body: a frame, an image, a fetch, a web socket
	OutcomeForbidden      Outcome = "forbidden"       // 403: ErrForbidden
	OutcomeIncompleteUser Outcome = "incomplete_user" // 403: a claim that the platform requires is missing
	OutcomeLookupFailed   Outcome = "lookup_failed"   // 500
	OutcomeMapperFailed   Outcome = "mapper_failed"   // 500
	OutcomeOwnedClaim     Outcome = "owned_claim"     // 500: a mapper set a claim that the library owns
	OutcomeSignFailed     Outcome = "sign_failed"     // 500
	OutcomePanic          Outcome = "panic"           // 500
	OutcomeTooLarge       Outcome = "too_large"       // 500: the URL would not arrive
	OutcomeCanceled       Outcome = "canceled"        // nothing: the visitor has gone, or a func of the app's panicked with http.ErrAbortHandler
	OutcomeUserInfo       Outcome = "user_info"       // 200: UserInfo's JSON
	OutcomePreflight      Outcome = "preflight"       // 204: a browser asks whether a page may ask UserInfo
)

// Event is what an observer learns of one request on the route. It holds no token, no
// claim and no query.
type Event struct {
	Outcome     Outcome
	Platform    string        // Platform.Name
	UserID      string        // User.ID, once the user is known
	DeepLink    string        // the path of the deep link, if it passed its check; never its query
	Warning     string        // what an operator should know whatever the outcome, or ""
	LinkRefused bool          // there was a deep link, and it was not followed
	URLBytes    int           // size of the URL that takes the token
	Duration    time.Duration // of the whole request
	Err         error         // the cause of a refusal; its text may be the app's own
}

func (e *Event) warn(text string) {
	if e.Warning != "" {
		e.Warning += "; "
	}
	e.Warning += text
}

// warnLong warns of a redirect that a proxy in front of the app may not let through.
func (e *Event) warnLong(next hop) {
	if len(next.URL) > warnURL && next.Fields == nil {
		e.warn(fmt.Sprintf("the URL is over %d bytes: nginx in front of the app needs proxy_buffer_size 32k; proxy_buffers 8 32k;", warnURL))
	}
}

func (e *Event) refuseLink(reason string) {
	e.DeepLink, e.LinkRefused = "", true
	e.warn("the deep link was refused: " + reason)
}

// LoginError is why a login was refused.
type LoginError struct {
	Outcome   Outcome
	Status    int    // of the response; 0 for canceled
	SignInURL string // where the visitor can sign in, again or as somebody else; "" if that does not help
	Err       error  // the cause, for the operator: not for the visitor
}

func (e *LoginError) Error() string {
	if e.Err == nil {
		return "docslogin: " + string(e.Outcome)
	}
	return "docslogin: " + string(e.Outcome) + ": " + strings.TrimPrefix(textOf(e.Err), "docslogin: ")
}

// Unwrap returns Err.
func (e *LoginError) Unwrap() error { return e.Err }

func refused(o Outcome, err error) *LoginError {
	return &LoginError{Outcome: o, Status: answers[o].status, Err: err}
}

// guarded calls decide, which calls the app's own funcs. A panic is a refusal, and so is
// whatever came of a request whose visitor has gone.
func guarded[T any](ctx context.Context, decide func() (T, *LoginError)) (decision T, refusal *LoginError) {
	defer func() {
		switch v := recover().(type) {
		case nil:
			if errors.Is(ctx.Err(), context.Canceled) {
				refusal = refused(OutcomeCanceled, ctx.Err())
			}
		case error:
			if v == http.ErrAbortHandler { // passed on, as net/http wants it
				panic(v)
			}
			refusal = refused(OutcomePanic, &panicError{v, debug.Stack()})
		default:
			refusal = refused(OutcomePanic, &panicError{fmt.Errorf("a value of type %T", v), debug.Stack()})
		}
	}()
	return decide()
}

// panicError is a panic of the app's own funcs.
type panicError struct {
	error
	stack []byte
}

func (e *panicError) Unwrap() error { return e.error }

// report tells the log and the observer what became of a request. Neither's panic keeps
// the response from the visitor or the event from the other.
func (c *config) report(ctx context.Context, e *Event, start time.Time) {
	e.Duration = time.Since(start)
	logger := cmp.Or(c.logger, slog.Default())
	contained(func() {
		if level := answers[e.Outcome].level; logger.Enabled(ctx, level) {
			logger.LogAttrs(ctx, level, "docs login", c.attrs(e)...)
		}
	})
	if c.observer == nil {
		return
	}
	if v := contained(func() { c.observer(ctx, *e) }); v != nil {
		contained(func() {
			logger.LogAttrs(ctx, slog.LevelError, "docs login: the observer panicked", slog.String("exception.type", fmt.Sprintf("%T", v)))
		})
	}
}

// contained calls f and returns what it panics with.
func contained(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}

// textOf returns the text of an error of the app's, which may be a nil pointer in an
// error's clothes.
func textOf(err error) (text string) {
	if v := contained(func() { text = err.Error() }); v != nil {
		return fmt.Sprintf("an error of type %T that has no text", err)
	}
	return text
}

// attrs names what OpenTelemetry has a name for by its semantic conventions.
func (c *config) attrs(e *Event) []slog.Attr {
	status := answers[e.Outcome].status
	if e.Outcome == OutcomeLoggedIn && c.platform.Carrier.place == inForm {
		status = http.StatusOK
	}
	var attrs []slog.Attr
	text := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	text("docslogin.outcome", string(e.Outcome))
	text("docslogin.platform", e.Platform)
	text("http.route", c.route)
	attrs = append(attrs, slog.Int("http.response.status_code", status), slog.Duration("docslogin.duration", e.Duration))
	text("user.id", e.UserID)
	text("docslogin.deep_link", e.DeepLink)
	text("docslogin.warning", e.Warning)
	if e.LinkRefused {
		attrs = append(attrs, slog.Bool("docslogin.link_refused", true))
	}
	if e.URLBytes > 0 {
		attrs = append(attrs, slog.Int("docslogin.url_bytes", e.URLBytes))
	}
	if e.Err != nil {
		text("exception.message", textOf(e.Err))
	}
	if p, ok := e.Err.(*panicError); ok {
		text("exception.stacktrace", string(p.stack))
	}
	return attrs
}

// answers is what each outcome means for the visitor and for the log.
var answers = map[Outcome]struct {
	status int
	level  slog.Level
	page   page
	signIn bool // signing in, again or as somebody else, may help
}{
	OutcomeLoggedIn:    {status: 302, level: slog.LevelDebug},
	OutcomeSignIn:      {status: 302, level: slog.LevelDebug},
	OutcomeSpeculative: {status: 403, level: slog.LevelDebug},
	OutcomeEmbedded:    {status: 403, level: slog.LevelDebug},
	OutcomeCanceled:    {level: slog.LevelDebug},
	OutcomeUserInfo:    {status: 200, level: slog.LevelDebug},
	OutcomePreflight:   {status: 204, level: slog.LevelDebug},
	OutcomeNoUser: {status: 401, level: slog.LevelDebug, page: page{
		"You are not signed in",
		"The documentation is for users who are signed in here.",
		"Sign in first, then open the documentation again.",
	}},
	OutcomeLoop: {status: 401, level: slog.LevelWarn, signIn: true, page: page{
		"Signing in did not work",
		"You came back from the sign-in page, but you are not signed in. Either the sign-in was not finished, or your browser does not keep this site’s cookies.",
		"Sign in again. If that does not help, allow cookies for this site, or tell the site’s owner.",
	}},
	OutcomeMethod: {status: 405, level: slog.LevelDebug, page: page{
		"This address is a link",
		"It signs you in to the documentation when you open it, and takes nothing else.",
		"Go to the documentation and sign in from there.",
	}},
	OutcomeForbidden: {status: 403, level: slog.LevelInfo, signIn: true, page: page{
		"You may not read this documentation",
		"You are signed in, but your account has no access to it.",
		"Sign in with another account, or ask the site’s owner for access.",
	}},
	OutcomeIncompleteUser: {status: 403, level: slog.LevelWarn, signIn: true, page: page{
		"Your account is not complete",
		"The documentation needs something that your account here does not have: ",
		"Add it to your account and try again, or tell the site’s owner.",
	}},
	OutcomeLookupFailed: {status: 500, level: slog.LevelError, page: failed},
	OutcomeMapperFailed: {status: 500, level: slog.LevelError, page: failed},
	OutcomeOwnedClaim:   {status: 500, level: slog.LevelError, page: failed},
	OutcomeSignFailed:   {status: 500, level: slog.LevelError, page: failed},
	OutcomePanic:        {status: 500, level: slog.LevelError, page: failed},
	OutcomeTooLarge: {status: 500, level: slog.LevelError, page: page{
		"Your account is too large for the documentation",
		"What the documentation would be told about your account does not fit into a link.",
		"Tell the site’s owner, who can see in the log what is too large.",
	}},
}

var failed = page{
	"Something went wrong",
	"You could not be signed in to the documentation, because of a fault on this site.",
	"Try again in a minute. If it goes on, tell the site’s owner.",
}

// page is what a visitor reads who is not let in.
type page struct{ Title, What, Advice string }

// refuse answers a request that comes to nothing.
func (c *config) refuse(w http.ResponseWriter, r *http.Request, refusal *LoginError, e *Event) {
	e.Outcome, e.Err = refusal.Outcome, refusal.Err
	switch refusal.Outcome {
	case OutcomeCanceled:
		return
	case OutcomeSpeculative, OutcomeEmbedded:
		w.WriteHeader(refusal.Status)
		return
	case OutcomeMethod:
		w.Header().Set("Allow", c.methods)
	}
	c.errorHandler(w, r, refusal)
}

// writePage is the default error handler.
func writePage(w http.ResponseWriter, r *http.Request, refusal *LoginError) {
	data := struct {
		page
		SignInURL string
	}{answers[refusal.Outcome].page, refusal.SignInURL}
	if missing, ok := refusal.Err.(*missingError); ok {
		data.What += strings.Join(missing.claims, ", ") + "."
	}
	h := w.Header()
	var body bytes.Buffer
	if acceptsHTML(r.Header.Values("Accept")) {
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", policy("'none'", "'none'"))
		_ = htmlPages.ExecuteTemplate(&body, "refusal", data) // a buffer takes everything
	} else {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintf(&body, "%s\n\n%s\n%s\n%s\n", data.Title, data.What, data.Advice, data.SignInURL)
	}
	w.WriteHeader(refusal.Status)
	_, _ = w.Write(body.Bytes()) // a visitor who has gone needs no second answer
}

// writeError is the default error handler of UserInfo, which a script asks.
func writeError(w http.ResponseWriter, _ *http.Request, refusal *LoginError) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(refusal.Status)
	fmt.Fprintf(w, "{\"error\":%q}\n", http.StatusText(refusal.Status))
}

// acceptsHTML reports whether an Accept header (RFC 9110, section 12.5.1) allows HTML: by
// the most specific range that speaks of it.
func acceptsHTML(accept []string) bool {
	best, accepted := -1, len(accept) == 0
	for item := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		mediaRange, params, err := mime.ParseMediaType(item)
		specific := slices.Index([]string{"*/*", "text/*", "text/html"}, mediaRange)
		if err != nil || specific < best || specific < 0 {
			continue
		}
		q, err := strconv.ParseFloat(cmp.Or(params["q"], "1"), 64)
		best, accepted = specific, err == nil && q > 0
	}
	return accepted
}

// send sends the visitor's browser on.
func (m *Middleware) send(w http.ResponseWriter, next hop) {
	h := w.Header()
	if next.Fields == nil {
		// Written directly: http.Redirect would repeat the token in a body.
		h.Set("Location", next.URL)
		w.WriteHeader(http.StatusFound)
		return
	}
	var body bytes.Buffer
	_ = htmlPages.ExecuteTemplate(&body, "form", next)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy(submitHash, m.formOrigins))
	_, _ = w.Write(body.Bytes())
}

// policy is the Content-Security-Policy of a page with nothing but its own style, and a
// script and a form if there are any.
func policy(script, formAction string) string {
	return "default-src 'none'; style-src " + styleHash + "; script-src " + script + "; base-uri 'none'; form-action " + formAction + "; frame-ancestors 'none'"
}

// submit sends the page's one form, also where a field is named "submit". A browser forgets
// a page that sends its form while it loads, so Back does not meet it again.
const submit = `HTMLFormElement.prototype.submit.call(document.forms[0])`

var submitHash, styleHash = sourceHash(submit), sourceHash(style)

// sourceHash names an inline script or style in a policy (CSP Level 3, section 2.3.1).
func sourceHash(source string) string {
	sum := sha256.Sum256([]byte(source))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

const style = `
:root { color-scheme: light dark; --ink: #1d2433; --soft: #51596b; --paper: #f5f6f8; --card: #fff; --line: #d9dde5; --accent: #1f5fd1; --on-accent: #fff }
@media (prefers-color-scheme: dark) { :root { --ink: #eceff5; --soft: #aeb6c6; --paper: #12151b; --card: #1b2029; --line: #333b49; --accent: #8ab4ff; --on-accent: #0d1a33 } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; grid-template-columns: minmax(0, 1fr); place-items: center; padding: min(1.5rem, 5vw); background: var(--paper); color: var(--ink); font: 1rem/1.6 system-ui, sans-serif }
main { width: 100%; max-width: 34rem; padding: min(2rem, 6vw); background: var(--card); border: 1px solid var(--line); border-radius: .75rem; overflow-wrap: anywhere }
h1 { margin: 0 0 .75rem; font-size: 1.4rem; line-height: 1.3 }
p { margin: 0 0 1rem }
p + p { color: var(--soft) }
a, button { display: inline-block; padding: .6rem 1.2rem; border: 1px solid transparent; border-radius: .5rem; background: var(--accent); color: var(--on-accent); font: inherit; font-weight: 600; text-decoration: none; cursor: pointer }
a:focus-visible, button:focus-visible { outline: 3px solid var(--ink); outline-offset: 3px }
`

var htmlPages = template.Must(template.New("").Parse(`
{{- define "head"}}<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{{.}}</title>
<style>` + style + `</style>
</head>
<body>
<main>
<h1>{{.}}</h1>
{{end}}
{{- define "refusal"}}{{template "head" .Title -}}
<p>{{.What}}</p>
<p>{{.Advice}}</p>
{{- with .SignInURL}}
<a href="{{.}}">Sign in</a>
{{- end}}
</main>
</body>
</html>
{{end}}
{{- define "form"}}{{template "head" "Signing in to the documentation" -}}
<form method="post" action="{{.URL}}">
{{- range .Fields}}
<input type="hidden" name="{{.Name}}" value="{{.Value}}">
{{- end}}
<button>Continue</button>
</form>
</main>
<script>` + submit + `</script>
</body>
</html>
{{end}}`))
