package webhook_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/docslogin/docslogin"
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

	r := httptest.NewRequest("POST", "/readme-webhook", strings.NewReader(`{"email":"owlbert@readme.io"}`))
	r.Header.Set("ReadMe-Signature", sign(strconv.FormatInt(time.Now().UnixMilli(), 10), `{"email":"owlbert@readme.io"}`))
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output:
	// 200 {"email":"owlbert@readme.io","isAdmin":true,"name":"Owlbert","version":1}
}

func init() { os.Setenv("README_JWT_SECRET", secret) }
