package main

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"github.com/docslogin/docslogin/recipes/internal/app"
)

// newProxy is what oauth2-proxy is to the app: it has the sign-in page /oauth2/start, which
// takes the way back in rd, and says to the app in headers who is signed in.
func newProxy(appURL, secret string) http.Handler {
	target, err := url.Parse(appURL)
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/oauth2/start", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			r.URL.RawQuery = url.Values{"next": {r.URL.Query().Get("rd")}}.Encode()
		}
		app.SignIn.ServeHTTP(w, r) // a form, where the real one has an identity provider
	})
	mux.Handle("/", &httputil.ReverseProxy{
		// Not Director: headers that it sets can be taken away by a client that names them
		// in its header Connection.
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			for name := range r.Out.Header {
				if isOwn(name) {
					delete(r.Out.Header, name)
				}
			}
			r.Out.Header.Set("X-Proxy-Secret", secret)
			if user, err := app.SignedIn(r.In); err == nil {
				r.Out.Header.Set("X-Forwarded-User", user.ID)
				r.Out.Header.Set("X-Forwarded-Email", user.Email)
				r.Out.Header.Set("X-Forwarded-Preferred-Username", strings.Split(user.Email, "@")[0])
			}
		},
	})
	return mux
}

// isOwn reports whether a header is one that only the proxy may send, in any spelling: CGI,
// and what is built like it, takes X_Forwarded_Email for X-Forwarded-Email.
func isOwn(name string) bool {
	switch http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-")) {
	case "X-Proxy-Secret", "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Preferred-Username":
		return true
	}
	return false
}
