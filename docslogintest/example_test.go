package docslogintest_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/sessions"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/webhook"
)

// A test of an app opens a docs page and checks the claims that the docs received.
func Example() {
	docs := docslogintest.NewReadMe()
	defer docs.Close()

	// The app. A real lookup reads the session.
	lookup := func(r *http.Request) (*docslogin.User, error) {
		return &docslogin.User{Name: "Ada", Email: "ada@example.com", APIKeys: []docslogin.APIKey{{Key: "k-123"}}}, nil
	}
	login, err := docslogin.New(lookup, docs.Platform())
	if err != nil {
		log.Fatal(err)
	}
	app := httptest.NewServer(login.Wrap(http.NotFoundHandler()))
	defer app.Close()

	// In production, you set it in the dashboard.
	docs.SetLoginURL(app.URL + login.Path())

	visitor := docslogintest.NewClient()
	got, err := docs.Login(visitor, "/quickstart")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(got.Page, got.Claims["name"], got.Claims["apiKey"])
	// Output: /quickstart Ada k-123
}

// The app sets the cookie when a user signs in. The app and the test site are under the same domain.
func ExampleNewGitBookAdaptive() {
	docs := docslogintest.NewGitBookAdaptive()
	defer docs.Close()

	lookup := func(r *http.Request) (*docslogin.User, error) { return nil, docslogin.ErrNoUser }
	login, err := docslogin.New(lookup, docs.Platform())
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) {
		user := &docslogin.User{Name: "Ada", Email: r.PostFormValue("email")}
		if err := login.SetCookie(r.Context(), w, user); err != nil {
			log.Print(err) // the sign-in succeeds all the same
		}
	})
	app := httptest.NewServer(login.Wrap(mux))
	defer app.Close()
	app.URL = strings.Replace(app.URL, "127.0.0.1", "app.acme.localhost", 1)
	docs.SetLoginURL(app.URL + login.Path())

	visitor := docslogintest.NewClient()
	if _, err := visitor.PostForm(app.URL+"/sign-in", url.Values{"email": {"ada@example.com"}}); err != nil {
		log.Fatal(err)
	}
	got, err := docs.Login(visitor, "/quickstart")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(got.Page, got.Claims["email"])
	// Output: /quickstart ada@example.com
}

// If the platform would reject a token, the error has the rule that it breaks and the fix.
func ExampleRejection() {
	docs := docslogintest.NewReadMe()
	defer docs.Close()

	lookup := func(r *http.Request) (*docslogin.User, error) {
		return &docslogin.User{Name: "Ada", Email: "ada@example.com"}, nil
	}
	platform := docs.Platform()
	platform.Key = docslogin.Secret("the secret of the staging docs")
	login, err := docslogin.New(lookup, platform)
	if err != nil {
		log.Fatal(err)
	}
	app := httptest.NewServer(login.Wrap(nil))
	defer app.Close()
	docs.SetLoginURL(app.URL + login.Path())

	_, err = docs.Login(docslogintest.NewClient(), "/quickstart")
	fmt.Println(err)
	// Output: docslogintest: ReadMe rejects the token by rule "signature": The signature does not verify with the site's secret. Sign with the key of this docs site, not with an older one or that of another environment. If the secret contains $, #, %, or a backslash, put it in single quotes where it is set.
}

// An app whose session cookie is Secure needs a TLS server, whose certificate the visitor's client
// must trust.
func ExampleTransport() {
	docs := docslogintest.NewReadMe()
	defer docs.Close()

	store := sessions.NewCookieStore([]byte("the session key of this example")) // its cookies are Secure
	lookup := docslogin.SessionLookup(store, "session", func(_ *http.Request, session *sessions.Session) (*docslogin.User, error) {
		email, _ := session.Values["email"].(string)
		if email == "" {
			return nil, docslogin.ErrNoUser
		}
		return &docslogin.User{Email: email}, nil
	})
	login, err := docslogin.New(lookup, docs.Platform(), docslogin.WithSignInPage("/sign-in", "next"))
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) {
		session, _ := store.Get(r, "session")
		session.Values["email"] = r.PostFormValue("email")
		_ = session.Save(r, w)
	})
	app := httptest.NewTLSServer(login.Wrap(mux))
	defer app.Close()
	docs.SetLoginURL(app.URL + login.Path())

	visitor := docslogintest.NewClient()
	visitor.Transport = docslogintest.Transport(app.Client().Transport)
	if _, err := visitor.PostForm(app.URL+"/sign-in", url.Values{"email": {"ada@example.com"}}); err != nil {
		log.Fatal(err)
	}
	got, err := docs.Login(visitor, "/quickstart")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(got.Page, got.Claims["email"])
	// Output: /quickstart ada@example.com
}

