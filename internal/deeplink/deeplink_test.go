package deeplink_test

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/docslogin/docslogin/internal/deeplink"
)

var (
	// atRoot takes the link back in a query parameter, as most platforms do.
	atRoot = deeplink.Site{
		Origin:   "https://docs.example.com",
		Callback: "https://docs.example.com/login/jwt-callback", Logout: "https://docs.example.com/~docs/auth/logout",
		Token: "auth_token",
	}
	// onPage sends the token to the page, with docs under a path.
	onPage = deeplink.Site{
		Origin: "https://example.com", Base: "/docs", FromBase: true, Target: true,
		Token: "jwt_token", Drop: []string{"jwt_token", "access_token", "visitor.*"},
	}
	// named allows a second origin, as a help center and its agent interface have.
	named = deeplink.Site{
		Origin: "https://sub.zendesk.com", Origins: []string{"https://agent.zendesk.com:8443"}, Token: "jwt",
	}
	// constant adds a constant parameter to the page's URL, besides the token.
	constant = deeplink.Site{Origin: "https://docs.example.com", Target: true, Token: "jwt", Params: []string{"site", "x"}}
	// odd takes the token at a path with delimiters.
	odd = deeplink.Site{Origin: "https://docs.example.com", Callback: "https://docs.example.com/auth;v=1?x"}
	// elsewhere takes the token on another host. Links may lead to other pages of that host.
	elsewhere = deeplink.Site{
		Origin: "https://docs.example.com", Origins: []string{"https://login.example.com"}, Callback: "https://login.example.com/in/",
	}
	// uri is a platform that parses a link with java.net.URI, as Metabase does.
	uri   = deeplink.Site{Origin: "https://bi.example.com", Callback: "https://bi.example.com/auth/sso", Token: "jwt", URI: true}
	baseÉ = deeplink.Site{Origin: "https://example.com", Base: "/%c3%A9", Target: true}
	local = deeplink.Site{Origin: "http://localhost:3000"}
)

