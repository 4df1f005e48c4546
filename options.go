package docslogin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin/internal/address"
	"github.com/docslogin/docslogin/internal/jsonvalue"
	"github.com/docslogin/docslogin/internal/keys"
)

// Platform describes what a docs platform expects of a login. It is plain data: the presets in
// package platforms return one. Change a preset's result before you pass it to [New], or write one
// for a platform without a preset. New copies what it needs.
type Platform struct {
	Name          string                  // for events and logs
	DocsURL       string                  // where the docs are, and where deep links lead; https, or http for a loopback host only
	Callback      string                  // where the token goes: a path under DocsURL, or an absolute URL if the platform has a host for it; "": DocsURL, or the deep link's page (see DeepLink)
	Algorithm     jose.SignatureAlgorithm // HS256, HS384, HS512, EdDSA, ES256; others with SignWith
	Key           Key
	Carrier       Carrier
	DeepLink      DeepLink
	Logout        string            // URL that ends the docs session: a path under DocsURL, or an absolute URL; "": none (see Middleware.LogoutURL)
	Echo          []string          // other parameters of the login URL that the platform expects back unchanged; one over 256 bytes is dropped, and all are if the URL is too long
	Params        map[string]string // parameters that are the same for every user; none of them may also be in Echo; they are removed, as by DeepLink.Drop, from a deep link whose page gets the token
	Lifetime      Lifetime
	TokenID       bool         // adds a random jti
	HostClaim     string       // claim for the host name of DocsURL, in lower case, without a port
	Static        Claims       // claims that are the same for every user, such as version or iss; encoded like a mapper's claims
	MaxTokenBytes int          // a longer token is rejected (too_large); 0: only the whole URL is limited
	Required      []string     // claims without which a user cannot log in, checked after all mappers; "a|b" requires one of the two
	Mapper        ClaimsMapper // nil: only the mappers of WithClaimsMapper run
	RootOnly      bool         // the docs cannot be under a path
	InsecureHTTP  bool         // allows http where only a loopback host may have it; the token is then sent unencrypted
	Err           error        // what is wrong with a preset's argument, preferably a *ConfigError; New returns it instead of its own errors about the same field
}

// DeepLink describes how the docs page that the visitor asked for arrives at the login route, and
// how it goes back to the docs. A deep link is followed only if
//   - it stays on the docs' origin or on one of Origins, and under DocsURL's path if the token goes to
//     the page itself;
//   - it has at most 2,048 bytes of valid UTF-8, without control characters and backslashes;
//   - its path has no //, no dot segment, and no escape that is broken or doubled;
//   - it does not lead to Platform.Callback or Platform.Logout, and does not carry the token's parameter.
//
// Otherwise the visitor goes to the docs' home page.
//
// If Raw is set, a deep link that begins with "/" or "scheme://" is the rest of the query, byte for
// byte, and no parameter after it is read. Any other deep link ends at the next "&" and is decoded
// once, as without Raw. The deep link goes back as a URI (RFC 3986), in which a space is %20. Raw
// cannot be combined with AsGiven.
type DeepLink struct {
	In       string   // query parameter in which the deep link arrives; "": the platform sends none
	Out      string   // query parameter, or field of the form, in which it goes back; "": the token goes to the page itself
	Form     LinkForm // how it is written in Out
	Always   bool     // without a deep link, DocsURL goes back in Out
	Raw      bool     // the platform appends the deep link unescaped, as the last parameter (see DeepLink)
	FromBase bool     // a relative deep link starts at DocsURL's path, not at the host's root
	Origins  []string // origins besides DocsURL's to which a deep link may lead (the token never goes there)
	Drop     []string // query parameters to remove from a deep link, as common servers read their names, such as "Name[]" for "name"; "visitor.*" is every name that begins with "visitor."
}

// LinkForm is how a deep link is written when it goes back to the docs.
type LinkForm int

// The forms of a deep link.
const (
	AsPath  LinkForm = iota // from the host's root
	AsURL                   // absolute, on the checked origin
	AsGiven                 // the bytes that arrived, if they pass the check
)

