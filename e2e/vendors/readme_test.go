package vendors_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/e2e/internal/judge"
	"github.com/docslogin/docslogin/platforms"
)

// schemes are the security schemes in judge.mjs.
var schemes = []string{"header", "authorization", "query", "cookie", "bearer", "oauth", "basic", "apiKey"}

// filled is what ReadMe fills in, by the name of the scheme or variable. Other schemes stay empty.
type filled map[string]string

// byKey returns what a key fills in, with exceptions.
func byKey(key string, except filled) filled {
	all := filled{"header": "X-Api-Key: " + key, "authorization": "Authorization: " + key, "query": "api_key=" + key,
		"cookie": "session=" + key, "bearer": "authorization: Bearer " + key, "oauth": "authorization: Bearer " + key}
	maps.Copy(all, except)
	return all
}

var (
	basic = map[string]any{"user": "u", "pass": "p"}
	live  = docslogin.APIKey{Name: "live", Key: "k1", Values: map[string]any{"region": "eu", "query": "q1"}}
	test  = docslogin.APIKey{Name: "test", Username: "u", Password: "p", Values: map[string]any{"region": "ap"}}
)

func owlbert(keys ...docslogin.APIKey) *docslogin.User {
	return &docslogin.User{Name: "Owlbert", Email: "owlbert@readme.io", APIKeys: keys, Attributes: map[string]any{"plan": "pro"}}
}

// readMeUsers are the two ways in which ReadMe gets a user's data.
var readMeUsers = map[string]func(t *testing.T, user *docslogin.User) map[string]any{
	"token": func(t *testing.T, user *docslogin.User) map[string]any {
		return claimsOf(t, platforms.ReadMe(docsURL, secret), user)
	},
	"webhook": func(t *testing.T, user *docslogin.User) map[string]any {
		status, body := post(t, user, vectorBody, vector, vectorTime)
		if status != http.StatusOK {
			t.Fatalf("status %d: %s", status, body)
		}
		return object(t, []byte(body))
	},
}

func TestReadMeFillsRequests(t *testing.T) {
	const basicHeader = "authorization: Basic dTpw" // u:p
	for _, tt := range []struct {
		name     string
		user     *docslogin.User
		selected string
		host     string
		want     filled
	}{
		{"without a key, nothing is filled", owlbert(), "", "us.example.com", filled{}},
		{"a key fills every scheme but HTTP Basic", owlbert(docslogin.APIKey{Key: "k"}), "", "us.example.com",
			byKey("k", nil)},
		{"a key with a Header fills the headers that the schemes name", owlbert(docslogin.APIKey{Key: "k", Header: "X-Other"}), "", "us.example.com",
			byKey("k", nil)},
		{"a value with the name of a header fills nothing", owlbert(docslogin.APIKey{Values: map[string]any{"X-Api-Key": "h"}}), "", "us.example.com",
			filled{}},
		{"a user name and a password fill HTTP Basic, also in a scheme named apiKey", owlbert(docslogin.APIKey{Username: "u", Password: "p"}), "", "us.example.com",
			filled{"basic": basicHeader, "apiKey": basicHeader}},
		{"a user name alone fills HTTP Basic", owlbert(docslogin.APIKey{Username: "u"}), "", "us.example.com",
			filled{"basic": "authorization: Basic dTo=", "apiKey": "authorization: Basic dTo="}},
		{"a key and HTTP Basic fill every scheme", owlbert(docslogin.APIKey{Key: "k", Username: "u", Password: "p"}), "", "us.example.com",
			byKey("k", filled{"basic": basicHeader})},
		{"a value fills the scheme or server variable with its name", owlbert(docslogin.APIKey{Values: map[string]any{"header": "h", "authorization": "a", "query": "q", "cookie": "c", "bearer": "b", "oauth": "o", "basic": basic, "region": "eu"}}), "", "eu.example.com",
			filled{"header": "X-Api-Key: h", "authorization": "Authorization: a", "query": "api_key=q", "cookie": "session=c", "bearer": "authorization: Bearer b", "oauth": "authorization: Bearer o", "basic": basicHeader, "apiKey": basicHeader}},
		{"a key fills the schemes that no value fills", owlbert(docslogin.APIKey{Key: "k", Values: map[string]any{"header": "h"}}), "", "us.example.com",
			byKey("k", filled{"header": "X-Api-Key: h"})},
		{"the first of several keys is the default", owlbert(live, test), "", "eu.example.com",
			byKey("k1", filled{"query": "api_key=q1"})},
		{"the reader selects another key, which does not change server variables", owlbert(live, test), "test", "eu.example.com",
			filled{"basic": basicHeader, "apiKey": basicHeader}},
		{"the reader selects the first key", owlbert(test, live), "test", "ap.example.com",
			filled{"basic": basicHeader, "apiKey": basicHeader}},
		{"no key has the selected name", owlbert(live, test), "old", "eu.example.com", filled{}},
	} {
		for source, claimsFor := range readMeUsers {
			t.Run(tt.name+"/"+source, func(t *testing.T) {
				checkRequests(t, claimsFor(t, tt.user), tt.selected, tt.host, tt.want)
			})
		}
	}
}

