package webhook_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/webhook"
)

func TestOnlyAPOSTIsAnswered(t *testing.T) {
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT"} {
		var told testkit.Told
		resp := testkit.Do(t, newHandler(t, signedAt, told.Options()...), method, "/", "ReadMe-Signature: "+signature)
		if got := strings.TrimSpace(testkit.Body(t, resp)); resp.StatusCode != 405 || got != `{"error":"Method Not Allowed"}` {
			t.Errorf("%s: %d %s", method, resp.StatusCode, got)
		}
		if resp.Header.Get("Allow") != "POST" || resp.Header.Get("Cache-Control") != "private, no-store, max-age=0" || resp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %v", method, resp.Header)
		}
		if len(told.Events) != 1 || told.Events[0].Outcome != "method" || told.Lines != 1 {
			t.Errorf("%s: %d log lines, %+v", method, told.Lines, told.Events)
		}
	}
}

// Each request has one event and one log line, without a secret, a signature, or a claim.
func TestOneEventForEachRequest(t *testing.T) {
	signed := func(body string) string { return sign("1700000000000", body) }
	for _, tt := range []struct {
		name            string
		signature, body string
		outcome         docslogin.Outcome
		user            string
		level           string
		cause           string
	}{
		{"an answer", signature, body, "user_info", "1", "DEBUG", ""},
		{"an expired signature", sign("1600000000000", body), body, "lookup_failed", "", "ERROR", "Expired Signature: its time and this clock's are 27777h46m40s apart; synchronize the clock with NTP"},
		{"a signature by another secret", strings.Replace(signature, "006e", "016e", 1), body, "no_user", "", "DEBUG", "Invalid Signature: the project's secret does not verify it"},
		{"something else", "Bearer x", body, "no_user", "", "DEBUG", "Invalid Signature: it is not of the form t=…,v0=…"},
		{"a body over 8 KiB", signature, padded(8193), "no_user", "", "DEBUG", "Invalid Signature: the body is longer than 8192 bytes"},
		{"no signature", "", body, "no_user", "", "DEBUG", "Missing Signature"},
		{"no address", signed(`{}`), `{}`, "no_user", "", "DEBUG", "docslogin: nobody is signed in: the body names no e-mail address"},
		{"a user whose session has ended", signed(`{"email":"ended@example.com"}`), `{"email":"ended@example.com"}`, "no_user", "3", "DEBUG", "docslogin: nobody is signed in: ExpiresAt passed 1h0m0s ago"},
		{"a user who may not read the docs", signed(`{"email":"blocked@example.com"}`), `{"email":"blocked@example.com"}`, "forbidden", "", "INFO", "plan: docslogin: the user may not read these docs"},
		{"a user without an e-mail address", signed(`{"email":"nameless@example.com"}`), `{"email":"nameless@example.com"}`, "incomplete_user", "2", "WARN", "the user lacks what the platform requires: name, email; in a preset, Email suffices for name and email"},
		{"a fault of the app", signed(`{"email":"broken@example.com"}`), `{"email":"broken@example.com"}`, "lookup_failed", "", "ERROR", "the database is down"},
		{"a panic of the app", signed(`{"email":"panic@example.com"}`), `{"email":"panic@example.com"}`, "panic", "", "ERROR", "boom"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var told testkit.Told
			ask(t, newHandler(t, signedAt, told.Options()...), tt.signature, strings.NewReader(tt.body))
			if len(told.Events) != 1 || told.Lines != 1 {
				t.Fatalf("%d log lines, %+v", told.Lines, told.Events)
			}
			e := told.Events[0]
			if e.Outcome != tt.outcome || e.Platform != "ReadMe" || e.UserID != tt.user || e.Warning != "" || !strings.Contains(told.String(), "level="+tt.level+" ") {
				t.Errorf("%+v, want %s by user %q at %s", e, tt.outcome, tt.user, tt.level)
			}
			if (e.Err == nil) != (tt.cause == "") || e.Err != nil && e.Err.Error() != tt.cause {
				t.Errorf("the cause is %v, want %s", e.Err, tt.cause)
			}
			for _, text := range append(forms(secret), "owlbert", "Owlbert", "12345", "6e84a5", "@example.com", "https://dash.readme.com") {
				if strings.Contains(told.String(), text) {
					t.Errorf("%q is told: %s", text, &told)
				}
			}
		})
	}
}

// forms are the ways in which the beginning of a secret can be printed.
func forms(secret string) []string {
	bytes := []byte(secret)[:6]
	digits := hex.EncodeToString(bytes)
	return []string{
		string(bytes), digits, strings.ToUpper(digits), strings.Trim(fmt.Sprint(bytes), "[]"),
		strings.Trim(fmt.Sprintf("%#v", bytes), "[]byte{}"), base64.StdEncoding.EncodeToString(bytes),
	}
}

