package vendors_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/e2e/internal/judge"
	"github.com/docslogin/docslogin/webhook"
)

// These are a request of ReadMe's webhook, which is also in the tests of package webhook.
const (
	secret     = "rdme_example_secret"
	vectorBody = `{"email":"owlbert@readme.io"}`
	vector     = "t=1700000000000,v0=006e84a52c29700106ede6b737140b570f18b8716ef5a8dfa200fdfeb9ea9cd2"
)

var vectorTime = time.UnixMilli(1700000000000)

// sign returns the signature of a body, as ReadMe makes it.
func sign(secret, body string, at time.Time) string {
	t := strconv.FormatInt(at.UnixMilli(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(t + "." + body))
	return "t=" + t + ",v0=" + hex.EncodeToString(mac.Sum(nil))
}

// post sends a signed body to a handler that knows only one user.
func post(t *testing.T, user *docslogin.User, body, signature string, now time.Time) (status int, answer string) {
	t.Helper()
	find := func(context.Context, string) (*docslogin.User, error) { return user, nil }
	handler, err := webhook.ReadMe(secret, find, silent, docslogin.WithClock(func() time.Time { return now }))
	if err != nil {
		t.Fatal(err)
	}
	r, w := httptest.NewRequest("POST", "/readme-webhook", strings.NewReader(body)), httptest.NewRecorder()
	if signature != "" {
		r.Header.Set("ReadMe-Signature", signature)
	}
	handler.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

// ReadMe's package and the handler agree about each request.
func TestReadMeSignatures(t *testing.T) {
	const missing, invalid, expired = "Missing Signature", "Invalid Signature", "Expired Signature"
	for _, tt := range []struct {
		name, body, signature string
		later                 time.Duration
		want                  string // "": verified
	}{
		{"the test vector", vectorBody, vector, 0, ""},
		{"a signature made by this test", vectorBody, sign(secret, vectorBody, vectorTime), 0, ""},
		{"a signature made by docslogintest", vectorBody, docslogintest.NewReadMeRequest("/", "owlbert@readme.io", vectorTime, secret).Header.Get("ReadMe-Signature"), 0, ""},
		{"an e-mail address with non-ASCII letters", `{"email":"chloé@exämple.com"}`, sign(secret, `{"email":"chloé@exämple.com"}`, vectorTime), 0, ""},
		{"30 minutes old", vectorBody, vector, 30 * time.Minute, ""},
		{"older than 30 minutes", vectorBody, vector, 30*time.Minute + time.Millisecond, expired},
		{"a clock that is a minute ahead", vectorBody, vector, -time.Minute, ""},
		{"no signature", vectorBody, "", 0, missing},
		{"another secret", vectorBody, sign("another secret of ReadMe", vectorBody, vectorTime), 0, invalid},
		{"another body", `{"email":"eve@example.com"}`, vector, 0, invalid},
		{"another time", vectorBody, strings.Replace(vector, "t=17", "t=18", 1), 1e8 * time.Second, invalid},
		{"half a signature", vectorBody, vector[:len(vector)-32], 0, invalid},
		{"no hash", vectorBody, "t=1700000000000", 0, invalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now := vectorTime.Add(tt.later)
			theirs := judge.Ask[string](t, node, "webhook", map[string]any{"body": tt.body, "signature": tt.signature, "secret": secret, "now": now.UnixMilli()})
			if theirs != tt.want {
				t.Errorf("readmeio reports %q, want %q", theirs, tt.want)
			}
			status, answer := post(t, owlbert(), tt.body, tt.signature, now)
			if tt.want == "" && status != 200 || tt.want != "" && (status != 401 || answer != `{"error":"`+tt.want+`"}`) {
				t.Errorf("the handler answers %d %s, want %q", status, answer, tt.want)
			}
		})
	}
}
