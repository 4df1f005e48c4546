package page_test

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/docslogin/docslogin/internal/page"
	"github.com/docslogin/docslogin/internal/testkit"
)

// write writes an error page for a client that sends these Accept headers.
func write(e page.Error, status int, accept ...string) *httptest.ResponseRecorder {
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/docs-login", nil)
	for _, value := range accept {
		r.Header.Add("Accept", value)
	}
	e.Write(w, r, status)
	return w
}

// writeForm writes a form page.
func writeForm(action string, fields [][2]string, origins string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	page.WriteForm(w, action, fields, origins)
	return w
}

// hashOf returns the name in a policy of a page's one inline style or script (CSP Level 3, section
// 2.3.1).
func hashOf(t *testing.T, body, element string) string {
	t.Helper()
	found := regexp.MustCompile("(?s)<"+element+">(.*?)</"+element+">").FindAllStringSubmatch(body, -1)
	if len(found) != 1 {
		t.Fatalf("%d of <%s> in\n%s", len(found), element, body)
	}
	sum := sha256.Sum256([]byte(found[0][1]))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// withoutStyle returns a page with STYLE in place of its style.
func withoutStyle(body string) string {
	return regexp.MustCompile("(?s)<style>.*</style>").ReplaceAllString(body, "STYLE")
}

func TestSetHeaders(t *testing.T) {
	want := http.Header{
		"Cache-Control":          {"private, no-store, max-age=0"},
		"Pragma":                 {"no-cache"},
		"Referrer-Policy":        {"no-referrer"},
		"X-Content-Type-Options": {"nosniff"},
	}
	for name, h := range map[string]http.Header{
		"no headers yet": {},
		"headers of a handler around it": {
			"Cache-Control": {"public", "max-age=60"}, "Referrer-Policy": {"unsafe-url"},
		},
	} {
		page.SetHeaders(h)
		if !maps.EqualFunc(h, want, slices.Equal) {
			t.Errorf("%s: got %v", name, h)
		}
		h.Add("Pragma", "x") // a handler adds to its own response alone
	}
}

// The text for the visitor, as plain text: what happened, and what to do.
func TestTheWordsOfEachPage(t *testing.T) {
	const (
		signIn  = "/sign-in?next=%2Fdocs-login"
		aFault  = "Something went wrong\n\nYou could not be logged in to the documentation because of a fault on this site.\nTry again in a minute. If it happens again, tell the site’s owner.\n\n"
		lacking = "Your account is not complete\n\nThe documentation needs something that your account here does not have"
	)
	for _, tt := range []struct {
		page page.Error
		want string
	}{
		{page.Error{Outcome: "no_user"},
			"You are not signed in\n\nThe documentation is for users who are signed in here.\nSign in first, then open the documentation again.\n\n"},
		{page.Error{Outcome: "loop", SignInURL: signIn},
			"Signing in did not work\n\nYou came back from the sign-in page, but you are not signed in. Either you did not finish signing in, or your browser does not keep this site’s cookies.\nSign in again. If that does not help, allow cookies for this site, or tell the site’s owner.\n/sign-in?next=%2Fdocs-login\n"},
		{page.Error{Outcome: "no_user", SessionRejected: true},
			"You are not signed in\n\nYour session on this site has ended, or the site does not accept it.\nSign in again, then open the documentation again.\n\n"},
		{page.Error{Outcome: "loop", SessionRejected: true, SignInURL: signIn},
			"Signing in did not work\n\nYou came back from the sign-in page, but you are not signed in. Either you did not finish signing in, or this site does not accept your session.\nSign in again. If that does not help, tell the site’s owner, who can see the cause in the log.\n/sign-in?next=%2Fdocs-login\n"},
		{page.Error{Outcome: "method", SessionRejected: true},
			"This address is a link\n\nIt logs you in to the documentation when you open it, and does nothing else.\nGo to the documentation and log in from there.\n\n"},
		{page.Error{Outcome: "forbidden", SignInURL: signIn},
			"You may not read this documentation\n\nYou are signed in, but your account has no access to it.\nSign in with another account, or ask the site’s owner for access.\n/sign-in?next=%2Fdocs-login\n"},
		{page.Error{Outcome: "incomplete_user", Missing: []string{"name", "email or id"}},
			lacking + ": name, email or id.\nAdd it to your account and try again, or tell the site’s owner.\n\n"},
		{page.Error{Outcome: "incomplete_user", SignInURL: signIn},
			lacking + ".\nAdd it to your account and try again, or tell the site’s owner.\n/sign-in?next=%2Fdocs-login\n"},
		{page.Error{Outcome: "too_large"},
			"Your account is too large for the documentation\n\nThe details of your account do not fit into a link to the documentation.\nTell the site’s owner, who can see in the log what is too large.\n\n"},
		{page.Error{Outcome: "lookup_failed"}, aFault},
		{page.Error{Outcome: "mapper_failed"}, aFault},
		{page.Error{Outcome: "reserved_claim"}, aFault},
		{page.Error{Outcome: "sign_failed"}, aFault},
		{page.Error{Outcome: "panic"}, aFault},
		{page.Error{Outcome: "an outcome that a lookup made up"}, aFault},
		{page.Error{}, aFault},
	} {
		w := write(tt.page, 418, "text/plain")
		if w.Body.String() != tt.want {
			t.Errorf("%+v:\ngot  %q\nwant %q", tt.page, w.Body, tt.want)
		}
		if headers := (http.Header{"Content-Type": {"text/plain; charset=utf-8"}}); w.Code != 418 || !maps.EqualFunc(w.Header(), headers, slices.Equal) {
			t.Errorf("%+v: %d, %v", tt.page, w.Code, w.Header())
		}
	}
}

func TestAnErrorPageInFull(t *testing.T) {
	const head = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>You may not read this documentation</title>
STYLE
</head>
<body>
<main>
<h1>You may not read this documentation</h1>
<p>You are signed in, but your account has no access to it.</p>
<p>Sign in with another account, or ask the site’s owner for access.</p>
`
	const foot = "</main>\n</body>\n</html>\n"
	for name, tt := range map[string]struct{ signInURL, want string }{
		"with a link":    {"/sign-in?a=1&next=%2Fdocs-login", head + `<a href="/sign-in?a=1&amp;next=%2Fdocs-login">Sign in</a>` + "\n" + foot},
		"without a link": {"", head + foot},
	} {
		w := write(page.Error{Outcome: "forbidden", SignInURL: tt.signInURL}, 403, "text/html")
		body := w.Body.String()
		if got := withoutStyle(body); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, tt.want)
		}
		headers := http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Content-Security-Policy": {
			"default-src 'none'; style-src " + hashOf(t, body, "style") + "; script-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}}
		if w.Code != 403 || !maps.EqualFunc(w.Header(), headers, slices.Equal) {
			t.Errorf("%s: %d, %v\nwant %v", name, w.Code, w.Header(), headers)
		}
	}
}

func TestAnErrorPageEscapesWhatItNames(t *testing.T) {
	for name, tt := range map[string]struct {
		page page.Error
		want string
	}{
		"a claim":            {page.Error{Outcome: "incomplete_user", Missing: []string{"<script>", `"a" & 'b'`}}, "<p>The documentation needs something that your account here does not have: &lt;script&gt;, &#34;a&#34; &amp; &#39;b&#39;.</p>"},
		"the sign-in page":   {page.Error{SignInURL: `/sign-in?"><script>=%2Fa&b='`}, `<a href="/sign-in?%22%3e%3cscript%3e=%2Fa&amp;b=%27">Sign in</a>`},
		"a script in a link": {page.Error{SignInURL: "javascript:alert(1)"}, `<a href="#ZgotmplZ">Sign in</a>`},
	} {
		body := write(tt.page, 403, "text/html").Body.String()
		if !strings.Contains(body, tt.want) || strings.Contains(body, "<script>") {
			t.Errorf("%s: want %s, got\n%s", name, tt.want, body)
		}
	}
}

