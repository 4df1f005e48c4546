// Package address turns a login request's parameters into the place where the
// visitor's browser goes next: the docs, with a token in a URL or in a form, or
// the app's sign-in page, with a return URL.
//
// The parts of every URL come from the configuration and are prepared once, by
// [New]. A request adds only its deep link, once that is checked, and the
// parameters that the platform wants back.
package address

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docslogin/docslogin/internal/deeplink"
)

// Config is what a Builder is made of.
type Config struct {
	DocsURL       string
	Callback      string // path under DocsURL, or absolute URL; "": DocsURL, or the page itself
	Carrier       Carrier
	DeepLink      DeepLink
	Echo          []string
	Params        map[string]string
	MaxTokenBytes int
	RootOnly      bool
	InsecureHTTP  bool

	Path        string  // of the login route
	ExternalURL *string // the app's own base URL; nil: not configured
	SignIn      *SignIn // nil: not configured
}

// DeepLink says how a deep link arrives and how it goes back.
type DeepLink struct {
	In, Out  string // query parameters
	Form     Form
	FromBase bool
	Origins  []string
	Drop     []string
}

// SignIn is the app's sign-in page.
type SignIn struct {
	URL         string
	ReturnParam string // takes the return URL
}

// Carrier is the part of a request to the docs that carries the token.
type Carrier struct {
	Place Place
	Name  string // of the parameter or the field
}

// Place is where a token travels. The zero Place is invalid.
type Place int

// The places.
const (
	Query Place = iota + 1
	Fragment
	PostForm
)

// Form is how a deep link is written when it goes back to the docs.
type Form int

// The forms of a deep link.
const (
	AsPath Form = iota
	AsURL
	AsGiven
)

func (f Form) of(l deeplink.Link) string {
	switch f {
	case AsURL:
		return l.Origin + l.Path + l.Suffix
	case AsGiven:
		return l.Given
	}
	return l.Path + l.Suffix
}

// What URLs may measure in bytes, from what was measured of servers and browsers.
const (
	maxQueryURL    = 8000  // nginx and CDNs answer 414 beyond 8 KiB
	maxFragmentURL = 16000 // it reaches no server, but must pass the proxy in front of the app
	warnURL        = 3000  // nginx in front of the app, with its default buffers, passes a little more
)

const (
	returnMarker = "docslogin_sent" // in the return URL: when the visitor was sent to sign in, in Unix seconds
	returnWindow = 10 * time.Minute // how long the marker counts, so that a bookmark does not meet the loop page forever
	maxEcho      = 256              // bytes of an echoed parameter
	maxQuery     = 1 << 16          // bytes that are searched: far more than a login URL has
)

// Builder builds the URLs that browsers are sent to. It is safe for concurrent
// use by multiple goroutines.
type Builder struct {
	DocsHost    string // host name of the docs, in lower case, without a port
	RouteURL    string // the login route as browsers see it; absolute if the sign-in page is on another host
	FormOrigins string // origins that a form, and the redirects behind it, may lead to

	config     Config
	site       deeplink.Site // what deep links are checked against
	target     string        // the URL that takes the token, unless the page itself does
	toPage     bool          // the page itself takes the token, if a deep link names one
	signIn     string        // the sign-in page's URL, up to the value of the return parameter
	signInTail string        // what follows that value
}

// New returns the Builder of a configuration in which [Check] finds no problem.
func New(c *Config) *Builder {
	b := &Builder{config: *c}
	docs, _ := url.Parse(c.DocsURL)
	b.DocsHost = strings.ToLower(docs.Hostname())
	b.toPage = c.toPage()
	b.target = c.target(docs)
	b.site = c.site(docs, b.target)
	b.FormOrigins = c.formOrigins(docs)
	b.RouteURL = c.routeURL()
	if c.SignIn != nil {
		page, fragment, hasFragment := strings.Cut(c.SignIn.URL, "#")
		b.signIn = deeplink.Escape(page) + separator(strings.Contains(page, "?")) + url.QueryEscape(c.SignIn.ReturnParam) + "="
		if hasFragment {
			b.signInTail = "#" + deeplink.Escape(fragment)
		}
	}
	return b
}

// toPage reports whether the page that a deep link names takes the token.
func (c *Config) toPage() bool { return c.DeepLink.In != "" && c.DeepLink.Out == "" }

// base is the docs' own path without a trailing slash.
func base(docs *url.URL) string { return strings.TrimRight(docs.EscapedPath(), "/") }

