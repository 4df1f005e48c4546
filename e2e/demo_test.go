package e2e_test

import (
	"bufio"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// demo is a run of examples/demo. With -names, its host names keep cookies apart.
type demo struct {
	app  string
	docs map[string]string // by the platform's name
}

var demoLine = regexp.MustCompile(`^(.*?)  +(http://[^/]+)/`)

// demoProgram builds the demo and returns its path.
var demoProgram = sync.OnceValues(func() (string, error) { return build("examples/demo") })

func startDemo(t *testing.T, flags ...string) demo {
	t.Helper()
	binary, err := demoProgram()
	if err != nil {
		t.Fatal(err)
	}
	process := exec.Command(binary, append(flags, "-app", "127.0.0.1:0", "-docs", "127.0.0.1:0")...)
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
	d := demo{docs: map[string]string{}}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line := demoLine.FindStringSubmatch(lines.Text())
		if line == nil {
			break
		}
		switch {
		case d.app == "":
			d.app = line[2]
		case !strings.HasPrefix(line[1], "The app"): // by another name
			d.docs[line[1]] = line[2]
		}
	}
	for _, p := range allPlatforms {
		if d.docs[p.name] == "" {
			t.Errorf("the demo has no docs of %s", p.name)
		}
	}
	if t.Failed() || len(d.docs) != len(allPlatforms) {
		t.Fatalf("the demo prints %q, and then %q", d, lines.Text())
	}
	return d
}

// greets is how the docs greet Ada.
func (d demo) greets(p platform) string {
	if p.nameless {
		return "Hello, ada@example.com."
	}
	return "Hello, Ada Park."
}

// enter opens a page of the docs and, if that does not begin a login, clicks the docs' login button.
func (d demo) enter(v *visitor, p platform, page string) {
	v.t.Helper()
	v.open(page)
	if p.public() {
		v.click(`header .button`)
	}
}

// signIn signs in as Ada in the form.
func (d demo) signIn(v *visitor) {
	v.t.Helper()
	v.reaches(d.app+"/sign-in", "Who are you?")
	v.click(`input[value=ada]`)
	v.click(`main button`)
}

func TestDemoSignedOut(t *testing.T) {
	d := startDemo(t, "-names")
	eachPlatform(t, func(t *testing.T, p platform) {
		const page = "/reference?x=a%20b"
		v := newVisitor(t)
		d.enter(v, p, d.docs[p.name]+page)
		d.signIn(v)
		v.arrives(d.docs[p.name]+p.leadsTo(page), d.greets(p))
	})
}

// Browsers keep the anchor over the form, and over the form that comes again after an error.
func TestDemoAnchor(t *testing.T) {
	d := startDemo(t, "-names")
	each(t, func(p platform) bool { return p.query != "" }, func(t *testing.T, p platform) {
		const page, anchor = "/quickstart?lang=go", "#install"
		v := newVisitor(t)
		v.open(d.docs[p.name] + page + anchor)
		v.reaches(d.app+"/sign-in", "Who are you?")
		eval[bool](v, "document.forms[0].noValidate = true")
		v.click("main button")
		v.reads("Choose who you are.")
		d.signIn(v)
		v.arrives(d.docs[p.name]+p.leadsTo(page)+anchor, d.greets(p))
	})
}

func TestDemoSignedIn(t *testing.T) {
	d := startDemo(t, "-names")
	v := newVisitor(t)
	v.open(d.app + "/sign-in")
	d.signIn(v)
	v.arrives(d.app+"/", "Hello, Ada Park")
	// One app logs her in at all docs sites, each with one click and no form.
	for _, p := range allPlatforms {
		v.open(d.app + "/")
		d.clickLinkTo(v, p)
		v.arrives(d.docs[p.name]+p.leadsTo("/quickstart"), d.greets(p))
		if p.allKeys {
			v.reads("Bearer acme_live_ada_5521", "Enterprise")
		}
	}
}

// clickLinkTo clicks the link to the docs on the demo's home page.
func (d demo) clickLinkTo(v *visitor, p platform) {
	v.t.Helper()
	v.reads("Acme " + p.name)
	eval[bool](v, fmt.Sprintf(`[...document.links].find((link) => link.textContent === %q).id = "docs", true`, "Acme "+p.name))
	v.click("#docs")
}

