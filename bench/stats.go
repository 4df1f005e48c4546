package main

import (
	"context"
	"fmt"
	"slices"
)

// figure is a measured value. For an exact value, only value is set.
type figure struct {
	value     float64 // median of the rounds
	low, high float64 // quartiles of the rounds
	medians   float64 // computed from the medians over all rounds; differs if the machine's speed changed
	isExact   bool
	note      string    // printed after the value
	baseline  *baseline // nil: none
}

// baseline is what the machine achieves in the same rounds without the library.
type baseline struct {
	name string
	figure
}

func exact(value float64) figure { return figure{value: value, isExact: true} }

// columns returns the two columns of the table that show the figure.
func (f figure) columns(unit string) (measured, medians string) {
	measured = number(f.value, unit)
	if !f.isExact {
		digits := digitsOf[unit]
		measured += fmt.Sprintf(" (%.*f–%.*f)", digits, f.low, digits, f.high)
		medians = number(f.medians, unit)
	}
	if f.baseline != nil {
		text, _ := f.baseline.columns(unit)
		measured += "; " + f.baseline.name + ": " + text
	}
	if f.note != "" {
		measured += "; " + f.note
	}
	return measured, medians
}

// digitsOf maps units to their number of decimals. Other units have none.
var digitsOf = map[string]int{"×": 2, "ns": 1, "µs": 1, "ms": 2}

func number(value float64, unit string) string {
	text := fmt.Sprintf("%.*f", digitsOf[unit], value)
	if unit != "" {
		text += " " + unit
	}
	return text
}

// alternate measures each contestant once per round, in reverse order in every second round. It
// returns the results of each contestant, round by round.
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

// ratio returns the figure of a/b, computed round by round.
func ratio(a, b []float64) figure {
	return compare(a, b, func(a, b float64) float64 { return a / b })
}

// difference returns the figure of a-b, computed round by round.
func difference(a, b []float64) figure {
	return compare(a, b, func(a, b float64) float64 { return a - b })
}

func compare(a, b []float64, by func(a, b float64) float64) figure {
	rounds := make([]float64, len(a))
	for i := range a {
		rounds[i] = by(a[i], b[i])
	}
	f := median(rounds)
	f.medians = by(quantile(a, 0.5), quantile(b, 0.5))
	return f
}

// median returns the figure for one contestant's results.
func median(rounds []float64) figure {
	value := quantile(rounds, 0.5)
	return figure{value: value, low: quantile(rounds, 0.25), high: quantile(rounds, 0.75), medians: value}
}

// quantile returns the q-quantile of the values, with linear interpolation.
func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i == len(sorted)-1 {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}
