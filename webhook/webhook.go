// Package webhook answers the signed requests in which docs ask the app's server about a reader. ReadMe
// sends one on every login, and Scalar Docs send one after a login: see [ReadMe] and [Scalar].
//
//	answer, err := webhook.ReadMe(secret, find)
//	...
//	mux.Handle("POST /readme-webhook", answer)
//
// The response has the claims of a token for the same user, without those that are about the token:
// iat, exp, and jti. When the secret changes, call [Handler.SetSecret]. If the login route has the
// same secret, as at ReadMe, call [docslogin.Middleware.SetKey] as well.
//
// A handler waits for a request's body as long as the server does. Set ReadTimeout of the
// [http.Server].
package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/keys"
	"github.com/docslogin/docslogin/internal/limit"
)

// Handler handles one platform's webhook. Create one with [ReadMe] or [Scalar]; the zero value is
// invalid. It keeps its secret in a closure and prints as "[redacted]". It is safe for concurrent use
// by multiple goroutines.
type Handler struct {
	redacted
	scheme
	profile *docslogin.Profile
	find    func(ctx context.Context, email string) (*docslogin.User, error)
	secret  atomic.Pointer[func() []byte] // a closure, so that nothing prints the secret
}

type redacted = keys.Redacted

// scheme is what distinguishes one platform's webhook from the others.
type scheme struct {
	platform  docslogin.Platform
	header    string                // the header with the signature
	field     string                // the field of the header that has the hash: "v0"
	at        func(int64) time.Time // converts the number in the field t
	maxAge    time.Duration
	maxFuture time.Duration          // because clocks differ
	prefix    string                 // of every secret
	event     string                 // the type that a body must have; "": any
	unknown   int                    // the status for an unknown user
	timeout   time.Duration          // how long the platform waits for the response; 0: not documented
	check     docslogin.ClaimsMapper // runs after the app's mappers; or nil
}

// The reasons for rejecting a signature, in ReadMe's words. Scalar documents none.
const (
	errMissing signatureError = "Missing Signature"
	errInvalid signatureError = "Invalid Signature"
	errExpired signatureError = "Expired Signature"
)

// signatureError is a reason for rejecting a signature.
type signatureError string

func (e signatureError) Error() string { return string(e) }

// Unwrap returns [docslogin.ErrNoUser], because such a request names no user.
func (e signatureError) Unwrap() error { return docslogin.ErrNoUser }

// newHandler returns the handler for a platform, unless there are configuration errors.
func newHandler(s scheme, secret string, find func(context.Context, string) (*docslogin.User, error), opts []docslogin.Option) (*Handler, error) {
	h := &Handler{scheme: s, find: find}
	errs := []error{h.SetSecret(secret)}
	if find == nil {
		errs = append(errs, h.configError("find", "is nil; pass a func that returns the user with an e-mail address", nil))
	}
	opts = append(slices.Clone(opts), docslogin.WithErrorHandler(writeError))
	if s.check != nil {
		opts = append(opts, docslogin.WithClaimsMapper(s.check))
	}
	profile, err := docslogin.NewProfile(s.platform, opts...)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	h.profile = profile
	return h, nil
}

func (h *Handler) configError(field, reason string, err error) error {
	return &docslogin.ConfigError{Platform: h.platform.Name, Field: field, Reason: reason, Err: err}
}

// SetSecret replaces the secret, even while requests are served. Each request is verified with the
// old secret or the new one. If the new secret fails the checks of the constructor, SetSecret returns
// a [*docslogin.ConfigError] and keeps the old secret.
//
// Call it as soon as you have the new secret. After a rotation, Scalar signs with both secrets for 24
// hours, so no request fails in the meantime. ReadMe signs with only one secret.
func (h *Handler) SetSecret(secret string) error {
	if _, err := keys.Secret(secret, jose.HS256); err != nil {
		return h.configError("secret", "cannot be used", err)
	}
	rest, whole := strings.CutPrefix(secret, h.prefix)
	if !whole || h.prefix != "" && strings.HasPrefix(rest, h.prefix) {
		return h.configError("secret", fmt.Sprintf("must begin with %q exactly once; pass the whole secret, as the dashboard shows it", h.prefix), nil)
	}
	if _, err := keys.Secret(rest, jose.HS256); err != nil { // such as a placeholder
		return h.configError("secret", fmt.Sprintf("cannot be used, because of what follows %q", h.prefix), err)
	}
	held := []byte(secret)
	get := func() []byte { return held }
	h.secret.Store(&get)
	return nil
}

// ServeHTTP handles a webhook request of the platform.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
	}
	if h.timeout > 0 { // a second less, so that the cause is logged before the platform gives up
		timeout := h.timeout - time.Second
		cause := fmt.Errorf("no response within %v, and %s waits only %v; find and the mappers must return sooner", timeout, h.platform.Name, h.timeout)
		ctx, cancel := context.WithTimeoutCause(r.Context(), timeout, cause)
		defer cancel()
		r = r.WithContext(ctx)
	}
	h.profile.ServeJSON(w, r, h.lookup)
}

