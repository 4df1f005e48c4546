package main

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/docslogin/docslogin"
)

// watchKey gives docs the key in the file at path whenever that has changed, until ctx ends.
// key is the one that docs was made with. The file is read again and again, which finds a
// change of any kind on any file system: inotify misses those that another machine makes, and
// loses a folder that is replaced.
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
			seen = key // perhaps half written, and half a secret would pass: wait until it stays
		case key != tried:
			tried = key
			if err == nil {
				err = docs.SetKey(docslogin.PrivateKey(key))
			}
			if err != nil {
				logger.Error("docs key refused, the old one stays", "file", path, "error", err)
			} else {
				logger.Info("docs key set", "file", path)
			}
		}
	}
}

// readKey returns the key in the file at path, or "" and an error. What editors and echo put
// behind the last line does not belong to a key: docslogin.Secret would refuse it.
func readKey(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}
