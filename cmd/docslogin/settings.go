package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/keys"
	"github.com/docslogin/docslogin/internal/rules"
)

// maxInput is how much is read of anything.
const maxInput = 1 << 20

// settings are the flags that commands share.
type settings struct {
	platform, docs  string
	keyFile, keyEnv string
	company, issuer string
	json            bool
	tokenTTL        time.Duration
	sessionTTL      time.Duration
	given           map[string]bool // by name of the flag
	path            string
	loginPage       string
	loginParam      string
	externalURL     string
}

// platformFlags are those that every command has.
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
	f.StringVar(&s.company, "company", "", "")
	f.StringVar(&s.issuer, "issuer", "", "")
	f.BoolVar(&s.json, "json", false, "")
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

// options are those that the flags name.
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
	if s.given["login-page"] || s.given["login-param"] {
		opts = append(opts, docslogin.WithLoginPage(s.loginPage, s.loginParam))
	}
	if s.given["external-url"] {
		opts = append(opts, docslogin.WithExternalURL(s.externalURL))
	}
	return opts
}

// names are of all platforms, for messages.
func names() string {
	var out []string
	for _, p := range rules.All() {
		out = append(out, p.Flag)
	}
	return strings.Join(out, ", ")
}

// rules returns the platform's rules; ok is false without -platform.
func (s *settings) rules() (p rules.Platform, ok bool, err error) {
	all := rules.All()
	i := slices.IndexFunc(all, func(p rules.Platform) bool { return p.Flag == s.platform })
	switch {
	case s.platform == "":
		return rules.Platform{}, false, nil
	case i < 0:
		return rules.Platform{}, false, usageError("there is no such platform; -platform is one of " + names())
	}
	p, err = s.withIssuer(all[i])
	return p, true, err
}

// withIssuer sets the rules' issuer, and refuses flags of other platforms.
func (s *settings) withIssuer(p rules.Platform) (rules.Platform, error) {
	if s.given["issuer"] {
		if p.Issuer == "" {
			return p, usageError("-issuer is for fern")
		}
		if s.issuer == "" {
			return p, usageError("-issuer is empty; leave it out for " + p.Issuer)
		}
		p.Issuer = s.issuer
	}
	if s.company != "" && p.Flag != "canny" {
		return p, usageError("-company is for canny")
	}
	return p, nil
}

// needsRules returns the platform's rules, for commands that cannot do without -platform.
func (s *settings) needsRules() (rules.Platform, error) {
	p, ok, err := s.rules()
	if err == nil && !ok {
		err = usageError("give -platform, one of " + names())
	}
	return p, err
}

// verifier returns what the platform verifies with, made of the key's text.
func (s *settings) verifier(p rules.Platform, text string) (any, error) {
	key, err := keys.Verifier(text, jose.SignatureAlgorithm(p.Algorithms[0]))
	if err != nil {
		return nil, usageError(s.keyFlag() + ": " + err.Error())
	}
	return key, nil
}

// preset returns the library's platform and its rules.
func (s *settings) preset(key string) (docslogin.Platform, rules.Platform, error) {
	r, err := s.needsRules()
	if err != nil {
		return docslogin.Platform{}, r, err
	}
	p := map[string]func(docs, key string) docslogin.Platform{
		"readme":                   docslogin.ReadMe,
		"mintlify":                 docslogin.Mintlify,
		"mintlify-personalization": docslogin.MintlifyPersonalization,
		"gitbook":                  docslogin.GitBook,
		"fern":                     docslogin.Fern,
		"zendesk":                  docslogin.Zendesk,
		"helpscout":                docslogin.HelpScout,
		"developerhub":             docslogin.DeveloperHub,
		"canny":                    func(docs, key string) docslogin.Platform { return docslogin.Canny(docs, s.company, key) },
		"featurebase":              docslogin.Featurebase,
		"metabase":                 docslogin.Metabase,
	}[r.Flag](s.docsArgument(), key)
	if s.given["issuer"] {
		p.Static["iss"] = s.issuer
	}
	return p, r, nil
}

const zendeskHost = ".zendesk.com"

// docsArgument is -docs as the preset takes it.
func (s *settings) docsArgument() string {
	if s.platform != "zendesk" {
		return s.docs
	}
	_, host, _ := strings.Cut(s.docs, "://")
	if subdomain, ok := strings.CutSuffix(strings.TrimSuffix(host, "/"), zendeskHost); ok {
		return subdomain
	}
	return s.docs
}

// docsURL is -docs as a URL, or nil without it.
func (s *settings) docsURL() (*url.URL, error) {
	text := s.docs
	if text == "" {
		return nil, nil
	}
	if s.platform == "zendesk" {
		text = "https://" + s.docsArgument() + zendeskHost
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, usageError("-docs is not an absolute http or https URL such as https://docs.example.com")
	}
	return u, nil
}

// key returns the text of the key; ok is false if neither of its flags was given.
func (t *tool) key() (text string, ok bool, err error) {
	return t.secret("key", t.settings.keyFile, t.settings.keyEnv)
}

// secret reads what must not be an argument. Errors name neither the file nor the
// variable, in the place of which people pass the secret itself.
func (t *tool) secret(flag, file, env string) (text string, ok bool, err error) {
	switch {
	case file != "" && env != "":
		return "", false, usageError(fmt.Sprintf("give -%s-file or -%[1]s-env, not both", flag))
	case file == "-":
		return "", false, usageError(fmt.Sprintf("-%s-file is the name of a file; - is not one", flag))
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

// read returns all that r has, if that is not too much.
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

// decoded returns text without a byte-order mark, and from UTF-16, in which PowerShell
// writes files. A key is not decoded: the app would not do so.
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

// cause is why a file could not be read, without its name.
func cause(err error) string {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return path.Err.Error()
	}
	return "an error"
}

// flagOf names the flag behind a field of a ConfigError.
var flagOf = map[string]string{
	"Platform.DocsURL": "-docs",
	"subdomain":        "-docs",
	"Platform.Params":  "-company",
	"Platform.Static":  "-issuer",
	"WithPath":         "-path",
	"WithLoginPage":    "-login-page",
	"WithExternalURL":  "-external-url",
	"WithTokenTTL":     "-token-ttl",
	"WithSessionTTL":   "-session-ttl",
}

// mistakes returns what New found, in the words of the flags.
func (s *settings) mistakes(err error) []rules.Finding {
	var all []error
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	var out []rules.Finding
	for _, err := range all {
		var mistake *docslogin.ConfigError
		if !errors.As(err, &mistake) {
			continue
		}
		rule := mistake.Field
		if mistake.Field == "Platform.Key" {
			rule = s.keyFlag()
		} else if flag := flagOf[mistake.Field]; flag != "" {
			rule = flag
		}
		reason := strings.TrimPrefix(err.Error(), "docslogin: "+mistake.Field+" ")
		for field, flag := range flagOf {
			reason = strings.ReplaceAll(reason, field, flag)
		}
		out = append(out, rules.Finding{Rule: rule, Why: rule + " " + reason + "."})
	}
	return out
}

// keyFlag is the one by which the key was given.
func (s *settings) keyFlag() string {
	if s.keyFile != "" {
		return "-key-file"
	}
	return "-key-env"
}
