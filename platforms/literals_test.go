package platforms_test

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
)

// These examples are the literals of docs/platforms.md, for platforms without a preset.

// sharedSecret is the secret of the examples. It has 32 bytes, because go-jose rejects shorter ones for
// HS256.
const sharedSecret = "0123456789abcdef0123456789abcdef"

// privileged is Ada with groups and attributes that a platform may treat as privileges. No literal sends
// them.
var privileged = &docslogin.User{
	ID: "42", Name: "Ada Lovelace", Email: "ada@example.com", Groups: []string{"admins"},
	APIKeys: []docslogin.APIKey{{Key: "sk_1"}},
	Attributes: map[string]any{
		"first_name": "Ada", "last_name": "Lovelace", "role": "Admin", "admin": true, "isAdmin": true, "tags": "staff", "company": "acme",
	},
}

// tryLiteral logs Ada in with a literal, and verifies the token with the key. It prints the redirect, the
// claims, and why a user who has only a name is rejected. It also prints what is wrong: a redirect that
// differs after the sign-in page, or a deep link to a foreign host that does not lead to the home page.
func tryLiteral(platform docslogin.Platform, key any, query string) {
	var user *docslogin.User
	var e docslogin.Event
	docs, err := docslogin.New(func(*http.Request) (*docslogin.User, error) { return user, nil }, platform,
		docslogin.WithSignInPage("/sign-in", "next"), testkit.AtNoon, testkit.Silent, testkit.Observe(&e))
	if err != nil {
		fmt.Println(err)
		return
	}
	get := func(path string) string {
		w := httptest.NewRecorder()
		docs.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w.Header().Get("Location")
	}
	signIn, _ := url.Parse(get(docs.Path() + query))
	user = privileged
	to := get(docs.Path() + query)
	fmt.Println(testkit.Masked(to))
	if other := testkit.Masked(get(signIn.Query().Get("next"))); other != testkit.Masked(to) {
		fmt.Println("after the sign-in page:", other)
	}
	fmt.Println(claimsOf(testkit.JWT.FindString(to), platform.Algorithm, key))
	foreign := docs.Path() + "?" + url.Values{cmp.Or(platform.DeepLink.In, "redirect"): {"https://evil.example/a"}}.Encode()
	if other := testkit.Masked(get(foreign)); other != testkit.Masked(get(docs.Path())) {
		fmt.Println("a deep link to a foreign host:", other)
	}
	user = &docslogin.User{Name: "Ada"}
	get(docs.Path())
	fmt.Println(e.Outcome, "without:", regexp.MustCompile(`^.*requires: |;.*`).ReplaceAllString(fmt.Sprint(e.Err), ""))
}

// claimsOf verifies a token with go-jose and returns its claims as JSON, with JTI in place of a random
// jti.
func claimsOf(token string, alg jose.SignatureAlgorithm, key any) string {
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{alg})
	if err != nil {
		return err.Error()
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return err.Error()
	}
	return regexp.MustCompile(`"jti":"[A-Z2-7]{26}"`).ReplaceAllString(string(payload), `"jti":"JTI"`)
}

// Apidog's page documents the parameter and the shared secret.
func Example_apidog() {
	platform := docslogin.Platform{
		Name:      "Apidog",
		DocsURL:   "https://docs.example.com",
		Algorithm: jose.HS256, // inferred
		Key:       docslogin.Secret(os.Getenv("APIDOG_JWT_SECRET")),
		Carrier:   docslogin.InQuery("auth_token"),
		Lifetime:  docslogin.Lifetime{Token: 5 * time.Minute},
		Required:  []string{"email"},
		Mapper: func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
			claims["email"] = user.Email // Apidog documents no claims
			return nil
		},
	}

	tryLiteral(platform, []byte(sharedSecret), "?redirect=/quickstart")
	// Output:
	// https://docs.example.com?auth_token=TOKEN
	// {"email":"ada@example.com","exp":1700000300,"iat":1700000000}
	// incomplete_user without: email
}

