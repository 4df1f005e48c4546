// Package userinfo serves what the docs may know about a visitor as JSON, to scripts in the docs'
// own pages. The docs get no signed token. This is the Info API of Mintlify's personalization. It
// identifies the visitor in one of two ways:
//
//   - Shared session: the script sends the app's session cookie. The docs must be on the same site
//     as the app, which means under one registrable domain, as docs.example.com and
//     app.example.com are. Otherwise browsers do not send the cookie. Use SameSite=Lax for it.
//   - OAuth: the script sends an access token of the app's OAuth server in the Authorization
//     header, as a Bearer token. The docs can be on any site. The lookup reads the token instead of
//     a cookie.
//
// The two differ only in the lookup:
//
//	info, err := userinfo.New(lookup, platforms.MintlifyInfo(), []string{"https://docs.example.com"})
//	...
//	mux.Handle("GET /user-info", info)
//	mux.Handle("OPTIONS /user-info", info) // the browser's CORS preflight
package userinfo

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/address"
	"github.com/docslogin/docslogin/internal/keys"
	"github.com/docslogin/docslogin/internal/limit"
	"github.com/docslogin/docslogin/internal/page"
)

// New returns a handler that answers GET requests with the claims of the user that lookup returns:
// those of [docslogin.Profile.Claims]. Mount it, and enter its URL in the docs' dashboard. If
// nobody is signed in, the response is a 401. Rejections are JSON, too: {"error": "…"} with the
// text of the status, unless [docslogin.WithErrorHandler] replaces them.
//
// Only scripts in pages from these origins can read the response; nil means same-origin only. Write
// an origin exactly as browsers send it, such as "https://docs.example.com". A request from another
// origin gets a 403. So does a request whose Sec-Fetch headers say that no script can read the
// response, such as a prefetch. Scripts in pages from the configured origins can also send an
// Authorization header.
//
// A lookup for OAuth must accept only access tokens that were issued for the docs and have not
// expired. It should set User.ExpiresAt to the time at which the token expires. The docs' pages also
// call the token endpoint of the OAuth server, which needs CORS headers of its own.
//
// Pass New the same options as for the login route, so that both return the same claims. Options
// for the route and the sign-in page have no effect. New returns all configuration errors at once,
// each as a [*docslogin.ConfigError]. The handler is safe for concurrent use by multiple
// goroutines.
//
// Sources: Mintlify's page on personalization; the Fetch standard on CORS; Fetch Metadata Request
// Headers on Sec-Fetch-Dest and Sec-Fetch-Mode.
func New(lookup docslogin.UserLookup, platform docslogin.Platform, origins []string, opts ...docslogin.Option) (http.Handler, error) {
	profile, err := docslogin.NewProfile(platform, opts...)
	errs := []error{err}
	errs = append(errs, checkLookup(lookup, platform.Name))
	for i, origin := range origins {
		if reason := address.CheckOrigin(origin, platform.InsecureHTTP); reason != "" {
			errs = append(errs, &docslogin.ConfigError{Platform: platform.Name, Field: fmt.Sprintf("origins[%d]", i), Reason: reason})
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &handler{profile: profile, lookup: lookup, origins: slices.Clone(origins)}, nil
}

// checkLookup returns what docslogin.New says about a lookup, which alone knows SessionLookup's.
func checkLookup(lookup docslogin.UserLookup, platform string) error {
	_, err := docslogin.New(lookup, docslogin.Platform{Name: platform})
	for _, err := range err.(interface{ Unwrap() []error }).Unwrap() { // the platform has nothing else
		if err := err.(*docslogin.ConfigError); err.Field == "lookup" {
			return err
		}
	}
	return nil
}

type redacted = keys.Redacted

type handler struct {
	redacted
	profile *docslogin.Profile
	lookup  docslogin.UserLookup
	origins []string
}

const methods = "GET, OPTIONS"

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	allowed := h.allow(w.Header(), r.Header["Origin"])
	if r.Method == http.MethodOptions {
		h.preflight(w, allowed)
		return
	}
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", methods)
	}
	h.profile.ServeJSON(w, r, func(r *http.Request) (*docslogin.User, error) {
		if err := check(r, allowed); err != nil {
			return nil, err
		}
		return h.lookup(r)
	})
}

// allow sets CORS headers that let the page read the response if its origin is configured, and
// reports whether it is.
func (h *handler) allow(header http.Header, origin []string) bool {
	// One line, because nginx 1.22 reads only the last one.
	header.Set("Vary", strings.Join(slices.Concat(header.Values("Vary"), []string{"Origin", "Cookie", "Authorization"}), ", "))
	header.Del("Access-Control-Allow-Origin") // set by a handler around this one, which may be less strict
	header.Del("Access-Control-Allow-Credentials")
	if len(origin) != 1 {
		return false
	}
	i := slices.Index(h.origins, origin[0])
	if i < 0 {
		return false
	}
	header.Set("Access-Control-Allow-Origin", h.origins[i])
	header.Set("Access-Control-Allow-Credentials", "true")
	return true
}

// preflight responds to a preflight request before the session is read. It reports no event.
func (h *handler) preflight(w http.ResponseWriter, allowed bool) {
	page.SetHeaders(w.Header())
	w.Header().Set("Allow", methods)
	if allowed { // the method GET is always allowed
		w.Header().Set("Access-Control-Allow-Headers", "Authorization")
	}
	w.WriteHeader(http.StatusNoContent)
}

// check rejects a request unless it is a GET by a script of the app or of a configured origin. A
// prefetch or a preload has the destination of a script's request, but the mode no-cors, in which no
// script can read the response. Old browsers do not send Sec-Fetch headers, so a request without
// them may be a script's.
func check(r *http.Request, allowed bool) error {
	if r.Method != http.MethodGet {
		return &docslogin.LoginError{Outcome: docslogin.OutcomeMethod, Status: http.StatusMethodNotAllowed}
	}
	isUnreadable := limit.AnyValue(r.Header, func(dest string) bool { return dest != "empty" }, "Sec-Fetch-Dest") ||
		limit.AnyValue(r.Header, func(mode string) bool { return mode != "cors" && mode != "same-origin" }, "Sec-Fetch-Mode")
	var cause error
	switch {
	case r.Header["Origin"] != nil && !allowed:
		cause = errors.New("the request comes from a page whose origin is not configured")
	case isUnreadable:
		cause = errors.New("no script can read the response, according to the request's Sec-Fetch-Dest or Sec-Fetch-Mode")
	default:
		return nil
	}
	return &docslogin.LoginError{Outcome: docslogin.OutcomeOrigin, Status: http.StatusForbidden, Err: cause}
}
