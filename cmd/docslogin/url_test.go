package main

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

var ada = []string{"-id", "1", "-name", "Ada", "-email", "ada@example.com"}

// presets are all of them, each with keys of its kind.
func presets(t *testing.T) []preset {
	const other = "another-secret-of-some-bytes"
	ed, otherEd := privatePEM(t, newEd25519(t)), privatePEM(t, newEd25519(t))
	ec, otherEC := privatePEM(t, newP256(t)), privatePEM(t, newP256(t))
	const docs = "https://docs.example.com"
	return []preset{
		{"readme", "ReadMe", docs, nil, secret, other, docslogintest.NewReadMe},
		{"mintlify", "Mintlify", docs, nil, ed, otherEd, docslogintest.NewMintlify},
		{"mintlify-personalization", "Mintlify personalization", docs + "/base", nil, ec, otherEC, docslogintest.NewMintlifyPersonalization},
		{"gitbook", "GitBook", docs + "/base", nil, secret, other, docslogintest.NewGitBook},
		{"fern", "Fern", docs + "/base", nil, secret, other, docslogintest.NewFern},
		{"zendesk", "Zendesk", "acme", nil, secret, other, docslogintest.NewZendesk},
		{"helpscout", "Help Scout", docs, nil, secret, other, docslogintest.NewHelpScout},
		{"developerhub", "DeveloperHub", docs, nil, secret, other, docslogintest.NewDeveloperHub},
		{"canny", "Canny", docs, []string{"-company", "acme-company"}, secret, other, docslogintest.NewCanny},
		{"featurebase", "Featurebase", docs, nil, secret, other, docslogintest.NewFeaturebase},
		{"metabase", "Metabase", docs + "/metabase", nil, secret, other, docslogintest.NewMetabase},
	}
}

type preset struct {
	flag, name, docs string
	more             []string
	key, other       string
	site             func(...docslogintest.Option) *docslogintest.Site
}

// zendeskToken is what the route's form has.
func zendeskToken(t *testing.T) string {
	t.Helper()
	user := func(*http.Request) (*docslogin.User, error) {
		return &docslogin.User{ID: "1", Name: "Ada", Email: "ada@example.com"}, nil
	}
	login, err := docslogin.New(user, docslogin.Zendesk("acme", secret), docslogin.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	login.ServeHTTP(w, httptest.NewRequest("GET", "/docs-login", nil))
	m := regexp.MustCompile(`name="jwt" value="([^"]+)"`).FindStringSubmatch(w.Body.String())
	if m == nil {
		t.Fatalf("no token in %s", w.Body)
	}
	return m[1]
}

// What one command makes, the other one accepts, with the key alone.
func TestALoginURLOfEveryPlatformIsExplained(t *testing.T) {
	for _, p := range presets(t) {
		t.Run(p.flag, func(t *testing.T) {
			env := map[string]string{"KEY": p.key, "OTHER": p.other}
			flags := append([]string{"-platform", p.flag, "-docs", p.docs}, p.more...)
			link := "/quickstart?a=b&c=d#e"
			if strings.HasSuffix(p.docs, "/base") {
				link = "/base" + link
			}
			if p.flag == "gitbook" {
				link = "quickstart?a=b"
			}
			made := call(t, "", env, append(append(append([]string{"url"}, flags...), ada...), "-key-env", "KEY", "-link", link)...)
			input := strings.TrimSuffix(made.out, "\n")
			explain := []string{"explain", "-key-env"}
			if p.flag == "zendesk" {
				made.want(t, 1, "Zendesk takes the token in a form, which no URL holds")
				input, explain = zendeskToken(t), []string{"explain", "-platform", "zendesk", "-key-env"}
			} else {
				made.want(t, 0)
				if u, err := url.Parse(input); err != nil || !strings.Contains(input, "quickstart") || made.errs != "" {
					t.Fatalf("%v, %v, %s", u, err, made.errs)
				}
			}
			good := call(t, input, env, append(explain, "KEY")...)
			good.want(t, 0, p.name+", told by ", "✓ signature: The signature fits the site's key.", "✓ "+p.name+" would accept it.")
			if strings.Contains(good.out, "!") || strings.Contains(good.out, "✗") {
				t.Errorf("not all is in order:\n%s", good.out)
			}
			good.safe(t, input, p.key, secret, "ada@example.com", "Ada")
			call(t, input, env, append(append(explain, "KEY"), flags...)...).want(t, 0, "told by -platform", "✓ "+p.name+" would accept it.")
			bad := call(t, input, env, append(explain, "OTHER")...)
			bad.want(t, 1, "✗ signature: The signature does not fit the site's", "✗ "+p.name+" would refuse it, by signature.")
			bad.safe(t, input, p.key, p.other, "ada@example.com", "Ada")
			call(t, input, env, explain[:len(explain)-1]...).want(t, 0, "! signature: Not checked", p.name+" would accept it, if the signature is good.")
		})
	}
}

// The same login at sites that behave as the platforms do.
func TestALoginURLOfEveryPlatformLogsIn(t *testing.T) {
	for _, p := range presets(t) {
		if p.flag == "zendesk" {
			continue // no URL
		}
		t.Run(p.flag, func(t *testing.T) {
			site := p.site(docslogintest.WithKey(p.key))
			defer site.Close()
			args := append([]string{"url", "-platform", p.flag, "-docs", site.URL, "-key-env", "KEY", "-link", "/quickstart"}, ada...)
			made := call(t, "", map[string]string{"KEY": p.key}, append(args, p.more...)...)
			made.want(t, 0)
			// Canny's own host is not to be called.
			location := strings.Replace(strings.TrimSpace(made.out), "https://canny.io", site.URL, 1)
			resp, err := docslogintest.NewClient().Get(location)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			logins := site.Logins()
			if len(logins) != 1 || logins[0].Page != "/quickstart" || len(logins[0].Notes) != 0 || len(site.Rejections()) != 0 {
				t.Errorf("logins %+v, rejections %+v", logins, site.Rejections())
			}
		})
	}
}

// claimsOf are those of the token in a URL.
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

	ed := privatePEM(t, newEd25519(t))
	r = call(t, "", map[string]string{"KEY": ed}, "url", "-platform", "mintlify", "-docs", "https://docs.example.com", "-key-env", "KEY", "-group", "admin", "-group", "beta")
	call(t, r.out, map[string]string{"KEY": ed}, "explain", "-key-env", "KEY", "-show-claims").want(t, 0, "groups (list of 2)", `"admin",`, `"beta"`)
}