// lookup returns the user that a signed request asks for.
func (h *Handler) lookup(r *http.Request) (*docslogin.User, error) {
	if r.Method != http.MethodPost {
		return nil, &docslogin.LoginError{Outcome: docslogin.OutcomeMethod, Status: http.StatusMethodNotAllowed}
	}
	signature, err := h.parse(strings.Join(r.Header.Values(h.header), ",")) // a proxy may split a list
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit.Bytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: the body does not arrive: %v", errInvalid, err)
	case len(body) > limit.Bytes:
		return nil, fmt.Errorf("%w: the body is longer than %d bytes", errInvalid, limit.Bytes)
	case r.Context().Err() != nil:
		return nil, fmt.Errorf("%w: the body arrived too late: %w", errInvalid, r.Context().Err())
	}
	if err := h.verify(signature, body); err != nil {
		return nil, err
	}
	var question map[string]any // a struct's fields would match names in any case
	_ = json.Unmarshal(body, &question)
	if h.event != "" && question["type"] != h.event {
		return nil, &docslogin.LoginError{Outcome: docslogin.OutcomeNoUser, Status: http.StatusBadRequest, Err: fmt.Errorf("the type of the signed body is not %q", h.event)}
	}
	email, _ := question["email"].(string)
	if email == "" {
		return nil, h.noUser(fmt.Errorf("%w: the body names no e-mail address", docslogin.ErrNoUser))
	}
	user, err := h.find(r.Context(), email)
	if cause := context.Cause(r.Context()); h.timeout > 0 && cause != nil { // even if find ignores its context
		return nil, cause
	}
	if user == nil && err == nil {
		err = docslogin.ErrNoUser
	}
	var chosen *docslogin.LoginError
	if !errors.As(err, &chosen) && errors.Is(err, docslogin.ErrNoUser) {
		err = h.noUser(err)
	}
	return user, err
}

// noUser returns the rejection for an unknown user.
func (h *Handler) noUser(err error) error {
	return &docslogin.LoginError{Outcome: docslogin.OutcomeNoUser, Status: h.unknown, Err: err}
}

// signature is the parsed value of the header with the signature.
type signature struct {
	t      string
	at     time.Time
	hashes [][]byte // two during a rotation
}

// parse parses the header with the signature. It skips hashes that are not SHA-256 in hex.
func (s *scheme) parse(header string) (read signature, err error) {
	if header == "" {
		return read, errMissing
	}
	if len(header) > limit.Bytes {
		return read, fmt.Errorf("%w: it is longer than %d bytes", errInvalid, limit.Bytes)
	}
	for part := range strings.SplitSeq(header, ",") {
		switch name, value, _ := strings.Cut(strings.TrimSpace(part), "="); name {
		case "t":
			read.t = value
		case s.field:
			if hash, err := hex.DecodeString(value); err == nil && len(hash) == sha256.Size {
				read.hashes = append(read.hashes, hash)
			}
		}
	}
	number, err := strconv.ParseInt(read.t, 10, 64)
	if err != nil || read.hashes == nil {
		return read, fmt.Errorf("%w: it is not of the form t=…,%s=…", errInvalid, s.field)
	}
	read.at = s.at(number)
	return read, nil
}

// verify verifies the signature of a body, in constant time. One of the hashes must match.
func (h *Handler) verify(s signature, body []byte) error {
	secret := *h.secret.Load()
	mac := hmac.New(sha256.New, secret())
	mac.Write([]byte(s.t + "."))
	mac.Write(body)
	sum := mac.Sum(nil)
	if !slices.ContainsFunc(s.hashes, func(hash []byte) bool { return hmac.Equal(hash, sum) }) {
		return fmt.Errorf("%w: the project's secret does not verify it", errInvalid)
	}
	if age := h.profile.Now().Sub(s.at); age > h.maxAge || age < -h.maxFuture {
		// The log level is error, because this clock is probably wrong: the signature verifies.
		return &docslogin.LoginError{Outcome: docslogin.OutcomeLookupFailed, Status: http.StatusUnauthorized,
			Err: fmt.Errorf("%w: its time and this clock's are %v apart; synchronize the clock with NTP", errExpired, age.Abs().Round(time.Second))}
	}
	return nil
}

// writeError writes the text of a signature error, or "Unknown User", or else the text of the status.
func writeError(w http.ResponseWriter, _ *http.Request, rejection *docslogin.LoginError) {
	text := http.StatusText(rejection.Status)
	var signature signatureError
	if errors.As(rejection, &signature) {
		text = signature.Error()
	} else if rejection.Outcome == docslogin.OutcomeNoUser && rejection.Status != http.StatusBadRequest {
		text = "Unknown User"
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(rejection.Status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": text})
}
