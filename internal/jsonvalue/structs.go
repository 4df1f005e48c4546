package jsonvalue

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// convertStruct converts the fields of a struct to an object if one of them changes.
func convertStruct(v reflect.Value, depth int) (sent any, changed bool, err error) {
	fields := fieldsOf(v.Type())
	if len(fields) == 0 {
		return nil, false, errNoFields
	}
	object := map[string]any{}
	for _, f := range fields {
		member, err := v.FieldByIndexErr(f.index)
		if err != nil || f.omits(member) { // an embedded pointer is nil, or a tag omits it
			continue
		}
		sent, isChanged, err := convertReflected(member, depth+1)
		if err != nil {
			return nil, false, at("."+f.goName, member, err)
		}
		if !isChanged {
			sent = f.unchanged(member)
		}
		if sent != nil {
			object[f.name] = sent
		}
		changed = changed || isChanged
	}
	return object, changed, nil
}

// field is a field of a struct that encoding/json writes.
type field struct {
	name, goName                  string       // name is "" for an embedded struct
	typ                           reflect.Type // without the pointer of an embedded struct
	index                         []int
	tagged                        bool
	omitEmpty, omitZero, isQuoted bool
}

// omits reports whether the field's tag omits this value.
func (f *field) omits(v reflect.Value) bool {
	if f.omitEmpty && isEmpty(v) {
		return true
	}
	if zeroer, ok := withMethods(v).(interface{ IsZero() bool }); ok && f.omitZero {
		return zeroer.IsZero()
	}
	return f.omitZero && v.IsZero()
}

// isEmpty reports whether the option "omitempty" of a tag omits a value.
func isEmpty(v reflect.Value) bool {
	if isContainer(v.Type()) {
		return v.Len() == 0
	}
	return v.Kind() != reflect.Struct && v.IsZero()
}

// unchanged returns a value as the field's tag has it.
func (f *field) unchanged(v reflect.Value) any {
	value := withMethods(v)
	if !f.isQuoted {
		return value
	}
	text, _ := json.Marshal(value) // of a bool, a string, or a number
	return string(text)
}

// fieldsOf returns the fields of a struct that encoding/json writes, by its rules for tags and for
// embedded structs.
func fieldsOf(t reflect.Type) []field {
	byName := map[string][]field{}
	visited := map[reflect.Type]bool{}
	for level := []field{{typ: t}}; len(level) > 0; {
		var next []field
		atLevel := map[string][]field{}
		for _, parent := range level {
			for _, f := range ownFields(parent) {
				if f.name == "" {
					next = append(next, f)
				} else {
					atLevel[f.name] = append(atLevel[f.name], f)
				}
			}
		}
		for name, candidates := range atLevel {
			if _, hidden := byName[name]; !hidden {
				byName[name] = candidates
			}
		}
		for _, parent := range level {
			visited[parent.typ] = true
		}
		level = slices.DeleteFunc(next, func(f field) bool { return visited[f.typ] })
	}
	var fields []field
	for _, candidates := range byName {
		if tagged := slices.DeleteFunc(slices.Clone(candidates), func(f field) bool { return !f.tagged }); len(tagged) > 0 {
			candidates = tagged
		}
		if len(candidates) == 1 { // encoding/json writes none of several
			fields = append(fields, candidates[0])
		}
	}
	return fields
}

// ownFields returns the fields of a struct, which is the type of parent. A field without a name is an
// embedded struct, whose fields are written instead.
func ownFields(parent field) (fields []field) {
	for i := range parent.typ.NumField() {
		f := parent.typ.Field(i)
		tag := f.Tag.Get("json")
		typ := f.Type
		if f.Anonymous && typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		isEmbedded := f.Anonymous && typ.Kind() == reflect.Struct
		if tag == "-" || !f.IsExported() && !isEmbedded {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		found := field{name: name, goName: f.Name, typ: typ, index: append(slices.Clip(parent.index), i), tagged: name != ""}
		if name == "" && !isEmbedded {
			found.name = f.Name
		}
		for option := range strings.SplitSeq(options, ",") {
			found.omitEmpty = found.omitEmpty || option == "omitempty"
			found.omitZero = found.omitZero || option == "omitzero"
			found.isQuoted = found.isQuoted || option == "string" && isQuotable(f.Type)
		}
		fields = append(fields, found)
	}
	return fields
}

// isQuotable reports whether the option "string" of a tag has an effect.
func isQuotable(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	k := t.Kind()
	return (k == reflect.String || k >= reflect.Bool && k <= reflect.Float64) && !hasJSON(t)
}
