package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin/internal/presets"
	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/platforms"
)

// checks are calls of docslogin check, each with its exit code and its output.
var checks = []struct {
	name string
	args []string
	code int
	want string // lines
}{
	{"all is fine", forReadMe("check", "-key-env", "SECRET", "-sign-in-page", "/sign-in", "-sign-in-param", "return", "-external-url", "https://app.example.com", "-path", "/docs", "-token-ttl", "1m"), 0, `ReadMe
✓ -docs: Links and tokens can go there.
✓ -key-env: A trial signature with HS256 was made and verified.
✓ -path: The login route is /docs.
✓ -sign-in-page: Visitors who are not signed in go there, with the return URL in the parameter return.
✓ -external-url: The app's own URLs begin with it.
✓ -token-ttl: The platform accepts tokens with this lifetime.
`},
	{"no key, as with a key service", []string{"check", "-platform", "canny", "-docs", "https://feedback.example.com", "-company", "acme"}, 0, `Canny
✓ -docs: Links and tokens can go there.
! -key-env: Not checked, because no key was given.
  → Set -key-file or -key-env.
✓ -company: The preset accepts it.
✓ -path: The login route is /docs-login.
`},
	{"Fern with another issuer", []string{"check", "-platform", "fern", "-docs", "https://docs.example.com", "-issuer", "https://app.example.com", "-session-ttl", "48h", "-key-env", "SECRET"}, 0, `Fern
✓ -docs: Links and tokens can go there.
✓ -key-env: A trial signature with HS256 was made and verified.
✓ -issuer: The preset accepts it.
✓ -path: The login route is /docs-login.
✓ -session-ttl: The platform accepts docs sessions of this length.
`},
	{"Zendesk's URL with a slash", []string{"check", "-platform", "zendesk", "-docs", "https://acme.zendesk.com/", "-key-env", "SECRET"}, 0, `Zendesk
✓ -docs: Links and tokens can go there.
✓ -key-env: A trial signature with HS256 was made and verified.
✓ -path: The login route is /docs-login.
`},
	{"almost everything is wrong", []string{"check", "-platform", "mintlify", "-docs", "http://docs.example.com", "-key-env", "SECRET", "-path", "/", "-sign-in-page", "https://login.example.com/", "-sign-in-param", "", "-token-ttl", "1m", "-session-ttl", "0s"}, 1, `Mintlify
✗ -docs must be https; http is only for a loopback host such as localhost, because the token would travel in clear (Platform.InsecureHTTP allows that).
✗ -key-env cannot be used: the text looks like a shared secret, not a private key in PEM; check that the key and the preset are for the same platform, and that the arguments are in the right order.
✗ -path is /, where the app's home page is; set it to a path such as /docs-login.
✗ -sign-in-page needs the name of the parameter that carries the return URL.
✗ -sign-in-page must be a path of the app such as "/sign-in", or an http(s) URL together with -external-url.
✗ -token-ttl is 1m0s; it must be from 1s to 10s.
✗ -session-ttl is 0s; it must be from 1s to 8784h0m0s.
`},
	{"no company for Canny", []string{"check", "-platform", "canny", "-docs", "https://feedback.example.com", "-key-env", "SECRET"}, 1, `Canny
✓ -docs: Links and tokens can go there.
✓ -key-env: A trial signature with HS256 was made and verified.
✗ -company has no value for the parameter "companyID"; set it.
✓ -path: The login route is /docs-login.
`},
	{"a help center under another name, and its account's subdomain alone", []string{"check", "-platform", "zendesk", "-docs", "https://help.example.com", "-account", "acme", "-key-env", "SECRET"}, 1, `Zendesk
✓ -docs: Links and tokens can go there.
✓ -key-env: A trial signature with HS256 was made and verified.
✗ -account must be the account's own URL, such as https://acme.zendesk.com: in lower case, with nothing after .zendesk.com.
✓ -path: The login route is /docs-login.
`},
	{"a help center that is not a URL, and its account", []string{"check", "-platform", "zendesk", "-docs", "help", "-account", "https://acme.zendesk.com", "-key-env", "SECRET"}, 1, `Zendesk
✗ -docs does not begin with https://; set it to an absolute URL such as https://docs.example.com.
✓ -key-env: A trial signature with HS256 was made and verified.
✓ -account: The preset accepts it.
✓ -path: The login route is /docs-login.
`},
	{"Zendesk's subdomain alone", []string{"check", "-platform", "zendesk", "-docs", "acme", "-key-env", "SECRET"}, 1, `Zendesk
✗ -docs must be the account's own URL, such as https://acme.zendesk.com: in lower case, with nothing after .zendesk.com.
✓ -key-env: A trial signature with HS256 was made and verified.
✓ -path: The login route is /docs-login.
`},
	{"a cookie's domain", forAdaptive("-cookie-domain", "example.com"), 0, adaptive(`✓ -cookie-domain: The docs are under it. The app must be, too.
`, "")},
	{"a cookie's domain, and the app's own URL", forAdaptive("-cookie-domain", "example.com", "-external-url", "https://app.example.com"), 0, adaptive(`✓ -cookie-domain: The docs and the app are under it.
`, `✓ -external-url: The app's own URLs begin with it.
`)},
	{"no domain for the cookie", forAdaptive(), 1, adaptive(`✗ -cookie-domain is empty; set it to the parent domain that the app and the docs share, such as example.com.
`, "")},
	{"a URL as the cookie's domain", forAdaptive("-cookie-domain", "https://example.com"), 1, adaptive(`✗ -cookie-domain has a scheme, a port, a path, or white space; set it to the parent domain that the app and the docs share, such as example.com.
`, "")},
	{"a top-level domain as the cookie's domain", forAdaptive("-cookie-domain", "com"), 1, adaptive(`✗ -cookie-domain is a domain without a dot, which browsers reject; set it to the parent domain that the app and the docs share, such as example.com, or acme.localhost on this machine.
`, "")},
	{"a cookie's domain that no host has", forAdaptive("-cookie-domain", "..com"), 1, adaptive(`✗ -cookie-domain is not valid; set it to the parent domain that the app and the docs share, such as example.com, in punycode (xn--…) if it has non-ASCII characters.
`, "")},
	{"docs under another domain", forAdaptive("-cookie-domain", "example.org"), 1, adaptive(`✗ -cookie-domain is not a parent of the docs' host, so browsers would not send the cookie to the docs; set it to the parent domain that the app and the docs share.
`, "")},
	{"an app under another domain", forAdaptive("-cookie-domain", "example.com", "-external-url", "https://app.example.org"), 1, adaptive(`✗ -cookie-domain is not a parent of the app's host in -external-url, so browsers would reject the cookie; set it to the parent domain that the app and the docs share.
`, `✓ -external-url: The app's own URLs begin with it.
`)},
	{"an app on http", forAdaptive("-cookie-domain", "example.com", "-external-url", "http://app.example.com"), 1, adaptive(`! -cookie-domain: Not checked, because -docs or -external-url is wrong.
  → Correct that URL first.
`, `✗ -external-url is on http, where browsers reject the token's cookie, because it is Secure; use https.
`)},
	{"docs that are not a URL, and a cookie's domain", []string{"check", "-platform", "gitbook-adaptive", "-docs", "docs", "-cookie-domain", "example.com", "-key-env", "SECRET"}, 1, `GitBook adaptive
✗ -docs does not begin with https://; set it to an absolute URL such as https://docs.example.com.
✓ -key-env: A trial signature with HS256 was made and verified.
! -cookie-domain: Not checked, because -docs or -external-url is wrong.
  → Correct that URL first.
✓ -path: The login route is /docs-login.
`},
	{"an external URL that is not a URL", forReadMe("check", "-key-env", "SECRET", "-external-url", "app.example.com"), 1, `ReadMe
✓ -docs: Links and tokens can go there.
✓ -key-env: A trial signature with HS256 was made and verified.
✓ -path: The login route is /docs-login.
✗ -external-url does not begin with https://; set it to an absolute URL such as https://docs.example.com.
`},
}

