package address

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/docslogin/docslogin/internal/deeplink"
	"github.com/docslogin/docslogin/internal/keys"
)

// Problem is one problem in a configuration.
type Problem struct {
	Field  string // the option or the Platform field: "WithPath", "Platform.DocsURL"
	Reason string // what is wrong and what to do; never the text of a URL, which is a secret if arguments were mixed up
}

// checker collects the problems of a configuration.
type checker struct {
	*Config
	problems []Problem
	origins  []string // origins to which a form may lead
}

// Check returns all problems in a configuration.
func Check(c *Config) []Problem {
	k := checker{Config: c}
	k.checkPath()
	k.checkCarrier()
	k.checkDeepLink()
	k.checkParams()
	k.checkDocs()
	k.checkForm()
	k.checkCookie()
	k.checkLogout()
	k.checkSignIn()
	if k.problems == nil && k.DeepLink.Always {
		k.checkHome()
	}
	return k.problems
}

func (k *checker) fail(field, reason string, args ...any) {
	k.problems = append(k.problems, Problem{field, fmt.Sprintf(reason, args...)})
}

const (
	alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	pathChars    = alphanumeric + "-._~!$&'+,=@/" // have no special meaning in a URL's path or in a router's pattern
	hostChars    = alphanumeric + "-_"
)

func (k *checker) checkPath() {
	reason := ""
	switch {
	case k.Path == "":
		reason = "is empty; leave the option out for /docs-login"
	case strings.Contains(k.Path, "://"):
		reason = "is a URL; set it to the path alone, such as /docs-login"
	case !strings.HasPrefix(k.Path, "/"):
		reason = "must begin with a slash, as /docs-login does"
	case k.Path == "/":
		reason = "is /, where the app's home page is; set it to a path such as /docs-login"
	case strings.Trim(k.Path, pathChars) != "":
		reason = "has a character that a router may treat as special; use letters, digits, and -._~!$&'+,=@ between slashes"
	case path.Clean(k.Path) != k.Path:
		reason = "is not clean; remove //, dot segments, and the slash at its end"
	default:
		return
	}
	k.fail("WithPath", "%s", reason)
}

func (k *checker) checkCarrier() {
	if k.Carrier.Place == 0 || k.Carrier.Place != Fragment && k.Carrier.Name == "" {
		k.fail("Platform.Carrier", "is missing; set it with InQuery, InFragment, InForm, or InCookie")
	}
	if k.MaxTokenBytes < 0 {
		k.fail("Platform.MaxTokenBytes", "is negative; 0 means no limit")
	}
}

func (k *checker) checkDeepLink() {
	link := &k.DeepLink
	if link.Form < AsPath || link.Form > AsGiven {
		k.fail("Platform.DeepLink.Form", "is none of AsPath, AsURL and AsGiven")
	}
	if link.FromBase && link.Form == AsGiven && link.Out != "" {
		k.fail("Platform.DeepLink.FromBase", "cannot be combined with AsGiven: what is checked would not be what goes out")
	}
	if link.Raw && link.Form == AsGiven {
		k.fail("Platform.DeepLink.Raw", "cannot be combined with AsGiven, because the bytes that arrive may not be a URI; use AsPath or AsURL")
	}
	if link.Raw && link.In == "" {
		k.fail("Platform.DeepLink.Raw", "needs In, the parameter in which the deep link arrives")
	}
	if link.Always && link.Out == "" {
		k.fail("Platform.DeepLink.Always", "needs Out, the parameter in which the home page goes back")
	}
	needsBoth := link.In == "" && link.Out != "" || link.In != "" && link.Out == "" && k.Callback != ""
	if needsBoth && k.Carrier.Place != Cookie { // checkCookie reports it
		k.fail("Platform.DeepLink", "needs both In and Out, unless the token goes to the page itself")
	}
	for _, name := range link.Drop {
		if name = strings.TrimSuffix(name, "*"); name == "" {
			k.fail("Platform.DeepLink.Drop", "has an empty name; write a parameter's name, or the beginning of one and a *")
		} else if strings.Contains(name, "*") {
			k.fail("Platform.DeepLink.Drop", "has a name with a * before its end; write a parameter's name, or the beginning of one and a *")
		}
	}
	for i, origin := range link.Origins {
		field := fmt.Sprintf("Platform.DeepLink.Origins[%d]", i)
		if u, ok := k.checkURL(field, origin, true); ok {
			k.origins = append(k.origins, deeplink.Origin(u))
			if u.Path != "" || u.RawQuery != "" {
				k.fail(field, "must be an origin: a scheme and a host without a path")
			}
		}
	}
}

