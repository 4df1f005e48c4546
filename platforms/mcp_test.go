package platforms_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
)

// mcpPages are the pages to which the login of an MCP client leads. GitBook keeps the client's parameters
// on its own server and sends an ID. Other docs may have the parameters in the page's URL (OAuth 2.1,
// with PKCE from RFC 7636 and the resource from RFC 8707).
var mcpPages = []struct{ name, page string }{
	{"Mintlify's", "/authed/mcp/oauth/authorize" + mcpQuery},
	{"GitBook's", "/~gitbook/mcp/auth" + mcpQuery},
	{"GitBook's resume link", "/~gitbook/oauth2/v1/site_x/authorize?gb_oauth_state=0f8fad5b-d9cb-469f-a165-70867728950e&gb_consent=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
}

const mcpQuery = "?response_type=code&client_id=https%3A%2F%2Fclient.example%2Fmeta.json%3Fv%3D1" +
	"&redirect_uri=http%3A%2F%2F127.0.0.1%3A33418%2Fcallback%3Fserver%3Ddocs%26next%3D%252Fchat%2523top" +
	"&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256" +
	"&state=eyJuIjoiYS9iK2M9In0%3D.a-b_c~d&scope=mcp%3Asearch+offline_access&resource=https%3A%2F%2Fdocs.example.com%2Fauthed%2Fmcp"

// If a redirect_uri or a code_challenge changed on the way, the docs would reject the client.
func TestEveryPresetKeepsTheDeepLinkOfAnMCPLogin(t *testing.T) {
	const docs = "https://docs.example.com"
	for _, p := range testkit.Presets() {
		if p.DeepLink.In == "" {
			continue
		}
		for _, link := range mcpPages {
			sent := map[string]string{"a path": url.QueryEscape(link.page), "a URL": url.QueryEscape(docs + link.page)}
			if p.DeepLink.Raw {
				sent["a path that is not escaped"] = link.page
			}
			for how, value := range sent {
				t.Run(p.Name+": "+link.name+" as "+how, func(t *testing.T) {
					want := docs + link.page
					if p.DeepLink.Out != "" && (p.DeepLink.Form == docslogin.AsPath || p.DeepLink.Form == docslogin.AsGiven && how != "a URL") {
						want = link.page
					}
					var user *docslogin.User
					m := testkit.New(t, func(*http.Request) (*docslogin.User, error) { return user, nil }, p, docslogin.WithSignInPage("/sign-in?a=1#form", "next"))
					target := "/docs-login?" + p.DeepLink.In + "=" + value
					back := returnURL(t, m, target)
					user = testkit.Ada
					for pass, target := range map[string]string{"signed in": target, "over the sign-in page": back} {
						to, _ := testkit.Login(t, m, target)
						if got := arrival(t, p, to); got != want {
							t.Errorf("%s: got\n     %s\nwant %s", pass, got, want)
						}
					}
				})
			}
		}
	}
}

// addedToPage matches what a login adds to the deep link's page.
var addedToPage = regexp.MustCompile(`([?&][\w-]+=|#| Cookie: [\w-]+=)TOKEN$`)

// arrival returns the page to which a login leads, as the docs receive it.
func arrival(t *testing.T, p docslogin.Platform, to string) string {
	t.Helper()
	if p.DeepLink.Out == "" {
		return addedToPage.ReplaceAllString(to, "")
	}
	to, _, _ = strings.Cut(to, "#TOKEN")
	query := to[strings.LastIndexAny(to, "? ")+1:] // of the URL, or the body of the form
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return values.Get(p.DeepLink.Out)
}
