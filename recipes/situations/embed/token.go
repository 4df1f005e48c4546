package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"github.com/docslogin/docslogin"
)

// docsToken responds to a script in the app's own pages with a new token for the user: {"jwt": "…"}. Metabase
// expects exactly that. Its script requests the endpoint itself, by a GET with the query response=json and
// the session cookie. The endpoint does not redirect to the sign-in page, because a script would follow the
// redirect and get a page instead of JSON.
//
// Metabase has one URL for its script and for logins. If you use both, pass requests with response=json
// to this endpoint, and all others to the login route.
//
// The endpoint sends no CORS headers. If Metabase requests it from a page on another origin, send exactly
// that origin in Access-Control-Allow-Origin, never "*" or whatever Origin the request has. Also send
// Access-Control-Allow-Credentials: true and Vary: Origin, and let isOwnScript accept that Origin with
// Sec-Fetch-Site: same-site. A page on another site would also need a session cookie with SameSite=None,
// which every site can use. Serve the page from your own site instead.
func docsToken(docs *docslogin.Middleware, lookup docslogin.UserLookup) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private, no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff") // never a script or an image
		w.Header().Set("Vary", "Cookie, Sec-Fetch-Site")    // for a cache that ignores no-store
		if r.Method != http.MethodGet {
			w.Header().Set("Allow", "GET")
			answer(w, http.StatusMethodNotAllowed, "error", "Use GET.")
			return
		}
		if !isOwnScript(r.Header) {
			answer(w, http.StatusForbidden, "error", "Only a script in a page of this app can get a token.")
			return
		}
		user, err := lookup(r)
		var token string
		if err == nil {
			token, err = docs.Token(r.Context(), user)
		}
		switch {
		case err == nil:
			answer(w, http.StatusOK, "jwt", token)
		case errors.Is(err, docslogin.ErrNoUser):
			slog.DebugContext(r.Context(), "docs token: nobody is signed in", "error", err)
			answer(w, http.StatusUnauthorized, "error", "Nobody is signed in.")
		case errors.Is(err, docslogin.ErrForbidden):
			answer(w, http.StatusForbidden, "error", "You may not use this.")
		case errors.Is(r.Context().Err(), context.Canceled): // the visitor has gone
		default:
			slog.ErrorContext(r.Context(), "docs token", "error", err) // Token itself reports no event and logs nothing
			answer(w, http.StatusInternalServerError, "error", "The token cannot be created.")
		}
	}
}

// isOwnScript reports whether a script in a page of the app's own origin makes the request. Another site
// could not read the response, but no token should be made for it. Links, frames, images, script elements,
// and prefetches do not count as a script. Browsers send the Sec-Fetch headers over https and to loopback
// hosts, so a request without them is rejected.
func isOwnScript(h http.Header) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		if h.Get(name) != "" {
			return false
		}
	}
	mode := h.Get("Sec-Fetch-Mode")
	return h.Get("Sec-Fetch-Site") == "same-origin" && h.Get("Sec-Fetch-Dest") == "empty" && (mode == "cors" || mode == "same-origin")
}

func answer(w http.ResponseWriter, status int, name, value string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{name: value})
}
