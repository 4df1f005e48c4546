package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
	"github.com/golang-jwt/jwt/v5"
)

func TestRecipe(t *testing.T) { apptest.Try(t, newHandler) }

var (
	appKey = []byte("the key with which the app signs, for the tests")
	ends   = time.Now().Add(time.Hour).Truncate(time.Second) // of the session
)

// good are the claims of Ada's session.
func good() jwt.MapClaims {
	return jwt.MapClaims{
		"iss": "https://app.example.com", "aud": "session", "sub": "42", "email": "ada@example.com", "exp": ends.Unix(),
	}
}

// with are the good claims, but for one; nil leaves it out.
func with(name string, value any) jwt.MapClaims {
	c := good()
	if c[name] = value; value == nil {
		delete(c, name)
	}
	return c
}

func sign(t *testing.T, method jwt.SigningMethod, key any, c jwt.MapClaims) string {
	t.Helper()
	token, err := jwt.NewWithClaims(method, c).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestWhoseToken(t *testing.T) {
	lookup := newSessions(appKey, "https://app.example.com").user
	hs256 := func(c jwt.MapClaims) string { return sign(t, jwt.SigningMethodHS256, appKey, c) }
	parts := strings.Split(hs256(good()), ".")
	mallory := strings.Split(hs256(with("email", "mallory@example.com")), ".")

	for _, test := range []struct {
		name     string
		token    string
		signedIn bool
	}{
		{"the app's own", hs256(good()), true},
		{"for the session among other things", hs256(with("aud", []string{"session", "api"})), true},
		{"expired", hs256(with("exp", time.Now().Add(-time.Second).Unix())), false},
		{"without an end", hs256(with("exp", nil)), false},
		{"of another issuer", hs256(with("iss", "https://other.example.com")), false},
		{"of nobody in particular", hs256(with("iss", nil)), false},
		{"for another purpose", hs256(with("aud", "confirm-address")), false},
		{"for no purpose", hs256(with("aud", nil)), false},
		{"not signed", sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good()), false},
		{"signed by a method that its header has chosen", sign(t, jwt.SigningMethodHS512, appKey, good()), false},
		{"signed with another key", sign(t, jwt.SigningMethodHS256, []byte("another key, just as long, for the tests"), good()), false},
		{"with the claims of another", parts[0] + "." + mallory[1] + "." + parts[2], false},
		{"cut off", parts[0] + "." + parts[1], false},
		{"not a token", "ada@example.com", false},
		{"empty", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/docs-login", nil)
			r.AddCookie(&http.Cookie{Name: "session", Value: test.token})
			user, err := lookup(r)
			switch {
			case !test.signedIn:
				if user != nil || !errors.Is(err, docslogin.ErrNoUser) {
					t.Errorf("somebody is signed in: %v, error %v", user, err)
				}
			case err != nil:
				t.Error(err)
			case user.ID != "42" || user.Email != "ada@example.com" || !user.ExpiresAt.Equal(ends):
				t.Errorf("the user is %+v", user)
			}
		})
	}
}

// The session of an earlier start of the app cannot be read: nobody is signed in.
func TestAnOldCookieLeadsToTheSignIn(t *testing.T) {
	v := apptest.Serve(t, newHandler)
	req, err := http.NewRequest("GET", v.AppURL+"/docs-login", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.AddCookie(&http.Cookie{Name: "session", Value: "eyJhbGciOiJIUzI1NiJ9.eyJlbWFpbCI6ImFkYUBleGFtcGxlLmNvbSJ9.c2ln"})
	resp, err := v.Visitor.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.Request.URL.Path != "/sign-in" || resp.StatusCode != http.StatusOK {
		t.Errorf("the visitor ends at %s (%d)", resp.Request.URL.Path, resp.StatusCode)
	}
}

func TestTheCookieIsOutOfAScriptsReach(t *testing.T) {
	w := httptest.NewRecorder()
	if err := newSessions([]byte("a key for the tests"), "https://app.example.com").signIn(w, nil, "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	cookies := w.Result().Cookies()
	if len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteLaxMode || cookies[0].Path != "/" {
		t.Errorf("the cookies: %v", cookies)
	}
}
