package docslogintest_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
)

// loggedIn returns the login of a user with these attributes.
func loggedIn(t *testing.T, attributes map[string]any) docslogintest.Login {
	t.Helper()
	site := docslogintest.NewGitBook()
	t.Cleanup(site.Close)
	app := newApp(t, site, site.Platform(), &docslogin.User{Name: "Ada", Attributes: attributes})
	login, err := site.Login(visitor(t, app), "/quickstart")
	if err != nil {
		t.Fatal(err)
	}
	return login
}

// values are attributes of every kind.
var values = map[string]any{
	"plan": "pro", "seats": 7, "rate": 0.5, "large": int64(1) << 60, "trial": false,
	"teams": []string{"a", "b"}, "address": map[string]any{"city": "Oslo", "zip": nil},
}

func TestClaimsHaveTheTypesThatAreDocumented(t *testing.T) {
	claims := loggedIn(t, values).Claims
	for name, want := range map[string]any{
		"plan": "pro", "seats": json.Number("7"), "rate": json.Number("0.5"), "large": json.Number("1152921504606846976"), "trial": false,
		"teams": []any{"a", "b"}, "address": map[string]any{"city": "Oslo", "zip": nil},
	} {
		got, ok := claims[name]
		if !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %#v, want %#v", name, got, want)
		}
	}
	if _, ok := claims["exp"].(json.Number); !ok {
		t.Errorf("exp: %T", claims["exp"])
	}
}

func TestDecodeClaims(t *testing.T) {
	var got struct {
		Plan    string   `json:"plan"`
		Seats   int      `json:"seats"`
		Rate    float64  `json:"rate"`
		Large   int64    `json:"large"`
		Trial   *bool    `json:"trial"`
		Teams   []string `json:"teams"`
		Address struct {
			City string `json:"city"`
		} `json:"address"`
		Exp int64 `json:"exp"`
	}
	if err := loggedIn(t, values).DecodeClaims(&got); err != nil {
		t.Fatal(err)
	}
	if got.Trial == nil || *got.Trial || time.Until(time.Unix(got.Exp, 0)) < time.Minute {
		t.Errorf("trial and exp: %v, %d", got.Trial, got.Exp)
	}
	if s := fmt.Sprint(got.Plan, got.Seats, got.Rate, got.Large, got.Teams, got.Address); s != "pro7 0.5 1152921504606846976 [a b] {Oslo}" {
		t.Errorf("decoded: %s", s)
	}
}

func TestDecodeClaimsSaysWhatDoesNotFitButNoValue(t *testing.T) {
	login := loggedIn(t, map[string]any{"plan": "hunter2", "seats": 7411, "address": map[string]any{"zip": "hunter2"}})
	for _, test := range []struct {
		name string
		into any
		want string
	}{
		{"text for a number", &struct {
			Plan int `json:"plan"`
		}{}, `the claim "plan" is a JSON string, which does not fit into the Go type int`},
		{"a number for text", &struct {
			Seats string `json:"seats"`
		}{}, `the claim "seats" is a JSON number, which does not fit into the Go type string`},
		{"a number that is too large", &struct {
			Seats int8 `json:"seats"`
		}{}, `the claim "seats" is a JSON number, which does not fit into the Go type int8`},
		{"a claim in an object", &struct {
			Address struct {
				Zip int `json:"zip"`
			} `json:"address"`
		}{}, `the claim "address.zip" is a JSON string`},
		{"a type with its own format", &struct {
			Plan time.Time `json:"plan"`
		}{}, "whose UnmarshalJSON or UnmarshalText returned a *time.ParseError"},
		{"a struct that is not a pointer", struct{}{}, "DecodeClaims needs a pointer that is not nil, such as &claims, not a struct {}"},
		{"nil", nil, "DecodeClaims needs a pointer that is not nil"},
	} {
		err := login.DecodeClaims(test.into)
		if err == nil || !strings.HasPrefix(err.Error(), "docslogintest: DecodeClaims") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
		if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "7411")) {
			t.Errorf("%s: the error has a claim's value: %v", test.name, err)
		}
	}
}
