package e2e_test

import (
	"testing"

	"github.com/docslogin/docslogin/e2e/internal/judge"
)

var node = judge.New("judge.mjs")

// ask sends a request to judge.mjs and decodes its answer.
func ask[Answer any](t *testing.T, op string, request map[string]any) Answer {
	t.Helper()
	return judge.Ask[Answer](t, node, op, request)
}
