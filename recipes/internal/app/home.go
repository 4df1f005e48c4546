package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/docslogin/docslogin"
)

// HomeFor is a page for users whom lookup finds. It redirects everybody else to signIn.
func HomeFor(lookup docslogin.UserLookup, signIn string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, err := lookup(r)
		switch {
		case errors.Is(err, docslogin.ErrNoUser), err == nil && user == nil:
			http.Redirect(w, r, signIn, http.StatusSeeOther)
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
