// Package webhook answers the signed request that docs send to the app's server on every login, to
// learn what they may know about a reader.
//
//	answer, err := webhook.ReadMe(secret, find)
//	...
//	mux.Handle("POST /readme-webhook", answer)
//
// The response has the claims of a token for the same user, without those that are about the token:
// iat, exp, and jti. When the secret changes, call [Handler.SetSecret] as well as
// [docslogin.Middleware.SetKey].
package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/keys"
	"github.com/docslogin/docslogin/internal/limit"
)

// Handler handles one platform's webhook. Create one with [ReadMe]; the zero value is invalid. It
// keeps its secret in a closure and prints as "[redacted]". It is safe for concurrent use by
// multiple goroutines.
type Handler struct {
	redacted
	platform string // its name, for configuration errors
	profile  *docslogin.Profile
	find     func(ctx context.Context, email string) (*docslogin.User, error)
	read     readSignature
	secret   atomic.Pointer[func() []byte] // a closure, so that nothing prints the secret
}

type redacted = keys.Redacted

// readSignature reads the signature in a request's header, before the body is read, and returns a
// function that verifies it.
type readSignature func(header http.Header) (verify verifySignature, err error)

// verifySignature verifies the signature of a body.
type verifySignature func(secret, body []byte, now time.Time) error

// newHandler returns the handler for a platform, unless there are configuration errors.
func newHandler(platform docslogin.Platform, secret string, read readSignature, find func(context.Context, string) (*docslogin.User, error), opts []docslogin.Option) (*Handler, error) {
	h := &Handler{platform: platform.Name, find: find, read: read}
	errs := []error{h.SetSecret(secret)}
	if find == nil {
		errs = append(errs, &docslogin.ConfigError{Platform: h.platform, Field: "find", Reason: "is nil; pass a func that returns the user with an e-mail address"})
	}
	opts = append(slices.Clone(opts), docslogin.WithErrorHandler(writeError))
	profile, err := docslogin.NewProfile(platform, opts...)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	h.profile = profile
	return h, nil
}

// SetSecret replaces the secret, even while requests are served. Each request is verified with the
// old secret or the new one. If the new secret fails the checks of the constructor, SetSecret returns
// a [*docslogin.ConfigError] and keeps the old secret.
func (h *Handler) SetSecret(secret string) error {
	if _, err := keys.Secret(secret, jose.HS256); err != nil {
		return &docslogin.ConfigError{Platform: h.platform, Field: "secret", Reason: "cannot be used", Err: err}
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
	h.profile.ServeJSON(w, r, h.lookup)
}

// signatureError says, in the platform's own words, why a request is not the platform's.
type signatureError string

func (e signatureError) Error() string { return string(e) }

// Unwrap returns [docslogin.ErrNoUser], because such a request names no user.
func (e signatureError) Unwrap() error { return docslogin.ErrNoUser }

// lookup returns the user that a signed request asks for.
func (h *Handler) lookup(r *http.Request) (*docslogin.User, error) {
	if r.Method != http.MethodPost {
		return nil, &docslogin.LoginError{Outcome: docslogin.OutcomeMethod, Status: http.StatusMethodNotAllowed}
	}
	verify, err := h.read(r.Header)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit.Bytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: the body does not arrive: %v", errInvalid, err)
	case len(body) > limit.Bytes:
		return nil, fmt.Errorf("%w: the body is longer than %d bytes", errInvalid, limit.Bytes)
	}
	secret := *h.secret.Load()
	if err := verify(secret(), body, h.profile.Now()); err != nil {
		return nil, err
	}
	var question map[string]any // a struct's fields would match names in any case
	_ = json.Unmarshal(body, &question)
	email, _ := question["email"].(string)
	if email == "" {
		return nil, fmt.Errorf("%w: the body names no e-mail address", docslogin.ErrNoUser)
	}
	return h.find(r.Context(), email)
}

// writeError writes the platform's own text for an error, or else that of the status.
func writeError(w http.ResponseWriter, _ *http.Request, rejection *docslogin.LoginError) {
	text := http.StatusText(rejection.Status)
	var signature signatureError
	if errors.As(rejection, &signature) {
		text = signature.Error()
	} else if rejection.Outcome == docslogin.OutcomeNoUser {
		text = "Unknown User"
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(rejection.Status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": text})
}
