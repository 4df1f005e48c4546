// Command bench measures docslogin against what people would use in its place, and prints
// each goal with what was measured. See README.md for how.
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

// bench is how long to measure, and what.
type bench struct {
	rounds          int
	handler, server time.Duration // of one contestant in one round
	logins          int           // for the memory
	pin             bool
	sites           []*site
}

// stage is what is measured together: a figure for each goal.
type stage struct {
	goals   []goal
	measure func(context.Context) ([]figure, error)
}

// run prints the table. That a goal is missed is no error.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	sites, err := newSites()
	if err != nil {
		return err
	}
	b := &bench{logins: 1_000_000, sites: sites}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stdout)
	flags.IntVar(&b.rounds, "rounds", 31, "how many `times` each contestant is measured, one after the other")
	flags.DurationVar(&b.handler, "handler", 60*time.Millisecond, "how much processor `time` a handler gets in one round")
	flags.DurationVar(&b.server, "server", time.Second, "for how much `time` a server is under load in one round")
	flags.BoolVar(&b.pin, "pin", true, "give the server under load one core, and the load another")
	only := flags.String("only", "", "measure only the rows that match this `regexp`")
	quick := flags.Bool("quick", false, "try whether everything runs: the figures mean nothing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	wanted, err := regexp.Compile(*only)
	switch {
	case err != nil:
		return fmt.Errorf("-only: %w", err)
	case flags.NArg() > 0:
		return fmt.Errorf("unknown argument %q: there are only flags, see -h", flags.Arg(0))
	case b.rounds < 1 || b.handler <= 0 || b.server <= 0:
		return errors.New("-rounds, -handler and -server have to be above zero")
	}
	if *quick {
		b.rounds, b.handler, b.server, b.logins = 2, time.Millisecond, 50*time.Millisecond, 3000
	}
	machine, err := describeMachine()
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s%d rounds; in each, %v of every handler and %v of every server; %s\n", machine, b.rounds, b.handler, b.server, b.placement())
	if *quick {
		fmt.Fprintln(stdout, "A QUICK RUN: THE FIGURES MEAN NOTHING")
	}
	fmt.Fprintln(stdout)
	return b.print(ctx, b.stages(), wanted, stdout)
}

func (b *bench) stages() []stage {
	stages := []stage{otherRequests(b)}
	for _, s := range b.sites {
		stages = append(stages, logins(b, s))
	}
	stages = append(stages, allocationsOfLogins(b))
	for _, s := range b.sites {
		stages = append(stages, servers(b, s))
	}
	return append(stages, memory(b), twoCores(b))
}

// print measures and prints, row by row, as a table in Markdown.
func (b *bench) print(ctx context.Context, stages []stage, wanted *regexp.Regexp, stdout io.Writer) error {
	width := 0
	for _, s := range stages {
		for _, g := range s.goals {
			if wanted.MatchString(g.what) {
				width = max(width, utf8.RuneCountInString(g.what))
			}
		}
	}
	if width == 0 {
		return fmt.Errorf("-only: no row matches %q", wanted)
	}
	row := func(what, goal, measured, medians, met string) {
		fmt.Fprintf(stdout, "| %-*s | %-8s | %-20s | %-7s | %-6s |\n", width, what, goal, measured, medians, met)
	}
	row("what", "goal", "measured", "medians", "")
	row("---", "---", "---", "---", "---")
	for _, s := range stages {
		var figures []figure
		for i, g := range s.goals {
			if !wanted.MatchString(g.what) {
				continue
			}
			if figures == nil {
				var err error
				if figures, err = s.measure(ctx); err != nil {
					return fmt.Errorf("measuring %q: %w", g.what, cmp.Or(ctx.Err(), err))
				}
			}
			met := "met"
			if !g.isMet(figures[i]) {
				met = "MISSED"
			}
			measured, medians := figures[i].in(g.unit)
			row(g.what, g.String(), measured, medians, met)
		}
	}
	return nil
}
