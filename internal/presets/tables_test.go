package presets_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/presets"
	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/internal/testkit"
)

var update = flag.Bool("update", false, "write the tables of the presets into the documentation")

// table is a table in the documentation with one row per preset. Rows that are "" are left out. The header
// tells where the table is.
type table struct {
	header string
	row    func(*testing.T, presets.Preset) string
}

var tables = []table{
	{"| platform | preset | signed with | the token travels in | the deep link comes in | token | docs session | required |", loginRow},
	{"| platform | `Name` | `Email` | `ID` | `Groups` | `Attributes` | docslogin adds |", claimsRow},
	{"| platform | `Key` | `Key` with a `Header` | `Username`, `Password` | `Values` |", keysRow},
	{"| platform | parameter | link |", linkRow},
}

// TestTables compares each table in the documentation with the one that the presets make. With
// -update, it writes that one instead.
func TestTables(t *testing.T) {
	for _, table := range tables {
		want, found := table.text(t), false
		for _, file := range testkit.Pages(t) {
			text := testkit.Text(t, file)
			before, rest, ok := strings.Cut(text, table.header+"\n")
			if !ok {
				continue
			}
			found = true
			got, after := table.cut(rest)
			if got == want {
				continue
			}
			if !*update {
				t.Errorf("%s is stale; run: go test ./internal/presets -update\n%swant\n%s", file, got, want)
				continue
			}
			if err := os.WriteFile(file, []byte(before+want+after), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if !found {
			t.Errorf("no documentation has the table\n%s", table.header)
		}
	}
}

// text returns the table that the presets make.
func (table table) text(t *testing.T) string {
	t.Helper()
	text := table.header + "\n" + strings.Repeat("|---", strings.Count(table.header, "|")-1) + "|\n"
	for _, p := range presets.All() {
		text += table.row(t, p)
	}
	return text
}

// cut returns the table whose header has been cut from the beginning of rest, and what follows.
func (table table) cut(rest string) (text, after string) {
	end := 0
	for line := range strings.Lines(rest) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		end += len(line)
	}
	return table.header + "\n" + rest[:end], rest[end:]
}

// loginRow is about what a login with the preset looks like.
func loginRow(t *testing.T, p presets.Preset) string {
	t.Helper()
	platform, to := login(t, p, docslogin.APIKey{Key: "KEY"})
	session := "the platform's"
	if claim := platform.Lifetime.SessionClaim; claim != "" {
		session = span(platform.Lifetime.Session) + ", in `" + claim + "`"
	}
	return row(platform.Name, "`"+p.Call+"`", string(platform.Algorithm), carrier(testkit.Masked(to)), name(platform.DeepLink.In),
		span(platform.Lifetime.Token), session, names(platform.Required))
}

// linkRow is about a link to the login route in a page of the app.
func linkRow(t *testing.T, p presets.Preset) string {
	t.Helper()
	platform := p.Example("https://docs.example.com", testkit.KeyFor(p))
	return row(platform.Name, name(platform.DeepLink.In), "`"+testkit.New(t, testkit.Nobody, platform).LoginPath("/quickstart")+"`")
}

func TestTheRowOfAPlatformThatSendsNoDeepLink(t *testing.T) {
	p := presets.Preset{
		Call: "Linkless(docsURL, secret)",
		New: func(v presets.Values) docslogin.Platform {
			return docslogin.Platform{
				Name: "Linkless", DocsURL: v["docs"], Algorithm: jose.HS256, Key: docslogin.Secret(v["key"]), Carrier: docslogin.InQuery("sso"),
				Lifetime: docslogin.Lifetime{Token: time.Minute},
			}
		},
		Rules: func(presets.Values) rules.Platform { return rules.Platform{Algorithms: []string{"HS256"}} },
	}
	const want = "| Linkless | `Linkless(docsURL, secret)` | HS256 | the query, `sso` | – | 1 min | the platform's | – |\n"
	if got := loginRow(t, p); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
	if got, want := linkRow(t, p), "| Linkless | – | `/docs-login` |\n"; got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

// claimsRow shows which claims each field of a user becomes, except API keys, and which claims contain
// nothing about the user.
func claimsRow(t *testing.T, p presets.Preset) string {
	t.Helper()
	payload := claims(t, p, docslogin.APIKey{})
	cells := []string{p.Name()}
	added := maps.Clone(payload)
	for _, value := range []string{"NAME", "EMAIL", "ID", "GROUP", "ATTRIBUTE"} {
		paths := find(payload, value)
		cells = append(cells, names(paths))
		for _, path := range paths {
			claim, _, _ := strings.Cut(path, ".")
			delete(added, claim)
		}
	}
	return row(append(cells, names(slices.Sorted(maps.Keys(added))))...)
}

// keysRow shows which claims each form of an API key becomes. It is "" for a platform that gets none.
func keysRow(t *testing.T, p presets.Preset) string {
	t.Helper()
	cell := func(key docslogin.APIKey, values ...string) string {
		payload := claims(t, p, key)
		var found []string
		for _, value := range values {
			found = append(found, find(payload, value)...)
		}
		return names(found)
	}
	cells := []string{
		cell(docslogin.APIKey{Key: "KEY"}, "KEY"),
		cell(docslogin.APIKey{Key: "KEY", Header: "X-Api-Key"}, "KEY"),
		cell(docslogin.APIKey{Username: "USER", Password: "PASSWORD"}, "USER", "PASSWORD", "VVNFUjpQQVNTV09SRA=="), // USER:PASSWORD
		cell(docslogin.APIKey{Values: map[string]any{"X-Any": "VALUE"}}, "VALUE"),
	}
	if !slices.ContainsFunc(cells, func(cell string) bool { return cell != "–" }) {
		return ""
	}
	return row(append([]string{p.Name()}, cells...)...)
}

// claims returns the claims in the token of a user with an API key.
func claims(t *testing.T, p presets.Preset, key docslogin.APIKey) (payload map[string]any) {
	t.Helper()
	_, to := login(t, p, key)
	if err := json.Unmarshal([]byte(testkit.Payload(t, to)), &payload); err != nil {
		t.Fatal(err)
	}
	return payload
}

// login logs in a user all of whose fields are set, and returns where that leads.
func login(t *testing.T, p presets.Preset, key docslogin.APIKey) (platform docslogin.Platform, to string) {
	t.Helper()
	user := &docslogin.User{
		ID: "ID", Name: "NAME", Email: "EMAIL", Groups: []string{"GROUP"},
		APIKeys: []docslogin.APIKey{key}, Attributes: map[string]any{"any": "ATTRIBUTE"},
	}
	platform = p.Example("https://docs.example.com", testkit.KeyFor(p))
	return platform, testkit.Sent(t, testkit.Get(t, testkit.New(t, testkit.As(user), platform), "/docs-login"))
}

func row(cells ...string) string { return "| " + strings.Join(cells, " | ") + " |\n" }

// carrier says which part of a request carries the token.
func carrier(to string) string {
	if strings.HasSuffix(to, "#TOKEN") {
		return "the fragment"
	}
	name := "`" + regexp.MustCompile(`([\w-]+)=TOKEN`).FindStringSubmatch(to)[1] + "`"
	switch {
	case strings.HasPrefix(to, "POST "):
		return "a form, " + name
	case strings.Contains(to, " Cookie: "):
		return "a cookie, " + name
	}
	return "the query, " + name
}

// span writes a duration in its largest unit.
func span(d time.Duration) string {
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}} {
		if d >= unit.size {
			return fmt.Sprintf("%d %s", d/unit.size, unit.name)
		}
	}
	return "–"
}

