package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/platforms"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
)

// script does what the script in page.html does.
type script struct {
	visitor *apptest.Visitor
	appURL  string
	token   string
}

func (s *script) post(t *testing.T, path, body string) (status int, answer map[string]string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.appURL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	resp, err := s.visitor.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s may be stored", path)
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatalf("%s does not answer with JSON: %v", path, err)
	}
	return resp.StatusCode, answer
}

// toDocs fetches the URL for a page, as JSON, and goes there.
func (s *script) toDocs(t *testing.T, page string) apptest.Page {
	t.Helper()
	body, _ := json.Marshal(map[string]string{"page": page})
	status, answer := s.post(t, "/api/docs-url", string(body))
	if status != http.StatusOK {
		t.Fatalf("the app gives no URL: %d %v", status, answer)
	}
	return s.visitor.Open(t, answer["url"])
}

func TestRecipe(t *testing.T) {
	for name, newSite := range map[string]func(...docslogintest.Option) *docslogintest.Site{
		"a token in the query":    docslogintest.NewReadMe,
		"a token in the fragment": docslogintest.NewMintlify,
	} {
		t.Run(name, func(t *testing.T) {
			site := newSite()
			t.Cleanup(site.Close)
			s := script{visitor: apptest.NewVisitor()}
			s.appURL = apptest.ServeApp(t, func(url string) (http.Handler, error) {
				return newHandler(app.Env{URL: url, Platform: site.Platform()})
			})
			site.SetLoginURL(s.appURL + "/docs-login")

			page := s.visitor.Open(t, site.URL+"/quickstart?from=mail")
			if page.URL.Path != "/docs-login" || page.Status != http.StatusOK || !strings.Contains(page.Text, "<script") {
				t.Fatalf("a visitor who comes from the docs ends at %s, not at the app's page", page)
			}
			if status, answer := s.post(t, "/api/docs-url", `{"page":"/quickstart"}`); status != http.StatusUnauthorized || answer["error"] == "" {
				t.Fatalf("nobody gets %d %v, not 401 and an error", status, answer)
			}
			status, answer := s.post(t, "/api/sign-in", `{"email":"ada@example.com"}`)
			if s.token = answer["token"]; status != http.StatusOK || s.token == "" {
				t.Fatalf("signing in is answered by %d %v", status, answer)
			}
			if page = s.toDocs(t, page.URL.Query().Get("redirect")); !page.At(site.URL + "/quickstart?from=mail") {
				t.Fatalf("the script ends at %s, not at the docs' page; rejections: %v", page, site.Rejections())
			}
			// From the app's own button, and from a link that a stranger wrote.
			for _, link := range []string{"", "https://evil.example/"} {
				s.visitor.LogOutOfDocs(t, site)
				if page = s.toDocs(t, link); page.URL.Path != "/" && page.URL.Path != "" || !page.At(site.URL) {
					t.Errorf("for the page %q, the script ends at %s, not at the docs' home; rejections: %v", link, page, site.Rejections())
				}
			}
			if n := len(site.Logins()); n != 3 {
				t.Errorf("the docs saw %d logins, not 3", n)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	ada := &docslogin.User{ID: "ada", Email: "ada@example.com"}
	expired := &docslogin.User{ID: "ada", Email: "ada@example.com", ExpiresAt: time.Now().Add(-time.Minute)}
	secret := errors.New("db.internal: connection refused")
	says := func(user *docslogin.User, err error) docslogin.UserLookup {
		return func(*http.Request) (*docslogin.User, error) { return user, err }
	}
	mapper := func(err error) docslogin.Option {
		return docslogin.WithClaimsMapper(func(context.Context, *docslogin.User, docslogin.Claims) error { return err })
	}
	for name, c := range map[string]struct {
		lookup docslogin.UserLookup
		opts   []docslogin.Option
		body   string
		want   int
	}{
		"a user":                              {lookup: says(ada, nil), want: 200},
		"nobody":                              {lookup: says(nil, docslogin.ErrNoUser), want: 401},
		"nobody, said by nil":                 {lookup: says(nil, nil), want: 401},
		"a session that has ended":            {lookup: says(expired, nil), want: 401},
		"a user who is locked out":            {lookup: says(nil, docslogin.ErrForbidden), want: 403},
		"a user whom a mapper rejects":        {lookup: says(ada, nil), opts: []docslogin.Option{mapper(docslogin.ErrForbidden)}, want: 403},
		"a user without an e-mail address":    {lookup: says(&docslogin.User{ID: "ada"}, nil), want: 403},
		"a session store that is down":        {lookup: says(nil, secret), want: 500},
		"a mapper that fails":                 {lookup: says(ada, nil), opts: []docslogin.Option{mapper(secret)}, want: 500},
		"a body that is not JSON":             {lookup: says(ada, nil), body: "page=/", want: 400},
		"a body that is longer than any link": {lookup: says(ada, nil), body: `{"page":"/` + strings.Repeat("a", 1<<14) + `"}`, want: 400},
		"nobody with a body that is not JSON": {lookup: says(nil, docslogin.ErrNoUser), body: "page=/", want: 401},
	} {
		t.Run(name, func(t *testing.T) {
			docs, err := docslogin.New(c.lookup, platforms.ReadMe("https://docs.example.com", "0123456789abcdef"), c.opts...)
			if err != nil {
				t.Fatal(err)
			}
			if c.body == "" {
				c.body = `{"page":"/quickstart"}`
			}
			log := apptest.CaptureLog(t)
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/docs-url", strings.NewReader(c.body))
			docsURL(docs, c.lookup).ServeHTTP(w, r)
			text := w.Body.String()
			if w.Code != c.want || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%d, %v; want %d as JSON that is not stored", w.Code, w.Header(), c.want)
			}
			if strings.HasPrefix(text, `{"url":"https://docs.example.com`) != (c.want == 200) || strings.HasPrefix(text, `{"error":"`) != (c.want != 200) {
				t.Errorf("the answer is neither a URL nor an error")
			}
			if strings.Contains(text, "db.internal") {
				t.Error("the response contains the text of an internal error")
			}
			if strings.Contains(log.String(), "db.internal") != (c.want == 500) {
				t.Errorf("the operator reads %q", log)
			}
		})
	}
}

func TestVisitorWhoHasGone(t *testing.T) {
	log := apptest.CaptureLog(t)
	lookup := func(*http.Request) (*docslogin.User, error) {
		return &docslogin.User{Email: "ada@example.com"}, nil
	}
	docs, err := docslogin.New(lookup, platforms.ReadMe("https://docs.example.com", "0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	w := httptest.NewRecorder()
	docsURL(docs, lookup).ServeHTTP(w, httptest.NewRequestWithContext(gone, http.MethodPost, "/api/docs-url", strings.NewReader("{}")))
	if w.Body.Len() != 0 || log.Len() != 0 {
		t.Errorf("there is an answer, %q, or a line in the log, %q", w.Body, log)
	}
}

// The same endpoint serves apps that have a session cookie.
func TestSessionCookie(t *testing.T) {
	site := docslogintest.NewReadMe()
	t.Cleanup(site.Close)
	s := script{visitor: apptest.NewVisitor()}
	s.appURL = apptest.ServeApp(t, func(string) (http.Handler, error) {
		docs, err := docslogin.New(app.SignedIn, site.Platform())
		mux := http.NewServeMux()
		mux.Handle("/sign-in", app.SignIn(docs.ReturnURL))
		mux.Handle("/{$}", app.Home)
		mux.HandleFunc("POST /api/docs-url", docsURL(docs, app.SignedIn))
		return mux, err
	})
	if status, _ := s.post(t, "/api/docs-url", `{}`); status != http.StatusUnauthorized {
		t.Errorf("nobody gets %d, not 401", status)
	}
	s.visitor.Submit(t, s.visitor.Open(t, s.appURL+"/sign-in"))
	if page := s.toDocs(t, "/reference"); !page.At(site.URL + "/reference") {
		t.Errorf("the script ends at %s, not at the docs' page; rejections: %v", page, site.Rejections())
	}
}

func TestAccessTokens(t *testing.T) {
	tokens := newTokens()
	w := httptest.NewRecorder()
	tokens.signIn(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/sign-in", strings.NewReader(`{"email":"ada@example.com"}`)))
	var answer struct{ Token string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	tokens.of["old"] = session{"ada@example.com", time.Now().Add(-time.Second)}
	for header, want := range map[string]error{
		"Bearer " + answer.Token:  nil,
		"Bearer old":              docslogin.ErrNoUser,
		answer.Token:              docslogin.ErrNoUser,
		"Basic " + answer.Token:   docslogin.ErrNoUser,
		"Bearer x" + answer.Token: docslogin.ErrNoUser,
		"Bearer ":                 docslogin.ErrNoUser,
		"":                        docslogin.ErrNoUser,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/docs-url", nil)
		r.Header.Set("Authorization", header)
		user, err := tokens.user(r)
		if !errors.Is(err, want) || want == nil && (user.Email != "ada@example.com" || time.Until(user.ExpiresAt) > 15*time.Minute || user.ExpiresAt.IsZero()) {
			t.Errorf("the header %q says %+v, %v; want %v", header, user, err, want)
		}
	}
}

// A sweep reads all tokens, so sign-ins must not each begin one. Without sweeps, anybody could fill the
// memory.
func TestExpiredTokensAreRemovedOncePerMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := newTokens()
		signIn := func(want int) {
			t.Helper()
			r := httptest.NewRequest(http.MethodPost, "/api/sign-in", strings.NewReader(`{"email":"ada@example.com"}`))
			if tokens.signIn(httptest.NewRecorder(), r); len(tokens.of) != want {
				t.Errorf("there are %d tokens, want %d", len(tokens.of), want)
			}
		}
		signIn(1)
		time.Sleep(14*time.Minute + 30*time.Second)
		signIn(2)
		time.Sleep(45 * time.Second)
		signIn(3) // the first one has expired, but the last sweep was less than a minute ago
		time.Sleep(30 * time.Second)
		signIn(3)
		time.Sleep(time.Hour)
		signIn(1)
	})
}

func TestOtherSitesAndMethods(t *testing.T) {
	v := apptest.Serve(t, newHandler)
	for name, c := range map[string]struct {
		method, path, header, value string
		want                        int
	}{
		"a form of another site":        {"POST", "/api/docs-url", "Sec-Fetch-Site", "cross-site", 403},
		"a sign-in by another site":     {"POST", "/api/sign-in", "Origin", "https://evil.example", 403},
		"a link to the endpoint":        {"GET", "/api/docs-url", "Accept", "*/*", 405},
		"the docs' login URL by a form": {"POST", "/docs-login", "Accept", "*/*", 405},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, v.AppURL+c.path, strings.NewReader(`{"email":"eve@example.com"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(c.header, c.value)
		resp, err := v.Visitor.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s gets %d, not %d", name, resp.StatusCode, c.want)
		}
	}
}

// The page's own script is all that runs on it.
func TestPolicy(t *testing.T) {
	v := apptest.Serve(t, newHandler)
	seen := map[string]bool{}
	for _, path := range []string{"/", "/docs-login?redirect=/quickstart"} {
		resp, err := v.Visitor.Client().Get(v.AppURL + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		nonce := regexp.MustCompile(`<script nonce="([^"]+)">`).FindSubmatch(text)
		if nonce == nil || seen[string(nonce[1])] || bytes.Count(text, []byte("<script")) != 1 {
			t.Fatalf("%s has not one script with a fresh nonce: %q", path, nonce)
		}
		seen[string(nonce[1])] = true
		want := fmt.Sprintf("default-src 'none'; script-src 'nonce-%s'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'", nonce[1])
		if policy := resp.Header.Get("Content-Security-Policy"); policy != want {
			t.Errorf("the policy of %s allows something else than the script: %s", path, policy)
		}
		if resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be stored, and its nonce with it", path)
		}
	}
}
