// Command embed is an app with a page that embeds a widget, which needs the bare token, as Metabase's
// embedding does. The page's script fetches the token from the app and sends it to the widget's frame.
// It does so again whenever the widget needs another one.
//
// Until the token expires, anybody who has it can act as the user on the platform, even after a sign-out.
// So never write it into
//
//   - the HTML of a page, which browsers and proxies store;
//   - a URL, which ends up in logs, in the history, and in Referer headers;
//   - localStorage, sessionStorage, or a cookie, where it outlives the page;
//   - a log, such as one that records the bodies of responses.
//
// If the platform's script runs in your own page, it can fetch the token as your script can. In a frame,
// it cannot. token.go has the endpoint, and embed.js is the page's script. fake.go and widget.html are the
// widget.
package main

import (
	_ "embed"
	"html/template"
	"io"
	"log/slog"
	"net/http"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
)

func main() { app.MainOn(serve) }

// newHandler returns the app. In production, widgetURL is an origin such as https://metabase.example.com.
func newHandler(env app.Env, widgetURL string) (http.Handler, error) {
	docs, err := docslogin.New(app.SignedIn, env.Platform, app.SignInPage)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", home(widgetURL))
	mux.HandleFunc("GET /embed.js", script)
	mux.HandleFunc("/docs-token", docsToken(docs, app.SignedIn))
	mux.Handle("/sign-in", app.SignIn(docs.ReturnURL))
	mux.HandleFunc("GET /sign-out", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!doctype html><title>Sign out</title>\n<form method=\"post\"><button>Sign out</button></form>\n")
	})
	mux.HandleFunc("POST /sign-out", func(w http.ResponseWriter, r *http.Request) {
		if err := app.SignOut(w, r); err != nil {
			slog.ErrorContext(r.Context(), "the session cannot be ended", "error", err)
			http.Error(w, "The session cannot be ended.", http.StatusInternalServerError)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther) // a page without the widget
	})
	return docs.Wrap(http.NewCrossOriginProtection().Handler(mux)), nil
}

var (
	//go:embed page.html
	pageHTML     string
	pageTemplate = template.Must(template.New("").Parse(pageHTML))

	//go:embed embed.js
	embedJS []byte
)

// home shows users the page with the widget. The page does not contain the token.
func home(widgetURL string) http.HandlerFunc {
	// Only the app's own script may run in the page, and only the widget may be in a frame.
	policy := "default-src 'none'; script-src 'self'; connect-src 'self'; frame-src " + widgetURL +
		"; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
	return func(w http.ResponseWriter, r *http.Request) {
		user, err := app.SignedIn(r)
		if err != nil {
			app.Home.ServeHTTP(w, r) // a link to the sign-in page
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store") // the page shows who is signed in
		w.Header().Set("Content-Security-Policy", policy)
		_ = pageTemplate.Execute(w, map[string]string{"Email": user.Email, "Widget": widgetURL + "/widget"})
	}
}

func script(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	_, _ = w.Write(embedJS)
}
