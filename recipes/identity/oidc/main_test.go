package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
	"github.com/docslogin/docslogin/recipes/internal/fakeidp"
	"github.com/docslogin/docslogin/recipes/internal/fakejwt"
	"github.com/docslogin/docslogin/recipes/internal/flow/flowtest"
	"github.com/go-jose/go-jose/v4"
)

func TestRecipe(t *testing.T) {
	v := apptest.Try(t, func(env app.Env) (http.Handler, error) { return at(startProvider(t, env.URL))(env) })
	if logins := v.Site.Logins(); len(logins) > 0 && logins[0].Claims["name"] != "ada" {
		t.Errorf("the docs were told the name %v", logins[0].Claims["name"])
	}
}

func startProvider(t *testing.T, appURL string) *fakeidp.Provider {
	t.Helper()
	idp, err := fakeidp.Start(appURL + "/callback")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(idp.Close)
	return idp
}

func at(idp *fakeidp.Provider) func(app.Env) (http.Handler, error) {
	return func(env app.Env) (http.Handler, error) {
		return newHandler(env, idp.URL, idp.ClientID, idp.ClientSecret)
	}
}

// serve serves the recipe; the provider is at the test's disposal.
func serve(t *testing.T) (*apptest.Visit, *fakeidp.Provider) {
	t.Helper()
	var idp *fakeidp.Provider
	v := apptest.Serve(t, func(env app.Env) (http.Handler, error) {
		idp = startProvider(t, env.URL)
		return at(idp)(env)
	})
	return v, idp
}

func TestTLS(t *testing.T) {
	flowtest.TryTLS(t, func(env app.Env) (http.Handler, error) { return at(startProvider(t, env.URL))(env) })
}

// with are Ada's claims, but for one; nil leaves it out.
func with(idp *fakeidp.Provider, name string, value any) map[string]any {
	claims := idp.Claims("ada@example.com")
	if claims[name] = value; value == nil {
		delete(claims, name)
	}
	return claims
}

func TestWhoseToken(t *testing.T) {
	v, idp := serve(t)
	good := strings.Split(idp.Sign(idp.Claims("ada@example.com")), ".")
	mallory := strings.Split(idp.Sign(idp.Claims("mallory@example.com")), ".")
	another, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	const docs, signIn, forbidden = "the docs", "the sign-in page", "a 403 page"
	for _, test := range []struct {
		name  string
		token string
		leads string
	}{
		{"the provider's", strings.Join(good, "."), docs},
		{"for this app among others", idp.Sign(with(idp, "aud", []string{"another", idp.ClientID})), docs},
		{"expired", idp.Sign(with(idp, "exp", time.Now().Add(-time.Minute).Unix())), signIn},
		{"without an end", idp.Sign(with(idp, "exp", nil)), signIn},
		{"for another app", idp.Sign(with(idp, "aud", "another")), signIn},
		{"for no app", idp.Sign(with(idp, "aud", nil)), signIn},
		{"of another provider", idp.Sign(with(idp, "iss", "https://id.example.com")), signIn},
		{"with the claims of another", good[0] + "." + mallory[1] + "." + good[2], signIn},
		{"signed with another key", fakeidp.SignWith(jose.RS256, another, idp.Claims("ada@example.com")), signIn},
		{"signed by another method", fakeidp.SignWith(jose.HS256, []byte("a secret of 32 bytes or somewhat more"), idp.Claims("ada@example.com")), signIn},
		{"not signed", "eyJhbGciOiJub25lIn0." + good[1] + ".", signIn},
		{"not a token", "ada@example.com", signIn},
		{"empty", "", signIn},
		{"with an address that is not verified", idp.Sign(with(idp, "email_verified", false)), forbidden},
		{"with an address, and no claim that it is verified", idp.Sign(with(idp, "email_verified", nil)), forbidden},
	} {
		t.Run(test.name, func(t *testing.T) {
			resp := visit(t, v, test.token)
			leads := resp.Status
			switch to, _, _ := strings.Cut(resp.Header.Get("Location"), "?"); {
			case resp.StatusCode == http.StatusFound && strings.HasPrefix(to, v.Site.URL):
				leads = docs
			case resp.StatusCode == http.StatusFound && to == "/sign-in":
				leads = signIn
			case resp.StatusCode == http.StatusForbidden:
				leads = forbidden
			}
			if leads != test.leads {
				t.Errorf("leads to %s, not to %s", leads, test.leads)
			}
		})
	}
}

// visit asks for the route with an ID token in the cookie, and follows nothing.
func visit(t *testing.T, v *apptest.Visit, token string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", v.AppURL+"/docs-login?redirect=/quickstart", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.AddCookie(&http.Cookie{Name: "id_token", Value: token})
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp
}

