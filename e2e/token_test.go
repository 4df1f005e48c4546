package e2e_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
)

const (
	docsURL  = "https://docs.example.com"
	docsHost = "docs.example.com"
)

var noon = time.Unix(1_800_000_000, 0)

func atNoon() time.Time { return noon }

// users are those whose tokens Node judges.
var users = map[string]docslogin.User{
	"no key": {ID: "u1", Name: "Owlbert", Email: "owlbert@example.com"},
	"one key and groups": {
		ID: "u2", Name: "Ada Park", Email: "ada@example.com", Groups: []string{"admin", "beta"},
		APIKeys: []docslogin.APIKey{{Name: "Live", Key: "acme_live_1"}},
	},
	"several keys": {
		ID: "u3", Name: "Ben", Email: "ben@example.com",
		APIKeys: []docslogin.APIKey{{Name: "Live", Key: "acme_live_2"}, {Name: "Test", Key: "acme_test_2"}, {Name: "Old", Key: "acme_old_2"}},
	},
	"accents and other scripts": {
		ID: "u4", Name: "Chloé Ångström-Ñandú 日本 🦉 e\u0301", Email: "chloé@exämple.com", Groups: []string{"développeurs", "日本"},
		Attributes: map[string]any{"città": "Forlì", "line": "a\u2028b\u2029c"},
	},
	"quotes, backslashes and markup": {
		ID: "u5", Name: `Conan "Dev" O'Brien \ <b>R&D</b></script>`, Email: `"quoted"@example.com`, Groups: []string{`a"b`, "<c>&"},
		APIKeys: []docslogin.APIKey{{Key: `k"<&>'\` + "\x7f"}}, Attributes: map[string]any{"html": "<!-- &amp; -->", "control": "\x01\t\n"},
	},
	"numbers, lists and objects": {
		ID: "u6", Name: "Dee", Email: "dee@example.com",
		Attributes: map[string]any{
			"seats": 7, "rate": 0.1, "tiny": 1e-7, "large": 1e21, "trial": false, "none": nil,
			"plans": []string{"pro", "beta"}, "org": map[string]any{"id": 1, "tags": []any{"x", 2}},
		},
	},
}

// login makes one request to the route of a real server and returns the login URL.
func login(t *testing.T, m *docslogin.Middleware) string {
	t.Helper()
	app := httptest.NewServer(m)
	defer app.Close()
	client := followsNothing()
	defer client.CloseIdleConnections()
	resp, err := client.Get(app.URL + m.Path())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusFound {
		t.Fatalf("status %d", resp.StatusCode)
	}
	return resp.Header.Get("Location")
}

// newMiddleware is the route of an app whose only user is signed in.
func newMiddleware(t *testing.T, p docslogin.Platform, user *docslogin.User, opts ...docslogin.Option) *docslogin.Middleware {
	t.Helper()
	lookup := func(*http.Request) (*docslogin.User, error) { return user, nil }
	m, err := docslogin.New(lookup, p, append(opts, docslogin.WithClock(atNoon))...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// verdict is what judge.mjs says of a token: of each verifier "" or why not.
type verdict struct {
	Verdicts map[string]string
	Payload  string
}

// judge is asked by the docs at docsURL.
func (p platform) judge(t *testing.T, token, key string, now time.Time) verdict {
	t.Helper()
	return ask[verdict](t, "token", map[string]any{
		"alg": p.alg, "token": token, "key": key, "now": now.Unix(),
		"hostClaim": p.hostClaim, "host": docsHost,
	})
}

// say fails the test for each verifier that does not say what matches: "^$" is that it
// takes the token.
func (p platform) say(t *testing.T, v verdict, want string) {
	t.Helper()
	for _, verifier := range p.verifiers {
		if why, asked := v.Verdicts[verifier]; !asked || !regexp.MustCompile(want).MatchString(why) {
			t.Errorf("%s says %q, want %s", verifier, why, want)
		}
	}
}

const takes = "^$"

func TestNodeTakesTheTokenOfEveryUser(t *testing.T) {
	eachPlatform(t, func(t *testing.T, p platform) {
		signing, verifying := p.newKey()
		for name, user := range users {
			t.Run(name, func(t *testing.T) {
				m := newMiddleware(t, p.preset(docsURL, signing), &user)
				got := p.judge(t, p.tokenIn(login(t, m)), verifying, noon)
				p.say(t, got, takes)
				sample := ask[struct{ Payload string }](t, "sample", map[string]any{
					"platform": p.name, "user": user, "key": signing, "now": noon.Unix(), "host": docsHost,
				})
				claims, want := decode(t, got.Payload), decode(t, sample.Payload)
				for claim := range want {
					if _, has := claims[claim]; !has || !reflect.DeepEqual(claims[claim], want[claim]) {
						t.Errorf("claim %s is %v, the vendor's sample signs %v", claim, claims[claim], want[claim])
					}
				}
			})
		}
	})
}

func TestTheVendorsSampleOfHTTPBasic(t *testing.T) {
	p := readMe
	user := &docslogin.User{Name: "Eve", Email: "eve@example.com", APIKeys: []docslogin.APIKey{{Username: "eve", Password: `p"<ß`}}}
	signing, verifying := p.newKey()
	got := p.judge(t, p.tokenIn(login(t, newMiddleware(t, p.preset(docsURL, signing), user))), verifying, noon)
	sample := ask[struct{ Payload string }](t, "sample", map[string]any{"platform": p.name, "user": user, "key": signing, "now": noon.Unix()})
	claims, want := decode(t, got.Payload), decode(t, sample.Payload)
	if !reflect.DeepEqual(claims["apiKey"], want["apiKey"]) || claims["apiKey"] == nil {
		t.Errorf("apiKey is %v, the vendor's sample signs %v", claims["apiKey"], want["apiKey"])
	}
	if claims["user"] != "eve" || claims["pass"] != `p"<ß` {
		t.Errorf("user and pass are %v and %v", claims["user"], claims["pass"])
	}
}

// JavaScript cannot hold these numbers, so the text that is signed is what is compared.
func TestIntegersOf64Bits(t *testing.T) {
	eachPlatform(t, func(t *testing.T, p platform) {
		user := &docslogin.User{Name: "Fay", Email: "fay@example.com", Attributes: map[string]any{
			"account": int64(9007199254740993), "least": int64(-9223372036854775808), "most": uint64(18446744073709551615),
		}}
		signing, verifying := p.newKey()
		got := p.judge(t, p.tokenIn(login(t, newMiddleware(t, p.preset(docsURL, signing), user))), verifying, noon)
		p.say(t, got, takes)
		for _, want := range []string{`"account":9007199254740993`, `"least":-9223372036854775808`, `"most":18446744073709551615`} {
			if !strings.Contains(got.Payload, want) {
				t.Errorf("no %s in the payload %s", want, got.Payload)
			}
		}
	})
}

func TestNodeRefusesATokenThatIs(t *testing.T) {
	eachPlatform(t, func(t *testing.T, p platform) {
		signing, verifying := p.newKey()
		_, otherKey := p.newKey()
		user := users["one key and groups"]
		token := p.tokenIn(login(t, newMiddleware(t, p.preset(docsURL, signing), &user)))
		header, rest, _ := strings.Cut(token, ".")
		payload, signature, _ := strings.Cut(rest, ".")
		claims, err := base64.RawURLEncoding.DecodeString(payload)
		if err != nil {
			t.Fatal(err)
		}
		changed := base64.RawURLEncoding.EncodeToString(bytes.Replace(claims, []byte("Ada"), []byte("Eve"), 1))
		end := time.Duration(p.lifetime) * time.Second
		for _, tt := range []struct {
			name  string
			token string
			key   string
			now   time.Time
			say   string
		}{
			{"in time (which they take)", token, verifying, noon.Add(end - time.Second), takes},
			{"a second late", token, verifying, noon.Add(end), "expired|\"exp\""},
			{"signed with another key", token, otherKey, noon, "signature"},
			{"changed", header + "." + changed + "." + signature, verifying, noon, "signature"},
			{"without a signature", header + "." + payload + ".", verifying, noon, "signature"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				got := p.judge(t, tt.token, tt.key, tt.now)
				p.say(t, got, tt.say)
			})
		}
		t.Run("meant for another algorithm", func(t *testing.T) {
			other := p
			other.alg = "HS512"
			other.say(t, other.judge(t, token, verifying, noon), "alg")
		})
	})
}

// The docs compare the claim with the host that is visited: a token for one docs site
// does not open another that has the same key.
func TestNodeRefusesATokenForOtherDocs(t *testing.T) {
	for _, p := range platforms {
		if p.hostClaim == "" {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			signing, verifying := p.newKey()
			user := users["no key"]
			for docs, say := range map[string]string{
				"https://Docs.Example.com:8443": takes, "https://other.example.com": "meant for other docs", "https://example.com": "meant for other docs",
			} {
				m := newMiddleware(t, p.preset(docs, signing), &user)
				got := p.judge(t, p.tokenIn(login(t, m)), verifying, noon)
				p.say(t, got, say)
			}
		})
	}
}

// What a mapper of the app's own adds comes through as well.
func TestClaimsOfAMapper(t *testing.T) {
	eachPlatform(t, func(t *testing.T, p platform) {
		added := map[string]any{"nested": map[string]any{"<&>": []any{"é", json.Number("1")}}, "flag": true}
		mapper := func(_ context.Context, _ *docslogin.User, claims docslogin.Claims) error {
			maps.Copy(claims, added)
			return nil
		}
		signing, verifying := p.newKey()
		user := users["no key"]
		m := newMiddleware(t, p.preset(docsURL, signing), &user, docslogin.WithClaimsMapper(mapper))
		got := p.judge(t, p.tokenIn(login(t, m)), verifying, noon)
		p.say(t, got, takes)
		claims := decode(t, got.Payload)
		for name, want := range added {
			if !reflect.DeepEqual(claims[name], want) {
				t.Errorf("claim %s is %v, want %v", name, claims[name], want)
			}
		}
	})
}

// decode reads a payload without losing digits.
func decode(t *testing.T, payload string) map[string]any {
	t.Helper()
	var claims map[string]any
	d := json.NewDecoder(strings.NewReader(payload))
	d.UseNumber()
	if err := d.Decode(&claims); err != nil {
		t.Fatalf("payload %q: %v", payload, err)
	}
	return claims
}
