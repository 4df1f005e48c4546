package docslogin

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/sessions"
)

// User is what an app knows about one of its signed-in users. What is not set
// is not sent. A User is only read, never written to, so it may be shared.
type User struct {
	ID         string         // stable in the app; for events and logs, and for platforms that have a claim for it
	Name       string         // shown to the reader; where a platform requires one, an empty one is filled with Email
	Email      string         // verified by the app: docs treat it as the identity
	Groups     []string       // what the user may see, in the docs' own words
	APIKeys    []APIKey       // the user's own credentials, filled into code samples; the first is the default
	Attributes map[string]any // anything else that pages may show; never a privilege
	ExpiresAt  time.Time      // end of the app's own session: caps the docs session where the platform has a claim for it. Zero: no cap; past: not signed in
	App        any            // the app's own user, for the app's mappers; never sent
}

// APIKey is one credential of a user, in whichever of the forms the app has it.
type APIKey struct {
	Name     string         // shown where a visitor picks a key; unique within a user
	Key      string         // a single-token credential, bare: without "Bearer "
	Username string         // HTTP Basic
	Password string         // HTTP Basic
	Values   map[string]any // by name of security scheme, header or server variable
}

var (
	// ErrNoUser says that nobody is signed in. A [UserLookup] returns it, or a nil user.
	ErrNoUser = errors.New("docslogin: nobody is signed in")
	// ErrForbidden says that the user may not read these docs. A [UserLookup] or a
	// [ClaimsMapper] returns it, alone or wrapped; the visitor sees a 403 page.
	ErrForbidden = errors.New("docslogin: the user may not read these docs")
)

// UserLookup says who is signed in, from the app's own session. It is called once
// for each request on the route, by many goroutines at once.
//
// It returns the user; or a nil user or [ErrNoUser] for a visitor who is not signed in,
// and who is sent to the sign-in page; or [ErrForbidden] for a user who may not read the
// docs (403). Any other error is a 500, never a redirect, so that a store that is down does
// not send visitors in circles. The user is not changed and not kept. One in whom nothing is
// set is refused: an empty User is most often a lookup's mistake.
type UserLookup func(r *http.Request) (*User, error)

// SessionLookup returns a [UserLookup] that reads the session of the given name
// from a gorilla store (its Get method) and hands it to load, which returns the
// user in it under the rules of a UserLookup. load is called only for a session
// that exists: one that is new, expired, tampered with, encrypted with a key that
// is no longer in use, or whose file is gone, counts as not signed in. Any other
// error of the store is an error. load is called by many goroutines at once.
//
// Many stores do not heed the request's context: give their clients time-outs, or a
// visitor waits for as long as a server hangs.
//
// SessionLookup returns nil for a nil store, a nil load, a name that no cookie can
// have, or gorilla's CookieStore or FilesystemStore without a key that works: it is
// empty, or one to encrypt with has not 16, 24 or 32 bytes. [New] reports that.
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

// lacksKey reports whether a store of gorilla's was made without a key that works, of a
// variable that is not set, say: it would serve everybody as signed out. Of several keys one
// is enough, and says that it cannot decode the cookie. Other stores may ask a server.
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

// unreadable reports whether an error of a store is about what the browser sent
// rather than about the store: a cookie that securecookie does not accept, or a
// session file that is gone while its folder is there.
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

// Claims are what a token says, by name; marshaled with encoding/json.
type Claims map[string]any

// Object returns the object under name and makes it if there is none. It panics
// if something else than a map[string]any stands there, which on the route
// becomes a 500 that names the claim.
func (c Claims) Object(name string) map[string]any {
	var object map[string]any
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
		object = map[string]any{}
		c[name] = object
	}
	return object
}

// ClaimsMapper adds to the claims of one login what it knows about the user. The
// platform's own mapper runs first, then those of [WithClaimsMapper] in order, over
// the same Claims, which belong to this login alone. The user is not to be changed.
// Mappers are called by many goroutines at once; ctx is the request's.
//
// A mapper that sets a claim which the library owns (exp, iat, nbf, and what else
// the [Platform] has it write) makes the login fail with an error that names the
// claim. [ErrForbidden] is a 403; any other error is a 500.
type ClaimsMapper func(ctx context.Context, user *User, claims Claims) error

// add sets claims from values that the app does not fully control, and refuses
// names that already mean something else.
func (c Claims) add(what string, values map[string]any, reserved ...string) error {
	budget := maxCloned
	for name, value := range values {
		if slices.Contains(reserved, name) {
			return fmt.Errorf("docslogin: the %s %q would set a claim that has a meaning of its own; rename it, or set the claim in a mapper of yours", what, name)
		}
		if _, taken := c[name]; taken {
			return fmt.Errorf("docslogin: the %s %q would set a claim that another field of the user has set; rename one of them", what, name)
		}
		c[name] = nil
		if value != nil {
			c[name] = clone(reflect.ValueOf(value), &budget).Interface()
		}
	}
	return nil
}

