// Package docslogin signs an app's users in at the company's hosted docs.
//
// Documentation that is hosted by [ReadMe], [Mintlify], [GitBook] and others greets readers by
// name, shows them their own API key and hides what is not for them, if the company's app
// says who they are: in a signed JSON Web Token (RFC 7519) about its own signed-in user,
// with which the browser is sent back to the docs. [New] makes the middleware that does
// this, on one route around an existing handler:
//
//	docs, err := docslogin.New(lookup, docslogin.ReadMe("https://docs.example.com", secret))
//	...
//	http.ListenAndServe(":8080", docs.Wrap(mux))
//
// The route, /docs-login, is the login URL for the docs' dashboard. A [UserLookup] says
// who is signed in, from the app's own session ([SessionLookup] for gorilla sessions);
// visitors who are not go to the app's sign-in page ([WithLoginPage]) and come back to the
// docs page they wanted. What the docs learn of a user is in the documentation of each
// preset or of its mapper, [ReadMeClaims] and [MintlifyClaims]; [WithClaimsMapper] adds to
// it. A [Platform] is data: change a preset's, or write one. There is no state between
// requests. [UserInfo] and package readmewebhook answer docs that ask by themselves. Package
// docslogintest has docs sites to test against; command docslogin says why a login is refused.
//
// The repository's folder recipes has an app that runs for each of these: net/http, chi,
// gorilla/mux, gin, echo, fiber, httprouter, connect, grpc-gateway and huma; sessions of
// gorilla, scs, gin-contrib and echo-contrib; authboss, goth, Ory Kratos, Clerk, Auth0,
// SuperTokens, OpenID Connect (go-oidc), JWTs in cookies (golang-jwt, jwtauth) and
// authenticating proxies; several docs sites, tenants, single-page apps, path prefixes and TLS
// termination, sign-out; keys that change and metrics.
//
// What the package cannot do: keep a token in a query out of the docs host's own log; or
// sign a visitor in whose session cookie is SameSite=Strict, which browsers do not send
// with a visit from another site, the docs. Use SameSite=Lax.
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
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin/internal/deeplink"
	"github.com/docslogin/docslogin/internal/keys"
)

// Platform is what a docs platform expects of a login, as data. Presets such as
// [ReadMe] and [Mintlify] return one; a caller may change it before [New], or write
// one for a platform that has no preset. New copies what it needs.
type Platform struct {
	Name          string                  // for events and logs
	DocsURL       string                  // where the docs are: links lead there. https; http for a loopback host
	Callback      string                  // what takes the token: a path under DocsURL, or an absolute URL where the platform has a host for it; "": DocsURL, or the wanted page (see DeepLink)
	Algorithm     jose.SignatureAlgorithm // HS256, HS384, HS512, EdDSA, ES256; others with SignWith
	Key           Key
	Carrier       Carrier
	DeepLink      DeepLink
	Echo          []string          // other parameters that the platform wants back as they came; one over 256 bytes is dropped
	Params        map[string]string // parameters that are the same for everybody; an echoed one wins
	Lifetime      Lifetime
	TokenID       bool         // a random jti
	HostClaim     string       // claim that carries the docs URL's host name, lower case, no port
	Static        Claims       // claims that are the same for everybody: version, iss
	MaxTokenBytes int          // a longer token is too_large; 0: only the limit on the whole URL
	Required      []string     // claims without which a user cannot log in, "a|b": without either; looked at after all mappers
	Mapper        ClaimsMapper // nil: only those of WithClaimsMapper
	RootOnly      bool         // docs cannot be under a path
	InsecureHTTP  bool         // allows an http DocsURL that is not loopback: the token travels in clear

	mistake *ConfigError // in an argument of a preset's, for New
}

// DeepLink says how the page that a visitor wanted comes to the route and goes back.
// Whatever its form, a link is followed only if it stays on the docs' origin; a
// refused one leads to the docs' home.
type DeepLink struct {
	In       string   // query parameter that brings the link; "": the platform sends none
	Out      string   // query parameter that takes it back; "": the token goes to the page itself
	Form     LinkForm // how it goes out in Out
	FromBase bool     // a relative link counts from DocsURL's path, not from the host's root
	Origins  []string // origins that a link may name beside DocsURL's (never as the token's target)
	Drop     []string // query parameters taken out of a link, names compared after decoding; "visitor.*": any ending
}

// LinkForm is how a deep link is written when it goes back to the docs.
type LinkForm int

// The forms of a deep link.
const (
	AsPath  LinkForm = iota // from the host's root
	AsURL                   // absolute, on the checked origin
	AsGiven                 // the bytes that came, once they pass the check
)

// Lifetime says how long a token, and the docs session that it begins, may last.
// Durations are at least a second; a token holds whole seconds.
type Lifetime struct {
	Token        time.Duration // exp; 0: none, where there is no MaxToken
	MaxToken     time.Duration // more than this is a ConfigError; 0: no limit
	Session      time.Duration // written to SessionClaim; at most 366 days
	MinSession   time.Duration // less is a ConfigError; a user whose app session ends sooner counts as not signed in
	SessionClaim string        // "expiresAt"; "exp" where the token is the session; "": the platform decides
}

// Carrier is the part of a request to the docs in which the token travels.
// The zero Carrier is none.
type Carrier struct {
	place place
	name  string // of the parameter or the field
}

type place int

const (
	inQuery place = iota + 1
	inFragment
	inForm
)

// InQuery puts the token into the query parameter of that name.
func InQuery(param string) Carrier { return Carrier{inQuery, param} }

// InFragment makes the token the URL's fragment, which browsers send to no server. They do
// carry it along when the page that it was sent to redirects: a platform that takes it on
// the wanted page must not have pages that redirect to a foreign host.
func InFragment() Carrier { return Carrier{place: inFragment} }

// InForm puts the token into the field of that name of a form that the browser posts: no
// URL, and so no access log, has it. The route answers with a page (200) that sends its form
// by itself, or by its button where scripts are off; a deep link goes along in the field
// that DeepLink.Out names, other parameters in the query of the form's action. The page's
// Content-Security-Policy allows the origins of the callback, the docs and DeepLink.Origins:
// if what takes the form redirects elsewhere, browsers stop there.
func InForm(field string) Carrier { return Carrier{inForm, field} }

