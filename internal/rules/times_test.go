package rules_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin/internal/rules"
)

// timeFinding returns the finding about one time in claims that are a JSON object without braces.
// The present time is 1700000000.
func timeFinding(t *testing.T, p rules.Platform, claims, rule string) rules.Finding {
	t.Helper()
	_, findings := p.Check(hs256(hsHeader, "{"+claims+"}", secret), secret, "h", now)
	for _, f := range findings {
		if f.Rule == rule {
			return f
		}
	}
	t.Fatalf("no rule %s", rule)
	return rules.Finding{}
}

func TestATimeThatIsOffByWholeHoursIsAWrongTimeZone(t *testing.T) {
	const cause = "mixed up local time and UTC"
	for _, test := range []struct {
		name      string
		platform  rules.Platform
		claims    string
		rule, why string
	}{
		{"two hours behind", rules.ReadMe(), `"iat":1699992800,"exp":1699993100`, "exp", "exp is 1h55m0s in the past, and iat 2h0m0s, a whole number of hours: the token is old, or the program that made it " + cause + "."},
		{"two hours behind, and a minute until somebody asked", rules.ReadMe(), `"iat":1699992740,"exp":1699993040`, "exp", "exp is 1h56m0s in the past, and iat 2h1m0s, a whole number of hours: the token is old, or the program that made it " + cause + "."},
		{"India, behind", rules.ReadMe(), `"iat":1699980200,"exp":1699980500`, "exp", "exp is 5h25m0s in the past, and iat 5h30m0s, a multiple of 30 minutes: the token is old, or the program that made it " + cause + "."},
		{"Nepal, behind", rules.ReadMe(), `"iat":1699979300,"exp":1699979600`, "exp", "exp is 5h40m0s in the past, and iat 5h45m0s, a multiple of 15 minutes: the token is old, or the program that made it " + cause + "."},
		{"two hours behind, without iat", rules.ReadMe(), `"exp":1699993100`, "exp", "exp is 1h55m0s in the past: the token is old, the program that made it " + cause + ", or the signer's clock is at least that far behind this one."},
		{"two hours behind, without a lifetime", rules.ReadMe(), `"exp":1699992800`, "exp", "exp is 2h0m0s in the past: the token is old, the program that made it " + cause + ", or the signer's clock is at least that far behind this one."},
		{"an exp in another zone than iat", rules.ReadMe(), `"iat":1700000000,"exp":1699993100`, "exp", "exp is 1h55m0s in the past and 1h55m0s before iat, so the token was never valid: the program that made it mixed up local time and UTC in one of them."},
		{"such an exp of a session", rules.GitBook(), `"iat":1700000000,"exp":1699992800`, "exp", "exp is 2h0m0s in the past and 2h0m0s before iat, so the token was never valid: the program that made it mixed up local time and UTC in one of them."},
		{"two hours ahead of Mintlify", rules.Mintlify(), `"iat":1700007200,"exp":1700007210`, "exp", "exp is 2h0m10s from now and may be 10s at most: the token was made for 10s, so the program that made it " + cause + ", and is ahead by 2h0m0s, a whole number of hours."},
		{"two hours ahead of Mintlify, without iat", rules.Mintlify(), `"exp":1700007210`, "exp", "exp is 2h0m10s from now and may be 10s at most: the token was given that lifetime, or the program that made it " + cause + "."},
		{"eight hours ahead", rules.ReadMe(), `"iat":1700028800,"exp":1700029100`, "iat", "iat is 8h0m0s in the future, a whole number of hours: the program that made the token " + cause + "."},
		{"eight hours ahead of Zendesk", rules.Zendesk(), `"iat":1700028795`, "iat", "iat is 7h59m55s in the future, a whole number of hours, and may be 3m0s at most: the program that made the token " + cause + "."},
		{"eight hours behind Zendesk", rules.Zendesk(), `"iat":1699971200`, "iat", "iat is 8h0m0s ago, a whole number of hours, and may be 3m0s at most: the token is old, or the program that made it " + cause + "."},
		{"an nbf an hour ahead", rules.ReadMe(), `"iat":1700000000,"nbf":1700003600`, "nbf", "nbf is 1h0m0s in the future, a whole number of hours, so the token is not valid yet: the program that made it " + cause + "."},
		{"a session that ended an hour ago", rules.Mintlify(), `"iat":1700000000,"exp":1700000010,"expiresAt":1699996400`, "expiresAt", "expiresAt is 1h0m0s in the past, a whole number of hours: the session has ended, or the program that made the token " + cause + "."},
	} {
		f := timeFinding(t, test.platform, test.claims, test.rule)
		if f.Why != test.why || strings.Contains(f.Fix, "NTP") || !strings.Contains(f.Fix, "Unix time, which has no time zone: time.Now().Unix() in Go, Math.floor(Date.now() / 1000) in JavaScript") {
			t.Errorf("%s: %+v\nwant %s", test.name, f, test.why)
		}
	}
}