// Lifetime sets when a token, and the docs session that it starts, expire. Durations are at least
// one second, because the times in a token are whole seconds.
type Lifetime struct {
	Token        time.Duration // until exp; 0: no exp, if MaxToken is 0
	MaxToken     time.Duration // the longest Token that New accepts; 0: 366 days
	Session      time.Duration // until SessionClaim; at most 366 days
	MinSession   time.Duration // the shortest Session that New accepts; a user whose app session ends sooner counts as not signed in
	SessionClaim string        // claim for the end of the docs session: "expiresAt"; "exp" if the token is the session; "": the platform decides
}

// Carrier is the part of a request to the docs that carries the token. The zero Carrier is invalid.
type Carrier struct{ carrier address.Carrier }

// InQuery puts the token in the query parameter of that name.
func InQuery(param string) Carrier {
	return Carrier{address.Carrier{Place: address.Query, Name: param}}
}

// InFragment puts the token in the URL's fragment, which browsers do not send to any server. They
// keep the fragment across redirects, however. If the platform takes the token on the deep link's
// page, no such page may redirect to a foreign host.
func InFragment() Carrier { return Carrier{address.Carrier{Place: address.Fragment}} }

// InForm puts the token in the named field of a form that the browser posts, so that no URL and no
// access log contains it. The route responds with a page (200) whose script submits the form; if
// scripts are off, the visitor presses its button. The deep link is in the field that DeepLink.Out
// names, and other parameters are in the query of the form's action. The page's
// Content-Security-Policy allows the origins of the callback, the docs, and DeepLink.Origins. If
// the platform redirects to another origin after the form, browsers block that redirect.
func InForm(field string) Carrier {
	return Carrier{address.Carrier{Place: address.PostForm, Name: field}}
}

// InCookie puts the token in a cookie, for docs that share a parent domain with the app, such as
// "example.com". The route sets the cookie and redirects to the deep link's page, so no URL contains
// the token. [Middleware.SetCookie] sets the cookie without a visit to the route, and
// [Middleware.ClearCookie] removes it. DeepLink.Out and Callback must be empty.
//
// Browsers send the token to every host under domain. New does not detect public suffixes such as
// "co.uk", which browsers reject. The cookie has Path=/, HttpOnly, SameSite=Lax, and Secure, unless the
// docs are on a loopback host over http. It expires with the token or, if the token does not expire,
// with the browser's session. A cookie that has 4,096 bytes with its attributes is too long (too_large).
func InCookie(name, domain string) Carrier {
	return Carrier{address.Carrier{Place: address.Cookie, Name: name, Domain: domain}}
}

// Key signs tokens. It keeps its secret in a closure and prints as "[redacted]". [New] and
// [Middleware.SetKey] validate it. The zero Key is invalid.
type Key struct {
	redacted
	signer func(jose.SignatureAlgorithm) (*keys.Signer, error)
}

// Secret returns the key for an HMAC algorithm. The bytes of the secret are the key; nothing
// decodes them. A secret shorter than the hash is padded with zero bytes, which does not change the
// signature (RFC 2104).
//
// New requires at least 16 bytes. It rejects a secret with white space or quotes around it, or with
// an invisible or control character in it. It also rejects values that are clearly not secrets, such
// as PEM, a token, a URL, a file path, a reference to a secret manager, an encrypted value, a
// placeholder such as ${NAME}, a JSON object, a line of an env file, a masked value, an example such
// as <your-secret>, base64 with white space in it, or one character repeated. A secret that is not
// valid UTF-8 may contain any bytes.
//
// New cannot know whether a program that read an env file changed the secret, for example by
// expanding a $ in it. The command docslogin explain finds such changes.
func Secret(secret string) Key {
	return Key{signer: func(alg jose.SignatureAlgorithm) (*keys.Signer, error) { return keys.Secret(secret, alg) }}
}

// PrivateKey returns the private key in a PEM text: Ed25519 for EdDSA or P-256 for ES256, in PKCS#8,
// in SEC 1, or in OpenSSH's format without a passphrase. It accepts the forms that environment
// variables give the text: newlines written as \n, even without the backslash, or replaced by spaces;
// CRLF; quotes or spaces around it; indentation; a byte-order mark; escapes of URLs, HTML, or JSON; and
// base64 of the whole text. Base64 on one line passes through every env file unchanged. If part of the
// key is missing, the error says so.
func PrivateKey(pemText string) Key {
	return Key{signer: func(alg jose.SignatureAlgorithm) (*keys.Signer, error) { return keys.PEM(pemText, alg) }}
}

