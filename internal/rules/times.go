package rules

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const (
	// skew is how far ahead the signer's clock may be without a warning.
	skew = time.Minute
	// shortSession is the shortest docs session without a warning.
	shortSession = time.Minute
	// slack allows for a signer that rounds times up to whole seconds.
	slack = time.Second
	// tooSmall is in the year 1973 if read as seconds. A smaller exp is a lifetime.
	tooSmall = 1e8
	// tooLarge is in the year 5138 if read as seconds. A larger time is in milliseconds or less.
	tooLarge = 1e11
)

// What to do about a wrong time.
const (
	clock    = "Synchronize the signer's clock with NTP."
	unixTime = "Set times from Unix time, which has no time zone: time.Now().Unix() in Go, Math.floor(Date.now() / 1000) in JavaScript, int(time.time()) in Python. If the signer's clock is off by as much, correct the time zone of its machine."
)

func (p Platform) checkTimes(claims map[string]any, now time.Time) []Finding {
	var out []Finding
	if v, ok := claims["exp"]; ok {
		out = append(out, whole(p.checkExp(v, claims["iat"], now), v))
	} else if p.RequiredExp {
		out = append(out, fail("exp", "The token has no exp.", "Set exp to "+p.lifetime()+", in seconds."))
	} else if p.SessionClaim == "exp" {
		out = append(out, warn("exp", "The token has no exp, so the platform alone decides when the docs session ends.", "Set exp to "+p.lifetime()+", in seconds."))
	}
	out = append(out, whole(p.checkIat(claims["iat"], now), claims["iat"]), whole(checkNbf(claims, now), claims["nbf"]))
	if v, ok := claims[p.SessionClaim]; ok && p.SessionClaim != "" && p.SessionClaim != "exp" {
		out = append(out, whole(checkSession(p.SessionClaim, v, now), v))
	}
	return out
}

func (p Platform) checkExp(v, iat any, now time.Time) Finding {
	fix := "Set exp to " + p.lifetime() + ", in seconds."
	at, why := seconds(v)
	made, unknown := seconds(iat)
	left, age := at.Sub(now), now.Sub(made)
	switch {
	case why != "":
		return fail("exp", "exp "+why+".", fix)
	case at.Unix() < tooSmall:
		return fail("exp", "exp is in the 1970s: it holds the lifetime instead of the time at which the token expires.", fix+" Add the lifetime to the present time.")
	case left <= 0 && -left < p.Leeway && (unknown != "" || !at.Before(made)):
		return warn("exp", fmt.Sprintf("exp is %s in the past, and %s accepts a token for %s after its exp: the token is old, or the signer's clock is at least %[1]s behind this one.", span(-left), p.Name, span(p.Leeway)),
			"Make a new token for each login. "+clock)
	case left <= 0 && unknown == "" && at.Before(made):
		early := made.Sub(at)
		never := fmt.Sprintf("exp is %s in the past and %s before iat, so the token was never valid: ", span(-left), span(early))
		if Hours(early) != "" || Hours(early+usualLifetime) != "" {
			return fail("exp", never+"the program that made it mixed up local time and UTC in one of them.", fix+" "+unixTime)
		}
		return fail("exp", never+"its lifetime is negative, or the two come from different clocks.", fix)
	case left <= 0 && unknown == "" && Hours(age) != "":
		return fail("exp", fmt.Sprintf("exp is %s in the past, and iat %s, %s: the token is old, or the program that made it mixed up local time and UTC.", span(-left), span(age), Hours(age)),
			fix+" Make a new token for each login. "+unixTime)
	case left <= 0 && unknown == "":
		return fail("exp", fmt.Sprintf("exp is %s in the past, and iat %s: the token is old, or the signer's clock is at least %[1]s behind this one.", span(-left), span(age)),
			fix+" Make a new token for each login. "+clock)
	case left <= 0 && (Hours(-left) != "" || Hours(usualLifetime-left) != ""):
		return fail("exp", fmt.Sprintf("exp is %s in the past: the token is old, the program that made it mixed up local time and UTC, or the signer's clock is at least that far behind this one.", span(-left)),
			fix+" Make a new token for each login. "+unixTime)
	case left <= 0:
		return fail("exp", fmt.Sprintf("exp is %s in the past: the token is old, or the signer's clock is at least that far behind this one.", span(-left)),
			fix+" Make a new token for each login. "+clock)
	case p.MaxLifetime > 0 && left > p.MaxLifetime+slack:
		return p.checkLate(left, at.Sub(made), age, unknown == "", fix)
	case p.SessionClaim == "exp" && left < shortSession:
		return warn("exp", "exp is "+span(left)+" from now, and logs the reader out of the docs then.", fix)
	}
	return pass("exp", "exp is "+span(left)+" from now.")
}

