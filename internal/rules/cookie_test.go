package rules_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/docslogin/docslogin/internal/rules"
)

func TestOnlyACookieCarriesTheTokenOfAdaptiveContent(t *testing.T) {
	for _, p := range rules.All() {
		if got, want := p.InCookie(), p.Name == "GitBook adaptive"; got != want {
			t.Errorf("%s: %v", p.Name, got)
		}
	}
	custom := rules.GitBookAdaptive()
	custom.Form = "token"
	if custom.InCookie() {
		t.Error("a form may also carry the token")
	}
	custom = rules.GitBookAdaptive()
	custom.Fragment = true
	if custom.InCookie() {
		t.Error("the fragment may also carry the token")
	}
}

// setCookies are Set-Cookie headers of an app at https://app.example.com for docs at
// https://docs.example.com, each with the findings that reject it or warn about it. The token was issued
// at 1700000000 and expires an hour later.
var setCookies = []struct{ name, header, rejected, warned string }{
	{"the preset's cookie", adaptive + "; Domain=example.com; Path=/; Expires=Tue, 14 Nov 2023 23:13:20 GMT; Max-Age=3600" + safe, "", ""},
	{"a Domain with a leading dot, in capitals", adaptive + "; Domain=.EXAMPLE.com; Path=/; Max-Age=3600" + safe, "", ""},
	{"a cookie that expires before the token", adaptive + domain + "; Max-Age=3000" + safe, "", ""},
	{"a cookie with Expires alone", adaptive + domain + "; Expires=Tue, 14 Nov 2023 23:13:20 GMT" + safe, "", ""},
	{"a Max-Age that overrides a later Expires", adaptive + domain + "; Max-Age=3600; Expires=Wed, 15 Nov 2023 23:13:20 GMT" + safe, "", ""},

	{"another name", "gitbook-visitor-public=T" + domain + maxAge + safe, `name: The token is in the cookie "gitbook-visitor-public", but GitBook adaptive reads the cookie gitbook-visitor-token`, ""},
	{"another case of the name", "GitBook-Visitor-Token=T" + domain + maxAge + safe, "name: The token is in the cookie", ""},
	{"no Domain", adaptive + "; Path=/" + maxAge + safe, "Domain: The cookie gitbook-visitor-token has no Domain, so browsers send it only to the host that set it", ""},
	{"a Domain without a dot", adaptive + "; Path=/; Domain=com" + maxAge + safe, `Domain: has the Domain "com", for which browsers reject every cookie`, ""},
	{"a Domain that is an address", adaptive + "; Path=/; Domain=192.0.2.1" + maxAge + safe, `Domain: but the app's host "app.example.com" is not under it`, ""},
	{"a Domain of somebody else", adaptive + "; Path=/; Domain=example.org" + maxAge + safe, `Domain: but the app's host "app.example.com" is not under it, so browsers reject`, ""},
	{"the end of a name as the Domain", adaptive + "; Path=/; Domain=ample.com" + maxAge + safe, `Domain: but the app's host "app.example.com" is not under it, so browsers reject`, ""},
	{"the app's own host as the Domain", adaptive + "; Path=/; Domain=app.example.com" + maxAge + safe, `Domain: but the docs' host "docs.example.com" is not under it, so browsers do not send`, ""},
	{"no Path", adaptive + "; Domain=example.com" + maxAge + safe, "Path: does not have Path=/", ""},
	{"another Path", adaptive + "; Domain=example.com; Path=/docs" + maxAge + safe, "Path: does not have Path=/", ""},
	{"no Secure", adaptive + domain + maxAge + "; HttpOnly; SameSite=Lax", "", "Secure: is not Secure"},
	{"no HttpOnly", adaptive + domain + maxAge + "; Secure; SameSite=Lax", "", "HttpOnly: is not HttpOnly"},
	{"no SameSite", adaptive + domain + maxAge + "; HttpOnly; Secure", "", "SameSite: is not SameSite=Lax"},
	{"SameSite=None", adaptive + domain + maxAge + "; HttpOnly; Secure; SameSite=None", "", "SameSite: is not SameSite=Lax"},
	{"SameSite=None without Secure", adaptive + domain + maxAge + "; HttpOnly; SameSite=None", "SameSite: and browsers reject it", "Secure: is not Secure"},
	{"SameSite=Strict", adaptive + domain + maxAge + "; HttpOnly; Secure; SameSite=Strict", "", "SameSite: is SameSite=Strict, so a reader who follows a link from another site is anonymous"},
	{"4,096 bytes", adaptive + long(4096-len(adaptive+domain+maxAge+safe)) + domain + maxAge + safe, "length: is 4096 bytes long with its attributes, and clients may drop a cookie of 4096 or more", ""},
	{"4,095 bytes", adaptive + long(4095-len(adaptive+domain+maxAge+safe)) + domain + maxAge + safe, "", ""},
	{"a cookie that deletes itself", adaptive + domain + "; Max-Age=0" + safe, "Max-Age: deletes itself", ""},
	{"a cookie without Max-Age and Expires", adaptive + domain + safe, "", "Max-Age: has neither Max-Age nor Expires, so the docs may get a token that has expired"},
	{"a cookie that outlives its token", adaptive + domain + "; Max-Age=3601" + safe, "", "Max-Age: expires 1s after its token"},
	{"a cookie that expires after its token", adaptive + domain + "; Expires=Wed, 15 Nov 2023 22:13:20 GMT" + safe, "", "Max-Age: expires 23h0m0s after its token"},
}

