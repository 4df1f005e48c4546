// Package stores is for copying, not for importing: how to open gorilla session stores whose
// sessions are in Redis or PostgreSQL, so that a server which is down or hangs holds nobody up
// for ever. network is "tcp" or "unix"; limit is the longest that one connecting, reading or
// writing may take.
//
// The tests put docslogin over such stores, on real servers which are killed, stopped and
// emptied meanwhile; README.md says how to run them, and what to know of each store.
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

// OpenRedisstore opens a store that hands the request's context on to go-redis.
func OpenRedisstore(ctx context.Context, network, address string, limit time.Duration) (*redisstore.RedisStore, error) {
	client := goredis.NewClient(&goredis.Options{
		Network: network, Addr: address,
		ContextTimeoutEnabled: true, // or the request's deadline is not heeded
		DialTimeout:           limit, ReadTimeout: limit, WriteTimeout: limit,
		MaxRetries: -1, DialerRetries: 1, // or limit counts several times
	})
	store, err := redisstore.NewRedisStore(ctx, client)
	if err != nil {
		client.Close()
		return nil, err
	}
	return store, nil
}

// OpenRedistore opens a store whose own constructors set no time-outs for redigo.
func OpenRedistore(network, address string, limit time.Duration, keys ...[]byte) (*redistore.RediStore, error) {
	return redistore.NewRediStoreWithPool(&redis.Pool{
		MaxIdle:     10,
		IdleTimeout: 4 * time.Minute,
		Dial: func() (redis.Conn, error) {
			return redis.Dial(network, address,
				redis.DialConnectTimeout(limit), redis.DialReadTimeout(limit), redis.DialWriteTimeout(limit))
		},
		TestOnBorrow: func(c redis.Conn, _ time.Time) error { // finds the connections to a server that was restarted
			_, err := c.Do("PING")
			return err
		},
	}, keys...)
}

// OpenPostgres opens a pool of lib/pq, which has no time-out of its own for a server that
// hangs: statement_timeout is kept by the server.
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

// dialer is a [pq.Dialer] whose connections end a read or a write after limit.
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

// OpenPgstore opens a pgstore for concurrent use. A [pgstore.PGStore] writes to its own
// fields whenever it reads a session, which is a data race, so each call gets one of its own.
func OpenPgstore(dsn string, limit time.Duration, options sessions.Options, keys ...[]byte) (*Pgstore, error) {
	db, err := OpenPostgres(dsn, limit)
	if err != nil {
		return nil, err
	}
	if _, err := pgstore.NewPGStoreFromPool(db); err != nil { // makes the table
		db.Close()
		return nil, err
	}
	return &Pgstore{db, options, keys}, nil
}

// Pgstore is what [OpenPgstore] opens.
type Pgstore struct {
	db      *sql.DB
	options sessions.Options
	keys    [][]byte
}

// Close closes the pool.
func (s *Pgstore) Close() error { return s.db.Close() }

// Get returns the request's session of that name.
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

// UntilDone is a store that gives up reading a session when the request's context ends,
// around one that does not heed the context. What was begun goes on in a goroutine until
// the store's own time-out, so the store needs one.
type UntilDone struct{ sessions.Store }

// Get returns the request's session of that name.
func (s UntilDone) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

// New reads a session, or makes one. If the request's context ends meanwhile, its error comes
// with an empty session, which is not to be saved: it would take the place of the visitor's.
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
		session := sessions.NewSession(s, name) // the registry wants one
		session.Options, session.IsNew = &sessions.Options{}, true
		return session, r.Context().Err()
	}
}