// usualLifetime is what most programs add to the present time.
const usualLifetime = 5 * time.Minute

// checkLate explains an exp that is too far away. The lifetime and the age count only if the token
// has an iat.
func (p Platform) checkLate(left, lifetime, age time.Duration, hasIat bool, fix string) Finding {
	late := fmt.Sprintf("exp is %s from now and may be %s at most", span(left), span(p.MaxLifetime))
	madeFor := fmt.Sprintf("%s: the token was made for %s, so ", late, span(lifetime))
	switch {
	case hasIat && lifetime <= p.MaxLifetime && Hours(-age) != "":
		return fail("exp", madeFor+"the program that made it mixed up local time and UTC, and is ahead by "+span(-age)+", "+Hours(-age)+".", unixTime)
	case hasIat && lifetime <= p.MaxLifetime:
		return fail("exp", madeFor+"the signer's clock is at least "+span(left-p.MaxLifetime)+" ahead of this one.", clock)
	case Hours(left-p.MaxLifetime) != "":
		return fail("exp", late+": the token was given that lifetime, or the program that made it mixed up local time and UTC.", fix+" "+unixTime)
	}
	return fail("exp", late+".", fix)
}

func checkNbf(claims map[string]any, now time.Time) Finding {
	const fix = "Leave nbf out."
	v, ok := claims["nbf"]
	at, why := seconds(v)
	ahead := at.Sub(now)
	switch {
	case !ok:
		return pass("nbf", "The token has no nbf, which is best.")
	case why != "":
		return fail("nbf", "nbf "+why+".", fix)
	case Hours(ahead) != "":
		return fail("nbf", "nbf is "+span(ahead)+" in the future, "+Hours(ahead)+", so the token is not valid yet: the program that made it mixed up local time and UTC.", fix+" "+unixTime)
	case ahead > 0:
		return fail("nbf", "nbf is "+span(ahead)+" in the future, so the token is not valid yet.", fix)
	}
	return warn("nbf", "The token has nbf: with a clock that is ahead, nobody could log in.", fix)
}

// checkSession checks the claim for the end of the docs session.
func checkSession(name string, v any, now time.Time) Finding {
	fix := "Set " + name + " to the end of the docs session, in seconds since 1970."
	at, why := seconds(v)
	left := at.Sub(now)
	switch {
	case why != "":
		return fail(name, name+" "+why+".", fix)
	case at.Unix() < tooSmall:
		return fail(name, name+" is in the 1970s: it holds the length of the session instead of its end.", fix+" Add the length to the present time.")
	case Hours(-left) != "":
		return fail(name, name+" is "+span(-left)+" in the past, "+Hours(-left)+": the session has ended, or the program that made the token mixed up local time and UTC.", fix+" "+unixTime)
	case left <= 0:
		return fail(name, name+" is "+span(-left)+" in the past.", fix)
	}
	return pass(name, name+" is "+span(left)+" from now.")
}

// whole turns a finding that is OK into a warning if the time is not in whole seconds.
func whole(f Finding, v any) Finding {
	n, _ := v.(json.Number)
	if seconds, err := n.Float64(); f.OK && err == nil && seconds != math.Trunc(seconds) {
		return warn(f.Rule, f.Rule+" has a fraction of a second, which some platforms reject.", "Round it to whole seconds, as Math.floor(Date.now() / 1000) does.")
	}
	return f
}

// Hours returns "a whole number of hours", "a multiple of 30 minutes", or "a multiple of 15 minutes" if
// that describes a positive duration to within two minutes, and if time zones can be that far apart.
// Otherwise it returns "".
func Hours(d time.Duration) string {
	const tolerance = 2 * time.Minute
	if d < 30*time.Minute-tolerance || d > 14*time.Hour+tolerance {
		return ""
	}
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{time.Hour, "a whole number of hours"}, {30 * time.Minute, "a multiple of 30 minutes"}, {15 * time.Minute, "a multiple of 15 minutes"}} {
		if (d - d.Round(unit.length)).Abs() <= tolerance {
			return unit.name
		}
	}
	return ""
}

