package rules

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
)

// A Claim is a claim with the type that the platform expects.
type Claim struct {
	Name string
	Type Type
}

// A Type is the type that a claim's value must have.
type Type struct {
	name    string // completes "is not …"
	is      func(v any) bool
	members []Claim // members of an object, each checked if present
}

// The types that platforms document.
var (
	anything          = Type{name: "there", is: func(any) bool { return true }} // for claims whose type is not documented
	aString           = Type{name: "a string", is: is[string]}
	aBool             = Type{name: "true or false", is: is[bool]}
	anObject          = objectOf()
	anObjectOfStrings = objectOfEach("an object of strings", aString)
	aStringOrInteger  = Type{name: "a string or an integer", is: func(v any) bool { return is[string](v) || isInteger(v) }}
	aList             = Type{name: "a list", is: is[[]any]}
	aListOfStrings    = Type{name: "a list of strings", is: listOf(is[string])}
	aListOfObjects    = Type{name: "a list of objects", is: listOf(is[map[string]any])}
)

// objectOf returns the type of an object whose members have types, if they are present.
func objectOf(members ...Claim) Type {
	return Type{name: "an object", is: is[map[string]any], members: members}
}

// objectOfEach returns the type of an object whose members all have the type t.
func objectOfEach(name string, t Type) Type {
	return Type{name: name, is: func(v any) bool {
		object, ok := v.(map[string]any)
		for _, member := range object {
			ok = ok && t.fits(member)
		}
		return ok
	}}
}

// fits reports whether a value has the type t, and its members have theirs.
func (t Type) fits(v any) bool {
	ok := t.is(v)
	object, _ := v.(map[string]any)
	for _, c := range t.members {
		member, there := object[c.Name]
		ok = ok && (!there || c.Type.fits(member))
	}
	return ok
}

func is[T any](v any) bool {
	_, ok := v.(T)
	return ok
}

func listOf(is func(any) bool) func(any) bool {
	return func(v any) bool {
		list, ok := v.([]any)
		for _, e := range list {
			ok = ok && is(e)
		}
		return ok
	}
}

func isInteger(v any) bool {
	number, _ := v.(json.Number)
	_, err := number.Int64()
	return err == nil
}

// checkClaims checks the types of the claims, or of an object's members, that are present.
func checkClaims(prefix string, object map[string]any, claims []Claim) []Finding {
	var out []Finding
	for _, c := range claims {
		v, ok := object[c.Name]
		if !ok {
			continue
		}
		c.Name = prefix + c.Name
		out = append(out, c.check(v))
		members, _ := v.(map[string]any)
		out = append(out, checkClaims(c.Name+".", members, c.Type.members)...)
	}
	return out
}

func (c Claim) check(v any) Finding {
	if c.Type.is(v) {
		return pass(c.Name, c.Name+" is "+c.Type.name+".")
	}
	return fail(c.Name, c.Name+" is not "+c.Type.name+".", "Send "+c.Name+" as "+c.Type.name+", or not at all.")
}

func checkHost(name string, v any, host string) Finding {
	fix := "Set " + name + " to the host that the browser shows for the docs, in lower case, without scheme and port."
	s, _ := v.(string)
	switch {
	case v == nil:
		return fail(name, "The token has no "+name+".", fix)
	case s == "":
		return fail(name, name+" is not a string with a host.", fix)
	case host == "":
		return pass(name, name+" is there.")
	case s != host:
		return fail(name, fmt.Sprintf("%s is %.100q, but the docs were visited at %q.", name, s, host), fix)
	}
	return pass(name, fmt.Sprintf("%s is %q, where the docs were visited.", name, host))
}

func checkIssuer(v any, want string) Finding {
	if v == nil {
		return fail("iss", "The token has no iss.", "Set iss to "+want+".")
	}
	if v != want {
		return fail("iss", "iss is not "+want+", the issuer that was agreed upon.", "Set iss to "+want+".")
	}
	return pass("iss", "iss is "+want+".")
}

func checkRequired(name string, v any) Finding {
	fix := "Send " + name + " as a string for every user."
	s, ok := v.(string)
	switch {
	case v == nil:
		return fail(name, "The token has no "+name+".", fix)
	case !ok:
		return fail(name, name+" is not a string.", fix)
	case strings.TrimSpace(s) == "":
		return fail(name, name+" is empty.", fix)
	}
	return pass(name, name+" is there.")
}

func checkVersion(v any, want string) Finding {
	fix := "Send version as the number " + want + "."
	n, ok := v.(json.Number)
	switch {
	case v == nil:
		return fail("version", "The token has no version.", fix)
	case !ok:
		return fail("version", "version is not a number.", fix)
	case n.String() != want && strings.TrimSuffix(n.String(), ".0") != want:
		return fail("version", "version is not "+want+".", fix)
	}
	return pass("version", "version is "+want+".")
}

// checkSpelling warns about names that differ from a known claim only in case and separators.
// Platforms treat them as claims of the app, or ignore them.
func (p Platform) checkSpelling(claims map[string]any) []Finding {
	known := append([]string{"exp", "iat", "nbf", "jti", p.HostClaim, p.SessionClaim}, p.Required...)
	if p.Version != "" {
		known = append(known, "version")
	}
	if p.Issuer != "" {
		known = append(known, "iss")
	}
	for _, c := range p.Claims {
		known = append(known, c.Name)
	}
	meant := map[string]string{}
	for _, name := range known {
		meant[normalizeName(name)] = name
	}
	var out []Finding
	for name := range claims {
		if m := meant[normalizeName(name)]; m != "" && m != name {
			out = append(out, warn("spelling", fmt.Sprintf("%.40q is not a claim of %s.", name, p.Name), "Call it "+m+"."))
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Why < out[j].Why })
	return out
}

var separators = strings.NewReplacer("_", "", "-", "", " ", "")

func normalizeName(name string) string { return strings.ToLower(separators.Replace(name)) }
