package e2e_test

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	stdhtml "html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/platforms"
)

// platform is what the tests know about a preset, as the vendor documents it.
type platform struct {
	name   string // the preset's, and that of the sample in judge.mjs
	preset func(docsURL, key string) docslogin.Platform
	site   func(...docslogintest.Option) *docslogintest.Site

	alg                 string // that the verifiers are pinned to
	query, form, cookie string // the parameter, the form's field, or the cookie that contains the token; none: the fragment
	callback            string // what takes the token: a path of the docs, or a URL; "": the docs' home, or the deep link's page
	logout              string // the path of the docs that ends the docs session; "": there is none
	maxToken            int    // bytes; 0: only the URL or the cookie is limited

	in, out   string                                  // parameters that bring the deep link and take it back; no in: the platform sends no deep link; no out: the token goes to the page
	link      func(origin, path, given string) string // how it goes back
	rootOnly  bool                                    // the docs cannot be under a path
	fromBase  bool                                    // it arrives without a slash in front
	unescaped bool                                    // it arrives unescaped, as the rest of the query
	always    bool                                    // without it, the docs' home page goes back
	origins   []string                                // that it may name besides the docs'
	drops     []string                                // parameters to remove from it
	echo      []string                                // other parameters that go back

	lifetime     int64  // of the token in seconds; 0: it does not expire
	fromIssue    bool   // counted from iat, whatever exp says
	sessionClaim string // the claim for the end of the docs session
	tokenID      bool   // each token has its own jti
	hostClaim    string // the claim for the docs' host
	issuer       string // that the verifiers are pinned to
	required     string // what the error page says that a user with only a name lacks
	nameless     bool   // no name is sent
	allKeys      bool   // all API keys are sent, and the token has room for many
}

