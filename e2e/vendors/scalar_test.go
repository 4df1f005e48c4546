package vendors_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/e2e/internal/judge"
	"github.com/docslogin/docslogin/webhook"
)

const (
	scalarSecret = "whsec_example_secret_of_docs"
	scalarNext   = "whsec_the_next_secret_of_docs"
	scalarBody   = `{"type":"user.info","email":"owlbert@readme.io","host":"docs.example.com","project":{"uid":"p-1"},"timestamp":1700000000}`
)

// postScalar sends a signed body to a handler that returns the same user for every e-mail address.
func postScalar(t *testing.T, body, signature string, now time.Time) (status int, answer []byte) {
	t.Helper()
	find := func(context.Context, string) (*docslogin.User, error) {
		return owlbert(docslogin.APIKey{Key: "12345"}), nil
	}
	handler, err := webhook.Scalar(scalarSecret, find, silent, docslogin.WithClock(func() time.Time { return now }))
	if err != nil {
		t.Fatal(err)
	}
	r, w := httptest.NewRequest("POST", "/scalar-webhook", strings.NewReader(body)), httptest.NewRecorder()
	r.Header.Set("scalar-signature", signature)
	handler.ServeHTTP(w, r)
	return w.Code, w.Body.Bytes()
}

// Node makes the signatures. The handler and Node agree about each of them.
func TestScalarSignatures(t *testing.T) {
	chloé := strings.Replace(scalarBody, "owlbert@readme.io", "chloé@exämple.com", 1)
	for _, tt := range []struct {
		name, signed, sent string
		secrets            []string
		later              time.Duration
		want               bool
	}{
		{"one secret", scalarBody, scalarBody, []string{scalarSecret}, 0, true},
		{"two secrets, of which the second verifies", scalarBody, scalarBody, []string{scalarNext, scalarSecret}, 0, true},
		{"two secrets, of which the first verifies", scalarBody, scalarBody, []string{scalarSecret, scalarNext}, 0, true},
		{"a body with non-ASCII letters", chloé, chloé, []string{scalarSecret}, 0, true},
		{"a body with blanks", scalarBody + " ", scalarBody + " ", []string{scalarSecret}, 0, true},
		{"300 seconds old", scalarBody, scalarBody, []string{scalarSecret}, 300 * time.Second, true},
		{"a clock that is 300 seconds ahead", scalarBody, scalarBody, []string{scalarSecret}, -300 * time.Second, true},
		{"older than 300 seconds", scalarBody, scalarBody, []string{scalarSecret}, 301 * time.Second, false},
		{"a clock that is further ahead", scalarBody, scalarBody, []string{scalarSecret}, -301 * time.Second, false},
		{"another secret", scalarBody, scalarBody, []string{scalarNext}, 0, false},
		{"the secret without its prefix", scalarBody, scalarBody, []string{strings.TrimPrefix(scalarSecret, "whsec_")}, 0, false},
		{"another body", scalarBody, chloé, []string{scalarSecret}, 0, false},
		{"no secret", scalarBody, scalarBody, []string{}, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now := vectorTime.Add(tt.later)
			signature := judge.Ask[string](t, node, "scalarSignature", map[string]any{"body": tt.signed, "secrets": tt.secrets, "seconds": vectorTime.Unix()})
			theirs := judge.Ask[bool](t, node, "scalarVerifies", map[string]any{"body": tt.sent, "signature": signature, "secret": scalarSecret, "now": now.Unix()})
			status, answer := postScalar(t, tt.sent, signature, now)
			if theirs != tt.want || status != map[bool]int{true: 200, false: 401}[tt.want] {
				t.Errorf("Node says %v, the handler answers %d %s, want %v", theirs, status, answer, tt.want)
			}
		})
	}
}

// Node verifies the requests of docslogintest, and parses their bodies.
func TestScalarRequestsOfDocslogintest(t *testing.T) {
	for name, secrets := range map[string][]string{
		"one secret":        {scalarSecret},
		"during a rotation": {scalarNext, scalarSecret},
	} {
		r := docslogintest.NewScalarRequest("/scalar-webhook", "Chloé&Co@example.com", vectorTime, secrets...)
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{scalarSecret, scalarNext, "whsec_of_other_docs"} {
			want := secret == scalarSecret || secret == scalarNext && len(secrets) == 2
			request := map[string]any{"body": string(body), "signature": r.Header.Get("scalar-signature"), "secret": secret, "now": vectorTime.Unix()}
			if judge.Ask[bool](t, node, "scalarVerifies", request) != want {
				t.Errorf("%s: Node does not return %v for %s with %s", name, want, r.Header.Get("scalar-signature"), secret)
			}
		}
		if email := object(t, body)["email"]; email != "chloé&co@example.com" {
			t.Errorf("%s: the e-mail address is %v", name, email)
		}
	}
}

// Scalar documents the same shape as Mintlify, which publishes a type.
func TestScalarResponsesHaveMintlifysType(t *testing.T) {
	signature := judge.Ask[string](t, node, "scalarSignature", map[string]any{"body": scalarBody, "secrets": []string{scalarSecret}, "seconds": vectorTime.Unix()})
	status, answer := postScalar(t, scalarBody, signature, vectorTime)
	if status != 200 || !json.Valid(answer) {
		t.Fatalf("%d %s", status, answer)
	}
	if errors := judge.Ask[[]string](t, node, "type", map[string]any{"user": string(answer)}); len(errors) > 0 {
		t.Errorf("%s: %q", answer, errors)
	}
}
