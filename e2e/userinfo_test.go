package e2e_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/platforms"
	"github.com/docslogin/docslogin/userinfo"
)

// infoApp is an app that serves /user-info to the pages of some docs. All but docs.elsewhere are
// on the same site as the app: to Chromium, acme.localhost is a site as example.com is.
type infoApp struct {
	*app
	docs, guides, elsewhere *host // configured origins
	stranger                *host
}

// newInfoApp returns such an app. If lookup is nil, the app's lookup reads its session.
func newInfoApp(t *testing.T, lookup docslogin.UserLookup) *infoApp {
	page := static("<h1>Docs</h1>")
	i := &infoApp{
		app:  newAppAt(t, "app.acme"),
		docs: newHost(t, "docs.acme", page), guides: newHost(t, "guides.acme", page), elsewhere: newHost(t, "docs.elsewhere", page),
		stranger: newHost(t, "evil.acme", page),
	}
	if lookup == nil {
		lookup = i.lookup()
	}
	info, err := userinfo.New(lookup, platforms.MintlifyInfo(), []string{i.docs.URL, i.guides.URL, i.elsewhere.URL},
		docslogin.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/user-info", info)
	mux.Handle("/", i.handler)
	i.handler = mux
	t.Cleanup(func() {
		for _, x := range i.asked("/user-info") {
			if lacks := lacksHeaders(x.answer); lacks != nil {
				t.Errorf("the response %d to %q lacks %v", x.status, x.Header.Get("Origin"), lacks)
			}
			if vary := x.answer.Values("Vary"); !slices.Equal(vary, []string{"Origin, Cookie, Authorization"}) {
				t.Errorf("the response %d to %q has the Vary %q", x.status, x.Header.Get("Origin"), vary)
			}
		}
	})
	return i
}

// fetch is the script with which a page asks for its visitor.
func (i *infoApp) fetch(init string) string {
	return fmt.Sprintf(`fetch("%s/user-info", {credentials: "include"%s})
		.then(async (response) => response.status + " " + await response.text(), () => "unreadable")`, i.URL, init)
}

// statuses returns those of the requests for /user-info after the first n.
func (i *infoApp) statuses(n int) (statuses []int) {
	for _, x := range i.asked("/user-info")[n:] {
		statuses = append(statuses, x.status)
	}
	return statuses
}

func TestUserInfo(t *testing.T) {
	i := newInfoApp(t, nil)
	const (
		ada        = `200 {"apiPlaygroundInputs":{"header":{"Authorization":"Bearer key-of-ada"}},"content":{"email":"ada@example.com","name":"User ada"},"expiresAt":`
		nobody     = `401 {"error":"Unauthorized"}`
		unreadable = "unreadable"
	)
	for cookie, sameSite := range map[string]http.SameSite{"Lax": http.SameSiteLaxMode, "Strict": http.SameSiteStrictMode} {
		i.store.Options.SameSite = sameSite
		signedIn, signedOut := newVisitor(t), newVisitor(t)
		i.signIn(signedIn, "ada")
		for _, tt := range []struct {
			name    string
			page    string
			visitor *visitor
			init    string // of the fetch
			want    string // beginning of the status and the text that the page can read
			asked   []int  // the statuses of the requests that reach the app
		}{
			{"the docs of a visitor who is signed in", i.docs.URL, signedIn, "", ada, []int{200}},
			{"the docs of a visitor who is not signed in", i.docs.URL, signedOut, "", nobody, []int{401}},
			{"the second configured origin", i.guides.URL, signedIn, "", ada, []int{200}},
			{"the app's own pages", i.URL, signedIn, "", ada, []int{200}},
			{"an origin of the same site that is not configured", i.stranger.URL, signedIn, "", unreadable, []int{403}},
			{"docs on another site, to which the cookie is not sent", i.elsewhere.URL, signedIn, "", nobody, []int{401}},
			// Chromium asks first, and sends the request only if it may.
			{"the docs, with an Authorization header", i.docs.URL, signedIn, `, headers: {Authorization: "Bearer x"}`, ada, []int{204, 200}},
			{"an origin that is not configured, with an Authorization header", i.stranger.URL, signedIn, `, headers: {Authorization: "Bearer x"}`, unreadable, []int{204}},
			{"the docs, with another header", i.docs.URL, signedIn, `, headers: {"X-Docs": "1"}`, unreadable, []int{204}},
			{"the docs, with a DELETE", i.docs.URL, signedIn, `, method: "DELETE"`, unreadable, []int{204}},
			// A POST needs no preflight.
			{"the docs, with a POST", i.docs.URL, signedIn, `, method: "POST"`, "405 ", []int{405}},
		} {
			t.Run(cookie+" cookie, "+tt.name, func(t *testing.T) {
				tt.visitor.open(tt.page + "/sign-in")
				before := len(i.asked("/user-info"))
				if got := eval[string](tt.visitor, i.fetch(tt.init)); !strings.HasPrefix(got, tt.want) {
					t.Errorf("the page reads %q, want %q", got, tt.want)
				}
				if got := i.statuses(before); !slices.Equal(got, tt.asked) {
					t.Errorf("statuses %v, want %v", got, tt.asked)
				}
			})
		}
	}
}

// With an access token, the docs need no cookie and can be on another site.
func TestUserInfoByAccessToken(t *testing.T) {
	i := newInfoApp(t, func(r *http.Request) (*docslogin.User, error) {
		if r.Header.Get("Authorization") != "Bearer token-of-ada" || r.Header["Cookie"] != nil {
			return nil, docslogin.ErrNoUser
		}
		return &docslogin.User{Email: "ada@example.com"}, nil
	})
	for _, tt := range []struct {
		name  string
		page  string
		init  string // of the fetch
		want  string // beginning of the status and the text that the page can read
		asked []int  // the statuses of the requests that reach the app
	}{
		{"docs on another site", i.elsewhere.URL, `, headers: {Authorization: "Bearer token-of-ada"}`, `200 {"content":{"email":"ada@example.com"},`, []int{204, 200}},
		{"the docs, without credentials", i.docs.URL, `, credentials: "omit", headers: {Authorization: "Bearer token-of-ada"}`, `200 {"content":{"email":"ada@example.com"},`, []int{204, 200}},
		{"another token", i.elsewhere.URL, `, headers: {Authorization: "Bearer x"}`, `401 {"error":"Unauthorized"}`, []int{204, 401}},
		{"no token", i.elsewhere.URL, "", `401 {"error":"Unauthorized"}`, []int{401}},
		{"an origin that is not configured", i.stranger.URL, `, headers: {Authorization: "Bearer token-of-ada"}`, "unreadable", []int{204}},
		{"an origin that is not configured, without credentials", i.stranger.URL, `, credentials: "omit", headers: {Authorization: "Bearer token-of-ada"}`, "unreadable", []int{204}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := newVisitor(t) // who has no preflight's response in a cache
			v.open(tt.page)
			before := len(i.asked("/user-info"))
			if got := eval[string](v, i.fetch(tt.init)); !strings.HasPrefix(got, tt.want) {
				t.Errorf("the page reads %q, want %q", got, tt.want)
			}
			if got := i.statuses(before); !slices.Equal(got, tt.asked) {
				t.Errorf("statuses %v, want %v", got, tt.asked)
			}
		})
	}
}