// SignWith returns a key that never enters the process: s signs with a private key in a KMS, an
// HSM, or a vault. HMAC algorithms cannot be used, because a secret has no public key.
//
// s must be safe for concurrent use by multiple goroutines. Its Public method must return the
// public key, which New and SetKey use to verify a trial signature; they make that signature
// without a deadline. An RSA key needs at least 2,048 bits (RFC 7518). If s also has a method
// WithContext(context.Context) jose.OpaqueSigner, each login signs with the signer that it returns
// for the request's context.
//
// Package cryptosigner of go-jose makes an OpaqueSigner from a crypto.Signer. So does the module
// github.com/docslogin/docslogin/hsm, with a time limit; it also makes one from a PKCS#11 token.
func SignWith(s jose.OpaqueSigner) Key {
	return Key{signer: func(alg jose.SignatureAlgorithm) (*keys.Signer, error) { return keys.Opaque(s, alg) }}
}

type redacted = keys.Redacted

// Option configures a [Middleware] or a [Profile]. All options are applied before they are
// validated together. Option order does not matter, except among WithClaimsMapper options. If any
// other option is given twice, the last one wins. A nil argument is a configuration error.
type Option func(*config)

// WithPath sets the path of the login route. The default is "/docs-login". The path must be clean,
// without //, dot segments, or a trailing slash, and must not be "/". Its segments may contain
// ASCII letters, digits, and -._~!$&'+,=@.
func WithPath(path string) Option {
	return func(c *config) { c.path = path }
}

// WithSignInPage sets the sign-in page and the query parameter that carries the return URL. The
// page's own query is kept. Without this option, visitors who are not signed in get a 401 page.
//
// pageURL is a path of the app as browsers see it, and the return URL is then a path, too. Or it is
// an absolute http(s) URL, which requires [WithExternalURL]; if it is on another origin, the
// return URL is absolute. If pageURL has a fragment, as with a hash router, the parameter precedes it,
// in location.search. After the sign-in, redirect to [Middleware.ReturnURL] with status 303. If
// another program serves the page, it must accept only return URLs that begin with the URL of the
// login route and "?", and redirect to them unchanged.
func WithSignInPage(pageURL, returnParam string) Option {
	return func(c *config) { c.signIn = &address.SignIn{URL: pageURL, ReturnParam: returnParam} }
}

// WithExternalURL sets the app's own base URL as browsers see it, such as "https://app.example.com"
// or "https://example.com/app". It is required if the sign-in page is on another origin, or if the
// app is mounted under a path prefix that it does not see itself. Redirects then contain the
// prefix, so no proxy may add it again. The path of base is the app's home page for
// [Middleware.ReturnURL]. There is no default: the URL is never taken from a request.
func WithExternalURL(base string) Option {
	return func(c *config) { c.externalURL = &base }
}

// WithReturnParams names parameters of the login URL that the app needs again after the sign-in, such
// as site in /docs-login?site=a. The return URL keeps their first values; one over 256 bytes is
// dropped. They do not go to the docs. By default, the return URL contains only parameters that the
// platform uses.
func WithReturnParams(names ...string) Option {
	return func(c *config) {
		c.failIf(len(names) == 0, "WithReturnParams", "names no parameter; leave the option out")
		c.returnParams = slices.Clone(names)
	}
}

// WithClaimsMapper adds a mapper that runs after the platform's. Several run in the order given.
func WithClaimsMapper(m ClaimsMapper) Option {
	return func(c *config) {
		c.failIf(m == nil, "WithClaimsMapper", "is nil; leave the option out")
		c.mappers = append(c.mappers, m)
	}
}

// WithTokenTTL sets how long after signing a token expires (exp), at least one second. The platform
// sets the default and the maximum, 366 days at most. The option is a configuration error if its
// token has no lifetime.
func WithTokenTTL(d time.Duration) Option {
	return func(c *config) { c.tokenTTL = &d }
}

// WithSessionTTL sets the lifetime of the docs session, up to 366 days. User.ExpiresAt shortens it.
// The platform sets the default and the minimum, one second at least. The option is a configuration
// error on a platform that does not read the lifetime from the token.
func WithSessionTTL(d time.Duration) Option {
	return func(c *config) { c.sessionTTL = &d }
}