// allPlatforms has a row for each preset.
var allPlatforms = []platform{
	{
		name: "ReadMe", preset: platforms.ReadMe, site: docslogintest.NewReadMe,
		alg: "HS256", query: "auth_token", in: "redirect", out: "redirect", link: asPath,
		lifetime: 300, tokenID: true, required: "email", allKeys: true,
	},
	{
		name: "Mintlify", preset: platforms.Mintlify, site: docslogintest.NewMintlify,
		alg: "EdDSA", callback: "/login/jwt-callback", in: "redirect", out: "redirect", link: asPath,
		lifetime: 10, sessionClaim: "expiresAt", hostClaim: "host",
	},
	{
		name: "Mintlify personalization", preset: platforms.MintlifyPersonalization, site: docslogintest.NewMintlifyPersonalization,
		alg: "ES256", in: "redirect",
		lifetime: 10, sessionClaim: "expiresAt",
	},
	{
		name: "GitBook", preset: platforms.GitBook, site: docslogintest.NewGitBook,
		alg: "HS256", query: "jwt_token", logout: "/~gitbook/auth/logout", in: "location", fromBase: true,
		drops:    []string{"jwt_token", "access_token", "visitor.plan"},
		lifetime: 3600, sessionClaim: "exp",
	},
	{
		name: "GitBook adaptive", preset: gitBookAdaptive, site: docslogintest.NewGitBookAdaptive,
		alg: "HS256", cookie: visitorToken, in: "location", fromBase: true,
		drops:    []string{"jwt_token", "access_token", "visitor.plan"},
		lifetime: 3600, sessionClaim: "exp",
	},
	{
		name: "Fern", preset: platforms.Fern, site: docslogintest.NewFern,
		alg: "HS256", query: "fern_token", callback: "/api/fern-docs/auth/jwt/callback", logout: "/api/fern-docs/auth/logout",
		maxToken: 4000, in: "state", out: "state", link: asURL,
		lifetime: 86400, sessionClaim: "exp", issuer: "https://buildwithfern.com",
	},
	{
		name: "Zendesk", preset: zendesk, site: docslogintest.NewZendesk,
		alg: "HS256", form: "jwt", callback: "https://acme.zendesk.com/access/jwt", in: "return_to", out: "return_to", link: asGiven,
		origins: []string{"https://acme.zendesk.com"}, echo: []string{"brand_id", "locale_id", "timestamp"},
		lifetime: 180, fromIssue: true, tokenID: true, required: "email",
	},
	{
		name: "Help Scout", preset: platforms.HelpScout, site: docslogintest.NewHelpScout,
		alg: "HS512", query: "token", callback: "/authcallback", in: "returnTo", out: "returnTo", link: asPath,
		lifetime: 3600, sessionClaim: "exp", required: "sub", nameless: true,
	},
	{
		name: "DeveloperHub", preset: platforms.DeveloperHub, site: docslogintest.NewDeveloperHub,
		alg: "HS256", query: "jwt", in: "redirect",
		lifetime: 86400, sessionClaim: "exp",
	},
	{
		name: "Canny", preset: canny, site: docslogintest.NewCanny,
		alg: "HS256", query: "ssoToken", callback: "https://canny.io/api/redirects/sso", in: "redirect", out: "redirect", link: asURL,
		always: true, lifetime: 300, required: "id, email",
	},
	{
		name: "Featurebase", preset: platforms.Featurebase, site: docslogintest.NewFeaturebase,
		alg: "HS256", query: "jwt", callback: "/api/v1/auth/access/jwt", in: "return_to", out: "return_to", link: asURL,
		always: true, lifetime: 600, required: "email or userId",
	},
	{
		name: "Metabase", preset: platforms.Metabase, site: docslogintest.NewMetabase,
		alg: "HS256", query: "jwt", callback: "/auth/sso", in: "return_to", out: "return_to", link: asURI, unescaped: true,
		always: true, lifetime: 180, fromIssue: true, required: "email",
	},
	{
		name: "Pylon", preset: pylon, site: docslogintest.NewPylon,
		alg: "HS256", query: "jwt", callback: "https://graph.usepylon.com/callback/jwt",
		lifetime: 300, issuer: pylonIssuer, required: "email", nameless: true,
	},
	{
		name: "Kayako", preset: platforms.Kayako, site: docslogintest.NewKayako,
		alg: "HS256", query: "jwt", in: "returnto", rootOnly: true,
		tokenID: true, required: "email",
	},
	{
		name: "UserVoice", preset: platforms.UserVoice, site: docslogintest.NewUserVoice,
		alg: "HS256", query: "sso",
		lifetime: 86400, sessionClaim: "exp", required: "guid, email",
	},
}

// visitorToken is the cookie of the platform that adaptive returns.
const visitorToken = "gitbook-visitor-token"

// adaptive returns the platform that reads the token from a cookie.
func adaptive() platform {
	return allPlatforms[slices.IndexFunc(allPlatforms, func(p platform) bool { return p.cookie == visitorToken })]
}

func hasLogout(p platform) bool { return p.logout != "" }

// zendesk is a help center under a name of its own, which is not the agents' host.
func zendesk(docsURL, secret string) docslogin.Platform {
	p := platforms.Zendesk("https://acme.zendesk.com", secret)
	p.DocsURL = docsURL
	return p
}

const companyID = "company-1"

func canny(boardURL, privateKey string) docslogin.Platform {
	return platforms.Canny(boardURL, companyID, privateKey)
}

const pylonIssuer = "https://app.example.com/"

func pylon(portalURL, secret string) docslogin.Platform {
	return platforms.Pylon(portalURL, "acme", pylonIssuer, secret)
}

// gitBookAdaptive sets the cookie for the domain that the app and the docs share.
func gitBookAdaptive(siteURL, signingKey string) docslogin.Platform {
	u, err := url.Parse(siteURL)
	if err != nil {
		panic(err)
	}
	_, domain, _ := strings.Cut(u.Hostname(), ".")
	return platforms.GitBookAdaptive(siteURL, domain, signingKey)
}

