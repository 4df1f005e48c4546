package main

import (
	"bytes"
	"context"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/sessions"
	"github.com/volatiletech/authboss/v3"
)

// session keeps authboss's session in a cookie of gorilla's.
type session struct{ store *sessions.CookieStore }

// newSession returns sessions in cookies that are signed and encrypted with these keys.
func newSession(keyPairs ...[]byte) session {
	store := sessions.NewCookieStore(keyPairs...)
	store.Options = &sessions.Options{
		Path:     "/",
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode, // with Strict, everybody who comes from the docs looks signed out
		Secure:   false,                // this is plain http on loopback: everywhere else, set it and name the cookie __Host-session
	}
	store.MaxAge(12 * 60 * 60) // for the keys, too: only browsers obey Options.MaxAge
	return session{store}
}

func (s session) ReadState(r *http.Request) (authboss.ClientState, error) {
	current, _ := s.store.Get(r, "session") // a new one and an error, if the browser's cannot be read
	return state{r, current}, nil
}

func (s session) WriteState(w http.ResponseWriter, before authboss.ClientState, events []authboss.ClientStateEvent) error {
	state := before.(state)
	values := state.session.Values
	for _, e := range events {
		switch e.Kind {
		case authboss.ClientStateEventPut:
			if e.Key == authboss.SessionKey { // a sign-in must not keep an earlier user's values
				clear(values)
				state.session.ID, state.session.IsNew = "", true // a new ID, if the store has IDs: somebody else may know the old one
			}
			values[e.Key] = e.Value
		case authboss.ClientStateEventDel:
			delete(values, e.Key)
		case authboss.ClientStateEventDelAll:
			kept := strings.Split(e.Key, ",")
			maps.DeleteFunc(values, func(key, _ any) bool { return !slices.Contains(kept, key.(string)) })
		}
	}
	return state.session.Save(state.request, w)
}

type state struct {
	request *http.Request
	session *sessions.Session
}

func (s state) Get(key string) (string, bool) {
	value, ok := s.session.Values[key].(string)
	return value, ok
}

// signInView is the only page that module auth needs.
type signInView struct{}

func (signInView) Load(...string) error { return nil }

func (signInView) Render(_ context.Context, _ string, data authboss.HTMLData) ([]byte, string, error) {
	var page bytes.Buffer
	err := form.Execute(&page, data[authboss.DataErr])
	return page.Bytes(), "text/html; charset=utf-8", err
}

// The form is posted to the page's own URL, whose query has the return URL. In a field of the
// form it would be lost after a wrong password: authboss does not pass it to the page again. An action
// would also lose the anchor of the docs page, which is the fragment of the page's URL.
var form = template.Must(template.New("").Parse(`<!doctype html><title>Sign in</title>
{{with .}}<p>{{.}}</p>{{end}}
<form method="post">
<input name="email" type="email" placeholder="E-mail address" required>
<input name="password" type="password" placeholder="Password" required>
<button>Sign in</button>
</form>
`))