// acceptedLinks are links that are accepted, each with its parts.
var acceptedLinks = []struct {
	name                 string
	site                 deeplink.Site
	link                 string
	origin, path, suffix string
}{
	{"no link is the docs' home", atRoot, "", "", "", ""},
	{"the text undefined is no link", atRoot, "undefined", "", "", ""},
	{"a path from the root", atRoot, "/docs/getting-started", "https://docs.example.com", "/docs/getting-started", ""},
	{"the root itself", atRoot, "/", "https://docs.example.com", "/", ""},
	{"a query", atRoot, "/search?q=a//b&x=%5C..%2F", "https://docs.example.com", "/search", "?q=a//b&x=%5C..%2F"},
	{"an absolute URL in the query", atRoot, "/a?u=https://x.example/", "https://docs.example.com", "/a", "?u=https://x.example/"},
	{"an absolute URL in the path's last part", atRoot, "/proxy#https://x.example", "https://docs.example.com", "/proxy", "#https://x.example"},
	{"capital letters", atRoot, "/X/Y?Z#X", "https://docs.example.com", "/X/Y", "?Z#X"},
	{"a capital A and Z in the host", deeplink.Site{Origin: "https://az.example"}, "https://AZ.example/", "https://az.example", "/", ""},
	{"what looks like a token in the anchor", atRoot, "/a?b#c&auth_token=x", "https://docs.example.com", "/a", "?b#c&auth_token=x"},
	{"a parameter without a name, if no parameter carries the token", deeplink.Site{Origin: "https://docs.example.com"}, "/a?=x&=y", "https://docs.example.com", "/a", "?=x&=y"},
	{"an anchor", atRoot, "/a#b?c", "https://docs.example.com", "/a", "#b?c"},
	{"a query with an anchor", atRoot, "/a?b#c", "https://docs.example.com", "/a", "?b#c"},
	{"a segment with parameters", atRoot, "/a;v=1/...;x", "https://docs.example.com", "/a;v=1/...;x", ""},
	{"an escaped question mark", atRoot, "/plug-ins%3F/a%23", "https://docs.example.com", "/plug-ins%3F/a%23", ""},
	{"an escaped space", atRoot, "/a%20b", "https://docs.example.com", "/a%20b", ""},
	{"letters beyond ASCII", atRoot, "/größe/日本", "https://docs.example.com", "/größe/日本", ""},
	{"a colon in a path", atRoot, "/a:b/c@d", "https://docs.example.com", "/a:b/c@d", ""},
	{"dots that are not a segment", atRoot, "/v1.2/...x/a..b", "https://docs.example.com", "/v1.2/...x/a..b", ""},
	{"an absolute URL on the docs' origin", atRoot, "https://docs.example.com/a?b#c", "https://docs.example.com", "/a", "?b#c"},
	{"an absolute URL in other letters", atRoot, "HTTPS://DOCS.Example.com/A", "https://docs.example.com", "/A", ""},
	{"an absolute URL with the default port", atRoot, "https://docs.example.com:443/a", "https://docs.example.com", "/a", ""},
	{"an absolute URL without a path", atRoot, "https://docs.example.com", "https://docs.example.com", "/", ""},
	{"an absolute URL with only a query", atRoot, "https://docs.example.com?a", "https://docs.example.com", "/", "?a"},
	{"http on its own port", deeplink.Site{Origin: "http://localhost"}, "http://localhost:80/a", "http://localhost", "/a", ""},
	{"a port that is part of the origin", local, "http://localhost:3000/a", "http://localhost:3000", "/a", ""},
	{"another origin that is named", named, "https://agent.zendesk.com:8443/agent/tickets/1", "https://agent.zendesk.com:8443", "/agent/tickets/1", ""},
	{"a page of the docs with the path of the page that takes the token on another host", elsewhere, "/in", "https://docs.example.com", "/in", ""},
	{"a link of 8,000 bytes, with that limit", deeplink.Site{Origin: "https://docs.example.com", MaxBytes: 8000}, "/" + strings.Repeat("a", 7999), "https://docs.example.com", "/" + strings.Repeat("a", 7999), ""},
	{"a link of 2,048 bytes", atRoot, "/" + strings.Repeat("a", 2047), "https://docs.example.com", "/" + strings.Repeat("a", 2047), ""},

	{"from the base, without a slash", onPage, "guide/start", "https://example.com", "/docs/guide/start", ""},
	{"from the base, with a slash", onPage, "/guide?x=1#y", "https://example.com", "/docs/guide", "?x=1#y"},
	{"from the base, only a query", onPage, "?x=1", "https://example.com", "/docs/", "?x=1"},
	{"absolute under the base", onPage, "https://example.com/docs/guide?x", "https://example.com", "/docs/guide", "?x"},
	{"absolute, the base itself", onPage, "https://example.com/docs", "https://example.com", "/docs", ""},
	{"a token in the link is removed if the platform drops it", onPage, "/g?a=1&jwt_token=x&b=%20&&c", "https://example.com", "/docs/g", "?a=1&b=%20&&c"},
	{"an escaped name is removed, too", onPage, "/g?%6awt_token=x&a=1#y", "https://example.com", "/docs/g", "?a=1#y"},
	{"all names with the prefix are removed", onPage, "/g?visitor.plan=pro&visitor=a&visitor.=1", "https://example.com", "/docs/g", "?visitor=a"},
	{"a name with the prefix is removed, even with a broken escape", onPage, "/g?visitor.%zz1=a&b", "https://example.com", "/docs/g", "?b"},
	{"a name between semicolons is removed, with one of them", onPage, "/g?a;jwt_token=x;b&c", "https://example.com", "/docs/g", "?a;b&c"},
	{"the first name is removed, with the semicolon after it", onPage, "/g?jwt_token=x;b&c", "https://example.com", "/docs/g", "?b&c"},
	{"a name after a second question mark is removed", onPage, "/g?a?access_token=x&b", "https://example.com", "/docs/g", "?a&b"},
	{"words of a title or a search are not parameters", named, "/docs/OAuth & JWT;x/saml&jwt?q=SSO?+JWT&a=b;%20jwt", "https://sub.zendesk.com", "/docs/OAuth & JWT;x/saml&jwt", "?q=SSO?+JWT&a=b;%20jwt"},
	{"names in brackets are removed", onPage, "/g?[jwt_token]=x&[visitor][plan]=pro&%5Bvisitor.a=b&c", "https://example.com", "/docs/g", "?c"},
	{"the names of a list and of an object are removed", onPage, "/g?jwt_token[]=x&visitor[plan]=pro&Visitor%5Ba=b&c", "https://example.com", "/docs/g", "?c"},
	{"names in capital letters are removed", onPage, "/g?JWT_Token=x&VISITOR.plan=pro&c", "https://example.com", "/docs/g", "?c"},
	{"a constant parameter as a list is removed", constant, "/g?site[]=x&y", "https://docs.example.com", "/g", "?y"},
	{"names that only resemble others stay", onPage, "/g?jwt_tokens=x&xjwt_token=x&visitor_id=1&visit", "https://example.com", "/docs/g", "?jwt_tokens=x&xjwt_token=x&visitor_id=1&visit"},
	{"names that only resemble the token's stay", atRoot, "/a;auth_tokens=1?xauth_token=1&auth-token=2&auth=auth_token#?auth_token=3", "https://docs.example.com", "/a;auth_tokens=1", "?xauth_token=1&auth-token=2&auth=auth_token#?auth_token=3"},
	{"a separator without a name stays", onPage, "/g?&jwt_token=x&&;a", "https://example.com", "/docs/g", "?&&;a"},
	{"nothing is left of the link", onPage, "?jwt_token", "https://example.com", "/docs/", ""},
	{"nothing is left of the query", onPage, "/g?access_token=x#y", "https://example.com", "/docs/g", "#y"},
	{"what looks like one in the anchor stays", onPage, "/g#?jwt_token=x", "https://example.com", "/docs/g", "#?jwt_token=x"},
	{"from the base, only an anchor", onPage, "#?jwt_token=x", "https://example.com", "/docs/", "#?jwt_token=x"},
	{"under a base beyond ASCII, in three spellings: as it is", baseÉ, "/é/x", "https://example.com", "/é/x", ""},
	{"under a base beyond ASCII, in three spellings: escaped", baseÉ, "/%C3%A9/x", "https://example.com", "/%C3%A9/x", ""},
	{"under a base beyond ASCII, in three spellings: in small letters", baseÉ, "/%c3%a9", "https://example.com", "/%c3%a9", ""},
	{"a constant parameter is removed, so that no link can set it", constant, "/a?b&site=evil&c", "https://docs.example.com", "/a", "?b&c"},
	{"a constant parameter with an escaped name is removed, too", constant, "/a?s%69te=evil#b", "https://docs.example.com", "/a", "#b"},
	{"a constant parameter's name is not a pattern", deeplink.Site{Origin: "https://docs.example.com", Params: []string{"a*"}}, "/a?ab=1&a*=2", "https://docs.example.com", "/a", "?ab=1"},
	{"parameters whose names begin like that of a constant one, and one in the anchor", constant, "/a?sites=1#&site=2", "https://docs.example.com", "/a", "?sites=1#&site=2"},
	{"a single name to remove", deeplink.Site{Origin: "https://docs.example.com", Drop: []string{"x"}}, "/a?x=1&y=2", "https://docs.example.com", "/a", "?y=2"},
	{"from the base, a page that looks like a scheme", onPage, "https:evil.example", "https://example.com", "/docs/https:evil.example", ""},
	{"the base's name again is a page of it", onPage, "/docs/a", "https://example.com", "/docs/docs/a", ""},

	// java.net.URI rejects the unescaped characters (verified with Java 17), and accepts the rest.
	{"a URI: a space", uri, "/a b?c d#e f", "https://bi.example.com", "/a%20b", "?c%20d#e%20f"},
	{"a URI: quotes, angle brackets, braces, a bar, a caret, and a backquote", uri, "/\"<>{}|^`?\"<>{}|^`#\"<>{}|^`", "https://bi.example.com",
		"/%22%3C%3E%7B%7D%7C%5E%60", "?%22%3C%3E%7B%7D%7C%5E%60#%22%3C%3E%7B%7D%7C%5E%60"},
	{"a URI: a percent sign that does not begin an escape", uri, "/a?b=100%&c=%2&d=%zz#%", "https://bi.example.com", "/a", "?b=100%25&c=%252&d=%25zz#%25"},
	{"a URI: a second number sign", uri, "/a#b#c#", "https://bi.example.com", "/a", "#b%23c%23"},
	{"a URI: brackets", uri, "/a[1]?b[1]=2#[c]", "https://bi.example.com", "/a%5B1%5D", "?b[1]=2#[c]"},
	{"a URI: non-ASCII letters", uri, "/é/😀?é#é", "https://bi.example.com", "/%C3%A9/%F0%9F%98%80", "?%C3%A9#%C3%A9"},
	{"a URI: what is already escaped", uri, "/a%20b?c=%20+%25%7B%2f#%5B", "https://bi.example.com", "/a%20b", "?c=%20+%25%7B%2f#%5B"},
	{"a URI: all other characters", uri, "/-._~!$&'()*+,;=:@?-._~!$&'()*+,;=:@/?", "https://bi.example.com", "/-._~!$&'()*+,;=:@", "?-._~!$&'()*+,;=:@/?"},
	{"a URI: an absolute link", uri, "https://bi.example.com/a|b?c|d", "https://bi.example.com", "/a%7Cb", "?c%7Cd"},
}