// Bettermode's page documents everything except the parameter that it adds to the login URL.
func Example_bettermode() {
	platform := docslogin.Platform{
		Name:      "Bettermode",
		DocsURL:   "https://community.example.com",
		Callback:  "/api/auth/sso",
		Algorithm: jose.HS256,
		Key:       docslogin.Secret(os.Getenv("BETTERMODE_SSO_KEY")),
		Carrier:   docslogin.InQuery("jwt"),
		DeepLink:  docslogin.DeepLink{In: "redirect_uri", Out: "redirect_uri"}, // In: for your own links
		Lifetime:  docslogin.Lifetime{Token: time.Minute},
		Required:  []string{"sub", "email", "name"},
		Mapper: func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
			claims["sub"] = user.ID
			claims["email"] = user.Email
			claims["name"] = cmp.Or(user.Name, user.Email)
			return nil
		},
	}

	tryLiteral(platform, []byte(sharedSecret), "?redirect_uri=/spaces")
	// Output:
	// https://community.example.com/api/auth/sso?jwt=TOKEN&redirect_uri=%2Fspaces
	// {"email":"ada@example.com","exp":1700000060,"iat":1700000000,"name":"Ada Lovelace","sub":"42"}
	// incomplete_user without: sub, email
}

// HappyFox's page documents everything except the algorithm and the deep link.
func Example_happyFox() {
	platform := docslogin.Platform{
		Name:      "HappyFox",
		DocsURL:   "https://acme.happyfox.com",
		Callback:  "/jwt/",
		Algorithm: jose.HS256, // inferred
		Key:       docslogin.Secret(os.Getenv("HAPPYFOX_JWT_KEY")),
		Carrier:   docslogin.InQuery("token"),
		Lifetime:  docslogin.Lifetime{Token: 3 * time.Minute}, // HappyFox does not document exp
		TokenID:   true,
		Required:  []string{"name", "email"},
		Mapper: func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
			claims["name"] = cmp.Or(user.Name, user.Email)
			claims["email"] = user.Email
			return nil
		},
	}

	tryLiteral(platform, []byte(sharedSecret), "?redirect=/kb/article/1")
	// Output:
	// https://acme.happyfox.com/jwt/?token=TOKEN
	// {"email":"ada@example.com","exp":1700000180,"iat":1700000000,"jti":"JTI","name":"Ada Lovelace"}
	// incomplete_user without: email
}

// Frill documents the claims and the parameter redirect. Two third-party programs show where the token goes.
func Example_frill() {
	platform := docslogin.Platform{
		Name:      "Frill",
		DocsURL:   "https://acme.frill.co",
		Algorithm: jose.HS256,
		Key:       docslogin.Secret(os.Getenv("FRILL_SSO_KEY")),
		Carrier:   docslogin.InQuery("ssoToken"), // from third-party code
		DeepLink:  docslogin.DeepLink{In: "redirect", Drop: []string{"ssoToken"}},
		Lifetime:  docslogin.Lifetime{Token: 5 * time.Minute}, // Frill does not document exp
		Required:  []string{"id", "email", "name"},
		Mapper: func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
			claims["id"] = user.ID
			claims["email"] = user.Email
			claims["name"] = cmp.Or(user.Name, user.Email)
			return nil
		},
	}

	tryLiteral(platform, []byte(sharedSecret), "?redirect=https://acme.frill.co/b/ideas%3FssoToken=old%26sort=new")
	// Output:
	// https://acme.frill.co/b/ideas?sort=new&ssoToken=TOKEN
	// {"email":"ada@example.com","exp":1700000300,"iat":1700000000,"id":"42","name":"Ada Lovelace"}
	// incomplete_user without: id, email
}

// Zoho Desk's wire format is known only from a third-party program.
func Example_zohoDesk() {
	platform := docslogin.Platform{
		Name:      "Zoho Desk",
		DocsURL:   "https://acme.zohodesk.com/portal/en",
		Callback:  "https://acme.zohodesk.com/accounts/p/60012345678/signin/jwt/auth", // your portal's ID
		Algorithm: jose.HS256,
		Key:       docslogin.Secret(os.Getenv("ZOHO_DESK_JWT_SECRET")),
		Carrier:   docslogin.InQuery("jwt"),
		DeepLink:  docslogin.DeepLink{In: "return_to", Out: "return_to", Form: docslogin.AsURL, Always: true}, // In: for your own links
		Lifetime:  docslogin.Lifetime{Token: 5 * time.Minute},
		TokenID:   true,
		Required:  []string{"email"},
		Mapper: func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
			claims["email"] = user.Email
			return nil
		},
	}

	tryLiteral(platform, []byte(sharedSecret), "")
	// Output:
	// https://acme.zohodesk.com/accounts/p/60012345678/signin/jwt/auth?jwt=TOKEN&return_to=https%3A%2F%2Facme.zohodesk.com%2Fportal%2Fen
	// {"email":"ada@example.com","exp":1700000300,"iat":1700000000,"jti":"JTI"}
	// incomplete_user without: email
}

