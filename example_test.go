package docslogin_test

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"
	"github.com/gorilla/sessions"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
)

// currentUser stands for what an app already has: it knows who sent a request.
func currentUser(r *http.Request) (*docslogin.User, error) {
	cookie, err := r.Cookie("session")
	if err != nil {
		return nil, docslogin.ErrNoUser
	}
	return &docslogin.User{ID: "42", Name: cookie.Value, Email: strings.ToLower(cookie.Value) + "@example.com"}, nil
}

// visit opens a path of the app as Ada, who is signed in, and returns where she is sent.
func visit(app http.Handler, path string) string {
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", path, nil)
	r.AddCookie(&http.Cookie{Name: "session", Value: "Ada"})
	app.ServeHTTP(w, r)
	return strings.TrimSpace(fmt.Sprint(w.Code, " ", masked(w.Header().Get("Location")))) + "\n"
}

// masked returns a URL with TOKEN in place of its token.
func masked(url string) string { return testkit.Masked(url) }

// Wrap the app's handler once. Users arrive signed in at the docs page that they asked for.
func Example() {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "the app") })

	docs, err := docslogin.New(currentUser, platforms.ReadMe("https://docs.example.com", "the project's JWT secret"))
	if err != nil {
		log.Fatal(err)
	}
	app := docs.Wrap(mux) // http.ListenAndServe(":8080", docs.Wrap(mux))

	fmt.Print(visit(app, "/docs-login?redirect=/docs/quickstart"))
	fmt.Print(visit(app, "/"))
	// Output:
	// 302 https://docs.example.com?auth_token=TOKEN&redirect=%2Fdocs%2Fquickstart
	// 200
}

// The app's gorilla session says who is signed in. The func is called only for sessions that
// exist. A visitor without one goes to the sign-in page and comes back.
func ExampleSessionLookup() {
	store := sessions.NewCookieStore([]byte(os.Getenv("SESSION_KEY"))) // 32 random bytes or more
	store.Options = &sessions.Options{
		Path: "/", HttpOnly: true, Secure: true,
		SameSite: http.SameSiteLaxMode, // with Strict, everybody who comes from the docs looks signed out
	}

	lookup := docslogin.SessionLookup(store, "app-session", func(r *http.Request, s *sessions.Session) (*docslogin.User, error) {
		email, ok := s.Values["email"].(string)
		if !ok {
			return nil, docslogin.ErrNoUser // a session, but nobody is signed in
		}
		return &docslogin.User{ID: email, Email: email}, nil
	})

	docs, err := docslogin.New(lookup, platforms.ReadMe("https://docs.example.com", "the project's JWT secret"),
		docslogin.WithSignInPage("/sign-in", "next"),
		docslogin.WithClock(func() time.Time { return time.Unix(1700000000, 0) })) // for the output below
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?redirect=/docs/quickstart"))
	// Output:
	// 302 /sign-in?next=%2Fdocs-login%3Fdocslogin_sent%3D1700000000%26redirect%3D%252Fdocs%252Fquickstart
}

// This is a complete sign-in page with gorilla sessions. Its form posts to the page's own URL, which
// has the return URL in its query. The handler begins a new session and redirects to the return URL. It
// rejects forms from other sites, and large forms.
func ExampleMiddleware_ReturnURL() {
	store := sessions.NewCookieStore([]byte(os.Getenv("SESSION_KEY"))) // 32 random bytes or more
	store.Options = &sessions.Options{Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode}
	docs := docslogin.Must(docslogin.New(currentUser, platforms.ReadMe("https://docs.example.com", "the project's JWT secret"),
		docslogin.WithSignInPage("/sign-in", "next")))

	mux := http.NewServeMux()
	mux.HandleFunc("GET /sign-in", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `<!doctype html><title>Sign in</title>
<form method="post"><input name="email"> <input name="password" type="password"> <button>Sign in</button></form>`)
	})
	signIn := func(w http.ResponseWriter, r *http.Request) {
		email := r.PostFormValue("email")
		if email == "" { // … or if the password is wrong
			http.Error(w, "Please try again.", http.StatusBadRequest)
			return
		}
		session, _ := store.Get(r, "session")
		session.ID, session.IsNew = "", true         // a new ID, because somebody else may know the old one
		session.Values = map[any]any{"email": email} // without the previous user's values
		if err := session.Save(r, w); err != nil {
			log.Print(err)
			http.Error(w, "Please try again.", http.StatusInternalServerError)
			return
		}
		http.Redirect(w, r, docs.ReturnURL(r), http.StatusSeeOther)
	}
	page := http.MaxBytesHandler(http.HandlerFunc(signIn), 1<<16)
	mux.Handle("POST /sign-in", http.NewCrossOriginProtection().Handler(page))

	form := "email=ada@example.com"
	fmt.Println(postSignIn(docs.Wrap(mux), store, "same-origin", "/docs-login?redirect=%2Fquickstart", form))
	fmt.Println(postSignIn(docs.Wrap(mux), store, "same-origin", "//evil.example", form))
	fmt.Println(postSignIn(docs.Wrap(mux), store, "cross-site", "/", form))
	fmt.Println(postSignIn(docs.Wrap(mux), store, "same-origin", "/", form+strings.Repeat("&", 1<<16)))
	// Output:
	// 303 /docs-login?redirect=%2Fquickstart map[email:ada@example.com]
	// 303 / map[email:ada@example.com]
	// 403  map[cart:3 books]
	// 400  map[cart:3 books]
}

