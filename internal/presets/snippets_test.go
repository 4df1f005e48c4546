package presets_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/docslogin/docslogin/internal/testkit"
)

// TestSnippets checks that each program in the documentation builds, and that each other snippet
// is in an example, word for word.
func TestSnippets(t *testing.T) {
	readme := testkit.Text(t, "../../README.md")
	if line := strings.Count(readme[:strings.Index(readme, "```go")], "\n") + 1; line > 10 {
		t.Errorf("the first code is in line %d", line)
	}
	examples, docs := examples(t), ""
	for _, name := range testkit.Pages(t) {
		docs += testkit.Text(t, name)
	}
	snippets := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(docs, -1)
	if len(snippets) < 4 {
		t.Fatalf("only %d snippets", len(snippets))
	}
	for _, snippet := range snippets {
		if strings.HasPrefix(snippet[1], "package main") {
			build(t, snippet[1])
		} else if !strings.Contains(dense(examples), dense(snippet[1])) {
			t.Errorf("not in an example:\n%s", snippet[1])
		}
	}
}

// examples returns the files named example_test.go, and the examples next to the tests of each preset.
func examples(t *testing.T) (text string) {
	t.Helper()
	for _, pattern := range []string{"../../example_test.go", "../../*/example_test.go"} {
		names, _ := filepath.Glob(pattern)
		for _, name := range names {
			text += testkit.Text(t, name)
		}
	}
	names, _ := filepath.Glob("../../platforms/*_test.go")
	for _, name := range names {
		text += strings.Join(exampleFunc.FindAllString(testkit.Text(t, name), -1), "\n")
	}
	return text
}

// exampleFunc matches an example in a formatted file.
var exampleFunc = regexp.MustCompile(`(?ms)^func Example.*?^}$`)

// build builds a program, with the requirements of this module.
func build(t *testing.T, program string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", os.DevNull, file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, program)
	}
}

// dense returns code without its indentation and blank lines.
func dense(code string) string {
	return regexp.MustCompile(`(?m)^\s+|\s+$`).ReplaceAllString(code, "")
}
