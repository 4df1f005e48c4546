package main

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/docslogin/docslogin/internal/presets"
	"github.com/docslogin/docslogin/internal/rules"
)

// columns is the minimum width of a terminal.
const columns = 80

// flagColumn is the column at which the descriptions of flags begin in the help about platforms.
const flagColumn = 18

func mainHelp() string {
	return `docslogin logs an app's users in at its hosted docs. This command tests that.

  docslogin url             print a login URL for a user
  docslogin explain         say why a platform accepts or rejects a login
  docslogin check           check an app's configuration as docslogin.New does
  docslogin site            serve a test site for an app on this machine
  docslogin help url        show all flags of a command
  docslogin help platforms  list the platforms and the flags that only some have

Flags of most commands:
  -platform NAME  a platform, such as readme
  -docs URL       where readers open the docs, as the preset takes it
  -key-file FILE  the secret, or a key in PEM; a newline at its end is ignored
  -key-env NAME   the same, in an environment variable; no flag takes the key
  -json           print one JSON object

Exit codes: 0 fine; 1 login rejected or configuration wrong; 2 incorrect call.
`
}

func platformsHelp() string {
	return `Values of -platform:

` + wrap("", 2, strings.Fields(platformNames())...) + `
Flags that only some platforms have:
` + argumentHelp(presets.All())
}

// argumentHelp describes the flags for arguments that only some presets have. If presets mean
// different things by one flag, the description has a clause for each meaning.
func argumentHelp(all []presets.Preset) string {
	var b strings.Builder
	for _, flag := range argumentFlags(all) {
		var clauses []string
		for _, a := range presets.Arguments(all) {
			owners := flagsWith(all, func(other presets.Argument) bool { return other.Name == a.Name && other.Help == a.Help })
			clause := "for " + list(owners, "and") + ": " + a.Help
			if argumentFlag(a) == flag && !slices.Contains(clauses, clause) {
				clauses = append(clauses, clause)
			}
		}
		b.WriteString(wrap("  "+flag, flagColumn, strings.Fields(strings.Join(clauses, "; "))...))
	}
	return b.String()
}

// argumentFlags returns the flags for arguments that only some presets have, each once.
func argumentFlags(all []presets.Preset) (flags []string) {
	for _, a := range presets.Arguments(all) {
		if flag := argumentFlag(a); !slices.Contains(flags, flag) {
			flags = append(flags, flag)
		}
	}
	return flags
}

// argumentFlag returns the flag for an argument with its placeholder: "-company ID".
func argumentFlag(a presets.Argument) string { return "-" + a.Name + " " + a.Value }

// wrap writes words in lines of at most 80 columns, which begin at the given column. The lead comes
// before the first line, or on a line of its own if it is too long.
func wrap(lead string, column int, words ...string) string {
	var b strings.Builder
	b.WriteString(lead)
	at := utf8.RuneCountInString(lead)
	for i, word := range words {
		switch width := utf8.RuneCountInString(word); {
		case i > 0 && at+1+width <= columns:
			b.WriteString(" ")
			at++
		case i == 0 && (at+1 < column || lead == ""): // two spaces, as between all columns
			b.WriteString(strings.Repeat(" ", column-at))
			at = column
		default:
			b.WriteString("\n" + strings.Repeat(" ", column))
			at = column
		}
		b.WriteString(word)
		at += utf8.RuneCountInString(word)
	}
	return b.String() + "\n"
}

// list joins words as in a sentence: "a", "a and b", "a, b, and c".
func list(words []string, conjunction string) string {
	switch n := len(words); n {
	case 0, 1:
		return strings.Join(words, "")
	case 2:
		return words[0] + " " + conjunction + " " + words[1]
	default:
		return strings.Join(words[:n-1], ", ") + ", " + conjunction + " " + words[n-1]
	}
}

// platformNames returns every value of -platform.
func platformNames() string {
	var names []string
	for _, p := range presets.All() {
		names = append(names, p.Flag)
	}
	return strings.Join(names, ", ")
}

// platformsWhere returns the names of the platforms whose rules satisfy a condition.
func platformsWhere(is func(rules.Platform) bool) (names []string) {
	for _, p := range presets.All() {
		if is(p.Rules(nil)) {
			names = append(names, p.Name())
		}
	}
	return names
}

// argumentNames returns the names of the arguments that only some presets have.
func argumentNames() (names []string) {
	for _, a := range presets.Arguments(presets.All()) {
		if !slices.Contains(names, a.Name) {
			names = append(names, a.Name)
		}
	}
	return names
}

// flagsWith returns the flags of those presets that have a certain argument.
func flagsWith(all []presets.Preset, is func(presets.Argument) bool) (flags []string) {
	for _, p := range all {
		if slices.ContainsFunc(p.Extra, is) {
			flags = append(flags, p.Flag)
		}
	}
	return flags
}
