// Package platforms has a preset for each docs platform. A preset is a function that returns a
// [docslogin.Platform]: what the platform expects of a login, and what its docs learn about a user.
//
// On every platform, a [docslogin.User] needs an ID, a Name, or an Email. Attributes and Values that
// are sent must not contain, at any depth, the name __proto__, or the name constructor for an object
// that contains prototype. In JavaScript, these names could set claims that the app did not set.
//
// [docslogin.New] reports an invalid argument of a preset. You can change a preset's result before
// you pass it to New, for example to set Static["iss"] or DeepLink.Origins.
package platforms

import (
	"fmt"
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
