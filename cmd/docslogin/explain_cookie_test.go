package main

import (
	"strings"
	"testing"
)

// A valid cookie, as the route sets it.
var (
	gitBook1 = token(`"name":"Ada","email":"ada@example.com","iat":1700000000,"exp":1700003600`)
	fern1    = token(`"iss":"https://buildwithfern.com","iat":1700000000,"exp":1700003600,"fern":{}`)
	pair1    = "gitbook-visitor-token=" + gitBook1
	set1     = pair1 + attributes1
	headers1 = "HTTP/2 302 \r\ncache-control: private, no-store\r\nlocation: https://docs.example.com/quickstart\r\nset-cookie: session=" + another + "; Path=/; HttpOnly\r\nset-cookie: " + set1 + "\r\nvary: Cookie\r\n\r\n"
)

const attributes1 = "; Path=/; Domain=example.com; Expires=Tue, 14 Nov 2023 23:13:20 GMT; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"

// cookiePastes are texts with a login at GitBook in a valid cookie.
var cookiePastes = []struct {
	name, text string
	isSet      bool // the text says how the cookie was set
}{
	{"a Set-Cookie line", "Set-Cookie: " + set1, true},
	{"a Set-Cookie line in lower case, with a line after it", "set-cookie: " + set1 + "\nvary: Cookie\n", true},
	{"the value of a Set-Cookie line", set1, true},
	{"the value of a Set-Cookie line without blanks", strings.ReplaceAll(set1, "; ", ";"), true},
	{"a Set-Cookie line with a dot before the domain", "Set-Cookie: " + strings.Replace(set1, "=example", "=.example", 1), true},
	{"the developer tools' headers", "location:\nhttps://docs.example.com/quickstart\nset-cookie:\n" + set1 + "\nvary:\nCookie", true},
	{"curl -i", headers1, true},
	{"curl -v", "> GET /docs-login?location=quickstart HTTP/2\n> Cookie: session=x\n>\n< HTTP/2 302\n< Set-Cookie: " + set1 + "\n< Location: https://docs.example.com/quickstart\n<\n", true},
	{"curl -v of a browser that had another token", "> Cookie: gitbook-visitor-token=" + another + "\n>\n< HTTP/2 302\n< set-cookie: " + set1 + "\n<\n", true},
	{"curl -iL, from the sign-in on", strings.ReplaceAll(strings.ReplaceAll(headers1, gitBook1, token(`"iat":1699999999`)), "docs.example.com/quickstart", "app.example.com/docs-login?location=quickstart") + headers1 + "HTTP/2 200\r\nset-cookie: docs=" + another + "; Path=/\r\n\r\n", true},
	{"a terminal's lines", wrapped("set-cookie: "+set1) + "\nvary: Cookie\n", true},
	{"a terminal's lines, the last of which is full", wrapped("set-cookie: "+pair1+"; x="+strings.Repeat("x", 60-len("set-cookie: ; x="+set1)%60)+attributes1) + "\nvary: Cookie\n", true},
	{"curl -i, with the cookie after the page", "location: https://docs.example.com/quickstart\nset-cookie: " + set1 + "\n", true},
	{"the response of the sign-in page", strings.ReplaceAll(headers1, "docs.example.com/quickstart", "app.example.com/docs-login?location=quickstart"), true},
	{"several cookies in one line", "set-cookie: a=b; Path=/, " + set1 + ", c=d; Path=/c", true},
	{"Node's headers", `{ location: 'https://docs.example.com/', 'set-cookie': [ 'a=b; Path=/', '` + set1 + `' ] }`, true},
	{"Go's headers", "map[Location:[https://docs.example.com/] Set-Cookie:[" + set1 + "] Vary:[Cookie]]", true},
	{"a HAR file's headers", `{"response":{"status":302,"headers":[{"name":"set-cookie","value":"` + set1 + `"}],"cookies":[{"name":"gitbook-visitor-token","value":"` + gitBook1 + `","path":"/"}]}}`, true},
	{"JSON in a log", `{"msg":"response","headers":"Set-Cookie: ` + set1 + `\r\nVary: Cookie"}`, true},
	{"a name and a value", pair1, false},
	{"several names and values", "theme=dark; " + pair1 + "; a=b", false},
	{"a Cookie header", "Cookie: theme=dark; " + pair1 + "; path=a", false},
	{"a Cookie header with another token", "cookie: session=" + another + "; " + pair1, false},
	{"a request of curl -v", "> GET /quickstart HTTP/2\n> Host: docs.example.com\n> cookie: " + pair1 + "\n>\n", false},
	{"copy as cURL", "curl 'https://docs.example.com/quickstart' \\\n  -H 'accept: text/html' \\\n  -b 'theme=dark; " + pair1 + "' \\\n  -H 'cache-control: no-cache'", false},
	{"copy as cURL with --cookie", "curl --cookie \"" + pair1 + "\" https://docs.example.com/quickstart", false},
	{"copy as cURL with a header", "curl 'https://docs.example.com/quickstart' -H 'cookie: " + pair1 + "; a=b'", false},
	{"copy as cURL for Windows", "curl ^\"https://docs.example.com/quickstart^\" ^\n  -b ^\"theme=dark; " + pair1 + "^\" ^\n  -H ^\"accept: text/html^\"", false},
	{"copy for PowerShell", `$session.Cookies.Add((New-Object System.Net.Cookie("gitbook-visitor-token", "` + gitBook1 + `", "/", ".example.com")))`, false},
	{"a row of the developer tools' table", "gitbook-visitor-token\t" + gitBook1 + "\t.example.com\t/\t2023-11-14T23:13:20.000Z\t312\t✓\t✓\tLax\t\t\tMedium", false},
	{"rows of the developer tools' table", "session\t" + another + "\tapp.example.com\t/\tSession\t200\ngitbook-visitor-token\t" + gitBook1 + "\t.example.com\t/\n", false},
	{"that row with blanks instead of tabs", "gitbook-visitor-token  " + gitBook1 + "  .example.com  /", false},
	{"a cookie file of curl", "#HttpOnly_.example.com\tTRUE\t/\tTRUE\t1700003600\tgitbook-visitor-token\t" + gitBook1 + "\n", false},
	{"a HAR file's cookie", `{"name":"gitbook-visitor-token","value":"` + gitBook1 + `","path":"/","domain":".example.com","httpOnly":true,"secure":true,"sameSite":"Lax"}`, false},
	{"cookies in JSON", `[{"name":"session","value":"` + another + `"},{"domain":".example.com","name":"gitbook-visitor-token","path":"/","session":false,"value":"` + gitBook1 + `"}]`, false},
	{"cookies in indented JSON", "{\n  \"Request Cookies\": {\n    \"session\": \"" + another + "\",\n    \"gitbook-visitor-token\": \"" + gitBook1 + "\"\n  }\n}", false},
	{"a cookie as an object of its name", `{"Response Cookies":{"gitbook-visitor-token":{"httpOnly":true,"path":"/","value":"` + gitBook1 + `"}}}`, false},
	{"a script", `document.cookie = "` + pair1 + `"`, false},
	{"YAML", "cookies:\n  gitbook-visitor-token: " + gitBook1 + "\n", false},
}

