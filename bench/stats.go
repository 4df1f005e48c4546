package main

import (
	"context"
	"fmt"
	"slices"
)

// figure is what was measured: of the rounds' own figures the median, and the quartiles
// between which they lie; and beside it the figure of the contestants' medians over all
// rounds, which is another one if the machine's speed changed meanwhile. What is exact has
// neither.
type figure struct {
	value, low, high, medians float64
	isExact                   bool
}

func exact(value float64) figure { return figure{value: value, isExact: true} }

// in writes the figure with its unit.
func (f figure) in(unit string) (measured, medians string) {
	if f.isExact {
		return number(f.value, unit), ""
	}
	digits := digitsOf[unit]
	return fmt.Sprintf("%s (%.*f–%.*f)", number(f.value, unit), digits, f.low, digits, f.high), number(f.medians, unit)
}

// digitsOf says how many digits behind the point a unit deserves.
var digitsOf = map[string]int{"×": 2, "ns": 1}

func number(value float64, unit string) string {
	text := fmt.Sprintf("%.*f", digitsOf[unit], value)
	if unit != "" {
		text += " " + unit
	}
	return text
}

// goal is one row of the table.
type goal struct {
	what    string
	atLeast bool // else at most
	limit   float64
	unit    string
}

func atMost(limit float64, unit, what string) goal  { return goal{what, false, limit, unit} }
func atLeast(limit float64, unit, what string) goal { return goal{what, true, limit, unit} }

func (g goal) String() string {
	switch {
	case g.atLeast:
		return "≥ " + number(g.limit, g.unit)
	case g.limit == 0:
		return number(0, g.unit)
	}
	return "≤ " + number(g.limit, g.unit)
}

// isMet goes by the figure, not by what is printed of it.
func (g goal) isMet(f figure) bool {
	if g.atLeast {
		return f.value >= g.limit
	}
	return f.value <= g.limit
}

// alternate measures each contestant once a round, and in every second round in the
// opposite order. It returns what each measured, round by round.
func alternate[T any](ctx context.Context, rounds int, contestants ...func() (T, error)) ([][]T, error) {
	measured := make([][]T, len(contestants))
	for round := range rounds {
		for turn := range contestants {
			i := turn
			if round%2 == 1 {
				i = len(contestants) - 1 - turn
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			m, err := contestants[i]()
			if err != nil {
				return nil, err
			}
			measured[i] = append(measured[i], m)
		}
	}
	return measured, nil
}

// ratio compares what two contestants measured in the same rounds.
func ratio(a, b []float64) figure {
	return compare(a, b, func(a, b float64) float64 { return a / b })
}

// difference is the same for how much a is above b.
func difference(a, b []float64) figure {
	return compare(a, b, func(a, b float64) float64 { return a - b })
}

func compare(a, b []float64, by func(a, b float64) float64) figure {
	rounds := make([]float64, len(a))
	for i := range a {
		rounds[i] = by(a[i], b[i])
	}
	return figure{
		value: quantile(rounds, 0.5), low: quantile(rounds, 0.25), high: quantile(rounds, 0.75),
		medians: by(quantile(a, 0.5), quantile(b, 0.5)),
	}
}

// quantile returns the value below which the share q of the values lies, between two of
// them by linear interpolation.
func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i == len(sorted)-1 {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}
