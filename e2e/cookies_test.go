package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

// The client of docslogintest stores every cookie. A login with one that Chromium rejects has a note.
func TestCookiesThatChromiumRejectsAreNoted(t *testing.T) {
	large := func(size int) string { return "session=" + strings.Repeat("x", size-len("session")) + "; Path=/" }
	for _, tt := range []struct {
		name, cookie string
		stored       bool
	}{
		{"an ordinary cookie", "session=1; Path=/; HttpOnly; SameSite=Lax", true},
		{"a Secure cookie on a loopback host", "session=1; Path=/; Secure", true},
		{"a __Host- cookie on a loopback host", "__Host-session=1; Path=/; Secure", true},
		{"a __Host- cookie that is not Secure", "__Host-session=1; Path=/", false},
		{"a __Host- cookie for a path", "__Host-session=1; Path=/docs-login; Secure", false},
		{"a __Host- cookie with a domain", "__Host-session=1; Path=/; Secure; Domain=app.localhost", false},
		{"a __Secure- cookie on a loopback host", "__Secure-session=1; Path=/; Secure", true},
		{"a __Secure- cookie that is not Secure", "__Secure-session=1; Path=/", false},
		{"a SameSite=None cookie", "session=1; Path=/; SameSite=None; Secure", true},
		{"a SameSite=None cookie that is not Secure", "session=1; Path=/; SameSite=None", false},
		{"a cookie of 4,096 bytes", large(4096), true},
		{"a cookie of 4,097 bytes", large(4097), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := newApp(t)
			site, _ := newDocs(t, allPlatforms[0], "docs")
			name, _, _ := strings.Cut(tt.cookie, "=")
			a.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Set-Cookie", tt.cookie)
				fmt.Fprint(w, "set")
			})
			a.wrap(func(r *http.Request) (*docslogin.User, error) {
				if _, err := r.Cookie(name); err != nil {
					return nil, docslogin.ErrNoUser
				}
				return &docslogin.User{Email: "ada@example.com"}, nil
			}, site.Platform(), "/docs-login")
			site.SetLoginURL(a.URL + "/docs-login")

			v := newVisitor(t)
			v.open(a.URL + "/sign-in")
			v.reads("set")
			v.open(site.URL + "/quickstart")
			if tt.stored {
				v.arrives(site.URL+"/quickstart", "Hello, ada@example.com.")
			} else {
				v.reaches(a.URL + "/docs-login?")
			}
			client := docslogintest.NewClient()
			if resp, err := client.Get(a.URL + "/sign-in"); err != nil {
				t.Fatal(err)
			} else {
				resp.Body.Close()
			}
			login, err := site.Login(client, "/quickstart")
			if err != nil && strings.Contains(err.Error(), "is Secure, and this client does not send it over plain http") {
				return // Go before 1.26
			}
			if err != nil || (len(login.Notes) == 0) != tt.stored {
				t.Errorf("the kit's login: %q, %v", login.Notes, err)
			}
		})
	}
}