// postSignIn posts a form to the sign-in page, with the session of an earlier user. It returns the
// status, the Location, and the values of the session afterwards.
func postSignIn(app http.Handler, store sessions.Store, site, next, form string) (status int, location string, values map[any]any) {
	r := httptest.NewRequest("POST", "/sign-in?"+url.Values{"next": {next}}.Encode(), strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", site)
	earlier := httptest.NewRecorder()
	session, _ := store.New(httptest.NewRequest("GET", "/", nil), "session")
	session.Values["cart"] = "3 books"
	_ = session.Save(r, earlier)
	w := httptest.NewRecorder()
	for _, cookie := range earlier.Result().Cookies() {
		r.AddCookie(cookie)
	}
	app.ServeHTTP(w, r)
	after := httptest.NewRequest("GET", "/", nil)
	for _, cookie := range append(w.Result().Cookies(), r.Cookies()...) { // gorilla reads the first one
		after.AddCookie(cookie)
	}
	session, _ = store.Get(after, "session")
	return w.Code, w.Header().Get("Location"), session.Values
}

// Another page of the app, such as an error page, can link back to the docs page that the visitor
// came from. PageURL does not log the visitor in.
func ExampleMiddleware_PageURL() {
	docs := docslogin.Must(docslogin.New(currentUser, platforms.ReadMe("https://docs.example.com", "the project's JWT secret")))

	r := httptest.NewRequest("GET", "/docs-login?redirect=/docs/quickstart", nil)
	fmt.Println(docs.PageURL(r))
	// Output:
	// https://docs.example.com/docs/quickstart
}

// A mapper adds to what the docs learn of a user. This one gives the app's staff a privilege,
// which an attribute of a user cannot do.
func ExampleWithClaimsMapper() {
	staff := func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
		claims["isAdmin"] = strings.HasSuffix(user.Email, "@example.com")
		claims.Object("parameters")["region"] = "eu"
		return nil
	}

	site := docslogintest.NewReadMe() // a test site
	defer site.Close()
	docs, err := docslogin.New(currentUser, site.Platform(), docslogin.WithClaimsMapper(staff))
	if err != nil {
		log.Fatal(err)
	}
	claims := accepted(site, docs)
	fmt.Println(claims["isAdmin"], claims["parameters"])
	// Output:
	// true map[region:eu]
}

// accepted logs Ada in at a test site and returns the claims that the site accepted.
func accepted(site *docslogintest.Site, docs *docslogin.Middleware) map[string]any {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.AddCookie(&http.Cookie{Name: "session", Value: "Ada"})
		docs.ServeHTTP(w, r)
	}))
	defer app.Close()
	site.SetLoginURL(app.URL + docs.Path())
	login, err := site.Login(docslogintest.NewClient(), "/quickstart")
	if err != nil {
		log.Fatal(err)
	}
	return login.Claims
}

