package docslogintest

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/docslogin/docslogin/internal/rules"
)

// A jar is the cookie jar of NewClient. It remembers how cookies were set, but not their values.
// Only then can Login say why a cookie does not come back.
type jar struct {
	http.CookieJar

	mu  sync.Mutex
	set map[string]setCookie // by name and host name
}

// A setCookie is how a cookie was last set.
type setCookie struct {
	*http.Cookie          // without its value
	by           *url.URL // without query and fragment
	size         int      // of name and value, in bytes
	bytes        int      // of the Set-Cookie header's value
	token        bool     // the value looks like a token
	sent         bool     // the client sends it to the login URL
}

// SetCookies implements [http.CookieJar].
func (j *jar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	j.CookieJar.SetCookies(u, cookies)
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range cookies {
		kept := *c
		kept.Value, kept.Raw, kept.Unparsed = "", "", nil
		by := &url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
		j.set[c.Name+" "+u.Hostname()] = setCookie{
			Cookie: &kept, by: by, size: len(c.Name) + len(c.Value), bytes: len(c.Raw), token: looksLikeToken.MatchString(c.Value),
		}
	}
}

// sessionPrefix begins the names of the sites' own cookies.
const sessionPrefix = "docs_session_"

// isDocsCookie reports whether a cookie with this name belongs to a docs session, so it cannot contain the
// app's session.
func isDocsCookie(name string) bool {
	return strings.HasPrefix(name, sessionPrefix) || slices.ContainsFunc(rules.All(), func(p rules.Platform) bool { return p.Cookie == name })
}

// appCookies returns the cookies that may contain the app's session, sorted by name. They are those
// that the app set or, if there is none, those that any other server set. A deleted cookie is only
// among them if all are.
func appCookies(client http.CookieJar, login *url.URL) []setCookie {
	sent := map[string]bool{}
	for _, c := range client.Cookies(login) {
		sent[c.Name] = true
	}
	var all []setCookie
	if j, ok := client.(*jar); ok {
		j.mu.Lock()
		all = slices.Collect(maps.Values(j.set))
		j.mu.Unlock()
	} else {
		for name := range sent { // nothing else is known
			all = append(all, setCookie{Cookie: &http.Cookie{Name: name, Path: "/"}, by: login, sent: true})
		}
	}
	all = slices.DeleteFunc(all, func(c setCookie) bool { return isDocsCookie(c.Name) })
	for _, likely := range []func(setCookie) bool{
		func(c setCookie) bool { return c.by.Host == login.Host },
		func(c setCookie) bool { return !c.expired() },
	} {
		if slices.ContainsFunc(all, likely) {
			all = slices.DeleteFunc(all, func(c setCookie) bool { return !likely(c) })
		}
	}
	for i := range all {
		all[i].sent = sent[all[i].Name]
	}
	slices.SortFunc(all, func(a, b setCookie) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.by.Host, b.by.Host))
	})
	return all
}

// whySignedOut says what the cookies tell about a visitor whom the app does not know.
func whySignedOut(client http.CookieJar, login *url.URL) string {
	all := appCookies(client, login)
	if len(all) == 0 {
		return "The client has no cookie of the app. Sign in with this client first."
	}
	var why, names []string
	for _, c := range all {
		names = append(names, fmt.Sprintf("%q", c.Name))
		if fault := c.withheld(login); fault != "" {
			why = append(why, c.says(fault))
		}
	}
	if why == nil {
		why = []string{"The client sent the app's cookies (" + strings.Join(names, ", ") + "). The app's log may say why the lookup found nobody."}
	}
	return strings.Join(append(why, cookieNotes(client, login)...), " ")
}

// cookieNotes says why a browser might not be logged in although this client was.
func cookieNotes(client http.CookieJar, login *url.URL) (notes []string) {
	all := slices.DeleteFunc(appCookies(client, login), func(c setCookie) bool { return !c.sent })
	// If there is another cookie, the one that is SameSite=Strict may be for another purpose.
	allStrict := !slices.ContainsFunc(all, func(c setCookie) bool { return c.unstorable() == "" && c.strict() == "" })
	for _, c := range all {
		fault := c.unstorable()
		if fault == "" && allStrict {
			fault = c.strict()
		}
		if fault != "" {
			notes = append(notes, c.says(fault))
		}
	}
	return notes
}

