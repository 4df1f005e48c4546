// Package address builds the URLs to which a login sends the visitor's browser. One is the URL of
// the docs; the token is in it, in a form, or in a cookie. The other is the URL of the app's sign-in
// page, with a return URL.
//
// [Check] finds what is wrong with a configuration. [New] prepares the constant parts of every URL.
// A request adds only its deep link, if that passes its check, and the parameters that the platform
// wants back. Nothing else of a request is read, so no Host or Forwarded header can change where a
// token goes.
package address

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docslogin/docslogin/internal/deeplink"
)

// Config holds what a Builder needs from the options and the platform.
type Config struct {
	Platform      string // its name, for errors
	DocsURL       string
	Callback      string // a path under DocsURL or an absolute URL; "": DocsURL, or the deep link's page
	Logout        string // URL that ends the docs session: a path under DocsURL or an absolute URL; "": none
	Carrier       Carrier
	DeepLink      DeepLink
	Echo          []string
	Params        map[string]string
	MaxTokenBytes int
	RootOnly      bool
	InsecureHTTP  bool

	Path         string   // of the login route
	ReturnParams []string // parameters of the login URL that the return URL keeps
	ExternalURL  *string  // the app's own base URL; nil: not configured
	SignIn       *SignIn  // nil: not configured
}

// DeepLink describes how a deep link arrives at the login route and how it goes back to the docs.
type DeepLink struct {
	In       string // query parameter in which it arrives; "": the platform sends none
	Out      string // query parameter or field in which it goes back; "": the token goes to its page
	Form     LinkForm
	Always   bool     // without a deep link, the docs' home page goes back
	Raw      bool     // it arrives unescaped, as the last parameter, and goes back as a URI
	FromBase bool     // a relative deep link starts at DocsURL's path
	Origins  []string // origins besides DocsURL's to which a deep link may lead
	Drop     []string // query parameters to remove from a deep link
}

// SignIn is the app's sign-in page.
type SignIn struct {
	URL         string
	ReturnParam string // query parameter that carries the return URL
}

// Carrier is the part of a request to the docs that carries the token.
type Carrier struct {
	Place  Place
	Name   string // of the parameter, field, or cookie
	Domain string // of the cookie
}

// Place is a part of a request that can carry the token. The zero Place is invalid.
type Place int

// The places.
const (
	Query Place = iota + 1
	Fragment
	PostForm
	Cookie
)

// String returns the place as it reads after "in", such as "the query".
func (p Place) String() string {
	return [...]string{"nothing", "the query", "the fragment", "a form", "a cookie"}[p]
}

// Token is a signed token, with its times in Unix seconds.
type Token struct {
	Text     string
	IssuedAt int64
	Expires  int64 // 0: it does not expire
}

// LinkForm is how a deep link is written when it goes back to the docs.
type LinkForm int

// The forms of a deep link.
const (
	AsPath  LinkForm = iota // from the host's root
	AsURL                   // absolute, on the checked origin
	AsGiven                 // the bytes that arrived
)

func (f LinkForm) of(l deeplink.Link) string {
	switch f {
	case AsURL:
		return l.Origin + l.Path + l.Suffix
	case AsGiven:
		return l.Given
	}
	return l.Path + l.Suffix
}

// The maximum lengths of URLs in bytes, as measured with servers and browsers.
const (
	maxQueryURL    = 8000  // nginx and CDNs respond with 414 beyond 8 KiB
	maxFragmentURL = 16000 // no server receives it, but it must pass through the proxy in front of the app
	warnURL        = 3000  // nginx in front of the app passes a little more with its default buffers
)

// Builder builds the URLs to which browsers are sent. It is safe for concurrent use by
// multiple goroutines.
type Builder struct {
	DocsHost    string // host name of the docs, in lower case, without a port
	RouteURL    string // the login route as browsers see it; absolute if the sign-in page is on another host
	FormOrigins string // origins to which a form and the redirects after it may lead, for a Content-Security-Policy
	LogoutURL   string // URL that ends the docs session; "": none
	Place       Place  // part of a request that carries the token

	config     Config
	params     map[string]bool // names of the query parameters that are read
	site       deeplink.Site   // checks deep links
	home       deeplink.Link   // goes back if there is no deep link; zero: nothing goes back
	constant   string          // the platform's constant parameters, encoded
	target     string          // where the token goes, unless it goes to a deep link's page
	toPage     bool            // the token goes to the deep link's page
	signIn     string          // the sign-in page's URL, up to the value of the return parameter
	signInTail string          // what follows that value
	app        deeplink.Site   // checks return URLs
	appHome    string          // replaces a return URL that fails its check
	docsHome   string          // replaces a deep link that fails its check
	cookie     http.Cookie     // cookie that carries the token, without its value and expiry
}

