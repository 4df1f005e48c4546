package platforms_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/docslogin/docslogin"
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

// visit opens a path of the app as Ada, who is signed in, and returns where it leads.
func visit(app http.Handler, path string) string {
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", path, nil)
	r.AddCookie(&http.Cookie{Name: "session", Value: "Ada"})
	app.ServeHTTP(w, r)
	return strings.TrimSpace(fmt.Sprint(w.Code, " ", testkit.Masked(w.Header().Get("Location")))) + "\n"
}

// visitWithCookie does the same as visit, and also returns the cookie that the response sets.
func visitWithCookie(app http.Handler, path string) string {
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", path, nil)
	r.AddCookie(&http.Cookie{Name: "session", Value: "Ada"})
	app.ServeHTTP(w, r)
	cookie := w.Result().Cookies()[0]
	return fmt.Sprintln(w.Code, w.Header().Get("Location")) + fmt.Sprintln(cookie.Name+"="+testkit.Masked(cookie.Value), "for", cookie.Domain)
}

// visitForm opens a path of the app as Ada and returns the form on the page.
func visitForm(app http.Handler, path string) string {
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", path, nil)
	r.AddCookie(&http.Cookie{Name: "session", Value: "Ada"})
	app.ServeHTTP(w, r)
	_, form, _ := strings.Cut(w.Body.String(), "</h1>\n")
	form, _, _ = strings.Cut(form, "</form>")
	return fmt.Sprint(w.Code, "\n", testkit.Masked(form))
}

