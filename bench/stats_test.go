package main

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
)

func TestQuantile(t *testing.T) {
	for _, tt := range []struct {
		name   string
		values []float64
		q      float64
		want   float64
	}{
		{"the median of one value", []float64{4}, 0.5, 4},
		{"the median of an odd number of values", []float64{9, 1, 4}, 0.5, 4},
		{"the median of an even number of values", []float64{9, 1, 4, 6}, 0.5, 5},
		{"the lower quartile", []float64{5, 4, 3, 2, 1}, 0.25, 2},
		{"a quartile between two values", []float64{1, 2, 3, 4}, 0.75, 3.25},
		{"the minimum", []float64{3, 1, 2}, 0, 1},
		{"the maximum", []float64{3, 1, 2}, 1, 3},
	} {
		given := slices.Clone(tt.values)
		if got := quantile(tt.values, tt.q); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
		if !slices.Equal(tt.values, given) {
			t.Errorf("%s: quantile sorts its argument", tt.name)
		}
	}
}

func TestCompareUsesEachRound(t *testing.T) {
	a, b := []float64{2, 6, 4, 40, 10}, []float64{2, 2, 2, 4, 5}
	if got, want := ratio(a, b), (figure{value: 2, low: 2, high: 3, medians: 3}); got != want { // rounds: 1 3 2 10 2
		t.Errorf("ratio: %v", got)
	}
	if got, want := difference(a, b), (figure{value: 4, low: 2, high: 5, medians: 4}); got != want { // rounds: 0 4 2 36 5
		t.Errorf("difference: %v", got)
	}
	if got, want := median(a), (figure{value: 6, low: 4, high: 10, medians: 6}); got != want {
		t.Errorf("median: %v", got)
	}
}

func TestFigureColumns(t *testing.T) {
	gain := figure{value: 1.234, low: 1.2, high: 1.3, medians: 1.251}
	gain.baseline = &baseline{"bees", figure{value: 1.9, low: 1.8, high: 2, medians: 7}}
	for _, tt := range []struct {
		name              string
		figure            figure
		unit              string
		measured, medians string
	}{
		{"a ratio", figure{value: 1.234, low: 1.2, high: 1.3, medians: 1.251}, "×", "1.23 × (1.20–1.30)", "1.25 ×"},
		{"nanoseconds", figure{value: 2.06, low: -1, high: 3, medians: 2}, "ns", "2.1 ns (-1.0–3.0)", "2.0 ns"},
		{"milliseconds with a note", figure{value: 2.064, low: 1, high: 3, medians: 2, note: "ants"}, "ms", "2.06 ms (1.00–3.00); ants", "2.00 ms"},
		{"a ratio with a baseline", gain, "×", "1.23 × (1.20–1.30); bees: 1.90 × (1.80–2.00)", "1.25 ×"},
		{"an exact ratio", exact(0.256), "×", "0.26 ×", ""},
		{"a count", exact(111), "", "111", ""},
		{"kibibytes", exact(12), "KiB", "12 KiB", ""},
	} {
		if measured, medians := tt.figure.columns(tt.unit); measured != tt.measured || medians != tt.medians {
			t.Errorf("%s: %q and %q", tt.name, measured, medians)
		}
	}
}

func TestAlternateReversesEverySecondRound(t *testing.T) {
	var order []string
	contestant := func(name string) func() (string, error) {
		return func() (string, error) {
			order = append(order, name)
			return name, nil
		}
	}
	measured, err := alternate(context.Background(), 3, contestant("a"), contestant("b"), contestant("c"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "b", "c", "c", "b", "a", "a", "b", "c"}; !slices.Equal(order, want) {
		t.Errorf("order: %v", order)
	}
	if want := [][]string{{"a", "a", "a"}, {"b", "b", "b"}, {"c", "c", "c"}}; !reflect.DeepEqual(measured, want) {
		t.Errorf("measured: %v", measured)
	}
}

func TestAlternateStopsAtTheFirstError(t *testing.T) {
	calls, broken := 0, errors.New("broken")
	fails := func() (int, error) { calls++; return 0, broken }
	if _, err := alternate(context.Background(), 3, fails, fails); err != broken || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}
