package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/limit"
	"github.com/docslogin/docslogin/platforms"
)

// The header and the limits of ReadMe's signatures.
const (
	readMeHeader    = "Readme-Signature"
	readMeMaxAge    = 30 * time.Minute
	readMeMaxFuture = time.Minute // for clocks that differ
)

const (
	errMissing signatureError = "Missing Signature"
	errInvalid signatureError = "Invalid Signature"
	errExpired signatureError = "Expired Signature"
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
// The event and the log contain the cause. A 401, which anybody can cause, is logged at level
// debug.
//
// ReadMe sends {"email": "…"} with the header ReadMe-Signature: t=…,v0=…. In the header, v0 is the
// HMAC-SHA256, in hex, of t (Unix milliseconds), a dot, and the body's bytes. The handler rejects a
// header or a body over 8 KiB. A signature can be replayed within its 30 minutes, but the response
// goes only to ReadMe and changes nothing.
//
// Source: ReadMe's page on the personalized-docs webhook.
func ReadMe(secret string, find func(ctx context.Context, email string) (*docslogin.User, error), opts ...docslogin.Option) (*Handler, error) {
	read := func(header http.Header) (verifySignature, error) {
		s, err := parseReadMe(header.Get(readMeHeader))
		return s.verify, err
	}
	return newHandler(platforms.ReadMeInfo(), secret, read, find, opts)
}

// readMeSignature is the value of the signature header.
type readMeSignature struct {
	t            string
	milliseconds int64
	v0           []byte
}

func parseReadMe(signature string) (s readMeSignature, err error) {
	if signature == "" {
		return s, errMissing
	}
	if len(signature) > limit.Bytes {
		return s, fmt.Errorf("%w: it is longer than %d bytes", errInvalid, limit.Bytes)
	}
	var v0 string
	for part := range strings.SplitSeq(signature, ",") {
		switch name, value, _ := strings.Cut(strings.TrimSpace(part), "="); name {
		case "t":
			s.t = value
		case "v0":
			v0 = value
		}
	}
	var timeErr, hexErr error
	s.milliseconds, timeErr = strconv.ParseInt(s.t, 10, 64)
	s.v0, hexErr = hex.DecodeString(v0)
	if timeErr != nil || hexErr != nil {
		return s, fmt.Errorf("%w: it is not of the form t=…,v0=…", errInvalid)
	}
	return s, nil
}

// verify verifies the signature of a body, in constant time.
func (s readMeSignature) verify(secret, body []byte, now time.Time) error {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(s.t + "."))
	mac.Write(body)
	if !hmac.Equal(s.v0, mac.Sum(nil)) {
		return fmt.Errorf("%w: the project's secret does not verify it", errInvalid)
	}
	if age := now.Sub(time.UnixMilli(s.milliseconds)); age > readMeMaxAge || age < -readMeMaxFuture {
		return fmt.Errorf("%w: its time and this clock's are %v apart; keep clocks right with NTP", errExpired, age.Abs().Round(time.Second))
	}
	return nil
}
