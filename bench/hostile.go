package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing/iotest"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/platforms"
	"github.com/docslogin/docslogin/userinfo"
	"github.com/docslogin/docslogin/webhook"
)

// Sizes of the parts of a hostile request, in bytes.
const (
	readQuery   = 8 << 10  // the longest query that the library reads
	readHeader  = 8 << 10  // the longest header that the library reads, counting 2 bytes more for each value
	readBody    = 8 << 10  // the longest body that the webhook reads
	longQuery   = 64 << 10 // a query that the library does not read
	longestLink = 2 << 10  // the longest deep link that the library follows
	allHeaders  = 1 << 20  // net/http's default limit for all headers together
)

// anonymousRequests returns the requests to measure, beginning with an ordinary one. They are built
// in memory, so that the time for parsing them in net/http does not count.
func (b *bench) anonymousRequests() ([]anonymousRequest, error) {
	var requests []anonymousRequest
	silent := docslogin.WithLogger(slog.New(slog.DiscardHandler))
	now := time.Now()
	clock := docslogin.WithClock(func() time.Time { return now }) // so that the return marker stays recent
	for i, platform := range b.platforms() {
		docs, err := docslogin.New(anonymous, platform, docslogin.WithSignInPage("/sign-in", "next"), silent, clock)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			requests = append(requests, anonymousRequest{"an ordinary request", docs, loginRequest(), 302})
			requests = append(requests, hostileHeaders(docs)...)
		}
		for _, q := range hostileQueries(platform) {
			requests = append(requests, anonymousRequest{platform.Name + ", " + q.name, docs, newRequest("GET", q.value, nil), 302})
		}
		marker := "docslogin_sent=" + strconv.FormatInt(now.Unix(), 10) + "&"
		everything := newRequest("GET", marker+fill("%&", readQuery-len(marker)), longestHeaders())
		requests = append(requests, anonymousRequest{platform.Name + ", 8 KiB of %& with a recent return marker and the longest headers", docs, everything, 401})
	}
	webhooks, webhookErr := hostileWebhooks(b.sites[0].key)
	userInfo, userInfoErr := hostileUserInfo()
	return slices.Concat(requests, webhooks, userInfo), errors.Join(webhookErr, userInfoErr)
}

// platforms returns presets that read requests in different ways. For example, Canny and Zendesk echo
// parameters, and GitBook removes parameters from the deep link.
func (b *bench) platforms() []docslogin.Platform {
	secret, ed25519 := b.sites[0].key, b.sites[1].key
	return []docslogin.Platform{
		platforms.ReadMe(docsURL, secret),
		platforms.Mintlify(docsURL, ed25519),
		platforms.GitBook(docsURL, secret),
		platforms.Canny(docsURL, "acme", secret),
		platforms.Metabase(docsURL, secret),
		platforms.Zendesk("https://acme.zendesk.com", secret),
	}
}

// fill repeats unit until the text has size bytes.
func fill(unit string, size int) string { return strings.Repeat(unit, size/len(unit)+1)[:size] }

