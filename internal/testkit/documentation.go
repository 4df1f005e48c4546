package testkit

import (
	"os"
	"path/filepath"
	"testing"
)

// Pages returns the files of the README and the guides, for a test in a folder two levels down.
func Pages(t testing.TB) []string {
	t.Helper()
	guides, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	if len(guides) == 0 {
		t.Fatal("there are no guides")
	}
	return append([]string{"../../README.md"}, guides...)
}

// Text returns the text of a file.
func Text(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
