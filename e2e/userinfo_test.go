package e2e_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/docslogin/docslogin"
)

// TestUserInfo has pages in Chromium ask an app who its visitor is, as docs do that share
// the app's session. Chromium takes acme.localhost for one site, as it does example.com.
func TestUserInfo(t *testing.T) {
	const ask = `fetch("%s/user-info", {credentials: "include"%s})
		.then(async (answer) => answer.status + " " + await answer.text(), () => "unreadable")`
	page := static("<h1>Docs</h1>")
	docs, more, stranger := newHost(t, "docs.acme", page), newHost(t, "guides.acme", page), newHost(t, "evil.acme", page)
	abroad := newHost(t, "docs.elsewhere", page)

	a := newAppAt(t, "app.acme")
	info, err := docslogin.UserInfo(a.lookup(), docslogin.MintlifyPersonalization("", ""), []string{docs.URL, more.URL, abroad.URL},
		docslogin.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/user-info", info)
	mux.Handle("/", a.handler)
	a.handler = mux

	const ada = `200 {"apiPlaygroundInputs":{"header":{"Authorization":"Bearer key-of-ada"}},"content":{"email":"ada@example.com","name":"User ada"},"expiresAt":`
	const nobody = "401 "
	const unreadable = "unreadable"
	for cookie, sameSite := range map[string]http.SameSite{"Lax": http.SameSiteLaxMode, "Strict": http.SameSiteStrictMode} {
		a.store.Options.SameSite = sameSite
		signedIn, signedOut := newVisitor(t), newVisitor(t)
		a.signIn(signedIn, "ada")
		for _, tt := range []struct {
			name    string
			page    string
			visitor *visitor
			init    string // of the fetch
			want    string // beginning of the status and the text that the page reads
		}{
			{"the docs of a visitor who is signed in", docs.URL, signedIn, "", ada},
			{"the docs of one who is not", docs.URL, signedOut, "", nobody},
			{"a second origin that is allowed", more.URL, signedIn, "", ada},
			{"the app's own pages", a.URL, signedIn, "", ada},
			{"an origin of the same site that is not allowed", stranger.URL, signedIn, "", unreadable},
			{"docs on another site, where the cookie does not come along", abroad.URL, signedIn, "", nobody},
			// A preflight comes first, and allows no header, and no method but GET.
			{"the docs, with a header of their own", docs.URL, signedIn, `, headers: {"X-Docs": "1"}`, unreadable},
			{"the docs, with a DELETE", docs.URL, signedIn, `, method: "DELETE"`, unreadable},
			// Which needs none.
			{"the docs, with a POST", docs.URL, signedIn, `, method: "POST"`, "405 "},
		} {
			t.Run(cookie+" cookie, "+tt.name, func(t *testing.T) {
				tt.visitor.open(tt.page + "/sign-in")
				before := len(a.asked("/user-info"))
				if got := eval[string](tt.visitor, fmt.Sprintf(ask, a.URL, tt.init)); !strings.HasPrefix(got, tt.want) {
					t.Errorf("the page reads %q, want %q", got, tt.want)
				}
				// Where a preflight fails, nothing comes behind it.
				if got := len(a.asked("/user-info")) - before; got != 1 {
					t.Errorf("%d requests", got)
				}
			})
		}
	}
	// Its origin is "null", which nobody can allow: any page can make such a frame.
	t.Run("a frame without an origin", func(t *testing.T) {
		v := newVisitor(t)
		a.signIn(v, "ada")
		v.open(docs.URL)
		script := fmt.Sprintf(ask, a.URL, "") + `.then((text) => parent.postMessage(text, "*"))`
		got := eval[string](v, fmt.Sprintf(`new Promise((done) => {
			addEventListener("message", (event) => done(event.origin + " " + event.data));
			const frame = document.createElement("iframe");
			frame.sandbox = "allow-scripts";
			frame.srcdoc = "<script>" + %q + "<\/script>";
			document.body.append(frame);
		})`, script))
		requests := a.asked("/user-info")
		if last := requests[len(requests)-1]; got != "null unreadable" || last.Header.Get("Origin") != "null" {
			t.Errorf("the frame, whose origin is %q, reads %q", last.Header.Get("Origin"), got)
		}
	})
	for _, x := range a.asked("/user-info") {
		if lacks := lacksHeaders(x.answer); lacks != nil || x.answer.Get("Vary") != "Origin" {
			t.Errorf("the answer %d to %s lacks %v, Vary %q", x.status, x.Header.Get("Origin"), lacks, x.answer.Get("Vary"))
		}
	}
}
