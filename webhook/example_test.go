package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/platforms"
	"github.com/docslogin/docslogin/webhook"
)

// The mappers of the login route decide what ReadMe may know here, too.
func Example() {
	mux := http.NewServeMux()
	staff := func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
		claims["isAdmin"] = strings.HasSuffix(user.Email, "@readme.io")
		return nil
	}
	find := func(ctx context.Context, email string) (*docslogin.User, error) {
		// … ask the database; nil if there is nobody
		return &docslogin.User{Name: "Owlbert", Email: email}, nil
	}

	answer, err := webhook.ReadMe(os.Getenv("README_JWT_SECRET"), find, docslogin.WithClaimsMapper(staff))
	if err != nil {
		log.Fatal(err)
	}
	mux.Handle("POST /readme-webhook", answer)

	r := docslogintest.NewReadMeRequest("/readme-webhook", "owlbert@readme.io", time.Now(), os.Getenv("README_JWT_SECRET"))
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output:
	// 200 {"email":"owlbert@readme.io","isAdmin":true,"name":"Owlbert","version":1}
}

// A test can send the request that Scalar would send.
func ExampleScalar() {
	mux := http.NewServeMux()
	find := func(ctx context.Context, email string) (*docslogin.User, error) {
		// … ask the database; nil if there is nobody
		return &docslogin.User{Name: "Owlbert", Groups: []string{"enterprise"}}, nil
	}

	info, err := webhook.Scalar(os.Getenv("SCALAR_USER_INFO_SECRET"), find)
	if err != nil {
		log.Fatal(err)
	}
	mux.Handle("POST /scalar-webhook", info)

	r := docslogintest.NewScalarRequest("/scalar-webhook", "owlbert@readme.io", time.Now(), os.Getenv("SCALAR_USER_INFO_SECRET"))
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	var claims struct {
		Groups  []string
		Content map[string]any
	}
	if err := json.NewDecoder(w.Body).Decode(&claims); err != nil {
		log.Fatal(err)
	}
	fmt.Println(w.Code, claims.Groups, claims.Content)
	// Output:
	// 200 [enterprise] map[name:Owlbert]
}

// When the secret changes at ReadMe, set it for both the login route and the webhook.
func ExampleHandler_SetSecret() {
	docs := docslogin.Must(docslogin.New(currentUser, platforms.ReadMe("https://docs.example.com", os.Getenv("README_JWT_SECRET"))))
	answer, err := webhook.ReadMe(os.Getenv("README_JWT_SECRET"), find)
	if err != nil {
		log.Fatal(err)
	}

	rotate := func(secret string) error {
		return errors.Join(docs.SetKey(docslogin.Secret(secret)), answer.SetSecret(secret))
	}
	fmt.Println(rotate("the_next_secret_of_the_project"))
	fmt.Println(rotate("too short"))
	// Output:
	// <nil>
	// docslogin: ReadMe: Platform.Key cannot be used: the secret is too short: it has 9 bytes and needs at least 16; if the docs' dashboard shows a longer one, put single quotes around it where it is set
	// docslogin: ReadMe: secret cannot be used: the secret is too short: it has 9 bytes and needs at least 16; if the docs' dashboard shows a longer one, put single quotes around it where it is set
}

func currentUser(*http.Request) (*docslogin.User, error) { return nil, docslogin.ErrNoUser }

func init() {
	os.Setenv("README_JWT_SECRET", secret)
	os.Setenv("SCALAR_USER_INFO_SECRET", scalarSecret)
}
