package address

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/docslogin/docslogin/internal/deeplink"
	"github.com/docslogin/docslogin/internal/limit"
)

const (
	returnMarker = "docslogin_sent" // in the return URL: when the visitor was sent to the sign-in page, in Unix seconds
	returnWindow = 10 * time.Minute // how long the marker counts, so that a bookmark does not lead to the loop page forever
	maxEcho      = 256              // bytes of an echoed parameter, or of one that only the return URL keeps
)

// Request is what a login request asks for. The zero Request asks for the docs' home page.
type Request struct {
	LinkPath string   // escaped path of the deep link, for events; "": the docs' home page. Omits parameters that follow an unescaped link
	Returned bool     // the sign-in page has just sent the visitor back
	Rejected string   // why the deep link was dropped; "" if it was not, or if there was none
	Warnings []string // for the operator

	link  deeplink.Link // the deep link, after its check; zero: the docs' home page
	given string        // the deep link as it arrived; "" if link is zero
	echo  url.Values    // the platform's other parameters
	kept  url.Values    // the app's own parameters, for the return URL
	loses bool          // the return URL does not keep a parameter of the login URL
}

// Read returns what a login request that arrived at the time now asks for in its query.
func (b *Builder) Read(rawQuery string, now time.Time) Request {
	if len(rawQuery) > limit.Bytes {
		return Request{Rejected: "the query is too long"}
	}
	raw := ""
	if b.config.DeepLink.Raw {
		raw = b.config.DeepLink.In
	}
	params := deeplink.AppendParams(make(deeplink.Params, 0, 4), rawQuery, b.params, raw) // on the stack
	isRepaired := false
	if !params.Has(b.config.DeepLink.In) {
		if repaired, ok := b.repair(rawQuery); ok {
			params, isRepaired = deeplink.AppendParams(params[:0], repaired, b.params, raw), true
		}
	}
	req := b.Link(params.Get(b.config.DeepLink.In))
	first, _, _ := strings.Cut(rawQuery, "=")
	req.loses = first != "" && !b.params[first] && !isRepaired
	if isRepaired {
		req.Warnings = append(req.Warnings, fmt.Sprintf("the parameter %s follows a question mark or &amp; instead of &, and the app may misread the parameter before it; enter a login URL without a query in the docs' dashboard", b.config.DeepLink.In))
	} else if b.isCut(rawQuery) {
		req.Warnings = append(req.Warnings, "the deep link is not escaped, so what follows its first & is lost")
	}
	req.echo = req.pick(params, b.config.Echo)
	req.kept = req.pick(params, b.config.ReturnParams)
	req.Returned = isRecent(params.Get(returnMarker), now)
	return req
}

// repair joins the deep link's parameter to the query with "&" if the platform used another separator,
// because it did not expect a login URL with a query, or because it escaped the URL for HTML.
func (b *Builder) repair(rawQuery string) (repaired string, ok bool) {
	param := b.config.DeepLink.In + "="
	for _, wrong := range []string{"?", "&amp;", "&amp%3B"} {
		if before, after, found := strings.Cut(rawQuery, wrong+param); found && param != "=" {
			return before + "&" + param + after, true
		}
	}
	return "", false
}

// isCut reports whether the deep link has a query that was not escaped, and ended at its first "&".
func (b *Builder) isCut(rawQuery string) bool {
	if b.config.DeepLink.Raw || b.config.DeepLink.In == "" {
		return false
	}
	inQuery := false
	for pair := range strings.SplitSeq(rawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if inQuery && !b.params[name] {
			return true
		}
		inQuery = inQuery || name == b.config.DeepLink.In && strings.Contains(value, "?")
	}
	return false
}

// pick returns the parameters of these names, or nil if there are none. It drops those that are too
// long, with a warning.
func (r *Request) pick(params deeplink.Params, names []string) (picked url.Values) {
	for _, name := range names {
		switch value := params.Get(name); {
		case value == "":
		case len(value) > maxEcho:
			r.Warnings = append(r.Warnings, fmt.Sprintf("the parameter %s is over %d bytes and was dropped", name, maxEcho))
		default:
			if picked == nil {
				picked = url.Values{}
			}
			picked.Set(name, value)
		}
	}
	return picked
}

// isRecent reports whether a return marker was set within the return window. The clocks of several
// instances may differ, so the marker may be up to a minute ahead.
func isRecent(marker string, now time.Time) bool {
	if marker == "" { // the usual case; avoids ParseInt's error
		return false
	}
	sent, err := strconv.ParseInt(marker, 10, 64)
	age := now.Sub(time.Unix(sent, 0))
	return err == nil && -time.Minute <= age && age <= returnWindow
}

// Link returns the request for a deep link as a platform sends it. If the deep link does not pass
// its check, it is rejected, and the request asks for the docs' home page.
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
	path := link.Path
	if b.config.DeepLink.Raw {
		path, _, _ = strings.Cut(path, "&")
	}
	return Request{LinkPath: deeplink.Escape(path), link: link, given: given}
}

// shorten drops what makes a URL too long: the deep link, or else the echoed parameters, or else those
// that only the return URL keeps. It reports whether there was anything to drop.
func (r *Request) shorten() bool {
	switch {
	case r.given != "":
		r.link, r.LinkPath, r.given, r.Rejected = deeplink.Link{}, "", "", "the URL is too long with it"
	case r.echo != nil:
		r.echo = nil
		r.Warnings = append(r.Warnings, "the URL is too long, so the echoed parameters were dropped")
	case r.kept != nil:
		r.kept = nil
		r.Warnings = append(r.Warnings, "the URL is too long, so the parameters of WithReturnParams were dropped")
	default:
		return false
	}
	return true
}
