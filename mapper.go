package docslogin

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/sessions"

	"github.com/docslogin/docslogin/internal/page"
)

// User is what an app knows about one of its signed-in users. What is not set is
// not sent. The library only reads a User, so several requests may share one.
type User struct {
	ID         string         // stable in the app; for events and logs, and for platforms that have a claim for it
	Name       string         // shown to the reader; a platform that requires a name gets Email if it is empty
	Email      string         // verified by the app: docs treat it as the identity
	Groups     []string       // what the user may see, in the docs' own words
	APIKeys    []APIKey       // the user's own credentials, filled into code samples; the first is the default
	Attributes map[string]any // anything else that pages may show; never a privilege
	ExpiresAt  time.Time      // end of the app's own session; shortens the docs session where the platform has a claim for it. Zero: no end; past: not signed in
	App        any            // the app's own user, for the app's mappers; never sent
}

// APIKey is one credential of a user, in whichever of the forms the app has it.
type APIKey struct {
	Name     string         // shown where a reader chooses a key; unique within a user
	Key      string         // a single-token credential, bare: without "Bearer "
	Username string         // HTTP Basic
	Password string         // HTTP Basic
	Values   map[string]any // by name of security scheme, header, or server variable
}

var (
	// ErrNoUser means that nobody is signed in. A [UserLookup] returns it, or a nil user.
	ErrNoUser = errors.New("docslogin: nobody is signed in")
	// ErrForbidden means that the user may not read these docs. A [UserLookup] or a
	// [ClaimsMapper] returns it, alone or wrapped; the visitor sees a 403 page.
	ErrForbidden = errors.New("docslogin: the user may not read these docs")
)

// UserLookup reports who is signed in, from the app's own session. It is called once
// per request. It must be safe for concurrent use by multiple goroutines.
//
// It returns the user, or one of:
//   - a nil user or [ErrNoUser] for a visitor who is not signed in; the visitor is sent to
//     the sign-in page;
//   - [ErrForbidden] for a user who may not read the docs (403);
//   - any other error (500). It never becomes a redirect, so a session store that is
//     down does not cause a redirect loop.
//
// The user is not changed and not kept. An empty User is rejected, since it is most
// often a lookup's mistake.
type UserLookup func(r *http.Request) (*User, error)

// SessionLookup returns a [UserLookup] that reads the session of the given name from a
// gorilla store and passes it to load. load returns the user in the session, under the
// rules of a UserLookup. It is called only for a session that exists. A session that is
// new, expired, tampered with, encrypted with a key that is no longer in use, or whose
// file is gone counts as not signed in. Any other error of the store is an error.
//
// Many stores ignore the request's context: give their clients timeouts, or a visitor
// waits for as long as a server hangs.
//
// SessionLookup returns nil, which [New] reports, if store or load is nil, if no cookie
// can have the name, or if gorilla's CookieStore or FilesystemStore has no key that
// works: it is empty, or an encryption key does not have 16, 24, or 32 bytes.
func SessionLookup(store sessions.Store, name string, load func(*http.Request, *sessions.Session) (*User, error)) UserLookup {
	if isNil(store) || load == nil || (&http.Cookie{Name: name}).Valid() != nil || lacksKey(store, name) {
		return nil
	}
	return func(r *http.Request) (*User, error) {
		session, err := store.Get(r, name)
		if err != nil {
			if unreadable(err) {
				return nil, fmt.Errorf("%w: there is a session that cannot be read", ErrNoUser)
			}
			return nil, fmt.Errorf("reading the session: %w", err)
		}
		if session == nil || session.IsNew {
			return nil, ErrNoUser
		}
		return load(r, session)
	}
}

// isNil reports whether v is nil or a typed nil pointer.
func isNil(v any) bool {
	value := reflect.ValueOf(v)
	return !value.IsValid() || value.Kind() == reflect.Pointer && value.IsNil()
}

