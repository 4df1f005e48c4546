// Package jsonvalue decides what docs get for a Go value of the app. The JSON of encoding/json is
// often not what the app means: base64 for a []byte, {"String":"pro","Valid":true} for a
// sql.NullString, nanoseconds for a time.Duration. Such a value is converted if its meaning is clear.
// Otherwise, it is an error.
package jsonvalue

import (
	"bytes"
	"cmp"
	"database/sql/driver"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/docslogin/docslogin/internal/visible"
)

// Convert returns the value whose JSON docs get for value. If that is value itself, changed is false,
// and nothing is copied. If nothing is set, such as for a nil pointer, a zero time.Time, or
// a NULL of package database/sql, sent is nil and changed is true. The caller leaves such a value out.
//
// The text of an error follows the name of the value: "a time.Duration, would be sent as …". It names
// types, and the path to a nested value, but never shows a value or the name of a nested member, which
// may be a user's.
func Convert(value any) (sent any, changed bool, err error) {
	sent, changed, err = convert(value, 0)
	return sent, changed, describe(value, err)
}

// Copy returns a value that has the JSON of Convert and shares nothing with value: a string, a bool, a
// number, nil, a map[string]any, or a []any of these. It returns nil if nothing is set.
func Copy(value any) (copied any, err error) {
	sent, _, err := Convert(value)
	if err != nil {
		return nil, err
	}
	switch sent.(type) {
	case nil, bool, string, int, int64, float64: // the usual types, whose values cannot be changed
		return sent, nil
	}
	text, err := json.Marshal(sent)
	if err != nil {
		return nil, describe(value, errNoJSON) // the text of encoding/json may quote the value
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // keeps all digits of a 64-bit number
	err = d.Decode(&copied)
	return copied, err
}

// ConvertAll converts the values of an object in place, and removes those that are not set. Its error
// begins with the quoted name of the value.
func ConvertAll(object map[string]any) error {
	for name, value := range object {
		sent, changed, err := Convert(value)
		switch {
		case err != nil:
			return fmt.Errorf("%q, %w", name, err)
		case changed && sent == nil:
			delete(object, name)
		case changed:
			object[name] = sent
		}
	}
	return nil
}

// Marshal returns an object as JSON. Its error begins with the quoted name of the value that cannot be
// encoded. It omits the text of encoding/json, which may quote the value.
func Marshal(object map[string]any) ([]byte, error) {
	text, err := json.Marshal(object)
	if err == nil {
		return text, nil
	}
	for name, value := range object {
		if _, err := json.Marshal(value); err != nil {
			return nil, fmt.Errorf("%q, %w", name, describe(value, errNoJSON))
		}
	}
	return nil, errNoJSON
}

// MarshalEach returns a copy of object in which each value is its JSON, as a json.RawMessage, so that later
// changes by the caller have no effect. The caller must have checked each value with [Copy].
func MarshalEach(object map[string]any) map[string]any {
	marshaled := make(map[string]any, len(object))
	for name, value := range object {
		copied, _ := Copy(value)
		text, _ := json.Marshal(copied)
		marshaled[name] = json.RawMessage(text)
	}
	return marshaled
}

// IsEmpty reports whether the JSON of a value is null, a blank string, or an object or a list without
// members.
func IsEmpty(value any) bool {
	if text, isText := value.(string); isText {
		return visible.IsBlank(text)
	}
	encoded, _ := json.Marshal(value) // Marshal reports the error
	var text string
	if json.Unmarshal(encoded, &text) == nil { // null, or a string of another type
		return visible.IsBlank(text)
	}
	return string(encoded) == "[]" || string(encoded) == "{}"
}

// Largest names the three largest values of an object, with the sizes of their JSON.
func Largest(object map[string]any) string {
	sizes := map[string]int{}
	for name, value := range object {
		text, _ := json.Marshal(value)
		sizes[name] = len(text)
	}
	names := slices.SortedFunc(maps.Keys(sizes), func(a, b string) int {
		return cmp.Or(cmp.Compare(sizes[b], sizes[a]), cmp.Compare(a, b))
	})
	var list []string
	for _, name := range names[:min(3, len(names))] {
		list = append(list, fmt.Sprintf("%s (%d bytes)", name, sizes[name]))
	}
	return strings.Join(list, ", ")
}

// nestedError is an error about a value inside another one.
type nestedError struct {
	path   string
	typ    reflect.Type
	reason error
}

func (e *nestedError) Error() string {
	return fmt.Sprintf("contains a %v at %s, which %v", e.typ, e.path, e.reason)
}

// What is wrong with a value. Each text follows the value's type.
var (
	errNoJSON     = errors.New("cannot be written as JSON")
	errDuration   = errors.New("would be sent as nanoseconds; pass d.String() or d.Seconds()")
	errBinary     = errors.New("is not text and would be sent as base64; pass a string, such as its hexadecimal form")
	errByteArray  = errors.New("would be sent as a list of numbers; pass a string, such as its hexadecimal form")
	errURL        = errors.New("would be sent as an object with its parts; pass u.String()")
	errError      = errors.New("is an error, whose text would not be sent; pass err.Error()")
	errProto      = errors.New("is a protobuf message, whose JSON only protojson writes; pass what the docs should show, or a json.RawMessage of it")
	errNoFields   = errors.New("would be sent as {}, because it has no exported fields; pass what the docs should show, such as a string")
	errValue      = errors.New("cannot be written as JSON, because its method Value returns an error")
	errValuePanic = errors.New("cannot be written as JSON, because its method Value panics")
)

// describe adds the type of the whole value to an error.
func describe(value any, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("a %T, %w", value, err)
}

// at adds a step to the path of an error about a nested value.
func at(step string, v reflect.Value, err error) error {
	if err == errTooDeep {
		return err
	}
	if nested, ok := err.(*nestedError); ok {
		nested.path = step + nested.path
		return nested
	}
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	return &nestedError{path: step, typ: v.Type(), reason: err}
}

// maxDepth limits the recursion. encoding/json rejects a value that contains itself, too.
const maxDepth = 500

var errNotUTF8 = errors.New("is not valid UTF-8; convert it from its encoding")

// errTooDeep is errNoJSON without a path, which would be long.
var errTooDeep = errors.New("cannot be written as JSON")

// convert handles the usual types without allocations. If the value does not change, sent is the value.
func convert(value any, depth int) (sent any, changed bool, err error) {
	if depth > maxDepth {
		return nil, false, errTooDeep
	}
	switch typed := value.(type) {
	case nil, bool, int, int64, json.Number:
		return value, false, nil
	case string:
		return value, false, checkText(typed)
	case time.Time:
		if typed.IsZero() { // not set, as in an empty column
			return nil, true, nil
		}
		return value, false, nil
	case []string:
		for i, text := range typed {
			if err := checkText(text); err != nil {
				return nil, false, at(fmt.Sprintf("[%d]", i), reflect.ValueOf(text), err)
			}
		}
		if typed != nil {
			return value, false, nil
		}
	case map[string]any:
		return convertObject(value, typed, depth)
	}
	sent, changed, err = convertReflected(reflect.ValueOf(value), depth)
	if !changed {
		sent = value
	}
	return sent, changed, err
}

// checkText returns an error for a string from which encoding/json would silently drop bytes. Two names
// or e-mail addresses could then become the same.
func checkText(text string) error {
	if utf8.ValidString(text) {
		return nil
	}
	return errNotUTF8
}

// convertObject converts the members of an object, which value holds.
func convertObject(value any, object map[string]any, depth int) (sent any, changed bool, err error) {
	if object == nil {
		return nil, true, nil
	}
	var copied map[string]any
	for name, member := range object {
		sent, changed, err := convert(member, depth+1)
		if err != nil {
			return nil, false, at("[…]", reflect.ValueOf(member), err)
		}
		if !changed {
			continue
		}
		if copied == nil {
			copied = maps.Clone(object)
		}
		if copied[name] = sent; sent == nil {
			delete(copied, name)
		}
	}
	if copied == nil {
		return value, false, nil
	}
	return copied, true, nil
}

var (
	marshalerType     = reflect.TypeFor[json.Marshaler]()
	textMarshalerType = reflect.TypeFor[encoding.TextMarshaler]()
	valuerType        = reflect.TypeFor[driver.Valuer]()
	protoType         = reflect.TypeFor[interface{ ProtoMessage() }]()
	errorType         = reflect.TypeFor[error]()
	objectType        = reflect.TypeFor[map[string]any]()
	anyType           = reflect.TypeFor[any]()
	timeType          = reflect.TypeFor[time.Time]()
)

// implements reports whether a type, or only a pointer to it, has the methods of an interface.
func implements(t, methods reflect.Type) bool { return reflect.PointerTo(t).Implements(methods) }

// hasJSON reports whether a type encodes itself.
func hasJSON(t reflect.Type) bool {
	return implements(t, marshalerType) || implements(t, textMarshalerType)
}

// withMethods returns a value together with the methods that its pointer may have. encoding/json uses
// these, too, but only for a value that is addressable.
func withMethods(v reflect.Value) any {
	if v.CanAddr() {
		return v.Addr().Interface()
	}
	pointer := reflect.New(v.Type())
	pointer.Elem().Set(v)
	return pointer.Interface()
}

// convertReflected is convert for any type. If the value does not change, sent has no meaning.
func convertReflected(v reflect.Value, depth int) (sent any, changed bool, err error) {
	if depth > maxDepth {
		return nil, false, errTooDeep
	}
	switch v.Kind() {
	case reflect.Interface:
		if v.IsNil() {
			return nil, false, nil
		}
		return convert(v.Elem().Interface(), depth+1)
	case reflect.Pointer:
		if v.IsNil() {
			return nil, true, nil
		}
		return convertReflected(v.Elem(), depth+1)
	}
	t := v.Type()
	if t == timeType && v.CanInterface() && v.Interface().(time.Time).IsZero() { // not set, as in an empty column
		return nil, true, nil
	}
	switch isValuer := implements(t, valuerType); {
	case hasJSON(t):
		return convertMarshaler(v, isValuer)
	case isNull(t):
		if !v.FieldByName("Valid").Bool() {
			return nil, true, nil
		}
		sent, changed, err = convertReflected(v.FieldByName("V"), depth+1)
		if !changed {
			sent = withMethods(v.FieldByName("V"))
		}
		return sent, true, err
	case isValuer && isScalar(t):
		return convertValuer(withMethods(v).(driver.Valuer), depth)
	case t == reflect.TypeFor[time.Duration]():
		return nil, false, errDuration
	case t == reflect.TypeFor[url.URL]():
		return nil, false, errURL
	case implements(t, protoType):
		return nil, false, errProto
	case implements(t, errorType):
		return nil, false, errError
	}
	return convertKind(v, depth)
}

// isNull reports whether a type is a sql.Null. Its method Value converts a time.Duration to an int64, and
// fails for a list.
func isNull(t reflect.Type) bool {
	return t.PkgPath() == "database/sql" && strings.HasPrefix(t.Name(), "Null[")
}

// isScalar reports whether docs may show the value that a type gives to databases. For a list or an
// object, that is a text such as {a,b}, which is not JSON.
func isScalar(t reflect.Type) bool {
	return !isContainer(t) || t.Kind() == reflect.Array && isBytes(t)
}

func isContainer(t reflect.Type) bool {
	return t.Kind() == reflect.Slice || t.Kind() == reflect.Array || t.Kind() == reflect.Map
}

// convertMarshaler keeps the JSON of a value that encodes itself. A NULL of the database is not set.
func convertMarshaler(v reflect.Value, isValuer bool) (sent any, changed bool, err error) {
	if isValuer {
		text, err := json.Marshal(withMethods(v))
		if err != nil {
			return nil, false, errNoJSON
		}
		if string(text) == "null" {
			return nil, true, nil
		}
	}
	hasMethods := v.Type().Implements(marshalerType) || v.Type().Implements(textMarshalerType)
	if hasMethods || v.CanAddr() {
		return nil, false, nil
	}
	return withMethods(v), true, nil
}

// convertValuer converts the value that a type gives to databases.
func convertValuer(valuer driver.Valuer, depth int) (sent any, changed bool, err error) {
	value, err := valueOf(valuer)
	if err != nil {
		return nil, false, err
	}
	sent, _, err = convert(value, depth+1)
	return sent, true, err
}

func valueOf(valuer driver.Valuer) (value any, err error) {
	defer func() {
		if recover() != nil {
			err = errValuePanic
		}
	}()
	value, err = valuer.Value()
	if err != nil {
		return nil, errValue // whose own text may quote the value
	}
	return value, nil
}

// convertKind converts a value that has no methods of its own for it.
func convertKind(v reflect.Value, depth int) (sent any, changed bool, err error) {
	switch v.Kind() {
	case reflect.Float32, reflect.Float64:
		if math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0) {
			return nil, false, errNoJSON
		}
		return nil, false, nil
	case reflect.String:
		return nil, false, checkText(v.String())
	case reflect.Slice:
		if v.IsNil() {
			return nil, true, nil
		}
		if isBytes(v.Type()) {
			return convertBytes(v.Bytes())
		}
		return convertList(v, depth)
	case reflect.Array:
		if isBytes(v.Type()) {
			return nil, false, errByteArray
		}
		return convertList(v, depth)
	case reflect.Map:
		return convertMap(v, depth)
	case reflect.Struct:
		return convertStruct(v, depth)
	case reflect.Func, reflect.Chan, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		return nil, false, errNoJSON
	}
	return nil, false, nil // a bool or an integer
}

