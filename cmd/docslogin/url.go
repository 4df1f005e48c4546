package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/presets"
	"github.com/docslogin/docslogin/internal/rules"
)

func urlHelp() string {
	return `docslogin url prints a login URL. To the docs, anyone who has it is the user.

  docslogin url -platform readme -docs https://docs.example.com \
    -key-env README_JWT_SECRET -name Ada -email ada@example.com -link /start

  -id ID, -name NAME, -email ADDRESS
  -group NAME            may be given more than once
  -attribute NAME=VALUE  may be given more than once
  -api-key-env NAME      an API key, in an environment variable
  -api-key-file FILE     the same, in a file
  -user FILE             the user as JSON instead; - is standard input:
                         {"id", "name", "email", "groups": ["…"], "apiKeys":
                         [{"name", "key", "header", "username", "password",
                         "values": {}}], "attributes": {},
                         "expiresAt": "2026-11-21T18:00:00Z"}
  -link PAGE             the deep link, such as /quickstart
  -token-ttl DURATION    how long the token is valid, such as 5m
  -session-ttl DURATION  how long the docs session lasts, if the token says it
  -json                  print {"url": "…"}
For -platform, -docs, -key-file, and -key-env, see docslogin help; for flags
that only some platforms have, see docslogin help platforms.
` + noURLHelp()
}

// noURLHelp returns the help about platforms whose token no URL carries.
func noURLHelp() string {
	names := platformsWhere(func(p rules.Platform) bool { return noURL(p) != "" })
	if names == nil {
		return ""
	}
	return "\n" + wrap("", 0, strings.Fields("There is no such URL for "+list(names, "and")+", which take the token in a form or a cookie.")...)
}

// noURL returns where the token travels, as it reads after "in", or "" if a URL carries it.
func noURL(p rules.Platform) string {
	switch {
	case p.Form != "":
		return "a form"
	case p.InCookie():
		return "a cookie"
	}
	return ""
}

func (t *tool) url(args []string) error {
	var (
		user             docslogin.User
		userFile, link   string
		keyFile, keyName string
		s                = &t.settings
		f                = s.flags("url")
	)
	s.lifetimeFlags(f)
	f.StringVar(&user.ID, "id", "", "")
	f.StringVar(&user.Name, "name", "", "")
	f.StringVar(&user.Email, "email", "", "")
	f.Func("group", "", func(g string) error {
		user.Groups = append(user.Groups, g)
		return nil
	})
	f.Func("attribute", "", func(pair string) error {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return errors.New("it must be NAME=VALUE")
		}
		if user.Attributes == nil {
			user.Attributes = map[string]any{}
		}
		user.Attributes[name] = value
		return nil
	})
	f.StringVar(&keyName, "api-key-env", "", "")
	f.StringVar(&keyFile, "api-key-file", "", "")
	f.StringVar(&userFile, "user", "", "")
	f.StringVar(&link, "link", "", "")
	rest, err := s.parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usageError("url takes flags only")
	}
	key, ok, err := t.key()
	if err != nil {
		return err
	}
	preset, err := s.requirePreset()
	if err != nil {
		return err
	}
	platform, rule := preset.New(s.values(key)), preset.Rules(s.values(key))
	if place := noURL(rule); place != "" {
		return fmt.Errorf("%s takes the token in %s, so there is no login URL; open the app's login route in a browser", platform.Name, place)
	}
	if !ok {
		return usageError("set -key-file or -key-env")
	}
	apiKey, ok, err := t.secret("api-key", keyFile, keyName)
	if err != nil {
		return err
	}
	if ok {
		user.APIKeys = []docslogin.APIKey{{Key: apiKey}}
	}
	if userFile != "" {
		for _, name := range []string{"id", "name", "email", "group", "attribute", "api-key-env", "api-key-file"} {
			if s.given[name] {
				return usageError("give -user or -" + name + ", not both")
			}
		}
		if user, err = t.readUser(userFile); err != nil {
			return err
		}
	}
	if docs, err := url.Parse(platform.DocsURL); err == nil && rule.Back == rules.AsURL && strings.HasPrefix(link, "/") {
		link = docs.Scheme + "://" + docs.Host + link // as the docs would send it
	}
	location, err := t.login(preset, platform, &user, link)
	if err != nil {
		return err
	}
	if t.terminal {
		fmt.Fprintln(t.err, clean(advice(rule, location)))
	}
	if s.json {
		t.printJSON(map[string]string{"url": location}, "")
	} else {
		t.printf("%s", location)
	}
	return nil
}

// advice returns a sentence about what anyone can do with a login URL.
func advice(p rules.Platform, location string) string {
	u, err := url.Parse(location)
	if err != nil {
		return ""
	}
	claims, _ := p.Check(p.Token(u), nil, "", time.Now())
	if exp, ok := numericDate(claims["exp"]); ok {
		return fmt.Sprintf("For the next %s, anyone who opens the URL is logged in as this user.", time.Until(exp).Round(time.Second))
	}
	return "Anyone who opens the URL is logged in as this user."
}

