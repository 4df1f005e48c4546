package main

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/internal/presets"
	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/internal/testkit"
)

var ada = []string{"-id", "1", "-name", "Ada", "-email", "ada@example.com"}

// preset is a preset with an example of everything that its flags need.
type preset struct {
	presets.Preset
	docs       string
	arguments  []string // flags that only some presets have
	key, other string   // the key, and another one of its kind
}

// allPresets returns every preset, with docs under a path where the preset allows that.
func allPresets(t *testing.T) (all []preset) {
	for _, p := range presets.All() {
		one := preset{Preset: p, docs: "https://docs.example.com/base", key: testkit.KeyFor(p), other: "another-secret-of-some-bytes"}
		switch p.Rules(nil).Algorithms[0] {
		case "EdDSA":
			one.other = testkit.PKCS8(newEd25519(t))
		case "ES256":
			one.other = testkit.PKCS8(newP256(t))
		}
		if _, err := docslogin.New(testkit.Nobody, p.Example(one.docs, one.key)); err != nil {
			one.docs = "https://docs.example.com"
		}
		for _, a := range p.Extra {
			if a.Example != "" {
				one.arguments = append(one.arguments, "-"+a.Name, a.Example)
			}
		}
		all = append(all, one)
	}
	return all
}

// flags are those that name the platform and its docs.
func (p preset) flags() []string {
	return append([]string{"-platform", p.Flag, "-docs", p.docs}, p.arguments...)
}

// response returns the response of the login route.
func (p preset) response(t *testing.T) *http.Response {
	t.Helper()
	user := &docslogin.User{ID: "1", Name: "Ada", Email: "ada@example.com"}
	m, err := docslogin.New(testkit.As(user), p.Example(p.docs, p.key), testkit.Silent) // of today
	if err != nil {
		t.Fatal(err)
	}
	return testkit.Get(t, m, "/docs-login")
}

// hasNoURL reports whether a form or a cookie carries the token, instead of a URL.
func (p preset) hasNoURL() bool { return p.Rules(nil).Form != "" || p.Rules(nil).InCookie() }

// explain accepts what url makes, and needs only the key for that.
func TestALoginURLOfEveryPlatformIsExplained(t *testing.T) {
	for _, p := range allPresets(t) {
		t.Run(p.Flag, func(t *testing.T) {
			env := map[string]string{"KEY": p.key, "OTHER": p.other}
			input, explain := madeURL(t, p), []string{"explain", "-key-env"}
			switch {
			case p.Rules(nil).Form != "":
				input, explain = testkit.JWT.FindString(testkit.Sent(t, p.response(t))), []string{"explain", "-platform", p.Flag, "-key-env"}
			case p.hasNoURL():
				dump, err := httputil.DumpResponse(p.response(t), false)
				if err != nil {
					t.Fatal(err)
				}
				input = string(dump)
			}
			accepted := call(t, input, env, append(explain, "KEY")...)
			accepted.want(t, 0, p.Name()+", according to ", "✓ signature: The signature ", "✓ "+p.Name()+" would accept it.")
			if strings.Contains(accepted.out, "!") || strings.Contains(accepted.out, "✗") {
				t.Errorf("a finding is not in order:\n%s", accepted.out)
			}
			secrets := []string{testkit.JWT.FindString(input), p.key, p.other, "ada@example.com", "Ada"}
			accepted.safe(t, secrets...)
			call(t, input, env, append(append(explain, "KEY"), p.flags()...)...).want(t, 0, "according to -platform", "✓ "+p.Name()+" would accept it.")
			rejected := call(t, input, env, append(explain, "OTHER")...)
			rejected.want(t, 1, "✗ signature: The signature ", "✗ "+p.Name()+" would reject it because of signature.")
			rejected.safe(t, secrets...)
			call(t, input, env, explain[:len(explain)-1]...).want(t, 0, "! signature: Not checked", p.Name()+" would accept it, if the signature verifies.")
		})
	}
}

