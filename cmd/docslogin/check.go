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
	"github.com/docslogin/docslogin/internal/presets"
	"github.com/docslogin/docslogin/internal/rules"
)

func checkHelp() string {
	return `docslogin check checks an app's configuration as docslogin.New does.

  docslogin check -platform readme -docs https://docs.example.com \
    -key-env README_JWT_SECRET -sign-in-page /sign-in -clock https://example.com

  -path PATH             WithPath, the login route
  -sign-in-page URL      WithSignInPage: the sign-in page
  -sign-in-param NAME    WithSignInPage: the parameter of the return URL (next)
  -external-url URL      WithExternalURL
  -token-ttl DURATION    WithTokenTTL, such as 5m
  -session-ttl DURATION  WithSessionTTL
  -clock URL             compare this machine's clock with that server's, by one
                         HEAD request
  -json                  print one JSON object
For -platform, -docs, -key-file, and -key-env, see docslogin help; for flags
that only some platforms have, see docslogin help platforms.

✓ is in order, ✗ is a configuration error, ! is unknown or close to a limit.
Without a key, which may be in a key service, everything else is checked. Exit
code 1 if there is a ✗.
`
}

func (t *tool) check(args []string) error {
	var (
		s     = &t.settings
		f     = s.flags("check")
		clock string
	)
	s.lifetimeFlags(f)
	f.StringVar(&s.path, "path", "/docs-login", "")
	f.StringVar(&s.signInPage, "sign-in-page", "", "")
	f.StringVar(&s.signInParam, "sign-in-param", "next", "")
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
	preset, err := s.requirePreset()
	if err != nil {
		return err
	}
	platform := preset.New(s.values(key))
	findings := s.check(preset, platform, hasKey)
	if s.given["clock"] {
		found, err := t.checkClock(clock, preset.Rules(s.values(key)), s.lifetime(platform))
		if err != nil {
			return err
		}
		findings = append(findings, found)
	}
	accepted := !rejected(findings)
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
		return errReported
	}
	return nil
}

// check returns a finding for each setting, from what New returns.
func (s *settings) check(preset presets.Preset, platform docslogin.Platform, hasKey bool) (findings []rules.Finding) {
	_, err := docslogin.New(func(*http.Request) (*docslogin.User, error) { return nil, nil }, platform, s.options()...)
	rejected, wrong := map[string][]rules.Finding{}, map[string]bool{}
	var others []string
	for _, f := range s.configErrors(preset, err) {
		if rejected[f.Rule] == nil {
			others = append(others, f.Rule)
		}
		rejected[f.Rule] = append(rejected[f.Rule], f)
		wrong[f.Rule] = true
	}
	if !hasKey {
		rejected[s.keyFlag()] = []rules.Finding{{Rule: s.keyFlag(), Warn: true, Why: "Not checked, because no key was given.", Fix: "Set -key-file or -key-env."}}
	}
	for _, setting := range s.checked(preset, platform) {
		found := rejected[setting.flag]
		delete(rejected, setting.flag)
		switch {
		case found != nil || !setting.always && !s.given[setting.flag[1:]]:
		case setting.flag == "-cookie-domain" && (wrong["-docs"] || wrong["-external-url"]):
			found = []rules.Finding{{Rule: setting.flag, Warn: true, Why: "Not checked, because -docs or -external-url is wrong.", Fix: "Correct that URL first."}}
		default:
			found = []rules.Finding{{Rule: setting.flag, OK: true, Why: setting.ok}}
		}
		findings = append(findings, found...)
	}
	for _, rule := range others {
		findings = append(findings, rejected[rule]...)
	}
	return findings
}

// setting is a flag that New checks.
type setting struct {
	flag, ok string
	always   bool // report it even if the flag is not given
}