func asPath(_, path, _ string) string     { return path }
func asURI(_, path, _ string) string      { return notInURI.ReplaceAllStringFunc(path, url.PathEscape) }
func asURL(origin, path, _ string) string { return origin + path }
func asGiven(_, _, given string) string   { return given }

// notInURI matches what java.net.URI rejects, or may reject, in the links of testdata.
var notInURI = regexp.MustCompile("[ \"<>^`{|}]|[^\x00-\x7f]")

// algorithms has for each algorithm how to make a key, and the verifiers in judge.mjs that know it.
var algorithms = map[string]struct {
	newKey    func() (signing, verifying string)
	verifiers []string
}{
	"HS256": {newSecret, []string{"jsonwebtoken", "jose"}},
	"HS512": {newSecret, []string{"jsonwebtoken", "jose"}},
	"ES256": {newP256, []string{"jsonwebtoken", "jose"}},
	"EdDSA": {newEd25519, []string{"jose", "node"}}, // jsonwebtoken does not know it
}

// eachPlatform runs a test for every platform.
func eachPlatform(t *testing.T, test func(t *testing.T, p platform)) {
	t.Helper()
	each(t, all, test)
}

// each runs a test for every platform for which holds returns true, several at a time.
func each(t *testing.T, holds func(p platform) bool, test func(t *testing.T, p platform)) {
	t.Helper()
	tested := 0
	for _, p := range allPlatforms {
		if holds(p) {
			tested++
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				test(t, p)
			})
		}
	}
	if tested == 0 {
		t.Error("holds returns false for every platform, so nothing is tested")
	}
}

func all(platform) bool { return true }

// firstOfShape returns true for one platform of each shape, for tests where more would only take time.
func firstOfShape(holds func(p platform) bool) func(p platform) bool {
	seen := map[string]bool{}
	return func(p platform) bool {
		shape := p.shape()
		if seen[shape] || !holds(p) {
			return false
		}
		seen[shape] = true
		return true
	}
}

// shape is how the token gets to the docs.
func (p platform) shape() string {
	shape := "fragment"
	switch {
	case p.form != "":
		shape = "form"
	case p.query != "":
		shape = "query"
	case p.cookie != "":
		shape = "cookie"
	}
	if p.onPage() {
		shape += " of the page"
	}
	return shape
}

// hasLink reports whether the platform sends a deep link.
func hasLink(p platform) bool { return p.in != "" }

// leadsTo returns the page to which a login from the given page leads.
func (p platform) leadsTo(page string) string {
	if hasLink(p) {
		return page
	}
	return "/"
}

// onPage reports whether the token goes to the deep link's page.
func (p platform) onPage() bool { return hasLink(p) && p.out == "" }

// base returns the path of the docs in tests of deep links: a path of their own, if the token goes to the
// page, and if they can have one.
func (p platform) base() string {
	if p.onPage() && !p.rootOnly {
		return "/docs"
	}
	return ""
}

// keepsAnchor reports whether the token leaves the anchor of the deep link's page alone.
func (p platform) keepsAnchor() bool { return p.shape() != "fragment of the page" }

// public reports whether all pages of the docs are public. The login then begins with a click, since no
// page redirects to the login route.
func (p platform) public() bool { return p.cookie != "" }

func private(p platform) bool { return !p.public() }

// hostName returns the name under localhost of a host of the app or the docs. Only if the token is in a
// cookie do they share a domain, which is then one site to Chromium.
func (p platform) hostName(name string) string {
	if p.cookie != "" {
		return name + ".acme"
	}
	return name
}

// takes returns the URL that takes the token, unless that is the deep link's page.
func (p platform) takes(docs string) string {
	if strings.HasPrefix(p.callback, "https:") {
		return p.callback
	}
	return docs + p.callback
}

// callbackPath returns the path where a test site takes the token.
func (p platform) callbackPath() string {
	u, err := url.Parse(p.takes(""))
	if err != nil {
		panic(err)
	}
	return cmp.Or(u.Path, "/")
}

