package main

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/keys"
	"github.com/docslogin/docslogin/internal/presets"
	"github.com/docslogin/docslogin/internal/rules"
)

// maxInput is the maximum size of any input in bytes.
const maxInput = 1 << 20

// settings are the flags that commands share.
type settings struct {
	platform, docs  string
	keyFile, keyEnv string
	arguments       presets.Values // those of presets.Arguments that were given
	json            bool
	tokenTTL        time.Duration
	sessionTTL      time.Duration
	given           map[string]bool // by name of the flag
	path            string
	signInPage      string
	signInParam     string
	externalURL     string
}

// platformFlags defines the flags that every command has.
func (s *settings) platformFlags(command string) *flag.FlagSet {
	f := flag.NewFlagSet(command, flag.ContinueOnError)
	f.StringVar(&s.platform, "platform", "", "")
	f.StringVar(&s.keyFile, "key-file", "", "")
	f.StringVar(&s.keyEnv, "key-env", "", "")
	return f
}

func (s *settings) flags(command string) *flag.FlagSet {
	f := s.platformFlags(command)
	f.StringVar(&s.docs, "docs", "", "")
	f.BoolVar(&s.json, "json", false, "")
	s.arguments = presets.Values{}
	for _, name := range argumentNames() {
		f.Func(name, "", func(value string) error {
			s.arguments[name] = value
			return nil
		})
	}
	return f
}

func (s *settings) lifetimeFlags(f *flag.FlagSet) {
	f.DurationVar(&s.tokenTTL, "token-ttl", 0, "")
	f.DurationVar(&s.sessionTTL, "session-ttl", 0, "")
}

// parse reads a command's flags and returns its arguments.
func (s *settings) parse(f *flag.FlagSet, args []string) ([]string, error) {
	rest, err := parse(f, args)
	s.given = map[string]bool{}
	f.Visit(func(f *flag.Flag) { s.given[f.Name] = true })
	return rest, err
}

// options returns the options that the flags set.
func (s *settings) options() []docslogin.Option {
	var opts []docslogin.Option
	if s.given["token-ttl"] {
		opts = append(opts, docslogin.WithTokenTTL(s.tokenTTL))
	}
	if s.given["session-ttl"] {
		opts = append(opts, docslogin.WithSessionTTL(s.sessionTTL))
	}
	if s.given["path"] {
		opts = append(opts, docslogin.WithPath(s.path))
	}
	if s.given["sign-in-page"] || s.given["sign-in-param"] {
		opts = append(opts, docslogin.WithSignInPage(s.signInPage, s.signInParam))
	}
	if s.given["external-url"] {
		opts = append(opts, docslogin.WithExternalURL(s.externalURL))
	}
	return opts
}

// preset returns the preset that -platform names; ok is false without -platform.
func (s *settings) preset() (p presets.Preset, ok bool, err error) {
	if s.platform == "" {
		return presets.Preset{}, false, nil
	}
	all := presets.All()
	i := slices.IndexFunc(all, func(p presets.Preset) bool { return p.Flag == s.platform })
	if i < 0 {
		return presets.Preset{}, false, usageError("there is no such platform; set -platform to one of " + platformNames())
	}
	return all[i], true, s.checkArguments(all[i])
}

// requirePreset is like preset, for commands that require -platform.
func (s *settings) requirePreset() (presets.Preset, error) {
	p, ok, err := s.preset()
	if err == nil && !ok {
		err = usageError("set -platform to one of " + platformNames())
	}
	return p, err
}

// checkArguments rejects flags for arguments that the preset does not have.
func (s *settings) checkArguments(p presets.Preset) error {
	for _, name := range argumentNames() {
		value, given := s.arguments[name]
		if !given {
			continue
		}
		i := slices.IndexFunc(p.Extra, func(a presets.Argument) bool { return a.Name == name })
		if i < 0 {
			return usageError("-" + name + " is for " + list(flagsWith(presets.All(), func(a presets.Argument) bool { return a.Name == name }), "and"))
		}
		if value == "" && p.Extra[i].Optional {
			return usageError("-" + name + " is empty; leave it out to use the platform's own")
		}
	}
	return nil
}

// values returns the arguments of the preset, including the text of the key.
func (s *settings) values(key string) presets.Values {
	values := presets.Values{"docs": s.docs, "key": key}
	maps.Copy(values, s.arguments)
	return values
}

// verifier returns the key with which the platform verifies signatures, from the text of the key.
func (s *settings) verifier(p rules.Platform, text string) (any, error) {
	key, err := keys.Verifier(text, jose.SignatureAlgorithm(p.Algorithms[0]))
	if err != nil {
		return nil, usageError(s.keyFlag() + ": " + err.Error())
	}
	return key, nil
}

// docsURL returns -docs as a URL, or nil if it is not set.
func (s *settings) docsURL() (*url.URL, error) {
	if s.docs == "" {
		return nil, nil
	}
	u, err := url.Parse(s.docs)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, usageError("-docs is not an absolute http or https URL such as https://docs.example.com")
	}
	return u, nil
}

