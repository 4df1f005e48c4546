package main

import (
	"net/http"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
)

// start serves the app, and one visitor for each of its docs sites.
func start(t *testing.T) (guides, reference *apptest.Visit) {
	t.Helper()
	guidesSite, referenceSite := docslogintest.NewMintlify(), docslogintest.NewReadMe()
	t.Cleanup(guidesSite.Close)
	t.Cleanup(referenceSite.Close)
	appURL := apptest.ServeApp(t, func(string) (http.Handler, error) {
		return newHandler(guidesSite.Platform(), referenceSite.Platform())
	})
	guidesSite.SetLoginURL(appURL + "/docs-login/guides")
	referenceSite.SetLoginURL(appURL + "/docs-login/reference")
	return &apptest.Visit{AppURL: appURL, Site: guidesSite, Visitor: apptest.NewVisitor(), Route: "/docs-login/guides"},
		&apptest.Visit{AppURL: appURL, Site: referenceSite, Visitor: apptest.NewVisitor(), Route: "/docs-login/reference"}
}

func TestRecipe(t *testing.T) {
	guides, reference := start(t)
	t.Run("guides", guides.Try)
	t.Run("reference", reference.Try)
}

func TestSignedInOnceIsSignedInToBoth(t *testing.T) {
	guides, reference := start(t)
	visitor := guides.Visitor
	visitor.SignIn(t, visitor.Open(t, guides.Site.URL+"/quickstart"), guides.Site.URL)
	if page := visitor.Open(t, reference.Site.URL+"/reference"); !page.At(reference.Site.URL + "/reference") {
		t.Errorf("after a login to the guides, the visitor ends at %s, not at the reference; rejections: %v", page, reference.Site.Rejections())
	}
	if n, m := len(guides.Site.Logins()), len(reference.Site.Logins()); n != 1 || m != 1 {
		t.Errorf("the guides saw %d logins and the reference %d, not one each", n, m)
	}
}

// The trap of the doc comment.
func TestTwoSitesOnOneRoute(t *testing.T) {
	guides, reference := docslogintest.NewMintlify(), docslogintest.NewReadMe()
	t.Cleanup(guides.Close)
	t.Cleanup(reference.Close)
	appURL := apptest.ServeApp(t, func(string) (http.Handler, error) {
		outer := docslogin.Must(docslogin.New(app.SignedIn, reference.Platform(), app.SignInPage))
		inner := docslogin.Must(docslogin.New(app.SignedIn, guides.Platform(), app.SignInPage))
		return outer.Wrap(inner.Wrap(app.SignIn(inner.ReturnURL))), nil
	})
	guides.SetLoginURL(appURL + "/docs-login")
	reference.SetLoginURL(appURL + "/docs-login")
	visitor := apptest.NewVisitor()
	page := visitor.SignIn(t, visitor.Open(t, guides.URL+"/quickstart"), reference.URL)
	if !page.At(reference.URL+"/quickstart") || len(guides.Logins()) != 0 {
		t.Errorf("a visitor of the guides ends at %s; does the recipe's advice still hold?", page)
	}
}
