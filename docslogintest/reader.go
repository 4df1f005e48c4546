package docslogintest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// A reader is what pages show about a login.
type reader struct {
	Name, Email string
	Groups      []string
	Keys        []apiKey
	Facts       []fact
}

// An apiKey is a credential as the code sample shows it: as arguments of curl.
type apiKey struct {
	Name string
	Args []string
}

// A fact is another claim about the reader.
type fact struct{ Name, Value string }

// personReader reads claims, or an object in them, that contain name, email, and facts.
func personReader(claims map[string]any) reader {
	return reader{Name: text(claims["name"]), Email: text(claims["email"]), Facts: facts(claims, "name", "email")}
}

// addKey adds a bearer token, a user and password, or nothing if all are empty.
func (r *reader) addKey(name, token, user, pass string) {
	key := apiKey{Name: name}
	if token != "" {
		key.Args = append(key.Args, `-H "Authorization: Bearer `+token+`"`)
	}
	if user != "" {
		key.Args = append(key.Args, `-u "`+user+":"+pass+`"`)
	}
	if key.Args != nil {
		r.Keys = append(r.Keys, key)
	}
}

// addHeaders adds one key that consists of headers, or nothing if there are none.
func (r *reader) addHeaders(name string, headers map[string]any) {
	key := apiKey{Name: name}
	for _, header := range slices.Sorted(maps.Keys(headers)) {
		key.Args = append(key.Args, `-H "`+header+": "+text(headers[header])+`"`)
	}
	if key.Args != nil {
		r.Keys = append(r.Keys, key)
	}
}

// facts returns the members that a page can show, sorted by name. Claims about the token are not
// facts about the reader.
func facts(o map[string]any, except ...string) []fact {
	except = append(except, "version", "iss", "aud", "iat", "exp", "nbf", "jti")
	var out []fact
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if value := text(o[name]); value != "" && !slices.Contains(except, name) {
			out = append(out, fact{name, value})
		}
	}
	return out
}

// object returns the object at a path, or nil.
func object(o map[string]any, path ...string) map[string]any {
	for _, name := range path {
		o, _ = o[name].(map[string]any)
	}
	return o
}

// texts returns the elements of a list as text.
func texts(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, e := range list {
		out = append(out, text(e))
	}
	return out
}

// text returns a string, number, or boolean as text, and "" for anything else.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number, bool:
		return fmt.Sprint(v)
	}
	return ""
}
