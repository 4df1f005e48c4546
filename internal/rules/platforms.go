package rules

import (
	"fmt"
	"strings"
	"time"
)

// ReadMe is ReadMe's custom login (ReadMe's page on custom login).
func ReadMe() Platform {
	return Platform{
		Name:      "ReadMe",
		Algorithm: "HS256",
		Required:  []string{"name", "email"},
		Version:   "1",
		Claims: []Claim{
			{"apiKey", aStringOrObject},
			{"user", aString},
			{"pass", aString},
			{"keys", aListOfObjects},
			{"parameters", anObject},
			{"isAdmin", aBool},
			{"isReadOnly", aBool},
			{"allowedProjects", aList},
		},
		Checks: []Check{checkReadMeKeys, checkReadMeKey},
	}
}

// Mintlify is Mintlify's authentication by JWT (Mintlify's page on JWT
// authentication).
func Mintlify() Platform {
	return Platform{
		Name:         "Mintlify",
		Algorithm:    "EdDSA",
		NeedsExp:     true,
		MaxLifetime:  10 * time.Second,
		HostClaim:    "host",
		SessionClaim: "expiresAt",
		Claims: []Claim{
			{"groups", aListOfStrings},
			{"content", anObject},
			{"apiPlaygroundInputs", anObject},
		},
		Checks: []Check{checkMintlifyInputs},
	}
}

// A Type is what a claim's value has to be.
type Type struct {
	name string // reads on after "is not"
	is   func(v any) bool
}

func (c Claim) check(v any) Finding {
	if c.Type.is(v) {
		return pass(c.Name, c.Name+" is "+c.Type.name+".")
	}
	return fail(c.Name, c.Name+" is not "+c.Type.name+".", "Send "+c.Name+" as "+c.Type.name+", or not at all.")
}

var (
	aString         = Type{"a string", is[string]}
	aBool           = Type{"true or false", is[bool]}
	anObject        = Type{"an object", is[map[string]any]}
	aList           = Type{"a list", is[[]any]}
	aStringOrObject = Type{"a string or an object with user and pass", func(v any) bool { return is[string](v) || is[map[string]any](v) }}
	aListOfStrings  = Type{"a list of strings", listOf(is[string])}
	aListOfObjects  = Type{"a list of objects", listOf(is[map[string]any])}
)

func is[T any](v any) bool {
	_, ok := v.(T)
	return ok
}

func listOf(is func(any) bool) func(any) bool {
	return func(v any) bool {
		list, ok := v.([]any)
		for _, e := range list {
			ok = ok && is(e)
		}
		return ok
	}
}

// checkReadMeKeys is for several keys, of which the reader picks one by name.
func checkReadMeKeys(claims map[string]any) []Finding {
	keys, _ := claims["keys"].([]any)
	if len(keys) == 0 || !aListOfObjects.is(claims["keys"]) {
		return nil
	}
	var out []Finding
	seen := map[string]bool{}
	for i, k := range keys {
		name, _ := k.(map[string]any)["name"].(string)
		fix := "Give every entry of keys a name of its own."
		if strings.TrimSpace(name) == "" {
			out = append(out, fail("keys", fmt.Sprintf("Entry %d of keys has no name.", i+1), fix))
		} else if seen[name] {
			out = append(out, fail("keys", fmt.Sprintf("Entry %d of keys has the name of an earlier one.", i+1), fix))
		}
		seen[name] = true
	}
	if len(keys) == 1 {
		out = append(out, warn("keys", "keys has one entry, which leaves code samples unfilled.", "Send a single key at the top level, as apiKey or as user and pass."))
	}
	for _, name := range []string{"apiKey", "user", "pass"} {
		if _, ok := claims[name]; ok {
			out = append(out, warn("keys", "keys hides the top-level "+name+": requests are filled from the chosen entry only.", "Move "+name+" into the entries of keys."))
		}
	}
	return out
}

// checkReadMeKey is about forms of a single key that fill in less than meant.
func checkReadMeKey(claims map[string]any) []Finding {
	switch k := claims["apiKey"].(type) {
	case string:
		if strings.HasPrefix(k, "Bearer ") {
			return []Finding{warn("apiKey", "apiKey begins with Bearer, which ReadMe puts in front itself.", "Send the bare key.")}
		}
	case map[string]any:
		if !is[string](claims["user"]) || !is[string](claims["pass"]) {
			return []Finding{warn("apiKey", "apiKey is an object, which fills only a security scheme that is itself named apiKey.", "Send user and pass at the top level too.")}
		}
	}
	return nil
}

func checkMintlifyInputs(claims map[string]any) []Finding {
	inputs, _ := claims["apiPlaygroundInputs"].(map[string]any)
	places := []string{"server", "header", "query", "cookie", "path"}
	var out []Finding
	found := 0
	for _, place := range places {
		v, ok := inputs[place]
		if !ok {
			continue
		}
		found++
		rule := "apiPlaygroundInputs." + place
		out = append(out, Claim{rule, anObject}.check(v))
	}
	if found < len(inputs) {
		out = append(out, warn("apiPlaygroundInputs", "apiPlaygroundInputs has a member that is none of "+strings.Join(places, ", ")+".",
			"Name its members by where the value goes, and put the parameter's name inside: {\"header\": {\"X-Api-Key\": …}}."))
	}
	header, _ := inputs["header"].(map[string]any)
	if s, ok := header["Authorization"].(string); ok && !strings.Contains(s, " ") {
		out = append(out, warn("apiPlaygroundInputs.header", "Authorization has no scheme in front of the credential.", "Write \"Bearer \" before the key, as Mintlify's samples do."))
	}
	return out
}
