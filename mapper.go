package docslogin

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gorilla/sessions"

	"github.com/docslogin/docslogin/internal/jsonvalue"
	"github.com/docslogin/docslogin/internal/page"
	"github.com/docslogin/docslogin/internal/sessionstore"
	"github.com/docslogin/docslogin/internal/visible"
)

// User is what an app knows about one of its signed-in users. Fields that are not set are not sent.
// The library only reads a User, so several requests may share one.
//
// Before mappers run, the library trims white space and invisible characters from Name, Email, Groups,
// and the Key and Header of each API key, and drops blank groups. Attributes and the Values of an API
// key are encoded with encoding/json, with these exceptions at any depth:
//   - a []byte is sent as text;
//   - a driver.Valuer of database/sql, such as sql.NullString, is sent as its value, unless it is a
//     list or a map, or encodes itself as JSON;
//   - nil, NULL in a database, and a zero time.Time are not sent, but are null in a list; an untyped
//     nil is also null in an object;
//   - a value without useful JSON is an error that names it ([OutcomeMapperFailed]): a time.Duration,
//     a url.URL, an error, a func, a channel, NaN, bytes that are not text, or a struct without
//     exported fields.
//
// A number that has only a String method, such as a time.Month, is sent as a number.
type User struct {
	ID         string         // stable in the app; for events, logs, and platforms that have a claim for it
	Name       string         // shown to the reader; a platform that requires a name gets Email if it is empty
	Email      string         // verified by the app, because docs treat it as the user's identity
	Groups     []string       // what the user may see, by the names that the docs use; an empty list may differ from nil (see the presets)
	APIKeys    []APIKey       // the user's own credentials, filled into code samples; the first is the default
	Attributes map[string]any // anything else that pages may show; never a privilege
	ExpiresAt  time.Time      // end of the app's own session; shortens the docs session if the platform has a claim for it. Zero: no end; past: not signed in
	App        any            // the app's own user, for the app's mappers; never sent
}

// APIKey is one credential of a user, in one or more of the forms below. Each preset documents which it sends.
type APIKey struct {
	Name     string         // shown where a reader chooses a key; unique among the user's keys
	Key      string         // a single-token credential, without "Bearer "
	Header   string         // the header that carries Key unchanged, such as "X-Api-Key"; "": Key is a bearer token
	Username string         // HTTP Basic
	Password string         // HTTP Basic
	Values   map[string]any // by the name of a security scheme, header, or server variable
}

var (
	// ErrNoUser means that nobody is signed in. A [UserLookup] returns it, or a nil user.
	ErrNoUser = errors.New("docslogin: nobody is signed in")
	// ErrForbidden means that the user may not read these docs. A [UserLookup] or a
	// [ClaimsMapper] returns it, alone or wrapped; the visitor sees a 403 page.
	ErrForbidden = errors.New("docslogin: the user may not read these docs")
)

// UserLookup reports who is signed in, from the app's own session. It is called at most once per
// request. It must be safe for concurrent use by multiple goroutines.
//
// It returns the user, or:
//   - a nil user or [ErrNoUser] for a visitor who is not signed in; the visitor is sent to the
//     sign-in page;
//   - [ErrForbidden] for a user who may not read the docs (403);
//   - any other error (500). It never becomes a redirect, so a session store that is down does not
//     cause a redirect loop.
//
// The library neither changes nor keeps the user. A User whose ID, Name, and Email are all blank is
// rejected, because it is usually a bug in the lookup.
type UserLookup func(r *http.Request) (*User, error)

