package platforms_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
)

// values are Go values with the JSON that docs get, "" for nothing; or the end of the error.
var values = []struct {
	name       string
	value      any
	json, fail string
}{
	{"bytes", []byte("pro"), `"pro"`, ""},
	{"a string of a database", sql.NullString{String: "pro", Valid: true}, `"pro"`, ""},
	{"NULL", sql.NullString{}, "", ""},
	{"a nil pointer", (*string)(nil), "", ""},
	{"a pointer", new(int), "0", ""},
	{"NULL in an object", object{"a": sql.NullInt64{}, "b": 1}, `{"b":1}`, ""},
	{"a column of JSON", json.RawMessage(`{"a":[1]}`), `{"a":[1]}`, ""},
	{"a row of a database", struct{ Plan sql.NullString }{sql.NullString{String: "pro", Valid: true}}, `{"Plan":"pro"}`, ""},
	{"a large number", int64(1)<<62 + 1, "4611686018427387905", ""},
	{"a duration", time.Hour, "", "a time.Duration, would be sent as nanoseconds; pass d.String() or d.Seconds()"},
	{"a duration in an object", object{"a": []any{time.Hour}}, "", `a map[string]interface {}, contains a time.Duration at […][0], which would be sent as nanoseconds; pass d.String() or d.Seconds()`},
	{"bytes that are not text", []byte("secret\xff"), "", "a []uint8, is not text and would be sent as base64; pass a string, such as its hexadecimal form"},
	{"an error", errors.New("secret"), "", "a *errors.errorString, is an error, whose text would not be sent; pass err.Error()"},
	{"an empty struct", struct{}{}, "", "a struct {}, would be sent as {}, because it has no exported fields; pass what the docs should show, such as a string"},
	{"JSON that is not valid", json.RawMessage("secret"), "", "a json.RawMessage, cannot be written as JSON"},
}

// testValue tests what a user's token contains under the name odd, or the error.
func testValue(t *testing.T, m http.Handler, e *docslogin.Event, want, cause string) {
	t.Helper()
	resp := testkit.Get(t, m, "/docs-login")
	if cause != "" {
		if resp.StatusCode != 500 || e.Outcome != "mapper_failed" || e.Err == nil || e.Err.Error() != cause {
			t.Errorf("got  %d, %s, %v\nwant %s", resp.StatusCode, e.Outcome, e.Err, cause)
		}
		return
	}
	if e.Outcome != "logged_in" {
		t.Errorf("%s, %v", e.Outcome, e.Err)
		return
	}
	payload := testkit.Payload(t, testkit.Sent(t, resp))
	if want == "" && strings.Contains(payload, `"odd"`) || want != "" && !strings.Contains(payload, `"odd":`+want) {
		t.Errorf("got %s, want %s", payload, want)
	}
}

func TestValuesOfUsersReachEveryPlatformAsDocsCanShowThem(t *testing.T) {
	for place, user := range places {
		what, _, _ := strings.Cut(place, ",")
		for _, p := range testkit.Presets() {
			if !isSent(t, p, user) {
				continue
			}
			asText := isText(t, p, user)
			for _, tt := range values {
				t.Run(p.Name+"/"+place+"/"+tt.name, func(t *testing.T) {
					var e docslogin.Event
					cause, want := "", tt.json
					if asText {
						want = textOf(tt.json)
					}
					if tt.fail != "" {
						cause = "docslogin: the " + what + ` "odd", ` + tt.fail
					}
					testValue(t, testkit.New(t, testkit.As(user("odd", tt.value)), p, testkit.Observe(&e)), &e, want, cause)
				})
			}
		}
	}
}

func TestValuesOfMappersReachDocsAsDocsCanShowThem(t *testing.T) {
	for _, tt := range values {
		t.Run(tt.name, func(t *testing.T) {
			cause := ""
			if tt.fail != "" {
				cause = `the claim "odd", ` + tt.fail
			}
			for _, p := range testkit.Presets() {
				var e docslogin.Event
				testValue(t, testkit.New(t, testkit.As(testkit.Ada), p, testkit.Sets("odd", tt.value), testkit.Observe(&e)), &e, tt.json, cause)
			}
		})
	}
	var e docslogin.Event // at Zendesk, null in user_fields erases a field
	testValue(t, testkit.New(t, testkit.As(testkit.Ada), readMe, testkit.Sets("odd", nil), testkit.Observe(&e)), &e, "null", "")
	testValue(t, testkit.New(t, testkit.As(testkit.Ada), readMe, testkit.Sets("odd", object{"a": nil}), testkit.Observe(&e)), &e, `{"a":null}`, "")
}

