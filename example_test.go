package docslogin_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"
	"github.com/gorilla/sessions"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

// currentUser stands for what an app has already: it knows who sent a request.
func currentUser(r *http.Request) (*docslogin.User, error) {
	cookie, err := r.Cookie("session")
	if err != nil {
		return nil, docslogin.ErrNoUser
	}
	return &docslogin.User{ID: "42", Name: cookie.Value, Email: strings.ToLower(cookie.Value) + "@example.com"}, nil
}

// visit opens a path of the app as Ada does, who is signed in, and says where she is sent.
func visit(app http.Handler, path string) string {
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", path, nil)
	r.AddCookie(&http.Cookie{Name: "session", Value: "Ada"})
	app.ServeHTTP(w, r)
	return strings.TrimSpace(fmt.Sprint(w.Code, " ", masked(w.Header().Get("Location")))) + "\n"
}

// One line around a mux: users arrive signed in at the docs, at the page they wanted.
func Example() {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "the app") })

	docs, err := docslogin.New(currentUser, docslogin.ReadMe("https://docs.example.com", "the project's JWT secret"))
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

// The app's gorilla session says who is signed in. The func sees only sessions that
// exist; a visitor without one goes to the sign-in page and comes back.
func ExampleSessionLookup() {
	store := sessions.NewCookieStore([]byte(os.Getenv("SESSION_KEY"))) // 32 random bytes or more
	store.Options = &sessions.Options{
		Path: "/", HttpOnly: true, Secure: true,
		SameSite: http.SameSiteLaxMode, // with Strict, everybody who comes from the docs looks signed out
	}

	lookup := docslogin.SessionLookup(store, "app-session", func(r *http.Request, s *sessions.Session) (*docslogin.User, error) {
		email, ok := s.Values["email"].(string)
		if !ok {
			return nil, docslogin.ErrNoUser // a session, but nobody signed in
		}
		return &docslogin.User{ID: email, Email: email}, nil
	})

	docs, err := docslogin.New(lookup, docslogin.ReadMe("https://docs.example.com", "the project's JWT secret"),
		docslogin.WithLoginPage("/sign-in", "next"),
		docslogin.WithClock(func() time.Time { return time.Unix(1700000000, 0) })) // for the output below
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?redirect=/docs/quickstart"))
	// Output:
	// 302 /sign-in?next=%2Fdocs-login%3Fdocslogin_sent%3D1700000000%26redirect%3D%252Fdocs%252Fquickstart
}

// The sign-in page takes the way back in a parameter, keeps it in its form, checks that it
// stays in the app, and sends the visitor there with a 303.
func ExampleWithLoginPage() {
	store := sessions.NewCookieStore([]byte("a random key of 32 bytes or more"))

	mux := http.NewServeMux()
	mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) {
		// … check the password, then:
		session, _ := store.Get(r, "session")
		session.ID, session.IsNew = "", true // a new ID: the old one may be somebody else's, too
		session.Values["email"] = r.FormValue("email")
		if err := session.Save(r, w); err != nil {
			log.Print(err)
			http.Error(w, "Please try again.", http.StatusInternalServerError)
			return
		}
		next := r.FormValue("next")
		if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\t\r\n") {
			next = "/" // a stranger's link
		}
		http.Redirect(w, r, next, http.StatusSeeOther)
	})

	r := httptest.NewRequest("POST", "/sign-in", strings.NewReader("email=ada@example.com&next=/docs-login%3Fredirect%3D%252Fdocs"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("Location"))
	// Output:
	// 303 /docs-login?redirect=%2Fdocs
}

// A mapper adds what the docs may know beside the platform's own claims. Here it gives
// the app's staff a privilege, which no attribute of a user can.
func ExampleWithClaimsMapper() {
	staff := func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
		claims["isAdmin"] = strings.HasSuffix(user.Email, "@example.com")
		claims.Object("parameters")["region"] = "eu"
		return nil
	}

	site := docslogintest.NewReadMe() // a docs site to test against
	defer site.Close()
	docs, err := docslogin.New(currentUser, site.Platform(), docslogin.WithClaimsMapper(staff))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(accepted(site, docs)["isAdmin"], accepted(site, docs)["parameters"])
	// Output:
	// true map[region:eu]
}

// accepted lets Ada log in at a docs site and returns the claims that the site accepted.
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

// A platform that has no preset is written with the same fields as those that have one.
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

