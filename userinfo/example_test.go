package userinfo_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"

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

// Docs on the app's own site need no token: their pages ask the app who is signed in.
func ExampleNew() {
	mux := http.NewServeMux()

	// No docs URL and no key: no token is made.
	info, err := userinfo.New(currentUser, platforms.MintlifyInfo(),
		[]string{"https://docs.example.com"})
	if err != nil {
		log.Fatal(err)
	}
	mux.Handle("/user-info", info)

	r := httptest.NewRequest("GET", "/user-info", nil)
	r.Header.Set("Origin", "https://docs.example.com")
	r.AddCookie(&http.Cookie{Name: "session", Value: "Ada"})
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("Access-Control-Allow-Origin"), regexp.MustCompile(`\d{10}`).ReplaceAllString(w.Body.String(), "…"))
	// Output:
	// 200 https://docs.example.com {"content":{"email":"ada@example.com","name":"Ada"},"expiresAt":…}
}
