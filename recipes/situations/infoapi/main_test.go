package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
	"golang.org/x/oauth2"
)

const verifier = "the verifier of a login, which has 43 characters or more"

// world is an app, its docs, and a visitor. Its methods do what the script in page.html does.
type world struct {
	*apptest.Visitor
	appURL, docsURL string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Visitor: apptest.NewVisitor()}
	docs := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { newDocs(w.docsURL, w.appURL).ServeHTTP(rw, r) }))
	t.Cleanup(docs.Close)
	w.docsURL = docs.URL
	w.appURL = apptest.ServeApp(t, func(string) (http.Handler, error) { return newHandler(docs.URL) })
	return w
}

// authorize returns the parameters of the authorization URL.
func (w *world) authorize() url.Values {
	return url.Values{
		"response_type": {"code"}, "client_id": {"docs"}, "redirect_uri": {w.docsURL + "/mintlify-oauth-callback"}, "scope": {"docs-user-info"},
		"state": {"a&b"}, "code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "code_challenge_method": {"S256"},
	}
}

// logIn opens the authorization URL, signs in if the app asks for it, and returns the code.
func (w *world) logIn(t *testing.T) (code string) {
	t.Helper()
	page := w.SignIn(t, w.Open(t, w.appURL+"/oauth/authorize?"+w.authorize().Encode()), w.docsURL)
	query := page.URL.Query()
	if !strings.HasPrefix(page.URL.String(), w.docsURL+"/mintlify-oauth-callback?") || query.Get("state") != "a&b" || query.Get("code") == "" {
		t.Fatalf("the login ends at %s with %v", page, query)
	}
	return query.Get("code")
}

// exchangeForm returns the parameters of the token request.
func (w *world) exchangeForm(code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "client_id": {"docs"}, "redirect_uri": {w.docsURL + "/mintlify-oauth-callback"},
		"code": {code}, "code_verifier": {verifier},
	}
}

// do sends a request as a script in a page of an origin does. It returns the status, the JSON in the
// response, and whether the page can read it.
func (w *world) do(t *testing.T, origin string, req *http.Request) (status int, answer map[string]any, readable bool) {
	t.Helper()
	req.Header.Set("Origin", origin)
	resp, err := w.Client().Do(req.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatalf("%s does not answer with JSON: %v", req.URL.Path, err)
	}
	if !strings.Contains(resp.Header.Get("Cache-Control"), "no-store") {
		t.Errorf("the answer of %s may be stored", req.URL.Path)
	}
	return resp.StatusCode, answer, resp.Header.Get("Access-Control-Allow-Origin") == origin
}

func (w *world) exchange(t *testing.T, form url.Values) (status int, answer map[string]any) {
	t.Helper()
	req, _ := http.NewRequest("POST", w.appURL+"/oauth/token", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, answer, readable := w.do(t, w.docsURL, req)
	if !readable {
		t.Error("the docs cannot read the answer of the token endpoint")
	}
	return status, answer
}

func (w *world) info(t *testing.T, origin, authorization string) (status int, answer map[string]any, readable bool) {
	t.Helper()
	req, _ := http.NewRequest("GET", w.appURL+"/user-info", nil)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	return w.do(t, origin, req)
}

func TestRecipe(t *testing.T) {
	w := newWorld(t)
	page := w.Open(t, w.docsURL+"/quickstart")
	if page.Status != 200 || !strings.Contains(page.Text, "<script") {
		t.Errorf("the docs' page is %s: %s", page, page.Text)
	}
	for range 2 { // signed out, then signed in
		status, answer := w.exchange(t, w.exchangeForm(w.logIn(t)))
		token, _ := answer["access_token"].(string)
		if status != 200 || token == "" || answer["token_type"] != "Bearer" || answer["expires_in"] != 600.0 {
			t.Fatalf("the token endpoint answers %d %v", status, answer)
		}
		status, user, readable := w.info(t, w.docsURL, "Bearer "+token)
		content, _ := user["content"].(map[string]any)
		end, _ := user["expiresAt"].(float64)
		if left := time.Until(time.Unix(int64(end), 0)); status != 200 || !readable || content["email"] != apptest.Ada || left <= 0 || left > 10*time.Minute {
			t.Errorf("the Info API answers %d %v; the docs can read it: %t", status, user, readable)
		}
		if status, _, readable := w.info(t, "https://evil.example", "Bearer "+token); status != 403 || readable {
			t.Errorf("a page of another origin gets %d; it can read it: %t", status, readable)
		}
	}
	// The visitor has the app's cookie, which does not count.
	if status, _, _ := w.info(t, w.docsURL, ""); status != 401 {
		t.Errorf("a page of the docs without a token gets %d", status)
	}
}

func TestPreflight(t *testing.T) {
	w := newWorld(t)
	for origin, want := range map[string]string{w.docsURL: "Authorization", "https://evil.example": ""} {
		req, _ := http.NewRequestWithContext(t.Context(), "OPTIONS", w.appURL+"/user-info", nil)
		req.Header = http.Header{"Origin": {origin}, "Access-Control-Request-Method": {"GET"}, "Access-Control-Request-Headers": {"authorization"}}
		resp, err := w.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Access-Control-Allow-Headers"); resp.StatusCode != 204 || got != want {
			t.Errorf("%s: %d allows the header %q, want %q", origin, resp.StatusCode, got, want)
		}
	}
}