const (
	adaptive = "gitbook-visitor-token=T"
	domain   = "; Path=/; Domain=example.com"
	maxAge   = "; Max-Age=3600"
	safe     = "; HttpOnly; Secure; SameSite=Lax"
)

// checkSetCookie returns the findings about a Set-Cookie header; app and docs are URLs, or "".
func checkSetCookie(t *testing.T, header, app, docs, claims string) []rules.Finding {
	t.Helper()
	cookie, err := http.ParseSetCookie(header)
	if err != nil {
		t.Fatal(err)
	}
	urls := [2]*url.URL{}
	for i, text := range []string{app, docs} {
		if text != "" {
			urls[i] = parseURL(t, text)
		}
	}
	parsed := map[string]any{}
	d := json.NewDecoder(strings.NewReader(claims))
	d.UseNumber()
	if err := d.Decode(&parsed); err != nil {
		t.Fatal(err)
	}
	return rules.GitBookAdaptive().CheckSetCookie(cookie, len(header), urls[0], urls[1], parsed)
}

func TestSetCookie(t *testing.T) {
	for _, test := range setCookies {
		t.Run(test.name, func(t *testing.T) {
			findings := checkSetCookie(t, test.header, "https://app.example.com/docs-login", "https://docs.example.com", `{"iat":1700000000,"exp":1700003600}`)
			checkFindings(t, findings, test.rejected, test.warned)
		})
	}
}

func TestSetCookieOfOtherAppsAndDocs(t *testing.T) {
	const local = "; Path=/; Domain=acme.localhost; HttpOnly; SameSite=Lax"
	for _, test := range []struct{ name, header, app, docs, claims, rejected, warned string }{
		{"the app and the docs are unknown", adaptive + domain + maxAge + safe, "", "", `{"iat":1700000000,"exp":1700003600}`, "", ""},
		{"the docs are unknown, without Secure", adaptive + domain + maxAge + "; HttpOnly; SameSite=Lax", "", "", `{"iat":1700000000,"exp":1700003600}`, "", "Secure: is not Secure"},
		{"the app is unknown, without a Domain", adaptive + "; Path=/" + maxAge + safe, "", "https://example.com", `{"iat":1700000000,"exp":1700003600}`, "Domain: has no Domain", ""},
		{"the docs are unknown, without a Domain", adaptive + "; Path=/" + maxAge + safe, "https://example.com", "", `{"iat":1700000000,"exp":1700003600}`, "Domain: has no Domain", ""},
		{"app and docs on one host", adaptive + "; Path=/" + maxAge + safe, "https://example.com/login", "https://EXAMPLE.com/docs", `{"iat":1700000000,"exp":1700003600}`, "", ""},
		{"this machine", adaptive + local + maxAge, "http://app.acme.localhost:8080", "http://docs.acme.localhost:8081", `{"iat":1700000000,"exp":1700003600}`, "", ""},
		{"one address for both", adaptive + "; Path=/; Domain=127.0.0.1; HttpOnly; SameSite=Lax" + maxAge, "http://127.0.0.1:8080", "http://127.0.0.1:8081", `{"iat":1700000000,"exp":1700003600}`, "", ""},
		{"an app on an address, whose end is the Domain", adaptive + "; Path=/; Domain=0.0.1; HttpOnly; SameSite=Lax" + maxAge, "http://127.0.0.1:8080", "http://docs.acme.localhost:8081", `{"iat":1700000000,"exp":1700003600}`, `Domain: but the app's host "127.0.0.1" is not under it`, ""},
		{"this machine, with Secure", adaptive + local + maxAge + "; Secure", "http://app.acme.localhost:8080", "http://docs.acme.localhost:8081", `{"iat":1700000000,"exp":1700003600}`, "", "Secure: is Secure, and not every client accepts or sends such a cookie over http"},
		{"an app on this machine, with Secure", adaptive + local + maxAge + "; Secure", "http://app.acme.localhost:8080", "https://docs.acme.localhost:8081", `{"iat":1700000000,"exp":1700003600}`, "", "Secure: is Secure, and not every client accepts or sends such a cookie over http"},
		{"docs on this machine, with Secure", adaptive + local + maxAge + "; Secure", "https://app.acme.localhost:8080", "http://docs.acme.localhost:8081", `{"iat":1700000000,"exp":1700003600}`, "", "Secure: is Secure, and not every client accepts or sends such a cookie over http"},
		{"an app on http, with Secure", adaptive + domain + maxAge + safe, "http://app.example.com", "https://docs.example.com", `{"iat":1700000000,"exp":1700003600}`, "Secure: is Secure, and browsers reject such a cookie from an app on http", ""},
		{"a token without exp", adaptive + domain + safe, "", "", `{"iat":1700000000}`, "", ""},
		{"a token without iat", adaptive + domain + "; Max-Age=99999; Expires=Tue, 14 Nov 2023 23:13:20 GMT" + safe, "", "", `{"exp":1700003600}`, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			checkFindings(t, checkSetCookie(t, test.header, test.app, test.docs, test.claims), test.rejected, test.warned)
		})
	}
}