func TestTheUserInJSON(t *testing.T) {
	const user = `{"id":"1","name":"Ada","email":"ada@example.com","groups":["a"],"expiresAt":"2100-01-01T00:00:00Z",
		"attributes":{"seats":9007199254740993,"trial":false},
		"apiKeys":[{"name":"live","key":"k"},{"name":"test","username":"u","password":"p","values":{"region":"eu"}}]}`
	for _, args := range [][]string{{"-user", "-"}, {"-user", write(t, "user.json", user)}} {
		r := withSecret(t, user, append(readMe, args...)...)
		claims := claimsOf(t, r)
		keys, _ := json.Marshal(claims["keys"])
		if claims["name"] != "Ada" || claims["trial"] != false || string(keys) != `[{"apiKey":"k","name":"live"},{"name":"test","pass":"p","region":"eu","user":"u"}]` {
			t.Errorf("claims: %v", claims)
		}
		withSecret(t, "\ufeff"+user, append(readMe, "-user", "-")...).want(t, 0, "https://docs.example.com?auth_token=")
		withSecret(t, r.out, "explain", "-show-claims").want(t, 0, `"seats": 9007199254740993,`)
	}
	for _, test := range []struct {
		name, user, want string
		code             int
	}{
		{"a member that is not known", `{"emial":"hunter2"}`, `the user has a member that is not known, "emial"; did you mean "email"?`, 2},
		{"a member in another case", `{"Email":"hunter2"}`, `"Email"; did you mean "email"?`, 2},
		{"a member of another language", `{"api_keys":[]}`, `"api_keys"; did you mean "apiKeys"?`, 2},
		{"a member of a key that is not known", `{"apiKeys":[{"user":"hunter2"}]}`, `apiKeys[0] has a member that is not known, "user"; did you mean "username"?`, 2},
		{"a name with a control character", "{\"\\u001b[31m\":1}", `"\x1b[31m"`, 2},
		{"a long name", `{"` + strings.Repeat("long", 20) + `":1}`, `"` + strings.Repeat("long", 10) + `…"`, 2},
		{"a name that is a number", `{"name":7123456}`, `the user: "name" is not a string`, 2},
		{"groups that are a string", `{"groups":"hunter2"}`, `the user: "groups" is not a list of strings`, 2},
		{"a key that is a string", `{"apiKeys":["hunter2"]}`, "apiKeys[0] is not a JSON object", 2},
		{"a key that is a number", `{"apiKeys":[{},{"key":7123456}]}`, `apiKeys[1]: "key" is not a string`, 2},
		{"a time that is none", `{"expiresAt":"hunter2"}`, `the user: "expiresAt" is not a time such as "2026-11-21T18:00:00Z"`, 2},
		{"a list", `["hunter2"]`, "the user is not a JSON object", 2},
		{"null", `null`, "the user is not a JSON object", 2},
		{"something behind it", `{} hunter2`, "the user is not a JSON object", 2},
		{"nothing", ``, "the user is not a JSON object", 2},
		{"more than 1 MiB", `{"name":"` + strings.Repeat("hunter2", 1<<18) + `"}`, "the user of -user is longer than 1 MiB", 2},
		{"nobody", `{}`, "incomplete_user: the user lacks what the platform requires: a name, an e-mail address or an ID", 1},
		{"a user without an e-mail address", `{"id":"hunter2"}`, "the user lacks what the platform requires: name, email", 1},
		{"a user who is signed out", `{"email":"hunter2","expiresAt":"2001-01-01T00:00:00Z"}`, "the user's expiresAt is over", 1},
		{"a privilege", `{"email":"hunter2","attributes":{"isAdmin":true}}`, `mapper_failed: the attribute "isAdmin" would set a claim that has a meaning of its own`, 1},
		{"more than a URL holds", `{"email":"hunter2","attributes":{"bio":"` + strings.Repeat("hunter2 ", 1000) + `"}}`, "too_large: the URL is ", 1},
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

func TestALinkThatWouldNotBeFollowedIsAnError(t *testing.T) {
	for link, want := range map[string]string{
		"https://evil.example/": "-link: the deep link was refused: it names an origin that is not the docs'",
		"//evil.example":        "-link: the deep link was refused: its path is ambiguous",
		"quickstart":            "-link: the deep link was refused: it is neither a path that begins with / nor an absolute URL",
		"/a?auth_token=x":       "-link: the deep link was refused: it already carries a token",
		"undefined":             "-link: undefined is a word that scripts write",
		"/" + strings.Repeat("x", 2000) + "?" + strings.Repeat("%", 2000): "-link: the deep link was refused: it is longer than 2,048 bytes",
	} {
		r := withSecret(t, "", append(append(readMe, ada...), "-link", link)...)
		if r.want(t, 1, want); r.out != "" {
			t.Errorf("%s: stdout %s", link, r.out)
		}
	}
	// GitBook's is a path from the docs' own one, others' is from the host's root.
	r := withSecret(t, "", append([]string{"url", "-platform", "gitbook", "-docs", "https://example.com/docs", "-link", "/quickstart"}, ada...)...)
	if r.want(t, 0); !strings.HasPrefix(r.out, "https://example.com/docs/quickstart?jwt_token=") {
		t.Errorf("stdout: %s", r.out)
	}
	r = withSecret(t, "", append(append(readMe, ada...), "-link", "https://docs.example.com/quickstart")...)
	if r.want(t, 0); !strings.HasSuffix(r.out, "&redirect=%2Fquickstart\n") {
		t.Errorf("stdout: %s", r.out)
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

// Settings that are wrong are called by the names of the flags.
func TestAURLOfWrongSettings(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"no docs", []string{"-platform", "readme"}, "docslogin: -docs is empty; set it to an absolute URL such as https://docs.example.com.\n"},
		{"docs in clear", []string{"-platform", "readme", "-docs", "http://docs.example.com"}, "docslogin: -docs must be https; "},
		{"a secret for Mintlify", []string{"-platform", "mintlify", "-docs", "https://docs.example.com"}, "docslogin: -key-env cannot be used: the text is no key"},
		{"no company", []string{"-platform", "canny", "-docs", "https://feedback.example.com"}, `docslogin: -company has no value for the parameter "companyID"`},
		{"two mistakes", []string{"-platform", "readme", "-docs", "x", "-token-ttl", "1ns"}, "docslogin: -token-ttl is 1ns; on this platform it must be from 1s to 8784h0m0s.\ndocslogin: -docs is not an absolute http or https URL such as https://docs.example.com.\n"},
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
	public := inPEM(t, "PUBLIC KEY", der, err)
	env := map[string]string{"PRIVATE": privatePEM(t, key), "PUBLIC": strings.ReplaceAll(public, "\n", `\n`)}
	r := call(t, "", env, "url", "-platform", "mintlify", "-docs", "https://docs.example.com", "-name", "Ada", "-key-env", "PRIVATE")
	call(t, r.out, env, "explain", "-key-env", "PUBLIC").want(t, 0, "✓ Mintlify would accept it.")
}

func TestWhatTheURLIsWorth(t *testing.T) {
	r, _, _ := (&settings{platform: "readme"}).rules()
	token := hs256(`{"alg":"HS256","typ":"JWT"}`, `{"exp":4102444800}`)
	for location, want := range map[string]string{
		"https://docs.example.com/?auth_token=" + token: "The URL signs whoever opens it in as this user, for ",
		"https://docs.example.com/?auth_token=x":        "The URL signs whoever opens it in as this user.",
	} {
		if got := holds(r, location); !strings.HasPrefix(got, want) {
			t.Errorf("%s", got)
		}
	}
}