func TestTheLookupAcceptsOnlyTokensForTheDocs(t *testing.T) {
	s := newOAuthServer("https://docs.example.com")
	end := time.Now().Add(time.Minute)
	s.grants.tokens["valid"] = grant{email: apptest.Ada, scope: "docs-user-info", end: end}
	s.grants.tokens["expired"] = grant{email: apptest.Ada, scope: "docs-user-info", end: time.Now().Add(-time.Second)}
	s.grants.tokens["api"] = grant{email: apptest.Ada, scope: "api", end: end}
	code := s.grants.add(grant{email: apptest.Ada, scope: "docs-user-info", end: end})
	for name, tt := range map[string]struct {
		header string
		want   error
	}{
		"a token for the docs":       {"Bearer valid", nil},
		"an expired token":           {"Bearer expired", docslogin.ErrNoUser},
		"a token with another scope": {"Bearer api", docslogin.ErrNoUser},
		"a code":                     {"Bearer " + code, docslogin.ErrNoUser},
		"another scheme":             {"Basic valid", docslogin.ErrNoUser},
		"no scheme":                  {"valid", docslogin.ErrNoUser},
		"no token":                   {"Bearer ", docslogin.ErrNoUser},
		"no header":                  {"", docslogin.ErrNoUser},
	} {
		r := httptest.NewRequest("GET", "/user-info", nil)
		r.Header.Set("Authorization", tt.header)
		user, err := s.user(r)
		if !errors.Is(err, tt.want) || tt.want == nil && (user.Email != apptest.Ada || !user.ExpiresAt.Equal(end)) {
			t.Errorf("%s: %+v, %v", name, user, err)
		}
	}
}

func TestAuthorizationRequestsThatAreRejected(t *testing.T) {
	w := newWorld(t)
	w.logIn(t) // signed in, so that only the request is wrong
	for name, value := range map[string]string{
		"response_type": "token", "client_id": "other", "redirect_uri": w.docsURL + "/quickstart", "scope": "api",
		"code_challenge": "", "code_challenge_method": "plain",
	} {
		query := w.authorize()
		query.Set(name, value)
		if page := w.Open(t, w.appURL+"/oauth/authorize?"+query.Encode()); page.Status != 400 || !page.At(w.appURL) {
			t.Errorf("%s=%s leads to %s", name, value, page)
		}
	}
}

