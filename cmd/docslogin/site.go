package main

import (
	"fmt"
	"net/url"
	"os/signal"
	"strings"
	"syscall"

	"github.com/go-jose/go-jose/v4"

	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/internal/listen"
	"github.com/docslogin/docslogin/internal/newkey"
	"github.com/docslogin/docslogin/internal/rules"
)

// siteAddress is the default of -listen. Other machines cannot reach it.
const siteAddress = "127.0.0.1:8081"

// keyVariable is the environment variable that is printed with a key that was made for the run.
const keyVariable = "DOCS_KEY"

func siteHelp() string {
	return `docslogin site serves a test site, for an app on this machine.

  docslogin site -platform readme -login http://localhost:8080/docs-login

Give the app the docs URL and the key that are printed, and open the page that
is printed.
` + ownHostHelp() + cookieHelp() + `If the platform would reject a token, the site says which rule the token breaks.
Do not use the key of your production docs.

  -login URL       the app's login route
  -platform NAME   see docslogin help platforms
  -key-file FILE, -key-env NAME
                   the app's secret or private key, or the public key alone;
                   without them, a key is made for this run and printed
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

// cookieHelp returns the help for presets with the token in a cookie.
func cookieHelp() string {
	names := platformsWhere(rules.Platform.InCookie)
	if names == nil {
		return ""
	}
	return wrap("", 0, strings.Fields("For "+list(names, "and")+", also give it the cookie domain that is printed. Open the app at a host under that domain, as in -login.")...)
}

// hasOwnHost reports whether the token goes to a host of the platform's own.
func hasOwnHost(p rules.Platform) bool { return p.Host != "" }

// site serves until it is interrupted.
func (t *tool) site(args []string) error {
	var (
		s              = &t.settings
		f              = s.platformFlags("site")
		login, address string
	)
	f.StringVar(&login, "login", "", "")
	f.StringVar(&address, "listen", siteAddress, "")
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
	app, err := url.Parse(login)
	if err != nil || app.Hostname() == "" || app.Scheme != "http" && app.Scheme != "https" || strings.Contains(login, "#") {
		return usageError("-login must be an absolute http or https URL without a fragment, such as http://localhost:8080/docs-login")
	}
	rule := preset.Rules(nil)
	key, given, err := t.key()
	if err != nil {
		return err
	}
	if !given {
		key = newkey.For(jose.SignatureAlgorithm(rule.Algorithms[0]))
	}
	if _, err := s.verifier(rule, key); err != nil {
		return err
	}
	listener, err := listen.On(address, "-listen")
	if err != nil {
		return usageError(err.Error())
	}
	site := preset.Site(docslogintest.WithListener(listener), docslogintest.WithKey(key))
	defer site.Close()
	site.SetLoginURL(login)
	siteURL, _ := url.Parse(site.URL) // it is valid
	_, domain, _ := strings.Cut(siteURL.Hostname(), ".")
	if rule.InCookie() && !strings.HasSuffix("."+strings.ToLower(app.Hostname()), "."+domain) {
		return usageError(fmt.Sprintf("-login must have a host under %s, such as http://app.%[1]s:8080/docs-login, because browsers accept the token's cookie only from such a host", domain))
	}
	ctx, stop := signal.NotifyContext(t.ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	t.printf("Your app's docs URL  %s", site.URL)
	if hasOwnHost(rule) {
		t.printf("Platform.Callback    %s%s", site.URL, rule.Callback)
	}
	if rule.InCookie() {
		t.printf("The cookie domain    %s", domain)
		t.printf("Your app's own URL   %s://%s", app.Scheme, app.Host)
	}
	t.printf("A page to open       %s/quickstart", site.URL)
	if !given {
		t.printKey(key)
	}
	t.printf("Ctrl-C stops.")
	<-ctx.Done()
	return nil
}

// printKey prints a key that was made for this run, as a line for the app's shell.
func (t *tool) printKey(key string) {
	kind := "secret"
	if strings.Contains(key, "\n") {
		kind = "private key"
	}
	// Single quotes keep the \n that stands for a newline.
	t.printf("A key for this run   export %s='%s'", keyVariable, strings.ReplaceAll(key, "\n", `\n`))
	t.printf("Start the app with this variable as its %s.\nEach start makes a new key. To keep this one, set the variable here, too, and\nadd -key-env %s.", kind, keyVariable)
}
