// Command fiber is an app on fiber, with its sessions. The trap: fiber runs on fasthttp, where
// a request's context ends when the server does and not when the visitor goes, strings are
// written over by the next request, a panic ends the program, and more than 4 KiB of headers
// are refused. The lookup sees what is in c.Locals, and nothing of what c.SetContext is given.
package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
	recoverer "github.com/gofiber/fiber/v3/middleware/recover"
	"github.com/gofiber/fiber/v3/middleware/session"
)

func main() { app.MainServer(newServer) }

func newServer(env app.Env) (app.Server, error) {
	server, err := newApp(env, nil)
	return serveOn(server), err
}

// newApp takes where sessions are stored; nil is memory.
func newApp(env app.Env, storage fiber.Storage) (*fiber.App, error) {
	docs, err := docslogin.New(signedIn, env.Platform, app.SignInPage)
	if err != nil {
		return nil, err
	}
	server := fiber.New(fiber.Config{
		ReadBufferSize: 16 << 10, // of all headers: the way back from the sign-in page to a long link takes more than 4 KiB
		ReadTimeout:    10 * time.Second,
		ErrorHandler:   answerError,
	})
	server.Use(recoverer.New()) // outermost: the session middleware panics if its storage fails
	server.Use(session.New(session.Config{
		Storage:        storage,
		CookieHTTPOnly: true,
		CookieSameSite: fiber.CookieSameSiteLaxMode,
		CookieSecure:   false, // this is plain http on loopback: true everywhere else
	}))
	server.Get("/", home)
	server.All("/sign-in", adaptor.HTTPHandler(app.SignInForm(signIn)))
	server.All(docs.Path(), login(docs)) // All: the route answers other methods itself
	return server, nil
}

// login is the docs' route for fiber.
func login(docs http.Handler) fiber.Handler {
	return adaptor.HTTPHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// fasthttp ends the context of requests that have begun when it shuts down, so a login
		// would come to nothing then; and never otherwise, so there is a time limit.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 10*time.Second)
		defer cancel()
		docs.ServeHTTP(w, r.WithContext(ctx))
	}))
}

// signedIn says who is signed in. The request's context has what is in c.Locals, the session
// among it.
func signedIn(r *http.Request) (*docslogin.User, error) {
	email, _ := session.FromContext(r.Context()).Get("email").(string)
	if email == "" {
		return nil, docslogin.ErrNoUser
	}
	return &docslogin.User{ID: email, Email: email}, nil
}

func signIn(_ http.ResponseWriter, r *http.Request, email string) error {
	s := session.FromContext(r.Context())
	if err := s.Regenerate(); err != nil { // a new ID: the old one may be somebody else's, too
		return err
	}
	s.Set("email", email)
	return nil
}

func home(c fiber.Ctx) error {
	email, _ := session.FromContext(c).Get("email").(string)
	if email == "" {
		return c.Redirect().To("/sign-in")
	}
	return c.SendString("Signed in as " + email + "\n")
}

// answerError shows visitors fiber's own errors, and none of the texts that fiber's default
// shows them, too: those of panics, such as a storage's address.
func answerError(c fiber.Ctx, err error) error {
	if own := (*fiber.Error)(nil); errors.As(err, &own) {
		return fiber.DefaultErrorHandler(c, err)
	}
	slog.Error("a request failed", "error", err)
	return c.Status(http.StatusInternalServerError).SendString("Something went wrong.")
}

// serveOn waits for what has begun. With a GracefulContext, Listener returns before that.
func serveOn(server *fiber.App) app.Server {
	return func(ctx context.Context, listener net.Listener) error {
		failed := make(chan error, 1)
		go func() { failed <- server.Listener(listener, fiber.ListenConfig{DisableStartupMessage: true}) }()
		select {
		case err := <-failed:
			return err
		case <-ctx.Done():
		}
		return server.ShutdownWithTimeout(10 * time.Second)
	}
}
