package docslogintest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/webhook"
)

var webhookTime = time.UnixMilli(1700000000000)

// requestText returns a request's method, target, headers, and body.
func requestText(t *testing.T, r *http.Request) string {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	var header strings.Builder
	if err := r.Header.Write(&header); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s %s %d\n%s%s", r.Method, r.URL, r.ContentLength, strings.ReplaceAll(header.String(), "\r", ""), body)
}

// The hash is ReadMe's test vector.
func TestReadMeRequest(t *testing.T) {
	const want = `POST https://app.example.com/readme-webhook 29
Content-Type: application/json
Readme-Signature: t=1700000000000,v0=006e84a52c29700106ede6b737140b570f18b8716ef5a8dfa200fdfeb9ea9cd2
{"email":"owlbert@readme.io"}`
	if got := requestText(t, docslogintest.NewReadMeRequest("https://app.example.com/readme-webhook", "owlbert@readme.io", webhookTime, "rdme_example_secret")); got != want {
		t.Errorf("got %s", got)
	}
}

// OpenSSL made the hashes: printf '%s' "1700000000.$BODY" | openssl dgst -sha256 -hmac "$SECRET"
func TestScalarRequest(t *testing.T) {
	const want = `POST /scalar-webhook 135
Content-Type: application/json
Scalar-Event: user.info
Scalar-Signature: t=1700000000,v1=9658929759924bc9fa6c9fc83b2476a7c08324f2ad9527afae8111d25bc03991,v1=0c0210c24a923954576c28e9bf3bf71bf8d54eff79b03326f5c7a01e4d62df56
User-Agent: Scalar-UserInfo/1
{"type":"user.info","email":"chloé&co@example.com","host":"docs.example.com","project":{"uid":"docslogintest"},"timestamp":1700000000}`
	got := requestText(t, docslogintest.NewScalarRequest("/scalar-webhook", "Chloé&Co@Example.com", webhookTime, "whsec_the_next_secret_of_docs", "whsec_example_secret_of_docs"))
	if got != want {
		t.Errorf("got %s", got)
	}
}

// webhooks serves both webhooks of an app, which knows ada@example.com.
func webhooks(t *testing.T) http.Handler {
	t.Helper()
	find := func(_ context.Context, email string) (*docslogin.User, error) {
		if email != "ada@example.com" {
			return nil, docslogin.ErrNoUser
		}
		return &docslogin.User{Name: "Ada", Email: email}, nil
	}
	clock := docslogin.WithClock(func() time.Time { return webhookTime })
	readMe, err1 := webhook.ReadMe("rdme_example_secret", find, testkit.Silent, clock)
	scalar, err2 := webhook.Scalar("whsec_example_secret_of_docs", find, testkit.Silent, clock)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /readme-webhook", readMe)
	mux.Handle("POST /scalar-webhook", scalar)
	return mux
}

// A handler and a server verify the requests.
func TestWebhookRequests(t *testing.T) {
	handler := webhooks(t)
	server := httptest.NewServer(handler)
	defer server.Close()
	const readMeSecret, scalarSecret = "rdme_example_secret", "whsec_example_secret_of_docs"
	for _, tt := range []struct {
		name   string
		make   func(base string) *http.Request
		status int
	}{
		{"ReadMe", func(base string) *http.Request {
			return docslogintest.NewReadMeRequest(base+"/readme-webhook", "ada@example.com", webhookTime, readMeSecret)
		}, 200},
		{"ReadMe, with another secret", func(base string) *http.Request {
			return docslogintest.NewReadMeRequest(base+"/readme-webhook", "ada@example.com", webhookTime, "another secret of ReadMe")
		}, 401},
		{"Scalar", func(base string) *http.Request {
			return docslogintest.NewScalarRequest(base+"/scalar-webhook", "Ada@example.com", webhookTime, scalarSecret)
		}, 200},
		{"Scalar, during a rotation", func(base string) *http.Request {
			return docslogintest.NewScalarRequest(base+"/scalar-webhook", "ada@example.com", webhookTime, "whsec_the_next_secret_of_docs", scalarSecret)
		}, 200},
		{"Scalar, an old request", func(base string) *http.Request {
			return docslogintest.NewScalarRequest(base+"/scalar-webhook", "ada@example.com", webhookTime.Add(-301*time.Second), scalarSecret)
		}, 401},
		{"Scalar, about somebody else", func(base string) *http.Request {
			return docslogintest.NewScalarRequest(base+"/scalar-webhook", "eve@example.com", webhookTime, scalarSecret)
		}, 404},
		{"Scalar, without a secret", func(base string) *http.Request {
			return docslogintest.NewScalarRequest(base+"/scalar-webhook", "ada@example.com", webhookTime)
		}, 401},
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, tt.make(""))
		resp, err := server.Client().Do(tt.make(server.URL))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if w.Code != tt.status || resp.StatusCode != tt.status {
			t.Errorf("%s: the handler answers %d and the server %d, want %d", tt.name, w.Code, resp.StatusCode, tt.status)
		}
	}
}

func TestWebhookRequestsNeedAValidTarget(t *testing.T) {
	for _, target := range []string{"", "readme-webhook", "http://[::1", "/\x00", "/a#%zz", "localhost:8080/webhook", "ftp://localhost/webhook", "http:///webhook", "//evil.example/webhook", "*"} {
		for name, make := range map[string]func(){
			"ReadMe": func() { docslogintest.NewReadMeRequest(target, "ada@example.com", webhookTime, "secret") },
			"Scalar": func() { docslogintest.NewScalarRequest(target, "ada@example.com", webhookTime, "secret") },
		} {
			func() {
				defer func() {
					if text := fmt.Sprint(recover()); !strings.HasPrefix(text, "docslogintest: invalid target: ") {
						t.Errorf("%s, %q: %s", name, target, text)
					}
				}()
				make()
			}()
		}
	}
}
