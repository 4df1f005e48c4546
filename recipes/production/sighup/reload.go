package main

import (
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/webhook"
)

// setBoth returns a func that sets a new secret for both the login route and the webhook, or for neither
// if one of them rejects it. now is the secret that both have. The func is not safe for concurrent use.
// An app without a webhook calls only docs.SetKey.
func setBoth(docs *docslogin.Middleware, hook *webhook.Handler, now string) func(secret string) error {
	return func(secret string) error {
		if err := hook.SetSecret(secret); err != nil {
			return err
		}
		if err := docs.SetKey(docslogin.Secret(secret)); err != nil {
			return errors.Join(err, hook.SetSecret(now))
		}
		now = secret
		return nil
	}
}

// reloadKey calls set with the key in the file at path at every SIGHUP, until the process ends. Call it
// before the app serves, since an earlier SIGHUP ends the process. A later one does not, not even
// when the terminal closes.
func reloadKey(path string, set func(key string) error, logger *slog.Logger) {
	hangup := make(chan os.Signal, 1) // one may wait: the file is read after it arrived
	signal.Notify(hangup, syscall.SIGHUP)
	go func() {
		for range hangup {
			key, err := readKey(path)
			if err == nil {
				err = set(key)
			}
			if err != nil {
				logger.Error("docs key rejected, the old one stays", "file", path, "error", err)
			} else {
				logger.Info("docs key set", "file", path)
			}
		}
	}()
}

// readKey returns the key in the file at path. It removes the line break that editors and echo add
// at the end, with which docslogin.New would reject a secret.
func readKey(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}
