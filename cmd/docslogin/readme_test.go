package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/gorilla/sessions"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	console    = regexp.MustCompile("(?s)```console\n\\$ docslogin ([^\n]+)\n(.*?)```")
	loopback   = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	anyToken   = regexp.MustCompile(`eyJhbGciOiJIUz[\w.-]+`)
	readmeURLs = map[string]string{
		"url.txt": "https://docs.example.com?auth_token=" + hs256(header, `{"name":"Ada","email":"ada@example.com","api_key":"12345","iat":1700000000}`) + "&redirect=%252Fquickstart\n",
	}
)

// stopped runs a command that serves, after Ctrl-C.
func stopped(t *testing.T, env map[string]string, args ...string) result {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out, errs bytes.Buffer
	code := run(ctx, args, strings.NewReader(""), &out, &errs, func(name string) string { return env[name] })
	return result{code, out.String(), errs.String()}
}

// TestWhatTheReadmeSaysOfTheCommand runs what stands there, and gets what stands there.
func TestWhatTheReadmeSaysOfTheCommand(t *testing.T) {
	blocks := console.FindAllStringSubmatch(readme(t), -1)
	if len(blocks) != len(commands) {
		t.Fatalf("%d commands are shown, and there are %d", len(blocks), len(commands))
	}
	env := map[string]string{"README_JWT_SECRET": secret, "MINTLIFY_PRIVATE_KEY": privatePEM(t, newEd25519(t))}
	for _, block := range blocks {
		args, file, _ := strings.Cut(block[1], " < ")
		var r result
		if fields := strings.Fields(args); fields[0] == "site" {
			r = stopped(t, env, append(fields, "-listen", "127.0.0.1:0")...)
			r.out = loopback.ReplaceAllString(r.out, siteAddress)
		} else {
			r = call(t, readmeURLs[file], env, fields...)
		}
		if got := anyToken.ReplaceAllString(r.out, "eyJhbGciOiJIUz…"); got != block[2] || r.errs != "" {
			t.Errorf("docslogin %s prints\n%s%s", block[1], got, r.errs)
		}
	}
}

// unsigned is what explain says of a URL without a key, judged at its iat.
func unsigned(t *testing.T, input string, args ...string) string {
	t.Helper()
	return call(t, input, nil, append([]string{"explain", "-at", atOnce}, args...)...).out
}

// explained is what explain says of a URL or a token, judged at its iat.
func explained(t *testing.T, input string, args ...string) string {
	t.Helper()
	return withSecret(t, input, append([]string{"explain", "-at", atOnce}, args...)...).out
}

// configured is what New says of a platform.
func configured(p docslogin.Platform) string {
	_, err := docslogin.New(func(*http.Request) (*docslogin.User, error) { return nil, nil }, p)
	return errors.Join(errors.New("New:"), err).Error()
}

// logged is what the route of a ReadMe login logs of a request.
func logged(t *testing.T, user *docslogin.User, lookupError error, r *http.Request, opts ...docslogin.Option) string {
	t.Helper()
	var log bytes.Buffer
	m, err := docslogin.New(
		func(*http.Request) (*docslogin.User, error) { return user, lookupError },
		docslogin.ReadMe("https://docs.example.com", secret),
		append(opts, docslogin.WithLoginPage("/sign-in", "next"),
			docslogin.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))...)
	if err != nil {
		t.Fatal(err)
	}
	m.ServeHTTP(httptest.NewRecorder(), r)
	return log.String()
}

