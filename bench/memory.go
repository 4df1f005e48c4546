package main

import (
	"context"
	"net/http"
	"runtime"

	"github.com/docslogin/docslogin"
)

// memory measures how much the live heap grows during a million logins.
func memory(b *bench) stage {
	return stage{[]goal{
		atMost(64, "KiB", "one million logins: live heap added"),
	}, func(ctx context.Context) ([]figure, error) {
		var handlers []http.Handler
		for _, s := range b.sites {
			docs, err := docslogin.New(signedIn, s.preset(docsURL, s.key))
			if err != nil {
				return nil, err
			}
			handlers = append(handlers, docs)
		}
		if _, err := heapGrowth(ctx, handlers, 6000); err != nil { // so that one-time allocations do not count
			return nil, err
		}
		bytes, err := heapGrowth(ctx, handlers, b.logins)
		return []figure{exact(float64(bytes / 1024))}, err
	}}
}

// heapGrowth returns the growth of the live heap during the logins, in bytes. The handlers take turns,
// with a thousand logins each.
func heapGrowth(ctx context.Context, handlers []http.Handler, logins int) (int64, error) {
	before := liveHeap()
	requests := []*http.Request{loginRequest()}
	for thousand := range logins / 1000 {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		serve(handlers[thousand%len(handlers)], requests, 1000)
	}
	after := liveHeap()
	runtime.KeepAlive(handlers)
	return after - before, nil
}

// liveHeap returns how many bytes of the heap survive a garbage collection.
func liveHeap() int64 {
	runtime.GC()
	runtime.GC() // a sync.Pool keeps its contents for one collection
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
