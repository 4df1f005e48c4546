package userinfo_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/platforms"
	"github.com/docslogin/docslogin/userinfo"
)

// currentUser stands for what an app already has: it knows who sent a request.
func currentUser(r *http.Request) (*docslogin.User, error) {
	cookie, err := r.Cookie("session")
	if err != nil {
		return nil, docslogin.ErrNoUser
	}
	return &docslogin.User{ID: "42", Name: cookie.Value, Email: strings.ToLower(cookie.Value) + "@example.com"}, nil
}

// Docs on the app's own site share its session: their pages send the app's cookie.
func ExampleNew() {
	mux := http.NewServeMux()

	// No docs URL and no key: no token is made.
	info, err := userinfo.New(currentUser, platforms.MintlifyInfo(),
		[]string{"https://docs.example.com"})
	if err != nil {
		log.Fatal(err)
	}
	mux.Handle("GET /user-info", info)
	mux.Handle("OPTIONS /user-info", info) // the browser's CORS preflight

	r := httptest.NewRequest("GET", "/user-info", nil)
	r.Header.Set("Origin", "https://docs.example.com")
	r.AddCookie(&http.Cookie{Name: "session", Value: "Ada"})
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("Access-Control-Allow-Origin"), regexp.MustCompile(`\d{10}`).ReplaceAllString(w.Body.String(), "…"))
	// Output:
	// 200 https://docs.example.com {"content":{"email":"ada@example.com","name":"Ada"},"expiresAt":…}
}

// tokens stands for the app's OAuth server. It has the access tokens that were issued for the docs.
var tokens = map[string]*docslogin.User{
	"token-of-ada": {ID: "42", Name: "Ada", Email: "ada@example.com", ExpiresAt: time.Now().Add(time.Hour)},
}

// tokenUser is a lookup that reads an access token instead of a cookie.
func tokenUser(r *http.Request) (*docslogin.User, error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	user := tokens[token]
	if !ok || user == nil {
		return nil, docslogin.ErrNoUser
	}
	return user, nil
}

// Docs on any site can log readers in by OAuth: their pages send an access token of the app.
func ExampleNew_oauth() {
	info, err := userinfo.New(tokenUser, platforms.MintlifyInfo(),
		[]string{"https://acme.mintlify.app"})
	if err != nil {
		log.Fatal(err)
	}

	r := httptest.NewRequest("GET", "/user-info", nil)
	r.Header.Set("Origin", "https://acme.mintlify.app")
	r.Header.Set("Authorization", "Bearer token-of-ada")
	w := httptest.NewRecorder()
	info.ServeHTTP(w, r)
	fmt.Println(w.Code, regexp.MustCompile(`\d{10}`).ReplaceAllString(w.Body.String(), "…"))
	// Output:
	// 200 {"content":{"email":"ada@example.com","name":"Ada"},"expiresAt":…}
}