// asked is what UserInfo logs of a request from a docs page of that origin.
func asked(t *testing.T, origin string) string {
	t.Helper()
	var log bytes.Buffer
	info, err := docslogin.UserInfo(func(*http.Request) (*docslogin.User, error) { return nil, nil },
		docslogin.MintlifyPersonalization("", ""), []string{"https://docs.example.com"},
		docslogin.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/user-info", nil)
	r.Header.Set("Origin", origin)
	info.ServeHTTP(httptest.NewRecorder(), r)
	return log.String()
}

// from returns the request that a docs page makes with a deep link as it stands there.
func from(link string) *http.Request {
	return httptest.NewRequest(http.MethodGet, "/docs-login?redirect="+link, nil)
}

// again returns the visit after the sign-in page, of a visitor whose cookie did not come along.
func again(t *testing.T) *http.Request {
	t.Helper()
	m, err := docslogin.New(func(*http.Request) (*docslogin.User, error) { return nil, nil },
		docslogin.ReadMe("https://docs.example.com", secret), docslogin.WithLoginPage("/sign-in", "next"),
		docslogin.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	m.ServeHTTP(w, from("/quickstart"))
	signIn, err := url.Parse(w.Header().Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return httptest.NewRequest(http.MethodGet, signIn.Query().Get("next"), nil)
}

// usedTwice is what a docs site says of a token that comes a second time.
func usedTwice(t *testing.T) string {
	t.Helper()
	docs := docslogintest.NewZendesk(docslogintest.WithKey(secret))
	defer docs.Close()
	form := url.Values{"jwt": {zendeskToken(t)}}
	for range 2 {
		resp, err := http.PostForm(docs.URL+"/access/jwt", form)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	rejections := docs.Rejections()
	if len(rejections) != 1 || len(docs.Logins()) != 1 {
		t.Fatalf("of two uses %d are refused", len(rejections))
	}
	return rejections[0].Error()
}

// TestTroubleshooting: whatever a row of the README's tables says that it says is said when
// what the row is about happens.
func TestTroubleshooting(t *testing.T) {
	const docs = "https://docs.example.com"
	ada := &docslogin.User{ID: "1", Name: "Ada", Email: "ada@example.com"}
	ed25519Key, p256Key := privatePEM(t, newEd25519(t)), privatePEM(t, newP256(t))
	readMe := func(claims string) string { return docs + "?auth_token=" + token(claims) }
	mintlify := func(args ...string) string {
		made := call(t, "", map[string]string{"KEY": ed25519Key}, append([]string{"url", "-platform", "mintlify", "-key-env", "KEY", "-name", "Ada"}, args...)...)
		made.want(t, 0)
		return made.out
	}
	with := func(r *http.Request, header, value string) *http.Request {
		r.Header.Set(header, value)
		return r
	}

	says := map[string]func() string{
		"the session's key is empty": func() string {
			_, err := docslogin.New(docslogin.SessionLookup(sessions.NewCookieStore(nil), "session", func(*http.Request, *sessions.Session) (*docslogin.User, error) { return nil, nil }), docslogin.ReadMe(docs, secret))
			return fmt.Sprint(err)
		},
		"the docs' key is from the environment": func() string {
			return configured(docslogin.ReadMe(docs, ""))
		},
		"the key is from a `.env` file": func() string {
			return configured(docslogin.Mintlify(docs, strings.Split(ed25519Key, "\n")[0]))
		},
		"the key's newlines became `\\n`": func() string {
			return call(t, "", map[string]string{"KEY": strings.ReplaceAll(ed25519Key, "\n", `\n`)}, "check", "-platform", "mintlify", "-docs", docs, "-key-env", "KEY").out
		},
		"the key is of the other kind": func() string {
			return configured(docslogin.Mintlify(docs, p256Key))
		},
		"the secret is from a file": func() string {
			return configured(docslogin.ReadMe(docs, secret+"\n"))
		},
		"always: the key is of another project or environment": func() string {
			return call(t, readMe(readMe1), map[string]string{"KEY": "the secret of the staging docs"}, "explain", "-key-env", "KEY").out
		},
		"refused: the secret was decoded from base64": func() string {
			return call(t, readMe(readMe1), map[string]string{"KEY": "aHVudGVyMi1odW50ZXIyLXNlY3JldA=="}, "explain", "-key-env", "KEY").out
		},
		"refused: the algorithm is wrong": func() string {
			return unsigned(t, docs+"/login/jwt-callback#"+hs256(`{"alg":"ES256","typ":"JWT"}`, "{"+readMe1+"}"))
		},
		"Mintlify refuses it since March 2026": func() string {
			return unsigned(t, docs+"/login/jwt-callback#"+token(`"exp":1700000010,"iat":1700000000`))
		},
		"Mintlify: `DocsURL` is not what readers see": func() string {
			return unsigned(t, mintlify("-docs", "https://acme.mintlify.app"), "-docs", docs)
		},
		"now and then, or from one server": func() string {
			return unsigned(t, docs+"/login/jwt-callback#"+token(`"host":"docs.example.com","exp":1699999988,"iat":1699999978`))
		},
		"Zendesk: it says that `iat` is off": func() string {
			return explained(t, token(`"jti":"1","name":"Ada","email":"ada@example.com","iat":1700000240`), "-platform", "zendesk")
		},
		"it ends in the year 50,000": func() string {
			return explained(t, readMe(readMe1+`,"exp":1700000300000`))
		},
		"ReadMe's pages break": func() string {
			return explained(t, readMe(`"name":"Ada","email":"ada@example.com","iat":1700000000`))
		},
		"the samples show no API key: a name is wrong": func() string {
			return explained(t, readMe(readMe1+`,"api_key":"12345"`))
		},
		"the samples show no API key: there are several": func() string {
			return explained(t, readMe(readMe1+`,"apiKey":"12345","keys":[{"name":"a","apiKey":"1"},{"name":"b","apiKey":"2"}]`))
		},
		"Mintlify hides the pages of a group": func() string {
			return unsigned(t, mintlify("-docs", docs))
		},
		"public docs do not know them, and the console names CORS (`UserInfo`)": func() string {
			return asked(t, "https://docs.example.org")
		},
		"they are signed out of the docs too soon: the token is the session there, and was made for seconds": func() string {
			return explained(t, docs+"?jwt_token="+token(`"exp":1700000010,"iat":1700000000`))
		},
		"Zendesk says that the signature is invalid, and the secret is right": func() string {
			return explained(t, hs256(`{"alg":"HS256"}`, `{"jti":"1","name":"Ada","email":"ada@example.com","iat":1700000000}`), "-platform", "zendesk")
		},
		"GitBook's pages do not see the groups": func() string {
			return explained(t, docs+"?jwt_token="+token(`"groups":["beta"],"exp":1700003600,"iat":1700000000`))
		},
		"Fern: another issuer was agreed upon": func() string {
			return explained(t, docs+"/api/fern-docs/auth/jwt/callback?fern_token="+token(`"iss":"acme","exp":1700003600,"iat":1700000000`))
		},
		"Zendesk: the form is sent a second time": func() string { return usedTwice(t) },
		"they land on the docs' home: the link was encoded twice": func() string {
			return logged(t, ada, nil, from("%252Fquickstart"))
		},
		"readers land on the docs' home: the link is encoded twice": func() string {
			return explained(t, readMe(readMe1)+"&redirect=%252Fquickstart")
		},
		"readers land on another page: the link is not encoded": func() string {
			return explained(t, readMe(readMe1)+"&redirect=/reference?lang=go&version=2")
		},
		"they land on the docs' home: the link is to other docs": func() string {
			return logged(t, ada, nil, from("https://docs.example.org/quickstart"))
		},
		"a 404 of your app, and no line in the log": func() string {
			return call(t, "", map[string]string{"KEY": secret}, "check", "-platform", "readme", "-docs", docs, "-key-env", "KEY").out
		},
		"after the sign-in, readers stay in your app": func() string {
			return logged(t, nil, nil, from("/quickstart"))
		},
		"a page says \"Signing in did not work\"": func() string { return logged(t, nil, nil, again(t)) },
		"whoever comes from the docs has to sign in again": func() string {
			return logged(t, nil, nil, from("/quickstart"))
		},
		"after the sign-in the browser stays on the form, and its console names `form-action`": func() string {
			return logged(t, ada, nil, again(t)) // for the app all is well; e2e has the browser's side
		},
		"too many redirects": func() string { return logged(t, ada, nil, from("/quickstart")) },
		"nothing but a 403: the page fetches the route, or frames it": func() string {
			return logged(t, ada, nil, with(from("/quickstart"), "Sec-Fetch-Mode", "cors"))
		},
		"405 after signing in": func() string {
			return logged(t, ada, nil, httptest.NewRequest(http.MethodPost, "/docs-login", nil))
		},
		"502 from nginx": func() string {
			long := *ada
			long.Attributes = map[string]any{"bio": strings.Repeat("x", 3000)}
			return logged(t, &long, nil, from("/quickstart"))
		},
		"a 500 page: too much is known of the user": func() string {
			long := *ada
			long.Attributes = map[string]any{"bio": strings.Repeat("x", 8000)}
			return logged(t, &long, nil, from("/quickstart"))
		},
		"a 403 page: something is missing in the user's account": func() string {
			return logged(t, &docslogin.User{ID: "1", Name: "Ada"}, nil, from("/quickstart"))
		},
		"a 500 page since a mapper was added": func() string {
			return logged(t, ada, nil, from("/quickstart"), docslogin.WithClaimsMapper(
				func(_ context.Context, _ *docslogin.User, claims docslogin.Claims) error {
					claims["exp"] = 1
					return nil
				}))
		},
		"a 500 page: the session store or the database is down": func() string {
			return logged(t, nil, errors.New("connection refused"), from("/quickstart"))
		},
	}

	_, section, _ := strings.Cut(readme(t), "\n## When something is wrong\n")
	section, _, _ = strings.Cut(section, "\n## ")
	code := regexp.MustCompile("`([^`]+)`")
	for row := range strings.Lines(section) {
		if !strings.HasPrefix(row, "| ") || row == "| what happens | what says why | what to do |\n" {
			continue
		}
		cells := strings.Split(strings.Trim(row, "| \n"), " | ")
		happens := cells[0]
		if len(cells) != 3 || says[happens] == nil {
			t.Errorf("not tested: %s", row)
			continue
		}
		said := says[happens]()
		delete(says, happens)
		words := code.FindAllStringSubmatch(cells[1], -1)
		if len(words) == 0 {
			t.Errorf("%s: nothing is said", happens)
		}
		for _, w := range words {
			if !strings.Contains(said, w[1]) {
				t.Errorf("%s: the README has %q, and what is said is\n%s", happens, w[1], said)
			}
		}
	}
	for happens := range says {
		t.Errorf("not in the README: %s", happens)
	}
}