func TestACookieIsFoundInWhatPeoplePaste(t *testing.T) {
	for _, test := range cookiePastes {
		t.Run(test.name, func(t *testing.T) {
			for _, more := range [][]string{nil, {"-platform", "gitbook-adaptive", "-cookie-domain", "example.com"}, {"-docs", "https://docs.example.com"}} {
				r := withSecret(t, test.text, append([]string{"explain", "-at", atOnce}, more...)...)
				r.want(t, 0, "GitBook adaptive, according to ", "✓ signature: ", "✓ GitBook adaptive would accept it.")
				if strings.Contains(r.out, "\n!") || strings.Contains(r.out, "✓ Domain: ") != test.isSet || strings.Contains(r.out, "Without its URL") {
					t.Errorf("%q: how the cookie was set is known: %v\n%s", more, test.isSet, r.out)
				}
				r.safe(t, gitBook1, another, "ada@example.com")
			}
			withSecret(t, test.text, "explain", "-at", atOnce).want(t, 0, "GitBook adaptive, according to the cookie gitbook-visitor-token. The token has ")
		})
	}
}

func TestTheAttributesOfACookieAreChecked(t *testing.T) {
	without := func(part string) string { return strings.Replace(set1, part, "", 1) }
	for _, test := range []struct {
		name, text string
		args       []string
		code       int
		want       string
	}{
		{"no Domain", without("; Domain=example.com"), nil, 1, "✗ Domain: The cookie gitbook-visitor-token has no Domain, so browsers send it only to the host that set it."},
		{"another domain than the docs'", set1, []string{"-docs", "https://docs.example.org"}, 1, `✗ Domain: The cookie gitbook-visitor-token has the Domain "example.com", but the docs' host "docs.example.org" is not under it`},
		{"another domain than that of the page to which the response leads", strings.Replace(headers1, "Domain=example.com", "Domain=example.org", 1), nil, 1, `the docs' host "docs.example.com" is not under it`},
		{"another path", strings.Replace(set1, "Path=/", "Path=/docs-login", 1), nil, 1, "✗ Path: The cookie gitbook-visitor-token does not have Path=/"},
		{"no Secure", without("; Secure"), nil, 0, "! Secure: "},
		{"no HttpOnly", without("; HttpOnly"), nil, 0, "! HttpOnly: "},
		{"SameSite=Strict", strings.Replace(set1, "Lax", "Strict", 1), nil, 0, "! SameSite: The cookie gitbook-visitor-token is SameSite=Strict"},
		{"a cookie that ends after its token", strings.Replace(set1, "3600", "7200", 1), nil, 0, "! Max-Age: The cookie gitbook-visitor-token expires 1h0m0s after its token"},
		{"4,096 bytes", set1 + "; x=" + strings.Repeat("x", 4096-len(set1+"; x=")), nil, 1, "✗ length: The cookie gitbook-visitor-token is 4096 bytes long with its attributes"},
		{"no attributes", "Set-Cookie: " + pair1, nil, 1, "✗ Domain: "},
		{"a parameter that GitBook reads first, in the page to which the response leads", strings.Replace(headers1, "/quickstart", "/quickstart?access_token=hunter2", 1), nil, 1, "✗ access_token: The parameter access_token came with the token"},
		{"that, in an earlier response", strings.NewReplacer(set1, "a=b", "quickstart", "?access_token=hunter2").Replace(headers1) + strings.Replace(headers1, "quickstart", "reference", 1), nil, 0, "✓ length: The URL is 34 bytes long."},
		{"that, in a later response", "HTTP/2 303\nset-cookie: " + set1 + "\nlocation: /\n\n" + strings.NewReplacer(set1, "a=b", "quickstart", "?access_token=hunter2").Replace(headers1), nil, 0, "✓ Domain: "},
		{"that, in the response of another host", strings.Replace(headers1, "/quickstart", "/quickstart?access_token=hunter2", 1), []string{"-docs", "https://help.example.com"}, 0, "✓ Domain: "},
		{"two cookies of the name", "Cookie: " + pair1 + "; gitbook-visitor-token=" + another, nil, 1, "✗ cookie: The browser sent 2 cookies named gitbook-visitor-token"},
		{"two cookies of the name, without the header's name", pair1 + "; a=b; gitbook-visitor-token=" + another, nil, 1, "✗ cookie: The browser sent 2 cookies named gitbook-visitor-token"},
		{"two cookies of the name, in a command", "curl https://docs.example.com -b '" + pair1 + "; gitbook-visitor-token=" + another + "'", nil, 1, "✗ cookie: "},
		{"the cookie of a login that GitBook reads first", "cookie: gitbook-visitor-token~a1=hunter2; " + pair1, nil, 1, "✗ cookie: GitBook adaptive reads the cookie gitbook-visitor-token~… instead"},
		{"an old token", set1, []string{"-at", "2023-11-14T23:23:20Z"}, 1, "✗ GitBook adaptive would reject it at 2023-11-14T23:23:20Z because of exp. At the time of its iat, 2023-11-14T22:13:20Z, it would accept it."},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := withSecret(t, test.text, append([]string{"explain", "-at", atOnce}, test.args...)...)
			r.want(t, test.code, test.want)
			r.safe(t, gitBook1, another, "ada@example.com", "hunter2")
		})
	}
}