func TestWhoGetsHTML(t *testing.T) {
	for _, tt := range []struct {
		name   string
		accept []string
		html   bool
	}{
		{"a client that does not say", nil, true},
		{"a client that says nothing", []string{""}, true},
		{"a client with an Accept header over 8 KiB", []string{"application/json," + strings.Repeat("x", 8192)}, true},
		{"a client with an Accept header of 8 KiB", []string{"application/json," + strings.Repeat("x", 8173)}, false},
		{"a client with an Accept header over 8 KiB on many lines", slices.Repeat([]string{"application/json"}, 1000), true},
		{"curl", []string{"*/*"}, true},
		{"Chromium", []string{"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8"}, true},
		{"Firefox", []string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, true},
		{"HTML", []string{"text/html"}, true},
		{"HTML in capitals", []string{"TEXT/HTML"}, true},
		{"any text", []string{"text/*;q=0.1"}, true},
		{"HTML after JSON, in a second header", []string{"application/json", "text/html;q=0.2"}, true},
		{"HTML before JSON, in a first header", []string{"text/html", "application/json"}, true},
		{"HTML with a quality, which is not read", []string{"text/html;q=0, */*"}, true},
		{"JSON", []string{"application/json"}, false},
		{"plain text", []string{"text/plain"}, false},
		{"two types without HTML", []string{"application/json", "text/plain"}, false},
		{"what is not a media type", []string{";;"}, false},
	} {
		w := write(page.Error{Outcome: "forbidden", SignInURL: "/sign-in"}, 403, tt.accept...)
		contentType, begins := "text/plain; charset=utf-8", "You may not read this documentation\n\n"
		if tt.html {
			contentType, begins = "text/html; charset=utf-8", "<!doctype html>"
		}
		if got := w.Header().Get("Content-Type"); got != contentType || !strings.HasPrefix(w.Body.String(), begins) {
			t.Errorf("%s: %s\n%s", tt.name, got, w.Body)
		}
	}
}

