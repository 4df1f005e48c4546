package e2e_test

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp/kb"
)

// demo is examples/demo as a newcomer runs it, but on names that keep cookies apart.
type demo struct{ app, readMe, mintlify string }

func startDemo(t *testing.T) demo {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "demo")
	if out, err := exec.Command("go", "build", "-o", binary, "github.com/docslogin/docslogin/examples/demo").CombinedOutput(); err != nil {
		t.Fatalf("building the demo: %v\n%s", err, out)
	}
	process := exec.Command(binary, "-app", "app.localhost:0", "-readme", "api.localhost:0", "-mintlify", "guides.localhost:0")
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	})
	var urls []string
	for lines := bufio.NewScanner(out); len(urls) < 3 && lines.Scan(); {
		if url := regexp.MustCompile(`http://[^/]+`).FindString(lines.Text()); url != "" {
			urls = append(urls, url)
		}
	}
	if len(urls) < 3 {
		t.Fatalf("the demo says only %q", urls)
	}
	return demo{urls[0], urls[1], urls[2]}
}

// sites are the demo's docs with the words that greet Ada there.
func (d demo) sites() map[string][]string {
	return map[string][]string{
		d.readMe:   {"Hello, Ada Park.", "Bearer acme_live_ada_5521", "Enterprise"},
		d.mintlify: {"Hello, Ada Park.", "Bearer acme_live_ada_5521", "For the group admin"},
	}
}

// signIn fills in the form as Ada.
func (d demo) signIn(v *visitor) {
	v.t.Helper()
	v.reaches(d.app+"/sign-in", "Who are you?")
	v.click(`input[value=ada]`)
	v.click(`main button`)
}

func TestDemoSignedOut(t *testing.T) {
	d := startDemo(t)
	for docs, greeting := range d.sites() {
		v := newVisitor(t)
		v.open(docs + "/reference?lang=go&x=a%20b")
		d.signIn(v)
		v.arrives(docs+"/reference?lang=go&x=a%20b", greeting...)
	}
}

func TestDemoAnAnchorInTheLinkSurvivesTheForm(t *testing.T) {
	d := startDemo(t)
	for path, docs := range map[string]string{"/docs-login": d.readMe, "/mintlify-login": d.mintlify} {
		v := newVisitor(t)
		v.open(d.app + path + "?redirect=%2Freference%3Fa%3D1%23auth")
		d.signIn(v)
		v.arrives(docs + "/reference?a=1#auth")
	}
}

func TestDemoSignedIn(t *testing.T) {
	d := startDemo(t)
	v := newVisitor(t)
	v.open(d.app + "/sign-in")
	d.signIn(v)
	v.arrives(d.app+"/", "Hello, Ada Park")
	// Both docs sites from one app, each with one click and no form.
	for docs, greeting := range d.sites() {
		v.open(d.app + "/")
		v.click(`a[href^="` + docs + `"]`)
		v.arrives(docs+"/quickstart", greeting...)
	}
}

// An anchor that the docs did not put into the link goes with the browser from redirect
// to redirect, up to a fragment of the login URL's own.
func TestDemoAnAnchorInTheAddressBar(t *testing.T) {
	d := startDemo(t)
	v := newVisitor(t)
	v.open(d.app + "/sign-in")
	d.signIn(v)
	v.arrives(d.app + "/")
	v.open(d.readMe + "/reference#auth")
	v.arrives(d.readMe + "/reference#auth")
	v.open(d.mintlify + "/reference#auth")
	v.arrives(d.mintlify + "/reference")
}

func TestDemoOnAPublicPage(t *testing.T) {
	d := startDemo(t)
	for docs, greeting := range d.sites() {
		v := newVisitor(t)
		v.open(docs + "/changelog")
		v.reads("Log in")
		v.click(`header .button`)
		d.signIn(v)
		v.arrives(docs+"/changelog", greeting[0])
		// Signed out at the docs but not at the app: one click and no form, since the session's
		// cookie comes along from another site.
		v.click(`header form button`)
		v.arrives(docs+"/", "Log in")
		v.click(`header .button`)
		v.arrives(docs+"/", greeting[0])
	}
}

func TestDemoWithTheKeyboardAlone(t *testing.T) {
	d := startDemo(t)
	for docs, greeting := range d.sites() {
		v := newVisitor(t)
		v.open(docs + "/changelog")
		v.tabTo(`header .button`)
		v.press(kb.Enter)
		v.reaches(d.app + "/sign-in?")
		v.tabTo(`input[name=user]`)
		v.press(" ")
		v.tabTo(`main button`)
		v.press(kb.Enter)
		v.arrives(docs+"/changelog", greeting[0])
	}
}

func TestDemoWithoutJavaScript(t *testing.T) {
	d := startDemo(t)
	signIn := func(docs string) *visitor {
		v := newVisitor(t)
		call(v, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		v.open(docs + "/quickstart")
		d.signIn(v)
		return v
	}
	t.Run("a token in the query works", func(t *testing.T) {
		signIn(d.readMe).arrives(d.readMe+"/quickstart", "Hello, Ada Park.")
	})
	t.Run("for a token in the fragment the docs say why not", func(t *testing.T) {
		v := signIn(d.mintlify)
		v.reaches(d.mintlify+"/login/jwt-callback", "Allow JavaScript for this site")
	})
}

func TestDemoPages(t *testing.T) {
	d := startDemo(t)
	v := newVisitor(t)
	v.open(d.app + "/")
	v.shoot("demo-signed-out")
	v.open(d.readMe + "/quickstart")
	v.reaches(d.app + "/sign-in?")
	v.shoot("demo-form")
	v.click(`input[value=ada]`)
	v.click(`main button`)
	v.arrives(d.readMe + "/quickstart")
	v.shoot("demo-readme")
	v.open(d.mintlify + "/quickstart")
	v.arrives(d.mintlify + "/quickstart")
	v.shoot("demo-mintlify")
	v.open(d.app + "/")
	v.shoot("demo-signed-in")
	for docs, name := range map[string]string{d.readMe: "readme", d.mintlify: "mintlify"} {
		v = newVisitor(t)
		v.open(docs + "/login/jwt-callback?auth_token=no-token#no-token")
		v.reads("Login refused")
		v.shoot("demo-refused-by-" + name)
	}
}