// madeURL returns the URL that docslogin url makes for a page with a query, or "" if there is
// no such URL.
func madeURL(t *testing.T, p preset) string {
	t.Helper()
	link := "/quickstart?a=b&c=d#e"
	switch {
	case p.Example(p.docs, p.key).DeepLink.FromBase:
		link = "quickstart?a=b"
	case strings.HasSuffix(p.docs, "/base"):
		link = "/base" + link
	}
	made := p.url(t, link)
	if p.hasNoURL() {
		place := map[bool]string{true: "form", false: "cookie"}[p.Rules(nil).Form != ""]
		made.want(t, 1, p.Name()+" takes the token in a "+place+", so there is no login URL; open the app's login route in a browser")
		return ""
	}
	made.want(t, 0, strings.Trim(testkit.Arrival(p.Preset, "quickstart"), "/"))
	location := strings.TrimSuffix(made.out, "\n")
	if _, err := url.Parse(location); err != nil || made.errs != "" {
		t.Fatalf("%v, %s", err, made.errs)
	}
	return location
}

// url runs docslogin url for ada and a page, if the platform takes one.
func (p preset) url(t *testing.T, link string) result {
	t.Helper()
	args := slices.Concat([]string{"url", "-key-env", "KEY"}, p.flags(), ada)
	if p.Rules(nil).Link != "" {
		args = append(args, "-link", link)
	}
	return call(t, "", map[string]string{"KEY": p.key}, args...)
}

// The same login at the test site of the platform.
func TestALoginURLOfEveryPlatformLogsIn(t *testing.T) {
	for _, p := range allPresets(t) {
		if p.hasNoURL() {
			continue
		}
		t.Run(p.Flag, func(t *testing.T) {
			site := p.Site(docslogintest.WithKey(p.key))
			defer site.Close()
			p.docs = site.URL
			made := p.url(t, "/quickstart")
			made.want(t, 0)
			location := strings.TrimSpace(made.out)
			if host := p.Rules(nil).Host; host != "" { // which no test may call
				location = strings.Replace(location, "https://"+host, site.URL, 1)
			}
			resp, err := docslogintest.NewClient().Get(location)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			logins := site.Logins()
			if len(logins) != 1 || logins[0].Page != testkit.Arrival(p.Preset, "/quickstart") || len(logins[0].Notes) != 0 || len(site.Rejections()) != 0 {
				t.Errorf("logins %+v, rejections %+v", logins, site.Rejections())
			}
		})
	}
}

