// Command docslogin makes a login URL for hosted docs, says what a docs platform makes of
// one, checks an app's settings, and serves docs to try an app with:
//
//	docslogin url      prints a login URL
//	docslogin explain  explains a login URL or a token, rule by rule
//	docslogin check    checks settings as docslogin.New does, and the clock
//	docslogin site     serves docs to log in at
//
// It exits with 0 if all is fine, with 1 if a login would be refused or a setting is wrong,
// and with 2 if it was called wrongly. It prints no key, no token but the URL that was asked
// for, and what a token says of a person only if asked to.
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
	terminal bool // stdout is one
	color    bool // of marks on stdout
	settings settings
}

var commands = []struct {
	name, help string
	run        func(*tool, []string) error
}{
	{"url", urlHelp, (*tool).url},
	{"explain", explainHelp, (*tool).explain},
	{"check", checkHelp, (*tool).check},
	{"site", siteHelp, (*tool).site},
}

const mainHelp = `docslogin signs an app's users in at its hosted docs. This command tries it out.

  docslogin url       print a login URL for a user
  docslogin explain   say what a docs platform makes of a login URL or a token
  docslogin check     check an app's settings as docslogin.New does, and clocks
  docslogin site      serve docs to log in at, for an app on this machine
  docslogin help url  all flags of a command

Flags of most:
  -platform NAME  readme, mintlify, mintlify-personalization, gitbook, fern,
                  zendesk, helpscout, developerhub, canny, featurebase, metabase
  -docs URL       where readers open the docs; for zendesk, the subdomain
  -key-file FILE  the secret, or a key in PEM; a line end at its end is ignored
  -key-env NAME   the same, in an environment variable (no flag takes the key
                  itself: it would stay in the shell's history)
  -company ID     the companyID, for canny
  -issuer URL     the issuer, for fern, if another one was agreed upon
  -json           print one JSON object

Exit codes: 0 all is fine; 1 a login would be refused, or a setting is wrong;
2 the command was called wrongly.
`

// errRefused says that what is wrong has been printed.
var errRefused = errors.New("refused")

// usageError is a mistake in how the command was called.
type usageError string

func (e usageError) Error() string { return string(e) }

func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer, getenv func(string) string) int {
	kept := &keeper{Writer: out}
	t := &tool{ctx: ctx, in: in, out: kept, err: errs, getenv: getenv, terminal: isTerminal(out), color: wantsColor(out, getenv)}
	err := t.dispatch(args)
	if err == nil && kept.err != nil {
		err = errors.New("what was to be printed could not be written: " + cause(kept.err))
	}
	if err == nil {
		return 0
	}
	if !errors.Is(err, errRefused) {
		for line := range strings.Lines(err.Error()) {
			fmt.Fprintln(errs, clean("docslogin: "+strings.TrimSpace(line)))
		}
	}
	if usage := usageError(""); errors.As(err, &usage) {
		return 2
	}
	return 1
}

// keeper keeps the first error of a writer.
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
		fmt.Fprint(t.err, mainHelp)
		return usageError("no command; it is url, explain, check or site")
	}
	name := strings.TrimLeft(args[0], "-")
	if name == "h" || name == "help" {
		if len(args) == 1 {
			fmt.Fprint(t.out, mainHelp)
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
			fmt.Fprint(t.out, c.help)
			return nil
		}
		return err
	}
	return usageError("there is no such command; it is url, explain, check or site (docslogin help)")
}

// parse reads the flags and returns the arguments, which may stand before, between and
// behind them. Errors do not repeat a value, which may be a secret in a wrong place.
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
				why = map[string]string{"-json": "it is true or false"}[name]
				why = cmp.Or(why, "it is a duration such as 5m")
			}
			return usageError("the value of " + name + " cannot be read: " + why)
		}
	}
	var known []string
	f.VisitAll(func(f *flag.Flag) { known = append(known, f.Name) })
	i := strings.LastIndex(text, ": ") // its name may be a secret that a quote is missing at
	return usageError(fmt.Sprintf("there is no such flag; did you mean -%s? (docslogin help %s)", nearest(strings.TrimLeft(text[i+2:], "-"), known), f.Name()))
}

// nearest returns the known name that is the fewest edits away, or that has all of it.
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

// distance is Levenshtein's, without regard to case.
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

// stamp reads a flag's time.
func stamp(at *time.Time) func(string) error {
	return func(text string) error {
		parsed, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return errors.New("it is a time such as 2026-11-21T18:00:00Z")
		}
		*at = parsed
		return nil
	}
}
