package vendors_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/e2e/internal/judge"
)

var packages = []string{
	"@mintlify/validation", "@readme/oas-to-har", "@readme/oas-to-snippet", "@readme/variable", "oas", "react", "react-dom", "readmeio", "typescript",
}

var node = judge.New("judge.mjs")

func TestMain(m *testing.M) {
	if missing := judge.Missing(packages...); missing != nil {
		fmt.Fprintf(os.Stderr, "e2e/vendors: missing: %s.\nRun e2e/setup, which installs the npm packages.\n", strings.Join(missing, ", "))
		os.Exit(1)
	}
	status := m.Run()
	node.Stop()
	os.Exit(status)
}

const docsURL = "https://docs.example.com"

var silent = docslogin.WithLogger(slog.New(slog.DiscardHandler))

// claimsOf returns the claims of the token for a user, as JSON.
func claimsOf(t *testing.T, platform docslogin.Platform, user *docslogin.User, opts ...docslogin.Option) map[string]any {
	t.Helper()
	nobody := func(*http.Request) (*docslogin.User, error) { return nil, nil }
	m, err := docslogin.New(nobody, platform, append(opts, silent)...)
	if err != nil {
		t.Fatal(err)
	}
	login, err := m.LoginURL(t.Context(), user, "")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(login)
	if err != nil {
		t.Fatal(err)
	}
	token := u.Fragment
	if token == "" {
		token = u.Query().Get("auth_token")
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return object(t, payload)
}

func object(t *testing.T, text []byte) (object map[string]any) {
	t.Helper()
	if err := json.Unmarshal(text, &object); err != nil {
		t.Fatal(err)
	}
	return object
}