// Fern also reads the token from a cookie. After a login, its docs set that cookie themselves, without a
// Domain.
func TestFernsCookie(t *testing.T) {
	for text, want := range map[string]string{
		"Cookie: fern_token=" + fern1: "Fern, according to the cookie fern_token.",
		"Set-Cookie: fern_token=" + fern1 + attributes1 + "\nLocation: https://docs.example.com/quickstart": "✓ Domain: ",
		"fern_token=" + fern1 + attributes1:                              "✓ Domain: ",
		"Set-Cookie: fern_token=" + fern1 + "; Path=/; HttpOnly":         "Fern, according to the cookie fern_token.",
		"curl 'https://docs.example.com/' -b 'fern_token=" + fern1 + "'": "Fern, according to the cookie fern_token.",
		`{"name":"fern_token","value":"` + fern1 + `"}`:                  "Fern, according to the cookie fern_token.",
		"fern_token\t" + fern1 + "\t.example.com":                        "Fern, according to the cookie fern_token.",
		"fern_token=" + fern1:                                            "Fern, according to the parameter fern_token.",
		"https://docs.example.com/api/fern-docs/auth/jwt/callback?fern_token=" + fern1 + "\nset-cookie: " + set1:       "Fern, according to the parameter fern_token at /api/fern-docs/auth/jwt/callback.",
		"POST /api/fern-docs/auth/jwt/callback HTTP/1.1\nHost: docs.example.com\n\nfern_token=" + fern1 + "&state=%2F": "Fern, according to the parameter fern_token.",
	} {
		r := withSecret(t, text, "explain", "-at", atOnce)
		r.want(t, 0, want, "✓ Fern would accept it.")
		if r.safe(t, fern1, gitBook1); strings.Contains(r.out, "\n!") {
			t.Errorf("a warning:\n%s", r.out)
		}
	}
}