// SessionLookup returns a [UserLookup] that gets the named session from a gorilla store and passes
// it to load. load returns the user in the session, and follows the rules of a UserLookup. It is
// called only for a session that exists. A session counts as not signed in if it is new, expired,
// tampered with, or encrypted with a key no longer in use, or if its file is missing. The event says
// which, in the store's own words. The lookup returns any other error of the store. It also returns
// an error if the session contains a type that the app has not registered with gob.
//
// Many stores ignore the request's context. Set timeouts on their clients, so that no visitor waits.
//
// [New] rejects the lookup if store or load is nil, if name is not a valid cookie name, or if no key in
// the store's Codecs is usable: it is empty, or an encryption key is not 16, 24, or 32 bytes long.
func SessionLookup(store sessions.Store, name string, load func(*http.Request, *sessions.Session) (*User, error)) UserLookup {
	problem := sessionstore.Check(store, name)
	if load == nil {
		problem = cmp.Or(problem, sessionstore.NilLoad)
	}
	if problem != 0 {
		return unusable[problem]
	}
	return func(r *http.Request) (*User, error) {
		session, err := sessionstore.Get(r, store, name)
		if absent := (*sessionstore.Absent)(nil); errors.As(err, &absent) {
			return nil, fmt.Errorf("%w: %w", ErrNoUser, absent)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the session: %w", err)
		}
		user, err := load(r, session)
		if err == ErrNoUser || user == nil && err == nil {
			return nil, fmt.Errorf("%w: %w", ErrNoUser, sessionstore.NoUser(name))
		}
		return user, err
	}
}

// unusable has the lookups that SessionLookup returns for arguments that cannot work. checkLookup
// recognizes them, because it cannot try a lookup.
var unusable = map[sessionstore.Problem]UserLookup{
	sessionstore.NilLoad:   func(*http.Request) (*User, error) { return nil, sessionstore.NilLoad },
	sessionstore.NilStore:  func(*http.Request) (*User, error) { return nil, sessionstore.NilStore },
	sessionstore.BadName:   func(*http.Request) (*User, error) { return nil, sessionstore.BadName },
	sessionstore.NoKey:     func(*http.Request) (*User, error) { return nil, sessionstore.NoKey },
	sessionstore.EmptyKey:  func(*http.Request) (*User, error) { return nil, sessionstore.EmptyKey },
	sessionstore.KeyLength: func(*http.Request) (*User, error) { return nil, sessionstore.KeyLength },
}

// checkLookup returns why a lookup cannot be used, or "".
func checkLookup(lookup UserLookup) string {
	if lookup == nil {
		return "is nil; pass a func that says who is signed in"
	}
	for problem, known := range unusable {
		if reflect.ValueOf(lookup).Pointer() == reflect.ValueOf(known).Pointer() {
			return "cannot be used: " + problem.Error()
		}
	}
	return ""
}

// Claims are the claims of a token by name. [ClaimsMapper] describes how they are encoded.
type Claims map[string]any

// Object returns the object under name, and creates it if there is none. It panics if the claim is neither
// a map[string]any nor Claims. On the login route, that is a 500 whose cause names the claim.
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

// ClaimsMapper adds what it knows about the user to the claims of one login. The platform's own
// mapper runs first, then those of [WithClaimsMapper] in order. They share the same Claims, which
// belong to this login only. A mapper must not change the user. It must be safe for concurrent use
// by multiple goroutines; ctx is the request's.
//
// If a mapper sets a reserved claim (exp, iat, nbf, or another one that the library writes for the
// [Platform]), the login fails with an error that names it. [ErrForbidden] is a 403; any other
// error is a 500.
//
// Claims are encoded as [User] describes for attributes, except that an untyped nil is sent as null. A
// nil pointer or NULL in a database leaves the claim out.
type ClaimsMapper func(ctx context.Context, user *User, claims Claims) error

// Profile computes what a platform's docs may know about a user: it runs the platform's mapper,
// then the app's mappers, and then checks what the platform requires. [Middleware] signs the
// result; packages userinfo and webhook return it as JSON. Create one with [NewProfile]; the zero
// value is invalid. It prints as "[redacted]". It is safe for concurrent use by multiple
// goroutines.
type Profile struct {
	redacted
	platform     Platform
	mappers      []ClaimsMapper // the platform's, then the app's
	reserved     []string       // claims that no mapper may set
	static       Claims         // the platform's, each a json.RawMessage
	host         string         // value of the platform's HostClaim; "" without a token
	now          func() time.Time
	logger       *slog.Logger // nil: slog.Default
	observer     func(context.Context, Event)
	errorHandler func(http.ResponseWriter, *http.Request, *LoginError) // nil: the built-in pages or JSON
}

