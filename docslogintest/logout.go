package docslogintest

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// SetLogoutURL sets the app's logout URL, as you would in the platform's dashboard. It is the absolute
// URL of the app's page to which a docs logout leads, such as app.URL + "/sign-out". It has an effect
// only if the preset has a URL that ends the docs session (Platform.Logout), as those of GitBook and
// Fern do.
//
// A request for that URL ends the docs session. Then the site redirects to the logout URL and adds a
// deep link: location at GitBook ("/" by default), or state at Fern if the request has it. Like the
// platforms, the site does not check the deep link. Check it with [docslogin.Middleware.PageURL], because
// anybody can make a link to a docs logout.
//
// Until SetLogoutURL is called, the docs logout leads to the home page or, at Fern, to the page in state.
// If Fern would read state as a URL of another host, the response is an empty 403. If u is not an absolute
// http or https URL, the docs logout responds with an error that says so.
func (s *Site) SetLogoutURL(u string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logoutURL = u
}

// isLogout reports whether a request logs the reader out. If the platform does not document a path for
// that, only the button on the site's pages does.
func (s *Site) isLogout(r *http.Request) bool {
	if s.rules.Logout == "" {
		return r.URL.Path == "/logout" && r.Method == http.MethodPost
	}
	return r.URL.Path == s.rules.Logout && (r.Method == http.MethodGet || r.Method == http.MethodHead)
}

func (s *Site) logout(w http.ResponseWriter, r *http.Request) {
	s.endSession(w, r)
	if s.rules.Logout == "" {
		redirect(w, "/", http.StatusSeeOther)
		return
	}
	link := s.logoutLink
	if query := r.URL.Query(); query.Has(s.rules.Link) {
		link = query.Get(s.rules.Link)
	}
	s.mu.Lock()
	text := s.logoutURL
	s.mu.Unlock()
	switch to, err := url.Parse(text); {
	case text == "" && !s.logoutBack:
		redirect(w, "/", http.StatusTemporaryRedirect)
	case text == "" && s.rules.RejectLink(link, &url.URL{Host: r.Host}) != "":
		w.WriteHeader(s.rules.LinkStatus)
	case text == "":
		redirect(w, local(r, link), http.StatusTemporaryRedirect)
	case err != nil || !isAbsolute(to):
		http.Error(w, fmt.Sprintf("docslogintest: SetLogoutURL needs an absolute http or https URL, not %q: begin it with app.URL", text), http.StatusInternalServerError)
	default:
		if link != "" {
			query := to.Query()
			query.Set(s.rules.Link, link)
			to.RawQuery = query.Encode()
		}
		redirect(w, to.String(), http.StatusTemporaryRedirect)
	}
}

// endSession ends the docs session and deletes its cookie. As Fern does, it also deletes the cookie with
// the token: that of the host, and that of the last two labels of its name.
func (s *Site) endSession(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	for _, c := range r.CookiesNamed(s.cookie) {
		delete(s.sessions, c.Value)
	}
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: s.cookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	if s.rules.Cookie == "" {
		return
	}
	host := (&url.URL{Host: r.Host}).Hostname()
	domains := []string{"", host}
	if labels := strings.Split(host, "."); net.ParseIP(host) == nil && len(labels) > 2 {
		domains = append(domains, strings.Join(labels[len(labels)-2:], "."))
	}
	for _, domain := range domains {
		http.SetCookie(w, &http.Cookie{Name: s.rules.Cookie, Domain: domain, Path: "/", MaxAge: -1})
	}
}
