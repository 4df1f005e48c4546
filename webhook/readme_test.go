package webhook_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/readmewebhook"
)

// ReadMe's test vector.
const (
	secret    = "rdme_example_secret"
	body      = `{"email":"owlbert@readme.io"}`
	signature = "t=1700000000000,v0=006e84a52c29700106ede6b737140b570f18b8716ef5a8dfa200fdfeb9ea9cd2"
)

var (
	signedAt = time.UnixMilli(1700000000000)
	quiet    = docslogin.WithLogger(slog.New(slog.DiscardHandler))
)

// sign is a signature of ReadMe's, made with another clock or of another body.
func sign(t, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(t + "." + body))
	return "t=" + t + ",v0=" + hex.EncodeToString(mac.Sum(nil))
}

// find knows one user, and has a fault for another.
func find(_ context.Context, email string) (*docslogin.User, error) {
	switch email {
	case "owlbert@readme.io":
		return &docslogin.User{ID: "1", Name: "Owlbert", Email: email, APIKeys: []docslogin.APIKey{{Key: "12345"}}, Attributes: map[string]any{"plan": "pro"}}, nil
	case "blocked@example.com":
		return nil, fmt.Errorf("plan: %w", docslogin.ErrForbidden)
	case "broken@example.com":
		return nil, errors.New("the database is down")
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

func newHandler(t testing.TB, now time.Time, opts ...docslogin.Option) http.Handler {
	t.Helper()
	h, err := readmewebhook.New(secret, find, append([]docslogin.Option{quiet, docslogin.WithClock(func() time.Time { return now })}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// ask posts a body and returns the answer; without a signature for "".
func ask(t testing.TB, h http.Handler, signature string, body io.Reader) (int, string, http.Header) {
	t.Helper()
	r := httptest.NewRequest("POST", "/readme-webhook", body)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", "https://dash.readme.com")
	if signature != "" {
		r.Header.Set("ReadMe-Signature", signature)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String()), w.Header()
}

const owlbert = `{"apiKey":"12345","email":"owlbert@readme.io","name":"Owlbert","plan":"pro","version":1}`

func TestAnswers(t *testing.T) {
	for _, tt := range []struct {
		name            string
		signature, body string
		later           time.Duration // after the vector's time
		status          int
		want            string
	}{
		{"ReadMe's test vector", signature, body, 0, 200, owlbert},
		{"with blanks and a part of a later version", "t=1700000000000, v1=ff, v0=006e84a52c29700106ede6b737140b570f18b8716ef5a8dfa200fdfeb9ea9cd2", body, 0, 200, owlbert},
		{"30 minutes old", signature, body, 30 * time.Minute, 200, owlbert},
		{"older than that", signature, body, 30*time.Minute + time.Millisecond, 401, `{"error":"Expired Signature"}`},
		{"from a clock that is a minute ahead", signature, body, -time.Minute, 200, owlbert},
		{"from one that is further ahead", signature, body, -time.Minute - time.Millisecond, 401, `{"error":"Expired Signature"}`},
		{"older than that, and not ReadMe's", "t=1700000000000,v0=" + strings.Repeat("00", 32), body, time.Hour, 401, `{"error":"Invalid Signature"}`},
		{"no signature", "", body, 0, 401, `{"error":"Missing Signature"}`},
		{"a body of somebody else's", signature, `{"email":"eve@example.com"}`, 0, 401, `{"error":"Invalid Signature"}`},
		{"a body with one blank more", signature, body + " ", 0, 401, `{"error":"Invalid Signature"}`},
		{"another time", "t=1700000000001,v0=006e84a52c29700106ede6b737140b570f18b8716ef5a8dfa200fdfeb9ea9cd2", body, 0, 401, `{"error":"Invalid Signature"}`},
		{"no time", "v0=006e84a52c29700106ede6b737140b570f18b8716ef5a8dfa200fdfeb9ea9cd2", body, 0, 401, `{"error":"Invalid Signature"}`},
		{"no hash", "t=1700000000000", body, 0, 401, `{"error":"Invalid Signature"}`},
		{"half a hash", "t=1700000000000,v0=006e84a52c29700106ede6b737140b57", body, 0, 401, `{"error":"Invalid Signature"}`},
		{"the hash, and more that is no hex", signature + "zz", body, 0, 401, `{"error":"Invalid Signature"}`},
		{"a hash that is no hex", "t=1700000000000,v0=zz", body, 0, 401, `{"error":"Invalid Signature"}`},
		{"a time beyond all numbers", sign("99999999999999999999", body), body, 0, 401, `{"error":"Invalid Signature"}`},
		{"a time that is no decimal number", sign("0x18bcfe56800", body), body, 0, 401, `{"error":"Invalid Signature"}`},
		{"a time long past, with a hash that fits", sign("-9223372036854775808", body), body, 0, 401, `{"error":"Expired Signature"}`},
		{"something else", "Bearer x", body, 0, 401, `{"error":"Invalid Signature"}`},
		{"somebody whom nobody knows", sign("1700000000000", `{"email":"eve@example.com"}`), `{"email":"eve@example.com"}`, 0, 401, `{"error":"Unknown User"}`},
		{"no address", sign("1700000000000", `{"email":""}`), `{"email":""}`, 0, 401, `{"error":"Unknown User"}`},
		{"an address that is no text", sign("1700000000000", `{"email":1}`), `{"email":1}`, 0, 401, `{"error":"Unknown User"}`},
		{"an address under another name", sign("1700000000000", `{"EMAIL":"owlbert@readme.io"}`), `{"EMAIL":"owlbert@readme.io"}`, 0, 401, `{"error":"Unknown User"}`},
		{"no JSON", sign("1700000000000", "owlbert@readme.io"), "owlbert@readme.io", 0, 401, `{"error":"Unknown User"}`},
		{"an empty body", sign("1700000000000", ""), "", 0, 401, `{"error":"Unknown User"}`},
		{"somebody who may not", sign("1700000000000", `{"email":"blocked@example.com"}`), `{"email":"blocked@example.com"}`, 0, 403, `{"error":"Forbidden"}`},
		{"somebody who lacks an address", sign("1700000000000", `{"email":"nameless@example.com"}`), `{"email":"nameless@example.com"}`, 0, 403, `{"error":"Forbidden"}`},
		{"somebody with an attribute that the library writes", sign("1700000000000", `{"email":"version@example.com"}`), `{"email":"version@example.com"}`, 0, 500, `{"error":"Internal Server Error"}`},
		{"a fault of the app's", sign("1700000000000", `{"email":"broken@example.com"}`), `{"email":"broken@example.com"}`, 0, 500, `{"error":"Internal Server Error"}`},
		{"a panic of the app's with an error that says nobody", sign("1700000000000", `{"email":"odd@example.com"}`), `{"email":"odd@example.com"}`, 0, 500, `{"error":"Internal Server Error"}`},
		{"a panic of the app's", sign("1700000000000", `{"email":"panic@example.com"}`), `{"email":"panic@example.com"}`, 0, 500, `{"error":"Internal Server Error"}`},
		{"a body of 64 KiB", sign("1700000000000", padded(1<<16)), padded(1 << 16), 0, 200, owlbert},
		{"a body over 64 KiB", sign("1700000000000", padded(1<<16+1)), padded(1<<16 + 1), 0, 401, `{"error":"Invalid Signature"}`},
	} {
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

// endless is a body that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestABodyWithoutEnd(t *testing.T) {
	if status, got, _ := ask(t, newHandler(t, signedAt), signature, endless{}); status != 401 || got != `{"error":"Invalid Signature"}` {
		t.Errorf("%d %s", status, got)
	}
}

// What the caller hands over is not written to.
func TestTheOptionsAreTheCallers(t *testing.T) {
	before := docslogin.WithClock(func() time.Time { return signedAt })
	opts := append(make([]docslogin.Option, 0, 4), quiet)
	spare := opts[:4]
	spare[1] = before
	if _, err := readmewebhook.New(secret, find, opts...); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprintf("%p", spare[1]) != fmt.Sprintf("%p", before) || spare[2] != nil {
		t.Error("the caller's array was written to")
	}
}

func TestAnEmptySignatureIsMissing(t *testing.T) {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("ReadMe-Signature", "")
	w := httptest.NewRecorder()
	newHandler(t, signedAt).ServeHTTP(w, r)
	if got := strings.TrimSpace(w.Body.String()); w.Code != 401 || got != `{"error":"Missing Signature"}` {
		t.Errorf("%d %s", w.Code, got)
	}
}

// padded is the vector's question in so many bytes.
func padded(size int) string { return body + strings.Repeat(" ", size-len(body)) }

func TestOnlyAPostIsAnswered(t *testing.T) {
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT"} {
		r := httptest.NewRequest(method, "/", strings.NewReader(body))
		r.Header.Set("ReadMe-Signature", signature)
		w := httptest.NewRecorder()
		events := 0
		newHandler(t, signedAt, docslogin.WithObserver(func(context.Context, docslogin.Event) { events++ })).ServeHTTP(w, r)
		if w.Code != 405 || events != 1 || w.Header().Get("Allow") != "POST" || w.Header().Get("Cache-Control") != "private, no-store, max-age=0" || strings.TrimSpace(w.Body.String()) != `{"error":"Method Not Allowed"}` {
			t.Errorf("%s: %d %v %s", method, w.Code, w.Header(), w.Body)
		}
	}
}

// The webhook and a token say the same of a user, by whatever mappers.
func TestTheWebhookSaysWhatATokenSays(t *testing.T) {
	staff := docslogin.WithClaimsMapper(func(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
		claims["isAdmin"] = user.ID == "1"
		return nil
	})
	_, got, _ := ask(t, newHandler(t, signedAt, staff), signature, strings.NewReader(body))
	m, err := docslogin.New(func(*http.Request) (*docslogin.User, error) { return find(t.Context(), "owlbert@readme.io") }, docslogin.ReadMe("https://docs.example.com", secret), staff, quiet)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequest("GET", "/docs-login", nil))
	token := strings.Split(w.Header().Get("Location"), ".")
	var answered, signed map[string]any
	if err := json.Unmarshal([]byte(got), &answered); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(decode(t, token[len(token)-2]), &signed); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"iat", "exp", "jti"} {
		if signed[name] == nil {
			t.Errorf("the token has no %s", name)
		}
		delete(signed, name)
	}
	if fmt.Sprint(answered) != fmt.Sprint(signed) || answered["isAdmin"] != true {
		t.Errorf("the webhook says %v, the token %v", answered, signed)
	}
}

func TestOneEventForEachAnswer(t *testing.T) {
	for _, tt := range []struct {
		signature, body string
		outcome         docslogin.Outcome
		user            string
		cause           string
	}{
		{signature, body, "user_info", "1", ""},
		{sign("1600000000000", body), body, "no_user", "", "Expired Signature: its time and this clock's are 27777h46m40s apart"},
		{signature, padded(1<<16 + 1), "no_user", "", "the body is longer than 65536 bytes"},
		{"", body, "no_user", "", "Missing Signature"},
	} {
		var events []docslogin.Event
		var lines bytes.Buffer
		ask(t, newHandler(t, signedAt, docslogin.WithLogger(slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))),
			docslogin.WithObserver(func(_ context.Context, e docslogin.Event) { events = append(events, e) })), tt.signature, strings.NewReader(tt.body))
		if len(events) != 1 || events[0].Outcome != tt.outcome || events[0].UserID != tt.user || events[0].Warning != "" || (events[0].Err == nil) != (tt.cause == "") {
			t.Fatalf("%+v", events)
		}
		if tt.cause != "" && !strings.Contains(events[0].Err.Error(), tt.cause) {
			t.Errorf("the cause is %v", events[0].Err)
		}
		for _, hidden := range []string{"owlbert", "12345", secret, "006e84a5"} {
			if strings.Contains(lines.String()+fmt.Sprintf("%+v", events), hidden) {
				t.Errorf("%q is told: %s %+v", hidden, &lines, events)
			}
		}
	}
}

func TestAMapperThatSetsAConstantClaim(t *testing.T) {
	mapper := docslogin.WithClaimsMapper(func(_ context.Context, _ *docslogin.User, claims docslogin.Claims) error {
		claims["version"] = 2
		return nil
	})
	var e docslogin.Event
	told := docslogin.WithObserver(func(_ context.Context, got docslogin.Event) { e = got })
	if status, _, _ := ask(t, newHandler(t, signedAt, mapper, told), signature, strings.NewReader(body)); status != 500 || !strings.Contains(e.Err.Error(), `"version"`) {
		t.Errorf("%d, %v", status, e.Err)
	}
}

// The login route's own pages are not for ReadMe.
func TestAnErrorHandlerHasNoEffect(t *testing.T) {
	page := docslogin.WithErrorHandler(func(w http.ResponseWriter, _ *http.Request, _ *docslogin.LoginError) { fmt.Fprint(w, "<h1>") })
	if status, got, _ := ask(t, newHandler(t, signedAt, page), "", strings.NewReader(body)); status != 401 || got != `{"error":"Missing Signature"}` {
		t.Errorf("%d %s", status, got)
	}
}

func TestABodyThatDoesNotArrive(t *testing.T) {
	var e docslogin.Event
	h := newHandler(t, signedAt, docslogin.WithObserver(func(_ context.Context, got docslogin.Event) { e = got }))
	status, got, _ := ask(t, h, signature, iotest.ErrReader(errors.New("connection reset")))
	if status != 401 || got != `{"error":"Invalid Signature"}` || !strings.Contains(e.Err.Error(), "the body does not arrive: connection reset") {
		t.Errorf("%d %s, %v", status, got, e.Err)
	}
	// Nothing is read for a header that is no signature.
	if ask(t, h, "Bearer x", iotest.ErrReader(errors.New("connection reset"))); !strings.Contains(e.Err.Error(), "not of the form") {
		t.Errorf("%v", e.Err)
	}
}

func TestMistakes(t *testing.T) {
	h, err := readmewebhook.New("hunter2", nil, docslogin.WithClaimsMapper(nil), nil)
	const want = `docslogin: secret cannot be used: the secret is 7 bytes long; it needs at least 16
docslogin: find is nil; pass a func that returns the user with an e-mail address
docslogin: WithClaimsMapper is nil; leave the option out
docslogin: option 2 is nil; leave it out`
	if h != nil || err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	var mistake *docslogin.ConfigError
	if !errors.As(err, &mistake) || mistake.Field != "secret" {
		t.Errorf("%v", mistake)
	}
}

// FuzzSignature: nothing is answered that ReadMe did not sign.
func FuzzSignature(f *testing.F) {
	f.Add(signature, body)
	f.Add("", body)
	f.Add("t=1700000000000,v0=", "")
	f.Add("t=1700000000000,v0=00,t=1,v0=zz", `{"email":"owlbert@readme.io","email":1}`)
	f.Fuzz(func(t *testing.T, s, b string) {
		status, got, _ := ask(t, newHandler(t, signedAt), s, strings.NewReader(b))
		genuine := strings.Contains(strings.ToLower(s), strings.TrimPrefix(sign("1700000000000", b), "t=1700000000000,v0="))
		if status == 500 || status == 200 && !genuine {
			t.Errorf("%q over %q: %d %s", s, b, status, got)
		}
		if !json.Valid([]byte(got)) {
			t.Errorf("%q over %q: %s is no JSON", s, b, got)
		}
	})
}
