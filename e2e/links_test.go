package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/deeplink"
)

// raceDetector reports whether everything takes ten times as long.
var raceDetector = false

// agentURL is a second origin that deep links may name.
const agentURL = "https://agent.example.com:8443"

// sites are docs sites with different rules for deep links, and the origins to which these may lead.
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

// forms returns the forms in which a deep link may go back to the docs: absolute, as a path, and as
// it arrived. A link that starts at the docs' own path cannot go back as it arrived.
func forms(s *deeplink.Site, l deeplink.Link) []string {
	all := []string{l.Origin + l.Path + l.Suffix, l.Path + l.Suffix}
	if l.Given != all[0] && l.Given != all[1] && !s.FromBase {
		all = append(all, l.Given)
	}
	return all
}

// nasty are the tokens that hostile links consist of: characters that parsers disagree about, also
// escaped once or twice, and origins.
var nasty = []string{
	"/", `\`, ".", "..", "?", "#", "@", ":", ";", " ", "\t", "a",
	"%2f", "%5c", "%2e", "%3f", "%23", "%20", "%09", "%252f", "%252e",
	docsURL, agentURL, "https:", "evil.example", "。", "／",
}

// odd are more tokens that fuzzing found: characters that only some parsers escape or reject, broken
// escapes, non-ASCII escapes, another spelling of an origin, and names with a special meaning.
var odd = []string{
	"!", `"`, "[", "]", "+", "&", "=", "_", "%", "%0x", "%00", "%80", "%2b", "%e2%80%a8", "%c3%a9",
	"\x00", "\x13", "\xff", "\u2028", "é", "\ue086", "𒒒", "://", "HTTPS://Docs.Example.com:443", "jwt_token", "undefined",
}

// oddLinks returns links of an odd token with at most one token before it and one after it. Each link
// comes with and without a leading slash.
func oddLinks() (links []string) {
	around := slices.Concat([]string{""}, nasty, odd)
	for _, token := range odd {
		for _, before := range around {
			for _, after := range around {
				links = append(links, before+token+after, "/"+before+token+after)
			}
		}
	}
	return links
}

// sequences tries every sequence of up to longest tokens, and one in eight of those with one token more:
// others in each run. With the race detector, which matters little for pure functions, they are one
// token shorter.
func sequences(tokens []string, longest int, try func(string)) {
	if raceDetector {
		longest--
	}
	skip := rand.N(8)
	var extend func(prefix string, length int)
	extend = func(prefix string, length int) {
		try(prefix)
		for _, token := range tokens {
			if length < longest {
				extend(prefix+token, length+1)
			} else if skip = (skip + 1) % 8; skip == 0 {
				try(prefix + token)
			}
		}
	}
	extend("", 0)
}

// sample returns all links, or one in ten with the race detector, which matters little here as well: the
// links come one after the other.
func sample(links []string) (some []string) {
	if !raceDetector {
		return links
	}
	for i := 0; i < len(links); i += 10 {
		some = append(some, links[i])
	}
	return some
}

// TestNoLinkLeavesTheDocs tries the sequences of up to four nasty tokens, and some of five. Node judges
// those that the library keeps.
func TestNoLinkLeavesTheDocs(t *testing.T) {
	for _, s := range sites {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			const batch = 50_000
			kept := make(chan []string, 4)
			var made [2]int // links, and those that were kept
			go func() {
				defer close(kept)
				var links []string
				sequences(nasty, 4, func(link string) {
					if made[0]++; link == "" {
						return
					}
					if l, err := s.site.Check(link); err == nil {
						made[1]++
						links = append(links, forms(&s.site, l)...)
					}
					if len(links) >= batch {
						kept <- links
						links = nil
					}
				})
				kept <- links
			}()
			for links := range kept {
				noneStrays(t, s.site.Base, s.origins, links)
			}
			t.Logf("%d links, %d kept", made[0], made[1])
			if made[1] == 0 {
				t.Error("no link was kept, so nothing was tested")
			}
		})
	}
}

// noneStrays asks Node where the links lead.
func noneStrays(t *testing.T, base string, origins, links []string) {
	t.Helper()
	for _, s := range ask[[]struct{ Link, Why string }](t, "links", map[string]any{
		"origin": origins[0], "origins": origins, "base": base, "links": links,
	}) {
		t.Errorf("%q strays: %s", s.Link, s.Why)
	}
}

