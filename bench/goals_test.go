package main

import "testing"

func TestGoalsAsText(t *testing.T) {
	for _, tt := range []struct {
		goal goal
		want string
	}{
		{atMost(1.06, "×", ""), "≤ 1.06 ×"},
		{atLeast(3, "×", ""), "≥ 3.00 ×"},
		{atMost(1, "ms", ""), "≤ 1.00 ms"},
		{atMost(130, "", ""), "≤ 130"},
		{atMost(0, "", ""), "0"},
	} {
		if got := tt.goal.String(); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

func TestVerdict(t *testing.T) {
	for _, tt := range []struct {
		goal     goal
		value    float64
		baseline float64 // 0: none
		want     string
	}{
		{atMost(1.9, "×", ""), 1.9, 0, "met"},
		{atMost(1.9, "×", ""), 1.91, 0, "MISSED"},
		{atMost(1.9, "×", ""), 1.901, 0, "MISSED"}, // printed as 1.90
		{atLeast(3.5, "×", ""), 3.5, 0, "met"},
		{atLeast(3.5, "×", ""), 3.49, 0, "MISSED"},
		{atLeast(3.5, "×", ""), 3.499, 0, "MISSED"}, // printed as 3.50
		{atMost(8, "ns", ""), 8, 0, "met"},
		{atMost(130, "", ""), 131, 0, "MISSED"},
		{atLeast(1.7, "×", ""), 1.7, 1.45, "met"},
		{atLeast(1.7, "×", ""), 1.69, 1.7, "MISSED"},
		{atLeast(1.7, "×", ""), 1.44, 1.45, "not judged: bees reaches 1.45 ×"},
		{atLeast(1.7, "×", ""), 1.1, 1.69, "not judged: bees reaches 1.69 ×"},
	} {
		f := figure{value: tt.value, low: 0, high: 100, medians: 50}
		if tt.baseline != 0 {
			f.baseline = &baseline{"bees", figure{value: tt.baseline, low: 0, high: 100, medians: 50}}
		}
		if got := tt.goal.verdict(f); got != tt.want {
			t.Errorf("%v, measured %v, baseline %v: %q, want %q", tt.goal, tt.value, tt.baseline, got, tt.want)
		}
	}
}