func TestAProviderThatIsDown(t *testing.T) {
	v, idp := serve(t)
	token := idp.Sign(idp.Claims("ada@example.com"))
	for _, step := range []struct {
		name   string
		down   bool
		token  string
		status int
		to     string
	}{
		{"before its keys were fetched, it is a fault", true, token, http.StatusInternalServerError, ""},
		{"when it is back, Ada logs in", false, token, http.StatusFound, v.Site.URL},
		{"with its keys at hand, Ada logs in", true, token, http.StatusFound, v.Site.URL},
		{"with its keys at hand, a visitor without a token is sent to sign in", true, "", http.StatusFound, "/sign-in"},
		{"with its keys at hand, a visitor with an expired one is sent to sign in", true, idp.Sign(with(idp, "exp", 1)), http.StatusFound, "/sign-in"},
	} {
		idp.SetDown(step.down)
		resp := visit(t, v, step.token)
		if to := resp.Header.Get("Location"); resp.StatusCode != step.status || !strings.HasPrefix(to, step.to) || (to == "") != (step.to == "") {
			t.Errorf("%s: answered %s", step.name, resp.Status)
		}
	}
}

// Anybody can send tokens that no key verifies, and go-oidc fetches the keys again for each.
func TestForgedTokensAreCheap(t *testing.T) {
	log := apptest.CaptureLog(t)
	v, idp := serve(t)
	another, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	unknownKey, err := fakejwt.SignWith(jose.RS256, jose.JSONWebKey{Key: another, KeyID: "unknown"}, idp.Claims("ada@example.com"), nil)
	if err != nil {
		t.Fatal(err)
	}
	known := idp.Sign(idp.Claims("ada@example.com"))
	isAda := func(when string) {
		t.Helper()
		if resp := visit(t, v, known); !strings.HasPrefix(resp.Header.Get("Location"), v.Site.URL) {
			t.Errorf("%s, Ada's token is answered %s", when, resp.Status)
		}
	}
	isAda("at the start")
	start := time.Now()
	for _, down := range []bool{false, true} {
		idp.SetDown(down)
		for range 25 {
			for _, token := range []string{unknownKey, fakeidp.SignWith(jose.RS256, another, idp.Claims("ada@example.com"))} {
				if resp := visit(t, v, token); !strings.HasPrefix(resp.Header.Get("Location"), "/sign-in") {
					t.Fatalf("a forged token is answered %s", resp.Status)
				}
			}
			isAda("among forged tokens")
		}
	}
	most := 1 + int(time.Since(start)/(5*time.Second)) // on a slow machine, there are pauses
	if n := int(idp.KeyFetches()); n > 1+most {
		t.Errorf("the keys were fetched %d times", n)
	}
	if n := strings.Count(log.String(), "level=ERROR"); n > most {
		t.Errorf("there are %d errors in the log", n)
	}
}

// Keys are fetched again after the pause, since the provider may have new ones.
func TestKeysAreFetchedAgain(t *testing.T) {
	idp := startProvider(t, "http://127.0.0.1:9")
	log := apptest.CaptureLog(t)
	s := &seldom{}
	for _, step := range []struct {
		name    string
		down    bool
		past    time.Duration
		fetches int64
	}{
		{"without keys, while the provider is down", true, 0, 1},
		{"without keys, again", true, 0, 2},
		{"when the provider is back", false, 0, 3},
		{"at once after that", false, 0, 3},
		{"before the pause is over", false, time.Second, 3},
		{"after the pause", true, 5 * time.Second, 4},
		{"at once after a failure", false, 0, 4},
		{"after another pause", false, 5 * time.Second, 5},
	} {
		idp.SetDown(step.down)
		s.next = s.next.Add(-step.past)
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, idp.URL+"/keys", nil)
		resp, err := s.RoundTrip(req)
		if err == nil {
			resp.Body.Close()
		}
		if n := idp.KeyFetches(); n != step.fetches {
			t.Errorf("%s: the keys were fetched %d times, error %v", step.name, n, err)
		}
	}
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
		t.Errorf("there are %d errors in the log, not one for the failure with keys", n)
	}
}

func TestWhoTheTokenNames(t *testing.T) {
	idp := startProvider(t, "http://127.0.0.1:9")
	p, err := discover(idp.URL, idp.ClientID, idp.ClientSecret, "http://127.0.0.1:9")
	if err != nil {
		t.Fatal(err)
	}
	ends := time.Now().Add(time.Minute).Truncate(time.Second)
	r := httptest.NewRequest("GET", "/docs-login", nil)
	r.AddCookie(&http.Cookie{Name: "id_token", Value: idp.Sign(with(idp, "exp", ends.Unix()))})
	user, err := p.user(r)
	if err != nil || user.ID != "id-of-ada@example.com" || user.Email != "ada@example.com" || user.Name != "ada" || !user.ExpiresAt.Equal(ends) {
		t.Errorf("the user is %+v, error %v", user, err)
	}
	r = httptest.NewRequest("GET", "/docs-login", nil)
	r.AddCookie(&http.Cookie{Name: "id_token", Value: idp.Sign(with(idp, "email_verified", false))})
	if user, err := p.user(r); user != nil || !errors.Is(err, docslogin.ErrForbidden) {
		t.Errorf("with an address that is not verified, the user is %+v, error %v", user, err)
	}
}

