package keys

import (
	"fmt"
	"io"
	"log/slog"
)

// Redacted makes a type that embeds it print as "[redacted]" with fmt, slog, and encoding/json. These
// packages call no methods on an unexported field of another struct, so a type that holds a key must
// also keep it in a closure. Embed it by an unexported alias, so that it adds no exported field.
type Redacted struct{}

const redacted = "[redacted]"

// Format implements [fmt.Formatter].
func (Redacted) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue implements [slog.LogValuer].
func (Redacted) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements [encoding.TextMarshaler], which encoding/json also uses.
func (Redacted) MarshalText() ([]byte, error) { return []byte(redacted), nil }
