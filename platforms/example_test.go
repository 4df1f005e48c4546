package platforms_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
)

// currentUser stands for what an app already has: it knows who sent a request.
func currentUser(r *http.Request) (*docslogin.User, error) {
	cookie, err := r.Cookie("session")
	if err != nil {
		return nil, docslogin.ErrNoUser
	}
	return &docslogin.User{ID: "42", Name: cookie.Value, Email: strings.ToLower(cookie.Value) + "@example.com"}, nil
}

// visit opens a path of the app as Ada, who is signed in, and returns where it leads.
func visit(app http.Handler, path string) string {
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", path, nil)
	r.AddCookie(&http.Cookie{Name: "session", Value: "Ada"})
	app.ServeHTTP(w, r)
	return strings.TrimSpace(fmt.Sprint(w.Code, " ", testkit.Masked(w.Header().Get("Location")))) + "\n"
}

// visitWithCookie does the same as visit, and also returns the cookie that the response sets.
func visitWithCookie(app http.Handler, path string) string {
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", path, nil)
	r.AddCookie(&http.Cookie{Name: "session", Value: "Ada"})
	app.ServeHTTP(w, r)
	cookie := w.Result().Cookies()[0]
	return fmt.Sprintln(w.Code, w.Header().Get("Location")) + fmt.Sprintln(cookie.Name+"="+testkit.Masked(cookie.Value), "for", cookie.Domain)
}

// visitForm opens a path of the app as Ada and returns the form on the page.
func visitForm(app http.Handler, path string) string {
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", path, nil)
	r.AddCookie(&http.Cookie{Name: "session", Value: "Ada"})
	app.ServeHTTP(w, r)
	_, form, _ := strings.Cut(w.Body.String(), "</h1>\n")
	form, _, _ = strings.Cut(form, "</form>")
	return fmt.Sprint(w.Code, "\n", testkit.Masked(form))
}

// exampleSecret is the secret of examples.
const exampleSecret = "shared with the platform"