// TestOddLinksStayOnTheDocs tries links with odd tokens, and links that fuzzing found.
func TestOddLinksStayOnTheDocs(t *testing.T) {
	given := append(oddLinks(), fuzzed(t)...)
	for _, s := range sites {
		t.Run(s.name, func(t *testing.T) {
			var links []string
			for _, link := range given {
				if l, err := s.site.Check(link); err == nil && l != (deeplink.Link{}) {
					links = append(links, forms(&s.site, l)...)
				}
			}
			if len(links) == 0 {
				t.Error("no link was kept, so nothing was tested")
			}
			noneStrays(t, s.site.Base, s.origins, links)
			t.Logf("%d links, %d judged", len(given), len(links))
		})
	}
}

// fuzzed returns the links that fuzzing found. They are in this machine's cache and, if they are worth
// keeping, in the repository.
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

// hostileLinks returns the links that fuzzing found, odd tokens and pairs of nasty tokens in several
// positions, and links that carry a token for the platform or lead to its callback.
func (p platform) hostileLinks(t *testing.T) []string {
	hostile := append(fuzzed(t), p.callback, strings.ToUpper(p.callback)+"/?a=b", p.takes(docsURL), p.takes(docsURL)+"?a=b")
	names := p.drops
	if name := p.query + p.form; name != "" {
		names = append([]string{name}, names...)
	}
	for _, name := range names {
		escaped := fmt.Sprintf("%%%x%s", name[0], name[1:])
		hostile = append(hostile, "/a?"+name+"=x", "/a?"+escaped+"=x&b", "/a?b&"+name+"=x", "/a?b;"+name+"=x", "/a?b?"+name+"=x&c",
			"/a?"+name+"[]=x", "/a?b&"+name+"%5B0%5D=x", "/a?"+strings.ToUpper(name)+"=x", "/a;"+name+"=x", "/a%3F"+name+"=x")
	}
	for _, a := range odd {
		hostile = append(hostile, a, "/"+a, "/docs/"+a, "/docs?"+a, "/docs#"+a, docsURL+"/"+a)
	}
	for _, a := range nasty {
		for _, b := range nasty {
			hostile = append(hostile, "/"+a+b, "/docs/"+a+b, a+b+"evil.example", docsURL+a+b)
		}
	}
	return hostile
}

// TestEveryDocsLinkIsKept sends links of real docs through the whole route, in every form in which
// they arrive. Each leads to the same page as before.
func TestEveryDocsLinkIsKept(t *testing.T) {
	each(t, hasLink, func(t *testing.T, p platform) {
		var given, meant []string
		add := func(link, page string) { given, meant = append(given, link), append(meant, page) }
		docs := docsURL + p.base()
		for _, path := range sample(lines(t, "testdata/docs-links.txt")) {
			page := docs + path
			add(page, page)
			if !p.fromBase {
				add(strings.TrimPrefix(page, docsURL), page)
				continue
			}
			add(path, page)
			if path != "/" {
				add(path[1:], page)
			}
		}
		read := readURLs(t, meant)
		for i, l := range p.startRoute(t, docs).through(t, given) {
			if p.onPage() {
				want := read[i]
				want.Href = l.Href
				switch {
				case p.query != "":
					want.Query = append(want.Query, [2]string{p.query, aToken})
				case p.cookie == "":
					want.Hash = "#" + aToken
				}
				if !reflect.DeepEqual(l.place, want) {
					t.Errorf("%q comes out as %+v", given[i], l.place)
				}
			} else if out, want := l.link, p.link(docsURL, strings.TrimPrefix(meant[i], docsURL), given[i]); out != want {
				t.Errorf("%q comes out as %q, want %q", given[i], out, want)
			}
		}
	})
}

