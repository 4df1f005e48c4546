package platforms_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
)

// encoded is a value that encodes itself.
type encoded string

func (e encoded) MarshalJSON() ([]byte, error) { return []byte(e), nil }

// textKey is a key of a map that encodes itself.
type textKey struct{ name string }

func (k textKey) MarshalText() ([]byte, error) { return []byte(k.name), nil }

type object = map[string]any

// prototypes are attributes, or values of an API key, with a name that can change an object's
// prototype.
var prototypes = []struct {
	row, name string
	value     any
	found     string
}{
	{"a string", "__proto__", "admin", "__proto__"},
	{"null", "__proto__", nil, "__proto__"},
	{"an object", "__proto__", object{"isAdmin": true}, "__proto__"},
	{"in an object", "prefs", object{"__proto__": object{"isAdmin": true}}, "__proto__"},
	{"in an object of strings", "prefs", map[string]string{"__proto__": "x"}, "__proto__"},
	{"in an object of other names", "prefs", map[textKey]int{{"__proto__"}: 1}, "__proto__"},
	{"in claims", "prefs", docslogin.Claims{"__proto__": 1}, "__proto__"},
	{"deep in objects", "prefs", object{"a": object{"b": docslogin.Claims{"c": object{"__proto__": 1}}}}, "__proto__"},
	{"in a path with dots", "__proto__.isAdmin", true, "__proto__"},
	{"in a path with brackets", "a[__proto__][isAdmin]", true, "__proto__"},
	{"a constructor with a prototype, in a path with dots", "constructor.prototype.isAdmin", true, "constructor.prototype"},
	{"a constructor with a prototype, in a path with brackets", "a.constructor[prototype][isAdmin]", true, "constructor[prototype"},
	{"in a list", "prefs", []any{"a", object{"__proto__": 1}}, "__proto__"},
	{"in a list of lists", "prefs", [][]map[string]int{{{"a": 1}}, {{"__proto__": 1}}}, "__proto__"},
	{"in a struct", "prefs", struct {
		Proto int `json:"__proto__"`
	}{1}, "__proto__"},
	{"in a pointer to a struct", "prefs", &struct{ In map[string]int }{map[string]int{"__proto__": 1}}, "__proto__"},
	{"in raw JSON", "prefs", json.RawMessage(`{"a":{"__proto__":{"isAdmin":true}}}`), "__proto__"},
	{"escaped in raw JSON", "prefs", json.RawMessage(`{"\u005f_prot\u006F__":1}`), "__proto__"},
	{"twice in raw JSON", "prefs", json.RawMessage(`{"__proto__":1,"__proto__":2}`), "__proto__"},
	{"in a value that encodes itself", "prefs", encoded(`[{"_\u005fproto__":1}]`), "__proto__"},
	{"in a list of values that encode themselves", "prefs", []json.Marshaler{encoded(`1`), encoded(`{"__proto__":1}`)}, "__proto__"},
	{"a constructor with a prototype", "constructor", object{"prototype": object{"isAdmin": true}}, "constructor.prototype"},
	{"a constructor with a prototype that is null", "constructor", object{"name": "A", "prototype": nil}, "constructor.prototype"},
	{"a constructor with a prototype, in a list", "prefs", []any{object{"constructor": object{"prototype": 1}}}, "constructor.prototype"},
	{"a constructor with a prototype, escaped", "prefs", json.RawMessage(`{"con\u0073tructor":{"\u0070rototype":{}}}`), "constructor.prototype"},
	{"a constructor with a __proto__", "constructor", object{"__proto__": 1}, "__proto__"},
}

// places return a user with a value in a place, under a name.
var places = map[string]func(name string, value any) *docslogin.User{
	"attribute": func(name string, value any) *docslogin.User { return with(object{name: value}) },
	"API key's value": func(name string, value any) *docslogin.User {
		return withKeys(docslogin.APIKey{Key: "1", Values: object{name: value}})
	},
	"API key's value, of the first key": func(name string, value any) *docslogin.User {
		return withKeys(docslogin.APIKey{Name: "a", Key: "1", Values: object{name: value}}, docslogin.APIKey{Name: "b", Key: "2"})
	},
	"API key's value, of another key": func(name string, value any) *docslogin.User {
		return withKeys(docslogin.APIKey{Name: "a", Key: "1"}, docslogin.APIKey{Name: "b", Key: "2", Values: object{name: value}})
	},
}

