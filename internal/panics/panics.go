// Package panics turns a panic in one of the app's own functions into an error.
package panics

import (
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
)

// Error is the error for a panic. Create one with [New].
type Error struct {
	error
	Stack []byte
}

// New returns the error for v, the value of a panic. If v is an error, New wraps it. If v is a string,
// the error has that text. Otherwise, the error names only the type of v, because v may be a user. Call
// New in a deferred function, so that Stack contains the stack of the panic.
func New(v any) *Error {
	err, ok := v.(error)
	switch text := reflect.ValueOf(v); {
	case ok:
	case text.Kind() == reflect.String:
		err = errors.New(text.String())
	default:
		err = fmt.Errorf("a value of type %T", v)
	}
	return &Error{err, debug.Stack()}
}

// Unwrap returns the value of the panic if it is an error. Otherwise, it returns an error with the same
// text as e.
func (e *Error) Unwrap() error { return e.error }

// Catch calls f and returns the value that it panics with, or nil.
func Catch(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}
