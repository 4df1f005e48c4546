package main

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/internal/testkit"
)

// Logins as people find them.
var (
	login    = readMeURL(readMe1) + "&redirect=%2Fquickstart%3Flang%3Dgo%26a%3Db"
	inHAR    = strings.NewReplacer("URL", login, "TOKEN", token(readMe1)).Replace(`{"log":{"entries":[{"request":{"method":"GET","url":"https://app.example.com/docs-login?redirect=%2Fquickstart","headers":[{"name":"Cookie","value":"session=MTcwMDAwMDAwMHxEdi1CQkFFQ180SUFBUkFC"}]},"response":{"status":302,"headers":[{"name":"location","value":"URL"}],"redirectURL":"URL"}},{"request":{"url":"URL","queryString":[{"name":"auth_token","value":"TOKEN"},{"name":"redirect","value":"/quickstart?lang=go&a=b"}]}}]}}`)
	another  = token(readMe1 + `,"another":1`)
	zendesk1 = token(`"iat":1700000000,"jti":"j","name":"Ada","email":"e@example.com"`)
)

func twiceInJSON(text string) string {
	once := fmt.Sprintf("%q", strings.ReplaceAll(text, "&", `\u0026`))
	return `{"level":"info","msg":` + fmt.Sprintf("%q", `{"location":`+once+`}`) + `}`
}

func quotedPrintable(text string) string {
	text = strings.ReplaceAll(text, "=", "=3D")
	return text[:70] + "=\n" + text[70:140] + "=\r\n" + text[140:]
}

// wrapped breaks a text into lines of 60 characters.
func wrapped(text string) string {
	var lines []string
	for ; len(text) > 60; text = text[60:] {
		lines = append(lines, text[:60])
	}
	return strings.Join(append(lines, text), "\n")
}

