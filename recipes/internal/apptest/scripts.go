package apptest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// RunScripts makes the visitor's browser do what the scripts of Clerk's and SuperTokens' sign-in pages
// do.
func (v *Visitor) RunScripts() {
	v.client.Transport = scripts{v.client.Transport, v.client.Jar}
}

type scripts struct {
	http.RoundTripper
	jar http.CookieJar
}

func (s scripts) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := s.RoundTripper.RoundTrip(req)
	if err != nil || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		return resp, err
	}
	page, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(page))
	if err != nil {
		return nil, err
	}
	var next string
	if found := nextPage.FindSubmatch(page); found == nil || json.Unmarshal(found[1], &next) != nil {
		return resp, nil
	}
	var to string
	if tag := clerkScript.FindSubmatch(page); tag != nil {
		to, err = s.clerk(req, string(tag[1]), next)
	} else if call := refreshCall.FindSubmatch(page); call != nil {
		to, err = s.superTokens(req, string(call[1]), next)
	}
	if to == next && bytes.Contains(page, []byte("location.replace(next + location.hash)")) {
		to += (&url.URL{Fragment: req.URL.Fragment}).String()
	}
	if to != "" {
		resp.StatusCode = http.StatusFound
		resp.Header.Set("Location", to)
	}
	return resp, err
}

var (
	nextPage    = regexp.MustCompile(`const next = (".*?");`)
	clerkScript = regexp.MustCompile(`data-clerk-publishable-key="pk_test_[^"]+"\s+src="(http://[^/"]+)/npm/`)
	refreshCall = regexp.MustCompile(`fetch\("(/[^"]+)", {method: "POST"`)
)

// clerk asks Clerk for a fresh token. It returns the page that the script opens, which is next or
// Clerk's own page, or "" if Clerk does not answer.
func (s scripts) clerk(req *http.Request, api, next string) (to string, err error) {
	ask, err := http.NewRequestWithContext(req.Context(), http.MethodGet, api+"/v1/client", nil)
	if err != nil {
		return "", err
	}
	ask.Header.Set("Origin", req.URL.Scheme+"://"+req.URL.Host)
	answer, err := (&http.Client{Transport: s.RoundTripper, Jar: s.jar}).Do(ask)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	var body struct {
		Response *struct {
			Sessions []struct {
				Token struct{ JWT string } `json:"last_active_token"`
			}
		}
	}
	if json.NewDecoder(answer.Body).Decode(&body) != nil {
		return "", nil
	}
	if body.Response == nil {
		return api + "/sign-in?" + url.Values{"sign_in_force_redirect_url": {req.URL.String()}}.Encode(), nil
	}
	s.jar.SetCookies(req.URL, []*http.Cookie{{Name: "__session", Value: body.Response.Sessions[0].Token.JWT, Path: "/"}})
	return next, nil
}

// superTokens renews the session. It returns next, or "" if there is no session.
func (s scripts) superTokens(req *http.Request, path, next string) (to string, err error) {
	refresh, err := http.NewRequestWithContext(req.Context(), http.MethodPost, req.URL.Scheme+"://"+req.URL.Host+path, nil)
	if err != nil {
		return "", err
	}
	refresh.Header.Set("Rid", "anti-csrf")
	answer, err := (&http.Client{Transport: s.RoundTripper, Jar: s.jar}).Do(refresh)
	if err != nil {
		return "", err
	}
	answer.Body.Close()
	if answer.StatusCode == http.StatusOK {
		to = next
	}
	return to, nil
}
