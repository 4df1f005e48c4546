package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/internal/rules"
)

const checkHelp = `docslogin check checks an app's settings as docslogin.New does.

  docslogin check -platform readme -docs https://docs.example.com \
    -key-env README_JWT_SECRET -login-page /sign-in -clock https://example.com

  -platform NAME, -docs URL, -key-file FILE, -key-env NAME, -company ID,
  -issuer URL            docslogin help
  -path PATH             WithPath, the login route
  -login-page URL        WithLoginPage, and the parameter in which that page
  -login-param NAME      takes the way back (next)
  -external-url URL      WithExternalURL
  -token-ttl DURATION    WithTokenTTL, such as 5m
  -session-ttl DURATION  WithSessionTTL
  -clock URL             ask that server for its time, by one HEAD request, and
                         compare this machine's clock with it
  -json                  print one JSON object

✓ is in order, ✗ is a mistake, ! could not be told or is close to a limit.
Without a key, which may be in a key service, all else is checked. Exit code 1
if there is a ✗.
`

func (t *tool) check(args []string) error {
	var (
		s     = &t.settings
		f     = s.flags("check")
		clock string
	)
	s.lifetimeFlags(f)
	f.StringVar(&s.path, "path", "/docs-login", "")
	f.StringVar(&s.loginPage, "login-page", "", "")
	f.StringVar(&s.loginParam, "login-param", "next", "")
	f.StringVar(&s.externalURL, "external-url", "", "")
	f.StringVar(&clock, "clock", "", "")
	rest, err := s.parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usageError("check takes flags only")
	}
	key, hasKey, err := t.key()
	if err != nil {
		return err
	}
	platform, rule, err := s.preset(key)
	if err != nil {
		return err
	}
	findings := s.check(platform, hasKey)
	if s.given["clock"] {
		found, err := t.checkClock(clock, rule, s.life(platform))
		if err != nil {
			return err
		}
		findings = append(findings, found)
	}
	accepted := !refused(findings)
	if s.json {
		t.printJSON(struct {
			Platform string          `json:"platform"`
			Accepted bool            `json:"accepted"`
			Findings []rules.Finding `json:"findings"`
		}{platform.Name, accepted, findings}, "")
	} else {
		t.printf("%s", platform.Name)
		t.printFindings(findings)
	}
	if !accepted {
		return errRefused
	}
	return nil
}

// check says of each setting whether New takes it.
func (s *settings) check(platform docslogin.Platform, hasKey bool) []rules.Finding {
	_, err := docslogin.New(func(*http.Request) (*docslogin.User, error) { return nil, nil }, platform, s.options()...)
	mistakes := map[string][]rules.Finding{}
	var others []string
	for _, f := range s.mistakes(err) {
		if mistakes[f.Rule] == nil {
			others = append(others, f.Rule)
		}
		mistakes[f.Rule] = append(mistakes[f.Rule], f)
	}
	if !hasKey {
		mistakes[s.keyFlag()] = []rules.Finding{{Rule: s.keyFlag(), Warn: true, Why: "Not checked, for there is no key.", Fix: "Give -key-file or -key-env."}}
	}
	var out []rules.Finding
	for _, setting := range []struct {
		flag, ok string
		always   bool
	}{
		{"-docs", "Links and tokens can go there.", true},
		{s.keyFlag(), fmt.Sprintf("A trial signature with %s was made and verified.", platform.Algorithm), true},
		{"-company", "It goes along with the token.", false},
		{"-issuer", "It is in the token.", false},
		{"-path", "The login route is " + cmp.Or(s.path, "/docs-login") + ".", true},
		{"-login-page", "Visitors who are signed out are sent there, and come back by the parameter.", false},
		{"-external-url", "Ways back begin with it.", false},
		{"-token-ttl", "The platform takes tokens of that life.", false},
		{"-session-ttl", "The platform takes sessions of that life.", false},
	} {
		found := mistakes[setting.flag]
		delete(mistakes, setting.flag)
		if found == nil && (setting.always || s.given[setting.flag[1:]]) {
			found = []rules.Finding{{Rule: setting.flag, OK: true, Why: setting.ok}}
		}
		out = append(out, found...)
	}
	for _, rule := range others {
		out = append(out, mistakes[rule]...)
	}
	return out
}

// life is how long a token may be used; 0: its exp does not say.
func (s *settings) life(p docslogin.Platform) time.Duration {
	token, session := cmp.Or(s.tokenTTL, p.Lifetime.Token), cmp.Or(s.sessionTTL, p.Lifetime.Session)
	if p.Lifetime.SessionClaim == "exp" {
		return session
	}
	return token
}

// checkClock compares this machine's clock with a server's, in seconds, which is all that
// the header Date tells. What cannot be told is no mistake of the settings.
func (t *tool) checkClock(text string, p rules.Platform, life time.Duration) (rules.Finding, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return rules.Finding{}, usageError("-clock is not an absolute http or https URL without user info")
	}
	unknown := func(why string) (rules.Finding, error) {
		return rules.Finding{Rule: "-clock", Warn: true, Why: why, Fix: "Try the address of another server, or ask NTP (timedatectl, chronyc tracking)."}, nil
	}
	ctx, cancel := context.WithTimeout(t.ctx, 10*time.Second)
	defer cancel()
	r := &http.Request{Method: http.MethodHead, URL: u, Header: http.Header{}}
	client := http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone(), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	sent := time.Now()
	resp, err := client.Do(r.WithContext(ctx))
	if err != nil {
		return unknown("No answer came: there is no connection, a certificate is not trusted, or 10 s were not enough.")
	}
	resp.Body.Close()
	half := time.Since(sent) / 2
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return unknown("The server's answer has no Date.")
	}
	if age, err := strconv.Atoi(resp.Header.Get("Age")); err == nil { // out of a cache (RFC 9111)
		date = date.Add(time.Duration(age) * time.Second)
	}
	return judgeClock(sent, half, date, p, life), nil
}

// judgeClock compares this machine's time, half of the way to the server and back after sent,
// with the server's, which is somewhere within the second of date.
func judgeClock(sent time.Time, half time.Duration, date time.Time, p rules.Platform, life time.Duration) rules.Finding {
	ahead, more := sent.Add(half).Sub(date.Add(time.Second/2)), half+time.Second/2
	off, side, of := ahead, "ahead", " of"
	behind, limit := p.Tolerance(life)
	give := max(more.Round(time.Second), time.Second)
	if ahead < 0 {
		off, side, of, limit = -ahead, "behind", "", behind
	}
	finding := rules.Finding{Rule: "-clock", OK: true, Why: fmt.Sprintf("This machine's clock and the server's differ by less than can be told, about %v.", give)}
	if off > more {
		finding.Why = fmt.Sprintf("This machine's clock is %v %s the server's, give or take %v.", off.Round(time.Second), side+of, give)
	}
	if off-more > time.Minute {
		finding.OK, finding.Warn, finding.Fix = false, true, "Keep the clock right with NTP."
	}
	if limit > 0 && off+more > limit && off > more {
		finding.OK, finding.Warn = false, off-more <= limit
		finding.Why += fmt.Sprintf(" With %s it may be %v %s at most.", p.Name, limit, side)
		finding.Fix = "Keep the clock right with NTP."
	}
	return finding
}