// Public docs at Mintlify that greet whoever is signed in at the app: the token goes to the
// page itself, under the docs' path, with an ES256 key.
func ExampleMintlifyPersonalization() {
	docs, err := docslogin.New(currentUser,
		docslogin.MintlifyPersonalization("https://example.com/docs", os.Getenv("MINTLIFY_P256_KEY")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?redirect=/docs/get-started"))
	// Output:
	// 302 https://example.com/docs/get-started#TOKEN
}

// Pages cannot use lists, so the app says which group matters. The token is the docs
// session: it lasts as long as the app wants.
func ExampleGitBook() {
	beta := func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
		claims["isBeta"] = slices.Contains(user.Groups, "beta")
		return nil
	}

	docs, err := docslogin.New(currentUser,
		docslogin.GitBook("https://docs.example.com/product", os.Getenv("GITBOOK_KEY")),
		docslogin.WithClaimsMapper(beta), docslogin.WithSessionTTL(2*time.Hour))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?location=guides/start%3Flang%3Dgo"))
	// Output:
	// 302 https://docs.example.com/product/guides/start?lang=go&jwt_token=TOKEN
}

// An issuer that was agreed upon with Fern.
func ExampleFern() {
	platform := docslogin.Fern("https://docs.example.com", os.Getenv("FERN_SECRET"))
	platform.Static["iss"] = "https://app.example.com"

	docs, err := docslogin.New(currentUser, platform)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?state=https://docs.example.com/start"))
	// Output:
	// 302 https://docs.example.com/api/fern-docs/auth/jwt/callback?fern_token=TOKEN&state=https%3A%2F%2Fdocs.example.com%2Fstart
}

// The browser posts the token, in a form that sends itself. Here the help center has a name
// of its own.
func ExampleZendesk() {
	platform := docslogin.Zendesk("acme", os.Getenv("ZENDESK_SECRET"))
	platform.DocsURL = "https://help.example.com"

	docs, err := docslogin.New(currentUser, platform)
	if err != nil {
		log.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/docs-login?return_to=https://help.example.com/hc&brand_id=7", nil)
	r.AddCookie(&http.Cookie{Name: "session", Value: "Ada"})
	w := httptest.NewRecorder()
	docs.ServeHTTP(w, r)
	_, form, _ := strings.Cut(w.Body.String(), "</h1>\n")
	form, _, _ = strings.Cut(form, "</form>")
	fmt.Print(w.Code, "\n", masked(form))
	// Output:
	// 200
	// <form method="post" action="https://acme.zendesk.com/access/jwt?brand_id=7">
	// <input type="hidden" name="jwt" value="TOKEN">
	// <input type="hidden" name="return_to" value="https://help.example.com/hc">
	// <button>Continue</button>
}

// Restricted Docs know a reader by his e-mail address alone.
func ExampleHelpScout() {
	docs, err := docslogin.New(currentUser,
		docslogin.HelpScout("https://docs.example.com", os.Getenv("HELPSCOUT_SECRET")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?returnTo=/article/1-start"))
	// Output:
	// 302 https://docs.example.com/authcallback?token=TOKEN&returnTo=%2Farticle%2F1-start
}

// A reader whose token is not taken is sent where the app says.
func ExampleDeveloperHub() {
	onError := func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
		claims["error_redirect_url"] = "https://app.example.com/docs-help"
		return nil
	}

	docs, err := docslogin.New(currentUser,
		docslogin.DeveloperHub("https://docs.example.com", os.Getenv("DEVELOPERHUB_KEY")), docslogin.WithClaimsMapper(onError))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?redirect=https://docs.example.com/reference"))
	// Output:
	// 302 https://docs.example.com/reference?jwt=TOKEN
}

// The company is Canny's name for the account; a companyID in the request wins over it.
func ExampleCanny() {
	docs, err := docslogin.New(currentUser,
		docslogin.Canny("https://feedback.example.com", "5c1d", os.Getenv("CANNY_PRIVATE_KEY")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?redirect=https://feedback.example.com/ideas"))
	// Output:
	// 302 https://canny.io/api/redirects/sso?companyID=5c1d&ssoToken=TOKEN&redirect=https%3A%2F%2Ffeedback.example.com%2Fideas
}

// A help center of Featurebase's.
func ExampleFeaturebase() {
	docs, err := docslogin.New(currentUser,
		docslogin.Featurebase("https://help.example.com", os.Getenv("FEATUREBASE_SECRET")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?return_to=https://help.example.com/articles/1"))
	// Output:
	// 302 https://help.example.com/api/v1/auth/access/jwt?jwt=TOKEN&return_to=https%3A%2F%2Fhelp.example.com%2Farticles%2F1
}

// A user attribute decides what rows somebody sees, so the app's own mapper sets it.
func ExampleMetabase() {
	tenant := func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
		claims["tenant_id"] = strings.TrimPrefix(user.ID, "tenant-")
		return nil
	}

	docs, err := docslogin.New(currentUser,
		docslogin.Metabase("https://bi.example.com", os.Getenv("METABASE_SECRET")), docslogin.WithClaimsMapper(tenant))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?return_to=/dashboard/1"))
	// Output:
	// 302 https://bi.example.com/auth/sso?jwt=TOKEN&return_to=%2Fdashboard%2F1
}

// Docs on the app's own site need no token: their pages ask the app who is there.
func ExampleUserInfo() {
	mux := http.NewServeMux()

	// No docs URL and no key: no token is made.
	info, err := docslogin.UserInfo(currentUser, docslogin.MintlifyPersonalization("", ""),
		[]string{"https://docs.example.com"})
	if err != nil {
		log.Fatal(err)
	}
	mux.Handle("/user-info", info)

	r := httptest.NewRequest("GET", "/user-info", nil)
	r.Header.Set("Origin", "https://docs.example.com")
	r.AddCookie(&http.Cookie{Name: "session", Value: "Ada"})
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("Access-Control-Allow-Origin"), regexp.MustCompile(`\d{10}`).ReplaceAllString(w.Body.String(), "…"))
	// Output:
	// 200 https://docs.example.com {"content":{"email":"ada@example.com","name":"Ada"},"expiresAt":…}
}

// Several docs sites: wrap several times, each with its own path.
func ExampleMiddleware_Wrap_twoSites() {
	mux := http.NewServeMux()
	reference := docslogin.Must(docslogin.New(currentUser,
		docslogin.ReadMe("https://reference.example.com", "the project's JWT secret")))
	guides := docslogin.Must(docslogin.New(currentUser,
		docslogin.Mintlify("https://guides.example.com", os.Getenv("MINTLIFY_PRIVATE_KEY")),
		docslogin.WithPath("/guides-login")))

	app := reference.Wrap(guides.Wrap(mux))

	fmt.Print(visit(app, "/docs-login"))
	fmt.Print(visit(app, "/guides-login"))
	// Output:
	// 302 https://reference.example.com?auth_token=TOKEN
	// 302 https://guides.example.com/login/jwt-callback#TOKEN
}

// A route of a router that mounts handlers by path.
func ExampleMiddleware_Path() {
	docs := docslogin.Must(docslogin.New(currentUser,
		docslogin.ReadMe("https://docs.example.com", "the project's JWT secret")))
	mux := http.NewServeMux()
	mux.Handle(docs.Path(), docs)

	fmt.Print(visit(mux, "/docs-login"))
	// Output:
	// 302 https://docs.example.com?auth_token=TOKEN
}

// The app's own pages in the place of the built-in ones. The cause is for the log, which
// has it already; the visitor needs the status and, perhaps, a way to sign in.
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
	docs, err := docslogin.New(lookup, docslogin.ReadMe("https://docs.example.com", "the project's JWT secret"),
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

// A single-page app fetches the URL from an endpoint of its own and then navigates there:
// location.assign(url). The route itself does not answer scripts.
func ExampleMiddleware_LoginURL() {
	docs := docslogin.Must(docslogin.New(currentUser,
		docslogin.ReadMe("https://docs.example.com", "the project's JWT secret")))

	user := &docslogin.User{ID: "42", Name: "Ada", Email: "ada@example.com"}
	url, err := docs.LoginURL(context.Background(), user, "/docs/quickstart")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(masked(url))
	// Output:
	// https://docs.example.com?auth_token=TOKEN&redirect=%2Fdocs%2Fquickstart
}

// A key that never enters the process: anything with a crypto.Signer, as the libraries of
// key services and of hardware tokens have one.
func ExampleSignWith() {
	_, key, err := ed25519.GenerateKey(rand.Reader) // stands for a key service's
	if err != nil {
		log.Fatal(err)
	}
	var signer crypto.Signer = key

	platform := docslogin.Mintlify("https://docs.example.com", "")
	platform.Key = docslogin.SignWith(cryptosigner.Opaque(signer))

	docs, err := docslogin.New(currentUser, platform)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login"))
	// Output:
	// 302 https://docs.example.com/login/jwt-callback#TOKEN
}

// New finds all mistakes at once and says what to do about each.
func ExampleConfigError() {
	_, err := docslogin.New(nil, docslogin.ReadMe("docs.example.com", "hunter2"), docslogin.WithPath("docs"))
	fmt.Println(err)
	// Output:
	// docslogin: lookup is nil; pass a func that says who is signed in (SessionLookup returns nil for a nil store, a nil load, a name that no cookie can have, or a cookie store without a key that works)
	// docslogin: WithPath must be a clean path such as /docs-login, not / itself: letters, digits and -._~!$&'+,;=@ between single slashes
	// docslogin: Platform.DocsURL is not an absolute http or https URL such as https://docs.example.com
	// docslogin: Platform.Key cannot be used: the secret is 7 bytes long; it needs at least 16
}

// Wrong: the middleware stands outside of the one that puts the user into the request's
// context, so its lookup never finds anybody. Wrap the other way round.
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
	docs := docslogin.Must(docslogin.New(lookup, docslogin.ReadMe("https://docs.example.com", "the project's JWT secret")))
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
	os.Setenv("MINTLIFY_PRIVATE_KEY", edPEM)
	os.Setenv("MINTLIFY_P256_KEY", pkcs8(p256))
	for _, name := range []string{"GITBOOK_KEY", "FERN_SECRET", "ZENDESK_SECRET", "HELPSCOUT_SECRET", "DEVELOPERHUB_KEY", "CANNY_PRIVATE_KEY", "FEATUREBASE_SECRET", "METABASE_SECRET"} {
		os.Setenv(name, "shared with the platform")
	}
	os.Setenv("SESSION_KEY", "0123456789abcdef0123456789abcdef")
	os.Setenv("HANDBOOK_SECRET", "shared with the handbook")
}