func TestRulesAboutASetCookieComeInOrder(t *testing.T) {
	var got []string
	for _, f := range checkSetCookie(t, adaptive+domain+maxAge+safe, "", "", `{}`) {
		got = append(got, f.Rule)
	}
	if s := strings.Join(got, " "); s != "name Domain Path Secure HttpOnly SameSite length Max-Age" {
		t.Errorf("rules: %s", s)
	}
}

func TestWhatThePlatformReadsInsteadOfTheCookie(t *testing.T) {
	for _, test := range []struct {
		name     string
		platform rules.Platform
		target   string
		headers  []string
		rejected string
	}{
		{"one cookie", rules.GitBookAdaptive(), "/a?b=c", []string{"Cookie: gitbook-visitor-token=T; gitbook-visitor-public=x; other=1"}, ""},
		{"two cookies of the name", rules.GitBookAdaptive(), "/", []string{"Cookie: gitbook-visitor-token=T; other=1; gitbook-visitor-token=U"}, "cookie: sent 2 cookies named gitbook-visitor-token, and which one GitBook adaptive reads depends on the browser"},
		{"two cookies of the name at Fern", rules.Fern(), "/", []string{"Cookie: fern_token=T; fern_token=T"}, "cookie: sent 2 cookies named fern_token, and which one Fern reads"},
		{"a token in the query", rules.GitBookAdaptive(), "/a?jwt_token", []string{"Cookie: gitbook-visitor-token=T"}, "jwt_token: GitBook would take it instead of the token"},
		{"an access token in the query", rules.GitBookAdaptive(), "/a?b&access%5Ftoken=x", []string{"Cookie: gitbook-visitor-token=T"}, "access_token: GitBook would take it instead of the token"},
		{"a token in the header", rules.GitBookAdaptive(), "/", []string{"Cookie: gitbook-visitor-token=T", "Authorization: Bearer x"}, "cookie: reads the header Authorization instead of the cookie gitbook-visitor-token"},
		{"another header of that name", rules.GitBookAdaptive(), "/", []string{"Cookie: gitbook-visitor-token=T", "Authorization: Basic x"}, ""},
		{"the cookie of authenticated access", rules.GitBookAdaptive(), "/", []string{"Cookie: gitbook-visitor-token~1a2b=x; gitbook-visitor-token=T"}, "cookie: reads the cookie gitbook-visitor-token~… instead of the cookie gitbook-visitor-token"},
		{"unsigned claims", rules.GitBookAdaptive(), "/a?visitor.plan=pro", []string{"Cookie: gitbook-visitor-token=T"}, ""},
		{"what only GitBook reads, at Fern", rules.Fern(), "/a?jwt_token=x&state=/b?c&d", []string{"Cookie: fern_token=T", "Authorization: Bearer x"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", test.target, nil)
			for _, header := range test.headers {
				name, value, _ := strings.Cut(header, ": ")
				r.Header.Set(name, value)
			}
			checkFindings(t, test.platform.CheckCookies(r), test.rejected, "")
		})
	}
}
