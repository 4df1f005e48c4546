package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/webhook"
)

// Scalar's test vectors. OpenSSL made each hash of a body and a secret, and Node's crypto made the same:
//
//	printf '%s' "1700000000.$BODY" | openssl dgst -sha256 -hmac "$SECRET"
//	node -p 'crypto.createHmac("sha256", process.env.SECRET).update("1700000000.").update(process.env.BODY).digest("hex")'
const (
	scalarSecret  = "whsec_example_secret_of_docs"
	scalarNext    = "whsec_the_next_secret_of_docs"
	scalarBody    = `{"type":"user.info","email":"owlbert@readme.io","host":"docs.example.com","project":{"uid":"p-1"},"timestamp":1700000000}`
	scalarChloé   = `{"type":"user.info","email":"chloé@exämple.com","host":"docs.example.com","project":{"uid":"p-1"},"timestamp":1700000000}`
	scalarHash    = "d886ad287c7ecb3605f483c6d51afe79a0c105ca1a48cd7cfe7c4addc2e3ed60" // scalarBody, scalarSecret
	nextHash      = "e32416e1618b1dfcae437d7b8f7987dd9ad4c121c7e8d4a8da62ada7506edc5b" // scalarBody, scalarNext
	chloéHash     = "bbba688ad59b0dfbc4e2b3946d0e6f50d537eff87b4c78ba4aee5b3849a24a77" // scalarChloé, scalarSecret
	chloéNextHash = "a6414143e6cd2d17c7da53739478350966c56bf984a35f3bd7851758ff63e47b" // scalarChloé, scalarNext
	scalarOnce    = "t=1700000000,v1=" + scalarHash
	scalarTwice   = "t=1700000000,v1=" + nextHash + ",v1=" + scalarHash // during a rotation
)

const scalarOwlbert = `{"apiPlaygroundInputs":{"header":{"Authorization":"Bearer 12345"}},"content":{"email":"owlbert@readme.io","name":"Owlbert","plan":"pro"},"expiresAt":1700000900}`

