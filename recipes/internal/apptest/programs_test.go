package apptest

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
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
			}
		})
	}
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