// checkParams checks that no query parameter has two meanings.
func (k *checker) checkParams() {
	used := []string{returnMarker}
	if k.Carrier.Place == PostForm {
		used = append(used, "_charset_") // browsers set its value themselves (HTML standard)
	}
	take := func(field string, names ...string) {
		for _, name := range names {
			if name == "" {
				k.fail(field, "has a parameter without a name; name it")
			} else if slices.Contains(used, name) {
				k.fail(field, "has the parameter %q, which has another use; choose another name", name)
			}
		}
		used = append(used, names...)
	}
	if name := k.tokenParam(); name != "" {
		take("Platform.Carrier", name)
	}
	if k.DeepLink.Out != "" {
		take("Platform.DeepLink.Out", k.DeepLink.Out)
	}
	if in := k.DeepLink.In; in != "" && in != k.DeepLink.Out {
		take("Platform.DeepLink.In", in)
	}
	take("Platform.Echo", k.Echo...)
	take("WithReturnParams", k.ReturnParams...)
	for _, name := range slices.Sorted(maps.Keys(k.Params)) {
		if slices.Contains(k.Echo, name) {
			k.fail("Platform.Params", "has the parameter %q, which is also in Platform.Echo; remove it from Echo, because a request must not replace a configured value", name)
		} else {
			take("Platform.Params", name)
		}
		if value := k.Params[name]; value == "" {
			k.fail("Platform.Params", "has no value for the parameter %q; set it", name)
		} else if strings.TrimSpace(value) != value {
			k.fail("Platform.Params", "has white space around the value of the parameter %q; remove it", name)
		} else if strings.ContainsFunc(value, unicode.IsControl) {
			k.fail("Platform.Params", "has a control character, such as a newline, in the value of the parameter %q; remove it", name)
		}
	}
}

// checkDocs checks where the token goes.
func (k *checker) checkDocs() {
	k.checkCallback()
	docs, ok := k.checkURL("Platform.DocsURL", k.DocsURL, k.InsecureHTTP)
	if !ok {
		return
	}
	k.origins = append(k.origins, deeplink.Origin(docs))
	if strings.HasPrefix(k.Callback, "/") && strings.HasSuffix(base(docs), k.Callback) {
		k.fail("Platform.DocsURL", "ends with %s, which the library adds; remove that part", k.Callback)
		return
	}
	if k.RootOnly && base(docs) != "" {
		k.fail("Platform.DocsURL", "has a path, and %s's docs cannot be under one; remove it", k.Platform)
	}
	if docs.RawQuery != "" && (k.Callback != "" || k.toPage()) {
		k.fail("Platform.DocsURL", "has a query, which would not reach the page that takes the token; remove it")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(docs.Query())) {
		if _, constant := k.Params[name]; constant || name == k.tokenParam() || name == k.DeepLink.Out || slices.Contains(k.Echo, name) {
			k.fail("Platform.DocsURL", "has a query that holds the parameter %q, which the platform uses; remove it", name)
		}
	}
}

// checkHome checks that DocsURL can be the default deep link. Everything else must be valid.
func (k *checker) checkHome() {
	docs, _ := url.Parse(k.DocsURL)
	site := k.site(docs, k.target(docs))
	if _, err := site.Check(k.DocsURL); err != nil {
		k.fail("Platform.DocsURL", "cannot be the default deep link, because %v; set it to the URL where readers open the docs", err)
	}
}

// checkForm checks that a Content-Security-Policy can express the hosts to which the form leads
// (CSP Level 3, section 2.3.1).
func (k *checker) checkForm() {
	if k.Carrier.Place == PostForm && strings.ContainsAny(strings.Join(k.origins, " "), "[_") {
		k.fail("Platform.Carrier", "is a form, and one of the platform's hosts is an IPv6 address or has an underscore, which the policy of the form's page cannot name; use another name")
	}
}

func (k *checker) checkCallback() {
	switch {
	case k.Callback == "":
	case !strings.HasPrefix(k.Callback, "/"):
		u, ok := k.checkURL("Platform.Callback", k.Callback, k.InsecureHTTP)
		if !ok {
			return
		}
		k.origins = append(k.origins, deeplink.Origin(u))
		if u.RawQuery != "" {
			k.fail("Platform.Callback", "has a query; put parameters that are the same for everybody into Platform.Params")
		}
	case strings.ContainsAny(k.Callback, "?#") || !deeplink.CleanPath(k.Callback):
		k.fail("Platform.Callback", "must be a clean path, or an absolute URL, without a query or a fragment")
	}
}

// checkLogout checks Platform.Logout, the URL that ends the docs session.
func (k *checker) checkLogout() {
	switch path, _, _ := strings.Cut(k.Logout, "?"); {
	case k.Logout == "":
	case !strings.HasPrefix(k.Logout, "/"):
		k.checkURL("Platform.Logout", k.Logout, true) // no token goes there
	case strings.Contains(k.Logout, "#") || !deeplink.CleanPath(path):
		k.fail("Platform.Logout", "must be a clean path, or an absolute URL, without a fragment")
	}
}

// checkExternalURL checks the app's own URL and reports whether it is valid or not set.
func (k *checker) checkExternalURL() (ok bool) {
	if k.ExternalURL == nil {
		return true
	}
	u, ok := k.checkURL("WithExternalURL", *k.ExternalURL, true)
	if ok && u.RawQuery != "" {
		k.fail("WithExternalURL", "has a query; it must be the app's base URL")
	}
	if ok && k.Path == "/docs-login" && strings.HasSuffix(base(u), k.Path) {
		k.fail("WithExternalURL", "ends with the path of the login route, which the library adds; remove that part")
		return false
	}
	return ok
}

// checkSignIn checks the sign-in page and the return URL.
func (k *checker) checkSignIn() {
	routeKnown := k.checkExternalURL()
	if k.SignIn == nil {
		return
	}
	if k.SignIn.ReturnParam == "" {
		k.fail("WithSignInPage", "needs the name of the parameter that carries the return URL")
	}
	page, _, _ := strings.Cut(k.SignIn.URL, "#")
	pagePath, ok := k.checkSignInURL(page)
	if !ok {
		return
	}
	if routeKnown && unescaped(pagePath) == unescaped(k.routeURL()) {
		k.fail("WithSignInPage", "is the login route itself; set it to the page on which users sign in")
	}
	_, query, _ := strings.Cut(page, "?")
	if values, _ := url.ParseQuery(query); k.SignIn.ReturnParam != "" && values.Has(k.SignIn.ReturnParam) {
		k.fail("WithSignInPage", "has a query that holds the return parameter already")
	}
}

// checkSignInURL checks the sign-in page's URL, given without its fragment, and returns its path.
func (k *checker) checkSignInURL(page string) (path string, ok bool) {
	switch {
	case strings.TrimSpace(k.SignIn.URL) != k.SignIn.URL:
		k.fail("WithSignInPage", "has white space around it; remove it")
		return "", false
	case strings.HasPrefix(page, "/"):
		path, _, _ = strings.Cut(page, "?")
		if ok = deeplink.CleanPath(path); !ok {
			k.fail("WithSignInPage", "is not a clean path: remove //, dot segments, backslashes and doubled escapes")
		}
		return path, ok
	case k.ExternalURL == nil:
		k.fail("WithSignInPage", `must be a path of the app such as "/sign-in", or an http(s) URL together with WithExternalURL`)
		return "", false
	}
	u, ok := k.checkURL("WithSignInPage", page, true)
	if !ok {
		return "", false
	}
	return u.EscapedPath(), true
}

// unescaped decodes a clean path.
func unescaped(path string) string {
	decoded, _ := url.PathUnescape(path)
	return decoded
}

// checkURL parses a URL of the configuration and reports whether it is valid.
func (k *checker) checkURL(field, text string, allowHTTP bool) (u *url.URL, ok bool) {
	u, reason := parseURL(text, allowHTTP)
	if reason != "" {
		k.fail(field, "%s", reason)
	}
	return u, reason == ""
}

// CheckOrigin checks an origin that the Origin header of browsers is compared with. It returns what
// is wrong and what to do, or "".
func CheckOrigin(origin string, allowHTTP bool) (reason string) {
	u, reason := parseURL(origin, allowHTTP)
	if reason == "" && deeplink.Origin(u) != origin {
		return "must be written as browsers send it: a scheme and a host in lower case, without a path, a slash at its end, or the scheme's own port"
	}
	return reason
}

// parseURL parses a URL of the configuration, or returns what is wrong with it. The reason does not
// repeat the text, which is a secret if arguments were mixed up.
func parseURL(text string, allowHTTP bool) (u *url.URL, reason string) {
	u, err := url.Parse(text)
	switch {
	case strings.Contains(text, "-----BEGIN"):
		return nil, "is a PEM text, not a URL; check the order of the arguments"
	case len(text) > 2048:
		return nil, "is longer than 2,048 bytes"
	case text == "":
		return nil, "is empty; set it to an absolute URL such as https://docs.example.com"
	case strings.TrimSpace(text) != text && strings.Contains(text, "://"):
		return nil, "has white space around it; remove it"
	case strings.Trim(text, "\"'`") != text:
		return nil, "has quotes around it; remove them"
	case strings.Contains(text, "://") && strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		return nil, "has an invisible character; type it again"
	case keys.IsPlaceholder(text) || strings.Contains(text, "${") || strings.Contains(text, "{{"):
		return nil, "is a placeholder that was not expanded; pass the value that it stands for"
	case !beginsLikeURL(text):
		return nil, "does not begin with https://; set it to an absolute URL such as https://docs.example.com"
	case beginsLikeURL(text[strings.Index(text, "://")+3:]):
		return nil, "begins with https:// twice; remove one"
	case err != nil || u.Hostname() == "":
		return nil, "is not an absolute http or https URL such as https://docs.example.com"
	case u.User != nil:
		return nil, "has user info before its host; remove it"
	case strings.Contains(text, "#"):
		return nil, "has a fragment; remove the # and everything after it"
	case strings.ContainsFunc(u.Host, func(r rune) bool { return r > unicode.MaxASCII }):
		return nil, "has a host with non-ASCII characters; write it in punycode (xn--…)"
	case !validPort(u):
		return nil, "has a port that is not valid; it must be a number from 1 to 65535, without a leading zero"
	case !validHost(u):
		return nil, "has a host that is not valid; write it as browsers show it"
	case u.Scheme == "http" && !allowHTTP && !loopback(u.Hostname()):
		return nil, "must be https; http is only for a loopback host such as localhost, because the token would travel in clear (Platform.InsecureHTTP allows that)"
	case u.Path != "" && !deeplink.CleanPath(u.EscapedPath()):
		return nil, "has a path that is not clean; remove //, dot segments, backslashes and doubled escapes"
	}
	return u, ""
}

// beginsLikeURL reports whether a text begins with https:// or http://.
func beginsLikeURL(text string) bool {
	scheme, _, found := strings.Cut(text, "://")
	return found && (strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http"))
}

// validPort reports whether there is no port, or one that browsers accept and write in the same way.
func validPort(u *url.URL) bool {
	port, err := strconv.ParseUint(cmp.Or(u.Port(), "443"), 10, 16)
	return err == nil && port > 0 && !strings.HasPrefix(u.Port(), "0") && !strings.HasSuffix(u.Host, ":")
}

// validHost reports whether Go and browsers read the host in the same way. Browsers also read
// "127.1" and "0x7f.1" as addresses.
func validHost(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Zone() == "" && !addr.Is4In6() && addr.String() == host // as browsers write it
	}
	last := ""
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || len(host) > 253 || strings.Trim(label, hostChars) != "" || strings.Trim(label, "-") != label {
			return false
		}
		last = label
	}
	return strings.Trim(last, "0123456789") != "" && !strings.HasPrefix(last, "0x")
}

// loopback reports whether a host is this machine (RFC 6761, section 6.3).
func loopback(host string) bool {
	host = strings.ToLower(host)
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && addr.IsLoopback()
}