// lacksKey reports whether a store of gorilla's was made without a key that works, such as
// that of an environment variable that is not set: everybody would look signed out. Of
// several keys one is enough, and says that it cannot decode the cookie. Other stores may
// ask a server, so they are not tried.
func lacksKey(store sessions.Store, name string) bool {
	var options *sessions.Options
	switch store := store.(type) {
	case *sessions.CookieStore:
		options = store.Options
	case *sessions.FilesystemStore:
		options = store.Options
	}
	if options == nil { // another store, or one that is set up later
		return false
	}
	_, err := store.New(&http.Request{Header: http.Header{"Cookie": {name + "=x"}}}, name)
	var cookie interface {
		IsUsage() bool
		IsDecode() bool
	}
	return errors.As(err, &cookie) && cookie.IsUsage() && !cookie.IsDecode()
}

// unreadable reports whether an error of a store is about what the browser sent rather
// than about the store: a cookie that securecookie does not accept, or a session file that
// is gone while its folder is there.
func unreadable(err error) bool {
	var cookie interface{ IsDecode() bool }
	if errors.As(err, &cookie) {
		// A cookie that is too long has lost its kind on the way through securecookie.
		return cookie.IsDecode() || strings.Contains(err.Error(), "the value is too long")
	}
	var file *fs.PathError
	if errors.As(err, &file) && errors.Is(err, fs.ErrNotExist) {
		_, err := os.Stat(filepath.Dir(file.Path))
		return err == nil
	}
	return false
}

// Claims are the claims of a token by name. They are marshaled with encoding/json.
type Claims map[string]any

// Object returns the object under name, and makes it if there is none. It panics if
// the claim is neither a map[string]any nor Claims; on the route, that becomes a 500
// whose cause names the claim.
func (c Claims) Object(name string) Claims {
	var object Claims
	switch claim := c[name].(type) {
	case nil:
	case map[string]any:
		object = claim
	case Claims:
		object = claim
	default:
		panic(fmt.Errorf("docslogin: claim %q is a %T, not an object", name, claim))
	}
	if object == nil {
		object = Claims{}
		c[name] = object
	}
	return object
}

// ClaimsMapper adds what it knows about the user to the claims of one login. The
// platform's own mapper runs first, then those of [WithClaimsMapper] in order, all over
// the same Claims, which belong to this login alone. A mapper must not change the user. It
// must be safe for concurrent use by multiple goroutines; ctx is the request's.
//
// If a mapper sets a reserved claim (exp, iat, nbf, and the others that the [Platform] has
// the library write), the login fails with an error that names the claim. [ErrForbidden]
// is a 403; any other error is a 500.
type ClaimsMapper func(ctx context.Context, user *User, claims Claims) error

// Profile is what a platform's docs may know of a user: the result of the platform's
// mapper, then the app's mappers, then what the platform requires. [Middleware] signs it;
// packages userinfo and webhook return it as JSON. A Profile is safe for concurrent use by
// multiple goroutines.
type Profile struct {
	platform     Platform
	mappers      []ClaimsMapper // the platform's, then the app's
	reserved     []string       // claims that no mapper may set
	static       Claims         // the platform's, each marshaled
	host         string         // value of the platform's HostClaim; New sets it
	now          func() time.Time
	logger       *slog.Logger // nil: slog.Default
	observer     func(context.Context, Event)
	errorHandler func(http.ResponseWriter, *http.Request, *LoginError) // nil: the door's own
}

// NewProfile returns the profile for docs that ask for a user's claims instead of a token.
// It needs neither a key nor a docs URL: of the platform, only Name, Mapper, Required,
// Static, Lifetime, and the names of the claims that the library writes matter. Options for
// the login route and the sign-in page have no effect. NewProfile returns all configuration
// errors at once, each a [*ConfigError].
func NewProfile(platform Platform, opts ...Option) (*Profile, error) {
	c := newConfig(platform, opts)
	c.checkProfile()
	if err := c.err(); err != nil {
		return nil, err
	}
	return c.newProfile(), nil
}

// Now returns the current time by the clock of [WithClock].
func (p *Profile) Now() time.Time { return p.now() }

