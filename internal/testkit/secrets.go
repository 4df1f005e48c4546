package testkit

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/docslogin/docslogin"
)

// The verbs of fmt that print text, those that print bytes in any form, and all verbs.
var (
	textVerbs  = []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X"}
	valueVerbs = append([]string{"% x", "%#x", "%d", "%o", "%b", "%c", "%U", "%t"}, textVerbs...)
	everyVerb  = append([]string{"%p", "%w"}, valueVerbs...)
)

// printed returns a value as the verbs of fmt, slog's handlers, and encoding/json print it.
func printed(value any, verbs []string) string {
	var out strings.Builder
	for _, verb := range verbs {
		fmt.Fprintln(&out, fmt.Errorf(verb, value)) // Sprintf has no %w
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("printed", "value", value)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("printed", "value", value)
	text, err := json.Marshal(value)
	fmt.Fprintf(&out, "%s %v\n", text, err)
	return out.String()
}

// everywhere prints a value, a pointer to it, and what it points to. It prints each of them alone, in
// a struct, in a list, and in a map.
func everywhere(value any) string {
	v := reflect.ValueOf(value)
	pointer := reflect.New(v.Type())
	pointer.Elem().Set(v)
	alone := []any{value, pointer.Interface()}
	if v.Kind() == reflect.Pointer {
		alone = append(alone, v.Elem().Interface())
	}
	type exported struct{ V any }
	type unexported struct{ v any } // fmt does not call the methods of v
	var out strings.Builder
	for _, v := range alone {
		for _, place := range []any{v, exported{v}, &exported{v}, unexported{v}, &unexported{v}, []any{v}, [1]any{v}, map[string]any{"v": v}} {
			out.WriteString(printed(place, everyVerb))
		}
	}
	return out.String()
}

// formsOf returns the forms in which a key, or a part of it, may be printed. A string has the key's
// bytes; each part is six of them. A *big.Int is a private key that is a number; each part is two of
// the words in which math/big keeps it.
func formsOf(key any) (forms []string) {
	add := func(part any) {
		for _, verb := range valueVerbs {
			text := fmt.Sprintf(verb, part)
			for _, around := range []string{"[]byte{", "[]big.Word{", "[", "}", "]", `"`} {
				text = strings.TrimSuffix(strings.TrimPrefix(text, around), around)
			}
			forms = append(forms, text, strings.ReplaceAll(text, " ", ",")) // a list as JSON
		}
	}
	switch key := key.(type) {
	case string:
		for i := 0; i+6 <= len(key); i += 4 { // covers all three alignments of base64
			window := []byte(key[i : i+6])
			add(window)
			forms = append(forms, base64.StdEncoding.EncodeToString(window), base64.URLEncoding.EncodeToString(window))
		}
	case *big.Int:
		add(key)
		for words := range slices.Chunk(key.Bits(), 2) {
			add(words)
		}
		forms = append(forms, formsOf(string(key.Bytes()))...)
	default:
		panic(fmt.Sprintf("a %T is not a key", key))
	}
	return slices.DeleteFunc(forms, func(form string) bool { return strings.Contains(form, "\uFFFD") }) // %c of a number that is not a character
}

// Leaks returns the names of the values that print a part of a key, each with the printed form.
func Leaks(values map[string]any, keys ...any) map[string]string {
	var forms, pairs []string
	for _, key := range keys {
		forms = append(forms, formsOf(key)...)
	}
	for _, form := range forms {
		pairs = append(pairs, form, "KEY")
	}
	replacer := strings.NewReplacer(pairs...) // looks for all forms at once
	leaks := map[string]string{}
	for name, value := range values {
		if text := everywhere(value); replacer.Replace(text) != text {
			leaks[name] = forms[slices.IndexFunc(forms, func(form string) bool { return strings.Contains(text, form) })]
		}
	}
	return leaks
}

// CheckPrints checks that no value prints a key, alone or inside other values. Where fmt, slog, and
// encoding/json call methods, a value must print as "[redacted]", unless it is a func, an error, or a
// Platform, which is plain data. The names of the values are as [CheckCreated] expects.
func CheckPrints(t *testing.T, values map[string]any, keys ...any) {
	t.Helper()
	for name, form := range Leaks(values, keys...) {
		t.Errorf("%s, a %T, prints a key as %q", name, values[name], form)
	}
	for name, value := range values {
		switch value.(type) {
		case error, docslogin.Platform:
			continue
		}
		inJSON, err := json.Marshal(value)
		got := fmt.Sprintf("%v %+v %#v %s %q %x %d %s %v", value, value, value, value, value, value, value, inJSON, slog.AnyValue(value).Resolve())
		if reflect.TypeOf(value).Kind() != reflect.Func && (got != strings.Repeat("[redacted] ", 7)+`"[redacted]" [redacted]` || err != nil) {
			t.Errorf("%s, a %T, prints %s, %v", name, value, got, err)
		}
	}
}

// CheckCreated checks that the values cover what the module at dir exports: every type, and every
// func or method with a result other than a bool, int, string, or error. A value covers its type and
// its name, such as "webhook.ReadMe" or "webhook.ReadMe: rotated". The names in holdNoKey, separated
// by spaces, need no value.
func CheckCreated(t *testing.T, dir string, values map[string]any, holdNoKey ...string) {
	t.Helper()
	known := map[string]bool{}
	for name, value := range values {
		name, _, _ = strings.Cut(name, ":")
		known[name] = true
		known[strings.TrimPrefix(reflect.TypeOf(value).String(), "*")] = true
	}
	for _, names := range holdNoKey {
		for name := range strings.FieldsSeq(names) {
			known[name] = true
		}
	}
	found := exported(t, dir)
	for _, name := range found {
		if !known[name] {
			t.Errorf("%s has no value; create one, or add the name to holdNoKey", name)
		}
	}
	for _, names := range holdNoKey {
		for name := range strings.FieldsSeq(names) {
			if !slices.Contains(found, name) {
				t.Errorf("%s no longer exists; remove the name from holdNoKey", name)
			}
		}
	}
}

// exported returns the names of the types, funcs, and methods that CheckCreated checks.
func exported(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			_, err := os.Stat(filepath.Join(path, "go.mod"))
			if path != dir && (err == nil || entry.Name() == "internal" || entry.Name() == "testdata" || entry.Name()[0] == '.') {
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err == nil && file.Name.Name != "main" {
			for _, name := range exportedBy(file) {
				names = append(names, file.Name.Name+"."+name)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func exportedBy(file *ast.File) (names []string) {
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				if spec, ok := spec.(*ast.TypeSpec); ok && spec.Name.IsExported() {
					names = append(names, spec.Name.Name)
				}
			}
		case *ast.FuncDecl:
			name := decl.Name.Name
			if decl.Recv != nil {
				name = receiver(decl) + "." + name
			}
			if ast.IsExported(name) && decl.Name.IsExported() && returnsMore(decl) {
				names = append(names, name)
			}
		}
	}
	return names
}

// receiver returns the name of a method's type.
func receiver(method *ast.FuncDecl) string {
	receiver := method.Recv.List[0].Type
	if pointer, ok := receiver.(*ast.StarExpr); ok {
		receiver = pointer.X
	}
	return receiver.(*ast.Ident).Name
}

// returnsMore reports whether a func has a result other than a bool, int, string, or error.
func returnsMore(f *ast.FuncDecl) bool {
	return f.Type.Results != nil && slices.ContainsFunc(f.Type.Results.List, func(result *ast.Field) bool {
		name, ok := result.Type.(*ast.Ident)
		return !ok || !slices.Contains([]string{"bool", "int", "string", "error"}, name.Name)
	})
}
