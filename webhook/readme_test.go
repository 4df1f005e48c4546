package webhook_test

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
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
	"github.com/docslogin/docslogin/webhook"
)

// ReadMe's test vector.
const (
	secret    = "rdme_example_secret"
	body      = `{"email":"owlbert@readme.io"}`
	signature = "t=1700000000000,v0=006e84a52c29700106ede6b737140b570f18b8716ef5a8dfa200fdfeb9ea9cd2"
)

var signedAt = time.UnixMilli(1700000000000)

// sign returns a signature as ReadMe makes it, at another time or of another body.
func sign(t, body string) string { return signWith(secret, t, body) }

// signWith is sign with the given secret.
func signWith(secret, t, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(t + "." + body))
	return "t=" + t + ",v0=" + hex.EncodeToString(mac.Sum(nil))
}

// find knows some users by their e-mail addresses, and fails for others.
func find(_ context.Context, email string) (*docslogin.User, error) {
	switch email {
	case "owlbert@readme.io":
		return &docslogin.User{ID: "1", Name: "Owlbert", Email: email, APIKeys: []docslogin.APIKey{{Key: "12345"}}, Attributes: map[string]any{"plan": "pro"}}, nil
	case "blocked@example.com":
		return nil, fmt.Errorf("plan: %w", docslogin.ErrForbidden)
	case "broken@example.com":
		return nil, errors.New("the database is down")
	case "ended@example.com":
		return &docslogin.User{ID: "3", Name: "Ended", Email: email, ExpiresAt: signedAt.Add(-time.Hour)}, nil
	case "nameless@example.com":
		return &docslogin.User{ID: "2"}, nil
	case "version@example.com":
		return &docslogin.User{Email: email, Attributes: map[string]any{"version": 2}}, nil
	case "odd@example.com":
		panic(docslogin.ErrNoUser)
	case "":
		return nil, errors.New("asked for nobody")
	case "panic@example.com":
		panic("boom")
	}
	return nil, nil
}

func newHandler(t testing.TB, now time.Time, opts ...docslogin.Option) *webhook.Handler {
	t.Helper()
	h, err := webhook.ReadMe(secret, find, append([]docslogin.Option{testkit.Silent, docslogin.WithClock(func() time.Time { return now })}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// ask posts a body as ReadMe does, and returns the response; "" is no signature.
func ask(t testing.TB, h http.Handler, signature string, body io.Reader) (int, string, http.Header) {
	t.Helper()
	return post(t, h, "ReadMe-Signature", signature, body)
}

func post(t testing.TB, h http.Handler, name, signature string, body io.Reader) (int, string, http.Header) {
	t.Helper()
	r := httptest.NewRequest("POST", "/webhook", body)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", "https://dash.readme.com")
	if signature != "" {
		r.Header.Set(name, signature)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String()), w.Header()
}

// padded returns the test vector's body, padded to size bytes.
func padded(size int) string { return body + strings.Repeat(" ", size-len(body)) }

const owlbert = `{"apiKey":"12345","email":"owlbert@readme.io","name":"Owlbert","plan":"pro","version":1}`

// answerRow is a request that comes some time after the test vector's, and the response.
type answerRow struct {
	name            string
	signature, body string
	later           time.Duration
	status          int
	want            string
}

type (
	newFunc func(testing.TB, time.Time, ...docslogin.Option) *webhook.Handler
	askFunc func(testing.TB, http.Handler, string, io.Reader) (int, string, http.Header)
)

func testAnswers(t *testing.T, newHandler newFunc, ask askFunc, rows []answerRow) {
	t.Helper()
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			status, got, header := ask(t, newHandler(t, signedAt.Add(tt.later)), tt.signature, strings.NewReader(tt.body))
			if status != tt.status || got != tt.want {
				t.Errorf("got  %d %s\nwant %d %s", status, got, tt.status, tt.want)
			}
			if header.Get("Content-Type") != "application/json" || header.Get("Cache-Control") != "private, no-store, max-age=0" || header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%v", header)
			}
		})
	}
}

