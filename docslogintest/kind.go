package docslogintest

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/rules"
)

// kind is what sets one platform's site apart from another's.
type kind struct {
	label    string // how pages call it
	layout   string // a class in site.html: accent and layout
	rules    rules.Platform
	callback string // path that takes the token; "": any page
	query    string // parameter of a GET that carries the token; "": none
	fragment bool   // the token is in the fragment, for a page's script
	link     string // parameter with the wanted page, to the login URL and back
	newKey   func() (signing string, verifying any)
	preset   func(docsURL, signing string) docslogin.Platform
	reader   func(claims map[string]any) reader
}

func readMe() kind {
	return kind{
		label:  "ReadMe-like docs",
		layout: "bar",
		rules:  rules.ReadMe(),
		query:  "auth_token",
		link:   "redirect",
		newKey: newSecret,
		preset: docslogin.ReadMe,
		reader: readMeReader,
	}
}

func mintlify() kind {
	return kind{
		label:    "Mintlify-like docs",
		layout:   "tabs",
		rules:    rules.Mintlify(),
		callback: "/login/jwt-callback",
		fragment: true,
		link:     "redirect",
		newKey:   newEd25519,
		preset:   docslogin.Mintlify,
		reader:   mintlifyReader,
	}
}

func newSecret() (string, any) {
	secret := rand.Text() + rand.Text()
	return secret, secret
}

func newEd25519() (string, any) {
	public, private, _ := ed25519.GenerateKey(nil) // crypto/rand never fails
	der, _ := x509.MarshalPKCS8PrivateKey(private) // nor does this, for an Ed25519 key
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), public
}

// reader is what pages show of a login.
type reader struct {
	Name, Email string
	Groups      []string
	Keys        []apiKey
	Facts       []fact
}

// apiKey is a credential as the code sample has it: arguments of curl.
type apiKey struct {
	Name string
	Args []string
}

type fact struct{ Name, Value string }

func readMeReader(claims map[string]any) reader {
	r := reader{Name: text(claims["name"]), Email: text(claims["email"])}
	entries, _ := claims["keys"].([]any)
	if len(entries) == 0 {
		entries = []any{claims}
	}
	for _, e := range entries {
		entry := e.(map[string]any) // the rules have seen to it
		key := apiKey{Name: text(entry["name"])}
		if token := text(entry["apiKey"]); token != "" {
			key.Args = append(key.Args, `-H "Authorization: Bearer `+token+`"`)
		}
		if user := text(entry["user"]); user != "" {
			key.Args = append(key.Args, `-u "`+user+":"+text(entry["pass"])+`"`)
		}
		if key.Args != nil {
			r.Keys = append(r.Keys, key)
		}
	}
	r.Facts = facts(claims, "name", "email", "apiKey", "user", "pass", "version", "iat", "exp", "nbf", "jti")
	return r
}

func mintlifyReader(claims map[string]any) reader {
	content, _ := claims["content"].(map[string]any)
	r := reader{Name: text(content["name"]), Email: text(content["email"])}
	groups, _ := claims["groups"].([]any)
	for _, g := range groups {
		r.Groups = append(r.Groups, text(g))
	}
	inputs, _ := claims["apiPlaygroundInputs"].(map[string]any)
	header, _ := inputs["header"].(map[string]any)
	var key apiKey
	for _, name := range slices.Sorted(maps.Keys(header)) {
		key.Args = append(key.Args, `-H "`+name+": "+text(header[name])+`"`)
	}
	if key.Args != nil {
		r.Keys = []apiKey{key}
	}
	r.Facts = facts(content, "name", "email")
	return r
}

// facts returns the members that a page can show as they are, by name.
func facts(o map[string]any, except ...string) []fact {
	var out []fact
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if value := text(o[name]); value != "" && !slices.Contains(except, name) {
			out = append(out, fact{name, value})
		}
	}
	return out
}

// text returns a string, number or truth value as text, and "" for all else.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number, bool:
		return fmt.Sprint(v)
	}
	return ""
}