// forAdaptive returns a call of check for GitBook's adaptive content, with the flags that every such call
// needs, except -cookie-domain.
func forAdaptive(more ...string) []string {
	return append([]string{"check", "-platform", "gitbook-adaptive", "-docs", "https://docs.example.com", "-key-env", "SECRET"}, more...)
}

// adaptive returns what such a call prints.
func adaptive(cookieDomain, externalURL string) string {
	return `GitBook adaptive
✓ -docs: Links and tokens can go there.
✓ -key-env: A trial signature with HS256 was made and verified.
` + cookieDomain + `✓ -path: The login route is /docs-login.
` + externalURL
}

func TestTheConfigurationIsChecked(t *testing.T) {
	for _, test := range checks {
		t.Run(test.name, func(t *testing.T) {
			env := map[string]string{"SECRET": secret}
			r := call(t, "", env, test.args...)
			if r.code != test.code || r.out != test.want || r.errs != "" {
				t.Errorf("exit code %d\n%s%s\nwant %d\n%s", r.code, r.out, r.errs, test.code, test.want)
			}
			r = call(t, "", env, append(test.args, "-json")...)
			var got struct {
				Platform string
				Accepted *bool
				Findings []rules.Finding
			}
			if err := json.Unmarshal([]byte(r.out), &got); err != nil || strings.Count(r.out, "\n") != 1 || r.code != test.code {
				t.Fatalf("%v, exit code %d: %s", err, r.code, r.out)
			}
			for _, f := range got.Findings {
				if !strings.Contains(test.want, f.Why) || !strings.Contains(test.want, f.Fix) || !strings.Contains(test.want, f.Rule) {
					t.Errorf("%+v", f)
				}
			}
			if got.Accepted == nil || *got.Accepted != (test.code == 0) || !strings.HasPrefix(test.want, got.Platform+"\n") {
				t.Errorf("%s", r.out)
			}
		})
	}
}