// Claims returns what the docs may know of user: mapped claims, the platform's static
// claims, and the claim that ends the docs session. It does not contain exp, iat, jti, or
// the claim for the host, which belong to a token. The error is a [*LoginError]. For a user
// who is nil or whose session has ended, it wraps [ErrNoUser].
func (p *Profile) Claims(ctx context.Context, user *User) (Claims, error) {
	claims, rejection := recovering(ctx, func() (Claims, *LoginError) {
		if err := p.checkSession(user, p.now()); err != nil {
			return nil, newLoginError(OutcomeNoUser, err)
		}
		return p.claims(ctx, user, false)
	})
	if rejection != nil {
		return nil, rejection
	}
	return claims, nil
}

// ServeJSON writes the claims of the user whom lookup finds, as JSON. If there is no
// such user, or the user may not have them, it calls the handler of [WithErrorHandler], or
// writes {"error": "…"} with the text of the status. It reports one [Event].
//
// A lookup may also return a [*LoginError], which then decides the outcome and the status
// of the response, 400 or more.
func (p *Profile) ServeJSON(w http.ResponseWriter, r *http.Request, lookup UserLookup) {
	page.SetHeaders(w.Header())
	l := loginRequest{start: time.Now()}
	next := destination{outcome: OutcomeCanceled} // unless something comes of it
	var rejection *LoginError
	defer func() { p.report(r.Context(), &l, next, rejection) }()
	body, rejection := recovering(r.Context(), func() ([]byte, *LoginError) { return p.answer(r, lookup, &l) })
	switch {
	case rejection == nil:
		next.outcome = OutcomeUserInfo
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	case rejection.Outcome == OutcomeCanceled:
	case p.errorHandler != nil:
		p.errorHandler(w, r, rejection)
	default:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(rejection.Status)
		fmt.Fprintf(w, "{\"error\":%q}\n", http.StatusText(rejection.Status))
	}
}

func (p *Profile) answer(r *http.Request, lookup UserLookup, l *loginRequest) ([]byte, *LoginError) {
	user, rejection := p.findUser(r, lookup, p.now())
	l.user = user
	var chosen *LoginError
	if rejection != nil && errors.As(rejection.Err, &chosen) && chosen.Status >= 400 {
		return nil, chosen
	}
	if rejection != nil {
		return nil, rejection
	}
	claims, rejection := p.claims(r.Context(), user, false)
	if rejection != nil {
		return nil, rejection
	}
	return marshal(claims)
}

// findUser returns the user of a request that arrived at the time now. The user of a
// session that has ended comes with the rejection.
func (p *Profile) findUser(r *http.Request, lookup UserLookup, now time.Time) (*User, *LoginError) {
	user, err := lookup(r)
	switch {
	case errors.Is(err, ErrForbidden):
		return nil, newLoginError(OutcomeForbidden, err)
	case errors.Is(err, ErrNoUser):
		return nil, newLoginError(OutcomeNoUser, err)
	case err != nil:
		return nil, newLoginError(OutcomeLookupFailed, err)
	}
	if err := p.checkSession(user, now); err != nil {
		return user, newLoginError(OutcomeNoUser, err)
	}
	return user, nil
}

// checkSession returns nil for a user whose session lasts long enough for the docs, and
// otherwise why the user counts as not signed in.
func (p *Profile) checkSession(user *User, now time.Time) error {
	if user == nil {
		return ErrNoUser
	}
	if user.ExpiresAt.IsZero() {
		return nil
	}
	left := user.ExpiresAt.Sub(now)
	if user.ExpiresAt.Unix() <= now.Unix() { // a token holds whole seconds
		return fmt.Errorf("%w: ExpiresAt passed %v ago", ErrNoUser, max(0, -left).Round(time.Second))
	}
	if least := p.platform.Lifetime.MinSession; left < least {
		return fmt.Errorf("%w: ExpiresAt is %v from now, and the platform's shortest session is %v", ErrNoUser, left.Round(time.Second), least)
	}
	return nil
}

