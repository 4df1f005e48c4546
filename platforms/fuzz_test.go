package platforms_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
)

// fuzzed is a login route. Each request chooses the query and the user.
type fuzzed struct {
	platform     docslogin.Platform
	origin, page string // the beginning of a URL that takes the token
	limit        int    // bytes of that URL

	route *docslogin.Middleware
	user  *docslogin.User
	event docslogin.Event
}

func (z *fuzzed) ask(user *docslogin.User, query string) *http.Response {
	r, w := httptest.NewRequest("GET", "/docs-login", nil), httptest.NewRecorder()
	r.URL.RawQuery, z.user = query, user
	z.route.ServeHTTP(w, r)
	return w.Result()
}

// isPrintable reports whether a text is printable ASCII without spaces.
func isPrintable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// checkDirect checks that a login leads to the docs, and that its URL is short and printable ASCII.
func (z *fuzzed) checkDirect(t *testing.T, query, direct string) {
	address, form, _ := strings.Cut(strings.TrimPrefix(direct, "POST "), " ")
	rest, ok := strings.CutPrefix(address, z.origin+z.page)
	if !ok || z.page == "/docs" && !strings.Contains("/?#", rest[:1]) {
		t.Errorf("%s: %q leads to %q", z.platform.Name, query, direct)
	}
	if u, err := url.Parse(address); err == nil && (u.User != nil || u.Scheme+"://"+u.Host != z.origin) { // net/url rejects some fragments
		t.Errorf("%s: %q leads to %q", z.platform.Name, query, direct)
	}
	if !isPrintable(address+form) || len(address) > z.limit || !testkit.JWT.MatchString(direct) {
		t.Errorf("%s: %q leads to %d bytes, %q", z.platform.Name, query, len(address), direct)
	}
}

// returnURL returns the query of the return URL, if the return URL contains the deep link.
func (z *fuzzed) returnURL(t *testing.T, query string) (returnQuery string, ok bool) {
	rejected := z.event.LinkRejected
	location := z.ask(nil, query).Header.Get("Location")
	if z.event.Outcome == "loop" {
		return "", false
	}
	signIn, err := url.Parse(location)
	if err != nil || !strings.HasPrefix(location, "/sign-in?next=%2Fdocs-login%3F") || len(location) > 8000 || !isPrintable(location) {
		t.Errorf("%s: with %q, a visitor is sent to %q, %v", z.platform.Name, query, location, err)
		return "", false
	}
	_, returnQuery, _ = strings.Cut(signIn.Query().Get("next"), "?")
	return returnQuery, rejected || !z.event.LinkRejected // otherwise the link, escaped twice, is too long
}

// querySeeds are queries of login URLs.
var querySeeds = []string{
	"redirect=//evil.example", "redirect=%2F%5Cevil.example", "redirect=/a%23b&redirect=//evil.example", "location=..%2f..%2fevil", "return_to=https:evil.example&brand_id=1&locale_id=2",
	"companyID=%26ssoToken%3Dx&redirect=https://feedback.example.com.evil.example", "docslogin_sent=1", "a;b=c&%zz&=&redirect=%2F%C3%A9%00", "redirect=/" + strings.Repeat("%25D9%2585", 340),
	"redirect=/docs/get-started%3Fx=1%23part", "location=guide%3Fjwt_token%3Dx%26a%3D1%26access_token%3Dx%26visitor.plan%3Dpro%26%2576isitor.x%3Dy", "location=guide%3Fvisitor%252Eplan%25GG%3Dpro%26a%3D1",
	"return_to=https://acme.zendesk.com/agent/tickets/1&brand_id=%22%3E%3Cscript%3E&timestamp=1", "redirect=/p&companyID=a%26b", "companyID=" + strings.Repeat("x", 257), "redirect=%2Flogin%2Fjwt-callback",
	"redirect=/" + strings.Repeat("a", 2048), "redirect=/%FF", "redirect=/%25FF", "redirect=/%25zz", "redirect=/a%", "redirect=/a%2", "redirect=/a/.", "redirect=http://docs.example.com:80/", "redirect=HTTPS://DOCS.example.com/A",
	"location=a%3Bb+c%3Fd%3D%C3%A9", "location=guide%3Fvisitor%252Eplan%25zz1%3Dpro%26a%3D1",
	"", "redirect=undefined", "redirect=/a%3Fb%3D1%26c%23d", "redirect=https%3A%2F%2Fevil.example%2F", "redirect=/SUBX/a", "redirect=https%3A%2F%2Fagent.example.com%2Ft%2F1",
	"redirect=/a%3Fvisitor.plan%3Dpro%26b", "redirect=/x&a=2&b=%22%26&c=4&d=5", "redirect=/x?a=%20|&b", "redirect=a", "redirect=/a%3Fb&e=%22%26",
	"redirect=/a%3Fb%23c", "redirect=/gr%C3%B6%C3%9Fe/%E6%97%A5%E6%9C%AC%3Fq%3D%C3%BC+x%23%C3%9F",
}

// FuzzQuery checks that the token goes to the docs, whatever the query of the login URL is. A visitor
// who signs in first arrives at the same page.
func FuzzQuery(f *testing.F) {
	logins := []*fuzzed{
		{platform: readMe, origin: "https://docs.example.com", page: "?auth_token=eyJ", limit: 8000},
		{platform: mintlify, origin: "https://docs.example.com", page: "/login/jwt-callback", limit: 16000},
		{platform: platforms.GitBook("https://example.com/docs", testkit.Secret), origin: "https://example.com", page: "/docs", limit: 8000},
		{platform: platforms.MintlifyPersonalization("https://example.com/docs", testkit.P256PEM), origin: "https://example.com", page: "/docs", limit: 16000},
		{platform: zendesk, origin: "https://acme.zendesk.com", page: "/access/jwt", limit: 20000},
		{platform: platforms.Canny("https://feedback.example.com", "configured", testkit.Secret), origin: "https://canny.io", page: "/api/redirects/sso?companyID=", limit: 8000},
	}
	seeds := querySeeds
	for _, n := range []int{2, 4, 8, 16, 32, 128} { // fuzzing rounds execution counts down to powers of two
		for _, part := range []string{"a/", "%20", "%C3%A9", "%25zz%26", "jwt_token%26", "%zz&"} {
			seeds = append(seeds, "redirect=/%3F"+strings.Repeat(part, n), "location="+strings.Repeat(part, n))
		}
	}
	for i, z := range logins {
		p := z.platform
		p.TokenID, p.Algorithm, p.Key = false, jose.HS256, docslogin.Secret(testkit.Secret) // so that the same login has the same token
		z.route = testkit.New(f, func(*http.Request) (*docslogin.User, error) { return z.user, nil }, p, docslogin.WithSignInPage("/sign-in", "next"), testkit.Observe(&z.event))
		for _, seed := range seeds {
			f.Add(uint8(i), seed)
		}
	}
	f.Fuzz(func(t *testing.T, i uint8, query string) {
		z := logins[int(i)%len(logins)]
		direct := testkit.Sent(t, z.ask(testkit.Ada, query))
		z.checkDirect(t, query, direct)
		if returnQuery, ok := z.returnURL(t, query); ok {
			if again := testkit.Sent(t, z.ask(testkit.Ada, returnQuery)); again != direct {
				t.Errorf("%s: %q leads to\n%s\nand over the sign-in page to\n%s", z.platform.Name, query, direct, again)
			}
		}
	})
}