// checked returns the settings in the order in which they are printed.
func (s *settings) checked(preset presets.Preset, platform docslogin.Platform) []setting {
	settings := []setting{
		{"-docs", "Links and tokens can go there.", true},
		{s.keyFlag(), fmt.Sprintf("A trial signature with %s was made and verified.", platform.Algorithm), true},
	}
	for _, a := range preset.Extra {
		settings = append(settings, setting{"-" + a.Name, "The preset accepts it.", false})
		if a.Name == "cookie-domain" {
			settings[len(settings)-1].ok = s.underDomain()
		}
	}
	return append(settings,
		setting{"-path", "The login route is " + cmp.Or(s.path, "/docs-login") + ".", true},
		setting{"-sign-in-page", "Visitors who are not signed in go there, with the return URL in the parameter " + s.signInParam + ".", false},
		setting{"-external-url", "The app's own URLs begin with it.", false},
		setting{"-token-ttl", "The platform accepts tokens with this lifetime.", false},
		setting{"-session-ttl", "The platform accepts docs sessions of this length.", false})
}

// underDomain says which hosts are under -cookie-domain, if New accepts it.
func (s *settings) underDomain() string {
	if s.given["external-url"] {
		return "The docs and the app are under it."
	}
	return "The docs are under it. The app must be, too."
}

// lifetime returns the time until a token expires; 0 means that it does not expire.
func (s *settings) lifetime(p docslogin.Platform) time.Duration {
	token, session := cmp.Or(s.tokenTTL, p.Lifetime.Token), cmp.Or(s.sessionTTL, p.Lifetime.Session)
	if p.Lifetime.SessionClaim == "exp" {
		return session
	}
	return token
}

// checkClock compares this machine's clock with a server's, to the second, which is the precision
// of the Date header. It is not an error if the comparison is impossible.
func (t *tool) checkClock(text string, p rules.Platform, lifetime time.Duration) (rules.Finding, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return rules.Finding{}, usageError("-clock must be an absolute http or https URL without user info")
	}
	unknown := func(why string) (rules.Finding, error) {
		return rules.Finding{Rule: "-clock", Warn: true, Why: why, Fix: "Try another server's URL, or ask NTP (timedatectl, chronyc tracking)."}, nil
	}
	ctx, cancel := context.WithTimeout(t.ctx, 10*time.Second)
	defer cancel()
	r := &http.Request{Method: http.MethodHead, URL: u, Header: http.Header{}}
	client := http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone(), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	sent := time.Now()
	resp, err := client.Do(r.WithContext(ctx))
	if err != nil {
		return unknown("The server did not respond within 10s, or there is no connection, or its certificate is not trusted.")
	}
	resp.Body.Close()
	half := time.Since(sent) / 2
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return unknown("The server's response has no Date.")
	}
	if age, err := strconv.Atoi(resp.Header.Get("Age")); err == nil { // from a cache (RFC 9111)
		date = date.Add(time.Duration(age) * time.Second)
	}
	return judgeClock(sent, half, date, p, lifetime), nil
}

// judgeClock compares this machine's time at the middle of a round trip with the server's time. The
// round trip began at sent and took twice half. The server's time is within the second that begins
// at date.
func judgeClock(sent time.Time, half time.Duration, date time.Time, p rules.Platform, lifetime time.Duration) rules.Finding {
	difference, margin := sent.Add(half).Sub(date.Add(time.Second/2)), half+time.Second/2
	side := "ahead of"
	behind, limit := p.Tolerance(lifetime)
	if difference < 0 {
		difference, side, limit = -difference, "behind", behind
	}
	shown := max(margin.Round(time.Second), time.Second)
	if difference <= margin {
		return rules.Finding{Rule: "-clock", OK: true, Why: fmt.Sprintf("This machine's clock and the server's agree to within about %v.", shown)}
	}
	finding := rules.Finding{Rule: "-clock", Why: fmt.Sprintf("This machine's clock is %v %s the server's, give or take %v.", difference.Round(time.Second), side, shown)}
	switch {
	case limit > 0 && difference+margin > limit:
		finding.Warn = difference-margin <= limit
		finding.Why += fmt.Sprintf(" %s accepts a clock that is at most %v %s its own.", p.Name, limit, side)
	case difference-margin > time.Minute:
		finding.Warn = true
	default:
		finding.OK = true
		return finding
	}
	finding.Fix = "Synchronize the clock with NTP."
	if hours := rules.Hours(difference); hours != "" {
		finding.Why += " That is " + hours + ", as if the machine mixed up local time and UTC."
		finding.Fix = "Correct the machine's time zone, and keep its hardware clock in UTC (timedatectl set-local-rtc 0)."
	}
	return finding
}