// New returns the Builder for a configuration in which [Check] finds no problem.
func New(c *Config) *Builder {
	b := &Builder{config: *c, Place: c.Carrier.Place}
	docs, _ := url.Parse(c.DocsURL)
	b.DocsHost = strings.ToLower(docs.Hostname())
	b.params = map[string]bool{c.DeepLink.In: true, returnMarker: true}
	for _, name := range slices.Concat(c.Echo, c.ReturnParams) {
		b.params[name] = true
	}
	b.toPage = c.toPage()
	b.target = c.target(docs)
	b.site = c.site(docs, b.target)
	if c.DeepLink.Always {
		b.home, _ = b.site.Check(c.DocsURL) // Check(c) has made sure that this cannot fail
	}
	constant := url.Values{}
	for name, value := range c.Params {
		constant.Set(name, value)
	}
	b.constant = constant.Encode()
	b.FormOrigins = c.formOrigins(docs, b.target)
	b.docsHome = docsHome(docs)
	b.cookie = c.cookie(docs)
	if c.Logout != "" {
		b.LogoutURL = resolve(docs, c.Logout)
	}
	b.RouteURL = c.routeURL()
	b.app, b.appHome = c.app()
	if c.SignIn != nil {
		page, fragment, hasFragment := strings.Cut(c.SignIn.URL, "#")
		b.signIn = deeplink.Escape(page) + separator(strings.Contains(page, "?")) + url.QueryEscape(c.SignIn.ReturnParam) + "="
		if hasFragment {
			b.signInTail = "#" + deeplink.Escape(fragment)
		}
	}
	return b
}

// toPage reports whether the token goes to the deep link's page.
func (c *Config) toPage() bool { return c.DeepLink.In != "" && c.DeepLink.Out == "" }

// base returns the docs' own path without a trailing slash.
func base(docs *url.URL) string { return strings.TrimRight(docs.EscapedPath(), "/") }

// target returns the URL that takes the token.
func (c *Config) target(docs *url.URL) string {
	if c.Callback != "" {
		return resolve(docs, c.Callback)
	}
	return docsHome(docs)
}

// resolve returns the URL of a path under the docs, or an absolute URL, normalized and escaped.
func resolve(docs *url.URL, ref string) string {
	if strings.HasPrefix(ref, "/") {
		return deeplink.Origin(docs) + deeplink.Escape(base(docs)+ref)
	}
	u, _ := url.Parse(ref)
	return docsHome(u)
}

// docsHome returns DocsURL, normalized and escaped.
func docsHome(docs *url.URL) string {
	home := deeplink.Origin(docs) + deeplink.Escape(docs.EscapedPath())
	if docs.RawQuery != "" {
		home += "?" + deeplink.Escape(docs.RawQuery)
	}
	return home
}

func (c *Config) site(docs *url.URL, target string) deeplink.Site {
	site := deeplink.Site{
		Origin: deeplink.Origin(docs), Base: base(docs), Origins: c.linkOrigins(),
		FromBase: c.DeepLink.FromBase, Target: c.toPage(), Token: c.Carrier.Name, Drop: c.DeepLink.Drop, URI: c.DeepLink.Raw,
	}
	if c.toPage() {
		site.Params = slices.Collect(maps.Keys(c.Params))
	}
	if c.Callback != "" {
		site.Callback, _ = url.PathUnescape(target) // the path is clean, so this cannot fail
	}
	if page, _, _ := strings.Cut(c.Logout, "?"); page != "" {
		logout, _ := url.PathUnescape(resolve(docs, page))
		if strings.TrimRight(logout, "/") != site.Origin+site.Base { // a link may always lead to the home page
			site.Logout = logout
		}
	}
	return site
}

