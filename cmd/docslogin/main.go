// Command docslogin tests logins to hosted docs from a shell. It makes login URLs, explains why a
// docs platform accepts or rejects one, checks an app's configuration, and serves a test site:
//
//	docslogin url      prints a login URL
//	docslogin explain  explains a login URL or a token, rule by rule
//	docslogin check    checks a configuration as docslogin.New does, and the clock
//	docslogin site     serves a test site
//
// It exits with status 0 if everything is in order. The status is 1 if a login would be rejected or
// the configuration is wrong, and 2 if the command line is invalid. The command never prints a key
// that it was given; site prints the key that it makes if none is given. A token is printed only in
// the URL that was asked for, and the values of claims only on request.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
}

// tool is one run of the command.
type tool struct {
	ctx      context.Context
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
	terminal bool // whether stdout is a terminal
	color    bool // whether marks on stdout have a color
	settings settings
}

var commands = []struct {
	name string
	help func() string
	run  func(*tool, []string) error
}{
	{"url", urlHelp, (*tool).url},
	{"explain", explainHelp, (*tool).explain},
	{"check", checkHelp, (*tool).check},
	{"site", siteHelp, (*tool).site},
}

// commandNames returns the names of the commands for an error.
func commandNames() string {
	var names []string
	for _, c := range commands {
		names = append(names, c.name)
	}
	return list(names, "or")
}

// errReported means that the cause has been printed already.
var errReported = errors.New("reported")

// usageError describes what is wrong with the command line.
type usageError string

func (e usageError) Error() string { return string(e) }

func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer, getenv func(string) string) int {
	kept := &keeper{Writer: out}
	t := &tool{ctx: ctx, in: in, out: kept, err: errs, getenv: getenv, terminal: isTerminal(out), color: wantsColor(out, getenv)}
	err := t.dispatch(args)
	if err == nil && kept.err != nil {
		err = errors.New("the output could not be written: " + cause(kept.err))
	}
	if err == nil {
		return 0
	}
	if !errors.Is(err, errReported) {
		for line := range strings.Lines(err.Error()) {
			fmt.Fprintln(errs, clean("docslogin: "+strings.TrimSpace(line)))
		}
	}
	if usage := usageError(""); errors.As(err, &usage) {
		return 2
	}
	return 1
}

// keeper keeps the first error of its writer.
type keeper struct {
	io.Writer
	err error
}

func (k *keeper) Write(p []byte) (int, error) {
	n, err := k.Writer.Write(p)
	k.err = cmp.Or(k.err, err)
	return n, err
}

func (t *tool) dispatch(args []string) error {
	if len(args) == 0 {
		fmt.Fprint(t.err, mainHelp())
		return usageError("the command is missing; use " + commandNames())
	}
	name := strings.TrimLeft(args[0], "-")
	if name == "h" || name == "help" {
		if len(args) == 1 {
			fmt.Fprint(t.out, mainHelp())
			return nil
		}
		if args[1] == "platforms" {
			fmt.Fprint(t.out, platformsHelp())
			return nil
		}
		args = []string{args[1], "-h"}
	}
	for _, c := range commands {
		if c.name != args[0] {
			continue
		}
		err := c.run(t, args[1:])
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(t.out, c.help())
			return nil
		}
		return err
	}
	return usageError("there is no such command; use " + commandNames() + " (docslogin help)")
}

// parse reads the flags and returns the arguments, which may come before, between, and after them.
// Errors do not repeat a value, which may be a misplaced secret.
func parse(f *flag.FlagSet, args []string) ([]string, error) {
	f.SetOutput(io.Discard)
	var rest []string
	for {
		err := f.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		if err != nil {
			return nil, flagError(f, err.Error())
		}
		if f.NArg() == 0 {
			return rest, nil
		}
		rest, args = append(rest, f.Arg(0)), f.Args()[1:]
	}
}

func flagError(f *flag.FlagSet, text string) error {
	if name, ok := strings.CutPrefix(text, "flag needs an argument: "); ok {
		return usageError(name + " needs a value")
	}
	for begin, before := range map[string]string{"invalid value ": " for flag ", "invalid boolean value ": " for "} {
		if i := strings.LastIndex(text, before+"-"); i >= 0 && strings.HasPrefix(text, begin) {
			name, why, _ := strings.Cut(text[i+len(before):], ": ")
			if why == "parse error" {
				why = map[string]string{"-json": "it must be true or false"}[name]
				why = cmp.Or(why, "it must be a duration such as 5m")
			}
			return usageError("the value of " + name + " is invalid: " + why)
		}
	}
	var known []string
	f.VisitAll(func(f *flag.Flag) { known = append(known, f.Name) })
	i := strings.LastIndex(text, ": ") // the name may be part of a secret with a missing quote
	return usageError(fmt.Sprintf("there is no such flag; did you mean -%s? (docslogin help %s)", nearest(strings.TrimLeft(text[i+2:], "-"), known), f.Name()))
}

// nearest returns the known name that contains name, or else the known name that is the fewest
// edits away.
func nearest(name string, known []string) string {
	if len(name) > 64 {
		name = name[:64]
	}
	away := func(known string) int {
		if name != "" && strings.HasPrefix(known, name) {
			return 0
		}
		if name != "" && strings.Contains(known, name) {
			return 1
		}
		return distance(name, known)
	}
	return slices.MinFunc(known, func(a, b string) int { return away(a) - away(b) })
}

// distance returns the Levenshtein distance, without regard to case.
func distance(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal, row[j+1] = row[j+1], min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// stamp returns a function that reads a flag's time into at.
func stamp(at *time.Time) func(string) error {
	return func(text string) error {
		parsed, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return errors.New("it must be a time such as 2026-11-21T18:00:00Z")
		}
		*at = parsed
		return nil
	}
}
