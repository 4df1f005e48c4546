package keys_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/docslogin/docslogin/internal/keys"
)

func TestRedactedPrintsNothingElse(t *testing.T) {
	value := struct {
		keys.Redacted
		Text string
	}{Text: "hunter2"}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("printed", "value", value)
	inJSON, err := json.Marshal(map[string]any{"value": value})
	got := fmt.Sprintf("%v %+v %#v %s %q %x %d %s %v %s", value, value, &value, value, value, value, value, inJSON, err, log.String())
	if strings.Contains(got, "hunter2") || strings.Count(got, "[redacted]") != 9 {
		t.Error(got)
	}
}
