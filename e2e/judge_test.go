package e2e_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
)

// judge is the process of judge.mjs. The first request starts it.
var judge struct {
	sync.Mutex
	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

// ask sends a request to the judge and decodes its answer.
func ask[Answer any](t *testing.T, op string, request map[string]any) (answer Answer) {
	t.Helper()
	line, err := consult(op, request)
	if err != nil {
		t.Fatalf("judge.mjs: %v", err)
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		t.Fatalf("judge.mjs answers %.200q: %v", line, err)
	}
	return answer
}

func consult(op string, request map[string]any) ([]byte, error) {
	judge.Lock()
	defer judge.Unlock()
	if judge.process == nil {
		process := exec.Command(tools.node, "judge.mjs")
		process.Stderr = os.Stderr
		in, err := process.StdinPipe()
		if err != nil {
			return nil, err
		}
		out, err := process.StdoutPipe()
		if err != nil {
			return nil, err
		}
		if err := process.Start(); err != nil {
			return nil, err
		}
		judge.process, judge.in, judge.out = process, in, bufio.NewReader(out)
	}
	request["op"] = op
	line, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	if _, err := judge.in.Write(append(line, '\n')); err != nil {
		return nil, err
	}
	return judge.out.ReadBytes('\n')
}

func stopJudge() {
	if judge.process == nil {
		return
	}
	judge.in.Close()
	if err := judge.process.Wait(); err != nil {
		fmt.Fprintln(os.Stderr, "judge.mjs:", err)
	}
}