func (c setCookie) says(fault string) string {
	return fmt.Sprintf("The cookie %q, which %s://%s%s set, %s.", c.Name, c.by.Scheme, c.by.Host, c.by.EscapedPath(), fault)
}

// expired reports whether the cookie was deleted when it was set, or has expired since.
func (c setCookie) expired() bool {
	return c.MaxAge < 0 || c.MaxAge == 0 && !c.Expires.IsZero() && !c.Expires.After(time.Now())
}

// withheld says why the client does not send the cookie to the login URL, or "".
func (c setCookie) withheld(login *url.URL) string {
	host, path := c.by.Hostname(), c.path()
	domain := strings.TrimPrefix(strings.ToLower(c.Domain), ".")
	inDomain := func(host string) bool {
		return host == domain || net.ParseIP(host) == nil && strings.HasSuffix(host, "."+domain)
	}
	switch {
	case c.sent:
		return ""
	case c.expired():
		return "has expired or deletes itself. After a sign-out, sign in again. Otherwise, give it a MaxAge that is not negative, and no Expires in the past"
	case domain != "" && !inDomain(host):
		return fmt.Sprintf("has the Domain %q, to which the host %s does not belong. Leave out Domain in this test", c.Domain, host)
	case host != login.Hostname() && (domain == "" || !inDomain(login.Hostname())):
		return fmt.Sprintf("belongs to the host %s, and the login URL has the host %s. Use one host name for both", host, login.Hostname())
	case !covers(path, cmp.Or(login.Path, "/")) && c.Path == "":
		return fmt.Sprintf("has no Path, so it is sent only to %s and below, not to %s. Set its Path to /", path, login.Path)
	case !covers(path, cmp.Or(login.Path, "/")):
		return fmt.Sprintf("has the Path %s, which does not cover %s. Set its Path to /", path, login.Path)
	case c.Secure && login.Scheme == "http":
		return "is Secure, and this client does not send it over plain http. Start the app with httptest.NewTLSServer, or set Secure to false in this test"
	}
	return "does not come back to the login URL"
}

// unstorable says why browsers do not store the cookie although the client does, or "".
func (c setCookie) unstorable() string {
	const limit = 4096 // RFC 6265bis, section 5.7
	switch lower := strings.ToLower(c.Name); {
	case c.size > limit:
		return fmt.Sprintf("has %d bytes, and browsers reject more than %d. Keep less in the session, or keep the session on the server", c.size, limit)
	case strings.HasPrefix(lower, "__host-") && (!c.Secure || c.Path != "/" || c.Domain != ""):
		return "has a name with the prefix __Host-, for which browsers require Secure, Path=/, and no Domain. Without them, use a name without the prefix"
	case strings.HasPrefix(lower, "__secure-") && !c.Secure:
		return "has a name with the prefix __Secure-, for which browsers require Secure. Without it, use a name without the prefix"
	case c.SameSite == http.SameSiteNoneMode && !c.Secure:
		return "is SameSite=None without Secure, and browsers reject it. Set SameSite=Lax"
	}
	return ""
}

// strict says that browsers do not send the cookie to visitors who come from the docs, or "".
func (c setCookie) strict() string {
	if c.SameSite != http.SameSiteStrictMode {
		return ""
	}
	return "is SameSite=Strict, and browsers do not send it when a visitor comes from docs on another site. Set SameSite=Lax for the session"
}

// path returns the path at and under which clients send the cookie (RFC 6265, section 5.1.4).
func (c setCookie) path() string {
	if strings.HasPrefix(c.Path, "/") {
		return c.Path
	}
	return cmp.Or(c.by.Path[:max(0, strings.LastIndexByte(c.by.Path, '/'))], "/")
}

func covers(path, requested string) bool {
	return requested == path || strings.HasPrefix(requested, strings.TrimSuffix(path, "/")+"/")
}
