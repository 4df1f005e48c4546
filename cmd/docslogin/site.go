package main

import (
	"net"
	"net/url"
	"os/signal"
	"strings"
	"syscall"

	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/internal/rules"
)

// siteAddress is the default of -listen. Other machines cannot reach it.
const siteAddress = "127.0.0.1:8081"

func siteHelp() string {
	return `docslogin site serves a test site, for an app on this machine.

  docslogin site -platform readme -key-env README_JWT_SECRET \
    -login http://localhost:8080/docs-login

Give the app the docs URL that is printed, and open the page that is printed.
` + ownHostHelp() + `If the platform would reject a token, the site says which rule the token breaks.
Use a key that was made for this, not that of the docs in production.

  -login URL       the app's login route
  -platform NAME   see docslogin help
  -key-file FILE, -key-env NAME
                   the app's secret or private key, or the public key alone
  -listen ADDRESS  where the site listens, ` + siteAddress + `; other machines can
                   reach it at 0.0.0.0:8081
`
}

// ownHostHelp returns the help for presets that send the token to a host of the platform's own.
func ownHostHelp() string {
	names := platformsWhere(hasOwnHost)
	if names == nil {
		return ""
	}
	return wrap("", 0, strings.Fields("For "+list(names, "and")+", also give it the Platform.Callback that is printed.")...)
}

// hasOwnHost reports whether the token goes to a host of the platform's own.
func hasOwnHost(p rules.Platform) bool { return p.Host != "" }

// site serves until it is interrupted.
func (t *tool) site(args []string) error {
	var (
		s             = &t.settings
		f             = s.platformFlags("site")
		login, listen string
	)
	f.StringVar(&login, "login", "", "")
	f.StringVar(&listen, "listen", siteAddress, "")
	rest, err := s.parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usageError("site takes flags only")
	}
	preset, err := s.requirePreset()
	if err != nil {
		return err
	}
	if u, err := url.Parse(login); err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Contains(login, "#") {
		return usageError("-login must be an absolute http or https URL without a fragment, such as http://localhost:8080/docs-login")
	}
	key, ok, err := t.key()
	if err != nil {
		return err
	}
	if !ok {
		return usageError("set -key-file or -key-env")
	}
	rule := preset.Rules(s.values(key))
	if _, err := s.verifier(rule, key); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return usageError("cannot listen at the address of -listen; choose another one, such as 127.0.0.1:0 for a free port")
	}
	site := preset.Site(docslogintest.WithListener(listener), docslogintest.WithKey(key))
	defer site.Close()
	site.SetLoginURL(login)
	ctx, stop := signal.NotifyContext(t.ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	t.printf("Your app's docs URL  %s", site.URL)
	if hasOwnHost(rule) {
		t.printf("Platform.Callback    %s%s", site.URL, rule.Callback)
	}
	t.printf("A page to open       %s/quickstart\nCtrl-C stops.", site.URL)
	<-ctx.Done()
	return nil
}