// NewProfile returns the profile for docs that request a user's claims instead of a token. It needs
// neither a key nor a docs URL. Of the platform, it uses only Name, Mapper, Required, Static,
// Lifetime, Err, and the names of the claims that the library writes. Options for the login route
// and the sign-in page have no effect. It returns all configuration errors at once, each a
// [*ConfigError].
func NewProfile(platform Platform, opts ...Option) (*Profile, error) {
	c := newConfig(platform, opts)
	c.checkProfile()
	if err := c.err(); err != nil {
		return nil, err
	}
	return c.newProfile(""), nil
}

// Now returns the current time according to [WithClock].
func (p *Profile) Now() time.Time { return p.now() }

// Claims returns what the docs may know about user: mapped claims, the platform's static claims,
// and the claim that ends the docs session. It omits exp, iat, jti, and the host claim, which
// belong to a token. The error is a [*LoginError]. It wraps [ErrNoUser] if user is nil, or if
// the user's session has ended or ends too soon for the platform.
func (p *Profile) Claims(ctx context.Context, user *User) (Claims, error) {
	claims, rejection := recovering(ctx, func() (Claims, *LoginError) {
		if err := p.checkSession(user, p.now()); err != nil {
			return nil, newLoginError(OutcomeNoUser, err)
		}
		return p.claims(ctx, user, forDocs)
	})
	if rejection != nil {
		return nil, rejection
	}
	for name, text := range p.static {
		var value any // which the caller may change, unlike the text
		d := json.NewDecoder(bytes.NewReader(text.(json.RawMessage)))
		d.UseNumber()
		_ = d.Decode(&value) // checkClaims has checked it
		claims[name] = value
	}
	return claims, nil
}

// ServeJSON writes the claims of the user that lookup returns, as JSON. If there is no such user,
// or the user may not have them, it calls the handler of [WithErrorHandler]. Without one, it writes
// {"error": "…"} with the text of the status. It reports one [Event].
//
// The lookup may also return a [*LoginError], which then decides the outcome and the status of the
// response, 400 to 599. The outcome must be one that has such a status, too.
func (p *Profile) ServeJSON(w http.ResponseWriter, r *http.Request, lookup UserLookup) {
	page.SetHeaders(w.Header())
	l := loginRequest{start: time.Now()}
	dest := destination{outcome: OutcomeCanceled} // stays if the app panics with http.ErrAbortHandler
	var body []byte
	var rejection *LoginError
	defer func() { p.report(r.Context(), &l, dest, rejection) }()
	body, rejection = recovering(r.Context(), func() ([]byte, *LoginError) { return p.answer(r, lookup, &l) })
	switch {
	case rejection == nil:
		dest.outcome = OutcomeUserInfo
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	case rejection.Outcome == OutcomeCanceled:
	case p.errorHandler != nil:
		handed := *rejection // which the handler may change
		p.errorHandler(w, r, &handed)
	default:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(rejection.Status)
		fmt.Fprintf(w, "{\"error\":%q}\n", http.StatusText(rejection.Status))
	}
}

// answer returns the JSON for the user of a request.
func (p *Profile) answer(r *http.Request, lookup UserLookup, l *loginRequest) ([]byte, *LoginError) {
	user, rejection := p.findUser(r, lookup, p.now())
	l.user = user
	if rejection != nil {
		var chosen *LoginError
		if errors.As(rejection.Err, &chosen) && min(chosen.Status, outcomes[chosen.Outcome].status) >= 400 && chosen.Status < 600 {
			rejection = chosen
		}
		return nil, rejection
	}
	claims, rejection := p.claims(r.Context(), user, forDocs)
	if rejection != nil {
		return nil, rejection
	}
	body, err := jsonvalue.Marshal(claims)
	if err != nil {
		return nil, newLoginError(OutcomeMapperFailed, fmt.Errorf("the claim %w", err))
	}
	return body, nil
}

