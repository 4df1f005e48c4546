package main

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/docslogin/docslogin"
)

// watchKey sets the key of docs whenever the file at path changes, until ctx ends. key is the one
// that docs was made with. It polls the file, which works on every file system: inotify misses
// changes by another machine, and stops when the folder is replaced.
func watchKey(ctx context.Context, path, key string, every time.Duration, docs *docslogin.Middleware, logger *slog.Logger) {
	seen, tried := key, key
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
		key, err := readKey(path)
		switch {
		case key != seen:
			seen = key // perhaps half written, and half of a secret is a valid secret: wait until it stays the same
		case key != tried:
			tried = key
			if err == nil {
				err = docs.SetKey(docslogin.PrivateKey(key))
			}
			if err != nil {
				logger.Error("docs key rejected, the old one stays", "file", path, "error", err)
			} else {
				logger.Info("docs key set", "file", path)
			}
		}
	}
}

// readKey returns the key in the file at path, or "" and an error. It removes the line break that
// editors and echo add at the end, with which docslogin.New would reject a secret.
func readKey(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}
