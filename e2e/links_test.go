package e2e_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/deeplink"
)

// raceDetector says that everything takes ten times as long.
var raceDetector = false

// agentURL is a second origin that links may name.
const agentURL = "https://agent.example.com:8443"

// sites are the ways in which links are followed, and what Node may find them lead to.
var sites = []struct {
	name    string
	site    deeplink.Site
	origins []string
}{
	{"link in a parameter", deeplink.Site{
		Origin: docsURL, Callback: docsURL + "/login/jwt-callback", Token: "auth_token",
	}, []string{docsURL}},
	{"token on the page, docs under a path", deeplink.Site{
		Origin: docsURL, Base: "/docs", FromBase: true, Target: true,
		Token: "jwt_token", Drop: []string{"jwt_token", "access_token", "visitor.*"},
	}, []string{docsURL}},
	{"a second origin", deeplink.Site{
		Origin: docsURL, Origins: []string{agentURL}, Token: "jwt",
	}, []string{docsURL, agentURL}},
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

// nasty are the tokens of which hostile links are made: what parsers disagree about, once
// and twice escaped, and the origins that count.
var nasty = []string{
	"/", `\`, ".", "..", "?", "#", "@", ":", ";", " ", "\t", "a",
	"%2f", "%5c", "%2e", "%3f", "%23", "%20", "%09", "%252f", "%252e",
	docsURL, agentURL, "https:", "evil.example", "。", "／",
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

// hostileLinks are those that fuzzing found, pairs of nasty tokens in all positions, and
// links that carry a token or lead to where tokens go.
func hostileLinks(t *testing.T) []string {
	hostile := append(fuzzed(t), "/a?token=x", "/a?%74oken=x&b", "/a?b&auth_token=x", "/login/jwt-callback", "/Login/jwt-callback/?redirect=/a")
	for _, a := range nasty {
		for _, b := range nasty {
			hostile = append(hostile, "/"+a+b, a+b+"evil.example", docsURL+a+b)
		}
	}
	return hostile
}

// TestEveryDocsLinkIsKept sends links that docs really have through the whole route, as
// paths and absolute: each path comes out as it went in.
func TestEveryDocsLinkIsKept(t *testing.T) {
	eachPlatform(t, func(t *testing.T, p platform) {
		paths := lines(t, "testdata/docs-links.txt")
		links := slices.Clone(paths)
		for _, path := range paths {
			links = append(links, docsURL+path)
		}
		for i, u := range through(t, p.preset(docsURL, ""), p, links) {
			out, found := u.param("redirect")
			if want := paths[i%len(paths)]; out != want || found != 1 {
				t.Errorf("%q comes out as %q", want, out)
			}
		}
	})
}

// TestTheWholeRouteKeepsTheTokenAtTheDocs sends hostile links through the whole route.
func TestTheWholeRouteKeepsTheTokenAtTheDocs(t *testing.T) {
	eachPlatform(t, func(t *testing.T, p platform) {
		hostile := hostileLinks(t)
		var kept []string
		for i, u := range through(t, p.preset(docsURL, ""), p, hostile) {
			if u.Origin != docsURL || u.Path != p.callback {
				t.Errorf("%q: the token goes to %+v", hostile[i], u)
			}
			if out, found := u.param("redirect"); found == 1 {
				kept = append(kept, out)
			} else if found > 1 {
				t.Errorf("%q: %+v", hostile[i], u)
			}
			if _, found := u.param("auth_token"); found != 0 != (p.param == "auth_token") {
				t.Errorf("%q: %d tokens in the query", hostile[i], found)
			}
		}
		if len(kept) == 0 || len(kept) == len(hostile) {
			t.Errorf("%d of %d were kept", len(kept), len(hostile))
		}
		noneStrays(t, "", []string{docsURL}, kept)
		for _, link := range kept {
			if strings.Contains(strings.ToLower(link), p.callback) && p.callback != "/" || strings.Contains(link, "auth_token") && p.param != "" {
				t.Errorf("%q leads to where tokens go, or carries one", link)
			}
		}
	})
}

// TestATokenOnThePageStaysAtTheDocs does the same for a platform that takes the token on
// the wanted page, where the link is the token's own way.
func TestATokenOnThePageStaysAtTheDocs(t *testing.T) {
	onPage := docslogin.Platform{
		Name: "on the page, under a path", DocsURL: docsURL + "/docs", Algorithm: jose.HS256,
		Carrier: docslogin.InQuery("token"), DeepLink: docslogin.DeepLink{In: "redirect", FromBase: true, Drop: []string{"token"}},
	}
	paths, hostile := lines(t, "testdata/docs-links.txt"), hostileLinks(t)
	var pages, locations []string
	for _, path := range paths {
		pages = append(pages, docsURL+"/docs"+path)
	}
	pagesRead := ask[[]loginURL](t, "urls", map[string]any{"urls": pages})
	for i, u := range through(t, onPage, readMe, append(paths, hostile...)) {
		token, found := u.param("token")
		if found != 1 {
			t.Errorf("%d tokens in %+v", found, u)
		}
		locations = append(locations, u.Href)
		if i < len(paths) {
			want := pagesRead[i]
			want.Href, want.Query = u.Href, append(want.Query, [2]string{"token", token})
			if !reflect.DeepEqual(u, want) {
				t.Errorf("%q comes out as %+v", paths[i], u)
			}
		}
	}
	noneStrays(t, "/docs", []string{docsURL}, locations)
	// What the platform wants dropped is taken out, and the rest of the link kept.
	for _, u := range through(t, onPage, readMe, []string{"/a?%74oken=x&b=1#c"}) {
		if token, found := u.param("token"); u.Path != "/docs/a" || u.Query[0] != [2]string{"b", "1"} || found != 1 || token == "x" || u.Hash != "#c" {
			t.Errorf("a link with a token comes out as %+v", u)
		}
	}
}

// loginURL is a login URL as a browser reads it.
type loginURL struct {
	Href, Origin, Path, Hash string
	Query                    [][2]string
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

// through takes links through the route, both of a visitor who is signed in and of one who
// signs in on the way, and returns the login URLs. Both lead to the same place.
func through(t *testing.T, preset docslogin.Platform, p platform, links []string) []loginURL {
	t.Helper()
	signing, _ := p.newKey()
	preset.Key = p.preset(docsURL, signing).Key
	lookup := func(r *http.Request) (*docslogin.User, error) {
		if _, err := r.Cookie("in"); err != nil {
			return nil, docslogin.ErrNoUser
		}
		return &docslogin.User{ID: "u", Name: "Link", Email: "link@example.com"}, nil
	}
	preset.TokenID = false // so that both tokens are the same
	m, err := docslogin.New(lookup, preset, toForm, docslogin.WithClock(atNoon), docslogin.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	app := httptest.NewServer(m)
	defer app.Close()
	browser := &http.Transport{} // no http.Client, which reads redirects with net/url
	defer browser.CloseIdleConnections()
	visit := func(u string, signedIn bool) string {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u, nil)
		if err != nil {
			t.Fatal(err)
		}
		if signedIn {
			req.AddCookie(&http.Cookie{Name: "in", Value: "1"})
		}
		resp, err := browser.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		location := resp.Header.Get("Location")
		if resp.StatusCode != http.StatusFound || strings.ContainsFunc(location, func(r rune) bool { return r <= ' ' || r >= 0x7F }) {
			t.Errorf("%s: %d, %q", u, resp.StatusCode, location)
		}
		return location
	}
	var direct, toSignIn []string
	for _, link := range links {
		login := app.URL + "/docs-login?redirect=" + url.QueryEscape(link)
		direct = append(direct, visit(login, true))
		toSignIn = append(toSignIn, app.URL+visit(login, false))
	}
	for i, form := range ask[[]loginURL](t, "urls", map[string]any{"urls": toSignIn}) {
		back, found := form.param("next")
		if form.Path != "/sign-in" || found != 1 || !strings.HasPrefix(back, "/docs-login?") {
			t.Fatalf("%q: to sign in, the visitor goes to %+v", links[i], form)
		}
		if got := visit(app.URL+back, true); got != direct[i] {
			t.Errorf("%q: over the form the login URL is %q, else %q", links[i], got, direct[i])
		}
	}
	return ask[[]loginURL](t, "urls", map[string]any{"urls": direct})
}

func lines(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimRight(string(text), "\n"), "\n")
}