// key returns the text of the key; ok is false if neither of its flags was given.
func (t *tool) key() (text string, ok bool, err error) {
	return t.secret("key", t.settings.keyFile, t.settings.keyEnv)
}

// secret reads a value that must not be an argument. Errors repeat neither the name of the file nor
// that of the variable, because people may pass the secret itself instead.
func (t *tool) secret(flag, file, env string) (text string, ok bool, err error) {
	for _, by := range []string{"file", "env"} { // an unset variable of a script, say
		if name := flag + "-" + by; t.settings.given[name] && file+env == "" {
			return "", false, usageError(fmt.Sprintf("-%s is empty; give the name of a file or of an environment variable", name))
		}
	}
	switch {
	case file != "" && env != "":
		return "", false, usageError(fmt.Sprintf("give -%s-file or -%[1]s-env, not both", flag))
	case file == "-":
		return "", false, usageError(fmt.Sprintf("-%s-file must be the name of a file, not -", flag))
	case file != "":
		f, err := os.Open(file)
		if err != nil {
			return "", false, usageError(fmt.Sprintf("the file of -%s-file cannot be read: %s", flag, cause(err)))
		}
		defer f.Close()
		text, err := read(f, fmt.Sprintf("the file of -%s-file", flag))
		if err == nil {
			text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
		}
		return text, true, err
	case env != "":
		if text = t.getenv(env); text == "" {
			return "", false, usageError(fmt.Sprintf("the environment variable of -%s-env is empty or not set; give its name, not its value", flag))
		}
		return text, true, nil
	}
	return "", false, nil
}

// read returns everything in r, up to maxInput.
func read(r io.Reader, what string) (string, error) {
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(r, maxInput+1))
	if err != nil {
		return "", usageError(what + " cannot be read: " + cause(err))
	}
	if n > maxInput {
		return "", usageError(what + " is longer than 1 MiB")
	}
	return b.String(), nil
}

// decoded removes a byte-order mark and converts UTF-16, in which PowerShell writes files. Keys are
// not decoded, because an app would not decode them.
func decoded(text string) string {
	var order binary.ByteOrder
	switch {
	case strings.HasPrefix(text, "\xff\xfe"):
		order = binary.LittleEndian
	case strings.HasPrefix(text, "\xfe\xff"):
		order = binary.BigEndian
	default:
		return strings.TrimPrefix(text, "\ufeff")
	}
	units := make([]uint16, len(text)/2-1)
	for i := range units {
		units[i] = order.Uint16([]byte(text[2*i+2:]))
	}
	return string(utf16.Decode(units))
}

// cause returns why a file could not be read, without its name.
func cause(err error) string {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return path.Err.Error()
	}
	return "an error"
}

// fieldFlags maps the fields of configuration errors to the flags that set them.
func (s *settings) fieldFlags(p presets.Preset) map[string]string {
	flags := map[string]string{
		"Platform.DocsURL": "-docs",
		"Platform.Key":     s.keyFlag(),
		"WithPath":         "-path",
		"WithSignInPage":   "-sign-in-page",
		"WithExternalURL":  "-external-url",
		"WithTokenTTL":     "-token-ttl",
		"WithSessionTTL":   "-session-ttl",
	}
	for _, a := range p.Extra {
		flags[a.Field] = "-" + a.Name
	}
	return flags
}

// configErrors returns the configuration errors that are joined in err, as findings that name flags
// instead of fields.
func (s *settings) configErrors(p presets.Preset, err error) (findings []rules.Finding) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			findings = append(findings, s.configErrors(p, err)...)
		}
		return findings
	}
	var one *docslogin.ConfigError
	if !errors.As(err, &one) {
		return nil
	}
	plain := *one
	plain.Platform = "" // which the report names once
	flags := s.fieldFlags(p)
	rule := cmp.Or(flags[one.Field], one.Field)
	reason := strings.TrimPrefix(plain.Error(), "docslogin: "+one.Field+" ")
	if rule == "-cookie-domain" {
		reason = aboutDomain.Replace(reason)
	}
	for field, flag := range flags {
		reason = strings.ReplaceAll(reason, field, flag)
	}
	return []rules.Finding{{Rule: rule, Why: rule + " " + reason + "."}}
}

// aboutDomain turns the text of an error about the cookie into one about the cookie's domain, because no
// flag sets another part of the cookie.
var aboutDomain = strings.NewReplacer(
	"is a cookie without a domain", "is empty",
	"has a cookie domain that is", "is",
	"has a cookie domain without", "is a domain without",
	"has a cookie domain with", "has",
)

// keyFlag returns the flag with which the key was given.
func (s *settings) keyFlag() string {
	if s.keyFile != "" {
		return "-key-file"
	}
	return "-key-env"
}
