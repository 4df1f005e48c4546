package keys

import (
	"fmt"
	"io"
	"log/slog"
)

// Redacted is embedded in a type that holds a key. Values of the type then print as "[redacted]"
// wherever fmt, slog, and encoding/json call methods. They call none for an unexported field of
// another struct, so the type must also keep the key in a closure.
type Redacted struct{}

const redacted = "[redacted]"

// Format implements [fmt.Formatter].
func (Redacted) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue implements [slog.LogValuer].
func (Redacted) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements [encoding.TextMarshaler], and so JSON.
func (Redacted) MarshalText() ([]byte, error) { return []byte(redacted), nil }
