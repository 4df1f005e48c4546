package apptest

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/docslogin/docslogin/internal/newkey"
	"github.com/go-jose/go-jose/v4"
)

// folders are those of the recipes.
func folders(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("../../*/*/main.go")
	if err != nil || len(found) < 30 {
		t.Fatalf("there are the recipes %v: %v", found, err)
	}
	for i, path := range found {
		found[i] = filepath.ToSlash(filepath.Dir(path))[len("../../"):]
	}
	return found
}

// TestReadme checks that every recipe has a row in the table of recipes, and a link in the library's README.
func TestReadme(t *testing.T) {
	for path, link := range map[string]*regexp.Regexp{
		"../../README.md":    regexp.MustCompile("(?m)^\\| \\[`([^`]+)`\\]\\(([^)]+)/[a-z]+\\.go\\) \\| .+ \\|"),
		"../../../README.md": regexp.MustCompile(`\[([^]]+)\]\(recipes/(\w+/\w+)\)`),
	} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var linked []string
		for _, row := range link.FindAllStringSubmatch(string(text), -1) {
			linked = append(linked, row[2])
		}
		slices.Sort(linked)
		if got, want := strings.Join(slices.Compact(linked), " "), strings.Join(folders(t), " "); got != want {
			t.Errorf("%s has links to\n%s\nand there are\n%s", path, got, want)
		}
	}
}

var docsPage = regexp.MustCompile(`http://\S+/quickstart`)

// TestPrograms runs every recipe as go run does. The recipe prints a page of its docs, a visitor
// opens it and signs in, and the recipe ends when it is interrupted. Those for production have
// flags and docs of their own: their own tests run them.
func TestPrograms(t *testing.T) {
	for _, folder := range folders(t) {
		if strings.HasPrefix(folder, "production/") {
			continue
		}
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			line := startProcess(t, folder).line
			if docs := docsPage.FindString(line); docs == "" {
				t.Errorf("the first line is %q", line)
			} else {
				visit(t, docs, folder == spa || folder == "situations/infoapi")
				if !t.Failed() && !slices.Contains(noAnchor, folder) {
					visitAnchor(t, docs)
				}
			}
		})
	}
}

// noAnchor are the recipes whose docs take the token in the fragment, where it replaces the anchor, and
// those whose page has a script that this visitor does not run.
var noAnchor = []string{"situations/sites", "situations/infoapi", spa, "identity/kratos"}

// visitAnchor opens the docs at an anchor, and signs in. A form with an action would lose the anchor.
func visitAnchor(t *testing.T, docs string) {
	t.Helper()
	v := newVisitor(t)
	page := v.SignIn(t, v.Open(t, docs+"#install"), strings.TrimSuffix(docs, "/quickstart"))
	if !page.At(docs) || page.URL.Fragment != "install" {
		t.Errorf("after signing in, the visitor ends at %s with the anchor %q", page, page.URL.Fragment)
	}
}

// TestABusyPort runs every recipe at an address that is in use.
func TestABusyPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.Addr().String()
	dir := t.TempDir()
	args := map[string][]string{ // those that are required
		"production/prometheus": {"-metrics", "127.0.0.1:0"},
		"production/sighup":     {"-key", keyFile(t, dir, "secret", newkey.For(jose.HS256))},
		"production/keyfile":    {"-key", keyFile(t, dir, "private-key", newkey.For(jose.EdDSA))},
	}
	for _, folder := range folders(t) {
		t.Run(folder, func(t *testing.T) {
			out, err := exec.CommandContext(t.Context(), build(t, folder), append(args[folder], "-listen", address)...).CombinedOutput()
			want := "the address " + address + " is in use; choose another with -listen, such as -listen 127.0.0.1:0\n"
			if err == nil || !strings.HasSuffix(string(out), want) || strings.Contains(string(out), "bind") {
				t.Errorf("%v, %q", err, out)
			}
		})
	}
}

// keyFile writes a key to a file.
func keyFile(t *testing.T, dir, name, key string) (path string) {
	t.Helper()
	path = filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// visit opens the docs and signs in. byScript says that a script signs the visitor in: the recipe's own
// test does what the script does.
func visit(t *testing.T, docs string, byScript bool) {
	t.Helper()
	v := newVisitor(t)
	page := v.Open(t, docs)
	if page.Status != http.StatusOK {
		t.Fatalf("a visitor who is signed out ends at %s", page)
	}
	if byScript {
		if !strings.Contains(page.Text, "<script") {
			t.Errorf("there is no script at %s", page)
		}
		return
	}
	if page.At(docs) {
		t.Fatalf("a visitor who is signed out ends at the docs' page %s", page)
	}
	if page = v.SignIn(t, page, strings.TrimSuffix(docs, "/quickstart")); !page.At(docs) {
		t.Errorf("after signing in, the visitor ends at %s", page)
	}
}