// Thinkific's key is the school's API key. Its errors go to a page of the app.
func Example_thinkific() {
	platform := docslogin.Platform{
		Name:      "Thinkific",
		DocsURL:   "https://acme.thinkific.com",
		Callback:  "/api/sso/v2/sso/jwt",
		Algorithm: jose.HS256,
		Key:       docslogin.Secret(os.Getenv("THINKIFIC_API_KEY")),
		Carrier:   docslogin.InQuery("jwt"),
		DeepLink:  docslogin.DeepLink{In: "return_to", Out: "return_to", Form: docslogin.AsURL}, // In: for your own links
		Params:    map[string]string{"error_url": "https://app.example.com/course-help"},        // not the login route
		Lifetime:  docslogin.Lifetime{Token: 5 * time.Minute},
		Required:  []string{"email", "first_name", "last_name"},
		Mapper: func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
			claims["email"] = user.Email
			claims["first_name"] = user.Attributes["first_name"]
			claims["last_name"] = user.Attributes["last_name"]
			if user.ID != "" {
				claims["external_id"] = user.ID
			}
			return nil
		},
	}

	tryLiteral(platform, []byte(sharedSecret), "?return_to=/courses/go")
	// Output:
	// https://acme.thinkific.com/api/sso/v2/sso/jwt?error_url=https%3A%2F%2Fapp.example.com%2Fcourse-help&jwt=TOKEN&return_to=https%3A%2F%2Facme.thinkific.com%2Fcourses%2Fgo
	// {"email":"ada@example.com","exp":1700000300,"external_id":"42","first_name":"Ada","iat":1700000000,"last_name":"Lovelace"}
	// incomplete_user without: email, first_name, last_name
}

// UserJot gets its state back unchanged.
func Example_userJot() {
	platform := docslogin.Platform{
		Name:      "UserJot",
		DocsURL:   "https://acme.userjot.com",
		Callback:  "https://api.userjot.com/auth/sso",
		Algorithm: jose.HS256,
		Key:       docslogin.Secret(os.Getenv("USERJOT_PROJECT_SECRET")),
		Carrier:   docslogin.InQuery("jwt"),
		Echo:      []string{"state"}, // at most 256 bytes
		Lifetime:  docslogin.Lifetime{Token: 5 * time.Minute},
		Static:    docslogin.Claims{"iss": os.Getenv("USERJOT_PROJECT_ID"), "aud": "userjot"},
		Required:  []string{"sub"},
		Mapper: func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
			claims["sub"] = user.ID
			if user.Email != "" {
				claims["email"] = user.Email
			}
			return nil
		},
	}

	tryLiteral(platform, []byte(sharedSecret), "?state=a%2Bb%2F%3D.%7E&redirect=/roadmap")
	// Output:
	// https://api.userjot.com/auth/sso?state=a%2Bb%2F%3D.~&jwt=TOKEN
	// {"aud":"userjot","email":"ada@example.com","exp":1700000300,"iat":1700000000,"iss":"project-1","sub":"42"}
	// incomplete_user without: sub
}

