// Command spa is a single-page app without a cookie: its access token is in the script's memory.
// A visitor who comes from the docs sends no token, so the middleware's own route would never
// find a signed-in user. Instead, the docs' login URL is a page of the app. Its script signs the
// user in, fetches the URL that logs the user in at the docs, and goes there.
//
// With a session cookie, use docs.Wrap, which needs no script.
package main

import (
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"errors"
	"html/template"
	"log/slog"
	"net/http"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
)

func main() { app.Main(newHandler) }

func newHandler(env app.Env) (http.Handler, error) {
	tokens := newTokens()
	docs, err := docslogin.New(tokens.user, env.Platform) // neither wrapped nor mounted: the app only calls LoginURL
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/sign-in", tokens.signIn)
	mux.HandleFunc("POST /api/docs-url", docsURL(docs, tokens.user))
	mux.HandleFunc("GET /{$}", page)
	mux.HandleFunc("GET /docs-login", page)
	return http.NewCrossOriginProtection().Handler(mux), nil
}

// docsURL answers with the URL that logs the user in at the docs. It contains a token that expires
// within minutes or seconds, so the script asks for it only when it goes there.
func docsURL(docs *docslogin.Middleware, lookup docslogin.UserLookup) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, err := lookup(r)
		var asked struct{ Page string } // the deep link, unchecked: LoginURL checks it
		if err == nil && json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<14)).Decode(&asked) != nil {
			answer(w, http.StatusBadRequest, "error", "The body is invalid.")
			return
		}
		var url string
		if err == nil {
			url, err = docs.LoginURL(r.Context(), user, asked.Page)
		}
		switch status := statusOf(err); {
		case err == nil:
			answer(w, http.StatusOK, "url", url)
		case status >= http.StatusInternalServerError:
			slog.ErrorContext(r.Context(), "docs login", "error", err) // LoginURL has no event and no log line
			fallthrough
		case status > 0: // 0: the visitor has gone
			answer(w, status, "error", http.StatusText(status))
		}
	}
}

// statusOf returns the status for an error of the lookup or of LoginURL.
func statusOf(err error) int {
	var rejection *docslogin.LoginError
	switch {
	case errors.Is(err, docslogin.ErrNoUser):
		return http.StatusUnauthorized
	case errors.Is(err, docslogin.ErrForbidden):
		return http.StatusForbidden
	case errors.As(err, &rejection):
		return rejection.Status
	}
	return http.StatusInternalServerError
}

func answer(w http.ResponseWriter, status int, name, value string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{name: value})
}

var (
	//go:embed page.html
	pageHTML     string
	pageTemplate = template.Must(template.New("").Parse(pageHTML))
)

// page is the whole app. Its script decides by the path what to show.
func page(w http.ResponseWriter, _ *http.Request) {
	nonce := rand.Text()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store") // a nonce is for one response
	w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'nonce-"+nonce+"'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'")
	_ = pageTemplate.Execute(w, nonce)
}