// ReadMe returns the preset for ReadMe's custom login. docsURL is the docs' base URL,
// with the path that an enterprise child project has; secret is the project's JWT
// secret as the dashboard shows it. A bad argument is reported by [New].
//
// The token is signed with HS256, lives five minutes and goes to
// {docsURL}?auth_token={token}&redirect={path}. It holds what [ReadMeClaims] maps,
// version (1), iat, exp and a jti. How long the docs session lasts is a setting of the
// project, so [WithSessionTTL] is an error. Name (or Email) and Email are required.
//
// Sources: ReadMe's pages on custom login and on the data that it takes from a JWT.
// Not documented there, and not relied upon: whether exp is honored and whether a jti
// that was used before is refused.
func ReadMe(docsURL, secret string) Platform {
	return Platform{
		Name:      "ReadMe",
		DocsURL:   docsURL,
		Algorithm: jose.HS256,
		Key:       Secret(secret),
		Carrier:   InQuery("auth_token"),
		DeepLink:  DeepLink{In: "redirect", Out: "redirect", Form: AsPath},
		Lifetime:  Lifetime{Token: 5 * time.Minute},
		TokenID:   true,
		Static:    Claims{"version": 1},
		Required:  []string{"name", "email"},
		Mapper:    ReadMeClaims,
	}
}

// Mintlify returns the preset for Mintlify's JWT authentication. docsURL is where
// readers open the docs, which cannot be under a path: the token names that host, and
// Mintlify compares it with the one visited. privateKeyPEM is the Ed25519 key that the
// dashboard generates, in any form that [PrivateKey] takes. A bad argument is reported
// by [New].
//
// The token is signed with EdDSA, lives ten seconds, which is the most that Mintlify
// takes, and goes to {docsURL}/login/jwt-callback?redirect={path}#{token}. It holds
// what [MintlifyClaims] maps, host, expiresAt (the end of the docs session: 14 days,
// see [WithSessionTTL], or User.ExpiresAt if that is sooner), iat and exp.
//
// Source: Mintlify's page on JWT authentication; host is required since March 2026.
// What becomes of a query or an anchor in redirect is not documented there: they are
// passed on unchanged.
func Mintlify(docsURL, privateKeyPEM string) Platform {
	return Platform{
		Name:      "Mintlify",
		DocsURL:   docsURL,
		Callback:  "/login/jwt-callback",
		Algorithm: jose.EdDSA,
		Key:       PrivateKey(privateKeyPEM),
		Carrier:   InFragment(),
		DeepLink:  DeepLink{In: "redirect", Out: "redirect", Form: AsPath},
		Lifetime: Lifetime{
			Token: 10 * time.Second, MaxToken: 10 * time.Second,
			Session: 14 * 24 * time.Hour, SessionClaim: "expiresAt",
		},
		HostClaim: "host",
		Mapper:    MintlifyClaims,
		RootOnly:  true,
	}
}

// MintlifyPersonalization returns the preset for the personalization of public Mintlify docs
// by JWT. docsURL may have a path. privateKeyPEM is a P-256 key, in any form that
// [PrivateKey] takes. A bad argument is reported by [New].
//
// The token is signed with ES256 (not EdDSA), lives ten seconds, the most that Mintlify
// takes, and goes to the wanted page itself as its fragment, in the place of an anchor that
// the link has; without a link, to docsURL. No parameter for the page is documented: the preset
// takes redirect, as [Mintlify] has it. The token holds what [MintlifyClaims] maps,
// expiresAt (14 days, see [WithSessionTTL], or User.ExpiresAt if that is sooner), iat and exp.
// See [InFragment] for docs whose pages redirect to a foreign host.
//
// Docs that share the app's session need no token: see [UserInfo].
//
// Source: Mintlify's page on personalization.
func MintlifyPersonalization(docsURL, privateKeyPEM string) Platform {
	return Platform{
		Name:      "Mintlify personalization",
		DocsURL:   docsURL,
		Algorithm: jose.ES256,
		Key:       PrivateKey(privateKeyPEM),
		Carrier:   InFragment(),
		DeepLink:  DeepLink{In: "redirect"},
		Lifetime: Lifetime{
			Token: 10 * time.Second, MaxToken: 10 * time.Second,
			Session: 14 * 24 * time.Hour, SessionClaim: "expiresAt",
		},
		Mapper: MintlifyClaims,
	}
}

// GitBook returns the preset for GitBook's authenticated access. siteURL is the site's base
// URL, with its path if it has one; signingKey is the site's private key, whose characters
// are the secret as they are. A bad argument is reported by [New].
//
// The token is signed with HS256 and goes to the wanted page itself, as its query parameter
// jwt_token, after jwt_token, access_token and every visitor.… have been taken out of the
// link. The link comes in location: relative to siteURL, with or without a slash in front,
// or absolute. The token is the docs session: exp is its end (one hour, a minute at least,
// see [WithSessionTTL], or User.ExpiresAt if that is sooner; without it GitBook would take
// seven days). One of more than 4,000 bytes is refused (too_large), since GitBook went in
// circles with it until August 2026.
//
//	Name, Email                 name, email
//	Attributes                  the top level, each under its own name
//	ID, Groups, APIKeys         not sent
//
// Pages can only use what the site's schema declares, strings of an enumeration there, and
// no lists: an app maps its groups to truth values in a mapper of its own. What the schema
// declares may decide what a reader sees, so attributes that users can change themselves do
// not belong there. One named name or email is an error. Nothing is required.
//
// Sources: GitBook's pages on authenticated access and on adaptive content. GitBook logs
// readers out at {siteURL}/~gitbook/auth/logout.
func GitBook(siteURL, signingKey string) Platform {
	return Platform{
		Name:          "GitBook",
		DocsURL:       siteURL,
		Algorithm:     jose.HS256,
		Key:           Secret(signingKey),
		Carrier:       InQuery("jwt_token"),
		DeepLink:      DeepLink{In: "location", FromBase: true, Drop: []string{"jwt_token", "access_token", "visitor.*"}},
		Lifetime:      Lifetime{Session: time.Hour, MinSession: time.Minute, SessionClaim: "exp"},
		MaxTokenBytes: 4000,
		Mapper:        gitBookClaims,
	}
}

