package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/internal/presets"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
	"github.com/docslogin/docslogin/userinfo"
	"github.com/docslogin/docslogin/webhook"
	"github.com/gorilla/sessions"
)

const docsURL = "https://docs.example.com"

var adaInApp = &docslogin.User{ID: "1", Name: "Ada", Email: "ada@example.com"}

// unsigned is what explain prints about a URL without a key, judged at its iat.
func unsigned(t *testing.T, input string, args ...string) string {
	t.Helper()
	return call(t, input, nil, append([]string{"explain", "-at", atOnce}, args...)...).out
}

// explained is what explain prints about a URL or a token, judged at its iat.
func explained(t *testing.T, input string, args ...string) string {
	t.Helper()
	return withSecret(t, input, append([]string{"explain", "-at", atOnce}, args...)...).out
}

// explainedWith is what explain prints about a login at ReadMe, with another key.
func explainedWith(t *testing.T, key string) string {
	t.Helper()
	return call(t, readMeURL(readMe1), map[string]string{"KEY": key}, "explain", "-key-env", "KEY").out
}

// mintlifyURL is what docslogin url prints for Mintlify docs.
func mintlifyURL(t *testing.T, docs string) string {
	t.Helper()
	made := call(t, "", map[string]string{"KEY": testkit.Ed25519PEM}, "url", "-platform", "mintlify", "-docs", docs, "-key-env", "KEY", "-name", "Ada")
	made.want(t, 0)
	return made.out
}

// checked is what check prints about a platform with a key.
func checked(t *testing.T, platform, key string) string {
	t.Helper()
	return call(t, "", map[string]string{"KEY": key}, "check", "-platform", platform, "-docs", docsURL, "-key-env", "KEY").out
}

// configured is what New returns for a platform.
func configured(p docslogin.Platform) string {
	_, err := docslogin.New(testkit.Nobody, p)
	return fmt.Sprint(err)
}

// adaptiveDocs is the preset for GitBook's adaptive content, with this cookie domain.
func adaptiveDocs(domain string) docslogin.Platform {
	return platforms.GitBookAdaptive(docsURL, domain, secret)
}

// inCookie is a platform that takes the token in a cookie and does not limit its length.
func inCookie(name string) docslogin.Platform {
	p := platforms.ReadMe(docsURL, secret)
	p.DeepLink.Out, p.Carrier = "", docslogin.InCookie(name, "example.com")
	return p
}

// logger returns a logger that writes everything to a buffer.
func logger() (docslogin.Option, *bytes.Buffer) {
	var log bytes.Buffer
	return docslogin.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))), &log
}

// logged is what the login route for ReadMe logs about a request.
func logged(t *testing.T, lookup docslogin.UserLookup, r *http.Request, opts ...docslogin.Option) string {
	t.Helper()
	return loggedFor(t, platforms.ReadMe(docsURL, secret), lookup, r, opts...)
}

// loggedFor is what the login route for any platform logs about a request.
func loggedFor(t *testing.T, p docslogin.Platform, lookup docslogin.UserLookup, r *http.Request, opts ...docslogin.Option) string {
	t.Helper()
	withLogger, log := logger()
	m, err := docslogin.New(lookup, p, append(opts, docslogin.WithSignInPage("/sign-in", "next"), withLogger)...)
	if err != nil {
		t.Fatal(err)
	}
	m.ServeHTTP(httptest.NewRecorder(), r)
	return log.String()
}

// asked is what userinfo logs about a request from a docs page of an origin.
func asked(t *testing.T, origin string) string {
	t.Helper()
	withLogger, log := logger()
	info, err := userinfo.New(testkit.As(adaInApp), platforms.MintlifyInfo(), []string{docsURL}, withLogger)
	if err != nil {
		t.Fatal(err)
	}
	testkit.Get(t, info, "/user-info", "Origin: "+origin)
	return log.String()
}

const scalarSecret = "whsec_" + secret

// loggedByScalarHook returns what the webhook for Scalar logs about a request that is ago old. find returns
// the user.
func loggedByScalarHook(t *testing.T, user *docslogin.User, ago time.Duration, secret string) string {
	t.Helper()
	withLogger, log := logger()
	info, err := webhook.Scalar(scalarSecret, func(context.Context, string) (*docslogin.User, error) { return user, nil }, testkit.AtNoon, withLogger)
	if err != nil {
		t.Fatal(err)
	}
	info.ServeHTTP(httptest.NewRecorder(), docslogintest.NewScalarRequest("/scalar-webhook", adaInApp.Email, testkit.Noon.Add(-ago), secret))
	return log.String()
}

// from returns the request that a docs page makes with a deep link, written as it is.
func from(link string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/docs-login?redirect="+link, nil)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	return r
}

// afterSignIn returns the request after the sign-in page.
func afterSignIn(t *testing.T) *http.Request {
	t.Helper()
	m, err := docslogin.New(testkit.Nobody, platforms.ReadMe(docsURL, secret), docslogin.WithSignInPage("/sign-in", "next"), testkit.Silent)
	if err != nil {
		t.Fatal(err)
	}
	signIn, err := url.Parse(testkit.Sent(t, testkit.Get(t, m, "/docs-login?redirect=/quickstart")))
	if err != nil {
		t.Fatal(err)
	}
	return httptest.NewRequest(http.MethodGet, signIn.Query().Get("next"), nil)
}

