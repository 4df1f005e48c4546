package docslogintest_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

// An app's own test: sign in at the app, open a docs page, look at what the docs
// were told.
func Example() {
	docs := docslogintest.NewReadMe()
	defer docs.Close()

	// The app. Its lookup would read a session.
	lookup := func(r *http.Request) (*docslogin.User, error) {
		return &docslogin.User{Name: "Ada", Email: "ada@example.com", APIKeys: []docslogin.APIKey{{Key: "k-123"}}}, nil
	}
	login, err := docslogin.New(lookup, docs.Platform())
	if err != nil {
		log.Fatal(err)
	}
	app := httptest.NewServer(login.Wrap(http.NotFoundHandler()))
	defer app.Close()

	// What one sets in the dashboard.
	docs.SetLoginURL(app.URL + login.Path())

	visitor := docslogintest.NewClient()
	got, err := docs.Login(visitor, "/quickstart")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(got.Page, got.Claims["name"], got.Claims["apiKey"])
	// Output: /quickstart Ada k-123
}

// A token that the platform would not take is refused with the rule that it
// breaks and what to change.
func ExampleRefusal() {
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
	// Output: docslogintest: ReadMe refuses the token by rule "signature": The signature does not fit the site's secret. Sign with the very key of this docs site: another environment's or an older one does not fit.
}