// The origin of such a frame is "null". It cannot be configured, since any page can make one.
func TestUserInfoInAFrameWithoutAnOrigin(t *testing.T) {
	i := newInfoApp(t, nil)
	v := newVisitor(t)
	i.signIn(v, "ada")
	v.open(i.docs.URL)
	script := i.fetch("") + `.then((text) => parent.postMessage(text, "*"))`
	got := eval[string](v, fmt.Sprintf(`new Promise((done) => {
		addEventListener("message", (event) => done(event.origin + " " + event.data));
		const frame = document.createElement("iframe");
		frame.sandbox = "allow-scripts";
		frame.srcdoc = "<script>" + %q + "<\/script>";
		document.body.append(frame);
	})`, script))
	requests := i.asked("/user-info")
	if last := requests[len(requests)-1]; got != "null unreadable" || last.status != 403 || last.Header.Get("Origin") != "null" {
		t.Errorf("the frame, whose origin is %q, gets %d and reads %q", last.Header.Get("Origin"), last.status, got)
	}
}

// Only scripts get the JSON: an element of another page must not show whether its visitor is
// signed in.
func TestUserInfoIsOnlyForScripts(t *testing.T) {
	i := newInfoApp(t, nil)
	signedIn, signedOut := newVisitor(t), newVisitor(t)
	i.signIn(signedIn, "ada")
	for _, tt := range []struct{ name, element string }{
		{"a script", `<script src="%s"></script>`},
		{"an object", `<object data="%s"></object>`},
		{"an image", `<img src="%s">`},
		{"a frame", `<iframe src="%s"></iframe>`},
		{"a style sheet", `<link rel=stylesheet href="%s">`},
		{"a prefetch", `<link rel=prefetch href="%s">`},
		{"a preload", `<link rel=preload as=fetch href="%s">`},
		{"a fetch whose response the script cannot read", `<script>fetch("%s", {mode: "no-cors", credentials: "include"})</script>`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			page := newHost(t, "page.acme", static(fmt.Sprintf(tt.element, i.URL+"/user-info")))
			for _, v := range []*visitor{signedIn, signedOut} {
				before := len(i.asked("/user-info"))
				v.open(page.URL)
				v.waits("the request", func() bool { return len(i.asked("/user-info")) > before })
				if got := i.statuses(before); !slices.Equal(got, []int{403}) {
					t.Errorf("statuses %v", got)
				}
			}
		})
	}
	t.Run("the address bar", func(t *testing.T) {
		before := len(i.asked("/user-info"))
		signedIn.open(i.URL + "/user-info")
		signedIn.reads(`{"error":"Forbidden"}`)
		if got := i.statuses(before); !slices.Equal(got, []int{403}) {
			t.Errorf("statuses %v", got)
		}
	})
}