// maxCloned bounds what clone copies, for an object that holds itself, which
// encoding/json then reports. No token has room for as many values.
const maxCloned = 10_000

// clone copies the maps and slices in a value, so that a mapper which changes a claim
// does not write into the app's own user.
func clone(v reflect.Value, budget *int) reflect.Value {
	if *budget--; *budget < 0 {
		return v
	}
	switch kind := v.Kind(); {
	case kind == reflect.Interface && !v.IsNil():
		return clone(v.Elem(), budget)
	case kind == reflect.Map && !v.IsNil():
		copied := reflect.MakeMapWithSize(v.Type(), v.Len())
		for member := v.MapRange(); member.Next(); {
			copied.SetMapIndex(member.Key(), clone(member.Value(), budget))
		}
		return copied
	case kind == reflect.Slice && !v.IsNil():
		copied := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(copied, v)
		if holds := v.Type().Elem().Kind(); holds == reflect.Interface || holds == reflect.Map || holds == reflect.Slice {
			for i := range v.Len() {
				copied.Index(i).Set(clone(v.Index(i), budget))
			}
		}
		return copied
	}
	return v
}

// setString sets a claim unless the value is empty.
func (c Claims) setString(name, value string) {
	if value != "" {
		c[name] = value
	}
}

// setObject sets a claim unless there is nothing in the object.
func (c Claims) setObject(name string, object Claims) {
	if len(object) > 0 {
		c[name] = map[string]any(object)
	}
}

// ReadMeClaims is the [ClaimsMapper] of [ReadMe]:
//
//	Name, else Email     name
//	Email                email
//	Attributes           the top level, each under its own name
//	one API key          apiKey: Key; its Name is not sent
//	                     user and pass: Username and Password; apiKey: both as an object
//	                     the top level: Values
//	several API keys     keys: of each, name, apiKey or user and pass, and Values
//	ID, Groups           not sent
//
// A value of an API key fills the security scheme or server variable that it is
// named after; that of an HTTP Basic scheme is {"user": …, "pass": …}. Where there
// is such a value, apiKey is not sent as an object, which pages would show as
// "[object Object]"; and where Username is empty, user and pass are taken from it.
//
// Several API keys need a Name each, all different. An attribute named name, email,
// apiKey, user, pass, keys, parameters, isAdmin, isReadOnly or allowedProjects is an
// error, and so is a value of a single API key that is named as one of these except
// apiKey, user and pass: what means a privilege is set by a mapper of the app's own.
//
// Source: ReadMe's pages on custom login and on the data that it takes from a JWT.
func ReadMeClaims(_ context.Context, user *User, claims Claims) error {
	claims.setString("name", cmp.Or(user.Name, user.Email))
	claims.setString("email", user.Email)
	if err := claims.add("attribute", user.Attributes, readMeOwn...); err != nil {
		return err
	}
	if len(user.APIKeys) == 1 {
		key := user.APIKeys[0]
		if name, pass, hasValue := key.basic(); name+pass != "" && key.Key == "" && !hasValue {
			claims["apiKey"] = map[string]any{"user": name, "pass": pass}
		}
		return claims.addReadMeKey(key, readMePrivileged...)
	}
	var keys []Claims
	names := map[string]bool{}
	for i, key := range user.APIKeys {
		if key.Name == "" || names[key.Name] {
			return fmt.Errorf("docslogin: API key %d of %d has no Name of its own, which ReadMe needs where there are several", i+1, len(user.APIKeys))
		}
		names[key.Name] = true
		entry := Claims{"name": key.Name}
		if err := entry.addReadMeKey(key); err != nil {
			return err
		}
		keys = append(keys, entry)
	}
	if keys != nil {
		claims["keys"] = keys
	}
	return nil
}

// What ReadMe gives a meaning to, at the top level: but for what a key may set, and all.
var (
	readMePrivileged = []string{"name", "email", "keys", "parameters", "isAdmin", "isReadOnly", "allowedProjects"}
	readMeOwn        = append([]string{"apiKey", "user", "pass"}, readMePrivileged...)
)

// addReadMeKey adds what the top level and an entry of keys have in common.
func (c Claims) addReadMeKey(key APIKey, reserved ...string) error {
	c.setString("apiKey", key.Key)
	if user, pass, _ := key.basic(); user+pass != "" {
		c["user"], c["pass"] = user, pass
	}
	return c.add("API key's value", key.Values, reserved...)
}