func TestStaticClaimsAreCheckedAndConverted(t *testing.T) {
	for _, tt := range values {
		p := platforms.GitBook("https://docs.example.com", testkit.Secret)
		p.Static = docslogin.Claims{"odd": tt.value}
		if tt.fail != "" {
			_, err := docslogin.New(testkit.Nobody, p)
			testConfigError(t, err, "Platform.Static", `has the claim "odd", `+tt.fail)
			continue
		}
		want := tt.json
		if want == "" { // a claim that is the same for every user is always sent
			want = "null"
		}
		if _, got := testkit.Login(t, testkit.New(t, testkit.As(testkit.Ada), p), "/docs-login"); !strings.Contains(got, `"odd":`+want) {
			t.Errorf("%s: got %s, want %s", tt.name, got, want)
		}
	}
}

func TestAClaimThatIsNULLIsMissing(t *testing.T) {
	p := platforms.GitBook("https://docs.example.com", testkit.Secret)
	p.Required = []string{"plan"}
	for value, want := range map[any]docslogin.Outcome{
		sql.NullString{}: "incomplete_user", sql.NullString{Valid: true}: "incomplete_user", (*string)(nil): "incomplete_user", nil: "incomplete_user",
		sql.NullString{String: "pro", Valid: true}: "logged_in",
	} {
		var e docslogin.Event
		testkit.Get(t, testkit.New(t, testkit.As(testkit.Ada), p, testkit.Sets("plan", value), testkit.Observe(&e)), "/docs-login")
		if e.Outcome != want {
			t.Errorf("%#v: %s, want %s", value, e.Outcome, want)
		}
	}
}

// TestMetabaseGetsNamesFromADatabase tests the attributes that Metabase gets, which are not copied
// like those of other platforms.
func TestMetabaseGetsNamesFromADatabase(t *testing.T) {
	named := func(first, last any) *docslogin.User {
		return &docslogin.User{Name: "Ada Lovelace", Attributes: object{"first_name": first, "last_name": last}}
	}
	testClaims(t, metabase, []claimsRow{
		{"names of a database", named(sql.NullString{String: "Ada", Valid: true}, []byte("L.")), `{"first_name":"Ada","last_name":"L."}`},
		{"names that are NULL", named(sql.NullString{}, (*string)(nil)), `{"first_name":"Ada Lovelace"}`},
		{"names with white space", named(" Ada\n", " "), `{"first_name":"Ada"}`},
	})
	testErrors(t, metabase, []errorRow{
		{"a name that is a duration", named(time.Hour, nil), `the attribute "first_name", a time.Duration, would be sent as nanoseconds`},
		{"a name that is a number of a database", named(nil, sql.NullInt64{Int64: 7, Valid: true}), `the attribute "last_name" is a sql.NullInt64, and Metabase wants a string`},
	})
}

// padded returns a user with white space around everything that is trimmed, and the user without it.
func padded() (padded, trimmed *docslogin.User) {
	padded = &docslogin.User{
		ID: " u-42", Name: " Ada Lovelace\t", Email: "\ufeff\u00a0ada@example.com\u200b\r\n", Groups: []string{" admin", "", "beta\n", " \t\u200b"},
		APIKeys: []docslogin.APIKey{{Name: "live ", Key: " sk_1\n"}, {Name: "own", Key: "sk_2\n", Header: " X-Own\u200b\n"}, {Name: "basic", Username: " u ", Password: " p\n"}}, Attributes: object{"plan": " pro"},
	}
	user := *padded
	user.Name, user.Email, user.Groups = "Ada Lovelace", "ada@example.com", []string{"admin", "beta"}
	user.APIKeys = slices.Clone(padded.APIKeys)
	user.APIKeys[0].Key, user.APIKeys[1].Key, user.APIKeys[1].Header = "sk_1", "sk_2", "X-Own"
	return padded, &user
}

func TestEveryPlatformGetsUsersWithoutWhiteSpaceAroundThem(t *testing.T) {
	for _, p := range testkit.Presets() {
		shared, trimmed := padded()
		for _, change := range []func(*docslogin.User){ // only what is changed leads to a copy
			func(*docslogin.User) {},
			func(u *docslogin.User) { u.Name, u.Email, u.APIKeys = "Ada", "ada@example.com", nil },
			func(u *docslogin.User) { u.Groups = nil; u.Name = "Ada" },
			func(u *docslogin.User) { u.Groups, u.APIKeys = nil, u.APIKeys[2:] },
			func(u *docslogin.User) { u.Name, u.Email, u.Groups = "Ada", "ada@example.com", nil },
			func(u *docslogin.User) {
				u.Name, u.Email, u.Groups = "Ada", "ada@example.com", nil
				u.APIKeys = []docslogin.APIKey{{Key: "1", Header: u.APIKeys[1].Header}}
			},
			func(u *docslogin.User) { u.Name, u.Email = "Ada", u.Email+"\n"; u.Groups = nil; u.APIKeys = nil },
		} {
			in, want := *shared, *trimmed
			change(&in)
			change(&want)
			if got, want := payload(t, p, &in), payload(t, p, &want); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: got\n     %v\nwant %v", p.Name, got, want)
			}
		}
		if again, _ := padded(); !reflect.DeepEqual(shared, again) {
			t.Errorf("%s: the user was changed to %+v", p.Name, shared)
		}
	}
}