// The page submits its form and allows nothing else.
func TestTheFormPageInFull(t *testing.T) {
	const token = "eyJhbGciOiJIUzI1NiJ9.e30.c2ln-X_"
	const want = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Logging in to the documentation</title>
STYLE
</head>
<body>
<main>
<h1>Logging in to the documentation</h1>
<form method="post" action="https://acme.example.com/access/jwt?brand_id=1&amp;locale_id=2">
<input type="hidden" name="jwt" value="` + token + `">
<input type="hidden" name="return_to" value="/hc">
<button>Continue</button>
</form>
</main>
<script>HTMLFormElement.prototype.submit.call(document.forms[0])</script>
</body>
</html>
`
	w := writeForm("https://acme.example.com/access/jwt?brand_id=1&locale_id=2", [][2]string{{"jwt", token}, {"return_to", "/hc"}},
		"https://acme.example.com https://help.example.com")
	body := w.Body.String()
	if got := withoutStyle(body); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if strings.Count(body, token) != 1 {
		t.Errorf("the token is there %d times", strings.Count(body, token))
	}
	headers := http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Content-Security-Policy": {
		"default-src 'none'; style-src " + hashOf(t, body, "style") + "; script-src " + hashOf(t, body, "script") +
			"; base-uri 'none'; form-action https://acme.example.com https://help.example.com; frame-ancestors 'none'"}}
	if w.Code != 200 || !maps.EqualFunc(w.Header(), headers, slices.Equal) {
		t.Errorf("%d, %v\nwant %v", w.Code, w.Header(), headers)
	}
}

// Whatever the fields and the action contain, the form sends exactly that, and the page has no
// additional tag or attribute.
func TestAFormSendsWhatItIsGiven(t *testing.T) {
	const evil = `"><script>alert(1)</script>&'x'=<!--&amp;`
	const tags = `<form method="" action=""><input type="" name="" value=""><button></button></form></main><script></script></body></html>`
	for _, tt := range []struct {
		name, action string
		field        [2]string
		want         string
	}{
		{"a field with quotes and tags", "https://a.example/sso", [2]string{"jwt", evil},
			"POST https://a.example/sso jwt=%22%3E%3Cscript%3Ealert%281%29%3C%2Fscript%3E%26%27x%27%3D%3C%21--%26amp%3B"},
		{"a name with quotes and tags", "https://a.example/sso", [2]string{`"><b>`, "x"}, `POST https://a.example/sso "><b>=x`},
		{"a name that hides the form's own method", "https://a.example/sso", [2]string{"submit", "x"}, "POST https://a.example/sso submit=x"},
		{"an empty field", "https://a.example/sso", [2]string{"jwt", ""}, "POST https://a.example/sso jwt="},
		{"an action with quotes and tags", `https://a.example/sso?b="><script>`, [2]string{"jwt", "x"}, "POST https://a.example/sso?b=%22%3e%3cscript%3e jwt=x"},
		{"an action with escapes", "https://a.example/sso?b=%22%26%3Cc%3E&d=e#f", [2]string{"jwt", "x"}, "POST https://a.example/sso?b=%22%26%3Cc%3E&d=e#f jwt=x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := writeForm(tt.action, [][2]string{tt.field}, "https://a.example")
			body := regexp.MustCompile(`"[^"]*"`).ReplaceAllString(w.Body.String(), `""`)
			form := regexp.MustCompile(`<[^<>]*>`).FindAllString(body[strings.Index(body, "<form"):], -1)
			if got := strings.Join(form, ""); got != tags {
				t.Errorf("the page has the tags\n%s\nwant\n%s", got, tags)
			}
			if got := testkit.Sent(t, w.Result()); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
