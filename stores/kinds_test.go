package stores_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/antonlindstrom/pgstore"
	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"

	"github.com/docslogin/docslogin/stores"
)

// kind is a store and its server.
type kind struct {
	name    string
	server  func() *server
	open    func(t *testing.T, limit time.Duration, keys ...[]byte) sessions.Store // the test closes it
	id      func(*http.Cookie) string                                              // of the session, in the server
	remove  func(id string) error                                                  // as an operator would
	expire  func(id string) error                                                  // as after the session's lifetime
	sweep   func() error                                                           // removes expired sessions; nil: the server does
	gone    func(id string) error                                                  // returns an error while the session is in the server
	durable bool                                                                   // sessions survive a crash of the server
	signed  bool                                                                   // the cookie is signed with the app's keys
	heeds   bool                                                                   // the store passes the request's context on
}

var options = sessions.Options{Path: "/", MaxAge: 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode}

// The servers run for all tests.
var durableRedis, forgetfulRedis, postgres *server

var kinds = []kind{
	onRedis(kind{
		name:   "redisstore on a Redis that keeps its sessions",
		server: func() *server { return durableRedis },
		open: func(t *testing.T, limit time.Duration, _ ...[]byte) sessions.Store {
			store, err := stores.OpenRedisstore(t.Context(), "unix", durableRedis.socket(), limit)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { store.Close() })
			store.Options(options)
			return store
		},
		id:      func(cookie *http.Cookie) string { return "session:" + cookie.Value },
		durable: true, heeds: true,
	}),
	onRedis(kind{
		name:   "redistore on a Redis that forgets them",
		server: func() *server { return forgetfulRedis },
		open: func(t *testing.T, limit time.Duration, keys ...[]byte) sessions.Store {
			store, err := stores.OpenRedistore("unix", forgetfulRedis.socket(), limit, keys...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { store.Close() })
			*store.Options = options
			return store
		},
		id:     func(cookie *http.Cookie) string { return "session_" + signedID(cookie) },
		signed: true,
	}),
	{
		name:   "pgstore",
		server: func() *server { return postgres },
		open: func(t *testing.T, limit time.Duration, keys ...[]byte) sessions.Store {
			store, err := stores.OpenPgstore(postgres.dsn(), limit, options, keys...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { store.Close() })
			return store
		},
		id: signedID,
		remove: func(id string) error {
			return askPostgres(postgres, "DELETE FROM http_sessions WHERE key = $1", id)
		},
		expire: func(id string) error {
			return askPostgres(postgres, "UPDATE http_sessions SET expires_on = now() - interval '1 second' WHERE key = $1", id)
		},
		sweep: sweepPostgres,
		gone: func(id string) error {
			return askPostgres(postgres, "SELECT 1 / (count(*) = 0)::int FROM http_sessions WHERE key = $1", id)
		},
		durable: true, signed: true,
	},
}

func onRedis(k kind) kind {
	k.remove = func(id string) error { _, err := askRedis(k.server(), "DEL", id); return err }
	k.expire = func(id string) error { _, err := askRedis(k.server(), "PEXPIRE", id, 1); return err }
	k.gone = func(id string) error {
		n, err := askRedis(k.server(), "EXISTS", id)
		if err == nil && n != int64(0) {
			err = fmt.Errorf("EXISTS returns %v", n)
		}
		return err
	}
	return k
}

func signedID(cookie *http.Cookie) (id string) {
	_ = securecookie.DecodeMulti(cookie.Name, cookie.Value, &id, securecookie.CodecsFromPairs(key)...)
	return id
}

// sweepPostgres runs the cleanup that an app with pgstore starts in the background.
func sweepPostgres() error {
	db, err := stores.OpenPostgres(postgres.dsn(), patience)
	if err != nil {
		return err
	}
	defer db.Close()
	store := pgstore.PGStore{DbPool: db}
	quit, done := store.Cleanup(time.Millisecond)
	defer store.StopCleanup(quit, done)
	return waitFor(func() error {
		return askPostgres(postgres, "SELECT 1 / (count(*) = 0)::int FROM http_sessions WHERE expires_on < now()")
	})
}

// forEachStore runs a test with all stores at the same time, since each has its own server.
func forEachStore(t *testing.T, test func(t *testing.T, k kind)) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			test(t, k)
		})
	}
}