// pastes are texts with a login at ReadMe in them that is in order.
var pastes = []struct{ name, text string }{
	{"a line of JSON", `{"time":"2023-11-14T22:13:20Z","level":"INFO","msg":"redirect","location":"` + strings.ReplaceAll(login, "&", `\u0026`) + `","status":302}`},
	{"a line of JSON that escapes slashes", `{"location":"` + strings.ReplaceAll(login, "/", `\/`) + `"}`},
	{"JSON in JSON", twiceInJSON(login)},
	{"a URL out of JSON without its quotes", strings.ReplaceAll(login, "&", `\u0026`)},
	{"a line of logfmt", "level=info msg=redirect location=" + login + " status=302"},
	{"a line of slog", `time=2023-11-14T22:13:20.000Z level=INFO msg=redirect location="` + login + `" status=302`},
	{"a line of an access log", `203.0.113.7 - - [14/Nov/2023:22:13:20 +0000] "GET ` + strings.TrimPrefix(login, docsURL) + ` HTTP/1.1" 200 5124 "https://app.example.com/" "Mozilla/5.0 (X11; Linux x86_64)"`},
	{"a line of nginx's error log", `2023/11/14 22:13:20 [error] 7#7: *1 upstream sent too big header, client: 203.0.113.7, server: docs.example.com, request: "GET ` + strings.TrimPrefix(login, docsURL) + ` HTTP/1.1", host: "docs.example.com"`},
	{"nginx's log in JSON", `{"request":"GET ` + strings.ReplaceAll(strings.TrimPrefix(login, docsURL), "&", `\x26`) + ` HTTP/2.0"}`},
	{"curl -i", "HTTP/2 302 \r\ncache-control: private, no-store\r\nlocation: " + login + "\r\nvary: Cookie\r\n\r\n"},
	{"curl -v", "* Connected to app.example.com\n> GET /docs-login?redirect=%2Fquickstart HTTP/2\n> Host: app.example.com\n> Cookie: session=x\n>\n< HTTP/2 302\n< location: " + login + "\n< date: Tue\n<\n"},
	{"curl -iL, with several responses", "HTTP/2 302\r\nlocation: https://app.example.com/sign-in?next=%2Fdocs-login\r\n\r\nHTTP/2 302\r\nlocation: " + login + "\r\n\r\nHTTP/2 200\r\nset-cookie: docs=" + another + "; Path=/\r\n\r\n"},
	{"curl in a log of JSON", `{"log":"HTTP/2 302\r\nlocation: ` + login + `\r\nvary:\tCookie\r\n"}`},
	{"curl in color", "\x1b[1mlocation\x1b[0m: \x1b[36m" + login + "\x1b[0m\r\n"},
	{"a HAR file", inHAR},
	{"copy as cURL", "curl '" + login + "' \\\n  -H 'accept: text/html' \\\n  -H 'cookie: docs=" + another + "'"},
	{"that in a batch file", `curl ^"` + strings.NewReplacer("%", "^^%", "&", "^^&").Replace(login) + "^\" ^\n  -H ^\"accept: text/html^\""},
	{"copy as cURL for Windows", `curl ^"` + strings.NewReplacer("%", "^%", "&", "^&").Replace(login) + "^\" ^\n  -H ^\"accept: text/html^\""},
	{"copy as fetch", `fetch("` + login + `", {` + "\n  \"method\": \"GET\",\n  \"mode\": \"cors\"\n});"},
	{"copy for PowerShell", `Invoke-WebRequest -UseBasicParsing -Uri "` + login + "\" `\n-Headers @{}"},
	{"a link in HTML", `<p><a class="x" href="` + strings.ReplaceAll(login, "&", "&amp;") + `">Docs</a></p>`},
	{"a link in HTML with numbers for the escapes", `<a href="` + strings.ReplaceAll(login, "&", "&#38;") + `">Docs</a>`},
	{"a page that refreshes", `<meta http-equiv="refresh" content="0;url=` + strings.ReplaceAll(login, "&", "&amp;") + `">`},
	{"http.Redirect's page", `<a href="` + strings.ReplaceAll(login, "&", "&amp;") + `">Found</a>.`},
	{"a link in Markdown", "See [the docs](" + login + ")."},
	{"a link in Markdown with itself as the text", "[" + login + "](" + login + ")"},
	{"a chat's link", "<" + login + ">"},
	{"a link in code", "the URL is `" + login + "`, and it fails"},
	{"a sentence", "I get " + login + ", and then nothing."},
	{"a sentence in parentheses", "It fails (" + login + ")."},
	{"Go's %q", `Get "` + login + `": context deadline exceeded`},
	{"a shell's prompt", "$ curl -sI " + login},
	{"zsh's escapes", "curl " + strings.NewReplacer("?", `\?`, "&", `\&`, "=", `\=`).Replace(login)},
	{"YAML", "login:\n  url: " + login + "\n"},
	{"a mail, quoted-printable", quotedPrintable(login)},
	{"a mail, whose soft line breaks are left", login[:70] + "=\n" + login[70:130] + "=\n" + login[130:]},
	{"a reply to a mail", "> " + login[:70] + "\n> " + login[70:] + "\n"},
	{"spaces for line breaks", strings.ReplaceAll(wrapped(login), "\n", " ")},
	{"a space in the signature", login[:180] + " " + login[180:]},
	{"a terminal's lines", "$ curl -sI https://app.example.com/docs-login\n" + wrapped("location: "+login) + "\ndate: Tue, 14 Nov 2023\n"},
	{"a URL of a mail's link checker", "https://safelinks.example.com/?url=" + url.QueryEscape(login) + "&data=05"},
	{"a URL that is encoded as a whole", url.QueryEscape(login)},
	{"a URL in the sign-in page's URL", "https://app.example.com/sign-in?next=" + url.QueryEscape(url.QueryEscape(login))},
	{"a parameter alone", "auth_token=" + token(readMe1) + "&redirect=%2Fa"},
	{"a parameter in JSON", `{"auth_token": "` + token(readMe1) + `"}`},
	{"a line of Rails' log", `Parameters: {"auth_token"=>"` + token(readMe1) + `", "redirect"=>"/a"}`},
	{"a parameter in YAML", "auth_token: " + token(readMe1)},
	{"zero-width spaces", strings.Replace(login, "&", "\u200b&\u200b", 1)},
	{"a URL, and its token in another place", login + "\n\nauth_token: " + token(readMe1)},
	{"a URL, and one that a log cut off", "GET " + login[:120] + "…\nthat is " + login},
	{"a request, and its URL", "GET " + strings.TrimPrefix(login, docsURL) + " HTTP/2\n\nthat is " + login},
	{"a URL with a line after it", login + "\nOK\n"},
	{"a URL with an apostrophe in its deep link", readMeURL(readMe1) + "&redirect=/it's"},
	{"UTF-16", utf16le(`{"location":"` + login + `"}`)},
}

func TestTheLoginIsFoundInWhatPeoplePaste(t *testing.T) {
	for _, test := range pastes {
		t.Run(test.name, func(t *testing.T) {
			r := withSecret(t, test.text, "explain", "-at", atOnce)
			r.want(t, 0, "ReadMe, according to the parameter auth_token", "✓ signature: ", "✓ ReadMe would accept it.")
			if strings.Contains(r.out, "\n!") {
				t.Errorf("a warning:\n%s", r.out)
			}
			r.safe(t, token(readMe1), another, "ada@example.com")
			withSecret(t, test.text, "explain", "-at", atOnce, "-platform", "readme").want(t, 0, "✓ ReadMe would accept it.")
		})
	}
}