// Readers log in at ReadMe with the project's JWT secret.
func ExampleReadMe() {
	docs, err := docslogin.New(currentUser,
		platforms.ReadMe("https://docs.example.com", os.Getenv("README_JWT_SECRET")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?redirect=/docs/quickstart"))
	// Output:
	// 302 https://docs.example.com?auth_token=TOKEN&redirect=%2Fdocs%2Fquickstart
}

// Readers log in at Mintlify with the private key that its dashboard generates.
func ExampleMintlify() {
	docs, err := docslogin.New(currentUser,
		platforms.Mintlify("https://docs.example.com", os.Getenv("MINTLIFY_PRIVATE_KEY")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?redirect=/quickstart"))
	// Output:
	// 302 https://docs.example.com/login/jwt-callback?redirect=%2Fquickstart#TOKEN
}

// Public docs at Mintlify greet readers who are signed in at the app. The token goes to the
// page itself, under the docs' path, and is signed with an ES256 key.
func ExampleMintlifyPersonalization() {
	docs, err := docslogin.New(currentUser,
		platforms.MintlifyPersonalization("https://example.com/docs", os.Getenv("MINTLIFY_P256_KEY")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?redirect=/docs/get-started"))
	// Output:
	// 302 https://example.com/docs/get-started#TOKEN
}

// Pages cannot use lists, so the app says which group matters. The token is the docs session,
// so the app decides how long that lasts.
func ExampleGitBook() {
	beta := func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
		claims["isBeta"] = slices.Contains(user.Groups, "beta")
		return nil
	}

	docs, err := docslogin.New(currentUser,
		platforms.GitBook("https://docs.example.com/product", os.Getenv("GITBOOK_KEY")),
		docslogin.WithClaimsMapper(beta), docslogin.WithSessionTTL(2*time.Hour))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?location=guides/start%3Flang%3Dgo"))
	// Output:
	// 302 https://docs.example.com/product/guides/start?lang=go&jwt_token=TOKEN
}

// Public docs adapt to readers who are signed in to the app. If the app's sign-in handler also calls
// SetCookie, readers need not visit the login route.
func ExampleGitBookAdaptive() {
	docs, err := docslogin.New(currentUser,
		platforms.GitBookAdaptive("https://docs.example.com", "example.com", os.Getenv("GITBOOK_KEY")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visitWithCookie(docs, "/docs-login?location=guides/start"))
	// Output:
	// 302 https://docs.example.com/guides/start
	// gitbook-visitor-token=TOKEN for example.com
}

// The app and Fern have agreed on another issuer.
func ExampleFern() {
	platform := platforms.Fern("https://docs.example.com", os.Getenv("FERN_SECRET"))
	platform.Static["iss"] = "https://app.example.com"

	docs, err := docslogin.New(currentUser, platform)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?state=https://docs.example.com/start"))
	// Output:
	// 302 https://docs.example.com/api/fern-docs/auth/jwt/callback?fern_token=TOKEN&state=https%3A%2F%2Fdocs.example.com%2Fstart
}

// A form keeps the token out of URLs, and out of the log of the docs' host.
func ExampleFern_form() {
	platform := platforms.Fern("https://docs.example.com", os.Getenv("FERN_SECRET"))
	platform.Carrier = docslogin.InForm("fern_token")

	docs, err := docslogin.New(currentUser, platform)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visitForm(docs, "/docs-login?state=https://docs.example.com/start"))
	// Output:
	// 200
	// <form method="post" action="https://docs.example.com/api/fern-docs/auth/jwt/callback">
	// <input type="hidden" name="fern_token" value="TOKEN">
	// <input type="hidden" name="state" value="https://docs.example.com/start">
	// <button>Continue</button>
}

// The docs read the token from a cookie that the app sets for their parent domain. No URL contains the
// token.
func ExampleFern_cookie() {
	platform := platforms.Fern("https://docs.example.com", os.Getenv("FERN_SECRET"))
	platform.Carrier = docslogin.InCookie("fern_token", "example.com")
	platform.Callback, platform.DeepLink.Out = "", ""

	docs, err := docslogin.New(currentUser, platform)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visitWithCookie(docs, "/docs-login?state=https://docs.example.com/start"))
	// Output:
	// 302 https://docs.example.com/start
	// fern_token=TOKEN for example.com
}

// The browser posts the token in a form that a script submits. This help center has a name of
// its own.
func ExampleZendesk() {
	platform := platforms.Zendesk("https://acme.zendesk.com", os.Getenv("ZENDESK_SECRET"))
	platform.DocsURL = "https://help.example.com"

	docs, err := docslogin.New(currentUser, platform)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visitForm(docs, "/docs-login?return_to=https://help.example.com/hc&brand_id=7"))
	// Output:
	// 200
	// <form method="post" action="https://acme.zendesk.com/access/jwt?brand_id=7">
	// <input type="hidden" name="jwt" value="TOKEN">
	// <input type="hidden" name="return_to" value="https://help.example.com/hc">
	// <button>Continue</button>
}

// Restricted Docs know a reader by the e-mail address alone.
func ExampleHelpScout() {
	docs, err := docslogin.New(currentUser,
		platforms.HelpScout("https://docs.example.com", os.Getenv("HELPSCOUT_SECRET")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?returnTo=/article/1-start"))
	// Output:
	// 302 https://docs.example.com/authcallback?token=TOKEN&returnTo=%2Farticle%2F1-start
}

// DeveloperHub sends a reader whose token it rejects to the app's own page.
func ExampleDeveloperHub() {
	onError := func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
		claims["error_redirect_url"] = "https://app.example.com/docs-help"
		return nil
	}

	docs, err := docslogin.New(currentUser,
		platforms.DeveloperHub("https://docs.example.com", os.Getenv("DEVELOPERHUB_KEY")), docslogin.WithClaimsMapper(onError))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?redirect=https://docs.example.com/reference"))
	// Output:
	// 302 https://docs.example.com/reference?jwt=TOKEN
}

// The company ID is Canny's name for the account. A companyID in the request wins over it.
func ExampleCanny() {
	docs, err := docslogin.New(currentUser,
		platforms.Canny("https://feedback.example.com", "5c1d", os.Getenv("CANNY_PRIVATE_KEY")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?redirect=https://feedback.example.com/ideas"))
	// Output:
	// 302 https://canny.io/api/redirects/sso?companyID=5c1d&ssoToken=TOKEN&redirect=https%3A%2F%2Ffeedback.example.com%2Fideas
}

// Readers log in at a help center of Featurebase.
func ExampleFeaturebase() {
	docs, err := docslogin.New(currentUser,
		platforms.Featurebase("https://help.example.com", os.Getenv("FEATUREBASE_SECRET")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?return_to=https://help.example.com/articles/1"))
	// Output:
	// 302 https://help.example.com/api/v1/auth/access/jwt?jwt=TOKEN&return_to=https%3A%2F%2Fhelp.example.com%2Farticles%2F1
}

// A user attribute decides which rows somebody sees, so the app's own mapper sets it.
func ExampleMetabase() {
	tenant := func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
		claims["tenant_id"] = strings.TrimPrefix(user.ID, "tenant-")
		return nil
	}

	docs, err := docslogin.New(currentUser,
		platforms.Metabase("https://bi.example.com", os.Getenv("METABASE_SECRET")), docslogin.WithClaimsMapper(tenant))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(visit(docs, "/docs-login?return_to=/dashboard/1"))
	// Output:
	// 302 https://bi.example.com/auth/sso?jwt=TOKEN&return_to=%2Fdashboard%2F1
}

func init() {
	os.Setenv("README_JWT_SECRET", testkit.Secret)
	os.Setenv("MINTLIFY_PRIVATE_KEY", testkit.Ed25519PEM)
	os.Setenv("MINTLIFY_P256_KEY", testkit.P256PEM)
	for _, name := range []string{"GITBOOK_KEY", "FERN_SECRET", "ZENDESK_SECRET", "HELPSCOUT_SECRET", "DEVELOPERHUB_KEY", "CANNY_PRIVATE_KEY", "FEATUREBASE_SECRET", "METABASE_SECRET"} {
		os.Setenv(name, "shared with the platform")
	}
}