// withKeys returns Ada, with API keys.
func withKeys(keys ...docslogin.APIKey) *docslogin.User {
	user := *testkit.Ada
	user.APIKeys = keys
	return &user
}

// A preset either rejects a name that can change a prototype, or does not send the value at all.
func TestNoPlatformGetsANameThatChangesAPrototype(t *testing.T) {
	for place, user := range places {
		what, _, _ := strings.Cut(place, ",")
		for _, p := range testkit.Presets() {
			sent := isSent(t, p, user)
			for _, tt := range prototypes {
				var e docslogin.Event
				resp := testkit.Get(t, testkit.New(t, testkit.As(user(tt.name, tt.value)), p, testkit.Observe(&e)), "/docs-login")
				if !sent {
					if got := testkit.Payload(t, testkit.Sent(t, resp)); strings.Contains(got, tt.name) {
						t.Errorf("%s, %s, %s: %s", p.Name, place, tt.row, got)
					}
					continue
				}
				want := `docslogin: the ` + what + ` "` + tt.name + `" contains the name "` + tt.found + `", which can change an object's prototype in JavaScript; use another name`
				if resp.StatusCode != 500 || e.Outcome != "mapper_failed" || e.Err == nil || e.Err.Error() != want {
					t.Errorf("%s, %s, %s: %d %s, %v", p.Name, place, tt.row, resp.StatusCode, e.Outcome, e.Err)
				}
			}
		}
	}
}

// isSent reports whether a platform gets the values of a place. ReadMe gets all of them.
func isSent(t *testing.T, p docslogin.Platform, user func(string, any) *docslogin.User) bool {
	t.Helper()
	sent := !reflect.DeepEqual(payload(t, p, user("odd", "probe")), payload(t, p, user("other", "probe")))
	if p.Name == "ReadMe" && !sent {
		t.Error("ReadMe does not get a value")
	}
	return sent
}

// isText reports whether a platform gets the values in a place as text.
func isText(t *testing.T, p docslogin.Platform, user func(string, any) *docslogin.User) bool {
	t.Helper()
	return strings.Contains(fmt.Sprint(testkit.Login(t, testkit.New(t, testkit.As(user("odd", 7)), p), "/docs-login")), `"odd":"7"`)
}

// textOf returns a JSON value as a preset sends it if docs fill it into requests. That is a string, or ""
// for an object or a list, which is not sent.
func textOf(value string) string {
	switch value[:min(1, len(value))] {
	case `"`, "":
		return value
	case "{", "[":
		return ""
	}
	return `"` + value + `"`
}

func TestNamesThatOnlyLookLikeAPrototypeAreSent(t *testing.T) {
	for place, user := range places {
		for _, p := range testkit.Presets() {
			sent, asText := isSent(t, p, user), isText(t, p, user)
			for _, tt := range []struct{ name, json string }{
				{"constructor", `"Acme Construction"`},
				{"constructor", `{"name":"Acme"}`},
				{"constructor", `["prototype"]`},
				{"constructor", `[{"prototype":1}]`},
				{"prototype", `{"constructor":"Acme"}`},
				{"constructor.proto", `"prototype"`},
				{"proto", `{"prototype":"__proto__"}`},
				{"__proto", `["__proto__","constructor"]`},
				{"__PROTO__", `{"Constructor":{"prototype":1}}`},
			} {
				_, got := testkit.Login(t, testkit.New(t, testkit.As(user(tt.name, json.RawMessage(tt.json))), p), "/docs-login")
				wantSent := sent && !(asText && textOf(tt.json) == "")
				if want := `"` + tt.name + `":` + tt.json; strings.Contains(got, want) != wantSent {
					t.Errorf("%s, %s: %s in %s", p.Name, place, want, got)
				}
			}
		}
	}
}