// MintlifyClaims is the [ClaimsMapper] of [Mintlify] and [MintlifyPersonalization]:
//
//	Groups               groups
//	Name, Email          content.name, content.email
//	Attributes           content, each under its own name
//	first API key        apiPlaygroundInputs.header.Authorization: "Bearer " and Key,
//	                     or "Basic " and Username and Password; its Values are not sent
//	ID, further keys     not sent
//
// Pages show content as user.name and so on. An attribute named name or email is an
// error. A mapper of the app's own may replace what stands here, or add to it:
//
//	inputs := docslogin.Claims(claims.Object("apiPlaygroundInputs"))
//	inputs.Object("header")["X-Api-Key"] = key
//
// Source: Mintlify's pages on JWT authentication and on its user format.
func MintlifyClaims(_ context.Context, user *User, claims Claims) error {
	if len(user.Groups) > 0 {
		claims["groups"] = slices.Clone(user.Groups)
	}
	content := Claims{}
	if err := content.addPerson(user); err != nil {
		return err
	}
	claims.setObject("content", content)
	if len(user.APIKeys) > 0 {
		if credentials := user.APIKeys[0].authorization(); credentials != "" {
			claims["apiPlaygroundInputs"] = map[string]any{"header": map[string]any{"Authorization": credentials}}
		}
	}
	return nil
}

// The mappers below are described at their presets.

func gitBookClaims(_ context.Context, user *User, claims Claims) error {
	return claims.addPerson(user)
}

func developerHubClaims(_ context.Context, user *User, claims Claims) error {
	vars := Claims{}
	err := vars.addPerson(user)
	claims.setObject("vars", vars)
	return err
}

// addPerson sets name, e-mail and attributes.
func (c Claims) addPerson(user *User) error {
	c.setString("name", user.Name)
	c.setString("email", user.Email)
	return c.add("attribute", user.Attributes, "name", "email")
}

func fernClaims(_ context.Context, user *User, claims Claims) error {
	fern := Claims{}
	fern.setString("name", user.Name)
	fern.setString("email", user.Email)
	if len(user.Groups) > 0 {
		fern["roles"] = slices.Clone(user.Groups)
	}
	if len(user.APIKeys) > 0 {
		auth, key := Claims{}, user.APIKeys[0]
		if auth.setString("bearer_token", key.Key); key.Key == "" && key.Username+key.Password != "" {
			auth["basic"] = map[string]any{"username": key.Username, "password": key.Password}
		}
		if len(auth) > 0 {
			fern["playground"] = map[string]any{"initial_state": map[string]any{"auth": map[string]any(auth)}}
		}
	}
	claims.setObject("fern", fern)
	return nil
}

func zendeskClaims(_ context.Context, user *User, claims Claims) error {
	claims.setString("name", cmp.Or(user.Name, user.Email))
	claims.setString("email", user.Email)
	claims.setString("external_id", user.ID)
	return nil
}

func helpScoutClaims(_ context.Context, user *User, claims Claims) error {
	claims.setString("sub", user.Email)
	return nil
}

func cannyClaims(_ context.Context, user *User, claims Claims) error {
	claims.setString("id", user.ID)
	claims.setString("name", cmp.Or(user.Name, user.Email))
	claims.setString("email", user.Email)
	return nil
}

func featurebaseClaims(_ context.Context, user *User, claims Claims) error {
	claims.setString("userId", user.ID)
	claims.setString("name", user.Name)
	claims.setString("email", user.Email)
	return nil
}

func metabaseClaims(_ context.Context, user *User, claims Claims) error {
	claims.setString("email", user.Email)
	if len(user.Groups) > 0 {
		claims["groups"] = slices.Clone(user.Groups)
	}
	for _, name := range []string{"first_name", "last_name"} {
		switch value := user.Attributes[name].(type) {
		case nil:
		case string:
			claims.setString(name, value)
		default:
			return fmt.Errorf("docslogin: the attribute %q is a %T, and Metabase wants a string", name, value)
		}
	}
	if claims["first_name"] == nil && claims["last_name"] == nil {
		claims.setString("first_name", user.Name)
	}
	return nil
}

// authorization returns the key as the value of an Authorization header (RFC 6750,
// RFC 7617), or "".
func (k APIKey) authorization() string {
	switch {
	case k.Key != "":
		return "Bearer " + k.Key
	case k.Username+k.Password != "":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(k.Username+":"+k.Password))
	}
	return ""
}

// basic returns the HTTP Basic credential, Username and Password or else that of
// the only value which is one, and whether any value is one.
func (k APIKey) basic() (user, pass string, named bool) {
	found := 0
	for _, value := range k.Values {
		var object map[string]any
		written, _ := json.Marshal(value) // what is no JSON has an error of its own
		_ = json.Unmarshal(written, &object)
		if name, ok := object["user"].(string); ok {
			user = name
			pass, _ = object["pass"].(string)
			found++
		}
	}
	if k.Username+k.Password != "" || found > 1 {
		user, pass = k.Username, k.Password
	}
	return user, pass, found > 0
}

// isNil reports nil in either of its forms, bare or in an interface.
func isNil(v any) bool {
	value := reflect.ValueOf(v)
	return !value.IsValid() || value.Kind() == reflect.Pointer && value.IsNil()
}
