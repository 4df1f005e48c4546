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
	if len(os.Args) == 2 && os.Args[1] == "serve-app" { // the bench starts itself as the app
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
			missing = append(missing, name+" (npm's package)")
		}
	}
	if missing != nil {
		fmt.Fprintf(os.Stderr, "bench: missing: %s.\nRun bench/setup, which installs them, but Node.js (20 or newer).\n", strings.Join(missing, ", "))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// bySystem leaves the placement to the system where there is no second core.
func bySystem(args ...string) []string {
	if runtime.NumCPU() < 2 {
		args = append(args, "-pin=false")
	}
	return args
}

func TestTheWholeTable(t *testing.T) {
	var out strings.Builder
	if err := run(context.Background(), bySystem("-quick"), &out); err != nil {
		t.Fatalf("%v after\n%s", err, &out)
	}
	for _, wanted := range []string{
		`^\S.+, \d+ cores, .+, Linux \d+\..+, 20\d\d-\d\d-\d\d\n`,
		`\ngo1\.\d+.*go-jose/go-jose/v4 v4\.\d.*golang-jwt/jwt/v5 v5\.\d.*gorilla/sessions v1\.\d`,
		`\nNode v\d+\.\d+\.\d+, express 5\.\d+\.\d+, cookie-session \d+\.\d+\.\d+, jsonwebtoken 9\.\d+\.\d+, jose 6\.\d+\.\d+\n`,
		`\n2 rounds; in each, 1ms of every handler and 50ms of every server; (a server under load has core 0, and the load core 1|servers and load are where the system puts them)\n`,
		`\nA QUICK RUN`,
	} {
		if !regexp.MustCompile(wanted).MatchString(out.String()) {
			t.Errorf("there is no %s", wanted)
		}
	}
	var rows []string
	row := regexp.MustCompile(`(?m)^\| (.+?) *\| ([≥≤0].*?) *\| (-?\d\S*)( \S+)?( \(\S+\))? *\|.*\| (met|MISSED) *\|$`)
	for _, match := range row.FindAllStringSubmatch(out.String(), -1) {
		rows = append(rows, match[1]+" "+match[2])
	}
	wanted := []string{
		"a request that is not for the route: allocations added 0",
		"a request that is not for the route: the app's own funcs called 0",
		"a request that is not for the route: time added ≤ 8.0 ns",
		"a request that is not for the route: against the bare mux of 30 routes ≤ 1.06 ×",
		"a login, HS256: against one written by hand that checks nothing ≤ 1.90 ×",
		"a login, HS256: against golang-jwt as people use it ≤ 1.15 ×",
		"a login, HS256: against go-jose as people use it at first ≤ 0.80 ×",
		"a login, EdDSA: against one written by hand that checks nothing ≤ 1.25 ×",
		"a login, EdDSA: against golang-jwt as people use it ≤ 1.05 ×",
		"a login, EdDSA: against go-jose as people use it at first ≤ 0.90 ×",
		"a login, ES256: against one written by hand that checks nothing ≤ 1.20 ×",
		"a login, ES256: against golang-jwt as people use it ≤ 1.05 ×",
		"a login, ES256: against go-jose as people use it at first ≤ 0.90 ×",
		"allocations of a login, HS256 ≤ 130",
		"allocations of a login, EdDSA ≤ 125",
		"allocations of a login, ES256 ≤ 195",
		"allocations for an anonymous visitor ≤ 25",
		"signatures for anonymous visitors 0",
		"a whole server, HS256: against Express with jsonwebtoken: logins per second ≥ 3.50 ×",
		"a whole server, HS256: against Express with jsonwebtoken: latency, 99 in 100 below ≤ 0.33 ×",
		"a whole server, HS256: against Express with jsonwebtoken: memory ≤ 0.25 ×",
		"a whole server, EdDSA: against Express with jose: logins per second ≥ 3.00 ×",
		"a whole server, EdDSA: against Express with jose: latency, 99 in 100 below ≤ 0.33 ×",
		"a whole server, EdDSA: against Express with jose: memory ≤ 0.25 ×",
		"a whole server, ES256: against Express with jose: logins per second ≥ 2.50 ×",
		"a whole server, ES256: against Express with jose: latency, 99 in 100 below ≤ 0.33 ×",
		"a whole server, ES256: against Express with jose: memory ≤ 0.25 ×",
		"live heap added by a million logins ≤ 64 KiB",
		"logins per second on two cores, EdDSA: against one core ≥ 1.70 ×",
	}
	if !slices.Equal(rows, wanted) {
		t.Errorf("the rows are\n%s", strings.Join(rows, "\n"))
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

func TestOnlyWhatIsAskedForIsMeasured(t *testing.T) {
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
		"| what       | goal     | measured             | medians |        |\n" +
		"| ---        | ---      | ---                  | ---     | ---    |\n" +
		"| bees seen  | ≤ 9      | 7                    |         | met    |\n" +
		"| bees heard | ≤ 1      | 2                    |         | MISSED |\n"; out.String() != want {
		t.Errorf("printed\n%s", &out)
	}
}

func TestMistakesInFlags(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"-only", "("}, "-only: error parsing regexp"},
		{[]string{"-only", "nothing like it"}, `-only: no row matches "nothing like it"`},
		{[]string{"fast"}, `unknown argument "fast"`},
		{[]string{"-rounds", "0"}, "-rounds, -handler and -server have to be above zero"},
		{[]string{"-handler", "0"}, "-rounds, -handler and -server have to be above zero"},
		{[]string{"-server", "-1s"}, "-rounds, -handler and -server have to be above zero"},
	} {
		if err := run(context.Background(), tt.args, io.Discard); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v", tt.args, err)
		}
	}
}

func TestWhatCannotBeMeasuredIsAnError(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	for _, row := range []string{"time added", "a login, HS256", "a whole server, HS256", "two cores", "live heap"} {
		err := run(ctx, bySystem("-quick", "-only", row), io.Discard)
		if err == nil || !strings.Contains(err.Error(), row) || !strings.Contains(err.Error(), "canceled") {
			t.Errorf("%s, interrupted: %v", row, err)
		}
	}
}