// checkRequests checks what is filled into the requests, and into their code samples.
func checkRequests(t *testing.T, user map[string]any, selected, host string, want filled) {
	t.Helper()
	for scheme := range want {
		if !slices.Contains(schemes, scheme) {
			t.Errorf("there is no scheme %s", scheme)
		}
	}
	for _, scheme := range schemes {
		got := judge.Ask[struct {
			Host, Snippet           string
			Headers, Query, Cookies []string
		}](t, node, "request", map[string]any{"user": user, "scheme": scheme, "selected": selected})
		if all := strings.Join(slices.Concat(got.Headers, got.Query, got.Cookies), ", "); all != want[scheme] || got.Host != host {
			t.Errorf("%s: %q to %s, want %q to %s", scheme, all, got.Host, want[scheme], host)
		}
		empty := !strings.Contains(got.Snippet, "?") && !strings.Contains(got.Snippet, "--header") && !strings.Contains(got.Snippet, "--cookie")
		if !strings.Contains(got.Snippet, want[scheme]) || empty != (want[scheme] == "") {
			t.Errorf("%s: the code sample is %s, want %q", scheme, got.Snippet, want[scheme])
		}
	}
}

func TestReadMeFillsPages(t *testing.T) {
	const code = "<<apiKey>> <<user>>:<<pass>> {user.region} <<name>> <<plan>>"
	for _, tt := range []struct {
		name     string
		user     *docslogin.User
		selected string
		page     filled // by the name of the variable
		code     string
	}{
		{"without a key, variables show their names", owlbert(), "",
			filled{"apiKey": "APIKEY", "user": "USER", "pass": "PASS", "region": "REGION", "name": "Owlbert", "email": "owlbert@readme.io", "plan": "pro"}, "APIKEY USER:PASS USER.REGION Owlbert pro"},
		{"a key", owlbert(docslogin.APIKey{Name: "live", Key: "k"}), "",
			filled{"apiKey": "k", "user": "USER", "name": "Owlbert", "plan": "pro"}, "k USER:PASS USER.REGION Owlbert pro"},
		{"HTTP Basic", owlbert(docslogin.APIKey{Username: "u", Password: "p"}), "",
			filled{"apiKey": "APIKEY", "user": "u", "pass": "p"}, "APIKEY u:p USER.REGION Owlbert pro"},
		{"HTTP Basic by the name of its scheme", owlbert(docslogin.APIKey{Values: map[string]any{"basic": basic}}), "",
			filled{"apiKey": "APIKEY", "user": "u", "pass": "p"}, "APIKEY u:p USER.REGION Owlbert pro"},
		{"a value", owlbert(docslogin.APIKey{Values: map[string]any{"region": "eu"}}), "",
			filled{"region": "eu"}, "APIKEY USER:PASS eu Owlbert pro"},
		{"the first of several keys is the default", owlbert(live, test), "",
			filled{"apiKey": "k1", "user": "USER", "region": "eu", "name": "live", "email": "owlbert@readme.io", "plan": "pro"}, "k1 USER:PASS eu Owlbert pro"},
		{"the reader selects another of several keys", owlbert(live, test), "test",
			filled{"apiKey": "k1", "user": "u", "pass": "p", "region": "ap", "name": "test", "plan": "pro"}, "k1 USER:PASS eu Owlbert pro"},
		{"the first of several keys is HTTP Basic", owlbert(test, live), "",
			filled{"apiKey": "APIKEY", "user": "u", "pass": "p", "region": "ap", "name": "test"}, "APIKEY u:p ap Owlbert pro"},
	} {
		for source, claimsFor := range readMeUsers {
			t.Run(tt.name+"/"+source, func(t *testing.T) {
				user := claimsFor(t, tt.user)
				for name, want := range tt.page {
					checkPage(t, user, name, tt.selected, want)
				}
				checkCode(t, user, code, tt.code)
			})
		}
	}
}

func checkPage(t *testing.T, user map[string]any, name, selected, want string) {
	t.Helper()
	if got := judge.Ask[string](t, node, "page", map[string]any{"user": user, "name": name, "selected": selected}); got != want {
		t.Errorf("<<%s>> in a page shows %q, want %q", name, got, want)
	}
}

func checkCode(t *testing.T, user map[string]any, code, want string) {
	t.Helper()
	if got := judge.Ask[string](t, node, "code", map[string]any{"user": user, "text": code}); got != want {
		t.Errorf("%s in a code block shows %q, want %q", code, got, want)
	}
}

// Negative controls: the packages fill nothing for these users, or a wrong value.
func TestReadMeDoesNotFill(t *testing.T) {
	object := map[string]any{"apiKey": basic}
	entries := map[string]any{"keys": []any{map[string]any{"name": "live", "apiKey": "k"}}}
	topLevel := map[string]any{"apiKey": "k", "keys": []any{map[string]any{"name": "live"}}}
	withBearer := map[string]any{"apiKey": "Bearer k"}

	t.Run("a key from an object in apiKey", func(t *testing.T) {
		const text = "[object Object]"
		checkRequests(t, object, "", "us.example.com", byKey(text, filled{"apiKey": "authorization: Basic dTpw"}))
		checkPage(t, object, "apiKey", "", `{"pass":"p","user":"u"}`)
		checkCode(t, object, "<<apiKey>> <<user>>", text+" USER")
	})
	t.Run("a code block from keys", func(t *testing.T) {
		checkPage(t, entries, "apiKey", "", "k")
		checkCode(t, entries, "<<apiKey>> {user.apiKey}", "APIKEY USER.APIKEY")
	})
	t.Run("a request from the top level if there are keys", func(t *testing.T) {
		checkRequests(t, topLevel, "", "us.example.com", filled{})
		checkPage(t, topLevel, "apiKey", "", "k")
	})
	t.Run("bearer schemes correctly from a key that begins with Bearer", func(t *testing.T) {
		checkRequests(t, withBearer, "", "us.example.com", byKey("Bearer k", nil))
	})
}
