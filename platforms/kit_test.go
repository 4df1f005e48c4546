package platforms_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
)

// everything is a user with something in each field.
var everything = &docslogin.User{
	ID: "u-42", Name: "Ada Lovelace", Email: "ada@example.com", Groups: []string{"admin"},
	APIKeys:    []docslogin.APIKey{{Key: "sk_1"}},
	Attributes: map[string]any{"plan": "pro", "first_name": "Ada", "last_name": "Lovelace"},
	App:        "not sent",
}

// Users who lack something that Ada has.
var (
	withoutID    = &docslogin.User{Name: "Ada Lovelace", Email: "ada@example.com"}
	withoutName  = &docslogin.User{ID: "u-42", Email: "ada@example.com"}
	withoutEmail = &docslogin.User{ID: "u-42", Name: "Ada Lovelace"}
	nameAlone    = &docslogin.User{Name: "Ada"}
	idAlone      = &docslogin.User{ID: "u-42"}
	appAlone     = &docslogin.User{App: 1}
)

// until returns Ada, with an app session that ends d after noon.
func until(d time.Duration) *docslogin.User {
	user := *testkit.Ada
	user.ExpiresAt = testkit.Noon.Add(d)
	return &user
}

// with returns Ada, with attributes.
func with(attributes map[string]any) *docslogin.User {
	user := *testkit.Ada
	user.Attributes = attributes
	return &user
}

// keys returns a user who has only API keys.
func keys(keys ...docslogin.APIKey) *docslogin.User { return &docslogin.User{APIKeys: keys} }

// testLogin tests the login of a user with something in each field, without a deep link: the
// token's algorithm, where it goes, and what it contains.
func testLogin(t *testing.T, p docslogin.Platform, algorithm, home, payload string) {
	t.Helper()
	to := testkit.Sent(t, testkit.Get(t, testkit.New(t, testkit.As(everything), p), "/docs-login"))
	header, _, _ := strings.Cut(testkit.JWT.FindString(to), ".")
	if got, _ := base64.RawURLEncoding.DecodeString(header); string(got) != `{"alg":"`+algorithm+`","typ":"JWT"}` {
		t.Errorf("the header is %s, want %s", got, algorithm)
	}
	if got := testkit.Masked(to); got != home {
		t.Errorf("the login leads to\n     %s\nwant %s", got, home)
	}
	if got := testkit.Payload(t, to); got != payload {
		t.Errorf("the token contains\n     %s\nwant %s", got, payload)
	}
}

// linkRow is a query of the login URL, and where it leads.
type linkRow struct{ name, query, want string }

// testLinks tests that each query leads to the same place both ways: for a user who is signed
// in, and by way of the sign-in page.
func testLinks(t *testing.T, p docslogin.Platform, rows []linkRow) {
	t.Helper()
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			var user *docslogin.User
			m := testkit.New(t, func(*http.Request) (*docslogin.User, error) { return user, nil }, p,
				docslogin.WithSignInPage("/sign-in?a=1#form", "next"))
			back := returnURL(t, m, "/docs-login?"+tt.query)
			user = testkit.Ada
			if got, _ := testkit.Login(t, m, "/docs-login?"+tt.query); got != tt.want {
				t.Errorf("signed in: got\n     %s\nwant %s", got, tt.want)
			}
			if got, _ := testkit.Login(t, m, back); got != tt.want {
				t.Errorf("over the sign-in page: got\n     %s\nwant %s", got, tt.want)
			}
		})
	}
}

// returnURL asks for a login when nobody is signed in. It returns the return URL that the
// sign-in page gets.
func returnURL(t *testing.T, m http.Handler, target string) string {
	t.Helper()
	page, err := url.Parse(testkit.Get(t, m, target).Header.Get("Location"))
	if err != nil || page.Path != "/sign-in" || page.Query().Get("a") != "1" || page.Fragment != "form" {
		t.Fatalf("the visitor was sent to %v, %v", page, err)
	}
	back := page.Query().Get("next")
	if !strings.HasPrefix(back, "/docs-login?") {
		t.Fatalf("the return URL is %q", back)
	}
	return back
}

// claimsRow is a user, and the claims that a preset's mapper sets.
type claimsRow struct {
	name string
	user *docslogin.User
	want string
}

func testClaims(t *testing.T, p docslogin.Platform, rows []claimsRow) {
	t.Helper()
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			claims := docslogin.Claims{}
			err := p.Mapper(t.Context(), tt.user, claims)
			if got, _ := json.Marshal(claims); err != nil || string(got) != tt.want {
				t.Errorf("got %v,\n     %s\nwant %s", err, got, tt.want)
			}
		})
	}
}

// errorRow is a user whom a preset's mapper rejects, and the beginning of its error.
type errorRow struct {
	name string
	user *docslogin.User
	want string
}

func testErrors(t *testing.T, p docslogin.Platform, rows []errorRow) {
	t.Helper()
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			err := p.Mapper(t.Context(), tt.user, docslogin.Claims{})
			if err == nil || !strings.HasPrefix(err.Error(), "docslogin: "+tt.want) {
				t.Errorf("got  %v\nwant docslogin: %s…", err, tt.want)
			}
		})
	}
}