// target is the URL that takes the token.
func (c *Config) target(docs *url.URL) string {
	switch {
	case strings.HasPrefix(c.Callback, "/"):
		return deeplink.Origin(docs) + deeplink.Escape(base(docs)+c.Callback)
	case c.Callback != "":
		u, _ := url.Parse(c.Callback)
		return deeplink.Origin(u) + deeplink.Escape(u.EscapedPath())
	}
	target := deeplink.Origin(docs) + deeplink.Escape(docs.EscapedPath())
	if docs.RawQuery != "" {
		target += "?" + deeplink.Escape(docs.RawQuery)
	}
	return target
}

func (c *Config) site(docs *url.URL, target string) deeplink.Site {
	site := deeplink.Site{
		Origin: deeplink.Origin(docs), Base: base(docs), Origins: c.linkOrigins(),
		FromBase: c.DeepLink.FromBase, Target: c.toPage(), Token: c.Carrier.Name, Drop: c.DeepLink.Drop,
	}
	if c.Callback != "" {
		site.Callback, _ = url.PathUnescape(target) // a clean path, so it decodes
	}
	return site
}

// linkOrigins are DeepLink.Origins in the form in which origins are compared.
func (c *Config) linkOrigins() []string {
	origins := make([]string, len(c.DeepLink.Origins))
	for i, origin := range c.DeepLink.Origins {
		u, _ := url.Parse(origin)
		origins[i] = deeplink.Origin(u)
	}
	return origins
}

// formOrigins are those of the callback, the docs and the links, for a
// Content-Security-Policy.
func (c *Config) formOrigins(docs *url.URL) string {
	target, _ := url.Parse(c.target(docs))
	origins := append(c.linkOrigins(), deeplink.Origin(docs), deeplink.Origin(target))
	slices.Sort(origins)
	return strings.Join(slices.Compact(origins), " ")
}

// routeURL is the login route as browsers see it.
func (c *Config) routeURL() string {
	external := &url.URL{}
	if c.ExternalURL != nil {
		external, _ = url.Parse(*c.ExternalURL)
	}
	route := base(external) + c.Path
	if c.SignIn == nil || strings.HasPrefix(c.SignIn.URL, "/") {
		return route
	}
	if page, _ := url.Parse(c.SignIn.URL); deeplink.Origin(page) == deeplink.Origin(external) {
		return route
	}
	return deeplink.Origin(external) + route
}

// HasSignIn reports whether there is a sign-in page.
func (b *Builder) HasSignIn() bool { return b.signIn != "" }

// HasURL reports whether a token travels in a URL, and not in a form.
func (b *Builder) HasURL() bool { return b.config.Carrier.Place != PostForm }

// Request is what a login request asks for. The zero Request asks for the docs' home.
type Request struct {
	Link     deeplink.Link // the deep link, checked; zero: the docs' home
	Returned bool          // the visitor comes straight from the sign-in page
	Rejected string        // why there was a deep link that is not followed; "": there was none, or it is
	Warnings []string      // what an operator should know

	given string     // the deep link as it came; "" if Link is zero
	echo  url.Values // the platform's other parameters
}

// Read returns what the query of a login request that arrived at the time now asks for.
func (b *Builder) Read(rawQuery string, now time.Time) Request {
	if len(rawQuery) > maxQuery {
		return Request{Rejected: "the query is too long"}
	}
	req := b.Link(deeplink.Param(rawQuery, b.config.DeepLink.In))
	for _, name := range b.config.Echo {
		switch value := deeplink.Param(rawQuery, name); {
		case value == "":
		case len(value) > maxEcho:
			req.Warnings = append(req.Warnings, fmt.Sprintf("the parameter %s is over %d bytes and was dropped", name, maxEcho))
		default:
			if req.echo == nil {
				req.echo = url.Values{}
			}
			req.echo.Set(name, value)
		}
	}
	req.Returned = isRecent(deeplink.Param(rawQuery, returnMarker), now)
	return req
}

// isRecent reports whether a return marker was set within the return window.
// Clocks of several instances differ, so it may be a minute ahead.
func isRecent(marker string, now time.Time) bool {
	if marker == "" { // as nearly always; spares ParseInt's error
		return false
	}
	sent, err := strconv.ParseInt(marker, 10, 64)
	age := now.Sub(time.Unix(sent, 0))
	return err == nil && -time.Minute <= age && age <= returnWindow
}

// Link returns the request for a deep link as a platform sends it. A link that
// does not pass the check is rejected and leads to the docs' home.
func (b *Builder) Link(given string) Request {
	if b.config.DeepLink.In == "" {
		return Request{}
	}
	link, err := b.site.Check(given)
	if err != nil {
		return Request{Rejected: err.Error()}
	}
	if link == (deeplink.Link{}) {
		return Request{}
	}
	return Request{Link: link, given: given}
}

