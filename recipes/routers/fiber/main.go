// Command fiber is an app on fiber, with fiber's sessions. The trap: fiber runs on fasthttp. There,
// a request's context ends with the server and not when the visitor leaves; the next request
// overwrites strings; a panic ends the program; and more than 4 KiB of headers are rejected. The
// lookup sees what is in c.Locals, but not what c.SetContext sets.
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

// newApp takes the storage of sessions; nil is memory.
func newApp(env app.Env, storage fiber.Storage) (*fiber.App, error) {
	docs, err := docslogin.New(signedIn, env.Platform, app.SignInPage)
	if err != nil {
		return nil, err
	}
	server := fiber.New(fiber.Config{
		ReadBufferSize: 16 << 10, // for all headers: a return URL with a long deep link takes more than 4 KiB
		ReadTimeout:    10 * time.Second,
		ErrorHandler:   answerError,
	})
	server.Use(recoverer.New()) // outermost, since the session middleware panics if its storage fails
	server.Use(session.New(session.Config{
		Storage:        storage, // each visit without a cookie adds an empty session for IdleTimeout (30 minutes)
		CookieHTTPOnly: true,
		CookieSameSite: fiber.CookieSameSiteLaxMode,
		CookieSecure:   false, // this is plain http on loopback: everywhere else, set it and name the cookie __Host-session
	}))
	server.Get("/", home)
	server.All("/sign-in", adaptor.HTTPHandler(app.SignInForm(docs.ReturnURL, signIn)))
	server.All(docs.Path(), login(docs)) // All: the route answers other methods itself
	return server, nil
}

// login returns the login route as a handler for fiber.
func login(docs http.Handler) fiber.Handler {
	return adaptor.HTTPHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// fasthttp ends the context when it shuts down, and a login that has begun would fail. It
		// never ends it otherwise, so there is a timeout.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 10*time.Second)
		defer cancel()
		docs.ServeHTTP(w, r.WithContext(ctx))
	}))
}

// signedIn reports who is signed in. The request's context has what is in c.Locals, such as the
// session.
func signedIn(r *http.Request) (*docslogin.User, error) {
	email, _ := session.FromContext(r.Context()).Get("email").(string)
	if email == "" {
		return nil, docslogin.ErrNoUser
	}
	return &docslogin.User{ID: email, Email: email}, nil
}

func signIn(_ http.ResponseWriter, r *http.Request, email string) error {
	s := session.FromContext(r.Context())
	if err := s.Reset(); err != nil { // a new ID, and nothing of an earlier user, which Regenerate would keep
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
	c.Set("Cache-Control", "no-store") // the page says who is signed in
	return c.SendString("Signed in as " + email + "\n")
}

// answerError shows visitors fiber's own errors only. Fiber's default also shows the texts of
// panics, such as a storage's address.
func answerError(c fiber.Ctx, err error) error {
	if own := (*fiber.Error)(nil); errors.As(err, &own) {
		return fiber.DefaultErrorHandler(c, err)
	}
	slog.Error("a request failed", "error", err)
	return c.Status(http.StatusInternalServerError).SendString("Something went wrong.")
}

// serveOn waits for open requests. With a GracefulContext, Listener would return earlier.
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
