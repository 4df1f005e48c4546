// Package readmewebhook answers ReadMe's personalized-docs webhook, by which ReadMe asks an
// app, on every login, for what the docs may know of a reader.
//
//	answer, err := readmewebhook.New(secret, find)
//	...
//	mux.Handle("/readme-webhook", answer)
//
// The answer is what a token of [docslogin.ReadMe] says of the same user, by the same
// mappers. ReadMe sends {"email": "…"} with the header ReadMe-Signature: t=…,v0=…, where v0 is
// the HMAC-SHA256, in hex, of t (Unix milliseconds), a dot and the body's bytes, under the
// project's JWT secret. Source: ReadMe's page on the personalized-docs webhook.
package readmewebhook

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
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/keys"
)

const (
	header    = "Readme-Signature"
	maxAge    = 30 * time.Minute // of a signature
	maxFuture = time.Minute      // for clocks that differ
	maxBody   = 1 << 16          // bytes; an e-mail address has at most 254
)

// New returns the handler of the webhook. The secret is the project's JWT secret, that of
// [docslogin.ReadMe]. find returns the user with an e-mail address, spelled as ReadMe has it:
// compare without regard to case. It returns a nil user or [docslogin.ErrNoUser] if there is
// none, [docslogin.ErrForbidden] for one who may not read the docs. It is called only for a
// request that ReadMe signed, by many goroutines at once.
//
// The options are docslogin's: give those that the login route has, so that both say the
// same. Those about the route, the sign-in page and error pages have no effect.
//
// Only a POST is answered: 200 and the user as a JSON object, or {"error": "…"} with
//
//	401  Missing Signature, Invalid Signature, or Expired Signature, for one that is older
//	     than 30 minutes or more than a minute ahead
//	401  Unknown User
//	403  Forbidden, also for a user without an e-mail address
//	500  Internal Server Error
//
// The cause is in the event and in the log: of a 401, which anybody can bring about, at
// level debug.
//
// The signature is checked in constant time over the bytes as they came, at most 64 KiB. It
// may be used again within its time: the answer tells nobody but ReadMe, and changes
// nothing. All mistakes in the arguments come back at once, each a [*docslogin.ConfigError].
func New(secret string, find func(ctx context.Context, email string) (*docslogin.User, error), opts ...docslogin.Option) (http.Handler, error) {
	h := &handler{secret: []byte(secret), find: find}
	var mistakes []error
	if _, err := keys.Secret(secret, jose.HS256); err != nil {
		mistakes = append(mistakes, &docslogin.ConfigError{Field: "secret", Reason: "cannot be used", Err: err})
	}
	if find == nil {
		mistakes = append(mistakes, &docslogin.ConfigError{Field: "find", Reason: "is nil; pass a func that returns the user with an e-mail address"})
	}
	platform, constant := readMe()
	opts = append(slices.Clone(opts), docslogin.WithErrorHandler(refuse), docslogin.WithClaimsMapper(constant))
	answer, err := docslogin.UserInfo(h.lookup, platform, nil, opts...)
	if err := errors.Join(append(mistakes, err)...); err != nil {
		return nil, err
	}
	h.answer, h.clock = answer, answer.(clock)
	return h, nil
}

// readMe is the preset and, apart from it, the mapper of its constant claims: a token has
// them from the library, UserInfo's answer has not.
func readMe() (docslogin.Platform, docslogin.ClaimsMapper) {
	p := docslogin.ReadMe("", "")
	constant := p.Static
	p.Static = nil
	return p, func(_ context.Context, _ *docslogin.User, claims docslogin.Claims) error {
		for name, value := range constant {
			if _, set := claims[name]; set {
				return fmt.Errorf("a mapper or an attribute sets the claim %q, which the library writes; use another name", name)
			}
			claims[name] = value
		}
		return nil
	}
}

type handler struct {
	secret []byte
	find   func(context.Context, string) (*docslogin.User, error)
	answer http.Handler
	clock
}

// clock is the one of docslogin.WithClock, which UserInfo's handler tells.
type clock interface{ Now() time.Time }

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// To UserInfo, a POST is a question, and everything else is none.
	question := r.WithContext(r.Context()) // a copy
	question.Method = http.MethodPost
	if r.Method == http.MethodPost {
		question.Method = http.MethodGet
	}
	question.Header = http.Header{header: r.Header.Values(header)}
	h.answer.ServeHTTP(w, question)
}

// signatureError is why a request is not ReadMe's, in ReadMe's own words.
type signatureError string

func (e signatureError) Error() string { return string(e) }

// Unwrap says that the request names nobody.
func (e signatureError) Unwrap() error { return docslogin.ErrNoUser }

const (
	errMissing signatureError = "Missing Signature"
	errInvalid signatureError = "Invalid Signature"
	errExpired signatureError = "Expired Signature"
)

// lookup finds the user whom a request of ReadMe's asks for.
func (h *handler) lookup(r *http.Request) (*docslogin.User, error) {
	s, err := parse(r.Header.Get(header))
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: the body does not arrive: %v", errInvalid, err)
	case len(body) > maxBody:
		return nil, fmt.Errorf("%w: the body is longer than %d bytes", errInvalid, maxBody)
	}
	if err := h.verify(s, body); err != nil {
		return nil, err
	}
	var question map[string]any // a struct's names would be found in any letters
	_ = json.Unmarshal(body, &question)
	email, _ := question["email"].(string)
	if email == "" {
		return nil, fmt.Errorf("%w: the body names no e-mail address", docslogin.ErrNoUser)
	}
	return h.find(r.Context(), email)
}

// signature is what the header says.
type signature struct {
	t   string // Unix milliseconds
	at  time.Time
	mac []byte
}

func parse(text string) (s signature, err error) {
	if text == "" {
		return s, errMissing
	}
	var mac string
	for part := range strings.SplitSeq(text, ",") {
		switch name, value, _ := strings.Cut(strings.TrimSpace(part), "="); name {
		case "t":
			s.t = value
		case "v0":
			mac = value
		}
	}
	milliseconds, err := strconv.ParseInt(s.t, 10, 64)
	s.at = time.UnixMilli(milliseconds)
	var macErr error
	if s.mac, macErr = hex.DecodeString(mac); err != nil || macErr != nil {
		return s, fmt.Errorf("%w: it is not of the form t=…,v0=…", errInvalid)
	}
	return s, nil
}

// verify checks a signature over a body.
func (h *handler) verify(s signature, body []byte) error {
	want := hmac.New(sha256.New, h.secret)
	want.Write([]byte(s.t + "."))
	want.Write(body)
	if !hmac.Equal(s.mac, want.Sum(nil)) {
		return fmt.Errorf("%w: it does not fit the project's secret", errInvalid)
	}
	if age := h.Now().Sub(s.at); age > maxAge || age < -maxFuture {
		return fmt.Errorf("%w: its time and this clock's are %v apart; keep clocks right with NTP", errExpired, age.Abs().Round(time.Second))
	}
	return nil
}

// refuse answers with ReadMe's own words, or with those of the status.
func refuse(w http.ResponseWriter, _ *http.Request, err *docslogin.LoginError) {
	text := http.StatusText(err.Status)
	var signature signatureError
	switch {
	case err.Status == http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	case errors.As(err, &signature):
		text = signature.Error()
	case err.Status == http.StatusUnauthorized:
		text = "Unknown User"
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(err.Status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": text})
}