func TestReadMeSignatures(t *testing.T) {
	const missing, invalid, expired = `{"error":"Missing Signature"}`, `{"error":"Invalid Signature"}`, `{"error":"Expired Signature"}`
	testAnswers(t, newHandler, ask, []answerRow{
		{"ReadMe's test vector", signature, body, 0, 200, owlbert},
		{"blanks, and a part of a later version", "t=1700000000000, v1=ff, v0=006e84a52c29700106ede6b737140b570f18b8716ef5a8dfa200fdfeb9ea9cd2", body, 0, 200, owlbert},
		{"30 minutes old", signature, body, 30 * time.Minute, 200, owlbert},
		{"older than 30 minutes", signature, body, 30*time.Minute + time.Millisecond, 401, expired},
		{"a clock that is a minute ahead", signature, body, -time.Minute, 200, owlbert},
		{"a clock that is further ahead", signature, body, -time.Minute - time.Millisecond, 401, expired},
		{"older than 30 minutes, and not ReadMe's", "t=1700000000000,v0=" + strings.Repeat("00", 32), body, time.Hour, 401, invalid},
		{"no signature", "", body, 0, 401, missing},
		{"another body", signature, `{"email":"eve@example.com"}`, 0, 401, invalid},
		{"a body with one blank more", signature, body + " ", 0, 401, invalid},
		{"another time", "t=1700000000001,v0=006e84a52c29700106ede6b737140b570f18b8716ef5a8dfa200fdfeb9ea9cd2", body, 0, 401, invalid},
		{"no time", "v0=006e84a52c29700106ede6b737140b570f18b8716ef5a8dfa200fdfeb9ea9cd2", body, 0, 401, invalid},
		{"no hash", "t=1700000000000", body, 0, 401, invalid},
		{"half a hash", "t=1700000000000,v0=006e84a52c29700106ede6b737140b57", body, 0, 401, invalid},
		{"the hash, and more that is not hex", signature + "zz", body, 0, 401, invalid},
		{"a hash that is not hex", "t=1700000000000,v0=zz", body, 0, 401, invalid},
		{"a time that is too large a number", sign("99999999999999999999", body), body, 0, 401, invalid},
		{"a time that is not decimal", sign("0x18bcfe56800", body), body, 0, 401, invalid},
		{"a time long past, with the right hash", sign("-9223372036854775808", body), body, 0, 401, expired},
		{"something else", "Bearer x", body, 0, 401, invalid},
		{"the field of Scalar's hashes", strings.Replace(signature, "v0=", "v1=", 1), body, 0, 401, invalid},
		{"a header of 8 KiB", signature + strings.Repeat(" ", 8192-len(signature)), body, 0, 200, owlbert},
		{"a header over 8 KiB", signature + strings.Repeat(" ", 8193-len(signature)), body, 0, 401, invalid},
		{"a body of 8 KiB", sign("1700000000000", padded(8192)), padded(8192), 0, 200, owlbert},
		{"a body over 8 KiB", sign("1700000000000", padded(8193)), padded(8193), 0, 401, invalid},
	})
}

func TestReadMeUsers(t *testing.T) {
	asks := func(name, body string, status int, want string) answerRow {
		return answerRow{name, sign("1700000000000", body), body, 0, status, want}
	}
	const unknown, forbidden, fault = `{"error":"Unknown User"}`, `{"error":"Forbidden"}`, `{"error":"Internal Server Error"}`
	testAnswers(t, newHandler, ask, []answerRow{
		asks("an address that the app does not know", `{"email":"eve@example.com"}`, 401, unknown),
		asks("no address", `{"email":""}`, 401, unknown),
		asks("an address that is not a string", `{"email":1}`, 401, unknown),
		asks("an address under another name", `{"EMAIL":"owlbert@readme.io"}`, 401, unknown),
		asks("a body that is not JSON", "owlbert@readme.io", 401, unknown),
		asks("an empty body", "", 401, unknown),
		asks("a user whose session has ended", `{"email":"ended@example.com"}`, 401, unknown),
		asks("a user who may not read the docs", `{"email":"blocked@example.com"}`, 403, forbidden),
		asks("a user without an e-mail address", `{"email":"nameless@example.com"}`, 403, forbidden),
		asks("a user with an attribute that is a reserved claim", `{"email":"version@example.com"}`, 500, fault),
		asks("a fault of the app", `{"email":"broken@example.com"}`, 500, fault),
		asks("a panic of the app with ErrNoUser", `{"email":"odd@example.com"}`, 500, fault),
		asks("a panic of the app", `{"email":"panic@example.com"}`, 500, fault),
	})
}

func TestReadMeSignatureThatIsEmptyIsMissing(t *testing.T) {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("ReadMe-Signature", "")
	w := httptest.NewRecorder()
	newHandler(t, signedAt).ServeHTTP(w, r)
	if got := strings.TrimSpace(w.Body.String()); w.Code != 401 || got != `{"error":"Missing Signature"}` {
		t.Errorf("%d %s", w.Code, got)
	}
}

// endless is a body without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestABodyWithoutAnEnd(t *testing.T) {
	if status, got, _ := ask(t, newHandler(t, signedAt), signature, endless{}); status != 401 || got != `{"error":"Invalid Signature"}` {
		t.Errorf("%d %s", status, got)
	}
}