// findUser returns the user of a request that arrived at the time now. If the user's session has
// ended, it returns both the user and a rejection.
func (p *Profile) findUser(r *http.Request, lookup UserLookup, now time.Time) (*User, *LoginError) {
	user, err := lookup(r)
	switch {
	case err != nil && reflect.ValueOf(err).Kind() == reflect.Pointer && reflect.ValueOf(err).IsNil():
		return nil, newLoginError(OutcomeLookupFailed, fmt.Errorf("the lookup returned a nil %T as its error, which is not a nil error in Go; return nil", err))
	case errors.Is(err, ErrForbidden):
		return nil, newLoginError(OutcomeForbidden, err)
	case errors.Is(err, ErrNoUser):
		return nil, newLoginError(OutcomeNoUser, err)
	case err != nil && sessionstore.IsNotFound(err):
		return nil, newLoginError(OutcomeLookupFailed, fmt.Errorf("%w; for a visitor who is not signed in, the lookup must return ErrNoUser", err))
	case err != nil:
		return nil, newLoginError(OutcomeLookupFailed, err)
	}
	if err := p.checkSession(user, now); err != nil {
		return user, newLoginError(OutcomeNoUser, err)
	}
	return user, nil
}

// checkSession returns nil if the user's session lasts long enough for the docs, or else why the
// user counts as not signed in.
func (p *Profile) checkSession(user *User, now time.Time) error {
	if user == nil {
		return ErrNoUser
	}
	if user.ExpiresAt.IsZero() {
		return nil
	}
	left := user.ExpiresAt.Sub(now)
	switch {
	case isWrongUnit(user.ExpiresAt) && left < 0:
		return fmt.Errorf("%w: ExpiresAt is in the year %d; leave it zero for a session without an end, and convert a number with the function for its unit, time.Unix or time.UnixMilli", ErrNoUser, user.ExpiresAt.Year())
	case user.ExpiresAt.Unix() <= now.Unix(): // a token holds whole seconds
		return fmt.Errorf("%w: ExpiresAt passed %v ago", ErrNoUser, max(0, -left).Round(time.Second))
	}
	if least := p.platform.Lifetime.MinSession; left < least {
		return fmt.Errorf("%w: ExpiresAt is %v from now, and the platform's shortest session is %v", ErrNoUser, left.Round(time.Second), least)
	}
	return nil
}

// isWrongUnit reports whether a time that is set cannot be the end of a session: its number was in
// another unit, or came from an empty column.
func isWrongUnit(t time.Time) bool { return !t.IsZero() && (t.Year() < 2000 || t.Year() > 9999) }

// The two uses of claims. A token has some, such as iat, that docs which ask for the claims do not get.
const forToken, forDocs = true, false

// claims returns what the docs may know about user.
func (p *Profile) claims(ctx context.Context, user *User, isToken bool) (Claims, *LoginError) {
	claims := Claims{}
	user = trimmed(user)
	for _, mapper := range p.mappers {
		if err := mapper(ctx, user, claims); errors.Is(err, ErrForbidden) {
			return nil, newLoginError(OutcomeForbidden, err)
		} else if err != nil {
			return nil, newLoginError(OutcomeMapperFailed, err)
		}
	}
	if err := jsonvalue.ConvertAll(claims); err != nil {
		return nil, newLoginError(OutcomeMapperFailed, fmt.Errorf("the claim %w", err))
	}
	if err := p.checkComplete(user, claims); err != nil {
		return nil, newLoginError(OutcomeIncompleteUser, err)
	}
	for _, name := range p.reserved {
		if _, set := claims[name]; set {
			return nil, newLoginError(OutcomeReservedClaim, fmt.Errorf("a mapper, an attribute, or an API key's value sets the reserved claim %q, which the library writes; use another name", name))
		}
	}
	now := p.now() // again, because mappers may take a while
	if err := p.checkSession(user, now); err != nil {
		return nil, newLoginError(OutcomeNoUser, err)
	}
	p.addReserved(claims, user, now, isToken)
	return claims, nil
}

