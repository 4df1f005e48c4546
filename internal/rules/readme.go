package rules

import (
	"fmt"
	"strings"
)

// ReadMe returns the rules of ReadMe's custom login.
//
// Source: ReadMe's page on custom login.
func ReadMe() Platform {
	return Platform{
		Name: "ReadMe",
		Wire: Wire{
			Query: "auth_token",
			Link:  "redirect",
		},
		Algorithms: []string{"HS256"},
		Required:   []string{"name", "email"},
		Version:    "1",
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

// checkReadMeKeys checks a list of API keys, from which the reader chooses one by name.
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

// checkReadMeKey warns about forms of a single API key that fill in less than they should.
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
