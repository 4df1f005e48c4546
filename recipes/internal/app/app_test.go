package app_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
)

func TestSignInBeginsAnEmptySession(t *testing.T) {
	v := apptest.Serve(t, func(env app.Env) (http.Handler, error) {
		docs, err := docslogin.New(app.SignedIn, env.Platform, app.SignInPage)
		if err != nil {
			return nil, err
		}
		return docs.Wrap(app.SignIn(docs.ReturnURL)), nil
	})
	isGone := v.PlantValue(t, app.Store)
	v.SignIn(t)
	isGone()
}

func TestErrorsOfSignInsAreLogged(t *testing.T) {
	log := apptest.CaptureLog(t)
	fails := func(http.ResponseWriter, *http.Request, string) error { return errors.New("the store is down") }
	v := apptest.Serve(t, func(app.Env) (http.Handler, error) {
		return app.SignInForm(func(*http.Request) string { return "/" }, fails), nil
	})
	if resp := v.PostSignIn(t); resp.StatusCode != http.StatusInternalServerError || !strings.Contains(log.String(), "level=ERROR") ||
		!strings.Contains(log.String(), "the store is down") {
		t.Errorf("the sign-in is answered %s, and the operator reads %q", resp.Status, log)
	}
}
