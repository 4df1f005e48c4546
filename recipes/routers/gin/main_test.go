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

// In each of these the app itself knows who has signed in, and the lookup does not. It says so
// before there is a loop.
func TestUserThatIsNotOnTheContext(t *testing.T) {
	for name, mount := range map[string]func(*gin.Engine, *docslogin.Middleware) http.Handler{
		"c.Set": func(r *gin.Engine, docs *docslogin.Middleware) http.Handler {
			r.ContextWithFallback = true // leads from gin's context to the request's, not back
			r.Use(func(c *gin.Context) {
				user, _ := app.SignedIn(c.Request)
				c.Set(userKey{}, user)
			})
			r.GET("/", func(c *gin.Context) {
				c.String(http.StatusOK, "Signed in as %s", c.MustGet(userKey{}).(*docslogin.User).Email)
			})
			r.Any(docs.Path(), gin.WrapH(docs))
			return r
		},
		"the route around the engine": func(r *gin.Engine, docs *docslogin.Middleware) http.Handler {
			r.Use(authenticate(app.SignedIn))
			r.GET("/", home)
			return docs.Wrap(r)
		},
		"the route before the middleware": func(r *gin.Engine, docs *docslogin.Middleware) http.Handler {
			r.Any(docs.Path(), gin.WrapH(docs))
			r.Use(authenticate(app.SignedIn))
			r.GET("/", home)
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := apptest.Serve(t, with(func(docs *docslogin.Middleware) http.Handler {
				r := gin.New()
				r.Any("/sign-in", gin.WrapH(app.SignIn))
				return mount(r, docs)
			}))
			v.Visitor.SignIn(t, v.Visitor.Open(t, v.AppURL+"/sign-in"), v.Site.URL)
			if home := v.Visitor.Open(t, v.AppURL+"/"); !strings.Contains(home.Text, apptest.Ada) {
				t.Fatalf("the home page says %.200q", home.Text)
			}
			page := v.Visitor.Open(t, v.Site.URL+"/quickstart")
			if !page.At(v.AppURL) || page.Status != http.StatusInternalServerError || !strings.Contains(page.Text, "authenticate has not run") {
				t.Errorf("who is signed in ends at %s: %.200q", page, page.Text)
			}
		})
	}
}

func TestSessionThatCannotBeRead(t *testing.T) {
	log := apptest.CaptureLog(t)
	v := apptest.Serve(t, with(func(docs *docslogin.Middleware) http.Handler {
		r := gin.New()
		r.Use(authenticate(func(*http.Request) (*docslogin.User, error) { return nil, errors.New("connection refused") }))
		r.Any(docs.Path(), gin.WrapH(docs))
		return r
	}))
	page := v.Visitor.Open(t, v.Site.URL+"/quickstart")
	if !page.At(v.AppURL+"/docs-login?redirect=%2Fquickstart") || page.Status != http.StatusInternalServerError {
		t.Errorf("a visitor ends at %s", page)
	}
	if page.Text != "The session cannot be read." { // and nothing of the route's
		t.Errorf("the visitor reads %.200q", page.Text)
	}
	if !strings.Contains(log.String(), "connection refused") {
		t.Errorf("the operator reads %q", log)
	}
}

func TestGETAlone(t *testing.T) {
	v := apptest.Serve(t, with(func(docs *docslogin.Middleware) http.Handler {
		r := gin.New()
		r.Use(authenticate(app.SignedIn))
		r.Any("/sign-in", gin.WrapH(app.SignIn))
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

// with returns what serves an app with the recipe's lookup, whose pages show why a login fails.
func with(mount func(*docslogin.Middleware) http.Handler) func(app.Env) (http.Handler, error) {
	return func(env app.Env) (http.Handler, error) {
		gin.SetMode(gin.ReleaseMode)
		docs, err := docslogin.New(currentUser, env.Platform, app.SignInPage,
			docslogin.WithLogger(slog.New(slog.DiscardHandler)),
			docslogin.WithErrorHandler(func(w http.ResponseWriter, _ *http.Request, e *docslogin.LoginError) {
				http.Error(w, fmt.Sprint(e.Err), e.Status)
			}))
		if err != nil {
			return nil, err
		}
		return mount(docs), nil
	}
}
