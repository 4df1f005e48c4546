package apptest

import (
	"cmp"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// credentials are the names of session cookies, those of libraries and those of the recipes.
var credentials = []string{
	"session", "session_id", "id_token", "jwt", "_oauth2_proxy", "auth0",
	"__session", "__client", "__client_uat", "ory_kratos_session", "csrf_token_fake",
	"sAccessToken", "sRefreshToken", "sIdRefreshToken", "sFrontToken",
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func token(header, claims string) string {
	return encode(header) + "." + encode(claims) + ".c2lnbmF0dXJl"
}

// headers are headers of tokens, by description.
var headers = map[string]string{
	"no algorithm":                  `{"alg":"none"}`,
	"no algorithm, typed":           `{"alg":"none","typ":"JWT"}`,
	"no members":                    `{}`,
	"null":                          `null`,
	"an array":                      `[]`,
	"a number":                      `1`,
	"not JSON":                      `{`,
	"nothing":                       ``,
	"HS256":                         `{"alg":"HS256","typ":"JWT"}`,
	"RS256":                         `{"alg":"RS256","typ":"JWT"}`,
	"RS256 without a type":          `{"alg":"RS256","kid":"d-1","version":"5"}`,
	"RS256 with a known key":        `{"alg":"RS256","typ":"JWT","kid":"d-1","version":"5"}`,
	"RS256 with an unknown key":     `{"alg":"RS256","typ":"JWT","kid":"d-2","version":"5"}`,
	"HS256 with a known key":        `{"alg":"HS256","typ":"JWT","kid":"d-1","version":"5"}`,
	"a key that is a number":        `{"alg":"RS256","typ":"JWT","kid":1,"version":"5"}`,
	"a key that is null":            `{"alg":"RS256","typ":"JWT","kid":null,"version":"5"}`,
	"a key that is an object":       `{"alg":"RS256","typ":"JWT","kid":{},"version":"5"}`,
	"a type that is a number":       `{"alg":"RS256","typ":1,"kid":"d-1","version":"5"}`,
	"a type that is null":           `{"alg":"RS256","typ":null,"kid":"d-1","version":"5"}`,
	"a version that is null":        `{"alg":"RS256","typ":"JWT","kid":"d-1","version":null}`,
	"a version that is a number":    `{"alg":"RS256","typ":"JWT","kid":"d-1","version":5}`,
	"an algorithm that is a number": `{"alg":1,"typ":"JWT","kid":"d-1"}`,
	"an algorithm that is null":     `{"alg":null,"typ":"JWT","kid":"d-1"}`,
	"a critical extension":          `{"alg":"RS256","typ":"JWT","kid":"d-1","crit":["b64"],"b64":false}`,
	"a key of its own":              `{"alg":"RS256","typ":"JWT","jwk":{"kty":"oct","k":"AAAA"},"jku":"http://evil.example","x5u":1}`,
}

// payloads are payloads of tokens, by description.
var payloads = map[string]string{
	"nothing":                     ``,
	"null":                        `null`,
	"a string":                    `"ada"`,
	"an array":                    `[1]`,
	"not JSON":                    `{`,
	"nested arrays":               strings.Repeat("[", 3000),
	"claims of wrong types":       `{"sub":{},"email":[],"exp":"soon","iat":"now","nbf":{},"aud":1,"iss":2,"sid":3,"azp":{},"sts":1,"email_verified":"yes"}`,
	"other claims of wrong types": `{"sub":1,"exp":null,"iat":null,"aud":[1],"iss":{},"sessionHandle":1,"tId":{},"refreshTokenHash1":null,"antiCsrfToken":1}`,
	"numbers that are too large":  `{"sub":"ada","exp":1e400,"iat":-1e308,"nbf":1e308}`,
	"all claims of a session":     `{"sub":"ada","exp":9999999999,"iat":1,"sessionHandle":"1","refreshTokenHash1":"1","tId":"public","antiCsrfToken":null,"parentRefreshTokenHash1":null}`,
}

// garbage are values that anybody can send in place of a session, by description.
var garbage = map[string]string{
	"nothing":                          "",
	"bytes":                            "\xff\xfe\x80\xc3(",
	"a quoted string":                  `"ada@example.com"`,
	"percent-escapes":                  "%00%0d%0aSet-Cookie:%20x%2e%2E%zz%",
	"8 KiB":                            strings.Repeat("A", 8<<10),
	"a token that nobody signed":       token(`{"alg":"none"}`, claims),
	"a token with another's signature": token(`{"alg":"HS256","typ":"JWT"}`, claims),
}

const claims = `{"sub":"ada","email":"ada@example.com","exp":9999999999,"iat":1}`

// badTokens returns values in place of a token, for the recipes that may read one.
func badTokens() map[string]string {
	values := map[string]string{
		"null":              "null",
		"an object":         "{}",
		"an address":        "ada@example.com",
		"three letters":     "a.b.c",
		"dots":              "..",
		"many dots":         strings.Repeat(".", 300),
		"spaces":            "   ",
		"8 KiB of segments": token(`{"alg":"RS256","kid":"d-1"}`, `{"sub":"`+strings.Repeat("a", 6<<10)+`"}`),
	}
	for name, header := range headers {
		values["a token whose header has "+name] = token(header, claims)
	}
	for name, payload := range payloads {
		for _, header := range []string{"RS256 with a known key", "HS256", "no algorithm, typed"} {
			values["a token with the header of "+header+" and a payload of "+name] = token(headers[header], payload)
		}
	}
	// SuperTokens' SDK compares old headers with fixed strings.
	old := base64.StdEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT","version":"2"}`))
	legacy := `{"sessionHandle":"1","userId":"ada","refreshTokenHash1":"1","userData":{},"expiryTime":9999999999999,"timeCreated":9999999999998}`
	values["an old header alone"] = old
	values["an old header and nothing"] = old + ".."
	values["an old header and a payload"] = old + "." + base64.StdEncoding.EncodeToString([]byte(legacy)) + ".c2ln"
	values["an old header and a payload, without a signature"] = old + "." + base64.StdEncoding.EncodeToString([]byte(legacy))
	return values
}

// forged are headers that only proxies, or scripts of an identity service, should send.
var forged = http.Header{
	"X-Forwarded-User": {"eve"}, "X-Forwarded-Email": {"eve@example.com"}, "X-Forwarded-Preferred-Username": {"eve"},
	"X-Auth-Request-Email": {"eve@example.com"}, "X-Proxy-Secret": {"a secret of the proxy"}, "Remote-User": {"eve"},
	"X-Forwarded-Host": {"evil.example"}, "X-Forwarded-Proto": {"ftp"}, "X-Forwarded-Prefix": {"//evil.example"},
	"Forwarded": {"host=evil.example"}, "X-Original-Url": {"/evil"}, "Rid": {"session"}, "Anti-Csrf": {"1"}, "St-Auth-Mode": {"header"},
}

// TestGarbage sends every recipe values that anybody can send in place of a session. The app must treat
// the visitor as signed out, without a server error, and the visitor must be able to sign in.
func TestGarbage(t *testing.T) {
	attackAll(t, func(t *testing.T, p *process) {
		v := newVisitor(t)
		values, own := maps.Clone(garbage), []string{"session"}
		if strings.HasPrefix(p.folder, "identity/") {
			maps.Copy(values, badTokens())
		}
		var signIn *signInPage
		if p.folder != spa {
			signIn = p.findSignIn(t, v)
			own = p.addBroken(t, values, signIn)
		}
		for what, value := range values {
			names := credentials
			if len(value) > 2<<10 {
				names = own // some servers limit headers to 16 KiB
			}
			g := given{what, value, names}
			p.isNobody(t, v, g, signIn)
			if signIn != nil {
				p.canSignIn(t, g, signIn)
			}
		}
		if log := ginErrors.ReplaceAllString(p.log.String(), ""); strings.Contains(log, "ERROR") {
			t.Errorf("the log has an error: %.2000s", log)
		}
	})
}

// ginErrors matches the lines that gin-contrib/sessions logs for each cookie that it cannot read.
var ginErrors = regexp.MustCompile(`.* ERROR \[sessions\] ERROR! err="securecookie: .*`)

// addBroken adds damaged and old session cookies to values. It returns the names of the app's cookies.
func (p *process) addBroken(t *testing.T, values map[string]string, signIn *signInPage) (names []string) {
	t.Helper()
	for name, value := range p.session(t, signIn) {
		if !slices.Contains(credentials, name) {
			t.Errorf("the cookie %s is not among the credentials", name)
		}
		names = append(names, name)
		name = "the cookie " + name
		values[name+" cut in half"] = value[:len(value)/2]
		values[name+" without its end"] = value[:len(value)-1]
		values[name+" in capitals"] = strings.ToUpper(value) + "A"
		values[name+" with one letter changed"] = Tampered(&http.Cookie{Value: value}).Value
		values[name+" twice"] = value + "." + value
	}
	earlier := startProcess(t, p.folder, arguments(t, p.folder)...)
	for name, value := range earlier.session(t, earlier.findSignIn(t, newVisitor(t))) {
		values["the cookie "+name+" of an earlier start"] = value
	}
	return names
}

// session returns the cookies of a visitor who has signed in, by name.
func (p *process) session(t *testing.T, signIn *signInPage) map[string]string {
	t.Helper()
	v := newVisitor(t)
	if page := p.signIn(t, v, signIn); !strings.Contains(page.Text, Ada) {
		t.Fatalf("after signing in, the visitor ends at %s", page)
	}
	at, _ := url.Parse(p.appURL + "/")
	cookies := map[string]string{}
	for _, cookie := range v.client.Jar.Cookies(at) {
		cookies[cookie.Name] = cookie.Value
	}
	return cookies
}

// given is a value that a request has in place of a session.
type given struct {
	what, value string
	names       []string // of cookies
}

var signedIn = regexp.MustCompile(`Signed in as \S+@`)

// isNobody sends the value in every cookie, in every cookie twice, and as an access token, always with
// forged headers. It checks that the app treats the visitor as signed out. signIn is nil for spa.
func (p *process) isNobody(t *testing.T, v *Visitor, g given, signIn *signInPage) {
	t.Helper()
	var cookies []string
	for _, name := range g.names {
		cookies = append(cookies, name+"="+g.value)
	}
	for _, header := range []http.Header{
		{"Cookie": {strings.Join(cookies, "; ")}},
		{"Cookie": {strings.Join(append(cookies, cookies...), "; ")}},
		{"Authorization": {"Bearer " + g.value}},
	} {
		if len(header.Get("Cookie")) > 14<<10 {
			continue // some servers reject it
		}
		maps.Copy(header, forged)
		for _, path := range []string{"/", "/sign-in", "/callback?code=1&state=1"} {
			if resp, text := p.ask(t, v, http.MethodGet, path, header, ""); resp.StatusCode >= 500 || signedIn.MatchString(text) {
				t.Errorf("%s: %s is answered %s: %.200s", g.what, path, resp.Status, text)
			}
		}
		paths := posts[p.folder]
		if signIn != nil {
			paths = append(paths, cmp.Or(signIn.post, "/sign-in"))
		}
		for _, path := range paths {
			resp, _ := p.ask(t, v, http.MethodPost, path, header, "email=x")
			isSDKs := p.folder == "identity/supertokens" && strings.HasPrefix(path, "/auth/") // it answers 500 to a body that is not JSON, and to two cookies
			if resp.StatusCode >= 500 && !isSDKs {
				t.Errorf("%s: POST %s is answered %s", g.what, path, resp.Status)
			}
		}
		resp, _ := p.ask(t, v, http.MethodGet, p.route, header, "")
		switch to, err := resp.Location(); {
		case p.folder == spa:
			if resp, _ := p.ask(t, v, http.MethodPost, "/api/docs-url", header, ""); resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s: the API answers %s", g.what, resp.Status)
			}
		case p.folder == "situations/infoapi":
			if resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s: the Info API answers %s", g.what, resp.Status)
			}
		case err != nil || to.Host != signIn.Host || to.Path != signIn.Path:
			t.Errorf("%s: the route does not lead to the sign-in page, but answers %s", g.what, resp.Status)
		}
	}
}

// canSignIn signs in a visitor who has the value in every cookie.
func (p *process) canSignIn(t *testing.T, g given, signIn *signInPage) {
	t.Helper()
	v := newVisitor(t)
	at, _ := url.Parse(p.appURL + "/")
	for _, name := range g.names {
		if cookie := (&http.Cookie{Name: name, Value: g.value, Path: at.Path}); cookie.Valid() == nil {
			v.client.Jar.SetCookies(at, []*http.Cookie{cookie})
		}
	}
	if page := p.signIn(t, v, signIn); page.Status != http.StatusOK || !strings.Contains(page.Text, Ada) {
		t.Errorf("%s: after signing in, the visitor ends at %s", g.what, page)
	}
}
