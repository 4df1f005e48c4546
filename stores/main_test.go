package stores_test

import (
	"database/sql"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if missing := findTools(); missing != nil {
		fmt.Fprintf(os.Stderr, "stores: missing: %s.\nRun stores/setup, which installs them.\n", strings.Join(missing, ", "))
		os.Exit(1)
	}
	os.Exit(run(m))
}

func run(m *testing.M) (status int) {
	servers := []struct {
		make func(dir string) (*server, error)
		to   **server
	}{
		{func(dir string) (*server, error) { return newRedis(dir, true) }, &durableRedis},
		{func(dir string) (*server, error) { return newRedis(dir, false) }, &forgetfulRedis},
		{newPostgres, &postgres},
	}
	failed := make([]error, len(servers))
	var starting sync.WaitGroup
	for i, s := range servers {
		dir, err := os.MkdirTemp("", "stores") // not t.TempDir, which PostgreSQL's user cannot enter
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		starting.Go(func() { *s.to, failed[i] = s.make(dir) })
	}
	starting.Wait()
	for i, s := range servers {
		if failed[i] != nil {
			fmt.Fprintf(os.Stderr, "stores: %v\n", failed[i])
			status = 1
			continue
		}
		defer (*s.to).stop()
	}
	if status != 0 {
		return status
	}
	before := goleak.IgnoreCurrent() // the goroutines that wait for the servers
	status = m.Run()
	if err := goleak.Find(before); err != nil && status == 0 {
		fmt.Fprintf(os.Stderr, "stores: goroutines are left: %v\n", err)
		status = 1
	}
	return status
}

// askRedis sends a command to a server, as an operator does.
func askRedis(s *server, command string, args ...any) (any, error) {
	conn, err := redis.Dial("unix", s.socket(), redis.DialReadTimeout(time.Second))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.Do(command, args...)
}

// askPostgres sends a statement to a server, as an operator does.
func askPostgres(s *server, statement string, args ...any) error {
	db, err := sql.Open("postgres", s.dsn()+" connect_timeout=1")
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec(statement, args...)
	return err
}
