package docslogintest

import (
	"net/http"
	"strconv"
	"time"

	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/platforms"
)

// NewReadMe starts a docs site that logs readers in as ReadMe does. A GET of any page takes the
// token in the query parameter auth_token. The code sample shows each key as a bearer token, as ReadMe
// does if the API has a bearer scheme. If the scheme names a header, ReadMe sends the key there.
func NewReadMe(opts ...Option) *Site { return start(readMe(), opts) }

func readMe() spec {
	return spec{
		label:    "ReadMe-like docs",
		layout:   "bar",
		hue:      258,
		rules:    rules.ReadMe(),
		deepLink: asPath,
		preset:   platforms.ReadMe,
		reader:   readMeReader,
	}
}

func readMeReader(claims map[string]any) reader {
	r := personReader(claims)
	r.Facts = facts(claims, "name", "email", "apiKey", "user", "pass")
	entries, _ := claims["keys"].([]any)
	if len(entries) == 0 {
		entries = []any{claims}
	}
	for _, e := range entries {
		entry := e.(map[string]any) // the rules have checked this
		r.addKey(text(entry["name"]), text(entry["apiKey"]), text(entry["user"]), text(entry["pass"]))
	}
	return r
}

// NewReadMeRequest returns the request that ReadMe sends to an app's personalized-docs webhook (package
// webhook). It is signed at the given time with the project's JWT secret.
//
// target is an absolute URL for [http.Client], or a path such as "/readme-webhook" for a handler's
// ServeHTTP. NewReadMeRequest panics if it is neither. Use a request only once.
func NewReadMeRequest(target, email string, at time.Time, secret string) *http.Request {
	body := webhookBody(struct {
		Email string `json:"email"`
	}{email})
	t := strconv.FormatInt(at.UnixMilli(), 10)
	r := newWebhookRequest(target, body)
	r.Header.Set("ReadMe-Signature", "t="+t+",v0="+webhookHash(secret, t, body))
	return r
}