// WithErrorHandler replaces the error pages, and the JSON errors of [Profile.ServeJSON]. The
// handler must write the response, with the status and the sign-in URL of the [LoginError]; Err is
// for the operator, not for the visitor. The library's response headers are already set. The
// handler is not called for the outcomes speculative, embedded, and canceled. It must be safe for
// concurrent use by multiple goroutines.
func WithErrorHandler(h func(http.ResponseWriter, *http.Request, *LoginError)) Option {
	return func(c *config) {
		c.failIf(h == nil, "WithErrorHandler", "is nil; leave the option out for the built-in pages")
		c.errorHandler = h
	}
}

// WithObserver sets a function that receives one [Event] per request, after the response. The
// request does not end before f returns. The context is the request's, and is canceled if the
// visitor has left. A panic in f is logged and does not affect the response. f must be safe for
// concurrent use by multiple goroutines.
func WithObserver(f func(context.Context, Event)) Option {
	return func(c *config) {
		c.failIf(f == nil, "WithObserver", "is nil; leave the option out")
		c.observer = f
	}
}

// WithLogger sets the logger, which receives one line per request, at the level of the outcome. The
// default is [slog.Default] at the time of the request. No line contains a token, a claim other
// than the user's ID, a key, or a deep link's query. Your own error messages are logged, with
// unprintable characters escaped. A panic is logged with its stack; if its value is neither an error
// nor a string, only its type is logged.
func WithLogger(l *slog.Logger) Option {
	return func(c *config) {
		c.failIf(l == nil, "WithLogger", "is nil; slog.New(slog.DiscardHandler) keeps silent")
		c.logger = l
	}
}

// WithClock sets the clock that dates tokens and decides what has expired. The default is
// [time.Now]. It must be safe for concurrent use by multiple goroutines.
func WithClock(now func() time.Time) Option {
	return func(c *config) {
		c.failIf(now == nil, "WithClock", "is nil; leave the option out for time.Now")
		c.now = now
	}
}

// ConfigError is one configuration error. [New] joins all of them (see [errors.Join]).
type ConfigError struct {
	Platform string // Platform.Name; "" if it is not known
	Field    string // the option, argument, or Platform field: "WithPath", "lookup", "Platform.DocsURL"
	Reason   string // what is wrong and what to do; never contains a secret or the text of a URL
	Err      error  // the cause, or nil
}

func (e *ConfigError) Error() string {
	text := e.Field + " " + e.Reason
	if e.Platform != "" {
		text = e.Platform + ": " + text
	}
	text = "docslogin: " + text
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return strings.ReplaceAll(text, "\n", "; ") // one line per error
}

// Unwrap returns Err.
func (e *ConfigError) Unwrap() error { return e.Err }

// config holds the arguments of New and NewProfile.
type config struct {
	platform     Platform // copied
	path         string
	signIn       *address.SignIn
	externalURL  *string
	returnParams []string
	mappers      []ClaimsMapper
	tokenTTL     *time.Duration
	sessionTTL   *time.Duration
	errorHandler func(http.ResponseWriter, *http.Request, *LoginError)
	observer     func(context.Context, Event)
	logger       *slog.Logger
	now          func() time.Time

	errs []error
}

// newConfig copies the platform and applies the options.
func newConfig(p Platform, opts []Option) *config {
	p.Echo, p.Required = slices.Clone(p.Echo), slices.Clone(p.Required)
	p.DeepLink.Origins, p.DeepLink.Drop = slices.Clone(p.DeepLink.Origins), slices.Clone(p.DeepLink.Drop)
	p.Params, p.Static = maps.Clone(p.Params), maps.Clone(p.Static)
	if one, ok := p.Err.(*ConfigError); ok && one == nil { // a nil *ConfigError is no error
		p.Err = nil
	}
	c := &config{platform: p, path: "/docs-login", now: time.Now}
	for i, opt := range opts {
		if opt == nil {
			c.fail(fmt.Sprintf("option %d", i+1), "is nil; leave it out")
			continue
		}
		opt(c)
	}
	return c
}

// fail adds a configuration error.
func (c *config) fail(field, reason string, args ...any) {
	c.add(&ConfigError{Field: field, Reason: fmt.Sprintf(reason, args...)})
}

// failIf adds a configuration error if the condition holds.
func (c *config) failIf(condition bool, field, reason string) {
	if condition {
		c.fail(field, "%s", reason)
	}
}

