package docslogintest_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
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
	// Output: docslogintest: ReadMe rejects the token by rule "signature": The signature does not verify with the site's secret. Sign with the key of this docs site, not with an older one or that of another environment.
}
