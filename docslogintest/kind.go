package docslogintest

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/deeplink"
	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/platforms"
)

// kind is what sets one platform's site apart from another's.
type kind struct {
	label  string // how pages call it
	layout string // a class in site.html
	hue    int    // of the accent's color, in degrees of OKLCH
	rules  rules.Platform
	wanted func(siteURL, page string) string // the wanted page as it stands in the login URL's query
	echo   map[string]string                 // parameters of the login URL beside it, which come back as they went
	once   bool                              // a jti that was used before is refused
	newKey func() string                     // as WithKey takes it
	preset func(docsURL, signing string) docslogin.Platform
	reader func(claims map[string]any) reader
}

func readMe() kind {
	return kind{
		label:  "ReadMe-like docs",
		layout: "bar",
		hue:    258,
		rules:  rules.ReadMe(),
		wanted: asPath,
		newKey: newSecret,
		preset: platforms.ReadMe,
		reader: readMeReader,
	}
}

func mintlify() kind {
	return kind{
		label:  "Mintlify-like docs",
		layout: "tabs",
		hue:    165,
		rules:  rules.Mintlify(),
		wanted: asPath,
		newKey: newEd25519,
		preset: platforms.Mintlify,
		reader: mintlifyReader,
	}
}

func mintlifyPersonalization() kind {
	return kind{
		label:  "Mintlify-like personalized docs",
		layout: "tabs",
		hue:    195,
		rules:  rules.MintlifyPersonalization(),
		wanted: asPath,
		newKey: newP256,
		preset: platforms.MintlifyPersonalization,
		reader: mintlifyReader,
	}
}

func gitBook() kind {
	return kind{
		label:  "GitBook-like docs",
		layout: "bar",
		hue:    40,
		rules:  rules.GitBook(),
		wanted: fromBase,
		newKey: newSecret,
		preset: platforms.GitBook,
		reader: personReader,
	}
}

func fern() kind {
	return kind{
		label:  "Fern-like docs",
		layout: "tabs",
		hue:    135,
		rules:  rules.Fern(),
		wanted: asURL,
		newKey: newSecret,
		preset: platforms.Fern,
		reader: fernReader,
	}
}

func zendesk() kind {
	return kind{
		label:  "Zendesk-like help center",
		layout: "bar",
		hue:    180,
		rules:  rules.Zendesk(),
		wanted: asPath,
		echo:   map[string]string{"brand_id": "360001", "locale_id": "1", "timestamp": strconv.FormatInt(time.Now().Unix(), 10)},
		once:   true,
		newKey: newSecret,
		preset: func(docsURL, signing string) docslogin.Platform {
			return platforms.Zendesk(docsURL, signing)
		},
		reader: personReader,
	}
}

func helpScout() kind {
	return kind{
		label:  "Help Scout-like docs",
		layout: "tabs",
		hue:    285,
		rules:  rules.HelpScout(),
		wanted: asPath,
		newKey: newSecret,
		preset: platforms.HelpScout,
		reader: func(claims map[string]any) reader { return reader{Email: text(claims["sub"])} },
	}
}

func developerHub() kind {
	return kind{
		label:  "DeveloperHub-like docs",
		layout: "bar",
		hue:    225,
		rules:  rules.DeveloperHub(),
		wanted: asURL,
		once:   true,
		newKey: newSecret,
		preset: platforms.DeveloperHub,
		reader: func(claims map[string]any) reader { return personReader(object(claims, "vars")) },
	}
}

func canny() kind {
	const company = "acme-company"
	return kind{
		label:  "Canny-like board",
		layout: "tabs",
		hue:    310,
		rules:  rules.Canny(),
		wanted: asURL,
		echo:   map[string]string{"companyID": company},
		newKey: newSecret,
		preset: func(docsURL, signing string) docslogin.Platform {
			p := platforms.Canny(docsURL, company, signing)
			p.Callback = docsURL + rules.Canny().Callback
			return p
		},
		reader: personReader,
	}
}

