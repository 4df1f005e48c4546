package main

import (
	"errors"
	"net/http"
	"testing"

	"connectrpc.com/authn"
	"connectrpc.com/connect"
	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func TestRecipe(t *testing.T) {
	v := apptest.Try(t, newHandler)
	if email, err := me(t, v.Visitor, v.AppURL); err != nil || email != "ada@example.com" {
		t.Errorf("the service takes the visitor for %q: %v", email, err)
	}
}

func TestServiceRejectsTheAnonymous(t *testing.T) {
	v := apptest.Serve(t, newHandler)
	if email, err := me(t, v.Visitor, v.AppURL); connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Errorf("the service takes a stranger for %q: %v", email, err)
	}
}

func me(t *testing.T, visitor *apptest.Visitor, appURL string) (string, error) {
	t.Helper()
	client := connect.NewClient[emptypb.Empty, wrapperspb.StringValue](visitor.Client(), appURL+"/app.v1.Users/Me")
	response, err := client.CallUnary(t.Context(), connect.NewRequest(&emptypb.Empty{}))
	if err != nil {
		return "", err
	}
	return response.Msg.Value, nil
}

// The trap: authn around the login route.
func TestAuthnAroundEverything(t *testing.T) {
	v := apptest.Serve(t, func(env app.Env) (http.Handler, error) {
		handler, err := newHandler(env)
		return authn.NewMiddleware(authenticate(app.SignedIn)).Wrap(handler), err
	})
	page := v.Visitor.Open(t, v.Site.URL+"/quickstart")
	if page.URL.Path != "/docs-login" || page.Status != http.StatusUnauthorized || page.HasForm() {
		t.Errorf("the visitor ends at %s, not at authn's 401", page)
	}
}

// The other trap: a lookup that asks authn, with the login route outside of it.
func TestLookupAsksAuthn(t *testing.T) {
	v := apptest.Serve(t, func(env app.Env) (http.Handler, error) {
		handler, err := newHandler(env) // for its sign-in
		if err != nil {
			return nil, err
		}
		docs, err := docslogin.New(func(r *http.Request) (*docslogin.User, error) {
			user, _ := authn.GetInfo(r.Context()).(*docslogin.User)
			return user, nil
		}, env.Platform, app.SignInPage)
		if err != nil {
			return nil, err
		}
		return docs.Wrap(handler), nil
	})
	page := v.Visitor.SignIn(t, v.Visitor.Open(t, v.Site.URL+"/quickstart"), v.Site.URL)
	if page.URL.Path != "/docs-login" || page.Status != http.StatusUnauthorized {
		t.Errorf("the visitor ends at %s, and not at the page that ends the redirect loop", page)
	}
}

func TestAnOutageIsNoSignOut(t *testing.T) {
	auth := authenticate(func(*http.Request) (*docslogin.User, error) { return nil, errors.New("dial 10.1.2.3: refused") })
	_, err := auth(t.Context(), &http.Request{})
	if connect.CodeOf(err) != connect.CodeUnavailable || err.Error() != "unavailable: the session cannot be read" {
		t.Errorf("while sessions cannot be read, an RPC is told %q", err)
	}
}

// A lookup reports nobody in two ways.
func TestANilUserIsNobody(t *testing.T) {
	user, err := authenticate(func(*http.Request) (*docslogin.User, error) { return nil, nil })(t.Context(), &http.Request{})
	if connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Errorf("nobody is let through as %v: %v", user, err)
	}
}
