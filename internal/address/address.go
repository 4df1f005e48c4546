// Package address builds the URLs to which a login sends the visitor's browser: the docs,
// with the token in a URL or in a form, or the app's sign-in page, with a return URL.
//
// [Check] finds what is wrong with a configuration. [New] prepares the constant parts of
// every URL. A request adds only its deep link, if it passes its check, and the parameters
// that the platform wants back. Nothing else of a request is read, so no Host or Forwarded
// header can change where a token goes.
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

// Config has what a Builder needs of the options and of the platform.
type Config struct {
	DocsURL       string
	Callback      string // path under DocsURL, or absolute URL; "": DocsURL, or the deep link's page
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

// DeepLink says how a deep link arrives on the login route and how it goes back to the docs.
type DeepLink struct {
	In       string // query parameter that brings it; "": the platform sends none
	Out      string // query parameter or field that takes it back; "": the token goes to its page
	Form     Form
	FromBase bool     // a relative link starts at DocsURL's path
	Origins  []string // that a link may name, besides DocsURL's
	Drop     []string // query parameters to remove from a link
}

// SignIn is the app's sign-in page.
type SignIn struct {
	URL         string
	ReturnParam string // query parameter that carries the return URL
}

// Carrier is the part of a request to the docs that carries the token.
type Carrier struct {
	Place Place
	Name  string // of the parameter or the field
}

// Place is one part of such a request. The zero Place is invalid.
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
	AsPath  Form = iota // from the host's root
	AsURL               // absolute, on the checked origin
	AsGiven             // the bytes that arrived
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

// The longest URLs in bytes, as measured with servers and browsers.
const (
	maxQueryURL    = 8000  // nginx and CDNs answer 414 beyond 8 KiB
	maxFragmentURL = 16000 // it reaches no server, but must pass the proxy in front of the app
	warnURL        = 3000  // nginx in front of the app, with its default buffers, passes a little more
)

const (
	returnMarker = "docslogin_sent" // in the return URL: when the visitor was sent to sign in, in Unix seconds
	returnWindow = 10 * time.Minute // how long the marker counts, so that a bookmark does not meet the loop page forever
	maxEcho      = 256              // bytes of an echoed parameter
	maxQuery     = 1 << 16          // bytes of a query that is read: far more than a login URL has
)

// Builder builds the URLs to which browsers are sent. It is safe for concurrent use by
// multiple goroutines.
type Builder struct {
	DocsHost    string // host name of the docs, in lower case, without a port
	RouteURL    string // the login route as browsers see it; absolute if the sign-in page is on another host
	FormOrigins string // to which a form, and the redirects that follow it, may lead; for a Content-Security-Policy

	config     Config
	site       deeplink.Site // what deep links are checked against
	target     string        // the URL that takes the token, unless a deep link's page does
	toPage     bool          // the page that a deep link names takes the token
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
	b.FormOrigins = c.formOrigins(docs, b.target)
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

// formOrigins are the origins of the target, the docs, and the deep links.
func (c *Config) formOrigins(docs *url.URL, target string) string {
	u, _ := url.Parse(target)
	origins := append(c.linkOrigins(), deeplink.Origin(docs), deeplink.Origin(u))
	slices.Sort(origins)
	return strings.Join(slices.Compact(origins), " ")
}

// routeURL is the login route as browsers see it, to which the return URL leads.
func (c *Config) routeURL() string {
	external := &url.URL{}
	if c.ExternalURL != nil {
		external, _ = url.Parse(*c.ExternalURL)
	}
	route := base(external) + c.Path
	if c.SignIn == nil || strings.HasPrefix(c.SignIn.URL, "/") {
		return route
	}
	page, _, _ := strings.Cut(c.SignIn.URL, "#") // a script may read the fragment, which need not decode
	if u, _ := url.Parse(page); deeplink.Origin(u) == deeplink.Origin(external) {
		return route
	}
	return deeplink.Origin(external) + route
}

// HasSignIn reports whether there is a sign-in page.
func (b *Builder) HasSignIn() bool { return b.signIn != "" }

// HasURL reports whether the token is in a URL, and not in a form.
func (b *Builder) HasURL() bool { return b.config.Carrier.Place != PostForm }

// Request is what a login request asks for. The zero Request asks for the docs' home.
type Request struct {
	Link     deeplink.Link // the deep link, checked; zero: the docs' home
	Returned bool          // the sign-in page has just sent the visitor back
	Rejected string        // why the deep link was dropped; "": it was not, or there was none
	Warnings []string      // for the operator

	given string     // the deep link as it arrived; "" if Link is zero
	echo  url.Values // the platform's other parameters
}

// Read returns what a login request asks for in its query, if it arrived at the time now.
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

// isRecent reports whether a return marker was set within the return window. The clocks of
// several instances differ, so the marker may be a minute ahead.
func isRecent(marker string, now time.Time) bool {
	if marker == "" { // as nearly always; spares ParseInt's error
		return false
	}
	sent, err := strconv.ParseInt(marker, 10, 64)
	age := now.Sub(time.Unix(sent, 0))
	return err == nil && -time.Minute <= age && age <= returnWindow
}

// Link returns the request for a deep link as a platform sends it. A link that does not pass
// its check is rejected, and the request is one for the docs' home.
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

// dropLink drops a deep link that makes a URL too long.
func (r *Request) dropLink() {
	r.Link, r.given, r.Rejected = deeplink.Link{}, "", "it makes the URL too long"
}

// Destination is where a browser goes next.
type Destination struct {
	URL    string
	Fields [][2]string // name and value of each field of a form that is posted to URL; nil: no form
}

// Warning returns a warning for the operator if a proxy in front of the app may not pass a
// redirect of this length, and otherwise "".
func (d Destination) Warning() string {
	if len(d.URL) <= warnURL || d.Fields != nil {
		return ""
	}
	return fmt.Sprintf("the URL is over %d bytes: nginx in front of the app needs proxy_buffer_size 32k; proxy_buffers 8 32k;", warnURL)
}

// Docs returns where the token goes. If the deep link alone makes the URL too long to
// arrive, Docs drops it from req. A token that is longer than the platform accepts is an
// error. So is a URL that is too long even without the deep link; of the Destination, only
// the URL's length is then of use.
func (b *Builder) Docs(req *Request, token string) (Destination, error) {
	if limit := b.config.MaxTokenBytes; limit > 0 && len(token) > limit {
		return Destination{}, fmt.Errorf("the token is %d bytes long, and this platform accepts %d", len(token), limit)
	}
	limit := maxQueryURL
	if b.config.Carrier.Place == Fragment {
		limit = maxFragmentURL
	}
	next := b.destination(req, token)
	if len(next.URL) > limit && req.given != "" {
		home := Request{echo: req.echo}
		if next := b.destination(&home, token); len(next.URL) <= limit {
			req.dropLink()
			return next, nil
		}
	}
	if len(next.URL) > limit {
		return next, fmt.Errorf("the URL is %d bytes long, and more than %d do not arrive", len(next.URL), limit)
	}
	return next, nil
}

// destination writes the token, the deep link, and the platform's other parameters into the URL, or
// the first two into a form.
func (b *Builder) destination(req *Request, token string) Destination {
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

// others are the platform's constant parameters and those that it wants back, which win.
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

// SignIn returns the sign-in page, of which there must be one, with a return URL that leads
// to the same destination as req. The return URL contains the deep link as it arrived, so
// that both requests read the same, and the echoed parameters. If the deep link makes the URL
// too long, SignIn drops it from req.
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
		req.dropLink()
		return b.SignIn(req, now)
	}
	return Destination{URL: location}
}

// separator goes before one more parameter.
func separator(hasQuery bool) string {
	if hasQuery {
		return "&"
	}
	return "?"
}