// wrongZone returns the end of a sentence about a time that is ahead by a whole number of hours.
func wrongZone(ahead time.Duration) string {
	return ", " + Hours(ahead) + ": the program that made the token mixed up local time and UTC."
}

// span formats a duration in whole seconds, or in days if it is long.
func span(d time.Duration) string {
	if days := d.Round(time.Hour) / (24 * time.Hour); days > 2 {
		return fmt.Sprintf("%d days", days)
	}
	return d.Round(time.Second).String()
}

func (p Platform) lifetime() string {
	if p.MaxLifetime > 0 {
		return "at most " + p.MaxLifetime.String() + " from now"
	}
	if p.SessionClaim == "exp" {
		return "the end of the docs session"
	}
	return "a few minutes from now"
}

func (p Platform) checkIat(v any, now time.Time) Finding {
	const fix = "Set iat to the present time, in seconds."
	missing := warn
	if p.RequiredIat {
		missing = fail
	}
	at, why := seconds(v)
	ahead := at.Sub(now)
	switch {
	case v == nil:
		return missing("iat", "The token has no iat.", fix)
	case why != "":
		return fail("iat", "iat "+why+".", fix)
	case p.MaxAge > 0 && -ahead > p.MaxAge && Hours(-ahead) != "":
		return fail("iat", fmt.Sprintf("iat is %s ago, %s, and may be %s at most: the token is old, or the program that made it mixed up local time and UTC.",
			span(-ahead), Hours(-ahead), span(p.MaxAge)), "Make a new token for each login. "+unixTime)
	case p.MaxAge > 0 && -ahead > p.MaxAge:
		return fail("iat", fmt.Sprintf("iat is %s ago and may be %s at most: the token is old, or the signer's clock is at least %s behind this one.",
			span(-ahead), span(p.MaxAge), span(-ahead-p.MaxAge)), "Make a new token for each login. "+clock)
	case p.MaxAhead > 0 && ahead > p.MaxAhead && Hours(ahead) != "":
		return fail("iat", fmt.Sprintf("iat is %s in the future, %s, and may be %s at most: the program that made the token mixed up local time and UTC.", span(ahead), Hours(ahead), span(p.MaxAhead)), unixTime)
	case p.MaxAhead > 0 && ahead > p.MaxAhead:
		return fail("iat", fmt.Sprintf("iat is %s in the future and may be %s at most: the signer's clock is at least that far ahead of this one.", span(ahead), span(p.MaxAhead)), clock)
	case Hours(ahead) != "":
		return warn("iat", "iat is "+span(ahead)+" in the future"+wrongZone(ahead), unixTime)
	case ahead > skew:
		return warn("iat", "iat is "+span(ahead)+" in the future: the signer's clock is at least that far ahead of this one.", clock)
	case ahead > 0:
		return pass("iat", "iat is "+span(ahead)+" in the future, within the usual difference between clocks.")
	}
	return pass("iat", "iat is "+span(-ahead)+" ago.")
}

// seconds returns the time of a NumericDate (RFC 7519, section 2), or what is wrong with it.
func seconds(v any) (time.Time, string) {
	if text, ok := v.(string); ok {
		return time.Time{}, "is not a number, but " + describeText(text)
	}
	n, ok := v.(json.Number)
	if !ok {
		return time.Time{}, "is not a number"
	}
	f, err := n.Float64()
	switch {
	case err != nil || f < 0 || f >= 1e9*tooLarge:
		return time.Time{}, "is not a time in seconds"
	case f >= 6e6*tooLarge && f < 7e6*tooLarge: // 1902 to 2219
		return time.Time{}, "is in .NET ticks"
	case f >= 1e6*tooLarge:
		return time.Time{}, "is in nanoseconds"
	case f >= 1e3*tooLarge:
		return time.Time{}, "is in microseconds"
	case f >= tooLarge:
		return time.Time{}, "is in milliseconds"
	}
	return time.UnixMilli(int64(f * 1000)), ""
}

// describeText describes a time that was sent as a string.
func describeText(text string) string {
	if _, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil {
		return "a string with a number in it"
	}
	if len(text) >= len("2006-01-02") && strings.ContainsAny(text, "-/:") && strings.ContainsAny(text, "0123456789") {
		return "a date written as text"
	}
	return "a string"
}