func TestATokenThatIsAcceptedForAWhileAfterItsExp(t *testing.T) {
	lenient := rules.Platform{Name: "Acme", Algorithms: []string{"HS256"}, Leeway: time.Minute}
	const accepted = "exp is 59s in the past, and Acme accepts a token for 1m0s after its exp: the token is old, or the signer's clock is at least 59s behind this one."
	for _, test := range []struct {
		name, claims, why string
		warn              bool
	}{
		{"59 s later", `"iat":1699999700,"exp":1699999941`, accepted, true},
		{"59 s later, without iat", `"exp":1699999941`, accepted, true},
		{"59 s later, and before iat", `"iat":1700000000,"exp":1699999941`, "exp is 59s in the past and 59s before iat, so the token was never valid: its lifetime is negative, or the two come from different clocks.", false},
		{"a minute later", `"iat":1699999700,"exp":1699999940`, "exp is 1m0s in the past, and iat 5m0s: the token is old, or the signer's clock is at least 1m0s behind this one.", false},
	} {
		if f := timeFinding(t, lenient, test.claims, "exp"); f.Why != test.why || f.Warn != test.warn || f.OK {
			t.Errorf("%s: %+v\nwant %s", test.name, f, test.why)
		}
	}
	if behind, _ := lenient.Tolerance(5 * time.Minute); behind != 6*time.Minute {
		t.Errorf("the signer's clock may be %v behind", behind)
	}
	if behind, _ := lenient.Tolerance(0); behind != 0 {
		t.Errorf("without exp, the signer's clock may be %v behind", behind)
	}
}

func TestWholeHours(t *testing.T) {
	for text, want := range map[string]string{
		"0s": "", "15m": "", "27m59s": "", "32m1s": "", "12m": "", "1h7m": "", "14h3m": "", "15h": "", "24h": "", "-1h": "",
		"30m": "a multiple of 30 minutes", "28m": "a multiple of 30 minutes", "3h32m": "a multiple of 30 minutes",
		"1h": "a whole number of hours", "58m": "a whole number of hours", "14h2m": "a whole number of hours",
		"5h45m": "a multiple of 15 minutes", "12h43m": "a multiple of 15 minutes",
	} {
		d, err := time.ParseDuration(text)
		if got := rules.Hours(d); err != nil || got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestUnitsOfTimesAreNamed(t *testing.T) {
	for value, want := range map[string]string{
		"1700000300000":           "exp is in milliseconds.",
		"1700000300000000":        "exp is in microseconds.",
		"1700000300000000000":     "exp is in nanoseconds.",
		"638356000000000000":      "exp is in .NET ticks.",
		`"1700000300"`:            "exp is not a number, but a string with a number in it.",
		`"2023-11-14T22:18:20Z"`:  "exp is not a number, but a date written as text.",
		`"14 Nov 2023 22:18:20"`:  "exp is not a number, but a date written as text.",
		`"in five minutes"`:       "exp is not a number, but a string.",
		`{"$date":1700000300000}`: "exp is not a number.",
		"300":                     "exp is in the 1970s: it holds the lifetime instead of the time at which the token expires.",
		"1699999000.5":            "exp is 16m40s in the past and 16m40s before iat, so the token was never valid: its lifetime is negative, or the two come from different clocks.",
		"1700000300.25":           "exp has a fraction of a second, which some platforms reject.",
		"1.7000003e9":             "exp is 5m0s from now.",
	} {
		f := timeFinding(t, rules.ReadMe(), `"name":"A","email":"e","version":1,"iat":1700000000,"exp":`+value, "exp")
		accepted := value == "1700000300.25" || value == "1.7000003e9"
		if f.Why != want || f.OK != (f.Fix == "") || f.Rejected() == accepted {
			t.Errorf("%s: %+v, want %s", value, f, want)
		}
	}
	for _, claim := range []string{"iat", "nbf"} {
		if f := timeFinding(t, rules.ReadMe(), fmt.Sprintf(`"%s":1699999999.5`, claim), claim); !f.Warn {
			t.Errorf("%s: %+v", claim, f)
		}
	}
	if f := timeFinding(t, rules.Mintlify(), `"expiresAt":3600`, "expiresAt"); f.Why != "expiresAt is in the 1970s: it holds the length of the session instead of its end." {
		t.Errorf("%+v", f)
	}
}
