package docslogintest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// NewScalarRequest returns the request that Scalar sends to an app's user-info hook (package webhook). It is
// signed at the given time with one secret or, as during a rotation, with the new and the old one. Each
// secret begins with "whsec_". The e-mail address is sent in lower case, as Scalar does.
//
// target is an absolute URL for [http.Client], or a path such as "/scalar-webhook" for a handler's
// ServeHTTP. NewScalarRequest panics if it is neither. Use a request only once.
func NewScalarRequest(target, email string, at time.Time, secrets ...string) *http.Request {
	type project struct {
		UID string `json:"uid"`
	}
	body := webhookBody(struct {
		Type      string  `json:"type"`
		Email     string  `json:"email"`
		Host      string  `json:"host"`
		Project   project `json:"project"`
		Timestamp int64   `json:"timestamp"`
	}{"user.info", strings.ToLower(email), "docs.example.com", project{"docslogintest"}, at.Unix()})
	t := strconv.FormatInt(at.Unix(), 10)
	signature := "t=" + t
	for _, secret := range secrets {
		signature += ",v1=" + webhookHash(secret, t, body)
	}
	r := newWebhookRequest(target, body)
	r.Header.Set("User-Agent", "Scalar-UserInfo/1")
	r.Header.Set("Scalar-Event", "user.info")
	r.Header.Set("Scalar-Signature", signature)
	return r
}
