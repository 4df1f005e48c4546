package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/testkit"
	"github.com/docslogin/docslogin/platforms"
)

// documentation returns the text of the README and the guides.
func documentation(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, name := range testkit.Pages(t) {
		all.WriteString(testkit.Text(t, name) + "\n")
	}
	return all.String()
}

var (
	console  = regexp.MustCompile("(?s)```console\n\\$ docslogin ([^\n]+)\n(.*?)```")
	loopback = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	anyToken = regexp.MustCompile(`eyJhbGciOiJIUz[\w.-]+`)
	// inputs has the files that commands in the documentation read.
	inputs = map[string]string{
		"url.txt": "https://docs.example.com?auth_token=" + hs256(header, `{"name":"Ada","email":"ada@example.com","api_key":"12345","iat":1700000000}`) + "&redirect=%252Fquickstart\n",
	}
)

// stopped runs a command that serves until Ctrl-C, which it gets at once.
func stopped(t *testing.T, env map[string]string, args ...string) result {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out, errs bytes.Buffer
	code := run(ctx, args, strings.NewReader(""), &out, &errs, func(name string) string { return env[name] })
	return result{code, out.String(), errs.String()}
}

// TestCommandsInTheDocumentation runs each command there, and compares its output.
func TestCommandsInTheDocumentation(t *testing.T) {
	blocks := console.FindAllStringSubmatch(documentation(t), -1)
	if len(blocks) != len(commands) {
		t.Fatalf("there are %d examples for %d commands", len(blocks), len(commands))
	}
	env := map[string]string{"README_JWT_SECRET": secret, "MINTLIFY_PRIVATE_KEY": testkit.Ed25519PEM}
	for _, block := range blocks {
		args, file, _ := strings.Cut(block[1], " < ")
		var r result
		if fields := strings.Fields(args); fields[0] == "site" {
			r = stopped(t, env, append(fields, "-listen", "127.0.0.1:0")...)
			r.out = loopback.ReplaceAllString(r.out, siteAddress)
		} else {
			r = call(t, inputs[file], env, fields...)
		}
		if got := anyToken.ReplaceAllString(r.out, "eyJhbGciOiJIUz…"); got != block[2] || r.errs != "" {
			t.Errorf("docslogin %s prints\n%s%s", block[1], got, r.errs)
		}
	}
}

var (
	fenced  = regexp.MustCompile("(?ms)^```.*?^```$")
	heading = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
)

// anchors returns the anchors that GitHub makes of a page's headings.
func anchors(page string) map[string]bool {
	all := map[string]bool{}
	for _, match := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(page, ""), -1) {
		all[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, match[1])] = true
	}
	return all
}

// brokenLinks returns the relative links of a page that lead nowhere.
func brokenLinks(t *testing.T, name string) (links []string) {
	t.Helper()
	for _, match := range link.FindAllStringSubmatch(fenced.ReplaceAllString(testkit.Text(t, name), ""), -1) {
		to, err := url.Parse(match[1])
		if err != nil {
			t.Fatal(err)
		}
		if to.IsAbs() {
			continue
		}
		target := name
		if to.Path != "" {
			target = filepath.Join(filepath.Dir(name), to.Path)
		}
		if _, err := os.Stat(target); err != nil || to.Fragment != "" && !anchors(testkit.Text(t, target))[to.Fragment] {
			links = append(links, match[1])
		}
	}
	return links
}

func TestEveryRelativeLinkLeadsSomewhere(t *testing.T) {
	for _, name := range append(testkit.Pages(t), "../../SECURITY.md") {
		for _, link := range brokenLinks(t, name) {
			t.Errorf("%s links to %s", name, link)
		}
	}
}

func TestABrokenLinkIsFound(t *testing.T) {
	page := write(t, "page.md", "# One heading, with `code`\n[a](#one-heading-with-code) [b](page.md#one-heading-with-code) [c](https://example.com/none) [d](.)\n"+
		"[e](#none) [f](none.md) [g](page.md#none) [h](/none)\n```\n# none\n[i](none.md)\n```\n")
	if got, want := strings.Join(brokenLinks(t, page), " "), "#none none.md page.md#none /none"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// block returns the only block of code in a language on a page.
func block(t *testing.T, page, language string) string {
	t.Helper()
	blocks := regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(page, -1)
	if len(blocks) != 1 {
		t.Fatalf("there are %d blocks of %s", len(blocks), language)
	}
	return blocks[0][1]
}

// The configurations of service workers exclude the route, and no other path.
func TestServiceWorkersInTheDocumentation(t *testing.T) {
	guide := testkit.Text(t, "../../docs/troubleshooting.md")
	route := docslogin.Must(docslogin.New(testkit.Nobody, platforms.ReadMe(docsURL, secret))).Path()
	var angular struct{ NavigationURLs []string }
	if err := json.Unmarshal([]byte("{"+block(t, guide, "json")+"}"), &angular); err != nil {
		t.Fatal(err)
	}
	if want := []string{"/**", "!/**/*.*", "!/**/*__*", "!/**/*__*/**", "!" + route}; !slices.Equal(angular.NavigationURLs, want) {
		t.Errorf("navigationUrls is %q, want %q", angular.NavigationURLs, want)
	}
	denied := regexp.MustCompile(`denylist: \[/(.*)/\]`).FindStringSubmatch(block(t, guide, "js"))
	if denied == nil {
		t.Fatal("there is no denylist")
	}
	for path, excluded := range map[string]bool{route: true, route + "?redirect=/": true, route + "-help": false, "/app" + route: false} {
		// JavaScript escapes slashes in a pattern. Go does not know that.
		if got := regexp.MustCompile(strings.ReplaceAll(denied[1], `\/`, "/")).MatchString(path); got != excluded {
			t.Errorf("%s is excluded: %v", path, got)
		}
	}
}