func TestWhatIsNotACookieWithATokenIsNamed(t *testing.T) {
	const pass = " Pass the Location of the login route's response, or its Set-Cookie line"
	for _, test := range []struct {
		name, text string
		args       []string
		want       string
	}{
		{"the page to which the route leads", "https://docs.example.com/quickstart", []string{"-platform", "gitbook-adaptive"}, "GitBook adaptive takes the token in the cookie gitbook-visitor-token, so it is not in the URL; pass the Set-Cookie line of the login route's response, or the token itself"},
		{"the page to which the route leads, without -platform", "https://docs.example.com/quickstart", nil, "pass the URL to which the login route redirects (its Location) instead, or that response's Set-Cookie line"},
		{"a URL with a token", "https://docs.example.com/?jwt_token=" + gitBook1, []string{"-platform", "gitbook-adaptive"}, "so it is not in the URL"},
		{"a response that removes the cookie", "Set-Cookie: gitbook-visitor-token=; Path=/; Domain=example.com; Max-Age=0", nil, "the cookie gitbook-visitor-token is empty, as in a response that removes it." + pass},
		{"a masked cookie", "Cookie: gitbook-visitor-token=[hunter2]; a=b", nil, "the token is masked, shortened, or a placeholder"},
		{"a shortened cookie", "gitbook-visitor-token=eyJhbGciOi…", nil, "the token is masked, shortened, or a placeholder"},
		{"something else in the cookie", "Cookie: a=b; gitbook-visitor-token=hunter2", nil, "the cookie gitbook-visitor-token contains no token, which begins with ey and has three parts separated by dots." + pass},
		{"a cookie with a longer name", "Cookie: my-gitbook-visitor-token=" + gitBook1, nil, "a token alone does not say which platform it is for"},
		{"two cookies in a sentence", "The old one is " + pair1 + "; the new one is gitbook-visitor-token=" + another, nil, "the input has several different tokens"},
		{"two requests with different tokens", "Cookie: " + pair1 + "\nCookie: gitbook-visitor-token=" + another, nil, "the input has several different tokens"},
		{"a token in the Domain", pair1 + "; Domain=" + another, nil, "the cookie has a token in its Domain"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := withSecret(t, test.text, append([]string{"explain", "-at", atOnce}, test.args...)...)
			r.want(t, 2, test.want)
			r.safe(t, "hunter2", gitBook1, another)
		})
	}
}
