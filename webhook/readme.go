package webhook

import (
	"context"
	"net/http"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/platforms"
)

// ReadMe returns the handler for ReadMe's personalized-docs webhook. The secret is the project's
// JWT secret, the same one as for [platforms.ReadMe]. [Handler.SetSecret] replaces it.
//
// find returns the user who has this e-mail address. ReadMe's spelling may differ in case, so ignore
// case. find returns a nil user or [docslogin.ErrNoUser] if there is no such user,
// and [docslogin.ErrForbidden] if the user may not read the docs. It is called only for requests
// that ReadMe signed. It must be safe for concurrent use by multiple goroutines.
//
// Pass ReadMe the same options as for the login route, so that both return the same claims. Options
// for the route, the sign-in page, and the error pages have no effect. ReadMe returns all
// configuration errors at once, each as a [*docslogin.ConfigError].
//
// The handler accepts only POST. It responds with 200 and the user as a JSON object, or with
// {"error": "…"} and one of these texts:
//
//	405  Method Not Allowed
//	401  Missing Signature, Invalid Signature, or Expired Signature: older than 30
//	     minutes, or more than a minute ahead
//	401  Unknown User
//	403  Forbidden, also for a user without an e-mail address
//	500  Internal Server Error
//
// The event and the log contain the cause. A 401, which anybody can cause, is logged at level debug. If the
// secret verifies an expired signature, the log level is error, because the app's clock is probably wrong.
//
// ReadMe sends {"email": "…"} with the header ReadMe-Signature: t=…,v0=…. In the header, v0 is the
// HMAC-SHA256, in hex, of t (Unix milliseconds), a dot, and the body's bytes. The handler rejects a
// header or a body over 8 KiB. Anybody who has a signed request can send it again within 30 minutes, and
// gets the same response. Do not log the headers and bodies of these requests.
//
// Source: ReadMe's page on the personalized-docs webhook.
func ReadMe(secret string, find func(ctx context.Context, email string) (*docslogin.User, error), opts ...docslogin.Option) (*Handler, error) {
	return newHandler(scheme{
		platform:  platforms.ReadMeInfo(),
		header:    "ReadMe-Signature",
		field:     "v0",
		at:        time.UnixMilli,
		maxAge:    30 * time.Minute,
		maxFuture: time.Minute,
		unknown:   http.StatusUnauthorized,
	}, secret, find, opts)
}
