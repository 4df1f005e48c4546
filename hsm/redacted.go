package hsm

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted makes a type that embeds it print as "[redacted]" with fmt, slog, and encoding/json. These
// packages call no methods on an unexported field of another struct, so a type that holds a key or a
// PIN must also keep it in a closure.
type redacted struct{}

// Format implements [fmt.Formatter].
func (redacted) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }

// LogValue implements [slog.LogValuer].
func (redacted) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// MarshalText implements [encoding.TextMarshaler], which encoding/json also uses.
func (redacted) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }
