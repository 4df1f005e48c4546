package main

import (
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/docslogin/docslogin"
)

// reloadKey sets the key of docs from the file at path at every SIGHUP, until the process ends.
// Call it before the app serves, since an earlier SIGHUP ends the process. A later one does not,
// not even when the terminal closes.
func reloadKey(path string, docs *docslogin.Middleware, logger *slog.Logger) {
	hangup := make(chan os.Signal, 1) // one may wait: the file is read after it arrived
	signal.Notify(hangup, syscall.SIGHUP)
	go func() {
		for range hangup {
			key, err := readKey(path)
			if err == nil {
				err = docs.SetKey(docslogin.Secret(key))
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