// tokenParam returns the name of the parameter or field that carries the token. It returns "" if a cookie
// does, whose name may have another use in a URL.
func (c *Config) tokenParam() string {
	if c.Carrier.Place == Cookie {
		return ""
	}
	return c.Carrier.Name
}

// linkOrigins returns DeepLink.Origins in the form in which origins are compared.
func (c *Config) linkOrigins() []string {
	origins := make([]string, len(c.DeepLink.Origins))
	for i, origin := range c.DeepLink.Origins {
		u, _ := url.Parse(origin)
		origins[i] = deeplink.Origin(u)
	}
	return origins
}

// formOrigins returns the origins of the target, the docs, and the deep links.
func (c *Config) formOrigins(docs *url.URL, target string) string {
	u, _ := url.Parse(target)
	origins := append(c.linkOrigins(), deeplink.Origin(docs), deeplink.Origin(u))
	slices.Sort(origins)
	return strings.Join(slices.Compact(origins), " ")
}

// routeURL returns the login route as browsers see it, which is where the return URL leads.
func (c *Config) routeURL() string {
	external := c.externalURL()
	return c.origin(external) + base(external) + c.Path
}

// app returns what return URLs are checked against, and the app's home page.
func (c *Config) app() (site deeplink.Site, home string) {
	external := c.externalURL()
	site.MaxBytes = maxQueryURL
	if c.ExternalURL != nil {
		site.Origin = deeplink.Origin(external)
	}
	return site, c.origin(external) + cmp.Or(deeplink.Escape(external.EscapedPath()), "/")
}

// externalURL returns the app's own base URL, or an empty URL if none is configured.
func (c *Config) externalURL() *url.URL {
	if c.ExternalURL == nil {
		return &url.URL{}
	}
	external, _ := url.Parse(*c.ExternalURL)
	return external
}

// origin returns what the sign-in page must put before a path of the app: the app's origin, or "" if
// the page is on the same origin.
func (c *Config) origin(external *url.URL) string {
	if c.SignIn == nil || strings.HasPrefix(c.SignIn.URL, "/") {
		return ""
	}
	page, _, _ := strings.Cut(c.SignIn.URL, "#") // the fragment may be for a script, and need not be valid
	if u, _ := url.Parse(page); deeplink.Origin(u) == deeplink.Origin(external) {
		return ""
	}
	return deeplink.Origin(external)
}

// HasSignIn reports whether there is a sign-in page.
func (b *Builder) HasSignIn() bool { return b.signIn != "" }

// HasURL reports whether a URL carries the token, instead of a form or a cookie.
func (b *Builder) HasURL() bool { return b.Place == Query || b.Place == Fragment }

// LoginPath returns the link to the login route for the app's own pages. page becomes the deep link,
// which the route checks.
func (b *Builder) LoginPath(page string) string {
	path := base(b.config.externalURL()) + b.config.Path
	if page == "" || b.config.DeepLink.In == "" {
		return path
	}
	return path + "?" + url.QueryEscape(b.config.DeepLink.In) + "=" + url.QueryEscape(page)
}

// Destination is where a browser goes next.
type Destination struct {
	URL    string
	Fields [][2]string // name and value of each field of a form to post to URL; nil: no form
	Cookie string      // value of a Set-Cookie header; "": no cookie
}

// Warning returns a warning for the operator if the redirect may be too long for a proxy in front
// of the app, or else "".
func (d Destination) Warning() string {
	if len(d.URL)+len(d.Cookie) <= warnURL || d.Fields != nil {
		return ""
	}
	what := "the URL is"
	if d.Cookie != "" {
		what = "the URL and the cookie are"
	}
	return fmt.Sprintf("%s over %d bytes: nginx in front of the app needs proxy_buffer_size 32k; proxy_buffers 8 32k;", what, warnURL)
}

// CheckToken returns an error if a token is longer than the platform accepts.
func (b *Builder) CheckToken(token Token) error {
	if most := b.config.MaxTokenBytes; most > 0 && len(token.Text) > most {
		return fmt.Errorf("the token is %d bytes long, and %s accepts %d", len(token.Text), b.config.Platform, most)
	}
	return nil
}