// A link that arrives unescaped is the rest of the query, in which browsers escape some characters.
func TestALinkThatArrivesUnescaped(t *testing.T) {
	each(t, func(p platform) bool { return p.unescaped }, func(t *testing.T, p platform) {
		given := []string{"/dashboard/7?tab=2&page=3", "/dashboard/7?currency=British%20Pound&q=a+b%25&" + p.in + "=/", docsURL + "/dashboard/7?tab=2&page=3"}
		for _, path := range lines(t, "testdata/docs-links.txt") {
			page, _, _ := strings.Cut(path, "#")
			given = append(given, page)
		}
		var appended, queries []string
		for _, link := range given {
			appended = append(appended, docsURL+"/docs-login?"+p.in+"="+link)
		}
		for _, u := range readURLs(t, appended) {
			_, query, _ := strings.Cut(u.Href, "?")
			queries = append(queries, query)
		}
		for i, l := range p.startRoute(t, docsURL).logIn(t, queries) {
			sent := strings.TrimPrefix(queries[i], p.in+"=")
			if want := p.link(docsURL, strings.TrimPrefix(sent, docsURL), sent); l.link != want {
				t.Errorf("%q comes out as %q, want %q", sent, l.link, want)
			}
		}
	})
}

func TestThePlatformAlwaysGetsAPage(t *testing.T) {
	each(t, func(p platform) bool { return p.always }, func(t *testing.T, p platform) {
		queries := []string{"", p.in + "=", p.in + "=undefined", p.in + "=https%3A%2F%2Fevil.example%2F"}
		for i, l := range p.startRoute(t, docsURL).logIn(t, queries) {
			if want := p.link(docsURL, "/", "/"); l.link != want {
				t.Errorf("%q goes back as %q, want %q", queries[i], l.link, want)
			}
		}
	})
}

// TestTheTokenGoesNowhereElse sends hostile links through the whole route. The token goes only to the
// platform's callback or, if it goes to the deep link's page, to a page under the docs' own path. No
// link that goes back with it leads elsewhere.
func TestTheTokenGoesNowhereElse(t *testing.T) {
	each(t, hasLink, func(t *testing.T, p platform) {
		hostile := sample(p.hostileLinks(t))
		if p.onPage() {
			home := readURLs(t, []string{docsURL + p.base()})[0]
			var pages []string
			kept := 0
			for _, l := range p.startRoute(t, docsURL+p.base()).through(t, hostile) {
				pages = append(pages, l.Href)
				if p.query != "" && tokensIn(l.Href, p.query) != 1 {
					t.Errorf("%q carries another token", l.Href)
				}
				for _, name := range p.drops { // which these docs read in the query alone
					_, query, _ := strings.Cut(l.Href, "?")
					if name != p.query && tokensIn("?"+query, name) != 0 {
						t.Errorf("%q carries %s", l.Href, name)
					}
				}
				if l.Path != home.Path {
					kept++
				}
			}
			noneStrays(t, p.base(), []string{docsURL}, pages)
			if kept == 0 || kept == len(hostile) {
				t.Errorf("%d of %d were kept", kept, len(hostile))
			}
			return
		}
		callback := readURLs(t, []string{p.takes(docsURL)})[0]
		var kept, absolute []string
		for i, l := range p.startRoute(t, docsURL).through(t, hostile) {
			if l.Origin != callback.Origin || l.Path != callback.Path {
				t.Errorf("%q: the token goes to %+v", hostile[i], l.place)
			}
			if l.link != "" && !(p.always && l.link == p.link(docsURL, "/", "/")) {
				kept = append(kept, l.link)
				absolute = append(absolute, strings.Repeat(docsURL, strings.Count(l.link[:1], "/"))+l.link)
			}
		}
		if len(kept) == 0 || len(kept) == len(hostile) {
			t.Errorf("%d of %d were kept", len(kept), len(hostile))
		}
		noneStrays(t, "", append([]string{docsURL}, p.origins...), kept)
		for i, u := range readURLs(t, absolute) {
			name := p.query + p.form // "": the fragment carries the token
			if name != "" && tokensIn(u.Href, name) != 0 {
				t.Errorf("%q carries a token", kept[i])
			}
			if callback.Path != "/" && u.Origin == callback.Origin && strings.Contains(strings.ToLower(u.Path), callback.Path) {
				t.Errorf("%q leads to the callback", kept[i])
			}
		}
	})
}