// The deep link of the URL is read as it is, too.
func TestTheWholeURLIsFound(t *testing.T) {
	for _, test := range pastes {
		// These have no URL, or another one.
		if strings.HasPrefix(test.name, "a parameter") || strings.HasPrefix(test.name, "a line of Rails") || strings.HasPrefix(test.name, "zero-width") || strings.HasSuffix(test.name, "deep link") || strings.HasSuffix(test.name, "a line after it") {
			continue
		}
		r := withSecret(t, test.text, "explain", "-at", atOnce)
		size := len(login)
		if strings.Contains(test.text, "HTTP/1.1\"") || strings.Contains(test.text, "HTTP/2.0") || strings.Contains(test.text, "HTTP/1.1,") {
			size -= len(docsURL) // an access log has no host
		}
		r.want(t, 0, fmt.Sprintf("✓ length: The URL is %d bytes long.", size), "✓ redirect: The parameter redirect is in order.")
	}
}

func TestATokenAloneIsFoundInWhatPeoplePaste(t *testing.T) {
	gitBook := token(`"iat":1700000000,"exp":1700003600`)
	for _, test := range []struct {
		name, text string
		args       []string
		want       string
	}{
		{"a header", "Authorization: Bearer " + token(readMe1), []string{"-platform", "readme"}, "✓ ReadMe would accept it."},
		{"a command with a header", "curl -H 'Authorization: Bearer " + token(readMe1) + "' https://docs.example.com/", []string{"-platform", "readme"}, "✓ ReadMe would accept it."},
		{"a name", "token: " + token(readMe1), []string{"-platform", "readme"}, "✓ ReadMe would accept it."},
		{"a sentence", "My token is " + token(readMe1) + ".", []string{"-platform", "readme"}, "✓ ReadMe would accept it."},
		{"a terminal's lines", "the token:\n" + wrapped(token(readMe1)) + "\nEOF", []string{"-platform", "readme"}, "✓ ReadMe would accept it."},
		{"a line after it", token(readMe1) + "\nOK\n", []string{"-platform", "readme"}, "✓ ReadMe would accept it."},
		{"a parameter", "jwt_token=" + gitBook, nil, "GitBook, according to the parameter jwt_token"},
		{"the page of a form", `<form method="post" action="https://acme.zendesk.com/access/jwt"><input type="hidden" name="jwt" value="` + zendesk1 + `"><button>Continue</button></form>`, nil, "Zendesk, according to the path /access/jwt"},
		{"a form as cURL", "curl 'https://acme.zendesk.com/access/jwt' --data-raw 'jwt=" + zendesk1 + "&return_to=https%3A%2F%2Facme.zendesk.com%2F'", nil, "✓ Zendesk would accept it."},
		{"a form in an access log's lines", "POST /access/jwt HTTP/1.1\nHost: acme.zendesk.com\n\njwt=" + zendesk1, nil, "✓ Zendesk would accept it."},
		{"a form, with -platform", `<input name="jwt" value="` + zendesk1 + `">`, []string{"-platform", "zendesk"}, "✓ Zendesk would accept it."},
	} {
		r := withSecret(t, test.text, append([]string{"explain", "-at", atOnce}, test.args...)...)
		r.want(t, 0, test.want)
		r.safe(t, token(readMe1), gitBook, zendesk1)
	}
}

