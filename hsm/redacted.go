package hsm

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted is embedded in a type that holds a key or a PIN. Values of the type then print as
// "[redacted]" wherever fmt, slog, and encoding/json call methods. They call none for an unexported
// field of another struct, so the type must also keep its secret in a closure.
type redacted struct{}

// Format implements [fmt.Formatter].
func (redacted) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }

// LogValue implements [slog.LogValuer].
func (redacted) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// MarshalText implements [encoding.TextMarshaler], and so JSON.
func (redacted) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }
