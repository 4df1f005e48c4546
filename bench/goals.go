package main

import "fmt"

// limits holds the limits of the goals that differ between the algorithms.
var limits = map[string]struct {
	byHand, golangJWT, goJose float64 // time of a login, as a multiple of the peer's
	allocations               float64 // of a login
	perSecond                 float64 // logins of a server, as a multiple of Express
}{
	"HS256": {1.20, 0.85, 0.60, 56, 4.2},
	"EdDSA": {1.06, 0.96, 0.55, 58, 3.5},
	"ES256": {1.06, 0.98, 0.64, 125, 3.3},
}

// goal is one row of the table.
type goal struct {
	name    string
	atLeast bool // the limit is a minimum, not a maximum
	limit   float64
	unit    string
}

func atMost(limit float64, unit, name string) goal  { return goal{name, false, limit, unit} }
func atLeast(limit float64, unit, name string) goal { return goal{name, true, limit, unit} }

func (g goal) String() string {
	switch {
	case g.atLeast:
		return "≥ " + number(g.limit, g.unit)
	case g.limit == 0:
		return number(0, g.unit)
	}
	return "≤ " + number(g.limit, g.unit)
}

// isMet reports whether the goal is met by the exact value, not by the rounded one that is printed.
func (g goal) isMet(f figure) bool {
	if g.atLeast {
		return f.value >= g.limit
	}
	return f.value <= g.limit
}

// verdict returns the last column of the row. A missed goal is not judged if the baseline misses it,
// too.
func (g goal) verdict(f figure) string {
	switch {
	case g.isMet(f):
		return "met"
	case f.baseline != nil && !g.isMet(f.baseline.figure):
		return fmt.Sprintf("not judged: %s reaches %s", f.baseline.name, number(f.baseline.value, g.unit))
	}
	return "MISSED"
}
