package app_test

import (
	"net/http"
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