// tokensIn returns how often a server may read a parameter in a URL, if it splits paths and queries at
// semicolons, ignores case, or reads lists. In a path, a name without a value is a word.
func tokensIn(href, name string) int {
	href, _, _ = strings.Cut(href, "#")
	_, query, _ := strings.Cut(href, "?")
	name = regexp.QuoteMeta(name)
	return count(`(?i)[?&;]`+name+`(\[[^&;=]*)?=`, href) + count(`[?&;]`+name+`([&;]|$)`, "?"+query)
}

// count returns how often a pattern matches in what a URL says once it is decoded.
func count(pattern, text string) int {
	if decoded, err := url.QueryUnescape(text); err == nil {
		text = decoded
	}
	return len(regexp.MustCompile(pattern).FindAllString(text, -1))
}

// linkless is a platform that sends no deep link.
var linkless = platform{
	name: "Linkless", alg: "HS256", query: "sso",
	preset: func(docsURL, key string) docslogin.Platform {
		return docslogin.Platform{
			Name: "Linkless", DocsURL: docsURL, Algorithm: "HS256", Key: docslogin.Secret(key), Carrier: docslogin.InQuery("sso"),
			Mapper: func(_ context.Context, user *docslogin.User, claims docslogin.Claims) error {
				claims["email"] = user.Email
				return nil
			},
		}
	},
}

// At a platform that sends no deep link, nothing in a login URL changes where the login leads.
func TestWithoutADeepLinkNothingChangesTheLogin(t *testing.T) {
	for _, p := range append([]platform{linkless}, allPlatforms...) {
		if hasLink(p) {
			continue
		}
		r := p.startRoute(t, docsURL)
		d := r.visit(t, "/docs-login", true)
		home := readURLs(t, []string{d.URL})[0]
		if !strings.HasPrefix(home.Href, p.takes(docsURL)) {
			t.Errorf("without a query, the token goes to %s", home.Href)
		}
		var queries []string
		for _, link := range p.hostileLinks(t) {
			queries = append(queries, "redirect="+url.QueryEscape(link))
		}
		for i, l := range r.logIn(t, queries) {
			if !reflect.DeepEqual(l.place, home) {
				t.Errorf("%s: %s: the token goes to %s", p.name, queries[i], l.Href)
			}
		}
	}
}

func TestParametersThatThePlatformDrops(t *testing.T) {
	each(t, func(p platform) bool { return p.drops != nil }, func(t *testing.T, p platform) {
		link := "/a?"
		for _, name := range p.drops {
			link += name + "=x&" + fmt.Sprintf("%%%x%s", name[0], name[1:]) + "=x&" + name + "[]=x;" + strings.ToUpper(name) + "=x&"
		}
		l := p.startRoute(t, docsURL).through(t, []string{link + "b=1#c"})[0]
		want := [][2]string{{"b", "1"}}
		if p.query != "" {
			want = append(want, [2]string{p.query, aToken})
		}
		if l.Path != "/a" || !slices.Equal(l.Query, want) || l.Hash != "#c" {
			t.Errorf("%s comes out as %+v", link, l.place)
		}
	})
}

// A parameter that goes back keeps its value, whatever that is.
func TestParametersThatThePlatformWantsBack(t *testing.T) {
	each(t, func(p platform) bool { return p.echo != nil }, func(t *testing.T, p platform) {
		values := append(nasty, "360000000000", "en-us", `"><script>`, "a&"+p.query+p.form+"=x", "é 日本", "\r\n", "\x00")
		var queries []string
		for _, value := range values {
			query := p.in + "=%2Fa"
			for _, name := range p.echo {
				query += "&" + name + "=" + url.QueryEscape(name+value)
			}
			queries = append(queries, query)
		}
		for i, l := range p.startRoute(t, docsURL).logIn(t, queries) {
			if l.link == "" {
				t.Errorf("%q: the link is lost", values[i])
			}
			for _, name := range p.echo {
				if value, found := find(l.Query, name); value != name+values[i] || found != 1 {
					t.Errorf("%q comes back %d times, as %q", name+values[i], found, value)
				}
			}
		}
	})
}

// place is a URL in its parts, as a browser parses it.
type place struct {
	Href, Origin, Path, Hash string
	Query                    [][2]string
}

func readURLs(t *testing.T, urls []string) []place {
	t.Helper()
	return ask[[]place](t, "urls", map[string]any{"urls": urls})
}

