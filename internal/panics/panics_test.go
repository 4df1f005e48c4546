package panics_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/docslogin/docslogin/internal/panics"
)

// text is a string type.
type text string

// user is a value that an error must not show.
type user struct{ name string }

var errDown = errors.New("the database is down")

func TestNew(t *testing.T) {
	for _, tt := range []struct {
		name    string
		value   any
		message string
		wraps   error
	}{
		{"an error", errDown, "the database is down", errDown},
		{"a string", "no session data in context", "no session data in context", nil},
		{"another type of string", text("no session data"), "no session data", nil},
		{"a user", &user{"Ada"}, "a value of type *panics_test.user", nil},
		{"a number", 7, "a value of type int", nil},
	} {
		err := panics.New(tt.value)
		if err.Error() != tt.message || errors.Unwrap(err).Error() != tt.message || tt.wraps != nil && !errors.Is(err, tt.wraps) {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}

// fails is in the stack of its panic.
func fails() { panic("x") }

func TestTheStackIsThatOfThePanic(t *testing.T) {
	defer func() {
		if stack := string(panics.New(recover()).Stack); !strings.Contains(stack, "panics_test.fails(") {
			t.Errorf("the stack is %s", stack)
		}
	}()
	fails()
}

func TestCatch(t *testing.T) {
	called := false
	if v := panics.Catch(func() { called = true }); v != nil || !called {
		t.Errorf("without a panic: %v, called: %v", v, called)
	}
	if v := panics.Catch(func() { panic(errDown) }); v != errDown {
		t.Errorf("with a panic: %v", v)
	}
}