// usedTwice is what a test site says when a token arrives again.
func usedTwice(t *testing.T) string {
	t.Helper()
	i := slices.IndexFunc(presets.All(), func(p presets.Preset) bool { return p.Flag == "zendesk" })
	docs := docslogintest.NewZendesk(docslogintest.WithKey(secret))
	defer docs.Close()
	sent := testkit.Sent(t, preset{Preset: presets.All()[i], docs: docs.URL, key: secret}.response(t))
	form := url.Values{"jwt": {testkit.JWT.FindString(sent)}}
	for range 2 {
		resp, err := http.PostForm(docs.URL+"/access/jwt", form)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	rejections := docs.Rejections()
	if len(rejections) != 1 || len(docs.Logins()) != 1 {
		t.Fatalf("%d of two logins are rejected", len(rejections))
	}
	return rejections[0].Error()
}

const sessionKey = "0123456789abcdef0123456789abcdef"

// loadAda is an app's func for a session.
func loadAda(*http.Request, *sessions.Session) (*docslogin.User, error) { return adaInApp, nil }

// withStore is what New returns for a session store.
func withStore(store sessions.Store) string {
	_, err := docslogin.New(docslogin.SessionLookup(store, "session", loadAda), platforms.ReadMe(docsURL, secret))
	return fmt.Sprint(err)
}

// inSession is what the route logs about a visitor who comes from the sign-in page with a session that
// the store saved, if the lookup reads another store.
func inSession(t *testing.T, saves, reads sessions.Store, load ...func(*http.Request, *sessions.Session) (*docslogin.User, error)) string {
	t.Helper()
	r, w := httptest.NewRequest(http.MethodGet, "/sign-in", nil), httptest.NewRecorder()
	session, err := saves.Get(r, "session")
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Save(r, w); err != nil {
		t.Fatal(err)
	}
	visit := afterSignIn(t)
	visit.AddCookie(w.Result().Cookies()[0])
	return logged(t, docslogin.SessionLookup(reads, "session", append(load, loadAda)[0]), visit)
}

// endingAt returns a lookup of a user whose session ends at a time.
func endingAt(end time.Time) docslogin.UserLookup {
	user := *adaInApp
	user.ExpiresAt = end
	return testkit.As(&user)
}

// withBio returns a lookup of a user with a very long attribute.
func withBio(bytes int) docslogin.UserLookup {
	user := *adaInApp
	user.Attributes = map[string]any{"bio": strings.Repeat("x", bytes)}
	return testkit.As(&user)
}

// loggedInByCookie is what the route logs when it sets the cookie. The route cannot see what the browser
// does with the cookie.
func loggedInByCookie(t *testing.T) string {
	t.Helper()
	return loggedFor(t, adaptiveDocs("example.com"), testkit.As(adaInApp), from("/quickstart"))
}

// publicPEM returns a public key in PEM.
func publicPEM(t *testing.T) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(newEd25519(t).Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// registered is the panic of a ServeMux that has a pattern for GET and gets the route for every
// method. It does not panic if the route is registered as documented.
func registered(t *testing.T) (said string) {
	t.Helper()
	docs := docslogin.Must(docslogin.New(testkit.Nobody, platforms.ReadMe(docsURL, secret)))
	mux := http.NewServeMux()
	mux.Handle("GET /", http.NotFoundHandler())
	mux.Handle("GET "+docs.Path(), docs)
	mux = http.NewServeMux()
	mux.Handle("GET /", http.NotFoundHandler())
	defer func() { said = fmt.Sprint(recover()) }()
	mux.Handle(docs.Path(), docs)
	return ""
}

// postedBehindProxy is what the documented sign-in handler says to a form that arrives with the
// host of a proxy, over plain http.
func postedBehindProxy(*testing.T) string {
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8080/sign-in", nil)
	r.Header.Set("Origin", "http://app.example.com")
	w := httptest.NewRecorder()
	http.NewCrossOriginProtection().Handler(http.NotFoundHandler()).ServeHTTP(w, r)
	return w.Body.String()
}

// failedLogin is the error of a login at a test site that has the login URL at a path of an app. The
// app signs with the secret.
func failedLogin(t *testing.T, client *http.Client, path string, lookup docslogin.UserLookup, opts ...docslogintest.Option) string {
	t.Helper()
	docs := docslogintest.NewReadMe(append([]docslogintest.Option{docslogintest.WithKey(secret)}, opts...)...)
	defer docs.Close()
	if path != "" {
		m, err := docslogin.New(lookup, platforms.ReadMe(docs.URL, secret), testkit.Silent)
		if err != nil {
			t.Fatal(err)
		}
		app := httptest.NewServer(m.Wrap(http.NotFoundHandler()))
		defer app.Close()
		docs.SetLoginURL(app.URL + path)
	}
	_, err := docs.Login(client, "/quickstart")
	return fmt.Sprint(err)
}

// failedSignIn is the error of a login of a client that signs in at an app, which sets a cookie. The app
// has a host that no loopback address has.
func failedSignIn(t *testing.T, cookie http.Cookie) string {
	t.Helper()
	docs := docslogintest.NewReadMe()
	defer docs.Close()
	m, err := docslogin.New(testkit.Nobody, docs.Platform(), testkit.Silent)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/account/sign-in", func(w http.ResponseWriter, _ *http.Request) { http.SetCookie(w, &cookie) })
	app := httptest.NewServer(m.Wrap(mux))
	defer app.Close()
	client := docslogintest.NewClient()
	client.Transport = docslogintest.Transport(&http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == "app.example:80" {
			address = app.Listener.Addr().String()
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}})
	docs.SetLoginURL("http://app.example/docs-login")
	resp, err := client.Get("http://app.example/account/sign-in")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	_, err = docs.Login(client, "/quickstart")
	return fmt.Sprint(err)
}

// busy is what docslogin site prints about an address at which another program listens.
func busy(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return stopped(t, nil, "site", "-platform", "readme", "-login", "http://localhost:8080/docs-login", "-listen", l.Addr().String()).errs
}

// forgetful is a store that knows no session.
type forgetful struct{ sessions.Store }

func (s forgetful) Get(*http.Request, string) (*sessions.Session, error) {
	session := sessions.NewSession(s, "session")
	session.IsNew = true
	return session, nil
}

// withUnknownType is the error of a session with a type that gob does not know.
type withUnknownType struct{ sessions.Store }

func (withUnknownType) Get(*http.Request, string) (*sessions.Session, error) {
	return nil, errors.New(`securecookie: error - caused by: gob: name not registered for interface: "main.Profile"`)
}

// situations maps what happens, as in the first column of a table, to what then explains it.
type situations map[string]func(*testing.T) string

// The app does not start.
var startSituations = situations{
	"the session's key is empty": func(*testing.T) string {
		return withStore(sessions.NewCookieStore(nil))
	},
	"the session's encryption key has the wrong length": func(*testing.T) string {
		return withStore(sessions.NewCookieStore([]byte(sessionKey), []byte(sessionKey)[:20]))
	},
	"the docs' URL is the page that takes the token": func(*testing.T) string {
		return configured(platforms.Metabase("https://bi.example.com/auth/sso", secret))
	},
	"the docs' key is from the environment": func(*testing.T) string {
		return configured(platforms.ReadMe(docsURL, ""))
	},
	"the key is from a `.env` file": func(*testing.T) string {
		return configured(platforms.Mintlify(docsURL, strings.Split(testkit.Ed25519PEM, "\n")[0]))
	},
	"the key's newlines became `\\n`": func(t *testing.T) string {
		return checked(t, "mintlify", strings.ReplaceAll(testkit.Ed25519PEM, "\n", `\n`))
	},
	"the key's newlines became `n`, as systemd and `read` leave them": func(t *testing.T) string {
		return checked(t, "mintlify", strings.ReplaceAll(testkit.Ed25519PEM, "\n", "n"))
	},
	"the key is in OpenSSH's format": func(t *testing.T) string { return checked(t, "mintlify", testkit.OpenSSH) },
	"the key has a passphrase":       func(*testing.T) string { return configured(platforms.Mintlify(docsURL, testkit.OpenSSHEncrypted)) },
	"part of the key is missing": func(*testing.T) string {
		lines := strings.Split(testkit.Ed25519PEM, "\n")
		return configured(platforms.Mintlify(docsURL, lines[0]+"\n"+lines[1][:len(lines[1])-22]+"\n"+lines[2]))
	},
	"the key is a JSON Web Key": func(*testing.T) string {
		return configured(platforms.Mintlify(docsURL, `{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`)) // RFC 8037, appendix A.1
	},
	"the key is of the wrong type": func(*testing.T) string {
		return configured(platforms.Mintlify(docsURL, testkit.P256PEM))
	},
	"the secret is from a file": func(*testing.T) string {
		return configured(platforms.ReadMe(docsURL, secret+"\n"))
	},
	"part of the secret is missing: an env file or a shell interpreted `$` or `#` in it": func(*testing.T) string {
		return configured(platforms.ReadMe(docsURL, "kAjMfB"))
	},
	"the secret is a reference to a secret manager": func(*testing.T) string {
		return configured(platforms.ReadMe(docsURL, "arn:aws:secretsmanager:eu-central-1:123456789012:secret:docs-AbCdEf"))
	},
	"the secret is a placeholder that nothing expanded": func(*testing.T) string {
		return configured(platforms.ReadMe(docsURL, "${README_JWT_SECRET}"))
	},
	"the secret is the path of a file": func(*testing.T) string {
		return configured(platforms.ReadMe(docsURL, "/run/secrets/readme"))
	},
	"the secret is a whole line of an env file": func(*testing.T) string {
		return configured(platforms.ReadMe(docsURL, "README_JWT_SECRET="+secret))
	},
	"the secret is JSON from a secret manager": func(*testing.T) string {
		return configured(platforms.ReadMe(docsURL, `{"README_JWT_SECRET":"`+secret+`"}`))
	},
	"the secret was copied while the dashboard hid it": func(*testing.T) string {
		return configured(platforms.ReadMe(docsURL, "••••••••••••••••••••"))
	},
	"the secret was copied from a chat or a document": func(*testing.T) string {
		return configured(platforms.ReadMe(docsURL, "\u200b"+secret))
	},
	"Scalar's secret has lost its prefix": func(*testing.T) string {
		_, err := webhook.Scalar(secret, func(context.Context, string) (*docslogin.User, error) { return adaInApp, nil })
		return fmt.Sprint(err)
	},
	"the URL and the secret are swapped": func(*testing.T) string {
		return configured(platforms.ReadMe(secret, docsURL))
	},
	"the key is the public one": func(t *testing.T) string {
		return configured(platforms.Mintlify(docsURL, publicPEM(t)))
	},
	"the docs' URL has no scheme": func(*testing.T) string {
		return configured(platforms.ReadMe("docs.example.com", secret))
	},
	"the docs' URL is plain http": func(*testing.T) string {
		return configured(platforms.ReadMe("http://docs.example.com", secret))
	},
	"the token's cookie would not reach the docs": func(*testing.T) string {
		return configured(adaptiveDocs("example.org"))
	},
	"Pylon's issuer has no slash at its end": func(*testing.T) string {
		return configured(platforms.Pylon(docsURL, "acme", "https://app.example.com", secret))
	},
	"the app could not set the token's cookie": func(*testing.T) string {
		_, err := docslogin.New(testkit.Nobody, adaptiveDocs("example.com"), docslogin.WithExternalURL("https://app.example.org"))
		return fmt.Sprint(err)
	},
	"the domain of the token's cookie is a URL": func(*testing.T) string {
		return configured(adaptiveDocs("https://example.com"))
	},
	"the name of the token's cookie is not valid": func(*testing.T) string {
		return configured(inCookie("visitor token"))
	},
	"the token is in a cookie, and the platform has a callback": func(*testing.T) string {
		p := platforms.Fern(docsURL, secret)
		p.Carrier = docslogin.InCookie("fern_token", "example.com")
		return configured(p)
	},
	"`ServeMux` panics when the route is registered": registered,
}

// The login stops in the app.
var appSituations = situations{
	"a 404 from your app, and no line in the log": func(t *testing.T) string {
		return checked(t, "readme", secret)
	},
	"a page of your single-page app, and no line in the log": func(t *testing.T) string {
		return checked(t, "readme", secret)
	},
	"after the sign-in, readers stay in your app": func(t *testing.T) string {
		return logged(t, testkit.Nobody, from("/quickstart"))
	},
	"after the sign-in the browser stays on the form, and its console names `form-action`": func(t *testing.T) string {
		return logged(t, testkit.As(adaInApp), afterSignIn(t)) // the app sees nothing wrong; e2e has the browser's side
	},
	"405 after signing in": func(t *testing.T) string {
		return logged(t, testkit.As(adaInApp), httptest.NewRequest(http.MethodPost, "/docs-login", nil))
	},
	"a link checker or a monitor reports 405": func(t *testing.T) string {
		return logged(t, testkit.As(adaInApp), httptest.NewRequest(http.MethodHead, "/docs-login", nil))
	},
	"the sign-in form's POST ends with a 403": postedBehindProxy,
	"after the sign-in, a 404 or the wrong docs: the login URL has a query, such as `?site=a`": func(t *testing.T) string {
		return logged(t, testkit.Nobody, httptest.NewRequest(http.MethodGet, "/docs-login?site=a&redirect=/quickstart", nil))
	},
	"nothing but a 403: the page frames the route": func(t *testing.T) string {
		return logged(t, testkit.As(adaInApp), from("/quickstart", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"))
	},
	"nothing but a 403: the page fetches the route, as htmx and Turbo do": func(t *testing.T) string {
		return logged(t, testkit.As(adaInApp), from("/quickstart", "Sec-Fetch-Mode: cors"))
	},
	"nothing but a 403 since the app has a service worker": func(t *testing.T) string {
		return logged(t, testkit.As(adaInApp), from("/quickstart", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", "Sec-Fetch-Site: same-origin"))
	},
	"a 403 in the developer tools, and the login works": func(t *testing.T) string {
		return logged(t, testkit.As(adaInApp), from("/quickstart", "Sec-Purpose: prefetch"))
	},
	"a 403 page: your app does not let the user read the docs": func(t *testing.T) string {
		return logged(t, testkit.Failing(docslogin.ErrForbidden), from("/quickstart"))
	},
	"a 403 page: something is missing in the user's account": func(t *testing.T) string {
		return logged(t, testkit.As(&docslogin.User{ID: "1", Name: "Ada"}), from("/quickstart"))
	},
	"a 403 page: the lookup sets only the user's ID": func(t *testing.T) string {
		return logged(t, testkit.As(&docslogin.User{ID: "1"}), from("/quickstart"))
	},
	"a 500 page for everybody: a session contains one of your own types": func(t *testing.T) string {
		return logged(t, docslogin.SessionLookup(withUnknownType{}, "session", loadAda), from("/quickstart"))
	},
	"a 500 page for visitors who are not signed in": func(t *testing.T) string {
		return logged(t, testkit.Failing(http.ErrNoCookie), from("/quickstart"))
	},
	"a 500 page, and the lookup returns no error": func(t *testing.T) string {
		return logged(t, testkit.Failing((*url.Error)(nil)), from("/quickstart"))
	},
	"a 500 page: scs has no session": func(t *testing.T) string { // recipes/sessions/scs has the package itself
		return logged(t, func(*http.Request) (*docslogin.User, error) { panic("scs: no session data in context") }, from("/quickstart"))
	},
	"a 403 page: the lookup returned a user without an ID, a name, or an e-mail address": func(t *testing.T) string {
		return logged(t, testkit.As(&docslogin.User{}), from("/quickstart"))
	},
	"a 500 page: the session store or the database is down": func(t *testing.T) string {
		return logged(t, testkit.Failing(errors.New("connection refused")), from("/quickstart"))
	},
	"a 500 page since a mapper was added": func(t *testing.T) string {
		return logged(t, testkit.As(adaInApp), from("/quickstart"), docslogin.WithClaimsMapper(
			func(_ context.Context, _ *docslogin.User, claims docslogin.Claims) error {
				claims["exp"] = 1
				return nil
			}))
	},
	"a 500 page for users with a certain attribute": func(t *testing.T) string {
		user := *adaInApp
		user.Attributes = map[string]any{"isAdmin": true}
		return logged(t, testkit.As(&user), from("/quickstart"))
	},
	"a 500 page: too much is known of the user": func(t *testing.T) string {
		return logged(t, withBio(8000), from("/quickstart"))
	},
	"a 500 page: the token is too long for the platform's cookie": func(t *testing.T) string {
		return loggedFor(t, adaptiveDocs("example.com"), withBio(4000), from("/quickstart"))
	},
	"a 500 page: the cookie is too long for browsers": func(t *testing.T) string {
		return loggedFor(t, inCookie("token"), withBio(4000), from("/quickstart"))
	},
	"`SetCookie` sets no cookie": func(*testing.T) string {
		docs := docslogin.Must(docslogin.New(testkit.Nobody, platforms.GitBook(docsURL, secret)))
		return fmt.Sprint(docs.SetCookie(context.Background(), httptest.NewRecorder(), adaInApp))
	},
	"502 from nginx": func(t *testing.T) string {
		return logged(t, withBio(3000), from("/quickstart"))
	},
}

// Nobody is signed in.
var signedOutSituations = situations{
	"a page says \"Signing in did not work\": the cookie is missing": func(t *testing.T) string {
		return logged(t, docslogin.SessionLookup(sessions.NewCookieStore([]byte(sessionKey)), "session", loadAda), afterSignIn(t))
	},
	"that page: the session was saved with another key": func(t *testing.T) string {
		return inSession(t, sessions.NewCookieStore([]byte("the key before the last start")), sessions.NewCookieStore([]byte(sessionKey)))
	},
	"that page: the browser has two cookies of this name": func(t *testing.T) string {
		visit := afterSignIn(t)
		visit.Header.Set("Cookie", "session=old; session=new")
		return logged(t, docslogin.SessionLookup(sessions.NewCookieStore([]byte(sessionKey)), "session", loadAda), visit)
	},
	"that page: the session has expired": func(t *testing.T) string {
		expired := sessions.NewCookieStore([]byte(sessionKey))
		expired.MaxAge(-1)
		return inSession(t, sessions.NewCookieStore([]byte(sessionKey)), expired)
	},
	"that page: the store does not know the session": func(t *testing.T) string {
		return inSession(t, sessions.NewCookieStore([]byte(sessionKey)), forgetful{})
	},
	"that page: the session has ended": func(t *testing.T) string {
		return logged(t, endingAt(time.Now().Add(-7*time.Hour)), afterSignIn(t))
	},
	"that page: the session ended decades ago": func(t *testing.T) string {
		return logged(t, endingAt(time.UnixMilli(time.Now().Unix())), afterSignIn(t))
	},
	"that page: the session has no user": func(t *testing.T) string {
		store := sessions.NewCookieStore([]byte(sessionKey))
		return inSession(t, store, store, func(*http.Request, *sessions.Session) (*docslogin.User, error) { return nil, docslogin.ErrNoUser })
	},
	"that page: your own lookup finds nobody": func(t *testing.T) string {
		return logged(t, testkit.Nobody, afterSignIn(t))
	},
	"visitors from the docs have to sign in again": func(t *testing.T) string {
		return logged(t, testkit.Nobody, from("/quickstart"))
	},
}

// The docs reject the token.
var rejectedSituations = situations{
	"always: the key is of another project or environment": func(t *testing.T) string {
		return explainedWith(t, "the secret of the staging docs")
	},
	"Mintlify: `DocsURL` is not what readers see": func(t *testing.T) string {
		return unsigned(t, mintlifyURL(t, "https://acme.mintlify.app"), "-docs", docsURL)
	},
	"Fern: another issuer was agreed upon": func(t *testing.T) string {
		return explained(t, docsURL+"/api/fern-docs/auth/jwt/callback?fern_token="+token(`"iss":"acme","exp":1700003600,"iat":1700000000`))
	},
	"now and then, or from one server": func(t *testing.T) string {
		return unsigned(t, docsURL+"/login/jwt-callback#"+token(`"host":"docs.example.com","exp":1699999988,"iat":1699999978`))
	},
	"Zendesk: it says that `iat` is off": func(t *testing.T) string {
		return explained(t, token(`"jti":"1","name":"Ada","email":"ada@example.com","iat":1700000240`), "-platform", "zendesk")
	},
	"`iat` is off by whole hours": func(t *testing.T) string {
		return explained(t, token(`"jti":"1","name":"Ada","email":"ada@example.com","iat":1700007200`), "-platform", "zendesk")
	},
	"this machine's clock is off by whole hours": func(t *testing.T) string {
		return call(t, "", map[string]string{"KEY": secret}, "check", "-platform", "readme", "-docs", docsURL, "-key-env", "KEY", "-clock", server(t, 2*time.Hour, nil)).out
	},
	"Zendesk: the form is sent a second time": usedTwice,
	"GitBook adaptive: another program sets the cookie, too": func(t *testing.T) string {
		return explained(t, "Cookie: "+pair1+"; gitbook-visitor-token="+another)
	},
}

// A tool changed the secret on its way from the dashboard to the app.
var secretSituations = situations{
	"`$7KJ` is missing: it looked like a variable":                changedSecret(func(s string) string { return strings.ReplaceAll(s, "$7KJ", "") }),
	"everything from `#` on is missing: it looked like a comment": changedSecret(func(s string) string { return strings.Split(s, "#")[0] }),
	"each `$` is doubled":                                    changedSecret(func(s string) string { return strings.ReplaceAll(s, "$", "$$") }),
	"a backslash is missing":                                 changedSecret(func(s string) string { return strings.ReplaceAll(s, `\`, "") }),
	"a backslash was added":                                  changedSecret(func(s string) string { return strings.ReplaceAll(s, `\`, `\\`) }),
	"it is percent-encoded":                                  changedSecret(url.QueryEscape),
	"a `+` became a space":                                   changedSecret(func(s string) string { return strings.ReplaceAll(s, "+", " ") }),
	"the last `=` is missing":                                changedSecret(func(s string) string { return strings.TrimSuffix(s, "=") }),
	"it is encoded in base64 once too often":                 changedSecret(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }),
	"it has a line break at its end":                         changedSecret(func(s string) string { return s + "\n" }),
	"it is empty, in a program that accepts an empty secret": changedSecret(func(string) string { return "" }),
}

// changedSecret is what explain, with the dashboard's secret, prints about a token that was signed with a
// changed one.
func changedSecret(change func(string) string) func(*testing.T) string {
	return func(t *testing.T) string {
		const dashboard = `kAjMfB-Qdq$7KJ!HbFO3o9V\i?acr+xnI#eDl=`
		signed := signedWith(change(dashboard), `{"alg":"HS256","typ":"JWT"}`, "{"+readMe1+"}")
		return call(t, docsURL+"?auth_token="+signed, map[string]string{"KEY": dashboard}, "explain", "-key-env", "KEY").out
	}
}

// What was pasted has no token.
var pastedSituations = situations{
	"you pasted the app's own login URL": func(t *testing.T) string {
		return call(t, "https://app.example.com/docs-login?redirect=/quickstart", nil, "explain").errs
	},
	"you pasted the URL of the sign-in page": func(t *testing.T) string {
		return call(t, "https://app.example.com/sign-in?next=%2Fdocs-login%3Fdocslogin_sent%3D1700000000%26redirect%3D%252Fquickstart", nil, "explain").errs
	},
	"you pasted the docs page to which the route redirects, but a cookie carries the token": func(t *testing.T) string {
		return call(t, docsURL+"/quickstart", nil, "explain", "-platform", "gitbook-adaptive").errs
	},
	"you pasted the session cookie": func(t *testing.T) string {
		return call(t, "MTcwMDAwMDAwMHxEdi1CQkFFQ180SUFBUkFCRUFBQU12LUNBQUVHYzNSeWFXNW5EQVlBQkc1aGJXVUdjM1J5YVc1bkRBVUFBMkZrWVE9PXz6UrYyNq8uE8vJ0G8h", nil, "explain", "-platform", "readme").errs
	},
	"you pasted two logins": func(t *testing.T) string {
		return call(t, readMeURL(readMe1)+"\n"+readMeURL(readMe1+`,"plan":"pro"`), nil, "explain").errs
	},
	"the token is encrypted": func(t *testing.T) string {
		jwe := strings.Join([]string{base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"dir","enc":"A256GCM"}`)), "", "48V1_ALb6US04U3b", "5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6ji", "XFBoMYUZodetZdvTiFvSkQ"}, ".")
		return call(t, jwe, nil, "explain", "-platform", "readme").out
	},
}

// Readers are logged in, and something is wrong.
var readerSituations = situations{
	"they land on the docs' home: the link was encoded twice": func(t *testing.T) string {
		return logged(t, testkit.As(adaInApp), from("%252Fquickstart"))
	},
	"they land on the right page without all of its query": func(t *testing.T) string {
		return logged(t, testkit.As(adaInApp), from("/events?city=oslo&page=2"))
	},
	"they land on the docs' home: the link is to other docs": func(t *testing.T) string {
		return logged(t, testkit.As(adaInApp), from("https://docs.example.org/quickstart"))
	},
	"they are logged in to the wrong docs: the login URL has a query, to which the platform adds its own with a second `?`": func(t *testing.T) string {
		return logged(t, testkit.As(adaInApp), httptest.NewRequest(http.MethodGet, "/docs-login?tenant=a?redirect=/quickstart", nil))
	},
	"the docs do not know them: the browser drops the token's cookie":                                              loggedInByCookie,
	"the docs do not know them, or take them for somebody else: the browser sends two cookies of the token's name": loggedInByCookie,
	"too many redirects": func(t *testing.T) string {
		return logged(t, testkit.As(adaInApp), from("/quickstart"))
	},
	"they are logged out of the docs too soon: the token is the docs session, and expires after seconds": func(t *testing.T) string {
		return explained(t, docsURL+"?jwt_token="+token(`"exp":1700000010,"iat":1700000000`))
	},
	"public docs do not know them: the app sets the cookie itself, without `SetCookie`": func(t *testing.T) string {
		return explained(t, "Set-Cookie: "+pair1+"; Path=/; Secure; HttpOnly; SameSite=Lax")
	},
	"public docs do not know them, and the console names CORS or a 403 (package `userinfo`)": func(t *testing.T) string {
		return asked(t, "https://docs.example.org")
	},
}

// The docs show wrong values.
var valueSituations = situations{
	"the samples show no API key: a name is wrong": func(t *testing.T) string {
		return explained(t, readMeURL(readMe1+`,"api_key":"12345"`))
	},
	"ReadMe's code blocks show no API key: there are several": func(t *testing.T) string {
		return explained(t, readMeURL(readMe1+`,"keys":[{"name":"a","apiKey":"1"},{"name":"b","apiKey":"2"}]`))
	},
	"Mintlify or Fern shows no API key: the name of its header is invalid": func(t *testing.T) string {
		return unsigned(t, docsURL+"/login/jwt-callback#"+token(`"apiPlaygroundInputs":{"header":{"X-Api-Key:":"k"}},"exp":1700000010,"iat":1700000000`))
	},
	"a 500 page: an API key's `Header` is not a valid header name": func(t *testing.T) string {
		user := *adaInApp
		user.APIKeys = []docslogin.APIKey{{Header: "X-Api-Key: k", Key: "k"}}
		return loggedFor(t, platforms.Fern(docsURL, secret), testkit.As(&user), from("/quickstart"))
	},
	"a 500 page: an attribute's value has no useful JSON": func(t *testing.T) string {
		user := *adaInApp
		user.Attributes = map[string]any{"trial": 14 * 24 * time.Hour}
		return strings.ReplaceAll(logged(t, testkit.As(&user), from("/quickstart")), `\"`, `"`)
	},
	"Mintlify hides the pages of a group": func(t *testing.T) string {
		return unsigned(t, mintlifyURL(t, docsURL))
	},
	"Scalar does not personalize the docs: a group breaks one of [Scalar's rules](webhooks.md#what-scalar-ignores)": func(t *testing.T) string {
		user := *adaInApp
		user.Groups = []string{"beta", "Beta Testers"}
		return loggedByScalarHook(t, &user, 0, scalarSecret)
	},
	"ReadMe or Scalar does not personalize the docs: the clock is wrong": func(t *testing.T) string {
		return loggedByScalarHook(t, adaInApp, 6*time.Minute, scalarSecret)
	},
	"ReadMe or Scalar does not personalize the docs: the webhook has another secret": func(t *testing.T) string {
		return loggedByScalarHook(t, adaInApp, 0, "whsec_of other docs")
	},
	"GitBook's pages do not see the groups": func(t *testing.T) string {
		return explained(t, docsURL+"?jwt_token="+token(`"groups":["beta"],"exp":1700003600,"iat":1700000000`))
	},
}

// Other code made the token.
var otherCodeSituations = situations{
	"rejected: the algorithm is wrong": func(t *testing.T) string {
		return unsigned(t, docsURL+"/login/jwt-callback#"+hs256(`{"alg":"ES256","typ":"JWT"}`, "{"+readMe1+"}"))
	},
	"rejected: the secret was decoded from base64": func(t *testing.T) string {
		return explainedWith(t, "aHVudGVyMi1odW50ZXIyLXNlY3JldA==")
	},
	"Pylon rejects it: the issuer is not the one in its settings": func(t *testing.T) string {
		return explained(t, hs256(`{"alg":"HS256","typ":"JWT"}`, `{"email":"ada@example.com","aud":"https://portal.usepylon.com","iss":"https://app.example.com","iat":1700000000,"exp":1700000300}`), "-platform", "pylon")
	},
	"Kayako sends the browser back to the login URL again and again": func(t *testing.T) string {
		return explained(t, hs256(`{"alg":"HS256","typ":"JWT"}`, `{"name":"Ada","email":"ada@example.com","iat":1700000000}`), "-platform", "kayako")
	},
	"Zendesk says that the signature is invalid, and the secret is right": func(t *testing.T) string {
		return explained(t, hs256(`{"alg":"HS256"}`, `{"jti":"1","name":"Ada","email":"ada@example.com","iat":1700000000}`), "-platform", "zendesk")
	},
	"Mintlify has rejected it since March 2026": func(t *testing.T) string {
		return unsigned(t, docsURL+"/login/jwt-callback#"+token(`"exp":1700000010,"iat":1700000000`))
	},
	"it ends in the year 50,000": func(t *testing.T) string {
		return explained(t, readMeURL(readMe1+`,"exp":1700000300000`))
	},
	"ReadMe's pages break": func(t *testing.T) string {
		return explained(t, readMeURL(`"name":"Ada","email":"ada@example.com","iat":1700000000`))
	},
	"readers land on the docs' home: the link is encoded twice": func(t *testing.T) string {
		return explained(t, readMeURL(readMe1)+"&redirect=%252Fquickstart")
	},
	"readers land on another page: the link is not encoded": func(t *testing.T) string {
		return explained(t, readMeURL(readMe1)+"&redirect=/reference?lang=go&version=2")
	},
}

// A test does not log in.
var testSituations = situations{
	"the test site does not know the app": func(t *testing.T) string {
		return failedLogin(t, docslogintest.NewClient(), "", nil)
	},
	"the client is `http.DefaultClient`": func(t *testing.T) string {
		return failedLogin(t, http.DefaultClient, "/docs-login", testkit.As(adaInApp))
	},
	"the client is not signed in at the app": func(t *testing.T) string {
		return failedLogin(t, docslogintest.NewClient(), "/docs-login", testkit.Nobody)
	},
	"the login URL leads to another path": func(t *testing.T) string {
		return failedLogin(t, docslogintest.NewClient(), "/docs", testkit.As(adaInApp))
	},
	"the lookup fails": func(t *testing.T) string {
		return failedLogin(t, docslogintest.NewClient(), "/docs-login", testkit.Failing(errors.New("connection refused")))
	},
	"the app's session cookie is `Secure`, and the test server is plain http": func(t *testing.T) string {
		return failedSignIn(t, http.Cookie{Name: "session", Value: "x", Path: "/", Secure: true})
	},
	"the app's session cookie is for another path": func(t *testing.T) string {
		return failedSignIn(t, http.Cookie{Name: "session", Value: "x", Path: "/account"})
	},
	"the app is an `httptest.NewTLSServer`": func(t *testing.T) string {
		app := httptest.NewTLSServer(http.NotFoundHandler())
		app.Config.ErrorLog = log.New(io.Discard, "", 0)
		defer app.Close()
		docs := docslogintest.NewReadMe()
		defer docs.Close()
		docs.SetLoginURL(app.URL + "/docs-login")
		_, err := docs.Login(docslogintest.NewClient(), "/quickstart")
		return fmt.Sprint(err)
	},
	"the client does not follow redirects": func(t *testing.T) string {
		client := docslogintest.NewClient()
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		return failedLogin(t, client, "/docs-login", testkit.As(adaInApp))
	},
	"the app has the Platform of another test site": func(t *testing.T) string {
		other, docs := docslogintest.NewReadMe(), docslogintest.NewReadMe()
		defer other.Close()
		defer docs.Close()
		m, err := docslogin.New(testkit.As(adaInApp), other.Platform(), testkit.Silent)
		if err != nil {
			t.Fatal(err)
		}
		app := httptest.NewServer(m)
		defer app.Close()
		docs.SetLoginURL(app.URL)
		_, err = docs.Login(docslogintest.NewClient(), "/quickstart")
		return fmt.Sprint(err)
	},
	"another program listens at the address": busy,
	"app and test site have different keys": func(t *testing.T) string {
		return failedLogin(t, docslogintest.NewClient(), "/docs-login", testkit.As(adaInApp), docslogintest.WithKey("the secret of other docs"))
	},
}

const situationsHeader = "| what happens | message | what to do |\n"

// TestTroubleshooting asserts that the tables of situations in the documentation quote what is
// logged, printed, or returned in each of them.
func TestTroubleshooting(t *testing.T) {
	untested := situations{}
	for _, table := range []situations{
		startSituations, appSituations, signedOutSituations, rejectedSituations, secretSituations, pastedSituations, readerSituations, valueSituations, otherCodeSituations, testSituations,
	} {
		maps.Copy(untested, table)
	}
	for _, row := range situationRows(documentation(t)) {
		cells := strings.Split(strings.Trim(row, "| \n"), " | ")
		if len(cells) != 3 || untested[cells[0]] == nil {
			t.Errorf("not tested: %s", row)
			continue
		}
		t.Run(cells[0], func(t *testing.T) { wantQuotes(t, untested[cells[0]](t), cells[1]) })
		delete(untested, cells[0])
	}
	for happens := range untested {
		t.Errorf("not in the documentation: %s", happens)
	}
}

// situationRows returns the rows of all tables of situations.
func situationRows(text string) (rows []string) {
	for _, table := range strings.Split(text, situationsHeader)[1:] {
		for row := range strings.Lines(table) {
			if !strings.HasPrefix(row, "|") {
				break
			}
			if !strings.HasPrefix(row, "|---") {
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// wantQuotes asserts that said contains everything that the cell of a table quotes.
func wantQuotes(t *testing.T, said, cell string) {
	t.Helper()
	quotes := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1)
	if len(quotes) == 0 {
		t.Error("nothing is quoted")
	}
	for _, quote := range quotes {
		if !strings.Contains(said, quote[1]) {
			t.Errorf("the documentation has %q, but the message is\n%s", quote[1], said)
		}
	}
}