// escapeAll percent-encodes every byte.
func escapeAll(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// named is a query or a deep link with a name.
type named struct{ name, value string }

// hostileQueries returns queries for the parameters that a platform reads.
func hostileQueries(p docslogin.Platform) []named {
	in := p.DeepLink.In
	similar := in[:len(in)-1] + "~"
	queries := []named{
		{"64 KiB of %&", fill("%&", longQuery)},
		{"64 KiB of %", fill("%", longQuery)},
		{"8 KiB of %&", fill("%&", readQuery)},
		{"8 KiB of %", fill("%", readQuery)},
		{"8 KiB of &", fill("&", readQuery)},
		{"8 KiB of =&", fill("=&", readQuery)},
		{"8 KiB of +", fill("+", readQuery)},
		{"8 KiB of +&", fill("+&", readQuery)},
		{"8 KiB of the deep link's parameter", fill(in+"&", readQuery)},
		{"8 KiB of names that are broken escapes", fill(fill("%1", len(in))+"&", readQuery)},
		{"8 KiB of names that are escapes", fill(strings.Repeat("%25", len(in))+"&", readQuery)},
		{"8 KiB of names that differ in the last letter", fill(similar+"&", readQuery)},
		{"8 KiB of escaped names that differ in the last letter", fill(escapeAll(similar)+"&", readQuery)},
		{"a return marker of digits", fill("docslogin_sent="+strings.Repeat("1", readQuery), readQuery)},
		{"a return marker of %", fill("docslogin_sent="+strings.Repeat("%", readQuery), readQuery)},
		{"a deep link of %, too long", fill(in+"="+strings.Repeat("%", readQuery), readQuery)},
		{"a deep link of escapes, too long", fill(in+"="+strings.Repeat("%61", readQuery), readQuery)},
		{"a deep link of /a, all escaped", in + "=" + escapeAll(fill("/a", longestLink))},
	}
	for _, l := range hostileLinks(p.DocsURL) {
		queries = append(queries, named{"a deep link of " + l.name, in + "=" + url.QueryEscape(l.value)})
	}
	if len(p.Echo) == 0 {
		return queries
	}
	everything := in + "=" + url.QueryEscape(fill("/a", longestLink))
	for _, echo := range p.Echo {
		everything += "&" + echo + "=" + strings.Repeat("%25", 256)
	}
	return append(queries,
		named{"the longest deep link and echoed parameters", everything},
		named{"an echoed parameter of digits", fill(p.Echo[0]+"="+strings.Repeat("1", readQuery), readQuery)},
		named{"an echoed parameter of %", fill(p.Echo[0]+"="+strings.Repeat("%", readQuery), readQuery)},
	)
}

// hostileLinks returns deep links of the maximum length.
func hostileLinks(docsURL string) []named {
	return []named{
		{"/a", fill("/a", longestLink)},
		{"/a, absolute", fill(docsURL+strings.Repeat("/a", longestLink), longestLink)},
		{";", "/a" + fill(";", longestLink-2)},
		{"%25", "/a" + fill("%25", longestLink-2)},
		{"%C3%A9", "/a" + fill("%C3%A9", longestLink-2)},
		{"é", "/a" + fill("é", longestLink-2)},
		{"/a?&&&", "/a?" + fill("&", longestLink-3)},
		{"/a?%&%&", "/a?" + fill("%&", longestLink-3)},
		{"/a?%%%", "/a?" + fill("%", longestLink-3)},
	}
}

// newRequest returns a request to the login route.
func newRequest(method, query string, header http.Header) *http.Request {
	r := httptest.NewRequest(method, "/docs-login", nil)
	r.URL.RawQuery, r.Header = query, header
	return r
}

// hostileHeaders returns requests with headers that are too long. The login route responds with its page
// for another method (405), or rejects the request because no browser sends such headers (403).
func hostileHeaders(docs http.Handler) []anonymousRequest {
	var requests []anonymousRequest
	post := func(name string, header http.Header) {
		requests = append(requests, anonymousRequest{"POST, " + name, docs, newRequest("POST", "", header), 405})
	}
	get := func(name string, header http.Header) {
		requests = append(requests, anonymousRequest{name, docs, newRequest("GET", "", header), 403})
	}
	short, long := values("A"), values("PREFETCK") // which differs from PREFETCH only at the end
	for _, unit := range []string{"a", "A", "É"} {
		post("a long Accept of "+unit, longValue("Accept", unit))
		get("a long Sec-Purpose of "+unit, longValue("Sec-Purpose", unit))
	}
	post("many values of Accept", manyValues("Accept", short))
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		get("many values of "+name, manyValues(name, short))
		get("many longer values of "+name, manyValues(name, long))
	}
	get("a thousand values of Sec-Fetch-Mode and Sec-Fetch-Dest", http.Header{
		"Sec-Fetch-Mode": slices.Repeat([]string{"navigate"}, 1000), "Sec-Fetch-Dest": slices.Repeat([]string{"document"}, 1000),
	})
	get("many values of Sec-Fetch-Mode", manyValues("Sec-Fetch-Mode", values("navigate")))
	get("many values of Sec-Fetch-Dest", manyValues("Sec-Fetch-Dest", values("empty")))
	get("a long Sec-Fetch-Mode", longValue("Sec-Fetch-Mode", "navigate"))
	return requests
}

