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
		{"the median of one", []float64{4}, 0.5, 4},
		{"the median of an odd number", []float64{9, 1, 4}, 0.5, 4},
		{"the median of an even number", []float64{9, 1, 4, 6}, 0.5, 5},
		{"the lower quartile", []float64{5, 4, 3, 2, 1}, 0.25, 2},
		{"a quartile between two", []float64{1, 2, 3, 4}, 0.75, 3.25},
		{"the least", []float64{3, 1, 2}, 0, 1},
		{"the most", []float64{3, 1, 2}, 1, 3},
	} {
		given := slices.Clone(tt.values)
		if got := quantile(tt.values, tt.q); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
		if !slices.Equal(tt.values, given) {
			t.Errorf("%s: the values are sorted in place", tt.name)
		}
	}
}

func TestRoundsAreComparedAndMediansBeside(t *testing.T) {
	a, b := []float64{2, 6, 4, 40, 10}, []float64{2, 2, 2, 4, 5}
	if got, want := ratio(a, b), (figure{2, 2, 3, 3, false}); got != want { // rounds: 1 3 2 10 2
		t.Errorf("ratio: %v", got)
	}
	if got, want := difference(a, b), (figure{4, 2, 5, 4, false}); got != want { // rounds: 0 4 2 36 5
		t.Errorf("difference: %v", got)
	}
}

func text(f figure, unit string) string {
	measured, medians := f.in(unit)
	return measured + "|" + medians
}

func TestFiguresAndGoalsAsText(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{text(figure{1.234, 1.2, 1.3, 1.251, false}, "×"), "1.23 × (1.20–1.30)|1.25 ×"},
		{text(figure{2.06, -1, 3, 2, false}, "ns"), "2.1 ns (-1.0–3.0)|2.0 ns"},
		{text(exact(0.256), "×"), "0.26 ×|"},
		{text(exact(111), ""), "111|"},
		{text(exact(12), "KiB"), "12 KiB|"},
		{atMost(1.06, "×", "").String(), "≤ 1.06 ×"},
		{atLeast(3, "×", "").String(), "≥ 3.00 ×"},
		{atMost(130, "", "").String(), "≤ 130"},
		{atMost(0, "", "").String(), "0"},
	} {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
}

func TestGoalsAreMetByTheRounds(t *testing.T) {
	for _, tt := range []struct {
		goal  goal
		value float64
		want  bool
	}{
		{atMost(1.9, "×", ""), 1.9, true},
		{atMost(1.9, "×", ""), 1.91, false},
		{atLeast(3.5, "×", ""), 3.5, true},
		{atLeast(3.5, "×", ""), 3.49, false},
		{atLeast(3.5, "×", ""), 3.499, false}, // printed as 3.50
		{atMost(1.9, "×", ""), 1.901, false},
		{atMost(8, "ns", ""), 8, true},
		{atMost(130, "", ""), 131, false},
	} {
		if got := tt.goal.isMet(figure{tt.value, 0, 100, 50, false}); got != tt.want {
			t.Errorf("%v by %v: %v", tt.goal, tt.value, got)
		}
	}
}

func TestEverySecondRoundGoesBackwards(t *testing.T) {
	var order []string
	says := func(name string) func() (string, error) {
		return func() (string, error) {
			order = append(order, name)
			return name, nil
		}
	}
	measured, err := alternate(context.Background(), 3, says("a"), says("b"), says("c"))
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

func TestTheFirstErrorEndsTheRounds(t *testing.T) {
	calls, broken := 0, errors.New("broken")
	fails := func() (int, error) { calls++; return 0, broken }
	if _, err := alternate(context.Background(), 3, fails, fails); err != broken || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}
