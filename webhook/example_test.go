package webhook_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/readmewebhook"
)

// The mappers of the login route say here, too, what ReadMe may know.
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

	webhook, err := readmewebhook.New(os.Getenv("README_JWT_SECRET"), find, docslogin.WithClaimsMapper(staff))
	if err != nil {
		log.Fatal(err)
	}
	mux.Handle("/readme-webhook", webhook)

	r := httptest.NewRequest("POST", "/readme-webhook", strings.NewReader(`{"email":"owlbert@readme.io"}`))
	r.Header.Set("ReadMe-Signature", sign(strconv.FormatInt(time.Now().UnixMilli(), 10), `{"email":"owlbert@readme.io"}`))
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output:
	// 200 {"email":"owlbert@readme.io","isAdmin":true,"name":"Owlbert","version":1}
}

func init() { os.Setenv("README_JWT_SECRET", secret) }

func decode(t *testing.T, part string) []byte {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
