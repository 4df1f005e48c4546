package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/platforms"
)

// step is something that happens to the files, and what the next look at them leads to.
type step struct {
	do    func(t *testing.T, dir string)
	says  string // in the log; "": nothing
	signs keyPair
}

// The key before the changes, and the next one, which some steps write in two parts.
var (
	old, next  = newKeyPair(), newKeyPair()
	begin, end = next.pem[:50], next.pem[50:]
)

// What the log says about a change.
const (
	set      = `level=INFO msg="docs key set"`
	rejected = `level=ERROR msg="docs key rejected, the old one stays"`
)

// changes are what may happen to a key file, step by step.
var changes = []struct {
	name  string
	steps []step
}{
	{"another key is set once it has stayed the same", []step{
		{write(next.pem), "", old},
		{nothing, set, next},
		{nothing, "", next},
	}},
	{"a key and the one before are set in turn", []step{
		{write(next.pem), "", old},
		{nothing, set, next},
		{write(old.pem), "", next},
		{nothing, set, old},
	}},
	{"the same content written again is not a change", []step{
		{write(old.pem), "", old},
		{nothing, "", old},
		{nothing, "", old},
	}},
	{"the same content in another file is not a change", []step{
		{rename(old.pem), "", old},
		{nothing, "", old},
		{nothing, "", old},
	}},
	{"a line break at the end is not a change", []step{
		{write(strings.TrimRight(old.pem, "\n")), "", old},
		{nothing, "", old},
		{write(old.pem + "\r\n\n"), "", old},
		{nothing, "", old},
	}},
	{"a file replaced by renaming is set", []step{
		{rename(next.pem), "", old},
		{nothing, set, next},
	}},
	{"a file removed and made again is set", []step{
		{remove("key"), "", old},
		{write(next.pem), "", old},
		{nothing, set, next},
	}},
	{"a folder removed and made again is watched on", []step{
		{remove(""), "", old},
		{write(next.pem), "", old},
		{nothing, set, next},
	}},
	{"a half-written key is not tried", []step{
		{write(begin), "", old},
		{appendText(end), "", old},
		{nothing, set, next},
	}},
	{"a key is not tried while it is being written", []step{
		{write(""), "", old},
		{appendText(begin), "", old},
		{appendText(end[:20]), "", old},
		{appendText(end[20:]), "", old},
		{nothing, set, next},
	}},
	{"a key half written for long is rejected once, and set when it is complete", []step{
		{write(begin), "", old},
		{nothing, rejected, old},
		{nothing, "", old},
		{appendText(end), "", old},
		{nothing, set, next},
	}},
	{"an empty file is rejected", []step{
		{write(""), "", old},
		{nothing, rejected, old},
		{write(next.pem), "", old},
		{nothing, set, next},
	}},
	{"a change that is undone at once is not a change", []step{
		{write(next.pem), "", old},
		{write(old.pem), "", old},
		{nothing, "", old},
	}},
	{"a file missing for a moment is ignored", []step{
		{remove("key"), "", old},
		{write(old.pem), "", old},
		{nothing, "", old},
	}},
	{"a file missing for long is logged once, and so is its return", []step{
		{remove("key"), "", old},
		{nothing, "key: no such file or directory", old},
		{nothing, "", old},
		{write(old.pem), "", old},
		{nothing, set, old},
	}},
	{"a file that cannot be read is rejected", []step{
		{makeFolder, "", old},
		{nothing, "key: is a directory", old},
	}},
	{"a certificate instead of a key is rejected", []step{
		{write("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"), "", old},
		{nothing, "certificate", old},
	}},
}

func TestWatchKey(t *testing.T) {
	for _, test := range changes {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { watch(t, test.steps) })
		})
	}
}

// watch has watchKey look at a folder's key once after each step.
func watch(t *testing.T, steps []step) {
	dir := filepath.Join(t.TempDir(), "secret")
	write(old.pem)(t, dir)
	path := filepath.Join(dir, "key")
	key, err := readKey(path)
	if err != nil {
		t.Fatal(err)
	}
	nobody := func(*http.Request) (*docslogin.User, error) { return nil, nil }
	docs, err := docslogin.New(nobody, platforms.Mintlify("https://docs.example.com", key))
	if err != nil {
		t.Fatal(err)
	}
	log := make(lines, 10)
	ctx, cancel := context.WithCancel(t.Context())
	defer synctest.Wait() // until it has ended
	defer cancel()
	go watchKey(ctx, path, key, time.Minute, docs, slog.New(slog.NewTextHandler(log, nil)))
	synctest.Wait()
	for i, step := range steps {
		step.do(t, dir)
		time.Sleep(time.Minute)
		synctest.Wait()
		said := log.taken()
		if step.says == "" && said != "" || !strings.Contains(said, step.says) || strings.Count(said, "\n") > 1 {
			t.Errorf("step %d: the log says %q, not %q", i+1, said, step.says)
		}
		link, err := docs.LoginURL(t.Context(), &docslogin.User{Email: "ada@example.com"}, "")
		if err != nil {
			t.Fatal(err)
		}
		to, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		if err := step.signs.signed(to); err != nil {
			t.Errorf("step %d: %v", i+1, err)
		}
	}
}

// lines is a log.
type lines chan string

func (l lines) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}

// taken returns what has been written since it was called before.
func (l lines) taken() (text string) {
	for len(l) > 0 {
		text += <-l
	}
	return text
}

func nothing(*testing.T, string) {}

// write writes the key into the file that is there, or makes it.
func write(text string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "key"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// appendText writes on where the last writing ended.
func appendText(text string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		written, err := os.ReadFile(filepath.Join(dir, "key"))
		if err != nil {
			t.Fatal(err)
		}
		write(string(written)+text)(t, dir)
	}
}

// rename puts another file in the key's place.
func rename(text string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "key.new"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "key.new"), filepath.Join(dir, "key")); err != nil {
			t.Fatal(err)
		}
	}
}

// remove removes the folder, or what is in it under that name.
func remove(name string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// makeFolder puts a folder in the key's place.
func makeFolder(t *testing.T, dir string) {
	t.Helper()
	remove("key")(t, dir)
	if err := os.Mkdir(filepath.Join(dir, "key"), 0o700); err != nil {
		t.Fatal(err)
	}
}