// The token is in the dashboard's own URL. Grafana gets the public key from the app.
func Example_grafana() {
	mux := http.NewServeMux()
	platform := docslogin.Platform{
		Name:      "Grafana",
		DocsURL:   "https://grafana.example.com",
		Algorithm: jose.ES256,
		Key:       docslogin.PrivateKey(os.Getenv("GRAFANA_PRIVATE_KEY")), // a P-256 key for Grafana alone
		Carrier:   docslogin.InQuery("auth_token"),
		DeepLink:  docslogin.DeepLink{In: "redirect", Drop: []string{"auth_token"}}, // In: for your own links
		Lifetime:  docslogin.Lifetime{Session: time.Hour, SessionClaim: "exp"},
		Static:    docslogin.Claims{"iss": "https://app.example.com"},
		Required:  []string{"sub", "email"},
		Mapper: func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
			claims["sub"] = user.ID
			claims["email"] = user.Email
			claims["name"] = cmp.Or(user.Name, user.Email)
			return nil
		},
	}

	block, _ := pem.Decode([]byte(os.Getenv("GRAFANA_PUBLIC_KEY"))) // openssl pkey -in private.pem -pubout
	if block == nil {
		log.Fatal("GRAFANA_PUBLIC_KEY is not PEM")
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		log.Fatal(err)
	}
	keys := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: public, Algorithm: "ES256", Use: "sig"}}} // without a kid, like the token
	mux.HandleFunc("GET /.well-known/jwks.json", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(keys)
	})

	tryLiteral(platform, grafanaKey(mux), "?redirect=/d/abc/sales%3ForgId=1%26auth_token=old")
	// Output:
	// https://grafana.example.com/d/abc/sales?orgId=1&auth_token=TOKEN
	// {"email":"ada@example.com","exp":1700003600,"iat":1700000000,"iss":"https://app.example.com","name":"Ada Lovelace","sub":"42"}
	// incomplete_user without: sub, email
}

// grafanaKey returns the key that Grafana would choose for a token without a kid from an app's JWKS.
func grafanaKey(app http.Handler) any {
	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest("GET", "/.well-known/jwks.json", nil))
	var set jose.JSONWebKeySet
	if err := json.NewDecoder(w.Body).Decode(&set); err != nil {
		log.Fatal(err)
	}
	for _, key := range set.Key("") {
		if key.IsPublic() {
			return key
		}
	}
	return nil
}

// A test of a literal does not need a browser, because the redirect contains the token.
func Example_literalInATest() {
	user := &docslogin.User{ID: "42", Name: "Ada", Email: "ada@example.com"}
	lookup := func(r *http.Request) (*docslogin.User, error) { return user, nil }
	platform := docslogin.Platform{
		Name:      "handbook",
		DocsURL:   "https://handbook.example.com",
		Callback:  "/sso",
		Algorithm: jose.HS256,
		Key:       docslogin.Secret(sharedSecret),
		Carrier:   docslogin.InQuery("jwt"),
		DeepLink:  docslogin.DeepLink{In: "return_to", Out: "return_to", Form: docslogin.AsURL},
		Lifetime:  docslogin.Lifetime{Token: time.Minute},
		Required:  []string{"sub"},
		Mapper: func(ctx context.Context, user *docslogin.User, claims docslogin.Claims) error {
			claims["sub"] = user.Email
			return nil
		},
	}
	docs, err := docslogin.New(lookup, platform)
	if err != nil {
		log.Fatal(err)
	}

	app := httptest.NewServer(docs)
	defer app.Close()
	client := app.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Get(app.URL + docs.Path() + "?return_to=/chapter/1")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	to, err := resp.Location()
	if err != nil {
		log.Fatal(err)
	}
	token, err := jwt.ParseSigned(to.Query().Get("jwt"), []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		log.Fatal(err)
	}
	var claims map[string]any
	if err := token.Claims([]byte(sharedSecret), &claims); err != nil {
		log.Fatal(err)
	}

	fmt.Println(to.Host+to.Path, to.Query().Get("return_to"), claims["sub"])
	// Output:
	// handbook.example.com/sso https://handbook.example.com/chapter/1 ada@example.com
}

func init() {
	for _, name := range []string{
		"APIDOG_JWT_SECRET", "BETTERMODE_SSO_KEY", "HAPPYFOX_JWT_KEY", "FRILL_SSO_KEY", "ZOHO_DESK_JWT_SECRET", "THINKIFIC_API_KEY", "USERJOT_PROJECT_SECRET",
	} {
		os.Setenv(name, sharedSecret)
	}
	os.Setenv("USERJOT_PROJECT_ID", "project-1")
	os.Setenv("GRAFANA_PRIVATE_KEY", testkit.P256PEM)
	der, err := x509.MarshalPKIXPublicKey(&testkit.P256.PublicKey)
	if err != nil {
		panic(err)
	}
	os.Setenv("GRAFANA_PUBLIC_KEY", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
}
