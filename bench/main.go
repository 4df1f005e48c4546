// Command bench measures docslogin and its alternatives. It prints a table of the goals and the
// measured values. README.md explains the method.
//
//	./setup && go run .
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
	"unicode/utf8"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if len(os.Args) == 2 && os.Args[1] == appArgument {
		err = serveApp(os.Stdin, os.Stdout)
	} else {
		err = run(ctx, os.Args[1:], os.Stdout)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "docslogin/bench:", err)
		os.Exit(1)
	}
}

// bench is the configuration of a run.
type bench struct {
	rounds  int
	handler time.Duration // processor time per handler and round
	server  time.Duration // time per server and round
	logins  int           // logins of the memory stage
	pin     bool
	each    io.Writer // receives the cost of each hostile request
	sites   []*site
}

// hostile returns the processor time per hostile request and round. It is short, because there are many.
func (b *bench) hostile() time.Duration { return b.handler / 20 }

// stage is a group of rows that are measured together. measure returns a figure for each goal.
type stage struct {
	goals   []goal
	measure func(context.Context) ([]figure, error)
}

// run prints the table. A missed goal is not an error.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	sites, err := newSites()
	if err != nil {
		return err
	}
	b := &bench{logins: 1_000_000, each: io.Discard, sites: sites}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stdout)
	flags.IntVar(&b.rounds, "rounds", 31, "measure everything this many `times`")
	flags.DurationVar(&b.handler, "handler", 60*time.Millisecond, "processor `time` per handler and round")
	flags.DurationVar(&b.server, "server", time.Second, "load `time` per server and round")
	flags.BoolVar(&b.pin, "pin", true, "run the server under load on one core, and the load on another")
	only := flags.String("only", "", "measure only the rows that match this `regexp`")
	each := flags.Bool("each", false, "print the cost of each hostile request, not only of the worst one")
	quick := flags.Bool("quick", false, "only check that everything runs; the figures mean nothing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	wanted, err := regexp.Compile(*only)
	switch {
	case err != nil:
		return fmt.Errorf("-only: %w", err)
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q; see -h for the flags", flags.Arg(0))
	case b.rounds < 1 || b.handler <= 0 || b.server <= 0:
		return errors.New("-rounds, -handler, and -server must be positive")
	}
	if *quick {
		b.rounds, b.handler, b.server, b.logins = 2, time.Millisecond, 50*time.Millisecond, 3000
	}
	if *each {
		b.each = stdout
	}
	machine, err := describeMachine()
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s%d rounds; per round: %v per handler, %v per hostile request, %v per server; %s\n",
		machine, b.rounds, b.handler, b.hostile(), b.server, b.placement())
	if *quick {
		fmt.Fprintln(stdout, "QUICK RUN: THE FIGURES MEAN NOTHING")
	}
	fmt.Fprintln(stdout)
	return b.print(ctx, b.stages(), wanted, stdout)
}

func (b *bench) stages() []stage {
	stages := []stage{otherRoutes(b)}
	for _, s := range b.sites {
		stages = append(stages, logins(b, s))
	}
	stages = append(stages, loginAllocations(b), worstRequest(b))
	for _, s := range b.sites {
		stages = append(stages, servers(b, s))
	}
	return append(stages, memory(b), twoCores(b))
}

// print measures the rows that match wanted, and prints them as a Markdown table.
func (b *bench) print(ctx context.Context, stages []stage, wanted *regexp.Regexp, stdout io.Writer) error {
	width := 0
	for _, s := range stages {
		for _, g := range s.goals {
			if wanted.MatchString(g.name) {
				width = max(width, utf8.RuneCountInString(g.name))
			}
		}
	}
	if width == 0 {
		return fmt.Errorf("-only: no row matches %q", wanted)
	}
	row := func(name, goal, measured, medians, verdict string) {
		fmt.Fprintf(stdout, "| %-*s | %-9s | %-20s | %-7s | %-6s |\n", width, name, goal, measured, medians, verdict)
	}
	row("what", "goal", "measured", "medians", "")
	row("---", "---", "---", "---", "---")
	for _, s := range stages {
		var figures []figure
		for i, g := range s.goals {
			if !wanted.MatchString(g.name) {
				continue
			}
			if figures == nil {
				var err error
				if figures, err = s.measure(ctx); err != nil {
					return fmt.Errorf("measuring %q: %w", g.name, cmp.Or(ctx.Err(), err))
				}
			}
			measured, medians := figures[i].columns(g.unit)
			row(g.name, g.String(), measured, medians, g.verdict(figures[i]))
		}
	}
	return nil
}