// requiredRow is a user, and what the platform requires that the user lacks, if anything.
type requiredRow struct {
	name    string
	user    *docslogin.User
	missing string
}

func testRequired(t *testing.T, p docslogin.Platform, rows []requiredRow) {
	t.Helper()
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			var e docslogin.Event
			resp := testkit.Get(t, testkit.New(t, testkit.As(tt.user), p, testkit.Observe(&e)), "/docs-login")
			if tt.missing == "" {
				testkit.Payload(t, testkit.Sent(t, resp))
				return
			}
			if resp.StatusCode != 403 || e.Outcome != "incomplete_user" {
				t.Errorf("%d, %s", resp.StatusCode, e.Outcome)
			}
			if page := testkit.Body(t, resp); !strings.Contains(page, "does not have: "+tt.missing+".") {
				t.Errorf("the page does not name %s:\n%s", tt.missing, page)
			}
		})
	}
}

// lifetimeRow is a user, an option or nil, and a part of the token's payload, or "" for a user
// who counts as not signed in.
type lifetimeRow struct {
	name   string
	user   *docslogin.User
	option docslogin.Option
	want   string
}

func testLifetimes(t *testing.T, p docslogin.Platform, rows []lifetimeRow) {
	t.Helper()
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			var options []docslogin.Option
			if tt.option != nil {
				options = append(options, tt.option)
			}
			resp := testkit.Get(t, testkit.New(t, testkit.As(tt.user), p, options...), "/docs-login")
			if tt.want == "" {
				if resp.StatusCode != 401 {
					t.Errorf("got %d, want 401", resp.StatusCode)
				}
				return
			}
			if got := testkit.Payload(t, testkit.Sent(t, resp)); !strings.Contains(got, tt.want) {
				t.Errorf("got %s, want %s in it", got, tt.want)
			}
		})
	}
}

const year = 366 * 24 * time.Hour // the longest lifetime that New accepts

// testLongest tests the longest lifetimes of the token and of the docs session that options can
// set; 0: the platform has no such lifetime.
func testLongest(t *testing.T, p docslogin.Platform, token, session time.Duration) {
	t.Helper()
	for _, tt := range []struct {
		field   string
		with    func(time.Duration) docslogin.Option
		longest time.Duration
	}{{"WithTokenTTL", docslogin.WithTokenTTL, token}, {"WithSessionTTL", docslogin.WithSessionTTL, session}} {
		want := "does not apply"
		if tt.longest > 0 {
			want = "to " + tt.longest.String()
			testkit.New(t, testkit.Nobody, p, tt.with(tt.longest))
		}
		_, err := docslogin.New(testkit.Nobody, p, tt.with(tt.longest+time.Second))
		testConfigError(t, err, tt.field, want)
	}
}

// testConfigError tests that err is one configuration error about the field.
func testConfigError(t *testing.T, err error, field, reason string) {
	t.Helper()
	errs := testkit.ConfigErrors(err)
	if len(errs) != 1 || errs[0].Field != field || !strings.Contains(errs[0].Reason, reason) {
		t.Errorf("got  %v\nwant one error: %s … %s", err, field, reason)
	}
}

// testReserved tests that no mapper of the app can set the claims that the library writes.
func testReserved(t *testing.T, p docslogin.Platform, names ...string) {
	t.Helper()
	for _, name := range names {
		var e docslogin.Event
		resp := testkit.Get(t, testkit.New(t, testkit.As(testkit.Ada), p, testkit.Sets(name, nil), testkit.Observe(&e)), "/docs-login")
		want := `a mapper, an attribute, or an API key's value sets the reserved claim "` + name + `", which the library writes; use another name`
		if resp.StatusCode != 500 || e.Outcome != "reserved_claim" || e.Err == nil || e.Err.Error() != want {
			t.Errorf("%s: %d, %s, %v", name, resp.StatusCode, e.Outcome, e.Err)
		}
	}
}

// testAttributesRejected tests that an attribute of such a name fails the login, with a cause
// that names the attribute and does not show its value.
func testAttributesRejected(t *testing.T, p docslogin.Platform, outcome docslogin.Outcome, names ...string) {
	t.Helper()
	for _, name := range names {
		var e docslogin.Event
		user := with(map[string]any{name: "sk_live_1"})
		testkit.Get(t, testkit.New(t, testkit.As(user), p, testkit.Observe(&e)), "/docs-login")
		if e.Outcome != outcome || e.Err == nil || !strings.Contains(e.Err.Error(), `"`+name+`"`) || strings.Contains(e.Err.Error(), "sk_live_1") {
			t.Errorf("attribute %s: %s, %v", name, e.Outcome, e.Err)
		}
	}
}

