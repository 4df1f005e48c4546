package platforms_test

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/presets"
	"github.com/docslogin/docslogin/internal/testkit"
)

// A new preset is tested here before it has rows of its own.
func TestEveryPresetTakesItsPlatformsDeepLinkBothWays(t *testing.T) {
	for i, p := range testkit.Presets() {
		t.Run(p.Name, func(t *testing.T) {
			sent := presets.All()[i].Rules(nil).Link
			if p.DeepLink.In != sent {
				t.Errorf("the deep link comes in %q, want %q", p.DeepLink.In, sent)
			}
			param := cmp.Or(sent, "redirect") // which a platform that sends no deep link may have for something else
			in := url.Values{param: {"/guide"}}
			m := testkit.New(t, testkit.As(testkit.Ada), p)
			home, _ := testkit.Login(t, m, "/docs-login")
			to, _ := testkit.Login(t, m, "/docs-login?"+in.Encode())
			if decoded, _ := url.QueryUnescape(to); (to == home) != (sent == "") || strings.Contains(decoded, "/guide") != (sent != "") {
				t.Errorf("the deep link in %q leads to %s", param, to)
			}
			foreign := url.Values{param: {"https://evil.example/guide"}}
			testLinks(t, p, []linkRow{
				{"without a deep link", "", home},
				{"a deep link", in.Encode(), to},
				{"a foreign deep link", foreign.Encode(), home},
			})
		})
	}
}

func TestEveryPresetIsNamedAfterItsPlatform(t *testing.T) {
	for i, p := range testkit.Presets() {
		preset := presets.All()[i]
		call, _, _ := strings.Cut(preset.Call, "(")
		if p.Name != preset.Name() || !strings.EqualFold(call, strings.ReplaceAll(p.Name, " ", "")) {
			t.Errorf("%s has the name %q", preset.Call, p.Name)
		}
	}
}

func TestEveryPresetRejectsAKeyThatIsSomethingElse(t *testing.T) {
	const docsURL = "https://docs.example.com"
	for _, p := range presets.All() {
		key, other, looks := testkit.KeyFor(p), testkit.Secret, "a shared secret, not a private key in PEM"
		if key == testkit.Secret {
			other, looks = testkit.Ed25519PEM, "a key in PEM, but an HMAC secret is needed"
		}
		for _, tt := range []struct{ name, docs, key, want string }{
			{"the docs URL and the key swapped", key, docsURL, "looks like a URL"},
			{"the key of another platform", docsURL, other, "looks like " + looks},
		} {
			t.Run(p.Flag+": "+tt.name, func(t *testing.T) {
				_, err := docslogin.New(testkit.Nobody, p.Example(tt.docs, tt.key))
				if !slices.ContainsFunc(testkit.ConfigErrors(err), func(e *docslogin.ConfigError) bool {
					return e.Field == "Platform.Key" && strings.Contains(e.Error(), tt.want)
				}) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
				for line := range strings.Lines(key + "\n" + other) {
					if line = strings.TrimSpace(line); line != "" && strings.Contains(err.Error(), line) {
						t.Errorf("the error shows a key: %v", err)
					}
				}
			})
		}
	}
}

func TestEveryPresetRejectsAUserWithoutAnIdentity(t *testing.T) {
	for _, p := range testkit.Presets() {
		t.Run(p.Name, func(t *testing.T) {
			const missing = "a name, an e-mail address, or an ID"
			testRequired(t, p, []requiredRow{
				{"an empty user", &docslogin.User{}, missing},
				{"only white space", &docslogin.User{ID: " ", Name: "\t", Email: "\u00a0\n"}, missing},
				{"only fields that do not identify the user", &docslogin.User{
					Groups: []string{}, APIKeys: []docslogin.APIKey{{Key: "k"}}, Attributes: map[string]any{"plan": "pro"}, ExpiresAt: testkit.Noon.Add(time.Hour), App: 1,
				}, missing},
			})
		})
	}
}

func TestEveryMapperSendsNothingThatIsNotSet(t *testing.T) {
	for i, p := range testkit.Presets() {
		t.Run(p.Name, func(t *testing.T) {
			var members []string
			for _, name := range presets.All()[i].Rules(nil).Objects { // which must be there, even if they are empty
				members = append(members, `"`+name+`":{}`)
			}
			want := "{" + strings.Join(members, ",") + "}"
			testClaims(t, p, []claimsRow{{"a user with nothing but the app's own", appAlone, want}})
		})
	}
}

func TestEveryPresetReservesTheTimesOfAToken(t *testing.T) {
	for _, p := range testkit.Presets() {
		t.Run(p.Name, func(t *testing.T) { testReserved(t, p, "iat", "exp", "nbf") })
	}
}

// shared is a user whom requests share, with containers in each field that can have some.
func shared() *docslogin.User {
	values := func() map[string]any { return map[string]any{"scheme": map[string]any{"inner": map[string]any{}}} }
	return &docslogin.User{
		ID: "u-42", Name: "Ada", Email: "ada@example.com", Groups: append(make([]string, 0, 4), "b", "a"),
		APIKeys: []docslogin.APIKey{{Name: "live", Values: values()}, {Name: "test", Values: values()}},
		Attributes: map[string]any{
			"crew": map[string]any{"inner": map[string]any{}}, "typed": docslogin.Claims{"inner": docslogin.Claims{}},
			"list": []any{map[string]any{}, []any{"a"}}, "strings": append(make([]string, 0, 4), "a"), "lists": [][]string{{"a"}},
			"map": map[string]string{}, "pointer": &map[string]any{}, "raw": json.RawMessage(`{"a":1}`),
			"nil": nil, "nils": []any{nil, map[string]any(nil), []any(nil)},
		},
	}
}