// faulty are texts with a login that a platform rejects, or that has a fault. The text around it
// does not hide the fault.
func TestFaultsAreFoundInWhatPeoplePaste(t *testing.T) {
	jwe := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"dir","enc":"A256GCM"}`)) + "..AAAA.AAAA.AAAA"
	for _, test := range []struct {
		name, text string
		args       []string
		code       int
		want       string
	}{
		{"&amp; in a header", "location: " + strings.ReplaceAll(login, "&", "&amp;"), nil, 0, "! html: The URL has &amp; instead of &"},
		{"a deep link that is encoded twice, in JSON", `{"location":"` + readMeURL(readMe1) + `\u0026redirect=%252Fquickstart"}`, nil, 0, "! redirect: The parameter redirect is encoded once too often."},
		{"a token that was cut off", `{"location":"` + readMeURL(readMe1)[:180] + `"}`, nil, 1, "✗ form: The token has a signature part that was cut off, or changed."},
		{"a space in the deep link", "HTTP/1.1 302 Found\r\nLocation: " + docsURL + "/?redirect=quick start's&auth_token=" + token(readMe1) + "\r\n", nil, 0, "! redirect: The parameter redirect is neither a path"},
		{"a token in another parameter", "location: " + docsURL + "/?token=" + token(readMe1), []string{"-platform", "readme"}, 1, "✗ token: There is no token in the parameter auth_token."},
		{"a token in another parameter alone", docsURL + "/?token=" + token(readMe1), []string{"-platform", "readme"}, 1, "✗ token: There is no token in the parameter auth_token."},
		{"an encrypted token", docsURL + "/?auth_token=" + jwe, nil, 1, "✗ form: The token is encrypted (JWE, five parts), and platforms accept only signed tokens (JWS, three parts)."},
		{"an encrypted token alone", "token: " + jwe, []string{"-platform", "readme"}, 1, "✗ form: The token is encrypted (JWE, five parts)"},
	} {
		r := withSecret(t, test.text, append([]string{"explain", "-at", atOnce}, test.args...)...)
		r.want(t, test.code, test.want)
	}
}

func TestWhatIsNotALoginIsNamed(t *testing.T) {
	const (
		loginURL = "the input is the app's login URL, which carries no token; the response to it does. Sign in, then open it. Pass the Location of the login route's response, or its Set-Cookie line if the platform takes the token in a cookie. To find it, open Network with \"preserve log\" in the browser's developer tools, or run curl -si with the session cookie"
		signIn   = "the input is the URL of the app's sign-in page, which leads back to the login URL and carries no token. Sign in first, then open the login URL. Pass the Location"
		cookie   = "the input is a session cookie, not a token. Pass the Location"
		gorilla  = "MTcwMDAwMDAwMHxEdi1CQkFFQ180SUFBUkFCRUFBQV80SUFBQT18AAECAwQFBgcICQ=="
	)
	jwe := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"dir","enc":"A256GCM"}`)) + "..AAAA.AAAA.AAAA"
	for _, test := range []struct {
		name, text string
		args       []string
		want       string
	}{
		{"the login URL", "https://app.example.com/docs-login?redirect=/hunter2", nil, loginURL},
		{"the login URL without its scheme", "app.example.com/docs-login", nil, loginURL},
		{"the login URL, with -platform", "https://app.example.com/docs-login?redirect=/hunter2", []string{"-platform", "readme"}, loginURL},
		{"the login URL at another path", "https://app.example.com/sso/docs", []string{"-path", "/sso/docs"}, loginURL},
		{"the return URL", "https://app.example.com/docs-login?docslogin_sent=1700000000&redirect=%2Fhunter2", nil, loginURL},
		{"the login URL in an access log", `203.0.113.7 - - [14/Nov/2023:22:13:20 +0000] "GET /docs-login?redirect=%2Fhunter2 HTTP/1.1" 302 0`, nil, loginURL},
		{"the login URL in a command", "curl -sI 'https://app.example.com/docs-login?redirect=%2Fhunter2'", nil, loginURL},
		{"the sign-in URL", "https://app.example.com/sign-in?next=%2Fdocs-login%3Fredirect%3D%252Fhunter2", nil, signIn},
		{"the sign-in URL of another host", "https://login.example.com/authorize?return=https%253A%252F%252Fapp.example.com&next=%252Fdocs-login", nil, signIn},
		{"the sign-in URL with the app's own URL", "https://app.example.com/login?return_to=https%3A%2F%2Fapp.example.com%2Fdocs-login%3Fredirect%3D%252Fhunter2", nil, signIn},
		{"the sign-in URL in a response", "HTTP/1.1 302 Found\r\nLocation: /sign-in?next=%2Fdocs-login%3Fredirect%3D%252Fhunter2\r\n\r\n", nil, signIn},
		{"a page of the docs", "https://docs.example.com/quickstart#hunter2", nil, "the URL has no token where a known platform takes one; if it is a page of the docs or of the app, pass the URL to which the login route redirects (its Location) instead, or that response's Set-Cookie line"},
		{"a secret with a slash", "kAjMfBQdq7KJ/HbFO3o9ViacrxnIeDlzz=", []string{"-platform", "readme", "-docs", docsURL}, "the input is not a token"},
		{"the docs' host", "hunter2.example.com/", nil, "the URL has no token where a known platform takes one"},
		{"a secret with a dot", "abcdef0123456789.deadbeef", []string{"-platform", "readme", "-docs", docsURL}, "the input is not a token"},
		{"the library's log", "level=DEBUG msg=docslogin docslogin.outcome=logged_in docslogin.user=hunter2", nil, "the input is from the login route's log, which contains no token. Pass the Location"},
		{"a session's cookie", gorilla, nil, cookie},
		{"a session's cookie in a header", "Cookie: a=b; session=" + gorilla + "; c=d", nil, cookie},
		{"an API key", "hunter2_0123456789abcdef", nil, "the input is not a token, which begins with ey and has three parts separated by dots. It may be an API key, a secret, or a session ID. Pass the Location"},
		{"an API key, with -platform", "hunter2_0123456789abcdef", []string{"-platform", "readme"}, "the input is not a token, which begins with ey"},
		{"a key", "-----BEGIN PUBLIC KEY-----\nhunter2\n-----END PUBLIC KEY-----", nil, "the input is a key; pass it with -key-file, and a login URL or a token as the input"},
		{"an encrypted token", jwe, nil, "the token is encrypted (JWE, five parts), and platforms accept only signed tokens (JWS, three parts)"},
		{"a masked token in a log", `{"location":"https://docs.example.com/?auth_token=[hunter2]"}`, nil, "the input contains neither a login URL nor a token. Pass the Location"},
		{"a masked token", "https://docs.example.com/?auth_token=[hunter2]&redirect=%2Fa", nil, "the token is masked, shortened, or a placeholder, as in a log or a sample. Pass the Location"},
		{"a shortened token", "https://docs.example.com/?auth_token=eyJhbGciOi...", nil, "the token is masked, shortened, or a placeholder"},
		{"a shortened token in a log", `"GET /?auth_token=` + token(readMe1)[:100] + `... HTTP/1.1"`, nil, "the token is masked, shortened, or a placeholder"},
		{"a token that a log shortened to one character", `"GET /?auth_token=` + token(readMe1)[:100] + `… HTTP/1.1"`, nil, "the token is masked, shortened, or a placeholder"},
		{"a shortened token alone", "the token: " + token(readMe1)[:len(token(readMe1))-10] + "…", nil, "the token is masked, shortened, or a placeholder"},
		{"a token that a framework filtered", "https://docs.example.com/?auth_token=FILTERED", nil, "the token is masked, shortened, or a placeholder"},
		{"claims", `{"name":"hunter2"}`, nil, "the input contains neither a login URL nor a token."},
		{"two logins", login + "\n" + docsURL + "/?auth_token=" + another, nil, "the input has several different tokens; pass one login URL, such as the Location of the login route's response, or one token"},
		{"two tokens", "a: " + token(readMe1) + "\nb: " + another, []string{"-platform", "readme"}, "the input has several different tokens"},
		{"a token without its platform", "Authorization: Bearer " + another, nil, "a token alone does not say which platform it is for"},
		{"a token under another name", `{"token":"` + another + `"}`, nil, "a token alone does not say which platform it is for"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := withSecret(t, test.text, append([]string{"explain", "-at", atOnce}, test.args...)...)
			r.want(t, 2, test.want)
			r.safe(t, "hunter2", token(readMe1), another, gorilla)
		})
	}
}

