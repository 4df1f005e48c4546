package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
	"github.com/gin-gonic/gin"
)

func TestRecipe(t *testing.T) { apptest.Try(t, newHandler) }

// In each of these, the app itself knows who is signed in, and the lookup does not. The lookup
// reports an error, so there is no redirect loop.
func TestUserThatIsNotOnTheContext(t *testing.T) {
	for name, mount := range map[string]func(*gin.Engine, *docslogin.Middleware) http.Handler{
		"c.Set": func(r *gin.Engine, docs *docslogin.Middleware) http.Handler {
			r.ContextWithFallback = true // leads from gin's context to the request's, not back
			r.Use(func(c *gin.Context) {
				user, _ := app.SignedIn(c.Request)
				c.Set(visitorKey{}, visitor{user: user})
			})
			r.GET("/", func(c *gin.Context) {
				c.String(http.StatusOK, "Signed in as %s", c.MustGet(visitorKey{}).(visitor).user.Email)
			})
			r.Any(docs.Path(), gin.WrapH(docs))
			return r
		},
		"the route around the engine": func(r *gin.Engine, docs *docslogin.Middleware) http.Handler {
			r.Use(authenticate(app.SignedIn))
			r.GET("/", gin.WrapH(app.HomeFor(currentUser, "/sign-in")))
			return docs.Wrap(r)
		},
		"the route before the middleware": func(r *gin.Engine, docs *docslogin.Middleware) http.Handler {
			r.Any(docs.Path(), gin.WrapH(docs))
			r.Use(authenticate(app.SignedIn))
			r.GET("/", gin.WrapH(app.HomeFor(currentUser, "/sign-in")))
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := apptest.Serve(t, with(func(docs *docslogin.Middleware) http.Handler {
				r := gin.New()
				r.Any("/sign-in", gin.WrapH(app.SignIn(docs.ReturnURL)))
				return mount(r, docs)
			}))
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
			v := apptest.Serve(t, with(func(docs *docslogin.Middleware) http.Handler {
				r := gin.New()
				r.Use(authenticate(func(*http.Request) (*docslogin.User, error) { return nil, row.err }))
				r.GET("/", gin.WrapH(app.HomeFor(currentUser, "/sign-in")))
				r.Any(docs.Path(), gin.WrapH(docs))
				return r
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
	v := apptest.Serve(t, with(func(docs *docslogin.Middleware) http.Handler {
		r := gin.New()
		r.Use(authenticate(app.SignedIn))
		r.Any("/sign-in", gin.WrapH(app.SignIn(docs.ReturnURL)))
		r.GET(docs.Path(), gin.WrapH(docs))
		return r
	}))
	if page := v.Visitor.Open(t, v.Site.URL+"/quickstart"); !page.HasForm() {
		t.Errorf("a visitor ends at %s, not at the sign-in page", page)
	}
	for _, method := range []string{http.MethodHead, http.MethodPost} {
		if status, ofDocs := v.AskRoute(t, method); status != http.StatusNotFound || ofDocs {
			t.Errorf("%s is answered with %d; by docslogin: %t", method, status, ofDocs)
		}
	}
}

// with returns an app with the recipe's lookup, whose error pages show why a login fails.
func with(mount func(*docslogin.Middleware) http.Handler, opts ...docslogin.Option) func(app.Env) (http.Handler, error) {
	return func(env app.Env) (http.Handler, error) {
		gin.SetMode(gin.ReleaseMode)
		docs, err := docslogin.New(currentUser, env.Platform, append(opts, app.SignInPage,
			docslogin.WithLogger(slog.New(slog.DiscardHandler)),
			docslogin.WithErrorHandler(func(w http.ResponseWriter, _ *http.Request, e *docslogin.LoginError) {
				http.Error(w, fmt.Sprint(e.Err), e.Status)
			}))...)
		if err != nil {
			return nil, err
		}
		return mount(docs), nil
	}
}