func TestMappersSeeUsersWithoutWhiteSpaceAroundThem(t *testing.T) {
	in, want := padded()
	in.App, want.App = in, in
	in.ExpiresAt, want.ExpiresAt = testkit.Noon.Add(time.Hour), testkit.Noon.Add(time.Hour)
	var seen *docslogin.User
	mapper := docslogin.WithClaimsMapper(func(_ context.Context, user *docslogin.User, _ docslogin.Claims) error {
		seen = user
		return nil
	})
	var e docslogin.Event
	testkit.Login(t, testkit.New(t, testkit.As(in), readMe, mapper, testkit.Observe(&e)), "/docs-login")
	if !reflect.DeepEqual(seen, want) {
		t.Errorf("a mapper sees\n     %+v\nwant %+v", seen, want)
	}
	if e.UserID != " u-42" {
		t.Errorf("the event has the ID %q", e.UserID)
	}
	testkit.Login(t, testkit.New(t, testkit.As(testkit.Ada), readMe, mapper), "/docs-login")
	if seen != testkit.Ada {
		t.Error("a user without white space around anything is copied")
	}
}

func TestBlankGroupsAndNames(t *testing.T) {
	ada := func(change func(*docslogin.User)) *docslogin.User {
		user := &docslogin.User{ID: "u-42", Name: "Ada", Email: "ada@example.com"}
		change(user)
		return user
	}
	for _, tt := range []struct {
		name     string
		platform docslogin.Platform
		user     *docslogin.User
		want     string
	}{
		{"only blank groups, which are an empty list at Metabase", metabase, ada(func(u *docslogin.User) { u.Groups = []string{" "} }), `"groups":[]`},
		{"an empty group", metabase, ada(func(u *docslogin.User) { u.Groups = []string{"admin", ""} }), `"groups":["admin"]`},
		{"a blank name, which the e-mail address replaces", readMe, ada(func(u *docslogin.User) { u.Name = " \n" }), `"name":"ada@example.com"`},
		{"only a blank key, and HTTP Basic", readMe, ada(func(u *docslogin.User) { u.APIKeys = []docslogin.APIKey{{Key: "\n", Username: " u "}} }), `"user":" u "`},
		{"a blank e-mail address", readMe, ada(func(u *docslogin.User) { u.Email = "\n" }), ""},
		{"a blank ID", platforms.Canny("https://feedback.example.com", "company", testkit.Secret), ada(func(u *docslogin.User) { u.ID = " " }), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var e docslogin.Event
			resp := testkit.Get(t, testkit.New(t, testkit.As(tt.user), tt.platform, testkit.Observe(&e)), "/docs-login")
			if tt.want == "" {
				if e.Outcome != "incomplete_user" {
					t.Errorf("%s, %v", e.Outcome, e.Err)
				}
				return
			}
			if got := testkit.Payload(t, testkit.Sent(t, resp)); !strings.Contains(got, tt.want) || strings.Contains(got, `"apiKey"`) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestDocsThatAskGetUsersWithoutWhiteSpaceAroundThem(t *testing.T) {
	in, _ := padded()
	profile, err := docslogin.NewProfile(platforms.MintlifyInfo(), testkit.AtNoon)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"apiPlaygroundInputs":{"header":{"Authorization":"Bearer sk_1","X-Own":"sk_2"}},"content":{"email":"ada@example.com","name":"Ada Lovelace","plan":" pro"},"expiresAt":1701209600,"groups":["admin","beta"]}`
	claims, err := profile.Claims(t.Context(), in)
	if got, _ := json.Marshal(claims); err != nil || string(got) != want {
		t.Errorf("got  %v, %s\nwant %s", err, got, want)
	}
	w := httptest.NewRecorder()
	profile.ServeJSON(w, httptest.NewRequest("GET", "/", nil), testkit.As(in))
	if got := strings.TrimSpace(w.Body.String()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// encoding/json would send the same address for both users. A name identifies nobody.
func TestATextThatIsNotUTF8(t *testing.T) {
	readMe := platforms.ReadMe("https://docs.example.com", testkit.Secret)
	for _, email := range []string{"ren\xe9@example.com", "ren\xe8@example.com"} {
		var e docslogin.Event
		testkit.Get(t, testkit.New(t, testkit.As(&docslogin.User{Name: "Ren", Email: email}), readMe, testkit.Observe(&e)), "/docs-login")
		if e.Outcome != "mapper_failed" || e.Err.Error() != `the claim "email", a string, is not valid UTF-8; convert it from its encoding` {
			t.Errorf("%q: %s, %v", email, e.Outcome, e.Err)
		}
	}
	_, payload := testkit.Login(t, testkit.New(t, testkit.As(&docslogin.User{Name: "Ren\xe9", Email: "ren@example.com"}), readMe), "/docs-login")
	if !strings.Contains(payload, "\"name\":\"Ren\ufffd\"") {
		t.Errorf("got %s", payload)
	}
}
