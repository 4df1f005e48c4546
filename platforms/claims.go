// Package platforms has a preset for each docs platform. A preset is a function that returns a
// [docslogin.Platform]: what the platform expects of a login, and what its docs learn about a user.
//
// On every platform, a [docslogin.User] needs an ID, a Name, or an Email. Attributes and Values that
// are sent must not contain, at any depth, the name __proto__, or the name constructor for an object
// that contains prototype. In JavaScript, these names could set claims that the app did not set.
//
// A mapper of the app can send what a preset does not send: see [docslogin.WithClaimsMapper]. If a preset
// does not send APIKeys, it does not send their Header and their Values either.
//
// [docslogin.New] reports an invalid argument of a preset. You can change a preset's result before
// you pass it to New, for example to set Static["iss"] or DeepLink.Origins.
package platforms

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/jsonvalue"
	"github.com/docslogin/docslogin/internal/visible"
)

// setString sets a claim unless the value is empty.
func setString(claims docslogin.Claims, name, value string) {
	if value != "" {
		claims[name] = value
	}
}

// setObject sets a claim unless the object is empty.
func setObject(claims docslogin.Claims, name string, object docslogin.Claims) {
	if len(object) > 0 {
		claims[name] = object
	}
}

// setGroups sets a claim to the user's groups, unless there are none.
func setGroups(claims docslogin.Claims, name string, user *docslogin.User) {
	if len(user.Groups) > 0 {
		claims[name] = slices.Clone(user.Groups)
	}
}

// addPerson sets name and email and adds the attributes.
func addPerson(claims docslogin.Claims, user *docslogin.User) error {
	setString(claims, "name", user.Name)
	setString(claims, "email", user.Email)
	return addValues(claims, "attribute", user.Attributes, "name", "email")
}

// addValues adds values that the app may not fully control. It rejects names that already have a
// meaning. It leaves out values that are not set.
func addValues(claims docslogin.Claims, what string, values map[string]any, reserved ...string) error {
	for name, value := range values {
		if slices.Contains(reserved, name) {
			return fmt.Errorf("docslogin: the %s %q would set a claim that has a meaning of its own; rename it, or set the claim in your own mapper", what, name)
		}
		copied, err := jsonvalue.Copy(value) // so that a mapper that changes it does not change the app's user
		if err != nil {
			return fmt.Errorf("docslogin: the %s %q, %w", what, name, err)
		}
		if err := checkPrototype(what, name, copied); err != nil {
			return err
		}
		if copied == nil {
			continue
		}
		if _, taken := claims[name]; taken {
			return fmt.Errorf("docslogin: the %s %q would set a claim that another field of the user has set; rename one of them", what, name)
		}
		claims[name] = copied
	}
	return nil
}

// checkPrototype returns an error if name, or a name inside value, can change an object's prototype in
// JavaScript. Docs that merge objects could then read claims from the prototype, such as a privilege.
// value must be as encoding/json decodes it.
func checkPrototype(what, name string, value any) error {
	if found := prototypeName(name, value); found != "" {
		return fmt.Errorf("docslogin: the %s %q contains the name %q, which can change an object's prototype in JavaScript; use another name", what, name, found)
	}
	return nil
}

// prototypeName returns a name at any depth that can change a prototype, or "".
func prototypeName(name string, value any) string {
	for _, never := range []string{"__proto__", "constructor.prototype", "constructor[prototype"} {
		if strings.Contains(name, never) { // some libraries read "__proto__.a" and "b[__proto__]" as a path
			return never
		}
	}
	object, _ := value.(map[string]any)
	if _, found := object["prototype"]; found && name == "constructor" {
		return "constructor.prototype"
	}
	for name, member := range object {
		if found := prototypeName(name, member); found != "" {
			return found
		}
	}
	list, _ := value.([]any)
	for _, element := range list {
		if found := prototypeName("", element); found != "" {
			return found
		}
	}
	return ""
}

// checkNames returns an error unless each of several API keys has a unique Name, by which the reader
// chooses it. It ignores keys for which isShown returns false.
func checkNames(platform string, keys []docslogin.APIKey, isShown func(docslogin.APIKey) bool) error {
	names := map[string]bool{}
	for i, key := range keys {
		if !isShown(key) {
			continue
		}
		if names[key.Name] || visible.IsBlank(key.Name) {
			return fmt.Errorf("docslogin: API key %d of %d has no unique Name; %s needs a different Name for each of several keys", i+1, len(keys), platform)
		}
		names[key.Name] = true
	}
	return nil
}

// inputsOf returns what docs fill into requests from the user's API keys: headers, and all Values as text.
// A header comes from a Key that has a Header, from authorization, or from a value whose name is a valid
// header name. If several set the same header, the first API key takes precedence, and within it this order.
func inputsOf(keys []docslogin.APIKey, authorization func(docslogin.APIKey) string) (headers, values docslogin.Claims, err error) {
	headers = docslogin.Claims{}
	taken := map[string]bool{} // header names ignore case (RFC 9110, section 5.1)
	set := func(name, text string) {
		if canonical := http.CanonicalHeaderKey(name); text != "" && !taken[canonical] {
			headers[name], taken[canonical] = text, true
		}
	}
	for i, key := range keys {
		if key.Header != "" && key.Key != "" {
			if !isHeaderName(key.Header) {
				return nil, nil, fmt.Errorf("docslogin: the Header of API key %d of %d is not a valid header name; use a name such as X-Api-Key, and put the credential into Key", i+1, len(keys))
			}
			set(key.Header, key.Key)
		}
		set("Authorization", authorization(key))
		if len(key.Values) == 0 {
			continue
		}
		texts, err := textValues(key)
		if err != nil {
			return nil, nil, err
		}
		if values == nil {
			values = docslogin.Claims{}
		}
		for _, name := range slices.Sorted(maps.Keys(texts)) {
			text := texts[name].(string)
			if isHeaderName(name) {
				set(name, text)
			}
			if _, taken := values[name]; !taken && name != "" {
				values[name] = text
			}
		}
	}
	return headers, values, nil
}

// textValues returns the Values of an API key as text. It leaves out objects and lists.
func textValues(key docslogin.APIKey) (docslogin.Claims, error) {
	values := docslogin.Claims{}
	if err := addValues(values, "API key's value", key.Values); err != nil {
		return nil, err
	}
	for name, value := range values {
		switch value.(type) {
		case string:
		case map[string]any, []any:
			delete(values, name)
		default: // a number or a bool; fmt would write 12345678.0 as 1.2345678e+07
			text, _ := json.Marshal(value)
			values[name] = string(text)
		}
	}
	return values, nil
}

// isBearer reports whether an API key has a Key and no Header.
func isBearer(key docslogin.APIKey) bool { return key.Key != "" && key.Header == "" }

// isHeaderName reports whether name is a valid header name, which is a token (RFC 9110, sections 5.1 and
// 5.6.2). It rejects a name that can change a prototype in JavaScript.
func isHeaderName(name string) bool {
	isOther := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", c)
	}
	return name != "" && !strings.ContainsFunc(name, isOther) && prototypeName(name, nil) == ""
}