// longestHeaders returns the headers that the login route reads, each as long as it reads them. None is
// a reason to reject the request.
func longestHeaders() http.Header {
	values := func(value string) []string {
		return slices.Repeat([]string{value}, readHeader/(len(value)+2))
	}
	notUTF8 := strings.Repeat("\xff", readHeader-2)
	return http.Header{
		"Accept": {notUTF8}, "Sec-Purpose": {notUTF8}, "Purpose": values(""), "X-Purpose": values(""), "X-Moz": values(""),
		"Sec-Fetch-Mode": values("navigate"), "Sec-Fetch-Dest": values("document"),
	}
}

// longValue returns a header with one value of the maximum length.
func longValue(name, unit string) http.Header { return http.Header{name: {fill(unit, allHeaders)}} }

// manyValues returns a header with as many of the values as net/http accepts.
func manyValues(name string, values []string) http.Header {
	return http.Header{name: values[:allHeaders/len(name+":"+values[0]+"\r\n")]}
}

// values returns enough equal values for manyValues. Headers share them to keep the heap small,
// because every measurement begins with a garbage collection.
func values(value string) []string {
	return slices.Repeat([]string{value}, allHeaders/len("X-Moz:"+value+"\r\n"))
}

// hostileWebhooks returns requests to ReadMe's webhook that ReadMe did not sign.
func hostileWebhooks(secret string) ([]anonymousRequest, error) {
	h, err := webhook.ReadMe(secret, func(context.Context, string) (*docslogin.User, error) { return nil, nil })
	if err != nil {
		return nil, err
	}
	request := func(name, signature string, body func() io.Reader) anonymousRequest {
		header := http.Header{"Readme-Signature": {signature}}
		return anonymousRequest{"webhook, " + name, withBody(h, body), newRequest("POST", "", header), 401}
	}
	bytes := func(size int) func() io.Reader {
		text := fill("a", size)
		return func() io.Reader { return strings.NewReader(text) }
	}
	byteByByte := func() io.Reader { return iotest.OneByteReader(bytes(readBody)()) }
	wrong := "t=1,v0=" + fill("0", 64)
	return []anonymousRequest{
		request("a long signature of t=1,v0=00,", fill("t=1,v0=00,", allHeaders), bytes(2)),
		request("a long signature of commas", fill(",", allHeaders), bytes(2)),
		request("a long signature of spaces", fill(" ", allHeaders), bytes(2)),
		request("a long v0", "t=1,v0="+fill("0", allHeaders-7), bytes(2)),
		request("a long t", "v0=00,t="+fill("1", allHeaders-8), bytes(2)),
		request("the longest body", wrong, bytes(readBody)),
		request("the longest body, byte by byte", wrong, byteByByte),
		request("a body that is too long", wrong, bytes(1<<20)),
	}, nil
}

// withBody passes each request to h with a new body, because a handler can read a body only once.
func withBody(h http.Handler, body func() io.Reader) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = io.NopCloser(body())
		h.ServeHTTP(w, r)
	})
}

// hostileUserInfo returns requests to the userinfo handler. It rejects their origin or destination.
func hostileUserInfo() ([]anonymousRequest, error) {
	h, err := userinfo.New(anonymous, platforms.MintlifyInfo(), []string{docsURL})
	if err != nil {
		return nil, err
	}
	request := func(name string, header http.Header) anonymousRequest {
		return anonymousRequest{"userinfo, " + name, h, newRequest("GET", "", header), 403}
	}
	return []anonymousRequest{
		request("many values of Origin", manyValues("Origin", values(docsURL))),
		request("a long Origin", longValue("Origin", docsURL)),
		request("many values of Sec-Fetch-Dest", manyValues("Sec-Fetch-Dest", values("empty"))),
		request("a long Sec-Fetch-Dest", longValue("Sec-Fetch-Dest", "empty")),
	}, nil
}
