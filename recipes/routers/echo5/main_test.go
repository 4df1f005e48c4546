package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"
)

func TestRecipe(t *testing.T) { apptest.Try(t, newHandler) }

// The other way to mount it: echo's middlewares run for paths without a route, too.
func TestMiddlewareAfterAuthenticate(t *testing.T) {
	apptest.Try(t, with(func(e *echo.Echo, docs *docslogin.Middleware) http.Handler {
		e.Use(authenticate(app.SignedIn), echo.WrapMiddleware(docs.Wrap))
		e.GET("/", echo.WrapHandler(app.HomeFor(currentUser, "/sign-in")))
		return e
	}))
}

func TestMiddlewaresOfEcho(t *testing.T) {
	apptest.Try(t, with(func(e *echo.Echo, docs *docslogin.Middleware) http.Handler {
		e.Use(middleware.Recover(), middleware.Gzip(), authenticate(app.SignedIn))
		e.GET("/", echo.WrapHandler(app.HomeFor(currentUser, "/sign-in")))
		e.Any(docs.Path(), echo.WrapHandler(docs))
		return e
	}))
}

// The page is docslogin's, and echo's error handler adds nothing to it.
func TestMapperThatPanics(t *testing.T) {
	v := apptest.Serve(t, with(func(e *echo.Echo, docs *docslogin.Middleware) http.Handler {
		e.Use(middleware.Recover(), middleware.Gzip(), authenticate(app.SignedIn))
		e.Any(docs.Path(), echo.WrapHandler(docs))
		return e
	}, docslogin.WithClaimsMapper(func(context.Context, *docslogin.User, docslogin.Claims) error { panic(errors.New("of the mapper")) })))
	page := v.Visitor.SignIn(t, v.Visitor.Open(t, v.Site.URL+"/quickstart"), v.Site.URL)
	if !page.At(v.AppURL) || page.Status != http.StatusInternalServerError || page.Text != "500: panic: of the mapper" {
		t.Errorf("after signing in, the visitor ends at %s: %.200q", page, page.Text)
	}
}

// In each of these, the app itself knows who is signed in, and the lookup does not. The lookup
// reports an error, so there is no redirect loop.
func TestUserThatIsNotOnTheContext(t *testing.T) {
	for name, mount := range map[string]func(*echo.Echo, *docslogin.Middleware) http.Handler{
		"c.Set": func(e *echo.Echo, docs *docslogin.Middleware) http.Handler {
			e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(c *echo.Context) error {
					user, _ := app.SignedIn(c.Request())
					c.Set("user", user)
					return next(c)
				}
			})
			e.GET("/", func(c *echo.Context) error {
				return c.String(http.StatusOK, "Signed in as "+c.Get("user").(*docslogin.User).Email)
			})
			e.Any(docs.Path(), echo.WrapHandler(docs))
			return e
		},
		"the route around echo": func(e *echo.Echo, docs *docslogin.Middleware) http.Handler {
			e.Use(authenticate(app.SignedIn))
			e.GET("/", echo.WrapHandler(app.HomeFor(currentUser, "/sign-in")))
			return docs.Wrap(e)
		},
		"the route by Pre": func(e *echo.Echo, docs *docslogin.Middleware) http.Handler {
			e.Pre(echo.WrapMiddleware(docs.Wrap))
			e.Use(authenticate(app.SignedIn))
			e.GET("/", echo.WrapHandler(app.HomeFor(currentUser, "/sign-in")))
			return e
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := apptest.Serve(t, with(mount))
			v.Visitor.SignIn(t, v.Visitor.Open(t, v.AppURL+"/sign-in"), v.Site.URL)
			if home := v.Visitor.Open(t, v.AppURL+"/"); !strings.Contains(home.Text, apptest.Ada) {
				t.Fatalf("the home page says %.200q", home.Text)
			}
			page := v.Visitor.Open(t, v.Site.URL+"/quickstart")
			if !page.At(v.AppURL) || page.Status != http.StatusInternalServerError || !strings.Contains(page.Text, "authenticate has not run") {
				t.Errorf("a signed-in user ends at %s: %.200q", page, page.Text)
			}
		})
	}
}

// An error of the session's store reaches the route, which answers as for any lookup.
func TestSessionThatCannotBeRead(t *testing.T) {
	for _, row := range []struct {
		name    string
		err     error
		status  int
		outcome docslogin.Outcome
	}{
		{"the store is down", errors.New("connection refused"), http.StatusInternalServerError, docslogin.OutcomeLookupFailed},
		{"a user who may not read the docs", docslogin.ErrForbidden, http.StatusForbidden, docslogin.OutcomeForbidden},
	} {
		t.Run(row.name, func(t *testing.T) {
			log := apptest.CaptureLog(t)
			observe, next := apptest.Outcomes(t)
			v := apptest.Serve(t, with(func(e *echo.Echo, docs *docslogin.Middleware) http.Handler {
				e.Use(authenticate(func(*http.Request) (*docslogin.User, error) { return nil, row.err }))
				e.GET("/", echo.WrapHandler(app.HomeFor(currentUser, "/sign-in")))
				e.Any(docs.Path(), echo.WrapHandler(docs))
				return e
			}, observe))

			page := v.Visitor.Open(t, v.Site.URL+"/quickstart")
			if !page.At(v.AppURL+"/docs-login?redirect=%2Fquickstart") || page.Status != row.status {
				t.Errorf("a visitor ends at %s", page)
			}
			if outcome := next(); outcome != row.outcome {
				t.Errorf("the outcome is %s", outcome)
			}
			if page := v.Visitor.Open(t, v.AppURL+"/"); page.Status != row.status {
				t.Errorf("the home page is %s: %.200q", page, page.Text)
			}
			if logged := strings.Contains(log.String(), row.err.Error()); logged != (row.status == http.StatusInternalServerError) {
				t.Errorf("of the home page, the operator reads %q", log)
			}
		})
	}
}

func TestGETAlone(t *testing.T) {
	v := apptest.Serve(t, with(func(e *echo.Echo, docs *docslogin.Middleware) http.Handler {
		e.Use(authenticate(app.SignedIn))
		e.GET(docs.Path(), echo.WrapHandler(docs))
		return e
	}))
	if page := v.Visitor.Open(t, v.Site.URL+"/quickstart"); !page.HasForm() {
		t.Errorf("a visitor ends at %s, not at the sign-in page", page)
	}
	for _, method := range []string{http.MethodHead, http.MethodPost} {
		if status, ofDocs := v.AskRoute(t, method); status != http.StatusMethodNotAllowed || ofDocs {
			t.Errorf("%s is answered with %d; by docslogin: %t", method, status, ofDocs)
		}
	}
}

// with returns an app with the recipe's lookup, whose error pages show why a login fails.
func with(mount func(*echo.Echo, *docslogin.Middleware) http.Handler, opts ...docslogin.Option) func(app.Env) (http.Handler, error) {
	return func(env app.Env) (http.Handler, error) {
		docs, err := docslogin.New(currentUser, env.Platform, append(opts, app.SignInPage,
			docslogin.WithLogger(slog.New(slog.DiscardHandler)),
			docslogin.WithErrorHandler(func(w http.ResponseWriter, _ *http.Request, e *docslogin.LoginError) {
				w.WriteHeader(e.Status)
				fmt.Fprintf(w, "%d: %s: %v", e.Status, e.Outcome, e.Err)
			}))...)
		if err != nil {
			return nil, err
		}
		e := echo.New()
		e.Any("/sign-in", echo.WrapHandler(app.SignIn(docs.ReturnURL)))
		return mount(e, docs), nil
	}
}