// add adds a configuration error, unless the preset has already reported that field.
func (c *config) add(err *ConfigError) {
	for _, reported := range configErrors(c.platform.Err) {
		if reported.Field == err.Field {
			return
		}
	}
	err.Platform = c.platform.Name
	c.errs = append(c.errs, err)
}

// configErrors returns each error in err, which may be joined, as a configuration error. It is empty if
// err is nil.
func configErrors(err error) (all []ConfigError) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			all = append(all, configErrors(err)...)
		}
		return all
	}
	field := "Platform"
	if one := (*ConfigError)(nil); errors.As(err, &one) {
		if error(one) == err {
			return []ConfigError{*one}
		}
		field = one.Field
	}
	if err == nil {
		return nil
	}
	return []ConfigError{{Field: field, Reason: "cannot be used", Err: err}}
}

// platformName returns the platform's name for a sentence.
func (c *config) platformName() string { return cmp.Or(c.platform.Name, "the platform") }

// err returns all configuration errors, joined, or nil.
func (c *config) err() error { return errors.Join(c.errs...) }

// checkProfile checks the part of the configuration that a profile needs.
func (c *config) checkProfile() {
	for _, err := range configErrors(c.platform.Err) {
		err.Platform = c.platform.Name
		c.errs = append(c.errs, &err)
	}
	if c.platform.Name == "" {
		c.fail("Platform.Name", "is missing; begin with a preset of package platforms, or name the platform")
	}
	c.checkLifetime()
	c.checkClaims()
}

// newProfile returns the profile for a configuration without errors, with the value of the
// platform's HostClaim.
func (c *config) newProfile(host string) *Profile {
	p := c.platform
	p.Lifetime = c.lifetime()
	mappers := c.mappers
	if p.Mapper != nil {
		mappers = append([]ClaimsMapper{p.Mapper}, mappers...)
	}
	return &Profile{
		platform: p, mappers: mappers, reserved: reservedClaims(&p), static: jsonvalue.MarshalEach(p.Static), host: host,
		now: c.now, logger: c.logger, observer: c.observer, errorHandler: c.errorHandler,
	}
}

// address returns the part of the configuration that decides where browsers are sent.
func (c *config) address() *address.Config {
	p := &c.platform
	return &address.Config{
		Platform: c.platformName(), DocsURL: p.DocsURL, Callback: p.Callback, Logout: p.Logout, Carrier: p.Carrier.carrier,
		DeepLink: address.DeepLink{
			In: p.DeepLink.In, Out: p.DeepLink.Out, Form: address.LinkForm(p.DeepLink.Form),
			Always: p.DeepLink.Always, Raw: p.DeepLink.Raw,
			FromBase: p.DeepLink.FromBase, Origins: p.DeepLink.Origins, Drop: p.DeepLink.Drop,
		},
		Echo: p.Echo, Params: p.Params, MaxTokenBytes: p.MaxTokenBytes, RootOnly: p.RootOnly, InsecureHTTP: p.InsecureHTTP,
		Path: c.path, ExternalURL: c.externalURL, SignIn: c.signIn, ReturnParams: c.returnParams,
	}
}

// checkRoute checks the part of the configuration that only the login route needs.
func (c *config) checkRoute() {
	if !slices.Contains(algorithms, c.platform.Algorithm) {
		c.fail("Platform.Algorithm", "is not one that signs tokens; set it to HS256, EdDSA, ES256 or another of go-jose's")
	}
	for _, problem := range address.Check(c.address()) {
		c.fail(problem.Field, "%s", problem.Reason)
	}
}

// newSigner returns the signer for a key, after a trial signature.
func newSigner(alg jose.SignatureAlgorithm, key Key) (*keys.Signer, *ConfigError) {
	switch {
	case key.signer == nil:
		return nil, &ConfigError{Field: "Platform.Key", Reason: "is missing; set it with Secret, PrivateKey or SignWith"}
	case !slices.Contains(algorithms, alg):
		return nil, nil // checkRoute reports it
	}
	signer, err := key.signer(alg)
	if err != nil {
		return nil, &ConfigError{Field: "Platform.Key", Reason: "cannot be used", Err: err}
	}
	return signer, nil
}

var algorithms = []jose.SignatureAlgorithm{
	jose.HS256, jose.HS384, jose.HS512, jose.EdDSA, jose.ES256, jose.ES384, jose.ES512,
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
}