// landing is where a login leads: the URL that takes the token, and the deep link that goes back with
// it.
type landing struct {
	place
	link string // "": none
}

// aToken replaces every token, so that logins can be compared.
const aToken = "TOKEN"

var tokenText = regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`)

// route is the login route of an app. A visitor with the cookie "in" is signed in.
type route struct {
	platform
	app     *httptest.Server
	browser *http.Transport // not an http.Client, which parses redirects with net/url
}

func (p platform) startRoute(t *testing.T, docs string) *route {
	t.Helper()
	signing, _ := p.newKey()
	lookup := func(r *http.Request) (*docslogin.User, error) {
		if _, err := r.Cookie("in"); err != nil {
			return nil, docslogin.ErrNoUser
		}
		return &docslogin.User{ID: "u", Name: "Link", Email: "link@example.com"}, nil
	}
	m, err := docslogin.New(lookup, p.preset(docs, signing), toForm, docslogin.WithClock(atNoon), docslogin.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	r := &route{p, httptest.NewServer(m), &http.Transport{}}
	t.Cleanup(r.app.Close)
	t.Cleanup(r.browser.CloseIdleConnections)
	return r
}

func (r *route) visit(t *testing.T, path string, signedIn bool) destination {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.app.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if signedIn {
		req.AddCookie(&http.Cookie{Name: "in", Value: "1"})
	}
	resp, err := r.browser.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	d, err := readDestination(resp)
	if err != nil || strings.ContainsFunc(d.URL, func(r rune) bool { return r <= ' ' || r >= 0x7F }) {
		t.Fatalf("%s: %q, %v", path, d.URL, err)
	}
	d.URL = tokenText.ReplaceAllLiteralString(d.URL, aToken)
	for i := range d.Fields {
		d.Fields[i][1] = tokenText.ReplaceAllLiteralString(d.Fields[i][1], aToken)
	}
	for i := range d.SetCookies {
		d.SetCookies[i] = tokenText.ReplaceAllLiteralString(d.SetCookies[i], aToken)
	}
	return d
}

// through sends links through the route.
func (r *route) through(t *testing.T, links []string) []landing {
	t.Helper()
	var queries []string
	for _, link := range links {
		queries = append(queries, r.in+"="+url.QueryEscape(link))
	}
	return r.logIn(t, queries)
}

// logIn opens the route, as a visitor who is signed in and as one who signs in on the way. Both get to
// the same place, with one token where the platform takes it.
func (r *route) logIn(t *testing.T, queries []string) (landings []landing) {
	t.Helper()
	var direct []destination
	var urls, toSignIn []string
	for _, query := range queries {
		d := r.visit(t, "/docs-login?"+query, true)
		direct, urls = append(direct, d), append(urls, d.URL)
		toSignIn = append(toSignIn, r.app.URL+r.visit(t, "/docs-login?"+query, false).URL)
	}
	for i, form := range readURLs(t, toSignIn) {
		back, found := find(form.Query, "next")
		if form.Path != "/sign-in" || found != 1 || !strings.HasPrefix(back, "/docs-login?") {
			t.Fatalf("%q: the visitor is sent to sign in at %+v", queries[i], form)
		}
		if got := r.visit(t, back, true); !reflect.DeepEqual(got, direct[i]) {
			t.Errorf("%q: over the form the login is %q, otherwise %q", queries[i], got, direct[i])
		}
	}
	for i, u := range readURLs(t, urls) {
		carriers := u.Query
		if r.form != "" {
			carriers = direct[i].Fields
		}
		link, links := find(carriers, r.out)
		token, tokens := strings.TrimPrefix(u.Hash, "#"), 1
		switch {
		case r.cookie != "":
			token, tokens = direct[i].cookie(r.cookie)
		case r.query+r.form != "":
			token, tokens = find(carriers, r.query+r.form)
		}
		if tokens != 1 || token != aToken || links > 1 || strings.Count(fmt.Sprint(direct[i]), aToken) != 1 {
			t.Errorf("%q: the login is %q", queries[i], direct[i])
		}
		landings = append(landings, landing{u, link})
	}
	return landings
}

func lines(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimRight(string(text), "\n"), "\n")
}
