package stores_test

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

// This file is for copying: how to open each store so that a server which is down or hangs
// holds nobody up for longer than limit. network is "tcp" or "unix".

// openRedisstore opens a store that hands the request's context on to go-redis.
func openRedisstore(ctx context.Context, network, address string, limit time.Duration) (*redisstore.RedisStore, error) {
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

// openRedistore opens a store whose own constructors set no time-outs for redigo.
func openRedistore(network, address string, limit time.Duration, keys ...[]byte) (*redistore.RediStore, error) {
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

// openPostgres opens a pool of lib/pq, which has no time-out of its own for a server that
// hangs: statement_timeout is kept by the server.
func openPostgres(dsn string, limit time.Duration) (*sql.DB, error) {
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

// openPgstore opens a pgstore for concurrent use. A [pgstore.PGStore] writes to its own
// fields whenever it reads a session, which is a data race, so each call gets one of its own.
func openPgstore(dsn string, limit time.Duration, options sessions.Options, keys ...[]byte) (*pgStore, error) {
	db, err := openPostgres(dsn, limit)
	if err != nil {
		return nil, err
	}
	if _, err := pgstore.NewPGStoreFromPool(db); err != nil { // makes the table
		db.Close()
		return nil, err
	}
	return &pgStore{db, options, keys}, nil
}

type pgStore struct {
	db      *sql.DB
	options sessions.Options
	keys    [][]byte
}

func (s *pgStore) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

func (s *pgStore) New(r *http.Request, name string) (*sessions.Session, error) {
	return s.own().New(r, name)
}

func (s *pgStore) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	return s.own().Save(r, w, session)
}

func (s *pgStore) own() *pgstore.PGStore {
	options := s.options
	store := &pgstore.PGStore{DbPool: s.db, Options: &options, Codecs: securecookie.CodecsFromPairs(s.keys...)}
	store.MaxAge(options.MaxAge)
	return store
}

// untilDone is a store that gives up reading a session when the request's context ends,
// around one that does not heed the context. What was begun goes on in a goroutine until
// the store's own time-out, so the store needs one.
type untilDone struct{ sessions.Store }

func (s untilDone) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

func (s untilDone) New(r *http.Request, name string) (*sessions.Session, error) {
	type result struct {
		session *sessions.Session
		err     error
	}
	done := make(chan result, 1)
	go func() {
		session, err := s.Store.New(r, name)
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