func featurebase() kind {
	return kind{
		label:  "Featurebase-like help center",
		layout: "tabs",
		hue:    340,
		rules:  rules.Featurebase(),
		wanted: asURL,
		newKey: newSecret,
		preset: platforms.Featurebase,
		reader: personReader,
	}
}

func metabase() kind {
	return kind{
		label:  "Metabase-like analytics",
		layout: "bar",
		hue:    15,
		rules:  rules.Metabase(),
		wanted: unescaped,
		newKey: newSecret,
		preset: platforms.Metabase,
		reader: metabaseReader,
	}
}

// These are for kind.wanted.

func asPath(_, page string) string { return url.QueryEscape(page) }

func asURL(siteURL, page string) string { return url.QueryEscape(siteURL + page) }

func fromBase(_, page string) string { return url.QueryEscape(strings.TrimPrefix(page, "/")) }

func unescaped(_, page string) string { return deeplink.Escape(page) }

func newSecret() string { return rand.Text() + rand.Text() }

func newEd25519() string {
	_, private, _ := ed25519.GenerateKey(nil) // crypto/rand never fails
	return inPEM(private)
}

func newP256() string {
	private, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader) // nor does it here
	return inPEM(private)
}

func inPEM(private any) string {
	der, _ := x509.MarshalPKCS8PrivateKey(private) // knows both types
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
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

// personReader is of claims, or an object among them, that hold name, email and facts.
func personReader(claims map[string]any) reader {
	return reader{Name: text(claims["name"]), Email: text(claims["email"]), Facts: facts(claims, "name", "email")}
}

func readMeReader(claims map[string]any) reader {
	r := personReader(claims)
	r.Facts = facts(claims, "name", "email", "apiKey", "user", "pass")
	entries, _ := claims["keys"].([]any)
	if len(entries) == 0 {
		entries = []any{claims}
	}
	for _, e := range entries {
		entry := e.(map[string]any) // the rules have seen to it
		r.addKey(text(entry["name"]), text(entry["apiKey"]), text(entry["user"]), text(entry["pass"]))
	}
	return r
}

func mintlifyReader(claims map[string]any) reader {
	r := personReader(object(claims, "content"))
	r.Groups = texts(claims["groups"])
	header := object(claims, "apiPlaygroundInputs", "header")
	var key apiKey
	for _, name := range slices.Sorted(maps.Keys(header)) {
		key.Args = append(key.Args, `-H "`+name+": "+text(header[name])+`"`)
	}
	if key.Args != nil {
		r.Keys = []apiKey{key}
	}
	return r
}

func fernReader(claims map[string]any) reader {
	fern := object(claims, "fern")
	r := personReader(fern)
	r.Groups = texts(fern["roles"])
	auth := object(fern, "playground", "initial_state", "auth")
	basic := object(auth, "basic")
	r.addKey("", text(auth["bearer_token"]), text(basic["username"]), text(basic["password"]))
	return r
}

func metabaseReader(claims map[string]any) reader {
	return reader{
		Name:   strings.TrimSpace(text(claims["first_name"]) + " " + text(claims["last_name"])),
		Email:  text(claims["email"]),
		Groups: texts(claims["groups"]),
		Facts:  facts(claims, "email", "first_name", "last_name"),
	}
}

// addKey adds a bearer token, or user and password, or nothing for none of them.
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

// facts returns the members that a page can show as they are, by name. What is
// about the token is not about its reader.
func facts(o map[string]any, except ...string) []fact {
	except = append(except, "version", "iss", "iat", "exp", "nbf", "jti")
	var out []fact
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if value := text(o[name]); value != "" && !slices.Contains(except, name) {
			out = append(out, fact{name, value})
		}
	}
	return out
}

// object returns the object that path leads to, nil if there is none.
func object(o map[string]any, path ...string) map[string]any {
	for _, name := range path {
		o, _ = o[name].(map[string]any)
	}
	return o
}

func texts(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, e := range list {
		out = append(out, text(e))
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
