package main

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// expected has the claims and the URL of every peer's login.
var expected = map[string]struct{ claims, url string }{
	"HS256": {
		`{"name": "Ada Lovelace", "email": "ada@example.com", "version": 1, "iat": "now", "exp": 300, "jti": "random",
		"apiKey": "sk_live_1", "keys": [{"name": "live", "apiKey": "sk_live_1"}, {"name": "test", "apiKey": "sk_test_1"}]}`,
		"https://docs.example.com?auth_token=TOKEN&redirect=%2Fdocs%2Fgetting-started",
	},
	"EdDSA": {
		`{"content": {"name": "Ada Lovelace", "email": "ada@example.com"}, "groups": ["admin", "beta"], "host": "docs.example.com",
		"apiPlaygroundInputs": {"header": {"Authorization": "Bearer sk_live_1"}}, "iat": "now", "exp": 10, "expiresAt": 1209600}`,
		"https://docs.example.com/login/jwt-callback?redirect=%2Fdocs%2Fgetting-started#TOKEN",
	},
	"ES256": {
		`{"content": {"name": "Ada Lovelace", "email": "ada@example.com"}, "groups": ["admin", "beta"],
		"apiPlaygroundInputs": {"header": {"Authorization": "Bearer sk_live_1"}}, "iat": "now", "exp": 10, "expiresAt": 1209600}`,
		"https://docs.example.com/docs/getting-started#TOKEN",
	},
}

func check(t *testing.T, who string, s *site, got content, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s, %s: %v", s.algorithm, who, err)
		return
	}
	want := content{Header: map[string]any{"alg": s.algorithm, "typ": "JWT"}, URL: expected[s.algorithm].url}
	if err := json.Unmarshal([]byte(expected[s.algorithm].claims), &want.Claims); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s, %s: the login is\n%v, want\n%v", s.algorithm, who, got, want)
	}
}

func sitesFor(t *testing.T) []*site {
	t.Helper()
	sites, err := newSites()
	if err != nil {
		t.Fatal(err)
	}
	return sites
}

func TestPeersAreEquivalent(t *testing.T) {
	for _, s := range sitesFor(t) {
		peers, err := s.peers()
		if err != nil {
			t.Fatal(err)
		}
		names := []string{"docslogin", "handwritten", "golang-jwt", "go-jose"}
		if len(peers) != len(names) {
			t.Fatalf("%d peers", len(peers))
		}
		for i, name := range names {
			w := httptest.NewRecorder()
			peers[i].ServeHTTP(w, httptest.NewRequest("GET", "/docs-login?redirect=%2Fdocs%2Fgetting-started", nil))
			if w.Code != 302 {
				t.Errorf("%s, %s: status %d", s.algorithm, name, w.Code)
			}
			got, err := s.read(w.Header().Get("Location"))
			check(t, name, s, got, err)
		}
	}
}

func TestServersAreEquivalent(t *testing.T) {
	for _, s := range sitesFor(t) {
		apps, err := new(bench).startBoth(context.Background(), s)
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range []string{"docslogin", "Express"} {
			location, err := loginAt(apps[i])
			if err != nil {
				t.Fatalf("%s, %s: %v", s.algorithm, name, err)
			}
			got, err := s.read(location)
			check(t, name, s, got, err)
			if kib, err := apps[i].resident(); err != nil || kib < 4<<10 || kib > 4<<20 {
				t.Errorf("%s has %v KiB of memory, %v", name, kib, err)
			}
			apps[i].cookie = "session=unknown"
			if _, err := loginAt(apps[i]); err == nil || !strings.Contains(err.Error(), "responds with 302") { // to the sign-in page
				t.Errorf("%s, %s, with an unknown session: %v", s.algorithm, name, err)
			}
			apps[i].stop()
			if state := apps[i].command.ProcessState; state == nil || !state.Success() {
				t.Errorf("%s stopped with %v", name, state)
			}
		}
	}
}

func loginAt(a *app) (string, error) {
	c, err := a.connect(time.Now().Add(30 * time.Second))
	if err != nil {
		return "", err
	}
	defer c.Close()
	return c.login()
}

var allCores = allowed("self")

func allowed(pid string) string {
	cores, err := find("/proc/"+pid+"/status", `Cpus_allowed_list:\s*(\S+)`)
	if err != nil {
		panic(err)
	}
	return cores
}

func TestServersAndLoadArePinned(t *testing.T) {
	b := &bench{pin: runtime.NumCPU() > 1}
	wanted, own := allCores, allCores
	if b.pin {
		wanted, own = "0", "1"
		unpin, err := pinLoad()
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			unpin()
			if now := allowed("self"); now != allCores {
				t.Errorf("this process stays on core %s", now)
			}
		}()
	}
	if now := allowed("self"); now != own {
		t.Errorf("the load is on core %s", now)
	}
	apps, err := b.startBoth(context.Background(), sitesFor(t)[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range apps {
		defer a.stop()
		if cores := allowed(strconv.Itoa(a.command.Process.Pid)); cores != wanted {
			t.Errorf("%v is on core %s, want %s", a.command.Args, cores, wanted)
		}
	}
}

func TestReadVerifiesTheToken(t *testing.T) {
	s := sitesFor(t)[0]
	token := func(change func(claims map[string]any)) string {
		key, err := s.signingKey()
		if err != nil {
			t.Fatal(err)
		}
		claims := readMeClaims(ada, time.Now())
		change(claims)
		payload, err := json.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		return compact("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.", payload, key)
	}
	same := func(map[string]any) {}
	forged := []byte(token(same))
	forged[len(forged)-10] ^= 1

	for _, tt := range []struct {
		name, location string
		want           bool // equivalent to the peers
	}{
		{"a good token", "https://docs.example.com?auth_token=" + token(same) + "&redirect=%2Fdocs%2Fgetting-started", true},
		{"a token from two minutes ago", "https://docs.example.com?auth_token=" + token(func(c map[string]any) { c["iat"], c["exp"] = time.Now().Unix()-120, time.Now().Unix()+180 }) + "&redirect=%2Fdocs%2Fgetting-started", false},
		{"a token with a short ID", "https://docs.example.com?auth_token=" + token(func(c map[string]any) { c["jti"] = "1" }) + "&redirect=%2Fdocs%2Fgetting-started", false},
		{"a token with another claim", "https://docs.example.com?auth_token=" + token(func(c map[string]any) { c["isAdmin"] = true }) + "&redirect=%2Fdocs%2Fgetting-started", false},
		{"a forged token", "https://docs.example.com?auth_token=" + string(forged) + "&redirect=%2Fdocs%2Fgetting-started", false},
		{"no token", "https://docs.example.com?redirect=%2Fdocs%2Fgetting-started", false},
		{"another host", "https://example.com?auth_token=" + token(same) + "&redirect=%2Fdocs%2Fgetting-started", false},
	} {
		got, err := s.read(tt.location)
		var claims map[string]any
		if err := json.Unmarshal([]byte(expected["HS256"].claims), &claims); err != nil {
			t.Fatal(err)
		}
		if is := err == nil && reflect.DeepEqual(got.Claims, claims) && got.URL == expected["HS256"].url; is != tt.want {
			t.Errorf("%s: %v, %v", tt.name, got, err)
		}
	}
}
