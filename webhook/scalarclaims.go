package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"unicode/utf16"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/jsonvalue"
)

// The limits of Scalar's responses. Names and values are measured by length.
const (
	scalarMembers  = 100 // in groups, and in content
	scalarName     = 64  // of a member of content
	scalarInput    = 200 // of the name of an input
	scalarValue    = 4096
	scalarResponse = 64_000 - len(`"expiresAt":253402300799,`) // 64 KB, less the claim that follows the mappers
)

var scalarGroup = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$`)

// checkScalarClaims is the last mapper. It changes nothing, and returns an error for claims that Scalar
// would ignore. It checks their JSON, because the app's mappers may set any type.
func checkScalarClaims(ctx context.Context, _ *docslogin.User, claims docslogin.Claims) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	copied, err := jsonvalue.Copy(claims)
	if err != nil {
		return nil // the profile reports it, with the name of the claim
	}
	all := copied.(map[string]any)
	for _, check := range []func(map[string]any) error{checkGroups, checkContent, checkInputs, checkSize} {
		if err := check(all); err != nil {
			return fmt.Errorf("docslogin: %w; Scalar would ignore the whole response", err)
		}
	}
	return nil
}

func checkGroups(claims map[string]any) error {
	value, set := claims["groups"]
	if !set {
		return nil
	}
	groups, ok := value.([]any)
	if !ok {
		return errors.New("the claim groups is not a list")
	}
	if len(groups) > scalarMembers {
		return fmt.Errorf("there are %d groups, and Scalar accepts at most %d", len(groups), scalarMembers)
	}
	for i, group := range groups {
		if name, ok := group.(string); !ok || !scalarGroup.MatchString(name) {
			return fmt.Errorf("group %d of %d must have 1 to 64 ASCII letters, digits, or characters of _.:- and begin with a letter or digit", i+1, len(groups))
		}
	}
	return nil
}

func checkContent(claims map[string]any) error {
	content, err := objectAt(claims, "content", "the claim content")
	if err != nil {
		return err
	}
	if len(content) > scalarMembers {
		return fmt.Errorf("content has %d names, and Scalar accepts at most %d", len(content), scalarMembers)
	}
	return checkNames("content", content, scalarName)
}

func checkInputs(claims map[string]any) error {
	inputs, err := objectAt(claims, "apiPlaygroundInputs", "the claim apiPlaygroundInputs")
	if err != nil {
		return err
	}
	for _, place := range []string{"header", "query", "cookie", "path", "server"} {
		where := "apiPlaygroundInputs." + place
		values, err := objectAt(inputs, place, where)
		if err != nil {
			return err
		}
		if err := checkNames(where, values, scalarInput); err != nil {
			return err
		}
		for _, value := range values {
			text, ok := value.(string)
			if !ok {
				return fmt.Errorf("%s has a value that is not a string", where)
			}
			if n := length(text); n > scalarValue {
				return fmt.Errorf("%s has a value of %d characters, and Scalar accepts at most %d", where, n, scalarValue)
			}
		}
	}
	return nil
}

func checkSize(claims map[string]any) error {
	text, _ := json.Marshal(claims) // cannot fail: the claims are a copy made of JSON
	if len(text) > scalarResponse {
		return fmt.Errorf("the claims have %d bytes, and Scalar accepts about %d; the largest claims: %s", len(text), scalarResponse, jsonvalue.Largest(claims))
	}
	return nil
}

// objectAt returns the object of that name, or nil if there is none.
func objectAt(parent map[string]any, name, where string) (map[string]any, error) {
	value, set := parent[name]
	object, ok := value.(map[string]any)
	if set && !ok {
		return nil, fmt.Errorf("%s is not an object", where)
	}
	return object, nil
}

func checkNames(where string, object map[string]any, longest int) error {
	for name := range object {
		if n := length(name); n < 1 || n > longest {
			return fmt.Errorf("%s has a name of %d characters, and Scalar accepts 1 to %d", where, n, longest)
		}
	}
	return nil
}

// length returns the length of a text as JavaScript counts it, in UTF-16 code units.
func length(text string) int { return len(utf16.Encode([]rune(text))) }