// change writes into everything that can be changed in a claim.
func change(claim any) {
	switch claim := claim.(type) {
	case docslogin.Claims:
		change(map[string]any(claim))
	case map[string]any:
		for _, member := range claim {
			change(member)
		}
		claim["changed"] = true
	case map[string]string:
		claim["changed"] = "true"
	case []docslogin.Claims:
		for _, member := range claim {
			change(member)
		}
	case []any:
		for i, member := range claim {
			change(member)
			claim[i] = "changed"
		}
	case []string:
		_ = append(claim, "changed")
		slices.Sort(claim)
	case [][]string:
		change(claim[0])
	case *map[string]any:
		change(*claim)
	case json.RawMessage:
		claim[2] = 'b'
	}
}

func TestNoMapperOfTheAppWritesIntoTheUser(t *testing.T) {
	mapper := docslogin.WithClaimsMapper(func(_ context.Context, _ *docslogin.User, claims docslogin.Claims) error {
		change(claims)
		return nil
	})
	for _, p := range testkit.Presets() {
		several, one := shared(), shared()
		one.APIKeys = one.APIKeys[:1]
		for _, user := range []*docslogin.User{several, one} {
			testkit.Login(t, testkit.New(t, testkit.As(user), p, mapper), "/docs-login")
			want := shared()
			want.APIKeys = want.APIKeys[:len(user.APIKeys)]
			if !reflect.DeepEqual(user, want) {
				t.Errorf("%s: the user was changed to %+v", p.Name, user)
			}
			if strs := user.Attributes["strings"].([]string); user.Groups[:3][2] != "" || strs[:2][1] != "" {
				t.Errorf("%s: a list of the user's was written to: %q, %q", p.Name, user.Groups[:3], strs[:2])
			}
		}
	}
}

// attributesIn returns the name of the claim that contains the attributes; "" is the top level.
// sent reports whether the platform gets any.
func attributesIn(t *testing.T, p docslogin.Platform) (object string, sent bool) {
	t.Helper()
	claims := docslogin.Claims{}
	if err := p.Mapper(t.Context(), with(map[string]any{"odd": "probe"}), claims); err != nil {
		t.Fatal(err)
	}
	for name, claim := range claims {
		if members, ok := claim.(docslogin.Claims); ok && members["odd"] == "probe" {
			return name, true
		}
	}
	return "", claims["odd"] == "probe"
}

func TestAttributesReachMappersAsPlainJSON(t *testing.T) {
	type plan struct {
		Seats int `json:"seats"`
	}
	for _, tt := range []struct {
		name     string
		in, want any
	}{
		{"a string", "pro", "pro"},
		{"a string of another type", docslogin.Outcome("pro"), "pro"},
		{"a bool", true, true},
		{"an int", math.MaxInt, math.MaxInt},
		{"an int64", int64(1 << 60), int64(1 << 60)},
		{"a float64", 1.5, 1.5},
		{"another number", uint64(1<<64 - 1), json.Number("18446744073709551615")},
		{"a list of strings", []string{"a"}, []any{"a"}},
		{"an object of strings", map[string]string{"a": "b"}, map[string]any{"a": "b"}},
		{"claims", docslogin.Claims{"a": 1}, map[string]any{"a": json.Number("1")}},
		{"a struct", plan{7}, map[string]any{"seats": json.Number("7")}},
		{"a pointer", &plan{7}, map[string]any{"seats": json.Number("7")}},
		{"a time", time.Unix(0, 0).UTC(), "1970-01-01T00:00:00Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, p := range testkit.Presets() {
				object, sent := attributesIn(t, p)
				if !sent {
					continue
				}
				claims := docslogin.Claims{}
				err := p.Mapper(t.Context(), with(map[string]any{"odd": tt.in}), claims)
				if object != "" {
					claims = claims.Object(object)
				}
				if got, set := claims["odd"]; err != nil || !set || !reflect.DeepEqual(got, tt.want) {
					t.Errorf("%s: got %#v (%v), want %#v", p.Name, got, err, tt.want)
				}
			}
		})
	}
}

func TestAttributesThatHaveNoJSON(t *testing.T) {
	object := map[string]any{}
	object["itself"], object["again"] = object, object
	list := make([]any, 2)
	list[0], list[1] = list, list
	for _, tt := range []struct {
		name  string
		value any
		cause string
	}{
		{"a func", func() {}, `the attribute "odd", a func(), cannot be written as JSON`},
		{"an object that contains itself twice", object, `the attribute "odd", a map[string]interface {}, cannot be written as JSON`},
		{"a list that contains itself twice", list, `the attribute "odd", a []interface {}, cannot be written as JSON`},
		{"not a number", math.NaN(), `the attribute "odd", a float64, cannot be written as JSON`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, p := range testkit.Presets() {
				var e docslogin.Event
				testkit.Get(t, testkit.New(t, testkit.As(with(map[string]any{"odd": tt.value})), p, testkit.Observe(&e)), "/docs-login")
				_, sent := attributesIn(t, p)
				if !sent && e.Outcome != "logged_in" {
					t.Errorf("%s, which gets no attributes: %s, %v", p.Name, e.Outcome, e.Err)
				}
				if sent && (e.Outcome != "mapper_failed" || e.Err == nil || !strings.Contains(e.Err.Error(), tt.cause)) {
					t.Errorf("%s: %s, %v", p.Name, e.Outcome, e.Err)
				}
			}
		})
	}
}
