package rules

import (
	"fmt"
	"sort"
	"strings"
)

// ReadMe returns the rules of ReadMe's custom login.
//
// Sources: ReadMe's page on custom login, and its published packages (apiKey, keys).
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
			{"apiKey", anything}, // checkReadMeKey checks its type
			{"user", aString},
			{"pass", aString},
			{"keys", aListOfObjects},
			{"parameters", anObject},
			{"isAdmin", aBool},
			{"isReadOnly", aBool},
			{"allowedProjects", aList},
		},
		Checks: []Check{checkReadMeKey, checkReadMeKeys},
	}
}

// checkReadMeKey checks the API key at the top level.
func checkReadMeKey(claims map[string]any) []Finding { return checkReadMeAPIKey("", claims) }

// checkReadMeKeys checks a list of API keys, from which the reader chooses one by name.
func checkReadMeKeys(claims map[string]any) []Finding {
	keys, _ := claims["keys"].([]any)
	if len(keys) == 0 || !aListOfObjects.is(claims["keys"]) {
		return nil
	}
	var out []Finding
	seen := map[string]bool{}
	for i, k := range keys {
		entry := k.(map[string]any)
		place := fmt.Sprintf("keys[%d]", i)
		name, _ := entry["name"].(string)
		fix := "Give every entry of keys a name of its own."
		if strings.TrimSpace(name) == "" {
			out = append(out, fail("keys", place+" has no name.", fix))
		} else if seen[name] {
			out = append(out, fail("keys", place+" has the name of an earlier entry.", fix))
		}
		seen[name] = true
		out = append(out, checkReadMeEntry(place+".", entry)...)
	}
	return append(out, checkReadMeCodeBlocks(claims, keys[0].(map[string]any))...)
}

// checkReadMeEntry returns what is wrong with the credentials in an entry of keys.
func checkReadMeEntry(prefix string, entry map[string]any) []Finding {
	out := checkReadMeAPIKey(prefix, entry)
	for _, f := range checkClaims(prefix, entry, []Claim{{"user", aString}, {"pass", aString}}) {
		if !f.OK {
			out = append(out, f)
		}
	}
	return out
}

// checkReadMeAPIKey checks the member apiKey of the top level or of an entry of keys.
func checkReadMeAPIKey(prefix string, object map[string]any) []Finding {
	v, ok := object["apiKey"]
	if !ok {
		return nil
	}
	name := prefix + "apiKey"
	switch v := v.(type) {
	case string:
		if !strings.HasPrefix(v, "Bearer ") {
			return nil
		}
		return []Finding{warn(name, name+" begins with Bearer, which ReadMe adds itself for bearer and OAuth 2.0 schemes.", "Send the bare key.")}
	case map[string]any:
		return []Finding{warn(name, name+" is an object, so requests show [object Object], and pages show the object with its password.", "Send user and pass instead, and apiKey only as a string.")}
	}
	return []Finding{fail(name, name+" is not a string.", "Send "+name+" as a string, or not at all.")}
}

// checkReadMeCodeBlocks warns if the top level lacks a member of the first entry of keys, because
// code blocks in pages read only the top level.
func checkReadMeCodeBlocks(claims, first map[string]any) []Finding {
	var missing []string
	for name := range first {
		if _, ok := claims[name]; !ok {
			missing = append(missing, fmt.Sprintf("%.40q", name))
		}
	}
	if missing == nil {
		return nil
	}
	sort.Strings(missing)
	return []Finding{warn("keys", "The top level lacks "+strings.Join(missing, ", ")+", which the first entry of keys has, so code blocks in pages are not filled.",
		"Copy what is missing to the top level.")}
}
