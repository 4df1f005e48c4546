package e2e_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/platforms"
)

// tokenService signs with an Ed25519 key until it is down.
type tokenService struct {
	jose.OpaqueSigner
	down bool
}

func (s *tokenService) SignPayload(payload []byte, alg jose.SignatureAlgorithm) ([]byte, error) {
	if s.down {
		return nil, errors.New("boom: the key service is down")
	}
	return s.OpaqueSigner.SignPayload(payload, alg)
}

// newBrokenWorld is a world in which each login of some users fails, and in which the route
// /service-login cannot sign. /no-form-login has no sign-in page.
func newBrokenWorld(t *testing.T) *world {
	w := newWorld(t, allPlatforms[0])
	find := func(id string) (*docslogin.User, error) {
		switch id {
		case "incomplete":
			return &docslogin.User{ID: id, Name: "No Address"}, nil
		case "broken":
			return nil, errors.New("boom: the database is down")
		case "panics":
			panic("boom")
		case "large":
			return &docslogin.User{ID: id, Email: "large@example.com", Attributes: map[string]any{"bio": strings.Repeat("x", 9000)}}, nil
		}
		return nil, nil
	}
	mapper := func(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
		switch user.ID {
		case "mapper":
			return errors.New("boom: the mapper's own database is down")
		case "reserved":
			claims["exp"] = 1
		}
		return nil
	}
	_, key, _ := ed25519.GenerateKey(nil) // crypto/rand never fails
	signer := &tokenService{OpaqueSigner: cryptosigner.Opaque(key)}
	withService := platforms.Mintlify(w.docs.URL, "")
	withService.Key = docslogin.SignWith(signer)
	w.wrap(w.lookup(find), w.site.Platform(), "/docs-login", toForm, docslogin.WithClaimsMapper(mapper))
	w.wrap(w.lookup(), withService, "/service-login", toForm)
	w.wrap(w.lookup(), w.site.Platform(), "/no-form-login")
	signer.down = true
	w.setPage("/post", html(`<form method=post action="/docs-login"><button value=post>Post</button></form>`))
	return w
}

// TestEveryErrorPage opens each error page in the browser. With -shots, it also writes
// screenshots of them to a folder, so that people can look at them.
func TestEveryErrorPage(t *testing.T) {
	w := newBrokenWorld(t)
	link := strings.TrimPrefix(w.loginPath("/quickstart"), "/docs-login")
	for _, tt := range []struct {
		outcome docslogin.Outcome
		user    string // who is signed in; "": nobody
		open    string
		click   string // on that page
		status  int
		heading string
		form    bool // a link leads to the form and on to the docs
	}{
		{"no_user", "", "/no-form-login" + link, "", 401, "You are not signed in", false},
		{"loop", "", "/docs-login" + link, button("no cookie"), 401, "Signing in did not work", true},
		{"method", "ada", "/post", button("post"), 405, "This address is a link", false},
		{"forbidden", "forbidden", "/docs-login" + link, "", 403, "You may not read this documentation", true},
		{"incomplete_user", "incomplete", "/docs-login" + link, "", 403, "does not have: email.", true},
		{"lookup_failed", "broken", "/docs-login" + link, "", 500, "Something went wrong", false},
		{"mapper_failed", "mapper", "/docs-login" + link, "", 500, "Something went wrong", false},
		{"reserved_claim", "reserved", "/docs-login" + link, "", 500, "Something went wrong", false},
		{"panic", "panics", "/docs-login" + link, "", 500, "Something went wrong", false},
		{"sign_failed", "signer", "/service-login" + link, "", 500, "Something went wrong", false},
		{"too_large", "large", "/docs-login" + link, "", 500, "too large for the documentation", false},
	} {
		t.Run(string(tt.outcome), func(t *testing.T) {
			v := newVisitor(t)
			if tt.user != "" {
				w.signIn(v, tt.user)
			}
			v.open(w.URL + tt.open)
			if tt.click != "" {
				v.click(tt.click)
			}
			v.reads(tt.heading)
			outcomes := w.outcomes()
			if last := outcomes[len(outcomes)-1]; last != tt.outcome {
				t.Errorf("outcome %s", last)
			}
			v.checkErrorPage(tt.status)
			v.shoot("error-" + string(tt.outcome))
			if links := eval[int](v, "document.links.length"); links != 0 != tt.form {
				t.Fatalf("%d links", links)
			}
			if tt.form {
				v.tabTo("main a")
				v.press(kb.Enter)
				w.fillForm(v, "ada")
				v.arrives(w.docs.URL+"/quickstart", w.hello("ada"))
			}
		})
	}
}

// checkErrorPage checks what all error pages have in common.
func (v *visitor) checkErrorPage(status int) {
	v.t.Helper()
	if got := eval[int](v, `performance.getEntriesByType("navigation")[0].responseStatus`); got != status {
		v.t.Errorf("status %d, want %d", got, status)
	}
	if text := v.text(); strings.Contains(text, "boom") || strings.Contains(text, "xxx") {
		v.t.Errorf("the page shows the cause:\n%s", text)
	}
	if language := eval[string](v, "document.documentElement.lang"); language != "en" {
		v.t.Errorf("the page's language is %q", language)
	}
}

// Frames and scripts get no page. TestNothingIsSignedWithoutAClick has the other cases.
func TestAResponseThatNobodySeesHasNoBody(t *testing.T) {
	w := newWorld(t, allPlatforms[0])
	v := newVisitor(t)
	w.signIn(v, "ada")
	if response := eval[string](v, `fetch("/docs-login").then((response) => response.text().then((text) => response.status + ":" + text))`); response != "403:" {
		t.Errorf("the response is %q", response)
	}
}
