package app

import (
	"errors"
	"fmt"
	"html"
	"log/slog"
	"net/http"

	"github.com/docslogin/docslogin"
)

// HomeFor is a page for users whom lookup finds. Everybody else gets a link to signIn. A redirect could
// be a loop: some sign-in pages return at once if the identity service has a session.
func HomeFor(lookup docslogin.UserLookup, signIn string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store") // the page says who is signed in
		user, err := lookup(r)
		switch {
		case errors.Is(err, docslogin.ErrNoUser), err == nil && user == nil:
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprintf(w, "<!doctype html><title>App</title>\n<a href=\"%s\">Sign in</a>\n", html.EscapeString(signIn))
		case errors.Is(err, docslogin.ErrForbidden):
			http.Error(w, "This is not for you. Is your e-mail address verified?", http.StatusForbidden)
		case err != nil:
			slog.ErrorContext(r.Context(), "the session cannot be read", "error", err)
			http.Error(w, "The session cannot be read.", http.StatusInternalServerError)
		default:
			fmt.Fprintf(w, "Signed in as %s\n", user.Email)
		}
	})
}