// lifetime returns the platform's lifetime with the changes that the options make.
func (c *config) lifetime() Lifetime {
	l := c.platform.Lifetime
	if c.tokenTTL != nil {
		l.Token = *c.tokenTTL
	}
	if c.sessionTTL != nil {
		l.Session = *c.sessionTTL
	}
	return l
}

// maxLifetime is the longest lifetime. The limit catches a duration in the wrong unit.
const maxLifetime = 366 * 24 * time.Hour

func (c *config) checkLifetime() {
	p, l := c.platform.Lifetime, c.lifetime()
	if p.MaxToken < 0 || p.MinSession < 0 {
		c.fail("Platform.Lifetime", "has a negative MaxToken or MinSession; 0 means no limit")
		return
	}
	hasToken, hasSession := p.Token != 0 || p.MaxToken != 0, p.SessionClaim != ""
	c.checkDuration("Token", c.tokenTTL, l.Token, hasToken, 0, p.MaxToken)
	c.checkDuration("Session", c.sessionTTL, l.Session, hasSession, p.MinSession, 0)
	if p.MinSession != 0 && !hasSession {
		c.fail("Platform.Lifetime.MinSession", "does not apply, because the token of %s has no claim for the end of a session", c.platformName())
	}
	if p.SessionClaim == "exp" && hasToken && l.Token != 0 {
		c.fail("Platform.Lifetime", "has a Token and a Session that both want the claim exp; set Token to 0")
	}
}

func (c *config) checkDuration(name string, option *time.Duration, d time.Duration, applies bool, shortest, longest time.Duration) {
	field := "Platform.Lifetime." + name
	if option != nil {
		field = "With" + name + "TTL"
	}
	shortest, longest = max(shortest, time.Second), cmp.Or(longest, maxLifetime)
	switch {
	case !applies && (option != nil || d != 0):
		c.fail(field, "does not apply, because the token of %s has no claim for it", c.platformName())
	case applies && (d < shortest || d > longest):
		c.fail(field, "is %v; it must be from %v to %v", d, shortest, longest)
	}
}

// reservedClaims returns the claims that the library writes, and nbf, which no token has.
func reservedClaims(p *Platform) []string {
	names := []string{"iat", "exp", "nbf"}
	if p.TokenID {
		names = append(names, "jti")
	}
	for _, name := range []string{p.Lifetime.SessionClaim, p.HostClaim} {
		if name != "" {
			names = append(names, name)
		}
	}
	return slices.AppendSeq(names, maps.Keys(p.Static))
}

// checkClaims checks that the library writes no claim twice, and requires none that it writes.
func (c *config) checkClaims() {
	p := &c.platform
	written := []string{"iat", "nbf"}
	if p.Lifetime.SessionClaim != "exp" {
		written = append(written, "exp")
	}
	if p.TokenID {
		written = append(written, "jti")
	}
	take := func(field, name string) {
		if slices.Contains(written, name) {
			c.fail(field, "is %q, which the library writes already; choose another claim", name)
		}
		if name != "" {
			written = append(written, name)
		}
	}
	take("Platform.Lifetime.SessionClaim", p.Lifetime.SessionClaim)
	take("Platform.HostClaim", p.HostClaim)
	for _, name := range slices.Sorted(maps.Keys(p.Static)) {
		value := p.Static[name]
		text, isText := value.(string)
		switch _, err := jsonvalue.Copy(value); {
		case name == "":
			c.fail("Platform.Static", "has a claim without a name; remove it")
		case slices.Contains(written, name):
			c.fail("Platform.Static", "has the claim %q, which the library writes; remove it", name)
		case isText && text == "":
			c.fail("Platform.Static", "has no value for the claim %q; set it", name)
		case isText && text != strings.TrimSpace(text):
			c.fail("Platform.Static", "has white space around the value of the claim %q; remove it", name)
		case err != nil:
			c.fail("Platform.Static", "has the claim %q, %v", name, err)
		}
	}
	for _, required := range p.Required {
		for name := range strings.SplitSeq(required, "|") {
			if name == "" {
				c.fail("Platform.Required", "has a claim without a name; remove it")
			} else if slices.Contains(reservedClaims(p), name) {
				c.fail("Platform.Required", "has the claim %q, which the library writes; remove it", name)
			}
		}
	}
}