// dropLink makes the request one for the docs' home.
func (r *Request) dropLink(reason string) {
	r.Link, r.given, r.Rejected = deeplink.Link{}, "", reason
}

const makesTooLong = "it makes the URL too long"

// Destination is where a browser goes next.
type Destination struct {
	URL    string
	Fields [][2]string // name and value of each field of a form that is posted to URL; nil: no form
}

// Warning says that a proxy in front of the app may not pass a redirect of this
// length, or "".
func (d Destination) Warning() string {
	if len(d.URL) <= warnURL || d.Fields != nil {
		return ""
	}
	return fmt.Sprintf("the URL is over %d bytes: nginx in front of the app needs proxy_buffer_size 32k; proxy_buffers 8 32k;", warnURL)
}

// Docs returns where the token goes. If the deep link alone makes the URL too
// long to arrive, Docs drops it from req. Otherwise a URL or a token that is too
// long is an error; the Destination tells its length all the same.
func (b *Builder) Docs(req *Request, token string) (Destination, error) {
	if limit := b.config.MaxTokenBytes; limit > 0 && len(token) > limit {
		return Destination{}, fmt.Errorf("the token is %d bytes long, and this platform accepts %d", len(token), limit)
	}
	limit := maxQueryURL
	if b.config.Carrier.Place == Fragment {
		limit = maxFragmentURL
	}
	next := b.docs(req, token)
	if len(next.URL) > limit && req.given != "" {
		home := Request{echo: req.echo}
		if next := b.docs(&home, token); len(next.URL) <= limit {
			req.dropLink(makesTooLong)
			return next, nil
		}
	}
	if len(next.URL) > limit {
		return next, fmt.Errorf("the URL is %d bytes long, and more than %d do not arrive", len(next.URL), limit)
	}
	return next, nil
}

// docs writes the token, the deep link and the platform's other parameters into
// the URL, or the first two into a form.
func (b *Builder) docs(req *Request, token string) Destination {
	c, target, anchor := &b.config, b.target, ""
	hasLink := req.given != ""
	if b.toPage && hasLink {
		target = req.Link.Origin + deeplink.Escape(req.Link.Path+req.Link.Suffix)
		if i := strings.IndexByte(target, '#'); i >= 0 {
			target, anchor = target[:i], target[i:]
		}
	}
	var u strings.Builder
	u.Grow(len(target) + len(token) + 3*len(req.given) + 64)
	u.WriteString(target)
	hasQuery := strings.Contains(target, "?")
	add := func(parts ...string) {
		u.WriteString(separator(hasQuery))
		hasQuery = true
		for _, part := range parts {
			u.WriteString(part)
		}
	}
	if others := b.others(req); len(others) > 0 {
		add(others.Encode())
	}
	var fields [][2]string
	switch c.Carrier.Place {
	case Query:
		add(url.QueryEscape(c.Carrier.Name), "=", token)
	case Fragment:
		anchor = "#" + token
	case PostForm:
		fields = [][2]string{{c.Carrier.Name, token}}
	}
	if !b.toPage && hasLink {
		if link := c.DeepLink.Form.of(req.Link); fields != nil {
			fields = append(fields, [2]string{c.DeepLink.Out, link})
		} else {
			add(url.QueryEscape(c.DeepLink.Out), "=", url.QueryEscape(link))
		}
	}
	u.WriteString(anchor)
	return Destination{u.String(), fields}
}

// others are the platform's constant parameters and those that it wants back;
// one of the latter wins over one of the former.
func (b *Builder) others(req *Request) url.Values {
	if len(b.config.Params) == 0 {
		return req.echo
	}
	others := url.Values{}
	for name, value := range b.config.Params {
		others.Set(name, value)
	}
	for name, values := range req.echo {
		others[name] = values
	}
	return others
}

// SignIn returns the sign-in page with the return URL of this request, which
// leads to the same page of the docs. Of the request, only the deep link as it
// came, once it has passed its check, and the echoed parameters are in it. If the
// deep link makes the URL too long, SignIn drops it from req.
func (b *Builder) SignIn(req *Request, now time.Time) Destination {
	query := url.Values{returnMarker: {strconv.FormatInt(now.Unix(), 10)}}
	for name, values := range req.echo {
		query[name] = values
	}
	if req.given != "" {
		query.Set(b.config.DeepLink.In, req.given)
	}
	location := b.signIn + url.QueryEscape(b.RouteURL+"?"+query.Encode()) + b.signInTail
	if len(location) > maxQueryURL && req.given != "" {
		req.dropLink(makesTooLong)
		return b.SignIn(req, now)
	}
	return Destination{URL: location}
}

// separator is what stands before one more parameter.
func separator(hasQuery bool) string {
	if hasQuery {
		return "&"
	}
	return "?"
}