// Decoded claims have the types of a struct's fields.
func ExampleLogin_DecodeClaims() {
	docs := docslogintest.NewMintlify()
	defer docs.Close()

	lookup := func(r *http.Request) (*docslogin.User, error) {
		return &docslogin.User{Name: "Ada", Groups: []string{"admin", "beta"}, Attributes: map[string]any{"seats": 7}}, nil
	}
	login, err := docslogin.New(lookup, docs.Platform())
	if err != nil {
		log.Fatal(err)
	}
	app := httptest.NewServer(login.Wrap(nil))
	defer app.Close()
	docs.SetLoginURL(app.URL + login.Path())

	got, err := docs.Login(docslogintest.NewClient(), "/quickstart")
	if err != nil {
		log.Fatal(err)
	}
	var claims struct {
		Groups  []string `json:"groups"`
		Content struct {
			Seats int `json:"seats"`
		} `json:"content"`
	}
	if err := got.DecodeClaims(&claims); err != nil {
		log.Fatal(err)
	}
	fmt.Println(claims.Groups, claims.Content.Seats)
	// Output: [admin beta] 7
}

// A test of an app can send the requests that the docs would send to its webhook.
func ExampleNewScalarRequest() {
	const secret = "whsec_of-this-test-only"

	// The app. A real find reads the database.
	find := func(ctx context.Context, email string) (*docslogin.User, error) {
		if email != "ada@example.com" {
			return nil, docslogin.ErrNoUser
		}
		return &docslogin.User{Name: "Ada", Groups: []string{"beta"}}, nil
	}
	info, err := webhook.Scalar(secret, find)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /scalar-webhook", info)

	for _, r := range []*http.Request{
		docslogintest.NewScalarRequest("/scalar-webhook", "ada@example.com", time.Now(), secret),
		docslogintest.NewScalarRequest("/scalar-webhook", "eve@example.com", time.Now(), secret),
		docslogintest.NewScalarRequest("/scalar-webhook", "ada@example.com", time.Now(), "whsec_of-other-docs"),
		docslogintest.NewScalarRequest("/scalar-webhook", "ada@example.com", time.Now(), "whsec_of-other-docs", secret), // during a rotation
		docslogintest.NewScalarRequest("/scalar-webhook", "ada@example.com", time.Now().Add(-time.Hour), secret),
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		var answer struct {
			Groups []string
			Error  string
		}
		if err := json.NewDecoder(w.Body).Decode(&answer); err != nil {
			log.Fatal(err)
		}
		fmt.Println(w.Code, cmp.Or(answer.Error, fmt.Sprint(answer.Groups)))
	}
	// Output:
	// 200 [beta]
	// 404 Unknown User
	// 401 Invalid Signature
	// 200 [beta]
	// 401 Expired Signature
}

// A test can also send the request over HTTP.
func ExampleNewReadMeRequest() {
	const secret = "the secret of this test"
	find := func(ctx context.Context, email string) (*docslogin.User, error) {
		return &docslogin.User{Name: "Ada", Email: email}, nil
	}
	answer, err := webhook.ReadMe(secret, find)
	if err != nil {
		log.Fatal(err)
	}
	app := httptest.NewServer(answer)
	defer app.Close()

	resp, err := http.DefaultClient.Do(docslogintest.NewReadMeRequest(app.URL+"/readme-webhook", "ada@example.com", time.Now(), secret))
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(string(body))
	// Output: {"email":"ada@example.com","name":"Ada","version":1}
}
