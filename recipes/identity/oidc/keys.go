package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// keySet is for one token. It keeps the reason why the keys could not be fetched: the verifier's
// error has only its text.
type keySet struct {
	oidc.KeySet
	unreachable error
}

func (k *keySet) VerifySignature(ctx context.Context, raw string) ([]byte, error) {
	payload, err := k.KeySet.VerifySignature(ctx, raw)
	if errors.Unwrap(err) != nil && !errors.Is(err, errNoNewKeys) { // the cause; a wrong signature has none
		k.unreachable = err
	}
	return payload, err
}

const pause = 5 * time.Second

var errNoNewKeys = errors.New("no known key verifies the token, and there are no new keys")

// seldom is the transport for the provider's keys. Anybody can send tokens that no key verifies, and
// go-oidc fetches the keys again for each. Once there are keys, seldom tries that at most every five
// seconds, and logs one error if it fails. Otherwise, such a token is invalid. Tokens with a known key
// need no transport.
type seldom struct {
	mu   sync.Mutex
	next time.Time // zero: there are no keys
}

func (s *seldom) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Now().Before(s.next) {
		return nil, errNoNewKeys
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		err = fmt.Errorf("the provider's keys: %s", resp.Status)
	}
	if err != nil && s.next.IsZero() {
		return nil, err // nobody can be verified
	}
	s.next = time.Now().Add(pause)
	if err != nil {
		slog.ErrorContext(r.Context(), "the provider's keys cannot be fetched", "error", err)
		return nil, errNoNewKeys
	}
	return resp, nil
}
