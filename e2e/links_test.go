package e2e_test

import (
	"bytes"
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/deeplink"
)

// raceDetector says that everything takes ten times as long.
var raceDetector = false

// sites are the ways in which links are followed, and what Node may find them lead to.
var sites = []struct {
	name    string
	site    deeplink.Site
	origins []string
}{
	{"link in a parameter", deeplink.Site{
		Origin: "https://docs.example.com", Callback: "https://docs.example.com/login/jwt-callback", Token: "auth_token",
	}, []string{"https://docs.example.com"}},
	{"token on the page, docs under a path", deeplink.Site{
		Origin: "https://docs.example.com", Base: "/docs", FromBase: true, Target: true,
		Token: "jwt_token", Drop: []string{"jwt_token", "access_token", "visitor.*"},
	}, []string{"https://docs.example.com"}},
	{"a second origin", deeplink.Site{
		Origin: "https://docs.example.com", Origins: []string{"https://agent.example.com:8443"}, Token: "jwt",
	}, []string{"https://docs.example.com", "https://agent.example.com:8443"}},
}

// forms are how a link that was kept may reach the docs: absolute, as a path, and as it
// came unless it counts from a path that the docs do not know.
func forms(s *deeplink.Site, l deeplink.Link) []string {
	all := []string{l.Origin + l.Path + l.Suffix, l.Path + l.Suffix}
	if l.Given != all[0] && l.Given != all[1] && !s.FromBase {
		all = append(all, l.Given)
	}
	return all
}