// name writes the name of a parameter, if there is one.
func name(param string) string {
	if param == "" {
		return "–"
	}
	return "`" + param + "`"
}

// names lists claims. "a|b" is one of two.
func names(claims []string) string {
	if len(claims) == 0 {
		return "–"
	}
	return "`" + strings.ReplaceAll(strings.Join(claims, "`, `"), "|", "` or `") + "`"
}

// find returns where a value is in an object of claims: "content.name". The value may stand
// after a word and a space, as in "Bearer KEY".
func find(object map[string]any, value string) (paths []string) {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		switch claim := object[name].(type) {
		case map[string]any:
			for _, path := range find(claim, value) {
				paths = append(paths, name+"."+path)
			}
		case []any:
			if slices.Contains(claim, any(value)) {
				paths = append(paths, name)
			}
		case string:
			if claim == value || strings.HasSuffix(claim, " "+value) {
				paths = append(paths, name)
			}
		}
	}
	return paths
}

// Every preset of package platforms is in the list, with its parameters as in its documentation.
func TestEveryPresetIsListed(t *testing.T) {
	var got []string
	for _, p := range presets.All() {
		got = append(got, p.Call)
	}
	slices.Sort(got)
	if want := signatures(t); !slices.Equal(got, want) {
		t.Errorf("the list has\n%s\nand package platforms\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Each line of the list is about one platform.
func TestNamesOfAPreset(t *testing.T) {
	for _, p := range presets.All() {
		call, _, _ := strings.Cut(p.Call, "(")
		platform := p.Example("https://docs.example.com", testkit.KeyFor(p))
		if name := strings.ReplaceAll(platform.Name, " ", ""); !strings.EqualFold(name, call) {
			t.Errorf("%s: New returns %q", p.Call, platform.Name)
		}
		if p.Name() != platform.Name {
			t.Errorf("%s: New returns %q, and Rules %q", p.Call, platform.Name, p.Name())
		}
		if name := strings.NewReplacer(" ", "", "-", "").Replace(p.Flag); !strings.EqualFold(name, call) {
			t.Errorf("%s: the flag is %q", p.Call, p.Flag)
		}
		site := p.Site()
		site.Close()
		if name := site.Platform().Name; name != platform.Name {
			t.Errorf("%s: New returns %q, and Site %q", p.Call, platform.Name, name)
		}
	}
}

// signatures returns the presets in package platforms, sorted, as "ReadMe(docsURL, secret)". A
// preset has a parameter: ReadMeInfo and MintlifyInfo are parts of one.
func signatures(t *testing.T) (all []string) {
	t.Helper()
	files, err := filepath.Glob("../../platforms/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && isPreset(f) {
				all = append(all, f.Name.Name+"("+strings.Join(params(f), ", ")+")")
			}
		}
	}
	slices.Sort(all)
	return all
}

// isPreset reports whether f is an exported func with a parameter that returns a
// docslogin.Platform.
func isPreset(f *ast.FuncDecl) bool {
	if f.Recv != nil || !f.Name.IsExported() || f.Type.Params.NumFields() == 0 || f.Type.Results.NumFields() != 1 {
		return false
	}
	result, ok := f.Type.Results.List[0].Type.(*ast.SelectorExpr)
	return ok && fmt.Sprint(result.X) == "docslogin" && result.Sel.Name == "Platform"
}

func params(f *ast.FuncDecl) (names []string) {
	for _, field := range f.Type.Params.List {
		for _, name := range field.Names {
			names = append(names, name.Name)
		}
	}
	return names
}