// testAttributesInside tests that attributes of such names change nothing but the object of
// the claim.
func testAttributesInside(t *testing.T, p docslogin.Platform, claim string, names ...string) {
	t.Helper()
	want := payload(t, p, testkit.Ada)
	for _, name := range names {
		got := payload(t, p, with(map[string]any{name: "eve"}))
		object, _ := got[claim].(map[string]any)
		if object[name] != "eve" {
			t.Errorf("attribute %s is not in %s: %v", name, claim, got)
		}
		if delete(object, name); !reflect.DeepEqual(got, want) {
			t.Errorf("attribute %s also changes other claims:\ngot  %v\nwant %v", name, got, want)
		}
	}
}

// testAttributesNotSent tests that no attribute changes the token. names are claims that have a meaning at
// the platform, in addition to the usual ones.
func testAttributesNotSent(t *testing.T, p docslogin.Platform, names ...string) {
	t.Helper()
	user := with(map[string]any{})
	for _, name := range append(names, "role", "roles", "organization", "tags", "external_id", "id", "userId", "sub",
		"iss", "groups", "email", "name", "exp", "iat", "jti", "plan") {
		user.Attributes[name] = "eve"
	}
	if got, want := payload(t, p, user), payload(t, p, testkit.Ada); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// payload returns the claims of the user's token.
func payload(t *testing.T, p docslogin.Platform, user *docslogin.User) (claims map[string]any) {
	t.Helper()
	_, text := testkit.Login(t, testkit.New(t, testkit.As(user), p), "/docs-login")
	if err := json.Unmarshal([]byte(text), &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// testTokenLimit tests that the longest token has limit bytes, or up to two bytes fewer, because
// base64url cannot produce every length.
func testTokenLimit(t *testing.T, p docslogin.Platform, limit int) {
	t.Helper()
	testLongestLogin(t, p, limit, func(resp *http.Response) int { return len(testkit.JWT.FindString(testkit.Sent(t, resp))) })
}

// testCookieLimit tests that the longest cookie has 4,095 bytes with its attributes, or up to two bytes
// fewer. It also tests that a token of more than 4,000 bytes is too long in itself.
func testCookieLimit(t *testing.T, p docslogin.Platform) {
	t.Helper()
	testLongestLogin(t, p, 4095, func(resp *http.Response) int { return len(resp.Header.Get("Set-Cookie")) })
	var e docslogin.Event
	testkit.Get(t, testkit.New(t, testkit.As(testkit.Ada), p, testkit.Observe(&e), testkit.Sets("padding", strings.Repeat("x", 3000))), "/docs-login")
	if want := p.Name + " accepts 4000"; e.Outcome != "too_large" || !strings.Contains(e.Err.Error(), want) {
		t.Errorf("%s, %v, want %s", e.Outcome, e.Err, want)
	}
}

// testLongestLogin tests that the longest login has limit bytes, or up to two bytes fewer.
func testLongestLogin(t *testing.T, p docslogin.Platform, limit int, length func(*http.Response) int) {
	t.Helper()
	var e docslogin.Event
	padding := strings.Repeat("x", limit*5/8)
	m := testkit.New(t, testkit.As(testkit.Ada), p, testkit.Observe(&e),
		docslogin.WithClaimsMapper(func(_ context.Context, _ *docslogin.User, claims docslogin.Claims) error {
			claims["padding"] = padding
			return nil
		}))
	longest := 0
	for longest <= limit {
		resp := testkit.Get(t, m, "/docs-login")
		if resp.StatusCode != 302 {
			break
		}
		longest = length(resp)
		padding += "x"
	}
	if longest < limit-2 || longest > limit || e.Outcome != "too_large" {
		t.Errorf("after %d bytes: %s, %v", longest, e.Outcome, e.Err)
	}
}

// testInfo tests that a preset without a key has the claims of a token of p, except those that
// are about the token.
func testInfo(t *testing.T, info, p docslogin.Platform, tokenClaims ...string) {
	t.Helper()
	profile, err := docslogin.NewProfile(info, testkit.AtNoon)
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range []*docslogin.User{everything, testkit.Ada, until(time.Hour), keys(docslogin.APIKey{Username: "u", Password: "p"})} {
		user := *user
		user.Email = "ada@example.com" // which the platform may require
		claims, err := profile.Claims(t.Context(), &user)
		if err != nil {
			t.Fatal(err)
		}
		want := payload(t, p, &user)
		for _, name := range tokenClaims {
			if want[name] == nil {
				t.Errorf("the token has no %s", name)
			}
			delete(want, name)
		}
		wanted, _ := json.Marshal(want)
		if got, err := json.Marshal(claims); err != nil || string(got) != string(wanted) {
			t.Errorf("got %v\n     %s\nwant %s", err, got, wanted)
		}
	}
}

// testInfoRejects tests that a preset without a key rejects the user.
func testInfoRejects(t *testing.T, info docslogin.Platform, user *docslogin.User, outcome docslogin.Outcome, opts ...docslogin.Option) {
	t.Helper()
	profile, err := docslogin.NewProfile(info, opts...)
	if err != nil {
		t.Fatal(err)
	}
	claims, err := profile.Claims(t.Context(), user)
	var rejection *docslogin.LoginError
	if claims != nil || !errors.As(err, &rejection) || rejection.Outcome != outcome {
		t.Errorf("got %v, %v, want %s", claims, err, outcome)
	}
}
