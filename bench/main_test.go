package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "serve-app" { // bench starts itself as the app
		if err := serveApp(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	var missing []string
	for _, program := range []string{"node", "taskset"} {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, program)
		}
	}
	for _, name := range []string{"express", "cookie-session", "jsonwebtoken", "jose"} {
		if _, err := os.Stat("node_modules/" + name); err != nil {
			missing = append(missing, name+" (npm package)")
		}
	}
	if missing != nil {
		fmt.Fprintf(os.Stderr, "bench: missing: %s.\nInstall Node.js 20 or newer, then run bench/setup, which installs the rest.\n", strings.Join(missing, ", "))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// unpinned adds -pin=false to the arguments if there is only one core.
func unpinned(args ...string) []string {
	if runtime.NumCPU() < 2 {
		args = append(args, "-pin=false")
	}
	return args
}

// wantedRows has the name and the goal of each row.
var wantedRows = []string{
	"request for another route: allocations added 0",
	"request for another route: calls of the app's functions 0",
	"request for another route: time added ≤ 8.0 ns",
	"request for another route: time vs. the mux of 30 routes alone ≤ 1.06 ×",
	"HS256 login: time vs. a handwritten handler without checks ≤ 1.20 ×",
	"HS256 login: time vs. golang-jwt ≤ 0.85 ×",
	"HS256 login: time vs. go-jose with a signer per request ≤ 0.60 ×",
	"EdDSA login: time vs. a handwritten handler without checks ≤ 1.06 ×",
	"EdDSA login: time vs. golang-jwt ≤ 0.96 ×",
	"EdDSA login: time vs. go-jose with a signer per request ≤ 0.55 ×",
	"ES256 login: time vs. a handwritten handler without checks ≤ 1.06 ×",
	"ES256 login: time vs. golang-jwt ≤ 0.98 ×",
	"ES256 login: time vs. go-jose with a signer per request ≤ 0.64 ×",
	"HS256 login: allocations ≤ 56",
	"EdDSA login: allocations ≤ 58",
	"ES256 login: allocations ≤ 125",
	"anonymous request: allocations ≤ 16",
	"anonymous request: signatures 0",
	"worst anonymous request: processor time ≤ 1.00 ms",
	"HS256 server: logins per second vs. Express with jsonwebtoken ≥ 4.20 ×",
	"HS256 server: p99 latency vs. Express with jsonwebtoken ≤ 0.30 ×",
	"HS256 server: resident memory vs. Express with jsonwebtoken ≤ 0.20 ×",
	"EdDSA server: logins per second vs. Express with jose ≥ 3.50 ×",
	"EdDSA server: p99 latency vs. Express with jose ≤ 0.30 ×",
	"EdDSA server: resident memory vs. Express with jose ≤ 0.20 ×",
	"ES256 server: logins per second vs. Express with jose ≥ 3.30 ×",
	"ES256 server: p99 latency vs. Express with jose ≤ 0.30 ×",
	"ES256 server: resident memory vs. Express with jose ≤ 0.20 ×",
	"one million logins: live heap added ≤ 64 KiB",
	"EdDSA logins per second: two cores vs. one ≥ 1.70 ×",
}

func TestTheWholeTable(t *testing.T) {
	var out strings.Builder
	if err := run(context.Background(), unpinned("-quick"), &out); err != nil {
		t.Fatalf("%v after\n%s", err, &out)
	}
	for _, wanted := range []string{
		`^\S.+, \d+ cores, .+, Linux \d+\..+, 20\d\d-\d\d-\d\d\n`,
		`\ngo1\.\d+.*go-jose/go-jose/v4 v4\.\d.*golang-jwt/jwt/v5 v5\.\d.*gorilla/sessions v1\.\d`,
		`\nNode v\d+\.\d+\.\d+, express 5\.\d+\.\d+, cookie-session \d+\.\d+\.\d+, jsonwebtoken 9\.\d+\.\d+, jose 6\.\d+\.\d+\n`,
		`\n2 rounds; per round: 1ms per handler, 50µs per hostile request, 50ms per server; (the server under load runs on core 0, the load on core 1|servers and load run on any core)\n`,
		`\nQUICK RUN`,
	} {
		if !regexp.MustCompile(wanted).MatchString(out.String()) {
			t.Errorf("no match for %s", wanted)
		}
	}
	var rows []string
	row := regexp.MustCompile(`(?m)^\| (.+?) *\| ([≥≤0].*?) *\| (-?\d\S*)( \S+)?( \(\S+\))?(; [^|]+)? *\|.*\| (met|MISSED|not judged: Ed25519 alone reaches \S+ ×) *\|$`)
	for _, match := range row.FindAllStringSubmatch(out.String(), -1) {
		rows = append(rows, match[1]+" "+match[2])
	}
	if !slices.Equal(rows, wantedRows) {
		t.Errorf("the rows are\n%s", strings.Join(rows, "\n"))
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

func TestOnlyMatchingRowsAreMeasured(t *testing.T) {
	var measured []string
	stages := []stage{}
	for _, name := range []string{"ants", "bees"} {
		stages = append(stages, stage{[]goal{atMost(9, "", name+" seen"), atMost(1, "", name+" heard")}, func(context.Context) ([]figure, error) {
			measured = append(measured, name)
			return []figure{exact(7), exact(2)}, nil
		}})
	}
	var out strings.Builder
	if err := new(bench).print(context.Background(), stages, regexp.MustCompile("bees"), &out); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(measured, []string{"bees"}) { // once for two rows
		t.Errorf("measured: %v", measured)
	}
	if want := "" +
		"| what       | goal      | measured             | medians |        |\n" +
		"| ---        | ---       | ---                  | ---     | ---    |\n" +
		"| bees seen  | ≤ 9       | 7                    |         | met    |\n" +
		"| bees heard | ≤ 1       | 2                    |         | MISSED |\n"; out.String() != want {
		t.Errorf("printed\n%s", &out)
	}
}

func TestInvalidFlags(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"-only", "("}, "-only: error parsing regexp"},
		{[]string{"-only", "nothing like it"}, `-only: no row matches "nothing like it"`},
		{[]string{"fast"}, `unexpected argument "fast"`},
		{[]string{"-rounds", "0"}, "-rounds, -handler, and -server must be positive"},
		{[]string{"-handler", "0"}, "-rounds, -handler, and -server must be positive"},
		{[]string{"-server", "-1s"}, "-rounds, -handler, and -server must be positive"},
	} {
		if err := run(context.Background(), tt.args, io.Discard); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v", tt.args, err)
		}
	}
}

func TestInterruptedStagesAreErrors(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	for _, row := range []string{"time added", "HS256 login: time", "worst anonymous request", "HS256 server", "two cores", "live heap"} {
		err := run(ctx, unpinned("-quick", "-only", row), io.Discard)
		if err == nil || !strings.Contains(err.Error(), row) || !strings.Contains(err.Error(), "canceled") {
			t.Errorf("%s: %v", row, err)
		}
	}
}