// claims returns what the docs may know of user, with or without what only a token has.
func (p *Profile) claims(ctx context.Context, user *User, token bool) (Claims, *LoginError) {
	claims := Claims{}
	for _, mapper := range p.mappers {
		if err := mapper(ctx, user, claims); errors.Is(err, ErrForbidden) {
			return nil, newLoginError(OutcomeForbidden, err)
		} else if err != nil {
			return nil, newLoginError(OutcomeMapperFailed, err)
		}
	}
	if missing := p.missing(user, claims); missing != nil {
		return nil, newLoginError(OutcomeIncompleteUser, &missingError{missing})
	}
	for _, name := range p.reserved {
		if _, set := claims[name]; set {
			return nil, newLoginError(OutcomeReservedClaim, fmt.Errorf("a mapper or an attribute sets the reserved claim %q, which the library writes; use another name", name))
		}
	}
	now := p.now() // once more, since mappers take their time
	if err := p.checkSession(user, now); err != nil {
		return nil, newLoginError(OutcomeNoUser, err)
	}
	p.addReserved(claims, user, now, token)
	return claims, nil
}

// missing names the claims that the platform requires and the user lacks.
func (p *Profile) missing(user *User, claims Claims) (missing []string) {
	if reflect.ValueOf(user).Elem().IsZero() { // a lookup's mistake, for a visitor who is not signed in
		return []string{"a name, an e-mail address or an ID"}
	}
	for _, required := range p.platform.Required {
		names := strings.Split(required, "|")
		if !slices.ContainsFunc(names, func(name string) bool { return !isEmpty(claims[name]) }) {
			missing = append(missing, strings.Join(names, " or "))
		}
	}
	return missing
}

// isEmpty reports whether a claim's JSON, which is what the docs get, is null, a blank
// string, or an object or a list without members.
func isEmpty(claim any) bool {
	if text, ok := claim.(string); ok {
		return strings.TrimSpace(text) == ""
	}
	text, _ := json.Marshal(claim) // marshal reports the error
	return slices.Contains([]string{"null", "[]", "{}"}, string(text)) || strings.HasPrefix(string(text), `"`) && strings.Trim(string(text), `" `) == ""
}

// missingError is the cause of OutcomeIncompleteUser.
type missingError struct{ claims []string }

func (e *missingError) Error() string {
	return "the user lacks what the platform requires: " + strings.Join(e.claims, ", ")
}

// addReserved adds the claims that the library writes; without token, only those that are
// not about a token.
func (p *Profile) addReserved(claims Claims, user *User, now time.Time, token bool) {
	l := &p.platform.Lifetime
	maps.Copy(claims, p.static)
	if l.SessionClaim != "" && (token || l.SessionClaim != "exp") {
		end := now.Add(l.Session)
		if !user.ExpiresAt.IsZero() && user.ExpiresAt.Before(end) {
			end = user.ExpiresAt
		}
		claims[l.SessionClaim] = end.Unix()
	}
	if !token {
		return
	}
	claims["iat"] = now.Unix()
	if l.Token > 0 {
		claims["exp"] = now.Add(l.Token).Unix()
	}
	if p.platform.HostClaim != "" {
		claims[p.platform.HostClaim] = p.host
	}
	if p.platform.TokenID {
		claims["jti"] = rand.Text()
	}
}

// marshal returns the claims as JSON. Its error names the claim that has none, without the
// text of encoding/json, which may quote the value.
func marshal(claims Claims) ([]byte, *LoginError) {
	text, err := json.Marshal(claims)
	if err == nil {
		return text, nil
	}
	for name, value := range claims {
		if _, err := json.Marshal(value); err != nil {
			return nil, newLoginError(OutcomeMapperFailed, fmt.Errorf("the claim %q, a %T, cannot be written as JSON", name, value))
		}
	}
	return nil, newLoginError(OutcomeMapperFailed, errors.New("the claims cannot be written as JSON"))
}