// A platform without a preset is written with the same fields as the presets.
func ExamplePlatform() {
	platform := docslogin.Platform{
		Name:      "handbook",
		DocsURL:   "https://handbook.example.com",
		Callback:  "/sso",
		Algorithm: jose.HS256,
		Key:       docslogin.Secret(os.Getenv("HANDBOOK_SECRET")),
		Carrier:   docslogin.InQuery("jwt"),
		DeepLink:  docslogin.DeepLink{In: "return_to", Out: "return_to", Form: docslogin.AsURL},
		Lifetime:  docslogin.Lifetime{Token: time.Minute},
		Static:    docslogin.Claims{"iss": "https://app.example.com"},
		Required:  []string{"sub"},
		Mapper: func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
			claims["sub"] = user.Email
			return nil
		},
	}

	docs, err := docslogin.New(currentUser, platform)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?return_to=/chapter/1"))
	// Output:
	// 302 https://handbook.example.com/sso?jwt=TOKEN&return_to=https%3A%2F%2Fhandbook.example.com%2Fchapter%2F1
}

// This API takes the key in a header of its own. Each preset sends a key in the form that its docs fill in.
func ExampleAPIKey() {
	user := &docslogin.User{Name: "Ada", Email: "ada@example.com", APIKeys: []docslogin.APIKey{
		{Header: "X-Api-Key", Key: "sk_1", Values: map[string]any{"region": "eu"}},
	}}
	for _, platform := range []docslogin.Platform{platforms.MintlifyInfo(), platforms.ReadMeInfo()} {
		profile, err := docslogin.NewProfile(platform)
		if err != nil {
			log.Fatal(err)
		}
		claims, err := profile.Claims(context.Background(), user)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(platform.Name, claims["apiPlaygroundInputs"], claims["apiKey"], claims["region"])
	}
	// Output:
	// Mintlify map[header:map[X-Api-Key:sk_1 region:eu] server:map[region:eu]] <nil> <nil>
	// ReadMe <nil> sk_1 eu
}

// A profile answers docs that ask for a user's claims instead of a token. Packages userinfo
// and webhook are built on it. This handler is for docs whose platform has its own way to ask.
// Values can come from a database as they are.
func ExampleUser() {
	user := &docslogin.User{
		Name: "Ada Lovelace", Email: "ada@example.com\n", Groups: []string{"admin ", ""},
		APIKeys: []docslogin.APIKey{{Key: "sk_live_1\n"}},
		Attributes: map[string]any{
			"plan":  sql.NullString{String: "pro", Valid: true},
			"trial": sql.NullTime{}, // NULL, so it is not sent
			"team":  []byte("Analytical Engines"),
		},
	}
	mapper := func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
		claims["groups"] = user.Groups
		claims["seats"] = sql.NullInt64{Int64: 7, Valid: true}
		claims["manager"] = sql.NullString{}
		return nil
	}
	profile, err := docslogin.NewProfile(platforms.ReadMeInfo(), docslogin.WithClaimsMapper(mapper))
	if err != nil {
		log.Fatal(err)
	}
	claims, err := profile.Claims(context.Background(), user)
	text, _ := json.MarshalIndent(claims, "", "  ")
	fmt.Printf("%s %v\n", text, err)

	user.Attributes["session"] = 8 * time.Hour
	_, err = profile.Claims(context.Background(), user)
	fmt.Println(err)
	// Output:
	// {
	//   "apiKey": "sk_live_1",
	//   "email": "ada@example.com",
	//   "groups": [
	//     "admin"
	//   ],
	//   "name": "Ada Lovelace",
	//   "plan": "pro",
	//   "seats": 7,
	//   "team": "Analytical Engines",
	//   "version": 1
	// } <nil>
	// docslogin: mapper_failed: the attribute "session", a time.Duration, would be sent as nanoseconds; pass d.String() or d.Seconds()
}

func ExampleNewProfile() {
	platform := docslogin.Platform{ // needs no key and no docs URL
		Name: "handbook",
		Mapper: func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
			claims["sub"] = user.Email
			return nil
		},
	}
	profile, err := docslogin.NewProfile(platform)
	if err != nil {
		log.Fatal(err)
	}
	whoami := func(w http.ResponseWriter, r *http.Request) { profile.ServeJSON(w, r, currentUser) }

	mux := http.NewServeMux()
	mux.HandleFunc("GET /handbook-user", whoami)

	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/handbook-user", nil)
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, strings.TrimSpace(w.Body.String()))
	w = httptest.NewRecorder()
	r.AddCookie(&http.Cookie{Name: "session", Value: "Ada"})
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output:
	// 401 {"error":"Unauthorized"}
	// 200 {"sub":"ada@example.com"}
}