// signIns are sign-ins at the provider, each with the page at its end.
var signIns = []struct {
	name    string
	claims  func(map[string]any)
	between func(t *testing.T, v *apptest.Visit) // when the form is open
	status  int
	says    string
}{
	{"leads to the app", nil, nil, http.StatusOK, "Signed in as ada@example.com"},
	{
		"fails with a token for another sign-in",
		func(c map[string]any) { c["nonce"] = "another" }, nil, http.StatusBadRequest, "was changed on its way",
	},
	{
		"fails with a token for another app",
		func(c map[string]any) { c["aud"] = "another" }, nil, http.StatusBadGateway, "cannot be asked",
	},
	{
		"fails with a token that no cookie holds",
		func(c map[string]any) { c["groups"] = strings.Repeat("staff ", 600) }, nil, http.StatusInternalServerError, "fits into a cookie",
	},
	{
		"begun elsewhere fails",
		nil, func(_ *testing.T, v *apptest.Visit) { forget(v) }, http.StatusBadRequest, "did not begin here",
	},
	{
		"begun once more in another window leads to the app",
		nil, func(t *testing.T, v *apptest.Visit) { v.Visitor.Open(t, v.AppURL+"/sign-in") }, http.StatusOK, "Signed in as ada@example.com",
	},
}

func TestSignIn(t *testing.T) {
	for _, test := range signIns {
		t.Run(test.name, func(t *testing.T) {
			log := apptest.CaptureLog(t)
			v, idp := serve(t)
			if test.claims != nil {
				idp.SetClaims(test.claims)
			}
			page := v.Visitor.Open(t, v.AppURL+"/sign-in")
			if !page.At(idp.URL) || !page.HasForm() {
				t.Fatalf("the sign-in leads to %s", page)
			}
			if test.between != nil {
				test.between(t, v)
			}
			page = v.Visitor.SignIn(t, page, v.AppURL)
			if page.Status != test.status || !strings.Contains(page.Text, test.says) {
				t.Errorf("ends at %s: %s", page, page.Text)
			}
			if strings.Contains(log.String(), "level=ERROR") != (test.status >= 500) {
				t.Errorf("the operator reads %q", log)
			}
			if test.status != http.StatusOK {
				if !page.At(v.AppURL+page.URL.RequestURI()) || page.URL.Path != "/callback" {
					t.Errorf("ends at %s", page)
				}
				if home := v.Visitor.Open(t, v.AppURL+"/"); strings.Contains(home.Text, "Signed in as") {
					t.Errorf("and still somebody is signed in: %s", home.Text)
				}
			}
		})
	}
}

// forget removes the visitor's cookies.
func forget(v *apptest.Visit) {
	at, _ := url.Parse(v.AppURL)
	jar := v.Visitor.Client().Jar
	for _, cookie := range jar.Cookies(at) {
		jar.SetCookies(at, []*http.Cookie{{Name: cookie.Name, Path: "/", MaxAge: -1}})
	}
}

// begin opens the sign-in with a return URL, and returns its state and the provider's form.
func begin(t *testing.T, v *apptest.Visit, next string) (state string, form apptest.Page) {
	t.Helper()
	form = v.Visitor.Open(t, v.AppURL+"/sign-in?next="+url.QueryEscape(next))
	return form.URL.Query().Get("state"), form
}

func TestTabs(t *testing.T) {
	v, _ := serve(t)
	one, two := v.Visitor.Open(t, v.AppURL+"/docs-login?redirect=/one"), v.Visitor.Open(t, v.AppURL+"/docs-login?redirect=/two")
	for path, form := range map[string]apptest.Page{"/one": one, "/two": two} {
		if page := v.Visitor.SignIn(t, form, v.Site.URL); !page.At(v.Site.URL + path) {
			t.Errorf("the tab for %s ends at %s", path, page)
		}
	}
}

