package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/platforms"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
)

const (
	readMeSecret = "the ReadMe secret of these tests"
	scalarSecret = "whsec_the-Scalar-secret-of-these-tests"
	other        = "whsec_another-secret-of-these-tests"
)

func start(t *testing.T) (*hooks, http.Handler) {
	t.Helper()
	hooks, err := newHooks(readMeSecret, scalarSecret)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := newHandler(app.Env{Platform: platforms.ReadMe("https://docs.example.com", readMeSecret)}, hooks)
	if err != nil {
		t.Fatal(err)
	}
	return hooks, handler
}

// ask sends a request, and returns the status and the JSON without expiresAt.
func ask(t *testing.T, handler http.Handler, r *http.Request) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	var claims map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &claims); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	delete(claims, "expiresAt")
	text, _ := json.Marshal(claims)
	return w.Code, string(text)
}

func readMe(email string, ago time.Duration, secret string) *http.Request {
	return docslogintest.NewReadMeRequest("/readme-webhook", email, time.Now().Add(-ago), secret)
}

func scalar(email string, ago time.Duration, secrets ...string) *http.Request {
	return docslogintest.NewScalarRequest("/scalar-webhook", email, time.Now().Add(-ago), secrets...)
}

func TestRecipe(t *testing.T) {
	apptest.Try(t, func(env app.Env) (http.Handler, error) {
		hooks, _ := start(t)
		return newHandler(env, hooks)
	})
}

func TestWebhooks(t *testing.T) {
	_, handler := start(t)
	for _, tt := range []struct {
		name    string
		request *http.Request
		status  int
		want    string
	}{
		{"ReadMe asks about Ada", readMe("Ada@Example.com", 0, readMeSecret), 200, `{"email":"Ada@Example.com","name":"Ada","plan":"pro","version":1}`},
		{"ReadMe asks about staff", readMe("grace@example.com", 0, readMeSecret), 200, `{"email":"grace@example.com","groups":["staff"],"isAdmin":true,"name":"Grace","plan":"free","version":1}`},
		{"ReadMe asks about somebody unknown", readMe("eve@example.com", 0, readMeSecret), 401, `{"error":"Unknown User"}`},
		{"ReadMe's request is too old", readMe("ada@example.com", 31*time.Minute, readMeSecret), 401, `{"error":"Expired Signature"}`},
		{"somebody pretends to be ReadMe", readMe("ada@example.com", 0, other), 401, `{"error":"Invalid Signature"}`},
		{"Scalar asks about Ada", scalar("Ada@Example.com", 0, scalarSecret), 200, `{"content":{"email":"ada@example.com","name":"Ada","plan":"pro"},"groups":["beta"]}`},
		{"Scalar asks about staff", scalar("grace@example.com", 0, scalarSecret), 200, `{"content":{"email":"grace@example.com","name":"Grace","plan":"free"},"groups":["staff"],"isAdmin":true}`},
		{"Scalar asks about somebody unknown", scalar("eve@example.com", 0, scalarSecret), 404, `{"error":"Unknown User"}`},
		{"Scalar's request is too old", scalar("ada@example.com", 6*time.Minute, scalarSecret), 401, `{"error":"Expired Signature"}`},
		{"somebody pretends to be Scalar", scalar("ada@example.com", 0, other), 401, `{"error":"Invalid Signature"}`},
	} {
		if status, got := ask(t, handler, tt.request); status != tt.status || got != tt.want {
			t.Errorf("%s: %d %s, want %d %s", tt.name, status, got, tt.status, tt.want)
		}
	}
}

// After a rotation, ReadMe's requests fail until the app has the new secret. Scalar's requests do not fail
// if the app has it within 24 hours.
func TestRotation(t *testing.T) {
	hooks, handler := start(t)
	statuses := func(requests map[string]*http.Request) map[string]int {
		got := map[string]int{}
		for name, r := range requests {
			got[name], _ = ask(t, handler, r)
		}
		return got
	}
	requests := func() map[string]*http.Request {
		return map[string]*http.Request{
			"ReadMe, old":  readMe("ada@example.com", 0, readMeSecret),
			"ReadMe, new":  readMe("ada@example.com", 0, other),
			"Scalar, old":  scalar("ada@example.com", 0, scalarSecret),
			"Scalar, both": scalar("ada@example.com", 0, other, scalarSecret),
			"Scalar, new":  scalar("ada@example.com", 0, other),
		}
	}
	if got, want := statuses(requests()), map[string]int{"ReadMe, old": 200, "ReadMe, new": 401, "Scalar, old": 200, "Scalar, both": 200, "Scalar, new": 401}; !maps.Equal(got, want) {
		t.Errorf("before: %v", got)
	}
	if err := hooks.readMe.SetSecret(other); err != nil {
		t.Error(err)
	}
	if err := hooks.scalar.SetSecret(other); err != nil {
		t.Error(err)
	}
	if got, want := statuses(requests()), map[string]int{"ReadMe, old": 401, "ReadMe, new": 200, "Scalar, old": 401, "Scalar, both": 200, "Scalar, new": 200}; !maps.Equal(got, want) {
		t.Errorf("afterwards: %v", got)
	}
	if err := hooks.scalar.SetSecret(strings.TrimPrefix(scalarSecret, "whsec_")); err == nil || !strings.Contains(err.Error(), "whsec_") {
		t.Errorf("a secret without its prefix: %v", err)
	}
	if got := statuses(requests())["Scalar, new"]; got != 200 {
		t.Errorf("after a secret that is rejected: %d", got)
	}
}

// Every group of the app follows Scalar's rules. Otherwise, Scalar would ignore the whole response.
func TestGroups(t *testing.T) {
	_, handler := start(t)
	for _, email := range slices.Sorted(maps.Keys(accounts)) {
		if status, got := ask(t, handler, scalar(email, 0, scalarSecret)); status != 200 {
			t.Errorf("%s: %d %s", email, status, got)
		}
	}
}