// Docs that read the token from a cookie know the reader from the sign-in to the sign-out.
func TestDemoSetsTheCookie(t *testing.T) {
	d := startDemo(t, "-names")
	docs := d.docs[adaptive().name]
	v := newVisitor(t)
	v.open(d.app + "/sign-in")
	d.signIn(v)
	v.arrives(d.app+"/", "Hello, Ada Park")
	v.open(docs + "/quickstart")
	v.reads(d.greets(adaptive()))
	v.open(d.app + "/")
	v.click(`header button`)
	v.reads("You are signed out")
	v.open(docs + "/quickstart")
	v.reads("Log in")
}

// Without names, the app has another name for the docs that read the token from a cookie.
func TestDemoWithoutNames(t *testing.T) {
	d := startDemo(t)
	docs := d.docs[adaptive().name]
	v := newVisitor(t)
	v.open(d.app + "/")
	d.clickLinkTo(v, adaptive())
	v.reaches("http://app.acme.localhost", "Who are you?")
	v.click(`input[value=ada]`)
	v.click(`main button`)
	v.arrives(docs+"/quickstart", d.greets(adaptive()))
}

func TestDemoOnAPublicPage(t *testing.T) {
	d := startDemo(t, "-names")
	each(t, firstOfShape(all), func(t *testing.T, p platform) {
		docs := d.docs[p.name]
		v := newVisitor(t)
		v.open(docs + "/changelog")
		v.reads("Log in")
		v.click(`header .button`)
		d.signIn(v)
		v.arrives(docs+"/changelog", d.greets(p))
		if p.cookie != "" {
			return // only the app ends these sessions
		}
		// After the docs logout the visitor is still signed in at the app. One click is enough.
		v.click(logOutButton)
		v.arrives(docs+"/", "Log in")
		v.click(`header .button`)
		v.arrives(docs+"/", d.greets(p))
	})
}

func TestDemoWithTheKeyboardAlone(t *testing.T) {
	d := startDemo(t, "-names")
	each(t, firstOfShape(all), func(t *testing.T, p platform) {
		docs := d.docs[p.name]
		v := newVisitor(t)
		v.open(docs + "/changelog")
		v.tabTo(`header .button`)
		v.press(kb.Enter)
		v.reaches(d.app + "/sign-in?")
		v.tabTo(`input[name=user]`)
		v.press(" ")
		v.tabTo(`main button`)
		v.press(kb.Enter)
		v.arrives(docs+"/changelog", d.greets(p))
	})
}

func TestDemoWithoutJavaScript(t *testing.T) {
	d := startDemo(t, "-names")
	each(t, firstOfShape(all), func(t *testing.T, p platform) {
		docs := d.docs[p.name]
		v := withoutScripts(t)
		d.enter(v, p, docs+"/quickstart")
		const whyNot = "Allow JavaScript for this site"
		if p.shape() == "fragment of the page" { // the page's script starts the login
			v.arrives(docs+"/quickstart", whyNot)
			return
		}
		d.signIn(v)
		switch {
		case p.query != "", p.cookie != "":
			v.arrives(docs+"/quickstart", d.greets(p))
		case p.form != "":
			v.reaches(d.app+"/", "Continue")
			v.click("main button")
			v.arrives(docs+"/quickstart", d.greets(p))
		default:
			v.reaches(docs+p.callback, whyNot)
		}
	})
}

func TestDemoPages(t *testing.T) {
	d := startDemo(t, "-names")
	v := newVisitor(t)
	v.open(d.app + "/")
	v.shoot("demo-signed-out")
	v.open(d.app + "/sign-in")
	v.shoot("demo-form")
	d.signIn(v)
	v.arrives(d.app+"/", "Hello, Ada Park")
	v.shoot("demo-signed-in")
	each(t, firstOfShape(all), func(t *testing.T, p platform) {
		v := newVisitor(t)
		d.enter(v, p, d.docs[p.name]+"/quickstart")
		d.signIn(v)
		v.arrives(d.docs[p.name]+"/quickstart", d.greets(p))
		v.shoot("demo-" + p.slug())
		if p.form != "" || p.cookie != "" {
			return // a URL cannot bring a bad token to these docs
		}
		v = newVisitor(t)
		notOne := "#eyJ.eyJ.no-token"
		if p.query != "" {
			notOne = "?" + p.query + "=no-token"
		}
		v.open(d.docs[p.name] + p.callbackPath() + notOne)
		v.reads("Fix:", "Try again")
		v.shoot("demo-rejected-by-" + p.slug())
	})
}