func TestAcceptedLinks(t *testing.T) {
	for _, tt := range acceptedLinks {
		t.Run(tt.name, func(t *testing.T) {
			l, err := tt.site.Check(tt.link)
			if err != nil {
				t.Fatalf("rejected: %v", err)
			}
			if l.Origin != tt.origin || l.Path != tt.path || l.Suffix != tt.suffix {
				t.Errorf("got %q %q %q, want %q %q %q", l.Origin, l.Path, l.Suffix, tt.origin, tt.path, tt.suffix)
			}
		})
	}
}

// rejectedLinks are links that are rejected, each with its error.
var rejectedLinks = []struct {
	name string
	site deeplink.Site
	link string
	want error
}{
	{"a foreign host", atRoot, "https://evil.example/", deeplink.ErrOrigin},
	{"a foreign host without a scheme", atRoot, "//evil.example/", deeplink.ErrPath},
	{"three slashes", atRoot, "///evil.example", deeplink.ErrPath},
	{"a backslash", atRoot, `/\evil.example`, deeplink.ErrChar},
	{"a backslash in the query", atRoot, `/a?b=\`, deeplink.ErrChar},
	{"an escaped backslash", atRoot, "/%5Cevil.example", deeplink.ErrChar},
	{"an escaped slash after a slash", atRoot, "/%2Fevil.example", deeplink.ErrPath},
	{"a double slash further on", atRoot, "/a//b", deeplink.ErrPath},
	{"a double escape", atRoot, "/%252Fevil.example", deeplink.ErrPath},
	{"a broken escape", atRoot, "/%zz", deeplink.ErrPath},
	{"a percent sign at the end", atRoot, "/100%", deeplink.ErrPath},
	{"a dot segment", atRoot, "/a/../../b", deeplink.ErrPath},
	{"an escaped dot segment", atRoot, "/a/%2e%2E/b", deeplink.ErrPath},
	{"a dot segment before a blank, which browsers cut off at the end", atRoot, "/a/.. ", deeplink.ErrPath},
	{"a dot segment before an escaped blank", atRoot, "/a/..%20?b", deeplink.ErrPath},
	{"a dot segment before an escaped question mark", atRoot, "/a/..%3Fb", deeplink.ErrPath},
	{"a dot segment before an escaped number sign", atRoot, "/a/%2e%23", deeplink.ErrPath},
	{"a dot segment with parameters, which some servers cut off", atRoot, "/a/..;x=1/b", deeplink.ErrPath},
	{"a dot segment with escaped parameters", atRoot, "/a/..%3B/b", deeplink.ErrPath},
	{"a segment of parameters alone, which such servers read as a double slash", atRoot, "/;x/evil.example", deeplink.ErrPath},
	{"a segment of escaped parameters alone", atRoot, "/a/%3B/b", deeplink.ErrPath},
	{"a dot segment between blanks", atRoot, "/a/ . /b", deeplink.ErrPath},
	{"a single dot", atRoot, "/./evil", deeplink.ErrPath},
	{"a tab, which browsers remove", atRoot, "/\t/evil.example", deeplink.ErrChar},
	{"an escaped newline", atRoot, "/a%0Ab", deeplink.ErrChar},
	{"a newline in the anchor", atRoot, "/a#b\n", deeplink.ErrChar},
	{"a delete character", atRoot, "/a\x7f", deeplink.ErrChar},
	{"a non-ASCII control character", atRoot, "/a?b=\u0085", deeplink.ErrChar},
	{"an escaped non-ASCII control character", atRoot, "/a%C2%9Fb", deeplink.ErrChar},
	{"bytes that are not UTF-8", atRoot, "/a\xff", deeplink.ErrUTF8},
	{"an escape that is not UTF-8", atRoot, "/%ff", deeplink.ErrPath},
	{"a script", atRoot, "javascript:alert(1)", deeplink.ErrRelative},
	{"a script that looks absolute", atRoot, "javascript://docs.example.com/%0aalert(1)", deeplink.ErrOrigin},
	{"data", atRoot, "data:text/html,x", deeplink.ErrRelative},
	{"a scheme without slashes", atRoot, "https:evil.example", deeplink.ErrRelative},
	{"a scheme with one slash", atRoot, "https:/evil.example", deeplink.ErrRelative},
	{"a relative path without a base", atRoot, "docs/a", deeplink.ErrRelative},
	{"a blank before it", atRoot, " /a", deeplink.ErrRelative},
	{"user info", atRoot, "https://docs.example.com@evil.example/", deeplink.ErrOrigin},
	{"the docs' host as user info", atRoot, "https://evil.example@docs.example.com/", deeplink.ErrOrigin},
	{"the docs' host as the beginning of another", atRoot, "https://docs.example.com.evil.example/", deeplink.ErrOrigin},
	{"a backslash after the host", atRoot, `https://docs.example.com\@evil.example/`, deeplink.ErrChar},
	{"a control character in what is dropped", onPage, "/docs/a?jwt_token=\x00", deeplink.ErrChar},
	{"a token next to a broken escape", atRoot, "/a?b%&%61uth_token=x", deeplink.ErrToken},
	{"another scheme", atRoot, "http://docs.example.com/a", deeplink.ErrOrigin},
	{"another port", atRoot, "https://docs.example.com:8443/a", deeplink.ErrOrigin},
	{"the other scheme's port", atRoot, "https://docs.example.com:80/a", deeplink.ErrOrigin},
	{"a dot after the host", atRoot, "https://docs.example.com./a", deeplink.ErrOrigin},
	{"a letter that folds to ASCII", deeplink.Site{Origin: "https://kdocs.example"}, "https://\u212Adocs.example/", deeplink.ErrOrigin},
	{"a double slash after the origin", atRoot, "https://docs.example.com//evil.example", deeplink.ErrPath},
	{"a dot segment after the origin", atRoot, "https://docs.example.com/..//evil", deeplink.ErrPath},
	{"a link over 2,048 bytes", atRoot, "/" + strings.Repeat("a", 2048), deeplink.ErrLength},
	{"a link over 8,000 bytes, with that limit", deeplink.Site{Origin: "https://docs.example.com", MaxBytes: 8000}, "/" + strings.Repeat("a", 8000), deeplink.ErrLength},
	{"a link over 2,048 bytes with the base, most of it a query", onPage, "/a?" + strings.Repeat("a", 2043), deeplink.ErrLength},
	{"a link over 2,048 bytes with the base", onPage, "/" + strings.Repeat("a", 2045), deeplink.ErrLength},
	{"the page that takes the token", atRoot, "/login/jwt-callback?redirect=/a", deeplink.ErrCallback},
	{"that page in other letters, with a slash", atRoot, "/Login/JWT%2Dcallback/", deeplink.ErrCallback},
	{"the page that ends the docs session", atRoot, "/~docs/auth/logout?location=/a", deeplink.ErrLogout},
	{"that page in other letters, with a slash", atRoot, "/~docs/Auth/log%6Fut/", deeplink.ErrLogout},
	{"that page, absolute, with a parameter", atRoot, "https://docs.example.com/~docs/auth/logout;x", deeplink.ErrLogout},
	{"that page with parameters", atRoot, "/login/jwt-callback;x", deeplink.ErrCallback},
	{"that page with path parameters, which servlets ignore", atRoot, "/login;a=b/jwt-callback;x", deeplink.ErrCallback},
	{"that page with an escaped path parameter", atRoot, "/login%3Ba/jwt-callback", deeplink.ErrCallback},
	{"that page with an escaped parameter in a segment, and an escaped question mark", atRoot, "/login%3Ba/jwt-callback%3Fx", deeplink.ErrCallback},
	{"that page at the root of another host", deeplink.Site{Origin: "https://docs.example.com", Origins: []string{"https://sso.example"}, Callback: "https://sso.example"}, "https://sso.example/?a", deeplink.ErrCallback},
	{"that page with an escaped question mark", atRoot, "/login/jwt-callback%3Fx", deeplink.ErrCallback},
	{"that page with a blank", atRoot, "/login/jwt-callback%20", deeplink.ErrCallback},
	{"that page, absolute", atRoot, "https://docs.example.com/login/jwt-callback", deeplink.ErrCallback},
	{"that page on another host", elsewhere, "https://login.example.com/in", deeplink.ErrCallback},
	{"that page on another host, with a slash and a query", elsewhere, "https://login.example.com/in/?a", deeplink.ErrCallback},
	{"a token of its own", atRoot, "/a?x=1&auth_token=eyJ", deeplink.ErrToken},
	{"a token of its own, escaped", atRoot, "/a?%61uth_token=eyJ", deeplink.ErrToken},
	{"a token of its own after a semicolon", atRoot, "/a?x;auth_token=eyJ", deeplink.ErrToken},
	{"a token of its own after a second question mark", atRoot, "/a?x?auth_token=eyJ", deeplink.ErrToken},
	{"a token of its own in a path parameter", atRoot, "/a;auth_token=eyJ", deeplink.ErrToken},
	{"a token of its own after an escaped question mark in the path", atRoot, "/a%3Fx&auth_token=eyJ", deeplink.ErrToken},
	{"a token of its own as a list", atRoot, "/a?auth_token[]=eyJ", deeplink.ErrToken},
	{"a token of its own as a list with an escaped bracket", atRoot, "/a?auth_token%5B0%5D=eyJ", deeplink.ErrToken},
	{"a token of its own with an unclosed bracket", atRoot, "/a?auth_token[=eyJ", deeplink.ErrToken},
	{"a token of its own with a bracket that PHP reads as an underscore", atRoot, "/a?auth[token=eyJ", deeplink.ErrToken},
	{"a token of its own in brackets", atRoot, "/a?[auth_token]=eyJ", deeplink.ErrToken},
	{"a token of its own after a bracket", atRoot, "/a?b&%5D%5Bauth_token=eyJ", deeplink.ErrToken},
	{"a token of its own before an unopened bracket", atRoot, "/a?auth_token]=eyJ", deeplink.ErrToken},
	{"a token of its own without a value", atRoot, "/a?b&auth_token", deeplink.ErrToken},
	{"a token of its own in capital letters", atRoot, "/a?Auth_Token=eyJ", deeplink.ErrToken},
	{"a token of its own as a list in capital letters", atRoot, "/a?Auth_Token[]=eyJ", deeplink.ErrToken},
	{"a token of its own as a list, with a dot in its name", deeplink.Site{Origin: "https://docs.example.com", Token: "sso.jwt"}, "/a?sso.jwt[]=eyJ", deeplink.ErrToken},
	{"a token of its own after a space", atRoot, "/a?+auth_token=eyJ", deeplink.ErrToken},
	{"a token of its own with a zero byte after its name", atRoot, "/a?auth_token%00x=eyJ", deeplink.ErrToken},
	{"a token of its own with a dot, which PHP reads as an underscore", atRoot, "/a?auth.token=eyJ", deeplink.ErrToken},
	{"a token of its own with a space, which PHP reads as an underscore", atRoot, "/a?auth%20token=eyJ", deeplink.ErrToken},
	{"a callback with delimiters", odd, "/auth;v=1%3Fx", deeplink.ErrCallback},
	{"a named origin as the beginning of another", named, "https://agent.zendesk.com:8443.evil.example/", deeplink.ErrOrigin},
	{"a named origin as user info", named, "https://agent.zendesk.com:8443@evil.example/", deeplink.ErrOrigin},
	{"a named host on another port", named, "https://agent.zendesk.com/", deeplink.ErrOrigin},
	{"an origin that is not named", named, "https://other.zendesk.com/", deeplink.ErrOrigin},

	{"a URI: a percent sign in the path", uri, "/100%", deeplink.ErrPath},
	{"a URI: a double escape", uri, "/%252Fevil.example", deeplink.ErrPath},
	{"a URI: a backslash in the query", uri, `/a?b=\`, deeplink.ErrChar},
	{"a URI: a foreign host", uri, "https://evil.example/{}", deeplink.ErrOrigin},
	{"a URI: a token of its own", uri, "/a?{}&jwt=x", deeplink.ErrToken},
	{"a URI: over 2,048 bytes with its escapes", uri, "/a?" + strings.Repeat("|", 682), deeplink.ErrLength},

	{"from the base: a foreign host without a scheme", onPage, "//evil.example", deeplink.ErrPath},
	{"from the base: up and out", onPage, "../admin", deeplink.ErrPath},
	{"absolute, outside the base", onPage, "https://example.com/admin", deeplink.ErrOutside},
	{"absolute, with the base as a beginning", onPage, "https://example.com/docs-internal", deeplink.ErrOutside},
	{"shorter than the base", deeplink.Site{Origin: "https://example.com", Base: "/a/b", Target: true}, "/a", deeplink.ErrOutside},
	{"absolute, with an escaped slash after the base", onPage, "https://example.com/docs%2Fx", deeplink.ErrOutside},
	{"a foreign host that slips in by dropping", onPage, "https://evil.example/?jwt_token=x", deeplink.ErrOrigin},
	{"the token never goes to a named origin",
		deeplink.Site{Origin: "https://a.example", Origins: []string{"https://b.example"}, Target: true}, "https://b.example/x", deeplink.ErrOutside},
}

func TestRejectedLinks(t *testing.T) {
	for _, tt := range rejectedLinks {
		t.Run(tt.name, func(t *testing.T) {
			if l, err := tt.site.Check(tt.link); !errors.Is(err, tt.want) || l != (deeplink.Link{}) {
				t.Errorf("got %+v, %v; want %v", l, err, tt.want)
			}
		})
	}
}

func TestGivenIsWhatArrived(t *testing.T) {
	for link, want := range map[string]string{
		"HTTPS://Docs.example.com:443/a?b=%20#c": "HTTPS://Docs.example.com:443/a?b=%20#c",
		"/a":                                     "/a",
	} {
		if l, err := atRoot.Check(link); err != nil || l.Given != want {
			t.Errorf("Given of %q is %q, %v", link, l.Given, err)
		}
	}
	if l, err := onPage.Check("g?visitor.x=1&y=2"); err != nil || l.Given != "g?y=2" {
		t.Errorf("Given is %q, %v; want it without what is dropped", l.Given, err)
	}
}

func TestURLIsPrintable(t *testing.T) {
	l, err := atRoot.Check(`/größe a?b=ü"><c>#é`)
	if got := l.URL(); err != nil || got != "https://docs.example.com/gr%C3%B6%C3%9Fe%20a?b=%C3%BC%22%3E%3Cc%3E#%C3%A9" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestEscape(t *testing.T) {
	for text, want := range map[string]string{
		"/a?b=%20#c":  "/a?b=%20#c",
		"/größe a":    "/gr%C3%B6%C3%9Fe%20a",
		"/\x00\x7f\"": "/%00%7F\"",
	} {
		if got := deeplink.Escape(text); got != want {
			t.Errorf("Escape(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestCleanPath(t *testing.T) {
	for path, want := range map[string]bool{
		"/": true, "/SUB": true, "/a/b/": true, "/d%C3%A9": true,
		"": false, "a": false, "//a": false, "/a//b": false, "/../a": false, "/%2e%2e/a": false, `/\a`: false, "/%5C": false, "/%zz": false, "/%2525": false, "/\n": false,
	} {
		if got := deeplink.CleanPath(path); got != want {
			t.Errorf("CleanPath(%q) = %v, want %v", path, got, want)
		}
	}
}

func TestOrigin(t *testing.T) {
	for text, want := range map[string]string{
		"https://Docs.Example.com:443/a": "https://docs.example.com",
		"http://localhost:80":            "http://localhost",
		"http://127.0.0.1:8080/":         "http://127.0.0.1:8080",
		"https://[::1]:8443":             "https://[::1]:8443",
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := deeplink.Origin(u); got != want {
			t.Errorf("Origin(%q) = %q, want %q", text, got, want)
		}
	}
}

// notURI matches what a URI cannot contain (RFC 3986, appendix A), except brackets after the path.
var notURI = regexp.MustCompile(`[^%A-Za-z0-9._~!$&'()*+,;=:@/?#[\]-]|%([^0-9A-Fa-f]|.[^0-9A-Fa-f]|.?$)|#.*#|^[^?#]*[[\]]`)

// FuzzCheck asserts that an accepted link stays on one of the site's own origins, however often it
// is parsed or decoded, and that it is accepted again in each form in which it goes out.
func FuzzCheck(f *testing.F) {
	for _, tt := range acceptedLinks {
		f.Add(tt.link)
	}
	for _, tt := range rejectedLinks {
		f.Add(tt.link)
	}
	for _, n := range []int{2, 4, 8, 16, 32, 128} { // fuzzing rounds execution counts down to powers of two
		for _, part := range []string{"a/", "é", " ", "%20", "%zz&", "+", "jwt_token&"} {
			parts := strings.Repeat(part, n)
			f.Add(parts)
			f.Add("/?" + parts)
		}
	}
	f.Fuzz(func(t *testing.T, given string) {
		for _, site := range []deeplink.Site{atRoot, onPage, named, local, uri} {
			l, err := site.Check(given)
			if err != nil || l == (deeplink.Link{}) {
				if l != (deeplink.Link{}) {
					t.Fatalf("%q was rejected (%v) with a link: %+v", given, err, l)
				}
				continue
			}
			if l.Origin != site.Origin && !(len(site.Origins) == 1 && l.Origin == site.Origins[0]) {
				t.Fatalf("%q leads to the origin %q", given, l.Origin)
			}
			path := l.Path
			for range 3 {
				if !strings.HasPrefix(path, "/") || strings.Contains(path, "//") || strings.ContainsAny(path, "\\\t\r\n\x00") {
					t.Fatalf("%q has the path %q", given, path)
				}
				if path, err = url.PathUnescape(path); err != nil {
					t.Fatalf("the path of %q does not decode: %v", given, err)
				}
			}
			if site.URI && notURI.MatchString(l.Path+l.Suffix) {
				t.Fatalf("%q goes out as %q, which is not a URI", given, l.Path+l.Suffix)
			}
			whole := l.Origin + deeplink.Escape(l.Path+l.Suffix)
			for i := range len(whole) {
				if whole[i] <= ' ' || whole[i] >= 0x7F {
					t.Fatalf("%q becomes %q", given, whole)
				}
			}
			if u, err := url.Parse(whole); err == nil {
				if deeplink.Origin(u) != l.Origin || u.User != nil || u.JoinPath().Path != u.Path {
					t.Fatalf("%q parses as %+v", given, u)
				}
				if site.Target && u.Path != site.Base && !strings.HasPrefix(u.Path, site.Base+"/") {
					t.Fatalf("%q is outside of the base: %q", given, u.Path)
				}
			}
			if again, err := site.Check(l.Given); l.Given != "" && l.Given != "undefined" && (err != nil || again != l) {
				t.Fatalf("%q passes as %+v, the second time as %+v, %v", given, l, again, err)
			}
			if absolute, err := site.Check(l.Origin + l.Path + l.Suffix); len(l.Origin+l.Path+l.Suffix) <= 2048 && (err != nil || absolute.Path != l.Path || absolute.Suffix != l.Suffix) {
				t.Fatalf("%q passes as %+v, absolute as %+v, %v", given, l, absolute, err)
			}
		}
	})
}
