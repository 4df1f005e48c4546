package main

import (
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/docslogin/docslogin"
)

// reloadKey gives docs the key in the file at path at every SIGHUP, until the process ends.
// Call it before the app serves: a SIGHUP that comes earlier ends the process. Later none
// does, not even that of a terminal which is closed.
func reloadKey(path string, docs *docslogin.Middleware, logger *slog.Logger) {
	hangup := make(chan os.Signal, 1) // one may wait: the file is read after it has come
	signal.Notify(hangup, syscall.SIGHUP)
	go func() {
		for range hangup {
			key, err := readKey(path)
			if err == nil {
				err = docs.SetKey(docslogin.Secret(key))
			}
			if err != nil {
				logger.Error("docs key refused, the old one stays", "file", path, "error", err)
			} else {
				logger.Info("docs key set", "file", path)
			}
		}
	}()
}

// readKey returns the key in the file at path. What editors and echo put behind the last line
// does not belong to a key: docslogin.Secret would refuse it.
func readKey(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}
