package e2e_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp/kb"
)

// These are the tests of the form that carries the token to the docs on platforms that do not take
// it in a URL. TestTheTokenStaysOutOfSight and others check that it submits itself.

func inForm(p platform) bool { return p.form != "" }

// withoutScripts is a visitor whose browser does not run scripts.
func withoutScripts(t *testing.T) *visitor {
	v := newVisitor(t)
	call(v, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	return v
}

func TestTheFormWithoutJavaScript(t *testing.T) {
	each(t, inForm, func(t *testing.T, p platform) {
		w := newWorld(t, p)
		for name, press := range map[string]func(v *visitor){
			"with a click":            func(v *visitor) { v.click("main button") },
			"with the keyboard alone": func(v *visitor) { v.tabTo("main button"); v.press(kb.Enter) },
		} {
			t.Run(name, func(t *testing.T) {
				v := withoutScripts(t)
				v.open(w.docs.URL + "/quickstart")
				w.fillForm(v, "ada")
				v.reaches(w.URL+"/docs-login?", "Logging in to the documentation", "Continue")
				v.shoot("form")
				press(v)
				v.arrives(w.docs.URL+"/quickstart", p.hello("ada"))
			})
		}
	})
}

// The page's policy lets the form, and the redirects after it, lead to the docs, to the host that
// takes the token, and to the origins that deep links may name; and nowhere else.
func TestWhereTheFormMayLead(t *testing.T) {
	each(t, firstOfShape(inForm), func(t *testing.T, p platform) {
		var target atomic.Value // of the host that takes the token
		redirect := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, target.Load().(string), http.StatusFound)
		})
		content := static("<h1>Here</h1>")
		takes, docs, agents, elsewhere := newHost(t, "takes", redirect), newHost(t, "docs", content), newHost(t, "agents", content), newHost(t, "elsewhere", content)
		signing, _ := p.newKey()
		preset := p.preset(docs.URL, signing)
		preset.Callback, preset.DeepLink.Origins = takes.URL+"/access/jwt", []string{agents.URL}
		a := newApp(t)
		a.wrap(a.lookup(), preset, "/docs-login", toForm)
		for _, tt := range []struct {
			name string
			*host
			may bool
		}{{"the docs", docs, true}, {"an origin that deep links may name", agents, true}, {"elsewhere", elsewhere, false}} {
			t.Run(tt.name, func(t *testing.T) {
				target.Store(tt.URL + "/page")
				v := newVisitor(t)
				a.signIn(v, "ada")
				v.watchPolicies()
				posted := len(takes.asked("/access/jwt"))
				v.open(a.URL + p.loginPath("/quickstart"))
				if tt.may {
					v.arrives(tt.URL+"/page", "Here")
				} else {
					v.blocked("form-action")
					v.reaches(a.URL+"/docs-login?", "Continue") // where the visitor stays
				}
				posts := takes.asked("/access/jwt")[posted:]
				if len(posts) != 1 {
					t.Fatalf("the form was sent %d times", len(posts))
				}
				// The page sends no referrer, and so the origin is null.
				if h := posts[0].Header; h.Get("Referer") != "" || h.Get("Origin") != "null" {
					t.Errorf("the form comes with the Referer %q and the Origin %q", h.Get("Referer"), h.Get("Origin"))
				}
				if n := len(tt.asked("/page")); n != 0 != tt.may {
					t.Errorf("%d requests to the form's target", n)
				}
			})
		}
	})
}
