package webhook

import (
	"context"
	"net/http"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/platforms"
)

// Scalar returns the handler for the user-info hook of Scalar Docs, which personalizes public and
// private docs. Enter its URL as siteConfig.userInfoHook in scalar.config.json. The secret is the one
// that the dashboard generates for the hook. Pass it with its prefix "whsec_", which is part of the
// key. [Handler.SetSecret] replaces it.
//
// find returns the user who has this e-mail address. Scalar has verified the address, and sends it in lower
// case. find returns a nil user or [docslogin.ErrNoUser] if there is no such user. It returns
// [docslogin.ErrForbidden] if the docs must not know anything about the user, who can still read them.
// find is called only for requests that Scalar signed. It must be safe for concurrent use by multiple
// goroutines.
//
// The response has the claims groups, content, and apiPlaygroundInputs of [platforms.Mintlify], so mappers
// for Mintlify work here, too. Its expiresAt is 15 minutes from now, or User.ExpiresAt if that is sooner.
// Scalar caches a response until then, and for 15 minutes at most. [docslogin.WithSessionTTL] can set a
// shorter time. A longer one has no effect at Scalar. Scalar does not fill in HTTP Basic credentials and
// path parameters. Groups decide what the navigation and the pages show. They do not protect a page.
//
// Scalar ignores the whole response if it breaks one of the rules below. The handler checks the finished
// claims. If they break a rule, it responds with 500 ([docslogin.OutcomeMapperFailed]), and the log names
// the rule:
//
//   - groups has up to 100 names. Each has 1 to 64 ASCII letters, digits, or characters of _.:- and
//     begins with a letter or a digit.
//   - content has up to 100 names of 1 to 64 characters.
//   - header, query, cookie, path, and server in apiPlaygroundInputs have names of 1 to 200
//     characters, and strings of up to 4,096.
//   - The response has up to 64 KB. The handler counts 64,000 bytes.
//
// The handler accepts the options of the login route. Those for the route, the token, the sign-in
// page, and the error pages have no effect. Scalar returns all configuration errors at once, each as a
// [*docslogin.ConfigError].
//
// The handler accepts only POST. It responds with 200 and the user as a JSON object, or with
// {"error": "…"} and one of these texts:
//
//	405  Method Not Allowed
//	401  Missing Signature, Invalid Signature, or Expired Signature (the two clocks are more
//	     than 300 seconds apart)
//	400  Bad Request (the type of the signed body is not user.info)
//	404  Unknown User
//	401  Unknown User, if User.ExpiresAt has passed
//	403  Forbidden
//	500  Internal Server Error
//
// After any of these, Scalar shows the docs without personalization. It logs an error unless the status is
// 404. The handler's event and log contain the cause. A 400, 401, or 404 is logged at level debug. If the
// secret verifies an expired signature, the log level is error, because the app's clock is probably wrong.
//
// Scalar waits five seconds. The context of find and the mappers ends after four, so that the app's log
// shows what is slow. The outcome is [docslogin.OutcomeLookupFailed] for find, and
// [docslogin.OutcomeMapperFailed] for a mapper.
//
// Scalar sends {"type": "user.info", "email": "…", …} with the header scalar-signature: t=…,v1=….
// In the header, v1 is the HMAC-SHA256, in hex, of t (Unix seconds), a dot, and the body's bytes.
// During a rotation, there are two v1, and the secret must verify one of them. The handler rejects a
// header or a body over 8 KiB. Anybody who has a signed request can send it again for 300 seconds, and
// gets the same response. Do not log the headers and bodies of these requests.
//
// Source: Scalar's page on personalization.
func Scalar(secret string, find func(ctx context.Context, email string) (*docslogin.User, error), opts ...docslogin.Option) (*Handler, error) {
	platform := platforms.MintlifyInfo()
	platform.Name = "Scalar"
	platform.Lifetime.Session = 15 * time.Minute
	platform.Lifetime.MaxToken = 0 // no token is signed, so the options of any login route are accepted
	return newHandler(scheme{
		platform:  platform,
		header:    "Scalar-Signature",
		field:     "v1",
		at:        func(seconds int64) time.Time { return time.Unix(seconds, 0) },
		maxAge:    300 * time.Second,
		maxFuture: 300 * time.Second,
		prefix:    "whsec_",
		event:     "user.info",
		unknown:   http.StatusNotFound,
		timeout:   5 * time.Second,
		check:     checkScalarClaims,
	}, secret, find, opts)
}