func TestABodyThatDoesNotArrive(t *testing.T) {
	var told testkit.Told
	status, got, _ := ask(t, newHandler(t, signedAt, told.Options()...), signature, iotest.ErrReader(errors.New("connection reset")))
	if status != 401 || got != `{"error":"Invalid Signature"}` {
		t.Errorf("%d %s", status, got)
	}
	if len(told.Events) != 1 || told.Events[0].Err.Error() != "Invalid Signature: the body does not arrive: connection reset" {
		t.Errorf("%+v", told.Events)
	}
}

// If the header is not a signature, the body is not read.
func TestASignatureIsReadBeforeTheBody(t *testing.T) {
	for signature, want := range map[string]string{
		"Bearer x": "Invalid Signature: it is not of the form t=…,v0=…",
		"":         "Missing Signature",
	} {
		var told testkit.Told
		ask(t, newHandler(t, signedAt, told.Options()...), signature, iotest.ErrReader(errors.New("connection reset")))
		if len(told.Events) != 1 || told.Events[0].Err.Error() != want {
			t.Errorf("%q: %+v", signature, told.Events)
		}
	}
}

// The answer has the claims of a token for the same user, from the same mappers.
func TestTheAnswerHasTheClaimsOfAToken(t *testing.T) {
	staff := docslogin.WithClaimsMapper(func(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
		claims["isAdmin"] = user.ID == "1"
		return nil
	})
	_, got, _ := ask(t, newHandler(t, signedAt, staff), signature, strings.NewReader(body))
	m := testkit.New(t, func(*http.Request) (*docslogin.User, error) { return find(t.Context(), "owlbert@readme.io") },
		platforms.ReadMe("https://docs.example.com", secret), staff)
	_, payload := testkit.Login(t, m, "/docs-login")
	var signed map[string]any
	if err := json.Unmarshal([]byte(payload), &signed); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"iat", "exp", "jti"} {
		if signed[name] == nil {
			t.Errorf("the token has no %s", name)
		}
		delete(signed, name)
	}
	if want, _ := json.Marshal(signed); got != string(want) || !strings.Contains(got, `"isAdmin":true`) {
		t.Errorf("the answer is %s\nthe token has %s", got, want)
	}
}

func TestAMapperThatSetsAStaticClaim(t *testing.T) {
	var told testkit.Told
	mapper := docslogin.WithClaimsMapper(func(_ context.Context, _ *docslogin.User, claims docslogin.Claims) error {
		claims["version"] = 2
		return nil
	})
	status, _, _ := ask(t, newHandler(t, signedAt, append(told.Options(), mapper)...), signature, strings.NewReader(body))
	if len(told.Events) != 1 || told.Events[0].Outcome != "reserved_claim" || status != 500 || !strings.Contains(told.Events[0].Err.Error(), `"version"`) {
		t.Errorf("%d, %+v", status, told.Events)
	}
}

// The handler rejects a request that the platform did not sign.
func FuzzSignature(f *testing.F) {
	f.Add(signature, body)
	f.Add("", body)
	f.Add("Bearer x", body)
	f.Add("t=1700000000000,v0="+strings.ToUpper(strings.TrimPrefix(signature, "t=1700000000000,v0=")), body)
	for _, n := range []int{2, 4, 8, 16, 32, 128} { // fuzzing rounds execution counts down to powers of two
		f.Add(strings.Repeat("t=1,v0=00,x,", n), body)
	}
	f.Add("t=1700000000000,v0=", "")
	f.Add("t=1700000000000,v0=00,t=1,v0=zz", `{"email":"owlbert@readme.io","email":1}`)
	f.Add(scalarTwice, scalarBody)
	f.Add(strings.Replace(scalarTwice, "d886", "D886", 1), scalarBody)
	f.Add("t=1700000000,v1=zz,v1=00,v1=", scalarBody)
	f.Fuzz(func(t *testing.T, s, b string) {
		for _, tt := range []struct {
			platform string
			newFunc
			askFunc
			hash string
		}{
			{"ReadMe", newHandler, ask, strings.TrimPrefix(sign("1700000000000", b), "t=1700000000000,v0=")},
			{"Scalar", newScalar, askScalar, strings.TrimPrefix(signScalar("1700000000", b), "t=1700000000,v1=")},
		} {
			status, got, _ := tt.askFunc(t, tt.newFunc(t, signedAt), s, strings.NewReader(b))
			genuine := strings.Contains(strings.ToLower(s), tt.hash)
			if status == 500 || status == 200 && !genuine {
				t.Errorf("%s: %q over %q: %d %s", tt.platform, s, b, status, got)
			}
			if !json.Valid([]byte(got)) {
				t.Errorf("%s: %q over %q: %s is not JSON", tt.platform, s, b, got)
			}
		}
	})
}