func TestSessionThatCannotBeRead(t *testing.T) {
	log := apptest.CaptureLog(t)
	s := newOAuthServer("https://docs.example.com")
	s.signedIn = func(*http.Request) (*docslogin.User, error) {
		return nil, errors.New("db.internal: connection refused")
	}
	w := httptest.NewRecorder()
	s.authorize(w, httptest.NewRequest("GET", "/oauth/authorize?"+(&world{docsURL: s.docsURL}).authorize().Encode(), nil))
	if w.Code != 500 || strings.Contains(w.Body.String(), "db.internal") || !strings.Contains(log.String(), "db.internal") {
		t.Errorf("answered %d %s; the operator reads %q", w.Code, w.Body, log)
	}
}

func TestTokenRequestsThatAreRejected(t *testing.T) {
	w := newWorld(t)
	for name, value := range map[string]string{
		"grant_type": "password", "client_id": "other", "redirect_uri": w.docsURL + "/quickstart", "code": "guessed", "code_verifier": "another one",
	} {
		form := w.exchangeForm(w.logIn(t))
		form.Set(name, value)
		if status, answer := w.exchange(t, form); status != 400 || answer["error"] != "invalid_grant" {
			t.Errorf("%s=%s: %d %v", name, value, status, answer)
		}
		form = w.exchangeForm(form.Get("code"))
		if status, _ := w.exchange(t, form); status != 400 {
			t.Errorf("after that, the code is answered %d", status)
		}
	}
}

// One of the two who use a code is not the docs (RFC 6749, section 4.1.2), and need not have the verifier.
func TestACodeThatIsUsedTwiceRevokesTheToken(t *testing.T) {
	w := newWorld(t)
	newToken := func() (form url.Values, token string) {
		form = w.exchangeForm(w.logIn(t))
		_, answer := w.exchange(t, form)
		token, _ = answer["access_token"].(string)
		return form, token
	}
	_, other := newToken()
	for _, second := range []string{verifier, "another one"} {
		form, token := newToken()
		if status, _, _ := w.info(t, w.docsURL, "Bearer "+token); status != 200 {
			t.Fatalf("the Info API answers the token with %d", status)
		}
		form.Set("code_verifier", second)
		for range 2 {
			if status, _ := w.exchange(t, form); status != 400 {
				t.Errorf("the same code again: %d", status)
			}
			if status, _, _ := w.info(t, w.docsURL, "Bearer "+token); status != 401 {
				t.Errorf("after that, the Info API answers the token with %d", status)
			}
		}
	}
	if status, _, _ := w.info(t, w.docsURL, "Bearer "+other); status != 200 {
		t.Errorf("the Info API answers another token with %d", status)
	}
}

func TestCodesExpire(t *testing.T) {
	s := newOAuthServer("https://docs.example.com")
	for left, want := range map[time.Duration]int{time.Minute: 200, -time.Second: 400} {
		form := (&world{docsURL: s.docsURL}).exchangeForm(s.grants.add(grant{
			email: apptest.Ada, scope: "docs-user-info", challenge: oauth2.S256ChallengeFromVerifier(verifier), end: time.Now().Add(left),
		}))
		r := httptest.NewRequest("POST", "/oauth/token", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		if s.exchange(w, r); w.Code != want {
			t.Errorf("a code that expires in %s: %d, want %d", left, w.Code, want)
		}
	}
}

// A sweep reads all grants, so logins must not each begin one. Without sweeps, anybody could fill the
// memory.
func TestExpiredGrantsAreRemovedOncePerMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &newOAuthServer("https://docs.example.com").grants
		add := func(lasts time.Duration, want int) {
			t.Helper()
			g.tokens[rand.Text()] = grant{end: time.Now().Add(lasts)}
			if g.add(grant{end: time.Now().Add(lasts)}); len(g.codes) != want || len(g.tokens) != want {
				t.Errorf("there are %d codes and %d tokens, want %d of each", len(g.codes), len(g.tokens), want)
			}
		}
		add(10*time.Second, 1)
		time.Sleep(45 * time.Second)
		add(10*time.Minute, 2) // the first one has expired, but the last sweep was less than a minute ago
		time.Sleep(30 * time.Second)
		add(10*time.Minute, 2)
		time.Sleep(time.Hour)
		add(10*time.Minute, 1)
	})
}
