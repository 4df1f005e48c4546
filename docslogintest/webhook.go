package docslogintest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// newWebhookRequest returns a POST with a JSON body. It panics if the target is neither an http or https
// URL nor a path.
func newWebhookRequest(target string, body []byte) *http.Request {
	r, err := http.NewRequest(http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		panic(fmt.Sprint("docslogintest: invalid target: ", err))
	}
	isPath := strings.HasPrefix(target, "/") && r.URL.Host == ""
	if isURL := (r.URL.Scheme == "http" || r.URL.Scheme == "https") && r.URL.Host != ""; !isPath && !isURL {
		panic(fmt.Sprintf("docslogintest: invalid target: %q is neither a URL such as http://localhost:8080/webhook nor a path such as /webhook", target))
	}
	r.Header.Set("Content-Type", "application/json")
	return r
}

// webhookBody returns the JSON of an object as JavaScript writes it, without HTML escapes.
func webhookBody(object any) []byte {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(object); err != nil {
		panic(err) // never: all members are strings and numbers
	}
	return bytes.TrimSuffix(body.Bytes(), []byte("\n"))
}

// webhookHash returns the HMAC-SHA256 of a time and a body, in hex.
func webhookHash(secret, t string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return fmt.Sprintf("%x", mac.Sum(nil))
}
