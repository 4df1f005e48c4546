package fakeidp_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin/recipes/internal/fakeidp"
)

// browser follows nothing.
var browser = &http.Client{
	Timeout:       30 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

const (
	app       = "http://127.0.0.1:9/callback"
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // of RFC 7636, appendix B
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

func start(t *testing.T) *fakeidp.Provider {
	t.Helper()
	p, err := fakeidp.Start(app)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func post(t *testing.T, u string, form url.Values) (*http.Response, string) {
	t.Helper()
	resp, err := browser.PostForm(u, form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

func authorization(p *fakeidp.Provider) url.Values {
	return url.Values{
		"client_id": {p.ClientID}, "redirect_uri": {app}, "response_type": {"code"}, "scope": {"email openid"},
		"state": {"s"}, "nonce": {"n"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
}

func TestWhatAnAppMustSendAlong(t *testing.T) {
	p := start(t)
	for name, value := range map[string]string{
		"client_id":             "another",
		"redirect_uri":          "http://127.0.0.1:9/callback/../elsewhere",
		"response_type":         "id_token",
		"state":                 "",
		"nonce":                 "",
		"code_challenge":        "",
		"code_challenge_method": "plain",
	} {
		q := authorization(p)
		q.Set(name, value)
		resp, says := post(t, p.URL+"/authorize?"+q.Encode(), url.Values{"email": {"ada@example.com"}})
		if resp.StatusCode != http.StatusBadRequest || !strings.HasPrefix(says, name+" ") {
			t.Errorf("with %s=%s: %s: %s", name, value, resp.Status, says)
		}
	}
}

func TestNoIDTokenWithoutTheScope(t *testing.T) {
	p := start(t)
	q := authorization(p)
	q.Set("scope", "email")
	resp, _ := post(t, p.URL+"/authorize?"+q.Encode(), url.Values{"email": {"ada@example.com"}})
	location, err := resp.Location()
	if err != nil {
		t.Fatal(err)
	}
	resp, says := post(t, p.URL+"/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {location.Query().Get("code")}, "redirect_uri": {app},
		"code_verifier": {verifier}, "client_id": {p.ClientID}, "client_secret": {p.ClientSecret},
	})
	if resp.StatusCode != http.StatusOK || !strings.Contains(says, `"access_token"`) || strings.Contains(says, `"id_token"`) {
		t.Errorf("answered %s: %s", resp.Status, says)
	}
}

func TestWhatACodeIsGoodFor(t *testing.T) {
	p := start(t)
	for _, test := range []struct {
		name   string
		change func(form url.Values)
		status int
		says   string
	}{
		{"a token", func(url.Values) {}, http.StatusOK, "id_token"},
		{"nothing with another verifier", func(f url.Values) { f.Set("code_verifier", challenge) }, http.StatusBadRequest, "invalid_grant"},
		{"nothing without one", func(f url.Values) { f.Del("code_verifier") }, http.StatusBadRequest, "invalid_grant"},
		{"nothing for another address", func(f url.Values) { f.Set("redirect_uri", app+"s") }, http.StatusBadRequest, "invalid_grant"},
		{"nothing of another kind", func(f url.Values) { f.Set("grant_type", "password") }, http.StatusBadRequest, "invalid_grant"},
		{"nothing without the secret", func(f url.Values) { f.Del("client_secret") }, http.StatusUnauthorized, "invalid_client"},
		{"nothing for another client", func(f url.Values) { f.Set("client_id", "another") }, http.StatusUnauthorized, "invalid_client"},
		{"nothing if it is another", func(f url.Values) { f.Set("code", "another") }, http.StatusBadRequest, "invalid_grant"},
		{"nothing if it is empty", func(f url.Values) { f.Set("code", "") }, http.StatusBadRequest, "invalid_request"},
	} {
		t.Run(test.name, func(t *testing.T) {
			resp, says := post(t, p.URL+"/authorize?"+authorization(p).Encode(), url.Values{"email": {"ada@example.com"}})
			location, err := resp.Location()
			if err != nil || location.Query().Get("state") != "s" {
				t.Fatalf("no redirect to the app: %s: %s", resp.Status, says)
			}
			form := url.Values{
				"grant_type": {"authorization_code"}, "code": {location.Query().Get("code")}, "redirect_uri": {app},
				"code_verifier": {verifier}, "client_id": {p.ClientID}, "client_secret": {p.ClientSecret},
			}
			test.change(form)
			resp, says = post(t, p.URL+"/token", form)
			if resp.StatusCode != test.status || !strings.Contains(says, `"`+test.says+`"`) {
				t.Errorf("answered %s: %s", resp.Status, says)
			}
			if resp.StatusCode == http.StatusOK {
				if resp, _ = post(t, p.URL+"/token", form); resp.StatusCode != http.StatusBadRequest {
					t.Errorf("and again: answered %s", resp.Status)
				}
			}
		})
	}
}