// Fern returns the preset for Fern's authentication by JWT. docsURL is the docs' base URL,
// with its base path if it has one; secret is the one that Fern gave, whose characters are
// the key as they are, although they look like base64. A bad argument is reported by [New].
//
// The token is signed with HS256 and goes to
// {docsURL}/api/fern-docs/auth/jwt/callback?fern_token={token}&state={state}, where state is
// the wanted page's URL as it came (a redirect_uri comes too, and is ignored). The token is
// the docs session, which Fern keeps in one cookie: exp is its end (one day, see
// [WithSessionTTL], or User.ExpiresAt if that is sooner), and one of more than 4,000 bytes is
// refused (too_large). iss is https://buildwithfern.com; if another one was agreed upon, set
// it: platform.Static["iss"] = "…".
//
//	Groups                      fern.roles
//	Name, Email                 fern.name, fern.email
//	first API key               fern.playground.initial_state.auth: bearer_token, or else
//	                            basic, username and password; its Values are not sent
//	ID, Attributes, more keys   not sent
//
// Nothing is required. Source: Fern's page on authentication with a JWT.
func Fern(docsURL, secret string) Platform {
	return Platform{
		Name:          "Fern",
		DocsURL:       docsURL,
		Callback:      "/api/fern-docs/auth/jwt/callback",
		Algorithm:     jose.HS256,
		Key:           Secret(secret),
		Carrier:       InQuery("fern_token"),
		DeepLink:      DeepLink{In: "state", Out: "state", Form: AsGiven},
		Lifetime:      Lifetime{Session: 24 * time.Hour, SessionClaim: "exp"},
		Static:        Claims{"iss": "https://buildwithfern.com"},
		MaxTokenBytes: 4000,
		Mapper:        fernClaims,
	}
}

// Zendesk returns the preset for JWT single sign-on at a Zendesk help center. subdomain is
// the account's, the name before .zendesk.com; secret is the shared secret. For a help center
// under a name of its own, set the DocsURL of the result to it. A bad argument is reported
// by [New].
//
// The token is signed with HS256, has a jti and no exp (Zendesk takes it for three minutes
// after its iat), and is posted in a form ([InForm]), without a Referer and with the Origin
// null, to https://{subdomain}.zendesk.com/access/jwt, in the field jwt. The wanted page goes
// along in return_to as it came, and brand_id, locale_id and timestamp in the query of the
// form's action. There is no [Middleware.LoginURL]. How long the session lasts is Zendesk's
// setting, so both lifetimes' options are errors. Help centers of other brands, and whatever
// else a login may lead to, are to be named in the DeepLink.Origins of the result: browsers
// do not follow a login from the form to other origins.
//
//	Name, else Email            name
//	Email                       email
//	ID                          external_id
//	Groups, APIKeys, Attributes not sent
//
// Name (or Email) and Email are required. Claims such as role, organization, tags or
// user_fields change the Zendesk user: only a mapper of the app's own sets them.
//
// Source: Zendesk's page on JWT single sign-on. Errors go to the remote logout URL that is
// set there, as kind=error&message=….
func Zendesk(subdomain, secret string) Platform {
	p := Platform{
		Name:      "Zendesk",
		Algorithm: jose.HS256,
		Key:       Secret(secret),
		Carrier:   InForm("jwt"),
		DeepLink:  DeepLink{In: "return_to", Out: "return_to", Form: AsGiven},
		Echo:      []string{"brand_id", "locale_id", "timestamp"},
		TokenID:   true,
		Required:  []string{"name", "email"},
		Mapper:    zendeskClaims,
	}
	if subdomain == "" || len(subdomain) > 63 || strings.Trim(subdomain, alphanumeric+"-") != "" || strings.Trim(subdomain, "-") != subdomain {
		p.mistake = &ConfigError{Field: "subdomain", Reason: "must be the name before .zendesk.com alone: letters, digits, and hyphens between them"}
		subdomain = "subdomain"
	}
	p.DocsURL = "https://" + subdomain + ".zendesk.com"
	p.Callback = p.DocsURL + "/access/jwt"
	p.DeepLink.Origins = []string{p.DocsURL} // of the agents' pages, wherever the help center is
	return p
}

// HelpScout returns the preset for Help Scout's restricted Docs. siteURL is the Docs site's;
// secret is its shared secret. A bad argument is reported by [New].
//
// The token is signed with HS512 and goes to {siteURL}/authcallback?token={token}&returnTo={path}.
// It is the docs session: exp is its end (one hour, see [WithSessionTTL], or User.ExpiresAt
// if that is sooner).
//
//	Email                       sub, required
//	all else                    not sent
//
// Source: Help Scout's page on restricted Docs.
func HelpScout(siteURL, secret string) Platform {
	return Platform{
		Name:      "Help Scout",
		DocsURL:   siteURL,
		Callback:  "/authcallback",
		Algorithm: jose.HS512,
		Key:       Secret(secret),
		Carrier:   InQuery("token"),
		DeepLink:  DeepLink{In: "returnTo", Out: "returnTo", Form: AsPath},
		Lifetime:  Lifetime{Session: time.Hour, SessionClaim: "exp"},
		Required:  []string{"sub"},
		Mapper:    helpScoutClaims,
	}
}

// DeveloperHub returns the preset for DeveloperHub's access by JWT. docsURL is the docs' base
// URL; key is the project's, as it is. A bad argument is reported by [New].
//
// The token is signed with HS256 and goes to the wanted page itself, as its query parameter
// jwt; without a link, to docsURL. The page comes in redirect, as an absolute URL. The token
// is the docs session: exp is its end (one day, see [WithSessionTTL], or User.ExpiresAt if
// that is sooner). version is 1. There is no jti, which would make it good for one use only.
//
//	Name, Email                 vars.name, vars.email
//	Attributes                  vars, each under its own name
//	ID, Groups, APIKeys         not sent
//
// An attribute named name or email is an error. Nothing is required. A mapper of the app's
// own may set error_redirect_url. Source: DeveloperHub's page on access by JWT, which also
// takes HS512: set the Algorithm of the result.
func DeveloperHub(docsURL, key string) Platform {
	return Platform{
		Name:      "DeveloperHub",
		DocsURL:   docsURL,
		Algorithm: jose.HS256,
		Key:       Secret(key),
		Carrier:   InQuery("jwt"),
		DeepLink:  DeepLink{In: "redirect"},
		Lifetime:  Lifetime{Session: 24 * time.Hour, SessionClaim: "exp"},
		Static:    Claims{"version": 1},
		Mapper:    developerHubClaims,
	}
}