func TestAConfigurationErrorWithoutAFlagIsPrinted(t *testing.T) {
	p := platforms.ReadMe("https://docs.example.com", secret)
	p.MaxTokenBytes = -1
	last := rules.Finding{}
	for _, f := range (&settings{}).check(presets.Preset{}, p, true) {
		last = f
	}
	if last.OK || last.Why != "Platform.MaxTokenBytes is negative; 0 means no limit." {
		t.Errorf("%+v", last)
	}
}

// server starts a server whose clock is off.
func server(t *testing.T, off time.Duration, more func(http.ResponseWriter, *http.Request)) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodHead || len(r.Cookies()) != 0 || r.Header.Get("Authorization") != "" {
			t.Errorf("%s with %v", r.Method, r.Header)
		}
		w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
		if more != nil {
			more(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestTheClockIsCompared(t *testing.T) {
	silent := server(t, 0, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	redirect := server(t, time.Hour, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", silent)
		w.WriteHeader(http.StatusFound)
	})
	noDate := server(t, 0, func(w http.ResponseWriter, _ *http.Request) { w.Header()["Date"] = nil })
	cached := server(t, -2*time.Hour, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Age", "3600") })
	for _, test := range []struct {
		name, platform, url string
		args                []string
		code                int
		want                string
	}{
		{"in time", "readme", server(t, 0, nil), nil, 0, "\n✓ -clock: "},
		{"an hour behind", "readme", redirect, nil, 1, "\n✗ -clock: This machine's clock is 1h0m"},
		{"an hour ahead, without a limit of ReadMe", "readme", server(t, -time.Hour, nil), nil, 0, "\n! -clock: This machine's clock is "},
		{"an hour ahead of Mintlify", "mintlify", server(t, -time.Hour, nil), nil, 1, " ahead of the server's, give or take "},
		{"what Mintlify accepts", "mintlify", server(t, -10*time.Minute, nil), nil, 1, "Mintlify accepts a clock that is at most 1s ahead of its own.\n  → Synchronize the clock with NTP."},
		{"a wrong time zone", "mintlify", server(t, 2*time.Hour, nil), nil, 1, " That is a whole number of hours, as if the machine mixed up local time and UTC.\n  → Correct the machine's time zone, and keep its hardware clock in UTC (timedatectl set-local-rtc 0)."},
		{"a minute behind, with a session of an hour", "gitbook", server(t, time.Minute, nil), nil, 0, "\n✓ -clock: This machine's clock is "},
		{"an hour behind, with a session of a minute", "gitbook", server(t, time.Hour, nil), []string{"-session-ttl", "1m"}, 1, "GitBook accepts a clock that is at most 1m0s behind its own."},
		{"an hour behind, with a token of two hours", "readme", server(t, time.Hour, nil), []string{"-token-ttl", "2h"}, 0, "\n! -clock: This machine's clock is "},
		{"an hour ahead of Zendesk", "zendesk", server(t, -time.Hour, nil), nil, 1, "Zendesk accepts a clock that is at most 3m0s ahead of its own."},
		{"a cached response, an hour old", "metabase", cached, nil, 0, "\n! -clock: This machine's clock is "},
		{"a cached response, behind", "metabase", server(t, 0, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Age", "3600") }), nil, 1, "Metabase accepts a clock that is at most 3m0s behind its own."},
		{"no Date", "readme", noDate, nil, 0, "\n! -clock: The server's response has no Date.\n  → Try another server's URL"},
		{"no response", "readme", silent, nil, 0, "\n! -clock: The server did not respond"},
		{"an invalid port", "readme", "http://127.0.0.1:99999", nil, 0, "\n! -clock: The server did not respond"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := call(t, "", nil, append([]string{"check", "-platform", test.platform, "-docs", "https://docs.example.com", "-clock", test.url}, test.args...)...)
			r.want(t, test.code, test.want)
		})
	}
}

func TestClocksAreJudged(t *testing.T) {
	const s = time.Second
	for _, test := range []struct {
		name        string
		ahead, more time.Duration
		platform    rules.Platform
		lifetime    time.Duration
		mark, why   string
	}{
		{"less than the margin", s / 2, s / 2, rules.Mintlify(), 10 * s, "✓", "This machine's clock and the server's agree to within about 1s."},
		{"less than the margin of a slow response", 2 * s, 3 * s, rules.Mintlify(), 10 * s, "✓", "This machine's clock and the server's agree to within about 3s."},
		{"more than a second ahead", 2 * s, s / 2, rules.Mintlify(), 10 * s, "✗", "This machine's clock is 2s ahead of the server's, give or take 1s. Mintlify accepts a clock that is at most 1s ahead of its own."},
		{"perhaps more than a second ahead", 1200 * time.Millisecond, s / 2, rules.Mintlify(), 10 * s, "!", "This machine's clock is 1s ahead of the server's, give or take 1s. Mintlify accepts a clock that is at most 1s ahead of its own."},
		{"two seconds ahead, with a token of five", 2 * s, s / 2, rules.Mintlify(), 5 * s, "✓", "This machine's clock is 2s ahead of the server's, give or take 1s."},
		{"nine seconds behind", -9 * s, s / 2, rules.Mintlify(), 10 * s, "✓", "This machine's clock is 9s behind the server's, give or take 1s."},
		{"about ten seconds behind", -10 * s, s / 2, rules.Mintlify(), 10 * s, "!", "This machine's clock is 10s behind the server's, give or take 1s. Mintlify accepts a clock that is at most 10s behind its own."},
		{"more than ten seconds behind", -12 * s, s / 2, rules.Mintlify(), 10 * s, "✗", "This machine's clock is 12s behind the server's, give or take 1s. Mintlify accepts a clock that is at most 10s behind its own."},
		{"a slow response", -12 * s, 3 * s, rules.Mintlify(), 10 * s, "!", "This machine's clock is 12s behind the server's, give or take 3s. Mintlify accepts a clock that is at most 10s behind its own."},
		{"a minute ahead, without a limit", 60 * s, s, rules.ReadMe(), 300 * s, "✓", "This machine's clock is 1m0s ahead of the server's, give or take 1s."},
		{"India's hours behind", -330 * time.Minute, s, rules.ReadMe(), 300 * s, "✗", "This machine's clock is 5h30m0s behind the server's, give or take 1s. ReadMe accepts a clock that is at most 5m0s behind its own. That is a multiple of 30 minutes, as if the machine mixed up local time and UTC."},
		{"eight hours ahead, without a limit", 8 * time.Hour, s, rules.ReadMe(), 300 * s, "!", "This machine's clock is 8h0m0s ahead of the server's, give or take 1s. That is a whole number of hours, as if the machine mixed up local time and UTC."},
		{"a year ahead, without a limit", 8760 * time.Hour, s, rules.ReadMe(), 300 * s, "!", "This machine's clock is 8760h0m0s ahead of the server's, give or take 1s."},
	} {
		// The server reads its clock halfway, and sends whole seconds.
		half, sent := test.more-s/2, time.Unix(1700000000, 0)
		f := judgeClock(sent, half, sent.Add(half-s/2-test.ahead), test.platform, test.lifetime)
		mark := "✗"
		if f.OK {
			mark = "✓"
		} else if f.Warn {
			mark = "!"
		}
		if mark != test.mark || f.Why != test.why || f.OK != (f.Fix == "") {
			t.Errorf("%s: %s %+v", test.name, mark, f)
		}
	}
}
