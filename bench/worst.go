package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// worstRequest measures the most expensive request that anybody can send to the library. The row
// also shows an ordinary request.
func worstRequest(b *bench) stage {
	return stage{[]goal{
		atMost(1, "ms", "worst anonymous request: processor time"),
	}, func(ctx context.Context) ([]figure, error) {
		requests, err := b.anonymousRequests()
		if err != nil {
			return nil, err
		}
		worst, err := b.worst(ctx, requests)
		return []figure{worst}, err
	}}
}

// worst measures the requests and returns the time of the most expensive one. The note names that
// request and gives the time of the first one.
func (b *bench) worst(ctx context.Context, requests []anonymousRequest) (figure, error) {
	costs, err := b.costs(ctx, requests)
	if err != nil {
		return figure{}, err
	}
	first := costs[0]
	slices.SortFunc(costs, func(a, b cost) int { return cmp.Compare(b.value, a.value) })
	for _, c := range costs {
		fmt.Fprintf(b.each, "%10s  %s\n", c.microseconds(), c.name)
	}
	worst := costs[0].figure
	worst.note = fmt.Sprintf("%s; %s: %s", costs[0].name, first.name, first.microseconds())
	return worst, nil
}

// cost is the processor time of a request in milliseconds.
type cost struct {
	name string
	figure
}

func (c cost) microseconds() string { return number(1000*c.value, "µs") }

// costs measures the requests in rounds, on one core.
func (b *bench) costs(ctx context.Context, requests []anonymousRequest) ([]cost, error) {
	defer onOneCore()()
	var contestants []func() (float64, error)
	for _, r := range requests {
		if err := r.check(); err != nil {
			return nil, err
		}
		nanoseconds := timed(r.handler, []*http.Request{r.request}, r.status, b.hostile())
		contestants = append(contestants, func() (float64, error) {
			took, err := nanoseconds()
			return took / 1e6, err
		})
	}
	times, err := alternate(ctx, b.rounds, contestants...)
	if err != nil {
		return nil, err
	}
	costs := make([]cost, len(requests))
	for i, r := range requests {
		costs[i] = cost{r.name, median(times[i])}
	}
	return costs, nil
}

// anonymousRequest is a request from somebody who is not signed in.
type anonymousRequest struct {
	name    string
	handler http.Handler
	request *http.Request
	status  int // of the correct response
}

// check serves the request once. It is an error if the response is not correct.
func (r *anonymousRequest) check() error {
	w := serve(r.handler, []*http.Request{r.request}, 1)
	if w.status != r.status {
		return fmt.Errorf("%s: the status is %d, not %d", r.name, w.status, r.status)
	}
	if w.status == http.StatusFound && !strings.HasPrefix(w.header.Get("Location"), "/sign-in?next=%2Fdocs-login%3F") {
		return fmt.Errorf("%s: the redirect does not lead to the sign-in page", r.name)
	}
	return nil
}