// Canny returns the preset for Canny's single sign-on. boardURL is where readers see the
// board; companyID, which everybody can see in the login URL, and privateKey, a secret for
// HMAC, are those of the account. A bad argument is reported by [New].
//
// The token is signed with HS256, lives five minutes and goes to
// https://canny.io/api/redirects/sso?companyID={id}&ssoToken={token}&redirect={url}. A
// companyID in the request wins over the argument. How long the session lasts is Canny's,
// so [WithSessionTTL] is an error.
//
//	ID                          id
//	Name, else Email            name
//	Email                       email
//	Groups, APIKeys, Attributes not sent
//
// ID, Name (or Email) and Email are required. Source: Canny's page on single sign-on.
func Canny(boardURL, companyID, privateKey string) Platform {
	return Platform{
		Name:      "Canny",
		DocsURL:   boardURL,
		Callback:  "https://canny.io/api/redirects/sso",
		Algorithm: jose.HS256,
		Key:       Secret(privateKey),
		Carrier:   InQuery("ssoToken"),
		DeepLink:  DeepLink{In: "redirect", Out: "redirect", Form: AsURL},
		Echo:      []string{"companyID"},
		Params:    map[string]string{"companyID": companyID},
		Lifetime:  Lifetime{Token: 5 * time.Minute},
		Required:  []string{"id", "name", "email"},
		Mapper:    cannyClaims,
	}
}

// Featurebase returns the preset for Featurebase's single sign-on. siteURL is where readers
// see the help center; secret is the account's. A bad argument is reported by [New].
//
// The token is signed with HS256, lives ten minutes and goes to
// {siteURL}/api/v1/auth/access/jwt?jwt={token}&return_to={url}. How long the session lasts
// is Featurebase's, so [WithSessionTTL] is an error.
//
//	ID                          userId
//	Name, Email                 name, email
//	Groups, APIKeys, Attributes not sent
//
// ID or Email is required, better both. Source: Featurebase's page on single sign-on.
func Featurebase(siteURL, secret string) Platform {
	return Platform{
		Name:      "Featurebase",
		DocsURL:   siteURL,
		Callback:  "/api/v1/auth/access/jwt",
		Algorithm: jose.HS256,
		Key:       Secret(secret),
		Carrier:   InQuery("jwt"),
		DeepLink:  DeepLink{In: "return_to", Out: "return_to", Form: AsURL},
		Lifetime:  Lifetime{Token: 10 * time.Minute},
		Required:  []string{"email|userId"},
		Mapper:    featurebaseClaims,
	}
}

// Metabase returns the preset for Metabase's sign-in by JWT. siteURL is Metabase's own, with
// its path if it has one; secret is its signing key. A bad argument is reported by [New].
//
// The token is signed with HS256, lives three minutes, the most that Metabase takes after
// iat, and goes to {siteURL}/auth/sso?jwt={token}&return_to={path}. The page arrives
// unescaped, so one with several parameters comes without those behind its first "&". How
// long the session lasts is Metabase's, so [WithSessionTTL] is an error.
//
//	Email                       email, required
//	Groups                      groups
//	Attributes                  first_name and last_name, from those of these names alone
//	Name                        first_name, without such an attribute
//	ID, APIKeys                 not sent
//
// first_name and last_name that are no string are an error. Other claims become the user
// attributes by which Metabase decides what data somebody sees: only a mapper of the app's
// own sets them. Source: Metabase's page on authentication with a JWT.
func Metabase(siteURL, secret string) Platform {
	return Platform{
		Name:      "Metabase",
		DocsURL:   siteURL,
		Callback:  "/auth/sso",
		Algorithm: jose.HS256,
		Key:       Secret(secret),
		Carrier:   InQuery("jwt"),
		DeepLink:  DeepLink{In: "return_to", Out: "return_to", Form: AsPath},
		Lifetime:  Lifetime{Token: 3 * time.Minute, MaxToken: 3 * time.Minute},
		Required:  []string{"email"},
		Mapper:    metabaseClaims,
	}
}

// Key signs tokens. It is opaque: it holds its secret in a closure, so that there is
// nothing to print, and prints as "[redacted]". Whether it is any good, [New] and
// [Middleware.SetKey] say. The zero Key is none.
type Key struct {
	signer func(jose.SignatureAlgorithm) (*keys.Signer, error)
}

// Secret returns the key of an HMAC algorithm: the secret's bytes as they are, at
// least 16 of them, with no white space or quotes around. One that is shorter than
// the hash is padded with zero bytes, which gives the same signature (RFC 2104).
func Secret(secret string) Key {
	return Key{func(alg jose.SignatureAlgorithm) (*keys.Signer, error) { return keys.Secret(secret, alg) }}
}

// PrivateKey returns the key in a PEM text: Ed25519 for EdDSA or P-256 for ES256, in
// PKCS#8 or SEC 1. The text may be in any form that environment variables give it:
// with newlines written as \n or turned into blanks, CRLF, quotes or blanks around it,
// indentation, a byte-order mark, or base64 over the whole.
func PrivateKey(pemText string) Key {
	return Key{func(alg jose.SignatureAlgorithm) (*keys.Signer, error) { return keys.PEM(pemText, alg) }}
}

