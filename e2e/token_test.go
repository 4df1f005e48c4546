package e2e_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
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

// users are the users of the tokens that Node verifies.
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
	"keys in headers, and values": {
		ID: "u9", Name: "Fay", Email: "fay@example.com",
		APIKeys: []docslogin.APIKey{
			{Name: "Own", Key: "acme_own_9", Header: "X-Api-Key", Values: map[string]any{"X-Region": "eu"}},
			{Name: "Live", Key: "acme_live_9"},
			{Name: "Org", Key: "acme_org_9", Header: "X-Org", Values: map[string]any{"X-Region": "us", "X-Port": "8443"}},
		},
	},
	"HTTP Basic": {
		ID: "u7", Name: "Eve", Email: "eve@example.com",
		APIKeys: []docslogin.APIKey{{Username: "eve", Password: `p"<ß`}},
	},
	"first and last name apart": {
		ID: "u8", Name: "Gus Hill", Email: "gus@example.com", Attributes: map[string]any{"first_name": "Gus", "last_name": "Hill"},
	},
	"accents and other scripts": {
		ID: "u4", Name: "Chloé Ångström-Ñandú 日本 🦉 e\u0301", Email: "chloé@exämple.com", Groups: []string{"développeurs", "日本"},
		Attributes: map[string]any{"città": "Forlì", "line": "a\u2028b\u2029c"},
	},
	"quotes, backslashes and markup": {
		ID: "u5", Name: `Conan "Dev" O'Brien \ <b>R&D</b></script>`, Email: `"quoted"@example.com`, Groups: []string{`a"b`, "<c>&"},
		APIKeys: []docslogin.APIKey{{Key: `k"<&>` + "\x7f" + `'\`}}, Attributes: map[string]any{"html": "<!-- &amp; -->", "control": "\x01\t\n"},
	},
	"numbers, lists and objects": {
		ID: "u6", Name: "Dee", Email: "dee@example.com",
		Attributes: map[string]any{
			"seats": 7, "rate": 0.1, "tiny": 1e-7, "large": 1e21, "trial": false,
			"plans": []string{"pro", "beta"}, "org": map[string]any{"id": 1, "none": nil, "tags": []any{"x", 2}},
		},
	},
}

// login logs in at the route on a real server.
func login(t *testing.T, m *docslogin.Middleware) destination {
	t.Helper()
	app := httptest.NewServer(m)
	defer app.Close()
	client := followsNothing()
	defer client.CloseIdleConnections()
	resp, err := client.Get(app.URL + m.Path())
	if err != nil {
		t.Fatal(err)
	}
	d, err := readDestination(resp)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// token returns the token of a login.
func (p platform) token(t *testing.T, preset docslogin.Platform, user docslogin.User, opts ...docslogin.Option) string {
	t.Helper()
	return p.tokenIn(login(t, newMiddleware(t, preset, &user, opts...)))
}

// newMiddleware returns the route of an app whose only user is signed in.
func newMiddleware(t *testing.T, p docslogin.Platform, user *docslogin.User, opts ...docslogin.Option) *docslogin.Middleware {
	t.Helper()
	lookup := func(*http.Request) (*docslogin.User, error) { return user, nil }
	m, err := docslogin.New(lookup, p, append(opts, docslogin.WithClock(atNoon), docslogin.WithLogger(slog.New(slog.DiscardHandler)))...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// verdict is the result of judge.mjs for a token: for each verifier "", or why it rejects the token.
type verdict struct {
	Verdicts map[string]string
	Payload  string
}

// judge returns what the verifiers that know the platform's algorithm say about a token for the docs at
// docsURL.
func (p platform) judge(t *testing.T, token, key string, now time.Time) verdict {
	t.Helper()
	request := map[string]any{
		"alg": p.alg, "verifiers": algorithms[p.alg].verifiers, "token": token, "key": key, "now": now.Unix(),
		"hostClaim": p.hostClaim, "host": docsHost,
	}
	if p.issuer != "" {
		request["issuer"] = p.issuer
	}
	if p.fromIssue {
		request["takenFor"] = p.lifetime
	}
	return ask[verdict](t, "token", request)
}

// say fails the test for each verifier whose verdict does not match want.
func (v verdict) say(t *testing.T, want string) {
	t.Helper()
	if len(v.Verdicts) == 0 {
		t.Error("there is no verdict")
	}
	for verifier, why := range v.Verdicts {
		if !regexp.MustCompile(want).MatchString(why) {
			t.Errorf("%s says %q, want %s", verifier, why, want)
		}
	}
}

const accepts = "^$"

func TestNodeAcceptsTheTokenOfEveryUser(t *testing.T) {
	eachPlatform(t, func(t *testing.T, p platform) {
		signing, verifying := p.newKey()
		for name, user := range users {
			t.Run(name, func(t *testing.T) {
				got := p.judge(t, p.token(t, p.preset(docsURL, signing), user), verifying, noon)
				got.say(t, accepts)
				sample := ask[struct{ Payload string }](t, "sample", map[string]any{
					"platform": p.name, "user": user, "key": signing, "iat": noon.Unix(), "host": docsHost,
				})
				claims, want := decode(t, got.Payload), decode(t, sample.Payload)
				for claim := range want {
					if _, has := claims[claim]; !has || !reflect.DeepEqual(claims[claim], want[claim]) {
						t.Errorf("claim %s is %v, the vendor's sample signs %v", claim, claims[claim], want[claim])
					}
				}
				for claim := range claims {
					if _, has := want[claim]; !has && !slices.Contains([]string{"iat", "exp", "jti"}, claim) {
						t.Errorf("claim %s is %v, which the vendor's sample does not sign", claim, claims[claim])
					}
				}
			})
		}
	})
}

// JavaScript cannot represent these numbers, so the test compares the signed text.
func TestIntegersOf64Bits(t *testing.T) {
	eachPlatform(t, func(t *testing.T, p platform) {
		user := users["no key"]
		user.Attributes = map[string]any{
			"account": int64(9007199254740993), "least": int64(-9223372036854775808), "most": uint64(18446744073709551615),
		}
		attributes := func(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
			claims["numbers"] = user.Attributes // also where the preset sends none
			return nil
		}
		signing, verifying := p.newKey()
		got := p.judge(t, p.token(t, p.preset(docsURL, signing), user, docslogin.WithClaimsMapper(attributes)), verifying, noon)
		got.say(t, accepts)
		if want := `"numbers":{"account":9007199254740993,"least":-9223372036854775808,"most":18446744073709551615}`; !strings.Contains(got.Payload, want) {
			t.Errorf("no %s in the payload %s", want, got.Payload)
		}
	})
}

func TestNodeRejectsATokenThatIs(t *testing.T) {
	eachPlatform(t, func(t *testing.T, p platform) {
		signing, verifying := p.newKey()
		_, otherKey := p.newKey()
		token := p.token(t, p.preset(docsURL, signing), users["one key and groups"])
		header, rest, _ := strings.Cut(token, ".")
		payload, signature, _ := strings.Cut(rest, ".")
		claims, err := base64.RawURLEncoding.DecodeString(payload)
		if err != nil {
			t.Fatal(err)
		}
		changed := base64.RawURLEncoding.EncodeToString(bytes.Replace(claims, []byte("ada@"), []byte("eve@"), 1))
		end, late := time.Duration(p.lifetime)*time.Second, "expired|\"exp\""
		if end == 0 {
			end, late = 24*time.Hour, accepts
		}
		for _, tt := range []struct {
			name  string
			token string
			key   string
			now   time.Time
			say   string
		}{
			{"not expired (which they accept)", token, verifying, noon.Add(end - time.Second), accepts},
			{"expired, if it expires", token, verifying, noon.Add(end), late},
			{"signed with another key", token, otherKey, noon, "signature"},
			{"changed", header + "." + changed + "." + signature, verifying, noon, "signature"},
			{"without a signature", header + "." + payload + ".", verifying, noon, "signature"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				p.judge(t, tt.token, tt.key, tt.now).say(t, tt.say)
			})
		}
		t.Run("meant for another algorithm", func(t *testing.T) {
			other := p
			if other.alg = "HS512"; p.alg == other.alg {
				other.alg = "HS256"
			}
			other.judge(t, token, verifying, noon).say(t, "alg")
		})
	})
}

// The docs compare the claim with their own host, so that a token for one docs site does not work at
// another with the same key.
func TestNodeRejectsATokenForOtherDocs(t *testing.T) {
	each(t, func(p platform) bool { return p.hostClaim != "" }, func(t *testing.T, p platform) {
		signing, verifying := p.newKey()
		for docs, say := range map[string]string{
			"https://Docs.Example.com:8443": accepts, "https://other.example.com": "meant for other docs", "https://example.com": "meant for other docs",
		} {
			p.judge(t, p.token(t, p.preset(docs, signing), users["no key"]), verifying, noon).say(t, say)
		}
	})
}

func TestNodeRejectsATokenOfAnotherIssuer(t *testing.T) {
	each(t, func(p platform) bool { return p.issuer != "" }, func(t *testing.T, p platform) {
		signing, verifying := p.newKey()
		preset := p.preset(docsURL, signing)
		preset.Static = docslogin.Claims{"iss": "https://agreed.example.com"}
		token := p.token(t, preset, users["no key"])
		p.judge(t, token, verifying, noon).say(t, "issuer|\"iss\"")
		p.issuer = "https://agreed.example.com"
		p.judge(t, token, verifying, noon).say(t, accepts)
	})
}

func TestAUserWithoutWhatThePlatformRequires(t *testing.T) {
	eachPlatform(t, func(t *testing.T, p platform) {
		signing, _ := p.newKey()
		app := httptest.NewServer(newMiddleware(t, p.preset(docsURL, signing), &docslogin.User{Name: "Ada"}))
		defer app.Close()
		resp, err := followsNothing().Get(app.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		page, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if p.required == "" {
			if resp.StatusCode != http.StatusFound {
				t.Errorf("status %d: %s", resp.StatusCode, page)
			}
			return
		}
		if want := "does not have: " + p.required + "."; resp.StatusCode != http.StatusForbidden || !strings.Contains(string(page), want) {
			t.Errorf("status %d, not 403 with %q: %s", resp.StatusCode, want, page)
		}
	})
}

// The token also has the claims of the app's own mapper.
func TestClaimsOfAMapper(t *testing.T) {
	eachPlatform(t, func(t *testing.T, p platform) {
		added := map[string]any{"nested": map[string]any{"<&>": []any{"é", json.Number("1")}}, "flag": true}
		mapper := func(_ context.Context, _ *docslogin.User, claims docslogin.Claims) error {
			maps.Copy(claims, added)
			return nil
		}
		signing, verifying := p.newKey()
		got := p.judge(t, p.token(t, p.preset(docsURL, signing), users["no key"], docslogin.WithClaimsMapper(mapper)), verifying, noon)
		got.say(t, accepts)
		claims := decode(t, got.Payload)
		for name, want := range added {
			if !reflect.DeepEqual(claims[name], want) {
				t.Errorf("claim %s is %v, want %v", name, claims[name], want)
			}
		}
	})
}

// decode decodes a payload without losing digits of numbers.
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
