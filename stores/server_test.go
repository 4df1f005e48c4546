package stores_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is a Redis or a PostgreSQL. It listens on a Unix socket in its own folder, so that nothing
// else can take that address while the server is down.
type server struct {
	dir     string
	program string
	args    []string
	as      *syscall.Credential // nil: who runs the tests
	ready   func(*server) error
	process *exec.Cmd
}

const patience = 30 * time.Second // for something that takes milliseconds

// waitFor waits until check returns nil. If that takes too long, it returns check's last error.
func waitFor(check func() error) error {
	deadline := time.Now().Add(patience)
	for {
		err := check()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// start starts the server and waits until it answers.
func (s *server) start() error {
	output, err := os.Create(filepath.Join(s.dir, "output"))
	if err != nil {
		return err
	}
	defer output.Close()
	s.process = exec.Command(s.program, s.args...)
	s.process.Dir, s.process.Stdout, s.process.Stderr = s.dir, output, output // files, since Wait waits for pipes
	// Pdeathsig: the server ends if the tests crash.
	s.process.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := s.process.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", s.program, err)
	}
	if err := waitFor(func() error { return s.ready(s) }); err != nil {
		s.kill()
		said, _ := os.ReadFile(output.Name())
		return fmt.Errorf("%s does not answer: %w; its output:\n%s", s.program, err, said)
	}
	return nil
}

// pause stops all of the server's processes: connections stay open, but nothing answers.
func (s *server) pause() { s.signal(syscall.SIGSTOP) }

func (s *server) resume() { s.signal(syscall.SIGCONT) }

// kill ends the server at once, as a crash would.
func (s *server) kill() {
	killed := s.signal(syscall.SIGSTOP, syscall.SIGKILL)
	_ = s.process.Wait()
	_ = waitFor(func() error { // a PostgreSQL starts only if no process of the last one is left
		for _, pid := range killed {
			if _, state, err := stat(pid); err == nil && state != "Z" && state != "X" {
				return errors.New("still there")
			}
		}
		return nil
	})
}

// stop ends the server as an operator does.
func (s *server) stop() {
	s.signal(syscall.SIGCONT, syscall.SIGINT)
	_ = s.process.Wait()
}

// signal sends signals to all of the server's processes, and returns their IDs.
func (s *server) signal(signals ...syscall.Signal) []int {
	if s.process.ProcessState != nil {
		return nil // it has ended, and another process may have its ID
	}
	_ = syscall.Kill(s.process.Process.Pid, signals[0]) // a stopped process does not start others
	pids := s.processes()
	for _, signal := range signals {
		for _, pid := range pids {
			_ = syscall.Kill(pid, signal)
		}
	}
	return pids
}

// processes returns the IDs of the process that was started and of its children. PostgreSQL starts
// one for each connection.
func (s *server) processes() []int {
	pids := []int{s.process.Process.Pid}
	entries, _ := filepath.Glob("/proc/[0-9]*")
	for _, entry := range entries {
		pid, _ := strconv.Atoi(filepath.Base(entry))
		if parent, _, err := stat(pid); err == nil && parent == pids[0] {
			pids = append(pids, pid)
		}
	}
	return pids
}

// stat returns a process's parent and its state (proc_pid_stat(5)).
func stat(pid int) (parent int, state string, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, "", err
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	parent, err = strconv.Atoi(fields[1])
	return parent, fields[0], err
}

// tools are the paths of the programs that the tests need.
var tools struct{ redis, initdb, postgres string }

// findTools finds the tools and returns the names of those that are missing.
func findTools() (missing []string) {
	var err error
	if tools.redis, err = exec.LookPath("redis-server"); err != nil {
		missing = append(missing, "redis-server (Debian's package)")
	}
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); len(found) > 0 {
		tools.initdb = found[len(found)-1]
		tools.postgres = filepath.Join(filepath.Dir(tools.initdb), "postgres")
	} else {
		missing = append(missing, "postgresql (Debian's package)")
	}
	return missing
}

// newRedis starts a Redis. A durable one writes to disk before it answers.
func newRedis(dir string, durable bool) (*server, error) {
	appendOnly := map[bool]string{true: "yes", false: "no"}[durable]
	s := &server{
		dir: dir, program: tools.redis,
		args:  []string{"--port", "0", "--unixsocket", "redis.sock", "--save", "", "--appendonly", appendOnly},
		ready: func(s *server) error { _, err := askRedis(s, "PING"); return err },
	}
	return s, s.start()
}

func (s *server) socket() string { return filepath.Join(s.dir, "redis.sock") }

// newPostgres starts a PostgreSQL, which does not run as root.
func newPostgres(dir string) (*server, error) {
	s := &server{
		dir: dir, program: tools.postgres,
		// fsync matters only if the machine crashes.
		args:  []string{"-D", filepath.Join(dir, "data"), "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=16MB"},
		ready: func(s *server) error { return askPostgres(s, "SELECT 1") },
	}
	if os.Geteuid() == 0 {
		account, err := user.Lookup("postgres")
		if err != nil {
			return nil, err
		}
		uid, _ := strconv.Atoi(account.Uid)
		gid, _ := strconv.Atoi(account.Gid)
		s.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, uid, gid); err != nil {
			return nil, err
		}
	}
	initdb := exec.Command(tools.initdb, "-D", filepath.Join(dir, "data"), "-U", "docslogin", "--auth=trust", "--no-sync", "--locale=C", "--encoding=UTF8")
	initdb.Dir, initdb.SysProcAttr = dir, &syscall.SysProcAttr{Credential: s.as}
	if output, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w; its output:\n%s", err, output)
	}
	return s, s.start()
}

func (s *server) dsn() string {
	return "host=" + s.dir + " user=docslogin dbname=postgres sslmode=disable"
}
