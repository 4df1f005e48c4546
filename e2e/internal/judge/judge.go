// Package judge runs Node scripts that judge what docslogin makes. A script reads one JSON request
// per line from standard input, and writes one JSON answer for each.
package judge

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Missing returns the names of what a script in the current directory needs but cannot find: Node,
// and the npm packages that it imports.
func Missing(packages ...string) (missing []string) {
	const node = "node (Node.js 20 or newer)"
	version, err := exec.Command("node", "--version").Output()
	number, _, _ := strings.Cut(strings.TrimPrefix(string(version), "v"), ".")
	switch major, numberErr := strconv.Atoi(number); {
	case err != nil:
		missing = append(missing, node)
	case numberErr != nil || major < 20:
		missing = append(missing, fmt.Sprintf("%s, not %s", node, strings.TrimSpace(string(version))))
	}
	for _, name := range packages {
		if _, err := os.Stat(filepath.Join("node_modules", name, "package.json")); err != nil {
			missing = append(missing, name+" (npm package)")
		}
	}
	return missing
}

// A Judge is the process of a script. The first request starts it. It is safe for concurrent use by
// multiple goroutines.
type Judge struct {
	script  string
	mu      sync.Mutex
	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

// New returns a Judge that runs a script.
func New(script string) *Judge { return &Judge{script: script} }

// Ask sends a request to a judge and decodes its answer.
func Ask[Answer any](t testing.TB, j *Judge, op string, request map[string]any) (answer Answer) {
	t.Helper()
	line, err := j.consult(op, request)
	if err != nil {
		t.Fatalf("%s: %v", j.script, err)
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		t.Fatalf("%s answers %.200q: %v", j.script, line, err)
	}
	return answer
}

func (j *Judge) consult(op string, request map[string]any) ([]byte, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.process == nil {
		if err := j.start(); err != nil {
			return nil, err
		}
	}
	request["op"] = op
	line, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	if _, err := j.in.Write(append(line, '\n')); err != nil {
		return nil, err
	}
	return j.out.ReadBytes('\n')
}

func (j *Judge) start() error {
	// The go command caches the result of a test until a file that the test has read changes.
	for _, file := range []string{j.script, "package-lock.json"} {
		if _, err := os.ReadFile(file); err != nil {
			return err
		}
	}
	process := exec.Command("node", j.script)
	process.Stderr = os.Stderr
	in, err := process.StdinPipe()
	if err != nil {
		return err
	}
	out, err := process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := process.Start(); err != nil {
		return err
	}
	j.process, j.in, j.out = process, in, bufio.NewReader(out)
	return nil
}

// Stop ends the process, if there is one.
func (j *Judge) Stop() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.process == nil {
		return
	}
	j.in.Close()
	if err := j.process.Wait(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", j.script, err)
	}
}