// claimsOf returns the claims of the token in a URL.
func claimsOf(t *testing.T, r result) map[string]any {
	t.Helper()
	r.want(t, 0)
	m := regexp.MustCompile(`ey[\w-]+\.([\w-]+)\.`).FindStringSubmatch(r.out)
	if m == nil {
		t.Fatalf("no token in %s", r.out)
	}
	text, err := base64.RawURLEncoding.DecodeString(m[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(text, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

var readMe = []string{"url", "-platform", "readme", "-docs", "https://docs.example.com"}

func TestTheUserInFlags(t *testing.T) {
	r := call(t, "", map[string]string{"SECRET": secret, "API": "hunter2"}, append(readMe, "-key-env", "SECRET", "-name", "Ada", "-email", "ada@example.com",
		"-attribute", "plan=pro=max", "-attribute", "region=eu", "-api-key-env", "API", "-token-ttl", "90s")...)
	claims := claimsOf(t, r)
	if claims["name"] != "Ada" || claims["email"] != "ada@example.com" || claims["plan"] != "pro=max" || claims["region"] != "eu" || claims["apiKey"] != "hunter2" {
		t.Errorf("claims: %v", claims)
	}
	if claims["exp"].(float64)-claims["iat"].(float64) != 90 {
		t.Errorf("lifetime: %v", claims)
	}
	if claims := claimsOf(t, withSecret(t, "", append(readMe, "-email", "e", "-api-key-file", write(t, "key", "hunter2\n"))...)); claims["apiKey"] != "hunter2" || claims["name"] != "e" {
		t.Errorf("claims: %v", claims)
	}

	r = call(t, "", map[string]string{"SECRET": secret}, "url", "-platform", "gitbook", "-docs", "https://docs.example.com", "-key-env", "SECRET", "-name", "Ada", "-session-ttl", "2h", "-json")
	var got map[string]string
	if err := json.Unmarshal([]byte(r.out), &got); err != nil || len(got) != 1 || strings.Count(r.out, "\n") != 1 {
		t.Fatalf("%v: %s", err, r.out)
	}
	if claims := claimsOf(t, result{out: got["url"]}); claims["exp"].(float64)-claims["iat"].(float64) != 7200 || claims["name"] != "Ada" {
		t.Errorf("claims: %v", claims)
	}

	env := map[string]string{"KEY": testkit.Ed25519PEM}
	r = call(t, "", env, "url", "-platform", "mintlify", "-docs", "https://docs.example.com", "-key-env", "KEY", "-id", "u-42", "-group", "admin", "-group", "beta")
	call(t, r.out, env, "explain", "-key-env", "KEY", "-show-claims").want(t, 0, "groups (list of 2)", `"admin",`, `"beta"`)
}

func TestTheUserInJSON(t *testing.T) {
	const user = `{"id":"1","name":"Ada","email":"ada@example.com","groups":["a"],"expiresAt":"2100-01-01T00:00:00Z",
		"attributes":{"seats":9007199254740993,"trial":false},
		"apiKeys":[{"name":"live","key":"k"},{"name":"test","username":"u","password":"p","values":{"region":"eu"}}]}`
	for _, args := range [][]string{{"-user", "-"}, {"-user", write(t, "user.json", user)}} {
		r := withSecret(t, user, append(readMe, args...)...)
		claims := claimsOf(t, r)
		keys, _ := json.Marshal(claims["keys"])
		if claims["name"] != "Ada" || claims["trial"] != false || claims["apiKey"] != "k" || string(keys) != `[{"apiKey":"k","name":"live"},{"name":"test","pass":"p","region":"eu","user":"u"}]` {
			t.Errorf("claims: %v", claims)
		}
		withSecret(t, "\ufeff"+user, append(readMe, "-user", "-")...).want(t, 0, "https://docs.example.com?auth_token=")
		withSecret(t, r.out, "explain", "-show-claims").want(t, 0, `"seats": 9007199254740993,`)
	}
	for _, test := range []struct {
		name, user, want string
		code             int
	}{
		{"an unknown member", `{"emial":"hunter2"}`, `the user has an unknown member, "emial"; did you mean "email"?`, 2},
		{"a member in another case", `{"Email":"hunter2"}`, `"Email"; did you mean "email"?`, 2},
		{"a member as in other languages", `{"api_keys":[]}`, `"api_keys"; did you mean "apiKeys"?`, 2},
		{"an unknown member of a key", `{"apiKeys":[{"user":"hunter2"}]}`, `apiKeys[0] has an unknown member, "user"; did you mean "username"?`, 2},
		{"a name with a control character", "{\"\\u001b[31m\":1}", `"\x1b[31m"`, 2},
		{"a long name", `{"` + strings.Repeat("long", 20) + `":1}`, `"` + strings.Repeat("long", 10) + `…"`, 2},
		{"a name that is a number", `{"name":7123456}`, `the user: "name" is not a string`, 2},
		{"groups that are a string", `{"groups":"hunter2"}`, `the user: "groups" is not a list of strings`, 2},
		{"a key that is a string", `{"apiKeys":["hunter2"]}`, "apiKeys[0] is not a JSON object", 2},
		{"a header that is a list", `{"apiKeys":[{"key":"7123456","header":["hunter2"]}]}`, `apiKeys[0]: "header" is not a string`, 2},
		{"a key that is a number", `{"apiKeys":[{},{"key":7123456}]}`, `apiKeys[1]: "key" is not a string`, 2},
		{"an invalid time", `{"expiresAt":"hunter2"}`, `the user: "expiresAt" is not a time such as "2026-11-21T18:00:00Z"`, 2},
		{"a list", `["hunter2"]`, "the user is not a JSON object", 2},
		{"null", `null`, "the user is not a JSON object", 2},
		{"something after the object", `{} hunter2`, "the user is not a JSON object", 2},
		{"nothing", ``, "the user is not a JSON object", 2},
		{"more than 1 MiB", `{"name":"` + strings.Repeat("hunter2", 1<<18) + `"}`, "the user of -user is longer than 1 MiB", 2},
		{"nobody", `{}`, "incomplete_user: the lookup returned a user without an ID, a name, or an e-mail address", 1},
		{"a user without an e-mail address", `{"id":"hunter2"}`, "the user lacks what the platform requires: name, email", 1},
		{"a user whose session has ended", `{"email":"hunter2","expiresAt":"2001-01-01T00:00:00Z"}`, "the user's expiresAt has passed", 1},
		{"a privilege", `{"email":"hunter2","attributes":{"isAdmin":true}}`, `mapper_failed: the attribute "isAdmin" would set a claim that has a meaning of its own`, 1},
		{"more than fits into a URL", `{"email":"hunter2","attributes":{"bio":"` + strings.Repeat("hunter2 ", 1000) + `"}}`, "too_large: the URL is ", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := withSecret(t, test.user, append(readMe, "-user", "-")...)
			r.want(t, test.code, test.want)
			if r.out != "" {
				t.Errorf("stdout: %s", r.out)
			}
			r.safe(t, "hunter2", "7123456")
		})
	}
}

func TestTheUserInJSONHasAKeyInAHeader(t *testing.T) {
	const user = `{"email":"ada@example.com","apiKeys":[{"key":"k","header":"X-Api-Key","values":{"X-Org":7}}]}`
	env := map[string]string{"KEY": testkit.Ed25519PEM}
	r := call(t, user, env, "url", "-platform", "mintlify", "-docs", "https://docs.example.com", "-key-env", "KEY", "-user", "-")
	call(t, r.out, env, "explain", "-key-env", "KEY", "-show-claims").want(t, 0, `"X-Api-Key": "k"`, `"X-Org": "7"`)
	r = call(t, strings.ReplaceAll(user, "X-Api-Key", "X-Api-Key: hunter2"), env, "url", "-platform", "mintlify", "-docs", "https://docs.example.com", "-key-env", "KEY", "-user", "-")
	r.want(t, 1, "mapper_failed: the Header of API key 1 of 1 is not a valid header name")
	r.safe(t, "hunter2")
}

func TestADeepLinkThatWouldBeRejectedIsAnError(t *testing.T) {
	for link, want := range map[string]string{
		"https://evil.example/": "-link: the deep link was rejected: it names an origin that is not the docs'",
		"//evil.example":        "-link: the deep link was rejected: its path is ambiguous",
		"quickstart":            "-link: the deep link was rejected: it is neither a path that begins with / nor an absolute URL",
		"/a?auth_token=x":       "-link: the deep link was rejected: it already carries a token",
		"undefined":             "-link: scripts write \"undefined\" when they have no page",
		"/" + strings.Repeat("x", 2000) + "?" + strings.Repeat("%", 2000): "-link: the deep link was rejected: it is too long: the limit is 2048 bytes",
	} {
		r := withSecret(t, "", append(append(readMe, ada...), "-link", link)...)
		if r.want(t, 1, want); r.out != "" {
			t.Errorf("%s: stdout %s", link, r.out)
		}
	}
	// GitBook's deep link starts at the path of the docs, those of others at the host's root.
	r := withSecret(t, "", append([]string{"url", "-platform", "gitbook", "-docs", "https://example.com/docs", "-link", "/quickstart"}, ada...)...)
	if r.want(t, 0); !strings.HasPrefix(r.out, "https://example.com/docs/quickstart?jwt_token=") {
		t.Errorf("stdout: %s", r.out)
	}
	r = withSecret(t, "", append(append(readMe, ada...), "-link", "https://docs.example.com/quickstart")...)
	if r.want(t, 0); !strings.HasSuffix(r.out, "&redirect=%2Fquickstart\n") {
		t.Errorf("stdout: %s", r.out)
	}
}

func TestAPageForAPlatformThatTakesNoneIsAnError(t *testing.T) {
	p := docslogin.Platform{
		Name: "Linkless", DocsURL: "https://docs.example.com", Algorithm: jose.HS256, Key: docslogin.Secret(secret), Carrier: docslogin.InQuery("sso"),
		Lifetime: docslogin.Lifetime{Token: time.Minute},
	}
	login := func(link string) (string, error) {
		return (&tool{ctx: t.Context()}).login(presets.Preset{}, p, &docslogin.User{ID: "1"}, link)
	}
	const want = "-link: Linkless takes no page, so a login URL leads to the docs' home; leave -link out"
	if location, err := login("/quickstart"); location != "" || err != usageError(want) {
		t.Errorf("%s, %v", location, err)
	}
	if location, err := login(""); err != nil || !strings.HasPrefix(location, "https://docs.example.com?sso=ey") {
		t.Errorf("without -link: %s, %v", location, err)
	}
}

func TestALongURLIsPrintedWithAWarning(t *testing.T) {
	r := withSecret(t, "", append(append(readMe, ada...), "-attribute", "bio="+strings.Repeat("x", 2500))...)
	r.want(t, 0, "docslogin: the URL is over 3000 bytes: nginx in front of the app needs proxy_buffer_size 32k")
	if strings.Count(r.out, "\n") != 1 || !strings.HasPrefix(r.out, "https://docs.example.com?auth_token=") {
		t.Errorf("stdout: %s", r.out)
	}
	withSecret(t, r.out, "explain").want(t, 0, "! length: The URL is ", "past 3000, nginx in front of the app answers 502", "✓ ReadMe would accept it.")
}

// Configuration errors name the flags.
func TestAURLOfAWrongConfiguration(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"no docs", []string{"-platform", "readme"}, "docslogin: -docs is empty; set it to an absolute URL such as https://docs.example.com.\n"},
		{"docs without https", []string{"-platform", "readme", "-docs", "http://docs.example.com"}, "docslogin: -docs must be https; "},
		{"a secret for Mintlify", []string{"-platform", "mintlify", "-docs", "https://docs.example.com"}, "docslogin: -key-env cannot be used: the text looks like a shared secret, not a private key in PEM"},
		{"no company", []string{"-platform", "canny", "-docs", "https://feedback.example.com"}, `docslogin: -company has no value for the parameter "companyID"`},
		{"two errors", []string{"-platform", "readme", "-docs", "x", "-token-ttl", "1ns"}, "docslogin: -token-ttl is 1ns; it must be from 1s to 8784h0m0s.\ndocslogin: -docs does not begin with https://; set it to an absolute URL such as https://docs.example.com.\n"},
		{"a session at ReadMe", []string{"-platform", "readme", "-docs", "https://docs.example.com", "-session-ttl", "1h"}, "docslogin: -session-ttl does not apply"},
	} {
		r := withSecret(t, "", append([]string{"url"}, test.args...)...)
		if r.want(t, 1, test.want); r.out != "" {
			t.Errorf("%s: stdout %s", test.name, r.out)
		}
	}
}

func TestFernWithAnotherIssuer(t *testing.T) {
	r := withSecret(t, "", "url", "-platform", "fern", "-docs", "https://docs.example.com", "-issuer", "https://app.example.com", "-name", "Ada")
	r.want(t, 0)
	withSecret(t, r.out, "explain", "-issuer", "https://app.example.com").want(t, 0, "✓ iss is https://app.example.com.")
	withSecret(t, r.out, "explain").want(t, 1, "✗ iss is not https://buildwithfern.com")
}

// A public key is enough to explain.
func TestAPublicKeyVerifies(t *testing.T) {
	key := newEd25519(t)
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	public := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	env := map[string]string{"PRIVATE": testkit.PKCS8(key), "PUBLIC": strings.ReplaceAll(public, "\n", `\n`)}
	r := call(t, "", env, "url", "-platform", "mintlify", "-docs", "https://docs.example.com", "-name", "Ada", "-key-env", "PRIVATE")
	call(t, r.out, env, "explain", "-key-env", "PUBLIC").want(t, 0, "✓ Mintlify would accept it.")
}

func TestTheURLComesWithAdvice(t *testing.T) {
	token := hs256(`{"alg":"HS256","typ":"JWT"}`, `{"exp":4102444800}`)
	for location, want := range map[string]string{
		"https://docs.example.com/?auth_token=" + token: "For the next ",
		"https://docs.example.com/?auth_token=x":        "Anyone who opens the URL is logged in as this user.",
	} {
		if got := advice(rules.ReadMe(), location); !strings.HasPrefix(got, want) {
			t.Errorf("%s", got)
		}
	}
}