// headerWriter is a response writer that keeps only the header.
type headerWriter http.Header

func (w headerWriter) Header() http.Header         { return http.Header(w) }
func (w headerWriter) Write(b []byte) (int, error) { return len(b), nil }
func (w headerWriter) WriteHeader(int)             {}

// login requests a URL from the login route, because the route's event, unlike LoginURL, says why a
// deep link was rejected.
func (t *tool) login(preset presets.Preset, platform docslogin.Platform, user *docslogin.User, link string) (string, error) {
	if link != "" && platform.DeepLink.In == "" {
		return "", usageError("-link: " + platform.Name + " takes no page, so a login URL leads to the docs' home; leave -link out")
	}
	var event docslogin.Event
	m, err := docslogin.New(func(*http.Request) (*docslogin.User, error) { return user, nil }, platform, append(t.settings.options(),
		docslogin.WithLogger(slog.New(slog.DiscardHandler)),
		docslogin.WithObserver(func(_ context.Context, e docslogin.Event) { event = e }))...)
	if err != nil {
		var lines []string
		for _, f := range t.settings.configErrors(preset, err) {
			lines = append(lines, strings.TrimSpace(f.Why+" "+f.Fix))
		}
		return "", errors.New(strings.Join(lines, "\n"))
	}
	target := &url.URL{Path: m.Path(), RawQuery: url.Values{platform.DeepLink.In: {link}}.Encode()}
	r := &http.Request{Method: http.MethodGet, URL: target, Header: http.Header{}}
	response := headerWriter{}
	m.ServeHTTP(response, r.WithContext(t.ctx))
	switch {
	case errors.Is(event.Err, docslogin.ErrNoUser):
		return "", errors.New("the user's expiresAt has passed, or is too soon for a docs session")
	case event.Outcome != docslogin.OutcomeLoggedIn:
		return "", fmt.Errorf("%s: %s", event.Outcome, strings.TrimPrefix(fmt.Sprint(event.Err), "docslogin: "))
	case event.LinkRejected:
		return "", fmt.Errorf("-link: %s", event.Warning)
	case link != "" && event.DeepLink == "":
		return "", errors.New("-link: scripts write \"undefined\" when they have no page; name a page, or leave -link out")
	case event.Warning != "":
		fmt.Fprintln(t.err, clean("docslogin: "+event.Warning))
	}
	return response.Header().Get("Location"), nil
}

// readUser reads a user as JSON. Errors contain the names of members, but no values.
func (t *tool) readUser(file string) (docslogin.User, error) {
	in := t.in
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return docslogin.User{}, usageError("the file of -user cannot be read: " + cause(err))
		}
		defer f.Close()
		in = f
	}
	text, err := read(in, "the user of -user")
	if err != nil {
		return docslogin.User{}, err
	}
	var (
		user docslogin.User
		keys []json.RawMessage
	)
	err = readObject([]byte(decoded(text)), "the user", map[string]member{
		"id":         {&user.ID, "a string"},
		"name":       {&user.Name, "a string"},
		"email":      {&user.Email, "a string"},
		"groups":     {&user.Groups, "a list of strings"},
		"apiKeys":    {&keys, "a list of objects"},
		"attributes": {&user.Attributes, "an object"},
		"expiresAt":  {&user.ExpiresAt, "a time such as \"2026-11-21T18:00:00Z\""},
	})
	for i, text := range keys {
		var key docslogin.APIKey
		if err == nil {
			err = readObject(text, fmt.Sprintf("apiKeys[%d]", i), map[string]member{
				"name":     {&key.Name, "a string"},
				"key":      {&key.Key, "a string"},
				"header":   {&key.Header, "a string"},
				"username": {&key.Username, "a string"},
				"password": {&key.Password, "a string"},
				"values":   {&key.Values, "an object"},
			})
		}
		user.APIKeys = append(user.APIKeys, key)
	}
	return user, err
}

// member is the destination of an object's member, and what the member must be.
type member struct {
	into any
	is   string
}

func readObject(text []byte, what string, members map[string]member) error {
	var object map[string]json.RawMessage
	if json.Unmarshal(text, &object) != nil || object == nil {
		return usageError(what + " is not a JSON object")
	}
	known := slices.Sorted(maps.Keys(members))
	for _, got := range slices.Sorted(maps.Keys(object)) {
		m, ok := members[got]
		if !ok {
			return usageError(fmt.Sprintf("%s has an unknown member, %q; did you mean %q?", what, name(got), nearest(got, known)))
		}
		d := json.NewDecoder(bytes.NewReader(object[got]))
		d.UseNumber() // keeps all digits of a 64-bit number
		if d.Decode(m.into) != nil {
			return usageError(fmt.Sprintf("%s: %q is not %s", what, got, m.is))
		}
	}
	return nil
}