// nasty are the tokens of which hostile links are made.
var nasty = []string{
	"/", `\`, ".", "%2f", "%2F", "%5c", "%2e", "%25", "%09", "%00", "\t", "\n", " ",
	"?", "#", "@", ":", ";", "a", "https:", "docs.example.com", "evil.example", "。", "／", "\u2028",
}

// TestNoLinkLeavesTheDocs judges every link of up to five nasty tokens that the library
// keeps. Under the race detector, of which a pure function has nothing to fear, four.
func TestNoLinkLeavesTheDocs(t *testing.T) {
	longest := 5
	if raceDetector {
		longest = 4
	}
	for _, s := range sites {
		t.Run(s.name, func(t *testing.T) {
			const batch = 50_000
			kept := make(chan []string, 4)
			var made [2]int // links, and those that were kept
			go func() {
				defer close(kept)
				var links []string
				var extend func(prefix string, tokens int)
				extend = func(prefix string, tokens int) {
					if made[0]++; prefix != "" {
						if l, err := s.site.Check(prefix); err == nil {
							made[1]++
							links = append(links, forms(&s.site, l)...)
						}
					}
					if len(links) >= batch {
						kept <- links
						links = nil
					}
					if tokens == longest {
						return
					}
					for _, token := range nasty {
						extend(prefix+token, tokens+1)
					}
				}
				extend("", 0)
				kept <- links
			}()
			for links := range kept {
				noneStrays(t, s.site.Base, s.origins, links)
			}
			t.Logf("%d links, %d kept", made[0], made[1])
			if made[1] == 0 {
				t.Error("none was kept: nothing was judged")
			}
		})
	}
}

// noneStrays asks Node where the links lead to.
func noneStrays(t *testing.T, base string, origins, links []string) {
	t.Helper()
	for _, s := range ask[[]struct{ Link, Why string }](t, "links", map[string]any{
		"origin": origins[0], "origins": origins, "base": base, "links": links,
	}) {
		t.Errorf("%q strays: %s", s.Link, s.Why)
	}
}

// TestTheCorpusStaysOnTheDocs judges what fuzzing found: the corpus that is kept with the
// library and, on a machine that fuzzes, what it found since.
func TestTheCorpusStaysOnTheDocs(t *testing.T) {
	corpus := fuzzed(t)
	for _, s := range sites {
		t.Run(s.name, func(t *testing.T) {
			var links []string
			for _, given := range corpus {
				if l, err := s.site.Check(given); err == nil && l != (deeplink.Link{}) {
					links = append(links, forms(&s.site, l)...)
				}
			}
			if len(links) == 0 {
				t.Error("none was kept: nothing was judged")
			}
			noneStrays(t, s.site.Base, s.origins, links)
			t.Logf("%d in the corpus, %d judged", len(corpus), len(links))
		})
	}
}

func fuzzed(t *testing.T) (links []string) {
	t.Helper()
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{
		"../internal/deeplink/testdata/fuzz",
		filepath.Join(strings.TrimSpace(string(cache)), "fuzz/github.com/docslogin/docslogin/internal/deeplink"),
	} {
		files, err := filepath.Glob(filepath.Join(dir, "FuzzCheck/*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			// "go test fuzz v1", and the arguments in Go's syntax.
			_, value, _ := bytes.Cut(bytes.TrimSpace(text), []byte("\n"))
			quoted := strings.TrimSuffix(strings.TrimPrefix(string(value), "string("), ")")
			link, err := strconv.Unquote(quoted)
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			links = append(links, link)
		}
	}
	return links
}

// loginURL is a login URL as a browser reads it.
type loginURL struct {
	Origin, Path, Hash string
	Query              [][2]string
}

func (u loginURL) param(name string) (value string, found int) {
	for _, pair := range u.Query {
		if pair[0] == name {
			value = pair[1]
			found++
		}
	}
	return value, found
}

// TestEveryDocsLinkIsKept sends links that docs really have through the whole route: each
// comes out as it went in.
func TestEveryDocsLinkIsKept(t *testing.T) {
	real := lines(t, "testdata/docs-links.txt")
	if len(real) < 200 {
		t.Fatalf("only %d links", len(real))
	}
	eachPlatform(t, func(t *testing.T, p platform) {
		through(t, p, real, func(link, out string) {
			if out != link {
				t.Errorf("%q comes out as %q", link, out)
			}
		})
	})
}

// TestTheWholeRouteKeepsTheTokenAtTheDocs sends hostile links through the whole route and
// looks at the login URL as a browser reads it.
func TestTheWholeRouteKeepsTheTokenAtTheDocs(t *testing.T) {
	hostile := hostileLinks(t)
	eachPlatform(t, func(t *testing.T, p platform) {
		var kept []string
		through(t, p, hostile, func(_, out string) {
			if out != "" {
				kept = append(kept, out)
			}
		})
		if len(kept) == 0 || len(kept) == len(hostile) {
			t.Errorf("%d of %d were kept", len(kept), len(hostile))
		}
		noneStrays(t, "", []string{docsURL}, kept)
	})
}

// TestATokenOnThePageStaysAtTheDocs does the same for a platform that takes the token on
// the wanted page, where the link is the token's own way.
func TestATokenOnThePageStaysAtTheDocs(t *testing.T) {
	signing, _ := newSecret()
	user := users["no key"]
	m := newMiddleware(t, docslogin.Platform{
		Name: "on the page, under a path", DocsURL: docsURL + "/docs", Algorithm: jose.HS256, Key: docslogin.Secret(signing),
		Carrier: docslogin.InQuery("token"), DeepLink: docslogin.DeepLink{In: "location", FromBase: true, Drop: []string{"token"}},
	}, &user)
	real, hostile := lines(t, "testdata/docs-links.txt"), hostileLinks(t)
	var urls []string
	for _, link := range append(real, hostile...) {
		u, err := m.LoginURL(t.Context(), &user, link)
		if err != nil {
			t.Fatalf("%q: %v", link, err)
		}
		urls = append(urls, u)
	}
	noneStrays(t, "/docs", []string{docsURL}, urls)
	for i, u := range ask[[]loginURL](t, "urls", map[string]any{"urls": urls}) {
		if _, found := u.param("token"); found != 1 {
			t.Errorf("%d tokens in %q", found, urls[i])
		}
		if i < len(real) && u.Path == "/docs" {
			t.Errorf("%q was not kept", real[i])
		}
	}
}

// hostileLinks are those that fuzzing found, and pairs of nasty tokens in all positions.
func hostileLinks(t *testing.T) []string {
	hostile := fuzzed(t)
	for _, a := range nasty {
		for _, b := range nasty {
			hostile = append(hostile, "/"+a+b, a+b+"evil.example", docsURL+a+b)
		}
	}
	return hostile
}

// through takes links through the route of a signed-in user and hands over what the docs
// are told.
func through(t *testing.T, p platform, links []string, got func(link, out string)) {
	t.Helper()
	signing, _ := p.newKey()
	user := users["no key"]
	m := newMiddleware(t, p.preset(docsURL, signing), &user)
	urls := make([]string, len(links))
	var wg sync.WaitGroup
	for _, i := range []int{0, 1} {
		wg.Go(func() {
			for ; i < len(links); i += 2 {
				var err error
				if urls[i], err = m.LoginURL(t.Context(), &user, links[i]); err != nil {
					t.Errorf("%q: %v", links[i], err)
				}
			}
		})
	}
	wg.Wait()
	want := p.preset(docsURL, signing)
	for i, u := range ask[[]loginURL](t, "urls", map[string]any{"urls": urls}) {
		if u.Origin != docsURL || u.Path != cmp.Or(want.Callback, "/") {
			t.Fatalf("%q: the token goes to %+v", links[i], u)
		}
		if strings.ContainsFunc(urls[i], func(r rune) bool { return r <= ' ' || r >= 0x7F }) {
			t.Errorf("%q: the login URL is not ASCII", links[i])
		}
		out, found := u.param(want.DeepLink.Out)
		if found > 1 {
			t.Errorf("%q: %s stands there %d times", links[i], want.DeepLink.Out, found)
		}
		got(links[i], out)
	}
}

func lines(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimRight(string(text), "\n"), "\n")
}