func TestCallbacksThatFail(t *testing.T) {
	for _, row := range []struct {
		name, query string // {state} is the sign-in's
		status      int
		says        string
	}{
		{"for a visitor who declines", "error=access_denied&state={state}", http.StatusForbidden, "did not sign you in"},
		{"without a state", "code=1", http.StatusBadRequest, "did not begin here"},
		{"with an empty state", "code=1&state=", http.StatusBadRequest, "did not begin here"},
		{"without a code", "state={state}", http.StatusBadRequest, "incomplete"},
		{"with an invalid code", "code=1&state={state}", http.StatusBadRequest, "took too long"},
	} {
		t.Run(row.name, func(t *testing.T) {
			log := apptest.CaptureLog(t)
			v, _ := serve(t)
			state, _ := begin(t, v, "/")
			page := v.Visitor.Open(t, v.AppURL+"/callback?"+strings.ReplaceAll(row.query, "{state}", state))
			if page.Status != row.status || !strings.Contains(page.Text, row.says) || !strings.Contains(page.Text, `<a href="/sign-in`) {
				t.Errorf("ends at %s: %s", page, page.Text)
			}
			if strings.Contains(log.String(), "level=WARN") || strings.Contains(log.String(), "level=ERROR") {
				t.Errorf("anybody can log: %s", log)
			}
		})
	}
}

func TestACallbackWhileTheProviderIsDownIsAFault(t *testing.T) {
	v, idp := serve(t)
	state, _ := begin(t, v, "/")
	idp.SetDown(true)
	page := v.Visitor.Open(t, v.AppURL+"/callback?code=1&state="+state)
	if page.Status != http.StatusBadGateway || !strings.Contains(page.Text, "cannot be asked") {
		t.Errorf("ends at %s: %s", page, page.Text)
	}
}

func TestAReturnURLThatDoesNotFitIntoACookieLeadsToTheDocs(t *testing.T) {
	v, _ := serve(t)
	_, form := begin(t, v, "/?"+strings.Repeat("é", 500))
	if page := v.Visitor.SignIn(t, form, v.Site.URL); !page.At(v.Site.URL + "/") {
		t.Errorf("ends at %s", page)
	}
}

func TestASignInWithoutAnIDTokenIsRejected(t *testing.T) {
	log := apptest.CaptureLog(t)
	v, _ := serve(t)
	_, form := begin(t, v, "/")
	query := form.URL.Query()
	query.Set("scope", "email") // by the visitor
	form.URL.RawQuery = query.Encode()
	page := v.Visitor.SignIn(t, v.Visitor.Open(t, form.URL.String()), v.AppURL)
	if page.URL.Path != "/callback" || page.Status != http.StatusBadRequest || strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("ends at %s; the operator reads %q", page, log)
	}
}

func TestASignInWithAChangedCookieIsRejected(t *testing.T) {
	v, _ := serve(t)
	_, form := begin(t, v, "/")
	at, _ := url.Parse(v.AppURL)
	for _, cookie := range v.Visitor.Client().Jar.Cookies(at) {
		if strings.HasPrefix(cookie.Name, "sign_in_") {
			changed := apptest.Tampered(cookie)
			changed.Path = "/"
			v.Visitor.Client().Jar.SetCookies(at, []*http.Cookie{changed})
		}
	}
	if page := v.Visitor.SignIn(t, form, v.AppURL); page.URL.Path != "/callback" || page.Status != http.StatusBadRequest {
		t.Errorf("ends at %s", page)
	}
}

func TestTheCallbackIsValidOnce(t *testing.T) {
	v, _ := serve(t)
	state, form := begin(t, v, "/")
	v.Visitor.SignIn(t, form, v.AppURL)
	page := v.Visitor.Open(t, v.AppURL+"/callback?code=1&state="+state)
	if page.Status != http.StatusBadRequest {
		t.Errorf("ends at %s: %s", page, page.Text)
	}
}

func TestTheCookiesAreOutOfAScriptsReach(t *testing.T) {
	v, _ := serve(t)
	seen := map[string]bool{}
	client := v.Visitor.Client()
	client.Transport = recorder{client.Transport, func(resp *http.Response) {
		for _, cookie := range resp.Cookies() {
			name := cookie.Name
			if strings.HasPrefix(name, "sign_in_") {
				name = "sign_in"
			}
			seen[name] = true
			if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Expires.IsZero() && cookie.MaxAge == 0 {
				t.Errorf("the cookie %s: %v", cookie.Name, strings.Replace(cookie.Raw, cookie.Value, "…", 1))
			}
		}
	}}
	v.Visitor.SignIn(t, v.Visitor.Open(t, v.AppURL+"/sign-in"), v.AppURL)
	if !seen["sign_in"] || !seen["id_token"] || len(seen) != 2 {
		t.Errorf("the cookies are %v", seen)
	}
}

type recorder struct {
	http.RoundTripper
	look func(*http.Response)
}

func (r recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.RoundTripper.RoundTrip(req)
	if err == nil {
		r.look(resp)
	}
	return resp, err
}