func TestALargeInputIsReadQuickly(t *testing.T) {
	size := 1 << 17
	if testkit.RaceDetector { // which makes the time useless
		size = 1 << 10
	}
	for name, part := range map[string]string{
		"lines that begin like a token": "ey\n",
		"URLs in URLs":                  "https://",
		"a URL that is encoded often":   "https%3A%2F%2F%2525252525",
		"tokens":                        "eyJhIjoxfQ.e30.x ",
		"URLs with tokens":              "/?auth_token=eyJhIjoxfQ.e30.x ",
		"escapes":                       `\\\u005c`,
		"soft line breaks":              "ey=\nx",
		"quotes of a mail":              "> https://x?",
		"dots":                          "ey.",
		"names of cookies":              "gitbook-visitor-token ",
		"cookies of a request":          "gitbook-visitor-token=eyJhIjoxfQ.e30.x; ",
		"cookies in JSON":               `{"name":"gitbook-visitor-token","value":"eyJhIjoxfQ.e30.x"},`,
		"cookies of a response":         "gitbook-visitor-token=eyJhIjoxfQ.e30.x; Path=/, ",
		"lines with cookies":            "set-cookie: gitbook-visitor-token=eyJhIjoxfQ.e30.x\n",
	} {
		began := time.Now()
		q := question{input: strings.Repeat(part, size/len(part)), route: "/docs-login"}
		_, _ = q.find(rules.Platform{})
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s: %v", name, took)
		}
	}
}