// SignWith returns a key that never enters the process: s signs, in a KMS, an HSM or a
// vault, with a private key; a shared secret has no public half and cannot be used so.
// s must be safe for concurrent use, and its Public must return the public key, for the
// trial signature, which New and SetKey make without a deadline. If s also has the method
// WithContext(context.Context) jose.OpaqueSigner, then each login signs with what that
// returns for the request's context. Package cryptosigner of go-jose makes an OpaqueSigner
// from a crypto.Signer; so does the module github.com/docslogin/docslogin/hsm, with a time
// limit, and from a key in a PKCS#11 token.
func SignWith(s jose.OpaqueSigner) Key {
	return Key{func(alg jose.SignatureAlgorithm) (*keys.Signer, error) {
		if isNil(s) {
			return nil, errors.New("the signer is nil")
		}
		return keys.Opaque(s, alg)
	}}
}

const redacted = "[redacted]"

// Format implements [fmt.Formatter].
func (Key) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// LogValue implements [slog.LogValuer].
func (Key) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements [encoding.TextMarshaler], and so JSON.
func (Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Option configures a [Middleware]. All options are applied first and checked then, so
// their order does not matter, except that of WithClaimsMapper among themselves; of
// any other option that is given twice the last one counts. A nil argument is a mistake,
// which [New] reports.
type Option func(*config)

// WithPath sets the path of the route. Default "/docs-login". It must be clean, without
// //, dot segments or a slash at its end, not "/" itself, and of letters, digits and
// -._~!$&'+,;=@ between its slashes.
func WithPath(path string) Option {
	return func(c *config) { c.path = path }
}

// WithLoginPage sets where visitors are sent who are not signed in, and the query parameter
// in which that page takes the way back; the page's own query is kept. Default: none, and
// they get a 401 page.
//
// pageURL is a path of the app, as browsers see it, and the way back is a path too; or
// an absolute http(s) URL, which needs [WithExternalURL] and, on another host, takes an
// absolute way back. The sign-in page must send the visitor on to the way back, query and
// all, with a 303 if it answers a POST, and has to check it as it would any other.
func WithLoginPage(pageURL, returnParam string) Option {
	return func(c *config) { c.loginPage, c.returnParam, c.hasLoginPage = pageURL, returnParam, true }
}

// WithExternalURL sets the app's own base URL as browsers see it, such as
// "https://app.example.com" or "https://example.com/app". It is needed when the sign-in
// page is on another host, or when the app is mounted under a path prefix that it does
// not see itself. All paths of redirects are then as browsers see them, so no proxy may
// add the prefix to them once more. Default: none; it is never taken from a request.
func WithExternalURL(base string) Option {
	return func(c *config) { c.externalURL, c.hasExternalURL = base, true }
}

// WithClaimsMapper adds a mapper that runs after the platform's. It may be given more
// than once; mappers run in the order in which they were given.
func WithClaimsMapper(m ClaimsMapper) Option {
	return func(c *config) {
		if m == nil {
			c.fail("WithClaimsMapper", "is nil; leave the option out")
		}
		c.mappers = append(c.mappers, m)
	}
}

// WithTokenTTL sets how long a token may be used (exp), at least a second. The default
// and the most are the platform's. On a platform whose token has no lifetime of its own
// it is an error.
func WithTokenTTL(d time.Duration) Option {
	return func(c *config) { c.tokenTTL = &d }
}

// WithSessionTTL sets how long the docs session lasts, from a second to 366 days.
// User.ExpiresAt shortens it. The default is the platform's. On a platform that does not
// take it from the token it is an error.
func WithSessionTTL(d time.Duration) Option {
	return func(c *config) { c.sessionTTL = &d }
}

// WithErrorHandler replaces the pages that visitors see who are not let in, and the JSON
// with which [UserInfo] refuses. The handler must write the response; the status to use
// and a sign-in URL are in the [LoginError], whose Err is for the operator and not for the
// visitor. The route's headers are set already. It is not called for speculative, embedded
// and canceled requests. It is called by many goroutines at once.
func WithErrorHandler(h func(http.ResponseWriter, *http.Request, *LoginError)) Option {
	return func(c *config) {
		if h == nil {
			c.fail("WithErrorHandler", "is nil; leave the option out for the built-in pages")
		}
		c.errorHandler = h
	}
}

// WithObserver sets a func that is told once of every request on the route, after the
// response. What it does is part of the request's time; it is called by many goroutines
// at once; its panic is logged and goes no further. The context is the request's, and has
// ended if the visitor has gone.
func WithObserver(f func(context.Context, Event)) Option {
	return func(c *config) {
		if f == nil {
			c.fail("WithObserver", "is nil; leave the option out")
		}
		c.observer = f
	}
}

// WithLogger sets where one line for each request on the route goes, at the level of
// its outcome. Default: [slog.Default], as it is at that time. No line holds a token, a
// claim but the user's id, a key, or a link's query; of a panic there is the stack and, of
// a value that is no error, the type. The texts of the app's own errors are on it as they are.
func WithLogger(l *slog.Logger) Option {
	return func(c *config) {
		if l == nil {
			c.fail("WithLogger", "is nil; slog.New(slog.DiscardHandler) keeps silent")
		}
		c.logger = l
	}
}

// WithClock sets the clock by which tokens are dated. Default [time.Now]. It is called
// by many goroutines at once.
func WithClock(now func() time.Time) Option {
	return func(c *config) {
		if now == nil {
			c.fail("WithClock", "is nil; leave the option out for time.Now")
		}
		c.now = now
	}
}

// ConfigError is one mistake in what was given to [New]. New returns all that there
// are, joined (see [errors.Join]); each is found by [errors.As].
type ConfigError struct {
	Field  string // the option, argument or Platform field: "WithPath", "lookup", "Platform.DocsURL"
	Reason string // what is wrong with it and what to do; never a secret, nor a URL's text
	Err    error  // the cause, or nil
}

func (e *ConfigError) Error() string {
	text := "docslogin: " + e.Field + " " + e.Reason
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return strings.ReplaceAll(text, "\n", "; ") // one line for each mistake
}

// Unwrap returns Err.
func (e *ConfigError) Unwrap() error { return e.Err }

// config is everything that New was given, and what the flow needs of it, made once.
type config struct {
	lookup         UserLookup
	platform       Platform
	path           string
	loginPage      string
	returnParam    string
	hasLoginPage   bool
	externalURL    string
	hasExternalURL bool
	mappers        []ClaimsMapper
	tokenTTL       *time.Duration
	sessionTTL     *time.Duration
	errorHandler   func(http.ResponseWriter, *http.Request, *LoginError)
	observer       func(context.Context, Event)
	logger         *slog.Logger
	now            func() time.Time

	methods string   // that are taken, as Allow has them
	owned   []string // claims that no mapper may set

	route       string        // for the log
	site        deeplink.Site // what deep links are checked against
	target      string        // the URL that takes the token, if it is not the wanted page
	toPage      bool          // it is the wanted page, if there is one
	host        string        // for HostClaim
	formOrigins string        // to which a form, and the redirects behind it, may lead

	signIn     string // the sign-in page's URL, up to the value of the return parameter
	signInTail string // what comes behind that value
	wayBack    string // the route, as browsers see it

	mistakes []error
}

// newConfig applies the options and then checks what every handler needs, and collects
// the mistakes.
func newConfig(lookup UserLookup, p Platform, opts []Option) *config {
	c := &config{lookup: lookup, path: "/docs-login", now: time.Now}
	for i, opt := range opts {
		if opt == nil {
			c.fail(fmt.Sprintf("option %d", i+1), "is nil; leave it out")
			continue
		}
		opt(c)
	}
	c.copyPlatform(p)
	if lookup == nil {
		c.fail("lookup", "is nil; pass a func that says who is signed in (SessionLookup returns nil for a nil store, a nil load, a name that no cookie can have, or a cookie store without a key that works)")
	}
	if p.Name == "" {
		c.fail("Platform.Name", "is missing; begin with a preset such as ReadMe or Mintlify, or name the platform")
	}
	c.checkLifetime()
	c.checkClaims()
	return c
}

// checkRoute checks what only a route that sends tokens needs, and returns the signer.
func (c *config) checkRoute() *keys.Signer {
	c.methods, c.route = http.MethodGet, c.path
	if c.errorHandler == nil {
		c.errorHandler = writePage
	}
	if c.platform.mistake != nil {
		c.mistakes = append(c.mistakes, c.platform.mistake)
	}
	c.checkPath()
	c.checkPlatform()
	c.checkTarget()
	c.checkLoginPage()
	signer, err := c.newSigner(c.platform.Key)
	if err != nil {
		c.mistakes = append(c.mistakes, err)
	}
	return signer
}

// checkOrigins returns the origins whose pages may read an answer.
func (c *config) checkOrigins(origins []string) []string {
	for i, origin := range origins {
		field := fmt.Sprintf("origins[%d]", i)
		switch u := c.parseURL(field, origin, c.platform.InsecureHTTP); {
		case u.Host == "": // has been reported
		case deeplink.Origin(u) != origin:
			c.fail(field, "must be written as browsers send it: a scheme and a host in lower case, without a path, a slash at its end, or the scheme's own port")
		}
	}
	return slices.Clone(origins)
}

func (c *config) fail(field, reason string, args ...any) {
	c.mistakes = append(c.mistakes, &ConfigError{Field: field, Reason: fmt.Sprintf(reason, args...)})
}

// copyPlatform copies what a caller could go on writing to, and puts the platform's
// mapper before the app's.
func (c *config) copyPlatform(p Platform) {
	p.Echo, p.Required = slices.Clone(p.Echo), slices.Clone(p.Required)
	p.DeepLink.Origins, p.DeepLink.Drop = slices.Clone(p.DeepLink.Origins), slices.Clone(p.DeepLink.Drop)
	p.Params, p.Static = maps.Clone(p.Params), maps.Clone(p.Static)
	if p.Mapper != nil {
		c.mappers = append([]ClaimsMapper{p.Mapper}, c.mappers...)
	}
	c.platform = p
}

// newSigner returns the signer for a key after a trial signature.
func (c *config) newSigner(key Key) (*keys.Signer, error) {
	alg := c.platform.Algorithm
	switch {
	case key.signer == nil:
		return nil, &ConfigError{Field: "Platform.Key", Reason: "is missing; set it with Secret, PrivateKey or SignWith"}
	case !slices.Contains(algorithms, alg):
		return nil, nil // has been reported
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

// checkPath checks WithPath. Only characters are allowed that mean nothing special in a
// URL or in the patterns of routers.
func (c *config) checkPath() {
	if c.path == "/" || path.Clean(c.path) != c.path || !strings.HasPrefix(c.path, "/") || strings.Trim(c.path, pathChars) != "" {
		c.fail("WithPath", "must be a clean path such as /docs-login, not / itself: letters, digits and -._~!$&'+,;=@ between single slashes")
	}
}

const (
	alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	pathChars    = alphanumeric + "-._~!$&'+,;=@/"
	hostChars    = alphanumeric + "-_"
)

// checkPlatform checks the platform's fields, each by itself.
func (c *config) checkPlatform() {
	p, link := &c.platform, &c.platform.DeepLink
	if p.Carrier.place == 0 || p.Carrier.place != inFragment && p.Carrier.name == "" {
		c.fail("Platform.Carrier", "is missing; set it with InQuery, InFragment or InForm")
	}
	if !slices.Contains(algorithms, p.Algorithm) {
		c.fail("Platform.Algorithm", "is not one that signs tokens; set it to HS256, EdDSA, ES256 or another of go-jose's")
	}
	if p.MaxTokenBytes < 0 {
		c.fail("Platform.MaxTokenBytes", "is negative; 0 means no limit")
	}
	if link.Form < AsPath || link.Form > AsGiven {
		c.fail("Platform.DeepLink.Form", "is none of AsPath, AsURL and AsGiven")
	}
	if link.FromBase && link.Form == AsGiven && link.Out != "" {
		c.fail("Platform.DeepLink.FromBase", "does not go with AsGiven: what is checked would not be what goes out")
	}
	if link.In == "" && link.Out != "" || link.In != "" && link.Out == "" && p.Callback != "" {
		c.fail("Platform.DeepLink", "needs both In and Out, unless the token goes to the page itself")
	}
	c.checkParams()
	for _, name := range link.Drop {
		if name = strings.TrimSuffix(name, "*"); name == "" || strings.Contains(name, "*") {
			c.fail("Platform.DeepLink.Drop", "has a name that is empty or has a * before its end; write a parameter's name, or the beginning of one and a *")
		}
	}
	for i, origin := range link.Origins {
		field := fmt.Sprintf("Platform.DeepLink.Origins[%d]", i)
		u := c.parseURL(field, origin, true)
		if u.Path != "" || u.RawQuery != "" {
			c.fail(field, "must be an origin: a scheme and a host without a path")
		}
		link.Origins[i] = deeplink.Origin(u)
	}
}

// checkTarget prepares where the token goes and what a link is checked against.
func (c *config) checkTarget() {
	p, link := &c.platform, &c.platform.DeepLink
	docs := c.parseURL("Platform.DocsURL", p.DocsURL, p.InsecureHTTP)
	c.host = strings.ToLower(docs.Hostname())
	c.toPage = link.In != "" && link.Out == ""
	c.site = deeplink.Site{
		Origin: deeplink.Origin(docs), Base: strings.TrimRight(docs.EscapedPath(), "/"),
		Origins: link.Origins, FromBase: link.FromBase, Target: c.toPage,
		Token: p.Carrier.name, Drop: link.Drop,
	}
	if p.RootOnly && c.site.Base != "" {
		c.fail("Platform.DocsURL", "has a path; this platform's docs cannot be under one")
	}
	origin, callback := c.site.Origin, c.site.Base+p.Callback
	switch {
	case docs.RawQuery != "" && (p.Callback != "" || c.toPage):
		c.fail("Platform.DocsURL", "has a query, which would not reach the page that takes the token; remove it")
	case p.Callback == "":
		callback = docs.EscapedPath()
		if docs.RawQuery != "" {
			callback += "?" + docs.RawQuery
		}
		for name := range docs.Query() {
			if _, constant := p.Params[name]; constant || name == p.Carrier.name || name == link.Out || slices.Contains(p.Echo, name) {
				c.fail("Platform.DocsURL", "has a query that holds the parameter %q, which the platform has a use for; remove it", name)
			}
		}
	case !strings.HasPrefix(p.Callback, "/"):
		u := c.parseURL("Platform.Callback", p.Callback, p.InsecureHTTP)
		if u.RawQuery != "" {
			c.fail("Platform.Callback", "has a query; parameters that are the same for everybody stand in Platform.Params")
		}
		origin, callback = deeplink.Origin(u), u.EscapedPath()
	case strings.ContainsAny(p.Callback, "?#") || !deeplink.CleanPath(p.Callback):
		c.fail("Platform.Callback", "must be a clean path, or an absolute URL, without a query or a fragment")
	}
	c.target = origin + deeplink.Escape(callback)
	if p.Callback != "" {
		decoded, _ := url.PathUnescape(callback) // clean, so it does decode
		c.site.Callback = origin + decoded
	}
	origins := slices.Sorted(slices.Values(append([]string{origin, c.site.Origin}, link.Origins...)))
	c.formOrigins = strings.Join(slices.Compact(origins), " ")
	if p.Carrier.place == inForm && strings.ContainsAny(c.formOrigins, "[_") { // CSP Level 3, section 2.3.1
		c.fail("Platform.Carrier", "is a form, and one of the platform's hosts is an IPv6 address or has an underscore, which the policy of the form's page cannot name; use another name")
	}
}

// checkParams checks that no query parameter has two meanings.
func (c *config) checkParams() {
	p := &c.platform
	used := []string{"", returnMarker}
	if p.Carrier.place == inForm {
		used = append(used, "_charset_") // which browsers fill in themselves (HTML standard)
	}
	take := func(field string, names ...string) {
		for _, name := range names {
			if slices.Contains(used, name) {
				c.fail(field, "has the parameter %q, which is empty or has another use; choose another name", name)
			}
		}
		used = append(used, names...)
	}
	if p.Carrier.name != "" {
		take("Platform.Carrier", p.Carrier.name)
	}
	if p.DeepLink.Out != "" {
		take("Platform.DeepLink.Out", p.DeepLink.Out)
	}
	if in := p.DeepLink.In; in != "" && in != p.DeepLink.Out {
		take("Platform.DeepLink.In", in)
	}
	take("Platform.Echo", p.Echo...)
	for name, value := range p.Params {
		if !slices.Contains(p.Echo, name) {
			take("Platform.Params", name)
		}
		if value == "" || strings.TrimSpace(value) != value {
			c.fail("Platform.Params", "has no value for the parameter %q, or one with white space around it; mend it", name)
		}
	}
}

// parseURL returns a URL of the configuration, an empty one if it is no good. The text
// is not repeated in the error: arguments get mixed up, and then it is a secret.
func (c *config) parseURL(field, text string, allowHTTP bool) *url.URL {
	u, err := url.Parse(text)
	switch {
	case len(text) > 2048:
		c.fail(field, "is longer than 2,048 bytes")
	case text == "":
		c.fail(field, "is empty; set it to an absolute URL such as https://docs.example.com")
	case strings.TrimSpace(text) != text:
		c.fail(field, "has white space around it; remove it")
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		c.fail(field, "is not an absolute http or https URL such as https://docs.example.com")
	case u.User != nil:
		c.fail(field, "has user info before its host; remove it")
	case strings.Contains(text, "#"):
		c.fail(field, "has a fragment; remove the # and what comes behind it")
	case !validHost(u):
		c.fail(field, "has a host or a port that is not valid; an internationalized name is written in punycode (xn--…)")
	case u.Scheme == "http" && !allowHTTP && !loopback(u.Hostname()):
		c.fail(field, "must be https; http is only for a loopback host such as localhost, because the token would travel in clear (Platform.InsecureHTTP allows that)")
	case u.Path != "" && !deeplink.CleanPath(u.EscapedPath()):
		c.fail(field, "has a path that is not clean; remove //, dot segments, backslashes and doubled escapes")
	default:
		return u
	}
	return &url.URL{}
}

// validHost reports whether host and port mean the same to Go and to browsers, which
// read "127.1" and "0x7f.1" as addresses too.
func validHost(u *url.URL) bool {
	port, err := strconv.ParseUint(cmp.Or(u.Port(), "443"), 10, 16)
	if err != nil || port == 0 || strings.HasPrefix(u.Port(), "0") || strings.HasSuffix(u.Host, ":") {
		return false
	}
	host := strings.ToLower(u.Hostname())
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Zone() == "" && !addr.Is4In6() && addr.String() == host // as browsers write it
	}
	last := ""
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || len(host) > 253 || strings.Trim(label, hostChars) != "" || strings.Trim(label, "-") != label {
			return false
		}
		last = label
	}
	return strings.Trim(last, "0123456789") != "" && !strings.HasPrefix(last, "0x")
}

// loopback reports whether a host is this machine (RFC 6761, section 6.3).
func loopback(host string) bool {
	host = strings.ToLower(host)
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && addr.IsLoopback()
}

// maxLifetime is the longest lifetime, so that a slip in a unit is found.
const maxLifetime = 366 * 24 * time.Hour

// checkLifetime puts the options' lifetimes in the place of the platform's and checks them.
func (c *config) checkLifetime() {
	l := &c.platform.Lifetime
	if l.MaxToken < 0 || l.MinSession < 0 {
		c.fail("Platform.Lifetime", "has a negative MaxToken or MinSession; 0 means no limit")
		return
	}
	c.checkDuration("Token", c.tokenTTL, &l.Token, l.Token != 0 || l.MaxToken != 0, 0, l.MaxToken)
	c.checkDuration("Session", c.sessionTTL, &l.Session, l.SessionClaim != "", l.MinSession, 0)
	if l.MinSession != 0 && l.SessionClaim == "" {
		c.fail("Platform.Lifetime.MinSession", "does not apply: this platform has no claim for a session in its token")
	}
	if l.SessionClaim == "exp" && l.Token != 0 {
		c.fail("Platform.Lifetime", "has a Token and a Session that both want the claim exp; set Token to 0")
	}
}

func (c *config) checkDuration(name string, option, d *time.Duration, applies bool, least, most time.Duration) {
	field := "Platform.Lifetime." + name
	if option != nil {
		field = "With" + name + "TTL"
	}
	if !applies {
		if option != nil || *d != 0 {
			c.fail(field, "does not apply: this platform has no claim for it in its token")
		}
		return
	}
	if option != nil {
		*d = *option
	}
	if most == 0 {
		most = maxLifetime
	}
	if least = max(least, time.Second); *d < least || *d > most {
		c.fail(field, "is %v; on this platform it must be from %v to %v", *d, least, most)
	}
}

// checkClaims finds out which claims the library writes, so that no mapper does.
func (c *config) checkClaims() {
	p := &c.platform
	c.owned = []string{"iat", "nbf"}
	if p.Lifetime.SessionClaim != "exp" {
		c.owned = append(c.owned, "exp")
	}
	if p.TokenID {
		c.owned = append(c.owned, "jti")
	}
	own := func(field, name string) {
		if slices.Contains(c.owned, name) {
			c.fail(field, "is %q, which the library writes already; choose another claim", name)
		}
		if name != "" {
			c.owned = append(c.owned, name)
		}
	}
	own("Platform.Lifetime.SessionClaim", p.Lifetime.SessionClaim)
	own("Platform.HostClaim", p.HostClaim)
	for name, value := range p.Static {
		if name == "" || slices.Contains(c.owned, name) {
			c.fail("Platform.Static", "has the claim %q, which is empty or which the library writes; remove it", name)
		}
		text, err := json.Marshal(value)
		if err != nil {
			c.fail("Platform.Static", "has the claim %q, a %T, which cannot be written as JSON", name, value)
		}
		p.Static[name] = json.RawMessage(text)
	}
	c.owned = slices.AppendSeq(c.owned, maps.Keys(p.Static))
	for _, required := range p.Required {
		for name := range strings.SplitSeq(required, "|") {
			if name == "" || slices.Contains(c.owned, name) {
				c.fail("Platform.Required", "has the claim %q, which is empty or which the library writes; remove it", name)
			}
		}
	}
}

// checkLoginPage prepares the way to the sign-in page and back.
func (c *config) checkLoginPage() {
	external := &url.URL{}
	if c.hasExternalURL {
		if external = c.parseURL("WithExternalURL", c.externalURL, true); external.RawQuery != "" {
			c.fail("WithExternalURL", "has a query; it is the app's base URL")
		}
	}
	c.wayBack = strings.TrimRight(external.EscapedPath(), "/") + c.path
	if !c.hasLoginPage {
		return
	}
	if c.returnParam == "" {
		c.fail("WithLoginPage", "needs the name of the parameter in which the sign-in page takes the way back")
	}
	page, fragment, hasFragment := strings.Cut(c.loginPage, "#")
	pagePath, query, hasQuery := strings.Cut(page, "?")
	switch {
	case strings.TrimSpace(c.loginPage) != c.loginPage:
		c.fail("WithLoginPage", "has white space around it; remove it")
	case strings.HasPrefix(page, "/"):
		if !deeplink.CleanPath(pagePath) {
			c.fail("WithLoginPage", "is not a clean path: remove //, dot segments, backslashes and doubled escapes")
		}
	case !c.hasExternalURL:
		c.fail("WithLoginPage", "must be a path of the app, or an http(s) URL together with WithExternalURL")
	default:
		if u := c.parseURL("WithLoginPage", page, true); deeplink.Origin(u) == deeplink.Origin(external) {
			pagePath = u.EscapedPath()
		} else {
			c.wayBack = deeplink.Origin(external) + c.wayBack
		}
	}
	if decoded, _ := url.PathUnescape(pagePath); decoded == c.wayBack {
		c.fail("WithLoginPage", "is the route itself; set it to the page on which users sign in")
	}
	if values, _ := url.ParseQuery(query); values.Has(c.returnParam) {
		c.fail("WithLoginPage", "has a query that holds the return parameter already")
	}
	c.signIn = deeplink.Escape(page) + separator(hasQuery) + url.QueryEscape(c.returnParam) + "="
	if hasFragment {
		c.signInTail = "#" + deeplink.Escape(fragment)
	}
}

// separator is what stands before one more parameter.
func separator(hasQuery bool) string {
	if hasQuery {
		return "&"
	}
	return "?"
}