// For several docs sites, wrap once for each, with a path of its own.
func ExampleMiddleware_Wrap_twoSites() {
	mux := http.NewServeMux()
	reference := docslogin.Must(docslogin.New(currentUser,
		platforms.ReadMe("https://reference.example.com", "the project's JWT secret")))
	guides := docslogin.Must(docslogin.New(currentUser,
		platforms.Mintlify("https://guides.example.com", os.Getenv("MINTLIFY_PRIVATE_KEY")),
		docslogin.WithPath("/guides-login")))

	app := reference.Wrap(guides.Wrap(mux))

	fmt.Print(visit(app, "/docs-login"))
	fmt.Print(visit(app, "/guides-login"))
	// Output:
	// 302 https://reference.example.com?auth_token=TOKEN
	// 302 https://guides.example.com/login/jwt-callback#TOKEN
}

// A router can mount the login route by its path.
func ExampleMiddleware_Path() {
	docs := docslogin.Must(docslogin.New(currentUser,
		platforms.ReadMe("https://docs.example.com", "the project's JWT secret")))
	mux := http.NewServeMux()
	mux.Handle("GET "+docs.Path(), docs)

	fmt.Print(visit(mux, "/docs-login"))
	// Output:
	// 302 https://docs.example.com?auth_token=TOKEN
}

// Error pages of the app's own. The cause is for the log, which already has it. The visitor
// needs the status and, perhaps, a link to the sign-in page.
func ExampleWithErrorHandler() {
	page := func(w http.ResponseWriter, r *http.Request, err *docslogin.LoginError) {
		w.WriteHeader(err.Status)
		switch {
		case errors.Is(err, docslogin.ErrForbidden):
			io.WriteString(w, "These docs are for customers. Talk to us!")
		case err.SignInURL != "":
			fmt.Fprintf(w, "Please sign in: %s", err.SignInURL)
		default:
			io.WriteString(w, "That did not work. Please try again.")
		}
	}

	lookup := func(r *http.Request) (*docslogin.User, error) { return nil, docslogin.ErrForbidden }
	docs, err := docslogin.New(lookup, platforms.ReadMe("https://docs.example.com", "the project's JWT secret"),
		docslogin.WithErrorHandler(page))
	if err != nil {
		log.Fatal(err)
	}
	w := httptest.NewRecorder()
	docs.ServeHTTP(w, httptest.NewRequest("GET", docs.Path(), nil))
	fmt.Println(w.Code, w.Body)
	// Output:
	// 403 These docs are for customers. Talk to us!
}

// A single-page app gets the URL from an endpoint of its own and then navigates to it:
// location.assign(url). The login route does not answer scripts.
func ExampleMiddleware_LoginURL() {
	docs := docslogin.Must(docslogin.New(currentUser,
		platforms.ReadMe("https://docs.example.com", "the project's JWT secret")))

	user := &docslogin.User{ID: "42", Name: "Ada", Email: "ada@example.com"}
	url, err := docs.LoginURL(context.Background(), user, "/docs/quickstart")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(masked(url))
	// Output:
	// https://docs.example.com?auth_token=TOKEN&redirect=%2Fdocs%2Fquickstart
}

// Docs that share a domain with the app can read the token from a cookie. The sign-in handler sets the
// cookie, so readers arrive logged in without a visit to the login route.
func ExampleMiddleware_SetCookie() {
	docs, err := docslogin.New(currentUser,
		platforms.GitBookAdaptive("https://docs.example.com", "example.com", os.Getenv("GITBOOK_SIGNING_KEY")),
		docslogin.WithSignInPage("/sign-in", "next"))
	if err != nil {
		log.Fatal(err)
	}
	signedIn := func(w http.ResponseWriter, r *http.Request, user *docslogin.User) { // the end of the sign-in handler
		if err := docs.SetCookie(r.Context(), w, user); err != nil {
			docs.ClearCookie(w) // the browser may have an earlier user's
			log.Print(err)      // the sign-in succeeds all the same
		}
		http.Redirect(w, r, docs.ReturnURL(r), http.StatusSeeOther)
	}

	w := httptest.NewRecorder()
	signedIn(w, httptest.NewRequest("POST", "/sign-in", nil), &docslogin.User{Name: "Ada", Email: "ada@example.com"})
	fmt.Println(w.Code, w.Header().Get("Location"))
	fmt.Println(cookies(w.Header()))
	// Output:
	// 303 /
	// [gitbook-visitor-token=TOKEN for example.com, 3600 s]
}