// Fern gets the names of several API keys as names in objects.
func TestFernRejectsAnAPIKeyThatIsNamedLikeAPrototype(t *testing.T) {
	fern := platforms.Fern("https://docs.example.com", testkit.Secret)
	const want = `the API key's Name "__proto__" contains the name "__proto__", which can change`
	testErrors(t, fern, []errorRow{
		{"the first of several keys", keys(docslogin.APIKey{Name: "__proto__", Key: "1"}, docslogin.APIKey{Name: "b", Key: "2"}), want},
		{"another key", keys(docslogin.APIKey{Name: "a", Key: "1"}, docslogin.APIKey{Name: "__proto__", Key: "2"}), want},
	})
	testClaims(t, fern, []claimsRow{
		{"a key whose name is not sent", keys(docslogin.APIKey{Name: "__proto__", Key: "1"}), `{"fern":{"playground":{"initial_state":{"auth":{"bearer_token":"1"}}}}}`},
		{"a key without a Key", keys(docslogin.APIKey{Name: "__proto__"}, docslogin.APIKey{Name: "a", Key: "1"}, docslogin.APIKey{Name: "constructor", Key: "2"}),
			`{"fern":{"playground":{"initial_state":{"auth":{"bearer_token":"[{\"a\":\"1\"},{\"constructor\":\"2\"}]"}}}}}`},
	})
}

// The Header may contain the credential by mistake, so no error shows it.
func TestInvalidHeaderNames(t *testing.T) {
	const invalid = "docslogin: the Header of API key 2 of 2 is not a valid header name; use a name such as X-Api-Key, and put the credential into Key"
	for _, p := range []docslogin.Platform{mintlify, fern} {
		for _, header := range []string{"Bearer sk_1", "X-Api-Key:", "X-Api-Key: sk_1", "sk_1/2=", "X-Api\u212aey", "clé", "\x00", " ", "__proto__", "sk_1.__proto__"} {
			err := p.Mapper(t.Context(), keys(docslogin.APIKey{Key: "1"}, docslogin.APIKey{Key: "2", Header: header}), docslogin.Claims{})
			if err == nil || err.Error() != invalid {
				t.Errorf("%s, %q: %v", p.Name, header, err)
			}
		}
		claims := docslogin.Claims{}
		if err := p.Mapper(t.Context(), keys(docslogin.APIKey{Header: "no header", Username: "u"}), claims); err != nil || strings.Contains(fmt.Sprint(claims), "no header") {
			t.Errorf("%s, without a Key: %v, %v", p.Name, claims, err)
		}
	}
}

func TestAnAPIKeyThatSetsAHeaderTwice(t *testing.T) {
	for _, tt := range []struct {
		name    string
		key     docslogin.APIKey
		headers string // at Mintlify
	}{
		{"the Header wins over a value", docslogin.APIKey{Key: "1", Header: "X-Api-Key", Values: object{"x-api-key": "2"}}, `{"X-Api-Key":"1"}`},
		{"a bearer token wins over a value", docslogin.APIKey{Key: "1", Values: object{"authorization": "2"}}, `{"Authorization":"Bearer 1"}`},
		{"HTTP Basic wins over a value", docslogin.APIKey{Username: "u", Values: object{"Authorization": "2"}}, `{"Authorization":"Basic dTo="}`},
		{"the Header wins over HTTP Basic", docslogin.APIKey{Key: "1", Header: "authorization", Username: "u"}, `{"authorization":"1"}`},
		{"the first of two values in the order of their names", docslogin.APIKey{Values: object{"x-org": "1", "X-Org": "2"}}, `{"X-Org":"2"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 20 { // maps have no order
				claims := docslogin.Claims{}
				if err := mintlify.Mapper(t.Context(), keys(tt.key), claims); err != nil {
					t.Fatal(err)
				}
				if got, _ := json.Marshal(claims.Object("apiPlaygroundInputs")["header"]); string(got) != tt.headers {
					t.Fatalf("got %s, want %s", got, tt.headers)
				}
			}
		})
	}
}

// A user may have many API keys, for example one per project.
func TestManyAPIKeysTakeLittleTime(t *testing.T) {
	user := &docslogin.User{ID: "1"}
	for i := range 4000 {
		user.APIKeys = append(user.APIKeys, docslogin.APIKey{Name: fmt.Sprint(i), Key: "k", Header: fmt.Sprintf("X-Key-%d", i), Values: object{fmt.Sprintf("v-%d", i): "1"}})
	}
	for _, p := range []docslogin.Platform{mintlify, fern} {
		start := time.Now()
		if err := p.Mapper(t.Context(), user, docslogin.Claims{}); err != nil || time.Since(start) > time.Second {
			t.Errorf("%s: %v, %v", p.Name, time.Since(start), err)
		}
	}
}
