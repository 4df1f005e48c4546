package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/internal/presets"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
	"github.com/docslogin/docslogin/userinfo"
	"github.com/gorilla/sessions"
)

// documentation returns the README and the guides.
func documentation(t *testing.T) string {
	t.Helper()
	guides, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, name := range append([]string{"../../README.md"}, guides...) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(append(text, '\n'))
	}
	return all.String()
}

var (
	console  = regexp.MustCompile("(?s)```console\n\\$ docslogin ([^\n]+)\n(.*?)```")
	loopback = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	anyToken = regexp.MustCompile(`eyJhbGciOiJIUz[\w.-]+`)
	// inputs has the files that commands in the documentation read.
	inputs = map[string]string{
		"url.txt": "https://docs.example.com?auth_token=" + hs256(header, `{"name":"Ada","email":"ada@example.com","api_key":"12345","iat":1700000000}`) + "&redirect=%252Fquickstart\n",
	}
)

// stopped runs a command that serves until Ctrl-C, which it gets at once.
func stopped(t *testing.T, env map[string]string, args ...string) result {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out, errs bytes.Buffer
	code := run(ctx, args, strings.NewReader(""), &out, &errs, func(name string) string { return env[name] })
	return result{code, out.String(), errs.String()}
}

// TestCommandsInTheDocumentation runs each command there, and compares its output.
func TestCommandsInTheDocumentation(t *testing.T) {
	blocks := console.FindAllStringSubmatch(documentation(t), -1)
	if len(blocks) != len(commands) {
		t.Fatalf("there are %d examples for %d commands", len(blocks), len(commands))
	}
	env := map[string]string{"README_JWT_SECRET": secret, "MINTLIFY_PRIVATE_KEY": testkit.Ed25519PEM}
	for _, block := range blocks {
		args, file, _ := strings.Cut(block[1], " < ")
		var r result
		if fields := strings.Fields(args); fields[0] == "site" {
			r = stopped(t, env, append(fields, "-listen", "127.0.0.1:0")...)
			r.out = loopback.ReplaceAllString(r.out, siteAddress)
		} else {
			r = call(t, inputs[file], env, fields...)
		}
		if got := anyToken.ReplaceAllString(r.out, "eyJhbGciOiJIUz…"); got != block[2] || r.errs != "" {
			t.Errorf("docslogin %s prints\n%s%s", block[1], got, r.errs)
		}
	}
}

const docsURL = "https://docs.example.com"

var adaInApp = &docslogin.User{ID: "1", Name: "Ada", Email: "ada@example.com"}

// unsigned is what explain prints about a URL without a key, judged at its iat.
func unsigned(t *testing.T, input string, args ...string) string {
	t.Helper()
	return call(t, input, nil, append([]string{"explain", "-at", atOnce}, args...)...).out
}

// explained is what explain prints about a URL or a token, judged at its iat.
func explained(t *testing.T, input string, args ...string) string {
	t.Helper()
	return withSecret(t, input, append([]string{"explain", "-at", atOnce}, args...)...).out
}

// explainedWith is what explain prints about a login at ReadMe, with another key.
func explainedWith(t *testing.T, key string) string {
	t.Helper()
	return call(t, readMeURL(readMe1), map[string]string{"KEY": key}, "explain", "-key-env", "KEY").out
}

// mintlifyURL is what docslogin url prints for Mintlify docs.
func mintlifyURL(t *testing.T, docs string) string {
	t.Helper()
	made := call(t, "", map[string]string{"KEY": testkit.Ed25519PEM}, "url", "-platform", "mintlify", "-docs", docs, "-key-env", "KEY", "-name", "Ada")
	made.want(t, 0)
	return made.out
}

// checked is what check prints about a platform with a key.
func checked(t *testing.T, platform, key string) string {
	t.Helper()
	return call(t, "", map[string]string{"KEY": key}, "check", "-platform", platform, "-docs", docsURL, "-key-env", "KEY").out
}

// configured is what New returns for a platform.
func configured(p docslogin.Platform) string {
	_, err := docslogin.New(testkit.Nobody, p)
	return fmt.Sprint(err)
}