// slug returns the name as part of a URL.
func (p platform) slug() string { return strings.ReplaceAll(strings.ToLower(p.name), " ", "-") }

// hello returns how the docs greet a user of the tests' app.
func (p platform) hello(id string) string {
	if p.nameless {
		return "Hello, " + id + "@example.com."
	}
	return "Hello, User " + id + "."
}

// newKey returns a key for a preset, and the key that verifies its tokens.
func (p platform) newKey() (signing, verifying string) { return algorithms[p.alg].newKey() }

// largest returns the length of the longest login URL.
func (p platform) largest() int {
	if p.query == "" {
		return 16000
	}
	return 8000
}

// destination is where the route sends the browser: to a URL, or with a form to a URL if there are fields.
type destination struct {
	URL        string
	Fields     [][2]string // names and values
	SetCookies []string    // as the header has them
}

// cookie returns the value of the first cookie with a name, and the number of such cookies.
func (d destination) cookie(name string) (value string, found int) {
	var pairs [][2]string
	for _, cookie := range (&http.Response{Header: http.Header{"Set-Cookie": d.SetCookies}}).Cookies() {
		pairs = append(pairs, [2]string{cookie.Name, cookie.Value})
	}
	return find(pairs, name)
}

var (
	formElement  = regexp.MustCompile(`<form method="post" action="([^"]*)">`)
	fieldElement = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
)

// readDestination reads the response of a login and closes its body.
func readDestination(resp *http.Response) (destination, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return destination{}, err
	}
	return destinationOf(resp.StatusCode, resp.Header, string(body))
}

func destinationOf(status int, header http.Header, body string) (destination, error) {
	location := header.Values("Location")
	forms := formElement.FindAllStringSubmatch(body, -1)
	switch {
	case status == http.StatusFound && len(location) == 1 && body == "":
		return destination{URL: location[0], SetCookies: header.Values("Set-Cookie")}, nil
	case status != http.StatusOK || location != nil || len(forms) != 1 || strings.Count(body, "<form") != 1:
		return destination{}, fmt.Errorf("status %d, Location %q, and %q are not a login", status, location, body)
	}
	d := destination{URL: stdhtml.UnescapeString(forms[0][1])}
	for _, field := range fieldElement.FindAllStringSubmatch(body, -1) {
		d.Fields = append(d.Fields, [2]string{stdhtml.UnescapeString(field[1]), stdhtml.UnescapeString(field[2])})
	}
	return d, nil
}

// tokenIn returns the token in a login, or "".
func (p platform) tokenIn(d destination) string {
	switch {
	case p.form != "":
		value, _ := find(d.Fields, p.form)
		return value
	case p.cookie != "":
		value, _ := d.cookie(p.cookie)
		return value
	}
	u, err := url.Parse(d.URL)
	switch {
	case err != nil:
		return ""
	case p.query != "":
		return u.Query().Get(p.query)
	}
	return u.Fragment
}

// find returns the value of the first pair with a name, and the number of such pairs.
func find(pairs [][2]string, name string) (value string, found int) {
	for _, pair := range pairs {
		if pair[0] == name {
			if found++; found == 1 {
				value = pair[1]
			}
		}
	}
	return value, found
}

func newSecret() (signing, verifying string) {
	secret := rand.Text()
	return secret, secret
}

func newEd25519() (signing, verifying string) {
	public, private, _ := ed25519.GenerateKey(nil) // crypto/rand never fails
	return pemText("PRIVATE KEY", x509.MarshalPKCS8PrivateKey, private), pemText("PUBLIC KEY", x509.MarshalPKIXPublicKey, public)
}

func newP256() (signing, verifying string) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return pemText("PRIVATE KEY", x509.MarshalPKCS8PrivateKey, private), pemText("PUBLIC KEY", x509.MarshalPKIXPublicKey, &private.PublicKey)
}

func pemText(kind string, marshal func(any) ([]byte, error), key any) string {
	der, err := marshal(key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
