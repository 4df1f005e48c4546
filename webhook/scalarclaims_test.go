package webhook_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
)

type object = map[string]any

// names returns an object with count members.
func names(count int) object {
	members := object{}
	for i := range count {
		members[fmt.Sprint("name", i)] = i
	}
	return members
}

// inputs returns apiPlaygroundInputs with one value.
func inputs(place, name string, value any) object {
	return object{place: object{name: value}}
}

func TestScalarAcceptsTheClaims(t *testing.T) {
	for _, tt := range []struct {
		name, claim string
		value       any
	}{
		{"no groups", "groups", []string{}},
		{"a group of one character", "groups", []string{"a"}},
		{"all characters of a group", "groups", []string{"9_.:-aZ"}},
		{"a group of 64 characters", "groups", []string{strings.Repeat("g", 64)}},
		{"100 groups", "groups", strings.Fields(strings.Repeat("g ", 100))},
		{"groups of the app's own type", "groups", []docslogin.Outcome{"beta"}},
		{"100 names in content", "content", names(100)},
		{"a name of 64 characters in content", "content", object{strings.Repeat("é", 64): 1}},
		{"any value in content", "content", object{"a": []int{1}, "b": nil}},
		{"the longest name and value of an input", "apiPlaygroundInputs", inputs("path", strings.Repeat("n", 200), strings.Repeat("v", 4096))},
		{"an input of 4,096 letters that are two bytes long", "apiPlaygroundInputs", inputs("query", "q", strings.Repeat("é", 4096))},
		{"a place that Scalar does not know", "apiPlaygroundInputs", object{"body": 1}},
		{"a claim that Scalar does not know", "teams", 1},
		{"64,000 bytes", "content", object{"bio": strings.Repeat("x", 63_887)}},
	} {
		status, got, _ := askScalar(t, newScalar(t, signedAt, testkit.Sets(tt.claim, tt.value)), scalarOnce, strings.NewReader(scalarBody))
		if status != 200 || len(got) > 64_000 { // with the claim expiresAt
			t.Errorf("%s: %d, %d bytes: %.200s", tt.name, status, len(got), got)
		}
	}
}

func TestScalarIgnoresAResponse(t *testing.T) {
	const group = " must have 1 to 64 ASCII letters, digits, or characters of _.:- and begin with a letter or digit"
	for _, tt := range []struct {
		name, claim string
		value       any
		want        string
	}{
		{"a group with a blank", "groups", []string{"beta", "hidden group", "staff"}, "group 2 of 3" + group},
		{"an empty group", "groups", []string{""}, "group 1 of 1" + group},
		{"a group that begins with a hyphen", "groups", []string{"-hidden"}, "group 1 of 1" + group},
		{"a group with a letter that is not ASCII", "groups", []string{"hiddén"}, "group 1 of 1" + group},
		{"a group with a line break", "groups", []string{"hidden\n"}, "group 1 of 1" + group},
		{"a group of 65 characters", "groups", []string{"a", strings.Repeat("g", 65)}, "group 2 of 2" + group},
		{"a group that is a number", "groups", []any{"a", 7}, "group 2 of 2" + group},
		{"101 groups", "groups", strings.Fields(strings.Repeat("g ", 101)), "there are 101 groups, and Scalar accepts at most 100"},
		{"groups in one string", "groups", "hidden", "the claim groups is not a list"},
		{"groups that are null", "groups", nil, "the claim groups is not a list"},
		{"content that is a list", "content", []string{"hidden"}, "the claim content is not an object"},
		{"101 names in content", "content", names(101), "content has 101 names, and Scalar accepts at most 100"},
		{"an empty name in content", "content", object{"": "hidden"}, "content has a name of 0 characters, and Scalar accepts 1 to 64"},
		{"a name of 65 characters in content", "content", object{strings.Repeat("é", 65): 1}, "content has a name of 65 characters, and Scalar accepts 1 to 64"},
		{"inputs that are a string", "apiPlaygroundInputs", "hidden", "the claim apiPlaygroundInputs is not an object"},
		{"a place that is a string", "apiPlaygroundInputs", object{"server": "hidden"}, "apiPlaygroundInputs.server is not an object"},
		{"an input that is a number", "apiPlaygroundInputs", inputs("cookie", "hidden", 7), "apiPlaygroundInputs.cookie has a value that is not a string"},
		{"an input of 4,097 characters", "apiPlaygroundInputs", inputs("header", "X-Api-Key", strings.Repeat("v", 4097)), "apiPlaygroundInputs.header has a value of 4097 characters, and Scalar accepts at most 4096"},
		{"an input of 2,049 emoji, each of which is two characters in JavaScript", "apiPlaygroundInputs", inputs("query", "q", strings.Repeat("🦉", 2049)), "apiPlaygroundInputs.query has a value of 4098 characters, and Scalar accepts at most 4096"},
		{"an input without a name", "apiPlaygroundInputs", inputs("path", "", "hidden"), "apiPlaygroundInputs.path has a name of 0 characters, and Scalar accepts 1 to 200"},
		{"an input with a name of 201 characters", "apiPlaygroundInputs", inputs("query", strings.Repeat("n", 201), "hidden"), "apiPlaygroundInputs.query has a name of 201 characters, and Scalar accepts 1 to 200"},
		{"more than 64,000 bytes", "content", object{"bio": strings.Repeat("x", 63_888)}, "the claims have 63976 bytes, and Scalar accepts about 63975; the largest claims: content (63898 bytes), apiPlaygroundInputs (43 bytes)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var told testkit.Told
			status, got, _ := askScalar(t, newScalar(t, signedAt, append(told.Options(), testkit.Sets(tt.claim, tt.value))...), scalarOnce, strings.NewReader(scalarBody))
			if status != 500 || got != `{"error":"Internal Server Error"}` {
				t.Errorf("%d %.200s", status, got)
			}
			want := "docslogin: " + tt.want + "; Scalar would ignore the whole response"
			if e := told.Events[0]; e.Outcome != "mapper_failed" || e.UserID != "1" || e.Err.Error() != want {
				t.Errorf("%+v\nwant %s", e, want)
			}
			if strings.Contains(told.String(), "hidden") || strings.Contains(told.String(), "hidd\\u") {
				t.Errorf("a value is logged: %s", &told)
			}
		})
	}
}

// Other errors about claims are the same as on a login route.
func TestScalarLeavesOtherErrorsToTheProfile(t *testing.T) {
	for name, tt := range map[string]struct {
		option  docslogin.Option
		outcome docslogin.Outcome
		cause   string
	}{
		"a value that is not JSON": {testkit.Sets("teams", func() {}), "mapper_failed", `the claim "teams", a func(), cannot be written as JSON`},
		"a reserved claim":         {testkit.Sets("expiresAt", 1), "reserved_claim", `a mapper, an attribute, or an API key's value sets the reserved claim "expiresAt", which the library writes; use another name`},
		"a mapper that forbids":    {testkit.Calls(func() error { return docslogin.ErrForbidden }), "forbidden", docslogin.ErrForbidden.Error()},
		"a plain value, no error":  {testkit.Sets("teams", 1), "user_info", ""},
	} {
		var told testkit.Told
		askScalar(t, newScalar(t, signedAt, append(told.Options(), tt.option)...), scalarOnce, strings.NewReader(scalarBody))
		if e := told.Events[0]; e.Outcome != tt.outcome || e.Err != nil && e.Err.Error() != tt.cause {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
