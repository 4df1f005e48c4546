// Package stores shows how to open gorilla session stores whose sessions are in Redis or
// PostgreSQL, so that nobody waits for ever for a server that is down or hangs. Copy its code; do
// not import it. network is "tcp" or "unix". limit is the timeout of each connect, read, and write.
//
// The tests run docslogin with these stores, on real servers that they kill, stop, and empty.
// README.md says how to run them, and what to know about each store.
package stores

import (
	"context"
	"database/sql"
	"net"
	"net/http"
	"time"

	"github.com/antonlindstrom/pgstore"
	"github.com/boj/redistore"
	"github.com/gomodule/redigo/redis"
	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"
	"github.com/lib/pq"
	"github.com/rbcervilla/redisstore/v9"
	goredis "github.com/redis/go-redis/v9"
)

// OpenRedisstore opens a store that passes the request's context to go-redis.
func OpenRedisstore(ctx context.Context, network, address string, limit time.Duration) (*redisstore.RedisStore, error) {
	client := goredis.NewClient(&goredis.Options{
		Network: network, Addr: address,
		ContextTimeoutEnabled: true, // otherwise the request's deadline has no effect
		DialTimeout:           limit, ReadTimeout: limit, WriteTimeout: limit,
		MaxRetries: -1, DialerRetries: 1, // otherwise limit counts several times
	})
	store, err := redisstore.NewRedisStore(ctx, client)
	if err != nil {
		client.Close()
		return nil, err
	}
	return store, nil
}

// OpenRedistore opens a store with timeouts for redigo, which the store's own constructors do not
// set.
func OpenRedistore(network, address string, limit time.Duration, keys ...[]byte) (*redistore.RediStore, error) {
	return redistore.NewRediStoreWithPool(&redis.Pool{
		MaxIdle:     10,
		IdleTimeout: 4 * time.Minute,
		Dial: func() (redis.Conn, error) {
			return redis.Dial(network, address,
				redis.DialConnectTimeout(limit), redis.DialReadTimeout(limit), redis.DialWriteTimeout(limit))
		},
		TestOnBorrow: func(c redis.Conn, _ time.Time) error { // finds connections that a restart of the server has closed
			_, err := c.Do("PING")
			return err
		},
	}, keys...)
}

// OpenPostgres opens a pool of lib/pq with a timeout for a server that hangs. lib/pq has none, and
// statement_timeout does not help, since the server enforces it.
func OpenPostgres(dsn string, limit time.Duration) (*sql.DB, error) {
	connector, err := pq.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	connector.Dialer(dialer{limit})
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(10)
	return db, nil
}

// dialer is a [pq.Dialer] whose connections have a timeout for each read and write.
type dialer struct{ limit time.Duration }

func (d dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialTimeout(network, address, d.limit)
}

func (d dialer) DialTimeout(network, address string, limit time.Duration) (net.Conn, error) {
	conn, err := net.DialTimeout(network, address, limit)
	if err != nil {
		return nil, err
	}
	return limitedConn{conn, d.limit}, nil
}

type limitedConn struct {
	net.Conn
	limit time.Duration
}

func (c limitedConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.limit)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c limitedConn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.limit)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// OpenPgstore opens a pgstore that is safe for concurrent use by multiple goroutines. A
// [pgstore.PGStore] is not: it writes to its own fields when it reads a session. So each call uses
// a new one.
func OpenPgstore(dsn string, limit time.Duration, options sessions.Options, keys ...[]byte) (*Pgstore, error) {
	db, err := OpenPostgres(dsn, limit)
	if err != nil {
		return nil, err
	}
	if _, err := pgstore.NewPGStoreFromPool(db); err != nil { // creates the table
		db.Close()
		return nil, err
	}
	return &Pgstore{db, options, keys}, nil
}

// Pgstore is the store that [OpenPgstore] opens.
type Pgstore struct {
	db      *sql.DB
	options sessions.Options
	keys    [][]byte
}

// Close closes the pool.
func (s *Pgstore) Close() error { return s.db.Close() }

// Get returns the request's session with a name.
func (s *Pgstore) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

// New reads a session, or makes one.
func (s *Pgstore) New(r *http.Request, name string) (*sessions.Session, error) {
	return s.own().New(r, name)
}

// Save writes a session, and its cookie.
func (s *Pgstore) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	return s.own().Save(r, w, session)
}

func (s *Pgstore) own() *pgstore.PGStore {
	options := s.options
	store := &pgstore.PGStore{DbPool: s.db, Options: &options, Codecs: securecookie.CodecsFromPairs(s.keys...)}
	store.MaxAge(options.MaxAge)
	return store
}

// UntilDone wraps a store that ignores the request's context. It stops waiting for a session when
// the context ends. The read continues in a goroutine until the store's own timeout, so the store
// needs one.
type UntilDone struct{ sessions.Store }

// Get returns the request's session with a name.
func (s UntilDone) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

// New reads a session, or makes one. If the request's context ends first, New returns its error and
// an empty session. Do not save that session: it would replace the visitor's.
func (s UntilDone) New(r *http.Request, name string) (*sessions.Session, error) {
	type result struct {
		session *sessions.Session
		err     error
	}
	done := make(chan result, 1)
	// The goroutine may outlive the handler, and gorilla's registry writes to a request.
	own := r.WithContext(r.Context())
	go func() {
		session, err := s.Store.New(own, name)
		done <- result{session, err}
	}()
	select {
	case got := <-done:
		return got.session, got.err
	case <-r.Context().Done():
		session := sessions.NewSession(s, name) // gorilla's registry needs one
		session.Options, session.IsNew = &sessions.Options{}, true
		return session, r.Context().Err()
	}
}