// logger returns a logger that writes everything to a buffer.
func logger() (docslogin.Option, *bytes.Buffer) {
	var log bytes.Buffer
	return docslogin.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))), &log
}

// logged is what the login route for ReadMe logs about a request.
func logged(t *testing.T, lookup docslogin.UserLookup, r *http.Request, opts ...docslogin.Option) string {
	t.Helper()
	withLogger, log := logger()
	m, err := docslogin.New(lookup, platforms.ReadMe(docsURL, secret), append(opts, docslogin.WithSignInPage("/sign-in", "next"), withLogger)...)
	if err != nil {
		t.Fatal(err)
	}
	m.ServeHTTP(httptest.NewRecorder(), r)
	return log.String()
}

// asked is what userinfo logs about a request from a docs page of an origin.
func asked(t *testing.T, origin string) string {
	t.Helper()
	withLogger, log := logger()
	info, err := userinfo.New(testkit.As(adaInApp), platforms.MintlifyInfo(), []string{docsURL}, withLogger)
	if err != nil {
		t.Fatal(err)
	}
	testkit.Get(t, info, "/user-info", "Origin: "+origin)
	return log.String()
}

// from returns the request that a docs page makes with a deep link, written as it is.
func from(link string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/docs-login?redirect="+link, nil)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	return r
}

// afterSignIn returns the request after the sign-in page.
func afterSignIn(t *testing.T) *http.Request {
	t.Helper()
	m, err := docslogin.New(testkit.Nobody, platforms.ReadMe(docsURL, secret), docslogin.WithSignInPage("/sign-in", "next"), testkit.Silent)
	if err != nil {
		t.Fatal(err)
	}
	signIn, err := url.Parse(testkit.Sent(t, testkit.Get(t, m, "/docs-login?redirect=/quickstart")))
	if err != nil {
		t.Fatal(err)
	}
	return httptest.NewRequest(http.MethodGet, signIn.Query().Get("next"), nil)
}