func newScalar(t testing.TB, now time.Time, opts ...docslogin.Option) *webhook.Handler {
	t.Helper()
	h, err := webhook.Scalar(scalarSecret, find, append([]docslogin.Option{testkit.Silent, docslogin.WithClock(func() time.Time { return now })}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// askScalar posts a body as Scalar does, and returns the response; "" is no signature.
func askScalar(t testing.TB, h http.Handler, signature string, body io.Reader) (int, string, http.Header) {
	t.Helper()
	return post(t, h, "scalar-signature", signature, body)
}

// signScalar returns Scalar's signature of a time and a body.
func signScalar(t, body string) string {
	mac := hmac.New(sha256.New, []byte(scalarSecret))
	mac.Write([]byte(t + "." + body))
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

func TestScalarSignatures(t *testing.T) {
	const missing, invalid, expired, unknown = `{"error":"Missing Signature"}`, `{"error":"Invalid Signature"}`, `{"error":"Expired Signature"}`, `{"error":"Unknown User"}`
	testAnswers(t, newScalar, askScalar, []answerRow{
		{"one secret", scalarOnce, scalarBody, 0, 200, scalarOwlbert},
		{"two secrets, of which the second verifies", scalarTwice, scalarBody, 0, 200, scalarOwlbert},
		{"two secrets, of which the first verifies", scalarOnce + ",v1=" + nextHash, scalarBody, 0, 200, scalarOwlbert},
		{"a body with non-ASCII letters", "t=1700000000,v1=" + chloéHash, scalarChloé, 0, 404, unknown},
		{"a body with non-ASCII letters, signed with another secret", "t=1700000000,v1=" + chloéNextHash, scalarChloé, 0, 401, invalid},
		{"a hash in capitals", "t=1700000000,v1=" + strings.ToUpper(scalarHash), scalarBody, 0, 200, scalarOwlbert},
		{"blanks, and a part of a later version", "t=1700000000, v2=ff, v1=" + scalarHash, scalarBody, 0, 200, scalarOwlbert},
		{"a second hash that is not hex", scalarOnce + ",v1=zz,v1=,v1", scalarBody, 0, 200, scalarOwlbert},
		{"a first hash that is not hex", "t=1700000000,v1=zz,v1=" + scalarHash, scalarBody, 0, 200, scalarOwlbert},
		{"only a hash that is not hex", "t=1700000000,v1=zz", scalarBody, 0, 401, invalid},
		{"another secret", "t=1700000000,v1=" + nextHash, scalarBody, 0, 401, invalid},
		{"the field of ReadMe's hash", "t=1700000000,v0=" + scalarHash, scalarBody, 0, 401, invalid},
		{"half a hash", scalarOnce[:len(scalarOnce)-32], scalarBody, 0, 401, invalid},
		{"no time", "v1=" + scalarHash, scalarBody, 0, 401, invalid},
		{"another time", "t=1700000001,v1=" + scalarHash, scalarBody, 0, 401, invalid},
		{"a time in milliseconds", signScalar("1700000000000", scalarBody), scalarBody, 0, 401, expired},
		{"the longest time", signScalar("9223372036854775807", scalarBody), scalarBody, 0, 401, expired},
		{"no signature", "", scalarBody, 0, 401, missing},
		{"another body", scalarOnce, scalarChloé, 0, 401, invalid},
		{"300 seconds old", scalarOnce, scalarBody, 300 * time.Second, 200, strings.Replace(scalarOwlbert, "1700000900", "1700001200", 1)},
		{"older than 300 seconds", scalarOnce, scalarBody, 300*time.Second + time.Millisecond, 401, expired},
		{"a clock that is 300 seconds ahead", scalarOnce, scalarBody, -300 * time.Second, 200, strings.Replace(scalarOwlbert, "1700000900", "1700000600", 1)},
		{"a clock that is further ahead", scalarOnce, scalarBody, -300*time.Second - time.Millisecond, 401, expired},
		{"a header of 8 KiB", scalarOnce + strings.Repeat(" ", 8192-len(scalarOnce)), scalarBody, 0, 200, scalarOwlbert},
		{"a header over 8 KiB", scalarOnce + strings.Repeat(" ", 8193-len(scalarOnce)), scalarBody, 0, 401, invalid},
		{"a body over 8 KiB", signScalar("1700000000", padded(8193)), padded(8193), 0, 401, invalid},
	})
}

// infoFor returns the body of a request about an e-mail address.
func infoFor(email string) string {
	return fmt.Sprintf(`{"type":"user.info","email":%q,"timestamp":1700000000}`, email)
}

func TestScalarUsers(t *testing.T) {
	asks := func(name, body string, status int, want string) answerRow {
		return answerRow{name, signScalar("1700000000", body), body, 0, status, want}
	}
	const bad, unknown, forbidden, fault = `{"error":"Bad Request"}`, `{"error":"Unknown User"}`, `{"error":"Forbidden"}`, `{"error":"Internal Server Error"}`
	testAnswers(t, newScalar, askScalar, []answerRow{
		asks("an address that the app does not know", infoFor("eve@example.com"), 404, unknown),
		asks("no address", infoFor(""), 404, unknown),
		asks("an address that is not a string", `{"type":"user.info","email":1}`, 404, unknown),
		asks("an address under another name", `{"type":"user.info","EMAIL":"owlbert@readme.io"}`, 404, unknown),
		asks("another type", `{"type":"user.deleted","email":"owlbert@readme.io"}`, 400, bad),
		asks("a type that is not a string", `{"type":["user.info"],"email":"owlbert@readme.io"}`, 400, bad),
		asks("no type", `{"email":"owlbert@readme.io"}`, 400, bad),
		asks("a body that is not JSON", "owlbert@readme.io", 400, bad),
		asks("an empty body", "", 400, bad),
		asks("a user whose session has ended", infoFor("ended@example.com"), 401, unknown),
		asks("a user about whom the docs must not know anything", infoFor("blocked@example.com"), 403, forbidden),
		asks("a user without a name and an address", infoFor("nameless@example.com"), 200, `{"expiresAt":1700000900}`),
		asks("a fault of the app", infoFor("broken@example.com"), 500, fault),
		asks("a panic of the app", infoFor("panic@example.com"), 500, fault),
	})
}

func TestOneEventForEachRequestOfScalar(t *testing.T) {
	signed := func(body string) [2]string { return [2]string{signScalar("1700000000", body), body} }
	for _, tt := range []struct {
		name    string
		request [2]string // signature and body
		outcome docslogin.Outcome
		user    string
		level   string
		cause   string
	}{
		{"an answer", [2]string{scalarTwice, scalarBody}, "user_info", "1", "DEBUG", ""},
		{"an expired signature", [2]string{signScalar("1600000000", scalarBody), scalarBody}, "lookup_failed", "", "ERROR", "Expired Signature: its time and this clock's are 27777h46m40s apart; synchronize the clock with NTP"},
		{"a signature by another secret", [2]string{"t=1700000000,v1=" + nextHash, scalarBody}, "no_user", "", "DEBUG", "Invalid Signature: the project's secret does not verify it"},
		{"hashes that are not hex", [2]string{"t=1700000000,v1=zz,v1=", scalarBody}, "no_user", "", "DEBUG", "Invalid Signature: it is not of the form t=…,v1=…"},
		{"another type", signed(`{"type":"owlbert","email":"owlbert@readme.io"}`), "no_user", "", "DEBUG", `the type of the signed body is not "user.info"`},
		{"no address", signed(`{"type":"user.info"}`), "no_user", "", "DEBUG", "docslogin: nobody is signed in: the body names no e-mail address"},
		{"an address that the app does not know", signed(infoFor("eve@example.com")), "no_user", "", "DEBUG", "docslogin: nobody is signed in"},
		{"a user whose session has ended", signed(infoFor("ended@example.com")), "no_user", "3", "DEBUG", "docslogin: nobody is signed in: ExpiresAt passed 1h0m0s ago"},
		{"a fault of the app", signed(infoFor("broken@example.com")), "lookup_failed", "", "ERROR", "the database is down"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var told testkit.Told
			askScalar(t, newScalar(t, signedAt, told.Options()...), tt.request[0], strings.NewReader(tt.request[1]))
			if len(told.Events) != 1 || told.Lines != 1 {
				t.Fatalf("%d log lines, %+v", told.Lines, told.Events)
			}
			e := told.Events[0]
			if e.Outcome != tt.outcome || e.Platform != "Scalar" || e.UserID != tt.user || !strings.Contains(told.String(), "level="+tt.level+" ") {
				t.Errorf("%+v, want %s by user %q at %s", e, tt.outcome, tt.user, tt.level)
			}
			if (e.Err == nil) != (tt.cause == "") || e.Err != nil && e.Err.Error() != tt.cause {
				t.Errorf("the cause is %v, want %s", e.Err, tt.cause)
			}
			for _, text := range append(forms(scalarSecret), "owlbert", "Owlbert", "12345", "d886ad", "@example.com") {
				if strings.Contains(told.String(), text) {
					t.Errorf("%q is logged: %s", text, &told)
				}
			}
		})
	}
}

// A response expires after 15 minutes, unless an option or the user's session sets another time.
func TestScalarCachesAResponse(t *testing.T) {
	for _, tt := range []struct {
		name string
		user *docslogin.User
		opts []docslogin.Option
		want string
	}{
		{"for 15 minutes", &docslogin.User{ID: "1"}, nil, `{"expiresAt":1700000900}`},
		{"until a session ends", testkit.Until(time.Minute), nil, `{"content":{"email":"ada@example.com","name":"Ada"},"expiresAt":1700000060}`},
		{"for 15 minutes of a longer session", &docslogin.User{ID: "1", ExpiresAt: testkit.Noon.Add(time.Hour)}, nil, `{"expiresAt":1700000900}`},
		{"for the docs session that an option sets", &docslogin.User{ID: "1"}, []docslogin.Option{docslogin.WithSessionTTL(time.Minute)}, `{"expiresAt":1700000060}`},
		{"as Mintlify's docs, with the same options", &docslogin.User{ID: "1"}, []docslogin.Option{docslogin.WithSessionTTL(14 * 24 * time.Hour), docslogin.WithTokenTTL(10 * time.Second)}, `{"expiresAt":1701209600}`},
		{"with the options of another login route", &docslogin.User{ID: "1"}, []docslogin.Option{docslogin.WithTokenTTL(5 * time.Minute), docslogin.WithPath("/in")}, `{"expiresAt":1700000900}`},
	} {
		h, err := webhook.Scalar(scalarSecret, func(context.Context, string) (*docslogin.User, error) { return tt.user, nil }, append(tt.opts, testkit.Silent, testkit.AtNoon)...)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if status, got, _ := askScalar(t, h, scalarOnce, strings.NewReader(scalarBody)); status != 200 || got != tt.want {
			t.Errorf("%s: %d %s, want %s", tt.name, status, got, tt.want)
		}
	}
}

// find and the mappers together have 4 seconds.
func TestScalarWaitsForFiveSeconds(t *testing.T) {
	const tooSlow = "no response within 4s, and Scalar waits only 5s; find and the mappers must return sooner"
	obeys := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	ignores := func(context.Context) error { time.Sleep(4500 * time.Millisecond); return nil }
	quick := func(context.Context) error { time.Sleep(3 * time.Second); return nil }
	for _, tt := range []struct {
		name          string
		find, mapper  func(context.Context) error
		outcome       docslogin.Outcome
		took          time.Duration
		status        int
		cause, answer string
	}{
		{"find is quick", quick, nil, "user_info", 3 * time.Second, 200, "", `{"expiresAt":946685703}`},
		{"find obeys its context", obeys, nil, "lookup_failed", 4 * time.Second, 500, tooSlow, `{"error":"Internal Server Error"}`},
		{"find ignores its context", ignores, nil, "lookup_failed", 4500 * time.Millisecond, 500, tooSlow, `{"error":"Internal Server Error"}`},
		{"a mapper obeys its context", quick, obeys, "mapper_failed", 4 * time.Second, 500, "context deadline exceeded", `{"error":"Internal Server Error"}`},
		{"a mapper ignores its context", quick, ignores, "mapper_failed", 7500 * time.Millisecond, 500, tooSlow, `{"error":"Internal Server Error"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told testkit.Told
				opts := told.Options()
				if tt.mapper != nil {
					opts = append(opts, docslogin.WithClaimsMapper(func(ctx context.Context, _ *docslogin.User, _ docslogin.Claims) error { return tt.mapper(ctx) }))
				}
				h, err := webhook.Scalar(scalarSecret, func(ctx context.Context, _ string) (*docslogin.User, error) {
					return &docslogin.User{ID: "1"}, tt.find(ctx)
				}, opts...)
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				body := infoFor("ada@example.com")
				status, got, _ := askScalar(t, h, signScalar(fmt.Sprint(start.Unix()), body), strings.NewReader(body))
				if took := time.Since(start); status != tt.status || got != tt.answer || took != tt.took {
					t.Errorf("%d %s after %v", status, got, took)
				}
				if e := told.Events[0]; e.Outcome != tt.outcome || (e.Err == nil) != (tt.cause == "") || e.Err != nil && e.Err.Error() != tt.cause {
					t.Errorf("%+v", e)
				}
			})
		})
	}
}

// slow is a body that waits before each read.
type slow struct {
	io.Reader
	wait time.Duration
}

func (s slow) Read(p []byte) (int, error) {
	time.Sleep(s.wait)
	return s.Reader.Read(p)
}

func TestABodyThatScalarSendsTooSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told testkit.Told
		body := infoFor("ada@example.com")
		asked := false
		h, err := webhook.Scalar(scalarSecret, func(context.Context, string) (*docslogin.User, error) { asked = true; return nil, nil }, told.Options()...)
		if err != nil {
			t.Fatal(err)
		}
		status, _, _ := askScalar(t, h, signScalar(fmt.Sprint(time.Now().Unix()), body), slow{strings.NewReader(body), 3 * time.Second})
		if e := told.Events[0]; status != 401 || asked || e.Err.Error() != "Invalid Signature: the body arrived too late: context deadline exceeded" {
			t.Errorf("%d, %+v", status, e)
		}
	})
}

// The handler does not write a response after Scalar has closed the connection.
func TestScalarClosesTheConnection(t *testing.T) {
	var told testkit.Told
	ctx, cancel := context.WithCancel(t.Context())
	h, err := webhook.Scalar(scalarSecret, func(ctx context.Context, _ string) (*docslogin.User, error) {
		cancel()
		return nil, ctx.Err()
	}, append(told.Options(), testkit.AtNoon)...)
	if err != nil {
		t.Fatal(err)
	}
	w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "POST", "/", strings.NewReader(scalarBody))
	r.Header.Set("scalar-signature", scalarOnce)
	h.ServeHTTP(w, r)
	if w.Body.Len() > 0 || len(told.Events) != 1 || told.Events[0].Outcome != "canceled" {
		t.Errorf("%s %+v", w.Body, told.Events)
	}
}

// ReadMe does not document how long it waits.
func TestReadMeSetsNoDeadline(t *testing.T) {
	h, err := webhook.ReadMe(secret, func(ctx context.Context, _ string) (*docslogin.User, error) {
		if _, set := ctx.Deadline(); set {
			return nil, errors.New("the context has a deadline")
		}
		return testkit.Ada, nil
	}, testkit.Silent, testkit.AtNoon)
	if err != nil {
		t.Fatal(err)
	}
	if status, got, _ := ask(t, h, signature, strings.NewReader(body)); status != 200 {
		t.Errorf("%d %s", status, got)
	}
}

func TestScalarReadsTheSignatureBeforeTheBody(t *testing.T) {
	var told testkit.Told
	askScalar(t, newScalar(t, signedAt, told.Options()...), "Bearer x", iotest.ErrReader(errors.New("connection reset")))
	if want := "Invalid Signature: it is not of the form t=…,v1=…"; len(told.Events) != 1 || told.Events[0].Err.Error() != want {
		t.Errorf("%+v", told.Events)
	}
}

// The rest of a secret, after the prefix, is checked like any other secret.
func TestScalarSecretsAreCheckedAfterThePrefix(t *testing.T) {
	for _, secret := range []string{"whsec_${SCALAR_USER_INFO_SECRET}", "whsec_<your secret here>", "whsec_xxxxxxxxxxxxxxxxxxxxxxxx", "whsec_0123456789", "whsec_ 0123456789abcdef0123"} {
		_, err := webhook.Scalar(secret, find)
		if all := testkit.ConfigErrors(err); len(all) != 1 || all[0].Field != "secret" || strings.Contains(err.Error(), secret[6:]) {
			t.Errorf("%s: %v", secret, err)
		}
	}
}

// A proxy may send a list as two headers (RFC 9110, section 5.3).
func TestASignatureInTwoHeaders(t *testing.T) {
	times, hash, _ := strings.Cut(scalarOnce, ",")
	r := httptest.NewRequest("POST", "/", strings.NewReader(scalarBody))
	r.Header.Add("scalar-signature", times)
	r.Header.Add("scalar-signature", hash)
	w := httptest.NewRecorder()
	newScalar(t, signedAt).ServeHTTP(w, r)
	if w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestErrorsOfFindKeepTheirMeaning(t *testing.T) {
	var none *docslogin.LoginError
	for _, tt := range []struct {
		name    string
		err     error
		status  int
		outcome docslogin.Outcome
	}{
		{"a typed nil", none, 500, "lookup_failed"},
		{"a status of its own", &docslogin.LoginError{Outcome: docslogin.OutcomeNoUser, Status: 410, Err: docslogin.ErrNoUser}, 410, "no_user"},
		{"nobody", fmt.Errorf("db: %w", docslogin.ErrNoUser), 404, "no_user"},
	} {
		var told testkit.Told
		h, err := webhook.Scalar(scalarSecret, func(context.Context, string) (*docslogin.User, error) { return nil, tt.err }, append(told.Options(), testkit.AtNoon)...)
		if err != nil {
			t.Fatal(err)
		}
		if status, got, _ := askScalar(t, h, scalarOnce, strings.NewReader(scalarBody)); status != tt.status || told.Events[0].Outcome != tt.outcome {
			t.Errorf("%s: %d %s, %+v", tt.name, status, got, told.Events)
		}
	}
}

func TestScalarSecretsHaveAPrefix(t *testing.T) {
	const want = `docslogin: Scalar: secret must begin with "whsec_" exactly once; pass the whole secret, as the dashboard shows it`
	for _, secret := range []string{"example_secret_of_docs", "WHSEC_example_secret_of_docs", "rdme_whsec_example_secret", "whsec_whsec_example_secret_of_docs"} {
		h, err := webhook.Scalar(secret, find)
		if all := testkit.ConfigErrors(err); h != nil || len(all) != 1 || all[0].Field != "secret" || err.Error() != want {
			t.Errorf("%s: %v", secret, err)
		}
		if err := newScalar(t, signedAt).SetSecret(secret); err == nil || err.Error() != want {
			t.Errorf("%s: %v", secret, err)
		}
	}
	_, err := webhook.Scalar("", nil, docslogin.WithClaimsMapper(nil))
	var texts []string
	for _, e := range testkit.ConfigErrors(err) {
		texts = append(texts, e.Error())
	}
	slices.Sort(texts)
	if !slices.Equal(texts, []string{
		"docslogin: Scalar: WithClaimsMapper is nil; leave the option out",
		"docslogin: Scalar: find is nil; pass a func that returns the user with an e-mail address",
		"docslogin: Scalar: secret cannot be used: the secret is empty; set it to the one that the docs' dashboard shows; in an env file, put single quotes around it",
	}) {
		t.Errorf("%q", texts)
	}
}

// Scalar signs with both secrets for 24 hours, so no request fails if the app changes its secret in that time.
func TestScalarRotation(t *testing.T) {
	h := newScalar(t, signedAt)
	for _, step := range []struct {
		name      string
		secret    string // "": unchanged
		signature string
		status    int
	}{
		{"before", "", scalarOnce, 200},
		{"after Scalar has rotated", "", scalarTwice, 200},
		{"after the app has rotated", scalarNext, scalarTwice, 200},
		{"after the 24 hours", "", "t=1700000000,v1=" + nextHash, 200},
		{"with the old secret alone", "", scalarOnce, 401},
	} {
		if step.secret != "" {
			if err := h.SetSecret(step.secret); err != nil {
				t.Fatal(err)
			}
		}
		if status, got, _ := askScalar(t, h, step.signature, strings.NewReader(scalarBody)); status != step.status {
			t.Errorf("%s: %d %s", step.name, status, got)
		}
	}
}