// Docs returns where the token goes. If the deep link or the echoed parameters make the URL too
// long, Docs drops them from req. It is an error if the cookie is too long, or if the URL is too long
// even without them. After an error, only the length of the returned URL is meaningful.
func (b *Builder) Docs(req *Request, token Token) (Destination, error) {
	maxURL := maxQueryURL
	if b.config.Carrier.Place == Fragment {
		maxURL = maxFragmentURL
	}
	full := b.destination(req, token.Text)
	next, shorter := full, *req
	for len(next.URL) > maxURL && shorter.shorten() {
		next = b.destination(&shorter, token.Text)
	}
	if len(next.URL) > maxURL {
		return full, fmt.Errorf("the URL is %d bytes long, and more than %d do not arrive", len(full.URL), maxURL)
	}
	if b.Place == Cookie {
		next.Cookie = b.setCookie(token)
		if len(next.Cookie) >= maxCookie {
			return full, fmt.Errorf("the cookie is %d bytes long with its attributes, and browsers may drop a cookie of %d or more", len(next.Cookie), maxCookie)
		}
	}
	*req = shorter
	return next, nil
}

// destination writes the token, the deep link, and the platform's other parameters into the URL.
// For a form, the token and the deep link become fields instead. For a cookie, the result does not
// contain the token.
func (b *Builder) destination(req *Request, token string) Destination {
	c, target, anchor := &b.config, b.target, ""
	link := req.link
	if req.given == "" {
		link = b.home
	}
	hasLink := link.Path != ""
	if b.toPage && hasLink {
		target = link.URL()
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
	if b.constant != "" {
		add(b.constant)
	}
	if len(req.echo) > 0 {
		add(req.echo.Encode())
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
		if text := c.DeepLink.Form.of(link); fields != nil {
			fields = append(fields, [2]string{c.DeepLink.Out, text})
		} else {
			add(url.QueryEscape(c.DeepLink.Out), "=", url.QueryEscape(text))
		}
	}
	u.WriteString(anchor)
	return Destination{URL: u.String(), Fields: fields}
}

// SignIn returns the sign-in page, which must be configured, with a return URL that leads to the
// same destination as req. The return URL contains the echoed parameters, those of ReturnParams, and
// the deep link as it arrived, so that both requests are read in the same way. If these make the URL
// too long, SignIn drops them from req.
func (b *Builder) SignIn(req *Request, now time.Time) Destination {
	if req.loses {
		req.loses = false
		req.Warnings = append(req.Warnings, "the login URL has a parameter that the return URL does not keep; if the app needs it, name it in WithReturnParams")
	}
	query := returnMarker + "=" + strconv.FormatInt(now.Unix(), 10)
	for _, params := range []url.Values{req.echo, req.kept} {
		if params != nil {
			query = params.Encode() + "&" + query
		}
	}
	if req.given != "" {
		query += "&" + url.QueryEscape(b.config.DeepLink.In) + "=" + url.QueryEscape(req.given)
	}
	location := b.signIn + url.QueryEscape(b.RouteURL+"?"+query) + b.signInTail
	if len(location) > maxQueryURL && req.shorten() {
		return b.SignIn(req, now)
	}
	return Destination{URL: location}
}

// ReturnURL returns the return URL from the parameters of the sign-in page, or the app's home page
// if the return URL does not lead to the app. value returns a parameter by its name.
func (b *Builder) ReturnURL(value func(name string) string) string {
	if b.config.SignIn == nil {
		return b.appHome
	}
	given := value(b.config.SignIn.ReturnParam)
	link, err := b.app.Check(given)
	if err != nil || link == (deeplink.Link{}) {
		return b.appHome
	}
	if strings.HasPrefix(given, "/") { // it stays a path, of whatever host serves the sign-in page
		link.Origin = ""
	}
	if checked := link.URL(); len(checked) <= maxQueryURL {
		return checked
	}
	return b.appHome
}

// PageURL returns the URL of the deep link in a query, or of the docs' home page.
func (b *Builder) PageURL(rawQuery string) string {
	if req := b.Read(rawQuery, time.Time{}); req.given != "" {
		return req.link.URL()
	}
	return b.docsHome
}

// separator returns the separator before one more query parameter.
func separator(hasQuery bool) string {
	if hasQuery {
		return "&"
	}
	return "?"
}