// usedTwice is what a test site says when a token arrives again.
func usedTwice(t *testing.T) string {
	t.Helper()
	i := slices.IndexFunc(presets.All(), func(p presets.Preset) bool { return p.Flag == "zendesk" })
	docs := docslogintest.NewZendesk(docslogintest.WithKey(secret))
	defer docs.Close()
	form := url.Values{"jwt": {formToken(t, presets.All()[i], docs.URL, secret)}}
	for range 2 {
		resp, err := http.PostForm(docs.URL+"/access/jwt", form)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	rejections := docs.Rejections()
	if len(rejections) != 1 || len(docs.Logins()) != 1 {
		t.Fatalf("%d of two logins are rejected", len(rejections))
	}
	return rejections[0].Error()
}

// withBio returns a lookup of a user with a very long attribute.
func withBio(bytes int) docslogin.UserLookup {
	user := *adaInApp
	user.Attributes = map[string]any{"bio": strings.Repeat("x", bytes)}
	return testkit.As(&user)
}

// situations maps what happens, as in the first column of a table, to what then explains it.
type situations map[string]func(*testing.T) string

// The app does not start.
var startSituations = situations{
	"the session's key is empty": func(*testing.T) string {
		load := func(*http.Request, *sessions.Session) (*docslogin.User, error) { return nil, nil }
		_, err := docslogin.New(docslogin.SessionLookup(sessions.NewCookieStore(nil), "session", load), platforms.ReadMe(docsURL, secret))
		return fmt.Sprint(err)
	},
	"the docs' key is from the environment": func(*testing.T) string {
		return configured(platforms.ReadMe(docsURL, ""))
	},
	"the key is from a `.env` file": func(*testing.T) string {
		return configured(platforms.Mintlify(docsURL, strings.Split(testkit.Ed25519PEM, "\n")[0]))
	},
	"the key's newlines became `\\n`": func(t *testing.T) string {
		return checked(t, "mintlify", strings.ReplaceAll(testkit.Ed25519PEM, "\n", `\n`))
	},
	"the key is of the other kind": func(*testing.T) string {
		return configured(platforms.Mintlify(docsURL, testkit.P256PEM))
	},
	"the secret is from a file": func(*testing.T) string {
		return configured(platforms.ReadMe(docsURL, secret+"\n"))
	},
}

// The visitor does not get from the app to the docs.
var appSituations = situations{
	"a 404 of your app, and no line in the log": func(t *testing.T) string {
		return checked(t, "readme", secret)
	},
	"after the sign-in, readers stay in your app": func(t *testing.T) string {
		return logged(t, testkit.Nobody, from("/quickstart"))
	},
	"a page says \"Signing in did not work\"": func(t *testing.T) string {
		return logged(t, testkit.Nobody, afterSignIn(t))
	},
	"visitors from the docs have to sign in again": func(t *testing.T) string {
		return logged(t, testkit.Nobody, from("/quickstart"))
	},
	"after the sign-in the browser stays on the form, and its console names `form-action`": func(t *testing.T) string {
		return logged(t, testkit.As(adaInApp), afterSignIn(t)) // the app sees nothing wrong; e2e has the browser's side
	},
	"405 after signing in": func(t *testing.T) string {
		return logged(t, testkit.As(adaInApp), httptest.NewRequest(http.MethodPost, "/docs-login", nil))
	},
	"nothing but a 403: the page fetches the route, or frames it": func(t *testing.T) string {
		return logged(t, testkit.As(adaInApp), from("/quickstart", "Sec-Fetch-Mode: cors"))
	},
	"a 403 page: something is missing in the user's account": func(t *testing.T) string {
		return logged(t, testkit.As(&docslogin.User{ID: "1", Name: "Ada"}), from("/quickstart"))
	},
	"a 500 page: the session store or the database is down": func(t *testing.T) string {
		return logged(t, testkit.Failing(errors.New("connection refused")), from("/quickstart"))
	},
	"a 500 page since a mapper was added": func(t *testing.T) string {
		return logged(t, testkit.As(adaInApp), from("/quickstart"), docslogin.WithClaimsMapper(
			func(_ context.Context, _ *docslogin.User, claims docslogin.Claims) error {
				claims["exp"] = 1
				return nil
			}))
	},
	"a 500 page: too much is known of the user": func(t *testing.T) string {
		return logged(t, withBio(8000), from("/quickstart"))
	},
	"502 from nginx": func(t *testing.T) string {
		return logged(t, withBio(3000), from("/quickstart"))
	},
}

// The docs reject the token.
var rejectedSituations = situations{
	"always: the key is of another project or environment": func(t *testing.T) string {
		return explainedWith(t, "the secret of the staging docs")
	},
	"Mintlify: `DocsURL` is not what readers see": func(t *testing.T) string {
		return unsigned(t, mintlifyURL(t, "https://acme.mintlify.app"), "-docs", docsURL)
	},
	"Fern: another issuer was agreed upon": func(t *testing.T) string {
		return explained(t, docsURL+"/api/fern-docs/auth/jwt/callback?fern_token="+token(`"iss":"acme","exp":1700003600,"iat":1700000000`))
	},
	"now and then, or from one server": func(t *testing.T) string {
		return unsigned(t, docsURL+"/login/jwt-callback#"+token(`"host":"docs.example.com","exp":1699999988,"iat":1699999978`))
	},
	"Zendesk: it says that `iat` is off": func(t *testing.T) string {
		return explained(t, token(`"jti":"1","name":"Ada","email":"ada@example.com","iat":1700000240`), "-platform", "zendesk")
	},
	"Zendesk: the form is sent a second time": usedTwice,
}

// Readers are logged in, and something is wrong.
var readerSituations = situations{
	"they land on the docs' home: the link was encoded twice": func(t *testing.T) string {
		return logged(t, testkit.As(adaInApp), from("%252Fquickstart"))
	},
	"they land on the docs' home: the link is to other docs": func(t *testing.T) string {
		return logged(t, testkit.As(adaInApp), from("https://docs.example.org/quickstart"))
	},
	"too many redirects": func(t *testing.T) string {
		return logged(t, testkit.As(adaInApp), from("/quickstart"))
	},
	"they are logged out of the docs too soon: the token is the docs session, and expires after seconds": func(t *testing.T) string {
		return explained(t, docsURL+"?jwt_token="+token(`"exp":1700000010,"iat":1700000000`))
	},
	"the samples show no API key: a name is wrong": func(t *testing.T) string {
		return explained(t, readMeURL(readMe1+`,"api_key":"12345"`))
	},
	"ReadMe's code blocks show no API key: there are several": func(t *testing.T) string {
		return explained(t, readMeURL(readMe1+`,"keys":[{"name":"a","apiKey":"1"},{"name":"b","apiKey":"2"}]`))
	},
	"Mintlify hides the pages of a group": func(t *testing.T) string {
		return unsigned(t, mintlifyURL(t, docsURL))
	},
	"GitBook's pages do not see the groups": func(t *testing.T) string {
		return explained(t, docsURL+"?jwt_token="+token(`"groups":["beta"],"exp":1700003600,"iat":1700000000`))
	},
	"public docs do not know them, and the console names CORS or a 403 (package `userinfo`)": func(t *testing.T) string {
		return asked(t, "https://docs.example.org")
	},
}

// Other code made the token.
var otherCodeSituations = situations{
	"rejected: the algorithm is wrong": func(t *testing.T) string {
		return unsigned(t, docsURL+"/login/jwt-callback#"+hs256(`{"alg":"ES256","typ":"JWT"}`, "{"+readMe1+"}"))
	},
	"rejected: the secret was decoded from base64": func(t *testing.T) string {
		return explainedWith(t, "aHVudGVyMi1odW50ZXIyLXNlY3JldA==")
	},
	"Zendesk says that the signature is invalid, and the secret is right": func(t *testing.T) string {
		return explained(t, hs256(`{"alg":"HS256"}`, `{"jti":"1","name":"Ada","email":"ada@example.com","iat":1700000000}`), "-platform", "zendesk")
	},
	"Mintlify rejects it since March 2026": func(t *testing.T) string {
		return unsigned(t, docsURL+"/login/jwt-callback#"+token(`"exp":1700000010,"iat":1700000000`))
	},
	"it ends in the year 50,000": func(t *testing.T) string {
		return explained(t, readMeURL(readMe1+`,"exp":1700000300000`))
	},
	"ReadMe's pages break": func(t *testing.T) string {
		return explained(t, readMeURL(`"name":"Ada","email":"ada@example.com","iat":1700000000`))
	},
	"readers land on the docs' home: the link is encoded twice": func(t *testing.T) string {
		return explained(t, readMeURL(readMe1)+"&redirect=%252Fquickstart")
	},
	"readers land on another page: the link is not encoded": func(t *testing.T) string {
		return explained(t, readMeURL(readMe1)+"&redirect=/reference?lang=go&version=2")
	},
}

const situationsHeader = "| what happens | what says why | what to do |\n"

// TestTroubleshooting asserts that the tables of situations in the documentation quote what is
// logged, printed, or returned in each of them.
func TestTroubleshooting(t *testing.T) {
	untested := situations{}
	for _, table := range []situations{startSituations, appSituations, rejectedSituations, readerSituations, otherCodeSituations} {
		maps.Copy(untested, table)
	}
	for _, row := range situationRows(documentation(t)) {
		cells := strings.Split(strings.Trim(row, "| \n"), " | ")
		if len(cells) != 3 || untested[cells[0]] == nil {
			t.Errorf("not tested: %s", row)
			continue
		}
		t.Run(cells[0], func(t *testing.T) { wantQuotes(t, untested[cells[0]](t), cells[1]) })
		delete(untested, cells[0])
	}
	for happens := range untested {
		t.Errorf("not in the documentation: %s", happens)
	}
}

// situationRows returns the rows of all tables of situations.
func situationRows(text string) (rows []string) {
	for _, table := range strings.Split(text, situationsHeader)[1:] {
		for row := range strings.Lines(table) {
			if !strings.HasPrefix(row, "|") {
				break
			}
			if !strings.HasPrefix(row, "|---") {
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// wantQuotes asserts that said contains everything that the cell of a table quotes.
func wantQuotes(t *testing.T, said, cell string) {
	t.Helper()
	quotes := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1)
	if len(quotes) == 0 {
		t.Error("nothing is quoted")
	}
	for _, quote := range quotes {
		if !strings.Contains(said, quote[1]) {
			t.Errorf("the documentation has %q, and what is said is\n%s", quote[1], said)
		}
	}
}