// trimmed returns the user without white space around the texts that docs compare or show. It copies
// a user whom it changes, because several requests may share one.
func trimmed(user *User) *User {
	isOdd := func(text string) bool { return text != visible.Trim(text) }
	if !isOdd(user.Name) && utf8.ValidString(user.Name) && !isOdd(user.Email) &&
		!slices.ContainsFunc(user.Groups, func(group string) bool { return group == "" || isOdd(group) }) &&
		!slices.ContainsFunc(user.APIKeys, func(key APIKey) bool { return isOdd(key.Key) || isOdd(key.Header) }) {
		return user
	}
	changed := *user
	changed.Name = strings.ToValidUTF8(visible.Trim(user.Name), "\ufffd") // a name identifies nobody
	changed.Email = visible.Trim(user.Email)
	changed.Groups, changed.APIKeys = slices.Clone(user.Groups), slices.Clone(user.APIKeys)
	for i, group := range changed.Groups {
		changed.Groups[i] = visible.Trim(group)
	}
	changed.Groups = slices.DeleteFunc(changed.Groups, func(group string) bool { return group == "" })
	for i, key := range changed.APIKeys {
		changed.APIKeys[i].Key, changed.APIKeys[i].Header = visible.Trim(key.Key), visible.Trim(key.Header)
	}
	return &changed
}

// checkComplete returns an error if the user lacks a claim that the platform requires, or has neither
// an ID nor a name nor an e-mail address.
func (p *Profile) checkComplete(user *User, claims Claims) error {
	if visible.IsBlank(user.ID) && visible.IsBlank(user.Name) && visible.IsBlank(user.Email) {
		return &missingError{
			[]string{"a name, an e-mail address, or an ID"},
			"the lookup returned a user without an ID, a name, or an e-mail address; return ErrNoUser for a visitor who is not signed in",
		}
	}
	var missing []string
	for _, required := range p.platform.Required {
		isSet := false
		for name := range strings.SplitSeq(required, "|") {
			isSet = isSet || !jsonvalue.IsEmpty(claims[name])
		}
		if !isSet {
			missing = append(missing, strings.ReplaceAll(required, "|", " or "))
		}
	}
	if missing == nil {
		return nil
	}
	text := "the user lacks what the platform requires: " + strings.Join(missing, ", ")
	isOther := func(name string) bool { return name != "name" && name != "email" && name != "sub" }
	if fromEmail := slices.DeleteFunc(slices.Clone(missing), isOther); visible.IsBlank(user.Email) && slices.ContainsFunc(fromEmail, func(name string) bool { return name != "email" }) {
		text += "; in a preset, Email suffices for " + strings.Join(fromEmail, " and ")
	}
	return &missingError{missing, text}
}

// missingError is the cause of OutcomeIncompleteUser.
type missingError struct {
	claims []string // for the page
	text   string
}

func (e *missingError) Error() string { return e.text }

// addReserved adds the claims that the library writes.
func (p *Profile) addReserved(claims Claims, user *User, now time.Time, isToken bool) {
	l := &p.platform.Lifetime
	maps.Copy(claims, p.static)
	if l.SessionClaim != "" && (isToken || l.SessionClaim != "exp") {
		end := now.Add(l.Session)
		if !user.ExpiresAt.IsZero() && user.ExpiresAt.Before(end) {
			end = user.ExpiresAt
		}
		claims[l.SessionClaim] = end.Unix()
	}
	if !isToken {
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