// cookies returns the cookies that a response sets, with TOKEN in place of a token.
func cookies(h http.Header) (all []string) {
	for _, line := range h.Values("Set-Cookie") {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			log.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s=%s for %s, %d s", c.Name, masked(c.Value), c.Domain, c.MaxAge))
	}
	return all
}

// Fern also reads the token from a cookie. Then the route redirects to the page itself, not to a callback.
func ExampleInCookie() {
	platform := platforms.Fern("https://docs.example.com", os.Getenv("FERN_SECRET"))
	platform.Callback, platform.DeepLink.Out = "", ""
	platform.Carrier = docslogin.InCookie("fern_token", "example.com")

	docs, err := docslogin.New(currentUser, platform)
	if err != nil {
		log.Fatal(err)
	}
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/docs-login?state=https%3A%2F%2Fdocs.example.com%2Fapi", nil)
	r.AddCookie(&http.Cookie{Name: "session", Value: "Ada"})
	docs.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("Location"))
	fmt.Println(cookies(w.Header()))
	// Output:
	// 302 https://docs.example.com/api
	// [fern_token=TOKEN for example.com, 86400 s]
}

// In a test, the app and the test site share the domain acme.localhost.
func ExampleInCookie_localhost() {
	site := docslogintest.NewGitBookAdaptive()
	defer site.Close()
	user := func(*http.Request) (*docslogin.User, error) { return &docslogin.User{Email: "ada@example.com"}, nil }
	login, err := docslogin.New(user, site.Platform())
	if err != nil {
		log.Fatal(err)
	}
	app := httptest.NewServer(login.Wrap(http.NotFoundHandler()))
	defer app.Close()

	app.URL = strings.Replace(app.URL, "127.0.0.1", "app.acme.localhost", 1)
	site.SetLoginURL(app.URL + login.Path())

	got, err := site.Login(docslogintest.NewClient(), "/quickstart")
	fmt.Println(got.Page, got.Claims["email"], err)
	// Output:
	// /quickstart ada@example.com <nil>
}

// A widget in a page of the app gets the token from an endpoint that only scripts in the app's own pages
// can use.
func ExampleMiddleware_Token() {
	docs := docslogin.Must(docslogin.New(currentUser, platforms.Metabase("https://metabase.example.com", "the site's JWT secret")))

	docsToken := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if r.Header.Get("Sec-Fetch-Site") != "same-origin" || r.Header.Get("Sec-Fetch-Dest") != "empty" {
			http.Error(w, "Only a script in a page of this app can get a token.", http.StatusForbidden)
			return
		}
		user, err := currentUser(r)
		var token string
		if err == nil {
			token, err = docs.Token(r.Context(), user)
		}
		switch {
		case errors.Is(err, docslogin.ErrNoUser):
			http.Error(w, "Nobody is signed in.", http.StatusUnauthorized)
			return
		case err != nil:
			log.Print(err)
			http.Error(w, "The token cannot be created.", http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"jwt": token})
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /docs-token", docsToken)

	for _, site := range []string{"cross-site", "same-origin"} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/docs-token", nil)
		r.Header.Set("Sec-Fetch-Site", site)
		r.Header.Set("Sec-Fetch-Dest", "empty")
		r.AddCookie(&http.Cookie{Name: "session", Value: "Ada"})
		mux.ServeHTTP(w, r)
		fmt.Println(w.Code, strings.TrimSpace(masked(w.Body.String())))
	}
	// Output:
	// 403 Only a script in a page of this app can get a token.
	// 200 {"jwt":"TOKEN"}
}

