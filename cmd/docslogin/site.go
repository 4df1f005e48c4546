package main

import (
	"net"
	"net/url"
	"os/signal"
	"strings"
	"syscall"

	"github.com/docslogin/docslogin/docslogintest"
)

// siteAddress is no other machine's to reach.
const siteAddress = "127.0.0.1:8081"

const siteHelp = `docslogin site serves docs to log in at, for an app on this machine.

  docslogin site -platform readme -key-env README_JWT_SECRET \
    -login http://localhost:8080/docs-login

Give the app the docs URL that is printed, and open the page that is. A token
that the platform would refuse is answered with the rule that it breaks.
Zendesk's and Canny's presets know a host: set DocsURL and Callback, too.
Use a key that is made for it rather than that of the docs in production.

  -login URL       the app's login route
  -platform NAME   docslogin help
  -key-file FILE, -key-env NAME
                   the app's secret or private key, or the public key alone
  -listen ADDRESS  of the docs, ` + siteAddress + `; with 0.0.0.0:8081 the network
                   reaches them, too
`

var sites = map[string]func(...docslogintest.Option) *docslogintest.Site{
	"readme":                   docslogintest.NewReadMe,
	"mintlify":                 docslogintest.NewMintlify,
	"mintlify-personalization": docslogintest.NewMintlifyPersonalization,
	"gitbook":                  docslogintest.NewGitBook,
	"fern":                     docslogintest.NewFern,
	"zendesk":                  docslogintest.NewZendesk,
	"helpscout":                docslogintest.NewHelpScout,
	"developerhub":             docslogintest.NewDeveloperHub,
	"canny":                    docslogintest.NewCanny,
	"featurebase":              docslogintest.NewFeaturebase,
	"metabase":                 docslogintest.NewMetabase,
}

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
	rule, err := s.needsRules()
	if err != nil {
		return err
	}
	if u, err := url.Parse(login); err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Contains(login, "#") {
		return usageError("-login is not an absolute http or https URL such as http://localhost:8080/docs-login, without a fragment")
	}
	key, ok, err := t.key()
	if err != nil {
		return err
	}
	if !ok {
		return usageError("give -key-file or -key-env")
	}
	if _, err := s.verifier(rule, key); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return usageError("cannot listen at the address of -listen; give another one, such as 127.0.0.1:0 for a free port")
	}
	site := sites[rule.Flag](docslogintest.WithListener(listener), docslogintest.WithKey(key))
	defer site.Close()
	site.SetLoginURL(login)
	ctx, stop := signal.NotifyContext(t.ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	t.printf("Your app's docs URL  %s", site.URL)
	if rule.Form != "" || rule.Host != "" { // the preset knows the platform's own host
		t.printf("Platform.Callback    %s%s", site.URL, rule.Callback)
	}
	t.printf("A page to open       %s/quickstart\nCtrl-C stops.", site.URL)
	<-ctx.Done()
	return nil
}