func TestAllConfigErrorsAtOnce(t *testing.T) {
	h, err := webhook.ReadMe("hunter2", nil, docslogin.WithClaimsMapper(nil), nil)
	var texts []string
	for _, e := range testkit.ConfigErrors(err) {
		texts = append(texts, e.Error())
	}
	slices.Sort(texts)
	want := []string{
		"docslogin: ReadMe: WithClaimsMapper is nil; leave the option out",
		"docslogin: ReadMe: find is nil; pass a func that returns the user with an e-mail address",
		"docslogin: ReadMe: option 2 is nil; leave it out",
		"docslogin: ReadMe: secret cannot be used: the secret is too short: it has 7 bytes and needs at least 16; if the docs' dashboard shows a longer one, put single quotes around it where it is set",
	}
	if h != nil || !slices.Equal(texts, want) {
		t.Errorf("got %q", texts)
	}
}

const newSecret = "rdme_the_next_secret"

func TestSetSecret(t *testing.T) {
	h := newHandler(t, signedAt)
	bySecret := func(when string, old, rotated int) {
		t.Helper()
		for secret, want := range map[string]int{secret: old, newSecret: rotated} {
			if status, got, _ := ask(t, h, signWith(secret, "1700000000000", body), strings.NewReader(body)); status != want {
				t.Errorf("%s, %s: %d %s", when, secret, status, got)
			}
		}
	}
	bySecret("before", 200, 401)
	for name, tt := range map[string]struct{ secret, want string }{
		"an empty secret":                    {"", "docslogin: ReadMe: secret cannot be used: the secret is empty"},
		"a short secret":                     {"hunter2", "docslogin: ReadMe: secret cannot be used: the secret is too short: it has 7 bytes and needs at least 16"},
		"a secret with a newline at the end": {newSecret + "\n", "docslogin: ReadMe: secret cannot be used: the secret has white space or quotes around it"},
		"a secret of spaces":                 {strings.Repeat(" ", 20), "docslogin: ReadMe: secret cannot be used: the secret has white space or quotes around it"},
	} {
		err := h.SetSecret(tt.secret)
		all := testkit.ConfigErrors(err)
		if len(all) != 1 || all[0].Field != "secret" || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
		bySecret("after "+name, 200, 401)
	}
	if err := h.SetSecret(newSecret); err != nil {
		t.Fatal(err)
	}
	bySecret("afterwards", 401, 200)
}

// While the secret changes, each request is verified with one of the two secrets.
func TestSetSecretWhileRequestsAreServed(t *testing.T) {
	h := newHandler(t, signedAt)
	server := httptest.NewServer(h)
	defer server.Close()
	ctx, stop := context.WithCancel(t.Context())
	var changing, asking sync.WaitGroup
	changing.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			if err := h.SetSecret([]string{newSecret, secret}[i%2]); err != nil {
				t.Error(err)
			}
		}
	})
	for i := range 16 {
		asking.Go(func() {
			for range 20 {
				r, _ := http.NewRequest("POST", server.URL, strings.NewReader(body))
				r.Header.Set("ReadMe-Signature", signWith([]string{newSecret, secret}[i%2], "1700000000000", body))
				resp, err := server.Client().Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				got := strings.TrimSpace(testkit.Body(t, resp))
				resp.Body.Close()
				if got != owlbert && got != `{"error":"Invalid Signature"}` {
					t.Errorf("%d %s", resp.StatusCode, got)
				}
			}
		})
	}
	asking.Wait()
	stop()
	changing.Wait()
}

func TestOptionsOfTheLoginRouteHaveNoEffect(t *testing.T) {
	handler := docslogin.WithErrorHandler(func(w http.ResponseWriter, _ *http.Request, _ *docslogin.LoginError) { fmt.Fprint(w, "<h1>") })
	h := newHandler(t, signedAt, handler, docslogin.WithPath("/in"), docslogin.WithSignInPage("/sign-in", "next"), docslogin.WithExternalURL("https://app.example.com"),
		docslogin.WithTokenTTL(time.Minute))
	if status, got, _ := ask(t, h, "", strings.NewReader(body)); status != 401 || got != `{"error":"Missing Signature"}` {
		t.Errorf("%d %s", status, got)
	}
	if status, got, _ := ask(t, h, signature, strings.NewReader(body)); status != 200 || got != owlbert {
		t.Errorf("%d %s", status, got)
	}
}

func TestTheOptionsAreNotWrittenTo(t *testing.T) {
	before := docslogin.WithClock(func() time.Time { return signedAt })
	opts := append(make([]docslogin.Option, 0, 4), testkit.Silent)
	spare := opts[:4]
	spare[1] = before
	if _, err := webhook.ReadMe(secret, find, opts...); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprintf("%p", spare[1]) != fmt.Sprintf("%p", before) || spare[2] != nil {
		t.Error("the caller's array was written to")
	}
}