// A link in the app's menu logs users in to the docs, so they do not need the docs' login button.
func ExampleMiddleware_LoginPath() {
	docs := docslogin.Must(docslogin.New(currentUser, platforms.ReadMe("https://docs.example.com", "the project's JWT secret")))
	menu := func(w io.Writer) {
		fmt.Fprintf(w, "<a href=\"%s\">Quickstart</a>\n", html.EscapeString(docs.LoginPath("/quickstart")))
	}

	menu(os.Stdout)
	fmt.Print(visit(docs, docs.LoginPath("/quickstart")))
	// Output:
	// <a href="/docs-login?redirect=%2Fquickstart">Quickstart</a>
	// 302 https://docs.example.com?auth_token=TOKEN&redirect=%2Fquickstart
}

// This sign-out handler also ends the docs session, if the platform has a URL for that.
func ExampleMiddleware_LogoutURL() {
	docs := docslogin.Must(docslogin.New(currentUser, platforms.GitBook("https://docs.example.com", "the site's signing key")))
	mux := http.NewServeMux()

	signOut := func(w http.ResponseWriter, r *http.Request) {
		// … end the app's session first, and then:
		docs.ClearCookie(w)
		next := cmp.Or(docs.LogoutURL(), "/") // not every platform has a logout URL
		http.Redirect(w, r, next, http.StatusSeeOther)
	}
	mux.Handle("POST /sign-out", http.NewCrossOriginProtection().Handler(http.HandlerFunc(signOut)))

	for _, site := range []string{"same-origin", "cross-site"} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "/sign-out", nil)
		r.Header.Set("Sec-Fetch-Site", site)
		mux.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Header().Get("Location"))
	}
	// Output:
	// 303 https://docs.example.com/~gitbook/auth/logout
	// 403
}

// This private key never enters the process. Any crypto.Signer will do, such as that of a key
// service or a hardware token.
func ExampleSignWith() {
	_, key, err := ed25519.GenerateKey(rand.Reader) // stands for a key service's
	if err != nil {
		log.Fatal(err)
	}
	var signer crypto.Signer = key

	platform := platforms.Mintlify("https://docs.example.com", "")
	platform.Key = docslogin.SignWith(cryptosigner.Opaque(signer))

	docs, err := docslogin.New(currentUser, platform)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login"))
	// Output:
	// 302 https://docs.example.com/login/jwt-callback#TOKEN
}

// New returns all configuration errors at once. Each says what to do.
func ExampleConfigError() {
	_, err := docslogin.New(nil, platforms.ReadMe("docs.example.com", "hunter2"), docslogin.WithPath("docs"))
	fmt.Println(err)
	// Output:
	// docslogin: ReadMe: lookup is nil; pass a func that says who is signed in
	// docslogin: ReadMe: WithPath must begin with a slash, as /docs-login does
	// docslogin: ReadMe: Platform.DocsURL does not begin with https://; set it to an absolute URL such as https://docs.example.com
	// docslogin: ReadMe: Platform.Key cannot be used: the secret is too short: it has 7 bytes and needs at least 16; if the docs' dashboard shows a longer one, put single quotes around it where it is set
}

// In the wrong order, the lookup never finds anybody: the middleware is outside of the one that
// puts the user into the request's context.
func ExampleMiddleware_Wrap_wrong() {
	type userKey struct{}
	authenticate := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user := &docslogin.User{ID: "42", Name: "Ada", Email: "ada@example.com"}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, user)))
		})
	}
	lookup := func(r *http.Request) (*docslogin.User, error) {
		user, _ := r.Context().Value(userKey{}).(*docslogin.User)
		return user, nil // nil: not signed in
	}
	docs := docslogin.Must(docslogin.New(lookup, platforms.ReadMe("https://docs.example.com", "the project's JWT secret")))
	mux := http.NewServeMux()

	wrong := docs.Wrap(authenticate(mux))
	right := authenticate(docs.Wrap(mux))

	fmt.Print("wrong: ", visit(wrong, "/docs-login"))
	fmt.Print("right: ", visit(right, "/docs-login"))
	// Output:
	// wrong: 401
	// right: 302 https://docs.example.com?auth_token=TOKEN
}

func init() {
	os.Setenv("MINTLIFY_PRIVATE_KEY", testkit.Ed25519PEM)
	os.Setenv("SESSION_KEY", "0123456789abcdef0123456789abcdef")
	os.Setenv("GITBOOK_SIGNING_KEY", "the site's signing key")
	os.Setenv("FERN_SECRET", "shared with Fern, 32 characters!")
	os.Setenv("HANDBOOK_SECRET", "shared with the handbook")
}
