package main

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"github.com/docslogin/docslogin/recipes/internal/app"
)

// newProxy stands for oauth2-proxy: it has the sign-in page /oauth2/start, which takes the return
// URL in rd, and tells the app in headers who is signed in. returnURL stands for the proxy's own check
// of the return URL.
func newProxy(appURL, secret string, returnURL func(*http.Request) string) http.Handler {
	target, err := url.Parse(appURL)
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/oauth2/start", app.SignIn(returnURL)) // a form, where the real one has an identity provider
	mux.Handle("/", &httputil.ReverseProxy{
		// Not Director: a client can remove the headers that it sets, by naming them in
		// Connection.
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

// isOwn reports whether only the proxy may send a header, in any spelling: CGI and its like read
// X_Forwarded_Email as X-Forwarded-Email.
func isOwn(name string) bool {
	switch http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-")) {
	case "X-Proxy-Secret", "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Preferred-Username":
		return true
	}
	return false
}