func isBytes(t reflect.Type) bool { return t.Elem().Kind() == reflect.Uint8 && !hasJSON(t.Elem()) }

// convertBytes returns bytes as text. Bytes with control characters are not text, even if they are
// valid UTF-8, such as the one byte of MySQL's type BIT(1).
func convertBytes(b []byte) (sent any, changed bool, err error) {
	isControl := func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\t\r\n", r) }
	if !utf8.Valid(b) || bytes.ContainsFunc(b, isControl) {
		return nil, false, errBinary
	}
	return string(b), true, nil
}

// convertList converts the elements of a slice or an array. An element that is not set becomes null, so
// that the others keep their places.
func convertList(v reflect.Value, depth int) (sent any, changed bool, err error) {
	var copied []any
	for i := range v.Len() {
		sent, changed, err := convertReflected(v.Index(i), depth+1)
		if err != nil {
			return nil, false, at(fmt.Sprintf("[%d]", i), v.Index(i), err)
		}
		if !changed {
			continue
		}
		if copied == nil {
			copied = make([]any, v.Len())
			for j := range copied {
				copied[j] = withMethods(v.Index(j))
			}
		}
		copied[i] = sent
	}
	return copied, copied != nil, nil
}

// convertMap converts the members of a map of any type. It leaves the names to encoding/json.
func convertMap(v reflect.Value, depth int) (sent any, changed bool, err error) {
	if v.Type().ConvertibleTo(objectType) {
		object := reflect.ValueOf(v.Interface()).Convert(objectType).Interface()
		return convertObject(object, object.(map[string]any), depth)
	}
	if v.IsNil() {
		return nil, true, nil
	}
	copied := reflect.MakeMapWithSize(reflect.MapOf(v.Type().Key(), anyType), v.Len())
	for members := v.MapRange(); members.Next(); {
		name, member := members.Key(), members.Value()
		sent, isChanged, err := convertReflected(member, depth+1)
		if err != nil {
			return nil, false, at("[…]", member, err)
		}
		if !isChanged {
			sent = withMethods(member)
		}
		if sent != nil {
			copied.SetMapIndex(name, reflect.ValueOf(sent))
		}
		changed = changed || isChanged
	}
	return copied.Interface(), changed, nil
}
